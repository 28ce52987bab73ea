//! A bench of simulated modems without a kernel: their ports exist in memory, so that a driver meets them on a paused
//! clock, with ports that vanish, come back, move and are held by others.
//!
//! A bench is the driver's `Ports`. What it opens is a port for one client at a time, as `TIOCEXCL` makes it; when the
//! modem goes, the client hears of it by `EIO`, as from the kernel.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::super::lock;
use super::driver::{self, Client, Shared};
use super::machine::Machine;
use super::{Modem, Setup};
use crate::deliver::modem::Ports;

/// The kernel's buffer for a port.
const BUFFER: usize = 64 * 1024;
/// Input/output error.
const EIO: i32 = 5;

/// Ports under paths.
#[derive(Debug, Clone, Default)]
pub struct Bench(Arc<Mutex<Vec<Place>>>);

/// What is behind a path.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    device: Device,
    refusal: Option<io::ErrorKind>,
}

#[derive(Debug, Clone)]
enum Device {
    Modem { shared: Arc<Shared>, connect: mpsc::UnboundedSender<Client> },
    Other(Other),
}

/// Devices on serial ports that are no modem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// It says nothing.
    Mute,
    /// It tells where it is, every second, whatever is asked (NMEA 0183).
    Gps,
    /// It repeats what it hears, as an open console does.
    Echo,
}

impl Bench {
    /// A bench with nothing on it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a modem on it. Must be called on a runtime.
    #[must_use]
    pub fn modem(&self, path: impl Into<PathBuf>, setup: Setup) -> Modem {
        let (shared, path) = (setup.shared(), path.into());
        let (connect, clients) = mpsc::unbounded_channel();
        let task = tokio::spawn(driver::on_bench(Arc::clone(&shared), clients)).abort_handle();
        let device = Device::Modem { shared: Arc::clone(&shared), connect };
        self.put(path.clone(), device);
        Modem { shared, path: Some(path), link: None, task }
    }

    /// Puts something else on it.
    pub fn other(&self, path: impl Into<PathBuf>, other: Other) {
        self.put(path.into(), Device::Other(other));
    }

    fn put(&self, path: PathBuf, device: Device) {
        lock(&self.0).push(Place { path, device, refusal: None });
    }

    /// A device gets another name, as a modem does that was plugged in elsewhere.
    pub fn rename(&self, from: impl AsRef<Path>, to: impl Into<PathBuf>) {
        if let Some(place) = lock(&self.0).iter_mut().find(|place| place.path == from.as_ref()) {
            place.path = to.into();
        }
    }

    /// From now on nobody may open this port, for this reason; or everybody again.
    pub fn refuse(&self, path: impl AsRef<Path>, why: Option<io::ErrorKind>) {
        if let Some(place) = lock(&self.0).iter_mut().find(|place| place.path == path.as_ref()) {
            place.refusal = why;
        }
    }

    fn find(&self, path: &Path) -> io::Result<Device> {
        let places = lock(&self.0);
        let place = places.iter().find(|place| place.path == path).ok_or(io::ErrorKind::NotFound)?;
        place.refusal.map_or_else(|| Ok(place.device.clone()), |why| Err(why.into()))
    }
}

impl Ports for Bench {
    type Port = BenchPort;

    fn open(&mut self, path: &Path, baud: u32) -> io::Result<BenchPort> {
        let (near, far) = tokio::io::duplex(BUFFER);
        let hold = match self.find(path)? {
            Device::Modem { shared, connect } => {
                if !shared.tick() {
                    return Err(io::ErrorKind::NotFound.into());
                }
                if lock(&shared.machine).is_held() {
                    return Err(io::ErrorKind::ResourceBusy.into());
                }
                connect.send(Client { line: far, baud }).map_err(|_| io::ErrorKind::NotFound)?;
                shared.touch(Machine::hold);
                Some(Hold(shared))
            }
            Device::Other(other) => {
                tokio::spawn(other.serve(far));
                None
            }
        };
        Ok(BenchPort { line: near, hold })
    }

    fn set_speed(&mut self, port: &mut BenchPort, baud: u32) -> io::Result<()> {
        if let Some(Hold(shared)) = &port.hold {
            shared.touch(|machine| machine.change_speed(baud));
        }
        Ok(())
    }

    fn candidates(&mut self) -> Vec<PathBuf> {
        let there = |device: &Device| match device {
            Device::Modem { shared, .. } => shared.tick(),
            Device::Other(_) => true,
        };
        let mut found: Vec<PathBuf> =
            lock(&self.0).iter().filter(|place| there(&place.device)).map(|place| place.path.clone()).collect();
        found.sort();
        found
    }
}

impl Other {
    async fn serve(self, mut line: DuplexStream) {
        let mut buffer = [0; 256];
        loop {
            let said: &[u8] = tokio::select! {
                read = line.read(&mut buffer) => match read {
                    Ok(count @ 1..) if self == Self::Echo => buffer.get(..count).unwrap_or_default(),
                    Ok(1..) => continue,
                    Ok(_) | Err(_) => return,
                },
                () = sleep(Duration::from_secs(1)), if self == Self::Gps => {
                    b"$GPGGA,181459.00,4042.6142,N,07400.4168,W,1,08,1.01,10.0,M,-34.0,M,,*5E\r\n"
                }
            };
            if line.write_all(said).await.is_err() {
                return;
            }
        }
    }
}

/// A port that a client has open.
pub struct BenchPort {
    line: DuplexStream,
    hold: Option<Hold>,
}

impl fmt::Debug for BenchPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BenchPort")
    }
}

/// The modem's port is held by a client until this is dropped.
struct Hold(Arc<Shared>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.touch(Machine::disconnect);
    }
}

fn gone() -> io::Error {
    io::Error::from_raw_os_error(EIO)
}

impl AsyncRead for BenchPort {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        match Pin::new(&mut self.line).poll_read(context, into) {
            Poll::Ready(Ok(())) if into.filled().len() == before && into.remaining() > 0 => Poll::Ready(Err(gone())),
            other => other,
        }
    }
}

impl AsyncWrite for BenchPort {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.line).poll_write(context, bytes).map_err(|_| gone())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_flush(context).map_err(|_| gone())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_shutdown(context).map_err(|_| gone())
    }
}
