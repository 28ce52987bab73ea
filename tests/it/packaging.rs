//! What is shipped beside the binary: units, pages, licences, the recipe for cross-compiling, and how they are packed.
//!
//! `.ci/run` builds the package and puts it before lintian and `systemd-analyze`; these tests hold what those don't know.

mod deb;
mod helpers;
mod keys;
mod pages;
mod third_party;
mod udev;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use nightdesk::config::Config;

fn shipped(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// A file in `debian/` that is made from something else.
fn golden(name: &str, got: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("debian").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, got).unwrap();
    }
    let want = fs::read_to_string(&path).unwrap_or_default();
    assert!(got == want, "debian/{name} is not as it would be made; if that is meant, run with UPDATE_GOLDEN=1");
}

/// Each directive of the unit with its values, in order; an assignment that is made twice has two.
fn unit() -> BTreeMap<String, Vec<String>> {
    let mut directives: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in shipped("systemd/nightdesk.service").lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') || line.starts_with('[') {
            continue;
        }
        let (name, value) = line.split_once('=').unwrap();
        directives.entry(name.to_owned()).or_default().push(value.to_owned());
    }
    directives
}

#[test]
fn the_unit_runs_the_desk_and_never_gives_up() {
    let unit = unit();
    for (name, want) in [
        ("Type", "notify"),
        ("NotifyAccess", "exec"),
        ("ExecStart", "/usr/bin/nightdesk run"),
        ("ExecReload", "/bin/kill -HUP $MAINPID"),
        ("Restart", "always"),
        ("StartLimitIntervalSec", "0"),
        ("OnFailure", "nightdesk-alert.service"),
        ("RuntimeDirectoryPreserve", "restart"),
        ("WatchdogSec", "120s"),
        ("User", "nightdesk"),
        ("Group", "nightdesk"),
        ("SupplementaryGroups", "dialout"),
        ("StateDirectory", "nightdesk"),
        ("StateDirectoryMode", "0750"),
        ("RuntimeDirectory", "nightdesk"),
        ("LoadCredential", "nightdesk:/etc/nightdesk/credentials"),
        ("LoadCredentialEncrypted", "nightdesk-sealed:/etc/nightdesk/credentials.sealed"),
        ("WantedBy", "multi-user.target"),
    ] {
        assert_eq!(unit.get(name).map(Vec::as_slice), Some([want.to_owned()].as_slice()), "{name}=");
    }
    assert_eq!(unit["ExecStartPre"], ["-/usr/bin/nightdesk backoff", "/usr/bin/nightdesk check --static"]);
    let seconds = unit["TimeoutStopSec"][0].strip_suffix('s').unwrap().parse().unwrap();
    let drain = Config::parse(&shipped("debian/nightdesk.toml")).unwrap().server.drain_grace;
    assert!(Duration::from_secs(seconds) > drain, "systemd would kill a daemon that still drains");
}

#[test]
fn the_unit_waits_neither_for_the_network_nor_for_the_clock() {
    let unit = unit();
    for name in ["After", "Wants", "Requires", "BindsTo"] {
        let targets = unit.get(name).map(|values| values.join(" ")).unwrap_or_default();
        assert!(!targets.contains("network") && !targets.contains("time-sync"), "{name}={targets}");
    }
}

#[test]
fn the_sandbox_leaves_serial_ports_and_no_other_device() {
    let unit = unit();
    let ports: Vec<&str> = unit["DeviceAllow"].iter().map(String::as_str).collect();
    assert_eq!(ports, ["char-ttyUSB rw", "char-ttyACM rw", "char-ttyAMA rw", "char-ttyS rw"]);
    assert_eq!(unit["DevicePolicy"], ["closed"]);
    assert!(!unit.contains_key("PrivateDevices"), "it would hide the modem");
}

#[test]
fn cross_knows_the_target_and_its_image() {
    let recipe: toml::Table = shipped("Cross.toml").parse().unwrap();
    let targets: Vec<&String> = recipe["target"].as_table().unwrap().keys().collect();
    assert_eq!(targets, ["aarch64-unknown-linux-gnu"]);
    let image = recipe["target"]["aarch64-unknown-linux-gnu"]["image"].as_str().unwrap();
    let (name, tag) = image.rsplit_once(':').unwrap();
    assert!(name.ends_with("/cross-rs/aarch64-unknown-linux-gnu"), "{image}");
    assert!(tag.split('.').count() == 3 && tag.split('.').all(|part| part.parse::<u32>().is_ok()), "{image}");
}
