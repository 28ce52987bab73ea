//! Reads a record: a webhook may tell only that there is one.
//!
//! Called by the writer, and for each record of a window by `reconcile`. Leads and contacts name what we read alike. Source:
//! <https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_lead.htm>.

use crate::model::{CrmRead, Done, Failure, Fault, Outcome, Report, Work};
use crate::wire::Call;
use crate::writeback::fields::LeadFields;
use crate::writeback::within;

use super::{Object, Salesforce, answer};

/// The fields that make a lead.
pub(super) const FIELDS: LeadFields =
    LeadFields { names: ["FirstName", "LastName"], email: "Email", phones: ["Phone", "MobilePhone"] };

impl Salesforce {
    /// What the record holds, as a lead.
    pub(super) async fn read_record(&self, read: &CrmRead, work: &Work) -> Report {
        let (id, message) = (&read.record.id, self.settings.message_property.as_str());
        let path = self.record_path(Object::of(id), id);
        let (got, trace) =
            self.exchange(Call::get(format!("{path}?fields={}", FIELDS.asked(message).join(","))), within(work)).await;
        let new = got.and_then(|answer| {
            if answer::is_gone(&answer) {
                let failure = Failure::new(Fault::Permanent, "Salesforce has no such record: it was deleted");
                return Err(failure.cure("nothing, if it was meant to go; else restore it in Salesforce and retry"));
            }
            if !answer.is_success() {
                return Err(self.refused(&answer, true));
            }
            // A record says what it is; a proxy doesn't.
            let record = answer.json().filter(|record| !answer.truncated && record.get("attributes").is_some());
            let record = record.ok_or_else(|| answer::not_salesforce(&answer, Fault::Transient))?;
            self.settings.as_lead.of(read, FIELDS.contact(&record, message), work)
        });
        let outcome = new.map_or_else(Outcome::Failed, |new| Outcome::Done(Done::Read(Box::new(new))));
        Report::traced(outcome, trace)
    }
}
