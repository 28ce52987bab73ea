//! Which lines of a message are somebody else's: the quoted mail that a reply carries along.
//!
//! [`super::boilerplate`] asks. A quote is marked by `>` (RFC 3676, section 4.5) or announced: by a line such as "On …
//! wrote:", by "-----Original Message-----", or by the header lines Outlook puts there. A marked one ends where its
//! marks end, so what a person wrote between and below stays; behind an announced one without marks nothing tells
//! where it ends, so the announcement must be beyond doubt and something must stand above it.

use super::boilerplate::{Line, says_something};
use super::phrases::{ATTRIBUTIONS, HEADERS, SEPARATORS};

/// Longer lines are prose.
const MOST_INTRO_BYTES: usize = 300;
/// Mail programs wrap an attribution at 72 characters or so.
const MOST_INTRO_LINES: usize = 3;
/// A time has as many, a date more.
const LEAST_DATE_DIGITS: usize = 3;
/// From, Sent, To, Cc, Reply-To, Subject.
const MOST_HEADER_LINES: usize = 6;

/// Whose words a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The person's who wrote the message.
    Own,
    /// Somebody else's.
    Quoted,
    /// Marked, but not announced: a quote or the person's bullets.
    Marked,
}

/// How sure a line announces a quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// Marks must follow: anybody may write "on Friday Bob wrote:".
    Shape,
    /// It tells a date or an address. A message must stand above it: a person may put an answer of a client below.
    Date,
    /// Only programs write so.
    Certain,
}

/// The parts of a message that are the person's own, in order; the whole of it, if there would be none.
pub(super) fn own_parts<'l, 't>(lines: &'l [Line<'t>]) -> Vec<&'l [Line<'t>]> {
    let (parts, letters) = split(lines, &[Whose::Quoted, Whose::Marked]);
    if says_something(letters) {
        return parts;
    }
    // Too little to tell a quote from bullets.
    let (parts, letters) = split(lines, &[Whose::Quoted]);
    if letters > 0 { parts } else { vec![lines] }
}

/// What is left without what is `dropped`, and how many letters of it are surely the person's own.
fn split<'l, 't>(lines: &'l [Line<'t>], dropped: &[Whose]) -> (Vec<&'l [Line<'t>]>, usize) {
    let (mut parts, mut letters) = (Vec::new(), 0_usize);
    let (mut start, mut at) = (0_usize, 0_usize);
    while let Some(line) = lines.get(at) {
        let (whose, end) = match announced(lines, at, letters) {
            Some(end) => (Whose::Quoted, end),
            None if is_marked(line) => {
                let end = end_of_marks(lines, at);
                let counts = lines.get(at..end).is_some_and(counts);
                (if counts { Whose::Own } else { Whose::Marked }, end)
            }
            None => (Whose::Own, at.saturating_add(1)),
        };
        if whose == Whose::Own {
            let these = lines.get(at..end).unwrap_or_default();
            letters = these.iter().map(Line::letters).fold(letters, usize::saturating_add);
        }
        if dropped.contains(&whose) {
            parts.extend(lines.get(start..at));
            start = end;
        }
        at = end;
    }
    parts.extend(lines.get(start..));
    (parts, letters)
}

fn is_marked(line: &Line<'_>) -> bool {
    line.folded.starts_with('>')
}

/// `> 5 kW`: more than five, not somebody's words.
fn counts(lines: &[Line<'_>]) -> bool {
    lines.iter().filter(|line| !line.is_blank()).all(|line| {
        line.folded.strip_prefix('>').is_some_and(|behind| behind.trim_start().starts_with(char::is_numeric))
    })
}

/// Behind the last of the marked lines from `at` on; blank lines may stand between them.
fn end_of_marks(lines: &[Line<'_>], at: usize) -> usize {
    let mut end = at;
    for (nth, line) in lines.iter().enumerate().skip(at) {
        if is_marked(line) {
            end = nth.saturating_add(1);
        } else if !line.is_blank() {
            break;
        }
    }
    end
}

/// Where the quote ends that is announced at `at`, below so many letters of the person's own.
fn announced(lines: &[Line<'_>], at: usize, letters: usize) -> Option<usize> {
    let original = || is_original(lines, at).then_some((at.saturating_add(1), Sign::Certain));
    let (behind, sign) = attribution(lines, at).or_else(original)?;
    let first = lines.iter().enumerate().skip(behind).find(|(_, line)| !line.is_blank());
    if let Some((nth, line)) = first
        && is_marked(line)
    {
        return Some(end_of_marks(lines, nth));
    }
    let to_the_end = match sign {
        Sign::Shape => false,
        Sign::Date => says_something(letters),
        Sign::Certain => letters > 0,
    };
    to_the_end.then_some(lines.len())
}

/// Behind the attribution at `at`, and how sure it is.
fn attribution(lines: &[Line<'_>], at: usize) -> Option<(usize, Sign)> {
    let mut text = String::new();
    for (nth, line) in lines.iter().enumerate().skip(at).take(MOST_INTRO_LINES) {
        if line.is_blank() || is_marked(line) || text.len().saturating_add(line.folded.len()) > MOST_INTRO_BYTES {
            return None;
        }
        text.push_str(&line.folded);
        let is_wrapped = nth > at;
        let sign = sign(&text);
        if attributes(&text, is_wrapped) && (sign != Sign::Shape || !is_wrapped) {
            return Some((nth.saturating_add(1), sign));
        }
        if text.ends_with(['.', '!', '?', ':']) {
            return None; // a sentence of its own
        }
        text.push(' ');
    }
    None
}

fn sign(attribution: &str) -> Sign {
    let digits = attribution.chars().filter(char::is_ascii_digit).count();
    let has_clock = attribution.split(':').skip(1).any(|behind| behind.starts_with(|c: char| c.is_ascii_digit()));
    match (attribution.contains('@'), has_clock) {
        (true, true) => Sign::Certain,
        (false, false) if digits < LEAST_DATE_DIGITS => Sign::Shape,
        (true | false, _) => Sign::Date,
    }
}

/// Whether somebody wrote something on some day, colon. One that is wrapped must begin like one.
fn attributes(text: &str, is_wrapped: bool) -> bool {
    let Some(text) = text.strip_suffix(':') else { return false };
    ATTRIBUTIONS.iter().any(|(starts, verbs)| {
        let starts_so = starts.iter().any(|start| text.strip_prefix(start).is_some_and(|rest| rest.starts_with(' ')));
        (starts_so || (!is_wrapped && text.contains('@'))) && verbs.iter().any(|verb| has_word(text, verb))
    })
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let (before, behind) = text.split_at_checked(at).unwrap_or_default();
        let behind = behind.strip_prefix(word).unwrap_or(behind);
        before.ends_with(' ') && !behind.starts_with(char::is_alphanumeric)
    })
}

/// Whether the whole mail that is answered begins at `at`.
fn is_original(lines: &[Line<'_>], at: usize) -> bool {
    let Some(line) = lines.get(at) else { return false };
    let is_rule = |c: char| matches!(c, '-' | '_' | ' ');
    if line.folded.starts_with(['-', '_']) {
        let inside = line.folded.trim_matches(is_rule);
        let below = at.saturating_add(1);
        return SEPARATORS.contains(&inside)
            || (inside.is_empty() && has_headers(lines.get(below..).unwrap_or_default()));
    }
    has_headers(lines.get(at..).unwrap_or_default())
}

/// Whether these lines begin with the header of a mail: `From: Berlin, To: Paris, Date: 5 May` is a removal.
fn has_headers(lines: &[Line<'_>]) -> bool {
    HEADERS.iter().any(|header| {
        let (mut sender, mut sent, mut subject) = (false, false, false);
        for (nth, line) in lines.iter().take(MOST_HEADER_LINES).enumerate() {
            let Some((key, value)) = line.folded.split_once(':').map(|(key, value)| (key.trim_end(), value)) else {
                break;
            };
            if nth == 0 && key != header.from {
                return false;
            }
            sender |= nth == 0 && value.contains('@');
            // A time of day: a mail has one, a removal's date hasn't.
            sent |= header.sent.contains(&key) && value.contains(':');
            subject |= key == header.subject;
            if nth > 0 && key != header.subject && !header.sent.contains(&key) && !header.to.contains(&key) {
                break;
            }
        }
        subject && (sender || sent)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_whose() {
        for (text, want) in [
            ("Yes.\n\nOn Thu, intake wrote:\n> Will you?", "Yes."),
            ("We take it, thank you.\n\n> On Sunday, the team wrote:\n> Well?", "We take it, thank you."),
            (
                "On 5 May 2025 at 10:12, Bob wrote:\n> Delivery?\nYes, to Berlin.\n> When?\nBy Friday.",
                "Yes, to Berlin.\nBy Friday.",
            ),
            ("Ok!\nOn Mon, May 5, 2025 at 10:12 AM Bob Jones\n<bob@example.com> wrote:\nOur offer", "Ok!"),
            ("Ok!\nBob <bob@example.com> wrote:\n\n> a\n\n>> b\nBye", "Ok!\nBye"),
            ("Passt.\nAm Mo., 5. Mai 2025 um 10:12 Uhr schrieb Max <max@example.de>:\nAngebot", "Passt."),
            ("Oui.\nLe lun. 5 mai 2025 à 10:12, Luc <luc@example.fr> a écrit :\nDevis", "Oui."),
            ("Sí.\nEl lun, 5 may 2025 a las 10:12, Ana (<ana@example.es>) escribió:\nOferta", "Sí."),
            ("Sim.\nEm seg., 5 de mai. de 2025 às 10:12, Rui <rui@example.pt> escreveu:\nOferta", "Sim."),
            ("Sim.\nRui <rui@example.pt> escreveu (segunda, 5/05/2025 à(s) 10:12):\nOferta", "Sim."),
            ("Tak, zamawiamy.\nW dniu 5.05.2025 o 10:12, Jan pisze:\nOferta", "Tak, zamawiamy."),
            ("Tak.\npon., 5 maj 2025 o 10:12 Jan <jan@example.pl> napisał(a):\nOferta", "Tak."),
            ("Ok\n-----Original Message-----\nFrom: Bob", "Ok"),
            ("Ok\n-------- Ursprüngliche Nachricht --------\nx", "Ok"),
            (
                "Ok\n________________________________\nVon: Max\nGesendet: Montag, 5. Mai 2025 10:12\nAn: Anna\nBetreff: Re\n\nx",
                "Ok",
            ),
            ("Ok\nDe : Luc <luc@example.fr>\nEnvoyé : lundi\nÀ : Anna\nObjet : Devis\n\nx", "Ok"),
            ("Ok\n*From:* Bob\n*Sent:* Monday 10:12 AM\n*To:* Anna\n*Subject:* Re\nx", "Ok"),
        ] {
            let lines: Vec<Line<'_>> = text.lines().map(Line::of).collect();
            let own = own_parts(&lines).concat().into_iter().filter(|line| !line.is_blank());
            let want: Vec<String> = want.lines().map(|line| Line::of(line).folded).collect();
            assert_eq!(own.map(|line| line.folded).collect::<Vec<_>>(), want, "{text}");
        }
    }

    #[test]
    fn what_only_looks_quoted_stays() {
        for text in [
            "> 50 tents\n> by Friday\nThanks Bob",
            "> 5 kW please, and the price of the large battery",
            "The heat pump should have\n> 5 kW and a good price",
            "> Do you deliver to Berlin?",
            "On your site somebody wrote:\nfree delivery above 50\nIs that true? We need 60.",
            "On Friday 5 May we need 50 tents.\nBob wrote:\nask them",
            "On 5 May 2025 at 10:12, Bob wrote:\nWe need 50 tents.",
            "Hi,\nOn 5 May 2025 our client Bob wrote:\nWe need 50 tents.",
            "-----Original Message-----\nFrom: Bob\nWe need 50 tents.",
            "We move, please quote:\nFrom: Berlin\nTo: Paris\nDate: 5 May\nSubject: 22 desks",
            "From: Anna <anna@example.com>\nSubject: tents\n\nWe need 50.",
            "Mail me at a@example.com or call, I wrote before:\nnobody answered",
            "---------\nWe need 50 tents.",
        ] {
            let lines: Vec<Line<'_>> = text.lines().map(Line::of).collect();
            assert_eq!(own_parts(&lines).concat().len(), lines.len(), "{text}");
        }
    }
}
