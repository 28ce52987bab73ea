//! The local socket: what the command line asks of a running desk, one JSON line each way.
//!
//! Only the desk writes its database, so every command that changes something goes through here while it runs. The
//! socket lies in the runtime directory, mode 0660: whoever may open it may operate the desk. `app` answers.

mod address;
mod sent;

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::model::{Channel, Fate, LeadId, ModemInfo, Phone, ReplayFrom, Replayed, Suppressed, TextKey, Timestamp};
use crate::store::{DeadLetterFilter, InboxCounts, WaitingLead};

pub use address::{Address, NoAddress};
pub use sent::{Sent, new_text, send_within};

/// The longest line either side may send. A status with every alert is a few KiB.
const LONGEST_LINE: u64 = 1024 * 1024;
/// A request is answered within this, or the command line says that the desk hangs.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Request {
    /// How it stands.
    Status,
    /// Requeue dead letters.
    Retry {
        /// Which.
        filter: DeadLetterFilter,
    },
    /// Close dead letters without doing them.
    Discard {
        /// Which.
        filter: DeadLetterFilter,
    },
    /// Put quarantined requests through the gate, authenticated by the person who asks.
    ReplayQuarantine {
        /// Which; all that were not replayed yet if empty.
        ids: Vec<i64>,
    },
    /// Run a lead through the pipeline again.
    Replay {
        /// The lead.
        lead: LeadId,
        /// Where to start.
        from: ReplayFrom,
        /// Do again what was done.
        again: bool,
    },
    /// Have a modem switched off and on again.
    PowerCycle {
        /// Its name.
        modem: String,
    },
    /// Everything that is known of a modem.
    ModemInfo {
        /// Its name.
        modem: String,
    },
    /// Send a text that is about no lead, as it stands.
    ModemSend {
        /// The modem's name.
        modem: String,
        /// To whom.
        to: Phone,
        /// The text.
        text: String,
    },
    /// What the network reports of a text that was sent by hand.
    ModemFate {
        /// The modem's name.
        modem: String,
        /// The text, as it was told when it was sent.
        text: TextKey,
    },
    /// Let somebody stand in, whatever the rota says.
    Override {
        /// Who, by key; nobody, if there is none.
        who: Option<String>,
        /// From when.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
    },
    /// Take an override back.
    CancelOverride {
        /// Its number.
        id: i64,
    },
    /// Test whether the phone of somebody on call is reached.
    Test {
        /// Who, by key.
        who: String,
    },
    /// Look for leads that never arrived.
    Reconcile {
        /// In this CRM; in all, if there is none.
        crm: Option<Channel>,
        /// Since then, instead of since the last look.
        since: Option<Timestamp>,
        /// Only tell what would be taken in.
        dry_run: bool,
    },
    /// Never take in this record of a CRM: its person was erased.
    Forget {
        /// The CRM; the only one that is looked into, if there is none.
        crm: Option<Channel>,
        /// The CRM's id of it.
        record: String,
    },
    /// Send no more mail to an address.
    Suppress {
        /// That.
        address: Address,
    },
    /// Let an address get mail again.
    Unsuppress {
        /// That.
        address: Address,
    },
    /// Whether an address gets no mail.
    Suppression {
        /// That.
        address: Address,
    },
    /// Have a modem start anew, by command.
    ModemReset {
        /// Its name.
        modem: String,
    },
}

impl Request {
    /// How long the answer may take.
    #[must_use]
    pub fn within(&self) -> Duration {
        match self {
            Self::ModemSend { text, .. } => send_within(text).saturating_add(ANSWER_WITHIN),
            // It waits until the text that is under way has ended.
            Self::ModemReset { .. } => send_within("").saturating_add(ANSWER_WITHIN),
            Self::Status
            | Self::Retry { .. }
            | Self::Discard { .. }
            | Self::ReplayQuarantine { .. }
            | Self::Replay { .. }
            | Self::Override { .. }
            | Self::CancelOverride { .. }
            | Self::Test { .. }
            | Self::Reconcile { .. }
            | Self::Forget { .. }
            | Self::Suppress { .. }
            | Self::Unsuppress { .. }
            | Self::Suppression { .. }
            | Self::PowerCycle { .. }
            | Self::ModemInfo { .. }
            | Self::ModemFate { .. } => ANSWER_WITHIN,
        }
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Response {
    /// How it stands.
    Status(Box<Status>),
    /// So many were done; those that could not, and why.
    Done {
        /// How many.
        count: u32,
        /// The others, in words.
        failures: Vec<String>,
    },
    /// What the replay came to.
    Replayed {
        /// That.
        outcome: Replayed,
    },
    /// Everything that is known of the modem.
    Modem(Box<ModemInfo>),
    /// A text that tests a phone is queued.
    Tested {
        /// Its id.
        test: LeadId,
        /// By which channel it goes.
        channel: Channel,
    },
    /// The looks that have begun.
    Looks {
        /// Their ids.
        looks: Vec<LeadId>,
    },
    /// How an address stands.
    Suppression {
        /// Why it gets no mail, and since when; `None` if it may.
        why: Option<(Suppressed, Timestamp)>,
    },
    /// What the text came to.
    Text(Sent),
    /// What the network reports of it, if it has reported.
    Fate {
        /// The best word on all of its parts.
        fate: Option<Fate>,
    },
    /// It could not be done.
    Refused {
        /// Why.
        reason: String,
    },
}

/// How a running desk stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its version.
    pub version: String,
    /// When it started.
    pub since: String,
    /// Where webhooks arrive.
    pub intake: String,
    /// Counts of the database.
    pub counts: InboxCounts,
    /// When the last lead came.
    pub last_lead_at: Option<String>,
    /// Bytes free under the data folder.
    pub free_bytes: Option<u64>,
    /// Every channel.
    pub channels: Vec<ChannelStatus>,
    /// Every modem. A desk from before they were told has a version that is to be told of, not an answer that can't be read.
    #[serde(default)]
    pub modems: Vec<ModemInfo>,
    /// Urgent leads that nobody has claimed.
    #[serde(default)]
    pub waiting: Vec<WaitingLead>,
    /// What models have cost, where one has a price.
    #[serde(default)]
    pub spending: Option<SpendingStatus>,
    /// What a person should look at.
    pub alerts: Vec<AlertStatus>,
    /// What is not set up yet.
    pub hints: Vec<String>,
}

/// A channel in `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelStatus {
    /// Its name.
    pub name: String,
    /// `closed` when all is well, `open`, `parked`, `urgent-only`, `unpaid`; for a modem, its own state.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
    /// When it is used again.
    pub until: Option<String>,
}

/// What models have cost, in millionths of the currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendingStatus {
    /// Since midnight.
    pub today_micros: u64,
    /// What may be spent in a day.
    pub per_day_micros: Option<u64>,
    /// Since the first of the month.
    pub month_micros: u64,
    /// What may be spent in a month.
    pub per_month_micros: Option<u64>,
    /// What the currency is called.
    pub currency: String,
}

/// An alert in `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertStatus {
    /// Since when.
    pub since: String,
    /// How often.
    pub count: u32,
    /// What.
    pub text: String,
    /// What to do.
    pub cure: String,
}

/// Who answers. Implemented by `app`.
pub trait Operator: Send + Sync {
    /// Answers one request.
    fn answer(&self, request: Request) -> Pin<Box<dyn Future<Output = Response> + Send + '_>>;
}

/// Why a desk could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nothing listens there.
    #[error("no desk answers on {0}")]
    NotRunning(PathBuf),
    /// The socket may not be opened.
    #[error("{0} may only be opened by members of the group nightdesk")]
    NotAllowed(PathBuf),
    /// The connection broke.
    #[error("the desk's socket broke")]
    Broken(#[from] io::Error),
    /// No answer in time.
    #[error("the desk does not answer; see its log")]
    Silent,
    /// The answer is of another version.
    #[error("the desk's answer can't be read; is it of another version?")]
    Alien(#[from] serde_json::Error),
}

/// Binds the socket, over a dead one that an earlier desk left. The caller holds the data folder's lock, so no living
/// desk of the same folder can be behind it.
///
/// # Errors
/// When the folder is missing or may not be written.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt;
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

/// Answers until `stop`.
pub async fn serve(listener: UnixListener, operator: Arc<dyn Operator>, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let (operator, stop) = (Arc::clone(&operator), stop.clone());
                let conversation = async move {
                    let talk = converse(stream, &*operator);
                    if let Some(Err(error)) = stop.run_until_cancelled(talk).await {
                        tracing::debug!(%error, "a control connection broke");
                    }
                };
                // Detached on purpose: one command line that hangs must not hold up the next, nor the stop.
                drop(tokio::spawn(conversation));
            }
            Err(error) => {
                tracing::warn!(%error, "the control socket can't accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: UnixStream, operator: &dyn Operator) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    timeout(ANSWER_WITHIN, BufReader::new(read.take(LONGEST_LINE)).read_line(&mut line)).await??;
    let response = match serde_json::from_str::<Request>(&line) {
        Ok(request) => timeout(request.within(), operator.answer(request)).await?,
        Err(error) => Response::Refused { reason: format!("not a request this version knows: {error}") },
    };
    let mut answer = serde_json::to_vec(&response)?;
    answer.push(b'\n');
    timeout(ANSWER_WITHIN, write.write_all(&answer)).await?
}

/// Asks the desk behind `path`.
///
/// # Errors
/// [`ControlError::NotRunning`] when nothing listens: a command may then work on the files itself.
pub async fn ask(path: &Path, request: &Request) -> Result<Response, ControlError> {
    let stream = UnixStream::connect(path).await.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ControlError::NotRunning(path.to_owned()),
        io::ErrorKind::PermissionDenied => ControlError::NotAllowed(path.to_owned()),
        _ => ControlError::Broken(error),
    })?;
    let (read, mut write) = stream.into_split();
    let mut question = serde_json::to_vec(request)?;
    question.push(b'\n');
    write.write_all(&question).await?;
    let mut line = String::new();
    let mut answer = BufReader::new(read.take(LONGEST_LINE));
    let heard = timeout(request.within(), answer.read_line(&mut line)).await;
    heard.map_err(|_| ControlError::Silent)??;
    Ok(serde_json::from_str(&line)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Parrot;

    impl Operator for Parrot {
        fn answer(&self, request: Request) -> Pin<Box<dyn Future<Output = Response> + Send + '_>> {
            Box::pin(async move { Response::Refused { reason: format!("{request:?}") } })
        }
    }

    #[test]
    fn whoever_asks_waits_as_long_as_the_desk_may_take() {
        let to: Phone = "+15551234567".parse().unwrap();
        let send = |text: &str| Request::ModemSend { modem: "modem0".into(), to: to.clone(), text: text.into() };
        let modem = || "modem0".to_owned();
        for (name, request, least_s) in [
            ("a look", Request::ModemInfo { modem: modem() }, 30),
            ("a reset waits for the text that is under way", Request::ModemReset { modem: modem() }, 180 + 30),
            ("a text", send("x"), 180 + 30),
            ("ten parts", send(&"x".repeat(1530)), 270 + 30),
        ] {
            assert_eq!(request.within().as_secs(), least_s, "{name}");
        }
    }

    #[tokio::test]
    async fn asks_and_answers_over_a_dead_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.sock");
        assert!(matches!(ask(&path, &Request::Status).await, Err(ControlError::NotRunning(_))));
        drop(bind(&path).unwrap());
        assert!(matches!(ask(&path, &Request::Status).await, Err(ControlError::NotRunning(_))));
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(bind(&path).unwrap(), Arc::new(Parrot), stop.clone()));
        let answer = ask(&path, &Request::Status).await.unwrap();
        assert_eq!(answer, Response::Refused { reason: "Status".into() });
        stop.cancel();
        server.await.unwrap();
    }
}
