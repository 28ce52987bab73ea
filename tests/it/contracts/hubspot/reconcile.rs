//! The contacts of a window, page by page: each once, in the order of their ids, whatever is made meanwhile.

use std::time::Duration;

use jiff::tz::TimeZone;
use nightdesk::demo::sim::{self, Fault, Match, Sim};
use nightdesk::model::{Done, Effect, Failure, Fault as Class, NewLead, Outcome, Page, Reconcile, Task, Timestamp};
use nightdesk::writeback::AsLead;
use nightdesk::writeback::hubspot::HubSpot;
use serde_json::{Value, json};

use crate::vendors::{account, class, hubspot_with, work};

const FROM: Timestamp = Timestamp::from_millis(1_795_000_000_000);
const UNTIL: Timestamp = Timestamp::from_millis(1_795_003_600_000);

fn at(minutes: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(FROM.as_millis() + minutes * 60_000).unwrap()
}

async fn open(account: sim::HubSpot) -> (Sim<sim::HubSpot>, HubSpot) {
    let as_lead = AsLead::new(|read, contact, work| {
        if work.lead.source != "web" {
            return Err(Failure::new(Class::Permanent, "no such source"));
        }
        Ok(NewLead {
            crm: Some(read.record.channel.clone()),
            record_id: Some(read.record.id.clone()),
            name: contact.name,
            email: contact.email,
            phone_text: contact.phone,
            message: contact.message.unwrap_or_default(),
            event_key: None,
            content_key: String::new(),
        })
    });
    hubspot_with(account, TimeZone::UTC, as_lead).await
}

async fn page(hubspot: &HubSpot, after: Option<String>) -> Page {
    let outcome = hubspot.perform(&work(Task::Reconcile(Reconcile { from: FROM, until: UNTIL, after }))).await.outcome;
    let Outcome::Done(Done::Found(page)) = outcome else { panic!("{outcome:?}") };
    *page
}

#[tokio::test]
async fn who_was_made_or_wrote_again_in_the_window_is_found_with_the_time() {
    let mut account = account();
    for id in ["102", "103", "104", "105", "106", "107"] {
        account =
            account.contact(id, &[("firstname", "Ada"), ("lastname", "L"), ("email", "a@b.co"), ("message", "hi")]);
    }
    let (sim, hubspot) = open(account).await;
    for (id, made, converted) in [
        ("101", -60, None),
        ("102", 0, None),
        ("103", 59, None),
        ("104", 60, None),
        ("105", -600, Some(30)),
        ("106", 10, Some(20)),
        ("107", 10, Some(70)),
    ] {
        sim.made_at(id, at(made));
        if let Some(converted) = converted {
            sim.converted_at(id, at(converted));
        }
    }
    let page = page(&hubspot, None).await;
    let found: Vec<_> =
        page.records.iter().map(|found| (found.lead.record_id.as_deref().unwrap(), found.made_at)).collect();
    let minute = |minutes: i64| Timestamp::from_millis(at(minutes).as_millisecond());
    let want = [("102", 0), ("103", 59), ("105", 30), ("106", 20), ("107", 10)];
    assert_eq!(found, want.map(|(id, minutes)| (id, minute(minutes))));
    assert_eq!((page.total, page.after), (Some(5), None));
    let lead = &page.records[0].lead;
    assert_eq!(
        (lead.name.as_deref(), lead.email.as_deref(), lead.message.as_str()),
        (Some("Ada L"), Some("a@b.co"), "hi")
    );
    let shown: Value = serde_json::from_str(&page.records[0].shown).unwrap();
    assert_eq!((&shown["id"], &shown["properties"]["message"]), (&json!("102"), &json!("hi")));
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn pages_go_by_id_so_that_nobody_is_missed_or_found_twice() {
    let mut account = account();
    for id in (1..=250).map(|n| (950 + n).to_string()) {
        account = account.contact(id, &[]);
    }
    let (sim, hubspot) = open(account).await;
    for id in (1..=250).map(|n| (950 + n).to_string()) {
        sim.made_at(&id, at(1));
    }
    let (mut found, mut after, mut totals) = (Vec::new(), None, Vec::new());
    loop {
        let page = page(&hubspot, after).await;
        found.extend(page.records.into_iter().map(|found| found.lead.record_id.unwrap().parse::<u32>().unwrap()));
        totals.push(page.total.unwrap());
        // One that is deleted and one that is made meanwhile move nobody else.
        sim.remove_contact("951");
        after = page.after;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, (951..=1200).collect::<Vec<_>>());
    assert_eq!(totals, [250, 150, 50], "what is left, this page included");
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_the_index_does_not_know_yet_is_found_later() {
    let (sim, hubspot) = open(account().search_lag(Duration::from_hours(1))).await;
    sim.made_at("101", at(1));
    assert_eq!(page(&hubspot, None).await, Page { total: Some(0), ..Page::default() });
}

#[tokio::test]
async fn a_page_that_cannot_be_trusted_is_not_taken() {
    let row = |id: &str| json!({ "id": id, "properties": { "createdate": at(1).to_string() } });
    let page = |rows: &[Value]| Fault::status_with(200, json!({ "total": rows.len(), "results": rows }));
    for (name, fault, want) in [
        ("out of order", page(&[row("103"), row("102")]), "transient"),
        ("by text and not by number", page(&[row("1000"), row("999")]), "transient"),
        ("one twice", page(&[row("102"), row("102")]), "transient"),
        ("before the cursor", page(&[row("100")]), "transient"),
        ("one without an id", page(&[json!({})]), "transient"),
        ("no results", Fault::status_with(200, json!({})), "transient"),
        ("HTML", Fault::html(), "transient"),
        ("half", Fault::half_json(), "transient"),
        ("the search limit", Fault::status(429), "throttled"),
        ("down", Fault::status(503), "transient"),
        ("hangs up", Fault::close(), "transient"),
        ("scopes", Fault::status(403), "auth"),
        ("refused", Fault::status(400), "permanent"),
    ] {
        let (sim, hubspot) = open(account()).await;
        sim.script([fault.on(Match::to("POST", "/contacts/search"))]);
        let task = Task::Reconcile(Reconcile { from: FROM, until: UNTIL, after: Some("101".to_owned()) });
        let outcome = hubspot.perform(&work(task)).await.outcome;
        assert_eq!(class(&outcome), want, "{name}: {outcome:?}");
    }
    let (sim, hubspot) = open(account()).await;
    sim.made_at("101", at(1));
    let mut work = work(Task::Reconcile(Reconcile { from: FROM, until: UNTIL, after: None }));
    work.lead.source = "gone".to_owned();
    assert_eq!(class(&hubspot.perform(&work).await.outcome), "permanent", "a source that is configured no more");
}
