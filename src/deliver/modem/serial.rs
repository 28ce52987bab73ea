//! Opening the modem's serial port: raw 8N1, for us alone, without resetting the modem when it is closed again.
//!
//! The only place that names `tokio-serial`. Called by the task whenever the port is (again) there. It never blocks:
//! the port is opened without waiting for a carrier.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};
use tokio_serial::{ClearBuffer, SerialPort, SerialPortBuilderExt, SerialStream};

use super::Settings;

/// Opens the configured port.
///
/// # Errors
/// It isn't there, another program has it, or we may not open it; the task tries again.
pub(super) fn open(settings: &Settings) -> io::Result<SerialStream> {
    // Held until the port is open for good: the other end of a pseudo terminal takes a close for a hang-up.
    let _held = keep_line_up_after_close(settings)?;
    let path = settings.port.to_string_lossy();
    // 8N1 without flow control is the default of the builder, and so is exclusive use.
    let mut port = tokio_serial::new(path, settings.baud).open_native_async()?;
    port.clear(ClearBuffer::Input)?;
    // Some modems listen only while DTR is up; a pseudo terminal has no such line, which does no harm.
    drop(port.write_data_terminal_ready(true));
    Ok(port)
}

/// Clears HUPCL: closing the port would drop DTR, and some modems then reset or hang up.
fn keep_line_up_after_close(settings: &Settings) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let port = rustix::fs::open(&settings.port, flags, Mode::empty())?;
    let mut modes = tcgetattr(&port)?;
    modes.control_modes.remove(ControlModes::HUPCL);
    tcsetattr(&port, OptionalActions::Now, &modes)?;
    Ok(port)
}
