//! Thousands of nights: store, outbox and route run inline on virtual time against a modelled world.
//!
//! Each seed is one desk with its leads, vendors' troubles, deaths and failed commits; the invariants are checked after
//! every step. `NIGHTDESK_SEED=n` runs one seed alone. With any one rule removed the run must go red, in the right way.

mod checker;
mod effects;
mod loops;
mod people;
mod reports;
mod run;
mod scene;
mod tally;
mod world;

use nightdesk::failpoint::with_removed;

use checker::{Broken, Violation};
use run::Run;
use tally::{Blow, Tally};

const SEEDS: u64 = 2_000;
const LEADS: u64 = 20_000;
const EACH: u64 = 500;
/// So many seeds find any missing rule.
const SEEDS_TO_GO_RED: u64 = 200;

/// `NIGHTDESK_SEED=17` or `NIGHTDESK_SEED=100..200`.
fn seeds_asked_for() -> Option<std::ops::Range<u64>> {
    let asked = std::env::var("NIGHTDESK_SEED").ok()?;
    let (first, end) = asked.split_once("..").map_or((asked.as_str(), None), |(first, end)| (first, Some(end)));
    let first = first.parse().unwrap();
    Some(first..end.map_or(first + 1, |end| end.parse().unwrap()))
}

fn night(seed: u64) -> (Result<(), Violation>, Tally) {
    let mut run = Run::new(seed);
    let verdict = run.until_quiet();
    (verdict, run.tally)
}

#[test]
#[expect(clippy::print_stderr, reason = "what a run tried is part of its verdict")]
fn every_invariant_holds_in_every_night() {
    let asked = seeds_asked_for();
    let mut all = Tally::default();
    let mut failed = Vec::new();
    for seed in asked.clone().unwrap_or(0..SEEDS) {
        let (verdict, tally) = night(seed);
        all.add(&tally);
        if let Err(violation) = verdict {
            eprintln!("NIGHTDESK_SEED={seed}: {violation}");
            failed.push(seed);
        }
    }
    eprint!("{all}");
    assert!(failed.is_empty(), "{} seeds failed: {failed:?}", failed.len());
    if asked.is_none() {
        assert!(all.count(Blow::Lead) >= LEADS, "too few leads");
        assert_eq!(all.rarer_than(EACH), Vec::<String>::new(), "too few of these");
    }
}

#[test]
fn a_seed_is_the_same_night_again() {
    for seed in [3, 10, 17] {
        let (first, second) = (night(seed).1.to_string(), night(seed).1.to_string());
        assert_eq!(first, second, "seed {seed}");
    }
}

/// Each rule is needed: without it the run goes red, and for the reason that the rule is there for.
#[test]
#[expect(clippy::print_stderr, reason = "which seed shows it is worth knowing")]
fn without_any_one_rule_it_goes_red() {
    for (rule, want) in [
        ("dedupe", Broken::DuplicateLead),
        ("attempt-before-effect", Broken::EffectWithoutAttempt),
        ("conditional-settle", Broken::LateReportTook),
        ("failover-clock", Broken::SlowText),
        ("never-a-third", Broken::ThirdText),
        ("claim-ends-calling", Broken::CalledOn),
    ] {
        let red = with_removed(Some(rule), || {
            let mut nights = (0..SEEDS_TO_GO_RED).filter_map(|seed| night(seed).0.err().map(|found| (seed, found)));
            nights.find(|(_, violation)| violation.broken == want)
        });
        let (seed, violation) = red.unwrap_or_else(|| panic!("no {want:?} without {rule}"));
        eprintln!("without {rule}, seed {seed}: {violation}");
    }
}
