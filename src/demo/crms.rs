//! Looking into the simulated CRMs as a salesperson would: what a record shows, and the notes on it.

use super::samples::Record;
use super::world::{CLASS, FLAG, SF_CLASS, SF_FLAG, World};
use crate::model::CrmRecord;

impl Record {
    /// The record that a lead of the desk's belongs to.
    pub(super) fn of(record: &CrmRecord) -> Place<'_> {
        match record.channel.short_name() {
            "salesforce" => Place::Salesforce(&record.id),
            _ => Place::Hubspot(record.id.clone()),
        }
    }

    pub(super) fn place(self) -> Place<'static> {
        match self {
            Self::Hubspot(id) => Place::Hubspot(id.to_string()),
            Self::Salesforce(id) => Place::Salesforce(id),
        }
    }
}

/// A record in one of the CRMs.
#[derive(Debug, Clone)]
pub(super) enum Place<'r> {
    Hubspot(String),
    Salesforce(&'r str),
}

impl Place<'_> {
    pub(super) const fn vendor(&self) -> &'static str {
        match self {
            Self::Hubspot(_) => "HubSpot",
            Self::Salesforce(_) => "Salesforce",
        }
    }

    /// What its vendor calls it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Hubspot(id) => format!("contact {id}"),
            Self::Salesforce(id) => format!("lead {id}"),
        }
    }

    /// What a note is there.
    pub(super) const fn note(&self) -> &'static str {
        match self {
            Self::Hubspot(_) => "a note",
            Self::Salesforce(_) => "a completed task",
        }
    }
}

impl World {
    /// The fields for class and flag, each with its value.
    pub(super) fn fields(&self, place: &Place<'_>) -> [(&'static str, Option<String>); 2] {
        match place {
            Place::Hubspot(id) => [CLASS, FLAG].map(|name| (name, self.hubspot.property(id, name))),
            Place::Salesforce(id) => [SF_CLASS, SF_FLAG].map(|name| {
                let value = self.salesforce.field(id, name);
                let text = value.as_str().map(str::to_owned).or_else(|| value.as_bool().map(|flag| flag.to_string()));
                (name, text)
            }),
        }
    }

    /// The notes on a record as its CRM shows them: lines of text, without the line that is for the desk itself.
    pub(super) fn notes(&self, place: &Place<'_>) -> Vec<Vec<String>> {
        match place {
            Place::Hubspot(id) => self.hubspot.notes_of(id).iter().map(|note| shown(&note.body)).collect(),
            Place::Salesforce(id) => {
                let tasks = self.salesforce.tasks_of(id);
                tasks.iter().map(|task| without_ours(task.text("Description").lines())).collect()
            }
        }
    }
}

fn without_ours<'l>(lines: impl Iterator<Item = &'l str>) -> Vec<String> {
    lines.filter(|line| !line.starts_with("nightdesk:nd")).map(str::to_owned).collect()
}

/// A note's HTML as a browser shows it.
fn shown(html: &str) -> Vec<String> {
    let text = |line: String| {
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
            .iter()
            .fold(line, |line, (entity, c)| line.replace(entity, c))
    };
    without_ours(html.split("<br>")).into_iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_shown_without_its_markup() {
        let html = "nightdesk: SPAM.<br>22:04 &lt;b&gt; &amp;amp;.<br>nightdesk:nd0123crmnote1";
        assert_eq!(shown(html), ["nightdesk: SPAM.", "22:04 <b> &amp;."]);
    }
}
