//! `nightdesk check --online` and `--create-properties`, against the strict simulators.

use nightdesk::demo::sim::llm::Flavour;
use nightdesk::demo::sim::{Llm, Sim};

use super::Said;
use crate::support::{Office, SECRETS};

async fn check(office: &Office, depth: &str) -> Said {
    let config = office.config();
    let mut command = super::nightdesk(&["--config", config.to_str().unwrap(), "check", depth]);
    Said::of(tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_vendor_is_asked_and_nothing_is_sent() {
    let office = Office::new("").await;
    let got = check(&office, "--online").await;
    for well in ["llm[0]: openai", "twilio: the account is taken", "crm.hubspot: token, scopes and properties are good"]
    {
        assert!(got.out.contains(&format!("well: {well}")), "{well}: {got:?}");
    }
    assert_eq!((got.code, got.err.as_str()), (0, ""), "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_property_is_told_and_made() {
    let office = Office::new("").await;
    let text = std::fs::read_to_string(office.config()).unwrap();
    let text = text.replace("[crm.hubspot]", "[crm.hubspot]\nclassification-property = \"night_class\"");
    std::fs::write(office.config(), text).unwrap();
    let got = check(&office, "--online").await;
    assert_eq!(got.code, 69, "{got:?}");
    assert!(got.out.contains("refused: crm.hubspot: HubSpot's contacts have no property night_class"), "{got:?}");
    assert!(got.out.contains("well: twilio"), "one refusal keeps no other from being asked: {got:?}");
    let made = check(&office, "--create-properties").await;
    assert_eq!(made.code, 0, "{made:?}");
    assert!(made.out.contains("well: crm.hubspot: the properties exist"), "{made:?}");
    assert_eq!(check(&office, "--online").await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_nobody_takes() {
    let office = Office::new("").await;
    for name in ["llm-key", "hubspot-token", "twilio-token"] {
        std::fs::write(office.path().join(name), "not-the-key").unwrap();
    }
    let got = check(&office, "--online").await;
    assert_eq!(got.code, 69, "{got:?}");
    for path in ["llm[0]", "twilio", "crm.hubspot"] {
        assert!(got.out.contains(&format!("refused: {path}: ")), "{path}: {got:?}");
    }
    assert!(!format!("{got:?}").contains("not-the-key"), "a secret was printed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_of_anthropic_is_asked_in_its_protocol() {
    let model = "claude-haiku-4-5-20251001";
    let sim = Sim::spawn(Llm::new(SECRETS[2]).flavour(Flavour::Anthropic).model(model)).await.unwrap();
    let office = Office::new("").await;
    let key = office.path().join("llm-key");
    for (model, want) in [
        ("claude-haiku-4-5", "well: llm[0]: claude has the model claude-haiku-4-5"),
        ("claude-2", "llm[0].model: claude answers, but does not list the model claude-2"),
    ] {
        office.configure(&format!(
            "[[llm]]\nname = \"claude\"\nprotocol = \"anthropic\"\nbase-url = \"{}\"\nmodel = \"{model}\"\n\
             key = {{ file = \"{}\" }}\n",
            sim.base_url(),
            key.display(),
        ));
        let got = check(&office, "--online").await;
        assert!(format!("{}{}", got.out, got.err).contains(want), "{want}: {got:?}");
    }
    assert_eq!(sim.violations(), Vec::<String>::new());
    assert!(sim.requests().iter().all(|seen| seen.method == "GET"), "nothing is asked of the model itself");
}
