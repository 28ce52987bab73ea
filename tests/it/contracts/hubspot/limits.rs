//! The account's limits: what is left is told, what is over is refused, and when each limit ends is believed.

use std::time::Duration;

use jiff::tz::TimeZone;
use nightdesk::demo::sim::{Fault, Match};
use nightdesk::model::{Effect, Fault as Class, Left, Outcome, Quota, Reconcile, Task, Timestamp};
use serde_json::json;

use crate::vendors::{account, hubspot, hubspot_in, note, update, work};

/// How long the channel is to wait, if it is.
fn wait(outcome: &Outcome) -> Duration {
    let Outcome::Failed(failure) = outcome else { panic!("{outcome:?}") };
    let Class::Throttled { until } = failure.fault else { panic!("{failure:?}") };
    until.since(Timestamp::now())
}

fn is_about(wait: Duration, seconds: u64) -> bool {
    wait <= Duration::from_secs(seconds) && wait + Duration::from_secs(1) > Duration::from_secs(seconds)
}

#[tokio::test]
async fn what_is_left_is_told_and_what_is_over_waits() {
    let (sim, hubspot) = hubspot(account().burst(2, Duration::from_secs(10)).searches_per_second(1)).await;
    let left = |left: u32, day: u32| Quota {
        requests: 1,
        burst: Some(Left { left, of: 2 }),
        day: Some(Left { left: day, of: 250_000 }),
    };
    assert_eq!(hubspot.perform(&work(update())).await.quota, left(1, 249_999));
    assert_eq!(hubspot.perform(&work(update())).await.quota, left(0, 249_998));
    let over = hubspot.perform(&work(update())).await;
    assert_eq!(over.quota, left(0, 249_998));
    assert!(is_about(wait(&over.outcome), 10), "{over:?}");

    let window = Reconcile { from: Timestamp::from_millis(0), until: Timestamp::from_millis(1), after: None };
    let search = hubspot.perform(&work(Task::Reconcile(window.clone()))).await;
    assert_eq!(
        search.quota,
        Quota { requests: 1, ..Quota::default() },
        "searches have a limit of their own, and don't tell"
    );
    let over = hubspot.perform(&work(Task::Reconcile(window))).await;
    assert!(is_about(wait(&over.outcome), 1), "{over:?}");
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_day_ends_at_the_accounts_midnight() {
    for (name, hours) in [("the office's zone", 0), ("far west", -11), ("far east", 12)] {
        let zone = TimeZone::fixed(jiff::tz::offset(hours));
        let (sim, hubspot) = hubspot_in(account(), zone.clone()).await;
        sim.leave_of_the_day(1);
        let last = hubspot.perform(&work(update())).await;
        assert_eq!(last.quota.day, Some(Left { left: 0, of: 250_000 }), "{name}");
        let over = hubspot.perform(&work(note())).await.outcome;
        let Outcome::Failed(failure) = over else { panic!("{over:?}") };
        let Class::Throttled { until } = failure.fault else { panic!("{failure:?}") };
        let local = jiff::Timestamp::from_millisecond(until.as_millis()).unwrap().to_zoned(zone);
        assert_eq!(local.time().to_string(), "00:00:00", "{name}: {until}");
        assert!(until.since(Timestamp::now()) <= Duration::from_hours(24), "{name}");
    }
}

#[tokio::test]
async fn a_pause_that_is_asked_for_is_kept() {
    let date = jiff::Timestamp::now() + Duration::from_secs(31);
    let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    for (name, status, header, patch, made) in [
        ("429, seconds", 429, "7", Some(7), Some(7)),
        ("429, a fraction", 429, "2.5", Some(2), Some(2)),
        ("429, a date", 429, date.as_str(), Some(30), Some(30)),
        ("429, nothing", 429, "0", Some(1), Some(1)),
        ("477, hours", 477, "7200", Some(7200), Some(7200)),
        ("503, seconds", 503, "30", Some(30), None),
        ("502, seconds", 502, "5", Some(5), None),
        ("504, a date", 504, date.as_str(), Some(30), None),
        ("521, seconds", 521, "60", Some(60), None),
    ] {
        for (task, want) in [(update(), patch), (note(), made)] {
            let (sim, hubspot) = hubspot(account()).await;
            let fault = Fault::status_with(status, json!({})).header("retry-after", header);
            sim.script([fault.on(Match::any())]);
            let outcome = hubspot.perform(&work(task)).await.outcome;
            match want {
                Some(seconds) => assert!(wait(&outcome).as_secs().abs_diff(seconds) <= 1, "{name}: {outcome:?}"),
                None => assert_eq!(crate::vendors::class(&outcome), "unknown", "{name}: it may have been written"),
            }
        }
    }
}
