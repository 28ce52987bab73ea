//! What must hold of every lead where mails are written and cases handed on: each class sets off its own, once, and nothing
//! of another's.

use jiff::Timestamp;
use nightdesk::demo::sim::smtp::Mail;
use nightdesk::demo::sim::zendesk::Ticket;

use super::lead::Sent;
use super::ledger::{Job, Lead};
use super::oracle::{Judge, Kind};
use super::others::Others;

/// The jobs of a lead of this class, besides what every lead has.
fn wanted(label: &str) -> &'static [&'static str] {
    match label {
        "URGENT_BUYER" => &["crm_update", "crm_note", "sms"],
        "TIRE_KICKER" => &["crm_update", "crm_note", "mail"],
        "SUPPORT_REQUEST" => &["crm_update", "crm_note", "ticket"],
        _ => &["crm_update"],
    }
}

pub(super) fn of_a_lead(judge: &mut Judge<'_>, others: &Others, sent: &Sent, lead: &Lead) {
    let jobs = judge.book.jobs_of(&lead.id);
    if let Some(label) = &lead.label {
        for kind in wanted(label) {
            // One channel may have been given up for another.
            if !jobs.iter().any(|job| job.kind == *kind && matches!(job.state.as_str(), "done" | "dead")) {
                judge.say(Kind::Open, sent, format!("no {kind} was done, and none is dead"));
            }
        }
        for kind in ["mail", "ticket", "crm_note"] {
            if !wanted(label).contains(&kind) && jobs.iter().any(|job| job.kind == kind && job.state == "done") {
                judge.say(Kind::Mistake, sent, format!("a {kind} for {label}"));
            }
        }
    }
    written(judge, others, sent, &jobs);
    handed_on(judge, others, sent, &jobs);
}

/// A mail is there once, or twice under one Message-ID after an outcome that nobody could know.
fn written(judge: &mut Judge<'_>, others: &Others, sent: &Sent, jobs: &[Job]) {
    let address = format!("{}@example.com", sent.token.to_lowercase());
    let mails: Vec<Mail> = others.smtp.mails().into_iter().filter(|mail| mail.to == address).collect();
    let job = jobs.iter().find(|job| job.kind == "mail");
    let taken: Vec<Timestamp> = mails.iter().map(|mail| mail.at).collect();
    made(judge, sent, job, &taken);
    let first = mails.first().and_then(|mail| mail.header("message-id"));
    if mails.iter().any(|mail| mail.header("message-id") != first) {
        judge.say(Kind::Doubled, sent, format!("{} mails of several ids", mails.len()));
    }
    if mails.len() > 2 {
        judge.say(Kind::Doubled, sent, format!("{} mails", mails.len()));
    }
    if mails.len() == 2 && !job.is_some_and(|job| judge.book.was_unknown(&job.id)) {
        judge.say(Kind::Unmarked, sent, "a second mail after one that was known");
    }
}

/// A ticket is there once.
fn handed_on(judge: &mut Judge<'_>, others: &Others, sent: &Sent, jobs: &[Job]) {
    let job = jobs.iter().find(|job| job.kind == "ticket");
    let key = job.map(Job::marker);
    let is_about = |ticket: &Ticket| {
        ticket.external_id == key && key.is_some()
            || ticket.requester.as_ref().is_some_and(|(name, _)| *name == sent.token)
    };
    let tickets: Vec<Ticket> = others.zendesk.tickets().into_iter().filter(is_about).collect();
    let taken: Vec<Timestamp> = tickets.iter().map(|ticket| ticket.at).collect();
    made(judge, sent, job, &taken);
    if tickets.len() > 1 {
        judge.say(Kind::Doubled, sent, format!("{} tickets", tickets.len()));
    }
}

/// What was made was tried before, and what is done was made.
fn made(judge: &mut Judge<'_>, sent: &Sent, job: Option<&Job>, taken: &[Timestamp]) {
    if let Some(first) = taken.first()
        && !job.is_some_and(|job| judge.book.began(&job.id, *first))
    {
        judge.say(Kind::Unbacked, sent, "a mail or a ticket without an attempt before it");
    }
    if let Some(job) = job.filter(|job| job.state == "done" && taken.is_empty()) {
        judge.say(Kind::Untrue, sent, format!("its {} is done and is not there", job.kind));
    }
}
