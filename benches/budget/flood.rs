//! A hundred thousand forged requests while a hundred real leads come: how long the slowest of these waits for its 202,
//! and how much memory the desk takes meanwhile.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::interval;

use crate::load::{self, CONNECTIONS};
use crate::memory::pss;
use crate::support::{Office, Post};
use crate::{Row, median, mib};

const FORGED: usize = 100_000;
const REAL: usize = 100;
/// HubSpot gives up after thirty; a person notices after one.
const WITHIN: Duration = Duration::from_secs(1);
const MEMORY: u64 = 64 * 1024 * 1024;
/// How often the memory is looked at.
const LOOK: Duration = Duration::from_millis(100);

pub(crate) async fn measure() -> Vec<Row> {
    let mut office = Office::new("[log]\nlevel = 'info'").await;
    office.start().await;
    let office = Arc::new(office);
    let (done, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let peak = tokio::spawn(watch(Arc::clone(&office), Arc::clone(&over)));
    let begun = Instant::now();
    let mut forgers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        forgers.spawn(forge(office.intake.unwrap(), Arc::clone(&done)));
    }
    let waits = real(&office, &done).await;
    forgers.join_all().await;
    let took = begun.elapsed();
    over.store(true, Ordering::Relaxed);
    let peak = peak.await.unwrap();
    assert_eq!(office.column("SELECT count(*) FROM leads"), [REAL.to_string()]);
    let kept = office.column("SELECT count(*) FROM quarantine").remove(0);
    let log = std::fs::metadata(office.log_path()).unwrap().len();
    let worst = waits.iter().max().copied().unwrap();
    let millis = |wait: Duration| format!("{:.1} ms", wait.as_secs_f64() * 1e3);
    vec![
        Row::new("forged requests/s at 64 connections", format!("{:.0}", FORGED as f64 / took.as_secs_f64()), "", true),
        Row::new("rows in the quarantine", kept.clone(), "at most 200", kept.parse::<u32>().unwrap() <= 200),
        Row::new("log of all that", format!("{:.2} MiB", mib(log)), "1 MiB", mib(log) <= 1.0),
        Row::new("real lead to its 202 meanwhile, p50", millis(median(&waits)), "", true),
        Row::new("real lead to its 202 meanwhile, worst", millis(worst), "1 s", worst <= WITHIN),
        Row::new("PSS meanwhile, peak", format!("{:.2} MiB", mib(peak)), "64 MiB", peak <= MEMORY),
    ]
}

async fn forge(address: SocketAddr, done: Arc<AtomicUsize>) {
    let mut forged = Post::hubspot("1", "We need 50 tents by tomorrow");
    // What was signed is not what is sent.
    forged.body.push(b' ');
    let mut connection = load::Connection::open(address).await;
    let request = load::kept_alive(&forged);
    while done.fetch_add(1, Ordering::Relaxed) < FORGED {
        assert!(connection.ask(&request).await.starts_with(b"HTTP/1.1 401"));
    }
}

/// Real leads, spread evenly over the flood; of the very source that is forged.
async fn real(office: &Office, done: &AtomicUsize) -> Vec<Duration> {
    let (mut waits, mut ticks) = (Vec::new(), interval(Duration::from_millis(1)));
    for nth in 0..REAL {
        while done.load(Ordering::Relaxed) < nth * FORGED / REAL {
            ticks.tick().await;
        }
        let contact = (nth + 1_000).to_string();
        office.hubspot.set_contact(&contact, &[]);
        let post = Post::hubspot(&contact, &format!("How does your floor compare? Reference {nth}."));
        let begun = Instant::now();
        assert_eq!(office.post(&post).await.0, 202);
        waits.push(begun.elapsed());
    }
    waits
}

async fn watch(office: Arc<Office>, over: Arc<AtomicBool>) -> u64 {
    let (mut peak, mut ticks) = (0, interval(LOOK));
    while !over.load(Ordering::Relaxed) {
        ticks.tick().await;
        peak = peak.max(pss(&office));
    }
    peak
}
