//! What Twilio posts by itself, through the real binary: replies are kept once, forged ones are not, and what became of a
//! text is known without asking.
//!
//! The simulated Twilio signs; the desk finds out by itself where the callbacks are to go.

use std::time::Duration;

use nightdesk::demo::sim::Posting;
use serde_json::json;

use crate::support::{Office, PUBLIC_URL, Post};

/// Twilio alone, which is not asked before a test has ended.
const ALONE: &str =
    "[sms]\nchannels = [\"twilio\"]\n[outbox]\nretry-base = \"30s\"\nretry-cap = \"30s\"\nnote-after = \"1s\"";
const ON_CALL: &str = "+15551230001";
const OURS: &str = "+15557122661";
const SILENCE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>";

/// The request as it comes out of the tunnel.
fn post(posting: &Posting) -> Post {
    let target = posting.url.strip_prefix(PUBLIC_URL).expect("an address of ours");
    let mut post = Post::plain(target, posting.form.clone());
    post.headers = vec![("Content-Type".to_owned(), "application/x-www-form-urlencoded; charset=UTF-8".to_owned())];
    post.header("X-Twilio-Signature", &posting.signature)
}

async fn open(more: &str) -> Office {
    let mut office = Office::new(more).await;
    office.start().await;
    office
}

fn texts_in(office: &Office) -> Vec<Vec<String>> {
    office.lines("SELECT modem, number, text, state, answerable FROM v_inbound ORDER BY id")
}

#[tokio::test]
async fn a_reply_is_kept_once_and_a_forged_one_never() {
    let office = open(ALONE).await;
    let url = format!("{PUBLIC_URL}/hooks/twilio/sms");
    let reply = office.twilio.reply(&url, 1, ON_CALL, OURS, "K7 Grüße & danke");
    let other = Posting { form: reply.form.replace("K7", "K8"), ..reply.clone() };
    let elsewhere = Posting { url: format!("{PUBLIC_URL}/hooks/twilio/status"), ..reply.clone() };
    let unsigned = Post { headers: Vec::new(), ..post(&reply) };
    for (name, forged) in
        [("another body", post(&other)), ("another place", post(&elsewhere)), ("no signature", unsigned)]
    {
        assert_eq!(office.post(&forged).await.0, 403, "{name}");
    }
    assert_eq!(texts_in(&office), Vec::<Vec<String>>::new(), "a forged one is not kept");
    assert_eq!(office.column("SELECT count(*) FROM quarantine WHERE source = 'twilio'"), ["3"]);

    for time in ["first", "again"] {
        let (status, head, body) = office.exchange(&post(&reply)).await;
        assert_eq!((status, String::from_utf8(body).unwrap().as_str()), (200, SILENCE), "{time}");
        assert!(head.to_lowercase().contains("content-type: text/xml"), "{head}");
        assert_eq!(texts_in(&office), [["twilio", ON_CALL, "K7 Grüße & danke", "whole", "1"]], "{time}");
    }
    let same_words = office.twilio.reply(&url, 2, ON_CALL, OURS, "K7 Grüße & danke");
    assert_eq!(office.post(&post(&same_words)).await.0, 200);
    assert_eq!(texts_in(&office).len(), 2, "it was sent twice");
    for place in ["/hooks/twilio", "/hooks/twilio/", "/hooks/twilio/other", "/hooks/twilio/sms/1"] {
        assert_eq!(office.post(&Post { target: place.to_owned(), ..post(&reply) }).await.0, 404, "{place}");
    }
}

#[tokio::test]
async fn what_became_of_a_text_is_known_without_asking() {
    let office = open(ALONE).await;
    let lead = json!({ "message": "We need 50 units by tomorrow, budget is 20k", "email": "anna@example.com" });
    assert_eq!(office.post(&Post::website(&lead)).await.0, 202);
    let state = |wanted: &'static str| {
        let office = &office;
        async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(20));
            let known = || office.column("SELECT state FROM sms_messages");
            for _ in 0..1_000 {
                ticks.tick().await;
                if known() == [wanted] {
                    return;
                }
            }
            panic!("the text is {:?}, not {wanted}\n{}", known(), office.log());
        }
    };
    state("submitted").await;
    let mut message = office.twilio.messages().remove(0);
    assert_eq!(message.callback, Some(format!("{PUBLIC_URL}/hooks/twilio/status")));
    let says = |message, status: &str, code| post(&office.twilio.callback(message, status, code).unwrap());
    for (status, code, want) in [
        ("sent", None, "submitted"),
        ("delivered", None, "delivered"),
        ("undelivered", Some(30003), "delivered"),
        ("sent", None, "delivered"),
    ] {
        assert_eq!(office.post(&says(&message, status, code)).await.0, 200, "{status}");
        assert_eq!(office.column("SELECT state FROM sms_messages"), [want], "{status}");
    }
    office.until_settled(1).await;
    assert_eq!(office.column("SELECT state FROM jobs WHERE kind = 'sms_status'"), ["cancelled"], "nobody asked");
    assert!(office.twilio.requests().iter().all(|seen| seen.method == "POST"), "nobody asked");

    message.sid = format!("SM{}", "9".repeat(32));
    let stranger = office.twilio.callback(&message, "delivered", None).unwrap();
    assert_eq!(office.post(&post(&stranger)).await.0, 200, "a text that nobody knows");
    assert_eq!(office.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn an_api_key_proves_nothing_without_the_auth_token() {
    let key = "[twilio]\nuser = \"SK0123456789abcdef0123456789abcdef\"";
    for (name, more, want) in [
        ("the key alone", key.to_owned(), 404),
        ("with the token", format!("{key}\nwebhook-token = {{ file = \"OFFICE/twilio-token\" }}"), 200),
    ] {
        let mut office = Office::new("").await;
        office.configure(&more.replace("OFFICE", &office.path().display().to_string()));
        let checked = office.command(&["check", "--static"]).output().unwrap();
        let told = String::from_utf8(checked.stdout).unwrap();
        assert_eq!(told.contains("twilio.webhook-token: not set"), want == 404, "{name}: {told}");
        office.start().await;
        let reply = office.twilio.reply(&format!("{PUBLIC_URL}/hooks/twilio/sms"), 1, ON_CALL, OURS, "K7");
        assert_eq!(office.post(&post(&reply)).await.0, want, "{name}");
        assert_eq!(texts_in(&office).len(), usize::from(want == 200), "{name}");
    }
}
