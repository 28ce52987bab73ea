//! Cases for help desks: a plain one, its jobs, and ten thousand hostile texts in some of them.

use std::time::Duration;

use nightdesk::model::{Done, Effect, Failure, Outcome, Report, Task, TicketTask, Timestamp, Work};

use crate::vendors::work;

pub(super) const TOKEN: &str = "token-of-this-test";
/// So many tickets with so many texts each.
const TICKETS: usize = 1_000;
const TEXTS: usize = 10;

/// What a text may be made of: the syntax of all it passes through, and letters that are none.
const PIECES: [&str; 40] = [
    "help",
    " ",
    "\n",
    "\r\n",
    "\n\n",
    "\t",
    "\u{0}",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "\u{fffd}",
    "\u{ffff}",
    "e\u{301}",
    "🦀",
    "\u{10ffff}",
    "\"",
    "\\",
    "\\\"",
    "\\u0000",
    "'",
    "{{ticket.requester.email}}",
    "{%",
    "{",
    "}]}",
    "\"},\"priority\":\"urgent\",\"x\":{\"",
    "{\"type\":\"text\",\"text\":\"x\"}",
    "\" OR project = \"HR",
    "{code}",
    "[~admin]",
    "<script>",
    "</p>",
    "&amp;",
    "\r\nX-Evil: 1\r\n\r\n",
    "%0d%0a",
    "--",
    "ß",
];

pub(super) fn case() -> TicketTask {
    TicketTask {
        subject: "I can't log into my account".to_owned(),
        paragraphs: vec!["From the website, 22:04".to_owned(), "Hello,\nit says \"no\".\n\nAda".to_owned()],
        name: Some("Ada Byron".to_owned()),
        email: Some("ada@example.com".to_owned()),
        priority: None,
        tags: vec!["nightdesk".to_owned(), "night shift".to_owned()],
        repeat: false,
    }
}

pub(super) fn ticket(task: TicketTask) -> Work {
    work(Task::Ticket(task))
}

/// The same as a look-up, so long after its try.
pub(super) fn looked_up_after(work: &Work, age: Duration) -> Work {
    Work { look_up_since: Some(Timestamp::now().before(age)), ..work.clone() }
}

/// The link of a ticket that was made or found.
pub(super) fn link(report: &Report) -> &str {
    match &report.outcome {
        Outcome::Done(Done::Ticket(link)) => link,
        other => panic!("no ticket: {other:?}"),
    }
}

pub(super) fn failure(outcome: Outcome) -> Failure {
    match outcome {
        Outcome::Failed(failure) => failure,
        other => panic!("no failure: {other:?}"),
    }
}

/// Does a job as the outbox would, until it is done.
pub(super) async fn until_done(desk: &dyn Effect, work: &Work) -> Report {
    let mut next = work.clone();
    for _ in 0..5 {
        let report = desk.perform(&next).await;
        assert!(!format!("{:?}", report.trace).contains(TOKEN));
        next.look_up_since = match &report.outcome {
            Outcome::Done(_) => return report,
            Outcome::Absent => None,
            Outcome::Failed(failure) if failure.fault.name() == "unknown" => {
                Some(Timestamp::now().before(Duration::from_secs(61)))
            }
            Outcome::Failed(_) => next.look_up_since,
            Outcome::Unsure => panic!("nobody can tell: {report:?}"),
        };
    }
    panic!("never done: {work:?}");
}

/// Ten thousand mangled texts, always the same.
pub(super) fn hostile() -> impl Iterator<Item = TicketTask> {
    let mut random = fastrand::Rng::with_seed(10_000);
    (0..TICKETS).map(move |_| {
        let mut text = |most: usize| -> String {
            let any = |random: &mut fastrand::Rng| random.char(..).to_string();
            let pieces = 0..random.usize(0..=most);
            pieces
                .map(|_| {
                    if random.u8(..) < 40 { any(&mut random) } else { PIECES[random.usize(..PIECES.len())].to_owned() }
                })
                .collect()
        };
        TicketTask {
            subject: text(40),
            paragraphs: (0..TEXTS).map(|_| text(30)).collect(),
            name: Some(text(9)),
            email: Some(if text(1).is_empty() {
                format!("x{}@example.com", text(3))
            } else {
                "ada@example.com".to_owned()
            }),
            priority: Some(text(2)).filter(|text| !text.contains("help")),
            tags: vec![text(5), text(5)],
            repeat: false,
        }
    })
}

/// What must be the same of a text, however it is laid out.
pub(super) fn letters(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect()
}
