//! The accept loop: takes connections while there are seats, and drains when it is asked to stop.
//!
//! Called by `app` with a bound listener. When every seat is taken it accepts no more, so that senders wait in the
//! system's queue instead of being refused; a seat is never held for good (see `connection`).

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::{Intake, connection};

/// Rest after an accept that failed: out of file handles, mostly, and trying harder frees none.
const REST: Duration = Duration::from_millis(100);

/// Serves webhooks until `stop`, then finishes what is in flight within the grace of the limits.
pub async fn serve(listener: TcpListener, intake: Arc<Intake>, stop: CancellationToken) {
    let seats = Arc::new(Semaphore::new(intake.limits.max_connections));
    let connections = TaskTracker::new();
    let halt = CancellationToken::new();
    loop {
        let stream = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            stream = next(&listener, &seats) => stream,
        };
        let Some((stream, seat)) = stream else { continue };
        let (intake, seats) = (Arc::clone(&intake), Arc::clone(&seats));
        let (stop, halt) = (stop.clone(), halt.clone());
        connections.spawn(async move {
            tokio::select! {
                () = halt.cancelled() => {}
                () = connection::run(stream, &intake, &seats, &stop) => {}
            }
            drop(seat);
        });
    }
    drop(listener);
    connections.close();
    if timeout(intake.limits.drain_grace, connections.wait()).await.is_err() {
        // None of these was answered: their senders will come again.
        warn!(left = connections.len(), "the grace is over; connections are dropped");
        halt.cancel();
        connections.wait().await;
    }
}

/// The next connection with a seat for it. Safe to cancel: nothing is taken before the last await has returned.
async fn next(
    listener: &TcpListener,
    seats: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let seat = Arc::clone(seats).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, seat)),
        Err(error) => {
            warn!(%error, "a connection can't be accepted");
            sleep(REST).await;
            None
        }
    }
}
