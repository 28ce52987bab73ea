//! What is told of a modem: to whoever asks, to the log, and as rows that stay.
//!
//! A change of state is told once. What passes by in a moment (opening, initialising) and what never changes the state
//! (signal, counts) leaves no row: an idle desk writes nothing.

use tokio::sync::watch;
use tracing::{info, warn};

use super::course::Step;
use super::traffic::SharedTraffic;
use crate::model::{Fact, Failure, Identity, ModemInfo, ModemState, Timestamp, Turn};

/// The last thing that became a row.
type Told = (ModemState, Option<String>);

/// Where a modem's state is shown.
pub(super) struct Board {
    shown: watch::Sender<ModemInfo>,
    traffic: SharedTraffic,
    told: Option<Told>,
    alarmed: bool,
}

impl Board {
    pub(super) const fn new(shown: watch::Sender<ModemInfo>, traffic: SharedTraffic) -> Self {
        Self { shown, traffic, told: None, alarmed: false }
    }

    /// What an earlier start told last: if it is so again, that is no news.
    pub(super) fn recall(&mut self, state: ModemState, reason: Option<String>) {
        self.told = Some((state, reason));
    }

    pub(super) fn state(&self) -> ModemState {
        self.shown.borrow().state
    }

    pub(super) fn identity(&self) -> Identity {
        self.shown.borrow().identity.clone()
    }

    /// Shows what isn't a change of state.
    pub(super) fn show(&self, change: impl FnOnce(&mut ModemInfo)) {
        self.shown.send_modify(change);
    }

    /// Tells of a state, its reason, and what is done about it.
    pub(super) fn tell(&mut self, state: ModemState, failure: Option<&Failure>, step: Option<Step>) {
        let reason = failure.map(|failure| failure.reason.clone());
        let cure = failure.and_then(|failure| failure.cure.clone());
        let next = step.map(|step| step.act.words());
        let changed = {
            let shown = self.shown.borrow();
            shown.state != state || shown.reason != reason
        };
        let (at, rung) = (Timestamp::now(), step.and_then(|step| step.rung));
        self.shown.send_modify(|shown| {
            if shown.state != state {
                shown.since = at;
            }
            (shown.state, shown.reason, shown.cure, shown.next) = (state, reason.clone(), cure.clone(), next.clone());
        });
        if changed || rung.is_some() {
            self.log(state, reason.as_deref(), cure.as_deref(), next.as_deref());
        }
        let alarm = step.is_some_and(|step| step.alarm) && !self.alarmed;
        self.alarmed = (self.alarmed || alarm) && state != ModemState::Ready;
        let passing = matches!(state, ModemState::Opening | ModemState::Initialising);
        let told = (state, reason);
        if !passing && (self.told.as_ref() != Some(&told) || rung.is_some() || alarm) {
            let reason = told.1.clone();
            self.told = Some(told);
            let turn = Turn { at, state, reason, cure, next, rung, alarm };
            self.traffic.with(|traffic| traffic.note(Fact::Turn(turn)));
        }
    }

    fn log(&self, state: ModemState, reason: Option<&str>, cure: Option<&str>, next: Option<&str>) {
        let (name, state) = (self.shown.borrow().name.clone(), state.name());
        if reason.is_some() {
            warn!(modem = name, state, reason, cure, next, "modem");
        } else {
            info!(modem = name, state, "modem");
        }
    }
}
