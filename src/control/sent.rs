//! A text that a person sends by hand: how long it may take, and what it came to.
//!
//! The outbox never comes here: its texts are jobs. An answer that didn't come in time means what [`Fault::Unknown`] does.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{Done, Failure, Fault, JobId, Layout, Outcome, Report, RowId, TextKey, Timestamp};

/// As long as the slowest modem takes to hand one part to the network (150 s), and its dialogue.
const FIRST_PART: Duration = Duration::from_mins(3);
/// What each further part may add: ordinary networks take one in a few seconds.
const NEXT_PART: Duration = Duration::from_secs(10);

/// How long sending `text` by hand may take.
#[must_use]
pub fn send_within(text: &str) -> Duration {
    let further = Layout::of(text).parts.len().saturating_sub(1);
    NEXT_PART.saturating_mul(u32::try_from(further).unwrap_or(u32::MAX)).saturating_add(FIRST_PART)
}

/// What a text that was sent by hand came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Sent {
    /// The network took it.
    Taken {
        /// By which its delivery report is asked for.
        text: TextKey,
        /// The network's references, in order of parts, separated by commas.
        reference: String,
        /// Parts, as billed.
        parts: u32,
        /// The network has reported by now that the phone has it.
        delivered: bool,
    },
    /// It did not leave, or nobody can tell.
    Failed {
        /// Of which kind: `Unknown` may have left.
        fault: Fault,
        /// Why.
        reason: String,
        /// What to do about it.
        cure: Option<String>,
    },
}

/// The key of a text that is about no lead: its job is in no table.
#[must_use]
pub fn new_text(now: Timestamp) -> TextKey {
    TextKey { job: JobId::fresh(now), generation: 0 }
}

impl Sent {
    /// What the report of this text means.
    #[must_use]
    pub fn of(text: TextKey, report: Report) -> Self {
        let failure = match report.outcome {
            Outcome::Done(Done::Sms(receipt)) => {
                let (reference, parts, delivered) = (receipt.reference, receipt.parts, receipt.delivered);
                return Self::Taken { text, reference, parts, delivered };
            }
            Outcome::Failed(failure) => failure,
            Outcome::Absent => Failure::new(Fault::Transient, "the text did not leave"),
            Outcome::Unsure | Outcome::Done(_) => {
                Failure::new(Fault::Unknown, "the modem does not tell what became of the text")
            }
        };
        Self::Failed { fault: failure.fault, reason: failure.reason, cure: failure.cure }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Response;
    use super::*;
    use crate::model::SmsReceipt;

    #[test]
    fn every_report_is_told_and_read_back() {
        let failed = |fault: Fault, cure: Option<&str>| Sent::Failed {
            fault,
            reason: "why".into(),
            cure: cure.map(str::to_owned),
        };
        let receipt = SmsReceipt { reference: "41,42".into(), parts: 2, delivered: true };
        let until = "2026-11-23T02:00:00.000Z".parse().unwrap();
        let text = new_text(until);
        for (name, outcome, want) in [
            (
                "taken",
                Outcome::Done(Done::Sms(receipt)),
                Sent::Taken { text, reference: "41,42".into(), parts: 2, delivered: true },
            ),
            (
                "refused",
                Outcome::Failed(Failure::new(Fault::Permanent, "why").cure("cure")),
                failed(Fault::Permanent, Some("cure")),
            ),
            (
                "later",
                Outcome::Failed(Failure::new(Fault::Throttled { until }, "why")),
                failed(Fault::Throttled { until }, None),
            ),
        ] {
            let sent = Sent::of(text, Report::of(outcome));
            assert_eq!(sent, want, "{name}");
            let said = serde_json::to_string(&Response::Text(sent.clone())).unwrap();
            assert_eq!(serde_json::from_str::<Response>(&said).unwrap(), Response::Text(sent), "{name}: {said}");
        }
        for (outcome, fault) in [
            (Outcome::Absent, Fault::Transient),
            (Outcome::Unsure, Fault::Unknown),
            (Outcome::Done(Done::Timer), Fault::Unknown),
        ] {
            let sent = Sent::of(text, Report::of(outcome.clone()));
            assert!(matches!(sent, Sent::Failed { fault: told, .. } if told == fault), "{outcome:?}: {sent:?}");
        }
    }

    #[test]
    fn a_longer_text_may_take_longer() {
        for (text, seconds) in [("", 180), ("x", 180), (&"x".repeat(161), 190), (&"x".repeat(153 * 10), 270)] {
            assert_eq!(send_within(text).as_secs(), seconds, "{} characters", text.len());
        }
    }
}
