//! What became of a text that Twilio took, read from its message resource. Called by the sender; sends nothing.
//!
//! Twilio would also post it to us, but only where the desk has an address that it reaches; asking works everywhere.
//! Source: <https://www.twilio.com/docs/messaging/api/message-resource#fetch-a-message-resource>.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::model::{Done, Failure, Fate, Fault, Outcome, Report, Timestamp, Work};
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
    match message.and_then(|message| answer::of_message(&message, "")) {
        Some(Outcome::Done(Done::Sms(receipt))) => {
            let fate = if receipt.delivered { Fate::Delivered } else { Fate::StillTrying };
            Outcome::Done(Done::Fate { fate, why: None })
        }
        Some(Outcome::Failed(why)) => Outcome::Done(Done::Fate { fate: Fate::FailedForGood, why: Some(why) }),
        Some(_) | None => {
            let reason =
                format!("Twilio answered {} without the message: {}", answer.status, answer::excerpt(&answer.body));
            Outcome::Failed(Failure::new(Fault::Transient, reason))
        }
    }
}
