//! The desk is killed, again and again, at every place that matters, and keeps its promises.
//!
//! `NIGHTDESK_SEED` repeats a run: which places in which order, which leads, what is lost and what goes on. The timing
//! of the process itself is the machine's. The simulated vendors live here and outlive the desk: they are the oracle.

#![expect(clippy::print_stdout, reason = "the seed and the hits are what the suite tells")]

mod boundary;
mod campaign;
mod claims;
mod controls;
mod crash;
mod lead;
mod ledger;
mod mails;
mod mixed;
mod oracle;
mod others;
mod parts;
mod team;
mod weather;
mod writes;

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
/// The same where people are called or written to: what they wait for takes time.
const EACH_AMONG_PEOPLE: usize = 3;
const LEAST_AMONG_PEOPLE: usize = 2;
/// Kills that one office lives through.
const OFFICE: usize = 20;
/// Offices at the same time.
const OFFICES: usize = 2;
/// They mostly wait for people.
const OFFICES_AMONG_PEOPLE: usize = 3;

/// Who there is in an office besides the one on call, one model and a CRM.
#[derive(Debug, Clone, Copy)]
enum Scene {
    Alone,
    Team,
    Others,
}

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
async fn office(mut campaign: Campaign, places: Vec<Boundary>) -> Campaign {
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
    campaign.everything_typed_is_read().await;
    campaign
}

/// Kills offices at these places, each so often, by chance and a few at a time.
async fn kill_at(all: &[Boundary], each: usize, offices_at_once: usize, scene: Scene) -> Tally {
    let seed = seed();
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut places: Vec<Boundary> = all.iter().flat_map(|place| vec![*place; each]).collect();
    rng.shuffle(&mut places);
    let offices: VecDeque<(u64, Vec<Boundary>)> =
        places.chunks(OFFICE).map(|places| (rng.u64(..), places.to_vec())).collect();
    let (offices, tally) = (Arc::new(Mutex::new(offices)), Arc::new(Mutex::new(Tally::default())));
    let mut tasks = JoinSet::new();
    for _ in 0..offices_at_once {
        let (offices, tally) = (Arc::clone(&offices), Arc::clone(&tally));
        tasks.spawn(async move {
            loop {
                let next = offices.lock().unwrap().pop_front();
                let Some((seed, places)) = next else { return };
                let campaign = match scene {
                    Scene::Alone => Campaign::new(seed).await,
                    Scene::Team => Campaign::with_team(seed).await,
                    Scene::Others => Campaign::with_others(seed).await,
                };
                let campaign = office(campaign, places).await;
                tally.lock().unwrap().add(&campaign);
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    let tally = std::mem::take(&mut *tally.lock().unwrap());
    tally.print();
    tally
}

/// Nothing was broken, and each place was hit so often.
fn verdict(tally: &Tally, all: &[Boundary], least: usize) {
    nothing_found(&tally.violations);
    let few: Vec<String> = all
        .iter()
        .filter(|place| tally.hits(**place) < least)
        .map(|place| format!("{place}: {}", tally.hits(*place)))
        .collect();
    assert!(few.is_empty(), "hit less than {least} times: {few:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_boundary() {
    let all = Boundary::all();
    let tally = kill_at(&all, EACH, OFFICES, Scene::Alone).await;
    verdict(&tally, &all, LEAST);
    assert!(tally.kills.len() >= 300, "{} kills", tally.kills.len());
}

/// The same where people are called one after the other, and some answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_people_are_called() {
    let all = Boundary::among_people();
    let tally = kill_at(&all, EACH_AMONG_PEOPLE, OFFICES_AMONG_PEOPLE, Scene::Team).await;
    verdict(&tally, &all, LEAST_AMONG_PEOPLE);
}

/// The same where who is only curious is written to, cases are handed on, and a second model is asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_mails_are_written() {
    let all = Boundary::among_mails();
    let tally = kill_at(&all, EACH_AMONG_PEOPLE, OFFICES, Scene::Others).await;
    verdict(&tally, &all, LEAST_AMONG_PEOPLE);
}
