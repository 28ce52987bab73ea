//! How old a signature may be, and what is made of one while the clock can't tell.
//!
//! The schemes that sign a time call it once the signature is right: only who knows the secret learns what this clock
//! says. A box without a battery for its clock starts in the past; a good signature must not be refused for that.

use super::{Refused, Verdict};
use crate::model::{Clock, Timestamp};

/// How far the sender's clock may be from ours, either way. HubSpot, Stripe, Slack and Standard Webhooks all say so.
const MAX_SKEW_MS: u64 = 5 * 60 * 1_000;

/// From here on a number is a time in milliseconds: as seconds it would lie in the year 5138.
const MILLISECONDS_FROM: u64 = 100_000_000_000;

pub(super) fn judge(signed_at: Timestamp, clock: Clock) -> Result<Verdict, Refused> {
    let skew_ms = clock.now.as_millis().abs_diff(signed_at.as_millis());
    match (skew_ms <= MAX_SKEW_MS, clock.trusted) {
        // Two clocks that agree are both right, whatever is known of ours.
        (true, _) => Ok(Verdict::Genuine),
        (false, true) => Err(Refused::Stale(skew_ms.div_euclid(1_000))),
        (false, false) => Ok(Verdict::Held { signed_at }),
    }
}

/// A Unix time in milliseconds, as text.
pub(super) fn milliseconds(text: &[u8]) -> Option<Timestamp> {
    number(text).map(Timestamp::from_millis)
}

/// A Unix time in seconds, as text.
pub(super) fn seconds(text: &[u8]) -> Option<Timestamp> {
    number(text)?.checked_mul(1_000).map(Timestamp::from_millis)
}

/// A Unix time in either.
pub(super) fn either(text: &[u8]) -> Option<Timestamp> {
    if number(text)?.unsigned_abs() < MILLISECONDS_FROM { seconds(text) } else { milliseconds(text) }
}

fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_minutes_either_way_and_held_while_nobody_knows() {
        let now = 1_712_345_678_901;
        for (name, at, trusted, want) in [
            ("now", now, true, Ok(Verdict::Genuine)),
            ("the oldest", now - 300_000, true, Ok(Verdict::Genuine)),
            ("older", now - 300_001, true, Err(Refused::Stale(300))),
            ("the newest", now + 300_000, true, Ok(Verdict::Genuine)),
            ("newer", now + 301_000, true, Err(Refused::Stale(301))),
            ("the end of time", i64::MAX, true, Err(Refused::Stale(9_223_370_324_509_096))),
            ("before all time", i64::MIN, true, Err(Refused::Stale(9_223_373_749_200_454))),
            ("now, they say too", now, false, Ok(Verdict::Genuine)),
            ("long ago, they say", 7, false, Ok(Verdict::Held { signed_at: Timestamp::from_millis(7) })),
        ] {
            let clock = Clock { now: Timestamp::from_millis(now), trusted };
            assert_eq!(judge(Timestamp::from_millis(at), clock), want, "{name}");
        }
    }

    #[test]
    fn times_as_they_are_written() {
        for (text, s, ms, any) in [
            ("1712345678", Some(1_712_345_678_000), Some(1_712_345_678), Some(1_712_345_678_000)),
            ("1712345678901", Some(1_712_345_678_901_000), Some(1_712_345_678_901), Some(1_712_345_678_901)),
            ("-1", Some(-1_000), Some(-1), Some(-1_000)),
            ("9223372036854775807", None, Some(i64::MAX), Some(i64::MAX)),
            ("-9223372036854775808", None, Some(i64::MIN), Some(i64::MIN)),
            ("9223372036854775808", None, None, None),
            ("1712345678.9", None, None, None),
            (" 1712345678", None, None, None),
            ("", None, None, None),
            ("soon", None, None, None),
            ("١٢٣", None, None, None),
        ] {
            let at = |ms: Option<i64>| ms.map(Timestamp::from_millis);
            let got = (seconds(text.as_bytes()), milliseconds(text.as_bytes()), either(text.as_bytes()));
            assert_eq!(got, (at(s), at(ms), at(any)), "{text}");
        }
        assert_eq!(either(b"17\xff"), None);
    }
}
