//! The pulse of one connection: when it must have sent a whole request, or have been idle for too long.
//!
//! [`Pulsed`] wraps the socket and notes the first byte after a rest; the request notes when it is complete and when it
//! was answered. So one deadline covers a request from its first byte to its last, and an idle connection may rest much
//! longer than a request may take. Shared by the connection and the one request it serves at a time.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::Limits;

/// What a connection has overdone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overdue {
    /// It began a request and didn't come to the end of its head.
    Slow,
    /// It is silent, or doesn't take its answer.
    Silent,
}

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing has come since then.
    Idle(Instant),
    /// The first byte of a request came then.
    Receiving(Instant),
    /// A request's head is here; the request itself sees to the rest.
    Serving,
}

/// The phase of one connection.
#[derive(Debug, Clone)]
pub(super) struct Pulse(Arc<Mutex<Phase>>);

impl Pulse {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Phase::Idle(Instant::now()))))
    }

    /// A request's head is here and it's ours to answer. Returns when its body must be complete.
    pub(super) fn begin(&self, limits: &Limits) -> Instant {
        let mut phase = self.lock();
        let since = match *phase {
            Phase::Receiving(since) => since,
            // Its first bytes came along with the request before it.
            Phase::Idle(_) | Phase::Serving => Instant::now(),
        };
        *phase = Phase::Serving;
        later(since, limits.read_timeout)
    }

    /// The request at hand is answered.
    pub(super) fn rest(&self) {
        *self.lock() = Phase::Idle(Instant::now());
    }

    /// What the connection has overdone by now, if anything. Where others wait for its seat, it may be silent no longer
    /// than a request may take.
    pub(super) fn overdue(&self, limits: &Limits, crowded: bool) -> Option<Overdue> {
        let now = Instant::now();
        let silence = if crowded { limits.read_timeout } else { limits.idle_timeout };
        match *self.lock() {
            Phase::Idle(since) if later(since, silence) <= now => Some(Overdue::Silent),
            Phase::Receiving(since) if later(since, limits.read_timeout) <= now => Some(Overdue::Slow),
            Phase::Idle(_) | Phase::Receiving(_) | Phase::Serving => None,
        }
    }

    fn heard(&self) {
        let mut phase = self.lock();
        if matches!(*phase, Phase::Idle(_)) {
            *phase = Phase::Receiving(Instant::now());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Phase> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn later(since: Instant, wait: Duration) -> Instant {
    since.checked_add(wait).unwrap_or(since)
}

/// A socket that tells its [`Pulse`] when bytes come in.
#[derive(Debug)]
pub(super) struct Pulsed {
    stream: TcpStream,
    pulse: Pulse,
}

impl Pulsed {
    pub(super) fn new(stream: TcpStream, pulse: Pulse) -> Self {
        Self { stream, pulse }
    }
}

impl AsyncRead for Pulsed {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.pulse.heard();
        }
        read
    }
}

impl AsyncWrite for Pulsed {
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
