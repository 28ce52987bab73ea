//! Which requests the simulated model server refuses that speaks OpenAI's protocol.
//!
//! The keys, types and limits are those of `CreateChatCompletionRequest` in OpenAI's published `OpenAPI` file; the rules
//! of strict schemas (every property required, `additionalProperties: false` at every level) are those of its guide to
//! structured outputs. A refusal here is always the client's mistake, except where a local server lacks a feature.

use serde_json::{Map, Value};

use super::super::http::{Answer, Seen};
use super::{Flavour, error_answer};

/// Every key a request may have.
const KEYS: [&str; 37] = [
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];

/// What the model has to know of a good request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) model: String,
    /// The first user message: the lead. Later ones ask for a repair.
    pub(super) message: String,
    pub(super) user_turns: usize,
    /// The key the answer's object has to have.
    pub(super) key: String,
}

/// Why a request is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    message: String,
    param: Option<&'static str>,
    blame: bool,
}

impl Refusal {
    fn bad(param: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, message: message.into(), param: Some(param), blame: true }
    }

    pub(super) fn answer(self) -> Answer {
        let answer = error_answer(self.status, &self.message, self.param, None);
        if self.blame { answer.mistake(self.message) } else { answer }
    }
}

/// Reads a request, or says why not.
pub(super) fn request(seen: &Seen, flavour: Flavour) -> Result<Request, Refusal> {
    if !seen.is_of_type("application/json") {
        return Err(Refusal { status: 415, ..Refusal::bad("content-type", "Unsupported content type.") });
    }
    let body: Map<String, Value> = serde_json::from_str(&seen.body)
        .map_err(|_| Refusal::bad("body", "We could not parse the JSON body of your request."))?;
    if let Some(unknown) = body.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(Refusal::bad("body", format!("Unrecognized request argument supplied: {unknown}")));
    }
    let model = body.get("model").and_then(Value::as_str).filter(|name| !name.is_empty());
    let model = model.ok_or_else(|| Refusal::bad("model", "you must provide a model parameter"))?.to_owned();
    limits(&body, &model)?;
    let users = messages(&body, flavour)?;
    let key = format(&body, flavour)?;
    let message =
        users.first().map(|turn| inside(turn).to_owned()).ok_or_else(|| Refusal::bad("messages", "no user message"))?;
    Ok(Request { model, message, user_turns: users.len(), key })
}

/// What stands between `<name>` and `</name>`, if the turn begins like that: the data, without the words around it.
pub(super) fn inside(turn: &str) -> &str {
    let marked = || {
        let (name, rest) = turn.strip_prefix('<')?.split_once('>')?;
        rest.split_once(&format!("</{name}>")).map(|(data, _)| data)
    };
    marked().unwrap_or(turn)
}

/// Checks the turns; gives those of the user.
fn messages(body: &Map<String, Value>, flavour: Flavour) -> Result<Vec<String>, Refusal> {
    let turns = body.get("messages").and_then(Value::as_array).filter(|turns| !turns.is_empty());
    let turns = turns.ok_or_else(|| Refusal::bad("messages", "messages must be a non-empty array"))?;
    let mut users = Vec::new();
    for turn in turns {
        let role = turn.get("role").and_then(Value::as_str).unwrap_or_default();
        let known =
            matches!(role, "system" | "user" | "assistant") || (role == "developer" && flavour == Flavour::OpenAi);
        if !known {
            return Err(Refusal::bad("messages", format!("'{role}' is not one of the roles")));
        }
        let content = turn.get("content").and_then(Value::as_str);
        let content = content.ok_or_else(|| Refusal::bad("messages", "content must be a string"))?;
        let extra = turn.as_object().into_iter().flat_map(Map::keys).find(|key| {
            !(matches!(key.as_str(), "role" | "content" | "name") || role == "assistant" && *key == "refusal")
        });
        if let Some(extra) = extra {
            return Err(Refusal::bad("messages", format!("Unknown parameter: 'messages[].{extra}'")));
        }
        if role == "user" {
            users.push(content.to_owned());
        }
    }
    Ok(users)
}

/// The numbers' ranges, and what reasoning models don't take.
fn limits(body: &Map<String, Value>, model: &str) -> Result<(), Refusal> {
    let present = |key: &str| body.get(key).filter(|value| !value.is_null());
    for (key, low, high) in [
        ("temperature", 0.0, 2.0),
        ("top_p", 0.0, 1.0),
        ("frequency_penalty", -2.0, 2.0),
        ("presence_penalty", -2.0, 2.0),
        ("n", 1.0, 128.0),
        ("max_completion_tokens", 1.0, f64::MAX),
        ("max_tokens", 1.0, f64::MAX),
    ] {
        if present(key).is_some_and(|value| !value.as_f64().is_some_and(|n| (low..=high).contains(&n))) {
            return Err(Refusal::bad("body", format!("Invalid value for '{key}'")));
        }
    }
    for key in ["n", "max_completion_tokens", "max_tokens", "seed"] {
        if present(key).is_some_and(|value| value.as_i64().is_none()) {
            return Err(Refusal::bad("body", format!("Invalid type for '{key}': expected an integer")));
        }
    }
    if present("stream").is_some_and(|value| *value != Value::Bool(false)) {
        return Err(Refusal::bad("stream", "this server does not stream"));
    }
    if present("max_tokens").is_some() && present("max_completion_tokens").is_some() {
        return Err(Refusal::bad("max_tokens", "max_tokens and max_completion_tokens exclude each other"));
    }
    let reasoning = model.starts_with("gpt-5")
        || (model.starts_with('o') && model.chars().nth(1).is_some_and(|c| c.is_ascii_digit()));
    if reasoning && present("max_tokens").is_some() {
        let message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
        return Err(Refusal::bad("max_tokens", message));
    }
    if reasoning && present("temperature").is_some_and(|value| value.as_f64() != Some(1.0)) {
        return Err(Refusal::bad("temperature", "Only the default (1) value is supported with this model."));
    }
    Ok(())
}

/// Checks `response_format`; gives the key of the object that is asked for.
fn format(body: &Map<String, Value>, flavour: Flavour) -> Result<String, Refusal> {
    let usual = || "classification".to_owned();
    let Some(format) = body.get("response_format").filter(|_| flavour != Flavour::IgnoresSchema) else {
        return Ok(usual());
    };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(usual()),
        Some("json_object") => {
            let text = body.get("messages").map(Value::to_string).unwrap_or_default();
            if text.to_lowercase().contains("json") {
                return Ok(usual());
            }
            let message =
                "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.";
            Err(Refusal::bad("messages", message))
        }
        Some("json_schema") if flavour == Flavour::RefusesSchema => {
            let message = "'response_format.type' must be 'json_object' or 'text'";
            Err(Refusal { blame: false, ..Refusal::bad("response_format", message) })
        }
        Some("json_schema") => schema(format.get("json_schema").unwrap_or(&Value::Null)),
        _ => Err(Refusal::bad("response_format", "Invalid value for 'response_format.type'")),
    }
}

fn schema(format: &Value) -> Result<String, Refusal> {
    let bad = |message: String| Refusal::bad("response_format", message);
    let name = format.get("name").and_then(Value::as_str).unwrap_or_default();
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > 64 || !name.chars().all(good) {
        return Err(bad(format!("Invalid 'response_format.json_schema.name': '{name}'")));
    }
    let keys = format.as_object().into_iter().flat_map(Map::keys);
    for key in keys {
        if !matches!(key.as_str(), "name" | "description" | "schema" | "strict") {
            return Err(bad(format!("Unknown parameter: 'response_format.json_schema.{key}'")));
        }
    }
    let schema = format.get("schema").ok_or_else(|| bad("Missing 'response_format.json_schema.schema'".into()))?;
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err(bad("schema must be of 'type: \"object\"'".into()));
    }
    if format.get("strict").and_then(Value::as_bool) == Some(true) {
        strict(schema).map_err(|why| bad(format!("Invalid schema for response_format '{name}': {why}")))?;
    }
    let first = schema.get("properties").and_then(Value::as_object).and_then(|properties| properties.keys().next());
    first.cloned().ok_or_else(|| bad("the schema has no properties".into()))
}

/// The rules of strict mode, at every level.
fn strict(schema: &Value) -> Result<(), String> {
    if schema.get("type").and_then(Value::as_str) == Some("object") {
        if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
            return Err("'additionalProperties' is required to be supplied and to be false".into());
        }
        let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        if let Some(missing) = properties.keys().find(|key| !required.contains(&Value::String((*key).clone()))) {
            return Err(format!("'required' is required to include every key in properties. Missing '{missing}'"));
        }
        if let Some(extra) = required.iter().find(|key| !key.as_str().is_some_and(|key| properties.contains_key(key))) {
            return Err(format!("{extra} is required but not a property"));
        }
        properties.values().try_for_each(strict)?;
    }
    schema.get("items").map_or(Ok(()), strict)
}
