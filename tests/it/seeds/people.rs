//! People on call, who read what is on their phones and type what they like, at once or much later.

use std::time::Duration;

use fastrand::Rng;

use super::world::{Deed, What};

/// A text that somebody types.
#[derive(Debug, Clone)]
pub(super) struct Typed {
    pub(super) number: String,
    pub(super) text: String,
}

/// What somebody answers to a text, and how long after it.
pub(super) fn answer(deed: &Deed, rng: &mut Rng) -> Vec<(Duration, Typed)> {
    let (What::Text(words), Some(number)) = (&deed.what, &deed.to) else { return Vec::new() };
    let words = words.strip_prefix("(repeat) ").unwrap_or(words);
    let listed = words.split_once("urgent leads: ").map(|(_, list)| list);
    let calls = listed.is_some() || words.contains(" URGENT ") || words.contains(" UNCLASSIFIED ");
    let Some(code) = listed.unwrap_or(words).split([' ', ';', '.']).next().filter(|_| calls) else { return Vec::new() };
    let mut typed = Vec::new();
    // Some think twice.
    while rng.u8(..5) < 3 && typed.len() < 3 {
        let text = match rng.u8(..10) {
            0..3 => code.to_owned(),
            3 => "ok 👍".to_owned(),
            4..7 => format!("{code} no"),
            7 => "HELP".to_owned(),
            8 => "I am driving".to_owned(),
            _ => "who is this".to_owned(),
        };
        let after = if rng.u8(..4) == 0 { rng.u64(200..40_000) } else { rng.u64(3..200) };
        typed.push((Duration::from_secs(after), Typed { number: number.clone(), text }));
    }
    typed
}
