//! Setting an org up, and looking into it: what a test or the demo does that no client can.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::echo::Echo;
use super::super::fault::Fault;
use super::super::http::Sim;
use super::schema::standard;
use super::{CALLS_OF_A_DAY, Field, Kind, Object, Proof, Record, Salesforce, USER, ids};

/// A task as the org holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskSeen {
    /// Its id.
    pub id: String,
    /// Every field that has a value.
    pub fields: BTreeMap<String, Value>,
}

impl TaskSeen {
    /// A field that holds a text.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Salesforce {
    /// An org without leads, in which an app with this consumer key proves itself with this secret.
    #[must_use]
    pub fn new(client: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            client: client.into(),
            proof: Proof::Secret(secret.into()),
            organization: ids::long("00D5e000001Desk").unwrap_or_default(),
            instance: None,
            sessions: Vec::new(),
            revoked: false,
            schema: standard(),
            records: BTreeMap::new(),
            users: vec![USER.to_owned()],
            made: 0,
            used: 0,
            of: CALLS_OF_A_DAY,
            rate: None,
            last: VecDeque::new(),
            terse: false,
            echo: None,
            messages: 0,
        }
    }

    /// The app signs in for `user` at `audience` with the key of this subject public key info (2048 bits) instead.
    #[must_use]
    pub fn signed_by(mut self, spki: &[u8], user: &str, audience: &str) -> Self {
        self.proof = Proof::Key { spki: spki.to_vec(), user: user.to_owned(), audience: audience.to_owned() };
        self
    }

    /// A picklist on leads and contacts that takes these values only.
    #[must_use]
    pub fn picklist(mut self, name: &str, values: &[&str]) -> Self {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        self.put_field(name, &Kind::Picklist { values, restricted: true });
        self
    }

    /// A checkbox on leads and contacts.
    #[must_use]
    pub fn checkbox(mut self, name: &str) -> Self {
        self.put_field(name, &Kind::Checkbox);
        self
    }

    /// A unique external id on activities.
    #[must_use]
    pub fn task_key(mut self, name: &str) -> Self {
        let kind = Kind::Text { length: 80, external_id: true };
        self.schema.push(Field { object: Object::Task, name: name.to_owned(), kind, writable: true });
        self
    }

    /// A lead that exists.
    #[must_use]
    pub fn lead(mut self, id: &str, fields: &[(&str, &str)]) -> Self {
        self.put(Object::Lead, id, fields);
        self
    }

    /// A user who may own records.
    #[must_use]
    pub fn user(mut self, id: &str) -> Self {
        self.users.push(id.to_owned());
        self
    }

    /// Says that it is elsewhere than where it was asked.
    #[must_use]
    pub fn at_instance(mut self, url: &str) -> Self {
        self.instance = Some(url.to_owned());
        self
    }

    /// Answers updates by a key without a body, as older versions do.
    #[must_use]
    pub fn terse(mut self) -> Self {
        self.terse = true;
        self
    }

    /// Takes so many calls in such a time.
    #[must_use]
    pub fn rate(mut self, calls: usize, per: Duration) -> Self {
        self.rate = Some((calls, per));
        self
    }

    fn put_field(&mut self, name: &str, kind: &Kind) {
        self.schema.retain(|field| field.name != name);
        let on = |object| Field { object, name: name.to_owned(), kind: kind.clone(), writable: true };
        self.schema.extend([Object::Lead, Object::Contact].map(on));
    }

    fn put(&mut self, object: Object, id: &str, fields: &[(&str, &str)]) {
        let id = ids::long(id).unwrap_or_else(|| id.to_owned());
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        self.records.insert(id.clone(), Record { object, id, fields, created: Timestamp::now(), deleted: false });
    }

    fn of_id(&mut self, id: &str) -> Option<&mut Record> {
        self.records.get_mut(&ids::long(id)?)
    }
}

impl Sim<Salesforce> {
    /// The tasks of a lead or a contact, oldest first.
    #[must_use]
    pub fn tasks_of(&self, who: &str) -> Vec<TaskSeen> {
        let who = ids::long(who);
        let site = self.site();
        let of = |record: &&Record| {
            let whose = record.fields.get("WhoId").and_then(Value::as_str).and_then(ids::long);
            record.object == Object::Task && whose == who
        };
        let tasks = site.records.values().filter(of);
        tasks.map(|record| TaskSeen { id: record.id.clone(), fields: record.fields.clone() }).collect()
    }

    /// A field of a record; null where there is no value.
    #[must_use]
    pub fn field(&self, id: &str, name: &str) -> Value {
        self.site().of_id(id).and_then(|record| record.fields.get(name).cloned()).unwrap_or_default()
    }

    /// Adds or replaces a lead.
    pub fn set_lead(&self, id: &str, fields: &[(&str, &str)]) {
        self.site().put(Object::Lead, id, fields);
    }

    /// Adds or replaces a contact.
    pub fn set_contact(&self, id: &str, fields: &[(&str, &str)]) {
        self.site().put(Object::Contact, id, fields);
    }

    /// Moves the making of a record to another time.
    pub fn made_at(&self, id: &str, at: Timestamp) {
        if let Some(record) = self.site().of_id(id) {
            record.created = at;
        }
    }

    /// Converts a lead on that day into a contact, whose id this is. Its tasks move there.
    #[must_use]
    pub fn convert(&self, lead: &str, day: &str) -> String {
        let mut site = self.site();
        site.made = site.made.saturating_add(1);
        let contact = ids::id(Object::Contact.prefix(), site.made);
        let Some(record) = site.of_id(lead) else { return contact };
        let (lead, mut fields) = (record.id.clone(), record.fields.clone());
        record.fields.insert("IsConverted".into(), json!(true));
        record.fields.insert("ConvertedDate".into(), json!(day));
        record.fields.insert("ConvertedContactId".into(), json!(contact));
        fields.retain(|name, _| site.field(Object::Contact, name).is_some());
        let (id, created) = (contact.clone(), Timestamp::now());
        site.records.insert(id.clone(), Record { object: Object::Contact, id, fields, created, deleted: false });
        for task in site.records.values_mut().filter(|record| record.object == Object::Task) {
            if task.fields.get("WhoId").and_then(Value::as_str).and_then(ids::long).as_ref() == Some(&lead) {
                task.fields.insert("WhoId".into(), json!(contact));
            }
        }
        contact
    }

    /// Puts a record into the bin.
    pub fn delete(&self, id: &str) {
        if let Some(record) = self.site().of_id(id) {
            record.deleted = true;
        }
    }

    /// Gives a task a second one with the same fields, key included.
    pub fn double(&self, task: &str) {
        let mut site = self.site();
        site.made = site.made.saturating_add(1);
        let id = ids::id(Object::Task.prefix(), site.made);
        if let Some(record) = site.of_id(task).cloned() {
            site.records.insert(id.clone(), Record { id, ..record });
        }
    }

    /// Takes a field away from every object.
    pub fn remove_field(&self, name: &str) {
        self.site().schema.retain(|field| field.name != name);
    }

    /// Makes a picklist on leads and contacts, or gives it other values.
    pub fn set_picklist(&self, name: &str, values: &[&str]) {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        self.site().put_field(name, &Kind::Picklist { values, restricted: true });
    }

    /// Makes a text field on leads and contacts.
    pub fn set_text_field(&self, name: &str, length: usize) {
        self.site().put_field(name, &Kind::Text { length, external_id: false });
    }

    /// Lets the desk's user see a field, but not write it.
    pub fn lock_field(&self, name: &str) {
        for field in self.site().schema.iter_mut().filter(|field| field.name == name) {
            field.writable = false;
        }
    }

    /// Ends every session.
    pub fn expire_sessions(&self) {
        self.site().sessions.clear();
    }

    /// Takes the app's right to sessions away, or gives it back.
    pub fn revoke(&self, revoked: bool) {
        self.site().revoked = revoked;
    }

    /// Every token that was given out and still counts: none may be in a trace.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        self.site().sessions.clone()
    }

    /// The org's id.
    #[must_use]
    pub fn organization(&self) -> String {
        self.site().organization.clone()
    }

    /// So many calls of so many were made in the last 24 hours.
    pub fn set_usage(&self, used: u32, of: u32) {
        let mut site = self.site();
        (site.used, site.of) = (used, of);
    }

    /// Posts an outbound message for each lead that is written from now on; or stops that.
    pub fn echo_to(&self, echo: Option<Echo>) {
        self.site().echo = echo;
    }

    /// A row that somebody else writes just now.
    #[must_use]
    pub fn locked_row_fault(status: u16) -> Fault {
        let words = "unable to obtain exclusive access to this record";
        Fault::status_with(status, json!([{ "message": words, "errorCode": "UNABLE_TO_LOCK_ROW", "fields": [] }]))
    }

    /// An org whose day is used up.
    #[must_use]
    pub fn daily_limit_fault() -> Fault {
        let words = "TotalRequests Limit exceeded.";
        Fault::status_with(403, json!([{ "message": words, "errorCode": "REQUEST_LIMIT_EXCEEDED" }]))
    }
}
