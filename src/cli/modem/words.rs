//! A modem's state in a few words: for `modem info`, `modem watch`, `modem list` and `status`.

use crate::model::{Identity, ModemInfo, Spent, Tally, bars};

/// The bars of a phone.
const MOST_BARS: u8 = 4;

/// `-71 dBm, 4 of 4 bars`; `-` where it isn't known.
pub(super) fn signal(dbm: Option<i16>) -> String {
    dbm.map_or_else(|| "-".to_owned(), |dbm| format!("{dbm} dBm, {} of {MOST_BARS} bars", bars(dbm)))
}

/// What is known of its delivery reports.
pub(in crate::cli) const fn reports(info: &ModemInfo) -> &'static str {
    match (info.report_seen, info.reports) {
        (true, _) => "seen",
        (false, Some(true)) => "none yet",
        (false, Some(false)) => "not given",
        (false, None) => "not asked",
    }
}

/// Parts of the last hour and of the last 24 hours, each with its cap: `3/20`.
pub(in crate::cli) fn parts(spent: &Spent) -> (String, String) {
    (format!("{}/{}", spent.hour, spent.per_hour), format!("{}/{}", spent.day, spent.per_day))
}

/// Places of its memory.
pub(super) fn memory(places: Option<(u16, u16)>) -> String {
    places.map_or_else(|| "-".to_owned(), |(used, total)| format!("{used} of {total} places"))
}

/// Texts since its task began.
pub(super) fn texts(tally: &Tally) -> String {
    format!("{} sent, {} not sent, {} unknown", tally.sent, tally.failed, tally.unknown)
}

/// `Quectel EC25`, as far as it says.
pub(super) fn kind(identity: &Identity) -> Option<String> {
    let said = [&identity.make, &identity.model].into_iter().flatten();
    let words: Vec<&str> = said.map(|word| word.trim()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { None } else { Some(words.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_invented() {
        assert_eq!((signal(None), signal(Some(-71))), ("-".into(), "-71 dBm, 4 of 4 bars".into()));
        assert_eq!((memory(None), memory(Some((3, 50)))), ("-".into(), "3 of 50 places".into()));
        let of = |make: Option<&str>, model: Option<&str>| {
            let said = |word: Option<&str>| word.map(str::to_owned);
            kind(&Identity { make: said(make), model: said(model), ..Identity::default() })
        };
        assert_eq!(of(None, None), None);
        assert_eq!(of(Some(" "), None), None);
        assert_eq!(of(Some("Quectel "), Some("EC25")).as_deref(), Some("Quectel EC25"));
        assert_eq!(of(None, Some("EC25")).as_deref(), Some("EC25"));
    }
}
