//! A full disk, made of a small tmpfs under the data folder: new leads are asked to come again, what was accepted goes
//! on, and everything recovers by itself. Mounting needs root; without it these tests fail, they are not skipped.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use nightdesk::demo::sim::{Match, Moment};
use nightdesk::store::Reader;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Office, Post, exchange};

const MIB: u64 = 1024 * 1024;
const CONFIG: &str = "[storage]\nlow-water-mark = \"3MiB\"\nballast = \"3MiB\"";

/// A disk of 16 MiB.
struct Disk(TempDir);

impl Disk {
    fn mount() -> Self {
        let folder = tempfile::Builder::new().prefix("nd-disk").tempdir().unwrap();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=16m,mode=0750", "nightdesk-test"]).arg(folder.path());
        let mounted = command.output().unwrap();
        assert!(mounted.status.success(), "run as root: {}", String::from_utf8_lossy(&mounted.stderr));
        Self(folder)
    }

    fn free(&self) -> u64 {
        let stat = rustix::fs::statvfs(self.0.path()).unwrap();
        stat.f_bavail * stat.f_frsize
    }

    /// Somebody else's file takes all but this much.
    fn fill(&self, leave: u64) {
        let mut filler = File::options().create(true).append(true).open(self.0.path().join("filler")).unwrap();
        let page = [0; 4096];
        while self.free() > leave && filler.write_all(&page).is_ok() {}
    }

    /// Somebody tidies up.
    fn tidy(&self) {
        fs::remove_file(self.0.path().join("filler")).unwrap();
    }

    fn has_ballast(&self) -> bool {
        self.0.path().join("ballast").exists()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a desk that a failed test left behind must not keep it.
        drop(Command::new("umount").arg("--lazy").arg(self.0.path()).status());
    }
}

/// An office whose data folder is that disk. It must go before the disk does.
async fn office_on(disk: &Path) -> Office {
    let mut office = Office::new(CONFIG).await;
    symlink(disk, office.path().join("data")).unwrap();
    office.start().await;
    for contact in ["501", "502", "503"] {
        office.hubspot.set_contact(contact, &[]);
    }
    office
}

fn lead(contact: &str) -> Post {
    let message = format!("We need 50 units by tomorrow, budget is 20k. Order {contact}");
    Post::website(&json!({ "message": message, "email": "a@example.com", "contact": contact }))
}

fn warned(reader: &Reader) -> bool {
    reader.alerts().unwrap().iter().any(|alert| alert.key == "disk:low")
}

async fn refused(office: &Office) {
    let (status, head, body) = exchange(office.intake.unwrap(), &lead("502").bytes()).await.unwrap();
    assert_eq!(status, 503, "{}", String::from_utf8_lossy(&body));
    assert!(head.to_lowercase().contains("retry-after: "), "{head}");
}

/// Below the low-water mark no lead is taken, and the ballast keeps room for the outcomes of those that were.
#[tokio::test]
async fn a_nearly_full_disk_takes_no_lead_and_loses_none() {
    let disk = Disk::mount();
    let office = office_on(disk.0.path()).await;
    office.until("the ballast", |_| disk.has_ballast().then_some(())).await;
    let mut asked = office.llm.hold(Moment::Arrived, Match::any());
    assert_eq!(office.post(&lead("501")).await.0, 202);
    asked.reached().await.expect("the model is asked");

    disk.fill(2 * MIB);
    office.until("the alert", |reader| warned(reader).then_some(())).await;
    assert!(!disk.has_ballast() && disk.free() > 4 * MIB, "{} bytes are free", disk.free());
    refused(&office).await;
    asked.release();
    office.until_settled(1).await;
    assert_eq!((office.modem.sent().len(), office.hubspot.notes_of("501").len()), (1, 1));
    assert_eq!(office.column("SELECT label FROM leads"), ["URGENT_BUYER"]);
    refused(&office).await;
    let cure = office.column("SELECT cure <> '' FROM alerts WHERE key = 'disk:low' AND cleared_at IS NULL");
    assert_eq!(cure, ["1"]);

    disk.tidy();
    office.until("the all-clear", |reader| (!warned(reader)).then_some(())).await;
    assert!(disk.has_ballast());
    assert_eq!(office.post(&lead("502")).await.0, 202);
    office.until_settled(2).await;
    assert_eq!(office.modem.sent().len(), 2);
    assert_eq!(office.violations(), Vec::<String>::new());
}

/// Not a byte is left, the ballast's room included: what has happened waits in memory until it can be written, and
/// happens once.
#[tokio::test]
async fn outcomes_wait_while_not_a_byte_can_be_written() {
    let disk = Disk::mount();
    let mut office = office_on(disk.0.path()).await;
    office.until("the ballast", |_| disk.has_ballast().then_some(())).await;
    let mut asked = office.llm.hold(Moment::Arrived, Match::any());
    assert_eq!(office.post(&lead("501")).await.0, 202);
    asked.reached().await.expect("the model is asked");

    disk.fill(2 * MIB);
    office.until("the alert", |reader| warned(reader).then_some(())).await;
    disk.fill(0);
    asked.release();
    office.until_logged("the database can't be written; trying again").await;
    refused(&office).await;
    assert_eq!(office.column("SELECT count(*) FROM leads WHERE label IS NULL"), ["1"]);
    assert_eq!(office.modem.sent().len(), 0, "nothing is begun that can't be written down");

    disk.tidy();
    office.until_settled(1).await;
    office.until("the all-clear", |reader| (!warned(reader)).then_some(())).await;
    assert_eq!(office.llm.requests().len(), 1, "the answer was kept, not asked for again");
    assert_eq!((office.modem.sent().len(), office.hubspot.notes_of("501").len()), (1, 1));
    assert_eq!(office.post(&lead("502")).await.0, 202);
    office.until_settled(2).await;
    assert_eq!(office.column("PRAGMA integrity_check"), ["ok"]);
    assert_eq!(office.violations(), Vec::<String>::new());

    // The next start finds a sound file, too.
    assert!(office.terminate().await.success());
    office.start().await;
    assert_eq!(office.post(&lead("503")).await.0, 202);
    office.until_settled(3).await;
}
