//! `nightdesk leads`: the leads there are, and everything that is known of one of them (`show`).

use std::io::Write;

use clap::{Args, Subcommand};

use super::desk::{Desk, lead_of, print_json};
use super::table::{Fit, Screen, excerpt};
use super::{CliError, story};
use crate::store::LeadRow;

/// Source, texts, name and class give way, in this order.
const FIT: Fit = Fit { widest: 16, dispensable: &[5, 4, 6, 2] };

/// Look at leads.
#[derive(Debug, Subcommand)]
pub(super) enum LeadsCommand {
    /// List the newest leads.
    List(List),
    /// Tell one lead's whole story: payload, text, prompt, answer, every try.
    Show(Show),
}

/// Arguments of `leads list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Only leads that are not settled, or need a person
    #[arg(long)]
    open: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `leads show`.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The lead's code (K7), its id, or the first 8 or more characters of that
    lead: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl LeadsCommand {
    pub(super) fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::List(args) => args.run(desk, out),
            Self::Show(args) => {
                let reader = desk.reader()?;
                let story = story::Story::read(&reader, lead_of(&reader, &args.lead)?)?;
                if args.json { print_json(out, &story.json()) } else { story.print(&desk.screen(), out) }
            }
        }
    }
}

impl List {
    fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let leads = desk.reader()?.leads(self.open, self.limit)?;
        if self.json {
            return print_json(out, &leads);
        }
        if leads.is_empty() {
            writeln!(out, "{}", if self.open { "no lead is open" } else { "no lead has come yet" })?;
            return Ok(());
        }
        let screen = desk.screen();
        let head = ["LEAD", "RECEIVED", "CLASS", "STATE", "TEXTS", "SOURCE", "NAME", "MESSAGE"];
        write!(out, "{}", screen.table(&head, &FIT, leads.iter().map(|lead| row(lead, &screen))))?;
        writeln!(out, "\nTimes are {}. One lead's story: nightdesk leads show LEAD", screen.zone())?;
        Ok(())
    }
}

fn row(lead: &LeadRow, screen: &Screen) -> Vec<String> {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    vec![
        lead.code.clone(),
        screen.stored_minute(&lead.received_at),
        or_dash(&lead.class),
        lead.state.clone(),
        or_dash(&lead.texts),
        lead.source.clone(),
        excerpt(&or_dash(&lead.name)),
        excerpt(&lead.message),
    ]
}
