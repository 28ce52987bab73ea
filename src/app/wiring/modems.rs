//! From the configuration to what a modem is told: patience, caps, its PIN, and who takes its power away.
//!
//! The database remembers tries of a PIN under its mark, a hash keyed with this machine's identity (machine-id(5)), so
//! that whoever reads the file can't tell four digits by trying all of them.

use std::sync::Arc;
use std::time::Instant;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::config::{self, Config, SecretError, Secrets};
use crate::deliver::modem::{PowerSwitch, Settings, SimPin, Timings};

use super::super::power::Power;

/// Where a machine says who it is.
const MACHINE_ID: &str = "/etc/machine-id";
/// What the hash is for: the same digits elsewhere have another one.
const MARKED_AS: &[u8] = b"nightdesk sim pin";

/// The settings of every modem of the configuration, by name.
pub(in crate::app) fn modems(
    config: &Config,
    secrets: &Secrets,
    power: &Arc<Power>,
) -> Result<Vec<Settings>, SecretError> {
    config.modem.iter().map(|(name, modem)| settings(name, modem, secrets, power)).collect()
}

/// The settings of one modem, as the desk would use it; `None` when the configuration has none of that name.
///
/// # Errors
/// When its PIN was not loaded.
pub fn modem_settings(config: &Config, secrets: &Secrets, name: &str) -> Result<Option<Settings>, SecretError> {
    let power = Arc::new(Power::new(config));
    config.modem.get(name).map(|modem| settings(name, modem, secrets, &power)).transpose()
}

fn settings(name: &str, modem: &config::Modem, secrets: &Secrets, power: &Arc<Power>) -> Result<Settings, SecretError> {
    let timings = &modem.timings;
    Ok(Settings {
        name: name.to_owned(),
        port: modem.port.clone(),
        baud: modem.baud,
        smsc: modem.smsc.as_ref().map(ToString::to_string),
        validity: modem.validity,
        pin: modem.pin.as_ref().map(|at| secrets.get(at).map(|digits| pin(digits, &machine_id()))).transpose()?,
        caps: (modem.parts_per_hour, modem.parts_per_day),
        power: modem.power_cycle.then(|| switch(name, power)),
        timings: Timings {
            prompt: timings.prompt,
            result: timings.result,
            ok_after_reference: timings.ok_after_reference,
            gap: timings.gap,
            keep_alive: timings.keep_alive,
            reopen: timings.reopen,
            retry: timings.retry,
            part_gap: timings.part_gap,
            late_verdict: timings.late_verdict,
            ..Timings::default()
        },
    })
}

/// A machine without an identity still has a hash, only one that is easier to guess from.
fn machine_id() -> Vec<u8> {
    std::fs::read(MACHINE_ID).unwrap_or_default()
}

fn pin(digits: &SecretString, key: &[u8]) -> SimPin {
    // HMAC takes a key of any length, so there always is a mark; one that isn't would only be a PIN that is never sent.
    let mark = <Hmac<Sha256> as KeyInit>::new_from_slice(key).map_or_else(
        |_| String::new(),
        |mut mac| {
            mac.update(MARKED_AS);
            mac.update(digits.expose_secret().as_bytes());
            mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
        },
    );
    SimPin { digits: digits.clone(), mark }
}

fn switch(name: &str, power: &Arc<Power>) -> PowerSwitch {
    let (name, power) = (name.to_owned(), Arc::clone(power));
    PowerSwitch(Arc::new(move || power.cycle(&name, Instant::now())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_of_this_pin_on_this_machine() {
        let mark = |digits: &str, key: &[u8]| pin(&SecretString::from(digits), key).mark;
        let ours = mark("1234", b"machine");
        assert_eq!(ours.len(), 64);
        for (name, other) in [
            ("another PIN", mark("1235", b"machine")),
            ("another machine", mark("1234", b"machinf")),
            ("no identity", mark("1234", b"")),
        ] {
            assert_ne!(other, ours, "{name}");
            assert!(!other.contains("1234") && other.len() == 64, "{name}");
        }
        assert_eq!(mark("1234", b"machine"), ours);
        assert_eq!(format!("{:?}", pin(&SecretString::from("1234"), b"")).matches("1234").count(), 0);
    }

    #[test]
    fn power_is_asked_for_only_where_it_may_be() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[storage]\ncontrol-socket = \"{}/control.sock\"\n[modem.modem0]\nport = \"/dev/x\"\npower-cycle = true\n\
             [modem.modem1]\nport = \"/dev/y\"",
            folder.path().display()
        );
        let config = Config::parse(&text).unwrap();
        let secrets = Secrets::load(&config, None).unwrap();
        let of = |name: &str| modem_settings(&config, &secrets, name).unwrap();
        assert!(of("modem1").unwrap().power.is_none());
        assert!(of("modem2").is_none());
        let switch = of("modem0").unwrap().power.unwrap();
        assert_eq!((switch.0)(), Ok(()));
        assert!((switch.0)().unwrap_err().contains("still coming back"));
    }
}
