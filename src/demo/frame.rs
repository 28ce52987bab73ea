//! What is said before the first lead and after the last one: where everything is, what it came to, what to try next.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use super::folder::{Folder, PUBLIC_URL};
use super::ledger::{Act, Entry, State};
use super::page::Page;
use super::people::{DANA, LEE};
use super::post::PATH;
use super::world::VISITOR;
use crate::store::DATABASE;

/// Where the desk listens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addresses {
    pub(super) intake: SocketAddr,
    pub(super) admin: SocketAddr,
}

/// Who is who.
pub(super) fn opening(page: &mut Page<'_>, folder: &Folder, at: Addresses) -> io::Result<()> {
    page.heading("A night at the desk of Northwind Scanners")?;
    page.say(
        "The desk is the real program with its own configuration, listeners and database. The world around it is \
         simulated: two language models, HubSpot, Salesforce, Zendesk, a mail server, Twilio, and a GSM modem on a \
         pseudo-terminal. Nothing leaves this machine.",
    )?;
    page.verbatim(&[
        "",
        &format!("  webhooks   {PUBLIC_URL}{PATH}, which a tunnel would bring to"),
        &format!("             http://{}{PATH}", at.intake),
        &format!("  health     http://{}/readyz", at.admin),
        &format!("  on call    {}, {}; then {}, {}", DANA.name, DANA.number, LEE.name, LEE.number),
        &format!("  folder     {}", folder.path().display()),
    ])
}

/// What it came to, and what to look at.
pub(super) fn closing(page: &mut Page<'_>, folder: &Folder, entries: &[Entry], faults: &[String]) -> io::Result<()> {
    page.heading("What it came to")?;
    page.table(&["LEAD", "SAMPLE", "CAME TO", "TEXT AFTER", "DONE"], entries.iter().map(row))?;
    if faults.is_empty() {
        page.verbatim(&["", "Every lead ended as it should, and no peer found fault with the desk."])?;
    } else {
        page.verbatim(&["", "This is not as it should be:"])?;
        for fault in faults {
            page.quote(fault)?;
        }
    }
    let program = std::env::current_exe().map_or_else(|_| "nightdesk".to_owned(), |path| shown(&path));
    let code = entries.iter().find_map(|entry| entry.code.as_ref()).map_or_else(String::new, ToString::to_string);
    page.heading("What to try next")?;
    page.say("The folder stays. The database in it is made to be read, by any SQLite browser or by the command line:")?;
    page.verbatim(&[
        "",
        &format!("  {}", folder.data().join(DATABASE).display()),
        "",
        &format!("  cd {}", shown(folder.path())),
        &format!("  alias desk='{program} --config nightdesk.toml'"),
        "  desk leads list",
        &format!("  desk leads show {code:<9}# the whole story: payload, prompt, answer, every try"),
        "  desk dlq list            # the form without a message waits for somebody",
        "  less nightdesk.toml      # what you would write for a desk of your own",
    ])
}

fn row(entry: &Entry) -> Vec<String> {
    let dash = || "-".to_owned();
    let came_to = match (entry.state, entry.label) {
        (Some(State::Settled), Some(label)) => label.name(),
        (Some(State::Settled), None) => "unclassified",
        (Some(State::GateFailed), _) => "dead letter",
        (Some(State::Duplicate), _) => "duplicate",
        (None, _) => "(open)",
    };
    let done: Vec<String> = entry.actions.iter().filter(|act| act.state != "cancelled").map(told).collect();
    let mut kinds: Vec<&String> = Vec::new();
    for one in &done {
        if !kinds.contains(&one) {
            kinds.push(one);
        }
    }
    let counted = |kind: &&String| match done.iter().filter(|one| one == kind).count() {
        1 => (*kind).clone(),
        n => format!("{kind} ×{n}"),
    };
    let done: Vec<String> = kinds.iter().map(counted).collect();
    vec![
        entry.code.as_ref().map_or_else(dash, ToString::to_string),
        entry.sample.to_owned(),
        came_to.to_owned(),
        entry.ms_to_sms.map_or_else(dash, |ms| format!("{ms} ms")),
        if done.is_empty() { dash() } else { done.join("; ") },
    ]
}

fn told(act: &Act) -> String {
    let what = match act.kind.as_str() {
        "sms" => format!("text {}", act.channel),
        "crm_update" => "fields".to_owned(),
        "crm_note" => "note".to_owned(),
        "crm_task" => "task".to_owned(),
        other => other.to_owned(),
    };
    if act.state == "done" { what } else { format!("{what} {}", act.state) }
}

/// How to send a lead by hand.
pub(super) fn standing(page: &mut Page<'_>, folder: &Folder, at: Addresses) -> io::Result<()> {
    page.heading("The desk is still open")?;
    page.say(
        "Send it a lead of your own from another terminal; what becomes of it is told here. Ctrl-C ends the demo.",
    )?;
    page.verbatim(&[
        "",
        &format!("  curl -i http://{}/hooks/website \\", at.intake),
        "    -H 'Content-Type: application/json' \\",
        &format!("    -H \"Authorization: Bearer $(cat {})\" \\", shown(&folder.secret("website-secret"))),
        &format!("    -d '{{\"name\":\"You\",\"email\":\"you@example.com\",\"record-id\":\"{VISITOR}\","),
        "         \"message\":\"We want to order 20 scanners by tomorrow. Who can call me?\"}'",
    ])
}

/// A path as a shell takes it.
fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+@%:,".contains(c);
    if text.chars().all(plain) { text } else { format!("\"{text}\"") }
}
