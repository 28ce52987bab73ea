//! Requests to a configured source that failed to authenticate: kept a week, at most 200, without any effect, so that
//! a mistyped secret loses nothing.

use std::time::Duration;

use rusqlite::{OptionalExtension, Row, named_params};

use super::arrival::{Arrival, body_of, headers_of};
use super::{StoreError, Tx, rows};
use crate::model::Timestamp;

/// Rows kept: enough to mend a mistyped secret by, too few to fill a disk (200 × 256 KiB = 50 MiB at worst).
const KEEP: i64 = 200;
/// How long they are kept.
const KEEP_FOR: Duration = Duration::from_hours(7 * 24);

/// One refused request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct QuarantineRow {
    /// Its number for the CLI.
    pub id: i64,
    /// When it came.
    pub received_at: Timestamp,
    /// The source it was sent to.
    pub source: String,
    /// Why it was refused.
    pub reason: String,
    /// Its body's length in bytes.
    pub body_bytes: i64,
    /// When it was replayed, if it was.
    pub replayed_at: Option<Timestamp>,
}

pub(super) fn row_of(row: &Row<'_>) -> Result<QuarantineRow, StoreError> {
    Ok(QuarantineRow {
        id: row.get("id")?,
        received_at: rows::parsed(row, "received_at")?,
        source: row.get("source")?,
        reason: row.get("reason")?,
        body_bytes: row.get("body_bytes")?,
        replayed_at: rows::maybe(row, "replayed_at")?,
    })
}

impl Tx<'_> {
    /// Keeps a refused request and raises one counted alert for its source. `missed` before it were not kept and are only
    /// counted.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn quarantine(self, arrival: &Arrival, reason: &str, missed: u32) -> Result<(), StoreError> {
        const INSERT: &str = "
            INSERT INTO quarantine (received_at, source, method, target, headers, body, reason)
            VALUES (:at, :source, :method, :target, :headers, :body, :reason)";
        const TRIM: &str = "
            DELETE FROM quarantine WHERE received_at < :oldest OR id <= (SELECT max(id) FROM quarantine) - :keep";
        let now = arrival.received_at;
        self.connection.prepare_cached(INSERT)?.execute(named_params! {
            ":at": now.to_string(), ":source": arrival.source, ":method": arrival.method, ":target": arrival.target,
            ":headers": headers_of(arrival), ":body": body_of(arrival), ":reason": reason,
        })?;
        self.connection
            .prepare_cached(TRIM)?
            .execute(named_params! { ":oldest": now.before(KEEP_FOR).to_string(), ":keep": KEEP })?;
        self.alert_of_many(
            missed.saturating_add(1),
            &format!("quarantine:{}", arrival.source),
            &format!("requests to source {} are refused: {reason}", arrival.source),
            "compare the secret with the sender's, then `nightdesk quarantine replay`; a forger can be ignored",
            now,
        )
    }

    /// A refused request as it came, to be put through the gate again.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn quarantined(self, id: i64) -> Result<Option<Arrival>, StoreError> {
        let mut query = self.connection.prepare_cached("SELECT * FROM quarantine WHERE id = :id")?;
        query.query_row(named_params! { ":id": id }, |row| Ok(Arrival::of(row))).optional()?.transpose()
    }

    /// The refused requests that were not replayed yet.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn quarantine_waiting(self) -> Result<Vec<i64>, StoreError> {
        const SQL: &str = "SELECT id FROM quarantine WHERE replayed_at IS NULL ORDER BY id";
        self.connection.prepare_cached(SQL)?.query_and_then([], |row| Ok(row.get(0)?))?.collect()
    }

    /// Keeps that a refused request was replayed.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn mark_replayed(self, id: i64, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE quarantine SET replayed_at = :now WHERE id = :id";
        self.connection.prepare_cached(SQL)?.execute(named_params! { ":id": id, ":now": now.to_string() })?;
        Ok(())
    }
}
