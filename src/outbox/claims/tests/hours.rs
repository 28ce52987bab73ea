//! Whom the hour means: quiet hours, gaps, overrides, business hours; and the way a text takes after one that nobody
//! confirmed.

use crate::model::oncall::{Hours, Mode, Override, Stretch, Who};
use crate::model::{Channel, SmsTask};

use super::*;

/// The hour in which these stories begin: 2026-11-18, 11:06:40 UTC, a Wednesday.
const NOON: &str = "wed 11:00-12:00";

fn quiet(on_call: OnCall, names: &[&str]) -> OnCall {
    let people = on_call.people.into_iter().map(|person| {
        let quiet = if names.contains(&person.name.as_str()) { vec![NOON.parse().unwrap()] } else { Vec::new() };
        Person { quiet, ..person }
    });
    OnCall { people: people.collect(), ..on_call }
}

impl Office {
    fn told(&mut self, nth: usize) -> Vec<String> {
        let lead = self.leads[nth];
        self.store.transact(|tx| tx.claim_story(lead)).unwrap()
    }
}

#[test]
fn who_sleeps_is_not_woken() {
    let mut office = Office::new(quiet(chain(), &["Dana"]));
    let sent = office.lead(Label::UrgentBuyer);
    let code = office.code(0);
    assert_eq!(sent, [format!("Lee: {code} URGENT no contact")], "at once");
    assert_eq!(office.told(0), ["skipped: Dana has quiet hours", "called: Lee"]);
    assert_eq!(office.wait(300), [format!("Boss: {code} URGENT no contact")]);
}

#[test]
fn everybody_sleeps() {
    let mut office = Office::new(quiet(chain(), &["Dana", "Lee", "Boss"]));
    assert_eq!(office.lead(Label::UrgentBuyer), [""; 0]);
    assert_eq!(office.state(0), ("unanswered".into(), true, false), "an alert stands, and nothing is waited for");
    let code = office.code(0);
    assert_eq!(office.says(LEE, &code), [format!("Lee: {code} is yours. no")]);
    assert_eq!(office.state(0), ("claimed by Lee".into(), false, false));
}

#[test]
fn a_gap_in_the_rota_is_skipped_and_an_override_fills_it() {
    let mut on_call = chain();
    on_call.chain[0].who = Who::Rota;
    let mut office = Office::new(on_call);
    let sent = office.lead(Label::UrgentBuyer);
    assert_eq!(sent, [format!("Lee: {} URGENT no contact", office.code(0))]);
    assert_eq!(office.told(0), ["skipped: nobody has duty", "called: Lee"]);
    let when = Stretch { from: BEGIN, until: BEGIN.after(Duration::from_hours(1)) };
    let stands_in = Override { when, who: Some("boss".into()) };
    office.store.transact(|tx| tx.add_override(&stands_in, BEGIN).map(drop)).unwrap();
    let sent = office.lead(Label::UrgentBuyer);
    assert_eq!(sent, [format!("Boss: {} URGENT no contact", office.code(1))]);
    office.now = when.until;
    let sent = office.lead(Label::UrgentBuyer);
    assert!(sent.contains(&format!("Lee: {} URGENT no contact", office.code(2))), "it is over: {sent:?}");
}

fn at_noon(outside: Mode) -> OnCall {
    let hours = Hours { open: vec!["wed 12:00-18:00".parse().unwrap()], outside, ..Hours::always() };
    OnCall { hours, ..chain() }
}

#[test]
fn an_hour_in_which_only_the_crm_is_told() {
    let mut office = Office::new(at_noon(Mode::CrmOnly));
    assert_eq!(office.lead(Label::UrgentBuyer), [""; 0]);
    assert_eq!(office.told(0), [""; 0]);
    assert_eq!(office.wait(3_600), [""; 0], "not later either");
    let alerts = office.store.transact(|tx| Ok(tx.alerts()?.len())).unwrap();
    assert_eq!(alerts, 0, "it is meant so");
}

#[test]
fn a_lead_waits_for_the_office_to_open() {
    let mut office = Office::new(at_noon(Mode::Defer));
    assert_eq!(office.lead(Label::UrgentBuyer), [""; 0]);
    assert_eq!(office.told(0), ["deferred: until 2026-11-18T12:00:00.000Z"]);
    assert_eq!(office.wait(3_199), [""; 0]);
    office.restart();
    let sent = office.wait(1);
    let code = office.code(0);
    assert_eq!(sent, [format!("Dana: {code} URGENT no contact")], "at 12:00, once");
    assert_eq!(office.wait(180), [format!("Lee: {code} URGENT no contact")]);
}

#[test]
fn a_deferred_lead_that_turns_out_otherwise_wakes_nobody() {
    let mut office = Office::new(at_noon(Mode::Defer));
    office.lead(Label::UrgentBuyer);
    let lead = office.leads[0];
    assert_eq!(office.label(lead, Label::UrgentBuyer), [""; 0], "labelled again, it still waits");
    office.label(lead, Label::Spam);
    assert_eq!(office.wait(7_200), [""; 0]);
}

#[test]
fn after_a_text_that_no_report_confirmed_the_next_channel_is_tried() {
    for (name, is_delivered, want) in [("no report", false, "sms:twilio"), ("delivered", true, "sms:modem0")] {
        let mut office = Office::with(chain(), &["modem0", "twilio"]);
        office.reports = is_delivered;
        office.lead(Label::UrgentBuyer);
        let lead = office.leads[0];
        let last = |office: &mut Office| -> (SmsTask, Channel) {
            let actions = office.store.transact(|tx| tx.actions(lead)).unwrap();
            let mut texts = actions.into_iter().rev().filter_map(|action| match action.task {
                Task::Sms(sms) => Some((sms, action.channel)),
                _ => None,
            });
            texts.next().unwrap()
        };
        office.wait(180);
        let (sms, channel) = last(&mut office);
        assert_eq!((sms.who.as_str(), channel.as_str()), ("Lee", want), "{name}");
    }
}
