//! Money on a clock that is wound by hand, against a ledger that is kept beside: whatever fails, dies or passes midnight.

use proptest::prelude::*;

use super::super::models::tests::{Night, model, settings};
use super::*;
use crate::model::{ClassifiedBy, Done, Failure, Fault, Label, Outcome};
use crate::outbox::{Models, Settings};
use crate::store::DeadLetterFilter;

/// What a try may cost.
const MOST: u64 = 30_000;
const NIGHT_OFFSET_HOURS: i64 = -5;

fn budget(per_day: Option<u64>, per_month: Option<u64>) -> Budget {
    let zone = TimeZone::fixed(jiff::tz::offset(i8::try_from(NIGHT_OFFSET_HOURS).unwrap()));
    Budget { per_day, per_month, currency: "EUR".into(), zone }
}

/// The first of these has a price, the others have none.
fn priced(names: &[&str], per_day: Option<u64>, per_month: Option<u64>) -> Settings {
    let settings = settings(names);
    let reserves = [(model(names[0]), MOST)].into();
    Settings { models: Models { reserves, budget: budget(per_day, per_month), ..settings.models.clone() }, ..settings }
}

fn answer(cost: Option<u64>) -> Report {
    let done = Done::Classified { label: Label::Spam, by: ClassifiedBy::Llm };
    Report { cost_micros: cost, ..Report::of(Outcome::Done(done)) }
}

fn trouble(cost: Option<u64>) -> Report {
    Report { cost_micros: cost, ..Report::of(Outcome::Failed(Failure::new(Fault::Transient, "why"))) }
}

fn alerts(night: &mut Night) -> Vec<String> {
    let alerts = night.store.transact(|tx| Ok(tx.alerts()?.into_iter())).unwrap();
    alerts.filter(|alert| alert.key.starts_with(ALERTS)).map(|alert| alert.text).collect()
}

fn spent(night: &mut Night) -> u64 {
    let [day, _] = night.desk.settings.models.budget.periods(night.now);
    night.store.transact(|tx| tx.spent_since(day.from)).unwrap()
}

fn asked(night: &Night, name: &str) -> usize {
    night.works.iter().filter(|work| work.job.channel == model(name)).count()
}

#[test]
fn what_can_be_paid() {
    let until = Timestamp::from_millis(9);
    for (name, cap, spent, tied, want) in [
        ("nothing spent", 100, 0, 0, Purse::Ready),
        ("just enough", 100, 70, 0, Purse::Ready),
        ("a millionth too little", 100, 71, 0, Purse::Empty(until)),
        ("something may come back", 100, 71, 30, Purse::Tied),
        ("not enough comes back", 100, 101, 30, Purse::Empty(until)),
        ("no money at all", 0, 0, 0, Purse::Empty(until)),
    ] {
        let period = Period { name: "day", from: Timestamp::from_millis(0), until, cap: Some(cap) };
        assert_eq!(judge(&period, spent, tied, 30), want, "{name}");
        assert_eq!(judge(&Period { cap: None, ..period }, spent, tied, 30), Purse::Ready, "{name}, no cap");
    }
}

#[test]
fn days_and_months_are_those_of_the_zone() {
    let berlin = Budget { zone: TimeZone::get("Europe/Berlin").unwrap(), ..Budget::default() };
    for (now, day, month) in [
        (
            "2026-11-30T22:59:59.999Z",
            ("2026-11-29T23:00:00.000Z", "2026-11-30T23:00:00.000Z"),
            ("2026-10-31T23:00:00.000Z", "2026-11-30T23:00:00.000Z"),
        ),
        (
            "2026-11-30T23:00:00.000Z",
            ("2026-11-30T23:00:00.000Z", "2026-12-01T23:00:00.000Z"),
            ("2026-11-30T23:00:00.000Z", "2026-12-31T23:00:00.000Z"),
        ),
        // A day of 25 hours.
        (
            "2026-10-25T12:00:00.000Z",
            ("2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z"),
            ("2026-09-30T22:00:00.000Z", "2026-10-31T23:00:00.000Z"),
        ),
    ] {
        let [a, b] = berlin.periods(now.parse().unwrap());
        let told = |period: Period| (period.from.to_string(), period.until.to_string());
        assert_eq!(told(a), (day.0.to_owned(), day.1.to_owned()), "{now}");
        assert_eq!(told(b), (month.0.to_owned(), month.1.to_owned()), "{now}");
    }
}

#[test]
fn amounts_in_words() {
    for (micros, want) in [(0, "0.00 EUR"), (4_999, "0.00 EUR"), (5_000, "0.01 EUR"), (2_500_000, "2.50 EUR")] {
        assert_eq!(budget(None, None).words(micros), want);
    }
    assert_eq!(Budget::default().words(1_234_567), "1.23");
}

#[test]
fn a_try_holds_back_its_most_until_it_is_known() {
    let mut night = Night::new(priced(&["a"], None, None));
    night.lead();
    assert_eq!(spent(&mut night), MOST);
    night.ends(&model("a"), &answer(Some(700)));
    assert_eq!(spent(&mut night), 700);
    night.lead();
    night.ends(&model("a"), &answer(None));
    assert_eq!(spent(&mut night), 700 + MOST, "nobody knows what it cost");
    night.lead();
    night.dies();
    assert_eq!(spent(&mut night), 700 + 3 * MOST, "the try that was cut off, and the one that is under way");
    night.ends(&model("a"), &answer(Some(0)));
    assert_eq!(spent(&mut night), 700 + 2 * MOST);
}

#[test]
fn with_the_money_spent_a_free_model_is_asked() {
    let mut night = Night::new(priced(&["a", "b"], Some(MOST), None));
    night.lead();
    night.ends(&model("a"), &answer(Some(1)));
    night.lead();
    assert_eq!((asked(&night, "a"), asked(&night, "b")), (0, 1));
    night.ends(&model("b"), &answer(None));
    assert_eq!(spent(&mut night), 1);
    assert_eq!(
        alerts(&mut night),
        ["the day's money for models is spent: 0.00 EUR of 0.03 EUR (a try may cost 0.03 EUR)"]
    );
    let (desk, now) = (&night.desk, night.now);
    let told = night.store.transact(|tx| desk.passed_over(tx, now)).unwrap();
    let (word, why, until) = &told[&model("a")];
    let [day, _] = desk.settings.models.budget.periods(now);
    assert_eq!((*word, *until), ("unpaid", Some(day.until)));
    assert!(why.ends_with("; llm:b is asked instead"), "{why}");
}

/// A person is told at once and once; the label comes when the day is over, and brings no second text.
#[test]
fn with_the_money_spent_and_no_free_model_a_person_is_told_at_once() {
    let mut night = Night::new(priced(&["a"], Some(MOST), None));
    night.lead();
    night.ends(&model("a"), &answer(Some(1)));
    night.lead();
    assert_eq!(asked(&night, "a"), 0);
    night.timers();
    let rows = night.store.transact(|tx| tx.job_rows(night.works[0].job.lead)).unwrap();
    assert_eq!(rows.iter().filter(|row| row.kind == "sms").count(), 1);
    let timer = rows.iter().find(|row| row.kind == TIMER).unwrap();
    let lead = night.store.transact(|tx| tx.lead(night.works[0].job.lead)).unwrap().unwrap();
    let why = night.store.transact(|tx| tx.unasked_why(lead.id)).unwrap();
    assert_eq!((why.as_ref(), lead.provisional_at), (timer.result.as_ref(), Some(night.now)));
    assert!(
        timer.result.as_deref().is_some_and(|why| why.starts_with("the day's money for models is spent")),
        "{timer:?}"
    );

    let [day, _] = night.desk.settings.models.budget.periods(night.now);
    night.now = day.until;
    night.ride();
    assert_eq!(asked(&night, "a"), 1, "a new day");
    assert_eq!(alerts(&mut night), Vec::<String>::new());
    night.ends(&model("a"), &answer(Some(1)));
    let rows = night.store.transact(|tx| tx.job_rows(night.works[0].job.lead)).unwrap();
    assert_eq!(rows.iter().filter(|row| row.kind == "sms").count(), 1);
}

/// A month without money is longer than any question waits: its dead letter says what to raise.
#[test]
fn a_question_that_no_money_ever_came_for_says_so() {
    let mut night = Night::new(priced(&["a"], None, Some(MOST)));
    night.lead();
    night.ends(&model("a"), &answer(Some(1)));
    night.lead();
    night.wait(25 * 60 * 60);
    let letters = night.store.transact(|tx| tx.dead_letters(&DeadLetterFilter::default())).unwrap();
    let reasons: Vec<&str> = letters.iter().map(|letter| letter.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "gave up at its deadline: the month's money for models is spent: 0.00 EUR of 0.03 EUR (a try may cost 0.03 EUR)"
        ]
    );
}

/// What questions under way hold back may come back: nobody is told for that, they are waited for.
#[test]
fn money_that_is_only_held_back_is_waited_for() {
    let mut night = Night::new(priced(&["a"], Some(MOST + 1_000), None));
    night.lead();
    night.lead();
    assert_eq!((asked(&night, "a"), alerts(&mut night).len()), (1, 0));
    night.ends(&model("a"), &answer(Some(1_000)));
    assert_eq!((asked(&night, "a"), alerts(&mut night).len()), (1, 0), "it did come back");
}

#[test]
fn a_person_is_told_once_when_the_money_is_nearly_spent() {
    let mut night = Night::new(priced(&["a"], Some(1_000_000), Some(2_000_000)));
    let spend = |night: &mut Night, cost| {
        night.lead();
        night.ends(&model("a"), &answer(Some(cost)));
    };
    let mut told = Vec::new();
    for cost in [799_999, 1, 100_000, 80_000] {
        spend(&mut night, cost);
        told.push(alerts(&mut night));
    }
    let near = vec!["80 % of the day's money for models has gone: 0.80 EUR of 1.00 EUR".to_owned()];
    assert_eq!(told[..3], [vec![], near.clone(), near]);
    assert_eq!(told[3], ["the day's money for models is spent: 0.98 EUR of 1.00 EUR (a try may cost 0.03 EUR)"]);
    night.desk.settings.models.budget.per_day = Some(5_000_000);
    night.wait(31);
    assert_eq!(alerts(&mut night), Vec::<String>::new(), "the cap was raised");
}

#[derive(Debug, Clone)]
enum Event {
    Lead,
    Answers(u64),
    Fails(u64),
    Silent,
    Dies,
    Wait(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => Just(Event::Lead),
        3 => (0..=MOST).prop_map(Event::Answers),
        2 => (0..=MOST).prop_map(Event::Fails),
        1 => Just(Event::Silent),
        1 => Just(Event::Dies),
        3 => (1_u64..40_000).prop_map(Event::Wait),
    ]
}

/// What a ledger says that is kept by whoever asks the model.
struct Ledger {
    /// When a try began, and what it costs at most or did cost.
    tries: Vec<(Timestamp, u64)>,
    /// Of those that are under way: job, attempt and place in the list.
    open: Vec<(crate::model::JobId, crate::model::AttemptId, usize)>,
}

impl Ledger {
    fn begin(&mut self, night: &Night) {
        for work in night.works.iter().filter(|work| work.job.channel == model("a")) {
            if !self.open.iter().any(|(job, attempt, _)| (*job, *attempt) == (work.job.id, work.attempt)) {
                self.open.push((work.job.id, work.attempt, self.tries.len()));
                self.tries.push((night.now, MOST));
            }
        }
    }

    fn since(&self, from: Timestamp) -> u64 {
        self.tries.iter().filter(|(at, _)| *at >= from).map(|(_, cost)| cost).sum()
    }

    fn end(&mut self, night: &mut Night, report: &Report) {
        let Some(work) = night.works.iter().find(|work| work.job.channel == model("a")) else { return };
        let at = self.open.iter().position(|(job, n, _)| (*job, *n) == (work.job.id, work.attempt)).unwrap();
        let (.., place) = self.open.remove(at);
        if let Some(cost) = report.cost_micros {
            self.tries[place].1 = cost;
        }
        night.ends(&model("a"), report);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The rows say to the millionth what the ledger says, and neither cap is ever exceeded.
    #[test]
    fn no_cap_is_exceeded_and_nothing_is_lost(events in prop::collection::vec(event(), 1..60), day in 0..200_000_u64, month in 0..600_000_u64) {
        let mut night = Night::new(priced(&["a", "b"], Some(day), Some(month)));
        let mut ledger = Ledger { tries: Vec::new(), open: Vec::new() };
        for event in events {
            match event {
                Event::Lead => night.lead(),
                Event::Answers(cost) => ledger.end(&mut night, &answer(Some(cost))),
                Event::Fails(cost) => ledger.end(&mut night, &trouble(Some(cost))),
                Event::Silent => ledger.end(&mut night, &trouble(None)),
                Event::Dies => {
                    ledger.open.clear();
                    night.dies();
                }
                Event::Wait(seconds) => night.wait(seconds),
            }
            ledger.begin(&night);
            let periods = night.desk.settings.models.budget.periods(night.now);
            for (period, cap) in periods.into_iter().zip([day, month]) {
                let sum = night.store.transact(|tx| tx.spent_since(period.from)).unwrap();
                prop_assert_eq!(sum, ledger.since(period.from));
                prop_assert!(sum <= cap, "{} of {}", sum, cap);
            }
            let next = night.next_due();
            prop_assert!(next != Some(0) || !night.works.is_empty(), "asked in a circle");
        }
    }
}
