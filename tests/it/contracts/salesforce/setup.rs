//! What `nightdesk check` is told of an org, and that it is never changed by that.

use nightdesk::demo::sim::{Fault, Match};
use nightdesk::model::Failure;
use nightdesk::writeback::Crm;

use super::*;

fn reasons(found: &[Failure]) -> Vec<&str> {
    assert!(found.iter().all(|failure| failure.cure.is_some()), "{found:?}");
    found.iter().map(|failure| failure.reason.as_str()).collect()
}

#[tokio::test]
async fn an_org_that_is_set_up_has_nothing_wrong_with_it() {
    let (sim, writer) = keyed(org()).await;
    assert_eq!(writer.verify().await, vec![]);
    assert_eq!(writer.create_fields().await, vec![]);
    let paths: Vec<String> = asked(&sim).into_iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect();
    let want = ["Lead", "Task"].map(|object| format!("GET /services/data/v60.0/sobjects/{object}/describe"));
    assert_eq!(paths, [want.clone(), want].concat());
    // A list that takes anything, and a text that is long enough, will do.
    sim.set_text_field("Auto_Classification__c", 15);
    assert_eq!(writer.verify().await, vec![]);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_missing_is_named_with_what_to_click() {
    let (sim, writer) = keyed(sim::Salesforce::new(CLIENT, SECRET)).await;
    let found = writer.verify().await;
    let want = ["Lead.Auto_Classification__c", "Lead.High_Priority__c", "Activity.Nightdesk_Key__c"]
        .map(|name| format!("Salesforce has no field {name}, or the desk's user may not see it"));
    assert_eq!(reasons(&found), want);
    let cure = found[0].cure.as_deref().unwrap();
    let click = "Setup, Object Manager, Lead, Fields & Relationships, New: Picklist with the values URGENT_BUYER, TIRE_KICKER, SUPPORT_REQUEST, SPAM, label \"Auto Classification\"";
    assert!(cure.starts_with(click) && cure.contains("permission set"), "{cure}");
    assert_eq!(writer.create_fields().await, found, "a person makes them");
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_does_not_fit_is_named() {
    type Break = fn(&Sim<sim::Salesforce>);
    let cases: [(&str, Break, &str); 7] = [
        (
            "values",
            |sim| sim.set_picklist("Auto_Classification__c", &["URGENT_BUYER", "SPAM"]),
            "Salesforce's field Lead.Auto_Classification__c lacks TIRE_KICKER, SUPPORT_REQUEST",
        ),
        (
            "a short text",
            |sim| sim.set_text_field("Auto_Classification__c", 14),
            "Salesforce's field Auto_Classification__c is of type \"string\" and can't hold what we write",
        ),
        (
            "a flag that is a text",
            |sim| sim.set_text_field("High_Priority__c", 80),
            "Salesforce's field High_Priority__c is of type \"string\" and can't hold what we write",
        ),
        (
            "a class that is locked",
            |sim| sim.lock_field("Auto_Classification__c"),
            "Salesforce doesn't let the desk's user write the field Auto_Classification__c",
        ),
        (
            "a flag that is locked",
            |sim| sim.lock_field("High_Priority__c"),
            "Salesforce doesn't let the desk's user write the field High_Priority__c",
        ),
        (
            "a key that is locked",
            |sim| sim.lock_field(KEY_FIELD),
            "Salesforce doesn't let the desk's user write the field Nightdesk_Key__c",
        ),
        (
            "no message",
            |sim| sim.remove_field("Description"),
            "Salesforce has no field Lead.Description, or the desk's user may not see it",
        ),
    ];
    for (name, breaks, want) in cases {
        let (sim, writer) = keyed(org()).await;
        breaks(&sim);
        assert_eq!(reasons(&writer.verify().await), [want], "{name}");
    }
    let (sim, _) = desk(org()).await;
    let no_key = Settings { task_key_field: Some("Subject".to_owned()), ..settings(sim.base_url()) };
    let found = Salesforce::new(no_key, Wire::new()).verify().await;
    assert_eq!(reasons(&found), ["Salesforce's field Activity.Subject is no external id"]);
}

#[tokio::test]
async fn what_keeps_it_from_being_asked_is_told_once() {
    let at = || Match::to("GET", "/describe");
    for (name, fault, want) in [
        ("no session", Fault::status(400).on(Match::to("POST", "/oauth2/token")), "auth"),
        ("rights", Fault::status(403).on(at()), "auth"),
        ("the day", Sim::<sim::Salesforce>::daily_limit_fault().on(at()), "throttled"),
        ("HTML", Fault::html().on(at()), "permanent"),
        ("down", Fault::status(503).on(at()), "transient"),
    ] {
        let (sim, writer) = keyed(org()).await;
        sim.script([fault]);
        let found = writer.verify().await;
        assert_eq!(found.iter().map(|failure| failure.fault.name()).collect::<Vec<_>>(), [want], "{name}: {found:?}");
    }
    let (sim, _) = desk(org()).await;
    let retired = Settings { api_version: "v30.0".to_owned(), ..settings(sim.base_url()) };
    let found = Salesforce::new(retired, Wire::new()).verify().await;
    assert!(found[0].cure.as_deref().unwrap().contains("newer api-version"), "{found:?}");
}
