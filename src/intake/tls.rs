//! TLS on the listener: certificate, key and the clients' authority, read from files and read again when asked.
//!
//! `app` opens one [`Tls`] and reloads it on SIGHUP; each new connection takes what is current, those that stand keep
//! theirs. A file that can't be used changes nothing. TLS 1.2 and 1.3 by rustls, HTTP/2 where the client names it
//! (ALPN, RFC 7301). Nothing of a key is ever part of an error. Dates are judged but never enforced here: a small box
//! may start with a wrong clock, and the sender is who must believe the certificate.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{CertificateError, RootCertStore, ServerConfig};
use tokio::sync::watch;

use crate::model::Timestamp;

/// HTTP/2 by its name in ALPN (RFC 9113, clause 3.2).
pub(super) const H2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";
/// Certificates are renewed a month ahead; whoever has a fortnight left has missed that.
const RENEWED_BY_S: u64 = 14 * 24 * 60 * 60;
/// More than a bundle of every public authority.
const MOST_BYTES: u64 = 1024 * 1024;

/// Where the files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and its chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Whose certificates clients must show, if they must show any.
    pub client_ca: Option<PathBuf>,
}

/// One of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsPart {
    /// The certificate and its chain.
    Certificate,
    /// Its private key.
    Key,
    /// The clients' authority.
    ClientCa,
}

/// Why a file can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{} {fault}", path.display())]
pub struct TlsError {
    /// Which it is.
    pub part: TlsPart,
    /// Where it is.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: TlsFault,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    /// The system doesn't give it.
    #[error("can't be read ({0})")]
    Unreadable(io::ErrorKind),
    /// A folder, a pipe, or far too large.
    #[error("is not a PEM file")]
    NotAFile,
    /// No certificate in it.
    #[error("holds no certificate in PEM (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// No key in it.
    #[error("holds no private key in PEM (-----BEGIN PRIVATE KEY-----, without a passphrase)")]
    NoKey,
    /// Made for another certificate.
    #[error("is not the key of the certificate")]
    AnotherKey,
    /// rustls doesn't take it.
    #[error("can't be used ({0})")]
    Refused(rustls::Error),
    /// The clients' authority isn't one.
    #[error("can't be used ({0})")]
    NoAuthority(rustls::server::VerifierBuilderError),
}

/// What is doubtful about a certificate that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Its time is over.
    Expired,
    /// Its time is over within a fortnight.
    Expiring,
    /// Its time has not come.
    NotYetValid,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "the certificate has expired: senders will refuse it; renew it, then reload the desk",
            Self::Expiring => "the certificate expires within 14 days: renew it, then reload the desk",
            Self::NotYetValid => "the certificate is not valid yet: is this box's clock right?",
        })
    }
}

/// The listener's TLS as it is now.
#[derive(Debug)]
pub struct Tls(watch::Sender<Arc<ServerConfig>>);

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// The first file that can't be used; the desk doesn't start without.
    pub fn open(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self(watch::Sender::new(read(files)?.0)))
    }

    /// Reads the files again, for the connections to come.
    ///
    /// # Errors
    /// The first file that can't be used; what was there stays.
    pub fn reload(&self, files: &TlsFiles) -> Result<(), TlsError> {
        self.0.send_replace(read(files)?.0);
        Ok(())
    }

    pub(super) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.borrow())
    }
}

/// Reads the files and says what is doubtful about the certificate at that time.
///
/// # Errors
/// The first file that can't be used.
pub fn judge(files: &TlsFiles, now: Timestamp) -> Result<Option<Doubt>, TlsError> {
    let (_, leaf) = read(files)?;
    let now_s = u64::try_from(now.as_millis()).unwrap_or_default().checked_div(1_000).unwrap_or_default();
    Ok(doubt(&leaf, now_s))
}

pub(super) fn read(files: &TlsFiles) -> Result<(Arc<ServerConfig>, CertificateDer<'static>), TlsError> {
    let provider = Arc::new(ring::default_provider());
    let (certified, leaf) = identity(files, &provider)?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| wrong(TlsPart::Certificate, &files.certificate, TlsFault::Refused(error)))?;
    let builder = match &files.client_ca {
        Some(path) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(authorities(path)?, provider).build();
            builder.with_client_cert_verifier(
                verifier.map_err(|error| wrong(TlsPart::ClientCa, path, TlsFault::NoAuthority(error)))?,
            )
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![H2.to_vec(), HTTP1.to_vec()];
    Ok((Arc::new(config), leaf))
}

/// The certificate with its key, and the certificate alone.
fn identity(files: &TlsFiles, provider: &CryptoProvider) -> Result<(CertifiedKey, CertificateDer<'static>), TlsError> {
    let of_certificate = |fault| wrong(TlsPart::Certificate, &files.certificate, fault);
    let of_key = |fault| wrong(TlsPart::Key, &files.key, fault);
    let chain = certificates(TlsPart::Certificate, &files.certificate)?;
    let leaf = chain.first().cloned().ok_or_else(|| of_certificate(TlsFault::NoCertificate))?;
    let pem = bytes(TlsPart::Key, &files.key)?;
    // What the parser has to say may hold a line of the key.
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| of_key(TlsFault::NoKey))?;
    let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => of_key(TlsFault::AnotherKey),
        rustls::Error::InvalidCertificate(_) => of_certificate(TlsFault::Refused(error)),
        error => of_key(TlsFault::Refused(error)),
    })?;
    Ok((certified, leaf))
}

fn wrong(part: TlsPart, path: &Path, fault: TlsFault) -> TlsError {
    TlsError { part, path: path.to_owned(), fault }
}

fn authorities(path: &Path) -> Result<Arc<RootCertStore>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(TlsPart::ClientCa, path)? {
        roots.add(certificate).map_err(|error| wrong(TlsPart::ClientCa, path, TlsFault::Refused(error)))?;
    }
    Ok(Arc::new(roots))
}

fn certificates(part: TlsPart, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let none = || wrong(part, path, TlsFault::NoCertificate);
    let pem = bytes(part, path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|_| none())?;
    if found.is_empty() { Err(none()) } else { Ok(found) }
}

/// What is in a file. It is looked at before it is opened: opening a pipe would wait for ever.
fn bytes(part: TlsPart, path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |error: io::Error| wrong(part, path, TlsFault::Unreadable(error.kind()));
    let facts = fs::metadata(path).map_err(unreadable)?;
    if !facts.is_file() || facts.len() > MOST_BYTES {
        return Err(wrong(part, path, TlsFault::NotAFile));
    }
    fs::read(path).map_err(unreadable)
}

/// Asks the verifier that a client made with rustls would ask. It looks at the dates before it looks for an issuer, of
/// which there is none to be found here; any other verdict than one on the dates says nothing.
fn doubt(leaf: &CertificateDer<'static>, now_s: u64) -> Option<Doubt> {
    let at = |seconds| verdict(leaf, UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)));
    match at(now_s)? {
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Some(Doubt::NotYetValid),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Some(Doubt::Expired),
        _ => match at(now_s.saturating_add(RENEWED_BY_S))? {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Some(Doubt::Expiring),
            _ => None,
        },
    }
}

fn verdict(leaf: &CertificateDer<'static>, at: UnixTime) -> Option<CertificateError> {
    use rustls::client::danger::ServerCertVerifier;
    let mut roots = RootCertStore::empty();
    roots.add(leaf.clone()).ok()?;
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let verifier =
        rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().ok()?;
    let name = ServerName::try_from("nobody.invalid").ok()?;
    match verifier.verify_server_cert(leaf, &[], &name, &[], at) {
        Err(rustls::Error::InvalidCertificate(error)) => Some(error),
        Ok(_) | Err(_) => None,
    }
}
