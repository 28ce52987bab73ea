//! A 2xx means that the lead is on the disk: judged from one trace of the system calls, without trusting the program.
//!
//! For every lead: no byte of its 2xx goes to a socket before an fdatasync of the write-ahead log has returned that began
//! after the lead's request was written there. `SQLite` with `synchronous=NORMAL` doesn't sync at a commit
//! (`PRAGMA synchronous`), and must be found out by this; so must an answer before the commit.

use std::collections::HashMap;

use serde_json::json;
use tokio::task::JoinSet;

use crate::support::strace::Event;
use crate::support::{Office, Post, exchange};

/// What writes, and what makes it last.
const CALLS: &str = "write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,fsync,fdatasync,sync_file_range";
const WAL: &str = "/nightdesk.db-wal";
/// Enough of them at once that commits are shared, often enough that answers and commits overlap.
const AT_ONCE: usize = 16;
const WAVES: usize = 5;

/// Posts under strace. What was seen, and the lead of each request's mark.
async fn traced(without: &str) -> (Vec<Event>, HashMap<String, String>) {
    let mut office = Office::new("").await;
    office.set_env("NIGHTDESK_WITHOUT", without);
    office.trace(CALLS);
    office.start().await;
    let mut marks = HashMap::new();
    for wave in 0..WAVES {
        let mut posts = JoinSet::new();
        for n in 0..AT_ONCE {
            // The mark is in the headers, which are stored in the webhook's own row only.
            let mark = format!("mark{wave}x{n}x");
            let body = json!({ "message": format!("What do you charge for tent number {wave}-{n}?") });
            let post = Post::website(&body).header("X-Mark", &mark);
            let intake = office.intake.unwrap();
            posts.spawn(async move { (mark, exchange(intake, &post.bytes()).await.unwrap()) });
        }
        while let Some(posted) = posts.join_next().await {
            let (mark, (status, _, body)) = posted.unwrap();
            assert_eq!(status, 202);
            let answer: serde_json::Value = serde_json::from_slice(&body).unwrap();
            marks.insert(mark, answer["lead_id"].as_str().unwrap().to_owned());
        }
    }
    office.kill();
    (office.traced(), marks)
}

/// Leads whose 2xx was on its way before they were on the disk.
fn answered_too_early(events: &[Event], marks: &HashMap<String, String>) -> Vec<String> {
    let mut early = Vec::new();
    for (mark, lead) in marks {
        let is_answer = |event: &Event| event.args.contains("HTTP/1.1 2") && event.args.contains(lead.as_str());
        let answered = events.iter().position(is_answer).unwrap_or_else(|| panic!("no answer for {lead} in the trace"));
        let on_wal = |event: &&Event| event.is_on(WAL);
        let mut before = events[..answered].iter().filter(on_wal);
        let written = before.any(|event| event.returned.is_some() && event.args.contains(mark.as_str()));
        let syncs = |event: &&Event| matches!(event.name.as_str(), "fdatasync" | "fsync");
        let mut syncs = before.filter(syncs).skip_while(|event| event.returned.is_some());
        let synced = syncs.any(|event| event.returned == Some(0));
        if !(written && synced) {
            early.push(lead.clone());
        }
    }
    early
}

#[tokio::test]
async fn no_2xx_before_the_lead_is_on_the_disk() {
    let (events, marks) = traced("").await;
    assert_eq!(marks.len(), AT_ONCE * WAVES);
    let answers = events.iter().filter(|event| event.returned.is_none() && event.args.contains("HTTP/1.1 2"));
    assert_eq!(answers.count(), marks.len(), "one write a 2xx, and a mark for each");
    assert_eq!(answered_too_early(&events, &marks), Vec::<String>::new());
}

#[tokio::test]
async fn the_trace_shows_a_desk_that_answers_too_early() {
    for rule in ["synchronous-full", "ack-after-commit"] {
        let (events, marks) = traced(rule).await;
        let early = answered_too_early(&events, &marks);
        assert!(early.len() > marks.len() / 2, "without {rule} only {} of {} were found out", early.len(), marks.len());
    }
}
