//! HubSpot's forms as relays pass them on: a list of names and values, either `fields` (the Forms API's own shape) or
//! `values` (the older list API). A name may come twice.
//! Source: <https://developers.hubspot.com/docs/api/marketing/forms>.

use serde_json::{Map, Value};

use super::{Fields, Item, field, json};

/// Names of the lists.
const LISTS: [&str; 2] = ["fields", "values"];
/// More than any form has.
const MAX_FIELDS: usize = 1_000;

pub(super) fn read(payload: &Value, fields: &Fields) -> Vec<Item> {
    json::each(payload, |submission| {
        let flat = flattened(submission);
        let mut found = fields.find(&flat);
        let text = |key: &str| submission.get(key).and_then(field);
        found.account = text("portalId");
        found.record_id = found.record_id.or_else(|| flat.get("hs_object_id").and_then(field));
        // A submission has no id; who sent which form at which millisecond is as good.
        found.event_id = found
            .event_id
            .or_else(|| Some(format!("{}/{}/{}", text("formId")?, text("submittedAt")?, found.email.as_deref()?)));
        found
    })
}

/// The submission as one object of names and values.
fn flattened(submission: &Value) -> Value {
    let mut flat = Map::new();
    let lists = LISTS.iter().filter_map(|name| submission.get(name)?.as_array());
    for pair in lists.flatten().take(MAX_FIELDS) {
        let (Some(name), Some(value)) = (pair.get("name").and_then(Value::as_str), pair.get("value").map(text_of))
        else {
            continue;
        };
        match flat.get_mut(name) {
            Some(Value::String(before)) => {
                before.push_str(", ");
                before.push_str(&value);
            }
            _ => drop(flat.insert(name.to_owned(), Value::String(value))),
        }
    }
    Value::Object(flat)
}

fn text_of(value: &Value) -> String {
    value.as_str().map(str::to_owned).or_else(|| field(value)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Message;
    use super::*;

    #[test]
    fn both_shapes_and_their_oddities() {
        let pairs = json!([
            { "objectTypeId": "0-1", "name": "email", "value": "rita@example.com" },
            { "name": "firstname", "value": "Rita" }, { "name": "lastname", "value": "Sand" },
            { "name": "interest", "value": "a" }, { "name": "interest", "value": "b" },
            { "name": "message", "value": "When are you open?" }, { "name": "broken" }, 7,
        ]);
        for (name, payload) in [
            ("fields", json!({ "portalId": 62515, "formId": "f00", "submittedAt": 7, "fields": pairs })),
            ("values", json!({ "portalId": "62515", "formId": "f00", "submittedAt": 7, "values": pairs })),
        ] {
            let [Item::Lead(found)] = &read(&payload, &Fields::default())[..] else { panic!("{name}") };
            assert_eq!(found.message, Message::Text("When are you open?".into()), "{name}");
            assert_eq!(found.name.as_deref(), Some("Rita Sand"), "{name}");
            assert_eq!(found.email.as_deref(), Some("rita@example.com"), "{name}");
            assert_eq!(found.account.as_deref(), Some("62515"), "{name}");
            assert_eq!(found.event_id.as_deref(), Some("f00/7/rita@example.com"), "{name}");
        }
        let [Item::Lead(found)] = &read(&json!({ "fields": [] }), &Fields::default())[..] else { panic!() };
        assert_eq!(found.message, Message::Missing);
    }
}
