//! The desk's database, read by a stranger.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use jiff::{Timestamp, ToSpan};
use rusqlite::{Connection, OpenFlags};

/// A lead's row.
#[derive(Debug, Clone)]
pub(super) struct Lead {
    pub(super) id: String,
    name: String,
    pub(super) label: Option<String>,
    pub(super) settled: bool,
}

/// A job's row.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) id: String,
    lead: String,
    pub(super) kind: String,
    pub(super) channel: String,
    pub(super) state: String,
    generation: i64,
    pub(super) text: Option<Text>,
}

/// What a text says, to whom, and which of its lead's texts it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) to: String,
    pub(super) words: String,
    pub(super) thread: i64,
    pub(super) repeat: bool,
}

/// A lead that people were called for.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) code: String,
    pub(super) state: String,
    pub(super) round: u32,
    /// What happened, and by or to whom, in order.
    pub(super) log: Vec<(String, String)>,
    pub(super) alert: bool,
}

#[derive(Debug)]
struct Attempt {
    job: String,
    started_at: Timestamp,
    outcome: Option<String>,
    is_run: bool,
    has_ended: bool,
}

#[derive(Debug)]
pub(super) struct Letter {
    pub(super) stage: String,
    pub(super) class: String,
    pub(super) job: Option<String>,
    pub(super) lead: Option<String>,
    pub(super) reason: String,
}

/// All rows that matter.
#[derive(Debug)]
pub(super) struct Book {
    leads: Vec<Lead>,
    jobs: Vec<Job>,
    attempts: Vec<Attempt>,
    dead_letters: Vec<Letter>,
    /// By lead.
    claims: HashMap<String, Claim>,
    /// Texts that came in: from whom, and what they say.
    pub(super) inbound: Vec<(String, String)>,
    /// The timeline, by lead.
    lines: Vec<(String, String)>,
}

impl Job {
    pub(super) fn lead(&self) -> &str {
        &self.lead
    }

    /// The key in the marker of what it makes.
    pub(super) fn marker(&self) -> String {
        format!("nd{}{}{}", self.lead.replace('-', ""), self.kind.replace('_', ""), self.generation)
    }
}

impl Book {
    /// Reads the database of an office.
    pub(super) fn read(office: &Path) -> Self {
        let file = office.join("data/nightdesk.db");
        let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let sound: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok", "the database is damaged");
        let leads = rows(&db, "SELECT id, coalesce(name, ''), label, settled_at IS NOT NULL FROM leads", |row| {
            Ok(Lead { id: row.get(0)?, name: row.get(1)?, label: row.get(2)?, settled: row.get(3)? })
        });
        let sql = "
            SELECT id, lead_id, kind, channel, state, generation, payload ->> '$.to', iif(kind = 'sms', payload ->> '$.text', NULL),
                   coalesce(payload ->> '$.thread', 0), coalesce(payload ->> '$.repeat', 0) FROM jobs ORDER BY id";
        let jobs = rows(&db, sql, |row| {
            let words: Option<String> = row.get(7)?;
            let text = |words| {
                Ok::<_, rusqlite::Error>(Text { to: row.get(6)?, words, thread: row.get(8)?, repeat: row.get(9)? })
            };
            Ok(Job {
                text: words.map(text).transpose()?,
                id: row.get(0)?,
                lead: row.get(1)?,
                kind: row.get(2)?,
                channel: row.get(3)?,
                state: row.get(4)?,
                generation: row.get(5)?,
            })
        });
        let sql = "SELECT job_id, started_at, outcome, mode = 'run', ended_at IS NOT NULL FROM attempts";
        let attempts = rows(&db, sql, |row| {
            let started_at: String = row.get(1)?;
            Ok(Attempt {
                job: row.get(0)?,
                started_at: started_at.parse().unwrap(),
                outcome: row.get(2)?,
                is_run: row.get(3)?,
                has_ended: row.get(4)?,
            })
        });
        let dead_letters = rows(&db, "SELECT stage, class, job_id, lead_id, reason FROM dead_letters", |row| {
            Ok(Letter {
                stage: row.get(0)?,
                class: row.get(1)?,
                job: row.get(2)?,
                lead: row.get(3)?,
                reason: row.get(4)?,
            })
        });
        let sql = "SELECT lead_id, at, what, substr(detail, 1, 90) FROM v_timeline ORDER BY at";
        let lines = rows(&db, sql, |row| {
            let (at, what, detail): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
            Ok((row.get(0)?, format!("  {at} {what}: {detail}")))
        });
        let inbound =
            rows(&db, "SELECT number, text FROM sms_inbound WHERE missing = 0", |row| Ok((row.get(0)?, row.get(1)?)));
        Self { leads, jobs, attempts, dead_letters, claims: claims(&db), inbound, lines }
    }

    pub(super) fn claim_of(&self, lead: &str) -> Option<Claim> {
        self.claims.get(lead).cloned()
    }

    /// Every job of that kind.
    pub(super) fn all(&self, kind: &str) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(move |job| job.kind == kind)
    }

    /// How often it was tried.
    pub(super) fn tries(&self, job: &str) -> usize {
        self.attempts.iter().filter(|attempt| attempt.job == job && attempt.is_run).count()
    }

    pub(super) fn leads_of(&self, name: &str) -> Vec<Lead> {
        self.leads.iter().filter(|lead| lead.name == name).cloned().collect()
    }

    /// The jobs of a lead, oldest first.
    pub(super) fn jobs_of(&self, lead: &str) -> Vec<Job> {
        self.jobs.iter().filter(|job| job.lead == lead).cloned().collect()
    }

    pub(super) fn open_jobs(&self) -> Vec<String> {
        let open = self.jobs.iter().filter(|job| !matches!(job.state.as_str(), "done" | "dead" | "cancelled"));
        open.map(|job| format!("{} on {} is {}", job.kind, job.channel, job.state)).collect()
    }

    /// What the desk's own view tells of a lead.
    pub(super) fn story(&self, lead: &str) -> Vec<String> {
        let lines = self.lines.iter().filter(|(of, _)| of == lead);
        lines.map(|(_, line)| line.clone()).collect()
    }

    pub(super) fn unended_attempts(&self) -> Vec<String> {
        let open = self.attempts.iter().filter(|attempt| !attempt.has_ended);
        open.map(|attempt| format!("an attempt of {} has no end", attempt.job)).collect()
    }

    /// Whether an attempt at this effect was on record before it happened.
    pub(super) fn began(&self, job: &str, effect: Timestamp) -> bool {
        // The simulated modem's clock and the desk's both round to milliseconds.
        let latest = effect + 2.milliseconds();
        self.attempts.iter().any(|attempt| attempt.job == job && attempt.is_run && attempt.started_at <= latest)
    }

    /// Whether an attempt at this effect ended without a verdict.
    pub(super) fn was_unknown(&self, job: &str) -> bool {
        let unknown = |attempt: &&Attempt| attempt.is_run && attempt.outcome.as_deref() == Some("unknown");
        self.attempts.iter().filter(unknown).any(|attempt| attempt.job == job)
    }

    /// Dead letters of a lead's stage that give a reason.
    pub(super) fn dead(&self, lead: &str, stage: &str) -> Vec<&Letter> {
        let of = |letter: &&Letter| letter.lead.as_deref() == Some(lead) && letter.stage == stage;
        self.dead_letters.iter().filter(of).filter(|letter| !letter.reason.is_empty()).collect()
    }

    /// Every dead letter of a lead.
    pub(super) fn dead_letters_of(&self, lead: &str) -> impl Iterator<Item = &Letter> {
        self.dead_letters.iter().filter(move |letter| letter.lead.as_deref() == Some(lead))
    }

    /// How many dead letters there are of each stage, for each class of failure.
    pub(super) fn dead_by_stage(&self) -> BTreeMap<(&str, &str), usize> {
        let mut counts = BTreeMap::new();
        for letter in &self.dead_letters {
            *counts.entry((letter.stage.as_str(), letter.class.as_str())).or_default() += 1;
        }
        counts
    }

    /// How many tries ended how.
    pub(super) fn outcomes(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for outcome in self.attempts.iter().filter_map(|attempt| attempt.outcome.as_deref()) {
            *counts.entry(outcome).or_default() += 1;
        }
        counts
    }

    /// How many dead letters a job has.
    pub(super) fn letters(&self, job: &str) -> usize {
        self.dead_letters.iter().filter(|letter| letter.job.as_deref() == Some(job)).count()
    }

    /// Dead letters of jobs that were open at two deaths.
    pub(super) fn crashed(&self) -> usize {
        self.dead_letters.iter().filter(|letter| letter.class == "crash").count()
    }
}

fn claims(db: &Connection) -> HashMap<String, Claim> {
    let sql = "
        SELECT lead_id, code, state, round, EXISTS (SELECT 1 FROM alerts WHERE key = 'unclaimed:' || lead_id AND cleared_at IS NULL) FROM claims";
    let mut claims: HashMap<String, Claim> = rows(db, sql, |row| {
        let (code, state, round, alert) = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
        Ok((row.get(0)?, Claim { code, state, round, log: Vec::new(), alert }))
    })
    .into_iter()
    .collect();
    let log = rows(db, "SELECT lead_id, what, coalesce(who, '') FROM claim_log ORDER BY id", |row| {
        Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?))
    });
    for (lead, what, who) in log {
        claims.get_mut(&lead).expect("a claim").log.push((what, who));
    }
    claims
}

fn rows<T>(db: &Connection, sql: &str, read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
    let mut query = db.prepare(sql).unwrap();
    query.query_map([], read).unwrap().map(Result::unwrap).collect()
}
