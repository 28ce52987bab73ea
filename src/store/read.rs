//! Reading: a connection of its own that can't write, for the CLI, the control socket and the health page.
//!
//! It sees the last commit, never blocks the writer, and works on a live, a killed and a stopped desk's file.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row, named_params};
use serde::Serialize;

use super::dead_letters::letter_of;
use super::{
    AlertRow, ChannelRow, DATABASE, DeadLetter, DeadLetterFilter, QuarantineRow, StoreError, Tx, arrival, migrate,
    quarantine, rows,
};
use crate::model::{InboxId, Lead, LeadId, Timestamp};

/// A read-only look at the database.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
}

/// A lead in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeadRow {
    /// Its id.
    pub lead_id: String,
    /// Its code.
    pub code: String,
    /// When it came.
    pub received_at: String,
    /// By which source.
    pub source: String,
    /// The prospect's name.
    pub name: Option<String>,
    /// The class.
    pub class: Option<String>,
    /// How it stands, in words.
    pub state: String,
    /// Its texts.
    pub texts: Option<String>,
    /// The message.
    pub message: String,
}

/// A webhook that authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArrivalRow {
    /// Its id.
    pub id: InboxId,
    /// When it came.
    pub received_at: Timestamp,
    /// By which source.
    pub source: String,
    /// `accepted`, `duplicate`, `repeat` or `gate_failed`.
    pub verdict: String,
    /// The lead it made, or the one it repeats.
    pub lead_id: Option<LeadId>,
}

/// A job of a lead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobRow {
    /// Its id.
    pub id: String,
    /// Its lead.
    pub lead_id: String,
    /// What it does.
    pub kind: String,
    /// Where.
    pub channel: String,
    /// How it stands.
    pub state: String,
    /// When it is due.
    pub due_at: String,
    /// All its tries.
    pub attempts: u32,
    /// What came of it.
    pub result: Option<String>,
    /// What it was to do.
    pub payload: String,
    /// When it ended.
    pub ended_at: Option<String>,
}

/// A try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttemptRow {
    /// The job.
    pub job_id: String,
    /// Its number.
    pub attempt_id: u32,
    /// `run` or `look_up`.
    pub mode: String,
    /// When it started.
    pub started_at: String,
    /// When it ended.
    pub ended_at: Option<String>,
    /// How.
    pub outcome: Option<String>,
    /// In words.
    pub reason: Option<String>,
    /// What was said.
    pub request: Option<String>,
    /// What was answered.
    pub response: Option<String>,
    /// How long it took.
    pub latency_ms: Option<i64>,
}

/// A call of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LlmCallRow {
    /// When.
    pub at: String,
    /// Which model entry.
    pub provider: String,
    /// The instructions, as sent.
    pub instructions: String,
    /// The rest, as sent.
    pub prompt: String,
    /// The answer, as it came.
    pub answer: Option<String>,
    /// The label.
    pub label: Option<String>,
    /// Millionths of the price's currency.
    pub cost_micros: Option<i64>,
    /// How long it took.
    pub latency_ms: i64,
    /// Why it was not taken.
    pub error: Option<String>,
}

/// One line of a lead's story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimelineRow {
    /// When.
    pub at: String,
    /// What happened.
    pub what: String,
    /// The details.
    pub detail: String,
}

/// Counts for `status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct InboxCounts {
    /// Leads in all.
    pub leads: u32,
    /// Leads not settled.
    pub open_leads: u32,
    /// Jobs that wait or run.
    pub open_jobs: u32,
    /// Open dead letters.
    pub dead_letters: u32,
    /// Requests in quarantine.
    pub quarantine: u32,
}

fn arrival_of(row: &Row<'_>) -> Result<ArrivalRow, StoreError> {
    Ok(ArrivalRow {
        id: rows::parsed(row, "id")?,
        received_at: rows::parsed(row, "received_at")?,
        source: row.get("source")?,
        verdict: row.get("verdict")?,
        lead_id: rows::maybe(row, "lead_id")?,
    })
}

fn job_of(row: &Row<'_>) -> Result<JobRow, StoreError> {
    Ok(JobRow {
        id: row.get("id")?,
        lead_id: row.get("lead_id")?,
        kind: row.get("kind")?,
        channel: row.get("channel")?,
        state: row.get("state")?,
        due_at: row.get("due_at")?,
        attempts: row.get("attempt_id")?,
        result: row.get("result")?,
        payload: row.get("payload")?,
        ended_at: row.get("ended_at")?,
    })
}

fn attempt_of(row: &Row<'_>) -> Result<AttemptRow, StoreError> {
    Ok(AttemptRow {
        job_id: row.get("job_id")?,
        attempt_id: row.get("attempt_id")?,
        mode: row.get("mode")?,
        started_at: row.get("started_at")?,
        ended_at: row.get("ended_at")?,
        outcome: row.get("outcome")?,
        reason: row.get("reason")?,
        request: row.get("request")?,
        response: row.get("response")?,
        latency_ms: row.get("latency_ms")?,
    })
}

fn call_of(row: &Row<'_>) -> Result<LlmCallRow, StoreError> {
    Ok(LlmCallRow {
        at: row.get("at")?,
        provider: row.get("provider")?,
        instructions: row.get("instructions")?,
        prompt: row.get("prompt")?,
        answer: row.get("answer")?,
        label: row.get("label")?,
        cost_micros: row.get("cost_micros")?,
        latency_ms: row.get("latency_ms")?,
        error: row.get("error")?,
    })
}

fn lead_of(row: &Row<'_>) -> Result<LeadRow, StoreError> {
    Ok(LeadRow {
        lead_id: row.get("lead_id")?,
        code: row.get("code")?,
        received_at: row.get("received_at")?,
        source: row.get("source")?,
        name: row.get("name")?,
        class: row.get("class")?,
        state: row.get("state")?,
        texts: row.get("texts")?,
        message: row.get("message")?,
    })
}

impl Tx<'_> {
    /// The jobs of a lead, oldest first, as a reader sees them.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn job_rows(self, lead: LeadId) -> Result<Vec<JobRow>, StoreError> {
        let mut query = self.connection.prepare_cached("SELECT * FROM jobs WHERE lead_id = :lead ORDER BY id")?;
        query.query_and_then(named_params! { ":lead": lead.to_string() }, job_of)?.collect()
    }

    /// The tries of a lead's jobs, oldest first, as a reader sees them.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn attempt_rows(self, lead: LeadId) -> Result<Vec<AttemptRow>, StoreError> {
        const SQL: &str = "SELECT a.* FROM attempts a JOIN jobs j ON j.id = a.job_id WHERE j.lead_id = :lead ORDER BY a.started_at, a.job_id";
        let mut query = self.connection.prepare_cached(SQL)?;
        query.query_and_then(named_params! { ":lead": lead.to_string() }, attempt_of)?.collect()
    }
}

impl Reader {
    /// Opens the database of a data folder for reading.
    ///
    /// # Errors
    /// When there is none, it can't be read by this user, or a newer nightdesk wrote it.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(folder.join(DATABASE), flags)?;
        connection.pragma_update(None, "busy_timeout", 5_000)?;
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        migrate::version(&connection)?;
        Ok(Self { connection })
    }

    pub(super) fn tx(&self) -> Tx<'_> {
        Tx { connection: &self.connection }
    }

    /// The newest leads; with `open`, only those that are not settled.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn leads(&self, open: bool, limit: u32) -> Result<Vec<LeadRow>, StoreError> {
        let sql = "SELECT * FROM v_leads WHERE NOT :open OR lead_id IN (SELECT id FROM leads WHERE settled_at IS NULL) OR state = 'needs a person' LIMIT :limit";
        let mut query = self.connection.prepare(sql)?;
        query.query_and_then(named_params! { ":open": open, ":limit": limit }, lead_of)?.collect()
    }

    /// Every webhook that authenticated, oldest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn arrivals(&self) -> Result<Vec<ArrivalRow>, StoreError> {
        const SQL: &str = "SELECT id, received_at, source, verdict, lead_id FROM inbox ORDER BY received_at, id";
        self.connection.prepare_cached(SQL)?.query_and_then([], arrival_of)?.collect()
    }

    /// The lead that a person names: an id, the start of one, or a code (the newest lead that has it).
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn find_lead(&self, name: &str) -> Result<Option<Lead>, StoreError> {
        const SQL: &str = "SELECT id FROM leads WHERE code = upper(:name) OR (length(:name) >= 8 AND substr(id, 1, length(:name)) = lower(:name)) ORDER BY number DESC LIMIT 1";
        let mut query = self.connection.prepare(SQL)?;
        let mut found =
            query.query_and_then(named_params! { ":name": name }, |row| rows::parsed::<LeadId>(row, "id"))?;
        match found.next().transpose()? {
            Some(id) => self.tx().lead(id),
            None => Ok(None),
        }
    }

    /// The jobs of a lead, oldest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn jobs(&self, lead: LeadId) -> Result<Vec<JobRow>, StoreError> {
        self.tx().job_rows(lead)
    }

    /// The tries of a lead's jobs, oldest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn attempts(&self, lead: LeadId) -> Result<Vec<AttemptRow>, StoreError> {
        self.tx().attempt_rows(lead)
    }

    /// The calls of models about a lead, oldest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn llm_calls(&self, lead: LeadId) -> Result<Vec<LlmCallRow>, StoreError> {
        let mut query = self.connection.prepare("SELECT * FROM v_llm_calls WHERE lead_id = :lead ORDER BY at")?;
        query.query_and_then(named_params! { ":lead": lead.to_string() }, call_of)?.collect()
    }

    /// A lead's story.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn timeline(&self, lead: LeadId) -> Result<Vec<TimelineRow>, StoreError> {
        let mut query =
            self.connection.prepare("SELECT at, what, detail FROM v_timeline WHERE lead_id = :lead ORDER BY at")?;
        let found = query.query_and_then(named_params! { ":lead": lead.to_string() }, |row| {
            Ok(TimelineRow { at: row.get("at")?, what: row.get("what")?, detail: row.get("detail")? })
        })?;
        found.collect()
    }

    /// The raw body of a lead's webhook, as text.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn payload(&self, lead: LeadId) -> Result<Option<String>, StoreError> {
        const SQL: &str = "
            SELECT coalesce(r.body, i.body) AS body FROM inbox i LEFT JOIN inbox r ON r.id = i.request_id
             WHERE i.lead_id = :lead AND i.verdict = 'accepted' LIMIT 1";
        let mut query = self.connection.prepare(SQL)?;
        let mut found = query.query_and_then(named_params! { ":lead": lead.to_string() }, |row| {
            Ok::<_, StoreError>(String::from_utf8_lossy(&arrival::bytes(row.get("body")?)).into_owned())
        })?;
        found.next().transpose()
    }

    /// Open dead letters of a filter, oldest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn dead_letters(&self, filter: &DeadLetterFilter) -> Result<Vec<DeadLetter>, StoreError> {
        self.tx().dead_letters(filter)
    }

    /// A dead letter, open or closed.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>, StoreError> {
        let mut query = self.connection.prepare("SELECT * FROM dead_letters WHERE id = :id")?;
        query.query_and_then(named_params! { ":id": id }, letter_of)?.next().transpose()
    }

    /// The quarantine, newest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn quarantine(&self) -> Result<Vec<QuarantineRow>, StoreError> {
        const SQL: &str = "
            SELECT id, received_at, source, reason, length(CAST(body AS BLOB)) AS body_bytes, replayed_at FROM quarantine ORDER BY id DESC";
        self.connection.prepare(SQL)?.query_and_then([], quarantine::row_of)?.collect()
    }

    /// Alerts that stand.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn alerts(&self) -> Result<Vec<AlertRow>, StoreError> {
        self.tx().alerts()
    }

    /// Channels with trouble.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn channels(&self) -> Result<Vec<ChannelRow>, StoreError> {
        self.tx().channels()
    }

    /// How many webhooks wait for the clock to be right.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn held(&self) -> Result<usize, StoreError> {
        Ok(self.tx().held()?.len())
    }

    /// Counts for `status`.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn counts(&self) -> Result<InboxCounts, StoreError> {
        const SQL: &str = "
            SELECT (SELECT count(*) FROM leads) AS leads, (SELECT count(*) FROM leads WHERE settled_at IS NULL) AS open_leads,
                   (SELECT count(*) FROM jobs WHERE ended_at IS NULL) AS open_jobs,
                   (SELECT count(*) FROM dead_letters WHERE closed_at IS NULL) AS dead_letters,
                   (SELECT count(*) FROM quarantine WHERE replayed_at IS NULL) AS quarantine";
        Ok(self.connection.query_row(SQL, [], |row| {
            Ok(InboxCounts {
                leads: row.get("leads")?,
                open_leads: row.get("open_leads")?,
                open_jobs: row.get("open_jobs")?,
                dead_letters: row.get("dead_letters")?,
                quarantine: row.get("quarantine")?,
            })
        })?)
    }

    /// When the last lead came.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn last_lead_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT max(received_at) AS at FROM leads WHERE number = (SELECT max(number) FROM leads)";
        self.connection.query_row(sql, [], |row| Ok(rows::maybe(row, "at")))?
    }
}
