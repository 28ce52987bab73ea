//! The page the story is written on: headings, paragraphs, moments, phones, tables. Words come from the caller.
//!
//! Plain text of 80 columns, no colours: it reads the same on a terminal, in a file and in a log. A lead's words were
//! written by a stranger: whatever is wrapped is made harmless first.

use std::io::{self, Write};
use std::time::Duration;

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};

/// Columns.
const WIDTH: usize = 80;
/// Where the text beside a time begins.
const GUTTER: usize = 12;
/// What a phone shows in a line.
const PHONE: usize = 50;

/// Writes the story.
pub(super) struct Page<'o> {
    out: &'o mut dyn Write,
}

impl<'o> Page<'o> {
    pub(super) fn new(out: &'o mut dyn Write) -> Self {
        Self { out }
    }

    /// A chapter begins.
    pub(super) fn heading(&mut self, text: &str) -> io::Result<()> {
        let rule = "─".repeat(WIDTH.saturating_sub(text.chars().count()).saturating_sub(1));
        self.lines("", &[String::new(), format!("{text} {rule}"), String::new()])
    }

    /// A paragraph.
    pub(super) fn say(&mut self, text: &str) -> io::Result<()> {
        self.lines("", &wrapped(text, WIDTH))
    }

    /// An empty line.
    pub(super) fn gap(&mut self) -> io::Result<()> {
        self.lines("", &[String::new()])
    }

    /// Lines as they stand.
    pub(super) fn verbatim(&mut self, lines: &[&str]) -> io::Result<()> {
        self.lines("", &lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
    }

    /// Somebody's words.
    pub(super) fn quote(&mut self, text: &str) -> io::Result<()> {
        self.lines("  │ ", &wrapped(text, WIDTH.saturating_sub(4)))
    }

    /// What happened after so long.
    pub(super) fn moment(&mut self, after: Duration, text: &str) -> io::Result<()> {
        let ms = after.as_millis();
        let wrapped = wrapped(text, WIDTH.saturating_sub(GUTTER));
        let mut lines = wrapped.iter();
        let first = lines.next().map_or("", String::as_str);
        self.lines("", &[format!("{ms:>7} ms  {first}")])?;
        self.lines(&" ".repeat(GUTTER), &lines.cloned().collect::<Vec<_>>())
    }

    /// What belongs to the moment before.
    pub(super) fn beside(&mut self, text: &str) -> io::Result<()> {
        self.lines(&" ".repeat(GUTTER), &wrapped(text, WIDTH.saturating_sub(GUTTER)))
    }

    /// Somebody's words that belong to the moment before.
    pub(super) fn quote_beside(&mut self, text: &str) -> io::Result<()> {
        let margin = format!("{}│ ", " ".repeat(GUTTER));
        self.lines(&margin, &wrapped(text, WIDTH.saturating_sub(GUTTER).saturating_sub(2)))
    }

    /// A text as a phone shows it.
    pub(super) fn phone(&mut self, to: &str, text: &str) -> io::Result<()> {
        let margin = " ".repeat(GUTTER);
        let title = format!(" {to} ");
        let rule = "─".repeat(PHONE.saturating_add(1).saturating_sub(title.chars().count()));
        let body = wrapped(text, PHONE).into_iter().map(|line| format!("│ {line:<PHONE$} │"));
        let top = std::iter::once(format!("╭─{title}{rule}╮"));
        let bottom = std::iter::once(format!("╰{}╯", "─".repeat(PHONE.saturating_add(2))));
        self.lines(&margin, &top.chain(body).chain(bottom).collect::<Vec<_>>())
    }

    /// A table under `head`.
    pub(super) fn table(&mut self, head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> io::Result<()> {
        let mut table = Table::new();
        table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(head.iter().copied());
        for row in rows {
            table.add_row(row);
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let text = table.trim_fmt();
        self.lines("", &text.lines().map(str::to_owned).collect::<Vec<_>>())
    }

    /// Whoever watches shall see it now.
    fn lines(&mut self, margin: &str, lines: &[String]) -> io::Result<()> {
        for line in lines {
            writeln!(self.out, "{}", format!("{margin}{line}").trim_end())?;
        }
        self.out.flush()
    }
}

/// What a terminal would act on, or not show at all, as escapes: controls, zero-width characters, and what sets the
/// direction of writing (Unicode Annex #9).
fn harmless(text: &str) -> String {
    let odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if odd(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// `text` in lines of at most `width` characters, broken at white space; a longer word is broken where it must be.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace().flat_map(|word| pieces(&harmless(word), width)) {
            let room = width.saturating_sub(line.chars().count());
            if !line.is_empty() && word.chars().count() >= room {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        lines.push(line);
    }
    lines
}

fn pieces(word: &str, width: usize) -> Vec<String> {
    let chars: Vec<char> = word.chars().collect();
    chars.chunks(width.max(1)).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_fit() {
        for (name, text, width, want) in [
            ("short", "a b", 10, vec!["a b"]),
            ("exactly", "aaa bbb", 7, vec!["aaa bbb"]),
            ("one too many", "aaa bbb", 6, vec!["aaa", "bbb"]),
            ("a long word", "aaaaa b", 3, vec!["aaa", "aa", "b"]),
            ("its own lines", "a\n\nb", 9, vec!["a", "", "b"]),
            ("nothing", "", 9, vec![]),
        ] {
            assert_eq!(wrapped(text, width), want, "{name}");
        }
    }

    #[test]
    fn a_phone_is_a_box_and_a_stranger_moves_no_cursor() {
        let mut out = Vec::new();
        Page::new(&mut out).phone("Dana", "K7 URGENT \u{1b}[2J\u{202e}x").unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
        assert!(text.contains("\\u{1b}[2J\\u{202e}x"), "{text}");
        let widths: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
        assert_eq!(widths, [GUTTER + PHONE + 4; 3], "{text}");
    }
}
