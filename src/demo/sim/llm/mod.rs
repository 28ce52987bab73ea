//! A simulated model server: OpenAI's `POST /v1/chat/completions` or Anthropic's `POST /v1/messages`, as strict as the
//! vendors' published specifications, and `GET /v1/models`.
//!
//! It answers with a small keyword classifier over the first user message, or with what a test told it to say. Flavours
//! stand for the servers people really run: OpenAI itself, local ones that refuse or ignore a JSON schema, and Anthropic.
//! Which requests it refuses is `check`'s table; what is Anthropic's alone stands in `anthropic`.

mod anthropic;
mod check;
mod rules;

use serde_json::{Value, json};

use super::fault::Fault;
use super::http::{Answer, Seen, Sim, Site};

pub use rules::label_of;

/// What kind of server this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flavour {
    /// OpenAI: keys are checked, schemas are enforced.
    #[default]
    OpenAi,
    /// A local server that doesn't know `json_schema` and says so with 400. Needs no key.
    RefusesSchema,
    /// An old local server that ignores `response_format`: the first answer comes in a code fence. Needs no key.
    IgnoresSchema,
    /// Anthropic: another protocol, as strict as OpenAI's.
    Anthropic,
}

/// What the model says to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// This class, as the schema wants it.
    Label(String),
    /// Exactly this text.
    Raw(String),
    /// A refusal: no content.
    Refusal(String),
    /// Nothing, because the token limit was reached.
    CutOff,
    /// Nothing, because a filter stepped in.
    Filtered,
}

/// The server's state.
#[derive(Debug)]
pub struct Llm {
    flavour: Flavour,
    key: String,
    models: Vec<String>,
    rules: Vec<(String, Says)>,
}

impl Llm {
    /// A server that takes this key and any model.
    #[must_use]
    pub fn new(key: impl Into<String>) -> Self {
        Self { flavour: Flavour::default(), key: key.into(), models: Vec::new(), rules: Vec::new() }
    }

    /// The same of another flavour.
    #[must_use]
    pub fn flavour(mut self, flavour: Flavour) -> Self {
        self.flavour = flavour;
        self
    }

    /// Only this model exists (may be called again).
    #[must_use]
    pub fn model(mut self, name: impl Into<String>) -> Self {
        self.models.push(name.into());
        self
    }

    /// To a message that contains `part`, the model says this, whatever its rules say.
    #[must_use]
    pub fn saying(mut self, part: impl Into<String>, says: Says) -> Self {
        self.rules.push((part.into(), says));
        self
    }

    /// Why this request's key isn't taken, if it isn't.
    fn refuses_key(&self, seen: &Seen) -> Option<Answer> {
        let wrong =
            self.flavour == Flavour::OpenAi && seen.header("authorization") != Some(&format!("Bearer {}", self.key));
        wrong.then(|| error_answer(401, "Incorrect API key provided.", None, Some("invalid_api_key")))
    }

    /// The models there are; a server on which every model exists has no list of them.
    fn list(&self, seen: &Seen) -> Answer {
        if let Some(refusal) = self.refuses_key(seen) {
            return refusal;
        }
        if self.models.is_empty() {
            return error_answer(404, "Not Found", None, None);
        }
        let model = |id: &String| json!({ "id": id, "object": "model", "created": 0, "owned_by": "simulator" });
        let models: Vec<Value> = self.models.iter().map(model).collect();
        Answer::new(200, json!({ "object": "list", "data": models }))
    }

    /// What the model says to this request; `None` if there is no such model.
    fn says(&self, request: &check::Request) -> Option<Says> {
        if !self.models.is_empty() && !self.models.contains(&request.model) {
            return None;
        }
        let scripted = self.rules.iter().find(|(part, _)| request.message.contains(part)).map(|(_, says)| says.clone());
        Some(scripted.unwrap_or_else(|| Says::Label(label_of(&request.message).to_owned())))
    }

    fn complete(&self, seen: &Seen) -> Answer {
        if let Some(refusal) = self.refuses_key(seen) {
            return refusal;
        }
        let request = match check::request(seen, self.flavour) {
            Ok(request) => request,
            Err(why) => return why.answer(),
        };
        let Some(says) = self.says(&request) else {
            let message = format!("The model `{}` does not exist or you do not have access to it.", request.model);
            return error_answer(404, &message, Some("model"), Some("model_not_found"));
        };
        Answer::new(200, self.completion(seen, &request, &says))
    }

    fn completion(&self, seen: &Seen, request: &check::Request, says: &Says) -> Value {
        let (content, refusal, finish) = match says {
            Says::Label(label) => {
                let object = json!({ request.key.as_str(): label }).to_string();
                let fenced = self.flavour == Flavour::IgnoresSchema && request.user_turns == 1;
                (json!(if fenced { format!("```json\n{object}\n```") } else { object }), Value::Null, "stop")
            }
            Says::Raw(text) => (json!(text), Value::Null, "stop"),
            Says::Refusal(text) => (Value::Null, json!(text), "stop"),
            Says::CutOff => (json!(""), Value::Null, "length"),
            Says::Filtered => (json!(""), Value::Null, "content_filter"),
        };
        let mut message = json!({ "role": "assistant", "content": content });
        if self.flavour == Flavour::OpenAi {
            message = json!({ "role": "assistant", "content": content, "refusal": refusal, "annotations": [] });
        }
        let (prompt, answer) = (tokens(seen.body.len()), tokens(content.as_str().map_or(0, str::len)));
        json!({
            "id": format!("chatcmpl-sim{}", seen.number),
            "object": "chat.completion",
            "created": seen.at.as_second(),
            "model": request.model,
            "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish }],
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": answer,
                "total_tokens": prompt.saturating_add(answer),
            },
        })
    }
}

/// About four bytes a token.
fn tokens(bytes: usize) -> usize {
    bytes.div_ceil(4)
}

/// The vendor's error object.
fn error_body(message: &str, kind: &str, param: Option<&str>, code: Option<&str>) -> Value {
    json!({ "error": { "message": message, "type": kind, "param": param, "code": code } })
}

fn error_answer(status: u16, message: &str, param: Option<&str>, code: Option<&str>) -> Answer {
    Answer::new(status, error_body(message, "invalid_request_error", param, code))
}

impl Site for Llm {
    const PREFIX: &'static str = "/v1";

    fn serve(&mut self, seen: &Seen) -> Answer {
        if self.flavour == Flavour::Anthropic {
            return self.serve_anthropic(seen);
        }
        match (seen.method.as_str(), seen.path.as_str()) {
            ("POST", "/v1/chat/completions") => self.complete(seen),
            ("GET", "/v1/models") => self.list(seen),
            (method, path) => {
                let message = format!("Invalid URL ({method} {path})");
                error_answer(404, &message, None, None).mistake("no such endpoint")
            }
        }
    }

    fn error(&self, status: u16) -> Value {
        if self.flavour == Flavour::Anthropic {
            return anthropic::error(status);
        }
        match status {
            401 => error_body("Incorrect API key provided.", "invalid_request_error", None, Some("invalid_api_key")),
            429 => error_body("Rate limit reached for requests", "requests", None, Some("rate_limit_exceeded")),
            503 => error_body("The server is overloaded.", "server_error", None, Some("server_is_overloaded")),
            400..500 => error_body("The request was refused.", "invalid_request_error", None, None),
            _ => error_body("The server had an error while processing your request.", "server_error", None, None),
        }
    }

    fn stamp(&self, seen: &Seen) -> Vec<(&'static str, String)> {
        if self.flavour == Flavour::Anthropic {
            return vec![("request-id", format!("req_sim{:06}", seen.number))];
        }
        if self.flavour != Flavour::OpenAi {
            return Vec::new();
        }
        vec![
            ("x-request-id", format!("req_sim{:06}", seen.number)),
            ("openai-processing-ms", "1".to_owned()),
            ("x-ratelimit-remaining-requests", "9999".to_owned()),
        ]
    }

    /// It talks instead of classifying.
    fn misbehaviour(&self) -> Fault {
        let prose = "Certainly! This lead looks interesting, I would call them tomorrow.";
        if self.flavour == Flavour::Anthropic {
            return Fault::status_with(200, anthropic::prose(prose));
        }
        let body = json!({
            "id": "chatcmpl-sim", "object": "chat.completion", "created": 0, "model": "sim",
            "choices": [{ "index": 0, "logprobs": null, "finish_reason": "stop",
                          "message": { "role": "assistant", "content": prose, "refusal": null } }],
            "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 },
        });
        Fault::status_with(200, body)
    }
}

impl Sim<Llm> {
    /// From now on, to a message that contains `part`, the model says this. The newest such rule wins.
    pub fn say(&self, part: impl Into<String>, says: Says) {
        self.site().rules.insert(0, (part.into(), says));
    }

    /// An account that has no money left: 429 with a code that is no rate limit.
    #[must_use]
    pub fn quota_fault() -> Fault {
        let message = "You exceeded your current quota, please check your plan and billing details.";
        Fault::status_with(429, error_body(message, "insufficient_quota", None, Some("insufficient_quota")))
    }
}

#[cfg(test)]
mod tests;
