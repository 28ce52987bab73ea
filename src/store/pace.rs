//! How fast a lead came to a person, as `v_leads` has it.

use rusqlite::{OptionalExtension, named_params};
use serde::Serialize;

use super::{Reader, StoreError};
use crate::model::LeadId;

/// Seconds from the webhook to each step; `None`: it did not happen so far, or nobody says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Pace {
    /// A network took the first text that called a person.
    pub seconds_to_submitted: Option<f64>,
    /// A phone had it.
    pub seconds_to_delivered: Option<f64>,
    /// A person took the lead.
    pub seconds_to_claim: Option<f64>,
}

impl Reader {
    /// The pace of a lead. A file that the desk has not migrated yet may have no such columns: then nothing is known.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn pace(&self, lead: LeadId) -> Result<Pace, StoreError> {
        const SQL: &str =
            "SELECT seconds_to_submitted, seconds_to_delivered, seconds_to_claim FROM v_leads WHERE lead_id = :lead";
        let Ok(mut query) = self.connection.prepare(SQL) else { return Ok(Pace::default()) };
        let found = query.query_row(named_params! { ":lead": lead.to_string() }, |row| {
            Ok(Pace {
                seconds_to_submitted: row.get("seconds_to_submitted")?,
                seconds_to_delivered: row.get("seconds_to_delivered")?,
                seconds_to_claim: row.get("seconds_to_claim")?,
            })
        });
        Ok(found.optional()?.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{RowId, Timestamp};
    use crate::store::Store;

    const CAME: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    /// A text of the lead: an answer or a call, its state, and the seconds after which it left and arrived.
    fn text(store: &Store, id: &str, is_answer: bool, state: &str, left: u64, arrived: Option<u64>) {
        let at = |seconds: u64| CAME.after(Duration::from_secs(seconds)).to_string();
        let job =
            "INSERT INTO jobs (id, lead_id, kind, channel, priority, state, due_at, deadline_at, payload, created_at)
            VALUES (:id, :lead, 'sms', 'sms:modem0', 0, 'done', '', '', :payload, '')";
        let payload = format!(r#"{{"kind":"sms","is_answer":{is_answer}}}"#);
        let lead = LeadId::new(CAME, [1; 10]).to_string();
        store.connection.execute(job, named_params! { ":id": id, ":lead": lead, ":payload": payload }).unwrap();
        let text = "INSERT INTO sms_messages (job_id, lead_id, channel, who, number, text, repeat, state, submitted_at, delivered_at)
            VALUES (:id, :lead, 'sms:modem0', 'Dana', '', '', 0, :state, :left, :arrived)";
        let params = named_params! {
            ":id": id, ":lead": lead, ":state": state, ":left": at(left), ":arrived": arrived.map(at),
        };
        store.connection.execute(text, params).unwrap();
    }

    #[test]
    fn only_calls_count_and_the_first_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let lead = LeadId::new(CAME, [1; 10]);
        let row = "INSERT INTO leads (id, code, source, received_at, raw_message) VALUES (:id, 'K7', 's', :at, '')";
        store.connection.execute(row, named_params! { ":id": lead.to_string(), ":at": CAME.to_string() }).unwrap();
        let pace = || {
            let Pace { seconds_to_submitted, seconds_to_delivered, seconds_to_claim } =
                Reader::open(folder.path()).unwrap().pace(lead).unwrap();
            [seconds_to_submitted, seconds_to_delivered, seconds_to_claim]
        };
        assert_eq!(pace(), [None; 3]);
        text(&store, "1", true, "delivered", 1, Some(2));
        text(&store, "2", false, "unknown", 3, None);
        assert_eq!(pace(), [None; 3], "an answer, and a text that may not have left");
        text(&store, "3", false, "submitted", 6, None);
        assert_eq!(pace(), [Some(6.0), None, None]);
        text(&store, "4", false, "delivered", 40, Some(46));
        assert_eq!(pace(), [Some(6.0), Some(46.0), None]);
        let claim = "INSERT INTO claims VALUES (:lead, 'K7', '', 'claimed', 1, 0, 'Dana', 'Dana', :at)";
        let at = CAME.moved(130_000).to_string();
        store.connection.execute(claim, named_params! { ":lead": lead.to_string(), ":at": at }).unwrap();
        assert_eq!(pace(), [Some(6.0), Some(46.0), Some(130.0)]);
        store.connection.execute_batch("DROP VIEW v_leads").unwrap();
        assert_eq!(pace(), [None; 3], "an older file");
    }
}
