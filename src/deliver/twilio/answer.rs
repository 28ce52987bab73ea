//! What Twilio's answers mean: its error codes as a table, and the message resource. Pure.
//!
//! Called by the sender and by its look-up. The code decides where Twilio gave one, else the status; 5xx after a POST is
//! always an unknown outcome, whatever code came with it. Source: <https://www.twilio.com/docs/api/errors>.

use std::time::Duration;

use serde_json::Value;

use crate::model::{Done, Failure, Fault, Layout, Outcome, SmsReceipt, Timestamp};
use crate::wire::{Answer, retry_after, status_fault};

/// Twilio's limit is on requests at the same moment, so a short pause clears it, and a person waits for the text.
const THROTTLE_PAUSE: Duration = Duration::from_secs(5);
/// Words of the peer that we repeat are cut here.
const MAX_SAID_CHARS: usize = 200;

/// What a code decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Auth,
    Throttled,
    Transient,
    Unknown,
    Permanent,
    /// Permanent, and no other channel may be tried either.
    OptedOut,
}

/// One row: the code, what it decides, what it means, and what a person can do.
type Row = (u64, Verdict, &'static str, &'static str);

const CHECK_NUMBER: &str = "check the number of the person on call, then requeue";
const CHECK_FROM: &str =
    "set `from` to a number of this Twilio account that can send texts, or use a messaging service";
const CHECK_CALLER: &str =
    "set `from` to a number of this Twilio account that can call, or leave twilio out of oncall.ring.channels";
const FILE_BUG: &str = "this is a fault of nightdesk: please report it";

/// The codes that a POST of a message or a call, or a message that failed later, can carry.
#[rustfmt::skip]
const CODES: &[Row] = &[
    (20003, Verdict::Auth, "the credentials are refused", "check account SID, user and secret in the Twilio console"),
    (20005, Verdict::Auth, "the account is not active", "look at the account in the Twilio console"),
    (20404, Verdict::Permanent, "the account was not found", "check the account SID and the base URL"),
    (20429, Verdict::Throttled, "too many requests at the same moment", ""),
    (20500, Verdict::Unknown, "Twilio has an internal error", ""),
    (20503, Verdict::Unknown, "Twilio is out of service", ""),
    (21211, Verdict::Permanent, "the recipient's number is not valid", CHECK_NUMBER),
    (21212, Verdict::Permanent, "the sender is not valid", CHECK_FROM),
    (21210, Verdict::Permanent, "the sender is not verified for calls", CHECK_CALLER),
    (21214, Verdict::Permanent, "the phone can't be called", CHECK_NUMBER),
    (21215, Verdict::Permanent, "calls to the recipient's region are not allowed", "allow the region in the Twilio console under Voice, Geo permissions"),
    (21216, Verdict::Permanent, "the account may not call this number", "allow the number in the Twilio console under Voice, Geo permissions"),
    (21217, Verdict::Permanent, "the recipient's number is not valid", CHECK_NUMBER),
    (21219, Verdict::Permanent, "a trial account may only call verified numbers", "verify the recipient's number in the Twilio console, or upgrade the account"),
    (21408, Verdict::Permanent, "texts to the recipient's region are not allowed", "allow the region in the Twilio console under Messaging, Geo permissions"),
    (21602, Verdict::Permanent, "the text is empty", FILE_BUG),
    (21606, Verdict::Permanent, "the sender can't send texts to this recipient", CHECK_FROM),
    (21608, Verdict::Permanent, "a trial account may only text verified numbers", "verify the recipient's number in the Twilio console, or upgrade the account"),
    (21609, Verdict::Permanent, "it can't post to the desk's public address", "set server.public-url to an address that is reached from outside, or leave it out"),
    (21610, Verdict::OptedOut, "the recipient has opted out by answering STOP", "ask the person to text START to the sender's number, then requeue"),
    (21611, Verdict::Transient, "the sender's queue is full", ""),
    (21612, Verdict::Permanent, "there is no route from this sender to this recipient", CHECK_FROM),
    (21614, Verdict::Permanent, "the recipient's number is not a mobile number", CHECK_NUMBER),
    (21617, Verdict::Permanent, "the text is too long", FILE_BUG),
    (21659, Verdict::Permanent, "the sender is not a number of this account", CHECK_FROM),
    (21660, Verdict::Permanent, "the sender does not belong to this account", CHECK_FROM),
    (30001, Verdict::Transient, "the queue overflowed", ""),
    (30002, Verdict::Auth, "the account is suspended", "look at the account in the Twilio console"),
    (30003, Verdict::Permanent, "the phone can't be reached", "is the phone on? then requeue"),
    (30004, Verdict::Permanent, "the text was blocked", CHECK_NUMBER),
    (30005, Verdict::Permanent, "the phone is unknown to its network", CHECK_NUMBER),
    (30006, Verdict::Permanent, "the number is a landline or its network can't be reached", CHECK_NUMBER),
    (30007, Verdict::Permanent, "the text was filtered as spam", "register the sender with Twilio, or change the wording of the SMS template"),
    (30008, Verdict::Permanent, "the network gave no reason", ""),
];

/// What became of a POST.
pub(super) fn of_submit(answer: &Answer, text: &str, now: Timestamp) -> Outcome {
    if !answer.is_success() {
        return Outcome::Failed(refused(answer, false, now));
    }
    let message = answer.json().filter(|_| !answer.truncated);
    message.as_ref().and_then(|message| of_message(message, text)).unwrap_or_else(|| {
        let reason = format!("Twilio answered {} without a message: {}", answer.status, excerpt(&answer.body));
        Outcome::Failed(Failure::new(Fault::Unknown, reason))
    })
}

/// What a message resource says of its text; `None` if it is no message resource.
pub(super) fn of_message(message: &Value, text: &str) -> Option<Outcome> {
    let reference = message.get("sid")?.as_str().filter(|sid| !sid.is_empty())?.to_owned();
    let status = message.get("status").and_then(Value::as_str).unwrap_or_default();
    if has_failed(message) {
        let row = number(message, "error_code").and_then(row);
        let words = row.map_or("no reason is given", |(.., words, _)| words);
        let failure = Failure::new(Fault::Permanent, format!("Twilio took the text, then it was {status}: {words}"));
        return Some(Outcome::Failed(with_row(failure, row)));
    }
    // A messaging service counts parts only once it has picked a sender, and says 0 until then.
    let counted = number(message, "num_segments").and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    let parts = counted.unwrap_or_else(|| u32::try_from(Layout::of(text).parts.len()).unwrap_or(u32::MAX));
    Some(Outcome::Done(Done::Sms(SmsReceipt { reference, parts, delivered: matches!(status, "delivered" | "read") })))
}

/// Whether Twilio gave this message up.
pub(super) fn has_failed(message: &Value) -> bool {
    matches!(message.get("status").and_then(Value::as_str), Some("failed" | "undelivered" | "canceled"))
}

/// The failure behind an answer that is not 2xx.
pub(super) fn refused(answer: &Answer, repeatable: bool, now: Timestamp) -> Failure {
    let by_status = status_fault(answer, repeatable, now, THROTTLE_PAUSE).unwrap_or(Fault::Unknown);
    let body = answer.json();
    let row = body.as_ref().and_then(|body| number(body, "code")).and_then(row);
    let fault = match row {
        Some((_, verdict, ..)) if answer.status < 500 => match verdict {
            Verdict::Auth => Fault::Auth,
            Verdict::Transient => Fault::Transient,
            Verdict::Permanent | Verdict::OptedOut => Fault::Permanent,
            Verdict::Throttled => {
                Fault::Throttled { until: now.after(retry_after(answer, now).unwrap_or(THROTTLE_PAUSE)) }
            }
            Verdict::Unknown => by_status,
        },
        _ => by_status,
    };
    let said = body.as_ref().and_then(|body| body.get("message")).and_then(Value::as_str).unwrap_or(&answer.body);
    let reason = match row {
        Some((code, _, words, _)) => format!("Twilio {}, error {code}: {words}", answer.status),
        None => format!("Twilio {}: {}", answer.status, excerpt(said)),
    };
    let failure = with_row(Failure::new(fault, reason), row);
    match (fault, &failure.cure) {
        (Fault::Auth, None) => failure.cure("check account SID, user and secret in the Twilio console"),
        (Fault::Permanent, None) if answer.status == 404 || answer.status < 400 => {
            failure.cure("check the account SID and the base URL")
        }
        _ => failure,
    }
}

/// What is wrong with the account that `verify` read, if it is one and something is.
pub(super) fn account_trouble(answer: &Answer) -> Option<Failure> {
    let Some(body) = answer.json().filter(Value::is_object) else {
        let reason = format!("Twilio answered {} with something else: {}", answer.status, excerpt(&answer.body));
        return Some(Failure::new(Fault::Permanent, reason).cure("check the base URL"));
    };
    let status = body.get("status").and_then(Value::as_str).filter(|status| *status != "active")?;
    let failure = Failure::new(Fault::Auth, format!("the Twilio account is {status}"));
    Some(failure.cure("look at the account in the Twilio console"))
}

/// A number that Twilio may also write as a text.
fn number(object: &Value, key: &str) -> Option<u64> {
    let value = object.get(key)?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn row(code: u64) -> Option<Row> {
    CODES.iter().find(|(known, ..)| *known == code).copied()
}

fn with_row(failure: Failure, row: Option<Row>) -> Failure {
    let Some((_, verdict, _, cure)) = row else { return failure };
    let failure = Failure { final_everywhere: verdict == Verdict::OptedOut, ..failure };
    if cure.is_empty() { failure } else { failure.cure(cure) }
}

/// The start of what a peer said, on one line.
pub(super) fn excerpt(said: &str) -> String {
    let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() { "(an empty body)".to_owned() } else { line.chars().take(MAX_SAID_CHARS).collect() }
}
