//! Who is believed: HubSpot's signatures as its documentation has them, freshly signed, and their near misses.
//!
//! The signatures are made here from the published rules, not with the desk's own code.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::{HUBSPOT_SECRET, Office, PUBLIC_URL, Post};

const QUERY: &str = "/hooks/crm?team=night%20desk&src=a%2Fb";

/// What goes into a version 3 signature, right unless a case spoils it.
struct Signing {
    secret: &'static str,
    method: &'static str,
    base: &'static str,
    target: &'static str,
    skew_s: i64,
}

const RIGHT: Signing =
    Signing { secret: HUBSPOT_SECRET, method: "POST", base: PUBLIC_URL, target: "/hooks/crm", skew_s: 0 };

impl Signing {
    fn timestamp(&self) -> String {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
        (now + self.skew_s * 1_000).to_string()
    }

    fn sign(&self, body: &[u8]) -> (String, String) {
        let timestamp = self.timestamp();
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
        mac.update(format!("{}{}{}", self.method, self.base, self.target).as_bytes());
        mac.update(body);
        mac.update(timestamp.as_bytes());
        (STANDARD.encode(mac.finalize().into_bytes()), timestamp)
    }

    /// The headers of version 3.
    fn on(&self, post: Post) -> Post {
        let (signature, timestamp) = self.sign(&post.body);
        post.header("X-HubSpot-Signature-v3", &signature).header("X-HubSpot-Request-Timestamp", &timestamp)
    }
}

fn hash(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let digits = hash.finalize().into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from_digit(digit.into(), 16).unwrap()).collect()
}

/// The headers of version 1 or 2, called `name`.
fn old(post: Post, version: u8, name: &str) -> Post {
    let uri = format!("{PUBLIC_URL}{}", post.target);
    let signature = match version {
        1 => hash(&[HUBSPOT_SECRET.as_bytes(), &post.body]),
        _ => hash(&[HUBSPOT_SECRET.as_bytes(), post.method.as_bytes(), uri.as_bytes(), &post.body]),
    };
    post.header("X-HubSpot-Signature-Version", name).header("X-HubSpot-Signature", &signature)
}

/// Name, how the request is made from a bare one, whether it is believed.
type Case = (&'static str, Box<dyn Fn(Post) -> Post>, bool);

fn case(name: &'static str, make: impl Fn(Post) -> Post + 'static, believed: bool) -> Case {
    (name, Box::new(make), believed)
}

fn at(target: &'static str) -> impl Fn(Post) -> Post {
    move |post| Post { target: target.to_owned(), ..post }
}

fn cases() -> Vec<Case> {
    let uri = |target: &'static str| move |post| Signing { target, ..RIGHT }.on(at(QUERY)(post));
    let skewed = |skew_s: i64| move |post| Signing { skew_s, ..RIGHT }.on(post);
    let spoilt = |post| Signing { secret: "another secret", ..RIGHT }.on(post);
    vec![
        case("version 3", |post| RIGHT.on(post), true),
        case("with a query, as sent", uri(QUERY), true),
        case("with a query, decoded by the table", uri("/hooks/crm?team=night%20desk&src=a/b"), true),
        case("with a query, decoded altogether", uri("/hooks/crm?team=night desk&src=a/b"), false),
        case("with a query, signed without it", uri("/hooks/crm"), false),
        case("without a query, signed with one", |post| Signing { target: QUERY, ..RIGHT }.on(post), false),
        case("of another method", |post| Signing { method: "PUT", ..RIGHT }.on(post), false),
        case("of the Host header", |post| Signing { base: "http://desk", ..RIGHT }.on(post), false),
        case("with another key", spoilt, false),
        case(
            "one byte altered",
            |post| {
                let mut post = RIGHT.on(post);
                let last = post.body.len() - 3;
                post.body[last] ^= 1;
                post
            },
            false,
        ),
        case(
            "one byte more",
            |post| {
                let mut post = RIGHT.on(post);
                post.body.push(b' ');
                post
            },
            false,
        ),
        case("almost five minutes old", skewed(-290), true),
        case("more than five minutes old", skewed(-302), false),
        case("almost five minutes ahead", skewed(290), true),
        case("more than five minutes ahead", skewed(302), false),
        case(
            "seconds instead of milliseconds",
            |post| {
                let seconds = (RIGHT.timestamp().parse::<i64>().unwrap() / 1_000).to_string();
                post.signed_at(&seconds)
            },
            false,
        ),
        case(
            "without its timestamp",
            |post| {
                let (signature, _) = RIGHT.sign(&post.body);
                post.header("X-HubSpot-Signature-v3", &signature)
            },
            false,
        ),
        case("twice", move |post| spoilt(RIGHT.on(post)), false),
        case("version 1", |post| old(post, 1, "v1"), true),
        case("version 2", |post| old(post, 2, "v2"), true),
        case("version 2 with a query", |post| old(at(QUERY)(post), 2, "v2"), true),
        case("version 1 called 2", |post| old(post, 1, "v2"), false),
        case("version 2 called 1", |post| old(post, 2, "v1"), false),
        case("version 2 called 3", |post| old(post, 2, "v3"), false),
        case("a right version 2 beside a wrong 3", move |post| old(spoilt(post), 2, "v2"), false),
        case("a right version 1 beside a stale 3", move |post| old(skewed(-400)(post), 1, "v1"), false),
        case("a right version 3 beside a wrong 1", |post| old(RIGHT.on(post), 2, "v1"), true),
        case("nothing", |post| post, false),
    ]
}

#[tokio::test]
async fn only_what_hubspot_signed_is_believed() {
    let office = Office::open().await;
    let cases = cases();
    let (mut believed, mut refused) = (0, 0);
    for (number, (name, make, want)) in cases.iter().enumerate() {
        let body =
            json!({ "objectId": 700 + number, "properties": { "message": format!("Grüße – ✓, how much? ({name})") } });
        let (status, answer) = office.post(&make(Post::plain("/hooks/crm", body.to_string()))).await;
        assert_eq!(status, if *want { 202 } else { 401 }, "{name}: {answer}");
        *(if *want { &mut believed } else { &mut refused }) += 1;
    }
    assert_eq!(office.column("SELECT count(*) FROM leads"), [believed.to_string()]);
    let reasons = office.column("SELECT reason FROM quarantine");
    assert_eq!(reasons.len(), refused);
    assert!(reasons.iter().all(|reason| !reason.is_empty()));
    let alert = office.lines("SELECT count, cure LIKE '%quarantine replay%' FROM alerts WHERE key = 'quarantine:crm'");
    assert_eq!(alert, [[refused.to_string(), "1".to_owned()]]);
}
