//! Where in a payload a lead's fields are: one file per shape.
//!
//! A shape only finds; whether what it found is a lead is the gate's question. It borrows from the parsed JSON, judges
//! no content, and must cope with any value in any place.

mod hubspot_workflow;
mod json;

use std::borrow::Cow;

use serde_json::Value;

pub use json::Fields;

/// What the payloads of a source look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Any JSON; the fields are found by pointers.
    Json(Fields),
    /// HubSpot's workflow action "send a webhook".
    HubspotWorkflow,
}

/// A message, or what is there in its place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Message<'v> {
    /// Text with something to see in it.
    Text(&'v str),
    /// Text, but nothing to see.
    Blank,
    /// Nothing, or no text.
    #[default]
    Missing,
}

/// What a shape found, as sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found<'v> {
    pub(super) message: Message<'v>,
    pub(super) name: Option<Cow<'v, str>>,
    pub(super) email: Option<Cow<'v, str>>,
    pub(super) phone: Option<Cow<'v, str>>,
    pub(super) record_id: Option<Cow<'v, str>>,
    pub(super) event_id: Option<Cow<'v, str>>,
    /// The CRM account the payload names.
    pub(super) account: Option<Cow<'v, str>>,
}

impl Shape {
    /// Finds the fields of a lead.
    pub(super) fn find<'v>(&self, payload: &'v Value) -> Found<'v> {
        match self {
            Self::Json(fields) => fields.find(payload),
            Self::HubspotWorkflow => hubspot_workflow::find(payload),
        }
    }
}

impl<'v> Message<'v> {
    /// The first candidate that has something to see.
    fn first(candidates: impl Iterator<Item = &'v Value>) -> Self {
        let mut message = Self::Missing;
        for text in candidates.filter_map(Value::as_str) {
            if !is_blank(text) {
                return Self::Text(text);
            }
            message = Self::Blank;
        }
        message
    }
}

/// A field that is written as text or, by senders that know no better, as a whole number. A number keeps its digits.
fn field(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !is_blank(text) => Some(Cow::Borrowed(text.trim())),
        Value::Number(number) if number.is_u64() || number.is_i64() => Some(Cow::Owned(number.to_string())),
        Value::String(_) | Value::Number(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// First and last name as one.
fn joined<'v>(first: Option<Cow<'v, str>>, last: Option<Cow<'v, str>>) -> Option<Cow<'v, str>> {
    match (first, last) {
        (Some(first), Some(last)) => Some(Cow::Owned(format!("{first} {last}"))),
        (one, other) => one.or(other),
    }
}

/// Whether a person would see nothing: white space, control characters, and the characters without width that mail
/// programs and copy-and-paste leave behind.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{200b}'..='\u{200f}')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e007f}')
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_text_or_whole_numbers() {
        for (value, want) in [
            (json!(" Ada "), Some("Ada")),
            (json!(u64::MAX), Some("18446744073709551615")),
            (json!(9_007_199_254_740_993_u64), Some("9007199254740993")),
            (json!(1.5), None),
            (json!(" \u{200b}\u{feff}\t"), None),
            (json!(null), None),
            (json!(true), None),
            (json!(["Ada"]), None),
            (json!({ "value": "Ada" }), None),
        ] {
            assert_eq!(field(&value).as_deref(), want, "{value}");
        }
    }

    #[test]
    fn blank_is_what_nobody_sees() {
        for (text, want) in [
            ("", true),
            (" \t\r\n\u{a0}", true),
            ("\u{200b}\u{200d}\u{2060}\u{feff}\u{ad}", true),
            ("\0", true),
            ("\u{e0041}", true),
            (" . ", false),
            ("👍", false),
        ] {
            assert_eq!(is_blank(text), want, "{text:?}");
        }
    }
}
