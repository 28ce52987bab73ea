//! What kind of modem and network is simulated, and what the modem forgets when it loses power.

use std::time::Duration;

/// A modem before it is plugged in. The default is a Quectel EC25 with a SIM that needs no PIN, registered at home,
/// that answers at once and gets a report on every part after 100 ms.
#[derive(Debug, Clone)]
pub struct Setup {
    pub(super) pin: Option<String>,
    pub(super) answer_delay: Duration,
    pub(super) report_delay: Duration,
    pub(super) report_status: Option<u8>,
    pub(super) report_modes: Vec<u8>,
    pub(super) memories: Vec<&'static str>,
    pub(super) centre: String,
    pub(super) chatter: Option<u64>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            pin: None,
            answer_delay: Duration::ZERO,
            report_delay: Duration::from_millis(100),
            report_status: Some(0),
            report_modes: vec![0, 1, 2],
            memories: vec!["ME", "SM", "MT"],
            centre: "+12085551000".to_owned(),
            chatter: None,
        }
    }
}

impl Setup {
    /// The SIM asks for this PIN, and blocks after three wrong ones.
    #[must_use]
    pub fn pin(mut self, pin: &str) -> Self {
        self.pin = Some(pin.to_owned());
        self
    }

    /// Every command takes this long, so that a client that doesn't wait is found out.
    #[must_use]
    pub fn answer_delay(mut self, delay: Duration) -> Self {
        self.answer_delay = delay;
        self
    }

    /// When the network reports on a part, counted from its taking it.
    #[must_use]
    pub fn report_delay(mut self, delay: Duration) -> Self {
        self.report_delay = delay;
        self
    }

    /// What the reports say (TP-ST; 0 is delivered). `None`: this network sends none.
    #[must_use]
    pub fn report_status(mut self, status: Option<u8>) -> Self {
        self.report_status = status;
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
        self.memories = memories.to_vec();
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
}

/// What is gone after a restart.
#[derive(Debug, Clone)]
pub(super) struct Volatile {
    pub(super) echo: bool,
    pub(super) errors: u8,
    pub(super) functions: u8,
    /// `AT+CNMI`: mode, mt, bm, ds, bfr.
    pub(super) indications: [u8; 5],
    /// Where messages are read, written and received.
    pub(super) memories: [String; 3],
    /// `<n>` of `AT+CREG`, `AT+CGREG` and `AT+CEREG`.
    pub(super) registration: [u8; 3],
}

impl Volatile {
    pub(super) fn new(setup: &Setup) -> Self {
        let memory = setup.memories.first().copied().unwrap_or("SM").to_owned();
        Self {
            echo: true,
            errors: 0,
            functions: 1,
            indications: [2, 1, 0, 0, 0],
            memories: [memory.clone(), memory.clone(), memory],
            registration: [0; 3],
        }
    }
}

/// The SIM's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    Open,
    Pin,
    Puk,
}
