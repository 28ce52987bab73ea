//! Every fault of a model, in every protocol: the class it ends in, the words a person reads, and how often was asked.
//!
//! The classes are the design's table of errors: what every lead would meet is `auth` and waits for a person, what passes is
//! `transient` or `throttled`, and an answer that is none is `permanent` after one request to repair it.

use std::time::Duration;

use nightdesk::classify::Settings;
use nightdesk::demo::sim::llm::{Flavour, Says};
use nightdesk::demo::sim::{Fault, Llm, Sim};
use nightdesk::model::{Fault as Class, Outcome, Report, Timestamp};
use serde_json::{Value, json};

use super::{BUYER, classify, protocols, settings, word};

/// Name, fault; class, the words of the failure, the words of its cure (empty: it has none), requests.
type Row = (&'static str, Fault, &'static str, &'static str, &'static str, usize);

const MONEY: &str = "the account has no credit left: top it up or raise its limit";
const KEY: &str = "check the model's API key and what it may use";
const PLACE: &str = "llm base-url or model is wrong: ";
const REPAIRED: &str = "read the raw answers on the lead";

fn error(kind: &str, code: &str, message: &str) -> Value {
    json!({ "type": "error", "error": { "type": kind, "code": code, "message": message, "param": null } })
}

/// What both vendors answer alike, and the network between.
fn common() -> Vec<Row> {
    let none = "malformed answer after repair: the server's answer was no completion";
    vec![
        ("500", Fault::status(500), "transient", "HTTP 500 (", "", 1),
        ("502 of a proxy", Fault::status_with(502, json!("<html>")), "transient", "HTTP 502", "", 1),
        ("503", Fault::status(503), "transient", "HTTP 503 (", "", 1),
        ("504", Fault::status(504), "transient", "HTTP 504 (", "", 1),
        ("529", Fault::status(529), "transient", "HTTP 529 (", "", 1),
        ("408", Fault::status(408), "transient", "HTTP 408 (", "nothing: it is tried again", 1),
        ("409", Fault::status(409), "transient", "HTTP 409 (", "nothing: it is tried again", 1),
        ("429, rate", Fault::throttled(None), "throttled", "HTTP 429 (", "raise the account's rate limit", 1),
        (
            "429, rate, when",
            Fault::throttled(Some("3")),
            "throttled",
            "HTTP 429 (",
            "raise the account's rate limit",
            1,
        ),
        ("503, when", Fault::status(503).header("retry-after", "3"), "throttled", "HTTP 503 (", "", 1),
        ("401", Fault::status(401), "auth", "HTTP 401 (", KEY, 1),
        ("402", Fault::status(402), "auth", "HTTP 402 (", MONEY, 1),
        ("403", Fault::status(403), "auth", "HTTP 403 (", KEY, 1),
        ("404", Fault::status(404), "auth", "HTTP 404 (", PLACE, 1),
        ("405", Fault::status(405), "auth", "HTTP 405 (", PLACE, 1),
        ("redirect", Fault::redirect("http://127.0.0.1:9/"), "auth", "HTTP 307", PLACE, 1),
        ("400", Fault::status(400), "permanent", "HTTP 400 (", "the server does not take our request: try ", 1),
        (
            "413",
            Fault::status(413),
            "permanent",
            "HTTP 413 (",
            "the server, or a proxy before it, takes no request of",
            1,
        ),
        ("422", Fault::status(422), "permanent", "HTTP 422 (", "the server does not take our request: try ", 1),
        ("hang", Fault::hang(), "transient", "no complete answer within ", "", 1),
        ("slow drip", Fault::drip(), "transient", "no complete answer within ", "", 1),
        ("reset before the body", Fault::reset_before_body(), "transient", "waiting for the answer: ", "", 1),
        ("reset", Fault::reset(), "transient", "waiting for the answer: ", "", 1),
        ("close", Fault::close(), "transient", "waiting for the answer: ", "", 1),
        ("reset in the answer", Fault::reset_in_answer().applied(), "transient", "waiting for the answer: ", "", 1),
        ("close in the answer", Fault::close_in_answer().applied(), "transient", "waiting for the answer: ", "", 1),
        ("garbage", Fault::garbage(), "transient", "waiting for the answer: ", "", 1),
        ("HTML with 200", Fault::html(), "permanent", none, REPAIRED, 2),
        ("half a JSON", Fault::half_json().applied(), "permanent", none, REPAIRED, 2),
        ("another JSON", Fault::status_with(200, json!({ "status": "ok" })), "permanent", none, REPAIRED, 2),
        ("an error with 200", Fault::status_with(200, error("api_error", "x", "no")), "permanent", none, REPAIRED, 2),
        ("100 MB", Fault::huge(100 << 20), "permanent", none, REPAIRED, 2),
    ]
}

/// How each vendor says that nobody pays; a pause wouldn't cure it, even where one is named.
fn unpaid(flavour: Flavour) -> Vec<Row> {
    let row = |name, status, kind, code, message| {
        let fault = Fault::status_with(status, error(kind, code, message)).header("retry-after", "3");
        (name, fault, "auth", "HTTP 4", MONEY, 1)
    };
    let request = "invalid_request_error";
    match flavour {
        Flavour::Anthropic => vec![
            row("no credit", 400, request, "", "Your credit balance is too low to access the Anthropic API."),
            row(
                "spent",
                400,
                request,
                "",
                "You have reached your specified API usage limits. You will regain access on 2026-12-01.",
            ),
            row("billing", 402, "billing_error", "", "no"),
            row("billing as a limit", 429, "billing_error", "", "no"),
        ],
        Flavour::OpenAi | Flavour::RefusesSchema | Flavour::IgnoresSchema => vec![
            row("quota", 429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota."),
            row("credit", 429, request, "credit_balance_exhausted", "no"),
            row("spent", 429, request, "spend_limit_exceeded", "no"),
            row("hard limit", 400, request, "billing_hard_limit_reached", "no"),
            row("not active", 429, "billing_not_active", "billing_not_active", "no"),
        ],
    }
}

fn failure(report: &Report) -> (&'static str, String, String) {
    let Outcome::Failed(failure) = &report.outcome else { return ("done", String::new(), String::new()) };
    (failure.fault.name(), failure.reason.clone(), failure.cure.clone().unwrap_or_default())
}

#[tokio::test]
async fn every_fault_ends_in_its_class_and_its_words() {
    for (flavour, protocol) in protocols() {
        for (name, fault, class, reason, cure, asked) in [common(), unpaid(flavour)].concat() {
            let sim = Sim::spawn(Llm::new("sk-sim").flavour(flavour)).await.unwrap();
            sim.script([fault.forever()]);
            // Long enough for whatever answers; what never does is sat through.
            let within = Duration::from_millis(if matches!(name, "hang" | "slow drip") { 100 } else { 10_000 });
            let settings = Settings { protocol, timeout: within, first_timeout: within, ..settings(&sim) };
            let report = classify(settings, BUYER).await;
            let (got, said, told) = failure(&report);
            assert_eq!((got, sim.requests().len()), (class, asked), "{protocol:?}, {name}: {:?}", report.outcome);
            assert!(said.starts_with(&format!("sim: {reason}")), "{protocol:?}, {name}: {said}");
            assert!(told.starts_with(cure) && told.is_empty() == cure.is_empty(), "{protocol:?}, {name}: {told}");
            assert_eq!((sim.violations(), report.llm_calls.len()), (vec![], asked), "{protocol:?}, {name}");
            assert!(report.llm_calls.iter().all(|call| call.error.is_some()), "{protocol:?}, {name}");
            assert!(!format!("{report:?}").contains("sk-sim"), "{protocol:?}, {name}: the key is in the report");
        }
    }
}

/// What was surely not served is free; what may have been counts at its most, and nothing is dearer than what was kept back.
#[tokio::test]
async fn what_may_have_been_served_is_paid() {
    for (flavour, protocol) in protocols() {
        for (name, fault, is_paid) in [
            ("500", Fault::status(500), false),
            ("429", Fault::throttled(None), false),
            ("401", Fault::status(401), false),
            ("400", Fault::status(400), false),
            ("hang", Fault::hang(), true),
            ("reset", Fault::reset(), true),
            ("close in the answer", Fault::close_in_answer().applied(), true),
            ("HTML with 200", Fault::html(), true),
        ] {
            let sim = Sim::spawn(Llm::new("sk-sim").flavour(flavour)).await.unwrap();
            sim.script([fault.forever()]);
            let within = Duration::from_millis(if name == "hang" { 100 } else { 10_000 });
            let settings = Settings { protocol, timeout: within, first_timeout: within, ..settings(&sim) };
            let most = settings.most_per_try().unwrap();
            let cost = classify(settings, BUYER).await.cost_micros.unwrap();
            assert_eq!((cost > 0, cost <= most), (is_paid, true), "{protocol:?}, {name}: {cost} of {most}");
        }
        let sim = Sim::spawn(Llm::new("sk-sim").flavour(flavour)).await.unwrap();
        let report = classify(Settings { protocol, ..settings(&sim) }, BUYER).await;
        assert_eq!(report.cost_micros, report.llm_calls[0].cost_micros, "{protocol:?}: as billed");
        sim.down();
        let report = classify(Settings { protocol, ..settings(&sim) }, BUYER).await;
        assert_eq!(report.cost_micros, Some(0), "{protocol:?}: nobody there");
        let free = Settings { protocol, price: None, ..settings(&sim) };
        assert_eq!((free.most_per_try(), classify(free, BUYER).await.cost_micros), (None, None), "{protocol:?}: free");
    }
}

#[tokio::test]
async fn a_pause_is_as_long_as_the_vendor_says() {
    for (flavour, protocol) in protocols() {
        for (fault, want) in [(Fault::throttled(Some("300")), 300), (Fault::throttled(None), 20)] {
            let sim = Sim::spawn(Llm::new("sk-sim").flavour(flavour)).await.unwrap();
            sim.script([fault]);
            let before = Timestamp::now();
            let report = classify(Settings { protocol, ..settings(&sim) }, BUYER).await;
            let Outcome::Failed(failed) = report.outcome else { panic!("{protocol:?}") };
            let Class::Throttled { until } = failed.fault else { panic!("{protocol:?}: {failed:?}") };
            let (least, most) =
                (before.after(Duration::from_secs(want)), Timestamp::now().after(Duration::from_secs(want)));
            assert!((least..=most).contains(&until), "{protocol:?}: {until}");
        }
    }
}

/// What the model says; the label, or what was wrong with it.
fn sayings() -> Vec<(&'static str, Says, Result<&'static str, &'static str>)> {
    let raw = |text: &str| Says::Raw(text.to_owned());
    let not_json = Err("the answer was not exactly one JSON object");
    let wrong = Err("the object must have the single key \"classification\" with a text as its value");
    let unknown = Err("the value was none of URGENT_BUYER, TIRE_KICKER, SUPPORT_REQUEST, SPAM");
    let good = "{\"classification\":\"SPAM\"}";
    vec![
        ("a label", Says::Label("SPAM".to_owned()), Ok("SPAM")),
        ("a fence", raw(&format!("```json\n{good}\n```")), Ok("SPAM")),
        ("a thought", raw(&format!("<think>An {{\"classification\":\"TIRE_KICKER\"}}?</think>\n{good}")), Ok("SPAM")),
        ("half a thought", raw(&format!("An offer.</think>{good}")), Ok("SPAM")),
        ("both", raw(&format!("<think>hm</think>```\n{good}\n```")), Ok("SPAM")),
        ("prose", raw("This one is urgent, call them."), not_json),
        ("prose before", raw(&format!("Sure: {good}")), not_json),
        ("prose after", raw(&format!("{good} because they sell.")), not_json),
        ("two objects", raw(&format!("{good}{good}")), not_json),
        ("cut short", raw("{\"classification\":\"SPA"), not_json),
        ("a list", raw("[\"SPAM\"]"), not_json),
        ("another language", raw("Das ist eine dringende Kaufanfrage."), not_json),
        ("a label of another language", Says::Label("COMPRADOR_URGENTE".to_owned()), unknown),
        ("a key of another language", raw("{\"clasificación\":\"SPAM\"}"), wrong),
        ("a label of its own", Says::Label("VIP".to_owned()), unknown),
        ("lower case", Says::Label("spam".to_owned()), unknown),
        ("two labels in one", Says::Label("SPAM|URGENT_BUYER".to_owned()), unknown),
        ("a list of labels", raw("{\"classification\":[\"SPAM\",\"URGENT_BUYER\"]}"), wrong),
        ("two keys", raw("{\"classification\":\"SPAM\",\"confidence\":0.9}"), wrong),
        ("one key twice", raw("{\"classification\":\"SPAM\",\"classification\":\"SPAM\"}"), wrong),
        ("no key", raw("{}"), wrong),
        ("a refusal", Says::Refusal("I can't help with that.".to_owned()), Err("the answer was a refusal")),
        ("a filter", Says::Filtered, Err("the answer was a refusal")),
        ("cut off by the limit", Says::CutOff, Err("the answer was cut off before its end")),
    ]
}

#[tokio::test]
async fn every_answer_is_a_label_or_is_refused_in_words() {
    for (flavour, protocol) in protocols() {
        for (name, says, want) in sayings() {
            let sim = Llm::new("sk-sim").flavour(flavour).saying("quote", says);
            let sim = Sim::spawn(sim).await.unwrap();
            let report = classify(Settings { protocol, ..settings(&sim) }, BUYER).await;
            let asked = if want.is_ok() { 1 } else { 2 };
            assert_eq!((sim.violations(), sim.requests().len()), (vec![], asked), "{protocol:?}, {name}");
            match want {
                Ok(label) => assert_eq!(word(&report), label, "{protocol:?}, {name}: {:?}", report.outcome),
                Err(why) => {
                    let (class, said, cure) = failure(&report);
                    let reason = format!("sim: malformed answer after repair: {why}");
                    assert_eq!((class, said), ("permanent", reason), "{protocol:?}, {name}");
                    assert!(cure.starts_with(REPAIRED), "{protocol:?}, {name}: {cure}");
                    assert!(report.llm_calls.iter().all(|call| call.error.as_deref() == Some(why)), "{name}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_bad_answer_is_mended_by_one_more_request() {
    for (flavour, protocol) in protocols() {
        for (name, fault) in [("HTML", Fault::html()), ("half a JSON", Fault::half_json().applied())] {
            let sim = Sim::spawn(Llm::new("sk-sim").flavour(flavour)).await.unwrap();
            sim.script([fault]);
            let report = classify(Settings { protocol, ..settings(&sim) }, BUYER).await;
            assert_eq!((word(&report), sim.requests().len()), ("URGENT_BUYER", 2), "{protocol:?}, {name}");
        }
    }
}

#[tokio::test]
async fn nobody_there_is_transient() {
    for (flavour, protocol) in protocols() {
        let sim = Sim::spawn(Llm::new("sk-sim").flavour(flavour)).await.unwrap();
        sim.down();
        let report = classify(Settings { protocol, ..settings(&sim) }, BUYER).await;
        assert_eq!(failure(&report).0, "transient", "{protocol:?}: {:?}", report.outcome);
    }
}
