//! Salesforce's outbound messages, which carry no signature: a secret in the address, and the organization in the body.
//!
//! The first is checked here before anything is parsed, the second by whoever has parsed the body. The organization's
//! id is no secret; alone it keeps out only those who don't know whom they imitate.
//! Rule: Salesforce ids have 15 characters whose case counts, or 18, of which the last three only repeat the case.

use secrecy::SecretString;

use super::{Refused, Verdict, compare, path_secret};

/// What two ids have in common that mean the same.
const SIGNIFICANT: usize = 15;
/// With the letters that make them comparable without case.
const LONG: usize = 18;

pub(super) fn verify(secret: Option<&SecretString>, rest: Option<&str>) -> Result<Verdict, Refused> {
    secret.map_or(Ok(Verdict::Genuine), |secret| path_secret::verify(secret, rest))
}

/// Whether `theirs` is the id of our organization.
pub(super) fn accepts(ours: &str, theirs: Option<&str>) -> bool {
    match (significant(ours), theirs.and_then(significant)) {
        (Some(ours), Some(theirs)) => compare::same(ours, theirs),
        (None, _) | (_, None) => false,
    }
}

fn significant(id: &str) -> Option<&[u8]> {
    let whole = matches!(id.len(), SIGNIFICANT | LONG) && id.bytes().all(|b| b.is_ascii_alphanumeric());
    id.as_bytes().get(..SIGNIFICANT).filter(|_| whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fifteen_characters_count_with_their_case() {
        let (short, long) = ("00DAA0000000001", "00DAA0000000001EAA");
        for (name, ours, theirs, want) in [
            ("long and long", long, Some(long), true),
            ("long and short", long, Some(short), true),
            ("short and long", short, Some(long), true),
            ("another end", long, Some("00DAA0000000001xyz"), true),
            ("another organization", long, Some("00DAA0000000002EAA"), false),
            ("another case", long, Some("00Daa0000000001EAA"), false),
            ("cut off", long, Some("00DAA000000000"), false),
            ("of 16", long, Some("00DAA0000000001E"), false),
            ("longer", long, Some("00DAA0000000001EAA0"), false),
            ("spaces", long, Some(" 00DAA0000000001EA"), false),
            ("other letters", long, Some("00DAA000000000é"), false),
            ("nothing", long, None, false),
            ("both empty", "", Some(""), false),
        ] {
            assert_eq!(accepts(ours, theirs), want, "{name}");
        }
    }

    #[test]
    fn the_secret_counts_where_there_is_one() {
        let secret = SecretString::from("s3cret");
        for (name, secret, rest, believed) in [
            ("right", Some(&secret), Some("s3cret"), true),
            ("wrong", Some(&secret), Some("s3creT"), false),
            ("none given", Some(&secret), None, false),
            ("none asked", None, None, true),
        ] {
            assert_eq!(verify(secret, rest).is_ok(), believed, "{name}");
        }
    }
}
