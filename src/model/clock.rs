//! One kind of time: UTC with milliseconds, as it is stored, logged and compared.
//!
//! Nothing in here reads a clock: callers pass `now` so that tests and the seeded model run can wind it by hand.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment in UTC, in whole milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// What the system's clock says, and whether to believe it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// The system's idea of now.
    pub now: Timestamp,
    /// Whether it was set since the box came up: without a battery it starts at some moment of the past.
    pub trusted: bool,
}

impl Timestamp {
    /// The moment `ms` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The system's idea of now. Only the edges (main loop, effects) may call it.
    #[must_use]
    pub fn now() -> Self {
        Self(jiff::Timestamp::now().as_millisecond())
    }

    /// This moment plus `wait`, saturating at the end of time.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This moment minus `span`, saturating at the start of time.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This moment after the clock was put forward by `step_ms`, or back if that is negative.
    #[must_use]
    pub const fn moved(self, step_ms: i64) -> Self {
        Self(self.0.saturating_add(step_ms))
    }

    /// How long from `earlier` to this moment; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// A span as people say it: `6 s`, `12 min`, `3 h`.
#[must_use]
pub fn in_words(span: Duration) -> String {
    let seconds = span.as_secs();
    match (seconds / 60, seconds / 3_600) {
        // Nothing that happened took no time.
        (0, _) => format!("{} s", seconds.max(1)),
        (minutes, 0 | 1) => format!("{minutes} min"),
        (_, hours) => format!("{hours} h"),
    }
}

impl fmt::Display for Timestamp {
    /// ISO 8601 with milliseconds and `Z`: sorts as text, and SQLite's date functions read it. What lies beyond the
    /// calendar is shown as its end, so that each text that is written can be read again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) if self.0 < 0 => write!(f, "{:.3}", jiff::Timestamp::MIN),
            Err(_) => write!(f, "{:.3}", jiff::Timestamp::MAX),
        }
    }
}

/// A text that is no ISO 8601 moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an ISO 8601 time: {0:?}")]
pub struct NotATime(String);

impl FromStr for Timestamp {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        text.parse::<jiff::Timestamp>().map(|at| Self(at.as_millisecond())).map_err(|_| NotATime(text.to_owned()))
    }
}

impl TryFrom<String> for Timestamp {
    type Error = NotATime;

    fn try_from(text: String) -> Result<Self, NotATime> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(at: Timestamp) -> Self {
        at.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_732_327_200_001, "2024-11-23T02:00:00.001Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::from_millis(ms).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp::from_millis(ms)));
        }
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn the_ends_of_time_read_back_as_the_ends_of_the_calendar() {
        for (ms, want) in [(i64::MAX, "9999-12-30T22:00:00.999Z"), (i64::MIN, "-009999-01-02T01:59:59.000Z")] {
            let text = Timestamp::from_millis(ms).to_string();
            assert_eq!(text, want);
            let read: Timestamp = text.parse().unwrap();
            assert_eq!(read.to_string(), text);
        }
    }

    #[test]
    fn spans_in_words() {
        for (seconds, want) in [(0, "1 s"), (59, "59 s"), (60, "1 min"), (7_199, "119 min"), (7_200, "2 h")] {
            assert_eq!(in_words(Duration::from_secs(seconds)), want);
        }
    }

    #[test]
    fn arithmetic_saturates() {
        let end = Timestamp::from_millis(i64::MAX);
        assert_eq!(end.after(Duration::MAX), end);
        assert_eq!(Timestamp::from_millis(5).since(end), Duration::ZERO);
    }
}
