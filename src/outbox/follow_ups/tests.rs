//! Who is mailed and who isn't, on a clock that is wound by hand: one a week, so many an hour, one repeat.

use std::time::Duration;

use super::*;
use crate::model::{
    BootId, Channel, ClassifiedBy, CrmNote, CrmRecord, Done, Fault, Label, Lane, LeadId, NewJob, NewLead, Outcome,
    Priority, Report, RowId, Suppressed, Timestamp, Work,
};
use crate::outbox::tests::given;
use crate::outbox::{Desk, Settings};
use crate::route;
use crate::route::follow_up_for_tests;
use crate::store::{JobRow, Store};

const NOW: Timestamp = Timestamp::from_millis(1_732_327_200_000);

/// A desk that mails, on virtual time.
struct Scene {
    store: Store,
    desk: Desk,
    now: Timestamp,
    asked: u32,
}

fn smtp() -> Channel {
    Channel::new(Lane::Mail, "smtp")
}

fn settings(per_hour: u32) -> Settings {
    let mut settings = given::settings(&[]);
    settings.channels.insert(smtp(), 2);
    let follow_up = FollowUp { per_hour, ..follow_up_for_tests() };
    settings.route = route::Settings { follow_up: Some(follow_up), note_channels: Vec::new(), ..settings.route };
    settings
}

impl Scene {
    fn new(per_hour: u32) -> Self {
        let desk = Desk::new(settings(per_hour), BootId::new(NOW, [1; 10]));
        Self { store: Store::in_memory().unwrap(), desk, now: NOW, asked: 0 }
    }

    /// Somebody with this address only asks.
    fn asks(&mut self, email: &str) -> LeadId {
        self.asked = self.asked.saturating_add(1);
        let new = NewLead {
            crm: Some(Channel::new(Lane::Crm, "hubspot")),
            record_id: Some(self.asked.to_string()),
            name: Some("Anna".into()),
            email: Some(email.into()),
            phone_text: None,
            message: format!("what does it cost? {}", self.asked),
            event_key: None,
            content_key: self.asked.to_string(),
        };
        let (desk, now) = (&mut self.desk, self.now);
        let id = given::taken_in(&mut self.store, new, &given::opening(), now);
        let enacted = self.store.transact(|tx| {
            let lead = tx.lead(id)?.unwrap();
            tx.set_label(id, Label::TireKicker, ClassifiedBy::Llm, now)?;
            desk.enact(tx, &lead, Label::TireKicker, false, now)
        });
        enacted.unwrap();
        id
    }

    fn claim(&mut self) -> Vec<Work> {
        let (desk, now) = (&mut self.desk, self.now);
        let works = self.store.transact(|tx| desk.claim_due(tx, now)).unwrap();
        works.into_iter().filter(|work| matches!(work.job.task, Task::Mail(_))).collect()
    }

    fn settle(&mut self, work: &Work, outcome: Outcome) {
        let (desk, now) = (&mut self.desk, self.now);
        self.store.transact(|tx| desk.settle(tx, work, &Report::of(outcome), now, 1.0)).unwrap();
    }

    fn job(&mut self, lead: LeadId) -> JobRow {
        let jobs = self.store.transact(|tx| tx.job_rows(lead)).unwrap();
        jobs.into_iter().find(|job| job.kind == "mail").unwrap()
    }

    /// How the mail stands, and the last words about it.
    fn told(&mut self, lead: LeadId) -> (String, String) {
        let job = self.job(lead);
        (job.state, job.result.unwrap_or_default())
    }

    fn wait(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }
}

fn fails(fault: Fault, final_everywhere: bool) -> Outcome {
    Outcome::Failed(Failure { final_everywhere, ..Failure::new(fault, "as the server said") })
}

fn sent() -> Outcome {
    Outcome::Done(Done::Mailed("<m@acme.example>".into()))
}

#[test]
fn an_address_gets_one_mail_in_a_week_however_it_is_written() {
    let mut scene = Scene::new(30);
    let first = scene.asks("anna@example.com");
    let works = scene.claim();
    // Before it is known what becomes of the first, the second waits for that.
    let second = scene.asks("Anna@Example.com");
    assert!(scene.claim().is_empty());
    assert_eq!(scene.told(second), ("ready".into(), "another mail to the address is under way".into()));
    scene.settle(&works[0], sent());
    scene.wait(Duration::from_mins(1));
    assert!(scene.claim().is_empty());
    assert_eq!(scene.told(second), ("cancelled".into(), "the address had a mail not long ago".into()));
    assert_eq!(scene.told(first), ("done".into(), "<m@acme.example>".into()));
    scene.wait(Duration::from_hours(7 * 24));
    scene.wait(Duration::from_millis(1));
    scene.asks("anna@example.com");
    assert_eq!(scene.claim().len(), 1, "a week later");
}

#[test]
fn what_surely_did_not_leave_counts_for_nothing() {
    let mut scene = Scene::new(30);
    scene.asks("anna@example.com");
    let work = scene.claim().remove(0);
    scene.settle(&work, fails(Fault::Permanent, false));
    scene.asks("anna@example.com");
    assert_eq!(scene.claim().len(), 1);
}

#[test]
fn a_mailbox_that_nobody_has_is_not_written_to_again() {
    let mut scene = Scene::new(30);
    let lead = scene.asks("gone@example.com");
    let work = scene.claim().remove(0);
    scene.settle(&work, fails(Fault::Permanent, true));
    assert_eq!(scene.told(lead).0, "dead");
    let again = scene.asks("gone@example.com");
    assert!(scene.claim().is_empty());
    assert_eq!(scene.told(again), ("cancelled".into(), "mail to the address came back before".into()));
}

#[test]
fn whoever_unsubscribed_while_the_mail_waited_gets_none() {
    let mut scene = Scene::new(30);
    let lead = scene.asks("anna@example.com");
    let hash = follow_up_for_tests().addresses.hash("anna@example.com");
    scene.store.transact(|tx| tx.suppress(hash, Suppressed::Unsubscribed, NOW)).unwrap();
    assert!(scene.claim().is_empty());
    assert_eq!(scene.told(lead).1, "whoever has the address wants no mail from us");
}

#[test]
fn an_outcome_that_nobody_knows_allows_one_repeat_and_no_third() {
    let mut scene = Scene::new(30);
    let lead = scene.asks("anna@example.com");
    let mut keys = Vec::new();
    let mut tries = 0;
    for _ in 0..10 {
        for work in scene.claim() {
            keys.push(work.job.key());
            if work.look_up_since.is_some() {
                scene.settle(&work, Outcome::Unsure);
            } else {
                tries += 1;
                scene.settle(&work, fails(Fault::Unknown, false));
            }
        }
        scene.wait(Duration::from_mins(1));
    }
    assert_eq!((tries, scene.told(lead).0.as_str()), (2, "dead"));
    keys.dedup();
    assert_eq!(keys.len(), 1, "what identifies it never changes: {keys:?}");
    scene.asks("anna@example.com");
    assert!(scene.claim().is_empty(), "it may have arrived, so the address had its mail");
}

#[test]
fn an_hour_has_so_many_mails_also_after_a_restart() {
    let mut scene = Scene::new(3);
    let leads: Vec<LeadId> = (0..5).map(|n| scene.asks(&format!("p{n}@example.com"))).collect();
    let mut left = 0;
    for round in 0..12 {
        for work in scene.claim() {
            scene.settle(&work, sent());
            left += 1;
        }
        if round == 5 {
            assert_eq!(left, 3, "the hour isn't over");
            scene.desk = Desk::new(settings(3), BootId::new(scene.now, [2; 10]));
        }
        scene.wait(Duration::from_mins(10));
    }
    assert_eq!(left, 5);
    assert!(leads.iter().all(|lead| scene.told(*lead).0 == "done"));
}

/// What somebody was told of too early is told of once more when it has happened.
#[test]
fn a_mail_that_leaves_after_the_note_has_a_note_of_its_own() {
    let mut scene = Scene::new(30);
    let lead = scene.asks("anna@example.com");
    let work = scene.claim().remove(0);
    let record = CrmRecord { channel: Channel::new(Lane::Crm, "hubspot"), id: "1".into() };
    let at = scene.now;
    let note = NewJob {
        lead,
        task: Task::CrmNote(CrmNote { record: record.clone(), news: None }),
        channel: record.channel.clone(),
        priority: Priority::Low,
        due_at: at,
        deadline_at: at.after(Duration::from_hours(1)),
    };
    scene.desk.settings.route.note_channels = vec![record.channel.clone()];
    let noted = scene.store.transact(|tx| {
        let id = tx.insert_job(&note, at)?;
        tx.end_idle_job(id, JobState::Done, "1", at)
    });
    assert!(noted.unwrap());
    scene.settle(&work, sent());
    let jobs = scene.store.transact(|tx| tx.job_rows(lead)).unwrap();
    let news: Vec<&JobRow> = jobs.iter().filter(|job| job.kind == "crm_note" && job.state == "ready").collect();
    assert!(matches!(&news[..], [job] if job.payload.contains("the follow-up mail was sent")), "{jobs:?}");
}
