//! Hostile markup to clean text: what a person typed, without what a machine put around it.
//!
//! The pipeline calls [`clean`] before a model or a person sees a message; [`email`] and [`phone`] read what a prospect
//! gave as contact. Clean text holds no markup, no control character except the line break, nothing invisible and
//! nothing that turns the reading direction, and cleaning it again changes nothing. Plain text that merely looks
//! a little like markup (`3 < 5`, `a<b`, `R&D`, `x &lt y`) survives, and so does every script: what looks alike is never
//! rewritten. Quotes, signatures and labels go, but never all of a message. No input panics; time grows with its length.

mod boilerplate;
mod chars;
mod contact;
#[cfg(test)]
mod golden;
mod markup;
mod percent;
mod phrases;
#[cfg(test)]
mod properties;
mod quotes;
mod tags;
#[cfg(test)]
mod tests;
mod tokens;

use std::fmt;

pub use contact::{email, phone};

/// Text may have been escaped more than once on its way: it is unwrapped once, and at most three times more.
const ROUNDS: usize = 4;

/// What is cut or dropped may bring together what looks like markup or a quote. Honest text settles at once, hostile
/// text sooner than this, and what doesn't is taken apart.
const PASSES: usize = 6;

/// There is no markup, no entity and no percent-encoding without one of these.
const WRAPPING_SIGNS: [char; 3] = ['<', '&', '%'];

/// There is no label, no delimiter and no quote without one of these.
const BOILERPLATE_SIGNS: [char; 7] = ['<', '&', '%', '>', ':', '-', '_'];

/// More than any listener takes by default; what lies beyond can't be a message.
const MOST_RAW_BYTES: usize = 1024 * 1024;

/// A page of text says what a lead wants; what follows is a newsletter.
const MAX_CHARS: usize = 8_000;

/// How messages are cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Longer messages are cut to so many characters.
    pub max_chars: usize,
    /// Lines that start like one of these are dropped, whatever their case.
    pub drop_lines: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_chars: MAX_CHARS, drop_lines: Vec::new() }
    }
}

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

/// Cleans a message as it was sent.
#[must_use]
pub fn clean(raw: &str, settings: &Settings) -> CleanText {
    let drop_lines: Vec<String> = settings.drop_lines.iter().map(|line| boilerplate::folded(line)).collect();
    let pass = |text: &str| {
        let own = boilerplate::without(&unwrapped(text), &drop_lines);
        chars::cut(&chars::laid_out(&own), settings.max_chars)
    };
    let end = raw.floor_char_boundary(MOST_RAW_BYTES);
    let (start, _) = raw.split_at_checked(end).unwrap_or((raw, ""));
    let settled = |mut text: String| {
        for _ in 0..PASSES {
            let next = pass(&text);
            if next == text {
                return Ok(text);
            }
            text = next;
        }
        Err(text)
    };
    let text = settled(chars::visible(start)).or_else(|text| settled(without(&text, &BOILERPLATE_SIGNS)));
    CleanText(text.unwrap_or_else(|text| text))
}

/// The text without any layer of markup, entities and percent-encoding.
fn unwrapped(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..ROUNDS {
        let Some(next) = unwrapped_once(&text) else { return text };
        text = next;
    }
    if unwrapped_once(&text).is_some() { without(&text, &WRAPPING_SIGNS) } else { text }
}

fn unwrapped_once(text: &str) -> Option<String> {
    let next = chars::visible(&markup::strip(text));
    if next == text { percent::decoded(text).map(|text| chars::visible(&text)) } else { Some(next) }
}

/// The text with these taken out of it: hostile, and not to be mistaken for what it plays by a later reader.
fn without(text: &str, signs: &[char]) -> String {
    chars::visible(&text.replace(signs, ""))
}

/// A message as duplicates are told by: NFC, lower case, white space folded. Cheap, and good for nothing else.
#[must_use]
pub fn normalise(text: &str) -> String {
    chars::folded(text)
}
