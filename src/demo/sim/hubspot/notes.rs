//! Notes: creating, reading, searching, and listing those of a contact.
//!
//! `SimplePublicObjectInputForCreate` and `PublicObjectSearchRequest` of the specification. A note's association goes
//! from the note to the contact: type 202 of category `HUBSPOT_DEFINED`; the reverse id is refused.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::super::http::{Answer, Seen};
use super::super::{at, with};
use super::{HubSpot, Note, listed, mistake, not_found, object, strings};

/// Note to contact, as both official clients have it.
const NOTE_TO_CONTACT: i64 = 202;
/// The longest body.
const MAX_BODY: usize = 65_536;
/// Properties of a note an app may write.
const WRITABLE: [&str; 4] = ["hs_attachment_ids", "hs_note_body", "hs_timestamp", "hubspot_owner_id"];
/// What a search may give at once.
const MAX_LIMIT: u64 = 200;
/// Keys a search must have.
const REQUIRED: [&str; 5] = ["after", "filterGroups", "limit", "properties", "sorts"];
/// Every operator of a filter.
const OPERATORS: [&str; 13] = [
    "BETWEEN",
    "CONTAINS_TOKEN",
    "EQ",
    "GT",
    "GTE",
    "HAS_PROPERTY",
    "IN",
    "LT",
    "LTE",
    "NEQ",
    "NOT_CONTAINS_TOKEN",
    "NOT_HAS_PROPERTY",
    "NOT_IN",
];

impl Note {
    fn json(&self, asked: &[String]) -> Value {
        let mut properties = Map::new();
        properties.insert("hs_object_id".into(), json!(self.id));
        properties.insert("hs_createdate".into(), json!(self.at.to_string()));
        properties.insert("hs_lastmodifieddate".into(), json!(self.at.to_string()));
        for (name, value) in [("hs_note_body", &self.body), ("hs_timestamp", &self.timestamp)] {
            if asked.iter().any(|known| known == name) {
                properties.insert(name.into(), json!(value));
            }
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
    pub(super) fn create_note(&mut self, seen: &Seen) -> Result<Answer, Answer> {
        self.needs("crm.objects.contacts.write")?;
        let body = object(seen, &["associations", "properties"])?;
        let properties = strings(&body)?;
        if let Some(unknown) = properties.keys().find(|name| !WRITABLE.contains(&name.as_str())) {
            return Err(mistake(format!("a note has no writable property '{unknown}'")));
        }
        let timestamp = properties.get("hs_timestamp").filter(|text| is_timestamp(text));
        let timestamp = timestamp.ok_or_else(|| mistake("'hs_timestamp' is required and is a time"))?.clone();
        let text = properties.get("hs_note_body").cloned().unwrap_or_default();
        if text.chars().count() > MAX_BODY {
            return Err(mistake("'hs_note_body' is over 65536 characters"));
        }
        let contacts = associations(body.get("associations"))?;
        if let Some(unknown) = contacts.iter().find(|id| !self.contacts.contains_key(*id)) {
            return Err(not_found("contact", unknown));
        }
        let id = 70_001_usize.saturating_add(self.notes.len()).to_string();
        let note = Note { id, contacts, body: text, timestamp, at: Timestamp::now(), made: Instant::now() };
        let created = note.json(&["hs_note_body".to_owned(), "hs_timestamp".to_owned()]);
        self.notes.push(note);
        Ok(Answer::new(201, created))
    }

    pub(super) fn read_note(&self, id: &str, seen: &Seen) -> Result<Answer, Answer> {
        self.needs("crm.objects.contacts.read")?;
        let note = self.notes.iter().find(|note| note.id == id).ok_or_else(|| not_found("note", id))?;
        Ok(Answer::new(200, note.json(&listed(seen, "properties"))))
    }

    /// `GET /crm/v4/objects/contacts/{id}/associations/notes`: this one is consistent at once. Pages by `after`.
    pub(super) fn notes_on(&self, contact: &str, seen: &Seen) -> Result<Answer, Answer> {
        self.needs("crm.objects.contacts.read")?;
        if !self.contacts.contains_key(contact) {
            return Err(not_found("contact", contact));
        }
        let limit = seen.query("limit").map_or(Ok(500), str::parse::<usize>);
        let limit =
            limit.ok().filter(|limit| (1..=500).contains(limit)).ok_or_else(|| mistake("'limit' is 1 to 500"))?;
        let after = seen.query("after").unwrap_or_default();
        let on = |note: &&Note| note.contacts.iter().any(|id| id == contact);
        let mut rest = self.notes.iter().filter(on).skip_while(|note| !after.is_empty() && note.id != after);
        let page: Vec<Value> = rest.by_ref().take(limit).map(association_json).collect();
        Ok(Answer::new(200, paged(json!({ "results": page }), rest.next().map(|note| note.id.clone()))))
    }

    pub(super) fn search_notes(&self, seen: &Seen) -> Result<Answer, Answer> {
        self.needs("crm.objects.contacts.read")?;
        let body = object(seen, &["after", "filterGroups", "limit", "properties", "query", "sorts"])?;
        if let Some(missing) = REQUIRED.iter().find(|key| !body.contains_key(**key)) {
            return Err(mistake(format!("'{missing}' is required by the specification")));
        }
        let body = Value::Object(body);
        let groups = filter_groups(&body)?;
        let limit = at(&body, "/limit").as_u64().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        let limit = limit.ok_or_else(|| mistake("'limit' is 1 to 200"))?;
        let list = |key: &str| {
            let list = serde_json::from_value::<Vec<String>>(at(&body, &format!("/{key}")).clone());
            list.map_err(|_| mistake(format!("'{key}' is an array of strings")))
        };
        let (asked, _sorts) = (list("properties")?, list("sorts")?);
        let visible = self.notes.iter().filter(|note| note.made.elapsed() >= self.search_lag);
        let mut hits = Vec::new();
        for note in visible {
            if groups.is_empty() || any_group(note, &groups)? {
                hits.push(note);
            }
        }
        let after = at(&body, "/after").as_str().map(|text| if text.is_empty() { "0" } else { text }.parse::<usize>());
        let after = after.and_then(Result::ok).ok_or_else(|| mistake("'after' is no cursor of this search"))?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let page: Vec<Value> = hits.iter().skip(after).take(limit).map(|note| note.json(&asked)).collect();
        let end = after.saturating_add(page.len());
        let answer = json!({ "total": hits.len(), "results": page });
        Ok(Answer::new(200, paged(answer, (end < hits.len()).then(|| end.to_string()))))
    }
}

/// A list that says where its next page begins, if there is one.
fn paged(list: Value, after: Option<String>) -> Value {
    match after {
        Some(after) => with(list, "paging", json!({ "next": { "after": after } })),
        None => list,
    }
}

fn association_json(note: &Note) -> Value {
    let id = note.id.parse::<u64>().unwrap_or_default();
    json!({ "toObjectId": id, "associationTypes": [{ "category": "HUBSPOT_DEFINED", "typeId": 201, "label": null }] })
}

/// The contacts a new note is to hang on; there must be one.
fn associations(given: Option<&Value>) -> Result<Vec<String>, Answer> {
    let given = given.and_then(Value::as_array).filter(|list| !list.is_empty());
    let given = given.ok_or_else(|| mistake("'associations' is required"))?;
    let contact = |association: &Value| {
        let id = at(association, "/to/id").as_str().filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| mistake("an association needs 'to.id', a string"))?;
        let types = at(association, "/types").as_array().filter(|types| !types.is_empty());
        let types = types.ok_or_else(|| mistake("an association needs 'types'"))?;
        for kind in types {
            let category = at(kind, "/associationCategory").as_str();
            if category != Some("HUBSPOT_DEFINED") || at(kind, "/associationTypeId").as_i64() != Some(NOTE_TO_CONTACT) {
                return Err(mistake("a note goes to a contact by HUBSPOT_DEFINED 202"));
            }
        }
        Ok(id.to_owned())
    };
    given.iter().map(contact).collect()
}

/// The filters, in groups of which one must hold: at most five groups of six filters.
fn filter_groups(body: &Value) -> Result<Vec<Vec<Value>>, Answer> {
    let Some(groups) = body.get("filterGroups") else { return Ok(Vec::new()) };
    let groups = groups.as_array().filter(|groups| groups.len() <= 5);
    let groups = groups.ok_or_else(|| mistake("'filterGroups' is an array of at most five"))?;
    let filters = |group: &Value| {
        let filters = at(group, "/filters").as_array().filter(|filters| (1..=6).contains(&filters.len()));
        let filters = filters.ok_or_else(|| mistake("a filter group needs one to six 'filters'"))?;
        for filter in filters {
            let operator = at(filter, "/operator").as_str().unwrap_or_default();
            if !OPERATORS.contains(&operator) || at(filter, "/propertyName").as_str().is_none_or(str::is_empty) {
                return Err(mistake("a filter needs 'propertyName' and a known 'operator'"));
            }
            if matches!(operator, "EQ" | "CONTAINS_TOKEN") && !at(filter, "/value").is_string() {
                return Err(mistake("a filter's 'value' is a string"));
            }
        }
        Ok(filters.clone())
    };
    groups.iter().map(filters).collect()
}

fn any_group(note: &Note, groups: &[Vec<Value>]) -> Result<bool, Answer> {
    for group in groups {
        let mut all = true;
        for filter in group {
            all &= holds(note, filter)?;
        }
        if all {
            return Ok(true);
        }
    }
    Ok(false)
}

fn holds(note: &Note, filter: &Value) -> Result<bool, Answer> {
    let value = at(filter, "/value").as_str().unwrap_or_default();
    match (
        at(filter, "/propertyName").as_str().unwrap_or_default(),
        at(filter, "/operator").as_str().unwrap_or_default(),
    ) {
        ("associations.contact", "EQ") => Ok(note.contacts.iter().any(|id| id == value)),
        ("hs_note_body", "CONTAINS_TOKEN") => Ok(has_token(&note.body, value)),
        ("hs_object_id", "EQ") => Ok(note.id == value),
        (name, operator) => Err(mistake(format!("this simulator can't search for {name} {operator}"))),
    }
}

/// Tokens are runs of letters and digits; the words looked for must stand side by side. `*` at an end is a wildcard.
fn has_token(body: &str, wanted: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let split = text.split(|c: char| !c.is_alphanumeric());
        split.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
    };
    let (front, back) = (wanted.starts_with('*'), wanted.ends_with('*'));
    let (have, want) = (words(body), words(wanted));
    if want.is_empty() {
        return false;
    }
    let last = want.len().saturating_sub(1);
    let fits = |(at, (have, want)): (usize, (&String, &String))| {
        (have == want)
            || (at == 0 && front && have.ends_with(want.as_str()))
            || (at == last && back && have.starts_with(want.as_str()))
    };
    have.windows(want.len()).any(|run| run.iter().zip(&want).enumerate().all(fits))
}
