//! `debian/third-party.txt`: which crates are linked into the program, by which licence, with the licences' texts.
//!
//! Made from what cargo resolves (`cargo metadata`) and from the files that each crate ships; a crate that is new in
//! Cargo.lock makes the golden file differ. Written anew with `UPDATE_GOLDEN=1 cargo test --test it packaging`.
//! Macros and build scripts run on the builder only and are not listed.
//!
//! Texts that differ in nothing but white space, case or the names above them are printed once. Licences are read by
//! the SPDX expressions of the manifests (`spdx.org/licenses`).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::golden;

const ABOUT: &str = "\
The program nightdesk contains the crates below, unmodified. The source of each is the crate of that name and version in
the public registry of the Rust community. Where a licence leaves a choice, the most permissive one is taken (so never
the GPL). libsqlite3-sys brings SQLite, which is in the public domain; ring brings parts of BoringSSL.
The number of each text is in brackets.
";

/// Ships no text of its licence, but another crate under the same one does, by the same author or naming none.
const WITHOUT_TEXT: [(&str, &str); 3] =
    [("alloc-stdlib", "alloc-no-stdlib"), ("rlibphonenumber", "prost"), ("zeroes_itoa", "fast-cat")];

/// Stands above a licence, or doesn't, and says nothing that its text doesn't.
const TITLES: [&str; 5] =
    ["mit license", "the mit license", "the mit license (mit)", "isc license", "isc license (isc)"];

/// A crate in the program.
struct Linked {
    name: String,
    version: String,
    licence: String,
    /// Who holds the rights, as the crate says it.
    holders: BTreeSet<String>,
    texts: Vec<String>,
}

/// Every crate that a program for this target is linked from.
fn linked(target: &str) -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let asked = Command::new(cargo)
        .args(["metadata", "--locked", "--format-version", "1", "--filter-platform", target])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    let metadata: Value = serde_json::from_slice(&asked.stdout).unwrap();
    let by_id = |list: &Value| -> HashMap<String, Value> {
        let list = list.as_array().unwrap().iter();
        list.map(|item| (item["id"].as_str().unwrap().to_owned(), item.clone())).collect()
    };
    let (packages, nodes) = (by_id(&metadata["packages"]), by_id(&metadata["resolve"]["nodes"]));
    let root = metadata["resolve"]["root"].as_str().unwrap().to_owned();
    let (mut seen, mut next) = (BTreeSet::from([root.clone()]), vec![root.clone()]);
    while let Some(id) = next.pop() {
        for dependency in nodes[&id]["deps"].as_array().unwrap() {
            let child = dependency["pkg"].as_str().unwrap();
            let links = dependency["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null());
            if links && !is_macro(&packages[child]) && seen.insert(child.to_owned()) {
                next.push(child.to_owned());
            }
        }
    }
    seen.into_iter().filter(|id| *id != root).map(|id| packages[&id].clone()).collect()
}

fn is_macro(package: &Value) -> bool {
    let targets = package["targets"].as_array().unwrap().iter();
    targets.flat_map(|target| target["kind"].as_array().unwrap()).any(|kind| kind == "proc-macro")
}

impl Linked {
    fn of(package: &Value) -> Self {
        let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
        let licence = text("license").replace('/', " OR ").replace("  ", " ");
        assert!(!licence.is_empty(), "{} names no licence", package["name"]);
        let mut linked =
            Self { name: text("name"), version: text("version"), licence, holders: BTreeSet::new(), texts: vec![] };
        for file in files(Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap()) {
            let (holders, body) = parted(&file);
            linked.holders.extend(holders);
            linked.texts.push(body);
        }
        linked
    }
}

/// The licences that lie in a crate, but for the GPL, which is never the one that is taken.
fn files(folder: &Path) -> Vec<String> {
    let is_licence = |name: &str| {
        let name = name.to_lowercase();
        let word = ["license", "licence", "copying", "copyright", "notice", "unlicense"];
        word.iter().any(|word| name.starts_with(word)) && !name.contains("gpl")
    };
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_file() && is_licence(path.file_name().unwrap().to_str().unwrap()));
    paths.sort();
    paths.iter().map(|path| String::from_utf8_lossy(&fs::read(path).unwrap()).replace('\r', "")).collect()
}

/// Who is named above a licence, and the licence. Apache's how-to behind its terms is no part of them.
fn parted(text: &str) -> (Vec<String>, String) {
    let is_holder = |line: &str| {
        let line = line.to_lowercase();
        let rest = line.strip_prefix("copyright").map(str::trim_start).unwrap_or_default();
        rest.starts_with(|c: char| "(©[".contains(c) || c.is_ascii_digit()) || rest.starts_with("the ")
    };
    let is_title = |line: &str| TITLES.contains(&line.to_lowercase().trim_end_matches(':'));
    let (mut holders, mut rest) = (Vec::new(), text.trim());
    while let Some(line) = rest.lines().next().map(str::trim) {
        if is_holder(line) {
            holders.push(line.split_whitespace().collect::<Vec<_>>().join(" "));
        } else if !line.is_empty() && !is_title(line) {
            break;
        }
        rest = rest.split_once('\n').map_or("", |(_, after)| after);
    }
    let rest = rest.split("END OF TERMS AND CONDITIONS").next().unwrap();
    (holders, rest.trim_end().trim_start_matches('\n').to_owned())
}

/// What makes two texts the same.
fn key(text: &str) -> String {
    text.to_lowercase().replace("http:", "https:").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn page(crates: &BTreeMap<(String, String), Linked>) -> String {
    let (mut numbers, mut texts) = (HashMap::new(), Vec::new());
    let mut page = format!("{ABOUT}\n");
    for linked in crates.values() {
        let mut own = BTreeSet::new();
        for text in linked.texts.iter().filter(|text| !text.is_empty()) {
            let number = *numbers.entry(key(text)).or_insert_with(|| {
                texts.push(text.clone());
                texts.len()
            });
            own.insert(number);
        }
        let own: Vec<String> = own.iter().map(ToString::to_string).collect();
        writeln!(page, "{} {}: {} [{}]", linked.name, linked.version, linked.licence, own.join(", ")).unwrap();
        for holder in &linked.holders {
            writeln!(page, "    {holder}").unwrap();
        }
    }
    for (at, text) in texts.iter().enumerate() {
        let text: Vec<&str> = text.lines().map(str::trim_end).collect();
        write!(page, "\n==== [{}]\n\n{}\n", at + 1, text.join("\n")).unwrap();
    }
    page
}

#[test]
fn every_crate_in_the_program_is_listed_with_its_licence() {
    let mut crates = BTreeMap::new();
    for target in ["aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"] {
        for package in linked(target) {
            let linked = Linked::of(&package);
            crates.insert((linked.name.clone(), linked.version.clone()), linked);
        }
    }
    for (name, like) in WITHOUT_TEXT {
        let like = crates.values().find(|linked| linked.name == like).unwrap_or_else(|| panic!("{like} is gone"));
        let (holders, texts) = (like.holders.clone(), like.texts.clone());
        let bare = crates.values_mut().find(|linked| linked.name == name);
        let bare = bare.unwrap_or_else(|| panic!("{name} is gone"));
        (bare.holders, bare.texts) = (holders, texts);
    }
    let silent: Vec<&str> = crates.values().filter(|linked| linked.texts.is_empty()).map(|l| l.name.as_str()).collect();
    assert!(silent.is_empty(), "no licence text in {silent:?}: name one in WITHOUT_TEXT");
    let copyleft: Vec<&str> = crates
        .values()
        .filter(|l| l.licence.contains("GPL") && !l.licence.contains("OR"))
        .map(|l| l.name.as_str())
        .collect();
    assert!(copyleft.is_empty(), "{copyleft:?} may not be linked into this program");
    golden("third-party.txt", &page(&crates));
}
