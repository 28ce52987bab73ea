//! What is read from a CRM and written there: payloads of jobs, as their rows have them.

use serde::{Deserialize, Serialize};

use super::{CrmRecord, Label, NewLead, Timestamp};

/// Writing the class and the priority into a CRM record, or whose it is: absolute values, so it may be repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrmUpdate {
    /// The record.
    pub record: CrmRecord,
    /// The class to write; `None` leaves the field alone.
    pub label: Option<Label>,
    /// Flag the record top priority, or take our flag back; `None` leaves what is there, which may be a person's.
    pub priority: Option<bool>,
    /// The CRM's id of the user whose record it is from now on; `None` leaves the field alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

impl CrmUpdate {
    /// What is left of this update once a newer one is written: values that come after newer ones would undo them. Class
    /// and priority are one conclusion, so a newer one of either takes the place of both; the owner is another matter.
    #[must_use]
    pub fn without(mut self, newer: &Self) -> Self {
        if newer.label.is_some() || newer.priority.is_some() {
            (self.label, self.priority) = (None, None);
        }
        if newer.owner.is_some() {
            self.owner = None;
        }
        self
    }

    /// Nothing is to be written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.label.is_none() && self.priority.is_none() && self.owner.is_none()
    }
}

/// A note on a CRM record that tells what was done; its words are made when it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrmNote {
    /// The record.
    pub record: CrmRecord,
    /// It tells only this, which happened later; `None` tells all that was done.
    #[serde(default)]
    pub news: Option<CrmNews>,
}

/// What happened after the note was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrmNews {
    /// When.
    pub at: Timestamp,
    /// What, in words that follow the time.
    pub words: String,
    /// It tells first when the texts left and arrived: of most of them the first note could not know that yet.
    #[serde(default)]
    pub after_texts: bool,
}

/// A task on a CRM record for whoever looks there next, because nobody could be reached. What was done so far is added
/// when it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrmTask {
    /// The record.
    pub record: CrmRecord,
    /// Its headline.
    pub subject: String,
    /// What is to be done.
    pub words: String,
}

/// Reading the fields of a record: the webhook told only that there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrmRead {
    /// The record.
    pub record: CrmRecord,
    /// The CRM account, as the webhook named it: part of what tells a duplicate.
    pub account: Option<String>,
    /// It was read before and had no message yet.
    #[serde(default)]
    pub again: bool,
    /// Somebody wrote, as far as the webhook tells. Without a message a record of any other origin is no lead.
    pub expects_message: bool,
}

/// Asking a CRM which records were made or converted in a window: one page of them. Those that never arrived here are leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconcile {
    /// Not before this.
    pub from: Timestamp,
    /// Before this.
    pub until: Timestamp,
    /// Where the last page ended, in the vendor's own terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// One page of the records of a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The records, as the leads they would be.
    pub records: Vec<FoundRecord>,
    /// Where the next page goes on; `None`: this was the last.
    pub after: Option<String>,
    /// How many records the rest of the window holds, this page included, where the CRM says so.
    pub total: Option<u64>,
}

/// A record that was made or converted in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRecord {
    /// The lead it is.
    pub lead: NewLead,
    /// When somebody wrote: when it was made, or when that person last wrote again within the window.
    pub made_at: Timestamp,
    /// The record as the CRM showed it: JSON.
    pub shown: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Channel, Lane};

    #[test]
    fn a_newer_update_takes_the_place_of_what_it_says_itself() {
        let record = CrmRecord { channel: Channel::new(Lane::Crm, "hubspot"), id: "1".into() };
        let update = |label, priority, owner: Option<&str>| CrmUpdate {
            record: record.clone(),
            label,
            priority,
            owner: owner.map(str::to_owned),
        };
        let (hot, cold) = (Some(Label::UrgentBuyer), Some(Label::TireKicker));
        for (name, older, newer, want) in [
            ("another class", update(hot, Some(true), None), update(cold, None, None), update(None, None, None)),
            (
                "a flag taken back",
                update(None, Some(true), None),
                update(None, Some(false), None),
                update(None, None, None),
            ),
            ("an owner", update(hot, Some(true), None), update(None, None, Some("7")), update(hot, Some(true), None)),
            ("a class", update(None, None, Some("7")), update(hot, Some(true), None), update(None, None, Some("7"))),
            ("another owner", update(None, None, Some("7")), update(None, None, Some("8")), update(None, None, None)),
            ("an owner, of both", update(hot, None, Some("7")), update(None, None, Some("8")), update(hot, None, None)),
        ] {
            let left = older.without(&newer);
            assert_eq!(left, want, "{name}");
            assert_eq!(left.is_empty(), want == update(None, None, None), "{name}");
        }
        let old = r#"{"record":{"channel":"crm:hubspot","id":"1"},"label":null,"priority":true}"#;
        assert_eq!(serde_json::from_str::<CrmUpdate>(old).unwrap(), update(None, Some(true), None), "as 0.1 wrote it");
    }
}
