//! Reads a contact: a webhook of HubSpot's app subscriptions tells only that there is one.
//!
//! Called by the writer. Without `properties` in the query HubSpot leaves the message out, so each field is asked for by
//! its name. A contact that was merged answers with the one it became; one that was deleted is gone for good.
//! Source: <https://developers.hubspot.com/docs/api/crm/contacts>.

use serde_json::Value;

use crate::model::{Contact, CrmRead, Done, Failure, Fault, NewLead, Outcome, Report, Work};
use crate::wire::{Answer, Call};

use super::{HubSpot, answer, merged};
use crate::writeback::fields::LeadFields;
use crate::writeback::within;

/// The properties that make a lead.
pub(super) const PROPERTIES: LeadFields =
    LeadFields { names: ["firstname", "lastname"], email: "email", phones: ["phone", "mobilephone"] };

impl HubSpot {
    /// What the record holds, as a lead.
    pub(super) async fn read_contact(&self, read: &CrmRead, work: &Work) -> Report {
        let message = self.settings.message_property.as_str();
        let url = format!("{}?properties={}", self.contact_url(&read.record.id), PROPERTIES.asked(message).join(","));
        let (got, trace) = self.exchange(Call::get(url), within(work)).await;
        let outcome = match got {
            Ok(answer) if answer.is_success() => match read_from(&answer, message) {
                Some(contact) => self.settings.as_lead.of(read, contact, work).map_or_else(Outcome::Failed, is_read),
                None => Outcome::Failed(answer::not_hubspot(&answer, Fault::Transient)),
            },
            Ok(answer) if merged::is_gone(&answer) => {
                let failure = Failure::new(Fault::Permanent, "HubSpot has no such contact: it was deleted");
                Outcome::Failed(failure.cure("nothing, if it was meant to go; else restore it in HubSpot and retry"))
            }
            Ok(answer) => Outcome::Failed(self.refused(&answer, true)),
            Err(error) => Outcome::Failed(error.failure("HubSpot")),
        };
        Report::traced(outcome, trace)
    }
}

fn is_read(new: NewLead) -> Outcome {
    Outcome::Done(Done::Read(Box::new(new)))
}

/// The contact in an answer, if the answer is one.
fn read_from(answer: &Answer, message: &str) -> Option<Contact> {
    contact(&answer.json().filter(|_| !answer.truncated)?, message)
}

/// The contact that an object is, if it is one.
pub(super) fn contact(object: &Value, message: &str) -> Option<Contact> {
    object.get("properties").filter(|it| it.is_object()).map(|properties| PROPERTIES.contact(properties, message))
}
