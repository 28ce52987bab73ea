//! The body of a ticket as a literal, and Zendesk's answers as tables.

use super::super::tests::{answer, at, task, work};
use super::*;
use crate::model::Fault;

const KEY: &str = "nd0190ticket1";

fn body(task: &TicketTask, public: bool) -> String {
    body::of(task, KEY, public, &Requester::of(task)).to_string()
}

/// Every try must send these bytes: under the same key Zendesk refuses others.
#[test]
fn the_body_is_these_bytes() {
    let want = r#"{"ticket":{"comment":{"body":"From the website, 22:04\n\nHello,\nit says \"no\".","public":false},"external_id":"nd0190ticket1","requester":{"email":"ada@example.com","name":"Ada Byron"},"subject":"I can't log into my account","tags":["nightdesk","night-shift"],"type":"question"}}"#;
    assert_eq!(body(&task(), false), want);
    assert_eq!(body(&task(), true), want.replace("\"public\":false", "\"public\":true"));
}

#[test]
fn what_is_missing_is_left_out_or_named() {
    let value = |task: &TicketTask| body::of(task, KEY, false, &Requester::of(task))["ticket"].clone();
    let nameless = TicketTask { name: Some(" ".to_owned()), ..task() };
    assert_eq!(value(&nameless)["requester"]["name"], "ada@example.com", "a new requester needs a name");
    let nobody = TicketTask { email: None, ..task() };
    assert!(value(&nobody).get("requester").is_none());
    for (given, want) in [("urgent", Some("urgent")), (" High ", Some("high")), ("Highest", None), ("", None)] {
        let urgent = TicketTask { priority: Some(given.to_owned()), ..task() };
        assert_eq!(value(&urgent).get("priority").and_then(serde_json::Value::as_str), want, "{given}");
    }
    let empty = TicketTask { subject: "\n".to_owned(), paragraphs: vec![String::new(), "\u{0}".to_owned()], ..task() };
    assert_eq!(
        (value(&empty)["subject"].as_str(), value(&empty)["comment"]["body"].as_str()),
        (Some("A case for support"), Some("(no text)"))
    );
    let refused = body::of(&task(), KEY, false, &Requester::Refused { email: "ada@@x".to_owned() });
    assert!(refused["ticket"].get("requester").is_none());
    let text = refused["ticket"]["comment"]["body"].as_str().unwrap();
    assert!(text.starts_with("The customer's address, which Zendesk did not take: ada@@x\n\nFrom"), "{text}");
}

#[test]
fn nothing_is_left_for_zendesk_to_fill_in() {
    let mut hostile = task();
    hostile.subject = "{{ticket.id}} {% if x %}".to_owned();
    hostile.paragraphs = vec!["{{{ticket.requester.email}}}".to_owned(), format!("{{{}", "{{%".repeat(9))];
    hostile.name = Some("{{dc.x}}".to_owned());
    let body = body(&hostile, false).replace("{\"", "");
    assert!(!body.contains("{{") && !body.contains("{%"), "{body}");
    let long = TicketTask { subject: "x".repeat(999), paragraphs: vec!["🦀".repeat(99_999)], ..task() };
    let ticket = body::of(&long, KEY, false, &Requester::Nobody)["ticket"].clone();
    let sizes =
        (ticket["subject"].as_str().unwrap().chars().count(), ticket["comment"]["body"].as_str().unwrap().len());
    assert!(sizes.0 <= 250 && sizes.1 <= 60_000, "{sizes:?}");
}

#[test]
fn a_key_is_trusted_for_less_than_two_hours_after_the_first_try() {
    let now = at("2026-11-23T12:00:00Z");
    let ago = |minutes: u64| now.before(Duration::from_mins(minutes));
    for (name, made, since, want) in [
        ("fresh", now, None, true),
        ("an hour old", ago(60), None, true),
        ("a try failed two hours ago, and may have arrived", ago(120), None, false),
        ("looked up soon", ago(5), Some(ago(4)), true),
        ("looked up late", ago(119), Some(ago(118)), false),
        ("the last try is fresh, the first is not", ago(180), Some(ago(1)), false),
        ("looked up long ago", now, Some(ago(180)), false),
        ("made in the future", now.after(Duration::from_hours(3)), None, false),
    ] {
        assert_eq!(is_kept(&work(made, since), now), want, "{name}");
    }
}

/// `made`, `address`, or `taken` (the key), else the class.
fn told(answer: &Answer) -> &'static str {
    match answer::of_post(answer, at("2026-11-23T02:00:00Z")) {
        Ok(_) => "made",
        Err(Refusal::Address(failure)) if failure.fault == Fault::Permanent => "address",
        Err(Refusal::KeyIsTaken(failure)) if failure.fault == Fault::Permanent => "taken",
        Err(Refusal::Address(failure) | Refusal::KeyIsTaken(failure) | Refusal::Other(failure)) => failure.fault.name(),
    }
}

#[test]
fn what_a_post_came_to() {
    let requester = r#"{"error":"RecordInvalid","description":"Record validation errors","details":{"requester":[{"description":"Requester: Email: x is not properly formatted"}]}}"#;
    let base = r#"{"error":"RecordInvalid","details":{"base":[{"description":"Subject: cannot be blank"}]}}"#;
    for (name, status, body, want) in [
        ("made", 201, r#"{"ticket":{"id":35436},"audit":{}}"#, "made"),
        ("an id as text", 201, r#"{"ticket":{"id":"35436"}}"#, "made"),
        ("no id", 201, r#"{"ticket":{}}"#, "transient"),
        ("a proxy says yes", 200, "<html>", "transient"),
        ("no token", 401, r#"{"error":"Couldn't authenticate you"}"#, "auth"),
        ("forbidden", 403, r#"{"error":{"title":"Forbidden","message":"no"}}"#, "auth"),
        ("nowhere", 404, "<html>", "permanent"),
        ("at work", 409, "", "transient"),
        ("the requester", 422, requester, "address"),
        ("an address by its own name", 422, r#"{"details":{"email":[{"description":"is invalid"}]}}"#, "address"),
        ("something else", 422, base, "permanent"),
        ("no words", 422, "", "permanent"),
        ("the key", 400, r#"{"error":"IdempotentRequestError"}"#, "taken"),
        ("the key, as an object", 400, r#"{"error":{"title":"IdempotentRequestError","message":"x"}}"#, "taken"),
        ("bad", 400, r#"{"error":"BadRequest"}"#, "permanent"),
        ("too many", 429, "", "throttled"),
        ("internal", 500, "", "transient"),
        ("down", 503, "", "transient"),
        ("moved", 301, "", "permanent"),
    ] {
        assert_eq!(told(&answer(status, &[], body)), want, "{name}");
    }
    assert_eq!(told(&answer(503, &[("retry-after", "7")], "")), "throttled");
    let cut = Answer { truncated: true, ..answer(201, &[], r#"{"ticket":{"id":1}}"#) };
    assert_eq!(told(&cut), "transient");
    let Err(Refusal::Address(failure)) = answer::of_post(&answer(422, &[], requester), at("2026-11-23T02:00:00Z"))
    else {
        panic!("no address")
    };
    assert_eq!(
        failure.reason,
        "Zendesk 422: RecordInvalid: Record validation errors: Requester: Email: x is not properly formatted"
    );
}

#[test]
fn a_limit_ends_when_it_says() {
    let now = at("2026-11-23T02:00:00Z");
    for (headers, want_s) in [
        (vec![("retry-after", "93")], 93),
        (vec![("ratelimit-reset", "12")], 12),
        (vec![("retry-after", "3"), ("ratelimit-reset", "12")], 3),
        (vec![("ratelimit-reset", "99999999")], 86_400),
        (vec![], 60),
    ] {
        let Err(Refusal::Other(failure)) = answer::of_post(&answer(429, &headers, ""), now) else {
            panic!("{headers:?}")
        };
        assert_eq!(failure.fault, Fault::Throttled { until: now.after(Duration::from_secs(want_s)) }, "{headers:?}");
    }
}

#[test]
fn only_a_ticket_with_our_key_is_ours() {
    let now = at("2026-11-23T02:00:00Z");
    let id = |body: &str| answer::of_list(&answer(200, &[], body), KEY, now).map_err(|failure| failure.fault.name());
    let found = |id: &str| Ok(Some(id.to_owned()));
    for (name, body, want) in [
        ("none", r#"{"tickets":[]}"#, Ok(None)),
        ("ours", r#"{"tickets":[{"id":7,"external_id":"nd0190ticket1"}]}"#, found("7")),
        (
            "two of them",
            r#"{"tickets":[{"id":7,"external_id":"nd0190ticket1"},{"id":8,"external_id":"nd0190ticket1"}]}"#,
            found("7"),
        ),
        (
            "all, as if nothing was asked",
            r#"{"tickets":[{"id":6,"external_id":null},{"id":5,"external_id":"x"}]}"#,
            Ok(None),
        ),
        ("no list", r#"{"tickets":{}}"#, Err("transient")),
        ("HTML", "<html>", Err("transient")),
    ] {
        assert_eq!(id(body), want, "{name}");
    }
}

#[test]
fn who_we_are_for_zendesk() {
    let now = at("2026-11-23T02:00:00Z");
    for (name, status, body, want) in [
        ("an agent", 200, r#"{"user":{"id":1,"role":"agent"}}"#, None),
        ("anybody", 200, r#"{"user":{"id":null,"name":"Anonymous user","role":"end-user"}}"#, Some("auth")),
        ("a customer", 200, r#"{"user":{"id":1,"role":"end-user"}}"#, Some("auth")),
        ("something else", 200, "<html>", Some("permanent")),
        ("no token", 401, "", Some("auth")),
        ("down", 503, "", Some("transient")),
    ] {
        let found = answer::account_trouble(&answer(status, &[], body), now);
        assert_eq!(found.map(|failure| failure.fault.name()), want, "{name}");
    }
}
