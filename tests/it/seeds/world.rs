//! What really happened outside: texts that went out, notes and writes that a CRM took. The oracle of the model run.
//!
//! Effects change it, the checker compares the database with it, nothing else may touch it. It is never told what the
//! desk believes.

use std::collections::BTreeMap;

use nightdesk::model::{AttemptId, Channel, CrmUpdate, Fate, JobId, Label, LeadId, SmsStatus, Task, Timestamp, Work};

/// Something that happened for a lead.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    pub(super) lead: LeadId,
    pub(super) job: JobId,
    pub(super) generation: u32,
    pub(super) attempt: AttemptId,
    pub(super) channel: Channel,
    /// The number that a text goes to.
    pub(super) to: Option<String>,
    /// When its try began.
    pub(super) began: Timestamp,
    pub(super) what: What,
    /// A text that a network took and that never reaches the phone: what the network will say of it.
    pub(super) lost: Option<Fate>,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Text(String),
    /// With its key, by which it is found again.
    Note(String),
    /// The same of a task.
    Task(String),
    Write(CrmUpdate),
}

impl Deed {
    /// What this work does outside when it works; `None` for what changes nothing there.
    pub(super) fn of(work: &Work, began: Timestamp) -> Option<Self> {
        let what = match &work.job.task {
            Task::Sms(sms) => What::Text(sms.text.clone()),
            Task::CrmNote(_) => What::Note(work.job.key()),
            Task::CrmTask(_) => What::Task(work.job.key()),
            Task::CrmUpdate(update) => What::Write(update.clone()),
            Task::Classify { .. }
            | Task::ClassifyDeadline {}
            | Task::CrmRead(_)
            | Task::Reconcile(_)
            | Task::SmsFailover { .. }
            | Task::Ring(_)
            | Task::SmsStatus(_)
            | Task::Escalate { .. }
            | Task::Digest { .. }
            | Task::CanaryCheck {}
            | Task::Mail(_)
            | Task::Ticket(_) => return None,
        };
        let (job, generation, attempt) = (work.job.id, work.job.generation, work.attempt);
        let (lead, channel) = (work.job.lead, work.job.channel.clone());
        let to = if let Task::Sms(sms) = &work.job.task { Some(sms.to.to_string()) } else { None };
        Some(Self { lead, job, generation, attempt, channel, to, began, what, lost: None })
    }
}

/// One lead as the world saw it, oldest first.
#[derive(Debug, Default)]
pub(super) struct Truth {
    pub(super) deeds: Vec<(Timestamp, Deed)>,
}

impl Truth {
    /// The texts that are on the phone.
    pub(super) fn texts(&self) -> Vec<(Timestamp, &Deed, &str)> {
        let text = |(at, deed): &'_ (Timestamp, Deed)| match &deed.what {
            What::Text(_) if deed.lost.is_none() => Some(*at),
            What::Text(_) | What::Note(_) | What::Task(_) | What::Write(_) => None,
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
            What::Text(_) | What::Task(_) | What::Write(_) => None,
        });
        keys.collect()
    }

    pub(super) fn task_keys(&self) -> Vec<&str> {
        let keys = self.deeds.iter().filter_map(|(_, deed)| match &deed.what {
            What::Task(key) => Some(key.as_str()),
            What::Text(_) | What::Note(_) | What::Write(_) => None,
        });
        keys.collect()
    }

    pub(super) fn did(&self, job: &str) -> bool {
        self.deeds.iter().any(|(_, deed)| deed.job.to_string() == job)
    }

    /// Whether a text of this job is on the phone.
    pub(super) fn has(&self, job: &str) -> bool {
        self.texts().iter().any(|(_, deed, _)| deed.job.to_string() == job)
    }
}

/// Everything outside the desk.
#[derive(Debug, Default)]
pub(super) struct World {
    leads: BTreeMap<LeadId, Truth>,
    /// The tries whose end the network has reported.
    told: BTreeMap<(JobId, AttemptId), Fate>,
}

impl World {
    pub(super) fn happen(&mut self, deed: Deed, at: Timestamp) {
        self.leads.entry(deed.lead).or_default().deeds.push((at, deed));
    }

    pub(super) fn truth(&self, lead: LeadId) -> Option<&Truth> {
        self.leads.get(&lead)
    }

    /// Whether a text that reached a phone names this code.
    pub(super) fn names(&self, code: &str) -> bool {
        let mut texts = self.leads.values().flat_map(Truth::texts);
        texts.any(|(_, _, words)| words.split([' ', ';', '.']).any(|word| word == code))
    }

    /// The network reports on a text.
    pub(super) fn tell(&mut self, deed: &Deed, fate: Fate) {
        let told = self.told.entry((deed.job, deed.attempt)).or_insert(fate);
        *told = told.then(fate);
    }

    /// What the network has reported of the job's last text.
    pub(super) fn reported(&self, work: &Work) -> Option<Fate> {
        self.told_of(work.job.lead, work.job.id)
    }

    /// The same of any job.
    pub(super) fn told_of(&self, lead: LeadId, job: JobId) -> Option<Fate> {
        let (_, last) = self.truth(lead)?.deeds.iter().rfind(|(_, deed)| deed.job == job)?;
        self.told.get(&(last.job, last.attempt)).copied()
    }

    /// What a vendor says of a text that it took, so long after: some networks never tell.
    pub(super) fn status(&self, work: &Work, asked: &SmsStatus, now: Timestamp) -> Fate {
        let deeds = self.truth(work.job.lead).map(|truth| truth.deeds.as_slice()).unwrap_or_default();
        let Some((at, deed)) = deeds.iter().rfind(|(_, deed)| deed.job == asked.text.job) else {
            return Fate::StillTrying;
        };
        let odd = deed.job.to_string().bytes().fold(0_u8, u8::wrapping_add);
        match deed.lost {
            _ if now.since(*at).as_secs() < u64::from(odd) => Fate::StillTrying,
            Some(fate) => fate,
            None if odd.is_multiple_of(4) => Fate::StillTrying,
            None => Fate::Delivered,
        }
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
