//! Questions to language models that wait, where they wait, and what questions may cost and did cost.
//!
//! What an open question may cost stands in its attempt's row from the transaction that claims it, so that a sum over the
//! rows never says less than was spent, whatever dies when.

use rusqlite::{OptionalExtension, named_params};

use super::jobs::job_of;
use super::{Reader, StoreError, Tx, rows};
use crate::model::{AttemptId, Channel, Job, JobId, LeadId, Priority, Timestamp};

impl Tx<'_> {
    /// Jobs of a channel that are due since `since` and that nobody works on, oldest first, at most so many; with each,
    /// whether a try of it was begun. What this version can't read is left out: its claim buries it.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn waiting_on(self, channel: &Channel, since: Timestamp, most: usize) -> Result<Vec<(Job, bool)>, StoreError> {
        const SQL: &str = "
            SELECT * FROM jobs
             WHERE channel = :channel AND priority = :priority AND ended_at IS NULL AND state = 'ready' AND due_at <= :since
             ORDER BY due_at LIMIT :most";
        let mut query = self.connection.prepare_cached(SQL)?;
        let mut found = Vec::new();
        for priority in Priority::ALL {
            let left = i64::try_from(most.saturating_sub(found.len())).unwrap_or(0);
            let params = named_params! {
                ":channel": channel.as_str(), ":priority": priority.rank(), ":since": since.to_string(), ":most": left,
            };
            let jobs = query.query_and_then(params, |row| {
                Ok::<_, StoreError>((job_of(row).ok(), row.get::<_, i64>("attempt_id")? > 0))
            })?;
            for job in jobs {
                let (job, is_begun) = job?;
                found.extend(job.map(|job| (job, is_begun)));
            }
        }
        Ok(found)
    }

    /// When the first of a channel's jobs that are due after `after` is due.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn due_after(self, channel: &Channel, after: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        const SQL: &str = "
            SELECT min(due_at) AS due FROM jobs
             WHERE channel = :channel AND priority = :priority AND ended_at IS NULL AND state IN ('ready', 'unknown') AND due_at > :after";
        let mut query = self.connection.prepare_cached(SQL)?;
        let mut soonest: Option<Timestamp> = None;
        for priority in Priority::ALL {
            let params = named_params! {
                ":channel": channel.as_str(), ":priority": priority.rank(), ":after": after.to_string(),
            };
            let due: Option<Timestamp> = query.query_row(params, |row| Ok(rows::maybe(row, "due")))??;
            soonest = soonest.into_iter().chain(due).min();
        }
        Ok(soonest)
    }

    /// When the lead's waiting job of one kind is due.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn due_of(self, lead: LeadId, kind: &str) -> Result<Option<Timestamp>, StoreError> {
        const SQL: &str =
            "SELECT min(due_at) AS due FROM jobs WHERE lead_id = :lead AND kind = :kind AND state = 'ready'";
        let mut query = self.connection.prepare_cached(SQL)?;
        query
            .query_row(named_params! { ":lead": lead.to_string(), ":kind": kind }, |row| Ok(rows::maybe(row, "due")))?
    }

    /// Puts a job of which no try was begun on another channel.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn move_job(self, id: JobId, to: &Channel) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE jobs SET channel = :to WHERE id = :id AND state = 'ready' AND attempt_id = 0";
        self.connection.prepare_cached(SQL)?.execute(named_params! { ":id": id.to_string(), ":to": to.as_str() })?;
        Ok(())
    }

    /// Makes the waiting jobs of one kind due now, of every lead that has a job due on this channel. Returns how many.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn hasten_waiting_on(self, channel: &Channel, kind: &str, now: Timestamp) -> Result<usize, StoreError> {
        const SQL: &str = "
            UPDATE jobs SET due_at = :now
             WHERE kind = :kind AND state = 'ready' AND tries = 0 AND due_at > :now
               AND lead_id IN (SELECT w.lead_id FROM jobs w
                                WHERE w.channel = :channel AND w.ended_at IS NULL AND w.state IN ('ready', 'unknown') AND w.due_at <= :now)";
        Ok(self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":channel": channel.as_str(), ":kind": kind, ":now": now.to_string(),
        })?)
    }

    /// Keeps the most that an attempt may cost.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn reserve_cost(self, job: JobId, attempt: AttemptId, micros: u64) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE attempts SET cost_micros = :micros WHERE job_id = :job AND attempt_id = :attempt";
        self.set_cost(SQL, job, attempt, micros)
    }

    /// Keeps what an open attempt did cost, in place of the most that it may.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn settle_cost(self, job: JobId, attempt: AttemptId, micros: u64) -> Result<(), StoreError> {
        const SQL: &str = "
            UPDATE attempts SET cost_micros = :micros
             WHERE job_id = :job AND attempt_id = :attempt AND ended_at IS NULL AND cost_micros IS NOT NULL";
        self.set_cost(SQL, job, attempt, micros)
    }

    fn set_cost(self, sql: &str, job: JobId, attempt: AttemptId, micros: u64) -> Result<(), StoreError> {
        self.connection.prepare_cached(sql)?.execute(named_params! {
            ":job": job.to_string(), ":attempt": attempt.0, ":micros": i64::try_from(micros).unwrap_or(i64::MAX),
        })?;
        Ok(())
    }

    /// What attempts since `from` did cost, or may, in millionths.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn spent_since(self, from: Timestamp) -> Result<u64, StoreError> {
        const SQL: &str = "SELECT sum(cost_micros) FROM attempts WHERE started_at >= :from AND cost_micros IS NOT NULL";
        let mut query = self.connection.prepare_cached(SQL)?;
        let sum: Option<Option<i64>> =
            query.query_row(named_params! { ":from": from.to_string() }, |row| row.get(0)).optional()?;
        Ok(sum.flatten().map_or(0, |sum| u64::try_from(sum).unwrap_or(0)))
    }
}

impl Reader {
    /// Looks at what only the desk's own reading tells.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn look<T>(&self, look: impl FnOnce(Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        look(self.tx())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::named_params;

    use crate::store::Store;

    /// The sum is asked for before each question to a model that has a price.
    #[test]
    fn the_sum_uses_its_index() {
        let store = Store::in_memory().unwrap();
        let sql = "EXPLAIN QUERY PLAN SELECT sum(cost_micros) FROM attempts WHERE started_at >= :from AND cost_micros IS NOT NULL";
        let mut plan = store.connection.prepare(sql).unwrap();
        let params = named_params! { ":from": "2026" };
        let steps: Vec<String> = plan.query_map(params, |row| row.get(3)).unwrap().map(Result::unwrap).collect();
        assert_eq!(steps, ["SEARCH attempts USING COVERING INDEX attempts_cost (started_at>?)"]);
    }
}
