//! Where a simulated vendor listens: on a port of 127.0.0.1 that stays its own while it is down.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;

use tokio::net::{TcpListener, TcpSocket};
use tokio::task::{AbortHandle, yield_now};

use super::lock;

/// So often it is tried to keep the port: the vendor's own listener is closed within a few turns of the runtime.
const TRIES: usize = 10_000;

/// A port, and the task that serves or keeps it until this is dropped.
pub(super) struct Port {
    address: SocketAddr,
    task: Mutex<Option<AbortHandle>>,
}

impl Port {
    /// Serves on a free one.
    pub(super) async fn open<S: Future<Output = ()> + Send + 'static>(
        serve: impl FnOnce(TcpListener) -> S,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { address, task: Mutex::new(Some(tokio::spawn(serve(listener)).abort_handle())) })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends what serves it: whoever connects is refused, and nobody else gets the port meanwhile.
    pub(super) fn close(&self) {
        self.turn_to(Some(tokio::spawn(keep(self.address)).abort_handle()));
    }

    /// Serves on it again.
    pub(super) async fn reopen<S: Future<Output = ()> + Send + 'static>(
        &self,
        serve: impl FnOnce(TcpListener) -> S,
    ) -> io::Result<()> {
        let listener = TcpListener::bind(self.address).await?;
        self.turn_to(Some(tokio::spawn(serve(listener)).abort_handle()));
        Ok(())
    }

    fn turn_to(&self, task: Option<AbortHandle>) {
        if let Some(before) = std::mem::replace(&mut *lock(&self.task), task) {
            before.abort();
        }
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.turn_to(None);
    }
}

/// Holds the port without listening there. The kernel gives a port that is bound to nobody who asks for any (bind(2)), and
/// `SO_REUSEADDR` lets the vendor listen there again (socket(7)).
async fn keep(address: SocketAddr) {
    for _ in 0..TRIES {
        if let Ok(_held) = bound(address) {
            return pending().await;
        }
        yield_now().await;
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
