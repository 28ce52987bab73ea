//! Mail to prospects.

use super::{Problems, SecretRef, raw};

/// Mail to prospects.
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    /// Under which addresses are known again, and links to unsubscribe are signed.
    pub key: SecretRef,
}

impl Mail {
    pub(super) fn of(raw: raw::Mail, problems: &mut Problems) -> Option<Self> {
        let wants = "{ credential = \"name\" } or { file = \"/path\" } of a long random text";
        Some(Self { key: problems.required(raw.key, "mail.key", wants)? })
    }
}
