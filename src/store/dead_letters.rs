//! What can't succeed by itself: why, and what a person can do about it. Nothing is ever deleted.

use rusqlite::{OptionalExtension, Row, named_params};

use super::{StoreError, Tx, rows};
use crate::model::{InboxId, JobId, LeadId, Stage, Timestamp};

/// A dead letter to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDeadLetter<'a> {
    /// Where in the flow it died.
    pub stage: Stage,
    /// The fault's name.
    pub class: &'a str,
    /// Why, in words.
    pub reason: &'a str,
    /// What a person can do.
    pub what_to_do: &'a str,
    /// The job that died.
    pub job: Option<JobId>,
    /// The webhook that died at the gate.
    pub inbox: Option<InboxId>,
    /// The lead it concerns.
    pub lead: Option<LeadId>,
    /// What it was to do.
    pub payload: &'a str,
}

/// One dead letter.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DeadLetter {
    /// Its number for the CLI.
    pub id: i64,
    /// When it died.
    pub at: Timestamp,
    /// Where in the flow.
    pub stage: String,
    /// The fault's name.
    pub class: String,
    /// Why.
    pub reason: String,
    /// What to do.
    pub what_to_do: String,
    /// The job.
    pub job_id: Option<JobId>,
    /// The webhook.
    pub inbox_id: Option<InboxId>,
    /// The lead.
    pub lead_id: Option<LeadId>,
    /// What it was to do.
    pub payload: String,
    /// How it was closed, if it was.
    pub closed_as: Option<String>,
}

/// Which dead letters a command means.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DeadLetterFilter {
    /// Only this one.
    pub id: Option<i64>,
    /// Only of this stage.
    pub stage: Option<String>,
    /// Only of this class.
    pub class: Option<String>,
    /// Only of this lead.
    pub lead: Option<LeadId>,
}

/// Open dead letters of a filter, oldest first.
pub(super) const OPEN: &str = "
    SELECT * FROM dead_letters
     WHERE closed_at IS NULL AND (:id IS NULL OR id = :id) AND (:stage IS NULL OR stage = :stage)
       AND (:class IS NULL OR class = :class) AND (:lead IS NULL OR lead_id = :lead)
     ORDER BY id";

pub(super) fn letter_of(row: &Row<'_>) -> Result<DeadLetter, StoreError> {
    Ok(DeadLetter {
        id: row.get("id")?,
        at: rows::parsed(row, "at")?,
        stage: row.get("stage")?,
        class: row.get("class")?,
        reason: row.get("reason")?,
        what_to_do: row.get("what_to_do")?,
        job_id: rows::maybe(row, "job_id")?,
        inbox_id: rows::maybe(row, "inbox_id")?,
        lead_id: rows::maybe(row, "lead_id")?,
        payload: row.get("payload")?,
        closed_as: row.get("closed_as")?,
    })
}

impl Tx<'_> {
    /// Writes a dead letter.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn add_dead_letter(self, new: &NewDeadLetter<'_>, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT INTO dead_letters (at, stage, class, reason, what_to_do, job_id, inbox_id, lead_id, payload)
            VALUES (:now, :stage, :class, :reason, :what_to_do, :job, :inbox, :lead, :payload)";
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":now": now.to_string(), ":stage": new.stage.name(), ":class": new.class, ":reason": new.reason,
            ":what_to_do": new.what_to_do, ":job": new.job.map(|id| id.to_string()),
            ":inbox": new.inbox.map(|id| id.to_string()), ":lead": new.lead.map(|id| id.to_string()),
            ":payload": new.payload,
        })?;
        tracing::error!(
            stage = new.stage.name(),
            class = new.class,
            what_to_do = new.what_to_do,
            lead_id = new.lead.map(tracing::field::display),
            job_id = new.job.map(tracing::field::display),
            "dead letter: {}",
            new.reason
        );
        Ok(())
    }

    /// The open dead letters that a filter means.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn dead_letters(self, filter: &DeadLetterFilter) -> Result<Vec<DeadLetter>, StoreError> {
        let mut query = self.connection.prepare_cached(OPEN)?;
        let found = query.query_and_then(
            named_params! {
                ":id": filter.id, ":stage": filter.stage, ":class": filter.class,
                ":lead": filter.lead.map(|id| id.to_string()),
            },
            letter_of,
        )?;
        found.collect()
    }

    /// Closes a dead letter as `requeued` or `discarded`. `false`: it was closed before.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn close_dead_letter(self, id: i64, closed_as: &str, now: Timestamp) -> Result<bool, StoreError> {
        const SQL: &str =
            "UPDATE dead_letters SET closed_at = :now, closed_as = :as WHERE id = :id AND closed_at IS NULL";
        let changed = self
            .connection
            .prepare_cached(SQL)?
            .execute(named_params! { ":id": id, ":as": closed_as, ":now": now.to_string() })?;
        Ok(changed > 0)
    }

    /// The open dead letter of a job, if it has one.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn dead_letter_of(self, job: JobId) -> Result<Option<i64>, StoreError> {
        const SQL: &str = "SELECT id FROM dead_letters WHERE job_id = :job AND closed_at IS NULL";
        let mut query = self.connection.prepare_cached(SQL)?;
        Ok(query.query_row(named_params! { ":job": job.to_string() }, |row| row.get(0)).optional()?)
    }
}
