//! Each modem's serial port: whether it is there, whether the service may use it, and who else does.
//!
//! Nothing is opened: looking at a port must not disturb a text that is being sent. Of two programs on one port each gets
//! half of the answers. Rules: proc(5), `/proc/consoles`; the udev database in `/run/udev/data`; `ModemManager`'s
//! `ID_MM_DEVICE_IGNORE` and `ID_MM_PORT_IGNORE`.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{major, minor};

use super::processes::Process;
use super::{Around, Report};

const MODEM_MANAGER: &str = "ModemManager";
const NO_MODEM_MANAGER: &str = "have it left alone: the package's udev rule for this modem, then sudo udevadm trigger and \
                                sudo systemctl restart ModemManager; or sudo apt-get purge modemmanager";
const NO_CONSOLE: &str =
    "sudo raspi-config: Interface Options, Serial Port, no login shell but the hardware on; then reboot";

pub(super) fn look(around: &Around<'_>, report: &mut Report) {
    for (name, modem) in &around.config.modem {
        if let Some(port) = &modem.port {
            look_at(around, &format!("modem {name}"), port, report);
        }
    }
}

/// One port, as `area`.
pub(in crate::cli) fn look_at(around: &Around<'_>, area: &str, port: &Path, report: &mut Report) {
    let (device, facts) = match device_of(port) {
        Ok(found) => found,
        Err((words, cure)) => return report.problem(area, words, cure),
    };
    let before = report.findings.len();
    if around.user.as_ref().is_some_and(|user| !user.may_use(&facts)) {
        let words = format!("the service may not use {} (mode {:04o})", device.display(), facts.mode() & 0o7777);
        report.problem(area, words, "it must belong to group dialout, mode 0660: the package's udev rule sees to it");
    }
    let holders = around.processes.holding(&device);
    for process in &holders {
        held(area, process, report);
    }
    let is_held_by_manager = holders.iter().any(|process| process.name == MODEM_MANAGER);
    if !is_held_by_manager && around.processes.runs(MODEM_MANAGER) && !is_ignored(&around.roots.run, number_of(&facts))
    {
        report.warn(area, "ModemManager runs, and may take the port at any time", NO_MODEM_MANAGER);
    }
    if is_console(&around.roots.proc, &facts) {
        report.problem(area, "the kernel writes its own messages to this port", NO_CONSOLE);
    }
    if report.findings.len() == before {
        let link = if device == port { String::new() } else { format!(" (now {})", device.display()) };
        // Whoever else had it open was told of.
        let desk =
            holders.first().map_or_else(String::new, |desk| format!(", and the desk has it open (pid {})", desk.pid));
        report.ok(area, format!("{}{link} is there{desk}", port.display()));
    }
}

/// The device behind a port's name; or what is wrong with it, and the cure.
pub(in crate::cli) fn device_of(port: &Path) -> Result<(PathBuf, Metadata), (String, &'static str)> {
    let at = port.display();
    let device = port.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            (format!("{at} isn't there"), "plug it in; ls /dev/serial/by-id shows the names of those there are")
        }
        _ => (format!("{at}: {error}"), "look at the port that is configured"),
    })?;
    match fs::metadata(&device) {
        Ok(facts) if facts.file_type().is_char_device() => Ok((device, facts)),
        Ok(_) | Err(_) => Err((format!("{at} is no serial port"), "name it by /dev/serial/by-id/…")),
    }
}

/// Somebody has the port open.
fn held(area: &str, process: &Process, report: &mut Report) {
    let words = format!("{} (pid {}) has the port open", process.name, process.pid);
    match process.name.as_str() {
        "nightdesk" => {}
        MODEM_MANAGER => report.problem(area, words, NO_MODEM_MANAGER),
        "agetty" | "getty" | "login" => report.problem(area, format!("{words}: a serial console"), NO_CONSOLE),
        _ => report.problem(area, words, format!("end it: sudo kill {}", process.pid)),
    }
}

fn number_of(facts: &Metadata) -> (u32, u32) {
    (major(facts.rdev()), minor(facts.rdev()))
}

fn is_ignored(run: &Path, (major, minor): (u32, u32)) -> bool {
    let known = fs::read_to_string(run.join(format!("udev/data/c{major}:{minor}"))).unwrap_or_default();
    known.lines().any(|line| matches!(line, "E:ID_MM_DEVICE_IGNORE=1" | "E:ID_MM_PORT_IGNORE=1"))
}

/// The kernel writes its messages to this device.
pub(in crate::cli) fn is_console(proc: &Path, facts: &Metadata) -> bool {
    let (major, minor) = number_of(facts);
    let number = format!("{major}:{minor}");
    let consoles = fs::read_to_string(proc.join("consoles")).unwrap_or_default();
    consoles.lines().any(|line| line.split_whitespace().last() == Some(&number))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{FakeBox, assert_seen};
    use super::*;
    use crate::config::Config;

    /// Character devices that every machine has: usable by all, number 1:3; and by root alone, 5:1.
    const OPEN: &str = "/dev/null";
    const OPEN_UDEV: &str = "run/udev/data/c1:3";

    /// A box with the modem behind `port`, and with processes: pid, program, what it holds.
    fn with(port: &str, processes: &[(u32, &str, &str)]) -> FakeBox {
        let mut fake = FakeBox::new();
        fake.config = Config::parse(&format!("[modem.modem0]\nport = \"{port}\"")).unwrap();
        fake.write("etc/passwd", "nightdesk:x:990:980:::\n");
        fake.write("etc/group", "dialout:x:20:\n");
        for (pid, program, held) in processes {
            fake.write(&format!("proc/{pid}/comm"), &format!("{program}\n"));
            fake.link(&format!("proc/{pid}/fd/5"), held);
        }
        fake
    }

    #[test]
    fn who_holds_the_port() {
        for (name, processes, want) in [
            ("nobody", &[(7_u32, "bash", "/dev/tty")] as &[_], &["ok: modem modem0: /dev/null is there"] as &[&str]),
            (
                "the desk",
                &[(7, "nightdesk", OPEN)],
                &["ok: modem modem0: /dev/null is there, and the desk has it open (pid 7)"],
            ),
            (
                "a terminal",
                &[(7, "minicom", OPEN)],
                &["problem: modem modem0: minicom (pid 7) has the port open. What to do: end it: sudo kill 7"],
            ),
            (
                "a console",
                &[(7, "agetty", OPEN)],
                &["problem: modem modem0: agetty (pid 7) has the port open: a serial console"],
            ),
            (
                "ModemManager",
                &[(7, "ModemManager", OPEN), (9, "nightdesk", OPEN)],
                &["problem: modem modem0: ModemManager (pid 7)"],
            ),
            ("it may come", &[(7, "ModemManager", "/dev/zero")], &["warning: modem modem0: ModemManager runs"]),
        ] {
            assert_seen(name, &with(OPEN, processes).seen("2026-11-23T02:00:00Z", look), want);
        }
        let told = with(OPEN, &[(7, "ModemManager", "/dev/zero")]);
        told.write(OPEN_UDEV, "I:1\nE:ID_MM_DEVICE_IGNORE=1\n");
        assert_seen("told to leave it", &told.seen("2026-11-23T02:00:00Z", look), &["ok: modem modem0"]);
        let kernel = with(OPEN, &[]);
        kernel.write("proc/consoles", "tty0   -WU (EC  p  )    4:7\nttyAMA0  -W- (E   p a)    1:3\n");
        assert_seen(
            "the kernel",
            &kernel.seen("2026-11-23T02:00:00Z", look),
            &["problem: modem modem0: the kernel writes"],
        );
    }

    #[test]
    fn ports_that_cannot_be_used() {
        let fake = with("/nowhere/modem", &[]);
        assert_seen(
            "not there",
            &fake.seen("2026-11-23T02:00:00Z", look),
            &["problem: modem modem0: /nowhere/modem isn't there"],
        );
        let fake = with("/etc/hostname", &[]);
        assert_seen(
            "a file",
            &fake.seen("2026-11-23T02:00:00Z", look),
            &["problem: modem modem0: /etc/hostname is no serial port"],
        );
        let mut fake = FakeBox::new();
        fake.link("dev/by-id", OPEN);
        let port = fake.folder.path().join("dev/by-id");
        fake.config = Config::parse(&format!("[modem.modem0]\nport = \"{}\"", port.display())).unwrap();
        assert_seen("a link", &fake.seen("2026-11-23T02:00:00Z", look), &["(now /dev/null) is there"]);
        fake.config = Config::parse("").unwrap();
        assert_seen("no modem", &fake.seen("2026-11-23T02:00:00Z", look), &[]);
    }
}
