//! One seed: a desk over a store in memory, on virtual time, with everything that may go wrong going wrong.
//!
//! A step is one transaction as the writer thread makes it: outcomes, then webhooks, then the desk's own ride. It may
//! fail to commit; the process may die before an effect, in the middle of it, and before its report is settled.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use nightdesk::model::{BootId, JobState, LeadId, RowId, Timestamp, Work};
use nightdesk::outbox::{Desk, SharedDesk};
use nightdesk::store::{Received, Rider, Store, StoreError, Tx};
use tokio::sync::mpsc::Receiver;

use super::checker::{Broken, Checker, Verdict, Violation, broken};
use super::effects::{Plan, plan};
use super::people::{Typed, answer};
use super::reports::{Told, is_reported, loss, reports};
use super::scene::{Hook, Scene};
use super::tally::{Blow, Tally};
use super::world::{Deed, What, World};

/// A seed is over by then: the longest job lives three days and ten minutes.
const LONGEST: Duration = Duration::from_hours(80);
/// Steps without the clock moving: more is a desk that turns in circles.
const MOST_STEPS_AT_ONCE: u32 = 500;
/// As in `outbox::lanes`, and as the writer rests after a failed commit.
const WRITE_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// As in `store::inbox`, for leads without a record id.
const SAME_WORDS_FOR: Duration = Duration::from_hours(24);
/// How soon a sender retries.
const SENT_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// How long a vendor may take over what it was sent before we died; look-ups wait longer.
const LINGER: Duration = Duration::from_secs(4);

enum Event {
    Hook(Hook),
    Happens(Deed),
    Told(Told),
    Types(Typed),
    Ends(Box<Ending>),
    Dies { away: Duration },
    ClockJumps { by: Duration },
}

struct Ending {
    work: Work,
    plan: Plan,
}

pub(super) struct Run {
    scene: Scene,
    rng: Rng,
    store: Store,
    desk: SharedDesk,
    works: Receiver<Work>,
    now: Timestamp,
    events: BTreeMap<(Timestamp, u64), Event>,
    next_event: u64,
    ride_at: Option<Timestamp>,
    /// Whose story the running step changes.
    touched: BTreeSet<LeadId>,
    accepted: Vec<LeadId>,
    /// Which messages are leads, and since when.
    numbers: BTreeMap<u32, Timestamp>,
    world: World,
    checker: Checker,
    pub(super) tally: Tally,
}

impl Run {
    pub(super) fn new(seed: u64) -> Self {
        fastrand::seed(seed);
        let mut rng = Rng::with_seed(seed);
        let scene = Scene::of(seed, &mut rng);
        let now = scene.begins;
        let mut desk = Desk::new(scene.settings.clone(), BootId::fresh(now));
        let works = desk.employ();
        let mut tally = Tally::default();
        tally.blows(Blow::Outage, scene.weather.values().map(|sky| sky.outages.len() as u64).sum());
        let checker = Checker::new(scene.text_within, scene.has_team);
        let mut run = Self {
            rng,
            store: Store::in_memory().unwrap(),
            desk: SharedDesk::new(desk),
            works,
            now,
            events: BTreeMap::new(),
            next_event: 0,
            ride_at: None,
            touched: BTreeSet::new(),
            accepted: Vec::new(),
            numbers: BTreeMap::new(),
            world: World::default(),
            checker,
            tally,
            scene,
        };
        for (at, hook) in std::mem::take(&mut run.scene.hooks) {
            run.at(at, Event::Hook(hook));
        }
        for (at, away) in std::mem::take(&mut run.scene.deaths) {
            run.at(at, Event::Dies { away });
        }
        for (at, by) in std::mem::take(&mut run.scene.jumps) {
            run.at(at, Event::ClockJumps { by });
        }
        run
    }

    /// Runs until everything is quiet, then checks every lead once more.
    pub(super) fn until_quiet(&mut self) -> Verdict {
        let over = self.now.after(LONGEST);
        let mut still = 0;
        while let Some(at) = self.next_time() {
            still = if at > self.now { 0 } else { still + 1 };
            self.now = self.now.max(at);
            if still > MOST_STEPS_AT_ONCE {
                return broken(Broken::HotLoop, format!("the clock stands at {}", self.now));
            }
            if self.now > over {
                break;
            }
            self.step()?;
        }
        self.rest()
    }

    fn rest(&mut self) -> Verdict {
        let Self { store, world, checker, accepted, now, .. } = self;
        let checked = store.transact(|tx| {
            for lead in accepted.iter() {
                if let Err(violation) = checker.lead(tx, world, *lead, *now)? {
                    return Ok(Err(violation));
                }
                if let Err(violation) = checker.at_rest(tx, world, *lead)? {
                    return Ok(Err(violation));
                }
            }
            Ok(Ok(()))
        });
        let claimed = self.checker.claimed();
        self.tally.blows(Blow::Claimed, claimed);
        checked.unwrap()
    }

    fn at(&mut self, at: Timestamp, event: Event) {
        self.next_event += 1;
        self.events.insert((at, self.next_event), event);
    }

    fn next_time(&self) -> Option<Timestamp> {
        let event = self.events.keys().next().map(|(at, _)| *at);
        [event, self.ride_at].into_iter().flatten().min()
    }

    /// Everything that is due now, as one transaction.
    fn step(&mut self) -> Verdict {
        self.tally.blows(Blow::Step, 1);
        self.touched.clear();
        let (mut hooks, mut told, mut typed, mut endings) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        while let Some(entry) = self.events.first_entry() {
            let at = entry.key().0;
            if at > self.now {
                break;
            }
            match entry.remove() {
                Event::Hook(hook) => hooks.push(hook),
                Event::Ends(_) if self.rng.f64() < self.scene.death_rate => {
                    self.count(Blow::DeathBeforeSettle);
                    self.send_again(hooks, told, typed);
                    return self.die(Duration::from_secs(2));
                }
                Event::Ends(ending) => endings.push(*ending),
                Event::Happens(deed) => {
                    self.touched.insert(deed.lead);
                    if self.scene.reports && is_reported(&deed) {
                        told.push(Told::Part(deed.clone(), at));
                        for (after, fate) in reports(&deed, &mut self.rng) {
                            self.at(at.after(after), Event::Told(Told::Report(deed.clone(), fate)));
                        }
                    }
                    if self.scene.has_team && deed.lost.is_none() {
                        for (after, one) in answer(&deed, &mut self.rng) {
                            self.at(at.after(after), Event::Types(one));
                        }
                    }
                    if matches!(deed.what, What::Task(_)) {
                        self.count(Blow::Task);
                    }
                    self.world.happen(deed, at);
                }
                Event::Told(one) => told.push(one),
                Event::Types(one) => typed.push(one),
                Event::Dies { away } => {
                    self.count(Blow::DeathInEffect);
                    self.send_again(hooks, told, typed);
                    return self.die(away);
                }
                Event::ClockJumps { by } => self.jump(by),
            }
        }
        let works = self.transact(hooks, told, typed, endings)?;
        for work in works {
            if self.rng.f64() < self.scene.death_rate {
                self.count(Blow::DeathBeforeEffect);
                return self.die(Duration::from_secs(2));
            }
            self.begin(work);
        }
        Ok(())
    }

    fn transact(
        &mut self,
        hooks: Vec<Hook>,
        told: Vec<Told>,
        typed: Vec<Typed>,
        endings: Vec<Ending>,
    ) -> Result<Vec<Work>, Violation> {
        let commits = self.rng.f64() >= self.scene.commit_failure_rate;
        let jitter = self.rng.f64();
        let Self { store, desk, touched, now, scene, world, accepted, .. } = self;
        let mut received = Vec::new();
        let mut late = 0;
        let mut verdict: Verdict = Ok(());
        let written = store.transact(|tx| {
            for one in &told {
                touched.insert(one.deed().lead);
                one.keep(tx, desk, *now, jitter)?;
                if let Told::Report(deed, fate) = one {
                    world.tell(deed, *fate);
                }
            }
            for one in &typed {
                // A bare word is for whichever lead waits.
                touched.extend(accepted.iter());
                desk.lock().heard(tx, &one.number, &one.text, *now)?;
            }
            for ending in &endings {
                touched.insert(ending.work.job.lead);
                if let Some(dropped) = settle(tx, desk, ending, *now, jitter)? {
                    late += 1;
                    verdict = verdict.clone().and(dropped);
                }
            }
            for hook in &hooks {
                let got = tx.receive(&hook.arrival(*now), &hook.gate, &scene.opening)?;
                if let Received::Accepted(lead) | Received::Duplicate(lead) | Received::Repeat(lead) = got {
                    touched.insert(lead);
                }
                received.push(got);
            }
            desk.ride(tx, *now)?;
            if commits { Ok(()) } else { Err(StoreError::Commit("the disk said no".into())) }
        });
        verdict?;
        match written {
            Ok(()) => {
                self.tally.blows(Blow::LateReportDropped, late);
                for one in &told {
                    match one {
                        Told::Report(_, fate) if fate.has_arrived() => self.count(Blow::ReportedDelivered),
                        Told::Report(_, fate) if fate.has_failed() => self.count(Blow::ReportedFailed),
                        Told::Report(..) | Told::Part(..) => {}
                    }
                }
                self.tally.blows(Blow::Typed, typed.len() as u64);
                self.desk.landed();
                for (hook, got) in hooks.iter().zip(received) {
                    self.answered(hook, got)?;
                }
                self.look()
            }
            Err(StoreError::Commit(_)) => {
                self.count(Blow::CommitFailed);
                self.desk.lost();
                let again = self.now.after(WRITE_AGAIN_AFTER);
                for ending in endings {
                    self.at(again, Event::Ends(Box::new(ending)));
                }
                self.send_again(hooks, told, typed);
                self.ride_at = Some(again);
                Ok(Vec::new())
            }
            Err(error) => panic!("the store failed by itself: {error:?}"),
        }
    }

    /// After a commit: the work that may start, the leads that changed, the next ride.
    fn look(&mut self) -> Result<Vec<Work>, Violation> {
        let mut works = Vec::new();
        while let Ok(work) = self.works.try_recv() {
            self.touched.insert(work.job.lead);
            works.push(work);
        }
        let Self { store, desk, world, checker, touched, now, ride_at, .. } = self;
        let verdict = store.transact(|tx| {
            *ride_at = desk.next_ride(tx, *now)?;
            for lead in touched.iter() {
                if let Err(violation) = checker.lead(tx, world, *lead, *now)? {
                    return Ok(Err(violation));
                }
            }
            Ok(Ok(()))
        });
        verdict.unwrap()?;
        if let (Some(at), true) = (self.ride_at, self.now > self.scene.dull_after) {
            // A long outage: nothing but the sweep moves. A loaded box may ride late, and so does this one.
            self.ride_at = Some(at.after(Duration::from_secs(self.rng.u64(..280))));
        }
        Ok(works)
    }

    fn answered(&mut self, hook: &Hook, got: Received) -> Verdict {
        match (got, hook.number) {
            (Received::GateFailed(_), None) => self.count(Blow::GateFailure),
            (Received::Accepted(lead), Some(number)) => {
                self.count(Blow::Lead);
                self.accepted.push(lead);
                // Without a record id the same words are a new lead a day later.
                // Whose words a record holds is seen when it is read.
                let fresh =
                    |at: Timestamp| hook.is_pointer() || hook.has_no_record() && self.now.since(at) > SAME_WORDS_FOR;
                if self.numbers.insert(number, self.now).is_some_and(|at| !fresh(at)) {
                    return broken(Broken::DuplicateLead, format!("message {number} is lead {lead} too"));
                }
            }
            (Received::Duplicate(_) | Received::Repeat(_), Some(number)) if self.numbers.contains_key(&number) => {
                self.count(Blow::Duplicate);
            }
            (got, number) => return broken(Broken::LeadLost, format!("message {number:?} came to {got:?}")),
        }
        Ok(())
    }

    fn begin(&mut self, work: Work) {
        let mut plan = plan(&self.world, &self.scene.weather, &work, self.now, &mut self.rng);
        self.tally.met(plan.met);
        if let Some((at, mut deed)) = plan.deed.take() {
            if matches!(deed.what, What::Text(_)) && self.rng.f64() < self.scene.loss_rate {
                deed.lost = Some(loss(&mut self.rng));
            }
            self.at(at, Event::Happens(deed));
        }
        self.at(plan.ends_at, Event::Ends(Box::new(Ending { work, plan })));
    }

    /// `kill -9`: everything in memory is gone. What a vendor was sent it may still do.
    fn die(&mut self, away: Duration) -> Verdict {
        let still_sent = self.now.after(LINGER);
        for (key, event) in std::mem::take(&mut self.events) {
            match event {
                Event::Ends(_) => {}
                Event::Happens(_) if self.rng.u8(..3) > 0 => {}
                Event::Happens(deed) => self.at(key.0.min(still_sent), Event::Happens(deed)),
                // Stored in the modem, or told again when it is asked.
                Event::Told(_) | Event::Types(_) | Event::Hook(_) | Event::Dies { .. } | Event::ClockJumps { .. } => {
                    self.events.insert(key, event);
                }
            }
        }
        self.now = self.now.after(away);
        let mut desk = Desk::new(self.scene.settings.clone(), BootId::fresh(self.now));
        self.works = desk.employ();
        let Self { store, world, checker, accepted, now, .. } = self;
        let verdict = store.transact(|tx| {
            desk.recover(tx, *now)?;
            for lead in accepted.iter() {
                if let Err(violation) = checker.lead(tx, world, *lead, *now)? {
                    return Ok(Err(violation));
                }
            }
            Ok(Ok(()))
        });
        self.desk = SharedDesk::new(desk);
        self.ride_at = Some(self.now);
        verdict.unwrap()
    }

    /// The wall clock is set forward. What is under way outside takes no longer for it.
    fn jump(&mut self, by: Duration) {
        if self.events.values().any(|event| matches!(event, Event::Happens(_))) {
            return;
        }
        self.count(Blow::ClockJump);
        for ((at, nth), event) in std::mem::take(&mut self.events) {
            self.events.insert((at.after(by), nth), event);
        }
        self.now = self.now.after(by);
    }

    /// The sender got a 503, or nothing: it posts again. What the modem could not have kept it tells again.
    fn send_again(&mut self, hooks: Vec<Hook>, told: Vec<Told>, typed: Vec<Typed>) {
        for hook in hooks {
            self.at(self.now.after(SENT_AGAIN_AFTER), Event::Hook(hook));
        }
        for one in told {
            self.at(self.now.after(WRITE_AGAIN_AFTER), Event::Told(one));
        }
        for one in typed {
            self.at(self.now.after(WRITE_AGAIN_AFTER), Event::Types(one));
        }
    }

    fn count(&mut self, blow: Blow) {
        self.tally.blows(blow, 1);
    }
}

/// Settles one report. `Some`: its job was no longer its own, and this is whether it was left alone.
fn settle(
    tx: Tx<'_>,
    desk: &SharedDesk,
    ending: &Ending,
    now: Timestamp,
    jitter: f64,
) -> Result<Option<Verdict>, StoreError> {
    let Ending { work, plan } = ending;
    let held = |tx: Tx<'_>| tx.job(work.job.id).map(Option::unwrap);
    let before = held(tx)?;
    desk.lock().settle(tx, work, &plan.report, now, jitter)?;
    if before.1 == JobState::Leased && before.2 == work.attempt {
        return Ok(None);
    }
    let after = held(tx)?;
    Ok(Some(if after == before {
        Ok(())
    } else {
        broken(
            Broken::LateReportTook,
            format!("{} {}: {:?} to {:?}", work.job.task.kind(), work.job.id, before.1, after.1),
        )
    }))
}
