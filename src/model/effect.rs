//! How the outbox reaches the world: one trait, the work it hands out, and the report that comes back.
//!
//! An effect does its thing once. It never retries, never sleeps past its deadline, and never touches the store;
//! the outbox writes the attempt before it starts and the report after it ends.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::{Action, AttemptId, ClassifiedBy, Failure, Fate, Job, Label, Lead, NewLead, Page, Phone, Timestamp};

/// One try, handed to an effect. Its attempt row is already on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The job.
    pub job: Job,
    /// The lead as it stands.
    pub lead: Lead,
    /// The number of this try.
    pub attempt: AttemptId,
    /// `Some`: don't act, find out whether the try that started then worked.
    pub look_up_since: Option<Timestamp>,
    /// What the lead's action jobs came to so far, oldest first (for notes).
    pub actions: Vec<Action>,
    /// The effect must have ended, one way or the other, by then.
    pub hard_deadline: Timestamp,
}

/// What an effect came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It happened, or the look-up found that it had.
    Done(Done),
    /// The look-up is certain that it did not happen: it may be sent again.
    Absent,
    /// The look-up can't tell (a modem without a status report): at most one marked repeat.
    Unsure,
    /// It failed; the class says what follows.
    Failed(Failure),
}

/// What happened, for those who build on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// A timer's time came.
    Timer,
    /// A label was found.
    Classified {
        /// The label.
        label: Label,
        /// Who decided.
        by: ClassifiedBy,
    },
    /// A record was read from a CRM.
    Read(Box<NewLead>),
    /// A page of the records of a window was read.
    Found(Box<Page>),
    /// A text was handed to the network.
    Sms(SmsReceipt),
    /// A phone was rung.
    Rang(Rang),
    /// A vendor was asked what became of a text that it took.
    Fate {
        /// What became of it.
        fate: Fate,
        /// Why it failed, if it did and the vendor says so.
        why: Option<Failure>,
    },
    /// A mail server took a mail; this is its `Message-ID`.
    Mailed(String),
    /// A help desk took a case; where it is looked at, or what it is called there.
    Ticket(String),
    /// A CRM took a write; the id of what was made, if anything was.
    Crm {
        /// The vendor's id of the new object.
        id: Option<String>,
    },
}

/// What the network gave back for a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmsReceipt {
    /// Twilio's sid, or the modem's message references in order of parts, separated by commas.
    pub reference: String,
    /// Parts it took, as billed.
    pub parts: u32,
    /// A status report has already said that the phone has it.
    pub delivered: bool,
}

/// How a ring went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rang {
    /// It rang for so long, and nobody picked up.
    For(Duration),
    /// Somebody was on the phone already.
    Busy,
    /// Somebody picked up, or a voicemail.
    PickedUp,
    /// A vendor took the call; this is his id of it.
    Taken(String),
}

impl fmt::Display for Rang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(time) => write!(f, "rang {} s", time.saturating_add(Duration::from_millis(500)).as_secs().max(1)),
            Self::Busy => f.write_str("busy"),
            Self::PickedUp => f.write_str("picked up"),
            Self::Taken(id) => write!(f, "called, {id}"),
        }
    }
}

/// What was said to a peer and what it answered, for the timeline. Never a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// Method and address, or AT command; body included.
    pub request: Option<String>,
    /// The answer, capped.
    pub response: Option<String>,
    /// HTTP status, or the modem's error number.
    pub status: Option<u16>,
    /// The vendor's id of this request, for a support case.
    pub vendor_id: Option<String>,
    /// How long the peer took.
    pub latency: Duration,
}

impl Trace {
    /// What is kept of it where all went well: an answer that says yes echoes what was sent, and wears the card.
    #[must_use]
    pub fn of_success(&self) -> Self {
        const KEPT_BYTES: usize = 160;
        let response = self.response.as_ref().map(|said| Self::capped(said, KEPT_BYTES, false));
        Self { response, ..self.clone() }
    }

    /// At most so many bytes of what was said, marked where that is not all of it.
    #[must_use]
    pub fn capped(said: &str, most: usize, truncated: bool) -> String {
        let (start, rest) = said.split_at_checked(said.floor_char_boundary(most)).unwrap_or((said, ""));
        if rest.is_empty() && !truncated { start.to_owned() } else { format!("{start} […]") }
    }
}

/// One call of a language model, as the `llm_calls` row tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LlmCall {
    /// When it was asked.
    pub at: Timestamp,
    /// Name of the configured model entry.
    pub provider: String,
    /// The model asked for.
    pub model: String,
    /// The instructions, exactly as sent.
    pub system_prompt: String,
    /// The rest of the conversation, exactly as sent.
    pub user_prompt: String,
    /// The answer, exactly as it came (capped).
    pub answer: Option<String>,
    /// The label, if the answer was one.
    pub label: Option<Label>,
    /// Tokens of the prompt, as billed.
    pub prompt_tokens: Option<u32>,
    /// Tokens of the answer, as billed.
    pub completion_tokens: Option<u32>,
    /// What it cost, in millionths of the price's currency; `None` when tokens or price are unknown.
    pub cost_micros: Option<u64>,
    /// How long it took.
    pub latency: Duration,
    /// The vendor's request id.
    pub request_id: Option<String>,
    /// Why the answer was not taken.
    pub error: Option<String>,
}

/// What the sanitiser made of a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The clean text.
    pub message: String,
    /// The prospect's number, if it is a valid one.
    pub phone: Option<Phone>,
}

/// What an effect hands back, success or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// What the lead says, once the sanitiser has read it.
    pub reading: Option<Reading>,
    /// What was said.
    pub trace: Trace,
    /// Calls of models made on the way.
    pub llm_calls: Vec<LlmCall>,
    /// What it used of the peer's limits.
    pub quota: Quota,
    /// What its calls of models cost, or may have cost, in millionths; `None`: nothing is known of it.
    pub cost_micros: Option<u64>,
}

/// How much of a peer's limits an effect used, and what the peer says is left of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// Requests that were made.
    pub requests: u32,
    /// Left in the peer's short window, as it said last.
    pub burst: Option<Left>,
    /// Left of the peer's day.
    pub day: Option<Left>,
}

/// What is left of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// So many requests.
    pub left: u32,
    /// Of so many.
    pub of: u32,
}

impl Report {
    /// A report with nothing but its outcome.
    #[must_use]
    pub fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            reading: None,
            trace: Trace::default(),
            llm_calls: Vec::new(),
            quota: Quota::default(),
            cost_micros: None,
        }
    }

    /// A report of an exchange with a peer.
    #[must_use]
    pub fn traced(outcome: Outcome, trace: Trace) -> Self {
        Self { trace, ..Self::of(outcome) }
    }
}

/// One destination. Implemented by `classify`, `deliver` and `writeback`; called only by the outbox.
pub trait Effect: Send + Sync {
    /// Does the work once, or looks up whether an earlier try worked.
    fn perform<'a>(&'a self, work: &'a Work) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_start_of_an_echo_is_kept() {
        let long = "ü".repeat(100);
        for (said, want) in [
            (None, None),
            (Some("+CMGS: 7\nOK".to_owned()), Some("+CMGS: 7\nOK".to_owned())),
            (Some(long.clone()), Some(format!("{} […]", "ü".repeat(80)))),
            (Some(format!("{{\"id\":\"7\"}}{long}")), Some(format!("{{\"id\":\"7\"}}{} […]", "ü".repeat(75)))),
        ] {
            let trace = Trace { request: Some(long.clone()), response: said, ..Trace::default() };
            assert_eq!(trace.of_success(), Trace { response: want, ..trace.clone() });
        }
    }
}
