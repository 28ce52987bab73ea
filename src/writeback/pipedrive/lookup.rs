//! Finds a note or an activity whose outcome is unknown, by its marker. Called by the writer; writes nothing.
//!
//! A person's own list is no index: its newest hundred hold what was made in the last minutes, words included, so one request
//! tells. The outbox looks ten seconds after the attempt at the earliest, when a slow POST has ended too.

use serde_json::Value;

use crate::model::{Done, Failure, Fault, Outcome, Report, Work};
use crate::wire::Call;
use crate::writeback::{note, text_of, within};

use super::{Kind, Pipedrive, answer, number};

impl Pipedrive {
    /// Whether what `work` was to make on this person is in Pipedrive.
    pub(super) async fn look_up(&self, kind: Kind, person: &str, work: &Work) -> Result<Report, Failure> {
        let person = number(person, "the person's id")?;
        let call = Call::get(self.url(&format!("{}?person_id={person}&{}", kind.path, kind.newest)));
        let (got, trace) = self.exchange(call, within(work)).await;
        let outcome = match answer::data(got, true) {
            Ok(list) => found(&list, kind, &work.job.key()),
            // A list that will always be refused can't tell anything.
            Err(failure) if failure.fault == Fault::Permanent => Outcome::Unsure,
            Err(failure) => Outcome::Failed(failure),
        };
        Ok(Report::traced(outcome, trace))
    }
}

/// What a list says; an empty one is null in version 1.
fn found(list: &Value, kind: Kind, key: &str) -> Outcome {
    let none = Vec::new();
    let list = match list {
        Value::Array(list) => list,
        Value::Null => &none,
        _ => return Outcome::Unsure,
    };
    let is_ours =
        |one: &&Value| one.get(kind.body).and_then(Value::as_str).is_some_and(|text| note::carries(text, key));
    match list.iter().find(is_ours) {
        Some(ours) => Outcome::Done(Done::Crm { id: ours.get("id").and_then(text_of) }),
        None => Outcome::Absent,
    }
}
