//! A body on which the program panics. Failpoints are armed for a whole process, so the test runs itself in one of its own.

use std::process::Command;

use super::*;
use crate::store::DeadLetterFilter;

const ARMED: &str = "NIGHTDESK_FAILPOINT";

#[test]
fn a_panic_is_one_dead_letter_and_all_others_go_on() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "intake::tests::crash::in_a_process_of_its_own", "--nocapture"]);
    let output = child.env(ARMED, "intake-parse:2:panic").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn in_a_process_of_its_own() {
    if std::env::var_os(ARMED).is_none() {
        return;
    }
    let desk = Desk::open().await;
    for (nth, status) in [(1, 202), (2, 200), (3, 202), (4, 202)] {
        let (got, body) = desk.open_post(format!(r#"{{"message":"I am {nth}"}}"#)).await;
        assert_eq!(got, status, "{nth}");
        assert_eq!(body.get("inbox_id").is_some(), status == 200, "{nth}");
    }
    let reader = desk.reader();
    assert_eq!(reader.counts().unwrap().leads, 3);
    let letters = reader.dead_letters(&DeadLetterFilter::default()).unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].stage.as_str(), letters[0].class.as_str()), ("gate", "crash"));
    assert_eq!(letters[0].payload, r#"{"message":"I am 2"}"#);
    assert_eq!(reader.alerts().unwrap()[0].key, "crash:open");
    desk.close().await;
}
