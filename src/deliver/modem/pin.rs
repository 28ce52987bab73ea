//! Whether the SIM's PIN may be sent. Pure. Three wrong ones and only the PUK helps: a person with the SIM's papers.
//!
//! 3GPP TS 27.007, clause 8.3; TS 22.030, clause 6.6.2. One try of a PIN on a SIM that came to nothing, or to nobody knows
//! what, is the last one, over all restarts. A PIN that the SIM took is sent once after each time the SIM locked itself
//! again. A PUK is never sent. That a try is under way is on disk before the first byte of it leaves.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::SimPin;
use super::init::Answer;
use crate::model::{PinOutcome, PinTry, Timestamp};

/// How to ask for the tries that are left: the standard's way, that of `SIMCom`, Quectel, Huawei; and in which field of the
/// answer they are.
pub(super) const ASK_TRIES: [(&str, &str, usize); 4] = [
    ("AT+CPINR", "+CPINR:", 1),
    ("AT+SPIC", "+SPIC:", 0),
    ("AT+QPINC=\"SC\"", "+QPINC:", 1),
    ("AT^CPIN?", "^CPIN:", 3),
];
/// With fewer tries left somebody has failed before.
const FULL: u8 = 3;
/// A SIM that is open so soon after a try whose answer was lost was opened by it.
const SOON: Duration = Duration::from_mins(2);

/// The PIN, and what became of it so far.
#[derive(Debug)]
pub(super) struct Keyring {
    pin: Option<SimPin>,
    tries: Vec<PinTry>,
    /// What earlier starts tried is known.
    recalled: bool,
    /// It was sent, and the SIM has not been seen open since.
    pending: bool,
}

impl Keyring {
    pub(super) const fn new(pin: Option<SimPin>) -> Self {
        Self { pin, tries: Vec::new(), recalled: false, pending: false }
    }

    /// What earlier starts tried.
    pub(super) fn recall(&mut self, tries: Vec<PinTry>) {
        (self.tries, self.recalled) = (tries, true);
    }

    pub(super) const fn is_recalled(&self) -> bool {
        self.recalled
    }

    pub(super) const fn has_pin(&self) -> bool {
        self.pin.is_some()
    }

    /// The try to be remembered before the PIN is sent to a SIM of these names, or why it is not sent.
    pub(super) fn may_try(&self, sims: Vec<String>, left: Option<u8>, at: Timestamp) -> Result<PinTry, &'static str> {
        let Some(pin) = &self.pin else { return Err("no PIN is configured") };
        let digits = pin.digits.expose_secret();
        if !(4..=8).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err("the configured PIN is not 4 to 8 digits");
        }
        if !self.recalled {
            return Err("what was tried before this start is not known");
        }
        let before = self.tries.iter().rev().find(|tried| tried.mark == pin.mark && is_same(&tried.sims, &sims));
        match before.map(|tried| tried.outcome) {
            Some(PinOutcome::Refused) => return Err("the SIM has refused the configured PIN"),
            Some(PinOutcome::Unknown) => {
                return Err("the configured PIN was tried before and nobody knows what became of it");
            }
            Some(PinOutcome::Accepted) if self.pending => {
                return Err("the SIM took the configured PIN and is still locked");
            }
            Some(PinOutcome::Accepted) | None => {}
        }
        if left.is_some_and(|left| left < FULL) {
            return Err("somebody has entered a wrong PIN before, so that a try could be the last");
        }
        Ok(PinTry { sims, mark: pin.mark.clone(), at, outcome: PinOutcome::Unknown })
    }

    /// The command that enters the PIN, once the try is on disk.
    pub(super) fn enter(&mut self, tried: PinTry) -> String {
        self.pending = true;
        self.tries.push(tried);
        let digits = self.pin.as_ref().map_or("", |pin| pin.digits.expose_secret());
        format!("AT+CPIN=\"{digits}\"")
    }

    /// What came of the last try; to be remembered.
    pub(super) fn ended(&mut self, outcome: PinOutcome) -> Option<PinTry> {
        let last = self.tries.last_mut().filter(|last| last.outcome != outcome)?;
        last.outcome = outcome;
        Some(last.clone())
    }

    /// The SIM is open. Settles a try whose answer was lost a moment ago.
    pub(super) fn is_open(&mut self, now: Timestamp) -> Option<PinTry> {
        self.pending = false;
        let last = self.tries.last()?;
        let was_lost = last.outcome == PinOutcome::Unknown && now.since(last.at) < SOON;
        if was_lost { self.ended(PinOutcome::Accepted) } else { None }
    }
}

/// Whether these are names of one SIM: the same card, or the same port where the card's number could not be read.
fn is_same(known: &[String], names: &[String]) -> bool {
    let card = |names: &[String]| names.iter().find(|name| !name.starts_with('/')).cloned();
    match (card(known), card(names)) {
        (Some(one), Some(other)) => one == other,
        (Some(_) | None, None) | (None, Some(_)) => known.iter().any(|name| names.contains(name)),
    }
}

/// Tries that are left for the PIN, as one of [`ASK_TRIES`] was answered.
pub(super) fn tries_left(answer: &Answer, prefix: &str, field: usize) -> Option<u8> {
    let lines = answer.info.iter().filter_map(|line| super::at::fields(line, prefix));
    let of_pin =
        |fields: &Vec<&str>| fields.first().is_none_or(|name| !name.starts_with("SIM P") || *name == "SIM PIN");
    lines.filter(of_pin).find_map(|fields| fields.get(field)?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_389_299_000);

    fn pin(digits: &str, mark: &str) -> SimPin {
        SimPin { digits: digits.to_owned().into(), mark: mark.to_owned() }
    }

    fn tried(sim: &str, mark: &str, outcome: PinOutcome) -> PinTry {
        PinTry { sims: vec![sim.to_owned()], mark: mark.to_owned(), at: NOW, outcome }
    }

    fn both(sim: &str, outcome: PinOutcome) -> PinTry {
        PinTry { sims: vec![sim.to_owned(), "/dev/modem".to_owned()], ..tried(sim, "a", outcome) }
    }

    fn may(pin: Option<SimPin>, before: Vec<PinTry>, left: Option<u8>) -> Result<(), &'static str> {
        let mut keyring = Keyring::new(pin);
        keyring.recall(before);
        keyring.may_try(vec!["8901".to_owned(), "/dev/modem".to_owned()], left, NOW).map(drop)
    }

    #[test]
    fn one_try_and_no_more() {
        use PinOutcome::{Accepted, Refused, Unknown};
        let good = || Some(pin("1234", "a"));
        for (name, pin, before, left, want) in [
            ("first time", good(), vec![], None, true),
            ("first time, all tries left", good(), vec![], Some(3), true),
            ("none configured", None, vec![], None, false),
            ("no digits", Some(pin("12 4", "a")), vec![], None, false),
            ("an order for the modem", Some(pin("1234\"\rAT+CFUN=0", "a")), vec![], None, false),
            ("somebody failed before", good(), vec![], Some(2), false),
            ("refused before", good(), vec![tried("8901", "a", Refused)], Some(3), false),
            ("refused on this port, SIM not known then", good(), vec![tried("/dev/modem", "a", Refused)], None, false),
            ("nobody knows", good(), vec![tried("8901", "a", Unknown)], Some(3), false),
            ("taken before", good(), vec![tried("8901", "a", Accepted)], Some(3), true),
            ("taken before, but failed since by hand", good(), vec![tried("8901", "a", Accepted)], Some(1), false),
            (
                "taken, then refused: it was changed",
                good(),
                vec![tried("8901", "a", Accepted), tried("8901", "a", Refused)],
                None,
                false,
            ),
            ("another PIN was refused", good(), vec![tried("8901", "b", Refused)], None, true),
            ("refused on another SIM", good(), vec![tried("7777", "a", Refused)], None, true),
            ("refused on another SIM in this port", good(), vec![both("7777", Refused)], None, true),
            ("refused on this SIM in this port", good(), vec![both("8901", Refused)], None, false),
        ] {
            assert_eq!(may(pin, before, left).is_ok(), want, "{name}");
        }
    }

    #[test]
    fn a_good_pin_is_sent_once_for_each_time_the_sim_locks() {
        let mut keyring = Keyring::new(Some(pin("1234", "a")));
        assert!(keyring.may_try(vec!["8901".to_owned()], None, NOW).is_err(), "nothing is known of earlier starts");
        keyring.recall(Vec::new());
        let sims = || vec!["8901".to_owned()];
        let first = keyring.may_try(sims(), Some(3), NOW).unwrap();
        assert_eq!(keyring.enter(first), "AT+CPIN=\"1234\"");
        assert!(keyring.may_try(sims(), Some(3), NOW).is_err(), "no answer yet");
        assert_eq!(keyring.ended(PinOutcome::Accepted).unwrap().outcome, PinOutcome::Accepted);
        assert!(keyring.may_try(sims(), Some(3), NOW).is_err(), "it said OK and is still locked");
        assert_eq!(keyring.is_open(NOW), None);
        assert!(keyring.may_try(sims(), Some(3), NOW).is_ok(), "it was open, so it locked itself anew");
    }

    #[test]
    fn a_lost_answer_is_settled_by_an_open_sim_that_follows_at_once() {
        for (after_s, want) in [(5, Some(PinOutcome::Accepted)), (600, None)] {
            let mut keyring = Keyring::new(Some(pin("1234", "a")));
            keyring.recall(Vec::new());
            let first = keyring.may_try(vec!["8901".to_owned()], None, NOW).unwrap();
            drop(keyring.enter(first));
            let settled = keyring.is_open(NOW.after(Duration::from_secs(after_s)));
            assert_eq!(settled.map(|tried| tried.outcome), want, "after {after_s} s");
        }
    }

    #[test]
    fn tries_left_as_each_maker_tells_them() {
        for (nth, info, want) in [
            (0, vec!["+CPINR: SIM PIN,3,3", "+CPINR: SIM PUK,10,10"], Some(3)),
            (0, vec!["+CPINR: SIM PUK,10,10", "+CPINR: SIM PIN,2,3"], Some(2)),
            (0, vec!["+CPINR: SIM PIN2,1,3"], None),
            (1, vec!["+SPIC: 3,10,0,10"], Some(3)),
            (2, vec!["+QPINC: \"SC\",1,10"], Some(1)),
            (3, vec!["^CPIN: SIM PIN,3,10,2,10,3"], Some(2)),
            (3, vec!["^CPIN: SIM PIN"], None),
            (0, vec![], None),
        ] {
            let (_, prefix, field) = ASK_TRIES[nth];
            let answer = Answer { info: info.iter().map(ToString::to_string).collect(), end: None };
            assert_eq!(tries_left(&answer, prefix, field), want, "{info:?}");
        }
    }
}
