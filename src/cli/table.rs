//! What a terminal is shown: tables without borders, times where the operator lives, and foreign text made harmless.
//!
//! A lead's words were written by a stranger: nothing of them may move the cursor, change the colour or turn the line
//! round (Unicode Standard Annex #9), so such characters are shown as escapes. `--json` doesn't come through here.

use std::io::IsTerminal;

use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, ContentArrangement, Row, Table, Width};
use jiff::tz::TimeZone;

use crate::model::Timestamp;

/// A cell of a list is an excerpt: the whole text is one `show` away.
const EXCERPT_CHARS: usize = 120;
/// A row of a list is cut off here; on a narrow terminal the columns wrap.
const ROW_LINES: usize = 4;
/// Less room than this and the last column, which says the most, can't be read.
const LEAST: u16 = 20;
/// Between two columns.
const GAP: u16 = 2;
/// How far a text stands in from what it belongs to.
const INDENT: &str = "    ";

const DATE: &str = "%Y-%m-%d";

/// Where and how things are shown.
pub(super) struct Screen {
    width: Option<u16>,
    zone: TimeZone,
}

/// How a table is made to fit a terminal. A pipe gets all of it.
pub(super) struct Fit {
    /// No column but the last is wider; what is longer wraps.
    pub(super) widest: u16,
    /// Columns that give way to the last one, in this order.
    pub(super) dispensable: &'static [usize],
}

impl Screen {
    /// The terminal behind standard output, if it is one; a pipe has no width. Times are of `zone`.
    pub(super) fn of_stdout(zone: TimeZone) -> Self {
        let stdout = std::io::stdout();
        let size = if stdout.is_terminal() { rustix::termios::tcgetwinsize(stdout).ok() } else { None };
        Self { width: size.map(|size| size.ws_col).filter(|columns| *columns > 0), zone }
    }

    /// Date and time to the second.
    pub(super) fn time(&self, at: Timestamp) -> String {
        self.shown(at, "%Y-%m-%d %H:%M:%S")
    }

    /// Day of the week, date and time to the minute.
    pub(super) fn day(&self, at: Timestamp) -> String {
        self.shown(at, "%a %Y-%m-%d %H:%M")
    }

    /// A time as the database stores it, date and time to the minute, for a list.
    pub(super) fn stored_minute(&self, at: &str) -> String {
        at.parse().map_or_else(|_| line(at), |at| self.shown(at, "%Y-%m-%d %H:%M"))
    }

    /// A time as the database stores it, to the millisecond, without its date if that is the date of `start`.
    pub(super) fn stored_moment(&self, at: &str, start: Timestamp) -> String {
        let Ok(at) = at.parse::<Timestamp>() else { return line(at) };
        let same_day = self.shown(at, DATE) == self.shown(start, DATE);
        self.shown(at, if same_day { "%H:%M:%S%.3f" } else { "%Y-%m-%d %H:%M:%S%.3f" })
    }

    /// Date and time to the second, for a time as the database stores it.
    pub(super) fn stored_time(&self, at: &str) -> String {
        at.parse().map_or_else(|_| line(at), |at| self.time(at))
    }

    fn shown(&self, at: Timestamp, form: &str) -> String {
        match jiff::Timestamp::from_millisecond(at.as_millis()) {
            Ok(known) => known.to_zoned(self.zone.clone()).strftime(form).to_string(),
            Err(_) => at.to_string(),
        }
    }

    /// Which clock the times are of.
    pub(super) fn zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// A table under `head`. Cells are made harmless here.
    pub(super) fn table(&self, head: &[&str], fit: &Fit, rows: impl IntoIterator<Item = Vec<String>>) -> String {
        let harmless = |row: Vec<String>| row.iter().map(|cell| line(cell)).collect::<Vec<_>>();
        let mut rows: Vec<Vec<String>> = rows.into_iter().map(harmless).collect();
        rows.insert(0, head.iter().map(ToString::to_string).collect());
        let mut table = Table::new();
        table.load_style(NOTHING);
        let (kept, widths) = self.kept(&rows, fit);
        match self.width {
            Some(width) => table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic),
            None => table.set_content_arrangement(ContentArrangement::Disabled),
        };
        for row in rows {
            let cells = row.into_iter().zip(&kept).filter(|(_, kept)| **kept).map(|(cell, _)| cell);
            let mut row = Row::from(cells.collect::<Vec<_>>());
            row.max_height(ROW_LINES);
            table.add_row(row);
        }
        let last = widths.len().saturating_sub(1);
        for ((nth, column), width) in table.column_iter_mut().enumerate().zip(widths) {
            column.set_padding((0, GAP));
            if self.width.is_some() && nth != last {
                column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
            }
        }
        let mut text = table.trim_fmt();
        text.push('\n');
        text
    }

    /// Which columns are shown, and how wide those are: as many as leave room for the last one.
    fn kept(&self, rows: &[Vec<String>], fit: &Fit) -> (Vec<bool>, Vec<u16>) {
        let columns = rows.first().map_or(0, Vec::len);
        let longest = |nth: usize| rows.iter().filter_map(|row| row.get(nth)).map(|cell| cell.chars().count()).max();
        let width = |nth: usize| {
            let whole = u16::try_from(longest(nth).unwrap_or(0)).unwrap_or(u16::MAX);
            whole.min(fit.widest).saturating_add(GAP)
        };
        let mut kept = vec![true; columns];
        let before_last = columns.saturating_sub(1);
        for dispensable in fit.dispensable {
            let taken = (0..before_last).zip(&kept).filter(|(_, kept)| **kept).map(|(nth, _)| width(nth));
            let taken = taken.fold(0, u16::saturating_add);
            if self.width.is_none_or(|room| room.saturating_sub(taken) >= LEAST) {
                break;
            }
            if let Some(kept) = kept.get_mut(*dispensable) {
                *kept = false;
            }
        }
        let widths = (0..columns).zip(&kept).filter(|(_, kept)| **kept).map(|(nth, _)| width(nth)).collect();
        (kept, widths)
    }
}

/// Bytes for people.
pub(super) fn amount(bytes: u64) -> String {
    let mib = bytes.div_euclid(1024 * 1024);
    match mib {
        0 => format!("{} KiB", bytes.div_ceil(1024)),
        1..10_240 => format!("{mib} MiB"),
        _ => format!("{} GiB", mib.div_euclid(1024)),
    }
}

/// A text on one line.
pub(super) fn line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => shown.push(' '),
            c if disturbs(c) => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

/// The start of a text on one line, for a list.
pub(super) fn excerpt(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(EXCERPT_CHARS) {
        Some((cut, _)) => format!("{}…", line(words.get(..cut).unwrap_or_default())),
        None => line(&words),
    }
}

/// A text with its own lines, each of them indented.
pub(super) fn block(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for part in text.lines() {
        shown.push_str(INDENT);
        shown.push_str(&line(&part.replace('\t', INDENT)));
        shown.push('\n');
    }
    if shown.is_empty() {
        shown.push_str(INDENT);
        shown.push_str("(empty)\n");
    }
    shown
}

/// Whether a terminal would act on it instead of showing it: controls, and what sets the direction of writing.
fn disturbs(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(width: Option<u16>) -> Screen {
        Screen { width, zone: TimeZone::get("Europe/Berlin").unwrap() }
    }

    #[test]
    fn amounts_are_told_roughly() {
        for (bytes, want) in [(1, "1 KiB"), (64 << 20, "64 MiB"), (12 << 30, "12 GiB")] {
            assert_eq!(amount(bytes), want);
        }
    }

    #[test]
    fn foreign_text_is_shown_and_not_obeyed() {
        for (text, on_one_line, as_block) in [
            ("plain", "plain", "    plain\n"),
            ("two\nlines\tand a tab", "two lines and a tab", "    two\n    lines    and a tab\n"),
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone", "    \\u{1b}[2Jgone\n"),
            ("\u{9b}31mred\u{7}", "\\u{9b}31mred\\u{7}", "    \\u{9b}31mred\\u{7}\n"),
            ("a\u{202e}b", "a\\u{202e}b", "    a\\u{202e}b\n"),
            ("over\rwritten", "over written", "    over written\n"),
            ("Grüße 👩‍💻", "Grüße 👩‍💻", "    Grüße 👩‍💻\n"),
            ("", "", "    (empty)\n"),
        ] {
            assert_eq!(line(text), on_one_line, "{text:?}");
            assert_eq!(block(text), as_block, "{text:?}");
        }
        assert_eq!(excerpt(" a \n b "), "a b");
        assert_eq!(excerpt(&"ä".repeat(121)), format!("{}…", "ä".repeat(120)));
    }

    #[test]
    fn times_are_where_the_operator_lives() {
        let at: Timestamp = "2026-11-23T02:00:00.001Z".parse().unwrap();
        assert_eq!(screen(None).time(at), "2026-11-23 03:00:00");
        assert_eq!(screen(None).stored_moment("2026-11-23T22:59:59.999Z", at), "23:59:59.999");
        assert_eq!(screen(None).stored_moment("2026-11-23T23:00:00.000Z", at), "2026-11-24 00:00:00.000");
        assert_eq!(screen(None).stored_time("soon\n"), "soon ");
    }

    #[test]
    fn a_table_fits_the_terminal_it_is_shown_on() {
        let message = "many words that need room ".repeat(20);
        let row = || ["K7", "needs a person", "x\u{1b}y", "website", &message].map(str::to_owned).to_vec();
        let fit = Fit { widest: 16, dispensable: &[3, 2] };
        let head = ["CODE", "STATE", "NAME", "SOURCE", "MESSAGE"];
        let wide = screen(None).table(&head, &fit, [row()]);
        assert_eq!(wide.lines().count(), 2, "{wide}");
        assert!(wide.contains("\nK7    needs a person  x\\u{1b}y  website  many words"), "{wide}");
        for (width, columns) in [(45, 3), (55, 4), (65, 5), (200, 5)] {
            let table = screen(Some(width)).table(&head, &fit, [row()]);
            assert!(table.lines().all(|line| line.chars().count() <= usize::from(width)), "{width}:\n{table}");
            assert!(table.lines().count() <= 1 + ROW_LINES, "{width}:\n{table}");
            assert!(table.contains("\nK7    needs a person  "), "{width}:\n{table}");
            let shown = table.lines().next().unwrap().split_whitespace().count();
            assert_eq!(shown, columns, "{width}:\n{table}");
        }
    }
}
