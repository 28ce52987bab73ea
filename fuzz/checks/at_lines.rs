//! What must hold of anything a modem says: how it was cut on the way changes nothing, a header takes one line with it,
//! and noise takes no memory.
//!
//! Input: a byte that chooses where it is cut, then the bytes of the modem. Shared by the fuzz target and by the crate's
//! tests, which replay its seeds.

use std::collections::VecDeque;

use nightdesk::deliver::modem::at::{Final, Heard, Lines};

/// A longer line is noise.
const MAX_LINE: usize = 4096;
/// Pieces between two looks at what is kept: a look takes its time.
const LOOK_EVERY: usize = 500;
const ECHO: &str = "0011000B915155214365F7000001E1";
const HEADERS: [&str; 5] = ["+CMT:", "+CDS:", "+CBM:", "+CMGR:", "+CMGL:"];

pub(super) fn check(bytes: &[u8]) {
    let Some((cut, said)) = bytes.split_first() else { return };
    let whole = hear(said.chunks(said.len().max(1)));
    assert_eq!(whole, hear(said.chunks(1)), "byte by byte");
    assert_eq!(whole, hear(said.chunks(usize::from(*cut).max(1))), "in pieces of {cut}");
    assert_eq!(whole, by_hand(said));
    for heard in &whole {
        let lines = match heard {
            Heard::Pdu { head, pdu } => vec![head, pdu],
            Heard::Line(line) => vec![line],
            Heard::Final(_) | Heard::Prompt | Heard::Echo => vec![],
        };
        for line in lines {
            assert!((1..=MAX_LINE).contains(&line.len()) && line.trim() == line && line.bytes().all(is_printable));
        }
    }
}

/// What is heard of these pieces. Whatever they were, the line after the next is heard as it is.
fn hear<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Heard> {
    let (mut lines, mut heard) = (Lines::default(), VecDeque::new());
    lines.expect_echo_of(ECHO);
    for (n, piece) in pieces.enumerate() {
        lines.push(piece, &mut heard);
        // Quotes and backslashes are written as two characters.
        assert!(n % LOOK_EVERY > 0 || format!("{lines:?}").len() < 2 * 2 * MAX_LINE + 200);
    }
    let mut after = VecDeque::new();
    lines.push(b"\r\n-\r\nOK\r\n", &mut after);
    assert_eq!(after.back(), Some(&Heard::Final(Final::Ok)));
    heard.into()
}

/// The same in another way: whole lines, each judged by what came before.
fn by_hand(said: &[u8]) -> Vec<Heard> {
    let (mut heard, mut header) = (Vec::new(), None);
    let mut pieces = said.split(|byte| matches!(byte, b'\r' | b'\n')).peekable();
    while let Some(piece) = pieces.next() {
        let line: String = piece.iter().copied().filter(|byte| is_printable(*byte)).map(char::from).collect();
        let mut line = line.as_str();
        while let Some(first) = line.chars().next().filter(|c| *c == ' ' || (*c == '>' && header.is_none())) {
            heard.extend((first == '>').then_some(Heard::Prompt));
            line = &line[1..];
        }
        let is_whole = pieces.peek().is_some();
        if !is_whole || line.len() > MAX_LINE || line.trim().is_empty() {
            continue;
        }
        let line = line.trim_end().to_owned();
        if let Some(header) = header.take() {
            heard.push(Heard::Pdu { head: header, pdu: line });
        } else if HEADERS.iter().any(|header| line.starts_with(header)) {
            header = Some(line);
        } else {
            heard.push(judged(line));
        }
    }
    heard
}

fn judged(line: String) -> Heard {
    let number = |at: usize| line.get(at..).and_then(|number| number.trim().parse().ok());
    match line.as_str() {
        "OK" => Heard::Final(Final::Ok),
        "ERROR" | "COMMAND NOT SUPPORT" | "TOO MANY PARAMETERS" => Heard::Final(Final::Error),
        _ if line.starts_with("AT") || line == ECHO => Heard::Echo,
        _ if line.starts_with("+CME ERROR:") => Heard::Final(number(11).map_or(Final::Error, Final::Cme)),
        _ if line.starts_with("+CMS ERROR:") => Heard::Final(number(11).map_or(Final::Error, Final::Cms)),
        _ => Heard::Line(line),
    }
}

fn is_printable(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}
