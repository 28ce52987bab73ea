//! Who is called for a lead, one after the other. Pure: the settings and the time in, a person out.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{Channel, Phone, Timestamp};

/// Somebody who can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name, for the timeline and the note.
    pub name: String,
    /// The number.
    pub phone: Phone,
    /// Ways to text this person, best first; empty: as for everybody.
    pub channels: Vec<Channel>,
    /// Who this person is in a CRM: the id of its user, by the CRM's channel.
    pub owners: BTreeMap<Channel, String>,
}

impl Person {
    /// Somebody without preferences.
    #[must_use]
    pub const fn new(name: String, phone: Phone) -> Self {
        Self { name, phone, channels: Vec::new(), owners: BTreeMap::new() }
    }
}

/// One step of the escalation chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Who is called.
    pub who: Person,
    /// How long that person has to claim the lead.
    pub wait: Duration,
    /// The phone rings as well, so long after the text, if the lead is not claimed by then.
    pub ring: Option<Duration>,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn<'a> {
    /// The step of the chain, from 0. Steps between the one that was asked for and this one mean nobody now.
    pub step: u32,
    /// Who is called.
    pub person: &'a Person,
    /// How long that person has; zero: for ever.
    pub wait: Duration,
    /// The phone rings as well, so long after the text.
    pub ring: Option<Duration>,
}

/// Everybody who may be called, and in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnCall {
    chain: Vec<Step>,
}

impl OnCall {
    /// A chain of steps.
    #[must_use]
    pub const fn new(chain: Vec<Step>) -> Self {
        Self { chain }
    }

    /// One person, always, who is not waited for: there is nobody to call next.
    #[must_use]
    pub fn alone(who: Person) -> Self {
        Self::new(vec![Step { who, wait: Duration::ZERO, ring: None }])
    }

    /// Whether there is nobody at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.chain.is_empty()
    }

    /// The first step, from `from` on, that means somebody at this time; `None` at the end of the chain.
    #[must_use]
    pub fn turn(&self, from: u32, _now: Timestamp) -> Option<Turn<'_>> {
        let step = self.chain.get(usize::try_from(from).unwrap_or(usize::MAX))?;
        Some(Turn { step: from, person: &step.who, wait: step.wait, ring: step.ring })
    }

    /// Whose number this is, in E.164; nobody's, if it is no number or nobody here has it.
    #[must_use]
    pub fn whose(&self, number: &str) -> Option<&Person> {
        self.chain.iter().map(|step| &step.who).find(|person| person.phone.as_str() == number)
    }
}
