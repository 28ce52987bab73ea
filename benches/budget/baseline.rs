//! What the throughput is compared with: a hyper server with as many threads as the desk that parses the body, checks
//! HubSpot's version 3 signature, answers, and keeps nothing. The benchmark runs itself with [`ARGUMENT`] for it.

use std::convert::Infallible;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitCode, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;

use crate::support::{HUBSPOT_SECRET, PUBLIC_URL};

/// The argument that makes this program the baseline.
pub(crate) const ARGUMENT: &str = "serve-baseline";

/// The baseline, in a process of its own.
pub(crate) struct Baseline {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Baseline {
    pub(crate) fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut process = command.arg(ARGUMENT).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { process, address: address.trim().parse().unwrap() }
    }
}

impl Drop for Baseline {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Serves until it is killed.
pub(crate) fn run() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut out = std::io::stdout();
        writeln!(out, "{}", listener.local_addr().unwrap()).unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
        }
    })
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let header = |name: &str| head.headers.get(name).map(|value| value.as_bytes().to_vec()).unwrap_or_default();
    let mut mac = Hmac::<Sha256>::new_from_slice(HUBSPOT_SECRET.as_bytes()).unwrap();
    for part in [head.method.as_str(), PUBLIC_URL, head.uri.path()] {
        mac.update(part.as_bytes());
    }
    mac.update(&body);
    mac.update(&header("x-hubspot-request-timestamp"));
    let signature = STANDARD.decode(header("x-hubspot-signature-v3")).unwrap_or_default();
    let payload: Option<Value> = serde_json::from_slice(&body).ok();
    let known = mac.verify_slice(&signature).is_ok();
    let (status, body) = match payload {
        Some(payload) if known => (StatusCode::ACCEPTED, json!({ "vid": payload["vid"] })),
        _ => (StatusCode::UNAUTHORIZED, json!({})),
    };
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    Ok(response)
}
