//! What became of a text that Twilio took, read from its message resource. Called by the sender; sends nothing.
//!
//! Twilio also posts it to us, but only where the desk has an address that it reaches; asking works everywhere. Both
//! come to the same.
//! Source: <https://www.twilio.com/docs/messaging/api/message-resource#fetch-a-message-resource>.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::model::{Done, Failure, Fate, Fault, Outcome, Report, Timestamp, Told, Work};
use crate::wire::{Answer, Call};

use super::{Twilio, answer};

impl Twilio {
    /// Reads what became of the text that Twilio calls `sid`.
    pub(super) async fn read(&self, sid: &str, work: &Work) -> Report {
        // It came from a peer, and goes into a path.
        let sid_in_path = utf8_percent_encode(sid, NON_ALPHANUMERIC);
        let call = self.signed(Call::get(self.account_url(&format!("/Messages/{sid_in_path}.json"))));
        let (got, trace) = self.exchange(&call, work).await;
        let outcome = match got {
            Ok(answer) => of_status(&answer, sid, Timestamp::now()),
            Err(error) => Outcome::Failed(error.failure("Twilio")),
        };
        Report::traced(outcome, trace)
    }
}

/// What an answer says became of a text.
pub(super) fn of_status(answer: &Answer, sid: &str, now: Timestamp) -> Outcome {
    if !answer.is_success() {
        return Outcome::Failed(answer::refused(answer, true, now));
    }
    let message = answer.json().filter(|message| message.get("sid").and_then(Value::as_str) == Some(sid));
    if let Some((fate, why)) = message.as_ref().and_then(fate) {
        return Outcome::Done(Done::Fate { fate, why });
    }
    let reason = format!("Twilio answered {} without the message: {}", answer.status, answer::excerpt(&answer.body));
    Outcome::Failed(Failure::new(Fault::Transient, reason))
}

/// What Twilio says by itself of a text. `None`: it names none.
#[must_use]
pub fn fate_of(told: &Told) -> Option<(Fate, Option<Failure>)> {
    fate(&json!({ "sid": told.reference, "status": told.status, "error_code": told.code }))
}

/// What a message resource says became of its text, and why.
fn fate(message: &Value) -> Option<(Fate, Option<Failure>)> {
    match answer::of_message(message, "")? {
        Outcome::Done(Done::Sms(receipt)) if receipt.delivered => Some((Fate::Delivered, None)),
        Outcome::Done(Done::Sms(_)) => Some((Fate::StillTrying, None)),
        Outcome::Failed(why) => Some((Fate::FailedForGood, Some(why))),
        Outcome::Done(_) | Outcome::Absent | Outcome::Unsure => None,
    }
}
