//! What only a Pipedrive account needs.

use super::{base_url, trimmed};
use crate::config::{BaseUrl, Problems, SecretRef, raw};

/// The documented address; a company's own does as well.
const BASE_URL: &str = "https://api.pipedrive.com";
/// Keys are so many hexadecimal digits.
const KEY_DIGITS: usize = 40;
/// What to write for one.
const KEY_WHAT: &str = "the key of a person's field, 40 hexadecimal digits: Company settings, Data fields, Person";

/// A Pipedrive account.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipedrive {
    /// Where its API lives.
    pub base_url: BaseUrl,
    /// The API token of a user.
    pub token: SecretRef,
    /// The key of the field that takes the class.
    pub classification_property: String,
    /// The key of the field that flags top priority; without it nothing is flagged.
    pub priority_property: Option<String>,
    /// The key of the field that holds what a prospect wrote.
    pub message_property: Option<String>,
}

impl Pipedrive {
    /// `is_read`: persons are looked for in it, so what they wrote must be found.
    pub(super) fn of(
        raw: &mut raw::Crm,
        is_read: bool,
        at: &dyn Fn(&str) -> String,
        problems: &mut Problems,
    ) -> Option<Self> {
        let wants = "{ credential = \"name\" } or { file = \"/path\" }";
        let token = problems.required(raw.token.take(), at(".token"), wants);
        let base_url = base_url(raw.base_url.take(), BASE_URL, at, problems);
        let mut key = |property: &str, typed: Option<String>| {
            let key = trimmed(typed);
            if key.as_ref().is_some_and(|key| !is_key(key)) {
                problems.error(at(property), KEY_WHAT);
            }
            key
        };
        let classification = key(".classification-property", raw.classification_property.take());
        let priority_property = key(".priority-property", raw.priority_property.take());
        let message_property = key(".message-property", raw.message_property.take());
        if is_read && message_property.is_none() {
            problems.error(at(".message-property"), format!("missing, and reconcile needs it: {KEY_WHAT}"));
        }
        let classification = problems.required(classification, at(".classification-property"), KEY_WHAT);
        Some(Self {
            base_url,
            token: token?,
            classification_property: classification?,
            priority_property,
            message_property,
        })
    }
}

fn is_key(text: &str) -> bool {
    text.len() == KEY_DIGITS && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Vendor};

    const KEY: &str = "d4de1c1518b4531717c676029a45911c340390a6";

    #[test]
    fn fields_are_named_by_their_keys() {
        let with = |more: &str| format!("[crm.p]\nkind = \"pipedrive\"\ntoken = {{ file = \"/t\" }}\n{more}");
        let config = Config::parse(&with(&format!("classification-property = \"{KEY}\""))).unwrap();
        let Vendor::Pipedrive(pipedrive) = &config.crm["p"].vendor else { panic!("{config:?}") };
        assert_eq!((pipedrive.base_url.as_str(), &pipedrive.priority_property), ("https://api.pipedrive.com", &None));
        assert!(config.crm["p"].note);
        for (name, more, want) in [
            ("none", String::new(), "crm.p.classification-property: missing"),
            ("a name", "classification-property = \"auto_classification\"".to_owned(), "40 hexadecimal digits"),
            ("in capitals", format!("classification-property = \"{}\"", KEY.to_uppercase()), "40 hexadecimal digits"),
            (
                "nothing to read",
                format!("classification-property = \"{KEY}\"\nreconcile = \"web\""),
                "crm.p.message-property: missing",
            ),
            ("a path", format!("classification-property = \"{KEY}\"\npath = \"/v3\""), "crm.p.path: not for"),
        ] {
            let problems = Config::parse(&with(&more)).unwrap_err().to_string();
            assert!(problems.contains(want), "{name}: {problems}");
        }
    }
}
