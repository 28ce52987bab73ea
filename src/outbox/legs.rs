//! The legs of a text: from one channel to the next, with a timer that guards each.

use crate::model::{Channel, Failure, Fault, Job, JobId, JobState, LeadId, NewJob, SmsTask, Task, Timestamp};
use crate::route;
use crate::store::{StoreError, Tx};

use super::claims::needs_no_call;
use super::settle::{bury, tidy, usable};
use super::{Desk, FAILOVER_SLACK, canary};

/// How a leg follows the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leg {
    /// It is the one marked repeat: the leg before may have arrived.
    pub(super) repeat: bool,
    /// The leg before was refused for good.
    pub(super) refused: bool,
    /// When it begins.
    pub(super) due_at: Timestamp,
}

impl Desk {
    /// Gives a leg up for the next channel.
    pub(super) fn next_leg(&self, tx: Tx<'_>, job: &Job, leg: Leg, now: Timestamp) -> Result<(), StoreError> {
        let Task::Sms(sms) = &job.task else { return Ok(()) };
        tx.cancel_waiting(job.lead, "sms_failover", Some(job.id), "the leg was given up", now)?;
        let refused = if leg.refused { sms.refused.saturating_add(1) } else { 0 };
        let route = &self.settings.route;
        let next = route::next_leg(route, sms, &job.channel, leg.repeat, &usable(tx, now), leg.due_at);
        let Some((sms, channel)) = next else {
            return bury(tx, job, Fault::Permanent.name(), "no channel for texts is configured any more", None, now);
        };
        tracing::warn!(lead_id = %job.lead, from = %job.channel, to = %channel, repeat = sms.repeat, "the next channel takes over");
        let next = NewJob {
            lead: job.lead,
            task: Task::Sms(SmsTask { refused, ..sms }),
            channel,
            priority: job.priority,
            due_at: leg.due_at,
            deadline_at: job.deadline_at,
        };
        self.insert(tx, vec![next], now)
    }

    /// A text that a network took was not delivered, and nobody thinks that it was: the next channel takes over, on the
    /// second lap and later after a pause. A text that is too old by then, or that nobody may send, is told instead.
    pub(super) fn take_over(
        &self,
        tx: Tx<'_>,
        job: &Job,
        failure: &Failure,
        now: Timestamp,
        jitter: f64,
    ) -> Result<(), StoreError> {
        let Task::Sms(sms) = &job.task else { return Ok(()) };
        if sms.is_test {
            return canary::hasten(tx, job, now);
        }
        let channels = u32::try_from(self.settings.route.channels_to(&sms.to).len()).unwrap_or(u32::MAX);
        let lap = sms.leg.saturating_add(1).checked_div(channels).unwrap_or(1);
        let due_at = if lap == 0 { now } else { now.after(self.settings.waits.ladder.wait(lap, jitter)) };
        if needs_no_call(tx, job)? {
            return tidy(tx, job, now);
        }
        if channels == 0 || due_at >= job.deadline_at || failure.final_everywhere {
            return undelivered(tx, sms, &job.channel, failure, now);
        }
        self.next_leg(tx, job, Leg { repeat: false, refused: false, due_at }, now)?;
        tidy(tx, job, now)
    }

    /// Inserts the failover timer of a text's leg, which outlives the text's own deadline `until`.
    pub(super) fn guard(
        &self,
        tx: Tx<'_>,
        lead: LeadId,
        leg: JobId,
        clock: Timestamp,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (due_at, deadline_at) = (clock.after(FAILOVER_SLACK), until.after(self.settings.route.sms_give_up_after));
        let timer = NewJob::timer(lead, Task::SmsFailover { job: leg }, due_at, deadline_at);
        tx.insert_job(&timer, now).map(drop)
    }
}

/// Cancels the legs after this one that nobody has begun: the phone has the text.
pub(super) fn call_off(tx: Tx<'_>, job: &Job, now: Timestamp) -> Result<(), StoreError> {
    const WHY: &str = "the first text was delivered after all";
    let legs = tx.legs(job)?;
    let later = legs.iter().filter(|(leg, _)| leg.generation > job.generation);
    for (leg, _) in later.filter(|(_, state)| *state == JobState::Ready) {
        if tx.end_idle_job(leg.id, JobState::Cancelled, WHY, now)? {
            tx.cancel_waiting(leg.lead, "sms_failover", Some(leg.id), WHY, now)?;
            tracing::info!(lead_id = %leg.lead, job_id = %leg.id, channel = %leg.channel, "{WHY}");
            tidy(tx, leg, now)?;
        }
    }
    Ok(())
}

/// Nobody sends the text any more, and the phone doesn't have it.
fn undelivered(
    tx: Tx<'_>,
    sms: &SmsTask,
    channel: &Channel,
    failure: &Failure,
    now: Timestamp,
) -> Result<(), StoreError> {
    let text = format!("a text to {} was taken by {channel}, but not delivered: {}", sms.who, failure.reason);
    let cure = failure.cure.as_deref().unwrap_or("call the prospect yourself (`nightdesk leads list`), then see why");
    tx.alert("sms:undelivered", &text, cure, now)
}
