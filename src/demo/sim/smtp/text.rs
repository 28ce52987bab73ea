//! The text of a mail as it comes, line by line, until the dot; with what is wrong with its lines.
//!
//! Called by the conversation. Sources: RFC 5321, clauses 2.3.8 (only CR LF ends a line), 4.5.2 (dots) and 4.5.3.1.6 (how
//! long a line may be).

use super::rules;

/// Without its CR LF.
const MAX_LINE_BYTES: usize = 998;

/// The lines so far.
#[derive(Debug, Default)]
pub(super) struct Lines {
    raw: Vec<u8>,
    came: bool,
    mistakes: Vec<String>,
}

impl Lines {
    pub(super) const fn is_empty(&self) -> bool {
        !self.came
    }

    /// Takes a line as it came, end included. `false`: it was the dot.
    pub(super) fn take(&mut self, line: &[u8]) -> bool {
        self.came = true;
        if line == b".\r\n" {
            return false;
        }
        let whole = line.strip_suffix(b"\n").unwrap_or(line);
        let text = whole.strip_suffix(b"\r").unwrap_or(whole);
        if text.len() == whole.len() {
            self.mistakes.push("a bare LF in the text".to_owned());
        }
        if text.contains(&b'\r') {
            self.mistakes.push("a bare CR in the text".to_owned());
        }
        if text.contains(&0) {
            self.mistakes.push("a NUL in the text".to_owned());
        }
        if text.first() == Some(&b'.') && text.get(1) != Some(&b'.') {
            self.mistakes.push("a line that begins with a dot, which is not doubled".to_owned());
        }
        let text = text.strip_prefix(b".").unwrap_or(text);
        if text.len() > MAX_LINE_BYTES {
            self.mistakes.push(format!("a line of {} bytes", text.len()));
        }
        self.raw.extend_from_slice(text);
        self.raw.extend_from_slice(b"\r\n");
        true
    }

    /// The mail, and all that is wrong with it.
    pub(super) fn judged(self, eight_bit: bool, utf8: bool) -> (String, Vec<String>) {
        let Self { raw, mut mistakes, .. } = self;
        if !raw.is_ascii() && !eight_bit {
            mistakes.push("bytes beyond ASCII without BODY=8BITMIME".to_owned());
        }
        let raw = String::from_utf8_lossy(&raw).into_owned();
        mistakes.extend(rules::mistakes(&raw, utf8));
        (raw, mistakes)
    }
}
