//! Hex text to octets and back, and a cursor over octets that can't run past their end.
//!
//! Used by every reader of this folder. A length field in a PDU is a claim of its sender: all reading goes through
//! [`Octets`], which answers a claim beyond the data with an error.

/// Why a text is no PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PduError {
    /// Nothing at all.
    #[error("empty PDU")]
    Empty,
    /// A character that is no hex digit.
    #[error("not hex: a PDU has only the digits 0-9 and A-F")]
    NotHex,
    /// Half an octet at the end.
    #[error("odd number of hex digits")]
    OddDigits,
    /// A length field or the layout asks for more than is there.
    #[error("PDU ends inside {0}")]
    EndsInside(&'static str),
    /// An address of more than 20 digits (TS 23.040, 9.1.2.5).
    #[error("address is longer than 20 digits")]
    AddressTooLong,
    /// The user data header claims more room than the user data has.
    #[error("user data header is longer than the user data")]
    HeaderTooLong,
}

/// The octets of a hex text; blanks around it are ignored.
pub(super) fn from_hex(hex: &str) -> Result<Vec<u8>, PduError> {
    let digits = hex.trim().as_bytes();
    if digits.is_empty() {
        return Err(PduError::Empty);
    }
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(PduError::NotHex);
    }
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(PduError::OddDigits);
    }
    pairs.iter().map(|pair| octet_of(*pair).ok_or(PduError::NotHex)).collect()
}

fn octet_of([high, low]: [u8; 2]) -> Option<u8> {
    let value = char::from(high).to_digit(16)?.wrapping_shl(4) | char::from(low).to_digit(16)?;
    u8::try_from(value).ok()
}

/// The hex text of octets, in capitals as modems write it.
pub(super) fn to_hex(octets: &[u8]) -> String {
    octets
        .iter()
        .flat_map(|octet| [octet >> 4, octet & 0x0F])
        .filter_map(|nibble| char::from_digit(u32::from(nibble), 16))
        .map(|digit| digit.to_ascii_uppercase())
        .collect()
}

/// What is still unread of a PDU.
pub(super) struct Octets<'a>(&'a [u8]);

impl<'a> Octets<'a> {
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// The next `count` octets; `what` is named in the error if they aren't there.
    pub(super) fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], PduError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(PduError::EndsInside(what))?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next `N` octets as an array.
    pub(super) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], PduError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(PduError::EndsInside(what))?;
        self.0 = rest;
        Ok(*taken)
    }

    /// The next octet.
    pub(super) fn one(&mut self, what: &'static str) -> Result<u8, PduError> {
        self.array::<1>(what).map(|[octet]| octet)
    }
}
