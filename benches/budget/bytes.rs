//! Bytes written to the database and its WAL for a lead from POST to settled, the checkpoint included: what wears the card.
//! The four classes in equal parts, one lead at a time and 64 at once.

use tokio::task::JoinSet;

use crate::support::{Office, exchange};
use crate::{Row, mix};

const WRITES: &str = "write,writev,pwrite64,pwritev,pwritev2";
const LONE: usize = 40;
const BURST: usize = 64;
const BURSTS: usize = 4;
const LONE_BUDGET: f64 = 160.0;
const BURST_BUDGET: f64 = 32.0;

pub(crate) async fn measure() -> Vec<Row> {
    let (lone, burst) = (kib_a_lead(1, LONE).await, kib_a_lead(BURST, BURSTS).await);
    let shown = |kib| format!("{kib:.1} KiB");
    vec![
        Row::new("written a lone lead, mean of 10 of each class", shown(lone), "160 KiB", lone <= LONE_BUDGET),
        Row::new("written a lead in bursts of 64, 16 of each class", shown(burst), "32 KiB", burst <= BURST_BUDGET),
    ]
}

async fn kib_a_lead(at_once: usize, times: usize) -> f64 {
    let mut office = Office::new("[log]\nlevel = 'info'").await;
    office.trace(WRITES);
    office.start().await;
    let since = jiff::Timestamp::now().as_microsecond() as f64 / 1e6;
    for time in 0..times {
        let mut posts = JoinSet::new();
        for n in 0..at_once {
            let (intake, bytes) = (office.intake.unwrap(), mix::lead(&office, time * at_once + n).bytes());
            posts.spawn(async move { assert_eq!(exchange(intake, &bytes).await.unwrap().0, 202) });
        }
        while let Some(posted) = posts.join_next().await {
            posted.unwrap();
        }
        office.until_settled(u32::try_from((time + 1) * at_once).unwrap()).await;
    }
    // Its last act is a checkpoint of what is left.
    assert!(office.terminate().await.success());
    let events = office.traced();
    let ours = events.iter().filter(|event| event.at > since && (event.is_on(".db") || event.is_on(".db-wal")));
    let bytes: i64 = ours.filter_map(|event| event.returned).filter(|bytes| *bytes > 0).sum();
    bytes as f64 / 1024.0 / (at_once * times) as f64
}
