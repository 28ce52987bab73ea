//! The pulse of one connection: when it must have sent a whole request, or have been idle for too long.
//!
//! [`Pulsed`] wraps the stream (inside of TLS, if there is any) and notes the first byte after a rest; a [`Busy`] lasts
//! from a request's head to its answer. So one deadline covers a request from its first byte to its last, and an idle
//! connection may rest much longer than a request may take. A new connection has as long for its first byte, its TLS
//! handshake included, as for a request.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::Limits;

/// What a connection has overdone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    /// It began its first request and didn't come to the end of its head. It can be told so: of a later one it can't be
    /// known whether the bytes aren't the rest of a body that was refused before its end.
    Slow,
    /// It is silent, doesn't take its answer, or drags out a later request.
    Silent,
}

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It was accepted then, and has said nothing yet.
    Fresh(Instant),
    /// Nothing has come since then.
    Idle(Instant),
    /// The first byte of a request came then.
    Receiving(Instant),
    /// So many requests' heads are here; the requests themselves see to the rest.
    Serving(usize),
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Frames also come between requests (HTTP/2): once it has served one, a byte begins no other.
    framed: bool,
    /// It has served one.
    served: bool,
}

/// The phase of one connection.
#[derive(Debug, Clone)]
pub(super) struct Pulse(Arc<Mutex<State>>);

impl Pulse {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { phase: Phase::Fresh(Instant::now()), framed: false, served: false })))
    }

    /// From here on it speaks HTTP/2.
    pub(super) fn framed(&self) {
        self.lock().framed = true;
    }

    /// A request's head is here and it's ours to answer.
    pub(super) fn begin(&self, limits: &Limits) -> Busy {
        let mut state = self.lock();
        let (since, serving) = match state.phase {
            Phase::Receiving(since) => (since, 0),
            // Its first bytes came along with the request before it.
            Phase::Fresh(_) | Phase::Idle(_) => (Instant::now(), 0),
            Phase::Serving(others) => (Instant::now(), others),
        };
        state.phase = Phase::Serving(serving.saturating_add(1));
        Busy { pulse: self.clone(), due: later(since, limits.read_timeout) }
    }

    /// What the connection has overdone by now, if anything.
    pub(super) fn overdue(&self, limits: &Limits) -> Option<Overdue> {
        let now = Instant::now();
        let state = self.lock();
        match state.phase {
            Phase::Fresh(since) if later(since, limits.read_timeout) <= now => Some(Overdue::Silent),
            Phase::Idle(since) if later(since, limits.idle_timeout) <= now => Some(Overdue::Silent),
            Phase::Receiving(since) if later(since, limits.read_timeout) <= now => {
                Some(if state.served { Overdue::Silent } else { Overdue::Slow })
            }
            Phase::Fresh(_) | Phase::Idle(_) | Phase::Receiving(_) | Phase::Serving(_) => None,
        }
    }

    /// Since when it has been idle, if it is.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        match self.lock().phase {
            Phase::Fresh(since) | Phase::Idle(since) => Some(since),
            Phase::Receiving(_) | Phase::Serving(_) => None,
        }
    }

    fn heard(&self) {
        let mut state = self.lock();
        match state.phase {
            Phase::Idle(_) if state.framed => {}
            Phase::Fresh(_) | Phase::Idle(_) => state.phase = Phase::Receiving(Instant::now()),
            Phase::Receiving(_) | Phase::Serving(_) => {}
        }
    }

    fn end(&self) {
        let mut state = self.lock();
        state.served = true;
        if let Phase::Serving(requests) = state.phase {
            let others = requests.saturating_sub(1);
            state.phase = if others == 0 { Phase::Idle(Instant::now()) } else { Phase::Serving(others) };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request at hand. Dropped when it is answered or its peer has called it off.
#[derive(Debug)]
pub(super) struct Busy {
    pulse: Pulse,
    /// When its body must be complete.
    pub(super) due: Instant,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.pulse.end();
    }
}

fn later(since: Instant, wait: Duration) -> Instant {
    since.checked_add(wait).unwrap_or(since)
}

/// A stream that tells its [`Pulse`] when bytes come in.
#[derive(Debug)]
pub(super) struct Pulsed<S> {
    stream: S,
    pulse: Pulse,
}

impl<S> Pulsed<S> {
    pub(super) fn new(stream: S, pulse: Pulse) -> Self {
        Self { stream, pulse }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Pulsed<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.pulse.heard();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Pulsed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens to a connection.
    #[derive(Debug, Clone, Copy)]
    enum Event {
        Byte,
        Head,
        Answered,
        Framed,
        Wait(u64),
    }

    #[tokio::test(start_paused = true)]
    async fn each_phase_has_its_deadline() {
        use Event::{Answered, Byte, Framed, Head, Wait};
        let limits = Limits {
            read_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(100),
            ..crate::intake::tests::limits()
        };
        let (slow, silent) = (Some(Overdue::Slow), Some(Overdue::Silent));
        for (name, events, want) in [
            ("nothing yet", &[Wait(9)] as &[Event], None),
            ("nothing at all", &[Wait(10)], silent),
            ("half a head", &[Wait(9), Byte, Wait(9), Byte], None),
            ("half a head for too long", &[Wait(9), Byte, Wait(9), Byte, Wait(1)], slow),
            ("a request takes what it takes", &[Byte, Head, Wait(1_000)], None),
            ("a rest", &[Byte, Head, Answered, Wait(99)], None),
            ("too long a rest", &[Byte, Head, Answered, Wait(100)], silent),
            ("half a second head", &[Byte, Head, Answered, Byte, Wait(10)], silent),
            ("two at once, one answered", &[Byte, Head, Head, Answered, Wait(1_000)], None),
            ("two at once, both answered", &[Byte, Head, Head, Answered, Answered, Wait(100)], silent),
            ("frames without a request", &[Framed, Byte, Wait(5), Byte, Wait(5)], slow),
            ("frames between requests", &[Framed, Byte, Head, Answered, Byte, Wait(99)], None),
            ("frames are no excuse", &[Framed, Byte, Head, Answered, Wait(60), Byte, Wait(40)], silent),
        ] {
            let (pulse, mut busy) = (Pulse::new(), Vec::new());
            for event in events {
                match event {
                    Byte => pulse.heard(),
                    Head => busy.push(pulse.begin(&limits)),
                    Answered => drop(busy.pop()),
                    Framed => pulse.framed(),
                    Wait(seconds) => tokio::time::advance(Duration::from_secs(*seconds)).await,
                }
            }
            assert_eq!(pulse.overdue(&limits), want, "{name}");
        }
    }
}
