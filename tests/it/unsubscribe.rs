//! Unsubscribing through the real binary: a person's browser, a mail program's one click, whoever only follows links, and
//! whoever makes links up.
//!
//! Tokens are made here, not with the desk's own code.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::support::{Office, Post};

const KEY: &str = "mail-key-of-this-test";
const ANNA: &str = "anna@example.com";
const FORM: &str = "application/x-www-form-urlencoded";

/// An office that sends mail, whose desk doesn't run yet.
async fn office() -> Office {
    let office = Office::new("").await;
    office.write_secret("mail-key", KEY);
    let key = office.path().join("mail-key");
    let mail = format!(
        "[mail]\nfrom = \"desk@acme.example\"\nsmtp = {{ host = \"127.0.0.1\", security = \"none\" }}\nkey = {{ file = \"{}\" }}\n[business]\nname = \"Tents & <Floors>\"",
        key.display()
    );
    office.configure(&mail);
    office
}

async fn open() -> Office {
    let mut office = office().await;
    office.start().await;
    office
}

fn code(key: &str, purpose: &str, of: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(purpose.as_bytes());
    mac.update(of);
    mac.finalize().into_bytes()[..16].to_vec()
}

fn hash(address: &str) -> Vec<u8> {
    code(KEY, "address:", address.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"))
}

fn token(key: &str, hash: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode([hash, &code(key, "unsubscribe:", hash)].concat())
}

fn ask(method: &str, target: &str) -> Post {
    Post { method: method.to_owned(), headers: Vec::new(), ..Post::plain(target, "") }
}

fn post(target: &str, kind: &str, body: &str) -> Post {
    Post { body: body.into(), ..ask("POST", target) }.header("Content-Type", kind)
}

/// The link of an address, as it stands in a mail behind the host.
fn link(address: &str) -> String {
    format!("/u/{}", token(KEY, &hash(address)))
}

fn one_click(target: &str) -> Post {
    post(target, FORM, "List-Unsubscribe=One-Click")
}

fn suppressed(office: &Office) -> Vec<Vec<String>> {
    office.lines("SELECT address_hash, reason FROM mail_suppressions ORDER BY address_hash")
}

fn annas() -> Vec<Vec<String>> {
    vec![vec![hex(&hash(ANNA)), "unsubscribed".to_owned()]]
}

/// Status, head and body of an answer.
async fn told(office: &Office, post: &Post) -> (u16, String, String) {
    let (status, head, body) = office.exchange(post).await;
    (status, head.to_lowercase(), String::from_utf8(body).unwrap())
}

#[tokio::test]
async fn a_person_follows_the_link_and_presses_the_button() {
    let office = open().await;
    let target = link(ANNA);
    for time in 0..3 {
        let (status, head, page) = told(&office, &ask("GET", &target)).await;
        assert_eq!(status, 200);
        for header in [
            "content-type: text/html; charset=utf-8",
            "content-security-policy: default-src 'none'; style-src 'sha256-",
            "referrer-policy: no-referrer",
            "x-robots-tag: noindex, nofollow",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
        ] {
            assert!(head.contains(header), "{header}: {head}");
        }
        assert!(page.contains("no more mail from Tents &amp; &lt;Floors&gt;."), "{page}");
        let button = r#"<form method="post"><button name="List-Unsubscribe" value="One-Click">"#;
        assert!(page.contains(button) && !page.contains("example.com"), "{page}");
        assert!(suppressed(&office).is_empty(), "looking changes nothing, at look {time}");
    }
    // As a browser sends that form, with the address of the page and what it tells of itself.
    let press = one_click(&target).header("Origin", "null").header("Sec-Fetch-Site", "same-origin");
    let (status, head, page) = told(&office, &press).await;
    assert!(status == 200 && head.contains("content-security-policy: "), "{status} {head}");
    assert!(page.contains("You will get no more mail from Tents &amp; &lt;Floors&gt;."), "{page}");
    assert_eq!(suppressed(&office), annas());
    let (status, _, page) = told(&office, &ask("GET", &target)).await;
    assert!(status == 200 && page.contains("<button"), "a look tells nobody how it stands");
}

#[tokio::test]
async fn a_mail_program_does_it_with_one_click_and_maybe_twice() {
    let office = open().await;
    let target = link(" Anna@Example.COM ".trim().to_lowercase().as_str());
    let multipart = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    let since = || office.column("SELECT at FROM mail_suppressions");
    let mut first = Vec::new();
    for (name, click) in [
        ("a form", one_click(&target)),
        ("the same again", one_click(&target)),
        ("in parts", post(&target, "multipart/form-data; boundary=x", multipart)),
        ("with nothing in it", post(&target, FORM, "")),
        ("without a type", ask("POST", &target)),
        ("through the tunnel", one_click(&target).header("X-Forwarded-Proto", "https").header("CF-Ray", "1")),
        ("with what a tracker added", one_click(&format!("{target}?utm_source=mail"))),
    ] {
        assert_eq!(told(&office, &click).await.0, 200, "{name}");
        assert_eq!(suppressed(&office), annas(), "{name}");
        if first.is_empty() {
            first = since();
        }
        assert_eq!(since(), first, "{name}: the first time counts");
    }
    let mut by_name = String::from_utf8(one_click(&link("carl@example.com")).bytes()).unwrap();
    by_name = by_name.replace("Host: desk", "Host: leads.example.com");
    let (status, _, _) = crate::support::exchange(office.intake.unwrap(), by_name.as_bytes()).await.unwrap();
    assert_eq!((status, suppressed(&office).len()), (200, 2), "by the name that the world knows");
}

#[tokio::test]
async fn links_that_are_made_up_lead_nowhere() {
    let office = open().await;
    let good = link(ANNA);
    let (_, _, nothing) = told(&office, &ask("POST", "/nothing/here")).await;
    let (anna, carl) = (hash(ANNA), hash("carl@example.com"));
    let swapped = URL_SAFE_NO_PAD.encode([&carl[..], &code(KEY, "unsubscribe:", &anna)].concat());
    let of_address = URL_SAFE_NO_PAD.encode([&anna[..], &code(KEY, "address:", &anna)].concat());
    let flipped = if good.ends_with('A') { "E" } else { "A" };
    for (name, target) in [
        ("another key's", format!("/u/{}", token("another key", &anna))),
        ("another address under this code", format!("/u/{swapped}")),
        ("a code that was made for something else", format!("/u/{of_address}")),
        ("cut off", good[..good.len() - 1].to_owned()),
        ("changed at the end", format!("{}{flipped}", &good[..good.len() - 1])),
        ("padded", format!("{good}=")),
        ("with a slash", format!("{good}/")),
        ("an address", format!("/u/{ANNA}")),
        ("nothing", "/u/".to_owned()),
        ("no slash", "/u".to_owned()),
        ("under hooks", format!("/hooks{good}")),
    ] {
        for method in ["GET", "POST", "PUT"] {
            let (status, head, body) = told(&office, &ask(method, &target)).await;
            assert_eq!((status, body), (404, nothing.clone()), "{name}, {method}");
            assert!(!head.contains("allow:"), "{name}: {head}");
        }
    }
    assert!(suppressed(&office).is_empty());
    let log = office.log();
    assert!(!log.contains(&swapped) && log.contains("/u/***"), "what is nearly right is not for the log");
}

#[tokio::test]
async fn only_what_a_page_is_for() {
    let office = open().await;
    let target = link(ANNA);
    let (status, head, body) = told(&office, &ask("HEAD", &target)).await;
    assert_eq!((status, body.as_str()), (200, ""));
    assert!(head.contains("content-type: text/html") && head.contains("referrer-policy: no-referrer"), "{head}");
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let (status, head, _) = told(&office, &ask(method, &target)).await;
        assert!(status == 405 && head.contains("allow: get, head, post"), "{method}: {status} {head}");
    }
    assert_eq!(told(&office, &post(&target, "application/json", "{}")).await.0, 415);
    assert_eq!(told(&office, &post(&target, FORM, &"x".repeat(8 * 1024 + 1))).await.0, 413);
    assert!(suppressed(&office).is_empty());
}

#[tokio::test]
async fn what_was_answered_is_kept_through_a_kill() {
    let mut office = office().await;
    for n in 1..=3 {
        office.start().await;
        let address = format!("person{n}@example.com");
        assert_eq!(told(&office, &one_click(&link(&address))).await.0, 200);
        office.kill();
        assert_eq!(suppressed(&office).len(), n);
    }
    let log = office.log();
    assert!(log.contains("somebody unsubscribed") && log.contains(&hex(&hash("person1@example.com"))), "{log}");
    for secret in ["person1@example.com", KEY, &link("person1@example.com")[3..]] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test]
async fn what_can_not_be_stored_is_asked_for_again() {
    let office = open().await;
    let mut breaking = std::process::Command::new("sqlite3");
    breaking.args(["-cmd", ".timeout 10000"]).arg(office.database()).arg("DROP TABLE mail_suppressions");
    let broken = breaking.status().unwrap();
    assert!(broken.success());
    let (status, head, page) = told(&office, &one_click(&link(ANNA))).await;
    assert!(status == 503 && head.contains("retry-after: 30") && head.contains("no-store"), "{status} {head}");
    assert!(page.contains("try again") && page.contains("<form method=\"post\">"), "{page}");
}

#[tokio::test]
async fn where_no_mail_is_sent_there_is_no_page() {
    let office = Office::open().await;
    for method in ["GET", "POST"] {
        assert_eq!(told(&office, &ask(method, &link(ANNA))).await.0, 404, "{method}");
    }
}
