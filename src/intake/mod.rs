//! Room 1: webhooks in. The accept loop, its limits, who may post, and the gate; 2xx only after the commit.
//!
//! ```text
//! serve ─▶ connection ─▶ request: route ▶ body ▶ auth ▶ gate ─▶ store(inbox) ─▶ answer
//! ```
//!
//! `app` makes one [`Intake`] from the configuration and runs [`serve`] on a bound listener. `auth` holds one file per
//! scheme, `source` one per shape of payload. A request that authenticates is stored whether it holds a lead or not; one
//! that doesn't goes to the quarantine. Nothing here acts on a lead: what follows is the outbox's.

mod answer;
mod auth;
mod connection;
mod content_key;
mod gate;
mod pulse;
mod redact;
mod request;
mod serve;
mod source;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

pub use auth::{Auth, Encoding, Layout, Stamp, StampPlace};
pub use gate::reparse;
pub use serve::serve;
pub use source::{Fields, Shape};

use crate::model::Channel;
use crate::store::{Opening, Writer};

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
    /// Where a telephone number without a country is from: ISO 3166, two letters.
    pub country: String,
}

/// How much a sender may ask of the box.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest body.
    pub max_body_bytes: usize,
    /// Largest request head.
    pub max_header_bytes: usize,
    /// Connections at the same time; more wait in the system's queue.
    pub max_connections: usize,
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

/// Everything a request needs.
pub struct Intake {
    sources: HashMap<String, Settings>,
    limits: Limits,
    /// The first jobs of every lead.
    opening: Arc<Opening>,
    writer: Writer,
    /// Whether the body of an accepted request is logged.
    log_payloads: bool,
}

impl Intake {
    /// The intake for these sources.
    #[must_use]
    pub fn new(sources: Vec<Settings>, limits: Limits, opening: Opening, writer: Writer, log_payloads: bool) -> Self {
        let sources = sources.into_iter().map(|source| (source.name.clone(), source)).collect();
        Self { sources, limits, opening: Arc::new(opening), writer, log_payloads }
    }
}
