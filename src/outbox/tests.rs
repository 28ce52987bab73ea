//! What reports mean for texts: each row is one night of one text, told step by step, on a clock that is wound by hand.

pub(super) mod given;
mod told;

use std::time::Duration;

use super::{Desk, asked_on};
use crate::model::{
    BootId, Channel, Done, Failure, Fate, Fault, JobId, Lane, LeadId, NewJob, Outcome, PartKey, PartReport, Priority,
    Report, RowId, SmsPart, SmsReceipt, SmsTask, Task, TextKey, Timestamp, Work,
};
use crate::store::{JobRow, Store};
use given::{CLOCK, settings};

const BEGIN: Timestamp = Timestamp::from_millis(1_795_000_000_000);

/// One text, and the desk that sends it.
struct Night {
    store: Store,
    desk: Desk,
    now: Timestamp,
    /// What was claimed and not settled.
    works: Vec<Work>,
    lead: LeadId,
}

impl Night {
    fn new(channels: &[&str], failover: bool) -> Self {
        let mut store = Store::in_memory().unwrap();
        let desk = Desk::new(settings(channels), BootId::new(BEGIN, [1; 10]));
        let lead = given::lead(&mut store, "k", BEGIN);
        let mut night = Self { store, desk, now: BEGIN, works: Vec::new(), lead };
        // Without a model a person is told at once; the text of this test is its own.
        night.store.transact(|tx| tx.cancel_waiting(lead, "classify_deadline", None, "not here", BEGIN)).unwrap();
        let sms = SmsTask {
            to: "+15551230001".parse().unwrap(),
            who: "Dana".into(),
            text: "K7 Ada".into(),
            repeat: false,
            leg: 0,
            failover_at: failover.then(|| BEGIN.after(CLOCK)),
            refused: 0,
            thread: 0,
            is_answer: false,
            is_test: false,
        };
        let job = NewJob {
            lead,
            task: Task::Sms(sms),
            channel: Channel::new(Lane::Sms, channels[0]),
            priority: Priority::Urgent,
            due_at: BEGIN,
            deadline_at: BEGIN.after(Duration::from_hours(1)),
        };
        let desk = &night.desk;
        night.store.transact(|tx| desk.insert(tx, vec![job], BEGIN)).unwrap();
        night.ride();
        night
    }

    fn ride(&mut self) {
        let (desk, now) = (&mut self.desk, self.now);
        let works = self.store.transact(|tx| desk.claim_due(tx, now)).unwrap();
        self.works.extend(works);
    }

    fn step(&mut self, step: &Step) {
        let (desk, now) = (&mut self.desk, self.now);
        match step {
            Step::Wait(seconds) => self.now = self.now.after(Duration::from_secs(*seconds)),
            Step::Ends(outcome) => {
                let at = self.works.iter().position(|work| matches!(work.job.task, Task::Sms(_))).expect("a text");
                let work = self.works.remove(at);
                let report = Report::of(outcome.clone());
                self.store.transact(|tx| desk.settle(tx, &work, &report, now, 1.0)).unwrap();
            }
            Step::Timers => {
                let timers: Vec<Work> =
                    self.works.extract_if(.., |work| matches!(work.job.task, Task::SmsFailover { .. })).collect();
                for work in timers {
                    let report = Report::of(Outcome::Done(Done::Timer));
                    self.store.transact(|tx| desk.settle(tx, &work, &report, now, 1.0)).unwrap();
                }
            }
            Step::Part { leg, part, total } => {
                let part = SmsPart {
                    key: self.key(*leg, *part),
                    total: *total,
                    number: "+15551230001".into(),
                    sim: "8901".into(),
                    at: now,
                    accepted: true,
                    reference: Some(*part),
                    fate: None,
                };
                let desk = &mut self.desk;
                self.store.transact(|tx| desk.written(tx, "modem0", &part, now, 1.0)).unwrap();
            }
            Step::Reported { leg, part, fate } => {
                let report = PartReport {
                    at: now,
                    reference: *part,
                    number: "+15551230001".into(),
                    status: 0,
                    fate: *fate,
                    sent_at: None,
                    pdu: format!("{leg} {part} {fate:?}"),
                    of: Some(self.key(*leg, *part)),
                };
                let desk = &mut self.desk;
                self.store.transact(|tx| desk.reported(tx, "modem0", &report, now, 1.0)).unwrap();
            }
            Step::Answers(outcome) => {
                let at =
                    self.works.iter().position(|work| matches!(work.job.task, Task::SmsStatus(_))).expect("a poll");
                let work = self.works.remove(at);
                let report = Report::of(outcome.clone());
                self.store.transact(|tx| desk.settle(tx, &work, &report, now, 1.0)).unwrap();
            }
            Step::Dies => {
                self.works.clear();
                self.desk = Desk::new(self.desk.settings.clone(), BootId::new(now, [9; 10]));
                let desk = &mut self.desk;
                self.store.transact(|tx| desk.recover(tx, now)).unwrap();
            }
        }
        self.ride();
    }

    fn key(&mut self, leg: usize, part: u8) -> PartKey {
        let lead = self.lead;
        let job: JobId = legs(&self.store.transact(|tx| tx.job_rows(lead)).unwrap())[leg].id.parse().unwrap();
        let (job, ..) = self.store.transact(|tx| tx.job(job)).unwrap().unwrap();
        PartKey { text: TextKey { job: job.id, generation: job.generation }, part }
    }

    /// Each leg: channel, state of its job, state of its text, and `R` for a repeat; then the open timers and alerts.
    fn told(&mut self) -> String {
        let lead = self.lead;
        let lines = self.store.transact(|tx| {
            let rows = tx.job_rows(lead)?;
            let mut lines = Vec::new();
            for row in legs(&rows) {
                let state = tx.sms_state(row.id.parse().unwrap())?;
                let repeat = if row.payload.contains("\"repeat\":true") { " R" } else { "" };
                let due = row.due_at.parse::<Timestamp>().unwrap().since(self.now).as_secs();
                let due = if row.state == "ready" && due > 0 { format!(" in {due} s") } else { String::new() };
                let name = row.channel.trim_start_matches("sms:");
                lines.push(format!("{name} {}{due}/{}{repeat}", row.state, state.as_deref().unwrap_or("-")));
            }
            let open = |row: &&JobRow| row.kind == "sms_failover" && row.state == "ready";
            lines.push(format!("timers {}", rows.iter().filter(open).count()));
            for row in rows.iter().filter(|row| row.kind == "sms_status") {
                let due = row.due_at.parse::<Timestamp>().unwrap().since(self.now).as_secs();
                let due = if row.state == "ready" { format!(" in {due} s") } else { String::new() };
                lines.push(format!("poll {}{due}", row.state));
            }
            lines.extend(tx.alerts()?.into_iter().map(|alert| alert.key));
            Ok(lines)
        });
        lines.unwrap().join(", ")
    }
}

/// The texts among a lead's jobs, in the order of their legs.
fn legs(rows: &[JobRow]) -> Vec<&JobRow> {
    let leg = |row: &&JobRow| match serde_json::from_str(&row.payload).unwrap() {
        Task::Sms(sms) => sms.leg,
        other => panic!("{other:?}"),
    };
    let mut legs: Vec<&JobRow> = rows.iter().filter(|row| row.kind == "sms").collect();
    legs.sort_by_key(leg);
    legs
}

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    /// The text that is under way ends so.
    Ends(Outcome),
    /// The timers that are due.
    Timers,
    Part {
        leg: usize,
        part: u8,
        total: u8,
    },
    Reported {
        leg: usize,
        part: u8,
        fate: Fate,
    },
    /// The process dies, and another one starts.
    Dies,
    /// The vendor answers what became of the text.
    Answers(Outcome),
}

fn sent() -> Step {
    Step::Ends(Outcome::Done(Done::Sms(SmsReceipt { reference: "1".into(), parts: 1, delivered: false })))
}

fn fails(fault: Fault) -> Step {
    Step::Ends(Outcome::Failed(Failure::new(fault, "no verdict")))
}

/// The one part of a leg was written.
fn part(leg: usize) -> Step {
    Step::Part { leg, part: 1, total: 1 }
}

/// A report on it.
fn heard(leg: usize, fate: Fate) -> Step {
    Step::Reported { leg, part: 1, fate }
}

fn check(channels: &[&str], rows: Vec<(&str, Vec<Step>, &str)>) {
    for (name, steps, want) in rows {
        let mut night = Night::new(channels, channels.len() > 1);
        for step in &steps {
            night.step(step);
        }
        assert_eq!(night.told(), want, "{name}");
    }
}

use Fate::{Delivered, FailedForGood, Forwarded, GaveUp, StillTrying};
use Step::{Dies, Timers, Wait};

#[test]
fn delivered_is_what_the_network_says() {
    let of_two = |part| Step::Part { leg: 0, part, total: 2 };
    let two = |part, fate| Step::Reported { leg: 0, part, fate };
    let done = |state: &str| format!("modem0 done/{state}, timers 0");
    let (submitted, delivered) = (done("submitted"), done("delivered"));
    check(
        &["modem0", "twilio"],
        vec![
            ("no report", vec![part(0), sent()], &submitted),
            ("delivered", vec![part(0), sent(), heard(0, Delivered)], &delivered),
            ("handed on", vec![part(0), sent(), heard(0, Forwarded)], &delivered),
            ("still trying", vec![part(0), sent(), heard(0, StillTrying)], &submitted),
            ("reported before it is settled", vec![part(0), heard(0, Delivered), sent()], &delivered),
            ("reported before its part is told", vec![heard(0, Delivered), part(0), sent()], &delivered),
            ("one of two", vec![of_two(1), of_two(2), sent(), two(1, Delivered)], &submitted),
            ("both of two", vec![of_two(1), of_two(2), sent(), two(2, Delivered), two(1, Delivered)], &delivered),
            ("the second is not told yet", vec![of_two(1), two(1, Delivered), sent()], &submitted),
            ("never taken back", vec![part(0), sent(), heard(0, Delivered), heard(0, FailedForGood)], &delivered),
        ],
    );
}

#[test]
fn what_the_network_gave_up_goes_by_the_next_channel() {
    let lost = "modem0 done/failed, ";
    let next = format!("{lost}modem1 leased/-, timers 1");
    let of_two = |part| Step::Part { leg: 0, part, total: 2 };
    check(
        &["modem0", "modem1"],
        vec![
            ("failed", vec![part(0), sent(), heard(0, FailedForGood)], &next),
            ("given up", vec![part(0), sent(), heard(0, GaveUp)], &next),
            ("told twice", vec![part(0), sent(), heard(0, GaveUp), heard(0, FailedForGood)], &next),
            ("before it is settled", vec![part(0), heard(0, FailedForGood), sent()], &next),
            (
                "one part of two",
                vec![of_two(1), of_two(2), sent(), Step::Reported { leg: 0, part: 2, fate: GaveUp }],
                &next,
            ),
            (
                "delivered after all, too late",
                vec![part(0), sent(), heard(0, GaveUp), heard(0, Delivered)],
                "modem0 done/delivered, modem1 leased/-, timers 1",
            ),
            (
                "the second lap takes its time",
                vec![part(0), sent(), heard(0, GaveUp), part(1), sent(), heard(1, GaveUp)],
                "modem0 done/failed, modem1 done/failed, modem0 ready in 1 s/-, timers 1",
            ),
            (
                "delivered after all, before the second lap",
                vec![part(0), sent(), heard(0, GaveUp), part(1), sent(), heard(1, GaveUp), heard(0, Delivered)],
                "modem0 done/delivered, modem1 done/failed, modem0 cancelled/-, timers 0",
            ),
            (
                "older than its deadline",
                vec![part(0), sent(), Wait(3_600), heard(0, FailedForGood)],
                "modem0 done/failed, timers 0, sms:undelivered",
            ),
        ],
    );
    check(
        &["modem0"],
        vec![
            ("alone", vec![part(0), sent(), heard(0, GaveUp)], "modem0 done/failed, modem0 ready in 1 s/-, timers 0"),
            (
                "alone, again and again",
                vec![
                    part(0),
                    sent(),
                    heard(0, GaveUp),
                    Wait(1),
                    part(1),
                    sent(),
                    heard(1, GaveUp),
                    Wait(2),
                    part(2),
                    sent(),
                    heard(2, FailedForGood),
                ],
                "modem0 done/failed, modem0 done/failed, modem0 done/failed, modem0 ready in 4 s/-, timers 0",
            ),
            (
                "alone, and no time left",
                vec![part(0), sent(), Wait(3_599), heard(0, GaveUp)],
                "modem0 done/failed, timers 0, sms:undelivered",
            ),
        ],
    );
}

#[test]
fn a_text_whose_verdict_was_lost_is_settled_by_its_report() {
    let unknown = || fails(Fault::Unknown);
    let done = "modem0 done/delivered, timers 0";
    let repeated = |first: &str, second: &str| format!("modem0 cancelled/{first}, twilio {second}");
    let called_off = repeated("delivered", "cancelled/- R, timers 0");
    let taken = repeated("delivered", "leased/- R, timers 1");
    let failed = repeated("failed", "leased/-, timers 1");
    let held = fails(Fault::Throttled { until: BEGIN.after(Duration::from_secs(20)) });
    check(
        &["modem0", "twilio"],
        vec![
            ("waits for its look-up", vec![part(0), unknown()], "modem0 unknown/unknown, timers 1"),
            ("delivered", vec![part(0), unknown(), heard(0, Delivered)], done),
            ("delivered while it was under way", vec![part(0), heard(0, Delivered), unknown()], done),
            (
                "the look-up doesn't know it yet",
                vec![part(0), unknown(), Wait(10), heard(0, Delivered), Step::Ends(Outcome::Unsure)],
                done,
            ),
            (
                "failed: looked up at once",
                vec![part(0), unknown(), heard(0, FailedForGood)],
                "modem0 leased/unknown, timers 1",
            ),
            (
                "failed, says the look-up",
                vec![part(0), unknown(), heard(0, FailedForGood), fails(Fault::Permanent)],
                &failed,
            ),
            (
                "delivered after the repeat was begun",
                vec![part(0), unknown(), Wait(10), Step::Ends(Outcome::Unsure), heard(0, Delivered)],
                &taken,
            ),
            (
                "delivered before the repeat was begun again",
                vec![part(0), unknown(), Wait(10), Step::Ends(Outcome::Unsure), held, heard(0, Delivered)],
                &called_off,
            ),
            ("the process died: looked up", vec![part(0), Dies], "modem0 unknown/unknown, timers 1"),
            ("the process died, and it was delivered", vec![part(0), heard(0, Delivered), Dies], done),
            ("the process died, then it is delivered", vec![part(0), Dies, heard(0, Delivered)], done),
            ("the timer finds it done", vec![part(0), unknown(), heard(0, Delivered), Wait(31), Timers], done),
        ],
    );
}

#[test]
fn a_vendor_is_asked_what_became_of_a_text() {
    let says = |fate| Step::Answers(Outcome::Done(Done::Fate { fate, why: None }));
    let opted_out = Failure { final_everywhere: true, ..Failure::new(Fault::Permanent, "opted out") };
    let opted_out = Step::Answers(Outcome::Done(Done::Fate { fate: FailedForGood, why: Some(opted_out) }));
    let refused = |fault| Step::Answers(Outcome::Failed(Failure::new(fault, "no")));
    let text = |state: &str, poll: &str| format!("twilio done/{state}, timers 0, poll {poll}");
    let asked = |times: u32| (0..times).flat_map(|n| [Wait(5 * 3_u64.pow(n)), says(StillTrying)]).collect::<Vec<_>>();
    let after = |times, last: Vec<Step>| [vec![sent()], asked(times), last].concat();
    check(
        &["twilio", "modem0"],
        vec![
            ("taken", vec![sent()], &text("submitted", "ready in 5 s")),
            ("on its way", after(1, vec![]), &text("submitted", "ready in 15 s")),
            ("still on its way", after(3, vec![]), &text("submitted", "ready in 135 s")),
            ("delivered", after(1, vec![Wait(15), says(Delivered)]), &text("delivered", "done")),
            ("no word while it matters", after(5, vec![]), &text("submitted", "done")),
            (
                "not delivered",
                after(0, vec![Wait(5), says(FailedForGood)]),
                "twilio done/failed, modem0 leased/-, timers 1, poll done",
            ),
            (
                "opted out",
                after(0, vec![Wait(5), opted_out]),
                "twilio done/failed, timers 0, poll done, sms:undelivered",
            ),
            ("trouble", after(0, vec![Wait(5), refused(Fault::Transient)]), &text("submitted", "ready in 1 s")),
            ("gone", after(0, vec![Wait(5), refused(Fault::Permanent)]), &text("submitted", "cancelled")),
            (
                "nobody answers",
                after(0, vec![Wait(5), refused(Fault::Transient), Wait(900)]),
                &text("submitted", "cancelled"),
            ),
            ("it died while it was asked", after(0, vec![Wait(5), Dies]), &text("submitted", "leased")),
            ("found by a look-up", vec![fails(Fault::Unknown), Wait(10), sent()], &text("submitted", "ready in 5 s")),
        ],
    );
}

#[test]
fn nobody_is_asked_any_more_once_the_vendor_is_gone() {
    let mut night = Night::new(&["twilio"], false);
    night.step(&sent());
    let mut settings = settings(&["modem0"]);
    settings.channels.remove(&asked_on(&Channel::new(Lane::Sms, "twilio")));
    night.desk = Desk::new(settings, BootId::new(BEGIN, [2; 10]));
    let (desk, lead) = (&mut night.desk, night.lead);
    night.store.transact(|tx| desk.recover(tx, BEGIN)).unwrap();
    assert_eq!(night.told(), "twilio done/submitted, timers 0, poll cancelled");
    assert!(night.store.transact(|tx| tx.lead(lead)).unwrap().unwrap().settled_at.is_some());
}

#[test]
fn a_report_on_a_test_text_moves_nothing() {
    let mut night = Night::new(&["modem0"], false);
    let key = PartKey { text: TextKey { job: JobId::new(BEGIN, [5; 10]), generation: 1 }, part: 1 };
    let written = SmsPart {
        key,
        total: 1,
        number: "+15551230001".into(),
        sim: "8901".into(),
        at: BEGIN,
        accepted: true,
        reference: Some(1),
        fate: None,
    };
    let before = night.told();
    let desk = &mut night.desk;
    let fate = night.store.transact(|tx| {
        desk.written(tx, "modem0", &written, BEGIN, 1.0)?;
        let report = PartReport {
            at: BEGIN,
            reference: 1,
            number: "+15551230001".into(),
            status: 0x46,
            fate: FailedForGood,
            sent_at: None,
            pdu: "x".into(),
            of: Some(key),
        };
        desk.reported(tx, "modem0", &report, BEGIN, 1.0)?;
        Ok(tx.parts(key.text)?[0].fate)
    });
    assert_eq!((fate.unwrap(), night.told()), (Some(FailedForGood), before));
}
