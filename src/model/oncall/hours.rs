//! Business hours, and what an urgent lead does inside and outside of them.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::weekly::{Stretch, Weekly};
use crate::model::Timestamp;

/// A year of closed days is a mistake; nothing is looked for beyond it.
const HORIZON: Duration = Duration::from_hours(366 * 24);

/// What an urgent lead does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// People are called.
    Alert,
    /// Nobody is called: it stands in the CRM.
    CrmOnly,
    /// People are called once they are called again.
    Defer,
}

impl Mode {
    /// The word in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::CrmOnly => "crm-only",
            Self::Defer => "defer",
        }
    }
}

/// When the business is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// The hours of the week; none: it is always open.
    pub open: Vec<Weekly>,
    /// Holidays: no window that begins in one of these opens.
    pub closed: Vec<Stretch>,
    /// While it is open.
    pub inside: Mode,
    /// While it isn't.
    pub outside: Mode,
}

impl Hours {
    /// People are called at any time.
    #[must_use]
    pub const fn always() -> Self {
        Self { open: Vec::new(), closed: Vec::new(), inside: Mode::Alert, outside: Mode::Alert }
    }

    /// Whether the business is open at `at`.
    #[must_use]
    pub fn is_open(&self, zone: &TimeZone, at: Timestamp) -> bool {
        let opens = |window: Stretch| !self.closed.iter().any(|day| day.contains(window.from));
        self.open.is_empty() || self.open.iter().any(|hours| hours.around(zone, at).is_some_and(opens))
    }

    /// What an urgent lead does at `at`.
    #[must_use]
    pub fn mode(&self, zone: &TimeZone, at: Timestamp) -> Mode {
        if self.is_open(zone, at) { self.inside } else { self.outside }
    }

    /// The moments within the stretch at which the answer may change, in no order.
    #[must_use]
    pub fn edges(&self, zone: &TimeZone, within: Stretch) -> Vec<Timestamp> {
        let windows = self.open.iter().flat_map(|hours| hours.windows(zone, within));
        windows.flat_map(|window| [window.from, window.until]).collect()
    }

    /// When people are called again, from `at` on.
    #[must_use]
    pub fn next_alert(&self, zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
        let within = Stretch { from: at, until: at.after(HORIZON) };
        let mut edges = self.edges(zone, within);
        edges.push(at);
        edges.sort_unstable();
        edges.into_iter().find(|edge| *edge >= at && self.mode(zone, *edge) == Mode::Alert)
    }
}
