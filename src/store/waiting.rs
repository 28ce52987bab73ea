//! Urgent leads that wait for a person, as `status` shows them.

use std::time::Duration;

use rusqlite::{Row, named_params};
use serde::{Deserialize, Serialize};

use super::{Reader, StoreError};
use crate::model::Timestamp;

/// Somebody was called for it and says nothing: after so long that is told by its alert, if it has one.
const OPEN_IS_NEWS: Duration = Duration::from_hours(24);

/// A lead that nobody has claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingLead {
    /// The code to answer with.
    pub code: String,
    /// The prospect's name.
    pub name: Option<String>,
    /// The prospect's number, as typed.
    pub phone: Option<String>,
    /// When it came.
    pub received_at: String,
    /// Everybody was called.
    pub unanswered: bool,
    /// Who was called last.
    pub called: Option<String>,
    /// A network took the first text so many seconds after the lead came.
    pub seconds_to_submitted: Option<u32>,
    /// A phone had it after so many.
    pub seconds_to_delivered: Option<u32>,
}

impl Reader {
    /// Those that wait, the longest first; of those for which people are still called, the ones of the last day.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn waiting(&self, now: Timestamp) -> Result<Vec<WaitingLead>, StoreError> {
        const SQL: &str = "
            SELECT v.code, v.name, v.phone, v.received_at, c.state = 'unanswered' AS unanswered, c.called,
                   CAST(max(v.seconds_to_submitted, 0) AS INTEGER) AS seconds_to_submitted,
                   CAST(max(v.seconds_to_delivered, 0) AS INTEGER) AS seconds_to_delivered
              FROM claims c JOIN v_leads v ON v.lead_id = c.lead_id
             WHERE c.state IN ('open', 'unanswered') AND (c.state = 'unanswered' OR c.opened_at > :since)
             ORDER BY unanswered DESC, v.received_at";
        // A file that the desk has not migrated yet has no such columns.
        let Ok(mut query) = self.connection.prepare(SQL) else { return Ok(Vec::new()) };
        let of = |row: &Row<'_>| {
            Ok(WaitingLead {
                code: row.get("code")?,
                name: row.get("name")?,
                phone: row.get("phone")?,
                received_at: row.get("received_at")?,
                unanswered: row.get("unanswered")?,
                called: row.get("called")?,
                seconds_to_submitted: row.get("seconds_to_submitted")?,
                seconds_to_delivered: row.get("seconds_to_delivered")?,
            })
        };
        let since = now.before(OPEN_IS_NEWS).to_string();
        let found = query.query_map(named_params! { ":since": since }, of)?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}
