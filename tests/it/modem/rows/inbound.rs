//! Texts that come in: kept once, whatever way they came, and only then deleted.

use std::time::Duration;

use nightdesk::demo::sim::modem::{Inbound, Reports};

use crate::modem::row::{ANSWER, IN_TIME, Row};
use crate::modem::scene::DANA;

const GREEK: &[(&str, &str)] = &[(DANA, "K7 ναι, αύριο \u{1F600}")];
const NAMED: &[(&str, &str)] = &[("Acme Ltd", "K7")];
const SHORT: &[(&str, &str)] = &[("12345", "you have 3 new offers")];
/// Two parts of the default alphabet.
const ESSAY: &[(&str, &str)] = &[(
    DANA,
    "K7 yes, I can take this one, but only after the meeting at nine, which may be long; tell them that the red ones are \
     there again, and that the price of last year holds until the end of the month; so be it, Dana",
)];

pub(super) fn rows() -> Vec<Row> {
    [shapes(), places(), troubles()].into_iter().flatten().collect()
}

fn comes(name: &str) -> Row {
    Row::new(format!("text in: {name}")).keeps(ANSWER)
}

fn essay() -> Inbound {
    Inbound::new(DANA, ESSAY[0].1)
}

fn shapes() -> Vec<Row> {
    vec![
        comes("plain").fault(|it| it.modem.text_in(DANA, "K7")),
        comes("UCS-2").fault(|it| it.modem.text_in(DANA, GREEK[0].1)).keeps(GREEK),
        comes("from a name").fault(|it| it.modem.text_in("Acme Ltd", "K7")).keeps(NAMED),
        comes("from a short code").fault(|it| it.modem.text_in("12345", SHORT[0].1)).keeps(SHORT),
        comes("two parts").fault(|it| it.modem.inbound(&essay())).keeps(ESSAY),
        comes("two parts, the last first").fault(|it| it.modem.inbound(&essay().backwards())).keeps(ESSAY),
        comes("two parts, each twice").fault(|it| it.modem.inbound(&essay().twice())).keeps(ESSAY),
        comes("two parts, wide reference").fault(|it| it.modem.inbound(&essay().wide_reference())).keeps(ESSAY),
        comes("two parts in UCS-2").fault(|it| it.modem.inbound(&essay().ucs2().backwards())).keeps(ESSAY),
        comes("flash").fault(|it| it.modem.inbound(&Inbound::new(DANA, "K7").class(0))),
        comes("for the SIM").fault(|it| it.modem.inbound(&Inbound::new(DANA, "K7").class(2))),
        comes("unreadable").fault(|it| it.modem.receive("0004")).keeps(&[]).check(|it| match it.books.texts_in() {
            texts if texts.len() == 1 => Ok(()),
            texts => Err(format!("kept: {texts:?}")),
        }),
    ]
}

/// Where they lie, and what lies there.
fn places() -> Vec<Row> {
    vec![
        comes("before the desk starts").before(|it| it.modem.text_in(DANA, "K7")),
        comes("into a full memory, from the start").before(|it| {
            it.modem.fill(0);
            it.modem.text_in(DANA, "K7");
        }),
        comes("into a memory that fills up")
            .fault(|it| {
                it.modem.fill(0);
                it.modem.text_in(DANA, "K7");
            })
            .kept_within(7),
        comes("the last place")
            .fault(|it| {
                it.modem.fill(1);
                it.modem.text_in(DANA, "K7");
            })
            .kept_within(7),
        comes("beside drafts")
            .before(|it| {
                it.modem.leave_drafts();
                it.drafts = it.modem.stored().into_iter().map(|(_, _, pdu)| pdu).collect();
            })
            .fault(|it| it.modem.text_in(DANA, "K7"))
            .check(|it| match it.modem.stored().len() {
                2 => Ok(()),
                left => Err(format!("{left} drafts are left")),
            }),
        comes("into another memory").fault(|it| {
            it.modem.store_in("SM");
            it.modem.text_in(DANA, "K7");
        }),
        comes("not announced")
            .fault(|it| {
                it.modem.lose_announcements(1);
                it.modem.text_in(DANA, "K7");
            })
            .kept_within(7),
        comes("not announced, into another memory")
            .fault(|it| {
                it.modem.store_in("SM");
                it.modem.lose_announcements(1);
                it.modem.text_in(DANA, "K7");
            })
            .kept_within(7),
    ]
}

fn troubles() -> Vec<Row> {
    vec![
        comes("while a text goes out").later(0, |it| it.modem.text_in(DANA, "K7")),
        comes("twenty at once").fault(|it| {
            for n in 0..12 {
                it.modem.text_in("+15557770000", &format!("offer {n}"));
            }
            it.modem.text_in(DANA, "K7");
        }),
        comes("with the reports of a long text")
            .long()
            .setup(|it| it.reports(Reports { times: 2, ..Reports::default() }))
            .later(4, |it| it.modem.text_in(DANA, "K7")),
        comes("after it forgot where to")
            .fault(|it| {
                it.modem.lose_indications();
                it.modem.text_in(DANA, "K7");
            })
            .kept_within(7),
        comes("after a restart without a word")
            .fault(|it| {
                it.modem.reset_silently();
                it.modem.text_in(DANA, "K7");
            })
            .kept_within(7),
        comes("while the port is away")
            .fault(|it| {
                it.modem.lose_port(Some(Duration::from_secs(10)));
                it.modem.text_in(DANA, "K7");
            })
            .ends(IN_TIME),
        comes("while there is no network")
            .fault(|it| {
                it.modem.set_network(2);
                it.modem.text_in(DANA, "K7");
            })
            .later(10, |it| it.modem.set_network(1)),
        comes("while nothing can be kept")
            .meanwhile(|it| {
                it.books.shut(true);
                it.modem.text_in(DANA, "K7");
            })
            .ends(IN_TIME)
            .over(|it| it.books.shut(false))
            .kept_within(7),
        comes("while the desk is restarted").restarts().later(0, |it| it.modem.text_in(DANA, "K7")),
        comes("in a storm").fault(|it| {
            it.modem.storm(40, Duration::from_secs(30));
            it.modem.text_in(DANA, "K7");
        }),
    ]
}
