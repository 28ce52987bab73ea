//! The package's parts against each other: what is packed, which units there are, who they run as, and when an
//! installation is refused.
//!
//! The recipe is `[package.metadata.deb]` of Cargo.toml, as cargo-deb reads it; how dpkg calls the scripts is Debian
//! policy, chapter 6. lintian and a real build see the rest (`.ci/run`).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use nightdesk::store::Store;
use tempfile::tempdir;

use super::shipped;

/// In `debian/`, and not a file of the package: what makes it.
const RECIPE: [&str; 7] = ["changelog", "copyright", "postinst", "postrm", "preinst", "prerm", "release"];

fn metadata() -> toml::Table {
    let manifest: toml::Table = shipped("Cargo.toml").parse().unwrap();
    manifest["package"]["metadata"]["deb"].as_table().unwrap().clone()
}

fn asset_sources() -> BTreeSet<String> {
    let metadata = metadata();
    let assets = metadata["assets"].as_array().unwrap().iter();
    assets.map(|asset| asset[0].as_str().unwrap().to_owned()).collect()
}

/// Every file below a folder of the project, by its path in it.
fn files(folder: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut found, mut folders) = (Vec::new(), vec![root.join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// The units: file names in `systemd/`.
fn units() -> Vec<String> {
    let files = files("systemd").into_iter();
    files
        .filter_map(|file| Some(file.strip_prefix("systemd/nightdesk")?.to_owned()))
        .map(|rest| format!("nightdesk{rest}"))
        .collect()
}

#[test]
fn what_is_there_is_packed_and_what_is_packed_is_there() {
    let (metadata, sources) = (metadata(), asset_sources());
    let named = metadata["systemd-units"].as_array().unwrap().iter();
    let by_name: Vec<&str> = named.map(|unit| unit["unit-name"].as_str().unwrap()).collect();
    for file in files("systemd").iter().chain(&files("debian")) {
        let name = file.rsplit('/').next().unwrap();
        let packed_as_unit =
            file.starts_with("systemd/") && by_name.contains(&name.rsplit_once('.').map_or("", |(stem, _)| stem));
        let is_recipe = file.strip_prefix("debian/").is_some_and(|name| RECIPE.contains(&name));
        let ways = usize::from(sources.contains(file)) + usize::from(packed_as_unit) + usize::from(is_recipe);
        assert_eq!(
            ways, 1,
            "{file}: in `assets`, or a unit of `systemd-units`, or a part of the recipe, and once only"
        );
    }
    for source in sources.iter().filter(|source| !source.starts_with("target/")) {
        assert!(
            Path::new(env!("CARGO_MANIFEST_DIR")).join(source).is_file(),
            "{source} is in `assets`, and nowhere else"
        );
    }
    for name in by_name {
        assert!(units().iter().any(|unit| unit.starts_with(&format!("{name}."))), "no unit is called {name}");
    }
}

#[test]
fn versions_agree() {
    let revision = metadata()["revision"].as_str().unwrap().to_owned();
    let (changelog, package) = (shipped("debian/changelog"), env!("CARGO_PKG_VERSION"));
    assert!(changelog.starts_with(&format!("nightdesk ({package}-{revision}) ")), "debian/changelog begins otherwise");
}

#[test]
fn units_that_are_named_exist() {
    let known = units();
    for page in ["README.md", "debian/man/nightdesk.8", "debian/postinst", "debian/prerm", "debian/nightdesk.toml"] {
        let text = shipped(page);
        for word in text.split(|c: char| !c.is_alphanumeric() && !"-@.*_".contains(c)) {
            let Some((stem, kind)) = word.rsplit_once('.') else { continue };
            if !stem.starts_with("nightdesk") || !["service", "path", "timer"].contains(&kind) {
                continue;
            }
            let template = stem.split_once('@').map_or(stem.to_owned(), |(name, _)| format!("{name}@"));
            assert!(known.contains(&format!("{template}.{kind}")), "{page} names {word}");
        }
    }
}

#[test]
fn every_account_of_a_unit_is_made() {
    let sysusers = shipped("debian/nightdesk.sysusers");
    let made: Vec<&str> =
        sysusers.lines().filter_map(|line| line.strip_prefix("u ")?.split_whitespace().next()).collect();
    for unit in units() {
        for line in shipped(&format!("systemd/{unit}")).lines() {
            if let Some(account) = line.strip_prefix("User=").or(line.strip_prefix("Group=")) {
                assert!(made.contains(&account), "{unit} runs as {account}");
            }
        }
    }
    assert!(sysusers.lines().any(|line| line == "m nightdesk dialout"), "the desk may not open a serial port");
}

#[test]
fn the_drivers_of_every_kind_of_usb_port_are_loaded_at_boot() {
    let (unit, modules) = (shipped("systemd/nightdesk.service"), shipped("debian/nightdesk.modules-load"));
    for (port, driver) in [("char-ttyUSB", "usbserial"), ("char-ttyACM", "cdc_acm")] {
        assert!(unit.contains(&format!("DeviceAllow={port} rw")), "{port}");
        assert!(modules.lines().any(|line| line == driver), "{port} needs {driver}");
    }
}

#[test]
fn maintainer_scripts_can_be_read_and_end_at_the_first_error() {
    for name in ["preinst", "postinst", "prerm", "postrm"] {
        let text = shipped(&format!("debian/{name}"));
        assert!(text.starts_with("#!/bin/sh\n") && text.contains("\nset -e\n"), "{name}");
        assert!(text.contains("\n#DEBHELPER#\n"), "{name} has no place for what cargo-deb adds");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("debian").join(name);
        assert!(Command::new("sh").arg("-n").arg(path).status().unwrap().success(), "{name}");
    }
}

#[test]
fn an_older_desk_is_not_put_in_front_of_a_newer_database() {
    let root = tempdir().unwrap();
    let data = root.path().join("var/lib/nightdesk");
    let ask = || {
        let preinst = Path::new(env!("CARGO_MANIFEST_DIR")).join("debian/preinst");
        let asked =
            Command::new("sh").arg(preinst).args(["upgrade", "9-1", "1-1"]).env("DPKG_ROOT", root.path()).output();
        let asked = asked.unwrap();
        (asked.status.code().unwrap(), String::from_utf8(asked.stderr).unwrap())
    };
    assert_eq!(ask(), (0, String::new()), "there is no database");
    // The file's own header tells it while the desk runs: preinst looks there and can't read the WAL.
    let store = Store::open(&data).unwrap();
    assert_eq!(
        ask(),
        (0, String::new()),
        "the database is this version's; has `knows` in debian/preinst the schema's number?"
    );
    let known = fs::read(store.path()).unwrap()[63];
    drop(store);
    assert!(shipped("debian/preinst").contains(&format!("\nknows={known}\n")), "debian/preinst: knows={known}");
    for (bytes, want) in [([0, 0, 0, known + 1], 1), ([1, 0, 0, 0], 1), ([0, 0, 0, 0], 0)] {
        let mut file = fs::read(data.join("nightdesk.db")).unwrap();
        file[60..64].copy_from_slice(&bytes);
        fs::write(data.join("nightdesk.db"), file).unwrap();
        let (code, said) = ask();
        assert_eq!(code, want, "{bytes:?}: {said}");
        assert_eq!(said.contains("Nothing was changed"), want == 1, "{said}");
    }
}
