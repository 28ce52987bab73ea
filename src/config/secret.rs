//! Where secrets are, and reading them from there: a systemd credential or a private file. Never the configuration.
//!
//! The file is parsed without touching a secret; [`Secrets::load`] is the separate step that does, told where
//! credentials are by its caller. A secret is never part of a problem, of a `Debug` text or of an error.
//! Outside rule: systemd.exec(5), `LoadCredential=` and `LoadCredentialEncrypted=`: a folder's files are named
//! `ID_FILENAME`. Sealed ones have an ID of their own, because two folders under one would hide each other's trouble.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::{Auth, Config, Problems};

/// No key, token or password is longer; a file that is was named by mistake.
pub const SECRET_MAX_BYTES: u64 = 16 * 1024;
/// What signs links that strangers see must not be guessed: 16 random letters are some 80 bits.
const MAIL_KEY_BYTES: usize = 16;
/// The folder of secrets that are encrypted with a key of the machine, beside that of the others.
const SEALED: &str = "credentials.sealed";
/// How a key in PEM begins, and its last line (RFC 7468).
const PEM_START: &[u8] = b"-----BEGIN ";
const PEM_END: &[u8] = b"\n-----END ";

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretRef {
    /// A systemd credential of this name.
    Credential(String),
    /// A file that only its owner can read.
    File(PathBuf),
}

/// Why a secret could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Nobody told where credentials are.
    #[error(
        "$CREDENTIALS_DIRECTORY is not set: start the daemon by its unit, be root to look at its credentials, or use \
         {{ file = \"…\" }}"
    )]
    NoCredentials,
    /// The credential isn't there.
    #[error("no credential {0}: `nightdesk secrets set {0}` makes it")]
    NoSuchCredential(String),
    /// The credential is encrypted, and this process was not handed it.
    #[error("the credential {0} is sealed: only the desk that systemd starts can open it")]
    Sealed(String),
    /// The file can't be read.
    #[error("{} can't be read ({})", path.display(), source.kind())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A folder, a device or a pipe.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// Others may read it.
    #[error("{} has mode {mode:04o}: others may read it; chmod 0600 it", path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It holds nothing.
    #[error("{} is empty", .0.display())]
    Empty(PathBuf),
    /// More than one line, other control characters, not UTF-8, or far too long.
    #[error("{} does not hold one line of text", .0.display())]
    NotOneLine(PathBuf),
    /// The first line of a key, as a terminal gives it when all of it is pasted.
    #[error("{} holds the start of a key only: give all its lines at once, from a file: <FILE", .0.display())]
    HalfAKey(PathBuf),
    /// It can't be the key of a signature.
    #[error("it holds no key of Standard Webhooks: whsec_ and base64, as the sender shows it")]
    NotAKey,
    /// Whoever tries a few words may find it.
    #[error(
        "it has fewer than {MAIL_KEY_BYTES} characters, so links could be made up: `openssl rand -hex 32` makes one"
    )]
    ShortKey,
    /// It was not among the configuration's secrets when they were loaded.
    #[error("this secret was not loaded")]
    NotLoaded,
}

impl SecretRef {
    /// Reads the secret. `credentials` is the folder systemd hands out.
    ///
    /// # Errors
    /// Says what to mend; the daemon doesn't start without.
    pub fn read(&self, credentials: Option<&Path>) -> Result<SecretString, SecretError> {
        one_line(&self.locate(credentials)?)
    }

    /// The file the secret is in, which nobody else may read. For a key, which has many lines.
    ///
    /// # Errors
    /// Says what to mend.
    pub fn locate(&self, credentials: Option<&Path>) -> Result<PathBuf, SecretError> {
        match self {
            Self::File(path) => {
                let mode = facts(path)?.permissions().mode() & 0o7777;
                if mode != 0o600 && mode != 0o400 {
                    return Err(SecretError::TooOpen { path: path.clone(), mode });
                }
                Ok(path.clone())
            }
            Self::Credential(name) => {
                let folder = credentials.ok_or(SecretError::NoCredentials)?;
                let names = [format!("nightdesk_{name}"), format!("nightdesk-sealed_{name}"), name.clone()];
                let Some(path) = names.iter().map(|name| folder.join(name)).find(|path| path.exists()) else {
                    let sealed = folder.with_file_name(SEALED).join(name).exists();
                    let error = if sealed { SecretError::Sealed } else { SecretError::NoSuchCredential };
                    return Err(error(name.clone()));
                };
                facts(&path)?; // systemd chose the mode
                Ok(path)
            }
        }
    }
}

/// What the system says of a regular file. Looked at before it is opened: opening a pipe would wait for ever.
fn facts(path: &Path) -> Result<fs::Metadata, SecretError> {
    let facts = fs::metadata(path).map_err(|source| SecretError::Unreadable { path: path.to_owned(), source })?;
    match facts.is_file() {
        true if facts.len() > SECRET_MAX_BYTES => Err(SecretError::NotOneLine(path.to_owned())),
        true => Ok(facts),
        false => Err(SecretError::NotAFile(path.to_owned())),
    }
}

fn one_line(path: &Path) -> Result<SecretString, SecretError> {
    let bytes = fs::read(path).map_err(|source| SecretError::Unreadable { path: path.to_owned(), source })?;
    plain(bytes, path, false)
}

/// What somebody gives as a secret, if it is one: one line of text, or the lines of a key in PEM. `from` is where it came
/// from, as an error names it.
///
/// # Errors
/// [`SecretError::Empty`], [`SecretError::NotOneLine`] or [`SecretError::HalfAKey`].
pub fn secret_of(bytes: Vec<u8>, from: &Path) -> Result<SecretString, SecretError> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length > SECRET_MAX_BYTES) {
        return Err(SecretError::NotOneLine(from.to_owned()));
    }
    let pem = bytes.starts_with(PEM_START);
    if pem && !bytes.windows(PEM_END.len()).any(|part| part == PEM_END) {
        return Err(SecretError::HalfAKey(from.to_owned()));
    }
    plain(bytes, from, pem)
}

fn plain(bytes: Vec<u8>, from: &Path, lines: bool) -> Result<SecretString, SecretError> {
    let text = String::from_utf8(bytes).map_err(|_| SecretError::NotOneLine(from.to_owned()))?;
    let secret = text.trim_end_matches(['\n', '\r']);
    if secret.is_empty() {
        return Err(SecretError::Empty(from.to_owned()));
    }
    if secret.chars().any(|c| c.is_control() && !(lines && matches!(c, '\n' | '\r'))) {
        return Err(SecretError::NotOneLine(from.to_owned()));
    }
    Ok(SecretString::from(secret))
}

/// Every secret of a configuration, read.
pub struct Secrets {
    /// `None`: it is sealed, and only the daemon is handed it.
    values: HashMap<SecretRef, Option<SecretString>>,
    /// Where credentials are, for what is read again later.
    credentials: Option<PathBuf>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Secrets {
    /// Reads every secret `config` names. `credentials` is `$CREDENTIALS_DIRECTORY`, where there is one.
    ///
    /// # Errors
    /// All secrets that can't be had, each with its path in the configuration.
    pub fn load(config: &Config, credentials: Option<&Path>) -> Result<Self, Problems> {
        let (mut values, mut problems) = (HashMap::new(), Problems::default());
        for (path, at) in config.secret_refs() {
            match at.read(credentials) {
                Ok(secret) => drop(values.insert(at.clone(), Some(secret))),
                Err(SecretError::Sealed(_)) => drop(values.insert(at.clone(), None)),
                Err(error) => problems.error(path, error.to_string()),
            }
        }
        for (path, at, auth) in config.source_secrets() {
            let read = values.get(at).and_then(Option::as_ref).map(ExposeSecret::expose_secret);
            if matches!(auth, Auth::StandardWebhooks { .. }) && read.is_some_and(|key| !is_signing_key(key)) {
                problems.error(path, SecretError::NotAKey.to_string());
            }
        }
        if let Some(key) = config.mail.as_ref().and_then(|mail| mail.key.as_ref())
            && let Some(Some(key)) = values.get(key)
            && key.expose_secret().len() < MAIL_KEY_BYTES
        {
            problems.error("mail.key", SecretError::ShortKey.to_string());
        }
        for (path, key) in config.private_keys() {
            if let Err(error) = key.locate(credentials)
                && !matches!(error, SecretError::Sealed(_))
            {
                problems.error(path, error.to_string());
            }
        }
        let credentials = credentials.map(Path::to_owned);
        if problems.errors.is_empty() { Ok(Self { values, credentials }) } else { Err(problems) }
    }

    /// One of them.
    ///
    /// # Errors
    /// When it is sealed, or `at` comes from another configuration than the one that was loaded.
    pub fn get(&self, at: &SecretRef) -> Result<&SecretString, SecretError> {
        match (self.values.get(at), at) {
            (Some(Some(secret)), _) => Ok(secret),
            (Some(None), SecretRef::Credential(name)) => Err(SecretError::Sealed(name.clone())),
            (Some(None), SecretRef::File(_)) | (None, _) => Err(SecretError::NotLoaded),
        }
    }

    /// The file a secret is in; looked for again at each call.
    ///
    /// # Errors
    /// Says what to mend.
    pub fn locate(&self, at: &SecretRef) -> Result<PathBuf, SecretError> {
        at.locate(self.credentials.as_deref())
    }

    /// All values, for a test that no log, database or error holds one.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.values.values().flatten().map(ExposeSecret::expose_secret)
    }
}

impl Config {
    /// Every secret the configuration names, with the key that names it.
    #[must_use]
    pub fn secret_refs(&self) -> Vec<(String, &SecretRef)> {
        let sources = self.source_secrets().map(|(path, at, _)| (path, at));
        let llm = self.llm.iter().enumerate();
        let llm = llm.filter_map(|(nth, llm)| llm.key.as_ref().map(|key| (format!("llm[{nth}].key"), key)));
        let twilio = self.twilio.iter().flat_map(|twilio| {
            let of_hooks = twilio.webhook_token.iter().map(|at| ("twilio.webhook-token".to_owned(), at));
            std::iter::once(("twilio.token".to_owned(), &twilio.token)).chain(of_hooks)
        });
        let mail = self.mail.iter().flat_map(|mail| {
            let password = mail.smtp.password.iter().map(|at| ("mail.smtp.password".to_owned(), at));
            mail.key.iter().map(|key| ("mail.key".to_owned(), key)).chain(password)
        });
        let ticket = self.ticket.iter().filter_map(|ticket| ticket.secret());
        let ticket = ticket.map(|(path, at)| (path.to_owned(), at));
        let crm = self
            .crm
            .iter()
            .flat_map(|(name, crm)| crm.secrets().into_iter().map(move |(key, at)| (format!("crm.{name}.{key}"), at)));
        let pins = self.modem.iter();
        let pins = pins.filter_map(|(name, modem)| modem.pin.as_ref().map(|pin| (format!("modem.{name}.pin"), pin)));
        sources.chain(llm).chain(twilio).chain(mail).chain(ticket).chain(crm).chain(pins).collect()
    }

    /// Every private key the configuration names, with the key that names it. They are files of many lines that are only
    /// located here; whoever needs one reads it.
    fn private_keys(&self) -> Vec<(String, &SecretRef)> {
        let tls = self.server.tls.iter().map(|tls| ("server.tls.key".to_owned(), &tls.key));
        let crm = self.crm.iter().flat_map(|(name, crm)| {
            crm.private_keys().into_iter().map(move |(key, at)| (format!("crm.{name}.{key}"), at))
        });
        tls.chain(crm).collect()
    }

    /// The credentials the configuration names, each with the keys that name it.
    #[must_use]
    pub fn credentials(&self) -> BTreeMap<String, Vec<String>> {
        let mut named: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (path, at) in self.secret_refs().into_iter().chain(self.private_keys()) {
            if let SecretRef::Credential(name) = at {
                named.entry(name.clone()).or_default().push(path);
            }
        }
        named
    }

    fn source_secrets(&self) -> impl Iterator<Item = (String, &SecretRef, &Auth)> {
        self.sources.iter().flat_map(|(name, source)| {
            let secrets = source.auth.secrets();
            secrets.iter().enumerate().map(move |(nth, at)| {
                let index = if secrets.len() > 1 { format!("[{nth}]") } else { String::new() };
                (format!("sources.{name}.auth.secret{index}"), at, &source.auth)
            })
        })
    }
}

/// Whether the intake finds any bytes in it.
fn is_signing_key(text: &str) -> bool {
    let digits = text.strip_prefix("whsec_").unwrap_or(text).trim_end_matches('=');
    !digits.is_empty() && STANDARD_NO_PAD.decode(digits).is_ok()
}

impl<'de> Deserialize<'de> for SecretRef {
    /// By hand, so that a secret typed into the file by mistake is never repeated in an error.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = SecretRef;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("{ credential = \"name\" } or { file = \"/path\" }")
            }
            fn visit_str<E: Error>(self, _: &str) -> Result<SecretRef, E> {
                Err(E::custom("a secret doesn't belong in here: name { credential = \"…\" } or { file = \"/…\" }"))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretRef, A::Error> {
                let wrong = || A::Error::custom("write either { credential = \"name\" } or { file = \"/path\" }");
                let Some(key) = map.next_key::<String>()? else { return Err(wrong()) };
                let value = map.next_value::<String>().map_err(|_| wrong())?;
                let found = match key.as_str() {
                    "credential" if is_credential_name(&value) => SecretRef::Credential(value),
                    "file" if value.starts_with('/') => SecretRef::File(value.into()),
                    "credential" => return Err(A::Error::custom("a credential's name has no / and no spaces")),
                    "file" => return Err(A::Error::custom("a secret's file is a whole path that starts with /")),
                    _ => return Err(wrong()),
                };
                if map.next_key::<String>()?.is_some() { Err(wrong()) } else { Ok(found) }
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Whether a credential may be called so.
#[must_use]
pub fn is_credential_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(plain)
}
