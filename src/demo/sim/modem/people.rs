//! People who read the texts that this modem sends, and answer them: after a while, in their own words, or not at all.
//!
//! A person answers a text once all of it is on the phone, whatever becomes of the modem meanwhile: the answer is the
//! network's then, and comes in as any other text does.

use std::fmt;
use std::time::Duration;

use super::Modem;
use super::agenda::Event;
use super::inbound::Inbound;
use super::machine::Machine;

/// What somebody types on reading a text, and how long that takes; `None`: nothing.
type Answering = Box<dyn FnMut(&str) -> Option<(Duration, Inbound)> + Send>;

/// Everybody who answers.
#[derive(Default)]
pub(super) struct People(Vec<(String, Answering)>);

impl fmt::Debug for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(number, _)| number)).finish()
    }
}

impl People {
    /// What the owner of the number answers.
    fn answer(&mut self, number: &str, text: &str) -> Option<(Duration, Inbound)> {
        let (_, answer) = self.0.iter_mut().find(|(of, _)| of == number)?;
        answer(text)
    }
}

impl Machine {
    /// A part has reached a phone: somebody may have the whole text now.
    pub(super) fn read_by_people(&mut self) {
        let Some(text) = self.phones.completed() else { return };
        if let Some((after, inbound)) = self.people.answer(&text.to, &text.text) {
            self.agenda.add(self.now.saturating_add(after), Event::Answer(inbound));
        }
    }
}

impl Modem {
    /// From now on the owner of this number reads what the modem sends there, and answers as `answer` says.
    pub fn answered_by(&self, number: &str, answer: impl FnMut(&str) -> Option<(Duration, Inbound)> + Send + 'static) {
        self.shared.touch(|machine| {
            machine.people.0.retain(|(of, _)| of != number);
            machine.people.0.push((number.to_owned(), Box::new(answer)));
        });
    }
}
