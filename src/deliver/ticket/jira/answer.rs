//! What Jira's answers mean. Pure, `now` passed in.
//!
//! Called by the Jira effect. Jira hides a project from whom it doesn't trust, so 404 is about the account or the
//! configuration, not about the issue. 401 and 403 may come as HTML, 403 after too many failed logins.
//! Sources: <https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/#status-codes>,
//! <https://developer.atlassian.com/cloud/jira/platform/rate-limiting/>.

use std::time::Duration;

use serde_json::Value;

use super::super::text_of;
use crate::model::{Failure, Fault, Timestamp};
use crate::wire::{Answer, LONGEST_WAIT, excerpt, retry_after, status_fault};

/// The pause after a 429 that names none: bursts are counted by the second, and every refused request counts too.
const PAUSE: Duration = Duration::from_secs(30);
const TOKEN: &str =
    "check the e-mail address of the account and the API token (id.atlassian.com, Security, API tokens)";
const PROJECT: &str =
    "check the base URL and the project, and give the account the permissions Browse Projects and Create Issues there";

/// The key of the issue that was made, or why it was not.
pub(super) fn of_post(answer: &Answer, now: Timestamp) -> Result<String, Failure> {
    if !answer.is_success() {
        return Err(refused(answer, false, now));
    }
    let body = answer.json().filter(|_| !answer.truncated);
    body.as_ref().and_then(issue_key).ok_or_else(|| not_jira(answer, Fault::Unknown))
}

/// The key of the first hit, if there is one.
pub(super) fn of_search(answer: &Answer, now: Timestamp) -> Result<Option<String>, Failure> {
    if !answer.is_success() {
        return Err(refused(answer, true, now));
    }
    let body = answer.json().filter(|_| !answer.truncated).unwrap_or_default();
    let Some(issues) = body.get("issues").and_then(Value::as_array) else {
        return Err(not_jira(answer, Fault::Transient));
    };
    match issues.first() {
        Some(issue) => issue_key(issue).map(Some).ok_or_else(|| not_jira(answer, Fault::Transient)),
        // There is more than this page shows, so it can't say no.
        None if body.get("nextPageToken").is_some_and(Value::is_string) => Err(not_jira(answer, Fault::Transient)),
        None => Ok(None),
    }
}

/// A key becomes part of a link for people.
fn issue_key(issue: &Value) -> Option<String> {
    let key = issue.get("key").and_then(text_of)?;
    key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).then_some(key)
}

/// What is wrong with the account that `verify` asked for.
pub(super) fn account_trouble(answer: &Answer, now: Timestamp) -> Option<Failure> {
    if !answer.is_success() {
        return Some(refused(answer, true, now));
    }
    match answer.json().filter(|body| body.get("accountId").is_some_and(Value::is_string)) {
        None => Some(not_jira(answer, Fault::Permanent)),
        Some(body) if body.get("active") == Some(&Value::Bool(false)) => {
            Some(Failure::new(Fault::Auth, "the Jira account of the token is not active").cure(TOKEN))
        }
        Some(_) => None,
    }
}

/// What is wrong with the project that `verify` asked for.
pub(super) fn project_trouble(answer: &Answer, project: &str, issue_type: &str, now: Timestamp) -> Option<Failure> {
    if !answer.is_success() {
        return Some(refused(answer, true, now));
    }
    let body = answer.json().unwrap_or_default();
    let Some(types) = body.get("issueTypes").and_then(Value::as_array) else {
        return Some(not_jira(answer, Fault::Permanent));
    };
    let word = |kind: &Value, key: &str| kind.get(key).and_then(text_of);
    let is_it = |kind: &&Value| ["name", "id"].iter().any(|key| word(kind, key).as_deref() == Some(issue_type));
    let names: Vec<String> = types.iter().filter_map(|kind| word(kind, "name")).collect();
    let failure = |words: &str| {
        let failure = Failure::new(Fault::Permanent, format!("Jira's project {project} {words} {issue_type:?}"));
        Some(failure.cure(format!("set the issue type to one of: {}", names.join(", "))))
    };
    match types.iter().find(is_it) {
        None => failure("has no issue type"),
        Some(kind) if kind.get("subtask") == Some(&Value::Bool(true)) => failure("only makes subtasks of"),
        Some(_) => None,
    }
}

fn refused(answer: &Answer, repeatable: bool, now: Timestamp) -> Failure {
    let fault = match answer.status {
        404 => Fault::Auth,
        429 => Fault::Throttled { until: limit_ends(answer, now) },
        _ => status_fault(answer, repeatable, now, PAUSE).unwrap_or(Fault::Unknown),
    };
    let failure = Failure::new(fault, reason(answer));
    match cure(answer) {
        Some(cure) => failure.cure(cure),
        None => failure,
    }
}

/// When a limit ends: as `Retry-After` says, else at the time of `X-RateLimit-Reset`.
fn limit_ends(answer: &Answer, now: Timestamp) -> Timestamp {
    if let Some(pause) = retry_after(answer, now) {
        return now.after(pause);
    }
    let given = answer.header("x-ratelimit-reset").unwrap_or_default().trim();
    // Some of the limits leave the seconds out, which is no RFC 3339.
    let forms = [given.to_owned(), given.replace('Z', ":00Z")];
    let reset = forms.iter().find_map(|text| text.parse::<Timestamp>().ok());
    reset.filter(|reset| *reset > now).map_or_else(|| now.after(PAUSE), |reset| reset.min(now.after(LONGEST_WAIT)))
}

fn cure(answer: &Answer) -> Option<String> {
    let words = match answer.status {
        401 => TOKEN,
        403 if is_captcha(answer) => {
            "log in to Jira once in a browser as the account of the token and solve the captcha, then check the token"
        }
        403 | 404 => PROJECT,
        400 if answer.body.contains("CONTENT_LIMIT_EXCEEDED") => {
            "this is a fault of nightdesk: please report it; make the issue by hand from the lead"
        }
        400 => {
            "check project, issue type and priority; each field that is named must be on the project's create screen; then requeue"
        }
        410 => "Jira has removed what this version of nightdesk asks: install a newer one",
        300..400 | 405 => "check the base URL of the help desk",
        _ => return None,
    };
    Some(words.to_owned())
}

/// Too many failed logins: until somebody solves a captcha, the right token is refused too.
fn is_captcha(answer: &Answer) -> bool {
    let denied = answer.header("x-seraph-loginreason").is_some_and(|why| why.contains("AUTHENTICATION_DENIED"));
    denied || answer.body.to_lowercase().contains("captcha")
}

/// A 2xx that is no answer of Jira's: `fault` is what that means for this request.
fn not_jira(answer: &Answer, fault: Fault) -> Failure {
    let reason = format!("Jira answered {} with something else: {}", answer.status, excerpt(&answer.body));
    Failure::new(fault, reason).cure("if this goes on, check the base URL and what stands between here and Jira")
}

/// What Jira says of it, in its words: `errorMessages`, then each field with what is wrong about it.
fn reason(answer: &Answer) -> String {
    let body = answer.json().unwrap_or_default();
    let messages = body.get("errorMessages").and_then(Value::as_array).into_iter().flatten();
    let messages = messages.filter_map(Value::as_str).map(str::to_owned);
    let fields = body.get("errors").and_then(Value::as_object).into_iter().flatten();
    let fields = fields.map(|(field, why)| format!("{field}: {}", why.as_str().unwrap_or("refused")));
    let limit = answer.header("ratelimit-reason").map(|why| format!("limit {why}"));
    let words: Vec<String> = messages.chain(fields).chain(limit).collect();
    let words = if words.is_empty() { answer.body.clone() } else { words.join("; ") };
    format!("Jira {}: {}", answer.status, excerpt(&words))
}
