//! Reading: one record that a webhook points to, and those of a window that never arrived.

use nightdesk::demo::sim::{Fault, Match};
use nightdesk::model::{FoundRecord, Page, Reconcile};

use super::*;

const FIELDS: &str = "FirstName,LastName,Phone,MobilePhone,Email,Description";

fn read(id: &str) -> Task {
    Task::CrmRead(CrmRead { record: record(id), account: Some("00D1".to_owned()), again: false, expects_message: true })
}

#[tokio::test]
async fn a_record_is_read_field_by_field() {
    let (sim, writer) = desk(org()).await;
    sim.set_lead(
        LEAD,
        &[("FirstName", "Ada"), ("LastName", "Byron"), ("MobilePhone", " +44 20 1 "), ("Description", " Hello ")],
    );
    sim.set_contact("0035e000001AbCd", &[("LastName", "Only"), ("Email", "o@example.com"), ("Phone", "1")]);
    let ada = Contact {
        message: Some("Hello".to_owned()),
        name: Some("Ada Byron".to_owned()),
        email: None,
        phone: Some("+44 20 1".to_owned()),
    };
    let only = Contact {
        message: None,
        name: Some("Only".to_owned()),
        email: Some("o@example.com".to_owned()),
        phone: Some("1".to_owned()),
    };
    for (nth, (id, object, contact)) in
        [(LEAD, "Lead", ada), ("0035e000001AbCd", "Contact", only)].into_iter().enumerate()
    {
        let task = read(id);
        let Task::CrmRead(reading) = &task else { unreachable!() };
        let want = Outcome::Done(Done::Read(Box::new(as_it_stands(reading, contact))));
        assert_eq!(writer.perform(&work(task.clone())).await.outcome, want);
        let path = format!("/services/data/v60.0/sobjects/{object}/{id}");
        is_exactly(&sim, &asked(&sim)[nth], "GET", &path, &[("fields", FIELDS)], &Value::Null);
    }
    sim.delete(LEAD);
    assert_eq!(sim.violations(), Vec::<String>::new());
    for (name, fault, want) in [
        ("deleted", Fault::ok(), "permanent"),
        ("down", Fault::status(503), "transient"),
        ("HTML", Fault::html(), "transient"),
        ("half", Fault::half_json(), "transient"),
        ("another object", Fault::status_with(200, json!({ "ok": true })), "transient"),
        ("the day", Sim::<sim::Salesforce>::daily_limit_fault(), "throttled"),
        ("a proxy's 404", Fault::status_with(404, json!({})), "permanent"),
    ] {
        sim.script([fault.on(Match::to("GET", "/sobjects/"))]);
        let outcome = writer.perform(&work(read(LEAD))).await.outcome;
        assert_eq!(class(&outcome), want, "{name}: {outcome:?}");
    }
}

fn window(from: &str, until: &str, after: Option<String>) -> Work {
    let (from, until) = (from.parse().unwrap(), until.parse().unwrap());
    let mut work = work(Task::Reconcile(Reconcile { from, until, after }));
    work.job.channel = Channel::new(Lane::Crm, "salesforce");
    work
}

async fn page(writer: &Salesforce, work: &Work) -> Page {
    match writer.perform(work).await.outcome {
        Outcome::Done(Done::Found(page)) => *page,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn leads_of_a_window_come_page_by_page_and_none_twice() {
    let (sim, writer) = desk(org()).await;
    sim.made_at(LEAD, "2026-11-01T00:00:00Z".parse().unwrap());
    let id = |n: u32| format!("00Q5e0000{n:06}");
    for n in 0..250 {
        sim.set_lead(&id(n), &[("LastName", "Many"), ("Description", &format!("message {n}"))]);
        sim.made_at(&id(n), format!("2026-11-22T{:02}:00:00Z", n % 24).parse().unwrap());
    }
    let (mut found, mut after, mut pages): (Vec<FoundRecord>, Option<String>, usize) = (Vec::new(), None, 0);
    loop {
        let page = page(&writer, &window("2026-11-22T01:00:00Z", "2026-11-22T23:00:00Z", after)).await;
        pages += 1;
        assert!(page.records.len() <= 100);
        found.extend(page.records);
        // Somebody makes another one meanwhile, which is not in this window.
        sim.set_lead(&id(900 + u32::try_from(pages).unwrap()), &[]);
        after = page.after;
        if after.is_none() {
            break;
        }
    }
    let want = (0..250).filter(|n| !matches!(n % 24, 0 | 23)).count();
    assert_eq!((found.len(), pages), (want, 3));
    let mut ids: Vec<&str> = found.iter().map(|one| one.lead.record_id.as_deref().unwrap()).collect();
    assert!(ids.iter().all(|id| id.len() == 18), "whole ids");
    ids.dedup();
    assert_eq!(ids.len(), want);
    assert!(found.iter().all(|one| one.lead.content_key == sim.organization()), "the account that webhooks name");
    assert_eq!(found[0].lead.message, "message 1");
    assert_eq!(found[0].made_at, "2026-11-22T01:00:00Z".parse().unwrap());
    assert!(serde_json::from_str::<Value>(&found[0].shown).unwrap()["CreatedDate"].is_string());
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_lead_that_was_converted_in_the_window_is_of_when_it_was_made() {
    let (sim, writer) = desk(org()).await;
    sim.made_at(LEAD, "2026-11-01T00:00:00Z".parse().unwrap());
    let _contact = sim.convert(LEAD, "2026-11-22");
    let found = page(&writer, &window("2026-11-22T02:00:00Z", "2026-11-23T02:00:00Z", None)).await;
    let [one] = &found.records[..] else { panic!("{found:?}") };
    assert_eq!((one.made_at, one.lead.name.as_deref()), ("2026-11-01T00:00:00Z".parse().unwrap(), Some("Ada Byron")));
    assert_eq!((found.after, found.total), (None, None));
    let none = page(&writer, &window("2026-11-24T02:00:00Z", "2026-11-25T02:00:00Z", None)).await;
    assert_eq!(none.records, Vec::new());
    // Without a message it is still told; whether it is a lead is the desk's question.
    assert_eq!(one.lead.message, "");
    for (name, fault, want) in [
        ("down", Fault::status(503), "transient"),
        ("HTML", Fault::html(), "transient"),
        ("half", Fault::half_json(), "transient"),
        ("rights", Fault::status(403), "auth"),
        ("no field", Fault::status(400), "permanent"),
        ("a lead without its dates", Fault::status_with(200, json!({ "records": [{ "Id": LEAD }] })), "permanent"),
    ] {
        sim.script([fault.on(Match::to("GET", "/query"))]);
        let outcome = writer.perform(&window("2026-11-22T02:00:00Z", "2026-11-23T02:00:00Z", None)).await.outcome;
        assert_eq!(class(&outcome), want, "{name}: {outcome:?}");
    }
    assert_eq!(sim.violations(), Vec::<String>::new());
}
