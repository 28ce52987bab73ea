//! Any CRM that takes JSON over HTTP: the operator describes what is sent, and how an answer tells that it worked.
//!
//! Called by the outbox through [`Effect`]. A PUT or a PATCH is the same however often, and so is whatever the CRM drops by
//! our key: they are simply repeated. Of any other POST nobody can tell whether it arrived, so it is never sent again by
//! itself. What is sent is a template (`template`); a lead's text is a value in it and nothing else, and never part of the
//! host. Nothing can be read here.

mod template;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::SecretString;
use serde_json::Value;

use crate::model::{CrmUpdate, Done, Effect, Failure, Fault, Label, Outcome, Quota, Report, Task, Timestamp, Work};
use crate::wire::{self, Answer, Body, Call, Method, Wire, status_fault};
use crate::writeback::fields::value_of;
use crate::writeback::{Checked, Crm, counted, excerpt, note, text_of, within};

pub use template::{Broken, Vars};

/// The pause after a 429 that names none.
const PAUSE: Duration = Duration::from_secs(10);
/// Where most put their id of a request.
const REQUEST_ID: &str = "x-request-id";

/// What is sent, and where to.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The header that proves who we are, and its value.
    pub auth: Option<(String, SecretString)>,
    /// Writes class, priority and owner.
    pub update: Request,
    /// Writes a note.
    pub note: Option<Request>,
    /// Writes a task; without it a task is written as a note.
    pub task: Option<Request>,
    /// What [`Crm::verify`] reads: any 2xx is well.
    pub probe: Option<String>,
    /// What is written for a class; one that is missing here is written by its own name.
    pub values: HashMap<Label, String>,
    /// The office's time zone, for the note.
    pub zone: TimeZone,
    /// The longest that one request may take.
    pub timeout: Duration,
}

/// One kind of request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// Its address: a template.
    pub url: String,
    /// Sent along.
    pub headers: Vec<(String, String)>,
    /// Its body: a template of JSON.
    pub body: String,
    /// Statuses that mean success; none: any 2xx.
    pub status: Vec<u16>,
    /// What must stand at a JSON pointer of a good answer.
    pub holds: Option<(String, Value)>,
    /// Where a good answer has the id of what was made.
    pub id: Option<String>,
    /// The header that takes our key.
    pub idempotency_header: Option<String>,
}

/// Writes into one CRM.
#[derive(Debug, Clone)]
pub struct Http {
    settings: Arc<Settings>,
    wire: Wire,
}

impl Request {
    /// Renders it for leads that have everything and for such that have nothing.
    ///
    /// # Errors
    /// What is wrong with the templates: say so at `check`, not at night.
    pub fn check(&self) -> Result<(), Broken> {
        for sample in Vars::samples() {
            template::address(&self.url, &sample)?;
            template::body(&self.body, &sample)?;
        }
        Ok(())
    }

    /// Doing it twice is the same as doing it once.
    fn is_repeatable(&self) -> bool {
        self.method != Method::POST || self.idempotency_header.is_some()
    }

    /// What an answer comes to.
    fn outcome(&self, answer: &Answer) -> Outcome {
        let listed = if self.status.is_empty() { answer.is_success() } else { self.status.contains(&answer.status) };
        if !listed {
            return Outcome::Failed(self.refused(answer));
        }
        let body = answer.json().filter(|_| !answer.truncated);
        let Some((pointer, wanted)) = &self.holds else { return self.done(body.as_ref()) };
        match body {
            Some(body) if body.pointer(pointer) == Some(wanted) => self.done(Some(&body)),
            Some(_) => {
                let said = excerpt(&answer.body);
                let reason = format!("the CRM answered {}, but {pointer} is not {wanted}: {said}", answer.status);
                Outcome::Failed(Failure::new(Fault::Permanent, reason))
            }
            None => {
                let fault = if self.is_repeatable() { Fault::Transient } else { Fault::Unknown };
                let reason = format!("the CRM answered {} without JSON: {}", answer.status, excerpt(&answer.body));
                Outcome::Failed(Failure::new(fault, reason))
            }
        }
    }

    fn done(&self, body: Option<&Value>) -> Outcome {
        let id = self.id.as_ref().and_then(|pointer| body?.pointer(pointer)).and_then(text_of);
        Outcome::Done(Done::Crm { id })
    }

    fn refused(&self, answer: &Answer) -> Failure {
        let reason = format!("the CRM answered {}: {}", answer.status, excerpt(&answer.body));
        match status_fault(answer, self.is_repeatable(), Timestamp::now(), PAUSE) {
            Some(fault) => Failure { cure: cure(answer.status), ..Failure::new(fault, reason) },
            // It was taken, but not as success: asking again would not change that.
            None => Failure::new(Fault::Permanent, reason).cure("add the status to success.status if it means success"),
        }
    }
}

/// What a person can do about a status, if anything.
fn cure(status: u16) -> Option<String> {
    let words = match status {
        401 | 403 => "put a valid secret into the auth of this CRM",
        300..400 | 404 | 405 => "check the url and the method of this request, and whether the record still exists",
        400 | 409 | 415 | 422 => "check the body of this request against what the CRM takes, then requeue",
        _ => return None,
    };
    Some(words.to_owned())
}

impl Http {
    /// A writer with these settings. Connects to nothing until the first write.
    #[must_use]
    pub fn new(settings: Settings, wire: Wire) -> Self {
        Self { settings: Arc::new(settings), wire }
    }

    /// Does what `work` asks for, once.
    async fn act(&self, work: &Work) -> Report {
        let Some((request, vars)) = self.meant(work) else {
            let reason = format!("a CRM of kind http can't do a job of kind {}", work.job.task.kind());
            return Report::of(Outcome::Failed(Failure::new(Fault::Permanent, reason)));
        };
        // A write of fields is repeated after a death of the process without being looked up.
        let maybe_sent = work.look_up_since.is_some() || work.job.crashes > 0;
        match (maybe_sent, request.is_repeatable()) {
            (true, false) => Report::of(Outcome::Unsure),
            (true, true) if work.look_up_since.is_some() => Report::of(Outcome::Absent),
            (_, _) if matches!(&work.job.task, Task::CrmUpdate(update) if update.is_empty()) => {
                Report::of(Outcome::Done(Done::Crm { id: None }))
            }
            (_, _) => self.send(request, &vars, work).await,
        }
    }

    /// Which request a job is, and its variables.
    fn meant(&self, work: &Work) -> Option<(&Request, Vars)> {
        let Settings { update, note, task, zone, .. } = &*self.settings;
        let (lead, actions) = (&work.lead, &work.actions);
        match &work.job.task {
            Task::CrmUpdate(asked) => Some((update, self.vars(&asked.record.id, Some(asked), work))),
            Task::CrmNote(asked) => {
                let lines = match &asked.news {
                    Some(news) => note::news_lines(lead, news, actions, zone),
                    None => note::lines(lead, actions, zone),
                };
                let vars = self.vars(&asked.record.id, None, work).words(&lines, None);
                Some((note.as_ref()?, vars))
            }
            Task::CrmTask(asked) => {
                let lines = note::task_lines(lead, asked, actions, zone);
                let vars = self.vars(&asked.record.id, None, work).words(&lines, Some(note::headline_of(asked)));
                Some((task.as_ref().or(note.as_ref())?, vars))
            }
            _ => None,
        }
    }

    fn vars(&self, record: &str, update: Option<&CrmUpdate>, work: &Work) -> Vars {
        let class = update.and_then(|update| update.label).or(work.lead.label);
        let value = class.map(|class| value_of(&self.settings.values, class).to_owned());
        Vars {
            class: class.map(|class| class.name().to_owned()),
            class_value: value,
            priority: update.and_then(|update| update.priority),
            owner: update.and_then(|update| update.owner.clone()),
            ..Vars::of(record, work)
        }
    }

    async fn send(&self, request: &Request, vars: &Vars, work: &Work) -> Report {
        let call = match self.call(request, vars) {
            Ok(call) => call,
            Err(broken) => {
                let failure = Failure::new(Fault::Permanent, broken.to_string());
                return Report::of(Outcome::Failed(failure.cure("mend the template of this request, then requeue")));
            }
        };
        let got = self.wire.send(&call, within(work).min(self.settings.timeout)).await;
        let trace = wire::trace(&call, &got, REQUEST_ID);
        let status = got.as_ref().ok().map(|answer| answer.status);
        let outcome = match got {
            Ok(answer) => request.outcome(&answer),
            Err(error) => Outcome::Failed(error.failure("the CRM")),
        };
        Report::traced(known(outcome, work, status), trace)
    }

    fn call(&self, request: &Request, vars: &Vars) -> Result<Call, Broken> {
        let url = template::address(&request.url, vars)?;
        let text = template::body(&request.body, vars)?;
        let call = match request.method {
            Method::PUT => Call::put(url),
            Method::PATCH => Call::patch(url),
            _ => Call::post(url),
        };
        let call = self.with_auth(call.body(Body { content_type: "application/json", text }));
        let key = request.idempotency_header.iter().map(|name| (name.clone(), vars.key.clone()));
        let headers = request.headers.iter().cloned().chain(key);
        let call = headers.fold(call, |call, (name, value)| call.header(name, value));
        Ok(if request.is_repeatable() { call.repeatable() } else { call })
    }

    fn with_auth(&self, call: Call) -> Call {
        match &self.settings.auth {
            Some((header, value)) => call.secret(header.clone(), value.clone()),
            None => call,
        }
    }

    /// What is wrong with the templates, else between us and the CRM.
    async fn verify_account(&self) -> Vec<Failure> {
        let Settings { update, note, task, probe, timeout, .. } = &*self.settings;
        let requests = [Some(update), note.as_ref(), task.as_ref()].into_iter().flatten();
        let broken: Vec<Failure> = requests
            .filter_map(|request| request.check().err())
            .map(|broken| Failure::new(Fault::Permanent, broken.to_string()))
            .collect();
        let Some(probe) = probe.as_ref().filter(|_| broken.is_empty()) else { return broken };
        let failure = match self.wire.send(&self.with_auth(Call::get(probe)), *timeout).await {
            Ok(answer) if answer.is_success() => return Vec::new(),
            Ok(answer) => update.refused(&answer),
            Err(error) => error.failure("the CRM"),
        };
        vec![failure]
    }
}

/// What nobody can look up is judged here. An unknown outcome of a write of fields would be tried again by the outbox; and
/// a CRM that compares what comes again under one key with what came first refuses it, although that was taken.
fn known(outcome: Outcome, work: &Work, answer: Option<u16>) -> Outcome {
    let is_update = matches!(work.job.task, Task::CrmUpdate(_));
    match outcome {
        Outcome::Failed(Failure { fault: Fault::Unknown, .. }) if is_update => Outcome::Unsure,
        Outcome::Failed(Failure { fault: Fault::Permanent, .. })
            if work.job.tries > 1 && !is_update && matches!(answer, Some(409 | 422)) =>
        {
            Outcome::Unsure
        }
        outcome => outcome,
    }
}

impl Effect for Http {
    fn perform<'a>(&'a self, work: &'a Work) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>> {
        Box::pin(counted(
            &self.wire,
            |_| Quota::default(),
            move |wire| async move { Self { settings: Arc::clone(&self.settings), wire }.act(work).await },
        ))
    }
}

impl Crm for Http {
    fn verify(&self) -> Checked<'_> {
        Box::pin(self.verify_account())
    }

    /// There are none to make: which fields there are is the operator's business.
    fn create_fields(&self) -> Checked<'_> {
        Box::pin(async { Vec::new() })
    }
}
