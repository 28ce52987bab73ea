//! Who may post leads: the shape of their payloads, and where in it things are.
//!
//! How they prove who they are is `auth`'s. RFC 6901 for the pointers.

use super::read::did_you_mean;
use super::typed::{NAME_WHAT, is_name, trimmed};
use super::{Auth, Problems, raw};
use crate::model::{Channel, Lane};

/// What a source may be.
const KINDS: &str = "\"json\", \"form\", \"hubspot-workflow\", \"hubspot-app\", \"hubspot-form\", \"salesforce-outbound\", \"salesforce-json\" or \"pipedrive\"";
/// Ten a second for a minute on end: more than a campaign brings, less than a box that texts people can use.
const MAX_PER_MINUTE: u32 = 600;
/// Above what CRMs open (HubSpot: 10).
const MAX_IN_FLIGHT: u16 = 32;

/// One sender of leads.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The shape of its payloads.
    pub shape: Shape,
    /// How it proves who it is.
    pub auth: Auth,
    /// The CRM its leads live in.
    pub crm: Option<Channel>,
    /// The CRM account, told apart when a duplicate is looked for.
    pub account: Option<String>,
    /// Requests that are taken in a minute.
    pub max_per_minute: u32,
    /// Requests that are stored at the same time.
    pub max_in_flight: u16,
}

/// What a payload looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Any JSON; the fields are found by pointers, or by their usual names.
    Json(Fields),
    /// A form, as browsers and form services send it.
    Form(Fields),
    /// HubSpot's workflow action "send a webhook".
    HubspotWorkflow,
    /// HubSpot's app webhooks: events that point to contacts.
    HubspotApp,
    /// A submission of a HubSpot form.
    HubspotForm(Fields),
    /// Salesforce's outbound messages.
    SalesforceOutbound(Fields),
    /// JSON that a Salesforce admin designed.
    SalesforceJson(Fields),
    /// Pipedrive's webhooks, version 2.
    Pipedrive(Fields),
}

/// JSON pointers (RFC 6901) for each field, tried in order. A field without any is found by its usual names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    /// The message.
    pub message: Vec<String>,
    /// E-mail address.
    pub email: Vec<String>,
    /// Telephone number.
    pub phone: Vec<String>,
    /// Whole name.
    pub name: Vec<String>,
    /// First name, where there is no whole one.
    pub first_name: Vec<String>,
    /// Last name, where there is no whole one.
    pub last_name: Vec<String>,
    /// The record's id in the CRM.
    pub record_id: Vec<String>,
    /// The sender's id of the event.
    pub event_id: Vec<String>,
}

/// What the checks of a source need to know of the rest of the file.
pub(super) struct Around<'r> {
    pub(super) has_public_url: bool,
    /// Whether the listener asks for client certificates.
    pub(super) has_client_ca: bool,
    pub(super) crms: Vec<&'r str>,
}

impl Source {
    pub(super) fn of(name: &str, raw: raw::Source, around: &Around<'_>, problems: &mut Problems) -> Option<Self> {
        let at = |key: &str| format!("sources.{name}{key}");
        if !is_name(name) {
            problems.error(at(""), NAME_WHAT);
        }
        let kind = problems.required(raw.kind, at(".kind"), KINDS);
        let shape = kind.map(|kind| Shape::of(kind, raw.fields, &at(".fields"), problems));
        let auth = problems.required(
            raw.auth,
            at(".auth"),
            "how the sender proves who it is, such as { scheme = \"bearer\", secret = … }; \"none\" lets anybody in",
        );
        let auth = auth.and_then(|auth| Auth::of(auth, &at(".auth"), around, problems));
        let crm = trimmed(raw.crm);
        if let Some(crm) = crm.as_deref().filter(|crm| !around.crms.contains(crm)) {
            let meant = did_you_mean(crm, &around.crms);
            problems.error(at(".crm"), format!("there is no [crm.{crm}]{meant}"));
        }
        if crm.is_none() && shape == Some(Shape::HubspotApp) {
            problems.error(at(".crm"), "missing: events only point to contacts, which are read from a CRM");
        } else if crm.is_none() && !around.crms.is_empty() {
            problems.warn(at(".crm"), "not set: nothing is written back for leads from here");
        }
        let crm = crm.map(|crm| Channel::new(Lane::Crm, &crm));
        let max_per_minute = raw.max_per_minute.unwrap_or(MAX_PER_MINUTE);
        let max_in_flight = raw.max_in_flight.unwrap_or(MAX_IN_FLIGHT);
        for (key, none) in [(".max-per-minute", max_per_minute == 0), (".max-in-flight", max_in_flight == 0)] {
            if none {
                problems.error(at(key), "at least 1");
            }
        }
        let account = trimmed(raw.account);
        Some(Self { shape: shape?, auth: auth?, crm, account, max_per_minute, max_in_flight })
    }
}

impl Shape {
    /// The word in the configuration.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Json(_) => "json",
            Self::Form(_) => "form",
            Self::HubspotWorkflow => "hubspot-workflow",
            Self::HubspotApp => "hubspot-app",
            Self::HubspotForm(_) => "hubspot-form",
            Self::SalesforceOutbound(_) => "salesforce-outbound",
            Self::SalesforceJson(_) => "salesforce-json",
            Self::Pipedrive(_) => "pipedrive",
        }
    }

    fn of(kind: raw::SourceKind, fields: Option<raw::Fields>, path: &str, problems: &mut Problems) -> Self {
        let is_known = matches!(kind, raw::SourceKind::HubspotWorkflow | raw::SourceKind::HubspotApp);
        if is_known && fields.is_some() {
            problems.error(path, "not for this kind: where HubSpot puts its fields is known");
        }
        let fields = fields.map_or_else(Fields::default, |fields| Fields::of(fields, path, problems));
        match kind {
            raw::SourceKind::Json => Self::Json(fields),
            raw::SourceKind::Form => Self::Form(fields),
            raw::SourceKind::HubspotWorkflow => Self::HubspotWorkflow,
            raw::SourceKind::HubspotApp => Self::HubspotApp,
            raw::SourceKind::HubspotForm => Self::HubspotForm(fields),
            raw::SourceKind::SalesforceOutbound => Self::SalesforceOutbound(fields),
            raw::SourceKind::SalesforceJson => Self::SalesforceJson(fields),
            raw::SourceKind::Pipedrive => Self::Pipedrive(fields),
        }
    }
}

impl Fields {
    fn of(raw: raw::Fields, path: &str, problems: &mut Problems) -> Self {
        let mut pointers = |key: &str, typed: Option<raw::Pointers>| {
            let pointers = typed.map_or_else(Vec::new, |pointers| pointers.0);
            if !pointers.iter().all(|pointer| is_pointer(pointer)) {
                let words = "a JSON pointer starts with / (~ is written ~0, / in a key ~1), such as \"/lead/message\"";
                problems.error(format!("{path}.{key}"), words);
            }
            pointers
        };
        Self {
            message: pointers("message", raw.message),
            email: pointers("email", raw.email),
            phone: pointers("phone", raw.phone),
            name: pointers("name", raw.name),
            first_name: pointers("first-name", raw.first_name),
            last_name: pointers("last-name", raw.last_name),
            record_id: pointers("record-id", raw.record_id),
            event_id: pointers("event-id", raw.event_id),
        }
    }
}

fn is_pointer(text: &str) -> bool {
    text.starts_with('/') && text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']))
}
