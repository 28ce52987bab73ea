//! The leads that were made or converted in a window, a page at a time.
//!
//! Called by the writer. Pages go by id, so that one that is asked for again tomorrow is still the same. A lead is dated by
//! the moment when it was made, its conversion by the day only, so those are taken whole. Source:
//! <https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_lead.htm>.

use jiff::civil::Date;
use serde_json::Value;

use crate::model::{CrmRead, CrmRecord, Failure, Fault, FoundRecord, Page, Reconcile, Report, Timestamp, Work};
use crate::writeback::{excerpt, of_page, within};

use super::{Salesforce, read, soql};

/// Records of a page.
const PAGE: usize = 100;

impl Salesforce {
    /// A page of the leads of a window.
    pub(super) async fn reconcile(&self, window: &Reconcile, work: &Work) -> Report {
        let (records, trace) = self.records(&self.question(window), work).await;
        let page = match records {
            Ok(records) => self.page(&records, work).await,
            Err(failure) => Err(failure),
        };
        of_page(page, trace)
    }

    pub(super) fn question(&self, window: &Reconcile) -> String {
        let (from, until) = (window.from.to_string(), window.until.to_string());
        let (first, last) = (self.day_of(window.from), self.day_of(window.until));
        let after = window.after.as_deref().map(|id| format!(" AND Id > {}", soql::quoted(id))).unwrap_or_default();
        let fields = read::FIELDS.asked(&self.settings.message_property).join(", ");
        format!(
            "SELECT Id, CreatedDate, {fields} FROM Lead WHERE \
             ((CreatedDate >= {from} AND CreatedDate < {until}) OR (ConvertedDate >= {first} AND ConvertedDate <= {last}))\
             {after} ORDER BY Id LIMIT {PAGE}"
        )
    }

    async fn page(&self, records: &[Value], work: &Work) -> Result<Page, Failure> {
        // The session is there already: it was asked in.
        let session = self.sessions.open(&self.settings, None, within(work)).await;
        let account = session.ok().and_then(|session| session.organization.clone());
        let found: Result<Vec<FoundRecord>, Failure> =
            records.iter().map(|record| self.found(record, account.as_deref(), work)).collect();
        let found = found?;
        let last = records.last().and_then(id_of).filter(|_| records.len() >= PAGE);
        Ok(Page { records: found, after: last.map(str::to_owned), total: None })
    }

    fn found(&self, record: &Value, account: Option<&str>, work: &Work) -> Result<FoundRecord, Failure> {
        let odd = || {
            let reason = format!("Salesforce gave a lead without its id or date: {}", excerpt(&record.to_string()));
            Failure::new(Fault::Permanent, reason)
        };
        let id = id_of(record).ok_or_else(odd)?.to_owned();
        let made_at = made_at(record).ok_or_else(odd)?;
        let read = CrmRead {
            record: CrmRecord { channel: work.job.channel.clone(), id },
            account: account.map(str::to_owned),
            again: false,
            expects_message: false,
        };
        let contact = read::FIELDS.contact(record, &self.settings.message_property);
        let lead = self.settings.as_lead.of(&read, contact, work)?;
        Ok(FoundRecord { lead, made_at, shown: record.to_string() })
    }

    fn day_of(&self, at: Timestamp) -> Date {
        let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
        at.to_zoned(self.settings.account_zone.clone()).date()
    }
}

/// When somebody wrote: Salesforce has `2026-11-23T02:00:00.000+0000`. A conversion is a colleague's doing, and no news.
fn made_at(record: &Value) -> Option<Timestamp> {
    let made = record.get("CreatedDate")?.as_str()?;
    let made = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", made).ok()?.to_timestamp().ok()?;
    Some(Timestamp::from_millis(made.as_millisecond()))
}

fn id_of(record: &Value) -> Option<&str> {
    record.get("Id").and_then(Value::as_str)
}
