//! HubSpot's contract, version 3 of its API for contacts, notes, tasks and properties.
//!
//! Sources: <https://developers.hubspot.com/docs/api/crm/contacts>, <https://developers.hubspot.com/docs/api/crm/notes>,
//! <https://developers.hubspot.com/docs/api/crm/tasks>, <https://developers.hubspot.com/docs/api/crm/search>,
//! <https://developers.hubspot.com/docs/api/crm/associations>, <https://developers.hubspot.com/docs/api/crm/properties>,
//! <https://developers.hubspot.com/docs/api/error-handling>.

mod echoes;
mod limits;
mod merged;
mod reconcile;

use std::time::Duration;

use nightdesk::demo::sim::{self, Fault, Match, Sim};
use nightdesk::model::{CrmRead, CrmUpdate, Effect, Outcome, Reconcile, Task, Timestamp, Work};
use nightdesk::writeback::Crm;
use serde_json::{Value, json};

use super::{contract, settled, wire};
use crate::vendors::{account, class, hubspot, looked_up, note, record, task, update, work};

fn asked(method: &str, path: &str, query: &str, body: &Value) -> Value {
    contract(method, path, query, "authorization", body)
}

/// What the account saw, all with the token.
fn seen(sim: &Sim<sim::HubSpot>) -> Vec<Value> {
    let requests = sim.requests();
    for request in &requests {
        assert_eq!(request.header("authorization"), Some("Bearer pat-1"), "{request:?}");
        assert!(request.body.is_empty() || request.header("content-type") == Some("application/json"), "{request:?}");
    }
    requests.iter().map(wire).collect()
}

#[tokio::test]
async fn class_flag_and_owner_are_a_patch_of_texts() {
    let (sim, hubspot) = hubspot(account().owner("41629779")).await;
    let owned = CrmUpdate { record: record(), label: None, priority: None, owner: Some("41629779".to_owned()) };
    let unflagged = CrmUpdate { record: record(), label: None, priority: Some(false), owner: None };
    for task in [update(), Task::CrmUpdate(owned), Task::CrmUpdate(unflagged)] {
        assert_eq!(class(&hubspot.perform(&work(task)).await.outcome), "done");
    }
    let patch =
        |properties: Value| asked("PATCH", "/crm/v3/objects/contacts/101", "", &json!({ "properties": properties }));
    let want = [
        patch(json!({ "auto_classification": "URGENT_BUYER", "high_priority": "true" })),
        patch(json!({ "hubspot_owner_id": "41629779" })),
        patch(json!({ "high_priority": "false" })),
    ];
    assert_eq!(seen(&sim), want);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_note_and_a_task_are_made_on_their_contact() {
    let (sim, hubspot) = hubspot(account()).await;
    let (note, task) = (work(note()), work(task()));
    for work in [&note, &task] {
        assert_eq!(class(&hubspot.perform(work).await.outcome), "done");
    }
    let now =
        |text: &str| text.parse::<Timestamp>().is_ok_and(|at| Timestamp::now().since(at) < Duration::from_mins(1));
    let settle = |request: Value, body: &str, work: &Work| {
        let marker = format!("<br>nightdesk:{}", work.job.key());
        let request = settled(request, "/body/properties/hs_timestamp", "now", now);
        settled(request, &format!("/body/properties/{body}"), "words", |text| text.ends_with(&marker))
    };
    let on = |kind: u32| {
        json!([{ "to": { "id": "101" },
                 "types": [{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind }] }])
    };
    let mut seen = seen(&sim).into_iter();
    let made = settle(seen.next().unwrap(), "hs_note_body", &note);
    let properties = json!({ "hs_timestamp": "now", "hs_note_body": "words" });
    let body = json!({ "properties": properties, "associations": on(202) });
    assert_eq!(made, asked("POST", "/crm/v3/objects/notes", "", &body));
    let made = settle(seen.next().unwrap(), "hs_task_body", &task);
    let properties = json!({
        "hs_timestamp": "now", "hs_task_body": "words", "hs_task_subject": "nobody has claimed it",
        "hs_task_status": "NOT_STARTED", "hs_task_priority": "HIGH", "hs_task_type": "TODO",
    });
    let body = json!({ "properties": properties, "associations": on(204) });
    assert_eq!(made, asked("POST", "/crm/v3/objects/tasks", "", &body));
    assert_eq!(seen.next(), None);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn both_look_ups_search_and_then_read_the_list() {
    for (made, kind, body, first) in
        [(note(), "notes", "hs_note_body", "70001"), (task(), "tasks", "hs_task_body", "80001")]
    {
        let (sim, hubspot) = hubspot(account().search_lag(Duration::from_hours(1))).await;
        let work = work(made);
        hubspot.perform(&work).await;
        assert_eq!(class(&hubspot.perform(&looked_up(&work)).await.outcome), "done", "{kind}");
        let search = json!({
            "filterGroups": [{ "filters": [
                { "propertyName": "associations.contact", "operator": "EQ", "value": "101" },
                { "propertyName": body, "operator": "CONTAINS_TOKEN", "value": work.job.key() },
            ]}],
            "properties": [body], "sorts": [], "limit": 10, "after": "0",
        });
        let want = [
            asked("POST", &format!("/crm/v3/objects/{kind}/search"), "", &search),
            asked("GET", &format!("/crm/v4/objects/contacts/101/associations/{kind}"), "limit=500", &Value::Null),
            asked("GET", &format!("/crm/v3/objects/{kind}/{first}"), &format!("properties={body}"), &Value::Null),
        ];
        assert_eq!(seen(&sim)[1..], want, "{kind}");
        assert_eq!(sim.violations(), Vec::<String>::new(), "{kind}");
    }
}

#[tokio::test]
async fn a_read_names_every_property() {
    let (sim, hubspot) = hubspot(account()).await;
    let read = CrmRead { record: record(), account: None, again: false, expects_message: true };
    hubspot.perform(&work(Task::CrmRead(read))).await;
    let properties = "properties=firstname,lastname,phone,mobilephone,email,message";
    assert_eq!(seen(&sim), [asked("GET", "/crm/v3/objects/contacts/101", properties, &Value::Null)]);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_window_is_a_search_by_two_times_above_an_id() {
    let (sim, hubspot) = hubspot(account()).await;
    let (from, until) = (Timestamp::from_millis(1_795_000_000_000), Timestamp::from_millis(1_795_003_600_000));
    for after in [None, Some("101".to_owned())] {
        hubspot.perform(&work(Task::Reconcile(Reconcile { from, until, after }))).await;
    }
    let search = |after: &str| {
        let group = |name: &str| {
            json!({ "filters": [
                { "propertyName": name, "operator": "GTE", "value": "1795000000000" },
                { "propertyName": name, "operator": "LT", "value": "1795003600000" },
                { "propertyName": "hs_object_id", "operator": "GT", "value": after },
            ]})
        };
        let body = json!({
            "filterGroups": [group("createdate"), group("recent_conversion_date")],
            "properties": ["firstname", "lastname", "phone", "mobilephone", "email", "message", "createdate",
                           "recent_conversion_date"],
            "sorts": [{ "propertyName": "hs_object_id", "direction": "ASCENDING" }],
            "limit": 100,
            "after": "0",
        });
        asked("POST", "/crm/v3/objects/contacts/search", "", &body)
    };
    assert_eq!(seen(&sim), [search("0"), search("101")]);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn the_account_is_checked_without_a_change_and_its_properties_are_made() {
    let (sim, hubspot) = hubspot(account()).await;
    assert_eq!(hubspot.verify().await, vec![]);
    let property = |name: &str| asked("GET", &format!("/crm/v3/properties/contacts/{name}"), "", &Value::Null);
    let want = [
        asked("GET", "/crm/v3/objects/contacts/0", "", &Value::Null),
        asked("PATCH", "/crm/v3/objects/contacts/0", "", &json!({ "properties": {} })),
        property("auto_classification"),
        property("high_priority"),
    ];
    assert_eq!(seen(&sim), want);

    assert_eq!(hubspot.create_fields().await, vec![]);
    let option = |label: &str, value: &str, order: u32| json!({ "label": label, "value": value, "displayOrder": order, "hidden": false });
    let made = |name: &str, label: &str, description: &str, kind: [&str; 2], options: Value| {
        let body = json!({
            "name": name, "label": label, "description": description, "type": kind[0], "fieldType": kind[1],
            "groupName": "contactinformation", "options": options,
        });
        asked("POST", "/crm/v3/properties/contacts", "", &body)
    };
    let classes = json!([
        option("URGENT_BUYER", "URGENT_BUYER", 0),
        option("TIRE_KICKER", "TIRE_KICKER", 1),
        option("SUPPORT_REQUEST", "SUPPORT_REQUEST", 2),
        option("SPAM", "SPAM", 3),
    ]);
    let (what, flag) =
        ("What nightdesk took the lead's message for.", "Set by nightdesk when a lead wants to buy now.");
    let yes_or_no = json!([option("Yes", "true", 0), option("No", "false", 1)]);
    let want = [
        made("auto_classification", "Automatic classification", what, ["enumeration", "select"], classes),
        made("high_priority", "High priority", flag, ["bool", "booleancheckbox"], yes_or_no),
    ];
    assert_eq!(seen(&sim)[4..], want);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

/// HubSpot's error object.
fn error(category: &str) -> Value {
    json!({ "status": "error", "message": "no", "correlationId": "c", "category": category, "errors": [], "links": {} })
}

/// Name, status, body, and the class: of what may be repeated (a PATCH) and of what may not (a note, a task).
fn errors() -> Vec<(&'static str, u16, Value, &'static str, &'static str)> {
    let limit = |policy: &str| json!({ "status": "error", "message": "limit", "errorType": "RATE_LIMIT", "policyName": policy });
    vec![
        ("validation", 400, error("VALIDATION_ERROR"), "permanent", "permanent"),
        ("every field is optional", 400, json!({}), "permanent", "permanent"),
        ("token", 401, error("INVALID_AUTHENTICATION"), "auth", "auth"),
        ("old token", 401, error("EXPIRED_AUTHENTICATION"), "auth", "auth"),
        ("scopes", 403, error("MISSING_SCOPES"), "auth", "auth"),
        ("deleted", 404, error("OBJECT_NOT_FOUND"), "permanent", "permanent"),
        ("conflict", 409, error("CONFLICT"), "permanent", "permanent"),
        ("locked", 423, error("LOCKED"), "transient", "transient"),
        ("ten seconds", 429, limit("TEN_SECONDLY_ROLLING"), "throttled", "throttled"),
        ("one second", 429, limit("SECONDLY"), "throttled", "throttled"),
        ("the day", 429, limit("DAILY"), "throttled", "throttled"),
        ("moving house", 477, error("MIGRATION_IN_PROGRESS"), "transient", "transient"),
        ("internal", 500, error("INTERNAL_ERROR"), "transient", "unknown"),
        ("processing limit", 502, Value::Null, "transient", "unknown"),
        ("unavailable", 503, Value::Null, "transient", "unknown"),
        ("processing limit", 504, Value::Null, "transient", "unknown"),
        ("origin is down", 521, Value::Null, "transient", "unknown"),
        ("origin is slow", 522, Value::Null, "transient", "unknown"),
        ("no way to the origin", 523, Value::Null, "transient", "unknown"),
        ("origin gave up", 524, Value::Null, "transient", "unknown"),
    ]
}

#[tokio::test]
async fn every_error_ends_in_its_class() {
    for (name, status, body, patch, made) in errors() {
        for (task, want) in [(update(), patch), (note(), made), (task(), made)] {
            let (sim, hubspot) = hubspot(account()).await;
            // A 404 is asked about by its id; nobody is there, either.
            sim.script([Fault::status_with(status, body.clone()).forever()]);
            let report = hubspot.perform(&work(task)).await;
            assert_eq!(class(&report.outcome), want, "{name} {status}: {:?}", report.outcome);
            let Outcome::Failed(failure) = report.outcome else { panic!("{name}") };
            assert!(failure.reason.starts_with(&format!("HubSpot {status}")), "{failure:?}");
            assert_eq!(report.quota.requests, if status == 404 { 2 } else { 1 }, "{name}");
            assert_eq!(sim.violations(), Vec::<String>::new(), "{name}");
        }
    }
}

#[tokio::test]
async fn a_property_that_exists_is_as_good_as_made() {
    let (sim, hubspot) = hubspot(account()).await;
    sim.script([Fault::status_with(409, error("CONFLICT")).on(Match::to("POST", "/properties/contacts")).forever()]);
    assert_eq!(hubspot.create_fields().await, vec![]);
}
