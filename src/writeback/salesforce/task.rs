//! Notes and tasks: both are Tasks in Salesforce, one that is done and one that is still to be.
//!
//! With a key field of its own (an external id on Activity) a task is made by that key, however often it is asked for.
//! Without one it may be made once only: its subject names the lead, and its description ends with our marker, so that it is
//! found after an unknown outcome. A query sees what was written before it.
//! Sources: <https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_task.htm>,
//! <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_upsert_patch.htm>.

use serde_json::{Value, json};

use crate::model::{CrmNote, CrmTask, Done, Failure, Fault, Outcome, Report, Timestamp, Trace, Work};
use crate::wire::{Answer, Call};
use crate::writeback::{note, within};

use super::converted::{CONTACT_ID, Write};
use super::{Object, Salesforce, answer, segment, soql};

/// The longest subject.
const MAX_SUBJECT_CHARS: usize = 255;
/// The longest description.
const MAX_DESCRIPTION_CHARS: usize = 32_000;

/// A task to be made.
struct Draft {
    subject: String,
    status: &'static str,
    priority: &'static str,
    lines: Vec<String>,
}

/// The subject of a note: made of what doesn't change while it is tried, because it is what is looked for.
pub(super) fn subject_of_note(note: &CrmNote, work: &Work) -> String {
    let what = if note.news.is_some() { "news of" } else { "what was done with" };
    format!("nightdesk: {what} lead {}", work.lead.code)
}

/// The subject of a task. Salesforce takes spaces away at its ends, and then it would not be found.
pub(super) fn subject_of_task(task: &CrmTask, work: &Work) -> String {
    let headline = note::headline_of(task);
    let words: Vec<&str> = headline.split_whitespace().collect();
    format!("{} ({})", words.join(" "), work.lead.code).chars().take(MAX_SUBJECT_CHARS).collect()
}

impl Salesforce {
    pub(super) async fn write_note(&self, note: &CrmNote, work: &Work) -> Report {
        let lines = match &note.news {
            Some(news) => note::news_lines(&work.lead, news, &work.actions, &self.settings.zone),
            None => note::lines(&work.lead, &work.actions, &self.settings.zone),
        };
        let draft = Draft { subject: subject_of_note(note, work), status: "Completed", priority: "Normal", lines };
        self.make(&note.record.id, draft, work).await
    }

    /// Due today, and at the top of the list.
    pub(super) async fn write_task(&self, task: &CrmTask, work: &Work) -> Report {
        let lines = note::task_lines(&work.lead, task, &work.actions, &self.settings.zone);
        let draft = Draft { subject: subject_of_task(task, work), status: "Not Started", priority: "High", lines };
        self.make(&task.record.id, draft, work).await
    }

    /// Makes a task on a record, or on the contact that it became.
    async fn make(&self, record: &str, draft: Draft, work: &Work) -> Report {
        let key = work.job.key();
        // In a composite request `@{…}` stands for a part of another answer: no text of ours does.
        let harmless = |text: &str| text.replace("@{", "@ {");
        let body = |who: &str| {
            json!({
                "WhoId": who,
                "Subject": harmless(&draft.subject),
                "Status": draft.status,
                "Priority": draft.priority,
                "ActivityDate": self.today(),
                "Description": harmless(&note::plain(&draft.lines, &key, MAX_DESCRIPTION_CHARS)),
            })
        };
        let (method, path, repeatable) = match &self.settings.task_key_field {
            Some(field) => ("PATCH", format!("sobjects/Task/{field}/{}", segment(&key)), true),
            None => ("POST", "sobjects/Task".to_owned(), false),
        };
        let call = if repeatable { Call::patch(self.path(&path)).repeatable() } else { Call::post(self.path(&path)) };
        let (got, trace) = self.exchange(call.json(&body(record)), within(work)).await;
        let (made, trace) = match got {
            Ok(answer) if answer::is_converted(&answer) && Object::of(record) == Object::Lead => {
                let write = Write { method, path, body: body(CONTACT_ID) };
                let (made, trace) = self.to_contact_of(record, write, repeatable, work).await;
                (made.map(|body| id_of(&body)), trace)
            }
            Ok(answer) => (self.made(&answer, repeatable), trace),
            Err(failure) => (Err(failure), trace),
        };
        let outcome = made.map_or_else(Outcome::Failed, |id| Outcome::Done(Done::Crm { id }));
        Report::traced(outcome, trace)
    }

    /// The id of the task that an answer says was made; older versions answer an update without one.
    fn made(&self, answer: &Answer, repeatable: bool) -> Result<Option<String>, Failure> {
        match (answer.status, answer.json().filter(|_| !answer.truncated)) {
            (204, None) if repeatable => Ok(None),
            (200 | 201, Some(body)) if body.get("success") == Some(&Value::Bool(true)) && id_of(&body).is_some() => {
                Ok(id_of(&body))
            }
            (200..300, _) => {
                let fault = if repeatable { Fault::Transient } else { Fault::Unknown };
                Err(answer::not_salesforce(answer, fault))
            }
            // Two tries at once: by now the other one has made it.
            (400, _) if repeatable && answer::has(answer, "DUPLICATE_VALUE") => {
                Err(Failure { fault: Fault::Transient, ..self.refused(answer, true) })
            }
            _ => Err(self.refused(answer, repeatable)),
        }
    }

    /// Whether the task that `work` was to make on this record is in Salesforce.
    pub(super) async fn look_up(&self, record: &str, subject: &str, work: &Work) -> Report {
        if self.settings.task_key_field.is_some() {
            // Asking for it by its key once more is the look-up.
            return Report::of(Outcome::Absent);
        }
        let (found, trace) = self.find(record, subject, work).await;
        if found.is_some() || Object::of(record) == Object::Contact {
            return Report::traced(found.unwrap_or(Outcome::Absent), trace);
        }
        // Converting a lead moves its tasks to the contact.
        let (contact, trace) = self.contact_of(record, work).await;
        match contact {
            Ok(Some(contact)) => {
                let (found, trace) = self.find(&contact, subject, work).await;
                Report::traced(found.unwrap_or(Outcome::Absent), trace)
            }
            Ok(None) => Report::traced(Outcome::Absent, trace),
            Err(end) => Report::traced(end, trace),
        }
    }

    /// The end of the look-up, unless none of the tasks of `who` is ours. A description can't be asked for, but be read.
    async fn find(&self, who: &str, subject: &str, work: &Work) -> (Option<Outcome>, Trace) {
        let (who, subject) = (soql::quoted(who), soql::quoted(subject));
        let query = format!(
            "SELECT Id, Description FROM Task WHERE WhoId = {who} AND Subject = {subject} ORDER BY Id DESC LIMIT 100"
        );
        let (records, trace) = self.records(&query, work).await;
        let end = match records {
            Ok(records) => {
                let is_ours = |task: &&Value| {
                    let text = task.get("Description").and_then(Value::as_str);
                    text.is_some_and(|text| note::carries(text, &work.job.key()))
                };
                records.iter().find(is_ours).map(|task| {
                    let id = task.get("Id").and_then(Value::as_str).map(str::to_owned);
                    Outcome::Done(Done::Crm { id })
                })
            }
            Err(failure) => Some(cant_tell(failure)),
        };
        (end, trace)
    }

    /// The contact that a lead became, if it did.
    async fn contact_of(&self, lead: &str, work: &Work) -> (Result<Option<String>, Outcome>, Trace) {
        let call = Call::get(format!("{}?fields=ConvertedContactId", self.record_path(Object::Lead, lead)));
        let (got, trace) = self.exchange(call, within(work)).await;
        let contact = match got {
            Ok(answer) if answer.is_success() => {
                let body = answer.json().filter(|body| body.is_object() && !answer.truncated);
                let id = |body: Value| body.get("ConvertedContactId").and_then(Value::as_str).map(str::to_owned);
                body.map(id).ok_or_else(|| Outcome::Failed(answer::not_salesforce(&answer, Fault::Transient)))
            }
            // The lead is gone; writing to it again will say so in Salesforce's words.
            Ok(answer) if answer::is_gone(&answer) => Ok(None),
            Ok(answer) => Err(cant_tell(self.refused(&answer, true))),
            Err(failure) => Err(Outcome::Failed(failure)),
        };
        (contact, trace)
    }

    /// The day on the office's calendar.
    fn today(&self) -> String {
        let now = jiff::Timestamp::from_millisecond(Timestamp::now().as_millis()).unwrap_or_default();
        now.to_zoned(self.settings.zone.clone()).date().to_string()
    }
}

/// A question that will always be refused can't tell anything.
fn cant_tell(failure: Failure) -> Outcome {
    if failure.fault == Fault::Permanent { Outcome::Unsure } else { Outcome::Failed(failure) }
}

fn id_of(body: &Value) -> Option<String> {
    body.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned)
}
