//! From a label to the jobs it means. Pure: a lead, the settings and the time in, jobs out.
//!
//! Who gets woken, by which channel first, what the CRM is told at once, when the note goes out. Called by the outbox
//! inside the transaction that settles the classification, so that a decision and its jobs are durable together.
//! What happens to a job afterwards (retry, next channel, dead letter) is not decided here, except which channel is next.

mod answer;
mod canary;
mod digest;
mod follow_up;
mod reply;
mod ring;
mod safe;
mod text;
mod ticket;
mod translit;

use std::time::Duration;

use crate::model::oncall::{OnCall, Person};
use crate::model::{
    Channel, CrmNote, CrmRecord, CrmUpdate, Label, Lead, LeadId, NewJob, Phone, Priority, SmsTask, Task, Timestamp,
    in_words,
};

pub use answer::{answer, briefing, explanation, news, owned, urge};
pub use canary::{THANKS, canary};
pub use digest::digests;
pub use follow_up::{FollowUp, Language, Resource, mail, not_mailed};
pub use reply::{Reply, Wish, read};
pub use ring::{Ring, ring, ring_elsewhere};
pub use text::{SmsTemplate, TemplateError, repeated};
pub use ticket::Ticketing;

#[cfg(test)]
pub(crate) use follow_up::tests::follow_up as follow_up_for_tests;

/// The waits between laps of the channel order stop doubling here: 30 s becomes 4 min at most.
const MAX_LAP_DOUBLINGS: u32 = 3;

/// When urgent texts to one person become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    /// After so many of them.
    pub after: u32,
    /// Within this time.
    pub within: Duration,
    /// So long more of them are gathered.
    pub gather: Duration,
    /// A lead that was found so long after somebody wrote has no text of its own.
    pub late_after: Duration,
}

/// What the router knows besides the lead.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who is on call.
    pub on_call: OnCall,
    /// Ways to text, best first.
    pub sms_channels: Vec<Channel>,
    /// When texts to one person become one.
    pub digest: Digest,
    /// How long a channel may take to submit a text before the next one takes over.
    pub failover_after: Duration,
    /// After this a text is given up.
    pub sms_give_up_after: Duration,
    /// How phones are rung, if anything can call.
    pub ring: Option<Ring>,
    /// The words of a text.
    pub template: SmsTemplate,
    /// A text is cut to this many parts.
    pub max_parts: usize,
    /// Characters that would double what a text costs are written with plain ones.
    pub translit: bool,
    /// How whoever only asks is written to, if at all.
    pub follow_up: Option<FollowUp>,
    /// Where cases of support go, if anywhere.
    pub ticketing: Option<Ticketing>,
    /// CRM channels on which notes and tasks are written; the others get fields only.
    pub note_channels: Vec<Channel>,
    /// The note waits at most this long for the other actions to end.
    pub note_after: Duration,
    /// After this a CRM write is given up.
    pub crm_give_up_after: Duration,
}

impl Settings {
    /// The channels for texts to this number, best first: that person's own, or everybody's.
    #[must_use]
    pub fn channels_to(&self, number: &Phone) -> &[Channel] {
        let own = self.on_call.whose(number.as_str()).map(|person| person.channels.as_slice());
        own.filter(|own| !own.is_empty()).unwrap_or(&self.sms_channels)
    }
}

/// The jobs of a labelled lead. `person` is called for it: nobody for another class, at an hour in which nobody is called,
/// or when somebody was called already.
#[must_use]
pub fn plan(
    settings: &Settings,
    lead: &Lead,
    label: Label,
    person: Option<&Person>,
    usable: &dyn Fn(&Channel) -> bool,
    now: Timestamp,
) -> Vec<NewJob> {
    let urgent = label == Label::UrgentBuyer;
    let mut jobs = Vec::new();
    jobs.extend(person.and_then(|person| call_as(settings, lead, "URGENT", person, None, usable, now)));
    match label {
        Label::TireKicker => {
            let open = settings.on_call.is_daytime(now);
            jobs.extend(settings.follow_up.as_ref().and_then(|follow_up| follow_up::job(follow_up, lead, open, now)));
        }
        Label::SupportRequest => jobs.extend(settings.ticketing.as_ref().map(|to| ticket::job(to, lead, now))),
        Label::UrgentBuyer | Label::Spam => {}
    }
    // A lead that was flagged before its class was known, and turned out to be another, loses the flag again.
    let flag = if urgent { Some(true) } else { lead.provisional_at.is_some().then_some(false) };
    jobs.extend(crm_update(settings, lead, Some(label), flag, now));
    if label != Label::Spam {
        jobs.extend(crm_note(settings, lead, now));
    }
    jobs
}

/// The jobs of a lead that no model has labelled in time: `person` decides.
#[must_use]
pub fn provisional(
    settings: &Settings,
    lead: &Lead,
    person: Option<&Person>,
    usable: &dyn Fn(&Channel) -> bool,
    now: Timestamp,
) -> Vec<NewJob> {
    let mut jobs = Vec::new();
    jobs.extend(person.and_then(|person| call_as(settings, lead, "UNCLASSIFIED", person, None, usable, now)));
    jobs.extend(crm_update(settings, lead, None, Some(true), now));
    jobs.extend(crm_note(settings, lead, now));
    jobs
}

/// The jobs of a lead that turned out to be none: a flag that was set while its record could not be read is taken back.
#[must_use]
pub fn withdrawn(settings: &Settings, lead: &Lead, now: Timestamp) -> Vec<NewJob> {
    let flagged = lead.provisional_at.is_some();
    flagged.then(|| crm_update(settings, lead, None, Some(false), now)).flatten().into_iter().collect()
}

/// The next leg of a text: the next usable channel of the order, the same one if it is alone. `repeat` marks it as the
/// one repeat that an unknown outcome allows. `None` when no channel is configured any more.
#[must_use]
pub fn next_leg(
    settings: &Settings,
    given_up: &SmsTask,
    channel: &Channel,
    repeat: bool,
    usable: &dyn Fn(&Channel) -> bool,
    now: Timestamp,
) -> Option<(SmsTask, Channel)> {
    let order = settings.channels_to(&given_up.to);
    let here = order.iter().position(|known| known == channel);
    let after = here.map_or(0, |at| at.saturating_add(1));
    let ring = || order.iter().cycle().skip(after).take(order.len());
    let next = ring().find(|known| usable(known)).or_else(|| ring().next())?.clone();
    let leg = given_up.leg.saturating_add(1);
    let text =
        if repeat && !given_up.repeat { repeated(&given_up.text, settings.max_parts) } else { given_up.text.clone() };
    let failover_at = failover_at(settings, &given_up.to, leg, now);
    Some((SmsTask { text, repeat: repeat || given_up.repeat, leg, failover_at, ..given_up.clone() }, next))
}

/// When a leg that starts now gives way. Nothing gives way to itself: one channel alone has no failover clock.
#[must_use]
pub fn failover_at(settings: &Settings, to: &Phone, leg: u32, now: Timestamp) -> Option<Timestamp> {
    let channels = u32::try_from(settings.channels_to(to).len()).unwrap_or(1);
    let lap = leg.checked_div(channels).unwrap_or(0).min(MAX_LAP_DOUBLINGS);
    let clock = settings.failover_after.saturating_mul(1_u32.checked_shl(lap).unwrap_or(1));
    (channels > 1 && !crate::failpoint::removed("failover-clock")).then(|| now.after(clock))
}

/// The text that calls `person` for a lead that nobody has claimed yet; by another channel than `avoid`, if there is one.
#[must_use]
pub fn call(
    settings: &Settings,
    lead: &Lead,
    person: &Person,
    avoid: Option<&Channel>,
    usable: &dyn Fn(&Channel) -> bool,
    now: Timestamp,
) -> Option<NewJob> {
    let class = if lead.label.is_some() { "URGENT" } else { "UNCLASSIFIED" };
    call_as(settings, lead, class, person, avoid, usable, now)
}

fn call_as(
    settings: &Settings,
    lead: &Lead,
    class: &str,
    person: &Person,
    avoid: Option<&Channel>,
    usable: &dyn Fn(&Channel) -> bool,
    now: Timestamp,
) -> Option<NewJob> {
    let class = age(lead).map_or_else(|| class.to_owned(), |age| format!("{class}, {age} old"));
    let text = settings.template.text(lead, &class, settings.max_parts, settings.translit);
    let other = |channel: &Channel| usable(channel) && avoid != Some(channel);
    let is_there_another = settings.channels_to(&person.phone).iter().any(&other);
    text_to(settings, lead.id, person, text, if is_there_another { &other } else { usable }, now)
}

/// How long ago somebody wrote, of a lead that was found because its webhook never came.
fn age(lead: &Lead) -> Option<String> {
    lead.age_when_found().map(in_words)
}

/// A text that calls `person`, on its first leg, with nothing to give way to.
fn sms_to(person: &Person, text: String) -> SmsTask {
    SmsTask {
        to: person.phone.clone(),
        who: person.name.clone(),
        text,
        repeat: false,
        leg: 0,
        failover_at: None,
        refused: 0,
        thread: 0,
        is_answer: false,
        is_test: false,
    }
}

/// A text to `person`, by the best channel that can be used.
fn text_to(
    settings: &Settings,
    lead: LeadId,
    person: &Person,
    text: String,
    usable: &dyn Fn(&Channel) -> bool,
    now: Timestamp,
) -> Option<NewJob> {
    let order = settings.channels_to(&person.phone);
    let channel = order.iter().find(|channel| usable(channel)).or_else(|| order.first())?.clone();
    let sms = SmsTask { failover_at: failover_at(settings, &person.phone, 0, now), ..sms_to(person, text) };
    Some(NewJob {
        lead,
        task: Task::Sms(sms),
        channel,
        priority: Priority::Urgent,
        due_at: now,
        deadline_at: now.after(settings.sms_give_up_after),
    })
}

fn crm_update(
    settings: &Settings,
    lead: &Lead,
    label: Option<Label>,
    priority: Option<bool>,
    now: Timestamp,
) -> Option<NewJob> {
    let record = lead.record.clone()?;
    let urgency = if priority == Some(true) { Priority::Urgent } else { Priority::Normal };
    let task = Task::CrmUpdate(CrmUpdate { record, label, priority, owner: None });
    crm_job(settings, lead, task, urgency, now)
}

fn crm_note(settings: &Settings, lead: &Lead, now: Timestamp) -> Option<NewJob> {
    let task = Task::CrmNote(CrmNote { record: told(settings, lead)?, news: None });
    crm_job(settings, lead, task, Priority::Low, now.after(settings.note_after))
}

/// The lead's record, where notes and tasks are written.
fn told(settings: &Settings, lead: &Lead) -> Option<CrmRecord> {
    lead.record.clone().filter(|record| settings.note_channels.contains(&record.channel))
}

/// A job on the CRM that has the lead's record, if one has.
fn crm_job(settings: &Settings, lead: &Lead, task: Task, priority: Priority, due_at: Timestamp) -> Option<NewJob> {
    let channel = lead.record.as_ref()?.channel.clone();
    let deadline_at = due_at.after(settings.crm_give_up_after);
    Some(NewJob { lead: lead.id, task, channel, priority, due_at, deadline_at })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::{Lane, LeadCode, RowId};

    fn dana() -> Person {
        Person::new("Dana".into(), "+15551230001".parse().unwrap())
    }

    pub(crate) fn settings() -> Settings {
        Settings {
            on_call: OnCall::alone(dana()),
            sms_channels: vec![Channel::new(Lane::Sms, "modem0"), Channel::new(Lane::Sms, "twilio")],
            digest: Digest {
                after: 200,
                within: Duration::from_mins(10),
                gather: Duration::from_secs(30),
                late_after: Duration::from_hours(2),
            },
            failover_after: Duration::from_secs(30),
            sms_give_up_after: Duration::from_hours(1),
            ring: None,
            template: SmsTemplate::default(),
            max_parts: 3,
            translit: true,
            follow_up: None,
            ticketing: None,
            note_channels: vec![Channel::new(Lane::Crm, "hubspot")],
            note_after: Duration::from_mins(10),
            crm_give_up_after: Duration::from_hours(72),
        }
    }

    pub(crate) fn lead() -> Lead {
        let at = Timestamp::from_millis(1_732_327_200_000);
        Lead {
            code: LeadCode::of(5),
            record: Some(CrmRecord { channel: Channel::new(Lane::Crm, "hubspot"), id: "501".into() }),
            name: Some("Anna Berg".into()),
            email: Some("anna@example.com".into()),
            phone_text: Some("+46 8 123 456 78".into()),
            phone: Some("+46812345678".parse().unwrap()),
            raw_message: "50 units by tomorrow".into(),
            message: Some("50 units by tomorrow".into()),
            dropped: false,
            ..Lead::none(LeadId::new(at, [7; 10]), "website".into(), at)
        }
    }

    const NOW: Timestamp = Timestamp::from_millis(1_732_327_201_000);

    fn kinds(jobs: &[NewJob]) -> Vec<&'static str> {
        jobs.iter().map(|job| job.task.kind()).collect()
    }

    #[test]
    fn plans() {
        let bare = Lead { record: None, ..lead() };
        let dana = dana();
        for (name, lead, label, person, want) in [
            ("urgent", lead(), Label::UrgentBuyer, Some(&dana), vec!["sms", "crm_update", "crm_note"]),
            ("urgent, a person knows", lead(), Label::UrgentBuyer, None, vec!["crm_update", "crm_note"]),
            ("urgent, no CRM", bare.clone(), Label::UrgentBuyer, Some(&dana), vec!["sms"]),
            ("curious", lead(), Label::TireKicker, None, vec!["crm_update", "crm_note"]),
            ("support", lead(), Label::SupportRequest, None, vec!["crm_update", "crm_note"]),
            ("spam", lead(), Label::Spam, None, vec!["crm_update"]),
            ("spam, no CRM", bare, Label::Spam, None, vec![]),
        ] {
            assert_eq!(kinds(&plan(&settings(), &lead, label, person, &|_| true, NOW)), want, "{name}");
        }
        let jobs = |person| provisional(&settings(), &lead(), person, &|_| true, NOW);
        assert_eq!(kinds(&jobs(Some(&dana))), ["sms", "crm_update", "crm_note"]);
        assert_eq!(kinds(&jobs(None)), ["crm_update", "crm_note"]);
    }

    #[test]
    fn only_our_own_flag_is_taken_back() {
        for (name, label, alerted, want) in [
            ("urgent", Label::UrgentBuyer, false, Some(true)),
            ("urgent after all", Label::UrgentBuyer, true, Some(true)),
            ("curious", Label::TireKicker, false, None),
            ("spam after an alarm", Label::Spam, true, Some(false)),
        ] {
            let lead = Lead { provisional_at: alerted.then_some(NOW), ..lead() };
            let jobs = plan(&settings(), &lead, label, None, &|_| true, NOW);
            let flag = jobs
                .iter()
                .find_map(|job| if let Task::CrmUpdate(update) = &job.task { Some(update.priority) } else { None });
            assert_eq!(flag, Some(want), "{name}");
        }
    }

    #[test]
    fn a_lead_that_is_none_loses_our_flag() {
        assert_eq!(withdrawn(&settings(), &lead(), NOW), []);
        let flagged = Lead { provisional_at: Some(NOW), ..lead() };
        let jobs = withdrawn(&settings(), &flagged, NOW);
        let [NewJob { task: Task::CrmUpdate(update), .. }] = &jobs[..] else { panic!("{jobs:?}") };
        assert_eq!((update.label, update.priority), (None, Some(false)));
    }

    #[test]
    fn legs_go_round_and_mark_one_repeat() {
        let settings = settings();
        let [modem, twilio] = &settings.sms_channels[..] else { panic!("two channels") };
        let jobs = plan(&settings, &lead(), Label::UrgentBuyer, Some(&dana()), &|_| true, NOW);
        let Task::Sms(first) = &jobs[0].task else { panic!("a text") };
        assert_eq!((&jobs[0].channel, first.failover_at), (modem, Some(NOW.after(Duration::from_secs(30)))));
        let (second, channel) = next_leg(&settings, first, modem, true, &|_| true, NOW).unwrap();
        assert_eq!((&channel, second.leg, second.repeat), (twilio, 1, true));
        assert!(second.text.starts_with("(repeat) "), "{}", second.text);
        let (third, channel) = next_leg(&settings, &second, twilio, true, &|_| true, NOW).unwrap();
        assert_eq!((&channel, third.leg, &third.text), (modem, 2, &second.text));
        assert_eq!(third.failover_at, Some(NOW.after(Duration::from_mins(1))));
    }

    #[test]
    fn a_broken_channel_is_passed_over() {
        let settings = settings();
        let twilio = &settings.sms_channels[1];
        let jobs = plan(&settings, &lead(), Label::UrgentBuyer, Some(&dana()), &|channel| channel == twilio, NOW);
        assert_eq!(&jobs[0].channel, twilio);
        let jobs = plan(&settings, &lead(), Label::UrgentBuyer, Some(&dana()), &|_| false, NOW);
        assert_eq!(jobs[0].channel, settings.sms_channels[0]);
    }

    #[test]
    fn a_person_is_texted_as_that_person_prefers() {
        let [modem, twilio] = &settings().sms_channels[..] else { panic!("two channels") };
        let lee =
            Person { channels: vec![twilio.clone()], ..Person::new("Lee".into(), "+15551230002".parse().unwrap()) };
        let settings = Settings {
            on_call: OnCall::of(vec![(dana(), Duration::ZERO), (lee.clone(), Duration::ZERO)]),
            ..settings()
        };
        for (name, person, avoid, want) in [
            ("as everybody", &dana(), None, modem),
            ("the other one", &dana(), Some(modem), twilio),
            ("as Lee prefers", &lee, None, twilio),
            ("as there is no other", &lee, Some(twilio), twilio),
        ] {
            let job = call(&settings, &lead(), person, avoid, &|_| true, NOW).unwrap();
            assert_eq!(&job.channel, want, "{name}");
        }
        let job = call(&settings, &lead(), &lee, None, &|_| true, NOW).unwrap();
        let Task::Sms(text) = &job.task else { panic!("a text") };
        assert_eq!(text.failover_at, None, "nothing gives way to itself");
    }

    #[test]
    fn one_channel_alone_repeats_on_itself() {
        let settings = Settings { sms_channels: vec![Channel::new(Lane::Sms, "modem0")], ..settings() };
        let jobs = plan(&settings, &lead(), Label::UrgentBuyer, Some(&dana()), &|_| true, NOW);
        let Task::Sms(first) = &jobs[0].task else { panic!("a text") };
        assert_eq!(first.failover_at, None);
        let (second, channel) = next_leg(&settings, first, &jobs[0].channel, true, &|_| true, NOW).unwrap();
        assert_eq!((channel, second.repeat), (jobs[0].channel.clone(), true));
    }
}
