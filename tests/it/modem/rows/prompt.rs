//! Before the modem has the text: nothing has left, so it is tried again, or goes another way in time.

use std::time::Duration;

use nightdesk::demo::sim::modem::{Cure, Step, Trouble};

use crate::modem::row::{DELIVERED, IN_TIME, PERSON, REFUSED, Row};
use crate::modem::scene::Scene;

const ASKS: Step = Step::Command("AT+CMGS");

pub(super) fn rows() -> Vec<Row> {
    [once(), until_cured(), centre()].into_iter().flatten().collect()
}

/// By class: what the network or the modem says instead of the prompt, once.
fn once() -> Vec<Row> {
    let cms = |numbers: &[u16], ends: &'static [&'static str]| -> Vec<Row> {
        let row = |number: u16| {
            Row::new(format!("CMS {number} instead of the prompt"))
                .fault(move |it| it.modem.trouble(ASKS, Trouble::Cms(number)))
                .ends(ends)
        };
        numbers.iter().map(|number| row(*number)).collect()
    };
    let other = |name: &str, trouble: Trouble, ends| {
        Row::new(format!("{name} instead of the prompt"))
            .fault(move |it| it.modem.trouble(ASKS, trouble.clone()))
            .ends(ends)
    };
    let mut rows = vec![
        other("nothing", Trouble::Silent, DELIVERED),
        other("ERROR", Trouble::Error, DELIVERED),
        other("noise", Trouble::Say("\u{0}\u{7f}#?!\r\n".into()), DELIVERED),
        other("CME 14", Trouble::Cme(14), DELIVERED),
        other("CME 100", Trouble::Cme(100), DELIVERED),
        other("CME 515", Trouble::Cme(515), DELIVERED),
        other("a stall of 8 s", Trouble::Stall(Duration::from_secs(8)), DELIVERED),
    ];
    rows.extend(cms(&[38, 42, 208, 300, 302, 314, 320, 321, 322, 331, 350, 500, 512], DELIVERED));
    rows.extend(cms(&[8, 50, 69, 310, 311, 313], PERSON));
    rows.extend(cms(&[28, 303, 304], REFUSED));
    rows.push(Row::new("please wait, for 4 s after each text").setup(|it| it.please_wait(Duration::from_secs(4))));
    rows.push(Row::new("please wait, between parts").setup(|it| it.please_wait(Duration::from_secs(4))).long());
    rows
}

fn until_cured() -> Vec<Row> {
    let mut rows = Vec::new();
    for cure in [Cure::Reopen, Cure::Radio, Cure::Reset, Cure::Power] {
        for (name, trouble) in [
            ("no prompt", Trouble::Silent),
            ("ERROR", Trouble::Error),
            ("CMS 302", Trouble::Cms(302)),
            ("CMS 320", Trouble::Cms(320)),
        ] {
            let row = Row::new(format!("{name} until {cure:?}").to_lowercase())
                .before(Scene::switchable)
                .fault(move |it| it.modem.trouble_until(ASKS, trouble.clone(), cure))
                .ends(IN_TIME)
                .works_within(30);
            rows.push(row);
        }
    }
    rows
}

fn centre() -> Vec<Row> {
    vec![
        Row::new("service centre lost, configured")
            .before(|it| it.settings.smsc = Some("+12085551000".into()))
            .fault(|it| it.modem.set_centre("")),
        Row::new("service centre lost, not configured")
            .fault(|it| it.modem.set_centre(""))
            .ends(PERSON)
            .over(|it| it.modem.set_centre("+12085551000")),
    ]
}
