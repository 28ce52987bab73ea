//! Texts that come in: builds the SMS-DELIVERs a network would hand over.
//!
//! A second opinion on the product's decoder, so it shares no code with it. Pure; called by `network`. Layout: 3GPP
//! TS 23.040, clauses 9.2.2.1 (SMS-DELIVER), 9.1.2.5 (addresses) and 9.2.3.24.1 (concatenation); TS 23.038, clause 4
//! (alphabets, classes).

use jiff::Timestamp;

use super::tpdu::{hex, stamp};
use crate::model::Alphabet;

/// The service centre of every text that comes in.
const CENTRE: [u8; 8] = [0x07, 0x91, 0x21, 0x80, 0x55, 0x15, 0x00, 0xF0];
/// Octets of user data.
const ROOM: usize = 140;
/// Starts a character of the extension table.
const ESCAPE: u8 = 0x1B;

/// A text on its way to the modem.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent ways to come in, not one state")]
pub struct Inbound {
    from: String,
    text: String,
    class: Option<u8>,
    named: bool,
    wide: bool,
    ucs2: bool,
    backwards: bool,
    twice: bool,
    reference: Option<u16>,
    missing: Option<usize>,
}

/// One PDU, and whether it goes past the memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) pdu: String,
    pub(super) class: Option<u8>,
}

impl Inbound {
    /// A text from a number (with or without plus sign), a short code, or a name.
    #[must_use]
    pub fn new(from: &str, text: &str) -> Self {
        Self {
            from: from.to_owned(),
            text: text.to_owned(),
            class: None,
            named: false,
            wide: false,
            ucs2: false,
            backwards: false,
            twice: false,
            reference: None,
            missing: None,
        }
    }

    /// Of this class: 0 goes straight through (flash), 2 into the SIM.
    #[must_use]
    pub fn class(mut self, class: u8) -> Self {
        self.class = Some(class);
        self
    }

    /// Its sender is a name, even if that reads like a number: what a gateway lets anybody type.
    #[must_use]
    pub fn named(mut self) -> Self {
        self.named = true;
        self
    }

    /// In UCS-2, though the default alphabet would do.
    #[must_use]
    pub fn ucs2(mut self) -> Self {
        self.ucs2 = true;
        self
    }

    /// Its parts share a reference of 16 bits.
    #[must_use]
    pub fn wide_reference(mut self) -> Self {
        self.wide = true;
        self
    }

    /// Its parts share this reference; otherwise one that no other text has.
    #[must_use]
    pub fn reference(mut self, reference: u16) -> Self {
        self.reference = Some(reference);
        self
    }

    /// Its last part comes first.
    #[must_use]
    pub fn backwards(mut self) -> Self {
        self.backwards = true;
        self
    }

    /// Every part comes twice.
    #[must_use]
    pub fn twice(mut self) -> Self {
        self.twice = true;
        self
    }

    /// This part, from 1, never comes.
    #[must_use]
    pub fn without_part(mut self, part: usize) -> Self {
        self.missing = Some(part);
        self
    }

    /// How many different PDUs it comes in.
    #[must_use]
    pub fn parts(&self) -> usize {
        let arrivals = self.arrivals(0, Timestamp::UNIX_EPOCH);
        arrivals.iter().map(|arrival| &arrival.pdu).collect::<std::collections::BTreeSet<_>>().len()
    }

    /// What the network hands over, in order.
    pub(super) fn arrivals(&self, fresh: u16, at: Timestamp) -> Vec<Arrival> {
        let septets = if self.ucs2 { None } else { septets(&self.text) };
        let reference = self.reference.unwrap_or(fresh);
        let header = if self.wide { 7 } else { 6 };
        let single: usize = septets.as_ref().map_or_else(|| self.text.encode_utf16().count(), Vec::len);
        let (whole, each) = if septets.is_some() {
            (ROOM * 8 / 7, ROOM.saturating_sub(header).saturating_mul(8) / 7)
        } else {
            (ROOM / 2, ROOM.saturating_sub(header) / 2)
        };
        let limit = if single <= whole { whole } else { each };
        let bodies: Vec<Body> = if let Some(septets) = &septets {
            cut(septets, limit, |unit| *unit == ESCAPE).into_iter().map(Body::Septets).collect()
        } else {
            let units: Vec<u16> = self.text.encode_utf16().collect();
            cut(&units, limit, |unit| (0xD800..0xDC00).contains(unit)).into_iter().map(Body::Units).collect()
        };
        let total = u8::try_from(bodies.len()).unwrap_or(u8::MAX);
        let mut arrivals: Vec<Arrival> = (1_u8..)
            .zip(&bodies)
            .filter(|(index, _)| self.missing != Some(usize::from(*index)))
            .map(|(index, body)| {
                let concat = (total > 1).then_some((reference, total, index));
                Arrival { pdu: self.deliver(body, concat, at), class: self.class }
            })
            .collect();
        if self.backwards {
            arrivals.reverse();
        }
        if self.twice {
            arrivals.iter().flat_map(|arrival| [arrival.clone(), arrival.clone()]).collect()
        } else {
            arrivals
        }
    }

    fn deliver(&self, body: &Body, concat: Option<(u16, u8, u8)>, at: Timestamp) -> String {
        let header = concat.map_or_else(Vec::new, |(reference, total, index)| {
            let [high, low] = reference.to_be_bytes();
            if self.wide { vec![6, 8, 4, high, low, total, index] } else { vec![5, 0, 3, low, total, index] }
        });
        // No more messages wait; a header follows or not.
        let first = if header.is_empty() { 0x04 } else { 0x44 };
        let alphabet = if matches!(body, Body::Units(_)) { 0x08 } else { 0x00 };
        let coding = self.class.map_or(alphabet, |class| 0x10 | alphabet | (class & 0x03));
        let (length, data) = body.pack(&header);
        let tpdu =
            [&[first], address(&self.from, self.named).as_slice(), &[0, coding], &stamp(at), &[length], &data].concat();
        hex(&[CENTRE.as_slice(), &tpdu].concat())
    }
}

/// The user data of one part.
enum Body {
    Septets(Vec<u8>),
    Units(Vec<u16>),
}

impl Body {
    /// TP-UDL and TP-UD.
    fn pack(&self, header: &[u8]) -> (u8, Vec<u8>) {
        let (length, octets) = match self {
            Self::Units(units) => {
                let octets = [header, &units.iter().flat_map(|unit| unit.to_be_bytes()).collect::<Vec<_>>()].concat();
                (octets.len(), octets)
            }
            Self::Septets(septets) => {
                let skip = header.len().saturating_mul(8).div_ceil(7);
                (skip.saturating_add(septets.len()), pack(header, septets, skip))
            }
        };
        (u8::try_from(length).unwrap_or(u8::MAX), octets)
    }
}

/// Septets behind a header that takes the place of the first `skip`.
fn pack(header: &[u8], septets: &[u8], skip: usize) -> Vec<u8> {
    let bits = skip.saturating_add(septets.len()).saturating_mul(7);
    let mut octets = header.to_vec();
    octets.resize(bits.div_ceil(8), 0);
    for (at, septet) in (skip..).zip(septets) {
        for bit in 0..7_usize {
            let place = at.saturating_mul(7).saturating_add(bit);
            if septet >> bit & 1 == 1
                && let Some(octet) = octets.get_mut(place / 8)
            {
                *octet |= 1 << (place % 8);
            }
        }
    }
    octets
}

/// Pieces of at most `limit` units; one that `leads` is not cut off from the next.
fn cut<T: Copy>(units: &[T], limit: usize, leads: impl Fn(&T) -> bool) -> Vec<Vec<T>> {
    let mut pieces = Vec::new();
    let mut rest = units;
    loop {
        let mut end = rest.len().min(limit);
        if end < rest.len() && rest.get(end.saturating_sub(1)).is_some_and(&leads) {
            end = end.saturating_sub(1);
        }
        let (piece, left) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        pieces.push(piece.to_vec());
        rest = left;
        if rest.is_empty() {
            return pieces;
        }
    }
}

/// The text in the default alphabet, if it can be written in it.
fn septets(text: &str) -> Option<Vec<u8>> {
    let mut septets = Vec::new();
    for c in text.chars() {
        let plain = (0..0x80_u8).find(|septet| *septet != ESCAPE && Alphabet::default_char(*septet) == Some(c));
        if let Some(septet) = plain {
            septets.push(septet);
        } else {
            let extended = (0..0x80_u8).find(|septet| Alphabet::extension_char(*septet) == Some(c))?;
            septets.extend([ESCAPE, extended]);
        }
    }
    Some(septets)
}

/// TP-OA: length, type and digits or septets.
fn address(from: &str, named: bool) -> Vec<u8> {
    let digits: Vec<u8> = from.bytes().filter(u8::is_ascii_digit).map(|byte| byte & 0x0F).collect();
    let is_name = named || !from.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit());
    if is_name {
        let septets = septets(from).unwrap_or_default();
        let semi_octets = septets.len().saturating_mul(7).div_ceil(4);
        let length = u8::try_from(semi_octets).unwrap_or(u8::MAX);
        return [&[length, 0xD0], pack(&[], &septets, 0).as_slice()].concat();
    }
    let kind = match (from.starts_with('+'), digits.len()) {
        (true, _) => 0x91,
        // Operators' own short codes: an abbreviated number in a private plan.
        (false, ..=5) => 0xC9,
        (false, _) => 0xA1,
    };
    let packed = digits.chunks(2).map(|pair| match pair {
        [low, high] => high.wrapping_shl(4) | low,
        [low] => 0xF0 | low,
        _ => 0xFF,
    });
    let length = u8::try_from(digits.len()).unwrap_or(u8::MAX);
    [length, kind].into_iter().chain(packed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::modem::pdu::{self, Deliver, Pdu};

    fn at() -> Timestamp {
        "2026-11-22T18:14:59Z".parse().unwrap()
    }

    /// What the product's own decoder makes of it.
    fn read(inbound: &Inbound) -> Vec<Deliver> {
        let read = |arrival: &Arrival| match pdu::decode(&arrival.pdu) {
            Ok(Pdu::Deliver(deliver)) => deliver,
            other => panic!("{other:?}"),
        };
        inbound.arrivals(7, at()).iter().map(read).collect()
    }

    #[test]
    fn a_known_text_is_built_octet_by_octet() {
        let arrivals = Inbound::new("+15551230017", "hello").arrivals(7, at());
        let want = "07912180551500F0040B915155210310F700006211228141950005E8329BFD06";
        assert_eq!(arrivals.iter().map(|arrival| arrival.pdu.as_str()).collect::<Vec<_>>(), [want]);
    }

    #[test]
    fn long_texts_are_cut_where_they_may_be() {
        let (gsm, wide) = ("x{€".repeat(100), "жя\u{1F600}".repeat(60));
        for (name, inbound, parts) in [
            ("160 septets", Inbound::new("12345", &"x".repeat(160)), 1),
            ("161 septets", Inbound::new("12345", &"x".repeat(161)), 2),
            ("escapes are not cut", Inbound::new("12345", &gsm), 4),
            ("the same with a wide reference", Inbound::new("12345", &gsm).wide_reference(), 4),
            ("70 units", Inbound::new("12345", &"ж".repeat(70)), 1),
            ("71 units", Inbound::new("12345", &"ж".repeat(71)), 2),
            ("pairs are not cut", Inbound::new("12345", &wide), 4),
            ("the same with a wide reference", Inbound::new("12345", &wide).wide_reference(), 4),
            ("nothing", Inbound::new("12345", ""), 1),
        ] {
            let read = read(&inbound);
            let text: String = read.iter().map(|part| part.body.text.as_str()).collect();
            assert_eq!((read.len(), text.as_str()), (parts, inbound.text.as_str()), "{name}");
            let places = read.iter().filter_map(|part| part.body.concat).map(|concat| (concat.reference, concat.part));
            let want: Vec<(u16, u8)> = (1..=parts).filter(|_| parts > 1).map(|n| (7, n.try_into().unwrap())).collect();
            assert_eq!(places.collect::<Vec<_>>(), want, "{name}");
        }
    }

    #[test]
    fn parts_come_in_the_order_they_are_told_to() {
        let long = || Inbound::new("12345", &"x".repeat(400)).reference(300).wide_reference();
        for (name, inbound, want) in [
            ("in order", long(), &[1, 2, 3][..]),
            ("backwards", long().backwards(), &[3, 2, 1]),
            ("twice", long().twice(), &[1, 1, 2, 2, 3, 3]),
            ("one never comes", long().without_part(2), &[1, 3]),
        ] {
            let concats: Vec<_> = read(&inbound).iter().map(|part| part.body.concat.unwrap()).collect();
            assert_eq!(concats.iter().map(|concat| concat.part).collect::<Vec<_>>(), want, "{name}");
            assert!(concats.iter().all(|concat| (concat.reference, concat.total) == (300, 3)), "{name}");
        }
    }

    #[test]
    fn senders_classes_and_alphabets() {
        for (inbound, number, text, class) in [
            (Inbound::new("Acme Ltd", "hi"), "Acme Ltd", "hi", None),
            (Inbound::new("+4681234567", "hi").named(), "+4681234567", "hi", None),
            (Inbound::new("+15551230017", "€uro {x}"), "+15551230017", "€uro {x}", None),
            (Inbound::new("5551230017", "Привет \u{1F600}"), "5551230017", "Привет \u{1F600}", None),
            (Inbound::new("+15551230017", "hi").ucs2(), "+15551230017", "hi", None),
            (Inbound::new("12345", "flash").class(0), "12345", "flash", Some(0)),
            (Inbound::new("12345", "на SIM").class(2), "12345", "на SIM", Some(2)),
        ] {
            let read = read(&inbound).remove(0);
            assert_eq!((read.number.as_str(), read.body.text.as_str(), read.body.class), (number, text, class));
        }
    }
}
