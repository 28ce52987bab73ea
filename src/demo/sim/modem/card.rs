//! The SIM: its PIN, how many tries are left, and that it takes its time (3GPP TS 27.007, clause 8.3).
//!
//! A PIN that was refused, or whose fate isn't known, is not sent again; one that is good may be sent once after each
//! restart. A PUK is never sent. Whoever does otherwise is found out, because that is how SIMs are lost for good.

use std::time::Duration;

use super::commands::{Reply, done, line};
use super::machine::Machine;
use super::setup::{Setup, Sim};

use Reply::{Cme, Error};

/// What a client can know of a PIN that it sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tried {
    /// No answer came, or a refusal.
    Unknown,
    /// The SIM took it, and the client has seen that.
    Good,
}

/// The SIM.
#[derive(Debug)]
pub(super) struct Card {
    pub(super) state: Sim,
    pub(super) tries: u8,
    /// It answers nothing before that.
    pub(super) starts_until: Duration,
    /// Texts can't be sent or read before that.
    pub(super) busy_until: Duration,
    /// The client was told that it can't be used.
    told: bool,
    /// PINs that were sent.
    tried: Vec<(String, Tried)>,
}

impl Card {
    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            state: setup.sim,
            tries: setup.tries,
            starts_until: Duration::ZERO,
            busy_until: Duration::ZERO,
            told: false,
            tried: Vec::new(),
        }
    }

    /// The power was away: the PIN is asked for again.
    pub(super) fn lose_power(&mut self, setup: &Setup) {
        self.told = false;
        if setup.pin.is_some() && self.state == Sim::Fine {
            self.state = Sim::Pin;
        }
    }
}

impl Machine {
    /// Why no short message can be sent or stored now.
    pub(super) fn sim_error(&self) -> Option<u16> {
        match self.card.state {
            Sim::Fine => (self.now < self.card.busy_until).then_some(314),
            Sim::Pin => Some(311),
            Sim::Puk => Some(316),
            Sim::Absent => Some(310),
            Sim::Failed => Some(313),
        }
    }

    /// The same, for a command that needs the SIM; who was told before shouldn't have tried.
    pub(super) fn refused_by_sim(&mut self) -> Option<u16> {
        let error = self.sim_error()?;
        if self.card.state != Sim::Fine && std::mem::replace(&mut self.card.told, true) {
            self.violations.push(format!("{}, though the SIM can't be used", self.current));
        }
        Some(error)
    }

    /// The SIM is like this from now on.
    pub(super) fn set_sim(&mut self, sim: Sim) {
        self.card.state = sim;
        self.card.told = false;
        if sim == Sim::Fine {
            self.card_opened(self.now);
        }
    }

    /// The SIM can be used from then on, after it has found itself.
    pub(super) fn card_opened(&mut self, at: Duration) {
        self.card.busy_until = at.saturating_add(self.setup.sim_busy);
        for (ms, line) in self.nature.ready {
            self.say_at(at.saturating_add(Duration::from_millis(*ms)), line);
        }
        self.search(at);
    }

    /// `AT+CPIN` and the commands that ask how many tries are left.
    pub(super) fn pin(&mut self, name: &str, tail: &str) -> Reply {
        let tries = self.card.tries;
        match (name, tail) {
            ("CPIN", "?") => self.pin_state(),
            ("CPINR", "") => Reply::Ok(vec![format!("+CPINR: SIM PIN,{tries},3"), "+CPINR: SIM PUK,10,10".into()]),
            ("QPINC", "=\"SC\"" | "?") => line(format!("+QPINC: \"SC\",{tries},10")),
            ("SPIC", "") => line(format!("+SPIC: {tries},3,10,10")),
            ("^CPIN", "?") => line(match self.card.state {
                Sim::Pin => format!("^CPIN: SIM PIN,{tries},10,{tries},10,3"),
                Sim::Puk => "^CPIN: SIM PUK,10,10,0,10,3".to_owned(),
                Sim::Fine | Sim::Absent | Sim::Failed => format!("^CPIN: READY,,10,{tries},10,3"),
            }),
            ("CPIN", _) => {
                let Some(given) = tail.strip_prefix('=').map(str::to_owned) else { return Cme(50) };
                self.try_pin(&given)
            }
            _ => Error,
        }
    }

    fn pin_state(&mut self) -> Reply {
        if self.now < self.card.starts_until {
            return Cme(14);
        }
        self.card.told = self.card.state != Sim::Fine;
        match self.card.state {
            Sim::Fine => {
                // Whoever sees this knows that the PIN it sent last was good.
                if let Some((_, tried)) =
                    self.card.tried.last_mut().filter(|(pin, _)| Some(pin) == self.setup.pin.as_ref())
                {
                    *tried = Tried::Good;
                }
                line("+CPIN: READY")
            }
            Sim::Pin => line("+CPIN: SIM PIN"),
            Sim::Puk => line("+CPIN: SIM PUK"),
            Sim::Absent => Cme(10),
            Sim::Failed => Cme(13),
        }
    }

    fn try_pin(&mut self, given: &str) -> Reply {
        let given = given.trim_matches('"').to_owned();
        if self.now < self.card.starts_until {
            return Cme(14);
        }
        match self.card.state {
            Sim::Fine => Cme(3),
            Sim::Absent => Cme(10),
            Sim::Failed => Cme(13),
            Sim::Puk => {
                self.violations.push("a PUK was sent".to_owned());
                Cme(16)
            }
            Sim::Pin if given.contains(',') => {
                self.violations.push("a PUK was sent".to_owned());
                Cme(16)
            }
            Sim::Pin => self.unlock(given),
        }
    }

    fn unlock(&mut self, given: String) -> Reply {
        let known = self.card.tried.iter().position(|(pin, _)| *pin == given);
        if known.and_then(|at| self.card.tried.get(at)).is_some_and(|(_, tried)| *tried == Tried::Unknown) {
            self.violations.push("a PIN was sent again, though it was refused or its fate unknown".to_owned());
        }
        let asks = ["CPINR", "QPINC", "SPIC", "^CPIN"].iter().any(|name| self.knows(name));
        if self.card.tries < 3 && asks {
            self.violations.push(format!("a PIN was sent with {} tries left", self.card.tries));
        }
        if let Some(at) = known {
            self.card.tried.remove(at);
        }
        let good = Some(&given) == self.setup.pin.as_ref();
        self.card.tried.push((given, Tried::Unknown));
        if good {
            (self.card.state, self.card.tries, self.card.told) = (Sim::Fine, 3, false);
            self.card_opened(self.now);
            return done();
        }
        self.card.tries = self.card.tries.saturating_sub(1);
        if self.card.tries == 0 {
            self.card.state = Sim::Puk;
            return Cme(12);
        }
        Cme(16)
    }

    /// The client has seen that its PIN was taken.
    pub(super) fn pin_was_answered(&mut self) {
        if self.card.state == Sim::Fine
            && let Some((_, tried)) = self.card.tried.last_mut()
        {
            *tried = Tried::Good;
        }
    }
}
