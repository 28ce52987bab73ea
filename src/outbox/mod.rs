//! The outbox: lanes and channels, claim, effect, settle.
//!
//! [`Desk`] is the synchronous core. Inside one transaction it claims due jobs (the attempt row is written before the
//! effect) or settles a report (what happened and everything that follows from it, together). It never waits and never
//! touches the world, so that thousands of seeds can drive it on virtual time. [`Lanes`] runs the effects.
//!
//! A claim rides in the transaction that made its job, so a new lead's first job is inserted and claimed in one commit.

mod canary;
mod channel;
mod claims;
mod digest;
mod follow_ups;
mod lanes;
mod legs;
mod models;
mod money;
mod pace;
mod polls;
mod reconcile;
mod recover;
mod reports;
mod requests;
mod rings;
mod settle;
mod spending;
mod step;
mod sweep;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::model::{
    AttemptId, BootId, Channel, Fault, JobId, Label, Outcome, Priority, Report, SmsTask, Task, Timestamp, Work,
};
use crate::route;
use crate::store::{Claimed, Opening, Rider, StoreError, Tx};

pub use canary::CanarySettings;
pub use channel::BreakerSettings;
pub use lanes::Lanes;
pub use models::{Models, PassedOver};
pub use money::{Budget, Period};
pub use pace::Pace;
pub use polls::asked_on;
pub use reconcile::ReconcileSettings;
pub use step::Waits;

use channel::Admission;
use money::Purse;
use pace::Bucket;
use step::Next;

/// The most a failover timer is behind the effect it guards: the effect ends itself at the clock, the timer is the net.
const FAILOVER_SLACK: Duration = Duration::from_millis(500);

/// What the desk is told once.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Each channel, and how many effects may run on it at once.
    pub channels: BTreeMap<Channel, usize>,
    /// How fast the channels may be used that have a limit.
    pub paces: BTreeMap<Channel, Pace>,
    /// Hard deadline of an effect, by channel prefix: models, texts, writes.
    pub limits: Limits,
    /// The order of the models, and what they may cost.
    pub models: Models,
    /// Backoff and look-ups.
    pub waits: Waits,
    /// Breakers.
    pub breaker: BreakerSettings,
    /// Who is woken, what is written.
    pub route: route::Settings,
    /// What a lead begins with.
    pub opening: Opening,
    /// A record that had no message yet is read once more after this.
    pub read_again_after: Duration,
    /// Channels whose vendor is asked what became of a text, and how long one is worth delivering.
    pub polls: BTreeMap<Channel, Duration>,
    /// Parts that the SIM of each modem may send in an hour, and in 24.
    pub caps: BTreeMap<String, (u32, u32)>,
    /// When the phones of those on call are tested.
    pub canary: CanarySettings,
    /// Where leads that never arrived are looked for.
    pub reconcile: ReconcileSettings,
}

/// No effect runs longer than this, whatever it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// One try of a model, its repair request included.
    pub llm: Duration,
    /// One text.
    pub sms: Duration,
    /// One mail.
    pub mail: Duration,
    /// One case for the support team.
    pub ticket: Duration,
    /// One write.
    pub crm: Duration,
    /// One look-up.
    pub look_up: Duration,
}

/// The synchronous core of the outbox.
pub struct Desk {
    settings: Settings,
    boot: BootId,
    /// Claimed and not yet settled, by channel: the workers that are busy.
    busy: BTreeMap<Channel, HashSet<(JobId, AttemptId)>>,
    /// Of the channels that have a limit.
    buckets: BTreeMap<Channel, Bucket>,
    /// The one job in flight that was open when the process died.
    suspect: Option<JobId>,
    /// Claimed in the transaction that is being written.
    staged: Vec<Work>,
    /// Where claimed work goes once it is on disk; none in the model run.
    hands: Option<mpsc::Sender<Work>>,
    /// When deadlines are looked at next.
    next_sweep: Timestamp,
    /// When it is looked whose phone is to be tested.
    next_canary: Timestamp,
    /// Looks into CRMs are only taken by a clock that is right.
    knows_time: bool,
    /// When a CRM is looked into because the desk has started.
    reconcile_at: BTreeMap<Channel, Timestamp>,
    stopping: bool,
    /// What models have cost, as far as this transaction has summed it up.
    sums: Cell<Vec<money::Sum>>,
    /// Outcomes that wait in memory because the database can't be written.
    unwritten: HashSet<(JobId, AttemptId)>,
}

impl Desk {
    /// A desk of this start of the daemon.
    #[must_use]
    pub fn new(settings: Settings, boot: BootId) -> Self {
        let busy = settings.channels.keys().map(|channel| (channel.clone(), HashSet::new())).collect();
        let buckets = settings.paces.iter().map(|(channel, pace)| (channel.clone(), Bucket::new(*pace))).collect();
        let next_sweep = Timestamp::from_millis(0);
        Self {
            settings,
            boot,
            busy,
            buckets,
            suspect: None,
            staged: Vec::new(),
            hands: None,
            next_sweep,
            next_canary: next_sweep,
            knows_time: false,
            reconcile_at: BTreeMap::new(),
            stopping: false,
            sums: Cell::default(),
            unwritten: HashSet::new(),
        }
    }

    /// Sends claimed work to `hands`. Its capacity is the number of workers, so it is never full.
    pub fn employ(&mut self) -> mpsc::Receiver<Work> {
        let workers = self.settings.channels.values().fold(0_usize, |sum, n| sum.saturating_add(*n));
        let (hands, works) = mpsc::channel(workers.max(1));
        self.hands = Some(hands);
        works
    }

    /// This start: half of every lease.
    #[must_use]
    pub const fn boot(&self) -> BootId {
        self.boot
    }

    /// Every configured channel.
    #[must_use]
    pub fn channels(&self) -> Vec<Channel> {
        self.settings.channels.keys().cloned().collect()
    }

    /// Claims nothing from now on; what is in flight settles as usual.
    pub fn stop_claiming(&mut self) {
        self.stopping = true;
    }

    /// Claims everything that is due and has a free worker. Their attempt rows are part of this transaction; the effects
    /// may start once it is on disk.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn claim_due(&mut self, tx: Tx<'_>, now: Timestamp) -> Result<Vec<Work>, StoreError> {
        self.sum_up_anew();
        self.sweep(tx, now)?;
        let mut works = Vec::new();
        // An outcome that waits in memory is written before anything new is begun on what it may change.
        if self.stopping || !self.unwritten.is_empty() {
            return Ok(works);
        }
        self.pass_over(tx, now)?;
        let mut channels: Vec<(Channel, usize)> =
            self.settings.channels.iter().map(|(name, n)| (name.clone(), *n)).collect();
        // Only one suspect runs at a time: a text and a timer get that place before a model or a CRM does.
        channels.sort_by_key(|(name, _)| !(name.as_str().starts_with("sms:") || *name == Channel::desk()));
        for (channel, workers) in channels {
            while self.busy_on(&channel) < workers {
                match self.claim_one(tx, &channel, now) {
                    Ok(Some(work)) => {
                        if let Some(bucket) = self.buckets.get_mut(&channel) {
                            bucket.take(work.job.priority, now);
                        }
                        self.take_on(&work);
                        works.push(work);
                    }
                    Ok(None) => break,
                    Err(error) => {
                        // The whole ride is rolled back with it: nobody works on these.
                        for work in &works {
                            self.release(work);
                        }
                        return Err(error);
                    }
                }
            }
        }
        Ok(works)
    }

    /// A worker is busy with it from now on.
    fn take_on(&mut self, work: &Work) {
        if work.job.crashes > 0 && work.look_up_since.is_none() {
            self.suspect = Some(work.job.id);
        }
        self.busy.entry(work.job.channel.clone()).or_default().insert((work.job.id, work.attempt));
    }

    /// When a job of this priority may be claimed, as far as the channel's limits are concerned.
    fn opens(&self, channel: &Channel, priority: Priority, now: Timestamp) -> Timestamp {
        self.buckets.get(channel).map_or(now, |bucket| bucket.opens(priority, now))
    }

    fn claim_one(&mut self, tx: Tx<'_>, channel: &Channel, now: Timestamp) -> Result<Option<Work>, StoreError> {
        loop {
            let opens = |priority| self.opens(channel, priority, now);
            // Most channels have nothing to do, and this is asked of each in every transaction.
            match tx.next_due(channel, &opens) {
                Ok(due) if due.is_none_or(|due| due > now) => return Ok(None),
                // The claim buries what can't be read.
                Ok(_) | Err(StoreError::Alien { .. }) => {}
                Err(error) => return Err(error),
            }
            let trouble = tx.channel(channel)?;
            let admission = channel::admission(trouble.as_ref(), now);
            if matches!(admission, Admission::Nothing(_))
                || (admission == Admission::Probe && self.busy_on(channel) > 0)
            {
                return Ok(None);
            }
            if self.purse(tx, channel, now)? != Purse::Ready {
                return Ok(None);
            }
            if self.mails_resume(tx, channel, now)?.is_some() {
                return Ok(None);
            }
            let allowed = |priority| opens(priority) <= now;
            let Some(claimed) = tx.claim(channel, self.boot, self.suspect.is_none(), &allowed, now)? else {
                return Ok(None);
            };
            let id = claimed.job.id;
            let mut work = match self.work_of(tx, claimed, now) {
                Err(error @ (StoreError::Alien { .. } | StoreError::Orphaned(_))) => {
                    tx.bury_unreadable(&id.to_string(), &error.to_string(), now)?;
                    continue;
                }
                work => work?,
            };
            let Some((next, reason)) = self.overtaken(tx, &mut work, now)? else {
                self.mail_begins(tx, &work, now)?;
                self.reserve(tx, &work)?;
                return Ok(Some(work));
            };
            // Nothing was asked of the channel, so nothing of this speaks for or against it.
            let outcome = if next == Next::Moot { "absent" } else { Fault::Transient.name() };
            self.follow(tx, &work, &Report::of(Outcome::Absent), (outcome, &reason), None, next, now)?;
        }
    }

    /// What follows for work that events have overtaken before it was begun, and why. What was overtaken only in part is
    /// left with the rest.
    fn overtaken(&self, tx: Tx<'_>, work: &mut Work, now: Timestamp) -> Result<Option<(Next, String)>, StoreError> {
        let acts = work.look_up_since.is_none();
        Ok(match &work.job.task {
            Task::Sms(SmsTask { failover_at: Some(clock), .. }) if acts && *clock <= now => {
                let next = step::too_late(&self.facts(work, now, 0.0));
                Some((next, "not submitted within the failover clock".to_owned()))
            }
            Task::Sms(_) if acts && claims::needs_no_call(tx, &work.job)? => {
                Some((Next::Moot, "somebody has claimed the lead".to_owned()))
            }
            Task::CrmUpdate(update) => {
                let left = tx.newer(&work.job)?.iter().fold(update.clone(), |left, newer| match newer {
                    Task::CrmUpdate(newer) => left.without(newer),
                    _ => left,
                });
                let moot = left.is_empty().then(|| (Next::Moot, "a newer write has taken its place".to_owned()));
                work.job.task = Task::CrmUpdate(left);
                moot
            }
            Task::CrmTask(_) if acts && !claims::waits_in_vain(tx, work.job.lead)? => {
                Some((Next::Moot, "the lead doesn't wait in vain any more".to_owned()))
            }
            Task::Mail(mail) if acts => self.not_mailed(tx, work, mail, now)?,
            Task::Ticket(_) if acts && work.lead.label != Some(Label::SupportRequest) => {
                Some((Next::Moot, "the lead is of another class by now".to_owned()))
            }
            Task::Ring(ring) => self.not_rung(tx, &work.job, ring, now)?,
            _ => None,
        })
    }

    fn work_of(&self, tx: Tx<'_>, claimed: Claimed, now: Timestamp) -> Result<Work, StoreError> {
        let Claimed { job, attempt, look_up_since } = claimed;
        let mut lead = match tx.lead(job.lead)? {
            Some(lead) => lead,
            None => match tx.canary_lead(job.lead)? {
                Some(lead) => lead,
                None => tx.reconcile_lead(job.lead)?.ok_or(StoreError::Orphaned(job.lead))?,
            },
        };
        let told = matches!(job.task, Task::CrmNote(_) | Task::CrmTask(_));
        let actions = if told { tx.actions(job.lead)? } else { Vec::new() };
        if told && lead.provisional_at.is_some() {
            lead.unasked_why = tx.unasked_why(lead.id)?;
        }
        let hard_deadline = match &job.task {
            Task::Classify(_) => self.model_deadline(tx, &job, now)?,
            task => self.hard_deadline(task, look_up_since.is_some(), now),
        };
        Ok(Work { job, lead, attempt, look_up_since, actions, hard_deadline })
    }

    fn hard_deadline(&self, task: &Task, looking_up: bool, now: Timestamp) -> Timestamp {
        let limits = &self.settings.limits;
        if looking_up {
            return now.after(limits.look_up);
        }
        match task {
            Task::Classify { .. } => now.after(limits.llm),
            Task::Sms(sms) => {
                let limit = now.after(limits.sms);
                sms.failover_at.map_or(limit, |clock| clock.min(limit))
            }
            Task::Ring(ring) => now.after(Duration::from_secs(ring.lasts_s.into())).after(rings::BESIDES),
            Task::Mail(_) => now.after(limits.mail),
            Task::Ticket(_) => now.after(limits.ticket),
            Task::CrmRead(_) | Task::Reconcile(_) | Task::CrmUpdate(_) | Task::CrmNote(_) | Task::CrmTask(_) => {
                now.after(limits.crm)
            }
            Task::ClassifyDeadline {}
            | Task::SmsFailover { .. }
            | Task::SmsStatus(_)
            | Task::Escalate { .. }
            | Task::Digest { .. }
            | Task::CanaryCheck {} => now.after(limits.look_up),
        }
    }

    fn busy_on(&self, channel: &Channel) -> usize {
        self.busy.get(channel).map_or(0, HashSet::len)
    }

    /// The outcome could not be written and waits in memory.
    fn hold_back(&mut self, work: &Work) {
        self.unwritten.insert((work.job.id, work.attempt));
    }

    /// The worker is free again, whatever became of the work.
    fn release(&mut self, work: &Work) {
        self.unwritten.remove(&(work.job.id, work.attempt));
        if let Some(busy) = self.busy.get_mut(&work.job.channel) {
            busy.remove(&(work.job.id, work.attempt));
        }
        if self.suspect == Some(work.job.id) {
            self.suspect = None;
        }
    }

    /// When something may be claimed next; `None` when nothing waits for its time.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn next_due(&self, tx: Tx<'_>, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.sum_up_anew();
        let mut soonest: Option<Timestamp> = None;
        let mut waits = false;
        for (channel, workers) in &self.settings.channels {
            let Some(due) = tx.next_due(channel, &|priority| self.opens(channel, priority, now))? else { continue };
            waits = true;
            if self.settings.models.order.contains(channel) && !self.stopping && self.unwritten.is_empty() {
                if let Some(due) = self.model_wakes(tx, channel, due, now)? {
                    soonest = Some(soonest.map_or(due, |other| other.min(due)));
                }
                continue;
            }
            // A settle frees a worker or a suspect and rides itself: no need to wake for those.
            if self.busy_on(channel) >= *workers || self.stopping || !self.unwritten.is_empty() {
                continue;
            }
            let trouble = tx.channel(channel)?;
            let due = match channel::admission(trouble.as_ref(), now) {
                Admission::Nothing(until) => due.max(until),
                Admission::Probe if self.busy_on(channel) > 0 => continue,
                Admission::Probe | Admission::All => due,
            };
            let due = self.mails_resume(tx, channel, now)?.map_or(due, |at| due.max(at));
            // Due and not claimed in the ride just before: it waits for the suspect in flight.
            if due <= now && self.suspect.is_some() {
                continue;
            }
            soonest = Some(soonest.map_or(due, |other| other.min(due)));
        }
        if waits {
            soonest = Some(soonest.map_or(self.next_sweep, |other| other.min(self.next_sweep)));
        }
        Ok(soonest)
    }
}

/// The desk, shared between the writer thread, which claims and settles on it, and the lanes.
#[derive(Clone)]
pub struct SharedDesk(Arc<Mutex<Desk>>);

impl SharedDesk {
    /// Shares a desk.
    #[must_use]
    pub fn new(desk: Desk) -> Self {
        Self(Arc::new(Mutex::new(desk)))
    }

    /// The desk itself. Held only inside a transaction, and never across an await.
    pub fn lock(&self) -> MutexGuard<'_, Desk> {
        // A panic inside a settle rolled its transaction back; the desk's own marks are repaired by the retry.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rider for SharedDesk {
    fn ride(&mut self, tx: Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        let mut desk = self.lock();
        let works = desk.claim_due(tx, now)?;
        desk.staged = works;
        Ok(())
    }

    fn landed(&mut self) {
        let mut desk = self.lock();
        for work in std::mem::take(&mut desk.staged) {
            let Some(hands) = &desk.hands else { continue };
            if hands.try_send(work).is_err() {
                // Only after the lanes ended: the next start finds the open attempt.
                tracing::warn!("claimed work has no worker any more");
            }
        }
    }

    fn lost(&mut self) {
        let mut desk = self.lock();
        for work in std::mem::take(&mut desk.staged) {
            desk.release(&work);
        }
    }

    fn next_ride(&mut self, tx: Tx<'_>, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.lock().next_due(tx, now)
    }
}
