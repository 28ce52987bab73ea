//! A team on call: one after the other is called, soon; some answer at once, some late, some nonsense, some never.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use nightdesk::demo::sim::Modem;
use nightdesk::demo::sim::modem::{Callee, Inbound};

/// Whoever a text is for, and what their number is.
pub(super) const PEOPLE: [(&str, &str); 3] =
    [("Dana", "+15551230001"), ("Lee", "+15551230002"), ("Boss", "+15551230003")];

pub(super) const TEAM: &str = r#"
[oncall]
chain = [{ who = "dana", wait = "850ms", ring = "300ms" }, { who = "lee", wait = "600ms" }, { who = "boss", wait = "600ms" }]
[oncall.ring]
channels = ["modem0"]
lasts = "5s"
per-hour = 100000
per-day = 100000
[oncall.people.dana]
name = "Dana"
phone = "+15551230001"
[oncall.people.lee]
name = "Lee"
phone = "+15551230002"
[oncall.people.boss]
name = "Boss"
phone = "+15551230003"
"#;
/// Digests soon.
pub(super) const DIGESTS: &str = "digest-after = 4\ndigest-within = \"5s\"\ndigest-gather = \"400ms\"";

/// Everything that was typed: by whom and what.
pub(super) type Typed = Arc<Mutex<Vec<(String, String)>>>;

/// Everybody's phone is answered by chance.
pub(super) fn gather(modem: &Modem, rng: &mut fastrand::Rng) -> Typed {
    let typed = Typed::default();
    modem.callee(Callee::Busy);
    for (_, number) in PEOPLE {
        let (mut rng, typed) = (fastrand::Rng::with_seed(rng.u64(..)), Arc::clone(&typed));
        modem.answered_by(number, move |text| {
            let answer = answer(text, &mut rng)?;
            typed.lock().unwrap().push((number.to_owned(), answer.clone()));
            Some((Duration::from_millis(rng.u64(20..1_200)), Inbound::new(number, &answer)))
        });
    }
    typed
}

/// What somebody types on reading this, if anything.
fn answer(text: &str, rng: &mut fastrand::Rng) -> Option<String> {
    let text = text.strip_prefix("(repeat) ").unwrap_or(text);
    let listed = text.split_once("urgent leads: ").map(|(_, list)| list);
    let code = listed.unwrap_or(text).split([' ', ';', '.']).next()?;
    if listed.is_none() && !text.contains(" URGENT ") && !text.contains(" UNCLASSIFIED ") {
        return None;
    }
    Some(match rng.u8(..12) {
        0 | 1 => format!("{} 👍", code.to_lowercase()),
        2 => "ok".to_owned(),
        3 | 4 => format!("{code} no"),
        5 => "I am driving".to_owned(),
        6 => "Help?".to_owned(),
        7 => format!("{code} {}", "👍".repeat(40)),
        _ => return None,
    })
}
