//! Percent-encoding (RFC 3986, section 2.1) of a whole message, as forms and links carry text.
//!
//! [`super::clean`] asks for it when no markup is left. Decoded is only what a person can't have typed: one word as far
//! as white space goes, all of it URL-safe, which decodes to several. `100%`, an address with escapes and a single
//! escaped word stay; so what was decoded once has white space and is never decoded again. Bytes that aren't UTF-8
//! are somebody's binary, and stay too.

use percent_encoding::percent_decode_str;

/// What encoders leave as it is, beside letters and digits: JavaScript's two, form encoders, and by-hand ones.
const PLAIN: &str = "-_.!~*'(),;:@$/?+&=#";

/// The message that `text` encodes as a whole; `None` when it is a message itself.
pub(super) fn decoded(text: &str) -> Option<String> {
    let text = text.trim();
    let (head, _) = text.split_once('%')?;
    if is_address(head) || !text.split('%').skip(1).all(starts_with_hex) || !text.bytes().all(is_safe) {
        return None;
    }
    // An encoder that writes a space as %20 means a plus by a plus.
    let spaced = if text.contains("%20") { text.to_owned() } else { text.replace('+', " ") };
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    decoded.trim().contains(char::is_whitespace).then(|| decoded.into_owned())
}

fn starts_with_hex(behind: &str) -> bool {
    behind.as_bytes().first_chunk::<2>().is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

fn is_safe(byte: u8) -> bool {
    byte == b'%' || byte.is_ascii_alphanumeric() || PLAIN.as_bytes().contains(&byte)
}

/// What stands before the first escape is the start of a link or of a form: a path, a mailbox, a scheme, a host, a key.
fn is_address(head: &str) -> bool {
    head.contains(['/', '@', '?', '=']) || head.trim_end_matches(':').contains(':') || head.starts_with("www.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_message_is_decoded() {
        for (text, want) in [
            ("Hello%20I%20need%2050%20units%2C%20please", Some("Hello I need 50 units, please")),
            ("Hello,%20I%20need%2050%20units", Some("Hello, I need 50 units")),
            ("Gr%C3%BC%C3%9Fe%0Aaus%20K%c3%b6ln", Some("Grüße\naus Köln")),
            ("Do+you+have+a+shop+in+Oslo%3F", Some("Do you have a shop in Oslo?")),
            ("C%2B%2B+developers+wanted", Some("C++ developers wanted")),
            ("1+1%20is%202", Some("1+1 is 2")),
            ("R&D%20needs%20it", Some("R&D needs it")),
            ("Call:%20now", Some("Call: now")),
            ("%3Cp%3ECall%20me%3C%2Fp%3E", Some("<p>Call me</p>")),
            ("50%25%20off,%20today", Some("50% off, today")),
            ("", None),
            ("100%", None),
            ("100% sure", None),
            ("we want 50%20 off", None),
            ("50%+VAT", None),
            ("caf%C3%A9", None),
            ("Do+you+have+a+shop", None),
            ("Hello%2520World", None),
            ("%20Hello%2520World%20", None),
            ("%FF%FE%20a", None),
            ("a%20b%2", None),
            ("a%20b%zz", None),
            ("https://x.example/a%20b%20c", None),
            ("x.example/a%20b", None),
            ("www.example.com?q=a%20b", None),
            ("mailto:anna@example.com?subject=a%20b", None),
            ("see https://x.example/a%20b", None),
            ("Größe%20L%20bitte", None),
            ("message=Hello%20there", None),
        ] {
            assert_eq!(decoded(text).as_deref(), want, "{text}");
        }
    }
}
