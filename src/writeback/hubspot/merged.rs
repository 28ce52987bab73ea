//! What was meant for a contact that was merged into another goes to the one it became.
//!
//! Called by the writer when HubSpot has no contact of an id. Reading by the id of a merged contact gives the one it became,
//! writing by it fails. Where the read fails, too, the contact with the lead's address is taken, but only if it says itself
//! that the other was merged into it: nothing of a lead is ever written to a stranger. What there isn't was not written, so
//! writing to the other contact is the first time.
//! Source: <https://developers.hubspot.com/changelog/updated-merge-functionality-for-contacts-and-companies>.

use serde_json::Value;
use tracing::info;

use crate::model::{Failure, Fault, Trace, Work};
use crate::wire::{Answer, Call};
use crate::writeback::within;

use super::{HubSpot, answer, text_of};

/// Which contacts became this one: ids, separated by semicolons.
const MERGED: &str = "hs_merged_object_ids";

impl HubSpot {
    /// Sends what `call` makes for a contact; if that was merged, for the one it became. At most once to each.
    pub(super) async fn to_contact(
        &self,
        contact: &str,
        call: impl Fn(&str) -> Call + Send,
        work: &Work,
    ) -> (Result<Answer, Failure>, Trace) {
        let (got, trace) = self.exchange(call(contact), within(work)).await;
        let gone = match got {
            Ok(answer) if is_gone(&answer) => answer,
            got => return (got.map_err(|error| error.failure("HubSpot")), trace),
        };
        match self.survivor(contact, work).await {
            Ok(Some(survivor)) => {
                let (got, trace) = self.exchange(call(&survivor), within(work)).await;
                (got.map_err(|error| error.failure("HubSpot")), trace)
            }
            Ok(None) => (Ok(gone), trace),
            Err(failure) => (Err(failure), trace),
        }
    }

    /// The contact that `old` was merged into; `None` when it is simply gone.
    pub(super) async fn survivor(&self, old: &str, work: &Work) -> Result<Option<String>, Failure> {
        let by_id = format!("{}?properties={MERGED}", self.contact_url(old));
        let found = self.found(by_id, work).await?.and_then(|contact| text_of(contact.get("id")?));
        let survivor = match (found, &work.lead.email) {
            (Some(id), _) => Some(id).filter(|id| id != old),
            (None, Some(email)) => self.with_address(email, old, work).await?,
            (None, None) => None,
        };
        if let Some(survivor) = &survivor {
            info!(lead_id = %work.lead.id, merged = old, into = %survivor, "a contact was merged: writing to what it became");
        }
        Ok(survivor)
    }

    /// The contact with this address, if `old` became it.
    async fn with_address(&self, email: &str, old: &str, work: &Work) -> Result<Option<String>, Failure> {
        let by_email = format!("{}?idProperty=email&properties={MERGED}", self.contact_url(email));
        let Some(contact) = self.found(by_email, work).await? else { return Ok(None) };
        let merged = contact.pointer("/properties/hs_merged_object_ids").and_then(Value::as_str);
        let is_it = merged.unwrap_or_default().split(';').any(|id| id.trim() == old);
        Ok(contact.get("id").and_then(text_of).filter(|_| is_it))
    }

    /// One contact; `None` if there is none, or none that we can be told of.
    async fn found(&self, url: String, work: &Work) -> Result<Option<Value>, Failure> {
        match self.exchange(Call::get(url), within(work)).await.0 {
            Ok(answer) if answer.is_success() => match answer.json().filter(|_| !answer.truncated) {
                Some(contact) => Ok(Some(contact)),
                None => Err(answer::not_hubspot(&answer, Fault::Transient)),
            },
            Ok(answer) => match self.refused(&answer, true) {
                failure if failure.fault == Fault::Permanent => Ok(None),
                failure => Err(failure),
            },
            Err(error) => Err(error.failure("HubSpot")),
        }
    }
}

/// HubSpot itself says that it has no such object.
pub(super) fn is_gone(answer: &Answer) -> bool {
    answer.status == 404 && answer::is_hubspots(answer)
}
