//! The two looks that find what comes again: by the sender's id of the event, and by what was written.

use std::time::Duration;

use rusqlite::{OptionalExtension, named_params};

use super::reconciles::found_key;
use super::{Received, StoreError, Tx, rows};
use crate::model::{LeadId, NewLead, Timestamp};

/// How long an event, or the same words for the same CRM record, counts as the same lead.
const SAME_LEAD_FOR: Duration = Duration::from_hours(7 * 24);
/// Without a record id: how long the same words are a sender's retry.
const RETRY_FOR: Duration = Duration::from_mins(10);
/// Without a record id: how long the same words are the same person writing again.
const REPEAT_FOR: Duration = Duration::from_hours(24);

impl Tx<'_> {
    /// The lead that this event of a source made already, if any.
    pub(super) fn known_event(
        self,
        source: &str,
        key: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<LeadId>, StoreError> {
        const SQL: &str = "
            SELECT lead_id FROM inbox WHERE source = :source AND event_key = :key AND event_key IS NOT NULL
               AND verdict = 'accepted' AND received_at > :since";
        let Some(key) = key.filter(|_| !crate::failpoint::removed("dedupe")) else { return Ok(None) };
        let params = named_params! { ":source": source, ":key": key, ":since": now.before(SAME_LEAD_FOR).to_string() };
        let mut query = self.connection.prepare_cached(SQL)?;
        query.query_row(params, |row| Ok(rows::parsed(row, "lead_id"))).optional()?.transpose()
    }

    /// The lead that somebody's words belong to already, if any.
    pub(super) fn known(self, source: &str, new: &NewLead, now: Timestamp) -> Result<Option<Received>, StoreError> {
        if let Some(lead) = self.known_event(source, new.event_key.as_deref(), now)? {
            return Ok(Some(Received::Duplicate(lead)));
        }
        self.known_words(new, now)
    }

    /// The same by content alone.
    pub(super) fn known_words(self, new: &NewLead, now: Timestamp) -> Result<Option<Received>, StoreError> {
        if crate::failpoint::removed("dedupe") {
            return Ok(None);
        }
        let (newest, has_record) = (self.newest(&new.content_key)?, new.record_id.is_some());
        let same_for = if has_record { SAME_LEAD_FOR } else { REPEAT_FOR };
        Ok(match newest {
            Some((lead, at)) if at > now.before(same_for) => {
                let is_retry = has_record || at > now.before(RETRY_FOR);
                Some(if is_retry { Received::Duplicate(lead) } else { Received::Repeat(lead) })
            }
            older => self.known_record(new, older.is_some(), now)?.map(Received::Duplicate),
        })
    }

    /// The newest lead with these words, and when it came.
    fn newest(self, content_key: &str) -> Result<Option<(LeadId, Timestamp)>, StoreError> {
        // The other columns are of the row with the maximum (sqlite.org/lang_select.html#bareagg), and nothing is sorted.
        const SQL: &str = "
            SELECT lead_id, max(received_at) AS received_at FROM inbox WHERE content_key = :key AND verdict = 'accepted'";
        let mut query = self.connection.prepare_cached(SQL)?;
        query.query_row(named_params! { ":key": content_key }, |row| {
            let (lead, at) = (rows::maybe(row, "lead_id"), rows::maybe(row, "received_at"));
            Ok(lead.and_then(|lead| Ok(Option::zip(lead, at?))))
        })?
    }

    /// The lead of the same record with the same words, where the key of the words doesn't tell: it was found in its CRM,
    /// which names no account; or it came so long ago (`is_old`) that only what was written into the record lately can have
    /// brought the same again.
    fn known_record(self, new: &NewLead, is_old: bool, now: Timestamp) -> Result<Option<LeadId>, StoreError> {
        const FOUND: &str = "
            SELECT l.id FROM inbox i JOIN leads l ON l.id = i.lead_id
             WHERE i.content_key = :found AND i.verdict = 'accepted' AND i.received_at > :since
               AND l.raw_message = :message AND l.email IS :email AND l.phone_text IS :phone
             LIMIT 1";
        const WRITTEN: &str = "
            SELECT i.lead_id AS id FROM inbox i
             WHERE i.content_key = :key AND i.verdict = 'accepted'
               AND EXISTS (SELECT 1 FROM jobs j WHERE j.lead_id = i.lead_id AND j.ended_at > :since
                              AND j.kind IN ('crm_update', 'crm_note', 'crm_task'))
             ORDER BY i.received_at DESC LIMIT 1";
        let (Some(crm), Some(record)) = (&new.crm, &new.record_id) else { return Ok(None) };
        let since = now.before(SAME_LEAD_FOR).to_string();
        let mut query = self.connection.prepare_cached(FOUND)?;
        let params = named_params! {
            ":found": found_key(crm, record), ":since": since, ":message": new.message, ":email": new.email,
            ":phone": new.phone_text,
        };
        if let Some(lead) = query.query_row(params, |row| Ok(rows::parsed(row, "id"))).optional()?.transpose()? {
            return Ok(Some(lead));
        }
        if !is_old {
            return Ok(None);
        }
        let mut query = self.connection.prepare_cached(WRITTEN)?;
        let params = named_params! { ":key": new.content_key, ":since": since };
        query.query_row(params, |row| Ok(rows::parsed(row, "id"))).optional()?.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Arrival, Closing, Gate, Opening, Settlement, Store};
    use super::*;
    use crate::model::{BootId, Channel, CrmRecord, CrmUpdate, JobState, Lane, NewJob, Priority, RowId, Task, Trace};

    const BEGIN: Timestamp = Timestamp::from_millis(1_795_000_000_000);
    const DAY: Duration = Duration::from_hours(24);

    fn arrives(store: &mut Store, at: Timestamp) -> Received {
        let arrival = Arrival {
            received_at: at,
            source: "crm".into(),
            method: "POST".into(),
            target: "/hooks/crm".into(),
            headers: Vec::new(),
            body: b"{}".to_vec(),
        };
        let new = NewLead {
            crm: Some(Channel::new(Lane::Crm, "crm")),
            record_id: Some("1".into()),
            name: None,
            email: None,
            phone_text: None,
            message: "Hi".into(),
            event_key: None,
            content_key: "k".into(),
        };
        let opening = Opening { classify_on: None, deadline_after: DAY, give_up_after: DAY, read_give_up_after: DAY };
        store.transact(|tx| tx.receive(&arrival, &Gate::Passed(new), &opening)).unwrap()
    }

    /// Writes into the lead's record, as a dead letter that is retried days later does.
    fn is_written(store: &mut Store, lead: LeadId, at: Timestamp) {
        let channel = Channel::new(Lane::Crm, "crm");
        let record = CrmRecord { channel: channel.clone(), id: "1".into() };
        let task = Task::CrmUpdate(CrmUpdate { record, label: None, priority: Some(true), owner: None });
        let job = NewJob { lead, task, channel, priority: Priority::Normal, due_at: at, deadline_at: at.after(DAY) };
        let boot = BootId::fresh(at);
        let write = |tx: Tx<'_>| {
            tx.insert_job(&job, at)?;
            let claimed = tx.claim(&job.channel, boot, true, &|_| true, at)?.unwrap();
            let closing = Closing { outcome: "done", reason: None, trace: &Trace::default() };
            let settlement = Settlement { state: JobState::Done, due_at: None, unburnt: false, result: None };
            tx.settle(claimed.job.id, claimed.attempt, boot, &closing, settlement, at)
        };
        assert!(store.transact(write).unwrap());
    }

    #[test]
    fn what_we_write_comes_back_as_no_lead_however_late_it_is_written() {
        let mut store = Store::in_memory().unwrap();
        let Received::Accepted(lead) = arrives(&mut store, BEGIN) else { panic!("the first is a lead") };
        let late = BEGIN.after(DAY.saturating_mul(9));
        is_written(&mut store, lead, late);
        let echo = arrives(&mut store, late.after(Duration::from_secs(5)));
        assert_eq!(echo, Received::Duplicate(lead));
        let again = arrives(&mut store, late.after(DAY.saturating_mul(8)));
        assert!(matches!(again, Received::Accepted(_)), "of its own accord, it is somebody who writes again");
    }
}
