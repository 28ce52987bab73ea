//! The modem has the text, Ctrl-Z included: what it says then, and what nobody can know.

use std::time::Duration;

use nightdesk::demo::sim::modem::{Cure, Step, Trouble};

use crate::modem::row::{DELIVERED, MAYBE, PERSON, REFUSED, Row, UNSURE};

/// The network can't tell any more.
const FOUND: &[&str] = &["found"];
/// Longer than anybody waits; Quectel's worst case.
const VERY_LATE: Duration = Duration::from_secs(135);

pub(super) fn rows() -> Vec<Row> {
    [told(), lost(), odd(), long()].into_iter().flatten().collect()
}

fn told() -> Vec<Row> {
    let row = |number: u16, ends| {
        Row::new(format!("CMS {number} after the text"))
            .fault(move |it| it.modem.trouble(Step::CtrlZ, Trouble::Cms(number)))
            .ends(ends)
    };
    let mut rows: Vec<Row> = [38, 41, 42, 47, 192, 194, 302, 331].map(|number| row(number, DELIVERED)).to_vec();
    rows.extend([1, 21, 28, 30, 96, 196, 304].map(|number| row(number, REFUSED)));
    rows.extend([8, 10, 29, 50, 69].map(|number| row(number, PERSON)));
    rows
}

/// The verdict doesn't come, or says nothing; the network has the text or not.
fn lost() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, trouble) in [
        ("CMS 500", Trouble::Cms(500)),
        ("CMS 350", Trouble::Cms(350)),
        ("CMS 332", Trouble::Cms(332)),
        ("ERROR", Trouble::Error),
        ("CME 100", Trouble::Cme(100)),
        ("nothing", Trouble::Silent),
        ("noise", Trouble::Say("\u{0}\u{7f}#?!\r\n".into())),
        ("a stall of 100 s", Trouble::Stall(Duration::from_secs(100))),
    ] {
        for (how, step, ends) in [("not sent", Step::CtrlZ, UNSURE), ("but sent", Step::Accepted, MAYBE)] {
            let trouble = trouble.clone();
            rows.push(
                Row::new(format!("{name} after the text, {how}"))
                    .fault(move |it| it.modem.trouble(step, trouble.clone()))
                    .ends(if name.starts_with("CM") && how == "but sent" { FOUND } else { ends })
                    .works_within(5),
            );
        }
    }
    rows
}

/// The dialogue after the text breaks off in other ways.
fn odd() -> Vec<Row> {
    vec![
        Row::new("CMS 500, but sent, no reports")
            .setup(|it| it.report_status(None))
            .fault(|it| it.modem.trouble(Step::Accepted, Trouble::Cms(500)))
            .ends(UNSURE),
        Row::new("verdict after 135 s")
            .fault(|it| it.modem.trouble(Step::Accepted, Trouble::Late(VERY_LATE)))
            .ends(MAYBE)
            .works_within(8),
        Row::new("network has it after 135 s")
            .fault(|it| it.modem.trouble(Step::CtrlZ, Trouble::Late(VERY_LATE)))
            .ends(UNSURE)
            .works_within(8),
        Row::new("deaf at the prompt").fault(|it| it.modem.trouble(Step::Prompted, Trouble::Silent)).ends(UNSURE),
        Row::new("deaf in the PDU").fault(|it| it.modem.trouble(Step::PduByte, Trouble::Silent)).ends(UNSURE),
        Row::new("no OK behind the reference")
            .fault(|it| it.modem.trouble(Step::Referenced, Trouble::Silent))
            .ends(&["sent"]),
        Row::new("a reference that is no number")
            .fault(|it| it.modem.trouble(Step::Accepted, Trouble::Say("\r\n+CMGS: \r\n\r\nOK\r\n".into())))
            .ends(&["sent"]),
        Row::new("nothing after each text until reset")
            .fault(|it| it.modem.trouble_until(Step::CtrlZ, Trouble::Silent, Cure::Reset))
            .ends(UNSURE)
            .works_within(15),
        Row::new("CMS 500 after each text until reset")
            .fault(|it| it.modem.trouble_until(Step::CtrlZ, Trouble::Cms(500), Cure::Reset))
            .ends(UNSURE)
            .works_within(15),
    ]
}

/// Texts of several parts: the phone shows one text, whatever happened to its second part.
fn long() -> Vec<Row> {
    let second = |name: &str, step: Step, trouble: Trouble| {
        Row::new(format!("second part: {name}"))
            .long()
            .fault(move |it| it.modem.trouble_after(1, step, trouble.clone()))
    };
    vec![
        Row::new("three parts").long().fate("delivered"),
        second("CMS 38", Step::CtrlZ, Trouble::Cms(38)),
        second("no prompt", Step::Command("AT+CMGS"), Trouble::Silent),
        second("restart before it", Step::Command("AT+CMGS"), Trouble::Reboot),
        second("port lost before it", Step::Command("AT+CMGS"), Trouble::HangUp),
        second("CMS 28", Step::CtrlZ, Trouble::Cms(28)).ends(REFUSED),
        second("nothing, not sent", Step::CtrlZ, Trouble::Silent).ends(UNSURE),
        second("nothing, but sent", Step::Accepted, Trouble::Silent).ends(MAYBE),
    ]
}
