//! The schema's versions: `PRAGMA user_version` and an ordered list of steps.
//!
//! An older file is copied aside before its first step; a newer one is refused. Views are made anew after every step:
//! they hold no data.

use std::path::Path;

use rusqlite::Connection;

use super::{StoreError, backup};

/// The steps, oldest first; a file of version `n` has had the first `n`.
const STEPS: [&str; 8] = [
    include_str!("schema.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
    include_str!("schema_6.sql"),
    include_str!("schema_7.sql"),
    include_str!("schema_8.sql"),
];

const VIEWS: &str = include_str!("views.sql");

/// Brings the file to the newest version, after a copy `nightdesk.db.v<N>.bak` of an older one.
pub(super) fn migrate(connection: &mut Connection, file: Option<&Path>) -> Result<(), StoreError> {
    let (found, known) = (version(connection)?, known());
    if found == known {
        return Ok(());
    }
    if let Some(file) = file.filter(|_| found > 0) {
        back_up(connection, file, found)?;
    }
    let transaction = connection.transaction()?;
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    transaction.execute_batch(VIEWS)?;
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    // Out of the WAL, so that the file's own header tells the version to who reads nothing else: the package's preinst.
    Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}

fn known() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// The file's version, if this program knows it.
pub(super) fn version(connection: &Connection) -> Result<i64, StoreError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known() { Err(StoreError::TooNew { found, known: known() }) } else { Ok(found) }
}

/// Made anew also where there is one: that one may be of an upgrade that was taken back months ago. A migration that was
/// broken off has changed nothing, so nothing is lost.
fn back_up(connection: &Connection, file: &Path, version: i64) -> Result<(), StoreError> {
    backup::copy(connection, &file.with_extension(format!("db.v{version}.bak")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    fn schema(connection: &Connection) -> Vec<String> {
        let mut all = connection
            .prepare("SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1")
            .unwrap();
        all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// Where `PRAGMA user_version` lies (sqlite.org/fileformat2), and where debian/preinst looks for it.
    #[test]
    fn the_file_tells_its_version_while_the_desk_runs() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(std::fs::read(store.path()).unwrap()[60..64], u32::try_from(STEPS.len()).unwrap().to_be_bytes());
    }

    #[test]
    fn a_fresh_schema_is_the_migrated_one() {
        let fresh = Store::in_memory().unwrap();
        for from in 0..STEPS.len() {
            let mut old = Connection::open_in_memory().unwrap();
            for step in &STEPS[..from] {
                old.execute_batch(step).unwrap();
            }
            old.pragma_update(None, "user_version", i64::try_from(from).unwrap()).unwrap();
            migrate(&mut old, None).unwrap();
            assert_eq!(schema(&old), schema(&fresh.connection), "from version {from}");
        }
    }

    /// A view over a table that a step makes anew must not stop it.
    #[test]
    fn what_was_sent_is_still_there_after_the_second_step() {
        let mut old = Connection::open_in_memory().unwrap();
        old.execute_batch(STEPS[0]).unwrap();
        let rows = "
            CREATE VIEW v_leads AS SELECT state FROM sms_messages;
            INSERT INTO sms_messages VALUES ('j1', 'l1', 'sms:modem0', 'Dana', '+15551230001', 'K1', 0, 'submitted', '7,8', 2, '2026-11-23T02:00:00.000Z');
            INSERT INTO sms_messages VALUES ('j2', 'l1', 'sms:twilio', 'Dana', '+15551230001', '(repeat) K1', 1, 'unknown', NULL, NULL, '2026-11-23T02:01:00.000Z');
            PRAGMA user_version = 1;";
        old.execute_batch(rows).unwrap();
        migrate(&mut old, None).unwrap();
        let mut read = old
            .prepare("SELECT job_id || ' ' || state || ' ' || coalesce(reference, '-') || ' ' || coalesce(delivered_at, '-') FROM sms_messages ORDER BY 1")
            .unwrap();
        let found: Vec<String> = read.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(found, ["j1 submitted 7,8 -", "j2 unknown - -"]);
    }

    /// Somebody with a browser made an ended job ready again, and forgot its end.
    #[test]
    fn an_open_job_with_an_end_is_found_after_the_seventh_step() {
        let mut old = Connection::open_in_memory().unwrap();
        for step in &STEPS[..6] {
            old.execute_batch(step).unwrap();
        }
        let rows = "
            INSERT INTO jobs (id, lead_id, kind, channel, priority, state, due_at, deadline_at, payload, created_at, ended_at)
            VALUES ('j1', 'l1', 'sms', 'sms:modem0', 0, 'ready', '', '', '{}', '', '2026-11-23T02:00:00.000Z'),
                   ('j2', 'l1', 'sms', 'sms:modem0', 0, 'dead', '', '', '{}', '', '2026-11-23T02:00:00.000Z');
            PRAGMA user_version = 6;";
        old.execute_batch(rows).unwrap();
        migrate(&mut old, None).unwrap();
        let open: String =
            old.query_row("SELECT group_concat(id) FROM jobs WHERE ended_at IS NULL", [], |row| row.get(0)).unwrap();
        assert_eq!(open, "j1");
    }

    #[test]
    fn a_newer_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        drop(Store::open(folder.path()).unwrap());
        let file = Connection::open(folder.path().join(crate::store::DATABASE)).unwrap();
        file.pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(Store::open(folder.path()), Err(StoreError::TooNew { found: 99, known: 8 })));
        assert!(matches!(crate::store::Reader::open(folder.path()), Err(StoreError::TooNew { .. })));
    }

    #[test]
    fn a_copy_is_of_now_whatever_an_earlier_one_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(crate::store::DATABASE);
        let store = Store::open(folder.path()).unwrap();
        std::fs::write(folder.path().join("nightdesk.db.v1.bak.part"), "half of it, left by a power cut").unwrap();
        std::fs::write(folder.path().join("nightdesk.db.v1.bak"), "of an upgrade that was taken back").unwrap();
        back_up(&store.connection, &file, 1).unwrap();
        let copy = Connection::open(folder.path().join("nightdesk.db.v1.bak")).unwrap();
        assert_eq!(schema(&copy), schema(&store.connection));
        assert_eq!(version(&copy).unwrap(), known());
        assert!(!folder.path().join("nightdesk.db.v1.bak.part").exists());
    }

    #[test]
    fn a_second_daemon_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let first = Store::open(folder.path()).unwrap();
        assert!(matches!(Store::open(folder.path()), Err(StoreError::Locked(_))));
        drop(first);
        assert!(Store::open(folder.path()).is_ok());
    }
}
