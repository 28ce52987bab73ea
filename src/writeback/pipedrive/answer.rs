//! What Pipedrive's answers mean: its envelope, its errors, its limits.
//!
//! Every answer says `success`; a 2xx without it comes from somebody in between. 402 is an account that is not paid, 403 a
//! right that is missing, or, as a page and no JSON, the wall in front of an account that went on after 429. The day's
//! budget ends at midnight UTC; no header is promised.
//! Sources: <https://pipedrive.readme.io/docs/core-api-concepts-responses>,
//! <https://pipedrive.readme.io/docs/core-api-concepts-http-status-codes>,
//! <https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting>.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::model::{Failure, Fault, Left, Quota, Timestamp};
use crate::wire::{Answer, WireError, retry_after, status_fault};
use crate::writeback::{excerpt, midnight};

/// The short window, and the least pause after any limit.
const WINDOW: Duration = Duration::from_secs(2);
/// How long the wall stays is told nowhere.
const WALL: Duration = Duration::from_mins(5);

/// What a good answer holds, or what went wrong.
pub(super) fn data(got: Result<Answer, WireError>, repeatable: bool) -> Result<Value, Failure> {
    let answer = got.map_err(|error| error.failure("Pipedrive"))?;
    let body = answer.json().filter(|_| !answer.truncated);
    let success = body.as_ref().and_then(|body| body.get("success")?.as_bool());
    match (answer.is_success(), success) {
        (true, Some(true)) => Ok(body.unwrap_or_default().get_mut("data").map(Value::take).unwrap_or_default()),
        (true, Some(false)) => Err(Failure::new(Fault::Permanent, reason(&answer))),
        (true, None) => {
            let fault = if repeatable { Fault::Transient } else { Fault::Unknown };
            let reason = format!("Pipedrive answered {} with something else: {}", answer.status, excerpt(&answer.body));
            let cure = "if this goes on, check the base URL and what stands between here and Pipedrive";
            Err(Failure::new(fault, reason).cure(cure))
        }
        (false, _) => Err(refused(&answer, repeatable, Timestamp::now())),
    }
}

/// The failure behind an answer that is not 2xx.
pub(super) fn refused(answer: &Answer, repeatable: bool, now: Timestamp) -> Failure {
    let is_its_own = answer.json().is_some_and(|body| body.is_object());
    let fault = match answer.status {
        402 => Fault::Auth,
        403 if !is_its_own => Fault::Throttled { until: now.after(retry_after(answer, now).unwrap_or(WALL)) },
        429 => Fault::Throttled { until: limit_ends(answer, now) },
        _ => status_fault(answer, repeatable, now, WINDOW).unwrap_or(Fault::Unknown),
    };
    Failure { cure: cure(answer.status, is_its_own).map(str::to_owned), ..Failure::new(fault, reason(answer)) }
}

/// What an answer says of limits; any header may be missing.
pub(super) fn limits(answer: &Answer) -> Quota {
    let number = |name: &str| answer.header(name)?.trim().parse().ok();
    let left = |left: &str, of: &str| Some(Left { left: number(left)?, of: number(of)? });
    Quota {
        requests: 0,
        burst: left("x-ratelimit-remaining", "x-ratelimit-limit"),
        day: left("x-daily-ratelimit-token-remaining", "x-daily-ratelimit-token-limit"),
    }
}

/// When a limit ends: the day's at midnight, any other as the answer says.
fn limit_ends(answer: &Answer, now: Timestamp) -> Timestamp {
    let used_up = |name: &str| answer.header(name).is_some_and(|left| left.trim() == "0");
    if used_up("x-daily-ratelimit-token-remaining") || used_up("x-daily-requests-left") {
        return midnight(now, &TimeZone::UTC);
    }
    let reset = || answer.header("x-ratelimit-reset")?.trim().parse::<u64>().ok().map(Duration::from_secs);
    now.after(retry_after(answer, now).or_else(reset).unwrap_or(WINDOW).clamp(WINDOW, crate::wire::LONGEST_WAIT))
}

fn reason(answer: &Answer) -> String {
    let body = answer.json().unwrap_or_default();
    let word = |key: &str| body.get(key).and_then(Value::as_str);
    let code = word("code").map(|code| format!(" {code}")).unwrap_or_default();
    format!("Pipedrive {}{code}: {}", answer.status, excerpt(word("error").unwrap_or(&answer.body)))
}

/// What a person can do about it, if anything.
const fn cure(status: u16, is_its_own: bool) -> Option<&'static str> {
    match (status, is_its_own) {
        (401, _) => Some("put a valid API token of a Pipedrive user into the configuration"),
        (402, _) => Some("the Pipedrive account is closed or not paid: open it again"),
        (403, true) => {
            Some("give the user of the API token the rights to see and change persons, notes and activities")
        }
        (403, false) => Some("too many requests: lower rate of this CRM, and see what else uses the account"),
        (404 | 410, true) => Some("the person was deleted or merged: look for it in Pipedrive, then discard this"),
        (300..=399 | 404 | 405 | 410, _) => Some("check the base URL of the CRM"),
        _ => None,
    }
}
