//! Jobs outside their daily round: orphans of an earlier start, overdue ones, requeued ones.

use rusqlite::{Row, ToSql, named_params};

use super::jobs::{job_of, payload};
use super::{StoreError, Tx, rows};
use crate::model::{AttemptId, BootId, Channel, Job, JobId, JobState, LeadId, Task, Timestamp};

/// A leased job whose effect is not under way any more: the process died, or was stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// The job.
    pub job: Job,
    /// Its last attempt.
    pub attempt: AttemptId,
    /// That attempt has no end: its effect may have happened. `look_up` is true if it only asked.
    pub open: Option<bool>,
}

impl Tx<'_> {
    /// Open jobs whose deadline has passed and that nobody works on; a few at a time. A timer is never too late: whatever
    /// it is for still has to happen. What can't be read is buried.
    ///
    /// # Errors
    /// When the database can't be read or written.
    pub fn expired(self, now: Timestamp) -> Result<Vec<(Job, JobState, Option<String>)>, StoreError> {
        const SQL: &str = "
            SELECT * FROM jobs WHERE ended_at IS NULL AND state <> 'leased' AND channel <> 'desk' AND deadline_at <= :now LIMIT 64";
        self.readable(SQL, named_params! { ":now": now.to_string() }, now, |row| {
            Ok((job_of(row)?, rows::job_state(row, "state")?, row.get("result")?))
        })
    }

    /// Jobs whose lease is from an earlier start: the process died under them. What can't be read is buried.
    ///
    /// # Errors
    /// When the database can't be read or written.
    pub fn orphans(self, boot: BootId, now: Timestamp) -> Result<Vec<Orphan>, StoreError> {
        self.leased(boot, false, now)
    }

    /// Jobs that this start has leased and not settled. What can't be read is buried.
    ///
    /// # Errors
    /// When the database can't be read or written.
    pub fn leased_by(self, boot: BootId, now: Timestamp) -> Result<Vec<Orphan>, StoreError> {
        self.leased(boot, true, now)
    }

    /// Leased jobs with what is open of them: those of the start `boot`, or those of all others.
    fn leased(self, boot: BootId, ours: bool, now: Timestamp) -> Result<Vec<Orphan>, StoreError> {
        const SQL: &str = "
            SELECT j.*, a.mode = 'look_up' AS asked FROM jobs j
              LEFT JOIN attempts a ON a.job_id = j.id AND a.attempt_id = j.attempt_id AND a.ended_at IS NULL
             WHERE j.ended_at IS NULL AND j.state = 'leased' AND (j.boot_id = :boot) = :ours";
        self.readable(SQL, named_params! { ":boot": boot.to_string(), ":ours": ours }, now, |row| {
            Ok(Orphan { job: job_of(row)?, attempt: AttemptId(row.get("attempt_id")?), open: row.get("asked")? })
        })
    }

    /// The jobs of a query that this version can read; the others become dead letters.
    fn readable<T>(
        self,
        sql: &str,
        params: &[(&str, &dyn ToSql)],
        now: Timestamp,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut query = self.connection.prepare_cached(sql)?;
        let found = query.query_map(params, |row| Ok((row.get::<_, String>("id")?, read(row))))?;
        let found: Vec<(String, Result<T, StoreError>)> = found.collect::<Result<_, _>>()?;
        let mut good = Vec::with_capacity(found.len());
        for (id, row) in found {
            match row {
                Ok(row) => good.push(row),
                Err(StoreError::Alien { value, .. }) => self.bury_unreadable(&id, &value, now)?,
                Err(error) => return Err(error),
            }
        }
        Ok(good)
    }

    /// Gives an orphan back to the outbox.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn adopt(
        self,
        id: JobId,
        state: JobState,
        due_at: Timestamp,
        crashes: u32,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            UPDATE jobs SET state = :state, due_at = :due_at, crashes = :crashes, boot_id = NULL, ended_at = :ended_at WHERE id = :id";
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":id": id.to_string(), ":state": state.name(), ":due_at": due_at.to_string(), ":crashes": crashes,
            ":ended_at": (!state.is_open()).then(|| now.to_string()),
        })?;
        Ok(())
    }

    /// Opens a dead or cancelled job again as a new generation: counters and deadline start over, history stays.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn requeue(
        self,
        id: JobId,
        task: &Task,
        channel: &Channel,
        deadline_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        const SQL: &str = "
            UPDATE jobs SET state = 'ready', due_at = :now, deadline_at = :deadline_at, tries = 0, crashes = 0, payload = :payload, channel = :channel,
                            generation = 1 + (SELECT max(s.generation) FROM jobs s WHERE s.lead_id = jobs.lead_id AND s.kind = jobs.kind),
                            result = NULL, ended_at = NULL
             WHERE id = :id AND state IN ('dead', 'cancelled')";
        let changed = self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":id": id.to_string(), ":payload": payload(task), ":channel": channel.as_str(), ":deadline_at": deadline_at.to_string(), ":now": now.to_string(),
        })?;
        Ok(changed > 0)
    }

    /// What a job does next is not quite what it did before.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn rewrite(self, id: JobId, task: &Task) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE jobs SET payload = :payload WHERE id = :id";
        self.connection
            .prepare_cached(SQL)?
            .execute(named_params! { ":id": id.to_string(), ":payload": payload(task) })?;
        Ok(())
    }

    /// Moves the jobs that wait on one channel to another: the first is not configured any more.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn rehome(self, from: &str, to: &Channel) -> Result<usize, StoreError> {
        const SQL: &str =
            "UPDATE jobs SET channel = :to WHERE channel = :from AND ended_at IS NULL AND state = 'ready'";
        Ok(self.connection.prepare_cached(SQL)?.execute(named_params! { ":from": from, ":to": to.as_str() })?)
    }

    /// Cancels the jobs that wait on a channel which is not configured any more, and that nobody misses.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn cancel_channel(self, gone: &Channel, why: &str, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "
            UPDATE jobs SET state = 'cancelled', result = :why, ended_at = :now
             WHERE channel = :gone AND ended_at IS NULL AND state IN ('ready', 'unknown') RETURNING lead_id";
        let params = named_params! { ":gone": gone.as_str(), ":why": why, ":now": now.to_string() };
        let mut query = self.connection.prepare_cached(SQL)?;
        let leads = query.query_and_then(params, |row| rows::parsed(row, "lead_id"))?;
        for lead in leads.collect::<Result<Vec<LeadId>, _>>()? {
            self.settle_lead(lead, now)?;
        }
        Ok(())
    }

    /// The channels that have open jobs.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn open_channels(self) -> Result<Vec<String>, StoreError> {
        const SQL: &str =
            "SELECT DISTINCT channel FROM jobs WHERE ended_at IS NULL AND state <> 'leased' ORDER BY channel";
        self.connection.prepare_cached(SQL)?.query_and_then([], |row| Ok(row.get(0)?))?.collect()
    }
}
