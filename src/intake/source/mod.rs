//! What a body tells of: one file per shape of payload.
//!
//! A shape reads a whole body into [`Item`]s, in the order in which they stand there; most senders send one, some a
//! hundred. It only finds; whether what it found is a lead is the gate's question. It judges no content, and must cope
//! with any bytes.

mod hubspot_workflow;
mod json;

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

/// A body, and what its head says of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Payload<'p> {
    /// The header `Content-Type`, where there is one.
    #[expect(dead_code, reason = "every shape so far is JSON")]
    pub(super) content_type: Option<&'p str>,
    pub(super) body: &'p [u8],
}

/// One thing that a body tells of.
#[expect(dead_code, reason = "the shapes that make the others come next")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// Somebody wrote.
    Lead(Found),
    /// A record in a CRM that may be a lead: its fields are to be read from there.
    Record(Pointed),
    /// Not acted on, on purpose: why, in words.
    Ignored(String),
    /// One element of a batch that should be a lead and isn't: why, in words.
    Unusable(String),
}

/// A record that an element points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointed {
    pub(super) record_id: String,
    pub(super) account: Option<String>,
    pub(super) event_id: Option<String>,
    /// Somebody wrote, as far as the sender tells; else a record without a message is no lead.
    pub(super) expects_message: bool,
}

/// Why nothing can be read from a body.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    /// It isn't JSON, or not only.
    #[error("the body is not JSON: {0}")]
    Json(serde_json::Error),
}

/// A message, or what is there in its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Message {
    /// Text with something to see in it.
    Text(String),
    /// Text, but nothing to see.
    Blank,
    /// Nothing, or no text.
    #[default]
    Missing,
}

/// What a shape found of a lead, as sent.
///
/// Without a message, `outline` says what is there instead, for the person who mends the mapping.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) message: Message,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) record_id: Option<String>,
    pub(super) event_id: Option<String>,
    /// The CRM account the payload names.
    pub(super) account: Option<String>,
    pub(super) outline: String,
}

impl Shape {
    /// Whether a body of this type may be one of this shape. A charset is ignored: JSON is UTF-8 (RFC 8259, clause 8.1).
    #[expect(clippy::unused_self, reason = "every shape so far is JSON")]
    pub(super) fn accepts(&self, content_type: Option<&str>) -> bool {
        let Some(kind) = content_type else { return true };
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
    }

    /// Reads a body.
    pub(super) fn read(&self, payload: &Payload<'_>) -> Result<Vec<Item>, Unreadable> {
        let value = json::parsed(payload.body)?;
        let mut found = match self {
            Self::Json(fields) => fields.find(&value),
            Self::HubspotWorkflow => hubspot_workflow::find(&value),
        };
        if found.message == Message::Missing {
            found.outline = json::outline(&value);
        }
        Ok(vec![Item::Lead(found)])
    }
}

impl Message {
    /// The first candidate that has something to see.
    fn first<'v>(candidates: impl Iterator<Item = &'v Value>) -> Self {
        let mut message = Self::Missing;
        for text in candidates.filter_map(Value::as_str) {
            if !is_blank(text) {
                return Self::Text(text.to_owned());
            }
            message = Self::Blank;
        }
        message
    }
}

/// A field that is written as text or, by senders that know no better, as a whole number. A number keeps its digits.
fn field(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !is_blank(text) => Some(text.trim().to_owned()),
        Value::Number(number) if number.is_u64() || number.is_i64() => Some(number.to_string()),
        Value::String(_) | Value::Number(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// First and last name as one.
fn joined(first: Option<String>, last: Option<String>) -> Option<String> {
    match (first, last) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (one, other) => one.or(other),
    }
}

/// Whether a person would see nothing: white space, control characters, and the characters without width that mail
/// programs and copy-and-paste leave behind.
pub(super) fn is_blank(text: &str) -> bool {
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
