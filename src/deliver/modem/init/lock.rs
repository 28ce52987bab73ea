//! The SIM's part of the dialogue: open, locked, or locked and opened by its PIN, under `pin`'s rules.

use super::{Answer, Blocked, CARD, Event, Init, Next, Step};
use crate::deliver::modem::at::Final;
use crate::deliver::modem::identity;
use crate::deliver::modem::pin::{ASK_TRIES, Keyring, tries_left};
use crate::model::{Failure, Fault, PinOutcome, Timestamp};

impl Init {
    pub(super) fn on_sim(&mut self, answer: &Answer, end: Final, keyring: &mut Keyring, now: Timestamp) -> Next {
        if end != Final::Ok {
            return self.not_yet(end, Step::Sim);
        }
        match answer.fields("+CPIN:").as_deref() {
            Some(["READY", ..]) => {
                self.step = if self.facts.identity.iccid.is_some() { Step::Radio } else { Step::Card(0) };
                keyring.is_open(now).map_or(Next::Ask, Next::Keep)
            }
            Some(["SIM PIN", ..]) if keyring.has_pin() => self.go(Step::LockedCard(0)),
            Some([state, ..]) => Next::Blocked(locked(state, None)),
            None | Some([]) => self.not_yet(Final::Error, Step::Sim),
        }
    }

    /// The card's number, where it can be read.
    pub(super) fn on_card(&mut self, n: usize, answer: &Answer) -> Next {
        let is_locked = matches!(self.step, Step::LockedCard(_));
        let (of, then): (fn(usize) -> Step, Step) =
            if is_locked { (Step::LockedCard, Step::Tries(0)) } else { (Step::Card, Step::Radio) };
        self.facts.identity.iccid = identity::iccid(answer);
        if self.facts.identity.iccid.is_some() { self.go(then) } else { self.next_of(CARD.len(), n, of, then) }
    }

    pub(super) fn on_tries(&mut self, n: usize, answer: &Answer, keyring: &Keyring, now: Timestamp) -> Next {
        let (_, prefix, field) = ASK_TRIES.get(n).copied().unwrap_or_default();
        self.left = tries_left(answer, prefix, field);
        let next = n.saturating_add(1);
        if self.left.is_none() && next < ASK_TRIES.len() {
            return self.go(Step::Tries(next));
        }
        let names = self.facts.identity.iccid.iter().chain([&self.port]).cloned().collect();
        match keyring.may_try(names, self.left, now) {
            Ok(tried) => {
                self.step = Step::Enter(tried.clone());
                Next::Keep(tried)
            }
            Err(why) => Next::Blocked(locked("SIM PIN", Some(why))),
        }
    }

    /// What was to be kept is on disk, or isn't: then no PIN is sent.
    pub(in crate::deliver::modem) fn kept(&self, kept: bool) -> Next {
        match (&self.step, kept) {
            (Step::Enter(_), false) => {
                Next::Blocked(locked("SIM PIN", Some("the try could not be remembered, so it was not made")))
            }
            _ => Next::Ask,
        }
    }

    /// The PIN was sent. Only OK and a refusal say what became of it; all else is looked at once more.
    pub(super) fn on_entered(&mut self, end: Option<Final>, keyring: &mut Keyring) -> Next {
        let outcome = match end {
            Some(Final::Ok) => PinOutcome::Accepted,
            Some(Final::Cme(12 | 16)) => PinOutcome::Refused,
            Some(Final::Error | Final::Cme(_) | Final::Cms(_)) | None => PinOutcome::Unknown,
        };
        self.step = Step::Sim;
        match keyring.ended(outcome) {
            Some(tried) => Next::Keep(tried),
            None => Next::AskAfter(super::ONE_SECOND),
        }
    }
}

/// The SIM wants something that only a person can give.
fn locked(state: &str, why: Option<&str>) -> Blocked {
    let cure = match (state, why) {
        ("SIM PIN", None) => {
            "configure its PIN (pin in the modem's table), or put the SIM into a phone and switch its PIN off"
        }
        ("SIM PIN", Some(_)) => {
            "put the SIM into a phone, enter its PIN there (see that it is right), then configure that PIN or switch it off"
        }
        ("SIM PUK", _) => {
            "put the SIM into a phone, enter its PUK, set a new PIN, then configure that or switch it off"
        }
        _ => "put the SIM into a phone and remove the lock",
    };
    let reason = match why {
        Some(why) => format!("the SIM is locked: it says {state}, and {why}"),
        None => format!("the SIM is locked: it says {state}"),
    };
    Blocked { failure: Failure::new(Fault::Auth, reason).cure(cure), event: Event::Locked }
}
