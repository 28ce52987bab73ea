//! Two models on a clock that is wound by hand: which is asked when the other fails, is slow, is broken or is busy.

use super::super::tests::given;
use super::*;
use crate::model::{BootId, Done, Label, LeadId, NewLead, Outcome, Report, RowId};
use crate::outbox::Settings;
use crate::store::{DeadLetterFilter, Opening, Store};

const BEGIN: Timestamp = Timestamp::from_millis(1_795_000_000_000);
const DEADLINE: Duration = Duration::from_secs(45);

pub(in crate::outbox) fn model(name: &str) -> Channel {
    Channel::stored(format!("llm:{name}"))
}

pub(in crate::outbox) fn settings(names: &[&str]) -> Settings {
    let mut settings = given::settings(&["modem0"]);
    let order: Vec<Channel> = names.iter().map(|name| model(name)).collect();
    settings.channels.extend(order.iter().map(|model| (model.clone(), 2)));
    settings.opening = Opening {
        classify_on: order.first().cloned(),
        deadline_after: DEADLINE,
        give_up_after: Duration::from_hours(24),
        read_give_up_after: Duration::from_hours(72),
    };
    settings.limits.llm = Duration::from_secs(35);
    settings.models.order = order;
    settings
}

/// A desk and what it was handed.
pub(in crate::outbox) struct Night {
    pub(in crate::outbox) store: Store,
    pub(in crate::outbox) desk: Desk,
    pub(in crate::outbox) now: Timestamp,
    pub(in crate::outbox) works: Vec<Work>,
    leads: Vec<LeadId>,
    boots: u8,
}

impl Night {
    pub(in crate::outbox) fn new(settings: Settings) -> Self {
        let desk = Desk::new(settings, BootId::new(BEGIN, [1; 10]));
        Self { store: Store::in_memory().unwrap(), desk, now: BEGIN, works: Vec::new(), leads: Vec::new(), boots: 1 }
    }

    pub(in crate::outbox) fn lead(&mut self) {
        let new = NewLead {
            crm: None,
            record_id: None,
            name: None,
            email: None,
            phone_text: None,
            message: "50 units".into(),
            event_key: None,
            content_key: format!("k{}", self.leads.len()),
        };
        let opening = self.desk.settings.opening.clone();
        self.leads.push(given::taken_in(&mut self.store, new, &opening, self.now));
        self.ride();
    }

    pub(in crate::outbox) fn ride(&mut self) {
        let (desk, now) = (&mut self.desk, self.now);
        self.works.extend(self.store.transact(|tx| desk.claim_due(tx, now)).unwrap());
    }

    pub(in crate::outbox) fn wait(&mut self, seconds: u64) {
        self.now = self.now.after(Duration::from_secs(seconds));
        self.ride();
    }

    /// The oldest try on a channel ends so.
    pub(in crate::outbox) fn ends(&mut self, channel: &Channel, report: &Report) {
        let at = self.works.iter().position(|work| work.job.channel == *channel).expect("a try");
        let work = self.works.remove(at);
        let (desk, now) = (&mut self.desk, self.now);
        self.store.transact(|tx| desk.settle(tx, &work, report, now, 1.0)).unwrap();
        self.ride();
    }

    fn fails(&mut self, name: &str, fault: Fault) {
        self.ends(&model(name), &Report::of(Outcome::Failed(Failure::new(fault, "why"))));
    }

    pub(in crate::outbox) fn says(&mut self, name: &str, label: Label) {
        let done = Done::Classified { label, by: ClassifiedBy::Llm };
        self.ends(&model(name), &Report::of(Outcome::Done(done)));
    }

    /// The timers that are due have their say.
    pub(in crate::outbox) fn timers(&mut self) {
        while self.works.iter().any(|work| work.job.channel == Channel::desk()) {
            self.ends(&Channel::desk(), &Report::of(Outcome::Done(Done::Timer)));
        }
    }

    pub(in crate::outbox) fn dies(&mut self) {
        self.works.clear();
        self.boots = self.boots.saturating_add(1);
        self.desk = Desk::new(self.desk.settings.clone(), BootId::new(self.now, [self.boots; 10]));
        let (desk, now) = (&mut self.desk, self.now);
        self.store.transact(|tx| desk.recover(tx, now)).unwrap();
        self.ride();
    }

    pub(in crate::outbox) fn next_due(&mut self) -> Option<u64> {
        let (desk, now) = (&mut self.desk, self.now);
        self.store.transact(|tx| desk.next_due(tx, now)).unwrap().map(|at| at.since(now).as_secs())
    }

    /// The questions about a lead in the order of their legs, and when one waits; then letters, texts and the label.
    fn told(&mut self, nth: usize) -> String {
        let (lead, now) = (self.leads[nth], self.now);
        let told = self.store.transact(|tx| {
            let mut told = Vec::new();
            let rows = tx.job_rows(lead)?;
            let mut legs = Vec::new();
            for row in rows.iter().filter(|row| row.kind == "classify") {
                let (job, ..) = tx.job(row.id.parse().unwrap())?.unwrap();
                legs.push((job.generation, row, job.due_at.since(now).as_secs()));
            }
            legs.sort_by_key(|(generation, ..)| *generation);
            for (_, row, due) in legs {
                let due = if row.state == "ready" && due > 0 { format!(" in {due} s") } else { String::new() };
                told.push(format!("{} {}{due}", row.channel.trim_start_matches("llm:"), row.state));
            }
            if !tx.dead_letters(&DeadLetterFilter { lead: Some(lead), ..DeadLetterFilter::default() })?.is_empty() {
                told.push("letter".into());
            }
            let texts = rows.iter().filter(|row| row.kind == "sms").count();
            told.extend((texts > 0).then(|| format!("{texts} text")));
            let row = tx.lead(lead)?.unwrap();
            told.extend(row.label.zip(row.classified_by).map(|(label, by)| format!("{label} by {}", by.name())));
            Ok(told)
        });
        told.unwrap().join(", ")
    }
}

fn park(seconds: u64) -> Fault {
    Fault::Throttled { until: BEGIN.after(Duration::from_secs(seconds)) }
}

#[test]
fn each_fault_has_its_sequel() {
    for (name, models, faults, want) in [
        ("alone, trouble", &["a"][..], &[("a", Fault::Transient)][..], "a ready in 1 s"),
        ("alone, no verdict", &["a"], &[("a", Fault::Unknown)], "a ready in 1 s"),
        ("alone, slow down", &["a"], &[("a", park(20))], "a ready"),
        ("alone, key refused", &["a"], &[("a", Fault::Auth)], "a ready"),
        ("alone, refused", &["a"], &[("a", Fault::Permanent)], "a dead, letter, 1 text"),
        ("alone, panic", &["a"], &[("a", Fault::Crash)], "a dead, letter, 1 text"),
        ("trouble", &["a", "b"], &[("a", Fault::Transient)], "a cancelled, b leased"),
        ("no verdict", &["a", "b"], &[("a", Fault::Unknown)], "a cancelled, b leased"),
        ("slow down", &["a", "b"], &[("a", park(20))], "a cancelled, b leased"),
        ("key refused", &["a", "b"], &[("a", Fault::Auth)], "a cancelled, b leased"),
        ("refused", &["a", "b"], &[("a", Fault::Permanent)], "a cancelled, b leased"),
        ("panic", &["a", "b"], &[("a", Fault::Crash)], "a dead, letter, 1 text"),
        (
            "trouble twice",
            &["a", "b"],
            &[("a", Fault::Transient), ("b", Fault::Unknown)],
            "a cancelled, b cancelled, a ready in 1 s",
        ),
        (
            "refused, trouble",
            &["a", "b"],
            &[("a", Fault::Permanent), ("b", Fault::Transient)],
            "a cancelled, b cancelled, b ready in 1 s",
        ),
        (
            "trouble, refused",
            &["a", "b"],
            &[("a", Fault::Transient), ("b", Fault::Permanent)],
            "a cancelled, b cancelled, a ready in 1 s",
        ),
        (
            "refused twice",
            &["a", "b"],
            &[("a", Fault::Permanent), ("b", Fault::Permanent)],
            "a cancelled, b dead, letter, 1 text",
        ),
        (
            "key refused, trouble",
            &["a", "b"],
            &[("a", Fault::Auth), ("b", Fault::Transient)],
            "a cancelled, b cancelled, b ready in 1 s",
        ),
        ("keys refused", &["a", "b"], &[("a", Fault::Auth), ("b", Fault::Auth)], "a cancelled, b ready"),
        ("slow down twice", &["a", "b"], &[("a", park(20)), ("b", park(60))], "a cancelled, b ready"),
        ("refused, slow down", &["a", "b"], &[("a", Fault::Permanent), ("b", park(20))], "a cancelled, b ready"),
        (
            "slow down, refused",
            &["a", "b"],
            &[("a", park(20)), ("b", Fault::Permanent)],
            "a cancelled, b cancelled, a ready",
        ),
        (
            "panic of the second",
            &["a", "b"],
            &[("a", Fault::Auth), ("b", Fault::Crash)],
            "a cancelled, b dead, letter, 1 text",
        ),
        (
            "three",
            &["a", "b", "c"],
            &[("a", Fault::Transient), ("b", Fault::Permanent), ("c", Fault::Transient)],
            "a cancelled, b cancelled, c cancelled, a ready in 1 s",
        ),
    ] {
        let mut night = Night::new(settings(models));
        night.lead();
        for (model, fault) in faults {
            night.fails(model, *fault);
        }
        night.timers();
        assert_eq!(night.told(0), want, "{name}");
    }
}

#[test]
fn whoever_answers_decides() {
    let mut night = Night::new(settings(&["a", "b"]));
    night.lead();
    night.says("a", Label::UrgentBuyer);
    night.lead();
    night.fails("a", Fault::Transient);
    night.says("b", Label::UrgentBuyer);
    assert_eq!(night.told(0), "a done, 1 text, URGENT_BUYER by llm");
    assert_eq!(night.told(1), "a cancelled, b done, 1 text, URGENT_BUYER by llm-fallback");
    let result = night.store.transact(|tx| tx.job_rows(night.leads[1])).unwrap();
    assert!(result.iter().any(|row| row.result.as_deref() == Some("why; llm:b is asked next")), "{result:?}");
}

/// What was told without a label isn't told again when a later lap finds one.
#[test]
fn a_label_of_a_later_lap_brings_no_second_text() {
    for label in [Label::UrgentBuyer, Label::TireKicker] {
        let mut night = Night::new(settings(&["a", "b"]));
        night.lead();
        night.fails("a", Fault::Transient);
        night.fails("b", Fault::Transient);
        night.wait(1);
        night.wait(44);
        night.timers();
        assert_eq!(night.told(0), "a cancelled, b cancelled, a leased, 1 text");
        night.fails("a", Fault::Unknown);
        assert_eq!(night.told(0), "a cancelled, b cancelled, a cancelled, b leased, 1 text");
        night.says("b", label);
        let want = format!("a cancelled, b cancelled, a cancelled, b done, 1 text, {label} by llm-fallback");
        assert_eq!(night.told(0), want);
    }
}

#[test]
fn a_requeued_question_is_asked_of_all_anew() {
    let mut night = Night::new(settings(&["a", "b"]));
    night.lead();
    night.fails("a", Fault::Permanent);
    night.fails("b", Fault::Permanent);
    night.timers();
    let (desk, now) = (&mut night.desk, night.now);
    let letters = night.store.transact(|tx| tx.dead_letters(&DeadLetterFilter::default())).unwrap();
    assert!(night.store.transact(|tx| desk.requeue(tx, &letters[0], now)).unwrap());
    night.ride();
    night.fails("b", Fault::Permanent);
    night.says("a", Label::UrgentBuyer);
    assert_eq!(night.told(0), "a cancelled, b cancelled, a done, 1 text, URGENT_BUYER by llm");
}

/// The first that opens has it, and until then nothing is asked in a circle.
#[test]
fn a_question_waits_for_the_first_that_opens() {
    let mut night = Night::new(settings(&["a", "b"]));
    night.lead();
    night.fails("a", park(20));
    night.fails("b", park(60));
    assert_eq!((night.told(0), night.next_due()), ("a cancelled, b ready".into(), Some(20)));
    night.wait(20);
    assert_eq!(night.told(0), "a cancelled, b cancelled, a ready in 1 s", "a new lap begins with the pause");
    night.wait(1);
    assert_eq!(night.told(0), "a cancelled, b cancelled, a leased");
}

#[test]
fn a_broken_model_is_skipped_and_returned_to() {
    let mut night = Night::new(settings(&["a", "b"]));
    night.lead();
    night.fails("a", Fault::Auth);
    night.lead();
    assert_eq!(night.told(1), "b leased", "not even asked");
    night.says("b", Label::Spam);
    night.says("b", Label::Spam);
    night.wait(30);
    night.lead();
    night.lead();
    assert_eq!((night.told(2).as_str(), night.told(3).as_str()), ("a leased", "b leased"), "one probe");
    night.says("a", Label::Spam);
    night.lead();
    assert_eq!(night.told(4), "a leased");
    assert_eq!(night.told(2), "a done, SPAM by llm");
}

#[test]
fn who_is_passed_over_is_told() {
    let mut night = Night::new(settings(&["a", "b"]));
    night.lead();
    night.fails("a", Fault::Auth);
    let (desk, now) = (&night.desk, night.now);
    let told = night.store.transact(|tx| desk.passed_over(tx, now)).unwrap();
    let until = Some(now.after(Duration::from_secs(30)));
    assert_eq!(told, BTreeMap::from([(model("a"), ("open", "why; llm:b is asked instead".to_owned(), until))]));
}

#[test]
fn a_busy_model_is_waited_for_no_longer_than_its_share() {
    let mut settings = settings(&["a", "b"]);
    settings.channels.insert(model("a"), 1);
    let mut night = Night::new(settings);
    night.lead();
    night.lead();
    assert_eq!((night.told(1).as_str(), night.next_due()), ("a ready", Some(22)));
    night.wait(22);
    assert_eq!(night.told(1), "a ready");
    night.wait(1);
    assert_eq!(night.told(1), "b leased");
}

#[test]
fn more_leads_than_workers_wait_and_none_is_forgotten() {
    let mut night = Night::new(settings(&["a", "b"]));
    for _ in 0..20 {
        night.lead();
    }
    // The first hangs, and the second takes everything.
    let mut asked = 0;
    while night.works.iter().any(|work| work.job.channel == model("b")) || asked == 0 {
        if night.works.iter().any(|work| work.job.channel == model("b")) {
            night.says("b", Label::Spam);
        } else {
            night.wait(23);
        }
        asked += 1;
        assert!(asked < 100);
    }
    let waiting = (0..20).filter(|nth| !night.told(*nth).contains("SPAM")).count();
    assert_eq!(waiting, 2, "those that the first was asked");
}

#[test]
fn a_slow_first_leaves_the_second_its_time() {
    let mut night = Night::new(settings(&["a", "b"]));
    night.lead();
    let of = |night: &Night| night.works[0].hard_deadline.since(night.now).as_millis();
    assert_eq!(of(&night), 22_500);
    night.now = night.now.after(Duration::from_millis(22_800));
    night.fails("a", Fault::Unknown);
    assert_eq!((of(&night), night.told(0).as_str()), (35_000, "a cancelled, b leased"), "nobody comes after it");
    for (name, left, models, want) in [
        ("all the time", 45_000, 2, 22_500),
        ("three", 45_000, 3, 15_000),
        ("a share longer than a try may be", 90_000, 2, 35_000),
        ("hardly any time", 3_000, 2, 35_000),
        ("none", 0, 2, 35_000),
        ("the last", 45_000, 1, 35_000),
    ] {
        let (clock, limit) = (BEGIN.after(Duration::from_millis(left)), BEGIN.after(Duration::from_secs(35)));
        assert_eq!(share(BEGIN, Some(clock), models, limit).since(BEGIN).as_millis(), want, "{name}");
    }
    assert_eq!(share(BEGIN, None, 2, BEGIN.after(DEADLINE)), BEGIN.after(DEADLINE), "nobody waits");
}

/// Whatever brought the process down twice is given up, also when it was asked of two models.
#[test]
fn a_question_stays_under_suspicion() {
    let mut night = Night::new(settings(&["a", "b"]));
    night.lead();
    night.dies();
    assert_eq!(night.told(0), "a leased");
    night.fails("a", Fault::Transient);
    assert_eq!(night.told(0), "a cancelled, b leased");
    night.dies();
    night.timers();
    assert_eq!(night.told(0), "a cancelled, b dead, letter, 1 text");
}

#[test]
fn old_rows_are_read() {
    let task: Task = serde_json::from_str(r#"{"kind":"classify","again":true}"#).unwrap();
    assert_eq!(task, Task::Classify(ClassifyTask { again: true, ..ClassifyTask::default() }));
    let older: Task = serde_json::from_str(r#"{"kind":"classify"}"#).unwrap();
    assert_eq!(older, Task::Classify(ClassifyTask::default()));
}
