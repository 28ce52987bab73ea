//! What only a HubSpot account needs.

use std::collections::HashMap;

use super::{base_url, trimmed};
use crate::config::{BaseUrl, Problems, SecretRef, raw};
use crate::model::Label;

/// The documented address.
const BASE_URL: &str = "https://api.hubapi.com";
/// The version whose shapes the program speaks.
const PATH: &str = "/crm/v3";
/// The name under which `check --create-properties` makes it.
const CLASSIFICATION_PROPERTY: &str = "auto_classification";
/// The name under which `check --create-properties` makes it.
const PRIORITY_PROPERTY: &str = "high_priority";
/// Where HubSpot's own forms put it.
const MESSAGE_PROPERTY: &str = "message";

/// A HubSpot account.
#[derive(Debug, Clone, PartialEq)]
pub struct Hubspot {
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
    /// What people see for a class whose value they wouldn't understand: the label of its option.
    pub display: HashMap<Label, String>,
}

impl Hubspot {
    pub(super) fn of(raw: &mut raw::Crm, at: &dyn Fn(&str) -> String, problems: &mut Problems) -> Option<Self> {
        let wants = "{ credential = \"name\" } or { file = \"/path\" }";
        let token = problems.required(raw.token.take(), at(".token"), wants);
        let base_url = base_url(raw.base_url.take(), BASE_URL, at, problems);
        let path = raw.path.take().unwrap_or_else(|| PATH.to_owned());
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
            property(".classification-property", raw.classification_property.take(), CLASSIFICATION_PROPERTY);
        let priority_property = property(".priority-property", raw.priority_property.take(), PRIORITY_PROPERTY);
        let message_property = property(".message-property", raw.message_property.take(), MESSAGE_PROPERTY);
        let display = raw.display.take().unwrap_or_default();
        for (label, _) in display.iter().filter(|(_, text)| text.trim().is_empty()) {
            problems.error(at(&format!(".display.{label}")), "empty: people would see nothing");
        }
        Some(Self {
            base_url,
            path: path.trim_end_matches('/').to_owned(),
            token: token?,
            classification_property,
            priority_property,
            message_property,
            display,
        })
    }
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b))
}

fn is_property(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
