//! Twilio's request signatures: HMAC-SHA1, or HMAC-SHA256 with a shared key, over the address and the form's fields.
//!
//! A body that is no form is covered by its hash in the query. Twilio signs the address with or without its port;
//! either is taken. There is no time in it, so there is no protection against replay (duplicates are found later).
//! Rules: twilio.com/docs/usage/webhooks/webhooks-security, and Twilio's own client for what that page leaves out.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;
use percent_encoding::percent_decode;
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::{Presented, Refused, Verdict, compare, hex, required, single};

const SIGNATURE: &str = "X-Twilio-Signature";
/// There when a shared key signed, as `key=…,algorithm=HMAC_SHA256`.
const SETTINGS: &str = "X-Twilio-Webhooks-Signature-Settings";
/// Where the hash of a body stands that is no form.
const BODY_HASH: &str = "bodySHA256";

enum Algorithm {
    Sha1,
    Sha256,
}

pub(super) fn verify(
    secrets: &[SecretString],
    public_url: &str,
    presented: &Presented<'_>,
) -> Result<Verdict, Refused> {
    let theirs = STANDARD.decode(required(presented.headers, SIGNATURE)?);
    let theirs = [theirs.map_err(|_| Refused::Malformed(SIGNATURE.to_owned()))?];
    let algorithm = algorithm(presented.headers)?;
    let fields = covered_fields(presented)?;
    let mut matches = Choice::from(0);
    for base in with_and_without_port(public_url.trim_end_matches('/')) {
        let parts = [base.as_bytes(), presented.target.as_bytes(), &fields];
        for key in secrets.iter().map(|secret| secret.expose_secret().as_bytes()) {
            matches |= match algorithm {
                Algorithm::Sha1 => compare::signs::<Hmac<Sha1>>(key, &parts, &theirs),
                Algorithm::Sha256 => compare::signs::<Hmac<Sha256>>(key, &parts, &theirs),
            };
        }
    }
    compare::judge(SIGNATURE, matches)?;
    Ok(Verdict::Genuine)
}

/// What made the signature. Another algorithm is never tried in its place.
fn algorithm(headers: &HeaderMap) -> Result<Algorithm, Refused> {
    let settings = single(headers, SETTINGS)?.unwrap_or_default();
    let mut named = settings.split(|b| *b == b',').map(<[u8]>::trim_ascii);
    match named.find_map(|one| one.strip_prefix(b"algorithm=")) {
        None | Some(b"" | b"HMAC_SHA1") => Ok(Algorithm::Sha1),
        Some(b"HMAC_SHA256") => Ok(Algorithm::Sha256),
        Some(_) => Err(Refused::Malformed(SETTINGS.to_owned())),
    }
}

/// The fields of a form as they are signed behind the address. Any other body is compared with its hash in there.
fn covered_fields(presented: &Presented<'_>) -> Result<Vec<u8>, Refused> {
    if is_form(presented.headers) {
        return Ok(fields(presented.body));
    }
    let (_, query) = presented.target.split_once('?').unwrap_or_default();
    let hash = query.split('&').find_map(|pair| pair.strip_prefix(BODY_HASH)?.strip_prefix('='));
    let Some(hash) = hash else {
        let nothing_to_cover = presented.body.is_empty();
        return if nothing_to_cover { Ok(Vec::new()) } else { Err(Refused::Missing(BODY_HASH.to_owned())) };
    };
    let hash = hex::decode(hash.as_bytes()).ok_or_else(|| Refused::Malformed(BODY_HASH.to_owned()))?;
    compare::judge(BODY_HASH, Sha256::digest(presented.body).as_slice().ct_eq(&hash))?;
    Ok(Vec::new())
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Each name with its value, without anything between them, in the order of names and values; what is there twice
/// counts once.
fn fields(body: &[u8]) -> Vec<u8> {
    let pairs = body.split(|b| *b == b'&').filter(|pair| !pair.is_empty());
    let pairs: BTreeSet<(Vec<u8>, Vec<u8>)> = pairs
        .map(|pair| {
            let mut halves = pair.splitn(2, |b| *b == b'=');
            let mut half = || decoded(halves.next().unwrap_or_default());
            (half(), half())
        })
        .collect();
    pairs.into_iter().flat_map(|(name, value)| [name, value]).flatten().collect()
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    percent_decode(&spaced).collect()
}

/// The start of the address with its port and without.
fn with_and_without_port(base: &str) -> [String; 2] {
    let (scheme, rest) = base.split_once("://").unwrap_or_default();
    let (authority, path) = rest.find('/').and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""));
    let numbered = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let portless = authority.rsplit_once(':').filter(|(_, port)| numbered(port)).map(|(host, _)| host);
    let usual = if scheme == "http" { 80 } else { 443 };
    match portless {
        Some(host) => [base.to_owned(), format!("{scheme}://{host}{path}")],
        None => [format!("{scheme}://{authority}:{usual}{path}"), base.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{headers, presented};
    use super::*;

    const TOKEN: &str = "12345678901234567890123456789012";
    const BASE: &str = "https://leads.example.com";
    const STATUS: &str = "/twilio/status";
    const DELIVERED: &str = "MessageSid=SM0123456789abcdef0123456789abcdef&MessageStatus=delivered&To=%2B15551230001&From=%2B15557122661&AccountSid=AC0123456789abcdef0123456789abcdef&ApiVersion=2010-04-01";
    const UNDELIVERED: &str = "MessageSid=SM0123456789abcdef0123456789abcdef&MessageStatus=undelivered&ErrorCode=30003";
    const OF_DELIVERED: &str = "k09MMIb/SCJi0aL/Y6jg2o9d/xU=";
    const OF_UNDELIVERED: &str = "+B5/QdT0v2G9tSOzK9dIVtCNXF0=";
    const OF_SENT_8443: &str = "+KbafS6dAA+b3a60O4TlNR4nq90=";
    const OF_SENT_SHA256: &str = "T91UyKZzICMmV4ckQsr5mIubLmj/uWKcNEhjNUzVR3c=";
    const OF_NOTHING: &str = "VAqQEmOYQDAN/OFN5OvCoHotByk=";
    const BY_KEY: (&str, &str) = (SETTINGS, "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256");
    const GOOD: Result<Verdict, Refused> = Ok(Verdict::Genuine);

    fn check(keys: &[&str], base: &str, target: &str, sent: &[(&str, &str)], body: &str) -> Result<Verdict, Refused> {
        let headers = headers(sent);
        let keys: Vec<SecretString> = keys.iter().map(|key| SecretString::from(*key)).collect();
        verify(&keys, base, &Presented { target, body: body.as_bytes(), ..presented(&headers) })
    }

    fn form<'t>(signature: &'t str, more: &[(&'t str, &'t str)]) -> Vec<(&'t str, &'t str)> {
        let form = ("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8");
        [vec![form, (SIGNATURE, signature)], more.to_vec()].concat()
    }

    /// Computed with Twilio's own client.
    #[test]
    fn vectors() {
        for (name, base, target, body, signature, more) in [
            ("delivered", BASE, STATUS, DELIVERED, OF_DELIVERED, vec![]),
            ("with a query", BASE, "/twilio/status?lead=42&k=a%20b", UNDELIVERED, OF_UNDELIVERED, vec![]),
            ("with a port", "https://leads.example.com:8443", STATUS, "MessageStatus=sent", OF_SENT_8443, vec![]),
            (
                "a port that was not signed",
                "https://leads.example.com:8443",
                STATUS,
                "MessageStatus=sent",
                "ewXQo6ayUW6GouE+9c/QYeMW3Ic=",
                vec![],
            ),
            ("a port that only was signed", BASE, STATUS, "MessageStatus=sent", "+86b5Ue62q1H8FFqFDQYCKVTyl0=", vec![]),
            ("a slash at the end of the base", "https://leads.example.com/", STATUS, DELIVERED, OF_DELIVERED, vec![]),
            (
                "another order",
                BASE,
                STATUS,
                "ApiVersion=2010-04-01&To=%2b15551230001&From=%2B15557122661&MessageStatus=delivered&AccountSid=AC0123456789abcdef0123456789abcdef&MessageSid=SM0123456789abcdef0123456789abcdef",
                OF_DELIVERED,
                vec![],
            ),
            (
                "names and values that repeat",
                BASE,
                STATUS,
                "MediaUrl=https%3A%2F%2Fb&Body=Gr%C3%BC%C3%9Fe+%26+more+%3D+1%2B1&MediaUrl=https://a&&MediaUrl=https://b&Empty=",
                "IPIzQHglkKFODAxKeharTp/CAzU=",
                vec![],
            ),
            ("with a shared key", BASE, STATUS, "MessageStatus=sent", OF_SENT_SHA256, vec![BY_KEY]),
            (
                "settings that name the old way",
                BASE,
                STATUS,
                DELIVERED,
                OF_DELIVERED,
                vec![(SETTINGS, "key=x, algorithm=HMAC_SHA1")],
            ),
            ("settings that name nothing", BASE, STATUS, DELIVERED, OF_DELIVERED, vec![(SETTINGS, "")]),
            ("an empty form", BASE, STATUS, "", OF_NOTHING, vec![]),
        ] {
            let sent = form(signature, &more);
            assert_eq!(check(&[TOKEN], base, target, &sent, body), GOOD, "{name}");
            assert_eq!(check(&["other", TOKEN], base, target, &sent, body), GOOD, "{name}, the second key");
            let wrong = Err(Refused::Wrong(SIGNATURE.to_owned()));
            assert_eq!(check(&["other", ""], base, target, &sent, body), wrong, "{name}, other keys");
            assert_eq!(check(&[TOKEN], base, target, &sent, &format!("{body}&X=y")), wrong, "{name}, a field more");
            assert_eq!(check(&[TOKEN], base, &format!("{target}x"), &sent, body), wrong, "{name}, another address");
        }
    }

    #[test]
    fn a_body_that_is_no_form_is_covered_by_its_hash() {
        let json = "application/json";
        let hash = "b6fb4733e6b14e1dca43861100e2598528b40623c297dab2ac5942b2b77aaa03";
        let (of_json, body) = ("Q+IrYMel58FBTMFJ1RuxGvVpoUc=", r#"{"a":"Grüße"}"#);
        let with = |hash: &str| format!("{STATUS}?{BODY_HASH}={hash}");
        let other = with(&hash.replace('b', "c"));
        let refused = |refused: fn(String) -> Refused, name: &str| Err(refused(name.to_owned()));
        for (name, target, kind, body, signature, want) in [
            ("right", with(hash), Some(json), body, of_json, GOOD),
            ("without a type", with(hash), None, body, of_json, GOOD),
            ("another body", with(hash), Some(json), "{}", of_json, refused(Refused::Wrong, BODY_HASH)),
            ("another hash", other, Some(json), body, of_json, refused(Refused::Wrong, BODY_HASH)),
            ("no hash at all", with("x"), Some(json), body, of_json, refused(Refused::Malformed, BODY_HASH)),
            ("not covered", STATUS.to_owned(), Some(json), body, OF_NOTHING, refused(Refused::Missing, BODY_HASH)),
            ("nothing to cover", STATUS.to_owned(), None, "", OF_NOTHING, GOOD),
            ("of another address", with(hash), Some(json), body, OF_NOTHING, refused(Refused::Wrong, SIGNATURE)),
        ] {
            let mut sent = vec![(SIGNATURE, signature)];
            sent.extend(kind.map(|kind| ("Content-Type", kind)));
            assert_eq!(check(&[TOKEN], BASE, &target, &sent, body), want, "{name}");
        }
        let sent = [(SIGNATURE, "P0pVhd6CWQ8/N/QOBZAmHgIWt3CH/yF4ADgz0/2Nkg8="), BY_KEY];
        assert_eq!(check(&[TOKEN], BASE, &with(hash), &sent, body), GOOD, "with a shared key");
    }

    #[test]
    fn near_misses() {
        let refused = |refused: fn(String) -> Refused, name: &str| Err(refused(name.to_owned()));
        for (name, sent, want) in [
            ("nothing", form("", &[])[..1].to_vec(), refused(Refused::Missing, SIGNATURE)),
            ("twice", form(OF_DELIVERED, &[(SIGNATURE, OF_DELIVERED)]), refused(Refused::Twice, SIGNATURE)),
            ("empty", form("", &[]), refused(Refused::Wrong, SIGNATURE)),
            ("no base64", form("%%", &[]), refused(Refused::Malformed, SIGNATURE)),
            ("of another message", form(OF_UNDELIVERED, &[]), refused(Refused::Wrong, SIGNATURE)),
            ("SHA-1 called SHA-256", form(OF_DELIVERED, &[BY_KEY]), refused(Refused::Wrong, SIGNATURE)),
            (
                "an unknown algorithm",
                form(OF_DELIVERED, &[(SETTINGS, "algorithm=NONE")]),
                refused(Refused::Malformed, SETTINGS),
            ),
            ("two settings", form(OF_DELIVERED, &[BY_KEY, (SETTINGS, "")]), refused(Refused::Twice, SETTINGS)),
            (
                "the form called JSON",
                vec![(SIGNATURE, OF_DELIVERED), ("Content-Type", "application/json")],
                refused(Refused::Missing, BODY_HASH),
            ),
        ] {
            assert_eq!(check(&[TOKEN], BASE, STATUS, &sent, DELIVERED), want, "{name}");
        }
        let sent = form(OF_SENT_SHA256, &[]);
        let wrong = refused(Refused::Wrong, SIGNATURE);
        assert_eq!(check(&[TOKEN], BASE, STATUS, &sent, "MessageStatus=sent"), wrong, "SHA-256 called SHA-1");
    }

    #[test]
    fn ports() {
        for (base, with, without) in [
            ("https://a.example", "https://a.example:443", "https://a.example"),
            ("https://a.example/desk", "https://a.example:443/desk", "https://a.example/desk"),
            ("https://a.example:8443/desk", "https://a.example:8443/desk", "https://a.example/desk"),
            ("http://a.example", "http://a.example:80", "http://a.example"),
            ("https://[::1]", "https://[::1]:443", "https://[::1]"),
            ("https://[::1]:8443", "https://[::1]:8443", "https://[::1]"),
        ] {
            assert_eq!(with_and_without_port(base), [with.to_owned(), without.to_owned()], "{base}");
        }
    }
}
