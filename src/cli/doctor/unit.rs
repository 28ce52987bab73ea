//! The desk's unit, its helpers' and the tunnels' units, as systemd sees them.
//!
//! What isn't installed is no trouble of a box that runs the desk by hand. Rule: systemd(1), unit states.

use super::super::systemd::{DESK, Unit};
use super::super::table::Screen;
use super::super::tunnels::tunnels;
use super::{Around, Report};

const AREA: &str = "service";
const PROPERTIES: [&str; 6] = ["LoadState", "ActiveState", "SubState", "UnitFileState", "NRestarts", "StatusText"];
/// What watches and works beside the desk, and what there isn't without it.
const HELPERS: [(&str, &str); 2] = [
    ("nightdesk-alert.path", "nobody is told when the desk is down"),
    ("nightdesk-backup.timer", "no copies are made"),
];
/// So often it isn't chance any more.
const MANY_RESTARTS: u32 = 3;
const LOG: &str = "journalctl -u nightdesk -n 100 tells why";

pub(super) fn look(around: &Around<'_>, report: &mut Report) {
    match around.systemctl.show(&PROPERTIES, DESK).first() {
        Some(unit) => judge(unit, report),
        None => report.ok(AREA, "systemd doesn't run here, so the desk has no service"),
    }
    for (name, without) in HELPERS {
        helper(around, name, without, report);
    }
    for tunnel in tunnels(&around.systemctl) {
        let words = tunnel.words(&Screen::of_stdout(around.config.business.time_zone.clone()));
        let area = format!("tunnel {}", tunnel.name);
        if tunnel.up {
            report.ok(area, words);
        } else {
            report.problem(area, words, "until it is up, no lead comes in through it; its log tells why it isn't");
        }
    }
}

fn helper(around: &Around<'_>, name: &str, without: &str, report: &mut Report) {
    let units = around.systemctl.show(&["Id", "LoadState", "ActiveState"], name);
    let is_off = |unit: &Unit| {
        unit.get("Id") == name && unit.get("LoadState") == "loaded" && unit.get("ActiveState") != "active"
    };
    if units.iter().any(is_off) {
        report.warn(AREA, format!("{name} doesn't run: {without}"), format!("sudo systemctl enable --now {name}"));
    }
}

fn judge(unit: &Unit, report: &mut Report) {
    let restarts: u32 = unit.get("NRestarts").parse().unwrap_or(0);
    match (unit.get("LoadState"), unit.get("ActiveState")) {
        ("loaded", "active" | "reloading") if restarts >= MANY_RESTARTS => {
            report.warn(AREA, format!("it runs, but systemd has restarted it {restarts} times"), LOG);
        }
        ("loaded", "active" | "reloading") => report.ok(AREA, "it runs"),
        ("loaded", "inactive") => report.problem(AREA, "it is stopped", "sudo systemctl start nightdesk"),
        ("loaded", state) => {
            let said = unit.get("StatusText");
            let said = if said.is_empty() { unit.get("SubState") } else { said };
            report.problem(AREA, format!("it doesn't run ({state}: {said}), {restarts} restarts so far"), LOG);
        }
        _ => report.warn(AREA, "nightdesk.service isn't installed", "install the package, or run the desk by hand"),
    }
    if unit.get("UnitFileState") == "disabled" {
        report.warn(AREA, "it isn't started with the box", "sudo systemctl enable nightdesk");
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{FakeBox, assert_seen};
    use super::*;

    #[test]
    fn states() {
        let unit = |state: &str, more: &str| format!("LoadState=loaded\nActiveState={state}\n{more}");
        for (name, said, want) in [
            ("it runs", unit("active", "NRestarts=0\nUnitFileState=enabled"), &["ok: service: it runs"] as &[&str]),
            (
                "again and again",
                unit("active", "NRestarts=3"),
                &["warning: service: it runs, but systemd has restarted it 3"],
            ),
            ("stopped", unit("inactive", ""), &["problem: service: it is stopped"]),
            (
                "crash loop",
                unit("activating", "SubState=start-pre\nStatusText=waits 20 s\nNRestarts=6"),
                &["problem: service: it doesn't run (activating: waits 20 s), 6 restarts"],
            ),
            ("failed", unit("failed", "SubState=failed"), &["problem: service: it doesn't run (failed: failed)"]),
            (
                "not at boot",
                unit("active", "UnitFileState=disabled"),
                &["ok: service: it runs", "warning: service: it isn't started with the box"],
            ),
            (
                "not installed",
                "LoadState=not-found\nActiveState=inactive".to_owned(),
                &["warning: service: nightdesk.service isn't"],
            ),
            (
                "no backups",
                unit("active", "\n\nId=nightdesk-backup.timer\nLoadState=loaded\nActiveState=inactive"),
                &["ok: service: it runs", "warning: service: nightdesk-backup.timer doesn't run: no copies"],
            ),
            (
                "a tunnel is down",
                unit("active", "\n\nId=nightdesk-tunnel-ssh@office.service\nActiveState=failed\nSubState=failed"),
                &["ok: service: it runs", "problem: tunnel ssh@office: down: failed"],
            ),
        ] {
            let fake = FakeBox::new().systemd_says(&said);
            assert_seen(name, &fake.seen("2026-11-23T02:00:00Z", look), want);
        }
        assert_seen(
            "no systemd",
            &FakeBox::new().seen("2026-11-23T02:00:00Z", look),
            &["ok: service: systemd doesn't run"],
        );
    }
}
