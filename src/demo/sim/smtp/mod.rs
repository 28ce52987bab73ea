//! A simulated mail server on 127.0.0.1: strict, without TLS, with a login if one is wanted. It keeps what it takes.
//!
//! What it [accepted](Smtp::mails) is what arrived in the world. It remembers the client's mistakes
//! ([`Smtp::violations`]) per RFC 5321 and 5322, and can go wrong at every [`Step`] of a conversation, where a test can also
//! hold it. It takes one recipient a mail, because a mail of a machine must not show one customer to another.
//!
//! ```text
//!  client ─▶ conversation (commands in order) ─▶ text (a mail's lines) ─▶ rules (what is wrong with it) ─▶ mail (kept)
//! ```

mod conversation;
mod mail;
mod rules;
#[cfg(test)]
mod tests;
mod text;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::lock;
use super::port::Port;

pub use mail::Mail;

/// What the server offers and wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The user and the password without which it takes no mail.
    pub login: Option<(String, String)>,
    /// It offers `8BITMIME`.
    pub eight_bit: bool,
    /// It offers `SMTPUTF8`.
    pub utf8: bool,
}

impl Default for Offer {
    fn default() -> Self {
        Self { login: None, eight_bit: true, utf8: false }
    }
}

/// A point of a conversation: what the client has said there is read, and not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The client has connected.
    Greeting,
    /// `EHLO`.
    Hello,
    /// `AUTH`.
    Login,
    /// `MAIL FROM`.
    Sender,
    /// `RCPT TO`.
    Recipient,
    /// `DATA`.
    Data,
    /// The first line of the text.
    Text,
    /// The dot that ends the text; nothing is kept.
    Dot,
    /// The same, and the mail is kept: only the answer is missing.
    Kept,
    /// `NOOP`.
    Noop,
    /// `QUIT`.
    Quit,
}

/// What goes wrong at a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mishap {
    /// This answer. The server hangs up after a 421.
    Says(u16, &'static str),
    /// An orderly end of the connection.
    Close,
    /// A TCP reset.
    Reset,
    /// Nothing more, ever.
    Hang,
    /// A byte of an answer now and then, for ever.
    Drip,
    /// Bytes that are no SMTP.
    Garbage,
}

/// A conversation that waits at a step, until this is released or dropped.
#[derive(Debug)]
pub struct HeldMail {
    reached: oneshot::Receiver<()>,
    gate: oneshot::Sender<()>,
}

impl HeldMail {
    /// Waits until a client is there; `false` when the server is gone.
    pub async fn reached(&mut self) -> bool {
        (&mut self.reached).await.is_ok()
    }

    /// Lets the conversation go on.
    pub fn release(self) {
        drop(self.gate);
    }

    /// Ends the conversation here, without a word.
    pub fn abandon(self) {
        self.gate.send(()).ok();
    }
}

/// The server's end of a hold.
struct Hold {
    step: Step,
    reached: oneshot::Sender<()>,
    gate: oneshot::Receiver<()>,
}

/// Something that will go wrong.
struct Planned {
    step: Step,
    mishap: Mishap,
    forever: bool,
    /// So many times nothing happens there first.
    spare: u32,
}

/// What a running server knows.
struct Desk {
    offer: Offer,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    mails: Vec<Mail>,
    violations: Vec<String>,
    planned: VecDeque<Planned>,
    holds: Vec<Hold>,
    connections: usize,
}

impl Desk {
    fn blame(&self, why: impl Into<String>) {
        lock(&self.record).violations.push(why.into());
    }

    fn keep(&self, mail: Mail) {
        lock(&self.record).mails.push(mail);
    }

    /// Waits if a test holds this step. `false`: the conversation ends here.
    async fn hold(&self, step: Step) -> bool {
        let hold = {
            let holds = &mut lock(&self.record).holds;
            let at = holds.iter().position(|hold| hold.step == step && !hold.reached.is_closed());
            at.map(|at| holds.remove(at))
        };
        let Some(Hold { reached, gate, .. }) = hold else { return true };
        // Released or dropped is the same.
        reached.send(()).is_err() || gate.await.is_err()
    }

    fn mishap(&self, step: Step) -> Option<Mishap> {
        let planned = &mut lock(&self.record).planned;
        let at = planned.iter().position(|planned| planned.step == step)?;
        match planned.get_mut(at)? {
            Planned { spare: spare @ 1.., .. } => {
                *spare = spare.saturating_sub(1);
                None
            }
            Planned { forever: true, mishap, .. } => Some(mishap.clone()),
            Planned { .. } => planned.remove(at).map(|planned| planned.mishap),
        }
    }
}

/// A simulated mail server, up until it is dropped.
pub struct Smtp {
    desk: Arc<Desk>,
    port: Port,
}

impl Smtp {
    /// Puts a server on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn spawn(offer: Offer) -> io::Result<Self> {
        let desk = Arc::new(Desk { offer, record: Mutex::default() });
        let port = Port::open(|listener| listen(listener, Arc::clone(&desk))).await?;
        Ok(Self { desk, port })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Refuses connections and drops those there are, until [`Smtp::up`].
    pub fn down(&self) {
        self.port.close();
    }

    /// Listens again, on the same port.
    ///
    /// # Errors
    /// When it can't listen there.
    pub async fn up(&self) -> io::Result<()> {
        self.port.reopen(|listener| listen(listener, Arc::clone(&self.desk))).await
    }

    /// Goes wrong the next time a conversation comes to this step.
    pub fn script(&self, step: Step, mishap: Mishap) {
        self.script_after(0, step, mishap);
    }

    /// The same, once it went right there so many times. What was scripted earlier for this step comes first.
    pub fn script_after(&self, spare: u32, step: Step, mishap: Mishap) {
        lock(&self.desk.record).planned.push_back(Planned { step, mishap, forever: false, spare });
    }

    /// Goes wrong whenever a conversation comes to this step, until [`Smtp::heal`].
    pub fn misbehave(&self, step: Step, mishap: Mishap) {
        lock(&self.desk.record).planned.push_back(Planned { step, mishap, forever: true, spare: 0 });
    }

    /// Forgets what was still to go wrong.
    pub fn heal(&self) {
        lock(&self.desk.record).planned.clear();
    }

    /// Holds the next conversation that comes to this step.
    #[must_use]
    pub fn hold(&self, step: Step) -> HeldMail {
        let (reached_in, reached) = oneshot::channel();
        let (gate, gate_out) = oneshot::channel();
        lock(&self.desk.record).holds.push(Hold { step, reached: reached_in, gate: gate_out });
        HeldMail { reached, gate }
    }

    /// The mails it took, oldest first.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        lock(&self.desk.record).mails.clone()
    }

    /// The client's mistakes so far, in words.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        lock(&self.desk.record).violations.clone()
    }

    /// How many connections there were.
    #[must_use]
    pub fn connections(&self) -> usize {
        lock(&self.desk.record).connections
    }
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Smtp({})", self.port.address())
    }
}

/// Accepts until aborted; the conversations end with it, because their set is dropped.
async fn listen(listener: TcpListener, desk: Arc<Desk>) {
    let mut conversations = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let connections = &mut lock(&desk.record).connections;
                *connections = connections.saturating_add(1);
                conversations.spawn(conversation::hold(stream, Arc::clone(&desk)));
            },
            Some(_) = conversations.join_next() => {}
        }
    }
}
