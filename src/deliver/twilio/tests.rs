//! Twilio's answers as tables, and whole exchanges with a peer of a few lines of TCP on port 0.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::model::{
    AttemptId, Channel, Done, Job, JobId, Lane, Lead, LeadCode, LeadId, Priority, RowId, SmsReceipt, SmsStatus, TextKey,
};

const TEXT: &str = "K7 Ada (+15551230001): \"50 units by tomorrow?\" via web";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer { status, headers, body: body.to_owned(), truncated: false, latency: Duration::ZERO }
}

pub(super) fn error(code: u64, status: u16) -> String {
    json!({"code": code, "message": "words of Twilio", "more_info": "https://…", "status": status}).to_string()
}

/// The class of what became of a POST, and whether no other channel may be tried.
pub(super) fn class(outcome: &Outcome) -> (&'static str, bool) {
    match outcome {
        Outcome::Done(_) => ("done", false),
        Outcome::Failed(failure) => (failure.fault.name(), failure.final_everywhere),
        Outcome::Absent => ("absent", false),
        Outcome::Unsure => ("unsure", false),
    }
}

#[test]
fn every_error_has_its_class() {
    let now = at("2026-11-23T02:00:00Z");
    for (code, status, want) in [
        (20003, 401, "auth"),
        (20005, 403, "auth"),
        (20404, 404, "permanent"),
        (20429, 429, "throttled"),
        (20500, 500, "unknown"),
        (20503, 503, "unknown"),
        (21211, 400, "permanent"),
        (21212, 400, "permanent"),
        (21408, 400, "permanent"),
        (21602, 400, "permanent"),
        (21606, 400, "permanent"),
        (21608, 400, "permanent"),
        (21609, 400, "permanent"),
        (21611, 429, "transient"),
        (21612, 400, "permanent"),
        (21614, 400, "permanent"),
        (21617, 400, "permanent"),
        (21659, 400, "permanent"),
        (21660, 400, "permanent"),
        (30001, 400, "transient"),
        (30002, 400, "auth"),
        (20003, 500, "unknown"),
    ] {
        let outcome = answer::of_submit(&answer(status, &[], &error(code, status)), TEXT, now);
        assert_eq!(class(&outcome), (want, false), "{code} with {status}");
    }
    let opted_out = answer::of_submit(&answer(400, &[], &error(21610, 400)), TEXT, now);
    assert_eq!(class(&opted_out), ("permanent", true));
}

#[test]
fn answers_without_a_code_go_by_their_status() {
    let now = at("2026-11-23T02:00:00Z");
    let html = "<html><body>502 Bad Gateway</body></html>";
    for (name, status, body, want) in [
        ("proxy says yes", 200, html, "unknown"),
        ("empty 201", 201, "", "unknown"),
        ("201 without sid", 201, r#"{"status":"queued"}"#, "unknown"),
        ("redirect", 302, "", "permanent"),
        ("bad request", 400, "{}", "permanent"),
        ("unauthorized", 401, html, "auth"),
        ("forbidden", 403, html, "auth"),
        ("not found", 404, html, "permanent"),
        ("request timeout", 408, html, "unknown"),
        ("too many", 429, html, "throttled"),
        ("unknown code", 400, r#"{"code":99999,"message":"new"}"#, "permanent"),
        ("code as text", 400, r#"{"code":"20003"}"#, "auth"),
        ("server error", 500, html, "unknown"),
        ("bad gateway", 502, html, "unknown"),
        ("gateway timeout", 504, html, "unknown"),
    ] {
        assert_eq!(class(&answer::of_submit(&answer(status, &[], body), TEXT, now)).0, want, "{name}");
    }
    let cut = Answer { truncated: true, ..answer(201, &[], r#"{"sid":"SM1","status":"queued"}"#) };
    assert_eq!(class(&answer::of_submit(&cut, TEXT, now)).0, "unknown");
}

#[test]
fn the_pause_after_429_is_the_one_it_names() {
    let now = at("2026-11-23T02:00:00Z");
    for (headers, body, want) in [
        (vec![], String::new(), "2026-11-23T02:00:05Z"),
        (vec![("retry-after", "2")], error(20429, 429), "2026-11-23T02:00:02Z"),
        (vec![("retry-after", "30")], "<html>".to_owned(), "2026-11-23T02:00:30Z"),
    ] {
        let failure = answer::refused(&answer(429, &headers, &body), false, now);
        assert_eq!(failure.fault, Fault::Throttled { until: at(want) }, "{headers:?}");
    }
}

#[test]
fn a_person_is_told_what_to_do() {
    let now = at("2026-11-23T02:00:00Z");
    for (code, status, reason, cure) in [
        (21614, 400, "Twilio 400, error 21614: the recipient's number is not a mobile number", "check the number"),
        (21660, 400, "Twilio 400, error 21660: the sender does not belong to this account", "set `from`"),
        (20003, 401, "Twilio 401, error 20003: the credentials are refused", "check account SID"),
        (99999, 403, "Twilio 403: words of Twilio", "check account SID"),
    ] {
        let failure = answer::refused(&answer(status, &[], &error(code, status)), false, now);
        assert_eq!(failure.reason, reason);
        assert!(failure.cure.as_deref().unwrap().starts_with(cure), "{code}: {:?}", failure.cure);
    }
}

#[test]
fn a_queued_text_is_done() {
    for (name, segments, status, parts, delivered) in [
        ("queued", json!("2"), "queued", 2, false),
        ("by a service", json!("0"), "accepted", 1, false),
        ("a number", json!(3), "sent", 3, false),
        ("missing", json!(null), "delivered", 1, true),
    ] {
        let body = json!({"sid": "SM1", "status": status, "num_segments": segments, "error_code": null}).to_string();
        let want = SmsReceipt { reference: "SM1".to_owned(), parts, delivered };
        let now = Timestamp::from_millis(0);
        assert_eq!(answer::of_submit(&answer(201, &[], &body), TEXT, now), Outcome::Done(Done::Sms(want)), "{name}");
    }
}

#[test]
fn a_text_is_found_by_its_words_and_its_time() {
    let since = at("2026-11-23T02:00:00Z");
    let message = |sid: &str, body: &str, made: &str, status: &str| json!({"sid": sid, "body": body, "date_created": made, "date_sent": null, "status": status, "num_segments": "1"});
    let fresh = "Mon, 23 Nov 2026 02:00:01 +0000";
    let folded = TEXT.replace('"', "'");
    let trial = format!("Sent from your Twilio trial account - {TEXT}");
    for (name, messages, want) in [
        ("nothing", vec![], None),
        ("ours", vec![message("SM1", TEXT, fresh, "queued")], Some("SM1")),
        ("the same second", vec![message("SM1", TEXT, "Mon, 23 Nov 2026 02:00:00 +0000", "sent")], Some("SM1")),
        ("an earlier generation", vec![message("SM1", TEXT, "Mon, 23 Nov 2026 01:59:59 +0000", "sent")], None),
        ("another lead's", vec![message("SM1", "K9 Bob", fresh, "sent")], None),
        ("the marked repeat", vec![message("SM1", &format!("(repeat) {TEXT}"), fresh, "sent")], None),
        ("quotes exchanged on the way", vec![message("SM1", &folded, fresh, "sent")], Some("SM1")),
        ("a trial account", vec![message("SM1", &trial, fresh, "sent")], Some("SM1")),
        ("no readable date", vec![message("SM1", TEXT, "yesterday", "sent")], Some("SM1")),
        (
            "the one that works counts",
            vec![message("SM2", TEXT, fresh, "failed"), message("SM1", TEXT, fresh, "sent")],
            Some("SM1"),
        ),
    ] {
        let found = lookup::find(&json!({"messages": messages}), TEXT, since);
        let sid = found.map(|outcome| match outcome {
            Outcome::Done(Done::Sms(receipt)) => receipt.reference,
            other => panic!("{name}: {other:?}"),
        });
        assert_eq!(sid.as_deref(), want, "{name}");
    }
    let mut lost = message("SM3", TEXT, fresh, "undelivered");
    lost["error_code"] = json!(30007);
    let found = lookup::find(&json!({"messages": [lost]}), TEXT, since).unwrap();
    assert_eq!(class(&found), ("permanent", false));
}

#[test]
fn a_clock_that_is_ahead_hides_no_text() {
    let (since, now) = (at("2026-11-23T02:00:00Z"), at("2026-11-23T02:00:20Z"));
    for (name, now, theirs, want) in [
        ("the same", now, Some("2026-11-23T02:00:20Z"), "2026-11-23T01:59:00Z"),
        ("no date", now, None, "2026-11-23T01:59:00Z"),
        ("ahead by two hours", now, Some("2026-11-23T00:00:20Z"), "2026-11-22T23:59:00Z"),
        ("behind", now, Some("2026-11-23T05:00:00Z"), "2026-11-23T01:59:00Z"),
        ("set back since", at("2026-11-23T01:00:00Z"), Some("2026-11-23T01:00:00Z"), "2026-11-23T00:59:00Z"),
    ] {
        assert_eq!(lookup::on_their_clock(since, now, theirs.map(at)), at(want), "{name}");
    }
}

/// Our clock is hours ahead of the peer's: its `Date` says so, and the text is found.
#[tokio::test]
async fn a_look_up_goes_by_the_vendors_clock() {
    let made = Timestamp::now().before(Duration::from_hours(3));
    let date = |at: Timestamp| {
        let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap();
        at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    };
    let found =
        json!({"sid": "SM1", "body": TEXT, "date_created": date(made).replace("GMT", "+0000"), "status": "sent"});
    let body = json!({"messages": [found]}).to_string();
    let said = |date: &str| {
        format!("HTTP/1.1 200 OK\r\n{date}connection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    };
    for (name, answers, want) in [
        ("it says when", vec![said(&format!("date: {}\r\n", date(made)))], "done"),
        ("it doesn't", vec![said(""), said("")], "absent"),
    ] {
        let (url, _heard) = peer(answers).await;
        let report = twilio(url, "AC1").perform(&work(TEXT, Some(Timestamp::now()))).await;
        assert_eq!(class(&report.outcome).0, want, "{name}: {:?}", report.outcome);
    }
}

/// A peer that gives these answers in turn and hands on what it was asked.
pub(super) async fn peer(answers: Vec<String>) -> (String, mpsc::Receiver<String>) {
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

pub(super) fn http(status: u16, body: &str) -> String {
    let length = body.len();
    let head = "connection: close\r\ntwilio-request-id: RQ1";
    format!("HTTP/1.1 {status} X\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}")
}

pub(super) fn twilio(base_url: String, user: &str) -> Twilio {
    let settings = Settings {
        base_url,
        account_sid: "AC1".to_owned(),
        user: user.to_owned(),
        secret: "hunter2".into(),
        sender: Sender::From("+15557122661".to_owned()),
        validity: Duration::from_mins(10),
        status_callback: Some("https://a.example/x".to_owned()),
        timeout: Duration::from_secs(10),
    };
    Twilio::new(settings, Wire::new())
}

pub(super) fn work(text: &str, look_up_since: Option<Timestamp>) -> Work {
    let now = Timestamp::now();
    let lead = LeadId::new(now, [1; 10]);
    let task = Task::Sms(SmsTask {
        to: "+15551230001".parse().unwrap(),
        who: "Dana".to_owned(),
        text: text.to_owned(),
        repeat: false,
        leg: 0,
        failover_at: None,
        refused: 0,
        thread: 0,
        is_answer: false,
        is_test: false,
    });
    Work {
        job: Job {
            id: JobId::new(now, [2; 10]),
            lead,
            task,
            channel: Channel::new(Lane::Sms, "twilio"),
            priority: Priority::Urgent,
            due_at: now,
            deadline_at: now.after(Duration::from_hours(1)),
            tries: 1,
            generation: 1,
            crashes: 0,
            created_at: now,
        },
        lead: Lead {
            code: LeadCode::of(1),
            raw_message: String::new(),
            dropped: false,
            ..Lead::none(lead, "web".to_owned(), now)
        },
        attempt: AttemptId(1),
        look_up_since,
        actions: Vec::new(),
        hard_deadline: now.after(Duration::from_secs(20)),
    }
}

#[tokio::test]
async fn a_text_is_posted_as_a_form_and_its_secret_stays_out_of_the_trace() {
    let created = r#"{"sid":"SM1","status":"queued","num_segments":"1"}"#;
    let (url, mut heard) = peer(vec![http(201, created)]).await;
    let report = twilio(url.clone(), "AC1").perform(&work("50 & more: ü?", None)).await;
    assert_eq!(class(&report.outcome), ("done", false));
    let asked = heard.recv().await.unwrap();
    assert!(asked.starts_with("POST /2010-04-01/Accounts/AC1/Messages.json HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("authorization: Basic QUMxOmh1bnRlcjI=\r\n"), "{asked}");
    let form = "To=%2B15551230001&From=%2B15557122661&Body=50%20%26%20more%3A%20%C3%BC%3F&ValidityPeriod=600&StatusCallback=https%3A%2F%2Fa%2Eexample%2Fx";
    assert_eq!(asked.split_once("\r\n\r\n").unwrap().1, form);
    let trace = report.trace;
    assert_eq!((trace.status, trace.vendor_id.as_deref()), (Some(201), Some("RQ1")));
    assert_eq!(trace.request, Some(format!("POST {url}/2010-04-01/Accounts/AC1/Messages.json\n{form}")));
    assert!(!format!("{:?}", twilio(url, "AC1")).contains("hunter2"));
}

#[tokio::test]
async fn what_became_of_a_post_that_got_no_whole_answer() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let cut = "HTTP/1.1 201 Created\r\ncontent-length: 99\r\n\r\n{\"sid\":\"SM1\"".to_owned();
    for (name, url, want) in [
        ("refused connection", format!("http://{closed}"), "transient"),
        ("closed before the answer", peer(vec![String::new()]).await.0, "unknown"),
        ("closed within the answer", peer(vec![cut]).await.0, "unknown"),
        ("no HTTP", peer(vec!["220 hello\r\n".to_owned()]).await.0, "unknown"),
    ] {
        let report = twilio(url, "AC1").perform(&work(TEXT, None)).await;
        assert_eq!(class(&report.outcome), (want, false), "{name}: {:?}", report.outcome);
    }
    let too_long = twilio("http://127.0.0.1:1".to_owned(), "AC1").perform(&work(&"ü".repeat(1601), None)).await;
    assert_eq!(class(&too_long.outcome), ("permanent", false));
    assert_eq!(too_long.trace.request, None, "it must not even be tried");
}

#[tokio::test]
async fn a_look_up_reads_the_list_by_day_and_then_the_newest() {
    let since = at("2026-11-23T00:00:30Z");
    let ours = json!({"sid": "SM7", "status": "sent", "body": TEXT, "date_created": "Mon, 23 Nov 2026 00:00:31 +0000"});
    let page = |messages: serde_json::Value, next: Option<&str>| {
        http(200, &json!({"messages": messages, "next_page_uri": next}).to_string())
    };
    let none = || page(json!([]), None);
    for (name, answers, want) in [
        ("on the second page", vec![page(json!([]), Some("/next?Page=1")), page(json!([ours]), None)], "done"),
        ("still waiting at Twilio", vec![none(), page(json!([ours]), None)], "done"),
        ("nowhere", vec![none(), none()], "absent"),
        ("a list without an end", vec![page(json!([]), Some("/next")); 5], "unsure"),
        ("a page of another host", vec![page(json!([]), Some("https://example.com/"))], "unsure"),
        ("throttled", vec![http(429, &error(20429, 429))], "throttled"),
        ("server error", vec![http(500, "")], "transient"),
        ("refused key", vec![http(401, &error(20003, 401))], "auth"),
        ("never answered with a list", vec![http(400, &error(20001, 400))], "unsure"),
        ("HTML", vec![http(200, "<html>")], "transient"),
        ("closed", vec![String::new()], "transient"),
    ] {
        let count = answers.len();
        let (url, mut heard) = peer(answers).await;
        let report = twilio(url, "AC1").perform(&work(TEXT, Some(since))).await;
        assert_eq!(class(&report.outcome).0, want, "{name}: {:?}", report.outcome);
        let first = heard.recv().await.unwrap();
        // A minute before the try is still yesterday.
        let query = "To=%2B15551230001&DateSent%3E=2026%2D11%2D22&PageSize=200";
        assert!(first.starts_with(&format!("GET /2010-04-01/Accounts/AC1/Messages.json?{query} ")), "{first}");
        for _ in 1..count {
            assert!(heard.recv().await.unwrap().starts_with("GET /"), "{name}");
        }
    }
}

#[tokio::test]
async fn verify_says_what_is_wrong() {
    for (name, user, status, body, path, want) in [
        ("all is well", "AC1", 200, r#"{"sid":"AC1","status":"active"}"#, ".json ", None),
        ("suspended", "AC1", 200, r#"{"sid":"AC1","status":"suspended"}"#, ".json ", Some("auth")),
        ("wrong token", "AC1", 401, r#"{"code":20003}"#, ".json ", Some("auth")),
        ("an API key", "SK1", 200, r#"{"messages":[]}"#, "/Messages.json?PageSize=1 ", None),
        ("not Twilio", "AC1", 200, "<html>", ".json ", Some("permanent")),
        ("down", "AC1", 503, "", ".json ", Some("transient")),
    ] {
        let (url, mut heard) = peer(vec![http(status, body)]).await;
        let found = twilio(url, user).verify().await;
        assert_eq!(found.first().map(|failure| failure.fault.name()), want, "{name}");
        let asked = heard.recv().await.unwrap();
        assert!(asked.starts_with(&format!("GET /2010-04-01/Accounts/AC1{path}")), "{asked}");
    }
}

fn asking(sid: &str) -> Work {
    let mut work = work(TEXT, None);
    let text = TextKey { job: work.job.id, generation: 1 };
    work.job.task = Task::SmsStatus(SmsStatus { text, reference: sid.to_owned() });
    work
}

/// Fate, or class of a failure; and whether no other channel may be tried.
fn told(outcome: &Outcome) -> (&'static str, bool) {
    match outcome {
        Outcome::Done(Done::Fate { fate, why }) => (fate.name(), why.as_ref().is_some_and(|why| why.final_everywhere)),
        other => class(other),
    }
}

#[test]
fn what_a_message_resource_says_became_of_its_text() {
    let now = at("2026-11-23T02:00:00Z");
    let said = |status: &str, code: Option<u64>| {
        json!({"sid": "SM7", "status": status, "error_code": code, "num_segments": "1"}).to_string()
    };
    for (name, http_status, body, want) in [
        ("accepted", 200, said("accepted", None), "still-trying"),
        ("queued", 200, said("queued", None), "still-trying"),
        ("sending", 200, said("sending", None), "still-trying"),
        ("sent", 200, said("sent", None), "still-trying"),
        ("a word of tomorrow", 200, said("pondered", None), "still-trying"),
        ("delivered", 200, said("delivered", None), "delivered"),
        ("read", 200, said("read", None), "delivered"),
        ("undelivered", 200, said("undelivered", Some(30003)), "failed-permanent"),
        ("failed", 200, said("failed", Some(30008)), "failed-permanent"),
        ("failed, no reason", 200, said("failed", None), "failed-permanent"),
        ("canceled", 200, said("canceled", None), "failed-permanent"),
        ("not there", 404, error(20404, 404), "permanent"),
        ("refused key", 401, error(20003, 401), "auth"),
        ("throttled", 429, error(20429, 429), "throttled"),
        ("server error", 500, String::new(), "transient"),
        ("another message", 200, said("delivered", None).replace("SM7", "SM8"), "transient"),
        ("HTML", 200, "<html>".to_owned(), "transient"),
    ] {
        let outcome = status::of_status(&answer(http_status, &[], &body), "SM7", now);
        assert_eq!(told(&outcome), (want, false), "{name}: {outcome:?}");
    }
    let opted_out = status::of_status(&answer(200, &[], &said("failed", Some(21610))), "SM7", now);
    assert_eq!(told(&opted_out), ("failed-permanent", true));
}

#[tokio::test]
async fn the_status_is_read_from_the_resource_itself() {
    let sid = "SM0123456789abcdef0123456789abcdef";
    let body = json!({"sid": sid, "status": "delivered", "num_segments": "1"}).to_string();
    for (asked, path) in [(sid, sid), ("../Accounts?x=1#y", "%2E%2E%2FAccounts%3Fx%3D1%23y")] {
        let (url, mut heard) = peer(vec![http(200, &body)]).await;
        let report = twilio(url, "AC1").perform(&asking(asked)).await;
        let want = if asked == sid { "delivered" } else { "transient" };
        assert_eq!(told(&report.outcome).0, want, "{asked}");
        let request = heard.recv().await.unwrap();
        assert!(
            request.starts_with(&format!("GET /2010-04-01/Accounts/AC1/Messages/{path}.json HTTP/1.1\r\n")),
            "{request}"
        );
        assert!(request.contains("authorization: Basic QUMxOmh1bnRlcjI=\r\n"), "{request}");
    }
}
