//! Webhooks as they arrived.
//!
//! One transaction makes the raw request, its leads and their first jobs durable together: after it, nothing that the
//! sender was told 2xx about can be lost. A request that tells of several things has a row for each, the body in the
//! first. What comes again is found by `known`, what a lead begins with is in `opening`.

use rusqlite::{OptionalExtension, Row, named_params};

use super::arrival::{Arrival, body_of, bytes, headers, headers_of};
use super::{NewDeadLetter, Opening, StoreError, Tx, rows};
use crate::model::{CrmRead, Fault, InboxId, LeadId, NewLead, RowId, Stage, Timestamp};

/// What the gate read from a request, or from one part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// A lead.
    Passed(NewLead),
    /// A record in a CRM that may be a lead: its fields are read from there.
    Pointed(Pointed),
    /// Not acted on, on purpose.
    Ignored {
        /// Why.
        reason: String,
    },
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

/// A record that a webhook points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointed {
    /// What is to be read.
    pub read: CrmRead,
    /// The sender's id of the event, where there is one.
    pub event_key: Option<String>,
}

/// What became of a request, or of one part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// A new lead.
    Accepted(LeadId),
    /// The same event or the same words again.
    Duplicate(LeadId),
    /// The same person with the same words, later.
    Repeat(LeadId),
    /// Not acted on, on purpose.
    Ignored(InboxId),
    /// No lead could be read from it.
    GateFailed(InboxId),
    /// Genuine, but this clock can't tell how old it is.
    Held(InboxId),
}

/// A request in the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The request.
    pub arrival: Arrival,
    /// Which one it is of a request that tells of several.
    pub part: usize,
    /// When its sender says it was signed, if that is still to be judged.
    pub signed_at: Option<Timestamp>,
}

/// What of a gate's verdict lies in the inbox.
#[derive(Default)]
struct Words<'g> {
    event_key: Option<&'g str>,
    content_key: Option<&'g str>,
    reason: Option<&'g str>,
}

/// Where a row belongs in its request.
#[derive(Clone, Copy)]
struct Place {
    id: InboxId,
    part: usize,
    /// The row that holds the body, if it isn't this one.
    request: Option<InboxId>,
}

impl Received {
    /// The word in the database, and the lead.
    const fn verdict(self) -> (&'static str, Option<LeadId>) {
        match self {
            Self::Accepted(lead) => ("accepted", Some(lead)),
            Self::Duplicate(lead) => ("duplicate", Some(lead)),
            Self::Repeat(lead) => ("repeat", Some(lead)),
            Self::Ignored(_) => ("ignored", None),
            Self::GateFailed(_) => ("gate_failed", None),
            Self::Held(_) => ("held", None),
        }
    }
}

impl Gate {
    fn words(&self) -> Words<'_> {
        match self {
            Self::Passed(new) => {
                Words { event_key: new.event_key.as_deref(), content_key: Some(&new.content_key), ..Words::default() }
            }
            Self::Pointed(pointed) => Words { event_key: pointed.event_key.as_deref(), ..Words::default() },
            Self::Ignored { reason } | Self::Failed { reason } | Self::Crashed { reason } => {
                Words { reason: Some(reason), ..Words::default() }
            }
        }
    }
}

impl Tx<'_> {
    /// Makes a request durable that tells of one thing; see [`Tx::receive_all`].
    ///
    /// # Errors
    /// When the database can't be written; then nothing of this request is stored.
    pub fn receive(self, arrival: &Arrival, gate: &Gate, opening: &Opening) -> Result<Received, StoreError> {
        let place = Place { id: InboxId::fresh(arrival.received_at), part: 0, request: None };
        self.receive_part(place, true, arrival, gate, opening)
    }

    /// Makes a request durable and, for each new lead that it tells of, the lead with its first jobs. Finds duplicates
    /// itself, in the same transaction: of 64 identical requests in one group, one becomes a lead.
    ///
    /// # Errors
    /// When the database can't be written; then nothing of this request is stored.
    pub fn receive_all(
        self,
        arrival: &Arrival,
        gates: &[Gate],
        opening: &Opening,
    ) -> Result<Vec<Received>, StoreError> {
        let first = InboxId::fresh(arrival.received_at);
        let receive = |(part, gate)| {
            let place = match part {
                0 => Place { id: first, part, request: None },
                _ => Place { id: InboxId::fresh(arrival.received_at), part, request: Some(first) },
            };
            self.receive_part(place, gates.len() == 1, arrival, gate, opening)
        };
        gates.iter().enumerate().map(receive).collect()
    }

    /// Makes a lead durable that nobody needs to be asked about: it is new.
    pub(super) fn accept(self, arrival: &Arrival, new: NewLead, opening: &Opening) -> Result<LeadId, StoreError> {
        let (at, gate) = (arrival.received_at, Gate::Passed(new));
        let (lead, place) = (LeadId::fresh(at), Place { id: InboxId::fresh(at), part: 0, request: None });
        self.insert_inbox(place, arrival, Received::Accepted(lead), &gate.words(), None)?;
        self.open(Received::Accepted(lead), arrival, &gate, opening, at)?;
        Ok(lead)
    }

    fn receive_part(
        self,
        place: Place,
        alone: bool,
        arrival: &Arrival,
        gate: &Gate,
        opening: &Opening,
    ) -> Result<Received, StoreError> {
        let received = self.judge(place.id, arrival, gate)?;
        self.insert_inbox(place, arrival, received, &gate.words(), None)?;
        if matches!(received, Received::GateFailed(_)) {
            self.bury_at_gate(place.id, alone, arrival, gate)?;
        }
        self.open(received, arrival, gate, opening, arrival.received_at)?;
        Ok(received)
    }

    /// Keeps a genuine request whose age can't be told yet. It has no effect before the clock is right.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn hold(self, arrival: &Arrival, signed_at: Timestamp) -> Result<Received, StoreError> {
        const REASON: &str = "the clock of this box is not right yet: nothing tells how old the signature is";
        let id = InboxId::fresh(arrival.received_at);
        let words = Words { reason: Some(REASON), ..Words::default() };
        let place = Place { id, part: 0, request: None };
        self.insert_inbox(place, arrival, Received::Held(id), &words, Some(signed_at))?;
        let text = "leads are held: this box doesn't know what time it is, so it can't tell how old they are";
        let cure = "give it a way to a time server (NTP, UDP port 123): `timedatectl status`";
        self.alert(super::HELD_ALERT, text, cure, arrival.received_at)?;
        Ok(Received::Held(id))
    }

    /// Makes of a held webhook what it would have been, had the clock been right.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn admit(
        self,
        held: InboxId,
        stored: &Arrival,
        gates: &[Gate],
        opening: &Opening,
        now: Timestamp,
    ) -> Result<Vec<Received>, StoreError> {
        let alone = gates.len() == 1;
        let admit = |(part, gate)| {
            if part > 0 {
                let place = Place { id: InboxId::fresh(stored.received_at), part, request: Some(held) };
                return self.receive_part(place, alone, stored, gate, opening);
            }
            let received = self.receive_again(held, stored, gate, opening, now)?;
            if matches!(received, Received::GateFailed(_)) {
                self.bury_at_gate(held, alone, stored, gate)?;
            }
            Ok(received)
        };
        gates.iter().enumerate().map(admit).collect()
    }

    /// Turns a stored webhook that failed the gate into what it is by today's field mapping.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn receive_again(
        self,
        inbox: InboxId,
        stored: &Arrival,
        gate: &Gate,
        opening: &Opening,
        now: Timestamp,
    ) -> Result<Received, StoreError> {
        const SQL: &str = "
            UPDATE inbox SET verdict = :verdict, reason = :reason, lead_id = :lead, event_key = :event_key, content_key = :content_key
             WHERE id = :id";
        let received = self.judge(inbox, stored, gate)?;
        let ((verdict, lead), words) = (received.verdict(), gate.words());
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":id": inbox.to_string(), ":verdict": verdict, ":reason": words.reason, ":lead": lead.map(|id| id.to_string()),
            ":event_key": words.event_key, ":content_key": words.content_key,
        })?;
        self.open(received, stored, gate, opening, now)?;
        Ok(received)
    }

    /// A webhook as it came.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn inbox_request(self, id: InboxId) -> Result<Option<Stored>, StoreError> {
        const SQL: &str = "
            SELECT i.*, r.body AS shared_body, r.headers AS shared_headers
              FROM inbox i LEFT JOIN inbox r ON r.id = i.request_id WHERE i.id = :id";
        let mut query = self.connection.prepare_cached(SQL)?;
        let found = query.query_row(named_params! { ":id": id.to_string() }, |row| Ok(Stored::of(row)));
        found.optional()?.transpose()
    }

    /// What a request came to. Ids are made here, nothing is written.
    fn judge(self, inbox: InboxId, arrival: &Arrival, gate: &Gate) -> Result<Received, StoreError> {
        let (source, at) = (&arrival.source, arrival.received_at);
        let known = match gate {
            Gate::Passed(new) => self.known(source, new, at)?,
            Gate::Pointed(to) => self.known_event(source, to.event_key.as_deref(), at)?.map(Received::Duplicate),
            Gate::Ignored { .. } => return Ok(Received::Ignored(inbox)),
            Gate::Failed { .. } | Gate::Crashed { .. } => return Ok(Received::GateFailed(inbox)),
        };
        Ok(known.unwrap_or_else(|| Received::Accepted(LeadId::fresh(at))))
    }

    /// The lead and its first jobs, where there is a new one.
    fn open(
        self,
        received: Received,
        arrival: &Arrival,
        gate: &Gate,
        opening: &Opening,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match (received, gate) {
            (Received::Accepted(lead), Gate::Passed(new)) => self.open_lead(lead, arrival, new, opening, now),
            (Received::Accepted(lead), Gate::Pointed(to)) => self.open_unread(lead, arrival, &to.read, opening, now),
            _ => Ok(()),
        }
    }

    fn insert_inbox(
        self,
        place: Place,
        arrival: &Arrival,
        received: Received,
        words: &Words<'_>,
        signed_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT INTO inbox (id, received_at, source, method, target, headers, body, verdict, reason, lead_id, event_key,
                               content_key, part, request_id, signed_at)
            VALUES (:id, :at, :source, :method, :target, :headers, :body, :verdict, :reason, :lead, :event_key,
                    :content_key, :part, :request, :signed_at)";
        let (verdict, lead) = received.verdict();
        let (headers, body) = match place.request {
            None => (headers_of(arrival), body_of(arrival)),
            Some(_) => ("[]".to_owned(), String::new().into()),
        };
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":id": place.id.to_string(), ":at": arrival.received_at.to_string(), ":source": arrival.source,
            ":method": arrival.method, ":target": arrival.target, ":headers": headers, ":body": body,
            ":verdict": verdict, ":reason": words.reason, ":lead": lead.map(|id| id.to_string()),
            ":event_key": words.event_key, ":content_key": words.content_key,
            ":part": i64::try_from(place.part).unwrap_or(i64::MAX), ":request": place.request.map(|id| id.to_string()),
            ":signed_at": rows::text(signed_at),
        })?;
        Ok(())
    }

    /// The dead letter and the alert of a request, or a part of it, in which no lead could be found.
    fn bury_at_gate(self, inbox: InboxId, alone: bool, arrival: &Arrival, gate: &Gate) -> Result<(), StoreError> {
        let source = &arrival.source;
        let (class, reason, what_to_do, alert) = match gate {
            Gate::Crashed { reason } => (
                Fault::Crash.name(),
                reason,
                "a mistake of this program: report it with the payload; `nightdesk dlq retry` after an upgrade",
                (
                    format!("crash:{source}"),
                    format!("a request to source {source} made the program panic: {reason}"),
                    "all other leads go on; see `nightdesk dlq list --stage gate` and call this lead by hand",
                ),
            ),
            Gate::Failed { reason } => (
                Fault::Permanent.name(),
                reason,
                "mend the source's field mapping (`nightdesk sources test` shows what is found), restart, then `nightdesk dlq retry`",
                (
                    format!("gate:{source}"),
                    format!("source {source} sends requests from which no lead can be read: {reason}"),
                    "the sender's payload may have changed: `nightdesk dlq list --stage gate`",
                ),
            ),
            Gate::Passed(_) | Gate::Pointed(_) | Gate::Ignored { .. } => return Ok(()),
        };
        // A hundred letters of one request share its body, in the inbox.
        let payload = if alone {
            String::from_utf8_lossy(&arrival.body)
        } else {
            format!("one of several in a request of {} bytes: see inbox", arrival.body.len()).into()
        };
        let letter = NewDeadLetter {
            stage: Stage::Gate,
            class,
            reason,
            what_to_do,
            job: None,
            inbox: Some(inbox),
            lead: None,
            payload: &payload,
        };
        self.add_dead_letter(&letter, arrival.received_at)?;
        let (key, text, cure) = alert;
        self.alert(&key, &text, cure, arrival.received_at)
    }
}

impl Stored {
    fn of(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut arrival = Arrival::of(row)?;
        let part: i64 = row.get("part")?;
        if part > 0 {
            arrival.body = bytes(row.get("shared_body")?);
            arrival.headers = headers(row.get("shared_headers")?)?;
        }
        Ok(Self { arrival, part: usize::try_from(part).unwrap_or(0), signed_at: rows::maybe(row, "signed_at")? })
    }
}
