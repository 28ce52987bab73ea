//! Two models, one of each protocol: whatever the first does, the second labels the lead in time, and the phone gets one text.

use std::fmt::Write;

use nightdesk::demo::sim::llm::{Flavour, Says};
use nightdesk::demo::sim::{Fault, Llm, Match, Sim};
use serde_json::json;

use super::URGENT;
use crate::support::{Office, Post, SECRETS};

/// What goes wrong with a question.
enum Wrong {
    /// On its way, or at the server.
    Fault(Fault),
    /// In what the model says.
    Says(Says),
}

/// Name, what goes wrong, who decides in the end.
type Row = (&'static str, Wrong, &'static str);

const SECOND: &str = "llm-fallback";

/// What concerns one question and leaves the model open for the others.
fn of_one_question() -> Vec<Row> {
    let fault = |name, fault| (name, Wrong::Fault(fault), SECOND);
    let says = |name, text: &str| (name, Wrong::Says(Says::Raw(text.to_owned())), SECOND);
    vec![
        fault("500", Fault::status(500)),
        fault("hang", Fault::hang()),
        fault("slow drip", Fault::drip()),
        fault("garbage", Fault::garbage()),
        fault("reset", Fault::reset()),
        fault("HTML with 200", Fault::html()),
        fault("100 MB", Fault::huge(100 << 20)),
        fault("400", Fault::status(400)),
        says("prose", "I would say that this is an urgent buyer."),
        says("unknown label", r#"{"classification":"HOT_LEAD"}"#),
        says("two labels", r#"{"classification":["URGENT_BUYER","SPAM"]}"#),
        says("two keys", r#"{"classification":"URGENT_BUYER","reason":"a date"}"#),
        says("other language", r#"{"classification":"DRINGENDER_KÄUFER"}"#),
        ("refusal", Wrong::Says(Says::Refusal("I can't help with that.".to_owned())), SECOND),
        ("truncated", Wrong::Says(Says::CutOff), SECOND),
        ("filtered", Wrong::Says(Says::Filtered), SECOND),
        ("fences", Wrong::Says(Says::Raw("```json\n{\"classification\":\"URGENT_BUYER\"}\n```".to_owned())), "llm"),
        (
            "thoughts",
            Wrong::Says(Says::Raw("<think>a date</think>{\"classification\":\"URGENT_BUYER\"}".to_owned())),
            "llm",
        ),
    ]
}

/// What closes the model for all questions.
fn of_the_model() -> Vec<Row> {
    let quota =
        json!({ "error": { "type": "insufficient_quota", "code": "insufficient_quota", "message": "no credit" } });
    vec![
        ("429 rate", Wrong::Fault(Fault::throttled(Some("1"))), SECOND),
        ("429 quota", Wrong::Fault(Fault::status_with(429, quota)), SECOND),
        ("401", Wrong::Fault(Fault::status(401)), SECOND),
    ]
}

/// An office whose first model speaks one protocol and whose second the other.
async fn office(first: Flavour) -> (Office, Sim<Llm>, Sim<Llm>) {
    let office = Office::new("").await;
    let flavours = if first == Flavour::OpenAi {
        [Flavour::OpenAi, Flavour::Anthropic]
    } else {
        [Flavour::Anthropic, Flavour::OpenAi]
    };
    let mut sims = Vec::new();
    let mut tables = String::from("[classify]\ndeadline = \"30s\"\n[outbox]\nbreaker-after = 1000\n");
    for (name, flavour) in ["first", "second"].into_iter().zip(flavours) {
        let sim = Sim::spawn(Llm::new(SECRETS[2]).flavour(flavour)).await.unwrap();
        let protocol = if flavour == Flavour::OpenAi { "openai" } else { "anthropic" };
        let (url, key) = (sim.base_url(), office.path().join("llm-key"));
        writeln!(
            tables,
            "[[llm]]\nname = \"{name}\"\nprotocol = \"{protocol}\"\nbase-url = \"{url}\"\nmodel = \"m\"\n\
             key = {{ file = \"{}\" }}\ntimeout = \"2s\"\nfirst-timeout = \"2s\"\ninput-price = 1.0\noutput-price = 5.0",
            key.display(),
        )
        .unwrap();
        sims.push(sim);
    }
    office.configure(&tables);
    let second = sims.pop().unwrap();
    (office, sims.pop().unwrap(), second)
}

/// Has each row's lead go through, all of a group at once.
async fn play(first: Flavour) {
    let (mut office, sick, well) = office(first).await;
    office.start().await;
    let (mut leads, mut wanted) = (0, Vec::new());
    let alone: Vec<Vec<Row>> = of_the_model().into_iter().map(|row| vec![row]).collect();
    for group in std::iter::once(of_one_question()).chain(alone) {
        for (name, wrong, by) in group {
            leads += 1;
            let mark = format!("reference n{leads:03}");
            match wrong {
                Wrong::Fault(fault) => sick.script([fault.on(Match::any().body(&mark)).forever()]),
                Wrong::Says(says) => sick.say(&mark, says),
            }
            let contact = (500 + leads).to_string();
            office.hubspot.set_contact(&contact, &[]);
            assert_eq!(office.post(&Post::hubspot(&contact, &format!("{URGENT}, {mark}"))).await.0, 202, "{name}");
            wanted.push([name.to_owned(), "URGENT_BUYER".to_owned(), by.to_owned()]);
        }
        office.until_settled(leads).await;
    }
    let rows = office.lines("SELECT class, classified_by, state FROM v_leads ORDER BY number");
    for (row, [name, class, by]) in rows.iter().zip(&wanted) {
        assert_eq!(row, &[class.clone(), by.clone(), "settled".to_owned()], "{name}");
    }
    assert_eq!(rows.len(), wanted.len());
    assert_eq!(office.lines("SELECT count(*) FROM leads WHERE provisional_at IS NOT NULL"), [["0"]], "all in time");
    assert_eq!(office.modem.sent().len(), wanted.len(), "one text each");
    assert_eq!(well.violations(), Vec::<String>::new());
    let spend =
        office.lines("SELECT provider, calls > 0, cost > 0, counted >= cost FROM v_spend_by_month ORDER BY provider");
    assert_eq!(spend, [["first", "1", "1", "1"], ["second", "1", "1", "1"]]);
    let told = office.lines(
        "SELECT count(DISTINCT lead_id) FROM jobs WHERE kind = 'classify' AND result LIKE '%llm:second is asked%'",
    );
    assert!(told[0][0].parse::<usize>().unwrap() >= of_one_question().len() - 2, "{told:?}");
    assert_eq!(office.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn whatever_the_first_does_when_it_is_openais() {
    play(Flavour::OpenAi).await;
}

#[tokio::test]
async fn whatever_the_first_does_when_it_is_anthropics() {
    play(Flavour::Anthropic).await;
}

/// The money of the day is spent: a person is told at once, and a model that costs nothing goes on.
#[tokio::test]
async fn with_the_days_money_spent_a_person_is_told_at_once_also_after_a_restart() {
    let (mut office, first, second) = office(Flavour::OpenAi).await;
    let text = std::fs::read_to_string(office.config()).unwrap();
    std::fs::write(office.config(), format!("{text}\n[spending]\nllm-per-day = 0.01\ncurrency = \"EUR\"\n")).unwrap();
    for leads in 1..=2 {
        office.start().await;
        let contact = (500 + leads).to_string();
        office.hubspot.set_contact(&contact, &[]);
        office.post(&Post::hubspot(&contact, &format!("{URGENT}, {leads}"))).await;
        office
            .until("told without a label", |reader| {
                let alerts = reader.alerts().ok()?;
                let is_told = office.modem.sent().len() == usize::try_from(leads).unwrap();
                alerts
                    .iter()
                    .any(|alert| alert.key == "money:day" && alert.text.contains("0.00 EUR of 0.01 EUR") && is_told)
                    .then_some(())
            })
            .await;
        office.terminate().await;
    }
    assert_eq!((first.requests().len(), second.requests().len()), (0, 0), "nothing was spent");
    assert_eq!(office.lines("SELECT DISTINCT class FROM v_leads"), [["unclassified"]]);
}
