//! What is new about a lead since the last look, as its rows in the database tell it. Pure: rows in, events out.

use std::collections::HashSet;

use crate::model::{Channel, Label, Lead, MailTask, RingTask, SmsTask, Task, Timestamp};
use crate::store::{DeadLetter, JobRow, TimelineRow};

/// Something that happened to a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// When.
    pub(super) at: Timestamp,
    pub(super) what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A class was found.
    Labelled(Label),
    /// A model gave no class, and the next one is asked.
    Passed { reason: String },
    /// No class was found in time, and a person is told.
    Unclassified,
    /// A text left; an answer tells somebody more who knows of the lead.
    Texted { channel: String, who: String, text: String, is_answer: bool },
    /// A phone has the text, says the network.
    Delivered,
    /// Nobody claimed the lead in time, and somebody else is called.
    CalledOn { who: String },
    /// A person has answered: the lead is theirs.
    Claimed { who: String },
    /// A channel for texts was given up.
    GivenUp { channel: String, reason: String },
    /// A phone rang.
    Rang { channel: String, who: String, how: String },
    /// A mail server took the follow-up.
    Mailed { to: String, subject: String, text: String },
    /// A help desk took the case.
    Handed { channel: String, link: String },
    /// The CRM took the class.
    Written,
    /// The CRM took a note: of those about the lead, the one with this number, from 0.
    Noted { nth: usize },
    /// The CRM took a task: nobody had claimed the lead.
    Urged,
    /// A job is a dead letter.
    Dead { job: String, kind: String },
    /// A job was cancelled for another reason.
    Moot { kind: String, reason: String },
}

impl Event {
    /// Whether a dead letter is what this is about.
    pub(super) fn concerns(&self, letter: &DeadLetter) -> bool {
        let What::Dead { job, .. } = &self.what else { return false };
        letter.job_id.is_some_and(|id| id.to_string() == *job)
    }
}

/// A lead that is followed: what was told of it already.
#[derive(Debug, Default)]
pub(super) struct Follower(HashSet<(String, String)>);

impl Follower {
    /// What is new, in the order in which it happened.
    pub(super) fn news(&mut self, lead: &Lead, jobs: &[JobRow], rows: &[TimelineRow]) -> Vec<Event> {
        let mut events = Vec::new();
        if let Some(at) = lead.provisional_at
            && self.0.insert(("lead".to_owned(), "provisional".to_owned()))
        {
            events.push(Event { at, what: What::Unclassified });
        }
        for job in jobs {
            let Some(at) = job.ended_at.as_deref().and_then(|at| at.parse().ok()) else { continue };
            if let Some(what) = what(lead, job, jobs)
                && self.0.insert((job.id.clone(), job.state.clone()))
            {
                events.push(Event { at, what });
            }
        }
        let mut calls = 0_u32;
        for row in rows {
            let Ok(at) = row.at.parse() else { continue };
            if row.what == "lead called" {
                calls = calls.saturating_add(1);
            }
            if let Some(what) = of_people(row, calls)
                // Of what the network reports, the first is news.
                && self.0.insert((row.what.clone(), if what == What::Delivered { String::new() } else { row.at.clone() }))
            {
                events.push(Event { at, what });
            }
        }
        events.sort_by_key(|event| event.at);
        events
    }
}

/// What people did, and their phones. Whoever is called first is no news: that text is.
fn of_people(row: &TimelineRow, calls: u32) -> Option<What> {
    match row.what.as_str() {
        "text on sms:modem0 delivered" => Some(What::Delivered),
        "lead called" if calls > 1 => Some(What::CalledOn { who: row.detail.clone() }),
        "lead claimed" => Some(What::Claimed { who: row.detail.clone() }),
        _ => None,
    }
}

/// What the end of a job means for the story; timers mean nothing.
fn what(lead: &Lead, job: &JobRow, jobs: &[JobRow]) -> Option<What> {
    let task: Task = serde_json::from_str(&job.payload).ok()?;
    let reason = || job.result.clone().unwrap_or_default();
    let channel = || Channel::stored(job.channel.clone()).short_name().to_owned();
    match (task, job.state.as_str()) {
        (
            Task::ClassifyDeadline {}
            | Task::SmsFailover { .. }
            | Task::SmsStatus(_)
            | Task::Escalate { .. }
            | Task::Digest { .. }
            | Task::CanaryCheck {},
            _,
        ) => None,
        (task, "dead") => Some(What::Dead { job: job.id.clone(), kind: task.kind().to_owned() }),
        (Task::Classify { .. }, "done") => Some(What::Labelled(lead.label?)),
        (Task::Classify { .. }, "cancelled") => Some(What::Passed { reason: reason() }),
        (Task::Sms(SmsTask { text, who, is_answer, .. }), "done") => {
            Some(What::Texted { channel: channel(), who, text, is_answer })
        }
        (Task::Sms(_), "cancelled") => Some(What::GivenUp { channel: channel(), reason: reason() }),
        (Task::Ring(RingTask { who, .. }), "done") => Some(What::Rang { channel: channel(), who, how: reason() }),
        (Task::CrmUpdate(_), "done") => Some(What::Written),
        (Task::CrmNote(_), "done") => {
            let earlier =
                |other: &&JobRow| other.kind == job.kind && other.state == "done" && other.ended_at < job.ended_at;
            Some(What::Noted { nth: jobs.iter().filter(earlier).count() })
        }
        (Task::CrmTask(_), "done") => Some(What::Urged),
        (Task::Mail(MailTask { to, subject, text, .. }), "done") => Some(What::Mailed { to, subject, text }),
        (Task::Ticket(_), "done") => Some(What::Handed { channel: channel(), link: reason() }),
        (task, "cancelled") => Some(What::Moot { kind: task.kind().to_owned(), reason: reason() }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClassifiedBy, ClassifyTask, CrmNote, CrmRecord, JobId, LeadCode, LeadId, RowId};

    const AT: Timestamp = Timestamp::from_millis(1_732_327_200_000);

    fn lead() -> Lead {
        Lead {
            code: LeadCode::of(5),
            raw_message: "hello".into(),
            label: Some(Label::Spam),
            classified_by: Some(ClassifiedBy::Llm),
            dropped: false,
            ..Lead::none(LeadId::new(AT, [7; 10]), "hubspot".into(), AT)
        }
    }

    fn job(id: &str, task: &Task, channel: &str, state: &str, ended_ms: Option<i64>) -> JobRow {
        JobRow {
            id: id.into(),
            lead_id: String::new(),
            kind: task.kind().into(),
            channel: channel.into(),
            state: state.into(),
            due_at: String::new(),
            attempts: 1,
            result: Some("why".into()),
            payload: serde_json::to_string(task).unwrap(),
            ended_at: ended_ms.map(|ms| Timestamp::from_millis(ms).to_string()),
        }
    }

    #[test]
    fn each_end_is_told_once_and_in_order() {
        let record = CrmRecord { channel: Channel::stored("crm:hubspot".into()), id: "1".into() };
        let note = Task::CrmNote(CrmNote { record, news: None });
        let timer = Task::SmsFailover { job: JobId::new(AT, [1; 10]) };
        let mut jobs = vec![
            job("a", &note, "crm:hubspot", "dead", Some(30)),
            job("b", &Task::Classify(ClassifyTask::default()), "llm:openai", "done", Some(10)),
            job("c", &timer, "desk", "cancelled", Some(5)),
            job("d", &note, "crm:hubspot", "ready", None),
        ];
        let mut follower = Follower::default();
        let whats = |events: Vec<Event>| events.into_iter().map(|event| event.what).collect::<Vec<_>>();
        assert_eq!(
            whats(follower.news(&lead(), &jobs, &[])),
            [What::Labelled(Label::Spam), What::Dead { job: "a".into(), kind: "crm_note".into() }]
        );
        assert_eq!(follower.news(&lead(), &jobs, &[]), []);
        jobs[0].state = "done".into();
        assert_eq!(whats(follower.news(&lead(), &jobs, &[])), [What::Noted { nth: 0 }], "a requeued job ends again");
    }
}
