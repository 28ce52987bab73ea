//! TLS on the intake's listener: which files hold the certificate, its key and the clients' authority.
//!
//! Without the table the listener speaks plain HTTP, which is right behind a tunnel that ends on this box. The files
//! themselves are read by `intake`, because they are read again while the desk runs.

use std::path::PathBuf;

use super::{Problems, SecretRef, raw};

/// The files of the listener's TLS.
#[derive(Debug, Clone, PartialEq)]
pub struct Tls {
    /// The certificate with its chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: SecretRef,
    /// Whose certificates a client must show; `None` asks for none.
    pub client_ca: Option<PathBuf>,
}

impl Tls {
    pub(super) fn of(raw: raw::Tls, problems: &mut Problems) -> Option<Self> {
        let wants = "the file of the certificate and its chain, such as \"/etc/nightdesk/tls/fullchain.pem\"";
        let certificate = problems.required(raw.certificate, "server.tls.certificate", wants);
        let wants = "{ file = \"/path\" } or { credential = \"name\" }";
        let key = problems.required(raw.key, "server.tls.key", wants);
        Some(Self { certificate: certificate?.0, key: key?, client_ca: raw.client_ca.map(|path| path.0) })
    }
}
