//! A simulated GSM modem: an EC25-like device that sends short messages in PDU mode and reports on them.
//!
//! [`Setup::spawn`] puts it behind a path on a pseudo-terminal, [`Setup::over`] on any line, a paused clock included.
//! What it says it sent ([`Modem::sent`]) is what the phones show. It refuses and remembers what a real one would choke
//! on ([`Modem::violations`]): bytes before the prompt, a wrong length, a command before the last one was answered.
//! [`Modem::hold`] stops it at a [`Step`], [`Modem::trouble`] breaks it there.

mod commands;
mod driver;
mod interfere;
mod machine;
mod phone;
mod pty;
mod sending;
mod setup;
mod step;
mod tpdu;

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
use step::Act;

pub use phone::SentSms;
pub use setup::Setup;
pub use step::{Step, Trouble};

/// A modem that runs, until it is dropped.
#[derive(Debug)]
pub struct Modem {
    shared: Arc<Shared>,
    path: Option<PathBuf>,
    task: AbortHandle,
}

impl Setup {
    fn shared(self) -> Arc<Shared> {
        Arc::new(Shared {
            machine: Mutex::new(Machine::new(self, Timestamp::now())),
            touched: Notify::new(),
            wanted: watch::Sender::new(true),
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
        Ok(Modem { shared, path: Some(path), task })
    }

    /// Connects the modem to the other end of this line, for one conversation.
    pub fn over(self, mut line: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Modem {
        let shared = self.shared();
        let inside = Arc::clone(&shared);
        let task = tokio::spawn(async move { driver::converse(&inside, &mut line).await }).abort_handle();
        Modem { shared, path: None, task }
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

    /// The next time the modem passes this step, this happens to it.
    pub fn trouble(&self, step: Step, trouble: Trouble) {
        self.shared.touch(|machine| machine.arm(step, Act::Trouble(trouble), false));
    }

    /// Every time the modem passes this step, this happens to it.
    pub fn trouble_forever(&self, step: Step, trouble: Trouble) {
        self.shared.touch(|machine| machine.arm(step, Act::Trouble(trouble), true));
    }

    /// Takes away all troubles that are still to come.
    pub fn heal(&self) {
        self.shared.touch(Machine::heal);
    }

    /// Breaks the modem for good: it takes the PDU and never answers, and the network never gets it.
    pub fn misbehave(&self) {
        self.trouble_forever(Step::CtrlZ, Trouble::Silent);
    }

    /// Says a line nobody asked for.
    pub fn urc(&self, line: impl Into<String>) {
        self.shared.touch(|machine| machine.announce(line.into()));
    }

    /// Says it the next time the modem passes this step, before what follows there.
    pub fn urc_at(&self, step: Step, line: impl Into<String>) {
        self.shared.touch(|machine| machine.arm(step, Act::Urc(line.into()), false));
    }

    /// Stops the modem the next time it passes this step, until the hold is released, abandoned or dropped.
    #[must_use]
    pub fn hold(&self, step: Step) -> Held {
        let (id, reached) = self.shared.touch(|machine| machine.arm_hold(step));
        Held { shared: Arc::clone(&self.shared), id, reached }
    }

    /// A message comes in from the network: a whole PDU with its service centre, in hexadecimal.
    pub fn receive(&self, pdu: &str) {
        self.shared.touch(|machine| machine.receive(pdu));
    }

    /// From now on the network reports this of every part (TP-ST), or nothing.
    pub fn report_with(&self, status: Option<u8>) {
        self.shared.touch(|machine| machine.setup.report_status = status);
    }

    /// The network registers the modem, or throws it out: `<stat>` of `AT+CREG` (1 home, 2 searching, 3 denied).
    pub fn set_network(&self, status: u8) {
        self.shared.touch(|machine| machine.set_network(status));
    }

    /// The modem starts anew, as after a brown-out.
    pub fn reboot(&self) {
        self.shared.touch(Machine::restart);
    }

    /// Pulls the plug: power and port are gone when this returns.
    pub async fn unplug(&self) {
        self.shared.touch(Machine::lose_power);
        let mut there = self.shared.there.subscribe();
        self.shared.wanted.send_replace(false);
        drop(there.wait_for(|there| !there).await);
    }

    /// Plugs it in again: the port is there when this returns.
    pub async fn plug(&self) {
        let mut there = self.shared.there.subscribe();
        self.shared.wanted.send_replace(true);
        drop(there.wait_for(|there| *there).await);
    }
}

impl Drop for Modem {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(path) = &self.path {
            drop(std::fs::remove_file(path));
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
