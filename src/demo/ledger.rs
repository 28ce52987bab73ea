//! What became of each sample, read from the database: the JSON of `demo --once --json`, and the rows of the summary.

use serde::Serialize;

use crate::model::{Channel, ClassifiedBy, Label, LeadCode, LeadId, RingTask, SmsTask, Task, Timestamp};
use crate::store::{ArrivalRow, JobRow, Reader, StoreError};

/// One sample's line of the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Entry {
    /// The sample.
    pub(super) sample: &'static str,
    /// The lead's short name, for people.
    #[serde(skip)]
    pub(super) code: Option<LeadCode>,
    /// Its lead; the first one's for a duplicate; the webhook's own id where there is no lead.
    pub(super) lead_id: Option<String>,
    /// How it ended; nothing if it didn't.
    pub(super) state: Option<State>,
    pub(super) label: Option<Label>,
    pub(super) classified_by: Option<ClassifiedBy>,
    /// The jobs that act on the world, texts first.
    pub(super) actions: Vec<Act>,
    /// From the webhook to the text's leaving.
    pub(super) ms_to_sms: Option<u64>,
}

/// How a sample ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// Every job of it ended.
    Settled,
    /// It is a dead letter of the gate.
    GateFailed,
    /// It is known already.
    Duplicate,
}

impl State {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::GateFailed => "gate failed",
            Self::Duplicate => "duplicate",
        }
    }
}

/// One action job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Act {
    pub(super) kind: String,
    pub(super) channel: String,
    /// `done`, `dead` or `cancelled`; another word of the outbox while it is open.
    pub(super) state: String,
    pub(super) attempts: u32,
}

/// What the database says of the webhook `arrival`.
pub(super) fn entry(reader: &Reader, sample: &'static str, arrival: &ArrivalRow) -> Result<Entry, StoreError> {
    let lead_id = arrival.lead_id.map(|id| id.to_string());
    match (arrival.verdict.as_str(), arrival.lead_id) {
        ("accepted", Some(lead)) => of_lead(reader, sample, lead),
        ("duplicate" | "repeat", _) => Ok(Entry { sample, lead_id, state: Some(State::Duplicate), ..Entry::default() }),
        _ => {
            let lead_id = Some(arrival.id.to_string());
            Ok(Entry { sample, lead_id, state: Some(State::GateFailed), ..Entry::default() })
        }
    }
}

fn of_lead(reader: &Reader, sample: &'static str, id: LeadId) -> Result<Entry, StoreError> {
    let lead = reader.find_lead(&id.to_string())?.ok_or(StoreError::Orphaned(id))?;
    let jobs = reader.jobs(id)?;
    let sent = jobs.iter().filter(|job| job.kind == "sms" && job.state == "done");
    let sent_at = sent.filter_map(|job| job.ended_at.as_deref()?.parse::<Timestamp>().ok()).min();
    let ms = |at: Timestamp| u64::try_from(at.since(lead.received_at).as_millis()).unwrap_or(u64::MAX);
    Ok(Entry {
        sample,
        code: Some(lead.code),
        lead_id: Some(id.to_string()),
        state: lead.settled_at.map(|_| State::Settled),
        label: lead.label,
        classified_by: lead.classified_by,
        actions: acts(&jobs),
        ms_to_sms: sent_at.map(ms),
    })
}

/// The action jobs: texts in the order of their legs, then rings, the mail, the ticket, then the CRM's fields, its notes and its tasks.
fn acts(jobs: &[JobRow]) -> Vec<Act> {
    let mut acts: Vec<((u8, u32), Act)> = jobs.iter().filter_map(|job| Some((place(job)?, act(job)))).collect();
    acts.sort_by_key(|(place, _)| *place);
    acts.into_iter().map(|(_, act)| act).collect()
}

fn act(job: &JobRow) -> Act {
    let channel = Channel::stored(job.channel.clone()).short_name().to_owned();
    Act { kind: job.kind.clone(), channel, state: job.state.clone(), attempts: job.attempts }
}

/// Where a job stands among a lead's actions; `None` for the pipeline's own steps and timers.
fn place(job: &JobRow) -> Option<(u8, u32)> {
    match serde_json::from_str(&job.payload).ok()? {
        Task::Sms(SmsTask { leg, .. }) => Some((0, leg)),
        Task::Ring(RingTask { step, .. }) => Some((1, step)),
        Task::Mail(_) => Some((2, 0)),
        Task::Ticket(_) => Some((3, 0)),
        Task::CrmUpdate(_) => Some((4, 0)),
        Task::CrmNote(_) => Some((5, 0)),
        Task::CrmTask(_) => Some((6, 0)),
        Task::Classify { .. }
        | Task::ClassifyDeadline {}
        | Task::CrmRead(_)
        | Task::Reconcile(_)
        | Task::SmsFailover { .. }
        | Task::SmsStatus(_)
        | Task::Escalate { .. }
        | Task::Digest { .. }
        | Task::CanaryCheck {} => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_has_exactly_these_keys() {
        let act = Act { kind: "sms".into(), channel: "modem".into(), state: "done".into(), attempts: 1 };
        let entry = Entry {
            sample: "urgent",
            code: Some(LeadCode::of(0)),
            lead_id: Some("x".into()),
            state: Some(State::Settled),
            label: Some(Label::UrgentBuyer),
            classified_by: Some(ClassifiedBy::Llm),
            actions: vec![act],
            ms_to_sms: Some(61),
        };
        assert_eq!(
            serde_json::to_string(&entry).unwrap(),
            r#"{"sample":"urgent","lead_id":"x","state":"settled","label":"URGENT_BUYER","classified_by":"llm","actions":[{"kind":"sms","channel":"modem","state":"done","attempts":1}],"ms_to_sms":61}"#
        );
        let gone = Entry { sample: "no-message", state: Some(State::GateFailed), ..Entry::default() };
        assert_eq!(
            serde_json::to_string(&gone).unwrap(),
            r#"{"sample":"no-message","lead_id":null,"state":"gate-failed","label":null,"classified_by":null,"actions":[],"ms_to_sms":null}"#
        );
    }
}
