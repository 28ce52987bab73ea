//! An hour with a modem that talks without end, hangs and hangs up: `cargo test --test endurance -- 60` (minutes).
//!
//! The real desk, a simulated modem on a pseudo-terminal, an urgent lead every twenty seconds. Every lead reaches the person;
//! memory and descriptors stay flat: the second half of the hour takes no more than the first, but for what SQLite caches.
//! A plain `cargo test` leaves it out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "in a test a panic is the verdict"
)]
#![expect(clippy::print_stdout, reason = "its figures are what it is run for")]

#[path = "../it/support/mod.rs"]
mod support;

use std::fs;
use std::time::Duration;

use nightdesk::demo::sim::modem::{Cure, SentSms, Step, Trouble};
use support::{Office, Post};
use tokio::time::{Instant, sleep};

/// Between two leads.
const LEAD_EVERY: Duration = Duration::from_secs(20);
/// Between two troubles.
const TROUBLE_EVERY: Duration = Duration::from_secs(15);
/// A desk that leaks a buffer for each restart of a modem takes more than this.
const MOST_GROWTH_KIB: u64 = 1_024;

/// What the desk's process holds.
#[derive(Debug, Clone, Copy)]
struct Sample {
    private_kib: u64,
    descriptors: usize,
}

impl Sample {
    fn of(pid: u32) -> Self {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
        let kib = |key: &str| -> u64 {
            let line = rollup.lines().find(|line| line.starts_with(key)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
        Self { private_kib: kib("Private_Clean:") + kib("Private_Dirty:"), descriptors }
    }
}

/// One trouble after the other.
fn strike(office: &Office, nth: usize) {
    let modem = &office.modem;
    match nth % 8 {
        0 => modem.storm(500, Duration::from_secs(10)),
        1 => modem.hang(Cure::Reopen),
        2 => modem.trouble(Step::CtrlZ, Trouble::HangUp),
        3 => modem.reboot(),
        4 => modem.lose_port(Some(Duration::from_secs(3))),
        5 => modem.trouble(Step::CtrlZ, Trouble::Silent),
        6 => modem.storm(2_000, Duration::from_secs(5)),
        _ => modem.trouble(Step::Command("AT+CMGS"), Trouble::Silent),
    }
}

async fn endure(long: Duration) {
    let mut office = Office::new("[log]\nlevel = \"info\"\nformat = \"json\"").await;
    office.start().await;
    let (begun, mut leads, mut troubles, mut samples) = (Instant::now(), 0_u32, 0_usize, Vec::new());
    while begun.elapsed() < long {
        if begun.elapsed() >= LEAD_EVERY * leads {
            let message = format!("Lead number {leads}: we need 50 units by tomorrow");
            assert_eq!(office.post(&Post::hubspot(&leads.to_string(), &message)).await.0, 202);
            leads += 1;
        }
        if begun.elapsed() >= TROUBLE_EVERY * u32::try_from(troubles + 1).unwrap() {
            strike(&office, troubles);
            troubles += 1;
        }
        samples.push(Sample::of(office.pid()));
        sleep(Duration::from_secs(1)).await;
    }
    office.modem.heal();
    office.until_settled(leads).await;
    let texts: Vec<String> = office
        .modem
        .sent()
        .into_iter()
        .filter(SentSms::is_whole)
        .map(|sms| sms.text)
        .chain(office.twilio.messages().into_iter().map(|message| message.body))
        .collect();
    let missed = (0..leads).filter(|lead| !texts.iter().any(|text| text.contains(&format!("Lead number {lead}:"))));
    assert_eq!(missed.collect::<Vec<_>>(), Vec::<u32>::new(), "leads that nobody was told of");
    // The first tenth warms up.
    let steady = &samples[samples.len() / 10..];
    let (first, second) = steady.split_at(steady.len() / 2);
    let most = |half: &[Sample]| half.iter().map(|sample| sample.private_kib).max().unwrap();
    let open = |half: &[Sample]| half.iter().map(|sample| sample.descriptors).max().unwrap();
    println!(
        "{:.0} min, {leads} leads, {} texts, {troubles} troubles: private memory at most {} KiB in the first half, {} in the second; \
         descriptors {} and {}",
        begun.elapsed().as_secs_f64() / 60.0,
        texts.len(),
        most(first),
        most(second),
        open(first),
        open(second),
    );
    assert!(most(second) <= most(first) + MOST_GROWTH_KIB, "memory grows");
    assert!(open(second) <= open(first) + 2, "descriptors grow");
}

fn main() {
    let minutes = std::env::args().nth(1).and_then(|minutes| minutes.parse().ok()).unwrap_or(60);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(endure(Duration::from_mins(minutes)));
}
