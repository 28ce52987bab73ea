//! Voice calls: dialled, ringing, ended by either side (3GPP TS 27.007, clauses 6.2 and 6.5; ITU-T V.250, clause 6.3).

use std::time::Duration;

use jiff::Timestamp;

use super::Modem;
use super::agenda::Event;
use super::commands::{Reply, done};
use super::machine::{Machine, Next};
use super::step::Step;
use crate::model::Phone;

/// Until a network says that a phone is busy, or can't be found.
const NETWORK: Duration = Duration::from_secs(1);

/// What the called phone does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Callee {
    /// It rings until the caller hangs up.
    #[default]
    Rings,
    /// Somebody is on it already.
    Busy,
    /// The network doesn't find it, and ends the call at once.
    Unreachable,
    /// Somebody declines the call after so long.
    Declines(Duration),
    /// The network ends the call after so long.
    NoAnswer(Duration),
    /// Somebody picks up after so long, and waits.
    PicksUp(Duration),
}

/// A call that the modem made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    /// Whom it called.
    pub to: String,
    /// When.
    pub at: Timestamp,
    /// How long the call was; `None`: it isn't over.
    pub lasted: Option<Duration>,
}

/// The calls of a modem.
#[derive(Debug, Default)]
pub(super) struct Voice {
    pub(super) callee: Callee,
    /// When the one that is under way began.
    since: Option<Duration>,
    rung: Vec<Rung>,
}

impl Machine {
    /// `ATD`: what is behind it is a number, and `;` for a voice call.
    pub(super) fn dial(&mut self, number: &str) {
        let to = number.strip_suffix(';').filter(|number| number.parse::<Phone>().is_ok());
        let reply = match to {
            _ if !self.nature.voice => Reply::Unknown,
            None => {
                self.violations.push(format!("ATD{number} is no voice call to a number in E.164"));
                Reply::Error
            }
            Some(_) if self.is_calling() => {
                self.violations.push(format!("ATD{number} in the middle of a call"));
                Reply::Error
            }
            Some(_) if self.refused_by_sim().is_some() => Reply::Cme(10),
            Some(_) if !self.is_registered() => return self.finish("NO CARRIER"),
            Some(to) => {
                self.begin_call(to);
                done()
            }
        };
        self.pass(Step::Executed(""), Next::Answer(reply));
    }

    fn begin_call(&mut self, to: &str) {
        let (at, nth) = (self.clock(), self.voice.rung.len());
        self.voice.rung.push(Rung { to: to.to_owned(), at, lasted: None });
        self.voice.since = Some(self.now);
        let (after, line) = match self.voice.callee {
            Callee::Rings => return,
            Callee::Busy => (NETWORK, "BUSY"),
            Callee::Unreachable => (NETWORK, "NO CARRIER"),
            Callee::Declines(after) => (after, "NO CARRIER"),
            Callee::NoAnswer(after) => (after, "NO ANSWER"),
            Callee::PicksUp(after) => (after, "CONNECT"),
        };
        self.agenda.add(self.now.saturating_add(after), Event::Call { nth, line });
    }

    /// What the network says of the call of this number, if that is still the one under way.
    pub(super) fn tell_call(&mut self, nth: usize, line: &'static str) {
        if self.is_calling() && nth.saturating_add(1) == self.voice.rung.len() {
            if line != "CONNECT" {
                self.hang_up();
            }
            self.announce(line.to_owned());
        }
    }

    pub(super) const fn is_calling(&self) -> bool {
        self.voice.since.is_some()
    }

    /// There is no call any more.
    pub(super) fn hang_up(&mut self) {
        if let (Some(since), Some(last)) = (self.voice.since.take(), self.voice.rung.last_mut()) {
            last.lasted = Some(self.now.saturating_sub(since));
        }
    }
}

impl Modem {
    /// What the phones that it calls do from now on.
    pub fn callee(&self, callee: Callee) {
        self.shared.touch(|machine| machine.voice.callee = callee);
    }

    /// Every call that it made.
    #[must_use]
    pub fn calls(&self) -> Vec<Rung> {
        self.shared.touch(|machine| machine.voice.rung.clone())
    }
}
