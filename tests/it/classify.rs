//! The classifier against the simulated model server, which is as strict as the published API: no request of ours may be
//! a mistake in its eyes, whatever the settings. What every fault of a model ends in is in `faults`.

mod faults;

use std::time::Duration;

use nightdesk::classify::{Classifier, Dialect, Forced, Price, Protocol, Role, Settings, Structured, TokenLimit};
use nightdesk::demo::sim::llm::{Flavour, Says, label_of};
use nightdesk::demo::sim::{Llm, Sim};
use nightdesk::model::{
    AttemptId, ClassifyTask, Done, Job, JobId, Lead, LeadCode, LeadId, Outcome, Priority, Report, RowId, Task,
    Timestamp, Work,
};
use nightdesk::wire::Wire;

const BUYER: &str = "I need a quote for 50 units by tomorrow. Call +1 555 123 4567";

/// What OpenAI itself understands.
const OPENAI: Dialect =
    Dialect { role: Role::System, structured: Structured::JsonSchema, token_limit: TokenLimit::MaxCompletionTokens };

fn settings(sim: &Sim<Llm>) -> Settings {
    Settings {
        provider: "sim".to_owned(),
        base_url: sim.base_url(),
        model: "small".to_owned(),
        api_key: Some("sk-sim".into()),
        protocol: Protocol::OpenAi(OPENAI),
        max_tokens: 512,
        timeout: Duration::from_secs(10),
        first_timeout: Duration::from_secs(10),
        price: Some(Price::per_million(0.15, 0.6)),
        business: String::new(),
        mask_contacts: true,
    }
}

/// Every way to ask, with the server that is asked so.
fn protocols() -> [(Flavour, Protocol); 3] {
    [
        (Flavour::OpenAi, Protocol::OpenAi(OPENAI)),
        (Flavour::Anthropic, Protocol::Anthropic(Forced::Schema)),
        (Flavour::Anthropic, Protocol::Anthropic(Forced::Tool)),
    ]
}

fn work(classifier: &Classifier) -> Work {
    let now = Timestamp::now();
    let id = LeadId::fresh(now);
    let lead = Lead {
        code: LeadCode::of(1),
        raw_message: String::new(),
        dropped: false,
        ..Lead::none(id, "form".to_owned(), now)
    };
    let job = Job {
        id: JobId::fresh(now),
        lead: id,
        task: Task::Classify(ClassifyTask::default()),
        channel: classifier.channel(),
        priority: Priority::Normal,
        due_at: now,
        deadline_at: now.after(Duration::from_hours(24)),
        tries: 1,
        generation: 1,
        crashes: 0,
        created_at: now,
    };
    let hard_deadline = now.after(Duration::from_secs(30));
    Work { job, lead, attempt: AttemptId(1), look_up_since: None, actions: Vec::new(), hard_deadline }
}

async fn classify(settings: Settings, message: &str) -> Report {
    let classifier = Classifier::new(settings, Wire::new());
    classifier.classify(message, &work(&classifier)).await
}

fn word(report: &Report) -> &'static str {
    match &report.outcome {
        Outcome::Done(Done::Classified { label, .. }) => label.name(),
        Outcome::Failed(failure) => failure.fault.name(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn no_request_is_a_mistake_whatever_the_settings() {
    for (flavour, role, structured, token_limit) in [
        (Flavour::OpenAi, Role::System, Structured::JsonSchema, TokenLimit::MaxCompletionTokens),
        (Flavour::OpenAi, Role::Developer, Structured::JsonObject, TokenLimit::MaxCompletionTokens),
        (Flavour::OpenAi, Role::System, Structured::JsonObject, TokenLimit::MaxTokens),
        (Flavour::RefusesSchema, Role::System, Structured::JsonObject, TokenLimit::MaxTokens),
        (Flavour::IgnoresSchema, Role::System, Structured::JsonSchema, TokenLimit::MaxTokens),
    ] {
        let sim = Sim::spawn(Llm::new("sk-sim").flavour(flavour)).await.unwrap();
        let protocol = Protocol::OpenAi(Dialect { role, structured, token_limit });
        let report = classify(Settings { protocol, ..settings(&sim) }, BUYER).await;
        assert_eq!(word(&report), "URGENT_BUYER", "{flavour:?}: {:?}", report.outcome);
        assert_eq!((sim.violations(), sim.requests().len()), (vec![], 1), "{flavour:?}");
        assert!(report.llm_calls[0].cost_micros.is_some());
    }
}

#[tokio::test]
async fn no_message_to_anthropic_is_a_mistake() {
    for forced in [Forced::Schema, Forced::Tool] {
        let sim = Sim::spawn(Llm::new("sk-sim").flavour(Flavour::Anthropic)).await.unwrap();
        let protocol = Protocol::Anthropic(forced);
        let report = classify(Settings { protocol, ..settings(&sim) }, BUYER).await;
        assert_eq!(word(&report), "URGENT_BUYER", "{forced:?}: {:?}", report.outcome);
        assert_eq!((sim.violations(), sim.requests().len()), (vec![], 1), "{forced:?}");
        let call = &report.llm_calls[0];
        assert_eq!(call.answer.as_deref(), Some("{\"classification\":\"URGENT_BUYER\"}"), "{forced:?}");
        assert!(call.cost_micros.is_some() && call.request_id.as_deref() == Some("req_sim000000"), "{call:?}");
        assert_eq!(report.trace.vendor_id, call.request_id);
    }
}

#[tokio::test]
async fn no_repair_is_a_mistake() {
    let says = [Says::Raw("It is SPAM.".into()), Says::Refusal("I can't".into()), Says::CutOff, Says::Filtered];
    for (flavour, protocol) in protocols() {
        for says in &says {
            let sim = Llm::new("sk-sim").flavour(flavour).saying("quote", says.clone());
            let sim = Sim::spawn(sim).await.unwrap();
            let report = classify(Settings { protocol, ..settings(&sim) }, BUYER).await;
            assert_eq!((word(&report), report.llm_calls.len()), ("permanent", 2), "{protocol:?}: {says:?}");
            assert_eq!((sim.violations(), sim.requests().len()), (vec![], 2), "{protocol:?}: {says:?}");
        }
    }
}

/// The frame around the message says nothing of its own: the keyword model decides as for the bare message.
#[tokio::test]
async fn the_frame_gives_no_class_away() {
    let sim = Sim::spawn(Llm::new("sk-sim")).await.unwrap();
    for message in
        [BUYER, "How does your product compare to X?", "I can't log into my account", "We sell SEO backlinks"]
    {
        assert_eq!(word(&classify(settings(&sim), message).await), label_of(message), "{message}");
    }
}
