//! A lead that was converted: the contact gets what was meant for it, in one request.

use super::*;

fn parts(sim: &Sim<sim::Salesforce>) -> Seen {
    let all = asked(sim);
    let [refused, composite] = &all[..] else { panic!("{all:?}") };
    assert_eq!(refused.status, Some(400));
    composite.clone()
}

const FIND: &str = "/services/data/v60.0/sobjects/Lead/00Q5e000001AbCdEAK?fields=ConvertedContactId";

#[tokio::test]
async fn the_fields_go_to_the_contact() {
    let (sim, writer) = desk(org()).await;
    let contact = sim.convert(LEAD, "2026-11-23");
    done(&writer, &work(update(LEAD))).await;
    let want = json!({ "allOrNone": true, "compositeRequest": [
        { "method": "GET", "url": FIND, "referenceId": "lead" },
        { "method": "PATCH", "url": "/services/data/v60.0/sobjects/Contact/@{lead.ConvertedContactId}",
          "referenceId": "written", "body": { "Auto_Classification__c": "URGENT_BUYER", "High_Priority__c": true } },
    ]});
    is_exactly(&sim, &parts(&sim), "POST", "/services/data/v60.0/composite", &[], &want);
    assert_eq!(sim.field(&contact, "Auto_Classification__c"), "URGENT_BUYER");
    assert_eq!(sim.field(LEAD, "Auto_Classification__c"), Value::Null);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_task_is_about_the_contact() {
    for has_key in [false, true] {
        let (sim, writer) = if has_key { keyed(org()).await } else { desk(org()).await };
        let contact = sim.convert(LEAD, "2026-11-23");
        let work = work(note(LEAD));
        done(&writer, &work).await;
        let composite = parts(&sim);
        let body: Value = serde_json::from_str(&composite.body).unwrap();
        let part = &body["compositeRequest"][1];
        assert_eq!(part["body"]["WhoId"], "@{lead.ConvertedContactId}");
        let (method, path) = if has_key {
            ("PATCH", format!("/services/data/v60.0/sobjects/Task/Nightdesk_Key__c/{}", work.job.key()))
        } else {
            ("POST", "/services/data/v60.0/sobjects/Task".to_owned())
        };
        assert_eq!((&part["method"], &part["url"]), (&json!(method), &json!(path)));
        assert_eq!((sim.tasks_of(&contact).len(), sim.tasks_of(LEAD).len()), (1, 0));
        assert_eq!(sim.violations(), Vec::<String>::new());
    }
}

/// Answers to the composite request that the simulator can't be brought to by its state.
#[tokio::test]
async fn each_part_has_its_own_verdict() {
    let part = |reference: &str, status: u16, body: Value| json!({ "body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": reference });
    let error = |code: &str| json!([{ "message": "words", "errorCode": code }]);
    let found = || part("lead", 200, json!({ "ConvertedContactId": "0035e000001AbCdEAK" }));
    let halted = |reference: &str| part(reference, 400, error("PROCESSING_HALTED"));
    let both = |first: Value, second: Value| json!({ "compositeResponse": [first, second] });
    for (name, body, patch, post) in [
        ("written", both(found(), part("written", 204, Value::Null)), "done", "done"),
        (
            "a locked row",
            both(halted("lead"), part("written", 400, error("UNABLE_TO_LOCK_ROW"))),
            "transient",
            "transient",
        ),
        ("no such field", both(halted("lead"), part("written", 400, error("INVALID_FIELD"))), "permanent", "permanent"),
        (
            "no rights",
            both(halted("lead"), part("written", 403, error("INSUFFICIENT_ACCESS_OR_READONLY"))),
            "auth",
            "auth",
        ),
        (
            "rolled back by trouble",
            both(halted("lead"), part("written", 500, error("UNKNOWN_EXCEPTION"))),
            "transient",
            "transient",
        ),
        ("the lead is gone", both(part("lead", 404, error("NOT_FOUND")), halted("written")), "permanent", "permanent"),
        ("no contact", both(found(), halted("written")), "permanent", "permanent"),
        ("half an answer", json!({ "compositeResponse": [found()] }), "transient", "unknown"),
        ("something else", json!({ "ok": true }), "transient", "unknown"),
    ] {
        for (made, want) in [(update(LEAD), patch), (note(LEAD), post)] {
            let (sim, writer) = desk(org()).await;
            let _contact = sim.convert(LEAD, "2026-11-23");
            sim.script([sim::Fault::status_with(200, body.clone()).on(sim::Match::to("POST", "/composite"))]);
            let outcome = writer.perform(&work(made)).await.outcome;
            assert_eq!(class(&outcome), want, "{name}: {outcome:?}");
        }
    }
}
