//! The body of an issue as a literal, the query, and Jira's answers as tables.

use super::super::tests::{answer, at, task};
use super::*;

const KEY: &str = "nd0190ticket1";

#[test]
fn the_body_is_this() {
    let urgent = TicketTask { priority: Some("High".to_owned()), ..task() };
    let paragraph = |content: serde_json::Value| json!({ "type": "paragraph", "content": content });
    let text = |text: &str| json!({ "type": "text", "text": text });
    let mut want = json!({
        "fields": {
            "project": { "key": "SUP" },
            "issuetype": { "name": "Task" },
            "summary": "I can't log into my account",
            "description": { "type": "doc", "version": 1, "content": [
                paragraph(json!([text("From the website, 22:04")])),
                paragraph(json!([text("Hello,"), { "type": "hardBreak" }, text("it says \"no\".")])),
            ]},
            "labels": ["nightdesk", "night-shift", "nightdesk-nd0190ticket1"],
            "priority": { "name": "High" },
        },
        "properties": [{ "key": "nightdesk", "value": { "job": "nd0190ticket1" } }],
    });
    assert_eq!(issue::of(&urgent, KEY, "SUP", "Task"), want);
    want["fields"].as_object_mut().unwrap().remove("priority");
    want["fields"]["issuetype"] = json!({ "id": "10002" });
    assert_eq!(issue::of(&task(), KEY, "SUP", "10002"), want);
}

#[test]
fn a_summary_is_one_line_that_fits() {
    let summary = |subject: &str| {
        let task = TicketTask { subject: subject.to_owned(), ..task() };
        issue::of(&task, KEY, "SUP", "Task")["fields"]["summary"].as_str().unwrap().to_owned()
    };
    assert_eq!(summary(" a\r\nb\tc "), "a b c");
    assert_eq!(summary("\u{0}\n"), "A case for support");
    for long in ["x".repeat(256), "🦀".repeat(200)] {
        assert!(summary(&long).encode_utf16().count() <= 255 && summary(&long).ends_with("[…]"));
    }
    assert_eq!(summary(&"x".repeat(255)), "x".repeat(255));
}

#[test]
fn nothing_breaks_out_of_the_query() {
    for (project, want) in [
        ("SUP", r#"project = "SUP" AND labels = "nightdesk-nd0190ticket1""#),
        (r#"X" OR "1"#, r#"project = "X\" OR \"1" AND labels = "nightdesk-nd0190ticket1""#),
        ("X\\\n", r#"project = "X\\" AND labels = "nightdesk-nd0190ticket1""#),
    ] {
        assert_eq!(issue::query(KEY, project), want);
    }
}

#[test]
fn what_a_post_came_to() {
    let now = at("2026-11-23T02:00:00Z");
    let field = r#"{"errorMessages":[],"errors":{"priority":"The priority selected is invalid."}}"#;
    let limit = r#"{"errorMessages":["CONTENT_LIMIT_EXCEEDED"],"errors":{}}"#;
    for (name, status, body, want, cure) in [
        ("made", 201, r#"{"id":"10000","key":"SUP-24","self":"x"}"#, "done", ""),
        ("no key", 201, r#"{"id":"10000"}"#, "unknown", "base URL"),
        ("a key that is none", 201, r#"{"key":"../x"}"#, "unknown", "base URL"),
        ("a proxy says yes", 200, "<html>", "unknown", "base URL"),
        ("a field", 400, field, "permanent", "create screen"),
        ("too long", 400, limit, "permanent", "report it"),
        ("no token", 401, "<html>", "auth", "API token"),
        ("a captcha", 403, "<html>CAPTCHA required</html>", "auth", "solve the captcha"),
        ("no right", 403, "{}", "auth", "permissions"),
        ("hidden", 404, r#"{"errorMessages":["No project could be found"]}"#, "auth", "project"),
        ("removed", 410, "{}", "permanent", "newer"),
        ("too many", 429, "{}", "throttled", ""),
        ("internal", 500, "{}", "unknown", ""),
        ("down", 503, "{}", "unknown", ""),
        ("moved", 302, "", "permanent", "base URL"),
    ] {
        let (class, told) = match answer::of_post(&answer(status, &[], body), now) {
            Ok(_) => ("done", String::new()),
            Err(failure) => (failure.fault.name(), failure.cure.unwrap_or_default()),
        };
        assert_eq!(class, want, "{name}");
        assert!(told.contains(cure) && (cure.is_empty() == told.is_empty()), "{name}: {told}");
    }
    let said = answer::of_post(&answer(400, &[], field), now).unwrap_err().reason;
    assert_eq!(said, "Jira 400: priority: The priority selected is invalid.");
    let denied = answer(403, &[("x-seraph-loginreason", "AUTHENTICATION_DENIED")], "");
    assert!(answer::of_post(&denied, now).unwrap_err().cure.unwrap().contains("captcha"));
}

#[test]
fn a_limit_ends_when_it_says() {
    let now = at("2026-11-23T02:00:00Z");
    let reason = ("ratelimit-reason", "jira-burst-based");
    for (headers, want_s) in [
        (vec![reason, ("retry-after", "5")], 5),
        (vec![reason, ("x-ratelimit-reset", "2026-11-23T02:01:30Z")], 90),
        (vec![reason, ("x-ratelimit-reset", "2026-11-23T02:02Z")], 120),
        (vec![reason, ("x-ratelimit-reset", "2026-11-23T01:00:00Z")], 30),
        (vec![reason, ("x-ratelimit-reset", "2036-11-23T01:00:00Z")], 86_400),
        (vec![reason, ("x-ratelimit-reset", "soon")], 30),
        (vec![reason], 30),
    ] {
        let failure = answer::of_post(&answer(429, &headers, "{}"), now).unwrap_err();
        assert_eq!(failure.fault, Fault::Throttled { until: now.after(Duration::from_secs(want_s)) }, "{headers:?}");
        assert!(failure.reason.contains("jira-burst-based"), "{}", failure.reason);
    }
}

#[test]
fn what_a_search_found() {
    let now = at("2026-11-23T02:00:00Z");
    let found = |key: &str| Ok(Some(key.to_owned()));
    for (name, status, body, want) in [
        ("nothing", 200, r#"{"issues":[],"isLast":true}"#, Ok(None)),
        ("ours", 200, r#"{"issues":[{"key":"SUP-7"}],"isLast":true}"#, found("SUP-7")),
        ("and its clone", 200, r#"{"issues":[{"key":"SUP-9"},{"key":"SUP-7"}],"nextPageToken":"x"}"#, found("SUP-9")),
        ("there is more", 200, r#"{"issues":[],"nextPageToken":"x"}"#, Err("transient")),
        ("no list", 200, r#"{"total":0}"#, Err("transient")),
        ("HTML", 200, "<html>", Err("transient")),
        ("refused", 400, "{}", Err("permanent")),
        ("removed", 410, "{}", Err("permanent")),
        ("down", 503, "{}", Err("transient")),
    ] {
        let got = answer::of_search(&answer(status, &[], body), now).map_err(|failure| failure.fault.name());
        assert_eq!(got, want, "{name}");
    }
}

#[test]
fn what_check_is_told_of_a_project() {
    let now = at("2026-11-23T02:00:00Z");
    let body = r#"{"key":"SUP","issueTypes":[{"id":"10001","name":"Task","subtask":false},{"id":"10003","name":"Subtask","subtask":true}]}"#;
    for (name, status, body, kind, want) in [
        ("by name", 200, body, "Task", None),
        ("by id", 200, body, "10001", None),
        ("none", 200, body, "Bug", Some("set the issue type to one of: Task, Subtask")),
        ("a subtask", 200, body, "Subtask", Some("set the issue type to one of")),
        ("hidden", 404, "{}", "Task", Some("project")),
        ("HTML", 200, "<html>", "Task", Some("base URL")),
    ] {
        let found = answer::project_trouble(&answer(status, &[], body), "SUP", kind, now);
        let cure = found.map(|failure| failure.cure.unwrap_or_default());
        assert_eq!(cure.is_some(), want.is_some(), "{name}");
        assert!(cure.unwrap_or_default().contains(want.unwrap_or_default()), "{name}");
    }
    for (name, status, body, want) in [
        ("somebody", 200, r#"{"accountId":"5b1","active":true}"#, None),
        ("gone", 200, r#"{"accountId":"5b1","active":false}"#, Some("auth")),
        ("something else", 200, "{}", Some("permanent")),
        ("no token", 401, "<html>", Some("auth")),
    ] {
        let found = answer::account_trouble(&answer(status, &[], body), now);
        assert_eq!(found.map(|failure| failure.fault.name()), want, "{name}");
    }
}
