//! Contacts: reading one, changing its properties, and merging one into another.
//!
//! `SimplePublicObjectInput` of the specification: every value is a string, and one bad property fails the whole write.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::http::{Answer, Seen};
use super::super::{at, with};
use super::{Contact, HubSpot, error_body, listed, mistake, not_found, object, strings};

/// What comes back without `properties` in the query. Not the message.
pub(super) const DEFAULT: [&str; 6] =
    ["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"];

/// Whose record it is: one of the account's owners.
const OWNER: &str = "hubspot_owner_id";

/// Keys the read may have in its query.
const KEYS: [&str; 5] = ["archived", "associations", "idProperty", "properties", "propertiesWithHistory"];

impl HubSpot {
    /// The id of the contact that is meant, by id or by e-mail.
    fn contact_id(&self, id: &str, seen: &Seen) -> Result<String, Answer> {
        let found = match seen.query("idProperty") {
            None => self.contacts.contains_key(id).then(|| id.to_owned()),
            Some(name) => {
                let holds = |contact: &Contact| contact.properties.get(name).is_some_and(|value| value == id);
                self.contacts.iter().find(|(_, contact)| holds(contact)).map(|(id, _)| id.clone())
            }
        };
        found.ok_or_else(|| not_found("contact", id))
    }

    pub(super) fn read_contact(&self, id: &str, seen: &Seen) -> Result<Answer, Answer> {
        self.needs("crm.objects.contacts.read")?;
        if let Some((key, _)) = seen.query.iter().find(|(key, _)| !KEYS.contains(&key.as_str())) {
            return Err(mistake(format!("unknown key '{key}' in the query")));
        }
        // Reading by the id of a merged contact gives the one it became; nothing else does.
        let id = self.contact_id(self.survivor(id), seen)?;
        let asked = listed(seen, "properties");
        let asked = if asked.is_empty() { DEFAULT.map(str::to_owned).to_vec() } else { asked };
        Ok(Answer::new(200, self.contact_json(&id, &asked)))
    }

    /// Only what was asked for; what has no value is null, what doesn't exist is left out.
    pub(super) fn contact_json(&self, id: &str, asked: &[String]) -> Value {
        let Some(contact) = self.contacts.get(id) else { return Value::Null };
        let value = |name: &str| match name {
            "hs_object_id" => json!(id),
            "createdate" => json!(contact.created.to_string()),
            "lastmodifieddate" => json!(contact.updated.to_string()),
            _ => json!(contact.properties.get(name)),
        };
        let known = asked.iter().map(String::as_str).chain(["hs_object_id"]);
        let known = known.filter(|name| self.properties.contains_key(*name));
        let properties: BTreeMap<&str, Value> = known.map(|name| (name, value(name))).collect();
        json!({ "id": id, "properties": properties, "createdAt": contact.created.to_string(),
                "updatedAt": contact.updated.to_string(), "archived": false })
    }

    pub(super) fn update_contact(&mut self, id: &str, seen: &Seen) -> Result<Answer, Answer> {
        self.needs("crm.objects.contacts.write")?;
        let body = object(seen, &["properties"])?;
        let changes = strings(&body)?;
        let id = self.contact_id(id, seen)?;
        let problems: Vec<Value> = changes.iter().filter_map(|(name, value)| self.problem(name, value)).collect();
        if !problems.is_empty() {
            let message = format!("Property values were not valid: {}", json!(problems));
            return Err(Answer::new(400, with(error_body("VALIDATION_ERROR", &message), "errors", problems)));
        }
        if let Some(contact) = self.contacts.get_mut(&id) {
            for (name, value) in &changes {
                if value.is_empty() {
                    contact.properties.remove(name);
                } else {
                    contact.properties.insert(name.clone(), value.clone());
                }
            }
            contact.updated = Timestamp::now();
        }
        self.tell(&id, &changes);
        let names: Vec<String> = changes.into_keys().collect();
        Ok(Answer::new(200, self.contact_json(&id, &names)))
    }

    /// What the contact of this id became.
    fn survivor<'a>(&'a self, id: &'a str) -> &'a str {
        match self.merged.get(id) {
            Some(into) => self.survivor(into),
            None => id,
        }
    }

    pub(super) fn merge(&mut self, old: &str, into: &str) {
        self.contacts.remove(old);
        self.merged.insert(old.to_owned(), into.to_owned());
        if let Some(contact) = self.contacts.get_mut(into) {
            let merged = contact.properties.entry("hs_merged_object_ids".to_owned()).or_default();
            let ids = [merged.as_str(), old].into_iter().filter(|id| !id.is_empty()).collect::<Vec<_>>().join(";");
            *merged = ids;
        }
        for hung in self.notes.iter_mut().chain(&mut self.tasks).flat_map(|made| &mut made.contacts) {
            if hung == old {
                into.clone_into(hung);
            }
        }
    }

    /// Why the account doesn't take this value. That is the state of the account, not necessarily the client's mistake.
    pub(super) fn problem(&self, name: &str, value: &str) -> Option<Value> {
        let problem = |code: &str, message: String| {
            Some(json!({ "isValid": false, "message": message, "error": code, "code": code, "name": name,
                         "context": { "propertyName": [name] } }))
        };
        let Some(property) = self.properties.get(name) else {
            return problem("PROPERTY_DOESNT_EXIST", format!("Property \"{name}\" does not exist"));
        };
        if *at(property, "/modificationMetadata/readOnlyValue") == true {
            return problem("READ_ONLY_VALUE", format!("\"{name}\" is a read only property; its value cannot be set."));
        }
        if name == OWNER && !value.is_empty() && !self.owners.contains(value) {
            return problem("INVALID_OWNER_ID", format!("Owner with id {value} does not exist"));
        }
        let options = at(property, "/options").as_array().into_iter().flatten();
        let options: Vec<&str> = options.filter_map(|option| at(option, "/value").as_str()).collect();
        if value.is_empty() || options.is_empty() || options.contains(&value) {
            return None;
        }
        problem("INVALID_OPTION", format!("{value} was not one of the allowed options: [{}]", options.join(", ")))
    }
}
