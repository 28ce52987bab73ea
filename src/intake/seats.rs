//! Who is connected: so many in all, so many of one peer, and who leaves when somebody new comes.
//!
//! Called by `serve` for each connection it accepted. The tunnel, on loopback, brings everybody and is not counted as
//! one peer. When every seat is taken, the connection that has been idle for longest gives up its own; while none is
//! idle the new one waits. Nothing is known of anybody here: all of this happens before a request is authenticated.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::pulse::Pulse;

/// How soon after it came, or after its last answer, a connection may be asked to leave: its bytes may be on their way.
const COURTESY: Duration = Duration::from_millis(250);
/// How often somebody who waits for a seat looks for one to be given up.
const LOOK: Duration = Duration::from_millis(25);
/// What one subscriber is given of IPv6 (RFC 6177): its addresses are one peer.
const SUBSCRIBER_BITS: u32 = 64;

/// All seats.
pub(super) struct Seats {
    free: Arc<Semaphore>,
    most_per_peer: usize,
    taken: Mutex<HashMap<u64, Taken>>,
    next: AtomicU64,
}

struct Taken {
    peer: IpAddr,
    pulse: Pulse,
    leave: CancellationToken,
}

/// The seat of one connection; free again when it is dropped.
pub(super) struct Seat {
    seats: Arc<Seats>,
    number: u64,
    pub(super) pulse: Pulse,
    /// Somebody new wants it: leave, if you are still idle.
    pub(super) leave: CancellationToken,
    _permit: OwnedSemaphorePermit,
}

impl Seats {
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(limits.max_connections)),
            most_per_peer: limits.max_connections_per_peer,
            taken: Mutex::default(),
            next: AtomicU64::new(0),
        })
    }

    /// Whether a peer has all the connections it may have.
    pub(super) fn has_enough(&self, address: IpAddr) -> bool {
        let peer = peer_of(address);
        let same = |taken: &&Taken| taken.peer == peer;
        !peer.is_loopback() && self.lock().values().filter(same).count() >= self.most_per_peer
    }

    /// A seat, as soon as there is one. Safe to cancel: what was asked to leave leaves.
    pub(super) async fn take(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let mut permit = Arc::clone(&self.free).try_acquire_owned().ok();
        while permit.is_none() {
            self.ask_one_to_leave(Instant::now());
            let next = timeout(LOOK, Arc::clone(&self.free).acquire_owned()).await;
            permit = next.ok().transpose().ok()?;
        }
        let (pulse, leave) = (Pulse::new(), CancellationToken::new());
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let taken = Taken { peer: peer_of(address), pulse: pulse.clone(), leave: leave.clone() };
        self.lock().insert(number, taken);
        Some(Seat { seats: Arc::clone(self), number, pulse, leave, _permit: permit? })
    }

    fn ask_one_to_leave(&self, now: Instant) {
        let taken = self.lock();
        let idle = taken.values().filter(|taken| !taken.leave.is_cancelled());
        let idle = idle.filter_map(|taken| taken.pulse.idle_since().map(|since| (since, taken)));
        let oldest = idle.min_by_key(|(since, _)| *since);
        if let Some((since, oldest)) = oldest
            && now.saturating_duration_since(since) >= COURTESY
        {
            oldest.leave.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Taken>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.lock().remove(&self.number);
    }
}

fn peer_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let rest = u128::MAX.checked_shr(SUBSCRIBER_BITS).unwrap_or_default();
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !rest))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::tests::limits;

    #[tokio::test]
    async fn a_peer_has_so_many_and_the_tunnel_as_many_as_there_are() {
        let seats = Seats::new(&Limits { max_connections_per_peer: 2, ..limits() });
        for (address, want) in [
            ("203.0.113.1", [true, true, false]),
            ("::ffff:203.0.113.1", [false; 3]),
            ("203.0.113.2", [true, true, false]),
            ("127.0.0.1", [true; 3]),
            ("::1", [true; 3]),
            ("2001:db8:0:1::1", [true, true, false]),
            ("2001:db8:0:1:ffff::2", [false; 3]),
            ("2001:db8:0:2::1", [true, true, false]),
        ] {
            let address = address.parse().unwrap();
            for want in want {
                assert_eq!(!seats.has_enough(address), want, "{address}");
                if want {
                    std::mem::forget(seats.take(address).await.unwrap());
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_has_been_idle_for_longest_leaves() {
        let address = "127.0.0.1".parse().unwrap();
        let seats = Seats::new(&Limits { max_connections: 3, ..limits() });
        let mut guests = Vec::new();
        for _ in 0..3 {
            guests.push(seats.take(address).await.unwrap());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        // The first is at work and the second had a request since: the third has been idle for longest.
        let _busy = guests[0].pulse.begin(&limits());
        drop(guests[1].pulse.begin(&limits()));
        let coming = tokio::spawn({
            let seats = Arc::clone(&seats);
            async move { seats.take(address).await }
        });
        guests[2].leave.cancelled().await;
        assert_eq!([0, 1].map(|nth| guests[nth].leave.is_cancelled()), [false; 2]);
        drop(guests.remove(2));
        assert!(coming.await.unwrap().is_some());
    }
}
