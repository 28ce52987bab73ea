//! Salesforce: outbound messages (SOAP), each with up to a hundred records, and whatever JSON an admin designed.
//!
//! Elements are told by their namespace, never by their prefix. A document type, an entity of its own or a processing
//! instruction is refused: no honest sender has one. The session id may be a live token and is never stored.
//! Source: Salesforce, "SOAP API Developer Guide", Outbound Messages.

use quick_xml::NsReader;
use quick_xml::events::{BytesRef, Event};
use quick_xml::name::{Namespace, ResolveResult};
use serde_json::{Map, Value};

use super::{Fields, Found, Item, Unreadable, excerpt, field, json, position};

/// The answer that takes a whole batch; anything else and all of it comes again.
pub(super) const ACK: &str = concat!(
    r#"<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>"#,
    r#"<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>"#,
    r"</soapenv:Body></soapenv:Envelope>"
);

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const OUTBOUND: &str = "http://soap.sforce.com/2005/09/outbound";
/// Deeper is no outbound message: its fields are at 6.
const MAX_DEPTH: usize = 16;
/// Salesforce sends at most a hundred.
const MAX_NOTIFICATIONS: usize = 1_000;
/// More of what the parser says helps nobody.
const MAX_COMPLAINT_CHARS: usize = 200;
/// Names of a record's id in JSON that an admin designed.
const RECORD_ID: [&str; 6] = ["Id", "id", "ID", "recordId", "RecordId", "LeadId"];
/// What such JSON may be nested in.
const AROUND: [&str; 5] = ["lead", "Lead", "record", "sobject", "data"];

/// A batch of notifications.
#[derive(Debug, Default, PartialEq, Eq)]
struct Notifications {
    organization: Option<String>,
    /// The notification's id, and the record's fields.
    records: Vec<(Option<String>, Map<String, Value>)>,
}

/// What an outbound message tells of.
pub(super) fn outbound(body: &[u8], fields: &Fields) -> Result<Vec<Item>, Unreadable> {
    let Notifications { organization, records } = notifications(body)?;
    let item = |(id, record): (Option<String>, Map<String, Value>)| {
        let record_id = record.get("Id").and_then(field);
        let found = fields.find(&Value::Object(record));
        Item::Lead(Found {
            record_id: found.record_id.or(record_id),
            event_id: found.event_id.or(id),
            account: organization.clone(),
            ..found
        })
    };
    Ok(records.into_iter().map(item).collect())
}

/// The organization that an outbound message says it comes from.
pub(super) fn organization(body: &[u8]) -> Option<String> {
    notifications(body).ok()?.organization
}

/// What JSON that an admin designed tells of.
pub(super) fn designed(payload: &Value, fields: &Fields) -> Vec<Item> {
    json::each(payload, |value| {
        let inner = AROUND.iter().filter_map(|name| value.get(name));
        let record_id = std::iter::once(value)
            .chain(inner)
            .find_map(|holder| RECORD_ID.iter().find_map(|id| holder.get(id).and_then(field)));
        let found = fields.find(value);
        Found { record_id: found.record_id.or(record_id), ..found }
    })
}

/// Where an element belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Soap,
    Outbound,
    Other,
}

struct Reading {
    path: Vec<(Of, String)>,
    text: String,
    found: Notifications,
    open: Option<(Option<String>, Map<String, Value>)>,
}

fn notifications(body: &[u8]) -> Result<Notifications, Unreadable> {
    let text = std::str::from_utf8(body).map_err(|_| Unreadable::Xml("it is not UTF-8".to_owned()))?;
    let mut reader = NsReader::from_str(text.trim_start_matches('\u{feff}'));
    let mut reading = Reading { path: Vec::new(), text: String::new(), found: Notifications::default(), open: None };
    let mut has_root = false;
    loop {
        let (of, event) = reader.read_resolved_event().map_err(|error| Unreadable::Xml(words_of(&error)))?;
        let of = of_namespace(&of);
        match event {
            Event::Start(tag) => {
                has_root = true;
                reading.enter(of, tag.local_name().as_ref())?;
            }
            Event::Empty(tag) => {
                reading.enter(of, tag.local_name().as_ref())?;
                reading.leave();
            }
            Event::End(_) => reading.leave(),
            Event::Text(text) => reading.text.push_str(&text),
            Event::CData(text) => reading.text.push_str(&text),
            Event::GeneralRef(name) => reading.text.push(character(&name)?),
            Event::DocType(_) => return Err(Unreadable::Xml("it has a document type".to_owned())),
            Event::PI(_) => return Err(Unreadable::Xml("it has a processing instruction".to_owned())),
            Event::Decl(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    match (has_root && reading.path.is_empty(), reading.found.records.is_empty()) {
        (false, _) => Err(Unreadable::Xml("it is cut off".to_owned())),
        (true, true) => Err(Unreadable::Xml("it is no outbound message: there is no Notification in it".to_owned())),
        (true, false) => Ok(reading.found),
    }
}

/// A parser's complaint, which may quote a name of any length.
fn words_of(error: &quick_xml::Error) -> String {
    excerpt(&error.to_string(), MAX_COMPLAINT_CHARS)
}

fn of_namespace(resolved: &ResolveResult<'_>) -> Of {
    match resolved {
        ResolveResult::Bound(Namespace(name)) if *name == SOAP => Of::Soap,
        ResolveResult::Bound(Namespace(name)) if *name == OUTBOUND => Of::Outbound,
        ResolveResult::Bound(_) | ResolveResult::Unbound | ResolveResult::Unknown(_) => Of::Other,
    }
}

/// One of the five entities that XML has by itself, or a character by its number.
fn character(name: &BytesRef<'_>) -> Result<char, Unreadable> {
    if let Ok(Some(c)) = name.resolve_char_ref() {
        return Ok(c);
    }
    match &**name {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(Unreadable::Xml("it has an entity of its own".to_owned())),
    }
}

impl Reading {
    fn enter(&mut self, of: Of, name: &str) -> Result<(), Unreadable> {
        if self.path.len() >= MAX_DEPTH {
            return Err(Unreadable::Xml("it is nested too deep".to_owned()));
        }
        self.path.push((of, name.to_owned()));
        self.text.clear();
        if self.is_at(&["Notification"]) && self.open.is_none() {
            self.open = Some((None, Map::new()));
        }
        Ok(())
    }

    fn leave(&mut self) {
        let text = std::mem::take(&mut self.text).trim().to_owned();
        if self.is_at(&["OrganizationId"]) && !text.is_empty() {
            self.found.organization = Some(text);
        } else if self.is_at(&["Notification"]) {
            let whole = self.open.take();
            if self.found.records.len() < MAX_NOTIFICATIONS {
                self.found.records.extend(whole);
            }
        } else if self.is_at(&["Notification", "Id"]) {
            if let Some((id, _)) = &mut self.open {
                *id = Some(text);
            }
        } else if let Some((_, name)) = self.path.get(5)
            && self.path.len() == 6
            && self.starts_with(&["Notification", "sObject"])
            && !text.is_empty()
            && let Some((_, record)) = &mut self.open
        {
            record.insert(name.clone(), Value::String(text));
        }
        self.path.pop();
    }

    /// Whether the reader stands at this place within `notifications`.
    fn is_at(&self, names: &[&str]) -> bool {
        self.path.len() == names.len().saturating_add(3) && self.starts_with(names)
    }

    fn starts_with(&self, names: &[&str]) -> bool {
        let frame = [(Of::Soap, "Envelope"), (Of::Soap, "Body"), (Of::Outbound, "notifications")];
        let want = frame.into_iter().chain(names.iter().map(|name| (Of::Outbound, *name)));
        let mut path = self.path.iter().map(|(of, name)| (*of, name.as_str()));
        want.into_iter().all(|step| path.next() == Some(step))
    }
}

/// The body with stars in place of each session id, whatever else is wrong with it.
pub(super) fn without_session(body: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = b"SessionId";
    const STARS: &[u8] = b"***";
    if body.contains(&0) {
        // UTF-16, perhaps: nothing in it can be found, so nothing of it is kept.
        return b"(left out: not UTF-8, so a session id in it can't be found)".to_vec();
    }
    let mut kept = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = position(rest, NAME) {
        let Some((before, from)) = rest.split_at_checked(at.saturating_add(NAME.len())) else { break };
        kept.extend_from_slice(before);
        rest = from;
        let name_from = before.iter().rposition(|byte| matches!(byte, b'<' | b'>')).unwrap_or(0);
        let is_start = before.get(name_from..).is_some_and(|tag| tag.starts_with(b"<") && !tag.starts_with(b"</"));
        let Some(end) = rest.iter().position(|byte| *byte == b'>').filter(|_| is_start) else { continue };
        let Some((attributes, inside)) = rest.split_at_checked(end.saturating_add(1)) else { break };
        kept.extend_from_slice(attributes);
        rest = inside;
        if !attributes.ends_with(b"/>") {
            kept.extend_from_slice(STARS);
            rest = end_tag(inside, NAME);
        }
    }
    kept.extend_from_slice(rest);
    kept
}

/// From the end tag of `name` on; nothing where there is none.
fn end_tag<'b>(text: &'b [u8], name: &[u8]) -> &'b [u8] {
    let mut from = 0_usize;
    while let Some(at) = text.get(from..).and_then(|rest| position(rest, b"</")) {
        let start = from.saturating_add(at);
        let tag = text.get(start..).unwrap_or_default();
        let inside = tag.iter().position(|byte| *byte == b'>').and_then(|end| tag.get(2..end)).unwrap_or_default();
        if inside.trim_ascii().ends_with(name) {
            return tag;
        }
        from = start.saturating_add(2);
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::super::Message;
    use super::*;

    fn envelope(inside: &str) -> String {
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><s:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>00DAA0000000001EAA</OrganizationId><SessionId>00D!live</SessionId>{inside}</notifications></s:Body></s:Envelope>"#
        )
    }

    fn notification(id: &str, fields: &str) -> String {
        format!(
            r#"<Notification><Id>{id}</Id><sObject xsi:type="sf:Lead" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">{fields}</sObject></Notification>"#
        )
    }

    fn leads(body: &str) -> Vec<Found> {
        let items = outbound(body.as_bytes(), &Fields::default()).unwrap();
        items.into_iter().map(|item| if let Item::Lead(found) = item { found } else { panic!("{item:?}") }).collect()
    }

    #[test]
    fn each_notification_is_a_lead() {
        let fields = "<sf:Id>00QEX0000000001AAA</sf:Id><sf:FirstName>Ines</sf:FirstName><sf:LastName>Jung</sf:LastName><sf:Email>ines@example.com</sf:Email><sf:Description>f&#252;r 10 &amp; <![CDATA[<danke>]]></sf:Description><sf:Phone xsi:nil=\"true\"/>";
        let body = envelope(&(notification("04l1", fields) + &notification("04l2", "<sf:Id>00Q2</sf:Id>")));
        let found = leads(&body);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].message, Message::Text("für 10 & <danke>".into()));
        assert_eq!(found[0].name.as_deref(), Some("Ines Jung"));
        assert_eq!(
            (found[0].record_id.as_deref(), found[0].event_id.as_deref()),
            (Some("00QEX0000000001AAA"), Some("04l1"))
        );
        assert_eq!((found[0].phone.as_deref(), found[0].account.as_deref()), (None, Some("00DAA0000000001EAA")));
        assert_eq!(found[1].message, Message::Missing);
        assert_eq!(organization(body.as_bytes()).as_deref(), Some("00DAA0000000001EAA"));
        let changes = [
            ("s:Envelope", "e:Envelope"),
            ("s:Body", "e:Body"),
            ("xmlns:s=", "xmlns:e="),
            ("sf:", "q:"),
            (":sf=", ":q="),
        ];
        let other = changes.iter().fold(body, |body, (from, to)| body.replace(from, to));
        assert_eq!(leads(&other)[0].event_id.as_deref(), Some("04l1"), "{other}");
    }

    #[test]
    fn what_no_honest_sender_has_is_refused() {
        let good = envelope(&notification("1", "<sf:Description>Hi</sf:Description>"));
        for (name, body) in [
            ("a document type", good.replace("<s:Envelope", "<!DOCTYPE a [<!ENTITY b \"c\">]><s:Envelope")),
            ("an entity", good.replace("Hi", "&lol;")),
            ("an instruction", good.replace("<s:Body>", "<?php x ?><s:Body>")),
            ("cut off", good.split_at(good.len() - 30).0.to_owned()),
            ("another namespace", good.replace("2005/09/outbound", "2005/09/inbound")),
            ("no notification", envelope("")),
            ("deep", envelope(&"<a>".repeat(100))),
            ("crossed tags", good.replace("</s:Body></s:Envelope>", "</s:Envelope></s:Body>")),
            ("nothing", String::new()),
            ("JSON", "{}".to_owned()),
        ] {
            assert!(outbound(body.as_bytes(), &Fields::default()).is_err(), "{name}");
        }
        assert!(outbound(b"\xff\xfe<\0", &Fields::default()).is_err());
    }

    #[test]
    fn a_session_id_is_never_kept() {
        for (name, text, want) in [
            ("plain", "<SessionId>s3cret</SessionId>", "<SessionId>***</SessionId>"),
            ("a prefix", "<o:SessionId a=\"b\">s3cret</o:SessionId><x/>", "<o:SessionId a=\"b\">***</o:SessionId><x/>"),
            ("nil", "<SessionId xsi:nil=\"true\"/><Id>1</Id>", "<SessionId xsi:nil=\"true\"/><Id>1</Id>"),
            ("CDATA", "<SessionId><![CDATA[s3cret</a>]]></SessionId>", "<SessionId>***</SessionId>"),
            ("never closed", "<a><SessionId>s3cret</a>", "<a><SessionId>***"),
            (
                "twice",
                "<SessionId>a</SessionId><SessionId>b</SessionId >",
                "<SessionId>***</SessionId><SessionId>***</SessionId >",
            ),
            ("none", "<a>SessionId</a>", "<a>SessionId</a>"),
            ("UTF-16", "S\0e\0", "(left out: not UTF-8, so a session id in it can't be found)"),
        ] {
            assert_eq!(String::from_utf8_lossy(&without_session(text.as_bytes())), want, "{name}");
        }
    }

    #[test]
    fn json_that_an_admin_designed() {
        let fields = Fields::default();
        for payload in [
            serde_json::json!({ "Id": "00Q1", "Email": "a@b.co", "Description": "Hi" }),
            serde_json::json!({ "lead": { "Id": "00Q1", "Email": "a@b.co", "Description": "Hi" } }),
        ] {
            let [Item::Lead(found)] = &designed(&payload, &fields)[..] else { panic!() };
            assert_eq!(found.message, Message::Text("Hi".into()));
            assert_eq!((found.record_id.as_deref(), found.email.as_deref()), (Some("00Q1"), Some("a@b.co")));
        }
    }
}
