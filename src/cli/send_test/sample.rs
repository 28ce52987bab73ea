//! The payload of a sample lead, in the shape its source sends.
//!
//! It carries a time in its message and in its event id, so that each one is a new lead and none a duplicate.

use serde_json::{Map, Value, json};

use crate::config::{Auth, Fields, Shape, Source};
use crate::model::Timestamp;
use crate::wire::Body;

/// What a lead of the class `URGENT_BUYER` writes, recognisable as a test by the person it wakes.
const MESSAGE: &str = "Test of nightdesk: we need a quote for 50 units by tomorrow and can order today. Please call.";
const EMAIL: &str = "test@example.com";
/// A number that belongs to nobody (North American Numbering Plan, 555-01XX).
const PHONE: &str = "+12025550123";

/// One sample lead.
pub(in crate::cli) struct Sample<'s> {
    /// Its words, if not the built-in ones.
    pub(in crate::cli) message: Option<&'s str>,
    /// Its record in the CRM.
    pub(in crate::cli) record: Option<&'s str>,
    pub(in crate::cli) now: Timestamp,
}

/// The names that stand in a sample, and what stands under them.
const NAMES: [(&str, &str); 4] = [("firstname", "Nightdesk"), ("lastname", "Test"), ("email", EMAIL), ("phone", PHONE)];

impl Sample<'_> {
    /// The body that `source` would post, as JSON, XML or a form; `None` where it would only point to a record, and no
    /// record is given.
    pub(in crate::cli) fn body(&self, source: &Source) -> Option<Body> {
        let message = self.message.map_or_else(|| format!("{MESSAGE} ({})", self.now), str::to_owned);
        let account = source.account.as_deref();
        Some(match &source.shape {
            Shape::Json(fields) => Body::json(&self.by_pointers(fields, &message)),
            Shape::SalesforceJson(fields) => Body::json(&self.by_pointers(&named(fields, "/Description"), &message)),
            Shape::Form(fields) => self.as_form(fields, &message),
            Shape::HubspotWorkflow => Body::json(&self.by_hubspot(&message, account)),
            Shape::HubspotApp => Body::json(&self.event(self.record?, account)),
            Shape::HubspotForm(_) => Body::json(&self.submission(&message, account)),
            Shape::SalesforceOutbound(_) => self.notification(&message, organization(source).or(account)),
            Shape::Pipedrive(fields) => Body::json(&self.person(fields, &message)),
        })
    }

    fn by_pointers(&self, fields: &Fields, message: &str) -> Value {
        let event = format!("nightdesk-test-{}", self.now.as_millis());
        let fields = &named(fields, "/message");
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

    /// The same as browsers send it: `a[b]` for what lies in `a`.
    fn as_form(&self, fields: &Fields, message: &str) -> Body {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let payload = self.by_pointers(fields, message);
        let mut open: Vec<(String, &Value)> = vec![(String::new(), &payload)];
        while let Some((path, value)) = open.pop() {
            match value {
                Value::Object(map) => open.extend(map.iter().map(|(key, inner)| {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}[{key}]") };
                    (path, inner)
                })),
                Value::String(text) => drop(form.append_pair(&path, text)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {}
            }
        }
        Body { content_type: "application/x-www-form-urlencoded", text: form.finish() }
    }

    fn by_hubspot(&self, message: &str, account: Option<&str>) -> Value {
        let mut properties: Map<String, Value> =
            NAMES.iter().map(|(name, text)| ((*name).to_owned(), json!({ "value": text }))).collect();
        properties.insert("message".to_owned(), json!({ "value": message }));
        let mut payload = json!({ "properties": properties });
        for (key, id) in [("vid", self.record), ("portal-id", account)] {
            if let (Some(id), Some(top)) = (id, payload.as_object_mut()) {
                top.insert(key.to_owned(), number(id));
            }
        }
        payload
    }

    fn event(&self, record: &str, account: Option<&str>) -> Value {
        let now = self.now.as_millis();
        json!([{
            "eventId": now, "subscriptionId": 0, "portalId": number(account.unwrap_or("0")), "appId": 0,
            "occurredAt": now, "subscriptionType": "contact.creation", "attemptNumber": 0, "objectId": number(record),
            "changeSource": "CRM", "changeFlag": "NEW",
        }])
    }

    fn submission(&self, message: &str, account: Option<&str>) -> Value {
        let pairs = NAMES.iter().copied().chain([("message", message)]);
        let fields: Vec<Value> = pairs.map(|(name, value)| json!({ "name": name, "value": value })).collect();
        json!({
            "portalId": number(account.unwrap_or("0")), "formId": "nightdesk-test",
            "submittedAt": self.now.as_millis(), "fields": fields,
        })
    }

    fn notification(&self, message: &str, organization: Option<&str>) -> Body {
        let fields = [
            ("Id", self.record.unwrap_or_default()),
            ("FirstName", "Nightdesk"),
            ("LastName", "Test"),
            ("Email", EMAIL),
            ("Phone", PHONE),
            ("Description", message),
        ];
        let fields: Vec<String> = fields
            .iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| format!("<sf:{name}>{}</sf:{name}>", quick_xml::escape::escape(*text)))
            .collect();
        let fields = fields.concat();
        let organization = quick_xml::escape::escape(organization.unwrap_or("00D000000000000"));
        let text = format!(
            r#"<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>{organization}</OrganizationId><ActionId>04k000000000000</ActionId><SessionId xsi:nil="true"/><Notification><Id>04l{}</Id><sObject xsi:type="sf:Lead" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">{fields}</sObject></Notification></notifications></soapenv:Body></soapenv:Envelope>"#,
            self.now.as_millis()
        );
        Body { content_type: "text/xml; charset=UTF-8", text }
    }

    fn person(&self, fields: &Fields, message: &str) -> Value {
        let mut payload = json!({
            "meta": {
                "action": "create", "entity": "person", "entity_id": self.record.unwrap_or("0"),
                "id": format!("nightdesk-test-{}", self.now.as_millis()), "version": "2.0",
            },
            "data": {
                "name": "Nightdesk Test", "emails": [{ "value": EMAIL, "primary": true }],
                "phones": [{ "value": PHONE, "primary": true }],
            },
            "previous": null,
        });
        put(&mut payload, fields.message.first().map_or("/data/message", String::as_str), message);
        payload
    }
}

/// The organization that a Salesforce source expects.
fn organization(source: &Source) -> Option<&str> {
    if let Auth::Salesforce { organization_id, .. } = &source.auth { Some(organization_id) } else { None }
}

/// An id as HubSpot writes it.
fn number(id: &str) -> Value {
    id.parse::<u64>().map_or_else(|_| json!(id), |id| json!(id))
}

/// The fields with the usual places where none are configured.
fn named(fields: &Fields, message: &str) -> Fields {
    let or = |typed: &[String], usual: &str| if typed.is_empty() { vec![usual.to_owned()] } else { typed.to_vec() };
    Fields {
        message: or(&fields.message, message),
        email: or(&fields.email, "/email"),
        phone: or(&fields.phone, "/phone"),
        name: if fields.first_name.is_empty() { or(&fields.name, "/name") } else { fields.name.clone() },
        ..fields.clone()
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
        let json = |sample: &Sample<'_>, source: &str| -> Value {
            serde_json::from_str(&sample.body(&config.sources[source]).unwrap().text).unwrap()
        };
        assert_eq!(
            json(&sample, "form"),
            json!({ "a/b": { "0": { "text": "Hi", "email": EMAIL } }, "id": "501", "event": "nightdesk-test-7", "name": "Nightdesk Test" })
        );
        let flow = json(&sample, "flow");
        assert_eq!((&flow["vid"], &flow["portal-id"]), (&json!(501), &json!(62515)));
        assert_eq!(flow["properties"]["message"]["value"], "Hi");
        let built_in = Sample { message: None, record: None, now: Timestamp::from_millis(0) };
        assert!(json(&built_in, "form")["a/b"]["0"]["text"].as_str().unwrap().ends_with("000Z)"));
        assert!(json(&built_in, "flow").get("vid").is_none());
    }
}
