//! An entry as a line: for people, or as JSON for machines. Pure.
//!
//! A lead's text goes through here on its way to somebody's terminal, so no character that moves a cursor, ends a line,
//! turns the reading direction or hides is ever written as it is.

use serde::{Serialize, Serializer};
use serde_json::Value;
use tracing::Level;

use super::entry::{Entry, text_of};

const DIM: &str = "\u{1b}[2m";
const PLAIN: &str = "\u{1b}[0m";

/// `2026-11-23T22:04:05.678Z  INFO text submitted lead_id=… channel=sms:modem0`
pub(super) fn text(entry: &Entry, colours: bool) -> String {
    let paint = |code: &'static str| if colours { code } else { "" };
    let level = *entry.meta.level();
    let hue = match level {
        Level::ERROR => "\u{1b}[1;31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        Level::DEBUG => "\u{1b}[34m",
        Level::TRACE => DIM,
    };
    let (dim, hue, plain) = (paint(DIM), paint(hue), paint(PLAIN));
    let mut line = format!("{dim}{}{plain} {hue}{level:>5}{plain} {}", entry.at, tame(&entry.fields.message));
    for (name, value) in &entry.fields.values {
        line.extend([" ", dim, name, "=", plain, &bare_or_quoted(&text_of(value))]);
    }
    line.push('\n');
    line
}

/// `{"time":…,"level":…,"target":…,"message":…,"fields":{…}}`
pub(super) fn json(entry: &Entry) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        time: String,
        level: &'static str,
        target: &'a str,
        message: &'a str,
        #[serde(serialize_with = "in_order")]
        fields: &'a [(&'static str, Value)],
    }
    let line = serde_json::to_string(&Line {
        time: entry.at.to_string(),
        level: entry.meta.level().as_str(),
        target: entry.meta.target(),
        message: &entry.fields.message,
        fields: &entry.fields.values,
    });
    // Outside of strings JSON is plain ASCII, so what is still hostile stands inside of one.
    let mut tamed = escape(line.unwrap_or_default(), |c, to| {
        to.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
    });
    tamed.push('\n');
    tamed
}

fn in_order<S: Serializer>(fields: &[(&'static str, Value)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(fields.iter().map(|(name, value)| (name, value)))
}

/// The text with every hostile character written as its escape.
pub(super) fn tame(text: &str) -> String {
    escape(text.to_owned(), |c, to| to.extend(c.escape_default()))
}

/// The text with each hostile character as `push` writes it. Most have none: they are looked through byte by byte.
fn escape(text: String, push: impl Fn(char, &mut String)) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text;
    }
    let mut tamed = String::with_capacity(text.len());
    for c in text.chars() {
        if hostile(c) { push(c, &mut tamed) } else { tamed.push(c) }
    }
    tamed
}

/// A value of `name=value`: as it is if it can't be mistaken for more than one, otherwise in quotes.
fn bare_or_quoted(text: &str) -> String {
    let bare = |c: char| !(c.is_whitespace() || matches!(c, '"' | '=' | '\\') || hostile(c));
    if !text.is_empty() && text.chars().all(bare) {
        return text.to_owned();
    }
    format!("\"{}\"", tame(&text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// Whether a character does something to a terminal or a reader's eye other than stand there: control characters,
/// line separators, bidirectional controls, zero-width and tag characters.
fn hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
