//! User data: data coding scheme, header, and the text behind them (3GPP TS 23.038, clause 4; TS 23.040, 9.2.3.24).
//!
//! Called by the readers of SMS-DELIVER and SMS-SUBMIT. Octets that are no text (8 bit data, compressed text) are shown
//! as hex, so that a person can still see them.

use super::gsm7;
use super::octets::{Octets, PduError, to_hex};

/// TP-UDHI: the user data starts with a header.
pub(super) const HEADER_PRESENT: u8 = 0x40;

/// How the user data is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// GSM 7 bit default alphabet.
    Gsm7,
    /// Octets without a meaning of ours, or compressed text.
    EightBit,
    /// UCS-2, read as UTF-16.
    Ucs2,
}

impl Coding {
    /// The word in JSON and for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::EightBit => "8bit",
            Self::Ucs2 => "ucs2",
        }
    }
}

/// Which part of a longer text this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concat {
    /// Shared by all parts.
    pub reference: u16,
    /// How many parts there are.
    pub total: u8,
    /// Which one this is, counted from 1.
    pub part: u8,
}

/// The user data, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The text, or the hex of what is no text.
    pub text: String,
    /// How it was coded.
    pub coding: Coding,
    /// Class 0 to 3, where the coding scheme gives one; 0 is shown at once and not stored.
    pub class: Option<u8>,
    /// Set in a part of a longer text.
    pub concat: Option<Concat>,
}

/// Coding and class of a data coding scheme. Reserved values count as the default alphabet.
const fn scheme(dcs: u8) -> (Coding, Option<u8>) {
    let class = dcs & 0x03;
    match dcs >> 4 {
        // General and automatic deletion groups: bit 5 compressed, bit 4 class is meant, bits 3-2 alphabet.
        group @ 0x0..=0x7 => {
            let coding = match (dcs & 0x20 != 0, (dcs >> 2) & 0x03) {
                (true, _) | (false, 1) => Coding::EightBit,
                (false, 2) => Coding::Ucs2,
                (false, _) => Coding::Gsm7,
            };
            (coding, if group & 1 == 1 { Some(class) } else { None })
        }
        // Message waiting, stored, in UCS-2.
        0xE => (Coding::Ucs2, None),
        // Data coding and message class.
        0xF => (if dcs & 0x04 == 0 { Coding::Gsm7 } else { Coding::EightBit }, Some(class)),
        // Reserved groups, and message waiting in the default alphabet.
        _ => (Coding::Gsm7, None),
    }
}

impl Body {
    /// Reads length and user data; what follows them is ignored.
    pub(super) fn read(first: u8, dcs: u8, octets: &mut Octets<'_>) -> Result<Self, PduError> {
        const WHAT: &str = "the user data";
        let (coding, class) = scheme(dcs);
        let length = usize::from(octets.one(WHAT)?);
        // The length counts septets for the default alphabet, octets otherwise.
        let size = if coding == Coding::Gsm7 { length.saturating_mul(7).div_ceil(8) } else { length };
        let data = octets.take(size, WHAT)?;
        let header = if first & HEADER_PRESENT == 0 { None } else { Some(header(data)?) };
        let header_octets = header.map_or(0, |header| header.len().saturating_add(1));
        let text = match coding {
            Coding::Gsm7 => {
                let skip = header_octets.saturating_mul(8).div_ceil(7);
                gsm7::text(&gsm7::unpack(data, skip, length.saturating_sub(skip)))
            }
            Coding::EightBit => to_hex(data.get(header_octets..).unwrap_or_default()).to_ascii_lowercase(),
            Coding::Ucs2 => ucs2(data.get(header_octets..).unwrap_or_default()),
        };
        Ok(Self { text, coding, class, concat: header.and_then(concat) })
    }
}

fn header(data: &[u8]) -> Result<&[u8], PduError> {
    let (length, rest) = data.split_first().ok_or(PduError::HeaderTooLong)?;
    rest.get(..usize::from(*length)).ok_or(PduError::HeaderTooLong)
}

/// The last concatenation element that makes sense. One with part 0, or a part beyond the total, is ignored
/// (TS 23.040, 9.2.3.24.1), and so is what stands behind an element that runs over the header's end.
fn concat(mut elements: &[u8]) -> Option<Concat> {
    let mut found = None;
    while let [id, length, rest @ ..] = elements {
        let Some((value, next)) = rest.split_at_checked(usize::from(*length)) else { break };
        let element = match (*id, value) {
            (0x00, [reference, total, part]) => Some((u16::from(*reference), *total, *part)),
            (0x08, [high, low, total, part]) => Some((u16::from_be_bytes([*high, *low]), *total, *part)),
            _ => None,
        };
        if let Some((reference, total, part)) = element.filter(|(_, total, part)| (1..=*total).contains(part)) {
            found = Some(Concat { reference, total, part });
        }
        elements = next;
    }
    found
}

/// UTF-16 text; a lone half of a pair, or of a unit, is shown as the replacement character.
fn ucs2(data: &[u8]) -> String {
    let (units, half) = data.as_chunks::<2>();
    let units = units.iter().map(|unit| u16::from_be_bytes(*unit));
    let replacement = char::REPLACEMENT_CHARACTER;
    let text = char::decode_utf16(units).map(|c| c.unwrap_or(replacement));
    text.chain(half.first().map(|_| replacement)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_of_coding_schemes() {
        for (dcs, coding, class) in [
            (0x00, Coding::Gsm7, None),
            (0x04, Coding::EightBit, None),
            (0x08, Coding::Ucs2, None),
            (0x0C, Coding::Gsm7, None),
            (0x03, Coding::Gsm7, None),
            (0x10, Coding::Gsm7, Some(0)),
            (0x15, Coding::EightBit, Some(1)),
            (0x1A, Coding::Ucs2, Some(2)),
            (0x20, Coding::EightBit, None),
            (0x48, Coding::Ucs2, None),
            (0x53, Coding::Gsm7, Some(3)),
            (0x80, Coding::Gsm7, None),
            (0xB5, Coding::Gsm7, None),
            (0xC8, Coding::Gsm7, None),
            (0xD0, Coding::Gsm7, None),
            (0xE0, Coding::Ucs2, None),
            (0xF0, Coding::Gsm7, Some(0)),
            (0xF5, Coding::EightBit, Some(1)),
        ] {
            assert_eq!(scheme(dcs), (coding, class), "{dcs:02X}");
        }
    }

    #[test]
    fn headers_of_every_sort() {
        for (name, elements, want) in [
            ("eight bit", vec![0, 3, 42, 2, 1], Some((42, 2, 1))),
            ("sixteen bit", vec![8, 4, 1, 128, 2, 2], Some((384, 2, 2))),
            ("behind a port", vec![5, 4, 0x0B, 0x84, 0, 0, 0, 3, 7, 3, 3], Some((7, 3, 3))),
            ("part 0", vec![0, 3, 42, 2, 0], None),
            ("part beyond the total", vec![0, 3, 42, 2, 3], None),
            ("wrong size", vec![0, 2, 42, 2], None),
            ("runs over the end", vec![0, 9, 42, 2, 1], None),
            ("nothing", vec![], None),
        ] {
            let found = concat(&elements).map(|c| (c.reference, c.total, c.part));
            assert_eq!(found, want, "{name}");
        }
    }

    #[test]
    fn broken_utf16_is_shown() {
        assert_eq!(ucs2(&[0xD8, 0x3D, 0x00, 0x41, 0x00]), "\u{fffd}A\u{fffd}");
    }
}
