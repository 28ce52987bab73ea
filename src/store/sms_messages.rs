//! Texts that were handed to a network, or may have been, and what became of them.

use rusqlite::{OptionalExtension, named_params};

use super::jobs::job_of;
use super::{StoreError, Tx, rows};
use crate::model::{Channel, Job, JobId, JobState, LeadId, RowId, SmsReceipt, Task, Timestamp};

impl Tx<'_> {
    /// Whether a text about the lead was sent, or may have been, and nobody says that it got lost.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn may_be_texted(self, lead: LeadId) -> Result<bool, StoreError> {
        const SQL: &str = "
            SELECT EXISTS (SELECT 1 FROM jobs j JOIN sms_messages s ON s.job_id = j.id WHERE j.lead_id = :lead AND s.state <> 'failed')";
        let mut query = self.connection.prepare_cached(SQL)?;
        Ok(query.query_row(named_params! { ":lead": lead.to_string() }, |row| row.get(0))?)
    }

    /// A text that may have been sent was looked up: it was not.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn forget_sms(self, job: &Job) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM sms_messages WHERE job_id = :job AND state = 'unknown'";
        self.connection.prepare_cached(SQL)?.execute(named_params! { ":job": job.id.to_string() })?;
        Ok(())
    }

    /// Keeps a text that was handed to a network, or may have been; whatever was known of an earlier try is history.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn set_sms(
        self,
        job: &Job,
        state: &str,
        reference: Option<&str>,
        parts: Option<u32>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT INTO sms_messages (job_id, lead_id, channel, who, number, text, repeat, state, reference, parts, submitted_at)
            VALUES (:job, :lead, :channel, :who, :number, :text, :repeat, :state, :reference, :parts, :now)
                ON CONFLICT (job_id) DO UPDATE SET
                   channel = :channel, text = :text, repeat = :repeat, state = :state, reference = :reference, parts = :parts,
                   submitted_at = :now, delivered_at = NULL, failed_at = NULL, failure = NULL";
        let Task::Sms(sms) = &job.task else { return Ok(()) };
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":job": job.id.to_string(), ":lead": job.lead.to_string(), ":channel": job.channel.as_str(), ":who": sms.who,
            ":number": sms.to.as_str(), ":text": sms.text, ":repeat": sms.repeat, ":state": state, ":reference": reference,
            ":parts": parts, ":now": now.to_string(),
        })?;
        Ok(())
    }

    /// The phone has the text, whatever was thought before. `false`: that was known.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn deliver_sms(self, job: &Job, receipt: &SmsReceipt, now: Timestamp) -> Result<bool, StoreError> {
        const SQL: &str = "
            UPDATE sms_messages SET state = 'delivered', delivered_at = :now, failed_at = NULL, failure = NULL,
                                    reference = coalesce(reference, :reference), parts = coalesce(parts, :parts)
             WHERE job_id = :job AND state <> 'delivered'";
        if self.sms_state(job.id)?.is_none() {
            self.set_sms(job, "submitted", Some(&receipt.reference), Some(receipt.parts), now)?;
        }
        let changed = self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":job": job.id.to_string(), ":now": now.to_string(), ":reference": receipt.reference, ":parts": receipt.parts,
        })?;
        Ok(changed > 0)
    }

    /// The network gave the text up. `false`: that was known, or the phone has it, or it never left.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn fail_sms(self, job: JobId, why: &str, now: Timestamp) -> Result<bool, StoreError> {
        const SQL: &str = "
            UPDATE sms_messages SET state = 'failed', failed_at = :now, failure = :why
             WHERE job_id = :job AND state IN ('submitted', 'unknown')";
        let params = named_params! { ":job": job.to_string(), ":now": now.to_string(), ":why": why };
        Ok(self.connection.prepare_cached(SQL)?.execute(params)? > 0)
    }

    /// What is known of a job's text: `unknown`, `submitted`, `delivered` or `failed`; `None`: it never left.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn sms_state(self, job: JobId) -> Result<Option<String>, StoreError> {
        let mut query = self.connection.prepare_cached("SELECT state FROM sms_messages WHERE job_id = :job")?;
        Ok(query.query_row(named_params! { ":job": job.to_string() }, |row| row.get(0)).optional()?)
    }

    /// The job of a text that the vendor behind `channel` calls `reference`, if it is no older than `since`.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn sent_as(self, channel: &Channel, reference: &str, since: Timestamp) -> Result<Option<JobId>, StoreError> {
        // Ids begin with their time: only the newest rows are looked at.
        const SQL: &str = "
            SELECT job_id FROM sms_messages WHERE job_id >= :oldest AND channel = :channel AND reference = :reference";
        let oldest = JobId::new(since, [0; 10]).to_string();
        let params = named_params! { ":oldest": oldest, ":channel": channel.as_str(), ":reference": reference };
        let mut query = self.connection.prepare_cached(SQL)?;
        query.query_and_then(params, |row| rows::parsed(row, "job_id"))?.next().transpose()
    }

    /// The texts of a lead that are legs of the same alert as `job`, in order: each leg took over from the one before.
    /// What can't be read is left out.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn legs(self, job: &Job) -> Result<Vec<(Job, JobState)>, StoreError> {
        const SQL: &str = "SELECT * FROM jobs WHERE lead_id = :lead AND kind = 'sms' ORDER BY generation";
        let mut query = self.connection.prepare_cached(SQL)?;
        let found = query.query_and_then(named_params! { ":lead": job.lead.to_string() }, |row| {
            Ok::<_, StoreError>(job_of(row).and_then(|job| Ok((job, rows::job_state(row, "state")?))).ok())
        })?;
        let all: Vec<(Job, JobState)> = found.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        let thread = |job: &Job| if let Task::Sms(sms) = &job.task { Some(sms.thread) } else { None };
        let of_it: Vec<(Job, JobState)> = all.into_iter().filter(|(leg, _)| thread(leg) == thread(job)).collect();
        let begins = |(leg, _): &(Job, JobState)| matches!(&leg.task, Task::Sms(sms) if sms.leg == 0);
        let mut alerts = of_it.chunk_by(|_, next| !begins(next));
        Ok(alerts.find(|legs| legs.iter().any(|(leg, _)| leg.id == job.id)).map(<[_]>::to_vec).unwrap_or_default())
    }

    /// A job whose outcome is unknown is looked up now.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn look_up_now(self, job: JobId, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE jobs SET due_at = :now WHERE id = :job AND state = 'unknown' AND due_at > :now";
        self.connection
            .prepare_cached(SQL)?
            .execute(named_params! { ":job": job.to_string(), ":now": now.to_string() })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::super::sms_parts::tests::{at, part};
    use super::super::sms_reports::tests::report;
    use super::*;
    use crate::model::{Fate, Lane, NewJob, PartReport, Priority, SmsStatus, SmsTask, TextKey};

    fn text(store: &mut Store, leg: u32) -> Job {
        let task = Task::Sms(SmsTask {
            to: "+15551230001".parse().unwrap(),
            who: "Dana".into(),
            text: "K7".into(),
            repeat: false,
            leg,
            failover_at: None,
            refused: 0,
            thread: 0,
            is_answer: false,
            is_test: false,
        });
        let (lead, channel) = (LeadId::new(at(0), [1; 10]), Channel::new(Lane::Sms, "modem0"));
        let (due_at, deadline_at) = (at(0), at(3_600));
        let new = NewJob { lead, task, channel, priority: Priority::Urgent, due_at, deadline_at };
        store.transact(|tx| Ok(tx.job(tx.insert_job(&new, at(0))?)?.unwrap().0)).unwrap()
    }

    #[test]
    fn what_is_known_of_a_text_only_grows() {
        let mut store = Store::in_memory().unwrap();
        let job = text(&mut store, 0);
        let receipt = SmsReceipt { reference: "7".into(), parts: 1, delivered: true };
        let state = |store: &mut Store| store.transact(|tx| tx.sms_state(job.id)).unwrap();
        let told = |store: &mut Store| store.transact(|tx| tx.may_be_texted(job.lead)).unwrap();
        assert!(!store.transact(|tx| tx.fail_sms(job.id, "why", at(1))).unwrap(), "it never left");
        store.transact(|tx| tx.set_sms(&job, "submitted", Some("7"), Some(1), at(1))).unwrap();
        assert!(told(&mut store));
        assert!(store.transact(|tx| tx.fail_sms(job.id, "why", at(2))).unwrap());
        assert!(!store.transact(|tx| tx.fail_sms(job.id, "again", at(3))).unwrap(), "known");
        assert_eq!((state(&mut store).as_deref(), told(&mut store)), (Some("failed"), false));
        assert!(store.transact(|tx| tx.deliver_sms(&job, &receipt, at(4))).unwrap(), "after all");
        assert!(!store.transact(|tx| tx.deliver_sms(&job, &receipt, at(5))).unwrap(), "known");
        assert!(!store.transact(|tx| tx.fail_sms(job.id, "late", at(6))).unwrap(), "never taken back");
        assert_eq!((state(&mut store).as_deref(), told(&mut store)), (Some("delivered"), true));
    }

    #[test]
    fn a_text_is_found_by_what_its_vendor_calls_it() {
        let mut store = Store::in_memory().unwrap();
        let job = text(&mut store, 0);
        store.transact(|tx| tx.set_sms(&job, "submitted", Some("SM7"), Some(1), at(1))).unwrap();
        for (name, channel, reference, since, want) in [
            ("its own", "modem0", "SM7", at(0), Some(job.id)),
            ("another id", "modem0", "SM8", at(0), None),
            ("another vendor", "twilio", "SM7", at(0), None),
            ("too old", "modem0", "SM7", at(1), None),
        ] {
            let channel = Channel::new(Lane::Sms, channel);
            assert_eq!(store.transact(|tx| tx.sent_as(&channel, reference, since)).unwrap(), want, "{name}");
        }
    }

    #[test]
    fn only_the_polls_of_a_text_are_cancelled_with_it() {
        let mut store = Store::in_memory().unwrap();
        let jobs = [0, 1].map(|leg| text(&mut store, leg));
        let polls = jobs.clone().map(|job| {
            let text = TextKey { job: job.id, generation: job.generation };
            let new = NewJob {
                lead: job.lead,
                task: Task::SmsStatus(SmsStatus { text, reference: "SM7".into() }),
                channel: Channel::new(Lane::Desk, "twilio"),
                priority: Priority::Low,
                due_at: at(5),
                deadline_at: at(600),
            };
            store.transact(|tx| tx.insert_job(&new, at(0))).unwrap()
        });
        let told = &jobs[0];
        store.transact(|tx| tx.cancel_waiting(told.lead, "sms_status", Some(told.id), "told", at(2))).unwrap();
        let states = polls.map(|poll| store.transact(|tx| tx.job(poll)).unwrap().unwrap().1);
        assert_eq!(states, [JobState::Cancelled, JobState::Ready]);
        let texts = jobs.map(|job| store.transact(|tx| tx.job(job.id)).unwrap().unwrap().1);
        assert_eq!(texts, [JobState::Ready, JobState::Ready]);
    }

    #[test]
    fn legs_are_those_of_one_alert() {
        let mut store = Store::in_memory().unwrap();
        let jobs: Vec<Job> = [0, 1, 2, 0, 1].into_iter().map(|leg| text(&mut store, leg)).collect();
        for (nth, want) in [(0, 0..3), (1, 0..3), (2, 0..3), (3, 3..5), (4, 3..5)] {
            let legs = store.transact(|tx| tx.legs(&jobs[nth])).unwrap();
            let ids: Vec<JobId> = legs.into_iter().map(|(leg, _)| leg.id).collect();
            assert_eq!(ids, jobs[want].iter().map(|job| job.id).collect::<Vec<_>>(), "{nth}");
        }
    }

    #[test]
    fn the_timeline_tells_what_became_of_a_text() {
        let mut store = Store::in_memory().unwrap();
        let job = text(&mut store, 0);
        let key = TextKey { job: job.id, generation: job.generation };
        let of_two = |n| part(key, n, 2, 1);
        let heard = |seconds, n: u8, fate: Fate| PartReport {
            fate,
            pdu: format!("{n}"),
            ..report(seconds, Some(of_two(n).key))
        };
        store
            .transact(|tx| {
                tx.set_sms(&job, "submitted", Some("1,2"), Some(2), at(1))?;
                tx.keep_part("modem0", &of_two(1))?;
                tx.keep_part("modem0", &of_two(2))?;
                tx.keep_report("modem0", &heard(2, 1, Fate::Delivered))?;
                tx.keep_report("modem0", &heard(3, 2, Fate::FailedForGood))?;
                tx.fail_sms(job.id, "the phone is off", at(4))?;
                Ok(())
            })
            .unwrap();
        let mut query = store.connection.prepare("SELECT what || ' (' || detail || ')' FROM v_timeline").unwrap();
        let told: Vec<String> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let want = [
            "report on sms:modem0: delivered (part 1 of 2, to 5551230001, status 0)",
            "report on sms:modem0: failed permanent (part 2 of 2, to 5551230001, status 0)",
            "text on sms:modem0 not delivered (the phone is off)",
        ];
        assert_eq!(told, want);
    }
}
