//! Every vendor and the modem, broken in every way, against the real binary: one table. A row says what goes wrong, in
//! which class each try ends (the design's "What follows"), and what came of the lead.
//!
//! The rows are in one file a vendor; each runs in an office of its own, a few at a time. `cargo test faults -- --nocapture`
//! prints the table as it came out.

mod hubspot;
mod llm;
mod modem;
mod twilio;

use std::fmt::Debug;
use std::rc::Rc;
use std::time::Duration;

use nightdesk::demo::sim::Fault;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::Instant;

use crate::support::{Office, Post};

/// Offices at the same time. They mostly wait.
const OFFICES: usize = 6;
/// The record in the CRM that every row's lead has.
const CONTACT: &str = "501";
/// What the person on call reads.
const MESSAGE: &str = "We need 50 units by tomorrow, budget is 20k";

/// One line of the table.
struct Row {
    name: String,
    /// What differs in the configuration.
    config: &'static str,
    /// What is in pieces when the lead comes.
    breaks: Box<dyn Fn(&Office)>,
    /// The modem is unplugged before the lead comes.
    unplugged: bool,
    /// The kind of the job that meets the fault.
    kind: &'static str,
    /// How each of its tries ends: `unknown`, `look-up absent`, `modem0 transient`; a `+` behind it: once or more.
    tries: &'static [&'static str],
    after: After,
}

/// What came of the lead.
#[derive(Clone, Copy)]
struct After {
    /// Texts the modem and Twilio took.
    texts: [usize; 2],
    /// The last of them is marked as a repeat.
    repeat: bool,
    notes: usize,
    /// The class is in the CRM.
    written: bool,
    /// The only dead letter's stage and class.
    letter: Option<(&'static str, &'static str)>,
    /// The channel an alert was raised about.
    alert: Option<&'static str>,
    /// From the start of the first try to that of the last it is at least this long.
    pause: Duration,
    /// Times the model was asked.
    asked: usize,
    /// What became of the text that Twilio took, where that is asked.
    fate: Option<&'static str>,
}

/// As if nothing had gone wrong, but later.
const FINE: After = After {
    texts: [1, 0],
    repeat: false,
    notes: 1,
    written: true,
    letter: None,
    alert: None,
    pause: Duration::ZERO,
    asked: 1,
    fate: None,
};

impl Row {
    fn new(name: impl Into<String>, breaks: impl Fn(&Office) + 'static, tries: &'static [&'static str]) -> Self {
        let name = name.into();
        Self { name, config: "", breaks: Box::new(breaks), unplugged: false, kind: "", tries, after: FINE }
    }

    fn then(self, after: After) -> Self {
        Self { after, ..self }
    }

    fn with(self, config: &'static str) -> Self {
        Self { config, ..self }
    }
}

/// Everything after which nobody can know whether the request was acted on, if it may not be repeated.
fn no_verdict() -> Vec<(&'static str, Fault)> {
    vec![
        ("500", Fault::status(500)),
        ("503", Fault::status(503)),
        ("hang", Fault::hang()),
        ("reset before the body", Fault::reset_before_body()),
        ("reset after the body", Fault::reset()),
        ("close after the body", Fault::close()),
        ("reset in the answer", Fault::reset_in_answer()),
        ("close in the answer", Fault::close_in_answer()),
        ("garbage", Fault::garbage()),
    ]
}

/// 200, complete, and no answer of the vendor's.
fn no_answer() -> Vec<(&'static str, Fault)> {
    vec![
        ("200 with HTML", Fault::html()),
        ("200 with half the JSON", Fault::half_json()),
        ("200 without end", Fault::huge(3 * 1024 * 1024)),
    ]
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the table is worth reading: `-- --nocapture` shows it")]
async fn every_fault_ends_in_its_class() {
    let begun = Instant::now();
    let rows: Vec<Row> = [llm::rows(), hubspot::rows(), twilio::rows(), modem::rows()].into_iter().flatten().collect();
    let count = rows.len();
    let seats = Rc::new(Semaphore::new(OFFICES));
    let table = LocalSet::new();
    let mut running = JoinSet::new();
    for row in rows {
        let seats = Rc::clone(&seats);
        let task = async move {
            let _seat = seats.acquire().await.unwrap();
            run(&row).await.map_err(|why| format!("{}: {why}", row.name))
        };
        running.spawn_local_on(task, &table);
    }
    let ended = table.run_until(running.join_all()).await;
    let wrong: Vec<String> = ended.into_iter().filter_map(Result::err).collect();
    println!("{count} rows in {:.0} s", begun.elapsed().as_secs_f64());
    assert!(wrong.is_empty(), "{} of {count} rows:\n{}", wrong.len(), wrong.join("\n"));
}

/// Runs one row in an office of its own.
#[expect(clippy::print_stdout, reason = "the table is worth reading: `-- --nocapture` shows it")]
async fn run(row: &Row) -> Result<(), String> {
    let mut office = Office::new("").await;
    office.configure(&row.config.replace("OFFICE", &office.path().display().to_string()));
    office.hubspot.set_contact(CONTACT, &[]);
    office.start().await;
    if row.unplugged {
        office.modem.unplug().await;
    }
    (row.breaks)(&office);
    let lead = json!({ "message": MESSAGE, "email": "anna@example.com", "contact": CONTACT });
    let (status, answer) = office.post(&Post::website(&lead)).await;
    same("the answer", &(status, answer["lead_id"].is_string()), &(202, true))?;
    office.until_settled(1).await;
    let tries = tries(&office, row.kind);
    println!("{:<48} {}", row.name, tries.join(", "));
    let verdict = if fits(&tries, row.tries) {
        check(&office, row)
    } else {
        Err(format!("its tries ended {tries:?}, not {:?}", row.tries))
    };
    let story =
        "SELECT substr(at, 12) || ' ' || what || ': ' || replace(detail, char(10), ' ') FROM v_timeline ORDER BY at";
    verdict.map_err(|why| format!("{why}\n    {}", office.column(story).join("\n    ")))
}

/// How each try of the kind ended, oldest first.
fn tries(office: &Office, kind: &str) -> Vec<String> {
    office.column(&format!(
        "SELECT CASE j.kind WHEN 'sms' THEN substr(j.channel, 5) || ' ' ELSE '' END ||
                CASE a.mode WHEN 'look_up' THEN 'look-up ' ELSE '' END || coalesce(a.outcome, 'open')
           FROM attempts a JOIN jobs j ON j.id = a.job_id WHERE j.kind = '{kind}' ORDER BY a.started_at, j.id, a.attempt_id"
    ))
}

fn fits(tries: &[String], want: &[&str]) -> bool {
    let Some((first, rest)) = want.split_first() else { return tries.is_empty() };
    let wanted = first.trim_end_matches('+');
    let same = tries.iter().take_while(|outcome| *outcome == wanted).count();
    let most = if first.ends_with('+') { same } else { same.min(1) };
    (1..=most).any(|taken| fits(&tries[taken..], rest))
}

fn check(office: &Office, row: &Row) -> Result<(), String> {
    let after = row.after;
    let (modem, twilio) = (office.modem.sent(), office.twilio.messages());
    same("texts", &[modem.len(), twilio.len()], &after.texts)?;
    let texts = office.column("SELECT text FROM sms_messages ORDER BY submitted_at");
    same("a repeat", &texts.last().is_some_and(|text| text.starts_with("(repeat) ")), &after.repeat)?;
    if after.fate.is_some() {
        let fates = office.column("SELECT state FROM sms_messages WHERE channel = 'sms:twilio'");
        same("what became of it", &fates, &Vec::from_iter(after.fate.map(str::to_owned)))?;
    }
    same("notes", &office.hubspot.notes_of(CONTACT).len(), &after.notes)?;
    let class = office.hubspot.property(CONTACT, "auto_classification");
    same("the class", &class.as_deref(), &after.written.then_some("URGENT_BUYER"))?;
    let letters =
        office.lines("SELECT stage, class, reason <> '' AND what_to_do <> '' AND payload <> '' FROM v_failures");
    let want = after.letter.map(|(stage, class)| [stage, class, "1"].map(str::to_owned).to_vec());
    same("dead letters", &letters, &Vec::from_iter(want))?;
    let alerts =
        office.column("SELECT substr(key, 9) FROM alerts WHERE key LIKE 'channel:%' AND text <> '' AND cure <> ''");
    same("alerts", &alerts, &Vec::from_iter(after.alert.map(str::to_owned)))?;
    same("requests to the model", &office.llm.requests().len(), &after.asked)?;
    if !after.pause.is_zero() {
        let between = format!(
            "SELECT (julianday(max(a.started_at)) - julianday(min(a.started_at))) * 86400.0 FROM attempts a
               JOIN jobs j ON j.id = a.job_id WHERE j.kind = '{}'",
            row.kind
        );
        let pause: f64 = office.column(&between)[0].parse().unwrap();
        // SQLite's days are good to a millisecond.
        if pause + 0.002 < after.pause.as_secs_f64() {
            return Err(format!("tried again after {pause:.3} s, not after {:?}", after.pause));
        }
    }
    same("what the vendors hold against us", &office.violations(), &Vec::new())?;
    let open = office.column("SELECT count(*) FROM attempts WHERE ended_at IS NULL");
    same("unended tries", &open, &vec!["0".to_owned()])
}

fn same<T: PartialEq + Debug>(what: &str, got: &T, want: &T) -> Result<(), String> {
    if got == want { Ok(()) } else { Err(format!("{what}: {got:?}, not {want:?}")) }
}
