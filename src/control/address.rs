//! A mail address as an operator types it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest that a server takes (RFC 5321, clause 4.5.3.1.3, less the angle brackets).
const MOST_BYTES: usize = 254;

/// A mail address on its way to the desk. The log tells of every request, but not of this.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(String);

/// What is wrong with an address that was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a mail address has a name, one @ and a domain, and no spaces")]
pub struct NoAddress;

impl Address {
    /// The address, as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let text = text.trim();
        let parts = text.rsplit_once('@').is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty());
        // A name in quotation marks may have an @ and spaces. Nobody has one, and most servers refuse it.
        let is_plain = !text.chars().any(|c| c.is_whitespace() || c.is_control()) && text.matches('@').count() == 1;
        if parts && is_plain && text.len() <= MOST_BYTES { Ok(Self(text.to_owned())) } else { Err(NoAddress) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operator_types() {
        for (text, want) in [
            ("anna@example.com", true),
            (" Anna.Berg+x@Example.com ", true),
            ("renée@bücher.example", true),
            ("anna", false),
            ("@example.com", false),
            ("anna@", false),
            ("anna@berg@example.com", false),
            ("anna berg@example.com", false),
            ("Anna <anna@example.com>", false),
            ("anna@example.com\u{7}", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<Address>().is_ok(), want, "{text:?}");
        }
        assert!(format!("{}@example.com", "x".repeat(300)).parse::<Address>().is_err(), "too long");
    }

    #[test]
    fn no_log_tells_it() {
        let address: Address = "anna@example.com".parse().unwrap();
        assert_eq!(format!("{:?}", super::super::Request::Suppress { address }), "Suppress { address: *** }");
    }
}
