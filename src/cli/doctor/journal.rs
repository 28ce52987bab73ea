//! Whether the log outlives a restart of the box, and how much of the card it takes.
//!
//! Rule: journald.conf(5), `Storage=`: what is below `/var/log/journal` lasts, what is below `/run/log/journal` doesn't.
//! Debian makes the first folder in any case; a journal in the second one is being written, or it would be flushed to the
//! first. Neither is wrong: a card wears, and a log that is gone after a power cut tells nothing of it.

use std::fs;
use std::path::Path;

use super::super::table::amount;
use super::{Around, Report};

const AREA: &str = "log";
/// More than a desk writes in a year; other programs fill the card.
const LARGE_BYTES: u64 = 1024 * 1024 * 1024;

pub(super) fn look(around: &Around<'_>, report: &mut Report) {
    let lasting = around.roots.var.join("log/journal");
    if size(&around.roots.run.join("log/journal")) > 0 {
        report.ok(AREA, "the journal is in memory: it spares the card, and is gone when the box starts again");
    } else if lasting.is_dir() {
        let bytes = size(&lasting);
        if bytes > LARGE_BYTES {
            let cure = "sudo journalctl --vacuum-size=200M, and a SystemMaxUse= in /etc/systemd/journald.conf.d";
            report.warn(AREA, format!("the journal takes {}", amount(bytes)), cure);
        } else {
            report.ok(AREA, format!("the journal lasts, and takes {}", amount(bytes)));
        }
    }
}

/// Of the journals of all machines that ever ran from this card.
fn size(folder: &Path) -> u64 {
    let machines = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = machines.flat_map(|machine| fs::read_dir(machine.path()).into_iter().flatten().flatten());
    files.filter_map(|file| file.metadata().ok()).map(|facts| facts.len()).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{FakeBox, assert_seen};
    use super::*;

    #[test]
    fn journals() {
        for (name, file, bytes, want) in [
            ("none", None, 0, None),
            ("in memory", Some("run/log/journal/a1/system.journal"), 1, Some("ok: log: the journal is in memory")),
            ("flushed", Some("run/log/journal/a1/system.journal"), 0, Some("ok: log: the journal lasts")),
            (
                "lasting",
                Some("var/log/journal/a1/system.journal"),
                3 << 20,
                Some("ok: log: the journal lasts, and takes 3 MiB"),
            ),
            (
                "large",
                Some("var/log/journal/a1/system.journal"),
                2 << 30,
                Some("warning: log: the journal takes 2048 MiB"),
            ),
        ] {
            let fake = FakeBox::new();
            if name != "none" {
                fake.write("var/log/journal/a1/README", "");
            }
            if let Some(file) = file {
                fake.write(file, "");
                fs::File::options().write(true).open(fake.folder.path().join(file)).unwrap().set_len(bytes).unwrap();
            }
            assert_seen(name, &fake.seen("2026-11-23T02:00:00Z", look), want.as_slice());
        }
    }
}
