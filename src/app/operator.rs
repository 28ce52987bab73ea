//! What the command line may ask: answered through the writer of a running desk, or on the files themselves while none
//! runs. Both do the same things in the same transactions.

mod mail;
mod models;
mod modems;

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::config::{Config, Secrets};
use crate::control::{AlertStatus, ChannelStatus, Operator, Request, Response, Status};
use crate::deliver::modem::ModemHandle;
use crate::intake;
use crate::model::oncall::{Override, Stretch};
use crate::model::{Addresses, BootId, Channel, InboxId, RowId, Timestamp};
use crate::outbox::{Budget, Desk, SharedDesk};
use crate::store::{
    Arrival, ChannelState, Command, DeadLetter, DeadLetterFilter, Gate, Opening, Reader, Received, Space, Store,
    StoreError, Stored, Tx, Writer,
};

use super::power::Power;
use super::{AppError, wiring};
use mail::Mail;
pub use models::spending;
use modems::Modems;

/// What every wish needs besides the database.
pub(super) struct Knowledge {
    sources: HashMap<String, intake::Settings>,
    opening: Opening,
    mail: Mail,
}

impl Knowledge {
    pub(super) fn new(config: &Config, sources: &[intake::Settings], addresses: Option<Arc<dyn Addresses>>) -> Self {
        let sources = sources.iter().map(|source| (source.name.clone(), source.clone())).collect();
        Self { sources, opening: wiring::opening(config), mail: Mail(addresses) }
    }

    /// Does what is asked, inside one transaction.
    fn perform(&self, tx: Tx<'_>, desk: &mut Desk, request: &Request, now: Timestamp) -> Result<Response, StoreError> {
        match request {
            Request::Retry { filter } => each(tx, filter, |letter| self.retry(tx, desk, letter, now)),
            Request::Discard { filter } => each(tx, filter, |letter| {
                let closed = tx.close_dead_letter(letter.id, "discarded", now)?;
                Ok(if closed { Ok(()) } else { Err("it was closed before".to_owned()) })
            }),
            Request::ReplayQuarantine { ids } => self.replay_quarantine(tx, ids, now),
            Request::Replay { lead, from, again } => {
                Ok(Response::Replayed { outcome: desk.replay(tx, *lead, *from, *again, now)? })
            }
            Request::Override { who, from, until } => {
                let new = Override { when: Stretch { from: *from, until: *until }, who: who.clone() };
                let id = tx.add_override(&new, now)?;
                tracing::warn!(id, who, %from, %until, "the rota is overridden");
                Ok(Response::Done { count: 1, failures: Vec::new() })
            }
            Request::CancelOverride { id } => {
                let count = u32::from(tx.cancel_override(*id, now)?);
                Ok(Response::Done { count, failures: Vec::new() })
            }
            Request::Test { who } => Ok(match desk.test(tx, who, now)? {
                Ok((test, channel)) => Response::Tested { test, channel },
                Err(reason) => Response::Refused { reason },
            }),
            Request::Reconcile { crm, since, dry_run } => {
                Ok(match desk.reconcile(tx, crm.as_ref(), *since, *dry_run, now)? {
                    Ok(looks) => Response::Looks { looks },
                    Err(reason) => Response::Refused { reason },
                })
            }
            Request::Forget { crm, record } => Ok(match desk.forget(tx, crm.as_ref(), record, now)? {
                Ok(()) => Response::Done { count: 1, failures: Vec::new() },
                Err(reason) => Response::Refused { reason },
            }),
            Request::Suppress { address } => self.mail.suppress(tx, address, now),
            Request::Unsuppress { address } => self.mail.unsuppress(tx, address),
            Request::Suppression { address } => self.mail.suppression(tx, address),
            Request::Status
            | Request::PowerCycle { .. }
            | Request::ModemInfo { .. }
            | Request::ModemSend { .. }
            | Request::ModemFate { .. }
            | Request::ModemReset { .. } => Ok(Response::Refused { reason: "the desk is not running".to_owned() }),
        }
    }

    fn retry(
        &self,
        tx: Tx<'_>,
        desk: &mut Desk,
        letter: &DeadLetter,
        now: Timestamp,
    ) -> Result<Result<(), String>, StoreError> {
        if let Some(inbox) = letter.inbox_id {
            return self.retry_gate(tx, letter, inbox, now);
        }
        Ok(if desk.requeue(tx, letter, now)? {
            Ok(())
        } else {
            Err("its job runs again already, is gone, or its channel is not configured any more".to_owned())
        })
    }

    /// A webhook that failed the gate, read again with the mapping of today.
    fn retry_gate(
        &self,
        tx: Tx<'_>,
        letter: &DeadLetter,
        inbox: InboxId,
        now: Timestamp,
    ) -> Result<Result<(), String>, StoreError> {
        let Some(stored) = tx.inbox_request(inbox)? else { return Ok(Err("its webhook is gone".to_owned())) };
        let gate = self.read(&stored.arrival).and_then(|gates| {
            gates.into_iter().nth(stored.part).ok_or_else(|| "its request tells of fewer things by now".to_owned())
        });
        match gate {
            Ok(Gate::Failed { reason } | Gate::Crashed { reason }) | Err(reason) => Ok(Err(reason)),
            Ok(gate) => {
                tx.receive_again(inbox, &stored.arrival, &gate, &self.opening, now)?;
                tx.close_dead_letter(letter.id, "requeued", now)?;
                tx.clear_alert(&format!("gate:{}", stored.arrival.source), now)?;
                Ok(Ok(()))
            }
        }
    }

    fn replay_quarantine(&self, tx: Tx<'_>, ids: &[i64], now: Timestamp) -> Result<Response, StoreError> {
        let ids = if ids.is_empty() { tx.quarantine_waiting()? } else { ids.to_vec() };
        let (mut count, mut failures) = (0_u32, Vec::new());
        for id in ids {
            let read = match tx.quarantined(id)? {
                Some(stored) => self.read(&stored).map(|gates| (stored, gates)),
                None => Err("there is no such request".to_owned()),
            };
            match read {
                Ok((mut stored, gates)) => {
                    let source = stored.source.clone();
                    stored.received_at = now;
                    tx.receive_all(&stored, &gates, &self.opening)?;
                    tx.mark_replayed(id, now)?;
                    tx.clear_alert(&format!("quarantine:{source}"), now)?;
                    count = count.saturating_add(1);
                }
                Err(why) => failures.push(format!("{id}: {why}")),
            }
        }
        Ok(Response::Done { count, failures })
    }

    /// Makes leads of a webhook that was held. Returns how many.
    pub(super) fn admit(
        &self,
        tx: Tx<'_>,
        held: InboxId,
        stored: &Stored,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let gates = self.read(&stored.arrival).unwrap_or_else(|reason| vec![Gate::Failed { reason }]);
        let received = tx.admit(held, &stored.arrival, &gates, &self.opening, now)?;
        Ok(received.iter().filter(|one| matches!(one, Received::Accepted(_))).count())
    }

    fn read(&self, stored: &Arrival) -> Result<Vec<Gate>, String> {
        let source = &stored.source;
        let settings =
            self.sources.get(source).ok_or_else(|| format!("the source {source} is not configured any more"))?;
        Ok(intake::reparse(settings, stored))
    }
}

/// Does `act` for every dead letter of a filter, and says for which it could not be done.
fn each(
    tx: Tx<'_>,
    filter: &DeadLetterFilter,
    mut act: impl FnMut(&DeadLetter) -> Result<Result<(), String>, StoreError>,
) -> Result<Response, StoreError> {
    let (mut count, mut failures) = (0_u32, Vec::new());
    for letter in tx.dead_letters(filter)? {
        match act(&letter)? {
            Ok(()) => count = count.saturating_add(1),
            Err(why) => failures.push(format!("{}: {why}", letter.id)),
        }
    }
    let now = Timestamp::now();
    for (stage, alerts) in
        [("sms", "sms:undelivered"), ("ticket", "ticket:undelivered"), ("gate", "gate:"), ("gate", "crash:")]
    {
        let of_stage = DeadLetterFilter { stage: Some(stage.to_owned()), ..DeadLetterFilter::default() };
        if tx.dead_letters(&of_stage)?.is_empty() {
            tx.clear_alerts_of(alerts, now, now)?;
        }
    }
    Ok(Response::Done { count, failures })
}

/// The operator of a running desk.
pub(super) struct Online {
    knowledge: Arc<Knowledge>,
    desk: SharedDesk,
    writer: Writer,
    folder: PathBuf,
    space: Space,
    intake: SocketAddr,
    since: Timestamp,
    channels: Vec<Channel>,
    modems: Modems,
    power: Arc<Power>,
    /// Where a model has a price.
    budget: Option<Budget>,
    hints: Vec<String>,
}

impl Online {
    pub(super) fn new(
        config: &Config,
        knowledge: Arc<Knowledge>,
        desk: SharedDesk,
        writer: Writer,
        intake: SocketAddr,
        modems: Vec<(Channel, ModemHandle)>,
        power: Arc<Power>,
    ) -> Self {
        let channels = desk.lock().channels();
        Self {
            knowledge,
            desk,
            writer,
            folder: config.storage.data_dir.clone(),
            space: Space::new(&config.storage.data_dir, wiring::space(config)),
            intake,
            since: Timestamp::now(),
            channels,
            modems: Modems(modems),
            power,
            budget: models::priced(config),
            hints: config.warnings.iter().map(ToString::to_string).collect(),
        }
    }

    fn status(&self) -> Result<Status, StoreError> {
        let reader = Reader::open(&self.folder)?;
        let alerts = reader.alerts()?.into_iter().map(|alert| AlertStatus {
            since: alert.first_at.to_string(),
            count: alert.count,
            text: alert.text,
            cure: alert.cure,
        });
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since: self.since.to_string(),
            intake: self.intake.to_string(),
            counts: reader.counts()?,
            last_lead_at: reader.last_lead_at()?.map(|at| at.to_string()),
            free_bytes: self.space.free_bytes(),
            channels: self.channel_states(&reader)?,
            modems: self.modems.infos(),
            waiting: reader.waiting(Timestamp::now())?,
            spending: self
                .budget
                .as_ref()
                .map(|budget| models::spent(budget, &reader, Timestamp::now()))
                .transpose()?,
            alerts: alerts.collect(),
            hints: self.hints.clone(),
        })
    }

    fn channel_states(&self, reader: &Reader) -> Result<Vec<ChannelStatus>, StoreError> {
        let troubled = reader.channels()?;
        let passed_over = reader.look(|tx| self.desk.lock().passed_over(tx, Timestamp::now()))?;
        let state = |channel: &Channel| {
            // A closed breaker that counts failures is no trouble yet: the modem's own state tells more.
            let trouble = troubled.iter().find(|row| row.channel == *channel && row.state != ChannelState::Closed);
            let modem = self.modems.of(channel).map(ModemHandle::info);
            let urgent_only = self.desk.lock().urgent_only(channel);
            let (word, reason, until) = match (passed_over.get(channel), trouble, &modem, urgent_only) {
                (Some((word, why, until)), ..) => (*word, Some(why.clone()), *until),
                (None, Some(row), ..) => (row.state.name(), Some(row.reason.clone()), Some(row.until)),
                (None, None, Some(modem), _) => (modem.state.name(), modem.reason.clone(), None),
                (None, None, None, Some((words, until))) => ("urgent-only", Some(words), Some(until)),
                (None, None, None, None) => ("closed", None, None),
            };
            let until = until.filter(|until| *until > Timestamp::now()).map(|until| until.to_string());
            ChannelStatus { name: channel.to_string(), state: word.to_owned(), reason, until }
        };
        Ok(self.channels.iter().map(state).collect())
    }
}

/// It is asked each second by whoever watches: no news for the log.
const fn is_a_look(request: &Request) -> bool {
    matches!(request, Request::ModemInfo { .. } | Request::ModemFate { .. } | Request::Suppression { .. })
}

impl Operator for Online {
    fn answer(&self, request: Request) -> Pin<Box<dyn Future<Output = Response> + Send + '_>> {
        Box::pin(async move {
            if is_a_look(&request) {
                tracing::debug!(?request, "the operator looks");
            } else {
                tracing::info!(?request, "the operator asks");
            }
            let answer = match request {
                Request::Status => self.status().map(|status| Response::Status(Box::new(status))),
                Request::PowerCycle { modem } => Ok(match self.power.cycle(&modem, Instant::now()) {
                    Ok(()) => Response::Done { count: 1, failures: Vec::new() },
                    Err(reason) => Response::Refused { reason },
                }),
                Request::ModemInfo { modem } => Ok(self.modems.info(&modem)),
                Request::ModemSend { modem, to, text } => Ok(self.modems.send(&modem, to, text).await),
                Request::ModemFate { modem, text } => Ok(self.modems.fate(&modem, text)),
                Request::ModemReset { modem } => Ok(self.modems.reset(&modem).await),
                Request::Retry { .. }
                | Request::Discard { .. }
                | Request::ReplayQuarantine { .. }
                | Request::Replay { .. }
                | Request::Override { .. }
                | Request::CancelOverride { .. }
                | Request::Test { .. }
                | Request::Reconcile { .. }
                | Request::Forget { .. }
                | Request::Suppress { .. }
                | Request::Unsuppress { .. }
                | Request::Suppression { .. } => {
                    let (knowledge, desk) = (Arc::clone(&self.knowledge), self.desk.clone());
                    let wish = move |tx: Tx<'_>| knowledge.perform(tx, &mut desk.lock(), &request, Timestamp::now());
                    self.writer.run(Command::Outcome, wish).await
                }
            };
            answer.unwrap_or_else(|error| refusal(&error))
        })
    }
}

/// The operator of a desk that doesn't run: holds the data folder's lock while it lives.
pub struct Offline {
    knowledge: Knowledge,
    files: Mutex<(Store, Desk)>,
}

impl Offline {
    /// Opens the files of a desk that doesn't run.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when one does run.
    pub fn open(config: &Config, secrets: &Secrets) -> Result<Self, AppError> {
        let store = Store::open(&config.storage.data_dir)?;
        let addresses = wiring::addresses(config, secrets)?;
        let desk = Desk::new(wiring::desk(config, addresses.clone())?, BootId::fresh(Timestamp::now()));
        let sources = wiring::sources(config, secrets)?;
        Ok(Self { knowledge: Knowledge::new(config, &sources, addresses), files: Mutex::new((store, desk)) })
    }
}

impl Operator for Offline {
    fn answer(&self, request: Request) -> Pin<Box<dyn Future<Output = Response> + Send + '_>> {
        Box::pin(async move {
            let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            let (store, desk) = &mut *files;
            store
                .transact(|tx| self.knowledge.perform(tx, desk, &request, Timestamp::now()))
                .unwrap_or_else(|error| refusal(&error))
        })
    }
}

fn refusal(error: &StoreError) -> Response {
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    Response::Refused { reason }
}
