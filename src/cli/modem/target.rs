//! Which modem a command means, and whether its port may be opened.
//!
//! A port has one owner: one that the running desk uses is reached through the desk, one that another program has open
//! is not touched. As root the kernel would let us in all the same (`ioctl_tty(2)`, `TIOCEXCL`), so `/proc` is asked first.

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::CliError;
use super::super::desk::Desk;
use super::super::doctor::ports::{device_of, is_console};
use super::super::doctor::processes::{Process, Processes};
use super::ModemError;
use super::reach::{Reach, Through};
use super::session::{Session, configured, forgetful, settings_of_port};
use crate::control::{Request, Response};
use crate::model::ModemInfo;

/// The files of the running processes.
const PROC: &str = "/proc";

/// Which modem.
#[derive(Debug, Args)]
pub(super) struct Target {
    /// The modem's name, as in [modem.NAME]; not needed where there is one
    name: Option<String>,
    /// The modem on this port, whether it is configured or not
    #[arg(long, value_name = "PATH", conflicts_with = "name")]
    pub(super) port: Option<PathBuf>,
}

impl Target {
    /// The way to the modem.
    pub(super) async fn reach(&self, config: &Path) -> Result<Reach, CliError> {
        let Some(port) = &self.port else {
            let desk = Desk::load(config.to_owned())?;
            let name = self.name_in(&desk)?;
            return of_name(desk, name).await;
        };
        let device = may_be_a_port(port)?;
        // The configuration is only asked for a desk that may have the port.
        if let Ok(desk) = Desk::load(config.to_owned()) {
            let owned = modems_of(&desk).await.ok().flatten().unwrap_or_default();
            if let Some(modem) = owned.into_iter().find(|modem| is_on(&desk, modem, &device)) {
                return Ok(Reach::Desk(Box::new(Through { desk, name: modem.name })));
            }
        }
        untouched(port, &device)?;
        Ok(Reach::Port(Box::new(Session::open(settings_of_port(port.clone()), forgetful()))))
    }

    /// The configured modem that is meant.
    pub(super) fn name_in(&self, desk: &Desk) -> Result<String, ModemError> {
        let modems = &desk.config.modem;
        if let Some(name) = &self.name {
            return if modems.contains_key(name) { Ok(name.clone()) } else { Err(ModemError::Unknown(name.clone())) };
        }
        let names: Vec<&String> = modems.keys().collect();
        match names.as_slice() {
            [] => Err(ModemError::NoneConfigured),
            [one] => Ok((*one).clone()),
            many => Err(ModemError::Which(many.iter().map(ToString::to_string).collect())),
        }
    }

    /// Every configured modem that may be meant.
    pub(super) fn names_in(&self, desk: &Desk) -> Result<Vec<String>, ModemError> {
        match self.name_in(desk) {
            Ok(one) => Ok(vec![one]),
            Err(ModemError::Which(many)) => Ok(many),
            Err(error) => Err(error),
        }
    }
}

/// A configured modem: through the desk if it runs, else on its port.
async fn of_name(desk: Desk, name: String) -> Result<Reach, CliError> {
    let through = Through { desk, name };
    if through.runs().await? {
        return Ok(Reach::Desk(Box::new(through)));
    }
    open(&through.desk, &through.name)
}

/// Opens the port of a configured modem of a desk that doesn't run.
pub(super) fn open(desk: &Desk, name: &str) -> Result<Reach, CliError> {
    let modem = desk.config.modem.get(name).ok_or_else(|| ModemError::Unknown(name.to_owned()))?;
    // One that isn't there yet is the driver's to tell of.
    if let Some(port) = &modem.port
        && let Ok(device) = port.canonicalize()
    {
        untouched(port, &device)?;
    }
    let (settings, ledger) = configured(desk, name)?;
    Ok(Reach::Port(Box::new(Session::open(settings, ledger))))
}

/// The modems of the running desk; `None` when none runs.
pub(super) async fn modems_of(desk: &Desk) -> Result<Option<Vec<ModemInfo>>, CliError> {
    match desk.ask_if_running(&Request::Status).await? {
        Some(Response::Status(status)) => Ok(Some(status.modems)),
        Some(Response::Refused { reason }) => Err(CliError::Refused { reason }),
        Some(
            Response::Done { .. }
            | Response::Replayed { .. }
            | Response::Modem(_)
            | Response::Tested { .. }
            | Response::Looks { .. }
            | Response::Suppression { .. }
            | Response::Text(_)
            | Response::Fate { .. },
        ) => Err(CliError::OddAnswer),
        None => Ok(None),
    }
}

/// The port of a desk's modem: the one it found, else the one it is configured for.
pub(super) fn port_of(desk: &Desk, modem: &ModemInfo) -> Option<PathBuf> {
    let configured = || desk.config.modem.get(&modem.name)?.port.clone();
    modem.port.as_ref().map(PathBuf::from).or_else(configured)
}

fn is_on(desk: &Desk, modem: &ModemInfo, device: &Path) -> bool {
    port_of(desk, modem).and_then(|port| port.canonicalize().ok()).is_some_and(|port| port == device)
}

/// The device behind a path that a person typed.
fn may_be_a_port(port: &Path) -> Result<PathBuf, ModemError> {
    match device_of(port) {
        Ok((device, _)) => Ok(device),
        Err(_) if port.exists() => Err(ModemError::NotAPort(port.to_owned())),
        Err(_) => Err(ModemError::NoPort(port.to_owned())),
    }
}

/// Nobody else uses the port, as far as this user can see.
pub(super) fn untouched(port: &Path, device: &Path) -> Result<(), ModemError> {
    let proc = Path::new(PROC);
    let holders = Processes::scan(proc);
    let is_another = |process: &&&Process| process.pid != std::process::id();
    if let Some(holder) = holders.holding(device).iter().find(is_another) {
        return Err(ModemError::Held { port: port.to_owned(), name: holder.name.clone(), pid: holder.pid });
    }
    if device.metadata().is_ok_and(|facts| is_console(proc, &facts)) {
        return Err(ModemError::Console(port.to_owned()));
    }
    Ok(())
}
