//! What is wrong with the headers of a mail from a machine. Pure.
//!
//! Called for each mail that came whole. Sources: RFC 5322, clause 3.6 (which headers, how often), RFC 2045 (parts), RFC
//! 2047 (words beyond ASCII), RFC 3834 (what a machine sends says so), RFC 8058 (unsubscribing with one click).

use super::mail::{boundary, fields};

/// These stand in a mail at most once.
const ONCE: &[&str] = &[
    "date",
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "message-id",
    "subject",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "auto-submitted",
    "list-unsubscribe",
    "list-unsubscribe-post",
];
/// These must.
const NEEDED: &[&str] = &["date", "from", "to", "message-id", "subject"];

/// The mistakes in a mail.
pub(super) fn mistakes(raw: &str, utf8: bool) -> Vec<String> {
    let Some((head, body)) = raw.split_once("\r\n\r\n") else {
        return vec!["no empty line after the headers".to_owned()];
    };
    let (fields, mut found) = fields(head);
    let all = |name: &str| fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect();
    let one = |name: &str| -> Option<&str> { Vec::into_iter(all(name)).next() };
    found.extend(ONCE.iter().filter(|name| Vec::len(&all(name)) > 1).map(|name| format!("{name} more than once")));
    found.extend(NEEDED.iter().filter(|name| one(name).is_none()).map(|name| format!("no {name}")));
    if !head.is_ascii() && !utf8 {
        found.push("a header beyond ASCII".to_owned());
    }
    if one("date").is_some_and(|date| jiff::fmt::rfc2822::parse(date).is_err()) {
        found.push("a date that is none".to_owned());
    }
    if one("message-id").is_some_and(|id| !is_message_id(id)) {
        found.push("a message-id that is none".to_owned());
    }
    found.extend(one("cc").or(one("bcc")).map(|_| "copies to others".to_owned()));
    if one("to").is_some_and(|to| to.matches('@').count() != 1) {
        found.push("to more than one".to_owned());
    }
    if !matches!(one("auto-submitted"), Some("auto-generated" | "auto-replied")) {
        found.push("it doesn't say that a machine sent it".to_owned());
    }
    found.extend(unsubscribing(one("list-unsubscribe"), one("list-unsubscribe-post")));
    found.extend(of_parts(one("mime-version"), one("content-type"), body));
    found
}

fn is_message_id(id: &str) -> bool {
    let inner = id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).and_then(|id| id.split_once('@'));
    let fits =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'@'));
    inner.is_some_and(|(left, right)| fits(left) && fits(right))
}

fn unsubscribing(list: Option<&str>, post: Option<&str>) -> Option<String> {
    let link = |list: &str| list.starts_with('<') && list.ends_with('>') && !list.contains(char::is_whitespace);
    match (list, post) {
        (Some(list), _) if !link(list) => Some("a list-unsubscribe that is no link".to_owned()),
        (Some(list), Some("List-Unsubscribe=One-Click")) if list.starts_with("<https://") => None,
        (_, Some(_)) => Some("one click without https".to_owned()),
        (_, None) => None,
    }
}

fn of_parts(version: Option<&str>, kind: Option<&str>, body: &str) -> Option<String> {
    let kind = kind?;
    if version != Some("1.0") {
        return Some("a content-type without mime-version".to_owned());
    }
    if !kind.starts_with("multipart/") {
        return None;
    }
    let Some(boundary) = boundary(kind) else { return Some("parts without a boundary".to_owned()) };
    let ended = format!("\r\n--{boundary}--\r\n");
    (!format!("\r\n{body}").contains(&ended)).then(|| "parts without an end".to_owned())
}
