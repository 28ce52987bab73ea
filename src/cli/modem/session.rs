//! A modem on its port without a desk: the desk's own driver, for as long as one command takes.
//!
//! `target` opens it once it is sure that nobody else has the port. What a configured modem must not forget is kept in the
//! desk's database; for a port that is in no configuration nothing is, and so no PIN is entered.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::super::CliError;
use super::super::desk::Desk;
use super::ModemError;
use super::info::is_ready;
use super::target::untouched;
use crate::app::{AppError, modem_settings, offline_ledger};
use crate::config::Config;
use crate::deliver::modem::{ModemHandle, Ports, Settings, SystemPorts, Timings, modem_over};
use crate::model::{Forgetful, Ledger, ModemInfo, ModemState};
use crate::store::DATABASE;

/// A modem that isn't ready by then is shown as it is.
const SETTLES_WITHIN: Duration = Duration::from_secs(30);
/// A network that is there takes a modem within this, mostly.
const SEARCH: Duration = Duration::from_secs(5);
/// A modem that is ready tells of its memory and of its network's name at once, or never.
const CHECK_UP: Duration = Duration::from_secs(3);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(50);
/// Nothing else is under way on a port of our own.
const RESETS_WITHIN: Duration = Duration::from_secs(30);
/// The driver leaves a modem at rest within this, or is dropped.
const REST_WITHIN: Duration = Duration::from_secs(3);

/// A modem without an entry in the configuration gets what one without keys gets: see `[modem.NAME]` in
/// nightdesk.toml(5).
pub(super) const BAUD: u32 = 115_200;
const VALIDITY: Duration = Duration::from_hours(1);
const CAPS: (u32, u32) = (20, 100);

/// A modem's task, and the way to it.
pub(super) struct Session {
    pub(super) handle: ModemHandle,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Session {
    /// Opens the port.
    pub(super) fn open(settings: Settings, ledger: Arc<dyn Ledger>) -> Self {
        let stop = CancellationToken::new();
        let (handle, task) = modem_over(settings, ledger, FreePorts, stop.clone());
        Self { handle, stop, task: tokio::spawn(task) }
    }

    /// How the modem is once it stays so.
    ///
    /// # Errors
    /// [`ModemError::TaskEnded`], which is a fault of the program.
    pub(super) async fn settled(&self) -> Result<ModemInfo, ModemError> {
        let start = Instant::now();
        let (mut state, mut entered) = (ModemState::Opening, start);
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let info = self.info()?;
            if info.state != state {
                (state, entered) = (info.state, Instant::now());
            }
            if stays(&info, entered.elapsed()) || start.elapsed() >= SETTLES_WITHIN {
                return Ok(info);
            }
        }
    }

    /// How the modem is right now.
    ///
    /// # Errors
    /// [`ModemError::TaskEnded`].
    pub(super) fn info(&self) -> Result<ModemInfo, ModemError> {
        if self.task.is_finished() { Err(ModemError::TaskEnded) } else { Ok(self.handle.info()) }
    }

    /// Has the modem start anew. A port where nothing can be started is an error.
    ///
    /// # Errors
    /// Why it was not, in words.
    pub(super) async fn reset(&self) -> Result<(), ModemError> {
        let info = self.settled().await?;
        let name = info.name.clone();
        if info.state == ModemState::Absent {
            return is_ready(info);
        }
        let done = timeout(RESETS_WITHIN, self.handle.reset()).await;
        let done = done.unwrap_or_else(|_| Err("it did not take the command in time".to_owned()));
        done.map_err(|reason| ModemError::NotReset { name, reason })
    }

    /// Leaves the modem at rest and closes the port.
    pub(super) async fn close(mut self) {
        self.stop.cancel();
        if timeout(REST_WITHIN, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

/// Whether a modem that has been in this state for so long will be there for a while.
fn stays(info: &ModemInfo, span: Duration) -> bool {
    match info.state {
        ModemState::Ready => info.storage.is_some() || span >= CHECK_UP,
        ModemState::SimLocked | ModemState::Absent => true,
        ModemState::Searching => span >= SEARCH,
        ModemState::Opening | ModemState::Initialising | ModemState::Recovering => false,
    }
}

/// The settings of a port that is in no configuration.
pub(super) fn settings_of_port(port: PathBuf) -> Settings {
    Settings {
        name: port.display().to_string(),
        port: Some(port),
        baud: BAUD,
        smsc: None,
        validity: VALIDITY,
        pin: None,
        caps: CAPS,
        power: None,
        timings: Timings::default(),
    }
}

/// The settings of a configured modem, and what remembers for it: the desk's own database, which is locked meanwhile. One
/// that isn't there yet is not made, and nothing is remembered.
///
/// # Errors
/// Its PIN can't be had, or the data folder can't be used: another desk may hold it.
pub(super) fn configured(desk: &Desk, name: &str) -> Result<(Settings, Arc<dyn Ledger>), CliError> {
    let secrets = Desk { path: desk.path.clone(), config: only_modem(&desk.config, name) }.secrets()?;
    let settings = modem_settings(&desk.config, &secrets, name).map_err(AppError::from)?;
    let settings = settings.ok_or_else(|| ModemError::Unknown(name.to_owned()))?;
    let has_database = desk.config.storage.data_dir.join(DATABASE).exists();
    Ok((settings, if has_database { offline_ledger(&desk.config)? } else { forgetful() }))
}

/// The same without what else needs a secret: a token that is missing keeps nobody from trying the modem.
fn only_modem(config: &Config, name: &str) -> Config {
    let mut only = config.clone();
    only.modem.retain(|known, _| known == name);
    only.sources.clear();
    only.llm.clear();
    only.crm.clear();
    (only.twilio, only.server.tls) = (None, None);
    only
}

/// A ledger that keeps nothing.
pub(super) fn forgetful() -> Arc<dyn Ledger> {
    Arc::new(Forgetful)
}

/// The ports of this box, but for those that somebody else has: as root the kernel would open them all the same.
struct FreePorts;

impl Ports for FreePorts {
    type Port = <SystemPorts as Ports>::Port;

    fn open(&mut self, port: &Path, baud: u32) -> io::Result<Self::Port> {
        if let Ok(device) = port.canonicalize() {
            untouched(port, &device).map_err(|error| io::Error::new(io::ErrorKind::ResourceBusy, error.to_string()))?;
        }
        SystemPorts.open(port, baud)
    }

    fn set_speed(&mut self, port: &mut Self::Port, baud: u32) -> io::Result<()> {
        SystemPorts.set_speed(port, baud)
    }

    fn candidates(&mut self) -> Vec<PathBuf> {
        SystemPorts.candidates()
    }
}
