//! The names under which forms and programs send the fields of a lead.
//!
//! A key is compared without case, spaces, `-`, `_` and `.`. Fields may lie in objects of their own (`data`, `lead`, …),
//! which are looked into before what is around them: an envelope often has a `name` of its own. An alias earlier in its
//! list outranks a later one wherever it stands.

use serde_json::{Map, Value};

use super::{Message, excerpt, field};

/// What the message is called.
pub(super) const MESSAGE: &[&str] = &[
    "message",
    "yourmessage",
    "msg",
    "comments",
    "comment",
    "enquiry",
    "inquiry",
    "question",
    "description",
    "details",
    "notes",
    "note",
    "text",
    "body",
    "content",
    "nachricht",
    "mensaje",
    "mensagem",
    "wiadomosc",
];
pub(super) const EMAIL: &[&str] =
    &["email", "youremail", "emailaddress", "workemail", "businessemail", "contactemail", "mail", "suppliedemail"];
pub(super) const PHONE: &[&str] = &[
    "phone",
    "yourphone",
    "phonenumber",
    "mobilephone",
    "mobile",
    "mobilenumber",
    "tel",
    "yourtel",
    "telephone",
    "telephonenumber",
    "cell",
    "cellphone",
    "contactnumber",
    "suppliedphone",
    "telefon",
];
pub(super) const NAME: &[&str] = &["name", "fullname", "yourname", "contactname", "customername", "suppliedname"];
pub(super) const FIRST_NAME: &[&str] = &["firstname", "fname", "yourfirstname", "givenname", "forename", "first"];
pub(super) const LAST_NAME: &[&str] = &["lastname", "lname", "yourlastname", "surname", "familyname", "last"];

/// Objects that hold a lead, without the marks of their names.
const CONTAINERS: [&str; 10] =
    ["data", "lead", "contact", "payload", "form", "fields", "properties", "record", "sobject", "attributes"];
/// Containers within containers are looked into so far.
const MAX_DEPTH: usize = 4;
/// Keys beyond this in one object are no form's.
const MAX_KEYS: usize = 512;
/// What a reason names of them.
const SHOWN_KEYS: usize = 12;
const SHOWN_CHARS: usize = 40;

/// The objects of a payload that may hold fields, the innermost first.
pub(super) struct Holders<'v>(Vec<(String, &'v Map<String, Value>)>);

impl<'v> Holders<'v> {
    pub(super) fn of(payload: &'v Value) -> Self {
        let mut holders = Vec::new();
        collect(payload, "", 0, &mut holders);
        Self(holders)
    }

    /// The first field of these names that says something.
    pub(super) fn field(&self, aliases: &[&str]) -> Option<String> {
        self.values(aliases).find_map(field)
    }

    /// The first message that says something.
    pub(super) fn message(&self) -> Message {
        Message::first(self.values(MESSAGE))
    }

    fn values(&self, aliases: &[&str]) -> impl Iterator<Item = &'v Value> + use<'v> {
        let mut found = Vec::new();
        for alias in aliases {
            for (_, map) in &self.0 {
                let called = map.iter().take(MAX_KEYS).filter(|(key, _)| is_alias(key, alias));
                found.extend(called.map(|(_, value)| unwrapped(value)));
            }
        }
        found.into_iter()
    }

    /// What is there, for the person who mends the mapping: every key, and the one that was probably meant.
    pub(super) fn outline(&self) -> String {
        let keys: Vec<String> = self
            .0
            .iter()
            .rev()
            .flat_map(|(path, map)| {
                map.keys().take(MAX_KEYS).map(move |key| format!("{path}/{}", excerpt(key, SHOWN_CHARS)))
            })
            .collect();
        let more = if keys.len() > SHOWN_KEYS { ", …" } else { "" };
        let listed = keys.iter().take(SHOWN_KEYS).cloned().collect::<Vec<_>>().join(", ");
        let meant = nearest(&keys).map(|key| format!("; is {key} the message?")).unwrap_or_default();
        format!("an object with the keys {listed}{more}{meant}")
    }
}

fn collect<'v>(value: &'v Value, path: &str, depth: usize, holders: &mut Vec<(String, &'v Map<String, Value>)>) {
    let Some(map) = value.as_object() else { return };
    if depth < MAX_DEPTH {
        for (key, inner) in map.iter().take(MAX_KEYS) {
            if CONTAINERS.iter().any(|name| is_alias(key, name)) {
                collect(inner, &format!("{path}/{}", excerpt(key, SHOWN_CHARS)), depth.saturating_add(1), holders);
            }
        }
    }
    holders.push((path.to_owned(), map));
}

/// `{"value": …}` is what it holds.
fn unwrapped(value: &Value) -> &Value {
    value.get("value").unwrap_or(value)
}

/// Whether a person or a program that means `alias` may have written `key`.
pub(super) fn is_alias(key: &str, alias: &str) -> bool {
    let letters = key.chars().filter(|c| !matches!(c, ' ' | '-' | '_' | '.')).flat_map(char::to_lowercase);
    letters.eq(alias.chars())
}

/// The key that looks most like a message's.
fn nearest(keys: &[String]) -> Option<&String> {
    /// Below this a guess would mislead.
    const ALIKE: f64 = 0.6;
    let score = |key: &str| {
        let last = key.rsplit('/').next().unwrap_or_default().to_lowercase();
        MESSAGE.iter().map(|alias| strsim::normalized_damerau_levenshtein(&last, alias)).fold(0.0, f64::max)
    };
    let best = keys.iter().take(SHOWN_KEYS).max_by(|a, b| score(a).total_cmp(&score(b)))?;
    (score(best) >= ALIKE).then_some(best)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_found_by_what_people_call_them() {
        for (name, payload, message, email) in [
            ("plain", json!({ "message": "Hi", "email": "a@b.co" }), Some("Hi"), Some("a@b.co")),
            ("marks and case", json!({ "Your-Message": "Hi", "E_MAIL": "a@b.co" }), Some("Hi"), Some("a@b.co")),
            (
                "nested",
                json!({ "type": "lead", "data": { "lead": { "comments": "Hi", "email address": "a@b.co" } } }),
                Some("Hi"),
                Some("a@b.co"),
            ),
            (
                "wrapped",
                json!({ "properties": { "message": { "value": "Hi" }, "email": { "value": "a@b.co" } } }),
                Some("Hi"),
                Some("a@b.co"),
            ),
            ("the earlier alias", json!({ "notes": "internal", "data": { "message": "Hi" } }), Some("Hi"), None),
            ("the inner one", json!({ "description": "Form 7", "lead": { "description": "Hi" } }), Some("Hi"), None),
            ("an empty one is passed over", json!({ "message": "", "comments": "Hi" }), Some("Hi"), None),
            ("another word", json!({ "messages": "Hi", "emails": "a@b.co" }), None, None),
            ("a list", json!({ "message": ["Hi"] }), None, None),
        ] {
            let holders = Holders::of(&payload);
            let found = match holders.message() {
                Message::Text(text) => Some(text),
                Message::Blank | Message::Missing => None,
            };
            assert_eq!(found.as_deref(), message, "{name}");
            assert_eq!(holders.field(EMAIL).as_deref(), email, "{name}");
        }
    }

    #[test]
    fn what_is_there_instead_is_told() {
        for (payload, want) in [
            (json!({ "a": 1 }), "an object with the keys /a"),
            (
                json!({ "lead": { "mesage": "Hi" }, "id": 1 }),
                "an object with the keys /id, /lead, /lead/mesage; is /lead/mesage the message?",
            ),
        ] {
            assert_eq!(Holders::of(&payload).outline(), want);
        }
    }
}
