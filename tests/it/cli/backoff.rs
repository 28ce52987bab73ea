//! Starts that fail: `nightdesk backoff` counts them and waits, a desk tells of them and forgets them.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::daemon::Running;
use super::scene::Scene;
use super::{Said, nightdesk};

fn backoff(folder: &Path) -> Command {
    let mut command = nightdesk(&["--config", "/nowhere/nightdesk.toml", "backoff"]);
    command.env("RUNTIME_DIRECTORY", folder);
    command
}

fn counted(folder: &Path) -> Option<String> {
    fs::read_to_string(folder.join("starts")).ok().map(|text| text.trim().to_owned())
}

#[test]
fn the_first_failures_cost_no_time_and_the_fifth_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for nth in 1..=3 {
        let from = Instant::now();
        let got = Said::of(backoff(folder.path()).output().unwrap());
        assert_eq!((got.code, got.out.as_str(), got.err.as_str()), (0, "", ""), "{nth}");
        assert!(from.elapsed() < Duration::from_secs(4), "{nth}");
        assert_eq!(counted(folder.path()).as_deref(), Some(nth.to_string().as_str()));
    }
    assert!(!folder.path().join("crash-loop").exists());
}

#[test]
fn a_wait_is_told_and_ends_when_somebody_asks_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("starts"), "5\n").unwrap();
    let notices = folder.path().join("notify");
    let manager = UnixDatagram::bind(&notices).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut command = backoff(folder.path());
    let waiting = command.env("NOTIFY_SOCKET", &notices).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = [0; 512];
    let length = manager.recv(&mut said).expect("it says for what it waits");
    let said = String::from_utf8(said[..length].to_vec()).unwrap();
    assert!(said.starts_with("STATUS=5 starts in a row failed: waits 20 s"), "{said}");
    assert_eq!(counted(folder.path()).as_deref(), Some("6"), "a crash while it waits counts too");
    let words = fs::read_to_string(folder.path().join("crash-loop")).unwrap();
    assert!(words.contains("5 times in a row"), "{words}");

    kill_process(Pid::from_child(&waiting), Signal::TERM).unwrap();
    let got = Said::of(waiting.wait_with_output().unwrap());
    assert_eq!(got.code, 0, "{got:?}");
    assert!(got.err.contains("this one waits"), "{got:?}");
    assert_eq!(counted(folder.path()), None, "a person is at work: the next start won't wait");
}

#[test]
fn a_count_that_cannot_be_kept_keeps_nobody_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".starts.new")).unwrap();
    let got = Said::of(backoff(folder.path()).output().unwrap());
    assert_eq!(got.code, 0, "{got:?}");
    assert!(got.err.contains("can't be counted"), "{got:?}");
    let got = Said::of(backoff(Path::new("/nowhere/at/all")).output().unwrap());
    assert_eq!((got.code, got.err.as_str()), (0, ""), "without systemd it is silent");
}

#[test]
fn a_desk_tells_of_failed_starts_and_forgets_them_when_it_is_stopped() {
    let scene = Scene::new("");
    fs::write(scene.folder.path().join("starts"), "4\n").unwrap();
    let desk = Running::on(&scene);
    let status = scene.say(&["status"]);
    assert!(status.out.contains("failed to start, or crashed, 3 times in a row"), "{status:?}");
    assert_eq!(desk.stop().code, 0);
    assert_eq!(counted(scene.folder.path()), None);
    fs::remove_file(scene.folder.path().join("notify")).unwrap();

    let desk = Running::on(&scene);
    assert!(scene.say(&["status"]).out.contains("No alerts."), "an earlier start's alert is over");
    assert_eq!(desk.stop().code, 0);
}
