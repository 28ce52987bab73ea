//! `nightdesk mail`: which addresses get no mail, and what was sent; `try_out` shows a mail and sends one to ourselves.
//!
//! The database knows addresses by their hashes only, so a list can't name them; whoever has an address asks for it. The
//! desk hashes it, because it has the key.

mod try_out;

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::CliError;
use super::desk::{Desk, confirmed, print_json};
use super::table::{Fit, Screen};
use crate::control::{Address, Request, Response};
use crate::model::{Suppressed, Timestamp};
use crate::store::{MailRow, Suppression};

/// Enough of a hash to tell addresses apart by eye.
const SHORT: usize = 8;
/// Nothing gives way: what stands last says the most.
const FIT: Fit = Fit { widest: 20, dispensable: &[] };

/// Look at mails, try them out, and keep them from addresses.
#[derive(Debug, Subcommand)]
pub(super) enum MailCommand {
    /// List addresses that get no mail, by their hashes, newest first
    List(List),
    /// Send no more mail to an address
    Suppress(Suppress),
    /// Let an address get mail again
    Unsuppress(Unsuppress),
    /// Print the mail that a lead would get; nothing is sent
    Preview(try_out::Preview),
    /// Send a mail to an address of yours, past the desk
    SendTest(try_out::SendTest),
}

/// Arguments of `mail list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// List the mails that were sent instead
    #[arg(long)]
    sent: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `mail suppress`.
#[derive(Debug, Args)]
pub(super) struct Suppress {
    /// The address
    address: Address,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `mail unsuppress`.
#[derive(Debug, Args)]
pub(super) struct Unsuppress {
    /// The address
    address: Address,
    /// Don't ask, also if its owner has unsubscribed
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl MailCommand {
    pub(super) async fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let needs_key = !matches!(self, Self::Preview(_) | Self::SendTest(_));
        if needs_key && desk.config.mail.as_ref().is_none_or(|mail| mail.key.is_none()) {
            return Err(CliError::NoMail);
        }
        match self {
            Self::List(args) if args.sent => args.mails(desk, out),
            Self::List(args) => args.suppressions(desk, out),
            Self::Suppress(args) => args.run(desk, out).await,
            Self::Unsuppress(args) => args.run(desk, out).await,
            Self::Preview(args) => args.run(desk, out),
            Self::SendTest(args) => args.run(desk, out).await,
        }
    }
}

impl List {
    fn suppressions(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let reader = desk.reader()?;
        let found = reader.suppressions(self.limit)?;
        if self.json {
            return print_json(out, &found.iter().map(shown).collect::<Vec<_>>());
        }
        if found.is_empty() {
            return Ok(writeln!(out, "every address may get mail")?);
        }
        let screen = desk.screen();
        let rows = found.iter().map(|one| {
            let hash = one.hash.to_string();
            let short = hash.get(..SHORT).unwrap_or_default().to_owned();
            vec![short, screen.day(one.since), one.reason.name().to_owned()]
        });
        write!(out, "{}", screen.table(&["ADDRESS", "SINCE", "WHY"], &FIT, rows))?;
        let counts = reader.suppression_counts()?;
        let counts: Vec<String> = counts.iter().map(|(reason, count)| format!("{count} {}", reason.name())).collect();
        Ok(writeln!(out, "\nIn all {}. Times are {}.", counts.join(", "), screen.zone())?)
    }

    fn mails(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let mails = desk.reader()?.mails(self.limit)?;
        if self.json {
            return print_json(out, &mails);
        }
        if mails.is_empty() {
            return Ok(writeln!(out, "no mail was sent yet")?);
        }
        let screen = desk.screen();
        let rows = mails.iter().map(|mail| row(mail, &screen));
        write!(out, "{}", screen.table(&["SENT", "LEAD", "STATE", "SUBJECT"], &FIT, rows))?;
        Ok(writeln!(out, "\nTimes are {}. One lead's story: nightdesk leads show LEAD", screen.zone())?)
    }
}

impl Suppress {
    async fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let count = count_of(desk.ask(Request::Suppress { address: self.address.clone() }).await?.response)?;
        if self.json {
            return print_json(out, &json!({ "done": count }));
        }
        let words = if count > 0 { "it gets no more mail" } else { "it got no mail before" };
        Ok(writeln!(out, "{words}")?)
    }
}

impl Unsuppress {
    async fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let look = Request::Suppression { address: self.address.clone() };
        let why = match desk.ask(look).await?.response {
            Response::Suppression { why } => why,
            other => return count_of(other).and(Err(CliError::OddAnswer)),
        };
        let (reason, since) = why.ok_or(CliError::NotSuppressed)?;
        if reason == Suppressed::Unsubscribed && !confirmed(&question(since, &desk.screen()), self.yes)? {
            return Ok(());
        }
        let count = count_of(desk.ask(Request::Unsuppress { address: self.address.clone() }).await?.response)?;
        if self.json {
            return print_json(out, &json!({ "done": count }));
        }
        Ok(writeln!(out, "it may get mail again")?)
    }
}

fn question(since: Timestamp, screen: &Screen) -> String {
    format!("Its owner unsubscribed on {}. Mail it again all the same?", screen.day(since))
}

fn count_of(response: Response) -> Result<u32, CliError> {
    match response {
        Response::Done { count, .. } => Ok(count),
        Response::Refused { reason } => Err(CliError::Refused { reason }),
        _ => Err(CliError::OddAnswer),
    }
}

fn shown(one: &Suppression) -> Value {
    json!({ "address_hash": one.hash.to_string(), "reason": one.reason.name(), "since": one.since })
}

fn row(mail: &MailRow, screen: &Screen) -> Vec<String> {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    vec![screen.stored_minute(&mail.at), or_dash(&mail.code), mail.state.clone(), or_dash(&mail.subject)]
}
