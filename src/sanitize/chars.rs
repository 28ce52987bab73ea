//! Characters and lines: what is invisible goes, what is composed is composed, white space folds, length ends.
//!
//! Each function is a fixed point of itself, and none makes text look like markup that didn't before: that is what
//! lets [`super::clean`] stop. NFC as in UAX #15, never NFKC, which would change what a person wrote.

use unicode_normalization::UnicodeNormalization;

/// The text without what can't be seen: control characters, zero-width and bidirectional marks, tags; in NFC.
pub(super) fn visible(text: &str) -> String {
    let mut last = '\0';
    let shown = text.chars().filter_map(move |c| {
        let before = std::mem::replace(&mut last, c);
        match c {
            '\n' if before == '\r' => None,
            '\r' | '\u{2028}' | '\u{2029}' => Some('\n'),
            '\t' | '\u{a0}' => Some(' '),
            _ if c != '\n' && (c.is_control() || is_invisible(c)) => None,
            _ => Some(c),
        }
    });
    shown.nfc().collect()
}

/// Takes no room or turns the reading direction.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// No spaces at the end of a line, no more than one blank line, nothing before the first and after the last word.
pub(super) fn laid_out(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = 0_usize;
    for line in text.trim().lines().map(str::trim_end) {
        blank = if line.is_empty() { blank.saturating_add(1) } else { 0 };
        if blank < 2 {
            out.push_str(line);
            out.push('\n');
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// At most `cap` characters, none of them cut in half.
pub(super) fn cut(text: &str, cap: usize) -> String {
    let end = text.char_indices().nth(cap).map_or(text.len(), |(at, _)| at);
    text.split_at_checked(end).map_or(text, |(start, _)| start).trim_end().to_owned()
}

/// NFC, lower case, white space folded.
pub(super) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        if word.is_ascii() {
            out.extend(word.chars().map(|c| c.to_ascii_lowercase()));
        } else {
            out.extend(word.nfc().flat_map(char::to_lowercase));
        }
    }
    out
}
