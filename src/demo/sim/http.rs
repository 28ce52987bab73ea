//! The HTTP half of every simulated vendor: an address, a record of what came, scripted faults, holds, and state.
//!
//! A vendor is a [`Site`]: a synchronous value that is asked one request at a time and answers at once. [`Sim`] puts it
//! on a port of the loopback interface. It is only for the demo and for tests, and binds nothing but 127.0.0.1.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use hyper::http::request::Parts;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::connection;
use super::fault::{Fault, GoOn, Held, Hold, Match, Moment};
use super::lock;
use super::port::Port;

/// A vendor behind HTTP.
pub trait Site: Send + 'static {
    /// What stands before every path of this vendor's API, such as `/v1`.
    const PREFIX: &'static str;

    /// Does what is asked, or refuses it.
    fn serve(&mut self, request: &Seen) -> Answer;

    /// The body this vendor sends with an error status.
    fn error(&self, status: u16) -> Value;

    /// The headers that come with every answer of this vendor.
    fn stamp(&self, request: &Seen) -> Vec<(&'static str, String)>;

    /// The way in which this vendor is broken when it [misbehaves](Sim::misbehave).
    fn misbehaviour(&self) -> Fault;
}

/// One request as it came.
#[derive(Clone)]
pub struct Seen {
    /// Its place in the record, from 0.
    pub number: usize,
    /// When its head came.
    pub at: Timestamp,
    /// The method, in capitals.
    pub method: String,
    /// The path, percent-decoded, without the query.
    pub path: String,
    /// The query's pairs, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, as text; empty until it has come.
    pub body: String,
    /// What the vendor concluded, once it has done the work. The client may have seen something else, or nothing.
    pub status: Option<u16>,
}

impl Seen {
    fn new(number: usize, head: &Parts) -> Self {
        let headers = head
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        Self {
            number,
            at: Timestamp::now(),
            method: head.method.as_str().to_owned(),
            path: percent_decode_str(head.uri.path()).decode_utf8_lossy().into_owned(),
            query: head.uri.query().map(pairs).unwrap_or_default(),
            headers: headers.collect(),
            body: String::new(),
            status: None,
        }
    }

    /// The value of a header, if it came (name in lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a query key.
    #[must_use]
    pub fn query(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Whether the body is declared to be of this media type.
    #[must_use]
    pub fn is_of_type(&self, media: &str) -> bool {
        let declared = self.header("content-type").unwrap_or_default();
        declared.split(';').next().is_some_and(|main| main.trim().eq_ignore_ascii_case(media))
    }
}

/// Headers may hold keys, so they are not shown.
impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {} {} {:?} -> {:?}", self.number, self.method, self.path, self.body, self.status)
    }
}

/// The pairs of an `application/x-www-form-urlencoded` text (WHATWG URL, clause 5.1).
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    let decoded = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    let split = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(key), decoded(value))
    };
    text.split('&').filter(|pair| !pair.is_empty()).map(split).collect()
}

/// What a vendor answers.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers beside the vendor's usual ones.
    pub headers: Vec<(&'static str, String)>,
    /// The JSON body.
    pub body: Value,
    /// Why the request was the client's mistake, if it was one.
    pub mistake: Option<String>,
}

impl Answer {
    /// An answer that blames nobody.
    #[must_use]
    pub fn new(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body, mistake: None }
    }

    /// The same as a client's mistake: no state of the world could have made this request right.
    #[must_use]
    pub fn mistake(mut self, why: impl Into<String>) -> Self {
        self.mistake = Some(why.into());
        self
    }
}

/// A vendor, whichever it is: the server below it is compiled once, not once for each of them.
trait Vendor: Send + Sync {
    fn serve(&self, seen: &Seen) -> Answer;
    fn error(&self, status: u16) -> Value;
    fn stamp(&self, seen: &Seen) -> Vec<(&'static str, String)>;
}

impl<S: Site> Vendor for Mutex<S> {
    fn serve(&self, seen: &Seen) -> Answer {
        if seen.path.starts_with(S::PREFIX) {
            lock(self).serve(seen)
        } else {
            Answer::new(404, self.error(404)).mistake(format!("{} is not below the base address", seen.path))
        }
    }

    fn error(&self, status: u16) -> Value {
        lock(self).error(status)
    }

    fn stamp(&self, seen: &Seen) -> Vec<(&'static str, String)> {
        lock(self).stamp(seen)
    }
}

/// What a running simulator remembers.
pub(super) struct Inner {
    vendor: Arc<dyn Vendor>,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    seen: Vec<Seen>,
    violations: Vec<String>,
    script: VecDeque<Fault>,
    holds: Vec<Hold>,
}

impl Inner {
    pub(super) fn note(&self, head: &Parts) -> Seen {
        let mut record = lock(&self.record);
        let seen = Seen::new(record.seen.len(), head);
        record.seen.push(seen.clone());
        seen
    }

    fn update(&self, seen: &Seen) {
        if let Some(noted) = lock(&self.record).seen.get_mut(seen.number) {
            noted.clone_from(seen);
        }
    }

    pub(super) fn body_came(&self, seen: &mut Seen, body: &[u8]) {
        seen.body = String::from_utf8_lossy(body).into_owned();
        self.update(seen);
    }

    /// The fault for this request, in the order of the script: before its body only an early one counts, after it only a
    /// late one.
    pub(super) fn fault(&self, seen: &Seen, early: bool) -> Option<Fault> {
        let script = &mut lock(&self.record).script;
        let at = script.iter().position(|fault| !(early && fault.on.needs_body()) && fault.on.hits(seen))?;
        let next = script.get(at).filter(|fault| fault.is_early() == early)?;
        if next.forever { Some(next.clone()) } else { script.remove(at) }
    }

    /// Waits if a test holds this request at this moment.
    pub(super) async fn hold(&self, moment: Moment, seen: &Seen) -> GoOn {
        match self.take_hold(moment, seen) {
            Some(hold) => hold.wait(seen.clone()).await,
            None => GoOn::Yes,
        }
    }

    pub(super) fn take_hold(&self, moment: Moment, seen: &Seen) -> Option<Hold> {
        let holds = &mut lock(&self.record).holds;
        holds.retain(Hold::is_wanted);
        let at = holds.iter().position(|hold| hold.moment == moment && hold.on.hits(seen))?;
        Some(holds.remove(at))
    }

    pub(super) fn apply(&self, seen: &mut Seen) -> Answer {
        let answer = self.vendor.serve(seen);
        seen.status = Some(answer.status);
        self.update(seen);
        if let Some(why) = &answer.mistake {
            lock(&self.record).violations.push(format!("{} {}: {why}", seen.method, seen.path));
        }
        answer
    }

    pub(super) fn error(&self, status: u16) -> Value {
        self.vendor.error(status)
    }

    pub(super) fn stamp(&self, seen: &Seen) -> Vec<(&'static str, String)> {
        self.vendor.stamp(seen)
    }
}

/// A simulated vendor, up until it is dropped.
pub struct Sim<S: Site> {
    site: Arc<Mutex<S>>,
    inner: Arc<Inner>,
    port: Port,
}

impl<S: Site> Sim<S> {
    /// Puts a vendor on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn spawn(site: S) -> io::Result<Self> {
        let site = Arc::new(Mutex::new(site));
        let vendor: Arc<dyn Vendor> = Arc::<Mutex<S>>::clone(&site);
        let inner = Arc::new(Inner { vendor, record: Mutex::default() });
        let port = Port::open(|listener| listen(listener, Arc::clone(&inner))).await?;
        Ok(Self { site, inner, port })
    }

    /// What to write into the client's configuration, without a slash at its end.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}{}", self.port.address(), S::PREFIX)
    }

    /// Refuses connections and drops those there are, until [`Sim::up`].
    pub fn down(&self) {
        self.port.close();
    }

    /// Listens again, on the same port.
    ///
    /// # Errors
    /// When it can't listen there.
    pub async fn up(&self) -> io::Result<()> {
        self.port.reopen(|listener| listen(listener, Arc::clone(&self.inner))).await
    }

    /// Adds faults; each is used up by the first request it matches.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.inner.record).script.extend(faults);
    }

    /// Forgets the faults that are still to come.
    pub fn heal(&self) {
        lock(&self.inner.record).script.clear();
    }

    /// Breaks the vendor for good, in the way that is typical for it.
    pub fn misbehave(&self) {
        let fault = lock(&self.site).misbehaviour();
        self.script([fault.forever()]);
    }

    /// Holds the next such request at this moment.
    #[must_use]
    pub fn hold(&self, moment: Moment, on: Match) -> Held {
        let (armed, held) = Hold::new(moment, on);
        lock(&self.inner.record).holds.push(armed);
        held
    }

    /// Every request so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        lock(&self.inner.record).seen.clone()
    }

    /// The client's mistakes so far, in words.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        lock(&self.inner.record).violations.clone()
    }

    /// The vendor's state.
    pub(super) fn site(&self) -> MutexGuard<'_, S> {
        lock(&self.site)
    }
}

impl<S: Site> fmt::Debug for Sim<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sim({})", self.base_url())
    }
}

/// Accepts until aborted; the connections end with it, because their set is dropped.
async fn listen(listener: TcpListener, inner: Arc<Inner>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(connection::serve(stream, Arc::clone(&inner)));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}
