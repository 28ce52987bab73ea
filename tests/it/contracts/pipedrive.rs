//! Pipedrive's contract: persons, activities and fields of version 2, notes of version 1.
//!
//! Sources: the official client, github.com/pipedrive/client-nodejs 32.2.1 (paths, keys, types, query),
//! <https://developers.pipedrive.com/docs/api/v1/Notes>, <https://pipedrive.readme.io/docs/core-api-concepts-responses>,
//! <https://pipedrive.readme.io/docs/core-api-concepts-rate-limiting>.

use std::sync::Arc;
use std::time::Duration;

use nightdesk::demo::sim::{Fault, Pipedrive, Sim};
use nightdesk::model::{
    Contact, CrmRead, CrmUpdate, Done, Fault as Class, Left, Outcome, Quota, Reconcile, Task, Timestamp, Work,
};
use nightdesk::writeback::Crm;
use nightdesk::writeback::note::carries;
use serde_json::{Value, json};

use super::{contract, own_crm, settled, wire};
use crate::vendors::{class, looked_up, note, record, task, update, work};

const TOKEN: &str = "token-of-this-test";
const CLASS: &str = "d4de1c1518b4531717c676029a45911c340390a6";
const FLAG: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334";
const WORDS: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f001234567";
const FROM: Timestamp = Timestamp::from_millis(1_795_000_000_000);

fn account() -> Pipedrive {
    Pipedrive::new(TOKEN)
        .person(101, "Ada Byron", "ada@example.com", "+46 8 1234")
        .field(CLASS, "varchar", &[])
        .field(FLAG, "varchar", &[])
        .field(WORDS, "text", &[])
        .user(7)
}

async fn open(account: Pipedrive, more: &str) -> (Sim<Pipedrive>, Arc<dyn Crm>) {
    let sim = Sim::spawn(account).await.unwrap();
    let text = format!(
        r#"
[sources.web]
kind = "pipedrive"
auth = {{ scheme = "none" }}
crm = "own"
fields = {{ message = "/data/custom_fields/{WORDS}" }}
[crm.own]
kind = "pipedrive"
base-url = "{}"
token = SECRET
classification-property = "{CLASS}"
priority-property = "{FLAG}"
message-property = "{WORDS}"
timeout = "1s"
reconcile = "web"
{more}
"#,
        sim.base_url()
    );
    (sim, own_crm(&text, TOKEN))
}

fn asked(method: &str, path: &str, query: &str, body: &Value) -> Value {
    contract(method, path, query, "x-api-token", body)
}

fn seen(sim: &Sim<Pipedrive>) -> Vec<Value> {
    let requests = sim.requests();
    assert!(requests.iter().all(|request| request.header("x-api-token") == Some(TOKEN)));
    requests.iter().map(wire).collect()
}

#[tokio::test]
async fn class_flag_and_owner_are_a_patch_of_typed_values() {
    let (sim, crm) = open(account(), "").await;
    let owned = CrmUpdate { record: record(), label: None, priority: None, owner: Some("7".to_owned()) };
    let unflagged = CrmUpdate { record: record(), label: None, priority: Some(false), owner: None };
    for task in [update(), Task::CrmUpdate(owned), Task::CrmUpdate(unflagged)] {
        let report = crm.perform(&work(task)).await;
        assert_eq!(class(&report.outcome), "done", "{:?}", report.outcome);
        assert!(!format!("{:?}", report.trace).contains(TOKEN));
    }
    let patch = |body: Value| asked("PATCH", "/api/v2/persons/101", "", &body);
    let want = [
        patch(json!({ "custom_fields": { CLASS: "URGENT_BUYER", FLAG: "true" } })),
        patch(json!({ "owner_id": 7 })),
        patch(json!({ "custom_fields": { FLAG: "false" } })),
    ];
    assert_eq!(seen(&sim), want);
    assert_eq!(sim.field(101, "owner_id"), Some(json!(7)));
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_whole_number_is_the_id_of_an_option() {
    let options = || account().field(CLASS, "enum", &["Hot", "Cold", "Support", "Other"]);
    let values = "values = { URGENT_BUYER = \"1\", TIRE_KICKER = \"2\", SUPPORT_REQUEST = \"3\", SPAM = \"4\" }";
    let (sim, crm) = open(options(), values).await;
    assert_eq!(crm.verify().await, vec![]);
    assert_eq!(class(&crm.perform(&work(update())).await.outcome), "done");
    assert_eq!(sim.field(101, CLASS), Some(json!(1)));
    let (_sim, crm) = open(options(), "").await;
    let told = crm.verify().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].cure.as_deref().unwrap().contains("1 is \"Hot\""), "{told:?}");
}

#[tokio::test]
async fn a_note_and_an_activity_are_made_on_their_person() {
    let (sim, crm) = open(account(), "").await;
    let (note, task) = (work(note()), work(task()));
    for work in [&note, &task] {
        let Outcome::Done(done) = crm.perform(work).await.outcome else { panic!("it was refused") };
        assert_eq!(done, Done::Crm { id: Some("1".to_owned()) });
    }
    let marked = |request: Value, field: &str, work: &Work| {
        let marker = format!("<br>nightdesk:{}", work.job.key());
        settled(request, &format!("/body/{field}"), "words", |text| text.ends_with(&marker))
    };
    let mut requests = seen(&sim).into_iter();
    let made = marked(requests.next().unwrap(), "content", &note);
    assert_eq!(made, asked("POST", "/v1/notes", "", &json!({ "content": "words", "person_id": 101 })));
    let made = marked(requests.next().unwrap(), "note", &task);
    let made = settled(made, "/body/due_date", "today", |date| date.parse::<jiff::civil::Date>().is_ok());
    let body = json!({
        "subject": "nobody has claimed it", "type": "task", "due_date": "today", "done": false, "note": "words",
        "participants": [{ "person_id": 101, "primary": true }],
    });
    assert_eq!(made, asked("POST", "/api/v2/activities", "", &body));
    assert_eq!(requests.next(), None);
    assert_eq!((sim.notes_of(101).len(), sim.activities_of(101).len()), (1, 1));
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn both_look_ups_read_the_newest_of_the_person() {
    let (sim, crm) = open(account(), "").await;
    for made in [note(), task()] {
        assert_eq!(class(&crm.perform(&looked_up(&work(made))).await.outcome), "absent");
    }
    let want = [
        asked("GET", "/v1/notes", "person_id=101&sort=id DESC&start=0&limit=100", &Value::Null),
        asked("GET", "/api/v2/activities", "person_id=101&sort_by=id&sort_direction=desc&limit=100", &Value::Null),
    ];
    assert_eq!(seen(&sim), want);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_person_is_read_with_what_it_wrote() {
    let (sim, crm) = open(account(), "").await;
    sim.set(101, WORDS, "Please call me", jiff::Timestamp::now());
    let read = CrmRead { record: record(), account: Some("9".to_owned()), again: false, expects_message: true };
    let Outcome::Done(Done::Read(lead)) = crm.perform(&work(Task::CrmRead(read))).await.outcome else {
        panic!("unread")
    };
    let read = Contact { message: Some(lead.message), name: lead.name, email: lead.email, phone: lead.phone_text };
    let text = |text: &str| Some(text.to_owned());
    let want = Contact {
        message: text("Please call me"),
        name: text("Ada Byron"),
        email: text("ada@example.com"),
        phone: text("+46 8 1234"),
    };
    assert_eq!(read, want);
    assert_eq!(seen(&sim), [asked("GET", "/api/v2/persons/101", &format!("custom_fields={WORDS}"), &Value::Null)]);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_window_holds_who_was_made_in_it_page_by_page() {
    let until = FROM.after(Duration::from_hours(1));
    let at = |minutes: i64| jiff::Timestamp::from_millisecond(FROM.as_millis() + minutes * 60_000).unwrap();
    let many = (201..=320).fold(account(), |account, id| account.person(id, "P", "", ""));
    let (sim, crm) = open(many, "").await;
    sim.set(101, WORDS, "before", at(-1));
    for id in 201..=320 {
        sim.set(id, WORDS, "hi", at(if id == 320 { 60 } else { 5 }));
    }
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let task = Task::Reconcile(Reconcile { from: FROM, until, after });
        let outcome = crm.perform(&work(task)).await.outcome;
        let Outcome::Done(Done::Found(page)) = outcome else { panic!("{outcome:?}") };
        for record in page.records {
            assert_eq!((record.lead.message.as_str(), record.made_at.as_millis()), ("hi", at(5).as_millisecond()));
            let shown: Value = serde_json::from_str(&record.shown).unwrap();
            found.push(shown["id"].as_u64().unwrap());
        }
        after = page.after;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, (201..320).collect::<Vec<_>>());
    let query =
        format!("updated_since=2026-11-18T11:06:40Z&sort_by=id&sort_direction=asc&limit=100&custom_fields={WORDS}");
    let want =
        ["", "&cursor=from-300="].map(|more| asked("GET", "/api/v2/persons", &format!("{query}{more}"), &Value::Null));
    assert_eq!(seen(&sim), want);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn check_reads_the_token_and_the_fields_and_makes_those_that_are_missing() {
    let (sim, crm) = open(account(), "").await;
    assert_eq!((crm.verify().await, crm.create_fields().await), (vec![], vec![]));
    let field = |key: &str| asked("GET", &format!("/api/v2/personFields/{key}"), "", &Value::Null);
    let me = asked("GET", "/v1/users/me", "", &Value::Null);
    assert_eq!(seen(&sim), [me, field(CLASS), field(FLAG), field(WORDS), field(CLASS), field(FLAG)]);

    let (sim, crm) = open(Pipedrive::new(TOKEN).field(WORDS, "double", &[]), "").await;
    let told: Vec<String> = crm.verify().await.into_iter().map(|failure| failure.reason).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].ends_with(CLASS) && told[2].contains("of type \"double\""), "{told:?}");
    let made = crm.create_fields().await;
    assert!(made[0].cure.as_deref().unwrap().starts_with("set classification-property = \""), "{made:?}");
    assert_eq!(crm.create_fields().await, made, "one that was made is told again, not made again");
    let posts = seen(&sim).into_iter().filter(|request| request["method"] == "POST").collect::<Vec<_>>();
    let body = |name: &str| json!({ "field_name": name, "field_type": "varchar" });
    let want = ["Automatic classification", "High priority"];
    assert_eq!(posts, want.map(|name| asked("POST", "/api/v2/personFields", "", &body(name))));
    assert_eq!(sim.violations(), Vec::<String>::new());
}

/// Name, fault; its class where it may be repeated, and where it may not.
fn errors() -> Vec<(&'static str, Fault, &'static str, &'static str)> {
    let no = |status: u16| Fault::status_with(status, json!({ "success": false, "error": "no", "code": "ERR" }));
    let page = |status: u16| Fault::status_with(status, json!("<html>"));
    vec![
        ("validation", no(400), "permanent", "permanent"),
        ("token", no(401), "auth", "auth"),
        ("not paid", no(402), "auth", "auth"),
        ("no right", no(403), "auth", "auth"),
        ("the wall", page(403), "throttled", "throttled"),
        ("deleted", no(404), "permanent", "permanent"),
        ("gone", no(410), "permanent", "permanent"),
        ("not JSON", no(415), "permanent", "permanent"),
        ("unprocessable", no(422), "permanent", "permanent"),
        ("limit", no(429), "throttled", "throttled"),
        ("internal", no(500), "transient", "unknown"),
        ("not implemented", no(501), "transient", "unknown"),
        ("unavailable", no(503), "transient", "unknown"),
        ("unavailable for a while", no(503).header("retry-after", "7"), "throttled", "unknown"),
        ("no success", no(200), "permanent", "permanent"),
        ("HTML", Fault::html(), "transient", "unknown"),
        ("half", Fault::half_json().applied(), "transient", "unknown"),
        ("hangs", Fault::hang().applied(), "transient", "unknown"),
        ("hangs up", Fault::close(), "transient", "unknown"),
        ("hangs up after the work", Fault::close().applied(), "transient", "unknown"),
        ("a redirect", Fault::redirect("https://example.com/"), "permanent", "permanent"),
    ]
}

#[tokio::test]
async fn every_error_ends_in_its_class_and_what_was_made_is_found() {
    for (name, fault, repeatable, once) in errors() {
        for (made, want) in [(update(), repeatable), (note(), once), (task(), once)] {
            let (sim, crm) = open(account(), "").await;
            let work = work(made);
            sim.script([fault.clone()]);
            let outcome = crm.perform(&work).await.outcome;
            assert_eq!(class(&outcome), want, "{name}: {outcome:?}");
            let found = crm.perform(&looked_up(&work)).await.outcome;
            let there: Vec<_> = [sim.notes_of(101), sim.activities_of(101)].concat();
            assert_eq!(class(&found), if there.is_empty() { "absent" } else { "done" }, "{name}: {found:?}");
            assert!(there.iter().all(|made| carries(&made.text, &work.job.key())), "{name}");
            assert_eq!(sim.violations(), Vec::<String>::new(), "{name}");
        }
    }
}

#[tokio::test]
async fn a_look_up_that_cannot_tell_says_so() {
    for (name, fault, want) in [
        ("refused", Fault::status(400), "unsure"),
        ("token", Fault::status(401), "auth"),
        ("down", Fault::status(500), "transient"),
        ("no list", Fault::status_with(200, json!({ "success": true, "data": {} })), "unsure"),
    ] {
        let (sim, crm) = open(account(), "").await;
        sim.script([fault]);
        assert_eq!(class(&crm.perform(&looked_up(&work(note()))).await.outcome), want, "{name}");
    }
}

#[tokio::test]
async fn limits_are_told_and_end_when_they_say() {
    let (sim, crm) = open(account().burst(1, Duration::from_secs(2)), "").await;
    let quota = crm.perform(&work(update())).await.quota;
    let day = Some(Left { left: 29_999, of: 30_000 });
    assert_eq!(quota, Quota { requests: 1, burst: Some(Left { left: 0, of: 1 }), day });
    let until = |outcome: Outcome| {
        let Outcome::Failed(failure) = outcome else { panic!("{outcome:?}") };
        let Class::Throttled { until } = failure.fault else { panic!("{failure:?}") };
        until
    };
    let over = until(crm.perform(&work(note())).await.outcome);
    assert!(over.since(Timestamp::now()) <= Duration::from_secs(2));
    sim.leave_of_the_day(0);
    let over = until(crm.perform(&work(note())).await.outcome);
    assert!(over.to_string().ends_with("T00:00:00.000Z"), "midnight UTC: {over}");
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn an_id_that_is_no_number_is_never_sent() {
    let (sim, crm) = open(account(), "").await;
    for id in ["", "..", "101/notes", "1e3", "-1"] {
        let mut moved = CrmUpdate { record: record(), label: None, priority: Some(true), owner: None };
        id.clone_into(&mut moved.record.id);
        assert_eq!(class(&crm.perform(&work(Task::CrmUpdate(moved))).await.outcome), "permanent", "{id}");
    }
    let owned = CrmUpdate { record: record(), label: None, priority: None, owner: Some("dana".to_owned()) };
    assert_eq!(class(&crm.perform(&work(Task::CrmUpdate(owned))).await.outcome), "permanent");
    assert_eq!(sim.requests().len(), 0);
}
