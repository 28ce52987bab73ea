//! What a prospect is written, what a support team is handed, and addresses that must not be written to: payloads of
//! jobs, as their rows have them.
//!
//! Both are final when they are made: what is sent, and sent again after an unknown outcome, is what the row says.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One mail to a prospect. Nothing of what the prospect wrote is in it: the address may be somebody else's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailTask {
    /// The address.
    pub to: String,
    /// Whom it greets, letters only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The subject, one line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// Where whoever has the address unsubscribes with one click.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsubscribe: Option<String>,
    /// It was sent before, and nobody can tell whether that arrived: this is the one repeat.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeat: bool,
}

/// One case for a support team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketTask {
    /// Its headline, one line.
    pub subject: String,
    /// What is to be known, paragraph by paragraph; a paragraph may have several lines.
    pub paragraphs: Vec<String>,
    /// What the customer is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the customer is written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// How urgent it is, in the help desk's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// Words under which it is found again.
    #[serde(default)]
    pub tags: Vec<String>,
    /// It was handed on before, and nobody can tell whether that arrived: this is the one repeat.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeat: bool,
}

/// Stands for an address where it must be known again, but not be told: a keyed hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressHash([u8; 16]);

/// What knows addresses again, and signs the links by which their owners unsubscribe.
pub trait Addresses: fmt::Debug + Send + Sync {
    /// The hash of an address. Those that surely are one mailbox (letter case, spaces around) have one hash.
    fn hash(&self, address: &str) -> AddressHash;

    /// The page on which the owner of an address unsubscribes; `None` where nobody could reach it.
    fn unsubscribe_url(&self, hash: AddressHash) -> Option<String>;

    /// Whose page this token is; `None` if it isn't one of ours.
    fn of_token(&self, token: &str) -> Option<AddressHash>;
}

/// Why an address is not written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Suppressed {
    /// Its owner said so.
    Unsubscribed,
    /// Its server said that there is no such mailbox.
    Bounced,
    /// We said so.
    Operator,
}

impl Suppressed {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Unsubscribed, Self::Bounced, Self::Operator];

    /// The word in the database and the CLI.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unsubscribed => "unsubscribed",
            Self::Bounced => "bounced",
            Self::Operator => "operator",
        }
    }
}

impl AddressHash {
    /// A hash as it was made or stored.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for AddressHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What is wrong with a hash that was stored: it isn't 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the hash of an address: 32 hexadecimal digits")]
pub struct NoAddressHash;

impl std::str::FromStr for AddressHash {
    type Err = NoAddressHash;

    fn from_str(text: &str) -> Result<Self, NoAddressHash> {
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NoAddressHash);
        }
        u128::from_str_radix(text, 16).map(|number| Self(number.to_be_bytes())).map_err(|_| NoAddressHash)
    }
}
