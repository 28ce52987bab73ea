//! Whole exchanges with a peer of a few lines of TCP on port 0: what is sent, and what each answer comes to.

mod errors;
mod reads;
mod tasks;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::model::{
    AttemptId, Channel, ClassifiedBy, CrmRecord, Job, JobId, Lane, Lead, LeadCode, LeadId, Priority, RowId,
};

/// A peer that gives these answers in turn and hands on what it was asked.
async fn peer(answers: Vec<String>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, heard) = mpsc::channel(answers.len().max(1)); // one slot for each answer: never waits
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut seen, mut buffer) = (String::new(), [0; 4096]);
            while !is_whole(&seen) {
                let n = stream.read(&mut buffer).await.unwrap();
                seen.push_str(std::str::from_utf8(&buffer[..n]).unwrap());
            }
            asked.send(seen).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, heard)
}

fn is_whole(request: &str) -> bool {
    let length = request.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    request.split_once("\r\n\r\n").is_some_and(|(_, body)| body.len() >= length)
}

fn http(status: u16, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn json_http(status: u16, body: &Value) -> String {
    http(status, &body.to_string())
}

fn hubspot(base_url: String) -> HubSpot {
    let settings = Settings {
        base_url,
        path: "/crm/v3".to_owned(),
        token: "pat-hunter2".into(),
        classification_property: "auto_classification".to_owned(),
        values: HashMap::from([(Label::UrgentBuyer, "hot".to_owned())]),
        also: HashMap::new(),
        display: HashMap::from([(Label::Spam, "Other".to_owned())]),
        priority_property: "high_priority".to_owned(),
        message_property: "message".to_owned(),
        as_lead: AsLead::new(|_, contact, _| Ok(reads::as_it_stands(contact))),
        zone: TimeZone::UTC,
        account_zone: TimeZone::UTC,
        timeout: Duration::from_secs(10),
    };
    HubSpot::new(settings, Wire::new())
}

fn record() -> CrmRecord {
    CrmRecord { channel: Channel::new(Lane::Crm, "hubspot"), id: "101".to_owned() }
}

fn update(label: Option<Label>, priority: bool) -> Task {
    Task::CrmUpdate(CrmUpdate { record: record(), label, priority: priority.then_some(true), owner: None })
}

fn note_task() -> Task {
    Task::CrmNote(CrmNote { record: record(), news: None })
}

fn work(task: Task, look_up: bool) -> Work {
    let now = Timestamp::now();
    let lead = LeadId::new(Timestamp::from_millis(1_795_000_000_000), [1; 10]);
    Work {
        job: Job {
            id: JobId::new(now, [2; 10]),
            lead,
            task,
            channel: Channel::new(Lane::Crm, "hubspot"),
            priority: Priority::Normal,
            due_at: now,
            deadline_at: now.after(Duration::from_hours(72)),
            tries: 1,
            generation: 1,
            crashes: 0,
            created_at: now,
        },
        lead: Lead {
            code: LeadCode::of(1),
            record: Some(record()),
            raw_message: String::new(),
            label: Some(Label::UrgentBuyer),
            classified_by: Some(ClassifiedBy::Llm),
            dropped: false,
            ..Lead::none(lead, "web".to_owned(), now)
        },
        attempt: AttemptId(1),
        look_up_since: look_up.then_some(now),
        actions: Vec::new(),
        hard_deadline: now.after(Duration::from_secs(20)),
    }
}

fn class(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done(_) => "done",
        Outcome::Failed(failure) => failure.fault.name(),
        Outcome::Absent => "absent",
        Outcome::Unsure => "unsure",
    }
}

fn body_of(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn class_and_priority_are_texts_in_one_patch() {
    for (name, task, want) in [
        (
            "urgent",
            update(Some(Label::UrgentBuyer), true),
            json!({"auto_classification": "hot", "high_priority": "true"}),
        ),
        ("without a value of its own", update(Some(Label::Spam), false), json!({"auto_classification": "SPAM"})),
        ("provisional", update(None, true), json!({"high_priority": "true"})),
    ] {
        let (url, mut heard) = peer(vec![json_http(200, &json!({"id": "101", "properties": {}}))]).await;
        let report = hubspot(url).perform(&work(task, false)).await;
        assert_eq!(report.outcome, Outcome::Done(Done::Crm { id: None }), "{name}");
        let asked = heard.recv().await.unwrap();
        assert!(asked.starts_with("PATCH /crm/v3/objects/contacts/101 HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("authorization: Bearer pat-hunter2\r\n"), "{asked}");
        assert_eq!(body_of(&asked), json!({ "properties": want }), "{name}");
        assert!(!format!("{:?}", report.trace).contains("hunter2"));
    }
}

#[tokio::test]
async fn with_nothing_to_write_nobody_is_asked() {
    let nowhere = || hubspot("http://127.0.0.1:1".to_owned());
    let report = nowhere().perform(&work(update(None, false), false)).await;
    assert_eq!(report.outcome, Outcome::Done(Done::Crm { id: None }));
    let looked_up = nowhere().perform(&work(update(None, true), true)).await;
    assert_eq!(looked_up.outcome, Outcome::Absent, "absolute values are simply written again");
}

#[tokio::test]
async fn an_id_stays_in_its_place_in_the_path() {
    for (id, want) in [("../notes/7?x=1", "%2E%2E%2Fnotes%2F7%3Fx%3D1"), ("..", "%2E%2E%20"), (".", "%2E%20")] {
        let (url, mut heard) = peer(vec![http(404, "")]).await;
        let mut task = CrmUpdate { record: record(), label: None, priority: Some(true), owner: None };
        task.record.id = id.to_owned();
        hubspot(url).perform(&work(Task::CrmUpdate(task), false)).await;
        let asked = heard.recv().await.unwrap();
        assert!(asked.starts_with(&format!("PATCH /crm/v3/objects/contacts/{want} ")), "{asked}");
    }
}

#[tokio::test]
async fn a_note_has_its_time_its_contact_and_its_marker() {
    let (url, mut heard) = peer(vec![json_http(201, &json!({"id": "70001", "properties": {}}))]).await;
    let work = work(note_task(), false);
    let report = hubspot(url).perform(&work).await;
    assert_eq!(report.outcome, Outcome::Done(Done::Crm { id: Some("70001".to_owned()) }));
    let asked = heard.recv().await.unwrap();
    assert!(asked.starts_with("POST /crm/v3/objects/notes HTTP/1.1\r\n"), "{asked}");
    let body = body_of(&asked);
    let types = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202}]);
    assert_eq!(body["associations"], json!([{"to": {"id": "101"}, "types": types}]));
    let text = body["properties"]["hs_note_body"].as_str().unwrap();
    assert!(text.starts_with("nightdesk: URGENT_BUYER (read by the language model).<br>"), "{text}");
    assert!(note::carries(text, &work.job.key()));
    assert!(body["properties"]["hs_timestamp"].as_str().unwrap().parse::<Timestamp>().is_ok());
}

#[tokio::test]
async fn what_may_have_arrived_is_repeated_as_a_patch_and_looked_up_as_a_note() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"id\":".to_owned();
    for (name, answer, patch, note) in [
        ("refused connection", None, "transient", "transient"),
        ("closed before the answer", Some(String::new()), "transient", "unknown"),
        ("closed within the answer", Some(cut), "transient", "unknown"),
        ("no HTTP", Some("220 hello\r\n".to_owned()), "transient", "unknown"),
        ("HTML with 200", Some(http(200, "<html>")), "transient", "unknown"),
        ("server error", Some(http(500, "")), "transient", "unknown"),
    ] {
        for (task, want) in [(update(None, true), patch), (note_task(), note)] {
            let url = match answer.clone() {
                Some(answer) => peer(vec![answer]).await.0,
                None => format!("http://{closed}"),
            };
            let report = hubspot(url).perform(&work(task, false)).await;
            assert_eq!(class(&report.outcome), want, "{name}: {:?}", report.outcome);
        }
    }
}

#[tokio::test]
async fn a_note_is_absent_only_when_the_list_says_so() {
    let marker = note::marker(&work(note_task(), true).job.key());
    let search =
        |id: &str, body: &str| json_http(200, &json!({"results": [{"id": id, "properties": {"hs_note_body": body}}]}));
    let nothing = || json_http(200, &json!({"total": 0, "results": []}));
    let list = |ids: &[u64], after: Option<&str>| {
        let results: Vec<Value> = ids.iter().map(|id| json!({"toObjectId": id, "associationTypes": []})).collect();
        json_http(200, &json!({"results": results, "paging": after.map(|after| json!({"next": {"after": after}}))}))
    };
    let read = |body: &str| json_http(200, &json!({"id": "7", "properties": {"hs_note_body": body}}));
    let (ours, other) = (format!("x<br>{marker}"), format!("x<br>{marker}2"));
    for (name, answers, want) in [
        ("found by the search", vec![search("7", &ours)], "done"),
        ("the index lags", vec![nothing(), list(&[9, 7], None), read("hi"), read(&ours)], "done"),
        ("on the second page", vec![nothing(), list(&[7], Some("c")), list(&[9], None), read(&ours)], "done"),
        ("a later generation's", vec![search("7", &other), list(&[7], None), read(&other)], "absent"),
        ("no notes at all", vec![nothing(), list(&[], None)], "absent"),
        ("the contact is gone", vec![nothing(), http(404, "{}"), http(404, "{}")], "absent"),
        ("what it became can't be told", vec![nothing(), http(404, "{}"), http(502, "")], "transient"),
        ("a note deleted meanwhile", vec![nothing(), list(&[7], None), http(404, "{}")], "absent"),
        ("the search is down", vec![http(500, ""), list(&[7], None), read(&ours)], "done"),
        ("the search limit", vec![http(429, "{}")], "throttled"),
        ("the token is refused", vec![http(401, "{}")], "auth"),
        ("the list is down", vec![nothing(), http(502, "")], "transient"),
        ("the list is HTML", vec![nothing(), http(200, "<html>")], "transient"),
        ("a note can't be read", vec![nothing(), list(&[7], None), http(503, "")], "transient"),
        ("a proxy's 404", vec![nothing(), http(404, "<html>")], "unsure"),
        ("no list", vec![nothing(), http(200, "{}")], "unsure"),
        ("no end", [vec![nothing()], vec![list(&[7], Some("c")); 4]].concat(), "unsure"),
    ] {
        let count = answers.len();
        let (url, mut heard) = peer(answers).await;
        let report = hubspot(url).perform(&work(note_task(), true)).await;
        assert_eq!(class(&report.outcome), want, "{name}: {:?}", report.outcome);
        for _ in 0..count {
            let asked = heard.recv().await.unwrap();
            assert!(asked.starts_with("GET ") || asked.starts_with("POST /crm/v3/objects/notes/search "), "{asked}");
        }
    }
}

#[tokio::test]
async fn verify_names_what_is_missing() {
    let gone = || http(404, r#"{"category":"OBJECT_NOT_FOUND"}"#);
    let option = |value: &str| json!({"value": value, "label": value});
    let select = |values: &[&str]| {
        let options: Vec<Value> = values.iter().map(|value| option(value)).collect();
        json_http(200, &json!({"type": "enumeration", "options": options}))
    };
    let shown = |spam: &str| {
        let spam = json!({"value": "SPAM", "label": spam});
        let options = [option("hot"), option("TIRE_KICKER"), option("SUPPORT_REQUEST"), spam];
        json_http(200, &json!({"type": "enumeration", "options": options}))
    };
    let classes = || shown("Other");
    let flag = || json_http(200, &json!({"type": "bool", "options": [option("true"), option("false")]}));
    let scopes = http(403, r#"{"category":"MISSING_SCOPES","message":"more scopes"}"#);
    for (name, answers, want) in [
        ("all is well", vec![gone(), gone(), classes(), flag()], vec![]),
        ("a text property will do", vec![gone(), gone(), http(200, r#"{"type":"string"}"#), flag()], vec![]),
        ("token", vec![http(401, r#"{"message":"no"}"#)], vec!["HubSpot 401: no"]),
        ("write scope", vec![gone(), scopes], vec!["HubSpot 403 MISSING_SCOPES: more scopes"]),
        (
            "no properties",
            vec![gone(), gone(), gone(), gone()],
            vec![
                "HubSpot's contacts have no property auto_classification",
                "HubSpot's contacts have no property high_priority",
            ],
        ),
        (
            "options and types",
            vec![gone(), gone(), select(&["hot", "SPAM"]), http(200, r#"{"type":"number"}"#)],
            vec![
                "HubSpot's property auto_classification lacks TIRE_KICKER, SUPPORT_REQUEST",
                "HubSpot's property auto_classification shows SPAM as \"SPAM\" and not as \"Other\"",
                "HubSpot's property high_priority is of type \"number\" and can't hold what we write",
            ],
        ),
        (
            "what people see",
            vec![gone(), gone(), shown("Spam"), flag()],
            vec!["HubSpot's property auto_classification shows SPAM as \"Spam\" and not as \"Other\""],
        ),
    ] {
        let (url, _heard) = peer(answers).await;
        let found = hubspot(url).verify().await;
        assert_eq!(found.iter().map(|failure| failure.reason.as_str()).collect::<Vec<_>>(), want, "{name}");
        assert!(found.iter().all(|failure| failure.cure.is_some()), "{name}");
    }
}

#[tokio::test]
async fn properties_are_created_once() {
    let (url, mut heard) = peer(vec![http(201, "{}"), http(409, "{}")]).await;
    assert_eq!(hubspot(url).create_properties().await, vec![]);
    let first = body_of(&heard.recv().await.unwrap());
    let values: Vec<&str> = first["options"].as_array().unwrap().iter().map(|o| o["value"].as_str().unwrap()).collect();
    assert_eq!(values, ["hot", "TIRE_KICKER", "SUPPORT_REQUEST", "SPAM"]);
    assert_eq!(first["options"][3]["label"], "Other");
    let second = heard.recv().await.unwrap();
    assert!(second.starts_with("POST /crm/v3/properties/contacts "), "{second}");
    assert_eq!(body_of(&second)["type"], "bool");

    let refused = http(403, r#"{"category":"MISSING_SCOPES"}"#);
    let (url, _heard) = peer(vec![refused.clone(), refused]).await;
    let failed = hubspot(url).create_properties().await;
    assert_eq!(failed.len(), 2);
    assert!(failed[0].cure.as_deref().unwrap().ends_with("crm.schemas.contacts.write"));
}
