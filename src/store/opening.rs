//! What a lead begins with: its row and its first jobs, at once or as soon as its record was read.
//!
//! A lead whose webhook only points to a record is opened unread: the record is read by a job, and a person is told of
//! it at the deadline like of any other. Reading fills the row, or finds that it is no new lead.

use std::time::Duration;

use rusqlite::named_params;

use super::{Arrival, Received, StoreError, Tx};
use crate::model::{Channel, ClassifyTask, CrmRead, LeadCode, LeadId, NewJob, NewLead, Priority, Task, Timestamp};

/// The first jobs of every lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The channel that classifies; `None` when no model is configured.
    pub classify_on: Option<Channel>,
    /// When a person is told of a lead that has no label yet.
    pub deadline_after: Duration,
    /// When classifying is given up.
    pub give_up_after: Duration,
    /// When reading a record is given up.
    pub read_give_up_after: Duration,
}

/// What a record that was read turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// A lead; its classification is queued.
    Opened,
    /// The same as another lead.
    Duplicate(LeadId),
}

/// Why a lead whose record was read is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dropped {
    Duplicate(LeadId),
    Empty,
}

impl Tx<'_> {
    /// A lead of which everything is known.
    pub(super) fn open_lead(
        self,
        id: LeadId,
        arrival: &Arrival,
        new: &NewLead,
        opening: &Opening,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.insert_lead(id, arrival, (new.crm.as_ref(), new.record_id.as_deref()), Some(new))?;
        let asked = self.open_classify(id, new, opening, now)?;
        let wait = if asked { opening.deadline_after } else { Duration::ZERO };
        self.open_deadline(id, wait, opening, now)
    }

    /// A lead of which only the record is known.
    pub(super) fn open_unread(
        self,
        id: LeadId,
        arrival: &Arrival,
        read: &CrmRead,
        opening: &Opening,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.insert_lead(id, arrival, (Some(&read.record.channel), Some(&read.record.id)), None)?;
        self.open_read(id, read.clone(), now, now.after(opening.read_give_up_after), now)?;
        self.open_deadline(id, opening.deadline_after, opening, now)
    }

    /// Queues a look into the lead's record.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn open_read(
        self,
        lead: LeadId,
        read: CrmRead,
        due_at: Timestamp,
        deadline_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let channel = read.record.channel.clone();
        let job = NewJob { lead, task: Task::CrmRead(read), channel, priority: Priority::Urgent, due_at, deadline_at };
        self.insert_job(&job, now).map(drop)
    }

    /// Gives a lead the fields of its record, and its classification; or finds whose duplicate it is.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn fill_lead(
        self,
        lead: LeadId,
        new: &NewLead,
        opening: &Opening,
        now: Timestamp,
    ) -> Result<Filled, StoreError> {
        const LEAD: &str = "
            UPDATE leads SET name = :name, email = :email, phone_text = :phone_text, raw_message = :message, message = NULL, phone = NULL
             WHERE id = :id";
        const INBOX: &str =
            "UPDATE inbox SET content_key = :key WHERE lead_id = :id AND verdict = 'accepted' AND content_key IS NULL";
        if let Some(Received::Duplicate(of) | Received::Repeat(of)) = self.known_words(new, now)?
            && of != lead
        {
            self.drop_as(lead, Dropped::Duplicate(of), now)?;
            return Ok(Filled::Duplicate(of));
        }
        let id = lead.to_string();
        self.connection.prepare_cached(LEAD)?.execute(named_params! {
            ":id": id, ":name": new.name, ":email": new.email, ":phone_text": new.phone_text,
            ":message": new.message,
        })?;
        self.connection.prepare_cached(INBOX)?.execute(named_params! { ":id": id, ":key": new.content_key })?;
        if !self.open_classify(lead, new, opening, now)? {
            self.hasten(lead, "classify_deadline", now)?;
        }
        Ok(Filled::Opened)
    }

    /// Nobody wrote: the record was made by hand, or by a machine.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn drop_empty(self, lead: LeadId, now: Timestamp) -> Result<(), StoreError> {
        self.drop_as(lead, Dropped::Empty, now)
    }

    fn drop_as(self, lead: LeadId, dropped: Dropped, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE leads SET dropped_as = :as, duplicate_of = :of WHERE id = :id";
        let (word, of, why) = match dropped {
            Dropped::Duplicate(of) => ("duplicate", Some(of.to_string()), "the record says what another lead said"),
            Dropped::Empty => ("empty", None, "the record holds no message"),
        };
        self.connection
            .prepare_cached(SQL)?
            .execute(named_params! { ":id": lead.to_string(), ":as": word, ":of": of })?;
        self.cancel_waiting(lead, "classify_deadline", None, why, now)
    }

    fn insert_lead(
        self,
        id: LeadId,
        arrival: &Arrival,
        (crm, record): (Option<&Channel>, Option<&str>),
        new: Option<&NewLead>,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT INTO leads (number, id, code, source, received_at, crm_channel, crm_record, name, email, phone_text, raw_message)
            VALUES (:number, :id, :code, :source, :at, :crm_channel, :crm_record, :name, :email, :phone_text, :message)";
        let mut last = self.connection.prepare_cached("SELECT coalesce(max(number), 0) FROM leads")?;
        let number = last.query_row([], |row| row.get::<_, i64>(0))?.saturating_add(1);
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":number": number, ":id": id.to_string(), ":code": LeadCode::of(number).to_string(), ":source": arrival.source,
            ":at": arrival.received_at.to_string(), ":crm_channel": record.and(crm).map(Channel::as_str),
            ":crm_record": record, ":name": new.and_then(|new| new.name.as_deref()),
            ":email": new.and_then(|new| new.email.as_deref()), ":phone_text": new.and_then(|new| new.phone_text.as_deref()),
            ":message": new.map_or("", |new| new.message.as_str()),
        })?;
        Ok(())
    }

    /// Asks a model, if there is one and something to ask. `false`: a person decides.
    fn open_classify(self, lead: LeadId, new: &NewLead, opening: &Opening, now: Timestamp) -> Result<bool, StoreError> {
        let Some(channel) = opening.classify_on.clone().filter(|_| !new.message.is_empty()) else { return Ok(false) };
        let task = Task::Classify(ClassifyTask::default());
        let deadline_at = now.after(opening.give_up_after);
        let job = NewJob { lead, task, channel, priority: Priority::Normal, due_at: now, deadline_at };
        self.insert_job(&job, now)?;
        Ok(true)
    }

    /// The timer that doesn't wait for a model, nor for a CRM.
    fn open_deadline(self, lead: LeadId, wait: Duration, opening: &Opening, now: Timestamp) -> Result<(), StoreError> {
        let timer = NewJob::timer(lead, Task::ClassifyDeadline {}, now.after(wait), now.after(opening.give_up_after));
        self.insert_job(&timer, now).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Gate, Pointed, Store};
    use super::*;
    use crate::model::{CrmRecord, JobState, Lane};

    fn opening() -> Opening {
        Opening {
            classify_on: Some(Channel::new(Lane::Llm, "openai")),
            deadline_after: Duration::from_secs(45),
            give_up_after: Duration::from_hours(24),
            read_give_up_after: Duration::from_hours(72),
        }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000).after(Duration::from_secs(seconds))
    }

    fn arrival(seconds: u64) -> Arrival {
        Arrival {
            received_at: at(seconds),
            source: "crm".into(),
            method: "POST".into(),
            target: "/hooks/crm".into(),
            headers: Vec::new(),
            body: b"[]".to_vec(),
        }
    }

    fn pointed(event: &str) -> Gate {
        let record = CrmRecord { channel: Channel::new(Lane::Crm, "hubspot"), id: "601".into() };
        let read = CrmRead { record, account: None, again: false, expects_message: true };
        Gate::Pointed(Pointed { read, event_key: Some(event.into()) })
    }

    fn read(message: &str) -> NewLead {
        NewLead {
            crm: Some(Channel::new(Lane::Crm, "hubspot")),
            record_id: Some("601".into()),
            name: Some("Eva Falk".into()),
            email: Some("eva@example.com".into()),
            phone_text: None,
            message: message.into(),
            event_key: None,
            content_key: format!("key of {message}"),
        }
    }

    fn open_kinds(store: &mut Store, lead: LeadId) -> Vec<String> {
        let jobs = store.transact(|tx| tx.job_rows(lead)).unwrap().into_iter();
        let mut kinds: Vec<String> =
            jobs.filter(|job| job.state == JobState::Ready.name()).map(|job| job.kind).collect();
        kinds.sort();
        kinds
    }

    fn accepted(store: &mut Store, gate: &Gate, seconds: u64) -> LeadId {
        let received = store.transact(|tx| tx.receive(&arrival(seconds), gate, &opening())).unwrap();
        let Received::Accepted(lead) = received else { panic!("{received:?}") };
        lead
    }

    #[test]
    fn a_record_is_read_and_becomes_a_lead() {
        let mut store = Store::in_memory().unwrap();
        let lead = accepted(&mut store, &pointed("a"), 0);
        assert_eq!(open_kinds(&mut store, lead), ["classify_deadline", "crm_read"]);
        let again = store.transact(|tx| tx.receive(&arrival(1), &pointed("a"), &opening())).unwrap();
        assert_eq!(again, Received::Duplicate(lead), "the same event");
        let filled = store.transact(|tx| tx.fill_lead(lead, &read("Hi"), &opening(), at(2))).unwrap();
        assert_eq!(filled, Filled::Opened);
        assert_eq!(open_kinds(&mut store, lead), ["classify", "classify_deadline", "crm_read"]);
        let row = store.transact(|tx| tx.lead(lead)).unwrap().unwrap();
        assert_eq!((row.raw_message.as_str(), row.email.as_deref()), ("Hi", Some("eva@example.com")));
    }

    #[test]
    fn a_record_that_says_what_another_lead_said_is_dropped() {
        let mut store = Store::in_memory().unwrap();
        let first = accepted(&mut store, &Gate::Passed(read("Hi")), 0);
        for (seconds, event, message, want) in
            [(10, "a", "Hi", Filled::Duplicate(first)), (20, "b", "And one more", Filled::Opened)]
        {
            let lead = accepted(&mut store, &pointed(event), seconds);
            let filled = store.transact(|tx| tx.fill_lead(lead, &read(message), &opening(), at(seconds))).unwrap();
            assert_eq!(filled, want, "{message}");
            let dropped = store.transact(|tx| tx.lead(lead)).unwrap().unwrap().dropped;
            assert_eq!(dropped, want != Filled::Opened, "{message}");
            assert_eq!(open_kinds(&mut store, lead).contains(&"classify_deadline".to_owned()), !dropped, "{message}");
        }
    }

    #[test]
    fn without_words_a_person_decides_at_once() {
        let mut store = Store::in_memory().unwrap();
        let silent = accepted(&mut store, &Gate::Passed(read("")), 0);
        let jobs = store.transact(|tx| tx.job_rows(silent)).unwrap();
        let seen: Vec<(&str, String)> = jobs.iter().map(|job| (job.kind.as_str(), job.due_at.clone())).collect();
        assert_eq!(seen, [("classify_deadline", at(0).to_string())]);
        let lead = accepted(&mut store, &pointed("a"), 10);
        let other = NewLead { content_key: "another".into(), ..read("") };
        store.transact(|tx| tx.fill_lead(lead, &other, &opening(), at(12))).unwrap();
        let jobs = store.transact(|tx| tx.job_rows(lead)).unwrap();
        let timer = jobs.iter().find(|job| job.kind == "classify_deadline").unwrap();
        assert_eq!(timer.due_at, at(12).to_string());
    }

    #[test]
    fn each_part_of_a_request_has_a_row_and_one_has_the_body() {
        let mut store = Store::in_memory().unwrap();
        let failed = Gate::Failed { reason: "no message".into() };
        let ignored = Gate::Ignored { reason: "contact.deletion is not acted on".into() };
        let gates = [Gate::Passed(read("Hi")), ignored, failed, Gate::Passed(read("Hi"))];
        let arrival = Arrival { headers: vec![("content-type".into(), "application/json".into())], ..arrival(0) };
        let received = store.transact(|tx| tx.receive_all(&arrival, &gates, &opening())).unwrap();
        let [Received::Accepted(lead), Received::Ignored(_), Received::GateFailed(inbox), Received::Duplicate(same)] =
            received[..]
        else {
            panic!("{received:?}")
        };
        assert_eq!(lead, same);
        let stored = store.transact(|tx| tx.inbox_request(inbox)).unwrap().unwrap();
        assert_eq!((stored.part, &stored.arrival), (2, &arrival));
        let again =
            store.transact(|tx| tx.receive_again(inbox, &arrival, &Gate::Passed(read("Two")), &opening(), at(9)));
        assert!(matches!(again.unwrap(), Received::Accepted(_)));
    }
}
