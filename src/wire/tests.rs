//! The client against peers that misbehave: each is a few lines of raw TCP on port 0.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::model::Fault;

/// Long enough for a busy test machine; only the hanging peer uses it up, with a shorter one.
const WITHIN: Duration = Duration::from_secs(20);

/// A peer that treats every connection with `treat`, given the whole request.
pub(crate) async fn peer<F, T>(treat: F) -> SocketAddr
where
    F: Fn(TcpStream, String) -> T + Send + Sync + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let request = read_request(&mut stream).await;
            tokio::spawn(treat(stream, request));
        }
    });
    address
}

async fn read_request(stream: &mut TcpStream) -> String {
    let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let n = stream.read(&mut buffer).await.unwrap_or(0);
        seen.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&seen).into_owned();
        let length =
            text.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
        if n == 0 || text.split_once("\r\n\r\n").is_some_and(|(_, body)| body.len() >= length) {
            return text;
        }
    }
}

pub(crate) fn reset(stream: &TcpStream) {
    stream.set_zero_linger().unwrap(); // close sends RST
}

async fn call(address: SocketAddr) -> Result<Answer, WireError> {
    Wire::new().send(&Call::post(format!("http://{address}/x")).form("a=1".to_owned()), WITHIN).await
}

#[tokio::test]
async fn a_failure_says_how_far_the_request_got() {
    let refused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let no_answer = peer(|stream, _| async move { reset(&stream) }).await;
    let in_the_body = peer(|mut stream, _| async move {
        stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
        reset(&stream);
    })
    .await;
    let truncated = peer(|mut stream, _| async move {
        stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 10\r\n\r\nhalf").await.unwrap();
    })
    .await;
    let garbage = peer(|mut stream, _| async move { stream.write_all(b"220 smtp ready\r\n").await.unwrap() }).await;
    for (name, address, leg, once, again) in [
        ("refused", refused, Leg::NotSent, Fault::Transient, Fault::Transient),
        ("reset before the answer", no_answer, Leg::MaybeSent, Fault::Unknown, Fault::Transient),
        ("reset in the body", in_the_body, Leg::MaybeSent, Fault::Unknown, Fault::Transient),
        ("closed in the body", truncated, Leg::MaybeSent, Fault::Unknown, Fault::Transient),
        ("not HTTP", garbage, Leg::MaybeSent, Fault::Unknown, Fault::Transient),
    ] {
        let error = call(address).await.unwrap_err();
        assert_eq!((error.leg, error.fault()), (leg, once), "{name}: {error}");
        assert_eq!(WireError { repeatable: true, ..error }.fault(), again, "{name}");
    }
}

#[tokio::test]
async fn a_failed_handshake_left_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let error = Wire::new().send(&Call::post(format!("https://{address}/")), WITHIN).await.unwrap_err();
    assert_eq!((error.leg, error.fault()), (Leg::NotSent, Fault::Transient), "{error}");
}

#[tokio::test]
async fn a_peer_that_hangs_is_left_at_the_deadline() {
    let address = peer(|stream, _| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let post = Call::post(format!("http://{address}/"));
    let error = Wire::new().send(&post, Duration::from_millis(200)).await.unwrap_err();
    assert_eq!((error.leg, error.fault()), (Leg::MaybeSent, Fault::Unknown));
    assert!(error.latency >= Duration::from_millis(200) && error.latency < WITHIN, "{:?}", error.latency);
}

#[tokio::test]
async fn a_huge_body_is_not_read_to_its_end() {
    let (gone, mut heard) = tokio::sync::mpsc::channel(1);
    let address = peer(move |mut stream, _| {
        let gone = gone.clone();
        async move {
            let block = vec![b'x'; 1 << 16];
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n").await.unwrap();
            let mut written = 0_usize;
            while written < 104_857_600 && stream.write_all(&block).await.is_ok() {
                written += block.len();
            }
            gone.send(written).await.unwrap();
        }
    })
    .await;
    let answer = call(address).await.unwrap();
    assert_eq!((answer.status, answer.truncated, answer.body.len()), (200, true, MAX_BODY));
    assert!(heard.recv().await.unwrap() < 100 << 20, "the peer wrote all of it");
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let hits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&hits);
    let address = peer(move |mut stream, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            let head = b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(head).await.unwrap();
        }
    })
    .await;
    let answer = call(address).await.unwrap();
    assert_eq!((answer.status, answer.header("Location")), (307, Some("/elsewhere")));
    assert_eq!(hits.load(Ordering::SeqCst), 1);
}

/// Answers with the request it got.
async fn echo(mut stream: TcpStream, request: String) {
    let head = format!("HTTP/1.1 200 OK\r\nX-Request-Id: r1\r\ncontent-length: {}\r\n\r\n", request.len());
    stream.write_all(format!("{head}{request}").as_bytes()).await.unwrap();
}

#[tokio::test]
async fn a_secret_is_sent_and_never_shown() {
    let secret = secrecy::SecretString::from("pat-hunter2");
    let call = Call::post("").bearer(&secret).json(&serde_json::json!({"a": 1}));
    let (keep, mut kept) = tokio::sync::mpsc::channel(1);
    let address = peer(move |stream, request| {
        keep.try_send(request.clone()).unwrap();
        echo(stream, request)
    })
    .await;
    let call = Call { url: format!("http://{address}/notes"), ..call };
    let got = Wire::new().send(&call, WITHIN).await;
    let sent = kept.recv().await.unwrap();
    assert!(sent.starts_with("POST /notes HTTP/1.1\r\n"), "{sent}");
    for line in
        ["authorization: Bearer pat-hunter2", "content-type: application/json", &format!("user-agent: {USER_AGENT}")]
    {
        assert!(sent.contains(line), "{line} is not in {sent}");
    }
    assert!(got.as_ref().unwrap().body.contains("authorization: Bearer ***\r\n"), "the peer's echo is starred out");
    let trace = trace(&call, &got, "x-request-id");
    assert_eq!(trace.request, Some(format!("POST http://{address}/notes\n{{\"a\":1}}")));
    assert_eq!((trace.status, trace.vendor_id.as_deref()), (Some(200), Some("r1")));
    assert!(!format!("{call:?}").contains("hunter2"));
}

/// A pooled connection may be closed as idle just as we write: a call that can't be repeated must not meet that.
#[tokio::test]
async fn only_repeatable_calls_share_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                while !read_request(&mut stream).await.is_empty() {
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                }
            });
        }
    });
    let wire = Wire::new();
    for (call, want) in [(Call::get(&url), 1), (Call::get(&url), 1), (Call::post(&url), 2), (Call::post(&url), 3)] {
        wire.send(&call, WITHIN).await.unwrap();
        assert_eq!(connections.load(Ordering::SeqCst), want, "{call:?}");
    }
}

#[tokio::test]
async fn what_would_always_be_wrong_is_refused() {
    let wire = Wire::new();
    for (name, call) in [
        ("plain HTTP to the internet", Call::get("http://api.example.com/")),
        ("plain HTTP to a public address", Call::get("http://192.0.2.7/")),
        ("plain HTTP to a name that looks local", Call::get("http://localhost.example.com/")),
        ("another scheme", Call::get("ftp://127.0.0.1/")),
        ("no URL", Call::get("models")),
        ("line break in a header", Call::get("http://127.0.0.1:1/").header("x-a", "1\r\nx-b: 2")),
        ("line break in a secret", Call::get("http://127.0.0.1:1/").bearer(&"k\n".into())),
    ] {
        let error = wire.send(&call, WITHIN).await.unwrap_err();
        assert_eq!((error.leg, error.fault()), (Leg::Refused, Fault::Permanent), "{name}: {error}");
        assert!(!error.reason.contains("k\n"), "{name}");
    }
}

#[test]
fn plain_http_stays_in_the_building() {
    for (host, want) in [
        ("127.0.0.1:8080", true),
        ("localhost", true),
        ("[::1]:9", true),
        ("192.168.1.20:11434", true),
        ("[fd00::7]", true),
        ("8.8.8.8", false),
        ("[2001:db8::1]", false),
        ("office.local", false),
    ] {
        let url = Url::parse(&format!("http://{host}/v1")).unwrap();
        assert_eq!(in_the_building(&url), want, "{host}");
    }
}

#[test]
fn a_certificate_out_of_its_time_points_at_the_clock() {
    use rustls::CertificateError::{Expired, NotValidYet, UnknownIssuer};
    for (cause, want) in [(Expired, true), (NotValidYet, true), (UnknownIssuer, false)] {
        // As the TLS layers hand it up: an io::Error in an io::Error.
        let error = io::Error::other(io::Error::other(rustls::Error::InvalidCertificate(cause)));
        assert_eq!(clock_cure(&error).is_some(), want, "{error}");
    }
}
