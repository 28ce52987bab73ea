//! What a modem is told when its task starts: everything an earlier start kept that still matters.
//!
//! A text whose try was cut off may have been written without a word of it being kept. A part that may have been sent
//! stands for it here, so that a report that comes late still finds it.

use std::time::Duration;

use rusqlite::{OptionalExtension, named_params};

use super::jobs::job_of;
use super::sms_parts::part_of;
use super::{StoreError, Tx, rows};
use crate::model::{
    BootId, Channel, Fate, Job, Lane, Layout, Memory, PartKey, REPORT_WINDOW, SmsPart, SmsTask, Task, TextKey,
    Timestamp,
};

/// Parts that still count against what a SIM may send.
const PARTS: Duration = Duration::from_hours(24);
/// The recovery ladder counts its tries in an hour.
const RUNGS: Duration = Duration::from_hours(1);

impl Tx<'_> {
    /// What is known of a modem. `boot` is this start: what it leased itself is under way, not cut off.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn recall(self, modem: &str, boot: BootId, now: Timestamp) -> Result<Memory, StoreError> {
        let mut parts = self.parts_since(modem, now.before(PARTS))?;
        for job in self.in_doubt(modem, boot)? {
            parts.extend(self.perhaps_written(modem, &job)?);
        }
        parts.sort_by_key(|part| part.at);
        Ok(Memory {
            parts,
            reports: self.stray_reports(modem, now.before(REPORT_WINDOW))?,
            pins: self.pins()?,
            rungs: self.rungs(modem, now.before(RUNGS))?,
            harmed: self.harmed()?,
            last: self.last_turn(modem)?,
        })
    }

    fn parts_since(self, modem: &str, since: Timestamp) -> Result<Vec<SmsPart>, StoreError> {
        const SQL: &str =
            "SELECT * FROM sms_parts WHERE modem = :modem AND written_at > :since ORDER BY written_at, job_id, part";
        let params = named_params! { ":modem": modem, ":since": since.to_string() };
        self.connection.prepare_cached(SQL)?.query_and_then(params, part_of)?.collect()
    }

    /// The texts of a modem of which nobody can tell whether they were sent. What can't be read is left out: it has a
    /// dead letter, or will have one.
    fn in_doubt(self, modem: &str, boot: BootId) -> Result<Vec<Job>, StoreError> {
        const SQL: &str = "
            SELECT * FROM jobs WHERE channel = :channel AND ended_at IS NULL AND kind = 'sms'
               AND (state = 'unknown' OR (state = 'leased' AND boot_id <> :boot))";
        let channel = Channel::new(Lane::Sms, modem);
        let params = named_params! { ":channel": channel.as_str(), ":boot": boot.to_string() };
        let mut query = self.connection.prepare_cached(SQL)?;
        let found = query.query_and_then(params, |row| Ok(job_of(row).ok()))?;
        found.filter_map(Result::transpose).collect()
    }

    /// The part of a text that the try which was cut off may have written: parts are written one after the other, so it
    /// is the first that isn't known to have been taken.
    fn perhaps_written(self, modem: &str, job: &Job) -> Result<Option<SmsPart>, StoreError> {
        let Task::Sms(SmsTask { to, text, .. }) = &job.task else { return Ok(None) };
        let text_key = TextKey { job: job.id, generation: job.generation };
        let at = self.last_run(job)?;
        let mut known = self.parts(text_key)?;
        // A text of which a part failed is sent anew from its first part.
        if known.iter().any(|part| part.at < at && part.fate.is_some_and(Fate::has_failed)) {
            known.retain(|part| part.at >= at);
        }
        let total = u8::try_from(Layout::of(text).parts.len()).unwrap_or(u8::MAX);
        let Some(part) = (1..=total).find(|n| !known.iter().any(|known| known.key.part == *n)) else {
            return Ok(None);
        };
        if known.iter().any(|known| !known.accepted) {
            return Ok(None);
        }
        Ok(Some(SmsPart {
            key: PartKey { text: text_key, part },
            total,
            number: to.as_str().to_owned(),
            sim: self.last_sim(modem)?.unwrap_or_else(|| modem.to_owned()),
            at,
            accepted: false,
            reference: None,
            fate: None,
        }))
    }

    /// When the last try that acted began.
    fn last_run(self, job: &Job) -> Result<Timestamp, StoreError> {
        const SQL: &str =
            "SELECT started_at FROM attempts WHERE job_id = :job AND mode = 'run' ORDER BY attempt_id DESC LIMIT 1";
        let mut query = self.connection.prepare_cached(SQL)?;
        let params = named_params! { ":job": job.id.to_string() };
        let found = query.query_row(params, |row| Ok(rows::parsed(row, "started_at"))).optional()?;
        Ok(found.transpose()?.unwrap_or(job.created_at))
    }
}

#[cfg(test)]
mod tests {
    use super::super::modems::tests::turn;
    use super::super::sms_parts::tests::{at, part, text};
    use super::super::sms_reports::tests::report;
    use super::super::{Store, Tx};
    use super::*;
    use crate::model::{JobState, LeadId, ModemState, NewJob, PinOutcome, PinTry, Priority, RowId};

    const BOOT: [u8; 10] = [1; 10];

    fn boot(n: u8) -> BootId {
        BootId::new(at(0), [n; 10])
    }

    fn new(channel: &str, words: &str) -> NewJob {
        let task = Task::Sms(SmsTask {
            to: "+15551230001".parse().unwrap(),
            who: "Dana".into(),
            text: words.into(),
            repeat: false,
            leg: 0,
            failover_at: None,
            refused: 0,
            thread: 0,
            is_answer: false,
            is_test: false,
        });
        let (due_at, deadline_at) = (at(0), at(3_600));
        let lead = LeadId::new(at(0), BOOT);
        NewJob { lead, task, channel: Channel::stored(channel.into()), priority: Priority::Urgent, due_at, deadline_at }
    }

    /// A text that boot 1 leased at second 5.
    fn leased(store: &mut Store, channel: &str, words: &str) -> TextKey {
        let (job, claimed) = store
            .transact(|tx| {
                let job = tx.insert_job(&new(channel, words), at(0))?;
                Ok((job, tx.claim(&Channel::stored(channel.into()), boot(1), true, &|_| true, at(5))?.unwrap()))
            })
            .unwrap();
        assert_eq!(claimed.job.id, job);
        TextKey { job, generation: claimed.job.generation }
    }

    fn recall(store: &mut Store, boot: BootId, seconds: u64) -> Memory {
        store.transact(|tx| tx.recall("modem0", boot, at(seconds))).unwrap()
    }

    #[test]
    fn a_text_whose_try_was_cut_off_may_have_been_sent() {
        let mut store = Store::in_memory().unwrap();
        let short = leased(&mut store, "sms:modem0", "K7 Ada");
        leased(&mut store, "sms:modem1", "not ours");
        assert_eq!(recall(&mut store, boot(1), 10), Memory::default(), "under way");
        let want = SmsPart { sim: "modem0".into(), accepted: false, reference: None, ..part(short, 1, 1, 5) };
        assert_eq!(recall(&mut store, boot(2), 10).parts, std::slice::from_ref(&want), "cut off");
        store.transact(|tx| tx.adopt(short.job, JobState::Unknown, at(20), 1, at(10))).unwrap();
        assert_eq!(recall(&mut store, boot(2), 10).parts, [want], "waits for its look-up");
        store.transact(|tx| tx.adopt(short.job, JobState::Done, at(20), 1, at(10))).unwrap();
        assert_eq!(recall(&mut store, boot(2), 10).parts, [], "settled");
    }

    #[test]
    fn of_a_longer_text_it_is_the_part_after_those_that_were_taken() {
        for (name, kept, want) in [
            ("nothing was kept", vec![], vec![(1, false)]),
            ("one was taken", vec![(1, true)], vec![(1, true), (2, false)]),
            ("the next was told as written", vec![(1, true), (2, false)], vec![(1, true), (2, false)]),
            ("all were taken", vec![(1, true), (2, true)], vec![(1, true), (2, true)]),
        ] {
            let mut store = Store::in_memory().unwrap();
            let key = leased(&mut store, "sms:modem0", &"x".repeat(200));
            for (n, accepted) in kept {
                let part = SmsPart { accepted, ..part(key, n, 2, 5) };
                store.transact(|tx| tx.keep_part("modem0", &part)).unwrap();
            }
            let parts = recall(&mut store, boot(2), 10).parts;
            let seen: Vec<(u8, bool)> = parts.iter().map(|part| (part.key.part, part.accepted)).collect();
            assert_eq!(seen, want, "{name}");
            assert!(parts.iter().all(|part| part.total == 2 && part.key.text == key), "{name}");
        }
    }

    #[test]
    fn what_is_kept_is_recalled_while_it_matters() {
        let mut store = Store::in_memory().unwrap();
        let pin = PinTry { sims: vec!["8901".into()], mark: "m".into(), at: at(0), outcome: PinOutcome::Refused };
        let (early, late) = (part(text(1), 1, 1, 20), part(text(2), 1, 1, 10));
        store
            .transact(|tx| {
                tx.keep_part("modem0", &early)?;
                tx.keep_part("modem0", &late)?;
                tx.keep_part("modem1", &part(text(3), 1, 1, 5))?;
                tx.keep_report("modem0", &report(30, None))?;
                tx.keep_report("modem0", &report(31, Some(early.key)))?;
                tx.keep_report("modem1", &report(32, None))?;
                tx.keep_turn("modem0", &turn(40, ModemState::Recovering, Some(2)))?;
                tx.keep_pin(&pin)?;
                tx.keep_harm("350000", at(50))
            })
            .unwrap();
        let all = Memory {
            parts: vec![late, early],
            reports: vec![report(30, None)],
            pins: vec![pin],
            rungs: vec![(at(40), 2)],
            harmed: vec!["350000".into()],
            last: Some((ModemState::Recovering, Some("it doesn't answer".into()))),
        };
        assert_eq!(recall(&mut store, boot(2), 60), all);
        let hour = recall(&mut store, boot(2), 3_641);
        assert_eq!((hour.parts.len(), hour.reports.len(), hour.rungs.len()), (2, 0, 0), "an hour later");
        let day = recall(&mut store, boot(2), 86_411);
        assert_eq!((day.parts.len(), day.pins.len(), day.harmed.len()), (1, 1, 1), "a day later");
        let empty = Store::in_memory().unwrap().transact(|tx: Tx<'_>| tx.recall("modem0", boot(1), at(0))).unwrap();
        assert_eq!(empty, Memory::default());
    }
}
