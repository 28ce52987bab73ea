//! Pipedrive's webhooks, version 2: what happened to which entity, and the entity.
//!
//! A person that is made is a lead. A lead or deal holds neither a message nor an address, only the ids of others that do: it
//! is told as what it is, so that the subscription is mended.
//! Source: <https://pipedrive.readme.io/docs/guide-for-webhooks-v2>.

use serde_json::Value;

use super::{Fields, Found, Item, excerpt, field};

/// A word of a reason is cut here.
const SHOWN_CHARS: usize = 40;

pub(super) fn read(payload: &Value, fields: &Fields) -> Vec<Item> {
    let meta = |key: &str| payload.pointer("/meta").and_then(|meta| meta.get(key)).and_then(field);
    let (entity, action) = (meta("entity").unwrap_or_default(), meta("action").unwrap_or_default());
    vec![match (entity.as_str(), action.as_str()) {
        ("person", "create" | "added") => Item::Lead(person(payload, fields, meta)),
        ("lead" | "deal", "create" | "added") => Item::Unusable(format!(
            "a Pipedrive {entity} holds no message and no address: subscribe to the creation of persons instead"
        )),
        ("", _) | (_, "") => {
            Item::Unusable("no Pipedrive webhook of version 2: meta.entity or meta.action is missing".to_owned())
        }
        _ => Item::Ignored(format!(
            "{} of a {} is not acted on",
            excerpt(&action, SHOWN_CHARS),
            excerpt(&entity, SHOWN_CHARS)
        )),
    }]
}

fn person(payload: &Value, fields: &Fields, meta: impl Fn(&str) -> Option<String>) -> Found {
    let found = fields.find(payload);
    let data = |key: &str| payload.pointer("/data").and_then(|data| data.get(key));
    Found {
        email: data("emails").and_then(primary).or(found.email),
        phone: data("phones").and_then(primary).or(found.phone),
        record_id: found.record_id.or_else(|| meta("entity_id")).or_else(|| data("id").and_then(field)),
        event_id: found.event_id.or_else(|| meta("id")),
        account: meta("company_id"),
        name: data("name").and_then(field).or(found.name),
        ..found
    }
}

/// The primary one of a list of addresses or numbers, else the first.
fn primary(list: &Value) -> Option<String> {
    let list = list.as_array()?;
    let is_primary = |one: &&Value| one.get("primary").and_then(Value::as_bool) == Some(true);
    let value = |one: &Value| one.get("value").and_then(field);
    list.iter().find(is_primary).and_then(value).or_else(|| list.iter().find_map(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Message;
    use super::*;

    fn hook(entity: &str, action: &str) -> Value {
        json!({
            "meta": { "action": action, "entity": entity, "entity_id": "42", "id": "uuid-1", "version": "2.0", "company_id": 7 },
            "data": {
                "id": 42, "name": "Ada Byron", "custom_fields": { "abc": "Call me" },
                "emails": [{ "value": "old@example.com", "primary": false }, { "value": "ada@example.com", "primary": true }],
                "phones": [{ "value": "+46 8 1234", "label": "work" }],
            },
            "previous": null,
        })
    }

    #[test]
    fn a_person_is_a_lead_and_nothing_else_is() {
        let fields = Fields { message: vec!["/data/custom_fields/abc".to_owned()], ..Fields::default() };
        let [Item::Lead(found)] = &read(&hook("person", "create"), &fields)[..] else { panic!() };
        assert_eq!(found.message, Message::Text("Call me".into()));
        assert_eq!(found.email.as_deref(), Some("ada@example.com"));
        assert_eq!(found.phone.as_deref(), Some("+46 8 1234"));
        assert_eq!((found.record_id.as_deref(), found.event_id.as_deref()), (Some("42"), Some("uuid-1")));
        assert_eq!((found.name.as_deref(), found.account.as_deref()), (Some("Ada Byron"), Some("7")));
        for (entity, action, ignored) in [
            ("person", "change", true),
            ("person", "delete", true),
            ("note", "create", true),
            ("lead", "create", false),
            ("deal", "create", false),
        ] {
            let items = read(&hook(entity, action), &fields);
            assert_eq!(matches!(items[..], [Item::Ignored(_)]), ignored, "{entity} {action}");
            assert_eq!(matches!(items[..], [Item::Unusable(_)]), !ignored, "{entity} {action}");
        }
        assert!(matches!(read(&json!({}), &fields)[..], [Item::Unusable(_)]));
    }
}
