//! The tunnels that systemd runs: whether each is up, since when, how often it broke.
//!
//! `status` and `doctor` call it. Only our own units are known; a tunnel of another kind is not seen here. That a unit is
//! up means that its program runs and has signed in, not that senders reach us.

use serde::Serialize;

use super::systemd::{Systemctl, Unit};
use super::table::Screen;
use crate::model::Timestamp;

/// How our tunnels' units are called.
const UNITS: &str = "nightdesk-tunnel-*";
const PREFIX: &str = "nightdesk-tunnel-";
const PROPERTIES: [&str; 5] = ["Id", "ActiveState", "SubState", "StateChangeTimestamp", "NRestarts"];

/// One tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Tunnel {
    /// `cloudflared`, `ssh@office`.
    pub(super) name: String,
    pub(super) up: bool,
    /// In systemd's words: `running`, `auto-restart`, `failed`.
    pub(super) state: String,
    pub(super) since: Option<Timestamp>,
    pub(super) restarts: u32,
}

/// All that systemd knows of; those that are switched off are not among them.
pub(super) fn tunnels(systemctl: &Systemctl) -> Vec<Tunnel> {
    let units = systemctl.show(&PROPERTIES, UNITS);
    units.iter().filter(|unit| unit.get("ActiveState") != "inactive").filter_map(Tunnel::of).collect()
}

impl Tunnel {
    fn of(unit: &Unit) -> Option<Self> {
        let name = unit.get("Id").strip_prefix(PREFIX)?.strip_suffix(".service")?;
        let seconds = unit.get("StateChangeTimestamp").strip_prefix('@').and_then(|at| at.parse::<i64>().ok());
        Some(Self {
            name: name.to_owned(),
            up: matches!(unit.get("ActiveState"), "active" | "reloading"),
            state: unit.get("SubState").to_owned(),
            since: seconds.map(|at| Timestamp::from_millis(at.saturating_mul(1_000))),
            restarts: unit.get("NRestarts").parse().unwrap_or(0),
        })
    }

    /// How it stands, on one line.
    pub(super) fn words(&self, screen: &Screen) -> String {
        let since = self.since.map_or_else(String::new, |at| format!(" since {}", screen.time(at)));
        let restarts = match self.restarts {
            0 => String::new(),
            1 => ", restarted once".to_owned(),
            n => format!(", restarted {n} times"),
        };
        if self.up {
            return format!("up{since}{restarts}");
        }
        let state = if self.state == "auto-restart" { "restarting" } else { &self.state };
        format!("down: {state}{since}{restarts}; see: journalctl -u {PREFIX}{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::systemd::tests::saying;
    use super::*;

    #[test]
    fn each_tunnel_is_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let said = "\
            Id=nightdesk-tunnel-ssh@office.service\nActiveState=active\nSubState=running\n\
            StateChangeTimestamp=@1795399200\nNRestarts=0\n\n\
            Id=nightdesk-tunnel-ssh@home.service\nActiveState=activating\nSubState=auto-restart\n\
            StateChangeTimestamp=@1795399200\nNRestarts=7\n\n\
            Id=nightdesk-tunnel-cloudflared.service\nActiveState=failed\nSubState=failed\nStateChangeTimestamp=\nNRestarts=1\n\n\
            Id=nightdesk-tunnel-ssh@off.service\nActiveState=inactive\nSubState=dead\n";
        let screen = Screen::of_stdout(jiff::tz::TimeZone::UTC);
        let lines: Vec<String> = tunnels(&saying(folder.path(), said, 0))
            .iter()
            .map(|tunnel| format!("{} {}", tunnel.name, tunnel.words(&screen)))
            .collect();
        assert_eq!(
            lines,
            [
                "ssh@office up since 2026-11-23 02:00:00",
                "ssh@home down: restarting since 2026-11-23 02:00:00, restarted 7 times; see: journalctl -u \
                 nightdesk-tunnel-ssh@home",
                "cloudflared down: failed, restarted once; see: journalctl -u nightdesk-tunnel-cloudflared",
            ]
        );
        assert_eq!(tunnels(&saying(folder.path(), "", 1)), []);
    }
}
