//! Follow-up mails: just before one leaves it is looked whether it still may, and what became of it is remembered by its
//! address.
//!
//! The row in `mails` is written with the attempt, so that two leads of one address, or a crash, never make two mails of
//! one; it goes again when the mail surely did not leave. An address whose server says that nobody has it gets no other.

use std::time::Duration;

use crate::model::{
    Action, Channel, CrmNews, Failure, Fault, Job, JobState, Label, MailTask, Suppressed, Task, TicketTask, Timestamp,
    Work,
};
use crate::route::{self, FollowUp};
use crate::store::{MailCount, MailState, StoreError, Tx};

use super::Desk;
use super::step::Next;

/// How long a mail waits to learn what becomes of another to the same address.
const A_WHILE: Duration = Duration::from_mins(1);
/// What the cap on mails counts.
const HOUR: Duration = Duration::from_hours(1);

impl Desk {
    /// What follows for a mail that must not leave, or not now, and why.
    pub(super) fn not_mailed(
        &self,
        tx: Tx<'_>,
        work: &Work,
        mail: &MailTask,
        now: Timestamp,
    ) -> Result<Option<(Next, String)>, StoreError> {
        let moot = |why: &str| Ok(Some((Next::Moot, why.to_owned())));
        let Some(settings) = &self.settings.route.follow_up else { return moot("follow-up mails are switched off") };
        if work.lead.label != Some(Label::TireKicker) {
            return moot("the lead is of another class by now");
        }
        if mail.unsubscribe.is_none() {
            return moot("there is no page on which to unsubscribe");
        }
        if let Some(why) = route::not_mailed(settings, &work.lead, &mail.to, now) {
            return moot(why);
        }
        let hash = settings.addresses.hash(&mail.to);
        if let Some(why) = tx.suppressed(hash)? {
            return moot(match why {
                Suppressed::Unsubscribed => "whoever has the address wants no mail from us",
                Suppressed::Bounced => "mail to the address came back before",
                Suppressed::Operator => "the address is on our list of those that get no mail",
            });
        }
        if tx.mailed_since(hash, now.before(settings.once_per), Some(work.job.id))?.is_some() {
            if tx.is_being_mailed(hash, work.job.id)? {
                let why = "another mail to the address is under way".to_owned();
                return Ok(Some((Next::Wait { at: now.after(A_WHILE) }, why)));
            }
            return moot("the address had a mail not long ago");
        }
        Ok(None)
    }

    /// Until when no other mail may leave, because so many have in an hour; `None`: one may.
    pub(super) fn mails_resume(
        &self,
        tx: Tx<'_>,
        channel: &Channel,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let Some(settings) = self.follow_up().filter(|settings| settings.channel == *channel) else { return Ok(None) };
        let MailCount { count, oldest } = tx.mails_since(now.before(HOUR))?;
        // A row that a clock ahead of its time has written holds nobody up for longer than that.
        Ok(oldest.filter(|_| count >= settings.per_hour).map(|oldest| oldest.min(now).after(HOUR)))
    }

    /// A mail is about to be handed to a server: from here on its address had one.
    pub(super) fn mail_begins(&self, tx: Tx<'_>, work: &Work, now: Timestamp) -> Result<(), StoreError> {
        match (&work.job.task, self.follow_up()) {
            (Task::Mail(mail), Some(settings)) if work.look_up_since.is_none() => {
                let (hash, key) = (settings.addresses.hash(&mail.to), work.job.key());
                tx.add_mail(&work.job, hash, &key, MailState::Unknown, now)
            }
            _ => Ok(()),
        }
    }

    /// A server took it.
    pub(super) fn mail_left(&self, tx: Tx<'_>, job: &Job, message_id: &str, now: Timestamp) -> Result<(), StoreError> {
        match (&job.task, self.follow_up()) {
            (Task::Mail(mail), Some(settings)) => {
                tx.add_mail(job, settings.addresses.hash(&mail.to), message_id, MailState::Sent, now)
            }
            _ => Ok(()),
        }
    }

    /// A try did not succeed.
    pub(super) fn mail_failed(
        &self,
        tx: Tx<'_>,
        job: &Job,
        outcome: &str,
        failure: Option<&Failure>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (Task::Mail(mail), Some(settings)) = (&job.task, self.follow_up()) else { return Ok(()) };
        if failure.is_some_and(|failure| failure.final_everywhere) {
            let hash = settings.addresses.hash(&mail.to);
            tx.suppress(hash, Suppressed::Bounced, now)?;
            tracing::warn!(lead_id = %job.lead, address = %hash, "nobody has this address: it gets no mail any more");
        }
        // A panic may have come after the mail had left, and an earlier generation may have left something.
        let may_have_left = [Fault::Unknown.name(), Fault::Crash.name(), "unsure"].contains(&outcome)
            || mail.repeat
            || job.generation > 1;
        if may_have_left { Ok(()) } else { tx.forget_mail(job.id).map(drop) }
    }

    /// The note has told of the lead already: how its mail or its case ended is told in a second one.
    pub(super) fn tell_late(
        &self,
        tx: Tx<'_>,
        job: &Job,
        state: JobState,
        result: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let words = match (&job.task, state) {
            (Task::Mail(_), JobState::Done) => "the follow-up mail was sent".to_owned(),
            (Task::Mail(_), JobState::Dead) => "the follow-up mail could not be sent".to_owned(),
            (Task::Ticket(_), JobState::Done) => format!("support has it as {result} now"),
            (Task::Ticket(_), JobState::Dead) => "it could not be handed to support: please do it by hand".to_owned(),
            _ => return Ok(()),
        };
        let is_note = |action: &Action| matches!(&action.task, Task::CrmNote(note) if note.news.is_none());
        let noted = tx.actions(job.lead)?.into_iter().any(|action| is_note(&action) && action.state == JobState::Done);
        let Some(lead) = tx.lead(job.lead)?.filter(|_| noted) else { return Ok(()) };
        self.news(tx, &lead, CrmNews { at: now, words, after_texts: false }, now)
    }

    const fn follow_up(&self) -> Option<&FollowUp> {
        self.settings.route.follow_up.as_ref()
    }
}

/// Whether the one repeat is left that an outcome which nobody can look up allows; other kinds aren't repeated so.
pub(super) const fn may_repeat(task: &Task) -> bool {
    matches!(task, Task::Mail(MailTask { repeat: false, .. }) | Task::Ticket(TicketTask { repeat: false, .. }))
}

/// The same task, marked as that repeat or as none.
pub(super) fn marked(task: &Task, repeat: bool) -> Task {
    match task {
        Task::Mail(mail) => Task::Mail(MailTask { repeat, ..mail.clone() }),
        Task::Ticket(ticket) => Task::Ticket(TicketTask { repeat, ..ticket.clone() }),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests;
