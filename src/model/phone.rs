//! A telephone number in E.164: `+`, then 7 to 15 digits, the first not zero (ITU-T E.164, clause 6).
//!
//! Checked by shape only. Whether a lead's number can exist is the sanitiser's question; a colleague's number in the
//! configuration is taken as it stands, because numbering plans change faster than tables of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number that may be dialled.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

/// Why a text is no E.164 number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an E.164 number: write + and 7 to 15 digits, such as +15551234567")]
pub struct PhoneError;

impl Phone {
    /// The number with its plus sign.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Phone {
    type Err = PhoneError;

    fn from_str(text: &str) -> Result<Self, PhoneError> {
        let digits = text.strip_prefix('+').ok_or(PhoneError)?;
        let shaped =
            (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        if shaped { Ok(Self(text.to_owned())) } else { Err(PhoneError) }
    }
}

impl TryFrom<String> for Phone {
    type Error = PhoneError;

    fn try_from(text: String) -> Result<Self, PhoneError> {
        text.parse()
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_e164_is_a_number() {
        for good in ["+15551230001", "+4930123456", "+123456789012345"] {
            assert!(good.parse::<Phone>().is_ok(), "{good}");
        }
        for bad in ["", "+", "15551230001", "+0155512300", "+1555123000a", "+1234567890123456", "+1 555", "+١٢٣٤٥٦٧٨"]
        {
            assert_eq!(bad.parse::<Phone>(), Err(PhoneError), "{bad}");
        }
    }
}
