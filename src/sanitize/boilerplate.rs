//! What a machine put around a person's words goes: form labels, signatures of phones, quoted replies.
//!
//! [`super::clean`] calls it on text without markup; the words are in [`super::phrases`]. A line goes only when its
//! whole shape says what it is, and a message never loses everything: when too little of a person's own words would be
//! left, the text stays as it is. RFC 3676, section 4.3, for the signature's delimiter.

use super::chars;
use super::phrases::{FORM_LINES, INVITATIONS, LABELS, LEADS_IN, SENDERS, SIGN_OFFS};
use super::quotes;

/// Own words of fewer letters and digits are too little to drop what is only probably somebody else's.
const FEW_LETTERS: usize = 12;
/// Longer than any label.
const MOST_LABEL_CHARS: usize = 32;
/// No machine's line is longer; a longer one carries a person's sentence.
const MOST_LINE_BYTES: usize = 250;
/// A signature of more lines is a letter.
const MOST_SIGNATURE_LINES: usize = 12;
/// A name, a post, a company.
const MOST_NAME_WORDS: usize = 6;
/// What may stand behind a sender: `smartphone. Please excuse my typos.`
const MOST_TAIL_WORDS: usize = 8;
/// Five digits may be a telephone number.
const MOST_TAIL_DIGITS: usize = 4;
/// As few as a telephone number has.
const LEAST_PHONE_DIGITS: usize = 6;

/// A line, and how it is compared.
#[derive(Debug, Clone)]
pub(super) struct Line<'t> {
    text: &'t str,
    /// See [`folded`].
    pub(super) folded: String,
}

impl<'t> Line<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { text, folded: folded(text) }
    }

    pub(super) fn is_blank(&self) -> bool {
        self.folded.is_empty()
    }

    pub(super) fn letters(&self) -> usize {
        self.folded.chars().filter(|c| c.is_alphanumeric()).count()
    }
}

/// A line or a phrase as both are compared: lower case, straight apostrophes, no asterisks of bold type, one space
/// between words.
pub(super) fn folded(text: &str) -> String {
    chars::folded(text).replace('’', "'").replace('*', "")
}

/// The person's own lines of `text`, without those that start like one of `drop_lines` (folded).
pub(super) fn without(text: &str, drop_lines: &[String]) -> String {
    let mut lines: Vec<Line<'_>> = own_start(text).lines().map(Line::of).collect();
    let dropped = |line: &Line<'_>| drop_lines.iter().any(|start| line.folded.starts_with(start.as_str()));
    if lines.iter().any(|line| !line.is_blank() && !dropped(line)) {
        lines.retain(|line| !dropped(line));
    }
    let mut own: Vec<&str> = Vec::new();
    let mut above = 0_usize;
    for part in quotes::own_parts(&lines) {
        let part = without_signature(part, above);
        above = part.iter().map(Line::letters).fold(above, usize::saturating_add);
        own.extend(part.iter().map(|line| line.text));
    }
    if above == 0 {
        own = lines.iter().map(|line| line.text).collect();
    }
    own.join("\n")
}

/// Whether this much is enough to be the message.
pub(super) fn says_something(letters: usize) -> bool {
    letters >= FEW_LETTERS
}

/// The text behind the labels and first lines of forms; a text that is nothing else stays.
fn own_start(text: &str) -> &str {
    let mut rest = text.trim();
    while let Some(behind) = behind_label(rest).or_else(|| behind_form_line(rest)).map(str::trim_start)
        && !behind.is_empty()
    {
        rest = behind;
    }
    rest
}

fn behind_label(text: &str) -> Option<&str> {
    let (colon, _) = text.char_indices().take(MOST_LABEL_CHARS).find(|(_, c)| matches!(c, ':' | '\n'))?;
    let (label, behind) = text.split_at_checked(colon)?;
    LABELS.contains(&folded(label).as_str()).then(|| behind.strip_prefix(':'))?
}

fn behind_form_line(text: &str) -> Option<&str> {
    let window = text.get(..text.floor_char_boundary(MOST_LINE_BYTES))?;
    let (line, _) = window.split_once('\n')?;
    starts_with_any(&folded(line), &[LEADS_IN, FORM_LINES]).then(|| text.strip_prefix(line))?
}

fn starts_with_any(folded: &str, tables: &[&[&str]]) -> bool {
    tables.iter().copied().flatten().any(|start| folded.starts_with(start))
}

/// A part without the signature at its end. `above` is how many letters stand before it.
fn without_signature<'l, 't>(part: &'l [Line<'t>], above: usize) -> &'l [Line<'t>] {
    let mut letters = above;
    // Below this line there is enough above to be a message.
    let enough = part.iter().position(|line| {
        letters = letters.saturating_add(line.letters());
        says_something(letters)
    });
    let (mut left, mut trust_space) = (part, true);
    loop {
        let before = left.len();
        left = without_sign_offs(left);
        if let Some((body, signature)) = last_delimiter(left)
            && enough.is_some_and(|enough| enough < body.len())
            && is_signature(signature, trust_space)
        {
            left = body;
            trust_space = false;
        }
        if left.len() == before {
            return left;
        }
    }
}

/// Without the lines at the end that a phone, a mail program or a form added.
fn without_sign_offs<'l, 't>(mut part: &'l [Line<'t>]) -> &'l [Line<'t>] {
    while let Some((last, before)) = part.split_last()
        && (last.is_blank() || is_delimiter(last) || is_sign_off(&last.folded))
    {
        part = before;
    }
    part
}

/// What stands above the last `--`, and that line with what is below it.
fn last_delimiter<'l, 't>(part: &'l [Line<'t>]) -> Option<(&'l [Line<'t>], &'l [Line<'t>])> {
    let below = part.iter().rev().take(MOST_SIGNATURE_LINES).position(is_delimiter)?;
    part.split_at_checked(part.len().checked_sub(below)?.checked_sub(1)?)
}

fn is_delimiter(line: &Line<'_>) -> bool {
    line.folded == "--"
}

/// A person may write two dashes under a greeting. A mail program's have a space behind them, which is often lost:
/// then a name and a way to reach it must follow.
fn is_signature(lines: &[Line<'_>], trust_space: bool) -> bool {
    let Some((delimiter, below)) = lines.split_first() else { return false };
    let mut below = below.iter().filter(|line| !line.is_blank());
    let has_contact = |line: &Line<'_>| {
        let digits = line.folded.chars().filter(char::is_ascii_digit).count();
        line.folded.contains('@') || line.folded.contains("www.") || digits >= LEAST_PHONE_DIGITS
    };
    (trust_space && delimiter.text == "-- ")
        || (below.next().is_some_and(|line| is_name(line.text)) && below.any(has_contact))
}

fn is_name(line: &str) -> bool {
    // `de`, `von`, `GmbH` and `II.` stand in names, too.
    let in_name = |word: &str| word.chars().count() < 4 || word.starts_with(char::is_uppercase);
    line.split_whitespace().count() <= MOST_NAME_WORDS
        && line.split_whitespace().all(in_name)
        && !line.contains(['?', '!', ':'])
        && !line.contains(char::is_numeric)
}

fn is_sign_off(line: &str) -> bool {
    if line.len() > MOST_LINE_BYTES {
        return false;
    }
    let line = line.trim_start_matches(|c: char| !c.is_alphanumeric());
    starts_with_any(line, &[INVITATIONS, FORM_LINES]) || SIGN_OFFS.iter().any(|(start, end)| signs(line, start, end))
}

fn signs(line: &str, start: &str, end: &str) -> bool {
    let Some(rest) = line.strip_prefix(start) else { return false };
    let Some(sender) = rest.strip_prefix(' ').or_else(|| start.ends_with('\'').then_some(rest)) else { return false };
    SENDERS.iter().filter_map(|name| sender.strip_prefix(name)).any(|tail| {
        !tail.starts_with(char::is_alphanumeric)
            && !tail.ends_with('?')
            && tail.split_whitespace().count() <= MOST_TAIL_WORDS
            && tail.chars().filter(char::is_ascii_digit).count() <= MOST_TAIL_DIGITS
            && tail.trim_end_matches(|c: char| !c.is_alphanumeric()).ends_with(end)
    })
}

#[cfg(test)]
mod tests {
    use super::super::phrases::{ATTRIBUTIONS, HEADERS, SEPARATORS};
    use super::*;

    #[test]
    fn phrases_are_written_as_lines_are_compared() {
        let pairs = SIGN_OFFS.iter().flat_map(|(start, end)| [*start, *end]);
        let attributions = ATTRIBUTIONS.iter().flat_map(|(starts, verbs)| starts.iter().chain(verbs.iter()).copied());
        let headers = HEADERS.iter().flat_map(|header| {
            [header.from, header.subject].into_iter().chain(header.sent.iter().chain(header.to).copied())
        });
        let tables = [LABELS, LEADS_IN, FORM_LINES, INVITATIONS, SENDERS, SEPARATORS].concat();
        for phrase in tables.into_iter().chain(pairs).chain(attributions).chain(headers) {
            assert_eq!(phrase, folded(phrase));
        }
    }

    #[test]
    fn who_signs() {
        for (line, want) in [
            ("Sent from my iPhone", true),
            ("Sent from my Verizon, Samsung Galaxy smartphone", true),
            ("- Sent from my iPad. Please excuse my typos.", true),
            ("Sent from Mail for Windows", true),
            ("Sent from Yahoo Mail on Android", true),
            ("Get Outlook for iOS<https://aka.ms/o0ukef>", true),
            ("Von meinem iPhone gesendet", true),
            ("Von meinem Samsung Galaxy Smartphone gesendet.", true),
            ("Gesendet von Outlook für Android<https://aka.ms/x>", true),
            ("Gesendet mit der GMX Mail App", true),
            ("Outlook für iOS beziehen", true),
            ("Envoyé de mon iPhone", true),
            ("Envoyé à partir d’Outlook pour Android", true),
            ("Envoyé depuis l'application Mail Orange", true),
            ("Enviado desde mi iPhone", true),
            ("Enviado desde mi móvil Xiaomi", true),
            ("Enviado do meu iPhone", true),
            ("Enviado do Yahoo Mail no Android", true),
            ("Wysłane z iPhone’a", true),
            ("Wysłano z programu Outlook dla systemu Android", true),
            ("Sent from my office in Berlin", false),
            ("Sent from my iPhone, call me at 303 555 0142", false),
            ("Sent from my iPhone - can you call?", false),
            ("Von meinem iPhone geht die Seite nicht auf", false),
            ("Outlook für iOS stürzt ab", false),
            ("Gesendet von Berlin nach Wien, 20 Paletten", false),
            ("Enviado desde Madrid el lunes", false),
            // A Cyrillic о, е
            ("Sent frоm my iPhonе", false),
        ] {
            assert_eq!(is_sign_off(&folded(line)), want, "{line}");
        }
    }

    #[test]
    fn what_a_signature_is() {
        for (text, want) in [
            ("We need 50 tents.\n-- \nAnna", "We need 50 tents."),
            ("We need 50 tents.\n--\nAnna Berg\nExample GmbH\n+49 30 123456", "We need 50 tents."),
            ("We need 50 tents.\n--\nDr. Max von Mustermann\nwww.example.com", "We need 50 tents."),
            ("We need 50 tents.\n--\nplease call 303 555 0142", "We need 50 tents.\n--\nplease call 303 555 0142"),
            ("Hi\n-- \nWe need 50 tents.", "Hi\n-- \nWe need 50 tents."),
            ("-- \nAnna Berg\nanna@example.com", "-- \nAnna Berg\nanna@example.com"),
            ("We need 50 tents.\n--\nAlso chairs.", "We need 50 tents.\n--\nAlso chairs."),
        ] {
            assert_eq!(without(text, &[]), want);
        }
        let letter = format!("We need 50 tents.\n-- \n{}", "And chairs.\n".repeat(13));
        assert_eq!(without(&letter, &[]), letter.trim());
    }

    #[test]
    fn an_operator_s_own_lines() {
        let drop = [folded("CAUTION: External"), folded("Ref.")];
        for (text, want) in [
            ("Caution:  EXTERNAL sender!\nHi", "Hi"),
            ("Hi\nref. 12\nBob", "Hi\nBob"),
            ("Hi, caution: external", "Hi, caution: external"),
            ("Ref. 12", "Ref. 12"),
        ] {
            assert_eq!(without(text, &drop), want);
        }
    }
}
