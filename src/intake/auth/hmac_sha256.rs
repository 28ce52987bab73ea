//! An HMAC-SHA256 over the body, and over a time where the sender gives one: GitHub, Typeform, Shopify, Stripe,
//! Calendly, Slack, Webflow and most others that sign at all. Where it stands and what it covers is configured.
//!
//! With a time the signature is at most five minutes old; without one it can be replayed (duplicates are found later).
//! Rules: each sender's page on verifying its webhooks; the tests name them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::Choice;

use super::{Presented, Refused, Verdict, age, compare, hex, required};
use crate::model::Clock;

/// Where a sender puts its signature, and what it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The header.
    pub header: String,
    /// What precedes the signature, such as `sha256=`.
    pub prefix: String,
    /// How the signature is written.
    pub encoding: Encoding,
    /// The time that is signed with the body.
    pub stamp: Option<Stamp>,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Hexadecimal digits.
    Hex,
    /// Base64 with its padding.
    Base64,
}

/// A time that is signed with the body: the signed text is `before`, the time as sent, `between`, the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Where it stands.
    pub place: StampPlace,
    /// What precedes it.
    pub before: String,
    /// What follows it.
    pub between: String,
}

/// Where the time stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StampPlace {
    /// In a header of its own.
    Header(String),
    /// In the signature's header, a list with commas, behind this prefix: `t=1712345678,v1=…`. There may be several
    /// signatures in the list.
    Item(String),
}

pub(super) fn verify(
    secrets: &[SecretString],
    layout: &Layout,
    presented: &Presented<'_>,
    clock: Clock,
) -> Result<Verdict, Refused> {
    let header = layout.header.as_str();
    let value = required(presented.headers, header)?;
    let Some(stamp) = &layout.stamp else {
        judge(secrets, header, &[presented.body], &signatures(layout, &[value])?)?;
        return Ok(Verdict::Genuine);
    };
    let (timestamp, place, theirs) = match &stamp.place {
        StampPlace::Header(name) => (required(presented.headers, name)?, name.as_str(), signatures(layout, &[value])?),
        StampPlace::Item(prefix) => {
            let items: Vec<&[u8]> = value.split(|b| *b == b',').map(<[u8]>::trim_ascii).collect();
            (item(&items, prefix, header)?, header, signatures(layout, &items)?)
        }
    };
    let signed_at = age::either(timestamp).ok_or_else(|| Refused::Malformed(place.to_owned()))?;
    let parts = [stamp.before.as_bytes(), timestamp, stamp.between.as_bytes(), presented.body];
    judge(secrets, header, &parts, &theirs)?;
    age::judge(signed_at, clock)
}

fn judge(secrets: &[SecretString], header: &str, parts: &[&[u8]], theirs: &[Vec<u8>]) -> Result<(), Refused> {
    let matches = secrets.iter().fold(Choice::from(0), |found, secret| {
        found | compare::signs::<Hmac<Sha256>>(secret.expose_secret().as_bytes(), parts, theirs)
    });
    compare::judge(header, matches)
}

/// The signatures among these items; at least one.
fn signatures(layout: &Layout, items: &[&[u8]]) -> Result<Vec<Vec<u8>>, Refused> {
    let decode = |text: &[u8]| match layout.encoding {
        Encoding::Hex => hex::decode(text),
        Encoding::Base64 => STANDARD.decode(text).ok(),
    };
    let codes = items.iter().filter_map(|item| item.strip_prefix(layout.prefix.as_bytes()));
    let codes: Vec<Vec<u8>> = codes.filter_map(decode).collect();
    if codes.is_empty() { Err(Refused::Malformed(layout.header.clone())) } else { Ok(codes) }
}

/// The one item with that prefix.
fn item<'v>(items: &[&'v [u8]], prefix: &str, header: &str) -> Result<&'v [u8], Refused> {
    let mut found = items.iter().filter_map(|item| item.strip_prefix(prefix.as_bytes()));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(Refused::Twice(format!("timestamp in {header}"))),
        (None, _) => Err(Refused::Malformed(header.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, headers, presented};
    use super::*;
    use crate::model::Timestamp;

    const KEY: &str = "s3cret-of-the-sender";
    const BODY: &str = r#"{"message":"Grüße – ✓"}"#;
    /// Of the body alone, and with a time in the three usual ways. Computed with Python's `hmac`.
    const PLAIN: &str = "a401ef9af915c9078650322e965c33b5ad1929abf72c55255febef05fbd8248d";
    const PLAIN_BASE64: &str = "pAHvmvkVyQeGUDIullwzta0ZKav3LFUlX+vvBfvYJI0=";
    const DOT: &str = "e7236945db4f49916f7ff2ad7f4d9515bc7d72106e6a7d86b2a2cd07c1cf08b5";
    const COLON_MS: &str = "0e863306f8d5c19b1a9b06f5608888e0d36c4f49b0dcf366c261416315795782";
    const BARE_BASE64: &str = "4bkpm2qerHnCVAeZeD73xWim74/EcamFEtzSbsrxMAY=";
    const TIME: &str = "1712345678";
    const NOW: i64 = 1_712_345_678_000;
    const GOOD: Result<Verdict, Refused> = Ok(Verdict::Genuine);

    fn layout(header: &str, prefix: &str, encoding: Encoding, stamp: Option<Stamp>) -> Layout {
        Layout { header: header.to_owned(), prefix: prefix.to_owned(), encoding, stamp }
    }

    fn stamp(place: StampPlace, before: &str, between: &str) -> Stamp {
        Stamp { place, before: before.to_owned(), between: between.to_owned() }
    }

    fn github() -> Layout {
        layout("X-Hub-Signature-256", "sha256=", Encoding::Hex, None)
    }

    fn stripe() -> Layout {
        layout("Stripe-Signature", "v1=", Encoding::Hex, Some(stamp(StampPlace::Item("t=".to_owned()), "", ".")))
    }

    fn slack() -> Layout {
        let place = StampPlace::Header("X-Slack-Request-Timestamp".to_owned());
        layout("X-Slack-Signature", "v0=", Encoding::Hex, Some(stamp(place, "v0:", ":")))
    }

    fn check(keys: &[&str], layout: &Layout, sent: &[(&str, &str)], body: &str, now: i64) -> Result<Verdict, Refused> {
        let headers = headers(sent);
        let keys: Vec<SecretString> = keys.iter().map(|key| SecretString::from(*key)).collect();
        verify(&keys, layout, &Presented { body: body.as_bytes(), ..presented(&headers) }, at(now))
    }

    /// The examples of GitHub's and of Slack's documentation.
    #[test]
    fn published_vectors() {
        let sent = [("X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")];
        assert_eq!(check(&["It's a Secret to Everybody"], &github(), &sent, "Hello, World!", 0), GOOD);
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let sent = [
            ("X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
            ("X-Slack-Request-Timestamp", "1531420618"),
        ];
        assert_eq!(check(&["8f742231b10e8888abcd99yyyzzz85a5"], &slack(), &sent, body, 1_531_420_618_000), GOOD);
    }

    #[test]
    fn each_senders_own_way() {
        let header = |name: &str| StampPlace::Header(name.to_owned());
        for (name, layout, sent) in [
            (
                "Typeform",
                layout("Typeform-Signature", "sha256=", Encoding::Base64, None),
                vec![("Typeform-Signature", format!("sha256={PLAIN_BASE64}"))],
            ),
            (
                "Shopify",
                layout("X-Shopify-Hmac-Sha256", "", Encoding::Base64, None),
                vec![("X-Shopify-Hmac-Sha256", PLAIN_BASE64.to_owned())],
            ),
            (
                "Cal.com",
                layout("X-Cal-Signature-256", "", Encoding::Hex, None),
                vec![("X-Cal-Signature-256", PLAIN.to_owned())],
            ),
            ("Stripe, Calendly", stripe(), vec![("Stripe-Signature", format!("t={TIME},v1={DOT},v0=00"))]),
            (
                "Stripe, while a key is replaced",
                stripe(),
                vec![("Stripe-Signature", format!("t={TIME}, v1={PLAIN}, v1={DOT}"))],
            ),
            (
                "Webflow",
                layout("X-Webflow-Signature", "", Encoding::Hex, Some(stamp(header("X-Webflow-Timestamp"), "", ":"))),
                vec![("X-Webflow-Signature", COLON_MS.to_owned()), ("X-Webflow-Timestamp", "1712345678901".to_owned())],
            ),
            (
                "nothing between",
                layout("X-Sig", "", Encoding::Base64, Some(stamp(header("X-Time"), "", ""))),
                vec![("X-Sig", BARE_BASE64.to_owned()), ("X-Time", TIME.to_owned())],
            ),
        ] {
            let sent: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!(check(&[KEY], &layout, &sent, BODY, NOW), GOOD, "{name}");
            assert_eq!(check(&["", "other", KEY], &layout, &sent, BODY, NOW), GOOD, "{name}, the last of several keys");
            let wrong = Err(Refused::Wrong(layout.header.clone()));
            assert_eq!(check(&["other", ""], &layout, &sent, BODY, NOW), wrong, "{name}, other keys");
            assert_eq!(check(&[KEY], &layout, &sent, &BODY.replace('G', "g"), NOW), wrong, "{name}, another body");
        }
    }

    #[test]
    fn near_misses() {
        let h = |name: &str| name.to_owned();
        let (wrong, malformed) =
            (|| Err(Refused::Wrong(h("X-Hub-Signature-256"))), || Err(Refused::Malformed(h("X-Hub-Signature-256"))));
        for (name, sent, want) in [
            ("capitals", format!("sha256={}", PLAIN.to_uppercase()), GOOD),
            ("one digit altered", format!("sha256={}", PLAIN.replacen("a4", "b4", 1)), wrong()),
            ("cut off", format!("sha256={}", PLAIN.trim_end_matches("8d")), wrong()),
            ("longer", format!("sha256={PLAIN}00"), wrong()),
            ("half a byte", format!("sha256={}", PLAIN.trim_end_matches('d')), malformed()),
            ("empty", h("sha256="), wrong()),
            ("no prefix", h(PLAIN), malformed()),
            ("another prefix", format!("sha1={PLAIN}"), malformed()),
            ("a prefix in capitals", format!("SHA256={PLAIN}"), malformed()),
            ("a space behind the prefix", format!("sha256= {PLAIN}"), malformed()),
            ("base64", format!("sha256={PLAIN_BASE64}"), malformed()),
            ("two in one", format!("sha256={PLAIN},sha256={PLAIN}"), malformed()),
            ("other letters", format!("sha256={PLAIN}\u{fc}"), malformed()),
            ("nothing", String::new(), malformed()),
        ] {
            assert_eq!(check(&[KEY], &github(), &[("x-hub-signature-256", &sent)], BODY, NOW), want, "{name}");
        }
        let right = format!("sha256={PLAIN}");
        let twice = [("X-Hub-Signature-256", right.as_str()), ("X-Hub-Signature-256", right.as_str())];
        assert_eq!(check(&[KEY], &github(), &twice, BODY, NOW), Err(Refused::Twice(h("X-Hub-Signature-256"))));
        let sha1 = [("X-Hub-Signature", right.as_str())];
        assert_eq!(check(&[KEY], &github(), &sha1, BODY, NOW), Err(Refused::Missing(h("X-Hub-Signature-256"))));
    }

    #[test]
    fn the_time_is_signed_and_judged() {
        let stripe_header = || "Stripe-Signature".to_owned();
        for (name, sent, now, want) in [
            ("five minutes old", format!("t={TIME},v1={DOT}"), NOW + 300_000, GOOD),
            ("older", format!("t={TIME},v1={DOT}"), NOW + 300_001, Err(Refused::Stale(300))),
            ("ahead", format!("t={TIME},v1={DOT}"), NOW - 301_000, Err(Refused::Stale(301))),
            ("another time", format!("t=1712345679,v1={DOT}"), NOW, Err(Refused::Wrong(stripe_header()))),
            ("without its time", format!("v1={DOT}"), NOW, Err(Refused::Malformed(stripe_header()))),
            ("signed without its time", format!("t={TIME},v1={PLAIN}"), NOW, Err(Refused::Wrong(stripe_header()))),
            ("no number", format!("t=now,v1={DOT}"), NOW, Err(Refused::Malformed(stripe_header()))),
            (
                "two times",
                format!("t={TIME},t=1,v1={DOT}"),
                NOW,
                Err(Refused::Twice("timestamp in Stripe-Signature".to_owned())),
            ),
            ("only another version", format!("t={TIME},v0={DOT}"), NOW, Err(Refused::Malformed(stripe_header()))),
        ] {
            assert_eq!(check(&[KEY], &stripe(), &[("Stripe-Signature", &sent)], BODY, now), want, "{name}");
        }
        let sent = [("X-Slack-Signature", "v0=69b27df36b855d61b2fccd523150ceb3ed5056d92b679bb3f5045f9117271edd")];
        let missing = Err(Refused::Missing("X-Slack-Request-Timestamp".to_owned()));
        assert_eq!(check(&[KEY], &slack(), &sent, BODY, NOW), missing);
        let sent = headers(&[sent[0], ("X-Slack-Request-Timestamp", TIME)]);
        let presented = Presented { body: BODY.as_bytes(), ..presented(&sent) };
        let clock = Clock { now: Timestamp::from_millis(0), trusted: false };
        let held = Ok(Verdict::Held { signed_at: Timestamp::from_millis(NOW) });
        assert_eq!(verify(&[KEY.into()], &slack(), &presented, clock), held);
        let wrong = Err(Refused::Wrong("X-Slack-Signature".to_owned()));
        assert_eq!(verify(&["other".into()], &slack(), &presented, clock), wrong);
    }
}
