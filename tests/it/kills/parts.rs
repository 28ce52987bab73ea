//! A text of three parts, and a kill at every step of every part: the person is told, once, or twice with a word about it.
//!
//! What the modem took before the kill is known afterwards, whatever it was; a part that may have left makes the text
//! unknown, and then exactly one text marked as a repeat follows.

use std::rc::Rc;
use std::time::Duration;

use nightdesk::demo::sim::modem::Step;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

use crate::support::{Office, Post};

/// Offices at the same time. They mostly wait.
const OFFICES: usize = 4;
const PARTS: usize = 3;
/// Where the modem stands when the desk is killed, and whether what was asked for still happens then.
const KILLS: [(Step, bool); 7] = [
    (Step::Command("AT+CMGS"), false),
    (Step::Prompted, true),
    (Step::PduByte, true),
    (Step::CtrlZ, false),
    (Step::CtrlZ, true),
    (Step::Accepted, true),
    (Step::Referenced, true),
];

/// A message that fills three parts.
fn message() -> String {
    format!("We need 50 units by tomorrow. {}", "The hall is long and wide, and it may rain. ".repeat(12))
}

async fn kill_at(step: Step, goes_on: bool, part: usize) -> String {
    let name = format!("{step:?}, going on: {goes_on}, part {part}");
    let mut office = Office::open().await;
    let mut held = office.modem.hold(step);
    assert_eq!(office.post(&Post::hubspot("501", &message())).await.0, 202, "{name}");
    for _ in 1..part {
        held.reached().await.unwrap();
        let next = office.modem.hold(step);
        held.release();
        held = next;
    }
    held.reached().await.unwrap();
    office.kill();
    if goes_on {
        held.release();
    } else {
        held.abandon();
    }
    office.start().await;
    office.until_settled(1).await;

    let by_modem = office.modem.sent();
    let by_twilio: Vec<String> = office.twilio.messages().into_iter().map(|message| message.body).collect();
    let whole = by_modem.iter().filter(|sms| sms.is_whole()).map(|sms| sms.text.clone());
    let told: Vec<String> = whole.chain(by_twilio).collect();
    assert!(!told.is_empty(), "{name}: nobody was told; {by_modem:?}");
    assert!(by_modem.iter().all(|sms| sms.repeated == 0), "{name}: a part came twice; {by_modem:?}");
    assert!(by_modem.iter().all(|sms| sms.total == PARTS), "{name}: {by_modem:?}");
    let plain = told.iter().filter(|text| !text.starts_with("(repeat)")).count();
    assert!(plain <= 1 && told.len() <= 2, "{name}: told too often: {told:?}");
    if told.len() == 2 {
        let unknown = "SELECT count(*) FROM attempts WHERE outcome IN ('unknown', 'unsure')";
        assert_ne!(office.column(unknown), ["0"], "{name}: repeated although its outcome was known");
    }
    assert_eq!(
        office.column("SELECT count(*) FROM jobs WHERE state IN ('ready', 'leased', 'unknown')"),
        ["0"],
        "{name}"
    );
    assert_eq!(office.violations(), Vec::<String>::new(), "{name}");
    let marks = told.iter().map(|text| if text.starts_with("(repeat)") { "a marked repeat" } else { "the text" });
    format!("{name}: {}", marks.collect::<Vec<_>>().join(", "))
}

#[tokio::test]
async fn a_kill_at_every_step_of_a_long_text() {
    let offices = Rc::new(Semaphore::new(OFFICES));
    let mut kills = JoinSet::new();
    let local = LocalSet::new();
    for part in 1..=PARTS {
        for (step, goes_on) in KILLS {
            let offices = Rc::clone(&offices);
            kills.spawn_local_on(
                async move {
                    let _one = offices.acquire().await.unwrap();
                    tokio::time::timeout(Duration::from_mins(2), kill_at(step, goes_on, part)).await.unwrap()
                },
                &local,
            );
        }
    }
    let told = local.run_until(async {
        let mut told = Vec::new();
        while let Some(one) = kills.join_next().await {
            told.push(one.unwrap());
        }
        told
    });
    let mut told = told.await;
    told.sort();
    println!("{}", told.join("\n"));
}
