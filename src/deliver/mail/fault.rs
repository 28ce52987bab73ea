//! What a failed mail means: how far it came, what went wrong there, and the class and the words that follow. Pure.
//!
//! Made by `session`, folded into a [`Failure`] here and nowhere else. The reply's code decides, with the enhanced code and
//! the words of the server where the code alone says too little: an address that is taken for dead gets no mail again, so
//! only what is surely about the mailbox counts as that. Outside rules: RFC 5321, clause 4.2 (codes), RFC 3463 and 7505
//! (enhanced codes), RFC 4954, clause 6 (codes about the login).

use std::error::Error;
use std::fmt;
use std::io;
use std::ops::Range;

use lettre::transport::smtp;
use lettre::transport::smtp::response::Response;

use crate::model::{Failure, Fault};

/// How far a letter came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Connection, TLS from the first byte, greeting, `EHLO`.
    Hello,
    /// `STARTTLS`, and TLS after it.
    StartTls,
    /// `AUTH`.
    Login,
    /// `MAIL FROM`.
    Sender,
    /// `RCPT TO`.
    Recipient,
    /// `DATA`.
    Data,
    /// The text, without the dot that ends it.
    Text,
    /// The dot may have left.
    Verdict,
}

/// What a server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    /// Its code.
    pub(super) code: u16,
    /// Its words, on one line.
    pub(super) said: String,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    /// We can't even begin: a file, a name.
    Unready(String),
    /// No TLS, or not with this server; `dated`: only because its certificate is out of its time.
    Tls { said: String, dated: bool },
    /// The server doesn't offer what we need.
    Lacks(&'static str),
    /// The server takes no address beyond ASCII.
    AsciiOnly,
    /// The server said no.
    Refused(Reply),
    /// No answer, or none that can be understood.
    Lost(String),
}

/// A letter, or a connection, that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    stage: Stage,
    cause: Cause,
}

/// Whom a refusal of the recipient is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// There is no such mailbox, and there will be none.
    Mailbox,
    /// Us: no mail of ours would be taken.
    Us,
    /// This mail: a policy, a filter, a mailbox that is full.
    Mail,
}

/// Words of servers that give no enhanced code, by which a refusal is about us.
const ABOUT_US: &[&str] = &["relay", "authenticat", "log in", "sign in"];
/// Without an enhanced code, words by which a server says that there is no such mailbox.
const ABOUT_MAILBOX: &[&str] = &[
    "does not exist",
    "doesn't exist",
    "invalid mailbox",
    "invalid recipient",
    "mailbox name",
    "mailbox not found",
    "mailbox unavailable",
    "no mailbox",
    "no such",
    "not found",
    "recipient rejected",
    "unknown recipient",
    "unknown user",
    "user unknown",
];
/// The same for a refusal that is not about the mailbox.
const ABOUT_MAIL: &[&str] = &[
    "abuse",
    "block",
    "denied",
    "dkim",
    "dmarc",
    "full",
    "list",
    "policy",
    "quota",
    "reputation",
    "size",
    "spam",
    "spf",
    "too many",
];

impl Reply {
    pub(super) fn of(response: &Response) -> Self {
        Self { code: response.code().into(), said: response.message().collect::<Vec<_>>().join(" ") }
    }

    /// The reply itself, if its code is one of these; any other is one that nobody could expect here.
    pub(super) fn expect(self, stage: Stage, codes: Range<u16>) -> Result<Self, Trouble> {
        if codes.contains(&self.code) {
            return Ok(self);
        }
        Err(Trouble::new(stage, Cause::Lost(format!("an answer that makes no sense: {self}"))))
    }

    /// The detail of an enhanced code: `5.1.1`.
    fn enhanced(&self) -> Option<(u16, u16, u16)> {
        let mut numbers = self.said.split_whitespace().next()?.split('.').map(str::parse);
        let code = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
        numbers.next().is_none().then_some(code)
    }

    fn about(&self) -> About {
        let said = self.said.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
        match self.enhanced() {
            Some((5, 1, 7 | 8)) => About::Us,
            Some((5, 1, 1..=4 | 6 | 10) | (5, 2, 1)) if matches!(self.code, 550 | 551 | 553 | 556) => About::Mailbox,
            Some((5, 7, _)) | None if says(ABOUT_US) => About::Us,
            None if matches!(self.code, 550 | 551 | 553) && says(ABOUT_MAILBOX) && !says(ABOUT_MAIL) => About::Mailbox,
            Some(_) | None => About::Mail,
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.said)
    }
}

impl Cause {
    pub(super) fn silence() -> Self {
        Self::Lost("no answer in time".to_owned())
    }
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Self {
        Self::Lost(error.to_string())
    }
}

impl From<smtp::Error> for Cause {
    fn from(error: smtp::Error) -> Self {
        let said = innermost(&error);
        if let Some(code) = error.status() {
            return Self::Refused(Reply { code: code.into(), said });
        }
        if let Some(trouble) = tls_trouble(&error) {
            return Self::Tls { said: trouble.to_string(), dated: is_dated(trouble) };
        }
        match said.as_str() {
            // What the client makes of an end of the stream.
            "incomplete response" => Self::Lost("the server hung up".to_owned()),
            _ => Self::Lost(said),
        }
    }
}

impl Trouble {
    pub(super) const fn new(stage: Stage, cause: Cause) -> Self {
        Self { stage, cause }
    }

    /// What the server said, if it said no.
    pub(super) const fn reply(&self) -> Option<&Reply> {
        if let Cause::Refused(reply) = &self.cause { Some(reply) } else { None }
    }

    /// What the outbox may do about it, and in words why.
    pub(super) fn failure(&self, host: &str) -> Failure {
        let fault = self.fault();
        let failure = Failure::new(fault, format!("mail server {host}: {self}"));
        let failure = Failure { final_everywhere: self.is_bounce(), ..failure };
        match self.cure(fault) {
            Some(cure) => failure.cure(cure),
            None => failure,
        }
    }

    fn fault(&self) -> Fault {
        match (&self.cause, self.stage) {
            // Whatever breaks once the dot may have left: the server may have it all.
            (Cause::Lost(_) | Cause::Tls { .. }, Stage::Verdict) => Fault::Unknown,
            (Cause::Lost(_) | Cause::Tls { dated: true, .. }, _) => Fault::Transient,
            (Cause::Tls { .. } | Cause::Unready(_) | Cause::Lacks(_), _) => Fault::Auth,
            (Cause::AsciiOnly, _) => Fault::Permanent,
            (Cause::Refused(reply), stage) => match (reply.code, stage) {
                (..500, _) => Fault::Transient,
                // About the login, wherever it is said; and what meets every mail is no mail's fault.
                (530 | 534 | 535 | 538, _) | (_, Stage::Hello | Stage::StartTls | Stage::Login | Stage::Sender) => {
                    Fault::Auth
                }
                (_, Stage::Recipient) if reply.about() == About::Us => Fault::Auth,
                (_, Stage::Recipient | Stage::Data | Stage::Text | Stage::Verdict) => Fault::Permanent,
            },
        }
    }

    /// The mailbox is gone for good: nothing is ever written to it again.
    fn is_bounce(&self) -> bool {
        let refused = self.reply().filter(|_| self.stage == Stage::Recipient);
        self.fault() == Fault::Permanent && refused.is_some_and(|reply| reply.about() == About::Mailbox)
    }

    fn cure(&self, fault: Fault) -> Option<&'static str> {
        Some(match (&self.cause, self.stage, fault) {
            (Cause::Tls { dated: true, .. }, ..) => {
                "check this machine's clock (timedatectl), then the server's certificate"
            }
            (Cause::Tls { .. }, ..) => {
                "check the server's name, port and kind of TLS; a private authority goes into the CA file"
            }
            (Cause::Unready(_), ..) => "mend the settings of the mail server",
            (Cause::Lacks("STARTTLS"), ..) => {
                "use the server's port for TLS from the first byte, or ask whoever runs it for STARTTLS"
            }
            (Cause::Lacks(_), ..) => "leave out user and password, or use the port at which the server wants them",
            (Cause::AsciiOnly, ..) => "write to this address by hand, or use a server that offers SMTPUTF8",
            (Cause::Refused(_), Stage::Login, Fault::Auth) => "check user and password of the mail server",
            (Cause::Refused(_), Stage::Sender, Fault::Auth) => {
                "check the address that mail comes from: the server must let this login send as it"
            }
            (Cause::Refused(_), _, Fault::Auth) => {
                "the server takes no mail from us: check user, password and port, and ask whoever runs it"
            }
            (Cause::Refused(_), Stage::Recipient, Fault::Permanent) if self.is_bounce() => {
                "the address takes no mail: ask for another one by telephone"
            }
            (Cause::Refused(_), Stage::Recipient, Fault::Permanent) => {
                "the server doesn't let this mail through to the address: read what it said, then requeue or write by hand"
            }
            (Cause::Refused(_), _, Fault::Permanent) => {
                "the server refused the mail itself: read what it said, change the template, then requeue"
            }
            (Cause::Refused(_) | Cause::Lost(_), ..) => return None,
        })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = match self.stage {
            Stage::Hello => "connecting",
            Stage::StartTls => "starting TLS",
            Stage::Login => "signing in",
            Stage::Sender => "naming the sender",
            Stage::Recipient => "naming the recipient",
            Stage::Data => "before the text",
            Stage::Text => "in the middle of the text",
            Stage::Verdict => "after the whole mail",
        };
        match &self.cause {
            Cause::Unready(said) | Cause::Lost(said) => write!(f, "{at}: {said}"),
            Cause::Tls { said, .. } => write!(f, "{at}: no TLS: {said}"),
            Cause::Lacks(what) => write!(f, "{at}: the server doesn't offer {what}"),
            Cause::AsciiOnly => write!(f, "{at}: the server takes no address with letters beyond ASCII"),
            Cause::Refused(reply) => write!(f, "{at}: {reply}"),
        }
    }
}

/// The innermost cause in its own words: the layers above only repeat it.
fn innermost(error: &smtp::Error) -> String {
    let mut inner: &dyn Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What TLS itself objected to.
fn tls_trouble<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    if let Some(trouble) = error.downcast_ref() {
        return Some(trouble);
    }
    // `source` of an io::Error skips the error it carries.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(carried) => tls_trouble(carried),
        None => tls_trouble(error.source()?),
    }
}

fn is_dated(trouble: &rustls::Error) -> bool {
    use rustls::CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    matches!(
        trouble,
        rustls::Error::InvalidCertificate(Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. })
    )
}
