//! A simulated Salesforce org: leads, contacts and tasks behind the REST API, and the token endpoint in front of it.
//!
//! As strict as the "REST API Developer Guide": values of the wrong JSON type, fields that don't exist or can't be filtered
//! by, keys in a body that belong into the address, a composite request with a part too many. Like the real one it ends
//! sessions without a word, makes a converted lead read-only, counts the calls of a day, and may post an outbound message for
//! each lead that was written. What the org holds is what happened: tests ask `tasks_of` and `field` of the running one.

mod composite;
mod ids;
mod org;
mod outbound;
mod query;
mod records;
mod schema;
mod soql;
mod token;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::echo::Echo;
use super::fault::Fault;
use super::http::{Answer, Seen, Site};

pub use org::TaskSeen;
pub use schema::Object;

use schema::{Field, Kind};
use token::Proof;

/// The user that the app runs as.
const USER: &str = "0055e000000Desk";
/// Versions the org speaks; those below are retired.
const VERSIONS: std::ops::RangeInclusive<u16> = 31..=67;
/// Calls of a day: those of a small Enterprise org.
const CALLS_OF_A_DAY: u32 = 15_000;

/// A record.
#[derive(Debug, Clone)]
struct Record {
    object: Object,
    id: String,
    fields: BTreeMap<String, Value>,
    created: Timestamp,
    deleted: bool,
}

/// The org's state.
#[derive(Debug)]
pub struct Salesforce {
    client: String,
    proof: Proof,
    organization: String,
    /// Where the org says it is, if not where it was asked.
    instance: Option<String>,
    /// Tokens that are taken.
    sessions: Vec<String>,
    /// Nobody gets a token any more, and those there are count for nothing.
    revoked: bool,
    schema: Vec<Field>,
    records: BTreeMap<String, Record>,
    /// Who may own a record.
    users: Vec<String>,
    /// Records made so far.
    made: usize,
    used: u32,
    of: u32,
    /// So many calls in such a time, and when the last ones were.
    rate: Option<(usize, Duration)>,
    last: VecDeque<Instant>,
    /// Updates by a key are answered without a body, as older versions do.
    terse: bool,
    echo: Option<Echo>,
    /// Outbound messages so far.
    messages: usize,
}

/// What is asked of the data API, at the top or within a composite request.
#[derive(Debug)]
struct Ask {
    method: String,
    /// Below `/services/data/VERSION`, decoded.
    path: Vec<String>,
    query: Vec<(String, String)>,
    body: Option<Value>,
    version: String,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refusal {
    status: u16,
    code: &'static str,
    words: String,
    fields: Vec<String>,
    is_mistake: bool,
}

impl Refusal {
    fn new(status: u16, code: &'static str, words: impl Into<String>) -> Self {
        Self { status, code, words: words.into(), fields: Vec::new(), is_mistake: false }
    }

    /// It concerns this field.
    fn on(mut self, field: &str) -> Self {
        self.fields.push(field.to_owned());
        self
    }

    /// No state of the org could have made this right.
    fn mistake(mut self) -> Self {
        self.is_mistake = true;
        self
    }

    fn answer(self) -> Answer {
        let mut entry = json!({ "message": self.words, "errorCode": self.code });
        if let (Some(map), false) = (entry.as_object_mut(), self.fields.is_empty()) {
            map.insert("fields".to_owned(), json!(self.fields));
        }
        let answer = Answer::new(self.status, json!([entry]));
        if self.is_mistake { answer.mistake(format!("{}: {}", self.code, self.words)) } else { answer }
    }
}

/// There is no such resource, record or version.
fn not_found() -> Refusal {
    Refusal::new(404, "NOT_FOUND", "The requested resource does not exist")
}

fn random(chars: usize) -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(chars).collect()
}

impl Salesforce {
    fn data(&mut self, seen: &Seen) -> Result<Answer, Refusal> {
        let token = seen.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        if self.revoked || !token.is_some_and(|token| self.sessions.iter().any(|known| known == token)) {
            return Err(Refusal::new(401, "INVALID_SESSION_ID", "Session expired or invalid"));
        }
        if self.used >= self.of || self.is_too_fast() {
            return Err(Refusal::new(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."));
        }
        self.used = self.used.saturating_add(1);
        let body = match seen.body.as_str() {
            "" => None,
            _ if !seen.is_of_type("application/json") => {
                let refusal = Refusal::new(415, "UNSUPPORTED_MEDIA_TYPE", "the body is not declared as JSON");
                return Err(refusal.mistake());
            }
            text => Some(
                serde_json::from_str(text)
                    .map_err(|error| Refusal::new(400, "JSON_PARSER_ERROR", error.to_string()).mistake())?,
            ),
        };
        let ask = Ask::new(&seen.method, &seen.path, seen.query.clone(), body)?;
        match (ask.method.as_str(), ask.path.first().map(String::as_str), ask.path.len()) {
            ("POST", Some("composite"), 1) => self.composite(&ask),
            _ => self.one(&ask),
        }
    }

    /// One call, or one part of a composite one.
    fn one(&mut self, ask: &Ask) -> Result<Answer, Refusal> {
        let path: Vec<&str> = ask.path.iter().map(String::as_str).collect();
        match (ask.method.as_str(), &path[..]) {
            ("GET", ["query"]) => self.query(ask),
            (method, ["sobjects", object, rest @ ..]) => {
                let object = Object::named(object).ok_or_else(not_found)?;
                match (method, rest) {
                    ("GET", ["describe"]) => Ok(self.describe(object)),
                    ("POST", []) => self.create(object, ask),
                    ("GET", [id]) => self.read(object, id, ask),
                    ("PATCH", [id]) => self.update(object, id, ask),
                    ("PATCH", [field, key]) => self.upsert(object, field, key, ask),
                    _ => Err(not_found().mistake()),
                }
            }
            _ => Err(not_found().mistake()),
        }
    }

    fn describe(&self, object: Object) -> Answer {
        let fields: Vec<Value> = self.fields_of(object).map(Field::json).collect();
        Answer::new(
            200,
            json!({ "name": object.name(), "keyPrefix": object.prefix(), "createable": true, "updateable": true,
                    "queryable": true, "fields": fields }),
        )
    }

    fn fields_of(&self, object: Object) -> impl Iterator<Item = &Field> {
        self.schema.iter().filter(move |field| field.object == object)
    }

    /// Names of fields are found whatever their case.
    fn field(&self, object: Object, name: &str) -> Option<&Field> {
        self.fields_of(object).find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// The field of that name. A standard one that there isn't is the client's mistake; a custom one the org may lack.
    fn known(&self, object: Object, name: &str) -> Result<&Field, Refusal> {
        self.field(object, name).ok_or_else(|| {
            let words = format!("No such column '{name}' on sobject of type {}", object.name());
            let refusal = Refusal::new(400, "INVALID_FIELD", words);
            if name.ends_with("__c") { refusal } else { refusal.mistake() }
        })
    }

    fn is_too_fast(&mut self) -> bool {
        let Some((calls, per)) = self.rate else { return false };
        self.last.retain(|at| at.elapsed() < per);
        let is_too_fast = self.last.len() >= calls;
        if !is_too_fast {
            self.last.push_back(Instant::now());
        }
        is_too_fast
    }
}

impl Ask {
    fn new(method: &str, path: &str, query: Vec<(String, String)>, body: Option<Value>) -> Result<Self, Refusal> {
        let rest = path.strip_prefix("/services/data/").ok_or_else(|| not_found().mistake())?;
        let mut steps = rest.split('/').map(str::to_owned);
        let version = steps.next().unwrap_or_default();
        let number = version.strip_prefix('v').and_then(|text| text.strip_suffix(".0")?.parse::<u16>().ok());
        match number {
            Some(number) if VERSIONS.contains(&number) => {}
            Some(number) if number < *VERSIONS.start() => {
                let words = format!("API version {number}.0 is retired");
                return Err(Refusal::new(410, "UNSUPPORTED_API_VERSION", words));
            }
            Some(_) => return Err(not_found()),
            None => return Err(not_found().mistake()),
        }
        Ok(Self { method: method.to_owned(), path: steps.collect(), query, body, version })
    }

    /// The value of the one key that the query may have.
    fn only(&self, key: &str) -> Result<Option<&str>, Refusal> {
        match &self.query[..] {
            [] => Ok(None),
            [(known, value)] if known == key => Ok(Some(value)),
            _ => Err(Refusal::new(400, "MALFORMED_QUERY", format!("the query may have '{key}' only")).mistake()),
        }
    }
}

impl Site for Salesforce {
    const PREFIX: &'static str = "";

    fn serve(&mut self, seen: &Seen) -> Answer {
        if seen.path == "/services/oauth2/token" {
            return match seen.method.as_str() {
                "POST" => self.token(seen),
                _ => Answer::new(405, json!({ "error": "invalid_request" })).mistake("a token is asked for by POST"),
            };
        }
        self.data(seen).unwrap_or_else(Refusal::answer)
    }

    fn error(&self, status: u16) -> Value {
        let (code, words) = match status {
            401 => ("INVALID_SESSION_ID", "Session expired or invalid"),
            403 => ("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id"),
            404 => ("NOT_FOUND", "The requested resource does not exist"),
            400..500 => ("INVALID_FIELD", "bad request"),
            503 => ("SERVER_UNAVAILABLE", "The server is temporarily unavailable"),
            _ => ("UNKNOWN_EXCEPTION", "An unexpected error occurred"),
        };
        json!([{ "message": words, "errorCode": code }])
    }

    fn stamp(&self, seen: &Seen) -> Vec<(&'static str, String)> {
        if seen.path.starts_with("/services/data/") {
            vec![("sforce-limit-info", format!("api-usage={}/{}", self.used, self.of))]
        } else {
            Vec::new()
        }
    }

    /// It is down for good.
    fn misbehaviour(&self) -> Fault {
        Fault::status(503)
    }
}

#[cfg(test)]
mod tests;
