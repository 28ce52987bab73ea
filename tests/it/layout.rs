//! The architecture as a test: who may import whom, which crate has which owner, how large a file may get.
//!
//! The tables are the rules; whoever changes one changes the architecture and the map in `src/lib.rs` with it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::rust::{names_crate, rooms_named, tokens};

/// Which rooms a room may name, beside itself and [`ANYBODY_S`].
const MAY_NAME: [(&str, &[&str]); 16] = [
    ("model", &[]),
    ("failpoint", &[]),
    ("config", &["model"]),
    ("sanitize", &["model"]),
    ("wire", &["model"]),
    ("journal", &["model"]),
    ("service", &["model"]),
    ("route", &["model"]),
    ("store", &["model"]),
    ("intake", &["model", "sanitize", "store"]),
    ("classify", &["model", "wire"]),
    ("deliver", &["model", "wire"]),
    ("writeback", &["model", "wire"]),
    ("outbox", &["model", "store", "route"]),
    ("admin", &["store", "model"]),
    ("control", &["store", "model"]),
];

/// These put the others together.
const MAY_NAME_ALL: [&str; 5] = ["lib", "main", "app", "cli", "demo"];

/// Test places: every room may reach them, and they reach nobody.
const ANYBODY_S: &str = "failpoint";

/// Which crate only these places may name, beside the simulators in `src/demo`.
const OWNERS: [(&str, &[&str]); 9] = [
    ("hyper", &["intake", "admin"]),
    ("hyper_util", &["intake", "admin"]),
    ("tokio_rustls", &["intake"]),
    ("rusqlite", &["store"]),
    ("reqwest", &["wire"]),
    ("tokio_serial", &["deliver/modem"]),
    ("ammonia", &["sanitize"]),
    ("lettre", &["deliver/mail"]),
    ("idna", &["deliver/mail"]),
];

/// Vendors of CRMs, and the rooms that must not know any of them: what is written is decided without them.
const VENDORS: [&str; 3] = ["hubspot", "salesforce", "pipedrive"];
const KNOW_NO_VENDOR: [&str; 8] = ["model", "route", "store", "outbox", "control", "admin", "classify", "sanitize"];

/// A longer file is more than one idea.
const MAX_LINES: usize = 500;

struct Source {
    /// Below `src` or `tests`, without `.rs` and `/mod`: `store`, `deliver/modem/pdu`.
    place: String,
    path: PathBuf,
    text: String,
}

impl Source {
    fn room(&self) -> &str {
        self.place.split('/').next().unwrap()
    }

    /// How many modules deep its code lies.
    fn depth(&self) -> usize {
        if matches!(self.place.as_str(), "lib" | "main") { 0 } else { self.place.split('/').count() }
    }

    fn lies_in(&self, place: &str) -> bool {
        self.place == place || self.place.strip_prefix(place).is_some_and(|below| below.starts_with('/'))
    }
}

fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let (mut found, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let place = path.strip_prefix(&root).unwrap().with_extension("").to_str().unwrap().to_owned();
                let place = place.strip_suffix("/mod").unwrap_or(&place).to_owned();
                found.push(Source { place, text: fs::read_to_string(&path).unwrap(), path });
            }
        }
    }
    assert!(found.len() > 1, "no sources in {}", root.display());
    found
}

/// The rooms: what lies directly in `src`.
fn rooms() -> Vec<String> {
    let top = sources("src").into_iter().filter(|source| source.depth() == 1);
    let mut rooms: Vec<String> = top.map(|source| source.place).collect();
    rooms.sort();
    rooms
}

fn no_offences(rule: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{rule}:\n  {}", offences.join("\n  "));
}

#[test]
fn rooms_name_only_the_rooms_they_may() {
    let rooms = rooms();
    let mut offences = Vec::new();
    for source in sources("src") {
        let room = source.room();
        if MAY_NAME_ALL.contains(&room) {
            continue;
        }
        let Some((_, allowed)) = MAY_NAME.iter().find(|(name, _)| *name == room) else {
            offences.push(format!("{room} is in no table: say what it may name"));
            continue;
        };
        for named in rooms_named(&tokens(&source.text), source.depth()) {
            if !rooms.contains(&named) {
                offences.push(format!("{} names {named}, which is no room", source.path.display()));
            } else if named != room && named != ANYBODY_S && !allowed.contains(&named.as_str()) {
                offences.push(format!("{} names {named}", source.path.display()));
            }
        }
    }
    no_offences("a room reaches where it must not (see MAY_NAME)", &offences);
}

#[test]
fn every_crate_with_an_owner_stays_with_it() {
    let mut offences = Vec::new();
    for source in sources("src").iter().filter(|source| source.room() != "demo") {
        let tokens = tokens(&source.text);
        for (name, owners) in OWNERS {
            if names_crate(&tokens, name) && !owners.iter().any(|owner| source.lies_in(owner)) {
                offences.push(format!("{} names {name}", source.path.display()));
            }
        }
    }
    no_offences("a crate is used outside of its owner (see OWNERS)", &offences);
}

#[test]
fn what_is_decided_knows_no_vendor() {
    let mut offences = Vec::new();
    for source in sources("src").iter().filter(|source| KNOW_NO_VENDOR.contains(&source.room())) {
        let code = source.text.split("#[cfg(test)]").next().unwrap_or_default();
        let is_test =
            source.lies_in("outbox/tests") || source.place.ends_with("tests") || source.place.contains("/tests/");
        for line in code.lines().filter(|line| !is_test && !line.trim_start().starts_with("//")) {
            let line = line.to_lowercase();
            offences.extend(
                VENDORS.iter().filter(|name| line.contains(**name)).map(|_| format!("{}: {line}", source.place)),
            );
        }
    }
    no_offences("these rooms know no vendor of CRMs", &offences);
}

#[test]
fn every_file_says_what_it_is_for() {
    let mut offences = Vec::new();
    for source in sources("src").iter().chain(&sources("tests")) {
        if !source.text.starts_with("//!") {
            offences.push(source.path.display().to_string());
        }
    }
    no_offences("a file does not begin with what it is for", &offences);
}

#[test]
fn no_file_is_too_long_to_be_read() {
    let mut offences = Vec::new();
    for source in sources("src").iter().chain(&sources("tests")) {
        let lines = source.text.lines().count();
        if lines > MAX_LINES {
            offences.push(format!("{} has {lines} lines", source.path.display()));
        }
    }
    no_offences("a file holds more than one idea", &offences);
}

#[test]
fn the_tables_speak_of_rooms_that_exist() {
    let rooms = rooms();
    let tables = MAY_NAME.iter().map(|(room, _)| *room).chain(MAY_NAME_ALL);
    let gone: Vec<&str> =
        tables.filter(|room| !rooms.iter().any(|r| r == room) && !matches!(*room, "lib" | "main")).collect();
    assert!(gone.is_empty(), "no such rooms: {gone:?}");
}

#[test]
fn the_map_shows_every_room() {
    let lib = sources("src").into_iter().find(|source| source.place == "lib").unwrap();
    let header: Vec<&str> = lib.text.lines().take_while(|line| line.starts_with("//!")).collect();
    let shown = |room: &String| {
        header.iter().any(|line| line.contains(&format!("`{room}`")) || line.contains(&format!("src/{room}")))
    };
    let missing: Vec<String> = rooms().into_iter().filter(|room| !shown(room)).collect();
    assert!(missing.is_empty(), "the header of src/lib.rs does not show {missing:?}");
}
