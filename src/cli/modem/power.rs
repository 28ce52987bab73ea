//! `nightdesk modem power-cycle`: a modem that hangs is switched off and on again, by root's unit.
//!
//! The running desk is asked, so that it knows why its modem goes away; without one the unit is started by hand.

use std::io::Write;
use std::path::Path;

use clap::Args;

use super::super::CliError;
use super::super::desk::Desk;
use super::super::systemd::Systemctl;
use super::ModemError;
use crate::control::{Request, Response};

/// Arguments of `modem power-cycle`.
#[derive(Debug, Args)]
pub(in crate::cli) struct PowerCycle {
    /// The modem's name, as in [modem.NAME]
    name: String,
}

impl PowerCycle {
    pub(in crate::cli) async fn run(&self, config: &Path, out: &mut dyn Write) -> Result<(), CliError> {
        let desk = Desk::load(config.to_owned())?;
        let name = &self.name;
        if !desk.config.modem.contains_key(name) {
            return Err(ModemError::Unknown(name.clone()).into());
        }
        if !self.may_be_heard(&Systemctl::default()) {
            return Err(CliError::NobodySwitches(name.clone()));
        }
        match desk.ask_if_running(&Request::PowerCycle { modem: name.clone() }).await? {
            Some(Response::Done { .. }) => {
                writeln!(
                    out,
                    "{name} is switched off and on; `nightdesk status` shows when it is back, in a minute or so"
                )?;
                Ok(())
            }
            Some(Response::Refused { reason }) => Err(CliError::Refused { reason }),
            Some(
                Response::Status(_)
                | Response::Replayed { .. }
                | Response::Modem(_)
                | Response::Tested { .. }
                | Response::Looks { .. }
                | Response::Suppression { .. }
                | Response::Text(_)
                | Response::Fate { .. },
            ) => Err(CliError::OddAnswer),
            None => Err(CliError::SwitchByHand(name.clone())),
        }
    }

    /// Whether root's unit watches for the request, as far as systemd tells.
    fn may_be_heard(&self, systemctl: &Systemctl) -> bool {
        let unit = format!("nightdesk-modem-power@{}.path", self.name);
        systemctl.show(&["ActiveState"], &unit).first().is_none_or(|unit| unit.get("ActiveState") == "active")
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::systemd::tests::saying;
    use super::*;

    #[test]
    fn only_a_unit_that_watches_hears_us() {
        let folder = tempfile::tempdir().unwrap();
        for (name, said, code, want) in [
            ("it watches", "ActiveState=active\n", 0, true),
            ("it is not enabled", "ActiveState=inactive\n", 0, false),
            ("no systemd here: who knows", "", 1, true),
        ] {
            let cycle = PowerCycle { name: "modem0".to_owned() };
            assert_eq!(cycle.may_be_heard(&saying(folder.path(), said, code)), want, "{name}");
        }
        let asked = std::fs::read_to_string(folder.path().join("asked")).unwrap();
        assert!(asked.contains("-- nightdesk-modem-power@modem0.path"), "{asked}");
    }
}
