//! What is read from a body, down to the clean text: the shapes that HubSpot's workflows and websites send.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::{Office, Post};

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The payloads of `tests/golden/payloads`, each to the source of its kind.
#[tokio::test]
async fn the_payloads_become_the_leads_they_are() {
    let office = Office::open().await;
    let body = |name: &str| fs::read(project("tests/golden/payloads").join(name)).unwrap();
    let hubspot = |name: &str| Post::plain("/hooks/crm", body(name)).signed();
    let website = |name: &str| Post { body: body(name), ..Post::website(&json!({})) };
    let spoilt = {
        let mut post = hubspot("e04-hubspot-bad-signature.json");
        post.headers.retain(|(name, _)| name != "X-HubSpot-Signature-v3");
        post.header("X-HubSpot-Signature-v3", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    };
    for (name, post, want) in [
        ("e01", hubspot("e01-hubspot-workflow.json"), 202),
        ("e02", hubspot("e02-hubspot-workflow-html.json"), 202),
        ("e04", spoilt, 401),
        ("e05", hubspot("e05-hubspot-flat.json"), 202),
        ("e09", website("e09-generic-json.json"), 202),
        ("e10", website("e10-generic-bad-json.json"), 400),
    ] {
        let (status, answer) = office.post(&post).await;
        assert_eq!(status, want, "{name}: {answer}");
    }
    office.until_settled(4).await;
    let leads = office.lines("SELECT name, email, phone, message, crm_record FROM leads ORDER BY number");
    let want = [
        ["Anna Berg", "anna@example.com", "+46812345678", "Hi! Could you send me your price list?", "501"],
        [
            "Carl Diaz",
            "carl@example.com",
            "+13035550142",
            "We must replace our scanner this week.\nPlease call me.",
            "502",
        ],
        ["Gus Hill", "gus@example.com", "-", "Can I get a demo tomorrow?", "-"],
        ["Mona Nyberg", "mona@example.com", "+17205550107", "I forgot my password & cannot get in", "-"],
    ];
    assert_eq!(leads, want.map(|row| row.map(str::to_owned)));
}

/// The first thing that anybody tries: the example of the shipped configuration, its comment signs deleted, and the
/// payload its comment shows.
#[tokio::test]
async fn the_shipped_example_takes_the_first_payload_anybody_tries() {
    let shipped = fs::read_to_string(project("debian/nightdesk.toml")).unwrap();
    let example: Vec<&str> = shipped
        .lines()
        .skip_while(|line| *line != "#[sources.website]")
        .take_while(|line| line.starts_with('#') && !line.starts_with("# "))
        .map(|line| &line[1..])
        .collect();
    assert!(example.contains(&"[sources.website.fields]"), "{example:?}");
    let mut office = Office::new(&example.join("\n")).await;
    office.set_env("CREDENTIALS_DIRECTORY", &office.path().display().to_string());
    office.start().await;
    let seed = json!({ "properties": { "message": { "value": "Is the <b>big</b> tent free?" }, "email": { "value": "a@example.com" } } });
    let (status, answer) = office.post(&Post::website(&seed)).await;
    assert_eq!(status, 202, "{answer}");
    office.until_settled(1).await;
    let leads = office.lines("SELECT source, email, message FROM leads");
    assert_eq!(leads, [["website", "a@example.com", "Is the big tent free?"].map(str::to_owned)]);
}
