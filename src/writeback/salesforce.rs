//! Salesforce: class, priority and owner as fields of a lead, tasks that tell what was done and that nobody did it.
//!
//! Called by the outbox through [`Effect`]. The fields are absolute values, so a PATCH may be repeated; a task may be, where
//! the org has a key field for it (`task`). A lead that was converted is written to as the contact it became (`converted`).
//! `session` has the token, `answer` says what an error means, `read` and `reconcile` ask, `setup` serves `nightdesk check`.
//! Source: <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/>.

mod answer;
mod assertion;
mod converted;
mod read;
mod reconcile;
mod session;
mod setup;
mod soql;
mod task;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::model::{CrmUpdate, Done, Effect, Failure, Fault, Label, Outcome, Report, Task, Timestamp, Trace, Work};
use crate::wire::{self, Answer, Call, Wire, WireError};
use crate::writeback::fields::{Also, beside, value_of};
use crate::writeback::{AsLead, Checked, Crm, counted, segment, within};

pub use session::SignIn;

use session::{Session, Sessions};

/// The field that says whose record it is: the id of a user, or of a queue.
const OWNER: &str = "OwnerId";
/// What to do about an owner that Salesforce refuses.
const NO_OWNER: &str = "put the user's id (it begins with 005) into oncall.people.KEY.owner of whoever claimed the lead, \
                        reload, then requeue";
/// Salesforce names no request; how much of the day is used tells as much about when it was.
const REQUEST_ID: &str = "sforce-limit-info";

/// Which org is written to, and under which names.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The org's My Domain, or a stand-in; no slash at the end.
    pub base_url: String,
    /// The version of the API: `v60.0`.
    pub api_version: String,
    /// The app's consumer key.
    pub client_id: String,
    /// How the app proves who it is.
    pub sign_in: SignIn,
    /// The field that takes the class.
    pub classification_property: String,
    /// What is written for a class; one that is missing here is written by its own name.
    pub values: HashMap<Label, String>,
    /// Fields that are written beside each class.
    pub also: Also,
    /// The field that is set to `true` for top priority.
    pub priority_property: String,
    /// The field that holds what a prospect wrote.
    pub message_property: String,
    /// The external id on Activity that makes a task one of a kind, where the org has one.
    pub task_key_field: Option<String>,
    /// What a record is as a lead.
    pub as_lead: AsLead,
    /// The office's time zone, for tasks.
    pub zone: TimeZone,
    /// The org's own, in which it dates conversions.
    pub account_zone: TimeZone,
    /// The longest that one request may take.
    pub timeout: Duration,
}

/// Writes into one Salesforce org.
#[derive(Debug, Clone)]
pub struct Salesforce {
    settings: Arc<Settings>,
    wire: Wire,
    sessions: Arc<Sessions>,
    /// A session was renewed for the effect at hand: one that is over at once is no accident.
    renewed: Arc<AtomicBool>,
}

/// What a record is. Its id begins with the kind's own three characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Object {
    Lead,
    Contact,
}

impl Object {
    /// A contact says so; whatever else there may be is taken for a lead.
    fn of(id: &str) -> Self {
        if id.starts_with("003") { Self::Contact } else { Self::Lead }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Lead => "Lead",
            Self::Contact => "Contact",
        }
    }
}

impl Salesforce {
    /// A writer with these settings. Connects to nothing until the first write.
    #[must_use]
    pub fn new(settings: Settings, wire: Wire) -> Self {
        let sessions = Arc::new(Sessions::new(wire.clone()));
        Self { settings: Arc::new(settings), wire, sessions, renewed: Arc::default() }
    }

    /// Does what `work` asks for, once.
    async fn act(&self, work: &Work) -> Report {
        match (&work.job.task, work.look_up_since) {
            (Task::CrmUpdate(update), None) => self.update(update, work).await,
            // Nothing to look up: writing the same values again is the look-up.
            (Task::CrmUpdate(_), Some(_)) => Report::of(Outcome::Absent),
            (Task::CrmRead(read), _) => self.read_record(read, work).await,
            (Task::Reconcile(window), _) => self.reconcile(window, work).await,
            (Task::CrmNote(note), None) => self.write_note(note, work).await,
            (Task::CrmTask(task), None) => self.write_task(task, work).await,
            (Task::CrmNote(note), Some(_)) => {
                self.look_up(&note.record.id, &task::subject_of_note(note, work), work).await
            }
            (Task::CrmTask(task), Some(_)) => {
                self.look_up(&task.record.id, &task::subject_of_task(task, work), work).await
            }
            (other, _) => {
                let reason = format!("Salesforce can't do a job of kind {}", other.kind());
                Report::of(Outcome::Failed(Failure::new(Fault::Permanent, reason)))
            }
        }
    }

    async fn update(&self, update: &CrmUpdate, work: &Work) -> Report {
        let fields = self.fields(update);
        if fields.is_empty() {
            return Report::of(Outcome::Done(Done::Crm { id: None }));
        }
        let (id, fields) = (&update.record.id, Value::Object(fields));
        let call = Call::patch(self.record_path(Object::of(id), id)).json(&fields).repeatable();
        let (got, trace) = self.exchange(call, within(work)).await;
        let (got, trace) = match got {
            Ok(answer) if answer::is_converted(&answer) && Object::of(id) == Object::Lead => {
                let write = converted::Write { method: "PATCH", path: converted::contact(), body: fields };
                let (got, trace) = self.to_contact_of(id, write, true, work).await;
                (got.map(drop), trace)
            }
            Ok(answer) if answer.status == 204 => (Ok(()), trace),
            Ok(answer) if answer.is_success() => (Err(answer::not_salesforce(&answer, Fault::Transient)), trace),
            Ok(answer) => (Err(self.refused(&answer, true)), trace),
            Err(failure) => (Err(failure), trace),
        };
        let outcome = match got {
            Ok(()) => Outcome::Done(Done::Crm { id: None }),
            // What has a better cure is not about the owner.
            Err(failure) if update.owner.is_some() && failure.fault == Fault::Permanent && failure.cure.is_none() => {
                Outcome::Failed(failure.cure(NO_OWNER))
            }
            Err(failure) => Outcome::Failed(failure),
        };
        Report::traced(outcome, trace)
    }

    /// What is written, each value of its field's own type.
    fn fields(&self, update: &CrmUpdate) -> Map<String, Value> {
        let class = update.label.map(|label| {
            (self.settings.classification_property.clone(), json!(value_of(&self.settings.values, label)))
        });
        let priority = update.priority.map(|flag| (self.settings.priority_property.clone(), json!(flag)));
        let owner = update.owner.clone().map(|id| (OWNER.to_owned(), json!(id)));
        let also = beside(&self.settings.also, update.label).map(|(name, value)| (name, json!(value)));
        also.chain(class).chain(priority).chain(owner).collect()
    }

    /// Sends `call`, whose address is a path of the data API, once, at most for `left`. A session that is over was never
    /// looked into, so what was asked in it is asked again in a new one: once for an effect.
    async fn exchange(&self, call: Call, left: Duration) -> (Result<Answer, Failure>, Trace) {
        let until = Instant::now().checked_add(left);
        let left = || until.map_or(left, |until| until.saturating_duration_since(Instant::now()));
        let session = match self.sessions.open(&self.settings, None, left()).await {
            Ok(session) => session,
            Err((failure, trace)) => return (Err(failure), trace),
        };
        let (got, trace) = self.send(&call, &session, left()).await;
        let is_over = got.as_ref().is_ok_and(answer::is_expired);
        if !is_over || self.renewed.swap(true, Ordering::Relaxed) {
            return (got.map_err(|error| error.failure("Salesforce")), trace);
        }
        let session = match self.sessions.open(&self.settings, Some(&session), left()).await {
            Ok(session) => session,
            Err((failure, trace)) => return (Err(failure), trace),
        };
        let (got, trace) = self.send(&call, &session, left()).await;
        (got.map_err(|error| error.failure("Salesforce")), trace)
    }

    async fn send(&self, call: &Call, session: &Session, left: Duration) -> (Result<Answer, WireError>, Trace) {
        let call = Call { url: format!("{}{}", session.instance, call.url), ..call.clone() }.bearer(&session.token);
        let got = self.wire.send(&call, left.min(self.settings.timeout)).await;
        let trace = wire::trace(&call, &got, REQUEST_ID);
        (got, trace)
    }

    fn refused(&self, answer: &Answer, repeatable: bool) -> Failure {
        let ours = [self.settings.classification_property.as_str(), self.settings.priority_property.as_str()];
        answer::refused(answer, repeatable, &ours, Timestamp::now())
    }

    /// A path of the data API.
    fn path(&self, rest: &str) -> String {
        format!("/services/data/{}/{rest}", self.settings.api_version)
    }

    fn record_path(&self, object: Object, id: &str) -> String {
        self.path(&format!("sobjects/{}/{}", object.name(), segment(id)))
    }
}

impl Effect for Salesforce {
    fn perform<'a>(&'a self, work: &'a Work) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>> {
        Box::pin(async move {
            let act = |wire| async move { Self { wire, renewed: Arc::default(), ..self.clone() }.act(work).await };
            counted(&self.wire, answer::limits, act).await
        })
    }
}

impl Crm for Salesforce {
    fn verify(&self) -> Checked<'_> {
        Box::pin(self.verify_org())
    }

    /// Fields of an org are made by a person, who also says who may see them.
    fn create_fields(&self) -> Checked<'_> {
        Box::pin(self.verify_org())
    }
}
