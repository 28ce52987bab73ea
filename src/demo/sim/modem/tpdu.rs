//! Reads the PDU a client submits, and writes the status report that answers it.
//!
//! A second opinion on the product's codec, so it shares no code with it: octets in, what the phone would show out.
//! It refuses whatever a network would refuse. Layout: 3GPP TS 23.040, clauses 9.2.2.2 (SMS-SUBMIT), 9.2.2.3
//! (SMS-STATUS-REPORT) and 9.2.3.24.1 (concatenation); alphabets: TS 23.038.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::Alphabet;

/// One submitted part, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Submit {
    /// The recipient, with a plus sign if it is international.
    pub(super) to: String,
    /// The recipient's octets, as a report repeats them: length, type, digits.
    pub(super) address: Vec<u8>,
    pub(super) report: bool,
    pub(super) text: String,
    /// Reference, number of parts, index from 1.
    pub(super) concat: Option<(u16, u8, u8)>,
    /// It names its own service centre instead of the stored one.
    pub(super) own_centre: bool,
}

/// Why a PDU is refused, in words for the list of violations.
pub(super) type Bad = &'static str;

/// Takes octets from the front.
struct Octets<'o>(&'o [u8]);

impl<'o> Octets<'o> {
    fn one(&mut self) -> Result<u8, Bad> {
        let (first, rest) = self.0.split_first().ok_or("the PDU ends too early")?;
        self.0 = rest;
        Ok(*first)
    }

    fn take(&mut self, count: usize) -> Result<&'o [u8], Bad> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("the PDU ends too early")?;
        self.0 = rest;
        Ok(taken)
    }
}

/// The octets of a line of hexadecimal digits.
pub(super) fn unhex(text: &str) -> Result<Vec<u8>, Bad> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let digits: Option<Vec<u8>> = text.as_bytes().iter().map(digit).collect();
    let digits = digits.ok_or("a byte of the PDU is no hexadecimal digit")?;
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err("the PDU has half an octet");
    }
    Ok(pairs.filter_map(|pair| Some(pair.first()?.wrapping_shl(4) | pair.last()?)).collect())
}

pub(super) fn hex(octets: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('?').to_ascii_uppercase();
    octets.iter().flat_map(|octet| [digit(octet.wrapping_shr(4)), digit(octet & 0x0F)]).collect()
}

/// Reads a whole PDU, whose part after the service centre must have `length` octets.
pub(super) fn read(line: &str, length: usize) -> Result<Submit, Bad> {
    let octets = unhex(line)?;
    let mut octets = Octets(&octets);
    let centre = usize::from(octets.one()?);
    if centre > 12 {
        return Err("the service centre's address is too long");
    }
    octets.take(centre)?;
    if octets.0.len() != length {
        return Err("the PDU does not have the length AT+CMGS named");
    }
    let first = octets.one()?;
    if first & 0x03 != 0x01 {
        return Err("the PDU is no SMS-SUBMIT");
    }
    if first & 0x04 != 0 {
        return Err("TP-RD is set: the network would drop our own retry");
    }
    octets.one()?; // TP-MR: the modem picks its own
    let (to, address) = recipient(&mut octets)?;
    if octets.one()? != 0 {
        return Err("TP-PID is not 0");
    }
    let coding = octets.one()?;
    match first & 0x18 {
        0x00 => {}
        0x10 => drop(octets.one()?),
        _ => drop(octets.take(7)?),
    }
    let (text, concat) = user_data(&mut octets, coding, first & 0x40 != 0)?;
    if !octets.0.is_empty() {
        return Err("octets follow the user data");
    }
    Ok(Submit { to, address, report: first & 0x20 != 0, text, concat, own_centre: centre > 0 })
}

fn recipient(octets: &mut Octets<'_>) -> Result<(String, Vec<u8>), Bad> {
    let length = octets.one()?;
    let kind = octets.one()?;
    if length == 0 || length > 20 || kind & 0x80 == 0 {
        return Err("the recipient's address is malformed");
    }
    let packed = octets.take(usize::from(length).div_ceil(2))?;
    let nibbles: Vec<u8> = packed.iter().flat_map(|octet| [octet & 0x0F, octet.wrapping_shr(4)]).collect();
    let (digits, fill) = nibbles.split_at_checked(usize::from(length)).ok_or("the recipient's address is malformed")?;
    if fill.iter().any(|nibble| *nibble != 0x0F) {
        return Err("an odd number of digits is not filled up with F");
    }
    let mut to = if kind & 0x70 == 0x10 { "+".to_owned() } else { String::new() };
    for digit in digits {
        to.push(char::from_digit((*digit).into(), 10).ok_or("a digit of the recipient's number is no digit")?);
    }
    Ok((to, [&[length, kind], packed].concat()))
}

type Told = (String, Option<(u16, u8, u8)>);

fn user_data(octets: &mut Octets<'_>, coding: u8, has_header: bool) -> Result<Told, Bad> {
    let length = usize::from(octets.one()?);
    let (septets, count) = match coding {
        0x00 => (true, length.saturating_mul(7).div_ceil(8)),
        0x08 if length % 2 == 0 => (false, length),
        0x08 => return Err("UCS-2 with half a character"),
        _ => return Err("TP-DCS is neither GSM 7 bit nor UCS-2"),
    };
    if count > 140 {
        return Err("the user data is over 140 octets");
    }
    let data = octets.take(count)?;
    let header =
        if has_header { usize::from(*data.first().ok_or("the header is missing")?).saturating_add(1) } else { 0 };
    let concat =
        if has_header { concat(data.get(1..header).ok_or("the header is longer than the data")?)? } else { None };
    let text = if septets {
        gsm7(data, header.saturating_mul(8).div_ceil(7), length)?
    } else {
        ucs2(data.get(header..).unwrap_or_default())?
    };
    Ok((text, concat))
}

/// The concatenation element of a user data header, if it has one.
fn concat(header: &[u8]) -> Result<Option<(u16, u8, u8)>, Bad> {
    let mut elements = Octets(header);
    let mut found = None;
    while !elements.0.is_empty() {
        let (id, length) = (elements.one()?, elements.one()?);
        found = match (id, elements.take(length.into())?) {
            (0x00, &[reference, total, index]) => Some((u16::from(reference), total, index)),
            (0x08, &[high, low, total, index]) => Some((u16::from_be_bytes([high, low]), total, index)),
            (0x00 | 0x08, _) => return Err("the concatenation element has a wrong length"),
            _ => found,
        };
    }
    match found {
        Some((_, total, index)) if index == 0 || index > total => Err("the part's index is outside its message"),
        found => Ok(found),
    }
}

/// The characters of the septets from `skip` to `length`.
fn gsm7(data: &[u8], skip: usize, length: usize) -> Result<String, Bad> {
    let bit =
        |at: usize| data.get(at / 8).map_or(0, |octet| octet.wrapping_shr(u32::try_from(at % 8).unwrap_or(0)) & 1);
    let septet =
        |at: usize| (0..7_u8).fold(0_u8, |value, n| value | bit(at.saturating_mul(7).saturating_add(n.into())) << n);
    let mut text = String::new();
    let mut escaped = false;
    for at in skip..length {
        let value = septet(at);
        let c = match (escaped, value) {
            (false, 0x1B) => None,
            (false, _) => Some(Alphabet::default_char(value).ok_or("a septet is no character")?),
            (true, _) => {
                Some(Alphabet::extension_char(value).ok_or("an escape with no character of the extension table")?)
            }
        };
        escaped = c.is_none();
        text.extend(c);
    }
    if escaped { Err("an escape is cut off from its character") } else { Ok(text) }
}

fn ucs2(data: &[u8]) -> Result<String, Bad> {
    let units = data.chunks_exact(2).filter_map(|pair| Some(u16::from_be_bytes([*pair.first()?, *pair.last()?])));
    char::decode_utf16(units).collect::<Result<_, _>>().map_err(|_| "half a surrogate pair")
}

/// A status report on a part: the argument of `+CDS`, and the line that follows it.
pub(super) fn report(reference: u8, address: &[u8], sent: Timestamp, done: Timestamp, status: u8) -> (usize, String) {
    let centre = [0x07, 0x91, 0x21, 0x80, 0x55, 0x15, 0x00, 0xF0];
    let tpdu = [&[0x06, reference], address, &stamp(sent), &stamp(done), &[status]].concat();
    (tpdu.len(), hex(&[&centre, tpdu.as_slice()].concat()))
}

/// A time stamp in swapped digits, UTC (TS 23.040, clause 9.2.3.11).
pub(super) fn stamp(at: Timestamp) -> [u8; 7] {
    let at = at.to_zoned(TimeZone::UTC);
    let swapped = |value: i16| {
        let value = u8::try_from(value.rem_euclid(100)).unwrap_or(0);
        (value % 10).wrapping_shl(4) | (value / 10)
    };
    let of = |value: i8| swapped(value.into());
    [swapped(at.year()), of(at.month()), of(at.day()), of(at.hour()), of(at.minute()), of(at.second()), 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_or_refused() {
        let hello = "0021000B915155214365F7000006E8329BFD0E01";
        let read_hello = read(hello, 19).unwrap();
        assert_eq!(
            (read_hello.to.as_str(), read_hello.text.as_str(), read_hello.report),
            ("+15551234567", "hello!", true)
        );
        for (name, line, length, want) in [
            ("wrong length", hello, 20, "the PDU does not have the length AT+CMGS named"),
            ("half an octet", "0021000B9", 19, "the PDU has half an octet"),
            ("no hex", "00210G", 2, "a byte of the PDU is no hexadecimal digit"),
            ("a deliver", "0004000B915155214365F7000006E8329BFD0E01", 19, "the PDU is no SMS-SUBMIT"),
            (
                "reject duplicates",
                "0025000B915155214365F7000006E8329BFD0E01",
                19,
                "TP-RD is set: the network would drop our own retry",
            ),
            ("data cut off", "0021000B915155214365F7000006E8329BFD0E", 18, "the PDU ends too early"),
            ("data too long", "0021000B915155214365F7000006E8329BFD0E0100", 20, "octets follow the user data"),
            (
                "fill is no F",
                "0021000B91515521436507000006E8329BFD0E01",
                19,
                "an odd number of digits is not filled up with F",
            ),
            ("eight bit", "0021000B915155214365F7000406E8329BFD0E01", 19, "TP-DCS is neither GSM 7 bit nor UCS-2"),
        ] {
            assert_eq!(read(line, length).unwrap_err(), want, "{name}");
        }
        let part = read("0041000B915155214365F7000008050003070201D0", 20).unwrap();
        assert_eq!(
            (part.concat, part.text.as_str()),
            (Some((7, 2, 1)), "h"),
            "the fill bit stands before the first septet"
        );
        let smile = read("0001000B915155214365F7000804D83DDE00", 17).unwrap();
        assert_eq!(smile.text, "\u{1F600}");
        assert_eq!(read("0001000B915155214365F7000802D83D", 15), Err("half a surrogate pair"));
    }

    #[test]
    fn a_report_names_the_part_it_is_about() {
        let address = read("0021000B915155214365F7000006E8329BFD0E01", 19).unwrap().address;
        let at: Timestamp = "2026-11-22T18:14:59Z".parse().unwrap();
        let (length, line) = report(71, &address, at, at, 0);
        assert_eq!((length, line.as_str()), (25, "07912180551500F006470B915155214365F7621122814195006211228141950000"));
    }
}
