//! Reads persons: one, or those that were made in a window.
//!
//! Called by the writer. Persons can't be asked for by when they were made, but by when they were changed last, which is never
//! earlier: those that were made before the window are left out here. They come by id, and the cursor is Pipedrive's own.
//! Times are asked for in whole seconds; with a fraction they are refused. There is no time of a conversion.
//! Source: <https://developers.pipedrive.com/docs/api/v1/Persons>.

use serde_json::Value;

use crate::model::{
    Contact, CrmRead, CrmRecord, Done, Failure, Fault, FoundRecord, Outcome, Page, Reconcile, Report, Timestamp, Work,
};
use crate::wire::{Answer, Call};
use crate::writeback::{MOST_OF_A_PAGE, excerpt, of_page, segment, text_of, too_long, within};

use super::{PERSONS, Pipedrive, answer, number};

/// Records of one page.
const LIMIT: usize = 100;

impl Pipedrive {
    /// What the record holds, as a lead.
    pub(super) async fn read_person(&self, read: &CrmRead, work: &Work) -> Result<Report, Failure> {
        let id = number(&read.record.id, "the person's id")?;
        let only = self.settings.message_property.as_ref().map(|key| format!("?custom_fields={key}"));
        let call = Call::get(self.url(&format!("{PERSONS}/{id}{}", only.unwrap_or_default())));
        let (got, trace) = self.exchange(call, within(work)).await;
        let outcome = answer::data(got, true).and_then(|person| {
            let new = self.settings.as_lead.of(read, self.contact(&person), work)?;
            Ok(Outcome::Done(Done::Read(Box::new(new))))
        });
        Ok(Report::traced(outcome.unwrap_or_else(Outcome::Failed), trace))
    }

    /// One page of the persons of a window.
    pub(super) async fn page(&self, window: &Reconcile, work: &Work) -> Report {
        let key =
            self.settings.message_property.as_ref().map(|key| format!("&custom_fields={key}")).unwrap_or_default();
        let cursor = window.after.as_ref().map(|cursor| format!("&cursor={}", segment(cursor))).unwrap_or_default();
        let since = segment(&in_seconds(window.from));
        let query = format!("updated_since={since}&sort_by=id&sort_direction=asc&limit={LIMIT}{key}{cursor}");
        let call = Call::get(self.url(&format!("{PERSONS}?{query}"))).up_to(MOST_OF_A_PAGE);
        let (got, trace) = self.exchange(call, within(work)).await;
        if got.as_ref().is_ok_and(|answer| answer.truncated) {
            return of_page(Err(too_long("Pipedrive")), trace);
        }
        let after = got.as_ref().ok().and_then(next_cursor);
        let page = answer::data(got, true).and_then(|persons| {
            let records = self.found(&persons, window, work)?;
            Ok(Page { records, after, total: None })
        });
        of_page(page, trace)
    }

    fn found(&self, persons: &Value, window: &Reconcile, work: &Work) -> Result<Vec<FoundRecord>, Failure> {
        let not_a_list = || Failure::new(Fault::Transient, "Pipedrive's list of persons is no list");
        let persons = persons.as_array().ok_or_else(not_a_list)?;
        let odd = |person: &Value| {
            let reason = format!("Pipedrive gave a person without id or time: {}", excerpt(&person.to_string()));
            Failure::new(Fault::Permanent, reason)
        };
        let dated = |person: &Value| -> Option<(String, Timestamp)> {
            Some((text_of(person.get("id")?)?, person.get("add_time")?.as_str()?.parse().ok()?))
        };
        let mut made = Vec::new();
        for person in persons {
            let (id, made_at) = dated(person).ok_or_else(|| odd(person))?;
            if (window.from..window.until).contains(&made_at) {
                made.push((id, made_at, person));
            }
        }
        let of = |(id, made_at, person): (String, Timestamp, &Value)| {
            let record = CrmRecord { channel: work.job.channel.clone(), id };
            let read = CrmRead { record, account: None, again: true, expects_message: false };
            let lead = self.settings.as_lead.of(&read, self.contact(person), work)?;
            Ok(FoundRecord { lead, made_at, shown: person.to_string() })
        };
        made.into_iter().map(of).collect()
    }

    fn contact(&self, person: &Value) -> Contact {
        let text = |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let message = self.settings.message_property.as_ref();
        Contact {
            message: message.and_then(|key| text(person.get("custom_fields")?.get(key)?)),
            name: person.get("name").and_then(text),
            email: person.get("emails").and_then(primary),
            phone: person.get("phones").and_then(primary),
        }
    }
}

/// The primary one of a list of addresses or numbers, else the first.
fn primary(list: &Value) -> Option<String> {
    let list = list.as_array()?;
    let value = |one: &Value| one.get("value")?.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
    let is_primary = |one: &&Value| one.get("primary").and_then(Value::as_bool) == Some(true);
    list.iter().find(is_primary).and_then(value).or_else(|| list.iter().find_map(value))
}

fn next_cursor(answer: &Answer) -> Option<String> {
    answer.json()?.pointer("/additional_data/next_cursor").and_then(text_of)
}

/// RFC 3339 without a fraction.
fn in_seconds(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_second(at.as_millis().div_euclid(1_000)).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
