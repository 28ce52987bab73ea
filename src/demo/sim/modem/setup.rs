//! What kind of modem, SIM and network is simulated, and what the modem forgets when it loses power.

use std::time::Duration;

use super::family::{Family, Nature};
use super::reports::Reports;

/// A modem before it is plugged in. The default is a Quectel EC25 with a SIM that needs no PIN, registered at home,
/// that answers at once and gets a report on every part after 100 ms. It has been running for a while.
#[derive(Debug, Clone)]
pub struct Setup {
    pub(super) family: Family,
    pub(super) sim: Sim,
    pub(super) pin: Option<String>,
    pub(super) tries: u8,
    pub(super) sim_busy: Duration,
    pub(super) answer_delay: Duration,
    pub(super) reports: Reports,
    pub(super) unreadable_reports: bool,
    pub(super) report_modes: Vec<u8>,
    pub(super) memories: Vec<(&'static str, usize)>,
    pub(super) centre: String,
    pub(super) chatter: Option<u64>,
    pub(super) speed: Option<u32>,
    pub(super) noise: usize,
    pub(super) radio_off: bool,
    pub(super) harmful_reset: bool,
    pub(super) please_wait: Duration,
    pub(super) reference: u8,
    pub(super) prompt: Option<Stuck>,
}

impl Default for Setup {
    fn default() -> Self {
        Self::family(Family::Ec25)
    }
}

impl Setup {
    /// A modem of this family.
    #[must_use]
    pub fn family(family: Family) -> Self {
        let nature = family.nature();
        Self {
            family,
            sim: Sim::Fine,
            pin: None,
            tries: 3,
            sim_busy: Duration::from_millis(nature.sim_busy_ms),
            answer_delay: Duration::ZERO,
            reports: Reports::default(),
            unreadable_reports: false,
            report_modes: nature.report_modes.to_vec(),
            memories: nature.memories.to_vec(),
            centre: "+12085551000".to_owned(),
            chatter: None,
            speed: None,
            noise: 0,
            radio_off: false,
            harmful_reset: false,
            please_wait: Duration::ZERO,
            reference: 0,
            prompt: None,
        }
    }

    /// The SIM asks for this PIN, and blocks after three wrong ones.
    #[must_use]
    pub fn pin(mut self, pin: &str) -> Self {
        (self.pin, self.sim) = (Some(pin.to_owned()), Sim::Pin);
        self
    }

    /// Somebody has tried before: the SIM takes so many wrong PINs more.
    #[must_use]
    pub fn tries_left(mut self, tries: u8) -> Self {
        self.tries = tries;
        self
    }

    /// How the SIM is.
    #[must_use]
    pub fn sim(mut self, sim: Sim) -> Self {
        self.sim = sim;
        self
    }

    /// How long the SIM is busy after the modem started, and after its PIN.
    #[must_use]
    pub fn sim_busy(mut self, time: Duration) -> Self {
        self.sim_busy = time;
        self
    }

    /// Every command takes this long, so that a client that doesn't wait is found out.
    #[must_use]
    pub fn answer_delay(mut self, delay: Duration) -> Self {
        self.answer_delay = delay;
        self
    }

    /// How the network reports on parts.
    #[must_use]
    pub fn reports(mut self, reports: Reports) -> Self {
        self.reports = reports;
        self
    }

    /// When the network reports on a part, counted from its taking it.
    #[must_use]
    pub fn report_delay(mut self, delay: Duration) -> Self {
        self.reports.delay = delay;
        self
    }

    /// What the reports say (TP-ST; 0 is delivered). `None`: this network sends none.
    #[must_use]
    pub fn report_status(mut self, status: Option<u8>) -> Self {
        self.reports.statuses = Vec::from_iter(status);
        self
    }

    /// A stored report is announced, but reading it by its number finds nothing; a list shows it.
    #[must_use]
    pub fn unreadable_reports(mut self) -> Self {
        self.unreadable_reports = true;
        self
    }

    /// The values of `<ds>` that `AT+CNMI` takes.
    #[must_use]
    pub fn report_modes(mut self, modes: &[u8]) -> Self {
        self.report_modes = modes.to_vec();
        self
    }

    /// The memories `AT+CPMS` takes, beside `SR`.
    #[must_use]
    pub fn memories(mut self, memories: &[&'static str]) -> Self {
        self.memories = memories.iter().map(|memory| (*memory, 50)).collect();
        self
    }

    /// Every memory has this many places.
    #[must_use]
    pub fn places(mut self, places: usize) -> Self {
        for (_, total) in &mut self.memories {
            *total = places;
        }
        self
    }

    /// The stored service centre; empty: the SIM has none.
    #[must_use]
    pub fn centre(mut self, number: &str) -> Self {
        number.clone_into(&mut self.centre);
        self
    }

    /// Unsolicited lines appear at random places, the same ones for the same seed.
    #[must_use]
    pub fn chatter(mut self, seed: u64) -> Self {
        self.chatter = Some(seed);
        self
    }

    /// The one speed its port has; at any other it hears and says noise.
    #[must_use]
    pub fn speed(mut self, baud: u32) -> Self {
        self.speed = Some(baud);
        self
    }

    /// So many bytes of noise greet whoever opens the port.
    #[must_use]
    pub fn noise(mut self, bytes: usize) -> Self {
        self.noise = bytes;
        self
    }

    /// It starts with its radio switched off, now and every time.
    #[must_use]
    pub fn radio_off(mut self) -> Self {
        self.radio_off = true;
        self
    }

    /// A reset by command makes it vanish until somebody takes its power away or plugs it in again.
    #[must_use]
    pub fn harmful_reset(mut self) -> Self {
        self.harmful_reset = true;
        self
    }

    /// For so long after a text, or a change of its radio, it says "please wait" (`+CME ERROR: 515`).
    #[must_use]
    pub fn please_wait(mut self, time: Duration) -> Self {
        self.please_wait = time;
        self
    }

    /// The reference of the last text before this.
    #[must_use]
    pub fn last_reference(mut self, reference: u8) -> Self {
        self.reference = reference;
        self
    }

    /// Somebody left it in the middle of a PDU.
    #[must_use]
    pub fn stuck(mut self, prompt: Stuck) -> Self {
        self.prompt = Some(prompt);
        self
    }

    pub(super) fn nature(&self) -> &'static Nature {
        self.family.nature()
    }
}

/// How a SIM is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sim {
    /// It can be used.
    Fine,
    /// It wants its PIN.
    Pin,
    /// It wants its PUK.
    Puk,
    /// There is none.
    Absent,
    /// It doesn't answer.
    Failed,
}

/// What leaves a prompt that somebody left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stuck {
    /// ESC, as everywhere.
    Esc,
    /// Only Ctrl-Z.
    CtrlZ,
}

/// What is gone after a restart.
#[derive(Debug, Clone)]
pub(super) struct Volatile {
    pub(super) echo: bool,
    pub(super) errors: u8,
    pub(super) functions: u8,
    /// `AT+CNMI`: mode, mt, bm, ds, bfr.
    pub(super) indications: [u8; 5],
    /// Each `+CMT` and `+CDS` has to be acknowledged.
    pub(super) acknowledge: bool,
    /// Where messages are read, written and received.
    pub(super) memories: [String; 3],
    /// `<n>` of `AT+CREG`, `AT+CGREG` and `AT+CEREG`.
    pub(super) registration: [u8; 3],
    /// It was told to keep its own chatter to itself.
    pub(super) quiet: bool,
    /// The speed it was told to keep to.
    pub(super) speed: Option<u32>,
}

impl Volatile {
    pub(super) fn new(setup: &Setup) -> Self {
        let memory = setup.memories.first().map_or("SM", |(memory, _)| memory).to_owned();
        Self {
            echo: true,
            errors: 0,
            functions: if setup.radio_off { 4 } else { 1 },
            indications: setup.nature().factory_indications,
            acknowledge: false,
            memories: [memory.clone(), memory.clone(), memory],
            registration: [0; 3],
            quiet: false,
            speed: None,
        }
    }
}
