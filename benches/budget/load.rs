//! The load driver: connections that stay open, each posting its next request as soon as the last one is answered.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::support::Post;

/// Connections at once.
pub(crate) const CONNECTIONS: usize = 64;

/// Posts everything over [`CONNECTIONS`] connections; every answer must be a 2xx. How long it took.
pub(crate) async fn drive(address: SocketAddr, requests: Vec<Vec<u8>>) -> Duration {
    let mut shares: Vec<Vec<Vec<u8>>> = vec![Vec::new(); CONNECTIONS];
    for (n, request) in requests.into_iter().enumerate() {
        shares[n % CONNECTIONS].push(request);
    }
    let mut connections = Vec::new();
    for share in shares {
        connections.push((Connection::open(address).await, share));
    }
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for (mut connection, share) in connections {
        running.spawn(async move {
            for request in share {
                let answer = connection.ask(&request).await;
                assert!(answer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(answer));
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
    begun.elapsed()
}

/// A connection that stays open.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: vec![0; 4_096] }
    }

    /// Sends a request and waits for its answer, head and body.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> &[u8] {
        self.stream.write_all(request).await.unwrap();
        let mut filled = 0;
        while !is_whole(&self.buffer[..filled]) {
            let read = self.stream.read(&mut self.buffer[filled..]).await.unwrap();
            assert!(read > 0, "the connection was closed");
            filled += read;
        }
        &self.buffer[..filled]
    }
}

/// Whether an answer has come whole: its head, and as many bytes as it says.
fn is_whole(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let text = std::str::from_utf8(&answer[..head]).unwrap();
    let length = text.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    answer.len() >= head + 4 + length.unwrap_or(0)
}

/// The request on a connection that stays open.
pub(crate) fn kept_alive(post: &Post) -> Vec<u8> {
    String::from_utf8(post.bytes()).unwrap().replace("Connection: close\r\n", "").into_bytes()
}
