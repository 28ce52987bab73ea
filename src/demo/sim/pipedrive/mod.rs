//! A simulated Pipedrive account: persons with fields of the company's own, notes, activities, users, and limits.
//!
//! As strict as version 2 of the API is said to be: numbers are numbers, a key that there isn't is refused, a time has no
//! fraction, and an activity hangs on a person only by its participants. Notes are of version 1. What the account holds is
//! what happened: tests ask [`Sim::notes_of`], [`Sim::activities_of`] and [`Sim::field`].

mod fields;
mod made;
mod persons;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::at;
use super::fault::Fault;
use super::http::{Answer, Seen, Sim, Site};

/// Tokens of a day, of the smallest plan with one seat.
const DAY: u32 = 30_000;
/// Requests of the smallest plan, in the short window.
const BURST: (u32, Duration) = (20, Duration::from_secs(2));

/// A note or an activity on a person.
#[derive(Debug, Clone)]
pub struct Made {
    /// Pipedrive's id.
    pub id: u64,
    /// Whose it is.
    pub person: u64,
    /// Its words, as sent: HTML.
    pub text: String,
    /// All that was sent.
    pub sent: Value,
}

#[derive(Debug, Clone)]
struct Person {
    /// `name`, `emails`, `phones`, `owner_id`.
    facts: Map<String, Value>,
    custom: BTreeMap<String, Value>,
    added: Timestamp,
    updated: Timestamp,
}

/// A field of persons: its name, its type, its options with their ids.
#[derive(Debug, Clone)]
struct Field {
    name: String,
    kind: String,
    options: Vec<(u64, String)>,
}

/// The account's state.
#[derive(Debug)]
pub struct Pipedrive {
    token: String,
    users: BTreeSet<u64>,
    persons: BTreeMap<u64, Person>,
    /// By their keys.
    fields: BTreeMap<String, Field>,
    notes: Vec<Made>,
    activities: Vec<Made>,
    burst: Option<(u32, Duration)>,
    recent: VecDeque<Instant>,
    day_left: u32,
}

impl Pipedrive {
    /// An account without persons whose user 1 has this token.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        Self {
            token: token.into(),
            users: BTreeSet::from([1]),
            persons: BTreeMap::new(),
            fields: BTreeMap::new(),
            notes: Vec::new(),
            activities: Vec::new(),
            burst: None,
            recent: VecDeque::new(),
            day_left: DAY,
        }
    }

    /// A person who exists, made just now.
    #[must_use]
    pub fn person(mut self, id: u64, name: &str, email: &str, phone: &str) -> Self {
        let list = |value: &str| match value {
            "" => json!([]),
            value => json!([{ "value": value, "primary": true, "label": "work" }]),
        };
        let facts = json!({ "name": name, "emails": list(email), "phones": list(phone), "owner_id": 1 });
        let facts = facts.as_object().cloned().unwrap_or_default();
        let now = Timestamp::now();
        self.persons.insert(id, Person { facts, custom: BTreeMap::new(), added: now, updated: now });
        self
    }

    /// A field that exists; with options it is one of a single option, whose ids count from 1.
    #[must_use]
    pub fn field(mut self, key: &str, kind: &str, options: &[&str]) -> Self {
        let options = (1..).zip(options.iter().map(|label| (*label).to_owned())).collect();
        self.fields.insert(key.to_owned(), Field { name: key.to_owned(), kind: kind.to_owned(), options });
        self
    }

    /// A user who may own persons.
    #[must_use]
    pub fn user(mut self, id: u64) -> Self {
        self.users.insert(id);
        self
    }

    /// Takes so many requests in such a time, and refuses more with 429.
    #[must_use]
    pub fn burst(mut self, requests: u32, per: Duration) -> Self {
        self.burst = Some((requests, per));
        self
    }

    fn route(&mut self, seen: &Seen) -> Result<Answer, Answer> {
        if seen.header("x-api-token") != Some(self.token.as_str()) {
            return Err(refusal(401, "unauthorized access"));
        }
        self.count()?;
        let parts: Vec<&str> = seen.path.trim_start_matches('/').split('/').collect();
        match (seen.method.as_str(), parts.as_slice()) {
            ("GET", ["v1", "users", "me"]) => Ok(good(200, &json!({ "id": 1, "active_flag": true }))),
            ("GET", ["api", "v2", "personFields"]) => self.list_fields(seen),
            ("POST", ["api", "v2", "personFields"]) => self.make_field(seen),
            ("GET", ["api", "v2", "personFields", key]) => self.read_field(key),
            ("GET", ["api", "v2", "persons"]) => self.list_persons(seen),
            ("GET", ["api", "v2", "persons", id]) => self.read_person(id, seen),
            ("PATCH", ["api", "v2", "persons", id]) => self.update_person(id, seen),
            ("POST", ["v1", "notes"]) => self.make_note(seen),
            ("GET", ["v1", "notes"]) => self.list_notes(seen),
            ("POST", ["api", "v2", "activities"]) => self.make_activity(seen),
            ("GET", ["api", "v2", "activities"]) => self.list_activities(seen),
            _ => Err(refusal(404, "Not found").mistake("no such resource")),
        }
    }

    fn count(&mut self) -> Result<(), Answer> {
        let (most, per) = self.burst.unwrap_or((u32::MAX, BURST.1));
        self.recent.retain(|at| at.elapsed() < per);
        if self.day_left == 0 || u32::try_from(self.recent.len()).unwrap_or(u32::MAX) >= most {
            return Err(refusal(429, "Rate limit exceeded"));
        }
        self.recent.push_back(Instant::now());
        self.day_left = self.day_left.saturating_sub(1);
        Ok(())
    }
}

/// An answer that holds this.
fn good(status: u16, data: &Value) -> Answer {
    Answer::new(status, json!({ "success": true, "data": data }))
}

fn refusal(status: u16, words: &str) -> Answer {
    Answer::new(status, json!({ "success": false, "error": words, "code": "ERR_BAD_REQUEST" }))
}

/// A request that was never right.
fn mistake(words: impl Into<String>) -> Answer {
    let words = words.into();
    refusal(400, &words).mistake(words)
}

/// The body as an object with no keys but these.
fn object(seen: &Seen, keys: &[&str]) -> Result<Value, Answer> {
    if !seen.is_of_type("application/json") {
        return Err(refusal(415, "Unsupported Media Type").mistake("the body is not declared as JSON"));
    }
    let body: Map<String, Value> =
        serde_json::from_str(&seen.body).map_err(|_| mistake("the body is no JSON object"))?;
    match body.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(unknown) => Err(mistake(format!("unknown key '{unknown}'"))),
        None => Ok(Value::Object(body)),
    }
}

/// Refuses a query with other keys than these.
fn only(seen: &Seen, keys: &[&str]) -> Result<(), Answer> {
    match seen.query.iter().find(|(key, _)| !keys.contains(&key.as_str())) {
        Some((unknown, _)) => Err(mistake(format!("unknown key '{unknown}' in the query"))),
        None => Ok(()),
    }
}

/// How many at once: 100, or as asked.
fn limit(seen: &Seen) -> Result<usize, Answer> {
    let limit = seen.query("limit").map_or(Ok(100), str::parse::<usize>);
    limit.ok().filter(|limit| (1..=500).contains(limit)).ok_or_else(|| mistake("'limit' is 1 to 500"))
}

impl Site for Pipedrive {
    const PREFIX: &'static str = "";

    fn serve(&mut self, seen: &Seen) -> Answer {
        self.route(seen).unwrap_or_else(|refusal| refusal)
    }

    fn error(&self, status: u16) -> Value {
        json!({ "success": false, "error": format!("status {status}"), "error_info": "Please check developers.pipedrive.com",
                "data": null, "additional_data": null })
    }

    fn stamp(&self, _: &Seen) -> Vec<(&'static str, String)> {
        let (most, per) = self.burst.unwrap_or(BURST);
        let used = self.recent.iter().filter(|at| at.elapsed() < per).count();
        let left = most.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX));
        vec![
            ("x-ratelimit-limit", most.to_string()),
            ("x-ratelimit-remaining", left.to_string()),
            ("x-ratelimit-reset", per.as_secs().to_string()),
            ("x-daily-ratelimit-token-limit", DAY.to_string()),
            ("x-daily-ratelimit-token-remaining", self.day_left.to_string()),
        ]
    }

    /// It is down for good.
    fn misbehaviour(&self) -> Fault {
        Fault::status(500)
    }
}

impl Sim<Pipedrive> {
    /// The notes on a person, oldest first.
    #[must_use]
    pub fn notes_of(&self, person: u64) -> Vec<Made> {
        self.site().notes.iter().filter(|made| made.person == person).cloned().collect()
    }

    /// The activities of a person, oldest first.
    #[must_use]
    pub fn activities_of(&self, person: u64) -> Vec<Made> {
        self.site().activities.iter().filter(|made| made.person == person).cloned().collect()
    }

    /// What a person's field holds: one of the company's own, or one of Pipedrive's such as `owner_id`.
    #[must_use]
    pub fn field(&self, person: u64, key: &str) -> Option<Value> {
        let site = self.site();
        let person = site.persons.get(&person)?;
        person.custom.get(key).or_else(|| person.facts.get(key)).cloned()
    }

    /// Writes a field of the company's own, and says when the person was made.
    pub fn set(&self, person: u64, key: &str, value: &str, added: Timestamp) {
        if let Some(person) = self.site().persons.get_mut(&person) {
            person.custom.insert(key.to_owned(), value.into());
            person.added = added;
        }
    }

    /// Removes a person.
    pub fn remove_person(&self, id: u64) {
        self.site().persons.remove(&id);
    }

    /// Leaves so many tokens of the day.
    pub fn leave_of_the_day(&self, tokens: u32) {
        self.site().day_left = tokens;
    }
}

#[cfg(test)]
mod tests;
