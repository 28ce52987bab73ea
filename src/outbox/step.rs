//! What follows a try. Pure: the facts and the outcome in, the next state out.
//!
//! The fault's class alone decides (`model::Fault`); a text may move to another channel, everything else stays on its
//! own. An effect that may have happened is looked up before it is sent again; where it can't be looked up (a modem
//! without a status report), exactly one marked repeat is allowed.

use std::time::Duration;

use crate::failpoint;
use crate::model::{Fault, Ladder, Timestamp};

/// What is known of a job after a try.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Facts {
    /// The time.
    pub now: Timestamp,
    /// Drawn by the caller, 0..=1.
    pub jitter: f64,
    /// Tries of this generation, this one included.
    pub tries: u32,
    /// The job is given up after this.
    pub deadline_at: Timestamp,
    /// Doing it twice is the same as doing it once.
    pub repeatable: bool,
    /// This try only asked whether an earlier one worked.
    pub looking_up: bool,
    /// What can't be looked up may be done once more: the same, so that whoever has it already can tell.
    pub may_repeat: bool,
    /// For texts: the rest of the order.
    pub sms: Option<SmsFacts>,
}

/// What is known of a text besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SmsFacts {
    /// When this leg gives way; `None` when its channel is alone.
    pub failover_at: Option<Timestamp>,
    /// This already is the one repeat.
    pub repeat: bool,
    /// Every other channel has just refused it for good.
    pub last_hope: bool,
}

/// The waits of the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// Backoff between tries.
    pub ladder: Ladder,
    /// How long to wait before an unknown outcome is looked up: status reports and search indexes need time.
    pub look_up_after: Duration,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Next {
    /// The same again at that time.
    Retry {
        /// When.
        at: Timestamp,
    },
    /// The channel is at fault: the same again when it opens, and this try did not count.
    Wait {
        /// Not before this.
        at: Timestamp,
    },
    /// Ask at that time whether it happened.
    LookUp {
        /// When.
        at: Timestamp,
    },
    /// Something newer has taken its place.
    Moot,
    /// This leg is given up for the next channel.
    GiveWay {
        /// The next leg is the one marked repeat.
        repeat: bool,
    },
    /// Another language model is asked.
    Ask(Ask),
    /// It can't succeed.
    Dead,
}

/// Which model is asked next, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ask {
    /// Its place in the order.
    pub(super) model: usize,
    /// When.
    pub(super) at: Timestamp,
    /// The one before will never answer.
    pub(super) is_refused: bool,
    /// Every other was asked in vain.
    pub(super) is_new_lap: bool,
}

/// What follows a failure.
pub(super) fn after_failure(facts: &Facts, waits: &Waits, fault: Fault, final_everywhere: bool) -> Next {
    match fault {
        Fault::Crash => Next::Dead,
        Fault::Permanent => match facts.sms {
            Some(SmsFacts { failover_at: Some(_), last_hope: false, .. }) if !final_everywhere => {
                next_leg(facts, false)
            }
            Some(_) | None => Next::Dead,
        },
        Fault::Throttled { until } => held_up(facts, until),
        Fault::Auth => held_up(facts, Timestamp::from_millis(i64::MAX)),
        Fault::Unknown if !facts.repeatable && !facts.looking_up => {
            Next::LookUp { at: facts.now.after(waits.look_up_after) }
        }
        Fault::Transient | Fault::Unknown => again(facts, waits),
    }
}

/// What follows a look-up that is certain: it did not happen.
pub(super) fn after_absent(facts: &Facts) -> Next {
    match facts.sms.and_then(|sms| sms.failover_at) {
        Some(at) if at <= facts.now => next_leg(facts, false),
        Some(_) | None => Next::Retry { at: facts.now },
    }
}

/// What follows a look-up that can't tell: one marked repeat, never a third.
pub(super) fn after_unsure(facts: &Facts) -> Next {
    match facts.sms {
        Some(sms) if !sms.repeat || failpoint::removed("never-a-third") => next_leg(facts, true),
        None if facts.may_repeat => Next::Retry { at: facts.now },
        Some(_) | None => Next::Dead,
    }
}

/// What follows for a text whose clock ran out before anybody could send it: the next channel's turn.
pub(super) fn too_late(facts: &Facts) -> Next {
    next_leg(facts, false)
}

/// What follows when the failover clock runs out on a leg that nobody works on. `None`: it is let be.
#[must_use]
pub(super) fn after_failover(facts: &Facts) -> Option<Next> {
    match facts.sms? {
        // Waiting for a report: the look-up comes by itself. Overdue: it can't be asked, so the other channel repeats.
        SmsFacts { repeat, .. } if facts.looking_up => (!repeat).then(|| next_leg(facts, true)),
        SmsFacts { .. } => Some(next_leg(facts, false)),
    }
}

/// What follows when the channel can't be used before `until`: a text that can't wait so long takes the next one.
pub(super) fn held_up(facts: &Facts, until: Timestamp) -> Next {
    match facts.sms {
        Some(SmsFacts { failover_at: Some(failover_at), repeat, .. }) if until > failover_at => {
            if !facts.looking_up {
                next_leg(facts, false)
            } else if repeat {
                Next::LookUp { at: facts.now }
            } else {
                next_leg(facts, true)
            }
        }
        Some(_) | None if facts.looking_up => Next::LookUp { at: facts.now },
        Some(_) | None => Next::Wait { at: facts.now },
    }
}

fn again(facts: &Facts, waits: &Waits) -> Next {
    let at = facts.now.after(waits.ladder.wait(facts.tries, facts.jitter));
    match facts.sms {
        Some(SmsFacts { failover_at: Some(failover_at), repeat, .. })
            if at >= failover_at && !(facts.looking_up && repeat) =>
        {
            next_leg(facts, facts.looking_up)
        }
        Some(_) | None if at > facts.deadline_at => Next::Dead,
        Some(_) | None if facts.looking_up => Next::LookUp { at },
        Some(_) | None => Next::Retry { at },
    }
}

fn next_leg(facts: &Facts, repeat: bool) -> Next {
    if facts.now >= facts.deadline_at { Next::Dead } else { Next::GiveWay { repeat } }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const WAITS: Waits = Waits {
        ladder: Ladder { base: Duration::from_secs(1), cap: Duration::from_mins(5) },
        look_up_after: Duration::from_secs(10),
    };

    fn at(seconds: u64) -> Timestamp {
        NOW.after(Duration::from_secs(seconds))
    }

    fn crm() -> Facts {
        Facts {
            now: NOW,
            jitter: 1.0,
            tries: 1,
            deadline_at: at(3_600),
            repeatable: true,
            looking_up: false,
            may_repeat: false,
            sms: None,
        }
    }

    fn note() -> Facts {
        Facts { repeatable: false, ..crm() }
    }

    fn sms() -> Facts {
        Facts { sms: Some(SmsFacts { failover_at: Some(at(30)), repeat: false, last_hope: false }), ..note() }
    }

    fn asking(facts: Facts) -> Facts {
        Facts { looking_up: true, ..facts }
    }

    fn repeat(facts: Facts) -> Facts {
        Facts { sms: facts.sms.map(|sms| SmsFacts { repeat: true, ..sms }), ..facts }
    }

    fn last_hope(facts: Facts) -> Facts {
        Facts { sms: facts.sms.map(|sms| SmsFacts { last_hope: true, ..sms }), ..facts }
    }

    fn alone(facts: Facts) -> Facts {
        Facts { sms: facts.sms.map(|sms| SmsFacts { failover_at: None, ..sms }), ..facts }
    }

    #[test]
    fn each_class_has_one_sequel() {
        let late = |facts: Facts| Facts { deadline_at: NOW, ..facts };
        let tired = |facts: Facts| Facts { tries: 9, ..facts };
        let park = Fault::Throttled { until: at(20) };
        let long_park = Fault::Throttled { until: at(40) };
        for (name, facts, fault, want) in [
            ("write, trouble", crm(), Fault::Transient, Next::Retry { at: at(1) }),
            ("write, trouble for too long", late(crm()), Fault::Transient, Next::Dead),
            ("write, slow down", crm(), park, Next::Wait { at: NOW }),
            ("write, token refused", crm(), Fault::Auth, Next::Wait { at: NOW }),
            ("write, no verdict", crm(), Fault::Unknown, Next::Retry { at: at(1) }),
            ("write, refused", crm(), Fault::Permanent, Next::Dead),
            ("panic", crm(), Fault::Crash, Next::Dead),
            ("note, no verdict", note(), Fault::Unknown, Next::LookUp { at: at(10) }),
            ("note, the look-up fails", asking(note()), Fault::Transient, Next::LookUp { at: at(1) }),
            ("note, the look-up is refused", asking(note()), Fault::Auth, Next::LookUp { at: NOW }),
            ("text, trouble", sms(), Fault::Transient, Next::Retry { at: at(1) }),
            ("text, trouble past the clock", tired(sms()), Fault::Transient, Next::GiveWay { repeat: false }),
            ("text, SIM locked", sms(), Fault::Auth, Next::GiveWay { repeat: false }),
            ("text, SIM locked, no other channel", alone(sms()), Fault::Auth, Next::Wait { at: NOW }),
            ("text, slow down a little", sms(), park, Next::Wait { at: NOW }),
            ("text, slow down past the clock", sms(), long_park, Next::GiveWay { repeat: false }),
            ("text, bad number", sms(), Fault::Permanent, Next::GiveWay { repeat: false }),
            ("text, bad number on every channel", last_hope(sms()), Fault::Permanent, Next::Dead),
            ("text, bad number, no other channel", alone(sms()), Fault::Permanent, Next::Dead),
            ("text, no verdict", sms(), Fault::Unknown, Next::LookUp { at: at(10) }),
            (
                "text, can't be asked past the clock",
                tired(asking(sms())),
                Fault::Transient,
                Next::GiveWay { repeat: true },
            ),
            (
                "repeat, can't be asked past the clock",
                tired(repeat(asking(sms()))),
                Fault::Transient,
                Next::LookUp { at: at(256) },
            ),
            ("text, may not be asked", asking(sms()), Fault::Auth, Next::GiveWay { repeat: true }),
            ("repeat, may not be asked", repeat(asking(sms())), Fault::Auth, Next::LookUp { at: NOW }),
            ("text, the report says failed", asking(sms()), Fault::Permanent, Next::GiveWay { repeat: false }),
            ("text, bad number, too late", late(sms()), Fault::Permanent, Next::Dead),
        ] {
            assert_eq!(after_failure(&facts, &WAITS, fault, false), want, "{name}");
        }
        assert_eq!(after_failure(&sms(), &WAITS, Fault::Permanent, true), Next::Dead, "opted out");
    }

    #[test]
    fn never_a_third() {
        for (name, facts, want) in [
            ("first", sms(), Next::GiveWay { repeat: true }),
            ("first, alone", alone(sms()), Next::GiveWay { repeat: true }),
            ("second", repeat(sms()), Next::Dead),
            ("no text", note(), Next::Dead),
            ("mail", Facts { may_repeat: true, ..note() }, Next::Retry { at: NOW }),
        ] {
            assert_eq!(after_unsure(&asking(facts)), want, "{name}");
        }
    }

    #[test]
    fn absent_is_sent_again_and_the_clock_counts() {
        assert_eq!(after_absent(&note()), Next::Retry { at: NOW });
        assert_eq!(after_absent(&sms()), Next::Retry { at: NOW });
        let over = Facts { sms: Some(SmsFacts { failover_at: Some(NOW), repeat: true, last_hope: false }), ..sms() };
        assert_eq!(after_absent(&over), Next::GiveWay { repeat: false });
        assert_eq!(after_failover(&sms()), Some(Next::GiveWay { repeat: false }));
        assert_eq!(after_failover(&asking(sms())), Some(Next::GiveWay { repeat: true }));
        assert_eq!(after_failover(&repeat(asking(sms()))), None);
    }
}
