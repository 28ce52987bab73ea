//! Any JSON: each field is found by JSON pointers (RFC 6901), tried in order until one leads to something.

use serde_json::Value;

use super::{Found, Message, Unreadable, field, joined};

/// JSON pointers for each field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    /// The message; at least one pointer, and it must lead to text.
    pub message: Vec<String>,
    /// E-mail address.
    pub email: Vec<String>,
    /// Telephone number.
    pub phone: Vec<String>,
    /// Whole name.
    pub name: Vec<String>,
    /// First name, where there is no whole one.
    pub first_name: Vec<String>,
    /// Last name, where there is no whole one.
    pub last_name: Vec<String>,
    /// The record's id in the CRM.
    pub record_id: Vec<String>,
    /// The sender's id of the event.
    pub event_id: Vec<String>,
}

/// Keys of the payload that an outline names, and the characters of each.
const MAX_KEYS: usize = 12;
const MAX_KEY_CHARS: usize = 40;

/// The whole body as one JSON value: at most 128 levels deep, nothing after it, the last of equal keys wins.
pub(super) fn parsed(body: &[u8]) -> Result<Value, Unreadable> {
    // RFC 8259, clause 8.1: a byte order mark may be ignored.
    serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)).map_err(Unreadable::Json)
}

/// What a payload looks like, for the person who mends the pointers.
pub(super) fn outline(payload: &Value) -> String {
    let shown = |key: &String| -> String { key.chars().filter(|c| !c.is_control()).take(MAX_KEY_CHARS).collect() };
    match payload {
        Value::Object(map) => {
            let keys: Vec<String> = map.keys().take(MAX_KEYS).map(shown).collect();
            let more = if map.len() > MAX_KEYS { ", …" } else { "" };
            format!("an object with the keys {}{more}", keys.join(", "))
        }
        Value::Array(list) => format!("an array of {}", list.len()),
        Value::String(_) => "a text".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Null => "null".to_owned(),
    }
}

impl Fields {
    pub(super) fn find(&self, payload: &Value) -> Found {
        let first = |pointers: &[String]| pointers.iter().filter_map(|at| payload.pointer(at)).find_map(field);
        Found {
            message: Message::first(self.message.iter().filter_map(|at| payload.pointer(at))),
            name: first(&self.name).or_else(|| joined(first(&self.first_name), first(&self.last_name))),
            email: first(&self.email),
            phone: first(&self.phone),
            record_id: first(&self.record_id),
            event_id: first(&self.event_id),
            ..Found::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pointers_are_tried_in_order_until_one_leads_to_something() {
        let seed = json!({ "properties": { "message": { "value": "Hi" }, "email": { "value": "a@b.co" } } });
        let texts = ["/text", "/properties/message/value", "/0/message", "/a~1b/~0"];
        for (name, payload, want) in [
            ("the seed", seed, Message::Text("Hi".into())),
            (
                "the first wins",
                json!({ "text": "one", "properties": { "message": { "value": "two" } } }),
                Message::Text("one".into()),
            ),
            (
                "blank is passed over",
                json!({ "text": " ", "properties": { "message": { "value": "two" } } }),
                Message::Text("two".into()),
            ),
            ("only blank", json!({ "text": "\u{200b} " }), Message::Blank),
            ("an array of one", json!([{ "message": "Hi" }]), Message::Text("Hi".into())),
            ("escapes", json!({ "a/b": { "~": "Hi" } }), Message::Text("Hi".into())),
            ("a number is no message", json!({ "text": 5 }), Message::Missing),
            ("an object is no message", json!({ "text": { "value": "Hi" } }), Message::Missing),
            ("null", json!(null), Message::Missing),
            ("a bare text", json!("Hi"), Message::Missing),
        ] {
            let fields = Fields { message: texts.map(str::to_owned).to_vec(), ..Fields::default() };
            assert_eq!(fields.find(&payload).message, want, "{name}");
        }
    }

    #[test]
    fn every_field_has_its_place() {
        let one = |at: &str| vec![at.to_owned()];
        let fields = Fields {
            message: one("/m"),
            email: one("/e"),
            phone: one("/p"),
            name: one("/n"),
            first_name: one("/f"),
            last_name: one("/l"),
            record_id: one("/r"),
            event_id: one("/v"),
        };
        let payload =
            json!({ "m": "Hi", "e": "a@b.co", "p": 7_205_550_107_u64, "f": "Ada", "l": "Byron", "r": 42, "v": "evt" });
        let found = fields.find(&payload);
        assert_eq!(found.email.as_deref(), Some("a@b.co"));
        assert_eq!(found.phone.as_deref(), Some("7205550107"));
        assert_eq!(found.name.as_deref(), Some("Ada Byron"));
        assert_eq!(found.record_id.as_deref(), Some("42"));
        assert_eq!(found.event_id.as_deref(), Some("evt"));
        let whole = json!({ "n": "Ada Lovelace", "f": "Ada", "l": "Byron" });
        assert_eq!(fields.find(&whole).name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(fields.find(&json!({ "l": "Byron" })).name.as_deref(), Some("Byron"));
    }
}
