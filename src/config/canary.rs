//! When the phones of those on call are tested.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::typed::Text;
use super::{Problems, raw};

/// Often enough that a phone which is off, lost or barred is found before many nights have passed.
const EVERY: Duration = Duration::from_hours(7 * 24);
/// More often, and nobody answers any more; more rarely, and it finds nothing.
const EVERY_RANGE: RangeInclusive<Duration> = Duration::from_hours(24)..=Duration::from_hours(90 * 24);
/// Long enough to come out of a meeting.
const PATIENCE: Duration = Duration::from_hours(1);
/// Networks report within minutes; a day later nobody remembers.
const PATIENCE_RANGE: RangeInclusive<Duration> = Duration::from_mins(2)..=Duration::from_hours(12);

/// When the phones of those on call are tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canary {
    /// How often; `None`: only when an operator asks for it.
    pub every: Option<Duration>,
    /// How long a report or an answer may take.
    pub patience: Duration,
}

impl Canary {
    /// `people` is how many there are in `[oncall.people]`. Who is alone knows whether his phone rings.
    pub(super) fn of(raw: raw::Canary, people: usize, problems: &mut Problems) -> Self {
        let (every, patience) = (Text::or(raw.every, EVERY), Text::or(raw.patience, PATIENCE));
        if !EVERY_RANGE.contains(&every) {
            problems.error("oncall.canary.every", "from 24h to 2160h; enabled = false tests nobody");
        }
        if !PATIENCE_RANGE.contains(&patience) {
            problems.error("oncall.canary.patience", "from 2m to 12h");
        }
        Self { every: raw.enabled.unwrap_or(people > 1).then_some(every), patience }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    const ONE: &str = "[oncall]\nname = \"D\"\nphone = \"+15551234567\"\n";
    const TWO: &str = "[oncall]\nchain = [{ who = \"a\" }, { who = \"b\" }]\n\
        [oncall.people]\na = { name = \"A\", phone = \"+15551234567\" }\nb = { name = \"B\", phone = \"+15551234568\" }\n";

    #[test]
    fn a_team_is_tested_weekly_and_one_person_only_if_asked_for() {
        let hours = Duration::from_hours;
        for (name, text, every, patience) in [
            ("nobody", String::new(), None, hours(1)),
            ("one", ONE.to_owned(), None, hours(1)),
            ("one who wants it", format!("{ONE}[oncall.canary]\nenabled = true"), Some(hours(168)), hours(1)),
            ("one who waits longer", format!("{ONE}[oncall.canary]\npatience = \"2h\""), None, hours(2)),
            ("a team", TWO.to_owned(), Some(hours(168)), hours(1)),
            ("a team, daily", format!("{TWO}[oncall.canary]\nevery = \"24h\""), Some(hours(24)), hours(1)),
            ("a team that won't", format!("{TWO}[oncall.canary]\nenabled = false"), None, hours(1)),
        ] {
            let config = Config::parse(&text).unwrap_or_else(|problems| panic!("{name}: {problems}"));
            assert_eq!(config.canary, Canary { every, patience }, "{name}");
        }
    }

    #[test]
    fn what_is_no_test_is_told() {
        for (typed, want) in [
            ("every = \"23h\"", "oncall.canary.every: from 24h to 2160h"),
            ("every = \"2161h\"", "oncall.canary.every: from 24h to 2160h"),
            ("patience = \"1m\"", "oncall.canary.patience: from 2m to 12h"),
            ("patience = \"13h\"", "oncall.canary.patience: from 2m to 12h"),
            ("enabled = \"no\"", "oncall.canary.enabled"),
        ] {
            let problems = Config::parse(&format!("{TWO}[oncall.canary]\n{typed}")).unwrap_err();
            let told: Vec<String> = problems.errors.iter().map(ToString::to_string).collect();
            assert!(told.len() == 1 && told[0].contains(want), "{typed}: {told:?}");
        }
    }
}
