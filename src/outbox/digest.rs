//! Digests: more urgent leads than a person can read a text each of are told of in one.
//!
//! Each lead keeps its claim, its code and its escalation timer; only its text gives way. The leads wait in rows, and the
//! timer that sends them is a job, made with the first of them.

use std::time::Duration;

use crate::model::oncall::Person;
use crate::model::{Job, NewJob, SmsTask, Task, Timestamp};
use crate::route;
use crate::store::{StoreError, Tx};

use super::Desk;
use super::settle::usable;

/// Leads that are hours old when they are found come in by pages, and a model reads them one after the other: for a text
/// that tells of them all so much time is no loss.
const GATHER_LATE: Duration = Duration::from_mins(2);

impl Desk {
    /// Whether this text's lead waits for the digest: it calls somebody who was called enough by texts of their own, or it
    /// is about a lead that was found long after somebody wrote.
    pub(super) fn gather(&self, tx: Tx<'_>, job: &NewJob, sms: &SmsTask, now: Timestamp) -> Result<bool, StoreError> {
        let digest = self.settings.route.digest;
        if sms.is_answer {
            return Ok(false);
        }
        let age = tx.lead(job.lead)?.and_then(|lead| lead.age_when_found());
        let is_late = age.is_some_and(|age| age >= digest.late_after);
        if !is_late && tx.calls(&sms.to, now.before(digest.within), now)? < digest.after {
            return Ok(false);
        }
        if !tx.digest_waits(&sms.who)? {
            let task = Task::Digest { to: sms.to.clone(), who: sms.who.clone() };
            let due_at = now.after(if is_late { digest.gather.max(GATHER_LATE) } else { digest.gather });
            let deadline_at = due_at.after(self.settings.route.sms_give_up_after);
            tx.insert_job(&NewJob::timer(job.lead, task, due_at, deadline_at), now)?;
        }
        tx.add_to_digest(job.lead, &sms.who, now)?;
        let why = if is_late { "it was found late" } else { "too many texts at once" };
        tracing::warn!(lead_id = %job.lead, who = sms.who, why, "the lead waits for a digest");
        Ok(true)
    }

    /// Tells of the leads that have gathered.
    pub(super) fn digest(&self, tx: Tx<'_>, timer: &Job, now: Timestamp) -> Result<(), StoreError> {
        let Task::Digest { to, who } = &timer.task else { return Ok(()) };
        let leads = tx.take_digest(who, now)?;
        tx.clear_alert(&unmade(who), now)?;
        tracing::warn!(who, leads = leads.len(), "one text tells of the leads that have gathered");
        let (route, person) = (&self.settings.route, Person::new(who.clone(), to.clone()));
        let jobs = match &leads[..] {
            [lead] => route::call(route, lead, &person, None, &usable(tx, now), now).into_iter().collect(),
            leads => route::digests(route, leads, &person, &usable(tx, now), now),
        };
        // Each goes out for one of the leads, which may have settled.
        jobs.into_iter().try_for_each(|job| {
            let lead = job.lead;
            self.insert_one(tx, job, now)?;
            tx.settle_lead(lead, now).map(drop)
        })
    }

    /// Its timer is dead: whoever comes next is called for its leads at once.
    pub(super) fn digest_died(tx: Tx<'_>, who: &str, now: Timestamp) -> Result<(), StoreError> {
        for lead in tx.gathered(who)? {
            tx.hasten(lead, "escalate", now)?;
        }
        tx.alert(
            &unmade(who),
            &format!("the text that tells {who} of several leads could not be made"),
            "call those prospects yourself (`nightdesk dlq list --stage desk`), or `nightdesk dlq retry` its letter",
            now,
        )
    }
}

fn unmade(who: &str) -> String {
    format!("digest:{who}")
}
