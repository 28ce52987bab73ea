//! A simulated Zendesk: making tickets, listing them by external id, and who one is.
//!
//! As strict as the published `OpenAPI` file and the documentation: an unknown key, a value outside of its enumeration, a
//! tag with a space or a customer without a name is refused. A key of a request is kept until a test lets two hours pass:
//! the same request again gets the first answer, another one is refused. What was taken is in [`Sim::tickets`].

mod create;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::fault::Fault;
use super::http::{Answer, Seen, Sim, Site};

/// What Zendesk says with a status: `error`, and its description or, where it has a title, an object.
const ERRORS: [(u16, &str, &str); 7] = [
    (400, "BadRequest", "Invalid request"),
    (403, "Forbidden", "You do not have access to this page. Please contact the account owner for further help."),
    (404, "RecordNotFound", "Not found"),
    (409, "Conflict", "Another request with this key is in progress"),
    (422, "RecordInvalid", "Record validation errors"),
    (429, "APIRateLimitExceeded", "Number of allowed API requests per minute exceeded"),
    (503, "ServiceUnavailable", "The service is temporarily unavailable"),
];

/// A ticket that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Zendesk's id.
    pub id: u64,
    /// Its headline.
    pub subject: String,
    /// The text of its first comment.
    pub text: String,
    /// Whether that comment is mailed to the requester.
    pub public: bool,
    /// The requester's name and address, unless it is the agent himself.
    pub requester: Option<(String, String)>,
    /// Our id of it.
    pub external_id: Option<String>,
    /// How urgent it is.
    pub priority: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// When it was made.
    pub at: Timestamp,
}

/// The account's state.
#[derive(Debug)]
pub struct Zendesk {
    authorization: String,
    role: String,
    /// Who has written before: address and name.
    users: BTreeMap<String, String>,
    suspended: BTreeSet<String>,
    tickets: Vec<Ticket>,
    /// What came under a key, and what was answered.
    keys: BTreeMap<String, (String, Answer)>,
}

impl Zendesk {
    /// An account without tickets; the agent with this address has this API token.
    #[must_use]
    pub fn new(agent: &str, token: &str) -> Self {
        Self {
            authorization: format!("Basic {}", STANDARD.encode(format!("{agent}/token:{token}"))),
            role: "admin".to_owned(),
            users: BTreeMap::new(),
            suspended: BTreeSet::new(),
            tickets: Vec::new(),
            keys: BTreeMap::new(),
        }
    }

    /// A customer whom it knows.
    #[must_use]
    pub fn user(mut self, email: &str, name: &str) -> Self {
        self.users.insert(email.to_lowercase(), name.to_owned());
        self
    }

    /// An address for which no ticket is taken.
    #[must_use]
    pub fn suspended(mut self, email: &str) -> Self {
        self.suspended.insert(email.to_lowercase());
        self
    }

    /// The token's owner has this role: `admin`, `agent` or `end-user`.
    #[must_use]
    pub fn role(mut self, role: &str) -> Self {
        role.clone_into(&mut self.role);
        self
    }

    fn route(&mut self, seen: &Seen) -> Result<Answer, Answer> {
        let path = seen.path.strip_suffix(".json").unwrap_or(&seen.path);
        if let Some(refusal) = self.stranger(seen, path) {
            return Err(refusal);
        }
        match (seen.method.as_str(), path) {
            ("POST", "/api/v2/tickets") => self.create(seen),
            ("GET", "/api/v2/tickets") => self.list(seen),
            ("GET", "/api/v2/users/me") => Ok(me(Some(1), &self.role)),
            _ => Err(refusal(404, "RecordNotFound", "Not found").mistake("no such resource")),
        }
    }

    /// What somebody gets who doesn't prove who he is. Only a token that isn't known is no mistake.
    fn stranger(&self, seen: &Seen, path: &str) -> Option<Answer> {
        let given = seen.header("authorization");
        if given == Some(self.authorization.as_str()) {
            return None;
        }
        if path == "/api/v2/users/me" {
            return Some(me(None, "end-user"));
        }
        let answer = Answer::new(401, json!({ "error": "Couldn't authenticate you" }));
        let pair = given.and_then(|given| given.strip_prefix("Basic ")).and_then(|pair| STANDARD.decode(pair).ok());
        let pair = pair.and_then(|pair| String::from_utf8(pair).ok()).unwrap_or_default();
        let is_token = pair.split_once(':').is_some_and(|(user, _)| user.ends_with("/token"));
        Some(if is_token { answer } else { answer.mistake("the authorization is no Basic of 'address/token:token'") })
    }

    fn list(&self, seen: &Seen) -> Result<Answer, Answer> {
        if let Some((key, _)) =
            seen.query.iter().find(|(key, _)| !["external_id", "page", "per_page"].contains(&key.as_str()))
        {
            return Err(mistake(format!("unknown key '{key}' in the query")));
        }
        let asked = seen.query("external_id");
        let hits = self.tickets.iter().filter(|ticket| asked.is_none() || ticket.external_id.as_deref() == asked);
        let tickets: Vec<Value> = hits.map(Ticket::json).collect();
        let count = tickets.len();
        let body = json!({ "tickets": tickets, "count": count, "next_page": null, "previous_page": null });
        Ok(Answer::new(200, body))
    }
}

/// A user as `Show Self` has him; nobody is anonymous.
fn me(id: Option<u64>, role: &str) -> Answer {
    let name = if id.is_some() { "Agent" } else { "Anonymous user" };
    Answer::new(200, json!({ "user": { "id": id, "name": name, "role": role, "active": id.is_some() } }))
}

impl Ticket {
    fn json(&self) -> Value {
        json!({
            "id": self.id, "subject": self.subject, "raw_subject": self.subject, "description": self.text,
            "external_id": self.external_id, "priority": self.priority, "tags": self.tags, "status": "new",
            "type": "question", "is_public": self.public, "requester_id": 1000,
        })
    }
}

fn refusal(status: u16, error: &str, description: &str) -> Answer {
    Answer::new(status, json!({ "error": error, "description": description }))
}

/// A request that was never right.
fn mistake(why: impl Into<String>) -> Answer {
    let why = why.into();
    refusal(400, "BadRequest", &why).mistake(why)
}

/// A record that is refused for what is wrong with one of its fields.
fn invalid(field: &str, why: &str) -> Answer {
    let details = json!({ field: [{ "description": why, "error": "InvalidValue" }] });
    Answer::new(422, json!({ "error": "RecordInvalid", "description": "Record validation errors", "details": details }))
}

impl Site for Zendesk {
    const PREFIX: &'static str = "";

    fn serve(&mut self, seen: &Seen) -> Answer {
        self.route(seen).unwrap_or_else(|refusal| refusal)
    }

    fn error(&self, status: u16) -> Value {
        match ERRORS.iter().find(|(known, ..)| *known == status) {
            Some((_, error, description)) => json!({ "error": error, "description": description }),
            None if status == 401 => json!({ "error": "Couldn't authenticate you" }),
            None => json!({ "error": { "title": "Internal error", "message": "Something went wrong" } }),
        }
    }

    fn stamp(&self, seen: &Seen) -> Vec<(&'static str, String)> {
        vec![
            ("x-zendesk-request-id", format!("{:032x}", seen.number)),
            ("x-rate-limit", "700".to_owned()),
            ("x-rate-limit-remaining", "699".to_owned()),
        ]
    }

    /// It is down for good.
    fn misbehaviour(&self) -> Fault {
        Fault::status(500)
    }
}

impl Sim<Zendesk> {
    /// Every ticket that was taken, oldest first.
    #[must_use]
    pub fn tickets(&self) -> Vec<Ticket> {
        self.site().tickets.clone()
    }

    /// Two hours pass: no key of a request is known any more.
    pub fn forget_keys(&self) {
        self.site().keys.clear();
    }
}

#[cfg(test)]
mod tests;
