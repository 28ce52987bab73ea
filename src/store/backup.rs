//! Copies of the whole database: one a day for whoever wants an older state back, one before each migration.
//!
//! A copy is there whole or not at all, also after a power cut: it is made under another name, looked through, synced,
//! renamed, and the folder is synced. Making one reads a single state of the live file and holds up nobody.
//! Rules: `sqlite.org/lang_vacuum.html`, `VACUUM INTO`: its target must be missing or empty, and isn't synced.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::{Reader, StoreError, space};
use crate::model::Timestamp;

/// What a copy's name starts and ends with; between them is when it was made.
const NAME: (&str, &str) = ("nightdesk-", ".db");
/// What a name has behind it while its copy isn't whole.
const PART: &str = ".part";
/// And what SQLite puts behind that for its journal.
const JOURNAL: &str = "-journal";

/// How backups are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupSettings {
    /// So many are kept, the new one among them.
    pub keep: usize,
    /// So much stays free beside the new one.
    pub reserve_bytes: u64,
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Older ones that were removed for it.
    pub removed: Vec<PathBuf>,
}

impl Reader {
    /// Makes a backup in `folder` (which is made if needed, 0750), then removes the oldest of its like.
    ///
    /// # Errors
    /// [`StoreError::BackupRuns`] when another one is being made there, [`StoreError::NoRoom`] when it would leave too
    /// little free. Older ones are as they were then.
    pub fn back_up(&self, folder: &Path, settings: BackupSettings, now: Timestamp) -> Result<Backup, StoreError> {
        let trouble = |source| StoreError::Folder { path: folder.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o750).create(folder).map_err(trouble)?;
        let lock = File::open(folder).map_err(trouble)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::BackupRuns(folder.to_owned())),
            Err(TryLockError::Error(source)) => return Err(trouble(source)),
        }
        let older = of_ours(folder).map_err(trouble)?;
        for half in &older.parts {
            fs::remove_file(half).map_err(trouble)?;
        }
        self.room_for_another(folder, settings.reserve_bytes)?;
        let path = folder.join(name_of(now));
        copy(&self.connection, &path)?;
        let bytes = fs::metadata(&path).map_err(trouble)?.len();
        let removed = too_many(older.whole, &path, settings.keep);
        for old in &removed {
            fs::remove_file(old).map_err(trouble)?;
        }
        Ok(Backup { path, bytes, removed })
    }

    fn room_for_another(&self, folder: &Path, reserve_bytes: u64) -> Result<(), StoreError> {
        let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        let database: i64 = self.connection.query_row(sql, [], |row| row.get(0))?;
        let needed = u64::try_from(database).unwrap_or(0).saturating_add(reserve_bytes);
        match space::free_bytes(folder) {
            Some(free) if free < needed => Err(StoreError::NoRoom { folder: folder.to_owned(), needed, free }),
            Some(_) | None => Ok(()),
        }
    }
}

/// Copies the whole database to `path`, over what may be there.
pub(super) fn copy(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let mut part = path.as_os_str().to_owned();
    part.push(PART);
    let part = PathBuf::from(part);
    let copied = fill(connection, &part, path);
    if copied.is_err() {
        drop(fs::remove_file(&part));
    }
    copied
}

fn fill(connection: &Connection, part: &Path, path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let trouble = |source| StoreError::Folder { path: folder.to_owned(), source };
    if let Err(error) = fs::remove_file(part)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(trouble(error));
    }
    // SQLite would give it any mode; an empty file it takes as it is.
    let file = OpenOptions::new().create_new(true).write(true).mode(0o640).open(part).map_err(trouble)?;
    let name = part.to_str().ok_or_else(|| trouble(io::ErrorKind::InvalidFilename.into()))?;
    connection.execute("VACUUM INTO ?1", [name])?;
    look_through(part)?;
    file.sync_all().map_err(trouble)?;
    fs::rename(part, path).map_err(trouble)?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(trouble)
}

fn look_through(copy: &Path) -> Result<(), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(copy, flags)?;
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(StoreError::Damaged { found }) }
}

/// The name of a backup of that moment, in UTC; names sort as their moments do.
fn name_of(at: Timestamp) -> String {
    let at = at.to_string();
    let (day, time) = at.split_once('T').unwrap_or((&at, ""));
    let digits = |text: &str, n: usize| text.chars().filter(char::is_ascii_digit).take(n).collect::<String>();
    format!("{}{}-{}{}", NAME.0, digits(day, 8), digits(time, 6), NAME.1)
}

/// Whether [`name_of`] could have made it.
fn is_name(name: &str) -> bool {
    let moment = name.strip_prefix(NAME.0).and_then(|rest| rest.strip_suffix(NAME.1));
    let is_digits = |text: &str, n: usize| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
    moment.and_then(|moment| moment.split_once('-')).is_some_and(|(day, time)| is_digits(day, 8) && is_digits(time, 6))
}

/// What earlier backups left in a folder.
#[derive(Default)]
struct Ours {
    whole: Vec<PathBuf>,
    parts: Vec<PathBuf>,
}

fn of_ours(folder: &Path) -> io::Result<Ours> {
    let mut ours = Ours::default();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        match name.strip_suffix(JOURNAL).unwrap_or(name).strip_suffix(PART) {
            Some(name) if is_name(name) => ours.parts.push(path),
            None if is_name(name) => ours.whole.push(path),
            Some(_) | None => {}
        }
    }
    ours.whole.sort();
    Ok(ours)
}

/// Which go, so that `keep` stay. Never the new one: a clock that was set back makes it look like the oldest.
fn too_many(older: Vec<PathBuf>, new: &Path, keep: usize) -> Vec<PathBuf> {
    let others: Vec<PathBuf> = older.into_iter().filter(|path| path != new).collect();
    let surplus = others.len().saturating_sub(keep.saturating_sub(1));
    others.into_iter().take(surplus).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::store::Store;

    const SETTINGS: BackupSettings = BackupSettings { keep: 3, reserve_bytes: 1 };

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn only_our_own_names_are_ours() {
        assert_eq!(name_of(at("2026-11-23T02:03:04.567Z")), "nightdesk-20261123-020304.db");
        for (name, ours) in [
            ("nightdesk-20261123-020304.db", true),
            ("nightdesk-20261123-020304.db.part", false),
            ("nightdesk-20261123.db", false),
            ("nightdesk-before-the-move.db", false),
            ("nightdesk-2026112x-020304.db", false),
            ("nightdesk.db", false),
        ] {
            assert_eq!(is_name(name), ours, "{name}");
        }
    }

    #[test]
    fn a_backup_is_whole_and_the_oldest_go() {
        let home = tempfile::tempdir().unwrap();
        let mut store = Store::open(home.path()).unwrap();
        let folder = home.path().join("backups");
        fs::create_dir(&folder).unwrap();
        for name in [
            "mine.db",
            "nightdesk-20200101-000000.db",
            "nightdesk-20261122-000000.db.part",
            "nightdesk-20261122-000000.db.part-journal",
        ] {
            fs::write(folder.join(name), "x").unwrap();
        }
        let reader = Reader::open(home.path()).unwrap();
        for (nth, day) in ["2026-11-23", "2026-11-24", "1970-01-02", "2026-11-25"].into_iter().enumerate() {
            let now = at(&format!("{day}T02:00:00.000Z"));
            store.transact(|tx| tx.alert(&format!("test:{nth}"), "text", "cure", now)).unwrap();
            let made = reader.back_up(&folder, SETTINGS, now).unwrap();
            assert_eq!(fs::metadata(&made.path).unwrap().permissions().mode() & 0o7777, 0o640);
            assert_eq!(fs::metadata(&made.path).unwrap().len(), made.bytes);
            let copy = home.path().join(day);
            fs::create_dir(&copy).unwrap();
            fs::copy(&made.path, copy.join(crate::store::DATABASE)).unwrap();
            let alerts = Reader::open(&copy).unwrap().alerts().unwrap();
            assert_eq!(alerts.len(), nth + 1, "{day}: what was committed is in it");
        }
        let left = names(&folder);
        let want = ["mine.db", "nightdesk-20261123-020000.db", "nightdesk-20261124-020000.db"];
        assert_eq!(left, [&want as &[&str], &["nightdesk-20261125-020000.db"]].concat());
    }

    #[test]
    fn no_backup_takes_the_room_the_desk_needs() {
        let home = tempfile::tempdir().unwrap();
        drop(Store::open(home.path()).unwrap());
        let reader = Reader::open(home.path()).unwrap();
        let settings = BackupSettings { reserve_bytes: u64::MAX, ..SETTINGS };
        let refused = reader.back_up(home.path(), settings, at("2026-11-23T02:00:00.000Z"));
        assert!(matches!(refused, Err(StoreError::NoRoom { .. })), "{refused:?}");
        let busy = File::open(home.path()).unwrap();
        busy.lock().unwrap();
        let refused = reader.back_up(home.path(), SETTINGS, at("2026-11-23T02:00:00.000Z"));
        assert!(matches!(refused, Err(StoreError::BackupRuns(_))), "{refused:?}");
        assert!(!names(home.path()).iter().any(|name| name.starts_with(NAME.0)));
    }
}
