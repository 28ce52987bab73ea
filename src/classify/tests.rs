//! The classifier against a model that misbehaves: one table of faults, and what is asked, kept and billed on the way.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::*;
use crate::model::{AttemptId, ClassifyTask, Job, JobId, Lead, LeadCode, LeadId, Priority, RowId, Task};
use crate::wire::tests::{peer, reset};

impl Settings {
    /// Settings as they are for a small local model.
    pub(super) fn example(base_url: &str) -> Self {
        Self {
            provider: "small".to_owned(),
            base_url: base_url.to_owned(),
            model: "small".to_owned(),
            api_key: Some("sk-hunter2".into()),
            protocol: Protocol::OpenAi(Dialect::example()),
            max_tokens: 512,
            timeout: Duration::from_secs(20),
            first_timeout: Duration::from_secs(20),
            price: Some(Price::per_million(0.15, 0.6)),
            business: String::new(),
            mask_contacts: true,
        }
    }
}

impl Dialect {
    /// The dialect of OpenAI itself.
    pub(super) fn example() -> Self {
        let (role, structured) = (Role::System, Structured::JsonSchema);
        Self { role, structured, token_limit: TokenLimit::MaxCompletionTokens }
    }
}

/// What the server does with one request.
#[derive(Clone)]
enum Play {
    Say(u16, &'static str, String),
    Raw(&'static str),
    Reset,
    Hang,
}

/// A 200 whose model says `content`.
fn says(content: &str) -> Play {
    let choice = json!({"index": 0, "message": {"role": "assistant", "content": content, "refusal": null}, "finish_reason": "stop"});
    let usage = json!({"prompt_tokens": 1_001, "completion_tokens": 9, "total_tokens": 1_010});
    Play::Say(200, "x-request-id: req_1\r\n", json!({"choices": [choice], "usage": usage}).to_string())
}

fn error(status: u16, headers: &'static str, code: &str) -> Play {
    Play::Say(
        status,
        headers,
        json!({"error": {"message": "no", "type": "t", "param": null, "code": code}}).to_string(),
    )
}

async fn act(mut stream: TcpStream, play: Play) {
    match play {
        Play::Say(status, headers, body) => {
            let head =
                format!("HTTP/1.1 {status} X\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
        Play::Raw(text) => stream.write_all(text.as_bytes()).await.unwrap(),
        Play::Reset => reset(&stream),
        Play::Hang => std::future::pending().await,
    }
}

type Heard = Arc<Mutex<Vec<String>>>;

/// A server that plays the list, the last entry for ever, and keeps what it was asked.
async fn server(plays: Vec<Play>) -> (String, Heard) {
    let heard = Heard::default();
    let (kept, left) = (Arc::clone(&heard), Mutex::new(VecDeque::from(plays)));
    let address = peer(move |stream, request| {
        kept.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
        let play = if left.len() > 1 { left.pop_front().unwrap() } else { left[0].clone() };
        act(stream, play)
    })
    .await;
    (format!("http://{address}/v1/"), heard)
}

fn bodies(heard: &Heard) -> Vec<Value> {
    let heard = heard.lock().unwrap();
    heard.iter().map(|request| serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()).collect()
}

fn work(within: Duration) -> Work {
    let now = Timestamp::now();
    let lead = Lead {
        code: LeadCode::of(1),
        name: Some("Ada".to_owned()),
        email: Some("ada@example.com".to_owned()),
        phone_text: Some("612 345 678".to_owned()),
        raw_message: String::new(),
        dropped: false,
        ..Lead::none(LeadId::fresh(now), "form".to_owned(), now)
    };
    let job = Job {
        id: JobId::fresh(now),
        lead: lead.id,
        task: Task::Classify(ClassifyTask::default()),
        channel: Channel::new(Lane::Llm, "small"),
        priority: Priority::Normal,
        due_at: now,
        deadline_at: now.after(Duration::from_hours(24)),
        tries: 1,
        generation: 1,
        crashes: 0,
        created_at: now,
    };
    let hard_deadline = now.after(within);
    Work { job, lead, attempt: AttemptId(1), look_up_since: None, actions: Vec::new(), hard_deadline }
}

async fn run(plays: Vec<Play>, message: &str) -> (Report, Heard) {
    let (base, heard) = server(plays).await;
    let classifier = Classifier::new(Settings::example(&base), Wire::new());
    (classifier.classify(message, &work(Duration::from_mins(1))).await, heard)
}

fn word(report: &Report) -> &'static str {
    match &report.outcome {
        Outcome::Done(Done::Classified { label, by: ClassifiedBy::Llm }) => label.name(),
        Outcome::Failed(failure) => failure.fault.name(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_fault_of_a_model_has_its_class() {
    let good = || says("{\"classification\":\"SUPPORT_REQUEST\"}");
    let html = || Play::Say(200, "content-type: text/html\r\n", "<html>Welcome to the guest network</html>".to_owned());
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"choices\":";
    for (name, plays, want, calls) in [
        ("a good answer", vec![good()], "SUPPORT_REQUEST", 1),
        ("prose, then good", vec![says("This is SPAM."), good()], "SUPPORT_REQUEST", 2),
        ("prose for ever", vec![says("This is SPAM.")], "permanent", 2),
        ("unknown label for ever", vec![says("{\"classification\":\"COLD\"}")], "permanent", 2),
        ("HTML, then good", vec![html(), good()], "SUPPORT_REQUEST", 2),
        ("HTML for ever", vec![html()], "permanent", 2),
        ("prose, then down", vec![says("SPAM"), error(503, "", "overloaded")], "transient", 2),
        ("not HTTP", vec![Play::Raw("garbage\r\n\r\n")], "transient", 1),
        ("500", vec![error(500, "", "server_error")], "transient", 1),
        ("loading", vec![error(503, "", "Loading model")], "transient", 1),
        ("408", vec![error(408, "", "timeout")], "transient", 1),
        ("409", vec![error(409, "", "conflict")], "transient", 1),
        ("429 without Retry-After", vec![error(429, "", "rate_limit_exceeded")], "throttled", 1),
        ("429 with Retry-After", vec![error(429, "retry-after: 2\r\n", "rate_limit_exceeded")], "throttled", 1),
        ("429 out of quota", vec![error(429, "retry-after: 2\r\n", "insufficient_quota")], "auth", 1),
        ("401", vec![error(401, "", "invalid_api_key")], "auth", 1),
        ("403", vec![error(403, "", "unsupported_country")], "auth", 1),
        ("400", vec![error(400, "", "unknown_parameter")], "permanent", 1),
        ("404", vec![error(404, "", "model_not_found")], "auth", 1),
        ("reset before the answer", vec![Play::Reset], "transient", 1),
        ("cut off in the answer", vec![Play::Raw(cut)], "transient", 1),
    ] {
        let (report, heard) = run(plays, "Where is my parcel?").await;
        assert_eq!((word(&report), report.llm_calls.len()), (want, calls), "{name}: {:?}", report.outcome);
        assert_eq!(heard.lock().unwrap().len(), calls, "{name}");
        let last = report.llm_calls.last().unwrap();
        assert_eq!(last.label.is_some(), last.error.is_none(), "{name}");
        assert!(!format!("{report:?}").contains("hunter2"), "{name}: the key is in the report");
    }
}

#[tokio::test]
async fn a_hang_ends_at_the_timeout_and_the_first_one_may_be_longer() {
    let (base, heard) = server(vec![says("{\"classification\":\"SPAM\"}"), Play::Hang]).await;
    let settings = Settings { timeout: Duration::from_millis(100), ..Settings::example(&base) };
    let classifier = Classifier::new(settings, Wire::new());
    let work = work(Duration::from_mins(1));
    assert_eq!(word(&classifier.classify("x", &work).await), "SPAM", "the first call had the long timeout");
    let report = classifier.classify("x", &work).await;
    assert_eq!((word(&report), heard.lock().unwrap().len()), ("transient", 2));
    assert!(report.trace.latency < Duration::from_secs(10), "{:?}", report.trace.latency);
}

#[tokio::test]
async fn no_call_outlives_the_work() {
    let (base, _) = server(vec![Play::Hang]).await;
    let classifier = Classifier::new(Settings::example(&base), Wire::new());
    let report = classifier.classify("x", &work(Duration::from_millis(100))).await;
    assert!(word(&report) == "transient" && report.trace.latency < Duration::from_secs(10), "{report:?}");
}

#[tokio::test]
async fn the_call_is_told_exactly() {
    let message = "Call 612 345 678 or me@example.com: 50 units by 2026-12-01";
    let (report, heard) = run(vec![says("{\"classification\":\"URGENT_BUYER\"}")], message).await;
    let call = &report.llm_calls[0];
    let body = &bodies(&heard)[0];
    assert_eq!(body["messages"][0]["content"], call.system_prompt.as_str());
    assert_eq!(body["messages"][1]["content"], call.user_prompt.as_str());
    assert!(call.user_prompt.contains("\nCall [phone] or [email]: 50 units by 2026-12-01\n"), "{}", call.user_prompt);
    assert_eq!(call.answer.as_deref(), Some("{\"classification\":\"URGENT_BUYER\"}"));
    assert_eq!((call.prompt_tokens, call.completion_tokens), (Some(1_001), Some(9)));
    assert_eq!(call.cost_micros, Some(156), "150.15 + 5.4, rounded once");
    assert_eq!((call.request_id.as_deref(), call.error.as_deref()), (Some("req_1"), None));
    assert!(heard.lock().unwrap()[0].contains("authorization: Bearer sk-hunter2\r\n"));
    let trace = &report.trace;
    assert!(trace.request.as_ref().unwrap().ends_with("/v1/chat/completions"), "{trace:?}");
    assert_eq!((trace.status, trace.vendor_id.as_deref(), trace.response.as_ref()), (Some(200), Some("req_1"), None));
}

#[tokio::test]
async fn a_repair_holds_the_bad_answer() {
    let (report, heard) = run(vec![says("Hm, </message-1> SPAM"), says("{\"classification\":\"SPAM\"}")], "x").await;
    let messages = bodies(&heard)[1]["messages"].as_array().unwrap().clone();
    let roles: Vec<_> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    assert_eq!(messages[2]["content"], "Hm, ‹/message-1› SPAM");
    assert!(messages[3]["content"].as_str().unwrap().contains("was not exactly one JSON object"));
    let [bad, good] = &report.llm_calls[..] else { panic!("{report:?}") };
    assert_eq!(bad.answer.as_deref(), Some("Hm, </message-1> SPAM"), "kept as it came");
    assert!(bad.error.is_some() && good.error.is_none());
    assert!(good.user_prompt.starts_with(&bad.user_prompt) && good.user_prompt.contains("=== assistant\nHm"));
}

#[tokio::test]
async fn an_answer_cut_off_by_the_limit_gets_a_larger_one() {
    let cut = json!({"choices": [{"message": {"content": null}, "finish_reason": "length"}]}).to_string();
    let (report, heard) = run(vec![Play::Say(200, "", cut), says("{\"classification\":\"SPAM\"}")], "x").await;
    assert_eq!(word(&report), "SPAM");
    let limits: Vec<_> = bodies(&heard).iter().map(|body| body["max_completion_tokens"].clone()).collect();
    assert_eq!(limits, [512, 1_024]);
}

#[tokio::test]
async fn a_key_that_the_server_quotes_is_starred_out() {
    let (report, _) = run(vec![error(401, "", "bad key sk-hunter2")], "x").await;
    assert_eq!(word(&report), "auth");
    assert!(!format!("{report:?}").contains("hunter2"), "{report:?}");
}

#[tokio::test]
async fn a_probe_asks_for_the_list() {
    let models = |id: &str| Play::Say(200, "", json!({"object": "list", "data": [{"id": id}]}).to_string());
    for (name, play, want) in [
        ("listed", models("small"), Ok(Probe::Listed)),
        ("listed by Ollama", models("small:latest"), Ok(Probe::Listed)),
        ("not listed", models("large"), Ok(Probe::NotListed)),
        ("no list", Play::Say(404, "", String::new()), Ok(Probe::NoList)),
        ("another answer", Play::Say(200, "", "{}".to_owned()), Ok(Probe::NoList)),
        ("bad key", error(401, "", "invalid_api_key"), Err(Fault::Auth)),
        ("down", Play::Reset, Err(Fault::Transient)),
    ] {
        let (base, heard) = server(vec![play]).await;
        let got = Classifier::new(Settings::example(&base), Wire::new()).probe().await;
        assert_eq!(got.map_err(|failure| failure.fault), want, "{name}");
        assert!(heard.lock().unwrap()[0].starts_with("GET /v1/models HTTP/1.1\r\n"), "{name}");
    }
}
