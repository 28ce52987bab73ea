//! A CRM that somebody wrote for himself: leads with a few fields, notes that take a key, tasks that don't.
//!
//! Any program may look like this one, so it is as strict as it can be: it knows its keys and their types, and what else comes
//! is the client's mistake. A note with a key that it knows is the same note again (as Stripe made usual); a task is always
//! another one.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::at;
use super::fault::Fault;
use super::http::{Answer, Seen, Sim, Site};

/// A note or a task, as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id here.
    pub id: u64,
    /// Whose it is.
    pub lead: String,
    /// Its text.
    pub text: String,
    /// The key that came with it.
    pub key: Option<String>,
}

/// What it holds.
#[derive(Debug, Default)]
pub struct OwnCrm {
    secret: String,
    leads: BTreeMap<String, Map<String, Value>>,
    notes: Vec<Entry>,
    tasks: Vec<Entry>,
}

impl OwnCrm {
    /// One that asks for this in `X-Key`.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self { secret: secret.into(), ..Self::default() }
    }

    /// A lead that exists.
    #[must_use]
    pub fn lead(mut self, id: impl Into<String>) -> Self {
        self.leads.insert(id.into(), Map::new());
        self
    }

    fn route(&mut self, seen: &Seen) -> Result<Answer, Answer> {
        if seen.header("x-key") != Some(self.secret.as_str()) {
            return Err(refusal(401, "who are you?"));
        }
        let parts: Vec<&str> = seen.path.trim_start_matches('/').split('/').collect();
        match (seen.method.as_str(), parts.as_slice()) {
            ("GET", ["api", "me"]) => Ok(Answer::new(200, json!({ "ok": true }))),
            ("PATCH", ["api", "leads", id]) => self.update(id, seen),
            ("POST", ["api", "notes"]) => {
                let entry = self.entry(seen)?;
                Ok(added(&mut self.notes, entry, true))
            }
            ("POST", ["api", "tasks"]) => {
                let entry = self.entry(seen)?;
                Ok(added(&mut self.tasks, entry, false))
            }
            _ => Err(refusal(404, "no such resource").mistake("no such resource")),
        }
    }

    fn update(&mut self, id: &str, seen: &Seen) -> Result<Answer, Answer> {
        let body =
            object(seen, &[("class", Value::is_string), ("flag", Value::is_boolean), ("owner", Value::is_string)])?;
        let lead = self.leads.get_mut(id).ok_or_else(|| refusal(404, "no such lead"))?;
        lead.extend(body);
        Ok(Answer::new(200, json!({ "ok": true })))
    }

    fn entry(&self, seen: &Seen) -> Result<Entry, Answer> {
        let body = Value::Object(object(seen, &[("lead", Value::is_string), ("text", Value::is_string)])?);
        let text = |key: &str| at(&body, key).as_str().unwrap_or_default().to_owned();
        let (lead, text) = (text("/lead"), text("/text"));
        if !self.leads.contains_key(&lead) {
            return Err(refusal(404, "no such lead"));
        }
        Ok(Entry { id: 0, lead, text, key: seen.header("idempotency-key").map(str::to_owned) })
    }
}

/// Keeps a new one, unless it is the same again and that can be told.
fn added(entries: &mut Vec<Entry>, entry: Entry, by_key: bool) -> Answer {
    let known = entries.iter().find(|known| by_key && known.key.is_some() && known.key == entry.key);
    let id = known.map_or_else(|| u64::try_from(entries.len()).unwrap_or_default().saturating_add(1), |known| known.id);
    if known.is_none() {
        entries.push(Entry { id, ..entry });
    }
    Answer::new(201, json!({ "ok": true, "data": { "id": id } }))
}

/// A key of a body, and whether a value is of its type.
type Key = (&'static str, fn(&Value) -> bool);

/// The body, an object with no keys but these, each of its type; null is of none.
fn object(seen: &Seen, keys: &[Key]) -> Result<Map<String, Value>, Answer> {
    let mistake = |words: String| refusal(400, &words).mistake(words);
    if !seen.is_of_type("application/json") {
        return Err(mistake("the body is not declared as JSON".to_owned()));
    }
    let body: Map<String, Value> =
        serde_json::from_str(&seen.body).map_err(|_| mistake("the body is no JSON object".to_owned()))?;
    for (key, value) in &body {
        match keys.iter().find(|(known, _)| known == key) {
            Some((_, is_right)) if is_right(value) => {}
            Some(_) => return Err(mistake(format!("{key} is of a wrong type"))),
            None => return Err(mistake(format!("unknown key '{key}'"))),
        }
    }
    Ok(body)
}

fn refusal(status: u16, words: &str) -> Answer {
    Answer::new(status, json!({ "ok": false, "error": words }))
}

impl Site for OwnCrm {
    const PREFIX: &'static str = "";

    fn serve(&mut self, seen: &Seen) -> Answer {
        self.route(seen).unwrap_or_else(|refusal| refusal)
    }

    fn error(&self, status: u16) -> Value {
        json!({ "ok": false, "error": format!("status {status}") })
    }

    fn stamp(&self, seen: &Seen) -> Vec<(&'static str, String)> {
        vec![("x-request-id", format!("r{}", seen.number))]
    }

    /// It is down for good.
    fn misbehaviour(&self) -> Fault {
        Fault::status(500)
    }
}

impl Sim<OwnCrm> {
    /// The notes, oldest first.
    #[must_use]
    pub fn notes(&self) -> Vec<Entry> {
        self.site().notes.clone()
    }

    /// The tasks, oldest first.
    #[must_use]
    pub fn tasks(&self) -> Vec<Entry> {
        self.site().tasks.clone()
    }

    /// A field of a lead, if it was ever written.
    #[must_use]
    pub fn field(&self, lead: &str, name: &str) -> Option<Value> {
        self.site().leads.get(lead).and_then(|lead| lead.get(name).cloned())
    }
}
