//! The data folder: whose it is, on what it lies, how much room there is.
//!
//! SQLite's promises are those of the file system below it (`sqlite.org/howtocorrupt.html`). Rule: proc(5),
//! `/proc/PID/mountinfo`.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::statvfs;

use super::super::table::amount;
use super::{Around, Report};

const AREA: &str = "data folder";

/// What a folder lies on.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    point: PathBuf,
    kind: String,
    device: String,
    read_only: bool,
}

pub(super) fn look(around: &Around<'_>, report: &mut Report) {
    let data = &around.config.storage.data_dir;
    let folder = match data.canonicalize() {
        Ok(folder) => folder,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            report.warn(AREA, format!("{} isn't there yet", data.display()), "it is made when the desk starts");
            return;
        }
        Err(error) => {
            report.warn(AREA, format!("{} can't be looked at: {error}", data.display()), "sudo nightdesk doctor");
            return;
        }
    };
    ownership(around, &folder, report);
    room(around, &folder, report);
    let mounts = fs::read_to_string(around.roots.proc.join("self/mountinfo")).unwrap_or_default();
    if let Some(mount) = Mount::under(&folder, &mounts) {
        mount.judge(report);
    }
}

fn ownership(around: &Around<'_>, folder: &Path, report: &mut Report) {
    let (Some(user), Ok(facts)) = (&around.user, fs::metadata(folder)) else { return };
    let at = folder.display();
    if facts.uid() != user.uid {
        let cure = format!("sudo chown -R nightdesk:nightdesk {at}");
        report.problem(AREA, format!("{at} doesn't belong to the service user nightdesk"), cure);
    }
    if facts.mode() & 0o007 != 0 {
        report.warn(AREA, format!("everybody on this box may look into {at}"), format!("sudo chmod 0750 {at}"));
    }
}

fn room(around: &Around<'_>, folder: &Path, report: &mut Report) {
    let Ok(disk) = statvfs(folder) else { return };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let mark = around.config.storage.low_water_mark_bytes;
    let cure = "make room (sudo apt-get clean, old backups), or move the data folder to a larger disk";
    if free < mark || (disk.f_files > 0 && disk.f_favail == 0) {
        report.problem(AREA, format!("{} free: leads are refused below {}", amount(free), amount(mark)), cure);
    } else if free < mark.saturating_mul(2) {
        report.warn(AREA, format!("only {} free: leads are refused below {}", amount(free), amount(mark)), cure);
    } else {
        report.ok(AREA, format!("{} free", amount(free)));
    }
}

impl Mount {
    /// The last mount on the longest way to `folder`.
    fn under(folder: &Path, mounts: &str) -> Option<Self> {
        let all = mounts.lines().filter_map(Self::of);
        all.filter(|mount| folder.starts_with(&mount.point)).max_by_key(|mount| mount.point.components().count())
    }

    fn of(line: &str) -> Option<Self> {
        let (place, thing) = line.split_once(" - ")?;
        let (mut place, mut thing) = (place.split(' ').skip(4), thing.split(' '));
        // A space in a name is written so.
        let point = PathBuf::from(place.next()?.replace("\\040", " "));
        let is_read_only = |options: Option<&str>| options.is_some_and(|all| all.split(',').any(|one| one == "ro"));
        let read_only = is_read_only(place.next());
        let (kind, device) = (thing.next()?.to_owned(), thing.next()?.to_owned());
        Some(Self { point, kind, device, read_only: read_only || is_read_only(thing.next()) })
    }

    fn judge(&self, report: &mut Report) {
        let at = format!("{} ({} on {})", self.point.display(), self.kind, self.device);
        if self.read_only {
            let cure = "is the root read-only on purpose? Then give /var/lib/nightdesk a disk of its own; else look into dmesg";
            report.problem(AREA, format!("it lies on {at}, which is read-only"), cure);
        }
        let doubt = match self.kind.as_str() {
            "tmpfs" | "ramfs" | "overlay" => "what is written there is gone after a restart of the box",
            "vfat" | "exfat" | "ntfs" | "ntfs3" | "fuseblk" => "it knows no owners, and a power cut may damage it",
            "nfs" | "nfs4" | "cifs" | "smb3" => "a database on a network drive can be damaged",
            _ => {
                report.ok(AREA, format!("it lies on {at}"));
                return;
            }
        };
        report.warn(AREA, format!("it lies on {at}: {doubt}"), "ext4 on a card, or better on a USB disk");
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown};

    use super::super::tests::{FakeBox, assert_seen};
    use super::*;

    const ROOT: &str = "25 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw";

    #[test]
    fn mounts_are_read_as_the_kernel_writes_them() {
        let usb = "40 25 8:1 / /mnt/usb\\040disk rw shared:2 - ext4 /dev/sda1 rw";
        let over = "41 25 0:40 / /mnt/usb\\040disk rw - tmpfs tmpfs rw,size=1k";
        for (name, folder, mounts, want) in [
            ("the root", "/var/lib/nightdesk", vec![ROOT, usb], Some(("/", "ext4", false))),
            ("a disk", "/mnt/usb disk/x", vec![ROOT, usb], Some(("/mnt/usb disk", "ext4", false))),
            ("one over another", "/mnt/usb disk/x", vec![ROOT, usb, over], Some(("/mnt/usb disk", "tmpfs", false))),
            ("alike", "/mnt/usb diskette", vec![ROOT, usb], Some(("/", "ext4", false))),
            ("read-only mount", "/x", vec!["25 1 1:1 / / ro,noatime - ext4 /dev/root rw"], Some(("/", "ext4", true))),
            (
                "read-only disk",
                "/x",
                vec!["25 1 1:1 / / rw - ext4 /dev/root ro,errors=continue"],
                Some(("/", "ext4", true)),
            ),
            ("nothing", "/x", vec!["what", ""], None),
        ] {
            let found = Mount::under(Path::new(folder), &mounts.join("\n"));
            let found =
                found.as_ref().map(|mount| (mount.point.to_str().unwrap(), mount.kind.as_str(), mount.read_only));
            assert_eq!(found, want, "{name}");
        }
    }

    #[test]
    fn folders() {
        let ours = (990, 0o750, ROOT, 1);
        for (name, (uid, mode, mount, mark), want) in [
            ("as it should be", ours, &["ok: data folder: ", "ok: data folder: it lies on / (ext4"] as &[&str]),
            ("of root", (0, 0o750, ROOT, 1), &["doesn't belong to the service user", " free", "it lies on"]),
            ("open to all", (990, 0o755, ROOT, 1), &["everybody on this box", " free", "it lies on"]),
            ("full", (990, 0o750, ROOT, u64::MAX), &["problem: data folder: ", "it lies on"]),
            (
                "in memory",
                (990, 0o750, "1 1 0:1 / / rw - tmpfs tmpfs rw", 1),
                &[" free", "warning: data folder: it lies on"],
            ),
            ("a stick", (990, 0o750, "1 1 0:1 / / rw - vfat /dev/sda1 rw", 1), &[" free", "knows no owners"]),
            (
                "read-only",
                (990, 0o750, "1 1 0:1 / / ro - ext4 /dev/sda1 rw", 1),
                &[" free", "which is read-only", "it lies on"],
            ),
        ] {
            let mut fake = FakeBox::new();
            fake.write("etc/passwd", "nightdesk:x:990:980:::\n");
            fake.write("proc/self/mountinfo", mount);
            fake.write("data/nightdesk.db", "");
            let data = fake.folder.path().join("data");
            chown(&data, Some(uid), None).unwrap();
            fs::set_permissions(&data, fs::Permissions::from_mode(mode)).unwrap();
            fake.config.storage.data_dir = data;
            fake.config.storage.low_water_mark_bytes = mark;
            assert_seen(name, &fake.seen("2026-11-23T02:00:00Z", look), want);
        }
        let mut fake = FakeBox::new();
        fake.config.storage.data_dir = "/nowhere/at/all".into();
        assert_seen(
            "new",
            &fake.seen("2026-11-23T02:00:00Z", look),
            &["warning: data folder: /nowhere/at/all isn't there yet"],
        );
    }
}
