//! Messages nobody thought of, for the sanitiser: `cargo +nightly fuzz run sanitize` (with cargo-fuzz installed).
//!
//! Whatever comes in, cleaning doesn't panic, cleaning twice is cleaning once, and what comes out is no longer than
//! allowed and free of characters that can't be seen or that turn the reading direction. The seeds in
//! `corpus/sanitize` are replayed by the crate's own tests. A finding becomes one more seed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nightdesk::sanitize::{Settings, clean};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let drop_lines = vec!["drop this".to_owned()];
    for settings in [Settings::default(), Settings { max_chars: 40, drop_lines }] {
        let once = clean(&text, &settings);
        assert_eq!(clean(once.as_str(), &settings), once);
        assert!(once.as_str().chars().count() <= settings.max_chars);
        assert!(!once.as_str().contains(is_forbidden), "{once:?}");
    }
});

fn is_forbidden(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(
            c,
            '\u{a0}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
        )
}
