//! Follow-up mails: just before one leaves it is looked whether it still may, and what became of it is remembered by its
//! address.
//!
//! The row in `mails` is written with the attempt, so that two leads of one address, or a crash, never make two mails of
//! one; it goes again when the mail surely did not leave. An address whose server says that nobody has it gets no other.

use std::time::Duration;

use crate::model::{Failure, Fault, Job, MailTask, Suppressed, Task, TicketTask, Timestamp, Work};
use crate::route::{self, FollowUp};
use crate::store::{MailCount, MailState, StoreError, Tx};

use super::Desk;
use super::step::Next;

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
            return moot("the address had a mail not long ago");
        }
        let MailCount { count, oldest } = tx.mails_since(now.before(HOUR))?;
        let full = count >= settings.per_hour && !crate::failpoint::removed("mail-cap");
        Ok(oldest.filter(|_| full).map(|oldest| {
            let why = format!("{count} mails have left in an hour, and {} may", settings.per_hour);
            (Next::Wait { at: oldest.after(HOUR) }, why)
        }))
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
        let may_have_left = outcome == Fault::Unknown.name() || outcome == "unsure" || mail.repeat;
        if may_have_left { Ok(()) } else { tx.forget_mail(job.id).map(drop) }
    }

    const fn follow_up(&self) -> Option<&FollowUp> {
        self.settings.route.follow_up.as_ref()
    }
}

/// The same job marked as the one repeat that an outcome which nobody can look up allows; `None` if it is that already, or
/// of a kind that isn't repeated so.
pub(super) fn as_repeat(task: &Task) -> Option<Task> {
    match task {
        Task::Mail(mail) if !mail.repeat => Some(Task::Mail(MailTask { repeat: true, ..mail.clone() })),
        Task::Ticket(ticket) if !ticket.repeat => Some(Task::Ticket(TicketTask { repeat: true, ..ticket.clone() })),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
