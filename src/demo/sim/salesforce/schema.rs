//! What a simulated org knows of its objects: their fields, what each takes, and how a description shows them.
//!
//! Standard fields are those of the "Object Reference" that an integration of leads meets; custom ones a test adds.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::Refusal;

/// The objects there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// Somebody who may buy.
    Lead,
    /// Somebody at an account.
    Contact,
    /// An activity.
    Task,
}

impl Object {
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Lead, Self::Contact, Self::Task].into_iter().find(|object| object.name() == name)
    }

    /// As the API spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lead => "Lead",
            Self::Contact => "Contact",
            Self::Task => "Task",
        }
    }

    /// The first three characters of its ids.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Lead => "00Q",
            Self::Contact => "003",
            Self::Task => "00T",
        }
    }
}

/// What a field takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    Reference,
    Text {
        length: usize,
        external_id: bool,
    },
    /// Can't be filtered by.
    LongText {
        length: usize,
    },
    Checkbox,
    Picklist {
        values: Vec<String>,
        restricted: bool,
    },
    Date,
    DateTime,
}

#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) object: Object,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) writable: bool,
}

/// The fields that every org has.
pub(super) fn standard() -> Vec<Field> {
    let text = |length| Kind::Text { length, external_id: false };
    let list = |values: &[&str]| Kind::Picklist {
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        restricted: false,
    };
    let mut fields = Vec::new();
    let mut put = |object, writable, kinds: Vec<(&str, Kind)>| {
        fields.extend(kinds.into_iter().map(|(name, kind)| Field { object, name: name.to_owned(), kind, writable }));
    };
    for object in [Object::Lead, Object::Contact, Object::Task] {
        put(object, false, vec![("Id", Kind::Id), ("CreatedDate", Kind::DateTime), ("IsDeleted", Kind::Checkbox)]);
        put(object, true, vec![("OwnerId", Kind::Reference), ("Description", Kind::LongText { length: 32_000 })]);
    }
    for object in [Object::Lead, Object::Contact] {
        let names = [("FirstName", 40), ("LastName", 80), ("Email", 80), ("Phone", 40), ("MobilePhone", 40)];
        put(object, true, names.map(|(name, length)| (name, text(length))).to_vec());
    }
    put(Object::Lead, true, vec![("Company", text(255)), ("Status", list(&["Open - Not Contacted"]))]);
    let converted =
        [("IsConverted", Kind::Checkbox), ("ConvertedDate", Kind::Date), ("ConvertedContactId", Kind::Reference)];
    put(Object::Lead, false, converted.to_vec());
    let statuses = ["Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"];
    let task = vec![
        ("WhoId", Kind::Reference),
        ("WhatId", Kind::Reference),
        ("Subject", text(255)),
        ("Status", Kind::Picklist { values: statuses.map(str::to_owned).to_vec(), restricted: true }),
        (
            "Priority",
            Kind::Picklist { values: ["High", "Normal", "Low"].map(str::to_owned).to_vec(), restricted: true },
        ),
        ("ActivityDate", Kind::Date),
    ];
    put(Object::Task, true, task);
    fields
}

impl Field {
    /// Why this value can't stand in it, if it can't. References are another matter.
    pub(super) fn refusal(&self, value: &Value) -> Option<Refusal> {
        if !self.writable {
            let words = format!("Unable to create/update fields: {}. Please check the security settings", self.name);
            return Some(self.mistake("INVALID_FIELD_FOR_INSERT_UPDATE", words));
        }
        match (&self.kind, value) {
            (Kind::Checkbox, Value::Bool(_)) | (Kind::Reference, Value::String(_)) => None,
            (Kind::Checkbox, _) => Some(self.unreadable("boolean", value)),
            (_, Value::Null) => None,
            (Kind::Date, Value::String(text)) if text.parse::<Date>().is_ok_and(|date| date.to_string() == *text) => {
                None
            }
            (Kind::Date, _) => Some(self.unreadable("date", value)),
            (Kind::Text { length, .. } | Kind::LongText { length }, Value::String(text)) => {
                (text.chars().count() > *length).then(|| {
                    let words = format!("{}: data value too large: (max length={length})", self.name);
                    self.mistake("STRING_TOO_LONG", words)
                })
            }
            (Kind::Picklist { values, restricted }, Value::String(text)) => (*restricted && !values.contains(text))
                .then(|| {
                    let words = format!("{}: bad value for restricted picklist field: {text}", self.name);
                    Refusal::new(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", words).on(&self.name)
                }),
            (_, _) => Some(self.unreadable("string", value)),
        }
    }

    fn mistake(&self, code: &'static str, words: String) -> Refusal {
        Refusal::new(400, code, words).on(&self.name).mistake()
    }

    fn unreadable(&self, wanted: &str, value: &Value) -> Refusal {
        let words = format!("Cannot deserialize instance of {wanted} from {value} for {}", self.name);
        self.mistake("JSON_PARSER_ERROR", words)
    }

    /// As a description shows it.
    pub(super) fn json(&self) -> Value {
        let option = |value: &String| json!({ "active": true, "defaultValue": false, "label": value, "value": value });
        let (kind, length, options) = match &self.kind {
            Kind::Id => ("id", 18, Vec::new()),
            Kind::Reference => ("reference", 18, Vec::new()),
            Kind::Text { length, .. } => (self.text_kind(), *length, Vec::new()),
            Kind::LongText { length } => ("textarea", *length, Vec::new()),
            Kind::Checkbox => ("boolean", 0, Vec::new()),
            Kind::Picklist { values, .. } => ("picklist", 255, values.iter().map(option).collect()),
            Kind::Date => ("date", 0, Vec::new()),
            Kind::DateTime => ("datetime", 0, Vec::new()),
        };
        json!({
            "name": self.name,
            "label": self.name.trim_end_matches("__c").replace('_', " "),
            "type": kind,
            "length": length,
            "custom": self.name.ends_with("__c"),
            "createable": self.writable,
            "updateable": self.writable,
            "filterable": self.is_filterable(),
            "externalId": self.is_external_id(),
            "unique": self.is_external_id(),
            "restrictedPicklist": matches!(self.kind, Kind::Picklist { restricted: true, .. }),
            "picklistValues": options,
        })
    }

    fn text_kind(&self) -> &'static str {
        match self.name.as_str() {
            "Email" => "email",
            "Phone" | "MobilePhone" => "phone",
            "Subject" => "combobox",
            _ => "string",
        }
    }

    pub(super) const fn is_filterable(&self) -> bool {
        !matches!(self.kind, Kind::LongText { .. })
    }

    pub(super) const fn is_external_id(&self) -> bool {
        matches!(self.kind, Kind::Text { external_id: true, .. })
    }
}
