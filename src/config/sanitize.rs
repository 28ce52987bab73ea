//! What is taken out of messages beyond what the program knows by itself: the operator's own forms and footers.

use super::{Problems, raw};

/// Shorter starts would take honest lines along.
const LEAST_CHARS: usize = 4;

/// What is taken out of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sanitize {
    /// A line that starts like one of these is dropped.
    pub drop_lines: Vec<String>,
}

impl Sanitize {
    pub(super) fn of(raw: raw::Sanitize, problems: &mut Problems) -> Self {
        let mut drop_lines = Vec::new();
        for (nth, line) in raw.drop_lines.unwrap_or_default().into_iter().enumerate() {
            let line = line.trim();
            if line.chars().any(char::is_control) {
                problems.error(format!("sanitize.drop-lines[{nth}]"), "one line of text");
            } else if line.chars().filter(|c| c.is_alphanumeric()).count() < LEAST_CHARS {
                problems.error(
                    format!("sanitize.drop-lines[{nth}]"),
                    "at least four letters or digits: less would drop what people write",
                );
            }
            drop_lines.push(line.to_owned());
        }
        Self { drop_lines }
    }
}
