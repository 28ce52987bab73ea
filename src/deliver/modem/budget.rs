//! How much a SIM may send: parts an hour and in 24 hours, and the least pause between two. Pure.
//!
//! Networks bar consumer SIMs that send in bursts or beyond some hundred parts a day, longer texts first. A part is what
//! is billed, so parts are counted, those with an unknown outcome too. The last fifth of a cap is for urgent leads.

use std::collections::VecDeque;
use std::time::Duration;

use super::course::{HOUR, Moment};
use crate::model::Spent;

const DAY: Duration = Duration::from_hours(24);
/// Texts that nobody waits for leave this share of a cap, one in so many parts.
const RESERVE: u32 = 5;

/// What one SIM has sent lately, and may.
#[derive(Debug)]
pub(super) struct Budget {
    per_hour: u32,
    per_day: u32,
    gap: Duration,
    sim: String,
    /// When each part of the last 24 hours was written, and which SIM paid.
    parts: VecDeque<(Moment, String)>,
    last: Option<Moment>,
}

impl Budget {
    pub(super) fn new((per_hour, per_day): (u32, u32), gap: Duration) -> Self {
        Self { per_hour, per_day, gap, sim: String::new(), parts: VecDeque::new(), last: None }
    }

    /// What an earlier start sent, oldest first.
    pub(super) fn recall(&mut self, parts: impl IntoIterator<Item = (Moment, String)>) {
        self.parts.extend(parts);
    }

    /// Which SIM is in the modem now.
    pub(super) fn sim_is(&mut self, sim: String) {
        self.sim = sim;
    }

    /// The SIM that pays.
    pub(super) fn sim(&self) -> &str {
        &self.sim
    }

    /// Whether so many parts may go out now; otherwise when they may.
    pub(super) fn may(&self, parts: u32, urgent: bool, now: Moment) -> Result<(), Moment> {
        let room = |cap: u32| if urgent { cap } else { cap.saturating_sub(cap.div_euclid(RESERVE)) };
        for (span, cap) in [(DAY, room(self.per_day)), (HOUR, room(self.per_hour))] {
            let within: Vec<Moment> = self.within(span, now).collect();
            let sent = u32::try_from(within.len()).unwrap_or(u32::MAX);
            // A text that no cap can ever hold goes out when there is nothing else in it.
            let over = sent.saturating_add(parts.min(cap)).saturating_sub(cap);
            let frees = usize::try_from(over).unwrap_or(usize::MAX).checked_sub(1).and_then(|nth| within.get(nth));
            if over > 0 {
                return Err(frees.or(within.last()).map_or(now, |at| at.saturating_add(span)));
            }
        }
        Ok(())
    }

    /// How long until the next part may be written.
    pub(super) fn pause(&self, now: Moment) -> Duration {
        self.last.map_or(Duration::ZERO, |last| last.saturating_add(self.gap).saturating_sub(now))
    }

    /// A part was written.
    pub(super) fn wrote(&mut self, now: Moment) {
        self.parts.retain(|(at, _)| now.saturating_sub(*at) < DAY);
        self.parts.push_back((now, self.sim.clone()));
        self.last = Some(now);
    }

    /// The part written last was refused before it left, so it costs nothing.
    pub(super) fn unwrote(&mut self) {
        self.parts.pop_back();
    }

    /// What is shown of it.
    pub(super) fn spent(&self, now: Moment) -> Spent {
        let count = |span| u32::try_from(self.within(span, now).count()).unwrap_or(u32::MAX);
        Spent { hour: count(HOUR), day: count(DAY), per_hour: self.per_hour, per_day: self.per_day }
    }

    fn within(&self, span: Duration, now: Moment) -> impl Iterator<Item = Moment> {
        let lately = move |at: &Moment| now.saturating_sub(*at) < span;
        self.parts.iter().filter(|(_, sim)| *sim == self.sim).map(|(at, _)| *at).filter(lately)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Duration::from_hours(48);

    fn at(minutes: u64) -> Moment {
        START.saturating_add(Duration::from_mins(minutes))
    }

    fn budget(parts: &[u64]) -> Budget {
        let mut budget = Budget::new((10, 20), Duration::from_secs(3));
        budget.sim_is("sim".to_owned());
        for minute in parts {
            budget.wrote(at(*minute));
        }
        budget
    }

    /// What was sent at which minute, when it is asked, and for how many parts.
    type Case<'a> = (&'a str, &'a [u64], u64, u32, bool, Result<(), u64>);

    #[test]
    fn caps_hold_and_the_last_fifth_is_for_urgent_leads() {
        let hour: Vec<u64> = (0..9).collect();
        let day: Vec<u64> = (0..20).map(|n| n * 61).collect();
        let cases: &[Case<'_>] = &[
            ("nothing sent", &[], 0, 3, false, Ok(())),
            ("one left in the hour", &hour, 9, 1, true, Ok(())),
            ("two are too many: the first of the hour must be over", &hour, 9, 2, true, Err(60)),
            ("three: the second as well", &hour, 9, 3, true, Err(61)),
            ("not urgent: eight is all", &hour, 9, 1, false, Err(61)),
            ("an hour later", &hour, 69, 3, false, Ok(())),
            ("the day is full", &day, 1_220, 1, true, Err(24 * 60)),
            ("and has room again", &day, 24 * 60, 1, true, Ok(())),
            ("larger than the cap: alone it goes", &[], 0, 11, true, Ok(())),
            ("larger than the cap: not now", &[0], 1, 11, true, Err(60)),
        ];
        for (name, sent, now, parts, urgent, want) in cases {
            let want = want.map_err(at);
            assert_eq!(budget(sent).may(*parts, *urgent, at(*now)), want, "{name}");
        }
    }

    #[test]
    fn another_sim_has_its_own_and_an_earlier_start_counts() {
        let mut budget = budget(&[0; 10]);
        assert!(budget.may(1, true, at(1)).is_err());
        budget.sim_is("other".to_owned());
        assert_eq!(budget.may(10, true, at(1)), Ok(()));
        budget.recall((0..10).map(|_| (at(1), "other".to_owned())));
        assert_eq!(budget.may(1, true, at(2)), Err(at(61)));
        assert_eq!(budget.spent(at(2)), Spent { hour: 10, day: 10, per_hour: 10, per_day: 20 });
    }

    #[test]
    fn parts_keep_their_distance_and_what_never_left_is_free() {
        let mut budget = budget(&[5]);
        assert_eq!(budget.pause(at(5).saturating_add(Duration::from_secs(1))), Duration::from_secs(2));
        assert_eq!(budget.pause(at(6)), Duration::ZERO);
        budget.unwrote();
        assert_eq!(budget.spent(at(6)).day, 0);
    }
}
