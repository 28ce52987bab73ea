//! A TCP connection that hands over one line at a time, so that nothing is read ahead across `STARTTLS`.
//!
//! Used by `session` for every connection that begins without TLS. Whoever sits in between could put answers behind the
//! server's "220 go ahead"; a reader that had buffered them would take them for what the server says under TLS. Here they
//! are left in the socket, where the TLS handshake meets them and fails. Outside rule: RFC 3207, clause 6.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A line of an answer has at most 512 bytes (RFC 5321, clause 4.5.3.1.5); a longer one comes in pieces.
const PIECE_BYTES: usize = 512;

/// The connection.
#[derive(Debug)]
pub(super) struct LineByLine(pub(super) TcpStream);

impl AsyncTokioStream for LineByLine {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.peer_addr()
    }
}

impl AsyncRead for LineByLine {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut piece = [0; PIECE_BYTES];
        let room = buf.remaining().min(PIECE_BYTES);
        let mut ahead = ReadBuf::new(piece.get_mut(..room).unwrap_or_default());
        ready!(self.0.poll_peek(cx, &mut ahead))?;
        let seen = ahead.filled();
        let length = seen.iter().position(|byte| *byte == b'\n').map_or(seen.len(), |at| at.saturating_add(1));
        let mut line = ReadBuf::new(piece.get_mut(..length).unwrap_or_default());
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut line))?;
        buf.put_slice(line.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LineByLine {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
