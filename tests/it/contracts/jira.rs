//! Jira Cloud's contract: an issue and its label, the search for it, the account and its project.
//!
//! Sources: <https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/>,
//! <https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/>,
//! <https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/>.

use std::time::Duration;

use nightdesk::deliver::ticket::jira::{Jira, Settings};
use nightdesk::demo::sim::{self, Fault, Sim};
use nightdesk::model::{Effect, Fault as Class, Task, TicketTask, Work};
use nightdesk::wire::Wire;
use serde_json::{Value, json};

use super::ticket::{TOKEN, case, failure, hostile, letters, link, looked_up_after, ticket, until_done};
use super::{contract, wire};
use crate::vendors::{TIMEOUT, class, faults};

const USER: &str = "desk@example.com";
const A_MINUTE: Duration = Duration::from_mins(1);

fn desk_at(sim: &Sim<sim::Jira>, token: &str, project: &str, issue_type: &str) -> Jira {
    let settings = Settings {
        base_url: sim.base_url(),
        user: USER.to_owned(),
        token: token.into(),
        project: project.to_owned(),
        issue_type: issue_type.to_owned(),
        timeout: TIMEOUT,
    };
    Jira::new(settings, Wire::new())
}

async fn open() -> (Sim<sim::Jira>, Jira) {
    let sim = Sim::spawn(sim::Jira::new(USER, TOKEN).project("SUP", &["Task", "Support", "Subtask"])).await.unwrap();
    let desk = desk_at(&sim, TOKEN, "SUP", "Task");
    (sim, desk)
}

fn asked(method: &str, path: &str, body: &Value) -> Value {
    contract(method, path, "", "authorization", body)
}

fn seen(sim: &Sim<sim::Jira>) -> Vec<Value> {
    for request in sim.requests() {
        // desk@example.com:token-of-this-test
        let pair = "Basic ZGVza0BleGFtcGxlLmNvbTp0b2tlbi1vZi10aGlzLXRlc3Q=";
        assert_eq!(request.header("authorization"), Some(pair));
        assert_eq!(request.header("accept"), Some("application/json"));
    }
    sim.requests().iter().map(wire).collect()
}

fn plain(key: &str) -> Value {
    let text = |text: &str| json!({ "type": "text", "text": text });
    json!({
        "fields": {
            "project": { "key": "SUP" },
            "issuetype": { "name": "Task" },
            "summary": "I can't log into my account",
            "description": { "type": "doc", "version": 1, "content": [
                { "type": "paragraph", "content": [text("From the website, 22:04")] },
                { "type": "paragraph", "content": [text("Hello,"), { "type": "hardBreak" }, text("it says \"no\".")] },
                { "type": "paragraph" },
                { "type": "paragraph", "content": [text("Ada")] },
            ]},
            "labels": ["nightdesk", "night-shift", format!("nightdesk-{key}")],
        },
        "properties": [{ "key": "nightdesk", "value": { "job": key } }],
    })
}

fn search(key: &str) -> Value {
    let jql = format!("project = \"SUP\" AND labels = \"nightdesk-{key}\"");
    asked("POST", "/rest/api/3/search/jql", &json!({ "jql": jql, "fields": ["summary"], "maxResults": 2 }))
}

#[tokio::test]
async fn an_issue_is_one_post() {
    let (sim, desk) = open().await;
    let (calm, urgent) = (ticket(case()), ticket(TicketTask { priority: Some("High".to_owned()), ..case() }));
    let report = desk.perform(&calm).await;
    assert_eq!(link(&report), format!("{}/browse/SUP-1", sim.base_url()));
    assert_eq!(
        (report.trace.status, report.trace.vendor_id.as_deref()),
        (Some(201), Some("00000000000000000000000000000000"))
    );
    assert_eq!(class(&desk_at(&sim, TOKEN, "SUP", "10002").perform(&urgent).await.outcome), "done");
    let mut other = plain(&urgent.job.key());
    other["fields"]["priority"] = json!({ "name": "High" });
    other["fields"]["issuetype"] = json!({ "id": "10002" });
    assert_eq!(seen(&sim), [plain(&calm.job.key()), other].map(|body| asked("POST", "/rest/api/3/issue", &body)));
    let made = sim.issues().remove(0);
    assert_eq!(made.text, "From the website, 22:04\nHello,\nit says \"no\".\n\nAda");
    assert_eq!(made.properties["nightdesk"], json!({ "job": calm.job.key() }));
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn not_found_is_believed_after_a_minute() {
    let (sim, desk) = open().await;
    let work = ticket(case());
    let later = |age: Duration| looked_up_after(&work, age);
    let young = failure(desk.perform(&later(Duration::from_secs(50))).await.outcome);
    assert_eq!(young.fault, Class::Transient);
    assert!(young.reason.contains("may lag"), "{young:?}");
    assert_eq!(class(&desk.perform(&later(A_MINUTE)).await.outcome), "absent");
    assert_eq!(class(&desk.perform(&work).await.outcome), "done");
    sim.set_index_lag(Duration::from_hours(1));
    assert_eq!(class(&desk.perform(&later(Duration::from_secs(10))).await.outcome), "transient");
    sim.set_index_lag(Duration::ZERO);
    let found = desk.perform(&later(Duration::from_secs(10))).await;
    assert_eq!(link(&found), format!("{}/browse/SUP-1", sim.base_url()));
    let key = work.job.key();
    let made = asked("POST", "/rest/api/3/issue", &plain(&key));
    assert_eq!(seen(&sim), [search(&key), search(&key), made, search(&key), search(&key)]);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

/// Name, fault; the class of the POST, and of the look-up.
fn errors() -> Vec<(&'static str, Fault, &'static str, &'static str)> {
    let no = |status: u16| Fault::status_with(status, json!({ "errorMessages": ["no"], "errors": {} }));
    let page = |status: u16| Fault::status_with(status, json!("<html>"));
    let field = json!({ "errorMessages": [], "errors": { "priority": "The priority selected is invalid." } });
    let long = json!({ "errorMessages": ["CONTENT_LIMIT_EXCEEDED"], "errors": {} });
    let captcha = || Fault::status_with(403, json!("<html>CAPTCHA</html>"));
    vec![
        ("a field", Fault::status_with(400, field), "permanent", "unsure"),
        ("too long", Fault::status_with(400, long), "permanent", "unsure"),
        ("token", no(401), "auth", "auth"),
        ("token, as a page", page(401), "auth", "auth"),
        ("no right", no(403), "auth", "auth"),
        ("a captcha", captcha().header("x-seraph-loginreason", "AUTHENTICATION_DENIED"), "auth", "auth"),
        ("hidden", no(404), "auth", "auth"),
        ("removed", no(410), "permanent", "unsure"),
        ("limit", no(429).header("ratelimit-reason", "jira-burst-based"), "throttled", "throttled"),
        ("limit until then", no(429).header("retry-after", "5"), "throttled", "throttled"),
        ("internal", no(500), "unknown", "transient"),
        ("unavailable", page(503), "unknown", "transient"),
        ("unavailable until then", no(503).header("retry-after", "7"), "unknown", "throttled"),
        ("no key", Fault::status_with(201, json!({ "id": "1" })), "unknown", "transient"),
    ]
}

#[tokio::test]
async fn every_error_ends_in_its_class_and_there_is_one_issue_in_the_end() {
    let generic = faults().into_iter().map(|(name, fault, once, _)| (name, fault, once));
    let own = errors().into_iter().map(|(name, fault, once, _)| (name, fault, once));
    for (name, fault, want) in own.chain(generic) {
        let (sim, desk) = open().await;
        let work = ticket(case());
        sim.script([fault]);
        let report = desk.perform(&work).await;
        assert_eq!(class(&report.outcome), want, "{name}: {report:?}");
        assert!(!format!("{report:?}").contains(TOKEN), "{name}");
        sim.heal();
        let found = desk.perform(&looked_up_after(&work, A_MINUTE)).await.outcome;
        assert_eq!(class(&found), if sim.issues().is_empty() { "absent" } else { "done" }, "{name}: {found:?}");
        let next = if class(&found) == "done" { looked_up_after(&work, A_MINUTE) } else { work };
        assert_eq!(link(&until_done(&desk, &next).await), format!("{}/browse/SUP-1", sim.base_url()), "{name}");
        assert_eq!((sim.issues().len(), sim.violations()), (1, vec![]), "{name}");
    }
}

#[tokio::test]
async fn a_look_up_that_cannot_tell_says_so() {
    let generic = faults().into_iter().filter(|(name, ..)| !name.contains("wrong content type"));
    let generic = generic.map(|(name, fault, _, repeatable)| {
        (name, fault, if repeatable == "permanent" { "unsure" } else { repeatable })
    });
    let own = errors().into_iter().map(|(name, fault, _, look_up)| (name, fault, look_up));
    for (name, fault, want) in own.chain(generic) {
        let (sim, desk) = open().await;
        sim.script([fault]);
        let outcome = desk.perform(&looked_up_after(&ticket(case()), A_MINUTE)).await.outcome;
        assert_eq!(class(&outcome), want, "{name}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_project_that_is_hidden_is_the_configurations_fault() {
    let (sim, desk) = open().await;
    sim.hide_project("SUP");
    let told = failure(desk.perform(&ticket(case())).await.outcome);
    assert_eq!(told.fault, Class::Auth);
    assert!(told.cure.unwrap().contains("Create Issues"));
}

#[tokio::test]
async fn check_reads_the_account_and_the_project() {
    let (sim, desk) = open().await;
    assert_eq!(desk.verify().await, vec![]);
    assert_eq!(desk_at(&sim, TOKEN, "SUP", "10002").verify().await, vec![]);
    let get = |path: &str| asked("GET", path, &Value::Null);
    let both = [get("/rest/api/3/myself"), get("/rest/api/3/project/SUP")];
    assert_eq!(seen(&sim), [both.clone(), both].concat());
    for (name, token, project, kind, want) in [
        ("token", "another", "SUP", "Task", Class::Auth),
        ("project", TOKEN, "NO", "Task", Class::Auth),
        ("a project that would be a path", TOKEN, "../myself?", "Task", Class::Auth),
        ("type", TOKEN, "SUP", "Bug", Class::Permanent),
        ("subtasks", TOKEN, "SUP", "Subtask", Class::Permanent),
    ] {
        let found = desk_at(&sim, token, project, kind).verify().await;
        assert_eq!(found.iter().map(|failure| failure.fault).collect::<Vec<_>>(), [want], "{name}: {found:?}");
        assert!(found[0].cure.is_some(), "{name}");
    }
}

#[tokio::test]
async fn a_hostile_text_stays_in_its_place() {
    let (sim, desk) = open().await;
    let works: Vec<Work> = hostile().map(|task| ticket(TicketTask { priority: None, ..task })).collect();
    for work in &works {
        let report = desk.perform(work).await;
        assert_eq!(class(&report.outcome), "done", "{report:?}");
    }
    let made = sim.issues();
    assert_eq!((made.len(), sim.violations()), (works.len(), vec![]));
    for (work, made) in works.iter().zip(made) {
        let Task::Ticket(task) = &work.job.task else { panic!("no ticket") };
        assert_eq!(letters(&made.text), letters(&task.paragraphs.concat()));
        assert!(!made.text.chars().any(|c| c.is_control() && c != '\n') && !made.summary.contains(char::is_control));
        assert_eq!(made.labels.last(), Some(&format!("nightdesk-{}", work.job.key())));
        assert_eq!(made.sent.as_object().unwrap().len(), 5, "{}", made.sent);
    }
    let last = works.last().unwrap();
    let found = desk.perform(&looked_up_after(last, A_MINUTE)).await;
    assert_eq!(link(&found), format!("{}/browse/SUP-{}", sim.base_url(), works.len()));
    assert_eq!(sim.violations(), Vec::<String>::new());
}
