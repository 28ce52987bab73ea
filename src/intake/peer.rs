//! Who is at the other end of a connection, as far as the connection itself shows.
//!
//! Made by `connection` when it stands, handed to every request on it. An address proves nothing behind a tunnel; a
//! certificate does, because the handshake verified it and that the peer holds its key (RFC 8446, clause 4.4.3).

use std::fmt;
use std::net::IpAddr;

use sha2::{Digest, Sha256};

/// The other end of a connection.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// Its address: the tunnel's, where there is one.
    pub(super) address: IpAddr,
    /// The certificate that it showed and that was verified.
    pub(super) certificate: Option<Fingerprint>,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.certificate {
            Some(fingerprint) => write!(f, "{} with certificate {fingerprint}", self.address),
            None => write!(f, "{}", self.address),
        }
    }
}

/// SHA-256 over a certificate's DER, as `openssl x509 -fingerprint -sha256` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint(pub(super) [u8; 32]);

impl Fingerprint {
    pub(super) fn of(der: &[u8]) -> Self {
        Self(Sha256::digest(der).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
