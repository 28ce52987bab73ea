//! A simulated GSM modem of one of four families, that sends and receives short messages in PDU mode, and calls.
//!
//! [`Setup::spawn`] puts it behind a path on a pseudo-terminal, [`Setup::over`] on any line, and a [`Bench`] gives a
//! driver whole ports on a paused clock. What it says it sent ([`Modem::sent`]) is what the phones show. It refuses and
//! remembers what a real one would choke on ([`Modem::violations`]): bytes before the prompt, a command before the last
//! one was answered, a PIN tried again, a text deleted unread. [`Modem::hold`] stops it at a [`Step`],
//! [`Modem::trouble`] breaks it there.
//!
//! ```text
//!  client ─▶ driver ─▶ typing ─▶ commands ─▶ sending, storage, card, network, call ─▶ phones, people    family, setup: what it is
//!                      agenda (what it does by itself) ─▶ machine ◀─ power (restarts, hangs)    interfere: its troubles
//! ```

mod agenda;
mod bench;
mod call;
mod card;
mod commands;
mod driver;
mod family;
mod inbound;
mod interfere;
mod machine;
mod meddle;
mod network;
mod people;
mod phone;
mod power;
mod pty;
mod reports;
mod sending;
mod setup;
mod step;
mod storage;
mod tpdu;
mod typing;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::lock;
use driver::Shared;
use machine::Machine;

pub use bench::{Bench, BenchPort, Other};
pub use call::{Callee, Rung};
pub use family::Family;
pub use inbound::Inbound;
pub use phone::SentSms;
pub use power::Counts;
pub use reports::Reports;
pub use setup::{Setup, Sim, Stuck};
pub use step::{Cure, Step, Trouble};

/// A modem that runs, until it is dropped.
#[derive(Debug)]
pub struct Modem {
    shared: Arc<Shared>,
    path: Option<PathBuf>,
    /// What leads to its port and goes with it.
    link: Option<PathBuf>,
    task: AbortHandle,
}

impl Setup {
    fn shared(self) -> Arc<Shared> {
        Arc::new(Shared {
            machine: Mutex::new(Machine::new(self, Timestamp::now())),
            touched: Notify::new(),
            there: watch::Sender::new(true),
            start: Instant::now(),
        })
    }

    /// Plugs the modem in; `path` becomes a link to its port, and stays its path whatever happens to the port.
    ///
    /// # Errors
    /// When there is no pseudo-terminal to be had, or the link can't be made.
    pub fn spawn(self, path: impl Into<PathBuf>) -> io::Result<Modem> {
        let (shared, path) = (self.shared(), path.into());
        let first = pty::Master::open(&path)?;
        let task = tokio::spawn(driver::on_pty(Arc::clone(&shared), path.clone(), first)).abort_handle();
        Ok(Modem { shared, link: Some(path.clone()), path: Some(path), task })
    }

    /// Connects the modem to the other end of this line, for one conversation.
    pub fn over(self, mut line: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Modem {
        let shared = self.shared();
        let inside = Arc::clone(&shared);
        let talk = async move {
            driver::converse(&inside, &mut line, false, |_| None).await;
            inside.there.send_replace(false);
        };
        Modem { shared, path: None, link: None, task: tokio::spawn(talk).abort_handle() }
    }
}

impl Modem {
    /// The path of its port, if it has one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The texts the network took, as the phones show them.
    #[must_use]
    pub fn sent(&self) -> Vec<SentSms> {
        lock(&self.shared.machine).phones.shown()
    }

    /// Parts the network took.
    #[must_use]
    pub fn parts_sent(&self) -> usize {
        lock(&self.shared.machine).phones.parts()
    }

    /// The client's mistakes so far, in words.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        lock(&self.shared.machine).violations.clone()
    }

    /// Every command so far. A PIN is shown as `***`.
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        lock(&self.shared.machine).commands.clone()
    }
}

impl Drop for Modem {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(link) = &self.link {
            drop(std::fs::remove_file(link));
        }
    }
}

/// A hold on a step. The modem waits there until this is released, abandoned or dropped.
#[derive(Debug)]
pub struct Held {
    shared: Arc<Shared>,
    id: u64,
    reached: oneshot::Receiver<String>,
}

impl Held {
    /// Waits until the modem stands there; gives the command that led to it, `None` when the modem is gone.
    pub async fn reached(&mut self) -> Option<String> {
        (&mut self.reached).await.ok()
    }

    /// Lets the modem go on, as dropping does.
    pub fn release(self) {
        drop(self);
    }

    /// What was asked for is lost here: it is not done, and no answer comes.
    pub fn abandon(self) {
        self.shared.touch(|machine| machine.let_go(self.id, false));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.touch(|machine| machine.let_go(self.id, true));
    }
}

#[cfg(test)]
mod tests;
