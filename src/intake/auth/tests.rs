//! What concerns every scheme: secrets that show nowhere, organizations, and ten thousand mangled requests.

use hyper::header::{HeaderName, HeaderValue};

use super::*;

/// Headers, in order; a name may repeat.
pub(super) fn headers(sent: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in sent {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
    }
    map
}

/// A request with these headers and nothing else in it.
pub(super) fn presented(headers: &HeaderMap) -> Presented<'_> {
    Presented { method: "POST", target: "/hooks/x", rest: None, headers, body: b"", peer_certificate: None }
}

/// A clock that is right.
pub(super) fn at(ms: i64) -> Clock {
    Clock { now: Timestamp::from_millis(ms), trusted: true }
}

const SECRET: &str = "whsec_bmlnaHRkZXNrLXRlc3Qtc2VjcmV0LTAxMjM0NTY3ODk=";
const ORGANIZATION: &str = "00DAA0000000001EAA";
const SIGNED_AT: i64 = 1_712_345_678_000;

/// One of each.
fn every_scheme() -> Vec<Auth> {
    let (public_url, secret) = ("https://leads.example.com".to_owned(), SecretString::from(SECRET));
    let secrets = vec![SecretString::from("another"), secret.clone()];
    let stamp = |place| Some(Stamp { place, before: String::new(), between: ".".to_owned() });
    let layout = |prefix: &str, encoding, stamp| Layout {
        header: "x-signature".to_owned(),
        prefix: prefix.to_owned(),
        encoding,
        stamp,
    };
    let hmac = |layout| Auth::HmacSha256 { secrets: secrets.clone(), layout };
    let (header, prefix) = ("authorization".to_owned(), "Bearer ".to_owned());
    let organization_id = ORGANIZATION.to_owned();
    vec![
        Auth::Hubspot { secret: secret.clone(), public_url: public_url.clone() },
        Auth::StandardWebhooks { secrets: secrets.clone() },
        hmac(layout("sha256=", Encoding::Hex, None)),
        hmac(layout("", Encoding::Base64, stamp(StampPlace::Header("x-timestamp".to_owned())))),
        hmac(layout("v1=", Encoding::Hex, stamp(StampPlace::Item("t=".to_owned())))),
        Auth::Twilio { secrets: secrets.clone(), public_url },
        Auth::SharedSecret { header, prefix, secret: secret.clone() },
        Auth::PathSecret { secret: secret.clone() },
        Auth::Basic { user: "anna".to_owned(), secret: secret.clone() },
        Auth::Salesforce { organization_id: organization_id.clone(), path_secret: Some(secret) },
        Auth::Salesforce { organization_id, path_secret: None },
        Auth::ClientCertificate { fingerprints: vec![[7; 32]] },
        Auth::None,
    ]
}

#[test]
fn no_secret_is_in_a_debug_text() {
    for auth in every_scheme() {
        let shown = format!("{auth:?}");
        assert!(!shown.contains(SECRET) && !shown.contains("another"), "{shown}");
    }
}

#[test]
fn only_salesforce_cares_about_organizations() {
    for auth in every_scheme() {
        let salesforce = matches!(auth, Auth::Salesforce { .. });
        for (id, ours) in [(Some(ORGANIZATION), true), (Some("00DAA0000000002EAA"), false), (None, false)] {
            assert_eq!(auth.accepts_organization(id), ours || !salesforce, "{auth:?} {id:?}");
        }
        let stored = [("webhook-id".to_owned(), "msg_1".to_owned())];
        let signs_an_id = matches!(auth, Auth::StandardWebhooks { .. });
        assert_eq!(auth.event_id(&stored), signs_an_id.then_some("msg_1"), "{auth:?}");
    }
}

#[test]
fn what_was_held_is_judged_later() {
    let signed_at = Timestamp::from_millis(SIGNED_AT);
    assert_eq!(Auth::judge_age(signed_at, at(SIGNED_AT + 299_000).now), Ok(()));
    assert_eq!(Auth::judge_age(signed_at, at(SIGNED_AT + 400_000).now), Err(Refused::Stale(400).to_string()));
}

/// Headers that each scheme looks at, with values that are nearly right.
const PLAUSIBLE: [(&str, &str); 17] = [
    ("x-hubspot-signature-v3", "rhxNyby7k+fr2AUFraYdeQhVFT0ufWX+3L5MNIeEDeU="),
    ("x-hubspot-request-timestamp", "1712345678901"),
    ("x-hubspot-signature", "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"),
    ("x-hubspot-signature-version", "v1"),
    ("webhook-id", "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"),
    ("webhook-timestamp", "1712345678"),
    ("webhook-signature", "v1,8PBuP6QLuzYGmK85f3Zm8GQrW0PQe7u48DS4vwObzwE= v1a,AAAA"),
    ("svix-id", "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"),
    ("svix-timestamp", "1712345678"),
    ("svix-signature", "v1,8PBuP6QLuzYGmK85f3Zm8GQrW0PQe7u48DS4vwObzwE="),
    ("x-signature", "sha256=a401ef9af915c9078650322e965c33b5ad1929abf72c55255febef05fbd8248d"),
    ("x-signature", "t=1712345678,v1=e7236945db4f49916f7ff2ad7f4d9515bc7d72106e6a7d86b2a2cd07c1cf08b5"),
    ("x-timestamp", "1712345678"),
    ("x-twilio-signature", "k09MMIb/SCJi0aL/Y6jg2o9d/xU="),
    ("x-twilio-webhooks-signature-settings", "key=x,algorithm=HMAC_SHA256"),
    ("authorization", "Basic YW5uYTpzM2NyZXQ="),
    ("content-type", "application/x-www-form-urlencoded"),
];

/// Some plausible headers, each perhaps with bytes changed, put in, taken out or repeated.
fn mangled(random: &mut fastrand::Rng) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in PLAUSIBLE {
        for _ in 0..*random.choice(&[0, 1, 1, 1, 2]).unwrap() {
            let mut value = value.as_bytes().to_vec();
            for _ in 0..random.usize(0..4) {
                let place = random.usize(0..=value.len());
                match random.u8(0..4) {
                    0 => value.truncate(place),
                    1 => value.insert(place, random.u8(32..=255)),
                    2 => value.extend_from_within(place..),
                    _ if place < value.len() => value[place] = *random.choice(b"\t ,.=%+-/:vt0\xff").unwrap(),
                    _ => {}
                }
            }
            // What no connection can carry never gets here.
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                map.append(name, value);
            }
        }
    }
    map
}

#[test]
fn ten_thousand_mangled_requests_panic_nowhere_and_nobody_is_believed() {
    let mut random = fastrand::Rng::with_seed(7);
    let schemes = every_scheme();
    let bodies: [&[u8]; 4] = [b"", b"a=b&%=%&&=+%zz", b"{\"message\":\"Hi\"}", b"\xff\0%"];
    let targets = ["/hooks/x", "/hooks/x?bodySHA256=", "/hooks/x/%?bodySHA256=00&%", "", "?", "/hooks/x?%2F%2&%zz"];
    let rests = [None, Some(""), Some("%"), Some("%ff%00%"), Some("whsec_")];
    for round in 0..10_000 {
        let headers = mangled(&mut random);
        let certificate = [random.u8(8..); 32];
        let presented = Presented {
            target: random.choice(targets).unwrap(),
            rest: random.choice(rests).unwrap(),
            body: random.choice(bodies).unwrap(),
            peer_certificate: random.bool().then_some(&certificate),
            ..presented(&headers)
        };
        let clock = Clock { trusted: random.bool(), ..at(SIGNED_AT) };
        for auth in &schemes {
            let verdict = auth.verify(&presented, clock);
            let open = matches!(auth, Auth::None | Auth::Salesforce { path_secret: None, .. });
            assert_eq!(verdict.is_ok(), open, "round {round}: {auth:?} {headers:?}");
            if let Err(refused) = verdict {
                assert!(!refused.to_string().contains(SECRET), "{refused}");
            }
        }
    }
}
