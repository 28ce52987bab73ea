//! The desk is killed, again and again, at every place that matters, and keeps its promises.
//!
//! `NIGHTDESK_SEED` repeats a run: which places in which order, which leads, what is lost and what goes on. The timing
//! of the process itself is the machine's. The simulated vendors live here and outlive the desk: they are the oracle.

#![expect(clippy::print_stdout, reason = "the seed and the hits are what the suite tells")]

mod boundary;
mod campaign;
mod controls;
mod crash;
mod lead;
mod ledger;
mod oracle;
mod parts;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use boundary::Boundary;
use campaign::Campaign;
use ledger::Book;
use oracle::Violation;
use tokio::task::JoinSet;

/// Kills planned at each place; some misses are made up for.
const EACH: usize = 8;
/// The least number of hits at each place.
const LEAST: usize = 5;
/// Kills that one office lives through.
const OFFICE: usize = 20;
/// Offices at the same time.
const OFFICES: usize = 2;

fn seed() -> u64 {
    let seed = std::env::var("NIGHTDESK_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    println!("NIGHTDESK_SEED={seed}");
    seed
}

/// What came of some offices.
#[derive(Default)]
struct Tally {
    kills: Vec<Boundary>,
    leads: usize,
    acknowledged: usize,
    texts: usize,
    repeats: usize,
    crashed: usize,
    violations: Vec<Violation>,
}

impl Tally {
    fn add(&mut self, campaign: &Campaign) {
        let office = &campaign.office;
        self.kills.extend(&campaign.kills);
        self.leads += campaign.leads.len();
        self.acknowledged += campaign.leads.iter().filter(|lead| lead.is_acknowledged()).count();
        let mut texts: Vec<String> = office.modem.sent().into_iter().map(|sms| sms.text).collect();
        texts.extend(office.twilio.messages().into_iter().map(|message| message.body));
        self.texts += texts.len();
        self.repeats += texts.iter().filter(|text| text.starts_with("(repeat) ")).count();
        self.crashed += Book::read(office.path()).crashed();
        let found = oracle::judge(campaign);
        println!(
            "an office: {} kills, {} leads, {} violations",
            campaign.kills.len(),
            campaign.leads.len(),
            found.len()
        );
        self.violations.extend(found);
    }

    fn hits(&self, place: Boundary) -> usize {
        self.kills.iter().filter(|kill| **kill == place).count()
    }

    fn print(&self) {
        let mut hits: BTreeMap<String, usize> = BTreeMap::new();
        for kill in &self.kills {
            *hits.entry(kill.to_string()).or_default() += 1;
        }
        for (place, hits) in &hits {
            println!("{hits:5} {place}");
        }
        let Self { kills, leads, acknowledged, texts, repeats, crashed, .. } = self;
        println!("{} kills, {leads} leads of which {acknowledged} got a 2xx,", kills.len());
        println!("{texts} texts of which {repeats} repeats, {crashed} jobs dead after two deaths");
    }
}

fn nothing_found(violations: &[Violation]) {
    let words: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(words.is_empty(), "{} promises broken\n{}", words.len(), words.join("\n"));
}

/// One office: its places in order, and once more those that were not reached.
async fn office(seed: u64, places: Vec<Boundary>) -> Campaign {
    let mut campaign = Campaign::new(seed).await;
    let mut missed = Vec::new();
    for place in places {
        if !campaign.round(place).await {
            missed.push(place);
        }
    }
    for place in missed {
        campaign.round(place).await;
    }
    campaign.rest().await;
    campaign.collect().await;
    campaign
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_boundary() {
    let seed = seed();
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut places: Vec<Boundary> = Boundary::all().into_iter().flat_map(|place| [place; EACH]).collect();
    rng.shuffle(&mut places);
    let offices: VecDeque<(u64, Vec<Boundary>)> =
        places.chunks(OFFICE).map(|places| (rng.u64(..), places.to_vec())).collect();
    let (offices, tally) = (Arc::new(Mutex::new(offices)), Arc::new(Mutex::new(Tally::default())));
    let mut tasks = JoinSet::new();
    for _ in 0..OFFICES {
        let (offices, tally) = (Arc::clone(&offices), Arc::clone(&tally));
        tasks.spawn(async move {
            loop {
                let next = offices.lock().unwrap().pop_front();
                let Some((seed, places)) = next else { return };
                let campaign = office(seed, places).await;
                tally.lock().unwrap().add(&campaign);
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    let tally = tally.lock().unwrap();
    tally.print();
    let few: Vec<String> = Boundary::all()
        .into_iter()
        .filter(|place| tally.hits(*place) < LEAST)
        .map(|place| format!("{place}: {}", tally.hits(place)))
        .collect();
    nothing_found(&tally.violations);
    assert!(few.is_empty(), "hit less than {LEAST} times: {few:?}");
    assert!(tally.kills.len() >= 300, "{} kills", tally.kills.len());
}
