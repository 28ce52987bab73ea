//! The limits of an account: so many requests in a short time, so many a day, and a limit of their own for searches.
//!
//! Answers tell what is left, save those of searches; what is over a limit is refused with 429 and the name of its policy.
//! Nothing is refused unless a test asks for it, but the day ends when its requests are used up.
//! Source: <https://developers.hubspot.com/docs/api/usage-details>.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::super::http::{Answer, Seen};
use super::rate_limit;

/// What an account of the smallest plans may do.
const BURST: (u32, Duration) = (100, Duration::from_secs(10));
const DAY: u32 = 250_000;

/// What is used of the limits.
#[derive(Debug)]
pub(super) struct Limits {
    /// So many requests in such a time; `None`: it is told but not kept.
    pub(super) burst: Option<(u32, Duration)>,
    pub(super) searches_per_second: Option<u32>,
    pub(super) day_left: u32,
    recent: VecDeque<Instant>,
    searches: VecDeque<Instant>,
}

impl Default for Limits {
    fn default() -> Self {
        let (recent, searches) = (VecDeque::new(), VecDeque::new());
        Self { burst: None, searches_per_second: None, day_left: DAY, recent, searches }
    }
}

impl Limits {
    /// Counts a request, or refuses it.
    pub(super) fn take(&mut self, seen: &Seen) -> Result<(), Answer> {
        if self.day_left == 0 {
            return Err(Answer::new(429, rate_limit("DAILY")));
        }
        if is_search(seen) {
            let per_second = self.searches_per_second.map(|most| (most, Duration::from_secs(1)));
            count(&mut self.searches, per_second)?;
        } else {
            count(&mut self.recent, self.burst)?;
        }
        self.day_left = self.day_left.saturating_sub(1);
        Ok(())
    }

    /// What an answer tells.
    pub(super) fn headers(&self, seen: &Seen) -> Vec<(&'static str, String)> {
        if is_search(seen) {
            return Vec::new();
        }
        let (most, per) = self.burst.unwrap_or(BURST);
        let used = self.recent.iter().filter(|at| at.elapsed() < per).count();
        let left = most.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX));
        vec![
            ("x-hubspot-ratelimit-max", most.to_string()),
            ("x-hubspot-ratelimit-remaining", left.to_string()),
            ("x-hubspot-ratelimit-interval-milliseconds", per.as_millis().to_string()),
            ("x-hubspot-ratelimit-daily", DAY.to_string()),
            ("x-hubspot-ratelimit-daily-remaining", self.day_left.to_string()),
        ]
    }
}

fn is_search(seen: &Seen) -> bool {
    seen.path.ends_with("/search")
}

/// Counts one more, unless there were as many as allowed within the time.
fn count(recent: &mut VecDeque<Instant>, limit: Option<(u32, Duration)>) -> Result<(), Answer> {
    let (most, per) = limit.unwrap_or((u32::MAX, BURST.1));
    recent.retain(|at| at.elapsed() < per);
    if u32::try_from(recent.len()).unwrap_or(u32::MAX) >= most {
        let policy = if per > Duration::from_secs(1) { "TEN_SECONDLY_ROLLING" } else { "SECONDLY" };
        return Err(Answer::new(429, rate_limit(policy)));
    }
    recent.push_back(Instant::now());
    Ok(())
}
