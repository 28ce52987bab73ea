//! Texts that were handed to a network, or may have been, and what became of them.

use rusqlite::{OptionalExtension, named_params};

use super::jobs::job_of;
use super::{StoreError, Tx, rows};
use crate::model::{Job, JobId, JobState, LeadId, SmsReceipt, Task, Timestamp};

impl Tx<'_> {
    /// Whether a text about the lead was sent, or may have been.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn may_be_texted(self, lead: LeadId) -> Result<bool, StoreError> {
        const SQL: &str = "
            SELECT EXISTS (SELECT 1 FROM jobs j JOIN sms_messages s ON s.job_id = j.id WHERE j.lead_id = :lead)";
        let mut query = self.connection.prepare_cached(SQL)?;
        Ok(query.query_row(named_params! { ":lead": lead.to_string() }, |row| row.get(0))?)
    }

    /// A text that may have been sent was looked up: it was not.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn forget_sms(self, job: &Job) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM sms_messages WHERE job_id = :job AND state = 'unknown'";
        self.connection.prepare_cached(SQL)?.execute(named_params! { ":job": job.id.to_string() })?;
        Ok(())
    }

    /// Keeps a text that was handed to a network, or may have been; whatever was known of an earlier try is history.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn set_sms(
        self,
        job: &Job,
        state: &str,
        reference: Option<&str>,
        parts: Option<u32>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT INTO sms_messages (job_id, lead_id, channel, who, number, text, repeat, state, reference, parts, submitted_at)
            VALUES (:job, :lead, :channel, :who, :number, :text, :repeat, :state, :reference, :parts, :now)
                ON CONFLICT (job_id) DO UPDATE SET
                   channel = :channel, text = :text, repeat = :repeat, state = :state, reference = :reference, parts = :parts,
                   submitted_at = :now, delivered_at = NULL, failed_at = NULL, failure = NULL";
        let Task::Sms(sms) = &job.task else { return Ok(()) };
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":job": job.id.to_string(), ":lead": job.lead.to_string(), ":channel": job.channel.as_str(), ":who": sms.who,
            ":number": sms.to.as_str(), ":text": sms.text, ":repeat": sms.repeat, ":state": state, ":reference": reference,
            ":parts": parts, ":now": now.to_string(),
        })?;
        Ok(())
    }

    /// The phone has the text, whatever was thought before. `false`: that was known.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn deliver_sms(self, job: &Job, receipt: &SmsReceipt, now: Timestamp) -> Result<bool, StoreError> {
        const SQL: &str = "
            UPDATE sms_messages SET state = 'delivered', delivered_at = :now, failed_at = NULL, failure = NULL,
                                    reference = coalesce(reference, :reference), parts = coalesce(parts, :parts)
             WHERE job_id = :job AND state <> 'delivered'";
        if self.sms_state(job.id)?.is_none() {
            self.set_sms(job, "submitted", Some(&receipt.reference), Some(receipt.parts), now)?;
        }
        let changed = self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":job": job.id.to_string(), ":now": now.to_string(), ":reference": receipt.reference, ":parts": receipt.parts,
        })?;
        Ok(changed > 0)
    }

    /// The network gave the text up. `false`: that was known, or the phone has it, or it never left.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn fail_sms(self, job: JobId, why: &str, now: Timestamp) -> Result<bool, StoreError> {
        const SQL: &str = "
            UPDATE sms_messages SET state = 'failed', failed_at = :now, failure = :why
             WHERE job_id = :job AND state IN ('submitted', 'unknown')";
        let params = named_params! { ":job": job.to_string(), ":now": now.to_string(), ":why": why };
        Ok(self.connection.prepare_cached(SQL)?.execute(params)? > 0)
    }

    /// What is known of a job's text: `unknown`, `submitted`, `delivered` or `failed`; `None`: it never left.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn sms_state(self, job: JobId) -> Result<Option<String>, StoreError> {
        let mut query = self.connection.prepare_cached("SELECT state FROM sms_messages WHERE job_id = :job")?;
        Ok(query.query_row(named_params! { ":job": job.to_string() }, |row| row.get(0)).optional()?)
    }

    /// The texts of a lead that are legs of the same alert as `job`, in order: each leg took over from the one before.
    /// What can't be read is left out.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn legs(self, job: &Job) -> Result<Vec<(Job, JobState)>, StoreError> {
        const SQL: &str = "SELECT * FROM jobs WHERE lead_id = :lead AND kind = 'sms' ORDER BY generation";
        let mut query = self.connection.prepare_cached(SQL)?;
        let found = query.query_and_then(named_params! { ":lead": job.lead.to_string() }, |row| {
            Ok::<_, StoreError>(job_of(row).and_then(|job| Ok((job, rows::job_state(row, "state")?))).ok())
        })?;
        let all: Vec<(Job, JobState)> = found.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        let begins = |(leg, _): &(Job, JobState)| matches!(&leg.task, Task::Sms(sms) if sms.leg == 0);
        let mut alerts = all.chunk_by(|_, next| !begins(next));
        Ok(alerts.find(|legs| legs.iter().any(|(leg, _)| leg.id == job.id)).map(<[_]>::to_vec).unwrap_or_default())
    }

    /// A job whose outcome is unknown is looked up now.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn look_up_now(self, job: JobId, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE jobs SET due_at = :now WHERE id = :job AND state = 'unknown' AND due_at > :now";
        self.connection
            .prepare_cached(SQL)?
            .execute(named_params! { ":job": job.to_string(), ":now": now.to_string() })?;
        Ok(())
    }
}
