//! Addresses: the service centre's, the peer's, and the one we send to (3GPP TS 23.040, 9.1.2.5; TS 24.011, 8.2.5.1).
//!
//! Numbers are semi-octets, low digit first, with an `F` where the last one is missing; a sender may also be a name in
//! packed septets. Any type of number is read; we write only international ones (with `+`) and unknown ones (without).

use std::fmt;
use std::str::FromStr;

use super::gsm7;
use super::octets::{Octets, PduError};
use crate::model::Phone;

/// Type of number and numbering plan: international, ISDN.
const TOA_INTERNATIONAL: u8 = 0x91;
/// Type of number and numbering plan: unknown, ISDN; for national numbers and short codes.
const TOA_UNKNOWN: u8 = 0x81;
/// The longest address, in semi-octets.
const MAX_DIGITS: usize = 20;

/// A number that a text can be sent to: E.164 with `+`, or a national number or short code without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    digits: String,
    international: bool,
}

/// Why a text is no number to send to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a number: write + and 7 to 15 digits, or the 1 to 20 digits of a national number or short code")]
pub struct DestinationError;

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, DestinationError> {
        if let Ok(phone) = text.parse::<Phone>() {
            return Ok(Self::from(&phone));
        }
        let digits = (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if digits { Ok(Self { digits: text.to_owned(), international: false }) } else { Err(DestinationError) }
    }
}

impl From<&Phone> for Destination {
    fn from(phone: &Phone) -> Self {
        Self { digits: phone.as_str().trim_start_matches('+').to_owned(), international: true }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.international { "+" } else { "" }, self.digits)
    }
}

impl Destination {
    /// Appends length, type and digits as TP-DA.
    pub(super) fn write(&self, pdu: &mut Vec<u8>) {
        pdu.push(u8::try_from(self.digits.len()).unwrap_or(u8::MAX));
        pdu.push(if self.international { TOA_INTERNATIONAL } else { TOA_UNKNOWN });
        let mut digits = self.digits.bytes().map(|digit| digit & 0x0F);
        while let Some(low) = digits.next() {
            pdu.push(low | (digits.next().unwrap_or(0x0F) << 4));
        }
    }
}

/// Reads the service centre's address; its length counts octets, type included. Empty when the PDU names none.
pub(super) fn service_centre(octets: &mut Octets<'_>) -> Result<String, PduError> {
    const WHAT: &str = "the service centre's address";
    let length = octets.one(WHAT)?;
    let mut field = Octets::new(octets.take(usize::from(length), WHAT)?);
    let Ok(kind) = field.one(WHAT) else { return Ok(String::new()) };
    let digits = field.take(usize::from(length.saturating_sub(1)), WHAT)?;
    if digits.len() > MAX_DIGITS / 2 {
        return Err(PduError::AddressTooLong);
    }
    Ok(number(kind, digits, MAX_DIGITS))
}

/// Reads TP-OA, TP-DA or TP-RA; its length counts useful semi-octets.
pub(super) fn peer(octets: &mut Octets<'_>) -> Result<String, PduError> {
    sender(octets).map(|(number, _)| number)
}

/// The same, and whether it is a name. Whoever sends by a gateway chooses it, also one that reads like a number.
pub(super) fn sender(octets: &mut Octets<'_>) -> Result<(String, bool), PduError> {
    const WHAT: &str = "an address";
    let semi_octets = usize::from(octets.one(WHAT)?);
    if semi_octets > MAX_DIGITS {
        return Err(PduError::AddressTooLong);
    }
    let kind = octets.one(WHAT)?;
    let value = octets.take(semi_octets.div_ceil(2), WHAT)?;
    if type_of_number(kind) == ALPHANUMERIC {
        let characters = semi_octets.saturating_mul(4) / 7;
        return Ok((gsm7::text(&gsm7::unpack(value, 0, characters)), true));
    }
    Ok((number(kind, value, semi_octets), false))
}

const INTERNATIONAL: u8 = 0b001;
const ALPHANUMERIC: u8 = 0b101;

const fn type_of_number(kind: u8) -> u8 {
    (kind >> 4) & 0b111
}

fn number(kind: u8, value: &[u8], semi_octets: usize) -> String {
    let digits = value.iter().flat_map(|octet| [octet & 0x0F, octet >> 4]).take(semi_octets);
    let digits: String = digits.map_while(digit).collect();
    if type_of_number(kind) == INTERNATIONAL && !digits.is_empty() { format!("+{digits}") } else { digits }
}

/// The called party BCD digits of TS 24.008, table 10.5.118; `F` ends the number.
fn digit(semi_octet: u8) -> Option<char> {
    match semi_octet {
        0..=9 => char::from_digit(u32::from(semi_octet), 10),
        0xA => Some('*'),
        0xB => Some('#'),
        0xC => Some('a'),
        0xD => Some('b'),
        0xE => Some('c'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_we_send_to() {
        for (text, ok) in [
            ("+15551234567", true),
            ("12345", true),
            ("0301234567", true),
            ("+", false),
            ("", false),
            ("+0301234567", false),
            ("030 1234", false),
            ("1234567890123456789012", false),
            ("Dana", false),
        ] {
            assert_eq!(text.parse::<Destination>().map(|number| number.to_string()).ok(), ok.then(|| text.to_owned()));
        }
    }

    #[test]
    fn a_sender_may_be_a_name() {
        for (name, semi_octets) in [("N", 2), ("Example", 13), ("Vodafone", 14), ("Night desk!", 20)] {
            let mut octets = vec![semi_octets, 0xD0];
            octets.extend(gsm7::pack(&gsm7::septets(name), 0));
            assert_eq!(peer(&mut Octets::new(&octets)).as_deref(), Ok(name));
        }
    }

    #[test]
    fn any_type_of_number_is_read() {
        for (name, octets, want) in [
            ("international, odd", vec![11, 0x91, 0x51, 0x55, 0x21, 0x03, 0x01, 0xF7], Ok("+15551230107")),
            ("national", vec![4, 0xA1, 0x21, 0x43], Ok("1234")),
            ("star and hash", vec![5, 0x81, 0x1A, 0x32, 0xFB], Ok("*123#")),
            ("nothing", vec![0, 0x91], Ok("")),
            ("21 digits", vec![21, 0x91], Err(PduError::AddressTooLong)),
            ("cut", vec![11, 0x91, 0x51], Err(PduError::EndsInside("an address"))),
        ] {
            let read = peer(&mut Octets::new(&octets));
            assert_eq!(read.as_deref().map_err(|e| *e), want, "{name}");
        }
    }
}
