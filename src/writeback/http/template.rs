//! Addresses and bodies as the operator writes them: what may stand in `{{ … }}`, and how it is put in.
//!
//! Every value is put into a body as JSON, and into an address percent-encoded, whatever the template does to it: no text of
//! a lead can end a string, open an object or leave its segment of a path. A text is joined inside the braces:
//! `{{ "lead " ~ code }}`.
//! Sources: <https://docs.rs/minijinja>, RFC 3986 clause 2.1 and 5.2.4, RFC 8259.

use minijinja::value::{Serde, Value as Shown};
use minijinja::{Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use serde::Serialize;
use serde_json::Value;

use crate::model::{Label, Timestamp, Work};
use crate::writeback::segment;

/// A template that can't be used, for some lead or for any.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The address.
    #[error("url: {0}")]
    Address(String),
    /// The body.
    #[error("body: {0}")]
    Body(String),
}

/// What a template may name. All are always there; what isn't known is null.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Vars {
    /// The record's id in the CRM.
    pub record_id: String,
    /// Our id of the lead.
    pub lead_id: String,
    /// Its short name for people.
    pub code: String,
    /// Its class by its own name.
    pub class: Option<String>,
    /// Its class as the CRM calls it.
    pub class_value: Option<String>,
    /// Whether it is flagged; null leaves the flag alone.
    pub priority: Option<bool>,
    /// Whose record it becomes; null leaves that alone.
    pub owner: Option<String>,
    /// The lines of a note or a task.
    pub note: Option<String>,
    /// The headline of a task.
    pub subject: Option<String>,
    /// The prospect's name.
    pub name: Option<String>,
    /// The prospect's address.
    pub email: Option<String>,
    /// The prospect's number.
    pub phone: Option<String>,
    /// The source that the lead came by.
    pub source: String,
    /// What tells this write from every other: letters and digits.
    pub key: String,
    /// When the lead came in: UTC, ISO 8601.
    pub received_at: String,
}

impl Vars {
    /// What a lead and a job tell by themselves.
    pub(super) fn of(record: &str, work: &Work) -> Self {
        let lead = &work.lead;
        Self {
            record_id: record.to_owned(),
            lead_id: lead.id.to_string(),
            code: lead.code.to_string(),
            name: lead.name.clone(),
            email: lead.email.clone(),
            phone: lead.phone.as_ref().map(ToString::to_string).or_else(|| lead.phone_text.clone()),
            source: lead.source.clone(),
            key: work.job.key(),
            received_at: lead.received_at.to_string(),
            ..Self::default()
        }
    }

    /// The same with what is to be read there.
    pub(super) fn words(self, lines: &[String], subject: Option<String>) -> Self {
        Self { note: Some(lines.join("\n")), subject, ..self }
    }

    /// Leads that try a template: one that has all, in the worst of characters, and one that has only what every lead has.
    pub(super) fn samples() -> Vec<Self> {
        let least = Self {
            record_id: "101".to_owned(),
            lead_id: "018f".to_owned(),
            code: "K7".to_owned(),
            source: "web".to_owned(),
            key: "nd018fcrmupdate1".to_owned(),
            received_at: Timestamp::from_millis(0).to_string(),
            ..Self::default()
        };
        let odd = || Some("\"}]\\ \n{{ x }}, \u{0}é".to_owned());
        let most = Self {
            record_id: "a/b?c#d e".to_owned(),
            class: Some("URGENT_BUYER".to_owned()),
            class_value: odd(),
            priority: Some(true),
            owner: Some("7".to_owned()),
            note: odd(),
            subject: odd(),
            name: odd(),
            email: odd(),
            phone: odd(),
            ..least.clone()
        };
        let of = |(label, priority): (Label, Option<bool>)| Self {
            class: Some(label.name().to_owned()),
            priority,
            ..most.clone()
        };
        let priorities = [Some(true), Some(false), None];
        let all = Label::ALL.into_iter().flat_map(|label| priorities.map(|priority| (label, priority)));
        all.map(of).chain([least]).collect()
    }
}

/// The address for these.
pub(super) fn address(template: &str, vars: &Vars) -> Result<String, Broken> {
    render(template, vars, encoded).map_err(|error| Broken::Address(told(&error)))
}

/// The body for these: JSON.
pub(super) fn body(template: &str, vars: &Vars) -> Result<String, Broken> {
    let text = render(template, vars, json).map_err(|error| Broken::Body(told(&error)))?;
    let body: Value = serde_json::from_str(&text).map_err(|error| {
        Broken::Body(format!("no JSON once it is filled in ({error}); {{{{ … }}}} brings its own quotes"))
    })?;
    Ok(body.to_string())
}

type Put = fn(&mut Output<'_>, &State<'_, '_>, &Shown) -> Result<(), Error>;

fn render(template: &str, vars: &Vars, put: Put) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_formatter(move |out, state, value| put(out, state, value));
    environment.template_from_str(template)?.render(Shown::from(Serde(vars)))
}

/// As JSON, whatever it is.
fn json(out: &mut Output<'_>, _: &State<'_, '_>, value: &Shown) -> Result<(), Error> {
    let text = serde_json::to_string(value);
    let text = text.map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
    out.write_str(&text).map_err(Error::from)
}

/// Percent-encoded. Nothing, `.` and `..` would make another address of it, encoded or not.
fn encoded(out: &mut Output<'_>, _: &State<'_, '_>, value: &Shown) -> Result<(), Error> {
    let text = if value.is_none() { String::new() } else { value.to_string() };
    if matches!(text.as_str(), "" | "." | "..") {
        let words = "what is put into an address must not be empty, \".\" or \"..\", and a lead may lack it";
        return Err(Error::new(ErrorKind::InvalidOperation, words));
    }
    out.write_str(&segment(&text)).map_err(Error::from)
}

fn told(error: &Error) -> String {
    let line = error.line().map(|line| format!(" (line {line} of the template)")).unwrap_or_default();
    match error.detail() {
        Some(detail) => format!("{detail}{line}"),
        None => format!("{}{line}", error.kind()),
    }
}
