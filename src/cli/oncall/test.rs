//! `nightdesk oncall test`: whether somebody's phone is reached, now and not only on the day when the desk tests it.
//!
//! The desk sends, by the person's first channel, as it does on its own. Here is only waited for what it hears.

use std::io::Write;
use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, sleep};

use super::super::CliError;
use super::super::desk::{Desk, print_json};
use super::super::modem::span;
use super::super::table::{Screen, line};
use super::argument;
use crate::control::{Request, Response};
use crate::model::LeadId;
use crate::model::oncall::{OnCall, Person};
use crate::store::{Canary, CanaryState};

/// Between two looks for a report or an answer.
const LOOK: Duration = Duration::from_millis(500);

/// Arguments of `oncall test`.
#[derive(Debug, Args)]
#[command(after_help = "\
Ends with 0 when the phone has the text or its owner answered, and with 69 when neither was heard in time. The desk goes
on listening, and raises an alert when nothing comes.")]
pub(in crate::cli) struct Test {
    /// Whose phone: a key of [oncall.people], or the name
    who: String,
    /// How long to wait for a delivery report or an answer
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = span)]
    wait: Duration,
    /// Don't wait: the desk tells by an alert
    #[arg(long, conflicts_with = "wait")]
    no_wait: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Test {
    pub(super) async fn run(&self, desk: &Desk, on_call: &OnCall, out: &mut dyn Write) -> Result<(), CliError> {
        let person = self.person(on_call)?;
        let (test, channel) = match desk.ask_if_running(&Request::Test { who: person.key.clone() }).await? {
            None => return Err(CliError::NotRunning),
            Some(Response::Tested { test, channel }) => (test, channel),
            Some(Response::Refused { reason }) => return Err(CliError::Refused { reason }),
            Some(_) => return Err(CliError::OddAnswer),
        };
        if !self.json {
            writeln!(out, "a text to {} {} is queued on {}", line(&person.name), person.phone, channel.name())?;
            out.flush()?;
        }
        let canary = self.outcome(desk, test).await?;
        if self.json {
            print_json(out, &canary)?;
        }
        match judge(&canary) {
            _ if self.no_wait => Ok(()),
            Ok(words) if !self.json => Ok(writeln!(out, "{words}")?),
            Ok(_) => Ok(()),
            Err(why) => Err(CliError::NotReached { who: person.name.clone(), why }),
        }
    }

    fn person<'a>(&self, on_call: &'a OnCall) -> Result<&'a Person, CliError> {
        let named = || on_call.people.iter().find(|person| person.name.eq_ignore_ascii_case(&self.who));
        on_call.person(&self.who).or_else(named).ok_or_else(|| {
            let known: Vec<&str> = on_call.people.iter().map(|person| person.key.as_str()).collect();
            argument(format!("{:?} is nobody on call; there are {}", self.who, known.join(", ")))
        })
    }

    /// The test, once something is known of it or the time is over.
    async fn outcome(&self, desk: &Desk, test: LeadId) -> Result<Canary, CliError> {
        let (reader, start) = (desk.reader()?, Instant::now());
        let wait = if self.no_wait { Duration::ZERO } else { self.wait };
        loop {
            let canary = reader.canary(test)?.ok_or(CliError::OddAnswer)?;
            let left = wait.saturating_sub(start.elapsed());
            let is_lost = canary.text.as_deref() == Some("failed");
            if canary.state != CanaryState::Waiting || is_lost || left.is_zero() {
                return Ok(canary);
            }
            sleep(LOOK.min(left)).await;
        }
    }
}

/// How a test ended, or why it hasn't ended well.
fn judge(canary: &Canary) -> Result<&'static str, String> {
    const LISTENS: &str = "the desk goes on listening; `nightdesk oncall now` tells";
    match (canary.state, canary.text.as_deref(), &canary.failure) {
        (CanaryState::Reached, _, _) if canary.delivered_at.is_some() => Ok("delivered: the phone has it"),
        (CanaryState::Reached, _, _) => Ok("answered: the phone is reached"),
        (_, Some("failed"), Some(why)) => Err(why.clone()),
        (_, None, Some(why)) => Err(format!("the text was not sent: {why}")),
        (_, None, None) => Err("the text was not sent yet; `nightdesk status` may tell why".to_owned()),
        (_, Some(_), _) => Err(format!("neither a delivery report nor an answer has come; {LISTENS}")),
    }
}

/// The last test of somebody, in a few words.
pub(super) fn told(canary: &Canary, screen: &Screen) -> String {
    let how = match (canary.state, canary.delivered_at) {
        (CanaryState::Reached, Some(_)) => "delivered",
        (CanaryState::Reached, None) => "answered",
        (CanaryState::Waiting, _) => "nothing heard yet",
        (CanaryState::Silent, _) => "NOT REACHED",
        (CanaryState::Known, _) => "never",
    };
    format!("; tested {}: {how}", screen.day(canary.at))
}
