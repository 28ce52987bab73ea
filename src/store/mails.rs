//! The mails that a server took, or may have: so that nobody gets two in a week, and all together no more than a few.
//!
//! Kept by the outbox when a mail's outcome is known, in the same transaction. Addresses stand as keyed hashes; what was
//! written stands in the job.

use rusqlite::{OptionalExtension, Row, named_params};
use serde::Serialize;

use super::{Reader, StoreError, Tx, rows};
use crate::model::{AddressHash, Job, JobId, LeadId, Timestamp};

const LAST_TO: &str = "
    SELECT lead_id FROM mails WHERE address_hash = :hash AND at > :since AND job_id IS NOT :except
     ORDER BY at DESC LIMIT 1";
const SINCE: &str = "SELECT count(*) AS count, min(at) AS oldest FROM mails WHERE at > :since";

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MailState {
    /// The server took it.
    Sent,
    /// Nobody can tell: it may be on its way.
    Unknown,
}

impl MailState {
    /// The word in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Unknown => "unknown",
        }
    }
}

/// How many mails there were in a while.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MailCount {
    /// So many.
    pub count: u32,
    /// The first of them: when it is out of the while, one more may go.
    pub oldest: Option<Timestamp>,
}

/// A mail as `v_mails` has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MailRow {
    /// When.
    pub at: String,
    /// To which lead; none, if that is deleted.
    pub code: Option<String>,
    /// `sent` or `unknown`.
    pub state: String,
    /// What stands above it; none, if its job is deleted.
    pub subject: Option<String>,
    /// By which servers know it.
    pub message_id: String,
}

fn of_row(row: &Row<'_>) -> Result<MailRow, StoreError> {
    Ok(MailRow {
        at: row.get("at")?,
        code: row.get("code")?,
        state: row.get("state")?,
        subject: row.get("subject")?,
        message_id: row.get("message_id")?,
    })
}

impl Tx<'_> {
    /// Keeps what became of the mail of a job; a later word takes the place of an earlier one.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn add_mail(
        self,
        job: &Job,
        to: AddressHash,
        message_id: &str,
        state: MailState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT INTO mails (job_id, lead_id, address_hash, message_id, state, at)
                VALUES (:job, :lead, :hash, :message_id, :state, :now)
                ON CONFLICT (job_id) DO UPDATE SET
                   address_hash = :hash, message_id = :message_id, state = :state, at = :now";
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":job": job.id.to_string(), ":lead": job.lead.to_string(), ":hash": to.to_string(),
            ":message_id": message_id, ":state": state.name(), ":now": now.to_string(),
        })?;
        Ok(())
    }

    /// The mail of this job did not leave after all; `false` if nobody thought so.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn forget_mail(self, job: JobId) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM mails WHERE job_id = :job";
        Ok(self.connection.prepare_cached(SQL)?.execute(named_params! { ":job": job.to_string() })? > 0)
    }

    /// The lead of the last mail that went to this address after `since`, or may have; that of the job `except` is left out.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn mailed_since(
        self,
        to: AddressHash,
        since: Timestamp,
        except: Option<JobId>,
    ) -> Result<Option<LeadId>, StoreError> {
        let except = except.map(|job| job.to_string());
        let params = named_params! { ":hash": to.to_string(), ":since": since.to_string(), ":except": except };
        let mut query = self.connection.prepare_cached(LAST_TO)?;
        query.query_row(params, |row| Ok(rows::parsed(row, "lead_id"))).optional()?.transpose()
    }

    /// Whether another mail to this address has not come to its end yet.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn is_being_mailed(self, to: AddressHash, except: JobId) -> Result<bool, StoreError> {
        const SQL: &str = "
            SELECT EXISTS (SELECT 1 FROM mails m JOIN jobs j ON j.id = m.job_id
                            WHERE m.address_hash = :hash AND m.job_id <> :except AND j.state IN ('ready', 'leased', 'unknown'))";
        let params = named_params! { ":hash": to.to_string(), ":except": except.to_string() };
        Ok(self.connection.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
    }

    /// How many mails went out after `since`, or may have.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn mails_since(self, since: Timestamp) -> Result<MailCount, StoreError> {
        let mut query = self.connection.prepare_cached(SINCE)?;
        query.query_row(named_params! { ":since": since.to_string() }, |row| {
            let (count, oldest) = (row.get("count")?, rows::maybe(row, "oldest"));
            Ok(oldest.map(|oldest| MailCount { count, oldest }))
        })?
    }
}

impl Reader {
    /// The newest mails.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn mails(&self, limit: u32) -> Result<Vec<MailRow>, StoreError> {
        let mut query = self.connection.prepare_cached("SELECT * FROM v_mails LIMIT :limit")?;
        query.query_and_then(named_params! { ":limit": limit }, of_row)?.collect()
    }

    /// How many mails went out after `since`, or may have.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn mails_since(&self, since: Timestamp) -> Result<MailCount, StoreError> {
        Tx { connection: &self.connection }.mails_since(since)
    }
}

#[cfg(test)]
mod tests;
