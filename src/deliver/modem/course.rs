//! What comes next for a modem: the recovery ladder. Pure: events and times in, the next act out; every odd modem is a row.
//!
//! Asked by the task after each act. From the mildest rung to the hardest: the dialogue again, the port anew, the radio,
//! a reset by command, the power; then rests of 5, 15 and 60 minutes for ever, and one alarm. Whatever it does, texts are
//! refused meanwhile, so that the outbox can go another way. A port that was away and came back starts afresh: its
//! failures were another life's, and a device that boots must not be reset for booting.

use std::collections::VecDeque;
use std::time::Duration;

/// Time since some moment well before the task began.
pub(super) type Moment = Duration;

/// The dialogue again over the same port.
const AGAIN: u8 = 1;
/// The port closed and opened.
const PORT: u8 = 2;
/// The radio off and on.
const RADIO: u8 = 3;
/// A reset by command.
const RESET: u8 = 4;
/// The power off and on.
const POWER: u8 = 5;
/// Left in peace for a while.
const REST: u8 = 6;

/// A modem that boots is back within this: signing in to the network takes longest.
const BOOT: Duration = Duration::from_secs(90);
/// A modem that has worked for so long is over its last trouble.
const SETTLED: Duration = Duration::from_mins(1);
/// One reset by command in this time.
const RESET_EVERY: Duration = Duration::from_mins(10);
/// So many power cycles in an hour.
const POWER_CYCLES: usize = 3;
/// How long what was tried is remembered.
pub(super) const HOUR: Duration = Duration::from_hours(1);
/// Rests at the end of the ladder; the last one for ever.
const RESTS: [Duration; 3] = [Duration::from_mins(5), Duration::from_mins(15), HOUR];
/// So many restarts of which none was followed by a minute of work are one too many.
const RESTARTS: u8 = 5;
/// A closed port stays closed for so long: the kernel lets go of the device.
const CLOSED: Duration = Duration::from_secs(2);
/// A network is looked for so long before the radio is blamed.
const SEARCH: Duration = Duration::from_mins(5);
/// A port that is away for so long needs a person.
const AWAY: Duration = Duration::from_mins(5);
/// A locked SIM is asked again this often at the least: a person may have unlocked it.
const LOCKED: Duration = Duration::from_secs(30);

/// What an act came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The port is open.
    Opened,
    /// It can't be opened.
    NotThere,
    /// It vanished.
    Gone,
    /// No sensible answer, for as long as is worth waiting.
    Silent,
    /// It answers, but can't be made ready.
    Refused,
    /// The SIM needs a person.
    Locked,
    /// The SIM failed, which a reset may mend.
    SimFailed,
    /// It is ready but for the network.
    Fit,
    /// No network for as long as the act's patience.
    Searching,
    /// It forgot its settings, or may have.
    Unset,
    /// It answers, but with errors that ask for a reset.
    Sick,
    /// A person wants it reset.
    Asked,
    /// The act is done, or its time is over.
    Due,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// Open the port.
    Open,
    /// Close it, and wait.
    Close(Duration),
    /// The opening dialogue.
    Initialise,
    /// Send texts, listen, look at the network; complain when there was none for so long.
    Serve(Duration),
    /// Only listen for so long.
    Rest(Duration),
    /// Radio off and on.
    Radio,
    /// Reset by command.
    Reset,
    /// Power off and on.
    PowerCycle,
}

/// The next act, and what to tell about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) act: Act,
    /// The rung of the ladder, where this is one.
    pub(super) rung: Option<u8>,
    /// A person is needed.
    pub(super) alarm: bool,
    /// A reset by command made the device vanish: it must be remembered.
    pub(super) harm: bool,
}

/// Where a modem stands on the ladder.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about the device and the moment; not one state")]
pub(super) struct Course {
    /// Pause between two looks for a port, and between two tries of the dialogue.
    reopen: Duration,
    retry: Duration,
    /// Root has a way to take its power.
    switchable: bool,
    /// A reset by command makes it vanish.
    harmed: bool,
    open: bool,
    rung: u8,
    rests: usize,
    sim_reset: bool,
    /// Restarts in a row, each soon after the one before.
    restarts: u8,
    /// Until then it boots: silence and absence mean nothing.
    boots_until: Option<Moment>,
    well_since: Option<Moment>,
    away_since: Option<Moment>,
    /// Resets and power cycles of the last hour.
    tried: VecDeque<(Moment, u8)>,
}

impl Course {
    pub(super) const fn new(reopen: Duration, retry: Duration, switchable: bool) -> Self {
        Self {
            reopen,
            retry,
            switchable,
            harmed: false,
            open: false,
            rung: 0,
            rests: 0,
            sim_reset: false,
            restarts: 0,
            boots_until: None,
            well_since: None,
            away_since: None,
            tried: VecDeque::new(),
        }
    }

    /// What an earlier start tried.
    pub(super) fn recall(&mut self, tried: impl IntoIterator<Item = (Moment, u8)>) {
        self.tried.extend(tried);
    }

    /// Resetting this device by command makes it vanish for good.
    pub(super) fn spare(&mut self) {
        self.harmed = true;
    }

    /// Whether it may be reset by command now; otherwise why not.
    pub(super) fn may_reset(&self, now: Moment) -> Result<(), &'static str> {
        let lately = |(at, rung): &(Moment, u8)| *rung == RESET && now.saturating_sub(*at) < RESET_EVERY;
        if self.harmed {
            return Err("this device vanishes when it is reset by command: pull its plug");
        }
        if self.tried.iter().any(lately) {
            return Err("it was reset less than ten minutes ago");
        }
        Ok(())
    }

    /// Takes what the last act came to.
    pub(super) fn on(&mut self, event: Event, now: Moment) -> Step {
        match event {
            Event::Opened => self.opened(),
            Event::NotThere | Event::Gone => self.away(event == Event::Gone, now),
            Event::Silent if self.boots(now) => plain(Act::Rest(CLOSED)),
            Event::Silent => self.climb(AGAIN, false, now),
            Event::Refused if self.boots(now) => plain(Act::Rest(self.retry)),
            Event::Refused => self.climb(0, true, now),
            Event::Searching => self.searching(now),
            Event::Sick => self.sick(now),
            Event::Asked => self.reset(now),
            Event::SimFailed if !self.sim_reset && self.may_reset(now).is_ok() => {
                self.sim_reset = true;
                self.reset(now)
            }
            Event::SimFailed | Event::Locked => Step { alarm: true, ..plain(Act::Rest(self.retry.max(LOCKED))) },
            Event::Fit => {
                self.boots_until = None;
                self.well_since.get_or_insert(now);
                plain(Act::Serve(self.patience()))
            }
            Event::Unset => self.unset(now),
            Event::Due if self.open => plain(Act::Initialise),
            Event::Due => plain(Act::Open),
        }
    }

    /// It restarts now and then; again and again is a trouble of its own.
    fn unset(&mut self, now: Moment) -> Step {
        if self.well_since.take().is_some_and(|since| now.saturating_sub(since) >= SETTLED) {
            (self.restarts, self.rung, self.rests) = (0, 0, 0);
        }
        self.restarts = self.restarts.saturating_add(1);
        if self.restarts > RESTARTS {
            self.restarts = 0;
            return self.climb(0, true, now);
        }
        plain(Act::Initialise)
    }

    fn boots(&self, now: Moment) -> bool {
        self.boots_until.is_some_and(|until| now < until)
    }

    fn opened(&mut self) -> Step {
        self.open = true;
        if self.away_since.take().is_some() && self.boots_until.is_none() {
            (self.rung, self.rests, self.sim_reset, self.well_since) = (0, 0, false, None);
        }
        plain(Act::Initialise)
    }

    /// The port isn't there.
    fn away(&mut self, lost: bool, now: Moment) -> Step {
        self.open = false;
        let since = *self.away_since.get_or_insert(now);
        let look = plain(Act::Close(self.reopen));
        if lost || self.boots(now) {
            return look;
        }
        let booted = self.boots_until.take().is_some();
        // It answered to the reset by going away, and did not come back.
        let harm = booted && self.rung == RESET && !self.harmed;
        self.harmed |= harm;
        let away = now.saturating_sub(since);
        if (booted || away >= BOOT) && self.may_switch(now) && (self.rung < POWER || away >= BOOT) {
            return Step { harm, alarm: true, ..self.power(now) };
        }
        Step { harm, alarm: harm || away >= AWAY, ..look }
    }

    fn may_switch(&self, now: Moment) -> bool {
        let lately = |(at, rung): &&(Moment, u8)| *rung == POWER && now.saturating_sub(*at) < HOUR;
        let last = self.tried.iter().rev().find(lately).map(|(at, _)| *at);
        self.switchable
            && self.tried.iter().filter(lately).count() < POWER_CYCLES
            && last.is_none_or(|at| now.saturating_sub(at) >= BOOT)
    }

    /// The next rung above `least` that can be tried.
    fn climb(&mut self, least: u8, answers: bool, now: Moment) -> Step {
        if self.well_since.take().is_some_and(|since| now.saturating_sub(since) >= SETTLED) {
            (self.rung, self.rests, self.sim_reset) = (0, 0, false);
        }
        self.boots_until = None;
        self.rung = self.rung.max(least).saturating_add(1);
        match self.rung {
            AGAIN => on_rung(AGAIN, Act::Rest(self.retry)),
            PORT => {
                self.open = false;
                on_rung(PORT, Act::Close(CLOSED))
            }
            RADIO if answers => on_rung(RADIO, Act::Radio),
            RESET if self.may_reset(now).is_ok() => self.reset(now),
            POWER if self.may_switch(now) => self.power(now),
            RADIO | RESET | POWER => self.climb(self.rung, answers, now),
            _ => {
                self.rung = 0;
                Step { alarm: true, ..on_rung(REST, Act::Rest(self.rest())) }
            }
        }
    }

    fn rest(&mut self) -> Duration {
        let rest = RESTS.get(self.rests).or(RESTS.last()).copied().unwrap_or(HOUR);
        self.rests = self.rests.saturating_add(1);
        rest
    }

    /// It listens and answers while it has no network, so it is served all along; the ladder only starts at the radio.
    fn searching(&mut self, now: Moment) -> Step {
        self.well_since = None;
        let step = self.climb(PORT, true, now);
        match step.act {
            Act::Rest(rest) => Step { act: Act::Serve(rest), alarm: true, ..step },
            _ => Step { alarm: true, ..step },
        }
    }

    /// How long a network may be looked for: longer each time that all has been tried.
    fn patience(&self) -> Duration {
        self.rests.checked_sub(1).and_then(|last| RESTS.get(last).or(RESTS.last())).copied().unwrap_or(SEARCH)
    }

    /// It works after a fashion: without a rung that may be tried it goes on as it is.
    fn sick(&mut self, now: Moment) -> Step {
        if self.may_reset(now).is_ok() {
            self.reset(now)
        } else if self.may_switch(now) {
            self.power(now)
        } else {
            plain(Act::Serve(self.patience()))
        }
    }

    fn reset(&mut self, now: Moment) -> Step {
        self.try_rung(RESET, now);
        on_rung(RESET, Act::Reset)
    }

    fn power(&mut self, now: Moment) -> Step {
        self.try_rung(POWER, now);
        on_rung(POWER, Act::PowerCycle)
    }

    fn try_rung(&mut self, rung: u8, now: Moment) {
        self.tried.retain(|(at, _)| now.saturating_sub(*at) < HOUR);
        self.tried.push_back((now, rung));
        self.rung = rung;
        self.well_since = None;
        self.boots_until = now.checked_add(BOOT);
    }
}

const fn plain(act: Act) -> Step {
    Step { act, rung: None, alarm: false, harm: false }
}

const fn on_rung(rung: u8, act: Act) -> Step {
    Step { rung: Some(rung), ..plain(act) }
}

impl Act {
    /// What happens next, for people.
    pub(super) fn words(self) -> String {
        match self {
            Self::Open => "its port is opened".to_owned(),
            Self::Close(wait) => format!("its port is opened again in {}", span(wait)),
            Self::Initialise => "it is set up".to_owned(),
            Self::Serve(_) => "it is watched, and used as soon as it can be".to_owned(),
            Self::Rest(wait) => format!("it is tried again in {}, or when it says something", span(wait)),
            Self::Radio => "its radio is switched off and on".to_owned(),
            Self::Reset => "it is reset by command".to_owned(),
            Self::PowerCycle => "its power is switched off and on".to_owned(),
        }
    }
}

/// A wait in the largest unit that fits.
fn span(wait: Duration) -> String {
    match wait.as_secs() {
        0 => format!("{} ms", wait.as_millis()),
        seconds @ 1..=119 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_euclid(60)),
    }
}

#[cfg(test)]
mod tests;
