//! From a configured CRM account to the writer of its vendor.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::{self, Config, SecretError, Secrets, Vendor};
use crate::intake;
use crate::model::{Failure, Fault};
use crate::wire::Wire;
use crate::writeback::hubspot::{self, HubSpot};
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
