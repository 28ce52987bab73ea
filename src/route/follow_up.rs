//! The follow-up to somebody who only asks: who gets one, in which words, with which links.
//!
//! Pure. Called by the router, and by the outbox just before one is sent. An address may be anybody's, because it was typed
//! into a form: so nothing of the message is sent there, and who must not be written to (robots, our own people, whoever
//! waited too long) is not (RFC 3834, 2 and 5).

mod html;
#[cfg(test)]
pub(crate) mod tests;
mod words;

use std::sync::Arc;
use std::time::Duration;

use crate::model::{Addresses, Channel, Lead, MailTask, NewJob, Priority, Task, Timestamp};

pub use words::Language;

use words::{Facts, greeted, is_about, language_of};

/// More links than this are a catalogue.
const MAX_RESOURCES: usize = 3;
/// A mail that comes later than this answers a question that nobody has any more.
const MAX_AGE: Duration = Duration::from_hours(24);
/// Mailboxes that no person reads, by their whole local part.
const NO_PERSONS: [&str; 12] = [
    "abuse",
    "donotreply",
    "do-not-reply",
    "do_not_reply",
    "hostmaster",
    "mailer-daemon",
    "no-reply",
    "no_reply",
    "nobody",
    "noreply",
    "postmaster",
    "root",
];

/// How prospects are written to.
#[derive(Debug, Clone)]
pub struct FollowUp {
    /// Where mails go.
    pub channel: Channel,
    /// The languages there are; the first is the one for who writes in none of them.
    pub languages: Vec<Language>,
    /// What may help, best first.
    pub resources: Vec<Resource>,
    /// Where a talk is booked.
    pub calendar: Option<String>,
    /// Who we are.
    pub business: String,
    /// Why the mail came.
    pub footer: String,
    /// Where we are.
    pub postal_address: String,
    /// Domains that are ours.
    pub own_domains: Vec<String>,
    /// What knows addresses again, and makes the links to unsubscribe.
    pub addresses: Arc<dyn Addresses>,
    /// An address gets one mail in so long.
    pub once_per: Duration,
    /// So many mails leave in an hour.
    pub per_hour: u32,
    /// After this a mail is given up.
    pub give_up_after: Duration,
}

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// What it is called.
    pub title: String,
    /// Where it is.
    pub url: String,
    /// Words that, in a message, make it the right thing to send; without any it suits everybody.
    pub topics: Vec<String>,
    /// The one language it is for.
    pub language: Option<String>,
}

/// The mail to whoever wrote, if there is an address. `open`: people work at this hour.
#[must_use]
pub(super) fn job(settings: &FollowUp, lead: &Lead, open: bool, now: Timestamp) -> Option<NewJob> {
    Some(NewJob {
        lead: lead.id,
        task: Task::Mail(mail(settings, lead, open)?),
        channel: settings.channel.clone(),
        priority: Priority::Normal,
        due_at: now,
        deadline_at: now.after(settings.give_up_after),
    })
}

/// The mail itself.
#[must_use]
pub fn mail(settings: &FollowUp, lead: &Lead, open: bool) -> Option<MailTask> {
    let to = lead.email.clone()?;
    let message = lead.message.as_deref().unwrap_or_default();
    let language = language_of(&settings.languages, message)?;
    let resources = chosen(settings, language, message);
    let name = lead.name.as_deref().and_then(greeted);
    let unsubscribe = settings.addresses.unsubscribe_url(settings.addresses.hash(&to));
    let facts = Facts {
        name: name.as_deref(),
        business: &settings.business,
        resources: &resources,
        calendar: settings.calendar.as_deref(),
        open,
        footer: &settings.footer,
        postal_address: &settings.postal_address,
        unsubscribe: unsubscribe.as_deref(),
    };
    // The operator's template was tried on an ordinary lead; if it fails on this one, the program's own words serve.
    let own = |error| Language::built_in("en").ok_or(error)?.render(&facts);
    let words = language.render(&facts).or_else(own).ok()?;
    let (subject, text, html) = (words.subject, words.text, words.html);
    Some(MailTask { to, name, subject, text, html, unsubscribe, repeat: false })
}

/// The links that are right for a message: those whose topics it has, then those that suit everybody.
fn chosen<'s>(settings: &'s FollowUp, language: &Language, message: &str) -> Vec<(&'s str, &'s str)> {
    let speaks = |resource: &&Resource| resource.language.as_ref().is_none_or(|tag| *tag == language.tag);
    let spoken = || settings.resources.iter().filter(speaks);
    let fits = |resource: &&Resource| resource.topics.iter().any(|topic| is_about(message, topic));
    let mut right: Vec<&Resource> = spoken().filter(fits).collect();
    right.extend(spoken().filter(|resource| resource.topics.is_empty()));
    if right.is_empty() {
        right.extend(spoken().next().or(settings.resources.first()));
    }
    right.iter().take(MAX_RESOURCES).map(|resource| (resource.title.as_str(), resource.url.as_str())).collect()
}

/// Why this lead gets no mail, as far as address and time tell.
#[must_use]
pub fn not_mailed(settings: &FollowUp, lead: &Lead, to: &str, now: Timestamp) -> Option<&'static str> {
    let address = to.trim().to_lowercase();
    let Some((local, domain)) = address.rsplit_once('@') else { return Some("the address is none") };
    let bare = local.split('+').next().unwrap_or(local);
    let is_robot = NO_PERSONS.contains(&bare)
        || bare.starts_with("bounce")
        || bare.starts_with("owner-")
        || bare.ends_with("-request");
    let is_ours = |ours: &String| {
        let ours = ours.to_lowercase();
        domain == ours || domain.strip_suffix(&ours).is_some_and(|head| head.ends_with('.'))
    };
    let wrote_at = lead.made_at.unwrap_or(lead.received_at);
    if is_robot {
        Some("no person reads that mailbox")
    } else if settings.own_domains.iter().any(is_ours) {
        Some("the address is one of ours")
    } else if now.since(wrote_at) > MAX_AGE {
        Some("more than a day has passed")
    } else {
        None
    }
}
