//! What a person should look at: one row a problem, counted, with the cure.

use rusqlite::{OptionalExtension, named_params};

use super::{StoreError, Tx, rows};
use crate::model::Timestamp;

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRow {
    /// Its name.
    pub key: String,
    /// First seen.
    pub first_at: Timestamp,
    /// Last seen.
    pub last_at: Timestamp,
    /// How often.
    pub count: u32,
    /// What is wrong, in words.
    pub text: String,
    /// What to do.
    pub cure: String,
}

impl Tx<'_> {
    /// Raises the alert `key`, or counts it once more. A new one (or one that had been cleared) is an error line in the log.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn alert(self, key: &str, text: &str, cure: &str, now: Timestamp) -> Result<(), StoreError> {
        self.alert_of_many(1, key, text, cure, now)
    }

    /// The same for something that happened `times` since it was last told.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn alert_of_many(
        self,
        times: u32,
        key: &str,
        text: &str,
        cure: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT INTO alerts (key, first_at, last_at, count, text, cure)
                VALUES (:key, :now, :now, :times, :text, :cure)
                ON CONFLICT (key) DO UPDATE SET
                   first_at = CASE WHEN cleared_at IS NULL THEN first_at ELSE :now END,
                   count = CASE WHEN cleared_at IS NULL THEN count + :times ELSE :times END,
                   last_at = :now, text = :text, cure = :cure, cleared_at = NULL
            RETURNING count";
        let now = now.to_string();
        let params = named_params! { ":times": times, ":key": key, ":now": now, ":text": text, ":cure": cure };
        let count: u32 = self.connection.prepare_cached(SQL)?.query_row(params, |row| row.get(0))?;
        if count == times {
            tracing::error!(alert = key, cure, "{text}");
        }
        Ok(())
    }

    /// The problem is gone.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn clear_alert(self, key: &str, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE alerts SET cleared_at = :now WHERE key = :key AND cleared_at IS NULL";
        let changed =
            self.connection.prepare_cached(SQL)?.execute(named_params! { ":key": key, ":now": now.to_string() })?;
        if changed > 0 {
            tracing::info!(alert = key, "the alert is cleared");
        }
        Ok(())
    }

    /// The problems of one kind (`gate:`, `homeless:`) are gone, as far as they were last seen before `before`.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn clear_alerts_of(self, kind: &str, before: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "
            UPDATE alerts SET cleared_at = :now
             WHERE substr(key, 1, length(:kind)) = :kind AND last_at <= :before AND cleared_at IS NULL";
        let params = named_params! { ":kind": kind, ":before": before.to_string(), ":now": now.to_string() };
        self.connection.prepare_cached(SQL)?.execute(params)?;
        Ok(())
    }

    /// What the problem `key` says, if it stands.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn alert_text(self, key: &str) -> Result<Option<String>, StoreError> {
        const SQL: &str = "SELECT text FROM alerts WHERE key = :key AND cleared_at IS NULL";
        let mut query = self.connection.prepare_cached(SQL)?;
        Ok(query.query_row(named_params! { ":key": key }, |row| row.get(0)).optional()?)
    }

    /// The problems that stand.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn alerts(self) -> Result<Vec<AlertRow>, StoreError> {
        let mut query =
            self.connection.prepare_cached("SELECT * FROM alerts WHERE cleared_at IS NULL ORDER BY last_at DESC")?;
        let found = query.query_and_then([], |row| {
            Ok(AlertRow {
                key: row.get("key")?,
                first_at: rows::parsed(row, "first_at")?,
                last_at: rows::parsed(row, "last_at")?,
                count: row.get("count")?,
                text: row.get("text")?,
                cure: row.get("cure")?,
            })
        })?;
        found.collect()
    }
}
