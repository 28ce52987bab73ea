//! Webhooks as they arrived, and the two looks that find a duplicate.
//!
//! One transaction makes the raw request, the lead and its first jobs durable together: after it, nothing that the
//! sender was told 2xx about can be lost.

use std::time::Duration;

use rusqlite::{OptionalExtension, named_params};

use super::arrival::{Arrival, body_of, headers_of};
use super::{NewDeadLetter, StoreError, Tx, rows};
use crate::model::{
    Channel, CrmRecord, Fault, InboxId, LeadCode, LeadId, NewJob, Phone, Priority, RowId, Stage, Task, Timestamp,
};

/// How long an event, or the same words for the same CRM record, counts as the same lead.
const SAME_LEAD_FOR: Duration = Duration::from_hours(7 * 24);
/// Without a record id: how long the same words are a sender's retry.
const RETRY_FOR: Duration = Duration::from_mins(10);
/// Without a record id: how long the same words are the same person writing again.
const REPEAT_FOR: Duration = Duration::from_hours(24);

/// What the gate read from a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// A lead.
    Passed(NewLead),
    /// No lead: why, in words, with what was found instead.
    Failed {
        /// Why.
        reason: String,
    },
    /// Reading it made the program panic.
    Crashed {
        /// What the panic said.
        reason: String,
    },
}

/// A lead as the gate read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLead {
    /// Its record in a CRM.
    pub record: Option<CrmRecord>,
    /// The prospect's name.
    pub name: Option<String>,
    /// The prospect's e-mail address.
    pub email: Option<String>,
    /// The prospect's number as typed.
    pub phone_text: Option<String>,
    /// The prospect's number, if it is valid.
    pub phone: Option<Phone>,
    /// The message as sent.
    pub message: String,
    /// The sender's id of the event, where there is one.
    pub event_key: Option<String>,
    /// Hash of CRM account, record, normalised message, e-mail and phone; of the whole body, if nothing says who wrote.
    pub content_key: String,
}

/// The first jobs of every lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The channel that classifies; `None` when no model is configured.
    pub classify_on: Option<Channel>,
    /// When a person is told of a lead that has no label yet.
    pub deadline_after: Duration,
    /// When classifying is given up.
    pub give_up_after: Duration,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// A new lead.
    Accepted(LeadId),
    /// The same event or the same words again.
    Duplicate(LeadId),
    /// The same person with the same words, later.
    Repeat(LeadId),
    /// No lead could be read from it.
    GateFailed(InboxId),
}

impl Tx<'_> {
    /// Makes a request durable and, if it is a new lead, the lead with its first jobs. Finds duplicates itself, in the
    /// same transaction: of 64 identical requests in one group, one becomes a lead.
    ///
    /// # Errors
    /// When the database can't be written; then nothing of this request is stored.
    pub fn receive(self, arrival: &Arrival, gate: &Gate, opening: &Opening) -> Result<Received, StoreError> {
        let inbox = InboxId::fresh(arrival.received_at);
        match gate {
            Gate::Failed { reason } => {
                self.insert_inbox(inbox, arrival, "gate_failed", Some(reason), None, None)?;
                self.fail_gate(inbox, arrival, reason)?;
                Ok(Received::GateFailed(inbox))
            }
            Gate::Crashed { reason } => {
                self.insert_inbox(inbox, arrival, "gate_failed", Some(reason), None, None)?;
                self.crash_gate(inbox, arrival, reason)?;
                Ok(Received::GateFailed(inbox))
            }
            Gate::Passed(new) => {
                if let Some(known) = self.known(arrival, new)? {
                    let (word, lead) = match known {
                        Received::Repeat(lead) => ("repeat", lead),
                        Received::Duplicate(lead) | Received::Accepted(lead) => ("duplicate", lead),
                        Received::GateFailed(_) => return Ok(known),
                    };
                    self.insert_inbox(inbox, arrival, word, None, Some(lead), Some(new))?;
                    return Ok(known);
                }
                let lead = LeadId::fresh(arrival.received_at);
                self.insert_inbox(inbox, arrival, "accepted", None, Some(lead), Some(new))?;
                self.open_lead(lead, arrival, new, opening, arrival.received_at)?;
                Ok(Received::Accepted(lead))
            }
        }
    }

    /// Turns a stored webhook that failed the gate into a lead, after the field mapping was mended.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn receive_again(
        self,
        inbox: InboxId,
        stored: &Arrival,
        new: &NewLead,
        opening: &Opening,
        now: Timestamp,
    ) -> Result<Received, StoreError> {
        const SQL: &str = "
            UPDATE inbox SET verdict = :verdict, reason = NULL, lead_id = :lead, event_key = :event_key, content_key = :content_key
             WHERE id = :id";
        let known = self.known(stored, new)?;
        let (verdict, lead) = match known {
            Some(Received::Duplicate(lead) | Received::Accepted(lead)) => ("duplicate", lead),
            Some(Received::Repeat(lead)) => ("repeat", lead),
            Some(Received::GateFailed(_)) | None => ("accepted", LeadId::fresh(stored.received_at)),
        };
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":id": inbox.to_string(), ":verdict": verdict, ":lead": lead.to_string(), ":event_key": new.event_key,
            ":content_key": new.content_key,
        })?;
        if known.is_none() {
            self.open_lead(lead, stored, new, opening, now)?;
        }
        Ok(known.unwrap_or(Received::Accepted(lead)))
    }

    /// A webhook as it came.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn inbox_request(self, id: InboxId) -> Result<Option<Arrival>, StoreError> {
        let mut query = self.connection.prepare_cached("SELECT * FROM inbox WHERE id = :id")?;
        query.query_row(named_params! { ":id": id.to_string() }, |row| Ok(Arrival::of(row))).optional()?.transpose()
    }

    fn insert_inbox(
        self,
        id: InboxId,
        arrival: &Arrival,
        verdict: &str,
        reason: Option<&str>,
        lead: Option<LeadId>,
        new: Option<&NewLead>,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT INTO inbox (id, received_at, source, method, target, headers, body, verdict, reason, lead_id, event_key, content_key)
            VALUES (:id, :at, :source, :method, :target, :headers, :body, :verdict, :reason, :lead, :event_key, :content_key)";
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":id": id.to_string(), ":at": arrival.received_at.to_string(), ":source": arrival.source,
            ":method": arrival.method, ":target": arrival.target, ":headers": headers_of(arrival),
            ":body": body_of(arrival), ":verdict": verdict, ":reason": reason, ":lead": lead.map(|id| id.to_string()),
            ":event_key": new.and_then(|new| new.event_key.as_deref()),
            ":content_key": new.map(|new| new.content_key.as_str()),
        })?;
        Ok(())
    }

    fn fail_gate(self, inbox: InboxId, arrival: &Arrival, reason: &str) -> Result<(), StoreError> {
        let what_to_do = "mend the source's field pointers in the configuration, restart, then `nightdesk dlq retry`";
        self.bury_at_gate(inbox, arrival, "permanent", reason, what_to_do)?;
        self.alert(
            &format!("gate:{}", arrival.source),
            &format!("source {} sends requests from which no lead can be read: {reason}", arrival.source),
            "the sender's payload may have changed: `nightdesk dlq list --stage gate`",
            arrival.received_at,
        )
    }

    fn crash_gate(self, inbox: InboxId, arrival: &Arrival, reason: &str) -> Result<(), StoreError> {
        let what_to_do =
            "a mistake of this program: report it with the payload; `nightdesk dlq retry` after an upgrade";
        self.bury_at_gate(inbox, arrival, Fault::Crash.name(), reason, what_to_do)?;
        self.alert(
            &format!("crash:{}", arrival.source),
            &format!("a request to source {} made the program panic: {reason}", arrival.source),
            "all other leads go on; see `nightdesk dlq list --stage gate` and call this lead by hand",
            arrival.received_at,
        )
    }

    fn bury_at_gate(
        self,
        inbox: InboxId,
        arrival: &Arrival,
        class: &str,
        reason: &str,
        what_to_do: &str,
    ) -> Result<(), StoreError> {
        let letter = NewDeadLetter {
            stage: Stage::Gate,
            class,
            reason,
            what_to_do,
            job: None,
            inbox: Some(inbox),
            lead: None,
            payload: &String::from_utf8_lossy(&arrival.body),
        };
        self.add_dead_letter(&letter, arrival.received_at)
    }

    /// The lead this request belongs to already, if any.
    fn known(self, arrival: &Arrival, new: &NewLead) -> Result<Option<Received>, StoreError> {
        const EVENT: &str = "
            SELECT lead_id FROM inbox WHERE source = :source AND event_key = :key AND event_key IS NOT NULL
               AND verdict = 'accepted' AND received_at > :since";
        const CONTENT: &str = "
            SELECT lead_id, received_at FROM inbox WHERE content_key = :key AND verdict = 'accepted' AND received_at > :since
             ORDER BY received_at DESC LIMIT 1";
        if crate::failpoint::removed("dedupe") {
            return Ok(None);
        }
        let now = arrival.received_at;
        let week = now.before(SAME_LEAD_FOR).to_string();
        if let Some(key) = &new.event_key {
            let params = named_params! { ":source": arrival.source, ":key": key, ":since": week };
            let mut query = self.connection.prepare_cached(EVENT)?;
            if let Some(lead) =
                query.query_row(params, |row| Ok(rows::parsed(row, "lead_id"))).optional()?.transpose()?
            {
                return Ok(Some(Received::Duplicate(lead)));
            }
        }
        let since = if new.record.is_some() { week } else { now.before(REPEAT_FOR).to_string() };
        let mut query = self.connection.prepare_cached(CONTENT)?;
        let found = query.query_row(named_params! { ":key": new.content_key, ":since": since }, |row| {
            Ok(rows::parsed(row, "lead_id").and_then(|lead| Ok((lead, rows::parsed::<Timestamp>(row, "received_at")?))))
        });
        Ok(found.optional()?.transpose()?.map(|(lead, at)| {
            if new.record.is_some() || at > now.before(RETRY_FOR) {
                Received::Duplicate(lead)
            } else {
                Received::Repeat(lead)
            }
        }))
    }

    fn open_lead(
        self,
        id: LeadId,
        arrival: &Arrival,
        new: &NewLead,
        opening: &Opening,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT INTO leads (number, id, code, source, received_at, crm_channel, crm_record, name, email, phone_text, phone, raw_message)
            VALUES (:number, :id, :code, :source, :at, :crm_channel, :crm_record, :name, :email, :phone_text, :phone, :message)";
        let mut last = self.connection.prepare_cached("SELECT coalesce(max(number), 0) FROM leads")?;
        let number = last.query_row([], |row| row.get::<_, i64>(0))?.saturating_add(1);
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":number": number, ":id": id.to_string(), ":code": LeadCode::of(number).to_string(), ":source": arrival.source,
            ":at": arrival.received_at.to_string(), ":crm_channel": new.record.as_ref().map(|record| record.channel.as_str()),
            ":crm_record": new.record.as_ref().map(|record| record.id.as_str()), ":name": new.name, ":email": new.email,
            ":phone_text": new.phone_text, ":phone": new.phone.as_ref().map(Phone::as_str), ":message": new.message,
        })?;
        self.open_jobs(id, opening, now)
    }

    /// Classifying, and the timer that doesn't wait for it.
    fn open_jobs(self, lead: LeadId, opening: &Opening, now: Timestamp) -> Result<(), StoreError> {
        let deadline_after = if opening.classify_on.is_some() { opening.deadline_after } else { Duration::ZERO };
        if let Some(channel) = &opening.classify_on {
            let classify = NewJob {
                lead,
                task: Task::Classify { again: false },
                channel: channel.clone(),
                priority: Priority::Normal,
                due_at: now,
                deadline_at: now.after(opening.give_up_after),
            };
            self.insert_job(&classify, now)?;
        }
        let timer = NewJob {
            lead,
            task: Task::ClassifyDeadline {},
            channel: Channel::desk(),
            priority: Priority::Urgent,
            due_at: now.after(deadline_after),
            deadline_at: now.after(opening.give_up_after),
        };
        self.insert_job(&timer, now).map(drop)
    }
}
