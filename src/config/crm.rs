//! The CRMs that are written to: what all kinds have in common. What only one kind has is in the file of its name.

mod http;
mod hubspot;
mod pipedrive;
mod salesforce;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::tz::TimeZone;

use super::typed::{BaseUrl, NAME_WHAT, Text, is_name, trimmed};
use super::{Problems, SecretRef, raw};
use crate::model::Label;

pub use http::{Http, HttpAuth, HttpMethod, HttpRequest, HttpSuccess};
pub use hubspot::Hubspot;
pub use pipedrive::Pipedrive;
pub use salesforce::{Salesforce, SignIn};

/// The longest that one call may take: the vendors cut their own requests off about then.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Percent of a day's requests.
const URGENT_RESERVE: u8 = 5;

/// An account of a CRM.
#[derive(Debug, Clone, PartialEq)]
pub struct Crm {
    /// Which vendor's, and what only that vendor needs.
    pub vendor: Vendor,
    /// Whether notes and tasks are written.
    pub note: bool,
    /// The value stored for each class; all four are there.
    pub values: HashMap<Label, String>,
    /// Fields that are written beside each class, such as one that takes a record out of a queue.
    pub also: HashMap<Label, BTreeMap<String, String>>,
    /// One call may take this long.
    pub timeout: Duration,
    /// How many requests it takes.
    pub rate: Rate,
    /// The last so many percent of a day's requests are kept for urgent leads.
    pub urgent_reserve: u8,
    /// The account's own time zone, in which its day ends; the office's, if none is given.
    pub time_zone: Option<TimeZone>,
    /// The source whose leads are looked for in it: those that never arrived.
    pub reconcile: Option<String>,
}

/// The vendors, each with what only it needs.
#[derive(Debug, Clone, PartialEq)]
pub enum Vendor {
    /// `HubSpot`.
    Hubspot(Hubspot),
    /// Pipedrive.
    Pipedrive(Pipedrive),
    /// Any that takes JSON, as the operator describes it.
    Http(Box<Http>),
    /// Salesforce.
    Salesforce(Salesforce),
}

/// So many requests in such a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// So many.
    pub requests: u16,
    /// In this time.
    pub per: Duration,
}

impl Crm {
    pub(super) fn of(name: &str, mut raw: raw::Crm, problems: &mut Problems) -> Option<Self> {
        let at = |key: &str| format!("crm.{name}{key}");
        if !is_name(name) {
            problems.error(at(""), NAME_WHAT);
        }
        let kind =
            problems.required(raw.kind, at(".kind"), "\"hubspot\", \"salesforce\", \"pipedrive\" or \"http\"")?;
        let values = values(raw.values.take().unwrap_or_default(), &at(".values"), problems);
        let also = also(raw.also.take().unwrap_or_default(), kind, &at(".also"), problems);
        let typed = raw.rate.take().unwrap_or_default();
        let usual = kind.rate();
        let rate = Rate { requests: typed.requests.unwrap_or(usual.requests), per: Text::or(typed.per, usual.per) };
        if rate.requests == 0 {
            problems.error(at(".rate.requests"), "at least 1");
        }
        let urgent_reserve = raw.urgent_reserve.take().unwrap_or(URGENT_RESERVE);
        if urgent_reserve > 100 {
            problems.error(at(".urgent-reserve"), "percent of a day's requests: 0 to 100");
        }
        let (noted, timeout) = (raw.note.take().unwrap_or(true), Text::or(raw.timeout.take(), TIMEOUT));
        let time_zone = raw.time_zone.take().map(|zone| zone.0);
        let reconcile = trimmed(raw.reconcile.take());
        let vendor = match kind {
            raw::CrmKind::Hubspot => Hubspot::of(&mut raw, &at, problems).map(Vendor::Hubspot),
            raw::CrmKind::Salesforce => Salesforce::of(&mut raw, &at, problems).map(Vendor::Salesforce),
            raw::CrmKind::Pipedrive => {
                Pipedrive::of(&mut raw, reconcile.is_some(), &at, problems).map(Vendor::Pipedrive)
            }
            raw::CrmKind::Http => {
                if reconcile.is_some() {
                    problems.error(at(".reconcile"), "not for a CRM of this kind: it can't be asked for its records");
                }
                Http::of(&mut raw, &at, problems).map(|http| Vendor::Http(Box::new(http)))
            }
        };
        tell_left_over(&raw, &at, problems);
        let vendor = vendor?;
        let note = noted && vendor.takes_notes();
        Some(Self { vendor, note, values, also, timeout, rate, urgent_reserve, time_zone, reconcile })
    }

    /// The field that holds what a prospect wrote.
    #[must_use]
    pub fn message_property(&self) -> &str {
        match &self.vendor {
            Vendor::Hubspot(hubspot) => &hubspot.message_property,
            Vendor::Salesforce(salesforce) => &salesforce.message_property,
            Vendor::Pipedrive(pipedrive) => pipedrive.message_property.as_deref().unwrap_or_default(),
            // Nothing is read from it.
            Vendor::Http(_) => "",
        }
    }

    /// Its secrets, each with the key that names it.
    pub(super) fn secrets(&self) -> Vec<(&'static str, &SecretRef)> {
        match &self.vendor {
            Vendor::Hubspot(hubspot) => vec![("token", &hubspot.token)],
            Vendor::Salesforce(salesforce) => match &salesforce.sign_in {
                SignIn::Secret(secret) => vec![("client-secret", secret)],
                SignIn::Jwt { .. } => Vec::new(),
            },
            Vendor::Pipedrive(pipedrive) => vec![("token", &pipedrive.token)],
            Vendor::Http(http) => http.auth.iter().map(|auth| ("auth.secret", &auth.secret)).collect(),
        }
    }

    /// Its private keys, each with the key that names it: files of many lines, which are read when they are needed.
    pub(super) fn private_keys(&self) -> Vec<(&'static str, &SecretRef)> {
        match &self.vendor {
            Vendor::Salesforce(Salesforce { sign_in: SignIn::Jwt { private_key, .. }, .. }) => {
                vec![("private-key", private_key)]
            }
            Vendor::Hubspot(_) | Vendor::Salesforce(_) | Vendor::Pipedrive(_) | Vendor::Http(_) => Vec::new(),
        }
    }
}

impl Vendor {
    /// Whether there is a way to write notes there.
    const fn takes_notes(&self) -> bool {
        match self {
            Self::Hubspot(_) | Self::Salesforce(_) | Self::Pipedrive(_) => true,
            Self::Http(http) => http.note.is_some(),
        }
    }

    /// Whether contacts that `HubSpot`'s app events point to can be read there.
    pub(super) const fn has_hubspots_contacts(&self) -> bool {
        matches!(self, Self::Hubspot(_))
    }
}

impl raw::CrmKind {
    /// What the vendor allows the smallest of its plans, less a margin for what else uses the account. Of an unknown vendor,
    /// as much is assumed.
    const fn rate(self) -> Rate {
        match self {
            Self::Pipedrive => Rate { requests: 15, per: Duration::from_secs(2) },
            Self::Hubspot | Self::Http => Rate { requests: 90, per: Duration::from_secs(10) },
            // Salesforce counts calls by the day, and no more than 25 long ones at a time.
            Self::Salesforce => Rate { requests: 25, per: Duration::from_secs(1) },
        }
    }
}

/// Each kind takes the keys that it knows; what is left belongs to another.
fn tell_left_over(raw: &raw::Crm, at: &dyn Fn(&str) -> String, problems: &mut Problems) {
    let keys = [
        (".base-url", raw.base_url.is_some()),
        (".path", raw.path.is_some()),
        (".token", raw.token.is_some()),
        (".classification-property", raw.classification_property.is_some()),
        (".priority-property", raw.priority_property.is_some()),
        (".message-property", raw.message_property.is_some()),
        (".display", raw.display.is_some()),
        (".api-version", raw.api_version.is_some()),
        (".client-id", raw.client_id.is_some()),
        (".client-secret", raw.client_secret.is_some()),
        (".username", raw.username.is_some()),
        (".private-key", raw.private_key.is_some()),
        (".audience", raw.audience.is_some()),
        (".task-key-field", raw.task_key_field.is_some()),
        (".auth", raw.auth.is_some()),
        (".probe", raw.probe.is_some()),
        (".requests", raw.requests.is_some()),
    ];
    for (key, is_left) in keys {
        if is_left {
            problems.error(at(key), "not for a CRM of this kind");
        }
    }
}

/// Where the API lives; `known` is the documented address.
fn base_url(
    typed: Option<Text<BaseUrl>>,
    known: &'static str,
    at: &dyn Fn(&str) -> String,
    problems: &mut Problems,
) -> BaseUrl {
    let base_url = Text::or(typed, BaseUrl::known(known));
    base_url.check(at(".base-url"), "leads and the token", problems);
    base_url
}

/// What is written beside each class. A CRM that is described by requests says it there.
fn also(
    typed: HashMap<Label, BTreeMap<String, String>>,
    kind: raw::CrmKind,
    path: &str,
    problems: &mut Problems,
) -> HashMap<Label, BTreeMap<String, String>> {
    if kind == raw::CrmKind::Http && !typed.is_empty() {
        problems.error(path, "not for a CRM of this kind: write it into requests.update.body");
    }
    typed
}

/// The value of each class: the one typed, or the label itself.
fn values(typed: HashMap<Label, String>, path: &str, problems: &mut Problems) -> HashMap<Label, String> {
    for (label, _) in typed.iter().filter(|(_, value)| value.trim().is_empty()) {
        problems.error(format!("{path}.{label}"), "empty: that would clear the property");
    }
    Label::ALL.into_iter().map(|label| (label, label.name().to_owned())).chain(typed).collect()
}
