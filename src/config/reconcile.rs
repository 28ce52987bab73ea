//! When leads that never arrived are looked for, and what is done about old ones.

use std::time::Duration;

use jiff::civil::Time;

use super::raw;
use super::typed::Text;

/// When nobody works, and after most systems' own nightly jobs.
const NIGHTLY_AT: Time = Time::constant(4, 30, 0, 0);
/// Whoever wrote so long ago doesn't expect a call within the minute.
const DIGEST_AFTER: Duration = Duration::from_hours(2);

/// Looking for leads that never arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconcile {
    /// When it is done each night, on the office's clock.
    pub nightly_at: Time,
    /// Of leads that are found so long after they were made, one text tells of several.
    pub digest_after: Duration,
}

impl Reconcile {
    pub(super) fn of(raw: raw::Reconcile) -> Self {
        Self {
            nightly_at: Text::or(raw.nightly_at, NIGHTLY_AT),
            digest_after: Text::or(raw.digest_after, DIGEST_AFTER),
        }
    }
}
