//! SMS-SUBMIT: a text to be sent, encoded part by part, and the same read back (3GPP TS 23.040, 9.2.2.2).
//!
//! Always with the stored service centre (`00`), TP-MR 0 (the modem numbers its messages itself), protocol 0, and for
//! longer texts an 8 bit reference. The text goes out as it is given: making it safe is the router's job.

use std::time::Duration;

use super::MTI_SUBMIT;
use super::address::{self, Destination};
use super::gsm7;
use super::octets::{Octets, PduError, to_hex};
use super::user_data::{Body, HEADER_PRESENT};

use crate::model::{Alphabet, Layout};

/// TP-SRR: a status report is asked for.
const STATUS_REPORT: u8 = 0x20;
/// TP-VPF: no validity period, or a relative one of one octet.
const VALIDITY_FORMAT: u8 = 0x18;
const VALIDITY_RELATIVE: u8 = 0x10;
/// Octets of a header with one 8 bit concatenation element, and the septets they take with their fill bit.
const HEADER_SEPTETS: usize = 7;

/// What is to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// To whom.
    pub to: &'a Destination,
    /// The text, as it goes out.
    pub text: &'a str,
    /// Whether the network shall report what became of it.
    pub status_report: bool,
    /// Shared by the parts of a longer text.
    pub reference: u8,
    /// How long the network may try; its own maximum without.
    pub validity: Option<Duration>,
}

/// One part, ready for `AT+CMGS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Hex of service centre and TPDU.
    pub pdu: String,
    /// The argument of `AT+CMGS`: octets of the TPDU, without the service centre.
    pub tpdu_len: usize,
}

/// A text of more than 255 parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is longer than 255 parts")]
pub struct TextTooLong;

impl Wish<'_> {
    /// The alphabet of all parts, and the parts in order.
    ///
    /// # Errors
    /// [`TextTooLong`]: the numbering of parts ends at 255; the text must be cut.
    pub fn encode(&self) -> Result<(Alphabet, Vec<Encoded>), TextTooLong> {
        let layout = Layout::of(self.text);
        let total = u8::try_from(layout.parts.len()).map_err(|_| TextTooLong)?;
        let parts = layout.parts.iter().zip(1..=total);
        let parts = parts.map(|(text, part)| self.part(layout.alphabet, text, total, part)).collect();
        Ok((layout.alphabet, parts))
    }

    fn part(&self, alphabet: Alphabet, text: &str, total: u8, part: u8) -> Encoded {
        let concat = total > 1;
        let mut pdu = vec![0x00];
        let flag = |on: bool, bits: u8| if on { bits } else { 0 };
        pdu.push(
            MTI_SUBMIT
                | flag(concat, HEADER_PRESENT)
                | flag(self.status_report, STATUS_REPORT)
                | flag(self.validity.is_some(), VALIDITY_RELATIVE),
        );
        pdu.push(0x00); // TP-MR: the modem puts its own
        self.to.write(&mut pdu);
        pdu.push(0x00); // TP-PID: a plain text
        pdu.push(if alphabet == Alphabet::Gsm7 { 0x00 } else { 0x08 });
        pdu.extend(self.validity.map(relative_validity));
        let header: &[u8] = if concat { &[5, 0, 3, self.reference, total, part] } else { &[] };
        let (length, data) = user_data(alphabet, header, text);
        pdu.push(u8::try_from(length).unwrap_or(u8::MAX)); // the layout keeps it within 160
        pdu.extend_from_slice(header);
        pdu.extend(data);
        Encoded { tpdu_len: pdu.len().saturating_sub(1), pdu: to_hex(&pdu) }
    }
}

/// TP-UDL, and the octets that follow the header.
fn user_data(alphabet: Alphabet, header: &[u8], text: &str) -> (usize, Vec<u8>) {
    match alphabet {
        Alphabet::Gsm7 => {
            let septets = gsm7::septets(text);
            // Six octets of header are 48 bits: one fill bit leads to the next septet.
            let (skip, fill) = if header.is_empty() { (0, 0) } else { (HEADER_SEPTETS, 1) };
            (septets.len().saturating_add(skip), gsm7::pack(&septets, fill))
        }
        Alphabet::Ucs2 => {
            let data: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            (data.len().saturating_add(header.len()), data)
        }
    }
}

/// TP-VP in its relative form, rounded up to the next step (TS 23.040, 9.2.3.12.1).
fn relative_validity(span: Duration) -> u8 {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let seconds = span.as_secs();
    let (base, steps) = if seconds <= 12 * HOUR {
        (0, seconds.div_ceil(5 * MINUTE).saturating_sub(1))
    } else if seconds <= DAY {
        (143, seconds.saturating_sub(12 * HOUR).div_ceil(30 * MINUTE))
    } else if seconds <= 30 * DAY {
        (166, seconds.div_ceil(DAY))
    } else {
        (192, seconds.div_ceil(7 * DAY))
    };
    u8::try_from(steps.saturating_add(base)).unwrap_or(u8::MAX)
}

/// An SMS-SUBMIT, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmitView {
    /// The service centre; empty when the stored one is meant.
    pub smsc: String,
    /// TP-MR.
    pub reference: u8,
    /// To whom.
    pub number: String,
    /// Whether a report was asked for.
    pub status_report: bool,
    /// What it says.
    pub body: Body,
}

impl SubmitView {
    pub(super) fn read(smsc: String, first: u8, octets: &mut Octets<'_>) -> Result<Self, PduError> {
        let reference = octets.one("the message reference")?;
        let number = address::peer(octets)?;
        let _protocol = octets.one("the protocol identifier")?;
        let coding = octets.one("the coding scheme")?;
        let validity = match first & VALIDITY_FORMAT {
            0 => 0,
            VALIDITY_RELATIVE => 1,
            _ => 7, // absolute and enhanced
        };
        let _validity = octets.take(validity, "the validity period")?;
        let body = Body::read(first, coding, octets)?;
        Ok(Self { smsc, reference, number, status_report: first & STATUS_REPORT != 0, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validity_in_the_steps_of_the_specification() {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        for (span, want) in [
            (minutes(0), 0),
            (minutes(5), 0),
            (minutes(6), 1),
            (minutes(60), 11),
            (minutes(12 * 60), 143),
            (minutes(12 * 60 + 1), 144),
            (minutes(12 * 60 + 30), 144),
            (minutes(24 * 60), 167),
            (minutes(24 * 60 + 1), 168),
            (minutes(48 * 60), 168),
            (minutes(30 * 24 * 60), 196),
            (minutes(30 * 24 * 60 + 1), 197),
            (minutes(35 * 24 * 60), 197),
            (minutes(63 * 7 * 24 * 60), 255),
            (Duration::MAX, 255),
        ] {
            assert_eq!(relative_validity(span), want, "{span:?}");
        }
    }

    /// Each value read as the table of the specification has it: the network's span is the least that covers ours.
    #[test]
    fn every_step_of_validity_is_reached_and_none_is_too_short() {
        let minutes = |value: u64| match value {
            0..=143 => (value + 1) * 5,
            144..=167 => 12 * 60 + (value - 143) * 30,
            168..=196 => (value - 166) * 24 * 60,
            _ => (value - 192) * 7 * 24 * 60,
        };
        for value in 0..=255_u8 {
            let span = Duration::from_secs(60 * minutes(value.into()));
            assert_eq!(relative_validity(span), value, "{span:?}");
            let longer = span + Duration::from_secs(1);
            assert_eq!(relative_validity(longer), value.saturating_add(1), "{longer:?}");
        }
    }

    #[test]
    fn validity_has_its_octet_and_its_bit() {
        let to = "12345".parse().unwrap();
        let wish =
            Wish { to: &to, text: "x", status_report: true, reference: 0, validity: Some(Duration::from_hours(1)) };
        let (_, parts) = wish.encode().unwrap();
        assert_eq!(parts, [Encoded { pdu: "00310005812143F500000B0178".into(), tpdu_len: 12 }]);
    }

    #[test]
    fn more_than_255_parts_are_refused() {
        let to = "+15551234567".parse().unwrap();
        let parts_of = |septets| {
            let text = "a".repeat(septets);
            let wish = Wish { to: &to, text: &text, status_report: false, reference: 0, validity: None };
            wish.encode().map(|(_, parts)| parts.len())
        };
        assert_eq!(parts_of(153 * 255), Ok(255));
        assert_eq!(parts_of(153 * 255 + 1), Err(TextTooLong));
    }
}
