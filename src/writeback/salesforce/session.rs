//! The session with an org: a token, and the instance it is for. Nothing of how it was had goes into a trace.
//!
//! Salesforce doesn't say how long a token lives, so one is kept until a request is told that it is over. Whoever is told so
//! asks for another, one at a time: the others wait and take it. Asking changes nothing in the org and comes before the
//! write, so its failures mean that nothing was written.
//! Sources: <https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_client_credentials_flow.htm>,
//! <https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_jwt_flow.htm>.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::{Settings, assertion};
use crate::model::{Failure, Fault, Timestamp, Trace};
use crate::wire::{Answer, Call, Wire, status_fault};
use crate::writeback::excerpt;

/// Where tokens are had.
const TOKEN: &str = "/services/oauth2/token";
/// The grant of the JWT bearer flow (RFC 7523, clause 2.1).
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The pause after a 429 that names none.
const TEN_SECONDS: Duration = Duration::from_secs(10);
/// Where instances are: My Domains, sandboxes, and the clouds of governments and of China.
const DOMAINS: [&str; 5] = [".salesforce.com", ".force.com", ".salesforce.mil", ".cloudforce.com", ".sfcrmproducts.cn"];

/// How the app proves who it is.
#[derive(Debug, Clone)]
pub enum SignIn {
    /// With its consumer secret.
    Secret(SecretString),
    /// With a signature in the name of a user.
    Jwt {
        /// The user.
        username: String,
        /// The file of the private key, in PEM: read at each sign-in.
        key: PathBuf,
        /// Where the user signs in: `https://login.salesforce.com`.
        audience: String,
    },
}

/// A token and what it is good for.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) token: SecretString,
    /// Where the data API is; no slash at the end.
    pub(super) instance: String,
    /// The id of the org, as its webhooks have it.
    pub(super) organization: Option<String>,
}

/// The session there is, if there is one.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    wire: Wire,
    current: Mutex<Option<Arc<Session>>>,
}

/// Why there is no session, and what may be shown of it.
pub(super) type Refused = (Failure, Trace);

impl Sessions {
    pub(super) fn new(wire: Wire) -> Self {
        Self { wire, current: Mutex::default() }
    }

    /// A session other than the one that is `over`, within the time that is left.
    pub(super) async fn open(
        &self,
        settings: &Settings,
        over: Option<&Arc<Session>>,
        left: Duration,
    ) -> Result<Arc<Session>, Refused> {
        let until = Instant::now().checked_add(left);
        let Ok(mut current) = timeout(left, self.current.lock()).await else {
            let failure = Failure::new(Fault::Transient, "Salesforce: another request still waits for a session");
            return Err((failure, Trace::default()));
        };
        if let Some(session) = &*current
            && over.is_none_or(|over| !Arc::ptr_eq(over, session))
        {
            return Ok(Arc::clone(session));
        }
        *current = None;
        let left = until.map_or(left, |until| until.saturating_duration_since(Instant::now()));
        let session = Arc::new(self.sign_in(settings, left.min(settings.timeout)).await?);
        *current = Some(Arc::clone(&session));
        Ok(session)
    }

    async fn sign_in(&self, settings: &Settings, left: Duration) -> Result<Session, Refused> {
        let (form, secret) = form(settings).map_err(|failure| (failure, Trace::default()))?;
        let call = Call::post(format!("{}{TOKEN}", settings.base_url)).form(form).repeatable();
        let got = self.wire.send(&call, left).await;
        // By hand: the form holds what proves us, the answer the token.
        let mut trace = Trace { request: Some(format!("POST {} (form left out)", call.url)), ..Trace::default() };
        let session = match got {
            Ok(answer) => {
                (trace.status, trace.latency) = (Some(answer.status), answer.latency);
                session(&answer, settings, &secret)
            }
            Err(error) => {
                trace.latency = error.latency;
                Err(error.failure("Salesforce's token endpoint"))
            }
        };
        session.map_err(|failure| {
            trace.response = Some(format!("({})", failure.reason));
            (failure, trace)
        })
    }
}

/// What is posted, and the part of it that nobody may see.
fn form(settings: &Settings) -> Result<(String, SecretString), Failure> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    let secret = match &settings.sign_in {
        SignIn::Secret(secret) => {
            form.append_pair("grant_type", "client_credentials");
            form.append_pair("client_id", &settings.client_id);
            form.append_pair("client_secret", secret.expose_secret());
            secret.clone()
        }
        SignIn::Jwt { username, key, audience } => {
            let signed = assertion::signed(key, &settings.client_id, username, audience, Timestamp::now());
            let assertion = signed.map_err(|error| {
                let reason = format!("Salesforce: the private key {} {error}", key.display());
                Failure::new(Fault::Auth, reason).cure("put the RSA key there whose certificate the app has")
            })?;
            form.append_pair("grant_type", JWT_BEARER);
            form.append_pair("assertion", assertion.expose_secret());
            assertion
        }
    };
    Ok((form.finish(), secret))
}

/// The session in an answer of the token endpoint, or why there is none. `secret` is starred out should it be quoted.
fn session(answer: &Answer, settings: &Settings, secret: &SecretString) -> Result<Session, Failure> {
    let body = answer.json().filter(|_| !answer.truncated).unwrap_or_default();
    let word = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    if !answer.is_success() {
        let said = [word("error"), word("error_description")].into_iter().flatten().collect::<Vec<_>>().join(": ");
        let said = excerpt(&said.replace(secret.expose_secret(), "***"));
        return Err(refused(answer, word("error").as_deref(), &said, &settings.sign_in));
    }
    let (Some(token), Some(instance)) = (word("access_token"), word("instance_url")) else {
        let reason = format!("Salesforce's token endpoint answered {} without a token", answer.status);
        let cure = "if this goes on, check base-url and what stands between here and Salesforce";
        return Err(Failure::new(Fault::Transient, reason).cure(cure));
    };
    if !is_trusted(&instance, &settings.base_url) {
        let reason = format!("Salesforce sent us to {}, which is none of its domains", excerpt(&instance));
        return Err(Failure::new(Fault::Auth, reason).cure("check base-url: the org's own My Domain"));
    }
    // `https://login.salesforce.com/id/ORGANIZATION/USER`
    let organization = word("id").and_then(|id| Some(id.split_once("/id/")?.1.split('/').next()?.to_owned()));
    Ok(Session { token: token.into(), instance: instance.trim_end_matches('/').to_owned(), organization })
}

fn refused(answer: &Answer, error: Option<&str>, said: &str, sign_in: &SignIn) -> Failure {
    let by_status = status_fault(answer, true, Timestamp::now(), TEN_SECONDS).unwrap_or(Fault::Transient);
    let fault = match (by_status, error) {
        // In these words it asks to be asked again.
        (Fault::Permanent, Some("unknown_error")) => Fault::Transient,
        // Whatever else is wrong with it will be for the next job: they wait until it is mended.
        (Fault::Permanent, _) => Fault::Auth,
        (fault, _) => fault,
    };
    let failure = Failure::new(fault, format!("Salesforce's token endpoint {}: {said}", answer.status));
    if fault != Fault::Auth {
        return failure;
    }
    failure.cure(match (error, sign_in) {
        (None, _) => "check base-url: the org's own My Domain",
        (Some("invalid_client" | "invalid_client_id"), _) => {
            "put the app's consumer key and secret into the configuration"
        }
        (Some(_), SignIn::Secret(_)) => "in the app, enable the client credentials flow and choose a run-as user",
        (Some(_), SignIn::Jwt { .. }) => {
            "check this machine's clock, username and audience, that the app has the key's certificate, and that its \
             policies pre-authorise the user"
        }
    })
}

/// Whether a token may be sent there: to the host it was asked of, or to one of Salesforce's own; never less safely.
fn is_trusted(instance: &str, base_url: &str) -> bool {
    let (Some((scheme, host)), Some((known_scheme, known))) = (parts(instance), parts(base_url)) else { return false };
    let is_safe = scheme == "https" || scheme == known_scheme;
    let is_theirs = DOMAINS.iter().any(|domain| host.len() > domain.len() && host.ends_with(domain));
    (is_safe && host == known) || (scheme == "https" && is_theirs)
}

/// Scheme and host of an address that is nothing but scheme, host and port.
fn parts(url: &str) -> Option<(&str, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.trim_end_matches('/');
    let is_plain = authority.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let is_known = matches!(scheme, "http" | "https");
    (is_plain && is_port && is_known && !host.is_empty()).then(|| (scheme, host.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_to_no_stranger() {
        let base = "https://acme.my.salesforce.com";
        for (instance, base, want) in [
            ("https://acme.my.salesforce.com", base, true),
            ("https://ACME.my.salesforce.com/", base, true),
            ("https://na42.salesforce.com", base, true),
            ("https://acme--dev.sandbox.my.salesforce.com", base, true),
            ("https://acme.my.salesforce.mil", base, true),
            ("https://evil.example", base, false),
            ("https://evilsalesforce.com", base, false),
            ("https://.salesforce.com", base, false),
            ("https://acme.my.salesforce.com.evil.example", base, false),
            ("https://acme.my.salesforce.com@evil.example", base, false),
            ("https://evil.example/.salesforce.com", base, false),
            ("https://evil.example?.salesforce.com", base, false),
            ("http://acme.my.salesforce.com", base, false),
            ("http://127.0.0.1:8080", base, false),
            ("ftp://acme.my.salesforce.com", base, false),
            ("acme.my.salesforce.com", base, false),
            ("", base, false),
            ("http://127.0.0.1:8080", "http://127.0.0.1:9090", true),
            ("http://[::1]:8080", "http://[::1]:9090", true),
            ("https://127.0.0.1:8080", "http://127.0.0.1:9090", true),
            ("http://127.0.0.2:8080", "http://127.0.0.1:9090", false),
            ("https://crm.proxy.example", "https://crm.proxy.example:8443", true),
        ] {
            assert_eq!(is_trusted(instance, base), want, "{instance} of {base}");
        }
    }
}
