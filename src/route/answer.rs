//! What a person on call is answered, and what the CRM learns of a claim. Pure.

use super::safe::safe;
use super::{Settings, SmsTemplate, text_to};
use crate::model::oncall::Person;
use crate::model::{Channel, CrmNews, CrmNote, CrmTask, CrmUpdate, Lead, LeadId, NewJob, Priority, Task, Timestamp};

/// Whoever has taken a lead gets more of it than the text that called for it had room for.
const BRIEFING_PARTS: usize = 6;
/// A name in a headline is cut here: no name is longer, but a form may hold anything.
const MAX_NAME_CHARS: usize = 80;

/// A text that answers what `to` wrote, or tells what became of a lead that `to` was called for.
#[must_use]
pub fn answer(
    settings: &Settings,
    lead: LeadId,
    to: &Person,
    text: &str,
    usable: &dyn Fn(&Channel) -> bool,
    now: Timestamp,
) -> Option<NewJob> {
    let mut job = text_to(settings, lead, to, text.to_owned(), usable, now)?;
    if let Task::Sms(sms) = &mut job.task {
        sms.is_answer = true;
    }
    Some(job)
}

/// The whole lead, for whoever has claimed it.
#[must_use]
pub fn briefing(settings: &Settings, lead: &Lead) -> String {
    SmsTemplate::briefing().text(lead, "yours", settings.max_parts.max(BRIEFING_PARTS), settings.translit)
}

/// Which leads wait, and what can be answered.
#[must_use]
pub fn explanation(codes: &[String]) -> String {
    match codes {
        [] => "No lead is waiting for you. Answer a lead's code to claim it, its code and NO to pass it on.".to_owned(),
        [code] => format!("Waiting: {code}. Answer {code} to claim it, {code} NO to pass it on."),
        [first, ..] => {
            format!("Waiting: {}. Answer a code to claim that lead, {first} NO to pass it on.", codes.join(", "))
        }
    }
}

/// A note about what happened after the first one; `None` where no notes are written.
#[must_use]
pub fn news(settings: &Settings, lead: &Lead, news: CrmNews, now: Timestamp) -> Option<NewJob> {
    let record = lead.record.clone().filter(|record| settings.note_channels.contains(&record.channel))?;
    Some(NewJob {
        lead: lead.id,
        channel: record.channel.clone(),
        task: Task::CrmNote(CrmNote { record, news: Some(news) }),
        priority: Priority::Low,
        due_at: now,
        deadline_at: now.after(settings.crm_give_up_after),
    })
}

/// The record is `person`'s from now on; `None` where nobody knows who that is in the CRM. It is a job of its own, so that
/// an id which the CRM refuses costs no class. A lead that is given back keeps its owner until the next one claims it: what
/// the record said before us is not known here, and may have been another person's good right.
#[must_use]
pub fn owned(settings: &Settings, lead: &Lead, person: &Person, now: Timestamp) -> Option<NewJob> {
    let record = lead.record.clone()?;
    let owner = Some(person.owners.get(&record.channel)?.clone());
    Some(NewJob {
        lead: lead.id,
        channel: record.channel.clone(),
        task: Task::CrmUpdate(CrmUpdate { record, label: None, priority: None, owner }),
        priority: Priority::Normal,
        due_at: now,
        deadline_at: now.after(settings.crm_give_up_after),
    })
}

/// A task for the sales team: everybody was called and nobody has claimed the lead. `None` where no tasks are written.
#[must_use]
pub fn urge(settings: &Settings, lead: &Lead, now: Timestamp) -> Option<NewJob> {
    let record = lead.record.clone().filter(|record| settings.note_channels.contains(&record.channel))?;
    let class = if lead.label.is_some() { "Urgent" } else { "Unclassified" };
    let named = [&lead.name, &lead.email, &lead.phone_text].into_iter().flatten().map(|name| safe(name));
    let whose = named.map(|name| shortened(&name)).find(|name| !name.is_empty());
    let subject = format!("{class} lead nobody has claimed: {}", whose.unwrap_or_else(|| lead.code.to_string()));
    let words = format!("nobody has claimed this lead ({}): please take it now", lead.code);
    Some(NewJob {
        lead: lead.id,
        channel: record.channel.clone(),
        task: Task::CrmTask(CrmTask { record, subject, words }),
        priority: Priority::Urgent,
        due_at: now,
        deadline_at: now.after(settings.crm_give_up_after),
    })
}

/// What a headline has room for.
fn shortened(name: &str) -> String {
    if name.chars().count() <= MAX_NAME_CHARS {
        return name.to_owned();
    }
    name.chars().take(MAX_NAME_CHARS).chain(['…']).collect()
}
