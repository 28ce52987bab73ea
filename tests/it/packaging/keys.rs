//! `debian/man/nightdesk.toml.5` against `src/config/raw.rs`: the page has every key the program knows, and no other. And
//! that the pages written by hand say what stands in them.
//!
//! The keys are read from the source, where the macro `tables!` lists them, because the types are private to `config`. The
//! page is written by hand in mdoc(7): a heading `.Ss` for each table, an item `.It Ic` for each key.

use std::collections::{BTreeMap, BTreeSet};

use nightdesk::config::Config;

use super::shipped;

/// The tables of `raw.rs`: each one's keys with their types.
fn tables() -> BTreeMap<String, Vec<(String, String)>> {
    let source = shipped("src/config/raw.rs");
    let body = source.split("\ntables! {\n").nth(1).unwrap().split("\n}\n").next().unwrap();
    let (mut tables, mut open) = (BTreeMap::new(), String::new());
    for line in body.lines().map(str::trim) {
        if let Some(name) = line.strip_suffix(" {") {
            name.clone_into(&mut open);
            tables.insert(open.clone(), Vec::new());
        } else if let Some((key, kind)) = line.split_once(": ") {
            let key = key.trim_start_matches("r#").replace('_', "-");
            tables.get_mut(&open).unwrap().push((key, kind.trim_end_matches(',').to_owned()));
        }
    }
    tables
}

/// Every key by the heading it belongs under; `sources.NAME` holds what a `BTreeMap` holds.
fn known(tables: &BTreeMap<String, Vec<(String, String)>>, table: &str, path: &str, keys: &mut BTreeSet<String>) {
    for (key, kind) in &tables[table] {
        let here = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let inner = kind.trim_start_matches("BTreeMap<String, ").trim_start_matches("Vec<").trim_end_matches('>');
        if !path.is_empty() || !tables.contains_key(inner) {
            keys.insert(format!("[{path}] {key}"));
        }
        if tables.contains_key(inner) {
            let below = if kind.starts_with("BTreeMap") { format!("{here}.NAME") } else { here };
            known(tables, inner, &below, keys);
        }
    }
}

/// What the page lists: under each `.Ss`, the items that begin with `Ic`.
fn listed(page: &str) -> BTreeSet<String> {
    let (mut keys, mut heading) = (BTreeSet::new(), "");
    for line in page.lines() {
        if let Some(next) = line.strip_prefix(".Ss ") {
            heading = next;
        } else if let Some(item) = line.strip_prefix(".It Ic ") {
            keys.insert(format!("[{heading}] {}", item.split(' ').next().unwrap()));
        }
    }
    keys
}

#[test]
fn the_page_has_every_key_and_no_other() {
    let (tables, mut keys) = (tables(), BTreeSet::new());
    known(&tables, "Raw", "", &mut keys);
    let listed = listed(&shipped("debian/man/nightdesk.toml.5"));
    let missing: Vec<_> = keys.difference(&listed).collect();
    let unknown: Vec<_> = listed.difference(&keys).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing: {missing:?}, not in the program: {unknown:?}");
    assert!(keys.len() > 100, "{keys:?}");
}

#[test]
fn the_example_of_the_page_can_be_used() {
    let page = shipped("debian/man/nightdesk.toml.5");
    let example = page.split(".Bd -literal -offset indent\n").nth(1).unwrap().split("\n.Ed").next().unwrap();
    let config = Config::parse(example).map_err(|problems| problems.to_string()).unwrap();
    assert_eq!(config.oncall.unwrap().people[0].name, "Dana");
}

#[test]
fn no_word_of_a_heading_is_taken_for_a_macro() {
    for page in ["debian/man/nightdesk.8", "debian/man/nightdesk.toml.5"] {
        for line in
            shipped(page).lines().filter(|line| [".It ", ".Sh ", ".Ss "].iter().any(|item| line.starts_with(item)))
        {
            // English words that mdoc(7) would swallow; \\& before them makes them words.
            let swallowed = line.split(' ').find(|word| ["An", "At", "Do", "In", "No", "So"].contains(word));
            assert_eq!(swallowed, None, "{page}: {line}");
        }
    }
}
