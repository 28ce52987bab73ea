//! A lead that was converted: it can't be written to any more, but the contact that it became can.
//!
//! Called by the writer once Salesforce has said so. The contact's id is asked for and used in one composite request, which
//! is one call of the org's day. Its status says nothing of its parts: each has one of its own, and when one fails, all are
//! rolled back. Source: <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite.htm>.

use serde_json::{Value, json};

use crate::model::{Failure, Fault, Trace, Work};
use crate::wire::{Answer, Call};

use super::{Object, Salesforce, answer};
use crate::writeback::{excerpt, within};

/// How a later part names what the first one found.
pub(super) const CONTACT_ID: &str = "@{lead.ConvertedContactId}";
/// What parts say that failed only because another did.
const HALTED: &str = "PROCESSING_HALTED";

/// What is to be written in place of the lead's own.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) method: &'static str,
    /// Below `/services/data/VERSION/`.
    pub(super) path: String,
    pub(super) body: Value,
}

/// The path of the contact.
pub(super) fn contact() -> String {
    format!("sobjects/{}/{CONTACT_ID}", Object::Contact.name())
}

impl Salesforce {
    /// Writes to the contact that `lead` became: the body of that part's answer.
    pub(super) async fn to_contact_of(
        &self,
        lead: &str,
        write: Write,
        repeatable: bool,
        work: &Work,
    ) -> (Result<Value, Failure>, Trace) {
        let find = format!("{}?fields=ConvertedContactId", self.record_path(Object::Lead, lead));
        let parts = json!([
            { "method": "GET", "url": find, "referenceId": "lead" },
            { "method": write.method, "url": self.path(&write.path), "referenceId": "written", "body": write.body },
        ]);
        let call = Call::post(self.path("composite")).json(&json!({ "allOrNone": true, "compositeRequest": parts }));
        let call = if repeatable { call.repeatable() } else { call };
        let (got, trace) = self.exchange(call, within(work)).await;
        let got = got.and_then(|answer| {
            if !answer.is_success() {
                return Err(self.refused(&answer, repeatable));
            }
            let fault = if repeatable { Fault::Transient } else { Fault::Unknown };
            let [found, written] = parts_of(&answer).ok_or_else(|| answer::not_salesforce(&answer, fault))?;
            match [&found, &written].into_iter().find(|part| !part.is_success() && !answer::has(part, HALTED)) {
                // Nothing is left of any part, so each may be tried again.
                Some(failed) => Err(self.refused(failed, true)),
                None if found.is_success() && written.is_success() => Ok(written.json().unwrap_or_default()),
                None => Err(without_contact(&written)),
            }
        });
        (got, trace)
    }
}

/// The answers to both parts, each as if it had been asked alone.
fn parts_of(answer: &Answer) -> Option<[Answer; 2]> {
    let body = answer.json().filter(|_| !answer.truncated)?;
    let list = body.get("compositeResponse")?.as_array()?;
    let part = |reference: &str| {
        let part = list.iter().find(|part| part.get("referenceId").and_then(Value::as_str) == Some(reference))?;
        let status = u16::try_from(part.get("httpStatusCode")?.as_u64()?).ok()?;
        let body = part.get("body").filter(|body| !body.is_null()).map(Value::to_string).unwrap_or_default();
        Some(Answer { status, body, headers: Vec::new(), truncated: false, latency: answer.latency })
    };
    Some([part("lead")?, part("written")?])
}

/// The lead was found, but what it became was not.
fn without_contact(written: &Answer) -> Failure {
    let reason = format!("Salesforce: the lead was converted, but has no contact: {}", excerpt(&written.body));
    Failure::new(Fault::Permanent, reason).cure("look for the lead in Salesforce: its contact may be deleted")
}
