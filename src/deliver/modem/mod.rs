//! The GSM modem: one task owns the serial port, and a handle hands it texts, and phones to be rung.
//!
//! ```text
//!  handle ─▶ actor ─▶ line ─▶ port          course: what comes next when it fails      at: bytes to lines
//!    │         ├─▶ init (made ready, pin)    budget: how much its SIM may send          submit: one AT+CMGS
//!    │         └─▶ serve ─▶ sending, inbox   errors: numbers to classes                 pdu: the codec
//!    │                       ring: a call
//!    └──────▶ traffic ◀── overheard          board: what is told of it                  keeper: what must not be forgotten
//! ```
//!
//! [`modem`] is called once by `app`; the outbox performs SMS jobs through [`ModemHandle`]. A text is written once for
//! each try and never retried in here. Always PDU mode; nothing is written into the modem's flash; never a PUK, and a PIN
//! only as `pin` allows.

mod actor;
pub mod at;
mod board;
mod budget;
mod course;
mod errors;
mod handle;
mod identity;
mod inbox;
mod init;
mod keeper;
mod line;
mod network;
mod opening;
mod overheard;
pub mod pdu;
mod pin;
mod ring;
mod sending;
mod serial;
mod serve;
mod submit;
#[cfg(test)]
mod tests;
mod traffic;

use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::model::{Identity, Ledger, ModemInfo, ModemState, Spent, Tally, Timestamp};
pub use handle::ModemHandle;
pub use serial::SystemPorts;

use actor::{Actor, OwnTime};
use board::Board;
use budget::Budget;
use course::Course;
use identity::WHO;
use init::Facts;
use keeper::Keeper;
use line::Line;
use overheard::Overheard;
use pin::Keyring;
use traffic::SharedTraffic;

/// More texts than these never wait for one modem: the outbox gives it one at a time.
const QUEUE: usize = 8;

/// A port is looked at for what answers; it may be no modem's.
const PROBE_GAP: Duration = Duration::from_millis(20);
const PROBE_WITHIN: Duration = Duration::from_secs(2);

/// One modem, as configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The channel's name without its lane, such as `modem0`.
    pub name: String,
    /// The serial port, best by its stable name under `/dev/serial/by-id`; `None` is the first that answers.
    pub port: Option<PathBuf>,
    /// Speed of the port; USB modems ignore it.
    pub baud: u32,
    /// The operator's service centre, if the one stored on the SIM is not to be used.
    pub smsc: Option<String>,
    /// How long the network may try to deliver a text.
    pub validity: Duration,
    /// The SIM's PIN.
    pub pin: Option<SimPin>,
    /// Parts its SIM may send in an hour, and in 24 hours.
    pub caps: (u32, u32),
    /// Takes its power away and gives it back, where root has a way to.
    pub power: Option<PowerSwitch>,
    /// Waits; the defaults suit real modems.
    pub timings: Timings,
}

/// A SIM's PIN, and the name under which its tries are remembered.
#[derive(Debug, Clone)]
pub struct SimPin {
    /// The digits.
    pub digits: SecretString,
    /// A keyed hash of them.
    pub mark: String,
}

/// Asks for a modem's power to be taken away and given back. Says in words why not.
#[derive(Clone)]
pub struct PowerSwitch(pub Arc<dyn Fn() -> Result<(), String> + Send + Sync>);

impl fmt::Debug for PowerSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PowerSwitch")
    }
}

/// How long the task waits, and for what.
#[derive(Debug, Clone)]
pub struct Timings {
    /// For the prompt: modems give it within a second, hung ones never.
    pub prompt: Duration,
    /// For the network's verdict. Some modems take two minutes; by then somebody else has been asked.
    pub result: Duration,
    /// For the `OK` behind the reference; without it the text counts as sent.
    pub ok_after_reference: Duration,
    /// Between an answer and the next command: some modems lose bytes that come sooner.
    pub gap: Duration,
    /// Between two looks at an idle modem.
    pub keep_alive: Duration,
    /// Between two parts: networks hold back who sends faster.
    pub part_gap: Duration,
    /// Between two tries to open the port.
    pub reopen: Duration,
    /// Between two tries to use a modem that has no network or no usable SIM.
    pub retry: Duration,
    /// After a verdict that didn't come: how long the modem is left in peace, so that it may still come.
    pub late_verdict: Duration,
    /// How long before its hard deadline a try is ended, so that its report is in time.
    pub answer_margin: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            prompt: Duration::from_secs(5),
            result: Duration::from_mins(1),
            ok_after_reference: Duration::from_secs(2),
            gap: Duration::from_millis(20),
            keep_alive: Duration::from_mins(1),
            part_gap: Duration::from_secs(3),
            reopen: Duration::from_secs(1),
            retry: Duration::from_secs(2),
            late_verdict: Duration::from_secs(10),
            answer_margin: Duration::from_millis(300),
        }
    }
}

/// Where serial ports come from: the system, or a test.
pub trait Ports: Send {
    /// An open port.
    type Port: AsyncRead + AsyncWrite + Unpin + Send;

    /// Opens a port for this program alone.
    ///
    /// # Errors
    /// As the system says: it isn't there, it may not be used, somebody else has it.
    fn open(&mut self, port: &Path, baud: u32) -> io::Result<Self::Port>;

    /// Changes the speed of an open port.
    ///
    /// # Errors
    /// The port is gone, or knows no such speed.
    fn set_speed(&mut self, port: &mut Self::Port, baud: u32) -> io::Result<()> {
        let _ = (port, baud);
        Ok(())
    }

    /// Ports that may have a modem behind them, best first.
    fn candidates(&mut self) -> Vec<PathBuf>;
}

/// A modem: the handle, and its task, which ends when `stop` is cancelled.
pub fn modem(
    settings: Settings,
    ledger: Arc<dyn Ledger>,
    stop: CancellationToken,
) -> (ModemHandle, impl Future<Output = ()> + Send) {
    modem_over(settings, ledger, SystemPorts, stop)
}

/// The same over any ports.
pub fn modem_over<P: Ports>(
    settings: Settings,
    ledger: Arc<dyn Ledger>,
    ports: P,
    stop: CancellationToken,
) -> (ModemHandle, impl Future<Output = ()> + Send) {
    let (work, wishes) = mpsc::channel(QUEUE);
    let (shown, info) = watch::channel(unknown(&settings));
    let traffic = SharedTraffic::default();
    let answer_margin = settings.timings.answer_margin;
    let actor = Actor {
        ports,
        wishes,
        board: Board::new(shown, traffic.clone()),
        keeper: Keeper::new(ledger, settings.name.clone(), traffic.clone()),
        course: Course::new(settings.timings.reopen, settings.timings.retry, settings.power.is_some()),
        budget: Budget::new(settings.caps, settings.timings.part_gap),
        keyring: Keyring::new(settings.pin.clone()),
        traffic: traffic.clone(),
        stop,
        time: OwnTime::begin(),
        facts: Facts::default(),
        indication: None,
        others: Vec::new(),
        harmed: Vec::new(),
        port: None,
        speed: None,
        strikes: 0,
        settings,
    };
    (ModemHandle { work, info, traffic, answer_margin }, actor.run())
}

/// What is known of a modem before its port was opened.
fn unknown(settings: &Settings) -> ModemInfo {
    let (per_hour, per_day) = settings.caps;
    ModemInfo {
        name: settings.name.clone(),
        port: settings.port.as_ref().map(|port| port.display().to_string()),
        state: ModemState::Opening,
        since: Timestamp::now(),
        reason: None,
        cure: None,
        next: None,
        identity: Identity::default(),
        operator: None,
        registration: None,
        signal_dbm: None,
        centre: None,
        storage: None,
        reports: None,
        report_seen: false,
        spent: Spent { per_hour, per_day, ..Spent::default() },
        opened: 0,
        texts: Tally::default(),
    }
}

/// Who answers behind a port, if anybody does that is a modem.
///
/// # Errors
/// The port can't be opened, or vanished.
pub async fn probe<P: Ports>(ports: &mut P, port: &Path, baud: u32) -> io::Result<Option<Identity>> {
    let mut line = Line::new(ports.open(port, baud)?, Overheard::new(SharedTraffic::default()), PROBE_GAP);
    if !line.wake().await? {
        return Ok(None);
    }
    line.command("ATE0", "", PROBE_WITHIN).await?;
    let mut identity = Identity::default();
    for (nth, command) in WHO.into_iter().enumerate() {
        let answer = line.command(command, identity::ANY, PROBE_WITHIN).await?;
        identity::learn(&mut identity, nth, &answer);
    }
    Ok(identity.make.is_some().then_some(identity))
}
