//! What is common to help desks: how a text is made fit. Also the works that the vendors' own tests are about.

use super::*;
use crate::model::{AttemptId, Channel, Job, JobId, Lane, Lead, LeadId, Priority, RowId, Task, TicketTask};
use crate::wire::Answer;

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer { status, headers, body: body.to_owned(), truncated: false, latency: Duration::ZERO }
}

pub(super) fn task() -> TicketTask {
    TicketTask {
        subject: "I can't log into my account".to_owned(),
        paragraphs: vec!["From the website, 22:04".to_owned(), "Hello,\nit says \"no\".".to_owned()],
        name: Some("Ada Byron".to_owned()),
        email: Some("ada@example.com".to_owned()),
        priority: None,
        tags: vec!["nightdesk".to_owned(), "night shift".to_owned()],
        repeat: false,
    }
}

/// A job that was made at `created_at`.
pub(super) fn work(created_at: Timestamp, look_up_since: Option<Timestamp>) -> Work {
    let lead = LeadId::new(created_at, [1; 10]);
    let job = Job {
        id: JobId::new(created_at, [2; 10]),
        lead,
        task: Task::Ticket(task()),
        channel: Channel::new(Lane::Ticket, "desk"),
        priority: Priority::Normal,
        due_at: created_at,
        deadline_at: created_at.after(Duration::from_hours(72)),
        tries: 1,
        generation: 1,
        crashes: 0,
        created_at,
    };
    Work {
        job,
        lead: Lead::none(lead, "web".to_owned(), created_at),
        attempt: AttemptId(1),
        look_up_since,
        actions: Vec::new(),
        hard_deadline: created_at.after(Duration::from_secs(20)),
    }
}

#[test]
fn a_text_keeps_its_lines_and_loses_its_control_characters() {
    for (given, kept, line) in [
        ("", "", ""),
        (" a  b ", " a  b ", "a b"),
        ("a\r\nb\rc\u{2028}d\u{2029}e", "a\nb\nc\nd\ne", "a b c d e"),
        ("\n\na\n\nb\n", "a\n\nb", "a b"),
        ("a\u{0}\u{1b}[31mb\u{85}\u{7f}c", "a[31mbc", "a[31mbc"),
        ("a\tb", "a b", "a b"),
        ("\"};DROP {{x}} \\", "\"};DROP {{x}} \\", "\"};DROP {{x}} \\"),
    ] {
        assert_eq!((clean(given).as_str(), one_line(given).as_str()), (kept, line), "{given:?}");
    }
}

#[test]
fn what_is_cut_says_so_and_stays_within_its_size() {
    assert_eq!(shortened("abc", 3, |_| 1), "abc");
    assert_eq!(shortened("abcdef", 5, |_| 1), "ab[…]");
    assert_eq!(shortened("🦀🦀🦀🦀", 7, char::len_utf16), "🦀🦀[…]");
    assert_eq!(shortened("äääääää", 13, char::len_utf8), "ääää[…]");
}

#[test]
fn tags_have_no_spaces_and_no_doubles() {
    let given = ["a b", "a\tb", " ", "a-b", "x\u{0}y", "long"].map(str::to_owned);
    assert_eq!(tags(&given, 3), ["a-b", "xy", "lon"]);
}
