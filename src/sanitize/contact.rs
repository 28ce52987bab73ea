//! What a prospect gave as contact: an e-mail address by its shape, a telephone number by its country's plan.
//!
//! `None` means that it is kept as typed and never used: not dialled, not written to. An address that passes holds
//! nothing that could end a header line or start another one (RFC 5322, clause 3.2.3, without quoted local parts).

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};

use crate::model::Phone;

/// Longest address that fits into an SMTP path (RFC 5321, clause 4.5.3.1.3, less the angle brackets).
const MOST_EMAIL_BYTES: usize = 254;
/// Longest local part (RFC 5321, clause 4.5.3.1.1).
const MOST_LOCAL_BYTES: usize = 64;
/// Longest label of a domain (RFC 1035, clause 2.3.4).
const MOST_LABEL_BYTES: usize = 63;
/// Every number with its extension and its punctuation is shorter.
const MOST_PHONE_CHARS: usize = 64;

/// The address in `text`, its domain in lower case, if it has the shape of one.
#[must_use]
pub fn email(text: &str) -> Option<String> {
    let (local, domain) = text.trim().split_once('@')?;
    if local.len() > MOST_LOCAL_BYTES || !local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext)) {
        return None;
    }
    let domain = domain.to_lowercase();
    let labels_ok = domain.contains('.') && domain.split('.').all(is_label);
    let address = format!("{local}@{domain}");
    (labels_ok && address.len() <= MOST_EMAIL_BYTES).then_some(address)
}

fn is_atext(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

fn is_label(label: &str) -> bool {
    (1..=MOST_LABEL_BYTES).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| c.is_alphanumeric() || c == '-')
}

/// The number in `text`, read as one of `country` (two capital letters) unless it says its own; `None` unless that
/// country's numbering plan has it. The tables of all plans take 4 MiB, so they are not touched for a text
/// without a digit.
#[must_use]
pub fn phone(text: &str, country: &str) -> Option<Phone> {
    let text = text.trim();
    if !text.chars().any(char::is_numeric) || text.chars().count() > MOST_PHONE_CHARS {
        return None;
    }
    let number = PHONE_NUMBER_UTIL.parse(text, country.parse().ok()).ok()?;
    if !number.is_valid() {
        return None;
    }
    number.format_as(PhoneNumberFormat::E164).parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses() {
        for (text, want) in [
            (" Anna.Berg@Example.COM ", Some("Anna.Berg@example.com")),
            ("o'neil+tag@sub.example.co", Some("o'neil+tag@sub.example.co")),
            ("jörg@bücher.example", Some("jörg@bücher.example")),
            ("", None),
            ("anna", None),
            ("anna@", None),
            ("@example.com", None),
            ("anna@localhost", None),
            ("a@b@example.com", None),
            ("a b@example.com", None),
            ("a@exam ple.com", None),
            ("a@example.com\r\nBcc: x@example.com", None),
            ("a\n@example.com", None),
            ("a@example..com", None),
            ("a@-example.com", None),
            (".a@example.com", None),
            ("Anna <anna@example.com>", None),
            ("a,b@example.com", None),
            ("a@example.com\u{202e}", None),
        ] {
            assert_eq!(email(text).as_deref(), want, "{text:?}");
        }
        assert!(email(&format!("{}@example.com", "a".repeat(65))).is_none());
        assert!(email(&format!("a@{}.com", "abcdefghi.".repeat(26))).is_none());
    }

    #[test]
    fn numbers() {
        for (text, country, want) in [
            ("+46 8 123 456 78", "US", Some("+46812345678")),
            ("(303) 555-0142", "US", Some("+13035550142")),
            ("720-555-0107", "US", Some("+17205550107")),
            ("030 1234567", "DE", Some("+49301234567")),
            ("0049 30 1234567", "DE", Some("+49301234567")),
            ("+1 303 555 0142 ext. 7", "US", Some("+13035550142")),
            ("030 1234567;ext=3", "DE", Some("+49301234567")),
            ("٠٣٠ ١٢٣٤٥٦٧", "DE", Some("+49301234567")),
            ("", "US", None),
            ("call me", "US", None),
            ("911", "US", None),
            ("555-0142", "US", None),
            ("+15551230017", "US", None),
            ("030 1234567", "??", None),
            ("12345678901234567890", "US", None),
        ] {
            assert_eq!(phone(text, country).as_ref().map(Phone::as_str), want, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in any::<String>(), digits in "[+0-9()\\- x;=./#,٣５tel:ext]{0,40}") {
            for text in [text, digits] {
                drop(phone(&text, "US"));
                drop(email(&text));
            }
        }
    }
}
