//! What Pipedrive refuses.

use super::super::tests::{Asked, ask};
use super::*;

const KEY: &str = "d4de1c1518b4531717c676029a45911c340390a6";

fn account() -> Pipedrive {
    Pipedrive::new("t").person(42, "Ada", "ada@example.com", "").field(KEY, "enum", &["Hot", "Cold"])
}

async fn call(sim: &Sim<Pipedrive>, method: &str, path: &str, body: &Value) -> Asked {
    let headers = [("x-api-token", "t"), ("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    ask(&sim.base_url(), method, path, &headers, &body).await
}

#[tokio::test]
async fn client_mistakes_are_refused_and_remembered() {
    let activity = |key: &str, value: Value| {
        let mut body = json!({ "subject": "s", "type": "task", "done": false,
                               "participants": [{ "person_id": 42, "primary": true }] });
        body[key] = value;
        body
    };
    for (name, method, path, body) in [
        ("a text as owner", "PATCH", "/api/v2/persons/42", json!({ "owner_id": "1" })),
        ("an unknown key", "PATCH", "/api/v2/persons/42", json!({ "email": "x" })),
        ("an id that is none", "PATCH", "/api/v2/persons/x", json!({})),
        ("a note without words", "POST", "/v1/notes", json!({ "person_id": 42 })),
        ("a note on a text", "POST", "/v1/notes", json!({ "content": "x", "person_id": "42" })),
        (
            "an activity by person_id",
            "POST",
            "/api/v2/activities",
            json!({ "subject": "s", "type": "task", "person_id": 42 }),
        ),
        ("an activity of no type", "POST", "/api/v2/activities", activity("type", json!("sms"))),
        ("an activity due some day", "POST", "/api/v2/activities", activity("due_date", json!("soon"))),
        ("an activity done by number", "POST", "/api/v2/activities", activity("done", json!(0))),
        ("an activity of nobody", "POST", "/api/v2/activities", activity("participants", json!([]))),
        ("a fraction of a second", "GET", "/api/v2/persons?updated_since=2026-11-23T02:00:00.000Z", Value::Null),
        ("a page too long", "GET", "/api/v2/persons?limit=501", Value::Null),
        ("another's cursor", "GET", "/api/v2/persons?cursor=7", Value::Null),
        ("a field of no type", "POST", "/api/v2/personFields", json!({ "field_name": "x", "field_type": "bool" })),
        ("nowhere", "GET", "/api/v1/persons", Value::Null),
    ] {
        let sim = Sim::spawn(account()).await.unwrap();
        let got = call(&sim, method, path, &body).await;
        assert!(got.status >= 400 && got.json()["success"] == false, "{name}");
        assert_eq!(sim.violations().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn the_account_may_refuse_a_good_request() {
    let sim = Sim::spawn(account()).await.unwrap();
    let custom = |value: Value| json!({ "custom_fields": { KEY: value } });
    for (name, path, body, status) in [
        ("an option", "/api/v2/persons/42", custom(json!(2)), 200),
        ("no such option", "/api/v2/persons/42", custom(json!(3)), 400),
        ("an option by its label", "/api/v2/persons/42", custom(json!("Hot")), 400),
        ("no such field", "/api/v2/persons/42", json!({ "custom_fields": { "abc": "x" } }), 400),
        ("no such user", "/api/v2/persons/42", json!({ "owner_id": 7 }), 400),
        ("no such person", "/api/v2/persons/43", custom(json!(2)), 404),
    ] {
        assert_eq!(call(&sim, "PATCH", path, &body).await.status, status, "{name}");
    }
    assert_eq!(sim.field(42, KEY), Some(json!(2)));
    assert_eq!(ask(&sim.base_url(), "GET", "/v1/users/me", &[], "").await.status, 401);
    assert_eq!(sim.violations(), Vec::<String>::new());
}
