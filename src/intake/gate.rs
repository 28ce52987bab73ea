//! The gate: whether a body holds a lead. It runs before the commit, and its verdict is stored with the raw request.
//!
//! Pure, and safe against any body: what can't be parsed, what holds no message and what makes this code panic are
//! three kinds of "no lead", each with its reason in words. It cleans nothing (the pipeline does) and never looks at who
//! sent the body, because a stored request is put through it again after the field mapping was mended.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use super::Settings;
use super::content_key::{body_key, content_key};
use super::source::{Found, Message};
use crate::failpoint;
use crate::model::CrmRecord;
use crate::sanitize;
use crate::store::{Arrival, Gate, NewLead};

/// No name is longer; what is cut off stays in the raw request.
const MAX_NAME_CHARS: usize = 200;
/// No telephone number is longer, its extension and remarks included.
const MAX_PHONE_CHARS: usize = 64;
/// No CRM's record id is longer.
const MAX_RECORD_ID_BYTES: usize = 64;
/// A sender's event id beyond this is not one.
const MAX_EVENT_ID_BYTES: usize = 256;
/// Keys of the payload that a reason names.
const MAX_KEYS: usize = 12;

/// What the gate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) gate: Gate,
    /// Whether the body could be read at all; if not, the sender is told so.
    pub(super) is_json: bool,
}

/// Puts a stored request through the gate again. Whoever asks for it has decided to trust the sender.
#[must_use]
pub fn reparse(settings: &Settings, stored: &Arrival) -> Gate {
    judge(settings, &stored.body).gate
}

/// Puts a body through the gate. A panic in here is a verdict, too: it concerns this body only.
pub(super) fn judge(settings: &Settings, body: &[u8]) -> Verdict {
    let verdict = catch_unwind(AssertUnwindSafe(|| {
        failpoint::reach("intake-parse");
        match parsed(body) {
            Ok(payload) => Verdict { gate: pass(settings, &payload, body), is_json: true },
            Err(error) => {
                Verdict { gate: Gate::Failed { reason: format!("the body is not JSON: {error}") }, is_json: false }
            }
        }
    }));
    verdict.unwrap_or_else(|panic| Verdict { gate: Gate::Crashed { reason: words_of(panic.as_ref()) }, is_json: true })
}

/// The whole body as one JSON value: at most 128 levels deep, nothing after it, the last of equal keys wins.
fn parsed(body: &[u8]) -> Result<Value, serde_json::Error> {
    // RFC 8259, clause 8.1: a byte order mark may be ignored.
    serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body))
}

fn pass(settings: &Settings, payload: &Value, body: &[u8]) -> Gate {
    let found = settings.shape.find(payload);
    let reason = match found.message {
        Message::Text(message) => return Gate::Passed(lead(settings, &found, message, body)),
        Message::Blank => "the message is empty".to_owned(),
        Message::Missing => format!("no text where the message should be; the payload is {}", outline(payload)),
    };
    Gate::Failed { reason }
}

fn lead(settings: &Settings, found: &Found<'_>, message: &str, body: &[u8]) -> NewLead {
    let email = found.email.as_deref().and_then(sanitize::email);
    let phone = found.phone.as_deref().and_then(|text| sanitize::phone(text, &settings.country));
    let record_id = found.record_id.as_deref().filter(|id| is_record_id(id));
    let account = found.account.as_deref().or(settings.account.as_deref());
    let phone_text = found.phone.as_deref().and_then(|text| one_line(text, MAX_PHONE_CHARS));
    // As typed where it is no address or number: two people must not become one because both mistyped.
    let by_email = email.as_deref().or(found.email.as_deref());
    let by_phone = phone.as_ref().map(crate::model::Phone::as_str).or(phone_text.as_deref());
    let content_key = if record_id.is_none() && by_email.is_none() && by_phone.is_none() {
        body_key(&settings.name, body)
    } else {
        content_key([account, record_id, Some(&sanitize::normalise(message)), by_email, by_phone])
    };
    NewLead {
        record: settings.crm.clone().zip(record_id).map(|(channel, id)| CrmRecord { channel, id: id.to_owned() }),
        name: found.name.as_deref().and_then(|name| one_line(name, MAX_NAME_CHARS)),
        email,
        phone_text,
        phone,
        message: message.to_owned(),
        event_key: found.event_id.as_deref().filter(|id| id.len() <= MAX_EVENT_ID_BYTES).map(str::to_owned),
        content_key,
    }
}

/// A record id becomes part of an address: letters, digits, `-` and `_` only.
fn is_record_id(id: &str) -> bool {
    (1..=MAX_RECORD_ID_BYTES).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// White space folded, control characters gone, cut to `max` characters.
fn one_line(text: &str, max: usize) -> Option<String> {
    let mut line = String::new();
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > max.saturating_mul(4) {
            break;
        }
    }
    let line: String = line.chars().take(max).collect();
    (!line.is_empty()).then_some(line)
}

/// What a payload looks like, for the person who mends the pointers.
fn outline(payload: &Value) -> String {
    match payload {
        Value::Object(map) => {
            let keys: Vec<String> = map.keys().take(MAX_KEYS).filter_map(|key| one_line(key, 40)).collect();
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

fn words_of(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("reading the body made the program panic: {}", words.unwrap_or("it left no words"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Auth, Fields, Shape};
    use super::*;
    use crate::model::{Channel, Lane};

    fn settings(shape: Shape) -> Settings {
        let crm = Some(Channel::new(Lane::Crm, "hubspot"));
        let account = Some("acme".to_owned());
        Settings {
            name: "s".to_owned(),
            shape,
            auth: Auth::None,
            crm,
            account,
            country: "US".to_owned(),
            max_per_minute: 1,
            max_in_flight: 1,
        }
    }

    fn workflow(body: &str) -> NewLead {
        match judge(&settings(Shape::HubspotWorkflow), body.as_bytes()).gate {
            Gate::Passed(new) => new,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn fields_are_as_they_may_be_used() {
        let long = format!("{} \u{1b}[31m\n Byron", "A".repeat(300));
        let lead = workflow(
            &serde_json::json!({
                "vid": 7, "message": " Hi\n", "name": long, "email": "no address", "phone": "call\tme", "portal-id": 1
            })
            .to_string(),
        );
        assert_eq!(lead.message, " Hi\n");
        assert_eq!(lead.name.unwrap().chars().count(), MAX_NAME_CHARS);
        assert_eq!((lead.email, lead.phone_text.as_deref(), lead.phone), (None, Some("call me"), None));
        assert_eq!(lead.record.unwrap().id, "7");
        for id in ["../1", "a b", "1/2", "é", &"1".repeat(65)] {
            let body = serde_json::json!({ "objectId": id, "message": "Hi" });
            assert_eq!(workflow(&body.to_string()).record, None, "{id}");
        }
    }

    #[test]
    fn what_makes_two_webhooks_the_same_lead() {
        let base = workflow(r#"{"vid":1,"message":"Hi there","email":"a@b.co","phone":"x","portal-id":5}"#);
        for (name, body, same) in [
            ("white space", r#"{"vid":1,"message":"Hi  there\n","email":"a@b.co","phone":"x","portal-id":5}"#, true),
            ("id as text", r#"{"vid":"1","message":"Hi there","email":"a@b.co","phone":"x","portal-id":"5"}"#, true),
            (
                "other fields",
                r#"{"vid":1,"message":"Hi there","email":"a@b.co","phone":"x","portal-id":5,"z":1}"#,
                true,
            ),
            (
                "a name is no content",
                r#"{"vid":1,"message":"Hi there","email":"a@b.co","phone":"x","portal-id":5,"name":"Z"}"#,
                true,
            ),
            ("another account", r#"{"vid":1,"message":"Hi there","email":"a@b.co","phone":"x","portal-id":6}"#, false),
            ("the configured account", r#"{"vid":1,"message":"Hi there","email":"a@b.co","phone":"x"}"#, false),
            ("another record", r#"{"vid":2,"message":"Hi there","email":"a@b.co","phone":"x","portal-id":5}"#, false),
            ("another number", r#"{"vid":1,"message":"Hi there","email":"a@b.co","phone":"y","portal-id":5}"#, false),
        ] {
            assert_eq!(workflow(body).content_key == base.content_key, same, "{name}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        let key = prop_oneof![
            Just("properties"),
            Just("message"),
            Just("value"),
            Just("email"),
            Just("vid"),
            Just("phone"),
            Just("identity-profiles"),
            Just("identities"),
            Just("First Name"),
            Just(""),
        ];
        leaf.prop_recursive(4, 32, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((key.clone(), inner), 0..6)
                    .prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
            ]
        })
    }

    fn shapes() -> [Shape; 2] {
        let message = ["", "/message", "/properties/message/value", "/0"].map(str::to_owned).to_vec();
        let fields = Fields { phone: message.clone(), name: message.clone(), message, ..Fields::default() };
        [Shape::HubspotWorkflow, Shape::Json(fields)]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            for shape in shapes() {
                let crashed = matches!(judge(&settings(shape), &body).gate, Gate::Crashed { .. });
                prop_assert!(!crashed);
            }
        }

        #[test]
        fn no_json_panics_and_what_passes_has_a_message(payload in any_json()) {
            for shape in shapes() {
                match judge(&settings(shape), payload.to_string().as_bytes()).gate {
                    Gate::Passed(new) => prop_assert!(!new.message.trim().is_empty()),
                    Gate::Failed { reason } => prop_assert!(!reason.is_empty() && reason.len() < 2_000),
                    Gate::Crashed { reason } => prop_assert!(false, "{}", reason),
                }
            }
        }
    }
}
