//! The payload of a sample lead, in the shape its source sends.
//!
//! It carries a time in its message and in its event id, so that each one is a new lead and none a duplicate.

use serde_json::{Map, Value, json};

use crate::config::{Fields, Shape, Source};
use crate::model::Timestamp;

/// What a lead of the class `URGENT_BUYER` writes, recognisable as a test by the person it wakes.
const MESSAGE: &str = "Test of nightdesk: we need a quote for 50 units by tomorrow and can order today. Please call.";
const EMAIL: &str = "test@example.com";
/// A number that belongs to nobody (North American Numbering Plan, 555-01XX).
const PHONE: &str = "+12025550123";

/// One sample lead.
pub(super) struct Sample<'s> {
    /// Its words, if not the built-in ones.
    pub(super) message: Option<&'s str>,
    /// Its record in the CRM.
    pub(super) record: Option<&'s str>,
    pub(super) now: Timestamp,
}

impl Sample<'_> {
    /// The body that `source` would post.
    pub(super) fn payload(&self, source: &Source) -> Value {
        let message = self.message.map_or_else(|| format!("{MESSAGE} ({})", self.now), str::to_owned);
        match &source.shape {
            Shape::Json(fields) => self.by_pointers(fields, &message),
            Shape::HubspotWorkflow => self.by_hubspot(&message, source.account.as_deref()),
        }
    }

    fn by_pointers(&self, fields: &Fields, message: &str) -> Value {
        let event = format!("nightdesk-test-{}", self.now.as_millis());
        let mut payload = json!({});
        for (pointers, value) in [
            (&fields.message, Some(message)),
            (&fields.email, Some(EMAIL)),
            (&fields.phone, Some(PHONE)),
            (&fields.name, Some("Nightdesk Test")),
            (&fields.first_name, Some("Nightdesk")),
            (&fields.last_name, Some("Test")),
            (&fields.record_id, self.record),
            (&fields.event_id, Some(event.as_str())),
        ] {
            if let (Some(pointer), Some(value)) = (pointers.first(), value) {
                put(&mut payload, pointer, value);
            }
        }
        payload
    }

    fn by_hubspot(&self, message: &str, account: Option<&str>) -> Value {
        let value = |text: &str| json!({ "value": text });
        let mut payload = json!({
            "properties": {
                "firstname": value("Nightdesk"),
                "lastname": value("Test"),
                "email": value(EMAIL),
                "phone": value(PHONE),
                "message": value(message),
            },
        });
        for (key, id) in [("vid", self.record), ("portal-id", account)] {
            if let (Some(id), Some(top)) = (id, payload.as_object_mut()) {
                top.insert(key.to_owned(), id.parse::<u64>().map_or_else(|_| json!(id), |id| json!(id)));
            }
        }
        payload
    }
}

/// Puts a text where `pointer` (RFC 6901) finds it again. Where another text is in the way it is left out.
fn put(payload: &mut Value, pointer: &str, text: &str) {
    let mut place = payload;
    for step in pointer.split('/').skip(1) {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        let Some(object) = place.as_object_mut() else { return };
        place = object.entry(step.replace("~1", "/").replace("~0", "~")).or_insert(Value::Null);
    }
    if place.is_null() {
        *place = Value::String(text.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_sample_is_found_where_its_source_is_read() {
        let text = r#"
            [sources.form]
            kind = "json"
            auth = { scheme = "none" }
            [sources.form.fields]
            message = ["/a~1b/0/text", "/message"]
            email = "/a~1b/0/email"
            phone = "/a~1b/0/text/phone"
            record-id = "/id"
            event-id = "/event"
            [sources.flow]
            kind = "hubspot-workflow"
            auth = { scheme = "none" }
            account = "62515"
        "#;
        let config = Config::parse(text).unwrap();
        let sample = Sample { message: Some("Hi"), record: Some("501"), now: Timestamp::from_millis(7) };
        assert_eq!(
            sample.payload(&config.sources["form"]),
            json!({ "a/b": { "0": { "text": "Hi", "email": EMAIL } }, "id": "501", "event": "nightdesk-test-7" })
        );
        let flow = sample.payload(&config.sources["flow"]);
        assert_eq!((&flow["vid"], &flow["portal-id"]), (&json!(501), &json!(62515)));
        assert_eq!(flow["properties"]["message"]["value"], "Hi");
        let built_in = Sample { message: None, record: None, now: Timestamp::from_millis(0) };
        assert!(built_in.payload(&config.sources["form"])["a/b"]["0"]["text"].as_str().unwrap().ends_with("000Z)"));
        assert!(built_in.payload(&config.sources["flow"]).get("vid").is_none());
    }
}
