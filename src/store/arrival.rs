//! A request as it arrived, and how it lies in a row: the inbox and the quarantine keep the same columns.

use rusqlite::Row;
use rusqlite::types::Value;

use super::{StoreError, rows};
use crate::model::Timestamp;

/// One request, with its secrets already replaced by `***`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// When it came.
    pub received_at: Timestamp,
    /// The configured source.
    pub source: String,
    /// Its method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

impl Arrival {
    /// The request of a row.
    pub(super) fn of(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            received_at: rows::parsed(row, "received_at")?,
            source: row.get("source")?,
            method: row.get("method")?,
            target: row.get("target")?,
            headers: headers(row.get("headers")?)?,
            body: bytes(row.get("body")?),
        })
    }
}

/// Headers as they are stored.
pub(super) fn headers(text: String) -> Result<Vec<(String, String)>, StoreError> {
    serde_json::from_str(&text).map_err(|_| StoreError::Alien { column: "headers", value: text })
}

pub(super) fn headers_of(arrival: &Arrival) -> String {
    serde_json::to_string(&arrival.headers).unwrap_or_else(|_| "[]".to_owned())
}

/// UTF-8 as text, so that a person can read it in a browser; anything else as it is. A NUL would end the text for most
/// of SQLite's own functions.
pub(super) fn body_of(arrival: &Arrival) -> Value {
    match std::str::from_utf8(&arrival.body) {
        Ok(text) if !text.contains('\0') => Value::Text(text.to_owned()),
        Ok(_) | Err(_) => Value::Blob(arrival.body.clone()),
    }
}

/// A body as bytes, whichever way it lies in the file.
pub(super) fn bytes(value: Value) -> Vec<u8> {
    match value {
        Value::Text(text) => text.into_bytes(),
        Value::Blob(blob) => blob,
        Value::Null | Value::Integer(_) | Value::Real(_) => Vec::new(),
    }
}
