//! A serial port that isn't there: the master side of a pseudo-terminal, and a stable path to its other side.
//!
//! No descriptor of the slave side is kept, so the client may open it exclusively. The kernel keeps that exclusive mark
//! (`TIOCEXCL`) on a pseudo-terminal even after a killed client's descriptor is gone, so every client gets a fresh pair:
//! the link at the stable path is moved in one rename, as a USB modem keeps its name under `/dev/serial/by-id`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The modem's end of the line.
#[derive(Debug)]
pub(super) struct Master(AsyncFd<File>);

impl Master {
    /// Makes a fresh pair, raw, and lets `link` lead to its other side.
    pub(super) fn open(link: &Path) -> io::Result<Self> {
        // Close on exec: a daemon started by the same test must not inherit the modem.
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let mut settings = tcgetattr(&master)?;
        settings.make_raw();
        tcsetattr(&master, OptionalActions::Now, &settings)?;
        rustix::fs::fcntl_setfl(&master, OFlags::NONBLOCK)?;
        let name = ptsname(&master, Vec::new())?;
        let fresh = link.with_extension("fresh");
        drop(std::fs::remove_file(&fresh));
        std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(name.as_bytes()), &fresh)?;
        std::fs::rename(&fresh, link)?;
        watched(File::from(master)).map(Self)
    }

    /// The speed the client has set.
    pub(super) fn speed(&self) -> Option<u32> {
        tcgetattr(self.0.get_ref()).ok().map(|settings| settings.output_speed())
    }
}

/// Asks tokio to tell when the file can be read or written.
#[expect(
    deprecated,
    reason = "its successor is unsafe, for types that don't own what they name; a File owns its descriptor"
)]
fn watched(file: File) -> io::Result<AsyncFd<File>> {
    AsyncFd::new(file)
}

impl AsyncRead for Master {
    /// An error (`EIO`) says that the client has closed its side.
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.0.poll_read_ready(context))?;
            match guard.try_io(|master| master.get_ref().read(into.initialize_unfilled())) {
                Ok(result) => return Poll::Ready(result.map(|count| into.advance(count))),
                Err(_would_block) => {}
            }
        }
    }
}

impl AsyncWrite for Master {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.0.poll_write_ready(context))?;
            match guard.try_io(|master| master.get_ref().write(bytes)) {
                Ok(result) => return Poll::Ready(result),
                Err(_would_block) => {}
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
