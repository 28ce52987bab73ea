//! A CRM that the operator describes, from the text of the configuration to what the CRM holds.

use std::sync::Arc;
use std::time::Duration;

use nightdesk::app;
use nightdesk::config::Config;
use nightdesk::demo::sim::{Fault, Match, OwnCrm, Sim};
use nightdesk::model::{CrmRead, CrmUpdate, Label, Outcome, Reconcile, Task, Timestamp, Work};
use nightdesk::writeback::Crm;
use serde_json::{Value, json};

use super::{contract, own_crm, settled, wire};
use crate::spine::URGENT;
use crate::support::{Office, Post, WEBSITE_SECRET};
use crate::vendors::{class, looked_up, note, record, task, update, work};

const SECRET: &str = "own-secret-of-this-test";

/// The CRM with lead 101, and a writer as the configuration describes it. The update is a `PATCH`, a note is told apart by
/// its key, a task by nothing.
async fn own(change: impl Fn(String) -> String) -> (Sim<OwnCrm>, Arc<dyn Crm>) {
    let sim = Sim::spawn(OwnCrm::new(SECRET).lead("101")).await.unwrap();
    let base = sim.base_url();
    let text = format!(
        r#"
[crm.own]
kind = "http"
timeout = "1s"
auth = {{ header = "X-Key", prefix = "", secret = SECRET }}
probe = "{base}/api/me"
values = {{ SPAM = "junk" }}
[crm.own.requests.update]
method = "PATCH"
url = "{base}/api/leads/{{{{ record_id }}}}"
headers = {{ "X-From" = "nightdesk" }}
body = '''{{ "class": {{{{ class_value }}}}
  {{% if priority is not none %}}, "flag": {{{{ priority }}}}{{% endif %}}
  {{% if owner %}}, "owner": {{{{ owner }}}}{{% endif %}} }}'''
success = {{ status = [200], pointer = "/ok", equals = true }}
[crm.own.requests.note]
method = "POST"
url = "{base}/api/notes"
body = '{{ "lead": {{{{ record_id }}}}, "text": {{{{ note ~ " (" ~ key ~ ")" }}}} }}'
success = {{ status = [201] }}
id = "/data/id"
idempotency-header = "Idempotency-Key"
[crm.own.requests.task]
method = "POST"
url = "{base}/api/tasks"
body = '{{ "lead": {{{{ record_id }}}}, "text": {{{{ subject }}}} }}'
id = "/data/id"
"#
    );
    (sim, own_crm(&change(text), SECRET))
}

fn asked(method: &str, path: &str, more: &[&str], body: &Value) -> Value {
    let mut wanted = contract(method, path, "", "x-key", body);
    let headers = wanted["headers"].as_array_mut().unwrap();
    headers.extend(more.iter().map(|name| json!(name)));
    headers.sort_by_key(Value::to_string);
    wanted
}

#[tokio::test]
async fn each_request_is_what_the_configuration_says() {
    let (sim, crm) = own(|text| text).await;
    assert_eq!(crm.verify().await, vec![]);
    let owned = CrmUpdate { record: record(), label: None, priority: None, owner: Some("7".to_owned()) };
    let spam = CrmUpdate { record: record(), label: Some(Label::Spam), priority: Some(false), owner: None };
    let (note, task) = (work(note()), work(task()));
    for work in [work(update()), work(Task::CrmUpdate(owned)), work(Task::CrmUpdate(spam)), note.clone(), task] {
        let report = crm.perform(&work).await;
        assert_eq!((class(&report.outcome), report.quota.requests), ("done", 1), "{:?}", report.outcome);
        assert!(!format!("{:?}", report.trace).contains(SECRET));
    }
    let patch = |body: Value| asked("PATCH", "/api/leads/101", &["x-from"], &body);
    let words = json!({ "lead": "101", "text": "words" });
    let want = [
        asked("GET", "/api/me", &[], &Value::Null),
        patch(json!({ "class": "URGENT_BUYER", "flag": true })),
        patch(json!({ "class": "URGENT_BUYER", "owner": "7" })),
        patch(json!({ "class": "junk", "flag": false })),
        asked("POST", "/api/notes", &["idempotency-key"], &words),
        asked("POST", "/api/tasks", &[], &json!({ "lead": "101", "text": "nobody has claimed it" })),
    ];
    let mut seen: Vec<Value> = sim.requests().iter().map(wire).collect();
    let key = format!(" ({})", note.job.key());
    let told =
        |text: &str| text.starts_with("nightdesk: URGENT_BUYER (read by the language model).") && text.ends_with(&key);
    seen[4] = settled(seen[4].take(), "/body/text", "words", told);
    assert_eq!(seen, want);
    assert_eq!(sim.requests()[4].header("idempotency-key"), Some(note.job.key().as_str()));
    assert_eq!(sim.field("101", "class"), Some(json!("junk")));
    assert_eq!((sim.notes().len(), sim.tasks().len()), (1, 1));
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn the_id_of_what_was_made_is_kept() {
    let (_sim, crm) = own(|text| text).await;
    for made in [note(), task()] {
        let Outcome::Done(done) = crm.perform(&work(made)).await.outcome else { panic!("it was refused") };
        assert_eq!(done, nightdesk::model::Done::Crm { id: Some("1".to_owned()) });
    }
}

/// Name, fault; the class where it may be repeated, and where it may not.
fn faults() -> Vec<(&'static str, Fault, &'static str, &'static str)> {
    let ok = |status: u16, body: Value| Fault::status_with(status, body);
    vec![
        ("bad body", Fault::status(400), "permanent", "permanent"),
        ("who are you", Fault::status(401), "auth", "auth"),
        ("not you", Fault::status(403), "auth", "auth"),
        ("no such lead", Fault::status(404), "permanent", "permanent"),
        ("a redirect", Fault::redirect("https://example.com/"), "permanent", "permanent"),
        ("taken, but not as said", ok(299, json!({ "ok": true, "data": { "id": 1 } })), "permanent", "done"),
        ("slow down", Fault::throttled(Some("9")), "throttled", "throttled"),
        ("in trouble until then", Fault::status(503).header("retry-after", "9"), "throttled", "unknown"),
        ("in trouble", Fault::status(500), "transient", "unknown"),
        ("in trouble after the work", Fault::status(500).applied(), "transient", "unknown"),
        ("hangs", Fault::hang(), "transient", "unknown"),
        ("hangs up after the work", Fault::close().applied(), "transient", "unknown"),
        ("hangs up in the answer", Fault::close_in_answer().applied(), "transient", "unknown"),
        ("no HTTP", Fault::garbage(), "transient", "unknown"),
    ]
}

#[tokio::test]
async fn every_error_ends_in_its_class_and_nothing_is_done_twice() {
    for (name, fault, repeatable, once) in faults() {
        for (made, want) in [(update(), repeatable), (note(), repeatable), (task(), once)] {
            let (sim, crm) = own(|text| text).await;
            let work = work(made);
            sim.script([fault.clone()]);
            let outcome = crm.perform(&work).await.outcome;
            assert_eq!(class(&outcome), want, "{name}: {outcome:?}");
            // What follows by itself: a repetition, where one is allowed.
            let found = class(&crm.perform(&looked_up(&work)).await.outcome);
            assert_eq!(found, if matches!(work.job.task, Task::CrmTask(_)) { "unsure" } else { "absent" }, "{name}");
            if want == "transient" {
                assert_eq!(class(&crm.perform(&work).await.outcome), "done", "{name}");
                assert!(sim.notes().len() <= 1, "{name}: the key tells them apart");
            }
            assert_eq!(sim.violations(), Vec::<String>::new(), "{name}");
        }
    }
}

#[tokio::test]
async fn an_update_that_may_make_something_is_not_repeated_blindly() {
    let as_task = |text: String| {
        text.replacen("method = \"PATCH\"", "method = \"POST\"", 1).replacen(
            "/api/leads/{{ record_id }}",
            "/api/tasks",
            1,
        )
    };
    let (sim, crm) = own(as_task).await;
    sim.script([Fault::close()]);
    assert_eq!(class(&crm.perform(&work(update())).await.outcome), "unsure");
    let mut after_a_death = work(update());
    after_a_death.job.crashes = 1;
    assert_eq!(class(&crm.perform(&after_a_death).await.outcome), "unsure");
    assert_eq!(sim.requests().len(), 1);
}

#[tokio::test]
async fn a_good_status_alone_proves_nothing_where_more_is_asked() {
    for (name, status, body, want) in [
        ("as said", 200, json!({ "ok": true }), "done"),
        ("it says no", 200, json!({ "ok": false, "error": "closed" }), "permanent"),
        ("it says nothing", 200, json!({}), "permanent"),
        ("another kind of yes", 200, json!({ "ok": "true" }), "permanent"),
        ("another status", 201, json!({ "ok": true }), "permanent"),
    ] {
        let (sim, crm) = own(|text| text).await;
        sim.script([Fault::status_with(status, body)]);
        let outcome = crm.perform(&work(update())).await.outcome;
        assert_eq!(class(&outcome), want, "{name}: {outcome:?}");
    }
    for (name, fault) in [("HTML", Fault::html()), ("half", Fault::half_json().applied())] {
        let (sim, crm) = own(|text| text).await;
        sim.script([fault]);
        assert_eq!(class(&crm.perform(&work(update())).await.outcome), "transient", "{name}");
    }
}

#[tokio::test]
async fn a_task_without_a_request_of_its_own_is_a_note() {
    let without = |text: String| text.split("[crm.own.requests.task]").next().unwrap().to_owned();
    let (sim, crm) = own(without).await;
    assert_eq!(class(&crm.perform(&work(task())).await.outcome), "done");
    assert!(sim.notes()[0].text.contains("call"), "{:?}", sim.notes());
    let fields_only = |text: String| text.split("[crm.own.requests.note]").next().unwrap().to_owned();
    let (sim, crm) = own(fields_only).await;
    assert_eq!(class(&crm.perform(&work(note())).await.outcome), "permanent");
    assert_eq!(sim.requests().len(), 0);
}

#[tokio::test]
async fn a_lead_goes_nowhere_else_and_says_nothing_else() {
    let (sim, crm) = own(|text| text).await;
    let mut hostile: Work = work(note());
    hostile.lead.name = Some("\", \"lead\": \"999".to_owned());
    let mut moved =
        CrmUpdate { record: record(), label: Some(Label::Spam), priority: None, owner: Some("\"}".to_owned()) };
    for id in ["../../admin", "101/../../x", "101?x=1", "@evil.example", ".."] {
        id.clone_into(&mut moved.record.id);
        let outcome = crm.perform(&work(Task::CrmUpdate(moved.clone()))).await.outcome;
        assert_eq!(class(&outcome), "permanent", "{id}");
    }
    let paths: Vec<String> = sim.requests().into_iter().map(|seen| seen.path).collect();
    assert!(paths.iter().all(|path| path.starts_with("/api/leads/")), "{paths:?}");
    assert_eq!(class(&crm.perform(&hostile).await.outcome), "done");
    assert_eq!(sim.notes()[0].lead, "101");
}

#[tokio::test]
async fn nothing_can_be_read_from_it() {
    let (sim, crm) = own(|text| text).await;
    let read = CrmRead { record: record(), account: None, again: false, expects_message: true };
    let window = Reconcile { from: Timestamp::from_millis(0), until: Timestamp::from_millis(1), after: None };
    for task in [Task::CrmRead(read), Task::Reconcile(window)] {
        let Outcome::Failed(failure) = crm.perform(&work(task)).await.outcome else { panic!("it was read") };
        assert_eq!(failure.fault.name(), "permanent");
        assert!(failure.reason.contains("can't do a job of kind"), "{failure:?}");
    }
    assert_eq!(sim.requests().len(), 0);
}

#[tokio::test]
async fn check_asks_the_probe() {
    for (name, fault, want) in [
        ("refused", Fault::status(401), "auth"),
        ("gone", Fault::status(404), "permanent"),
        ("down", Fault::close(), "transient"),
        ("slow", Fault::ok().after(Duration::from_secs(5)), "transient"),
    ] {
        let (sim, crm) = own(|text| text).await;
        sim.script([fault.on(Match::to("GET", "/api/me"))]);
        let found = crm.verify().await;
        assert_eq!(found.iter().map(|failure| failure.fault.name()).collect::<Vec<_>>(), [want], "{name}");
    }
    assert_eq!(own(|text| text).await.1.create_fields().await, vec![]);
}

/// Both examples that we give: the README's, and the shipped configuration's with its comments taken away.
#[test]
fn our_own_examples_can_be_used() {
    let file = |path: &str| std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let readme = file("README.md");
    let readme = readme.split("```toml\n[crm.own]").nth(1).unwrap().split("```").next().unwrap();
    let shipped = file("debian/nightdesk.toml");
    let shipped = shipped.split("#[crm.own]").nth(1).unwrap().split("\n\n").next().unwrap();
    let shipped: Vec<&str> =
        shipped.lines().filter(|line| !line.starts_with("# ")).map(|line| line.trim_start_matches('#')).collect();
    for example in [readme.to_owned(), shipped.join("\n")] {
        let config = Config::parse(&format!("[crm.own]{example}")).map_err(|problems| problems.to_string()).unwrap();
        assert!(config.crm["own"].note, "{example}");
        assert_eq!(app::broken_requests(&config), vec![]);
    }
    let broken = format!("[crm.own]{}", readme.replacen("{{ class_value }}", "\"{{ class_value }}\"", 1));
    let told = app::broken_requests(&Config::parse(&broken).unwrap());
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].0 == "crm.own.requests.update" && told[0].1.contains("brings its own quotes"), "{told:?}");
}

/// The whole desk: a lead that names its record is written into somebody's own CRM, and everybody is told as ever.
#[tokio::test]
async fn a_whole_lead_is_written_into_it() {
    let crm = Sim::spawn(OwnCrm::new(WEBSITE_SECRET).lead("101")).await.unwrap();
    let mut office = Office::new("").await;
    let (at, base) = (office.path().display().to_string(), crm.base_url());
    let secret = format!("{{ file = \"{at}/website-secret\" }}");
    office.configure(&format!(
        r#"
[sources.own]
kind = "json"
auth = {{ scheme = "bearer", secret = {secret} }}
crm = "own"
fields = {{ record-id = "/id", message = "/text" }}
[crm.own]
kind = "http"
auth = {{ header = "X-Key", prefix = "", secret = {secret} }}
[crm.own.requests.update]
method = "PATCH"
url = "{base}/api/leads/{{{{ record_id }}}}"
body = '{{ "class": {{{{ class_value }}}}, "flag": {{{{ priority == true }}}} }}'
[crm.own.requests.note]
method = "POST"
url = "{base}/api/notes"
body = '{{ "lead": {{{{ record_id }}}}, "text": {{{{ note }}}} }}'
idempotency-header = "Idempotency-Key"
"#
    ));
    office.start().await;
    let lead = json!({ "id": "101", "text": format!("{URGENT} \"}}, {{{{ key }}}}") });
    let post = Post::plain("/hooks/own", lead.to_string()).header("Authorization", &format!("Bearer {WEBSITE_SECRET}"));
    crm.script([Fault::close().applied().on(Match::to("POST", "/api/notes"))]);
    assert_eq!(office.post(&post).await.0, 202);
    office.until_settled(1).await;
    assert_eq!((crm.field("101", "class"), crm.field("101", "flag")), (Some(json!("URGENT_BUYER")), Some(json!(true))));
    let [note] = &crm.notes()[..] else { panic!("one note: {:?}", crm.notes()) };
    assert!(note.text.contains("SMS to Dana sent (modem)"), "{note:?}");
    assert_eq!(crm.requests().iter().filter(|seen| seen.path == "/api/notes").count(), 2, "sent again with its key");
    assert_eq!(office.modem.sent().len(), 1);
    assert_eq!(office.column("SELECT count(*) FROM dead_letters"), ["0"]);
    assert_eq!((crm.violations(), office.violations()), (vec![], vec![]));
    assert!(!office.log().contains(WEBSITE_SECRET));
}
