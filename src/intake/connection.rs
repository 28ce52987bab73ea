//! One connection: HTTP/1.1 over a socket, with an end to everything a peer could drag out.
//!
//! A peer that sends its head slowly is cut off at the read deadline, one that is silent between requests after a longer
//! rest (a shorter one while others wait for a seat); the request itself watches its body. A peer that closes its half
//! and waits still gets its answer, and one that vanishes doesn't cancel what was begun. On `stop` the request in flight
//! is finished and the connection closed.

use std::convert::Infallible;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::pulse::{Overdue, Pulse, Pulsed};
use super::{Intake, Limits, request};

/// What a connection may buffer: a head and some of a body, times the seats. The system buffers as well.
const BUFFER_BYTES: usize = 64 * 1024;
/// How often within the read deadline a connection is looked at.
const LOOKS: u32 = 4;
/// How long a slow peer may take to take its answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// The answer to a head that took too long.
const TOO_SLOW: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

pub(super) async fn run(stream: TcpStream, intake: &Intake, seats: &Semaphore, stop: &CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "no TCP_NODELAY");
    }
    let pulse = Pulse::new();
    let service = service_fn(|incoming: Request<Incoming>| {
        let pulse = pulse.clone();
        async move {
            let answer = request::answer(intake, incoming, &pulse).await;
            pulse.rest();
            Ok::<_, Infallible>(answer.response())
        }
    });
    let io = TokioIo::new(Pulsed::new(stream, pulse.clone()));
    let mut connection = protocol(&intake.limits).serve_connection(io, service);
    let look_every = intake.limits.read_timeout.checked_div(LOOKS).unwrap_or_default();
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = &mut connection => {
                if let Err(error) = ended {
                    debug!(%error, "a connection broke");
                }
                return;
            }
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
            () = sleep(look_every) => match pulse.overdue(&intake.limits, seats.available_permits() == 0) {
                None => {}
                Some(Overdue::Silent) => return,
                Some(Overdue::Slow) => return refuse(connection.into_parts().io.into_inner()).await,
            }
        }
    }
}

fn protocol(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .half_close(true)
        // Its clock would run between requests, too; the pulse knows the difference.
        .header_read_timeout(None)
        .max_header_size(limits.max_header_bytes)
        .max_buf_size(BUFFER_BYTES.max(limits.max_header_bytes));
    builder
}

/// Says why and closes. hyper has no answer to a head that never ends.
async fn refuse(mut socket: Pulsed) {
    if let Ok(Err(error)) = timeout(PATIENCE, socket.write_all(TOO_SLOW)).await {
        debug!(%error, "a slow peer could not be told");
    }
}
