//! Texts that test whether somebody's phone is reached: which there were, and what became of them.
//!
//! Such a text is about no lead and has no row in `leads`: whoever lists, counts or replays leads never meets one. Its own
//! row stands where a job has its lead's.

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde::Serialize;

use super::{Reader, StoreError, Tx, rows};
use crate::model::oncall::Person;
use crate::model::{Channel, Lead, LeadId, RowId, Timestamp};

/// What stands for the source of a test's jobs.
const SOURCE: &str = "oncall-test";

/// How a test stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CanaryState {
    /// Nothing was sent: since then the desk knows the person.
    Known,
    /// Neither a report nor an answer has come yet.
    Waiting,
    /// The phone has the text, or its owner answered.
    Reached,
    /// Nothing was heard in time.
    Silent,
}

impl CanaryState {
    const ALL: [Self; 4] = [Self::Known, Self::Waiting, Self::Reached, Self::Silent];

    /// The word in the database and the CLI.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Waiting => "waiting",
            Self::Reached => "reached",
            Self::Silent => "silent",
        }
    }
}

/// A test, with what is known of its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Canary {
    /// Its id.
    pub id: LeadId,
    /// The person's key.
    pub key: String,
    /// The person's name.
    pub who: String,
    /// When it was made.
    pub at: Timestamp,
    /// The channel that it tests.
    pub channel: Option<Channel>,
    /// How it stands.
    pub state: CanaryState,
    /// When the person was thanked for the answer.
    pub answered_at: Option<Timestamp>,
    /// How the text stands: `unknown`, `submitted`, `delivered` or `failed`; `None`: it has not left.
    pub text: Option<String>,
    /// When the phone had it, if its network says so.
    pub delivered_at: Option<Timestamp>,
    /// Why the text failed, or has not left.
    pub failure: Option<String>,
}

impl Tx<'_> {
    /// From now on the desk knows this person.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn know_person(self, person: &Person, now: Timestamp) -> Result<(), StoreError> {
        self.insert_canary(LeadId::fresh(now), person, None, now)
    }

    /// Keeps that a text by this channel tests the person's phone.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn add_canary(self, id: LeadId, person: &Person, channel: &Channel, now: Timestamp) -> Result<(), StoreError> {
        self.insert_canary(id, person, Some(channel), now)
    }

    fn insert_canary(
        self,
        id: LeadId,
        person: &Person,
        channel: Option<&Channel>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT INTO canaries (id, key, who, at, channel, state) VALUES (:id, :key, :who, :now, :channel, :state)";
        let state = if channel.is_some() { CanaryState::Waiting } else { CanaryState::Known };
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":id": id.to_string(), ":key": person.key, ":who": person.name, ":now": now.to_string(),
            ":channel": channel.map(Channel::as_str), ":state": state.name(),
        })?;
        Ok(())
    }

    /// The test with this id.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn canary(self, id: LeadId) -> Result<Option<Canary>, StoreError> {
        by_id(self.connection, id)
    }

    /// The last test of the person with this key.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn last_canary(self, key: &str) -> Result<Option<Canary>, StoreError> {
        last_of(self.connection, key)
    }

    /// What stands for the lead in the jobs of a test.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn canary_lead(self, id: LeadId) -> Result<Option<Lead>, StoreError> {
        Ok(self.canary(id)?.map(|canary| Lead::none(id, SOURCE.to_owned(), canary.at)))
    }

    /// The phone was reached: `false` if that was known.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn set_reached(self, id: LeadId) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE canaries SET state = 'reached' WHERE id = :id AND state IN ('waiting', 'silent')";
        Ok(self.connection.prepare_cached(SQL)?.execute(named_params! { ":id": id.to_string() })? == 1)
    }

    /// Nothing was heard in time: `false` if something was.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn set_silent(self, id: LeadId) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE canaries SET state = 'silent' WHERE id = :id AND state = 'waiting'";
        Ok(self.connection.prepare_cached(SQL)?.execute(named_params! { ":id": id.to_string() })? == 1)
    }

    /// The person is thanked for the answer: `false` if that was done.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn set_thanked(self, id: LeadId, now: Timestamp) -> Result<bool, StoreError> {
        const SQL: &str = "UPDATE canaries SET answered_at = :now WHERE id = :id AND answered_at IS NULL";
        let params = named_params! { ":id": id.to_string(), ":now": now.to_string() };
        Ok(self.connection.prepare_cached(SQL)?.execute(params)? == 1)
    }
}

impl Reader {
    /// The test with this id.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn canary(&self, id: LeadId) -> Result<Option<Canary>, StoreError> {
        by_id(&self.connection, id)
    }

    /// The last test of the person with this key; `None` if there was none yet.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn last_canary(&self, key: &str) -> Result<Option<Canary>, StoreError> {
        Ok(last_of(&self.connection, key)?.filter(|canary| canary.state != CanaryState::Known))
    }
}

/// A test has one text that tests; what a person is answered about it is another.
const WITH_TEXT: &str = "
    SELECT c.*, m.state AS text, m.delivered_at, coalesce(m.failure, CASE WHEN m.job_id IS NULL THEN j.result END) AS failure
      FROM canaries c
      LEFT JOIN jobs j ON j.lead_id = c.id AND j.kind = 'sms' AND json_extract(j.payload, '$.is_test')
      LEFT JOIN sms_messages m ON m.job_id = j.id";

fn by_id(connection: &Connection, id: LeadId) -> Result<Option<Canary>, StoreError> {
    let mut query = connection.prepare_cached(&format!("{WITH_TEXT} WHERE c.id = :id"))?;
    query.query_row(named_params! { ":id": id.to_string() }, |row| Ok(canary(row))).optional()?.transpose()
}

fn last_of(connection: &Connection, key: &str) -> Result<Option<Canary>, StoreError> {
    let mut query =
        connection.prepare_cached(&format!("{WITH_TEXT} WHERE c.key = :key ORDER BY c.at DESC, c.id DESC LIMIT 1"))?;
    query.query_row(named_params! { ":key": key }, |row| Ok(canary(row))).optional()?.transpose()
}

fn canary(row: &Row<'_>) -> Result<Canary, StoreError> {
    let state: String = row.get("state")?;
    let known = CanaryState::ALL.into_iter().find(|known| known.name() == state);
    Ok(Canary {
        id: rows::parsed(row, "id")?,
        key: row.get("key")?,
        who: row.get("who")?,
        at: rows::parsed(row, "at")?,
        channel: row.get::<_, Option<String>>("channel")?.map(Channel::stored),
        state: known.ok_or(StoreError::Alien { column: "state", value: state })?,
        answered_at: rows::maybe(row, "answered_at")?,
        text: row.get("text")?,
        delivered_at: rows::maybe(row, "delivered_at")?,
        failure: row.get("failure")?,
    })
}
