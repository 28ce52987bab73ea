//! The shared words of every room: leads, jobs, faults, effects, texts, numbers and times.
//!
//! This room knows no other room and does no I/O: values, closed enumerations, and the one trait ([`Effect`])
//! through which the outbox reaches the world. Time and randomness are always passed in.

mod clock;
mod effect;
mod fault;
mod id;
mod job;
mod lead;
mod phone;
mod sms;

pub use clock::{Clock, Timestamp};
pub use effect::{Done, Effect, LlmCall, Outcome, Report, SmsReceipt, Trace, Work};
pub use fault::{Failure, Fault, Ladder};
pub use id::{AttemptId, BootId, InboxId, JobId, LeadId, RowId};
pub use job::{
    Action, Channel, CrmNote, CrmUpdate, Job, JobState, Lane, NewJob, Priority, ReplayFrom, Replayed, SmsTask, Stage,
    Task,
};
pub use lead::{ClassifiedBy, CrmRecord, Label, Lead, LeadCode};
pub use phone::{Phone, PhoneError};
pub use sms::{Alphabet, Layout, septets_of};
