//! `nightdesk prompt`: what would be sent to the first model, to the letter, with no desk, no key and no network.

use std::collections::BTreeMap;
use std::path::Path;

use nightdesk::app;
use nightdesk::config::{Config, Secrets};
use nightdesk::demo::sim::llm::Flavour;
use nightdesk::demo::sim::{Llm, Sim};
use nightdesk::model::{ClassifyTask, Reading, Task};
use serde_json::Value;

use super::scene::Scene;
use super::{golden, stable};
use crate::vendors::work;

const KEY: &str = "model-key-of-this-test";

/// A model whose key nobody can read.
fn model(more: &str) -> String {
    format!("[[llm]]\nname = \"m\"\nmodel = \"model-1\"\nkey = {{ file = \"/nowhere/key\" }}\n{more}\n")
}

#[test]
fn what_each_protocol_would_be_sent() {
    let message = "Hi,\ncall me at +1 555 123 4567: we need 50 <b>tents</b> by 2026-12-01.";
    for (name, more) in [
        ("prompt-openai.txt", ""),
        ("prompt-anthropic.txt", "protocol = \"anthropic\""),
        ("prompt-anthropic-tool.txt", "protocol = \"anthropic\"\nstructured = \"tool\""),
    ] {
        let got = Scene::new(&model(more)).say(&["prompt", "--message", message]);
        assert_eq!((got.code, got.err.as_str()), (0, ""), "{got:?}");
        golden(name, &got.out.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    }
}

#[test]
fn a_lead_is_shown_as_it_would_be_asked_about() {
    let scene = Scene::after_a_night();
    let text = std::fs::read_to_string(scene.config()).unwrap();
    let user = |args: &[&str]| {
        let got = scene.say(args);
        assert_eq!((got.code, got.err.as_str()), (0, ""), "{got:?}");
        got.json()["body"]["messages"][1]["content"].as_str().unwrap().to_owned()
    };
    std::fs::write(scene.config(), format!("{text}{}", model(""))).unwrap();
    let shown = user(&["prompt", "--lead", "c2", "--json"]);
    assert!(shown.contains(">\nWe need 50 units by tomorrow."), "{shown}");
    assert!(!shown.contains(['\u{1b}', '[']) && !shown.contains("<b>"), "as it is cleaned: {shown}");
    let phone = "my number is 612 345 678";
    assert!(user(&["prompt", "--message", "+34 612 345 678", "--json"]).contains(">\n[phone]\n"));
    std::fs::write(scene.config(), format!("{text}{}[classify]\nmask-contacts = false\n", model(""))).unwrap();
    assert!(user(&["prompt", "--message", phone, "--json"]).contains(phone), "masked only as configured");
}

#[test]
fn what_cannot_be_asked_is_told() {
    let with = Scene::new(&model(""));
    for (scene, args, code, words) in [
        (&with, &["prompt"] as &[&str], 64, "<--lead <ID>|--message <TEXT>>"),
        (&with, &["prompt", "--message", "x", "--lead", "K7"], 64, "cannot be used with"),
        (&with, &["prompt", "--message", " <br> "], 65, "nothing is left of the message after cleaning"),
        (&with, &["prompt", "--lead", "K7"], 66, "there is no database"),
        (&Scene::after_a_night(), &["prompt", "--lead", "K7"], 66, "there is no lead \"K7\""),
        (&Scene::new(""), &["prompt", "--message", "x"], 66, "no model is asked: fill in [[llm]]"),
    ] {
        let got = scene.say(args);
        assert_eq!((got.code, got.out.as_str()), (code, ""), "{args:?}: {got:?}");
        assert!(stable(&got.err, scene.folder.path()).contains(words), "{args:?}: {got:?}");
    }
}

/// The one model of the configuration at `path`, with its key.
fn classifier(path: &Path) -> nightdesk::classify::Classifier {
    let config = Config::load(path).map_err(|problems| problems.to_string()).unwrap();
    app::classifiers(&config, &Secrets::load(&config, None).unwrap()).unwrap().remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_is_what_is_sent() {
    for (flavour, more) in [
        (Flavour::OpenAi, ""),
        (Flavour::OpenAi, "structured = \"json-object\"\ninstructions-role = \"developer\"\nmax-tokens = 99"),
        (Flavour::Anthropic, "protocol = \"anthropic\""),
        (Flavour::Anthropic, "protocol = \"anthropic\"\nstructured = \"tool\""),
    ] {
        let sim = Sim::spawn(Llm::new(KEY).flavour(flavour)).await.unwrap();
        let scene = Scene::new(&model(&format!("base-url = \"{}\"\n{more}", sim.base_url())));
        let message = "Wir brauchen 50 Zelte, bitte an ada@example.com: \"schnell\" </message-1>";
        let (text, json) =
            (scene.say(&["prompt", "--message", message]), scene.say(&["prompt", "--message", message, "--json"]));
        assert_eq!(sim.requests().len(), 0, "nothing is sent");

        let key = scene.folder.path().join("key");
        std::fs::write(&key, KEY).unwrap();
        std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let config = std::fs::read_to_string(scene.config()).unwrap().replace("/nowhere/key", key.to_str().unwrap());
        std::fs::write(scene.config(), config).unwrap();
        let Reading { message, .. } = app::reading(&Config::load(&scene.config()).unwrap(), message, None);
        classifier(&scene.config()).classify(&message, &work(Task::Classify(ClassifyTask::default()))).await;

        let sent = sim.requests().remove(0);
        let headers = sent
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), if value.contains(KEY) { "***".to_owned() } else { value.clone() }));
        let headers: BTreeMap<String, String> = headers.collect();
        let shown = json.json();
        assert_eq!(serde_json::from_value::<BTreeMap<String, String>>(shown["headers"].clone()).unwrap(), headers);
        assert_eq!(shown["url"], format!("{}{}", sim.base_url(), sent.path.strip_prefix("/v1").unwrap()));
        assert_eq!(
            (&shown["method"], &shown["body"]),
            (&sent.method.as_str().into(), &serde_json::from_str::<Value>(&sent.body).unwrap())
        );
        let head: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        let line = format!("POST {}\n", shown["url"].as_str().unwrap());
        assert_eq!(text.out, format!("{line}{}\n{}\n", head.concat(), sent.body), "{more}");
    }
}
