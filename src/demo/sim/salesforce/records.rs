//! Reading, making and changing records: `sObject Rows` and `sObject Rows by External ID`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::http::Answer;
use super::{Ask, Object, Record, Refusal, Salesforce, ids, not_found};

/// What a client says to a converted lead.
fn converted() -> Refusal {
    Refusal::new(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
}

impl Record {
    pub(super) fn is_converted(&self) -> bool {
        self.fields.get("IsConverted") == Some(&json!(true))
    }

    /// The value of a field as the API writes it.
    pub(super) fn value(&self, name: &str, is_checkbox: bool) -> Value {
        match name {
            "Id" => json!(self.id),
            "CreatedDate" => json!(self.created.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()),
            "IsDeleted" => json!(self.deleted),
            _ => self.fields.get(name).cloned().unwrap_or(if is_checkbox { json!(false) } else { Value::Null }),
        }
    }
}

impl Salesforce {
    /// These fields of a record, with what it is.
    pub(super) fn shown(&self, record: &Record, names: &[String], version: &str) -> Value {
        let object = record.object.name();
        let url = format!("/services/data/{version}/sobjects/{object}/{}", record.id);
        let mut shown = Map::from_iter([("attributes".to_owned(), json!({ "type": object, "url": url }))]);
        for name in names {
            let Some(field) = self.field(record.object, name) else { continue };
            let is_checkbox = field.kind == super::Kind::Checkbox;
            shown.insert(field.name.clone(), record.value(&field.name, is_checkbox));
        }
        Value::Object(shown)
    }

    pub(super) fn read(&self, object: Object, id: &str, ask: &Ask) -> Result<Answer, Refusal> {
        let record = self.found(object, id)?;
        let names = match ask.only("fields")? {
            None => self.fields_of(object).map(|field| field.name.clone()).collect(),
            Some(list) => {
                let mut names = vec!["Id".to_owned()];
                for name in list.split(',') {
                    names.push(self.known(object, name)?.name.clone());
                }
                names
            }
        };
        Ok(Answer::new(200, self.shown(record, &names, &ask.version)))
    }

    fn found(&self, object: Object, id: &str) -> Result<&Record, Refusal> {
        let malformed = || {
            Refusal::new(
                404,
                "NOT_FOUND",
                format!("Provided external ID field does not exist or is not accessible: {id}"),
            )
        };
        let long = ids::long(id).ok_or_else(malformed)?;
        let record = self.records.get(&long).filter(|record| record.object == object).ok_or_else(not_found)?;
        if record.deleted {
            return Err(Refusal::new(404, "ENTITY_IS_DELETED", "entity is deleted"));
        }
        Ok(record)
    }

    pub(super) fn update(&mut self, object: Object, id: &str, ask: &Ask) -> Result<Answer, Refusal> {
        ask.only("")?;
        let changes = self.changes(object, ask)?;
        let record = self.found(object, id)?;
        if record.is_converted() {
            return Err(converted());
        }
        let id = record.id.clone();
        self.change(&id, changes);
        Ok(Answer::new(204, Value::Null))
    }

    pub(super) fn create(&mut self, object: Object, ask: &Ask) -> Result<Answer, Refusal> {
        ask.only("")?;
        let fields = self.changes(object, ask)?;
        let id = self.insert(object, fields)?;
        Ok(Answer::new(201, json!({ "id": id, "success": true, "errors": [] })))
    }

    pub(super) fn upsert(&mut self, object: Object, name: &str, key: &str, ask: &Ask) -> Result<Answer, Refusal> {
        ask.only("")?;
        let Some(field) = self.field(object, name).filter(|field| field.is_external_id()) else {
            let words = format!("Provided external ID field does not exist or is not accessible: {name}");
            return Err(Refusal::new(404, "NOT_FOUND", words));
        };
        let name = field.name.clone();
        if let Some(refusal) = field.refusal(&json!(key)) {
            return Err(refusal);
        }
        let mut fields = self.changes(object, ask)?;
        if fields.contains_key(&name) {
            let words = format!("The {name} field should not be specified in the sobject data.");
            return Err(Refusal::new(400, "INVALID_FIELD", words).on(&name).mistake());
        }
        let has_key = |record: &&Record| {
            let value = record.fields.get(&name).and_then(Value::as_str);
            record.object == object && !record.deleted && value.is_some_and(|value| value.eq_ignore_ascii_case(key))
        };
        let found: Vec<String> = self.records.values().filter(has_key).map(|record| record.id.clone()).collect();
        match &found[..] {
            [] => {
                fields.insert(name, json!(key));
                let id = self.insert(object, fields)?;
                Ok(Answer::new(201, json!({ "id": id, "success": true, "errors": [], "created": true })))
            }
            [id] => {
                self.check_who(&fields)?;
                self.change(id, fields);
                let body = json!({ "id": id, "success": true, "errors": [], "created": false });
                Ok(if self.terse { Answer::new(204, Value::Null) } else { Answer::new(200, body) })
            }
            many => {
                let url =
                    |id: &String| json!(format!("/services/data/{}/sobjects/{}/{id}", ask.version, object.name()));
                Ok(Answer::new(300, many.iter().map(url).collect()))
            }
        }
    }

    /// The fields of a write, each checked; one that can't be taken fails all.
    fn changes(&self, object: Object, ask: &Ask) -> Result<BTreeMap<String, Value>, Refusal> {
        let body = ask.body.as_ref().and_then(Value::as_object).filter(|body| !body.is_empty());
        let body =
            body.ok_or_else(|| Refusal::new(400, "JSON_PARSER_ERROR", "the body is no object of fields").mistake())?;
        let mut changes = BTreeMap::new();
        for (name, value) in body {
            let field = self.known(object, name)?;
            if let Some(refusal) = field.refusal(value) {
                return Err(refusal);
            }
            // Spaces at the ends of a text don't last, and an empty one is none.
            let value = match value.as_str().map(str::trim) {
                Some("") => Value::Null,
                Some(text) => json!(text),
                None => value.clone(),
            };
            changes.insert(field.name.clone(), value);
        }
        if let Some(owner) = changes.get("OwnerId").and_then(Value::as_str)
            && !self.users.iter().any(|user| ids::long(user) == ids::long(owner) && ids::long(owner).is_some())
        {
            let words = format!("Owner ID: owner cannot be blank or unknown: {owner}");
            return Err(Refusal::new(400, "INVALID_CROSS_REFERENCE_KEY", words).on("OwnerId"));
        }
        Ok(changes)
    }

    fn insert(&mut self, object: Object, mut fields: BTreeMap<String, Value>) -> Result<String, Refusal> {
        self.check_who(&fields)?;
        fields.retain(|_, value| !value.is_null());
        self.made = self.made.saturating_add(1);
        let id = ids::id(object.prefix(), self.made);
        let record = Record { object, id: id.clone(), fields, created: Timestamp::now(), deleted: false };
        self.records.insert(id.clone(), record);
        Ok(id)
    }

    /// Whom a task is about must be there, and not be converted; a lead is about nothing else.
    fn check_who(&self, fields: &BTreeMap<String, Value>) -> Result<(), Refusal> {
        let Some(who) = fields.get("WhoId").and_then(Value::as_str) else { return Ok(()) };
        let words = |what: &str| format!("Name ID: {what} value of incorrect type: {who}");
        let Some(long) = ids::long(who) else { return Err(Refusal::new(400, "MALFORMED_ID", words("id")).on("WhoId")) };
        let record = self.records.get(&long).filter(|record| record.object != Object::Task);
        match record {
            None => Err(Refusal::new(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")),
            Some(record) if record.deleted => Err(Refusal::new(400, "ENTITY_IS_DELETED", "entity is deleted")),
            Some(record) if record.is_converted() => Err(converted()),
            Some(record)
                if record.object == Object::Lead && fields.get("WhatId").is_some_and(|what| !what.is_null()) =>
            {
                let words = "Related To ID: a task about a lead is about nothing else";
                Err(Refusal::new(400, "FIELD_INTEGRITY_EXCEPTION", words).on("WhatId").mistake())
            }
            Some(_) => Ok(()),
        }
    }

    fn change(&mut self, id: &str, changes: BTreeMap<String, Value>) {
        let Some(record) = self.records.get_mut(id) else { return };
        for (name, value) in changes {
            if value.is_null() {
                record.fields.remove(&name);
            } else {
                record.fields.insert(name, value);
            }
        }
        let record = record.clone();
        if record.object == Object::Lead {
            self.tell(&record);
        }
    }
}
