//! What HubSpot refuses, and what an account holds after a write.

use super::super::http::Sim;
use super::super::tests::{Asked, ask};
use super::*;

fn account() -> HubSpot {
    HubSpot::new("pat-test")
        .contact("101", &[("email", "ada@example.com"), ("message", "hello")])
        .enum_property("auto_classification", &["URGENT_BUYER", "SPAM"])
        .bool_property("high_priority")
}

async fn call(sim: &Sim<HubSpot>, method: &str, path: &str, body: &Value) -> Asked {
    let headers = [("authorization", "Bearer pat-test"), ("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    ask(&sim.base_url(), method, path, &headers, &body).await
}

const CONTACT: &str = "/crm/v3/objects/contacts/101";
const NOTES: &str = "/crm/v3/objects/notes";
const SEARCH: &str = "/crm/v3/objects/notes/search";
const PROPERTIES: &str = "/crm/v3/properties/contacts";

fn note() -> Value {
    json!({
        "properties": { "hs_timestamp": "2026-11-23T02:00:00Z", "hs_note_body": "22:04 SMS to Dana nightdesk:ab12cd" },
        "associations": [{ "to": { "id": "101" },
                           "types": [{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202 }] }],
    })
}

fn search(contact: &str, token: &str) -> Value {
    json!({
        "filterGroups": [{ "filters": [
            { "propertyName": "associations.contact", "operator": "EQ", "value": contact },
            { "propertyName": "hs_note_body", "operator": "CONTAINS_TOKEN", "value": token } ] }],
        "properties": ["hs_note_body"], "limit": 10, "after": "0", "sorts": [],
    })
}

#[tokio::test]
async fn contacts_are_read_and_written() {
    let sim = Sim::spawn(account()).await.unwrap();
    let read = call(&sim, "GET", CONTACT, &Value::Null).await.json();
    assert_eq!(read["properties"].get("message"), None, "only what is asked for");
    let read = call(&sim, "GET", &format!("{CONTACT}?properties=email,message,phone,nope"), &Value::Null).await.json();
    assert_eq!(
        read["properties"],
        json!({ "email": "ada@example.com", "message": "hello", "phone": null,
                                            "hs_object_id": "101" })
    );
    let by_mail = "/crm/v3/objects/contacts/ada@example.com?idProperty=email";
    assert_eq!(call(&sim, "GET", by_mail, &Value::Null).await.json()["id"], "101");
    let write =
        json!({ "properties": { "auto_classification": "URGENT_BUYER", "high_priority": "true", "message": "" } });
    assert_eq!(call(&sim, "PATCH", CONTACT, &write).await.status, 200);
    assert_eq!(sim.property("101", "auto_classification").as_deref(), Some("URGENT_BUYER"));
    assert_eq!(sim.property("101", "message"), None);
    assert!(sim.violations().is_empty());
}

#[tokio::test]
async fn notes_are_found_once_the_search_knows_them() {
    let sim = Sim::spawn(account().search_lag(Duration::from_hours(1))).await.unwrap();
    let made = call(&sim, "POST", NOTES, &note()).await;
    assert_eq!(made.status, 201);
    assert!(made.head.contains("x-hubspot-correlation-id"));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(call(&sim, "POST", SEARCH, &search("101", "ab12cd")).await.json()["total"], 0);
    sim.site().search_lag = Duration::ZERO;
    for (contact, token, want) in [
        ("101", "ab12cd", 1),
        ("101", "nightdesk:ab12cd", 1),
        ("101", "ab12", 0),
        ("101", "ab12*", 1),
        ("102", "ab12cd", 0),
    ] {
        let found = call(&sim, "POST", SEARCH, &search(contact, token)).await.json();
        assert_eq!(found["total"], want, "{contact} {token}");
    }
    let listed = call(&sim, "GET", "/crm/v4/objects/contacts/101/associations/notes", &Value::Null).await.json();
    assert_eq!(listed["results"][0]["toObjectId"].to_string(), id);
    let read = call(&sim, "GET", &format!("{NOTES}/{id}?properties=hs_note_body"), &Value::Null).await.json();
    assert_eq!(read["properties"]["hs_note_body"], sim.notes_of("101")[0].body);
    assert!(sim.violations().is_empty());
}

#[tokio::test]
async fn client_mistakes_are_refused_and_remembered() {
    let changed = |pointer: &str, value: Value| {
        let mut body = note();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let without = |mut body: Value, parent: &str, key: &str| {
        body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
        body
    };
    let kind = "/associations/0/types/0";
    for (name, method, path, body) in [
        ("note without associations", "POST", NOTES, without(note(), "", "associations")),
        ("note with no association", "POST", NOTES, changed("/associations", json!([]))),
        ("note without hs_timestamp", "POST", NOTES, without(note(), "/properties", "hs_timestamp")),
        ("note at no time", "POST", NOTES, changed("/properties/hs_timestamp", json!("yesterday"))),
        ("note body too long", "POST", NOTES, changed("/properties/hs_note_body", json!("a".repeat(65_537)))),
        ("note body no string", "POST", NOTES, changed("/properties/hs_note_body", json!(7))),
        ("note with the reverse id", "POST", NOTES, changed(&format!("{kind}/associationTypeId"), json!(201))),
        ("note with a task's id", "POST", NOTES, changed(&format!("{kind}/associationTypeId"), json!(204))),
        ("note of a wrong category", "POST", NOTES, changed(&format!("{kind}/associationCategory"), json!("X"))),
        ("note to a number", "POST", NOTES, changed("/associations/0/to/id", json!(101))),
        ("unknown key", "POST", NOTES, {
            let mut body = note();
            body["key"] = json!(1);
            body
        }),
        ("boolean property", "PATCH", CONTACT, json!({ "properties": { "high_priority": true } })),
        ("null property", "PATCH", CONTACT, json!({ "properties": { "high_priority": null } })),
        ("no properties", "PATCH", CONTACT, json!({})),
        ("search without sorts", "POST", SEARCH, without(search("101", "x"), "", "sorts")),
        ("search over the limit", "POST", SEARCH, {
            let mut body = search("101", "x");
            body["limit"] = json!(201);
            body
        }),
        (
            "property without group",
            "POST",
            PROPERTIES,
            json!({ "name": "a", "label": "A", "type": "string", "fieldType": "text" }),
        ),
        (
            "property of a wrong field type",
            "POST",
            PROPERTIES,
            json!({ "name": "a", "label": "A", "type": "enumeration", "fieldType": "text", "groupName": "contactinformation" }),
        ),
    ] {
        let sim = Sim::spawn(account()).await.unwrap();
        let got = call(&sim, method, path, &body).await;
        assert_eq!((got.status, got.json()["category"].as_str()), (400, Some("VALIDATION_ERROR")), "{name}");
        assert_eq!(sim.violations().len(), 1, "{name}");
        assert!(sim.notes_of("101").is_empty(), "{name}");
    }
}

#[tokio::test]
async fn the_account_may_refuse_a_good_request() {
    let sim = Sim::spawn(account()).await.unwrap();
    let patch = |name: &str, value: &str| json!({ "properties": { "high_priority": "true", name: value } });
    for (name, body, code) in [
        ("unknown property", patch("no_such", "x"), "PROPERTY_DOESNT_EXIST"),
        ("value outside the options", patch("auto_classification", "MAYBE"), "INVALID_OPTION"),
        ("read-only property", patch("createdate", "1"), "READ_ONLY_VALUE"),
    ] {
        let got = call(&sim, "PATCH", CONTACT, &body).await;
        assert_eq!((got.status, got.json()["errors"][0]["code"].as_str()), (400, Some(code)), "{name}");
        assert!(got.json()["message"].as_str().unwrap().contains(code), "{name}");
    }
    assert_eq!(sim.property("101", "high_priority"), None, "one bad property fails the whole write");
    assert_eq!(
        call(&sim, "GET", "/crm/v3/objects/contacts/9", &Value::Null).await.json()["category"],
        "OBJECT_NOT_FOUND"
    );
    let denied = ask(&sim.base_url(), "GET", CONTACT, &[("authorization", "Bearer x")], "").await;
    assert_eq!((denied.status, denied.json()["category"].as_str()), (401, Some("INVALID_AUTHENTICATION")));
    let poor = Sim::spawn(account().without_scope(SCOPES[1])).await.unwrap();
    let denied = call(&poor, "POST", NOTES, &note()).await;
    assert_eq!((denied.status, denied.json()["category"].as_str()), (403, Some("MISSING_SCOPES")));
    assert!(sim.violations().is_empty() && poor.violations().is_empty());
}

#[tokio::test]
async fn properties_are_created_once() {
    let sim = Sim::spawn(HubSpot::new("pat-test").contact("101", &[])).await.unwrap();
    let option =
        |value: &str, order: u32| json!({ "label": value, "value": value, "displayOrder": order, "hidden": false });
    let body = json!({ "name": "auto_classification", "label": "Class", "type": "enumeration", "fieldType": "select",
                       "groupName": "contactinformation", "options": [option("A", 0), option("B", 1)] });
    assert_eq!(call(&sim, "GET", &format!("{PROPERTIES}/auto_classification"), &Value::Null).await.status, 404);
    assert_eq!(call(&sim, "POST", PROPERTIES, &body).await.status, 201);
    assert_eq!(call(&sim, "POST", PROPERTIES, &body).await.status, 409);
    let all = call(&sim, "GET", PROPERTIES, &Value::Null).await.json();
    assert!(all["results"].as_array().unwrap().iter().any(|property| property["name"] == "auto_classification"));
    let write = json!({ "properties": { "auto_classification": "B" } });
    assert_eq!(call(&sim, "PATCH", CONTACT, &write).await.status, 200);
    assert!(sim.violations().is_empty());
}
