//! What a peer says, and what is said to it, as words of ours: the start of a body, an id, a part of an address.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// Words of a peer that we repeat are cut here; some list everything they refuse.
const MAX_SAID_CHARS: usize = 400;

/// The start of what a peer said, on one line.
#[must_use]
pub fn excerpt(said: &str) -> String {
    let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() { "(an empty body)".to_owned() } else { line.chars().take(MAX_SAID_CHARS).collect() }
}

/// An id, which vendors write as a text in some answers and as a number in others.
#[must_use]
pub fn text_of(id: &Value) -> Option<String> {
    id.as_str().map(str::to_owned).or_else(|| id.as_u64().map(|id| id.to_string()))
}

/// A path segment: an id comes from a webhook and may be anything. One or two dots mean another place even when they are
/// encoded (WHATWG URL, clause 4.4): they become a segment that is nowhere.
#[must_use]
pub fn segment(text: &str) -> String {
    let nowhere = if matches!(text, "." | "..") { "%20" } else { "" };
    format!("{}{nowhere}", utf8_percent_encode(text, NON_ALPHANUMERIC))
}
