//! No secret leaves its file: not into the log, the data folder, an answer, or what the operator is shown.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nightdesk::control::Request;
use nightdesk::demo::sim::{Fault, Match};
use serde_json::json;

use super::URGENT;
use crate::support::{Office, Post, SECRETS, WEBSITE_SECRET, exchange};

/// Every secret, as it is and as it travels.
fn needles() -> Vec<String> {
    let plain = SECRETS.iter().map(|secret| (*secret).to_owned());
    let coded = SECRETS.iter().flat_map(|secret| {
        // Inside a longer text, base64 begins at one of three places; the middle of each is always the same.
        (0..3).map(move |before| {
            let text = STANDARD.encode(format!("{}{secret}", "x".repeat(before)));
            text[4..text.len() - 4].to_owned()
        })
    });
    plain.chain(coded).collect()
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// A run in which every vendor is used, refuses and breaks, and everything is logged that can be.
#[tokio::test]
async fn no_secret_is_logged_stored_or_told() {
    let mut office = Office::new("[log]\nlevel = \"trace\"").await;
    office.start().await;
    office.modem.unplug().await;
    for (contact, message) in [("501", URGENT), ("502", "We need 40 units by Friday, budget is approved")] {
        office.hubspot.set_contact(contact, &[]);
        office.llm.script([Fault::status(401), Fault::half_json(), Fault::status(500)]);
        office.hubspot.script([Fault::status(401), Fault::html().on(Match::to("POST", "notes"))]);
        office.twilio.script([Fault::status(401), Fault::reset()]);
        assert_eq!(office.post(&Post::hubspot(contact, message)).await.0, 202);
    }
    let mut told = Vec::new();
    let form = json!({ "message": "Hello, how much is a tent?", "email": "a@example.com" });
    let almost = format!("Bearer {WEBSITE_SECRET}x");
    let address = office.intake.unwrap();
    for post in [
        Post::website(&form),
        Post::website(&form).header("Cookie", "session=cookie-of-this-test"),
        Post::plain("/hooks/website", form.to_string()).header("Authorization", &almost),
        Post::plain("/hooks/crm", form.to_string()).signed_at("1"),
        Post::website(&json!({})),
        Post::plain("/hooks/nowhere", "{}").header("Authorization", &almost),
    ] {
        let (status, head, body) = exchange(address, &post.bytes()).await.unwrap();
        told.push(format!("{status} {head} {}", String::from_utf8_lossy(&body)));
    }
    office.until_settled(3).await;
    told.push(format!("{:?}", office.ask(&Request::Status).await));
    let admin = office.admin.unwrap();
    for path in ["/healthz", "/readyz", "/"] {
        let question = format!("GET {path} HTTP/1.1\r\nHost: desk\r\n\r\n");
        let (status, head, body) = exchange(admin, question.as_bytes()).await.unwrap();
        told.push(format!("{status} {head} {}", String::from_utf8_lossy(&body)));
    }

    let data = office.path().join("data");
    let places: Vec<(String, Vec<u8>)> = files(&data)
        .into_iter()
        .chain([office.log_path()])
        .map(|path| (path.display().to_string(), std::fs::read(path).unwrap()))
        .chain(told.into_iter().map(|text| ("an answer".to_owned(), text.into_bytes())))
        .collect();
    assert!(places.len() > 10);
    for needle in needles().into_iter().chain(["cookie-of-this-test".to_owned()]) {
        let at = places.iter().find(|(_, bytes)| bytes.windows(needle.len()).any(|window| window == needle.as_bytes()));
        assert!(at.is_none(), "{needle} is in {}", at.unwrap().0);
    }
    let headers = office.column("SELECT headers FROM inbox WHERE source = 'website' UNION ALL SELECT headers FROM quarantine WHERE source = 'website'");
    assert_eq!(headers.len(), 4);
    assert!(headers.iter().all(|row| row.contains(r#"["authorization","***"]"#)), "{headers:?}");
    assert_eq!(headers.iter().filter(|row| row.contains(r#"["cookie","***"]"#)).count(), 1);
}

/// The process list is readable by everybody on the box.
#[tokio::test]
async fn no_secret_is_in_the_process_list() {
    let office = Office::open().await;
    for file in ["cmdline", "environ"] {
        let text = std::fs::read(format!("/proc/{}/{file}", office.pid())).unwrap();
        let text = String::from_utf8_lossy(&text);
        assert!(SECRETS.iter().all(|secret| !text.contains(secret)), "{file}");
    }
}
