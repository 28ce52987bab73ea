//! `nightdesk status`: how the desk stands. What needs a person comes first.
//!
//! A running desk is asked; of one that doesn't run, its database tells what it can, and the exit code says the rest.

use std::io::Write;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::CliError;
use super::desk::{Desk, print_json};
use super::modem::{parts, reports};
use super::systemd::Systemctl;
use super::table::{Fit, Screen, amount, line};
use super::tunnels::{Tunnel, tunnels};
use crate::app;
use crate::control::{AlertStatus, ChannelStatus, Request, Response, SpendingStatus, Status};
use crate::model::{ModemInfo, Timestamp, bars, in_words};
use crate::outbox::Budget;
use crate::store::{InboxCounts, Reader, WaitingLead};

/// Arguments of `status`.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is shown. The first three, and the modems, are of a running desk only.
#[derive(Debug, Default, Serialize)]
struct Shown {
    running: bool,
    version: Option<String>,
    since: Option<String>,
    intake: Option<String>,
    waiting: Vec<WaitingLead>,
    alerts: Vec<AlertStatus>,
    hints: Vec<String>,
    channels: Vec<ChannelStatus>,
    modems: Vec<ModemInfo>,
    spending: Option<SpendingStatus>,
    tunnels: Vec<Tunnel>,
    /// `None`: there is no database yet.
    counts: Option<InboxCounts>,
    last_lead_at: Option<String>,
    free_bytes: Option<u64>,
}

impl StatusArgs {
    pub(super) async fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let mut shown = match desk.ask_if_running(&Request::Status).await? {
            Some(Response::Status(status)) => Shown::of_running(*status),
            Some(Response::Refused { reason }) => return Err(CliError::Refused { reason }),
            Some(
                Response::Done { .. }
                | Response::Replayed { .. }
                | Response::Modem(_)
                | Response::Tested { .. }
                | Response::Looks { .. }
                | Response::Suppression { .. }
                | Response::Text(_)
                | Response::Fate { .. },
            ) => return Err(CliError::OddAnswer),
            None => Shown::of_files(desk)?,
        };
        shown.tunnels = tunnels(&Systemctl::default());
        if self.json {
            print_json(out, &shown)?;
        } else {
            shown.print(&desk.screen(), Timestamp::now(), out)?;
        }
        if shown.running { Ok(()) } else { Err(CliError::NotRunning) }
    }
}

impl Shown {
    fn of_running(status: Status) -> Self {
        Self {
            running: true,
            version: Some(status.version),
            since: Some(status.since),
            intake: Some(status.intake),
            waiting: status.waiting,
            alerts: status.alerts,
            hints: status.hints,
            channels: status.channels,
            modems: status.modems,
            spending: status.spending,
            counts: Some(status.counts),
            last_lead_at: status.last_lead_at,
            free_bytes: status.free_bytes,
            ..Self::default()
        }
    }

    fn of_files(desk: &Desk) -> Result<Self, CliError> {
        let hints = desk.config.warnings.iter().map(ToString::to_string).collect();
        match desk.reader() {
            Ok(reader) => {
                let spending = app::spending(&desk.config, &reader, Timestamp::now())?;
                Self { hints, spending, ..Self::default() }.with(&reader)
            }
            Err(CliError::NoDatabase(_)) => Ok(Self { hints, ..Self::default() }),
            Err(error) => Err(error),
        }
    }

    fn with(self, reader: &Reader) -> Result<Self, CliError> {
        let alerts = reader.alerts()?.into_iter().map(|alert| AlertStatus {
            since: alert.first_at.to_string(),
            count: alert.count,
            text: alert.text,
            cure: alert.cure,
        });
        let channels = reader.channels()?.into_iter().map(|row| ChannelStatus {
            name: row.channel.to_string(),
            state: row.state.name().to_owned(),
            reason: Some(row.reason),
            until: Some(row.until.to_string()),
        });
        let last = reader.last_lead_at()?;
        Ok(Self {
            waiting: reader.waiting(Timestamp::now())?,
            alerts: alerts.collect(),
            channels: channels.collect(),
            counts: Some(reader.counts()?),
            last_lead_at: last.map(|at| at.to_string()),
            ..self
        })
    }

    fn print(&self, screen: &Screen, now: Timestamp, out: &mut dyn Write) -> Result<(), CliError> {
        if let (Some(since), Some(intake)) = (&self.since, &self.intake) {
            let version = self.version.as_deref().unwrap_or_default();
            writeln!(out, "nightdesk {version} runs since {}, intake {intake}", screen.stored_time(since))?;
        } else {
            writeln!(out, "NOT RUNNING: no lead is taken in.")?;
            writeln!(out, "  why it stopped: journalctl -u nightdesk; to start it: systemctl start nightdesk")?;
        }
        self.print_waiting(screen, out)?;
        self.print_troubles(screen, out)?;
        if !self.channels.is_empty() {
            let rows = self.channels.iter().map(|channel| {
                let until = channel.until.as_deref().map_or_else(String::new, |at| screen.stored_time(at));
                let state = if channel.state == "closed" { "ok" } else { &channel.state };
                let reason = channel.reason.clone().filter(|reason| !self.is_told_below(channel, reason));
                vec![channel.name.clone(), state.to_owned(), until, reason.unwrap_or_default()]
            });
            write!(
                out,
                "\n{}",
                screen.table(&["CHANNEL", "STATE", "UNTIL", "REASON"], &Fit { widest: 24, dispensable: &[] }, rows)
            )?;
        }
        self.print_modems(screen, out)?;
        if !self.tunnels.is_empty() {
            writeln!(out)?;
        }
        for tunnel in &self.tunnels {
            writeln!(out, "tunnel {}  {}", line(&tunnel.name), line(&tunnel.words(screen)))?;
        }
        self.print_counts(screen, now, out)
    }

    /// A modem's own trouble is told with the modem, at length.
    fn is_told_below(&self, channel: &ChannelStatus, reason: &String) -> bool {
        self.modems.iter().any(|modem| channel.state == modem.state.name() && modem.reason.as_ref() == Some(reason))
    }

    /// A table, and below it the words of each that isn't well.
    fn print_modems(&self, screen: &Screen, out: &mut dyn Write) -> Result<(), CliError> {
        if self.modems.is_empty() {
            return Ok(());
        }
        let rows = self.modems.iter().map(|modem| {
            let (hour, day) = parts(&modem.spent);
            let since = screen.stored_minute(&modem.since.to_string());
            let state = modem.state.name().to_owned();
            let heard = modem.signal_dbm.map_or_else(|| "-".to_owned(), |dbm| format!("{dbm} dBm {}/4", bars(dbm)));
            vec![modem.name.clone(), state, since, heard, hour, day, reports(modem).to_owned()]
        });
        let head = ["MODEM", "STATE", "SINCE", "SIGNAL", "HOUR", "DAY", "REPORTS"];
        write!(out, "\n{}", screen.table(&head, &Fit { widest: 20, dispensable: &[2] }, rows))?;
        for modem in &self.modems {
            let told = [("", &modem.reason), ("  what to do: ", &modem.cure), ("  next: ", &modem.next)];
            for (before, words) in told {
                let Some(words) = words else { continue };
                let name = if before.is_empty() { format!("{}: ", line(&modem.name)) } else { before.to_owned() };
                writeln!(out, "{name}{}", line(words))?;
            }
        }
        Ok(())
    }

    /// Leads that wait for a person come before everything else.
    fn print_waiting(&self, screen: &Screen, out: &mut dyn Write) -> Result<(), CliError> {
        if !self.waiting.is_empty() {
            writeln!(out, "\nUNCLAIMED")?;
        }
        for lead in &self.waiting {
            let who = [lead.name.as_deref(), lead.phone.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
            let since = screen.stored_time(&lead.received_at);
            writeln!(out, "  since {since}: {} {}", line(&lead.code), line(&who))?;
            let called = lead.called.as_deref().map_or_else(|| "nobody".to_owned(), line);
            let state = if lead.unanswered { "nobody has claimed it" } else { "nobody has claimed it yet" };
            let after = |seconds: Option<u32>| seconds.map(|n| in_words(Duration::from_secs(n.into())));
            let texted = after(lead.seconds_to_submitted)
                .map_or_else(|| "not texted".to_owned(), |n| format!("texted after {n}"));
            let arrived = after(lead.seconds_to_delivered)
                .map_or_else(|| "no report".to_owned(), |n| format!("delivered after {n}"));
            let text = format!("{texted}, {arrived}");
            writeln!(out, "    {text}; {called} was called last, {state}")?;
        }
        Ok(())
    }

    fn print_troubles(&self, screen: &Screen, out: &mut dyn Write) -> Result<(), CliError> {
        if self.alerts.is_empty() {
            writeln!(out, "\nNo alerts.")?;
        } else {
            writeln!(out, "\nALERTS")?;
        }
        for alert in &self.alerts {
            let times = if alert.count == 1 { String::new() } else { format!(" ({} times)", alert.count) };
            writeln!(out, "  since {}{times}: {}", screen.stored_time(&alert.since), line(&alert.text))?;
            writeln!(out, "    what to do: {}", line(&alert.cure))?;
        }
        if !self.hints.is_empty() {
            writeln!(out, "\nHINTS")?;
        }
        for hint in &self.hints {
            writeln!(out, "  {}", line(hint))?;
        }
        Ok(())
    }

    fn print_counts(&self, screen: &Screen, now: Timestamp, out: &mut dyn Write) -> Result<(), CliError> {
        let Some(counts) = &self.counts else {
            writeln!(out, "\nThere is no database yet: the desk never ran with this configuration.")?;
            return Ok(());
        };
        let last = self
            .last_lead_at
            .as_deref()
            .map_or_else(|| "none yet".to_owned(), |at| format!("{}{}", screen.stored_time(at), ago(at, now)));
        writeln!(out, "\n{:<14}{} ({} not settled)", "leads", counts.leads, counts.open_leads)?;
        writeln!(out, "{:<14}{last}", "last lead")?;
        writeln!(out, "{:<14}{} open", "jobs", counts.open_jobs)?;
        let look = |count: u32, command: &str| if count > 0 { format!("   see: {command}") } else { String::new() };
        writeln!(
            out,
            "{:<14}{}{}",
            "dead letters",
            counts.dead_letters,
            look(counts.dead_letters, "nightdesk dlq list")
        )?;
        let refused = look(counts.quarantine, "nightdesk quarantine list");
        writeln!(out, "{:<14}{}{refused}", "quarantine", counts.quarantine)?;
        if let Some(spending) = &self.spending {
            writeln!(out, "{:<14}{}", "models", line(&spent(spending)))?;
        }
        if let Some(free) = self.free_bytes {
            writeln!(out, "{:<14}{} free", "disk", amount(free))?;
        }
        writeln!(out, "\nTimes are {}.", screen.zone())?;
        Ok(())
    }
}

/// What models have cost, and what they may.
fn spent(spending: &SpendingStatus) -> String {
    let budget = Budget { currency: spending.currency.clone(), ..Budget::default() };
    let of = |micros: u64, cap: Option<u64>| {
        let cap = cap.map_or_else(String::new, |cap| format!(" of {}", budget.words(cap)));
        format!("{}{cap}", budget.words(micros))
    };
    let today = of(spending.today_micros, spending.per_day_micros);
    format!("{today} today, {} this month", of(spending.month_micros, spending.per_month_micros))
}

/// How long ago, in the largest unit that says something.
fn ago(at: &str, now: Timestamp) -> String {
    let Ok(at) = at.parse::<Timestamp>() else { return String::new() };
    let minutes = now.since(at).as_secs().div_euclid(60);
    match minutes {
        0 => " (just now)".to_owned(),
        1..120 => format!(" ({minutes} min ago)"),
        120..2880 => format!(" ({} h ago)", minutes.div_euclid(60)),
        _ => format!(" ({} days ago)", minutes.div_euclid(1440)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_roughly() {
        let now: Timestamp = "2026-11-23T12:00:00.000Z".parse().unwrap();
        for (at, want) in [
            ("2026-11-23T11:59:30.000Z", " (just now)"),
            ("2026-11-23T12:00:30.000Z", " (just now)"),
            ("2026-11-23T11:00:00.000Z", " (60 min ago)"),
            ("2026-11-23T10:00:00.000Z", " (2 h ago)"),
            ("2026-11-21T11:00:00.000Z", " (2 days ago)"),
            ("soon", ""),
        ] {
            assert_eq!(ago(at, now), want, "{at}");
        }
    }
}
