//! A simulated HubSpot account: contacts, their properties and owners, notes, tasks, the searches over these, its limits, and
//! the webhooks that its own writes set off.
//!
//! As strict as the vendor's published `OpenAPI` files for contacts, notes, tasks and properties, and its documentation of
//! errors and limits. Like the real one, the search knows what is new only after a while, and a write with one unknown
//! property fails as a whole. What the account holds is what happened: tests ask [`Sim::notes_of`], [`Sim::tasks_of`] and
//! [`Sim::property`].

mod contacts;
mod filters;
mod limits;
mod notes;
mod properties;
mod search;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::fault::Fault;
use super::http::{Answer, Seen, Sim, Site};
use super::with;
use limits::Limits;
use notes::{NOTE, TASK};
use webhooks::Webhook;

/// The scopes the API asks for.
pub const SCOPES: [&str; 4] = [
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
];

/// A note or a task on a contact.
#[derive(Debug, Clone)]
pub struct Note {
    /// HubSpot's id.
    pub id: String,
    /// The contacts it hangs on.
    pub contacts: Vec<String>,
    /// The body, as sent: HTML.
    pub body: String,
    /// Its timestamp, as sent.
    pub timestamp: String,
    /// Every property, as sent.
    pub properties: BTreeMap<String, String>,
    /// When it was made.
    pub at: Timestamp,
    made: Instant,
}

#[derive(Debug, Clone)]
struct Contact {
    properties: BTreeMap<String, String>,
    created: Timestamp,
    updated: Timestamp,
    /// When the index gets to know of it, less the lag.
    made: Instant,
}

/// The account's state.
#[derive(Debug)]
pub struct HubSpot {
    token: String,
    scopes: BTreeSet<String>,
    contacts: BTreeMap<String, Contact>,
    /// By name, as the API shows them.
    properties: BTreeMap<String, Value>,
    notes: Vec<Note>,
    tasks: Vec<Note>,
    /// Who may own a record: ids.
    owners: BTreeSet<String>,
    /// What became of contacts that were merged, by their old ids.
    merged: BTreeMap<String, String>,
    search_lag: Duration,
    limits: Limits,
    webhooks: Vec<Webhook>,
}

impl HubSpot {
    /// An account with HubSpot's own properties and no contacts, whose private app has this token and every scope.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        Self {
            token: token.into(),
            scopes: SCOPES.into_iter().map(str::to_owned).collect(),
            contacts: BTreeMap::new(),
            properties: properties::built_in(),
            notes: Vec::new(),
            tasks: Vec::new(),
            owners: BTreeSet::new(),
            merged: BTreeMap::new(),
            search_lag: Duration::ZERO,
            limits: Limits::default(),
            webhooks: Vec::new(),
        }
    }

    /// A contact that exists.
    #[must_use]
    pub fn contact(mut self, id: impl Into<String>, properties: &[(&str, &str)]) -> Self {
        self.put_contact(id.into(), properties);
        self
    }

    /// A text property that exists.
    #[must_use]
    pub fn text_property(mut self, name: &str) -> Self {
        self.put_property(name, "string", "text", &[]);
        self
    }

    /// A property that takes `true` and `false`.
    #[must_use]
    pub fn bool_property(mut self, name: &str) -> Self {
        self.put_property(name, "bool", "booleancheckbox", &["true", "false"]);
        self
    }

    /// A property with these options.
    #[must_use]
    pub fn enum_property(mut self, name: &str, options: &[&str]) -> Self {
        self.put_property(name, "enumeration", "select", options);
        self
    }

    /// A user who may own records.
    #[must_use]
    pub fn owner(mut self, id: impl Into<String>) -> Self {
        self.owners.insert(id.into());
        self
    }

    /// Takes a scope away from the private app.
    #[must_use]
    pub fn without_scope(mut self, scope: &str) -> Self {
        self.scopes.remove(scope);
        self
    }

    /// Takes so many requests in such a time, searches aside, and refuses more with 429.
    #[must_use]
    pub fn burst(mut self, requests: u32, per: Duration) -> Self {
        self.limits.burst = Some((requests, per));
        self
    }

    /// Takes so many searches a second, and refuses more with 429.
    #[must_use]
    pub fn searches_per_second(mut self, searches: u32) -> Self {
        self.limits.searches_per_second = Some(searches);
        self
    }

    /// How long a new contact, note or task is invisible to the search.
    #[must_use]
    pub fn search_lag(mut self, lag: Duration) -> Self {
        self.search_lag = lag;
        self
    }

    fn put_contact(&mut self, id: String, properties: &[(&str, &str)]) {
        let properties = properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let now = Timestamp::now();
        self.contacts.insert(id, Contact { properties, created: now, updated: now, made: Instant::now() });
    }

    fn put_property(&mut self, name: &str, kind: &str, field: &str, options: &[&str]) {
        self.properties.insert(name.to_owned(), properties::property(name, kind, field, options));
    }

    /// Refuses a call whose scope the private app lacks.
    fn needs(&self, scope: &str) -> Result<(), Answer> {
        if self.scopes.contains(scope) {
            return Ok(());
        }
        let message = "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.";
        let errors = json!([{ "message": "One or more of the following scopes are required.",
                              "context": { "requiredGranularScopes": [scope] } }]);
        Err(Answer::new(403, with(error_body("MISSING_SCOPES", message), "errors", errors)))
    }

    fn route(&mut self, seen: &Seen) -> Result<Answer, Answer> {
        if seen.header("authorization") != Some(&format!("Bearer {}", self.token)) {
            return Err(Answer::new(401, self.error(401)));
        }
        self.limits.take(seen)?;
        let parts: Vec<&str> = seen.path.trim_start_matches('/').split('/').collect();
        match (seen.method.as_str(), parts.as_slice()) {
            ("GET", ["crm", "v3", "objects", "contacts", id]) => self.read_contact(id, seen),
            ("PATCH", ["crm", "v3", "objects", "contacts", id]) => self.update_contact(id, seen),
            ("POST", ["crm", "v3", "objects", "contacts", "search"]) => self.search_contacts(seen),
            ("POST", ["crm", "v3", "objects", "notes"]) => self.create(&NOTE, seen),
            ("POST", ["crm", "v3", "objects", "notes", "search"]) => self.search(&NOTE, seen),
            ("GET", ["crm", "v3", "objects", "notes", id]) => self.read_made(&NOTE, id, seen),
            ("GET", ["crm", "v4", "objects", "contacts" | "contact", id, "associations", "notes" | "note"]) => {
                self.made_on(&NOTE, id, seen)
            }
            ("POST", ["crm", "v3", "objects", "tasks"]) => self.create(&TASK, seen),
            ("POST", ["crm", "v3", "objects", "tasks", "search"]) => self.search(&TASK, seen),
            ("GET", ["crm", "v3", "objects", "tasks", id]) => self.read_made(&TASK, id, seen),
            ("GET", ["crm", "v4", "objects", "contacts" | "contact", id, "associations", "tasks" | "task"]) => {
                self.made_on(&TASK, id, seen)
            }
            ("GET", ["crm", "v3", "properties", "contacts" | "contact"]) => self.list_properties(),
            ("POST", ["crm", "v3", "properties", "contacts" | "contact"]) => self.create_property(seen),
            ("GET", ["crm", "v3", "properties", "contacts" | "contact", name]) => self.read_property(name),
            _ => Err(Answer::new(404, Value::Null).mistake("no such resource")),
        }
    }
}

/// A fresh id of a request.
fn correlation_id() -> String {
    uuid::Builder::from_random_bytes(fastrand::u128(..).to_be_bytes()).into_uuid().to_string()
}

/// The vendor's error object.
fn error_body(category: &str, message: &str) -> Value {
    json!({ "status": "error", "message": message, "correlationId": correlation_id(),
            "category": category, "links": {} })
}

/// The error object of a limit.
fn rate_limit(policy: &str) -> Value {
    let body = error_body("RATE_LIMITS", &format!("You have reached your {} limit.", policy.to_lowercase()));
    with(with(body, "errorType", "RATE_LIMIT"), "policyName", policy)
}

/// A request that was never right.
fn mistake(message: impl Into<String>) -> Answer {
    let message = message.into();
    Answer::new(400, error_body("VALIDATION_ERROR", &format!("Invalid input JSON: {message}"))).mistake(message)
}

fn not_found(what: &str, id: &str) -> Answer {
    Answer::new(404, error_body("OBJECT_NOT_FOUND", &format!("Object not found. {what} ID: {id}")))
}

/// The body as an object with no keys but these.
fn object(seen: &Seen, keys: &[&str]) -> Result<Map<String, Value>, Answer> {
    if !seen.is_of_type("application/json") {
        let body = error_body("VALIDATION_ERROR", "Unsupported Media Type");
        return Err(Answer::new(415, body).mistake("the body is not declared as JSON"));
    }
    let body: Map<String, Value> =
        serde_json::from_str(&seen.body).map_err(|_| mistake("the body is no JSON object"))?;
    match body.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(unknown) => Err(mistake(format!("unknown key '{unknown}'"))),
        None => Ok(body),
    }
}

/// A list in the query, whether written with commas or with the key repeated.
fn listed(seen: &Seen, key: &str) -> Vec<String> {
    let values = seen.query.iter().filter(|(known, _)| known == key);
    values.flat_map(|(_, value)| value.split(',')).map(str::to_owned).collect()
}

/// The properties of a write: an object of strings, as the specification has it.
fn strings(body: &Map<String, Value>) -> Result<BTreeMap<String, String>, Answer> {
    let properties = body.get("properties").and_then(Value::as_object);
    let properties = properties.ok_or_else(|| mistake("'properties' is required and is an object"))?;
    let string = |(name, value): (&String, &Value)| {
        let text = value.as_str().ok_or_else(|| mistake(format!("property '{name}' is not a string")))?;
        Ok((name.clone(), text.to_owned()))
    };
    properties.iter().map(string).collect()
}

impl Site for HubSpot {
    const PREFIX: &'static str = "";

    fn serve(&mut self, seen: &Seen) -> Answer {
        self.route(seen).unwrap_or_else(|refusal| refusal)
    }

    fn error(&self, status: u16) -> Value {
        match status {
            401 => error_body("INVALID_AUTHENTICATION", "Authentication credentials not found."),
            403 => error_body("MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call."),
            404 => error_body("OBJECT_NOT_FOUND", "Object not found."),
            429 => rate_limit("TEN_SECONDLY_ROLLING"),
            400..500 => error_body("VALIDATION_ERROR", "Property values were not valid."),
            _ => error_body("INTERNAL_ERROR", "internal error"),
        }
    }

    fn stamp(&self, seen: &Seen) -> Vec<(&'static str, String)> {
        let mut headers = vec![("x-hubspot-correlation-id", correlation_id())];
        headers.extend(self.limits.headers(seen));
        headers
    }

    /// It is down for good.
    fn misbehaviour(&self) -> Fault {
        Fault::status(500)
    }
}

impl Sim<HubSpot> {
    /// The notes on a contact, oldest first.
    #[must_use]
    pub fn notes_of(&self, contact: &str) -> Vec<Note> {
        let on = |note: &&Note| note.contacts.iter().any(|id| id == contact);
        self.site().notes.iter().filter(on).cloned().collect()
    }

    /// The tasks on a contact, oldest first.
    #[must_use]
    pub fn tasks_of(&self, contact: &str) -> Vec<Note> {
        let on = |task: &&Note| task.contacts.iter().any(|id| id == contact);
        self.site().tasks.iter().filter(on).cloned().collect()
    }

    /// A contact's property, if it has a value.
    #[must_use]
    pub fn property(&self, contact: &str, name: &str) -> Option<String> {
        self.site().contacts.get(contact).and_then(|contact| contact.properties.get(name).cloned())
    }

    /// Whether the account has such a property for contacts.
    #[must_use]
    pub fn has_property(&self, name: &str) -> bool {
        self.site().properties.contains_key(name)
    }

    /// Adds or replaces a contact.
    pub fn set_contact(&self, id: impl Into<String>, properties: &[(&str, &str)]) {
        self.site().put_contact(id.into(), properties);
    }

    /// Removes a contact, as deleting it would.
    pub fn remove_contact(&self, id: &str) {
        self.site().contacts.remove(id);
    }

    /// Merges a contact into another: what hung on it hangs on that one now, and its id only serves reads.
    pub fn merge(&self, old: &str, into: &str) {
        self.site().merge(old, into);
    }

    /// Says when a contact was made.
    pub fn made_at(&self, id: &str, at: Timestamp) {
        if let Some(contact) = self.site().contacts.get_mut(id) {
            contact.created = at;
        }
    }

    /// Says when a contact last sent a form.
    pub fn converted_at(&self, id: &str, at: Timestamp) {
        if let Some(contact) = self.site().contacts.get_mut(id) {
            contact.properties.insert("recent_conversion_date".to_owned(), at.to_string());
        }
    }

    /// From now on takes so many requests in such a time, searches aside, and refuses more with 429.
    pub fn allow(&self, requests: u32, per: Duration) {
        self.site().limits.burst = Some((requests, per));
    }

    /// Leaves so many requests of the day; none: 429 that only midnight ends.
    pub fn leave_of_the_day(&self, requests: u32) {
        self.site().limits.day_left = requests;
    }

    /// Adds or replaces a property with these options (none: a text).
    pub fn set_property(&self, name: &str, options: &[&str]) {
        let (kind, field) = if options.is_empty() { ("string", "text") } else { ("enumeration", "select") };
        self.site().put_property(name, kind, field, options);
    }

    /// Removes a property.
    pub fn remove_property(&self, name: &str) {
        self.site().properties.remove(name);
    }

    /// An account whose day's calls are used up: 429 that only midnight ends.
    #[must_use]
    pub fn daily_limit_fault() -> Fault {
        Fault::status_with(429, rate_limit("DAILY"))
    }
}

#[cfg(test)]
mod tests;
