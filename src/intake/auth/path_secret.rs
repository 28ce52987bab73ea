//! A secret in the address, for senders that can set nothing else: `POST /hooks/{source}/{secret}`.
//!
//! In the path and not in the query, because proxies log queries more readily. What follows the source's name is
//! percent-decoded once and compared as a whole; `redact` keeps nothing of it, right or wrong.

use percent_encoding::percent_decode_str;
use secrecy::SecretString;

use super::{Refused, Verdict, compare};

/// What the quarantine calls it.
const NAME: &str = "secret behind the source's name in the address";

pub(super) fn verify(secret: &SecretString, rest: Option<&str>) -> Result<Verdict, Refused> {
    let rest = rest.ok_or_else(|| Refused::Missing(NAME.to_owned()))?;
    let theirs: Vec<u8> = percent_decode_str(rest).collect();
    compare::judge(NAME, compare::is_secret(secret, &theirs))?;
    Ok(Verdict::Genuine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_the_path_decoded_once() {
        let wrong = || Err(Refused::Wrong(NAME.to_owned()));
        for (name, secret, rest, want) in [
            ("as it is", "s3cret", Some("s3cret"), Ok(Verdict::Genuine)),
            ("encoded", "s3c/ret+=", Some("s3c%2Fret%2b%3D"), Ok(Verdict::Genuine)),
            ("a slash as it is", "s3c/ret", Some("s3c/ret"), Ok(Verdict::Genuine)),
            ("all of it encoded", "ab", Some("%61%62"), Ok(Verdict::Genuine)),
            ("other letters", "gr\u{fc}n", Some("gr%C3%BCn"), Ok(Verdict::Genuine)),
            ("a percent sign that was encoded", "a%62", Some("a%2562"), Ok(Verdict::Genuine)),
            ("decoded twice", "ab", Some("a%2562"), wrong()),
            ("a plus is no space", "a b", Some("a+b"), wrong()),
            ("another case", "s3cret", Some("S3cret"), wrong()),
            ("the start of it", "s3cret", Some("s3cre"), wrong()),
            ("more than it", "s3cret", Some("s3cret/"), wrong()),
            ("half an escape", "s3cret", Some("s3cret%"), wrong()),
            ("empty", "s3cret", Some(""), wrong()),
            ("an empty secret lets nobody in", "", Some(""), wrong()),
            ("nothing", "s3cret", None, Err(Refused::Missing(NAME.to_owned()))),
        ] {
            assert_eq!(verify(&secret.into(), rest), want, "{name}");
        }
    }
}
