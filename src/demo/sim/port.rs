//! The port of a simulated vendor that is down: whoever connects is refused, and nobody else gets it meanwhile.

use std::future::pending;
use std::net::SocketAddr;

use tokio::net::TcpSocket;
use tokio::task::yield_now;

/// So often it is tried to get hold of the port: the vendor's own listener is closed within a few turns of the runtime.
const TRIES: usize = 10_000;

/// Holds the port until aborted, without listening there. The kernel gives a port that is bound to nobody who asks for any
/// (bind(2)), and `SO_REUSEADDR` lets the vendor listen there again (socket(7)).
pub(super) async fn keep(address: SocketAddr) {
    for _ in 0..TRIES {
        if let Ok(_held) = bound(address) {
            return pending().await;
        }
        yield_now().await;
    }
}

fn bound(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
