//! The one task that owns the modem's port. It does what `course` says: opens, initialises, serves, brings back; and tells
//! what came of it. It ends only when it is told to stop.
//!
//! Spawned by `app`; talks to the handle through a bounded channel. Thin: what is to be decided is decided by the pure
//! parts beside it. A text that comes while the modem can't send is refused at once, so that the outbox can go another way.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::board::Board;
use super::budget::Budget;
use super::course::{Act, Course, Event, Moment, Step};
use super::init::{self, Facts};
use super::keeper::Keeper;
use super::line::{Line, after};
use super::pin::Keyring;
use super::sending::Wish;
use super::traffic::SharedTraffic;
use super::{Ports, Settings};
use crate::model::{Fact, Failure, Fault, ModemState, Outcome, Report, Timestamp};

/// Switching the radio, or everything, takes its time.
const RADIO_WITHIN: Duration = Duration::from_secs(15);
/// A modem that hangs isn't waited for when it is told to reset.
const RESET_WITHIN: Duration = Duration::from_secs(5);

/// The task.
pub(super) struct Actor<P> {
    pub(super) settings: Settings,
    pub(super) ports: P,
    pub(super) wishes: mpsc::Receiver<Wish>,
    pub(super) board: Board,
    pub(super) traffic: SharedTraffic,
    pub(super) keeper: Keeper,
    pub(super) course: Course,
    pub(super) budget: Budget,
    pub(super) keyring: Keyring,
    pub(super) stop: CancellationToken,
    pub(super) time: OwnTime,
    /// What the last dialogue learned.
    pub(super) facts: Facts,
    /// How it said that it reports, when it was asked first after the dialogue.
    pub(super) indication: Option<String>,
    /// Memories besides the one that texts are read from.
    pub(super) others: Vec<&'static str>,
    /// Devices that must not be reset by command.
    pub(super) harmed: Vec<String>,
    /// The port that is used: the configured one, or the one that was found.
    pub(super) port: Option<PathBuf>,
    /// The speed at which the modem answered.
    pub(super) speed: Option<u32>,
    /// Errors in a row that ask for a reset when they come too often.
    pub(super) strikes: u8,
}

/// The task's own time, which no step of the clock touches.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnTime(Instant);

impl OwnTime {
    /// It begins, with a day behind it, so that what an earlier start did has its place.
    pub(super) fn begin() -> Self {
        Self(Instant::now())
    }

    pub(super) fn now(self) -> Moment {
        Duration::from_hours(25).saturating_add(self.0.elapsed())
    }
}

/// What an act came to, and why, if not well.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) event: Event,
    pub(super) failure: Option<Failure>,
}

/// The task is to stop, or the port is gone.
#[derive(Debug)]
pub(super) enum Leave {
    Stop,
    Gone(io::Error),
}

impl From<io::Error> for Leave {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

/// What made a waiting task move.
pub(super) enum Moved {
    Wish(Wish),
    Heard,
    Due,
    Gone(io::Error),
    Stop,
}

pub(super) const fn ended(event: Event) -> Ended {
    Ended { event, failure: None }
}

pub(super) fn failed(event: Event, failure: Failure) -> Ended {
    Ended { event, failure: Some(failure) }
}

impl<P: Ports> Actor<P> {
    /// Runs until it is told to stop.
    pub(super) async fn run(mut self) {
        self.recall().await;
        let mut line = None;
        let mut act = Act::Open;
        let mut trouble = Failure::new(Fault::Transient, "the modem is still starting");
        loop {
            let done = self.act(act, &mut line, &trouble).await;
            let ended = match done {
                Ok(ended) => ended,
                Err(Leave::Stop) => break,
                Err(Leave::Gone(error)) => {
                    // Closed before anything else is done: held, its name would stay taken and the modem come back
                    // under another.
                    line = None;
                    let reason = format!("the modem's port vanished: {error}");
                    failed(Event::Gone, Failure::new(Fault::Transient, reason).cure("plug the modem in again"))
                }
            };
            let step = self.course.on(ended.event, self.time.now());
            if let Some(failure) = ended.failure {
                trouble = failure;
                self.board.tell(state_of(ended.event), Some(&trouble), Some(step));
            } else if step.rung.is_some() {
                self.board.tell(ModemState::Recovering, Some(&trouble), Some(step));
            }
            self.harm(step);
            act = step.act;
        }
        self.keeper.flush().await;
    }

    async fn act(&mut self, act: Act, line: &mut Option<Line<P::Port>>, trouble: &Failure) -> Result<Ended, Leave> {
        match (act, line.as_mut()) {
            (Act::Open, _) => {
                let (opened, ended) = self.open().await;
                *line = opened;
                Ok(ended)
            }
            (Act::Close(wait), _) => {
                *line = None;
                self.rest(None, wait, trouble).await
            }
            (Act::Rest(wait), line) => self.rest(line, wait, trouble).await,
            (Act::PowerCycle, line) => {
                self.power_cycle();
                self.rest(line, self.settings.timings.retry, trouble).await
            }
            (Act::Initialise, Some(line)) => self.initialise(line).await,
            (Act::Serve(patience), Some(line)) => self.serve(line, patience).await,
            (Act::Radio, Some(line)) => {
                line.leave_prompt().await?;
                line.command("AT+CFUN=4", "", RADIO_WITHIN).await?;
                line.command("AT+CFUN=1", "", RADIO_WITHIN).await?;
                self.rest(Some(line), self.settings.timings.retry, trouble).await
            }
            (Act::Reset, Some(line)) => {
                line.leave_prompt().await?;
                // A modem that hangs may still hear it.
                line.command("AT+CFUN=1,1", "", RESET_WITHIN).await?;
                self.rest(Some(line), self.settings.timings.retry, trouble).await
            }
            (Act::Initialise | Act::Serve(_) | Act::Radio | Act::Reset, None) => Ok(ended(Event::Due)),
        }
    }

    /// Waits, listens if there is something to listen to, and refuses every text.
    async fn rest(
        &mut self,
        line: Option<&mut Line<P::Port>>,
        wait: Duration,
        trouble: &Failure,
    ) -> Result<Ended, Leave> {
        self.refuse_for(line, wait, trouble).await.map(ended)
    }

    /// Refuses every text that comes within `wait`. Ends sooner when the modem has news of itself, or a person wants a reset.
    pub(super) async fn refuse_for(
        &mut self,
        mut line: Option<&mut Line<P::Port>>,
        wait: Duration,
        failure: &Failure,
    ) -> Result<Event, Leave> {
        let until = after(wait);
        loop {
            self.keeper.flush().await;
            match self.moved(line.as_deref_mut(), until).await {
                Moved::Wish(Wish::Text(request)) => {
                    if request.ticket.send(()).is_ok() {
                        answer(request.reply, Report::of(Outcome::Failed(failure.clone())));
                    }
                }
                Moved::Wish(Wish::Ring(request)) => {
                    if request.ticket.send(()).is_ok() {
                        answer(request.reply, Report::of(Outcome::Failed(failure.clone())));
                    }
                }
                Moved::Wish(Wish::Reset(reply)) => {
                    if self.agree_to_reset(reply, line.is_some()) {
                        return Ok(Event::Asked);
                    }
                }
                Moved::Heard => {
                    let Some(line) = line.as_deref_mut() else { continue };
                    if line.overheard.take_restarted() | line.overheard.take_sim_changed() {
                        return Ok(Event::Unset);
                    }
                }
                Moved::Due => return Ok(Event::Due),
                Moved::Gone(error) => return Err(error.into()),
                Moved::Stop => return Err(Leave::Stop),
            }
        }
    }

    /// Answers a wish for a reset; true if it will be done.
    pub(super) fn agree_to_reset(
        &self,
        reply: tokio::sync::oneshot::Sender<Result<(), String>>,
        is_open: bool,
    ) -> bool {
        let may = if is_open {
            self.course.may_reset(self.time.now()).map_err(str::to_owned)
        } else {
            Err("its port is not open".to_owned())
        };
        let agreed = may.is_ok();
        drop(reply.send(may)); // whoever asked may have gone; the modem is reset all the same
        agreed
    }

    /// Waits for what comes next. Each arm is cancel-safe: a dropped read or receive has taken nothing.
    pub(super) async fn moved(&mut self, line: Option<&mut Line<P::Port>>, until: Instant) -> Moved {
        let overhear = async {
            match line {
                Some(line) => line.overhear().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.stop.cancelled() => Moved::Stop,
            heard = overhear => heard.map_or_else(Moved::Gone, |()| Moved::Heard),
            Some(wish) = self.wishes.recv() => Moved::Wish(wish),
            () = sleep_until(until) => Moved::Due,
        }
    }

    fn power_cycle(&self) {
        let Some(power) = &self.settings.power else { return };
        if let Err(why) = (power.0)() {
            warn!(modem = self.settings.name, why, "the modem's power can't be switched");
        }
    }

    /// A device that a reset made vanish is never reset again.
    fn harm(&self, step: Step) {
        if step.harm {
            let device = self.device();
            warn!(modem = self.settings.name, device, "it did not come back from a reset by command: never again");
            self.traffic.with(|traffic| traffic.note(Fact::Harm { device }));
        }
    }

    /// What the device is remembered by.
    pub(super) fn device(&self) -> String {
        let port = self.settings.port.as_deref().or(self.port.as_deref()).unwrap_or(Path::new("auto"));
        self.board.identity().imei.unwrap_or_else(|| port.display().to_string())
    }

    /// Takes up what earlier starts left.
    pub(super) async fn recall(&mut self) {
        let memory = match self.keeper.recall().await {
            Ok(memory) => memory,
            Err(error) => {
                warn!(modem = self.settings.name, error = %error.0, "what the modem did before this start is not known");
                return;
            }
        };
        let now = Timestamp::now();
        let began = self.time.now();
        let moment = |at: Timestamp| began.checked_sub(now.since(at));
        let rungs = memory.rungs.iter().filter_map(|(at, rung)| Some((moment(*at)?, *rung)));
        self.course.recall(rungs.collect::<Vec<(Moment, u8)>>());
        let parts = memory.parts.iter().filter_map(|part| Some((moment(part.at)?, part.sim.clone())));
        self.budget.recall(parts.collect::<Vec<(Moment, String)>>());
        if let Some((state, reason)) = memory.last.clone() {
            self.board.recall(state, reason);
        }
        self.harmed.clone_from(&memory.harmed);
        self.traffic.with(|traffic| traffic.recall(&memory));
        self.keyring.recall(memory.pins);
    }
}

/// The state that a failure means.
const fn state_of(event: Event) -> ModemState {
    match event {
        Event::NotThere | Event::Gone => ModemState::Absent,
        Event::Locked | Event::SimFailed => ModemState::SimLocked,
        Event::Searching => ModemState::Searching,
        Event::Opened
        | Event::Silent
        | Event::Refused
        | Event::Fit
        | Event::Unset
        | Event::Sick
        | Event::Asked
        | Event::Due => ModemState::Recovering,
    }
}

pub(super) fn silent() -> Ended {
    failed(Event::Silent, init::silent().failure)
}

pub(super) fn answer(reply: tokio::sync::oneshot::Sender<Report>, report: Report) {
    if let Err(report) = reply.send(report) {
        warn!(outcome = ?report.outcome, "nobody waits for what became of a text or a ring");
    }
}
