//! Whether a request comes from whom its source belongs to: one file per scheme, and `none` where it is spelled out.
//!
//! Called once per request with the raw bytes, before anything in them is parsed. Pure: the time is passed in. A secret
//! is compared in constant time and never part of an error, a log line or a `Debug` text. An empty key proves nothing,
//! because anybody has it. `age` judges timestamps, `compare` and `hex` are what the schemes have in common.

mod age;
mod basic;
mod client_certificate;
mod compare;
pub(super) mod hex;
mod hmac_sha256;
mod hubspot;
mod path_secret;
mod salesforce;
mod shared_secret;
mod standard_webhooks;
#[cfg(test)]
mod tests;
mod twilio;

use std::slice;

use hyper::HeaderMap;
use hyper::header::HeaderValue;
use secrecy::SecretString;

pub use hmac_sha256::{Encoding, Layout, Stamp, StampPlace};

use crate::model::{Clock, Timestamp};

/// How the sender of a source proves who it is. Where there are several secrets, one replaces the other and both count.
#[derive(Debug, Clone)]
pub enum Auth {
    /// HubSpot's request signatures.
    Hubspot {
        /// The app's client secret.
        secret: SecretString,
        /// What precedes the path in the address that HubSpot calls: signatures cover it, and `Host` can be forged.
        public_url: String,
    },
    /// Standard Webhooks, which Svix sends too.
    StandardWebhooks {
        /// The keys as they are handed out: base64, with or without `whsec_` before it.
        secrets: Vec<SecretString>,
    },
    /// An HMAC-SHA256 in a header.
    HmacSha256 {
        /// The keys.
        secrets: Vec<SecretString>,
        /// Where the signature is and what it covers.
        layout: Layout,
    },
    /// Twilio's request signatures.
    Twilio {
        /// The account's auth tokens, or the shared keys Twilio signs with.
        secrets: Vec<SecretString>,
        /// What precedes the path in the address that Twilio calls.
        public_url: String,
    },
    /// A header that holds a secret.
    SharedSecret {
        /// The header.
        header: String,
        /// What precedes the secret in it, such as `Bearer `.
        prefix: String,
        /// The secret.
        secret: SecretString,
    },
    /// A secret behind the source's name in the address.
    PathSecret {
        /// The secret.
        secret: SecretString,
    },
    /// A user and a password.
    Basic {
        /// The user.
        user: String,
        /// The password.
        secret: SecretString,
    },
    /// A Salesforce organization, which signs nothing: its id is in the body, and compared once that is parsed.
    Salesforce {
        /// The organization's id, of 15 or 18 characters.
        organization_id: String,
        /// A secret behind the source's name in the address.
        path_secret: Option<SecretString>,
    },
    /// A certificate that the listener has verified.
    ClientCertificate {
        /// SHA-256 of each certificate that may post.
        fingerprints: Vec<[u8; 32]>,
    },
    /// Anybody who knows the address may post.
    None,
}

/// A request as it is authenticated: nothing of it decoded or normalised.
#[derive(Debug, Clone, Copy)]
pub(super) struct Presented<'r> {
    pub(super) method: &'r str,
    /// Path and query.
    pub(super) target: &'r str,
    /// What follows the source's name in the path, without the slash between them.
    pub(super) rest: Option<&'r str>,
    pub(super) headers: &'r HeaderMap,
    pub(super) body: &'r [u8],
    /// SHA-256 of the certificate that the peer has proven to own.
    pub(super) peer_certificate: Option<&'r [u8; 32]>,
}

/// What a right proof is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It comes from whom the source belongs to.
    Genuine,
    /// The signature is right, but this clock can't tell how old it is: [`Auth::judge_age`] says so once it can.
    Held {
        /// When its sender says that it signed.
        signed_at: Timestamp,
    },
}

/// Why a request is refused, for the quarantine. The sender is told nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// Nothing to check.
    #[error("it carries no {0}")]
    Missing(String),
    /// One value was expected.
    #[error("it carries {0} more than once")]
    Twice(String),
    /// Not of the form the scheme prescribes.
    #[error("its {0} is malformed")]
    Malformed(String),
    /// Made with another secret, for another address, or altered on its way.
    #[error("its {0} is wrong: another secret, another public address, or an altered request")]
    Wrong(String),
    /// A certificate that is good, but not for this source.
    #[error("its client certificate is none of those this source names")]
    Stranger,
    /// Replayed, or one of the two clocks is wrong.
    #[error("its timestamp is {0} s away from this clock")]
    Stale(u64),
}

impl Auth {
    /// Checks a request.
    pub(super) fn verify(&self, presented: &Presented<'_>, clock: Clock) -> Result<Verdict, Refused> {
        match self {
            Self::Hubspot { secret, public_url } => hubspot::verify(secret, public_url, presented, clock),
            Self::StandardWebhooks { secrets } => standard_webhooks::verify(secrets, presented, clock),
            Self::HmacSha256 { secrets, layout } => hmac_sha256::verify(secrets, layout, presented, clock),
            Self::Twilio { secrets, public_url } => twilio::verify(secrets, public_url, presented),
            Self::SharedSecret { header, prefix, secret } => {
                shared_secret::verify(secret, header, prefix, presented.headers)
            }
            Self::PathSecret { secret } => path_secret::verify(secret, presented.rest),
            Self::Basic { user, secret } => basic::verify(user, secret, presented.headers),
            Self::Salesforce { path_secret, .. } => salesforce::verify(path_secret.as_ref(), presented.rest),
            Self::ClientCertificate { fingerprints } => {
                client_certificate::verify(fingerprints, presented.peer_certificate)
            }
            Self::None => Ok(Verdict::Genuine),
        }
    }

    /// Judges a signature that was held while the clock was not right; `came` is when the request did.
    ///
    /// # Errors
    /// Why it is a replay, in words.
    pub fn judge_age(signed_at: Timestamp, came: Timestamp) -> Result<(), String> {
        let clock = Clock { now: came, trusted: true };
        age::judge(signed_at, clock).map(drop).map_err(|refused| refused.to_string())
    }

    /// Whether a body that names this organization may come from here. Asked once the body is parsed; the other schemes
    /// have said all they had to say.
    pub(super) fn accepts_organization(&self, id: Option<&str>) -> bool {
        match self {
            Self::Salesforce { organization_id, .. } => salesforce::accepts(organization_id, id),
            Self::Hubspot { .. }
            | Self::StandardWebhooks { .. }
            | Self::HmacSha256 { .. }
            | Self::Twilio { .. }
            | Self::SharedSecret { .. }
            | Self::PathSecret { .. }
            | Self::Basic { .. }
            | Self::ClientCertificate { .. }
            | Self::None => true,
        }
    }

    /// Whether [`Auth::accepts_organization`] has to be asked.
    pub(super) const fn names_organization(&self) -> bool {
        matches!(self, Self::Salesforce { .. })
    }

    /// The sender's id of the event, where its signature covers one: the same on every repetition.
    pub(super) fn event_id<'h>(&self, stored: &'h [(String, String)]) -> Option<&'h str> {
        match self {
            Self::StandardWebhooks { .. } => standard_webhooks::event_id(stored),
            Self::Hubspot { .. }
            | Self::HmacSha256 { .. }
            | Self::Twilio { .. }
            | Self::SharedSecret { .. }
            | Self::PathSecret { .. }
            | Self::Basic { .. }
            | Self::Salesforce { .. }
            | Self::ClientCertificate { .. }
            | Self::None => None,
        }
    }

    /// Every secret that sender and desk share.
    pub(super) fn secrets(&self) -> &[SecretString] {
        match self {
            Self::StandardWebhooks { secrets } | Self::HmacSha256 { secrets, .. } | Self::Twilio { secrets, .. } => {
                secrets
            }
            Self::Hubspot { secret, .. }
            | Self::SharedSecret { secret, .. }
            | Self::PathSecret { secret }
            | Self::Basic { secret, .. }
            | Self::Salesforce { path_secret: Some(secret), .. } => slice::from_ref(secret),
            Self::Salesforce { path_secret: None, .. } | Self::ClientCertificate { .. } | Self::None => &[],
        }
    }

    /// The header that holds the secret itself.
    pub(super) fn secret_header(&self) -> Option<&str> {
        match self {
            Self::SharedSecret { header, .. } => Some(header),
            Self::Hubspot { .. }
            | Self::StandardWebhooks { .. }
            | Self::HmacSha256 { .. }
            | Self::Twilio { .. }
            | Self::PathSecret { .. }
            | Self::Basic { .. }
            | Self::Salesforce { .. }
            | Self::ClientCertificate { .. }
            | Self::None => None,
        }
    }

    /// Whether the path goes on behind the source's name, with a secret.
    pub(super) fn takes_path_secret(&self) -> bool {
        match self {
            Self::PathSecret { .. } | Self::Salesforce { path_secret: Some(_), .. } => true,
            Self::Hubspot { .. }
            | Self::StandardWebhooks { .. }
            | Self::HmacSha256 { .. }
            | Self::Twilio { .. }
            | Self::SharedSecret { .. }
            | Self::Basic { .. }
            | Self::Salesforce { path_secret: None, .. }
            | Self::ClientCertificate { .. }
            | Self::None => false,
        }
    }
}

/// The one value of a header, if it is there.
fn single<'r>(headers: &'r HeaderMap, name: &str) -> Result<Option<&'r [u8]>, Refused> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Refused::Twice(name.to_owned()));
    }
    Ok(first.map(HeaderValue::as_bytes))
}

/// The one value of a header that must be there.
fn required<'r>(headers: &'r HeaderMap, name: &str) -> Result<&'r [u8], Refused> {
    single(headers, name)?.ok_or_else(|| Refused::Missing(name.to_owned()))
}
