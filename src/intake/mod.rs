//! Room 1: webhooks in. The accept loop, its limits, who may post, and the gate; 2xx only after the commit.
//!
//! ```text
//! serve ─▶ seats ─▶ connection (tls) ─▶ request: route ▶ body ▶ auth ▶ quota ▶ gate ─▶ store(inbox) ─▶ answer
//! ```
//!
//! `app` makes one [`Intake`] from the configuration and runs [`serve`] on a bound listener. `auth` holds one file per
//! scheme, `source` one per shape of payload. A request that authenticates is stored whether it holds a lead or not; one
//! that doesn't goes to the quarantine. Nothing here acts on a lead: what follows is the outbox's. Beside sources there is
//! one page for people: `/u/TOKEN`, where whoever got a mail unsubscribes.

mod answer;
mod auth;
mod coding;
mod connection;
mod content_key;
mod gate;
mod manners;
mod peer;
mod pulse;
mod quota;
mod redact;
mod request;
mod seats;
mod serve;
mod source;
#[cfg(test)]
mod tests;
mod tls;
mod twilio;
mod unsubscribe;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use auth::{Auth, Encoding, Layout, Stamp, StampPlace};
pub use gate::{contact, reparse};
pub use serve::serve;
pub use source::{Fields, Shape};
pub use tls::{Doubt, Tls, TlsError, TlsFault, TlsFiles, TlsPart, judge as judge_tls};
pub use twilio::TwilioHooks;
pub use unsubscribe::Unsubscribe;

use crate::model::{Channel, Clock, Ledger, Timestamp};
use crate::store::{Opening, Writer};
use quota::Budget;
use tokio::sync::Semaphore;

/// One sender of leads.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name: the last segment of its address.
    pub name: String,
    /// What its payloads look like.
    pub shape: Shape,
    /// How it proves who it is.
    pub auth: Auth,
    /// The CRM its leads live in.
    pub crm: Option<Channel>,
    /// The CRM account, where the payload doesn't name it.
    pub account: Option<String>,
    /// Requests that are taken in a minute.
    pub max_per_minute: u32,
    /// Requests that are stored at the same time.
    pub max_in_flight: usize,
}

/// How much a sender may ask of the box.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest body.
    pub max_body_bytes: usize,
    /// Largest request head.
    pub max_header_bytes: usize,
    /// Connections at the same time, and requests; for one more somebody idle leaves, or it waits.
    pub max_connections: usize,
    /// Connections of one peer at the same time. The tunnel, on loopback, is not counted.
    pub max_connections_per_peer: usize,
    /// A request must have arrived this long after its first byte.
    pub read_timeout: Duration,
    /// How long a connection may be silent between requests. Longer than the tunnel keeps one, or the tunnel would now
    /// and then send a request into a connection that is being closed.
    pub idle_timeout: Duration,
    /// What is in flight may take this long after a stop was asked for.
    pub drain_grace: Duration,
}

impl Limits {
    /// A rest between requests that outlasts the usual tunnels: cloudflared keeps a silent connection for 90 seconds.
    pub const IDLE: Duration = Duration::from_mins(2);
}

/// Whether this box knows what time it is. Once it does, it does.
#[derive(Debug, Clone, Default)]
pub struct ClockTrust(Arc<AtomicBool>);

impl ClockTrust {
    /// The clock is right from now on.
    pub fn believe(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// The time, and whether it can be believed.
    fn now(&self) -> Clock {
        Clock { now: Timestamp::now(), trusted: self.0.load(Ordering::Relaxed) }
    }
}

/// Whether a request proves that it comes from whom a source belongs to: its target is path and query, and the time is
/// what an honest clock shows. For those who look at a source from outside; the listener has more to tell its peer.
#[must_use]
pub fn is_genuine(source: &Settings, target: &str, headers: &hyper::HeaderMap, body: &[u8], now: Timestamp) -> bool {
    let rest = target.strip_prefix("/hooks/").and_then(|place| place.split_once('/')).map(|(_, rest)| rest);
    let presented = auth::Presented { method: "POST", target, rest, headers, body, peer_certificate: None };
    source.auth.verify(&presented, Clock { now, trusted: true }).is_ok()
}

/// Everything a request needs.
pub struct Intake {
    sources: HashMap<String, Settings>,
    /// What each source has left, by its name.
    budgets: HashMap<String, Budget>,
    /// Requests at the same time.
    at_once: Semaphore,
    limits: Limits,
    /// The first jobs of every lead.
    opening: Arc<Opening>,
    writer: Writer,
    clock: ClockTrust,
    /// Who keeps what Twilio tells by itself, where that is taken.
    twilio: Option<Arc<dyn Ledger>>,
    /// Where owners of addresses unsubscribe, if mail is sent.
    unsubscribe: Option<unsubscribe::Door>,
    /// Whether the body of an accepted request is logged.
    log_payloads: bool,
}

impl Intake {
    /// The intake for these sources.
    #[must_use]
    pub fn new(
        sources: Vec<Settings>,
        limits: Limits,
        opening: Opening,
        writer: Writer,
        clock: ClockTrust,
        log_payloads: bool,
    ) -> Self {
        let budgets = sources.iter().map(|source| (source.name.clone(), Budget::new(source))).collect();
        let sources = sources.into_iter().map(|source| (source.name.clone(), source)).collect();
        let at_once = Semaphore::new(limits.max_connections);
        Self {
            sources,
            budgets,
            at_once,
            limits,
            opening: Arc::new(opening),
            writer,
            clock,
            twilio: None,
            unsubscribe: None,
            log_payloads,
        }
    }

    /// The same, which takes what Twilio tells by itself.
    #[must_use]
    pub fn with_twilio(mut self, hooks: &TwilioHooks) -> Self {
        let source = hooks.as_source();
        self.budgets.insert(source.name.clone(), Budget::new(&source));
        self.sources.insert(source.name.clone(), source);
        self.twilio = Some(Arc::clone(&hooks.ledger));
        self
    }

    /// The same, with a page on which the owners of addresses unsubscribe.
    #[must_use]
    pub fn with_unsubscribe(mut self, unsubscribe: Unsubscribe) -> Self {
        self.unsubscribe = Some(unsubscribe.into());
        self
    }
}
