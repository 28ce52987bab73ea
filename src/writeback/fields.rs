//! The fields of a record: which make a lead, and what a class is called in one.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::model::{Contact, Label};

/// What a vendor calls the fields that make a lead, besides the message, which each account names itself.
pub(super) struct LeadFields {
    /// First and last.
    pub(super) names: [&'static str; 2],
    pub(super) email: &'static str,
    /// The first that holds a number is taken.
    pub(super) phones: [&'static str; 2],
}

impl LeadFields {
    /// What is asked for of a record.
    pub(super) fn asked<'a>(&self, message: &'a str) -> Vec<&'a str> {
        self.names.iter().chain(&self.phones).copied().chain([self.email, message]).collect()
    }

    /// What a record's fields say of who wrote.
    pub(super) fn contact(&self, fields: &Value, message: &str) -> Contact {
        let text = |name: &str| {
            let text = fields.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
            text.map(str::to_owned)
        };
        let name: Vec<String> = self.names.iter().filter_map(|name| text(name)).collect();
        Contact {
            message: text(message),
            name: (!name.is_empty()).then(|| name.join(" ")),
            email: text(self.email),
            phone: self.phones.iter().find_map(|name| text(name)),
        }
    }
}

/// What is written beside a class, by class: fields of the record with their values.
pub type Also = HashMap<Label, BTreeMap<String, String>>;

/// What is written beside this class.
pub(super) fn beside(also: &Also, label: Option<Label>) -> impl Iterator<Item = (String, String)> {
    let fields = label.and_then(|label| also.get(&label)).into_iter().flatten();
    fields.map(|(name, value)| (name.clone(), value.clone()))
}

/// What a class is called in an account: its own value for it, or our name.
pub(super) fn value_of(values: &HashMap<Label, String>, label: Label) -> &str {
    values.get(&label).map_or(label.name(), String::as_str)
}
