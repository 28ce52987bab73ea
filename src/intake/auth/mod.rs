//! Whether a request comes from whom its source belongs to: one file per scheme, and `none` where it is spelled out.
//!
//! Called once per request with the raw bytes, before anything in them is parsed. Pure: the time is passed in. A secret
//! is compared in constant time and never part of an error, a log line or a `Debug` text.

mod hubspot;
mod shared_secret;

use hyper::HeaderMap;
use hyper::header::HeaderValue;
use secrecy::SecretString;

use crate::model::Timestamp;

/// How the sender of a source proves who it is.
#[derive(Debug, Clone)]
pub enum Auth {
    /// HubSpot's request signatures.
    Hubspot {
        /// The app's client secret.
        secret: SecretString,
        /// What precedes the path in the address that HubSpot calls: signatures cover it, and `Host` can be forged.
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
    /// Anybody who knows the address may post.
    None,
}

/// A request as it is authenticated: nothing of it decoded or normalised.
#[derive(Debug, Clone, Copy)]
pub(super) struct Presented<'r> {
    pub(super) method: &'r str,
    /// Path and query.
    pub(super) target: &'r str,
    pub(super) headers: &'r HeaderMap,
    pub(super) body: &'r [u8],
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
    /// Replayed, or one of the two clocks is wrong.
    #[error("its timestamp is {0} s away from this clock")]
    Stale(u64),
}

impl Auth {
    /// Checks a request.
    pub(super) fn verify(&self, presented: &Presented<'_>, now: Timestamp) -> Result<(), Refused> {
        match self {
            Self::Hubspot { secret, public_url } => hubspot::verify(secret, public_url, presented, now),
            Self::SharedSecret { header, prefix, secret } => {
                shared_secret::verify(secret, header, prefix, presented.headers)
            }
            Self::None => Ok(()),
        }
    }

    /// The secret that sender and desk share.
    pub(super) fn secret(&self) -> Option<&SecretString> {
        match self {
            Self::Hubspot { secret, .. } | Self::SharedSecret { secret, .. } => Some(secret),
            Self::None => None,
        }
    }

    /// The header that holds the secret itself.
    pub(super) fn secret_header(&self) -> Option<&str> {
        match self {
            Self::SharedSecret { header, .. } => Some(header),
            Self::Hubspot { .. } | Self::None => None,
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
