//! From the configuration of the models to the classifiers that ask them.

use secrecy::SecretString;

use crate::classify::{self, Classifier};
use crate::config::{self, Config, SecretError, Secrets};
use crate::model::{Channel, Lane, Reading};
use crate::outbox::{Budget, Models};
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

/// Their order, and what they may cost.
pub(super) fn models(config: &Config) -> Models {
    let channel = |llm: &config::Llm| Channel::new(Lane::Llm, &llm.name);
    let reserve = |llm: &config::Llm| Some((channel(llm), settings(config, llm, None).most_per_try()?));
    Models {
        order: config.llm.iter().map(channel).collect(),
        reserves: config.llm.iter().filter_map(reserve).collect(),
        budget: budget(config),
    }
}

/// The caps under which a model would never be asked, because one try may cost more: each with its place and what is wrong.
#[must_use]
pub fn unaffordable(config: &Config) -> Vec<(String, String)> {
    let Models { order, reserves, budget } = models(config);
    let caps = [("spending.llm-per-day", budget.per_day), ("spending.llm-per-month", budget.per_month)];
    let mut found = Vec::new();
    for (path, cap) in caps {
        let Some(cap) = cap else { continue };
        for (model, reserve) in order.iter().filter_map(|model| Some((model, *reserves.get(model)?))) {
            if reserve > cap {
                let (name, may) = (model.name(), budget.words(reserve));
                found.push((path.to_owned(), format!("{name} is never asked: a try of it may cost {may}")));
            }
        }
    }
    found
}

/// What all models may cost together.
#[must_use]
pub(in crate::app) fn budget(config: &Config) -> Budget {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
    let micros = |amount: f64| (amount * 1e6).round().clamp(0.0, 1e15) as u64;
    let spending = &config.spending;
    Budget {
        per_day: spending.llm_per_day.map(micros),
        per_month: spending.llm_per_month.map(micros),
        currency: spending.currency.clone(),
        zone: config.business.time_zone.clone(),
    }
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
