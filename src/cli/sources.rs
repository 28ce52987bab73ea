//! `nightdesk sources`: who may post leads, what would be read from a body, what a body looks like.
//!
//! `test` is for mending a mapping: it puts a body through the gate as the desk would, and stores nothing.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::CliError;
use super::desk::{Desk, print_json, source_of};
use super::send_test::Sample;
use super::table::{Fit, block, line};
use crate::app;
use crate::config::{BaseUrl, Shape, Source};
use crate::intake;
use crate::model::{NewLead, Timestamp};
use crate::store::{Arrival, Gate};

/// The CRM gives way.
const FIT: Fit = Fit { widest: 60, dispensable: &[3] };

/// Look at sources.
#[derive(Debug, Subcommand)]
pub(super) enum SourcesCommand {
    /// List the sources: their addresses, kinds and proofs
    List(List),
    /// Show what would be read from a body that a source sent
    Test(Test),
    /// Print a body as a source would send it
    Sample(SampleArgs),
}

/// Arguments of `sources list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `sources test`.
#[derive(Debug, Args)]
pub(super) struct Test {
    /// The source's name, as in [sources.NAME]
    source: String,
    /// The file with the body; - for standard input
    file: PathBuf,
    /// The body's Content-Type, if it is none that goes without saying
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `sources sample`.
#[derive(Debug, Args)]
pub(super) struct SampleArgs {
    /// The source's name, as in [sources.NAME]
    source: String,
    /// What the lead writes, if not the built-in sample of an urgent buyer
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// The id of a CRM record
    #[arg(long, value_name = "ID")]
    record: Option<String>,
}

impl SourcesCommand {
    pub(super) fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::List(args) => args.run(desk, out),
            Self::Test(args) => args.run(desk, out),
            Self::Sample(args) => args.run(desk, out),
        }
    }
}

/// Where a source is posted to, as far as it may be shown.
fn address(desk: &Desk, name: &str, source: &Source) -> String {
    let base = desk.config.server.public_url.as_ref().map_or("", BaseUrl::as_str);
    let secret = if source.auth.is_in_path() { "/SECRET" } else { "" };
    format!("{}/hooks/{name}{secret}", base.trim_end_matches('/'))
}

impl List {
    fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let sources = &desk.config.sources;
        let crm = |source: &Source| source.crm.as_ref().map(|crm| crm.short_name().to_owned());
        if self.json {
            let of = |(name, source): (&String, &Source)| {
                json!({
                    "name": name, "kind": source.shape.name(), "scheme": source.auth.name(),
                    "address": address(desk, name, source), "crm": crm(source),
                })
            };
            return print_json(out, &sources.iter().map(of).collect::<Vec<Value>>());
        }
        if sources.is_empty() {
            writeln!(out, "there are no sources: every webhook is refused; see [sources.NAME] in the configuration")?;
            return Ok(());
        }
        let row = |(name, source): (&String, &Source)| {
            vec![
                name.clone(),
                source.shape.name().to_owned(),
                source.auth.name().to_owned(),
                crm(source).unwrap_or_else(|| "-".to_owned()),
                address(desk, name, source),
            ]
        };
        let head = ["SOURCE", "KIND", "PROOF", "CRM", "ADDRESS (POST)"];
        write!(out, "{}", desk.screen().table(&head, &FIT, sources.iter().map(row)))?;
        writeln!(out, "\nTry one: nightdesk send-test SOURCE. See what is read: nightdesk sources test SOURCE FILE")?;
        Ok(())
    }
}

impl Test {
    fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let source = source_of(desk, &self.source)?;
        let settings = app::open_source(&desk.config, &self.source, source);
        let gates = intake::reparse(&settings, &self.arrival()?);
        if self.json {
            print_json(out, &gates.iter().map(|gate| seen(desk, gate)).collect::<Vec<Value>>())?;
        } else {
            for (nth, gate) in gates.iter().enumerate() {
                print(desk, gate, nth.saturating_add(1), gates.len(), out)?;
            }
        }
        let reads = |gate: &Gate| !matches!(gate, Gate::Failed { .. } | Gate::Crashed { .. });
        if gates.iter().all(reads) {
            return Ok(());
        }
        Err(CliError::Data { message: "no lead could be read from it, or from a part of it".to_owned() })
    }

    fn arrival(&self) -> Result<Arrival, CliError> {
        let mut body = Vec::new();
        let read = if self.file.as_os_str() == "-" {
            std::io::stdin().read_to_end(&mut body).map(drop)
        } else {
            fs::read(&self.file).map(|bytes| body = bytes)
        };
        read.map_err(|source| CliError::Unreadable { path: self.file.clone(), source })?;
        let headers = self.content_type.iter().map(|kind| ("content-type".to_owned(), kind.clone()));
        Ok(Arrival {
            received_at: Timestamp::now(),
            source: self.source.clone(),
            method: "POST".to_owned(),
            target: format!("/hooks/{}", self.source),
            headers: headers.collect(),
            body,
        })
    }
}

/// What became of a body, or a part of it, for a machine.
fn seen(desk: &Desk, gate: &Gate) -> Value {
    match gate {
        Gate::Passed(new) => {
            let (message, phone) = read(desk, new);
            json!({
                "lead": {
                    "message": message, "name": new.name, "email": new.email, "phone": new.phone_text,
                    "phone_e164": phone, "record_id": new.record_id,
                    "event_id": new.event_key,
                }
            })
        }
        Gate::Pointed(to) => json!({ "record_to_read": { "id": to.read.record.id, "event_id": to.event_key } }),
        Gate::Ignored { reason } => json!({ "ignored": reason }),
        Gate::Failed { reason } | Gate::Crashed { reason } => json!({ "no_lead": reason }),
    }
}

fn print(desk: &Desk, gate: &Gate, nth: usize, of: usize, out: &mut dyn Write) -> Result<(), CliError> {
    if of > 1 {
        writeln!(out, "{nth} of {of}")?;
    }
    match gate {
        Gate::Passed(new) => print_lead(desk, new, out)?,
        Gate::Pointed(to) => writeln!(out, "a record to be read from the CRM: {}", line(&to.read.record.id))?,
        Gate::Ignored { reason } => writeln!(out, "not acted on: {}", line(reason))?,
        Gate::Failed { reason } | Gate::Crashed { reason } => writeln!(out, "no lead: {}", line(reason))?,
    }
    Ok(())
}

fn print_lead(desk: &Desk, new: &NewLead, out: &mut dyn Write) -> Result<(), CliError> {
    let (message, phone) = read(desk, new);
    let typed = new.phone_text.as_deref().map(|text| match &phone {
        Some(number) => format!("{} ({number})", line(text)),
        None => format!("{} (no number that can be dialled)", line(text)),
    });
    let record = new.record_id.as_deref().map(line);
    for (field, value) in [
        ("name", new.name.as_deref().map(line)),
        ("email", new.email.as_deref().map(line)),
        ("phone", typed),
        ("record", record),
        ("event", new.event_key.as_deref().map(line)),
    ] {
        writeln!(out, "{field:8}{}", value.as_deref().unwrap_or("-"))?;
    }
    if message.is_empty() {
        writeln!(out, "message is empty: the lead would go to a person")?;
    } else {
        writeln!(out, "message\n{}", block(&message))?;
    }
    Ok(())
}

/// The clean text and the number, as the pipeline would read them.
fn read(desk: &Desk, new: &NewLead) -> (String, Option<String>) {
    let reading = app::reading(&desk.config, &new.message, new.phone_text.as_deref());
    (reading.message, reading.phone.map(|phone| phone.to_string()))
}

impl SampleArgs {
    fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let source = source_of(desk, &self.source)?;
        let record = self.record.as_deref().or_else(|| (source.shape == Shape::HubspotApp).then_some("501"));
        let sample = Sample { message: self.message.as_deref(), record, now: Timestamp::now() };
        let body = sample.body(source).ok_or_else(|| CliError::NeedsRecord(self.source.clone()))?;
        writeln!(out, "{}", body.text)?;
        Ok(())
    }
}
