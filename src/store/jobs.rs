//! The outbox's rows: jobs and their attempts. Claims, conditional settling, recovery; no decision about what follows.

use rusqlite::{OptionalExtension, Row, named_params};

use super::{NewDeadLetter, StoreError, Tx, rows};
use crate::model::{
    Action, AttemptId, BootId, Channel, Job, JobId, JobState, LeadId, NewJob, Priority, RowId, Stage, Task, Timestamp,
    Trace,
};

/// The oldest due job of one channel and priority. Jobs that were open when the process died wait for `:suspects`,
/// unless they only have to ask what became of them.
pub(super) const DUE: &str = "
    SELECT id, state FROM jobs
     WHERE channel = :channel AND priority = :priority AND ended_at IS NULL AND state IN ('ready', 'unknown') AND due_at <= :now
       AND (:suspects OR crashes = 0 OR state = 'unknown')
     ORDER BY due_at LIMIT 1";

/// Takes the lease. The attempt row follows in the same transaction, before the effect.
const LEASE: &str = "
    UPDATE jobs SET state = 'leased', tries = tries + 1, attempt_id = attempt_id + 1, boot_id = :boot
     WHERE id = :id RETURNING *";

/// Ends a lease. No row changed means that somebody else owns the job now.
const SETTLE: &str = "
    UPDATE jobs SET state = :state, due_at = coalesce(:due_at, due_at), tries = tries - :unburnt, boot_id = NULL,
                    result = :result, ended_at = :ended_at
     WHERE id = :id AND state = 'leased' AND attempt_id = :attempt AND boot_id = :boot";

/// The same without its condition: what a test build does to show that the condition is needed.
const SETTLE_UNCONDITIONALLY: &str = "
    UPDATE jobs SET state = :state, due_at = coalesce(:due_at, due_at), tries = tries - :unburnt, boot_id = NULL,
                    result = :result, ended_at = :ended_at
     WHERE id = :id AND :attempt = :attempt AND :boot = :boot";

/// A job with its lease taken and its attempt row written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The job.
    pub job: Job,
    /// This try.
    pub attempt: AttemptId,
    /// `Some`: look up whether the try that started then worked.
    pub look_up_since: Option<Timestamp>,
}

/// How an attempt ends, in the words of its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing<'a> {
    /// `done`, `absent`, `unsure` or a fault's name.
    pub outcome: &'static str,
    /// In words.
    pub reason: Option<&'a str>,
    /// What was said.
    pub trace: &'a Trace,
}

/// How a job goes on after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement<'a> {
    /// Its state from now on.
    pub state: JobState,
    /// When it is due again, if it is.
    pub due_at: Option<Timestamp>,
    /// The try did not count (the peer asked us to wait).
    pub unburnt: bool,
    /// A reference, or the failure in words.
    pub result: Option<&'a str>,
}

pub(super) fn job_of(row: &Row<'_>) -> Result<Job, StoreError> {
    let payload: String = row.get("payload")?;
    let rank: i64 = row.get("priority")?;
    Ok(Job {
        id: rows::parsed(row, "id")?,
        lead: rows::parsed(row, "lead_id")?,
        task: serde_json::from_str(&payload).map_err(|_| StoreError::Alien { column: "payload", value: payload })?,
        channel: Channel::stored(row.get("channel")?),
        priority: Priority::ALL.into_iter().find(|p| p.rank() == rank).unwrap_or(Priority::Normal),
        due_at: rows::parsed(row, "due_at")?,
        deadline_at: rows::parsed(row, "deadline_at")?,
        tries: row.get("tries")?,
        generation: row.get("generation")?,
        crashes: row.get("crashes")?,
        created_at: rows::parsed(row, "created_at")?,
    })
}

impl Tx<'_> {
    /// Inserts a job. A further job of a kind that the lead had before gets the next generation, so that keys differ.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn insert_job(self, new: &NewJob, now: Timestamp) -> Result<JobId, StoreError> {
        const SQL: &str = "
            INSERT INTO jobs (id, lead_id, kind, channel, priority, state, due_at, deadline_at, generation, payload, created_at)
            VALUES (:id, :lead_id, :kind, :channel, :priority, 'ready', :due_at, :deadline_at,
                    1 + (SELECT coalesce(max(generation), 0) FROM jobs WHERE lead_id = :lead_id AND kind = :kind), :payload, :now)";
        let id = JobId::fresh(now);
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":id": id.to_string(), ":lead_id": new.lead.to_string(), ":kind": new.task.kind(),
            ":channel": new.channel.as_str(), ":priority": new.priority.rank(), ":due_at": new.due_at.to_string(),
            ":deadline_at": new.deadline_at.to_string(), ":payload": payload(&new.task), ":now": now.to_string(),
        })?;
        Ok(id)
    }

    /// Claims the most urgent due job of a channel whose priority is allowed: lease and attempt row, both before the effect. A row that this
    /// version can't read becomes a dead letter and the next one is taken.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn claim(
        self,
        channel: &Channel,
        boot: BootId,
        suspects: bool,
        allowed: &dyn Fn(Priority) -> bool,
        now: Timestamp,
    ) -> Result<Option<Claimed>, StoreError> {
        for priority in Priority::ALL.into_iter().filter(|priority| allowed(*priority)) {
            while let Some((id, state)) = self.due(channel, priority, suspects, now)? {
                match self.lease(&id, &state, boot, now) {
                    Err(StoreError::Alien { value, .. }) => self.bury_unreadable(&id, &value, now)?,
                    claimed => return claimed.map(Some),
                }
            }
        }
        Ok(None)
    }

    fn due(
        self,
        channel: &Channel,
        priority: Priority,
        suspects: bool,
        now: Timestamp,
    ) -> Result<Option<(String, String)>, StoreError> {
        let mut query = self.connection.prepare_cached(DUE)?;
        let found = query.query_row(
            named_params! {
                ":channel": channel.as_str(), ":priority": priority.rank(), ":now": now.to_string(), ":suspects": suspects,
            },
            |row| Ok((row.get(0)?, row.get(1)?)),
        );
        Ok(found.optional()?)
    }

    fn lease(self, id: &str, state: &str, boot: BootId, now: Timestamp) -> Result<Claimed, StoreError> {
        let mut query = self.connection.prepare_cached(LEASE)?;
        let (job, attempt) = query.query_row(named_params! { ":id": id, ":boot": boot.to_string() }, |row| {
            Ok(job_of(row).and_then(|job| Ok((job, AttemptId(row.get("attempt_id")?)))))
        })??;
        let look_up_since = if state == JobState::Unknown.name() { Some(self.unknown_since(&job)?) } else { None };
        if !crate::failpoint::removed("attempt-before-effect") {
            self.open_attempt(job.id, attempt, boot, look_up_since.is_some(), now)?;
        }
        Ok(Claimed { job, attempt, look_up_since })
    }

    /// Writes the row of an attempt that is about to start.
    fn open_attempt(
        self,
        job: JobId,
        attempt: AttemptId,
        boot: BootId,
        look_up: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT INTO attempts (job_id, attempt_id, boot_id, mode, started_at) VALUES (:job, :attempt, :boot, :mode, :now)
                ON CONFLICT DO NOTHING";
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":job": job.to_string(), ":attempt": attempt.0, ":boot": boot.to_string(),
            ":mode": if look_up { "look_up" } else { "run" }, ":now": now.to_string(),
        })?;
        Ok(())
    }

    /// When the effect that may have happened was started.
    fn unknown_since(self, job: &Job) -> Result<Timestamp, StoreError> {
        const SQL: &str = "
            SELECT started_at FROM attempts WHERE job_id = :job AND mode = 'run' AND outcome = 'unknown'
             ORDER BY attempt_id DESC LIMIT 1";
        let mut query = self.connection.prepare_cached(SQL)?;
        let found =
            query.query_row(named_params! { ":job": job.id.to_string() }, |row| Ok(rows::parsed(row, "started_at")));
        Ok(found.optional()?.transpose()?.unwrap_or(job.created_at))
    }

    /// Ends a job that this version can't read, or whose lead it can't: one dead letter, and the desk goes on.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn bury_unreadable(self, id: &str, what: &str, now: Timestamp) -> Result<(), StoreError> {
        const JOB: &str = "
            UPDATE jobs SET state = 'dead', boot_id = NULL, ended_at = :now, result = 'unreadable' WHERE id = :id RETURNING lead_id";
        const ATTEMPTS: &str = "
            UPDATE attempts SET ended_at = :now, outcome = 'permanent', reason = 'unreadable' WHERE job_id = :id AND ended_at IS NULL";
        let params = named_params! { ":id": id, ":now": now.to_string() };
        let lead: String = self.connection.prepare_cached(JOB)?.query_row(params, |row| row.get(0))?;
        self.connection.prepare_cached(ATTEMPTS)?.execute(params)?;
        let letter = NewDeadLetter {
            stage: Stage::Desk,
            class: "permanent",
            reason: "this version of nightdesk can't read the job or its lead",
            what_to_do: "install the version that wrote it, or discard it",
            job: id.parse().ok(),
            inbox: None,
            lead: lead.parse().ok(),
            payload: what,
        };
        self.add_dead_letter(&letter, now)
    }

    /// Ends an attempt and says how its job goes on. `false`: the lease is no longer this attempt's; nothing changed.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn settle(
        self,
        job: JobId,
        attempt: AttemptId,
        boot: BootId,
        closing: &Closing<'_>,
        settlement: Settlement<'_>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = if crate::failpoint::removed("conditional-settle") { SETTLE_UNCONDITIONALLY } else { SETTLE };
        let changed = self.connection.prepare_cached(sql)?.execute(named_params! {
            ":id": job.to_string(), ":attempt": attempt.0, ":boot": boot.to_string(), ":state": settlement.state.name(),
            ":due_at": rows::text(settlement.due_at), ":unburnt": i64::from(settlement.unburnt),
            ":result": settlement.result, ":ended_at": (!settlement.state.is_open()).then(|| now.to_string()),
        })?;
        if changed == 0 {
            return Ok(false);
        }
        if crate::failpoint::removed("attempt-before-effect") {
            self.open_attempt(job, attempt, boot, false, now)?;
        }
        self.end_attempt(job, attempt, closing, now)?;
        Ok(true)
    }

    /// Ends the row of an attempt, once.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn end_attempt(
        self,
        job: JobId,
        attempt: AttemptId,
        closing: &Closing<'_>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            UPDATE attempts SET ended_at = :now, outcome = :outcome, reason = :reason, request = :request, response = :response,
                                status = :status, vendor_id = :vendor_id, latency_ms = :latency_ms
             WHERE job_id = :job AND attempt_id = :attempt AND ended_at IS NULL";
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":job": job.to_string(), ":attempt": attempt.0, ":now": now.to_string(), ":outcome": closing.outcome,
            ":reason": closing.reason, ":request": closing.trace.request, ":response": closing.trace.response,
            ":status": closing.trace.status, ":vendor_id": closing.trace.vendor_id,
            ":latency_ms": i64::try_from(closing.trace.latency.as_millis()).unwrap_or(i64::MAX),
        })?;
        Ok(())
    }

    /// The job, with its state and last attempt.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn job(self, id: JobId) -> Result<Option<(Job, JobState, AttemptId)>, StoreError> {
        let mut query = self.connection.prepare_cached("SELECT * FROM jobs WHERE id = :id")?;
        let found = query.query_row(named_params! { ":id": id.to_string() }, |row| {
            Ok(job_of(row).and_then(|job| Ok((job, rows::job_state(row, "state")?, AttemptId(row.get("attempt_id")?)))))
        });
        found.optional()?.transpose()
    }

    /// Ends a job that nobody works on. `false`: it is leased or has ended.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn end_idle_job(self, id: JobId, state: JobState, result: &str, now: Timestamp) -> Result<bool, StoreError> {
        const SQL: &str = "
            UPDATE jobs SET state = :state, result = :result, ended_at = :now
             WHERE id = :id AND state IN ('ready', 'unknown')";
        let changed = self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":id": id.to_string(), ":state": state.name(), ":result": result, ":now": now.to_string(),
        })?;
        Ok(changed > 0)
    }

    /// Cancels the lead's waiting jobs of one kind; with `guarded`, only the timer that guards that job.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn cancel_waiting(
        self,
        lead: LeadId,
        kind: &str,
        guarded: Option<JobId>,
        why: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            UPDATE jobs SET state = 'cancelled', result = :why, ended_at = :now
             WHERE lead_id = :lead AND kind = :kind AND state IN ('ready', 'unknown')
               AND (:guarded IS NULL OR coalesce(json_extract(payload, '$.job'), json_extract(payload, '$.text.job')) = :guarded)";
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":lead": lead.to_string(), ":kind": kind, ":guarded": guarded.map(|id| id.to_string()), ":why": why,
            ":now": now.to_string(),
        })?;
        Ok(())
    }

    /// Cancels the lead's jobs of one kind that surely did nothing so far; what may have happened is looked up first.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn cancel_undone(self, lead: LeadId, kind: &str, why: &str, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "
            UPDATE jobs SET state = 'cancelled', result = :why, ended_at = :now
             WHERE lead_id = :lead AND kind = :kind AND state = 'ready'";
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":lead": lead.to_string(), ":kind": kind, ":why": why, ":now": now.to_string(),
        })?;
        Ok(())
    }

    /// Makes the lead's waiting jobs of one kind due now.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn hasten(self, lead: LeadId, kind: &str, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "
            UPDATE jobs SET due_at = :now WHERE lead_id = :lead AND kind = :kind AND state = 'ready' AND tries = 0 AND due_at > :now";
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":lead": lead.to_string(), ":kind": kind, ":now": now.to_string(),
        })?;
        Ok(())
    }

    /// Leads that wait for an hour in which people are called are looked at now.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn hasten_deferred(self, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "
            UPDATE jobs SET due_at = :now
             WHERE state IN ('ready', 'unknown') AND state = 'ready' AND kind = 'escalate' AND due_at > :now AND json_extract(payload, '$.round') = 0";
        self.connection.prepare_cached(SQL)?.execute(named_params! { ":now": now.to_string() })?;
        Ok(())
    }

    /// The lead's text brought the program down: its waiting jobs of one kind run alone and with care.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn beware(self, lead: LeadId, kind: &str) -> Result<(), StoreError> {
        const SQL: &str = "
            UPDATE jobs SET crashes = max(crashes, 1) WHERE lead_id = :lead AND kind = :kind AND state IN ('ready', 'unknown')";
        self.connection.prepare_cached(SQL)?.execute(named_params! { ":lead": lead.to_string(), ":kind": kind })?;
        Ok(())
    }

    /// The action jobs of a lead, oldest first. What this version can't read is left out: it has a dead letter of its own.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn actions(self, lead: LeadId) -> Result<Vec<Action>, StoreError> {
        const SQL: &str = "
            SELECT payload, channel, state, ended_at, result, attempt_id,
                   (SELECT delivered_at FROM sms_messages s WHERE s.job_id = j.id) AS delivered_at
              FROM jobs j
             WHERE lead_id = :lead AND kind IN ('sms', 'ring', 'mail', 'ticket', 'crm_update', 'crm_note', 'crm_task')
             ORDER BY id";
        let mut query = self.connection.prepare_cached(SQL)?;
        let found = query.query_and_then(named_params! { ":lead": lead.to_string() }, |row| {
            let payload: String = row.get("payload")?;
            let Ok(task) = serde_json::from_str(&payload) else { return Ok(None) };
            Ok(Some(Action {
                task,
                channel: Channel::stored(row.get("channel")?),
                state: rows::job_state(row, "state")?,
                ended_at: rows::maybe(row, "ended_at")?,
                delivered_at: rows::maybe(row, "delivered_at")?,
                reason: row.get("result")?,
                attempt: AttemptId(row.get("attempt_id")?),
            }))
        })?;
        found.filter_map(Result::transpose).collect()
    }

    /// Whether the lead has an open job of this kind.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn has_open(self, lead: LeadId, kind: &str) -> Result<bool, StoreError> {
        const SQL: &str = "
            SELECT EXISTS (SELECT 1 FROM jobs WHERE lead_id = :lead AND kind = :kind AND state IN ('ready', 'leased', 'unknown'))";
        let mut query = self.connection.prepare_cached(SQL)?;
        Ok(query.query_row(named_params! { ":lead": lead.to_string(), ":kind": kind }, |row| row.get(0))?)
    }

    /// Whether a job of this kind waits for the lead: begun, its words may be made already. A note that tells only news is
    /// no such note.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn has_waiting(self, lead: LeadId, kind: &str) -> Result<bool, StoreError> {
        const SQL: &str = "SELECT EXISTS (SELECT 1 FROM jobs WHERE lead_id = :lead AND kind = :kind AND state = 'ready' AND json_extract(payload, '$.news') IS NULL)";
        let mut query = self.connection.prepare_cached(SQL)?;
        Ok(query.query_row(named_params! { ":lead": lead.to_string(), ":kind": kind }, |row| row.get(0))?)
    }

    /// What the lead's later jobs of the same kind do. What this version can't read is left out.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn newer(self, job: &Job) -> Result<Vec<Task>, StoreError> {
        const SQL: &str =
            "SELECT payload FROM jobs WHERE lead_id = :lead AND kind = :kind AND generation > :generation";
        let mut query = self.connection.prepare_cached(SQL)?;
        let params = named_params! {
            ":lead": job.lead.to_string(), ":kind": job.task.kind(), ":generation": job.generation,
        };
        let found = query.query_and_then(params, |row| {
            let payload: String = row.get("payload")?;
            Ok(serde_json::from_str(&payload).ok())
        })?;
        found.filter_map(Result::transpose).collect()
    }

    /// When the next job of a channel is due, and its priority may be claimed; `None` when it has no open job that waits.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn next_due(
        self,
        channel: &Channel,
        opens: &dyn Fn(Priority) -> Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        // One look at the index for each priority; this is asked for each channel after each commit.
        const SQL: &str = "
            SELECT (SELECT min(due_at) FROM jobs WHERE channel = :channel AND priority = :urgent AND ended_at IS NULL AND state <> 'leased') AS urgent,
                   (SELECT min(due_at) FROM jobs WHERE channel = :channel AND priority = :normal AND ended_at IS NULL AND state <> 'leased') AS normal,
                   (SELECT min(due_at) FROM jobs WHERE channel = :channel AND priority = :low AND ended_at IS NULL AND state <> 'leased') AS low";
        let mut query = self.connection.prepare_cached(SQL)?;
        let params = named_params! {
            ":channel": channel.as_str(), ":urgent": Priority::Urgent.rank(), ":normal": Priority::Normal.rank(),
            ":low": Priority::Low.rank(),
        };
        let due = query.query_row(params, |row| {
            let due = |priority, column| Ok::<_, StoreError>((priority, rows::maybe::<Timestamp>(row, column)?));
            Ok([due(Priority::Urgent, "urgent"), due(Priority::Normal, "normal"), due(Priority::Low, "low")])
        })?;
        let mut soonest: Option<Timestamp> = None;
        for found in due {
            let (priority, Some(due)) = found? else { continue };
            let due = due.max(opens(priority));
            soonest = Some(soonest.map_or(due, |other| other.min(due)));
        }
        Ok(soonest)
    }
}

/// The payload as it is stored.
pub(super) fn payload(task: &Task) -> String {
    serde_json::to_string(task).unwrap_or_else(|_| "{}".to_owned())
}

#[cfg(test)]
mod tests {
    use rusqlite::named_params;

    use super::DUE;
    use crate::store::Store;

    #[test]
    fn the_claim_uses_its_index() {
        let store = Store::in_memory().unwrap();
        let mut plan = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {DUE}")).unwrap();
        let params = named_params! { ":channel": "desk", ":priority": 0, ":now": "2026", ":suspects": true };
        let steps: Vec<String> = plan.query_map(params, |row| row.get(3)).unwrap().map(Result::unwrap).collect();
        assert_eq!(steps, ["SEARCH jobs USING INDEX jobs_open (channel=? AND priority=? AND due_at<?)"]);
    }
}
