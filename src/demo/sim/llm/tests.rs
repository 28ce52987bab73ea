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
