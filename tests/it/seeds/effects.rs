//! Modelled effects: what a try comes to, when it ends, and whether it happened. Drawn from the seed.
//!
//! A channel has weather: outages of minutes to hours in which every try meets the same trouble, and a rate of faults
//! besides. A steady channel has none. Times follow the executor of `outbox::lanes`: an effect that does not end by
//! its hard deadline is cut off a little later, and its outcome is then unknown.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use nightdesk::model::{
    Channel, ClassifiedBy, Done, Failure, Fate, Fault, LlmCall, Outcome, Rang, Reading, Report, SmsReceipt, Task,
    Timestamp, Trace, Work,
};

use super::scene::record;
use super::world::{Deed, World, label_of};

/// As in `outbox::lanes`.
const CUT_OFF_AFTER: Duration = Duration::from_millis(300);
/// What a vendor was sent before we gave up it may still do this much later; look-ups wait longer.
const LINGER_MS: u64 = 4_000;

/// What a try met. Counted, so that a run can show that it tried everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Met {
    Success,
    Transient,
    Throttled,
    Auth,
    UnknownHappened,
    UnknownNotHappened,
    Permanent,
    Panic,
    CutOff,
    LateWord,
    Timer,
    Found,
    Absent,
    Unsure,
    ReportedFailed,
    LookUpTrouble,
}

impl Met {
    pub(super) const ALL: [Self; 16] = [
        Self::Success,
        Self::Transient,
        Self::Throttled,
        Self::Auth,
        Self::UnknownHappened,
        Self::UnknownNotHappened,
        Self::Permanent,
        Self::Panic,
        Self::CutOff,
        Self::LateWord,
        Self::Timer,
        Self::Found,
        Self::Absent,
        Self::Unsure,
        Self::ReportedFailed,
        Self::LookUpTrouble,
    ];
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Trouble {
    Down,
    Hangs,
    Refuses,
    Throttles,
    /// "Try again in 0 seconds", each time.
    ThrottlesBlindly,
    /// Nothing is ever good enough: a wrong number, a field that is gone.
    Rejects,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Sky {
    pub(super) steady: bool,
    /// Chance of a fault outside outages.
    pub(super) rate: f64,
    pub(super) outages: Vec<(Timestamp, Timestamp, Trouble)>,
}

pub(super) type Weather = BTreeMap<Channel, Sky>;

/// One try in flight.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) met: Met,
    /// What happens outside, and when.
    pub(super) deed: Option<(Timestamp, Deed)>,
    pub(super) ends_at: Timestamp,
    pub(super) report: Report,
}

/// Draws what a try comes to.
pub(super) fn plan(world: &World, weather: &Weather, work: &Work, now: Timestamp, rng: &mut Rng) -> Plan {
    let sky = weather.get(&work.job.channel).cloned().unwrap_or_default();
    if let Task::ClassifyDeadline {} | Task::SmsFailover { .. } | Task::Escalate { .. } | Task::Digest { .. } =
        work.job.task
    {
        let ends_at = now.after(ms(rng.u64(1..4)));
        return Plan { met: Met::Timer, deed: None, ends_at, report: Report::of(Outcome::Done(Done::Timer)) };
    }
    let natural = now.after(natural(work, &sky, rng));
    let met = met(world, &sky, work, now, rng);
    let try_ = Try { world, work, now, natural, late: natural > work.hard_deadline };
    let mut plan = if work.look_up_since.is_some() { try_.look_up(met, rng) } else { try_.act(met, &sky, rng) };
    if matches!(work.job.task, Task::Classify { .. }) {
        plan.report.reading = Some(Reading { message: "clean".into(), phone: None });
        if rng.u8(..8) == 0 {
            plan.report.llm_calls.push(call(now));
        }
    }
    plan
}

fn natural(work: &Work, sky: &Sky, rng: &mut Rng) -> Duration {
    if sky.steady {
        return ms(rng.u64(200..1_500));
    }
    ms(match &work.job.task {
        Task::Sms(_) => rng.u64(300..6_000),
        Task::Classify { .. } => rng.u64(300..9_000),
        _ => rng.u64(80..2_500),
    })
}

fn met(world: &World, sky: &Sky, work: &Work, now: Timestamp, rng: &mut Rng) -> Met {
    let outage = sky.outages.iter().find(|(from, until, _)| *from <= now && now < *until);
    let asking = work.look_up_since.is_some();
    if asking {
        let modem = work.job.channel.as_str() == "sms:modem0";
        let troubled = !sky.steady && (outage.is_some() || rng.f64() < sky.rate * 0.5);
        let reported = if modem { world.reported(work) } else { None };
        if let Some(fate) = reported {
            return match fate {
                Fate::GaveUp => Met::Absent,
                Fate::FailedForGood => Met::ReportedFailed,
                Fate::FailedUnknown => Met::Unsure,
                Fate::Delivered | Fate::Forwarded | Fate::StillTrying => Met::Found,
            };
        }
        return match (modem, world.finds(work)) {
            // The modem itself can't be asked: only a status report tells, and many networks send none.
            (true, true) if rng.bool() => Met::Found,
            (true, false) if rng.u8(..5) > 0 => Met::ReportedFailed,
            (true, _) => Met::Unsure,
            (false, _) if troubled => Met::LookUpTrouble,
            (false, true) => Met::Found,
            (false, false) => Met::Absent,
        };
    }
    if sky.steady {
        return Met::Success;
    }
    match outage {
        Some((_, _, Trouble::Down)) => Met::Transient,
        Some((_, _, Trouble::Hangs)) => Met::CutOff,
        Some((_, _, Trouble::Refuses)) => Met::Auth,
        Some((_, _, Trouble::Throttles | Trouble::ThrottlesBlindly)) => Met::Throttled,
        Some((_, _, Trouble::Rejects)) => Met::Permanent,
        None if rng.f64() >= sky.rate => Met::Success,
        None => *rng
            .choice(&[
                Met::Transient,
                Met::Transient,
                Met::Throttled,
                Met::Auth,
                Met::UnknownHappened,
                Met::UnknownHappened,
                Met::UnknownNotHappened,
                Met::Permanent,
                Met::Panic,
                Met::CutOff,
                Met::LateWord,
                Met::LateWord,
            ])
            .unwrap(),
    }
}

struct Try<'a> {
    world: &'a World,
    work: &'a Work,
    now: Timestamp,
    natural: Timestamp,
    /// It would take longer than it may.
    late: bool,
}

impl Try<'_> {
    fn act(&self, met: Met, sky: &Sky, rng: &mut Rng) -> Plan {
        let met = if self.late && matches!(met, Met::Success | Met::UnknownHappened) { Met::CutOff } else { met };
        let happens = between(self.now, self.natural, rng);
        let cut_off = self.work.hard_deadline.after(CUT_OFF_AFTER);
        let (happens, ends_at, outcome) = match met {
            Met::Success => (Some(happens), self.natural, self.done()),
            Met::UnknownHappened => (Some(happens), self.natural, unknown("the connection was reset")),
            Met::UnknownNotHappened => (None, self.natural, unknown("a 502 came back")),
            Met::CutOff => {
                let happens = rng.bool().then(|| between(self.now, cut_off, rng).after(ms(rng.u64(..LINGER_MS))));
                (happens, cut_off, unknown("no outcome by the hard deadline"))
            }
            // Its word was held up, by a full disk or a stalled box, until long after the failover clock.
            Met::LateWord => {
                let ends_at = cut_off.after(ms(rng.u64(300..40_000)));
                let at = between(self.now, cut_off, rng).after(ms(rng.u64(..LINGER_MS)));
                match rng.u8(..3) {
                    0 => (None, ends_at, failed(Fault::Transient, rng)),
                    1 => (Some(at), ends_at, unknown("silence")),
                    _ => (Some(at), ends_at.max(at), self.done()),
                }
            }
            other => (None, self.natural.min(cut_off), failed(fault_of(other, sky, self.now, rng), rng)),
        };
        let deed = happens.and_then(|at| Deed::of(self.work, self.now).map(|deed| (at, deed)));
        Plan { met, deed, ends_at, report: Report::of(outcome) }
    }

    fn look_up(&self, met: Met, rng: &mut Rng) -> Plan {
        let ends_at = self.natural.min(self.work.hard_deadline.after(CUT_OFF_AFTER));
        let outcome = match met {
            Met::Found => self.done(),
            Met::Absent => Outcome::Absent,
            Met::ReportedFailed => {
                Outcome::Failed(Failure::new(Fault::Permanent, "the status report says that it failed"))
            }
            Met::LookUpTrouble => {
                let until = self.now.after(ms(rng.u64(..120_000)));
                let fault =
                    *rng.choice(&[Fault::Transient, Fault::Auth, Fault::Throttled { until }, Fault::Unknown]).unwrap();
                Outcome::Failed(Failure::new(fault, "the look-up failed"))
            }
            _ => Outcome::Unsure,
        };
        Plan { met, deed: None, ends_at, report: Report::of(outcome) }
    }

    fn done(&self) -> Outcome {
        Outcome::Done(match &self.work.job.task {
            Task::Classify { .. } => {
                Done::Classified { label: label_of(&self.work.lead.raw_message), by: ClassifiedBy::Llm }
            }
            Task::Reconcile(_) => Done::Found(Box::default()),
            Task::CrmRead(read) => Done::Read(Box::new(record(read))),
            Task::Sms(_) => Done::Sms(SmsReceipt { reference: "r".into(), parts: 1, delivered: false }),
            Task::Ring(ring) => Done::Rang(Rang::For(Duration::from_secs(ring.lasts_s.into()))),
            Task::Mail(_) => Done::Mailed("m".into()),
            Task::Ticket(_) => Done::Ticket("t".into()),
            Task::CrmUpdate(_) | Task::CrmNote(_) | Task::CrmTask(_) => Done::Crm { id: Some("1".into()) },
            Task::SmsStatus(asked) => Done::Fate { fate: self.world.status(self.work, asked, self.natural), why: None },
            Task::ClassifyDeadline {}
            | Task::SmsFailover { .. }
            | Task::Escalate { .. }
            | Task::Digest { .. }
            | Task::CanaryCheck {} => Done::Timer,
        })
    }
}

fn fault_of(met: Met, sky: &Sky, now: Timestamp, rng: &mut Rng) -> Fault {
    match met {
        Met::Auth => Fault::Auth,
        Met::Permanent => Fault::Permanent,
        Met::Panic => Fault::Crash,
        Met::Throttled => {
            let outage = sky.outages.iter().find(|(from, until, _)| *from <= now && now < *until);
            let until = match outage {
                Some((_, _, Trouble::ThrottlesBlindly)) => now,
                Some((_, until, _)) if rng.bool() => *until,
                _ => now.after(ms(rng.u64(500..90_000))),
            };
            Fault::Throttled { until }
        }
        _ => Fault::Transient,
    }
}

fn failed(fault: Fault, rng: &mut Rng) -> Outcome {
    let mut failure = Failure::new(fault, format!("the world said {}", fault.name()));
    failure.final_everywhere = fault == Fault::Permanent && rng.u8(..50) == 0;
    Outcome::Failed(failure)
}

fn unknown(reason: &str) -> Outcome {
    Outcome::Failed(Failure::new(Fault::Unknown, reason))
}

fn between(from: Timestamp, until: Timestamp, rng: &mut Rng) -> Timestamp {
    let span = u64::try_from(until.since(from).as_millis()).unwrap();
    from.after(ms(rng.u64(..=span)))
}

fn call(at: Timestamp) -> LlmCall {
    LlmCall {
        at,
        provider: "openai".into(),
        model: "m".into(),
        system_prompt: "classify".into(),
        user_prompt: "text".into(),
        answer: None,
        label: None,
        prompt_tokens: None,
        completion_tokens: None,
        cost_micros: None,
        latency: Trace::default().latency,
        request_id: None,
        error: None,
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
