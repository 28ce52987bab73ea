//! What may stand in an envelope and in a header: one line without control characters, or nothing at all.
//!
//! Called by `letter` for every word that goes into a header. Nothing is mended here: what could begin a header of its own
//! is refused, because a mended one would be a mail that nobody wrote. Outside rules: RFC 5321, clause 4.1.2 (mailboxes),
//! RFC 5891 (a domain that isn't ASCII travels in its ASCII form, so that any server takes it).

use lettre::Address;
use lettre::message;

use crate::model::{Failure, Fault};

use super::Mailbox;

/// Names are shown, not read: whoever has a longer one is greeted by its start in the text.
const MAX_NAME_CHARS: usize = 200;

/// An address as it goes over the wire: its domain in ASCII.
pub(super) fn address(text: &str, what: &str) -> Result<Address, Failure> {
    let text = one_line(text, what)?;
    let refused = || refuse(format!("the {what} is no mail address"));
    let (user, domain) = text.rsplit_once('@').ok_or_else(refused)?;
    let domain = idna::domain_to_ascii_strict(domain).map_err(|_| refused())?;
    // What a word of a command can't hold: RFC 5321 has no way to write it.
    if user.chars().any(char::is_whitespace) || user.contains(['<', '>']) {
        return Err(refused());
    }
    Address::new(user, domain).map_err(|_| refused())
}

/// An address with its name, as a header has it.
pub(super) fn mailbox(mailbox: &Mailbox, what: &str) -> Result<message::Mailbox, Failure> {
    let name = mailbox.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let name = name.map(|name| one_line(name, &format!("name of the {what}"))).transpose()?;
    if name.is_some_and(|name| name.chars().count() > MAX_NAME_CHARS) {
        return Err(refuse(format!("the name of the {what} has more than {MAX_NAME_CHARS} characters")));
    }
    Ok(message::Mailbox::new(name.map(str::to_owned), address(&mailbox.address, what)?))
}

/// The text itself, if it stays on its line.
pub(super) fn one_line<'t>(text: &'t str, what: &str) -> Result<&'t str, Failure> {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if text.contains(breaks) { Err(refuse(format!("the {what} is not one line of text"))) } else { Ok(text) }
}

/// A mail that will never be sent.
pub(super) fn refuse(reason: String) -> Failure {
    Failure::new(Fault::Permanent, reason).cure("mend it where it comes from; nothing was sent")
}
