//! What people on call type.

use nightdesk::demo::sim::modem::Inbound;

use super::scene::{BOSS, DANA, LEE, Scene};

/// One row: what is typed, where `K7` is the code of the lead that waits, what becomes of the lead, and who is told what.
struct Row {
    name: &'static str,
    typed: fn(&str) -> Inbound,
    claim: &'static str,
    told: &'static [&'static str],
}

const fn row(
    name: &'static str,
    typed: fn(&str) -> Inbound,
    claim: &'static str,
    told: &'static [&'static str],
) -> Row {
    Row { name, typed, claim, told }
}

const YOURS: &[&str] = &["Dana: K7 is yours."];
const EXPLAINED: &[&str] = &["Dana: Waiting: K7. Answer K7"];
const NOTHING: &[&str] = &[];

fn dana(text: &str) -> Inbound {
    Inbound::new(DANA, text)
}

/// Few words and many thumbs: two parts.
fn thumbs(code: &str) -> Inbound {
    dana(&format!("{code} {}", "👍".repeat(50)))
}

const ROWS: [Row; 18] = [
    row("lower case and a thumb", |k7| dana(&format!("{} 👍", k7.to_lowercase())), "claimed Dana", YOURS),
    row("a bare word and a thumb", |_| dana("ok 👍"), "claimed Dana", YOURS),
    row("what a keyboard adds", |k7| dana(&format!(" «{}\u{200b} {}».", &k7[..1], &k7[1..])), "claimed Dana", YOURS),
    row("in two parts", thumbs, "claimed Dana", YOURS),
    row("in two parts, the last first", |k7| thumbs(k7).backwards(), "claimed Dana", YOURS),
    row("in two parts, each twice", |k7| thumbs(k7).twice(), "claimed Dana", YOURS),
    row("its second part never comes", |k7| thumbs(k7).without_part(2), "open", NOTHING),
    row("as a flash", |k7| dana(k7).class(0), "claimed Dana", YOURS),
    row(
        "somebody who was not called",
        |k7| Inbound::new(LEE, k7),
        "claimed Lee",
        &["Lee: K7 is yours.", "Dana: K7 claimed by Lee"],
    ),
    row(
        "somebody abroad",
        |k7| Inbound::new(BOSS, k7),
        "claimed Boss",
        &["Boss: K7 is yours.", "Dana: K7 claimed by Boss"],
    ),
    row("passed on", |k7| dana(&format!("{k7} no, at the dentist")), "open", &["Lee: K7 URGENT"]),
    row("not theirs to pass on", |k7| Inbound::new(LEE, &format!("{k7} NO")), "open", NOTHING),
    row("help", |_| dana("Help?"), "open", EXPLAINED),
    row("a slip of the thumb", |k7| dana(if k7 == "A2" { "C2" } else { "A2" }), "open", EXPLAINED),
    row("an autoresponder", |k7| dana(&format!("I am driving. {k7}")), "open", NOTHING),
    row(
        "a longer one",
        |k7| dana(&format!("Hi, I'm in a meeting until four and will answer {k7} as soon as I can")),
        "open",
        NOTHING,
    ),
    row("our own words", |k7| dana(&format!("{k7} URGENT +46812345678 Anna Berg")), "open", NOTHING),
    row("nothing", |_| dana(""), "open", NOTHING),
];

#[tokio::test]
async fn what_people_type() {
    let mut scene = Scene::open().await;
    for Row { name, typed, claim, told } in ROWS {
        let code = scene.lead().await;
        let inbound = typed(&code);
        let shown = scene.types(&inbound).await;
        let want: Vec<String> = told.iter().map(|text| text.replace("K7", &code)).collect();
        assert_eq!(scene.sent().await, want, "{name}");
        assert_eq!(scene.claim(&code), claim, "{name}");
        let state = if name.contains("never comes") { "waits for 1 of 2 parts" } else { "whole" };
        assert_eq!(shown[2..], [state.to_owned(), "true".to_owned()], "{name}: {shown:?}");
        if claim != "open" {
            continue;
        }
        // Whatever was typed before, the lead can still be claimed.
        scene.types(&dana(&code)).await;
        assert_eq!(scene.sent().await[0], format!("Dana: {code} is yours."), "{name}");
    }
    assert_eq!(scene.office.violations(), [""; 0]);
}

#[tokio::test]
async fn two_codes_and_second_thoughts() {
    let mut scene = Scene::open().await;
    let (first, second) = (scene.lead().await, scene.lead().await);
    scene.types(&dana(&format!("{first} and {second}"))).await;
    let yours = |who: &str, code: &str| format!("{who}: {code} is yours.");
    let mut told = scene.sent().await;
    told.sort();
    let mut want = [yours("Dana", &first), yours("Dana", &second)];
    want.sort();
    assert_eq!(told, want);
    scene.types(&Inbound::new(LEE, &first)).await;
    assert_eq!(scene.sent().await, [format!("Lee: {first} claimed by Dana")]);
    scene.types(&dana(&format!("{first} NO"))).await;
    assert_eq!(scene.sent().await, [format!("Lee: {first} URGENT")], "given back: the next one is called");
    scene.types(&Inbound::new(LEE, "ok")).await;
    assert_eq!(scene.sent().await, [yours("Lee", &first), format!("Dana: {first} claimed by Lee")]);
    assert_eq!((scene.claim(&first), scene.claim(&second)), ("claimed Lee".into(), "claimed Dana".into()));
    scene.types(&dana("ok")).await;
    assert_eq!(scene.sent().await, ["Dana: No lead is waiting"]);
    let notes = |contact| scene.office.hubspot.notes_of(contact).len();
    assert_eq!((notes("7001"), notes("7002")), (4, 2), "the first, then claimed, given back, claimed");
    assert_eq!(scene.office.violations(), [""; 0]);
}

/// A person who reads what the modem sends, and answers by themselves.
#[tokio::test]
async fn a_person_answers_the_text_that_calls() {
    let mut scene = Scene::open().await;
    let after = std::time::Duration::from_millis(50);
    scene.office.modem.answered_by(DANA, move |text| {
        let code = text.split(' ').next()?;
        text.contains("URGENT").then(|| (after, Inbound::new(DANA, &format!("{code} no"))))
    });
    scene.office.modem.answered_by(LEE, move |text| text.contains("URGENT").then(|| (after, Inbound::new(LEE, "👍"))));
    let (code, told) = scene.lead_that_is_claimed().await;
    let want = [
        format!("Dana: {code} URGENT"),
        format!("Lee: {code} URGENT"),
        format!("Lee: {code} is yours."),
        format!("Dana: {code} claimed by Lee"),
    ];
    assert_eq!(told, want);
    assert_eq!(scene.claim(&code), "claimed Lee");
}
