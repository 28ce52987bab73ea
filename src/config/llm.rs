//! The language models, what they cost, and how long they may take.

use std::time::Duration;

use serde::Deserialize;

use super::typed::{BaseUrl, NAME_WHAT, Text, is_name, trimmed};
use super::{Problems, SecretRef, raw};

/// The address every compatible server imitates.
const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";
/// The address of the one vendor of that protocol.
const ANTHROPIC_BASE_URL: &str = "https://api.anthropic.com/v1";
/// The answer takes 15 tokens, but models that think first count that too, and a limit too small gives no answer.
const LLM_MAX_TOKENS: u32 = 2048;
/// A third of the classify deadline: a second try still fits.
const LLM_TIMEOUT: Duration = Duration::from_secs(15);
/// A local server may have to load its model from a card.
const LLM_FIRST_TIMEOUT: Duration = Duration::from_mins(1);
/// A burst is labelled in a few rounds. Providers limit requests a minute, not at once.
const LLM_CONCURRENCY: u16 = 16;
/// A lead that waits longer for a label is told to a person as it is.
const CLASSIFY_DEADLINE: Duration = Duration::from_secs(45);
/// By then a person has long read the lead.
const CLASSIFY_GIVE_UP_AFTER: Duration = Duration::from_hours(24);

/// One language model.
#[derive(Debug, Clone, PartialEq)]
pub struct Llm {
    /// Its channel name.
    pub name: String,
    /// The address up to and with the version.
    pub base_url: BaseUrl,
    /// The model asked for.
    pub model: String,
    /// The key; local servers need none.
    pub key: Option<SecretRef>,
    /// How its server is spoken to.
    pub protocol: Protocol,
    /// The most tokens an answer may have.
    pub max_tokens: u32,
    /// One call may take this long.
    pub timeout: Duration,
    /// The first call may take this long: a local server may have to load its model.
    pub first_timeout: Duration,
    /// Calls at the same time.
    pub concurrency: usize,
    /// What tokens cost, if it was told.
    pub price: Option<Price>,
}

/// What a model costs, for a million tokens, in whatever currency the operator counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// Of the prompt.
    pub input: f64,
    /// Of the answer.
    pub output: f64,
}

/// How a server is spoken to, with what only holds there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// OpenAI's Chat Completions.
    OpenAi {
        /// How the answer's form is asked for.
        structured: Structured,
        /// Who the instructions come from.
        instructions_role: Role,
        /// Which key limits the answer.
        token_limit_key: TokenLimitKey,
    },
    /// Anthropic's Messages.
    Anthropic {
        /// The answer's form is that of a tool, not of a text.
        tool: bool,
    },
}

/// The protocol's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ProtocolName {
    OpenAi,
    Anthropic,
}

/// How a model is held to the form of its answer, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FormName {
    JsonSchema,
    JsonObject,
    Tool,
}

/// How a server of OpenAI's protocol is held to the form of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Structured {
    /// A strict JSON schema.
    JsonSchema,
    /// JSON of any form; the prompt asks for ours.
    JsonObject,
}

/// The role the instructions are sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Known everywhere.
    System,
    /// What newer models of OpenAI prefer.
    Developer,
}

/// The key that limits the answer's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenLimitKey {
    /// The present one.
    MaxCompletionTokens,
    /// What older and local servers know.
    MaxTokens,
}

/// Deadlines of the classification.
#[derive(Debug, Clone, PartialEq)]
pub struct Classify {
    /// Without a label by then, a person is told of an unclassified lead.
    pub deadline: Duration,
    /// Models are asked no longer than this.
    pub give_up_after: Duration,
    /// The prospect's address and number are masked in the prompt.
    pub mask_contacts: bool,
}

impl Llm {
    pub(super) fn of(nth: usize, raw: raw::Llm, problems: &mut Problems) -> Option<Self> {
        let at = |key: &str| format!("llm[{nth}].{key}");
        let protocol = Protocol::of(&raw, &at, problems);
        let name =
            problems.required(trimmed(raw.name), at("name"), "a short name for the timeline, such as \"openai\"");
        if name.as_ref().is_some_and(|name| !is_name(name)) {
            problems.error(at("name"), NAME_WHAT);
        }
        let model = problems.required(trimmed(raw.model), at("model"), "the model's name as its provider writes it");
        let usual = match protocol {
            Protocol::OpenAi { .. } => OPENAI_BASE_URL,
            Protocol::Anthropic { .. } => ANTHROPIC_BASE_URL,
        };
        let base_url = Text::or(raw.base_url, BaseUrl::known(usual));
        base_url.check(at("base-url"), "leads and the key", problems);
        if raw.key.is_none() && !base_url.is_local() {
            problems.warn(at("key"), "not set: most servers that aren't on this box ask for one");
        }
        if raw.max_tokens == Some(0) {
            problems.error(at("max-tokens"), "at least 1");
        }
        if raw.concurrency == Some(0) {
            problems.error(at("concurrency"), "at least 1");
        }
        Some(Self {
            name: name?,
            base_url,
            model: model?,
            key: raw.key,
            protocol,
            max_tokens: raw.max_tokens.unwrap_or(LLM_MAX_TOKENS),
            timeout: Text::or(raw.timeout, LLM_TIMEOUT),
            first_timeout: Text::or(raw.first_timeout, LLM_FIRST_TIMEOUT),
            concurrency: usize::from(raw.concurrency.unwrap_or(LLM_CONCURRENCY)),
            price: Price::of(raw.input_price, raw.output_price, &at(""), problems),
        })
    }
}

impl Protocol {
    fn of(raw: &raw::Llm, at: &dyn Fn(&str) -> String, problems: &mut Problems) -> Self {
        let form = raw.structured.unwrap_or(FormName::JsonSchema);
        match raw.protocol.unwrap_or(ProtocolName::OpenAi) {
            ProtocolName::OpenAi => {
                if form == FormName::Tool {
                    problems.error(at("structured"), "\"tool\" is for protocol = \"anthropic\"");
                }
                Self::OpenAi {
                    structured: match form {
                        FormName::JsonSchema | FormName::Tool => Structured::JsonSchema,
                        FormName::JsonObject => Structured::JsonObject,
                    },
                    instructions_role: raw.instructions_role.unwrap_or(Role::System),
                    token_limit_key: raw.token_limit_key.unwrap_or(TokenLimitKey::MaxCompletionTokens),
                }
            }
            ProtocolName::Anthropic => {
                let keys = [
                    ("instructions-role", raw.instructions_role.is_some()),
                    ("token-limit-key", raw.token_limit_key.is_some()),
                ];
                for (key, _) in keys.into_iter().filter(|(_, is_set)| *is_set) {
                    problems.error(at(key), "not for protocol = \"anthropic\", which knows one way only");
                }
                if form == FormName::JsonObject {
                    problems.error(at("structured"), "with protocol = \"anthropic\": \"json-schema\" or \"tool\"");
                }
                Self::Anthropic { tool: form == FormName::Tool }
            }
        }
    }
}

impl Price {
    fn of(input: Option<f64>, output: Option<f64>, at: &str, problems: &mut Problems) -> Option<Self> {
        for (key, price) in [("input-price", input), ("output-price", output)] {
            if price.is_some_and(|price| !price.is_finite() || price < 0.0) {
                problems.error(format!("{at}{key}"), "a price for a million tokens, such as 2.50");
            }
        }
        match (input, output) {
            (Some(input), Some(output)) => Some(Self { input, output }),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                let (missing, other) =
                    if input.is_none() { ("input-price", "output-price") } else { ("output-price", "input-price") };
                problems.error(format!("{at}{missing}"), format!("missing, while {other} is set: cost needs both"));
                None
            }
        }
    }
}

impl Classify {
    pub(super) fn of(raw: raw::Classify, problems: &mut Problems) -> Self {
        let classify = Self {
            deadline: Text::or(raw.deadline, CLASSIFY_DEADLINE),
            give_up_after: Text::or(raw.give_up_after, CLASSIFY_GIVE_UP_AFTER),
            // What a prospect is called is no help in finding out what they want.
            mask_contacts: raw.mask_contacts.unwrap_or(true),
        };
        if classify.give_up_after < classify.deadline {
            problems.error("classify.give-up-after", "shorter than classify.deadline");
        }
        classify
    }
}
