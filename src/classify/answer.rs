//! Reads a model's answer. Strict: exactly one JSON object with exactly one key and one of the four labels, or no answer.
//!
//! Called by `openai` and `anthropic`. Never guesses from prose. Two wrappings are taken off because local models put them around a good
//! answer even when told not to: a thought before it, which ends with `</think>` (its beginning may belong to the server's
//! template and be missing), and one Markdown fence around all of the rest.

use serde::Deserialize;

use crate::model::Label;

/// Why an answer was not taken; its words go back to the model and into the record of the call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadAnswer {
    /// Nothing at all.
    #[error("the answer was empty")]
    Empty,
    /// Cut off by the token limit.
    #[error("the answer was cut off before its end")]
    CutOff,
    /// The model declined, or a filter of the vendor did.
    #[error("the answer was a refusal")]
    Refused,
    /// Ended in another way than by being complete (a tool call, an unknown reason).
    #[error("the answer did not end as a complete text")]
    Unfinished,
    /// Not one JSON value, or more than that.
    #[error("the answer was not exactly one JSON object")]
    NotJson,
    /// An object, but not the one that was asked for.
    #[error("the object must have the single key \"classification\" with a text as its value")]
    WrongShape,
    /// The right object with another label.
    #[error("the value was none of URGENT_BUYER, TIRE_KICKER, SUPPORT_REQUEST, SPAM")]
    UnknownLabel,
    /// A 200 whose body is no completion: a proxy's page, or half a JSON.
    #[error("the server's answer was no completion")]
    NotACompletion,
}

/// The one object we take. A struct of text: a derived enum would also accept `{"SPAM":null}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    classification: String,
}

/// The label in `content`, which may be wrapped.
pub(super) fn read(content: &str) -> Result<Label, BadAnswer> {
    read_bare(unwrapped(content))
}

/// The label in `json`, around which nothing may be.
pub(super) fn read_bare(json: &str) -> Result<Label, BadAnswer> {
    if json.is_empty() {
        return Err(BadAnswer::Empty);
    }
    // Serde would take an array for a struct.
    if !json.starts_with('{') || serde_json::from_str::<serde::de::IgnoredAny>(json).is_err() {
        return Err(BadAnswer::NotJson);
    }
    let wanted: Wanted = serde_json::from_str(json).map_err(|_| BadAnswer::WrongShape)?;
    wanted.classification.parse().map_err(|_| BadAnswer::UnknownLabel)
}

fn unwrapped(content: &str) -> &str {
    let mut text = content.trim().trim_start_matches('\u{feff}').trim_start();
    if let Some((_, rest)) = text.split_once("</think>").filter(|_| !text.starts_with('{')) {
        text = rest.trim_start();
    }
    let fenced = text.strip_prefix("```json").or_else(|| text.strip_prefix("```"));
    fenced.and_then(|inner| inner.strip_suffix("```")).map_or(text, str::trim)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn answers() {
        let spam = Ok(Label::Spam);
        for (name, content, want) in [
            ("plain", r#"{"classification":"SPAM"}"#, spam.clone()),
            ("spaced", "\n { \"classification\" : \"URGENT_BUYER\" } \n", Ok(Label::UrgentBuyer)),
            ("escaped", r#"{"classification":"SP\u0041M"}"#, spam.clone()),
            ("fence", "```json\n{\"classification\":\"SPAM\"}\n```", spam.clone()),
            ("fence without language", "```\n{\"classification\":\"SPAM\"}```", spam.clone()),
            (
                "think",
                "<think>Is it {\"classification\":\"SPAM\"}?</think>\n{\"classification\":\"TIRE_KICKER\"}",
                Ok(Label::TireKicker),
            ),
            ("think and fence", "<think>\n</think>\n```json\n{\"classification\":\"SPAM\"}\n```", spam),
            ("think without its beginning", "So, spam.\n</think>\n\n{\"classification\":\"SPAM\"}", Ok(Label::Spam)),
            (
                "think after it",
                "{\"classification\":\"SPAM\"}</think>{\"classification\":\"SPAM\"}",
                Err(BadAnswer::NotJson),
            ),
            ("two thoughts", "<think>a</think>b</think>{\"classification\":\"SPAM\"}", Err(BadAnswer::NotJson)),
            ("think without end", "<think>{\"classification\":\"SPAM\"}", Err(BadAnswer::NotJson)),
            ("empty", "", Err(BadAnswer::Empty)),
            ("only thought", "<think>hm</think> ", Err(BadAnswer::Empty)),
            ("prose", "It is SPAM.", Err(BadAnswer::NotJson)),
            ("bare label", "SPAM", Err(BadAnswer::NotJson)),
            ("quoted label", "\"SPAM\"", Err(BadAnswer::NotJson)),
            ("prose before", "Sure: {\"classification\":\"SPAM\"}", Err(BadAnswer::NotJson)),
            ("prose after", "{\"classification\":\"SPAM\"} because", Err(BadAnswer::NotJson)),
            ("prose around a fence", "Here:\n```json\n{\"classification\":\"SPAM\"}\n```", Err(BadAnswer::NotJson)),
            ("two objects", "{\"classification\":\"SPAM\"}{\"classification\":\"SPAM\"}", Err(BadAnswer::NotJson)),
            ("cut off", "{\"classification\":\"SPA", Err(BadAnswer::NotJson)),
            ("array", "[\"SPAM\"]", Err(BadAnswer::NotJson)),
            ("array of object", "[{\"classification\":\"SPAM\"}]", Err(BadAnswer::NotJson)),
            ("two keys", r#"{"classification":"SPAM","confidence":0.9}"#, Err(BadAnswer::WrongShape)),
            (
                "same key twice",
                r#"{"classification":"SPAM","classification":"URGENT_BUYER"}"#,
                Err(BadAnswer::WrongShape),
            ),
            ("other key", r#"{"class":"SPAM"}"#, Err(BadAnswer::WrongShape)),
            ("no key", "{}", Err(BadAnswer::WrongShape)),
            ("two labels", r#"{"classification":["SPAM","URGENT_BUYER"]}"#, Err(BadAnswer::WrongShape)),
            ("label as object", r#"{"classification":{"SPAM":null}}"#, Err(BadAnswer::WrongShape)),
            ("null", r#"{"classification":null}"#, Err(BadAnswer::WrongShape)),
            ("joined labels", r#"{"classification":"SPAM|URGENT_BUYER"}"#, Err(BadAnswer::UnknownLabel)),
            ("unknown label", r#"{"classification":"COLD_LEAD"}"#, Err(BadAnswer::UnknownLabel)),
            ("lower case", r#"{"classification":"spam"}"#, Err(BadAnswer::UnknownLabel)),
            ("padded label", r#"{"classification":" SPAM"}"#, Err(BadAnswer::UnknownLabel)),
        ] {
            assert_eq!(read(content), want, "{name}");
        }
    }

    proptest! {
        #[test]
        fn only_the_one_object_is_an_answer(before in "[^\\s{]{0,3}", label in "[A-Z_]{0,16}", after in "[^\\s]{0,3}") {
            let content = format!("{before}{{\"classification\":\"{label}\"}}{after}");
            prop_assert_eq!(read(&content).is_ok(), before.replace('\u{feff}', "").is_empty() && after.is_empty() && label.parse::<Label>().is_ok());
        }
    }
}
