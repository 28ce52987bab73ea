//! The way to systemd's journal: a bounded queue, and a thread that hands entries over with their fields.
//!
//! The journal's socket blocks while journald is stuck (a dying SD card does that), and a log must never hold up a
//! lead: what finds the queue full is counted and the count is logged when there is room again. Field names are made
//! upper case by `systemd-journal-logger`; see systemd.journal-fields(7) for those that have a meaning already.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use systemd_journal_logger::JournalLog;
use tracing::Level;

use super::entry::{Entry, text_of};
use super::lines::tame;

/// Entries that may wait. A burst of webhooks logs some hundred entries in the time of one slow write of journald's.
pub(super) const ROOM: usize = 512;

/// Connects to journald and starts the thread that feeds it.
pub(super) fn connect() -> io::Result<Arc<Queue>> {
    let journal = JournalLog::new()?;
    let queue = Arc::new(Queue::default());
    let feeder = Arc::clone(&queue);
    std::thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || feeder.feed(|record| journal.journal_send(record)))?;
    Ok(queue)
}

/// Entries on their way to journald.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Entry>,
    /// The thread is at work on an entry that no longer waits.
    busy: bool,
    /// Entries that never reached journald and are not yet told of.
    lost: u64,
}

impl Queue {
    /// Never blocks for longer than it takes the thread to take an entry out.
    pub(super) fn push(&self, entry: Entry) {
        let mut state = self.state();
        if state.waiting.len() < ROOM {
            state.waiting.push_back(entry);
            self.changed.notify_all();
        } else {
            state.lost = state.lost.saturating_add(1);
        }
    }

    /// Waits until all is handed over, or for `patience`.
    pub(super) fn flush(&self, patience: Duration) {
        let pending = |state: &mut State| state.busy || !state.waiting.is_empty();
        drop(self.changed.wait_timeout_while(self.state(), patience, pending));
    }

    /// The thread: hands over one entry after the other, for ever.
    pub(super) fn feed(&self, mut send: impl FnMut(&log::Record<'_>) -> io::Result<()>) {
        loop {
            let (entry, lost) = self.take();
            let told = lost == 0 || tell_of_lost(lost, &mut send).is_ok();
            let taken = hand_over(&entry, &mut send).is_ok();
            let mut state = self.state();
            state.lost = state.lost.saturating_add(if told { 0 } else { lost }).saturating_add(u64::from(!taken));
            state.busy = false;
            self.changed.notify_all();
        }
    }

    fn take(&self) -> (Entry, u64) {
        let mut state = self.state();
        loop {
            if let Some(entry) = state.waiting.pop_front() {
                state.busy = true;
                return (entry, std::mem::take(&mut state.lost));
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell_of_lost(lost: u64, send: &mut impl FnMut(&log::Record<'_>) -> io::Result<()>) -> io::Result<()> {
    send(
        &log::Record::builder()
            .level(log::Level::Warn)
            .target(module_path!())
            .args(format_args!("{lost} log entries are missing here: the journal did not take them"))
            .build(),
    )
}

fn hand_over(entry: &Entry, send: &mut impl FnMut(&log::Record<'_>) -> io::Result<()>) -> io::Result<()> {
    let level = match *entry.meta.level() {
        Level::ERROR => log::Level::Error,
        Level::WARN => log::Level::Warn,
        Level::INFO => log::Level::Info,
        Level::DEBUG => log::Level::Debug,
        Level::TRACE => log::Level::Trace,
    };
    let fields: Vec<(Cow<'_, str>, String)> =
        entry.fields.values.iter().map(|(name, value)| (field_name(name), tame(&text_of(value)))).collect();
    send(
        &log::Record::builder()
            .level(level)
            .target(entry.meta.target())
            .file_static(entry.meta.file())
            .line(entry.meta.line())
            .module_path_static(entry.meta.module_path())
            .key_values(&fields.as_slice())
            .args(format_args!("{}", sentence(&tame(&entry.fields.message), &fields)))
            .build(),
    )
}

/// What `journalctl` shows without being asked for fields: the message, and why, where a field tells that.
fn sentence(message: &str, fields: &[(Cow<'_, str>, String)]) -> String {
    let why = fields.iter().find(|(name, _)| matches!(name.as_ref(), "reason" | "error")).map(|(_, why)| why.as_str());
    match why {
        Some(why) if !message.contains(why) => format!("{message}: {why}"),
        Some(_) | None => message.to_owned(),
    }
}

/// Names that mean something to the journal: a job's `priority` must not become the entry's.
const TAKEN: [&str; 14] = [
    "message",
    "message_id",
    "priority",
    "code_file",
    "code_line",
    "code_func",
    "code_module",
    "errno",
    "invocation_id",
    "user_invocation_id",
    "documentation",
    "tid",
    "unit",
    "target",
];

fn field_name(name: &str) -> Cow<'_, str> {
    let taken = TAKEN.contains(&name) || name.starts_with("syslog_") || name.starts_with("object_");
    if taken { Cow::Owned(format!("nightdesk_{name}")) } else { Cow::Borrowed(name) }
}
