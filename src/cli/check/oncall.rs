//! Hours that nobody covers: an urgent lead would wake nobody.

use std::time::Duration;

use super::Findings;
use crate::cli::CliError;
use crate::cli::desk::Desk;
use crate::cli::table::Screen;
use crate::model::Timestamp;
use crate::model::oncall::{OnCall, Override, Span, Stretch};
use crate::store::OverrideRow;

/// So far ahead nobody may be missing.
const DAYS: u32 = 14;

/// Looks at the days to come, with the overrides that operators made.
pub(super) fn gaps(desk: &Desk, found: &mut Findings) -> Result<(), CliError> {
    let Some(on_call) = &desk.config.oncall else { return Ok(()) };
    let now = Timestamp::now();
    let ad_hoc = match desk.reader() {
        Ok(reader) => reader.overrides(now)?.into_iter().map(OverrideRow::meant).collect(),
        // What keeps it from being read is told with the data folder.
        Err(_) => Vec::new(),
    };
    look(on_call, now, &ad_hoc, found);
    Ok(())
}

fn look(on_call: &OnCall, now: Timestamp, ad_hoc: &[Override], found: &mut Findings) {
    let until = now.after(Duration::from_hours(24).saturating_mul(DAYS));
    let spans = on_call.calendar(Stretch { from: now, until }, ad_hoc);
    let gaps = stretches(spans.iter().filter(|span| span.is_gap()));
    let Some(first) = gaps.first() else { return };
    let screen = Screen::of_stdout(on_call.rota.zone.clone());
    let more = match gaps.len().saturating_sub(1) {
        0 => String::new(),
        1 => ", and once more".to_owned(),
        n => format!(", and {n} times more"),
    };
    let words = format!(
        "nobody would be called from {} to {}{more} within {DAYS} days: fill the rota, or end the chain with somebody who always can",
        screen.day(first.from),
        screen.day(first.until),
    );
    found.error("oncall", words);
}

/// Gaps that touch are one.
fn stretches<'a>(gaps: impl Iterator<Item = &'a Span<'a>>) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for gap in gaps {
        match stretches.last_mut() {
            Some(last) if last.until == gap.when.from => last.until = gap.when.until,
            _ => stretches.push(gap.when),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn hours_that_nobody_covers_are_an_error() {
        const PEOPLE: &str = "
            [oncall.people.dana]
            name = \"Dana\"
            phone = \"+4915112345678\"
            [oncall.people.lee]
            name = \"Lee\"
            phone = \"+4915112345679\"
            quiet = [\"22:00-07:00\"]
            [oncall]
            time-zone = \"Europe/Berlin\"
            ";
        let now: Timestamp = "2026-11-30T11:00:00Z".parse().unwrap();
        for (name, rest, want) in [
            ("one person, always", "chain = [{ who = \"dana\" }]", None),
            (
                "quiet hours",
                "chain = [{ who = \"lee\" }]",
                Some("nobody would be called from Mon 2026-11-30 22:00 to Tue 2026-12-01 07:00, and 13 times more"),
            ),
            ("quiet, but not alone", "chain = [{ who = \"lee\" }, { who = \"dana\" }]", None),
            (
                "a rota with a hole",
                "rota.shifts = [{ when = \"mon-sat 00:00-24:00\", who = \"dana\" }]",
                Some("nobody would be called from Sun 2026-12-06 00:00 to Mon 2026-12-07 00:00, and once more"),
            ),
            (
                "nobody, on purpose",
                "chain = [{ who = \"dana\" }]\nrota.overrides = [{ from = \"2026-12-01 00:00\", until = \"2026-12-02 00:00\", who = \"nobody\" }]",
                None,
            ),
            (
                "a hole in which nobody is called anyway",
                "rota.shifts = [{ when = \"mon-fri 08:00-18:00\", who = \"dana\" }]\nhours = { open = [\"mon-fri 08:00-18:00\"], outside = \"defer\" }",
                None,
            ),
        ] {
            let config =
                Config::parse(&format!("{PEOPLE}{rest}")).unwrap_or_else(|problems| panic!("{name}: {problems}"));
            let mut found = Findings::default();
            look(&config.oncall.unwrap(), now, &[], &mut found);
            let told: Vec<&str> = found.errors.iter().map(|error| error.words.as_str()).collect();
            assert_eq!(told.first().map(|told| told.split(" within ").next().unwrap()), want, "{name}");
        }
    }
}
