//! Has a language model put a clean message into one of the four classes: prompt, one request, strict reading, at most
//! one request to repair a bad answer.
//!
//! Called by the classify effect that `app` composes (sanitise, then classify). It never guesses: an answer that can't be
//! read is a failure, and what then happens to the lead is decided elsewhere. It never retries and knows no store; every
//! request it made is a row's worth of [`LlmCall`] in the report, prompt and raw answer included.

mod answer;
mod mask;
mod openai;
mod prompt;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;

use crate::model::{
    Channel, ClassifiedBy, Done, Failure, Fault, Label, Lane, LlmCall, Outcome, Phone, Report, Timestamp, Trace, Work,
};
use crate::wire::{self, Answer, Call, Wire, WireError};

use answer::BadAnswer;
use openai::{Completion, Tokens, Turn};

/// A raw answer is kept so far: enough to see what a model did instead of answering.
const KEPT_BYTES: usize = 16 * 1024;

/// One model, as configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name in the configuration; also that of its channel (`llm:NAME`).
    pub provider: String,
    /// The base of the API, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// The model asked for.
    pub model: String,
    /// The key; local servers need none.
    pub api_key: Option<SecretString>,
    /// Who gives the instructions.
    pub role: Role,
    /// How the answer is forced into shape.
    pub structured: Structured,
    /// How the server calls the limit of the answer.
    pub token_limit: TokenLimit,
    /// The limit. Reasoning counts against it: too small a limit gives an empty answer.
    pub max_tokens: u32,
    /// How long one request may take.
    pub timeout: Duration,
    /// The same until the model has answered once: a local server loads it first.
    pub first_timeout: Duration,
    /// What it costs, if known.
    pub price: Option<Price>,
    /// What the business does, in its own words, for the prompt. May be empty.
    pub business: String,
    /// Hide e-mail addresses and telephone numbers from the model.
    pub mask_contacts: bool,
}

/// The role of the instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Known to every server.
    System,
    /// What OpenAI's reasoning models call it.
    Developer,
}

/// How the answer is forced into shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Structured {
    /// A strict JSON schema: no other label can be generated.
    JsonSchema,
    /// Any JSON object.
    JsonObject,
}

/// The name of the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenLimit {
    /// OpenAI's; its reasoning models refuse the older one.
    MaxCompletionTokens,
    /// The older one, which some servers know alone.
    MaxTokens,
}

/// A price in millionths of its currency for a million tokens ($0.15 is 150 000).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// For the prompt.
    pub prompt_micros: u64,
    /// For the answer.
    pub completion_micros: u64,
}

impl Price {
    /// The price as the operator writes it: units of the currency for a million tokens.
    #[must_use]
    pub fn per_million(prompt: f64, completion: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
        let micros = |price: f64| (price * 1e6).round().clamp(0.0, 1e15) as u64;
        Self { prompt_micros: micros(prompt), completion_micros: micros(completion) }
    }

    /// The cost of one call in millionths, rounded to the nearest.
    fn of(self, tokens: Tokens) -> Option<u64> {
        let cost = |n: Option<u32>, price: u64| Some(u128::from(n?).saturating_mul(u128::from(price)));
        let total =
            cost(tokens.prompt, self.prompt_micros)?.saturating_add(cost(tokens.completion, self.completion_micros)?);
        u64::try_from(total.saturating_add(500_000).checked_div(1_000_000)?).ok()
    }
}

/// What a server says of the model before the first lead comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// It lists the model.
    Listed,
    /// It has a list, and the model isn't on it.
    NotListed,
    /// It answers, but has no list of models.
    NoList,
}

/// One model, ready to be asked.
#[derive(Debug)]
pub struct Classifier {
    settings: Settings,
    wire: Wire,
    /// It has answered since the process started.
    warm: AtomicBool,
}

/// One request and what came of it.
struct Asked {
    call: LlmCall,
    trace: Trace,
    came: Result<Label, Stop>,
}

/// Why a request gave no label.
enum Stop {
    /// An answer came, but not one we take.
    Unusable { why: BadAnswer, content: Option<String> },
    /// No answer came.
    Failed(Failure),
}

impl Classifier {
    /// A classifier that has asked nothing yet.
    #[must_use]
    pub fn new(settings: Settings, wire: Wire) -> Self {
        Self { settings, wire, warm: AtomicBool::new(false) }
    }

    /// The channel whose breaker, limits and parking are this model's.
    #[must_use]
    pub fn channel(&self) -> Channel {
        Channel::new(Lane::Llm, &self.settings.provider)
    }

    /// Asks for the label of `message`, which is the lead's clean text, within the work's hard deadline.
    pub async fn classify(&self, message: &str, work: &Work) -> Report {
        let lead = &work.lead;
        let known = [lead.phone_text.as_deref(), lead.phone.as_ref().map(Phone::as_str)];
        let known: Vec<&str> = known.into_iter().flatten().collect();
        let hide = self.settings.mask_contacts.then_some(known.as_slice());
        let prompt = prompt::build(&self.settings.business, message, hide);
        let mut turns = vec![Turn::User(prompt.user)];
        let limit = self.settings.max_tokens;

        let mut asked = self.ask(&prompt.system, &turns, limit, work.hard_deadline).await;
        let mut llm_calls = Vec::new();
        if let Err(Stop::Unusable { why, content }) = &asked.came {
            let limit = if *why == BadAnswer::CutOff { limit.saturating_mul(2) } else { limit };
            if *why != BadAnswer::NotACompletion {
                // There is an answer to talk about; a proxy's page is none, and the same is simply asked again.
                let (shown, asked_again) = prompt::repair(content.as_deref(), why);
                turns.extend([Turn::Assistant(shown), Turn::User(asked_again)]);
            }
            llm_calls.push(asked.call);
            asked = self.ask(&prompt.system, &turns, limit, work.hard_deadline).await;
        }
        let outcome = match asked.came {
            Ok(label) => Outcome::Done(Done::Classified { label, by: ClassifiedBy::Llm }),
            Err(Stop::Failed(failure)) => Outcome::Failed(failure),
            Err(Stop::Unusable { why, .. }) => Outcome::Failed(self.malformed(&why)),
        };
        llm_calls.push(asked.call);
        Report { llm_calls, ..Report::traced(outcome, asked.trace) }
    }

    fn malformed(&self, why: &BadAnswer) -> Failure {
        let reason = format!("{}: malformed answer after repair: {why}", self.settings.provider);
        Failure::new(Fault::Permanent, reason)
            .cure("read the raw answers on the lead; if it is no single case, try another model")
    }

    /// One request.
    async fn ask(&self, system: &str, turns: &[Turn], limit: u32, deadline: Timestamp) -> Asked {
        let settings = &self.settings;
        let at = Timestamp::now();
        let call = self.keyed(Call::post(self.url("chat/completions"))).repeatable();
        let call = call.json(&openai::request(settings, system, turns, limit));
        let timeout = if self.warm.load(Ordering::Relaxed) { settings.timeout } else { settings.first_timeout };
        let got = self.wire.send(&call, timeout.min(deadline.since(at))).await;

        if got.as_ref().is_ok_and(Answer::is_success) {
            self.warm.store(true, Ordering::Relaxed);
        }
        let Judged { came, answer, tokens } = self.judge(&got);
        // The prompt is in the call's own record and an answer that was taken too: the trace doesn't repeat them.
        let trace = wire::trace(&Call { body: None, ..call }, &got, openai::REQUEST_ID);
        let trace = if came.is_ok() { Trace { response: None, ..trace } } else { trace };
        let call = LlmCall {
            at,
            provider: settings.provider.clone(),
            model: settings.model.clone(),
            system_prompt: system.to_owned(),
            user_prompt: told(turns),
            answer,
            label: came.as_ref().ok().copied(),
            prompt_tokens: tokens.prompt,
            completion_tokens: tokens.completion,
            cost_micros: settings.price.and_then(|price| price.of(tokens)),
            latency: trace.latency,
            request_id: trace.vendor_id.clone(),
            error: came.as_ref().err().map(Stop::words),
        };
        Asked { call, trace, came }
    }

    /// Folds what came over the wire into a label, an answer to repair, or a failure.
    fn judge(&self, got: &Result<Answer, WireError>) -> Judged {
        let failed = |failure, answer| Judged { came: Err(Stop::Failed(failure)), answer, tokens: Tokens::default() };
        let answer = match got {
            Err(error) => return failed(error.failure(&self.settings.provider), None),
            Ok(answer) => answer,
        };
        if let Some(failure) = openai::failure(answer, Timestamp::now()) {
            return failed(self.named(failure), Some(kept(&answer.body)));
        }
        let Completion { content, label, tokens } = openai::completion(&answer.body);
        let raw = Some(kept(content.as_deref().unwrap_or(&answer.body)));
        Judged { came: label.map_err(|why| Stop::Unusable { why, content }), answer: raw, tokens }
    }

    /// Whether the server answers to our key and knows the model; sends no lead and costs nothing.
    ///
    /// # Errors
    /// The failure says what is wrong, and its cure what to check.
    pub async fn probe(&self) -> Result<Probe, Failure> {
        let call = self.keyed(Call::get(self.url("models")));
        let got = self.wire.send(&call, self.settings.timeout).await;
        let answer = got.map_err(|error| error.failure(&self.settings.provider))?;
        if answer.status == 404 {
            return Ok(Probe::NoList);
        }
        if let Some(failure) = openai::failure(&answer, Timestamp::now()) {
            return Err(self.named(failure));
        }
        let listed = |models: &Vec<Value>| {
            // Ollama lists `name:latest` for what it also answers to as `name`.
            let ids = models.iter().filter_map(|model| model.get("id").and_then(Value::as_str));
            ids.map(|id| id.strip_suffix(":latest").unwrap_or(id))
                .any(|id| id == self.settings.model.trim_end_matches(":latest"))
        };
        let body = answer.json();
        Ok(match body.as_ref().and_then(|body| body.get("data")).and_then(Value::as_array) {
            None => Probe::NoList,
            Some(models) if listed(models) => Probe::Listed,
            Some(_) => Probe::NotListed,
        })
    }

    fn named(&self, failure: Failure) -> Failure {
        let reason = format!("{}: {}", self.settings.provider, failure.reason);
        Failure { reason, ..failure }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.settings.base_url.trim_end_matches('/'))
    }

    fn keyed(&self, call: Call) -> Call {
        match &self.settings.api_key {
            Some(key) => call.bearer(key),
            None => call,
        }
    }
}

/// What an exchange came to, with what is kept of it.
struct Judged {
    came: Result<Label, Stop>,
    answer: Option<String>,
    tokens: Tokens,
}

impl Stop {
    fn words(&self) -> String {
        match self {
            Self::Unusable { why, .. } => why.to_string(),
            Self::Failed(failure) => failure.reason.clone(),
        }
    }
}

/// The conversation after the instructions. The first turn alone stands as it was sent.
fn told(turns: &[Turn]) -> String {
    let turns = turns.iter().enumerate().map(|(n, turn)| match turn {
        Turn::User(text) if n == 0 => text.clone(),
        Turn::User(text) => format!("=== user\n{text}"),
        Turn::Assistant(text) => format!("=== assistant\n{text}"),
    });
    turns.collect::<Vec<_>>().join("\n\n")
}

fn kept(text: &str) -> String {
    text.get(..text.floor_char_boundary(KEPT_BYTES)).unwrap_or(text).to_owned()
}
