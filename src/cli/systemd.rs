//! What systemd says of units, and asking it to restart one: `systemctl` from systemd 247 on, run and read. And what its
//! journal keeps of the kernel's log.
//!
//! `secrets`, `status`, `modem power-cycle` and `doctor` call it. Where systemd doesn't run there are no units, which is
//! no error. Rules: systemctl(1), `show`, `try-restart`; systemd(1), unit states; journalctl(1).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::process::{Command, Output, Stdio};

/// The desk's own unit.
pub(super) const DESK: &str = "nightdesk.service";

/// The program that talks to systemd.
pub(super) struct Systemctl(OsString);

/// The properties of one unit, as systemd writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Unit(BTreeMap<String, String>);

impl Default for Systemctl {
    fn default() -> Self {
        Self("systemctl".into())
    }
}

impl Systemctl {
    /// The units that match, as far as systemd knows them; none where it doesn't run.
    pub(super) fn show(&self, properties: &[&str], units: &str) -> Vec<Unit> {
        let properties = format!("--property={}", properties.join(","));
        match self.run(&["show", "--timestamp=unix", &properties, "--", units]) {
            Ok(said) if said.status.success() => units_of(&String::from_utf8_lossy(&said.stdout)),
            Ok(_) | Err(_) => Vec::new(),
        }
    }

    /// Restarts the unit if it runs, and waits until it does again. Returns whether that went well.
    pub(super) fn try_restart(&self, unit: &str) -> io::Result<bool> {
        Ok(self.run(&["try-restart", "--", unit])?.status.success())
    }

    fn run(&self, args: &[&str]) -> io::Result<Output> {
        Command::new(&self.0).args(args).env("LC_ALL", "C").stdin(Stdio::null()).output()
    }
}

/// What the kernel said since the box started that is critical or worse; nothing if this user may not read it.
pub(super) fn kernel_log() -> String {
    let args = ["--dmesg", "--boot", "--priority=crit", "--output=cat", "--quiet", "--no-pager"];
    let said = Command::new("journalctl").args(args).stdin(Stdio::null()).output();
    said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned()).unwrap_or_default()
}

/// `Key=value` lines; an empty line between two units.
fn units_of(text: &str) -> Vec<Unit> {
    let of = |block: &str| {
        let pairs = block.lines().filter_map(|line| line.split_once('='));
        Unit(pairs.map(|(key, value)| (key.to_owned(), value.trim().to_owned())).collect())
    };
    text.split("\n\n").map(of).filter(|unit| !unit.0.is_empty()).collect()
}

impl Unit {
    /// A property; empty if systemd told none.
    pub(super) fn get(&self, property: &str) -> &str {
        self.0.get(property).map_or("", String::as_str)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    /// A systemctl that says `said`, with this exit code, and keeps its arguments in the folder.
    pub(in crate::cli) fn saying(folder: &Path, said: &str, code: u8) -> Systemctl {
        let (program, answer) = (folder.join("systemctl"), folder.join("answer"));
        std::fs::write(&answer, said).unwrap();
        let at = folder.display();
        let script = format!("#!/bin/sh\necho \"$@\" >> {at}/asked\ncat {at}/answer\nexit {code}\n");
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Systemctl(program.into())
    }

    #[test]
    fn units_are_read_as_systemd_shows_them() {
        let folder = tempfile::tempdir().unwrap();
        let two = "Id=a.service\nActiveState=active\nNRestarts=3\n\nId=b@x=y.service\nStatusText=a=b \nNRestarts=\n";
        let systemctl = saying(folder.path(), two, 0);
        let units = systemctl.show(&["Id", "NRestarts"], "a*");
        let found: Vec<_> = units.iter().map(|u| (u.get("Id"), u.get("StatusText"), u.get("NRestarts"))).collect();
        assert_eq!(found, [("a.service", "", "3"), ("b@x=y.service", "a=b", "")]);
        let asked = std::fs::read_to_string(folder.path().join("asked")).unwrap();
        assert_eq!(asked, "show --timestamp=unix --property=Id,NRestarts -- a*\n");
    }

    #[test]
    fn without_systemd_there_are_no_units() {
        let folder = tempfile::tempdir().unwrap();
        let refusing = saying(folder.path(), "System has not been booted with systemd", 1);
        for (name, systemctl) in [("not booted", refusing), ("not there", Systemctl("/nowhere/systemctl".into()))] {
            assert_eq!(systemctl.show(&["Id"], DESK), [], "{name}");
        }
        assert!(!saying(folder.path(), "", 1).try_restart(DESK).unwrap());
        assert!(saying(folder.path(), "", 0).try_restart(DESK).unwrap());
    }
}
