//! A CRM in which leads were made that never arrived, on a clock that is wound by hand.

use std::time::Duration;

use super::super::tests::given::{self, opening};
use super::super::{Desk, Pace};
use super::*;
use crate::model::{BootId, Done, Failure, Fault, Lane, NewLead, Outcome, Report, RowId, Work};
use crate::store::{Arrival, DeadLetterFilter, Gate, Received, Store};

const BEGIN: Timestamp = Timestamp::from_millis(1_795_000_000_000);
const PER_PAGE: usize = 40;

fn crm() -> Channel {
    Channel::new(Lane::Crm, "hubspot")
}

fn minutes(n: u64) -> Duration {
    Duration::from_mins(n)
}

/// A desk, its database, and the CRM it looks into.
struct Office {
    store: Store,
    desk: Desk,
    now: Timestamp,
    /// Oldest first; the id is the place.
    records: Vec<FoundRecord>,
    /// What was claimed beside the looks.
    works: Vec<Work>,
    /// This record is shown as one that was made before everything else.
    long_ago: Option<usize>,
    knows_time: bool,
}

impl Office {
    fn open() -> Self {
        let mut office = Self {
            store: Store::in_memory().unwrap(),
            desk: desk(),
            now: BEGIN,
            records: Vec::new(),
            works: Vec::new(),
            long_ago: None,
            knows_time: true,
        };
        office.start();
        office
    }

    /// A start of the desk; whatever was in flight has no end.
    fn start(&mut self) {
        let (mut desk, now) = (desk(), self.now);
        self.store.transact(|tx| desk.recover(tx, now)).unwrap();
        if self.knows_time {
            self.store.transact(|tx| desk.clock_is_right(tx, now)).unwrap();
        }
        self.desk = desk;
    }

    fn wait(&mut self, span: Duration) {
        self.now = self.now.after(span);
    }

    /// Somebody writes: the record is there from now on.
    fn writes(&mut self, message: &str) -> usize {
        let nth = self.records.len();
        let id = nth.saturating_add(1).to_string();
        let lead = NewLead {
            crm: Some(crm()),
            record_id: Some(id.clone()),
            name: Some("Ada".into()),
            email: Some(format!("{id}@example.com")),
            phone_text: None,
            message: message.into(),
            event_key: None,
            content_key: format!("without account: {id} {message}"),
        };
        self.records.push(FoundRecord { lead, made_at: self.now, shown: format!(r#"{{"id":"{id}"}}"#) });
        nth
    }

    /// The webhook of a record comes, with the account in it.
    fn arrives(&mut self, nth: usize) -> Received {
        self.arrives_by(nth, "another")
    }

    fn arrives_by(&mut self, nth: usize, source: &str) -> Received {
        let lead = &self.records[nth].lead;
        let new = NewLead { content_key: format!("account 7: {}", lead.content_key), ..lead.clone() };
        let arrival = Arrival {
            received_at: self.now,
            source: source.into(),
            method: "POST".into(),
            target: "/hooks/another".into(),
            headers: Vec::new(),
            body: b"{}".to_vec(),
        };
        self.store.transact(|tx| tx.receive(&arrival, &Gate::Passed(new), &opening())).unwrap()
    }

    fn claim(&mut self) -> Vec<Work> {
        let (desk, now) = (&mut self.desk, self.now);
        self.store.transact(|tx| desk.claim_due(tx, now)).unwrap()
    }

    fn settle(&mut self, work: &Work, outcome: &Outcome) {
        let (desk, now) = (&mut self.desk, self.now);
        self.store.transact(|tx| desk.settle(tx, work, &Report::of(outcome.clone()), now, 1.0)).unwrap();
    }

    /// What the CRM says of a page.
    fn page(&self, asked: &Reconcile) -> Page {
        let from: usize = asked.after.as_deref().map_or(0, |after| after.parse().unwrap());
        let is_in = |one: &&FoundRecord| (asked.from..asked.until).contains(&one.made_at);
        let rest: Vec<FoundRecord> = self.records.iter().skip(from).filter(is_in).cloned().collect();
        let total = Some(u64::try_from(rest.len()).unwrap());
        let long_ago = |(nth, one): (usize, FoundRecord)| {
            let aged = self.long_ago == Some(nth.saturating_add(from));
            FoundRecord { made_at: if aged { Timestamp::from_millis(0) } else { one.made_at }, ..one }
        };
        let rest = rest.into_iter().enumerate().map(long_ago);
        let records: Vec<FoundRecord> = rest.take(PER_PAGE).collect();
        let after = (records.len() == PER_PAGE).then(|| records.last().unwrap().lead.record_id.clone().unwrap());
        Page { records, after, total }
    }

    /// Runs pages until there are none, or `pages` were read. Everything else that is claimed is left alone.
    fn look(&mut self, pages: usize) -> usize {
        let mut read = 0;
        for _ in 0..200 {
            for work in self.claim() {
                let Task::Reconcile(asked) = &work.job.task else {
                    self.works.push(work);
                    continue;
                };
                if read == pages {
                    return read;
                }
                read = usize::saturating_add(read, 1);
                let page = self.page(asked);
                self.settle(&work, &Outcome::Done(Done::Found(Box::new(page))));
            }
            self.wait(Duration::from_secs(1));
        }
        read
    }

    fn ask(&mut self, since: Option<Timestamp>, dry_run: bool) -> Result<LeadId, String> {
        let (desk, now) = (&mut self.desk, self.now);
        let looks = self.store.transact(|tx| desk.reconcile(tx, None, since, dry_run, now)).unwrap();
        looks.map(|looks| looks[0])
    }

    fn row(&mut self, id: LeadId) -> ReconcileRow {
        self.store.transact(|tx| tx.reconcile(id)).unwrap().unwrap()
    }

    fn last(&mut self) -> ReconcileRow {
        let now = self.now;
        self.store.transact(|tx| tx.last_reconcile(&crm(), false, now)).unwrap().unwrap()
    }

    fn alerts(&mut self) -> Vec<String> {
        let read = |tx: Tx<'_>| tx.alerts();
        self.store.transact(read).unwrap().into_iter().map(|alert| alert.key).collect()
    }

    /// Records of which a lead tells.
    fn leads(&mut self) -> usize {
        let records = &self.records;
        let unknown = self
            .store
            .transact(|tx| tx.unknown_records((&crm(), "website"), records, SLACK).map(|unknown| unknown.len()));
        records.len().saturating_sub(unknown.unwrap())
    }
}

fn desk() -> Desk {
    let mut settings = given::settings(&["modem0"]);
    settings.channels.insert(crm(), 4);
    settings.paces.insert(crm(), Pace { requests: 10, per: Duration::from_secs(1), urgent_reserve: 5 });
    settings.reconcile.channels.insert(crm(), "website".into());
    settings.reconcile.nightly_at = Time::constant(4, 30, 0, 0);
    settings.opening.read_give_up_after = Duration::from_hours(72);
    Desk::new(settings, BootId::fresh(BEGIN))
}

#[test]
fn exactly_what_never_arrived_is_taken_in_and_once() {
    let mut office = Office::open();
    let mut missed = 0;
    for nth in 0..250 {
        office.wait(minutes(5));
        let record = office.writes(&format!("message {nth}"));
        if nth % 5 == 0 {
            office.wait(Duration::from_secs(2));
            assert!(matches!(office.arrives(record), Received::Accepted(_)));
        } else {
            missed = u32::saturating_add(missed, 1);
        }
    }
    office.wait(minutes(5));
    assert_eq!(office.leads(), 50);
    // What the start and a night left behind is looked at first.
    office.look(usize::MAX);
    let look = office.last();
    assert_eq!((look.state, look.counts.found, look.counts.known), (ReconcileState::Done, 250, 50));
    assert_eq!((look.counts.missed, look.expected), (missed, Some(250)));
    assert_eq!(office.leads(), 250);
    let again = office.ask(Some(BEGIN), false).unwrap();
    office.look(usize::MAX);
    let counts = office.row(again).counts;
    assert_eq!((counts.found, counts.known, counts.missed), (250, 250, 0), "a second look finds none");
}

#[test]
fn a_look_goes_on_where_the_power_went() {
    let mut office = Office::open();
    for nth in 0..200 {
        office.writes(&format!("message {nth}"));
        office.wait(minutes(1));
    }
    office.wait(minutes(5));
    let look = office.ask(None, false).unwrap();
    for _ in 0..5 {
        // One page is read, the next is begun and cut off.
        office.look(1);
        office.start();
        office.wait(minutes(1));
    }
    office.look(usize::MAX);
    let row = office.row(look);
    assert_eq!((row.state, row.counts.found, row.counts.missed), (ReconcileState::Done, 200, 200));
    assert_eq!(office.leads(), 200);
}

#[test]
fn a_webhook_that_comes_after_all_is_the_same_lead() {
    let mut office = Office::open();
    office.wait(minutes(10));
    let record = office.writes("50 units");
    office.wait(minutes(10));
    office.look(usize::MAX);
    assert_eq!(office.last().counts.missed, 1);
    office.wait(minutes(30));
    assert!(matches!(office.arrives(record), Received::Duplicate(_)), "the tunnel is up again");
    office.records[record].lead.message = "and 10 more".into();
    assert!(matches!(office.arrives(record), Received::Accepted(_)), "other words are another lead");
}

#[test]
fn what_came_by_another_way_is_known() {
    let mut office = Office::open();
    office.wait(minutes(10));
    let (form, early) = (office.writes("by a form"), office.writes("before there was a CRM"));
    office.wait(minutes(1));
    // A form of our own names no record, and a source may have had no CRM.
    office.records[form].lead.record_id = None;
    office.records[early].lead.crm = None;
    for nth in [form, early] {
        assert!(matches!(office.arrives_by(nth, "website"), Received::Accepted(_)));
    }
    (office.records[form].lead.record_id, office.records[early].lead.crm) = (Some("1".into()), Some(crm()));
    office.wait(minutes(10));
    office.look(usize::MAX);
    let counts = office.last().counts;
    assert_eq!((counts.found, counts.known, counts.missed), (2, 2, 0));
}

#[test]
fn a_box_that_does_not_know_the_time_looks_for_nothing() {
    let mut office = Office { knows_time: false, ..Office::open() };
    office.store = Store::in_memory().unwrap();
    office.start();
    office.writes("while the power was gone");
    office.wait(Duration::from_hours(30));
    assert_eq!(office.look(usize::MAX), 0);
    assert!(office.ask(None, false).unwrap_err().starts_with("this box has not known what time it is"));
    let (desk, now) = (&mut office.desk, office.now);
    office.store.transact(|tx| desk.clock_is_right(tx, now)).unwrap();
    assert!(office.ask(None, false).unwrap_err().starts_with("nothing can have been missed yet"));
    office.wait(minutes(10));
    office.writes("later");
    office.wait(minutes(10));
    office.look(usize::MAX);
    assert_eq!((office.last().counts.found, office.last().counts.missed), (1, 1), "the first start is when it knew");
}

#[test]
fn a_page_without_records_is_not_the_end() {
    let mut office = Office::open();
    office.wait(minutes(10));
    office.writes("50 units");
    office.wait(minutes(10));
    office.ask(None, false).unwrap();
    for after in ["a", "b"] {
        let work = office.claim().into_iter().find(|work| matches!(work.job.task, Task::Reconcile(_))).unwrap();
        let page = Page { after: Some(after.into()), ..Page::default() };
        office.settle(&work, &Outcome::Done(Done::Found(Box::new(page))));
        office.wait(Duration::from_secs(1));
    }
    let work = office.claim().into_iter().find(|work| matches!(work.job.task, Task::Reconcile(_))).unwrap();
    let page = Page { records: vec![office.records[0].clone()], ..Page::default() };
    office.settle(&work, &Outcome::Done(Done::Found(Box::new(page))));
    assert_eq!((office.last().state, office.last().counts.missed), (ReconcileState::Done, 1));
}

#[test]
fn who_was_found_once_and_writes_again_is_found_again() {
    let mut office = Office::open();
    office.wait(minutes(10));
    let record = office.writes("50 units");
    office.wait(minutes(10));
    office.look(usize::MAX);
    office.wait(Duration::from_hours(30));
    office.records[record].lead.message = "and 10 more".into();
    office.records[record].made_at = office.now;
    office.wait(minutes(10));
    office.ask(None, false).unwrap();
    office.look(usize::MAX);
    assert_eq!(office.last().counts.missed, 1);
    assert!(office.alerts().contains(&"reconcile:crm:hubspot".to_owned()));
    office.ask(None, false).unwrap();
    office.look(usize::MAX);
    assert_eq!((office.last().counts.known, office.last().counts.missed), (1, 0));
    assert!(!office.alerts().contains(&"reconcile:crm:hubspot".to_owned()), "none is missed any more");
}

#[test]
fn a_short_look_leaves_no_gap_behind_it() {
    let mut office = Office::open();
    office.wait(minutes(10));
    office.writes("50 units");
    office.wait(Duration::from_hours(50));
    let now = office.now;
    let look = office.ask(Some(now.before(Duration::from_hours(2))), false).unwrap();
    assert_eq!(office.row(look).from, BEGIN);
    office.look(usize::MAX);
    let dry = office.ask(Some(now.before(minutes(30))), true).unwrap();
    assert_eq!(office.row(dry).from, now.before(minutes(30)), "who only asks may ask for less");
}

#[test]
fn what_is_no_lead_is_only_counted() {
    let mut office = Office::open();
    office.wait(minutes(10));
    office.writes("");
    // A lead of last year that became a contact today.
    let old = office.writes("from long ago");
    let gone = office.writes("erase me");
    office.writes("50 units");
    let id = office.records[gone].lead.record_id.clone().unwrap();
    let (desk, now) = (&mut office.desk, office.now);
    office.store.transact(|tx| desk.forget(tx, None, &id, now)).unwrap().unwrap();
    office.wait(minutes(10));
    office.long_ago = Some(old);
    let dry = office.ask(None, true).unwrap();
    office.look(usize::MAX);
    let (counts, now) = (office.row(dry).counts, office.now);
    assert_eq!((counts.found, counts.empty, counts.older), (4, 1, 1));
    assert_eq!((counts.erased, counts.missed), (1, 1));
    assert_eq!(
        office.store.transact(|tx| tx.last_reconcile(&crm(), true, now)).unwrap().map(|look| look.counts.missed),
        Some(1)
    );
}

#[test]
fn nothing_before_the_first_start_is_looked_for() {
    let mut office = Office::open();
    assert!(office.ask(None, false).unwrap_err().starts_with("nothing can have been missed yet"));
    let first = office.now;
    office.wait(minutes(10));
    let look = office.ask(Some(first.before(Duration::from_hours(100))), false).unwrap();
    assert_eq!(office.row(look).from, first);
    assert!(office.ask(None, false).unwrap_err().starts_with("one runs already"));
    let (desk, now) = (&mut office.desk, office.now);
    let other = Channel::new(Lane::Crm, "other");
    let refused = office.store.transact(|tx| desk.reconcile(tx, Some(&other), None, false, now)).unwrap();
    assert!(refused.unwrap_err().starts_with("crm:other has no"));
}

#[test]
fn a_night_has_one_look_and_a_start_that_comes_at_once_none() {
    let mut office = Office::open();
    office.wait(minutes(2));
    office.look(usize::MAX);
    let after_start = office.last();
    office.start();
    office.wait(minutes(1));
    office.look(usize::MAX);
    assert_eq!(office.last().id, after_start.id, "it has just looked");
    office.wait(BETWEEN_STARTS);
    office.look(usize::MAX);
    let second = office.last();
    assert_ne!(second.id, after_start.id, "the second start is made up for");
    let mut of_nights = Vec::new();
    for _ in 0..72 {
        office.wait(Duration::from_hours(1));
        office.look(usize::MAX);
        let last = office.last();
        if last.id != second.id && of_nights.last() != Some(&last.id) {
            of_nights.push(last.id);
        }
    }
    assert_eq!(of_nights.len(), 3, "one each night");
}

#[test]
fn a_look_that_is_refused_is_told_and_can_be_taken_again() {
    let mut office = Office::open();
    office.wait(minutes(10));
    office.writes("50 units");
    office.wait(minutes(10));
    let look = office.ask(None, false).unwrap();
    let work = office.claim().into_iter().find(|work| matches!(work.job.task, Task::Reconcile(_))).unwrap();
    office.settle(&work, &Outcome::Failed(Failure::new(Fault::Permanent, "the search was refused")));
    assert_eq!(office.row(look).state, ReconcileState::Failed);
    let failed = "reconcile-failed:crm:hubspot".to_owned();
    assert!(office.alerts().contains(&failed));
    let letters = office.store.transact(|tx| tx.dead_letters(&DeadLetterFilter::default())).unwrap();
    let (desk, now) = (&mut office.desk, office.now);
    assert!(office.store.transact(|tx| desk.requeue(tx, &letters[0], now)).unwrap());
    assert_eq!(office.row(look).state, ReconcileState::Running);
    office.look(usize::MAX);
    assert_eq!((office.row(look).state, office.row(look).counts.missed), (ReconcileState::Done, 1));
    assert!(!office.alerts().contains(&failed));
}

#[test]
fn of_leads_that_are_hours_old_one_text_tells() {
    let mut office = Office::open();
    office.wait(minutes(10));
    for nth in 0..6 {
        office.writes(&format!("50 units, {nth}"));
    }
    office.wait(Duration::from_hours(5));
    office.writes("50 units, now");
    office.wait(minutes(30));
    office.look(usize::MAX);
    // Without a model, a person is told of each at once.
    let mut texts = Vec::new();
    for _ in 0..200 {
        let claimed = office.claim();
        for work in std::mem::take(&mut office.works).into_iter().chain(claimed) {
            match &work.job.task {
                Task::ClassifyDeadline {} | Task::Digest { .. } => office.settle(&work, &Outcome::Done(Done::Timer)),
                Task::Sms(sms) => {
                    texts.push(sms.text.clone());
                    let receipt = crate::model::SmsReceipt { reference: "1".into(), parts: 1, delivered: true };
                    office.settle(&work, &Outcome::Done(Done::Sms(receipt)));
                }
                _ => {}
            }
        }
        office.wait(Duration::from_secs(1));
    }
    let (digests, single): (Vec<&String>, Vec<&String>) = texts.iter().partition(|text| text.contains("urgent leads:"));
    assert_eq!((digests.len(), single.len()), (1, 1), "{texts:?}");
    assert!(digests[0].starts_with("6 urgent leads") && digests[0].contains("(5 h old)"), "{texts:?}");
    assert!(single[0].contains("31 min old") || single[0].contains("30 min old"), "{texts:?}");
}
