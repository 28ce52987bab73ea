//! `nightdesk dlq`: what could not succeed by itself, why, and what to do; and doing it again.
//!
//! Listing and showing read the database. Retrying and discarding go to the desk; whoever means many of them is told
//! how many and asked first.

use std::io::Write;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::json;

use super::CliError;
use super::desk::{Answered, Desk, confirmed, lead_of, print_done, print_json};
use super::story::print_attempt;
use super::table::{Fit, Screen, block, excerpt, line};
use crate::control::Request;
use crate::store::{AttemptRow, DeadLetter, DeadLetterFilter, JobRow, Reader};

/// Where something may die.
const STAGES: [&str; 7] = ["gate", "classify", "desk", "sms", "mail", "ticket", "crm"];
/// Of what it may die.
const CLASSES: [&str; 6] = ["transient", "throttled", "auth", "unknown", "permanent", "crash"];
/// The class and the time give way, in this order.
const FIT: Fit = Fit { widest: 16, dispensable: &[3, 1] };
/// What a command that changes dead letters is told when it isn't told which.
const WHICH: &str = "say which: their numbers, --stage, --class, --lead, or --all";

/// Look at dead letters, retry or discard them.
#[derive(Debug, Subcommand)]
pub(super) enum DlqCommand {
    /// List the open dead letters, oldest first.
    List(List),
    /// Tell why one died and what to do, with its payload and every try.
    Show(Show),
    /// Do them again, with fresh deadlines and counters.
    Retry(Change),
    /// Close them without doing them; they stay in the database.
    Discard(Change),
}

/// Which of them.
#[derive(Debug, Args)]
struct Filter {
    /// Only those that died there
    #[arg(long, value_parser = PossibleValuesParser::new(STAGES))]
    stage: Option<String>,
    /// Only those that died of this
    #[arg(long, value_parser = PossibleValuesParser::new(CLASSES))]
    class: Option<String>,
    /// Only those of this lead
    #[arg(long)]
    lead: Option<String>,
}

/// Arguments of `dlq list`.
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    filter: Filter,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `dlq show`.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// Its number in `dlq list`
    id: i64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `dlq retry` and `dlq discard`.
#[derive(Debug, Args)]
pub(super) struct Change {
    /// Their numbers in `dlq list`
    #[arg(conflicts_with_all = ["stage", "class", "lead", "all"])]
    ids: Vec<i64>,
    #[command(flatten)]
    filter: Filter,
    /// All that are open
    #[arg(long, conflicts_with_all = ["stage", "class", "lead"])]
    all: bool,
    /// Don't ask
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl DlqCommand {
    pub(super) async fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::List(args) => args.run(desk, out),
            Self::Show(args) => args.run(desk, out),
            Self::Retry(args) => args.run(desk, out, "Retry", "requeued", |filter| Request::Retry { filter }).await,
            Self::Discard(args) => {
                args.run(desk, out, "Discard", "discarded", |filter| Request::Discard { filter }).await
            }
        }
    }
}

impl Filter {
    const fn is_empty(&self) -> bool {
        self.stage.is_none() && self.class.is_none() && self.lead.is_none()
    }

    fn meant(&self, reader: &Reader) -> Result<DeadLetterFilter, CliError> {
        let lead = self.lead.as_deref().map(|name| lead_of(reader, name)).transpose()?;
        Ok(DeadLetterFilter {
            id: None,
            stage: self.stage.clone(),
            class: self.class.clone(),
            lead: lead.map(|lead| lead.id),
        })
    }
}

impl List {
    fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let reader = desk.reader()?;
        let letters = reader.dead_letters(&self.filter.meant(&reader)?)?;
        if self.json {
            return print_json(out, &letters);
        }
        if letters.is_empty() {
            writeln!(out, "no dead letter is open")?;
            return Ok(());
        }
        let screen = desk.screen();
        let mut rows = Vec::new();
        for letter in &letters {
            rows.push(vec![
                letter.id.to_string(),
                screen.stored_minute(&letter.at.to_string()),
                letter.stage.clone(),
                letter.class.clone(),
                code_of(&reader, letter)?,
                excerpt(&letter.reason),
            ]);
        }
        write!(out, "{}", screen.table(&["ID", "SINCE", "STAGE", "CLASS", "LEAD", "REASON"], &FIT, rows))?;
        writeln!(out, "\nTimes are {}. Why, and what to do: nightdesk dlq show ID", screen.zone())?;
        Ok(())
    }
}

fn code_of(reader: &Reader, letter: &DeadLetter) -> Result<String, CliError> {
    let Some(id) = letter.lead_id else { return Ok("-".to_owned()) };
    Ok(reader.find_lead(&id.to_string())?.map_or_else(|| id.to_string(), |lead| lead.code.to_string()))
}

impl Show {
    fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let reader = desk.reader()?;
        let letter = reader.dead_letter(self.id)?.ok_or(CliError::NoLetter { id: self.id })?;
        let (job, attempts) = work_of(&reader, &letter)?;
        if self.json {
            return print_json(out, &json!({ "dead_letter": letter, "job": job, "attempts": attempts }));
        }
        let screen = desk.screen();
        print_letter(&letter, &code_of(&reader, &letter)?, job.as_ref(), &screen, out)?;
        let what = job.map_or_else(String::new, |job| format!("{} on {}", job.kind, job.channel));
        attempts.iter().try_for_each(|attempt| print_attempt(attempt, &what, &screen, out))
    }
}

/// The job that died, and its tries.
fn work_of(reader: &Reader, letter: &DeadLetter) -> Result<(Option<JobRow>, Vec<AttemptRow>), CliError> {
    let (Some(lead), Some(job)) = (letter.lead_id, letter.job_id) else { return Ok((None, Vec::new())) };
    let id = job.to_string();
    let mut attempts = reader.attempts(lead)?;
    attempts.retain(|attempt| attempt.job_id == id);
    Ok((reader.jobs(lead)?.into_iter().find(|job| job.id == id), attempts))
}

fn print_letter(
    letter: &DeadLetter,
    lead: &str,
    job: Option<&JobRow>,
    screen: &Screen,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let state = letter.closed_as.as_deref().unwrap_or("open");
    writeln!(out, "Dead letter {}: {state}", letter.id)?;
    writeln!(out, "{:<12}{}", "reason", line(&letter.reason))?;
    writeln!(out, "{:<12}{}", "what to do", line(&letter.what_to_do))?;
    if letter.closed_as.is_none() {
        writeln!(out, "{:<12}nightdesk dlq retry {id}   or   nightdesk dlq discard {id}", "then", id = letter.id)?;
    }
    writeln!(out, "{:<12}{} ({})", "since", screen.time(letter.at), screen.zone())?;
    writeln!(out, "{:<12}{}, class {}", "stage", letter.stage, letter.class)?;
    writeln!(out, "{:<12}{lead}", "lead")?;
    if let Some(job) = job {
        let (kind, channel, state, tries) = (&job.kind, &job.channel, &job.state, job.attempts);
        writeln!(out, "{:<12}{kind} on {channel}: {state}, tries: {tries}", "job")?;
    }
    write!(out, "\nPAYLOAD\n{}", block(&letter.payload))?;
    Ok(())
}

impl Change {
    async fn run(
        &self,
        desk: &Desk,
        out: &mut dyn Write,
        verb: &str,
        done: &str,
        request: impl Fn(DeadLetterFilter) -> Request,
    ) -> Result<(), CliError> {
        let filters = if self.ids.is_empty() {
            if !self.all && self.filter.is_empty() {
                return Err(CliError::Argument { message: WHICH.to_owned() });
            }
            let reader = desk.reader()?;
            let filter = self.filter.meant(&reader)?;
            let letters = reader.dead_letters(&filter)?;
            if letters.is_empty() {
                return Err(CliError::NothingMatches);
            }
            if !confirmed(&question(verb, &letters), self.yes)? {
                return Ok(());
            }
            vec![filter]
        } else {
            self.ids.iter().map(|id| DeadLetterFilter { id: Some(*id), ..DeadLetterFilter::default() }).collect()
        };
        let mut answers = Vec::new();
        for filter in filters {
            let request = request(filter);
            // A letter is closed at once; only a retry waits for the desk.
            let waits = matches!(request, Request::Retry { .. });
            let answered = desk.ask(request).await?;
            answers.push(Answered { running: answered.running || !waits, ..answered });
        }
        print_done(out, answers, done, self.json)
    }
}

/// What is asked before many are changed: how many, and where they died.
fn question(verb: &str, letters: &[DeadLetter]) -> String {
    let of = |stage: &&str| letters.iter().filter(|letter| letter.stage == **stage).count();
    let stages: Vec<String> = STAGES
        .iter()
        .map(|stage| (of(stage), stage))
        .filter(|(count, _)| *count > 0)
        .map(|(count, stage)| format!("{count} {stage}"))
        .collect();
    let plural = if letters.len() == 1 { "" } else { "s" };
    format!("{verb} {} dead letter{plural} ({})?", letters.len(), stages.join(", "))
}
