//! Hostile markup to clean text: what a person typed, without what a machine put around it.
//!
//! The pipeline calls [`clean`] before a model or a person sees a message; [`email`] and [`phone`] read what a prospect
//! gave as contact. Clean text holds no markup, no control character except the line break, nothing invisible and
//! nothing that turns the reading direction, and cleaning it again changes nothing. Plain text that merely looks
//! a little like markup (`3 < 5`, `a<b`, `R&D`, `x &lt y`) survives. No input panics; time grows with its length.

mod chars;
mod contact;
mod markup;
mod tags;
#[cfg(test)]
mod tests;
mod tokens;

use std::fmt;

pub use contact::{email, phone};

/// Text may have been escaped more than once on its way: it is unwrapped once, and at most three times more.
const ROUNDS: usize = 4;

/// More than any listener takes by default; what lies beyond can't be a message.
const MOST_RAW_BYTES: usize = 1024 * 1024;

/// A message that is safe to show, to log and to send. Only [`clean`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanText(String);

impl CleanText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Nothing was left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for CleanText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<CleanText> for String {
    fn from(text: CleanText) -> Self {
        text.0
    }
}

/// Cleans a message as it was sent and cuts it to `cap` characters.
#[must_use]
pub fn clean(raw: &str, cap: usize) -> CleanText {
    let end = raw.floor_char_boundary(MOST_RAW_BYTES);
    let (start, _) = raw.split_at_checked(end).unwrap_or((raw, ""));
    let mut text = chars::visible(start);
    for round in 0..=ROUNDS {
        let next = chars::visible(&markup::strip(&text));
        if next == text {
            break;
        }
        text = if round < ROUNDS {
            next
        } else {
            // Wrapped deeper than any honest text: what is left must not be mistaken for markup by a later reader.
            chars::visible(&text.replace(['<', '&'], ""))
        };
    }
    CleanText(chars::cut(chars::without_label(&chars::laid_out(&text)), cap))
}

/// A message as duplicates are told by: NFC, lower case, white space folded. Cheap, and good for nothing else.
#[must_use]
pub fn normalise(text: &str) -> String {
    chars::folded(text)
}
