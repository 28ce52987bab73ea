//! From a configured CRM account to the writer of its vendor.

use std::collections::HashMap;
use std::sync::Arc;

use secrecy::ExposeSecret;

use crate::config::{self, Config, SecretError, Secrets, Vendor};
use crate::intake;
use crate::model::{Failure, Fault};
use crate::wire::{Method, Wire};
use crate::writeback::http::{self, Http};
use crate::writeback::hubspot::{self, HubSpot};
use crate::writeback::pipedrive::{self, Pipedrive};
use crate::writeback::salesforce::{self, Salesforce};
use crate::writeback::{AsLead, Crm};

/// The writer of an account.
pub(super) fn crm(
    config: &Config,
    crm: &config::Crm,
    secrets: &Secrets,
    wire: &Wire,
) -> Result<Arc<dyn Crm>, SecretError> {
    let as_lead = as_lead(super::sources(config, secrets)?);
    let zone = crm.time_zone.as_ref().unwrap_or(&config.business.time_zone).clone();
    Ok(match &crm.vendor {
        Vendor::Hubspot(hubspot) => {
            let settings = hubspot::Settings {
                base_url: hubspot.base_url.as_str().to_owned(),
                path: hubspot.path.clone(),
                token: secrets.get(&hubspot.token)?.clone(),
                classification_property: hubspot.classification_property.clone(),
                values: crm.values.clone(),
                also: crm.also.clone(),
                display: hubspot.display.clone(),
                priority_property: hubspot.priority_property.clone(),
                message_property: hubspot.message_property.clone(),
                as_lead,
                zone: config.business.time_zone.clone(),
                account_zone: zone,
                timeout: crm.timeout,
            };
            Arc::new(HubSpot::new(settings, wire.clone()))
        }
        Vendor::Salesforce(salesforce) => {
            let settings = salesforce::Settings {
                base_url: salesforce.base_url.as_str().to_owned(),
                api_version: salesforce.api_version.clone(),
                client_id: salesforce.client_id.clone(),
                sign_in: sign_in(&salesforce.sign_in, secrets)?,
                classification_property: salesforce.classification_property.clone(),
                values: crm.values.clone(),
                also: crm.also.clone(),
                priority_property: salesforce.priority_property.clone(),
                message_property: salesforce.message_property.clone(),
                task_key_field: salesforce.task_key_field.clone(),
                as_lead,
                zone: config.business.time_zone.clone(),
                account_zone: zone,
                timeout: crm.timeout,
            };
            Arc::new(Salesforce::new(settings, wire.clone()))
        }
        Vendor::Pipedrive(pipedrive) => {
            let settings = pipedrive::Settings {
                base_url: pipedrive.base_url.as_str().to_owned(),
                token: secrets.get(&pipedrive.token)?.clone(),
                classification_property: pipedrive.classification_property.clone(),
                values: crm.values.clone(),
                also: crm.also.clone(),
                priority_property: pipedrive.priority_property.clone(),
                message_property: pipedrive.message_property.clone(),
                as_lead,
                zone: config.business.time_zone.clone(),
                timeout: crm.timeout,
            };
            Arc::new(Pipedrive::new(settings, wire.clone()))
        }
        Vendor::Http(http) => {
            let auth = http.auth.as_ref().map(|auth| {
                let secret = secrets.get(&auth.secret)?.expose_secret();
                Ok((auth.header.clone(), format!("{}{secret}", auth.prefix).into()))
            });
            let settings = http::Settings {
                auth: auth.transpose()?,
                update: request(&http.update),
                note: http.note.as_ref().map(request),
                task: http.task.as_ref().map(request),
                probe: http.probe.clone(),
                values: crm.values.clone(),
                zone: config.business.time_zone.clone(),
                timeout: crm.timeout,
            };
            Arc::new(Http::new(settings, wire.clone()))
        }
    })
}

/// How a Salesforce app proves who it is. Of a key only the place is kept.
fn sign_in(sign_in: &config::SignIn, secrets: &Secrets) -> Result<salesforce::SignIn, SecretError> {
    Ok(match sign_in {
        config::SignIn::Secret(secret) => salesforce::SignIn::Secret(secrets.get(secret)?.clone()),
        config::SignIn::Jwt { username, private_key, audience } => salesforce::SignIn::Jwt {
            username: username.clone(),
            key: secrets.locate(private_key)?,
            audience: audience.as_str().to_owned(),
        },
    })
}

fn request(typed: &config::HttpRequest) -> http::Request {
    http::Request {
        method: match typed.method {
            config::HttpMethod::Post => Method::POST,
            config::HttpMethod::Put => Method::PUT,
            config::HttpMethod::Patch => Method::PATCH,
        },
        url: typed.url.clone(),
        headers: typed.headers.clone(),
        body: typed.body.clone(),
        status: typed.success.status.clone(),
        holds: typed.success.holds.clone(),
        id: typed.id.clone(),
        idempotency_header: typed.idempotency_header.clone(),
    }
}

/// The requests of the configuration whose templates fail on some lead: each with its place and what is wrong.
#[must_use]
pub fn broken_requests(config: &Config) -> Vec<(String, String)> {
    let described = config.crm.iter().filter_map(|(name, crm)| match &crm.vendor {
        Vendor::Http(http) => Some((name, http)),
        Vendor::Hubspot(_) | Vendor::Salesforce(_) | Vendor::Pipedrive(_) => None,
    });
    let requests = described.flat_map(|(name, http)| {
        let all = [("update", Some(&http.update)), ("note", http.note.as_ref()), ("task", http.task.as_ref())];
        all.map(|(key, typed)| (format!("crm.{name}.requests.{key}"), typed))
    });
    requests.filter_map(|(path, typed)| Some((path, request(typed?).check().err()?.to_string()))).collect()
}

/// A contact is judged as a webhook of the lead's source would be.
fn as_lead(sources: Vec<intake::Settings>) -> AsLead {
    let sources: HashMap<String, intake::Settings> =
        sources.into_iter().map(|source| (source.name.clone(), source)).collect();
    AsLead::new(move |read, contact, work| {
        let source = sources.get(&work.lead.source).ok_or_else(|| {
            let reason = format!("the source {} is not configured any more", work.lead.source);
            Failure::new(Fault::Permanent, reason).cure("configure it again, then `nightdesk dlq retry`")
        })?;
        Ok(intake::contact(source, read, contact))
    })
}
