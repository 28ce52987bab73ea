//! Status reports of networks, each kept as it was heard: the evidence behind "delivered".

use rusqlite::{Row, named_params};

use super::sms_parts::fate;
use super::{StoreError, Tx, rows};
use crate::model::{Fate, PartKey, PartReport, TextKey, Timestamp};

fn report_of(row: &Row<'_>) -> Result<PartReport, StoreError> {
    let of = match rows::maybe(row, "job_id")? {
        Some(job) => {
            let text = TextKey { job, generation: row.get("generation")? };
            Some(PartKey { text, part: row.get("part")? })
        }
        None => None,
    };
    Ok(PartReport {
        at: rows::parsed(row, "at")?,
        reference: row.get("reference")?,
        number: row.get("number")?,
        status: row.get("status")?,
        fate: fate(row, "fate")?.ok_or(StoreError::Alien { column: "fate", value: String::new() })?,
        sent_at: rows::maybe(row, "sent_at")?,
        pdu: row.get("pdu")?,
        of,
    })
}

impl Tx<'_> {
    /// Keeps a report. Told again once its part is known, it is the same report.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn keep_report(self, modem: &str, report: &PartReport) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT INTO sms_reports (at, modem, reference, number, status, fate, sent_at, pdu, job_id, generation, part)
            VALUES (:at, :modem, :reference, :number, :status, :fate, :sent_at, :pdu, :job, :generation, :part)
                ON CONFLICT (modem, at, pdu) DO UPDATE SET
                   job_id = coalesce(:job, job_id), generation = coalesce(:generation, generation), part = coalesce(:part, part)";
        let of = report.of;
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":at": report.at.to_string(), ":modem": modem, ":reference": report.reference, ":number": report.number,
            ":status": report.status, ":fate": report.fate.name(), ":sent_at": rows::text(report.sent_at), ":pdu": report.pdu,
            ":job": of.map(|of| of.text.job.to_string()), ":generation": of.map(|of| of.text.generation),
            ":part": of.map(|of| of.part),
        })?;
        Ok(())
    }

    /// What the reports of a part since then come to, and when the last of them came.
    pub(super) fn reported_of(self, key: PartKey, since: Timestamp) -> Result<Option<(Fate, Timestamp)>, StoreError> {
        const SQL: &str = "
            SELECT * FROM sms_reports
             WHERE job_id = :job AND generation = :generation AND part = :part AND at >= :since ORDER BY at, id";
        let params = named_params! {
            ":job": key.text.job.to_string(), ":generation": key.text.generation, ":part": key.part,
            ":since": since.to_string(),
        };
        let mut query = self.connection.prepare_cached(SQL)?;
        let reports = query.query_and_then(params, report_of)?.collect::<Result<Vec<_>, _>>()?;
        let sum = reports.into_iter().map(|report| (report.fate, report.at));
        Ok(sum.reduce(|(before, _), (fate, at)| (before.then(fate), at)))
    }

    /// The reports since then that belong to no part yet, oldest first.
    pub(super) fn stray_reports(self, modem: &str, since: Timestamp) -> Result<Vec<PartReport>, StoreError> {
        const SQL: &str =
            "SELECT * FROM sms_reports WHERE modem = :modem AND at >= :since AND job_id IS NULL ORDER BY at, id";
        let params = named_params! { ":modem": modem, ":since": since.to_string() };
        self.connection.prepare_cached(SQL)?.query_and_then(params, report_of)?.collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Store;
    use super::super::sms_parts::tests::{at, part, text};
    use super::*;

    pub(crate) fn report(seconds: u64, of: Option<PartKey>) -> PartReport {
        PartReport {
            at: at(seconds),
            reference: 7,
            number: "5551230001".into(),
            status: 0,
            fate: Fate::Delivered,
            sent_at: Some(at(0)),
            pdu: "0006".into(),
            of,
        }
    }

    #[test]
    fn a_report_finds_its_part_later() {
        let mut store = Store::in_memory().unwrap();
        let mut keep = |report: &PartReport| {
            store
                .transact(|tx| tx.keep_report("modem0", report).and_then(|()| tx.stray_reports("modem0", at(0))))
                .unwrap()
        };
        let stray = report(3, None);
        assert_eq!(keep(&stray), vec![stray.clone()]);
        assert_eq!(keep(&stray), vec![stray.clone()], "told twice");
        let known = PartReport { of: Some(part(text(1), 1, 1, 0).key), ..stray.clone() };
        assert_eq!(keep(&known), []);
        assert_eq!(keep(&stray), [], "the part stays known");
        assert_eq!(keep(&report(9, None)).len(), 1, "the same PDU at another time");
        let count: u32 = store.connection.query_row("SELECT count(*) FROM sms_reports", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 2);
    }
}
