//! `nightdesk reconcile`: looks into the CRMs for leads that never arrived, now and not only at night.
//!
//! The desk looks, page by page and within the CRM's limits. Here is only shown how far it is, and what it found.

use std::io::Write;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::time::sleep;

use super::CliError;
use super::desk::{Desk, print_done, print_json};
use super::table::{Fit, Screen, line};
use crate::control::{Request, Response};
use crate::model::oncall::{date_time, moment};
use crate::model::{Channel, Lane, LeadId, Timestamp};
use crate::store::{Counts, Find, Reader, ReconcileRow, ReconcileState};

/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(200);
/// So many looks later, whether the desk still runs.
const ASK_EVERY: u64 = 25;
/// The lead's id gives way first.
const FIT: Fit = Fit { widest: 30, dispensable: &[2] };

/// Arguments of `reconcile`.
#[derive(Debug, Args)]
#[command(after_help = "\
Leads that are found come in as if their webhook had come; those that are hours old are told of in one text. Nothing from
before the desk's first start is looked for, and whoever was erased stays so. Ctrl-C ends the waiting, not the look.")]
pub(super) struct Reconcile {
    /// Only this CRM: the NAME of [crm.NAME]
    #[arg(long, value_name = "NAME")]
    crm: Option<String>,
    /// Since when, such as "2026-11-23 18:00" or 36h, instead of since the last look
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Tell what would be taken in, and take in nothing
    #[arg(long)]
    dry_run: bool,
    /// Don't wait for its end
    #[arg(long)]
    no_wait: bool,
    /// Never take in this record of the CRM, because its person was erased
    #[arg(long, value_name = "RECORD", conflicts_with_all = ["since", "dry_run", "no_wait"])]
    never: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Reconcile {
    pub(super) async fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let crm = self.crm.as_deref().map(|name| Channel::new(Lane::Crm, name));
        if let Some(record) = &self.never {
            let asked = desk.ask(Request::Forget { crm, record: record.clone() }).await?;
            return print_done(out, vec![asked], "record is never taken in", self.json);
        }
        let request = Request::Reconcile {
            crm,
            since: self.since.as_deref().map(|text| since(text, desk)).transpose()?,
            dry_run: self.dry_run,
        };
        let looks = match desk.ask_if_running(&request).await? {
            None => return Err(CliError::NotRunning),
            Some(Response::Looks { looks }) => looks,
            Some(Response::Refused { reason }) => return Err(CliError::Refused { reason }),
            Some(_) => return Err(CliError::OddAnswer),
        };
        let (reader, screen) = (desk.reader()?, desk.screen());
        let (mut told, mut failed) = (Vec::new(), None);
        for id in looks {
            let look = self.ended(desk, &reader, id).await?;
            let finds = reader.finds(id)?;
            if look.state == ReconcileState::Failed {
                let why = look.reason.clone().unwrap_or_default();
                failed = Some(CliError::NotReconciled { channel: look.channel.clone(), why });
            }
            if self.json {
                told.push(json!({ "look": look, "missed": finds }));
            } else {
                print(&look, &finds, &screen, out)?;
            }
        }
        if self.json {
            print_json(out, &told)?;
        }
        failed.map_or(Ok(()), Err)
    }

    /// The look, once it has ended, with a bar on the terminal until then.
    async fn ended(&self, desk: &Desk, reader: &Reader, id: LeadId) -> Result<ReconcileRow, CliError> {
        let bar = if self.json || self.no_wait { ProgressBar::hidden() } else { ProgressBar::no_length() };
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos} of {len} records");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        for nth in 0_u64.. {
            // Nobody reads on if the desk has ended.
            if nth.is_multiple_of(ASK_EVERY) && desk.ask_if_running(&Request::Status).await?.is_none() {
                break;
            }
            let look = reader.reconcile(id)?.ok_or(CliError::OddAnswer)?;
            if look.state != ReconcileState::Running || self.no_wait {
                bar.finish_and_clear();
                return Ok(look);
            }
            bar.set_message(look.channel.name().to_owned());
            if let Some(expected) = look.expected {
                bar.set_length(expected);
            }
            bar.set_position(look.counts.found.into());
            sleep(LOOK).await;
        }
        Err(CliError::NotRunning)
    }
}

/// A moment on the office's clock, or so long ago.
fn since(text: &str, desk: &Desk) -> Result<Timestamp, CliError> {
    let ago = || {
        let span: jiff::SignedDuration = text.parse().ok()?;
        Some(Timestamp::now().before(Duration::try_from(span).ok()?))
    };
    let at = date_time(text).and_then(|at| moment(&desk.config.business.time_zone, at));
    at.or_else(ago).ok_or_else(|| CliError::Argument {
        message: format!("{text:?} is no time: write \"2026-11-23 18:00\", or 36h for so long ago"),
    })
}

fn print(look: &ReconcileRow, finds: &[Find], screen: &Screen, out: &mut dyn Write) -> Result<(), CliError> {
    let (crm, from, until) = (line(look.channel.name()), screen.day(look.from), screen.day(look.until));
    let Counts { found, known, empty, erased, older, missed } = look.counts;
    writeln!(out, "{crm}, {from} to {until}: {}, {found} records", look.state.name())?;
    let taken = if look.dry_run { "would be taken in" } else { "taken in" };
    writeln!(out, "  {missed} never arrived ({taken}), {known} had arrived")?;
    let others = [(empty, "without a message"), (older, "from before the first start"), (erased, "erased")];
    for (n, what) in others.into_iter().filter(|(n, _)| *n > 0) {
        writeln!(out, "  {n} {what}")?;
    }
    if finds.is_empty() {
        return Ok(());
    }
    let rows = finds.iter().map(|find| {
        let lead = find.lead_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        vec![screen.day(find.made_at), find.record.clone(), lead]
    });
    Ok(write!(out, "{}", screen.table(&["WRITTEN", "RECORD", "LEAD"], &FIT, rows))?)
}
