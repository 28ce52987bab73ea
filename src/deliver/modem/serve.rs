//! A modem at work: texts go out, reports and texts come in, the network is looked after.
//!
//! Ends with an event when the modem must be initialised again, brought back, or has had no network for too long. Idle, it
//! asks one or two short questions a minute, which also tell whether the modem still answers, and a few more every five
//! minutes: announcements are lost in brown-outs, and a modem that restarted in silence has forgotten how to report.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use super::Ports;
use super::actor::{Actor, Ended, Leave, Moved, answer, ended, silent};
use super::at::Final;
use super::course::Event;
use super::errors::{self, Remedy};
use super::inbox;
use super::line::{Line, after};
use super::network::{self, Network};
use super::ring;
use super::sending::{self, After, Office, Request, Wish};
use crate::model::{Failure, Fault, ModemState, Outcome, Report};

/// Between two looks at the network, however often the modem says that it changed.
const LOOK_PAUSE: Duration = Duration::from_millis(200);
/// Between two check-ups.
const CHECK_UP: Duration = Duration::from_mins(5);
/// A modem that is busy is left alone for so long.
const BUSY: Duration = Duration::from_secs(5);
/// Texts in a row of which nothing came, and the modem answers all the same.
const STRIKES: u8 = 3;
/// A short question.
const WITHIN: Duration = Duration::from_secs(5);
/// So full a memory is told of: the network keeps what doesn't fit, for a while.
const FULL_PERCENT: u16 = 70;

/// What a modem at work is watched for.
struct Watch {
    /// Why nothing can be sent.
    refusal: Option<Failure>,
    /// When the network is looked at next.
    look_at: Instant,
    /// When the rest is looked at next.
    check_at: Instant,
    /// A command was given up and may still be under way in the modem.
    unsettled: bool,
    /// Since when there is no network.
    lost_since: Option<Instant>,
    /// Its memory is read through as soon as nothing else is to be done.
    sweep: bool,
}

impl Watch {
    fn new() -> Self {
        let now = Instant::now();
        Self { refusal: None, look_at: now, check_at: now, unsettled: false, lost_since: None, sweep: false }
    }

    /// Nothing is asked for a while: bytes could abort what the modem still does, or be lost.
    fn leave_in_peace(&mut self, wait: Duration) {
        (self.unsettled, self.look_at) = (true, after(wait));
    }

    /// What lies in the memories is looked for when the modem had its pause.
    fn sweep_soon(&mut self) {
        (self.sweep, self.check_at) = (true, self.check_at.min(after(BUSY)));
    }

    fn due(&self) -> Instant {
        if self.unsettled { self.look_at } else { self.look_at.min(self.check_at) }
    }
}

impl<P: Ports> Actor<P> {
    /// Sends what comes, listens, and looks after the network.
    pub(super) async fn serve(&mut self, line: &mut Line<P::Port>, patience: Duration) -> Result<Ended, Leave> {
        let mut watch = Watch::new();
        loop {
            self.keeper.flush().await;
            if let Some(end) = self.heard(line, &mut watch) {
                return Ok(end);
            }
            if watch.look_at <= Instant::now() {
                if watch.unsettled {
                    return Ok(ended(Event::Unset));
                }
                if let Some(end) = self.look(line, &mut watch, patience).await? {
                    return Ok(end);
                }
                continue;
            }
            if let Some(place) = line.overheard.take_stored() {
                if watch.unsettled {
                    // A report may be the verdict that didn't come; the modem is told that nobody waits for another.
                    line.leave_prompt().await?;
                }
                let home = self.facts.memory;
                if !inbox::fetch(line, &mut self.keeper, &place, home).await? {
                    watch.sweep_soon();
                }
                continue;
            }
            match self.moved(Some(line), watch.due()).await {
                Moved::Stop => return Err(Leave::Stop),
                Moved::Gone(error) => return Err(error.into()),
                Moved::Heard => {}
                Moved::Due if watch.look_at <= Instant::now() => {}
                Moved::Due => {
                    if let Some(end) = self.check_up(line, &mut watch).await? {
                        return Ok(end);
                    }
                }
                Moved::Wish(Wish::Reset(reply)) => {
                    if self.agree_to_reset(reply, true) {
                        let failure = Failure::new(Fault::Transient, "a person had the modem reset");
                        return Ok(Ended { event: Event::Asked, failure: Some(failure) });
                    }
                }
                Moved::Wish(Wish::Ring(request)) => {
                    if let Some(end) = self.ring(line, &mut watch, request).await? {
                        return Ok(end);
                    }
                }
                Moved::Wish(Wish::Text(request)) => {
                    if let Some(end) = self.attend(line, &mut watch, request).await? {
                        return Ok(end);
                    }
                }
            }
        }
    }

    /// Acts on what the modem said unasked.
    fn heard(&self, line: &mut Line<P::Port>, watch: &mut Watch) -> Option<Ended> {
        let overheard = &mut line.overheard;
        if overheard.take_restarted() || (line.echo_is_off && overheard.take_echo()) {
            info!(modem = self.settings.name, "modem restarted");
            return Some(ended(Event::Unset));
        }
        if overheard.take_sim_changed() {
            info!(modem = self.settings.name, "the SIM was taken out or locked");
            return Some(ended(Event::Unset));
        }
        if overheard.take_weak() {
            warn!(modem = self.settings.name, "the modem complains of its supply: give it one with 2 A");
        }
        if overheard.take_storage_full() {
            (watch.sweep, watch.check_at) = (true, Instant::now());
        }
        watch.unsettled &= !overheard.take_late_end();
        // News that come while the modem is left in peace wait as well.
        if overheard.take_network_changed() && !watch.unsettled {
            watch.look_at = watch.look_at.min(after(LOOK_PAUSE));
        }
        None
    }

    /// Looks at the network.
    async fn look(
        &mut self,
        line: &mut Line<P::Port>,
        watch: &mut Watch,
        patience: Duration,
    ) -> Result<Option<Ended>, Leave> {
        match network::look(line).await? {
            // Initialising starts with waking it up.
            Network::Silent => return Ok(Some(ended(Event::Unset))),
            Network::Registered { words, signal_dbm } => {
                self.board.tell(ModemState::Ready, None, None);
                self.board.show(|info| (info.registration, info.signal_dbm) = (Some(words.to_owned()), signal_dbm));
                (watch.refusal, watch.lost_since) = (None, None);
                watch.look_at = after(self.settings.timings.keep_alive);
            }
            Network::Unregistered(failure) => {
                let since = *watch.lost_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= patience {
                    return Ok(Some(Ended { event: Event::Searching, failure: Some(failure) }));
                }
                self.board.tell(ModemState::Searching, Some(&failure), None);
                self.board.show(|info| (info.registration, info.signal_dbm) = (Some(failure.reason.clone()), None));
                (watch.refusal, watch.look_at) = (Some(failure), after(self.settings.timings.retry));
            }
        }
        Ok(None)
    }

    /// Looks at its memory and at how it reports, and asks for the network's name.
    async fn check_up(&mut self, line: &mut Line<P::Port>, watch: &mut Watch) -> Result<Option<Ended>, Leave> {
        watch.check_at = after(CHECK_UP);
        // Asked first: without its SIM a modem refuses all that follows.
        let sim = line.command("AT+CPIN?", "+CPIN:", WITHIN).await?;
        if matches!(sim.fields("+CPIN:").as_deref(), Some([state, ..]) if *state != "READY")
            || matches!(sim.end, Some(Final::Cme(_) | Final::Cms(_)))
        {
            return Ok(Some(ended(Event::Unset)));
        }
        // Some old modems leave out the OK.
        if (sim.end.is_none() && sim.info.is_empty()) || line.overheard.has_restarted() {
            return Ok(Some(ended(Event::Unset)));
        }
        let storage = line.command("AT+CPMS?", "+CPMS:", WITHIN).await?;
        let places = storage.fields("+CPMS:").and_then(|fields| {
            let place = |nth: usize| fields.get(nth).and_then(|field| field.parse::<u16>().ok());
            Some((place(1)?, place(2)?))
        });
        let used = places.is_some_and(|(used, _)| used > 0);
        if (used || std::mem::take(&mut watch.sweep)) && !inbox::sweep(line, &mut self.keeper).await? {
            watch.leave_in_peace(self.settings.timings.late_verdict);
            return Ok(None);
        }
        if let Some((used, total)) =
            places.filter(|(used, total)| used.saturating_mul(100) >= total.saturating_mul(FULL_PERCENT))
        {
            warn!(modem = self.settings.name, used, total, "the modem's memory for texts is nearly full");
        }
        if let Some(home) = self.facts.memory {
            inbox::sweep_others(line, &mut self.keeper, &mut self.others, home).await?;
        }
        if line.overheard.has_restarted() {
            return Ok(Some(ended(Event::Unset)));
        }
        let indication = line.command("AT+CNMI?", "+CNMI:", WITHIN).await?;
        // In its own words: some answer with more than they were told, or in another order.
        let now = indication.info.first().cloned();
        match (&self.indication, now) {
            (Some(before), Some(now)) if *before != now => {
                info!(modem = self.settings.name, before, now, "modem restarted in silence");
                return Ok(Some(ended(Event::Unset)));
            }
            (None, now) => self.indication = now,
            (Some(_), _) => {}
        }
        let operator = line.command("AT+COPS?", "+COPS:", WITHIN).await?;
        let operator = operator.fields("+COPS:").and_then(|fields| fields.get(2).map(ToString::to_string));
        self.board.show(|info| (info.storage, info.operator) = (places, operator));
        Ok(None)
    }

    /// Sends a text, or refuses it.
    async fn attend(
        &mut self,
        line: &mut Line<P::Port>,
        watch: &mut Watch,
        request: Request,
    ) -> Result<Option<Ended>, Leave> {
        // A text that is dropped here was not begun, as its handle is told.
        if watch.unsettled && !line.wake().await? {
            return Ok(Some(silent()));
        }
        watch.unsettled = false;
        let Request { sms, ticket, reply } = request;
        if ticket.send(()).is_err() {
            return Ok(None); // its deadline passed while it waited, and its handle has said so
        }
        let (report, next) = if let Some(failure) = &watch.refusal {
            (Report::of(Outcome::Failed(failure.clone())), After::Ready)
        } else {
            let (time, settings, traffic) = (self.time, &self.settings, &self.traffic);
            let (keeper, budget) = (&mut self.keeper, &mut self.budget);
            sending::send(line, &mut Office { settings, traffic, keeper, budget, time }, &sms).await
        };
        self.count(&report);
        answer(reply, report);
        self.after(line, watch, next)
    }

    /// Lets a phone ring, or says why not. It is over early when somebody else wants the modem, when nobody waits for the
    /// ring any more, and when the task is to stop.
    async fn ring(
        &mut self,
        line: &mut Line<P::Port>,
        watch: &mut Watch,
        request: ring::Request,
    ) -> Result<Option<Ended>, Leave> {
        if watch.unsettled && !line.wake().await? {
            return Ok(Some(silent()));
        }
        watch.unsettled = false;
        let ring::Request { call, ticket, reply } = request;
        if ticket.send(()).is_err() {
            return Ok(None);
        }
        let (report, next) = if let Some(failure) = &watch.refusal {
            (Report::of(Outcome::Failed(failure.clone())), ring::After::Ready)
        } else {
            let wanted = || !self.wishes.is_empty() || self.stop.is_cancelled() || reply.is_closed();
            ring::ring(line, &call, wanted).await
        };
        answer(reply, report);
        match next {
            ring::After::Ready => Ok(None),
            ring::After::Initialise => Ok(Some(ended(Event::Unset))),
            ring::After::Reopen(error) => Err(error.into()),
        }
    }

    /// What the port needs after a text.
    fn after(&mut self, line: &mut Line<P::Port>, watch: &mut Watch, next: After) -> Result<Option<Ended>, Leave> {
        match next {
            After::Ready => {
                self.strikes = 0;
                Ok(None)
            }
            After::Refused(by) => Ok(self.refused(watch, by)),
            After::Listen => {
                line.overheard.take_late_end();
                watch.leave_in_peace(self.settings.timings.late_verdict);
                Ok(self.strike(STRIKES, "the modem says nothing of what becomes of texts"))
            }
            After::Initialise => {
                let struck = self.strike(STRIKES, "the modem does not take texts");
                Ok(Some(struck.unwrap_or(ended(Event::Unset))))
            }
            After::Reopen(error) => Err(error.into()),
        }
    }

    /// One more failure in a row. So many ask for a reset: it answers, and still it can't be used.
    fn strike(&mut self, most: u8, reason: &str) -> Option<Ended> {
        self.strikes = self.strikes.saturating_add(1);
        if self.strikes < most {
            return None;
        }
        self.strikes = 0;
        Some(Ended { event: Event::Sick, failure: Some(Failure::new(Fault::Transient, reason)) })
    }

    /// Does what an error asks for.
    fn refused(&mut self, watch: &mut Watch, by: Final) -> Option<Ended> {
        match errors::remedy(by) {
            Remedy::Nothing => {}
            Remedy::Sweep => (watch.sweep, watch.check_at) = (true, Instant::now()),
            Remedy::Look => watch.look_at = Instant::now(),
            Remedy::Pause => watch.leave_in_peace(BUSY),
            Remedy::Initialise => return Some(ended(Event::Unset)),
            Remedy::Reset(strikes) => return self.strike(strikes, &errors::failure(by, false).reason),
        }
        None
    }

    fn count(&self, report: &Report) {
        let (spent, seen) = (self.budget.spent(self.time.now()), self.traffic.with(|traffic| traffic.report_seen()));
        self.board.show(|info| {
            (info.spent, info.report_seen) = (spent, seen);
            let count = match &report.outcome {
                Outcome::Done(_) => &mut info.texts.sent,
                Outcome::Failed(failure) if failure.fault == Fault::Unknown => &mut info.texts.unknown,
                Outcome::Failed(_) | Outcome::Absent | Outcome::Unsure => &mut info.texts.failed,
            };
            *count = count.saturating_add(1);
        });
    }
}
