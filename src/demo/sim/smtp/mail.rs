//! A mail that the simulated server took: its envelope, its bytes, and as much of what they mean as people read.
//!
//! Headers are unfolded and their encoded words decoded (RFC 2047); parts are found by their boundary and decoded from
//! quoted-printable or base64 (RFC 2045). What can't be decoded is shown as it came.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

/// One mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipient.
    pub to: String,
    /// The mail as it came, dots undone.
    pub raw: String,
    /// When it was taken.
    pub at: Timestamp,
}

impl Mail {
    /// A mail that is taken now.
    pub(super) fn new(from: String, to: String, raw: String) -> Self {
        Self { from, to, raw, at: Timestamp::now() }
    }

    /// A header as a person reads it; its name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let (head, _) = self.raw.split_once("\r\n\r\n")?;
        let found = fields(head).0.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| words(&value))
    }

    /// The plain text; its lines end in LF.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        part(&self.raw, "text/plain").map(|text| text.replace("\r\n", "\n"))
    }

    /// The HTML; its lines end in LF.
    #[must_use]
    pub fn html(&self) -> Option<String> {
        part(&self.raw, "text/html").map(|text| text.replace("\r\n", "\n"))
    }
}

/// The fields of a head (names in lower case, values unfolded), and what is wrong with its lines.
pub(super) fn fields(head: &str) -> (Vec<(String, String)>, Vec<String>) {
    let (mut fields, mut wrong) = (Vec::<(String, String)>::new(), Vec::new());
    for line in head.split("\r\n") {
        let name =
            line.split_once(':').filter(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic()));
        match (line.starts_with([' ', '\t']), name, fields.last_mut()) {
            (true, _, Some((_, value))) => value.push_str(line),
            (false, Some((name, value)), _) => fields.push((name.to_ascii_lowercase(), value.trim().to_owned())),
            _ => wrong.push(format!("no header: {line:?}")),
        }
    }
    (fields, wrong)
}

/// The boundary that a content type names.
pub(super) fn boundary(kind: &str) -> Option<&str> {
    let named = kind.split(';').find_map(|parameter| parameter.trim().strip_prefix("boundary="))?;
    Some(named.trim_matches('"')).filter(|boundary| !boundary.is_empty())
}

fn part(raw: &str, wanted: &str) -> Option<String> {
    let (head, body) = raw.split_once("\r\n\r\n")?;
    let (fields, _) = fields(head);
    let of = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let kind = of("content-type").unwrap_or("text/plain");
    if let Some(boundary) = boundary(kind) {
        let body = format!("\r\n{body}");
        let parts: Vec<&str> = body.split(&format!("\r\n--{boundary}")).skip(1).collect();
        return parts.iter().find_map(|inner| part(inner.strip_prefix("\r\n")?, wanted));
    }
    let encoding = of("content-transfer-encoding").unwrap_or_default();
    kind.starts_with(wanted).then(|| match encoding {
        "quoted-printable" => quoted(&body.replace("=\r\n", ""), '='),
        "base64" => base64(&body.replace("\r\n", "")).unwrap_or_else(|| body.to_owned()),
        _ => body.to_owned(),
    })
}

/// A header's value with its encoded words decoded; spaces between two of them are not part of it.
fn words(value: &str) -> String {
    let (mut out, mut rest, mut after_word) = (String::new(), value, false);
    while let Some((before, tail)) = rest.split_once("=?") {
        let mut parts = tail.splitn(4, '?');
        let word = (parts.next(), parts.next(), parts.next(), parts.next().and_then(|end| end.strip_prefix('=')));
        let (Some(_), Some(kind), Some(text), Some(end)) = word else { break };
        let decoded =
            if kind.eq_ignore_ascii_case("b") { base64(text) } else { Some(quoted(&text.replace('_', " "), '=')) };
        if !(after_word && before.trim().is_empty()) {
            out.push_str(before);
        }
        out.push_str(&decoded.unwrap_or_default());
        (rest, after_word) = (end, true);
    }
    out + rest
}

fn base64(text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}

/// Undoes `=41` and the like.
fn quoted(text: &str, mark: char) -> String {
    let mut pieces = text.split(mark);
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        match piece.split_at_checked(2).map(|(hex, rest)| (u8::from_str_radix(hex, 16), rest)) {
            Some((Ok(byte), rest)) => {
                bytes.push(byte);
                bytes.extend_from_slice(rest.as_bytes());
            }
            _ => bytes.extend_from_slice(format!("{mark}{piece}").as_bytes()),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
