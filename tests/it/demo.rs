//! `nightdesk demo --once` as a newcomer runs it, and with each of its simulators broken.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Longer than this the demo never takes.
const LIMIT: Duration = Duration::from_mins(1);

/// A demo that leaves its folder in `home`.
fn demo(home: &Path, arguments: &[&str]) -> Output {
    let started = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_nightdesk"));
    let output = command.args(["demo", "--once"]).args(arguments).env("TMPDIR", home).output().unwrap();
    assert!(started.elapsed() < LIMIT, "it took {:?}", started.elapsed());
    output
}

fn home() -> TempDir {
    tempfile::Builder::new().prefix("nd").tempdir().unwrap()
}

fn entries(output: &Output) -> Vec<Value> {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON, but {output:?}"))
}

/// Kind, channel and state of an entry's actions.
fn actions(entry: &Value) -> Vec<String> {
    let word = |action: &Value, key: &str| action[key].as_str().unwrap().to_owned();
    let told = |action: &Value| {
        assert!(action["attempts"].is_u64() && action.as_object().unwrap().len() == 4, "{action}");
        format!("{} {} {}", word(action, "kind"), word(action, "channel"), word(action, "state"))
    };
    entry["actions"].as_array().unwrap().iter().map(told).collect()
}

#[test]
fn eleven_leads_end_as_they_should() {
    const KEYS: [&str; 7] = ["sample", "lead_id", "state", "label", "classified_by", "actions", "ms_to_sms"];
    const CLAIMED: [&str; 3] = ["crm_update hubspot done", "crm_note hubspot done", "crm_note hubspot done"];
    let (home, crm) = (home(), ["crm_update hubspot done", "crm_note hubspot done"]);
    let output = demo(home.path(), &["--json"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let entries = entries(&output);
    // The text that calls somebody, and what whoever answers is told.
    let claimed = |texts: &[&'static str]| [texts, &CLAIMED].concat();
    let by_modem = ["sms modem done", "sms modem done"];
    let either = "sms either done";
    let noted = "crm_note salesforce done";
    let in_salesforce = ["sms modem done", "sms modem done", "crm_update salesforce done", noted, noted];
    let wanted = [
        ("urgent", "settled", json!("URGENT_BUYER"), claimed(&by_modem)),
        ("tire-kicker", "settled", json!("TIRE_KICKER"), [&["mail smtp done"][..], &crm].concat()),
        ("support", "settled", json!("SUPPORT_REQUEST"), [&["ticket zendesk done"][..], &crm].concat()),
        ("spam", "settled", json!("SPAM"), vec!["crm_update hubspot done"]),
        ("html-mess", "settled", json!("URGENT_BUYER"), claimed(&by_modem)),
        ("duplicate", "duplicate", Value::Null, vec![]),
        ("no-message", "gate-failed", Value::Null, vec![]),
        (
            "modem-unplugged",
            "settled",
            json!("URGENT_BUYER"),
            claimed(&["sms modem cancelled", either, either, either, "sms twilio done"]),
        ),
        ("crm-refuses", "settled", json!("TIRE_KICKER"), [&["mail smtp done"][..], &crm].concat()),
        ("salesforce", "settled", json!("URGENT_BUYER"), in_salesforce.to_vec()),
        ("second-model", "settled", json!("URGENT_BUYER"), claimed(&by_modem)),
    ];
    assert_eq!(entries.len(), wanted.len());
    for (entry, (sample, state, label, wanted)) in entries.iter().zip(wanted) {
        assert_eq!(entry.as_object().unwrap().len(), KEYS.len(), "{entry}");
        assert!(KEYS.iter().all(|key| entry.get(key).is_some()), "{entry}");
        assert_eq!((&entry["sample"], &entry["state"], &entry["label"]), (&json!(sample), &json!(state), &label));
        let got = actions(entry);
        let is_it = |(got, wanted): (&String, &&str)| got == wanted || *wanted == either && got.starts_with("sms ");
        assert!(got.len() == wanted.len() && got.iter().zip(&wanted).all(is_it), "{sample}: {got:?}");
        let by = if sample == "second-model" { "llm-fallback" } else { "llm" };
        assert_eq!(entry["classified_by"], if label.is_null() { Value::Null } else { json!(by) }, "{sample}");
        assert_eq!(entry["ms_to_sms"].is_u64(), label == "URGENT_BUYER", "{sample}");
        assert!(entry["lead_id"].is_string(), "{sample}");
    }
    assert_eq!(entries[5]["lead_id"], entries[0]["lead_id"], "a duplicate is the first lead");
    assert_eq!(entries[8]["actions"][1]["attempts"], 2, "refused, then requeued");
}

#[test]
fn the_story_is_for_people_and_what_it_says_to_try_works() {
    let home = home();
    let output = demo(home.path(), &[]);
    let story = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{story}");
    let widest = story.lines().map(|line| line.chars().count()).filter(|width| *width > 100);
    assert_eq!(widest.count(), 0, "{story}");
    assert!(!story.contains('\u{1b}'), "colours in a pipe");
    for wanted in [
        "Every lead ended as it should",
        "│ nightdesk: URGENT_BUYER",
        "the phone has it",
        "Dana answers: the lead is Dana's",
        "so Lee is called",
        "Lee answers: the lead is Lee's",
        "Salesforce shows on lead 00Q",
        "and a completed task on lead 00Q",
        "the follow-up leaves for tom.okafor@mail.example",
        "No more mail from us:",
        "the support team has it, in Zendesk",
        "the second model reads lead",
        "nightdesk.db",
        "alias desk=",
    ] {
        assert!(story.contains(wanted), "{wanted} is missing in {story}");
    }
    let folder = std::fs::read_dir(home.path()).unwrap().next().unwrap().unwrap().path();
    let said: Vec<&str> = story.lines().filter_map(|line| line.trim().strip_prefix("desk ")).collect();
    assert!(said.len() >= 3, "{story}");
    for line in said {
        let words = line.split('#').next().unwrap().split_whitespace();
        let mut desk = Command::new(env!("CARGO_BIN_EXE_nightdesk"));
        desk.args(["--config", "nightdesk.toml"]).args(words).current_dir(&folder);
        let output = desk.output().unwrap();
        assert!(output.status.success() && !output.stdout.is_empty(), "desk {line}: {output:?}");
    }
}

#[test]
fn a_world_that_misbehaves_is_noticed() {
    let run = |who: &'static str| {
        std::thread::spawn(move || {
            let home = home();
            (who, demo(home.path(), &["--json", "--misbehave", who]))
        })
    };
    for (who, output) in
        ["llm", "hubspot", "salesforce", "zendesk", "mail", "twilio", "modem"].map(run).map(|run| run.join().unwrap())
    {
        assert_eq!(output.status.code(), Some(70), "{who}: {output:?}");
        assert_eq!(entries(&output).len(), 11, "{who}");
    }
}
