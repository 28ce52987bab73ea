//! One lead's story, for the person who is woken at three in the morning: nothing left out, the verdict first.
//!
//! Called by `leads show`. It is read in one go from the database and printed as it lies there: the timeline, then what
//! was sent to and answered by everybody, word for word, and last the payload as it came.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::CliError;
use super::table::{Fit, Screen, block, excerpt, line};
use crate::model::{Lead, Timestamp, in_words};
use crate::store::{
    AttemptRow, DeadLetter, DeadLetterFilter, JobRow, LlmCallRow, Pace, Reader, StoreError, TimelineRow,
};

/// Everything there is on one lead.
pub(super) struct Story {
    lead: Lead,
    letters: Vec<DeadLetter>,
    timeline: Vec<TimelineRow>,
    jobs: Vec<JobRow>,
    attempts: Vec<AttemptRow>,
    calls: Vec<LlmCallRow>,
    payload: Option<String>,
    pace: Pace,
}

impl Story {
    pub(super) fn read(reader: &Reader, lead: Lead) -> Result<Self, StoreError> {
        let id = lead.id;
        let of_lead = DeadLetterFilter { lead: Some(id), ..DeadLetterFilter::default() };
        Ok(Self {
            letters: reader.dead_letters(&of_lead)?,
            timeline: reader.timeline(id)?,
            jobs: in_order(reader.jobs(id)?),
            attempts: reader.attempts(id)?,
            calls: reader.llm_calls(id)?,
            payload: reader.payload(id)?,
            pace: reader.pace(id)?,
            lead,
        })
    }

    pub(super) fn json(&self) -> Value {
        let lead = &self.lead;
        json!({
            "lead_id": lead.id,
            "code": lead.code,
            "state": self.state(),
            "source": lead.source,
            "received_at": lead.received_at,
            "record": lead.record,
            "name": lead.name,
            "email": lead.email,
            "phone": lead.phone_text,
            "phone_e164": lead.phone,
            "raw_message": lead.raw_message,
            "message": lead.message,
            "label": lead.label,
            "classified_by": lead.classified_by,
            "provisional_at": lead.provisional_at,
            "routed_at": lead.routed_at,
            "settled_at": lead.settled_at,
            "seconds_to_submitted": self.pace.seconds_to_submitted,
            "seconds_to_delivered": self.pace.seconds_to_delivered,
            "seconds_to_claim": self.pace.seconds_to_claim,
            "dead_letters": self.letters,
            "timeline": self.timeline,
            "jobs": self.jobs,
            "attempts": self.attempts,
            "llm_calls": self.calls,
            "payload": self.payload,
        })
    }

    pub(super) fn print(&self, screen: &Screen, out: &mut dyn Write) -> Result<(), CliError> {
        self.print_head(screen, out)?;
        let head = ["TIME", "WHAT", "DETAIL"];
        let rows = self.timeline.iter().map(|row| {
            vec![screen.stored_moment(&row.at, self.lead.received_at), row.what.clone(), excerpt(&row.detail)]
        });
        write!(
            out,
            "\nTIMELINE ({})\n{}",
            screen.zone(),
            screen.table(&head, &Fit { widest: 40, dispensable: &[] }, rows)
        )?;
        self.print_jobs(screen, out)?;
        let clean = self.lead.message.as_deref().unwrap_or("(not cleaned yet)");
        write!(out, "\nMESSAGE, cleaned\n{}", block(clean))?;
        if self.lead.message.as_deref() != Some(self.lead.raw_message.as_str()) {
            write!(out, "\nMESSAGE, as sent\n{}", block(&self.lead.raw_message))?;
        }
        self.print_calls(screen, out)?;
        self.print_attempts(screen, out)?;
        write!(out, "\nPAYLOAD, as it came\n{}", block(self.payload.as_deref().unwrap_or("(not kept)")))?;
        Ok(())
    }

    fn print_head(&self, screen: &Screen, out: &mut dyn Write) -> Result<(), CliError> {
        let lead = &self.lead;
        writeln!(out, "Lead {}: {}", lead.code, self.state())?;
        for letter in &self.letters {
            writeln!(out, "  dead letter {}: {}", letter.id, excerpt(&letter.reason))?;
            writeln!(out, "    what to do: {} (nightdesk dlq show {})", line(&letter.what_to_do), letter.id)?;
        }
        let class = match (lead.label, lead.classified_by) {
            (Some(label), Some(by)) => format!("{label}, by {}", by.name()),
            (Some(label), None) => label.to_string(),
            (None, _) => "none yet".to_owned(),
        };
        let phone = match (&lead.phone, &lead.phone_text) {
            (Some(phone), Some(typed)) if phone.as_str() != typed => format!("{} ({typed})", phone.as_str()),
            (None, Some(typed)) => format!("{typed} (no valid number)"),
            (Some(phone), _) => phone.as_str().to_owned(),
            (None, None) => "-".to_owned(),
        };
        let dash = || "-".to_owned();
        let record = lead.record.as_ref().map_or_else(dash, |record| format!("{} in {}", record.id, record.channel));
        for (key, value) in [
            ("id", lead.id.to_string()),
            ("class", class),
            ("received", format!("{}, source {}", screen.time(lead.received_at), lead.source)),
            ("name", lead.name.clone().unwrap_or_else(dash)),
            ("e-mail", lead.email.clone().unwrap_or_else(dash)),
            ("phone", phone),
            ("CRM record", record),
            ("pace", in_steps(&self.pace).unwrap_or_else(dash)),
        ] {
            writeln!(out, "{key:<12}{}", line(&value))?;
        }
        Ok(())
    }

    fn print_jobs(&self, screen: &Screen, out: &mut dyn Write) -> Result<(), CliError> {
        let head = ["JOB", "CHANNEL", "STATE", "TRIES", "RESULT"];
        let rows = self.jobs.iter().map(|job| {
            let due = || match job.state.as_str() {
                "ready" | "unknown" => format!("due {}", screen.stored_time(&job.due_at)),
                _ => String::new(),
            };
            let result = job.result.as_deref().map_or_else(due, excerpt);
            vec![job.kind.clone(), job.channel.clone(), job.state.clone(), job.attempts.to_string(), result]
        });
        Ok(write!(out, "\nJOBS\n{}", screen.table(&head, &Fit { widest: 20, dispensable: &[3] }, rows))?)
    }

    fn print_calls(&self, screen: &Screen, out: &mut dyn Write) -> Result<(), CliError> {
        let mut told: Option<&str> = None;
        for call in &self.calls {
            let verdict = match (&call.label, &call.error) {
                (Some(label), _) => label.clone(),
                (None, Some(error)) => format!("no label: {}", line(error)),
                (None, None) => "no label".to_owned(),
            };
            let cost = call.cost_micros.map_or_else(String::new, |micros| format!(", cost {}", cost(micros)));
            let (at, took) = (screen.stored_moment(&call.at, self.lead.received_at), call.latency_ms);
            writeln!(out, "\nMODEL {}, {at}, {took} ms{cost}: {verdict}", line(&call.provider))?;
            // Some fifty lines that rarely change from one call to the next.
            if told == Some(call.instructions.as_str()) {
                writeln!(out, "  instructions: the same")?;
            } else {
                write!(out, "  instructions\n{}", block(&call.instructions))?;
            }
            told = Some(&call.instructions);
            write!(out, "  prompt\n{}", block(&call.prompt))?;
            write!(out, "  answer\n{}", block(call.answer.as_deref().unwrap_or("(none)")))?;
        }
        Ok(())
    }

    fn print_attempts(&self, screen: &Screen, out: &mut dyn Write) -> Result<(), CliError> {
        for attempt in &self.attempts {
            let job = self.jobs.iter().find(|job| job.id == attempt.job_id);
            let what = job.map_or_else(String::new, |job| format!("{} on {}", job.kind, job.channel));
            print_attempt(attempt, &what, screen, out)?;
        }
        Ok(())
    }

    fn state(&self) -> &'static str {
        match &self.lead {
            _ if !self.letters.is_empty() => "needs a person",
            Lead { settled_at: Some(_), .. } => "settled",
            Lead { routed_at: Some(_), .. } => "being acted on",
            Lead { provisional_at: Some(_), .. } => "alerted, not classified yet",
            _ => "being read",
        }
    }
}

/// How long each step took from the webhook on, as far as there were any.
fn in_steps(pace: &Pace) -> Option<String> {
    let steps = [
        ("text sent", pace.seconds_to_submitted),
        ("delivered", pace.seconds_to_delivered),
        ("claimed", pace.seconds_to_claim),
    ];
    let told = steps.into_iter().filter_map(|(step, seconds)| {
        let took = Duration::try_from_secs_f64(seconds?).ok()?;
        Some(format!("{step} after {}", in_words(took)))
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// Jobs in the order in which they ended; the open ones follow, by when they are due.
fn in_order(mut jobs: Vec<JobRow>) -> Vec<JobRow> {
    let key = |job: &JobRow| {
        let at = job.ended_at.clone().unwrap_or_else(|| job.due_at.clone());
        (job.ended_at.is_none(), at, job.kind.clone())
    };
    jobs.sort_by_cached_key(key);
    jobs
}

/// One try, with what was said and answered.
pub(super) fn print_attempt(
    attempt: &AttemptRow,
    what: &str,
    screen: &Screen,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let look_up = if attempt.mode == "look_up" { ", look-up" } else { "" };
    let outcome = attempt.outcome.as_deref().unwrap_or("no answer yet");
    let took = match (attempt.latency_ms, &attempt.ended_at) {
        (Some(ms), _) => format!(" in {ms} ms"),
        (None, Some(ended)) => lasted(&attempt.started_at, ended),
        (None, None) => String::new(),
    };
    let at = screen.stored_time(&attempt.started_at);
    writeln!(out, "\nTRY {} {what}{look_up}, {at}: {outcome}{took}", attempt.attempt_id)?;
    if let Some(reason) = &attempt.reason {
        writeln!(out, "  {}", line(reason))?;
    }
    for (name, said) in [("request", &attempt.request), ("response", &attempt.response)] {
        if let Some(said) = said {
            write!(out, "  {name}\n{}", block(said))?;
        }
    }
    Ok(())
}

fn lasted(started: &str, ended: &str) -> String {
    match (started.parse::<Timestamp>(), ended.parse::<Timestamp>()) {
        (Ok(started), Ok(ended)) => format!(" in {} ms", ended.since(started).as_millis()),
        _ => String::new(),
    }
}

/// Millionths of a currency as an amount.
fn cost(micros: i64) -> String {
    let micros = micros.unsigned_abs();
    format!("{}.{:06}", micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000))
}
