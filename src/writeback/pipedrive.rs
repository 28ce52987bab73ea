//! Pipedrive: class, flag and owner as fields of a person, a note that tells what was done, an activity where nobody did.
//!
//! Called by the outbox through [`Effect`]. Fields are absolute values, so a PATCH may be repeated; a note or an activity may
//! not, so it carries a marker and an unknown outcome is looked up in the person's own list (`lookup`). `persons` reads one or
//! those of a window, `answer` says what an error means, `setup` serves `nightdesk check`. Persons, activities and fields are
//! of version 2 of the API; notes there are only in version 1. Lead text reaches Pipedrive only escaped, because notes are
//! HTML.
//! Sources: <https://developers.pipedrive.com/docs/api/v1>, the official client (github.com/pipedrive/client-nodejs 32.2.1),
//! <https://pipedrive.readme.io/docs/pipedrive-api-v2-migration-guide>, and for activities that only take participants
//! <https://devcommunity.pipedrive.com/t/api-v1-to-v2-upgrade-post-activities-http-400-responses/19734>.

mod answer;
mod lookup;
mod persons;
mod setup;

use std::collections::HashMap;
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
use crate::writeback::{AsLead, Checked, Crm, counted, excerpt, note, text_of, within};

/// What is made on a person, once.
#[derive(Debug, Clone, Copy)]
struct Kind {
    /// Where it is made and listed.
    path: &'static str,
    /// The field that holds its words and our marker.
    body: &'static str,
    /// How the list is asked for its newest.
    newest: &'static str,
}

const NOTE: Kind = Kind { path: "/v1/notes", body: "content", newest: "sort=id%20DESC&start=0&limit=100" };
const ACTIVITY: Kind =
    Kind { path: "/api/v2/activities", body: "note", newest: "sort_by=id&sort_direction=desc&limit=100" };
/// What to do about an owner that Pipedrive refuses.
const NO_OWNER: &str = "put the id of an active Pipedrive user into oncall.people.KEY.owner of whoever claimed the lead, reload, then requeue";
/// The persons' place.
const PERSONS: &str = "/api/v2/persons";
/// The header that takes the token.
const TOKEN: &str = "x-api-token";
/// Where a front door in between puts its id of a request.
const REQUEST_ID: &str = "x-correlation-id";

/// Which account is written to, and under which names.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://api.pipedrive.com`, or a company's own; no slash at the end.
    pub base_url: String,
    /// The API token of a user.
    pub token: SecretString,
    /// The key of the field that takes the class.
    pub classification_property: String,
    /// What is written for a class; a whole number is the id of an option.
    pub values: HashMap<Label, String>,
    /// Fields that are written beside each class.
    pub also: Also,
    /// The key of the field that takes `true` for top priority; `None`: nothing is flagged.
    pub priority_property: Option<String>,
    /// The key of the field that holds what a prospect wrote.
    pub message_property: Option<String>,
    /// What a person is as a lead.
    pub as_lead: AsLead,
    /// The office's time zone, for the note.
    pub zone: TimeZone,
    /// The longest that one request may take.
    pub timeout: Duration,
}

/// Writes into one Pipedrive account.
#[derive(Debug, Clone)]
pub struct Pipedrive {
    settings: Arc<Settings>,
    wire: Wire,
}

impl Pipedrive {
    /// A writer with these settings. Connects to nothing until the first write.
    #[must_use]
    pub fn new(settings: Settings, wire: Wire) -> Self {
        Self { settings: Arc::new(settings), wire }
    }

    /// Does what `work` asks for, once.
    async fn act(&self, work: &Work) -> Report {
        let done = match (&work.job.task, work.look_up_since) {
            (Task::CrmUpdate(update), None) => self.update(update, work).await,
            // Nothing to look up: writing the same values again is the look-up.
            (Task::CrmUpdate(_), Some(_)) => Ok(Report::of(Outcome::Absent)),
            (Task::CrmNote(note), None) => self.write_note(note, work).await,
            (Task::CrmNote(note), Some(_)) => self.look_up(NOTE, &note.record.id, work).await,
            (Task::CrmTask(task), None) => self.write_activity(task, work).await,
            (Task::CrmTask(task), Some(_)) => self.look_up(ACTIVITY, &task.record.id, work).await,
            (Task::CrmRead(read), _) => self.read_person(read, work).await,
            (Task::Reconcile(window), _) => Ok(self.page(window, work).await),
            (other, _) => {
                let reason = format!("Pipedrive can't do a job of kind {}", other.kind());
                Err(Failure::new(Fault::Permanent, reason))
            }
        };
        done.unwrap_or_else(|failure| Report::of(Outcome::Failed(failure)))
    }

    async fn update(&self, update: &CrmUpdate, work: &Work) -> Result<Report, Failure> {
        let body = self.fields(update)?;
        if body.is_empty() {
            return Ok(Report::of(Outcome::Done(Done::Crm { id: None })));
        }
        let url = format!("{PERSONS}/{}", number(&update.record.id, "the person's id")?);
        let call = Call::patch(self.url(&url)).json(&Value::Object(body)).repeatable();
        let (got, trace) = self.exchange(call, within(work)).await;
        let outcome = match answer::data(got, true) {
            Ok(_) => Outcome::Done(Done::Crm { id: None }),
            Err(failure) => Outcome::Failed(self.in_words(failure, update)),
        };
        Ok(Report::traced(outcome, trace))
    }

    /// What is to be written; values have types in this API.
    fn fields(&self, update: &CrmUpdate) -> Result<Map<String, Value>, Failure> {
        let class = update.label.map(|label| (self.settings.classification_property.clone(), self.value_of(label)));
        let flag = self.settings.priority_property.clone().zip(update.priority);
        let flag = flag.map(|(key, flag)| (key, flag.to_string().into()));
        let also = beside(&self.settings.also, update.label).map(|(key, value)| (key, option_or_text(&value)));
        let custom: Map<String, Value> = also.chain(class).chain(flag).collect();
        let owner = update.owner.as_deref().map(|owner| number(owner, "the owner's id")).transpose()?;
        let custom = (!custom.is_empty()).then(|| ("custom_fields".to_owned(), Value::Object(custom)));
        Ok(custom.into_iter().chain(owner.map(|owner| ("owner_id".to_owned(), owner.into()))).collect())
    }

    fn value_of(&self, label: Label) -> Value {
        option_or_text(value_of(&self.settings.values, label))
    }

    /// What a person can do about a refused write of fields.
    fn in_words(&self, failure: Failure, update: &CrmUpdate) -> Failure {
        if failure.fault != Fault::Permanent || failure.cure.is_some() {
            return failure;
        }
        if update.owner.is_some() {
            return failure.cure(NO_OWNER);
        }
        let keys = [Some(&self.settings.classification_property), self.settings.priority_property.as_ref()];
        let keys: Vec<&str> = keys.into_iter().flatten().map(String::as_str).collect();
        failure.cure(format!("check the fields {} with `nightdesk check --online`, then requeue", keys.join(" and ")))
    }

    async fn write_note(&self, note: &CrmNote, work: &Work) -> Result<Report, Failure> {
        let lines = match &note.news {
            Some(news) => note::news_lines(&work.lead, news, &work.actions, &self.settings.zone),
            None => note::lines(&work.lead, &work.actions, &self.settings.zone),
        };
        let body = json!({
            "content": note::html(&lines, &work.job.key()),
            "person_id": number(&note.record.id, "the person's id")?,
        });
        Ok(self.make(NOTE, &body, work).await)
    }

    /// Due today. The person is a participant: only so does the activity hang on it.
    async fn write_activity(&self, task: &CrmTask, work: &Work) -> Result<Report, Failure> {
        let lines = note::task_lines(&work.lead, task, &work.actions, &self.settings.zone);
        let can_be_called = work.lead.phone.is_some() || work.lead.phone_text.is_some();
        let today = jiff::Timestamp::from_millisecond(Timestamp::now().as_millis()).unwrap_or_default();
        let body = json!({
            "subject": note::headline_of(task),
            "type": if can_be_called { "call" } else { "task" },
            "due_date": today.to_zoned(self.settings.zone.clone()).date().to_string(),
            "done": false,
            "note": note::html(&lines, &work.job.key()),
            "participants": [{ "person_id": number(&task.record.id, "the person's id")?, "primary": true }],
        });
        Ok(self.make(ACTIVITY, &body, work).await)
    }

    async fn make(&self, kind: Kind, body: &Value, work: &Work) -> Report {
        let (got, trace) = self.exchange(Call::post(self.url(kind.path)).json(body), within(work)).await;
        let outcome = match answer::data(got, false) {
            Ok(made) => Outcome::Done(Done::Crm { id: made.get("id").and_then(text_of) }),
            Err(failure) => Outcome::Failed(failure),
        };
        Report::traced(outcome, trace)
    }

    /// Sends `call` once, at most for `left`.
    async fn exchange(&self, call: Call, left: Duration) -> (Result<Answer, WireError>, Trace) {
        let call = call.secret(TOKEN, self.settings.token.clone());
        let got = self.wire.send(&call, left.min(self.settings.timeout)).await;
        let trace = wire::trace(&call, &got, REQUEST_ID);
        (got, trace)
    }

    fn url(&self, rest: &str) -> String {
        format!("{}{rest}", self.settings.base_url)
    }
}

/// Ids are numbers here, in paths and in bodies.
fn number(text: &str, what: &str) -> Result<u64, Failure> {
    text.trim().parse().map_err(|_| {
        let reason = format!("{what} is no number, and all of Pipedrive's are: {}", excerpt(text));
        Failure::new(Fault::Permanent, reason).cure("see which field of the source gives it, mend that, then requeue")
    })
}

/// A whole number is an option's id; all else is a text.
fn option_or_text(value: &str) -> Value {
    value.parse::<u64>().map_or_else(|_| value.into(), Value::from)
}

impl Effect for Pipedrive {
    fn perform<'a>(&'a self, work: &'a Work) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>> {
        Box::pin(counted(&self.wire, answer::limits, move |wire| async move {
            Self { settings: Arc::clone(&self.settings), wire }.act(work).await
        }))
    }
}

impl Crm for Pipedrive {
    fn verify(&self) -> Checked<'_> {
        Box::pin(self.verify_account())
    }

    fn create_fields(&self) -> Checked<'_> {
        Box::pin(self.make_fields())
    }
}
