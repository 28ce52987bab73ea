//! Calls that were made, or may have been, for whoever may not make too many of them.

use std::time::Duration;

use rusqlite::named_params;

use super::{StoreError, Tx};
use crate::model::{JobId, RowId, Timestamp};

/// A ring is made at most so long after its job.
const OLDEST_JOB: Duration = Duration::from_hours(24);

impl Tx<'_> {
    /// How many calls were begun since then, without that of `job`. A call that surely never was is not one of them.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn rings_since(self, since: Timestamp, job: JobId) -> Result<u32, StoreError> {
        // Ids begin with their time: only the newest rows are looked at.
        const SQL: &str = "
            SELECT count(*) FROM jobs j JOIN attempts a ON a.job_id = j.id
             WHERE j.id > :oldest AND j.kind = 'ring' AND j.id <> :job AND a.started_at > :since
               AND (a.outcome IS NULL OR a.outcome IN ('done', 'unknown'))";
        let oldest = JobId::new(since.before(OLDEST_JOB), [0; 10]).to_string();
        let params = named_params! { ":oldest": oldest, ":job": job.to_string(), ":since": since.to_string() };
        Ok(self.connection.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
    }
}
