//! The one outbound HTTP client: TLS roots, deadlines, body cap, and the question that decides everything after a
//! failure: did the request leave?
//!
//! Called by `classify`, `deliver` and `writeback`; they build a [`Call`], get an [`Answer`] or a [`WireError`], and fold
//! both into a `Fault`. It never retries, never follows a redirect (a POST that is sent on is a second effect), never
//! puts a secret into a trace or an error, and speaks plain HTTP only inside the building.
//! Outside rules: RFC 9110 (status codes, Retry-After), RFC 9112 (an unfinished body is no answer).

mod call;
mod judge;
#[cfg(test)]
pub(crate) mod tests;
mod words;

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

pub use call::{Answer, Body, Call, Leg, WireError, trace};
pub use judge::{LONGEST_WAIT, answered_at, retry_after, status_fault};
pub use reqwest::Method;
pub use words::{excerpt, segment, text_of};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Request, Response, Url, redirect};
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout};

use crate::model::Quota;

/// Name look-up, TCP and TLS together. A peer that can't be reached in 5 s is as good as down, and we know nothing left.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Shorter than the idle limits of the usual front doors (60 s and more), so that we rarely write to a closed connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Idle connections per peer: as many as a lane has workers.
const IDLE_PER_HOST: usize = 16;
/// The largest answer we act on is a page of Twilio messages (some 100 KiB); more than this is not for us.
const MAX_BODY: usize = 1024 * 1024;
const USER_AGENT: &str = concat!("nightdesk/", env!("CARGO_PKG_VERSION"));

/// The client. Cheap to clone; all clones share connections. Builds nothing until the first call.
#[derive(Debug, Clone, Default)]
pub struct Wire {
    clients: Arc<Clients>,
    meter: Option<Meter>,
}

/// Counts the requests of one effect, and keeps what the peer said last of its limits.
#[derive(Debug, Clone)]
pub struct Meter {
    limits_of: fn(&Answer) -> Quota,
    quota: Arc<Mutex<Quota>>,
}

impl Meter {
    /// What was counted.
    #[must_use]
    pub fn quota(&self) -> Quota {
        *self.quota.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, got: &Result<Answer, WireError>) {
        let said = got.as_ref().map_or_else(|_| Quota::default(), self.limits_of);
        let mut quota = self.quota.lock().unwrap_or_else(PoisonError::into_inner);
        *quota = Quota {
            requests: quota.requests.saturating_add(1),
            burst: said.burst.or(quota.burst),
            day: said.day.or(quota.day),
        };
    }
}

/// Built on first use. Plain ones load no roots (a desk whose model runs beside it, and the demo, never pay for them).
#[derive(Debug, Default)]
struct Clients {
    plain: OnceLock<Client>,
    plain_fresh: OnceLock<Client>,
    tls: OnceLock<Client>,
    tls_fresh: OnceLock<Client>,
}

impl Wire {
    /// A client that has not connected to anything yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same client with a meter of its own, which reads from an answer what it says of limits.
    #[must_use]
    pub fn metered(&self, limits_of: fn(&Answer) -> Quota) -> (Self, Meter) {
        let meter = Meter { limits_of, quota: Arc::default() };
        (Self { meter: Some(meter.clone()), ..self.clone() }, meter)
    }

    /// Sends `call` once and waits for the whole answer, whatever its status, at most `within`.
    ///
    /// # Errors
    /// [`WireError::fault`] says what the outbox may do about it.
    pub async fn send(&self, call: &Call, within: Duration) -> Result<Answer, WireError> {
        let got = self.exchange(call, within).await;
        if let Some(meter) = &self.meter {
            meter.count(&got);
        }
        got
    }

    async fn exchange(&self, call: &Call, within: Duration) -> Result<Answer, WireError> {
        let started = Instant::now();
        let fail = |leg, reason: String| WireError {
            leg,
            reason,
            cure: None,
            repeatable: call.repeatable,
            latency: started.elapsed(),
        };
        let request = request(call).map_err(|reason| fail(Leg::Refused, reason))?;
        let client = self.client(&request, call.repeatable).map_err(|reason| fail(Leg::NotSent, reason))?;
        let exchange = async {
            let response = client.execute(request).await?;
            receive(response, call.most).await
        };
        match timeout(within, exchange).await {
            Ok(Ok(answer)) => {
                let body = without_secrets(answer.body, call);
                Ok(Answer { body, latency: started.elapsed(), ..answer })
            }
            Ok(Err(error)) => {
                let leg = if error.is_connect() { Leg::NotSent } else { Leg::MaybeSent };
                Err(WireError { cure: clock_cure(&error), ..fail(leg, said(&error)) })
            }
            Err(_) => Err(fail(Leg::MaybeSent, format!("no complete answer within {within:?}"))),
        }
    }

    /// The client for `request`. A request that may not be repeated gets a connection of its own: on a pooled one, a peer
    /// that closes it as idle just then would leave us with an unknown outcome for nothing.
    fn client(&self, request: &Request, repeatable: bool) -> Result<&Client, String> {
        let secure = request.url().scheme() == "https";
        let cell = match (secure, repeatable) {
            (false, true) => &self.clients.plain,
            (false, false) => &self.clients.plain_fresh,
            (true, true) => &self.clients.tls,
            (true, false) => &self.clients.tls_fresh,
        };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let client = build(secure, repeatable).map_err(|error| said(&error))?;
        Ok(cell.get_or_init(|| client))
    }
}

fn build(secure: bool, pooled: bool) -> reqwest::Result<Client> {
    // Main has installed it long ago; a test has no main. Whoever was first, it is the same provider.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(if pooled { IDLE_PER_HOST } else { 0 });
    if !secure {
        // Plain HTTP never leaves the building, so neither roots nor the proxy of the environment have a say.
        builder = builder.tls_certs_only([]).no_proxy();
    }
    builder.build()
}

/// The headers of `call` as they go over the wire (HTTP/1.1), in the order of their names; stars stand for secrets.
#[must_use]
pub fn headers(call: &Call) -> BTreeMap<String, String> {
    let host = Url::parse(&call.url).ok().and_then(|url| {
        let host = url.host_str()?.to_owned();
        Some(url.port().map_or(host.clone(), |port| format!("{host}:{port}")))
    });
    let usual = [("accept", "*/*".to_owned()), ("user-agent", USER_AGENT.to_owned())];
    let own = call.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone()));
    let secret = call.secret_headers.iter().map(|(name, _)| (name.to_lowercase(), "***".to_owned()));
    let body = call.body.iter().flat_map(|body| {
        [("content-type", body.content_type.to_owned()), ("content-length", body.text.len().to_string())]
    });
    let given = usual.into_iter().chain(host.map(|host| ("host", host))).chain(body);
    given.map(|(name, value)| (name.to_owned(), value)).chain(own).chain(secret).collect()
}

/// The request on the wire, or why we won't send it.
fn request(call: &Call) -> Result<Request, String> {
    let url = Url::parse(&call.url).map_err(|error| format!("not a URL: {error}"))?;
    if url.scheme() != "https" && !(url.scheme() == "http" && in_the_building(&url)) {
        return Err("plain HTTP goes only to this machine or a private address; use https".to_owned());
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &call.headers {
        headers.insert(named(name)?, HeaderValue::from_str(value).map_err(|_| unfit(name))?);
    }
    for (name, secret) in &call.secret_headers {
        let mut value = HeaderValue::from_str(secret.expose_secret()).map_err(|_| unfit(name))?;
        value.set_sensitive(true);
        headers.insert(named(name)?, value);
    }
    let mut request = Request::new(call.method.clone(), url);
    if let Some(body) = &call.body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(body.content_type));
        *request.body_mut() = Some(body.text.clone().into());
    }
    *request.headers_mut() = headers;
    Ok(request)
}

fn named(name: &str) -> Result<HeaderName, String> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name:?} can't be the name of a header"))
}

fn unfit(name: &str) -> String {
    format!("the value for the header {name} holds characters that no header can carry")
}

/// This machine, or an address that is not routed on the internet (RFC 1918, RFC 4193): a model on the office network
/// rarely has a certificate. Names other than `localhost` don't count, because anybody may answer for them.
fn in_the_building(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local(),
        Err(_) => host == "localhost",
    }
}

/// Reads the answer up to the cap; what lies beyond is never read, and the connection is dropped.
async fn receive(mut response: Response, most: usize) -> reqwest::Result<Answer> {
    let status = response.status().as_u16();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let (mut bytes, mut truncated) = (Vec::new(), false);
    while let Some(chunk) = response.chunk().await? {
        let room = most.saturating_sub(bytes.len());
        bytes.extend(chunk.iter().take(room));
        if chunk.len() > room {
            truncated = true;
            break;
        }
    }
    let body = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Answer { status, headers, body, truncated, latency: Duration::ZERO })
}

/// The body with our own secrets starred out: a peer or a proxy may quote the request, and the body goes into the timeline.
fn without_secrets(body: String, call: &Call) -> String {
    call.secret_headers.iter().fold(body, |body, (_, secret)| {
        let whole = secret.expose_secret();
        let token = whole.rsplit(' ').next().unwrap_or(whole); // without `Bearer`
        let bare = token.split_once('=').map_or(token, |(_, bare)| bare); // without `token=`
        let shown = [token, bare].into_iter().filter(|part| !part.trim_matches('=').is_empty());
        shown.fold(body, |body, part| if body.contains(part) { body.replace(part, "***") } else { body })
    })
}

/// The innermost cause in its own words: the layers above only say "error sending request".
fn said(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let doing = match (error.is_dns(), error.is_connect()) {
        (true, _) => "looking up the name",
        (false, true) => "connecting",
        (false, false) if error.is_builder() => "preparing the HTTP client",
        (false, false) => "waiting for the answer",
    };
    if innermost.source().is_none() && std::ptr::addr_eq(innermost, error) {
        return doing.to_owned(); // its own text would only repeat the address
    }
    format!("{doing}: {innermost}")
}

/// What to do when a certificate is out of its time: with no clock battery, the clock is the first suspect.
fn clock_cure(error: &(dyn Error + 'static)) -> Option<String> {
    use rustls::CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    if let Some(rustls::Error::InvalidCertificate(
        Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. },
    )) = error.downcast_ref()
    {
        return Some("check this machine's clock (timedatectl), then the peer's certificate".to_owned());
    }
    // `source` of an io::Error skips the error it carries.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(carried) => clock_cure(carried),
        None => clock_cure(error.source()?),
    }
}
