//! Sending a message: which parameters are taken, and what each may be.
//!
//! Names, patterns and limits are those of `CreateMessageRequest` in Twilio's published `OpenAPI` file; the 1,600
//! characters and the error codes are those of its documentation.

use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::super::http::{Answer, Seen, pairs};
use super::super::with;
use super::{Message, Twilio, error, error_body};
use crate::model::{Layout, Phone};

/// Every parameter the specification names.
const PARAMETERS: [&str; 25] = [
    "AddressRetention",
    "ApplicationSid",
    "Attempt",
    "Body",
    "ContentRetention",
    "ContentSid",
    "ContentVariables",
    "FallbackFrom",
    "ForceDelivery",
    "From",
    "MaxPrice",
    "MediaUrl",
    "MessagingServiceSid",
    "PersistentAction",
    "ProvideFeedback",
    "RiskCheck",
    "ScheduleType",
    "SendAsMms",
    "SendAt",
    "ShortenUrls",
    "SmartEncoded",
    "StatusCallback",
    "To",
    "TrafficType",
    "ValidityPeriod",
];

/// The longest body Twilio takes, in characters.
const MAX_BODY: usize = 1600;

/// A parameter that is not as the specification wants it: Twilio's general code for that.
pub(super) fn invalid(why: impl Into<String>) -> Answer {
    let why = why.into();
    Answer::new(400, error_body(20001, 400, &why)).mistake(why)
}

/// An id of two letters and 32 hexadecimal digits.
fn is_sid(text: &str, kind: &str) -> bool {
    text.len() == 34 && text.strip_prefix(kind).is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The values of one request, by name.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn of(seen: &Seen) -> Self {
        Self(pairs(&seen.body))
    }

    /// A parameter that the specification doesn't know, or that is there twice.
    pub(super) fn stranger(&self, known: &[&str]) -> Option<String> {
        if let Some((name, _)) = self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            return Some(format!("unknown parameter '{name}'"));
        }
        let repeated = |name: &str| self.0.iter().filter(|(known, _)| known == name).count() > 1;
        let twice = self.0.iter().find(|(name, _)| name != "MediaUrl" && repeated(name));
        twice.map(|(name, _)| format!("parameter '{name}' is given twice"))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// What is wrong with its form, whatever the state of the account.
    fn refusal(&self) -> Option<Answer> {
        if let Some(mistake) = self.stranger(&PARAMETERS) {
            return Some(invalid(mistake));
        }
        if self.get("To").is_none() {
            return Some(error(21604).mistake("no To"));
        }
        match (self.get("From"), self.get("MessagingServiceSid")) {
            (None, None) => return Some(error(21603).mistake("neither From nor MessagingServiceSid")),
            (_, Some(service)) if !is_sid(service, "MG") => {
                return Some(invalid("MessagingServiceSid is no MG id"));
            }
            _ => {}
        }
        let body = self.get("Body").unwrap_or_default();
        if body.is_empty() {
            return Some(error(21602).mistake("no Body"));
        }
        if body.chars().count() > MAX_BODY {
            return Some(error(21617).mistake("Body over 1600 characters"));
        }
        self.bad_value().map(invalid)
    }

    /// The first optional value that is not of its type.
    fn bad_value(&self) -> Option<&'static str> {
        let validity = self.get("ValidityPeriod").map(str::parse::<u32>);
        if validity.is_some_and(|seconds| !seconds.is_ok_and(|seconds| (1..=36_000).contains(&seconds))) {
            return Some("ValidityPeriod is not 1 to 36000");
        }
        let truth = |name| self.get(name).is_none_or(|value| matches!(value, "true" | "false"));
        if !["SmartEncoded", "ForceDelivery", "ProvideFeedback", "ShortenUrls", "SendAsMms"].into_iter().all(truth) {
            return Some("a boolean is neither true nor false");
        }
        let callback = self.get("StatusCallback");
        if callback.is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
            return Some("StatusCallback is no address");
        }
        None
    }

    /// Whether Twilio could post to the `StatusCallback`, if there is one: it must be on the open net.
    fn can_be_called(&self) -> bool {
        let Some((_, rest)) = self.get("StatusCallback").and_then(|url| url.split_once("://")) else { return true };
        let host = rest.split(['/', ':', '?']).next().unwrap_or_default();
        host.contains('.')
            && host.parse::<Ipv4Addr>().map_or(true, |address| !address.is_loopback() && !address.is_private())
    }
}

impl Twilio {
    /// Takes a message or refuses it.
    pub(super) fn send(&mut self, seen: &Seen) -> Answer {
        if !seen.is_of_type("application/x-www-form-urlencoded") {
            return invalid("the body is no form");
        }
        let form = Form::of(seen);
        if let Some(refusal) = form.refusal() {
            return refusal;
        }
        if !form.can_be_called() {
            return error(21609).mistake("StatusCallback is nowhere on the open net");
        }
        let to = form.get("To").unwrap_or_default();
        if let Some(code) = self.numbers.get(to) {
            return error(*code);
        }
        if to.parse::<Phone>().is_err() {
            return error(21211).mistake("To is not E.164");
        }
        let from = form.get("From").filter(|_| form.get("MessagingServiceSid").is_none());
        if let Some(code) = from.and_then(|from| self.numbers.get(from)) {
            return error(*code);
        }
        let sender = |from: &str| from.parse::<Phone>().is_ok() || is_sender_name(from);
        if from.is_some_and(|from| !sender(from)) {
            return error(21212).mistake("From is neither E.164, a short code nor a name");
        }
        let body = form.get("Body").unwrap_or_default().to_owned();
        let service = form.get("MessagingServiceSid").map(str::to_owned);
        let number = self.messages.len().saturating_add(1);
        let message = Message {
            sid: format!("SM{number:032x}"),
            to: to.to_owned(),
            from: from.map(str::to_owned),
            segments: Layout::of(&body).parts.len(),
            body,
            at: Timestamp::now(),
            callback: form.get("StatusCallback").map(str::to_owned),
            service,
            asked: 0,
        };
        let status = if message.service.is_some() { "accepted" } else { "queued" };
        let created = message.json(&self.account, (status, None));
        // A service picks the sender later, so the parts aren't counted yet.
        let created = if message.service.is_some() { with(created, "num_segments", "0") } else { created };
        self.messages.push(message);
        Answer::new(201, created)
    }
}

/// A short code, or an alphanumeric sender of up to 11 characters.
fn is_sender_name(from: &str) -> bool {
    let short = (3..=8).contains(&from.len()) && from.bytes().all(|b| b.is_ascii_digit());
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '+' | '-' | '_' | '&');
    short || (from.len() <= 11 && from.chars().all(letters) && from.chars().any(|c| c.is_ascii_alphabetic()))
}
