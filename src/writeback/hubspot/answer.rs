//! What HubSpot's errors mean. Pure, `now` and the time zone passed in; called for every answer that is not 2xx.
//!
//! The class comes from the status, save for the limits (429 with a policy), locks (423) and account moves (477); the
//! category and the names in the body only serve the words for people, because every field of an error is optional.
//! Sources: <https://developers.hubspot.com/docs/api/error-handling>, <https://developers.hubspot.com/docs/api/usage-details>.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::model::{Failure, Fault, Left, Quota, Timestamp};
use crate::wire::{Answer, retry_after, status_fault};
use crate::writeback::{excerpt, midnight};

/// The limit of ten rolling seconds is over by then.
const TEN_SECONDS: Duration = Duration::from_secs(10);
/// The least pause after any limit, also when HubSpot says 0.
const ONE_SECOND: Duration = Duration::from_secs(1);

const SCOPES: &str = "crm.objects.contacts.read, crm.objects.contacts.write";

/// The failure behind an answer that is not 2xx. `properties` are the names we write, to be named when one is refused.
pub(super) fn refused(
    answer: &Answer,
    repeatable: bool,
    properties: &[&str],
    now: Timestamp,
    zone: &TimeZone,
) -> Failure {
    let fault = match answer.status {
        // Locked means untouched, so even a note may be tried again.
        423 => Fault::Transient,
        429 => Fault::Throttled { until: limit_ends(answer, now, zone) },
        477 => match retry_after(answer, now) {
            Some(pause) => Fault::Throttled { until: now.after(pause.max(ONE_SECOND)) },
            None => Fault::Transient,
        },
        _ => status_fault(answer, repeatable, now, TEN_SECONDS).unwrap_or(Fault::Unknown),
    };
    Failure { cure: cure(answer, properties), ..Failure::new(fault, reason(answer)) }
}

/// What an answer says of the account's limits. Searches say nothing, and any of the headers may be missing.
pub(super) fn limits(answer: &Answer) -> Quota {
    let number = |name: &str| answer.header(name)?.trim().parse().ok();
    let left = |left: &str, of: &str| Some(Left { left: number(left)?, of: number(of)? });
    Quota {
        requests: 0,
        burst: left("x-hubspot-ratelimit-remaining", "x-hubspot-ratelimit-max"),
        day: left("x-hubspot-ratelimit-daily-remaining", "x-hubspot-ratelimit-daily"),
    }
}

/// A 2xx that is no answer of HubSpot's: `fault` is what that means for this request.
pub(super) fn not_hubspot(answer: &Answer, fault: Fault) -> Failure {
    let reason = format!("HubSpot answered {} with something else: {}", answer.status, excerpt(&answer.body));
    Failure::new(fault, reason).cure("if this goes on, check the base URL and what stands between here and HubSpot")
}

/// Whether an error is HubSpot's own: a 404 of a proxy, or of a wrong address, says nothing about a record.
pub(super) fn is_hubspots(answer: &Answer) -> bool {
    answer.json().is_some_and(|body| body.is_object())
}

/// The id of the request as the body of an error gives it.
pub(super) fn correlation_id(answer: &Answer) -> Option<String> {
    word(&answer.json()?, "correlationId")
}

/// When a limit ends: as `Retry-After` says, else by the policy that was hit.
fn limit_ends(answer: &Answer, now: Timestamp, zone: &TimeZone) -> Timestamp {
    if let Some(pause) = retry_after(answer, now) {
        return now.after(pause.max(ONE_SECOND));
    }
    let policy = answer.json().and_then(|body| word(&body, "policyName")).unwrap_or_default();
    match policy.as_str() {
        "DAILY" => midnight(now, zone),
        "SECONDLY" => now.after(ONE_SECOND),
        "" if answer.header("x-hubspot-ratelimit-daily-remaining") == Some("0") => midnight(now, zone),
        _ => now.after(TEN_SECONDS),
    }
}

fn reason(answer: &Answer) -> String {
    let body = answer.json().unwrap_or_default();
    let category = word(&body, "category").map(|category| format!(" {category}")).unwrap_or_default();
    let said = word(&body, "message").unwrap_or_else(|| answer.body.clone());
    format!("HubSpot {}{category}: {}", answer.status, excerpt(&said))
}

/// What a person can do about it, if anything.
fn cure(answer: &Answer, properties: &[&str]) -> Option<String> {
    let named: Vec<&str> = properties.iter().copied().filter(|name| answer.body.contains(name)).collect();
    let which = if named.is_empty() { properties.join(" or ") } else { named.join(" and ") };
    match answer.status {
        400 if answer.body.contains("INVALID_OPTION") => Some(format!(
            "add the missing option of {which} in HubSpot (`nightdesk check --online` names it), then requeue"
        )),
        400 if answer.body.contains("PROPERTY_DOESNT_EXIST") || !named.is_empty() => {
            Some(format!("create {which} with `nightdesk check --create-properties`, then requeue"))
        }
        401 => Some("put a valid access token of the HubSpot private app into the configuration".to_owned()),
        403 => Some(format!("give the HubSpot private app the scopes {}", missing_scopes(answer))),
        404 if is_hubspots(answer) => {
            Some("the contact was deleted or merged into another: look for it in HubSpot, then discard this".to_owned())
        }
        300..400 | 404 | 405 => Some("check the base URL and the path of the CRM".to_owned()),
        _ => None,
    }
}

/// The scopes that HubSpot names, else the ones we need.
fn missing_scopes(answer: &Answer) -> String {
    let body = answer.json().unwrap_or_default();
    let errors = body.get("errors").and_then(Value::as_array).into_iter().flatten();
    let contexts = errors.chain([&body]).filter_map(|error| error.get("context")?.as_object());
    let lists = contexts.flatten().filter(|(key, _)| key.ends_with("Scopes"));
    let named: Vec<&str> = lists.filter_map(|(_, list)| list.as_array()).flatten().filter_map(Value::as_str).collect();
    if named.is_empty() { SCOPES.to_owned() } else { named.join(", ") }
}

fn word(object: &Value, key: &str) -> Option<String> {
    object.get(key)?.as_str().map(str::to_owned)
}
