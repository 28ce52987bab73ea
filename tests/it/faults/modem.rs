//! The modem: what went wrong before it had the text is tried again or goes to Twilio; after that, nobody can ask the
//! network, so a status report decides, or exactly one text marked as a repeat follows.

use nightdesk::demo::sim::modem::{Step, Trouble};

use super::{After, FINE, Row};

/// Steps that end well before the failover clock.
const QUICK: &str = r#"
[modem.modem0]
port = "OFFICE/modem"
parts-per-hour = 100000
parts-per-day = 100000
timings = { prompt = "500ms", result = "700ms", late-verdict = "500ms", reopen = "100ms", retry = "200ms", part-gap = "1ms" }
[outbox]
breaker-after = 100
"#;
/// Steps that only the failover clock ends.
const SLOW: &str = r#"
[modem.modem0]
port = "OFFICE/modem"
parts-per-hour = 100000
parts-per-day = 100000
timings = { prompt = "60s", result = "60s", reopen = "100ms", part-gap = "1ms" }
[sms]
failover-after = "2s"
[outbox]
breaker-after = 100
"#;
/// No other channel.
const ALONE: &str = r#"
[modem.modem0]
port = "OFFICE/modem"
parts-per-hour = 100000
parts-per-day = 100000
timings = { prompt = "500ms", result = "700ms", late-verdict = "500ms", reopen = "100ms", retry = "200ms", part-gap = "1ms" }
[sms]
channels = ["modem0"]
"#;
const ASKS: Step = Step::Command("AT+CMGS");
/// Twilio sent it, the modem did not.
const BY_TWILIO: After = After { texts: [0, 1], ..FINE };
/// Nobody knows whether the modem sent it, so Twilio's says that it is a repeat.
const REPEATED: After = After { repeat: true, ..BY_TWILIO };
const UNSURE: &[&str] = &["modem0 unknown", "modem0 look-up unsure", "twilio done"];
const REPORTED: &[&str] = &["modem0 unknown", "modem0 look-up done"];

fn once(name: &str, step: Step, trouble: Trouble, tries: &'static [&'static str]) -> Row {
    row(name, tries, move |office| office.modem.trouble(step, trouble.clone()))
}

fn always(name: &str, step: Step, trouble: Trouble, tries: &'static [&'static str]) -> Row {
    row(&format!("{name}, always"), tries, move |office| office.modem.trouble_forever(step, trouble.clone()))
}

fn row(name: &str, tries: &'static [&'static str], breaks: impl Fn(&crate::support::Office) + 'static) -> Row {
    Row { kind: "sms", ..Row::new(format!("modem: {name}"), breaks, tries) }.with(QUICK)
}

pub(super) fn rows() -> Vec<Row> {
    [before_the_text(), after_the_text(), alone()].into_iter().flatten().collect()
}

/// The modem never had the text.
fn before_the_text() -> Vec<Row> {
    let again: &[&str] = &["modem0 transient", "modem0 done"];
    let given_up: &[&str] = &["modem0 transient+", "twilio done"];
    vec![
        once("no prompt", ASKS, Trouble::Silent, again),
        always("no prompt", ASKS, Trouble::Silent, given_up).then(BY_TWILIO),
        always("no prompt until the clock", ASKS, Trouble::Silent, given_up).with(SLOW).then(BY_TWILIO),
        once("CMS 38 instead of a prompt", ASKS, Trouble::Cms(38), again),
        once("CMS 500 instead of a prompt", ASKS, Trouble::Cms(500), again),
        once("ERROR instead of a prompt", ASKS, Trouble::Error, again),
        once("restart instead of a prompt", ASKS, Trouble::Reboot, again),
        once("port lost before the text", ASKS, Trouble::HangUp, &["modem0 transient+", "modem0 done"]),
        once("CMS 330", ASKS, Trouble::Cms(330), &["modem0 auth", "twilio done"])
            .then(After { alert: Some("sms:modem0"), ..BY_TWILIO }),
        once("CMS 310", ASKS, Trouble::Cms(310), &["modem0 auth", "twilio done"])
            .then(After { alert: Some("sms:modem0"), ..BY_TWILIO }),
        Row { unplugged: true, ..row("unplugged", &["modem0 transient+", "twilio done"], |_| ()).with(SLOW) }
            .then(BY_TWILIO),
    ]
}

/// The modem had the text, Ctrl-Z included.
fn after_the_text() -> Vec<Row> {
    let noise = Trouble::Say("\u{0}\u{7f}#?!\r\n".to_owned());
    vec![
        once("CMS 38", Step::CtrlZ, Trouble::Cms(38), &["modem0 transient", "modem0 done"]),
        once("CMS 28", Step::CtrlZ, Trouble::Cms(28), &["modem0 permanent", "twilio done"]).then(BY_TWILIO),
        once("CMS 8", Step::CtrlZ, Trouble::Cms(8), &["modem0 auth", "twilio done"])
            .then(After { alert: Some("sms:modem0"), ..BY_TWILIO }),
        once("CMS 500, not sent", Step::CtrlZ, Trouble::Cms(500), UNSURE).then(REPEATED),
        once("CMS 350, not sent", Step::CtrlZ, Trouble::Cms(350), UNSURE).then(REPEATED),
        once("CMS 332, not sent", Step::CtrlZ, Trouble::Cms(332), UNSURE).then(REPEATED),
        once("ERROR, not sent", Step::CtrlZ, Trouble::Error, UNSURE).then(REPEATED),
        once("silent after Ctrl-Z, not sent", Step::CtrlZ, Trouble::Silent, UNSURE).then(REPEATED),
        once("garbage after Ctrl-Z, not sent", Step::CtrlZ, noise, UNSURE).then(REPEATED),
        once("port lost after Ctrl-Z, not sent", Step::CtrlZ, Trouble::HangUp, UNSURE).then(REPEATED),
        once("restart after Ctrl-Z, not sent", Step::CtrlZ, Trouble::Reboot, UNSURE).then(REPEATED),
        once("CMS 500, but sent", Step::Accepted, Trouble::Cms(500), REPORTED),
        once("silent after Ctrl-Z, but sent", Step::Accepted, Trouble::Silent, REPORTED),
        once("silent until the clock", Step::CtrlZ, Trouble::Silent, UNSURE).with(SLOW).then(REPEATED),
        row("CMS 500, but sent, no reports", UNSURE, |office| {
            office.modem.report_with(None);
            office.modem.trouble(Step::Accepted, Trouble::Cms(500));
        })
        .then(After { texts: [1, 1], repeat: true, ..FINE }),
        row(
            "CMS 500, reported as failed for good",
            &["modem0 unknown", "modem0 look-up permanent", "twilio done"],
            |office| {
                office.modem.report_with(Some(0x41));
                office.modem.trouble(Step::Accepted, Trouble::Cms(500));
            },
        )
        .then(After { texts: [1, 1], ..FINE }),
    ]
}

/// One channel alone has no clock; it repeats on itself, once.
fn alone() -> Vec<Row> {
    let twice: &[&str] = &["modem0 unknown", "modem0 look-up unsure", "modem0 unknown", "modem0 look-up unsure"];
    vec![
        once(
            "alone, silent",
            Step::CtrlZ,
            Trouble::Silent,
            &["modem0 unknown", "modem0 look-up unsure", "modem0 done"],
        )
        .with(ALONE)
        .then(After { repeat: true, ..FINE }),
        always("alone, silent", Step::CtrlZ, Trouble::Silent, twice).with(ALONE).then(After {
            texts: [0, 0],
            repeat: true,
            letter: Some(("sms", "unknown")),
            ..FINE
        }),
        once("alone, CMS 330", ASKS, Trouble::Cms(330), &["modem0 auth", "modem0 done"])
            .with(ALONE)
            .then(After { alert: Some("sms:modem0"), ..FINE }),
    ]
}
