//! The faults as a client sees them, and the holds. Also the plain client the vendors' own tests use.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// What came back.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Asked {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Sends one request and reads until the other side closes.
async fn raw(base: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> std::io::Result<String> {
    let rest = base.strip_prefix("http://").unwrap();
    let (host, prefix) = rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, format!("/{path}")));
    let mut stream = TcpStream::connect(host).await?;
    let mut text = format!("{method} {prefix}{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    stream.write_all(format!("{text}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The same for answers that are whole.
pub(super) async fn ask(base: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Asked {
    let text = raw(base, method, path, headers, body).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Asked { status, head: head.to_lowercase(), body: body.to_owned() }
}

/// A vendor that counts.
#[derive(Debug, Default)]
struct Counter(u32);

impl Site for Counter {
    const PREFIX: &'static str = "/api";

    fn serve(&mut self, _: &Seen) -> Answer {
        self.0 = self.0.saturating_add(1);
        Answer::new(200, json!({ "count": self.0 }))
    }

    fn error(&self, status: u16) -> Value {
        json!({ "error": status })
    }

    fn stamp(&self, _: &Seen) -> Vec<(&'static str, String)> {
        vec![("x-count", self.0.to_string())]
    }

    fn misbehaviour(&self) -> Fault {
        Fault::status(500)
    }
}

async fn get(sim: &Sim<Counter>) -> std::io::Result<String> {
    raw(&sim.base_url(), "POST", "/count", &[], "body").await
}

#[tokio::test]
async fn each_fault_is_what_it_says_and_only_applied_ones_reach_the_vendor() {
    let reset = std::io::ErrorKind::ConnectionReset;
    for (name, fault, want, applied) in [
        ("ok", Fault::ok(), Ok("HTTP/1.1 200"), 1),
        ("late", Fault::ok().after(Duration::from_millis(5)), Ok("HTTP/1.1 200"), 1),
        ("status", Fault::status(503), Ok("HTTP/1.1 503"), 0),
        ("status, applied", Fault::status(503).applied(), Ok("HTTP/1.1 503"), 1),
        ("throttled", Fault::throttled(Some("7")), Ok("retry-after: 7"), 0),
        ("throttled without a time", Fault::throttled(None), Ok("HTTP/1.1 429"), 0),
        ("reset before the body", Fault::reset_before_body(), Err(reset), 0),
        ("reset", Fault::reset(), Err(reset), 0),
        ("reset, applied", Fault::reset().applied(), Err(reset), 1),
        ("close", Fault::close(), Ok(""), 0),
        ("reset in the answer", Fault::reset_in_answer().applied(), Err(reset), 1),
        ("close in the answer", Fault::close_in_answer().applied(), Ok("content-length: 11"), 1),
        ("garbage", Fault::garbage(), Ok("\u{15}"), 0),
        ("html", Fault::html(), Ok("<!doctype html>"), 0),
        ("half the JSON", Fault::half_json().applied(), Ok("content-length: 5"), 1),
        ("redirect", Fault::redirect("http://127.0.0.1:9/"), Ok("location: http://127.0.0.1:9/"), 0),
    ] {
        let sim = Sim::spawn(Counter::default()).await.unwrap();
        sim.script([fault]);
        let got = get(&sim).await.map_err(|error| error.kind());
        match (want, &got) {
            (Ok(part), Ok(text)) => assert!(text.contains(part), "{name}: {text:?}"),
            (Err(kind), Err(got)) => assert_eq!(kind, *got, "{name}"),
            (want, got) => panic!("{name}: wanted {want:?}, got {got:?}"),
        }
        assert_eq!(sim.site().0, applied, "{name}");
        assert_eq!(sim.requests().len(), 1, "{name}");
        assert!(get(&sim).await.unwrap().starts_with("HTTP/1.1 200"), "{name}: used up");
    }
}

#[tokio::test]
async fn a_huge_answer_never_ends_early() {
    let sim = Sim::spawn(Counter::default()).await.unwrap();
    sim.script([Fault::huge(3 << 20)]);
    assert!(get(&sim).await.unwrap().len() > 3 << 20);
}

#[tokio::test]
async fn faults_wait_for_the_request_they_are_meant_for() {
    let sim = Sim::spawn(Counter::default()).await.unwrap();
    sim.script([Fault::status(500).on(Match::to("POST", "/notes").body("urgent")), Fault::status(429).forever()]);
    let post = async |path, body| ask(&sim.base_url(), "POST", path, &[], body).await.status;
    assert_eq!(post("/notes", "calm").await, 429);
    assert_eq!(post("/notes", "urgent").await, 500);
    assert_eq!(post("/notes", "urgent").await, 429);
    sim.heal();
    assert_eq!(post("/notes", "urgent").await, 200);
}

#[tokio::test]
async fn a_hang_ends_with_the_client() {
    let sim = Sim::spawn(Counter::default()).await.unwrap();
    sim.script([Fault::hang()]);
    assert!(tokio::time::timeout(Duration::from_millis(20), get(&sim)).await.is_err());
    assert!(get(&sim).await.is_ok());
}

#[tokio::test]
async fn a_held_request_waits_exactly_there() {
    for (moment, applied) in [(Moment::Head, 0), (Moment::Arrived, 0), (Moment::Applied, 1), (Moment::InAnswer, 1)] {
        let sim = Sim::spawn(Counter::default()).await.unwrap();
        let mut held = sim.hold(moment, Match::any());
        let base = sim.base_url();
        let client = tokio::spawn(async move { raw(&base, "POST", "/count", &[], "body").await });
        let seen = held.reached().await.unwrap();
        assert_eq!(seen.body.is_empty(), moment == Moment::Head, "{moment:?}");
        assert_eq!(sim.site().0, applied, "{moment:?}");
        assert!(!client.is_finished());
        held.release();
        assert!(client.await.unwrap().unwrap().ends_with(r#"{"count":1}"#), "{moment:?}");
    }
}

#[tokio::test]
async fn what_a_dead_client_asked_for_is_done_unless_it_is_lost() {
    for (moment, abandoned, want) in
        [(Moment::Arrived, false, 1), (Moment::Arrived, true, 0), (Moment::Applied, true, 1)]
    {
        let sim = Sim::spawn(Counter::default()).await.unwrap();
        let mut held = sim.hold(moment, Match::any());
        let base = sim.base_url();
        let client = tokio::spawn(async move { raw(&base, "POST", "/count", &[], "body").await });
        held.reached().await.unwrap();
        client.abort();
        assert!(client.await.is_err());
        let mut done = sim.hold(Moment::Applied, Match::any());
        if abandoned {
            held.abandon();
        } else {
            held.release();
            done.reached().await.unwrap();
        }
        assert_eq!(sim.site().0, want, "{moment:?}, abandoned: {abandoned}");
    }
}

#[tokio::test]
async fn a_vendor_can_go_away_and_come_back() {
    let sim = Sim::spawn(Counter::default()).await.unwrap();
    sim.down();
    tokio::task::yield_now().await;
    assert_eq!(get(&sim).await.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    sim.up().await.unwrap();
    assert!(get(&sim).await.is_ok());
    sim.misbehave();
    assert!(get(&sim).await.unwrap().starts_with("HTTP/1.1 500"));
    let stray = raw(&sim.base_url().replace("/api", ""), "GET", "/elsewhere", &[], "").await.unwrap();
    assert!(stray.starts_with("HTTP/1.1 500"));
}
