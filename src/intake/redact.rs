//! What is stored of a request's target and headers: everything but secrets.
//!
//! Every stored request goes through here, the accepted ones and the quarantined ones, whose secret may be the right one
//! in the wrong place: so values under any name that promises a secret are replaced, not only the configured one, and the
//! source's own secret is replaced wherever it stands (`?key=…`, a mistyped header), with or without percent-encoding.

use hyper::HeaderMap;
use secrecy::{ExposeSecret, SecretString};

use super::Auth;

/// What stands in place of a secret.
const STARS: &str = "***";
/// Parts of names of headers that hold secrets.
const TELLTALE: [&str; 6] = ["authorization", "cookie", "secret", "token", "password", "api-key"];

/// Path and query as they may be kept.
pub(super) fn target(target: &str, auth: &Auth) -> String {
    without(target.as_bytes(), auth.secret())
}

/// The headers as they may be kept.
pub(super) fn headers(headers: &HeaderMap, auth: &Auth) -> Vec<(String, String)> {
    let kept = headers.iter().map(|(name, value)| {
        let name = name.as_str();
        let secret = auth.secret_header().is_some_and(|secret| secret.eq_ignore_ascii_case(name))
            || TELLTALE.iter().any(|part| name.contains(part));
        let value = if secret { STARS.to_owned() } else { without(value.as_bytes(), auth.secret()) };
        (name.to_owned(), value)
    });
    kept.collect()
}

/// The text with stars in place of each secret in it.
fn without(text: &[u8], secret: Option<&SecretString>) -> String {
    let secret = secret.map_or(&[] as &[u8], |secret| secret.expose_secret().as_bytes());
    let (mut kept, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some((first, after)) = rest.split_first() {
        rest = if let Some(behind) = behind(secret, rest) {
            kept.extend_from_slice(STARS.as_bytes());
            behind
        } else {
            kept.push(*first);
            after
        };
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// What follows `secret` at the start of `text`, if it stands there; any of its bytes may be percent-encoded.
fn behind<'t>(secret: &[u8], text: &'t [u8]) -> Option<&'t [u8]> {
    if secret.is_empty() {
        return None;
    }
    secret.iter().try_fold(text, |text, want| match text {
        [b'%', high, low, rest @ ..] if byte(*high, *low) == Some(*want) => Some(rest),
        [first, rest @ ..] if first == want => Some(rest),
        _ => None,
    })
}

/// The byte that two hexadecimal digits stand for.
fn byte(high: u8, low: u8) -> Option<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    fn shared(header: &str, secret: &str) -> Auth {
        Auth::SharedSecret { header: header.to_owned(), prefix: String::new(), secret: secret.into() }
    }

    #[test]
    fn the_secret_is_kept_nowhere() {
        for (name, secret, text, want) in [
            ("in the query", "s3cret", "/hooks/a?key=s3cret&b=1", "/hooks/a?key=***&b=1"),
            ("in the path", "s3cret", "/hooks/s3cret/x", "/hooks/***/x"),
            ("twice", "s3cret", "s3crets3cret s3cre", "****** s3cre"),
            ("encoded", "a/b+c=", "/a?k=a%2Fb%2bc%3D&x=%2F", "/a?k=***&x=%2F"),
            ("half encoded", "a/b+c=", "/a?k=%61/b%2bc=", "/a?k=***"),
            ("other bytes", "gr\u{fc}n", "gr%C3%BCn gr\u{fc}n", "*** ***"),
            ("a start that fails", "aab", "aaab aa", "a*** aa"),
            ("cut off", "a+", "a%2", "a%2"),
            ("none", "", "/hooks/a?key=%", "/hooks/a?key=%"),
        ] {
            assert_eq!(target(text, &shared("x", secret)), want, "{name}");
        }
        let hubspot = Auth::Hubspot { secret: "s3cret".into(), public_url: String::new() };
        assert_eq!((target("s3cret", &hubspot), target("s3cret", &Auth::None)), ("***".into(), "s3cret".into()));
        let mut map = HeaderMap::new();
        map.insert("x-mislaid", HeaderValue::from_static("key=s3cret;v=1"));
        assert_eq!(headers(&map, &hubspot), [("x-mislaid".to_owned(), "key=***;v=1".to_owned())]);
    }

    #[test]
    fn secrets_are_stars_and_the_rest_stays() {
        for (name, value, configured, want) in [
            ("Authorization", "Bearer s3cret", None, STARS),
            ("Proxy-Authorization", "Basic x", None, STARS),
            ("Cookie", "id=1", None, STARS),
            ("X-Hook", "s3cret", Some("x-hook"), STARS),
            ("X-Hook", "s3cret", Some("X-HOOK"), STARS),
            ("X-Hook", "open", None, "open"),
            ("X-Webhook-Secret", "s3cret", Some("Authorization"), STARS),
            ("X-Api-Key", "s3cret", None, STARS),
            ("Content-Type", "application/json", None, "application/json"),
            ("X-HubSpot-Signature-v3", "abc=", None, "abc="),
            ("X-Name", "Gr\u{fc}\u{df}e", None, "Grüße"),
        ] {
            let mut map = HeaderMap::new();
            map.insert(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
            let auth = configured.map_or(Auth::None, |header| shared(header, "another"));
            assert_eq!(headers(&map, &auth), [(name.to_ascii_lowercase(), want.to_owned())], "{name}");
        }
        let mut broken = HeaderMap::new();
        broken.insert("x-name", HeaderValue::from_bytes(b"a\xffb").unwrap());
        assert_eq!(headers(&broken, &Auth::None), [("x-name".to_owned(), "a\u{fffd}b".to_owned())]);
    }
}
