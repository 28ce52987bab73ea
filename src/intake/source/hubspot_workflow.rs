//! HubSpot's workflow action "send a webhook": the legacy contact record by default, plain values in newer workflows, or
//! a flat object with keys that a person typed ("customize request body").
//!
//! So each field is a text, `{"value"}`, `{"value", "versions"}` or null, under `properties` or at the top. An e-mail
//! address may also be only in `identity-profiles`, and the record's id goes by several names.
//! Rules: developers.hubspot.com, "Webhooks in workflows" and the legacy contacts API.

use serde_json::{Map, Value};

use super::json::outline;
use super::{Found, Message, field, joined};

/// Names of the record's id. A merged contact lives on under its canonical one.
const RECORD_ID: [&str; 4] = ["canonical-vid", "vid", "objectId", "hs_object_id"];
/// Names of the account's id.
const ACCOUNT: [&str; 2] = ["portal-id", "portalId"];

pub(super) fn find(payload: &Value) -> Found {
    let Some(top) = payload.as_object() else { return Found { outline: outline(payload), ..Found::default() } };
    let first = |names: &[&str]| names.iter().flat_map(|name| values(top, name)).find_map(field);
    let message = Message::first(values(top, "message"));
    let outline = if message == Message::Missing { outline(payload) } else { String::new() };
    Found {
        message,
        name: joined(first(&["firstname"]), first(&["lastname"])).or_else(|| first(&["name", "fullname"])),
        email: first(&["email"]).or_else(|| identity(top)),
        phone: first(&["phone", "mobilephone"]),
        record_id: first(&RECORD_ID),
        account: first(&ACCOUNT),
        event_id: None,
        outline,
    }
}

/// Every value that goes by `name`: under `properties`, then at the top, then at the top as a person may have typed it.
fn values<'v>(top: &'v Map<String, Value>, name: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    let property = top.get("properties").and_then(|properties| properties.get(name));
    let plain = top.get(name);
    let typed = match plain {
        Some(_) => None,
        None => top.iter().find(|(key, _)| is_typed(key, name)).map(|(_, value)| value),
    };
    [property, plain, typed].into_iter().flatten().map(|value| value.get("value").unwrap_or(value))
}

/// Whether a person who means `name` may have typed `key`: "First Name" for `firstname`, "E-mail" for `email`.
fn is_typed(key: &str, name: &str) -> bool {
    let letters = |text: &str| -> Vec<u8> {
        text.bytes().filter(|b| !matches!(b, b' ' | b'-' | b'_')).map(|b| b.to_ascii_lowercase()).collect()
    };
    key.len() >= name.len() && key.len() <= name.len().saturating_add(4) && letters(key) == letters(name)
}

/// The first address among the contact's identities.
fn identity(top: &Map<String, Value>) -> Option<String> {
    let profiles = top.get("identity-profiles")?.as_array()?;
    let identities = profiles.iter().filter_map(|profile| profile.get("identities")?.as_array()).flatten();
    let mut addresses = identities.filter(|one| one.get("type").and_then(Value::as_str) == Some("EMAIL"));
    addresses.find_map(|one| one.get("value").and_then(field))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_in_each_of_its_shapes() {
        for (name, payload, want) in [
            ("text", json!({ "properties": { "message": "Hi" } }), Message::Text("Hi".into())),
            ("value", json!({ "properties": { "message": { "value": "Hi" } } }), Message::Text("Hi".into())),
            (
                "value and versions",
                json!({ "properties": { "message": { "value": "Hi", "versions": [{ "value": "old" }] } } }),
                Message::Text("Hi".into()),
            ),
            ("null", json!({ "properties": { "message": null } }), Message::Missing),
            ("a null value", json!({ "properties": { "message": { "value": null } } }), Message::Missing),
            ("an empty value", json!({ "properties": { "message": { "value": "" } } }), Message::Blank),
            ("absent", json!({ "properties": {} }), Message::Missing),
            ("flat", json!({ "message": "Hi" }), Message::Text("Hi".into())),
            ("flat, as typed", json!({ "Message": "Hi" }), Message::Text("Hi".into())),
            ("properties is null", json!({ "properties": null, "message": "Hi" }), Message::Text("Hi".into())),
            ("properties is a list", json!({ "properties": ["message"] }), Message::Missing),
            ("an array", json!([{ "message": "Hi" }]), Message::Missing),
        ] {
            let found = find(&payload);
            assert_eq!(found.message, want, "{name}");
            assert_eq!(found.outline.is_empty(), want != Message::Missing, "{name}: what is there instead is told");
        }
    }

    #[test]
    fn ids_addresses_and_names() {
        let profiles =
            json!([{ "identities": [{ "type": "LEAD_GUID", "value": "x" }, { "type": "EMAIL", "value": "a@b.co" }] }]);
        for (name, payload, record, account, email, who) in [
            ("vid", json!({ "vid": 101, "portal-id": 62515 }), Some("101"), Some("62515"), None, None),
            ("merged", json!({ "vid": 101, "canonical-vid": 102 }), Some("102"), None, None, None),
            ("id as text", json!({ "objectId": "9007199254740993" }), Some("9007199254740993"), None, None, None),
            ("big id", json!({ "objectId": 9_007_199_254_740_993_u64 }), Some("9007199254740993"), None, None, None),
            ("id as property", json!({ "properties": { "hs_object_id": "7" } }), Some("7"), None, None, None),
            ("identity", json!({ "identity-profiles": profiles }), None, None, Some("a@b.co"), None),
            (
                "the property outranks the identity",
                json!({ "properties": { "email": { "value": "c@d.co" } }, "identity-profiles": profiles }),
                None,
                None,
                Some("c@d.co"),
                None,
            ),
            ("names", json!({ "First Name": "Ada", "last_name": "Byron" }), None, None, None, Some("Ada Byron")),
            (
                "typed address",
                json!({ "E-mail": "a@b.co", "Full name": "Ada" }),
                None,
                None,
                Some("a@b.co"),
                Some("Ada"),
            ),
        ] {
            let found = find(&payload);
            assert_eq!(found.record_id.as_deref(), record, "{name}");
            assert_eq!(found.account.as_deref(), account, "{name}");
            assert_eq!(found.email.as_deref(), email, "{name}");
            assert_eq!(found.name.as_deref(), who, "{name}");
        }
    }
}
