//! Any JSON: each field is found by JSON pointers (RFC 6901), tried in order, or by its usual names where none are given.
//!
//! One object is one lead; an array of objects is as many. Depth and number are bounded, because anybody may have written
//! the body. What is not quite JSON but can be read is read: a lead is worth more than a rule.

use std::borrow::Cow;

use serde_json::Value;

use super::aliases::{self, Holders};
use super::{Found, Item, Message, Unreadable, field, joined};

/// Nested deeper, it is no lead.
const MAX_DEPTH: usize = 64;
/// No sender has more to tell at once.
const MAX_ITEMS: usize = 1_000;

/// JSON pointers for each field. A field without any is found by its usual names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    /// The message.
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

/// The whole body as one JSON value: nothing after it, the last of equal keys wins. Bytes that are no UTF-8 and halves of
/// surrogate pairs become U+FFFD.
pub(super) fn parsed(body: &[u8]) -> Result<Value, Unreadable> {
    // RFC 8259, clause 8.1: a byte order mark may be ignored.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let text = String::from_utf8_lossy(body);
    let value = match serde_json::from_str(&text) {
        Ok(value) => value,
        Err(error) => match whole_surrogates(&text) {
            Cow::Owned(mended) => serde_json::from_str(&mended).map_err(Unreadable::Json)?,
            Cow::Borrowed(_) => return Err(Unreadable::Json(error)),
        },
    };
    if is_deeper(&value, MAX_DEPTH) { Err(Unreadable::Deep) } else { Ok(value) }
}

/// The text with `\ufffd` in place of each escape that is half a surrogate pair (RFC 8259, clause 8.2).
fn whole_surrogates(text: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    let mut rest = text;
    while let Some((before, from)) = rest.find('\\').and_then(|at| rest.split_at_checked(at)) {
        mended.push_str(before);
        let unit = |text: &str| text.strip_prefix("\\u").and_then(|hex| u16::from_str_radix(hex.get(..4)?, 16).ok());
        let (kept, len) = match (unit(from), from.get(6..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (from.get(..12), 12),
            (Some(0xD800..=0xDFFF), _) => (Some("\\ufffd"), 6),
            (Some(_), _) => (from.get(..6), 6),
            (None, _) => {
                let len = 1_usize.saturating_add(from.chars().nth(1).map_or(0, char::len_utf8));
                (from.get(..len), len)
            }
        };
        mended.push_str(kept.unwrap_or_default());
        rest = from.get(len..).unwrap_or_default();
    }
    mended.push_str(rest);
    if mended == text { Cow::Borrowed(text) } else { Cow::Owned(mended) }
}

fn is_deeper(value: &Value, most: usize) -> bool {
    let Some(left) = most.checked_sub(1) else { return true };
    match value {
        Value::Array(list) => list.iter().any(|inner| is_deeper(inner, left)),
        Value::Object(map) => map.values().any(|inner| is_deeper(inner, left)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// What each object of a body says, by `find`.
pub(super) fn each(payload: &Value, find: impl Fn(&Value) -> Found) -> Vec<Item> {
    match payload {
        Value::Array(list) => {
            let item = |value: &Value| match value {
                Value::Object(_) => Item::Lead(find(value)),
                _ => Item::Unusable("an element of the list is no object".to_owned()),
            };
            list.iter().take(MAX_ITEMS).map(item).collect()
        }
        one => vec![Item::Lead(find(one))],
    }
}

impl Fields {
    /// What a body tells of. Pointers that begin with a number mean the list itself, not its elements.
    pub(super) fn read(&self, payload: &Value) -> Vec<Item> {
        let into_list = |pointer: &String| {
            pointer.strip_prefix('/').is_some_and(|step| step.starts_with(|c: char| c.is_ascii_digit()))
        };
        if payload.is_array() && self.message.iter().any(into_list) {
            return vec![Item::Lead(self.find(payload))];
        }
        each(payload, |value| self.find(value))
    }

    pub(super) fn find(&self, payload: &Value) -> Found {
        let holders = Holders::of(payload);
        let at = |pointers: &[String]| pointers.iter().filter_map(|at| payload.pointer(at)).find_map(field);
        let or_named = |pointers: &[String], names: &[&str]| {
            if pointers.is_empty() { holders.field(names) } else { at(pointers) }
        };
        let message = if self.message.is_empty() {
            holders.message()
        } else {
            Message::first(self.message.iter().filter_map(|at| payload.pointer(at)))
        };
        let outline = match (&message, self.message.as_slice()) {
            (Message::Missing, []) => outline(payload),
            (Message::Missing, pointers) => {
                format!("{}; it was looked for at {}", outline(payload), pointers.join(", "))
            }
            (Message::Text(_) | Message::Blank, _) => String::new(),
        };
        let whole = || or_named(&self.name, aliases::NAME);
        let parts =
            || joined(or_named(&self.first_name, aliases::FIRST_NAME), or_named(&self.last_name, aliases::LAST_NAME));
        // A whole name that is pointed to outranks its parts; one that is only called so does not.
        let name = if self.name.is_empty() { parts().or_else(whole) } else { whole().or_else(parts) };
        Found {
            message,
            name,
            email: or_named(&self.email, aliases::EMAIL),
            phone: or_named(&self.phone, aliases::PHONE),
            record_id: at(&self.record_id),
            event_id: at(&self.event_id),
            account: None,
            outline,
        }
    }
}

/// What a payload without a message looks like, for the person who mends the mapping.
pub(super) fn outline(payload: &Value) -> String {
    match payload {
        Value::Object(_) => Holders::of(payload).outline(),
        Value::Array(list) => format!("an array of {}", list.len()),
        Value::String(_) => "a text".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Null => "null".to_owned(),
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
