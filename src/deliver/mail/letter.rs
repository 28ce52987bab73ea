//! A mail as it goes over the wire: headers, parts, and the envelope. Pure; the same job makes the same bytes each time.
//!
//! Called by the effects, before anything is sent. `Message-ID`, `Date` and the parts' boundary come from the job alone, so
//! that a repeat after an unknown outcome is the same mail. Bodies are always quoted-printable, so no line is too long and
//! no byte beyond ASCII is in them; only an address beyond ASCII asks the server for more (`SMTPUTF8`).
//! Outside rules: RFC 5322 (headers), RFC 2045 to 2047 (parts, encoded words), RFC 3834 (`Auto-Submitted`), RFC 8058
//! (`List-Unsubscribe-Post`, only with https).

use std::time::{Duration, SystemTime};

use lettre::Address;
use lettre::message::header::{ContentTransferEncoding, ContentType, Date, From, HeaderName, HeaderValue, Headers};
use lettre::message::header::{MIME_VERSION_1_0, MessageId, ReplyTo, Subject, To};
use lettre::message::{self, MultiPart, SinglePart};
use sha2::{Digest, Sha256};

use crate::model::{Failure, Job, MailTask, TicketTask, Timestamp};

use super::address::{address, mailbox, one_line, refuse};
use super::{Mailbox, Settings};

/// The longest line of a mail, without its end (RFC 5322, clause 2.1.1).
const MAX_LINE_BYTES: usize = 998;
/// The last day that the `Date` header can be made for, and the first.
const DATES_MS: (i64, i64) = (0, 253_402_214_400_000);

/// One mail, ready to be handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    /// Who hears that it can't be delivered.
    pub(super) from: Address,
    /// Its only recipient.
    pub(super) to: Address,
    /// Its `Message-ID`, in angle brackets.
    pub(super) id: String,
    /// Its subject, as people read it.
    subject: String,
    /// The mail, without the dot that ends it.
    pub(super) bytes: Vec<u8>,
}

impl Letter {
    /// An address beyond ASCII stands in its envelope and its headers.
    pub(super) fn needs_utf8(&self) -> bool {
        !AsRef::<str>::as_ref(&self.to).is_ascii() || !AsRef::<str>::as_ref(&self.from).is_ascii()
    }

    /// What a timeline shows of it.
    pub(super) fn summary(&self) -> String {
        format!("MAIL FROM {} TO {}, Message-ID {}, subject {:?}", self.from, self.to, self.id, self.subject)
    }
}

/// The mail to a prospect.
pub(super) fn follow_up(settings: &Settings, task: &MailTask, job: &Job) -> Result<Letter, Failure> {
    let to = Mailbox { name: task.name.clone(), address: task.to.clone() };
    let mark = mark(job);
    let mut draft = Draft::new(settings, &to, &mark, job.created_at)?;
    if let Some(reply_to) = &settings.reply_to {
        draft.headers.set(ReplyTo::from(message::Mailboxes::from(mailbox(reply_to, "reply-to address")?)));
    }
    if let Some(url) = &task.unsubscribe {
        draft.unsubscribe(url)?;
    }
    // No line of quoted-printable can hold `=_` (RFC 2045, clause 6.7).
    let parts = MultiPart::alternative()
        .boundary(format!("=_{mark}"))
        .singlepart(part(ContentType::TEXT_PLAIN, &task.text))
        .singlepart(part(ContentType::TEXT_HTML, &task.html));
    draft.finish(&task.subject, &parts.formatted())
}

/// A case as a mail to the support team.
pub(super) fn forwarded(settings: &Settings, to: &Mailbox, task: &TicketTask, job: &Job) -> Result<Letter, Failure> {
    let mut draft = Draft::new(settings, to, &mark(job), job.created_at)?;
    // Whoever answers, answers the customer; one whose address is no good, or would ask our server for more, stands in the text.
    let customer = task.email.as_deref().and_then(|email| address(email, "customer's address").ok());
    if let Some(customer) = customer.filter(|customer| AsRef::<str>::as_ref(customer).is_ascii()) {
        draft.headers.set(ReplyTo::from(message::Mailboxes::from(message::Mailbox::new(None, customer))));
    }
    draft.finish(&task.subject, &part(ContentType::TEXT_PLAIN, &words(task)).formatted())
}

/// What is wrong with the addresses that every mail has.
pub(super) fn trouble_with(settings: &Settings) -> Vec<Failure> {
    let from = mailbox(&settings.from, "sender").map(drop);
    let reply_to = settings.reply_to.as_ref().map(|at| mailbox(at, "reply-to address").map(drop));
    let bounce_to = settings.bounce_to.as_deref().map(|at| address(at, "address for bounces").map(drop));
    [Some(from), reply_to, bounce_to].into_iter().flatten().filter_map(Result::err).collect()
}

/// A mail whose text is still missing.
struct Draft {
    from: Address,
    to: Address,
    id: String,
    headers: Headers,
}

impl Draft {
    /// What every mail of ours has.
    fn new(settings: &Settings, to: &Mailbox, mark: &str, at: Timestamp) -> Result<Self, Failure> {
        let sender = mailbox(&settings.from, "sender")?;
        let recipient = mailbox(to, "recipient")?;
        let from = settings.bounce_to.as_deref().map(|at| address(at, "address for bounces")).transpose()?;
        let id = format!("<{mark}@{}>", sender.email.domain());
        let mut headers = Headers::new();
        headers.set(Date::new(moment(at)));
        headers.set(MessageId::from(id.clone()));
        let from = from.unwrap_or_else(|| sender.email.clone());
        let to = recipient.email.clone();
        headers.set(From::from(message::Mailboxes::from(sender)));
        headers.set(To::from(message::Mailboxes::from(recipient)));
        headers.insert_raw(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()));
        headers.insert_raw(HeaderValue::new(SUPPRESS, "All".to_owned()));
        Ok(Self { from, to, id, headers })
    }

    /// The link by which whoever has the address gets no more mail.
    fn unsubscribe(&mut self, url: &str) -> Result<(), Failure> {
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>');
        let scheme = url.split_once("://").map(|(scheme, _)| scheme);
        if !url.bytes().all(plain) || !matches!(scheme, Some("https" | "http")) {
            return Err(refuse(format!("the link for unsubscribing {url:?} can't stand in a header")));
        }
        // As it is: folded inside its brackets it would be another link.
        let link = format!("<{url}>");
        self.headers.insert_raw(HeaderValue::dangerous_new_pre_encoded(LIST, link.clone(), link));
        if scheme == Some("https") {
            self.headers.insert_raw(HeaderValue::new(LIST_POST, "List-Unsubscribe=One-Click".to_owned()));
        }
        Ok(())
    }

    /// The mail with this text, which begins with headers of its own.
    fn finish(mut self, subject: &str, text: &[u8]) -> Result<Letter, Failure> {
        let subject = one_line(subject, "subject")?.trim().to_owned();
        self.headers.set(Subject::from(subject.clone()));
        self.headers.set(MIME_VERSION_1_0);
        let mut bytes = self.headers.to_string().into_bytes();
        bytes.extend_from_slice(text);
        if bytes.split(|byte| *byte == b'\n').any(|line| line.len() > MAX_LINE_BYTES) {
            return Err(refuse(format!("a header has more than {MAX_LINE_BYTES} bytes")));
        }
        Ok(Letter { from: self.from, to: self.to, id: self.id, subject, bytes })
    }
}

const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");
const SUPPRESS: HeaderName = HeaderName::new_from_ascii_str("X-Auto-Response-Suppress");
const LIST: HeaderName = HeaderName::new_from_ascii_str("List-Unsubscribe");
const LIST_POST: HeaderName = HeaderName::new_from_ascii_str("List-Unsubscribe-Post");

/// Names the job to the world, and says nothing of it: the first half of a hash of its key.
fn mark(job: &Job) -> String {
    let digest = Sha256::digest(job.key());
    digest.iter().take(16).fold("nd-".to_owned(), |mark, byte| format!("{mark}{byte:02x}"))
}

fn moment(at: Timestamp) -> SystemTime {
    let since_epoch = u64::try_from(at.as_millis().clamp(DATES_MS.0, DATES_MS.1)).unwrap_or_default();
    let since_epoch = Duration::from_millis(since_epoch);
    SystemTime::UNIX_EPOCH.checked_add(since_epoch).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn part(kind: ContentType, text: &str) -> SinglePart {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    SinglePart::builder()
        .header(kind)
        .header(ContentTransferEncoding::QuotedPrintable)
        .body(text.trim_end_matches('\n').to_owned())
}

/// The case in words: its paragraphs, then whose it is.
fn words(task: &TicketTask) -> String {
    let customer: Vec<&str> = [&task.name, &task.email].into_iter().flatten().map(String::as_str).collect();
    let about = [("Customer", customer.join(", ")), ("Priority", task.priority.clone().unwrap_or_default())];
    let about = about.into_iter().chain([("Tags", task.tags.join(", "))]).filter(|(_, value)| !value.is_empty());
    let about: Vec<String> = about.map(|(name, value)| format!("{name}: {value}")).collect();
    let paragraphs = task.paragraphs.iter().cloned().chain([about.join("\n")]);
    paragraphs.filter(|paragraph| !paragraph.trim().is_empty()).collect::<Vec<_>>().join("\n\n")
}
