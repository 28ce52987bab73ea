//! The requests the model server refuses, and what it says to good ones.

use serde_json::{Value, json};

use super::super::http::Sim;
use super::super::tests::{Asked, ask};
use super::*;

fn good() -> Value {
    json!({
        "model": "gpt-4.1-mini",
        "messages": [
            { "role": "system", "content": "Answer ONLY with a JSON object." },
            { "role": "user", "content": "I need a quote for 50 units by tomorrow" },
        ],
        "response_format": { "type": "json_schema", "json_schema": { "name": "lead_classification", "strict": true,
            "schema": { "type": "object", "required": ["classification"], "additionalProperties": false,
                        "properties": { "classification": { "type": "string", "enum": ["URGENT_BUYER"] } } } } },
        "max_completion_tokens": 50,
    })
}

async fn post(sim: &Sim<Llm>, body: &Value, key: &str) -> Asked {
    let authorization = format!("Bearer {key}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    ask(&sim.base_url(), "POST", "/chat/completions", &headers, &body.to_string()).await
}

#[tokio::test]
async fn a_good_request_is_answered_by_the_rules() {
    let sim = Sim::spawn(Llm::new("sk-test")).await.unwrap();
    let got = post(&sim, &good(), "sk-test").await;
    assert_eq!(got.status, 200);
    let choice = &got.json()["choices"][0];
    assert_eq!(choice["finish_reason"], "stop");
    assert_eq!(choice["message"]["content"], r#"{"classification":"URGENT_BUYER"}"#);
    assert!(got.json()["usage"]["total_tokens"].as_u64() > Some(0));
    assert!(got.head.contains("x-request-id: req_sim"));
    assert!(sim.violations().is_empty());
    assert_eq!(post(&sim, &good(), "sk-other").await.json()["error"]["code"], "invalid_api_key");
}

#[tokio::test]
async fn client_mistakes_are_refused_and_remembered() {
    let set = |pointer: &str, value: Value| {
        let mut body = good();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[key] = value;
        body
    };
    let without = |parent: &str, key: &str| {
        let mut body = good();
        body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
        body
    };
    let schema = "/response_format/json_schema/schema";
    let json_mode = json!({ "model": "m", "messages": [{ "role": "user", "content": "classify" }],
                            "response_format": { "type": "json_object" } });
    for (name, body) in [
        ("unknown key", set("/idempotency_key", json!("x"))),
        ("no model", without("", "model")),
        ("no messages", set("/messages", json!([]))),
        ("unknown role", set("/messages", json!([{ "role": "human", "content": "hi" }]))),
        ("content not text", set("/messages", json!([{ "role": "user", "content": 7 }]))),
        ("strict without additionalProperties", without(schema, "additionalProperties")),
        ("strict with additionalProperties true", set(&format!("{schema}/additionalProperties"), json!(true))),
        ("strict without required", set(&format!("{schema}/required"), json!([]))),
        ("root is no object", set(&format!("{schema}/type"), json!("string"))),
        ("name with a space", set("/response_format/json_schema/name", json!("lead class"))),
        ("name too long", set("/response_format/json_schema/name", json!("n".repeat(65)))),
        ("json mode without the word", json_mode),
        ("temperature out of range", set("/temperature", json!(3))),
        ("max_tokens for a reasoning model", {
            let mut body = without("", "max_completion_tokens");
            body["model"] = json!("gpt-5-mini");
            body["max_tokens"] = json!(50);
            body
        }),
        ("temperature for a reasoning model", {
            let mut body = set("/model", json!("o4-mini"));
            body["temperature"] = json!(0);
            body
        }),
    ] {
        let sim = Sim::spawn(Llm::new("k")).await.unwrap();
        assert_eq!(post(&sim, &body, "k").await.status, 400, "{name}");
        assert_eq!(sim.violations().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn local_servers_need_no_key_and_differ_in_schemas() {
    let refuses = Sim::spawn(Llm::new("k").flavour(Flavour::RefusesSchema)).await.unwrap();
    assert_eq!(post(&refuses, &good(), "any").await.status, 400);
    assert!(refuses.violations().is_empty(), "a missing feature is nobody's mistake");
    let ignores = Sim::spawn(Llm::new("k").flavour(Flavour::IgnoresSchema)).await.unwrap();
    let content = |asked: Asked| asked.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    assert!(content(post(&ignores, &good(), "any").await).starts_with("```json"));
    let mut repair = good();
    let turns = repair["messages"].as_array_mut().unwrap();
    turns.push(json!({ "role": "assistant", "content": "```" }));
    turns.push(json!({ "role": "user", "content": "Only the object, please." }));
    assert_eq!(content(post(&ignores, &repair, "any").await), r#"{"classification":"URGENT_BUYER"}"#);
}

#[tokio::test]
async fn it_says_what_it_is_told_to() {
    let sim = Sim::spawn(Llm::new("k").saying("50 units", Says::Label("SPAM".into()))).await.unwrap();
    let choice = async || post(&sim, &good(), "k").await.json()["choices"][0].clone();
    assert_eq!(choice().await["message"]["content"], r#"{"classification":"SPAM"}"#);
    let mut marked = good();
    marked["messages"][1]["content"] =
        json!("<message-7>\n....\n</message-7>\n\nI need a quote by tomorrow was not in it.");
    let content = post(&sim, &marked, "k").await.json()["choices"][0]["message"]["content"].clone();
    assert_eq!(content, r#"{"classification":"SPAM"}"#, "words around the marked message don't count");
    sim.say("50 units", Says::CutOff);
    assert_eq!(choice().await["finish_reason"], "length");
    sim.say("50 units", Says::Refusal("no".into()));
    assert_eq!(choice().await["message"]["refusal"], "no");
    sim.misbehave();
    assert!(choice().await["message"]["content"].as_str().unwrap().starts_with("Certainly"));
}

fn good_message() -> Value {
    json!({
        "model": "claude-haiku-4-5",
        "max_tokens": 50,
        "system": "Answer ONLY with a JSON object.",
        "messages": [{ "role": "user", "content": "I need a quote for 50 units by tomorrow" }],
        "output_config": { "format": { "type": "json_schema", "schema": class_schema() } },
    })
}

fn class_schema() -> Value {
    json!({ "type": "object", "required": ["classification"], "additionalProperties": false,
            "properties": { "classification": { "type": "string", "enum": ["URGENT_BUYER"] } } })
}

/// The same by a tool.
fn good_call() -> Value {
    let mut body = good_message();
    body.as_object_mut().unwrap().remove("output_config").unwrap();
    body["tools"] = json!([{ "name": "classify", "input_schema": class_schema() }]);
    body["tool_choice"] = json!({ "type": "tool", "name": "classify" });
    body
}

async fn anthropic() -> Sim<Llm> {
    Sim::spawn(Llm::new("k").flavour(Flavour::Anthropic)).await.unwrap()
}

async fn post_message(sim: &Sim<Llm>, body: &Value, headers: &[(&str, &str)]) -> Asked {
    let headers = [headers, &[("content-type", "application/json")]].concat();
    ask(&sim.base_url(), "POST", "/messages", &headers, &body.to_string()).await
}

const KEYED: [(&str, &str); 2] = [("x-api-key", "k"), ("anthropic-version", "2023-06-01")];

#[tokio::test]
async fn anthropic_answers_by_text_or_by_tool() {
    let sim = anthropic().await;
    let text = post_message(&sim, &good_message(), &KEYED).await.json();
    assert_eq!(text["content"], json!([{ "type": "text", "text": r#"{"classification":"URGENT_BUYER"}"# }]));
    assert_eq!((&text["stop_reason"], text["usage"]["input_tokens"].as_u64() > Some(0)), (&json!("end_turn"), true));
    let call = post_message(&sim, &good_call(), &KEYED).await;
    assert!(call.head.contains("request-id: req_sim"), "{}", call.head);
    assert_eq!(call.json()["content"][0]["input"], json!({ "classification": "URGENT_BUYER" }));
    assert_eq!(call.json()["stop_reason"], "tool_use");
    assert_eq!(sim.violations(), Vec::<String>::new());
    let wrong = post_message(&sim, &good_message(), &[("x-api-key", "other"), KEYED[1]]).await;
    assert_eq!((wrong.status, &wrong.json()["error"]["type"]), (401, &json!("authentication_error")));
    assert_eq!(sim.violations(), Vec::<String>::new(), "a wrong key is nobody's mistake");
    assert_eq!(post_message(&sim, &good_message(), &KEYED[..1]).await.status, 400);
    assert_eq!(sim.violations().len(), 1, "the version is required");
}

#[tokio::test]
async fn anthropic_refuses_the_clients_mistakes_and_remembers_them() {
    let set = |body: Value, pointer: &str, value: Value| {
        let mut body = body;
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[key] = value;
        body
    };
    let without = |body: Value, parent: &str, key: &str| {
        let mut body = body;
        body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
        body
    };
    let (text, tool) = (good_message, good_call);
    let schema = "/output_config/format/schema";
    let turns = |turns: Value| set(text(), "/messages", turns);
    for (name, body) in [
        ("unknown key", set(text(), "/response_format", json!({}))),
        ("temperature", set(text(), "/temperature", json!(0))),
        ("no model", without(text(), "", "model")),
        ("no max_tokens", without(text(), "", "max_tokens")),
        ("no limit at all", set(text(), "/max_tokens", json!(0))),
        ("no messages", turns(json!([]))),
        ("system as a role", turns(json!([{ "role": "system", "content": "x" }]))),
        ("the model first", turns(json!([{ "role": "assistant", "content": "x" }]))),
        ("the model last", turns(json!([{ "role": "user", "content": "x" }, { "role": "assistant", "content": "{" }]))),
        ("an empty turn", turns(json!([{ "role": "user", "content": " " }]))),
        ("a key too many in a turn", turns(json!([{ "role": "user", "content": "x", "name": "Ada" }]))),
        ("a schema with a name", set(text(), "/output_config/format/name", json!("x"))),
        ("a format of another type", set(text(), "/output_config/format/type", json!("json_object"))),
        ("an open schema", without(text(), schema, "additionalProperties")),
        ("a tool with parameters", set(tool(), "/tools/0/parameters", json!({}))),
        ("a tool without a schema", without(tool(), "/tools/0", "input_schema")),
        ("a tool with a space", set(tool(), "/tools/0/name", json!("a b"))),
        ("a choice of no tool", set(tool(), "/tool_choice/name", json!("other"))),
        ("a choice as a text", set(tool(), "/tool_choice", json!("classify"))),
    ] {
        let sim = anthropic().await;
        let got = post_message(&sim, &body, &KEYED).await;
        assert_eq!((got.status, sim.violations().len()), (400, 1), "{name}: {}", got.body);
        assert_eq!(got.json()["error"]["type"], "invalid_request_error", "{name}");
    }
}
