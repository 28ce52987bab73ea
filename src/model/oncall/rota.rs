//! The rota: who has duty at a moment. Four layers, the more special before the more general: overrides, holidays, shifts,
//! the weekly rotation. Where two of one layer overlap, the later one in the list counts.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::weekly::{Stretch, Weekly, moment, reading};
use crate::model::Timestamp;

/// Everybody takes a week in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// Who follows whom, by key.
    pub people: Vec<String>,
    /// The day on which the first of them begins; each week ends on that day of the week.
    pub first: Date,
    /// When one hands over to the next.
    pub hand_over: Time,
}

/// Hours of the week that belong to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// The hours.
    pub when: Weekly,
    /// Whose they are, by key; `None` is nobody.
    pub who: Option<String>,
}

/// A stretch of time that belongs to somebody, whatever the week says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// When.
    pub when: Stretch,
    /// Who, by key; `None` is nobody.
    pub who: Option<String>,
}

/// Which layer of the rota gave the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Somebody takes another's place for a while.
    Override,
    /// A holiday has its own person.
    Holiday,
    /// The hours of the week.
    Shift,
    /// The weekly turn.
    Rotation,
}

impl Layer {
    /// The word for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Override => "override",
            Self::Holiday => "holiday",
            Self::Shift => "shift",
            Self::Rotation => "rotation",
        }
    }
}

/// Who has duty, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duty<'a> {
    /// Who, by key; `None` is a gap.
    pub who: Option<&'a str>,
    /// Why; `None` where no layer says anything.
    pub layer: Option<Layer>,
}

/// The layers, and the zone of the clock on the wall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rota {
    /// The zone.
    pub zone: TimeZone,
    /// The weekly turn.
    pub rotation: Option<Rotation>,
    /// Hours that belong to somebody.
    pub shifts: Vec<Shift>,
    /// Holidays that have a person of their own.
    pub holidays: Vec<Override>,
    /// As configured; the operator's own come beside them.
    pub overrides: Vec<Override>,
}

impl Rota {
    /// A rota in which nobody ever has duty.
    #[must_use]
    pub const fn empty(zone: TimeZone) -> Self {
        Self { zone, rotation: None, shifts: Vec::new(), holidays: Vec::new(), overrides: Vec::new() }
    }

    /// Who has duty at `at`. `ad_hoc` are the overrides that were made since, oldest first.
    #[must_use]
    pub fn duty<'a>(&'a self, at: Timestamp, ad_hoc: &'a [Override]) -> Duty<'a> {
        let of = |list: &'a [Override]| list.iter().rfind(|one| one.when.contains(at)).map(|one| one.who.as_deref());
        let shift = || self.shifts.iter().rfind(|shift| shift.when.around(&self.zone, at).is_some());
        let given = |who, layer| Duty { who, layer: Some(layer) };
        of(ad_hoc)
            .or_else(|| of(&self.overrides))
            .map(|who| given(who, Layer::Override))
            .or_else(|| of(&self.holidays).map(|who| given(who, Layer::Holiday)))
            .or_else(|| shift().map(|shift| given(shift.who.as_deref(), Layer::Shift)))
            .or_else(|| Some(given(Some(self.rotation.as_ref()?.turn(&self.zone, at)?), Layer::Rotation)))
            .unwrap_or(Duty { who: None, layer: None })
    }

    /// The moments within the stretch at which the answer may change, in no order.
    #[must_use]
    pub fn edges(&self, within: Stretch, ad_hoc: &[Override]) -> Vec<Timestamp> {
        let fixed = self.holidays.iter().chain(&self.overrides).chain(ad_hoc).map(|one| one.when);
        let shifts = self.shifts.iter().flat_map(|shift| shift.when.windows(&self.zone, within));
        let mut edges: Vec<Timestamp> = fixed.chain(shifts).flat_map(|when| [when.from, when.until]).collect();
        edges.extend(self.rotation.iter().flat_map(|rotation| rotation.hand_overs(&self.zone, within)));
        edges
    }
}

impl Rotation {
    /// When the week with this number begins; the first has number 0.
    fn begin(&self, zone: &TimeZone, week: i64) -> Option<Timestamp> {
        let date = self.first.checked_add(jiff::Span::new().try_weeks(week).ok()?).ok()?;
        moment(zone, DateTime::from_parts(date, self.hand_over))
    }

    /// The number of the week around `at`.
    fn week(&self, zone: &TimeZone, at: Timestamp) -> Option<i64> {
        let days = i64::from(reading(zone, at)?.date().since(self.first).ok()?.get_days());
        let week = days.div_euclid(7);
        // On the day itself the hour decides, and a zone that crosses the date line is a day off.
        (-1..=1)
            .rev()
            .map(|off| week.saturating_add(off))
            .find(|week| self.begin(zone, *week).is_some_and(|from| from <= at))
    }

    fn turn(&self, zone: &TimeZone, at: Timestamp) -> Option<&str> {
        let people = i64::try_from(self.people.len()).ok().filter(|people| *people > 0)?;
        let nth = self.week(zone, at)?.checked_rem_euclid(people)?;
        self.people.get(usize::try_from(nth).ok()?).map(String::as_str)
    }

    fn hand_overs(&self, zone: &TimeZone, within: Stretch) -> impl Iterator<Item = Timestamp> {
        let first = self.week(zone, within.from);
        std::iter::successors(first, |week| week.checked_add(1))
            .map_while(|week| self.begin(zone, week))
            .take_while(move |begin| *begin <= within.until)
    }
}
