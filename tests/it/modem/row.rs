//! A row of the table: what goes wrong, how the text that meets it may end, and what follows.

use std::sync::Arc;
use std::time::Duration;

use nightdesk::demo::sim::modem::{Family, Setup};

use super::scene::{DANA, Scene, World};

type OnSetup = fn(Setup) -> Setup;
type OnScene = fn(&mut Scene);
type OnWorld = fn(&World);

/// What follows the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// The next text goes out within this time after the trouble is over.
    Works(Duration),
    /// A person is called, once. When the person has helped, the next text goes out within this time.
    Calls(Duration),
}

/// One row. The steps of a cell are in [`super::cell`].
#[derive(Clone)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) families: fn(Family) -> bool,
    pub(super) setup: OnSetup,
    /// Before the desk starts: configuration and what is wrong from the beginning.
    pub(super) before: OnScene,
    /// Once the modem is ready, or will not be: what goes wrong now.
    pub(super) fault: Arc<dyn Fn(&World) + Send + Sync>,
    /// The same for what needs the whole scene.
    pub(super) meanwhile: OnScene,
    /// So long after the text began: what happens by itself.
    pub(super) later: Vec<(Duration, OnWorld)>,
    /// The desk is stopped and started again after the text.
    pub(super) restarts: bool,
    /// After the text: the trouble is over, by itself or by a person.
    pub(super) over: OnScene,
    pub(super) text: &'static str,
    /// How the text may end.
    pub(super) ends: &'static [&'static str],
    pub(super) then: Then,
    /// A person is called at most so often: once for each trouble.
    pub(super) alarms: usize,
    /// Texts that come in and must be kept, once, and deleted from the modem.
    pub(super) texts_in: &'static [(&'static str, &'static str)],
    /// How long that may take after the text.
    pub(super) kept_within: Duration,
    /// What the network says became of the text, in the ledger's word.
    pub(super) fate: Option<&'static str>,
    /// What else must be so.
    pub(super) check: fn(&Scene) -> Result<(), String>,
}

/// A text of one part.
pub(super) const TEXT: &str = "URGENT lead K7: 50 units by tomorrow";
/// A text of three parts.
pub(super) const LONG: &str = "URGENT lead K7: 50 units by tomorrow, budget 20k, wants a call back this evening before 9, \
    speaks English and Spanish, came by the pricing page, has asked for the red ones twice before and got the blue ones, \
    and would like to know whether the price of last year still holds; also has a question on delivery to the island, \
    which took five weeks the last time, and asks for a name.";
/// Delivered exactly once, at once or soon.
pub(super) const DELIVERED: &[&str] = &["sent", "retried"];
/// Delivered, or another way in time.
pub(super) const IN_TIME: &[&str] = &["sent", "retried", "over"];
/// The verdict was lost, and nobody can tell.
pub(super) const UNSURE: &[&str] = &["unknown"];
/// The verdict was lost; a report may tell.
pub(super) const MAYBE: &[&str] = &["unknown", "found"];
pub(super) const OVER: &[&str] = &["over"];
pub(super) const PERSON: &[&str] = &["person"];
pub(super) const REFUSED: &[&str] = &["refused"];

impl Row {
    pub(super) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            families: |_| true,
            setup: |setup| setup,
            before: |_| (),
            fault: Arc::new(|_| ()),
            meanwhile: |_| (),
            later: Vec::new(),
            restarts: false,
            over: |_| (),
            text: TEXT,
            ends: DELIVERED,
            then: Then::Works(Duration::from_mins(3)),
            alarms: 1,
            texts_in: &[],
            kept_within: Duration::from_mins(1),
            fate: None,
            check: |_| Ok(()),
        }
    }

    pub(super) fn only(self, families: fn(Family) -> bool) -> Self {
        Self { families, ..self }
    }

    pub(super) fn setup(self, setup: OnSetup) -> Self {
        Self { setup, ..self }
    }

    pub(super) fn before(self, before: OnScene) -> Self {
        Self { before, ..self }
    }

    pub(super) fn fault(self, fault: impl Fn(&World) + Send + Sync + 'static) -> Self {
        Self { fault: Arc::new(fault), ..self }
    }

    pub(super) fn meanwhile(self, meanwhile: OnScene) -> Self {
        Self { meanwhile, ..self }
    }

    pub(super) fn later(mut self, seconds: u64, what: OnWorld) -> Self {
        self.later.push((Duration::from_secs(seconds), what));
        self
    }

    pub(super) fn restarts(self) -> Self {
        Self { restarts: true, ..self }
    }

    pub(super) fn over(self, over: OnScene) -> Self {
        Self { over, ..self }
    }

    pub(super) fn long(self) -> Self {
        Self { text: LONG, ..self }
    }

    pub(super) fn ends(self, ends: &'static [&'static str]) -> Self {
        Self { ends, ..self }
    }

    /// The next text may take so long.
    pub(super) fn works_within(self, minutes: u64) -> Self {
        Self { then: Then::Works(Duration::from_mins(minutes)), ..self }
    }

    /// A person is called; the next text may take so long after they helped.
    pub(super) fn calls(self, minutes: u64) -> Self {
        Self { then: Then::Calls(Duration::from_mins(minutes)), ..self }
    }

    pub(super) fn alarms(self, alarms: usize) -> Self {
        Self { alarms, ..self }
    }

    /// These come in, from Dana unless it says otherwise.
    pub(super) fn keeps(self, texts_in: &'static [(&'static str, &'static str)]) -> Self {
        Self { texts_in, ..self }
    }

    pub(super) fn kept_within(self, minutes: u64) -> Self {
        Self { kept_within: Duration::from_mins(minutes), ..self }
    }

    pub(super) fn fate(self, fate: &'static str) -> Self {
        Self { fate: Some(fate), ..self }
    }

    pub(super) fn check(self, check: fn(&Scene) -> Result<(), String>) -> Self {
        Self { check, ..self }
    }
}

/// An answer of Dana's.
pub(super) const ANSWER: &[(&str, &str)] = &[(DANA, "K7")];

/// How often a command was given.
pub(super) fn count(scene: &Scene, command: &str) -> usize {
    scene.modem.commands().iter().filter(|given| given.starts_with(command)).count()
}

/// It was given so often.
pub(super) fn given(scene: &Scene, command: &str, times: usize) -> Result<(), String> {
    let found = count(scene, command);
    if found == times { Ok(()) } else { Err(format!("{command} {found} times instead of {times}")) }
}
