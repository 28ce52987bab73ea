//! Composite requests: references, and all or nothing.

use super::*;

fn parts(all_or_none: bool, parts: &Value) -> Value {
    json!({ "allOrNone": all_or_none, "compositeRequest": parts })
}

fn find(lead: &str) -> Value {
    json!({ "method": "GET", "url": format!("{DATA}/sobjects/Lead/{lead}?fields=ConvertedContactId"), "referenceId": "lead" })
}

fn write(field: &str) -> Value {
    json!({ "method": "PATCH", "url": format!("{DATA}/sobjects/Contact/@{{lead.ConvertedContactId}}"),
            "referenceId": "written", "body": { field: true } })
}

fn statuses(asked: &Asked) -> Vec<u64> {
    let body = asked.json();
    body["compositeResponse"].as_array().unwrap().iter().map(|part| part["httpStatusCode"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_later_part_uses_what_an_earlier_one_found() {
    let sim = Sim::spawn(org()).await.unwrap();
    let both = parts(true, &json!([find(LEAD), write("High_Priority__c")]));
    let before = call(&sim, "POST", "/composite", &both).await;
    assert_eq!((before.status, statuses(&before)), (200, vec![400, 400]), "it was never converted");
    assert_eq!(before.json()["compositeResponse"][1]["body"][0]["errorCode"], "PROCESSING_HALTED");
    let contact = sim.convert(LEAD, "2026-11-23");
    let after = call(&sim, "POST", "/composite", &both).await;
    assert_eq!(statuses(&after), [200, 204], "{}", after.body);
    assert_eq!(sim.field(&contact, "High_Priority__c"), true);
    assert!(after.head.contains("api-usage=2/15000"), "one call each: {}", after.head);
    assert!(sim.violations().is_empty());
}

#[tokio::test]
async fn one_part_that_fails_takes_all_with_it() {
    let made =
        json!({ "method": "POST", "url": format!("{DATA}/sobjects/Task"), "referenceId": "task", "body": task() });
    let other = json!({ "method": "PATCH", "url": format!("{DATA}{}", lead_path()), "referenceId": "other",
                        "body": { "Other__c": true } });
    for (all_or_none, want, tasks) in [(true, [400, 400], 0), (false, [201, 400], 1)] {
        let sim = Sim::spawn(org()).await.unwrap();
        let got = call(&sim, "POST", "/composite", &parts(all_or_none, &json!([made, other]))).await;
        assert_eq!((got.status, statuses(&got)), (200, want.to_vec()));
        assert_eq!(sim.tasks_of(LEAD).len(), tasks, "all or none: {all_or_none}");
        assert_eq!(got.json()["compositeResponse"][1]["body"][0]["errorCode"], "INVALID_FIELD");
        assert!(sim.violations().is_empty());
    }
}

#[tokio::test]
async fn a_composite_request_of_the_wrong_shape_is_a_mistake() {
    let twice = json!([find(LEAD), find(LEAD)]);
    let with = |key: &str, value: Value| {
        let mut part = find(LEAD);
        part[key] = value;
        json!([part])
    };
    for (name, body) in [
        ("no parts", parts(true, &json!([]))),
        ("too many", parts(true, &Value::Array(vec![find(LEAD); 26]))),
        ("a reference twice", parts(true, &twice)),
        ("a reference with a dash", parts(true, &with("referenceId", json!("a-b")))),
        ("a GET with a body", parts(true, &with("body", json!({})))),
        ("no method", parts(true, &with("method", Value::Null))),
        ("an unknown key", parts(true, &with("path", json!("x")))),
        ("'allOrNone' as a text", json!({ "allOrNone": "true", "compositeRequest": [find(LEAD)] })),
        ("another key", json!({ "allOrNone": true, "compositeRequest": [find(LEAD)], "requests": [] })),
        ("a part that is one", parts(true, &with("url", json!("/sobjects/Lead/1")))),
        (
            "the wrong type inside",
            parts(
                true,
                &json!([{ "method": "PATCH", "url": format!("{DATA}{}", lead_path()),
            "referenceId": "a", "body": { "High_Priority__c": "yes" } }]),
            ),
        ),
    ] {
        let sim = Sim::spawn(org()).await.unwrap();
        let got = call(&sim, "POST", "/composite", &body).await;
        assert_eq!(sim.violations().len(), 1, "{name}: {}", got.body);
    }
}
