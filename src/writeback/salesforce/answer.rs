//! What Salesforce's errors mean. Pure, `now` passed in; called for every answer of its data API that is not 2xx.
//!
//! An error's body is a list, `[{"message","errorCode","fields"}]`. The code decides where it says more than the status: a
//! locked row is tried again whatever its status, and a 403 may be a used-up day or a missing right. Everything else goes by
//! the status. Source: <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm>.

use std::time::Duration;

use serde_json::Value;

use crate::model::{Failure, Fault, Left, Quota, Timestamp};
use crate::wire::{Answer, retry_after, status_fault};
use crate::writeback::excerpt;

/// A used-up day comes back bit by bit over 24 hours; asking more often uses up what comes.
const DAY_IS_USED: Duration = Duration::from_mins(15);
/// The pause after a 429 that names none.
const TEN_SECONDS: Duration = Duration::from_secs(10);

/// One entry of an error's body.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Complaint {
    code: String,
    message: String,
    fields: Vec<String>,
}

/// The failure behind an answer that is not 2xx. `ours` are the names of the fields we write.
pub(super) fn refused(answer: &Answer, repeatable: bool, ours: &[&str], now: Timestamp) -> Failure {
    let said = complaints(answer);
    let is = |code: &str| said.iter().any(|complaint| complaint.code == code);
    let wait = retry_after(answer, now);
    let fault = match answer.status {
        // Locked means untouched, so even a task may be made again.
        400 | 409 | 500 if is("UNABLE_TO_LOCK_ROW") => Fault::Transient,
        403 if is("REQUEST_LIMIT_EXCEEDED") => {
            Fault::Throttled { until: now.after(wait.unwrap_or_default().max(DAY_IS_USED)) }
        }
        _ => status_fault(answer, repeatable, now, TEN_SECONDS).unwrap_or(Fault::Unknown),
    };
    Failure { cure: cure(answer, &said, ours), ..Failure::new(fault, reason(answer, &said)) }
}

/// What an answer says of the org's day: `Sforce-Limit-Info: api-usage=18/15000`, perhaps with the share of one app behind it.
pub(super) fn limits(answer: &Answer) -> Quota {
    let day = answer.header("sforce-limit-info").and_then(|info| {
        let usage = info.split(';').find_map(|part| part.trim().strip_prefix("api-usage="))?;
        let (used, of) = usage.trim().split_once('/')?;
        let (used, of): (u32, u32) = (used.trim().parse().ok()?, of.trim().parse().ok()?);
        Some(Left { left: of.saturating_sub(used), of })
    });
    Quota { requests: 0, burst: None, day }
}

/// A 2xx that is no answer of Salesforce's: `fault` is what that means for this request.
pub(super) fn not_salesforce(answer: &Answer, fault: Fault) -> Failure {
    let reason = format!("Salesforce answered {} with something else: {}", answer.status, excerpt(&answer.body));
    Failure::new(fault, reason).cure("if this goes on, check base-url and what stands between here and Salesforce")
}

/// The session is over, and a new one is to be had.
pub(super) fn is_expired(answer: &Answer) -> bool {
    answer.status == 401 && has(answer, "INVALID_SESSION_ID")
}

/// The lead has become a contact, which is to be written to in its place.
pub(super) fn is_converted(answer: &Answer) -> bool {
    !answer.is_success() && has(answer, "CANNOT_UPDATE_CONVERTED_LEAD")
}

/// Salesforce itself says that there is no such record: a 404 of a proxy says nothing.
pub(super) fn is_gone(answer: &Answer) -> bool {
    answer.status == 404 && (has(answer, "NOT_FOUND") || has(answer, "ENTITY_IS_DELETED"))
}

/// Whether one of the codes in an error's body is this.
pub(super) fn has(answer: &Answer, code: &str) -> bool {
    complaints(answer).iter().any(|complaint| complaint.code == code)
}

fn complaints(answer: &Answer) -> Vec<Complaint> {
    let Some(Value::Array(list)) = answer.json().filter(|_| !answer.truncated) else { return Vec::new() };
    let word = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let names = |entry: &Value| {
        let names = entry.get("fields").and_then(Value::as_array).into_iter().flatten();
        names.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    // What a success holds is a list, too, but not of these.
    let of = |entry: &Value| Complaint {
        code: word(entry, "errorCode"),
        message: word(entry, "message"),
        fields: names(entry),
    };
    list.iter().map(of).filter(|complaint| !complaint.code.is_empty()).collect()
}

fn reason(answer: &Answer, said: &[Complaint]) -> String {
    let told: Vec<String> = said.iter().map(|one| format!("{}: {}", one.code, one.message)).collect();
    match (told.is_empty(), answer.status) {
        (true, 300) => "Salesforce 300: more than one task has this key".to_owned(),
        (true, status) => format!("Salesforce {status}: {}", excerpt(&answer.body)),
        (false, status) => format!("Salesforce {status} {}", excerpt(&told.join("; "))),
    }
}

/// What a person can do about it, if anything.
fn cure(answer: &Answer, said: &[Complaint], ours: &[&str]) -> Option<String> {
    let of_code = said.iter().find_map(|complaint| cure_of(complaint, ours));
    of_code.or_else(|| {
        Some(match answer.status {
            300 => {
                "delete the doubles in Salesforce, and make the key field unique (Object Manager, Activity)".to_owned()
            }
            401 => "the app's session is refused although it is new: look at the app's policies (IP ranges, run-as \
                    user) in Setup"
                .to_owned(),
            403 => "give the desk's user a permission set with API Enabled and edit access to Lead, Contact and Task"
                .to_owned(),
            301..=399 | 404 | 405 => "check base-url, and api-version".to_owned(),
            410 => "this version of the API is retired: set a newer api-version".to_owned(),
            _ => return None,
        })
    })
}

fn cure_of(complaint: &Complaint, ours: &[&str]) -> Option<String> {
    let named =
        |name: &&&str| complaint.message.contains(**name) || complaint.fields.iter().any(|field| field == **name);
    let which: Vec<&str> = ours.iter().filter(named).copied().collect();
    let which = if which.is_empty() { ours.join(" or ") } else { which.join(" and ") };
    let fields = || if complaint.fields.is_empty() { "a field".to_owned() } else { complaint.fields.join(", ") };
    Some(match complaint.code.as_str() {
        "INVALID_FIELD" | "INVALID_FIELD_FOR_INSERT_UPDATE" => format!(
            "create the field {which} (Setup, Object Manager; for a lead that was converted on Contact, too) and give \
             the desk's permission set edit access to it (`nightdesk check --online` names it), then requeue"
        ),
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" => {
            format!("add the missing value to the picklist {which} (`nightdesk check --online` names it), then requeue")
        }
        "REQUIRED_FIELD_MISSING" => {
            format!("Salesforce requires {}: take that rule from the desk's records, then requeue", fields())
        }
        "STRING_TOO_LONG" => format!("{} is too short for what is written: make it longer, then requeue", fields()),
        "FIELD_CUSTOM_VALIDATION_EXCEPTION" => {
            "a validation rule of yours refuses it: except the desk's user from that rule, then requeue".to_owned()
        }
        "NOT_FOUND" | "ENTITY_IS_DELETED" => {
            "the record was deleted or merged into another: look for it in Salesforce, then discard this".to_owned()
        }
        "API_DISABLED_FOR_ORG" => {
            "this edition of Salesforce, or the desk's user, has no API: give the user API Enabled".to_owned()
        }
        "REQUEST_LIMIT_EXCEEDED" => {
            "the org's calls of the last 24 hours are used up: see Setup, Company Information, for by whom".to_owned()
        }
        code if code.starts_with("INSUFFICIENT_ACCESS") => {
            "give the desk's user a permission set with edit access to the record (Lead, Contact, Task)".to_owned()
        }
        _ => return None,
    })
}
