//! A changed payload or a mistyped secret loses nothing: what was kept becomes a lead once the cause is mended.

use serde_json::{Value, json};

use crate::support::{Office, Post};

const MOVED: &str = r#"
[sources.website]
kind = "json"
auth = { scheme = "none" }
fields = { message = "/message", email = "/email" }
"#;

/// Runs a command of the binary beside the desk and returns what it printed.
fn nightdesk(office: &Office, args: &[&str]) -> String {
    let output = office.command(args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {} {said}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// The form's builder renamed a field: its leads wait as dead letters until the pointer is mended.
#[tokio::test]
async fn a_mended_mapping_makes_the_leads_that_failed_the_gate() {
    let mut office = Office::new(MOVED).await;
    office.start().await;
    for email in ["a@example.com", "b@example.com"] {
        let body = json!({ "comment": "We need 50 units by tomorrow", "email": email });
        let (status, answer) = office.post(&Post::website(&body)).await;
        assert_eq!((status, answer["inbox_id"].is_string()), (200, true), "{answer}");
    }
    let reasons = office.column("SELECT reason FROM v_failures WHERE stage = 'gate'");
    assert!(reasons.len() == 2 && reasons.iter().all(|reason| reason.contains("/comment, /email")), "{reasons:?}");
    assert_eq!(office.column("SELECT count FROM alerts WHERE key = 'gate:website' AND cleared_at IS NULL"), ["2"]);

    // A retry before anything is mended changes nothing.
    let refused = office.command(&["dlq", "retry", "1"]).output().unwrap();
    assert!(!refused.status.success());
    assert_eq!(office.column("SELECT count(*) FROM v_failures"), ["2"]);

    assert!(office.terminate().await.success());
    office.configure(&MOVED.replace("\"/message\"", "[\"/message\", \"/comment\"]"));
    office.start().await;
    nightdesk(&office, &["dlq", "retry", "--stage", "gate", "--yes"]);
    office.until_settled(2).await;
    let leads = office.lines("SELECT email, label FROM leads ORDER BY email");
    assert_eq!(
        leads,
        [["a@example.com", "URGENT_BUYER"], ["b@example.com", "URGENT_BUYER"]].map(|row| row.map(str::to_owned))
    );
    assert_eq!(office.modem.sent().len(), 2);
    assert_eq!(office.column("SELECT DISTINCT closed_as FROM dead_letters"), ["requeued"]);
    assert_eq!(office.column("SELECT cleared_at NOTNULL FROM alerts WHERE key = 'gate:website'"), ["1"]);
    let again = json!({ "comment": "We need 50 units by tomorrow", "email": "a@example.com" });
    assert_eq!(office.post(&Post::website(&again)).await.0, 200, "its sender's retry is a duplicate now");
}

/// The secret was mistyped here or there: who is refused is kept, without effects, until a person lets it in.
#[tokio::test]
async fn the_quarantine_gives_back_what_a_mistyped_secret_kept_out() {
    let office = Office::open().await;
    let body = json!({ "message": "We need 50 units by tomorrow", "email": "a@example.com" });
    let mistyped =
        |body: &Value| Post::plain("/hooks/website", body.to_string()).header("Authorization", "Bearer wrong");
    assert_eq!(office.post(&mistyped(&body)).await.0, 401);
    assert_eq!(office.post(&mistyped(&json!({ "message": "How does it compare?" }))).await.0, 401);
    let listed: Value = serde_json::from_str(&nightdesk(&office, &["quarantine", "list", "--json"])).unwrap();
    assert!(listed.to_string().contains("website"), "{listed}");
    assert_eq!(office.column("SELECT count(*) FROM leads"), ["0"]);
    assert_eq!(office.llm.requests().len(), 0, "no effect of an unproven request");

    nightdesk(&office, &["quarantine", "replay", "1", "--yes"]);
    office.until_settled(1).await;
    assert_eq!(office.lines("SELECT email, label FROM leads"), [["a@example.com", "URGENT_BUYER"].map(str::to_owned)]);
    assert_eq!(office.column("SELECT id FROM quarantine WHERE replayed_at IS NULL"), ["2"]);
    nightdesk(&office, &["quarantine", "replay", "--yes"]);
    office.until_settled(2).await;
    assert_eq!(office.post(&Post::website(&body)).await.0, 200, "the right secret, the same lead");
    assert_eq!(office.modem.sent().len(), 1);
}
