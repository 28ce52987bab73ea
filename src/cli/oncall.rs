//! `nightdesk oncall`: who is called now and next, the calendar, and who stands in for whom.
//!
//! Times are the rota's: what the clock on the office's wall shows.

mod test;

use std::io::Write;
use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::CliError;
use super::desk::{Desk, print_done, print_json};
use super::table::{Fit, Screen, line};
use crate::control::Request;
use crate::model::Timestamp;
use crate::model::oncall::{Layer, Mode, OnCall, Override, Person, Span, Stretch, Who, date_time, moment, reading};
use crate::store::{Canary, OverrideRow, Reader};

/// How far ahead is looked, if nobody says so.
const DAYS: u16 = 14;
/// Beyond this a calendar is no calendar.
const MOST_DAYS: i64 = 366;
/// The end gives way, then the reason.
const FIT: Fit = Fit { widest: 40, dispensable: &[1, 4] };

/// Who is called now and next, the calendar, and who stands in for whom.
#[derive(Debug, Subcommand)]
pub(super) enum OnCallCommand {
    /// Tell who would be called now, and who after that
    Now(Output),
    /// Tell what changes next
    Next(Output),
    /// List who would be called, stretch by stretch
    Calendar(Calendar),
    /// Let somebody stand in, list who does, or take it back
    Override(OverrideArgs),
    /// Test whether somebody's phone is reached, by a text that says so
    Test(test::Test),
}

/// How it is told.
#[derive(Debug, Args)]
pub(super) struct Output {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `oncall calendar`.
#[derive(Debug, Args)]
pub(super) struct Calendar {
    /// So many days
    #[arg(long, default_value_t = DAYS, value_parser = clap::value_parser!(u16).range(1..=MOST_DAYS))]
    days: u16,
    /// From this day on, such as 2026-12-24, instead of now
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    #[command(flatten)]
    output: Output,
}

/// Arguments of `oncall override`.
#[derive(Debug, Args)]
pub(super) struct OverrideArgs {
    /// Who has duty: a key of [oncall.people], or nobody
    #[arg(required_unless_present_any = ["list", "cancel"], conflicts_with_all = ["list", "cancel"])]
    who: Option<String>,
    /// From when, such as "2026-12-24 18:00", instead of now
    #[arg(long, value_name = "WHEN", requires = "who")]
    from: Option<String>,
    /// Until when
    #[arg(long, value_name = "WHEN", requires = "who", required_unless_present_any = ["span", "list", "cancel"])]
    until: Option<String>,
    /// For how long, such as 8h, instead of --until
    #[arg(long = "for", id = "span", value_name = "TIME", requires = "who", conflicts_with = "until")]
    span: Option<SignedDuration>,
    /// List those that are to come
    #[arg(long, conflicts_with = "cancel")]
    list: bool,
    /// Take this one of the list back
    #[arg(long, value_name = "NUMBER")]
    cancel: Option<i64>,
    #[command(flatten)]
    output: Output,
}

impl OnCallCommand {
    pub(super) async fn run(&self, desk: &Desk, out: &mut dyn Write) -> Result<(), CliError> {
        let view = View::of(desk)?;
        match self {
            Self::Now(output) => view.now(output, out),
            Self::Next(output) => view.next(output, out),
            Self::Calendar(args) => view.calendar(args, out),
            Self::Override(args) => args.run(desk, &view, out).await,
            Self::Test(args) => args.run(desk, &view.on_call, out).await,
        }
    }
}

/// The rota as it is configured, with what operators changed since.
struct View {
    on_call: OnCall,
    rows: Vec<OverrideRow>,
    /// The last test of each phone that was tested.
    tests: Vec<Canary>,
    ad_hoc: Vec<Override>,
    now: Timestamp,
    screen: Screen,
}

impl View {
    fn of(desk: &Desk) -> Result<Self, CliError> {
        let on_call = desk.config.oncall.clone().ok_or(CliError::NobodyOnCall)?;
        let now = Timestamp::now();
        let (rows, tests) = match desk.reader() {
            Ok(reader) => (reader.overrides(now)?, tests_of(&reader, &on_call)?),
            // It never ran, so nobody can have changed anything.
            Err(CliError::NoDatabase(_)) => (Vec::new(), Vec::new()),
            Err(error) => return Err(error),
        };
        let ad_hoc = rows.iter().cloned().map(OverrideRow::meant).collect();
        let screen = Screen::of_stdout(on_call.rota.zone.clone());
        Ok(Self { on_call, rows, tests, ad_hoc, now, screen })
    }

    fn ahead(&self) -> Vec<Span<'_>> {
        let until = days_after(self.zone(), self.now, DAYS);
        self.on_call.calendar(Stretch { from: self.now, until }, &self.ad_hoc)
    }

    fn now(&self, output: &Output, out: &mut dyn Write) -> Result<(), CliError> {
        let spans = self.ahead();
        let Some(span) = spans.first() else { return Err(CliError::NobodyOnCall) };
        if output.json {
            return print_json(out, &shown(span));
        }
        writeln!(out, "{} ({}): {}", self.screen.day(self.now), self.screen.zone(), words(span.mode))?;
        if span.mode != Mode::Alert {
            return Ok(writeln!(out, "Until {}.", self.screen.day(span.when.until))?);
        }
        for (nth, (step, person)) in (1..).zip(self.on_call.chain.iter().zip(&span.steps)) {
            let whom = match (person, &step.who) {
                (Some(person), _) => {
                    let wait =
                        if step.wait.is_zero() { String::new() } else { format!(", {} to claim", told(step.wait)) };
                    let ring = step.ring.map(|ring| format!(", rings after {}", told(ring))).unwrap_or_default();
                    let tested = self.tests.iter().find(|canary| canary.key == person.key);
                    let tested = tested.map(|canary| test::told(canary, &self.screen)).unwrap_or_default();
                    let email = person.email.as_ref().map(|email| format!(" <{email}>")).unwrap_or_default();
                    format!("{} {}{email}{wait}{ring}{tested}", person.name, person.phone)
                }
                (None, Who::Rota) => "nobody: the rota has nobody who can be called".to_owned(),
                (None, Who::Person(key)) => format!("nobody: {key} has quiet hours"),
            };
            writeln!(out, "{nth}. {}", line(&whom))?;
        }
        if let Some(layer) = span.layer {
            writeln!(out, "By {}, until {}.", layer.name(), self.screen.day(span.when.until))?;
        }
        if span.is_gap() {
            writeln!(out, "Nobody would be called: an urgent lead raises an alert, and waits for whoever claims it.")?;
        }
        Ok(())
    }

    fn next(&self, output: &Output, out: &mut dyn Write) -> Result<(), CliError> {
        let spans = self.ahead();
        let next = spans.get(1);
        if output.json {
            return print_json(out, &next.map(shown));
        }
        match next {
            Some(span) => writeln!(out, "{}: {}", self.screen.day(span.when.from), line(&first_of(span)))?,
            None => writeln!(out, "nothing changes within {DAYS} days")?,
        }
        Ok(())
    }

    fn calendar(&self, args: &Calendar, out: &mut dyn Write) -> Result<(), CliError> {
        let from = match &args.from {
            Some(text) => self.moment(text)?,
            None => self.now,
        };
        let until = days_after(self.zone(), from, args.days);
        let spans = self.on_call.calendar(Stretch { from, until }, &self.ad_hoc);
        if args.output.json {
            return print_json(out, &spans.iter().map(shown).collect::<Vec<_>>());
        }
        let rows = spans.iter().map(|span| {
            let name = |nth: usize| span.steps.get(nth).copied().flatten().map_or("-", |person| person.name.as_str());
            let others: Vec<&str> = (1..span.steps.len()).map(name).collect();
            let why = match (span.mode, span.layer) {
                (Mode::Alert, layer) if !span.is_gap() => layer.map_or("", Layer::name),
                (Mode::Alert, _) => "NOBODY IS CALLED",
                (mode, _) => words(mode),
            };
            vec![
                self.screen.day(span.when.from),
                self.screen.day(span.when.until),
                name(0).to_owned(),
                others.join(", "),
                why.to_owned(),
            ]
        });
        write!(out, "{}", self.screen.table(&["FROM", "UNTIL", "FIRST", "THEN", "WHY"], &FIT, rows))?;
        Ok(writeln!(out, "\nTimes are {}.", self.screen.zone())?)
    }

    fn zone(&self) -> &TimeZone {
        &self.on_call.rota.zone
    }

    fn moment(&self, text: &str) -> Result<Timestamp, CliError> {
        let at = date_time(text).and_then(|at| moment(self.zone(), at));
        at.ok_or_else(|| argument(format!("{text:?} is no time such as \"2026-12-24 18:00\"")))
    }
}

impl OverrideArgs {
    async fn run(&self, desk: &Desk, view: &View, out: &mut dyn Write) -> Result<(), CliError> {
        if self.list {
            return self.print(view, out);
        }
        let (request, done) = match self.cancel {
            Some(id) => (Request::CancelOverride { id }, "override taken back"),
            None => (self.wanted(view)?, "override made"),
        };
        print_done(out, vec![desk.ask(request).await?], done, self.output.json)
    }

    fn wanted(&self, view: &View) -> Result<Request, CliError> {
        let key = self.who.as_deref().unwrap_or_default();
        let who = (key != "nobody").then(|| key.to_owned());
        if who.is_some() && view.on_call.person(key).is_none() {
            let known: Vec<&str> = view.on_call.people.iter().map(|person| person.key.as_str()).collect();
            return Err(argument(format!("{key:?} is nobody's key; there are {}", known.join(", "))));
        }
        let from = self.from.as_deref().map_or(Ok(view.now), |text| view.moment(text))?;
        let until = match (&self.until, self.span) {
            (Some(text), _) => view.moment(text)?,
            (None, Some(span)) => from.after(Duration::try_from(span).unwrap_or_default()),
            (None, None) => from,
        };
        if until <= from || until <= view.now {
            return Err(argument("it would end before it begins, or is over".to_owned()));
        }
        Ok(Request::Override { who, from, until })
    }

    fn print(&self, view: &View, out: &mut dyn Write) -> Result<(), CliError> {
        if self.output.json {
            return print_json(out, &view.rows);
        }
        if view.rows.is_empty() {
            return Ok(writeln!(out, "no override is to come; those in the configuration stand there")?);
        }
        let rows = view.rows.iter().map(|row| {
            let who = row.who.as_deref().map_or("nobody", |key| view.on_call.person(key).map_or(key, |one| &one.name));
            vec![row.id.to_string(), view.screen.day(row.from), view.screen.day(row.until), who.to_owned()]
        });
        let fit = Fit { widest: 30, dispensable: &[] };
        Ok(write!(out, "{}", view.screen.table(&["NUMBER", "FROM", "UNTIL", "WHO"], &fit, rows))?)
    }
}

fn tests_of(reader: &Reader, on_call: &OnCall) -> Result<Vec<Canary>, CliError> {
    let last = |person: &Person| reader.last_canary(&person.key).transpose();
    Ok(on_call.people.iter().filter_map(last).collect::<Result<_, _>>()?)
}

fn argument(message: String) -> CliError {
    CliError::Argument { message }
}

/// Who is called first, and by which layer.
fn first_of(span: &Span<'_>) -> String {
    match (span.mode, span.steps.iter().flatten().next(), span.layer) {
        (Mode::Alert, None, _) => "nobody".to_owned(),
        (Mode::Alert, Some(person), Some(layer)) => format!("{} ({})", person.name, layer.name()),
        (Mode::Alert, Some(person), None) => person.name.clone(),
        (mode, _, _) => words(mode).to_owned(),
    }
}

/// The same time of the day, so many days later.
fn days_after(zone: &TimeZone, from: Timestamp, days: u16) -> Timestamp {
    let later = reading(zone, from).and_then(|at| at.checked_add(jiff::Span::new().days(days)).ok());
    later.and_then(|at| moment(zone, at)).unwrap_or(from)
}

const fn words(mode: Mode) -> &'static str {
    match mode {
        Mode::Alert => "urgent leads call people",
        Mode::CrmOnly => "nobody is called, the CRM is written",
        Mode::Defer => "leads wait until people are called again",
    }
}

fn told(span: Duration) -> String {
    SignedDuration::try_from(span).map_or_else(|_| format!("{span:?}"), |span| format!("{span:#}"))
}

fn shown(span: &Span<'_>) -> Value {
    json!({
        "from": span.when.from,
        "until": span.when.until,
        "mode": span.mode.name(),
        "why": span.layer.map(Layer::name),
        "steps": span.steps.iter().map(|one| one.map(|person| person.key.as_str())).collect::<Vec<_>>(),
        "nobody": span.is_gap(),
    })
}
