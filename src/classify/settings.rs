//! What a model is, as configured: where it is, how it is spoken to, what it costs.
//!
//! Filled by `app` from the configuration. What holds for one protocol alone stands inside of that protocol's variant.

use std::time::Duration;

use secrecy::SecretString;

use super::prompt;
use super::protocol::Tokens;

/// What a server adds to a prompt: roles, and the form of the answer.
const FRAME_TOKENS: usize = 512;

/// One model, as configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name in the configuration; also that of its channel (`llm:NAME`).
    pub provider: String,
    /// The base of the API with its version, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// The model asked for.
    pub model: String,
    /// The key; local servers need none.
    pub api_key: Option<SecretString>,
    /// How the server is spoken to.
    pub protocol: Protocol,
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

impl Settings {
    /// The most that one try may cost, in millionths: a question, and one more to repair its answer, which may be twice as
    /// long. `None`: it has no price.
    #[must_use]
    pub fn most_per_try(&self) -> Option<u64> {
        let (first, repair) = prompt::most_bytes(&self.business);
        let price = self.price?;
        let twice = self.max_tokens.saturating_mul(2);
        Some(price.most(first, self.max_tokens).saturating_add(price.most(first.saturating_add(repair), twice)))
    }
}

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// OpenAI's Chat Completions, which many servers speak.
    OpenAi(Dialect),
    /// Anthropic's Messages.
    Anthropic(Forced),
}

/// Where the servers that speak OpenAI's Chat Completions differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Who gives the instructions.
    pub role: Role,
    /// How the answer is forced into shape.
    pub structured: Structured,
    /// How the server calls the limit of the answer.
    pub token_limit: TokenLimit,
}

/// How Anthropic's answer is forced into shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forced {
    /// A JSON schema for the text (`output_config.format`).
    Schema,
    /// A tool that has to be called, for models and servers that know no such schema.
    Tool,
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

    /// The most that a call may cost whose prompt has so many bytes, in millionths: no token is shorter than a byte.
    pub(super) fn most(self, prompt_bytes: usize, limit: u32) -> u64 {
        let prompt = u32::try_from(prompt_bytes.saturating_add(FRAME_TOKENS)).unwrap_or(u32::MAX);
        self.of(Tokens { prompt: Some(prompt), completion: Some(limit) }).unwrap_or(u64::MAX)
    }

    /// The cost of one call in millionths, rounded to the nearest.
    pub(super) fn of(self, tokens: Tokens) -> Option<u64> {
        let cost = |n: Option<u32>, price: u64| Some(u128::from(n?).saturating_mul(u128::from(price)));
        let total =
            cost(tokens.prompt, self.prompt_micros)?.saturating_add(cost(tokens.completion, self.completion_micros)?);
        u64::try_from(total.saturating_add(500_000).checked_div(1_000_000)?).ok()
    }
}
