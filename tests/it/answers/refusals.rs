//! One table: what is sent, what is answered, what is kept.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Office, Post, SECRETS, exchange};

/// A row: its name, the bytes, status, a header that must be there, and where it is kept.
type Row = (&'static str, Vec<u8>, u16, Option<&'static str>, Kept);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    Lead,
    Known,
    GateLetter,
    Quarantined,
    Nowhere,
}

fn form(message: &str) -> Value {
    json!({ "message": message, "email": "a@example.com" })
}

/// The same request with other words at its start, or another head.
fn altered(post: &Post, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(post.bytes()).unwrap();
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1).into_bytes()
}

fn rows() -> Vec<Row> {
    use Kept::{GateLetter, Known, Lead, Nowhere, Quarantined};
    let lead = Post::website(&form("How much is a tent?"));
    let raw = |body: &str| Post { body: body.into(), ..lead.clone() };
    let to = |target: &str| Post { target: target.to_owned(), ..lead.clone() };
    let by = |method: &str| Post { method: method.to_owned(), ..lead.clone() };
    let kind = |kind: &str| altered(&lead, "Content-Type: application/json", &format!("Content-Type: {kind}"));
    let large = raw(&json!({ "message": "x".repeat(5_000) }).to_string());
    let chunked = {
        let head = altered(&raw(""), "Content-Length: 0", "Transfer-Encoding: chunked");
        [head, b"1000\r\n".to_vec(), vec![b' '; 0x1000], b"\r\n1000\r\n".to_vec(), vec![b' '; 0x1000]].concat()
    };
    vec![
        ("a lead", lead.bytes(), 202, None, Lead),
        ("the same again", lead.bytes(), 200, None, Known),
        ("no message", raw(r#"{"email":"a@example.com"}"#).bytes(), 200, None, GateLetter),
        ("an empty message and somebody to call", Post::website(&form(" \u{200b} \n")).bytes(), 202, None, Lead),
        ("an empty message and nobody to call", raw(r#"{"message":" "}"#).bytes(), 200, None, GateLetter),
        ("a message that is no text", raw(r#"{"message":{"a":1}}"#).bytes(), 200, None, GateLetter),
        ("a list", raw("[]").bytes(), 200, None, GateLetter),
        ("cut off", raw(r#"{"name": "Oops", "email": "#).bytes(), 400, None, GateLetter),
        ("no JSON", raw("message=hello").bytes(), 400, None, GateLetter),
        ("two documents", raw("{}{}").bytes(), 400, None, GateLetter),
        ("nothing", raw("").bytes(), 400, None, GateLetter),
        (
            "not quite UTF-8",
            Post { body: b"{\"message\":\"H\xff\"}".to_vec(), ..lead.clone() }.bytes(),
            202,
            None,
            Lead,
        ),
        ("half a surrogate pair", raw(r#"{"message":"H \ud83d"}"#).bytes(), 202, None, Lead),
        ("too deep", raw(&format!("{}1{}", "[".repeat(500), "]".repeat(500))).bytes(), 400, None, GateLetter),
        ("a wrong token", altered(&lead, "Bearer ", "Bearer not-"), 401, None, Quarantined),
        ("another scheme", altered(&lead, "Bearer ", "Basic "), 401, None, Quarantined),
        ("no token", Post::plain("/hooks/website", "{}").bytes(), 401, None, Quarantined),
        ("no signature", Post::plain("/hooks/crm", "{}").bytes(), 401, None, Quarantined),
        ("no such source", to("/hooks/nobody").bytes(), 404, None, Nowhere),
        ("no source", to("/hooks/").bytes(), 404, None, Nowhere),
        ("no such place", to("/").bytes(), 404, None, Nowhere),
        ("a way around", to("/hooks/../hooks/website").bytes(), 404, None, Nowhere),
        ("health", to("/healthz").bytes(), 404, None, Nowhere),
        ("GET", by("GET").bytes(), 405, Some("allow: POST"), Nowhere),
        ("PUT", by("PUT").bytes(), 405, Some("allow: POST"), Nowhere),
        ("an announced large body", large.bytes(), 413, None, Nowhere),
        ("an unannounced large body", chunked, 413, None, Nowhere),
        ("a form", kind("application/x-www-form-urlencoded"), 415, None, Nowhere),
        ("plain text", kind("text/plain"), 415, None, Nowhere),
        ("packed, it says", kind("application/json\r\nContent-Encoding: gzip"), 400, None, GateLetter),
        ("packed as nobody knows", kind("application/json\r\nContent-Encoding: zstd"), 415, None, Nowhere),
        ("a large head", lead.clone().header("X-Large", &"x".repeat(20_000)).bytes(), 431, None, Nowhere),
    ]
}

/// What the database holds of each kind.
fn kept(office: &Office) -> [usize; 4] {
    let counts = "SELECT (SELECT count(*) FROM leads), (SELECT count(*) FROM inbox WHERE verdict = 'duplicate'),
        (SELECT count(*) FROM dead_letters WHERE stage = 'gate' AND inbox_id IN (SELECT id FROM inbox WHERE verdict = 'gate_failed')),
        (SELECT count(*) FROM quarantine)";
    let counts = office.lines(counts).remove(0);
    std::array::from_fn(|at| counts[at].parse().unwrap())
}

#[tokio::test]
async fn each_request_gets_its_answer_and_is_kept_where_it_belongs() {
    let office = {
        let mut office = Office::new("[server]\nmax-body = \"4KiB\"\nmax-header-bytes = \"8KiB\"").await;
        office.start().await;
        office
    };
    let mut before = kept(&office);
    for (name, bytes, want, header, place) in rows() {
        let (status, head, body) = exchange(office.intake.unwrap(), &bytes).await.unwrap_or_else(|| panic!("{name}"));
        assert_eq!(status, want, "{name}: {}", String::from_utf8_lossy(&body));
        assert!(header.is_none_or(|header| head.to_lowercase().contains(&header.to_lowercase())), "{name}: {head}");
        reveals_nothing(&office, name, status, &head, &body);
        let now = kept(&office);
        let grown: Vec<usize> = now.iter().zip(before).map(|(now, before)| now - before).collect();
        let expected = [Kept::Lead, Kept::Known, Kept::GateLetter, Kept::Quarantined].map(|p| usize::from(p == place));
        assert_eq!(grown, expected, "{name}");
        before = now;
    }
    office.until_settled(4).await;
    let alerts = office.lines("SELECT key, count FROM alerts WHERE cleared_at IS NULL ORDER BY key");
    let want = [["gate:website", "10"], ["quarantine:crm", "1"], ["quarantine:website", "3"]];
    assert_eq!(alerts, want.map(|row| row.map(str::to_owned)));
    let letters =
        office.column("SELECT reason FROM v_failures WHERE reason = '' OR what_to_do = '' OR payload IS NULL");
    assert_eq!(letters, Vec::<String>::new(), "each says why and what to do");
}

/// Success is JSON that names what was made; refusal a problem object (RFC 9457) of constant words, or nothing at all.
fn reveals_nothing(office: &Office, name: &str, status: u16, head: &str, body: &[u8]) {
    let head = head.to_lowercase();
    assert!(!head.contains("server:") && !head.contains("x-powered-by"), "{name}: {head}");
    if status < 300 {
        let answer: Value = serde_json::from_slice(body).unwrap();
        let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
        assert!(
            matches!(&keys[..], [key] if ["lead_id", "duplicate_of", "inbox_id"].contains(&key.as_str())),
            "{name}"
        );
        return;
    }
    if body.is_empty() {
        assert!([431, 408].contains(&status), "{name}: hyper's own answer");
        return;
    }
    assert!(head.contains("content-type: application/problem+json"), "{name}: {head}");
    let answer: Value = serde_json::from_slice(body).unwrap();
    let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["detail", "status", "title"], "{name}");
    assert_eq!(answer["status"], status, "{name}");
    let words = answer.to_string().to_lowercase();
    let folder = office.path().display().to_string();
    for inside in
        ["website", "crm", "sql", "panic", "nightdesk", "secret", "signature", "token", &folder].iter().chain(&SECRETS)
    {
        assert!(!words.contains(&inside.to_lowercase()), "{name}: {inside} in {words}");
    }
}

/// A peer that drags its request out is told so, and its seat is free again.
#[tokio::test]
async fn a_slow_request_is_cut_off() {
    let office = {
        let mut office = Office::new("[server]\nread-timeout = \"1s\"\nmax-connections = 1").await;
        office.start().await;
        office
    };
    let whole = Post::website(&form("How much is a tent?")).bytes();
    for (name, sent) in [("half a head", 30), ("half a body", whole.len() - 10)] {
        let (status, head, body) = exchange(office.intake.unwrap(), &whole[..sent]).await.unwrap();
        assert_eq!(status, 408, "{name}");
        reveals_nothing(&office, name, status, &head, &body);
    }
    assert_eq!(kept(&office), [0; 4]);
    assert_eq!(exchange(office.intake.unwrap(), &whole).await.unwrap().0, 202);
    office.until_settled(1).await;
}

/// Somebody's database browser holds the write lock: senders are asked to come again, and nothing is lost or doubled.
#[tokio::test]
async fn what_cannot_be_stored_is_asked_for_again() {
    let office = Office::open().await;
    let mut browser = Command::new("sqlite3")
        // The desk holds the lock for a moment now and then: whoever wants it waits.
        .args(["-bail", "-batch", "-cmd", ".timeout 5000"])
        .arg(office.database())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = browser.stdin.take().unwrap();
    stdin.write_all(b"BEGIN IMMEDIATE;\nSELECT 'locked';\n").unwrap();
    let mut locked = [0; 7];
    std::io::Read::read_exact(browser.stdout.as_mut().unwrap(), &mut locked).unwrap();
    assert_eq!(&locked, b"locked\n");

    let lead = Post::website(&form("How much is a tent?")).bytes();
    let (status, head, body) = exchange(office.intake.unwrap(), &lead).await.unwrap();
    assert_eq!(status, 503);
    assert!(head.to_lowercase().contains("retry-after: 30"), "{head}");
    reveals_nothing(&office, "locked", status, &head, &body);
    drop(stdin);
    assert!(browser.wait().unwrap().success());
    assert_eq!(exchange(office.intake.unwrap(), &lead).await.unwrap().0, 202);
    office.until_settled(1).await;
    assert_eq!(kept(&office), [1, 0, 0, 0]);
}
