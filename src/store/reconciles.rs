//! Looks into a CRM for leads that never arrived: which there were, what they found, and what is known already.
//!
//! Such a look has no row in `leads`; its own row's id stands where a job has its lead's.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Arrival, Opening, Reader, StoreError, Tx, rows};
use crate::model::{Channel, CrmRecord, FoundRecord, Lead, LeadId, NewLead, RowId, Timestamp};

/// What stands for the method of a request that was never made.
const METHOD: &str = "RECONCILE";
/// The name of the fact since when leads are looked for.
const FIRST_START: &str = "first-start";

/// Why a look is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// It is done each night.
    Nightly,
    /// The desk had stood still.
    Start,
    /// An operator asked for it.
    Operator,
}

/// How a look stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReconcileState {
    /// There are more pages.
    Running,
    /// All pages were read.
    Done,
    /// It could not go on.
    Failed,
}

/// A look that is to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReconcile {
    /// The CRM.
    pub channel: Channel,
    /// Whose leads they are.
    pub source: String,
    /// Why.
    pub why: Why,
    /// Records that were made or converted since then,
    pub from: Timestamp,
    /// and before then.
    pub until: Timestamp,
    /// It only tells what it would take in.
    pub dry_run: bool,
}

/// A look, and what it has found so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReconcileRow {
    /// Its id.
    pub id: LeadId,
    /// The CRM.
    pub channel: Channel,
    /// Whose leads they are.
    pub source: String,
    /// Records that were made or converted since then,
    pub from: Timestamp,
    /// and before then.
    pub until: Timestamp,
    /// It only tells what it would take in.
    pub dry_run: bool,
    /// How it stands.
    pub state: ReconcileState,
    /// Records in the window, where the CRM says so.
    pub expected: Option<u64>,
    /// What was found.
    #[serde(flatten)]
    pub counts: Counts,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it failed.
    pub reason: Option<String>,
}

/// Records by what they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All that were read.
    pub found: u32,
    /// They had arrived.
    pub known: u32,
    /// They hold no message.
    pub empty: u32,
    /// Of people who were erased.
    pub erased: u32,
    /// Made before the desk's first start, and converted since.
    pub older: u32,
    /// They never arrived.
    pub missed: u32,
}

/// A record that never arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Find {
    /// The CRM's id of it.
    pub record: String,
    /// When somebody wrote.
    pub made_at: Timestamp,
    /// The lead that was made of it; none in a dry run.
    pub lead_id: Option<LeadId>,
}

/// A lead that may tell of a record.
struct Known {
    /// The record's id, where the sender named it.
    record: Option<String>,
    received_at: Timestamp,
    is_empty: bool,
    message: String,
    email: Option<String>,
}

impl Why {
    const fn name(self) -> &'static str {
        match self {
            Self::Nightly => "nightly",
            Self::Start => "start",
            Self::Operator => "operator",
        }
    }
}

impl ReconcileState {
    const ALL: [Self; 3] = [Self::Running, Self::Done, Self::Failed];

    /// The word in the database and the CLI.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl Known {
    /// Whether the lead tells what was found. One of the same record that came after it was made does so, unless there was
    /// nothing to read yet; else the words tell, also those of a form that names no record.
    fn tells(&self, found: &FoundRecord, slack: Duration) -> bool {
        let new = &found.lead;
        let same_words = self.message == new.message && self.email == new.email;
        let came_after = !self.is_empty && self.received_at.after(slack) >= found.made_at;
        match (&self.record, &new.record_id) {
            (Some(known), Some(found)) => CrmRecord::same(known, found) && (came_after || same_words),
            (None, _) => same_words && self.email.is_some(),
            (Some(_), None) => false,
        }
    }
}

impl Tx<'_> {
    /// Leads are looked for since now, unless they were before: the desk's first start with a clock that is right.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn keep_first_start(self, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "INSERT OR IGNORE INTO settings (name, value) VALUES (:name, :now)";
        let params = named_params! { ":name": FIRST_START, ":now": now.to_string() };
        self.connection.prepare_cached(SQL)?.execute(params)?;
        Ok(())
    }

    /// Since when leads are looked for; `None`: this box has not known what time it is yet.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn first_start(self) -> Result<Option<Timestamp>, StoreError> {
        const SQL: &str = "SELECT value FROM settings WHERE name = :name";
        let mut query = self.connection.prepare_cached(SQL)?;
        let found = query.query_row(named_params! { ":name": FIRST_START }, |row| Ok(rows::parsed(row, "value")));
        found.optional()?.transpose()
    }

    /// Keeps a look that begins now.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn add_reconcile(self, new: &NewReconcile, now: Timestamp) -> Result<LeadId, StoreError> {
        const SQL: &str = "
            INSERT INTO reconciles (id, channel, source, why, from_at, until_at, dry_run, state, started_at)
            VALUES (:id, :channel, :source, :why, :from, :until, :dry_run, 'running', :now)";
        let id = LeadId::fresh(now);
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":id": id.to_string(), ":channel": new.channel.as_str(), ":source": new.source, ":why": new.why.name(),
            ":from": new.from.to_string(), ":until": new.until.to_string(), ":dry_run": new.dry_run,
            ":now": now.to_string(),
        })?;
        Ok(id)
    }

    /// The look with this id.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn reconcile(self, id: LeadId) -> Result<Option<ReconcileRow>, StoreError> {
        by_id(self.connection, id)
    }

    /// The last look into this CRM that was not a dry run; with `done`, the last that came to its end. One that was taken
    /// by a clock that was ahead tells nothing.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn last_reconcile(
        self,
        channel: &Channel,
        done: bool,
        now: Timestamp,
    ) -> Result<Option<ReconcileRow>, StoreError> {
        const SQL: &str = "
            SELECT * FROM reconciles
             WHERE channel = :channel AND NOT dry_run AND (NOT :done OR state = 'done') AND started_at <= :now
             ORDER BY CASE WHEN :done THEN until_at ELSE started_at END DESC LIMIT 1";
        let mut query = self.connection.prepare_cached(SQL)?;
        let params = named_params! { ":channel": channel.as_str(), ":done": done, ":now": now.to_string() };
        query.query_row(params, |row| Ok(reconcile(row))).optional()?.transpose()
    }

    /// The look into this CRM that runs.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn running_reconcile(self, channel: &Channel) -> Result<Option<ReconcileRow>, StoreError> {
        const SQL: &str = "SELECT * FROM reconciles WHERE channel = :channel AND state = 'running'";
        let mut query = self.connection.prepare_cached(SQL)?;
        query
            .query_row(named_params! { ":channel": channel.as_str() }, |row| Ok(reconcile(row)))
            .optional()?
            .transpose()
    }

    /// What stands for the lead in the jobs of a look.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn reconcile_lead(self, id: LeadId) -> Result<Option<Lead>, StoreError> {
        Ok(self.reconcile(id)?.map(|look| Lead::none(id, look.source, look.started_at)))
    }

    /// Adds a page to what a look has found.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn count_page(self, id: LeadId, page: &Counts, expected: Option<u64>) -> Result<(), StoreError> {
        const SQL: &str = "
            UPDATE reconciles SET expected = coalesce(:rest + found, expected), found = found + :found, known = known + :known,
                                  empty = empty + :empty, erased = erased + :erased, older = older + :older, missed = missed + :missed
             WHERE id = :id";
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":id": id.to_string(), ":rest": expected.and_then(|n| i64::try_from(n).ok()), ":found": page.found,
            ":known": page.known, ":empty": page.empty, ":erased": page.erased, ":older": page.older, ":missed": page.missed,
        })?;
        Ok(())
    }

    /// Says how a look stands from now on; `reason` says why it failed.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn set_reconcile(
        self,
        id: LeadId,
        state: ReconcileState,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE reconciles SET state = :state, reason = :reason, ended_at = :at WHERE id = :id";
        let at = (state != ReconcileState::Running).then(|| now.to_string());
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":id": id.to_string(), ":state": state.name(), ":reason": reason, ":at": at,
        })?;
        Ok(())
    }

    /// Which of the records that a look found no lead tells of; `slack` is how far two clocks may be apart. A lead may be
    /// from before its source had a CRM, or from a form that knows of none.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn unknown_records<'r>(
        self,
        (channel, source): (&Channel, &str),
        found: &'r [FoundRecord],
        slack: Duration,
    ) -> Result<Vec<&'r FoundRecord>, StoreError> {
        const SQL: &str = "
            SELECT crm_record, received_at, dropped_as, raw_message, email FROM leads
             WHERE (substr(crm_record, 1, 15) IN (SELECT value FROM json_each(:starts))
                    AND coalesce(crm_channel, CASE WHEN source = :source THEN :channel END) = :channel)
                OR (crm_record IS NULL AND email IN (SELECT value FROM json_each(:emails)))";
        let starts = list(found.iter().filter_map(|one| one.lead.record_id.as_deref()).map(start));
        let emails = list(found.iter().filter_map(|one| one.lead.email.clone()));
        let params = named_params! {
            ":channel": channel.as_str(), ":source": source, ":starts": starts, ":emails": emails,
        };
        let mut query = self.connection.prepare_cached(SQL)?;
        let known: Vec<Known> = query.query_and_then(params, known)?.collect::<Result<_, _>>()?;
        Ok(found.iter().filter(|one| !known.iter().any(|lead| lead.tells(one, slack))).collect())
    }

    /// Takes a record in whose webhook never came. Whether a lead tells of it was asked before.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn take_in(
        self,
        look: &ReconcileRow,
        found: &FoundRecord,
        opening: &Opening,
        now: Timestamp,
    ) -> Result<LeadId, StoreError> {
        const SQL: &str = "UPDATE leads SET made_at = :made_at WHERE id = :id";
        let record = found.lead.record_id.as_deref().unwrap_or_default();
        let arrival = Arrival {
            received_at: now,
            source: look.source.clone(),
            method: METHOD.to_owned(),
            target: format!("{}/{record}", look.channel),
            headers: Vec::new(),
            body: found.shown.clone().into_bytes(),
        };
        // By this key the webhook finds its lead if it comes after all, by whatever source.
        let new = NewLead { content_key: found_key(&look.channel, record), ..found.lead.clone() };
        let lead = self.accept(&arrival, new, opening)?;
        let params = named_params! { ":id": lead.to_string(), ":made_at": found.made_at.to_string() };
        self.connection.prepare_cached(SQL)?.execute(params)?;
        Ok(lead)
    }

    /// Keeps that a record had never arrived.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn add_find(self, look: LeadId, found: &FoundRecord, lead: Option<LeadId>) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT OR REPLACE INTO reconcile_finds (reconcile_id, record, made_at, lead_id) VALUES (:look, :record, :made_at, :lead)";
        self.connection.prepare_cached(SQL)?.execute(named_params! {
            ":look": look.to_string(), ":record": found.lead.record_id, ":made_at": found.made_at.to_string(),
            ":lead": lead.map(|id| id.to_string()),
        })?;
        Ok(())
    }

    /// The record's person was erased: it is never taken in again.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn forget_record(self, record: &CrmRecord, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "INSERT OR IGNORE INTO erased_records (hash, at) VALUES (:hash, :now)";
        let hash = hash(&record.channel, &record.id);
        self.connection.prepare_cached(SQL)?.execute(named_params! { ":hash": hash, ":now": now.to_string() })?;
        Ok(())
    }

    /// Whether the record's person was erased.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn is_erased(self, channel: &Channel, record: &str) -> Result<bool, StoreError> {
        const SQL: &str = "SELECT EXISTS (SELECT 1 FROM erased_records WHERE hash = :hash)";
        let mut query = self.connection.prepare_cached(SQL)?;
        Ok(query.query_row(named_params! { ":hash": hash(channel, record) }, |row| row.get(0))?)
    }
}

impl Reader {
    /// The look with this id.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn reconcile(&self, id: LeadId) -> Result<Option<ReconcileRow>, StoreError> {
        by_id(&self.connection, id)
    }

    /// The records that a look found and that had never arrived, oldest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn finds(&self, look: LeadId) -> Result<Vec<Find>, StoreError> {
        const SQL: &str = "SELECT * FROM reconcile_finds WHERE reconcile_id = :look ORDER BY made_at, record";
        let mut query = self.connection.prepare_cached(SQL)?;
        let find = |row: &Row<'_>| {
            Ok::<_, StoreError>(Find {
                record: row.get("record")?,
                made_at: rows::parsed(row, "made_at")?,
                lead_id: rows::maybe(row, "lead_id")?,
            })
        };
        query.query_and_then(named_params! { ":look": look.to_string() }, find)?.collect()
    }
}

/// A list as SQLite reads it.
fn list(texts: impl Iterator<Item = String>) -> String {
    serde_json::to_string(&texts.collect::<Vec<_>>()).unwrap_or_default()
}

/// What two ids of the same record have in common.
fn start(record: &str) -> String {
    record.chars().take(CrmRecord::SAME_CHARS).collect()
}

/// The content key of a lead that was found as this record.
pub(super) fn found_key(channel: &Channel, record: &str) -> String {
    format!("found:{}", hash(channel, record))
}

fn hash(channel: &Channel, record: &str) -> String {
    let text = format!("{channel}/{}", CrmRecord::key(record));
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

fn by_id(connection: &Connection, id: LeadId) -> Result<Option<ReconcileRow>, StoreError> {
    let mut query = connection.prepare_cached("SELECT * FROM reconciles WHERE id = :id")?;
    query.query_row(named_params! { ":id": id.to_string() }, |row| Ok(reconcile(row))).optional()?.transpose()
}

fn reconcile(row: &Row<'_>) -> Result<ReconcileRow, StoreError> {
    let state: String = row.get("state")?;
    let known = ReconcileState::ALL.into_iter().find(|known| known.name() == state);
    let expected: Option<i64> = row.get("expected")?;
    Ok(ReconcileRow {
        id: rows::parsed(row, "id")?,
        channel: Channel::stored(row.get("channel")?),
        source: row.get("source")?,
        from: rows::parsed(row, "from_at")?,
        until: rows::parsed(row, "until_at")?,
        dry_run: row.get("dry_run")?,
        state: known.ok_or(StoreError::Alien { column: "state", value: state })?,
        expected: expected.and_then(|n| u64::try_from(n).ok()),
        counts: Counts {
            found: row.get("found")?,
            known: row.get("known")?,
            empty: row.get("empty")?,
            erased: row.get("erased")?,
            older: row.get("older")?,
            missed: row.get("missed")?,
        },
        started_at: rows::parsed(row, "started_at")?,
        ended_at: rows::maybe(row, "ended_at")?,
        reason: row.get("reason")?,
    })
}

fn known(row: &Row<'_>) -> Result<Known, StoreError> {
    let dropped: Option<String> = row.get("dropped_as")?;
    Ok(Known {
        record: row.get("crm_record")?,
        received_at: rows::parsed(row, "received_at")?,
        is_empty: dropped.as_deref() == Some("empty"),
        message: row.get("raw_message")?,
        email: row.get("email")?,
    })
}
