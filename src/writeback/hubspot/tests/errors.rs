//! Every row of the error table: status, headers and body, for a write that may be repeated and for one that may not.

use super::*;

const NOW: &str = "2026-11-23T20:30:00Z";

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer { status, headers, body: body.to_owned(), truncated: false, latency: Duration::ZERO }
}

/// The failure behind an answer, at a fixed time in a zone that is an hour east of UTC.
fn refused(answer: &Answer, repeatable: bool) -> Failure {
    let zone = TimeZone::fixed(jiff::tz::offset(1));
    answer::refused(answer, repeatable, &["auto_classification", "high_priority"], NOW.parse().unwrap(), &zone)
}

#[test]
fn every_status_has_its_class() {
    for (name, status, body, patch, note) in [
        ("validation", 400, r#"{"category":"VALIDATION_ERROR"}"#, "permanent", "permanent"),
        ("token", 401, r#"{"category":"INVALID_AUTHENTICATION"}"#, "auth", "auth"),
        ("expired token", 401, r#"{"category":"EXPIRED_AUTHENTICATION"}"#, "auth", "auth"),
        ("scopes", 403, r#"{"category":"MISSING_SCOPES"}"#, "auth", "auth"),
        ("forbidden without words", 403, "", "auth", "auth"),
        ("gone", 404, r#"{"category":"OBJECT_NOT_FOUND"}"#, "permanent", "permanent"),
        ("conflict", 409, r#"{"category":"CONFLICT"}"#, "permanent", "permanent"),
        ("too large", 413, "<html>", "permanent", "permanent"),
        ("locked", 423, "{}", "transient", "transient"),
        ("limit", 429, "{}", "throttled", "throttled"),
        ("account moves", 477, "{}", "transient", "transient"),
        ("internal", 500, "{}", "transient", "unknown"),
        ("processing limit", 502, "<html>", "transient", "unknown"),
        ("unavailable", 503, "", "transient", "unknown"),
        ("processing limit", 504, "", "transient", "unknown"),
        ("origin down", 521, "", "transient", "unknown"),
        ("origin timeout", 522, "", "transient", "unknown"),
        ("origin unreachable", 523, "", "transient", "unknown"),
        ("origin timeout", 524, "", "transient", "unknown"),
        ("request timeout", 408, "", "transient", "unknown"),
        ("redirect", 302, "", "permanent", "permanent"),
    ] {
        let answer = answer(status, &[], body);
        assert_eq!(refused(&answer, true).fault.name(), patch, "{name} {status} of a PATCH");
        assert_eq!(refused(&answer, false).fault.name(), note, "{name} {status} of a note");
    }
}

#[test]
fn a_limit_says_when_it_ends() {
    let policy = |name: &str| json!({"errorType": "RATE_LIMIT", "policyName": name}).to_string();
    let asked = |after| vec![("retry-after", after)];
    let used_up = vec![("x-hubspot-ratelimit-daily-remaining", "0")];
    for (name, status, headers, body, want) in [
        ("ten seconds", 429, vec![], policy("TEN_SECONDLY_ROLLING"), "2026-11-23T20:30:10Z"),
        ("one second", 429, vec![], policy("SECONDLY"), "2026-11-23T20:30:01Z"),
        ("until midnight in the office", 429, vec![], policy("DAILY"), "2026-11-23T23:00:00Z"),
        ("daily by its header", 429, used_up, String::new(), "2026-11-23T23:00:00Z"),
        ("without words", 429, vec![], "<html>".to_owned(), "2026-11-23T20:30:10Z"),
        ("as asked", 429, asked("3"), policy("TEN_SECONDLY_ROLLING"), "2026-11-23T20:30:03Z"),
        ("asked for nothing", 429, asked("0"), String::new(), "2026-11-23T20:30:01Z"),
        ("a whole day", 477, asked("86400"), String::new(), "2026-11-24T20:30:00Z"),
    ] {
        let until = want.parse().unwrap();
        assert_eq!(refused(&answer(status, &headers, &body), true).fault, Fault::Throttled { until }, "{name}");
    }
}

#[test]
fn a_person_is_told_what_to_do() {
    let missing = r#"{"category":"VALIDATION_ERROR","message":"Property \"auto_classification\" does not exist","errors":[{"code":"PROPERTY_DOESNT_EXIST"}]}"#;
    let option = r#"{"message":"hot was not one of the allowed options","errors":[{"code":"INVALID_OPTION","context":{"propertyName":["auto_classification"]}}]}"#;
    let scopes = r#"{"category":"MISSING_SCOPES","errors":[{"context":{"requiredGranularScopes":["crm.objects.contacts.write"]}}]}"#;
    let (gone, ours) = (r#"{"category":"OBJECT_NOT_FOUND"}"#, "crm.objects.contacts.read, crm.objects.contacts.write");
    for (name, status, body, want) in [
        ("no property", 400, missing, "create auto_classification with `nightdesk check --create-properties`"),
        ("no name", 400, r#"{"x":"PROPERTY_DOESNT_EXIST"}"#, "create auto_classification or high_priority with"),
        ("no option", 400, option, "add the missing option of auto_classification in HubSpot"),
        ("token", 401, "{}", "put a valid access token"),
        ("named scope", 403, scopes, "give the HubSpot private app the scopes crm.objects.contacts.write"),
        ("scopes", 403, "", &format!("give the HubSpot private app the scopes {ours}")),
        ("gone", 404, gone, "the contact was deleted or merged into another"),
        ("wrong address", 404, "<html>Not found</html>", "check the base URL"),
    ] {
        let cure = refused(&answer(status, &[], body), true).cure.unwrap_or_default();
        assert!(cure.starts_with(want), "{name}: {cure}");
    }
    let failure = refused(&answer(400, &[], missing), true);
    assert_eq!(failure.reason, "HubSpot 400 VALIDATION_ERROR: Property \"auto_classification\" does not exist");
    assert_eq!(refused(&answer(400, &[], "{}"), true).cure, None);
}

#[tokio::test]
async fn the_id_of_the_request_is_kept() {
    let with_header = "HTTP/1.1 503 X\r\nx-hubspot-correlation-id: abc\r\ncontent-length: 0\r\n\r\n".to_owned();
    for (answer, want) in [(with_header, "abc"), (http(400, r#"{"correlationId":"def"}"#), "def")] {
        let (url, _heard) = peer(vec![answer]).await;
        let report = hubspot(url).perform(&work(update(None, true), false)).await;
        assert_eq!(report.trace.vendor_id.as_deref(), Some(want));
    }
}
