//! Channels that are not simply open: parked by a rate limit, or behind an open breaker. No row means all is well.

use rusqlite::{OptionalExtension, Row, named_params};

use super::{StoreError, Tx, rows};
use crate::model::{Channel, Timestamp};

/// How a channel's breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelState {
    /// Everything passes; failures are being counted.
    Closed,
    /// Nothing passes before its time, then one probe.
    Open,
    /// Nothing passes before its time, then everything.
    Parked,
}

impl ChannelState {
    /// The word in the database and the CLI.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::Parked => "parked",
        }
    }
}

/// One channel that had trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRow {
    /// The channel.
    pub channel: Channel,
    /// Its breaker.
    pub state: ChannelState,
    /// No claim before this.
    pub until: Timestamp,
    /// Failures in a row.
    pub failures: u32,
    /// The last failure, in words.
    pub reason: String,
}

fn row_of(row: &Row<'_>) -> Result<ChannelRow, StoreError> {
    let state: String = row.get("state")?;
    let known = [ChannelState::Closed, ChannelState::Open, ChannelState::Parked];
    Ok(ChannelRow {
        channel: Channel::stored(row.get("name")?),
        state: known
            .into_iter()
            .find(|known| known.name() == state)
            .ok_or(StoreError::Alien { column: "state", value: state })?,
        until: rows::parsed(row, "until_at")?,
        failures: row.get("failures")?,
        reason: row.get("reason")?,
    })
}

impl Tx<'_> {
    /// The channel's trouble, if it has any.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn channel(self, channel: &Channel) -> Result<Option<ChannelRow>, StoreError> {
        let mut query = self.connection.prepare_cached("SELECT * FROM channels WHERE name = :name")?;
        query.query_row(named_params! { ":name": channel.as_str() }, |row| Ok(row_of(row))).optional()?.transpose()
    }

    /// Every channel with trouble.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn channels(self) -> Result<Vec<ChannelRow>, StoreError> {
        self.connection.prepare_cached("SELECT * FROM channels ORDER BY name")?.query_and_then([], row_of)?.collect()
    }

    /// Keeps the channel's trouble.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn set_channel(self, row: &ChannelRow, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT INTO channels (name, state, until_at, failures, reason, at)
            VALUES (:name, :state, :until, :failures, :reason, :now)
                ON CONFLICT (name) DO UPDATE SET state = :state, until_at = :until, failures = :failures, reason = :reason, at = :now";
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":name": row.channel.as_str(), ":state": row.state.name(), ":until": row.until.to_string(),
            ":failures": row.failures, ":reason": row.reason, ":now": now.to_string(),
        })?;
        Ok(())
    }

    /// Broken channels are probed now: whoever starts the desk may have mended what broke them.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn probe_channels(self, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE channels SET until_at = min(until_at, :now) WHERE state = 'open'";
        self.connection.prepare_cached(SQL)?.execute(named_params! { ":now": now.to_string() })?;
        Ok(())
    }

    /// The channel works again. Returns whether it had trouble.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn clear_channel(self, channel: &Channel) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM channels WHERE name = :name";
        Ok(self.connection.prepare_cached(SQL)?.execute(named_params! { ":name": channel.as_str() })? > 0)
    }
}
