//! Stand-ins for the outside world: an LLM (of OpenAI or Anthropic), HubSpot, Salesforce, Pipedrive, a CRM of somebody's own,
//! Twilio, Zendesk, Jira, a mail server, and a GSM modem on a pseudo-terminal.
//!
//! `nightdesk demo` runs the real daemon against them, and the test suites use them as their oracle: what a simulator
//! says it accepted is what happened in the world. So they are as strict as the vendors' published specifications,
//! keep a list of the client's mistakes ([`Sim::violations`], [`Smtp::violations`], [`Modem::violations`]), and can fail in every way a
//! network can ([`Fault`]), at an instant the test chooses ([`Held`]). They never share code with the rooms they judge.

mod connection;
mod echo;
mod fault;
mod http;
pub mod hubspot;
pub mod jira;
pub mod llm;
pub mod modem;
mod own_crm;
pub mod pipedrive;
mod port;
pub mod salesforce;
pub mod smtp;
pub mod twilio;
pub mod zendesk;

#[cfg(test)]
mod tests;

pub use echo::Echo;
pub use fault::{Fault, Held, Match, Moment};
pub use http::{Answer, Seen, Sim, Site};
pub use hubspot::HubSpot;
pub use jira::Jira;
pub use llm::Llm;
pub use modem::Modem;
pub use own_crm::{Entry, OwnCrm};
pub use pipedrive::Pipedrive;
pub use salesforce::Salesforce;
pub use smtp::Smtp;
pub use twilio::{Message, Posting, Twilio};
pub use zendesk::Zendesk;

use serde_json::Value;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What stands at a JSON pointer (RFC 6901), or null.
fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

/// The same object with one key more.
fn with(mut object: Value, key: &str, value: impl Into<Value>) -> Value {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.to_owned(), value.into());
    }
    object
}

/// Locks whatever a panicking test may have left behind: an oracle must stay readable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
