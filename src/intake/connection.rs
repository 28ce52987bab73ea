//! One connection: TLS if it is configured, then HTTP/1.1 or HTTP/2, with an end to everything a peer could drag out.
//!
//! A peer that sends its head slowly is cut off at the read deadline, one that is silent between requests after a longer
//! rest (or as soon as somebody else needs its seat); the request itself watches its body. A peer that closes its half
//! and waits still gets its answer, and one that vanishes doesn't cancel what was begun. On `stop` the requests in
//! flight are finished and the connection closed.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::answer::Answer;
use super::peer::{Fingerprint, Peer};
use super::pulse::{Overdue, Pulsed};
use super::seats::Seat;
use super::{Intake, Limits, Tls, request, tls};

/// What a connection may buffer: a head and some of a body, times the seats. The system buffers as well.
const BUFFER_BYTES: usize = 64 * 1024;
/// Requests of one HTTP/2 connection at the same time. HubSpot sends ten; a tunnel opens another connection for more.
const STREAMS: u32 = 16;
/// Streams of one connection that were reset before they were served: beyond that it is closed (CVE-2023-44487).
const RESETS: usize = 32;
/// What an HTTP/2 connection may send ahead of being read, in all its streams; each of them the protocol's 64 KiB.
const WINDOW_BYTES: u32 = 256 * 1024;
/// How often an HTTP/2 peer is asked whether it still lives, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_WITHIN: Duration = Duration::from_secs(10);
/// How often within the read deadline a connection is looked at.
const LOOKS: u32 = 4;
/// How long a slow peer may take to take its answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// The answer to a head that took too long.
const TOO_SLOW: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// What all connections share.
#[derive(Clone)]
pub(super) struct House {
    pub(super) intake: Arc<Intake>,
    /// `None`: plain HTTP.
    pub(super) tls: Option<Arc<Tls>>,
    /// Every task of every connection.
    pub(super) tasks: TaskTracker,
    /// Finish what is in flight.
    pub(super) stop: CancellationToken,
    /// Drop it.
    pub(super) halt: CancellationToken,
}

/// Serves one connection to its end.
pub(super) async fn run(stream: TcpStream, address: IpAddr, seat: Seat, house: House) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "no TCP_NODELAY");
    }
    let Some(tls) = &house.tls else {
        let peer = Arc::new(Peer { address, certificate: None });
        return Guest { peer, seat, house }.http1(stream).await;
    };
    let Some(stream) = handshake(stream, tls, &seat, &house).await else { return };
    let (_, session) = stream.get_ref();
    let certificate = session.peer_certificates().and_then(|chain| chain.first());
    let certificate = certificate.map(|certificate| Fingerprint::of(certificate));
    let is_http2 = session.alpn_protocol() == Some(tls::H2);
    let peer = Arc::new(Peer { address, certificate });
    debug!(%peer, is_http2, "a TLS connection stands");
    let guest = Guest { peer, seat, house };
    if is_http2 {
        guest.http2(stream).await;
    } else {
        guest.http1(stream).await;
    }
}

/// The TLS handshake. It has the time of the first byte, because that byte comes after it.
async fn handshake(stream: TcpStream, tls: &Tls, seat: &Seat, house: &House) -> Option<TlsStream<TcpStream>> {
    let accept = TlsAcceptor::from(tls.current()).accept(stream);
    let done = tokio::select! {
        done = timeout(house.intake.limits.read_timeout, accept) => done,
        () = seat.leave.cancelled() => return None,
        () = house.stop.cancelled() => return None,
    };
    match done {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            debug!(%error, "a TLS handshake failed");
            None
        }
        Err(_) => {
            debug!("a TLS handshake took too long");
            None
        }
    }
}

/// A connection that stands.
struct Guest {
    peer: Arc<Peer>,
    seat: Seat,
    house: House,
}

impl Guest {
    async fn http1(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let io = TokioIo::new(Pulsed::new(stream, self.seat.pulse.clone()));
        let mut connection = http1_of(&self.house.intake.limits).serve_connection(io, self.service());
        if self.drive(Pin::new(&mut connection), http1::Connection::graceful_shutdown).await == Some(Overdue::Slow) {
            refuse(connection.into_parts().io.into_inner()).await;
        }
    }

    async fn http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        self.seat.pulse.framed();
        let io = TokioIo::new(Pulsed::new(stream, self.seat.pulse.clone()));
        let streams = Streams { tasks: self.house.tasks.clone(), halt: self.house.halt.clone() };
        let connection = http2_of(&self.house.intake.limits, streams).serve_connection(io, self.service());
        self.drive(pin!(connection), http2::Connection::graceful_shutdown).await;
    }

    fn service(
        &self,
    ) -> impl HttpService<Incoming, ResBody = Full<Bytes>, Error = Infallible, Future: Send + 'static> + use<> {
        let (intake, peer) = (Arc::clone(&self.house.intake), Arc::clone(&self.peer));
        let pulse = self.seat.pulse.clone();
        service_fn(move |incoming: Request<Incoming>| {
            let busy = pulse.begin(&intake.limits);
            let is_plain = is_plainly_framed(incoming.headers());
            let (intake, peer) = (Arc::clone(&intake), Arc::clone(&peer));
            async move {
                // HTTP/2 multiplies requests; it must not multiply what they take.
                let _turn = intake.at_once.acquire().await;
                let answer = if is_plain {
                    request::answer(&intake, incoming, busy.due, &peer).await.response()
                } else {
                    closing(Answer::Incomplete.response())
                };
                drop(busy);
                Ok::<Response<Full<Bytes>>, Infallible>(answer)
            }
        })
    }

    /// Drives a connection to its end, or until it has overdone something.
    async fn drive<C>(&self, mut connection: Pin<&mut C>, shut_down: impl Fn(Pin<&mut C>)) -> Option<Overdue>
    where
        C: Future<Output = hyper::Result<()>>,
    {
        let (limits, seat): (&Limits, &Seat) = (&self.house.intake.limits, &self.seat);
        let look_every = limits.read_timeout.checked_div(LOOKS).unwrap_or_default();
        let (mut stopping, mut asked) = (false, false);
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        debug!(%error, "a connection broke");
                    }
                    return None;
                }
                () = self.house.stop.cancelled(), if !stopping => {
                    stopping = true;
                    shut_down(connection.as_mut());
                }
                () = seat.leave.cancelled(), if !asked => {
                    asked = true;
                    if seat.pulse.idle_since().is_some() {
                        return Some(Overdue::Silent);
                    }
                }
                () = sleep(look_every) => {
                    let overdue = seat.pulse.overdue(limits);
                    if overdue.is_some() {
                        return overdue;
                    }
                }
            }
        }
    }
}

/// Whether the end of the body is beyond doubt. hyper sees to lengths; of codings it looks at the last one only, and a
/// peer in between may not (RFC 9112, clauses 6.1 and 7.1: chunked once, and nothing else is understood here).
fn is_plainly_framed(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let first = codings.next().map(HeaderValue::as_bytes);
    first.is_none_or(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"chunked")) && codings.next().is_none()
}

/// An answer after which nothing that comes is read as a request.
fn closing(mut answer: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

fn http1_of(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .half_close(true)
        // Requests may queue in a connection; each is answered before the next is looked at.
        .pipeline_flush(false)
        // Its clock would run between requests, too; the pulse knows the difference.
        .header_read_timeout(None)
        .max_header_size(limits.max_header_bytes)
        .max_buf_size(BUFFER_BYTES.max(limits.max_header_bytes));
    builder
}

fn http2_of(limits: &Limits, streams: Streams) -> http2::Builder<Streams> {
    let mut builder = http2::Builder::new(streams);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(RESETS)
        .max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX))
        .initial_connection_window_size(WINDOW_BYTES)
        .max_send_buf_size(BUFFER_BYTES)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_WITHIN);
    builder
}

/// Runs the streams of an HTTP/2 connection where the drain sees them.
#[derive(Clone)]
struct Streams {
    tasks: TaskTracker,
    halt: CancellationToken,
}

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        self.tasks.spawn(self.halt.clone().run_until_cancelled_owned(stream));
    }
}

/// Says why and closes. hyper has no answer to a head that never ends.
async fn refuse(mut stream: Pulsed<impl AsyncRead + AsyncWrite + Unpin>) {
    let told = async {
        stream.write_all(TOO_SLOW).await?;
        stream.shutdown().await
    };
    if let Ok(Err(error)) = timeout(PATIENCE, told).await {
        debug!(%error, "a slow peer could not be told");
    }
}
