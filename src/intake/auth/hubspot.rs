//! HubSpot's request signatures, versions 3, 2 and 1.
//!
//! v3 is an HMAC over method, address, body and timestamp, at most five minutes old; v1 and v2 are plain hashes without
//! protection against replay (duplicates are found later). Where a v3 header is present nothing else counts.
//! Rules: developers.hubspot.com, "Validating requests from HubSpot". HubSpot's documentation decodes a few escapes of
//! the address before it signs, its own clients decode none: either is taken.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Presented, Refused, Verdict, age, compare, hex, required, single};
use crate::model::Clock;

const V3: &str = "X-HubSpot-Signature-v3";
const TIMESTAMP: &str = "X-HubSpot-Request-Timestamp";
const OLD: &str = "X-HubSpot-Signature";
const VERSION: &str = "X-HubSpot-Signature-Version";

/// The escapes that HubSpot's documentation decodes in the address; all others stay.
const DECODED: [(&str, char); 12] = [
    ("3A", ':'),
    ("2F", '/'),
    ("3F", '?'),
    ("40", '@'),
    ("21", '!'),
    ("24", '$'),
    ("27", '\''),
    ("28", '('),
    ("29", ')'),
    ("2A", '*'),
    ("2C", ','),
    ("3B", ';'),
];

pub(super) fn verify(
    secret: &SecretString,
    public_url: &str,
    presented: &Presented<'_>,
    clock: Clock,
) -> Result<Verdict, Refused> {
    let secret = secret.expose_secret().as_bytes();
    let base = public_url.trim_end_matches('/');
    if let Some(signature) = single(presented.headers, V3)? {
        return v3(secret, base, presented, signature, clock);
    }
    let signature = single(presented.headers, OLD)?.ok_or_else(|| Refused::Missing(V3.to_owned()))?;
    let hash = Sha256::new().chain_update(secret);
    let hash = match required(presented.headers, VERSION)? {
        b"v1" => hash,
        b"v2" => hash.chain_update(presented.method).chain_update(base).chain_update(presented.target),
        _ => return Err(Refused::Malformed(VERSION.to_owned())),
    };
    let theirs = hex::decode(signature).ok_or_else(|| Refused::Malformed(OLD.to_owned()))?;
    let ours = hash.chain_update(presented.body).finalize();
    compare::judge(OLD, !secret.is_empty() && bool::from(ours.as_slice().ct_eq(&theirs)))?;
    Ok(Verdict::Genuine)
}

fn v3(
    secret: &[u8],
    base: &str,
    presented: &Presented<'_>,
    signature: &[u8],
    clock: Clock,
) -> Result<Verdict, Refused> {
    let timestamp = required(presented.headers, TIMESTAMP)?;
    let signature = [STANDARD.decode(signature).map_err(|_| Refused::Malformed(V3.to_owned()))?];
    let signed_at = age::milliseconds(timestamp).ok_or_else(|| Refused::Malformed(TIMESTAMP.to_owned()))?;
    let matches = |target: &str| {
        let parts = [presented.method.as_bytes(), base.as_bytes(), target.as_bytes(), presented.body, timestamp];
        compare::signs::<Hmac<Sha256>>(secret, &parts, &signature)
    };
    let raw = matches(presented.target);
    compare::judge(V3, table_decoded(presented.target).map_or(raw, |decoded| raw | matches(&decoded)))?;
    age::judge(signed_at, clock)
}

/// The target with the escapes of the table decoded, once; `None` where it holds no escape at all.
fn table_decoded(target: &str) -> Option<String> {
    let (head, rest) = target.split_once('%')?;
    let mut decoded = head.to_owned();
    for part in rest.split('%') {
        let known = part.get(..2).and_then(|code| DECODED.iter().find(|(known, _)| known.eq_ignore_ascii_case(code)));
        if let Some((_, c)) = known {
            decoded.push(*c);
            decoded.push_str(part.get(2..).unwrap_or_default());
        } else {
            decoded.push('%');
            decoded.push_str(part);
        }
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, headers, presented};
    use super::*;

    const SECRET: &str = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy";
    const HOST: &str = "https://leads.example.com";
    const B1: &str = r#"[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]"#;
    const B2: &str = r#"{"properties":{"message":{"value":"Grüße – ✓"}}}"#;
    const PLAIN: &str = "/hooks/hubspot";
    const QUERY: &str = "/hooks/hubspot?team=night%20desk&src=a%2Fb";
    const V3_1: &str = "rhxNyby7k+fr2AUFraYdeQhVFT0ufWX+3L5MNIeEDeU=";
    const V3_2A: &str = "hzt8RPgIC3hUf5v1IN33dJUu0ZfBHh1G4WXCGrHu4xg=";
    const V3_2B: &str = "QsPPRli0zI0XZrWhO+f7RhL5Gpw6ypWivWtgKNCIcPc=";
    const V3_3: &str = "sPB0fBHXUtgtF+3fsWACnS4xk/YWwlKcAryos3SXCGw=";
    const V3_FULLY_DECODED: &str = "fmKrspcXqs3lLbFCQ206ZjqeWaT4bNzM/vm+3AusDiU=";
    const V1_B1: &str = "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de";
    const V1_B1_CAPITALS: &str = "232DB2615F3D666FE21A8EC971AC7B5402D33B9A925784DF3CA654D05F4817DE";
    const V2_1: &str = "ee57a7d5f9d705e1a124ed0bb45fc84a6173d1827fcc88dc1f1277ef62b1c041";
    const V2_PUBLISHED: &str = "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e";

    fn check(
        base: &str,
        method: &str,
        target: &str,
        body: &str,
        now: i64,
        sent: &[(&str, &str)],
    ) -> Result<Verdict, Refused> {
        let headers = headers(sent);
        let presented = Presented { method, target, body: body.as_bytes(), ..presented(&headers) };
        verify(&SECRET.into(), base, &presented, at(now))
    }

    #[test]
    fn published_and_computed_vectors_of_version_3() {
        let wrong = Err(Refused::Wrong(V3.to_owned()));
        let t1 = 1_712_345_678_901;
        for (name, method, target, body, time, signature, now, want) in [
            ("1", "POST", PLAIN, B1, "1712345678901", V3_1, t1, Ok(Verdict::Genuine)),
            ("2 as sent", "POST", QUERY, B2, "1712345678902", V3_2A, t1, Ok(Verdict::Genuine)),
            ("2 decoded by the table", "POST", QUERY, B2, "1712345678902", V3_2B, t1, Ok(Verdict::Genuine)),
            ("2 fully decoded", "POST", QUERY, B2, "1712345678902", V3_FULLY_DECODED, t1, wrong.clone()),
            ("3", "GET", "/hooks/hubspot?id=7", "", "1712345678903", V3_3, t1, Ok(Verdict::Genuine)),
            ("another method", "PUT", PLAIN, B1, "1712345678901", V3_1, t1, wrong.clone()),
            ("another path", "POST", "/hooks/hubspot2", B1, "1712345678901", V3_1, t1, wrong.clone()),
            ("another body", "POST", PLAIN, B2, "1712345678901", V3_1, t1, wrong.clone()),
            ("another timestamp", "POST", PLAIN, B1, "1712345678902", V3_1, t1, wrong.clone()),
            ("empty signature", "POST", PLAIN, B1, "1712345678901", "", t1, wrong.clone()),
            ("five minutes old", "POST", PLAIN, B1, "1712345678901", V3_1, t1 + 300_000, Ok(Verdict::Genuine)),
            ("older", "POST", PLAIN, B1, "1712345678901", V3_1, t1 + 300_001, Err(Refused::Stale(300))),
            ("five minutes ahead", "POST", PLAIN, B1, "1712345678901", V3_1, t1 - 300_000, Ok(Verdict::Genuine)),
            ("further ahead", "POST", PLAIN, B1, "1712345678901", V3_1, t1 - 301_000, Err(Refused::Stale(301))),
            ("no number", "POST", PLAIN, B1, "soon", V3_1, t1, Err(Refused::Malformed(TIMESTAMP.to_owned()))),
            ("no base64", "POST", PLAIN, B1, "1712345678901", "%%%", t1, Err(Refused::Malformed(V3.to_owned()))),
        ] {
            let got = check(HOST, method, target, body, now, &[(V3, signature), (TIMESTAMP, time)]);
            assert_eq!(got, want, "{name}");
            let slash =
                check("https://leads.example.com/", method, target, body, now, &[(V3, signature), (TIMESTAMP, time)]);
            assert_eq!(slash, want, "{name}, the base with a slash");
        }
    }

    #[test]
    fn versions_1_and_2_and_what_outranks_them() {
        let t1 = 1_712_345_678_901;
        let (missing, wrong) = (Refused::Missing, |header: &str| Err(Refused::Wrong(header.to_owned())));
        let v1: &[(&str, &str)] = &[(VERSION, "v1"), (OLD, V1_B1)];
        let v2: &[(&str, &str)] = &[(VERSION, "v2"), (OLD, V2_1)];
        for (name, headers, want) in [
            ("v1", v1.to_vec(), Ok(Verdict::Genuine)),
            ("v2", v2.to_vec(), Ok(Verdict::Genuine)),
            ("v1 called v2", vec![(VERSION, "v2"), (OLD, V1_B1)], wrong(OLD)),
            ("v2 called v1", vec![(VERSION, "v1"), (OLD, V2_1)], wrong(OLD)),
            ("an unknown version", vec![(VERSION, "v9"), (OLD, V1_B1)], Err(Refused::Malformed(VERSION.to_owned()))),
            ("no version", vec![(OLD, V1_B1)], Err(missing(VERSION.to_owned()))),
            ("v1 in capitals", vec![(VERSION, "v1"), (OLD, V1_B1_CAPITALS)], Ok(Verdict::Genuine)),
            ("v1 that is no hash", vec![(VERSION, "v1"), (OLD, "%%")], Err(Refused::Malformed(OLD.to_owned()))),
            ("nothing", vec![], Err(missing(V3.to_owned()))),
            ("v3 without its time", vec![(V3, V3_1)], Err(missing(TIMESTAMP.to_owned()))),
            ("right v2 beside wrong v3", [v2, &[(V3, V3_2A), (TIMESTAMP, "1712345678901")]].concat(), wrong(V3)),
            (
                "right v3 beside wrong v1",
                vec![(OLD, V2_1), (VERSION, "v1"), (V3, V3_1), (TIMESTAMP, "1712345678901")],
                Ok(Verdict::Genuine),
            ),
            ("two v3", vec![(V3, V3_1), (V3, V3_2A), (TIMESTAMP, "1712345678901")], Err(Refused::Twice(V3.to_owned()))),
        ] {
            assert_eq!(check(HOST, "POST", PLAIN, B1, t1, &headers), want, "{name}");
        }
        let published =
            check("https://www.example.com", "GET", "/webhook_uri", "", 0, &[(VERSION, "v2"), (OLD, V2_PUBLISHED)]);
        assert_eq!(published, Ok(Verdict::Genuine));
    }

    #[test]
    fn only_the_escapes_of_the_table_are_decoded_and_only_once() {
        for (target, want) in [
            ("/a", None),
            ("/a%2Fb%2fc", Some("/a/b/c")),
            ("/a%20b%26", Some("/a%20b%26")),
            ("/%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B", Some("/:/?@!$'()*,;")),
            ("/%252F", Some("/%252F")),
            ("/%", Some("/%")),
            ("/%2", Some("/%2")),
            ("/%2Fé%é", Some("//é%é")),
        ] {
            assert_eq!(table_decoded(target).as_deref(), want, "{target}");
        }
    }
}
