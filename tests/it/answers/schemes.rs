//! Every other scheme of authentication: freshly proven requests and their near misses, and no secret left behind.
//!
//! The proofs are made here from the published rules, not with the desk's own code.

use std::os::unix::fs::PermissionsExt;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::support::{Office, PUBLIC_URL, Post};

/// A secret that is fit for every scheme: base64 that must be encoded in an address.
const SECRET: &str = "b25lLXNlY3JldC1mb3ItZXZlcnktc2NoZW1lPz8/Pz4+Pg==";
/// The key it replaces.
const OLD: &str = "dGhlLW9sZC1rZXktb2YtdGhpcy10ZXN0Pj4+";

fn configuration(folder: &str) -> String {
    let (secret, old) = (format!("{{ file = \"{folder}/secret\" }}"), format!("{{ file = \"{folder}/old\" }}"));
    let both = format!("secret = [{old}, {secret}]");
    let one = format!("secret = {secret}");
    let sources = [
        ("webhooks", format!("scheme = \"standard-webhooks\", {both}")),
        ("body", format!("scheme = \"hmac-sha256\", header = \"X-Hub-Signature-256\", prefix = \"sha256=\", {both}")),
        (
            "list",
            format!("scheme = \"hmac-sha256\", header = \"X-Sig\", prefix = \"v1=\", timestamp-prefix = \"t=\", {one}"),
        ),
        (
            "timed",
            format!(
                "scheme = \"hmac-sha256\", header = \"X-Sig\", encoding = \"base64\", timestamp-header = \"X-Time\", signed = \"v0:{{timestamp}}:{{body}}\", {one}"
            ),
        ),
        ("voice", format!("scheme = \"twilio\", {both}")),
        ("bearer", format!("scheme = \"bearer\", {one}")),
        ("basic", format!("scheme = \"basic\", user = \"anna\", {one}")),
        ("path", format!("scheme = \"shared-secret\", in = \"path\", {one}")),
        ("force", format!("scheme = \"salesforce\", organization-id = \"00DAA0000000001EAA\", {one}")),
    ];
    let table = |(name, auth): (&str, String)| {
        format!("[sources.{name}]\nkind = \"json\"\nauth = {{ {auth} }}\nfields.message = \"/message\"\n")
    };
    sources.map(table).concat()
}

async fn office() -> Office {
    let mut office = Office::new("").await;
    let folder = office.path().display().to_string();
    for (name, secret) in [("secret", SECRET), ("old", OLD)] {
        let path = office.path().join(name);
        std::fs::write(&path, secret).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    office.configure(&configuration(&folder));
    office.start().await;
    office
}

/// Seconds since 1970, and so many more.
fn seconds(skew: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    (i64::try_from(now).unwrap() + skew).to_string()
}

fn code<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).unwrap();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

fn sha256(key: impl AsRef<[u8]>, parts: &[&[u8]]) -> Vec<u8> {
    code::<Hmac<Sha256>>(key.as_ref(), parts)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// Standard Webhooks, or Svix: the three headers of a family, signed with `key`. Each message has an id of its own.
fn webhook(post: Post, family: &str, key: &str, skew: i64) -> Post {
    let id = hex(&Sha256::digest(&post.body));
    webhook_of(post, &id, family, key, skew)
}

pub(super) fn webhook_of(post: Post, id: &str, family: &str, key: &str, skew: i64) -> Post {
    let time = seconds(skew);
    let parts = [id.as_bytes(), b".", time.as_bytes(), b".", &post.body];
    let signature = sha256(STANDARD.decode(key).unwrap(), &parts);
    let signatures = format!("v1a,AAAA v1,{}", STANDARD.encode(signature));
    let named = |part: &str| format!("{family}-{part}");
    post.header(&named("id"), id).header(&named("timestamp"), &time).header(&named("signature"), &signatures)
}

fn body(post: Post, key: &str) -> Post {
    let signature = hex(&sha256(key, &[&post.body]));
    post.header("X-Hub-Signature-256", &format!("sha256={signature}"))
}

fn list(post: Post, key: &str, skew: i64) -> Post {
    let time = seconds(skew);
    let signature = hex(&sha256(key, &[time.as_bytes(), b".", &post.body]));
    post.header("X-Sig", &format!("t={time},v1={},v1={signature}", "00".repeat(32)))
}

fn timed(post: Post, key: &str, skew: i64) -> Post {
    let time = seconds(skew);
    let signature = STANDARD.encode(sha256(key, &[b"v0:", time.as_bytes(), b":", &post.body]));
    post.header("X-Sig", &signature).header("X-Time", &time)
}

/// Twilio, on a body that is no form: its hash is in the address.
fn twilio<M: Mac + KeyInit>(post: Post, base: &str, key: &str) -> Post {
    let target = format!("{}?bodySHA256={}", post.target, hex(&Sha256::digest(&post.body)));
    let signature = STANDARD.encode(code::<M>(key.as_bytes(), &[base.as_bytes(), target.as_bytes()]));
    Post { target, ..post }.header("X-Twilio-Signature", &signature)
}

fn basic(post: Post, user: &str, secret: &str) -> Post {
    let pair = STANDARD.encode(format!("{user}:{secret}"));
    post.header("Authorization", &format!("Basic {pair}"))
}

fn deeper(post: Post, rest: &str) -> Post {
    Post { target: format!("{}/{rest}", post.target), ..post }
}

fn altered(mut post: Post) -> Post {
    let last = post.body.len() - 3;
    post.body[last] ^= 1;
    post
}

/// The secret as it must be written in an address.
fn encoded() -> String {
    SECRET.replace('/', "%2F").replace('+', "%2B").replace('=', "%3d").replace('?', "%3F")
}

/// Source, name, how the request is made from a bare one, the answer.
type Case = (&'static str, &'static str, Box<dyn Fn(Post) -> Post>, u16);

fn case(source: &'static str, name: &'static str, make: impl Fn(Post) -> Post + 'static, answer: u16) -> Case {
    (source, name, Box::new(make), answer)
}

fn signing() -> Vec<Case> {
    let settings = "X-Twilio-Webhooks-Signature-Settings";
    let by_key = move |post: Post| post.header(settings, "key=k,algorithm=HMAC_SHA256");
    vec![
        case("webhooks", "signed", |p| webhook(p, "webhook", SECRET, 0), 202),
        case("webhooks", "signed with the old key", |p| webhook(p, "webhook", OLD, 0), 202),
        case("webhooks", "by Svix", |p| webhook(p, "svix", SECRET, -290), 202),
        case("webhooks", "with an id", |p| webhook_of(p, "msg_1", "webhook", SECRET, 0), 202),
        case("webhooks", "with the same id again", |p| webhook_of(p, "msg_1", "webhook", OLD, 9), 200),
        case("webhooks", "stale", |p| webhook(p, "webhook", SECRET, -302), 401),
        case("webhooks", "ahead", |p| webhook(p, "webhook", SECRET, 302), 401),
        case("webhooks", "altered", |p| altered(webhook(p, "webhook", SECRET, 0)), 401),
        case("webhooks", "another key", |p| webhook(p, "webhook", "YW5vdGhlcg==", 0), 401),
        case(
            "webhooks",
            "right Svix beside a wrong one",
            |p| webhook(webhook(p, "webhook", "YQ==", 0), "svix", SECRET, 0),
            401,
        ),
        case("webhooks", "nothing", |p| p, 401),
        case("body", "signed", |p| body(p, SECRET), 202),
        case("body", "signed with the old key", |p| body(p, OLD), 202),
        case("body", "altered", |p| altered(body(p, SECRET)), 401),
        case("body", "another key", |p| body(p, "another"), 401),
        case("body", "twice", |p| body(body(p, SECRET), SECRET), 401),
        case("list", "signed", |p| list(p, SECRET, 290), 202),
        case("list", "stale", |p| list(p, SECRET, -302), 401),
        case("list", "another key", |p| list(p, OLD, 0), 401),
        case("timed", "signed", |p| timed(p, SECRET, 0), 202),
        case("timed", "stale", |p| timed(p, SECRET, -302), 401),
        case("timed", "another time", |p| timed(p, SECRET, 0).header("X-Time", "1"), 401),
        case("voice", "signed", |p| twilio::<Hmac<Sha1>>(p, PUBLIC_URL, SECRET), 202),
        case("voice", "with a port", |p| twilio::<Hmac<Sha1>>(p, &format!("{PUBLIC_URL}:443"), OLD), 202),
        case("voice", "with a shared key", move |p| by_key(twilio::<Hmac<Sha256>>(p, PUBLIC_URL, SECRET)), 202),
        case("voice", "with the wrong hash", move |p| by_key(twilio::<Hmac<Sha1>>(p, PUBLIC_URL, SECRET)), 401),
        case("voice", "altered", |p| altered(twilio::<Hmac<Sha1>>(p, PUBLIC_URL, SECRET)), 401),
        case("voice", "of another host", |p| twilio::<Hmac<Sha1>>(p, "https://desk", SECRET), 401),
    ]
}

fn telling() -> Vec<Case> {
    let almost = encoded().replacen('b', "c", 1);
    vec![
        case("bearer", "told", |p| p.header("Authorization", &format!("bearer {SECRET}")), 202),
        case("bearer", "another", |p| p.header("Authorization", "Bearer another"), 401),
        case("bearer", "in the address", |p| deeper(p, &encoded()), 404),
        case("bearer", "mislaid", |p| p.header("X-Auth", &format!("Bearer {SECRET}")), 401),
        case("basic", "told", |p| basic(p, "anna", SECRET), 202),
        case("basic", "another user", |p| basic(p, "bob", SECRET), 401),
        case("basic", "another password", |p| basic(p, "anna", OLD), 401),
        case("path", "told", |p| deeper(p, &encoded()), 202),
        case("path", "told, with a query", |p| deeper(p, &format!("{}?a=b", encoded())), 202),
        case("path", "almost", move |p| deeper(p, &almost), 401),
        case("path", "encoded twice", |p| deeper(p, &encoded().replace('%', "%25")), 401),
        case(
            "path",
            "in the query",
            |p| {
                let target = format!("{}?key={}", p.target, encoded());
                Post { target, ..p }
            },
            401,
        ),
        case("path", "nothing", |p| p, 401),
        case("path", "another name", |p| Post { target: format!("/hooks/pat/{}", encoded()), ..p }, 404),
        case("force", "told", |p| deeper(p, &encoded()), 202),
        case("force", "nothing", |p| p, 401),
    ]
}

#[tokio::test]
async fn each_scheme_believes_whom_it_should_and_keeps_no_secret() {
    let mut office = office().await;
    let cases: Vec<Case> = signing().into_iter().chain(telling()).collect();
    let (mut believed, mut refused) = (0, 0);
    for (number, (source, name, make, want)) in cases.iter().enumerate() {
        let body = json!({ "message": format!("Grüße, how much is number {number}? ({source}: {name})") });
        let post = make(Post::plain(&format!("/hooks/{source}"), body.to_string()));
        let (status, answer) = office.post(&post).await;
        assert_eq!(status, *want, "{source}, {name}: {answer}");
        believed += usize::from(status == 202);
        refused += usize::from(status == 401);
    }
    assert_eq!(office.column("SELECT count(*) FROM leads"), [believed.to_string()]);
    assert_eq!(office.column("SELECT count(*) FROM quarantine"), [refused.to_string()]);
    let in_the_path =
        "SELECT target FROM inbox WHERE source = 'path' UNION SELECT target FROM quarantine WHERE source = 'path'";
    let targets = ["/hooks/path", "/hooks/path/***", "/hooks/path/***?a=b", "/hooks/path?key=***"];
    assert_eq!(office.column(in_the_path), targets);
    office.terminate().await;
    assert!(office.log().contains("/hooks/pat/***"), "a refused address is logged without what may be a secret");
    let data = std::fs::read_dir(office.path().join("data")).unwrap().map(|entry| entry.unwrap().path());
    let pair = STANDARD.encode(format!("anna:{SECRET}"));
    // The first eight characters are those that the nearly right one lacks.
    let needles = [SECRET, OLD, &encoded(), encoded().split_at(8).1, &pair].map(str::to_owned);
    for file in data.chain([office.log_path()]) {
        let text = std::fs::read(&file).unwrap();
        for needle in &needles {
            assert!(!text.windows(needle.len()).any(|w| w == needle.as_bytes()), "{needle} is in {}", file.display());
        }
    }
}
