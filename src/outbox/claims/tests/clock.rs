//! The clock is set while people are waited for, as `app::clock` does it: every wait stays as long as it was, and nobody
//! is called twice or never.

use super::power::office;
use super::*;

const HOUR: i64 = 3_600_000;
const YEARS: i64 = 20 * 8_766 * HOUR;
const STEPS: [i64; 6] = [5_000, HOUR, YEARS, -5_000, -HOUR, -YEARS];

impl Office {
    /// The clock is set.
    fn step(&mut self, step_ms: i64) {
        self.now = self.now.moved(step_ms);
        let now = self.now;
        self.store.transact(|tx| tx.shift_clock(step_ms, now)).unwrap();
    }
}

#[test]
fn every_step_of_a_chain_lasts_as_long_as_it_should() {
    for step in STEPS {
        let mut office = office();
        let code = urgent(&mut office);
        let called = |who: &str| vec![format!("{who}: {code} URGENT no contact")];
        office.wait(60);
        office.step(step);
        assert_eq!(office.wait(29), [""; 0], "{step}");
        assert_eq!(office.wait(1), ["Dana rings by modem"], "{step}");
        assert_eq!(office.wait(89), [""; 0], "{step}");
        assert_eq!(office.wait(1), called("Lee"), "{step}");
        office.wait(100);
        office.step(-step);
        assert_eq!(office.wait(199), [""; 0], "{step}");
        assert_eq!(office.wait(1), called("Boss"), "{step}");
        office.step(step);
        office.restart();
        assert_eq!(office.wait(299), [""; 0], "{step}");
        office.wait(1);
        assert_eq!(office.state(0), ("unanswered".into(), true, false), "{step}");
        assert_eq!(office.until_the_end(), [""; 0], "{step}");
        office.nothing_stalls(&step.to_string());
    }
}

#[test]
fn a_lead_that_nobody_took_can_be_claimed_after_the_clock_was_set() {
    for step in STEPS {
        let mut office = office();
        let first = urgent(&mut office);
        office.until_the_end();
        office.step(step);
        // The next lead asks for a code.
        office.lead(Label::UrgentBuyer);
        let told = office.says(LEE, &first);
        assert_eq!(told[0], format!("Lee: {first} is yours. no"), "{step}: {told:?}");
        assert_eq!(office.state(0), ("claimed by Lee".into(), false, false), "{step}");
    }
}

#[test]
fn what_gathers_is_told_after_the_clock_was_set() {
    for step in STEPS {
        let mut office = office();
        urgent(&mut office);
        urgent(&mut office);
        office.lead(Label::UrgentBuyer);
        office.wait(10);
        office.step(step);
        let third = office.code(2);
        assert_eq!(office.wait(19), [""; 0], "{step}");
        assert_eq!(office.wait(1), [format!("Dana: {third} URGENT no contact")], "{step}");
        office.until_the_end();
        office.nothing_stalls(&step.to_string());
    }
}

/// What was done under a clock that was ahead is not counted as done just now, for years.
#[test]
fn no_cap_lasts_longer_because_the_clock_was_ahead() {
    for step in [-HOUR, -YEARS] {
        let mut office = office();
        office.desk.settings.route.ring.as_mut().unwrap().per_hour = 1;
        urgent(&mut office);
        urgent(&mut office);
        assert_eq!(office.wait(90).len(), 1, "one ring is allowed");
        for _ in 0..6 {
            office.says(DANA, "help");
        }
        office.step(step);
        assert_eq!(office.says(DANA, "help").len(), 1, "{step}");
        office.now = office.now.after(Duration::from_hours(1));
        office.until_the_end();
        urgent(&mut office);
        assert_eq!(office.wait(90), ["Dana rings by modem"], "{step}");
    }
}

/// Deadlines are looked at every 30 s, by whatever clock.
#[test]
fn deadlines_are_looked_at_after_the_clock_was_set_back() {
    let mut office = office();
    urgent(&mut office);
    let lead = office.leads[0];
    office.desk.settings.channels.insert(Channel::new(Lane::Sms, "modem0"), 0);
    let code = office.code(0);
    office.says(DANA, &code);
    office.step(-YEARS);
    office.now = office.now.after(Duration::from_hours(2));
    office.run();
    let jobs = office.store.transact(|tx| tx.job_rows(lead)).unwrap();
    let mut states: Vec<&str> = jobs.iter().filter(|job| job.kind == "sms").map(|job| job.state.as_str()).collect();
    states.sort_unstable();
    assert_eq!(states, ["dead", "done"]);
}
