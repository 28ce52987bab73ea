//! The CRMs that are written to, and the patience of the retries.

use std::collections::HashMap;
use std::time::Duration;

use super::typed::{BaseUrl, NAME_WHAT, Text, is_name, trimmed};
use super::{Problems, SecretRef, raw};
use crate::model::Label;

/// The documented address.
const HUBSPOT_BASE_URL: &str = "https://api.hubapi.com";
/// The version whose shapes the program speaks.
const HUBSPOT_PATH: &str = "/crm/v3";
/// The name under which `check --create-properties` makes it.
const CLASSIFICATION_PROPERTY: &str = "auto_classification";
/// The name under which `check --create-properties` makes it.
const PRIORITY_PROPERTY: &str = "high_priority";
/// Where HubSpot's own forms put it.
const MESSAGE_PROPERTY: &str = "message";
/// HubSpot cuts its own requests off at 10 s.
const HUBSPOT_TIMEOUT: Duration = Duration::from_secs(10);
/// Short enough that a hiccup costs nobody an evening.
const RETRY_BASE: Duration = Duration::from_secs(1);
/// Long enough for a vendor's outage, short enough to be there when it ends.
const RETRY_CAP: Duration = Duration::from_mins(5);
/// A long weekend.
const CRM_GIVE_UP_AFTER: Duration = Duration::from_hours(72);
/// A form's fields reach the record a moment after it was made.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Whoever opens the record ten minutes later should read what was done so far.
const NOTE_AFTER: Duration = Duration::from_mins(10);
/// Five in a row are no accident.
const BREAKER_AFTER: u16 = 5;
/// Long enough to stop hammering, short enough that recovery is noticed at once.
const BREAKER_PAUSE: Duration = Duration::from_secs(30);

/// A HubSpot account.
#[derive(Debug, Clone, PartialEq)]
pub struct Crm {
    /// Where its API lives.
    pub base_url: BaseUrl,
    /// The prefix of its paths, which carries the version.
    pub path: String,
    /// The private app's access token.
    pub token: SecretRef,
    /// The property that takes the class.
    pub classification_property: String,
    /// The property that flags top priority.
    pub priority_property: String,
    /// The property that holds what a prospect wrote.
    pub message_property: String,
    /// Whether notes and tasks are written.
    pub note: bool,
    /// The value stored for each class; all four are there.
    pub values: HashMap<Label, String>,
    /// One call may take this long.
    pub timeout: Duration,
}

/// Patience of the retries.
#[derive(Debug, Clone, PartialEq)]
pub struct Outbox {
    /// The first pause.
    pub retry_base: Duration,
    /// The longest pause.
    pub retry_cap: Duration,
    /// CRM writes are tried no longer than this.
    pub crm_give_up_after: Duration,
    /// A note waits for the other actions, but no longer than this.
    pub note_after: Duration,
    /// A record that had no message yet is read once more after this.
    pub read_again_after: Duration,
    /// Failures in a row that close a channel for a while.
    pub breaker_after: u32,
    /// How long it stays closed.
    pub breaker_pause: Duration,
}

impl Crm {
    pub(super) fn of(name: &str, raw: raw::Crm, problems: &mut Problems) -> Option<Self> {
        let at = |key: &str| format!("crm.{name}{key}");
        if !is_name(name) {
            problems.error(at(""), NAME_WHAT);
        }
        let kind = problems.required(raw.kind, at(".kind"), "\"hubspot\"");
        let wants = "{ credential = \"name\" } or { file = \"/path\" }";
        let token = problems.required(raw.token, at(".token"), wants);
        let base_url = Text::or(raw.base_url, BaseUrl::known(HUBSPOT_BASE_URL));
        base_url.check(at(".base-url"), "leads and the token", problems);
        let path = raw.path.unwrap_or_else(|| HUBSPOT_PATH.to_owned());
        if !is_path(&path) {
            problems.error(at(".path"), "a path such as \"/crm/v3\"");
        }
        let mut property = |key: &str, typed: Option<String>, default: &str| {
            let property = trimmed(typed).unwrap_or_else(|| default.to_owned());
            if !is_property(&property) {
                problems.error(at(key), "a property's internal name: lower-case letters, digits and _");
            }
            property
        };
        let classification_property =
            property(".classification-property", raw.classification_property, CLASSIFICATION_PROPERTY);
        let priority_property = property(".priority-property", raw.priority_property, PRIORITY_PROPERTY);
        let message_property = property(".message-property", raw.message_property, MESSAGE_PROPERTY);
        let values = values(raw.values.unwrap_or_default(), &at(".values"), problems);
        let crm = Self {
            base_url,
            path: path.trim_end_matches('/').to_owned(),
            token: token?,
            classification_property,
            priority_property,
            message_property,
            note: raw.note.unwrap_or(true),
            values,
            timeout: Text::or(raw.timeout, HUBSPOT_TIMEOUT),
        };
        match kind? {
            raw::CrmKind::Hubspot => Some(crm),
        }
    }
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b))
}

fn is_property(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The value of each class: the one typed, or the label itself.
fn values(typed: HashMap<Label, String>, path: &str, problems: &mut Problems) -> HashMap<Label, String> {
    for (label, _) in typed.iter().filter(|(_, value)| value.trim().is_empty()) {
        problems.error(format!("{path}.{label}"), "empty: that would clear the property");
    }
    Label::ALL.into_iter().map(|label| (label, label.name().to_owned())).chain(typed).collect()
}

impl Outbox {
    pub(super) fn of(raw: raw::Outbox, problems: &mut Problems) -> Self {
        let outbox = Self {
            retry_base: Text::or(raw.retry_base, RETRY_BASE),
            retry_cap: Text::or(raw.retry_cap, RETRY_CAP),
            crm_give_up_after: Text::or(raw.crm_give_up_after, CRM_GIVE_UP_AFTER),
            note_after: Text::or(raw.note_after, NOTE_AFTER),
            read_again_after: Text::or(raw.read_again_after, READ_AGAIN_AFTER),
            breaker_after: u32::from(raw.breaker_after.unwrap_or(BREAKER_AFTER)),
            breaker_pause: Text::or(raw.breaker_pause, BREAKER_PAUSE),
        };
        if outbox.retry_cap < outbox.retry_base {
            problems.error("outbox.retry-cap", "shorter than outbox.retry-base");
        }
        if outbox.breaker_after == 0 {
            problems.error("outbox.breaker-after", "at least 1");
        }
        outbox
    }
}
