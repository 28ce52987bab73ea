//! What a person may ask of the outbox: requeue, discard, replay.

use crate::model::{
    Channel, ClassifyTask, CrmUpdate, Job, LeadId, NewJob, Priority, ReplayFrom, Replayed, Task, Timestamp,
};
use crate::route;
use crate::store::{DeadLetter, StoreError, Tx};

use super::follow_ups::marked;
use super::{Desk, reconcile};

impl Desk {
    /// Opens the job of a dead letter again: a new generation with new counters and a new deadline. `false`: the letter
    /// was closed before, or its job runs again already.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn requeue(&mut self, tx: Tx<'_>, letter: &DeadLetter, now: Timestamp) -> Result<bool, StoreError> {
        let Some((job, state, _)) = letter.job_id.map(|id| tx.job(id)).transpose()?.flatten() else { return Ok(false) };
        let known = self.settings.channels.contains_key(&job.channel).then(|| job.channel.clone());
        let home = || self.home_of(&job.channel).or_else(|| self.stand_in_of(&job.task));
        let Some(channel) = known.or_else(home) else { return Ok(false) };
        if matches!(job.task, Task::Reconcile(_)) && !reconcile::look_again(tx, &job, now)? {
            return Ok(false);
        }
        if state.is_open() || !tx.close_dead_letter(letter.id, "requeued", now)? {
            return Ok(false);
        }
        let task = self.wound_up(tx, &job, now)?;
        if !tx.requeue(job.id, &task, &channel, now.after(self.give_up_after(&task)), now)? {
            return Ok(false);
        }
        if let Task::Sms(sms) = &task
            && let Some(clock) = sms.failover_at
        {
            self.guard(tx, job.lead, job.id, clock, clock, now)?;
        }
        tx.settle_lead(job.lead, now)?;
        Ok(true)
    }

    /// Runs a lead through the pipeline again. Actions that were done are not done again unless `again`.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn replay(
        &mut self,
        tx: Tx<'_>,
        lead: LeadId,
        from: ReplayFrom,
        again: bool,
        now: Timestamp,
    ) -> Result<Replayed, StoreError> {
        let Some(lead) = tx.lead(lead)? else { return Ok(Replayed::Unknown) };
        if !tx.settle_lead(lead.id, now)? {
            return Ok(Replayed::Busy);
        }
        match (from, lead.label) {
            (ReplayFrom::Classify, _) => {
                let Some(channel) = self.settings.opening.classify_on.clone() else {
                    return Ok(Replayed::Unlabelled);
                };
                let deadline_at = now.after(self.settings.opening.give_up_after);
                let task = Task::Classify(ClassifyTask { again, ..ClassifyTask::default() });
                tx.insert_job(
                    &NewJob { lead: lead.id, task, channel, priority: Priority::Normal, due_at: now, deadline_at },
                    now,
                )?;
            }
            (ReplayFrom::Route, Some(label)) => {
                self.enact(tx, &lead, label, again, now)?;
            }
            (ReplayFrom::Route, None) => return Ok(Replayed::Unlabelled),
        }
        tx.settle_lead(lead.id, now)?;
        Ok(Replayed::Queued)
    }

    /// The task with its clocks wound up again, and with what the configuration says now of whoever holds the lead.
    fn wound_up(&self, tx: Tx<'_>, job: &Job, now: Timestamp) -> Result<Task, StoreError> {
        Ok(match &job.task {
            Task::CrmUpdate(update) if update.owner.is_some() => {
                let holder = tx.claim_of(job.lead)?.and_then(|claim| claim.claimed_by);
                let person = holder.and_then(|name| self.settings.route.on_call.named(&name));
                let owner = person.and_then(|person| person.owners.get(&update.record.channel));
                Task::CrmUpdate(CrmUpdate { owner: owner.or(update.owner.as_ref()).cloned(), ..update.clone() })
            }
            // Each model is asked anew, the one that has the job first.
            Task::Classify(task) => Task::Classify(ClassifyTask { again: task.again, ..ClassifyTask::default() }),
            Task::Sms(sms) => {
                let mut sms = sms.clone();
                sms.leg = 0;
                sms.refused = 0;
                sms.failover_at =
                    if sms.is_test { None } else { route::failover_at(&self.settings.route, &sms.to, 0, now) };
                Task::Sms(sms)
            }
            other => marked(other, false),
        })
    }

    /// Where cases and mails go now that went elsewhere once: nothing of an ended one is looked up there.
    fn stand_in_of(&self, task: &Task) -> Option<Channel> {
        match task {
            Task::Ticket(_) => self.settings.route.ticketing.as_ref().map(|to| to.channel.clone()),
            Task::Mail(_) => self.settings.route.follow_up.as_ref().map(|mail| mail.channel.clone()),
            _ => None,
        }
    }

    fn give_up_after(&self, task: &Task) -> std::time::Duration {
        let route = &self.settings.route;
        match task {
            Task::Classify { .. } | Task::ClassifyDeadline {} => self.settings.opening.give_up_after,
            Task::CrmRead(_) | Task::Reconcile(_) => self.settings.opening.read_give_up_after,
            Task::Sms(_)
            | Task::SmsFailover { .. }
            | Task::Ring(_)
            | Task::SmsStatus(_)
            | Task::Escalate { .. }
            | Task::Digest { .. }
            | Task::CanaryCheck {} => route.sms_give_up_after,
            Task::Mail(_) => route.follow_up.as_ref().map_or(route.crm_give_up_after, |mail| mail.give_up_after),
            Task::Ticket(_) => route.ticketing.as_ref().map_or(route.crm_give_up_after, |to| to.give_up_after),
            Task::CrmUpdate(_) | Task::CrmNote(_) | Task::CrmTask(_) => route.crm_give_up_after,
        }
    }
}
