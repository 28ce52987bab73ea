//! The patience of the retries.

use std::time::Duration;

use super::typed::Text;
use super::{Problems, raw};

/// Short enough that a hiccup costs nobody an evening.
const RETRY_BASE: Duration = Duration::from_secs(1);
/// Long enough for a vendor's outage, short enough to be there when it ends.
const RETRY_CAP: Duration = Duration::from_mins(5);
/// A long weekend.
const CRM_GIVE_UP_AFTER: Duration = Duration::from_hours(72);
/// A form's fields reach the record a moment after it was made.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Whoever opens the record ten minutes later should read what was done so far.
const NOTE_AFTER: Duration = Duration::from_mins(10);
/// Five in a row are no accident.
const BREAKER_AFTER: u16 = 5;
/// Long enough to stop hammering, short enough that recovery is noticed at once.
const BREAKER_PAUSE: Duration = Duration::from_secs(30);

/// Patience of the retries.
#[derive(Debug, Clone, PartialEq)]
pub struct Outbox {
    /// The first pause.
    pub retry_base: Duration,
    /// The longest pause.
    pub retry_cap: Duration,
    /// CRM writes are tried no longer than this.
    pub crm_give_up_after: Duration,
    /// A note waits for the other actions, but no longer than this.
    pub note_after: Duration,
    /// A record that had no message yet is read once more after this.
    pub read_again_after: Duration,
    /// Failures in a row that close a channel for a while.
    pub breaker_after: u32,
    /// How long it stays closed.
    pub breaker_pause: Duration,
}

impl Outbox {
    pub(super) fn of(raw: raw::Outbox, problems: &mut Problems) -> Self {
        let outbox = Self {
            retry_base: Text::or(raw.retry_base, RETRY_BASE),
            retry_cap: Text::or(raw.retry_cap, RETRY_CAP),
            crm_give_up_after: Text::or(raw.crm_give_up_after, CRM_GIVE_UP_AFTER),
            note_after: Text::or(raw.note_after, NOTE_AFTER),
            read_again_after: Text::or(raw.read_again_after, READ_AGAIN_AFTER),
            breaker_after: u32::from(raw.breaker_after.unwrap_or(BREAKER_AFTER)),
            breaker_pause: Text::or(raw.breaker_pause, BREAKER_PAUSE),
        };
        if outbox.retry_cap < outbox.retry_base {
            problems.error("outbox.retry-cap", "shorter than outbox.retry-base");
        }
        if outbox.breaker_after == 0 {
            problems.error("outbox.breaker-after", "at least 1");
        }
        outbox
    }
}
