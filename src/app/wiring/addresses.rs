//! From the configured key to what knows addresses again, and to the page on which their owners unsubscribe.

use std::sync::Arc;

use crate::config::{Config, SecretError, Secrets};
use crate::deliver::addresses::AddressKey;
use crate::intake::Unsubscribe;
use crate::model::Addresses;

/// What knows addresses again; nothing, where no key for them is configured. Links need an address that strangers can reach.
pub(in crate::app) fn addresses(config: &Config, secrets: &Secrets) -> Result<Option<Arc<dyn Addresses>>, SecretError> {
    let Some(key) = config.mail.as_ref().and_then(|mail| mail.key.as_ref()) else { return Ok(None) };
    let public_url = config.server.public_url.as_ref().filter(|url| url.is_public());
    let key = AddressKey::new(secrets.get(key)?, public_url.map(|url| url.as_str().to_owned()));
    Ok(Some(Arc::new(key)))
}

/// The page on which the owners of addresses unsubscribe.
pub(in crate::app) fn unsubscribe(config: &Config, addresses: Arc<dyn Addresses>) -> Unsubscribe {
    Unsubscribe { addresses, business: config.business.name.clone().unwrap_or_else(|| "us".to_owned()) }
}
