//! Urgent leads that came too fast for a text each: they wait here for the one that tells of them together.

use rusqlite::named_params;

use super::{StoreError, Tx, rows};
use crate::model::{Lead, LeadId, Timestamp};

impl Tx<'_> {
    /// The lead is told of with the next digest to this person.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn add_to_digest(self, lead: LeadId, who: &str, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "INSERT OR REPLACE INTO claim_digests (lead_id, who, at) VALUES (:lead, :who, :now)";
        let params = named_params! { ":lead": lead.to_string(), ":who": who, ":now": now.to_string() };
        self.connection.prepare_cached(SQL)?.execute(params)?;
        Ok(())
    }

    /// Whether a timer stands for the next digest to this person.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn digest_waits(self, who: &str) -> Result<bool, StoreError> {
        const SQL: &str = "
            SELECT EXISTS (SELECT 1 FROM jobs WHERE channel = 'desk' AND ended_at IS NULL
                              AND kind = 'digest' AND json_extract(payload, '$.who') = :who)";
        Ok(self.connection.prepare_cached(SQL)?.query_row(named_params! { ":who": who }, |row| row.get(0))?)
    }

    /// The leads that wait for the next digest to this person.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn gathered(self, who: &str) -> Result<Vec<LeadId>, StoreError> {
        const SQL: &str = "SELECT lead_id FROM claim_digests WHERE who = :who";
        let mut query = self.connection.prepare_cached(SQL)?;
        query.query_and_then(named_params! { ":who": who }, |row| rows::parsed(row, "lead_id"))?.collect()
    }

    /// The leads to tell this person of, oldest first: those that this person is still called for. None of them waits any
    /// more.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn take_digest(self, who: &str, now: Timestamp) -> Result<Vec<Lead>, StoreError> {
        const SQL: &str = "
            SELECT l.* FROM claim_digests d JOIN claims c ON c.lead_id = d.lead_id JOIN leads l ON l.id = d.lead_id
             WHERE d.who = :who AND c.called = :who AND c.state IN ('open', 'unanswered') ORDER BY l.number";
        let mut query = self.connection.prepare_cached(SQL)?;
        let leads: Vec<Lead> =
            query.query_and_then(named_params! { ":who": who }, rows::lead)?.collect::<Result<_, _>>()?;
        self.connection
            .prepare_cached("DELETE FROM claim_digests WHERE who = :who")?
            .execute(named_params! { ":who": who })?;
        for lead in &leads {
            self.log_claim(lead.id, "digested", Some(who), None, now)?;
        }
        Ok(leads)
    }
}
