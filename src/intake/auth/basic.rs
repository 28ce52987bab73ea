//! A user and a password in `Authorization: Basic …` (RFC 7617), as Pipedrive and many form builders send them.
//!
//! The pair is compared as a whole, so that nothing tells which half was wrong.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};

use super::{Refused, Verdict, compare, required, shared_secret};

const SCHEME: &str = "Basic ";

pub(super) fn verify(user: &str, secret: &SecretString, headers: &HeaderMap) -> Result<Verdict, Refused> {
    let name = AUTHORIZATION.as_str();
    let value = required(headers, name)?;
    let theirs = shared_secret::behind(SCHEME, value).and_then(|pair| STANDARD.decode(pair).ok());
    let theirs = theirs.ok_or_else(|| Refused::Malformed(name.to_owned()))?;
    let ours = SecretString::from(format!("{user}:{}", secret.expose_secret()));
    let known = !secret.expose_secret().is_empty();
    compare::judge(name, known && compare::is_secret(&ours, &theirs))?;
    Ok(Verdict::Genuine)
}

#[cfg(test)]
mod tests {
    use super::super::tests::headers;
    use super::*;

    #[test]
    fn the_pair_and_nothing_else() {
        let wrong = || Err(Refused::Wrong("authorization".to_owned()));
        let malformed = || Err(Refused::Malformed("authorization".to_owned()));
        let published = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="; // RFC 7617, clause 2
        for (name, user, secret, sent, want) in [
            ("published", "Aladdin", "open sesame", vec![published], Ok(Verdict::Genuine)),
            (
                "small letters",
                "Aladdin",
                "open sesame",
                vec!["basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="],
                Ok(Verdict::Genuine),
            ),
            ("two spaces", "Aladdin", "open sesame", vec!["Basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ=="], Ok(Verdict::Genuine)),
            ("UTF-8", "test", "123\u{a3}", vec!["Basic dGVzdDoxMjPCow=="], Ok(Verdict::Genuine)), // clause 2.1
            ("a colon in the password", "a", "b:c", vec!["Basic YTpiOmM="], Ok(Verdict::Genuine)),
            ("another user", "Aladin", "open sesame", vec![published], wrong()),
            ("another password", "Aladdin", "open Sesame", vec![published], wrong()),
            ("no password", "Aladdin", "", vec!["Basic QWxhZGRpbjo="], wrong()),
            ("bearer", "Aladdin", "open sesame", vec!["Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ=="], malformed()),
            ("in the clear", "Aladdin", "open sesame", vec!["Basic Aladdin:open sesame"], malformed()),
            ("nothing behind it", "Aladdin", "open sesame", vec!["Basic"], malformed()),
            (
                "twice",
                "Aladdin",
                "open sesame",
                vec![published, published],
                Err(Refused::Twice("authorization".into())),
            ),
            ("nothing", "Aladdin", "open sesame", vec![], Err(Refused::Missing("authorization".into()))),
        ] {
            let sent: Vec<(&str, &str)> = sent.into_iter().map(|value| ("Authorization", value)).collect();
            assert_eq!(verify(user, &secret.into(), &headers(&sent)), want, "{name}");
        }
    }
}
