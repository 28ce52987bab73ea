//! Timers that fired, and jobs whose deadline passed while they waited.

use std::time::Duration;

use crate::model::{Fault, Job, JobId, JobState, NewJob, Task, Timestamp, Trace};
use crate::store::{Closing, Settlement, StoreError, Tx};

use super::claims;
use super::legs::Leg;
use super::reports::key_of;
use super::settle::{bury, tidy};
use super::step::{self, Next};
use super::{Desk, FAILOVER_SLACK, canary};

/// How often deadlines are looked at; they are hours long.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

impl Desk {
    /// Buries what was not done by its deadline.
    pub(super) fn sweep(&mut self, tx: Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        // A time further ahead than that was written under a clock that was set back since.
        if now < self.next_sweep && self.next_sweep <= now.after(SWEEP_EVERY) {
            return Ok(());
        }
        self.next_sweep = now.after(SWEEP_EVERY);
        self.sweep_spending(tx, now)?;
        self.tend_money(tx, now)?;
        claims::lapse(tx, now)?;
        self.sweep_canaries(tx, now)?;
        self.sweep_reconciles(tx, now)?;
        for (job, state, last) in tx.expired(now)? {
            let unpaid = match &job.task {
                Task::Classify(_) => self.unpaid(tx, &job.channel, now)?.map(|(why, _)| why),
                _ => None,
            };
            let reason = unpaid.or(last).map_or("its deadline passed before it could be tried".to_owned(), |why| {
                format!("gave up at its deadline: {why}")
            });
            let is_missed = !matches!(job.task, Task::SmsStatus(_) | Task::Ring(_)) && !job.task.is_test();
            if !is_missed || claims::needs_no_call(tx, &job)? {
                // Nobody says what became of the text, the phone didn't ring in time, or a test was not sent: nobody misses
                // that, or its timer tells. Nor does anybody miss the call for a lead that somebody has.
                if tx.end_idle_job(job.id, JobState::Cancelled, &reason, now)? {
                    tidy(tx, &job, now)?;
                }
                continue;
            }
            if tx.end_idle_job(job.id, JobState::Dead, &reason, now)? {
                let fault = if state == JobState::Unknown { Fault::Unknown } else { Fault::Transient };
                bury(tx, &job, fault.name(), &reason, None, now)?;
                tidy(tx, &job, now)?;
            }
        }
        Ok(())
    }

    /// What a timer is for. The timer's own job has just ended.
    pub(super) fn timer_fired(&mut self, tx: Tx<'_>, timer: &Job, now: Timestamp) -> Result<(), StoreError> {
        match &timer.task {
            Task::ClassifyDeadline {} => {
                let lead = tx.lead(timer.lead)?.ok_or(StoreError::Orphaned(timer.lead))?;
                if lead.label.is_none() && lead.provisional_at.is_none() {
                    self.enact_provisional(tx, &lead, now)
                } else {
                    Ok(())
                }
            }
            Task::SmsFailover { job } => self.failover(tx, timer, *job, now),
            Task::Digest { .. } => self.digest(tx, timer, now),
            Task::CanaryCheck {} => canary::over(tx, timer.lead, now),
            Task::Escalate { round, step } => self.escalate(tx, timer.lead, (*round, *step), now),
            Task::Classify { .. }
            | Task::CrmRead(_)
            | Task::Reconcile(_)
            | Task::Sms(_)
            | Task::Ring(_)
            | Task::SmsStatus(_)
            | Task::Mail(_)
            | Task::Ticket(_)
            | Task::CrmUpdate(_)
            | Task::CrmNote(_)
            | Task::CrmTask(_) => Ok(()),
        }
    }

    /// The leg has had its time.
    fn failover(&mut self, tx: Tx<'_>, timer: &Job, leg: JobId, now: Timestamp) -> Result<(), StoreError> {
        let Some((job, state, attempt)) = tx.job(leg)? else { return Ok(()) };
        match state {
            JobState::Done | JobState::Dead | JobState::Cancelled => Ok(()),
            // The effect should have ended itself at the clock. It hangs: its attempt is unknown from here on, and its
            // own late word will find the lease gone.
            JobState::Leased => {
                let at = now.after(self.settings.waits.look_up_after);
                let reason = "the failover clock ran out in mid-send";
                let closing = Closing { outcome: "unknown", reason: Some(reason), trace: &Trace::default() };
                let settlement =
                    Settlement { state: JobState::Unknown, due_at: Some(at), unburnt: false, result: Some(reason) };
                if tx.settle(job.id, attempt, self.boot, &closing, settlement, now)? {
                    tx.set_sms(&job, "unknown", None, None, now)?;
                    self.judge(tx, key_of(&job), now, 1.0)?;
                }
                self.again_later(tx, timer, at, now)
            }
            JobState::Unknown if job.due_at > now => self.again_later(tx, timer, job.due_at, now),
            JobState::Ready | JobState::Unknown => {
                let facts = self.facts_of(&job, state == JobState::Unknown, now, 0.0);
                match step::after_failover(&facts) {
                    Some(Next::GiveWay { repeat }) => {
                        if tx.end_idle_job(
                            job.id,
                            JobState::Cancelled,
                            "not submitted within the failover clock",
                            now,
                        )? {
                            self.next_leg(tx, &job, Leg { repeat, refused: false, due_at: now }, now)?;
                        }
                        Ok(())
                    }
                    // Past its deadline the sweep buries it; a repeat that can't be asked after waits for its look-up.
                    Some(_) | None => Ok(()),
                }
            }
        }
    }

    /// The leg is being looked up: the clock is asked again once that had its chance.
    fn again_later(&self, tx: Tx<'_>, timer: &Job, at: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        let due_at = at.after(self.settings.limits.look_up).after(FAILOVER_SLACK);
        let again = NewJob {
            lead: timer.lead,
            task: timer.task.clone(),
            channel: timer.channel.clone(),
            priority: timer.priority,
            due_at,
            deadline_at: timer.deadline_at.max(due_at.after(SWEEP_EVERY)),
        };
        tx.insert_job(&again, now).map(drop)
    }
}
