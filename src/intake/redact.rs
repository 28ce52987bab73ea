//! What is stored of a request's target and headers: everything but secrets.
//!
//! Every stored request goes through here, the accepted ones and the quarantined ones, whose secret may be the right one
//! in the wrong place: so values under any name that promises a secret are replaced, not only the configured one, and the
//! source's own secrets are replaced wherever they stand (`?key=…`, a mistyped header), with or without percent-encoding.
//! Where the address may hold a secret nothing of that part is kept: a wrong one may be nearly the right one.

use hyper::HeaderMap;
use secrecy::{ExposeSecret, SecretString};

use super::Auth;
use super::auth::hex;

/// What stands in place of a secret.
const STARS: &str = "***";
/// Parts of names of headers that hold secrets.
const TELLTALE: [&str; 6] = ["authorization", "cookie", "secret", "token", "password", "api-key"];

/// Schemes of authentication whose values are secrets, whatever the header is called.
const SCHEMES: [&str; 2] = ["basic ", "bearer "];

/// Path and query as they may be kept.
pub(super) fn target(target: &str, auth: &Auth) -> String {
    if !auth.takes_path_secret() {
        return without(target.as_bytes(), auth.secrets());
    }
    let (path, query) = target.find('?').and_then(|at| target.split_at_checked(at)).unwrap_or((target, ""));
    place(path) + &without(query.as_bytes(), auth.secrets())
}

/// A path without what follows a source's name, or the token of a link to unsubscribe: for the log, where whose secret
/// that is may not be known.
pub(super) fn place(path: &str) -> String {
    if path.starts_with(super::unsubscribe::PLACE) {
        return [super::unsubscribe::PLACE, STARS].concat();
    }
    // The first piece is what precedes the first slash: nothing.
    let mut pieces = path.splitn(4, '/');
    let kept: Vec<&str> = pieces.by_ref().take(3).collect();
    let kept = kept.join("/");
    if pieces.next().is_some() { format!("{kept}/{STARS}") } else { kept }
}

/// The headers as they may be kept.
pub(super) fn headers(headers: &HeaderMap, auth: &Auth) -> Vec<(String, String)> {
    let kept = headers.iter().map(|(name, value)| {
        let name = name.as_str();
        let secret = auth.secret_header().is_some_and(|secret| secret.eq_ignore_ascii_case(name))
            || TELLTALE.iter().any(|part| name.contains(part))
            || SCHEMES.iter().any(|scheme| begins_with(value.as_bytes(), scheme));
        let value = if secret { STARS.to_owned() } else { without(value.as_bytes(), auth.secrets()) };
        (name.to_owned(), value)
    });
    kept.collect()
}

fn begins_with(value: &[u8], scheme: &str) -> bool {
    value.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
}

/// The text with stars in place of each secret in it.
fn without(text: &[u8], secrets: &[SecretString]) -> String {
    let secrets: Vec<&[u8]> = secrets.iter().map(|secret| bare(secret.expose_secret()).as_bytes()).collect();
    let (mut kept, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some((first, after)) = rest.split_first() {
        rest = if let Some(behind) = secrets.iter().find_map(|secret| behind(secret, rest)) {
            kept.extend_from_slice(STARS.as_bytes());
            behind
        } else {
            kept.push(*first);
            after
        };
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// What is secret of a key of Standard Webhooks: it works with its prefix and without.
fn bare(secret: &str) -> &str {
    secret.strip_prefix("whsec_").unwrap_or(secret)
}

/// What follows `secret` at the start of `text`, if it stands there; any of its bytes may be percent-encoded.
fn behind<'t>(secret: &[u8], text: &'t [u8]) -> Option<&'t [u8]> {
    if secret.is_empty() {
        return None;
    }
    secret.iter().try_fold(text, |text, want| match text {
        [b'%', high, low, rest @ ..] if hex::byte(*high, *low) == Some(*want) => Some(rest),
        [first, rest @ ..] if first == want => Some(rest),
        _ => None,
    })
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
    fn what_follows_the_name_is_kept_only_where_it_can_be_no_secret() {
        let path = Auth::PathSecret { secret: "s3cret".into() };
        let salesforce = |path_secret| Auth::Salesforce { organization_id: String::new(), path_secret };
        for (name, auth, text, want) in [
            ("right", &path, "/hooks/a/s3cret?b=1", "/hooks/a/***?b=1"),
            ("wrong", &path, "/hooks/a/s3cre?b=1", "/hooks/a/***?b=1"),
            ("in pieces", &path, "/hooks/a/s3/cret", "/hooks/a/***"),
            ("in the query too", &path, "/hooks/a/x?k=s3%63ret", "/hooks/a/***?k=***"),
            ("empty", &path, "/hooks/a/", "/hooks/a/***"),
            ("none", &path, "/hooks/a?b=c/d/e/f", "/hooks/a?b=c/d/e/f"),
            ("Salesforce", &salesforce(Some("s3cret".into())), "/hooks/a/S3cret", "/hooks/a/***"),
            ("Salesforce without one", &salesforce(None), "/hooks/a/b", "/hooks/a/b"),
        ] {
            assert_eq!(target(text, auth), want, "{name}");
        }
        for (path, want) in [
            ("/", "/"),
            ("", ""),
            ("/hooks/a", "/hooks/a"),
            ("/x/y/z/", "/x/y/***"),
            ("//a", "//a"),
            ("/u/dG9rZW4", "/u/***"),
            ("/u", "/u"),
        ] {
            assert_eq!(place(path), want, "{path}");
        }
    }

    #[test]
    fn each_of_several_secrets_with_its_prefix_and_without() {
        let auth = Auth::StandardWebhooks { secrets: vec!["whsec_b25l".into(), "dHdv".into()] };
        let got = target("/hooks/a?k=whsec_b25l&l=b25l&m=dHdv&n=whsec_dHdv", &auth);
        assert_eq!(got, "/hooks/a?k=whsec_***&l=***&m=***&n=whsec_***");
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
            ("Autorisation", "basic YTpi", None, STARS),
            ("X-Auth", "Bearer s3cret", None, STARS),
            ("X-Auth", "Bearers", None, "Bearers"),
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
