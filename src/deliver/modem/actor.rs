//! The one task that owns the modem's port: opens it, makes the modem ready and keeps it so, sends one text at a time,
//! and opens it again when it vanished. It ends only when it is told to stop.
//!
//! Spawned by `app`; talks to the handle through a bounded channel. What is to be decided is decided by the pure
//! parts beside it. A text that comes while the modem can't send is refused at once, so that the outbox can go another way.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::init::{self, Blocked, Facts, Init, Next};
use super::line::{Line, after};
use super::network::{self, Network};
use super::overheard::{Overheard, SharedLedger};
use super::sending::{self, After, Request};
use super::{ModemStatus, Ports, Settings};
use crate::model::{Failure, Fault, Ledger, ModemState, Outcome, Report, Timestamp};

/// Between two looks at the network, however often the modem says that it changed.
const LOOK_PAUSE: Duration = Duration::from_millis(200);
/// Reading a stored report: how long each command of it may take.
const STORED_WITHIN: Duration = Duration::from_secs(5);

/// The task.
pub(super) struct Actor<P> {
    pub(super) settings: Settings,
    pub(super) ports: P,
    pub(super) work: mpsc::Receiver<Request>,
    pub(super) status: watch::Sender<ModemStatus>,
    pub(super) ledger: SharedLedger,
    #[expect(dead_code, reason = "the task begins to remember with what follows")]
    pub(super) keeper: Arc<dyn Ledger>,
    pub(super) stop: CancellationToken,
}

/// What made a waiting task move.
enum Event {
    Work(Box<Request>),
    Heard,
    Due,
    Gone(io::Error),
    Stop,
}

/// Why work with an open port ended.
enum Leave {
    Stop,
    Reopen { state: ModemState, failure: Failure },
}

impl From<io::Error> for Leave {
    fn from(error: io::Error) -> Self {
        let failure = Failure::new(Fault::Transient, format!("the modem's port vanished: {error}"));
        Self::Reopen { state: ModemState::Absent, failure: failure.cure("plug the modem in again") }
    }
}

impl Leave {
    fn silent() -> Self {
        Self::Reopen { state: ModemState::Recovering, failure: init::silent().failure }
    }
}

/// What a ready modem is watched for.
struct Watch {
    /// Why nothing can be sent.
    refusal: Option<Failure>,
    /// When the network is looked at next.
    look_at: Instant,
    /// A command was given up and may still be under way in the modem.
    unsettled: bool,
}

impl Watch {
    fn new() -> Self {
        Self { refusal: None, look_at: Instant::now(), unsettled: false }
    }

    fn take_notes(&mut self, overheard: &mut Overheard) {
        self.unsettled &= !overheard.take_late_end();
        // News that come while the modem is left in peace wait as well.
        if overheard.take_network_changed() && !self.unsettled {
            self.look_at = self.look_at.min(after(LOOK_PAUSE));
        }
    }

    /// Nothing is asked for a while: bytes could abort what the modem still does, or be lost.
    fn leave_in_peace(&mut self, overheard: &mut Overheard, wait: Duration) {
        overheard.take_late_end();
        (self.unsettled, self.look_at) = (true, after(wait));
    }
}

impl<P: Ports> Actor<P> {
    /// Runs until it is told to stop.
    pub(super) async fn run(mut self) {
        loop {
            // A port that is closed at the end of a session is closed before anything else is done: held, its name
            // would stay taken and the modem come back under another.
            let Some(path) = self.settings.port.clone() else { return };
            let leave = match self.ports.open(&path, self.settings.baud) {
                Ok(port) => self.session(port).await,
                Err(error) => absent(&path, &error),
            };
            let Leave::Reopen { state, failure } = leave else { return };
            self.say(state, Some(&failure), None);
            if matches!(self.refuse_for(None, self.settings.timings.reopen, &failure).await, Err(Leave::Stop)) {
                return;
            }
        }
    }

    async fn session(&mut self, port: P::Port) -> Leave {
        let overheard = Overheard::new(self.ledger.clone());
        let mut line = Line::new(port, overheard, self.settings.timings.gap);
        loop {
            if let Err(leave) = self.turn(&mut line).await {
                return leave;
            }
        }
    }

    /// From initialising to the next time that is needed.
    async fn turn(&mut self, line: &mut Line<P::Port>) -> Result<(), Leave> {
        match self.initialise(line).await? {
            Ok(facts) => self.serve(line, facts).await,
            Err(blocked) => {
                let state = if blocked.sim { ModemState::SimLocked } else { ModemState::Recovering };
                self.say(state, Some(&blocked.failure), None);
                self.refuse_for(Some(line), self.settings.timings.retry, &blocked.failure).await
            }
        }
    }

    async fn initialise(&mut self, line: &mut Line<P::Port>) -> Result<Result<Facts, Blocked>, Leave> {
        // A modem in trouble is tried again and again: that is no news.
        let state = self.status.borrow().state;
        if !matches!(state, ModemState::SimLocked | ModemState::Recovering) {
            self.say(ModemState::Initialising, None, None);
        }
        if !line.wake().await? {
            return Err(Leave::silent());
        }
        // A restart that was heard before this is dealt with by what follows.
        line.overheard.take_restarted();
        let mut init = Init::new(self.settings.smsc.clone());
        let mut echo_off = false;
        loop {
            let ask = init.ask();
            let answer = line.command(&ask.command, ask.prefix, ask.within).await?;
            if !std::mem::replace(&mut echo_off, true) {
                line.overheard.take_echo(); // the first command switched it off, and may have been echoed itself
            }
            match init.on(&answer) {
                Next::Ask => {}
                Next::AskAfter(wait) => {
                    let failure = Failure::new(Fault::Transient, "the modem is still starting");
                    self.refuse_for(Some(line), wait, &failure).await?;
                }
                Next::Ready(facts) => {
                    line.echo_is_off = !line.overheard.take_echo();
                    debug!(reports = facts.reports, memory = facts.memory, "modem initialised");
                    return Ok(Ok(facts));
                }
                Next::Blocked(blocked) if blocked == init::silent() => return Err(Leave::silent()),
                Next::Blocked(blocked) => return Ok(Err(blocked)),
            }
        }
    }

    /// Sends what comes, listens, and looks after the network, until the modem must be initialised again.
    async fn serve(&mut self, line: &mut Line<P::Port>, facts: Facts) -> Result<(), Leave> {
        let mut watch = Watch::new();
        loop {
            if line.overheard.take_restarted() || (line.echo_is_off && line.overheard.take_echo()) {
                info!(modem = self.settings.name, "modem restarted");
                return Ok(());
            }
            watch.take_notes(&mut line.overheard);
            if watch.look_at <= Instant::now() {
                if watch.unsettled || !self.look(line, &mut watch).await? {
                    return Ok(());
                }
                continue;
            }
            if let Some(index) = line.overheard.take_stored_report() {
                read_stored(line, index, facts).await?;
                continue;
            }
            match self.event(Some(line), watch.look_at).await {
                Event::Stop => return Err(Leave::Stop),
                Event::Gone(error) => return Err(error.into()),
                Event::Heard | Event::Due => {}
                Event::Work(request) => {
                    if !self.attend(line, &mut watch, *request).await? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Looks at the network. False: the modem doesn't answer, and initialising starts with waking it up.
    async fn look(&mut self, line: &mut Line<P::Port>, watch: &mut Watch) -> Result<bool, Leave> {
        let timings = &self.settings.timings;
        match network::look(line).await? {
            Network::Silent => return Ok(false),
            Network::Registered { signal_dbm } => {
                self.say(ModemState::Ready, None, signal_dbm);
                (watch.refusal, watch.look_at) = (None, after(timings.keep_alive));
            }
            Network::Unregistered(failure) => {
                self.say(ModemState::Searching, Some(&failure), None);
                (watch.refusal, watch.look_at) = (Some(failure), after(timings.retry));
            }
        }
        Ok(true)
    }

    /// Sends a text, or refuses it. False: the modem must be initialised again.
    async fn attend(&mut self, line: &mut Line<P::Port>, watch: &mut Watch, request: Request) -> Result<bool, Leave> {
        // A text that is dropped here was not begun, as its handle is told.
        if watch.unsettled && !line.wake().await? {
            return Err(Leave::silent());
        }
        watch.unsettled = false;
        let Request { sms, ticket, reply } = request;
        if ticket.send(()).is_err() {
            return Ok(true); // its deadline passed while it waited, and its handle has said so
        }
        let (report, next) = match &watch.refusal {
            Some(failure) => (Report::of(Outcome::Failed(failure.clone())), After::Ready),
            None => sending::send(line, &self.settings, &self.ledger, &sms).await,
        };
        answer(reply, report);
        match next {
            After::Ready => Ok(true),
            After::Listen => {
                watch.leave_in_peace(&mut line.overheard, self.settings.timings.late_verdict);
                Ok(true)
            }
            After::Initialise => Ok(false),
            After::Reopen(error) => Err(error.into()),
        }
    }

    /// Refuses every text that comes within `wait`.
    async fn refuse_for(
        &mut self,
        mut line: Option<&mut Line<P::Port>>,
        wait: Duration,
        failure: &Failure,
    ) -> Result<(), Leave> {
        let until = after(wait);
        loop {
            match self.event(line.as_deref_mut(), until).await {
                Event::Work(request) => {
                    if request.ticket.send(()).is_ok() {
                        answer(request.reply, Report::of(Outcome::Failed(failure.clone())));
                    }
                }
                Event::Heard => {}
                Event::Due => return Ok(()),
                Event::Gone(error) => return Err(error.into()),
                Event::Stop => return Err(Leave::Stop),
            }
        }
    }

    /// Waits for the next event. Each arm is cancel-safe: a dropped read or receive has taken nothing.
    async fn event(&mut self, line: Option<&mut Line<P::Port>>, until: Instant) -> Event {
        let overhear = async {
            match line {
                Some(line) => line.overhear().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.stop.cancelled() => Event::Stop,
            heard = overhear => heard.map_or_else(Event::Gone, |()| Event::Heard),
            Some(request) = self.work.recv() => Event::Work(Box::new(request)),
            () = sleep_until(until) => Event::Due,
        }
    }

    /// Tells whoever watches; the time is that of the last change of state.
    fn say(&self, state: ModemState, failure: Option<&Failure>, signal_dbm: Option<i16>) {
        let reason = failure.map(|failure| failure.reason.clone());
        let cure = failure.and_then(|failure| failure.cure.clone());
        self.status.send_if_modified(|status| {
            let changed = status.state != state || status.reason != reason;
            if changed {
                let (modem, is) = (&self.settings.name, state.name());
                if let Some(reason) = &reason {
                    warn!(modem, state = is, reason, cure, "modem");
                } else {
                    info!(modem, state = is, "modem");
                }
                *status = ModemStatus { state, reason, cure, since: Timestamp::now(), signal_dbm };
            } else {
                status.signal_dbm = signal_dbm;
            }
            changed
        });
    }
}

fn absent(port: &Path, error: &io::Error) -> Leave {
    let port = port.display();
    let failure = Failure::new(Fault::Transient, format!("the modem's port {port} can't be opened: {error}"));
    let failure = failure.cure(match error.kind() {
        io::ErrorKind::PermissionDenied => "let the service's user into the group dialout",
        io::ErrorKind::ResourceBusy => "stop the other program that uses the port, such as ModemManager",
        _ => "plug the modem in, or correct the port in the configuration",
    });
    Leave::Reopen { state: ModemState::Absent, failure }
}

fn answer(reply: tokio::sync::oneshot::Sender<Report>, report: Report) {
    if let Err(report) = reply.send(report) {
        warn!(outcome = ?report.outcome, "nobody waits for what became of a text");
    }
}

/// Reads and deletes one report that the modem stored, and goes back to the memory for texts.
async fn read_stored<P>(line: &mut Line<P>, index: u16, facts: Facts) -> io::Result<()>
where
    P: AsyncRead + AsyncWrite + Unpin,
{
    line.command("AT+CPMS=\"SR\"", "+CPMS:", STORED_WITHIN).await?;
    let read = line.command(&format!("AT+CMGR={index}"), "+CMGR:", STORED_WITHIN).await?;
    if let [_, pdu] = read.info.as_slice() {
        line.overheard.note_report(pdu);
        line.command(&format!("AT+CMGD={index}"), "", STORED_WITHIN).await?;
    }
    if let Some(memory) = facts.memory {
        line.command(&format!("AT+CPMS={memory}"), "+CPMS:", STORED_WITHIN).await?;
    }
    Ok(())
}
