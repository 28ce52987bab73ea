//! The modems: which port, which SIM, how patient, how much may be spent.

use std::path::PathBuf;
use std::time::Duration;

use super::sms::TWILIO;
use super::typed::{NAME_WHAT, Text, is_name};
use super::{Problems, SecretRef, raw};
use crate::model::Phone;

/// What nearly every modem speaks or adapts to.
const MODEM_BAUD: u32 = 115_200;
/// The step of a relative validity period (3GPP TS 23.040, clause 9.2.3.12.1).
const MODEM_LEAST_VALIDITY: Duration = Duration::from_mins(5);
/// Names the kernel gives in the order devices turn up.
const MOVING: [&str; 2] = ["/dev/ttyUSB", "/dev/ttyACM"];
/// What other SMS daemons wait, too.
const MODEM_PROMPT: Duration = Duration::from_secs(5);
/// The ordinary worst case on a network with trouble.
const MODEM_RESULT: Duration = Duration::from_mins(1);
/// The verdict is known by then; this only waits for the end of the dialogue.
const MODEM_OK_AFTER_REFERENCE: Duration = Duration::from_secs(2);
/// Some modems lose bytes that come sooner.
const MODEM_GAP: Duration = Duration::from_millis(20);
/// Notices a hung modem well before a lead does; asking more often hangs some sticks.
const MODEM_KEEP_ALIVE: Duration = Duration::from_mins(1);
/// A stick that was plugged in again is back within seconds.
const MODEM_REOPEN: Duration = Duration::from_secs(1);
/// A SIM that was busy, or a network that was lost, is back within seconds as well.
const MODEM_RETRY: Duration = Duration::from_secs(2);
/// As long as a status report may settle the same question.
const MODEM_LATE_VERDICT: Duration = Duration::from_secs(10);
/// What the hardware does in any case.
const MODEM_PART_GAP: Duration = Duration::from_secs(3);
/// Ten alerts of two parts: more in an hour is what networks take for advertising.
const PARTS_PER_HOUR: u32 = 20;
/// The lowest cap that users of consumer plans report.
const PARTS_PER_DAY: u32 = 100;

/// A modem on a serial port.
#[derive(Debug, Clone, PartialEq)]
pub struct Modem {
    /// The device; `None` looks for one that answers.
    pub port: Option<PathBuf>,
    /// Its speed.
    pub baud: u32,
    /// The message centre, if not the SIM's own.
    pub smsc: Option<Phone>,
    /// The network keeps trying this long.
    pub validity: Duration,
    /// The SIM's PIN, if it asks for one.
    pub pin: Option<SecretRef>,
    /// Parts its SIM may send in an hour.
    pub parts_per_hour: u32,
    /// Parts its SIM may send in 24 hours.
    pub parts_per_day: u32,
    /// Root has a way to take its power away.
    pub power_cycle: bool,
    /// Patience with each step.
    pub timings: Timings,
}

/// Patience with each step of the dialogue with a modem.
#[derive(Debug, Clone, PartialEq)]
pub struct Timings {
    /// The prompt after `AT+CMGS`.
    pub prompt: Duration,
    /// `+CMGS` or an error after the text was handed over.
    pub result: Duration,
    /// `OK` after `+CMGS`.
    pub ok_after_reference: Duration,
    /// Pause between an answer and the next command.
    pub gap: Duration,
    /// An idle modem is asked how it is this often.
    pub keep_alive: Duration,
    /// Pause between two tries to open the port.
    pub reopen: Duration,
    /// Pause between two tries to use a modem without network or SIM.
    pub retry: Duration,
    /// Between two parts: networks hold back who sends faster.
    pub part_gap: Duration,
    /// A modem that gave no verdict is left in peace this long, so that one may still come.
    pub late_verdict: Duration,
}

impl Modem {
    /// `useful`: how long a text is worth sending, and so worth delivering.
    pub(super) fn of(name: &str, raw: raw::Modem, useful: Duration, problems: &mut Problems) -> Option<Self> {
        let at = |key: &str| format!("modem.{name}{key}");
        if !is_name(name) || name == TWILIO {
            problems.error(at(""), if name == TWILIO { "this name is taken by the [twilio] table" } else { NAME_WHAT });
        }
        let port = problems.required(raw.port, at(".port"), "the device, such as \"/dev/serial/by-id/…\", or \"auto\"");
        let port = port.map(|port| port.0.0);
        let moves = |port: &PathBuf| MOVING.iter().any(|moving| port.to_string_lossy().starts_with(moving));
        if port.as_ref().and_then(Option::as_ref).is_some_and(moves) {
            problems
                .warn(at(".port"), "this number changes when the modem is plugged in again; use /dev/serial/by-id/…");
        }
        if raw.baud == Some(0) {
            problems.error(at(".baud"), "a speed such as 115200");
        }
        let validity = Text::or(raw.validity, useful.max(MODEM_LEAST_VALIDITY));
        if validity < MODEM_LEAST_VALIDITY {
            problems.error(at(".validity"), "at least 5m: networks count in steps of that");
        }
        let (per_hour, per_day) =
            (raw.parts_per_hour.unwrap_or(PARTS_PER_HOUR), raw.parts_per_day.unwrap_or(PARTS_PER_DAY));
        if per_hour == 0 || per_day < per_hour {
            problems.error(at(".parts-per-hour"), "at least 1, and no more than parts-per-day");
        }
        Some(Self {
            port: port?,
            baud: raw.baud.unwrap_or(MODEM_BAUD),
            smsc: raw.smsc.map(|smsc| smsc.0),
            validity,
            pin: raw.pin,
            parts_per_hour: per_hour,
            parts_per_day: per_day,
            power_cycle: raw.power_cycle.unwrap_or(false),
            timings: Timings::of(raw.timings.unwrap_or_default()),
        })
    }
}

impl Timings {
    fn of(raw: raw::Timings) -> Self {
        Self {
            prompt: Text::or(raw.prompt, MODEM_PROMPT),
            result: Text::or(raw.result, MODEM_RESULT),
            ok_after_reference: Text::or(raw.ok_after_reference, MODEM_OK_AFTER_REFERENCE),
            gap: Text::or(raw.gap, MODEM_GAP),
            keep_alive: Text::or(raw.keep_alive, MODEM_KEEP_ALIVE),
            reopen: Text::or(raw.reopen, MODEM_REOPEN),
            retry: Text::or(raw.retry, MODEM_RETRY),
            part_gap: Text::or(raw.part_gap, MODEM_PART_GAP),
            late_verdict: Text::or(raw.late_verdict, MODEM_LATE_VERDICT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn the_network_tries_as_long_as_a_text_is_worth_sending() {
        for (name, sms, modem, minutes) in [
            ("nothing said", "", "", 60),
            ("as the desk", "give-up-after = \"20m\"", "", 20),
            ("the network's least", "failover-after = \"30s\"\ngive-up-after = \"1m\"", "", 5),
            ("its own", "give-up-after = \"20m\"", "validity = \"2h\"", 120),
        ] {
            let config = Config::parse(&format!("[sms]\n{sms}\n[modem.a]\nport = \"/dev/x\"\n{modem}")).unwrap();
            assert_eq!(config.modem["a"].validity, Duration::from_mins(minutes), "{name}");
        }
    }
}
