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
const TASKS: &str = "/crm/v3/objects/tasks";
const SEARCH: &str = "/crm/v3/objects/notes/search";
const PROPERTIES: &str = "/crm/v3/properties/contacts";

fn note() -> Value {
    json!({
        "properties": { "hs_timestamp": "2026-11-23T02:00:00Z", "hs_note_body": "22:04 SMS to Dana nightdesk:ab12cd" },
        "associations": [{ "to": { "id": "101" },
                           "types": [{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202 }] }],
    })
}

fn task() -> Value {
    json!({
        "properties": { "hs_timestamp": "2026-11-23T02:00:00Z", "hs_task_body": "call nightdesk:ab12cd", "hs_task_subject": "x",
                        "hs_task_status": "NOT_STARTED", "hs_task_priority": "HIGH", "hs_task_type": "CALL" },
        "associations": [{ "to": { "id": "101" },
                           "types": [{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204 }] }],
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
async fn tasks_are_no_notes() {
    let sim = Sim::spawn(account().owner("7")).await.unwrap();
    let mut owned = task();
    owned["properties"]["hubspot_owner_id"] = json!("7");
    let made = call(&sim, "POST", TASKS, &owned).await;
    assert_eq!((made.status, &made.json()["properties"]["hs_task_priority"]), (201, &json!("HIGH")));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let mut body = search("101", "ab12cd");
    body["filterGroups"][0]["filters"][1]["propertyName"] = json!("hs_task_body");
    body["properties"] = json!(["hs_task_body"]);
    let found = call(&sim, "POST", &format!("{TASKS}/search"), &body).await.json();
    assert_eq!(found["results"][0]["properties"]["hs_task_body"], "call nightdesk:ab12cd");
    let listed = call(&sim, "GET", "/crm/v4/objects/contacts/101/associations/tasks", &Value::Null).await.json();
    assert_eq!(listed["results"][0]["toObjectId"].to_string(), id);
    assert_eq!(listed["results"][0]["associationTypes"][0]["typeId"], 203);
    let read = call(&sim, "GET", &format!("{TASKS}/{id}?properties=hs_task_subject"), &Value::Null).await.json();
    assert_eq!(read["properties"]["hs_task_subject"], "x");
    assert_eq!(call(&sim, "GET", &format!("{NOTES}/{id}"), &Value::Null).await.status, 404);
    assert_eq!((sim.notes_of("101").len(), sim.tasks_of("101").len()), (0, 1));
    assert!(sim.violations().is_empty());
}

#[tokio::test]
async fn an_owner_is_one_of_the_account() {
    let sim = Sim::spawn(account().owner("7")).await.unwrap();
    let write = |id: &str| json!({ "properties": { "hubspot_owner_id": id } });
    assert_eq!(call(&sim, "PATCH", CONTACT, &write("7")).await.status, 200);
    let mut owned = task();
    owned["properties"]["hubspot_owner_id"] = json!("8");
    for (method, path, body) in [("PATCH", CONTACT, write("8")), ("POST", TASKS, owned)] {
        let got = call(&sim, method, path, &body).await;
        let (category, code) = (got.json()["category"].clone(), got.json()["errors"][0]["code"].clone());
        assert_eq!((got.status, category, code), (400, json!("VALIDATION_ERROR"), json!("INVALID_OWNER_ID")), "{path}");
    }
    assert_eq!(sim.property("101", "hubspot_owner_id").as_deref(), Some("7"));
    assert_eq!(call(&sim, "PATCH", CONTACT, &write("")).await.status, 200, "nobody's");
    assert!(sim.tasks_of("101").is_empty() && sim.violations().is_empty());
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
    let odd = |name: &str, value: &str| {
        let mut body = task();
        body["properties"][name] = json!(value);
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
        ("task without hs_timestamp", "POST", TASKS, without(task(), "/properties", "hs_timestamp")),
        ("task with a note's id", "POST", TASKS, {
            let mut body = task();
            *body.pointer_mut(&format!("{kind}/associationTypeId")).unwrap() = json!(202);
            body
        }),
        ("task of an unknown priority", "POST", TASKS, odd("hs_task_priority", "URGENT")),
        ("task of an unknown status", "POST", TASKS, odd("hs_task_status", "OPEN")),
        ("task of an unknown type", "POST", TASKS, odd("hs_task_type", "SMS")),
        ("task with a note's body", "POST", TASKS, odd("hs_note_body", "x")),
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
        assert!(sim.notes_of("101").is_empty() && sim.tasks_of("101").is_empty(), "{name}");
    }
}

#[tokio::test]
async fn contacts_are_searched_as_the_page_says() {
    const CONTACTS: &str = "/crm/v3/objects/contacts/search";
    let question = |operator: &str, value: &str| {
        json!({
            "filterGroups": [{ "filters": [{ "propertyName": "hs_object_id", "operator": operator, "value": value }] }],
            "properties": ["email"], "sorts": ["hs_object_id"], "limit": 2, "after": "0",
        })
    };
    let sim = Sim::spawn(account().contact("99", &[]).contact("1000", &[])).await.unwrap();
    for (operator, value, total, first) in [
        ("GT", "0", 3, Some("99")),
        ("GT", "99", 2, Some("101")),
        ("GTE", "1000", 1, Some("1000")),
        ("LT", "1", 0, None),
    ] {
        let found = call(&sim, "POST", CONTACTS, &question(operator, value)).await.json();
        assert_eq!((&found["total"], found["results"][0]["id"].as_str()), (&json!(total), first), "{operator} {value}");
        assert_eq!(found["paging"]["next"]["after"].as_str(), (total > 2).then_some("2"));
    }
    assert!(sim.violations().is_empty());
    let changed = |pointer: &str, value: Value| {
        let mut body = question("GT", "0");
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    for (name, body) in [
        ("an id that is none", question("GT", "x")),
        ("an unknown operator", question("ABOVE", "0")),
        ("one that isn't there", question("IN", "0")),
        ("an unknown property", changed("/filterGroups/0/filters/0/propertyName", json!("nope"))),
        ("a number", changed("/filterGroups/0/filters/0/value", json!(0))),
        ("a sort by nothing", changed("/sorts", json!([{ "propertyName": "nope", "direction": "ASCENDING" }]))),
        ("a sort to nowhere", changed("/sorts", json!([{ "propertyName": "email", "direction": "UP" }]))),
        ("two sorts", changed("/sorts", json!(["email", "hs_object_id"]))),
        ("beyond the end", changed("/after", json!("10000"))),
        ("too many", changed("/limit", json!(201))),
    ] {
        let sim = Sim::spawn(account()).await.unwrap();
        assert_eq!(call(&sim, "POST", CONTACTS, &body).await.status, 400, "{name}");
        assert_eq!(sim.violations().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_merged_contact_is_read_by_its_old_id_and_written_by_none() {
    let sim = Sim::spawn(account().contact("202", &[])).await.unwrap();
    assert_eq!(call(&sim, "POST", NOTES, &note()).await.status, 201);
    sim.merge("101", "202");
    let read = call(&sim, "GET", &format!("{CONTACT}?properties=hs_merged_object_ids"), &Value::Null).await.json();
    assert_eq!((&read["id"], &read["properties"]["hs_merged_object_ids"]), (&json!("202"), &json!("101")));
    let write = json!({ "properties": { "high_priority": "true" } });
    assert_eq!(call(&sim, "PATCH", CONTACT, &write).await.status, 404);
    assert_eq!(call(&sim, "POST", NOTES, &note()).await.status, 404);
    assert_eq!((sim.notes_of("101").len(), sim.notes_of("202").len()), (0, 1), "what hung on it moved");
    let ours = json!({ "properties": { "hs_merged_object_ids": "1" } });
    assert_eq!(call(&sim, "PATCH", "/crm/v3/objects/contacts/202", &ours).await.status, 400);
    assert!(sim.violations().is_empty());
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
