//! From the configuration of mail and help desk to what writes to prospects, and what hands cases on.

use std::sync::Arc;

use crate::config::{self, Config, HelpDesk, SecretError, Secrets};
use crate::deliver::mail::{self, Forward, Mailer};
use crate::deliver::ticket::jira::{self, Jira};
use crate::deliver::ticket::zendesk::{self, Zendesk};
use crate::model::{AddressHash, Addresses, Channel, Effect, Failure, Lane, Lead, MailTask};
use crate::route::{self, Language, TemplateError};
use crate::wire::Wire;

/// The name of the channel of mails.
const SMTP: &str = "smtp";
/// What this machine is called where it has to say so (RFC 5321, 4.1.4: servers may not refuse a name that is wrong).
const EHLO_NAME: &str = "localhost";
/// What a business without a name is called.
const NAMELESS: &str = "us";

/// Where mails to prospects go.
pub(super) fn mails() -> Channel {
    Channel::new(Lane::Mail, SMTP)
}

/// Where cases go, if anywhere.
pub(super) fn cases(config: &Config) -> Option<Channel> {
    config.ticket.as_ref().map(|ticket| Channel::new(Lane::Ticket, ticket.desk.name()))
}

/// What hands mails to the configured server, if there is one.
///
/// # Errors
/// When a secret was not loaded.
pub fn mailer(config: &Config, secrets: &Secrets) -> Result<Option<Mailer>, SecretError> {
    let Some(typed) = &config.mail else { return Ok(None) };
    let smtp = &typed.smtp;
    let login = smtp.user.as_ref().zip(smtp.password.as_ref());
    let login =
        login.map(|(user, password)| Ok(mail::Login { user: user.clone(), password: secrets.get(password)?.clone() }));
    Ok(Some(Mailer::new(mail::Settings {
        host: smtp.host.clone(),
        port: smtp.port,
        security: match smtp.security {
            config::Security::Tls => mail::Security::Tls,
            config::Security::StartTls => mail::Security::StartTls,
            config::Security::None => mail::Security::None,
        },
        login: login.transpose()?,
        ca_file: smtp.ca.clone(),
        ehlo_name: EHLO_NAME.to_owned(),
        timeout: smtp.timeout,
        from: mailbox(&typed.from),
        reply_to: typed.reply_to.as_ref().map(mailbox),
        bounce_to: typed.bounce_to.clone(),
    })))
}

fn mailbox(typed: &config::Mailbox) -> mail::Mailbox {
    mail::Mailbox { name: typed.name.clone(), address: typed.address.clone() }
}

/// What cases are handed to.
pub enum HelpDeskClient {
    /// Zendesk.
    Zendesk(Zendesk),
    /// Jira.
    Jira(Jira),
    /// A mailbox, by our mail server.
    Mail(Forward),
}

impl HelpDeskClient {
    /// What is wrong between us and the help desk, or nothing. A mailbox is as good as its server, which is asked by itself.
    pub async fn verify(&self) -> Vec<Failure> {
        match self {
            Self::Zendesk(zendesk) => zendesk.verify().await,
            Self::Jira(jira) => jira.verify().await,
            Self::Mail(_) => Vec::new(),
        }
    }

    pub(super) fn effect(self) -> Arc<dyn Effect> {
        match self {
            Self::Zendesk(zendesk) => Arc::new(zendesk),
            Self::Jira(jira) => Arc::new(jira),
            Self::Mail(forward) => Arc::new(forward),
        }
    }
}

/// The configured help desk, if there is one; a mailbox is reached by `mailer`.
///
/// # Errors
/// When a secret was not loaded.
pub fn help_desk(
    config: &Config,
    secrets: &Secrets,
    mailer: Option<&Mailer>,
) -> Result<Option<HelpDeskClient>, SecretError> {
    let Some(ticket) = &config.ticket else { return Ok(None) };
    let timeout = ticket.timeout;
    Ok(match &ticket.desk {
        HelpDesk::Zendesk { base_url, user, token, public } => {
            let (base_url, user) = (base_url.as_str().to_owned(), user.clone());
            let settings =
                zendesk::Settings { base_url, user, token: secrets.get(token)?.clone(), public: *public, timeout };
            Some(HelpDeskClient::Zendesk(Zendesk::new(settings, Wire::new())))
        }
        HelpDesk::Jira { base_url, user, token, project, issue_type } => {
            let settings = jira::Settings {
                base_url: base_url.as_str().to_owned(),
                user: user.clone(),
                token: secrets.get(token)?.clone(),
                project: project.clone(),
                issue_type: issue_type.clone(),
                timeout,
            };
            Some(HelpDeskClient::Jira(Jira::new(settings, Wire::new())))
        }
        HelpDesk::Mail { to } => {
            let to = mail::Mailbox { name: None, address: to.clone() };
            mailer.map(|mailer| HelpDeskClient::Mail(Forward::new(mailer.clone(), to)))
        }
    })
}

/// How cases are handed on.
pub(super) fn ticketing(config: &Config) -> Option<route::Ticketing> {
    let ticket = config.ticket.as_ref()?;
    Some(route::Ticketing {
        channel: cases(config)?,
        priority: ticket.priority.clone(),
        tags: ticket.tags.clone(),
        give_up_after: ticket.give_up_after,
    })
}

/// How prospects are written to: not at all while something of it is missing.
pub(super) fn follow_up(
    config: &Config,
    addresses: Option<Arc<dyn Addresses>>,
) -> Result<Option<route::FollowUp>, TemplateError> {
    let typed = config.mail.as_ref().and_then(|mail| Some((mail, mail.follow_up.as_ref()?)));
    let (Some((mail, typed)), Some(addresses)) = (typed, addresses) else { return Ok(None) };
    let support = config.ticket.as_ref().and_then(|ticket| match &ticket.desk {
        HelpDesk::Mail { to } => Some(to),
        HelpDesk::Zendesk { .. } | HelpDesk::Jira { .. } => None,
    });
    let ours =
        [Some(&mail.from.address), mail.reply_to.as_ref().map(|to| &to.address), mail.bounce_to.as_ref(), support];
    let own =
        ours.into_iter().flatten().filter_map(|address| address.rsplit_once('@')).map(|(_, domain)| domain.to_owned());
    Ok(Some(route::FollowUp {
        channel: mails(),
        languages: typed
            .languages
            .iter()
            .filter_map(|tag| language(typed, tag).transpose())
            .collect::<Result<_, _>>()?,
        resources: typed.resources.iter().map(resource).collect(),
        calendar: typed.calendar_url.clone(),
        business: config
            .business
            .name
            .clone()
            .or_else(|| mail.from.name.clone())
            .unwrap_or_else(|| NAMELESS.to_owned()),
        footer: typed.footer.clone(),
        postal_address: typed.postal_address.clone(),
        own_domains: typed.own_domains.iter().cloned().chain(own).collect(),
        addresses,
        once_per: typed.once_per,
        per_hour: typed.per_hour,
        give_up_after: typed.give_up_after,
    }))
}

/// The operator's words in a language before the program's own.
fn language(typed: &config::FollowUp, tag: &str) -> Result<Option<Language>, TemplateError> {
    let Some(own) = typed.templates.get(tag) else { return Ok(Language::built_in(tag)) };
    Language::new(tag, own.words.clone(), &own.subject, &own.text, own.html.as_deref()).map(Some)
}

fn resource(typed: &config::Resource) -> route::Resource {
    let config::Resource { title, url, topics, language } = typed.clone();
    route::Resource { title, url, topics, language }
}

/// The languages of the configuration whose words are no mail: each with its place and what is wrong.
#[must_use]
pub fn broken_mails(config: &Config) -> Vec<(String, String)> {
    let typed = config.mail.as_ref().and_then(|mail| mail.follow_up.as_ref());
    let broken = |typed: &config::FollowUp| -> Vec<(String, String)> {
        let broken = typed.languages.iter().filter_map(|tag| Some((tag, language(typed, tag).err()?)));
        broken.map(|(tag, error)| (format!("mail.templates.{tag}"), error.to_string())).collect()
    };
    typed.map(broken).unwrap_or_default()
}

/// What a prospect would be written, without the key that signs the link to unsubscribe: dots stand in its place.
///
/// # Errors
/// When one of the operator's words is no template.
pub fn preview(config: &Config, lead: &Lead, open: bool) -> Result<Option<MailTask>, TemplateError> {
    let public_url = config.server.public_url.as_ref().filter(|url| url.is_public());
    let public_url = public_url.map(|url| url.as_str().to_owned());
    let follow_up = follow_up(config, Some(Arc::new(Unsigned(public_url))))?;
    Ok(follow_up.and_then(|follow_up| route::mail(&follow_up, lead, open)))
}

/// Knows no address.
#[derive(Debug)]
struct Unsigned(Option<String>);

impl Addresses for Unsigned {
    fn hash(&self, _: &str) -> AddressHash {
        AddressHash::new([0; 16])
    }

    fn unsubscribe_url(&self, _: AddressHash) -> Option<String> {
        self.0.as_ref().map(|public_url| format!("{public_url}/u/…"))
    }

    fn of_token(&self, _: &str) -> Option<AddressHash> {
        None
    }
}
