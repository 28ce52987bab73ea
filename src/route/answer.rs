//! What a person on call is answered, and what the CRM learns of a claim. Pure.

use super::safe::safe;
use super::{Settings, SmsTemplate, crm_job, text_to, told};
use crate::model::oncall::Person;
use crate::model::{Channel, CrmNews, CrmNote, CrmTask, CrmUpdate, Lead, LeadId, NewJob, Priority, Task, Timestamp};

/// Whoever has taken a lead gets more of it than the text that called for it had room for.
const BRIEFING_PARTS: usize = 6;
/// So many codes are told in an answer: one part.
const MOST_CODES: usize = 12;
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
            let (told, more) = codes.split_at(codes.len().min(MOST_CODES));
            let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
            format!("Waiting: {}{more}. Answer a code to claim that lead, {first} NO to pass it on.", told.join(", "))
        }
    }
}

/// A note about what happened after the first one; `None` where no notes are written.
#[must_use]
pub fn news(settings: &Settings, lead: &Lead, news: CrmNews, now: Timestamp) -> Option<NewJob> {
    let task = Task::CrmNote(CrmNote { record: told(settings, lead)?, news: Some(news) });
    crm_job(settings, lead, task, Priority::Low, now)
}

/// The record is `person`'s from now on; `None` where nobody knows who that is in the CRM. It is a job of its own, so that
/// an id which the CRM refuses costs no class. A lead that is given back keeps its owner until the next one claims it: what
/// the record said before us is not known here, and may have been another person's good right.
#[must_use]
pub fn owned(settings: &Settings, lead: &Lead, person: &Person, now: Timestamp) -> Option<NewJob> {
    let record = lead.record.clone()?;
    let owner = Some(person.owners.get(&record.channel)?.clone());
    let task = Task::CrmUpdate(CrmUpdate { record, label: None, priority: None, owner });
    crm_job(settings, lead, task, Priority::Normal, now)
}

/// A task for the sales team: everybody was called and nobody has claimed the lead. `None` where no tasks are written.
#[must_use]
pub fn urge(settings: &Settings, lead: &Lead, now: Timestamp) -> Option<NewJob> {
    let record = told(settings, lead)?;
    let class = if lead.label.is_some() { "Urgent" } else { "Unclassified" };
    let named = [&lead.name, &lead.email, &lead.phone_text].into_iter().flatten().map(|name| safe(name));
    let whose = named.map(|name| shortened(&name)).find(|name| !name.is_empty());
    let subject = format!("{class} lead nobody has claimed: {}", whose.unwrap_or_else(|| lead.code.to_string()));
    let words = format!("nobody has claimed this lead ({}): please take it now", lead.code);
    crm_job(settings, lead, Task::CrmTask(CrmTask { record, subject, words }), Priority::Urgent, now)
}

/// What a headline has room for.
fn shortened(name: &str) -> String {
    if name.chars().count() <= MAX_NAME_CHARS {
        return name.to_owned();
    }
    name.chars().take(MAX_NAME_CHARS).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{lead, settings};
    use super::*;
    use crate::model::{Label, Lane};

    const NOW: Timestamp = Timestamp::from_millis(1_732_327_201_000);

    #[test]
    fn a_task_names_whoever_waits() {
        let (code, labelled) = (lead().code, Lead { label: Some(Label::UrgentBuyer), ..lead() });
        let nameless = Lead { name: None, ..labelled.clone() };
        let nobody = Lead { email: None, phone_text: None, ..nameless.clone() };
        let long = Lead { name: Some("ü".repeat(200)), ..labelled.clone() };
        for (name, lead, want) in [
            ("a name", labelled.clone(), "Urgent lead nobody has claimed: Anna Berg".to_owned()),
            ("an address", nameless, "Urgent lead nobody has claimed: anna@example.com".to_owned()),
            ("nothing", nobody, format!("Urgent lead nobody has claimed: {code}")),
            ("no class", Lead { label: None, ..lead() }, "Unclassified lead nobody has claimed: Anna Berg".to_owned()),
            ("a novel", long, format!("Urgent lead nobody has claimed: {}…", "ü".repeat(80))),
        ] {
            let job = urge(&settings(), &lead, NOW).unwrap();
            let Task::CrmTask(task) = job.task else { panic!("{name}: {:?}", job.task) };
            assert_eq!(task.subject, want, "{name}");
            assert_eq!(task.words, format!("nobody has claimed this lead ({code}): please take it now"), "{name}");
            assert_eq!((job.channel, job.due_at), (Channel::new(Lane::Crm, "hubspot"), NOW), "{name}");
        }
        assert_eq!(urge(&Settings { note_channels: Vec::new(), ..settings() }, &labelled, NOW), None, "fields only");
        assert_eq!(urge(&settings(), &Lead { record: None, ..labelled }, NOW), None, "no record");
    }

    #[test]
    fn an_owner_is_set_where_the_person_is_known() {
        let crm = Channel::new(Lane::Crm, "hubspot");
        let person = |owners: &[(&Channel, &str)]| Person {
            owners: owners.iter().map(|(channel, id)| ((*channel).clone(), (*id).to_owned())).collect(),
            ..Person::new("Dana".into(), "+15551230001".parse().unwrap())
        };
        let job = owned(&settings(), &lead(), &person(&[(&crm, "7")]), NOW).unwrap();
        let Task::CrmUpdate(update) = job.task else { panic!("{:?}", job.task) };
        assert_eq!((update.label, update.priority, update.owner.as_deref()), (None, None, Some("7")));
        let other = Channel::new(Lane::Crm, "other");
        for (name, lead, person) in [
            ("known nowhere", lead(), person(&[])),
            ("known elsewhere", lead(), person(&[(&other, "7")])),
            ("no record", Lead { record: None, ..lead() }, person(&[(&crm, "7")])),
        ] {
            assert_eq!(owned(&settings(), &lead, &person, NOW), None, "{name}");
        }
    }
}
