//! HubSpot's app webhooks: a list of events that tell only which record something happened to.
//!
//! Acted on are contacts that are made, and a message that changes: a known contact wrote again. Both kinds of
//! subscription are understood (`contact.creation`; `object.creation` with the object's type). Everything else is
//! ignored on purpose, because HubSpot repeats whatever isn't answered with success.
//! Source: <https://developers.hubspot.com/docs/api/webhooks>.

use serde_json::{Map, Value};

use super::{Item, Pointed, Unreadable, excerpt, field, json};

/// The object type of contacts.
const CONTACT: &str = "0-1";
/// A word of a reason is cut here.
const SHOWN_CHARS: usize = 60;
/// HubSpot sends at most a hundred.
const MAX_EVENTS: usize = 1_000;
/// Where a record comes from that a person or a bulk job made: without a message it is no lead.
const MADE_BY_HAND: [&str; 8] = [
    "CRM_UI",
    "CRM_UI_BULK_ACTION",
    "CONTACTS_WEB",
    "IMPORT",
    "MIGRATION",
    "BATCH_UPDATE",
    "MOBILE_IOS",
    "MOBILE_ANDROID",
];
/// What tells one event from another; none of these alone is promised to be unique.
const IDENTITY: [&str; 5] = ["portalId", "subscriptionId", "eventId", "objectId", "occurredAt"];

/// What a body tells of; `message` is the property that holds what a prospect wrote.
pub(super) fn read(body: &[u8], message: &str) -> Result<Vec<Item>, Unreadable> {
    Ok(match json::parsed(body)? {
        Value::Array(events) => events.iter().take(MAX_EVENTS).map(|event| item(event, message)).collect(),
        event => vec![item(&event, message)],
    })
}

fn item(event: &Value, message: &str) -> Item {
    let Some(event) = event.as_object() else { return Item::Unusable("an event that is no object".to_owned()) };
    let text = |key: &str| event.get(key).and_then(field);
    let Some(kind) = text("subscriptionType") else {
        return Item::Unusable("an event without a subscriptionType".to_owned());
    };
    let (object, what) = kind.split_once('.').unwrap_or((&kind, ""));
    let is_contact = match object {
        "contact" => true,
        "object" => text("objectTypeId").as_deref() == Some(CONTACT),
        _ => false,
    };
    let is_message = what == "propertyChange" && text("propertyName").as_deref() == Some(message);
    if !is_contact || !(what == "creation" || is_message) {
        return Item::Ignored(ignored(&kind, text("objectTypeId"), text("propertyName")));
    }
    let Some(record_id) = text("objectId") else { return Item::Unusable("an event without an objectId".to_owned()) };
    let by_hand = text("changeSource").is_some_and(|source| MADE_BY_HAND.contains(&source.as_str()));
    Item::Record(Pointed {
        record_id,
        account: text("portalId"),
        event_id: Some(identity(event)),
        expects_message: is_message || !by_hand,
    })
}

fn identity(event: &Map<String, Value>) -> String {
    let parts = IDENTITY.map(|key| event.get(key).and_then(field).unwrap_or_default());
    parts.join("/")
}

/// The reason, without anything that differs from one event to the next.
fn ignored(kind: &str, object: Option<String>, property: Option<String>) -> String {
    let kind = excerpt(kind, SHOWN_CHARS);
    let of =
        object.filter(|_| kind.starts_with("object.")).map(|object| format!(" of {}", excerpt(&object, SHOWN_CHARS)));
    let property = property.map(|property| format!(" ({})", excerpt(&property, SHOWN_CHARS)));
    format!("{kind}{}{} is not acted on", of.unwrap_or_default(), property.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(event: &Value) -> Item {
        read(event.to_string().as_bytes(), "message").unwrap().pop().unwrap()
    }

    fn event(kind: &str, more: &Value) -> Value {
        let mut event = json!({
            "eventId": 1, "subscriptionId": 2, "portalId": 62515, "occurredAt": 1_564_113_600_000_u64,
            "subscriptionType": kind, "objectId": 9_007_199_254_740_993_u64, "changeSource": "FORM",
        });
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    }

    #[test]
    fn what_is_read_and_what_is_ignored() {
        let read = |expects_message| {
            Item::Record(Pointed {
                record_id: "9007199254740993".to_owned(),
                account: Some("62515".to_owned()),
                event_id: Some("62515/2/1/9007199254740993/1564113600000".to_owned()),
                expects_message,
            })
        };
        let ignored = |words: &str| Item::Ignored(format!("{words} is not acted on"));
        for (name, kind, more, want) in [
            ("made by a form", "contact.creation", json!({}), read(true)),
            ("made by hand", "contact.creation", json!({ "changeSource": "CRM_UI" }), read(false)),
            ("imported", "contact.creation", json!({ "changeSource": "IMPORT" }), read(false)),
            ("of the new style", "object.creation", json!({ "objectTypeId": "0-1" }), read(true)),
            (
                "ids as texts",
                "contact.creation",
                json!({ "objectId": "9007199254740993", "portalId": "62515" }),
                read(true),
            ),
            (
                "wrote again",
                "contact.propertyChange",
                json!({ "propertyName": "message", "changeSource": "CRM_UI" }),
                read(true),
            ),
            ("a company", "object.creation", json!({ "objectTypeId": "0-2" }), ignored("object.creation of 0-2")),
            ("a deal", "deal.creation", json!({}), ignored("deal.creation")),
            ("gone", "contact.deletion", json!({}), ignored("contact.deletion")),
            ("forgotten", "contact.privacyDeletion", json!({}), ignored("contact.privacyDeletion")),
            (
                "our own write",
                "contact.propertyChange",
                json!({ "propertyName": "auto_classification" }),
                ignored("contact.propertyChange (auto_classification)"),
            ),
            ("unheard of", "contact.teleportation", json!({}), ignored("contact.teleportation")),
        ] {
            assert_eq!(one(&event(kind, &more)), want, "{name}");
        }
        for odd in [json!(7), json!({}), json!({ "subscriptionType": "contact.creation" })] {
            assert!(matches!(one(&json!([odd])), Item::Unusable(_)), "{odd}");
        }
    }

    #[test]
    fn a_hundred_events_are_a_hundred_items() {
        let events: Vec<Value> = (0..100).map(|n| event("contact.creation", &json!({ "objectId": n }))).collect();
        assert_eq!(read(json!(events).to_string().as_bytes(), "message").unwrap().len(), 100);
        assert!(read(b"[]", "message").unwrap().is_empty());
        assert!(read(b"[{", "message").is_err());
    }
}
