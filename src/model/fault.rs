//! What can go wrong with an effect, in the five words that decide what follows, and how long to wait.
//!
//! Every room folds its own errors into a [`Failure`] once, at its edge. The class alone decides between retry,
//! wait, look-up and dead letter (`outbox::step`); the words are for the person who reads the dead letter.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// What the outbox may do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Nothing was done, or doing it again is harmless. Back off and try again.
    Transient,
    /// The peer said when: the whole channel waits until then, no attempt is burnt.
    Throttled {
        /// When the channel may be used again.
        until: Timestamp,
    },
    /// Key, token or SIM is refused: the channel's breaker opens and alerts; jobs wait or take the next channel.
    Auth,
    /// The bytes left but no verdict came back: look it up before anything is sent again.
    Unknown,
    /// The same bytes will never be taken: next channel, else dead letter, with a hint for a person.
    Permanent,
    /// The job's own code panicked: a dead letter at once.
    Crash,
}

impl Fault {
    /// The word in the database, the log and the CLI.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Throttled { .. } => "throttled",
            Self::Auth => "auth",
            Self::Unknown => "unknown",
            Self::Permanent => "permanent",
            Self::Crash => "crash",
        }
    }
}

/// One failed effect: its class, and the words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The class; it alone decides what follows.
    pub fault: Fault,
    /// What happened, in words a person can act on. Never a secret.
    pub reason: String,
    /// What to do about it, when we know.
    pub cure: Option<String>,
    /// The recipient refused for good (an opt-out): no other channel may be tried either.
    pub final_everywhere: bool,
}

impl Failure {
    /// A failure of class `fault`, for `reason`.
    #[must_use]
    pub fn new(fault: Fault, reason: impl Into<String>) -> Self {
        Self { fault, reason: reason.into(), cure: None, final_everywhere: false }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn cure(mut self, cure: impl Into<String>) -> Self {
        self.cure = Some(cure.into());
        self
    }
}

/// Exponential backoff with full jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ladder {
    /// Upper bound of the first wait.
    pub base: Duration,
    /// No wait is longer than this.
    pub cap: Duration,
}

impl Ladder {
    /// The wait after the `attempt`-th failure (1 = first). `jitter` in 0..=1 is drawn by the caller.
    ///
    /// Full jitter over the upper nine tenths: never zero, so that a retry is always later than its failure.
    #[must_use]
    pub fn wait(&self, attempt: u32, jitter: f64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(30);
        let ceiling = self.base.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX)).min(self.cap);
        ceiling.mul_f64(0.1 + 0.9 * jitter.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder_doubles_to_its_cap() {
        let ladder = Ladder { base: Duration::from_secs(1), cap: Duration::from_mins(1) };
        for (attempt, jitter, want_ms) in
            [(1, 1.0, 1_000), (2, 1.0, 2_000), (7, 1.0, 60_000), (4_000, 1.0, 60_000), (1, 0.0, 100)]
        {
            assert_eq!(ladder.wait(attempt, jitter), Duration::from_millis(want_ms), "attempt {attempt}");
        }
    }
}
