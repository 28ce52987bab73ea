//! What holds for every text there is, and how long cleaning may take.
//!
//! Properties over text rich in what markup, quotes and signatures are made of, the fuzzer's seeds, and hostile input
//! of growing length. A text that breaks one of them is kept as a seed.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::tests::{cleaned, escaped, settings};
use super::*;

/// Work must grow with the length of the input only, and nothing may nest calls as the input nests elements.
#[test]
fn hostile_input_is_bounded() {
    const UNITS: &[&str] = &[
        "<",
        "<a ",
        "<a b=\"",
        "<a b=\"<a c='",
        "a=\"<x \" ",
        "<!--",
        "<script>",
        "<svg>",
        "<svg></object>",
        "</div>",
        "&",
        "&amp;",
        "&&#35;38;",
        "&lt;",
        "<div>",
        "<br>",
        "<p>x",
        "<table><tr><td>",
        "<a><b><i>",
        "<!",
        "<?x",
        "</script",
        "<script></script",
        "<x y=\"z\">",
        "\u{301}",
        "\n ",
        "message: ",
        "<foo></bar>",
        "<!-- -->",
        "<!-- --!>",
        "<![CDATA[",
        "<![CDATA[]]>",
        "<style>f(",
        "%25",
        "%20",
        "a+%2",
        ">",
        "> \n",
        "> 5\n",
        "> x\n\n",
        "!\n> x\n",
        "On 2025 x\n",
        "On 2025 x wrote:\n",
        "a@b wrote:\n> x\n",
        "From: a@b\n",
        "___\n",
        "-- \n",
        "--\nAnna\na@b.co\n",
        "!\n-- \n!\n",
        "Sent from my iPhone\n",
        "new submission from x\n",
        "drop x\n",
    ];
    let time = |start: &str, unit: &str, bytes: usize| {
        let raw = format!("{start}{}", unit.repeat(bytes / unit.len()));
        let start = Instant::now();
        drop(clean(&raw, &settings(4000)));
        start.elapsed()
    };
    let check = move || {
        for (start, unit) in UNITS.iter().map(|unit| ("", *unit)).chain([("<b>", "<"), ("<a ", "b=\"<c \" ")]) {
            // 16 times the input takes 16 times the work; squared work would be 256 times as much.
            let (little, much) = (time(start, unit, 8 * 1024), time(start, unit, 128 * 1024));
            assert!(much < little.max(Duration::from_millis(10)) * 64, "{start}{unit}: {little:?}, then {much:?}");
        }
        drop(clean(&format!("{}{}", "<div>".repeat(50_000), "</div>".repeat(50_000)), &settings(4000)));
    };
    std::thread::Builder::new().stack_size(1024 * 1024).spawn(check).unwrap().join().unwrap();
}

/// Text rich in what markup, quotes and signatures are made of.
fn marked() -> impl Strategy<Value = String> {
    const SIGNS: [&str; 48] = [
        "<", ">", "&", ";", "#", "\"", "'", "/", "=", "!", "-", " ", "\n", "<", "&", "a", "b", "x", "3", "p", "br",
        "div", "td", "script", "style", "svg", "title", "head", "object", "foo", "o:p", "--", "amp", "lt", "gt",
        "nbsp", "quot", "x3c", "38", "\u{301}", "\u{338}", "\u{200b}", "\u{37e}", "%41", "%3C", "%20", "%25", "+",
    ];
    const PHRASES: [&str; 32] = [
        "message:",
        "Message :",
        "\n-- \n",
        "\n--\n",
        "\n> ",
        "\n>",
        "\nOn 5 May 2025, ",
        "a@b.co",
        "wrote:",
        " wrote:\n",
        "\nAm 5. Mai ",
        " schrieb ",
        ":\n",
        "\nSent from my iPhone",
        "\nVon meinem iPad gesendet\n",
        "\n-----Original Message-----\n",
        "\nFrom: Bob 10:12\n",
        "Sent: 10:12\n",
        "Subject: x\n",
        "\n____\n",
        "New submission from x\n",
        "We need fifty tents. ",
        "Anna",
        "\nDROP ",
        "1",
        "\n",
        "This email was sent from a contact form",
        "\r\n",
        "{",
        "f(",
        "<![CDATA[",
        "]]>",
    ];
    let bits = prop_oneof![3 => proptest::sample::select(&SIGNS[..]), 1 => proptest::sample::select(&PHRASES[..])];
    prop_oneof![
        2 => proptest::collection::vec(bits, 0..24),
        1 => proptest::collection::vec(proptest::sample::select(&PHRASES[..]), 0..16),
    ]
    .prop_map(|bits| bits.concat())
}

fn is_presentable(text: &str) -> bool {
    text.chars().all(|c| c == '\n' || !(c.is_control() || chars::visible(&c.to_string()).is_empty()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn cleaning_twice_is_cleaning_once(
        text in prop_oneof![4 => marked(), 1 => any::<String>()],
        cap in prop_oneof![0_usize..120, Just(10_000)],
        drop_lines in prop_oneof![Just(vec![]), Just(vec!["drop".to_owned(), "\u{c4}x".to_owned()])],
    ) {
        let settings = Settings { max_chars: cap, drop_lines };
        let once = clean(&text, &settings);
        prop_assert_eq!(&clean(once.as_str(), &settings), &once);
        prop_assert!(once.as_str().chars().count() <= cap && is_presentable(once.as_str()));
    }

    /// What a machine put around it goes, but never all of it.
    #[test]
    fn no_message_is_lost(text in marked(), drop_lines in prop_oneof![Just(vec![]), Just(vec!["drop".to_owned(), "w".to_owned()])]) {
        let unwrapped = unwrapped(&chars::visible(&text));
        let once = clean(&text, &Settings { max_chars: 10_000, drop_lines });
        prop_assert!(unwrapped.trim().is_empty() || !once.is_empty());
    }

    #[test]
    fn nothing_panics(text in any::<String>(), cap in any::<usize>()) {
        drop(clean(&text, &settings(cap)));
        drop(normalise(&text));
    }
}

/// The fuzzer's seeds, for whoever has no nightly compiler.
#[test]
fn the_fuzzer_s_seeds_hold() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/sanitize");
    let mut count = 0;
    for seed in std::fs::read_dir(&folder).unwrap() {
        let path = seed.unwrap().path();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        let drop_lines = vec!["drop this".to_owned()];
        for settings in [Settings::default(), Settings { max_chars: 40, drop_lines }] {
            let once = clean(&text, &settings);
            assert_eq!(clean(once.as_str(), &settings), once, "{}", path.display());
            assert!(once.as_str().chars().count() <= settings.max_chars && is_presentable(once.as_str()));
        }
        count += 1;
    }
    assert!(count > 0, "no seeds in {}", folder.display());
}

/// Whatever a person may see as clean text comes out of its escaped form unharmed.
#[test]
fn escaping_loses_nothing() {
    let (mut kept, mut telling) = (0_u32, 0_u32);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    while kept < 4000 {
        let text = marked().new_tree(&mut runner).unwrap().current();
        let text = if kept % 2 == 0 { cleaned(&text) } else { text };
        if cleaned(&text) != text || (!text.contains(['<', '&']) && telling < kept) {
            continue;
        }
        kept += 1;
        telling += u32::from(text.contains(['<', '&']));
        assert_eq!(cleaned(&escaped(&text)), text);
    }
    assert!(telling * 2 >= kept, "{telling} of {kept}");
}
