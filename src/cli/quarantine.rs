//! `nightdesk quarantine`: requests that failed to authenticate, and letting them in after all.
//!
//! Replaying says that a person vouches for the sender, so without ids it asks first.

use std::io::Write;

use clap::{Args, Subcommand};

use super::CliError;
use super::desk::{Desk, confirmed, print_done, print_json};
use super::table::{Fit, excerpt};
use crate::control::Request;
use crate::store::QuarantineRow;

/// The size, and when it was replayed, give way.
const FIT: Fit = Fit { widest: 16, dispensable: &[3, 4] };

/// Look at refused requests, or let them in.
#[derive(Debug, Subcommand)]
pub(super) enum QuarantineCommand {
    /// List refused requests, newest first.
    List(List),
    /// Let them in as if they had authenticated: do it after mending a mistyped secret.
    Replay(Replay),
}

/// Arguments of `quarantine list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `quarantine replay`.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// Their numbers in `quarantine list`; all that were not replayed, if none is given
    ids: Vec<i64>,
    /// Don't ask
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl QuarantineCommand {
    pub(super) async fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::List(args) => args.run(desk, out),
            Self::Replay(args) => args.run(desk, out).await,
        }
    }
}

impl List {
    fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let requests = desk.reader()?.quarantine()?;
        if self.json {
            return print_json(out, &requests);
        }
        if requests.is_empty() {
            writeln!(out, "no request is in quarantine")?;
            return Ok(());
        }
        let screen = desk.screen();
        let rows = requests.iter().map(|request| {
            vec![
                request.id.to_string(),
                screen.stored_minute(&request.received_at.to_string()),
                request.source.clone(),
                request.body_bytes.to_string(),
                request.replayed_at.map_or_else(|| "-".to_owned(), |at| screen.stored_minute(&at.to_string())),
                excerpt(&request.reason),
            ]
        });
        write!(out, "{}", screen.table(&["ID", "RECEIVED", "SOURCE", "BYTES", "REPLAYED", "WHY REFUSED"], &FIT, rows))?;
        writeln!(out, "\nTimes are {}. To let them in: nightdesk quarantine replay [ID…]", screen.zone())?;
        Ok(())
    }
}

impl Replay {
    async fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        if self.ids.is_empty() {
            let mut waiting = desk.reader()?.quarantine()?;
            waiting.retain(|request| request.replayed_at.is_none());
            if waiting.is_empty() {
                return Err(CliError::NothingMatches);
            }
            if !confirmed(&question(&waiting), self.yes)? {
                return Ok(());
            }
        }
        let answer = desk.ask(Request::ReplayQuarantine { ids: self.ids.clone() }).await?;
        print_done(out, vec![answer], "replayed", self.json)
    }
}

fn question(waiting: &[QuarantineRow]) -> String {
    let mut sources: Vec<&str> = waiting.iter().map(|request| request.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    let plural = if waiting.len() == 1 { "" } else { "s" };
    format!("Let in {} refused request{plural} (source {})?", waiting.len(), sources.join(", "))
}
