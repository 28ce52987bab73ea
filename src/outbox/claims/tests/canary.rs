//! Weeks of tests: whose phone is tested when, what counts as reached, and what silence means.

use crate::model::{Failure, Fate, Fault};
use crate::outbox::CanarySettings;
use crate::store::Canary;

use super::*;

const DAY: u64 = 24 * 3_600;
const TEST: &str = "nightdesk test: answer OK";

/// Dana, Lee and Boss, who are tested every week; each has an hour to be reached.
fn tested(on_call: OnCall, channels: &[&str]) -> Office {
    let mut settings = settings(channels);
    settings.route = route::Settings { on_call, ..settings.route };
    let (every, patience) = (Some(Duration::from_hours(7 * 24)), Duration::from_hours(1));
    settings.canary = CanarySettings { every, patience };
    Office::of(settings)
}

/// Dana alone, whose test has just gone out by Twilio or by what is named.
fn dana_is_tested(channels: &[&str], ends: Vec<Outcome>) -> Office {
    let mut office = tested(OnCall::alone(person("Dana", DANA)), channels);
    office.ends = ends.into();
    assert_eq!(office.run(), [""; 0]);
    assert_eq!(office.wait(DAY), [format!("Dana: {TEST}")]);
    office
}

fn failed(fault: Fault) -> Outcome {
    Outcome::Failed(Failure::new(fault, "the modem says no"))
}

impl Office {
    fn alert(&mut self) -> Option<String> {
        self.store.transact(|tx| tx.alert_text("canary:dana")).unwrap()
    }

    fn last_test(&mut self, key: &str) -> Canary {
        self.store.transact(|tx| tx.last_canary(key)).unwrap().unwrap()
    }

    /// The vendor says by himself what became of the text.
    fn vendor_tells(&mut self, fate: Fate) {
        let (desk, now) = (&self.desk, self.now);
        assert!(self.store.transact(|tx| desk.told(tx, "twilio", "1", (fate, None), now, 1.0)).unwrap());
        assert_eq!(self.run(), [""; 0]);
    }

    fn test(&mut self, key: &str) -> Result<Vec<String>, String> {
        let (desk, now) = (&self.desk, self.now);
        self.store.transact(|tx| desk.test(tx, key, now)).unwrap()?;
        Ok(self.run())
    }
}

#[test]
fn each_phone_is_tested_once_a_week_one_after_the_other() {
    let mut office = tested(chain(), &["modem0"]);
    office.reports = true;
    assert_eq!(office.run(), [""; 0], "whoever was just written in is not tested");
    assert_eq!(office.wait(DAY - 1), [""; 0]);
    assert_eq!(office.wait(1), [""; 0], "a look is every five minutes");
    let test = |name: &str| vec![format!("{name}: {TEST}")];
    assert_eq!(office.wait(300), test("Dana"));
    assert_eq!((office.wait(270), office.wait(30)), (Vec::new(), test("Lee")));
    assert_eq!(office.wait(300), test("Boss"));
    for day in 1..7 {
        assert_eq!(office.wait(DAY), [""; 0], "day {day}");
    }
    assert_eq!(office.wait(DAY - 600), test("Dana"));
    assert_eq!((office.wait(300), office.wait(300), office.wait(300)), (test("Lee"), test("Boss"), Vec::new()));
    assert_eq!(office.alert(), None, "the network reports each");
}

#[test]
fn nobody_is_tested_unasked_where_that_is_not_configured() {
    let mut office = Office::new(chain());
    for _ in 0..30 {
        assert_eq!(office.wait(DAY), [""; 0]);
    }
    assert_eq!(office.test("lee").unwrap(), [format!("Lee: {TEST}")]);
    assert_eq!(office.test("zoe").unwrap_err(), "\"zoe\" is nobody's key in the configuration that the desk runs with");
    assert_eq!(tested(chain(), &[]).test("lee").unwrap_err(), "no channel for texts is configured");
}

#[test]
fn tests_keep_to_the_day() {
    let with = |quiet: &[&str], open: &[&str]| {
        let hours = |list: &[&str]| list.iter().map(|hours| hours.parse().unwrap()).collect();
        let mut on_call = OnCall::alone(Person { quiet: hours(quiet), ..person("Dana", DANA) });
        on_call.hours.open = hours(open);
        on_call
    };
    // Hours after Thursday, 11:06, when the first test is due.
    for (name, quiet, open, hours) in [
        ("an office's hours", &[] as &[&str], &[] as &[&str], 0),
        ("she sleeps", &["thu 11:00-14:00"], &[], 3),
        ("it is closed", &[], &["fri-sat 10:00-12:00"], 23),
        ("never open while she is awake", &["thu 00:00-24:00"], &["thu 10:00-12:00"], 14 * 24),
        ("the office is closed at night and on Sunday", &["thu-sat 00:00-24:00"], &[], 94),
    ] {
        let mut office = tested(with(quiet, open), &["modem0"]);
        office.run();
        office.now = office.now.after(Duration::from_secs(DAY));
        let waited = (0..14 * 24).find(|hour| !office.wait(if *hour == 0 { 0 } else { 3_600 }).is_empty());
        assert_eq!(waited.unwrap_or(14 * 24), hours, "{name}");
    }
}

#[test]
fn a_report_or_any_text_from_that_number_will_do() {
    const SILENT: &str = "Dana's phone was not reached by a test on twilio: no delivery report and no answer";
    let thanks = || vec!["Dana: Thank you, your phone".to_owned()];
    for (name, number, says, report, told, alert) in [
        ("nothing", "", "", None, vec![], Some(SILENT)),
        ("a report", "", "", Some(Fate::Delivered), vec![], None),
        ("it is on its way", "", "", Some(Fate::StillTrying), vec![], Some(SILENT)),
        ("she answers", DANA, "OK", None, thanks(), None),
        ("she answers to a report", DANA, "ok 👍", Some(Fate::Delivered), thanks(), None),
        ("other words", DANA, "what is this about?", None, vec![], None),
        ("a stranger", "+15559999999", "OK", None, vec![], Some(SILENT)),
        ("somebody without a number", "Telekom", "OK", None, vec![], Some(SILENT)),
        (
            "the network lost it",
            "",
            "",
            Some(Fate::FailedForGood),
            vec![],
            Some(
                "Dana's phone was not reached by a test on twilio: the network reports that the text can't be delivered",
            ),
        ),
    ] {
        let mut office = dana_is_tested(&["twilio"], Vec::new());
        if let Some(fate) = report {
            office.vendor_tells(fate);
        }
        let answered = if number.is_empty() { Vec::new() } else { office.says(number, says) };
        assert_eq!(answered, told, "{name}");
        if report == Some(Fate::FailedForGood) {
            assert_eq!(office.alert().as_deref(), alert, "{name}: at once");
        }
        assert_eq!(office.wait(3_600), [""; 0], "{name}");
        assert_eq!(office.alert().as_deref(), alert, "{name}");
        // Late is better than never.
        office.says(DANA, "here");
        assert_eq!(office.alert(), None, "{name}");
    }
}

#[test]
fn an_ok_is_answered_once_and_only_where_it_is_about_the_test() {
    let mut office = dana_is_tested(&["modem0"], Vec::new());
    assert_eq!(office.says(DANA, "ok"), ["Dana: Thank you, your phone"]);
    assert_eq!(office.says(DANA, "ok"), [""; 0], "two machines don't go on");
    let mut office = dana_is_tested(&["modem0"], Vec::new());
    let code = urgent(&mut office);
    assert_eq!(office.says(DANA, "ok"), [format!("Dana: {code} is yours. no")], "a lead comes first");
    assert_eq!(office.says(DANA, "ok"), ["Dana: No lead is waiting"], "and an OK after that is about it");
    assert_eq!((office.wait(3_600), office.alert()), (Vec::new(), None), "but her phone is reached");
}

#[test]
fn a_test_never_asks_for_an_ok_while_a_lead_waits() {
    let mut office = tested(OnCall::alone(person("Dana", DANA)), &["modem0"]);
    office.run();
    office.now = office.now.after(Duration::from_secs(DAY));
    let code = urgent(&mut office);
    assert_eq!(office.wait(60), [""; 0], "nor is anybody tested unasked who is being called");
    assert_eq!(office.test("dana").unwrap(), ["Dana: nightdesk test: answer TEST"]);
    assert_eq!(office.says(DANA, "TEST"), [""; 0]);
    assert_eq!(office.state(0).0, "open");
    assert_eq!(office.says(DANA, &code), [format!("Dana: {code} is yours. no")]);
    assert_eq!((office.wait(7_200), office.alert()), (Vec::new(), None), "her phone is reached");
}

#[test]
fn a_test_is_one_text_whatever_becomes_of_it() {
    let at_once = |why: &str| (0, format!("Dana's phone was not reached by a test on modem0: {why}"));
    let in_time = |why: &str| (3_600, at_once(why).1);
    for (name, ends, texts, (after, want)) in [
        ("refused", vec![failed(Fault::Permanent)], 1, at_once("it could not be sent: the modem says no")),
        (
            "nobody knows",
            vec![failed(Fault::Unknown), Outcome::Unsure],
            2,
            in_time("nobody can tell whether it was sent, and there was no answer"),
        ),
        ("it surely did not leave", vec![failed(Fault::Unknown), Outcome::Absent, failed(Fault::Permanent)], 3, {
            (10, at_once("it could not be sent: the modem says no").1)
        }),
    ] {
        let mut office = dana_is_tested(&["modem0", "twilio"], ends);
        let asked: Vec<String> = (0..after / 10).flat_map(|_| office.wait(10)).collect();
        assert_eq!(office.alert(), Some(want), "{name}");
        assert_eq!(
            (office.texts.len(), asked.len()),
            (texts, texts - 1),
            "{name}: looked up and tried on, not repeated"
        );
        assert!(office.texts.iter().all(|text| !text.contains("repeat")), "{name}");
        let filter = crate::store::DeadLetterFilter::default();
        assert!(office.store.transact(|tx| tx.dead_letters(&filter)).unwrap().is_empty(), "{name}");
        assert_eq!(office.store.transact(|tx| tx.alert_text("sms:undelivered")).unwrap(), None, "{name}");
        assert_eq!(office.wait(2 * DAY), [""; 0], "{name}: the next one comes next week");
    }
}

#[test]
fn a_modem_that_cannot_send_for_an_hour_is_told_and_the_test_is_over() {
    let mut office = dana_is_tested(&["modem0", "twilio"], vec![failed(Fault::Auth); 200]);
    for _ in 0..120 {
        office.wait(30);
    }
    let why = "it could not be sent: gave up at its deadline: the modem says no";
    let want = format!("Dana's phone was not reached by a test on modem0: {why}");
    assert_eq!(office.alert(), Some(want));
    office.wait(60);
    assert_eq!((office.wait(3_600), office.wait(2 * DAY)), (Vec::new(), Vec::new()), "it is not sent later");
}

#[test]
fn a_start_sends_none_again_and_forgets_none() {
    let mut office = dana_is_tested(&["modem0"], Vec::new());
    office.restart();
    assert_eq!(office.wait(3_599), [""; 0]);
    office.restart();
    assert_eq!(office.alert(), None);
    assert_eq!(office.wait(1), [""; 0]);
    assert!(office.alert().is_some());
    office.restart();
    assert!(office.alert().is_some(), "a start answers nothing");
    assert_eq!(office.last_test("dana").state, crate::store::CanaryState::Silent);

    let mut office = tested(OnCall::alone(person("Dana", DANA)), &["modem0"]);
    office.run();
    office.now = office.now.after(Duration::from_secs(DAY));
    let (desk, now) = (&mut office.desk, office.now);
    let begun = office.store.transact(|tx| desk.claim_due(tx, now)).unwrap();
    assert!(matches!(begun.as_slice(), [Work { job, .. }] if job.task.is_test()), "{begun:?}");
    office.restart();
    office.ends = VecDeque::from([Outcome::Unsure]);
    assert_eq!(office.wait(10).len(), 1, "the power went in mid-send: it is asked after");
    assert_eq!((office.wait(DAY), office.texts.len()), (Vec::new(), 1), "and not sent again");
    assert!(office.alert().is_some());
}

#[test]
fn who_is_gone_is_not_missed() {
    let mut office = dana_is_tested(&["modem0"], Vec::new());
    office.wait(3_600);
    assert!(office.alert().is_some());
    office.desk.settings.route.on_call = OnCall::alone(person("Lee", LEE));
    office.restart();
    assert_eq!(office.alert(), None);
}

#[test]
fn a_test_is_no_call() {
    let mut office = dana_is_tested(&["modem0"], Vec::new());
    for _ in 0..3 {
        office.test("dana").unwrap();
    }
    let (phone, since) = (DANA.parse().unwrap(), BEGIN);
    let now = office.now;
    let calls = office.store.transact(|tx| tx.calls(&phone, since, now)).unwrap();
    assert_eq!(calls, 0);
    let id = office.last_test("dana").id;
    assert_eq!(office.store.transact(|tx| tx.lead(id)).unwrap(), None, "nor a lead");
    assert_eq!(office.store.transact(|tx| tx.claim_of(id)).unwrap(), None);
}
