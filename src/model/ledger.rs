//! What a modem must not forget, and the trait through which it is kept.
//!
//! Implemented by `app` over the store, called only by the task that owns the port: `deliver` never sees the store. A
//! fact is on disk when [`Ledger::keep`] returns, so a text is deleted from the SIM, and a PIN is sent, only after that.

use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

use super::{Fate, JobId, ModemState, Timestamp};

/// Keeps facts about modems, and what a vendor of texts says by himself. One for all of the desk.
pub trait Ledger: Send + Sync {
    /// What is known of this modem from before this start.
    fn recall<'a>(&'a self, modem: &'a str) -> Kept<'a, Memory>;
    /// Keeps a fact.
    fn keep<'a>(&'a self, modem: &'a str, fact: Fact) -> Kept<'a, ()>;
}

/// The answer of a ledger, in a while.
pub type Kept<'a, T> = Pin<Box<dyn Future<Output = Result<T, LedgerError>> + Send + 'a>>;

/// The fact is not on disk.
#[derive(Debug, thiserror::Error)]
#[error("what the modem must not forget can't be kept")]
pub struct LedgerError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// One thing to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The modem's state changed.
    Turn(Turn),
    /// A part of a text was handed to the network, or may have been. Told again when more is known: the last word counts.
    Part(SmsPart),
    /// The network reported on a part.
    Report(PartReport),
    /// A text, or a part of one, came in.
    Inbound(InboundSms),
    /// A vendor says by himself what became of a text that he took.
    Told(Told),
    /// A PIN is about to be entered, or was.
    Pin(PinTry),
    /// Resetting this device (its IMEI, or its port) by command made it vanish for good: never again.
    Harm {
        /// Which.
        device: String,
    },
}

/// A change of a modem's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// When.
    pub at: Timestamp,
    /// What it is doing now.
    pub state: ModemState,
    /// Why it isn't ready.
    pub reason: Option<String>,
    /// What to do about it.
    pub cure: Option<String>,
    /// What happens next, in words.
    pub next: Option<String>,
    /// The rung of the recovery ladder that is tried now.
    pub rung: Option<u8>,
    /// A person is needed: an alert. Cleared by the next turn that is ready.
    pub alarm: bool,
}

/// A text: a job and its generation. A test text has a job of its own that is in no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TextKey {
    /// The job.
    pub job: JobId,
    /// Its generation: a requeued text is another one.
    pub generation: u32,
}

/// Which part of which text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartKey {
    /// The text.
    pub text: TextKey,
    /// The part, from 1.
    pub part: u8,
}

/// A part whose PDU was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmsPart {
    /// Which.
    pub key: PartKey,
    /// Parts of the whole text.
    pub total: u8,
    /// To whom.
    pub number: String,
    /// Which SIM pays: its ICCID, or the port's name where it isn't known.
    pub sim: String,
    /// When its PDU was written.
    pub at: Timestamp,
    /// The network took it; otherwise it may have.
    pub accepted: bool,
    /// The network's reference for it (TP-MR).
    pub reference: Option<u8>,
    /// The best report so far.
    pub fate: Option<Fate>,
}

/// A status report as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartReport {
    /// When.
    pub at: Timestamp,
    /// TP-MR.
    pub reference: u8,
    /// TP-RA: may be in national form.
    pub number: String,
    /// TP-ST.
    pub status: u8,
    /// What that means.
    pub fate: Fate,
    /// TP-SCTS: when the service centre had the text.
    pub sent_at: Option<Timestamp>,
    /// The raw PDU.
    pub pdu: String,
    /// The part it is about, if that is known: not when it comes before the reference of its text. Told again then.
    pub of: Option<PartKey>,
}

/// A text that came in, or one part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundSms {
    /// When it was read.
    pub at: Timestamp,
    /// Who sent it: a number, a short code, or a name.
    pub number: String,
    /// It comes from a number that could be answered, not from a name or a short code.
    pub answerable: bool,
    /// When the service centre had it.
    pub sent_at: Option<Timestamp>,
    /// The text, or why it can't be read.
    pub text: Result<String, String>,
    /// The message class: 0 is a flash message.
    pub class: Option<u8>,
    /// Reference, total and index from 1, of a part.
    pub concat: Option<(u16, u8, u8)>,
    /// The raw PDU. The same PDU again is the same text.
    pub pdu: String,
}

/// What a vendor says by himself of a text that he took, in his own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// His id of the text.
    pub reference: String,
    /// What became of it.
    pub status: String,
    /// Why, where it failed.
    pub code: Option<u64>,
}

/// A try of a PIN, remembered for each name its SIM is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinTry {
    /// The SIM's ICCID and the modem's port, as far as known.
    pub sims: Vec<String>,
    /// A keyed hash of the PIN: never the PIN.
    pub mark: String,
    /// When.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: PinOutcome,
}

/// What came of a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PinOutcome {
    /// About to be sent, or sent without an answer: counts as used up.
    Unknown,
    /// The SIM took it.
    Accepted,
    /// The SIM refused it.
    Refused,
}

impl PinOutcome {
    /// The word in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
        }
    }
}

/// What was known when the desk started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// Parts written in the last 24 hours, oldest first. The texts of tries that were cut off are among them, not accepted.
    pub parts: Vec<SmsPart>,
    /// Reports of the last ten minutes that belong to no part yet.
    pub reports: Vec<PartReport>,
    /// The last try of each PIN.
    pub pins: Vec<PinTry>,
    /// Rungs of the ladder that were tried in the last hour, oldest first.
    pub rungs: Vec<(Timestamp, u8)>,
    /// Devices that must not be reset by command.
    pub harmed: Vec<String>,
    /// The last change of state that was kept.
    pub last: Option<(ModemState, Option<String>)>,
}

/// A ledger that keeps nothing: for a port that belongs to no desk. It keeps no PIN either, so none is sent.
#[derive(Debug, Clone, Copy)]
pub struct Forgetful;

impl Ledger for Forgetful {
    fn recall<'a>(&'a self, _: &'a str) -> Kept<'a, Memory> {
        Box::pin(async { Ok(Memory::default()) })
    }

    fn keep<'a>(&'a self, _: &'a str, fact: Fact) -> Kept<'a, ()> {
        Box::pin(async move {
            match fact {
                Fact::Pin(_) => Err(LedgerError("nothing remembers what became of a PIN".into())),
                Fact::Turn(_)
                | Fact::Part(_)
                | Fact::Report(_)
                | Fact::Inbound(_)
                | Fact::Told(_)
                | Fact::Harm { .. } => Ok(()),
            }
        })
    }
}
