//! Columns to values and back: the one place that knows how times, ids and words lie in the file.

use std::str::FromStr;

use rusqlite::Row;

use super::StoreError;
use crate::model::{Channel, ClassifiedBy, CrmRecord};
use crate::model::{JobState, Lead, LeadCode, Phone, Timestamp};

/// A text column, parsed.
pub(super) fn parsed<T: FromStr>(row: &Row<'_>, column: &'static str) -> Result<T, StoreError> {
    let text: String = row.get(column)?;
    text.parse().map_err(|_| StoreError::Alien { column, value: text })
}

/// A nullable text column, parsed.
pub(super) fn maybe<T: FromStr>(row: &Row<'_>, column: &'static str) -> Result<Option<T>, StoreError> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| text.parse().map_err(|_| StoreError::Alien { column, value: text })).transpose()
}

/// The state of a job.
pub(super) fn job_state(row: &Row<'_>, column: &'static str) -> Result<JobState, StoreError> {
    let text: String = row.get(column)?;
    JobState::ALL.into_iter().find(|state| state.name() == text).ok_or(StoreError::Alien { column, value: text })
}

fn classified_by(row: &Row<'_>) -> Result<Option<ClassifiedBy>, StoreError> {
    let text: Option<String> = row.get("classified_by")?;
    let known = [ClassifiedBy::Llm, ClassifiedBy::LlmFallback, ClassifiedBy::Person];
    text.map(|text| {
        known.into_iter().find(|by| by.name() == text).ok_or(StoreError::Alien { column: "classified_by", value: text })
    })
    .transpose()
}

/// A whole row of `leads`.
pub(super) fn lead(row: &Row<'_>) -> Result<Lead, StoreError> {
    let channel: Option<String> = row.get("crm_channel")?;
    let record: Option<String> = row.get("crm_record")?;
    Ok(Lead {
        id: parsed(row, "id")?,
        code: LeadCode::stored(row.get("code")?),
        source: row.get("source")?,
        received_at: parsed(row, "received_at")?,
        record: channel.zip(record).map(|(channel, id)| CrmRecord { channel: Channel::stored(channel), id }),
        name: row.get("name")?,
        email: row.get("email")?,
        phone_text: row.get("phone_text")?,
        phone: maybe::<Phone>(row, "phone")?,
        raw_message: row.get("raw_message")?,
        message: row.get("message")?,
        label: maybe(row, "label")?,
        classified_by: classified_by(row)?,
        provisional_at: maybe(row, "provisional_at")?,
        routed_at: maybe(row, "routed_at")?,
        settled_at: maybe(row, "settled_at")?,
        unasked_why: None,
        dropped: row.get::<_, Option<String>>("dropped_as")?.is_some(),
        made_at: maybe(row, "made_at")?,
    })
}

/// A nullable time as text.
pub(super) fn text(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}
