//! Anthropic's side of the simulated model server: which requests it refuses, and how it says what the model says.
//!
//! The keys and types are those of `MessageCreateParams` in the vendor's Python client 2.12, the errors those of its page
//! "Errors": an unknown key is a 400, and the client's mistake. Every object of a schema must be closed
//! (`additionalProperties: false`), as its guide to structured outputs says.

use serde_json::{Map, Value, json};

use super::super::http::{Answer, Seen};
use super::check::{Request, inside};
use super::{Llm, Says, tokens};

/// Every key a request may have.
const KEYS: [&str; 19] = [
    "cache_control",
    "container",
    "diagnostics",
    "inference_geo",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "output_config",
    "service_tier",
    "speed",
    "stop_sequences",
    "stream",
    "system",
    "thinking",
    "tool_choice",
    "tools",
    "user_profile_id",
    "workspace_id",
];
/// Every key a tool of one's own may have.
const TOOL_KEYS: [&str; 10] = [
    "allowed_callers",
    "cache_control",
    "defer_loading",
    "description",
    "eager_input_streaming",
    "input_examples",
    "input_schema",
    "name",
    "strict",
    "type",
];

/// A refused request: why, in the vendor's words.
type Refused = String;

impl Llm {
    pub(super) fn serve_anthropic(&self, seen: &Seen) -> Answer {
        if seen.header("x-api-key") != Some(self.key.as_str()) {
            return refusal(401, "authentication_error", "invalid x-api-key");
        }
        if seen.header("anthropic-version") != Some("2023-06-01") {
            let words = "anthropic-version: header is required";
            return refusal(400, "invalid_request_error", words).mistake(words);
        }
        match (seen.method.as_str(), seen.path.as_str()) {
            ("POST", "/v1/messages") => self.message(seen),
            ("GET", "/v1/models") => self.models(seen),
            _ => refusal(404, "not_found_error", "Not Found").mistake("no such endpoint"),
        }
    }

    /// The models there are, the newest first; here the order in which they were made.
    fn models(&self, seen: &Seen) -> Answer {
        let limit = seen.query("limit").map_or(Ok(20), str::parse::<usize>);
        let Some(limit) = limit.ok().filter(|limit| (1..=1_000).contains(limit)) else {
            let words = "limit: Input should be from 1 to 1000";
            return refusal(400, "invalid_request_error", words).mistake(words);
        };
        let made = "2026-01-01T00:00:00Z";
        let model = |id: &String| json!({ "type": "model", "id": id, "display_name": id, "created_at": made });
        let models: Vec<Value> = self.models.iter().take(limit).map(model).collect();
        let id = |model: Option<&Value>| model.map_or(Value::Null, |model| model["id"].clone());
        let (first, last) = (id(models.first()), id(models.last()));
        let has_more = self.models.len() > limit;
        Answer::new(200, json!({ "data": models, "has_more": has_more, "first_id": first, "last_id": last }))
    }

    fn message(&self, seen: &Seen) -> Answer {
        let (request, tool) = match request(seen) {
            Ok(request) => request,
            Err(why) => return refusal(400, "invalid_request_error", &why).mistake(why),
        };
        match self.says(&request) {
            Some(says) => Answer::new(200, said(seen, &request, tool.as_deref(), &says)),
            None => refusal(404, "not_found_error", &format!("model: {}", request.model)),
        }
    }
}

/// A message of the model, by the tool that it must call, or as a text.
fn said(seen: &Seen, request: &Request, tool: Option<&str>, says: &Says) -> Value {
    let text = |text: &str| json!([{ "type": "text", "text": text }]);
    let called = |input: Value| {
        let call = json!({ "type": "tool_use", "id": "toolu_sim", "name": tool, "input": input });
        (json!([call]), "tool_use")
    };
    let (content, stop) = match (says, tool) {
        (Says::Label(label), Some(_)) => called(json!({ request.key.as_str(): label })),
        (Says::Label(label), None) => (text(&json!({ request.key.as_str(): label }).to_string()), "end_turn"),
        (Says::Raw(words), tool) => match tool.and_then(|_| input(words)) {
            Some(input) => called(input),
            None => (text(words), "end_turn"),
        },
        (Says::Refusal(words), _) => (text(words), "refusal"),
        (Says::CutOff, _) => (json!([]), "max_tokens"),
        (Says::Filtered, _) => (json!([]), "refusal"),
    };
    message(seen.number, &request.model, &content, stop, tokens(seen.body.len()))
}

/// The input of a tool that says exactly this. What no JSON value can hold, such as a key twice, stays a text.
fn input(words: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(words).ok()?;
    let same = value.to_string();
    (value.is_object() && same == words).then_some(value)
}

fn message(number: usize, model: &str, content: &Value, stop: &str, asked: usize) -> Value {
    let usage = json!({
        "input_tokens": asked,
        "output_tokens": tokens(content.to_string().len()),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "service_tier": "standard",
    });
    json!({
        "id": format!("msg_sim{number}"),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": null,
        "usage": usage,
    })
}

/// A whole message that talks.
pub(super) fn prose(words: &str) -> Value {
    message(0, "sim", &json!([{ "type": "text", "text": words }]), "end_turn", 1)
}

/// The error object that usually comes with a status.
pub(super) fn error(status: u16) -> Value {
    let (kind, words) = match status {
        401 => ("authentication_error", "invalid x-api-key"),
        402 => ("billing_error", "There is a problem with your billing"),
        403 => ("permission_error", "Your API key does not have permission to use the specified resource"),
        404 => ("not_found_error", "The requested resource was not found"),
        413 => ("request_too_large", "Request exceeds the maximum size"),
        429 => ("rate_limit_error", "This request would exceed your organization's rate limit"),
        504 => ("timeout_error", "Request timed out"),
        529 => ("overloaded_error", "Overloaded"),
        400..500 => ("invalid_request_error", "The request was refused."),
        _ => ("api_error", "Internal server error"),
    };
    error_body(kind, words)
}

fn error_body(kind: &str, words: &str) -> Value {
    json!({ "type": "error", "error": { "type": kind, "message": words }, "request_id": "req_sim_body" })
}

fn refusal(status: u16, kind: &str, words: &str) -> Answer {
    Answer::new(status, error_body(kind, words))
}

/// Reads a request: what the model has to know, and the tool that it must call.
fn request(seen: &Seen) -> Result<(Request, Option<String>), Refused> {
    if !seen.is_of_type("application/json") {
        return Err("content-type: must be application/json".into());
    }
    let body: Map<String, Value> = serde_json::from_str(&seen.body).map_err(|error| format!("body: {error}"))?;
    only(&body, &KEYS, "")?;
    let model = body.get("model").and_then(Value::as_str).filter(|name| !name.is_empty());
    let model = model.ok_or("model: Field required")?.to_owned();
    let limit = body.get("max_tokens").ok_or("max_tokens: Field required")?;
    limit.as_u64().filter(|limit| *limit > 0).ok_or("max_tokens: Input should be a whole number from 1")?;
    if body.get("stream").is_some_and(|stream| *stream != Value::Bool(false)) {
        return Err("stream: this server does not stream".into());
    }
    if let Some(system) = body.get("system") {
        content(system, "system")?;
    }
    let users = turns(&body)?;
    let message = users.first().map(|turn| inside(turn).to_owned()).ok_or("messages: no user message")?;
    let (tool, of_tool) = forced_tool(&body)?.unzip();
    let key = of_tool.or(format(&body)?).unwrap_or_else(|| "classification".to_owned());
    Ok((Request { model, message, user_turns: users.len(), key }, tool))
}

fn only(object: &Map<String, Value>, keys: &[&str], path: &str) -> Result<(), Refused> {
    match object.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(format!("{path}{key}: Extra inputs are not permitted")),
        None => Ok(()),
    }
}

/// What is said, as a text or as blocks of text.
fn content(value: &Value, path: &str) -> Result<String, Refused> {
    let block = |block: &Value| {
        let object = block.as_object()?;
        only(object, &["cache_control", "citations", "text", "type"], "").ok()?;
        (block.get("type")? == "text").then_some(block.get("text")?.as_str()?.to_owned())
    };
    let said = match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(blocks) => blocks.iter().map(block).collect::<Option<Vec<_>>>().map(|texts| texts.concat()),
        _ => None,
    };
    let said = said.ok_or_else(|| format!("{path}: Input should be a string or a list of text blocks"))?;
    if said.trim().is_empty() { Err(format!("{path}: text content blocks must be non-empty")) } else { Ok(said) }
}

/// Checks the turns; gives those of the user.
fn turns(body: &Map<String, Value>) -> Result<Vec<String>, Refused> {
    let turns = body.get("messages").and_then(Value::as_array).filter(|turns| !turns.is_empty());
    let turns = turns.ok_or("messages: at least one message is required")?;
    let mut users = Vec::new();
    for (nth, turn) in turns.iter().enumerate() {
        let path = format!("messages.{nth}.");
        only(turn.as_object().ok_or("messages: Input should be an object")?, &["content", "role"], &path)?;
        let said = content(turn.get("content").unwrap_or(&Value::Null), &format!("{path}content"))?;
        match turn.get("role").and_then(Value::as_str) {
            Some("user") => users.push(said),
            Some("assistant") if nth > 0 => {}
            _ => return Err(format!("{path}role: Input should be 'user' or 'assistant', and the first 'user'")),
        }
    }
    let last = turns.last().and_then(|turn| turn.get("role")).and_then(Value::as_str);
    if last == Some("user") { Ok(users) } else { Err("messages: this model does not support prefilling".into()) }
}

/// Checks `output_config`; gives the key of the object that is asked for.
fn format(body: &Map<String, Value>) -> Result<Option<String>, Refused> {
    let Some(config) = body.get("output_config") else { return Ok(None) };
    only(
        config.as_object().ok_or("output_config: Input should be an object")?,
        &["effort", "format"],
        "output_config.",
    )?;
    let Some(format) = config.get("format") else { return Ok(None) };
    let object = format.as_object().ok_or("output_config.format: Input should be an object")?;
    only(object, &["schema", "type"], "output_config.format.")?;
    if object.get("type").and_then(Value::as_str) != Some("json_schema") {
        return Err("output_config.format.type: Input should be 'json_schema'".into());
    }
    let schema = object.get("schema").ok_or("output_config.format.schema: Field required")?;
    closed(schema)?;
    Ok(Some(first_key(schema)?))
}

/// Checks `tools` and `tool_choice`; gives the tool that must be called, and the key of its input.
fn forced_tool(body: &Map<String, Value>) -> Result<Option<(String, String)>, Refused> {
    let tools = match body.get("tools") {
        Some(tools) => tools.as_array().ok_or("tools: Input should be a list")?.as_slice(),
        None => &[],
    };
    for (nth, tool) in tools.iter().enumerate() {
        let path = format!("tools.{nth}.");
        only(tool.as_object().ok_or("tools: Input should be an object")?, &TOOL_KEYS, &path)?;
        let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || name.len() > 128 || !name.chars().all(good) {
            return Err(format!("{path}name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"));
        }
        if tool.get("input_schema").and_then(|schema| schema.get("type")).and_then(Value::as_str) != Some("object") {
            return Err(format!("{path}input_schema.type: Input should be 'object'"));
        }
    }
    let Some(choice) = body.get("tool_choice") else { return Ok(None) };
    let object = choice.as_object().ok_or("tool_choice: Input should be an object")?;
    only(object, &["disable_parallel_tool_use", "name", "type"], "tool_choice.")?;
    if object.get("type").and_then(Value::as_str) != Some("tool") {
        return Err("tool_choice.type: this server knows 'tool' only".into());
    }
    let called = tools.iter().find(|tool| tool.get("name").is_some() && tool.get("name") == object.get("name"));
    let called = called.ok_or("tool_choice.name: there is no such tool")?;
    let name = called.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Some((name, first_key(called.get("input_schema").unwrap_or(&Value::Null))?)))
}

/// Every object of the schema lists its keys and allows no other.
fn closed(schema: &Value) -> Result<(), Refused> {
    if schema.get("type").and_then(Value::as_str) == Some("object") {
        if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
            return Err("output_config.format.schema: For 'object' type, 'additionalProperties' must be false".into());
        }
        schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::values).try_for_each(closed)?;
    }
    schema.get("items").map_or(Ok(()), closed)
}

fn first_key(schema: &Value) -> Result<String, Refused> {
    let first = schema.get("properties").and_then(Value::as_object).and_then(|properties| properties.keys().next());
    first.cloned().ok_or_else(|| "schema: there are no properties".into())
}
