//! The admin listener: whether the desk is alive and whether it is ready, for health checks on this box.
//!
//! On loopback and never through the tunnel; it tells nothing but one word. `/healthz`: the runtime answers and the
//! writer thread comes round. `/readyz`: the desk accepts leads. `app` owns both facts and runs [`serve`].

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::store::Writer;

/// The writer comes round every five seconds even when nothing happens. After three times that it hangs.
const HANGS_AFTER: Duration = Duration::from_secs(15);
/// How often the writer's beats are counted.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// One question and its answer take no longer, and neither does the drain.
const PATIENCE: Duration = Duration::from_secs(2);
/// Questions at the same time; what comes beyond is closed unheard. Nobody honest has a second one open.
const MOST: usize = 32;
/// Rest after an accept that failed.
const REST: Duration = Duration::from_millis(100);

/// How the desk fares.
#[derive(Clone)]
pub struct Health {
    writer: Writer,
    ready: Arc<AtomicBool>,
}

impl Health {
    /// The health of a desk with this writer; not ready yet.
    #[must_use]
    pub fn new(writer: Writer) -> Self {
        Self { writer, ready: Arc::default() }
    }

    /// Whether leads are accepted from now on.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }
}

/// What the answers are made from.
#[derive(Debug, Default)]
struct Vitals {
    hangs: AtomicBool,
    refuses: AtomicBool,
    ready: Arc<AtomicBool>,
}

/// Answers health checks until `stop`.
pub async fn serve(listener: TcpListener, health: Health, stop: CancellationToken) {
    let vitals = Arc::new(Vitals { ready: Arc::clone(&health.ready), ..Vitals::default() });
    let questions = TaskTracker::new();
    let mut look = interval(LOOK_EVERY);
    let mut seen = (health.writer.beats(), Instant::now());
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            now = look.tick() => {
                let beats = health.writer.beats();
                if beats != seen.0 {
                    seen = (beats, now);
                }
                vitals.hangs.store(now.duration_since(seen.1) > HANGS_AFTER, Ordering::Relaxed);
                vitals.refuses.store(health.writer.refuses(), Ordering::Relaxed);
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if questions.len() < MOST => drop(questions.spawn(timeout(PATIENCE, one(stream, Arc::clone(&vitals))))),
                Ok(_) => {}
                Err(error) => {
                    warn!(%error, "a connection can't be accepted");
                    sleep(REST).await;
                }
            },
        }
    }
    questions.close();
    questions.wait().await;
}

/// One connection: one question.
async fn one(stream: TcpStream, vitals: Arc<Vitals>) {
    let service = service_fn(|request: Request<Incoming>| {
        let response = answer(&request, &vitals);
        async move { Ok::<_, Infallible>(response) }
    });
    let mut builder = http1::Builder::new();
    // The caller's patience bounds the head as well.
    builder.keep_alive(false).half_close(true).header_read_timeout(None);
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        debug!(%error, "a health check broke off");
    }
}

fn answer<B>(request: &Request<B>, vitals: &Vitals) -> Response<Full<Bytes>> {
    let good = match request.uri().path() {
        "/healthz" => !vitals.hangs.load(Ordering::Relaxed),
        "/readyz" => vitals.ready.load(Ordering::Relaxed) && !vitals.refuses.load(Ordering::Relaxed),
        _ => return say(StatusCode::NOT_FOUND, r#"{"status":"not found"}"#),
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = say(StatusCode::METHOD_NOT_ALLOWED, r#"{"status":"method not allowed"}"#);
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    if good {
        say(StatusCode::OK, r#"{"status":"ok"}"#)
    } else {
        say(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"unavailable"}"#)
    }
}

fn say(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::store::{Passenger, Space, SpaceSettings, Store};

    #[tokio::test]
    async fn ready_when_told_and_gone_when_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let space = Space::new(folder.path(), SpaceSettings { low_water_bytes: 0, ballast_bytes: 0 });
        let store = Store::open(folder.path()).unwrap();
        let (writer, exit) = Writer::start(store, space, Box::new(Passenger::default())).unwrap();
        let (health, stop) = (Health::new(writer), CancellationToken::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(serve(listener, health.clone(), stop.clone()));
        let ask = async |path: &str| {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer.split(' ').nth(1).unwrap().to_owned()
        };
        assert_eq!(ask("/readyz").await, "503");
        assert_eq!(ask("/healthz").await, "200");
        health.set_ready(true);
        assert_eq!(ask("/readyz").await, "200");
        stop.cancel();
        serving.await.unwrap();
        drop(health);
        tokio::task::spawn_blocking(|| exit.join().unwrap()).await.unwrap();
    }

    #[test]
    fn two_questions_and_nothing_else() {
        for (method, path, hangs, ready, status) in [
            ("GET", "/healthz", false, false, 200),
            ("HEAD", "/healthz", false, false, 200),
            ("GET", "/healthz?verbose", false, false, 200),
            ("GET", "/healthz", true, true, 503),
            ("GET", "/readyz", false, true, 200),
            ("GET", "/readyz", false, false, 503),
            ("POST", "/readyz", false, true, 405),
            ("GET", "/", false, true, 404),
            ("GET", "/healthz/", false, true, 404),
            ("POST", "/metrics", false, true, 404),
        ] {
            let vitals =
                Vitals { hangs: AtomicBool::new(hangs), ready: Arc::new(AtomicBool::new(ready)), ..Vitals::default() };
            let request = Request::builder().method(method).uri(path).body(()).unwrap();
            let response = answer(&request, &vitals);
            assert_eq!(response.status().as_u16(), status, "{method} {path}");
            assert_eq!(response.headers().contains_key(ALLOW), status == 405, "{method} {path}");
        }
    }
}
