//! What may go wrong on the way to a simulated vendor, and where a request can be held.
//!
//! A test scripts [`Fault`]s: each is used up by the first request it matches, unless it is `forever`. By default a
//! faulty request does *not* reach the vendor's state; with [`Fault::applied`] the vendor did the work and only the
//! answer went wrong, which is the case that makes clients send things twice. A [`Held`] request waits at a
//! [`Moment`] until it is let go, so that a harness can kill the client exactly there.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use super::http::Seen;

/// Which requests are meant.
#[derive(Debug, Clone, Default)]
pub struct Match {
    method: Option<&'static str>,
    path: Option<String>,
    body: Option<String>,
}

impl Match {
    /// Every request.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests of this method whose path contains `part`.
    #[must_use]
    pub fn to(method: &'static str, part: impl Into<String>) -> Self {
        Self { method: Some(method), path: Some(part.into()), body: None }
    }

    /// Of those, the ones whose body contains `part` as it stands on the wire.
    #[must_use]
    pub fn body(mut self, part: impl Into<String>) -> Self {
        self.body = Some(part.into());
        self
    }

    pub(super) fn needs_body(&self) -> bool {
        self.body.is_some()
    }

    pub(super) fn hits(&self, seen: &Seen) -> bool {
        self.method.is_none_or(|method| seen.method == method)
            && self.path.as_ref().is_none_or(|part| seen.path.contains(part))
            && self.body.as_ref().is_none_or(|part| seen.body.contains(part))
    }
}

/// What the client gets to see.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// The vendor's own answer.
    Pass,
    /// This status, with this body or the vendor's usual one.
    Status { status: u16, body: Option<Value>, headers: Vec<(&'static str, String)> },
    /// Nothing, for ever.
    Hang,
    /// A TCP reset before the request's body was read.
    ResetBeforeBody,
    /// A TCP reset after it, before any byte of an answer.
    Reset,
    /// An orderly close before any byte of an answer.
    Close,
    /// Half an answer, then a reset.
    ResetInAnswer,
    /// Half an answer, then an orderly close.
    CloseInAnswer,
    /// Bytes that are no HTTP.
    Garbage,
    /// Status 200 and a proxy's page.
    Html,
    /// The vendor's own answer under a wrong media type.
    Mislabelled,
    /// Status 200, complete HTTP, half the JSON.
    HalfJson,
    /// A redirect to there.
    Redirect(String),
    /// Status 200 and this many bytes.
    Huge(u64),
    /// Status 200 and a byte now and then, for ever.
    Drip,
}

/// One thing that goes wrong.
#[derive(Debug, Clone)]
pub struct Fault {
    pub(super) kind: Kind,
    pub(super) applied: bool,
    pub(super) delay: Duration,
    pub(super) on: Match,
    pub(super) forever: bool,
}

impl Fault {
    fn new(kind: Kind) -> Self {
        Self { kind, applied: false, delay: Duration::ZERO, on: Match::any(), forever: false }
    }

    /// Nothing goes wrong: fills a place in a script, or carries a delay.
    #[must_use]
    pub fn ok() -> Self {
        Self::new(Kind::Pass).applied()
    }

    /// This status with the body the vendor usually sends with it.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::new(Kind::Status { status, body: None, headers: Vec::new() })
    }

    /// This status with this body.
    #[must_use]
    pub fn status_with(status: u16, body: Value) -> Self {
        Self::new(Kind::Status { status, body: Some(body), headers: Vec::new() })
    }

    /// 429, with `Retry-After` (as it stands: seconds or an HTTP date) or without.
    #[must_use]
    pub fn throttled(retry_after: Option<&str>) -> Self {
        let headers = retry_after.map(|value| ("retry-after", value.to_owned())).into_iter().collect();
        Self::new(Kind::Status { status: 429, body: None, headers })
    }

    /// The same answer with a header; only a status has any.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Kind::Status { headers, .. } = &mut self.kind {
            headers.push((name, value.to_owned()));
        }
        self
    }

    /// No answer, ever.
    #[must_use]
    pub fn hang() -> Self {
        Self::new(Kind::Hang)
    }

    /// A reset while the client still sends.
    #[must_use]
    pub fn reset_before_body() -> Self {
        Self::new(Kind::ResetBeforeBody)
    }

    /// A reset after the whole request, before the answer.
    #[must_use]
    pub fn reset() -> Self {
        Self::new(Kind::Reset)
    }

    /// An orderly close after the whole request, before the answer.
    #[must_use]
    pub fn close() -> Self {
        Self::new(Kind::Close)
    }

    /// A reset in the middle of the answer.
    #[must_use]
    pub fn reset_in_answer() -> Self {
        Self::new(Kind::ResetInAnswer)
    }

    /// An orderly close in the middle of the answer.
    #[must_use]
    pub fn close_in_answer() -> Self {
        Self::new(Kind::CloseInAnswer)
    }

    /// Bytes that are no HTTP.
    #[must_use]
    pub fn garbage() -> Self {
        Self::new(Kind::Garbage)
    }

    /// 200 and HTML.
    #[must_use]
    pub fn html() -> Self {
        Self::new(Kind::Html)
    }

    /// The vendor's own answer, which says that it is plain text.
    #[must_use]
    pub fn mislabelled() -> Self {
        Self::new(Kind::Mislabelled).applied()
    }

    /// 200 and half of the JSON, in a complete HTTP answer.
    #[must_use]
    pub fn half_json() -> Self {
        Self::new(Kind::HalfJson)
    }

    /// 307 to another address.
    #[must_use]
    pub fn redirect(to: impl Into<String>) -> Self {
        Self::new(Kind::Redirect(to.into()))
    }

    /// 200 and a body of this many bytes.
    #[must_use]
    pub fn huge(bytes: u64) -> Self {
        Self::new(Kind::Huge(bytes))
    }

    /// 200 and a byte every few milliseconds, for ever.
    #[must_use]
    pub fn drip() -> Self {
        Self::new(Kind::Drip)
    }

    /// The vendor did the work; only what the client sees of it goes wrong.
    #[must_use]
    pub fn applied(mut self) -> Self {
        self.applied = true;
        self
    }

    /// The answer, right or wrong, comes this late.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Only for these requests.
    #[must_use]
    pub fn on(mut self, on: Match) -> Self {
        self.on = on;
        self
    }

    /// Every time, not once.
    #[must_use]
    pub fn forever(mut self) -> Self {
        self.forever = true;
        self
    }

    pub(super) fn is_early(&self) -> bool {
        matches!(self.kind, Kind::ResetBeforeBody)
    }
}

/// Where a request can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Its head has come, its body not yet.
    Head,
    /// It has come whole; the vendor has done nothing.
    Arrived,
    /// The vendor has done the work; no byte of the answer is out.
    Applied,
    /// Half of the answer is out.
    InAnswer,
}

/// A hold that waits for its request, then keeps it until it is released, abandoned or dropped.
///
/// A request that has come whole goes on even if its client died meanwhile, as it would at a real vendor.
#[derive(Debug)]
pub struct Held {
    reached: oneshot::Receiver<Seen>,
    gate: oneshot::Sender<GoOn>,
}

/// What becomes of a held request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum GoOn {
    Yes,
    /// It is lost here: nothing more happens with it, and no answer comes.
    No,
}

impl Held {
    /// Waits until a request stands at the moment; `None` when the simulator is gone.
    pub async fn reached(&mut self) -> Option<Seen> {
        (&mut self.reached).await.ok()
    }

    /// Lets the request go on (dropping does the same).
    pub fn release(self) {
        drop(self.gate);
    }

    /// Loses the request: what was not done yet never is, and no answer comes.
    pub fn abandon(self) {
        drop(self.gate.send(GoOn::No));
    }
}

/// The simulator's end of a [`Held`].
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) moment: Moment,
    pub(super) on: Match,
    reached: oneshot::Sender<Seen>,
    gate: oneshot::Receiver<GoOn>,
}

impl Hold {
    pub(super) fn new(moment: Moment, on: Match) -> (Self, Held) {
        let (reached_in, reached) = oneshot::channel();
        let (gate, gate_out) = oneshot::channel();
        (Self { moment, on, reached: reached_in, gate: gate_out }, Held { reached, gate })
    }

    /// Whether anybody still waits for it.
    pub(super) fn is_wanted(&self) -> bool {
        !self.reached.is_closed()
    }

    /// Says that the request is here, and waits for what becomes of it.
    pub(super) async fn wait(self, seen: Seen) -> GoOn {
        match self.reached.send(seen) {
            Ok(()) => self.gate.await.unwrap_or(GoOn::Yes),
            Err(_) => GoOn::Yes,
        }
    }
}
