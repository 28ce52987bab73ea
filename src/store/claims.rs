//! Claims: leads that wait for a person, and who took them.
//!
//! Every change is conditional on the state it is a change of, so that of two who claim a lead the first commit has it.

use std::time::Duration;

use rusqlite::{OptionalExtension, Row, named_params};

use super::{StoreError, Tx, rows};
use crate::model::{Channel, Claim, ClaimState, JobId, LeadCode, LeadId, Phone, RowId, Timestamp};

/// A lead that nobody took for so long gives its code to others, and answers to its code mean it no more.
const CODE_IS_KEPT: Duration = Duration::from_hours(7 * 24);
/// A bare word is about what came lately: some people call their prospects and never answer a text.
const IS_FRESH: Duration = Duration::from_hours(24);

impl Tx<'_> {
    /// Opens a lead's claim, or opens it again from the first step: the code that people answer with, which no other lead
    /// that waits has.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn open_claim(
        self,
        lead: LeadId,
        step: u32,
        called: Option<&str>,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        const SQL: &str = "
            INSERT INTO claims (lead_id, code, opened_at, state, round, step, called)
                VALUES (:lead, :code, :now, 'open', 1, :step, :called)
                ON CONFLICT (lead_id) DO UPDATE SET
                   code = :code, opened_at = :now, state = 'open', round = round + 1, step = :step, called = :called, claimed_by = NULL, claimed_at = NULL
                RETURNING *";
        const CODE: &str = "UPDATE leads SET code = :code WHERE id = :lead AND code <> :code";
        let code = self.free_code(lead)?;
        let id = lead.to_string();
        let params = named_params! {
            ":lead": id, ":code": code.to_string(), ":now": now.to_string(), ":step": step, ":called": called,
        };
        let opened = self.connection.prepare_cached(SQL)?.query_row(params, |row| Ok(claim(row)))??;
        self.connection.prepare_cached(CODE)?.execute(named_params! { ":lead": id, ":code": code.to_string() })?;
        if called.is_some() {
            self.log_claim(lead, "called", called, None, now)?;
        }
        Ok(opened)
    }

    /// The lead's own code, or the next that no other lead waits with.
    fn free_code(self, lead: LeadId) -> Result<LeadCode, StoreError> {
        const NUMBER: &str = "SELECT number FROM leads WHERE id = :lead";
        const TAKEN: &str = "
            SELECT lead_id FROM claims WHERE code = :code AND state IN ('open', 'unanswered') AND lead_id <> :lead";
        let id = lead.to_string();
        let number: i64 =
            self.connection.prepare_cached(NUMBER)?.query_row(named_params! { ":lead": id }, |row| row.get(0))?;
        let mut taken = self.connection.prepare_cached(TAKEN)?;
        for code in LeadCode::candidates(number) {
            if !taken.exists(named_params! { ":code": code.to_string(), ":lead": id })? {
                return Ok(code);
            }
        }
        // A thousand wait: whoever has waited longest with this code waits without one.
        let code = LeadCode::of(number);
        self.connection
            .prepare_cached("UPDATE claims SET state = 'withdrawn' WHERE code = :code AND state <> 'claimed'")?
            .execute(named_params! { ":code": code.to_string() })?;
        Ok(code)
    }

    /// Ends the claims that nobody has taken for so long that nobody will: their leads, which have given their codes away.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn lapse_claims(self, now: Timestamp) -> Result<Vec<LeadId>, StoreError> {
        const SQL: &str = "
            UPDATE claims SET state = 'withdrawn' WHERE state IN ('open', 'unanswered') AND opened_at < :since RETURNING lead_id";
        let mut query = self.connection.prepare_cached(SQL)?;
        let since = now.before(CODE_IS_KEPT).to_string();
        let lapsed: Vec<LeadId> = query
            .query_and_then(named_params! { ":since": since }, |row| rows::parsed(row, "lead_id"))?
            .collect::<Result<_, _>>()?;
        for lead in &lapsed {
            self.log_claim(*lead, "withdrawn", None, Some("nobody has claimed it for a week"), now)?;
        }
        Ok(lapsed)
    }

    /// Whether a digest has told somebody of the lead.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn was_digested(self, lead: LeadId) -> Result<bool, StoreError> {
        const SQL: &str = "SELECT EXISTS (SELECT 1 FROM claim_log WHERE lead_id = :lead AND what = 'digested')";
        Ok(self
            .connection
            .prepare_cached(SQL)?
            .query_row(named_params! { ":lead": lead.to_string() }, |row| row.get(0))?)
    }

    /// The claim of a lead.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn claim_of(self, lead: LeadId) -> Result<Option<Claim>, StoreError> {
        let mut query = self.connection.prepare_cached("SELECT * FROM claims WHERE lead_id = :lead")?;
        query.query_row(named_params! { ":lead": lead.to_string() }, |row| Ok(claim(row))).optional()?.transpose()
    }

    /// The lead that a code means: the one that waits with it, or else the last one that did.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn claim_by_code(self, code: &LeadCode, now: Timestamp) -> Result<Option<Claim>, StoreError> {
        const SQL: &str = "
            SELECT * FROM claims WHERE code = :code AND (state IN ('open', 'unanswered') OR opened_at > :since)
             ORDER BY state IN ('open', 'unanswered') DESC, opened_at DESC LIMIT 1";
        let params = named_params! { ":code": code.to_string(), ":since": now.before(CODE_IS_KEPT).to_string() };
        self.connection.prepare_cached(SQL)?.query_row(params, |row| Ok(claim(row))).optional()?.transpose()
    }

    /// The leads that wait and that this person was called for, oldest first: those of the last day, or else all.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn claims_wanted_of(self, who: &str, now: Timestamp) -> Result<Vec<Claim>, StoreError> {
        let fresh = self.claims_opened_since(who, Some(now.before(IS_FRESH)))?;
        if fresh.is_empty() { self.claims_opened_since(who, None) } else { Ok(fresh) }
    }

    fn claims_opened_since(self, who: &str, since: Option<Timestamp>) -> Result<Vec<Claim>, StoreError> {
        const SQL: &str = "
            SELECT * FROM claims c WHERE c.state IN ('open', 'unanswered') AND c.opened_at > :since
               AND EXISTS (SELECT 1 FROM claim_log l WHERE l.lead_id = c.lead_id AND l.what = 'called' AND l.who = :who)
             ORDER BY c.opened_at";
        let since = since.map_or_else(String::new, |since| since.to_string());
        let mut query = self.connection.prepare_cached(SQL)?;
        let found = query.query_and_then(named_params! { ":who": who, ":since": since }, claim)?;
        found.collect()
    }

    /// Calls the next person: `false` if the claim is not open any more, or was called on since.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn call_next(self, of: &Claim, step: u32, called: &str, now: Timestamp) -> Result<bool, StoreError> {
        const SQL: &str = "
            UPDATE claims SET step = :step, called = :called
             WHERE lead_id = :lead AND state = 'open' AND round = :round AND step = :was";
        let params = named_params! {
            ":lead": of.lead.to_string(), ":round": of.round, ":was": of.step, ":step": step, ":called": called,
        };
        let done = self.connection.prepare_cached(SQL)?.execute(params)? == 1;
        if done {
            self.log_claim(of.lead, "called", Some(called), None, now)?;
        }
        Ok(done)
    }

    /// Somebody takes the lead: `false` if nobody is wanted any more.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn take_claim(self, lead: LeadId, who: &str, now: Timestamp) -> Result<bool, StoreError> {
        const SQL: &str = "
            UPDATE claims SET state = 'claimed', claimed_by = :who, claimed_at = :now
             WHERE lead_id = :lead AND state IN ('open', 'unanswered')";
        let params = named_params! { ":lead": lead.to_string(), ":who": who, ":now": now.to_string() };
        let done = self.connection.prepare_cached(SQL)?.execute(params)? == 1;
        if done {
            self.log_claim(lead, "claimed", Some(who), None, now)?;
        }
        Ok(done)
    }

    /// Nobody is left to be called, or nobody is needed: `false` if the claim is not one that waits.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn end_claim(self, lead: LeadId, as_what: ClaimState, now: Timestamp) -> Result<bool, StoreError> {
        const SQL: &str = "
            UPDATE claims SET state = :state WHERE lead_id = :lead AND state IN ('open', 'unanswered') AND state <> :state";
        let params = named_params! { ":lead": lead.to_string(), ":state": as_what.name() };
        let done = self.connection.prepare_cached(SQL)?.execute(params)? == 1;
        if done {
            self.log_claim(lead, as_what.name(), None, None, now)?;
        }
        Ok(done)
    }

    /// Keeps what happened to a claim.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn log_claim(
        self,
        lead: LeadId,
        what: &str,
        who: Option<&str>,
        detail: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT INTO claim_log (lead_id, at, what, who, detail) VALUES (:lead, :now, :what, :who, :detail)";
        let params = named_params! {
            ":lead": lead.to_string(), ":now": now.to_string(), ":what": what, ":who": who, ":detail": detail,
        };
        self.connection.prepare_cached(SQL)?.execute(params)?;
        Ok(())
    }

    /// The channel of the last text that called somebody for the lead, if no report says that it arrived.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn unreported_channel(self, lead: LeadId) -> Result<Option<Channel>, StoreError> {
        const SQL: &str = "
            SELECT j.channel, m.delivered_at IS NOT NULL AS arrived
              FROM jobs j LEFT JOIN sms_messages m ON m.job_id = j.id
             WHERE j.lead_id = :lead AND j.kind = 'sms' AND coalesce(json_extract(j.payload, '$.is_answer'), 0) = 0
             ORDER BY j.id DESC LIMIT 1";
        let mut query = self.connection.prepare_cached(SQL)?;
        let last: Option<(String, bool)> = query
            .query_row(named_params! { ":lead": lead.to_string() }, |row| {
                Ok((row.get("channel")?, row.get("arrived")?))
            })
            .optional()?;
        Ok(last.filter(|(_, arrived)| !arrived).map(|(channel, _)| Channel::stored(channel)))
    }

    /// What happened to a claim, as `what: who or why`.
    #[cfg(test)]
    pub(crate) fn claim_story(self, lead: LeadId) -> Result<Vec<String>, StoreError> {
        const SQL: &str = "
            SELECT what || ': ' || coalesce(who, detail, '') AS told FROM claim_log WHERE lead_id = :lead ORDER BY id";
        let mut query = self.connection.prepare_cached(SQL)?;
        let told = query.query_map(named_params! { ":lead": lead.to_string() }, |row| row.get("told"))?;
        Ok(told.collect::<Result<_, _>>()?)
    }

    /// How often it was explained to somebody since then what can be answered. A clock that was ahead counts for nothing.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn explained(self, who: &str, since: Timestamp, now: Timestamp) -> Result<u32, StoreError> {
        const SQL: &str = "
            SELECT count(*) FROM claim_log WHERE what = 'explained' AND who = :who AND at > :since AND at <= :now";
        let params = named_params! { ":who": who, ":since": since.to_string(), ":now": now.to_string() };
        Ok(self.connection.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
    }

    /// How many texts called a number since then. A clock that was ahead counts for nothing.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn calls(self, number: &Phone, since: Timestamp, now: Timestamp) -> Result<u32, StoreError> {
        const SQL: &str = "
            SELECT count(*) FROM jobs
             WHERE kind = 'sms' AND id > :since AND id <= :now AND coalesce(json_extract(payload, '$.is_answer'), 0) = 0
               AND NOT coalesce(json_extract(payload, '$.is_test'), 0) AND json_extract(payload, '$.leg') = 0
               AND json_extract(payload, '$.to') = :number";
        // Ids begin with their time, so they tell it without an index of its own.
        let (since, now) = (JobId::new(since, [0; 10]).to_string(), JobId::new(now, [u8::MAX; 10]).to_string());
        let params = named_params! { ":since": since, ":now": now, ":number": number.as_str() };
        Ok(self.connection.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?)
    }

    /// The lead that this person was called for last.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn last_called_for(self, who: &str) -> Result<Option<LeadId>, StoreError> {
        const SQL: &str = "SELECT lead_id FROM claim_log WHERE what = 'called' AND who = :who ORDER BY id DESC LIMIT 1";
        let mut query = self.connection.prepare_cached(SQL)?;
        query.query_row(named_params! { ":who": who }, |row| Ok(rows::parsed(row, "lead_id"))).optional()?.transpose()
    }

    /// Everybody who was called for the lead, by name.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn called_for(self, lead: LeadId) -> Result<Vec<String>, StoreError> {
        const SQL: &str = "
            SELECT who FROM claim_log WHERE lead_id = :lead AND what = 'called' GROUP BY who ORDER BY min(id)";
        let mut query = self.connection.prepare_cached(SQL)?;
        let names = query.query_map(named_params! { ":lead": lead.to_string() }, |row| row.get("who"))?;
        Ok(names.collect::<Result<_, _>>()?)
    }

    /// The number of the next text about a lead.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn next_thread(self, lead: LeadId) -> Result<u32, StoreError> {
        const SQL: &str = "
            SELECT coalesce(max(coalesce(json_extract(payload, '$.thread'), 0)) + 1, 0) FROM jobs WHERE lead_id = :lead AND kind = 'sms'";
        Ok(self
            .connection
            .prepare_cached(SQL)?
            .query_row(named_params! { ":lead": lead.to_string() }, |row| row.get(0))?)
    }
}

fn claim(row: &Row<'_>) -> Result<Claim, StoreError> {
    let state: String = row.get("state")?;
    let known = ClaimState::ALL.into_iter().find(|known| known.name() == state);
    let state = known.ok_or(StoreError::Alien { column: "state", value: state })?;
    Ok(Claim {
        lead: rows::parsed(row, "lead_id")?,
        code: LeadCode::stored(row.get("code")?),
        state,
        round: row.get("round")?,
        step: row.get("step")?,
        called: row.get("called")?,
        claimed_by: row.get("claimed_by")?,
    })
}
