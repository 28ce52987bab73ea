//! From what is known of a modem to findings. Pure.
//!
//! The driver says why a modem isn't ready and what to do about it; here is what it can't know: whether a PIN is
//! configured, and what of a modem that sends is a reason to worry.

use super::super::super::doctor::Report;
use super::super::words;
use crate::model::{ModemInfo, ModemState};

/// Below this the modem hears the network poorly, and sends with full power or not at all.
const POOR_DBM: i16 = -103;
/// Of a hundred places that may be taken: a full memory takes no text and no delivery report.
const FULL: u32 = 70;

/// What is known of the SIM's PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pin {
    /// None is configured.
    None,
    /// One is.
    Configured,
    /// This port is in no configuration.
    NeverEntered,
}

/// There is no modem to be asked.
pub(super) const fn is_away(state: ModemState) -> bool {
    match state {
        ModemState::Absent | ModemState::Opening => true,
        ModemState::Initialising
        | ModemState::SimLocked
        | ModemState::Searching
        | ModemState::Ready
        | ModemState::Recovering => false,
    }
}

/// Everything that a person should know.
pub(super) fn judge(area: &str, info: &ModemInfo, pin: Pin, report: &mut Report) {
    judge_state(area, info, pin, report);
    if info.state == ModemState::Ready && info.centre.is_none() {
        let cure = "smsc = \"+…\" in [modem.NAME], the number that the SIM's operator names as its message centre";
        report.problem(area, "the SIM knows no message centre (SMSC), so that nothing can be sent", cure);
    }
    if let Some(dbm) = info.signal_dbm.filter(|dbm| *dbm <= POOR_DBM) {
        let words = format!("it hears the network poorly: {}", words::signal(Some(dbm)));
        report.warn(area, words, "screw the antenna on, put it outside of metal, near a window");
    }
    if let Some((used, total)) = info.storage.filter(|(used, total)| is_full(*used, *total)) {
        let words = format!("its memory for texts fills up: {}", words::memory(Some((used, total))));
        report.warn(
            area,
            words,
            "the desk empties it while it runs; otherwise delete texts with the SIM in a telephone",
        );
    }
    if info.reports == Some(false) {
        report.ok(area, "it gives no delivery reports: a text counts as sent once the network has it");
    }
    let (hour, day) = words::parts(&info.spent);
    let spent = info.spent;
    if spent.per_hour > 0 && (spent.hour >= spent.per_hour || spent.day >= spent.per_day) {
        let words =
            format!("its SIM may send no more for now: parts sent {hour} in the last hour, {day} in the last day");
        report.problem(area, words, "wait, or raise parts-per-hour and parts-per-day if the plan allows more");
    }
}

fn judge_state(area: &str, info: &ModemInfo, pin: Pin, report: &mut Report) {
    let reason = info.reason.clone().unwrap_or_else(|| info.state.name().to_owned());
    let next = info.next.as_ref().map_or_else(String::new, |next| format!("; next: {next}"));
    let cure = |otherwise: &str| info.cure.clone().unwrap_or_else(|| otherwise.to_owned());
    match info.state {
        ModemState::Ready => {
            let kind = words::kind(&info.identity).map_or_else(String::new, |kind| format!("{kind}, "));
            report.ok(area, format!("{kind}ready, signal {}", words::signal(info.signal_dbm)));
        }
        ModemState::SimLocked => {
            let pin = match pin {
                Pin::None => "; no PIN is configured",
                Pin::Configured => "; a PIN is configured",
                Pin::NeverEntered => "; without a configuration no PIN is entered",
            };
            report.problem(area, format!("{reason}{pin}"), cure("put the SIM into a telephone and switch its PIN off"));
        }
        ModemState::Searching => {
            report.problem(area, format!("{reason}{next}"), cure("check the SIM, the antenna and the reception"));
        }
        ModemState::Absent => report.problem(area, reason, cure("plug the modem in")),
        ModemState::Recovering => {
            report.problem(area, format!("{reason}{next}"), cure("sudo nightdesk modem power-cycle NAME, if it lasts"));
        }
        ModemState::Opening | ModemState::Initialising => {
            report.warn(area, format!("it is still {}", info.state.name()), cure("look again in half a minute"));
        }
    }
}

fn is_full(used: u16, total: u16) -> bool {
    total > 0 && u32::from(used).saturating_mul(100) >= u32::from(total).saturating_mul(FULL)
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::a_modem;
    use super::*;
    use crate::model::Spent;

    #[test]
    fn every_trouble_is_told_with_its_cure() {
        let not_ready = |state: ModemState, reason: &str| {
            let next = Some("another try in 5 s".to_owned());
            ModemInfo { state, reason: Some(reason.into()), next, signal_dbm: None, ..a_modem() }
        };
        let locked = || not_ready(ModemState::SimLocked, "the SIM is locked: it says SIM PIN");
        let spent = Spent { hour: 20, day: 40, per_hour: 20, per_day: 100 };
        for (name, info, pin, want) in [
            ("well", a_modem(), Pin::None, &["ok: x: Quectel EC25, ready, signal -71 dBm, 4 of 4 bars"] as &[&str]),
            (
                "PIN, none there",
                locked(),
                Pin::None,
                &["it says SIM PIN; no PIN is configured. What to do: put the SIM"],
            ),
            ("PIN, one there", locked(), Pin::Configured, &["it says SIM PIN; a PIN is configured. What"]),
            ("PIN, no entry", locked(), Pin::NeverEntered, &["without a configuration no PIN is entered"]),
            (
                "no network",
                not_ready(ModemState::Searching, "the network refuses it"),
                Pin::None,
                &["problem: x: the network refuses it; next: another try in 5 s. What to do: check the SIM"],
            ),
            (
                "gone",
                not_ready(ModemState::Absent, "no such port"),
                Pin::None,
                &["problem: x: no such port. What to do: plug"],
            ),
            (
                "hangs",
                not_ready(ModemState::Recovering, "it is silent"),
                Pin::None,
                &["problem: x: it is silent; next: "],
            ),
            ("starts", not_ready(ModemState::Opening, "x"), Pin::None, &["warning: x: it is still opening"]),
            (
                "poor",
                ModemInfo { signal_dbm: Some(-107), ..a_modem() },
                Pin::None,
                &["warning: x: it hears the network poorly: -107 dBm, 0 of 4 bars", "ok: x: "],
            ),
            (
                "nearly full",
                ModemInfo { storage: Some((35, 50)), ..a_modem() },
                Pin::None,
                &["warning: x: its memory for texts fills up: 35 of 50 places", "ok: x: "],
            ),
            (
                "no message centre",
                ModemInfo { centre: None, ..a_modem() },
                Pin::None,
                &["problem: x: the SIM knows no message centre (SMSC)", "ok: x: Quectel"],
            ),
            ("no memory known", ModemInfo { storage: Some((0, 0)), ..a_modem() }, Pin::None, &["ok: x: "]),
            (
                "no reports",
                ModemInfo { reports: Some(false), ..a_modem() },
                Pin::None,
                &["ok: x: Quectel", "ok: x: it gives no delivery reports"],
            ),
            (
                "spent",
                ModemInfo { spent, ..a_modem() },
                Pin::None,
                &[
                    "problem: x: its SIM may send no more for now: parts sent 20/20 in the last hour, 40/100 in",
                    "ok: x: ",
                ],
            ),
        ] {
            let mut report = Report::default();
            judge("x", &info, pin, &mut report);
            let mut out = Vec::new();
            drop(report.tell(false, &mut out));
            let told = String::from_utf8(out).unwrap();
            let lines: Vec<&str> = told.lines().collect();
            let alike = lines.len() == want.len() + 1 && lines.iter().zip(want).all(|(line, want)| line.contains(want));
            assert!(alike, "{name}: {lines:#?}");
        }
    }
}
