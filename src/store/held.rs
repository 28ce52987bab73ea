//! What a wrong clock leaves behind: webhooks that are held, and timers that were set by it.
//!
//! A Raspberry Pi has no clock battery. When its clock steps, every time that was written by the old one is moved by the
//! same step, in one transaction, so that a timer of a minute stays one and a held webhook can be judged.

use std::time::Duration;

use rusqlite::named_params;

use super::{StoreError, Tx, rows};
use crate::model::{InboxId, JobId, LeadId, Task, Timestamp};

/// The watch sees a step within a second; a busy writer takes a little longer.
const SEEN_WITHIN: Duration = Duration::from_secs(5);

impl Tx<'_> {
    /// Moves open timers, claims that wait, and held webhooks by `step_ms`, which led to `now`. What was written since the
    /// step stays. Returns how many timers there were.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn shift_clock(self, step_ms: i64, now: Timestamp) -> Result<usize, StoreError> {
        const OPEN: &str = "SELECT id, created_at, due_at, deadline_at, payload FROM jobs WHERE ended_at IS NULL";
        const JOB: &str = "UPDATE jobs SET created_at = :created_at, due_at = :due_at, deadline_at = :deadline_at, payload = :payload WHERE id = :id";
        const CLAIM: &str = "UPDATE claims SET opened_at = :at WHERE lead_id = :id";
        const HELD: &str = "UPDATE inbox SET received_at = :at WHERE id = :id";
        let mut query = self.connection.prepare_cached(OPEN)?;
        // A clock that went forward has shown nothing between the two; one that went back shows again what it has shown.
        let (old_now, step_seen) = (now.moved(step_ms.saturating_neg()), now.before(SEEN_WITHIN));
        let is_old = |at: Timestamp| if step_ms > 0 { at <= old_now } else { at > now || at <= step_seen };
        let open: Vec<(JobId, Timestamp, Timestamp, Timestamp, String)> = query
            .query_and_then([], |row| {
                let id = rows::parsed(row, "id")?;
                Ok::<_, StoreError>((
                    id,
                    rows::parsed(row, "created_at")?,
                    rows::parsed(row, "due_at")?,
                    rows::parsed(row, "deadline_at")?,
                    row.get("payload")?,
                ))
            })?
            .collect::<Result<_, _>>()?;
        let moved = open.iter().filter(|(_, created_at, ..)| is_old(*created_at));
        for (id, created_at, due_at, deadline_at, payload) in moved.clone() {
            self.connection.prepare_cached(JOB)?.execute(named_params! {
                ":id": id.to_string(), ":created_at": created_at.moved(step_ms).to_string(), ":due_at": due_at.moved(step_ms).to_string(),
                ":deadline_at": deadline_at.moved(step_ms).to_string(), ":payload": shifted(payload, step_ms),
            })?;
        }
        for (id, received_at) in self.held()?.into_iter().filter(|(_, at)| is_old(*at)) {
            let at = received_at.moved(step_ms).to_string();
            self.connection.prepare_cached(HELD)?.execute(named_params! { ":id": id.to_string(), ":at": at })?;
        }
        for (id, opened_at) in self.claims_that_wait()?.into_iter().filter(|(_, at)| is_old(*at)) {
            let at = opened_at.moved(step_ms).to_string();
            self.connection.prepare_cached(CLAIM)?.execute(named_params! { ":id": id.to_string(), ":at": at })?;
        }
        Ok(moved.count())
    }

    fn claims_that_wait(self) -> Result<Vec<(LeadId, Timestamp)>, StoreError> {
        const SQL: &str = "SELECT lead_id, opened_at FROM claims WHERE state IN ('open', 'unanswered')";
        let mut query = self.connection.prepare_cached(SQL)?;
        query.query_and_then([], |row| Ok((rows::parsed(row, "lead_id")?, rows::parsed(row, "opened_at")?)))?.collect()
    }

    /// Webhooks that wait for the clock, oldest first, and when they came.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn held(self) -> Result<Vec<(InboxId, Timestamp)>, StoreError> {
        const SQL: &str = "SELECT id, received_at FROM inbox WHERE verdict = 'held' ORDER BY received_at";
        let mut query = self.connection.prepare_cached(SQL)?;
        query.query_and_then([], |row| Ok((rows::parsed(row, "id")?, rows::parsed(row, "received_at")?)))?.collect()
    }

    /// A held webhook turned out to be a replay: it is no lead.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn refuse_held(self, id: InboxId, reason: &str) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE inbox SET verdict = 'ignored', reason = :reason WHERE id = :id AND verdict = 'held'";
        self.connection.prepare_cached(SQL)?.execute(named_params! { ":id": id.to_string(), ":reason": reason })?;
        Ok(())
    }
}

/// A payload with the clock in it moved, where it has one.
fn shifted(payload: &str, step_ms: i64) -> String {
    match serde_json::from_str(payload) {
        Ok(Task::Sms(mut sms)) => {
            sms.failover_at = sms.failover_at.map(|at| at.moved(step_ms));
            super::jobs::payload(&Task::Sms(sms))
        }
        _ => payload.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Arrival, Gate, Opening, Received, Store, Tx};
    use crate::model::{Channel, InboxId, Lane, NewJob, NewLead, Priority, SmsTask, Task, Timestamp};

    fn held(store: &mut Store) -> Vec<(InboxId, Timestamp)> {
        let read = |tx: Tx<'_>| tx.held();
        store.transact(read).unwrap()
    }

    #[test]
    fn everything_that_waits_moves_with_the_clock() {
        const STEP: Duration = Duration::from_hours(50_000);
        let (wrong, right) = (Timestamp::from_millis(1_000_000), Timestamp::from_millis(1_000_000).after(STEP));
        let arrival = Arrival {
            received_at: wrong,
            source: "s".into(),
            method: "POST".into(),
            target: "/hooks/s".into(),
            headers: Vec::new(),
            body: b"{}".to_vec(),
        };
        let minute = Duration::from_mins(1);
        let opening =
            Opening { classify_on: None, deadline_after: minute, give_up_after: minute, read_give_up_after: minute };
        let new = NewLead {
            crm: None,
            record_id: None,
            name: None,
            email: None,
            phone_text: None,
            message: "Hi".into(),
            event_key: None,
            content_key: "k".into(),
        };
        let mut store = Store::in_memory().unwrap();
        let lead = store
            .transact(|tx| {
                let Received::Accepted(lead) = tx.receive(&arrival, &Gate::Passed(new), &opening)? else {
                    unreachable!()
                };
                let sms = SmsTask {
                    to: "+15551230001".parse().unwrap(),
                    who: "Dana".into(),
                    text: "Hi".into(),
                    repeat: false,
                    leg: 0,
                    failover_at: Some(wrong.after(minute)),
                    refused: 0,
                    thread: 0,
                    is_answer: false,
                    is_test: false,
                };
                let job = NewJob {
                    lead,
                    task: Task::Sms(sms),
                    channel: Channel::new(Lane::Sms, "modem0"),
                    priority: Priority::Urgent,
                    due_at: wrong,
                    deadline_at: wrong.after(minute),
                };
                tx.insert_job(&job, wrong)?;
                tx.hold(&arrival, right)?;
                Ok(lead)
            })
            .unwrap();
        let step_ms = i64::try_from(STEP.as_millis()).unwrap();
        assert_eq!(store.transact(|tx| tx.shift_clock(step_ms, right)).unwrap(), 2);
        let jobs = store.transact(|tx| tx.job_rows(lead)).unwrap();
        assert!(jobs.iter().all(|job| job.due_at == right.to_string()), "{jobs:?}");
        assert!(jobs.iter().any(|job| job.payload.contains(&right.after(minute).to_string())), "{jobs:?}");
        let waiting = held(&mut store);
        assert_eq!(waiting.iter().map(|(_, at)| *at).collect::<Vec<_>>(), [right]);
        store.transact(|tx| tx.refuse_held(waiting[0].0, "too old")).unwrap();
        assert!(held(&mut store).is_empty());
    }
}
