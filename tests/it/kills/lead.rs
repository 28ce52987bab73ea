//! A lead of the suite: its words, its posts, and what was answered.

use serde_json::{Value, json};

use crate::support::Post;

/// What a lead is about; the simulated model sees it in the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Buyer,
    Curious,
    Customer,
    Spam,
}

impl Class {
    pub(super) const ALL: [Self; 4] = [Self::Buyer, Self::Curious, Self::Customer, Self::Spam];

    /// The label it must get.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Buyer => "URGENT_BUYER",
            Self::Curious => "TIRE_KICKER",
            Self::Customer => "SUPPORT_REQUEST",
            Self::Spam => "SPAM",
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::Buyer => "We need a quote for 50 units by tomorrow, budget of 20k, board approved.",
            Self::Curious => "How does your product compare to X? Just curious.",
            Self::Customer => "I can't log into my account, the app crashed again.",
            Self::Spam => "We sell SEO backlinks, rank #1, limited offer, unsubscribe here.",
        }
    }
}

/// A lead as its sender knows it.
#[derive(Debug)]
pub(super) struct Sent {
    /// Stands in every text about it, and nowhere else.
    pub(super) token: String,
    pub(super) class: Class,
    /// Its contact in the CRM, which no other lead has.
    pub(super) contact: String,
    pub(super) post: Post,
    /// Every whole answer that came back.
    pub(super) answers: Vec<(u16, Value)>,
}

impl Sent {
    /// The `number`th lead of an office. A long one needs several parts as a text.
    pub(super) fn new(number: usize, class: Class, long: bool) -> Self {
        let tail = " Please call before noon, we have looked at every offer there is.".repeat(if long { 3 } else { 0 });
        Self::with(number, class, &format!("{}{tail}", class.message()))
    }

    /// A lead with these words, of which no model ever says anything.
    pub(super) fn saying(number: usize, words: &str) -> Self {
        Self::with(number, Class::Buyer, words)
    }

    fn with(number: usize, class: Class, message: &str) -> Self {
        let (token, contact) = (format!("Q{number:04}Z"), (7_000 + number).to_string());
        let body = json!({
            "message": message, "name": token, "contact": contact,
            "email": format!("{}@example.com", token.to_lowercase()), "event": token,
        });
        Self { post: Post::website(&body), token, class, contact, answers: Vec::new() }
    }

    /// The ids that the answers with a 2xx named.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.good().filter_map(|body| body["lead_id"].as_str().or(body["duplicate_of"].as_str()))
    }

    pub(super) fn is_acknowledged(&self) -> bool {
        self.good().next().is_some()
    }

    fn good(&self) -> impl Iterator<Item = &Value> {
        self.answers.iter().filter(|(status, _)| (200..300).contains(status)).map(|(_, body)| body)
    }
}
