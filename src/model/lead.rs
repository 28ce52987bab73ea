//! A lead: who wrote, what they want, and what we concluded.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Channel, LeadId, Phone, Timestamp};

/// The closed set of classes. No other label can exist anywhere in the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Label {
    /// Specific timelines, budgets or buying signals.
    UrgentBuyer,
    /// General questions, early research.
    TireKicker,
    /// An existing customer who needs help.
    SupportRequest,
    /// Irrelevant, a pitch to us, nonsense.
    Spam,
}

impl Label {
    /// All four, in the order of the prompt.
    pub const ALL: [Self; 4] = [Self::UrgentBuyer, Self::TireKicker, Self::SupportRequest, Self::Spam];

    /// The word in the prompt, the database and (unless configured otherwise) the CRM.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UrgentBuyer => "URGENT_BUYER",
            Self::TireKicker => "TIRE_KICKER",
            Self::SupportRequest => "SUPPORT_REQUEST",
            Self::Spam => "SPAM",
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that is none of the four labels.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not one of URGENT_BUYER, TIRE_KICKER, SUPPORT_REQUEST, SPAM")]
pub struct NotALabel(String);

impl FromStr for Label {
    type Err = NotALabel;

    fn from_str(text: &str) -> Result<Self, NotALabel> {
        Self::ALL.into_iter().find(|label| label.name() == text).ok_or_else(|| NotALabel(text.to_owned()))
    }
}

/// Who decided the label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassifiedBy {
    /// The first model of the list.
    Llm,
    /// A later model of the list.
    LlmFallback,
    /// A person.
    Person,
}

impl ClassifiedBy {
    /// The word in the database and the CLI.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Llm => "llm",
            Self::LlmFallback => "llm-fallback",
            Self::Person => "person",
        }
    }
}

/// A lead's record in a CRM: which channel leads there, and the vendor's id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CrmRecord {
    /// The CRM's channel, such as `crm:hubspot`.
    pub channel: Channel,
    /// The vendor's id of the contact or lead.
    pub id: String,
}

impl CrmRecord {
    /// Some vendors write one id with 15 characters or with 18, of which the last three only repeat the case of the others.
    pub const SAME_CHARS: usize = 15;
    const LONG_CHARS: usize = 18;

    /// What tells one record of a CRM from the others, whichever way its id is written.
    #[must_use]
    pub fn key(id: &str) -> &str {
        let is_long = id.len() == Self::LONG_CHARS && id.bytes().all(|b| b.is_ascii_alphanumeric());
        if is_long { id.get(..Self::SAME_CHARS).unwrap_or(id) } else { id }
    }

    /// Whether two ids of one CRM are of the same record.
    #[must_use]
    pub fn same(a: &str, b: &str) -> bool {
        Self::key(a) == Self::key(b)
    }
}

/// The short name of a lead that a person can type on a phone (`K7`). Letters and digits that look alike are left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LeadCode(String);

impl LeadCode {
    const LETTERS: &'static [u8] = b"ACDEFHJKLMNPRTUVWXY";
    const DIGITS: &'static [u8] = b"2345679";

    /// The code of the `number`-th lead of this desk; codes come round again after every combination was used.
    #[must_use]
    pub fn of(number: i64) -> Self {
        let (letter, rest) = Self::letter(number);
        Self(format!("{letter}{}", Self::pick(Self::DIGITS, rest)))
    }

    /// One with two digits, for when the short ones are in use.
    #[must_use]
    pub fn long(number: i64) -> Self {
        let (letter, rest) = Self::letter(number);
        let tens = rest.checked_div(Self::DIGITS.len()).unwrap_or(0);
        Self(format!("{letter}{}{}", Self::pick(Self::DIGITS, tens), Self::pick(Self::DIGITS, rest)))
    }

    /// Codes to try for the `number`-th lead, best first: every short one, then every long one.
    pub fn candidates(number: i64) -> impl Iterator<Item = Self> {
        let (letters, digits) = (Self::LETTERS.len(), Self::DIGITS.len());
        let short = i64::try_from(letters.saturating_mul(digits)).unwrap_or(0);
        let long = short.saturating_mul(i64::try_from(digits).unwrap_or(0));
        let from = move |n: i64| number.saturating_add(n);
        (0..short).map(move |n| Self::of(from(n))).chain((0..long).map(move |n| Self::long(from(n))))
    }

    /// What a person typed, in capitals, if it has the shape of a code.
    #[must_use]
    pub fn typed(word: &str) -> Option<Self> {
        let (letter, digits) = word.as_bytes().split_first()?;
        let known = Self::LETTERS.contains(letter) && digits.iter().all(|digit| Self::DIGITS.contains(digit));
        (known && (1..=2).contains(&digits.len())).then(|| Self(word.to_owned()))
    }

    /// A code as it was stored.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    fn letter(number: i64) -> (char, usize) {
        let n = usize::try_from(number).unwrap_or(0);
        (Self::pick(Self::LETTERS, n), n.checked_div(Self::LETTERS.len()).unwrap_or(0))
    }

    fn pick(set: &'static [u8], n: usize) -> char {
        set.get(n.checked_rem(set.len()).unwrap_or(0)).map_or('K', |b| char::from(*b))
    }
}

impl fmt::Display for LeadCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a CRM holds about a contact, as it stands there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contact {
    /// What the prospect wrote.
    pub message: Option<String>,
    /// First and last name.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
}

/// A lead as it was read from a webhook or a CRM, before it has an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLead {
    /// The CRM its source belongs to, where one is configured.
    pub crm: Option<Channel>,
    /// The id of its record there, as the sender gave it.
    pub record_id: Option<String>,
    /// The prospect's name.
    pub name: Option<String>,
    /// The prospect's e-mail address.
    pub email: Option<String>,
    /// The prospect's number as typed.
    pub phone_text: Option<String>,
    /// The message as sent; empty where there is nothing to see in it.
    pub message: String,
    /// The sender's id of the event, where there is one.
    pub event_key: Option<String>,
    /// Hash of CRM account, record, normalised message, e-mail and phone; of the whole body, if nothing says who wrote.
    pub content_key: String,
}

impl NewLead {
    /// Whether somebody can be called or written to.
    #[must_use]
    pub const fn is_reachable(&self) -> bool {
        self.email.is_some() || self.phone_text.is_some()
    }
}

/// Everything the pipeline, the router and the effects may know of a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// Its id.
    pub id: LeadId,
    /// Its short name for people.
    pub code: LeadCode,
    /// The configured source it came by.
    pub source: String,
    /// When its webhook arrived.
    pub received_at: Timestamp,
    /// Where it lives in a CRM, when the payload said so.
    pub record: Option<CrmRecord>,
    /// The prospect's name as sent.
    pub name: Option<String>,
    /// The prospect's e-mail address, if it has the shape of one.
    pub email: Option<String>,
    /// The prospect's number as typed.
    pub phone_text: Option<String>,
    /// The prospect's number, if it is a valid one; `None` until the pipeline has run.
    pub phone: Option<Phone>,
    /// The message as sent, markup and all.
    pub raw_message: String,
    /// The message after the sanitiser; `None` until the pipeline has run.
    pub message: Option<String>,
    /// The class; `None` until a model or a person decided.
    pub label: Option<Label>,
    /// Who decided it.
    pub classified_by: Option<ClassifiedBy>,
    /// When it was routed without a label because no model answered in time.
    pub provisional_at: Option<Timestamp>,
    /// Why no model was asked before that, where none could be paid for; only read for who tells of it.
    pub unasked_why: Option<String>,
    /// When its jobs were planned from its label.
    pub routed_at: Option<Timestamp>,
    /// When the last of its jobs ended.
    pub settled_at: Option<Timestamp>,
    /// Its record was read and is no new lead.
    pub dropped: bool,
    /// When its record was made in the CRM, if it was found there because its webhook never came.
    pub made_at: Option<Timestamp>,
}

impl Lead {
    /// What stands for a lead in jobs that are about none.
    #[must_use]
    pub fn none(id: LeadId, source: String, at: Timestamp) -> Self {
        Self {
            id,
            code: LeadCode::stored("-".to_owned()),
            source,
            received_at: at,
            record: None,
            name: None,
            email: None,
            phone_text: None,
            phone: None,
            raw_message: String::new(),
            message: None,
            label: None,
            classified_by: None,
            provisional_at: None,
            routed_at: None,
            settled_at: None,
            unasked_why: None,
            dropped: true,
            made_at: None,
        }
    }

    /// How long somebody had waited when the lead was found; `None` for one whose webhook came.
    #[must_use]
    pub fn age_when_found(&self) -> Option<Duration> {
        self.made_at.map(|made_at| self.received_at.since(made_at))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn labels_are_exactly_four() {
        for label in Label::ALL {
            assert_eq!(label.name().parse(), Ok(label));
        }
        for wrong in ["spam", "SPAM ", "", "URGENT", "URGENT_BUYER\0"] {
            assert!(wrong.parse::<Label>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn codes_differ_until_all_are_used() {
        let codes: HashSet<String> = (0..133).map(|n| LeadCode::of(n).to_string()).collect();
        assert_eq!(codes.len(), 133);
        assert_eq!(LeadCode::of(133), LeadCode::of(0));
        let all: Vec<LeadCode> = LeadCode::candidates(1_000).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 133 + 931);
        assert!(all.iter().all(|code| LeadCode::typed(&code.to_string()).as_ref() == Some(code)));
        assert_eq!(LeadCode::of(1_000), all[0]);
    }
}
