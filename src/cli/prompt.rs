//! `nightdesk prompt`: the request that the first model would be sent for a lead, to the letter; nothing is sent.
//!
//! The lead goes through the pipeline's own reading, masking and prompt. Neither the desk nor a secret is needed: stars
//! stand where the key would be.

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};

use super::CliError;
use super::desk::{Desk, lead_of, print_json};
use crate::app;
use crate::wire::{self, Call};

/// Arguments of `prompt`.
#[derive(Debug, Args)]
pub(super) struct PromptArgs {
    #[command(flatten)]
    about: About,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which message; one of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct About {
    /// The lead's code (K7), its id, or the first 8 or more characters of that
    #[arg(long, value_name = "ID")]
    lead: Option<String>,
    /// What a lead would write, in place of one there is
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
}

impl PromptArgs {
    pub(super) fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let call = self.call(desk)?;
        if self.json { print_json(out, &shown(&call)) } else { print(&call, out) }
    }

    fn call(&self, desk: &Desk) -> Result<Call, CliError> {
        let (message, phone_text) = match &self.about.lead {
            Some(name) => {
                let lead = lead_of(&desk.reader()?, name)?;
                (lead.raw_message, lead.phone_text)
            }
            None => (self.about.message.clone().unwrap_or_default(), None),
        };
        let reading = app::reading(&desk.config, &message, phone_text.as_deref());
        if reading.message.is_empty() {
            let message = "nothing is left of the message after cleaning: no model would be asked".to_owned();
            return Err(CliError::Data { message });
        }
        app::first_call(&desk.config, &reading, phone_text.as_deref()).ok_or(CliError::NoModel)
    }
}

/// The request as HTTP/1.1 has it, the body to the letter.
fn print(call: &Call, out: &mut dyn Write) -> Result<(), CliError> {
    writeln!(out, "{} {}", call.method, call.url)?;
    for (name, value) in wire::headers(call) {
        writeln!(out, "{name}: {value}")?;
    }
    let body = call.body.as_ref().map_or("", |body| &body.text);
    Ok(writeln!(out, "\n{body}")?)
}

fn shown(call: &Call) -> Value {
    let body = call.body.as_ref().and_then(|body| serde_json::from_str::<Value>(&body.text).ok());
    json!({ "method": call.method.as_str(), "url": call.url, "headers": wire::headers(call), "body": body })
}
