//! Twilio's Messages API: one POST puts a text on the way, and when its outcome is unknown a list finds it again. And its
//! Calls API, by which phones ring.
//!
//! Called by the outbox through [`Effect`]. Twilio takes no idempotency key, so a text is sent exactly once per call and
//! nothing here ever repeats it; 201 means queued, not delivered. `answer` says what an answer means, `lookup` finds a
//! text whose outcome is unknown, `status` reads what became of one, `call` lets a phone ring. Source: <https://www.twilio.com/docs/messaging/api/message-resource>.

mod answer;
mod call;
mod lookup;
mod status;
#[cfg(test)]
mod tests;

pub use status::fate_of;

use std::future::Future;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;

use crate::model::{Effect, Failure, Fault, Outcome, Report, SmsTask, Task, Timestamp, Trace, Work};
use crate::wire::{self, Answer, Call, Wire, WireError};

/// Twilio refuses longer bodies (error 21617).
const MAX_BODY_CHARS: usize = 1600;
/// Where Twilio puts its id of a request.
const REQUEST_ID: &str = "twilio-request-id";
/// The bounds Twilio sets for `ValidityPeriod`.
const VALIDITY_S: RangeInclusive<u64> = 1..=36_000;

/// Which account sends, as whom, and for how long a text is worth sending.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://api.twilio.com`, or a stand-in; no slash at the end.
    pub base_url: String,
    /// The account (`AC…`) that pays; part of every path.
    pub account_sid: String,
    /// Who signs in: the account itself, or one of its API keys (`SK…`).
    pub user: String,
    /// The auth token, or the API key's secret.
    pub secret: SecretString,
    /// The sender.
    pub sender: Sender,
    /// A text that Twilio could not hand on for so long is dropped: an alarm that rings hours later is worse than none.
    pub validity: Duration,
    /// Where Twilio posts what becomes of a text, if it can prove itself there; it is asked anyhow.
    pub status_callback: Option<String>,
    /// The longest that one request may take.
    pub timeout: Duration,
}

/// Who a text comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// A number, short code or alphanumeric name.
    From(String),
    /// A messaging service (`MG…`) that picks the number.
    Service(String),
}

/// Sends texts through one Twilio account.
#[derive(Debug, Clone)]
pub struct Twilio {
    settings: Settings,
    wire: Wire,
}

impl Twilio {
    /// A sender with these settings. Connects to nothing until the first text.
    #[must_use]
    pub const fn new(settings: Settings, wire: Wire) -> Self {
        Self { settings, wire }
    }

    /// Asks Twilio whether it knows us, without sending anything. What is wrong, or nothing.
    pub async fn verify(&self) -> Vec<Failure> {
        // A standard API key may not read the account itself; the list of messages is what a look-up needs anyway.
        let what = if self.settings.user.starts_with("SK") { "/Messages.json?PageSize=1" } else { ".json" };
        let call = self.signed(Call::get(self.account_url(what)));
        let got = self.wire.send(&call, self.settings.timeout).await;
        let answer = match got {
            Ok(answer) => answer,
            Err(error) => return vec![error.failure("Twilio")],
        };
        if !answer.is_success() {
            return vec![answer::refused(&answer, true, Timestamp::now())];
        }
        answer::account_trouble(&answer).into_iter().collect()
    }

    async fn submit(&self, sms: &SmsTask, work: &Work) -> Report {
        if sms.text.chars().count() > MAX_BODY_CHARS {
            let reason = format!("the text is longer than the {MAX_BODY_CHARS} characters that Twilio takes");
            return Report::of(Outcome::Failed(Failure::new(Fault::Permanent, reason)));
        }
        let call = self.signed(Call::post(self.account_url("/Messages.json")).form(self.form(sms)));
        let (got, trace) = self.exchange(&call, work).await;
        let outcome = match got {
            Ok(answer) => answer::of_submit(&answer, &sms.text, Timestamp::now()),
            Err(error) => Outcome::Failed(error.failure("Twilio")),
        };
        Report::traced(outcome, trace)
    }

    fn form(&self, sms: &SmsTask) -> String {
        let validity = self.settings.validity.as_secs().clamp(*VALIDITY_S.start(), *VALIDITY_S.end()).to_string();
        let (sender, value) = match &self.settings.sender {
            Sender::From(from) => ("From", from),
            Sender::Service(sid) => ("MessagingServiceSid", sid),
        };
        let mut pairs =
            vec![("To", sms.to.as_str()), (sender, value), ("Body", &sms.text), ("ValidityPeriod", &validity)];
        pairs.extend(self.settings.status_callback.as_deref().map(|url| ("StatusCallback", url)));
        encoded(&pairs)
    }

    /// Sends `call` once, within what is left of the attempt.
    async fn exchange(&self, call: &Call, work: &Work) -> (Result<Answer, WireError>, Trace) {
        let left = work.hard_deadline.since(Timestamp::now());
        let got = self.wire.send(call, left.min(self.settings.timeout)).await;
        let trace = wire::trace(call, &got, REQUEST_ID);
        (got, trace)
    }

    fn signed(&self, call: Call) -> Call {
        call.basic(&self.settings.user, &self.settings.secret)
    }

    fn account_url(&self, rest: &str) -> String {
        format!("{}/2010-04-01/Accounts/{}{rest}", self.settings.base_url, self.settings.account_sid)
    }
}

impl Effect for Twilio {
    fn perform<'a>(&'a self, work: &'a Work) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>> {
        Box::pin(async move {
            match (&work.job.task, work.look_up_since) {
                (Task::Sms(sms), None) => self.submit(sms, work).await,
                (Task::Sms(sms), Some(since)) => self.look_up(sms, since, work).await,
                (Task::Ring(ring), None) => self.ring(ring, work).await,
                (Task::SmsStatus(status), _) => self.read(&status.reference, work).await,
                (other, _) => {
                    let reason = format!("Twilio can't do a job of kind {}", other.kind());
                    Report::of(Outcome::Failed(Failure::new(Fault::Permanent, reason)))
                }
            }
        })
    }
}

/// `application/x-www-form-urlencoded`, for a body and for a query alike.
fn encoded(pairs: &[(&str, &str)]) -> String {
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    pairs.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect::<Vec<_>>().join("&")
}
