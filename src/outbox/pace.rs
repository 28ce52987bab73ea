//! How fast a channel may be used: a token bucket of requests, corrected by what the peer says is left, and the share of a
//! day's requests that is kept for urgent leads.
//!
//! A claim takes a token, its report takes those of the other requests that the effect made. Bucket and refill together
//! stay within the limit in every window of its length, so a rolling limit is kept without being met. Nothing of it is
//! stored: after a start it is learned from the first answers.

use std::time::Duration;

use crate::model::{Channel, Left, Priority, Quota, Timestamp};
use crate::store::{StoreError, Tx};

use super::Desk;

/// One part in so many of the limit may be used at once, the others as time goes by.
const AT_ONCE: u32 = 4;
/// One part in so many of a bucket is for urgent jobs: a burst of others doesn't make them queue.
const URGENT: u32 = 4;
/// A bucket that ran dry fills so long before it serves what isn't urgent: jobs that are claimed together share their
/// commits, and a token each would wear the disk several times as much.
const GATHER: Duration = Duration::from_secs(2);
/// No bucket is short for longer, however many requests its effects made.
const LONGEST_SHORT: Duration = Duration::from_mins(15);
/// With the day nearly used up, a job that isn't urgent asks so often whether there is more by now.
const ASK_AGAIN_AFTER: Duration = Duration::from_mins(15);

/// What a channel takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// So many requests.
    pub requests: u32,
    /// In this time.
    pub per: Duration,
    /// Percent of a day's requests that are kept for urgent leads.
    pub urgent_reserve: u8,
}

/// The bucket of a channel, kept as the time at which it will be full again (the generic cell rate algorithm, ITU-T I.371).
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    /// Between two tokens.
    refill: Duration,
    /// Tokens when it is full.
    size: u32,
    /// Tokens that only urgent jobs take.
    kept: u32,
    /// Tokens beyond those that serve the others after it ran dry.
    handful: u32,
    urgent_reserve: u8,
    /// Since the epoch: a token may take less than a millisecond.
    full_at: Duration,
    /// It ran dry for what isn't urgent, and there has not been a handful since.
    is_dry: bool,
    /// What was left of the day when the peer said so last.
    day: Option<(Left, Timestamp)>,
    /// Whether people were told that the day is nearly used up; `None`: not since the start.
    told_reserve: Option<bool>,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(pace: Pace) -> Self {
        let size = pace.requests.div_ceil(AT_ONCE).max(1);
        let kept = size.checked_div(URGENT).unwrap_or_default();
        let refilled = pace.requests.saturating_sub(size).max(1);
        let refill = pace.per.checked_div(refilled).unwrap_or(pace.per);
        let handful = GATHER.as_nanos().checked_div(refill.as_nanos()).and_then(|tokens| u32::try_from(tokens).ok());
        Self {
            refill,
            size,
            kept,
            handful: handful.unwrap_or(size).clamp(1, size.saturating_sub(kept)),
            urgent_reserve: pace.urgent_reserve,
            full_at: Duration::ZERO,
            is_dry: false,
            day: None,
            told_reserve: None,
        }
    }

    /// When a job of this priority may be claimed.
    pub(super) fn opens(&self, priority: Priority, now: Timestamp) -> Timestamp {
        let token_at = match (priority, self.is_dry) {
            (Priority::Urgent, _) => self.holds(1, now),
            (_, false) => self.spares(1, now),
            (_, true) => self.spares(self.handful, now),
        };
        match self.reserved() {
            Some((_, said_at)) if priority != Priority::Urgent && said_at <= now => {
                token_at.max(said_at.after(ASK_AGAIN_AFTER))
            }
            _ => token_at,
        }
    }

    /// When there are so many tokens.
    fn holds(&self, tokens: u32, now: Timestamp) -> Timestamp {
        let full_at = self.full_at(now);
        at(full_at.saturating_sub(self.refill.saturating_mul(self.size.saturating_sub(tokens)))).max(now)
    }

    /// When there are so many beyond those that are kept.
    fn spares(&self, tokens: u32, now: Timestamp) -> Timestamp {
        self.holds(self.kept.saturating_add(tokens), now)
    }

    /// A job is claimed.
    pub(super) fn take(&mut self, priority: Priority, now: Timestamp) {
        self.is_dry &= self.spares(self.handful, now) > now;
        self.spend(1, now);
        if let Some((_, said_at)) = &mut self.day
            && priority != Priority::Urgent
        {
            // The next one asks again later, unless the answer to this one says more.
            *said_at = now;
        }
    }

    /// An effect has ended: what it used beyond its token, and what the peer says of its limits.
    pub(super) fn settle(&mut self, quota: &Quota, now: Timestamp) {
        self.spend(quota.requests.saturating_sub(1), now);
        if let Some(burst) = quota.burst {
            // Others use the account, too: no more is left than the peer says, and of nothing a while.
            let gone = if burst.left == 0 { self.size.saturating_mul(2) } else { self.size.saturating_sub(burst.left) };
            let short = since_epoch(now).saturating_add(self.refill.saturating_mul(gone));
            self.fills_at(self.full_at(now).max(short), now);
        }
        if let Some(day) = quota.day {
            self.day = Some((day, now));
        }
    }

    /// What is left of the day, and when the peer said so, while that is kept for urgent leads.
    pub(super) fn reserved(&self) -> Option<(Left, Timestamp)> {
        self.day.filter(|(day, _)| {
            u64::from(day.left).saturating_mul(100) < u64::from(day.of).saturating_mul(self.urgent_reserve.into())
        })
    }

    fn spend(&mut self, tokens: u32, now: Timestamp) {
        if tokens > 0 {
            let from = self.full_at(now).max(since_epoch(now));
            self.fills_at(from.saturating_add(self.refill.saturating_mul(tokens)), now);
        }
    }

    /// It holds less: it will be full again at that time.
    fn fills_at(&mut self, full_at: Duration, now: Timestamp) {
        self.full_at = full_at;
        self.is_dry |= self.spares(1, now) > now;
    }

    /// When it is full again. Further ahead than it can be it was set by a clock that was set back since.
    fn full_at(&self, now: Timestamp) -> Duration {
        let is_absurd = self.full_at.saturating_sub(since_epoch(now)) > LONGEST_SHORT;
        if is_absurd { Duration::ZERO } else { self.full_at }
    }
}

fn since_epoch(now: Timestamp) -> Duration {
    now.since(Timestamp::from_millis(0))
}

/// The first millisecond at which that much time has passed since the epoch.
fn at(since_epoch: Duration) -> Timestamp {
    Timestamp::from_millis(0).after(since_epoch.saturating_add(Duration::from_nanos(999_999)))
}

impl Desk {
    /// Whether a channel takes only urgent jobs, because its day is nearly used up: why, and when others are tried again.
    #[must_use]
    pub fn urgent_only(&self, channel: &Channel) -> Option<(String, Timestamp)> {
        let (day, said_at) = self.buckets.get(channel)?.reserved()?;
        let words = format!("{} of the day's {} requests are left: for urgent leads only", day.left, day.of);
        Some((words, said_at.after(ASK_AGAIN_AFTER)))
    }

    /// The requests of an effect are paid for. A day that is nearly used up is told of.
    pub(super) fn paid(
        &mut self,
        tx: Tx<'_>,
        channel: &Channel,
        quota: &Quota,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(bucket) = self.buckets.get_mut(channel) else { return Ok(()) };
        bucket.settle(quota, now);
        let Some(day) = quota.day else { return Ok(()) };
        let (key, is_told) = (format!("day:{channel}"), bucket.told_reserve);
        let told = match bucket.reserved() {
            Some(_) if is_told != Some(true) => {
                let text = format!(
                    "{channel} takes only {} more requests today, of {}: urgent leads come first",
                    day.left, day.of
                );
                let cure = "nothing: the others are written when the day is over; if it goes on, see what else uses the \
                            account";
                tx.alert(&key, &text, cure, now)?;
                true
            }
            None if is_told != Some(false) => {
                tx.clear_alert(&key, now)?;
                false
            }
            Some(_) | None => return Ok(()),
        };
        bucket.told_reserve = Some(told);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    fn bucket(requests: u32, seconds: u64) -> Bucket {
        Bucket::new(Pace { requests, per: Duration::from_secs(seconds), urgent_reserve: 5 })
    }

    /// Claims as many as there are tokens until `until`, and says when.
    fn claims(bucket: &mut Bucket, until: Timestamp) -> Vec<Timestamp> {
        let (mut now, mut taken) = (NOW, Vec::new());
        while now < until {
            now = now.max(bucket.opens(Priority::Normal, now));
            bucket.take(Priority::Normal, now);
            taken.push(now);
        }
        taken
    }

    proptest! {
        #[test]
        fn no_window_of_the_limit_sees_more_than_the_limit(requests in 2_u32..200, seconds in 1_u64..20) {
            let per = Duration::from_secs(seconds);
            let taken = claims(&mut bucket(requests, seconds), NOW.after(per.saturating_mul(3)));
            for (nth, from) in taken.iter().enumerate() {
                let within = taken[nth..].iter().take_while(|at| at.since(*from) < per).count();
                // One more where a token of the last millisecond counts for both.
                prop_assert!(within <= usize::try_from(requests.saturating_add(1)).unwrap(), "{within} of {requests}");
            }
            let least = usize::try_from(requests.saturating_mul(2)).unwrap();
            prop_assert!(taken.len() >= least, "{} of {requests} in three windows", taken.len());
        }
    }

    #[test]
    fn what_is_not_urgent_waits_for_a_handful_after_a_burst() {
        let mut bucket = bucket(100, 10); // 25 at once, 6 of them for urgent jobs, and a token each 133 ms
        let times = claims(&mut bucket.clone(), NOW.after(Duration::from_secs(7)));
        let bursts = times.chunk_by(|a, b| a == b).map(<[Timestamp]>::len).collect::<Vec<_>>();
        assert_eq!(bursts.get(..4), Some([19, 15, 15, 15].as_slice()));
        for _ in 0..19 {
            bucket.take(Priority::Normal, NOW);
        }
        let wait = |bucket: &Bucket, priority| bucket.opens(priority, NOW).since(NOW).as_millis();
        assert_eq!([wait(&bucket, Priority::Urgent), wait(&bucket, Priority::Normal)], [0, 2_000]);
        for _ in 0..6 {
            bucket.take(Priority::Urgent, NOW);
        }
        assert_eq!([wait(&bucket, Priority::Urgent), wait(&bucket, Priority::Normal)], [134, 2_800]);
        let mut slow = self::bucket(4, 1_800); // one at once, and a token each ten minutes
        slow.take(Priority::Low, NOW);
        assert_eq!(slow.opens(Priority::Low, NOW).since(NOW), Duration::from_mins(10), "no handful comes in time");
    }

    #[test]
    fn what_the_peer_says_is_left_counts() {
        let burst = |left| Quota { requests: 1, burst: Some(Left { left, of: 100 }), day: None };
        for (name, left, waits_ms) in [("plenty", 90, 0), ("one", 1, 0), ("none", 0, 2_000)] {
            let mut bucket = bucket(40, 15); // a bucket of 10, a token each 500 ms
            bucket.settle(&burst(left), NOW);
            let wait = bucket.opens(Priority::Urgent, NOW).since(NOW).as_millis();
            assert!(wait >= waits_ms && (waits_ms > 0 || wait == 0), "{name}: {wait}");
        }
    }

    #[test]
    fn requests_beyond_the_first_are_paid_for() {
        let mut bucket = bucket(8, 6); // two at once, a token each second
        bucket.take(Priority::Normal, NOW);
        assert_eq!(bucket.opens(Priority::Normal, NOW).since(NOW), Duration::ZERO);
        bucket.settle(&Quota { requests: 4, burst: None, day: None }, NOW);
        assert_eq!(bucket.opens(Priority::Urgent, NOW), NOW.after(Duration::from_secs(3)));
        let set_back = NOW.before(Duration::from_hours(5));
        assert_eq!(bucket.opens(Priority::Normal, set_back).since(set_back), Duration::ZERO, "a clock that was ahead");
        for _ in 0..3 {
            bucket.take(Priority::Normal, set_back);
        }
        assert!(bucket.opens(Priority::Normal, set_back) > set_back, "and the limit holds from then on");
    }

    #[test]
    fn the_end_of_a_day_is_kept_for_urgent_leads() {
        let day = |left| Quota { requests: 1, burst: None, day: Some(Left { left, of: 15_000 }) };
        let mut bucket = bucket(100, 10);
        bucket.settle(&day(751), NOW);
        assert!(bucket.opens(Priority::Low, NOW) <= NOW);
        bucket.settle(&day(749), NOW);
        assert!(bucket.opens(Priority::Urgent, NOW) <= NOW);
        let again = NOW.after(ASK_AGAIN_AFTER);
        assert_eq!(bucket.opens(Priority::Low, NOW), again, "nothing tells when a day ends: it is asked");
        bucket.take(Priority::Low, again);
        assert_eq!(bucket.opens(Priority::Normal, again), again.after(ASK_AGAIN_AFTER), "by one job");
        bucket.settle(&day(14_999), again);
        assert!(bucket.opens(Priority::Normal, again) <= again);
    }
}
