//! Peers that mean harm, against the real binary: each gets a defined 4xx or a closed connection, never a 5xx but 503,
//! never a panic, never for ever, and the next real lead is accepted at once.
//!
//! `slow` drags things out, `crowd` takes the seats, `heads`, `framing` and `bodies` send what nobody should, `http2`
//! and `tls` do so below HTTP/1.1, `flood` forges.

mod bodies;
mod crowd;
mod flood;
mod framing;
mod heads;
mod http2;
mod slow;
mod tls;

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Office, Post};

/// Far beyond every deadline of [`IMPATIENT`]: what takes longer hangs.
const HANGS: Duration = Duration::from_secs(30);

/// A desk that waits half a second for a request and a second and a half for the next.
const IMPATIENT: &str = "[server]\nread-timeout = \"500ms\"\nidle-timeout = \"1500ms\"";

async fn office(more: &str) -> Office {
    let mut office = Office::new(more).await;
    office.start().await;
    office
}

async fn connect(office: &Office) -> TcpStream {
    TcpStream::connect(office.intake.unwrap()).await.unwrap()
}

/// All a peer hears after these bytes, until the desk closes the connection.
async fn told<S: AsyncRead + AsyncWrite + Unpin>(name: &str, stream: &mut S, bytes: &[u8]) -> Vec<u8> {
    let talk = async {
        // The desk may have seen enough before all is written.
        let _cut_off = stream.write_all(bytes).await;
        let _cut_off = stream.flush().await;
        heard(stream).await
    };
    timeout(HANGS, talk).await.unwrap_or_else(|_| panic!("{name}: the connection is not closed"))
}

/// All that comes until the end, however the end comes.
async fn heard<S: AsyncRead + Unpin>(stream: &mut S) -> Vec<u8> {
    let mut heard = Vec::new();
    let _reset = stream.read_to_end(&mut heard).await;
    heard
}

/// The statuses of the answers of HTTP/1.1 in there.
fn statuses(answers: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(answers);
    text.split("HTTP/1.1 ").skip(1).map(|answer| answer.get(..3).unwrap().parse().unwrap()).collect()
}

/// A request of the website's, up to the headers that frame its body.
fn begun(target: &str) -> String {
    let post = String::from_utf8(Post { target: target.to_owned(), ..Post::website(&json!({})) }.bytes()).unwrap();
    post.split("Content-Length").next().unwrap().to_owned()
}

/// The desk is as good as before, and nothing in it has panicked.
async fn next_lead_is_accepted(office: &Office, after: &str) {
    let lead = Post::website(&json!({ "message": format!("How much is a tent, after {after}?") }));
    let (status, answer) = office.post(&lead).await;
    assert_eq!(status, 202, "after {after}: {answer}");
    assert!(!office.log().contains("panicked at"), "after {after}:\n{}", office.log());
}
