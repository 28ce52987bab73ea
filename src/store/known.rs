//! The two looks that find what comes again: by the sender's id of the event, and by what was written.

use std::time::Duration;

use rusqlite::{OptionalExtension, named_params};

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
        const SQL: &str = "
            SELECT lead_id, received_at FROM inbox WHERE content_key = :key AND verdict = 'accepted' AND received_at > :since
             ORDER BY received_at DESC LIMIT 1";
        if crate::failpoint::removed("dedupe") {
            return Ok(None);
        }
        let same_for = if new.record_id.is_some() { SAME_LEAD_FOR } else { REPEAT_FOR };
        let params = named_params! { ":key": new.content_key, ":since": now.before(same_for).to_string() };
        let mut query = self.connection.prepare_cached(SQL)?;
        let found = query.query_row(params, |row| {
            Ok(rows::parsed(row, "lead_id").and_then(|lead| Ok((lead, rows::parsed::<Timestamp>(row, "received_at")?))))
        });
        Ok(found.optional()?.transpose()?.map(|(lead, at)| {
            if new.record_id.is_some() || at > now.before(RETRY_FOR) {
                Received::Duplicate(lead)
            } else {
                Received::Repeat(lead)
            }
        }))
    }
}
