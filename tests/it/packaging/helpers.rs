//! The scripts that root's oneshots run, `systemd/lib/`: when the operator is told, of what, and which commands are run.
//!
//! The folders they read belong to the desk in part, so each row is also what a desk in foreign hands may try. Each script
//! runs on a folder of its own, with a stand-in for `systemctl`. Needs root, because what isn't root's is not run.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::shipped;

/// Somebody who isn't root.
const NOBODY: u32 = 65_534;

/// How long the box has been up, in seconds.
const UPTIME: u64 = 100_000;

/// A box's `/etc` and `/run`, as far as the scripts know them.
struct Around {
    root: TempDir,
}

impl Around {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in [
            "etc/nightdesk/alert.d",
            "etc/nightdesk/modem-power",
            "run/nightdesk",
            "run/nightdesk-alert",
            "run/nightdesk-modem-power",
            "bin",
            "proc",
        ] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        fs::write(root.path().join("proc/uptime"), format!("{UPTIME}.25 7.00\n")).unwrap();
        Self { root }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn write(&self, path: &str, text: &str, mode: u32) {
        fs::write(self.at(path), text).unwrap();
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn systemd_says(&self, state: &str, restarts: u32, last_up_s: u64) {
        let script = format!(
            "#!/bin/sh\ncase $* in *ActiveState*) echo {state} ;; *NRestarts*) echo {restarts} ;; \
             *ActiveExit*) echo {last_up_s}000000 ;; esac\n"
        );
        self.write("bin/systemctl", &script, 0o755);
    }

    /// Runs a script; whether it went well, and what it said.
    fn run(&self, name: &str, args: &[&str]) -> (bool, String) {
        let root = self.root.path().display();
        let script = shipped(&format!("systemd/lib/{name}"));
        let here = ["/run/", "/etc/", "/proc/"]
            .iter()
            .fold(script, |script, folder| script.replace(folder, &format!("{root}{folder}")));
        let path = format!("{root}/bin:{}", std::env::var("PATH").unwrap());
        let ran = Command::new("sh").args(["-c", &here, name]).args(args).env("PATH", path).output().unwrap();
        (ran.status.success(), String::from_utf8([ran.stdout, ran.stderr].concat()).unwrap())
    }
}

/// As the desk does: another file each time.
fn ask(around: &Around, words: &str) {
    around.write("run/nightdesk/.new", words, 0o640);
    fs::rename(around.at("run/nightdesk/.new"), around.at("run/nightdesk/crash-loop")).unwrap();
}

#[test]
fn the_operator_is_told_of_each_request_once() {
    let around = Around::new();
    around.write("etc/nightdesk/alert.d/lamp", "#!/bin/sh\necho \"lamp: $1\"\n", 0o755);
    around.systemd_says("activating", 9, UPTIME);
    ask(&around, "it failed 5 times\nlook\u{1b}[2J\n");
    let (well, said) = around.run("alert", &[]);
    assert!(well && said.contains("<1>it failed 5 times look[2J \nlamp: it failed 5 times look"), "{said}");
    assert_eq!(around.run("alert", &[]), (true, String::new()), "sent again, by the next failure");
    ask(&around, "it failed 90 times");
    assert!(around.run("alert", &[]).1.contains("lamp: it failed 90 times"), "an hour later");
}

#[test]
fn no_name_that_the_desk_puts_there_is_followed() {
    let around = Around::new();
    around.systemd_says("activating", 0, UPTIME);
    around.write("etc/nightdesk/secret", "hunter2", 0o600);
    let request = around.at("run/nightdesk/crash-loop");
    symlink(around.at("etc/nightdesk/secret"), &request).unwrap();
    assert_eq!(around.run("alert", &[]), (true, String::new()), "a link");
    // One that was put there after it was looked at.
    around.write("bin/stat", "#!/bin/sh\necho 'regular file, 1 1'\n", 0o755);
    let (well, said) = around.run("alert", &[]);
    assert!(!well && !said.contains("hunter2"), "{said}");
    fs::remove_file(&request).unwrap();
    assert!(Command::new("mkfifo").arg(&request).status().unwrap().success());
    assert!(!around.run("alert", &[]).0, "a pipe is not waited for");
}

#[test]
fn a_desk_that_cannot_count_is_told_of_and_one_that_stands_again_is_not() {
    for (name, state, restarts, down_s, told_ago_s, want) in [
        ("it runs", "active", 40, 1, None, false),
        ("it was stopped", "inactive", 0, 100, None, false),
        ("it does not come up", "activating", 5, 60, None, true),
        ("the same, told", "activating", 500, 3000, Some(3600), false),
        ("the same, long ago", "activating", 2000, 9000, Some(4200), true),
        ("a crash, after many in a year", "activating", 40, 2, None, false),
        ("too early to tell", "activating", 4, 60, None, false),
        ("it is not started again", "failed", 0, 1, None, true),
    ] {
        let around = Around::new();
        around.systemd_says(state, restarts, UPTIME - down_s);
        if let Some(ago_s) = told_ago_s {
            around.write("run/nightdesk-alert/last", &(UPTIME - ago_s).to_string(), 0o644);
        }
        let (well, said) = around.run("alert", &[]);
        assert!(well, "{name}: {said}");
        assert_eq!(said.contains("does not start"), want, "{name}: {said}");
    }
}

#[test]
fn only_root_s_hooks_and_commands_are_run() {
    let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o775)).unwrap();
    let foreign = |path: &Path| chown(path, Some(NOBODY), None).unwrap();
    for (name, change, want) in [
        ("root's", None, true),
        ("others may write it", Some(&open as &dyn Fn(&Path)), false),
        ("another's", Some(&foreign), false),
    ] {
        let around = Around::new();
        around.write("etc/nightdesk/alert.d/lamp", "#!/bin/sh\necho switched\n", 0o755);
        around.write("etc/nightdesk/modem-power/modem0", "echo switched\n", 0o644);
        ask(&around, "look");
        let request = around.at("run/nightdesk/power-cycle-modem0");
        fs::create_dir(&request).unwrap(); // not the file that the desk would make
        for path in ["etc/nightdesk/alert.d/lamp", "etc/nightdesk/modem-power/modem0"] {
            if let Some(change) = change {
                change(&around.at(path));
            }
        }
        for (script, args) in [("alert", &[] as &[&str]), ("modem-power", &["modem0"])] {
            let (well, said) = around.run(script, args);
            assert_eq!((well, said.contains("switched")), (want, want), "{script}, {name}: {said}");
        }
        assert!(!request.exists(), "{name}: the path unit would start it again");
        if want {
            assert!(around.run("modem-power", &["modem0"]).1.contains("less than a minute ago"), "{name}");
        }
    }
    let (well, said) = Around::new().run("modem-power", &["modem0"]);
    assert!(!well && said.contains("is not run"), "nothing tells how: {said}");
}
