//! What must hold of any text: what we encode arrives as it was written, and what arrives is read as the specification
//! has it, whatever its alphabet and its header.
//!
//! Input: a byte that chooses, then for a text of ours the reference, the number of digits, 8 octets of digits and the
//! text; for one of theirs the coding scheme, the length of the header, the header and the data. Shared by the fuzz target
//! and by the crate's tests, which replay its seeds.

use nightdesk::deliver::modem::pdu::{Body, Coding, Concat, Pdu, Wish, decode};
use nightdesk::model::Alphabet;

/// Sender +15551230017, protocol 0.
const SENDER: &[u8] = &[0x0B, 0x91, 0x51, 0x55, 0x21, 0x03, 0x10, 0xF7, 0x00];
const STAMP: [u8; 7] = [0x62, 0x11, 0x22, 0x81, 0x41, 0x95, 0x0A];
/// Room of a message for user data, in octets.
const ROOM: usize = 140;

pub(super) fn check(bytes: &[u8]) {
    match bytes.split_first() {
        Some((choice, rest)) if choice & 1 == 0 => ours(rest),
        Some((_, rest)) => theirs(rest),
        None => {}
    }
}

/// A text on its way from our encoder to a phone, which is sent what we would be sent.
fn ours(bytes: &[u8]) {
    let Some((&[reference, count], rest)) = bytes.split_first_chunk::<2>() else { return };
    let Some((digits, text)) = rest.split_first_chunk::<8>() else { return };
    let digits: String =
        digits.iter().flat_map(|octet| [octet >> 4, octet & 15]).map(|d| char::from(b'0' + d % 10)).collect();
    let number = format!("+1{}", &digits[..6 + usize::from(count) % 9]);
    let text = String::from_utf8_lossy(text);
    let to = number.parse().expect("a number");
    let wish = Wish { to: &to, text: &text, status_report: count & 1 == 0, reference, validity: None };
    let Ok((alphabet, parts)) = wish.encode() else {
        assert!(text.len() > 255 * 66, "nothing shorter is refused");
        return;
    };
    let total = u8::try_from(parts.len()).expect("no more are made");
    let mut arrived = String::new();
    for (part, n) in parts.iter().zip(1..=total) {
        let tpdu = part.pdu.strip_prefix("00").expect("the stored service centre");
        assert!(part.tpdu_len <= 15 + ROOM && tpdu.len() == 2 * part.tpdu_len, "{part:?}");
        // First octet, TP-MR, length and type of the number, the number, TP-PID, TP-DCS; then the user data.
        let at = 2 * (4 + (number.len() - 1).div_ceil(2));
        let (address, rest) = (&tpdu[4..at], &tpdu[at..]);
        let first = if total > 1 { "44" } else { "04" };
        let stamp = hex_of(&STAMP);
        let Ok(Pdu::Deliver(read)) = decode(&format!("00{first}{address}{}{stamp}{}", &rest[..4], &rest[4..])) else {
            panic!("{part:?}")
        };
        let concat = (total > 1).then_some(Concat { reference: reference.into(), total, part: n });
        let coding = if alphabet == Alphabet::Gsm7 { Coding::Gsm7 } else { Coding::Ucs2 };
        assert_eq!((&read.number, read.body.concat, read.body.coding), (&number, concat, coding));
        arrived.push_str(&read.body.text);
    }
    assert_eq!(arrived, text);
}

/// A text of theirs, laid out here bit by bit.
fn theirs(bytes: &[u8]) {
    let Some((&[dcs, header_len], rest)) = bytes.split_first_chunk::<2>() else { return };
    let header_len = usize::from(header_len) % ROOM;
    let (header, data) = rest.split_at(header_len.min(rest.len()));
    let header = [&[u8::try_from(header.len()).expect("short")], header].concat();
    let header = if header.len() == 1 { &[][..] } else { &header[..] };
    let septets = match dcs {
        0xE0..=0xEF => false,
        0xF0.. => dcs & 4 == 0,
        0x80.. => true,
        _ => dcs & 0x20 == 0 && matches!(dcs & 0x0C, 0 | 0x0C),
    };
    let room = ROOM - header.len();
    let (length, data, plain) = if septets {
        let fill = header.len().wrapping_mul(8).next_multiple_of(7);
        let data: Vec<u8> = data.iter().take((ROOM * 8 - fill) / 7).map(|septet| septet & 0x7F).collect();
        (fill / 7 + data.len(), packed(header, fill, &data), Some(data))
    } else {
        let data = &data[..data.len().min(room)];
        (header.len() + data.len(), [header, data].concat(), None)
    };
    let first = if header.is_empty() { 0x04 } else { 0x44 };
    let length = u8::try_from(length).expect("a message has room for 160");
    let octets = [&[0x00, first], SENDER, &[dcs], &STAMP, &[length], &data].concat();
    let hex = hex_of(&octets);
    let Ok(Pdu::Deliver(read)) = decode(&hex) else { panic!("{hex} is a text") };
    assert_eq!(read.timestamp.map(|at| at.to_string()).as_deref(), Some("2026-11-22T18:14:59-05:00"));
    assert_eq!(read.body.coding == Coding::Gsm7, septets, "{hex}");
    is_read(&read.body, plain.as_deref(), &data[header.len().min(data.len())..]);
}

/// Octets that hold the header, then septets from a septet boundary on, low bits first.
fn packed(header: &[u8], fill: usize, septets: &[u8]) -> Vec<u8> {
    let mut bits: Vec<bool> = header.iter().flat_map(|octet| (0..8).map(move |bit| octet >> bit & 1 == 1)).collect();
    bits.resize(fill, false);
    bits.extend(septets.iter().flat_map(|septet| (0..7).map(move |bit| septet >> bit & 1 == 1)));
    bits.chunks(8).map(|bits| bits.iter().rev().fold(0, |octet, bit| octet << 1 | u8::from(*bit))).collect()
}

fn is_read(body: &Body, septets: Option<&[u8]>, data: &[u8]) {
    match (body.coding, septets) {
        (Coding::Gsm7, Some(septets)) => {
            let mut text = String::new();
            let mut rest = septets.iter();
            while let Some(septet) = rest.next() {
                text.push(match (septet, rest.as_slice().first()) {
                    (0x1B, Some(second)) => {
                        rest.next();
                        let extended = Alphabet::extension_char(*second);
                        extended.or_else(|| Alphabet::default_char(*second)).unwrap_or(' ')
                    }
                    (0x1B, None) => ' ',
                    (septet, _) => Alphabet::default_char(*septet).expect("only the escape has none"),
                });
            }
            assert_eq!(body.text, text);
        }
        (Coding::EightBit, None) => {
            assert_eq!(body.text, data.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().concat());
        }
        (Coding::Ucs2, None) => {
            let units: Vec<u16> = data.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]])).collect();
            let half = if data.len() % 2 == 1 { "\u{fffd}" } else { "" };
            assert_eq!(body.text, format!("{}{half}", String::from_utf16_lossy(&units)));
        }
        (Coding::Gsm7, None) | (Coding::EightBit | Coding::Ucs2, Some(_)) => panic!("another alphabet: {body:?}"),
    }
}

fn hex_of(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().concat()
}
