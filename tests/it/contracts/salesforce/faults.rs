//! Whatever goes wrong on the way, at each byte: the right class, and in the end neither a task too few nor one too many.

use nightdesk::demo::sim::{Fault, Match};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::vendors::{faults, looked_up};

/// The faults of every vendor but the 401, which says here that a session is over.
fn on_the_way() -> Vec<(&'static str, Fault, &'static str, &'static str)> {
    faults().into_iter().filter(|(name, ..)| *name != "401").collect()
}

/// Runs the cases side by side: some of them wait for a peer that never answers.
async fn side_by_side<F: Future<Output = ()> + Send + 'static>(cases: impl IntoIterator<Item = F>) {
    let mut running: JoinSet<()> = cases.into_iter().collect();
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test]
async fn fields_are_written_again_until_they_are() {
    let cases = on_the_way().into_iter().flat_map(|row| [false, true].map(|is_converted| (row.clone(), is_converted)));
    let case = |((name, fault, _, want), is_converted): ((&'static str, Fault, _, &'static str), bool)| async move {
        let (sim, writer) = desk(org()).await;
        let target = if is_converted { sim.convert(LEAD, "2026-11-23") } else { LEAD.to_owned() };
        let on = if is_converted { Match::to("POST", "/composite") } else { Match::to("PATCH", "/sobjects/Lead/") };
        // A 204 has no body that could be cut off.
        let want = if name.ends_with("in the answer") && !is_converted { "done" } else { want };
        sim.script([fault.on(on)]);
        let work = work(update(LEAD));
        let outcome = writer.perform(&work).await.outcome;
        assert_eq!(class(&outcome), want, "{name}: {outcome:?}");
        assert_eq!(writer.perform(&looked_up(&work)).await.outcome, Outcome::Absent, "{name}");
        done(&writer, &work).await;
        assert_eq!(sim.field(&target, "High_Priority__c"), true, "{name}");
        assert_eq!(sim.violations(), Vec::<String>::new(), "{name}");
    };
    side_by_side(cases.map(case)).await;
}

#[tokio::test]
async fn with_a_key_a_task_is_asked_for_again_and_made_once() {
    let made = [(false, note(LEAD)), (true, note(LEAD)), (false, task(LEAD))];
    let cases = on_the_way().into_iter().flat_map(|row| made.clone().map(|made| (row.clone(), made)));
    let case = |((name, fault, _, want), (is_converted, made)): ((&'static str, Fault, _, _), (bool, Task))| async move {
        let (sim, writer) = keyed(org()).await;
        let whose = if is_converted { sim.convert(LEAD, "2026-11-23") } else { LEAD.to_owned() };
        let on = if is_converted { Match::to("POST", "/composite") } else { Match::to("PATCH", "/sobjects/Task/") };
        sim.script([fault.on(on)]);
        let work = work(made);
        let outcome = writer.perform(&work).await.outcome;
        assert_eq!(class(&outcome), want, "{name}: {outcome:?}");
        assert_eq!(writer.perform(&looked_up(&work)).await.outcome, Outcome::Absent, "{name}");
        done(&writer, &work).await;
        done(&writer, &work).await;
        assert_eq!(sim.tasks_of(&whose).len(), 1, "{name}");
        assert_eq!(sim.violations(), Vec::<String>::new(), "{name}");
    };
    side_by_side(cases.map(case)).await;
}

#[tokio::test]
async fn without_a_key_a_task_is_looked_for_before_it_is_made_again() {
    let made = [("before", note(LEAD)), ("never", note(LEAD)), ("after", note(LEAD)), ("never", task(LEAD))];
    let cases = on_the_way().into_iter().flat_map(|row| made.clone().map(|made| (row.clone(), made)));
    let case = |((name, fault, want, _), (when, made)): ((&'static str, Fault, _, _), (&'static str, Task))| async move {
        let (sim, writer) = desk(org()).await;
        let mut whose = if when == "before" { sim.convert(LEAD, "2026-11-23") } else { LEAD.to_owned() };
        let on = if when == "before" { Match::to("POST", "/composite") } else { Match::to("POST", "/sobjects/Task") };
        sim.script([fault.on(on)]);
        let work = work(made);
        let outcome = writer.perform(&work).await.outcome;
        assert_eq!(class(&outcome), want, "{name}: {outcome:?}");
        if when == "after" {
            whose = sim.convert(LEAD, "2026-11-23");
        }
        let truth = if sim.tasks_of(&whose).is_empty() { "absent" } else { "done" };
        let found = writer.perform(&looked_up(&work)).await.outcome;
        assert_eq!(class(&found), truth, "{name}, converted {when}: {found:?}");
        if truth == "absent" {
            done(&writer, &work).await;
        }
        assert_eq!(sim.tasks_of(&whose).len(), 1, "{name}, converted {when}");
        assert_eq!(class(&writer.perform(&looked_up(&work)).await.outcome), "done", "{name}");
        assert_eq!(sim.violations(), Vec::<String>::new(), "{name}");
    };
    side_by_side(cases.map(case)).await;
}

#[tokio::test]
async fn a_task_is_looked_for_by_whom_it_is_about_and_by_its_subject() {
    let (sim, writer) = desk(org()).await;
    let mut work = work(task("00Q5e000001AbCdEAK"));
    work.lead.code = LeadCode::typed("K7").unwrap();
    let Task::CrmTask(task) = &mut work.job.task else { unreachable!() };
    task.subject = "it's \\ Ada".to_owned();
    assert_eq!(writer.perform(&looked_up(&work)).await.outcome, Outcome::Absent);
    let [query, lead] = &asked(&sim)[..] else { panic!("{:?}", asked(&sim)) };
    let soql = r"SELECT Id, Description FROM Task WHERE WhoId = '00Q5e000001AbCdEAK' AND Subject = 'it\'s \\ Ada (K7)' ORDER BY Id DESC LIMIT 100";
    is_exactly(&sim, query, "GET", "/services/data/v60.0/query", &[("q", soql)], &Value::Null);
    let fields = [("fields", "ConvertedContactId")];
    is_exactly(&sim, lead, "GET", "/services/data/v60.0/sobjects/Lead/00Q5e000001AbCdEAK", &fields, &Value::Null);
    assert_eq!(sim.violations(), Vec::<String>::new());
    // A later generation's has the same subject, but another marker.
    let second = Work { job: nightdesk::model::Job { generation: 12, ..work.job.clone() }, ..work.clone() };
    done(&writer, &second).await;
    assert_eq!(writer.perform(&looked_up(&work)).await.outcome, Outcome::Absent);
    // An id from a webhook may be anything; nothing gets out of its quotes.
    let mut odd = looked_up(&work);
    let Task::CrmTask(task) = &mut odd.job.task else { unreachable!() };
    task.record.id = "x' OR Id != '".to_owned();
    assert_eq!(writer.perform(&odd).await.outcome, Outcome::Unsure, "no such id can be asked for");
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_look_up_that_fails_tells_nothing() {
    for (name, fault, on, want) in [
        ("down", Fault::status(503), Match::to("GET", "/query"), "transient"),
        ("HTML", Fault::html(), Match::to("GET", "/query"), "transient"),
        ("half", Fault::half_json(), Match::to("GET", "/query"), "transient"),
        ("rights", Fault::status(403), Match::to("GET", "/query"), "auth"),
        ("never", Fault::status(400), Match::to("GET", "/query"), "unsure"),
        ("the day", Sim::<sim::Salesforce>::daily_limit_fault(), Match::to("GET", "/query"), "throttled"),
        ("the lead can't be read", Fault::status(500), Match::to("GET", "/sobjects/Lead/"), "transient"),
        ("the lead is HTML", Fault::html(), Match::to("GET", "/sobjects/Lead/"), "transient"),
        ("the lead is gone", Fault::status(404), Match::to("GET", "/sobjects/Lead/"), "absent"),
        ("a proxy's 404", Fault::status_with(404, json!({})), Match::to("GET", "/sobjects/Lead/"), "unsure"),
    ] {
        let (sim, writer) = desk(org()).await;
        sim.script([fault.on(on)]);
        let outcome = writer.perform(&looked_up(&work(note(LEAD)))).await.outcome;
        assert_eq!(class(&outcome), want, "{name}: {outcome:?}");
    }
}

/// The errors of the contract as an org gives them, for a field, a task with a key and one without.
#[tokio::test]
async fn every_error_ends_in_its_class() {
    let error = |code: &str| json!([{ "message": "words", "errorCode": code, "fields": ["X__c"] }]);
    for (status, code, patch, post) in [
        (400, "UNABLE_TO_LOCK_ROW", "transient", "transient"),
        (409, "UNABLE_TO_LOCK_ROW", "transient", "transient"),
        (500, "UNABLE_TO_LOCK_ROW", "transient", "transient"),
        (403, "REQUEST_LIMIT_EXCEEDED", "throttled", "throttled"),
        (403, "INSUFFICIENT_ACCESS_OR_READONLY", "auth", "auth"),
        (403, "API_DISABLED_FOR_ORG", "auth", "auth"),
        (400, "INVALID_FIELD", "permanent", "permanent"),
        (400, "REQUIRED_FIELD_MISSING", "permanent", "permanent"),
        (400, "STRING_TOO_LONG", "permanent", "permanent"),
        (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "permanent", "permanent"),
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "permanent", "permanent"),
        (404, "NOT_FOUND", "permanent", "permanent"),
        (404, "ENTITY_IS_DELETED", "permanent", "permanent"),
        (410, "UNSUPPORTED_API_VERSION", "permanent", "permanent"),
        (503, "SERVER_UNAVAILABLE", "transient", "unknown"),
    ] {
        for (has_key, made, want) in
            [(false, update(LEAD), patch), (true, note(LEAD), patch), (false, note(LEAD), post)]
        {
            let (sim, writer) = if has_key { keyed(org()).await } else { desk(org()).await };
            sim.script([Fault::status_with(status, error(code)).on(Match::to("PATCH", "/sobjects/"))]);
            sim.script([Fault::status_with(status, error(code)).on(Match::to("POST", "/sobjects/Task"))]);
            let report = writer.perform(&work(made)).await;
            assert_eq!(class(&report.outcome), want, "{status} {code}: {:?}", report.outcome);
            let Outcome::Failed(failure) = report.outcome else { unreachable!() };
            assert!(failure.reason.contains(code), "{}", failure.reason);
            assert_eq!(report.trace.status, Some(status));
        }
    }
    let (sim, writer) = keyed(org()).await;
    let work = work(note(LEAD));
    done(&writer, &work).await;
    sim.double(&sim.tasks_of(LEAD)[0].id);
    let Outcome::Failed(failure) = writer.perform(&work).await.outcome else { panic!("there are two of it") };
    assert_eq!((failure.fault.name(), failure.reason.contains("more than one")), ("permanent", true), "{failure:?}");
    let taken = Fault::status_with(400, error("DUPLICATE_VALUE")).on(Match::to("PATCH", "/sobjects/Task/"));
    let (sim, writer) = keyed(org()).await;
    sim.script([taken]);
    assert_eq!(
        class(&writer.perform(&work).await.outcome),
        "transient",
        "another try was faster: its task is found next"
    );
}

#[tokio::test]
async fn an_older_version_tells_no_id() {
    let (sim, writer) = keyed(org().terse()).await;
    let work = work(note(LEAD));
    done(&writer, &work).await;
    assert_eq!(writer.perform(&work).await.outcome, Outcome::Done(Done::Crm { id: None }));
    assert_eq!(sim.tasks_of(LEAD).len(), 1);
}

/// Gives a token, then so much of an answer, and closes.
async fn cut_off(answer: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let token = json!({ "access_token": "00D!x", "instance_url": url }).to_string();
    let token = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{token}", token.len());
    let answers = [token, answer.to_owned()];
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut seen, mut buffer) = (Vec::new(), [0; 4_096]);
            while !is_whole(&String::from_utf8_lossy(&seen)) {
                let read = stream.read(&mut buffer).await.unwrap();
                seen.extend_from_slice(&buffer[..read]);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    url
}

fn is_whole(request: &str) -> bool {
    let length = request.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    request.split_once("\r\n\r\n").is_some_and(|(_, body)| body.len() >= length)
}

#[tokio::test]
async fn an_answer_that_is_cut_off_at_any_byte_is_none() {
    let made = |status: &str, body: &str| format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let task_made = made("201 Created", r#"{"id":"00T5e000001AbCdEAK","success":true,"errors":[]}"#);
    for (name, answer, task, has_key, want) in [
        ("a task", task_made.as_str(), note(LEAD), false, "unknown"),
        ("a task with a key", &task_made, note(LEAD), true, "transient"),
        ("fields", "HTTP/1.1 204 No Content\r\n\r\n", update(LEAD), false, "transient"),
    ] {
        let cases = (0..=answer.len()).map(|length| {
            let (part, want) = (answer[..length].to_owned(), if length < answer.len() { want } else { "done" });
            let work = work(task.clone());
            async move {
                let settings = settings(cut_off(&part).await);
                let field = has_key.then(|| KEY_FIELD.to_owned());
                let writer = Salesforce::new(Settings { task_key_field: field, ..settings }, Wire::new());
                let outcome = writer.perform(&work).await.outcome;
                assert_eq!(class(&outcome), want, "{name}, {length} bytes: {outcome:?}");
            }
        });
        side_by_side(cases).await;
    }
}
