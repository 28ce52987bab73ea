//! The pure parts: every row of the error table, what an answer says of limits, and the assertion.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::tz::TimeZone;
use secrecy::ExposeSecret;

use super::*;
use crate::model::{Left, Quota};

const NOW: &str = "2026-11-23T20:30:00Z";

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer { status, headers, body: body.to_owned(), truncated: false, latency: Duration::ZERO }
}

fn complaint(code: &str, message: &str) -> String {
    json!([{ "message": message, "errorCode": code, "fields": [] }]).to_string()
}

fn refused(answer: &Answer, repeatable: bool) -> Failure {
    answer::refused(answer, repeatable, &["Auto_Classification__c", "High_Priority__c"], NOW.parse().unwrap())
}

#[test]
fn every_error_has_its_class() {
    for (status, code, patch, task) in [
        (400, "INVALID_FIELD", "permanent", "permanent"),
        (400, "REQUIRED_FIELD_MISSING", "permanent", "permanent"),
        (400, "STRING_TOO_LONG", "permanent", "permanent"),
        (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "permanent", "permanent"),
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "permanent", "permanent"),
        (400, "CANNOT_UPDATE_CONVERTED_LEAD", "permanent", "permanent"),
        (400, "MALFORMED_ID", "permanent", "permanent"),
        (400, "UNABLE_TO_LOCK_ROW", "transient", "transient"),
        (409, "UNABLE_TO_LOCK_ROW", "transient", "transient"),
        (500, "UNABLE_TO_LOCK_ROW", "transient", "transient"),
        (401, "INVALID_SESSION_ID", "auth", "auth"),
        (401, "INVALID_AUTH_HEADER", "auth", "auth"),
        (403, "REQUEST_LIMIT_EXCEEDED", "throttled", "throttled"),
        (403, "INSUFFICIENT_ACCESS_OR_READONLY", "auth", "auth"),
        (403, "API_DISABLED_FOR_ORG", "auth", "auth"),
        (404, "NOT_FOUND", "permanent", "permanent"),
        (404, "ENTITY_IS_DELETED", "permanent", "permanent"),
        (409, "CONFLICT", "permanent", "permanent"),
        (410, "UNSUPPORTED_API_VERSION", "permanent", "permanent"),
        (423, "", "transient", "unknown"),
        (429, "", "throttled", "throttled"),
        (500, "UNKNOWN_EXCEPTION", "transient", "unknown"),
        (502, "", "transient", "unknown"),
        (503, "SERVER_UNAVAILABLE", "transient", "unknown"),
        (504, "", "transient", "unknown"),
        (408, "", "transient", "unknown"),
        (300, "", "permanent", "permanent"),
        (302, "", "permanent", "permanent"),
    ] {
        let body = if code.is_empty() { "<html>".to_owned() } else { complaint(code, "words") };
        let answer = answer(status, &[], &body);
        assert_eq!(refused(&answer, true).fault.name(), patch, "{status} {code} of a PATCH");
        assert_eq!(refused(&answer, false).fault.name(), task, "{status} {code} of a task");
    }
}

#[test]
fn a_pause_is_as_long_as_it_is_asked_for_or_the_day_wants() {
    let day = complaint("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
    for (name, status, asked, body, want) in [
        ("a used-up day", 403, None, day.as_str(), "2026-11-23T20:45:00Z"),
        ("a used-up day that is soon over", 403, Some("60"), &day, "2026-11-23T20:45:00Z"),
        ("a used-up day that isn't", 403, Some("3600"), &day, "2026-11-23T21:30:00Z"),
        ("too fast", 429, None, "", "2026-11-23T20:30:10Z"),
        ("too fast for a while", 429, Some("3"), "", "2026-11-23T20:30:03Z"),
        ("down for a while", 503, Some("30"), "", "2026-11-23T20:30:30Z"),
        ("down for no time", 503, Some("0"), "", "2026-11-23T20:30:00Z"),
    ] {
        let headers: Vec<(&str, &str)> = asked.into_iter().map(|asked| ("retry-after", asked)).collect();
        let until = want.parse().unwrap();
        assert_eq!(refused(&answer(status, &headers, body), true).fault, Fault::Throttled { until }, "{name}");
    }
    let task = refused(&answer(503, &[("retry-after", "30")], ""), false);
    assert_eq!(task.fault, Fault::Unknown, "whether it was made must be looked up all the same");
}

#[test]
fn a_person_is_told_what_to_do() {
    let missing = complaint("INVALID_FIELD", "No such column 'High_Priority__c' on sobject of type Lead");
    for (name, status, body, want) in [
        ("no field", 400, missing.clone(), "create the field High_Priority__c (Setup, Object Manager"),
        (
            "no name",
            400,
            complaint("INVALID_FIELD", "x"),
            "create the field Auto_Classification__c or High_Priority__c",
        ),
        (
            "no value",
            400,
            complaint("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "x"),
            "add the missing value to the picklist",
        ),
        ("a rule", 400, complaint("FIELD_CUSTOM_VALIDATION_EXCEPTION", "x"), "a validation rule of yours refuses it"),
        ("gone", 404, complaint("ENTITY_IS_DELETED", "entity is deleted"), "the record was deleted or merged"),
        ("wrong address", 404, "<html>".to_owned(), "check base-url"),
        ("retired", 410, complaint("UNSUPPORTED_API_VERSION", "x"), "this version of the API is retired"),
        ("rights", 403, complaint("INSUFFICIENT_ACCESS_OR_READONLY", "x"), "give the desk's user a permission set"),
        ("rights without words", 403, String::new(), "give the desk's user a permission set"),
        ("doubles", 300, "[\"/services/data/v60.0/sobjects/Task/1\"]".to_owned(), "delete the doubles"),
        ("session", 401, complaint("INVALID_SESSION_ID", "x"), "the app's session is refused although it is new"),
        ("the day", 403, complaint("REQUEST_LIMIT_EXCEEDED", "x"), "the org's calls of the last 24 hours are used up"),
    ] {
        let cure = refused(&answer(status, &[], &body), true).cure.unwrap_or_default();
        assert!(cure.starts_with(want), "{name}: {cure}");
    }
    let reason = refused(&answer(400, &[], &missing), true).reason;
    assert_eq!(reason, "Salesforce 400 INVALID_FIELD: No such column 'High_Priority__c' on sobject of type Lead");
    assert_eq!(refused(&answer(502, &[], ""), true).reason, "Salesforce 502: (an empty body)");
}

#[test]
fn the_day_is_read_from_every_answer() {
    for (header, want) in [
        ("api-usage=18/15000", Some(Left { left: 14_982, of: 15_000 })),
        ("api-usage=18/15000; per-app-api-usage=17/250(appName=desk)", Some(Left { left: 14_982, of: 15_000 })),
        ("per-app-api-usage=17/250(appName=desk); api-usage=20000/15000", Some(Left { left: 0, of: 15_000 })),
        ("api-usage=18", None),
        ("api-usage=x/y", None),
        ("", None),
    ] {
        let got = answer::limits(&answer(200, &[("sforce-limit-info", header)], ""));
        assert_eq!(got, Quota { requests: 0, burst: None, day: want }, "{header}");
    }
}

#[test]
fn an_assertion_says_who_for_whom_and_for_how_long() {
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/rsa.pem");
    let now: Timestamp = NOW.parse().unwrap();
    let signed =
        |key: &str| assertion::signed(key.as_ref(), "3MVG9", "desk@acme.example", "https://login.salesforce.com", now);
    let jwt = signed(key).unwrap();
    let parts: Vec<&str> = jwt.expose_secret().split('.').collect();
    let json = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    assert_eq!(json(parts[0]), json!({ "alg": "RS256" }));
    let claims = json!({ "iss": "3MVG9", "sub": "desk@acme.example", "aud": "https://login.salesforce.com", "exp": 1_795_465_920_i64 });
    assert_eq!(json(parts[1]), claims, "two minutes from now");
    assert_eq!((parts.len(), URL_SAFE_NO_PAD.decode(parts[2]).unwrap().len()), (3, 256));

    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let elliptic = rcgen::KeyPair::generate().unwrap().serialize_pem();
    for (path, want) in [
        (folder.path().join("none").display().to_string(), "can't be read (entity not found)"),
        (file("text", b"hunter2"), "holds no private key in PEM, or one with a passphrase"),
        (
            file("half", b"-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n"),
            "holds no private key in PEM, or one with a passphrase",
        ),
        (file("ec", elliptic.as_bytes()), "holds no RSA key"),
    ] {
        assert_eq!(signed(&path).unwrap_err().to_string(), want, "{path}");
    }
}

#[test]
fn a_window_is_asked_for_page_by_page_in_the_orgs_own_days() {
    let settings = Settings {
        base_url: "https://acme.my.salesforce.com".to_owned(),
        api_version: "v60.0".to_owned(),
        client_id: "3MVG9".to_owned(),
        sign_in: SignIn::Secret("hunter2".into()),
        classification_property: "Auto_Classification__c".to_owned(),
        values: HashMap::new(),
        also: HashMap::new(),
        priority_property: "High_Priority__c".to_owned(),
        message_property: "Enquiry__c".to_owned(),
        task_key_field: None,
        as_lead: AsLead::new(|_, _, _| Err(Failure::new(Fault::Permanent, "not asked for here"))),
        zone: TimeZone::UTC,
        account_zone: TimeZone::fixed(jiff::tz::offset(-5)),
        timeout: Duration::from_secs(10),
    };
    assert!(!format!("{settings:?}").contains("hunter2"));
    let writer = Salesforce::new(settings, Wire::new());
    let window = |after: Option<&str>| crate::model::Reconcile {
        from: "2026-11-22T02:00:00Z".parse().unwrap(),
        until: "2026-11-23T02:00:00Z".parse().unwrap(),
        after: after.map(str::to_owned),
    };
    let first = "SELECT Id, CreatedDate, FirstName, LastName, Phone, MobilePhone, Email, Enquiry__c FROM Lead \
                 WHERE ((CreatedDate >= 2026-11-22T02:00:00.000Z AND CreatedDate < 2026-11-23T02:00:00.000Z) OR \
                 (ConvertedDate >= 2026-11-21 AND ConvertedDate <= 2026-11-22)) ORDER BY Id LIMIT 100";
    assert_eq!(writer.question(&window(None)), first);
    let next = first.replace("2026-11-22))", r"2026-11-22)) AND Id > '00Q\' OR'");
    assert_eq!(writer.question(&window(Some("00Q' OR"))), next);
}
