//! The fields of persons: listing, reading and making them. A key is Pipedrive's to choose.

use serde_json::{Value, json};

use super::super::http::{Answer, Seen};
use super::{Field, Pipedrive, at, good, limit, mistake, object, only, refusal};

/// Types of fields that a company may make.
const KINDS: [&str; 16] = [
    "address",
    "date",
    "daterange",
    "double",
    "enum",
    "monetary",
    "org",
    "people",
    "phone",
    "set",
    "text",
    "time",
    "timerange",
    "user",
    "varchar",
    "varchar_auto",
];
/// A line of text ends here.
const VARCHAR: usize = 255;

impl Field {
    fn json(&self, key: &str) -> Value {
        let option = |(id, label): &(u64, String)| json!({ "id": id, "label": label });
        let options: Option<Vec<Value>> = (!self.options.is_empty()).then(|| self.options.iter().map(option).collect());
        json!({ "field_name": self.name, "field_code": key, "field_type": self.kind, "is_custom_field": true,
                "is_optional_response_field": false, "options": options })
    }
}

impl Pipedrive {
    pub(super) fn list_fields(&self, seen: &Seen) -> Result<Answer, Answer> {
        only(seen, &["cursor", "include_fields", "limit"])?;
        let limit = limit(seen)?;
        let fields: Vec<Value> = self.fields.iter().take(limit).map(|(key, field)| field.json(key)).collect();
        Ok(good(200, &json!(fields)))
    }

    pub(super) fn read_field(&self, key: &str) -> Result<Answer, Answer> {
        let field = self.fields.get(key).ok_or_else(|| refusal(404, "Field not found"))?;
        Ok(good(200, &field.json(key)))
    }

    pub(super) fn make_field(&mut self, seen: &Seen) -> Result<Answer, Answer> {
        let body = object(
            seen,
            &["field_name", "field_type", "important_fields", "options", "required_fields", "ui_visibility"],
        )?;
        let text = |key: &str| at(&body, key).as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let name = text("/field_name").ok_or_else(|| mistake("'field_name' is required and is a string"))?;
        let kind = text("/field_type").filter(|kind| KINDS.contains(&kind.as_str()));
        let kind = kind.ok_or_else(|| mistake("'field_type' is one of the types"))?;
        if ["enum", "set"].contains(&kind.as_str()) != at(&body, "/options").is_array() {
            return Err(mistake("fields of options have 'options', others don't"));
        }
        let labels = at(&body, "/options").as_array().into_iter().flatten();
        let labels = labels.filter_map(|option| at(option, "/label").as_str().map(str::to_owned));
        let field = Field { name, kind, options: (1..).zip(labels).collect() };
        let key = format!("{:040x}", fastrand::u128(..));
        let made = field.json(&key);
        self.fields.insert(key, field);
        Ok(good(201, &made))
    }

    /// Why the account doesn't take this value. That is its state, not necessarily the client's mistake.
    pub(super) fn problem(&self, key: &str, value: &Value) -> Option<String> {
        let Some(field) = self.fields.get(key) else { return Some(format!("'{key}' is no field")) };
        let fits = match field.kind.as_str() {
            _ if value.is_null() => true,
            "varchar" | "varchar_auto" => value.as_str().is_some_and(|text| text.chars().count() <= VARCHAR),
            "text" => value.is_string(),
            "enum" => field.options.iter().any(|(id, _)| value.as_u64() == Some(*id)),
            "double" => value.is_number(),
            _ => true,
        };
        (!fits).then(|| format!("'{key}' can't hold {value}"))
    }
}
