//! What was true when a text or a timer was made, and isn't any more.

use super::*;
use crate::model::oncall::{Hours, Mode};
use crate::model::{Failure, Fault};

/// The texts that are still to go out, and the open dead letters.
fn left(office: &mut Office) -> (usize, usize) {
    let lead = office.leads[0];
    let filter = crate::store::DeadLetterFilter::default();
    office.store.transact(|tx| Ok((usize::from(tx.has_open(lead, "sms")?), tx.dead_letters(&filter)?.len()))).unwrap()
}

#[test]
fn a_text_that_waits_for_a_modem_calls_nobody_once_the_lead_is_claimed() {
    let mut office = Office::new(chain());
    let down = || Outcome::Failed(Failure::new(Fault::Transient, "no network"));
    office.ends.push_back(down());
    let sent = office.lead(Label::UrgentBuyer);
    assert_eq!(sent.len(), 1, "it was tried: {sent:?}");
    let code = office.code(0);
    assert!(office.says(DANA, &code).iter().all(|text| !text.contains("URGENT")), "she had it from elsewhere");
    let sent = office.wait(600);
    assert!(sent.iter().all(|text| !text.contains("URGENT")), "nobody is woken for it: {sent:?}");
    assert_eq!(left(&mut office), (0, 0));
}

#[test]
fn a_lead_that_nobody_takes_gives_its_code_and_its_alert_back() {
    for (name, on_call) in [("a team", chain()), ("a person alone", OnCall::alone(person("Dana", DANA)))] {
        let mut office = Office::new(on_call);
        let code = urgent(&mut office);
        office.wait(3_600);
        assert_eq!(office.says(DANA, "help"), [format!("Dana: Waiting: {code}. Answer {code}")], "{name}");
        office.wait(8 * 24 * 3_600);
        assert_eq!(office.state(0), ("withdrawn".into(), false, false), "{name}");
        assert_eq!(office.says(DANA, "help"), ["Dana: No lead is waiting"], "{name}");
    }
}

#[test]
fn a_bare_word_is_about_what_came_today() {
    let mut office = Office::new(OnCall::alone(person("Dana", DANA)));
    urgent(&mut office);
    office.wait(2 * 24 * 3_600);
    let code = urgent(&mut office);
    assert_eq!(office.says(DANA, "ok"), [format!("Dana: {code} is yours. no")]);
}

#[test]
fn hours_that_were_changed_count_after_a_restart() {
    let closed = Hours { open: vec!["sun 00:00-01:00".parse().unwrap()], outside: Mode::Defer, ..Hours::always() };
    let mut office = Office::new(OnCall { hours: closed, ..chain() });
    assert_eq!(office.lead(Label::UrgentBuyer), [""; 0]);
    office.restart();
    assert_eq!(office.run(), [""; 0], "it is still closed");
    office.desk.settings.route.on_call.hours = Hours::always();
    office.restart();
    let sent = office.run();
    assert_eq!(sent, [format!("Dana: {} URGENT no contact", office.code(0))]);
}
