//! Calls that were made, or may have been, for whoever may not make too many of them.

use std::time::Duration;

use rusqlite::named_params;

use super::{StoreError, Tx};
use crate::model::{JobId, RowId, Timestamp};

/// A ring is made at most so long after its job.
const OLDEST_JOB: Duration = Duration::from_hours(24);

impl Tx<'_> {
    /// How many calls were begun since then, without that of `job`. A call that surely never was is not one of them, nor one
    /// of a clock that was ahead.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn rings(self, since: Timestamp, now: Timestamp, job: JobId) -> Result<u32, StoreError> {
        // Ids begin with their time: only the newest rows are looked at.
        const SQL: &str = "
            SELECT count(*) FROM jobs j JOIN attempts a ON a.job_id = j.id
             WHERE j.id > :oldest AND j.kind = 'ring' AND j.id <> :job AND a.started_at > :since AND a.started_at <= :now
               AND (a.outcome IS NULL OR a.outcome IN ('done', 'unknown'))";
        let oldest = JobId::new(since.before(OLDEST_JOB), [0; 10]).to_string();
        let params = named_params! { ":oldest": oldest, ":job": job.to_string(), ":since": since.to_string(),
            ":now": now.to_string(),
        };
        Ok(self.connection.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sms_parts::tests::at;
    use super::super::{Closing, Settlement, Store};
    use crate::model::{
        BootId, Channel, Fault, JobId, JobState, Lane, LeadId, NewJob, Priority, RingTask, RowId, Task, Trace,
    };

    /// A ring that was made at `job_at`, begun at `begun_at` and ended with `outcome`, if it was.
    fn ring(store: &mut Store, job_at: u64, begun_at: u64, outcome: Option<&'static str>) -> JobId {
        let channel = Channel::new(Lane::Sms, "modem0").for_rings();
        let task = Task::Ring(RingTask {
            to: "+15551230001".parse().unwrap(),
            who: "Dana".into(),
            round: 1,
            step: 0,
            words: String::new(),
            lasts_s: 20,
            refused: Vec::new(),
        });
        let lead = LeadId::new(at(0), [1; 10]);
        let (due_at, deadline_at) = (at(begun_at), at(begun_at.saturating_add(90)));
        let new = NewJob { lead, task, channel: channel.clone(), priority: Priority::Urgent, due_at, deadline_at };
        let boot = BootId::new(at(0), [1; 10]);
        store
            .transact(|tx| {
                let id = tx.insert_job(&new, at(job_at))?;
                let claimed = tx.claim(&channel, boot, true, &|_| true, at(begun_at))?.unwrap();
                if let Some(outcome) = outcome {
                    let (state, result) = (JobState::Done, Some("rang 20 s"));
                    let trace = Trace { response: Some("OK".into()), ..Trace::default() };
                    let closing = Closing { outcome, reason: None, trace: &trace };
                    let settlement = Settlement { state, due_at: None, unburnt: false, result };
                    tx.settle(id, claimed.attempt, boot, &closing, settlement, at(begun_at.saturating_add(20)))?;
                }
                Ok(id)
            })
            .unwrap()
    }

    #[test]
    fn only_calls_that_may_have_been_made_count() {
        let mut store = Store::in_memory().unwrap();
        let permanent = Fault::Permanent.name();
        for (job_at, begun_at, outcome) in [
            (0, 90, Some("done")),
            (4_000, 4_090, Some("unknown")),
            (4_010, 4_100, Some(permanent)),
            (4_020, 4_110, Some("absent")),
            (4_030, 4_120, None),
        ] {
            ring(&mut store, job_at, begun_at, outcome);
        }
        let mine = ring(&mut store, 4_040, 4_130, None);
        let calls = |store: &mut Store, since| store.transact(|tx| tx.rings(at(since), at(4_130), mine)).unwrap();
        assert_eq!([0, 90, 4_089, 4_119, 4_120].map(|since| calls(&mut store, since)), [3, 2, 2, 1, 0]);
    }

    #[test]
    fn the_timeline_tells_how_a_ring_went() {
        let mut store = Store::in_memory().unwrap();
        ring(&mut store, 0, 90, Some("done"));
        let mut query = store.connection.prepare("SELECT what || ' (' || detail || ')' FROM v_timeline").unwrap();
        let told: Vec<String> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(told, ["ring started on ring:modem0 ()", "ring on ring:modem0: done (rang 20 s)"]);
    }
}
