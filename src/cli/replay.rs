//! `nightdesk replay`: runs one lead through the pipeline again, from a stage on.

use std::io::Write;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::CliError;
use super::desk::{Desk, WHEN_IT_RUNS, lead_of, print_json};
use crate::control::{Request, Response};
use crate::model::{ReplayFrom, Replayed};

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The lead's code (K7), its id, or the first 8 or more characters of that
    lead: String,
    /// Where to start
    #[arg(long, value_name = "STAGE", value_enum, default_value_t = Stage::Classify)]
    from: Stage,
    /// Do again what was done: a second text, a second note
    #[arg(long)]
    again: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A stage a replay may start at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// Clean the message and ask the model again
    Classify,
    /// Keep the class, plan its actions again
    Route,
}

impl Replay {
    pub(super) async fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let lead = lead_of(&desk.reader()?, &self.lead)?;
        let from = match self.from {
            Stage::Classify => ReplayFrom::Classify,
            Stage::Route => ReplayFrom::Route,
        };
        let answered = desk.ask(Request::Replay { lead: lead.id, from, again: self.again }).await?;
        let outcome = match answered.response {
            Response::Replayed { outcome } => outcome,
            Response::Refused { reason } => return Err(CliError::Refused { reason }),
            Response::Status(_)
            | Response::Done { .. }
            | Response::Modem(_)
            | Response::Tested { .. }
            | Response::Looks { .. }
            | Response::Suppression { .. }
            | Response::Text(_)
            | Response::Fate { .. } => return Err(CliError::OddAnswer),
        };
        match outcome {
            Replayed::Queued if self.json => print_json(out, &json!({ "lead_id": lead.id, "replayed": outcome })),
            Replayed::Queued => {
                writeln!(out, "lead {code} is queued; follow it: nightdesk leads show {code}", code = lead.code)?;
                if !answered.running {
                    writeln!(out, "{WHEN_IT_RUNS}")?;
                }
                Ok(())
            }
            Replayed::Busy => Err(CliError::Busy { lead: lead.code.to_string() }),
            Replayed::Unknown => Err(CliError::NoLead { name: self.lead.clone() }),
            Replayed::Unlabelled => {
                let reason = match self.from {
                    Stage::Classify => "no model is configured to ask",
                    Stage::Route => "the lead has no class yet; replay it with --from classify",
                };
                Err(CliError::Refused { reason: reason.to_owned() })
            }
        }
    }
}
