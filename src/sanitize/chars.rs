//! Characters and lines: what is invisible goes, what is composed is composed, white space folds, length ends.
//!
//! Each function is a fixed point of itself, and none makes text look like markup that didn't before: that is what
//! lets [`super::clean`] stop. NFC as in UAX #15, never NFKC, which would change what a person wrote.

use unicode_normalization::UnicodeNormalization;

/// Labels that forms and plugins put in front of a message, lower case. The colon belongs to them.
const LABELS: [&str; 12] = [
    "message:",
    "your message:",
    "message body:",
    "comment:",
    "comments:",
    "your comment:",
    "inquiry:",
    "enquiry:",
    "nachricht:",
    "ihre nachricht:",
    "mensaje:",
    "bericht:",
];

/// First lines that contact forms put in front of a message: a line that starts like this is dropped whole.
const LEADS_IN: [&str; 6] = [
    "you have received a new message from",
    "you have a new message from",
    "new message from your website",
    "new submission from",
    "this e-mail was sent from a contact form",
    "this email was sent from a contact form",
];

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

/// The text behind the labels and first lines of forms; a text that is nothing else stays.
pub(super) fn without_label(text: &str) -> &str {
    let mut rest = text;
    while let Some(behind) = behind_label(rest).or_else(|| behind_lead_in(rest)) {
        rest = behind;
    }
    rest
}

fn behind_label(text: &str) -> Option<&str> {
    let behind = LABELS.iter().find_map(|label| strip_prefix_any_case(text, label))?;
    Some(behind.trim_start()).filter(|behind| !behind.is_empty())
}

fn behind_lead_in(text: &str) -> Option<&str> {
    let (line, behind) = text.split_once('\n')?;
    LEADS_IN.iter().find_map(|start| strip_prefix_any_case(line, start))?;
    Some(behind.trim_start()).filter(|behind| !behind.is_empty())
}

fn strip_prefix_any_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
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
        out.extend(word.nfc().flat_map(char::to_lowercase));
    }
    out
}
