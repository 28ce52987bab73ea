//! Moves bytes and time between a line and the state machine; decides nothing.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::super::lock;
use super::machine::Machine;
use super::pty::Master;
use super::step::Out;

/// A client that doesn't read for so long loses what is said.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the handle and the task share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) machine: Mutex<Machine>,
    /// The machine was touched: look what it wants to say.
    pub(super) touched: Notify,
    /// Whether its port is there.
    pub(super) there: watch::Sender<bool>,
    pub(super) start: Instant,
}

impl Shared {
    /// Does something with the machine, at the present time, and lets the task see to the rest.
    pub(super) fn touch<T>(&self, act: impl FnOnce(&mut Machine) -> T) -> T {
        let result = {
            let mut machine = lock(&self.machine);
            machine.now = machine.now.max(self.start.elapsed());
            act(&mut machine)
        };
        self.touched.notify_one();
        result
    }

    /// Lets the machine's clock move; tells whether its port is there.
    pub(super) fn tick(&self) -> bool {
        let mut machine = lock(&self.machine);
        machine.tick(self.start.elapsed());
        machine.port_is_there()
    }

    /// Until the machine has something to do, or was touched.
    async fn stirred(&self) {
        let due = lock(&self.machine).due();
        let late = async {
            match due.and_then(|due| self.start.checked_add(due)) {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.touched.notified() => {}
            () = late => {}
        }
    }

    /// Until its port is there.
    async fn until_there(&self) {
        while !self.tick() {
            self.stirred().await;
        }
    }
}

/// Serves client after client at one path, each on a fresh pseudo-terminal, until aborted.
pub(super) async fn on_pty(shared: Arc<Shared>, path: PathBuf, first: Master) {
    let mut line = Some(first);
    loop {
        if !shared.tick() {
            // Link first: the kernel gives the number of a closed terminal to the next one that is opened anywhere.
            drop(std::fs::remove_file(&path));
            drop(line.take());
            shared.there.send_replace(false);
            shared.until_there().await;
            drop(lock(&shared.machine).take_out());
        }
        let fresh = match line.take() {
            Some(first) => first,
            None => match Master::open(&path) {
                Ok(fresh) => fresh,
                Err(_) => return,
            },
        };
        shared.there.send_replace(true);
        let mut master = fresh;
        converse(&shared, &mut master, false, Master::speed).await;
        if shared.tick() {
            // For the same reason the old one is closed only when the link leads to a new one.
            match Master::open(&path) {
                Ok(fresh) => line = Some(fresh),
                Err(_) => return,
            }
        } else {
            drop(std::fs::remove_file(&path));
        }
        drop(master);
    }
}

/// Somebody who has opened a port of a bench.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) line: DuplexStream,
    pub(super) baud: u32,
}

/// Serves one client after the other, as a bench connects them, until aborted.
pub(super) async fn on_bench(shared: Arc<Shared>, mut clients: mpsc::UnboundedReceiver<Client>) {
    loop {
        let there = shared.tick();
        shared.there.send_replace(there);
        // What is said while nobody listens is lost.
        drop(lock(&shared.machine).take_out());
        tokio::select! {
            biased;
            client = clients.recv() => match client {
                Some(Client { mut line, baud }) => {
                    shared.touch(|machine| machine.connect(Some(baud)));
                    converse(&shared, &mut line, true, |_| None).await;
                }
                None => return,
            },
            () = shared.stirred() => {}
        }
    }
}

/// Serves one client until either side hangs up. `heard`: it is known to listen; otherwise nobody has the port open
/// before the client has spoken, and what the modem says before is lost.
pub(super) async fn converse<L: AsyncRead + AsyncWrite + Unpin>(
    shared: &Shared,
    line: &mut L,
    mut heard: bool,
    speed: impl Fn(&L) -> Option<u32>,
) {
    let mut buffer = vec![0; 4096];
    loop {
        let there = shared.tick();
        let out = lock(&shared.machine).take_out();
        for out in out {
            match out {
                Out::Bytes(bytes) if heard => match timeout(PATIENCE, line.write_all(&bytes)).await {
                    Ok(Ok(())) | Err(_) => {}
                    Ok(Err(_)) => return,
                },
                Out::Bytes(_) => {}
                Out::Reached(tell, command) => drop(tell.send(command)),
                Out::HangUp => return,
            }
        }
        if !there {
            return;
        }
        tokio::select! {
            read = line.read(&mut buffer) => match read {
                Ok(count @ 1..) => {
                    let mut machine = lock(&shared.machine);
                    machine.tick(shared.start.elapsed());
                    if !std::mem::replace(&mut heard, true) {
                        machine.connect(speed(line));
                    }
                    let bytes = buffer.get(..count).unwrap_or_default();
                    machine.feed(bytes, shared.start.elapsed());
                }
                Ok(_) | Err(_) => return,
            },
            () = shared.stirred() => {}
        }
    }
}
