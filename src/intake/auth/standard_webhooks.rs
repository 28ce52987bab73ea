//! Standard Webhooks, and the same under Svix's names: an HMAC-SHA256 over id, time and body, at most five minutes old.
//!
//! The header may carry several signatures and the source several keys, while one key replaces another. Versions other
//! than `v1` (`v1a` is asymmetric) are ignored. The id is signed, so it is the key by which repetitions are found.
//! Rules: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{PAD, STANDARD};
use base64::engine::{DecodePaddingMode, GeneralPurpose};
use hmac::Hmac;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::Choice;

use super::{Presented, Refused, Verdict, age, compare, required};
use crate::model::Clock;

/// What a key begins with when it is handed out.
const KEY_PREFIX: &str = "whsec_";
/// The one symmetric version.
const VERSION: &[u8] = b"v1,";

/// One family of header names. A request is judged by one of them only.
struct Names {
    id: &'static str,
    timestamp: &'static str,
    signature: &'static str,
}

const WEBHOOK: Names = Names { id: "webhook-id", timestamp: "webhook-timestamp", signature: "webhook-signature" };
const SVIX: Names = Names { id: "svix-id", timestamp: "svix-timestamp", signature: "svix-signature" };

pub(super) fn verify(secrets: &[SecretString], presented: &Presented<'_>, clock: Clock) -> Result<Verdict, Refused> {
    let names = names(|name| presented.headers.contains_key(name));
    let id = required(presented.headers, names.id)?;
    let timestamp = required(presented.headers, names.timestamp)?;
    let signatures = required(presented.headers, names.signature)?;
    let theirs: Vec<Vec<u8>> = signatures
        .split(|b| *b == b' ')
        .filter_map(|one| one.strip_prefix(VERSION))
        .filter_map(|code| STANDARD.decode(code).ok())
        .collect();
    if id.is_empty() || theirs.is_empty() {
        let name = if id.is_empty() { names.id } else { names.signature };
        return Err(Refused::Malformed(name.to_owned()));
    }
    let signed_at = age::seconds(timestamp).ok_or_else(|| Refused::Malformed(names.timestamp.to_owned()))?;
    let parts = [id, b".", timestamp, b".", presented.body];
    let matches = secrets
        .iter()
        .fold(Choice::from(0), |found, secret| found | compare::signs::<Hmac<Sha256>>(&key(secret), &parts, &theirs));
    compare::judge(names.signature, matches)?;
    age::judge(signed_at, clock)
}

/// The id among headers that were verified and stored.
pub(super) fn event_id(stored: &[(String, String)]) -> Option<&str> {
    let value = |name: &str| stored.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    value(names(|name| value(name).is_some()).id).map(|(_, id)| id.as_str())
}

/// Svix sends both families for a while when it changes over; the standard's own outranks it, right or wrong.
fn names(has: impl Fn(&str) -> bool) -> &'static Names {
    let webhook = [WEBHOOK.id, WEBHOOK.timestamp, WEBHOOK.signature].into_iter().any(&has);
    let svix = [SVIX.id, SVIX.timestamp, SVIX.signature].into_iter().any(has);
    if svix && !webhook { &SVIX } else { &WEBHOOK }
}

/// The bytes of a key. One that isn't base64 has none, and what has none matches nothing; the configuration refuses it.
fn key(secret: &SecretString) -> Vec<u8> {
    const ANY_PADDING: GeneralPurpose =
        GeneralPurpose::new(&alphabet::STANDARD, PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent));
    let text = secret.expose_secret();
    ANY_PADDING.decode(text.strip_prefix(KEY_PREFIX).unwrap_or(text)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, headers, presented};
    use super::*;
    use crate::model::Timestamp;

    const KEY: &str = "whsec_bmlnaHRkZXNrLXRlc3Qtc2VjcmV0LTAxMjM0NTY3ODk=";
    const OTHER: &str = "whsec_b3RoZXI=";
    const ID: &str = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W";
    const TIME: &str = "1712345678";
    const NOW: i64 = 1_712_345_678_000;
    const BODY: &str = r#"{"type":"lead.created","data":{"id":1}}"#;
    const RIGHT: &str = "v1,8PBuP6QLuzYGmK85f3Zm8GQrW0PQe7u48DS4vwObzwE=";
    const OF_B: &str = "v1,SaGahEdfo8BsDQom8rXLqH66ufOMWADDHkDf+EpiV8I=";

    fn check(keys: &[&str], sent: &[(&str, &str)], body: &str, now: i64) -> Result<Verdict, Refused> {
        let headers = headers(sent);
        let keys: Vec<SecretString> = keys.iter().map(|key| SecretString::from(*key)).collect();
        verify(&keys, &Presented { body: body.as_bytes(), ..presented(&headers) }, at(now))
    }

    fn webhook<'t>(id: &'t str, time: &'t str, signature: &'t str) -> Vec<(&'t str, &'t str)> {
        vec![("webhook-id", id), ("webhook-timestamp", time), ("Webhook-Signature", signature)]
    }

    fn svix<'t>(id: &'t str, time: &'t str, signature: &'t str) -> Vec<(&'t str, &'t str)> {
        vec![("svix-id", id), ("svix-timestamp", time), ("svix-signature", signature)]
    }

    #[test]
    fn vectors_of_the_published_libraries() {
        for (id, time, body, signature) in [
            (ID, TIME, BODY, RIGHT),
            ("msg_b", "1712345679", r#"{"text":"Grüße – ✓"}"#, OF_B),
            ("msg_c", "1712345680", "", "v1,LJ1p7agwxqVEBZiMpIXI81WwN9/InGquQ/c+Q2n9pmQ="),
        ] {
            for sent in [webhook(id, time, signature), svix(id, time, signature)] {
                assert_eq!(check(&[KEY], &sent, body, NOW), Ok(Verdict::Genuine), "{id}");
            }
            let spoilt = format!("{body} ");
            assert!(check(&[KEY], &webhook(id, time, signature), &spoilt, NOW).is_err(), "{id}");
        }
    }

    #[test]
    fn several_signatures_several_keys_and_near_misses() {
        let wrong = || Err(Refused::Wrong("webhook-signature".to_owned()));
        let malformed = |name: &str| Err(Refused::Malformed(name.to_owned()));
        let good = Ok(Verdict::Genuine);
        let (code, bare) = (RIGHT.trim_start_matches("v1,"), KEY.trim_start_matches("whsec_"));
        for (name, keys, signature, want) in [
            ("the second of two", &[KEY][..], format!("{OF_B} {RIGHT}"), good.clone()),
            ("beside others", &[KEY], format!("v1a,AAAA v2,{code} {RIGHT}"), good.clone()),
            ("the second key", &[OTHER, KEY], RIGHT.to_owned(), good.clone()),
            ("without its prefix", &[bare], RIGHT.to_owned(), good.clone()),
            ("without its padding", &[KEY.trim_end_matches('=')], RIGHT.to_owned(), good.clone()),
            ("another key", &[OTHER], RIGHT.to_owned(), wrong()),
            ("the key as it is written", &["nightdesk-test-secret-0123456789"], RIGHT.to_owned(), wrong()),
            ("no key", &[], RIGHT.to_owned(), wrong()),
            ("an empty key", &["whsec_"], RIGHT.to_owned(), wrong()),
            ("a key that is none", &["whsec_%"], RIGHT.to_owned(), wrong()),
            ("of another message", &[KEY], OF_B.to_owned(), wrong()),
            ("another version", &[KEY], format!("v1a,{code}"), malformed("webhook-signature")),
            ("no version", &[KEY], code.to_owned(), malformed("webhook-signature")),
            ("commas between", &[KEY], format!("{OF_B},{RIGHT}"), malformed("webhook-signature")),
            ("cut off", &[KEY], RIGHT.trim_end_matches('=').to_owned(), malformed("webhook-signature")),
            ("hexadecimal", &[KEY], format!("v1,{}", "f0".repeat(32)), wrong()),
            ("empty", &[KEY], "v1,".to_owned(), wrong()),
            ("nothing", &[KEY], String::new(), malformed("webhook-signature")),
        ] {
            assert_eq!(check(keys, &webhook(ID, TIME, &signature), BODY, NOW), want, "{name}");
        }
    }

    #[test]
    fn what_else_is_signed_and_where_it_must_stand() {
        let (wrong, missing) = (Refused::Wrong, Refused::Missing);
        let h = |name: &str| name.to_owned();
        let webhook_wrong = || Err(wrong(h("webhook-signature")));
        let right = webhook(ID, TIME, RIGHT);
        for (name, sent, now, want) in [
            ("another id", webhook("msg_b", TIME, RIGHT), NOW, webhook_wrong()),
            ("another time", webhook(ID, "1712345679", RIGHT), NOW, webhook_wrong()),
            (
                "id and time at the wrong place",
                webhook(TIME, ID, RIGHT),
                NOW,
                Err(Refused::Malformed(h("webhook-timestamp"))),
            ),
            ("no id", webhook("", TIME, RIGHT), NOW, Err(Refused::Malformed(h("webhook-id")))),
            ("milliseconds", webhook(ID, "1712345678000", RIGHT), NOW, webhook_wrong()),
            ("five minutes old", right.clone(), NOW + 300_000, Ok(Verdict::Genuine)),
            ("older", right.clone(), NOW + 300_001, Err(Refused::Stale(300))),
            ("five minutes ahead", right.clone(), NOW - 300_000, Ok(Verdict::Genuine)),
            ("further ahead", right.clone(), NOW - 300_001, Err(Refused::Stale(300))),
            ("svix, older", svix(ID, TIME, RIGHT), NOW + 400_000, Err(Refused::Stale(400))),
            ("svix, wrong", svix(ID, TIME, OF_B), NOW, Err(wrong(h("svix-signature")))),
            (
                "right svix beside wrong webhook",
                [webhook(ID, TIME, OF_B), svix(ID, TIME, RIGHT)].concat(),
                NOW,
                webhook_wrong(),
            ),
            (
                "right svix beside half a webhook",
                [vec![("webhook-id", ID)], svix(ID, TIME, RIGHT)].concat(),
                NOW,
                Err(missing(h("webhook-timestamp"))),
            ),
            (
                "halves of both",
                vec![("webhook-id", ID), ("svix-timestamp", TIME), ("svix-signature", RIGHT)],
                NOW,
                Err(missing(h("webhook-timestamp"))),
            ),
            (
                "twice",
                [right.clone(), vec![("webhook-signature", RIGHT)]].concat(),
                NOW,
                Err(Refused::Twice(h("webhook-signature"))),
            ),
            ("two ids", [right.clone(), vec![("webhook-id", ID)]].concat(), NOW, Err(Refused::Twice(h("webhook-id")))),
            ("no signature", right[..2].to_vec(), NOW, Err(missing(h("webhook-signature")))),
            ("nothing", vec![], NOW, Err(missing(h("webhook-id")))),
        ] {
            assert_eq!(check(&[KEY], &sent, BODY, now), want, "{name}");
        }
        let headers = headers(&right);
        let presented = Presented { body: BODY.as_bytes(), ..presented(&headers) };
        let held = verify(&[KEY.into()], &presented, Clock { now: Timestamp::from_millis(0), trusted: false });
        assert_eq!(held, Ok(Verdict::Held { signed_at: Timestamp::from_millis(NOW) }));
    }

    #[test]
    fn the_id_is_that_of_the_family_that_was_judged() {
        for (name, sent, want) in [
            ("webhook", webhook("a", "", ""), Some("a")),
            ("svix", svix("b", "", ""), Some("b")),
            ("both", [svix("b", "", ""), webhook("a", "", "")].concat(), Some("a")),
            ("svix beside half a webhook", [vec![("webhook-signature", "")], svix("b", "", "")].concat(), None),
            ("neither", vec![("x-id", "c")], None),
        ] {
            let stored: Vec<_> = sent.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            assert_eq!(event_id(&stored), want, "{name}");
        }
    }
}
