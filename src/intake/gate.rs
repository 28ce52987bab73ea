//! The gate: whether a body holds a lead. It runs before the commit, and its verdict is stored with the raw request.
//!
//! Pure, and safe against any body: what can't be parsed, what holds no message and what makes this code panic are
//! three kinds of "no lead", each with its reason in words. It cleans nothing (the pipeline does) and never looks at who
//! sent the body, because a stored request is put through it again after the field mapping was mended.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Settings;
use super::content_key::{body_key, content_key};
use super::source::{Found, Item, Message, Payload, Pointed, is_blank};
use crate::failpoint;
use crate::model::{Contact, CrmRead, CrmRecord, NewLead};
use crate::sanitize;
use crate::store::{self, Arrival, Gate};

/// No name is longer; what is cut off stays in the raw request.
const MAX_NAME_CHARS: usize = 200;
/// No telephone number is longer, its extension and remarks included.
const MAX_PHONE_CHARS: usize = 64;
/// No CRM's record id is longer.
const MAX_RECORD_ID_BYTES: usize = 64;
/// A sender's event id beyond this is not one.
const MAX_EVENT_ID_BYTES: usize = 256;

/// What the gate says of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// One for each thing that the body tells of; at least one.
    pub(super) gates: Vec<Gate>,
    /// Whether the body could be read at all; if not, the sender is told so.
    pub(super) is_readable: bool,
}

impl Verdict {
    /// No lead at all.
    pub(super) fn failed(reason: &str, is_readable: bool) -> Self {
        Self { gates: vec![Gate::Failed { reason: reason.to_owned() }], is_readable }
    }
}

/// Puts a stored request through the gate again. Whoever asks for it has decided to trust the sender.
#[must_use]
pub fn reparse(settings: &Settings, stored: &Arrival) -> Vec<Gate> {
    judge(settings, stored).gates
}

/// The lead that a contact is, once it was read from a CRM.
#[must_use]
pub fn contact(settings: &Settings, read: &CrmRead, contact: Contact) -> NewLead {
    let Contact { message, name, email, phone } = contact;
    let message = message.filter(|text| !is_blank(text)).unwrap_or_default();
    let account = read.account.clone();
    let record_id = Some(read.record.id.clone());
    let found = Found { name, email, phone, record_id, account, ..Found::default() };
    lead(settings, &found, &message, Whole { body: &[], part: 0 })
}

/// Puts a body through the gate. A panic in here is a verdict, too: it concerns this body only.
pub(super) fn judge(settings: &Settings, arrival: &Arrival) -> Verdict {
    let verdict = catch_unwind(AssertUnwindSafe(|| {
        failpoint::reach("intake-parse");
        let kind = arrival.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let content_type = kind.map(|(_, value)| value.as_str());
        match settings.shape.read(&Payload { content_type, body: &arrival.body }) {
            Ok(items) if items.is_empty() => Verdict::failed("the body is an empty list", true),
            Ok(items) => {
                let event = settings.auth.event_id(&arrival.headers);
                let event = |part: usize| match event {
                    Some(id) if items.len() > 1 => Some(format!("{id}#{part}")),
                    id => id.map(str::to_owned),
                };
                let of = |(part, item)| {
                    let whole = Whole { body: &arrival.body, part };
                    named(pass(settings, item, whole), event(part).as_deref())
                };
                let gates = items.iter().enumerate().map(of).collect();
                Verdict { gates, is_readable: true }
            }
            Err(error) => Verdict::failed(&error.to_string(), false),
        }
    }));
    verdict.unwrap_or_else(|panic| Verdict {
        gates: vec![Gate::Crashed { reason: words_of(panic.as_ref()) }],
        is_readable: true,
    })
}

/// What an item is a part of.
#[derive(Clone, Copy)]
struct Whole<'b> {
    body: &'b [u8],
    part: usize,
}

fn pass(settings: &Settings, item: &Item, whole: Whole<'_>) -> Gate {
    match item {
        Item::Lead(found) => found_lead(settings, found, whole),
        Item::Record(to) => pointed(settings, to),
        Item::Ignored(reason) => Gate::Ignored { reason: reason.clone() },
        Item::Unusable(reason) => Gate::Failed { reason: reason.clone() },
    }
}

/// The gate with the event's id that the signature covers, where it does: it outranks the body's.
fn named(gate: Gate, event: Option<&str>) -> Gate {
    match (gate, event_key(event)) {
        (Gate::Passed(new), Some(key)) => Gate::Passed(NewLead { event_key: Some(key), ..new }),
        (Gate::Pointed(to), Some(key)) => Gate::Pointed(store::Pointed { event_key: Some(key), ..to }),
        (gate, _) => gate,
    }
}

fn found_lead(settings: &Settings, found: &Found, whole: Whole<'_>) -> Gate {
    let reason = match &found.message {
        Message::Text(message) => return Gate::Passed(lead(settings, found, message, whole)),
        Message::Blank => {
            // Nothing to judge by, but somebody to call: a person decides.
            let lead = lead(settings, found, "", whole);
            if lead.is_reachable() {
                return Gate::Passed(lead);
            }
            "the message is empty, and there is neither an e-mail address nor a number".to_owned()
        }
        Message::Missing => format!("no text where the message should be; the payload is {}", found.outline),
    };
    Gate::Failed { reason }
}

fn pointed(settings: &Settings, to: &Pointed) -> Gate {
    let Some(channel) = settings.crm.clone() else {
        return Gate::Failed { reason: "the source names no CRM from which its records could be read".to_owned() };
    };
    if !is_record_id(&to.record_id) {
        return Gate::Failed { reason: "the record's id is none".to_owned() };
    }
    let read = CrmRead {
        record: CrmRecord { channel, id: to.record_id.clone() },
        account: to.account.clone().or_else(|| settings.account.clone()),
        again: false,
        expects_message: to.expects_message,
    };
    Gate::Pointed(store::Pointed { read, event_key: event_key(to.event_id.as_deref()) })
}

fn lead(settings: &Settings, found: &Found, message: &str, whole: Whole<'_>) -> NewLead {
    let email = found.email.as_deref().and_then(sanitize::email);
    let record_id = found.record_id.as_deref().filter(|id| is_record_id(id));
    let account = found.account.as_deref().or(settings.account.as_deref());
    let phone_text = found.phone.as_deref().and_then(|text| one_line(text, MAX_PHONE_CHARS));
    // As typed where it is no address or number: two people must not become one because both mistyped.
    let by_email = email.as_deref().or(found.email.as_deref());
    let by_phone = phone_text.as_deref().map(digits);
    let content_key = if record_id.is_none() && by_email.is_none() && by_phone.is_none() {
        body_key(&settings.name, whole.body, whole.part)
    } else {
        content_key([account, record_id, Some(&sanitize::normalise(message)), by_email, by_phone.as_deref()])
    };
    NewLead {
        crm: settings.crm.clone(),
        record_id: record_id.map(str::to_owned),
        name: found.name.as_deref().and_then(|name| one_line(name, MAX_NAME_CHARS)),
        email,
        phone_text,
        message: message.to_owned(),
        event_key: event_key(found.event_id.as_deref()),
        content_key,
    }
}

/// A number without its punctuation; what holds no digit stays as it was typed.
fn digits(number: &str) -> String {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() { number.to_owned() } else { digits }
}

fn event_key(id: Option<&str>) -> Option<String> {
    id.filter(|id| id.len() <= MAX_EVENT_ID_BYTES).map(str::to_owned)
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

fn words_of(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("reading the body made the program panic: {}", words.unwrap_or("it left no words"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::{Auth, Fields, Shape};
    use super::*;
    use crate::model::{Channel, Lane};

    fn settings(shape: Shape) -> Settings {
        let crm = Some(Channel::new(Lane::Crm, "hubspot"));
        let account = Some("acme".to_owned());
        Settings { name: "s".to_owned(), shape, auth: Auth::None, crm, account, max_per_minute: 1, max_in_flight: 1 }
    }

    fn judged(shape: Shape, body: &[u8]) -> Vec<Gate> {
        let arrival = Arrival {
            received_at: crate::model::Timestamp::from_millis(0),
            source: "s".to_owned(),
            method: "POST".to_owned(),
            target: "/hooks/s".to_owned(),
            headers: Vec::new(),
            body: body.to_vec(),
        };
        judge(&settings(shape), &arrival).gates
    }

    fn workflow(body: &str) -> NewLead {
        match judged(Shape::HubspotWorkflow, body.as_bytes()).pop() {
            Some(Gate::Passed(new)) => new,
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
        assert_eq!((lead.email, lead.phone_text.as_deref()), (None, Some("call me")));
        assert_eq!((lead.crm, lead.record_id.as_deref()), (settings(Shape::HubspotWorkflow).crm, Some("7")));
        for id in ["../1", "a b", "1/2", "é", &"1".repeat(65)] {
            let body = serde_json::json!({ "objectId": id, "message": "Hi" });
            assert_eq!(workflow(&body.to_string()).record_id, None, "{id}");
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
                let crashed = judged(shape, &body).iter().any(|gate| matches!(gate, Gate::Crashed { .. }));
                prop_assert!(!crashed);
            }
        }

        #[test]
        fn no_json_panics_and_what_passes_has_a_message(payload in any_json()) {
            for shape in shapes() {
                for gate in judged(shape, payload.to_string().as_bytes()) {
                    match gate {
                        Gate::Passed(new) => prop_assert!(!new.message.trim().is_empty() || new.is_reachable()),
                        Gate::Pointed(to) => prop_assert!(!to.read.record.id.is_empty()),
                        Gate::Ignored { reason } | Gate::Failed { reason } => {
                            prop_assert!(!reason.is_empty() && reason.len() < 2_000);
                        }
                        Gate::Crashed { reason } => prop_assert!(false, "{}", reason),
                    }
                }
            }
        }
    }
}
