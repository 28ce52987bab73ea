//! Has a language model put a clean message into one of the four classes: prompt, one request, strict reading, at most
//! one request to repair a bad answer.
//!
//! Called by the classify effect that `app` composes (sanitise, then classify). It never guesses: an answer that can't be
//! read is a failure, and what then happens to the lead is decided elsewhere. It never retries and knows no store; every
//! request it made is a row's worth of [`LlmCall`] in the report, prompt and raw answer included.

mod answer;
mod anthropic;
mod mask;
mod openai;
mod prompt;
mod protocol;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

pub use settings::{Dialect, Forced, Price, Protocol, Role, Settings, Structured, TokenLimit};

use crate::model::{
    Channel, ClassifiedBy, Done, Failure, Fault, Label, Lane, LlmCall, Outcome, Phone, Report, Timestamp, Trace, Work,
};
use crate::wire::{self, Answer, Call, Leg, Wire, WireError};

use answer::BadAnswer;
use prompt::Prompt;
use protocol::{Completion, Question, Tokens, Turn};

/// A raw answer is kept so far: enough to see what a model did instead of answering.
const KEPT_BYTES: usize = 16 * 1024;

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
    /// What it cost, or may have; nothing without a price.
    cost_micros: Option<u64>,
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
        let prompt = self.prompt(message, work.lead.phone_text.as_deref(), work.lead.phone.as_ref());
        let mut turns = vec![Turn::User(prompt.user)];
        let limit = self.settings.max_tokens;

        let mut asked = self.ask(&prompt.system, &turns, limit, work.hard_deadline).await;
        let mut llm_calls = Vec::new();
        let mut first_cost = None;
        if let Err(Stop::Unusable { why, content }) = &asked.came {
            let limit = if *why == BadAnswer::CutOff { limit.saturating_mul(2) } else { limit };
            if *why != BadAnswer::NotACompletion {
                // There is an answer to talk about; a proxy's page is none, and the same is simply asked again.
                let (shown, asked_again) = prompt::repair(content.as_deref(), why);
                turns.extend([Turn::Assistant(shown), Turn::User(asked_again)]);
            }
            llm_calls.push(asked.call);
            first_cost = asked.cost_micros;
            asked = self.ask(&prompt.system, &turns, limit, work.hard_deadline).await;
        }
        let outcome = match asked.came {
            Ok(label) => Outcome::Done(Done::Classified { label, by: ClassifiedBy::Llm }),
            Err(Stop::Failed(failure)) => Outcome::Failed(failure),
            Err(Stop::Unusable { why, .. }) => Outcome::Failed(self.malformed(&why)),
        };
        llm_calls.push(asked.call);
        let cost_micros = asked.cost_micros.map(|cost| cost.saturating_add(first_cost.unwrap_or(0)));
        Report { llm_calls, cost_micros, ..Report::traced(outcome, asked.trace) }
    }

    /// The request that [`Classifier::classify`] would begin with, for a lead with that number.
    #[must_use]
    pub fn first_call(&self, message: &str, phone_text: Option<&str>, phone: Option<&Phone>) -> Call {
        let Prompt { system, user } = self.prompt(message, phone_text, phone);
        let Settings { model, max_tokens: limit, .. } = &self.settings;
        self.call(&Question { model, system: &system, turns: &[Turn::User(user)], limit: *limit })
    }

    fn prompt(&self, message: &str, phone_text: Option<&str>, phone: Option<&Phone>) -> Prompt {
        let known: Vec<&str> = phone_text.into_iter().chain(phone.map(Phone::as_str)).collect();
        let hide = self.settings.mask_contacts.then_some(known.as_slice());
        prompt::build(&self.settings.business, message, hide)
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
        let call = self.call(&Question { model: &settings.model, system, turns, limit });
        let timeout = if self.warm.load(Ordering::Relaxed) { settings.timeout } else { settings.first_timeout };
        let got = self.wire.send(&call, timeout.min(deadline.since(at))).await;

        if got.as_ref().is_ok_and(Answer::is_success) {
            self.warm.store(true, Ordering::Relaxed);
        }
        let Judged { came, answer, tokens } = self.judge(&got);
        let asked_bytes = turns.iter().map(Turn::bytes).fold(system.len(), usize::saturating_add);
        let cost_micros = self.settings.price.map(|price| cost(price, &got, tokens, (asked_bytes, limit)));
        // The prompt is in the call's own record and an answer that was taken too: the trace doesn't repeat them.
        let trace = wire::trace(&Call { body: None, ..call }, &got, settings.protocol.request_id());
        let vendor_id = trace.vendor_id.clone().or_else(|| settings.protocol.request_id_of(got.as_ref().ok()?));
        let trace = Trace { vendor_id, ..trace };
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
        Asked { call, trace, came, cost_micros }
    }

    /// Folds what came over the wire into a label, an answer to repair, or a failure.
    fn judge(&self, got: &Result<Answer, WireError>) -> Judged {
        let failed = |failure, answer| Judged { came: Err(Stop::Failed(failure)), answer, tokens: Tokens::default() };
        let answer = match got {
            Err(error) => return failed(error.failure(&self.settings.provider), None),
            Ok(answer) => answer,
        };
        if let Some(failure) = self.settings.protocol.failure(answer, Timestamp::now()) {
            return failed(self.named(failure), Some(kept(&answer.body)));
        }
        let Completion { content, label, tokens } = self.settings.protocol.completion(&answer.body);
        let raw = Some(kept(content.as_deref().unwrap_or(&answer.body)));
        Judged { came: label.map_err(|why| Stop::Unusable { why, content }), answer: raw, tokens }
    }

    /// Whether the server answers to our key and knows the model; sends no lead and costs nothing.
    ///
    /// # Errors
    /// The failure says what is wrong, and its cure what to check.
    pub async fn probe(&self) -> Result<Probe, Failure> {
        let protocol = self.settings.protocol;
        let call = self.keyed(Call::get(self.url(protocol.models())));
        let got = self.wire.send(&call, self.settings.timeout).await;
        let answer = got.map_err(|error| error.failure(&self.settings.provider))?;
        if answer.status == 404 {
            return Ok(Probe::NoList);
        }
        if let Some(failure) = protocol.failure(&answer, Timestamp::now()) {
            return Err(self.named(failure));
        }
        let listed = |models: &Vec<Value>| {
            let mut ids = models.iter().filter_map(|model| model.get("id").and_then(Value::as_str));
            ids.any(|id| protocol.lists(id, &self.settings.model))
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
        self.settings.protocol.keyed(call, self.settings.api_key.as_ref())
    }

    /// The one request that asks this question.
    fn call(&self, question: &Question<'_>) -> Call {
        let protocol = self.settings.protocol;
        self.keyed(Call::post(self.url(protocol.path()))).repeatable().json(&protocol.request(question))
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

/// What a call cost. One that was surely not served cost nothing; one that may have been, its most: so many bytes were
/// asked, and so many tokens could be answered.
fn cost(price: Price, got: &Result<Answer, WireError>, tokens: Tokens, (bytes, limit): (usize, u32)) -> u64 {
    let not_served = match got {
        Err(error) => error.leg != Leg::MaybeSent,
        Ok(answer) => !answer.is_success(),
    };
    if not_served { 0 } else { price.of(tokens).unwrap_or_else(|| price.most(bytes, limit)) }
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
