//! Start-up: what the process left open when it died.
//!
//! A lease of an earlier start is reclaimed here and nowhere else, never by the clock. An attempt without an end is an
//! effect whose outcome is unknown; a second death with the same job open makes it a dead letter, so that one bad lead
//! can't keep the desk from starting.

use std::time::Duration;

use crate::model::{Channel, Fault, Job, JobState, Lane, Stage, Task, Timestamp, Trace};
use crate::store::{Closing, DeadLetterFilter, Orphan, StoreError, Tx};

use super::reports::key_of;
use super::settle::{bury, tidy};
use super::{Desk, canary, channel, reconcile};

/// An alert of which nothing was heard for so long is history.
const STALE_AFTER: Duration = Duration::from_hours(24);
/// Deaths with the same job open before it is given up.
const DEATHS: u32 = 2;

impl Desk {
    /// Gives every job of an earlier start back to the outbox. Returns how many there were.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn recover(&mut self, tx: Tx<'_>, now: Timestamp) -> Result<usize, StoreError> {
        let orphans = tx.orphans(self.boot, now)?;
        for orphan in &orphans {
            self.adopt(tx, orphan, now)?;
        }
        self.homeless(tx, now)?;
        // The hours may be others by now: a lead that must still wait is deferred again.
        tx.hasten_deferred(now)?;
        self.judge_alerts(tx, now)?;
        tx.probe_channels(now)?;
        Ok(orphans.len())
    }

    fn adopt(&self, tx: Tx<'_>, orphan: &Orphan, now: Timestamp) -> Result<(), StoreError> {
        const WORDS: &str = "the process died in mid-effect";
        let Orphan { job, open, .. } = orphan;
        let Some(looked_up) = open else {
            // Leased, but no attempt was begun: nothing can have happened.
            return tx.adopt(job.id, JobState::Ready, now, job.crashes, now);
        };
        end_cut(tx, orphan, WORDS, now)?;
        let crashes = job.crashes.saturating_add(1);
        tracing::warn!(lead_id = %job.lead, job_id = %job.id, channel = %job.channel, crashes, "{WORDS}");
        if matches!(job.task, Task::Ring(_)) {
            if crate::failpoint::removed("ring-once") {
                return tx.adopt(job.id, JobState::Ready, now, crashes, now);
            }
            return cut_off_ring(tx, job, crashes, now);
        }
        if crashes >= DEATHS {
            tx.adopt(job.id, JobState::Dead, now, crashes, now)?;
            let cure = "look at the lead before you requeue it: it may have brought the process down";
            bury(tx, job, Fault::Crash.name(), "the process died twice with this job open", Some(cure), now)?;
            self.timer_died(tx, job, now)?;
            return tidy(tx, job, now);
        }
        let (state, due_at) = self.after_cut(tx, job, *looked_up, now)?;
        tx.adopt(job.id, state, due_at, crashes, now)?;
        self.judge(tx, key_of(job), now, 1.0)
    }

    /// Jobs on channels that the configuration no longer has: texts and questions to a model move to one that it has, the
    /// others would wait in silence.
    fn homeless(&self, tx: Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        tx.clear_alerts_of("homeless:", now, now)?;
        for gone in tx.open_channels()? {
            let channel = Channel::stored(gone.clone());
            if self.settings.channels.contains_key(&channel) {
                continue;
            }
            if gone.starts_with("desk:") || gone.starts_with("ring:") {
                tx.cancel_channel(&channel, "the channel is not configured any more", now)?;
                continue;
            }
            if let Some(home) = self.home_of(&channel) {
                let moved = tx.rehome(&gone, &home)?;
                tracing::warn!(from = gone, to = %home, moved, "jobs moved to a channel that is configured");
            } else {
                let text = format!("jobs wait for {gone}, which is no longer configured");
                let cure = "configure it again under that name, or let the jobs reach their deadline";
                tx.alert(&format!("homeless:{gone}"), &text, cure, now)?;
            }
        }
        Ok(())
    }

    /// The channel that can stand in for one that is gone.
    pub(super) fn home_of(&self, gone: &Channel) -> Option<Channel> {
        if gone.as_str().starts_with("sms:") {
            return self.settings.route.sms_channels.first().cloned();
        }
        let known = self.settings.channels.keys().filter(|channel| channel.as_str().starts_with("llm:"));
        let mut models = self.settings.models.order.iter().chain(known);
        gone.as_str().starts_with("llm:").then(|| models.next().cloned()).flatten()
    }

    /// Alerts that today's configuration has answered, or that a day without a repetition has.
    fn judge_alerts(&self, tx: Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        let route = &self.settings.route;
        if !route.on_call.is_empty() && !route.sms_channels.is_empty() {
            tx.clear_alert("oncall:nobody", now)?;
        }
        for row in tx.channels()? {
            if !self.settings.channels.contains_key(&row.channel) {
                tx.clear_channel(&row.channel)?;
                tx.clear_alert(&channel::alert_key(&row.channel), now)?;
            }
        }
        for alert in tx.alerts()? {
            reconcile::forget_alerts(tx, &alert.key, |crm| self.settings.reconcile.channels.contains_key(crm), now)?;
            let modem = alert.key.strip_prefix("modem:").or_else(|| alert.key.strip_prefix("spend:"));
            let gone = |name| !self.settings.channels.contains_key(&Channel::new(Lane::Sms, name));
            let person = alert.key.strip_prefix(canary::ALERTS);
            if modem.is_some_and(gone) || person.is_some_and(|key| route.on_call.person(key).is_none()) {
                tx.clear_alert(&alert.key, now)?;
            }
        }
        let mut kinds = vec!["quarantine:", "crash:", "ring:"];
        for (stage, alert) in [(Stage::Sms, "sms:undelivered"), (Stage::Ticket, "ticket:undelivered")] {
            let of_stage = DeadLetterFilter { stage: Some(stage.name().to_owned()), ..DeadLetterFilter::default() };
            kinds.extend(tx.dead_letters(&of_stage)?.is_empty().then_some(alert));
        }
        for kind in kinds {
            tx.clear_alerts_of(kind, now.before(STALE_AFTER), now)?;
        }
        Ok(())
    }

    /// Gives back what the drain cut off: it is not a death of the process, so it doesn't count as one.
    ///
    /// # Errors
    /// When the database can't be written; the next start then takes it for a death.
    pub fn let_go(&mut self, tx: Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        const WORDS: &str = "the desk was stopped before it ended";
        for orphan in tx.leased_by(self.boot, now)? {
            let Orphan { job, open, .. } = &orphan;
            end_cut(tx, &orphan, WORDS, now)?;
            if matches!(job.task, Task::Ring(_)) {
                cut_off_ring(tx, job, job.crashes, now)?;
                continue;
            }
            let (state, due_at) = self.after_cut(tx, job, open.unwrap_or(false), now)?;
            tx.adopt(job.id, state, due_at, job.crashes, now)?;
            self.judge(tx, key_of(job), now, 1.0)?;
        }
        Ok(())
    }

    /// How a job goes on whose effect was cut off.
    fn after_cut(
        &self,
        tx: Tx<'_>,
        job: &Job,
        looked_up: bool,
        now: Timestamp,
    ) -> Result<(JobState, Timestamp), StoreError> {
        Ok(match (job.task.repeatable(), looked_up) {
            (true, _) => (JobState::Ready, now),
            (false, true) => (JobState::Unknown, now),
            (false, false) => {
                tx.set_sms(job, "unknown", None, None, now)?;
                (JobState::Unknown, now.after(self.settings.waits.look_up_after))
            }
        })
    }
}

/// A ring that was cut off may have rung: it is over.
fn cut_off_ring(tx: Tx<'_>, job: &Job, crashes: u32, now: Timestamp) -> Result<(), StoreError> {
    tx.adopt(job.id, JobState::Unknown, now, crashes, now)?;
    tx.end_idle_job(
        job.id,
        JobState::Cancelled,
        "the desk ended while it rang: it may have rung, and isn't repeated",
        now,
    )?;
    tidy(tx, job, now)
}

/// Ends the attempt of an effect that was cut off: what came of it is unknown.
fn end_cut(tx: Tx<'_>, orphan: &Orphan, words: &str, now: Timestamp) -> Result<(), StoreError> {
    let closing = Closing { outcome: Fault::Unknown.name(), reason: Some(words), trace: &Trace::default() };
    tx.end_attempt(orphan.job.id, orphan.attempt, &closing, now)
}
