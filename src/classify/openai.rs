//! OpenAI's Chat Completions, also spoken by Ollama, llama.cpp, vLLM and most gateways: request, answer, errors. Pure.
//!
//! Called by way of `protocol`. The request holds nothing that the API doesn't list, because an unknown
//! key is a 400. Source: OpenAI's published API description (`/chat/completions`) and error guide; Retry-After and
//! `x-ratelimit-*` as the vendor's headers page has them.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::model::{Failure, Timestamp};
use crate::wire::{self, Answer};

use super::answer::{self, BadAnswer};
use super::protocol::{self, Completion, DEFAULT_PAUSE, Question, Refused, Said, Tokens, Turn};
use super::{Dialect, Role, Structured, TokenLimit};

/// Where questions go.
pub(super) const PATH: &str = "chat/completions";
/// The list of models.
pub(super) const MODELS: &str = "models";
/// The header that carries the vendor's id of a request.
pub(super) const REQUEST_ID: &str = "x-request-id";
/// Codes and types of a refusal that waiting doesn't cure hold one of these words.
const OUT_OF_MONEY: [&str; 4] = ["quota", "credit", "billing", "spend"];
/// What to try when a request isn't taken.
const CURE: &str =
    "the server does not take our request: try structured = \"json-object\" or the other token-limit-key";

/// The body of a request.
pub(super) fn request(dialect: Dialect, question: &Question<'_>) -> Value {
    let Question { model, system, turns, limit } = question;
    let role = match dialect.role {
        Role::System => "system",
        Role::Developer => "developer",
    };
    let mut messages = vec![json!({"role": role, "content": system})];
    messages.extend(turns.iter().map(Turn::message));
    let format = match dialect.structured {
        Structured::JsonSchema => json!({
            "type": "json_schema",
            "json_schema": {"name": "lead_classification", "strict": true, "schema": protocol::schema()},
        }),
        Structured::JsonObject => json!({"type": "json_object"}),
    };
    let limit_key = match dialect.token_limit {
        TokenLimit::MaxCompletionTokens => "max_completion_tokens",
        TokenLimit::MaxTokens => "max_tokens",
    };
    json!({"model": model, "messages": messages, "response_format": format, limit_key: limit})
}

/// Tokens as this API bills them. Local servers may leave either or both out.
#[derive(Default, Deserialize)]
struct Usage {
    prompt_tokens: Option<u32>,
    completion_tokens: Option<u32>,
}

#[derive(Deserialize)]
struct RawCompletion {
    choices: Vec<RawChoice>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct RawChoice {
    message: RawMessage,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct RawMessage {
    content: Option<String>,
    refusal: Option<String>,
}

/// Reads the body of a 2xx.
pub(super) fn completion(body: &str) -> Completion {
    let Ok(RawCompletion { choices, usage }) = serde_json::from_str(body) else {
        return Completion::none(Tokens::default());
    };
    let Usage { prompt_tokens: prompt, completion_tokens: completion } = usage.unwrap_or_default();
    let tokens = Tokens { prompt, completion };
    let Some(RawChoice { message, finish_reason }) = choices.into_iter().next() else {
        return Completion::none(tokens);
    };
    let refusal = message.refusal.filter(|words| !words.is_empty());
    let refused = refusal.is_some();
    let content = refusal.or(message.content);
    let label = match finish_reason.as_deref() {
        _ if refused => Err(BadAnswer::Refused),
        Some("stop") => answer::read(content.as_deref().unwrap_or("")),
        Some("length") => Err(BadAnswer::CutOff),
        Some("content_filter") => Err(BadAnswer::Refused),
        _ => Err(BadAnswer::Unfinished),
    };
    Completion { content, label, tokens }
}

/// The failure that an answer of another status than 2xx is.
pub(super) fn failure(answer: &Answer, now: Timestamp) -> Option<Failure> {
    let said = Said::of(&answer.body);
    let out_of_money = OUT_OF_MONEY.iter().any(|word| said.codes.contains(word));
    protocol::failure(answer, now, &Refused { said, out_of_money, pause: pause(answer, now), cure: CURE })
}

/// Whether the model listed as `id` answers to `model`. Ollama lists `name:latest` for what it also answers to as `name`.
pub(super) fn lists(id: &str, model: &str) -> bool {
    id.trim_end_matches(":latest") == model.trim_end_matches(":latest")
}

/// How long a rate limit lasts: Retry-After, else the reset of the limit that is used up, else a guess.
fn pause(answer: &Answer, now: Timestamp) -> Duration {
    let reset = |what: &str| {
        let remaining =
            answer.header(&format!("x-ratelimit-remaining-{what}")).and_then(|n| n.trim().parse::<u64>().ok());
        let reset = answer.header(&format!("x-ratelimit-reset-{what}")).and_then(span);
        reset.filter(|_| remaining.unwrap_or(0) == 0).map(|reset| reset.min(wire::LONGEST_WAIT))
    };
    wire::retry_after(answer, now).or_else(|| reset("requests").max(reset("tokens"))).unwrap_or(DEFAULT_PAUSE)
}

/// A duration as these headers have it: `6m0s`, `120ms`, `1.5s`, `1h2m`.
fn span(text: &str) -> Option<Duration> {
    let (mut total, mut rest) = (Duration::ZERO, text.trim());
    while !rest.is_empty() {
        let unit_on = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let number: f64 = rest.strip_suffix(unit_on)?.parse().ok()?;
        let next = unit_on.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let seconds = match unit_on.strip_suffix(next)? {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        total = total.saturating_add(Duration::try_from_secs_f64(number * seconds).ok()?);
        rest = next;
    }
    (!text.trim().is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fault, Label};

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Answer { status, headers, body: body.to_owned(), truncated: false, latency: Duration::ZERO }
    }

    #[test]
    fn the_request_is_what_the_api_lists() {
        let mut dialect = Dialect::example();
        let turns = [Turn::User("u".into()), Turn::Assistant("a".into()), Turn::User("r".into())];
        let strict = json!({
            "model": "small",
            "messages": [
                {"role": "system", "content": "s"},
                {"role": "user", "content": "u"},
                {"role": "assistant", "content": "a"},
                {"role": "user", "content": "r"},
            ],
            "response_format": {"type": "json_schema", "json_schema": {"name": "lead_classification", "strict": true, "schema": {
                "type": "object",
                "properties": {"classification": {"type": "string", "enum": ["URGENT_BUYER", "TIRE_KICKER", "SUPPORT_REQUEST", "SPAM"]}},
                "required": ["classification"],
                "additionalProperties": false,
            }}},
            "max_completion_tokens": 512,
        });
        let question = Question { model: "small", system: "s", turns: &turns, limit: 512 };
        assert_eq!(request(dialect, &question), strict);
        dialect.role = Role::Developer;
        dialect.structured = Structured::JsonObject;
        dialect.token_limit = TokenLimit::MaxTokens;
        let plain = json!({
            "model": "small",
            "messages": [{"role": "developer", "content": "s"}],
            "response_format": {"type": "json_object"},
            "max_tokens": 512,
        });
        assert_eq!(request(dialect, &Question { turns: &[], ..question }), plain);
    }

    #[test]
    fn completions() {
        let choice =
            |message: Value, finish: Value| json!({"choices": [{"message": message, "finish_reason": finish}]});
        let good = json!({"content": "{\"classification\":\"SPAM\"}"});
        for (name, body, want) in [
            ("stop", choice(good.clone(), json!("stop")), Ok(Label::Spam)),
            (
                "null refusal",
                choice(json!({"content": "{\"classification\":\"SPAM\"}", "refusal": null}), json!("stop")),
                Ok(Label::Spam),
            ),
            ("length", choice(good.clone(), json!("length")), Err(BadAnswer::CutOff)),
            ("empty by length", choice(json!({"content": null}), json!("length")), Err(BadAnswer::CutOff)),
            ("filter", choice(good.clone(), json!("content_filter")), Err(BadAnswer::Refused)),
            (
                "tool",
                choice(json!({"content": null, "tool_calls": [{}]}), json!("tool_calls")),
                Err(BadAnswer::Unfinished),
            ),
            ("no reason", choice(good, Value::Null), Err(BadAnswer::Unfinished)),
            ("refusal", choice(json!({"content": null, "refusal": "I can't"}), json!("stop")), Err(BadAnswer::Refused)),
            ("null content", choice(json!({"content": null}), json!("stop")), Err(BadAnswer::Empty)),
            ("no choice", json!({"choices": []}), Err(BadAnswer::NotACompletion)),
            ("other JSON", json!({"status": "ok"}), Err(BadAnswer::NotACompletion)),
        ] {
            assert_eq!(completion(&body.to_string()).label, want, "{name}");
        }
        assert_eq!(completion("<html>").label, Err(BadAnswer::NotACompletion));
        let billed = r#"{"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":5,"total_tokens":16}}"#;
        assert_eq!(completion(billed).tokens, Tokens { prompt: Some(11), completion: Some(5) });
        assert_eq!(completion(r#"{"choices":[],"usage":null}"#).tokens, Tokens::default());
    }

    #[test]
    fn errors_by_class() {
        let now = Timestamp::from_millis(0);
        let until = |ms| Fault::Throttled { until: Timestamp::from_millis(ms) };
        let coded =
            |code: &str| json!({"error": {"message": "m", "type": "t", "param": null, "code": code}}).to_string();
        for (name, status, headers, body, want) in [
            ("bad key", 401, vec![], coded("invalid_api_key"), Fault::Auth),
            ("country", 403, vec![], String::new(), Fault::Auth),
            ("no credit", 402, vec![], String::new(), Fault::Auth),
            ("quota", 429, vec![("retry-after", "1")], coded("insufficient_quota"), Fault::Auth),
            ("credit", 429, vec![], coded("credit_balance_exhausted"), Fault::Auth),
            ("quota by type", 429, vec![], r#"{"error":{"type":"insufficient_quota"}}"#.to_owned(), Fault::Auth),
            ("rate", 429, vec![], coded("rate_limit_exceeded"), until(20_000)),
            ("rate that says when", 429, vec![("retry-after", "3")], coded("slow_down"), until(3_000)),
            (
                "rate with reset",
                429,
                vec![("x-ratelimit-reset-requests", "1m2s")],
                coded("rate_limit_exceeded"),
                until(62_000),
            ),
            (
                "a reset of a year is a day",
                429,
                vec![("x-ratelimit-reset-tokens", "365d")],
                String::new(),
                until(86_400_000),
            ),
            (
                "the limit that is used up counts",
                429,
                vec![
                    ("x-ratelimit-remaining-requests", "40"),
                    ("x-ratelimit-reset-requests", "8h"),
                    ("x-ratelimit-remaining-tokens", "0"),
                    ("x-ratelimit-reset-tokens", "120ms"),
                ],
                String::new(),
                until(120),
            ),
            ("bad request", 400, vec![], coded("unknown_parameter"), Fault::Permanent),
            ("no such model", 404, vec![], r#"{"error":"model 'x' not found"}"#.to_owned(), Fault::Auth),
            ("no such place", 405, vec![], "<html>".to_owned(), Fault::Auth),
            ("too large", 413, vec![], String::new(), Fault::Permanent),
            ("unprocessable", 422, vec![], String::new(), Fault::Permanent),
            ("redirect", 302, vec![], String::new(), Fault::Auth),
            ("timeout", 408, vec![], String::new(), Fault::Transient),
            ("conflict", 409, vec![], String::new(), Fault::Transient),
            ("server", 500, vec![], "<html>".to_owned(), Fault::Transient),
            ("loading", 503, vec![], r#"{"error":{"message":"Loading model"}}"#.to_owned(), Fault::Transient),
            ("overloaded", 529, vec![], String::new(), Fault::Transient),
        ] {
            let failure = failure(&answer(status, &headers, &body), now).unwrap();
            assert_eq!(failure.fault, want, "{name}: {}", failure.reason);
        }
        assert_eq!(failure(&answer(200, &[], ""), now), None);
        let failure = failure(&answer(404, &[], r#"{"error":"model 'x' not found"}"#), now).unwrap();
        assert_eq!(failure.reason, "HTTP 404 (model 'x' not found)");
        assert!(failure.cure.unwrap().starts_with("llm base-url or model is wrong: "));
    }

    #[test]
    fn spans() {
        for (text, want_ms) in [
            ("6m0s", Some(360_000)),
            ("120ms", Some(120)),
            ("1.5s", Some(1_500)),
            ("1h0m30s", Some(3_630_000)),
            ("0s", Some(0)),
            ("", None),
            ("6", None),
            ("s", None),
            ("5 parsecs", None),
        ] {
            assert_eq!(span(text), want_ms.map(Duration::from_millis), "{text:?}");
        }
    }
}
