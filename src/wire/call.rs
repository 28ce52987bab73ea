//! What goes over the wire and what comes back, as values: a call, its answer, its failure, and the trace of both.
//!
//! Built and read by `classify`, `deliver` and `writeback`. A secret lives only in `secret_headers`, which no trace, error
//! or `Debug` shows.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};

use crate::model::{Failure, Fault, Trace};

/// A trace is read by people; what they need of an answer is at its start.
const TRACED_BYTES: usize = 16 * 1024;

/// One HTTP request. May be sent once unless [`Call::repeatable`] is said.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its method.
    pub method: Method,
    /// The absolute address.
    pub url: String,
    /// Headers that may be shown. The content type belongs to the body.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// Headers that may not: never traced, and marked as sensitive for the layers below.
    pub secret_headers: Vec<(Cow<'static, str>, SecretString)>,
    /// What is sent with it.
    pub body: Option<Body>,
    /// Doing it twice is the same as doing it once, so an unknown outcome is simply tried again.
    pub repeatable: bool,
    /// So many bytes of the answer are read.
    pub most: usize,
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Its media type.
    pub content_type: &'static str,
    /// Its text.
    pub text: String,
}

impl Body {
    /// A JSON body.
    #[must_use]
    pub fn json(value: &serde_json::Value) -> Self {
        Self { content_type: "application/json", text: value.to_string() }
    }
}

impl Call {
    /// A GET; repeatable.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self { repeatable: true, ..Self::new(Method::GET, url) }
    }

    /// A POST; not repeatable unless said.
    #[must_use]
    pub fn post(url: impl Into<String>) -> Self {
        Self::new(Method::POST, url)
    }

    /// A PUT; not repeatable unless said.
    #[must_use]
    pub fn put(url: impl Into<String>) -> Self {
        Self::new(Method::PUT, url)
    }

    /// A PATCH; not repeatable unless said.
    #[must_use]
    pub fn patch(url: impl Into<String>) -> Self {
        Self::new(Method::PATCH, url)
    }

    fn new(method: Method, url: impl Into<String>) -> Self {
        let (headers, secret_headers) = (Vec::new(), Vec::new());
        Self { method, url: url.into(), headers, secret_headers, body: None, repeatable: false, most: super::MAX_BODY }
    }

    /// The same with a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same with a header that nobody may see.
    #[must_use]
    pub fn secret(mut self, name: impl Into<Cow<'static, str>>, value: SecretString) -> Self {
        self.secret_headers.push((name.into(), value));
        self
    }

    /// The same with a bearer token (RFC 6750).
    #[must_use]
    pub fn bearer(self, token: &SecretString) -> Self {
        self.secret("authorization", format!("Bearer {}", token.expose_secret()).into())
    }

    /// The same with a user and a password (RFC 7617).
    #[must_use]
    pub fn basic(self, user: &str, password: &SecretString) -> Self {
        let pair = STANDARD.encode(format!("{user}:{}", password.expose_secret()));
        self.secret("authorization", format!("Basic {pair}").into())
    }

    /// The same with a JSON body.
    #[must_use]
    pub fn json(mut self, value: &serde_json::Value) -> Self {
        self.body = Some(Body::json(value));
        self
    }

    /// The same with a body of any kind.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = Some(body);
        self
    }

    /// The same with a form body that the caller has encoded.
    #[must_use]
    pub fn form(mut self, text: String) -> Self {
        self.body = Some(Body { content_type: "application/x-www-form-urlencoded", text });
        self
    }

    /// The same for an answer that may be this long.
    #[must_use]
    pub fn up_to(mut self, bytes: usize) -> Self {
        self.most = bytes;
        self
    }

    /// The same, said to be harmless when done twice.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }
}

/// A complete answer, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; bytes that are no UTF-8 are replaced.
    pub body: String,
    /// The body was longer than we read.
    pub truncated: bool,
    /// From the start of the call to the end of the body.
    pub latency: Duration,
}

impl Answer {
    /// The first header of that name (any case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON, if it is JSON. The content type is not asked: proxies lie about it both ways.
    #[must_use]
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_str(&self.body).ok()
    }
}

/// How far a call got that has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leg {
    /// We refused to send it: it would be wrong every time.
    Refused,
    /// No connection, so no byte of it left.
    NotSent,
    /// It may have arrived and been acted on.
    MaybeSent,
}

/// A call without a complete answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct WireError {
    /// How far it got.
    pub leg: Leg,
    /// What happened, in words.
    pub reason: String,
    /// What to do about it, when we know.
    pub cure: Option<String>,
    /// Whether the call may be repeated.
    pub repeatable: bool,
    /// From the start of the call to its end.
    pub latency: Duration,
}

impl WireError {
    /// What the outbox may do about it.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self.leg {
            Leg::Refused => Fault::Permanent,
            Leg::MaybeSent if !self.repeatable => Fault::Unknown,
            Leg::NotSent | Leg::MaybeSent => Fault::Transient,
        }
    }

    /// The failure of an effect to `peer` that ended so.
    #[must_use]
    pub fn failure(&self, peer: &str) -> Failure {
        let failure = Failure::new(self.fault(), format!("{peer}: {}", self.reason));
        Failure { cure: self.cure.clone(), ..failure }
    }
}

/// The timeline's record of an exchange. `id_header` is where this vendor puts its request id.
#[must_use]
pub fn trace(call: &Call, got: &Result<Answer, WireError>, id_header: &str) -> Trace {
    let line = format!("{} {}", call.method, call.url);
    let request = Some(call.body.as_ref().map_or_else(|| line.clone(), |body| format!("{line}\n{}", body.text)));
    match got {
        Ok(answer) => Trace {
            request,
            response: Some(Trace::capped(&answer.body, TRACED_BYTES, answer.truncated)),
            status: Some(answer.status),
            vendor_id: answer.header(id_header).map(str::to_owned),
            latency: answer.latency,
        },
        Err(error) => {
            Trace { request, response: Some(format!("({})", error.reason)), latency: error.latency, ..Trace::default() }
        }
    }
}
