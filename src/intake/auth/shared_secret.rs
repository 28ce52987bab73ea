//! A secret in a header: `Authorization: Bearer …` (RFC 6750, clause 2.1) or any header and prefix that is configured.
//!
//! Both sides are hashed before they are compared, so that neither content nor length shows in the time it takes.

use hyper::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Refused, single};

pub(super) fn verify(secret: &SecretString, header: &str, prefix: &str, headers: &HeaderMap) -> Result<(), Refused> {
    let value = single(headers, header)?.ok_or_else(|| Refused::Missing(header.to_owned()))?;
    // The name of an authentication scheme has no case (RFC 9110, clause 11.1).
    let presented =
        value.split_at_checked(prefix.len()).filter(|(start, _)| start.eq_ignore_ascii_case(prefix.as_bytes()));
    let (_, presented) = presented.ok_or_else(|| Refused::Malformed(header.to_owned()))?;
    let (ours, theirs) = (Sha256::digest(secret.expose_secret()), Sha256::digest(presented));
    let matches = !secret.expose_secret().is_empty() && bool::from(ours.as_slice().ct_eq(theirs.as_slice()));
    if matches { Ok(()) } else { Err(Refused::Wrong(header.to_owned())) }
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn the_secret_in_its_header_and_nothing_else() {
        let h = |text: &str| text.to_owned();
        for (name, secret, header, prefix, sent, want) in [
            ("bearer", "s3cret", "Authorization", "Bearer ", vec![("authorization", "Bearer s3cret")], Ok(())),
            (
                "scheme in small letters",
                "s3cret",
                "Authorization",
                "Bearer ",
                vec![("Authorization", "bearer s3cret")],
                Ok(()),
            ),
            ("no prefix", "s3cret", "X-Webhook-Secret", "", vec![("x-webhook-secret", "s3cret")], Ok(())),
            ("missing", "s3cret", "Authorization", "Bearer ", vec![], Err(Refused::Missing(h("Authorization")))),
            (
                "another header",
                "s3cret",
                "X-Key",
                "",
                vec![("Authorization", "s3cret")],
                Err(Refused::Missing(h("X-Key"))),
            ),
            ("without prefix", "s3cret", "A", "Bearer ", vec![("A", "s3cret")], Err(Refused::Malformed(h("A")))),
            ("shorter than the prefix", "s3cret", "A", "Bearer ", vec![("A", "B")], Err(Refused::Malformed(h("A")))),
            ("another secret", "s3cret", "A", "", vec![("A", "s3creT")], Err(Refused::Wrong(h("A")))),
            ("the start of it", "s3cret", "A", "", vec![("A", "s3cre")], Err(Refused::Wrong(h("A")))),
            ("more than it", "s3cret", "A", "", vec![("A", "s3cret!")], Err(Refused::Wrong(h("A")))),
            ("twice", "s3cret", "A", "", vec![("A", "s3cret"), ("A", "s3cret")], Err(Refused::Twice(h("A")))),
            ("an empty secret lets nobody in", "", "A", "", vec![("A", "")], Err(Refused::Wrong(h("A")))),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in sent {
                headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_static(value));
            }
            assert_eq!(verify(&secret.into(), header, prefix, &headers), want, "{name}");
        }
    }
}
