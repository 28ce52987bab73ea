//! Persons: reading one, those that changed since, and changing one.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::http::{Answer, Seen};
use super::super::with;
use super::{Person, Pipedrive, at, good, limit, mistake, object, only, refusal};

/// Keys of a write.
const KEYS: [&str; 11] = [
    "add_time",
    "custom_fields",
    "emails",
    "label_ids",
    "marketing_status",
    "name",
    "org_id",
    "owner_id",
    "phones",
    "update_time",
    "visible_to",
];
/// Keys of a list's query.
const QUERY: [&str; 13] = [
    "cursor",
    "custom_fields",
    "deal_id",
    "filter_id",
    "ids",
    "include_fields",
    "limit",
    "org_id",
    "owner_id",
    "sort_by",
    "sort_direction",
    "updated_since",
    "updated_until",
];

impl Pipedrive {
    fn id(&self, id: &str) -> Result<u64, Answer> {
        let id = id.parse().map_err(|_| mistake("an id is a number"))?;
        if self.persons.contains_key(&id) { Ok(id) } else { Err(refusal(404, "Person not found")) }
    }

    pub(super) fn read_person(&self, id: &str, seen: &Seen) -> Result<Answer, Answer> {
        only(seen, &["custom_fields", "include_fields"])?;
        let id = self.id(id)?;
        Ok(good(200, &self.person_json(id, seen)))
    }

    fn person_json(&self, id: u64, seen: &Seen) -> Value {
        let Some(person) = self.persons.get(&id) else { return Value::Null };
        let asked: Option<Vec<&str>> = seen.query("custom_fields").map(|keys| keys.split(',').collect());
        let keys = self.fields.keys().filter(|key| asked.as_ref().is_none_or(|asked| asked.contains(&key.as_str())));
        let custom: Map<String, Value> = keys.map(|key| (key.clone(), json!(person.custom.get(key)))).collect();
        let facts = with(Value::Object(person.facts.clone()), "id", id);
        let facts = with(with(facts, "custom_fields", custom), "add_time", in_seconds(person.added));
        with(facts, "update_time", in_seconds(person.updated.max(person.added)))
    }

    pub(super) fn list_persons(&self, seen: &Seen) -> Result<Answer, Answer> {
        only(seen, &QUERY)?;
        let limit = limit(seen)?;
        let since = seen.query("updated_since").map(whole_seconds).transpose()?;
        if seen.query("sort_by").is_some_and(|by| by != "id")
            || seen.query("sort_direction").is_some_and(|to| to != "asc")
        {
            return Err(mistake("this simulator lists persons by id only"));
        }
        let after = seen.query("cursor").map(read_cursor).transpose()?.unwrap_or_default();
        let changed = |person: &Person| since.is_none_or(|since| person.updated.max(person.added) >= since);
        let mut rest = self.persons.iter().filter(|(id, person)| **id >= after && changed(person)).map(|(id, _)| *id);
        let page: Vec<Value> = rest.by_ref().take(limit).map(|id| self.person_json(id, seen)).collect();
        let cursor = rest.next().map(|id| format!("from-{id}="));
        let answer = good(200, &json!(page));
        Ok(Answer { body: with(answer.body, "additional_data", json!({ "next_cursor": cursor })), ..answer })
    }

    pub(super) fn update_person(&mut self, id: &str, seen: &Seen) -> Result<Answer, Answer> {
        let body = object(seen, &KEYS)?;
        let id = self.id(id)?;
        let custom = match at(&body, "/custom_fields") {
            Value::Null => Map::new(),
            Value::Object(custom) => custom.clone(),
            _ => return Err(mistake("'custom_fields' is an object")),
        };
        let owner = match body.get("owner_id") {
            Some(owner) => Some(owner.as_u64().ok_or_else(|| mistake("'owner_id' is a number"))?),
            None => None,
        };
        let refused = custom.iter().find_map(|(key, value)| self.problem(key, value));
        let stranger = owner.filter(|owner| !self.users.contains(owner)).map(|owner| format!("no user {owner}"));
        if let Some(words) = refused.or(stranger) {
            return Err(refusal(400, &format!("Validation failed: {words}")));
        }
        if let Some(person) = self.persons.get_mut(&id) {
            person.custom.extend(custom);
            person.facts.extend(owner.map(|owner| ("owner_id".to_owned(), owner.into())));
            person.updated = Timestamp::now();
        }
        Ok(good(200, &self.person_json(id, seen)))
    }
}

fn in_seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A time of a query; the real one refuses a fraction.
fn whole_seconds(text: &str) -> Result<Timestamp, Answer> {
    let at = text.parse::<Timestamp>().ok().filter(|_| !text.contains('.'));
    at.ok_or_else(|| mistake("a time is RFC 3339 without a fraction"))
}

fn read_cursor(text: &str) -> Result<u64, Answer> {
    let id = text.strip_prefix("from-").and_then(|rest| rest.strip_suffix('=')?.parse().ok());
    id.ok_or_else(|| mistake("'cursor' is none of this list"))
}
