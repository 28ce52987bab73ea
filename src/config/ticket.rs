//! Where a case of support goes: a help desk, or a mailbox for who has none.

use std::time::Duration;

use super::mail::is_address;
use super::typed::{BaseUrl, Text, trimmed};
use super::{Problems, SecretRef, raw};

/// Both vendors answer within seconds or not at all.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The rest of the desk's patience.
const GIVE_UP_AFTER: Duration = Duration::from_hours(72);
/// Under which both vendors find what came from here.
const TAG: &str = "nightdesk";
/// What a new project of Jira has.
const ISSUE_TYPE: &str = "Task";

/// Where a case of support goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticket {
    /// Which kind, and what only that needs.
    pub desk: HelpDesk,
    /// How urgent a case is, in the help desk's words.
    pub priority: Option<String>,
    /// Words under which cases are found again.
    pub tags: Vec<String>,
    /// One call may take this long.
    pub timeout: Duration,
    /// A case is tried no longer than this.
    pub give_up_after: Duration,
}

/// The kinds, each with what only it needs.
#[derive(Debug, Clone, PartialEq)]
pub enum HelpDesk {
    /// Zendesk Support.
    Zendesk {
        /// `https://acme.zendesk.com`.
        base_url: BaseUrl,
        /// The agent's address.
        user: String,
        /// Its API token.
        token: SecretRef,
        /// The customer gets to see the case's text.
        public: bool,
    },
    /// Jira Cloud.
    Jira {
        /// `https://acme.atlassian.net`.
        base_url: BaseUrl,
        /// The user's address.
        user: String,
        /// Its API token.
        token: SecretRef,
        /// The key of the project.
        project: String,
        /// The type of issue.
        issue_type: String,
    },
    /// A mailbox of ours.
    Mail {
        /// Its address.
        to: String,
    },
}

impl HelpDesk {
    /// The name of its channel.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Zendesk { .. } => "zendesk",
            Self::Jira { .. } => "jira",
            Self::Mail { .. } => "mail",
        }
    }
}

impl Ticket {
    pub(super) fn of(mut raw: raw::Ticket, has_mail: bool, problems: &mut Problems) -> Option<Self> {
        let tags = raw.tags.take().unwrap_or_else(|| vec![TAG.to_owned()]);
        for (nth, tag) in tags.iter().enumerate() {
            if tag.is_empty() || tag.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',') {
                problems.error(format!("ticket.tags[{nth}]"), "one word");
            }
        }
        let kind = problems.required(raw.kind, "ticket.kind", "\"zendesk\", \"jira\" or \"mail\"")?;
        tell_foreign(kind, &raw, problems);
        let priority = trimmed(raw.priority.take());
        let timeout = Text::or(raw.timeout.take(), TIMEOUT);
        let give_up_after = Text::or(raw.give_up_after.take(), GIVE_UP_AFTER);
        let desk = match kind {
            raw::TicketKind::Mail => mailbox(raw, has_mail, problems)?,
            raw::TicketKind::Zendesk => {
                let public = raw.public.unwrap_or(false);
                let (base_url, user, token) = account(raw, "https://acme.zendesk.com", problems)?;
                HelpDesk::Zendesk { base_url, user, token, public }
            }
            raw::TicketKind::Jira => {
                let project =
                    problems.required(trimmed(raw.project.take()), "ticket.project", "its key, such as \"SUP\"");
                let plain = |key: &String| key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                if project.as_ref().is_some_and(|key| !plain(key)) {
                    problems.error("ticket.project", "the project's key, such as \"SUP\"");
                }
                let issue_type = trimmed(raw.issue_type.take()).unwrap_or_else(|| ISSUE_TYPE.to_owned());
                let (base_url, user, token) = account(raw, "https://acme.atlassian.net", problems)?;
                HelpDesk::Jira { base_url, user, token, project: project?, issue_type }
            }
        };
        Some(Self { desk, priority, tags, timeout, give_up_after })
    }

    /// Its secret, with the key that names it.
    pub(super) const fn secret(&self) -> Option<(&'static str, &SecretRef)> {
        match &self.desk {
            HelpDesk::Zendesk { token, .. } | HelpDesk::Jira { token, .. } => Some(("ticket.token", token)),
            HelpDesk::Mail { .. } => None,
        }
    }
}

fn mailbox(raw: raw::Ticket, has_mail: bool, problems: &mut Problems) -> Option<HelpDesk> {
    let to = problems.required(trimmed(raw.to), "ticket.to", "the mailbox of your support");
    if to.as_ref().is_some_and(|to| !is_address(to)) {
        problems.error("ticket.to", "an address such as \"support@acme.example\"");
    }
    if !has_mail {
        problems.error("ticket.kind", "\"mail\" needs a server: fill in [mail] and [mail.smtp]");
    }
    to.map(|to| HelpDesk::Mail { to })
}

/// What signs in at both vendors: an address and an API token.
fn account(raw: raw::Ticket, example: &str, problems: &mut Problems) -> Option<(BaseUrl, String, SecretRef)> {
    let base_url = problems.required(raw.base_url, "ticket.base-url", &format!("such as \"{example}\""));
    let base_url = base_url.map(|text| text.0);
    if let Some(base_url) = &base_url {
        base_url.check("ticket.base-url".to_owned(), "cases and the token", problems);
    }
    let user = problems.required(trimmed(raw.user), "ticket.user", "the address of whoever's API token it is");
    let token = problems.required(raw.token, "ticket.token", "{ credential = \"name\" } or { file = \"/path\" }");
    Some((base_url?, user?, token?))
}

/// What another kind needs.
fn tell_foreign(kind: raw::TicketKind, raw: &raw::Ticket, problems: &mut Problems) {
    let is_mail = kind == raw::TicketKind::Mail;
    let (is_zendesk, is_jira) = (kind == raw::TicketKind::Zendesk, kind == raw::TicketKind::Jira);
    for (key, is_foreign) in [
        ("base-url", raw.base_url.is_some() && is_mail),
        ("user", raw.user.is_some() && is_mail),
        ("token", raw.token.is_some() && is_mail),
        ("priority", raw.priority.is_some() && is_mail),
        ("public", raw.public.is_some() && !is_zendesk),
        ("project", raw.project.is_some() && !is_jira),
        ("issue-type", raw.issue_type.is_some() && !is_jira),
        ("to", raw.to.is_some() && !is_mail),
    ] {
        if is_foreign {
            problems.error(format!("ticket.{key}"), "not for a help desk of this kind");
        }
    }
}
