//! From a table `auth` as typed to the scheme it means, with every mistake in it.
//!
//! One function a scheme. A key that the scheme takes no notice of is an error: whoever typed it believes that it counts.

use super::super::source::Around;
use super::super::typed::{HeaderName, Text, trimmed};
use super::super::{Problems, SecretRef, raw};
use super::{Auth, Encoding, Fingerprint, Layout, Signed, Stamp, StampPlace};

/// The header a shared secret is expected in, and what precedes it there (RFC 6750, clause 2.1).
const SECRET_HEADER: &str = "Authorization";
const SECRET_PREFIX: &str = "Bearer ";
/// What to write for a secret.
const SECRET_WHAT: &str = "{ credential = \"name\" } or { file = \"/path\" }";

impl raw::Scheme {
    /// Its name as typed, and the keys it takes.
    const fn facts(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Hubspot => ("hubspot", &["secret"]),
            Self::StandardWebhooks => ("standard-webhooks", &["secret"]),
            Self::HmacSha256 => (
                "hmac-sha256",
                &["secret", "header", "prefix", "encoding", "timestamp-header", "timestamp-prefix", "signed"],
            ),
            Self::Twilio => ("twilio", &["secret"]),
            Self::SharedSecret => ("shared-secret", &["secret", "in", "header", "prefix"]),
            Self::Bearer => ("bearer", &["secret"]),
            Self::Basic => ("basic", &["user", "secret"]),
            Self::Salesforce => ("salesforce", &["organization-id", "secret"]),
            Self::ClientCertificate => ("client-certificate", &["fingerprints"]),
            Self::None => ("none", &[]),
        }
    }
}

/// One table `auth` while it is read.
struct Reading<'r> {
    path: &'r str,
    around: &'r Around<'r>,
    problems: &'r mut Problems,
}

impl Auth {
    pub(in crate::config) fn of(
        raw: raw::Auth,
        path: &str,
        around: &Around<'_>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let wants = "{ scheme = \"hubspot\" | \"standard-webhooks\" | \"hmac-sha256\" | \"twilio\" | \"bearer\" | \
                     \"shared-secret\" | \"basic\" | \"salesforce\" | \"client-certificate\" | \"none\", … }";
        let scheme = problems.required(raw.scheme, format!("{path}.scheme"), wants)?;
        let mut reading = Reading { path, around, problems };
        reading.refuse_strangers(&raw, scheme);
        match scheme {
            raw::Scheme::Hubspot => {
                reading.needs_public_url("HubSpot");
                reading.one(raw.secret).map(|secret| Self::Hubspot { secret })
            }
            raw::Scheme::StandardWebhooks => {
                reading.several(raw.secret).map(|secrets| Self::StandardWebhooks { secrets })
            }
            raw::Scheme::HmacSha256 => reading.hmac_sha256(raw),
            raw::Scheme::Twilio => {
                reading.needs_public_url("Twilio");
                reading.several(raw.secret).map(|secrets| Self::Twilio { secrets })
            }
            raw::Scheme::SharedSecret => reading.shared_secret(raw),
            raw::Scheme::Bearer => {
                let (header, prefix) = (SECRET_HEADER.to_owned(), SECRET_PREFIX.to_owned());
                reading.one(raw.secret).map(|secret| Self::SharedSecret { header, prefix, secret })
            }
            raw::Scheme::Basic => reading.basic(raw),
            raw::Scheme::Salesforce => reading.salesforce(raw),
            raw::Scheme::ClientCertificate => reading.client_certificate(raw.fingerprints),
            raw::Scheme::None => {
                reading.problems.warn(path, "scheme = \"none\": anybody who knows the address can post leads");
                Some(Self::None)
            }
        }
    }
}

impl Reading<'_> {
    fn at(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    fn error(&mut self, key: &str, words: impl Into<String>) {
        let path = self.at(key);
        self.problems.error(path, words);
    }

    fn required<T>(&mut self, value: Option<T>, key: &str, words: &str) -> Option<T> {
        let path = self.at(key);
        self.problems.required(value, path, words)
    }

    /// Reports the keys that belong to other schemes.
    fn refuse_strangers(&mut self, raw: &raw::Auth, scheme: raw::Scheme) {
        let (name, takes) = scheme.facts();
        let typed = [
            ("secret", raw.secret.is_some()),
            ("in", raw.r#in.is_some()),
            ("header", raw.header.is_some()),
            ("prefix", raw.prefix.is_some()),
            ("encoding", raw.encoding.is_some()),
            ("timestamp-header", raw.timestamp_header.is_some()),
            ("timestamp-prefix", raw.timestamp_prefix.is_some()),
            ("signed", raw.signed.is_some()),
            ("user", raw.user.is_some()),
            ("organization-id", raw.organization_id.is_some()),
            ("fingerprints", raw.fingerprints.is_some()),
        ];
        let only = if takes.is_empty() { String::new() } else { format!(", only {}", takes.join(", ")) };
        for (key, _) in typed.iter().filter(|(key, typed)| *typed && !takes.contains(key)) {
            self.error(key, format!("scheme = \"{name}\" takes no {key}{only}"));
        }
    }

    fn needs_public_url(&mut self, vendor: &str) {
        if !self.around.has_public_url {
            let words = format!("missing: {vendor} signs the address it calls, such as \"https://leads.example.com\"");
            self.problems.error("server.public-url", words);
        }
    }

    fn one(&mut self, typed: Option<raw::SecretRefs>) -> Option<SecretRef> {
        let mut secrets = self.several(typed)?;
        let first = secrets.pop();
        if !secrets.is_empty() {
            self.error(
                "secret",
                "one secret: several are for schemes that sign (standard-webhooks, hmac-sha256, twilio)",
            );
        }
        first
    }

    fn several(&mut self, typed: Option<raw::SecretRefs>) -> Option<Vec<SecretRef>> {
        let secrets = self.required(typed, "secret", SECRET_WHAT)?.0;
        if secrets.is_empty() {
            self.error("secret", "an empty list: nobody could sign");
        }
        Some(secrets)
    }

    /// Bytes that a header can carry.
    fn prefix(&mut self, typed: Option<String>, key: &str) -> Option<String> {
        if typed.as_ref().is_some_and(|prefix| !prefix.bytes().all(|b| (b' '..=b'~').contains(&b))) {
            self.error(key, "plain ASCII, as in a header");
        }
        typed
    }

    fn shared_secret(&mut self, raw: raw::Auth) -> Option<Auth> {
        if raw.r#in == Some(raw::Place::Path) {
            for (key, _) in [("header", raw.header.is_some()), ("prefix", raw.prefix.is_some())].iter().filter(|t| t.1)
            {
                self.error(key, "not with in = \"path\": the secret is the last part of the address");
            }
            return self.one(raw.secret).map(|secret| Auth::PathSecret { secret });
        }
        let header = Text::or(raw.header, HeaderName(SECRET_HEADER.to_owned())).0;
        let usual = if header.eq_ignore_ascii_case(SECRET_HEADER) { SECRET_PREFIX } else { "" };
        let prefix = self.prefix(raw.prefix, "prefix").unwrap_or_else(|| usual.to_owned());
        self.one(raw.secret).map(|secret| Auth::SharedSecret { header, prefix, secret })
    }

    fn hmac_sha256(&mut self, raw: raw::Auth) -> Option<Auth> {
        let secrets = self.several(raw.secret);
        let header = self.required(raw.header, "header", "where the signature stands, such as \"X-Hub-Signature-256\"");
        let prefix = self.prefix(raw.prefix, "prefix").unwrap_or_default();
        let item = self.prefix(raw.timestamp_prefix, "timestamp-prefix");
        if item.is_some() && prefix.is_empty() {
            let words = "missing: signatures in a list are told from the rest by what precedes them, such as \"v1=\"";
            self.error("prefix", words);
        }
        let place = match (raw.timestamp_header, item) {
            (Some(_), Some(_)) => {
                self.error("timestamp-prefix", "either timestamp-header or timestamp-prefix, not both");
                None
            }
            (Some(header), None) => Some(StampPlace::Header(header.0.0)),
            (None, item) => item.map(StampPlace::Item),
        };
        let stamp = self.stamp(place, raw.signed.map(|signed| signed.0));
        let encoding = raw.encoding.unwrap_or(Encoding::Hex);
        Some(Auth::HmacSha256 { secrets: secrets?, layout: Layout { header: header?.0.0, prefix, encoding, stamp } })
    }

    fn stamp(&mut self, place: Option<StampPlace>, signed: Option<Signed>) -> Option<Stamp> {
        match (place, signed) {
            (None, None | Some(Signed::Body)) => None,
            (None, Some(Signed::Stamped { .. })) => {
                self.error("signed", "needs timestamp-header or timestamp-prefix, to know where the timestamp is");
                None
            }
            (Some(_), Some(Signed::Body)) => {
                self.error(
                    "signed",
                    "leaves the timestamp out, so that anybody may set it: sign it or don't look at it",
                );
                None
            }
            (Some(place), None) => Some(Stamp { place, before: String::new(), between: ".".to_owned() }),
            (Some(place), Some(Signed::Stamped { before, between })) => Some(Stamp { place, before, between }),
        }
    }

    fn basic(&mut self, raw: raw::Auth) -> Option<Auth> {
        let secret = self.one(raw.secret);
        let user = self.required(raw.user.filter(|user| !user.is_empty()), "user", "the user the sender signs in as");
        if user.as_ref().is_some_and(|user| user.contains(':') || user.chars().any(char::is_control)) {
            self.error("user", "one line without a colon (RFC 7617)");
        }
        Some(Auth::Basic { user: user?, secret: secret? })
    }

    fn salesforce(&mut self, raw: raw::Auth) -> Option<Auth> {
        let wants = "the organization's id, 00D and 12 or 15 more letters and digits";
        let id = self.required(trimmed(raw.organization_id), "organization-id", wants);
        let is_id = |id: &String| {
            matches!(id.len(), 15 | 18) && id.starts_with("00D") && id.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        if id.as_ref().is_some_and(|id| !is_id(id)) {
            self.error("organization-id", wants);
        }
        if raw.secret.is_none() {
            let words = "not set: whoever knows the address and the organization's id can post leads";
            let path = self.at("secret");
            self.problems.warn(path, words);
        }
        let secret = raw.secret.and_then(|secret| self.one(Some(secret)));
        Some(Auth::Salesforce { organization_id: id?, secret })
    }

    fn client_certificate(&mut self, typed: Option<Vec<Text<Fingerprint>>>) -> Option<Auth> {
        if !self.around.has_client_ca {
            let words = "missing: without it no certificate is asked for, and none can be checked";
            self.problems.error("server.tls.client-ca", words);
        }
        let wants = "SHA-256 of each client certificate, as openssl x509 -noout -fingerprint -sha256 prints it";
        let fingerprints = self.required(typed.filter(|list| !list.is_empty()), "fingerprints", wants)?;
        Some(Auth::ClientCertificate { fingerprints: fingerprints.into_iter().map(|text| text.0.0).collect() })
    }
}
