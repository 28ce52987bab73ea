//! The contacts that were made, or converted, in a window: a page of HubSpot's search.
//!
//! Called by the writer. Pages go by id, not by the search's own cursor: that one ends after 10,000 results, and moves when
//! a contact is made meanwhile. The index lags by seconds, so a window should have ended a while ago. A page whose order
//! can't be trusted is refused: whoever goes on after its last id would miss what stands before. Which account it is (the
//! `portalId` of webhooks) no contact tells.
//! Source: <https://developers.hubspot.com/docs/api/crm/search>.

use serde_json::{Value, json};

use crate::model::{CrmRead, CrmRecord, Failure, Fault, FoundRecord, Page, Reconcile, Report, Timestamp, Work};
use crate::wire::{Answer, Call};
use crate::writeback::{MOST_OF_A_PAGE, of_page, too_long, within};

use super::{HubSpot, answer, contact, text_of};

/// Records of one page.
const LIMIT: usize = 100;
/// Ids start above it.
const BEFORE_ALL: &str = "0";
/// When a contact was made.
const CREATED: &str = "createdate";
/// When it last sent a form.
const CONVERTED: &str = "recent_conversion_date";

impl HubSpot {
    /// One page of the contacts of a window.
    pub(super) async fn page(&self, window: &Reconcile, work: &Work) -> Report {
        let after = window.after.as_deref().unwrap_or(BEFORE_ALL);
        let call = Call::post(self.url("/objects/contacts/search")).json(&self.question(window, after)).repeatable();
        let call = call.up_to(MOST_OF_A_PAGE);
        let (got, trace) = self.exchange(call, within(work)).await;
        let page = match got {
            Ok(answer) if answer.is_success() && answer.truncated => Err(too_long("HubSpot")),
            Ok(answer) if answer.is_success() => match found(&answer, after) {
                Some(found) => self.judged(&found, window, work),
                None => Err(answer::not_hubspot(&answer, Fault::Transient)),
            },
            Ok(answer) => Err(self.refused(&answer, true)),
            Err(error) => Err(error.failure("HubSpot")),
        };
        of_page(page, trace)
    }

    /// The groups of filters are alternatives; all filters of one must hold.
    fn question(&self, window: &Reconcile, after: &str) -> Value {
        let filter = |name: &str, operator: &str, value: &str| json!({ "propertyName": name, "operator": operator, "value": value });
        let (from, until) = (window.from.as_millis().to_string(), window.until.as_millis().to_string());
        let happened = |name: &str| {
            json!({ "filters": [
                filter(name, "GTE", &from),
                filter(name, "LT", &until),
                filter("hs_object_id", "GT", after),
            ]})
        };
        let properties =
            contact::PROPERTIES.asked(&self.settings.message_property).into_iter().chain([CREATED, CONVERTED]);
        json!({
            "filterGroups": [happened(CREATED), happened(CONVERTED)],
            "properties": properties.collect::<Vec<_>>(),
            "sorts": [{ "propertyName": "hs_object_id", "direction": "ASCENDING" }],
            "limit": LIMIT,
            "after": "0",
        })
    }

    /// The contacts as the leads they would be.
    fn judged(&self, found: &Found, window: &Reconcile, work: &Work) -> Result<Page, Failure> {
        let of = |(id, shown): &(String, Value)| {
            let record = CrmRecord { channel: work.job.channel.clone(), id: id.clone() };
            let read = CrmRead { record, account: None, again: true, expects_message: false };
            let contact = contact::contact(shown, &self.settings.message_property).unwrap_or_default();
            let lead = self.settings.as_lead.of(&read, contact, work)?;
            Ok(FoundRecord { lead, made_at: made_at(shown, window), shown: shown.to_string() })
        };
        let records = found.contacts.iter().map(of).collect::<Result<_, Failure>>()?;
        let last = found.contacts.last().map(|(id, _)| id.clone());
        Ok(Page { records, after: last.filter(|_| found.goes_on), total: found.total })
    }
}

/// What a page of the search holds.
struct Found {
    /// The contacts, each with its id, in the order of these.
    contacts: Vec<(String, Value)>,
    total: Option<u64>,
    goes_on: bool,
}

/// A page, if the answer is one, and in the order that was asked for.
fn found(answer: &Answer, after: &str) -> Option<Found> {
    let body = answer.json()?;
    let results = body.get("results")?.as_array()?;
    let contact = |contact: &Value| Some((text_of(contact.get("id")?)?, contact.clone()));
    let contacts: Vec<_> = results.iter().map(contact).collect::<Option<_>>()?;
    let ids = || contacts.iter().map(|(id, _)| order(id));
    let ascends = [order(after)].into_iter().chain(ids()).zip(ids()).all(|(earlier, later)| earlier < later);
    let goes_on = contacts.len() >= LIMIT || body.pointer("/paging/next/after").is_some();
    ascends.then(|| Found { total: body.get("total").and_then(Value::as_u64), goes_on, contacts })
}

/// Ids are numbers of any length: the longer is the higher.
const fn order(id: &str) -> (usize, &str) {
    (id.len(), id)
}

/// When somebody wrote: the newest of its times that lies in the window.
fn made_at(contact: &Value, window: &Reconcile) -> Timestamp {
    let times = ["/properties/createdate", "/properties/recent_conversion_date", "/createdAt"];
    let times = times.into_iter().filter_map(|at| time_of(contact.pointer(at)?));
    times.filter(|at| (window.from..window.until).contains(at)).max().unwrap_or(window.from)
}

/// A time as HubSpot writes it: ISO 8601, or milliseconds since 1970.
fn time_of(value: &Value) -> Option<Timestamp> {
    let text = text_of(value)?;
    text.parse().ok().or_else(|| text.parse().ok().map(Timestamp::from_millis))
}
