//! Rings: a text wakes nobody, so the phone of whoever was called may ring as well, a while after the text.
//!
//! A ring is a nudge within a step of the chain: whatever becomes of it, the chain goes on by its own timer. So it is never
//! looked up and never repeated. One whose outcome nobody knows has ended, one that comes too late is moot, and only what
//! surely didn't ring is tried by the next channel, each of them once. Calls cost and annoy, so they have caps of their
//! own, which are counted from the attempts in the database.

use std::time::Duration;

use crate::model::oncall::Turn;
use crate::model::{Claim, ClaimState, Fault, Job, NewJob, RingTask, Task, Timestamp};
use crate::route;
use crate::store::{StoreError, Tx};

use super::Desk;
use super::settle::usable;
use super::step::Next;

/// What a ring may take besides ringing: the modem ends a text first, the network is found, the call is hung up.
pub(super) const BESIDES: Duration = Duration::from_secs(20);
/// Nobody could be rung; a person should know that before it matters.
const NOBODY_RINGS: &str = "ring:failed";

impl Desk {
    /// Inserts the ring of a turn that begins, where it has one.
    pub(super) fn ring_for(&self, tx: Tx<'_>, claim: &Claim, turn: Turn<'_>, now: Timestamp) -> Result<(), StoreError> {
        match route::ring(&self.settings.route, claim, turn, &usable(tx, now), now) {
            Some(job) => tx.insert_job(&job, now).map(drop),
            None => Ok(()),
        }
    }

    /// Why a ring that has just been claimed is not begun, and what follows instead.
    pub(super) fn not_rung(
        &self,
        tx: Tx<'_>,
        job: &Job,
        ring: &RingTask,
        now: Timestamp,
    ) -> Result<Option<(Next, String)>, StoreError> {
        let called =
            |claim: &Claim| claim.state == ClaimState::Open && (claim.round, claim.step) == (ring.round, ring.step);
        if job.deadline_at <= now || !tx.claim_of(job.lead)?.as_ref().is_some_and(called) {
            return Ok(Some((Next::Moot, "its step is over".to_owned())));
        }
        let Some(settings) = &self.settings.route.ring else {
            return Ok(Some((Next::Moot, "nothing is configured that can call".to_owned())));
        };
        for (span, cap, name) in [
            (Duration::from_hours(1), settings.per_hour, "hour"),
            (Duration::from_hours(24), settings.per_day, "24 hours"),
        ] {
            let calls = tx.rings(now.before(span), now, job.id)?;
            if calls >= cap {
                let words = format!("not rung: {calls} calls in the last {name}, and {cap} are allowed");
                return Ok(Some((Next::Moot, words)));
            }
        }
        let texts = job.channel.for_texts();
        let broken = !usable(tx, now)(&texts);
        Ok(broken.then(|| (Next::GiveWay { repeat: false }, format!("{texts} can't be used now"))))
    }

    /// A ring that surely never was goes by the next channel, or a person is told that nothing rings.
    pub(super) fn ring_elsewhere(
        &self,
        tx: Tx<'_>,
        job: &Job,
        ring: &RingTask,
        why: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let next = route::ring_elsewhere(&self.settings.route, ring, &job.channel, &usable(tx, now));
        let Some((ring, channel)) = next else {
            let text = format!("the phone of {} could not be rung: {why}", ring.who);
            let cure =
                "use a modem and a SIM that can call, or Twilio with a number of its own, in oncall.ring.channels";
            return tx.alert(NOBODY_RINGS, &text, cure, now);
        };
        tracing::warn!(lead_id = %job.lead, from = %job.channel, to = %channel, "the next channel rings");
        let next = NewJob {
            lead: job.lead,
            task: Task::Ring(ring),
            channel,
            priority: job.priority,
            due_at: now,
            deadline_at: job.deadline_at,
        };
        tx.insert_job(&next, now).map(drop)
    }
}

/// What follows a ring that failed.
pub(super) const fn after_failure(fault: Fault) -> Next {
    match fault {
        // Somebody may have been rung: once is enough.
        Fault::Unknown => Next::Moot,
        Fault::Transient | Fault::Throttled { .. } | Fault::Auth | Fault::Permanent => Next::GiveWay { repeat: false },
        Fault::Crash => Next::Dead,
    }
}

/// A phone rang.
pub(super) fn rang(tx: Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    tx.clear_alert(NOBODY_RINGS, now)
}
