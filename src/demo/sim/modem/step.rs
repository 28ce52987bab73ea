//! The points of a conversation at which a test can interfere, and what it can do there.
//!
//! A test arms a [`Step`] with a [`Trouble`], an unsolicited line, or a [`Held`](super::Held); the machine looks at
//! what is armed whenever it passes that step. Nothing here knows time or bytes.

use std::time::Duration;

use tokio::sync::oneshot;

/// A point the modem passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The first byte of a command has come; not even its echo is written.
    FirstByte,
    /// A command that begins like this has come; nothing was done yet. `AT+CMGS` is the place before the prompt.
    Command(&'static str),
    /// A command that begins like this was carried out; nothing of its answer is written. `AT+CMGS` never gets here.
    Executed(&'static str),
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
    Late(Duration),
    /// It neither hears nor says anything for so long, and what was asked for is lost.
    Stall(Duration),
    /// It neither hears nor says anything until it is cured, and what was asked for is lost.
    Hang(Cure),
    /// The port vanishes and comes back at once, and what was asked for is lost. The modem keeps its power.
    HangUp,
    /// The port vanishes and comes back after so long, or never; what was asked for is lost. A USB modem loses its power.
    Gone(Option<Duration>),
    /// The modem starts anew in its place: volatile settings are gone, `RDY` appears.
    Reboot,
    /// The modem starts anew without a word.
    SilentReset,
    /// Its power fails for a moment: it starts as from cold, which takes its time.
    BrownOut,
}

/// What brings a modem back. Each also does what those before it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cure {
    /// Opening its port again.
    Reopen,
    /// Switching its radio off and on (`AT+CFUN=4`, `AT+CFUN=1`).
    Radio,
    /// A reset by command (`AT+CFUN=1,1`).
    Reset,
    /// Taking its power away.
    Power,
}

/// How long something that is armed stays so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lasting {
    Once,
    Until(Cure),
    Forever,
}

/// One interference, waiting for its step.
#[derive(Debug)]
pub(super) struct Armed {
    pub(super) id: u64,
    pub(super) step: Step,
    pub(super) act: Act,
    pub(super) lasting: Lasting,
    /// So many times nothing happens there first.
    pub(super) spare: u32,
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
