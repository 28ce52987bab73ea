//! Anthropic's Messages: request, answer, errors. Pure.
//!
//! Called by way of `protocol`. The answer is forced either by a schema for its text or by a tool that has to be called;
//! whichever comes back is read by the same strict rules. Thoughts beside it are left out.
//! Source: `MessageCreateParams` and `Message` of the vendor's Python client 2.12 and its page "Errors". That an empty
//! account and a spent limit are 400s is seen in `github.com/anthropics/claude-code` issues 66314 and 38038.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::model::{Failure, Label, Timestamp};
use crate::wire::{self, Answer, Call};

use super::Forced;
use super::answer::{self, BadAnswer};
use super::protocol::{self, Completion, DEFAULT_PAUSE, Question, Refused, Said, Tokens, Turn};

/// Where questions go.
pub(super) const PATH: &str = "messages";
/// The list of models, in one page: it has 20 a page unless asked for more, and at most 1,000.
pub(super) const MODELS: &str = "models?limit=1000";
/// The header that carries the vendor's id of a request.
pub(super) const REQUEST_ID: &str = "request-id";
/// The version of the API; it is required, and the one there has been since 2023.
const VERSION: &str = "2023-06-01";
/// The name of the tool.
const TOOL: &str = "classify";
/// What a refusal says that waiting doesn't cure. Its type is that of any bad request.
const OUT_OF_MONEY: [&str; 2] = ["credit balance is too low", "specified API usage limits"];
/// What to try when a request isn't taken.
const CURE: &str = "the server does not take our request: try the other of structured = \"json-schema\" and \"tool\"";

/// The call with the key and the version.
pub(super) fn keyed(call: Call, key: Option<&SecretString>) -> Call {
    let call = call.header("anthropic-version", VERSION);
    match key {
        Some(key) => call.secret("x-api-key", key.clone()),
        None => call,
    }
}

/// The body of a request.
pub(super) fn request(forced: Forced, question: &Question<'_>) -> Value {
    let Question { model, system, turns, limit } = question;
    let messages: Vec<Value> = turns.iter().map(Turn::message).collect();
    let schema = protocol::schema();
    match forced {
        Forced::Schema => json!({
            "model": model,
            "max_tokens": limit,
            "system": system,
            "messages": messages,
            "output_config": {"format": {"type": "json_schema", "schema": schema}},
        }),
        Forced::Tool => json!({
            "model": model,
            "max_tokens": limit,
            "system": system,
            "messages": messages,
            "tools": [{"name": TOOL, "description": "Takes the class of the message.", "input_schema": schema}],
            "tool_choice": {"type": "tool", "name": TOOL, "disable_parallel_tool_use": true},
        }),
    }
}

/// Tokens as this API bills them.
#[derive(Default, Deserialize)]
struct Usage {
    input_tokens: Option<u32>,
    output_tokens: Option<u32>,
}

#[derive(Deserialize)]
struct RawMessage {
    content: Vec<RawBlock>,
    stop_reason: Option<String>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct RawBlock {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    name: Option<String>,
    /// As it came, so that a key that stands there twice is seen.
    input: Option<Box<RawValue>>,
}

/// Reads the body of a 2xx.
pub(super) fn completion(body: &str) -> Completion {
    let Ok(RawMessage { content, stop_reason, usage }) = serde_json::from_str(body) else {
        return Completion::none(Tokens::default());
    };
    let Usage { input_tokens: prompt, output_tokens: completion } = usage.unwrap_or_default();
    let tokens = Tokens { prompt, completion };
    let texts: Vec<&str> = content.iter().filter(|block| block.kind == "text").filter_map(RawBlock::text).collect();
    let text = (!texts.is_empty()).then(|| texts.concat());
    let stopped = |why| Completion { content: text.clone(), label: Err(why), tokens };
    match stop_reason.as_deref() {
        Some("end_turn") => Completion { label: answer::read(text.as_deref().unwrap_or("")), content: text, tokens },
        Some("tool_use") => {
            let inputs: Vec<&str> = content.iter().filter_map(RawBlock::called_with).collect();
            let shown = if inputs.is_empty() { text.unwrap_or_default() } else { inputs.join("\n") };
            Completion { content: Some(shown), label: called(&content), tokens }
        }
        Some("max_tokens" | "model_context_window_exceeded") => stopped(BadAnswer::CutOff),
        Some("refusal") => stopped(BadAnswer::Refused),
        _ => stopped(BadAnswer::Unfinished),
    }
}

/// The label that our tool was called with: one call, and no other tool's.
fn called(content: &[RawBlock]) -> Result<Label, BadAnswer> {
    let mut calls = content.iter().filter(|block| block.kind == "tool_use");
    match (calls.next(), calls.next()) {
        (Some(call), None) if call.name.as_deref() == Some(TOOL) => {
            answer::read_bare(call.called_with().unwrap_or_default())
        }
        (Some(_), Some(_)) => Err(BadAnswer::NotJson),
        _ => Err(BadAnswer::Unfinished),
    }
}

impl RawBlock {
    fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    fn called_with(&self) -> Option<&str> {
        self.input.as_deref().map(RawValue::get).filter(|_| self.kind == "tool_use")
    }
}

/// The failure that an answer of another status than 2xx is.
pub(super) fn failure(answer: &Answer, now: Timestamp) -> Option<Failure> {
    let said = Said::of(&answer.body);
    let out_of_money = said.codes == "billing_error" || OUT_OF_MONEY.iter().any(|words| said.message.contains(words));
    let pause = wire::retry_after(answer, now).unwrap_or(DEFAULT_PAUSE);
    protocol::failure(answer, now, &Refused { said, out_of_money, pause, cure: CURE })
}

/// The id of a request in the body of an error.
pub(super) fn request_id(body: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Marked {
        request_id: String,
    }
    serde_json::from_str(body).ok().map(|Marked { request_id }| request_id)
}

/// Whether the model listed as `id` answers to `model`. Aliases aren't listed: what they stand for is, with its date.
pub(super) fn lists(id: &str, model: &str) -> bool {
    let is_date = |text: &str| text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    let dated = id.strip_prefix(model.trim_end_matches("-latest")).and_then(|rest| rest.strip_prefix('-'));
    id == model || dated.is_some_and(is_date)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::Fault;

    fn said(stop: &str, content: &Value) -> Result<Label, BadAnswer> {
        completion(&json!({"type": "message", "content": content, "stop_reason": stop}).to_string()).label
    }

    #[test]
    fn messages() {
        let text = |text: &str| json!({"type": "text", "text": text});
        let call = |name: &str, input: Value| json!({"type": "tool_use", "id": "t", "name": name, "input": input});
        let spam = json!({"classification": "SPAM"});
        let good = text("{\"classification\":\"SPAM\"}");
        let thought = json!({"type": "thinking", "thinking": "{\"classification\":\"TIRE_KICKER\"}", "signature": "s"});
        for (name, stop, content, want) in [
            ("text", "end_turn", json!([good]), Ok(Label::Spam)),
            ("thought before it", "end_turn", json!([thought, good]), Ok(Label::Spam)),
            ("text in pieces", "end_turn", json!([text("{\"classification\":"), text("\"SPAM\"}")]), Ok(Label::Spam)),
            ("two objects", "end_turn", json!([good, good]), Err(BadAnswer::NotJson)),
            ("prose", "end_turn", json!([text("It is SPAM.")]), Err(BadAnswer::NotJson)),
            ("nothing", "end_turn", json!([]), Err(BadAnswer::Empty)),
            ("only a thought", "end_turn", json!([thought]), Err(BadAnswer::Empty)),
            ("tool", "tool_use", json!([call("classify", spam.clone())]), Ok(Label::Spam)),
            ("words before it", "tool_use", json!([text("I see."), call("classify", spam.clone())]), Ok(Label::Spam)),
            (
                "two calls",
                "tool_use",
                json!([call("classify", spam.clone()), call("classify", spam.clone())]),
                Err(BadAnswer::NotJson),
            ),
            ("another tool", "tool_use", json!([call("search", spam.clone())]), Err(BadAnswer::Unfinished)),
            ("no call", "tool_use", json!([good]), Err(BadAnswer::Unfinished)),
            ("a list", "tool_use", json!([call("classify", json!(["SPAM"]))]), Err(BadAnswer::NotJson)),
            (
                "a text as input",
                "tool_use",
                json!([call("classify", json!("{\"classification\":\"SPAM\"}"))]),
                Err(BadAnswer::NotJson),
            ),
            (
                "two keys",
                "tool_use",
                json!([call("classify", json!({"classification": "SPAM", "why": "x"}))]),
                Err(BadAnswer::WrongShape),
            ),
            ("call that is no end", "end_turn", json!([call("classify", spam)]), Err(BadAnswer::Empty)),
            ("cut off", "max_tokens", json!([good]), Err(BadAnswer::CutOff)),
            ("no room", "model_context_window_exceeded", json!([]), Err(BadAnswer::CutOff)),
            ("refusal", "refusal", json!([good]), Err(BadAnswer::Refused)),
            ("pause", "pause_turn", json!([good]), Err(BadAnswer::Unfinished)),
            ("stop sequence", "stop_sequence", json!([good]), Err(BadAnswer::Unfinished)),
        ] {
            assert_eq!(said(stop, &content), want, "{name}");
        }
        let twice = r#"{"content":[{"type":"tool_use","name":"classify","input":{"classification":"SPAM","classification":"SPAM"}}],"stop_reason":"tool_use"}"#;
        assert_eq!(completion(twice).label, Err(BadAnswer::WrongShape));
        for body in ["<html>", "{}", r#"{"content":"SPAM","stop_reason":"end_turn"}"#, r#"{"type":"error","error":{}}"#]
        {
            assert_eq!(completion(body).label, Err(BadAnswer::NotACompletion), "{body}");
        }
        let billed = r#"{"content":[],"stop_reason":"end_turn","usage":{"input_tokens":11,"output_tokens":5}}"#;
        assert_eq!(completion(billed).tokens, Tokens { prompt: Some(11), completion: Some(5) });
    }

    #[test]
    fn errors_by_class() {
        let now = Timestamp::from_millis(0);
        let until = |ms| Fault::Throttled { until: Timestamp::from_millis(ms) };
        let no_credit = "Your credit balance is too low to access the Anthropic API.";
        let spent =
            "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.";
        for (status, kind, message, after, want) in [
            (400, "invalid_request_error", "max_tokens: Field required", None, Fault::Permanent),
            (400, "invalid_request_error", no_credit, None, Fault::Auth),
            (400, "invalid_request_error", spent, None, Fault::Auth),
            (401, "authentication_error", "invalid x-api-key", None, Fault::Auth),
            (402, "billing_error", "no", None, Fault::Auth),
            (403, "permission_error", "no", None, Fault::Auth),
            (404, "not_found_error", "model: claude-x", None, Fault::Auth),
            (408, "timeout_error", "no", None, Fault::Transient),
            (409, "conflict_error", "no", None, Fault::Transient),
            (413, "request_too_large", "no", None, Fault::Permanent),
            (429, "rate_limit_error", "no", None, until(20_000)),
            (429, "rate_limit_error", "no", Some("7"), until(7_000)),
            (429, "billing_error", "no", Some("7"), Fault::Auth),
            (500, "api_error", "no", None, Fault::Transient),
            (504, "timeout_error", "no", None, Fault::Transient),
            (529, "overloaded_error", "Overloaded", None, Fault::Transient),
        ] {
            let headers = after.map(|after| ("retry-after".to_owned(), after.to_owned())).into_iter().collect();
            let body = json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"});
            let answer = Answer { status, headers, body: body.to_string(), truncated: false, latency: Duration::ZERO };
            let failure = failure(&answer, now).unwrap();
            assert_eq!(failure.fault, want, "{status} {kind}");
            assert_eq!(failure.reason, format!("HTTP {status} ({kind}: {message})"));
            assert_eq!(failure.cure.is_none(), status >= 500, "{status} {kind}: {:?}", failure.cure);
            assert_eq!(request_id(&answer.body).as_deref(), Some("req_1"));
        }
        assert_eq!(request_id("<html>"), None);
    }

    #[test]
    fn aliases_are_what_they_stand_for() {
        for (id, model, want) in [
            ("claude-haiku-4-5-20251001", "claude-haiku-4-5-20251001", true),
            ("claude-haiku-4-5-20251001", "claude-haiku-4-5", true),
            ("claude-haiku-4-5-20251001", "claude-haiku-4-5-latest", true),
            ("claude-haiku-4-5-20251001", "claude-haiku-4", false),
            ("claude-haiku-4-5", "claude-haiku-4", false),
            ("claude-haiku-4-5", "claude-haiku-4-5-20251001", false),
        ] {
            assert_eq!(lists(id, model), want, "{id} {model}");
        }
    }
}
