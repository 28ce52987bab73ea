//! Overrides of the rota that were made while the desk ran.

use rusqlite::{Connection, Row, named_params};
use serde::Serialize;

use super::{Reader, StoreError, Tx, rows};
use crate::model::Timestamp;
use crate::model::oncall::{Override, Stretch};

/// An override as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OverrideRow {
    /// By which it is cancelled.
    pub id: i64,
    /// Who has duty, by key; nobody, if there is none.
    pub who: Option<String>,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl OverrideRow {
    /// As the rota takes it.
    #[must_use]
    pub fn meant(self) -> Override {
        Override { when: Stretch { from: self.from, until: self.until }, who: self.who }
    }
}

impl Tx<'_> {
    /// Those that count at some time from `now` on, oldest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn overrides(self, now: Timestamp) -> Result<Vec<Override>, StoreError> {
        Ok(listed(self.connection, now)?.into_iter().map(OverrideRow::meant).collect())
    }

    /// Keeps one; its number.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn add_override(self, new: &Override, now: Timestamp) -> Result<i64, StoreError> {
        const SQL: &str = "
            INSERT INTO oncall_overrides (who, from_at, until_at, made_at) VALUES (:who, :from, :until, :now)";
        let (from, until) = (new.when.from.to_string(), new.when.until.to_string());
        let params = named_params! { ":who": new.who, ":from": from, ":until": until, ":now": now.to_string() };
        self.connection.prepare_cached(SQL)?.execute(params)?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Takes one back: `false` if there is none with this number that still counts.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn cancel_override(self, id: i64, now: Timestamp) -> Result<bool, StoreError> {
        const SQL: &str = "
            UPDATE oncall_overrides SET cancelled_at = :now WHERE id = :id AND cancelled_at IS NULL AND until_at > :now";
        let params = named_params! { ":id": id, ":now": now.to_string() };
        Ok(self.connection.prepare_cached(SQL)?.execute(params)? == 1)
    }
}

impl Reader {
    /// Those that count at some time from `now` on, oldest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn overrides(&self, now: Timestamp) -> Result<Vec<OverrideRow>, StoreError> {
        listed(&self.connection, now)
    }
}

fn listed(connection: &Connection, now: Timestamp) -> Result<Vec<OverrideRow>, StoreError> {
    const SQL: &str = "
        SELECT id, who, from_at, until_at FROM oncall_overrides
         WHERE until_at > :now AND cancelled_at IS NULL ORDER BY id";
    let of = |row: &Row<'_>| {
        let (from, until) = (rows::parsed(row, "from_at")?, rows::parsed(row, "until_at")?);
        Ok(OverrideRow { id: row.get("id")?, who: row.get("who")?, from, until })
    };
    connection.prepare_cached(SQL)?.query_and_then(named_params! { ":now": now.to_string() }, of)?.collect()
}
