//! The shared words of every room: leads, jobs, faults, effects, texts, numbers, times, and who is on call.
//!
//! This room knows no other room and does no I/O: values, closed enumerations, and two traits: [`Effect`],
//! through which the outbox reaches the world, and [`Ledger`], through which a modem remembers. Time and randomness are always passed in.

mod channel;
mod claim;
mod clock;
mod crm;
mod effect;
mod fault;
mod follow_up;
mod html;
mod id;
mod job;
mod lead;
mod ledger;
mod modem;
pub mod oncall;
mod phone;
mod sms;

pub use channel::{Channel, Lane};
pub use claim::{Claim, ClaimState};
pub use clock::{Clock, Timestamp, in_words};
pub use crm::{CrmNews, CrmNote, CrmRead, CrmTask, CrmUpdate, FoundRecord, Page, Reconcile};
pub use effect::{Done, Effect, Left, LlmCall, Outcome, Quota, Rang, Reading, Report, SmsReceipt, Trace, Work};
pub use fault::{Failure, Fault, Ladder};
pub use follow_up::{AddressHash, Addresses, MailTask, NoAddressHash, Suppressed, TicketTask};
pub use html::html_text;
pub use id::{AttemptId, BootId, InboxId, JobId, LeadId, RowId};
pub use job::{
    Action, ClassifyTask, Job, JobState, NewJob, Priority, ReplayFrom, Replayed, RingTask, SmsStatus, SmsTask, Stage,
    Task,
};
pub use lead::{ClassifiedBy, Contact, CrmRecord, Label, Lead, LeadCode, NewLead};
pub use ledger::{
    Fact, Forgetful, InboundSms, Kept, Ledger, LedgerError, Memory, PartKey, PartReport, PinOutcome, PinTry, SmsPart,
    TextKey, Told, Turn,
};
pub use modem::{Fate, Identity, ModemInfo, ModemState, REPORT_WINDOW, Spent, Tally, bars};
pub use phone::{Phone, PhoneError};
pub use sms::{Alphabet, Layout, septets_of};
