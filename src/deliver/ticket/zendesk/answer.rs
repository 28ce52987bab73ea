//! What Zendesk's answers mean. Pure, `now` passed in.
//!
//! Called by the Zendesk effect. Every request of ours may be repeated, so an answer that is none is tried again. `error` may
//! be a text or an object.
//! Sources: <https://developer.zendesk.com/api-reference/introduction/requests/>,
//! <https://developer.zendesk.com/api-reference/introduction/rate-limits/>.

use std::time::Duration;

use serde_json::Value;

use super::super::text_of;
use crate::model::{Failure, Fault, Timestamp};
use crate::wire::{Answer, LONGEST_WAIT, excerpt, retry_after, status_fault};

/// Zendesk counts requests by the minute.
const PAUSE: Duration = Duration::from_mins(1);

/// Why a ticket was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The requester's address is no good; without it, it may be.
    Address(Failure),
    /// Something else was sent under this key before.
    KeyIsTaken(Failure),
    /// Anything else.
    Other(Failure),
}

/// The id of the ticket that was made, or why it was not.
pub(super) fn of_post(answer: &Answer, now: Timestamp) -> Result<String, Refusal> {
    if answer.is_success() {
        let body = answer.json().filter(|_| !answer.truncated);
        let id = body.as_ref().and_then(|body| body.pointer("/ticket/id")).and_then(text_of);
        return id.ok_or_else(|| Refusal::Other(not_zendesk(answer)));
    }
    let failure = refused(answer, now);
    Err(match answer.status {
        422 if is_about_the_requester(answer) => Refusal::Address(failure),
        400 if answer.body.contains("IdempotentRequestError") => {
            let cure = "its words or the help desk's settings changed since the first try: requeue it, then it has another key";
            Refusal::KeyIsTaken(failure.cure(cure))
        }
        _ => Refusal::Other(failure),
    })
}

/// The id of the ticket with our key in a list. An external id is not unique: any will do.
pub(super) fn of_list(answer: &Answer, key: &str, now: Timestamp) -> Result<Option<String>, Failure> {
    if !answer.is_success() {
        return Err(refused(answer, now));
    }
    let body = answer.json().filter(|_| !answer.truncated).unwrap_or_default();
    let Some(tickets) = body.get("tickets").and_then(Value::as_array) else { return Err(not_zendesk(answer)) };
    let ours = tickets.iter().find(|ticket| ticket.get("external_id").and_then(Value::as_str) == Some(key));
    Ok(ours.and_then(|ticket| text_of(ticket.get("id")?)))
}

/// What is wrong with the account that `verify` asked for. Whom Zendesk doesn't know it answers as anybody.
pub(super) fn account_trouble(answer: &Answer, now: Timestamp) -> Option<Failure> {
    if !answer.is_success() {
        return Some(refused(answer, now));
    }
    let body = answer.json().unwrap_or_default();
    let Some(user) = body.get("user").filter(|user| user.is_object()) else {
        let reason = format!("Zendesk answered {} with something else: {}", answer.status, excerpt(&answer.body));
        return Some(Failure::new(Fault::Permanent, reason).cure("check the base URL of the help desk"));
    };
    if user.get("id").and_then(text_of).is_none() {
        let reason = "Zendesk refuses the token: it took us for an anonymous user";
        return Some(Failure::new(Fault::Auth, reason).cure(TOKEN));
    }
    let role = user.get("role").and_then(Value::as_str).filter(|role| *role == "end-user")?;
    let failure =
        Failure::new(Fault::Auth, format!("the user of the Zendesk token is an {role} and can't hand in tickets"));
    Some(failure.cure("give that user the role of an agent, or use the token of one"))
}

const TOKEN: &str = "check the e-mail address of the agent and the API token (Zendesk Admin Center, Apps and integrations, APIs), and that token access is on";

fn refused(answer: &Answer, now: Timestamp) -> Failure {
    let fault = match answer.status {
        // Another request of the same key, or on the same user, is being worked on.
        409 => Fault::Transient,
        429 => Fault::Throttled { until: now.after(pause(answer, now)) },
        _ => status_fault(answer, true, now, PAUSE).unwrap_or(Fault::Transient),
    };
    let failure = Failure::new(fault, reason(answer));
    let cure = match answer.status {
        401 | 403 => TOKEN,
        300..400 | 404 | 405 => "check the base URL of the help desk",
        400 | 413 | 422 => {
            "see what Zendesk says of it, mend that (a required field of the ticket form?), then requeue"
        }
        _ => return failure,
    };
    failure.cure(cure)
}

/// Until when a limit holds: as `Retry-After` says, else the seconds of `ratelimit-reset`.
fn pause(answer: &Answer, now: Timestamp) -> Duration {
    let reset = answer.header("ratelimit-reset").and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    retry_after(answer, now).or(reset.map(|reset| reset.min(LONGEST_WAIT))).unwrap_or(PAUSE)
}

/// A 2xx that is no answer of Zendesk's.
fn not_zendesk(answer: &Answer) -> Failure {
    let reason = format!("Zendesk answered {} with something else: {}", answer.status, excerpt(&answer.body));
    let cure = "if this goes on, check the base URL and what stands between here and Zendesk";
    Failure::new(Fault::Transient, reason).cure(cure)
}

/// Whether a refused record was refused for whom it is of.
fn is_about_the_requester(answer: &Answer) -> bool {
    let body = answer.json().unwrap_or_default();
    let details = body.get("details").and_then(Value::as_object);
    let named = |key: &str| key.contains("requester") || key.contains("email");
    details.is_some_and(|details| {
        details.keys().any(|key| named(key)) || descriptions(&body).iter().any(|said| said.contains("Email"))
    })
}

fn descriptions(body: &Value) -> Vec<String> {
    let details = body.get("details").and_then(Value::as_object).into_iter().flatten();
    let each = details.filter_map(|(_, list)| list.as_array()).flatten();
    each.filter_map(|one| Some(one.get("description")?.as_str()?.to_owned())).collect()
}

/// What Zendesk says of it, in its words.
fn reason(answer: &Answer) -> String {
    let body = answer.json().unwrap_or_default();
    let word = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let name = word("/error").or_else(|| word("/error/title"));
    let said = word("/error/message").or_else(|| word("/description"));
    let words: Vec<String> = name.into_iter().chain(said).chain(descriptions(&body)).collect();
    let words = if words.is_empty() { answer.body.clone() } else { words.join(": ") };
    format!("Zendesk {}: {}", answer.status, excerpt(&words))
}
