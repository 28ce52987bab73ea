//! Mail: the server that takes it, and the follow-up that a prospect is written.
//!
//! The follow-up is off until everything that makes it an honest mail is there: who sends it, from which postal address,
//! why it came, how to get no more, and something to say. The server may be used without it, to forward cases to support.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::typed::{Text, template_trouble, trimmed};
use super::{Problems, SecretRef, raw};

/// Where mail is handed in (RFC 6409), where TLS begins by STARTTLS.
const SUBMISSION_PORT: u16 = 587;
/// The same, where the connection begins with TLS (RFC 8314).
const SUBMISSIONS_PORT: u16 = 465;
/// What a server on this machine listens on.
const LOCAL_PORT: u16 = 25;
/// One command and its answer; servers that look a message through take their time.
const SMTP_TIMEOUT: Duration = Duration::from_secs(30);
/// RFC 3834, 2: one automatic mail to an address in so long.
const ONCE_PER: Duration = Duration::from_hours(7 * 24);
/// More than a night brings; what a robot that found the form could make us send is more.
const PER_HOUR: u32 = 30;
/// The rest of the desk's patience, although a mail that is a day late isn't sent.
const GIVE_UP_AFTER: Duration = Duration::from_hours(72);
/// What an address that may be written to has at the most (RFC 5321, 4.5.3.1.3).
const ADDRESS_BYTES: usize = 254;

/// What mail needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    /// The server.
    pub smtp: Smtp,
    /// Who sends.
    pub from: Mailbox,
    /// Who is answered; the sender, if nobody else.
    pub reply_to: Option<Mailbox>,
    /// Where what can't be delivered comes back to; the sender, if nowhere else.
    pub bounce_to: Option<String>,
    /// What keeps unsubscriptions: it signs their links and stands in for addresses.
    pub key: Option<SecretRef>,
    /// The mail to a prospect; `None` while something of it is missing.
    pub follow_up: Option<FollowUp>,
}

/// A mail server, and how we sign in.
#[derive(Debug, Clone, PartialEq)]
pub struct Smtp {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept from being read.
    pub security: Security,
    /// Who signs in, if anybody must.
    pub user: Option<String>,
    /// With what.
    pub password: Option<SecretRef>,
    /// Certificates that are trusted besides the system's, PEM.
    pub ca: Option<PathBuf>,
    /// One command may take this long.
    pub timeout: Duration,
}

/// How the connection to a mail server is kept from being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// It begins with TLS.
    Tls,
    /// It goes over to TLS before anything of weight is said, or not at all.
    StartTls,
    /// Not at all: the server is on this machine.
    None,
}

/// A name and an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// As mail programs show it.
    pub name: Option<String>,
    /// The address.
    pub address: String,
}

/// The mail to a prospect.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowUp {
    /// Where the business is, as the law of many countries wants it in each mail.
    pub postal_address: String,
    /// Why the mail came.
    pub footer: String,
    /// What may help, best first.
    pub resources: Vec<Resource>,
    /// Where a talk is booked.
    pub calendar_url: Option<String>,
    /// The languages it is written in; the first is the one for who writes in none of them.
    pub languages: Vec<String>,
    /// The operator's own words, by language.
    pub templates: BTreeMap<String, MailTemplate>,
    /// Domains that are ours: nobody there is written to.
    pub own_domains: Vec<String>,
    /// An address gets one mail in so long.
    pub once_per: Duration,
    /// So many mails leave in an hour.
    pub per_hour: u32,
    /// A mail is tried no longer than this.
    pub give_up_after: Duration,
}

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// What it is called.
    pub title: String,
    /// Where it is.
    pub url: String,
    /// Words that, in a message, make it the right thing to send; without any it suits everybody.
    pub topics: Vec<String>,
    /// The one language it is for.
    pub language: Option<String>,
}

/// A mail in the operator's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailTemplate {
    /// Small words by which the language is known.
    pub words: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML, if it isn't to be made of the text.
    pub html: Option<String>,
}

impl Mail {
    pub(super) fn of(mut raw: raw::Mail, has_public_url: bool, problems: &mut Problems) -> Option<Self> {
        let smtp = Smtp::of(raw.smtp.take().unwrap_or_default(), problems);
        let from = problems.required(trimmed(raw.from.take()), "mail.from", "such as \"Acme <hello@acme.example>\"");
        let from = from.and_then(|text| Mailbox::of(&text, "mail.from", problems));
        let reply_to = trimmed(raw.reply_to.take());
        let reply_to = reply_to.and_then(|text| Mailbox::of(&text, "mail.reply-to", problems));
        let bounce_to = trimmed(raw.bounce_to.take());
        let bounce_to = bounce_to.and_then(|text| Mailbox::of(&text, "mail.bounce-to", problems));
        let key = raw.key.clone();
        let follow_up = FollowUp::of(raw, has_public_url, problems);
        let bounce_to = bounce_to.map(|mailbox| mailbox.address);
        Some(Self { smtp: smtp?, from: from?, reply_to, bounce_to, key, follow_up })
    }
}

impl Smtp {
    fn of(raw: raw::Smtp, problems: &mut Problems) -> Option<Self> {
        let wants = "your provider's server for outgoing mail, such as \"smtp.example.com\"";
        let host = problems.required(trimmed(raw.host), "mail.smtp.host", wants)?;
        let is_host = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:_".contains(&b));
        if !is_host(&host) {
            problems.error("mail.smtp.host", "a name or an address, without scheme and port");
        }
        let security = raw.security.unwrap_or(Security::StartTls);
        let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if security == Security::None && !is_here {
            problems
                .error("mail.smtp.security", "\"none\" is for a server on this machine: write \"starttls\" or \"tls\"");
        }
        let (user, password) = (trimmed(raw.user), raw.password);
        for (key, is_set, other) in
            [("user", user.is_some(), password.is_some()), ("password", password.is_some(), user.is_some())]
        {
            if other && !is_set {
                problems.error(format!("mail.smtp.{key}"), "missing: to sign in takes user and password");
            }
        }
        let usual = match security {
            Security::Tls => SUBMISSIONS_PORT,
            Security::StartTls => SUBMISSION_PORT,
            Security::None => LOCAL_PORT,
        };
        let ca = raw.ca.map(|path| path.0);
        let timeout = Text::or(raw.timeout, SMTP_TIMEOUT);
        Some(Self { host, port: raw.port.unwrap_or(usual), security, user, password, ca, timeout })
    }
}

impl Mailbox {
    /// `Name <address>`, or the address alone.
    fn of(text: &str, path: &str, problems: &mut Problems) -> Option<Self> {
        let read = Self::read(text);
        if read.is_none() {
            problems.error(path, "an address such as \"hello@acme.example\" or \"Acme <hello@acme.example>\"");
        }
        read
    }

    fn read(text: &str) -> Option<Self> {
        let (name, address) = match text.strip_suffix('>') {
            Some(head) => head.split_once('<').map(|(name, address)| (name.trim(), address.trim()))?,
            None => ("", text),
        };
        let name = name.trim_matches('"').trim();
        let is_fine = is_address(address) && !name.contains(|c: char| c.is_control() || matches!(c, '<' | '>' | '"'));
        let name = (!name.is_empty()).then(|| name.to_owned());
        is_fine.then(|| Self { name, address: address.to_owned() })
    }
}

impl FollowUp {
    fn of(raw: raw::Mail, has_public_url: bool, problems: &mut Problems) -> Option<Self> {
        let footer = trimmed(raw.footer);
        let postal_address = trimmed(raw.postal_address);
        let resources = resources(raw.resources.unwrap_or_default(), problems);
        let templates = templates(raw.templates.unwrap_or_default(), problems);
        let languages = languages(raw.languages, &templates, problems);
        let calendar_url = trimmed(raw.calendar_url);
        if calendar_url.as_ref().is_some_and(|url| !is_link(url)) {
            problems.error("mail.calendar-url", LINK_WHAT);
        }
        let per_hour = raw.per_hour.unwrap_or(PER_HOUR);
        if per_hour == 0 {
            problems.error("mail.per-hour", "at least 1");
        }
        for (key, is_there, what) in [
            ("mail.key", raw.key.is_some(), "a secret that signs the links by which people unsubscribe"),
            ("mail.postal-address", postal_address.is_some(), "where your business is"),
            ("mail.footer", footer.is_some(), "why the mail came, in one sentence"),
            ("mail.resources", !resources.is_empty(), "at least one page that may help"),
            ("server.public-url", has_public_url, "without it nobody finds the page on which to unsubscribe"),
        ] {
            if !is_there {
                problems.warn(key, format!("not set, so no follow-up mail is sent: {what}"));
            }
        }
        raw.key.filter(|_| has_public_url && !resources.is_empty())?;
        Some(Self {
            postal_address: postal_address?,
            footer: footer?,
            resources,
            calendar_url,
            languages,
            templates,
            own_domains: raw.own_domains.unwrap_or_default(),
            once_per: Text::or(raw.once_per, ONCE_PER),
            per_hour,
            give_up_after: Text::or(raw.give_up_after, GIVE_UP_AFTER),
        })
    }
}

/// Languages for which the program has words of its own.
const KNOWN_LANGUAGES: [&str; 2] = ["en", "de"];

fn languages(
    typed: Option<Vec<String>>,
    templates: &BTreeMap<String, MailTemplate>,
    problems: &mut Problems,
) -> Vec<String> {
    let own = || templates.keys().filter(|tag| !KNOWN_LANGUAGES.contains(&tag.as_str())).cloned();
    let languages = typed.unwrap_or_else(|| std::iter::once("en".to_owned()).chain(own()).collect());
    for (nth, tag) in languages.iter().enumerate() {
        if !KNOWN_LANGUAGES.contains(&tag.as_str()) && !templates.contains_key(tag) {
            let words = format!("there are no words in it: write a [mail.templates.{tag}]");
            problems.error(format!("mail.languages[{nth}]"), words);
        }
    }
    if languages.is_empty() {
        problems.error("mail.languages", "at least one, such as [\"en\"]");
    }
    languages
}

fn resources(typed: Vec<raw::MailResource>, problems: &mut Problems) -> Vec<Resource> {
    let mut resources = Vec::new();
    for (nth, raw) in typed.into_iter().enumerate() {
        let at = |key: &str| format!("mail.resources[{nth}].{key}");
        let title = problems.required(trimmed(raw.title), at("title"), "what it is called");
        let url = problems.required(trimmed(raw.url), at("url"), LINK_WHAT);
        if url.as_ref().is_some_and(|url| !is_link(url)) {
            problems.error(at("url"), LINK_WHAT);
        }
        let (Some(title), Some(url)) = (title, url) else { continue };
        let topics = raw.topics.unwrap_or_default().into_iter().filter_map(|topic| trimmed(Some(topic))).collect();
        resources.push(Resource { title, url, topics, language: trimmed(raw.language) });
    }
    resources
}

fn templates(typed: BTreeMap<String, raw::MailTemplate>, problems: &mut Problems) -> BTreeMap<String, MailTemplate> {
    let mut templates = BTreeMap::new();
    for (tag, raw) in typed {
        let at = |key: &str| format!("mail.templates.{tag}.{key}");
        let html = trimmed(raw.html);
        for (key, source) in [("subject", &raw.subject), ("text", &raw.text), ("html", &html)] {
            if let Some(words) = source.as_deref().and_then(template_trouble) {
                problems.error(at(key), words);
            }
        }
        let subject = problems.required(trimmed(raw.subject), at("subject"), "the subject, one line");
        let text = problems.required(trimmed(raw.text), at("text"), "the words of the mail");
        let (Some(subject), Some(text)) = (subject, text) else { continue };
        templates.insert(tag, MailTemplate { words: raw.words.unwrap_or_default(), subject, text, html });
    }
    templates
}

/// What a link is.
const LINK_WHAT: &str = "an address such as \"https://acme.example/prices\"";

fn is_link(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| rest.contains('.') && text.bytes().all(|b| b.is_ascii_graphic() && !b"\\\"<>".contains(&b)))
}

/// Enough to catch a slip: whether mail arrives there only mail tells.
pub(super) fn is_address(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '@' | '<' | '>' | ',' | ';');
    let well = |part: &str| !part.is_empty() && !part.contains(odd);
    let parts = text.split_once('@');
    text.len() <= ADDRESS_BYTES
        && parts.is_some_and(|(local, domain)| well(local) && well(domain) && domain.contains('.'))
}
