//! What a modem will do by itself, and when. Pure: the machine looks at it whenever its clock moves.

use std::time::Duration;

use super::inbound::Inbound;

/// Something that happens at its time.
#[derive(Debug, Clone)]
pub(super) enum Event {
    /// A line nobody asked for, once no PDU is being written.
    Line(String),
    /// A line that comes again and again.
    Habit { every: Duration, line: &'static str },
    /// The next line of a storm that lasts until then.
    Storm { every: Duration, until: Duration, nth: usize },
    /// The modem has come to.
    Awake,
    /// The port is there again.
    Returns,
    /// The network takes the modem in.
    Registered,
    /// What was handed over should have been acknowledged by now.
    Unacknowledged,
    /// The network says this of the call of that number.
    Call { nth: usize, line: &'static str },
    /// Somebody answers a text.
    Answer(Inbound),
}

/// The events to come.
#[derive(Debug, Default)]
pub(super) struct Agenda(Vec<(Duration, Event)>);

impl Agenda {
    pub(super) fn add(&mut self, at: Duration, event: Event) {
        self.0.push((at, event));
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<Duration> {
        self.0.iter().map(|(at, _)| *at).min()
    }

    /// The earliest one that is due; those of the same time in the order in which they were added.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<Event> {
        let (at, _) = self.0.iter().enumerate().filter(|(_, (at, _))| *at <= now).min_by_key(|(_, (at, _))| *at)?;
        Some(self.0.remove(at).1)
    }

    /// The modem starts anew: what it would have done is forgotten, but a storm blows on, and people answer all the same.
    pub(super) fn start_anew(&mut self) {
        self.0.retain(|(_, event)| matches!(event, Event::Storm { .. } | Event::Answer(_)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_order() {
        let mut agenda = Agenda::default();
        let line = |text: &str| Event::Line(text.to_owned());
        for (at, text) in [(3, "d"), (1, "a"), (2, "b"), (2, "c"), (9, "e")] {
            agenda.add(Duration::from_secs(at), line(text));
        }
        let mut said = String::new();
        while let Some(Event::Line(text)) = agenda.take_due(Duration::from_secs(3)) {
            said.push_str(&text);
        }
        assert_eq!((said.as_str(), agenda.next()), ("abcd", Some(Duration::from_secs(9))));
    }
}
