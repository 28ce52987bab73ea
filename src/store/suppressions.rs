//! Addresses that get no mail, as keyed hashes.
//!
//! The outbox asks before each mail; the intake adds whoever unsubscribes, the operator whom he likes. A row outlives the
//! lead it came from: it holds nothing of a person, and forgetting it would mail somebody who had said no.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::{Reader, StoreError, Tx, rows};
use crate::model::{AddressHash, Suppressed, Timestamp};

const OF_HASH: &str = "SELECT * FROM mail_suppressions WHERE address_hash = :hash";

/// An address that gets no mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suppression {
    /// Which.
    pub hash: AddressHash,
    /// Why.
    pub reason: Suppressed,
    /// Since when, for that reason.
    pub since: Timestamp,
}

fn of_row(row: &Row<'_>) -> Result<Suppression, StoreError> {
    let word: String = row.get("reason")?;
    let reason = Suppressed::ALL.into_iter().find(|reason| reason.name() == word);
    let reason = reason.ok_or(StoreError::Alien { column: "reason", value: word })?;
    Ok(Suppression { hash: rows::parsed(row, "address_hash")?, reason, since: rows::parsed(row, "at")? })
}

fn of_hash(connection: &Connection, hash: AddressHash) -> Result<Option<Suppression>, StoreError> {
    let mut query = connection.prepare_cached(OF_HASH)?;
    query.query_row(named_params! { ":hash": hash.to_string() }, |row| Ok(of_row(row))).optional()?.transpose()
}

impl Tx<'_> {
    /// No mail goes to this address any more; whether that is news. The first reason is kept, but the owner's word takes
    /// the place of any other: whoever wants to lift it must see that it was given.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn suppress(self, hash: AddressHash, reason: Suppressed, now: Timestamp) -> Result<bool, StoreError> {
        const SQL: &str = "
            INSERT INTO mail_suppressions (address_hash, reason, at) VALUES (:hash, :reason, :now)
                ON CONFLICT (address_hash) DO UPDATE SET reason = :reason, at = :now
                 WHERE :reason = 'unsubscribed' AND reason <> 'unsubscribed'";
        let params = named_params! { ":hash": hash.to_string(), ":reason": reason.name(), ":now": now.to_string() };
        Ok(self.connection.prepare_cached(SQL)?.execute(params)? > 0)
    }

    /// Mail may go to this address again, whatever the reason was; `false` if it might before.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn unsuppress(self, hash: AddressHash) -> Result<bool, StoreError> {
        const SQL: &str = "DELETE FROM mail_suppressions WHERE address_hash = :hash";
        Ok(self.connection.prepare_cached(SQL)?.execute(named_params! { ":hash": hash.to_string() })? > 0)
    }

    /// Why no mail goes to this address, if none does.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn suppressed(self, hash: AddressHash) -> Result<Option<Suppressed>, StoreError> {
        Ok(self.suppression(hash)?.map(|found| found.reason))
    }

    /// The same, with since when.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn suppression(self, hash: AddressHash) -> Result<Option<Suppression>, StoreError> {
        of_hash(self.connection, hash)
    }
}

impl Reader {
    /// Addresses that get no mail, newest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn suppressions(&self, limit: u32) -> Result<Vec<Suppression>, StoreError> {
        const SQL: &str = "SELECT * FROM mail_suppressions ORDER BY at DESC, address_hash LIMIT :limit";
        let mut query = self.connection.prepare_cached(SQL)?;
        query.query_and_then(named_params! { ":limit": limit }, of_row)?.collect()
    }

    /// How many addresses get no mail, by reason; those that are no reason for any are left out.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn suppression_counts(&self) -> Result<Vec<(Suppressed, u32)>, StoreError> {
        const SQL: &str = "SELECT count(*) FROM mail_suppressions WHERE reason = :reason";
        let mut query = self.connection.prepare_cached(SQL)?;
        let mut counts = Vec::new();
        for reason in Suppressed::ALL {
            let count = query.query_row(named_params! { ":reason": reason.name() }, |row| row.get(0))?;
            if count > 0 {
                counts.push((reason, count));
            }
        }
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    const AT: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    fn hash(n: u8) -> AddressHash {
        AddressHash::new([n; 16])
    }

    #[test]
    fn the_first_reason_stays_but_the_owners_word_counts_most() {
        use Suppressed::{Bounced, Operator, Unsubscribed};
        for (first, then, news, want) in [
            (Operator, Operator, false, Operator),
            (Operator, Bounced, false, Operator),
            (Bounced, Operator, false, Bounced),
            (Bounced, Unsubscribed, true, Unsubscribed),
            (Operator, Unsubscribed, true, Unsubscribed),
            (Unsubscribed, Unsubscribed, false, Unsubscribed),
            (Unsubscribed, Bounced, false, Unsubscribed),
            (Unsubscribed, Operator, false, Unsubscribed),
        ] {
            let mut store = Store::in_memory().unwrap();
            store
                .transact(|tx| {
                    assert_eq!(tx.suppressed(hash(1))?, None);
                    assert!(tx.suppress(hash(1), first, AT)?);
                    assert_eq!(tx.suppress(hash(1), then, AT.moved(1))?, news, "{first:?}, {then:?}");
                    let since = AT.moved(i64::from(news));
                    let want = Suppression { hash: hash(1), reason: want, since };
                    assert_eq!(tx.suppression(hash(1))?, Some(want), "{first:?}, {then:?}");
                    assert_eq!(tx.suppressed(hash(2))?, None, "another address");
                    assert!(tx.unsuppress(hash(1))? && !tx.unsuppress(hash(1))?);
                    assert_eq!(tx.suppressed(hash(1))?, None);
                    Ok(())
                })
                .unwrap();
        }
    }

    #[test]
    fn a_look_uses_the_key() {
        let store = Store::in_memory().unwrap();
        let mut plan = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {OF_HASH}")).unwrap();
        let steps: Vec<String> =
            plan.query_map(named_params! { ":hash": "" }, |row| row.get(3)).unwrap().map(Result::unwrap).collect();
        assert_eq!(steps, ["SEARCH mail_suppressions USING PRIMARY KEY (address_hash=?)"]);
    }

    #[test]
    fn the_newest_are_listed_and_all_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        for (n, reason) in [(1, Suppressed::Bounced), (2, Suppressed::Unsubscribed), (3, Suppressed::Unsubscribed)] {
            store.transact(|tx| tx.suppress(hash(n), reason, AT.moved(n.into()))).unwrap();
        }
        let reader = Reader::open(folder.path()).unwrap();
        let listed: Vec<AddressHash> = reader.suppressions(2).unwrap().into_iter().map(|one| one.hash).collect();
        assert_eq!(listed, [hash(3), hash(2)]);
        let counts = reader.suppression_counts().unwrap();
        assert_eq!(counts, [(Suppressed::Unsubscribed, 2), (Suppressed::Bounced, 1)]);
    }
}
