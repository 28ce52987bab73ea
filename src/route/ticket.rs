//! The case that a support team is handed: what the customer wrote, who that is, and where else it stands.
//!
//! Pure. Called by the router. It goes to us and to nobody else, so the message is in it.

use std::time::Duration;

use super::safe::safe;
use crate::model::{Channel, Lead, NewJob, Priority, Task, TicketTask, Timestamp};

/// A headline says this much of the message.
const EXCERPT_CHARS: usize = 80;

/// How cases are handed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticketing {
    /// Where they go.
    pub channel: Channel,
    /// How urgent they are, in the help desk's words.
    pub priority: Option<String>,
    /// Words under which they are found again.
    pub tags: Vec<String>,
    /// After this a case is given up.
    pub give_up_after: Duration,
}

/// The case of a lead.
#[must_use]
pub(super) fn job(settings: &Ticketing, lead: &Lead, now: Timestamp) -> NewJob {
    NewJob {
        lead: lead.id,
        task: Task::Ticket(case(settings, lead)),
        channel: settings.channel.clone(),
        priority: Priority::Normal,
        due_at: now,
        deadline_at: now.after(settings.give_up_after),
    }
}

fn case(settings: &Ticketing, lead: &Lead) -> TicketTask {
    let message = lead.message.as_deref().unwrap_or(&lead.raw_message);
    let reached = [
        lead.name.as_deref().map(|name| format!("Name: {name}")),
        lead.email.as_deref().map(|email| format!("E-mail: {email}")),
        lead.phone
            .as_ref()
            .map(|phone| format!("Phone: {phone}"))
            .or_else(|| Some(format!("Phone: {}", lead.phone_text.as_deref()?))),
    ];
    let reached: Vec<String> = reached.into_iter().flatten().collect();
    let record = lead.record.as_ref().map(|record| format!(", {} record {}", record.channel.short_name(), record.id));
    let origin = format!("Came in by {}{} as lead {}.", lead.source, record.unwrap_or_default(), lead.code);
    let mut paragraphs = vec![message.to_owned()];
    paragraphs.extend((!reached.is_empty()).then(|| reached.join("\n")));
    paragraphs.push(origin);
    TicketTask {
        subject: headline(lead, message),
        paragraphs,
        name: lead.name.clone(),
        email: lead.email.clone(),
        priority: settings.priority.clone(),
        tags: settings.tags.clone(),
        repeat: false,
    }
}

/// One line: the customer's name, and how the message begins.
fn headline(lead: &Lead, message: &str) -> String {
    let who = lead.name.as_deref().or(lead.email.as_deref()).unwrap_or("A customer");
    let begin = safe(message);
    let cut = begin.char_indices().nth(EXCERPT_CHARS).map(|(at, _)| at);
    let begin = cut.map_or_else(|| begin.clone(), |at| format!("{}…", begin.get(..at).unwrap_or_default()));
    safe(&format!("{who}: {begin}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Lane;
    use crate::route::tests::lead;

    const NOW: Timestamp = Timestamp::from_millis(1_732_327_201_000);

    fn ticketing() -> Ticketing {
        Ticketing {
            channel: Channel::new(Lane::Ticket, "zendesk"),
            priority: Some("high".into()),
            tags: vec!["nightdesk".into()],
            give_up_after: Duration::from_hours(72),
        }
    }

    #[test]
    fn a_case_tells_what_who_and_where() {
        let message = format!("I can't log in.\nPlease help.{}", " It is urgent.".repeat(20));
        let lead = Lead { message: Some(message.clone()), ..lead() };
        let job = job(&ticketing(), &lead, NOW);
        let Task::Ticket(case) = &job.task else { panic!("{job:?}") };
        assert_eq!(job.channel.as_str(), "ticket:zendesk");
        assert!(case.subject.starts_with("Anna Berg: I can't log in. Please help."), "{}", case.subject);
        assert!(case.subject.chars().count() < 110 && !case.subject.contains('\n'), "{}", case.subject);
        let reached = "Name: Anna Berg\nE-mail: anna@example.com\nPhone: +46812345678";
        let origin = format!("Came in by website, hubspot record 501 as lead {}.", lead.code);
        assert_eq!(case.paragraphs, [message.as_str(), reached, &origin]);
        assert_eq!((case.priority.as_deref(), &case.tags), (Some("high"), &vec!["nightdesk".to_owned()]));
    }

    #[test]
    fn a_customer_of_whom_little_is_known_has_a_case_too() {
        let bare = Lead { name: None, email: None, phone: None, phone_text: None, record: None, ..lead() };
        let Task::Ticket(case) = job(&ticketing(), &bare, NOW).task else { panic!("a case") };
        assert!(case.subject.starts_with("A customer: 50 units"), "{}", case.subject);
        assert_eq!(case.paragraphs.len(), 2);
    }
}
