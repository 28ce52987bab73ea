//! What must hold of any request's head: nobody who doesn't know the secret is believed, and nothing panics.
//!
//! Input: a byte that chooses the scheme, then lines: path and query, headers, an empty line, the body. Shared by the
//! fuzz target and by the crate's tests, which replay its seeds.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use nightdesk::intake::{Auth, Encoding, Fields, Layout, Settings, Shape, Stamp, StampPlace, is_genuine};
use nightdesk::model::Timestamp;

/// Nobody guesses it, and no seed holds it.
const SECRET: &str = "whsec_dGhlIGZ1enplciBkb2VzIG5vdCBrbm93IHRoaXM=";
const NOW: Timestamp = Timestamp::from_millis(1_712_345_678_000);

pub(super) fn check(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let (head, body) = match rest.windows(2).position(|two| two == b"\n\n") {
        Some(at) => (&rest[..at], &rest[at + 2..]),
        None => (rest, &b""[..]),
    };
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let target = format!("/hooks/x{}", lines.next().unwrap_or_default());
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let pair = (HeaderName::from_bytes(name.trim().as_bytes()), HeaderValue::from_bytes(value.trim().as_bytes()));
        if let (Ok(name), Ok(value)) = pair {
            headers.append(name, value);
        }
    }
    let schemes = schemes();
    let auth = schemes[usize::from(*choice) % schemes.len()].clone();
    let shown = format!("{auth:?}");
    let source = Settings {
        name: "x".to_owned(),
        shape: Shape::Json(Fields::default()),
        auth,
        crm: None,
        account: None,
        max_per_minute: 1,
        max_in_flight: 1,
    };
    assert!(!is_genuine(&source, &target, &headers, body, NOW), "believed by {shown}");
}

/// One of each that has a secret.
fn schemes() -> Vec<Auth> {
    let secret = || SECRET.into();
    let public_url = || "https://leads.example.com".to_owned();
    let stamp = |place| Some(Stamp { place, before: String::new(), between: ".".to_owned() });
    let hmac = |prefix: &str, encoding, stamp| Auth::HmacSha256 {
        secrets: vec![secret()],
        layout: Layout { header: "x-signature".to_owned(), prefix: prefix.to_owned(), encoding, stamp },
    };
    vec![
        Auth::Hubspot { secret: secret(), public_url: public_url() },
        Auth::StandardWebhooks { secrets: vec![secret()] },
        hmac("sha256=", Encoding::Hex, None),
        hmac("", Encoding::Base64, stamp(StampPlace::Header("x-timestamp".to_owned()))),
        hmac("v1=", Encoding::Hex, stamp(StampPlace::Item("t=".to_owned()))),
        Auth::Twilio { secrets: vec![secret()], public_url: public_url() },
        Auth::SharedSecret { header: "authorization".to_owned(), prefix: "Bearer ".to_owned(), secret: secret() },
        Auth::PathSecret { secret: secret() },
        Auth::Basic { user: "anna".to_owned(), secret: secret() },
        Auth::Salesforce { organization_id: "00DAA0000000001EAA".to_owned(), path_secret: Some(secret()) },
        Auth::ClientCertificate { fingerprints: vec![[7; 32]] },
    ]
}
