//! Which addresses get no mail, as the operator says.
//!
//! Called by the operator of a running desk and by that of one that doesn't run, inside their transaction. The desk hashes
//! the address itself: whoever may operate it need not be able to read its key.

use std::sync::Arc;

use crate::control::{Address, Response};
use crate::model::{AddressHash, Addresses, Suppressed, Timestamp};
use crate::store::{StoreError, Tx};

/// Who knows addresses again; nobody, where no mail is configured.
pub(super) struct Mail(pub(super) Option<Arc<dyn Addresses>>);

impl Mail {
    pub(super) fn suppress(&self, tx: Tx<'_>, address: &Address, now: Timestamp) -> Result<Response, StoreError> {
        let Some(hash) = self.hash(address) else { return Ok(unknown()) };
        let is_news = tx.suppress(hash, Suppressed::Operator, now)?;
        tracing::info!(address_hash = %hash, is_news, "no more mail goes to an address: the operator says so");
        Ok(done(is_news))
    }

    pub(super) fn unsuppress(&self, tx: Tx<'_>, address: &Address) -> Result<Response, StoreError> {
        let Some(hash) = self.hash(address) else { return Ok(unknown()) };
        let before = tx.suppressed(hash)?;
        let is_news = tx.unsuppress(hash)?;
        tracing::warn!(address_hash = %hash, ?before, "mail may go to an address again: the operator says so");
        Ok(done(is_news))
    }

    pub(super) fn suppression(&self, tx: Tx<'_>, address: &Address) -> Result<Response, StoreError> {
        let Some(hash) = self.hash(address) else { return Ok(unknown()) };
        let found = tx.suppression(hash)?;
        Ok(Response::Suppression { why: found.map(|found| (found.reason, found.since)) })
    }

    fn hash(&self, address: &Address) -> Option<AddressHash> {
        self.0.as_ref().map(|addresses| addresses.hash(address.as_str()))
    }
}

fn unknown() -> Response {
    Response::Refused { reason: "there is no [mail] in the configuration the desk runs with".to_owned() }
}

fn done(is_news: bool) -> Response {
    Response::Done { count: u32::from(is_news), failures: Vec::new() }
}
