//! The GSM modem: one task owns the serial port, and a handle hands it texts.
//!
//! ```text
//!  handle ─▶ actor ─▶ line ─▶ port            at: bytes to lines       init: making it ready
//!    │         └─▶ sending (parts of a text)   submit: one AT+CMGS      errors: numbers to classes
//!    └──────▶ ledger ◀── overheard (reports)   pdu: the codec           network: registration
//! ```
//!
//! [`modem`] is called once by `app`; the outbox performs SMS jobs through [`ModemHandle`]. A text is written once for
//! each try and never retried in here. Always PDU mode; no PIN is ever entered; nothing is written into the modem's flash.

mod actor;
mod at;
mod errors;
mod init;
mod ledger;
mod line;
mod network;
mod overheard;
pub mod pdu;
mod sending;
mod serial;
mod submit;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::model::{
    Done, Effect, Failure, Fate, Fault, Identity, Job, Layout, Ledger, ModemInfo, ModemState, Outcome, Phone, Report,
    SmsTask, Spent, Tally, Task, Timestamp, Trace, Work,
};
pub use serial::SystemPorts;

use actor::Actor;
use ledger::Found;
use overheard::SharedLedger;
use sending::{Request, Sms};

/// More texts than these never wait for one modem: the outbox gives it one at a time.
const QUEUE: usize = 8;

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
    pub pin: Option<Pin>,
    /// Parts its SIM may send in an hour, and in 24 hours.
    pub caps: (u32, u32),
    /// Takes its power away and gives it back, where root has a way to.
    pub power: Option<PowerSwitch>,
    /// Waits; the defaults suit real modems.
    pub timings: Timings,
}

/// A SIM's PIN, and the name under which its tries are remembered.
#[derive(Debug, Clone)]
pub struct Pin {
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

/// How a modem is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModemStatus {
    /// What it is doing.
    pub state: ModemState,
    /// Why it isn't ready.
    pub reason: Option<String>,
    /// What to do about it.
    pub cure: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// How well it hears the network; below -103 dBm is poor.
    pub signal_dbm: Option<i16>,
}

/// Hands texts to the modem's task. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ModemHandle {
    name: String,
    work: mpsc::Sender<Request>,
    status: watch::Receiver<ModemStatus>,
    ledger: SharedLedger,
    answer_margin: Duration,
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
    keeper: Arc<dyn Ledger>,
    ports: P,
    stop: CancellationToken,
) -> (ModemHandle, impl Future<Output = ()> + Send) {
    let (work, queue) = mpsc::channel(QUEUE);
    let start =
        ModemStatus { state: ModemState::Opening, reason: None, cure: None, since: Timestamp::now(), signal_dbm: None };
    let (says, status) = watch::channel(start);
    let ledger = SharedLedger::default();
    let answer_margin = settings.timings.answer_margin;
    let name = settings.name.clone();
    let actor = Actor { settings, ports, work: queue, status: says, ledger: ledger.clone(), keeper, stop };
    (ModemHandle { name, work, status, ledger, answer_margin }, actor.run())
}

impl ModemHandle {
    /// How the modem is right now.
    #[must_use]
    pub fn status(&self) -> ModemStatus {
        self.status.borrow().clone()
    }

    /// Everything that is known of the modem.
    #[must_use]
    pub fn info(&self) -> ModemInfo {
        let status = self.status();
        ModemInfo {
            name: self.name.clone(),
            port: None,
            state: status.state,
            since: status.since,
            reason: status.reason,
            cure: status.cure,
            next: None,
            identity: Identity::default(),
            operator: None,
            registration: None,
            signal_dbm: status.signal_dbm,
            storage: None,
            reports: None,
            report_seen: false,
            spent: Spent::default(),
            opened: 0,
            texts: Tally::default(),
        }
    }

    /// Sends a text that is about no lead, as `modem send` does: counted, reported on, never repeated.
    #[expect(clippy::unused_async, reason = "the task takes no such wish yet")]
    pub async fn send_text(&self, to: Phone, text: String, within: Duration) -> Report {
        drop((to, text, within));
        failed(Fault::Transient, "not yet")
    }

    /// Has the modem start anew, by command, as soon as no text is under way.
    ///
    /// # Errors
    /// Why not, in words.
    #[expect(clippy::unused_async, reason = "the task takes no such wish yet")]
    pub async fn reset(&self) -> Result<(), String> {
        Err("not yet".to_owned())
    }

    async fn send(&self, work: &Work, task: &SmsTask) -> Report {
        let left = work.hard_deadline.since(Timestamp::now()).saturating_sub(self.answer_margin);
        let deadline = line::after(left);
        let sms = Sms {
            job: name_of(&work.job),
            to: task.to.clone(),
            text: task.text.clone(),
            reference: reference(&work.job, task.repeat),
            deadline,
        };
        let (ticket, taken) = oneshot::channel();
        let (reply, answer) = oneshot::channel();
        if self.work.try_send(Request { sms, ticket, reply }).is_err() {
            return failed(Fault::Transient, "the modem's task takes no more texts");
        }
        if !begins_by(deadline, taken).await {
            return failed(Fault::Transient, "the modem did not get to the text in time");
        }
        // The task answers by the deadline; it is gone only if the program is stopping.
        answer.await.unwrap_or_else(|_| failed(Fault::Unknown, "the modem's task ended while it had the text"))
    }

    /// What status reports say about the try that started at `since`; it is answered at once, busy modem or not.
    fn look_up(&self, work: &Work, task: &SmsTask, since: Timestamp) -> Report {
        let total = Layout::of(&task.text).parts.len();
        let (job, to) = (name_of(&work.job), task.to.as_str());
        let found = self.ledger.with(|ledger| ledger.look_up(&job, to, total, since, Timestamp::now()));
        let (heard, outcome) = match found {
            Found::Sent { references, delivered } => {
                let heard = if delivered { Fate::Delivered.name() } else { "taken by the network" };
                (heard, Outcome::Done(Done::Sms(sending::receipt(&references, delivered))))
            }
            Found::Failed(Fate::FailedForGood) => {
                let failure = Failure::new(Fault::Permanent, "the network reports that the text can't be delivered");
                (Fate::FailedForGood.name(), Outcome::Failed(failure.cure("check the recipient's number and phone")))
            }
            // The service centre has stopped trying: the phone doesn't have it and never will.
            Found::Failed(Fate::GaveUp) => (Fate::GaveUp.name(), Outcome::Absent),
            Found::Failed(fate) => (fate.name(), Outcome::Unsure),
            Found::Unsure => ("none that can only mean this text", Outcome::Unsure),
        };
        let response = Some(format!("status report: {heard}"));
        Report::traced(outcome, Trace { response, ..Trace::default() })
    }
}

impl Effect for ModemHandle {
    fn perform<'a>(&'a self, work: &'a Work) -> pin::Pin<Box<dyn Future<Output = Report> + Send + 'a>> {
        Box::pin(async move {
            match (&work.job.task, work.look_up_since) {
                (Task::Sms(task), None) => self.send(work, task).await,
                (Task::Sms(task), Some(since)) => self.look_up(work, task, since),
                (other, _) => failed(Fault::Permanent, &format!("a modem can't do {}", other.kind())),
            }
        })
    }
}

/// Whether the task takes the text before the deadline. If not, it never will.
async fn begins_by(deadline: Instant, mut taken: oneshot::Receiver<()>) -> bool {
    tokio::select! {
        biased;
        begun = &mut taken => begun.is_ok(),
        () = sleep_until(deadline) => {
            taken.close();
            taken.try_recv().is_ok()
        }
    }
}

fn failed(fault: Fault, reason: &str) -> Report {
    Report::of(Outcome::Failed(Failure::new(fault, reason)))
}

fn name_of(job: &Job) -> String {
    format!("{}/{}", job.id, job.generation)
}

/// The reference that the parts of a text share: the same for every try of the job, another for its repeat.
fn reference(job: &Job, repeat: bool) -> u8 {
    let name = format!("{}/{repeat}", name_of(job));
    name.bytes().fold(0, |hash: u8, byte| hash.wrapping_mul(31).wrapping_add(byte))
}
