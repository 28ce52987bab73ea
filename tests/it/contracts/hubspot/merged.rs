//! A contact that was merged into another: what was meant for it goes to what it became, once, and never to a stranger.

use nightdesk::demo::sim::{self, Fault, Match, Sim};
use nightdesk::model::{Effect, Failure, Outcome, Work};
use serde_json::{Value, json};

use super::{asked, error, seen};
use crate::vendors::{account, class, hubspot, looked_up, note, task, update, work};

const MAIL: &str = "ada@example.com";

/// 101 is gone; what it became is 202. Another contact is nobody's business.
async fn merged() -> (Sim<sim::HubSpot>, impl Effect) {
    let (sim, hubspot) = hubspot(account().contact("202", &[("email", MAIL)]).contact("303", &[])).await;
    sim.merge("101", "202");
    (sim, hubspot)
}

fn of(work: Work) -> Work {
    let mut work = work;
    work.lead.email = Some(MAIL.to_owned());
    work
}

fn failed(outcome: Outcome) -> Failure {
    let Outcome::Failed(failure) = outcome else { panic!("{outcome:?}") };
    failure
}

/// Reading by the old id fails as well, so that only the address is left.
fn id_is_forgotten() -> Fault {
    Fault::status_with(404, error("OBJECT_NOT_FOUND")).on(Match::to("GET", "/contacts/101"))
}

#[tokio::test]
async fn every_write_goes_to_what_the_contact_became() {
    for by_mail in [false, true] {
        let (sim, hubspot) = merged().await;
        if by_mail {
            sim.script([id_is_forgotten().forever()]);
        }
        for made in [update(), note(), task()] {
            let report = hubspot.perform(&of(work(made))).await;
            assert_eq!(class(&report.outcome), "done", "by mail {by_mail}: {:?}", report.outcome);
            assert_eq!(report.quota.requests, if by_mail { 4 } else { 3 });
        }
        assert_eq!(sim.property("202", "auto_classification").as_deref(), Some("URGENT_BUYER"));
        assert_eq!((sim.notes_of("202").len(), sim.tasks_of("202").len()), (1, 1));
        assert_eq!((sim.notes_of("303").len(), sim.property("303", "high_priority")), (0, None));
        assert_eq!(sim.violations(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn it_is_asked_for_by_its_id_and_then_by_the_address() {
    let (sim, hubspot) = merged().await;
    sim.script([id_is_forgotten()]);
    hubspot.perform(&of(work(update()))).await;
    let read = "properties=hs_merged_object_ids";
    let patch = |id: &str| {
        let properties = json!({ "auto_classification": "URGENT_BUYER", "high_priority": "true" });
        asked("PATCH", &format!("/crm/v3/objects/contacts/{id}"), "", &json!({ "properties": properties }))
    };
    let by_mail = format!("/crm/v3/objects/contacts/{MAIL}");
    let want = [
        patch("101"),
        asked("GET", "/crm/v3/objects/contacts/101", read, &Value::Null),
        asked("GET", &by_mail, &format!("idProperty=email&{read}"), &Value::Null),
        patch("202"),
    ];
    assert_eq!(seen(&sim), want);
}

#[tokio::test]
async fn a_stranger_with_the_same_address_gets_nothing() {
    for (name, stranger) in [("another contact", "202"), ("ids that only look alike", "1011")] {
        let (sim, hubspot) = hubspot(account().contact(stranger, &[("email", MAIL)])).await;
        sim.remove_contact("101");
        sim.set_contact("1010", &[]);
        sim.merge("1010", stranger);
        for made in [update(), note(), task()] {
            let failure = failed(hubspot.perform(&of(work(made))).await.outcome);
            assert_eq!(failure.fault.name(), "permanent", "{name}: {failure:?}");
            assert!(failure.cure.as_deref().unwrap_or_default().contains("deleted or merged"), "{failure:?}");
        }
        assert_eq!(sim.property(stranger, "high_priority"), None, "{name}");
        assert!(sim.notes_of(stranger).is_empty() && sim.tasks_of(stranger).is_empty(), "{name}");
        assert_eq!(sim.violations(), Vec::<String>::new(), "{name}");
    }
}

#[tokio::test]
async fn while_it_cannot_be_told_nothing_is_given_up() {
    for (status, want) in [(500, "transient"), (429, "throttled"), (401, "auth")] {
        let (sim, hubspot) = merged().await;
        sim.script([Fault::status(status).on(Match::to("GET", "/contacts/"))]);
        assert_eq!(failed(hubspot.perform(&of(work(note()))).await.outcome).fault.name(), want);
        assert!(sim.notes_of("202").is_empty());
    }
}

#[tokio::test]
async fn a_note_is_looked_for_where_it_hangs_now() {
    for (name, fault, when) in [
        ("written before the merge", Fault::close().applied().on(Match::to("POST", "/objects/notes")), "before"),
        ("written after it", Fault::close().applied().on(Match::to("POST", "/objects/notes").body("\"202\"")), "after"),
        ("never written", Fault::close().on(Match::to("POST", "/objects/notes").body("\"202\"")), "after"),
    ] {
        let (sim, hubspot) = hubspot(account().contact("202", &[])).await;
        let work = work(note());
        sim.script([fault]);
        if when == "after" {
            sim.merge("101", "202");
        }
        assert_eq!(class(&hubspot.perform(&work).await.outcome), "unknown", "{name}");
        if when == "before" {
            sim.merge("101", "202");
        }
        let found = class(&hubspot.perform(&looked_up(&work)).await.outcome);
        assert_eq!(found, if name == "never written" { "absent" } else { "done" }, "{name}");
        assert!(sim.notes_of("202").len() <= 1, "{name}");
        assert_eq!(sim.violations(), Vec::<String>::new(), "{name}");
    }
}
