//! The systemd contract: readiness and status, the watchdog, the signals that end the daemon, its exit codes, and the
//! count of starts that failed.
//!
//! `app` tells systemd what it does through a [`Notifier`], feeds the [`Watchdog`] for as long as it runs (the drain
//! included) and listens to [`Signals`]; `main` ends with a code of [`exit`]. Without systemd all of it is silent.
//! Nothing in here may stop the desk: a service manager that can't be told is a warning in the log.
//!
//! The rules are those of `sd_notify(3)`, `sd_watchdog_enabled(3)` and `sysexits.h`. The datagram is sent here and not
//! by the `sd-notify` crate, because that one takes its address from the environment only and knows no abstract ones.

mod starts;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::warn;

pub use starts::{Starts, runtime_folder, wait_before};

/// What the program ends with (`sysexits.h` where it has a word for it).
pub mod exit {
    /// All went well; for `run`: it was asked to stop and drained.
    pub const OK: u8 = 0;
    /// The command line makes no sense.
    pub const USAGE: u8 = 64;
    /// What was given to work on is malformed: a PDU, a filter, an id.
    pub const DATA: u8 = 65;
    /// What was asked for is not there: a file, a lead, a dead letter.
    pub const NO_INPUT: u8 = 66;
    /// Something it depends on does not answer: the daemon's socket, a peer in an online check.
    pub const UNAVAILABLE: u8 = 69;
    /// The program's own fault: a part of the daemon ended by itself.
    pub const SOFTWARE: u8 = 70;
    /// Another daemon works on this data folder. Later it may be free.
    pub const TEMP_FAIL: u8 = 75;
    /// The operating system forbids it: a file mode, a group that is missing.
    pub const NO_PERMISSION: u8 = 77;
    /// The configuration has problems; all of them were printed.
    pub const CONFIG: u8 = 78;
}

/// No longer than this is the daemon held up by a service manager that doesn't take a datagram.
const NOTIFY_PATIENCE: Duration = Duration::from_secs(1);

/// Tells the service manager how the daemon fares.
#[derive(Debug, Clone, Default)]
pub struct Notifier {
    /// A path, or `@` and an abstract name. `None`: nobody wants to know.
    socket: Option<OsString>,
}

impl Notifier {
    /// The service manager that started this process, if it asked to be told.
    #[must_use]
    pub fn from_env() -> Self {
        Self { socket: std::env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty()) }
    }

    /// A service manager that listens at `socket`.
    #[must_use]
    pub fn to(socket: impl Into<OsString>) -> Self {
        Self { socket: Some(socket.into()) }
    }

    /// Everything stands: leads are accepted from now on.
    pub fn ready(&self) {
        self.tell(&NotifyState::Ready);
    }

    /// One line for `systemctl status`.
    pub fn status(&self, line: &str) {
        // A line break would start another assignment of the protocol.
        let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.tell(&NotifyState::Status(&line));
    }

    /// The drain has begun.
    pub fn stopping(&self) {
        self.tell(&NotifyState::Stopping);
    }

    fn alive(&self) {
        self.tell(&NotifyState::Watchdog);
    }

    fn tell(&self, state: &NotifyState<'_>) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = send(socket, format!("{state}\n").as_bytes()) {
            warn!(%error, "the service manager could not be told");
        }
    }
}

fn send(socket: &OsStr, message: &[u8]) -> io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    let datagram = UnixDatagram::unbound()?;
    datagram.set_write_timeout(Some(NOTIFY_PATIENCE))?;
    datagram.send_to_addr(message, &address).map(drop)
}

/// The sign of life of a thread: beaten by the thread, read by the [`Watchdog`]. Clones share one heart.
///
/// A thread that waits for work must wake up and beat at least every [`Heartbeat::REST`].
#[derive(Debug, Clone, Default)]
pub struct Heartbeat(Arc<AtomicU64>);

impl Heartbeat {
    /// The longest rest between two beats. A watchdog period of four seconds or more is judged rightly by it.
    pub const REST: Duration = Duration::from_secs(1);

    /// Shows life. Costs one atomic addition.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Feeds systemd's watchdog while both halves of the daemon live: the async runtime, because this is one of its tasks,
/// and the thread behind the [`Heartbeat`].
#[derive(Debug)]
pub struct Watchdog {
    notifier: Notifier,
    heartbeat: Heartbeat,
    /// Systemd kills the daemon after this long without a ping.
    period: Duration,
}

impl Watchdog {
    /// The watchdog the service manager set for this process (`WATCHDOG_USEC`, `WATCHDOG_PID`), if it did.
    #[must_use]
    pub fn from_env(notifier: Notifier, heartbeat: Heartbeat) -> Option<Self> {
        let period = sd_notify::watchdog_enabled().filter(|period| !period.is_zero())?;
        Some(Self::new(notifier, heartbeat, period))
    }

    /// A watchdog that bites after `period` without a ping.
    #[must_use]
    pub fn new(notifier: Notifier, heartbeat: Heartbeat, period: Duration) -> Self {
        Self { notifier, heartbeat, period }
    }

    /// Pings at half of the period, if the heart has beaten since the last look. If it has not, looks more often and
    /// pings as soon as it beats again. Never ends: drop it when the drain is over.
    pub async fn feed(self) {
        let (half, soon) = (self.period.div_f64(2.0), self.period.div_f64(16.0));
        let mut seen = 0;
        let mut wait = half;
        loop {
            tokio::time::sleep(wait).await;
            let count = self.heartbeat.count();
            if count == seen {
                if wait == half {
                    warn!(silent_ms = half.as_millis(), "the store's writer shows no life: the watchdog is not fed");
                }
                wait = soon;
            } else {
                self.notifier.alive();
                (seen, wait) = (count, half);
            }
        }
    }
}

/// What a signal asks of the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// End; by the signal of this name.
    ToStop(&'static str),
    /// SIGHUP: read again what can be read again.
    ToReload,
}

/// The signals the daemon listens to: SIGTERM, SIGINT and SIGHUP.
#[derive(Debug)]
pub struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    /// Installs the handlers; they stand when this returns, not at the first poll.
    ///
    /// # Errors
    /// When they can't be installed: the daemon could not be stopped in order, so it must not start.
    pub fn install() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    /// The next signal. Safe to cancel: a signal that came meanwhile is told at the next call.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.term.recv() => Asked::ToStop("SIGTERM"),
            _ = self.int.recv() => Asked::ToStop("SIGINT"),
            _ = self.hup.recv() => Asked::ToReload,
        }
    }

    /// Waits to be asked to stop, and lets the rest pass.
    pub async fn asked_to_stop(&mut self) -> &'static str {
        loop {
            if let Asked::ToStop(signal) = self.next().await {
                return signal;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use rustix::process::{Signal as Kind, getpid, kill_process};

    use super::*;

    /// A service manager: what it was told, one datagram a line.
    struct Manager(UnixDatagram);

    impl Manager {
        fn at(address: &SocketAddr) -> Self {
            let socket = UnixDatagram::bind_addr(address).unwrap();
            socket.set_nonblocking(true).unwrap();
            Self(socket)
        }

        fn heard(&self) -> Option<String> {
            let mut buffer = [0; 512];
            let length = self.0.recv(&mut buffer).ok()?;
            Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
        }
    }

    #[test]
    fn systemd_is_told_in_its_own_words() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = Manager::at(&SocketAddr::from_pathname(&path).unwrap());
        let notifier = Notifier::to(&path);
        notifier.ready();
        notifier.status("2 leads open\nMAINPID=1");
        notifier.stopping();
        for want in ["READY=1\n", "STATUS=2 leads open MAINPID=1\n", "STOPPING=1\n"] {
            assert_eq!(manager.heard().as_deref(), Some(want));
        }
    }

    #[test]
    fn an_abstract_address_works_and_none_is_silent() {
        let name = format!("nightdesk-test-{}", std::process::id());
        let manager = Manager::at(&SocketAddr::from_abstract_name(&name).unwrap());
        Notifier::to(format!("@{name}")).ready();
        assert_eq!(manager.heard().as_deref(), Some("READY=1\n"));
        Notifier::default().ready();
        Notifier::to("/nowhere/at/all").ready();
        assert_eq!(manager.heard(), None);
    }

    #[test]
    fn a_manager_that_does_not_listen_holds_nobody_up_for_long() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let _deaf = UnixDatagram::bind(&path).unwrap();
        let from = Instant::now();
        let notifier = Notifier::to(&path);
        while from.elapsed() < NOTIFY_PATIENCE {
            notifier.ready(); // until its queue is full and a send takes the whole patience
        }
        assert!(from.elapsed() < NOTIFY_PATIENCE * 4);
    }

    #[tokio::test(start_paused = true)]
    async fn the_watchdog_is_fed_while_the_heart_beats() {
        let name = format!("nightdesk-dog-{}", std::process::id());
        let manager = Manager::at(&SocketAddr::from_abstract_name(&name).unwrap());
        let heart = Heartbeat::default();
        let period = Duration::from_mins(2);
        let dog = Watchdog::new(Notifier::to(format!("@{name}")), heart.clone(), period);
        let task = tokio::spawn(dog.feed());
        // (name, seconds that pass, whether the heart beats first, whether a ping is heard after them)
        for (case, seconds, beats, fed) in [
            ("before half of the period", 59, true, false),
            ("at half", 2, false, true),
            ("the heart stopped", 61, false, false),
            ("it is looked at again and again", 60, false, false),
            ("it beats again: no need to wait for the next half", 8, true, true),
            ("and on", 61, true, true),
        ] {
            if beats {
                heart.beat();
            }
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            assert_eq!(manager.heard().as_deref(), fed.then_some("WATCHDOG=1\n"), "{case}");
        }
        task.abort();
    }

    #[tokio::test]
    async fn sigterm_and_sigint_stop_and_sighup_reloads() {
        for (kind, want) in [
            (Kind::HUP, Asked::ToReload),
            (Kind::TERM, Asked::ToStop("SIGTERM")),
            (Kind::HUP, Asked::ToReload),
            (Kind::INT, Asked::ToStop("SIGINT")),
        ] {
            let mut signals = Signals::install().unwrap();
            kill_process(getpid(), kind).unwrap();
            assert_eq!(signals.next().await, want);
        }
    }
}
