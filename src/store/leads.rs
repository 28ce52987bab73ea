//! Leads: who wrote and what we concluded.

use rusqlite::{OptionalExtension, named_params};

use super::{StoreError, Tx, rows};
use crate::model::{ClassifiedBy, Label, Lead, LeadId, Phone, Reading, Timestamp};

impl Tx<'_> {
    /// The lead, if there is one of that id.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn lead(self, id: LeadId) -> Result<Option<Lead>, StoreError> {
        let mut query = self.connection.prepare_cached("SELECT * FROM leads WHERE id = :id")?;
        query.query_row(named_params! { ":id": id.to_string() }, |row| Ok(rows::lead(row))).optional()?.transpose()
    }

    /// Why no model was asked before a person was told of the lead, where none could be paid for.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn unasked_why(self, id: LeadId) -> Result<Option<String>, StoreError> {
        const SQL: &str = "
            SELECT max(result) FROM jobs WHERE lead_id = :lead AND kind = 'classify_deadline' AND state = 'done'";
        let mut query = self.connection.prepare_cached(SQL)?;
        Ok(query.query_row(named_params! { ":lead": id.to_string() }, |row| row.get(0))?)
    }

    /// Keeps what the sanitiser made of the lead, once.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn set_reading(self, id: LeadId, reading: &Reading) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE leads SET message = :message, phone = :phone WHERE id = :id AND message IS NULL";
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":id": id.to_string(), ":message": reading.message, ":phone": reading.phone.as_ref().map(Phone::as_str),
        })?;
        Ok(())
    }

    /// Keeps the label and that the lead was routed by it.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn set_label(self, id: LeadId, label: Label, by: ClassifiedBy, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE leads SET label = :label, classified_by = :by, routed_at = :now WHERE id = :id";
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":id": id.to_string(), ":label": label.name(), ":by": by.name(), ":now": now.to_string(),
        })?;
        Ok(())
    }

    /// Keeps that the lead was routed without a label.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn set_provisional(self, id: LeadId, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE leads SET provisional_at = :now WHERE id = :id";
        self.connection
            .prepare_cached(SQL)?
            .execute(named_params! { ":id": id.to_string(), ":now": now.to_string() })?;
        Ok(())
    }

    /// Marks the lead settled if every job of it has ended, or open again if one has not. Returns whether it is settled.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn settle_lead(self, id: LeadId, now: Timestamp) -> Result<bool, StoreError> {
        const OPEN: &str =
            "SELECT EXISTS (SELECT 1 FROM jobs WHERE lead_id = :id AND state IN ('ready', 'leased', 'unknown'))";
        const SQL: &str = "UPDATE leads SET settled_at = :at WHERE id = :id AND (settled_at IS NULL) <> (:at IS NULL)";
        let id = id.to_string();
        let open: bool =
            self.connection.prepare_cached(OPEN)?.query_row(named_params! { ":id": id }, |row| row.get(0))?;
        let at = (!open).then(|| now.to_string());
        self.connection.prepare_cached(SQL)?.execute(named_params! { ":id": id, ":at": at })?;
        Ok(!open)
    }
}
