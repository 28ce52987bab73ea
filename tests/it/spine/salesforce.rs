//! Leads that live in Salesforce: told by its outbound messages, written back there, and told again by what was written.
//! Beside it HubSpot, in the same desk.

use nightdesk::demo::sim::{self, Echo, Sim};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use tokio::time::interval;

use super::{CURIOUS, URGENT};
use crate::support::{Office, Post};

pub(crate) const LEAD: &str = "00Q5e000001AbCdEAK";
const CLIENT: &str = "3MVG9client";
const CLIENT_SECRET: &str = "salesforce-secret-of-this-test";
const HOOK_SECRET: &str = "hook-secret-of-this-test";

pub(crate) async fn org() -> Sim<sim::Salesforce> {
    spawn(|org| org).await
}

async fn spawn(change: impl FnOnce(sim::Salesforce) -> sim::Salesforce) -> Sim<sim::Salesforce> {
    let person =
        [("FirstName", "Ada"), ("LastName", "Byron"), ("Email", "ada@example.com"), ("Phone", "+44 20 7946 0018")];
    let org = sim::Salesforce::new(CLIENT, CLIENT_SECRET)
        .picklist("Auto_Classification__c", &["URGENT_BUYER", "TIRE_KICKER", "SUPPORT_REQUEST", "SPAM"])
        .checkbox("High_Priority__c")
        .task_key("Nightdesk_Key__c")
        .lead(LEAD, &[&person[..], &[("Description", URGENT)]].concat());
    Sim::spawn(change(org)).await.unwrap()
}

/// How the desk proves itself, unless a test is about that.
pub(crate) const BY_SECRET: &str = "client-secret = { file = \"AT/sf-client-secret\" }";
const KEY: &str = include_str!("../../golden/rsa.pem");

/// An office with this org beside its HubSpot account; `more` is added to the org's table.
async fn office(org: &Sim<sim::Salesforce>, more: &str) -> Office {
    let mut office = closed(org, &format!("{BY_SECRET}\n{more}")).await;
    office.start().await;
    office
}

/// The same before its desk runs.
pub(crate) async fn closed(org: &Sim<sim::Salesforce>, more: &str) -> Office {
    let office = Office::new("").await;
    for (name, secret) in [("sf-client-secret", CLIENT_SECRET), ("sf-hook-secret", HOOK_SECRET), ("sf-key", KEY)] {
        office.write_secret(name, secret);
    }
    let (at, url, organization) = (office.path().display(), org.base_url(), org.organization());
    let tables = format!(
        r#"
[sources.salesforce]
kind = "salesforce-outbound"
auth = {{ scheme = "salesforce", organization-id = "{organization}", secret = {{ file = "{at}/sf-hook-secret" }} }}
crm = "salesforce"
[crm.salesforce]
kind = "salesforce"
base-url = "{url}"
client-id = "{CLIENT}"
timeout = "2s"
{more}
"#
    );
    office.configure(&tables.replace("AT/", &format!("{}/", office.path().display())));
    office
}

fn hook() -> String {
    format!("/hooks/salesforce/{HOOK_SECRET}")
}

pub(crate) fn message(org: &Sim<sim::Salesforce>) -> Post {
    let mut post = Post::plain(&hook(), org.outbound_message(LEAD));
    post.headers = vec![("Content-Type".to_owned(), "text/xml; charset=UTF-8".to_owned())];
    post
}

/// Waits until the desk has answered so many echoes.
async fn answered(echo: &Echo, count: usize) {
    let mut ticks = interval(std::time::Duration::from_millis(5));
    while echo.answers().len() < count {
        ticks.tick().await;
    }
    assert!(echo.answers().iter().all(|status| *status == Some(200)), "{:?}", echo.answers());
}

#[tokio::test]
async fn an_urgent_lead_goes_back_where_it_came_from_and_no_echo_makes_it_two() {
    let org = org().await;
    let office = office(&org, "task-key-field = \"Nightdesk_Key__c\"").await;
    let echo = Echo::to(format!("http://{}{}", office.intake.unwrap(), hook()));
    org.echo_to(Some(echo.clone()));
    office.hubspot.set_contact("501", &[]);

    let (status, _, answer) = office.exchange(&message(&org)).await;
    assert_eq!((status, String::from_utf8_lossy(&answer).contains("<Ack>true</Ack>")), (200, true));
    assert_eq!(office.post(&Post::hubspot("501", CURIOUS)).await.0, 202);
    office.until_settled(2).await;
    answered(&echo, 1).await;
    // What comes again on its own is no news either.
    assert_eq!(office.exchange(&message(&org)).await.0, 200);
    office.until_settled(2).await;

    let sent = office.modem.sent();
    let [sms] = &sent[..] else { panic!("one text: {sent:?}") };
    for part in ["URGENT", "Ada Byron", "via salesforce", "50 units by tomorrow"] {
        assert!(sms.text.contains(part), "{part} in {}", sms.text);
    }
    assert_eq!(org.field(LEAD, "Auto_Classification__c"), "URGENT_BUYER");
    assert_eq!(org.field(LEAD, "High_Priority__c"), true);
    let tasks = org.tasks_of(LEAD);
    let [note] = &tasks[..] else { panic!("one note: {tasks:?}") };
    assert_eq!((note.text("Status"), note.text("Nightdesk_Key__c").starts_with("nd")), ("Completed", true));
    assert!(note.text("Description").contains("SMS to Dana sent (modem)"), "{note:?}");
    assert!(!note.text("Description").contains(URGENT), "the lead's words are not ours");

    // Each lead in its own CRM only.
    assert_eq!(office.hubspot.property("501", "auto_classification").as_deref(), Some("TIRE_KICKER"));
    assert_eq!(office.hubspot.notes_of("501").len(), 1);
    let jobs = "SELECT l.source || ' ' || j.channel || ' ' || j.kind || ' ' || j.state || ' ' || j.tries FROM jobs j
        JOIN leads l ON l.id = j.lead_id WHERE j.channel LIKE 'crm:%' ORDER BY 1";
    let want = [
        "crm crm:hubspot crm_note done 1",
        "crm crm:hubspot crm_update done 1",
        "salesforce crm:salesforce crm_note done 1",
        "salesforce crm:salesforce crm_update done 1",
    ];
    assert_eq!(office.column(jobs), want);
    assert_eq!(
        office.column("SELECT verdict FROM inbox ORDER BY verdict"),
        ["accepted", "accepted", "duplicate", "duplicate"]
    );
    assert_eq!((office.violations(), org.violations()), (vec![], vec![]));
}

#[tokio::test]
async fn a_converted_lead_an_ended_session_and_no_key_field_change_nothing() {
    let org = org().await;
    let mut office = office(&org, "").await;
    let contact = org.convert(LEAD, "2026-11-23");
    // A session ends between two writes, and the first try at a task loses its answer.
    let lost = sim::Fault::reset_in_answer().applied().on(sim::Match::to("POST", "/composite").body("Subject"));
    let over = sim::Fault::status(401).on(sim::Match::to("POST", "/sobjects/Task"));
    org.script([over, lost]);
    assert_eq!(office.exchange(&message(&org)).await.0, 200);
    office.until_settled(1).await;
    assert_eq!(org.field(&contact, "High_Priority__c"), true);
    assert_eq!((org.tasks_of(&contact).len(), office.modem.sent().len()), (1, 1), "looked up, found, not made again");
    let tries = "SELECT a.mode || ' ' || a.outcome FROM attempts a JOIN jobs j ON j.id = a.job_id
        WHERE j.kind = 'crm_note' ORDER BY a.started_at";
    assert_eq!(office.column(tries), ["run unknown", "look_up done"]);
    assert!(office.terminate().await.success());
    let told = [office.log(), office.lines("SELECT * FROM v_timeline").concat().concat()].concat();
    for secret in org.tokens().iter().map(String::as_str).chain([CLIENT_SECRET, HOOK_SECRET]) {
        assert!(!told.contains(secret), "{secret} was told");
    }
    assert_eq!((office.violations(), org.violations()), (vec![], vec![]));
    assert_eq!(org.field(LEAD, "High_Priority__c"), Value::Null, "a converted lead is left as it is");
}

#[tokio::test]
async fn a_desk_may_sign_in_with_a_key_of_many_lines() {
    let key = any_supported_type(&PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap()).unwrap();
    let login = "https://login.salesforce.com";
    let org = spawn(|org| org.signed_by(&key.public_key().unwrap(), "desk@acme.example", login)).await;
    let by_key = "username = \"desk@acme.example\"\nprivate-key = { file = \"AT/sf-key\" }";
    let mut office = closed(&org, by_key).await;
    office.start().await;
    assert_eq!(office.exchange(&message(&org)).await.0, 200);
    office.until_settled(1).await;
    assert_eq!((org.field(LEAD, "High_Priority__c"), org.tasks_of(LEAD).len()), (Value::Bool(true), 1));
    assert!(office.terminate().await.success());
    let told = [office.log(), office.lines("SELECT * FROM v_timeline").concat().concat()].concat();
    let line = KEY.lines().nth(1).unwrap();
    assert!(!told.contains(line) && !told.contains("eyJ"), "the key or an assertion was told");
    assert_eq!((office.violations(), org.violations()), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_what_a_person_has_to_click() {
    let org = org().await;
    let office = closed(&org, &format!("{BY_SECRET}\ntask-key-field = \"Nightdesk_Key__c\"")).await;
    let check = |depth: &'static str| {
        let mut command = office.command(&["check", depth]);
        async move {
            let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
            (output.status.code(), String::from_utf8(output.stdout).unwrap())
        }
    };
    let (code, told) = check("--online").await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("well: crm.salesforce: token, scopes and properties are good"), "{told}");
    org.remove_field("High_Priority__c");
    for depth in ["--online", "--create-properties"] {
        let (code, told) = check(depth).await;
        assert_eq!(code, Some(69), "{told}");
        let want = "refused: crm.salesforce: Salesforce has no field Lead.High_Priority__c";
        assert!(told.contains(want) && told.contains("Object Manager, Lead, Fields & Relationships"), "{told}");
    }
    assert_eq!(org.violations(), Vec::<String>::new());
}
