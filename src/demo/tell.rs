//! The story's sentences: a sample, an answer, an event, a dead letter, each put on the page.
//!
//! What happened comes from the desk's database; what it looked like out there (the phone, the CRM) is asked of the
//! simulated world, so that the desk can't praise itself.

use std::io;

use super::crms::Place;
use super::follow::{Event, What};
use super::page::Page;
use super::samples::{Record, Sample, Want};
use super::world::{Shown, World};
use crate::model::{ClassifiedBy, Lead};
use crate::store::{ArrivalRow, DeadLetter};
use crate::wire::{Answer, WireError};

/// Who writes what.
pub(super) fn sample(page: &mut Page<'_>, sample: &Sample) -> io::Result<()> {
    let person = &sample.person;
    let name = format!("{} {} <{}>", person.first, person.last, person.email);
    page.say(sample.about)?;
    match (sample.message, sample.want) {
        (_, Want::Duplicate) => page.say(&format!("{name}, word for word as before."))?,
        (Some(message), _) => {
            let how = match person.record {
                Record::Hubspot(_) => "HubSpot posts it, signed",
                Record::Salesforce(_) => "Salesforce posts an outbound message, to an address with a secret in it",
            };
            page.say(&format!("{name} fills in the form, and {how}:"))?;
            page.gap()?;
            page.quote(message)?;
        }
        (None, _) => page.say(&format!("What HubSpot posts for {name} has no message in it."))?,
    }
    page.gap()
}

/// What somebody sent by hand.
pub(super) fn visitor(page: &mut Page<'_>, lead: &Lead) -> io::Result<()> {
    let who = lead.name.as_deref().or(lead.email.as_deref()).unwrap_or("Somebody");
    page.say(&format!("{who} writes:"))?;
    page.gap()?;
    page.quote(&lead.raw_message)?;
    page.gap()
}

/// How the sender was answered.
pub(super) fn answer(
    page: &mut Page<'_>,
    answer: &Result<Answer, WireError>,
    arrival: Option<&ArrivalRow>,
) -> io::Result<()> {
    let meaning = match arrival.map(|arrival| arrival.verdict.as_str()) {
        Some("accepted") => "the lead is on disk",
        Some("gate_failed") => "kept, but there is no lead in it",
        Some(_) => "it is known already",
        None => "nothing of it is in the database",
    };
    match answer {
        Ok(answer) => {
            let ms = answer.latency.as_millis();
            page.beside(&format!("answered {} within {ms} ms: {meaning}", answer.status))
        }
        Err(error) => page.beside(&format!("no answer ({error}): {meaning}")),
    }
}

/// What happened to a lead; `letters` are the dead letters it is about.
pub(super) fn event(
    page: &mut Page<'_>,
    world: &World,
    lead: &Lead,
    event: &Event,
    letters: &[DeadLetter],
) -> io::Result<()> {
    let after = event.at.since(lead.received_at);
    let place = lead.record.as_ref().map(Record::of);
    let record = place.as_ref().map_or_else(|| "no record".to_owned(), Place::name);
    match &event.what {
        What::Labelled(label) => {
            let who =
                if lead.classified_by == Some(ClassifiedBy::LlmFallback) { "the second model" } else { "the model" };
            page.moment(after, &format!("{who} reads lead {} as {label}", lead.code))?;
            let Some(clean) = lead.message.as_deref().filter(|clean| *clean != lead.raw_message) else { return Ok(()) };
            page.beside("what it was given, and what the phone gets:")?;
            page.quote_beside(clean)
        }
        What::Passed { reason } => {
            page.moment(after, "the model gives no class, so the next one is asked:")?;
            page.quote_beside(reason)
        }
        What::Unclassified => page.moment(after, "no class: a person is told of an unclassified lead"),
        What::Texted { channel, who, text, is_answer } => {
            let what = if *is_answer { "is told" } else { "is texted" };
            page.moment(after, &format!("{who} {what}, by {}", way(channel)))?;
            let is_it = |shown: &Shown| shown.by == channel && shown.text == *text;
            if world.phones().iter().any(is_it) {
                page.phone(who, text)
            } else {
                page.beside("but the phone shows no text")
            }
        }
        What::Delivered => page.moment(after, "the network reports: the phone has it"),
        What::CalledOn { who } => page.moment(after, &format!("nobody has claimed it in time, so {who} is called")),
        What::Claimed { who } => {
            page.moment(after, &format!("{who} answers: the lead is {who}'s, and nobody else is called"))
        }
        What::GivenUp { channel, reason } => {
            page.moment(after, &format!("nothing leaves by {}, so the next channel takes over:", way(channel)))?;
            page.quote_beside(reason)
        }
        What::Rang { channel, who, how } => {
            page.moment(after, &format!("{who}'s phone rings, by {}: {how}", way(channel)))
        }
        What::Mailed { to, subject, text } => {
            page.moment(after, &format!("the follow-up leaves for {to}:"))?;
            page.quote_beside(&format!("Subject: {subject}\n\n{text}"))
        }
        What::Handed { channel, link } => {
            page.moment(after, &format!("the support team has it, in {}:", way(channel)))?;
            page.quote_beside(link)
        }
        What::Written => {
            let Some(place) = place else { return Ok(()) };
            page.moment(after, &format!("{} shows on {record}:", place.vendor()))?;
            let shown =
                world.fields(&place).into_iter().filter_map(|(name, value)| Some(format!("{name} = {}", value?)));
            shown.into_iter().try_for_each(|line| page.quote_beside(&line))
        }
        What::Noted { nth } => {
            let Some(place) = place else { return Ok(()) };
            page.moment(after, &format!("and {} on {record}, for whoever opens it:", place.note()))?;
            world
                .notes(&place)
                .get(*nth)
                .cloned()
                .unwrap_or_default()
                .iter()
                .try_for_each(|line| page.quote_beside(line))
        }
        What::Urged => page.moment(after, &format!("nobody has claimed it: a task on {record} says so")),
        What::Dead { kind, .. } => {
            page.moment(after, &format!("{kind} can't succeed:"))?;
            letters.iter().try_for_each(|letter| dead_letter(page, letter))
        }
        What::Moot { kind, reason } => page.moment(after, &format!("{kind} is cancelled: {reason}")),
    }
}

/// What can't succeed by itself, and what a person can do.
pub(super) fn dead_letter(page: &mut Page<'_>, letter: &DeadLetter) -> io::Result<()> {
    page.beside(&format!("it becomes dead letter {} (stage {}, {})", letter.id, letter.stage, letter.class))?;
    page.quote_beside(&format!("why: {}", letter.reason))?;
    page.quote_beside(&format!("what to do: {}", letter.what_to_do))
}

/// A person did what was to be done.
pub(super) fn mended(page: &mut Page<'_>, letter: i64) -> io::Result<()> {
    page.gap()?;
    page.say(&format!(
        "Somebody puts the option back in HubSpot. The dead letter is requeued over the control socket, as \
         `nightdesk dlq retry {letter}` would do it:"
    ))?;
    page.gap()
}

fn way(channel: &str) -> &str {
    match channel {
        "modem" => "the modem in the office",
        "twilio" => "Twilio",
        "zendesk" => "Zendesk",
        "jira" => "Jira",
        other => other,
    }
}
