//! What CRMs send by themselves: HubSpot's workflows and forms, Pipedrive's webhooks, JSON that a Salesforce admin designed.
//!
//! Source: the vendors' documentation of their webhooks.

use serde_json::{Value, json};

use super::{XML, case, each_becomes, office, signed, typed};
use crate::support::Post;

fn submission(list: &str, at: u64, pairs: &[(&str, &str)]) -> Value {
    let pairs: Vec<Value> = pairs.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    json!({ "portalId": 62515, "formId": "c0de", "submittedAt": at, list: pairs, "context": { "pageUri": "https://example.com/message" } })
}

#[tokio::test]
async fn submissions_of_hubspot_forms() {
    let office = office("").await;
    let amy = [
        ("email", "amy@example.com"),
        ("firstname", "Amy"),
        ("message", "Is the red tent free in May?"),
        ("phone", "720-555-0107"),
    ];
    let bo =
        [("message", "Two floors"), ("email", "bo@example.com"), ("message", "and one tent?"), ("hs_object_id", "88")];
    let to = |body: &Value| signed("/hooks/hform", body);
    let amy_reads = "accepted|Amy|amy@example.com|+17205550107|Is the red tent free in May?|-";
    let two = json!([
        submission("fields", 5, &[("email", "cy@example.com"), ("message", "Are you open?")]),
        submission("values", 5, &[("email", "di@example.com"), ("message", "Are you closed?")]),
    ]);
    let cases = vec![
        case("fields", to(&submission("fields", 1, &amy)), 202, &[amy_reads]),
        case("the same submission", to(&submission("fields", 1, &amy)), 200, &["duplicate"]),
        case("sent twice by a person", to(&submission("fields", 2, &amy)), 200, &["duplicate"]),
        case(
            "values",
            to(&submission("values", 3, &bo)),
            202,
            &["accepted|-|bo@example.com|-|Two floors, and one tent?|88"],
        ),
        case(
            "two",
            to(&two),
            202,
            &["accepted|-|cy@example.com|-|Are you open?|-", "accepted|-|di@example.com|-|Are you closed?|-"],
        ),
        case("no fields", to(&json!({ "portalId": 1, "formId": "x", "fields": [] })), 200, &["gate_failed"]),
        case("cut off", Post::plain("/hooks/hform", "{\"fields\": [").signed(), 400, &["gate_failed"]),
        case("a form", typed("/hooks/hform", super::FORM, "message=Hi").signed(), 415, &[]),
    ];
    each_becomes(&office, cases).await;
}

fn hook(entity: &str, action: &str, id: &str) -> Value {
    json!({
        "meta": { "action": action, "entity": entity, "entity_id": "4201", "id": id, "version": "2.0", "attempt": 1,
                  "timestamp": "2026-11-01T10:00:00.000Z", "company_id": 77, "user_id": 5, "webhook_id": 9 },
        "data": {
            "id": 4201, "name": "Eve Stone", "first_name": "Eve", "last_name": "Stone", "title": "Lead of Eve Stone",
            "custom_fields": { "wish": "What do 20 chairs cost for a weekend?" },
            "emails": [{ "value": "old@example.com", "primary": false }, { "value": "eve@example.com", "primary": true }],
            "phones": [{ "value": "+46 8 123 456 78", "primary": true, "label": "work" }],
        },
        "previous": null,
    })
}

#[tokio::test]
async fn webhooks_of_pipedrive() {
    let office = office("").await;
    let to = |body: &Value| Post::plain("/hooks/pipe", body.to_string());
    let eve = "accepted|Eve Stone|eve@example.com|+46812345678|What do 20 chairs cost for a weekend?|4201";
    let cases = vec![
        case("a person", to(&hook("person", "create", "u-1")), 202, &[eve]),
        case("again", to(&hook("person", "create", "u-1")), 200, &["duplicate"]),
        case("a change", to(&hook("person", "change", "u-2")), 200, &["ignored"]),
        case("an end", to(&hook("person", "delete", "u-3")), 200, &["ignored"]),
        case("a note", to(&hook("note", "create", "u-4")), 200, &["ignored"]),
        case("a lead", to(&hook("lead", "create", "u-5")), 200, &["gate_failed"]),
        case("a deal", to(&hook("deal", "create", "u-6")), 200, &["gate_failed"]),
        case("version 1", to(&json!({ "v": 1, "event": "added.person", "current": {} })), 200, &["gate_failed"]),
    ];
    each_becomes(&office, cases).await;
    let reasons = office.column("SELECT reason FROM v_failures ORDER BY id");
    assert!(reasons.len() == 3 && reasons[1].contains("subscribe to the creation of persons"), "{reasons:?}");
}

#[tokio::test]
async fn json_that_a_salesforce_admin_designed() {
    let office = office("").await;
    let to = |body: &Value| Post::plain("/hooks/force", body.to_string());
    let flat = json!({ "Id": "00Q0000000000A1AAA", "FirstName": "Fay", "LastName": "Roe", "Email": "fay@example.com", "Description": "Do you rent stages?" });
    let nested = json!({ "lead": { "Id": "00Q0000000000A2AAA", "Name": "Gil Roe", "Email": "gil@example.com", "MobilePhone": "(303) 555-0142", "Description": "Do you sell stages?" } });
    let hostile = json!({ "Id": "../notes", "Email": "hux@example.com", "Description": "Do you mend stages?" });
    let cases = vec![
        case("flat", to(&flat), 202, &["accepted|Fay Roe|fay@example.com|-|Do you rent stages?|00Q0000000000A1AAA"]),
        case("the same record", to(&flat), 200, &["duplicate"]),
        case(
            "nested",
            to(&nested),
            202,
            &["accepted|Gil Roe|gil@example.com|+13035550142|Do you sell stages?|00Q0000000000A2AAA"],
        ),
        case("an id that is none", to(&hostile), 202, &["accepted|-|hux@example.com|-|Do you mend stages?|-"]),
        case("no message", to(&json!({ "Id": "00Q0000000000A3AAA", "Email": "a@example.com" })), 200, &["gate_failed"]),
        case("XML", typed("/hooks/force", XML, "<a/>"), 415, &[]),
    ];
    each_becomes(&office, cases).await;
}

#[tokio::test]
async fn contacts_of_hubspot_workflows() {
    let office = office("").await;
    let to = |body: &Value| signed("/hooks/crm", body);
    let plain = json!({ "objectId": 71, "properties": { "email": "ivo@example.com", "firstname": "Ivo", "lastname": null, "message": "Is the white tent free?" } });
    let keys = json!({ "Email": "jan@example.com", "First Name": "Jan", "Last-Name": "Ost", "Message": "Is the green tent free?", "Phone": "(303) 555-0142" });
    let identity = json!({ "vid": 72, "portal-id": 62515, "properties": { "message": { "value": "Is the small tent free?", "versions": [] } },
        "identity-profiles": [{ "identities": [{ "type": "LEAD_GUID", "value": "x" }, { "type": "EMAIL", "value": "kay@example.com" }] }] });
    let merged = json!({ "vid": 73, "canonical-vid": 74, "properties": { "email": { "value": "lou@example.com" }, "message": { "value": "Is the old tent free?" } } });
    let (first, rest) =
        (json!({ "vid": 75, "properties": { "email": { "value": "mo@example.com" } } }), json!({ "vid": 76 }));
    let again = "Is the white tent free? ";
    let mut spaced = plain.clone();
    spaced["properties"]["message"] = json!(again);
    let cases = vec![
        case("plain values", to(&plain), 202, &["accepted|Ivo|ivo@example.com|-|Is the white tent free?|71"]),
        case("with a space more", to(&spaced), 200, &["duplicate"]),
        case(
            "typed keys",
            to(&keys),
            202,
            &["accepted|Jan Ost|jan@example.com|+13035550142|Is the green tent free?|-"],
        ),
        case("an identity", to(&identity), 202, &["accepted|-|kay@example.com|-|Is the small tent free?|72"]),
        case("merged", to(&merged), 202, &["accepted|-|lou@example.com|-|Is the old tent free?|74"]),
        case("no message", to(&first), 200, &["gate_failed"]),
        case("a list", to(&json!([merged, rest])), 200, &["duplicate", "gate_failed"]),
        case("a form", typed("/hooks/crm", super::FORM, "message=Hi").signed(), 415, &[]),
    ];
    each_becomes(&office, cases).await;
}
