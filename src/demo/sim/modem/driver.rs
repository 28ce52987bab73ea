//! Moves bytes and time between a line and the state machine; decides nothing.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use super::super::lock;
use super::machine::Machine;
use super::pty::Master;
use super::step::Out;

/// What the handle and the task share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) machine: Mutex<Machine>,
    /// The machine was touched: look what it wants to say.
    pub(super) touched: Notify,
    /// Whether the modem is to be plugged in.
    pub(super) wanted: watch::Sender<bool>,
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
}

/// Serves client after client at one path, each on a fresh pseudo-terminal, until aborted.
pub(super) async fn on_pty(shared: Arc<Shared>, path: PathBuf, first: Master) {
    let mut wanted = shared.wanted.subscribe();
    let mut line = Some(first);
    loop {
        if let Some(master) = &mut line {
            shared.there.send_replace(true);
            tokio::select! {
                () = converse(&shared, master) => {}
                _ = wanted.wait_for(|wanted| !wanted) => {}
            }
        }
        if !*wanted.borrow() {
            // Link first: the kernel gives the number of a closed terminal to the next one that is opened anywhere.
            drop(std::fs::remove_file(&path));
            drop(line.take());
            shared.there.send_replace(false);
        }
        if wanted.wait_for(|wanted| *wanted).await.is_err() {
            return;
        }
        // For the same reason the old one is closed only now that the link leads to the new one.
        match Master::open(&path) {
            Ok(fresh) => line = Some(fresh),
            Err(_) => return,
        }
    }
}

/// Serves one client until either side hangs up.
pub(super) async fn converse<L: AsyncRead + AsyncWrite + Unpin>(shared: &Shared, line: &mut L) {
    // The client speaks first. Until then nobody has the port open, and what the modem says is lost.
    let mut heard = false;
    let mut buffer = vec![0; 4096];
    loop {
        let (out, due) = {
            let mut machine = lock(&shared.machine);
            machine.tick(shared.start.elapsed());
            (machine.take_out(), machine.due())
        };
        for out in out {
            match out {
                Out::Bytes(bytes) if heard => {
                    if line.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Out::Bytes(_) => {}
                Out::Reached(tell, command) => drop(tell.send(command)),
                Out::HangUp => return,
            }
        }
        let late = async {
            match due.and_then(|due| shared.start.checked_add(due)) {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            read = line.read(&mut buffer) => match read {
                Ok(count @ 1..) => {
                    heard = true;
                    let bytes = buffer.get(..count).unwrap_or_default();
                    lock(&shared.machine).feed(bytes, shared.start.elapsed());
                }
                Ok(_) | Err(_) => return,
            },
            () = shared.touched.notified() => {}
            () = late => {}
        }
    }
}
