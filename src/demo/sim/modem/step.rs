//! The points of a conversation at which a test can interfere, and what it can do there.
//!
//! A test arms a [`Step`] with a [`Trouble`], an unsolicited line, or a [`Held`]; the state machine in `core` looks at
//! what is armed whenever it passes that step. Nothing here knows time or bytes.

use tokio::sync::oneshot;

/// A point the modem passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A command that begins like this has come; nothing was done yet. `AT+CMGS` is the place before the prompt.
    Command(&'static str),
    /// The prompt has been written.
    Prompted,
    /// The first byte of a PDU has come.
    PduByte,
    /// A good PDU and its Ctrl-Z have come; the network doesn't have it yet.
    CtrlZ,
    /// The network has it; `+CMGS` is not written yet.
    Accepted,
    /// `+CMGS` is written, `OK` not yet.
    Referenced,
}

/// What goes wrong at a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Not a byte more of this answer. A command that asked for the prompt leaves the modem waiting for a PDU.
    Silent,
    /// `+CMS ERROR: n` instead of what should follow.
    Cms(u16),
    /// `+CME ERROR: n` (or `ERROR`, as `AT+CMEE` says).
    Cme(u16),
    /// A bare `ERROR`.
    Error,
    /// These bytes, as they stand, instead of what should follow.
    Say(String),
    /// What follows comes this much later.
    Late(std::time::Duration),
    /// The port vanishes and comes back at once, and what was asked for is lost. The modem keeps its power.
    HangUp,
    /// The modem starts anew: volatile settings are gone, `RDY` appears.
    Reboot,
}

/// One interference, waiting for its step.
#[derive(Debug)]
pub(super) struct Armed {
    pub(super) id: u64,
    pub(super) step: Step,
    pub(super) act: Act,
    pub(super) forever: bool,
}

#[derive(Debug)]
pub(super) enum Act {
    Urc(String),
    Hold(Option<oneshot::Sender<String>>),
    Trouble(Trouble),
}

/// What comes out of the state machine, in order.
#[derive(Debug)]
pub(super) enum Out {
    /// To the client.
    Bytes(Vec<u8>),
    /// Tells a test that its step is reached; what was to be written before is written by then.
    Reached(oneshot::Sender<String>, String),
    /// The port vanishes.
    HangUp,
}
