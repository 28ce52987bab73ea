//! The page to unsubscribe where it meets the intake's limits.

use super::quota::Budget;
use super::*;
use crate::model::{AddressHash, Addresses};

/// Knows one token.
#[derive(Debug)]
struct Known;

const OWNER: AddressHash = AddressHash::new([7; 16]);

impl Addresses for Known {
    fn hash(&self, _: &str) -> AddressHash {
        OWNER
    }
    fn unsubscribe_url(&self, _: AddressHash) -> Option<String> {
        None
    }
    fn of_token(&self, token: &str) -> Option<AddressHash> {
        (token == "anna").then_some(OWNER)
    }
}

/// A desk with a page to which so many may post in a minute, on a disk that must have so much room.
async fn desk(max_per_minute: u32, low_water_bytes: u64) -> Desk {
    Desk::fitted(sources(), limits(), low_water_bytes, |intake| {
        let unsubscribe = Unsubscribe { addresses: Arc::new(Known), business: "Acme".to_owned() };
        let mut intake = intake.with_unsubscribe(unsubscribe);
        if let Some(door) = &mut intake.unsubscribe {
            door.budget = Budget::of(max_per_minute, 1);
        }
        intake
    })
    .await
}

async fn status(desk: &Desk, method: &str, path: &str) -> (u16, String) {
    let answer = desk.raw(request(method, path, &[], b"")).await;
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

#[tokio::test]
async fn a_nearly_full_disk_takes_no_lead_but_lets_people_go() {
    let desk = desk(60, u64::MAX).await;
    assert_eq!(desk.open_post(r#"{"message":"Hello"}"#).await.0, 503);
    assert_eq!(status(&desk, "POST", "/u/anna").await.0, 200);
    let kept = desk.reader().suppressions(9).unwrap();
    assert_eq!(kept.iter().map(|one| one.hash).collect::<Vec<_>>(), [OWNER]);
    desk.close().await;
}

#[tokio::test]
async fn whoever_lets_a_program_press_the_button_must_wait() {
    let desk = desk(2, 0).await;
    for want in [200, 200, 429] {
        let (got, answer) = status(&desk, "POST", "/u/anna").await;
        assert_eq!((got, answer.to_lowercase().contains("retry-after: 30")), (want, want == 429), "{answer}");
    }
    assert_eq!(status(&desk, "GET", "/u/anna").await.0, 200, "looking costs nothing");
    assert_eq!(status(&desk, "POST", "/u/carl").await.0, 404, "nor does making links up");
    assert_eq!(desk.open_post(r#"{"message":"Hello"}"#).await.0, 202, "leads have budgets of their own");
    desk.close().await;
}
