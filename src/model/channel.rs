//! Where work goes: lanes, and the destinations on them.
//!
//! Lanes are concurrency, channels are destinations; `outbox` gives both their meaning.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A pool of workers for one kind of effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// Timers, never parked; and what the desk asks for itself, such as what became of a text.
    Desk,
    /// Language models.
    Llm,
    /// Texts to the person on call, and rings.
    Sms,
    /// Mails to prospects.
    Mail,
    /// Cases for the support team.
    Ticket,
    /// CRM write-back.
    Crm,
}

impl Lane {
    /// The word in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Desk => "desk",
            Self::Llm => "llm",
            Self::Sms => "sms",
            Self::Mail => "mail",
            Self::Ticket => "ticket",
            Self::Crm => "crm",
        }
    }
}

/// One destination, such as `sms:modem0` or `crm:hubspot`: breaker, rate limit and parking belong to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Channel(String);

impl Channel {
    /// The channel `name` of `lane`.
    #[must_use]
    pub fn new(lane: Lane, name: &str) -> Self {
        Self(format!("{}:{name}", lane.name()))
    }

    /// The channel of all timers.
    #[must_use]
    pub fn desk() -> Self {
        Self(Lane::Desk.name().to_owned())
    }

    /// A channel as it was stored.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// Where phones are rung by what sends the texts of this channel: `ring:modem0` for `sms:modem0`. A channel of its
    /// own, so that a ring never takes a text's place, and nothing that a ring meets holds up texts.
    #[must_use]
    pub fn for_rings(&self) -> Self {
        Self(format!("ring:{}", self.name()))
    }

    /// The channel of the texts that the same thing sends.
    #[must_use]
    pub fn for_texts(&self) -> Self {
        Self::new(Lane::Sms, self.name())
    }

    /// The name without its lane.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once(':').map_or(self.0.as_str(), |(_, name)| name)
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name for people: without lane and number (`sms:modem0` is `modem`).
    #[must_use]
    pub fn short_name(&self) -> &str {
        self.name().trim_end_matches(|c: char| c.is_ascii_digit())
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names() {
        for (name, want) in
            [("sms:modem0", "modem"), ("sms:twilio", "twilio"), ("crm:hubspot", "hubspot"), ("desk", "desk")]
        {
            assert_eq!(Channel::stored(name.into()).short_name(), want);
        }
    }
    #[test]
    fn rings_have_a_channel_of_their_own() {
        let texts = Channel::new(Lane::Sms, "modem0");
        let rings = texts.for_rings();
        assert_eq!((rings.as_str(), rings.short_name(), rings.for_texts()), ("ring:modem0", "modem", texts));
    }
}
