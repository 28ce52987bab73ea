//! Leads a second that are made durable, at 64 connections, while the channel to the model is parked by a 429; and how
//! many of them share one sync of the disk.

use nightdesk::demo::sim::Fault;

use crate::baseline::Baseline;
use crate::load::{self, CONNECTIONS};
use crate::support::{Office, Post};
use crate::{Row, median};

/// Leads of one round.
const LEADS: usize = CONNECTIONS * 60;
/// The desk and the baseline take turns, so that a machine that slows down slows both.
const ROUNDS: usize = 5;

pub(crate) async fn measure() -> Vec<Row> {
    let mut office = parked().await;
    office.start().await;
    park(&office).await;
    let baseline = Baseline::start();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let rate = |took: std::time::Duration| LEADS as f64 / took.as_secs_f64();
        let bare = rate(load::drive(baseline.address, leads(round)).await);
        let durable = rate(load::drive(office.intake.unwrap(), leads(round)).await);
        if round > 0 {
            theirs.push(bare);
            ours.push(durable);
        }
    }
    office.kill();
    let shares: Vec<f64> = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
    let share = median(&shares);
    let leads_a_sync = leads_a_sync().await;
    vec![
        Row::new("leads/s at 64 connections, durable", format!("{:.0}", median(&ours)), "", true),
        Row::new("requests/s of hyper that stores nothing", format!("{:.0}", median(&theirs)), "", true),
        Row::new("their ratio (median of pairs)", format!("{:.0} %", share * 100.0), "at least 25 %", share >= 0.25),
        Row::new(
            "leads a sync at 64 connections",
            format!("{leads_a_sync:.1}"),
            "16 to 64",
            (16.0..=64.0).contains(&leads_a_sync),
        ),
    ]
}

/// An office whose model says come back in an hour, to everybody.
async fn parked() -> Office {
    let office = Office::new("[classify]\ndeadline = '10m'\n[log]\nlevel = 'info'").await;
    office.llm.script([Fault::throttled(Some("3600")).forever()]);
    office
}

/// One lead asks the model, and the channel is parked.
async fn park(office: &Office) {
    office.post(&Post::hubspot("1", "the first")).await;
    office.until("parking", |reader| reader.channels().unwrap().first().map(drop)).await;
}

/// Signed now, each a lead of its own.
fn leads(round: usize) -> Vec<Vec<u8>> {
    let of = |n: usize| {
        let contact = (round + 1) * 100_000 + n;
        let message = format!("We need a quote for {n} tents by tomorrow, budget is approved, please call me.");
        load::kept_alive(&Post::hubspot(&contact.to_string(), &message))
    };
    (0..LEADS).map(of).collect()
}

/// Leads for one sync of any file, with strace counting.
async fn leads_a_sync() -> f64 {
    let mut office = parked().await;
    office.trace("fdatasync,fsync");
    office.start().await;
    park(&office).await;
    let since = jiff::Timestamp::now().as_microsecond() as f64 / 1e6;
    load::drive(office.intake.unwrap(), leads(0)).await;
    office.kill();
    let synced = office.traced().iter().filter(|event| event.returned == Some(0) && event.at > since).count();
    LEADS as f64 / synced as f64
}
