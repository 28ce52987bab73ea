//! Who is called for a lead, one after the other. Pure: the settings and the time in, a person out.
//!
//! A step of the chain that means nobody at the moment is never waited for: the rota has a gap there, or it is the hour in
//! which that person wants to sleep.

mod hours;
mod rota;
#[cfg(test)]
mod tests;
mod weekly;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::{Channel, Phone, Timestamp};

pub use hours::{Hours, Mode};
pub use rota::{Duty, Layer, Override, Rota, Rotation, Shift};
pub use weekly::{NotWeekly, Stretch, Weekly, date_time, moment, reading, time, weekday};

/// When somebody is at work who never said when.
const OFFICE_HOURS: &str = "mon-fri 09:00-17:00";

/// Somebody who can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// What the rota, the chain and the overrides call this person.
    pub key: String,
    /// The name, for the timeline and the note.
    pub name: String,
    /// The number.
    pub phone: Phone,
    /// The e-mail address.
    pub email: Option<String>,
    /// Ways to text this person, best first; empty: as for everybody.
    pub channels: Vec<Channel>,
    /// Hours in which this person is not called.
    pub quiet: Vec<Weekly>,
    /// Who this person is in a CRM: the id of its user, by the CRM's channel.
    pub owners: BTreeMap<Channel, String>,
}

impl Person {
    /// Somebody without preferences.
    #[must_use]
    pub fn new(name: String, phone: Phone) -> Self {
        let key = name.to_lowercase();
        Self { key, name, phone, email: None, channels: Vec::new(), quiet: Vec::new(), owners: BTreeMap::new() }
    }
}

/// Whom a step calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Whoever has duty.
    Rota,
    /// Always the same person, by key.
    Person(String),
}

/// One step of the escalation chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Who is called.
    pub who: Who,
    /// How long that person has to claim the lead.
    pub wait: Duration,
    /// The phone rings as well, so long after the text, if the lead is not claimed by then.
    pub ring: Option<Duration>,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn<'a> {
    /// The step of the chain, from 0.
    pub step: u32,
    /// Who is called.
    pub person: &'a Person,
    /// How long that person has; zero: for ever.
    pub wait: Duration,
    /// The phone rings as well, so long after the text.
    pub ring: Option<Duration>,
}

/// What comes after a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next<'a> {
    /// Why each step on the way to the turn means nobody now, in words.
    pub skipped: Vec<String>,
    /// Whose turn it is; `None` at the end of the chain.
    pub turn: Option<Turn<'a>>,
}

/// A stretch of time in which the same people would be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span<'a> {
    /// From when to when.
    pub when: Stretch,
    /// What an urgent lead does.
    pub mode: Mode,
    /// The layer of the rota that says who has duty.
    pub layer: Option<Layer>,
    /// Whom each step of the chain calls; nobody in an hour in which nobody is called.
    pub steps: Vec<Option<&'a Person>>,
}

impl Span<'_> {
    /// Whether an urgent lead would find nobody.
    #[must_use]
    pub fn is_gap(&self) -> bool {
        self.mode == Mode::Alert && self.steps.iter().all(Option::is_none)
    }
}

/// Everybody who may be called, in which order, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnCall {
    /// Everybody.
    pub people: Vec<Person>,
    /// Who has duty, and the zone of all hours here.
    pub rota: Rota,
    /// Who is called first, second, and so on.
    pub chain: Vec<Step>,
    /// When people are called at all.
    pub hours: Hours,
}

impl Default for OnCall {
    /// Nobody.
    fn default() -> Self {
        Self { people: Vec::new(), rota: Rota::empty(TimeZone::UTC), chain: Vec::new(), hours: Hours::always() }
    }
}

impl OnCall {
    /// One person, always, who is not waited for: there is nobody to call next.
    #[must_use]
    pub fn alone(person: Person) -> Self {
        Self::of(vec![(person, Duration::ZERO)])
    }

    /// These, one after the other, at any hour.
    #[must_use]
    pub fn of(people: Vec<(Person, Duration)>) -> Self {
        let step = |(person, wait): &(Person, Duration)| Step {
            who: Who::Person(person.key.clone()),
            wait: *wait,
            ring: None,
        };
        let chain = people.iter().map(step).collect();
        Self { people: people.into_iter().map(|(person, _)| person).collect(), chain, ..Self::default() }
    }

    /// Whether there is nobody at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.chain.is_empty()
    }

    /// The first step, from `from` on, that means somebody at this time. `ad_hoc` are the overrides that an operator made.
    #[must_use]
    pub fn next(&self, from: u32, now: Timestamp, ad_hoc: &[Override]) -> Next<'_> {
        let mut skipped = Vec::new();
        for (nth, step) in (0..).zip(&self.chain).skip_while(|(nth, _)| *nth < from) {
            match self.meant(step, now, ad_hoc) {
                Ok(person) => {
                    let turn = Turn { step: nth, person, wait: step.wait, ring: step.ring };
                    return Next { skipped, turn: Some(turn) };
                }
                Err(why) => skipped.push(why),
            }
        }
        Next { skipped, turn: None }
    }

    /// Whom a step means now, or why it means nobody.
    fn meant(&self, step: &Step, now: Timestamp, ad_hoc: &[Override]) -> Result<&Person, String> {
        let key = match &step.who {
            Who::Person(key) => key.as_str(),
            Who::Rota => self.rota.duty(now, ad_hoc).who.ok_or("nobody has duty")?,
        };
        let person = self.person(key).ok_or_else(|| format!("{key} is nobody's key any more"))?;
        if self.is_quiet(person, now) {
            return Err(format!("{} has quiet hours", person.name));
        }
        Ok(person)
    }

    /// Whether this is an hour in which that person is not called.
    #[must_use]
    pub fn is_quiet(&self, person: &Person, now: Timestamp) -> bool {
        person.quiet.iter().any(|hours| hours.around(&self.rota.zone, now).is_some())
    }

    /// Whether people may be bothered with what can wait: in business hours, or in those of an office where none are given.
    #[must_use]
    pub fn is_daytime(&self, now: Timestamp) -> bool {
        if !self.hours.open.is_empty() {
            return self.hours.is_open(&self.rota.zone, now);
        }
        let open = OFFICE_HOURS.parse().into_iter().collect();
        Hours { open, ..self.hours.clone() }.is_open(&self.rota.zone, now)
    }

    /// The person with this key.
    #[must_use]
    pub fn person(&self, key: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.key == key)
    }

    /// Whoever has this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.name == name)
    }

    /// Whose number this is, in E.164; nobody's, if it is no number or nobody here has it.
    #[must_use]
    pub fn whose(&self, number: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.phone.as_str() == number)
    }

    /// What an urgent lead does now.
    #[must_use]
    pub fn mode(&self, now: Timestamp) -> Mode {
        self.hours.mode(&self.rota.zone, now)
    }

    /// When a lead that is deferred now will call people.
    #[must_use]
    pub fn resumes(&self, now: Timestamp) -> Option<Timestamp> {
        self.hours.next_alert(&self.rota.zone, now)
    }

    /// Who would be called, from begin to end of the stretch, without a hole.
    #[must_use]
    pub fn calendar<'a>(&'a self, within: Stretch, ad_hoc: &'a [Override]) -> Vec<Span<'a>> {
        let zone = &self.rota.zone;
        let mut edges = self.rota.edges(within, ad_hoc);
        edges.extend(self.hours.edges(zone, within));
        let quiet = self.people.iter().flat_map(|person| &person.quiet);
        edges.extend(quiet.flat_map(|hours| hours.windows(zone, within)).flat_map(|hours| [hours.from, hours.until]));
        edges.retain(|edge| within.contains(*edge));
        edges.push(within.from);
        edges.sort_unstable();
        edges.dedup();
        let ends = edges.iter().skip(1).copied().chain([within.until]);
        let mut spans: Vec<Span<'_>> = Vec::new();
        for (from, until) in edges.iter().copied().zip(ends) {
            let span = self.span(Stretch { from, until }, ad_hoc);
            match spans.last_mut() {
                Some(last) if (last.mode, last.layer, &last.steps) == (span.mode, span.layer, &span.steps) => {
                    last.when.until = until;
                }
                _ => spans.push(span),
            }
        }
        spans
    }

    /// A stretch in which nothing changes.
    fn span<'a>(&'a self, when: Stretch, ad_hoc: &'a [Override]) -> Span<'a> {
        let mode = self.mode(when.from);
        let called = |step| if mode == Mode::Alert { self.meant(step, when.from, ad_hoc).ok() } else { None };
        Span {
            when,
            mode,
            layer: self.rota.duty(when.from, ad_hoc).layer.filter(|_| mode == Mode::Alert),
            steps: self.chain.iter().map(called).collect(),
        }
    }
}
