//! Parts of texts that a modem wrote, what became of each, and how many a SIM has paid for.
//!
//! Called for what the modem's task must not forget. What is known of a part is what was reported since it was written, in
//! whatever order it is told; when it is written anew, an old report says nothing about it.

use std::time::Duration;

use rusqlite::{OptionalExtension, Row, named_params};

use super::{StoreError, Tx, rows};
use crate::model::{Fate, PartKey, SmsPart, TextKey, Timestamp};

/// What a SIM may send is counted in the last hour, and in so long.
const DAY: Duration = Duration::from_hours(24);
/// See [`DAY`].
const HOUR: Duration = Duration::from_hours(1);

/// A fate as it is stored, if one is.
pub(super) fn fate(row: &Row<'_>, column: &'static str) -> Result<Option<Fate>, StoreError> {
    let text: Option<String> = row.get(column)?;
    let known = |text: String| {
        Fate::ALL.into_iter().find(|fate| fate.name() == text).ok_or(StoreError::Alien { column, value: text })
    };
    text.map(known).transpose()
}

/// A whole row of `sms_parts`.
pub(super) fn part_of(row: &Row<'_>) -> Result<SmsPart, StoreError> {
    let text = TextKey { job: rows::parsed(row, "job_id")?, generation: row.get("generation")? };
    Ok(SmsPart {
        key: PartKey { text, part: row.get("part")? },
        total: row.get("total")?,
        number: row.get("number")?,
        sim: row.get("sim")?,
        at: rows::parsed(row, "written_at")?,
        accepted: row.get("accepted")?,
        reference: row.get("reference")?,
        fate: fate(row, "fate")?,
    })
}

impl Tx<'_> {
    /// Keeps a part. What was reported about the same try of it stays known, also what came before this.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn keep_part(self, modem: &str, part: &SmsPart) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT INTO sms_parts (job_id, generation, part, total, modem, sim, number, written_at, accepted, reference, fate)
            VALUES (:job, :generation, :part, :total, :modem, :sim, :number, :at, :accepted, :reference, :fate)
                ON CONFLICT (job_id, generation, part) DO UPDATE SET
                   total = :total, modem = :modem, sim = :sim, number = :number, written_at = :at, accepted = :accepted,
                   reference = :reference, fate = :fate, reported_at = NULL";
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":job": part.key.text.job.to_string(), ":generation": part.key.text.generation, ":part": part.key.part,
            ":total": part.total, ":modem": modem, ":sim": part.sim, ":number": part.number, ":at": part.at.to_string(),
            ":accepted": part.accepted, ":reference": part.reference, ":fate": part.fate.map(Fate::name),
        })?;
        self.add_reports(part.key).map(drop)
    }

    /// Adds what was reported on a part since it was written to what is known of it. `false`: there is no such part.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn add_reports(self, key: PartKey) -> Result<bool, StoreError> {
        const SQL: &str = "
            UPDATE sms_parts SET fate = :fate, reported_at = :at
             WHERE job_id = :job AND generation = :generation AND part = :part";
        let Some(part) = self.part(key)? else { return Ok(false) };
        let Some((fate, at)) = self.reported_of(key, part.at)? else { return Ok(true) };
        let fate = part.fate.map_or(fate, |known| known.then(fate));
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":job": key.text.job.to_string(), ":generation": key.text.generation, ":part": key.part,
            ":fate": fate.name(), ":at": at.to_string(),
        })?;
        Ok(true)
    }

    fn part(self, key: PartKey) -> Result<Option<SmsPart>, StoreError> {
        const SQL: &str = "SELECT * FROM sms_parts WHERE job_id = :job AND generation = :generation AND part = :part";
        let params = named_params! {
            ":job": key.text.job.to_string(), ":generation": key.text.generation, ":part": key.part,
        };
        let mut query = self.connection.prepare_cached(SQL)?;
        query.query_row(params, |row| Ok(part_of(row))).optional()?.transpose()
    }

    /// The parts of a text that are known, in order.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn parts(self, text: TextKey) -> Result<Vec<SmsPart>, StoreError> {
        const SQL: &str = "SELECT * FROM sms_parts WHERE job_id = :job AND generation = :generation ORDER BY part";
        let params = named_params! { ":job": text.job.to_string(), ":generation": text.generation };
        self.connection.prepare_cached(SQL)?.query_and_then(params, part_of)?.collect()
    }

    /// The SIM that a modem wrote its last part with.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn last_sim(self, modem: &str) -> Result<Option<String>, StoreError> {
        const SQL: &str = "SELECT sim FROM sms_parts WHERE modem = :modem ORDER BY written_at DESC LIMIT 1";
        let mut query = self.connection.prepare_cached(SQL)?;
        Ok(query.query_row(named_params! { ":modem": modem }, |row| row.get(0)).optional()?)
    }

    /// The parts that a SIM sent, or may have sent, in the last hour and in the last 24.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn parts_of_sim(self, sim: &str, now: Timestamp) -> Result<(u32, u32), StoreError> {
        let params = named_params! {
            ":sim": sim, ":hour": now.before(HOUR).to_string(), ":day": now.before(DAY).to_string(),
        };
        Ok(self.connection.prepare_cached(SPENT)?.query_row(params, |row| Ok((row.get(0)?, row.get(1)?)))?)
    }
}

const SPENT: &str = "
    SELECT count(*) FILTER (WHERE written_at > :hour), count(*) FROM sms_parts WHERE sim = :sim AND written_at > :day";

#[cfg(test)]
pub(super) mod tests {
    use super::super::Store;
    use super::super::sms_reports::tests::report;
    use super::*;
    use crate::model::{JobId, PartReport, RowId};

    pub(crate) fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000).after(Duration::from_secs(seconds))
    }

    pub(crate) fn text(n: u8) -> TextKey {
        TextKey { job: JobId::new(at(0), [n; 10]), generation: 1 }
    }

    pub(crate) fn part(text: TextKey, part: u8, total: u8, seconds: u64) -> SmsPart {
        SmsPart {
            key: PartKey { text, part },
            total,
            number: "+15551230001".into(),
            sim: "8901".into(),
            at: at(seconds),
            accepted: true,
            reference: Some(part),
            fate: None,
        }
    }

    /// What is known of the first part of the first text after a part was told, or a report.
    fn fate_after(store: &mut Store, told: Result<SmsPart, (u64, Fate)>) -> Option<Fate> {
        let key = part(text(1), 1, 1, 0).key;
        let parts = store.transact(|tx| {
            match told {
                Ok(part) => tx.keep_part("modem0", &part)?,
                Err((seconds, fate)) => {
                    let heard = PartReport { fate, pdu: format!("{fate:?}"), ..report(seconds, Some(key)) };
                    tx.keep_report("modem0", &heard)?;
                    assert!(tx.add_reports(key).is_ok());
                }
            }
            tx.parts(text(1))
        });
        parts.unwrap().first().and_then(|part| part.fate)
    }

    #[test]
    fn a_part_is_told_again_and_adds_up() {
        let mut store = Store::in_memory().unwrap();
        let written = |seconds| part(text(1), 1, 1, seconds);
        let perhaps = SmsPart { accepted: false, reference: None, ..written(0) };
        for (name, told, want) in [
            ("a report that is kept before its part", Err((1, Fate::StillTrying)), None),
            ("its part, perhaps written", Ok(perhaps), Some(Fate::StillTrying)),
            ("failed", Err((2, Fate::FailedForGood)), Some(Fate::FailedForGood)),
            ("the reference, told without a fate", Ok(written(0)), Some(Fate::FailedForGood)),
            ("delivered after all", Err((3, Fate::Delivered)), Some(Fate::Delivered)),
            ("delivered is never taken back", Err((4, Fate::GaveUp)), Some(Fate::Delivered)),
            ("written anew: nothing is reported yet", Ok(written(60)), None),
            ("told with its fate", Ok(SmsPart { fate: Some(Fate::Forwarded), ..written(60) }), Some(Fate::Forwarded)),
            ("and failed, says another report", Err((61, Fate::FailedForGood)), Some(Fate::Forwarded)),
        ] {
            assert_eq!(fate_after(&mut store, told), want, "{name}");
        }
        assert!(!store.transact(|tx| tx.add_reports(part(text(2), 1, 1, 0).key)).unwrap(), "no such part");
    }

    #[test]
    fn what_a_sim_spent() {
        let mut store = Store::in_memory().unwrap();
        let (hour, day) = (3_600, 86_400);
        for (n, seconds) in [(1, 0), (2, day - hour - 1), (3, day - hour + 1), (4, day)] {
            store.transact(|tx| tx.keep_part("modem0", &part(text(n), 1, 1, seconds))).unwrap();
        }
        let other = SmsPart { sim: "8902".into(), ..part(text(5), 1, 1, day) };
        store.transact(|tx| tx.keep_part("modem1", &other)).unwrap();
        for (name, sim, seconds, want) in [
            ("the first is a day old", "8901", day, (2, 3)),
            ("a second sooner it was not", "8901", day - 1, (2, 4)),
            ("another SIM", "8902", day, (1, 1)),
            ("a day later", "8901", day + day, (0, 0)),
            ("no SIM", "8903", day, (0, 0)),
        ] {
            assert_eq!(store.transact(|tx| tx.parts_of_sim(sim, at(seconds))).unwrap(), want, "{name}");
        }
    }

    #[test]
    fn counting_uses_its_index() {
        let store = Store::in_memory().unwrap();
        let mut plan = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {SPENT}")).unwrap();
        let params = named_params! { ":sim": "8901", ":hour": "2026", ":day": "2026" };
        let steps: Vec<String> = plan.query_map(params, |row| row.get(3)).unwrap().map(Result::unwrap).collect();
        assert_eq!(steps, ["SEARCH sms_parts USING COVERING INDEX sms_parts_written (written_at>?)"]);
    }
}
