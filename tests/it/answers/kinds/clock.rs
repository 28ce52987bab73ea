//! A box that doesn't know the time yet: genuine requests are held, not believed and not lost; forged ones are refused.
//!
//! The clock of this test is right all along; only the file that says so is missing, and nothing is moved when it comes.

use std::fs::File;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::super::schemes::webhook_of;
use super::{KEY, office, wrote};
use crate::support::Post;

const HOUR: u64 = 3_600;

/// A contact of a workflow, signed so many seconds ago.
fn signed_ago(email: &str, seconds: u64) -> Post {
    let body = json!({ "email": email, "message": "What does the big tent cost?" }).to_string();
    Post::plain("/hooks/crm", body).signed_at(&ago(seconds))
}

/// A time so many seconds ago, as HubSpot writes it.
fn ago(seconds: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    ((now - seconds) * 1_000).to_string()
}

fn forged(mut post: Post) -> Post {
    post.body.push(b' ');
    post
}

#[tokio::test]
async fn what_comes_before_the_time_is_known_is_judged_later() {
    let office = office("[server]\nclock-sync-file = \"{folder}/synchronized\"").await;
    for (name, post, want) in [
        ("an hour old", signed_ago("old@example.com", HOUR), (202, true)),
        ("in time", signed_ago("new@example.com", 0), (202, false)),
        ("forged", forged(signed_ago("forged@example.com", 0)), (401, false)),
        ("forged and old", forged(signed_ago("forged@example.com", HOUR)), (401, false)),
    ] {
        let (status, answer) = office.post(&post).await;
        assert_eq!((status, answer["held"].is_string()), want, "{name}: {answer}");
    }
    // Nothing here depends on the time.
    let untimed = Post::website(&json!({ "message": "How much is a floor?", "email": "site@example.com" }));
    assert_eq!(office.post(&untimed).await.0, 202);
    office.until_settled(2).await;
    assert_eq!(office.column("SELECT email FROM leads ORDER BY number"), ["new@example.com", "site@example.com"]);
    assert_eq!(office.column("SELECT verdict FROM inbox ORDER BY rowid"), ["held", "accepted", "accepted"]);
    let alert = "SELECT cleared_at NOTNULL FROM alerts WHERE key = 'clock:held'";
    assert_eq!(office.column(alert), ["0"]);

    File::create(office.path().join("synchronized")).unwrap();
    office
        .until("judging", |_| {
            (office.column("SELECT verdict FROM inbox WHERE verdict = 'held'").is_empty()).then_some(())
        })
        .await;
    let judged = office.lines("SELECT verdict, reason NOTNULL, lead_id NOTNULL FROM inbox ORDER BY rowid");
    let want = [["ignored", "1", "0"], ["accepted", "0", "1"], ["accepted", "0", "1"]];
    assert_eq!(judged, want.map(|row| row.map(str::to_owned)));
    assert_eq!(office.column(alert), ["1"]);

    let (status, answer) = office.post(&signed_ago("now@example.com", 0)).await;
    assert_eq!((status, answer["lead_id"].is_string()), (202, true), "known by now: {answer}");
    assert_eq!(office.post(&signed_ago("late@example.com", HOUR)).await.0, 401);
    assert_eq!(office.post(&signed_ago("new@example.com", 0)).await.0, 200, "what came before is known");
    office.until_settled(3).await;
    assert_eq!(office.column("SELECT count(*) FROM quarantine"), ["3"]);
}

/// What is held is read only later: a batch is then as many leads as it tells of, and what came twice one. A start with a right
/// clock lets in what an earlier one held, because by how much that was wrong is not known any more.
#[tokio::test]
async fn what_was_held_becomes_all_that_it_tells_of() {
    let mut office = office("[server]\nclock-sync-file = \"{folder}/synchronized\"").await;
    for contact in ["601", "602"] {
        wrote(&office, contact, &format!("c{contact}@example.com"), &format!("What does tent {contact} cost?"));
    }
    let event = |contact: u64, kind: &str| json!({ "eventId": contact, "objectId": contact, "portalId": 1, "subscriptionType": kind, "changeSource": "FORM" });
    let batch = json!([event(601, "contact.creation"), event(601, "contact.deletion"), event(602, "contact.creation")]);
    let hook =
        Post::plain("/hooks/hooks", json!({ "message": "How much is a stage?", "email": "x@example.com" }).to_string());
    for post in [
        Post::plain("/hooks/app", batch.to_string()).signed_at(&ago(HOUR)),
        webhook_of(hook.clone(), "msg_1", "webhook", KEY, -3_600),
        webhook_of(hook, "msg_1", "webhook", KEY, -3_602),
        Post::plain("/hooks/hform", "[").signed_at(&ago(HOUR)),
    ] {
        let (status, answer) = office.post(&post).await;
        assert_eq!((status, answer["held"].is_string()), (202, true), "{answer}");
    }
    assert_eq!(office.column("SELECT verdict || count(*) FROM inbox"), ["held4"]);
    office.kill();
    File::create(office.path().join("synchronized")).unwrap();
    office.start().await;
    office.until_settled(3).await;
    let rows = office.lines("SELECT i.source, i.part, i.verdict, l.email FROM inbox i LEFT JOIN leads l ON l.id = i.lead_id ORDER BY i.source, i.part, i.rowid");
    let want = [
        ["app", "0", "accepted", "c601@example.com"],
        ["app", "1", "ignored", "-"],
        ["app", "2", "accepted", "c602@example.com"],
        ["hform", "0", "gate_failed", "-"],
        ["hooks", "0", "accepted", "x@example.com"],
        ["hooks", "0", "duplicate", "x@example.com"],
    ];
    assert_eq!(rows, want.map(|row| row.map(str::to_owned)));
    assert_eq!(office.column("SELECT stage FROM v_failures"), ["gate"]);
    assert_eq!(office.violations(), Vec::<String>::new());
}
