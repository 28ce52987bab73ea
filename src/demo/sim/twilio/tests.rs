//! What Twilio refuses, and what its list shows.

use super::super::http::Sim;
use super::super::tests::{Asked, ask};
use super::*;

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const PATH: &str = "/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json";

async fn sim() -> Sim<Twilio> {
    Sim::spawn(Twilio::new(ACCOUNT, "token").refusing("+15550001610", 21610)).await.unwrap()
}

async fn call(sim: &Sim<Twilio>, method: &str, path: &str, form: &str) -> Asked {
    let user = basic(ACCOUNT, "token");
    let headers = [("authorization", user.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    ask(&sim.base_url(), method, path, &headers, form).await
}

#[tokio::test]
async fn a_good_message_is_taken_and_listed() {
    let sim = sim().await;
    let got = call(&sim, "POST", PATH, "To=%2B15551230001&From=%2B15557122661&Body=K7+urgent&ValidityPeriod=600").await;
    assert_eq!((got.status, got.json()["status"].as_str()), (201, Some("queued")));
    let message = sim.messages().remove(0);
    assert_eq!((message.to.as_str(), message.body.as_str(), message.segments), ("+15551230001", "K7 urgent", 1));
    assert_eq!(got.json()["sid"], message.sid);
    let today = Timestamp::now().to_string().split('T').next().unwrap().to_owned();
    for (query, want) in [
        (format!("?To=%2B15551230001&DateSent%3E={today}"), 1),
        (format!("?To=%2B15551230001&DateSent%3E={}", message.at), 1),
        ("?DateSent%3E=2999-01-01".to_owned(), 0),
        ("?DateSent%3C=2000-01-01".to_owned(), 0),
        (format!("?DateSent={today}"), 1),
        ("?To=%2B15559999999".to_owned(), 0),
    ] {
        let list = call(&sim, "GET", &format!("{PATH}{query}"), "").await;
        assert_eq!(list.json()["messages"].as_array().unwrap().len(), want, "{query}");
    }
    sim.keep_queued(true);
    let list = call(&sim, "GET", &format!("{PATH}?DateSent%3E={today}"), "").await;
    assert!(list.json()["messages"].as_array().unwrap().is_empty(), "a queued message has no sending date");
    assert!(sim.violations().is_empty());
}

#[tokio::test]
async fn pages_lead_to_the_end() {
    let sim = sim().await;
    for n in 0..5 {
        call(&sim, "POST", PATH, &format!("To=%2B15551230001&From=%2B15557122661&Body=n{n}")).await;
    }
    let mut path = format!("{PATH}?To=%2B15551230001&PageSize=2");
    let mut bodies = Vec::new();
    loop {
        let page = call(&sim, "GET", &path, "").await.json();
        bodies.extend(page["messages"].as_array().unwrap().iter().map(|m| m["body"].as_str().unwrap().to_owned()));
        match page["next_page_uri"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(bodies, ["n4", "n3", "n2", "n1", "n0"]);
}

#[tokio::test]
async fn client_mistakes_are_refused_and_remembered() {
    let long = format!("To=%2B15551230001&From=%2B15557122661&Body={}", "a".repeat(1601));
    for (name, form, code) in [
        ("no To", "From=%2B15557122661&Body=hi", 21604),
        ("no sender", "To=%2B15551230001&Body=hi", 21603),
        ("no Body", "To=%2B15551230001&From=%2B15557122661", 21602),
        ("empty Body", "To=%2B15551230001&From=%2B15557122661&Body=", 21602),
        ("long Body", long.as_str(), 21617),
        ("To without plus", "To=15551230001&From=%2B15557122661&Body=hi", 21211),
        ("bare plus is a blank", "To=+15551230001&From=%2B15557122661&Body=hi", 21211),
        ("From is noise", "To=%2B15551230001&From=%2B0&Body=hi", 21212),
        ("unknown parameter", "To=%2B15551230001&From=%2B15557122661&Body=hi&Lead=7", 20001),
        ("validity out of range", "To=%2B15551230001&From=%2B15557122661&Body=hi&ValidityPeriod=36001", 20001),
        ("service is no MG", "To=%2B15551230001&MessagingServiceSid=XX1&Body=hi", 20001),
        ("a callback that is no address", "To=%2B15551230001&From=%2B15557122661&Body=hi&StatusCallback=x", 20001),
        (
            "a callback to nowhere",
            "To=%2B15551230001&From=%2B15557122661&Body=hi&StatusCallback=http://127.0.0.1/x",
            21609,
        ),
        (
            "a callback into a house",
            "To=%2B15551230001&From=%2B15557122661&Body=hi&StatusCallback=http://pi:8787/",
            21609,
        ),
        ("Body twice", "To=%2B15551230001&From=%2B15557122661&Body=a&Body=b", 20001),
    ] {
        let sim = sim().await;
        let got = call(&sim, "POST", PATH, form).await;
        assert_eq!((got.status, got.json()["code"].as_u64()), (400, Some(code)), "{name}");
        assert_eq!((sim.violations().len(), sim.messages().len()), (1, 0), "{name}");
    }
}

#[tokio::test]
async fn the_world_may_refuse_a_good_request() {
    let sim = sim().await;
    let form = "To=%2B15550001610&From=%2B15557122661&Body=hi";
    assert_eq!(call(&sim, "POST", PATH, form).await.json()["code"], 21610);
    sim.refuse("+15550001610", 20429);
    assert_eq!(call(&sim, "POST", PATH, form).await.status, 429);
    let stranger = basic(ACCOUNT, "wrong");
    assert_eq!(ask(&sim.base_url(), "POST", PATH, &[("authorization", &stranger)], form).await.json()["code"], 20003);
    assert!(sim.violations().is_empty());
    sim.misbehave();
    assert_eq!((call(&sim, "POST", PATH, form).await.status, call(&sim, "GET", PATH, "").await.status), (500, 500));
}

#[tokio::test]
async fn a_message_moves_on_while_it_is_asked_after() {
    let sim = sim().await;
    sim.deliver_after(3);
    sim.lose("+15559999999", 30003);
    for (to, last, code) in [("15551230001", "delivered", None), ("15559999999", "undelivered", Some(30003))] {
        let form = format!("To=%2B{to}&From=%2B15557122661&Body=hi");
        let sid = call(&sim, "POST", PATH, &form).await.json()["sid"].as_str().unwrap().to_owned();
        let path = PATH.replace(".json", &format!("/{sid}.json"));
        for want in ["queued", "sending", "sent", last, last] {
            let got = call(&sim, "GET", &path, "").await.json();
            assert_eq!(got["status"], want, "{to}");
            assert_eq!(got["error_code"].as_u64(), code.filter(|_| want == last), "{to}, {want}");
        }
    }
    assert!(sim.violations().is_empty());
    let sid = &sim.messages()[0].sid;
    for (path, mistakes) in [
        (PATH.replace(".json", "/SMffff.json"), 0),
        (PATH.replace(".json", &format!("/{sid}")), 1),
        (PATH.replace(".json", &format!("/{sid}.json?Page=1")), 2),
    ] {
        assert!(call(&sim, "GET", &path, "").await.status >= 400, "{path}");
        assert_eq!(sim.violations().len(), mistakes, "{path}");
    }
}

#[tokio::test]
async fn a_call_is_taken_or_its_mistake_remembered() {
    let path = PATH.replace("Messages", "Calls");
    let say = "Twiml=%3CResponse%3E%3CSay%3EK%207%20%26amp%3B%3C%2FSay%3E%3C%2FResponse%3E";
    let sim = sim().await;
    let good = format!("To=%2B15551230001&From=%2B15557122661&Timeout=20&{say}");
    let got = call(&sim, "POST", &path, &good).await;
    assert_eq!((got.status, got.json()["status"].as_str()), (201, Some("queued")));
    let called = sim.calls().remove(0);
    assert_eq!((called.words.as_str(), called.timeout, called.to.as_str()), ("K 7 &", 20, "+15551230001"));
    assert_eq!(got.json()["sid"], called.sid);
    sim.refuse_calls("+15550001610", 21219);
    let refused = good.replace("15551230001", "15550001610");
    assert_eq!(call(&sim, "POST", &path, &refused).await.json()["code"], 21219);
    assert!(sim.violations().is_empty());
    for (nth, (name, form, code)) in [
        ("a name can't call", good.replace("%2B15557122661", "NIGHTDESK"), 21212),
        ("no To", good.replace("To=%2B15551230001&", ""), 21211),
        ("for ever", good.replace("Timeout=20", "Timeout=601"), 20001),
        ("nothing to say", good.replace(say, ""), 20001),
        ("half of it", good.replace("%3C%2FSay%3E", ""), 20001),
        ("markup in it", good.replace("K%207", "%3CDial%3E"), 20001),
        ("a bare ampersand", good.replace("%26amp%3B", "%26"), 20001),
        ("a stranger", format!("{good}&Body=x"), 20001),
        ("twice", format!("{good}&Timeout=20"), 20001),
    ]
    .into_iter()
    .enumerate()
    {
        let got = call(&sim, "POST", &path, &form).await;
        assert_eq!(got.json()["code"], code, "{name}");
        assert_eq!((sim.violations().len(), sim.calls().len()), (nth + 1, 1), "{name}");
    }
}
