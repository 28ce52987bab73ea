//! Memory that is the desk's own (PSS), before the first lead and after a thousand that went all the way.

use tokio::task::JoinSet;

use crate::support::{Office, exchange};
use crate::{Row, mib, mix};

const LEADS: usize = 1_000;
/// At once: a busy night, not a flood.
const AT_ONCE: usize = 8;
const BEFORE: u64 = 10 * 1024 * 1024;
const AFTER: u64 = 24 * 1024 * 1024;

pub(crate) async fn measure() -> Vec<Row> {
    let mut office = Office::new("[log]\nlevel = 'info'").await;
    office.start().await;
    let before = pss(&office);
    for first in (0..LEADS).step_by(AT_ONCE) {
        let mut posts = JoinSet::new();
        for n in first..(first + AT_ONCE).min(LEADS) {
            let (intake, bytes) = (office.intake.unwrap(), mix::lead(&office, n).bytes());
            posts.spawn(async move { assert_eq!(exchange(intake, &bytes).await.unwrap().0, 202) });
        }
        while let Some(posted) = posts.join_next().await {
            posted.unwrap();
        }
        office.until_settled(u32::try_from((first + AT_ONCE).min(LEADS)).unwrap()).await;
    }
    let after = pss(&office);
    assert_eq!(office.modem.sent().len(), LEADS / 4);
    let shown = |bytes| format!("{:.2} MiB", mib(bytes));
    vec![
        Row::new("PSS before the first lead", shown(before), "10 MiB", before <= BEFORE),
        Row::new("PSS after 1,000 leads", shown(after), "24 MiB", after <= AFTER),
    ]
}

/// Proportional set size: proc(5), `smaps_rollup`.
pub(crate) fn pss(office: &Office) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", office.pid())).unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
