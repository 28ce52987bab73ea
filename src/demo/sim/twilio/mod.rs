//! A simulated Twilio: `Messages.json` and `Calls.json` of the API of 2010-04-01, as strict as the vendor's published
//! specification, and the account itself.
//!
//! Sending takes a form and answers 201; listing finds what was sent by number and date, which is how a client learns
//! what became of a request that was never answered. Numbers can be given an error of Twilio's table (21610: opted out).
//! A 201 means that the simulator will say in [`Sim::messages`] that the text was sent.

mod calls;
mod hooks;
mod list;
mod send;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde_json::{Value, json};

use super::fault::Fault;
use super::http::{Answer, Seen, Sim, Site};

pub use calls::Called;
pub use hooks::Posting;

/// The table of errors a test can give to a number: code, status, message.
const ERRORS: [(u32, u16, &str); 21] = [
    (20003, 401, "Authenticate"),
    (20404, 404, "The requested resource was not found"),
    (20429, 429, "Too Many Requests"),
    (20500, 500, "Internal Server Error"),
    (20503, 503, "Service Unavailable"),
    (21211, 400, "Invalid 'To' Phone Number"),
    (21212, 400, "Invalid 'From' Phone Number"),
    (21215, 401, "Account not authorized to call the number"),
    (21216, 400, "Account not allowed to call the number"),
    (21219, 400, "The number is unverified. Trial accounts may only make calls to verified numbers."),
    (21408, 400, "Permission to send an SMS has not been enabled for the region"),
    (21602, 400, "A text message body or media urls must be specified."),
    (21603, 400, "A 'From' phone number is required."),
    (21604, 400, "A 'To' phone number is required."),
    (21606, 400, "The 'From' phone number is not a valid, message-capable phone number for the destination"),
    (21609, 400, "The 'StatusCallback' URL is not a valid URL"),
    (21610, 400, "Attempt to send to unsubscribed recipient"),
    (21611, 429, "This 'From' number has exceeded the maximum number of queued messages"),
    (21612, 400, "The 'To' phone number is not currently reachable using the 'From' phone number"),
    (21614, 400, "'To' number is not a valid mobile number"),
    (21617, 400, "The concatenated message body exceeds the 1600 character limit"),
];

/// A message Twilio took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Twilio's id.
    pub sid: String,
    /// Whom it goes to.
    pub to: String,
    /// The number it comes from; none with a messaging service.
    pub from: Option<String>,
    /// The text.
    pub body: String,
    /// When it was taken.
    pub at: Timestamp,
    /// Parts, as billed.
    pub segments: usize,
    /// Where Twilio is to post what becomes of it.
    pub callback: Option<String>,
    service: Option<String>,
    /// How often it was asked what became of it.
    asked: u32,
}

/// The account's state.
pub struct Twilio {
    account: String,
    token: String,
    users: Vec<String>,
    numbers: BTreeMap<String, u32>,
    messages: Vec<Message>,
    calls: Vec<Called>,
    /// Numbers that can't be called, and the code that says why.
    uncalled: BTreeMap<String, u32>,
    queueing: bool,
    /// A message is on its way until it was asked after so often.
    on_its_way: u32,
    /// Numbers whose messages are not delivered, and the code that says why.
    lost: BTreeMap<String, u32>,
}

impl Twilio {
    /// An account whose requests are authenticated by its own id and token.
    #[must_use]
    pub fn new(account: impl Into<String>, token: &str) -> Self {
        let account = account.into();
        let users = vec![basic(&account, token)];
        let (numbers, lost) = (BTreeMap::new(), BTreeMap::new());
        Self {
            account,
            token: token.to_owned(),
            users,
            numbers,
            messages: Vec::new(),
            calls: Vec::new(),
            uncalled: BTreeMap::new(),
            queueing: false,
            on_its_way: 0,
            lost,
        }
    }

    /// An API key that may be used instead of the account's token.
    #[must_use]
    pub fn api_key(mut self, key: &str, secret: &str) -> Self {
        self.users.push(basic(key, secret));
        self
    }

    /// Every text to this number is refused with this code of the table.
    #[must_use]
    pub fn refusing(mut self, number: impl Into<String>, code: u32) -> Self {
        self.numbers.insert(number.into(), code);
        self
    }

    /// What a message taken earlier has come to, and the code that says why it failed.
    fn status(&self, message: &Message) -> (&'static str, Option<u32>) {
        let ways = ["queued", "sending", "sent"];
        let way = usize::try_from(message.asked).ok().and_then(|asked| ways.get(asked)).unwrap_or(&"sent");
        match self.lost.get(&message.to) {
            _ if self.queueing => ("queued", None),
            _ if message.asked < self.on_its_way => (way, None),
            Some(code) => ("undelivered", Some(*code)),
            None => ("delivered", None),
        }
    }

    /// The account, which is in good standing.
    fn itself(&self) -> Answer {
        let account = &self.account;
        let uri = format!("/2010-04-01/Accounts/{account}.json");
        Answer::new(
            200,
            json!({ "sid": account, "friendly_name": "Simulated", "status": "active", "type": "Full", "uri": uri }),
        )
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// An answer out of the table of errors.
fn error(code: u32) -> Answer {
    let row = ERRORS.iter().find(|(known, _, _)| *known == code);
    let (code, status, message) = row.copied().unwrap_or((20500, 500, "Internal Server Error"));
    Answer::new(status, error_body(code, status, message))
}

fn error_body(code: u32, status: u16, message: &str) -> Value {
    json!({ "code": code, "message": message, "status": status,
            "more_info": format!("https://www.twilio.com/docs/errors/{code}") })
}

/// A date as Twilio writes it (RFC 2822 with a numeric zone).
fn date(at: Timestamp) -> Value {
    rfc2822::DateTimePrinter::new().timestamp_to_string(&at).map_or(Value::Null, Value::from)
}

impl Message {
    /// The resource as the specification describes it.
    fn json(&self, account: &str, (status, code): (&str, Option<u32>)) -> Value {
        let uri = format!("/2010-04-01/Accounts/{account}/Messages/{}.json", self.sid);
        json!({
            "sid": self.sid, "account_sid": account, "api_version": "2010-04-01",
            "to": self.to, "from": self.from, "messaging_service_sid": self.service,
            "body": self.body, "status": status, "direction": "outbound-api",
            "num_segments": self.segments.to_string(), "num_media": "0",
            "date_created": date(self.at), "date_updated": date(self.at),
            "date_sent": if matches!(status, "queued" | "accepted" | "sending") { Value::Null } else { date(self.at) },
            "price": null, "price_unit": "USD", "error_code": code,
            "error_message": code.map(|code| format!("words for {code}")),
            "subresource_uris": { "media": uri.replace(".json", "/Media.json") }, "uri": uri,
        })
    }
}

impl Site for Twilio {
    const PREFIX: &'static str = "";

    fn serve(&mut self, seen: &Seen) -> Answer {
        if !seen.header("authorization").is_some_and(|given| self.users.iter().any(|user| user == given)) {
            return error(20003);
        }
        let account = format!("/2010-04-01/Accounts/{}", self.account);
        let rest = seen.path.strip_prefix(&account).and_then(|rest| rest.strip_prefix("/Messages"));
        match (seen.method.as_str(), rest) {
            ("GET", None) if seen.path.strip_prefix(&account) == Some(".json") => self.itself(),
            ("POST", None) if seen.path.strip_prefix(&account) == Some("/Calls.json") => self.call(seen),
            ("POST", Some(".json")) => self.send(seen),
            ("GET", Some(".json")) => self.list(seen),
            ("GET", Some(rest)) => self.fetch(rest, seen),
            _ => error(20404).mistake("no such resource"),
        }
    }

    fn error(&self, status: u16) -> Value {
        let row = ERRORS.iter().find(|(_, known, _)| *known == status);
        let (code, _, message) = row.copied().unwrap_or((20500, status, "Internal Server Error"));
        error_body(code, status, message)
    }

    fn stamp(&self, seen: &Seen) -> Vec<(&'static str, String)> {
        vec![("twilio-request-id", format!("RQ{:032x}", seen.number)), ("twilio-concurrent-requests", "1".to_owned())]
    }

    /// It is down for good.
    fn misbehaviour(&self) -> Fault {
        Fault::status(500)
    }
}

impl Sim<Twilio> {
    /// Every message Twilio took.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.site().messages.clone()
    }

    /// Leaves every message in Twilio's queue: it has no sending date, and lists by date don't show it.
    pub fn keep_queued(&self, queueing: bool) {
        self.site().queueing = queueing;
    }

    /// Messages are on their way until they were asked after so often.
    pub fn deliver_after(&self, asked: u32) {
        self.site().on_its_way = asked;
    }

    /// Texts to this number are taken, but never delivered: `code` is why.
    pub fn lose(&self, number: impl Into<String>, code: u32) {
        self.site().lost.insert(number.into(), code);
    }

    /// Texts to this number are delivered again.
    pub fn find(&self, number: &str) {
        self.site().lost.remove(number);
    }

    /// From now on, every text to this number is refused with this code of Twilio's table.
    pub fn refuse(&self, number: impl Into<String>, code: u32) {
        self.site().numbers.insert(number.into(), code);
    }

    /// Takes texts to this number again.
    pub fn accept(&self, number: &str) {
        self.site().numbers.remove(number);
    }
}

#[cfg(test)]
mod tests;
