//! A secret in a header: `Authorization: Bearer …` (RFC 6750, clause 2.1) or any header and prefix that is configured.
//!
//! Both sides are hashed before they are compared, so that neither content nor length shows in the time it takes. The
//! scheme `bearer` of the configuration is this with the header and the prefix of the RFC.

use hyper::HeaderMap;
use secrecy::SecretString;

use super::{Refused, Verdict, compare, required};

pub(super) fn verify(
    secret: &SecretString,
    header: &str,
    prefix: &str,
    headers: &HeaderMap,
) -> Result<Verdict, Refused> {
    let theirs = behind(prefix, required(headers, header)?).ok_or_else(|| Refused::Malformed(header.to_owned()))?;
    compare::judge(header, compare::is_secret(secret, theirs))?;
    Ok(Verdict::Genuine)
}

/// What follows the name of an authentication scheme. It has no case, and any number of spaces may follow it (RFC 9110,
/// clauses 11.1 and 11.4).
pub(super) fn behind<'v>(prefix: &str, value: &'v [u8]) -> Option<&'v [u8]> {
    let (start, mut rest) = value.split_at_checked(prefix.len())?;
    while let (true, [b' ', after @ ..]) = (prefix.ends_with(' '), rest) {
        rest = after;
    }
    start.eq_ignore_ascii_case(prefix.as_bytes()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::super::tests::headers;
    use super::*;

    #[test]
    fn the_secret_in_its_header_and_nothing_else() {
        let h = |text: &str| text.to_owned();
        for (name, secret, header, prefix, sent, want) in [
            (
                "bearer",
                "s3cret",
                "Authorization",
                "Bearer ",
                vec![("authorization", "Bearer s3cret")],
                Ok(Verdict::Genuine),
            ),
            (
                "scheme in small letters",
                "s3cret",
                "Authorization",
                "Bearer ",
                vec![("Authorization", "bearer s3cret")],
                Ok(Verdict::Genuine),
            ),
            ("two spaces", "s3cret", "A", "Bearer ", vec![("A", "Bearer  s3cret")], Ok(Verdict::Genuine)),
            ("no prefix", "s3cret", "X-Webhook-Secret", "", vec![("x-webhook-secret", "s3cret")], Ok(Verdict::Genuine)),
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
            assert_eq!(verify(&secret.into(), header, prefix, &headers(&sent)), want, "{name}");
        }
    }
}
