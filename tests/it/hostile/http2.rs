//! Floods and bombs of HTTP/2, written as frames (RFC 9113, clause 4.1): rapid reset (CVE-2023-44487), CONTINUATION
//! (CVE-2024-27316), pings, settings, streams beyond the limit, and headers that grow when they are unpacked.

use std::sync::Arc;

use rustls::ClientConfig;
use serde_json::json;

use super::tls::secured;
use super::told;
use crate::support::tls::Authority;
use crate::support::{Office, Post, WEBSITE_SECRET, tls};

const H2: &[&[u8]] = &[b"h2"];
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A POST to the website's source, in literals of HPACK (RFC 7541).
fn head() -> Vec<u8> {
    let literal = |index: u8, value: &str| [&[index, u8::try_from(value.len()).unwrap()], value.as_bytes()].concat();
    [vec![0x83, 0x87], literal(0x04, "/hooks/website"), literal(0x01, "desk.test")].concat()
}

/// So many streams, each with these frames.
fn streams(count: u32, frames: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    (0..count).flat_map(|nth| frames(2 * nth + 1)).collect()
}

fn attacks() -> Vec<(&'static str, Vec<u8>)> {
    let (open, whole) = (head(), END_HEADERS | END_STREAM);
    let cancel = 8_u32.to_be_bytes();
    let reset =
        |flags: u8| streams(5_000, |id| [frame(HEADERS, flags, id, &open), frame(RST_STREAM, 0, id, &cancel)].concat());
    let kilobyte = [&[0x00, 1, b'x', 0x7f, 0x81, 0x07], vec![b'a'; 1_024].as_slice()].concat();
    let bomb = {
        let stored = [&[0x40, 1, b'x', 0x7f, 0xb9, 0x16], vec![b'a'; 3_000].as_slice()].concat();
        [open.clone(), stored, vec![0xbe; 10_000]].concat()
    };
    let no_window = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    vec![
        ("nothing", Vec::new()),
        ("resets of open requests", reset(END_HEADERS)),
        ("resets of whole requests", reset(whole)),
        (
            "a head without an end",
            [frame(HEADERS, 0, 1, &open), frame(CONTINUATION, 0, 1, &kilobyte).repeat(20_000)].concat(),
        ),
        ("a head of nothing", [frame(HEADERS, 0, 1, &open), frame(CONTINUATION, 0, 1, &[]).repeat(100_000)].concat()),
        ("half a head", frame(HEADERS, 0, 1, &open)),
        ("half a frame", frame(HEADERS, END_HEADERS, 1, &open)[..12].to_vec()),
        ("1,000 open requests", streams(1_000, |id| frame(HEADERS, END_HEADERS, id, &open))),
        ("1,000 whole requests", streams(1_000, |id| frame(HEADERS, whole, id, &open))),
        ("headers that unpack to 30 MiB", frame(HEADERS, whole, 1, &bomb)),
        ("no room for an answer", [no_window, streams(16, |id| frame(HEADERS, whole, id, &open))].concat()),
        ("100,000 pings", frame(PING, 0, 0, &[7; 8]).repeat(100_000)),
        ("100,000 settings", frame(SETTINGS, 0, 0, &[]).repeat(100_000)),
        (
            "100,000 empty pieces of a body",
            [frame(HEADERS, END_HEADERS, 1, &open), frame(DATA, 0, 1, &[]).repeat(100_000)].concat(),
        ),
        ("a window beyond all", frame(WINDOW_UPDATE, 0, 0, &0x7fff_ffff_u32.to_be_bytes())),
        ("a window of nothing", frame(WINDOW_UPDATE, 0, 0, &[0; 4])),
        ("a frame of 16 MiB", [&[0xff, 0xff, 0xff, DATA, 0, 0, 0, 0, 1], vec![0; 1 << 20].as_slice()].concat()),
        ("a push", frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2])),
        ("a stream of the server's", frame(HEADERS, whole, 2, &open)),
        ("headers that can't be unpacked", frame(HEADERS, whole, 1, &[0xff; 64])),
        ("headers without a method", frame(HEADERS, whole, 1, &[0x87, 0x84])),
        ("HTTP/1.1", Post::website(&json!({ "message": "in another protocol" })).bytes()),
    ]
}

/// The status of a lead over HTTP/2.
async fn lead(office: &Office, client: &Arc<ClientConfig>, words: &str) -> u16 {
    let stream = tls::connect(office.intake.unwrap(), Arc::clone(client)).await.unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    let driver = tokio::spawn(connection);
    let request = http_request();
    let (answer, mut body) = sender.ready().await.unwrap().send_request(request, false).unwrap();
    body.send_data(json!({ "message": words }).to_string().into(), true).unwrap();
    let status = answer.await.unwrap().status().as_u16();
    driver.abort();
    status
}

fn http_request() -> hyper::Request<()> {
    hyper::Request::post("https://desk.test/hooks/website")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {WEBSITE_SECRET}"))
        .body(())
        .unwrap()
}

#[tokio::test]
async fn each_flood_ends_and_the_next_lead_is_accepted() {
    let authority = Authority::new("the desk's");
    let office = secured(&authority.issue(30), None).await;
    let client = authority.client(H2, None);
    let preface = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, &[])].concat();
    for (name, frames) in attacks() {
        let mut stream = tls::connect(office.intake.unwrap(), Arc::clone(&client)).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        told(name, &mut stream, &[preface.clone(), frames].concat()).await;
        assert_eq!(lead(&office, &client, &format!("after {name}")).await, 202, "{name}");
        assert!(!office.log().contains("panicked at"), "{name}:\n{}", office.log());
    }
    assert_eq!(office.column("SELECT count(*) FROM inbox WHERE body LIKE '%another protocol%'"), ["0"]);
}

/// Many requests at once in one connection, and bodies that are too slow or too large are told so.
#[tokio::test]
async fn requests_share_a_connection() {
    let authority = Authority::new("the desk's");
    let office = secured(&authority.issue(30), None).await;
    let stream = tls::connect(office.intake.unwrap(), authority.client(H2, None)).await.unwrap();
    let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
    let driver = tokio::spawn(connection);
    let mut answers = Vec::new();
    for (words, whole, want) in [("one", true, 202), ("two", true, 202), ("half", false, 408), ("three", true, 202)] {
        sender = sender.ready().await.unwrap();
        let (answer, mut body) = sender.send_request(http_request(), false).unwrap();
        body.send_data(json!({ "message": words }).to_string().into(), whole).unwrap();
        answers.push((words, answer, body, want));
    }
    for (words, answer, _body, want) in answers {
        assert_eq!(answer.await.unwrap().status().as_u16(), want, "{words}");
    }
    driver.abort();
}
