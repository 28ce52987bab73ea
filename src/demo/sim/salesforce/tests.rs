//! What Salesforce refuses, and what an org holds after a write.

mod composite;
mod queries;
mod tokens;

use super::super::http::Sim;
use super::super::tests::{Asked, ask};
use super::*;

const CLIENT: &str = "3MVG9client";
const SECRET: &str = "org-secret";
const LEAD: &str = "00Q5e000001AbCdEAK";
const DATA: &str = "/services/data/v60.0";

fn org() -> Salesforce {
    Salesforce::new(CLIENT, SECRET)
        .picklist("Auto_Classification__c", &["URGENT_BUYER", "SPAM"])
        .checkbox("High_Priority__c")
        .task_key("Nightdesk_Key__c")
        .lead(LEAD, &[("LastName", "Byron"), ("Email", "ada@example.com"), ("Description", "hello")])
}

async fn post_form(sim: &Sim<Salesforce>, form: &str) -> Asked {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    ask(&sim.base_url(), "POST", "/services/oauth2/token", &headers, form).await
}

async fn token(sim: &Sim<Salesforce>) -> String {
    let form = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}");
    post_form(sim, &form).await.json()["access_token"].as_str().unwrap().to_owned()
}

async fn call(sim: &Sim<Salesforce>, method: &str, path: &str, body: &Value) -> Asked {
    let bearer = format!("Bearer {}", token(sim).await);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    ask(&sim.base_url(), method, &format!("{DATA}{path}"), &headers, &body).await
}

fn code(asked: &Asked) -> String {
    asked.json()[0]["errorCode"].as_str().unwrap_or_default().to_owned()
}

fn task() -> Value {
    json!({ "WhoId": LEAD, "Subject": "nightdesk: K7", "Status": "Completed", "Priority": "High",
            "ActivityDate": "2026-11-23", "Description": "nightdesk: SPAM.\nnightdesk:nd1" })
}

fn lead_path() -> String {
    format!("/sobjects/Lead/{LEAD}")
}

#[tokio::test]
async fn leads_are_read_and_written_with_real_types() {
    let sim = Sim::spawn(org()).await.unwrap();
    let fields = json!({ "Auto_Classification__c": "URGENT_BUYER", "High_Priority__c": true });
    let taken = call(&sim, "PATCH", &lead_path(), &fields).await;
    assert_eq!((taken.status, taken.body.as_str()), (204, ""));
    assert!(taken.head.contains("sforce-limit-info: api-usage=1/15000"), "{}", taken.head);
    // Fifteen characters are the same record.
    let read =
        call(&sim, "GET", "/sobjects/Lead/00Q5e000001AbCd?fields=Email,High_Priority__c,Phone", &Value::Null).await;
    let read = read.json();
    assert_eq!(read["attributes"]["type"], "Lead");
    assert_eq!((&read["Id"], &read["Email"]), (&json!(LEAD), &json!("ada@example.com")));
    assert_eq!((&read["High_Priority__c"], &read["Phone"]), (&json!(true), &Value::Null));
    assert_eq!(read.get("Description"), None, "only what is asked for");
    assert_eq!(sim.field(LEAD, "Auto_Classification__c"), "URGENT_BUYER");
    call(&sim, "PATCH", &lead_path(), &json!({ "FirstName": " Ada ", "Email": "", "Description": null })).await;
    let names = ["FirstName", "Email", "Description"].map(|name| sim.field(LEAD, name));
    assert_eq!(names, [json!("Ada"), Value::Null, Value::Null], "texts are trimmed");
    assert!(sim.violations().is_empty());
}

#[tokio::test]
async fn a_key_makes_one_task_however_often_it_is_asked_for() {
    let sim = Sim::spawn(org()).await.unwrap();
    let path = "/sobjects/Task/Nightdesk_Key__c/nd1";
    let made = call(&sim, "PATCH", path, &task()).await;
    assert_eq!((made.status, made.json()["created"].clone()), (201, json!(true)));
    let again = call(&sim, "PATCH", &path.replace("nd1", "ND1"), &task()).await;
    assert_eq!((again.status, again.json()["created"].clone()), (200, json!(false)), "keys have no case");
    let tasks = sim.tasks_of(LEAD);
    assert_eq!((tasks.len(), tasks[0].text("Nightdesk_Key__c"), tasks[0].text("Priority")), (1, "nd1", "High"));
    sim.double(&tasks[0].id);
    let many = call(&sim, "PATCH", path, &task()).await;
    assert_eq!((many.status, many.json().as_array().unwrap().len()), (300, 2));
    assert!(sim.violations().is_empty());
    let terse = Sim::spawn(org().terse()).await.unwrap();
    call(&terse, "PATCH", path, &task()).await;
    assert_eq!(call(&terse, "PATCH", path, &task()).await.status, 204);
    let without = call(&sim, "PATCH", "/sobjects/Task/Other__c/nd1", &task()).await;
    assert_eq!((without.status, code(&without)), (404, "NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn tasks_without_a_key_are_made_anew_each_time() {
    let sim = Sim::spawn(org()).await.unwrap();
    for _ in 0..2 {
        let made = call(&sim, "POST", "/sobjects/Task", &task()).await;
        assert_eq!((made.status, made.json()["success"].clone()), (201, json!(true)));
    }
    assert_eq!(sim.tasks_of(LEAD).len(), 2);
    let contact = sim.convert(LEAD, "2026-11-23");
    assert_eq!((sim.tasks_of(LEAD).len(), sim.tasks_of(&contact).len()), (0, 2), "they move with the conversion");
    assert!(sim.violations().is_empty());
}

#[tokio::test]
async fn client_mistakes_are_refused_and_remembered() {
    let with = |mut body: Value, key: &str, value: Value| {
        body[key] = value;
        body
    };
    let key = "/sobjects/Task/Nightdesk_Key__c/nd1";
    let lead = lead_path();
    for (name, method, path, body, want) in [
        ("a boolean as a text", "PATCH", lead.as_str(), json!({ "High_Priority__c": "true" }), "JSON_PARSER_ERROR"),
        ("a text as a number", "PATCH", &lead, json!({ "LastName": 7 }), "JSON_PARSER_ERROR"),
        ("no fields", "PATCH", &lead, json!({}), "JSON_PARSER_ERROR"),
        ("HubSpot's shape", "PATCH", &lead, json!({ "properties": {} }), "INVALID_FIELD"),
        ("a read-only field", "PATCH", &lead, json!({ "IsConverted": true }), "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("its own id", "PATCH", &lead, json!({ "Id": LEAD }), "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ("the key in the body", "PATCH", key, with(task(), "Nightdesk_Key__c", json!("nd1")), "INVALID_FIELD"),
        ("a subject too long", "PATCH", key, with(task(), "Subject", json!("a".repeat(256))), "STRING_TOO_LONG"),
        (
            "a text too long",
            "POST",
            "/sobjects/Task",
            with(task(), "Description", json!("a".repeat(32_001))),
            "STRING_TOO_LONG",
        ),
        (
            "a date with a time",
            "POST",
            "/sobjects/Task",
            with(task(), "ActivityDate", json!("2026-11-23T02:00:00Z")),
            "JSON_PARSER_ERROR",
        ),
        (
            "a lead and something else",
            "POST",
            "/sobjects/Task",
            with(task(), "WhatId", json!("0015e000001AbCd")),
            "FIELD_INTEGRITY_EXCEPTION",
        ),
        ("an unknown field", "POST", "/sobjects/Task", with(task(), "Note", json!("x")), "INVALID_FIELD"),
        (
            "an unknown parameter",
            "PATCH",
            &format!("{lead}?updateOnly=true"),
            json!({ "LastName": "x" }),
            "MALFORMED_QUERY",
        ),
        ("a path that isn't", "POST", "/sobjects/Task/x/y/z", task(), "NOT_FOUND"),
    ] {
        let sim = Sim::spawn(org()).await.unwrap();
        let got = call(&sim, method, path, &body).await;
        assert_eq!(code(&got), want, "{name}: {}", got.body);
        assert_eq!(sim.violations().len(), 1, "{name}");
        assert!(sim.tasks_of(LEAD).is_empty() && sim.field(LEAD, "LastName") == "Byron", "{name}");
    }
}

#[tokio::test]
async fn the_org_may_refuse_a_good_request() {
    let sim = Sim::spawn(org().lead("00Q5e000001Gone", &[]).lead("00Q5e000001Conv", &[])).await.unwrap();
    sim.delete("00Q5e000001Gone");
    let contact = sim.convert("00Q5e000001Conv", "2026-11-23");
    let flag = || json!({ "High_Priority__c": true });
    let about = |who: &str| {
        let mut body = task();
        body["WhoId"] = json!(who);
        body
    };
    let lead = lead_path();
    for (name, method, path, body, status, want) in [
        ("no field", "PATCH", lead.as_str(), json!({ "Other__c": 1, "High_Priority__c": true }), 400, "INVALID_FIELD"),
        (
            "no value",
            "PATCH",
            &lead,
            json!({ "Auto_Classification__c": "X" }),
            400,
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        ),
        ("no user", "PATCH", &lead, json!({ "OwnerId": "0055e000000Else" }), 400, "INVALID_CROSS_REFERENCE_KEY"),
        ("no lead", "PATCH", "/sobjects/Lead/00Q5e000001None", flag(), 404, "NOT_FOUND"),
        ("no id", "PATCH", "/sobjects/Lead/7", flag(), 404, "NOT_FOUND"),
        ("a contact's id", "GET", &format!("/sobjects/Lead/{contact}"), Value::Null, 404, "NOT_FOUND"),
        ("deleted", "PATCH", "/sobjects/Lead/00Q5e000001Gone", flag(), 404, "ENTITY_IS_DELETED"),
        ("converted", "PATCH", "/sobjects/Lead/00Q5e000001Conv", flag(), 400, "CANNOT_UPDATE_CONVERTED_LEAD"),
        ("about nobody", "POST", "/sobjects/Task", about("00Q5e000001None"), 400, "INVALID_CROSS_REFERENCE_KEY"),
        ("about no id", "POST", "/sobjects/Task", about("7"), 400, "MALFORMED_ID"),
        (
            "about a converted lead",
            "POST",
            "/sobjects/Task",
            about("00Q5e000001Conv"),
            400,
            "CANNOT_UPDATE_CONVERTED_LEAD",
        ),
    ] {
        let got = call(&sim, method, path, &body).await;
        assert_eq!((got.status, code(&got)), (status, want.to_owned()), "{name}");
    }
    assert_eq!(sim.field(LEAD, "High_Priority__c"), Value::Null, "one bad field fails the whole write");
    assert_eq!(call(&sim, "PATCH", &format!("/sobjects/Contact/{contact}"), &flag()).await.status, 204);
    assert_eq!(call(&sim, "POST", "/sobjects/Task", &about(&contact)).await.status, 201);
    assert!(sim.violations().is_empty());
}

#[tokio::test]
async fn versions_days_and_rates_have_their_ends() {
    let sim = Sim::spawn(org().rate(3, Duration::from_hours(1))).await.unwrap();
    let bearer = format!("Bearer {}", token(&sim).await);
    let headers = [("authorization", bearer.as_str())];
    for (version, status) in [("v30.0", 410), ("v99.0", 404)] {
        let path = format!("/services/data/{version}/sobjects/Lead/describe");
        assert_eq!(ask(&sim.base_url(), "GET", &path, &headers, "").await.status, status, "{version}");
    }
    let path = format!("{DATA}/sobjects/Lead/describe");
    let statuses = [
        ask(&sim.base_url(), "GET", &path, &headers, "").await,
        ask(&sim.base_url(), "GET", &path, &headers, "").await,
    ];
    assert_eq!(statuses.map(|asked| asked.status), [200, 403], "three calls in an hour");
    let sim = Sim::spawn(org()).await.unwrap();
    sim.set_usage(14_999, 15_000);
    assert_eq!(call(&sim, "GET", "/sobjects/Lead/describe", &Value::Null).await.status, 200);
    let over = call(&sim, "GET", "/sobjects/Lead/describe", &Value::Null).await;
    assert_eq!((over.status, code(&over)), (403, "REQUEST_LIMIT_EXCEEDED".to_owned()));
    assert!(over.head.contains("api-usage=15000/15000"));
    assert!(sim.violations().is_empty());
}

#[tokio::test]
async fn a_description_tells_what_each_field_takes() {
    let sim = Sim::spawn(org()).await.unwrap();
    let described = call(&sim, "GET", "/sobjects/Lead/describe", &Value::Null).await.json();
    let field = |name: &str| {
        described["fields"].as_array().unwrap().iter().find(|field| field["name"] == name).cloned().unwrap_or_default()
    };
    let class = field("Auto_Classification__c");
    assert_eq!((&class["type"], &class["restrictedPicklist"]), (&json!("picklist"), &json!(true)));
    assert_eq!(class["picklistValues"][1]["value"], "SPAM");
    assert_eq!((&field("High_Priority__c")["type"], &field("Id")["updateable"]), (&json!("boolean"), &json!(false)));
    assert_eq!(field("Nightdesk_Key__c"), Value::Null, "that one is on activities");
    let task = call(&sim, "GET", "/sobjects/Task/describe", &Value::Null).await.json();
    assert!(task["fields"].as_array().unwrap().iter().any(|field| field["externalId"] == true));
}
