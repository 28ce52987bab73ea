//! Salesforce: every request the desk can send, field by field.
//!
//! The simulator is strict and remembers what it took: it is the oracle. Sources are those of its own files.

mod converted;
mod faults;
mod found;
mod sessions;
mod setup;

use std::collections::{BTreeMap, HashMap};

use jiff::tz::TimeZone;
use nightdesk::demo::sim::{self, Seen, Sim};
use nightdesk::model::{
    Channel, Contact, CrmNews, CrmNote, CrmRead, CrmRecord, CrmTask, CrmUpdate, Done, Effect, Label, Lane, LeadCode,
    NewLead, Outcome, Task, Timestamp, Work,
};
use nightdesk::wire::Wire;
use nightdesk::writeback::AsLead;
use nightdesk::writeback::salesforce::{Salesforce, Settings, SignIn};
use serde_json::{Value, json};

use crate::vendors::{TIMEOUT, class, work};

const CLIENT: &str = "3MVG9consumer.key";
const SECRET: &str = "consumer-secret&of+this test";
const LEAD: &str = "00Q5e000001AbCdEAK";
const KEY_FIELD: &str = "Nightdesk_Key__c";
/// It is always tomorrow there already.
const FAR_EAST: i8 = 14;

fn org() -> sim::Salesforce {
    sim::Salesforce::new(CLIENT, SECRET)
        .picklist("Auto_Classification__c", &["URGENT_BUYER", "TIRE_KICKER", "SUPPORT_REQUEST", "SPAM"])
        .checkbox("High_Priority__c")
        .task_key(KEY_FIELD)
        .lead(LEAD, &[("FirstName", "Ada"), ("LastName", "Byron"), ("Email", "ada@example.com")])
}

/// What a contact is, judged by nobody.
fn as_it_stands(read: &CrmRead, contact: Contact) -> NewLead {
    let Contact { message, name, email, phone } = contact;
    NewLead {
        crm: None,
        record_id: Some(read.record.id.clone()),
        name,
        email,
        phone_text: phone,
        message: message.unwrap_or_default(),
        event_key: None,
        content_key: read.account.clone().unwrap_or_default(),
    }
}

fn settings(base_url: String) -> Settings {
    Settings {
        base_url,
        api_version: "v60.0".to_owned(),
        client_id: CLIENT.to_owned(),
        sign_in: SignIn::Secret(SECRET.into()),
        classification_property: "Auto_Classification__c".to_owned(),
        values: HashMap::new(),
        also: HashMap::new(),
        priority_property: "High_Priority__c".to_owned(),
        message_property: "Description".to_owned(),
        task_key_field: None,
        as_lead: AsLead::new(|read, contact, _| Ok(as_it_stands(read, contact))),
        zone: TimeZone::fixed(jiff::tz::offset(FAR_EAST)),
        account_zone: TimeZone::UTC,
        timeout: TIMEOUT,
    }
}

/// An org, and a desk that writes into it.
async fn desk(org: sim::Salesforce) -> (Sim<sim::Salesforce>, Salesforce) {
    let sim = Sim::spawn(org).await.unwrap();
    let writer = Salesforce::new(settings(sim.base_url()), Wire::new());
    (sim, writer)
}

/// The same where tasks have a key.
async fn keyed(org: sim::Salesforce) -> (Sim<sim::Salesforce>, Salesforce) {
    let sim = Sim::spawn(org).await.unwrap();
    let settings = Settings { task_key_field: Some(KEY_FIELD.to_owned()), ..settings(sim.base_url()) };
    (sim, Salesforce::new(settings, Wire::new()))
}

fn record(id: &str) -> CrmRecord {
    CrmRecord { channel: Channel::new(Lane::Crm, "salesforce"), id: id.to_owned() }
}

fn update(id: &str) -> Task {
    let (label, priority) = (Some(Label::UrgentBuyer), Some(true));
    Task::CrmUpdate(CrmUpdate { record: record(id), label, priority, owner: None })
}

fn note(id: &str) -> Task {
    Task::CrmNote(CrmNote { record: record(id), news: None })
}

fn task(id: &str) -> Task {
    let (subject, words) =
        ("URGENT lead <K7> of Ada: nobody has claimed it", "nobody has claimed this lead: please call");
    Task::CrmTask(CrmTask { record: record(id), subject: subject.to_owned(), words: words.to_owned() })
}

/// The requests but those for a token.
fn asked(sim: &Sim<sim::Salesforce>) -> Vec<Seen> {
    sim.requests().into_iter().filter(|seen| !seen.path.starts_with("/services/oauth2/")).collect()
}

/// Whether a request is exactly this one, in the session that there is.
fn is_exactly(sim: &Sim<sim::Salesforce>, seen: &Seen, method: &str, path: &str, query: &[(&str, &str)], body: &Value) {
    assert_eq!((seen.method.as_str(), seen.path.as_str()), (method, path));
    let pairs: Vec<(&str, &str)> = seen.query.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(pairs, query, "{method} {path}");
    let sent: Value = if seen.body.is_empty() { Value::Null } else { serde_json::from_str(&seen.body).unwrap() };
    assert_eq!(sent, *body, "{method} {path}");
    let mut headers: BTreeMap<&str, &str> =
        seen.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for plumbing in ["host", "content-length", "accept"] {
        headers.remove(plumbing);
    }
    let bearer = format!("Bearer {}", sim.tokens().last().unwrap());
    let agent = format!("nightdesk/{}", env!("CARGO_PKG_VERSION"));
    let mut want = BTreeMap::from([("authorization", bearer.as_str()), ("user-agent", agent.as_str())]);
    if !body.is_null() {
        want.insert("content-type", "application/json");
    }
    assert_eq!(headers, want, "{method} {path}");
}

fn today(offset: i8) -> String {
    jiff::Timestamp::now().to_zoned(TimeZone::fixed(jiff::tz::offset(offset))).date().to_string()
}

/// Does the work, and says what came of it and on which day.
async fn done(writer: &Salesforce, work: &Work) -> String {
    let outcome = writer.perform(work).await.outcome;
    assert_eq!(class(&outcome), "done", "{outcome:?}");
    today(FAR_EAST)
}

#[tokio::test]
async fn a_token_is_asked_for_with_the_apps_secret() {
    let (sim, writer) = desk(org()).await;
    done(&writer, &work(update(LEAD))).await;
    let first = &sim.requests()[0];
    assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", "/services/oauth2/token"));
    assert_eq!(first.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(first.header("authorization"), None);
    let form =
        "grant_type=client_credentials&client_id=3MVG9consumer.key&client_secret=consumer-secret%26of%2Bthis+test";
    assert_eq!(first.body, form);
    assert!(first.query.is_empty(), "nothing that proves us is in an address");
}

#[tokio::test]
async fn class_flag_and_owner_are_fields_of_the_lead() {
    let user = "0055e000001UserAAA";
    let owner = |id: &str| CrmUpdate { record: record(LEAD), label: None, priority: None, owner: Some(id.to_owned()) };
    let only = |label, priority| Task::CrmUpdate(CrmUpdate { record: record(LEAD), label, priority, owner: None });
    for (name, task, want) in [
        ("urgent", update(LEAD), json!({ "Auto_Classification__c": "URGENT_BUYER", "High_Priority__c": true })),
        ("no flag", only(Some(Label::Spam), None), json!({ "Auto_Classification__c": "SPAM" })),
        ("provisional", only(None, Some(true)), json!({ "High_Priority__c": true })),
        ("taken back", only(None, Some(false)), json!({ "High_Priority__c": false })),
        ("claimed", Task::CrmUpdate(owner("0055e000001User")), json!({ "OwnerId": "0055e000001User" })),
    ] {
        let (sim, writer) = desk(org().user(&user[..15])).await;
        done(&writer, &work(task)).await;
        let [patch] = &asked(&sim)[..] else { panic!("{name}: {:?}", asked(&sim)) };
        is_exactly(&sim, patch, "PATCH", "/services/data/v60.0/sobjects/Lead/00Q5e000001AbCdEAK", &[], &want);
        assert_eq!((patch.status, sim.violations()), (Some(204), vec![]), "{name}");
    }
    let (sim, writer) = desk(org()).await;
    let Outcome::Failed(failure) = writer.perform(&work(Task::CrmUpdate(owner("0055e00000Nobody")))).await.outcome
    else {
        panic!("nobody owns it")
    };
    assert_eq!(failure.fault.name(), "permanent");
    assert!(failure.cure.unwrap().contains("oncall.people.KEY.owner"), "{}", failure.reason);
    assert_eq!(sim.field(LEAD, "OwnerId"), Value::Null);
}

#[tokio::test]
async fn values_of_ones_own_are_written_in_place_of_the_classes() {
    let (sim, _) = desk(org().picklist("Klasse__c", &["heiß"])).await;
    let values = HashMap::from([(Label::UrgentBuyer, "heiß".to_owned())]);
    let mut settings = settings(sim.base_url());
    (settings.values, settings.classification_property) = (values, "Klasse__c".to_owned());
    done(&Salesforce::new(settings, Wire::new()), &work(update(LEAD))).await;
    assert_eq!(sim.field(LEAD, "Klasse__c"), "heiß");
}

#[tokio::test]
async fn a_contact_is_written_to_as_a_contact() {
    let (sim, writer) = desk(org()).await;
    sim.set_contact("0035e000001AbCd", &[]);
    done(&writer, &work(update("0035e000001AbCd"))).await;
    let want = json!({ "Auto_Classification__c": "URGENT_BUYER", "High_Priority__c": true });
    is_exactly(&sim, &asked(&sim)[0], "PATCH", "/services/data/v60.0/sobjects/Contact/0035e000001AbCd", &[], &want);
    assert_eq!(sim.field("0035e000001AbCd", "High_Priority__c"), true);
}

#[tokio::test]
async fn an_id_stays_in_its_place() {
    let (sim, writer) = desk(org()).await;
    let outcome = writer.perform(&work(update("../Contact/0035e000001AbCd?x=1"))).await.outcome;
    assert_eq!(class(&outcome), "permanent");
    assert!(asked(&sim)[0].query.is_empty(), "{:?}", asked(&sim));
    assert!(asked(&sim)[0].path.starts_with("/services/data/v60.0/sobjects/Lead/"), "{:?}", asked(&sim));
}

#[tokio::test]
async fn with_nothing_to_write_nobody_is_asked() {
    let (sim, writer) = desk(org()).await;
    let nothing = CrmUpdate { record: record(LEAD), label: None, priority: None, owner: None };
    done(&writer, &work(Task::CrmUpdate(nothing))).await;
    assert_eq!(sim.requests().len(), 0);
}

/// A note is a task that is done, a task one that is due today in the office.
#[tokio::test]
async fn notes_and_tasks_are_tasks() {
    let news = CrmNews { at: Timestamp::now(), words: "Dana has it".to_owned(), after_texts: false };
    let news = Task::CrmNote(CrmNote { record: record(LEAD), news: Some(news) });
    for (name, made, subject, status, priority, first) in [
        (
            "a note",
            note(LEAD),
            "nightdesk: what was done with lead K7",
            "Completed",
            "Normal",
            "nightdesk: URGENT_BUYER (",
        ),
        ("news", news, "nightdesk: news of lead K7", "Completed", "Normal", "nightdesk: "),
        (
            "a task",
            task(LEAD),
            "URGENT lead K7 of Ada: nobody has claimed it (K7)",
            "Not Started",
            "High",
            "nightdesk: nobody has claimed this lead: please call.\n",
        ),
    ] {
        for has_key in [false, true] {
            let (sim, writer) = if has_key { keyed(org()).await } else { desk(org()).await };
            let mut work = work(made.clone());
            work.lead.code = LeadCode::typed("K7").unwrap();
            let before = today(FAR_EAST);
            let after = done(&writer, &work).await;
            let [request] = &asked(&sim)[..] else { panic!("{name}: {:?}", asked(&sim)) };
            let sent: Value = serde_json::from_str(&request.body).unwrap();
            let (text, day) = (sent["Description"].as_str().unwrap(), sent["ActivityDate"].as_str().unwrap());
            let key = work.job.key();
            assert!(text.starts_with(first) && text.ends_with(&format!("\nnightdesk:{key}")), "{name}: {text}");
            assert!(day == before || day == after, "{name}: {day}");
            let want = json!({ "WhoId": LEAD, "Subject": subject, "Status": status, "Priority": priority,
                               "ActivityDate": day, "Description": text });
            let path = format!("/services/data/v60.0/sobjects/Task/Nightdesk_Key__c/{key}");
            if has_key {
                is_exactly(&sim, request, "PATCH", &path, &[], &want);
            } else {
                is_exactly(&sim, request, "POST", "/services/data/v60.0/sobjects/Task", &[], &want);
            }
            assert_eq!((sim.tasks_of(LEAD).len(), sim.violations()), (1, vec![]), "{name}");
        }
    }
}

#[tokio::test]
async fn words_that_are_too_many_are_cut() {
    let (sim, writer) = desk(org()).await;
    let (subject, words) = ("ü".repeat(400), "wörter ".repeat(6_000));
    done(&writer, &work(Task::CrmTask(CrmTask { record: record(LEAD), subject, words }))).await;
    let made = &sim.tasks_of(LEAD)[0];
    assert!(
        made.text("Subject").chars().count() <= 255 && made.text("Subject").ends_with(')'),
        "{:?}",
        made.text("Subject")
    );
    assert_eq!(made.text("Description").chars().count(), 32_000);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_it_is_not_made_for_is_refused() {
    let (sim, writer) = desk(org()).await;
    let outcome = writer.perform(&work(Task::ClassifyDeadline {})).await.outcome;
    assert_eq!((class(&outcome), sim.requests().len()), ("permanent", 0));
    let id = |outcome: Outcome| if let Outcome::Done(Done::Crm { id }) = outcome { id } else { None };
    assert!(id(writer.perform(&work(note(LEAD))).await.outcome).is_some_and(|id| id.starts_with("00T")));
}
