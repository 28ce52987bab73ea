//! One log entry: its message and its fields, collected from spans and event, redacted and capped.
//!
//! Called by the layer only. This is the one place where a lead's words are kept out of the log; what is not a field
//! named in [`CONTENT`] must not carry them. Secrets never get this far: their types don't print.

use std::fmt;

use serde_json::Value;
use tracing::Metadata;
use tracing::field::{Field, Visit};

use super::Content;
use crate::model::Timestamp;

/// The fields that carry what a lead, a prompt, a model, a peer or a text message says.
const CONTENT: [&str; 7] = ["payload", "clean_text", "prompt", "answer", "request", "response", "sms_text"];

/// A longer value is cut, in bytes. The database has it in full; the log lives on an SD card, and up to
/// [`super::journald::ROOM`] entries wait in memory while the journal hangs.
const MAX_VALUE: usize = 16 * 1024;

/// What happened, when and where in the code.
pub(super) struct Entry {
    pub(super) at: Timestamp,
    pub(super) meta: &'static Metadata<'static>,
    pub(super) fields: Fields,
}

/// The message and the fields of a span or event. A later value of a name replaces an earlier one.
pub(super) struct Fields {
    content: Content,
    pub(super) message: String,
    pub(super) values: Vec<(&'static str, Value)>,
}

impl Fields {
    pub(super) fn new(content: Content) -> Self {
        Self { content, message: String::new(), values: Vec::new() }
    }

    /// Takes over the fields of a span around this one.
    pub(super) fn inherit(&mut self, outer: &Self) {
        for (name, value) in &outer.values {
            self.set(name, value.clone());
        }
    }

    fn set(&mut self, name: &'static str, value: Value) {
        match self.values.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.values.push((name, value)),
        }
    }

    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        let (name, value) = (field.name(), value.into());
        let value = match (self.content, value) {
            (Content::Redacted, value) if CONTENT.contains(&name) => Value::String(redacted(&value)),
            (_, Value::String(text)) => Value::String(capped(text)),
            (_, value) => value,
        };
        match value {
            Value::String(text) if name == "message" => self.message = text,
            value => self.set(name, value),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}

/// The text of a value as a person reads it.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn redacted(value: &Value) -> String {
    format!("[{} chars]", text_of(value).chars().count())
}

fn capped(mut text: String) -> String {
    if text.len() <= MAX_VALUE {
        return text;
    }
    let rest = text.split_off(text.floor_char_boundary(MAX_VALUE));
    format!("{text}… [{} chars more]", rest.chars().count())
}
