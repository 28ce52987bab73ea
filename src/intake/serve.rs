//! The accept loop: gives each connection a seat, and drains when it is asked to stop.
//!
//! Called by `app` with a bound listener. When every seat is taken somebody idle makes room, and while nobody is idle
//! senders wait in the system's queue instead of being refused; a seat is never held for good (see `connection`).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::connection::{self, House};
use super::quota::Lines;
use super::seats::{Seat, Seats};
use super::{Intake, Tls};

/// Rest after an accept that failed: out of file handles, mostly, and trying harder frees none.
const REST: Duration = Duration::from_millis(100);

/// Serves webhooks until `stop`, then finishes what is in flight within the grace of the limits. Without `tls` it speaks
/// plain HTTP.
pub async fn serve(listener: TcpListener, intake: Arc<Intake>, tls: Option<Arc<Tls>>, stop: CancellationToken) {
    let (seats, lines) = (Seats::new(&intake.limits), Lines::default());
    let house = House { intake, tls, tasks: TaskTracker::new(), stop, halt: CancellationToken::new() };
    loop {
        let next = tokio::select! {
            biased;
            () = house.stop.cancelled() => break,
            next = next(&listener, &seats, &lines) => next,
        };
        let Some((stream, address, seat)) = next else { continue };
        let serving = connection::run(stream, address.ip(), seat, house.clone());
        house.tasks.spawn(house.halt.clone().run_until_cancelled_owned(serving));
    }
    drop(listener);
    house.tasks.close();
    if timeout(house.intake.limits.drain_grace, house.tasks.wait()).await.is_err() {
        // None of these was answered: their senders will come again.
        warn!(left = house.tasks.len(), "the grace is over; connections are dropped");
        house.halt.cancel();
        house.tasks.wait().await;
    }
}

/// The next connection with a seat for it. Cancelled only by the stop, after which nobody is let in anyhow.
async fn next(listener: &TcpListener, seats: &Arc<Seats>, lines: &Lines) -> Option<(TcpStream, SocketAddr, Seat)> {
    let (stream, address) = match listener.accept().await {
        Ok(accepted) => accepted,
        Err(error) => {
            if let Some(more) = lines.take(Instant::now()) {
                warn!(%error, more, "a connection can't be accepted");
            }
            sleep(REST).await;
            return None;
        }
    };
    if seats.has_enough(address.ip()) {
        if let Some(more) = lines.take(Instant::now()) {
            warn!(peer = %address.ip(), more, "a peer has all the connections it may have; its next is closed");
        }
        return None;
    }
    let seat = seats.take(address.ip()).await?;
    Some((stream, address, seat))
}
