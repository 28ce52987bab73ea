//! The intake over real sockets, with a real database: what a sender is told, and what is on disk when it is told.

mod answers;
mod crash;
mod limits;
mod tls;
mod unsubscribe;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::model::{Lane, Timestamp};
use crate::store::{Passenger, Reader, Space, SpaceSettings, Store, WriterExit};

const HUBSPOT_SECRET: &str = "hubspot-client-secret-for-tests";
const SHARED_SECRET: &str = "generic-shared-secret-for-tests";
const PUBLIC_URL: &str = "https://leads.example.com";

/// An intake that listens, over a database of its own.
struct Desk {
    address: std::net::SocketAddr,
    folder: TempDir,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    writer: Writer,
    exit: WriterExit,
}

fn pointers() -> Fields {
    let at = |pointer: &str| vec![pointer.to_owned()];
    Fields {
        message: vec!["/message".to_owned(), "/properties/message/value".to_owned()],
        email: vec!["/email".to_owned(), "/properties/email/value".to_owned()],
        phone: at("/phone"),
        name: at("/name"),
        record_id: at("/record"),
        event_id: at("/event"),
        ..Fields::default()
    }
}

fn source(name: &str, shape: Shape, auth: Auth) -> Settings {
    let crm = Some(Channel::new(Lane::Crm, "hubspot"));
    Settings { name: name.to_owned(), shape, auth, crm, account: None, max_per_minute: 60_000, max_in_flight: 128 }
}

fn sources() -> Vec<Settings> {
    let (header, prefix) = ("Authorization".to_owned(), "Bearer ".to_owned());
    let shared = Auth::SharedSecret { header, prefix, secret: SHARED_SECRET.into() };
    let hubspot = Auth::Hubspot { secret: HUBSPOT_SECRET.into(), public_url: PUBLIC_URL.to_owned() };
    vec![
        source("form", Shape::Json(pointers()), shared),
        source("open", Shape::Json(pointers()), Auth::None),
        source("hubspot", Shape::HubspotWorkflow, hubspot),
    ]
}

pub(super) fn limits() -> Limits {
    Limits {
        max_body_bytes: 64 * 1024,
        max_header_bytes: 8 * 1024,
        max_connections: 128,
        max_connections_per_peer: 128,
        read_timeout: Duration::from_secs(5),
        idle_timeout: Limits::IDLE,
        drain_grace: Duration::from_secs(5),
    }
}

impl Desk {
    async fn open() -> Self {
        Self::with(limits(), 0).await
    }

    /// A desk with other limits, on a disk that must have so much room.
    async fn with(limits: Limits, low_water_bytes: u64) -> Self {
        Self::of(sources(), limits, low_water_bytes).await
    }

    async fn of(sources: Vec<Settings>, limits: Limits, low_water_bytes: u64) -> Self {
        Self::fitted(sources, limits, low_water_bytes, |intake| intake).await
    }

    /// A desk whose intake has something that others have not.
    async fn fitted(
        sources: Vec<Settings>,
        limits: Limits,
        low_water_bytes: u64,
        fit: impl FnOnce(Intake) -> Intake,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let space = Space::new(folder.path(), SpaceSettings { low_water_bytes, ballast_bytes: 0 });
        let (writer, exit) = Writer::start(store, space, Box::new(Passenger::default())).unwrap();
        let day = Duration::from_hours(24);
        let opening = Opening { classify_on: None, deadline_after: day, give_up_after: day, read_give_up_after: day };
        let trust = ClockTrust::default();
        trust.believe();
        let intake = fit(Intake::new(sources, limits, opening, writer.clone(), trust, true));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, Arc::new(intake), None, stop.clone()));
        Self { address, folder, stop, serving, writer, exit }
    }

    fn reader(&self) -> Reader {
        Reader::open(self.folder.path()).unwrap()
    }

    /// Everything the peer says until it closes, to these bytes.
    async fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes.as_ref()).await.unwrap();
        heard(&mut stream).await
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> (u16, Value) {
        split(&self.raw(request("POST", path, headers, body.as_ref())).await)
    }

    /// Posts a body to the open source.
    async fn open_post(&self, body: impl AsRef<[u8]>) -> (u16, Value) {
        self.post("/hooks/open", &[], body).await
    }

    /// Posts to the HubSpot source with a signature of version 3, made with `secret`.
    async fn signed(&self, target: &str, body: &[u8], secret: &str) -> (u16, Value) {
        split(&self.signed_raw(target, body, secret).await)
    }

    async fn signed_raw(&self, target: &str, body: &[u8], secret: &str) -> String {
        let at = Timestamp::now().as_millis().to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        for part in [b"POST", PUBLIC_URL.as_bytes(), target.as_bytes(), body, at.as_bytes()] {
            mac.update(part);
        }
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let headers = [("X-HubSpot-Signature-v3", signature.as_str()), ("X-HubSpot-Request-Timestamp", at.as_str())];
        self.raw(request("POST", target, &headers, body)).await
    }

    /// Stops and drains; the writer thread ends with the last way to it.
    async fn close(self) {
        self.stop.cancel();
        self.serving.await.unwrap();
        drop(self.writer);
        tokio::task::spawn_blocking(|| self.exit.join().unwrap()).await.unwrap();
    }
}

async fn heard(stream: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.unwrap();
    String::from_utf8(heard).unwrap()
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let (headers, len) = (headers.concat(), body.len());
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}Content-Length: {len}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// Status and body of an answer; no body is null.
fn split(answer: &str) -> (u16, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap() })
}
