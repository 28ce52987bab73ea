//! Notes and tasks: creating, reading, searching, and listing those of a contact.
//!
//! `SimplePublicObjectInputForCreate` and `PublicObjectSearchRequest` of the specification. The association goes from the
//! note or task to the contact and is `HUBSPOT_DEFINED`; each has a type of its own, and the reverse one is refused.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::super::http::{Answer, Seen};
use super::super::{at, with};
use super::filters::{any_group, filter_groups, holds};
use super::webhooks::LAST_ACTIVITY;
use super::{HubSpot, Note, error_body, listed, mistake, not_found, object, strings};

/// What there can be on a contact.
#[derive(Debug)]
pub(super) struct Kind {
    one: &'static str,
    pub(super) body: &'static str,
    /// Properties an app may write; those with a list take no other values.
    writable: &'static [(&'static str, &'static [&'static str])],
    /// The type of its association to a contact, and of the reverse one, as both official clients have them.
    to_contact: i64,
    from_contact: i64,
    first_id: usize,
}

pub(super) const NOTE: Kind = Kind {
    one: "note",
    body: "hs_note_body",
    writable: &[("hs_attachment_ids", &[]), ("hs_note_body", &[]), ("hs_timestamp", &[]), ("hubspot_owner_id", &[])],
    to_contact: 202,
    from_contact: 201,
    first_id: 70_001,
};

pub(super) const TASK: Kind = Kind {
    one: "task",
    body: "hs_task_body",
    writable: &[
        ("hs_task_body", &[]),
        ("hs_task_priority", &["NONE", "LOW", "MEDIUM", "HIGH"]),
        ("hs_task_status", &["NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED"]),
        ("hs_task_subject", &[]),
        ("hs_task_type", &["TODO", "CALL", "EMAIL"]),
        ("hs_timestamp", &[]),
        ("hubspot_owner_id", &[]),
    ],
    to_contact: 204,
    from_contact: 203,
    first_id: 80_001,
};

/// The longest body.
const MAX_BODY: usize = 65_536;
/// What a search may give at once.
const MAX_LIMIT: u64 = 200;
/// Keys a search must have.
const REQUIRED: [&str; 5] = ["after", "filterGroups", "limit", "properties", "sorts"];

impl Note {
    fn json(&self, asked: &[String]) -> Value {
        let mut properties = Map::new();
        properties.insert("hs_object_id".into(), json!(self.id));
        properties.insert("hs_createdate".into(), json!(self.at.to_string()));
        properties.insert("hs_lastmodifieddate".into(), json!(self.at.to_string()));
        for (name, value) in self.properties.iter().filter(|(name, _)| asked.contains(name)) {
            properties.insert(name.clone(), json!(value));
        }
        json!({ "id": self.id, "properties": properties, "createdAt": self.at.to_string(), "updatedAt": self.at.to_string(), "archived": false })
    }
}

/// Milliseconds since 1970 as text, or ISO 8601 with a zone.
fn is_timestamp(text: &str) -> bool {
    let millis = text.parse::<i64>().ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    millis.is_some() || text.parse::<Timestamp>().is_ok()
}

impl HubSpot {
    const fn made(&self, kind: &Kind) -> &Vec<Note> {
        if kind.to_contact == TASK.to_contact { &self.tasks } else { &self.notes }
    }

    pub(super) fn create(&mut self, kind: &Kind, seen: &Seen) -> Result<Answer, Answer> {
        self.needs("crm.objects.contacts.write")?;
        let body = object(seen, &["associations", "properties"])?;
        let properties = strings(&body)?;
        for (name, value) in &properties {
            self.writable(kind, name, value)?;
        }
        let timestamp = properties.get("hs_timestamp").filter(|text| is_timestamp(text));
        let timestamp = timestamp.ok_or_else(|| mistake("'hs_timestamp' is required and is a time"))?.clone();
        let text = properties.get(kind.body).cloned().unwrap_or_default();
        if text.chars().count() > MAX_BODY {
            return Err(mistake(format!("'{}' is over 65536 characters", kind.body)));
        }
        let contacts = associations(kind, body.get("associations"))?;
        if let Some(unknown) = contacts.iter().find(|id| !self.contacts.contains_key(*id)) {
            return Err(not_found("contact", unknown));
        }
        let id = kind.first_id.saturating_add(self.made(kind).len()).to_string();
        let asked: Vec<String> = properties.keys().cloned().collect();
        let (at, made) = (Timestamp::now(), Instant::now());
        let note = Note { id, contacts, body: text, timestamp, properties, at, made };
        let created = note.json(&asked);
        let changes = BTreeMap::from([(LAST_ACTIVITY.to_owned(), at.as_millisecond().to_string())]);
        let told = note.contacts.clone();
        let made = if kind.to_contact == TASK.to_contact { &mut self.tasks } else { &mut self.notes };
        made.push(note);
        for contact in told {
            self.tell(&contact, &changes);
        }
        Ok(Answer::new(201, created))
    }

    /// Refuses a property that there isn't, or a value that it can't have.
    fn writable(&self, kind: &Kind, name: &str, value: &str) -> Result<(), Answer> {
        let known = kind.writable.iter().find(|(known, _)| *known == name);
        let (_, values) = known.ok_or_else(|| mistake(format!("a {} has no writable property '{name}'", kind.one)))?;
        if !values.is_empty() && !values.contains(&value) {
            return Err(mistake(format!("'{name}' is one of {}", values.join(", "))));
        }
        match self.problem(name, value).filter(|_| name == "hubspot_owner_id") {
            Some(problem) => {
                let message = format!("Property values were not valid: {}", json!([problem]));
                Err(Answer::new(400, with(error_body("VALIDATION_ERROR", &message), "errors", json!([problem]))))
            }
            None => Ok(()),
        }
    }

    pub(super) fn read_made(&self, kind: &Kind, id: &str, seen: &Seen) -> Result<Answer, Answer> {
        self.needs("crm.objects.contacts.read")?;
        let note = self.made(kind).iter().find(|note| note.id == id).ok_or_else(|| not_found(kind.one, id))?;
        Ok(Answer::new(200, note.json(&listed(seen, "properties"))))
    }

    /// `GET /crm/v4/objects/contacts/{id}/associations/notes`, or `tasks`: this one is consistent at once. Pages by `after`.
    pub(super) fn made_on(&self, kind: &Kind, contact: &str, seen: &Seen) -> Result<Answer, Answer> {
        self.needs("crm.objects.contacts.read")?;
        if !self.contacts.contains_key(contact) {
            return Err(not_found("contact", contact));
        }
        let limit = seen.query("limit").map_or(Ok(500), str::parse::<usize>);
        let limit =
            limit.ok().filter(|limit| (1..=500).contains(limit)).ok_or_else(|| mistake("'limit' is 1 to 500"))?;
        let after = seen.query("after").unwrap_or_default();
        let on = |note: &&Note| note.contacts.iter().any(|id| id == contact);
        let mut rest = self.made(kind).iter().filter(on).skip_while(|note| !after.is_empty() && note.id != after);
        let page: Vec<Value> = rest.by_ref().take(limit).map(|note| association_json(kind, note)).collect();
        Ok(Answer::new(200, paged(json!({ "results": page }), rest.next().map(|note| note.id.clone()))))
    }

    pub(super) fn search(&self, kind: &Kind, seen: &Seen) -> Result<Answer, Answer> {
        self.needs("crm.objects.contacts.read")?;
        let (body, limit, after, asked) = question(seen)?;
        let groups = filter_groups(&body)?;
        if !at(&body, "/sorts").as_array().is_some_and(|sorts| sorts.iter().all(Value::is_string)) {
            return Err(mistake("'sorts' is an array of strings"));
        }
        let visible = self.made(kind).iter().filter(|note| note.made.elapsed() >= self.search_lag);
        let mut hits = Vec::new();
        for note in visible {
            if groups.is_empty() || any_group(&groups, |filter| holds(kind, note, filter))? {
                hits.push(note);
            }
        }
        let page: Vec<Value> = hits.iter().skip(after).take(limit).map(|note| note.json(&asked)).collect();
        let end = after.saturating_add(page.len());
        let answer = json!({ "total": hits.len(), "results": page });
        Ok(Answer::new(200, paged(answer, (end < hits.len()).then(|| end.to_string()))))
    }
}

/// A search, its limit, where it goes on, and the properties it asks for.
pub(super) fn question(seen: &Seen) -> Result<(Value, usize, usize, Vec<String>), Answer> {
    let body = object(seen, &["after", "filterGroups", "limit", "properties", "query", "sorts"])?;
    if let Some(missing) = REQUIRED.iter().find(|key| !body.contains_key(**key)) {
        return Err(mistake(format!("'{missing}' is required by the specification")));
    }
    let body = Value::Object(body);
    let limit = at(&body, "/limit").as_u64().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).ok_or_else(|| mistake("'limit' is 1 to 200"))?;
    let asked = serde_json::from_value::<Vec<String>>(at(&body, "/properties").clone());
    let asked = asked.map_err(|_| mistake("'properties' is an array of strings"))?;
    let after = at(&body, "/after").as_str().map(|text| if text.is_empty() { "0" } else { text }.parse::<usize>());
    let after = after.and_then(Result::ok).ok_or_else(|| mistake("'after' is no cursor of this search"))?;
    Ok((body, limit, after, asked))
}

/// A list that says where its next page begins, if there is one.
pub(super) fn paged(list: Value, after: Option<String>) -> Value {
    match after {
        Some(after) => with(list, "paging", json!({ "next": { "after": after } })),
        None => list,
    }
}

fn association_json(kind: &Kind, note: &Note) -> Value {
    let id = note.id.parse::<u64>().unwrap_or_default();
    let types = json!([{ "category": "HUBSPOT_DEFINED", "typeId": kind.from_contact, "label": null }]);
    json!({ "toObjectId": id, "associationTypes": types })
}

/// The contacts that something new is to hang on; there must be one.
fn associations(kind: &Kind, given: Option<&Value>) -> Result<Vec<String>, Answer> {
    let given = given.and_then(Value::as_array).filter(|list| !list.is_empty());
    let given = given.ok_or_else(|| mistake("'associations' is required"))?;
    let contact = |association: &Value| {
        let id = at(association, "/to/id").as_str().filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| mistake("an association needs 'to.id', a string"))?;
        let types = at(association, "/types").as_array().filter(|types| !types.is_empty());
        let types = types.ok_or_else(|| mistake("an association needs 'types'"))?;
        for given in types {
            let category = at(given, "/associationCategory").as_str();
            let type_id = at(given, "/associationTypeId").as_i64();
            if category != Some("HUBSPOT_DEFINED") || type_id != Some(kind.to_contact) {
                return Err(mistake(format!(
                    "a {} goes to a contact by HUBSPOT_DEFINED {}",
                    kind.one, kind.to_contact
                )));
            }
        }
        Ok(id.to_owned())
    };
    given.iter().map(contact).collect()
}
