//! What SIMs have sent, against what they may: a person is told in time, and louder when nothing goes any more.
//!
//! The caps themselves are kept by whoever sends; this only tells. Called with every part that is written, and by the
//! sweep, so that the alert goes when the hour is over.

use crate::model::Timestamp;
use crate::store::{StoreError, Tx};

use super::Desk;

/// Percent of what a SIM may send, from which on a person is told.
const TELL_AT: u32 = 80;
/// The words by which a SIM that has sent all it may is told from one that nearly has.
const NO_MORE: &str = "may send no more";

/// How far a SIM is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    sent: u32,
    cap: u32,
    name: &'static str,
}

impl Span {
    const fn is_full(self) -> bool {
        self.sent >= self.cap
    }

    fn is_near(self) -> bool {
        let percent = |n: u32, of: u32| u64::from(n).saturating_mul(u64::from(of));
        percent(self.sent, 100) >= percent(self.cap, TELL_AT)
    }
}

/// The text of the alert and its cure; `None` while all is well.
fn words(modem: &str, spans: [Span; 2]) -> Option<(String, &'static str)> {
    if let Some(Span { sent, cap, name }) = spans.into_iter().find(|span| span.is_full()) {
        let text = format!("the SIM of {modem} {NO_MORE}: {sent} parts in the last {name}, and {cap} are allowed");
        let cure = "texts take the next channel, or wait; if so many are meant, raise parts-per-hour and parts-per-day";
        return Some((text, cure));
    }
    let Span { sent, cap, name } = spans.into_iter().find(|span| span.is_near())?;
    let text = format!("the SIM of {modem} has sent {sent} parts in the last {name}, of {cap} that are allowed");
    Some((text, "see which (`nightdesk leads list`); if so many are meant, raise parts-per-hour and parts-per-day"))
}

impl Desk {
    /// A modem's SIM has sent a part: raises the alert about it, or takes it back.
    pub(super) fn tend_spending(&self, tx: Tx<'_>, modem: &str, now: Timestamp) -> Result<(), StoreError> {
        let (Some(caps), Some(sim)) = (self.settings.caps.get(modem), tx.last_sim(modem)?) else { return Ok(()) };
        let (hour, day) = tx.parts_of_sim(&sim, now)?;
        let spans = [Span { sent: hour, cap: caps.0, name: "hour" }, Span { sent: day, cap: caps.1, name: "24 hours" }];
        let key = key(modem);
        let Some((text, cure)) = words(modem, spans) else { return tx.clear_alert(&key, now) };
        let told = tx.alert_text(&key)?;
        if told.as_ref() == Some(&text) {
            return Ok(());
        }
        // A new alert is a line in the log; that it was near and is full now deserves one as well.
        if text.contains(NO_MORE) && told.is_some_and(|told| !told.contains(NO_MORE)) {
            tracing::error!(alert = key, cure, "{text}");
        }
        tx.alert(&key, &text, cure, now)
    }

    /// Takes the alerts back that time has answered.
    pub(super) fn sweep_spending(&self, tx: Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        for modem in self.settings.caps.keys() {
            if tx.alert_text(&key(modem))?.is_some() {
                self.tend_spending(tx, modem, now)?;
            }
        }
        Ok(())
    }
}

fn key(modem: &str) -> String {
    format!("spend:{modem}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_sim() {
        for (name, hour, day, want) in [
            ("little", 15, 79, None),
            ("nearly the hour", 16, 16, Some("has sent 16 parts in the last hour, of 20 that are allowed")),
            ("the hour", 20, 20, Some("may send no more: 20 parts in the last hour, and 20 are allowed")),
            ("nearly the day", 0, 80, Some("has sent 80 parts in the last 24 hours, of 100 that are allowed")),
            (
                "the day, and nearly the hour",
                16,
                100,
                Some("may send no more: 100 parts in the last 24 hours, and 100 are allowed"),
            ),
            ("more than it may", 21, 101, Some("may send no more: 21 parts in the last hour, and 20 are allowed")),
        ] {
            let spans = [Span { sent: hour, cap: 20, name: "hour" }, Span { sent: day, cap: 100, name: "24 hours" }];
            let said = words("modem0", spans).map(|(text, _)| text);
            assert_eq!(said.as_deref().map(|text| text.trim_start_matches("the SIM of modem0 ")), want, "{name}");
        }
    }
}
