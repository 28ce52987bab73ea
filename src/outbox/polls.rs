//! Asking a vendor what became of a text that it took, and what he says of it by himself.
//!
//! A poll runs on a channel of its own (`desk:twilio`), so that it never takes a text's place, and neither its trouble nor
//! a limit on it parks the channel for texts. Nobody misses one that comes to nothing: the text stays submitted.

use std::time::Duration;

use crate::model::{
    Channel, Failure, Fate, Fault, Job, JobState, Lane, NewJob, Priority, Report, SmsReceipt, SmsStatus, Task,
    Timestamp, Work,
};
use crate::store::{Closing, Settlement, StoreError, Tx};

use super::reports::{arrived, failure_of, key_of};
use super::settle::tidy;
use super::step::Next;
use super::{Desk, channel};

/// The first question comes after so many times the backoff's first wait: with a second, after 5 s.
const FIRST: u32 = 5;
/// Each question comes so much later than the one before: 5 s, 15 s, 45 s.
const GROWTH: u32 = 3;
/// No pause is longer.
const LONGEST: Duration = Duration::from_mins(10);
/// When the text isn't worth delivering any more, the vendor gets so long to say so.
const LAST_WORD: Duration = Duration::from_mins(2);

/// How old a text may be of which a vendor still tells something: ten hours is the longest that Twilio tries, and it may come
/// late.
const MEMORY: Duration = Duration::from_hours(72);

/// The channel on which it is asked after texts of `channel`.
#[must_use]
pub fn asked_on(channel: &Channel) -> Channel {
    let name = channel.as_str();
    Channel::new(Lane::Desk, name.split_once(':').map_or(name, |(_, name)| name))
}

/// How long to wait after so many questions.
fn wait(base: Duration, asked: u32) -> Duration {
    let grown = GROWTH.checked_pow(asked).unwrap_or(u32::MAX);
    base.saturating_mul(FIRST).saturating_mul(grown).min(LONGEST)
}

/// A poll that can't succeed is let go; only a bug is worth a dead letter.
pub(super) fn gently(task: &Task, fault: Fault, next: Next) -> Next {
    match next {
        Next::Dead if matches!(task, Task::SmsStatus(_)) && fault != Fault::Crash => Next::Moot,
        next => next,
    }
}

impl Desk {
    /// A vendor took a text: it is asked later what became of it, as long as the text is worth delivering.
    pub(super) fn ask_later(
        &self,
        tx: Tx<'_>,
        job: &Job,
        receipt: &SmsReceipt,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(validity) = self.settings.polls.get(&job.channel) else { return Ok(()) };
        let poll = NewJob {
            lead: job.lead,
            task: Task::SmsStatus(SmsStatus { text: key_of(job), reference: receipt.reference.clone() }),
            channel: asked_on(&job.channel),
            priority: Priority::Low,
            due_at: now.after(wait(self.settings.waits.ladder.base, 0)),
            deadline_at: now.after(*validity).after(LAST_WORD),
        };
        tx.insert_job(&poll, now).map(drop)
    }

    /// The vendor has answered.
    pub(super) fn answered(
        &self,
        tx: Tx<'_>,
        work: &Work,
        report: &Report,
        (fate, why): (Fate, Option<&Failure>),
        now: Timestamp,
        jitter: f64,
    ) -> Result<(), StoreError> {
        let poll = &work.job;
        let next = now.after(wait(self.settings.waits.ladder.base, poll.tries));
        let again = !fate.has_arrived() && !fate.has_failed() && next <= poll.deadline_at;
        let (state, due_at) = if again { (JobState::Ready, Some(next)) } else { (JobState::Done, None) };
        let settlement = Settlement { state, due_at, unburnt: false, result: Some(fate.name()) };
        let closing = Closing { outcome: "done", reason: None, trace: &report.trace };
        if !self.end(tx, work, &closing, settlement, now)? {
            return Ok(());
        }
        channel::worked(tx, &poll.channel, now)?;
        if let Task::SmsStatus(asked) = &poll.task
            && let Some((job, state, _)) = tx.job(asked.text.job)?
            && job.generation == asked.text.generation
        {
            self.became(tx, (&job, state), &asked.reference, (fate, why), now, jitter)?;
        }
        tidy(tx, poll, now)
    }

    /// A vendor says by himself what became of a text that he took, as often as he likes and in any order. `false`: nobody
    /// here knows the text, or not yet; then he is asked later.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn told(
        &self,
        tx: Tx<'_>,
        vendor: &str,
        reference: &str,
        word: (Fate, Option<&Failure>),
        now: Timestamp,
        jitter: f64,
    ) -> Result<bool, StoreError> {
        let channel = Channel::new(Lane::Sms, vendor);
        let Some(id) = tx.sent_as(&channel, reference, now.before(MEMORY))? else { return Ok(false) };
        let Some((job, state, _)) = tx.job(id)? else { return Ok(false) };
        match state {
            JobState::Done | JobState::Dead | JobState::Cancelled => {}
            // It is sent again: what became of the one before is history.
            JobState::Ready | JobState::Leased | JobState::Unknown => return Ok(true),
        }
        if word.0.has_arrived() || word.0.has_failed() {
            tx.cancel_waiting(job.lead, "sms_status", Some(job.id), "the vendor told it by himself", now)?;
        }
        self.became(tx, (&job, state), reference, word, now, jitter)?;
        tidy(tx, &job, now)?;
        Ok(true)
    }

    /// What a vendor's word means for its text, whether he was asked or not.
    fn became(
        &self,
        tx: Tx<'_>,
        (job, state): (&Job, JobState),
        reference: &str,
        (fate, why): (Fate, Option<&Failure>),
        now: Timestamp,
        jitter: f64,
    ) -> Result<(), StoreError> {
        if fate.has_arrived() {
            let parts = 1; // counted when it was taken
            let receipt = SmsReceipt { reference: reference.to_owned(), parts, delivered: true };
            arrived(tx, job, state, &receipt, now)
        } else if fate.has_failed() {
            let failure = why.cloned().unwrap_or_else(|| failure_of(fate));
            self.lost(tx, job, state, &failure, now, jitter)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_come_ever_later() {
        let seconds: Vec<u64> = (0..7).map(|asked| wait(Duration::from_secs(1), asked).as_secs()).collect();
        assert_eq!(seconds, [5, 15, 45, 135, 405, 600, 600]);
        assert_eq!(wait(Duration::from_secs(1), u32::MAX), LONGEST);
        assert_eq!(asked_on(&Channel::stored("sms:twilio".into())).as_str(), "desk:twilio");
    }
}
