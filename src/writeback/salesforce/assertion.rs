//! The assertion with which an app signs in for a user: a JSON Web Token, signed with RS256.
//!
//! Called for each sign-in, so that a key that was replaced is the next one that counts; it is never kept. Sources: RFC 7515
//! and 7518 (JWS, RS256), RFC 7523 (the grant), and
//! <https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_jwt_flow.htm>.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use secrecy::SecretString;
use serde_json::json;

use crate::model::Timestamp;

/// Salesforce takes three minutes at most; clocks may differ by the third.
const LIVES_S: i64 = 120;

/// Why there is no assertion. Never holds a part of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeyError {
    /// The file.
    #[error("can't be read ({0})")]
    Unreadable(std::io::ErrorKind),
    /// What is in it.
    #[error("holds no private key in PEM, or one with a passphrase")]
    NotAKey,
    /// A key for another algorithm.
    #[error("holds no RSA key")]
    NotRsa,
}

/// A fresh assertion that `client` acts for `user` at `audience`, signed with the key in the file `key`.
pub(super) fn signed(
    key: &Path,
    client: &str,
    user: &str,
    audience: &str,
    now: Timestamp,
) -> Result<SecretString, KeyError> {
    let pem = std::fs::read(key).map_err(|error| KeyError::Unreadable(error.kind()))?;
    // What the parser has to say may hold a line of the key.
    let der = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| KeyError::NotAKey)?;
    let key = any_supported_type(&der).map_err(|_| KeyError::NotAKey)?;
    let signer = key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).ok_or(KeyError::NotRsa)?;
    let seconds = now.as_millis().checked_div(1_000).unwrap_or_default();
    let claims = json!({ "iss": client, "sub": user, "aud": audience, "exp": seconds.saturating_add(LIVES_S) });
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let token = format!("{}.{}", part(&json!({ "alg": "RS256" })), part(&claims));
    let signature = signer.sign(token.as_bytes()).map_err(|_| KeyError::NotRsa)?;
    Ok(format!("{token}.{}", URL_SAFE_NO_PAD.encode(signature)).into())
}
