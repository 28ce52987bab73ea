//! Serial ports: raw 8N1, for us alone, without resetting the modem when one is closed again; and where to look for them.
//!
//! The only place that names `tokio-serial`. Called by the task whenever the port is (again) there. It never blocks:
//! a port is opened without waiting for a carrier.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};
use tokio_serial::{ClearBuffer, SerialPort, SerialPortBuilderExt, SerialStream};

use super::Ports;

/// Names that stay: udev's for the modems it knows, then each device's own.
const OUR_LINK: &str = "/dev/nightdesk-modem";
const BY_ID: &str = "/dev/serial/by-id";
/// The pins of a Raspberry Pi.
const PINS: &str = "/dev/serial0";

/// The ports of this machine.
#[derive(Debug, Clone, Copy)]
pub struct SystemPorts;

impl Ports for SystemPorts {
    type Port = SerialStream;

    fn open(&mut self, path: &Path, baud: u32) -> io::Result<SerialStream> {
        // Held until the port is open for good: the other end of a pseudo terminal takes a close for a hang-up.
        let _held = keep_line_up_after_close(path)?;
        // 8N1 without flow control is the default of the builder, and so is exclusive use.
        let mut port = tokio_serial::new(path.to_string_lossy(), baud).open_native_async()?;
        port.clear(ClearBuffer::Input)?;
        // Some modems listen only while DTR is up; a pseudo terminal has no such line, which does no harm.
        drop(port.write_data_terminal_ready(true));
        Ok(port)
    }

    fn set_speed(&mut self, port: &mut SerialStream, baud: u32) -> io::Result<()> {
        Ok(port.set_baud_rate(baud)?)
    }

    fn candidates(&mut self) -> Vec<PathBuf> {
        let mut by_id: Vec<PathBuf> =
            fs::read_dir(BY_ID).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
        by_id.sort();
        let ends = [PathBuf::from(OUR_LINK)].into_iter().chain(by_id).chain([PathBuf::from(PINS)]);
        let (mut seen, mut found) = (Vec::new(), Vec::new());
        for path in ends {
            // One device may have several names: the first is the best.
            if let Ok(device) = path.canonicalize()
                && !seen.contains(&device)
            {
                seen.push(device);
                found.push(path);
            }
        }
        found
    }
}

/// Clears HUPCL: closing the port would drop DTR, and some modems then reset or hang up.
fn keep_line_up_after_close(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let port = rustix::fs::open(path, flags, Mode::empty())?;
    let mut modes = tcgetattr(&port)?;
    modes.control_modes.remove(ControlModes::HUPCL);
    tcsetattr(&port, OptionalActions::Now, &modes)?;
    Ok(port)
}
