//! The port goes, or the modem starts anew, at each step of a text.

use std::time::Duration;

use nightdesk::demo::sim::modem::{Step, Trouble};

use crate::modem::row::{IN_TIME, MAYBE, Row};

/// The prompt was seen: what the driver wrote may be lost, but who knows.
const OPEN: &[&str] = &["sent", "retried", "over", "unknown"];
const UNKNOWN: &[&str] = &["unknown"];
const SENT: &[&str] = &["sent"];

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (what, trouble) in [
        ("port blinks", Trouble::HangUp),
        ("port away for 20 s", Trouble::Gone(Some(Duration::from_secs(20)))),
        ("brown-out", Trouble::BrownOut),
        ("restart", Trouble::Reboot),
        ("restart without a word", Trouble::SilentReset),
    ] {
        for (place, step, ends) in [
            ("before the prompt", Step::Command("AT+CMGS"), IN_TIME),
            ("at the prompt", Step::Prompted, OPEN),
            ("in the PDU", Step::PduByte, UNKNOWN),
            ("after Ctrl-Z", Step::CtrlZ, UNKNOWN),
            ("when the network has it", Step::Accepted, MAYBE),
            ("behind the reference", Step::Referenced, SENT),
        ] {
            let trouble = trouble.clone();
            rows.push(
                Row::new(format!("{what} {place}"))
                    .fault(move |it| it.modem.trouble(step, trouble.clone()))
                    .ends(ends)
                    .works_within(5),
            );
        }
    }
    rows
}
