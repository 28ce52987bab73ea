//! HubSpot: class, priority and owner as properties of a contact, a note that tells what was done, a task where nobody did.
//!
//! Called by the outbox through [`Effect`]. The properties are absolute values, so a PATCH may be
//! repeated; a note or a task may not, so it carries a marker and an unknown outcome is looked up (`lookup`). What was meant
//! for a contact that was merged into another goes to that one (`merged`); `reconcile` asks for the contacts of a window;
//! `answer` says what an error means, `setup` serves `nightdesk check`. Lead text reaches HubSpot only escaped, because notes are HTML.
//! Sources: <https://developers.hubspot.com/docs/api/crm/contacts>, <https://developers.hubspot.com/docs/api/crm/notes>,
//! <https://developers.hubspot.com/docs/api/crm/tasks>, <https://developers.hubspot.com/docs/api/crm/owners>.

mod answer;
mod contact;
mod lookup;
mod merged;
mod reconcile;
mod setup;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use crate::model::{
    CrmNote, CrmTask, CrmUpdate, Done, Effect, Failure, Fault, Label, Outcome, Report, Task, Timestamp, Trace, Work,
};
use crate::wire::{self, Answer, Call, Wire, WireError};
use crate::writeback::fields::{Also, beside, value_of};
use crate::writeback::{AsLead, Checked, Crm, counted, note, segment, text_of};

/// What is made on a contact, once.
#[derive(Debug, Clone, Copy)]
struct Kind {
    /// Its kind, as paths have it.
    objects: &'static str,
    /// The property that holds its words and our marker.
    body: &'static str,
    /// The type of the association from it to a contact; the reverse one is refused.
    to_contact: u32,
}

const NOTE: Kind = Kind { objects: "notes", body: "hs_note_body", to_contact: 202 };
const TASK: Kind = Kind { objects: "tasks", body: "hs_task_body", to_contact: 204 };
/// The property that says whose record it is: the id of an owner, not that of its user.
const OWNER: &str = "hubspot_owner_id";
/// What to do about an owner that HubSpot refuses.
const NO_OWNER: &str = "put the owner's id (the `id` of HubSpot's owners, not the `userId`) into oncall.people.KEY.owner of \
                        whoever claimed the lead, reload, then requeue";
/// Where HubSpot puts its id of a request, unless it is only in an error's body.
const REQUEST_ID: &str = "x-hubspot-correlation-id";

/// Which account is written to, and under which names.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://api.hubapi.com`, or a stand-in; no slash at the end.
    pub base_url: String,
    /// What stands before `/objects` and `/properties` in a path: `/crm/v3`.
    pub path: String,
    /// The private app's access token.
    pub token: SecretString,
    /// The property that takes the class.
    pub classification_property: String,
    /// What is written for a class; one that is missing here is written by its own name.
    pub values: HashMap<Label, String>,
    /// Properties that are written beside each class.
    pub also: Also,
    /// What people see for a class, where that isn't its value.
    pub display: HashMap<Label, String>,
    /// The property that is set to `true` for top priority.
    pub priority_property: String,
    /// The property that holds what a prospect wrote.
    pub message_property: String,
    /// What a contact is as a lead.
    pub as_lead: AsLead,
    /// The office's time zone, for the note.
    pub zone: TimeZone,
    /// The account's own, in which its day ends.
    pub account_zone: TimeZone,
    /// The longest that one request may take.
    pub timeout: Duration,
}

/// Writes into one HubSpot account.
#[derive(Debug, Clone)]
pub struct HubSpot {
    settings: Arc<Settings>,
    wire: Wire,
}

impl HubSpot {
    /// A writer with these settings. Connects to nothing until the first write.
    #[must_use]
    pub fn new(settings: Settings, wire: Wire) -> Self {
        Self { settings: Arc::new(settings), wire }
    }

    /// Does what `work` asks for, once.
    async fn act(&self, work: &Work) -> Report {
        match (&work.job.task, work.look_up_since) {
            (Task::CrmUpdate(update), None) => self.update(update, work).await,
            // Nothing to look up: writing the same values again is the look-up.
            (Task::CrmUpdate(_), Some(_)) => Report::of(Outcome::Absent),
            (Task::CrmRead(read), _) => self.read_contact(read, work).await,
            (Task::CrmNote(note), None) => self.write_note(note, work).await,
            (Task::CrmNote(note), Some(_)) => self.look_up(NOTE, &note.record.id, work).await,
            (Task::CrmTask(task), None) => self.write_task(task, work).await,
            (Task::CrmTask(task), Some(_)) => self.look_up(TASK, &task.record.id, work).await,
            (Task::Reconcile(window), _) => self.page(window, work).await,
            (other, _) => {
                let reason = format!("HubSpot can't do a job of kind {}", other.kind());
                Report::of(Outcome::Failed(Failure::new(Fault::Permanent, reason)))
            }
        }
    }

    async fn update(&self, update: &CrmUpdate, work: &Work) -> Report {
        let properties = self.properties(update);
        if properties.is_empty() {
            return Report::of(Outcome::Done(Done::Crm { id: None }));
        }
        let body = json!({ "properties": properties });
        let call = |id: &str| Call::patch(self.contact_url(id)).json(&body).repeatable();
        let (got, trace) = self.to_contact(&update.record.id, call, work).await;
        let outcome = match got {
            Ok(answer) if answer.is_success() => match made(&answer) {
                Some(_) => Outcome::Done(Done::Crm { id: None }),
                None => Outcome::Failed(answer::not_hubspot(&answer, Fault::Transient)),
            },
            Ok(answer) if answer.status == 400 && update.owner.is_some() => {
                Outcome::Failed(self.refused(&answer, true).cure(NO_OWNER))
            }
            Ok(answer) => Outcome::Failed(self.refused(&answer, true)),
            Err(failure) => Outcome::Failed(failure),
        };
        Report::traced(outcome, trace)
    }

    /// Property values are always texts in this API, booleans too.
    fn properties(&self, update: &CrmUpdate) -> Map<String, Value> {
        let class = update.label.map(|label| {
            (self.settings.classification_property.clone(), value_of(&self.settings.values, label).to_owned())
        });
        let priority = update.priority.map(|flag| (self.settings.priority_property.clone(), flag.to_string()));
        let owner = update.owner.clone().map(|id| (OWNER.to_owned(), id));
        let also = beside(&self.settings.also, update.label);
        let all = also.chain(class).chain(priority).chain(owner);
        all.map(|(name, value)| (name, Value::String(value))).collect()
    }

    async fn write_note(&self, note: &CrmNote, work: &Work) -> Report {
        let lines = match &note.news {
            Some(news) => note::news_lines(&work.lead, news, &work.actions, &self.settings.zone),
            None => note::lines(&work.lead, &work.actions, &self.settings.zone),
        };
        self.make(NOTE, &note.record.id, &lines, json!({}), work).await
    }

    /// Due at once, and at the top of the list.
    async fn write_task(&self, task: &CrmTask, work: &Work) -> Report {
        let lines = note::task_lines(&work.lead, task, &work.actions, &self.settings.zone);
        let can_be_called = work.lead.phone.is_some() || work.lead.phone_text.is_some();
        let properties = json!({
            "hs_task_subject": note::headline_of(task),
            "hs_task_status": "NOT_STARTED",
            "hs_task_priority": "HIGH",
            "hs_task_type": if can_be_called { "CALL" } else { "TODO" },
        });
        self.make(TASK, &task.record.id, &lines, properties, work).await
    }

    /// Makes a note or a task of these lines on a contact, with our marker in it.
    async fn make(&self, kind: Kind, contact: &str, lines: &[String], mut properties: Value, work: &Work) -> Report {
        if let Some(properties) = properties.as_object_mut() {
            properties.insert("hs_timestamp".to_owned(), Timestamp::now().to_string().into());
            properties.insert(kind.body.to_owned(), note::html(lines, &work.job.key()).into());
        }
        let types = json!([{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind.to_contact }]);
        let call = |id: &str| {
            let associations = json!([{ "to": { "id": id }, "types": types }]);
            Call::post(self.url(&format!("/objects/{}", kind.objects)))
                .json(&json!({ "properties": properties, "associations": associations }))
        };
        let (got, trace) = self.to_contact(contact, call, work).await;
        let outcome = match got {
            Ok(answer) if answer.is_success() => match made(&answer) {
                Some(id) => Outcome::Done(Done::Crm { id: Some(id) }),
                None => Outcome::Failed(answer::not_hubspot(&answer, Fault::Unknown)),
            },
            Ok(answer) => Outcome::Failed(self.refused(&answer, false)),
            Err(failure) => Outcome::Failed(failure),
        };
        Report::traced(outcome, trace)
    }

    /// Sends `call` once, at most for `left`.
    async fn exchange(&self, call: Call, left: Duration) -> (Result<Answer, WireError>, Trace) {
        let call = call.bearer(&self.settings.token);
        let got = self.wire.send(&call, left.min(self.settings.timeout)).await;
        let mut trace = wire::trace(&call, &got, REQUEST_ID);
        if let (None, Ok(answer)) = (&trace.vendor_id, &got) {
            trace.vendor_id = answer::correlation_id(answer);
        }
        (got, trace)
    }

    fn refused(&self, answer: &Answer, repeatable: bool) -> Failure {
        let ours = [self.settings.classification_property.as_str(), self.settings.priority_property.as_str()];
        answer::refused(answer, repeatable, &ours, Timestamp::now(), &self.settings.account_zone)
    }

    fn url(&self, rest: &str) -> String {
        format!("{}{}{rest}", self.settings.base_url, self.settings.path)
    }

    fn contact_url(&self, id: &str) -> String {
        self.url(&format!("/objects/contacts/{}", segment(id)))
    }
}

impl Effect for HubSpot {
    fn perform<'a>(&'a self, work: &'a Work) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>> {
        Box::pin(counted(&self.wire, answer::limits, move |wire| async move {
            Self { settings: Arc::clone(&self.settings), wire }.act(work).await
        }))
    }
}

impl Crm for HubSpot {
    fn verify(&self) -> Checked<'_> {
        Box::pin(self.verify_account())
    }

    fn create_fields(&self) -> Checked<'_> {
        Box::pin(self.create_properties())
    }
}

/// The id of the object in an answer, if the answer is one.
fn made(answer: &Answer) -> Option<String> {
    answer.json().filter(|_| !answer.truncated).and_then(|body| text_of(body.get("id")?))
}
