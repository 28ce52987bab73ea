//! What networks report of texts: each word is kept, and what it means for its text follows in the same transaction.
//!
//! Called for the modems' facts, and whenever a text is settled, so that it doesn't matter which comes first. Delivered is
//! never taken back. A text that the network gave up goes by the next channel, and is not marked as a repeat: the network
//! itself says that the phone doesn't have it. A report about a test text, whose job is in no table, only updates its part.

use crate::model::{
    Channel, Failure, Fate, Fault, Job, JobState, Lane, PartReport, SmsPart, SmsReceipt, Task, TextKey, Timestamp,
};
use crate::store::{StoreError, Tx};

use super::legs::call_off;
use super::settle::tidy;
use super::{Desk, canary, channel};

/// What the reports of a text's parts come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Too early to say.
    Open,
    /// The phone has every part.
    Delivered(SmsReceipt),
    /// A part will never arrive.
    Failed(Fate),
}

/// The verdict on a text whose known parts are these.
pub(super) fn verdict(parts: &[SmsPart]) -> Verdict {
    let fates = || parts.iter().filter_map(|part| part.fate);
    let worst = fates().filter(|fate| fate.has_failed()).min_by_key(|fate| *fate != Fate::FailedForGood);
    if let Some(fate) = worst {
        return Verdict::Failed(fate);
    }
    let total = parts.first().map_or(0, |part| usize::from(part.total));
    if total == 0 || fates().filter(|fate| fate.has_arrived()).count() < total {
        return Verdict::Open;
    }
    let shown = |part: &SmsPart| part.reference.map_or_else(|| "?".to_owned(), |n| n.to_string());
    let reference = parts.iter().map(shown).collect::<Vec<_>>().join(",");
    Verdict::Delivered(SmsReceipt { reference, parts: u32::try_from(total).unwrap_or(u32::MAX), delivered: true })
}

/// What the network's last word on a text means, in words.
pub(super) fn failure_of(fate: Fate) -> Failure {
    let reason = match fate {
        Fate::FailedForGood => "the network reports that the text can't be delivered",
        Fate::GaveUp => "the network reports that it gave up delivering the text",
        Fate::FailedUnknown | Fate::Delivered | Fate::Forwarded | Fate::StillTrying => {
            "the network reports that the text is not delivered"
        }
    };
    Failure::new(Fault::Permanent, reason)
        .cure("call the prospect yourself, then check the recipient's number and phone")
}

pub(super) const fn key_of(job: &Job) -> TextKey {
    TextKey { job: job.id, generation: job.generation }
}

impl Desk {
    /// A modem wrote a part of a text, or knows more of one it wrote.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn written(
        &mut self,
        tx: Tx<'_>,
        modem: &str,
        part: &SmsPart,
        now: Timestamp,
        jitter: f64,
    ) -> Result<(), StoreError> {
        tx.keep_part(modem, part)?;
        self.tend_spending(tx, modem, now)?;
        self.judge(tx, part.key.text, now, jitter)
    }

    /// A modem can send again: what is held against its channel is over.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn is_ready(&self, tx: Tx<'_>, modem: &str, now: Timestamp) -> Result<(), StoreError> {
        channel::worked(tx, &Channel::new(Lane::Sms, modem), now)
    }

    /// A network reported on a part.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn reported(
        &mut self,
        tx: Tx<'_>,
        modem: &str,
        report: &PartReport,
        now: Timestamp,
        jitter: f64,
    ) -> Result<(), StoreError> {
        tx.keep_report(modem, report)?;
        let Some(key) = report.of else { return Ok(()) };
        if !tx.add_reports(key)? {
            // Its part is told later, and finds it.
            return Ok(());
        }
        self.judge(tx, key.text, now, jitter)
    }

    /// Does what the reports on a text mean for it by now. Nothing, while a try of it is under way: it is asked again when
    /// that is settled.
    pub(super) fn judge(&self, tx: Tx<'_>, text: TextKey, now: Timestamp, jitter: f64) -> Result<(), StoreError> {
        let verdict = verdict(&tx.parts(text)?);
        if verdict == Verdict::Open {
            return Ok(());
        }
        let (job, state) = match tx.job(text.job) {
            Ok(Some((job, state, _))) if job.generation == text.generation => (job, state),
            // A test text, one that was requeued since, or one of another version.
            Ok(_) | Err(StoreError::Alien { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        match verdict {
            Verdict::Open => Ok(()),
            Verdict::Delivered(receipt) => arrived(tx, &job, state, &receipt, now),
            Verdict::Failed(fate) => self.lost(tx, &job, state, &failure_of(fate), now, jitter),
        }
    }

    /// The network gave the text up.
    pub(super) fn lost(
        &self,
        tx: Tx<'_>,
        job: &Job,
        state: JobState,
        failure: &Failure,
        now: Timestamp,
        jitter: f64,
    ) -> Result<(), StoreError> {
        match state {
            JobState::Leased | JobState::Ready => Ok(()),
            JobState::Unknown => tx.look_up_now(job.id, now),
            JobState::Dead | JobState::Cancelled => tx.fail_sms(job.id, &failure.reason, now).map(drop),
            JobState::Done => {
                if !tx.fail_sms(job.id, &failure.reason, now)? {
                    return Ok(());
                }
                tracing::warn!(lead_id = %job.lead, job_id = %job.id, channel = %job.channel, reason = failure.reason,
                    "text not delivered");
                if has_arrived_otherwise(tx, job)? { Ok(()) } else { self.take_over(tx, job, failure, now, jitter) }
            }
        }
    }
}

/// The phone has the text.
pub(super) fn arrived(
    tx: Tx<'_>,
    job: &Job,
    state: JobState,
    receipt: &SmsReceipt,
    now: Timestamp,
) -> Result<(), StoreError> {
    match state {
        JobState::Leased => return Ok(()),
        // Nobody needs to ask any more, and nothing is to be sent.
        JobState::Ready | JobState::Unknown => {
            tx.end_idle_job(job.id, JobState::Done, &receipt.reference, now)?;
            tx.cancel_waiting(job.lead, "sms_failover", Some(job.id), "the text was delivered", now)?;
        }
        JobState::Done | JobState::Dead | JobState::Cancelled => {}
    }
    if tx.deliver_sms(job, receipt, now)? {
        tracing::info!(lead_id = %job.lead, job_id = %job.id, channel = %job.channel, "text delivered");
        call_off(tx, job, now)?;
        canary::arrived(tx, job, now)?;
    }
    tidy(tx, job, now)
}

/// Whether another leg of the same alert is on the phone.
fn has_arrived_otherwise(tx: Tx<'_>, job: &Job) -> Result<bool, StoreError> {
    for (leg, _) in tx.legs(job)? {
        if tx.sms_state(leg.id)?.as_deref() == Some("delivered") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What the reports know better than the outcome of a try: the phone has the text.
pub(super) fn known_better(tx: Tx<'_>, job: &Job) -> Result<Option<SmsReceipt>, StoreError> {
    if !matches!(job.task, Task::Sms(_)) {
        return Ok(None);
    }
    Ok(match verdict(&tx.parts(key_of(job))?) {
        Verdict::Delivered(receipt) => Some(receipt),
        Verdict::Open | Verdict::Failed(_) => None,
    })
}
