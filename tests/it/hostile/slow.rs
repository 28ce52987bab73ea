//! Peers that drag their feet at each step of a request. Deadlines are the desk's, half a second and one and a half.

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::time::{Duration, Instant, interval};

use super::{HANGS, IMPATIENT, connect, heard, next_lead_is_accepted, office, statuses, told};
use crate::support::{Office, Post};

#[tokio::test]
async fn who_stops_half_way_is_told_and_let_go() {
    let office = office(IMPATIENT).await;
    let whole = Post::website(&json!({ "message": "How much is a tent?" })).bytes();
    let head = whole.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    for (name, sent, want) in [
        ("nothing", 0, None),
        ("one byte", 1, Some(408)),
        ("half a request line", 10, Some(408)),
        ("a request line", 30, Some(408)),
        ("half its headers", head / 2, Some(408)),
        ("all but the last byte of its head", head - 1, Some(408)),
        ("its head", head, Some(408)),
        ("half its body", usize::midpoint(head, whole.len()), Some(408)),
        ("all but the last byte", whole.len() - 1, Some(408)),
    ] {
        let answer = told(name, &mut connect(&office).await, &whole[..sent]).await;
        assert_eq!(statuses(&answer), want.into_iter().collect::<Vec<u16>>(), "{name}");
        next_lead_is_accepted(&office, name).await;
    }
}

/// A byte now and then keeps nothing open: the deadline is for the whole.
#[tokio::test]
async fn who_drips_is_told_and_let_go() {
    let office = office(IMPATIENT).await;
    let whole = Post::plain("/hooks/website", vec![b' '; 10_000]).bytes();
    let body_at = whole.len() - 10_000;
    for (name, at_once, drops) in [
        ("a request line", 0, &b"POST /hooks/website?"[..]),
        ("a header", body_at - 4, b"\r\nX-Drip: "),
        ("a body", body_at, b"{"),
    ] {
        let (mut from_desk, mut to_desk) = connect(&office).await.into_split();
        let begun = Instant::now();
        to_desk.write_all(&whole[..at_once]).await.unwrap();
        to_desk.write_all(drops).await.unwrap();
        let dripping = tokio::spawn(async move {
            let mut ticks = interval(Duration::from_millis(20));
            while to_desk.write_all(b"a").await.is_ok() {
                ticks.tick().await;
            }
        });
        let answer = heard(&mut from_desk).await;
        assert_eq!(statuses(&answer), [408], "{name}");
        assert!(begun.elapsed() < HANGS, "{name}");
        dripping.abort();
        next_lead_is_accepted(&office, name).await;
    }
}

/// Who sends and sends and never reads an answer fills the socket, and is closed.
#[tokio::test]
async fn who_never_reads_is_let_go() {
    let office = office(IMPATIENT).await;
    let stream = connect(&office).await;
    let (_never_read, mut say) = stream.into_split();
    let requests = "GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1_000);
    let sending = async { while say.write_all(requests.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(HANGS, sending).await.expect("the desk closes the connection");
    next_lead_is_accepted(&office, "one who never reads").await;
}

/// A rest between requests is longer than a request may take, and ends as well.
#[tokio::test]
async fn who_rests_too_long_is_let_go() {
    let office: Office = office(IMPATIENT).await;
    let mut stream = connect(&office).await;
    let begun = Instant::now();
    let answers = told("a rest", &mut stream, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(statuses(&answers), [404]);
    assert!(begun.elapsed() >= Duration::from_millis(1_400), "{:?}", begun.elapsed());
    next_lead_is_accepted(&office, "a rest").await;
}
