//! The definitions of contacts' properties: HubSpot's own, and those an app creates.
//!
//! `PropertyCreate` and `OptionInput` of the specification; the pairs of type and field type are those of the
//! documentation.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::at;
use super::super::http::{Answer, Seen};
use super::{HubSpot, error_body, mistake, not_found, object};

/// Keys of `PropertyCreate`.
const KEYS: [&str; 19] = [
    "calculationFormula",
    "currencyPropertyName",
    "dataSensitivity",
    "description",
    "displayOrder",
    "externalOptions",
    "fieldType",
    "formField",
    "groupName",
    "hasUniqueValue",
    "hidden",
    "label",
    "name",
    "numberDisplayHint",
    "options",
    "referencedObjectType",
    "showCurrencySymbol",
    "textDisplayHint",
    "type",
];

/// Which field types a type of property may have.
const FIELD_TYPES: [(&str, &[&str]); 7] = [
    ("bool", &["booleancheckbox", "calculation_equation"]),
    ("date", &["date"]),
    ("datetime", &["date"]),
    ("enumeration", &["booleancheckbox", "calculation_equation", "checkbox", "radio", "select"]),
    ("number", &["calculation_equation", "number"]),
    ("phone_number", &["phonenumber"]),
    ("string", &["calculation_equation", "file", "html", "phonenumber", "text", "textarea"]),
];

/// HubSpot's own properties that matter here.
pub(super) fn built_in() -> BTreeMap<String, Value> {
    let texts = ["email", "firstname", "lastname", "phone", "mobilephone", "company", "message", "jobtitle", "website"];
    let times = ["createdate", "lastmodifieddate", "notes_last_updated", "recent_conversion_date"];
    let read_only = ["hs_merged_object_ids", "hs_object_id"];
    let as_text =
        texts.into_iter().chain(read_only).map(|name| (name.to_owned(), property(name, "string", "text", &[])));
    let as_time = times.into_iter().map(|name| (name.to_owned(), property(name, "datetime", "date", &[])));
    let mut all: BTreeMap<String, Value> = as_text.chain(as_time).collect();
    for name in read_only.into_iter().chain(times) {
        if let Some(value) = all.get_mut(name).and_then(|all| all.pointer_mut("/modificationMetadata/readOnlyValue")) {
            *value = true.into();
        }
    }
    let statuses = ["NEW", "OPEN", "IN_PROGRESS", "UNQUALIFIED", "CONNECTED"];
    // Its options are the owners, whom no property lists.
    all.insert("hubspot_owner_id".to_owned(), property("hubspot_owner_id", "enumeration", "select", &[]));
    all.insert("hs_lead_status".to_owned(), property("hs_lead_status", "enumeration", "radio", &statuses));
    all
}

/// A definition, as the API shows it.
pub(super) fn property(name: &str, kind: &str, field: &str, options: &[&str]) -> Value {
    let option = |value: &&str| json!({ "label": value, "value": value, "hidden": false, "displayOrder": -1 });
    json!({
        "name": name, "label": name, "type": kind, "fieldType": field, "description": "",
        "groupName": "contactinformation", "options": options.iter().map(option).collect::<Vec<_>>(),
        "modificationMetadata": { "archivable": true, "readOnlyDefinition": false, "readOnlyValue": false },
    })
}

impl HubSpot {
    pub(super) fn list_properties(&self) -> Result<Answer, Answer> {
        self.needs("crm.schemas.contacts.read")?;
        Ok(Answer::new(200, json!({ "results": self.properties.values().collect::<Vec<_>>() })))
    }

    pub(super) fn read_property(&self, name: &str) -> Result<Answer, Answer> {
        self.needs("crm.schemas.contacts.read")?;
        self.properties
            .get(name)
            .map_or_else(|| Err(not_found("property", name)), |property| Ok(Answer::new(200, property.clone())))
    }

    pub(super) fn create_property(&mut self, seen: &Seen) -> Result<Answer, Answer> {
        self.needs("crm.schemas.contacts.write")?;
        let mut body = object(seen, &KEYS)?;
        for key in ["name", "label", "type", "fieldType", "groupName"] {
            if body.get(key).and_then(Value::as_str).is_none_or(str::is_empty) {
                return Err(mistake(format!("'{key}' is required and is a string")));
            }
        }
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (name, kind, field) = (text("name"), text("type"), text("fieldType"));
        let fields = FIELD_TYPES.iter().find(|(known, _)| *known == kind).map(|(_, fields)| *fields);
        if !fields.is_some_and(|fields| fields.contains(&field.as_str())) {
            return Err(mistake(format!("fieldType '{field}' does not go with type '{kind}'")));
        }
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(good) {
            return Err(mistake(format!("name '{name}' is not lower case letters, digits and underscores")));
        }
        check_options(&kind, &field, body.get("options"))?;
        if self.properties.contains_key(&name) {
            let message = format!("A property named '{name}' already exists.");
            return Err(Answer::new(409, error_body("OBJECT_ALREADY_EXISTS", &message)));
        }
        body.entry("description").or_insert_with(|| "".into());
        body.entry("options").or_insert_with(|| json!([]));
        let created = Value::Object(body);
        self.properties.insert(name, created.clone());
        Ok(Answer::new(201, created))
    }
}

fn check_options(kind: &str, field: &str, options: Option<&Value>) -> Result<(), Answer> {
    let none = Vec::new();
    let options = match options {
        None => &none,
        Some(options) => options.as_array().ok_or_else(|| mistake("'options' is an array"))?,
    };
    for option in options {
        let texts = ["label", "value"]
            .iter()
            .all(|key| at(option, &format!("/{key}")).as_str().is_some_and(|text| !text.is_empty()));
        if !texts || !at(option, "/hidden").is_boolean() {
            return Err(mistake("an option needs 'label', 'value' and 'hidden'"));
        }
    }
    let mut values: Vec<&str> = options.iter().filter_map(|option| at(option, "/value").as_str()).collect();
    values.sort_unstable();
    if values.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(mistake("two options have the same value"));
    }
    if field == "booleancheckbox" && values != ["false", "true"] {
        return Err(mistake("a booleancheckbox has exactly the options true and false"));
    }
    if kind == "enumeration" && options.is_empty() {
        return Err(mistake("an enumeration needs options"));
    }
    Ok(())
}
