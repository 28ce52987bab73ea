//! Owners and tasks, field by field against what HubSpot's documentation asks for, and what each answer comes to.

use super::*;
use crate::model::{Action, CrmTask, JobState, SmsTask};

fn task() -> Task {
    Task::CrmTask(CrmTask {
        record: record(),
        subject: "Urgent lead nobody has claimed: <Anna> Berg".to_owned(),
        words: "nobody has claimed this lead (K7): please take it now".to_owned(),
    })
}

fn owner(id: &str) -> Task {
    Task::CrmUpdate(CrmUpdate { record: record(), label: None, priority: None, owner: Some(id.to_owned()) })
}

/// Dana, whose name is markup, was texted and didn't answer.
fn called(at: Timestamp) -> Action {
    let sms = SmsTask {
        to: "+15551230001".parse().unwrap(),
        who: "<i>Dana</i>".to_owned(),
        text: "K7 …".to_owned(),
        repeat: false,
        leg: 0,
        failover_at: None,
        refused: 0,
        thread: 0,
        is_answer: false,
        is_test: false,
    };
    Action {
        task: Task::Sms(sms),
        channel: Channel::new(Lane::Sms, "modem0"),
        state: JobState::Done,
        ended_at: Some(at.after(Duration::from_secs(4))),
        delivered_at: Some(at.after(Duration::from_secs(6))),
        reason: None,
        attempt: AttemptId(1),
    }
}

#[tokio::test]
async fn an_owner_is_one_property_and_a_text() {
    let (url, mut heard) = peer(vec![json_http(200, &json!({"id": "101", "properties": {}}))]).await;
    let report = hubspot(url).perform(&work(owner("41629779"), false)).await;
    assert_eq!(report.outcome, Outcome::Done(Done::Crm { id: None }));
    let asked = heard.recv().await.unwrap();
    assert!(asked.starts_with("PATCH /crm/v3/objects/contacts/101 HTTP/1.1\r\n"), "{asked}");
    assert_eq!(body_of(&asked), json!({"properties": {"hubspot_owner_id": "41629779"}}));
}

#[tokio::test]
async fn an_owner_who_is_refused_says_what_to_mend() {
    let invalid = json!({
        "status": "error", "category": "VALIDATION_ERROR", "correlationId": "c",
        "message": "Property values were not valid: [{\"isValid\":false,\"error\":\"INVALID_OWNER_ID\",\"name\":\"hubspot_owner_id\"}]",
    });
    for (name, answer, want, cure) in [
        ("no such owner", json_http(400, &invalid), "permanent", "oncall.people.KEY.owner"),
        ("in other words", http(400, "{}"), "permanent", "oncall.people.KEY.owner"),
        ("an option", http(400, r#"{"message":"INVALID_OPTION"}"#), "permanent", "oncall.people.KEY.owner"),
        ("the contact is gone", http(404, r#"{"category":"OBJECT_NOT_FOUND"}"#), "permanent", "deleted or merged"),
        ("the token is refused", http(401, "{}"), "auth", "access token"),
        ("slow down", http(429, "{}"), "throttled", ""),
        ("no verdict", http(502, ""), "transient", ""),
    ] {
        let (url, _heard) = peer(vec![answer.clone(), answer]).await; // a 404 is asked about once more
        let outcome = hubspot(url).perform(&work(owner("9"), false)).await.outcome;
        let Outcome::Failed(failure) = outcome else { panic!("{name}: {outcome:?}") };
        assert_eq!(failure.fault.name(), want, "{name}");
        assert!(failure.cure.unwrap_or_default().contains(cure), "{name}");
    }
    let (url, _heard) = peer(vec![json_http(400, &invalid)]).await;
    let class = hubspot(url).perform(&work(update(Some(Label::Spam), false), false)).await.outcome;
    let Outcome::Failed(failure) = class else { panic!("{class:?}") };
    assert!(!failure.cure.unwrap_or_default().contains("oncall"), "a class is no owner");
}

#[tokio::test]
async fn a_task_has_every_field_that_a_list_of_tasks_needs() {
    for (name, phone, phone_text, kind) in [
        ("a number", Some("+46812345678"), Some("08-123 456 78"), "CALL"),
        ("a number that is none", None, Some("ask for Anna"), "CALL"),
        ("no number", None, None, "TODO"),
    ] {
        let (url, mut heard) = peer(vec![json_http(201, &json!({"id": "80001", "properties": {}}))]).await;
        let mut work = work(task(), false);
        work.lead.received_at = "2026-11-23T22:04:10Z".parse().unwrap();
        work.lead.phone = phone.map(|phone| phone.parse().unwrap());
        work.lead.phone_text = phone_text.map(str::to_owned);
        work.actions = vec![called(work.lead.received_at)];
        let report = hubspot(url).perform(&work).await;
        assert_eq!(report.outcome, Outcome::Done(Done::Crm { id: Some("80001".to_owned()) }), "{name}");
        let asked = heard.recv().await.unwrap();
        assert!(asked.starts_with("POST /crm/v3/objects/tasks HTTP/1.1\r\n"), "{asked}");
        let mut body = body_of(&asked);
        let due = body["properties"].as_object_mut().unwrap().remove("hs_timestamp").unwrap();
        let due: Timestamp = due.as_str().unwrap().parse().unwrap();
        assert!(Timestamp::now().since(due) < Duration::from_mins(1), "due at once");
        let words = format!(
            "nightdesk: nobody has claimed this lead (K7): please take it now.<br>The prospect waits since 22:04.<br>\
             22:04 SMS to &lt;i&gt;Dana&lt;/i&gt; sent (modem) 4 s after it came in, delivered after 6 s.<br>\
             nightdesk:{}",
            work.job.key()
        );
        let want = json!({
            "properties": {
                "hs_task_subject": "Urgent lead nobody has claimed:  Anna  Berg",
                "hs_task_body": words,
                "hs_task_status": "NOT_STARTED",
                "hs_task_priority": "HIGH",
                "hs_task_type": kind,
            },
            "associations": [{
                "to": {"id": "101"},
                "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}],
            }],
        });
        assert_eq!(body, want, "{name}");
    }
}

#[tokio::test]
async fn a_task_is_looked_up_among_tasks() {
    let work = work(task(), true);
    let marker = format!("nightdesk:{}", work.job.key());
    let nothing = || json_http(200, &json!({"total": 0, "results": []}));
    let found = |id: &str, body: &str| json!({"id": id, "properties": {"hs_task_body": body}});
    let search = |id: &str, body: &str| json_http(200, &json!({"results": [found(id, body)]}));
    let list = |ids: &[u64]| {
        let results: Vec<Value> = ids.iter().map(|id| json!({"toObjectId": id, "associationTypes": []})).collect();
        json_http(200, &json!({ "results": results }))
    };
    let (ours, other) = (format!("x<br>{marker}"), format!("x<br>{marker}2"));
    for (name, answers, want) in [
        ("found by the search", vec![search("7", &ours)], "done"),
        ("the index lags", vec![nothing(), list(&[7]), json_http(200, &found("7", &ours))], "done"),
        ("a later generation's", vec![search("7", &other), list(&[7]), json_http(200, &found("7", &other))], "absent"),
        ("none at all", vec![nothing(), list(&[])], "absent"),
        ("the token is refused", vec![http(401, "{}")], "auth"),
        ("the list is down", vec![nothing(), http(502, "")], "transient"),
        ("no list", vec![nothing(), http(200, "{}")], "unsure"),
    ] {
        let count = answers.len();
        let (url, mut heard) = peer(answers).await;
        let report = hubspot(url).perform(&work).await;
        assert_eq!(class(&report.outcome), want, "{name}: {:?}", report.outcome);
        let mut asked = Vec::new();
        for _ in 0..count {
            asked.push(heard.recv().await.unwrap());
        }
        let lines: Vec<&str> = asked.iter().filter_map(|asked| asked.lines().next()).collect();
        let want = [
            "POST /crm/v3/objects/tasks/search HTTP/1.1",
            "GET /crm/v4/objects/contacts/101/associations/tasks?limit=500 HTTP/1.1",
            "GET /crm/v3/objects/tasks/7?properties=hs_task_body HTTP/1.1",
        ];
        assert_eq!(lines, want[..count], "{name}");
        let filters = json!([
            {"propertyName": "associations.contact", "operator": "EQ", "value": "101"},
            {"propertyName": "hs_task_body", "operator": "CONTAINS_TOKEN", "value": work.job.key()},
        ]);
        assert_eq!(body_of(&asked[0])["filterGroups"], json!([{ "filters": filters }]), "{name}");
    }
}

#[tokio::test]
async fn a_task_that_may_have_been_written_is_never_written_blindly() {
    for (name, answer, want) in [
        ("closed before the answer", String::new(), "unknown"),
        ("HTML with 200", http(200, "<html>"), "unknown"),
        ("server error", http(500, ""), "unknown"),
        ("locked", http(423, "{}"), "transient"),
        ("slow down", http(429, "{}"), "throttled"),
        ("scopes", http(403, r#"{"category":"MISSING_SCOPES"}"#), "auth"),
        ("refused", http(400, "{}"), "permanent"),
    ] {
        let (url, _heard) = peer(vec![answer]).await;
        let outcome = hubspot(url).perform(&work(task(), false)).await.outcome;
        assert_eq!(class(&outcome), want, "{name}: {outcome:?}");
    }
}
