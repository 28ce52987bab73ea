//! Calls: which parameters are taken, and what each may be.
//!
//! Names, patterns and limits are those of `CreateCallRequest` in Twilio's published `OpenAPI` file, and of its
//! documentation of the Call resource and of `TwiML`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::http::{Answer, Seen, Sim};
use super::send::{Form, invalid};
use super::{Twilio, date, error};
use crate::model::Phone;

/// Every parameter of the specification that a call without callbacks may have.
const PARAMETERS: [&str; 12] = [
    "ApplicationSid",
    "CallReason",
    "CallerId",
    "From",
    "MachineDetection",
    "Method",
    "Record",
    "SendDigits",
    "Timeout",
    "To",
    "Twiml",
    "Url",
];
/// The longest `TwiML` in a request, in characters.
const MAX_TWIML: usize = 4000;
/// The longest that Twilio lets a phone ring, in seconds.
const MAX_TIMEOUT: u32 = 600;

/// A call that Twilio took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// Twilio's id.
    pub sid: String,
    /// Whom it calls.
    pub to: String,
    /// The number that is shown.
    pub from: String,
    /// What is said to whoever picks up.
    pub words: String,
    /// How long the phone rings, in seconds.
    pub timeout: u32,
    /// When it was taken.
    pub at: Timestamp,
}

impl Called {
    /// The resource as the specification describes it, just after it was made.
    fn json(&self, account: &str) -> Value {
        json!({
            "sid": self.sid, "account_sid": account, "api_version": "2010-04-01", "status": "queued",
            "to": self.to, "to_formatted": self.to, "from": self.from, "from_formatted": self.from,
            "direction": "outbound-api", "date_created": date(self.at), "date_updated": date(self.at),
            "start_time": null, "end_time": null, "duration": null, "answered_by": null, "price": null,
            "price_unit": "USD", "queue_time": "0", "phone_number_sid": null,
            "uri": format!("/2010-04-01/Accounts/{account}/Calls/{}.json", self.sid),
        })
    }
}

impl Twilio {
    /// Takes a call or refuses it.
    pub(super) fn call(&mut self, seen: &Seen) -> Answer {
        if !seen.is_of_type("application/x-www-form-urlencoded") {
            return invalid("the body is no form");
        }
        let form = Form::of(seen);
        if let Some(mistake) = form.stranger(&PARAMETERS) {
            return invalid(mistake);
        }
        let (to, from) = (form.get("To").unwrap_or_default(), form.get("From").unwrap_or_default());
        if let Some(code) = self.uncalled.get(to) {
            return error(*code);
        }
        if to.parse::<Phone>().is_err() {
            return error(21211).mistake("To is not E.164");
        }
        if from.parse::<Phone>().is_err() {
            return error(21212).mistake("From is not E.164: nothing else can call");
        }
        let timeout = form.get("Timeout").map_or(Some(60), |text| text.parse::<u32>().ok());
        let Some(timeout) = timeout.filter(|seconds| (1..=MAX_TIMEOUT).contains(seconds)) else {
            return invalid("Timeout is not 1 to 600");
        };
        if ["Url", "ApplicationSid"].into_iter().any(|other| form.get(other).is_some()) {
            return invalid("the simulator only speaks what is given as Twiml");
        }
        let Some(words) = form.get("Twiml").filter(|twiml| twiml.chars().count() <= MAX_TWIML).and_then(spoken) else {
            return invalid("Twiml is no <Response><Say> of at most 4000 characters");
        };
        let number = self.calls.len().saturating_add(1);
        let (sid, at) = (format!("CA{number:032x}"), Timestamp::now());
        let called = Called { sid, to: to.to_owned(), from: from.to_owned(), words, timeout, at };
        let created = called.json(&self.account);
        self.calls.push(called);
        Answer::new(201, created)
    }
}

/// What `TwiML` of one `<Say>` says; `None` if it isn't that, or not well-formed.
fn spoken(twiml: &str) -> Option<String> {
    let text = twiml.strip_prefix("<Response><Say>")?.strip_suffix("</Say></Response>")?;
    let (mut words, mut rest) = (String::new(), text);
    while let Some(c) = rest.chars().next() {
        let (piece, len) = match c {
            '<' | '>' => return None,
            '&' => {
                let known = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&apos;", '\'')];
                let (entity, meant) = known.into_iter().find(|(entity, _)| rest.starts_with(entity))?;
                (meant, entity.len())
            }
            c if c.is_control() => return None,
            c => (c, c.len_utf8()),
        };
        words.push(piece);
        rest = rest.get(len..)?;
    }
    Some(words).filter(|words| !words.trim().is_empty())
}

impl Sim<Twilio> {
    /// Every call that Twilio took.
    #[must_use]
    pub fn calls(&self) -> Vec<Called> {
        self.site().calls.clone()
    }

    /// From now on, every call to this number is refused with this code of Twilio's table.
    pub fn refuse_calls(&self, number: impl Into<String>, code: u32) {
        self.site().uncalled.insert(number.into(), code);
    }
}
