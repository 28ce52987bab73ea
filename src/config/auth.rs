//! How a sender proves who it is: what each scheme must be told.
//!
//! Every source names its scheme; there is no default that lets somebody in. `read` makes one of these from what was
//! typed, `secret` fetches the secrets they name, and what a scheme then does is the intake's matter.

mod read;
#[cfg(test)]
mod tests;

use serde::Deserialize;

use super::SecretRef;
use super::typed::Typed;

/// How a sender proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// HubSpot's signatures.
    Hubspot {
        /// The app's client secret.
        secret: SecretRef,
    },
    /// Standard Webhooks, also under Svix's names.
    StandardWebhooks {
        /// The keys; several while one replaces another.
        secrets: Vec<SecretRef>,
    },
    /// An HMAC-SHA256 in a header.
    HmacSha256 {
        /// The keys; several while one replaces another.
        secrets: Vec<SecretRef>,
        /// Where the signature is and what it covers.
        layout: Layout,
    },
    /// Twilio's signatures.
    Twilio {
        /// The auth token, the shared key, or several of them.
        secrets: Vec<SecretRef>,
    },
    /// A header that holds a secret.
    SharedSecret {
        /// The header.
        header: String,
        /// What precedes the secret in it, such as `Bearer `.
        prefix: String,
        /// The secret.
        secret: SecretRef,
    },
    /// A secret behind the source's name in the address.
    PathSecret {
        /// The secret.
        secret: SecretRef,
    },
    /// A user and a password.
    Basic {
        /// The user.
        user: String,
        /// The password.
        secret: SecretRef,
    },
    /// A Salesforce organization.
    Salesforce {
        /// Its id.
        organization_id: String,
        /// A secret behind the source's name in the address.
        secret: Option<SecretRef>,
    },
    /// A client certificate.
    ClientCertificate {
        /// SHA-256 of each certificate that may post.
        fingerprints: Vec<[u8; 32]>,
    },
    /// Anybody who knows the address may post.
    None,
}

/// Where an HMAC-SHA256 stands, and what it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The header.
    pub header: String,
    /// What precedes the signature in it, such as `sha256=`.
    pub prefix: String,
    /// How the signature is written.
    pub encoding: Encoding,
    /// The time that is signed with the body.
    pub stamp: Option<Stamp>,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Encoding {
    Hex,
    Base64,
}

/// A time that is signed with the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Where it stands.
    pub place: StampPlace,
    /// What precedes it in the signed text.
    pub before: String,
    /// What stands between it and the body.
    pub between: String,
}

/// Where the time stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StampPlace {
    /// In a header of its own.
    Header(String),
    /// In the signature's header, behind this prefix.
    Item(String),
}

impl Auth {
    /// The word in the configuration.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hubspot { .. } => "hubspot",
            Self::StandardWebhooks { .. } => "standard-webhooks",
            Self::HmacSha256 { .. } => "hmac-sha256",
            Self::Twilio { .. } => "twilio",
            Self::SharedSecret { .. } | Self::PathSecret { .. } => "shared-secret",
            Self::Basic { .. } => "basic",
            Self::Salesforce { .. } => "salesforce",
            Self::ClientCertificate { .. } => "client-certificate",
            Self::None => "none",
        }
    }

    /// Whether a secret is the end of the address.
    #[must_use]
    pub const fn is_in_path(&self) -> bool {
        matches!(self, Self::PathSecret { .. } | Self::Salesforce { secret: Some(_), .. })
    }

    /// Every secret it names.
    #[must_use]
    pub fn secrets(&self) -> &[SecretRef] {
        match self {
            Self::StandardWebhooks { secrets } | Self::HmacSha256 { secrets, .. } | Self::Twilio { secrets } => secrets,
            Self::Hubspot { secret }
            | Self::SharedSecret { secret, .. }
            | Self::PathSecret { secret }
            | Self::Basic { secret, .. }
            | Self::Salesforce { secret: Some(secret), .. } => std::slice::from_ref(secret),
            Self::Salesforce { secret: None, .. } | Self::ClientCertificate { .. } | Self::None => &[],
        }
    }
}

/// What a signature covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Signed {
    /// The body.
    Body,
    /// A time and the body, with something around them.
    Stamped { before: String, between: String },
}

impl Typed for Signed {
    const WHAT: &'static str =
        "what is signed: \"{body}\", \"{timestamp}.{body}\", or with other text around them: \"v0:{timestamp}:{body}\"";

    fn read(text: &str) -> Option<Self> {
        let head = text.strip_suffix("{body}")?;
        let signed = match head.split_once("{timestamp}") {
            Some((before, between)) => Self::Stamped { before: before.to_owned(), between: between.to_owned() },
            None if head.is_empty() => Self::Body,
            None => return None,
        };
        (!head.replacen("{timestamp}", "", 1).contains(['{', '}'])).then_some(signed)
    }
}

/// SHA-256 of a certificate.
#[derive(Debug, Clone)]
pub(super) struct Fingerprint(pub(super) [u8; 32]);

impl Typed for Fingerprint {
    const WHAT: &'static str = "SHA-256 of a certificate: 64 hexadecimal digits, with or without colons between pairs";

    fn read(text: &str) -> Option<Self> {
        let digits = if text.contains(':') { text.split(':').collect::<Vec<_>>() } else { vec![text] };
        if digits.len() > 1 && digits.iter().any(|pair| pair.len() != 2) {
            return None;
        }
        let digits: Vec<u32> = digits.concat().chars().map(|c| c.to_digit(16)).collect::<Option<_>>()?;
        let (pairs, rest) = digits.as_chunks();
        let bytes = pairs.iter().map(|[high, low]| u8::try_from(high << 4 | low).ok()).collect::<Option<Vec<u8>>>()?;
        if rest.is_empty() { bytes.try_into().ok().map(Self) } else { None }
    }
}
