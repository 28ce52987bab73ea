//! Twilio: a text may not be sent twice, so what has no verdict is looked up; what is refused goes to the modem.

use std::time::Duration;

use nightdesk::demo::sim::{Fault, Match};

use super::{After, FINE, Row, no_answer, no_verdict};
use crate::support::Office;

/// Twilio first, and time enough for its timeout, a look-up and one more try before the modem takes over.
const FIRST: &str = "[sms]\nchannels = [\"twilio\", \"modem0\"]\nfailover-after = \"10s\"";
const ON_CALL: &str = "+15551230001";
const TOOK: After = After { texts: [0, 1], ..FINE };
const ALERT: Option<&str> = Some("sms:twilio");

fn row(name: &str, breaks: impl Fn(&Office) + 'static, tries: &'static [&'static str]) -> Row {
    Row { kind: "sms", ..Row::new(format!("Twilio: {name}"), breaks, tries) }.with(FIRST)
}

fn scripted(name: &str, fault: Fault, tries: &'static [&'static str]) -> Row {
    let fault = fault.on(Match::to("POST", "/Messages"));
    row(name, move |office| office.twilio.script([fault.clone()]), tries)
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, fault) in no_verdict().into_iter().chain(no_answer()) {
        let sent_again: &[&str] = &["twilio unknown", "twilio look-up absent", "twilio done"];
        rows.push(scripted(name, fault.clone(), sent_again).then(TOOK));
        if name != "reset before the body" {
            let found: &[&str] = &["twilio unknown", "twilio look-up done"];
            rows.push(scripted(&format!("{name}, but sent"), fault.applied(), found).then(TOOK));
        }
    }
    rows.extend(refused());
    rows.extend(taken());
    rows
}

/// Twilio took the text, and is asked what became of it.
fn taken() -> Vec<Row> {
    let ends = |fate: &'static str| After { fate: Some(fate), ..TOOK };
    let lost = |name: &str, code: u32, tries| row(name, move |office| office.twilio.lose(ON_CALL, code), tries);
    vec![
        row("on its way for a while", |office| office.twilio.deliver_after(2), &["twilio done"])
            .then(ends("delivered")),
        lost("taken, but not delivered", 30003, &["twilio done", "modem0 done"])
            .then(After { texts: [1, 1], ..ends("failed") }),
        lost("taken, then opted out", 21610, &["twilio done"]).then(ends("failed")),
        row(
            "asking is refused at first",
            |office| office.twilio.script([Fault::status(401).on(Match::to("GET", "/Messages/SM"))]),
            &["twilio done"],
        )
        .then(After { alert: Some("desk:twilio"), ..ends("delivered") }),
        row(
            "asking fails at first",
            |office| office.twilio.script([Fault::reset().on(Match::to("GET", "/Messages/SM"))]),
            &["twilio done"],
        )
        .then(ends("delivered")),
    ]
}

fn refused() -> Vec<Row> {
    let later = |seconds| After { pause: Duration::from_secs(seconds), ..TOOK };
    let code = |name: &str, code: u32, tries| row(name, move |office| office.twilio.refuse(ON_CALL, code), tries);
    vec![
        scripted("429 with Retry-After", Fault::throttled(Some("2")), &["twilio throttled", "twilio done"])
            .then(later(2)),
        scripted("429 without", Fault::throttled(None), &["twilio throttled", "twilio done"]).then(later(5)),
        scripted("429 beyond the clock", Fault::throttled(Some("60")), &["twilio throttled", "modem0 done"]),
        scripted("401", Fault::status(401), &["twilio auth", "modem0 done"]).then(After { alert: ALERT, ..FINE }),
        scripted("403", Fault::status(403), &["twilio auth", "modem0 done"]).then(After { alert: ALERT, ..FINE }),
        row("nobody listens", |office| office.twilio.down(), &["twilio transient+", "modem0 done"])
            .then(After { alert: ALERT, ..FINE }),
        code("not a number", 21211, &["twilio permanent", "modem0 done"]),
        code("no route", 21612, &["twilio permanent", "modem0 done"]),
        code("opted out", 21610, &["twilio permanent"]).then(After {
            texts: [0, 0],
            letter: Some(("sms", "permanent")),
            ..FINE
        }),
        code("its queue is full", 21611, &["twilio transient+", "modem0 done"]).then(After { alert: ALERT, ..FINE }),
        row(
            "the look-up is refused",
            |office| {
                office.twilio.script([Fault::reset().on(Match::to("POST", "/Messages"))]);
                office.twilio.script([Fault::status(401).on(Match::to("GET", "/Messages"))]);
            },
            &["twilio unknown", "twilio look-up auth", "modem0 done"],
        )
        .then(After { repeat: true, alert: ALERT, ..FINE }),
        row(
            "no look-up helps",
            |office| {
                office.twilio.script([Fault::reset().applied().on(Match::to("POST", "/Messages"))]);
                office.twilio.script([Fault::status(400).on(Match::to("GET", "/Messages"))]);
            },
            &["twilio unknown", "twilio look-up unsure", "modem0 done"],
        )
        .then(After { texts: [1, 1], repeat: true, ..FINE }),
    ]
}
