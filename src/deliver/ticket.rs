//! Cases for the support team: one POST puts a ticket into Zendesk or an issue into Jira.
//!
//! Called by the outbox through [`Effect`](crate::model::Effect), one file per vendor. A ticket is made once: Zendesk takes
//! our key, Jira is searched for it before anything is sent again. Common to both is how a text of a prospect is made fit:
//! it is data in one place of a JSON document, has no control characters, and never becomes markup, a query or a header.
//! Nothing here decides what a ticket says or when it is made (that is `route`), and nothing retries (that is `outbox`).

mod adf;
pub mod jira;
pub mod zendesk;

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::Value;

use crate::model::{Done, Failure, Fault, Outcome, Report, Timestamp, Work};
use crate::wire;

/// Stands where a text was cut.
const CUT: &str = "[…]";

/// A text without control characters; lines end with `\n` only.
fn clean(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n").replace('\t', " ");
    let kept: String = lines.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    kept.trim_matches('\n').to_owned()
}

/// The same on one line.
fn one_line(text: &str) -> String {
    clean(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The start of a text that is larger than `most`, as `size` counts; it says that it was cut.
fn shortened(text: &str, most: usize, size: impl Fn(char) -> usize) -> String {
    let of = |text: &str| text.chars().fold(0_usize, |sum, c| sum.saturating_add(size(c)));
    if of(text) <= most {
        return text.to_owned();
    }
    let room = most.saturating_sub(of(CUT));
    let mut used = 0_usize;
    let fits = |c: &char| {
        used = used.saturating_add(size(*c));
        used <= room
    };
    text.chars().take_while(fits).chain(CUT.chars()).collect()
}

/// The tags of a ticket where spaces can't be part of one: without doubles, `-` for a space.
fn tags(given: &[String], most_chars: usize) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for tag in given {
        let tag: String = one_line(tag).replace(' ', "-").chars().take(most_chars).collect();
        if !tag.is_empty() && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// How long a request of this attempt may take.
fn within(work: &Work, timeout: Duration) -> Duration {
    work.hard_deadline.since(Timestamp::now()).min(timeout)
}

/// What becomes of a job that is no ticket.
fn no_ticket(peer: &str, work: &Work) -> Report {
    let reason = format!("{peer} can't do a job of kind {}", work.job.task.kind());
    Report::of(Outcome::Failed(Failure::new(Fault::Permanent, reason)))
}

const fn done(link: String) -> Outcome {
    Outcome::Done(Done::Ticket(link))
}

/// What a failed look-up comes to: one that will always be refused can't tell anything.
fn looked_up(failure: Failure) -> Outcome {
    if failure.fault == Fault::Permanent { Outcome::Unsure } else { Outcome::Failed(failure) }
}

/// An id of a ticket, if it is one.
fn text_of(id: &Value) -> Option<String> {
    wire::text_of(id).filter(|id| !id.is_empty())
}
