//! The one file of data: the only room that names rusqlite.
//!
//! [`Store`] is a synchronous value: a connection in, typed rows out. [`Writer`] is a thin shell around it, one thread
//! that commits whatever has queued up as one transaction. [`Reader`] is a read-only connection of its own. What the
//! rows mean is decided elsewhere: this room never retries, never routes, and knows no vendor.
//!
//! Durability (`sqlite.org/wal.html`, `sqlite.org/pragma.html#pragma_synchronous`): WAL with `synchronous=FULL` syncs the
//! WAL at every commit, so what was answered 2xx survives a power cut at any later instant.

mod alerts;
mod arrival;
mod asked;
mod backup;
mod canaries;
mod channels;
mod claims;
mod dead_letters;
mod digests;
mod held;
mod inbox;
mod jobs;
mod known;
mod leads;
mod llm_calls;
mod mails;
mod migrate;
mod modems;
mod opening;
mod overrides;
mod pace;
mod quarantine;
mod read;
mod recall;
mod reconciles;
mod rings;
mod rows;
mod sms_inbound;
mod sms_messages;
mod sms_parts;
mod sms_reports;
mod space;
mod suppressions;
mod upkeep;
mod waiting;
mod writer;

use std::fs::{File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::model::LeadId;

pub use alerts::AlertRow;
pub use arrival::Arrival;
pub use backup::{Backup, BackupSettings};
pub use canaries::{Canary, CanaryState};
pub use channels::{ChannelRow, ChannelState};
pub use dead_letters::{DeadLetter, DeadLetterFilter, NewDeadLetter};
pub use inbox::{Gate, Pointed, Received, Stored};
pub use jobs::{Claimed, Closing, Settlement};
pub use mails::{MailCount, MailRow, MailState};
pub use opening::{Filled, Opening};
pub use overrides::OverrideRow;
pub use pace::Pace;
pub use quarantine::QuarantineRow;
pub use read::{ArrivalRow, AttemptRow, InboxCounts, JobRow, LeadRow, LlmCallRow, Reader, TimelineRow};
pub use reconciles::{Counts, Find, NewReconcile, ReconcileRow, ReconcileState, Why};
pub use sms_inbound::Inbound;
pub use space::{Space, SpaceSettings};
pub use suppressions::Suppression;
pub use upkeep::Orphan;
pub use waiting::WaitingLead;
#[cfg(test)]
pub(crate) use writer::Passenger;
pub use writer::{Command, Rider, Writer, WriterExit};

/// The alert that stands while webhooks wait for the clock.
pub const HELD_ALERT: &str = "clock:held";
/// The name of the database inside the data folder.
pub const DATABASE: &str = "nightdesk.db";

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite said no.
    #[error("the database refused")]
    Sqlite(#[from] rusqlite::Error),
    /// The folder or the lock file could not be used.
    #[error("the data folder {path} can't be used")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another daemon holds this data folder.
    #[error("another nightdesk already runs on {0}")]
    Locked(PathBuf),
    /// The file was written by a newer nightdesk.
    #[error(
        "the database is of version {found}, this nightdesk knows up to {known}: install the newer nightdesk again, or \
         go back to the copy from before the upgrade, nightdesk.db.v{known}.bak beside it (without the leads since then)"
    )]
    TooNew {
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Another backup is being made.
    #[error("another backup is being made in {}", .0.display())]
    BackupRuns(PathBuf),
    /// A backup would take the room that the desk needs.
    #[error("{} has {free} bytes free, and a backup that leaves the desk its room takes {needed}", folder.display())]
    NoRoom {
        /// Where the backup was to be.
        folder: PathBuf,
        /// What must be free.
        needed: u64,
        /// What is.
        free: u64,
    },
    /// The copy isn't whole.
    #[error("the copy is damaged, so the database or the disk may be: {found}")]
    Damaged {
        /// What SQLite found.
        found: String,
    },
    /// A stored value is not what this version writes.
    #[error("the column {column} holds something this version doesn't know: {value:?}")]
    Alien {
        /// The column.
        column: &'static str,
        /// What it holds.
        value: String,
    },
    /// A job points to a lead that is not there: somebody edited the file.
    #[error("there is no lead {0}, but a job points to it")]
    Orphaned(LeadId),
    /// The group's COMMIT failed: nothing of it is stored.
    #[error("the commit failed: {0}")]
    Commit(String),
    /// The disk is nearly full; only outcomes are still written.
    #[error("the disk is nearly full")]
    Full,
    /// The command panicked; its savepoint was rolled back.
    #[error("a database command panicked")]
    Panicked,
    /// The writer has ended.
    #[error("the database writer has stopped")]
    Stopped,
}

/// The database of one data folder, open for writing. Holding it means holding the folder's lock.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    _lock: Option<File>,
}

/// One open transaction (or savepoint of a group): every write of the program goes through it.
#[derive(Debug, Clone, Copy)]
pub struct Tx<'c> {
    connection: &'c Connection,
}

impl StoreError {
    /// Whether the database itself is in trouble, so that the very same may work later.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        use rusqlite::ErrorCode as Code;
        let Self::Sqlite(error) = self else { return matches!(self, Self::Commit(_) | Self::Full) };
        matches!(
            error.sqlite_error_code(),
            Some(
                Code::DiskFull
                    | Code::SystemIoFailure
                    | Code::DatabaseBusy
                    | Code::DatabaseLocked
                    | Code::CannotOpen
                    | Code::OutOfMemory
                    | Code::ReadOnly
            )
        )
    }
}

impl Store {
    /// Opens the data folder: makes it if needed (0750), takes its lock, migrates the schema.
    ///
    /// # Errors
    /// [`StoreError::Locked`] when another daemon has it (exit 75), [`StoreError::TooNew`] after a downgrade; anything
    /// else is the folder's or the file's trouble and is worth a look by a person.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let trouble = |source| StoreError::Folder { path: folder.to_owned(), source };
        std::fs::DirBuilder::new().recursive(true).mode(0o750).create(folder).map_err(trouble)?;
        let lock = lock(folder)?;
        let path = folder.join(DATABASE);
        // SQLite gives the -wal and -shm files the mode of the database: make it before SQLite does.
        File::options().create(true).truncate(false).write(true).mode(0o640).open(&path).map_err(trouble)?;
        let mut connection = connect(&path)?;
        migrate::migrate(&mut connection, Some(&path))?;
        Ok(Self { connection, path, _lock: Some(lock) })
    }

    /// A database in memory, for tests and the model run.
    ///
    /// # Errors
    /// When SQLite can't, which a test may treat as a bug.
    pub fn in_memory() -> Result<Self, StoreError> {
        let mut connection = Connection::open_in_memory()?;
        tune(&connection)?;
        migrate::migrate(&mut connection, None)?;
        Ok(Self { connection, path: PathBuf::new(), _lock: None })
    }

    /// Runs `body` as one transaction.
    ///
    /// # Errors
    /// Whatever `body` returned, or the commit's error; nothing is stored then.
    pub fn transact<T>(&mut self, body: impl FnOnce(Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.begin()?;
        match body(Tx { connection: &self.connection }) {
            Ok(value) => self.commit().map(|()| value),
            Err(error) => {
                self.roll_back();
                Err(error)
            }
        }
    }

    /// Reads several things in one transaction: each by itself would lock the file and let it go again.
    fn look<T>(&self, body: impl FnOnce(Tx<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.connection.prepare_cached("BEGIN")?.execute([])?;
        let found = body(Tx { connection: &self.connection });
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        found
    }

    fn begin(&self) -> Result<(), StoreError> {
        Ok(self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(drop)?)
    }

    fn commit(&self) -> Result<(), StoreError> {
        let committed = self.connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
        committed.map(drop).map_err(|error| {
            self.roll_back();
            StoreError::Commit(error.to_string())
        })
    }

    /// An I/O error or a full disk can make SQLite roll the whole transaction back by itself. What came after would be
    /// committed piece by piece, and the end of the group would fail.
    fn still_open(&self) -> Result<(), StoreError> {
        if self.connection.is_autocommit() {
            return Err(StoreError::Commit("SQLite gave the transaction up".to_owned()));
        }
        Ok(())
    }

    fn roll_back(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::warn!(%error, "rollback failed; the connection will be opened again");
        }
    }

    /// Drops the connection and makes a new one: after a failed commit its state is not to be trusted.
    fn reopen(&mut self) -> Result<(), StoreError> {
        if !self.path.as_os_str().is_empty() {
            self.connection = connect(&self.path)?;
        }
        Ok(())
    }

    /// Moves the WAL into the database file as far as readers allow.
    fn checkpoint(&self) {
        if let Err(error) = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            tracing::warn!(%error, "checkpoint failed; the next one will take its place");
        }
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let trouble = |source| StoreError::Folder { path: folder.to_owned(), source };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o640)
        .open(folder.join("nightdesk.lock"))
        .map_err(trouble)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked(folder.to_owned())),
        Err(TryLockError::Error(source)) => Err(trouble(source)),
    }
}

/// A row here is a few hundred bytes, and every page that a commit touches is written twice: small pages halve what a lead
/// costs the card. Only a file that is made takes it.
const PAGE_BYTES: u32 = 1_024;
/// The WAL goes into the database at 8 MiB: the fewer times, the fewer pages are written twice.
const CHECKPOINT_PAGES: u32 = 8_192;
/// Pages kept in memory. The index of contents is a hash's and so touched all over: less, and a burst reads from disk.
const CACHE_KIB: i32 = 4_096;

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let level = if crate::failpoint::removed("synchronous-full") { "NORMAL" } else { "FULL" };
    connection.pragma_update(None, "synchronous", level)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Readers never block us in WAL mode; a person's browser that holds a write lock gets five seconds.
    connection.pragma_update(None, "busy_timeout", 5_000)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // The last close must leave the WAL files: a reader that may not write can't open the database without them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    tune(&connection)?;
    Ok(connection)
}

/// Every statement is compiled once. Without the planner's stability guarantee SQLite compiles a kept statement anew
/// whenever a bound value changes that might sway its plan, which is nearly always (`sqlite.org/queryplanner-ng.html#qpstab`).
fn tune(connection: &Connection) -> Result<(), StoreError> {
    connection.set_prepared_statement_cache_capacity(96);
    Ok(connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)?)
}
