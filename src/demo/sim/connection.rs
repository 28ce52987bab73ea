//! One connection to a simulated vendor: hyper speaks HTTP until a fault takes the socket away from it.
//!
//! A clean answer goes through hyper. Whatever hyper would not do (half an answer, a reset, bytes that are no HTTP) is
//! written by hand to the socket it gives back. Called only by the accept loop in `http`.

use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Interval, interval};

use super::fault::{Fault, GoOn, Hold, Kind, Moment};
use super::http::{Answer, Inner, Seen};

/// What is written by hand after hyper has let go of the socket.
#[derive(Default)]
struct Cut {
    /// At once.
    bytes: Vec<u8>,
    /// Then a test may hold it.
    hold: Option<(Hold, Seen)>,
    /// Then the rest.
    rest: Vec<u8>,
    /// Ends with a TCP reset instead of an orderly close.
    reset: bool,
}

/// Serves one connection until either side ends it.
pub(super) async fn serve(stream: TcpStream, inner: Arc<Inner>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    // One request at a time, so one cut at most.
    let (cuts, mut cut) = mpsc::channel(1);
    let service = service_fn(move |request| answer(Arc::clone(&inner), cuts.clone(), request));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let cut = tokio::select! {
        _ = &mut connection => return,
        Some(cut) = cut.recv() => cut,
    };
    drop(finish(connection.into_parts().io.into_inner(), cut).await);
}

async fn finish(mut stream: TcpStream, cut: Cut) -> std::io::Result<()> {
    stream.write_all(&cut.bytes).await?;
    if let Some((hold, seen)) = cut.hold
        && hold.wait(seen).await == GoOn::No
    {
        return pending().await;
    }
    stream.write_all(&cut.rest).await?;
    if cut.reset { stream.set_zero_linger() } else { stream.shutdown().await }
}

async fn answer(
    inner: Arc<Inner>,
    cuts: mpsc::Sender<Cut>,
    request: Request<Incoming>,
) -> Result<Response<Payload>, Infallible> {
    let (head, body) = request.into_parts();
    let mut seen = inner.note(&head);
    if inner.hold(Moment::Head, &seen).await == GoOn::No {
        return pending().await;
    }
    if inner.fault(&seen, true).is_some() {
        return take_away(&cuts, Cut { reset: true, ..Cut::default() }).await;
    }
    let Ok(body) = body.collect().await else { return pending().await };
    inner.body_came(&mut seen, &body.to_bytes());
    // In a task of its own: hyper drops this future when the client hangs up, but the vendor has the request.
    let worked = tokio::spawn(work(Arc::clone(&inner), seen)).await;
    let Ok(Some(worked)) = worked else { return pending().await };
    reply(&inner, &cuts, worked).await
}

/// What became of a request that had come whole.
struct Worked {
    seen: Seen,
    fault: Option<Fault>,
    /// The vendor's own answer, if it was asked.
    answer: Option<Answer>,
}

async fn work(inner: Arc<Inner>, mut seen: Seen) -> Option<Worked> {
    if inner.hold(Moment::Arrived, &seen).await == GoOn::No {
        return None;
    }
    let fault = inner.fault(&seen, false);
    let asked = fault.as_ref().is_none_or(|fault| fault.applied);
    let answer = asked.then(|| inner.apply(&mut seen));
    let go_on = inner.hold(Moment::Applied, &seen).await == GoOn::Yes;
    go_on.then_some(Worked { seen, fault, answer })
}

async fn reply(inner: &Inner, cuts: &mpsc::Sender<Cut>, worked: Worked) -> Result<Response<Payload>, Infallible> {
    let Worked { seen, fault, answer } = worked;
    if let Some(fault) = &fault {
        tokio::time::sleep(fault.delay).await;
    }
    let own = |status| Answer::new(status, inner.error(status));
    let stamp = inner.stamp(&seen);
    let whole = answer.unwrap_or_else(|| own(500));
    let half = || halves(&whole, &stamp).0;
    let cut = match fault.map_or(Kind::Pass, |fault| fault.kind) {
        Kind::Pass => match inner.take_hold(Moment::InAnswer, &seen) {
            None => return Ok(json(&whole, stamp)),
            Some(hold) => {
                let (bytes, rest) = halves(&whole, &stamp);
                Cut { bytes, hold: Some((hold, seen)), rest, reset: false }
            }
        },
        Kind::Status { status, body, headers } => {
            let answer = Answer { headers, ..body.map_or_else(|| own(status), |body| Answer::new(status, body)) };
            return Ok(json(&answer, stamp));
        }
        Kind::Hang => return pending().await,
        Kind::Reset | Kind::ResetBeforeBody => Cut { reset: true, ..Cut::default() },
        Kind::Close => Cut::default(),
        Kind::ResetInAnswer => Cut { bytes: half(), reset: true, ..Cut::default() },
        Kind::CloseInAnswer => Cut { bytes: half(), ..Cut::default() },
        Kind::Garbage => Cut { bytes: GARBAGE.to_vec(), ..Cut::default() },
        Kind::Mislabelled => {
            let mut answer = json(&whole, stamp);
            answer.headers_mut().insert("content-type", HeaderValue::from_static("text/plain"));
            return Ok(answer);
        }
        Kind::Html => return Ok(response(200, vec![("content-type", "text/html".into())], PROXY_PAGE.into())),
        Kind::HalfJson => return Ok(half_json(&whole)),
        Kind::Redirect(to) => return Ok(response(307, vec![("location", to)], Bytes::new())),
        Kind::Huge(bytes) => return Ok(endless(Payload::Endless(bytes))),
        Kind::Drip => return Ok(endless(Payload::Drip(interval(DRIP)))),
    };
    take_away(cuts, cut).await
}

/// How often a byte drips: no read ever waits long, and only the whole takes too long.
const DRIP: Duration = Duration::from_millis(10);

/// Bytes no HTTP client can take for an answer: a TLS alert and noise.
const GARBAGE: &[u8] = b"\x15\x03\x01\x00\x02\x02\x28\x00\xff\xfe\r\n\r\n";

/// What a captive portal or a tunnel without its origin says.
const PROXY_PAGE: &str = "<!doctype html><title>502</title><h1>The origin could not be reached</h1>";

/// The media type of every honest answer.
fn json_type() -> (&'static str, String) {
    ("content-type", "application/json;charset=utf-8".to_owned())
}

/// Gives the socket up; hyper's half of this connection never goes on.
async fn take_away<T>(cuts: &mpsc::Sender<Cut>, cut: Cut) -> T {
    drop(cuts.send(cut).await);
    pending().await
}

fn json(answer: &Answer, stamp: Vec<(&'static str, String)>) -> Response<Payload> {
    let mut headers = stamp;
    headers.push(json_type());
    headers.extend(answer.headers.iter().cloned());
    let body = if answer.body.is_null() { String::new() } else { answer.body.to_string() };
    response(answer.status, headers, body.into())
}

fn response(status: u16, headers: Vec<(&'static str, String)>, body: Bytes) -> Response<Payload> {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    builder.body(Payload::Whole(Some(body))).unwrap_or_else(|_| Response::new(Payload::Whole(None)))
}

fn half_json(answer: &Answer) -> Response<Payload> {
    let text = answer.body.to_string();
    let half: String = text.chars().take(text.chars().count() / 2).collect();
    response(200, vec![json_type()], half.into())
}

fn endless(payload: Payload) -> Response<Payload> {
    let mut response = response(200, vec![json_type()], Bytes::new());
    *response.body_mut() = payload;
    response
}

/// An answer as it goes over the wire, cut in the middle of its body.
fn halves(answer: &Answer, stamp: &[(&'static str, String)]) -> (Vec<u8>, Vec<u8>) {
    let body = answer.body.to_string();
    let reason = StatusCode::from_u16(answer.status).ok().and_then(|status| status.canonical_reason()).unwrap_or("-");
    let mut text = format!("HTTP/1.1 {} {reason}\r\ncontent-length: {}\r\n", answer.status, body.len());
    for (name, value) in stamp.iter().chain(&answer.headers).chain(&[json_type()]) {
        text.extend([name, ": ", value, "\r\n"]);
    }
    let mut bytes = format!("{text}connection: close\r\n\r\n{body}").into_bytes();
    let rest = bytes.split_off(bytes.len().saturating_sub(body.len() / 2));
    (bytes, rest)
}

/// The body of an answer.
enum Payload {
    Whole(Option<Bytes>),
    Endless(u64),
    Drip(Interval),
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(match &mut *self {
            Self::Whole(bytes) => bytes.take().map(|bytes| Ok(Frame::data(bytes))),
            Self::Endless(0) => None,
            Self::Endless(left) => {
                static SPACES: [u8; 4_096] = [b' '; 4_096];
                *left = left.saturating_sub(4_096);
                Some(Ok(Frame::data(Bytes::from_static(&SPACES))))
            }
            Self::Drip(ticks) => return ticks.poll_tick(cx).map(|_| Some(Ok(Frame::data(Bytes::from_static(b" "))))),
        })
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match self {
            Self::Whole(bytes) => {
                hyper::body::SizeHint::with_exact(bytes.as_ref().map_or(0, |b| u64::try_from(b.len()).unwrap_or(0)))
            }
            Self::Endless(_) | Self::Drip(_) => hyper::body::SizeHint::default(),
        }
    }
}
