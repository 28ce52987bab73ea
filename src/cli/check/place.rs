//! What the configuration names on this box: modem ports, the data folder, the listeners.
//!
//! Called by `check` only; nothing is created and nothing is opened for writing. A port that is absent is a warning: the
//! desk runs without its modem, and finds it when it is plugged in.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::Findings;
use crate::app;
use crate::cli::CliError;
use crate::cli::desk::Desk;
use crate::config::{Config, Secrets};
use crate::control::Request;
use crate::intake::{self, TlsPart};
use crate::model::Timestamp;
use crate::store::{Reader, StoreError};

/// The modems' serial ports.
pub(super) fn ports(config: &Config, found: &mut Findings) {
    for (name, modem) in &config.modem {
        let Some(port) = &modem.port else { continue };
        let (path, at) = (format!("modem.{name}.port"), port.display());
        match access(port, Access::READ_OK | Access::WRITE_OK) {
            Ok(()) => {}
            Err(Errno::NOENT) => found.warn(path, format!("{at} isn't there: is the modem plugged in?")),
            Err(Errno::ACCESS) => found.warn(path, format!("this user may not use {at}: is it in group dialout?")),
            Err(error) => found.warn(path, format!("{at}: {error}")),
        }
    }
}

/// The files of the listener's TLS. A wrong date is a warning: the clock may be what is wrong, and it keeps nobody from
/// being heard who doesn't look at it.
pub(super) fn tls(config: &Config, secrets: &Secrets, found: &mut Findings) {
    // A key that is nowhere was told with the secrets.
    let Ok(Some(files)) = app::tls_files(config, secrets) else { return };
    match intake::judge_tls(&files, Timestamp::now()) {
        Ok(None) => {}
        Ok(Some(doubt)) => found.warn("server.tls.certificate", doubt.to_string()),
        Err(error) => {
            let key = match error.part {
                TlsPart::Certificate => "server.tls.certificate",
                TlsPart::Key => "server.tls.key",
                TlsPart::ClientCa => "server.tls.client-ca",
            };
            found.error(key, error.to_string());
        }
    }
}

/// The data folder and the place of the control socket.
pub(super) fn storage(config: &Config, found: &mut Findings) {
    let folder = &config.storage.data_dir;
    if folder.exists() {
        writable(folder, "storage.data-dir", found);
        if let Err(error @ StoreError::TooNew { .. }) = Reader::open(folder) {
            found.error("storage.data-dir", error.to_string());
        }
    } else {
        // It is made at the first start, with all that is missing above it.
        match folder.ancestors().find(|above| above.exists()) {
            Some(above) => writable(above, "storage.data-dir", found),
            None => found.error("storage.data-dir", format!("{} can't be made", folder.display())),
        }
    }
    // systemd makes the unit's runtime folder at its start and takes it away at its end.
    if let Some(folder) = config.storage.control_socket.parent().filter(|folder| !folder.starts_with("/run")) {
        if folder.is_dir() {
            writable(folder, "storage.control-socket", found);
        } else {
            found.error("storage.control-socket", format!("there is no folder {}", folder.display()));
        }
    }
}

fn writable(folder: &Path, key: &str, found: &mut Findings) {
    if !folder.is_dir() {
        found.error(key, format!("{} is not a folder", folder.display()));
    } else if let Err(error) = access(folder, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) {
        found.error(key, format!("this user can't write to {}: {error}", folder.display()));
    }
}

/// The two listeners. A desk that runs with this configuration holds them already, which is well.
pub(super) async fn listeners(desk: &Desk, found: &mut Findings) -> Result<(), CliError> {
    match desk.ask_if_running(&Request::Status).await {
        Ok(Some(_)) => {
            found.well.push("the desk runs with these listeners".to_owned());
            return Ok(());
        }
        // Whoever may not ask can't tell whose listener it is.
        Err(CliError::Control(error)) => {
            found.warn("storage.control-socket", error.to_string());
            return Ok(());
        }
        Ok(None) => {}
        Err(error) => return Err(error),
    }
    let server = &desk.config.server;
    for (key, address) in [("server.listen", server.listen), ("server.admin-listen", server.admin_listen)] {
        if let Some(words) = trouble(address) {
            found.error(key, words);
        }
    }
    Ok(())
}

/// Why nobody can listen there. The port is free again when this returns: nothing was accepted on it.
fn trouble(address: SocketAddr) -> Option<String> {
    let error = TcpListener::bind(address).err()?;
    Some(match error.kind() {
        ErrorKind::AddrInUse => format!("{address} is in use by another program (ss -ltnp shows which)"),
        ErrorKind::AddrNotAvailable => format!("{address} is no address of this machine"),
        ErrorKind::PermissionDenied => format!("this user may not listen on {address}"),
        _ => format!("nobody can listen on {address}: {error}"),
    })
}
