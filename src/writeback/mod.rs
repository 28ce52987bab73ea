//! Writing what was done into the CRM: class and priority at once, the note when everything else ended.
//!
//! One file per vendor; each is an [`Effect`] that the outbox calls, and a [`Crm`] that `nightdesk check` asks. Nobody
//! else knows a vendor's name. Common to the vendors are the words (`note`) and how a record's fields are read (`fields`).
//! Nothing here decides what is written or when (that is `route`), and nothing retries (that is `outbox`).

pub mod fields;
pub mod http;
pub mod hubspot;
pub mod note;
pub mod pipedrive;
pub mod salesforce;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::model::{
    Contact, CrmRead, Done, Effect, Failure, Fault, NewLead, Outcome, Page, Quota, Report, Timestamp, Trace, Work,
};
use crate::wire::{Answer, Wire, excerpt, segment, text_of};

/// A vendor.
pub trait Crm: Effect {
    /// What is wrong between us and the account, or nothing. Changes nothing there.
    fn verify(&self) -> Checked<'_>;

    /// Makes the fields that we write; what exists is left as it is. What failed, or nothing.
    fn create_fields(&self) -> Checked<'_>;
}

/// What `nightdesk check` is told.
pub type Checked<'a> = Pin<Box<dyn Future<Output = Vec<Failure>> + Send + 'a>>;

type Judge = dyn Fn(&CrmRead, Contact, &Work) -> Result<NewLead, Failure> + Send + Sync;

/// What a contact is as a lead. `app` gives it: what an address or a number is, is `sanitize`'s to say, and what tells a
/// duplicate is `intake`'s.
#[derive(Clone)]
pub struct AsLead(Arc<Judge>);

impl AsLead {
    /// Judged by this.
    pub fn new(judge: impl Fn(&CrmRead, Contact, &Work) -> Result<NewLead, Failure> + Send + Sync + 'static) -> Self {
        Self(Arc::new(judge))
    }

    /// The lead that a contact is.
    fn of(&self, read: &CrmRead, contact: Contact, work: &Work) -> Result<NewLead, Failure> {
        (self.0)(read, contact, work)
    }
}

impl fmt::Debug for AsLead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AsLead")
    }
}

/// What `act` reports, with what it used of the peer's limits; `limits` reads them from an answer.
async fn counted<F: Future<Output = Report>>(
    wire: &Wire,
    limits: fn(&Answer) -> Quota,
    act: impl FnOnce(Wire) -> F,
) -> Report {
    let (wire, meter) = wire.metered(limits);
    let report = act(wire).await;
    Report { quota: meter.quota(), ..report }
}

/// What is left of the attempt.
fn within(work: &Work) -> Duration {
    work.hard_deadline.since(Timestamp::now())
}

/// A page of records may hold a hundred messages of the longest kind.
const MOST_OF_A_PAGE: usize = 16 * 1024 * 1024;

/// The report of a page. Its records are kept with the leads they make, not with the exchange: some of them are of people
/// who are none of our business, or were erased.
fn of_page(page: Result<Page, Failure>, trace: Trace) -> Report {
    match page {
        Ok(page) => {
            let response = Some(format!("{} records", page.records.len()));
            Report::traced(Outcome::Done(Done::Found(Box::new(page))), Trace { response, ..trace })
        }
        Err(failure) => Report::traced(Outcome::Failed(failure), trace),
    }
}

/// The failure behind a page that was not read to its end: it will be as long the next time.
fn too_long(peer: &str) -> Failure {
    let mib = MOST_OF_A_PAGE.div_euclid(1024 * 1024);
    let reason = format!("{peer}: a page of records is longer than {mib} MiB");
    Failure::new(Fault::Permanent, reason).cure("look for a record whose message is far too long, and shorten it")
}

/// When midnight can't be told, a daily limit is tried again so often.
const ONE_HOUR: Duration = Duration::from_hours(1);

/// The next midnight in a zone: there a day's limit ends. No answer tells which zone that is.
fn midnight(now: Timestamp, zone: &TimeZone) -> Timestamp {
    let next = jiff::Timestamp::from_millisecond(now.as_millis())
        .ok()
        .and_then(|now| now.to_zoned(zone.clone()).tomorrow().ok()?.start_of_day().ok());
    next.map_or_else(|| now.after(ONE_HOUR), |at| Timestamp::from_millis(at.timestamp().as_millisecond()))
}
