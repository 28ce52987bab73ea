//! From the configuration of the models to the classifiers that ask them.

use secrecy::SecretString;

use crate::classify::{self, Classifier};
use crate::config::{self, Config, SecretError, Secrets};
use crate::model::Reading;
use crate::wire::{Call, Wire};

/// Every model of the configuration, in order, for `check --online`.
///
/// # Errors
/// When a secret was not loaded.
pub fn classifiers(config: &Config, secrets: &Secrets) -> Result<Vec<Classifier>, SecretError> {
    let wire = Wire::new();
    config.llm.iter().map(|llm| classifier(config, llm, secrets, &wire)).collect()
}

/// What the first model would be sent for a lead that was read as this; `None` where no model is configured. No secret is
/// loaded for it: stars stand for the key.
#[must_use]
pub fn first_call(config: &Config, reading: &Reading, phone_text: Option<&str>) -> Option<Call> {
    let llm = config.llm.first()?;
    let stars = llm.key.as_ref().map(|_| SecretString::from("***"));
    let classifier = Classifier::new(settings(config, llm, stars), Wire::new());
    Some(classifier.first_call(&reading.message, phone_text, reading.phone.as_ref()))
}

/// One of them.
pub(super) fn classifier(
    config: &Config,
    llm: &config::Llm,
    secrets: &Secrets,
    wire: &Wire,
) -> Result<Classifier, SecretError> {
    let api_key = llm.key.as_ref().map(|key| secrets.get(key).cloned()).transpose()?;
    Ok(Classifier::new(settings(config, llm, api_key), wire.clone()))
}

fn settings(config: &Config, llm: &config::Llm, api_key: Option<SecretString>) -> classify::Settings {
    classify::Settings {
        provider: llm.name.clone(),
        base_url: llm.base_url.as_str().to_owned(),
        model: llm.model.clone(),
        api_key,
        protocol: protocol(llm.protocol),
        max_tokens: llm.max_tokens,
        timeout: llm.timeout,
        first_timeout: llm.first_timeout,
        price: llm.price.map(|price| classify::Price::per_million(price.input, price.output)),
        business: config.business.description.clone().unwrap_or_default(),
        mask_contacts: config.classify.mask_contacts,
    }
}

fn protocol(protocol: config::Protocol) -> classify::Protocol {
    match protocol {
        config::Protocol::OpenAi { structured, instructions_role, token_limit_key } => {
            classify::Protocol::OpenAi(classify::Dialect {
                role: match instructions_role {
                    config::Role::System => classify::Role::System,
                    config::Role::Developer => classify::Role::Developer,
                },
                structured: match structured {
                    config::Structured::JsonSchema => classify::Structured::JsonSchema,
                    config::Structured::JsonObject => classify::Structured::JsonObject,
                },
                token_limit: match token_limit_key {
                    config::TokenLimitKey::MaxCompletionTokens => classify::TokenLimit::MaxCompletionTokens,
                    config::TokenLimitKey::MaxTokens => classify::TokenLimit::MaxTokens,
                },
            })
        }
        config::Protocol::Anthropic { tool } => {
            classify::Protocol::Anthropic(if tool { classify::Forced::Tool } else { classify::Forced::Schema })
        }
    }
}
