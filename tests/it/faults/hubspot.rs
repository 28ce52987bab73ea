//! HubSpot: a PATCH of absolute values may be repeated; a note may not, so it is looked up.

use std::time::Duration;

use nightdesk::demo::sim::{Fault, Match};
use serde_json::json;

use super::{After, FINE, Row, no_answer, no_verdict};

const ALERT: After = After { alert: Some("crm:hubspot"), ..FINE };
const NOT_WRITTEN: After = After { written: false, letter: Some(("crm", "permanent")), ..FINE };
const NO_NOTE: After = After { notes: 0, letter: Some(("crm", "permanent")), ..FINE };

fn wait(seconds: u64) -> After {
    After { pause: Duration::from_secs(seconds), ..FINE }
}

fn update(name: &str, fault: Fault, tries: &'static [&'static str]) -> Row {
    let fault = fault.on(Match::to("PATCH", "/contacts/"));
    let row = Row::new(format!("CRM update: {name}"), move |office| office.hubspot.script([fault.clone()]), tries);
    Row { kind: "crm_update", ..row }
}

fn note(name: &str, fault: Fault, tries: &'static [&'static str]) -> Row {
    let fault = fault.on(Match::to("POST", "/objects/notes"));
    let row = Row::new(format!("CRM note: {name}"), move |office| office.hubspot.script([fault.clone()]), tries);
    Row { kind: "crm_note", ..row }
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, fault) in no_verdict().into_iter().chain(no_answer()) {
        rows.push(update(name, fault.clone(), &["transient", "done"]));
        rows.push(note(name, fault.clone(), &["unknown", "look-up absent", "done"]));
        if name != "reset before the body" {
            rows.push(note(&format!("{name}, but written"), fault.applied(), &["unknown", "look-up done"]));
        }
    }
    rows.extend(updates());
    rows.extend(notes());
    rows
}

fn updates() -> Vec<Row> {
    let unknown_property = json!({ "status": "error", "category": "VALIDATION_ERROR",
        "message": "Property values were not valid: PROPERTY_DOESNT_EXIST auth_classification" });
    vec![
        update("423", Fault::status(423), &["transient", "done"]),
        update("429 with Retry-After", Fault::throttled(Some("2")), &["throttled", "done"]).then(wait(2)),
        update("429 without", Fault::throttled(None), &["throttled", "done"]).then(wait(10)),
        update("477", Fault::status_with(477, json!({})), &["transient", "done"]),
        update("401", Fault::status(401), &["auth", "done"]).then(ALERT),
        update("403", Fault::status(403), &["auth", "done"]).then(ALERT),
        update("400", Fault::status_with(400, unknown_property), &["permanent"]).then(NOT_WRITTEN),
        update("404", Fault::status(404), &["permanent"]).then(NOT_WRITTEN),
    ]
}

fn notes() -> Vec<Row> {
    vec![
        note("423", Fault::status(423), &["transient", "done"]),
        note("429 with Retry-After", Fault::throttled(Some("2")), &["throttled", "done"]).then(wait(2)),
        note("429 without", Fault::throttled(None), &["throttled", "done"]).then(wait(10)),
        note("401", Fault::status(401), &["auth", "done"]).then(ALERT),
        note("403", Fault::status(403), &["auth", "done"]).then(ALERT),
        note("400", Fault::status(400), &["permanent"]).then(NO_NOTE),
        note("404", Fault::status(404), &["permanent"]).then(NO_NOTE),
    ]
}
