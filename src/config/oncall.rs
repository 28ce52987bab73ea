//! Who is on call: the people, who has duty when, who is called after whom, and at which hours anybody is called at all.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;

use super::mail::is_address;
use super::read::did_you_mean;
use super::typed::{NAME_WHAT, Text, Typed, is_name, trimmed};
use super::{Problems, raw};
use crate::model::oncall::{
    Hours, Mode, OnCall, Override, Person, Rota, Rotation, Shift, Step, Stretch, Weekly, Who, date_time, moment, time,
    weekday,
};
use crate::model::{Channel, Lane};

/// Long enough to find the phone and read a text.
const WAIT: Duration = Duration::from_mins(5);
/// Where the chain means whoever has duty.
const ROTA: &str = "rota";
/// Where a rota means that nobody has duty.
const NOBODY: &str = "nobody";

/// What is configured elsewhere and named here.
pub(super) struct Around<'a> {
    /// The zone, if none is given here.
    pub(super) time_zone: &'a TimeZone,
    /// The names of the channels for texts.
    pub(super) channels: Vec<&'a str>,
    /// The names of the CRMs.
    pub(super) crms: Vec<&'a str>,
}

/// `None` with nobody in it, or where an error ends the reading.
pub(super) fn of(raw: raw::OnCall, around: &Around<'_>, problems: &mut Problems) -> Option<OnCall> {
    let zone = Text::or(raw.time_zone, around.time_zone.clone());
    let (people, is_short) = people_of(raw.name, raw.phone, raw.people, around, problems)?;
    let names = Names { people: &people };
    let has_rota = raw.rota.is_some();
    let (rota, closed) = names.rota(raw.rota.unwrap_or_default(), zone, problems);
    let chain = match raw.chain {
        Some(chain) => names.chain(chain, has_rota, problems),
        None => names.only_step(has_rota, is_short, problems)?,
    };
    let hours = hours_of(raw.hours, closed, problems);
    Some(OnCall { people, rota, chain, hours })
}

/// Everybody, and whether it is the short form: one person, always.
fn people_of(
    name: Option<String>,
    phone: Option<Text<crate::model::Phone>>,
    people: Option<BTreeMap<String, raw::Person>>,
    around: &Around<'_>,
    problems: &mut Problems,
) -> Option<(Vec<Person>, bool)> {
    let Some(people) = people else {
        let name = name_of(name, "oncall", problems);
        let phone = problems.required(phone, "oncall.phone", "whom to text, such as \"+15551234567\"");
        return Some((vec![Person::new(name?, phone?.0)], true));
    };
    if name.is_some() || phone.is_some() {
        problems.error("oncall.name", "one person here, or several in [oncall.people.NAME]: not both");
    }
    let mut known: Vec<Person> = Vec::new();
    let all = people.len();
    for (key, raw) in people {
        let path = format!("oncall.people.{key}");
        if !is_name(&key) || key == ROTA || key == NOBODY {
            problems.error(&path, format!("{NAME_WHAT}, and is neither {ROTA:?} nor {NOBODY:?}"));
        }
        let Some(person) = person_of(key, raw, around, problems) else { continue };
        if let Some(other) = known.iter().find(|other| other.phone == person.phone) {
            let words = format!("the same number as {}: nobody could tell who answers", other.key);
            problems.error(format!("{path}.phone"), words);
        }
        if let Some(other) = known.iter().find(|other| other.name.eq_ignore_ascii_case(&person.name)) {
            problems.error(
                format!("{path}.name"),
                format!("the same name as {}: nobody could tell who is meant", other.key),
            );
        }
        known.push(person);
    }
    if all == 0 {
        problems.error("oncall.people", "there is nobody in it");
    }
    (known.len() == all && all > 0).then_some((known, false))
}

fn person_of(key: String, raw: raw::Person, around: &Around<'_>, problems: &mut Problems) -> Option<Person> {
    let path = format!("oncall.people.{key}");
    let name = name_of(raw.name, &path, problems);
    let phone = problems.required(raw.phone, format!("{path}.phone"), "whom to text, such as \"+15551234567\"");
    let email = trimmed(raw.email);
    if email.as_ref().is_some_and(|email| !is_address(email)) {
        problems.error(format!("{path}.email"), "an address such as \"dana@example.com\"");
    }
    let channels = raw.channels.unwrap_or_default();
    for (nth, name) in channels.iter().enumerate() {
        named(name, &around.channels, &format!("{path}.channels[{nth}]"), "channel in sms.channels", problems);
    }
    let owners = raw.owner.unwrap_or_default();
    for crm in owners.keys() {
        named(crm, &around.crms, &format!("{path}.owner.{crm}"), "table [crm.NAME]", problems);
    }
    Some(Person {
        email,
        channels: channels.iter().map(|name| Channel::new(Lane::Sms, name)).collect(),
        quiet: weekly(raw.quiet),
        owners: owners.into_iter().map(|(crm, id)| (Channel::new(Lane::Crm, &crm), id)).collect(),
        key,
        ..Person::new(name?, phone?.0)
    })
}

fn name_of(name: Option<String>, path: &str, problems: &mut Problems) -> Option<String> {
    let path = format!("{path}.name");
    let name = problems.required(trimmed(name), path.as_str(), "who is woken, as notes shall name them");
    if name.as_ref().is_some_and(|name| name.chars().any(char::is_control)) {
        problems.error(path, "one line of text");
    }
    name
}

fn named(name: &str, known: &[&str], path: &str, what: &str, problems: &mut Problems) -> bool {
    if known.contains(&name) {
        return true;
    }
    let meant = did_you_mean(name, known);
    problems.error(path, format!("{name:?} is no {what}{meant}"));
    false
}

fn weekly(typed: Option<Vec<Text<Weekly>>>) -> Vec<Weekly> {
    typed.unwrap_or_default().into_iter().map(|hours| hours.0).collect()
}

/// Keys of people are looked up in these.
struct Names<'a> {
    people: &'a [Person],
}

impl Names<'_> {
    fn keys(&self) -> Vec<&str> {
        self.people.iter().map(|person| person.key.as_str()).collect()
    }

    fn is_known(&self, key: &str, path: &str, problems: &mut Problems) -> bool {
        named(key, &self.keys(), path, "key in [oncall.people]", problems)
    }

    /// Somebody, or `nobody`; `Err` when it is neither.
    fn duty(&self, who: Option<String>, path: &str, problems: &mut Problems) -> Result<Option<String>, ()> {
        let path = format!("{path}.who");
        let who = problems.required(trimmed(who), path.as_str(), "a key of [oncall.people], or \"nobody\"").ok_or(())?;
        if who == NOBODY {
            return Ok(None);
        }
        if self.is_known(&who, &path, problems) { Ok(Some(who)) } else { Err(()) }
    }

    fn chain(&self, raw: Vec<raw::ChainStep>, has_rota: bool, problems: &mut Problems) -> Vec<Step> {
        if raw.is_empty() {
            problems.error("oncall.chain", "there is no step in it, so nobody would be called");
        }
        let mut chain = Vec::new();
        for (nth, step) in raw.into_iter().enumerate() {
            let path = format!("oncall.chain[{nth}]");
            let words = "\"rota\" or a key of [oncall.people]";
            let Some(who) = problems.required(trimmed(step.who), format!("{path}.who"), words) else { continue };
            let who = if who == ROTA {
                if !has_rota {
                    problems.error(format!("{path}.who"), "there is no [oncall.rota]");
                }
                Who::Rota
            } else if self.is_known(&who, &format!("{path}.who"), problems) {
                Who::Person(who)
            } else {
                continue;
            };
            let (wait, ring) = (Text::or(step.wait, WAIT), step.ring.map(|ring| ring.0));
            if ring.is_some_and(|ring| ring >= wait) {
                problems.error(format!("{path}.ring"), "not shorter than wait: the step would be over before it rings");
            }
            chain.push(Step { who, wait, ring });
        }
        chain
    }

    /// The chain that nobody wrote down: whoever has duty, or the only person there is.
    fn only_step(&self, has_rota: bool, is_short: bool, problems: &mut Problems) -> Option<Vec<Step>> {
        let who = match self.people {
            _ if has_rota => Who::Rota,
            [person] => Who::Person(person.key.clone()),
            _ => {
                problems
                    .error("oncall.chain", "missing: who is called first, such as [{ who = \"dana\", wait = \"3m\" }]");
                return None;
            }
        };
        let wait = if is_short && !has_rota { Duration::ZERO } else { WAIT };
        Some(vec![Step { who, wait, ring: None }])
    }

    /// The rota, and the days on which the business is closed.
    fn rota(&self, raw: raw::Rota, zone: TimeZone, problems: &mut Problems) -> (Rota, Vec<Stretch>) {
        let rotation = self.rotation(raw.rotation, raw.hand_over, raw.start, problems);
        let mut rota = Rota { rotation, ..Rota::empty(zone) };
        for (nth, shift) in raw.shifts.unwrap_or_default().into_iter().enumerate() {
            let path = format!("oncall.rota.shifts[{nth}]");
            let words = "the hours, such as \"mon-fri 08:00-18:00\"";
            let when = problems.required(shift.when, format!("{path}.when"), words);
            let who = self.duty(shift.who, &path, problems);
            rota.shifts.extend(when.zip(who.ok()).map(|(when, who)| Shift { when: when.0, who }));
        }
        let mut closed = Vec::new();
        for (nth, holiday) in raw.holidays.unwrap_or_default().into_iter().enumerate() {
            let path = format!("oncall.rota.holidays[{nth}]");
            let Some(days) = problems.required(holiday.date, format!("{path}.date"), Days::WHAT) else { continue };
            let Some(when) = days.0.stretch(&rota.zone) else { continue };
            closed.push(when);
            if holiday.who.is_some()
                && let Ok(who) = self.duty(holiday.who, &path, problems)
            {
                rota.holidays.push(Override { when, who });
            }
        }
        for (nth, raw) in raw.overrides.unwrap_or_default().into_iter().enumerate() {
            rota.overrides.extend(self.an_override(
                raw,
                &format!("oncall.rota.overrides[{nth}]"),
                &rota.zone,
                problems,
            ));
        }
        (rota, closed)
    }

    fn rotation(
        &self,
        people: Option<Vec<String>>,
        hand_over: Option<Text<HandOver>>,
        start: Option<Text<Date>>,
        problems: &mut Problems,
    ) -> Option<Rotation> {
        let people = people?;
        if people.is_empty() {
            problems.error("oncall.rota.rotation", "there is nobody in it");
            return None;
        }
        for (nth, key) in people.iter().enumerate() {
            self.is_known(key, &format!("oncall.rota.rotation[{nth}]"), problems);
        }
        let hand_over = Text::or(hand_over, HandOver { day: Weekday::Monday, at: Time::midnight() });
        let start = match start {
            Some(start) => start.0,
            None if people.len() == 1 => Date::constant(2024, 1, 1),
            None => {
                let words = "missing: a day in the first person's week, such as \"2026-01-05\"";
                problems.error("oncall.rota.start", words);
                return None;
            }
        };
        // The hand-over that begins the week around that day.
        let first = start.nth_weekday(1, hand_over.day).ok()?.checked_sub(jiff::Span::new().days(7)).ok()?;
        Some(Rotation { people, first, hand_over: hand_over.at })
    }

    fn an_override(
        &self,
        raw: raw::Override,
        path: &str,
        zone: &TimeZone,
        problems: &mut Problems,
    ) -> Option<Override> {
        let from = problems.required(raw.from, format!("{path}.from"), DateTime::WHAT);
        let until = problems.required(raw.until, format!("{path}.until"), DateTime::WHAT);
        let who = self.duty(raw.who, path, problems).ok();
        let when = Stretch { from: moment(zone, from?.0)?, until: moment(zone, until?.0)? };
        if when.from >= when.until {
            problems.error(format!("{path}.until"), "not after from");
        }
        Some(Override { when, who: who? })
    }
}

fn hours_of(raw: Option<raw::Hours>, closed: Vec<Stretch>, problems: &mut Problems) -> Hours {
    let Some(raw) = raw else { return Hours { closed, ..Hours::always() } };
    let mode = |mode: Option<raw::Mode>| match mode {
        None | Some(raw::Mode::Alert) => Mode::Alert,
        Some(raw::Mode::CrmOnly) => Mode::CrmOnly,
        Some(raw::Mode::Defer) => Mode::Defer,
    };
    let hours = Hours { open: weekly(raw.open), closed, inside: mode(raw.inside), outside: mode(raw.outside) };
    if hours.open.is_empty() {
        problems.error("oncall.hours.open", "missing: when you are open, such as [\"mon-fri 08:00-18:00\"]");
    }
    let defers = |here: Mode, there: Mode| here == Mode::Defer && there != Mode::Alert;
    for (key, here, there) in [("inside", hours.inside, hours.outside), ("outside", hours.outside, hours.inside)] {
        if defers(here, there) {
            problems
                .error(format!("oncall.hours.{key}"), "deferred leads wait for hours of \"alert\", and there are none");
        }
    }
    hours
}

/// When one week's person hands over to the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct HandOver {
    day: Weekday,
    at: Time,
}

impl Typed for HandOver {
    const WHAT: &'static str = "a day and a time, such as \"mon 09:00\"";

    fn read(text: &str) -> Option<Self> {
        let (day, at) = text.trim().split_once(' ')?;
        Some(Self { day: weekday(day)?, at: time(at)? })
    }
}

impl Typed for Weekly {
    const WHAT: &'static str =
        "hours of the week, such as \"mon-fri 08:00-18:00\", \"sat,sun 00:00-24:00\" or \"22:00-06:00\"";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Typed for Date {
    const WHAT: &'static str = "a date such as \"2026-12-24\"";

    fn read(text: &str) -> Option<Self> {
        text.trim().parse().ok()
    }
}

impl Typed for DateTime {
    const WHAT: &'static str = "a date and a time, such as \"2026-12-24 18:00\"";

    fn read(text: &str) -> Option<Self> {
        date_time(text)
    }
}

/// A day or several in a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Days {
    first: Date,
    last: Date,
}

impl Days {
    fn stretch(self, zone: &TimeZone) -> Option<Stretch> {
        let midnight = |date: Date| moment(zone, date.to_datetime(Time::midnight()));
        Some(Stretch { from: midnight(self.first)?, until: midnight(self.last.tomorrow().ok()?)? })
    }
}

impl Typed for Days {
    const WHAT: &'static str = "a day such as \"2026-12-25\", or several: \"2026-12-24 to 2026-12-26\"";

    fn read(text: &str) -> Option<Self> {
        let (first, last) = text.split_once(" to ").unwrap_or((text, text));
        let days = Self { first: Date::read(first)?, last: Date::read(last)? };
        (days.first <= days.last).then_some(days)
    }
}

#[cfg(test)]
mod tests;
