//! The people on call, as the demo plays them: they look at their phones, and answer.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::sleep;

use super::world::{Shown, World};

/// Somebody on call.
#[derive(Debug, Clone, Copy)]
pub(super) struct OnCall {
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) number: &'static str,
}

/// Who is called first. She answers with the code, but sleeps through what Twilio brings.
pub(super) const DANA: OnCall = OnCall { key: "dana", name: "Dana", number: "+13035550119" };
/// Who is called when she doesn't answer. He doesn't bother with codes.
pub(super) const LEE: OnCall = OnCall { key: "lee", name: "Lee", number: "+13035550120" };

/// How long it takes to read a text and to answer it: in a demo, nobody is slow.
const READS: Duration = Duration::from_millis(250);
/// Between two looks at the phones.
const LOOK: Duration = Duration::from_millis(20);

/// Answers the texts that call somebody, until this future is dropped.
pub(super) async fn live(world: &World) {
    let mut seen = HashSet::new();
    loop {
        let new = world.phones().into_iter().filter(|shown| seen.insert(shown.clone()));
        let answers: Vec<(&str, String)> = new.filter_map(|shown| answer(&shown)).collect();
        if !answers.is_empty() {
            sleep(READS).await;
        }
        for (number, text) in answers {
            world.modem.text_in(number, &text);
        }
        sleep(LOOK).await;
    }
}

/// Who answers a text, and what.
fn answer(shown: &Shown) -> Option<(&'static str, String)> {
    let mut words = shown.text.split(' ');
    let (code, class) = (words.next()?, words.next()?);
    let calls = matches!(class, "URGENT" | "UNCLASSIFIED");
    match (calls, shown.to.as_str(), shown.by) {
        (true, number, "modem") if number == DANA.number => Some((DANA.number, code.to_lowercase())),
        (true, number, _) if number == LEE.number => Some((LEE.number, "ok 👍".to_owned())),
        _ => None,
    }
}
