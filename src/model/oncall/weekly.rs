//! Hours that come again every week, on the clock on the wall, whatever summer time does to it.
//!
//! A reading of that clock is one moment: the first where the clock shows it twice, the jump where the clock skips it. So
//! later readings are never earlier moments, and windows that touch on the wall touch in time.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::model::Timestamp;

/// A half-open stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
}

impl Stretch {
    /// Whether `at` lies in it.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

/// A window of the day on some days of the week, such as `mon-fri 08:00-18:00`; one that ends at or before its begin ends
/// on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weekly {
    /// By days after Monday.
    days: [bool; 7],
    from: Time,
    until: Time,
}

/// A text that names no hours of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no hours of the week")]
pub struct NotWeekly;

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Weekly {
    /// The window that begins on `date`, if there is one.
    fn on(&self, zone: &TimeZone, date: Date) -> Option<Stretch> {
        let day = usize::try_from(date.weekday().to_monday_zero_offset()).ok()?;
        if !*self.days.get(day)? {
            return None;
        }
        let last = if self.until > self.from { date } else { date.tomorrow().ok()? };
        let at = |date: Date, time| moment(zone, date.to_datetime(time));
        let window = Stretch { from: at(date, self.from)?, until: at(last, self.until)? };
        (window.from < window.until).then_some(window)
    }

    /// The windows that touch the stretch.
    pub fn windows<'a>(&'a self, zone: &'a TimeZone, within: Stretch) -> impl Iterator<Item = Stretch> + 'a {
        dates(zone, within).filter_map(|date| self.on(zone, date))
    }

    /// The window around `at`.
    #[must_use]
    pub fn around(&self, zone: &TimeZone, at: Timestamp) -> Option<Stretch> {
        self.windows(zone, Stretch { from: at, until: at }).find(|window| window.contains(at))
    }
}

/// The dates whose windows can touch the stretch. A zone that crosses the date line skips a day, so one more on each side.
fn dates(zone: &TimeZone, within: Stretch) -> impl Iterator<Item = Date> {
    let day = |at, days: i64| reading(zone, at)?.date().checked_add(jiff::Span::new().days(days)).ok();
    let last = day(within.until, 1);
    std::iter::successors(day(within.from, -2), |date| date.tomorrow().ok())
        .take_while(move |date| last.is_some_and(|last| *date <= last))
}

/// What the clock on the wall shows at `at`.
#[must_use]
pub fn reading(zone: &TimeZone, at: Timestamp) -> Option<DateTime> {
    Some(zone.to_datetime(jiff::Timestamp::from_millisecond(at.as_millis()).ok()?))
}

/// The moment at which the clock on the wall shows `reading`, or jumps over it.
#[must_use]
pub fn moment(zone: &TimeZone, reading: DateTime) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(reading);
    let before = ambiguous.earlier().ok()?;
    let at = match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => zone.following(before).next().map_or(before, |jump| jump.timestamp()),
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => before,
    };
    Some(Timestamp::from_millis(at.as_millisecond()))
}

/// A day of the week by its name or the first letters of it, three at least.
#[must_use]
pub fn weekday(text: &str) -> Option<Weekday> {
    let text = text.trim().to_ascii_lowercase();
    let nth = DAYS.iter().position(|name| text.len() >= 3 && name.starts_with(&text))?;
    Weekday::from_monday_zero_offset(i8::try_from(nth).ok()?).ok()
}

/// A date, or a date and a time such as `2026-12-24 18:00`.
#[must_use]
pub fn date_time(text: &str) -> Option<DateTime> {
    let (date, at) = text.trim().split_once([' ', 'T']).unwrap_or((text.trim(), "00:00"));
    Some(DateTime::from_parts(date.parse().ok()?, time(at)?))
}

/// A time of the day such as `08:00`.
#[must_use]
pub fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |text: &str| text.parse::<i8>().ok().filter(|_| text.len() == 2 && !text.starts_with('+'));
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

impl FromStr for Weekly {
    type Err = NotWeekly;

    /// `mon-fri 08:00-18:00`, `sat,sun 00:00-24:00`; without days it is every day.
    fn from_str(text: &str) -> Result<Self, NotWeekly> {
        let text = text.trim();
        let (days, hours) = text.rsplit_once(' ').unwrap_or(("", text));
        let (from, until) = hours.split_once('-').ok_or(NotWeekly)?;
        let until = if until == "24:00" { Time::midnight() } else { time(until).ok_or(NotWeekly)? };
        Ok(Self { days: days_of(days).ok_or(NotWeekly)?, from: time(from).ok_or(NotWeekly)?, until })
    }
}

fn days_of(text: &str) -> Option<[bool; 7]> {
    let mut days = [text.trim().is_empty(); 7];
    for part in text.split(',').filter(|_| !text.trim().is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (weekday(first)?, weekday(last)?);
        for day in std::iter::successors(Some(first), |day| (*day != last).then(|| day.next())) {
            *days.get_mut(usize::try_from(day.to_monday_zero_offset()).ok()?)? = true;
        }
    }
    Some(days)
}

impl fmt::Display for Weekly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<&str> =
            DAYS.iter().zip(self.days).filter_map(|(name, is_in)| if is_in { name.get(..3) } else { None }).collect();
        if days.len() < DAYS.len() {
            write!(f, "{} ", days.join(","))?;
        }
        let until = if self.until == Time::midnight() { "24:00".to_owned() } else { clock(self.until) };
        write!(f, "{}-{until}", clock(self.from))
    }
}

fn clock(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    #[test]
    fn hours_are_read_and_told() {
        for (text, told) in [
            ("mon-fri 08:00-18:00", "mon,tue,wed,thu,fri 08:00-18:00"),
            ("Sat, sunday 00:00-24:00", "sat,sun 00:00-24:00"),
            ("sat-mon 22:00-06:00", "mon,sat,sun 22:00-06:00"),
            (" 22:00-06:00 ", "22:00-06:00"),
            ("mon-sun 00:00-24:00", "00:00-24:00"),
        ] {
            assert_eq!(text.parse::<Weekly>().map(|hours| hours.to_string()).as_deref(), Ok(told), "{text}");
        }
        for text in [
            "",
            "mon",
            "mon 8-18",
            "mon 08:00",
            "mo 08:00-18:00",
            "mon 08:00-25:00",
            "mon 24:00-08:00",
            "x 08:00-09:00",
        ] {
            assert_eq!(text.parse::<Weekly>(), Err(NotWeekly), "{text}");
        }
    }

    #[test]
    fn a_window_is_where_the_clock_on_the_wall_says() {
        let (berlin, samoa) = (zone("Europe/Berlin"), zone("Pacific/Apia"));
        for (name, zone, hours, moment, want) in [
            (
                "in winter",
                &berlin,
                "mon 08:00-18:00",
                "2026-01-05T07:00:00Z",
                Some(("2026-01-05T07:00:00Z", "2026-01-05T17:00:00Z")),
            ),
            (
                "in summer",
                &berlin,
                "mon 08:00-18:00",
                "2026-07-06T06:00:00Z",
                Some(("2026-07-06T06:00:00Z", "2026-07-06T16:00:00Z")),
            ),
            ("its end is not in it", &berlin, "mon 08:00-18:00", "2026-01-05T17:00:00Z", None),
            (
                "past midnight",
                &berlin,
                "sun 22:00-06:00",
                "2026-01-05T04:59:59Z",
                Some(("2026-01-04T21:00:00Z", "2026-01-05T05:00:00Z")),
            ),
            (
                "an hour longer",
                &berlin,
                "sat 22:00-06:00",
                "2026-10-25T00:30:00Z",
                Some(("2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z")),
            ),
            (
                "begins in the hour that is skipped",
                &berlin,
                "sun 02:30-04:00",
                "2026-03-29T01:00:00Z",
                Some(("2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z")),
            ),
            ("lies in the hour that is skipped", &berlin, "sun 02:15-02:45", "2026-03-29T01:00:00Z", None),
            (
                "ends in the hour that comes twice",
                &berlin,
                "sun 01:00-02:30",
                "2026-10-25T00:15:00Z",
                Some(("2026-10-24T23:00:00Z", "2026-10-25T00:30:00Z")),
            ),
            (
                "over the day that Samoa skipped",
                &samoa,
                "thu 22:00-08:00",
                "2011-12-30T09:00:00Z",
                Some(("2011-12-30T08:00:00Z", "2011-12-30T10:00:00Z")),
            ),
        ] {
            let hours: Weekly = hours.parse().unwrap();
            let want = want.map(|(from, until)| Stretch { from: at(from), until: at(until) });
            let found = hours.around(zone, at(moment));
            assert_eq!(found, want, "{name}");
        }
    }
}
