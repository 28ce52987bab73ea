//! How much one source may ask of the box, and how much what is forged in its name may cost.
//!
//! Called by `request` once a sender is proven (a forger must not get real leads refused), and for what failed that
//! proof, which is only counted beyond a budget. [`Bucket`] is the generic cell rate algorithm (ITU-T I.371, annex A),
//! pure, with the time passed in. Times are monotonic: a clock that steps grants and refuses nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::{Settings, Shape};

const MINUTE: Duration = Duration::from_mins(1);
/// Refused requests kept in a minute: as many as a real sender with a mistyped secret makes, and no more than the disk
/// and the writer take without noticing.
const KEPT_PER_MINUTE: u32 = 60;
/// Lines in the log about what is refused.
const LINES_PER_MINUTE: u32 = 6;
/// When to come again because too many are being stored: a commit takes less.
const CROWD: Duration = Duration::from_secs(1);

/// So many in a minute, all at once if need be.
#[derive(Debug)]
struct Bucket {
    /// One more of them comes free each time this has passed.
    every: Duration,
    /// When all of them will be free again; `None` when they always were.
    full_at: Option<Instant>,
}

impl Bucket {
    fn per_minute(most: u32) -> Self {
        Self { every: MINUTE.checked_div(most).unwrap_or(MINUTE), full_at: None }
    }

    /// Takes one.
    ///
    /// # Errors
    /// How long it takes until there is one.
    fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let full_at = self.full_at.map_or(now, |at| at.max(now));
        let after = full_at.checked_add(self.every).unwrap_or(full_at);
        let ahead = after.saturating_duration_since(now);
        if ahead > MINUTE {
            return Err(ahead.saturating_sub(MINUTE));
        }
        self.full_at = Some(after);
        Ok(())
    }
}

/// A bucket that counts those it lets go by, and tells with the next one that it takes.
#[derive(Debug)]
struct Counted {
    bucket: Bucket,
    missed: u32,
}

impl Counted {
    fn per_minute(most: u32) -> Self {
        Self { bucket: Bucket::per_minute(most), missed: 0 }
    }

    /// `Some`: this one is taken, and so many were not since the last.
    fn take(&mut self, now: Instant) -> Option<u32> {
        if self.bucket.take(now).is_ok() {
            return Some(std::mem::take(&mut self.missed));
        }
        self.missed = self.missed.saturating_add(1);
        None
    }
}

/// What one source has left.
#[derive(Debug)]
pub(super) struct Budget {
    leads: Mutex<Bucket>,
    in_flight: Semaphore,
    kept: Mutex<Counted>,
    lines: Lines,
}

impl Budget {
    pub(super) fn new(settings: &Settings) -> Self {
        Self::of(settings.max_per_minute, settings.max_in_flight)
    }

    pub(super) fn of(max_per_minute: u32, max_in_flight: usize) -> Self {
        Self {
            leads: Mutex::new(Bucket::per_minute(max_per_minute)),
            in_flight: Semaphore::new(max_in_flight),
            kept: Mutex::new(Counted::per_minute(KEPT_PER_MINUTE)),
            lines: Lines::default(),
        }
    }

    /// Takes a proven request; it is in flight until what is returned is dropped.
    ///
    /// # Errors
    /// When it may come again.
    pub(super) fn admit(&self, now: Instant) -> Result<SemaphorePermit<'_>, Duration> {
        let turn = self.in_flight.try_acquire().map_err(|_| CROWD)?;
        lock(&self.leads).take(now).map(|()| turn)
    }

    /// Whether a request that isn't proven is kept. `Some`: it is, and so many before it were not.
    pub(super) fn keep(&self, now: Instant) -> Option<u32> {
        lock(&self.kept).take(now)
    }

    /// One that was to be kept could not be, nor the count that went with it.
    pub(super) fn not_kept(&self, missed: u32) {
        let mut kept = lock(&self.kept);
        kept.missed = kept.missed.saturating_add(missed).saturating_add(1);
    }

    /// Whether a refusal is worth a line in the log.
    pub(super) fn line(&self, now: Instant) -> Option<u32> {
        self.lines.take(now)
    }
}

/// Lines of the log that anybody could make it write.
#[derive(Debug)]
pub(super) struct Lines(Mutex<Counted>);

impl Default for Lines {
    fn default() -> Self {
        Self(Mutex::new(Counted::per_minute(LINES_PER_MINUTE)))
    }
}

impl Lines {
    /// `Some`: write it, and that so many before it were not written.
    pub(super) fn take(&self, now: Instant) -> Option<u32> {
        lock(&self.0).take(now)
    }
}

/// A wait as `Retry-After` tells it to this sender: seconds (RFC 9110, clause 10.2.3), but HubSpot's workflow action
/// reads milliseconds. Never sooner than the wait, and never zero.
pub(super) fn retry_after(wait: Duration, shape: &Shape) -> u64 {
    if shape.gives_up_at_refusals() { millis(wait) } else { seconds(wait) }
}

/// A wait in whole seconds.
pub(super) fn seconds(wait: Duration) -> u64 {
    millis(wait).div_ceil(1_000)
}

fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX).max(1)
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::Fields;

    #[test]
    fn a_bucket_gives_so_many_a_minute() {
        let begun = Instant::now();
        // (name, most a minute, when each is asked for in ms, what each gets: 0 or its wait in ms)
        for (name, most, asked, want) in [
            ("all at once", 3, &[0u64, 0, 0, 0] as &[u64], &[0u64, 0, 0, 20_000] as &[u64]),
            ("a refusal costs nothing", 3, &[0, 0, 0, 0, 0, 20_000], &[0, 0, 0, 20_000, 20_000, 0]),
            ("one comes free at a time", 3, &[0, 0, 0, 20_000, 20_000], &[0, 0, 0, 0, 20_000]),
            ("just too early", 3, &[0, 0, 0, 19_999], &[0, 0, 0, 1]),
            ("a rest fills it, and no fuller", 2, &[0, 0, 600_000, 600_000, 600_000], &[0, 0, 0, 0, 30_000]),
            ("an even trickle is never refused", 6, &[0, 10_000, 20_000, 30_000, 40_000, 50_000], &[0; 6]),
            ("one", 1, &[0, 0, 59_999, 60_000], &[0, 60_000, 1, 0]),
            ("more than there are milliseconds", 240_000, &[0, 0, 0], &[0, 0, 0]),
        ] {
            let mut bucket = Bucket::per_minute(most);
            for (ask, want) in asked.iter().zip(want) {
                let got = bucket.take(begun + Duration::from_millis(*ask));
                let got = got.map_or_else(|wait| u64::try_from(wait.as_millis()).unwrap(), |()| 0);
                assert_eq!(got, *want, "{name}, at {ask} ms");
            }
        }
    }

    #[test]
    fn what_goes_by_is_counted_and_told_once() {
        let begun = Instant::now();
        let mut counted = Counted::per_minute(2);
        for (at_s, want) in [(0, Some(0)), (0, Some(0)), (0, None), (1, None), (30, Some(2)), (30, None), (60, Some(1))]
        {
            assert_eq!(counted.take(begun + Duration::from_secs(at_s)), want, "at {at_s} s");
        }
    }

    #[test]
    fn retry_after_speaks_the_senders_unit() {
        let json = Shape::Json(Fields::default());
        for (wait, shape, want) in [
            (Duration::from_millis(1_500), &Shape::HubspotWorkflow, 1_500),
            (Duration::from_micros(1), &Shape::HubspotWorkflow, 1),
            (Duration::ZERO, &Shape::HubspotWorkflow, 1),
            (Duration::from_millis(1_500), &json, 2),
            (Duration::from_secs(2), &json, 2),
            (Duration::ZERO, &json, 1),
        ] {
            assert_eq!(retry_after(wait, shape), want, "{wait:?} {shape:?}");
        }
    }
}
