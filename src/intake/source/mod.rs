//! What a body tells of: one file per shape of payload.
//!
//! A shape reads a whole body into [`Item`]s, in the order in which they stand there; most senders send one, some a
//! hundred. It only finds; whether what it found is a lead is the gate's question. It judges no content, and must cope
//! with any bytes.

mod aliases;
mod form;
mod hubspot_app;
mod hubspot_form;
mod hubspot_workflow;
mod json;
mod pipedrive;
mod salesforce;

use serde_json::Value;

pub use json::Fields;

use form::media_type;

/// What the payloads of a source look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Any JSON; the fields are found by pointers, or by their usual names.
    Json(Fields),
    /// A form, as browsers and form services send it.
    Form(Fields),
    /// HubSpot's workflow action "send a webhook".
    HubspotWorkflow,
    /// HubSpot's app webhooks: events that point to contacts.
    HubspotApp {
        /// The property that holds what a prospect wrote.
        message_property: String,
    },
    /// A submission of a HubSpot form.
    HubspotForm(Fields),
    /// Salesforce's outbound messages.
    SalesforceOutbound(Fields),
    /// JSON that a Salesforce admin designed.
    SalesforceJson(Fields),
    /// Pipedrive's webhooks, version 2.
    Pipedrive(Fields),
}

/// A body, and what its head says of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Payload<'p> {
    /// The header `Content-Type`, where there is one.
    pub(super) content_type: Option<&'p str>,
    pub(super) body: &'p [u8],
}

/// One thing that a body tells of.
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
    /// Nested so deep that it can't be a lead.
    #[error("the body is nested too deep")]
    Deep,
    /// It isn't XML, or not of the kind that is expected.
    #[error("the body is not what Salesforce sends: {0}")]
    Xml(String),
    /// It isn't a form.
    #[error("the body is no form: {0}")]
    Form(&'static str),
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
    /// Whether a body of this type may be one of this shape. What says nothing of itself is tried. Charsets are ignored:
    /// JSON is UTF-8 (RFC 8259, clause 8.1). No-code tools call their JSON text.
    pub(super) fn accepts(&self, content_type: Option<&str>) -> bool {
        let Some(kind) = content_type.map(media_type) else { return true };
        match self {
            Self::SalesforceOutbound(_) => {
                matches!(kind.as_str(), "text/xml" | "application/xml" | "application/soap+xml")
            }
            Self::Form(_) => matches!(kind.as_str(), "application/x-www-form-urlencoded" | "multipart/form-data"),
            Self::Json(_)
            | Self::HubspotWorkflow
            | Self::HubspotApp { .. }
            | Self::HubspotForm(_)
            | Self::SalesforceJson(_)
            | Self::Pipedrive(_) => {
                kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
            }
        }
    }

    /// Reads a body.
    pub(super) fn read(&self, payload: &Payload<'_>) -> Result<Vec<Item>, Unreadable> {
        let value = || json::parsed(payload.body);
        Ok(match self {
            Self::Json(fields) => fields.read(&value()?),
            Self::Form(fields) => fields.read(&form::parsed(payload)?),
            Self::HubspotWorkflow => json::each(&value()?, hubspot_workflow::find),
            Self::HubspotApp { message_property } => hubspot_app::read(payload.body, message_property)?,
            Self::HubspotForm(fields) => hubspot_form::read(&value()?, fields),
            Self::SalesforceOutbound(fields) => salesforce::outbound(payload.body, fields)?,
            Self::SalesforceJson(fields) => salesforce::designed(&value()?, fields),
            Self::Pipedrive(fields) => pipedrive::read(&value()?, fields),
        })
    }

    /// Whether it is SOAP, which has manners of its own.
    const fn is_soap(&self) -> bool {
        matches!(self, Self::SalesforceOutbound(_))
    }

    /// The organization that a body names, where its kind has such a thing.
    pub(super) fn organization(&self, body: &[u8]) -> Option<String> {
        if self.is_soap() { salesforce::organization(body) } else { None }
    }

    /// The body as it may be kept: without a token that is in it.
    pub(super) fn storable(&self, body: Vec<u8>) -> Vec<u8> {
        if self.is_soap() { salesforce::without_session(&body) } else { body }
    }

    /// The exact words that the sender takes for success, with their type, where it doesn't look at the status alone.
    pub(super) fn acknowledgement(&self) -> Option<(&'static str, &'static str)> {
        self.is_soap().then_some(("text/xml; charset=UTF-8", salesforce::ACK))
    }

    /// Whether the sender repeats whatever isn't answered with success: a body that can't be read would come again and
    /// again, and is kept anyhow.
    pub(super) const fn repeats_refusals(&self) -> bool {
        matches!(self, Self::HubspotApp { .. })
    }

    /// Whether the sender gives up at a 4xx, and takes `Retry-After` for milliseconds: what it should send again is
    /// answered with a 5xx.
    pub(super) const fn gives_up_at_refusals(&self) -> bool {
        matches!(self, Self::HubspotWorkflow)
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

/// Words of a sender's as a reason repeats them: no control characters, and not too many.
fn excerpt(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect()
}

/// Where `needle` first stands.
fn position(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
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
