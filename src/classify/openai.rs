//! OpenAI's Chat Completions, also spoken by Ollama, llama.cpp, vLLM and most gateways: request, answer, errors. Pure.
//!
//! Called by `Classifier`, which does the sending. The request holds nothing that the API doesn't list, because an unknown
//! key is a 400. Source: OpenAI's published API description (`/chat/completions`) and error guide; Retry-After and
//! `x-ratelimit-*` as the vendor's headers page has them.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::model::{Failure, Fault, Label, Timestamp};
use crate::wire::{self, Answer};

use super::answer::{self, BadAnswer};
use super::{Role, Settings, Structured, TokenLimit};

/// The header that carries the vendor's id of a request.
pub(super) const REQUEST_ID: &str = "x-request-id";
/// The pause after a 429 that names none: long enough for a window of tokens per minute to move.
const DEFAULT_PAUSE: Duration = Duration::from_secs(20);
/// Codes and types of a 429 that waiting doesn't cure hold one of these words.
const OUT_OF_MONEY: [&str; 4] = ["quota", "credit", "billing", "spend"];
/// A vendor's message is quoted so far in a reason.
const QUOTED_CHARS: usize = 300;

/// One turn of a conversation after the instructions.
pub(super) enum Turn {
    /// What we say.
    User(String),
    /// What the model said.
    Assistant(String),
}

/// The body of a request.
pub(super) fn request(settings: &Settings, system: &str, turns: &[Turn], limit: u32) -> Value {
    let role = match settings.role {
        Role::System => "system",
        Role::Developer => "developer",
    };
    let mut messages = vec![json!({"role": role, "content": system})];
    messages.extend(turns.iter().map(|turn| match turn {
        Turn::User(text) => json!({"role": "user", "content": text}),
        Turn::Assistant(text) => json!({"role": "assistant", "content": text}),
    }));
    let format = match settings.structured {
        Structured::JsonSchema => json!({"type": "json_schema", "json_schema": schema()}),
        Structured::JsonObject => json!({"type": "json_object"}),
    };
    let limit_key = match settings.token_limit {
        TokenLimit::MaxCompletionTokens => "max_completion_tokens",
        TokenLimit::MaxTokens => "max_tokens",
    };
    json!({"model": settings.model, "messages": messages, "response_format": format, limit_key: limit})
}

fn schema() -> Value {
    let labels = Label::ALL.map(Label::name);
    json!({
        "name": "lead_classification",
        "strict": true,
        "schema": {
            "type": "object",
            "properties": {"classification": {"type": "string", "enum": labels}},
            "required": ["classification"],
            "additionalProperties": false,
        },
    })
}

/// What a 200 came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Completion {
    /// What the model said, or declined with.
    pub(super) content: Option<String>,
    /// The label in it.
    pub(super) label: Result<Label, BadAnswer>,
    /// What it took.
    pub(super) tokens: Tokens,
}

/// Tokens as billed. Local servers may leave either or both out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Tokens {
    /// Of the prompt.
    #[serde(rename = "prompt_tokens")]
    pub(super) prompt: Option<u32>,
    /// Of the answer, thoughts included.
    #[serde(rename = "completion_tokens")]
    pub(super) completion: Option<u32>,
}

#[derive(Deserialize)]
struct RawCompletion {
    choices: Vec<RawChoice>,
    usage: Option<Tokens>,
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
        return Completion { content: None, label: Err(BadAnswer::NotACompletion), tokens: Tokens::default() };
    };
    let tokens = usage.unwrap_or_default();
    let Some(RawChoice { message, finish_reason }) = choices.into_iter().next() else {
        return Completion { content: None, label: Err(BadAnswer::NotACompletion), tokens };
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
    let fault = wire::status_fault(answer, true, now, DEFAULT_PAUSE)?;
    let error = Said::of(&answer.body);
    let reason = format!("HTTP {}{}", answer.status, error.quoted());
    let (fault, cure) = match answer.status {
        429 if error.out_of_money() => (Fault::Auth, "the account has no credit left: top it up or raise its limit"),
        429 => (Fault::Throttled { until: now.after(pause(answer, now)) }, "raise the account's rate limit"),
        402 => (Fault::Auth, "the account has no credit left: top it up or raise its limit"),
        401 | 403 => (Fault::Auth, "check the model's API key and what it may use"),
        409 => (Fault::Transient, "nothing: it is tried again"),
        // Every lead would meet the same: that is no lead's fault, so none is buried for it.
        300..400 => {
            (Fault::Auth, "llm base-url or model is wrong: it redirects; write where it leads to, then restart")
        }
        404 | 405 => (Fault::Auth, "llm base-url or model is wrong: check both, then restart; waiting jobs go on"),
        400..500 => (
            fault,
            "the server does not take our request: try structured = \"json-object\" or the other token-limit-key",
        ),
        _ => return Some(Failure::new(fault, reason)),
    };
    Some(Failure::new(fault, reason).cure(cure))
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

/// What an error body says: `{"error":{"message","type","code"}}`, or the bare `{"error":"…"}` of Ollama.
struct Said {
    message: String,
    codes: String,
}

impl Said {
    fn of(body: &str) -> Self {
        let value: Value = serde_json::from_str(body).unwrap_or_default();
        let error = value.get("error").unwrap_or(&Value::Null);
        let field = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or("");
        let message = error.as_str().unwrap_or_else(|| field("message")).to_owned();
        Self { message, codes: format!("{} {}", field("code"), field("type")).trim().to_owned() }
    }

    fn out_of_money(&self) -> bool {
        OUT_OF_MONEY.iter().any(|word| self.codes.contains(word))
    }

    fn quoted(&self) -> String {
        let parts = [self.codes.as_str(), self.message.as_str()];
        let said = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
        let said: String = said.chars().filter(|c| !c.is_control()).take(QUOTED_CHARS).collect();
        if said.is_empty() { said } else { format!(" ({said})") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Answer { status, headers, body: body.to_owned(), truncated: false, latency: Duration::ZERO }
    }

    #[test]
    fn the_request_is_what_the_api_lists() {
        let mut settings = Settings::example("http://127.0.0.1:1/v1");
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
        assert_eq!(request(&settings, "s", &turns, 512), strict);
        settings.role = Role::Developer;
        settings.structured = Structured::JsonObject;
        settings.token_limit = TokenLimit::MaxTokens;
        let plain = json!({
            "model": "small",
            "messages": [{"role": "developer", "content": "s"}],
            "response_format": {"type": "json_object"},
            "max_tokens": 512,
        });
        assert_eq!(request(&settings, "s", &[], 512), plain);
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
