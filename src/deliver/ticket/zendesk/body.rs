//! A ticket as Zendesk takes it: a pure function of the job's words and its key, so that every try sends the same bytes.
//!
//! Called by the Zendesk effect. A customer's text is only ever a value here; what Zendesk would fill in (`{{…}}`) is spaced
//! apart. Never reads a clock: the same key with another body is refused.
//! Sources: <https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#json-format>,
//! <https://support.zendesk.com/hc/en-us/articles/4408886858138> (placeholders).

use serde_json::{Map, Value, json};

use super::super::{clean, one_line, shortened, tags};
use crate::model::TicketTask;

/// A comment of 64 KiB is refused.
const MOST_BODY_BYTES: usize = 60_000;
/// A subject is a column of 255 characters in lists and exports.
const MOST_SUBJECT_CHARS: usize = 250;
/// A tag is a column of so many characters.
const MOST_TAG_CHARS: usize = 255;
/// What a priority can be.
const PRIORITIES: [&str; 4] = ["urgent", "high", "normal", "low"];

/// Whose case it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Requester {
    /// Nobody's whom Zendesk could write to: the agent's own.
    Nobody,
    /// This customer's. Zendesk makes a user of whom it doesn't know, and that needs a name.
    Known { name: String, email: String },
    /// Of a customer whose address Zendesk doesn't take.
    Refused { email: String },
}

impl Requester {
    /// The requester of a case: only who has an address.
    pub(super) fn of(task: &TicketTask) -> Self {
        let Some(email) = task.email.as_deref().map(one_line).filter(|email| !email.is_empty()) else {
            return Self::Nobody;
        };
        let name = task.name.as_deref().map(plain_line).filter(|name| !name.is_empty());
        Self::Known { name: name.unwrap_or_else(|| email.clone()), email }
    }
}

/// The body of the POST.
pub(super) fn of(task: &TicketTask, key: &str, public: bool, requester: &Requester) -> Value {
    let mut ticket = Map::new();
    let mut put = |name: &str, value: Value| drop(ticket.insert(name.to_owned(), value));
    let subject = shortened(&plain_line(&task.subject), MOST_SUBJECT_CHARS, |_| 1);
    put("subject", or(subject, "A case for support").into());
    put("comment", json!({ "body": text(task, requester), "public": public }));
    if let Requester::Known { name, email } = requester {
        put("requester", json!({ "name": name, "email": email }));
    }
    let priority = task.priority.as_deref().map(|given| given.trim().to_lowercase());
    if let Some(priority) = priority.filter(|given| PRIORITIES.contains(&given.as_str())) {
        put("priority", priority.into());
    }
    put("tags", tags(&task.tags, MOST_TAG_CHARS).into());
    put("external_id", key.into());
    put("type", "question".into());
    json!({ "ticket": ticket })
}

/// The comment: paragraphs with an empty line between them.
fn text(task: &TicketTask, requester: &Requester) -> String {
    let paragraphs = task.paragraphs.iter().map(|paragraph| clean(paragraph));
    let told = match requester {
        Requester::Refused { email } => Some(format!("The customer's address, which Zendesk did not take: {email}")),
        Requester::Nobody | Requester::Known { .. } => None,
    };
    // Said first, because a long text is cut at its end.
    let paragraphs: Vec<String> = told.into_iter().chain(paragraphs).filter(|text| !text.trim().is_empty()).collect();
    or(shortened(&apart(&paragraphs.join("\n\n")), MOST_BODY_BYTES, char::len_utf8), "(no text)")
}

fn plain_line(text: &str) -> String {
    apart(&one_line(text))
}

/// Zendesk fills in what stands between double braces: none are left.
fn apart(text: &str) -> String {
    let mut apart = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '{' | '%') && apart.ends_with('{') {
            apart.push(' ');
        }
        apart.push(c);
    }
    apart
}

/// A text that must not be empty.
fn or(text: String, other: &str) -> String {
    if text.trim().is_empty() { other.to_owned() } else { text }
}
