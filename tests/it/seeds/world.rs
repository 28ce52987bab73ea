//! What really happened outside: texts that went out, notes and writes that a CRM took. The oracle of the model run.
//!
//! Effects change it, the checker compares the database with it, nothing else may touch it. It is never told what the
//! desk believes.

use std::collections::BTreeMap;

use nightdesk::model::{AttemptId, Channel, CrmUpdate, JobId, Label, LeadId, Task, Timestamp, Work};

/// Something that happened for a lead.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    pub(super) lead: LeadId,
    pub(super) job: JobId,
    pub(super) attempt: AttemptId,
    pub(super) channel: Channel,
    /// When its try began.
    pub(super) began: Timestamp,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Text(String),
    /// With its key, by which it is found again.
    Note(String),
    Write(CrmUpdate),
}

impl Deed {
    /// What this work does outside when it works; `None` for what changes nothing there.
    pub(super) fn of(work: &Work, began: Timestamp) -> Option<Self> {
        let what = match &work.job.task {
            Task::Sms(sms) => What::Text(sms.text.clone()),
            Task::CrmNote(_) => What::Note(work.job.key()),
            Task::CrmUpdate(update) => What::Write(update.clone()),
            Task::Classify { .. } | Task::ClassifyDeadline {} | Task::CrmRead(_) | Task::SmsFailover { .. } => {
                return None;
            }
        };
        let (job, attempt, channel) = (work.job.id, work.attempt, work.job.channel.clone());
        Some(Self { lead: work.job.lead, job, attempt, channel, began, what })
    }
}

/// One lead as the world saw it, oldest first.
#[derive(Debug, Default)]
pub(super) struct Truth {
    pub(super) deeds: Vec<(Timestamp, Deed)>,
}

impl Truth {
    pub(super) fn texts(&self) -> Vec<(Timestamp, &Deed, &str)> {
        let text = |(at, deed): &'_ (Timestamp, Deed)| match &deed.what {
            What::Text(_) => Some(*at),
            What::Note(_) | What::Write(_) => None,
        };
        self.deeds
            .iter()
            .filter_map(|entry| {
                let at = text(entry)?;
                let What::Text(words) = &entry.1.what else { return None };
                Some((at, &entry.1, words.as_str()))
            })
            .collect()
    }

    pub(super) fn note_keys(&self) -> Vec<&str> {
        let keys = self.deeds.iter().filter_map(|(_, deed)| match &deed.what {
            What::Note(key) => Some(key.as_str()),
            What::Text(_) | What::Write(_) => None,
        });
        keys.collect()
    }

    pub(super) fn did(&self, job: &str) -> bool {
        self.deeds.iter().any(|(_, deed)| deed.job.to_string() == job)
    }
}

/// Everything outside the desk.
#[derive(Debug, Default)]
pub(super) struct World {
    leads: BTreeMap<LeadId, Truth>,
}

impl World {
    pub(super) fn happen(&mut self, deed: Deed, at: Timestamp) {
        self.leads.entry(deed.lead).or_default().deeds.push((at, deed));
    }

    pub(super) fn truth(&self, lead: LeadId) -> Option<&Truth> {
        self.leads.get(&lead)
    }

    /// Whether the job's effect is there to be found.
    pub(super) fn finds(&self, work: &Work) -> bool {
        self.truth(work.job.lead).is_some_and(|truth| truth.did(&work.job.id.to_string()))
    }
}

/// The class that every sound model gives this message; the leads of the model run carry it as their first word.
pub(super) fn label_of(message: &str) -> Label {
    message.split(' ').next().unwrap().parse().unwrap()
}
