//! Texts that were handed to a network, or may have been.

use rusqlite::named_params;

use super::{StoreError, Tx};
use crate::model::{Job, LeadId, Task, Timestamp};

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

    /// Keeps a text that was handed to a network, or may have been.
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
                ON CONFLICT (job_id) DO UPDATE SET state = :state, reference = :reference, parts = :parts, submitted_at = :now";
        let Task::Sms(sms) = &job.task else { return Ok(()) };
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":job": job.id.to_string(), ":lead": job.lead.to_string(), ":channel": job.channel.as_str(), ":who": sms.who,
            ":number": sms.to.as_str(), ":text": sms.text, ":repeat": sms.repeat, ":state": state, ":reference": reference,
            ":parts": parts, ":now": now.to_string(),
        })?;
        Ok(())
    }
}
