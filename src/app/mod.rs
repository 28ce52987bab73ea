//! Wiring: opens, binds and spawns every room, and drains them.
//!
//! [`start`] makes a running desk of a configuration; [`run`] is the daemon around it: ready, watchdog, signals. Every
//! room is one task of one set: a room that ends by itself ends the program, and systemd starts it again.

mod clock;
mod ledger;
mod operator;
mod pipeline;
mod power;
mod reload;
mod starts;
mod wiring;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, SecretError, Secrets};
use crate::model::{Addresses, BootId, Ledger, RowId, Timestamp};
use crate::outbox::{Desk, Lanes, SharedDesk};
use crate::route::TemplateError;
use crate::service::{Asked, Heartbeat, Notifier, Signals, Starts, Watchdog, exit, runtime_folder};
use crate::store::{Command, Space, Store, StoreError, Writer, WriterExit};
use crate::{admin, control, intake};

pub use clock::is_plausible_time;
pub use ledger::offline_ledger;
pub use operator::{Offline, spending};
pub use wiring::{
    HelpDeskClient, broken_mails, broken_requests, classifiers, crms, first_call, help_desk, journal, mailer,
    modem_settings, open_source, preview, reading, sources, tls_files, twilio, unaffordable,
};

/// What a modem's task may take of the grace to leave its modem at rest.
const MODEM_GRACE: Duration = Duration::from_secs(3);

/// Why the desk does not run.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database.
    #[error("the store can't be opened")]
    Store(#[from] StoreError),
    /// An address or socket.
    #[error("{what} can't be bound")]
    Bind {
        /// Which.
        what: String,
        /// Why.
        source: std::io::Error,
    },
    /// A secret.
    #[error("a secret is missing")]
    Secret(#[from] SecretError),
    /// The listener's certificate, its key, or the clients' authority.
    #[error(transparent)]
    Tls(#[from] intake::TlsError),
    /// The template of texts.
    #[error("sms.template")]
    Template(#[from] TemplateError),
    /// The template of a request to a CRM.
    #[error("{path}: {words}")]
    Request {
        /// Its key in the configuration.
        path: String,
        /// What is wrong.
        words: String,
    },
    /// A thread or signal handler.
    #[error("the system refused a thread or a signal handler")]
    System(#[from] std::io::Error),
    /// A room ended by itself.
    #[error("the room {0} ended by itself")]
    RoomEnded(&'static str),
}

impl AppError {
    /// The process's exit code.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Store(StoreError::Locked(_)) => exit::TEMP_FAIL,
            Self::Store(StoreError::TooNew { .. })
            | Self::Secret(_)
            | Self::Tls(_)
            | Self::Template(_)
            | Self::Request { .. } => exit::CONFIG,
            Self::Store(StoreError::Folder { .. }) => exit::NO_PERMISSION,
            Self::Bind { .. } => exit::UNAVAILABLE,
            Self::Store(_) | Self::System(_) | Self::RoomEnded(_) => exit::SOFTWARE,
        }
    }
}

/// A running desk.
pub struct Running {
    /// Where webhooks arrive.
    pub intake: SocketAddr,
    /// Where health is asked.
    pub admin: SocketAddr,
    rooms: JoinSet<&'static str>,
    modems: JoinSet<()>,
    stop: CancellationToken,
    stop_modems: CancellationToken,
    desk: SharedDesk,
    writer: Writer,
    writer_exit: WriterExit,
    health: admin::Health,
    tls: Option<Arc<intake::Tls>>,
    grace: Duration,
}

/// Opens, binds and spawns everything. The desk accepts leads when this returns.
///
/// # Errors
/// Whatever could not be opened or bound; nothing is left running then.
pub async fn start(config: &Config, secrets: &Secrets) -> Result<Running, AppError> {
    let (stop, stop_modems) = (CancellationToken::new(), CancellationToken::new());
    // The lock comes first: who finds the folder taken must be told so, not that the port is taken too.
    let mut store = Store::open(&config.storage.data_dir)?;
    let tls = reload::open(config, secrets, &mut store)?;
    let listener = bind("server.listen", config.server.listen).await?;
    let admin_listener = bind("server.admin-listen", config.server.admin_listen).await?;
    let (intake_at, admin_at) = (listener.local_addr()?, admin_listener.local_addr()?);
    let control_at = &config.storage.control_socket;
    let socket = control::bind(control_at)
        .map_err(|source| AppError::Bind { what: format!("the control socket {}", control_at.display()), source })?;

    if let Some((path, words)) = broken_requests(config).into_iter().next() {
        return Err(AppError::Request { path, words });
    }
    let power = Arc::new(power::Power::new(config));
    let mut effects = wiring::effects(config, secrets, &power)?;
    let sources = sources(config, secrets)?;
    let addresses = wiring::addresses(config, secrets)?;
    let (desk, lanes_work, store) = open_desk(config, addresses.clone(), store)?;
    let space = Space::new(&config.storage.data_dir, wiring::space(config));
    let (writer, writer_exit) = Writer::start(store, space, Box::new(desk.clone()))?;
    let ledger: Arc<dyn Ledger> = Arc::new(ledger::Online::new(desk.clone(), writer.clone()));
    let (handles, modem_tasks) = effects.begin_modems(&ledger, &stop_modems);

    let knowledge = Arc::new(operator::Knowledge::new(config, &sources, addresses.clone()));
    let clock = clock::Watch {
        sync_file: config.server.clock_sync_file.clone(),
        trust: intake::ClockTrust::default(),
        writer: writer.clone(),
        knowledge: Arc::clone(&knowledge),
        desk: desk.clone(),
        folder: config.storage.data_dir.clone(),
    };
    clock.look();
    let trust = clock.trust.clone();
    let operator = operator::Online::new(config, knowledge, desk.clone(), writer.clone(), intake_at, handles, power);
    let log_payloads = matches!(config.log.content, crate::config::LogContent::Full);
    let intake = intake::Intake::new(
        sources,
        wiring::limits(config),
        wiring::opening(config),
        writer.clone(),
        trust,
        log_payloads,
    );
    let intake = match wiring::twilio_hooks(config, secrets, &ledger)? {
        Some(hooks) => intake.with_twilio(&hooks),
        None => intake,
    };
    let intake = match addresses {
        Some(addresses) => intake.with_unsubscribe(wiring::unsubscribe(config, addresses)),
        None => intake,
    };
    let lanes = Lanes::new(desk.clone(), writer.clone(), effects.by_channel, lanes_work);
    let health = admin::Health::new(writer.clone());
    health.set_ready(true);

    let mut rooms = JoinSet::new();
    room(&mut rooms, "intake", intake::serve(listener, Arc::new(intake), tls.clone(), stop.clone()));
    room(&mut rooms, "admin", admin::serve(admin_listener, health.clone(), stop.clone()));
    room(&mut rooms, "control", control::serve(socket, Arc::new(operator), stop.clone()));
    room(&mut rooms, "lanes", lanes.run(stop.clone()));
    room(&mut rooms, "clock", clock.run(stop.clone()));
    let mut modems = JoinSet::new();
    for task in modem_tasks {
        modems.spawn(task);
    }
    tracing::info!(intake = %intake_at, admin = %admin_at, data = %config.storage.data_dir.display(), "the desk is open");
    let grace = config.server.drain_grace;
    Ok(Running {
        intake: intake_at,
        admin: admin_at,
        rooms,
        modems,
        stop,
        stop_modems,
        desk,
        writer,
        writer_exit,
        health,
        tls,
        grace,
    })
}

fn room(rooms: &mut JoinSet<&'static str>, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
    rooms.spawn(async move {
        task.await;
        name
    });
}

async fn bind(what: &str, address: SocketAddr) -> Result<TcpListener, AppError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| AppError::Bind { what: format!("{what} ({address})"), source })
}

/// The desk with what an earlier start left open given back to it.
fn open_desk(
    config: &Config,
    addresses: Option<Arc<dyn Addresses>>,
    mut store: Store,
) -> Result<(SharedDesk, tokio::sync::mpsc::Receiver<crate::model::Work>, Store), AppError> {
    let now = Timestamp::now();
    let mut desk = Desk::new(wiring::desk(config, addresses)?, BootId::fresh(now));
    let recovered = store.transact(|tx| desk.recover(tx, now))?;
    if recovered > 0 {
        tracing::warn!(recovered, "jobs were open when the desk last stopped; their outcomes are looked up");
    }
    let works = desk.employ();
    Ok((SharedDesk::new(desk), works, store))
}

impl Running {
    /// Drains: no new lead, what is in flight ends, the writer writes the rest. What the grace cuts off is judged at
    /// the next start.
    pub async fn drain(mut self) {
        self.health.set_ready(false);
        self.desk.lock().stop_claiming();
        self.stop.cancel();
        let end = Instant::now().checked_add(self.grace).unwrap_or_else(Instant::now);
        // A modem that is in mid-send is let finish its dialogue, so the rooms end a little earlier.
        let rooms_end = end.checked_sub(MODEM_GRACE.min(self.grace.div_f32(4.0))).unwrap_or(end);
        if timeout_at(rooms_end, async { while self.rooms.join_next().await.is_some() {} }).await.is_err() {
            tracing::warn!(
                left = self.rooms.len(),
                "the grace is over; what is in flight is looked up at the next start"
            );
        }
        self.rooms.shutdown().await;
        let desk = self.desk.clone();
        let cut = self.writer.run(Command::Outcome, move |tx| desk.lock().let_go(tx, Timestamp::now())).await;
        if let Err(error) = cut {
            tracing::error!(%error, "what was cut off could not be given back; the next start judges it");
        }
        self.stop_modems.cancel();
        if timeout_at(end, async { while self.modems.join_next().await.is_some() {} }).await.is_err() {
            self.modems.shutdown().await;
        }
        // The writer ends when the last way to it is gone.
        drop((self.writer, self.health));
        let exit = self.writer_exit;
        if tokio::task::spawn_blocking(move || exit.join()).await.is_ok_and(|joined| joined.is_ok()) {
            tracing::info!("stopped cleanly");
        } else {
            tracing::error!("the database writer did not end cleanly");
        }
    }

    /// Waits for the first room that ends by itself, which none should.
    pub async fn room_ended(&mut self) -> &'static str {
        tokio::select! {
            Some(ended) = self.rooms.join_next() => ended.unwrap_or("(panicked)"),
            Some(_) = self.modems.join_next() => "modem",
            else => "(none)",
        }
    }
}

/// The daemon: starts the desk, tells systemd, waits for a signal, drains.
///
/// # Errors
/// Whatever kept it from starting, or the room that ended.
pub async fn run(config: &Config, secrets: &Secrets) -> Result<(), AppError> {
    let mut signals = Signals::install()?;
    let notifier = Notifier::from_env();
    let mut running = start(config, secrets).await?;
    let heartbeat = Heartbeat::default();
    let mut helpers = JoinSet::new();
    helpers.spawn(beat(running.writer.clone(), heartbeat.clone()));
    if let Some(watchdog) = Watchdog::from_env(Notifier::from_env(), heartbeat) {
        helpers.spawn(watchdog.feed());
    }
    let starts = Starts::of(runtime_folder(Some(&config.storage.control_socket)));
    starts::tell(&running.writer, starts.failures()).await;
    helpers.spawn(starts::settle(running.writer.clone(), starts.clone()));
    notifier.ready();
    notifier.status(&format!("accepting leads on {}", running.intake));
    let result = loop {
        tokio::select! {
            asked = signals.next() => match asked {
                Asked::ToStop(signal) => {
                    tracing::info!(signal, "asked to stop");
                    break Ok(());
                }
                Asked::ToReload => running.reload(config, secrets).await,
            },
            room = running.room_ended() => break Err(AppError::RoomEnded(room)),
        }
    };
    notifier.stopping();
    // The heart holds a way to the writer, which ends only when the last one is gone.
    helpers.shutdown().await;
    if result.is_ok() {
        starts::take_back(&running.writer).await;
    }
    running.drain().await;
    if result.is_ok() {
        starts::forget(&starts);
    }
    result
}

/// Passes the writer thread's pulse on to the watchdog.
async fn beat(writer: Writer, heartbeat: Heartbeat) {
    let mut ticks = interval(Heartbeat::REST);
    let mut last = u64::MAX;
    loop {
        ticks.tick().await;
        let beats = writer.beats();
        if beats != last {
            heartbeat.beat();
            last = beats;
        }
    }
}
