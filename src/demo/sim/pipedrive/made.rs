//! Notes and activities: making them, and listing a person's, newest first.

use serde_json::{Value, json};

use super::super::http::{Answer, Seen};
use super::super::with;
use super::{Made, Pipedrive, at, good, limit, mistake, object, only, refusal};

/// What an activity can be, unless a company changed it.
const TYPES: [&str; 6] = ["call", "deadline", "email", "lunch", "meeting", "task"];
const ACTIVITY: [&str; 17] = [
    "attendees",
    "busy",
    "deal_id",
    "done",
    "due_date",
    "due_time",
    "duration",
    "lead_id",
    "location",
    "note",
    "org_id",
    "owner_id",
    "participants",
    "priority",
    "project_id",
    "public_description",
    "subject",
];
const NOTE_KEYS: [&str; 10] = [
    "add_time",
    "content",
    "deal_id",
    "lead_id",
    "org_id",
    "person_id",
    "pinned_to_deal_flag",
    "pinned_to_person_flag",
    "project_id",
    "user_id",
];

impl Pipedrive {
    fn known(&self, person: &Value) -> Result<u64, Answer> {
        let id = person.as_u64().ok_or_else(|| mistake("'person_id' is a number"))?;
        if self.persons.contains_key(&id) { Ok(id) } else { Err(refusal(404, "Person not found")) }
    }

    pub(super) fn make_note(&mut self, seen: &Seen) -> Result<Answer, Answer> {
        let body = object(seen, &NOTE_KEYS)?;
        let text = at(&body, "/content").as_str().filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| mistake("'content' is required and is a string"))?.to_owned();
        let person = self.known(at(&body, "/person_id"))?;
        Ok(added(&mut self.notes, person, text, body))
    }

    pub(super) fn list_notes(&self, seen: &Seen) -> Result<Answer, Answer> {
        only(seen, &["limit", "person_id", "sort", "start"])?;
        if seen.query("sort").is_some_and(|sort| sort != "id DESC") || seen.query("start").is_some_and(|at| at != "0") {
            return Err(mistake("this simulator lists the newest notes only"));
        }
        // Version 1 has null for an empty list.
        let list = newest(&self.notes, seen)?;
        Ok(good(200, &if list.is_empty() { Value::Null } else { json!(list) }))
    }

    pub(super) fn make_activity(&mut self, seen: &Seen) -> Result<Answer, Answer> {
        let keys: Vec<&str> = ACTIVITY.into_iter().chain(["type"]).collect();
        if seen.body.contains("\"person_id\"") && !seen.body.contains("\"participants\"") {
            return Err(mistake("'person_id' is a read-only field. Add a primary participant instead"));
        }
        let body = object(seen, &keys)?;
        let text = |key: &str| at(&body, key).as_str();
        if text("/subject").is_none() || text("/type").is_none_or(|kind| !TYPES.contains(&kind)) {
            return Err(mistake("'subject' is a string and 'type' one of the types"));
        }
        if text("/due_date").is_some_and(|date| date.len() != 10 || date.parse::<jiff::civil::Date>().is_err()) {
            return Err(mistake("'due_date' is YYYY-MM-DD"));
        }
        if !at(&body, "/done").is_boolean() && !at(&body, "/done").is_null() {
            return Err(mistake("'done' is true or false"));
        }
        let participants = at(&body, "/participants").as_array();
        let primary = participants.into_iter().flatten().find(|one| *at(one, "/primary") == true);
        let primary = primary.ok_or_else(|| mistake("'participants' needs a primary one"))?;
        let person = self.known(at(primary, "/person_id"))?;
        let note = text("/note").unwrap_or_default().to_owned();
        Ok(added(&mut self.activities, person, note, body))
    }

    pub(super) fn list_activities(&self, seen: &Seen) -> Result<Answer, Answer> {
        only(seen, &["cursor", "done", "limit", "person_id", "sort_by", "sort_direction", "updated_since"])?;
        if seen.query("sort_by") != Some("id") || seen.query("sort_direction") != Some("desc") {
            return Err(mistake("this simulator lists the newest activities only"));
        }
        Ok(good(200, &json!(newest(&self.activities, seen)?)))
    }
}

fn newest(made: &[Made], seen: &Seen) -> Result<Vec<Value>, Answer> {
    let person = seen.query("person_id").and_then(|id| id.parse::<u64>().ok());
    let person = person.ok_or_else(|| mistake("'person_id' is a number"))?;
    let of = made.iter().rev().filter(|made| made.person == person).take(limit(seen)?);
    Ok(of.map(|made| with(made.sent.clone(), "id", made.id)).collect())
}

fn added(made: &mut Vec<Made>, person: u64, text: String, sent: Value) -> Answer {
    let id = u64::try_from(made.len()).unwrap_or_default().saturating_add(1);
    let shown = with(sent.clone(), "id", id);
    made.push(Made { id, person, text, sent });
    good(201, &shown)
}
