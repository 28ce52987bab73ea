//! Whether this box knows what time it is, and whether it will after a power cut.
//!
//! Judged as the desk itself judges it (`app::clock`): by the file that the time service leaves. Rule:
//! systemd-timesyncd(8), `/run/systemd/timesync/synchronized`.

use super::{Around, Report};
use crate::app::is_plausible_time;

const AREA: &str = "clock";

pub(super) fn look(around: &Around<'_>, report: &mut Report) {
    let file = &around.config.server.clock_sync_file;
    if !is_plausible_time(around.now) {
        let words = format!("it shows {}: signatures can't be judged for age, leads are held", around.now);
        report.problem(AREA, words, "bring the box to the network, then: timedatectl");
    } else if file.exists() {
        report.ok(AREA, format!("synchronised{}", battery(around)));
    } else if file.parent().is_some_and(std::path::Path::is_dir) {
        let words = "not synchronised since the start of this box: what is judged by time is held for a while";
        report.warn(AREA, words, "timedatectl timesync-status tells why: no network, or UDP port 123 is blocked");
    } else {
        let words = "systemd-timesyncd doesn't run: the desk believes the clock unseen";
        report.warn(AREA, words, "if no other time service (chrony) runs: sudo timedatectl set-ntp true");
    }
}

/// A Pi is right only once it has reached a time server; a Pi 5 has a clock, but its battery is bought with it or not.
fn battery(around: &Around<'_>) -> &'static str {
    let clocks = std::fs::read_dir(around.roots.sys.join("class/rtc")).is_ok_and(|mut clocks| clocks.next().is_some());
    if clocks {
        "; its hardware clock goes on through a power cut if it has a battery"
    } else {
        "; without a hardware clock it is wrong at first after a power cut"
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{FakeBox, assert_seen};
    use super::*;

    #[test]
    fn clocks() {
        let (now, synchronized) = ("2026-11-23T02:00:00Z", "run/timesync/synchronized");
        for (name, files, now, want) in [
            ("never set", &[synchronized] as &[&str], "1970-01-01T00:05:00Z", "problem: clock: it shows 1970"),
            ("nobody keeps it", &[], now, "warning: clock: systemd-timesyncd doesn't run"),
            ("not yet", &["run/timesync/other"], now, "warning: clock: not synchronised"),
            ("right", &[synchronized], now, "ok: clock: synchronised; without a hardware clock"),
            ("with a clock", &[synchronized, "sys/class/rtc/rtc0"], now, "ok: clock: synchronised; its hardware clock"),
        ] {
            let mut fake = FakeBox::new();
            fake.config.server.clock_sync_file = fake.folder.path().join(synchronized);
            for file in files {
                fake.write(file, "");
            }
            assert_seen(name, &fake.seen(now, look), &[want]);
        }
    }
}
