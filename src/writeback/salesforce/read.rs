//! Reads a record: a webhook may tell only that there is one.
//!
//! Called by the writer, and for each record of a window by `reconcile`. Leads and contacts name what we read alike. Source:
//! <https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_lead.htm>.

use serde_json::Value;

use crate::model::{Contact, CrmRead, Done, Failure, Fault, Outcome, Report, Work};
use crate::wire::Call;
use crate::writeback::within;

use super::{Object, Salesforce, answer};

/// The fields besides the message. The first number that is there is taken.
const NAMES: [&str; 2] = ["FirstName", "LastName"];
const PHONES: [&str; 2] = ["Phone", "MobilePhone"];
const EMAIL: &str = "Email";

/// What is asked for of a record.
pub(super) fn fields(message: &str) -> Vec<&str> {
    NAMES.iter().chain(&PHONES).copied().chain([EMAIL, message]).collect()
}

/// What a record says of who wrote.
pub(super) fn contact(record: &Value, message: &str) -> Contact {
    let text = |name: &str| {
        let text = record.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    let name: Vec<String> = NAMES.iter().filter_map(|name| text(name)).collect();
    Contact {
        message: text(message),
        name: (!name.is_empty()).then(|| name.join(" ")),
        email: text(EMAIL),
        phone: PHONES.iter().find_map(|name| text(name)),
    }
}

impl Salesforce {
    /// What the record holds, as a lead.
    pub(super) async fn read_record(&self, read: &CrmRead, work: &Work) -> Report {
        let (id, message) = (&read.record.id, self.settings.message_property.as_str());
        let path = self.record_path(Object::of(id), id);
        let (got, trace) =
            self.exchange(Call::get(format!("{path}?fields={}", fields(message).join(","))), within(work)).await;
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
            self.settings.as_lead.of(read, contact(&record, message), work)
        });
        let outcome = new.map_or_else(Outcome::Failed, |new| Outcome::Done(Done::Read(Box::new(new))));
        Report::traced(outcome, trace)
    }
}
