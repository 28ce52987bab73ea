//! What a person on call is answered, and the news that a CRM gets of it. Pure.

use super::{Settings, SmsTemplate, text_to};
use crate::model::oncall::Person;
use crate::model::{Channel, CrmNews, CrmNote, Lead, LeadId, NewJob, Priority, Task, Timestamp};

/// Whoever has taken a lead gets more of it than the text that called for it had room for.
const BRIEFING_PARTS: usize = 6;

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
