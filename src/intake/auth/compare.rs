//! Whether two byte strings are the same, in a time that tells nothing about either.
//!
//! Every scheme compares through here; none compares a secret or a signature with `==`. An empty secret or key is no
//! secret: nothing matches it.

use hmac::{KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::Refused;

/// Whether `theirs` is our secret. Both are hashed first, so that not even the length shows.
pub(super) fn is_secret(secret: &SecretString, theirs: &[u8]) -> bool {
    let ours = secret.expose_secret().as_bytes();
    !ours.is_empty() && same(ours, theirs)
}

/// Whether two texts are the same, whatever their lengths.
pub(super) fn same(ours: &[u8], theirs: &[u8]) -> bool {
    Sha256::digest(ours).as_slice().ct_eq(Sha256::digest(theirs).as_slice()).into()
}

/// Whether one of `theirs` is the code that `key` makes of these parts.
pub(super) fn signs<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]], theirs: &[Vec<u8>]) -> Choice {
    let nobody = Choice::from(0);
    if key.is_empty() {
        return nobody;
    }
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return nobody };
    for part in parts {
        mac.update(part);
    }
    let ours = mac.finalize().into_bytes();
    theirs.iter().fold(nobody, |found, theirs| found | ours.as_slice().ct_eq(theirs))
}

/// The verdict on what a header holds.
pub(super) fn judge(header: &str, matches: impl Into<bool>) -> Result<(), Refused> {
    if matches.into() { Ok(()) } else { Err(Refused::Wrong(header.to_owned())) }
}

#[cfg(test)]
mod tests {
    use hmac::Hmac;
    use sha1::Sha1;

    use super::super::hex;
    use super::*;

    /// Published: RFC 4231, case 2, and RFC 2202, case 2.
    #[test]
    fn codes_of_the_standards() {
        let sha256 = hex::decode(b"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843").unwrap();
        let sha1 = hex::decode(b"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79").unwrap();
        let parts: [&[u8]; 2] = [b"what do ya want ", b"for nothing?"];
        let theirs = [sha1.clone(), Vec::new(), sha256.clone()];
        assert!(bool::from(signs::<Hmac<Sha256>>(b"Jefe", &parts, &theirs)));
        assert!(bool::from(signs::<Hmac<Sha1>>(b"Jefe", &parts, &theirs)));
        for (name, key, theirs) in [
            ("no code", &b"Jefe"[..], vec![]),
            ("an empty code", b"Jefe", vec![Vec::new()]),
            ("cut off", b"Jefe", vec![sha256[..31].to_vec()]),
            ("another key", b"jefe", vec![sha256.clone()]),
            ("of another hash", b"Jefe", vec![sha1]),
        ] {
            assert!(!bool::from(signs::<Hmac<Sha256>>(key, &parts, &theirs)), "{name}");
        }
        // Right for an empty key, which nobody may use: RFC 2104 doesn't forbid it.
        let empty = hex::decode(b"b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad").unwrap();
        assert!(!bool::from(signs::<Hmac<Sha256>>(b"", &[], &[empty])));
    }

    #[test]
    fn secrets() {
        for (ours, theirs, want) in
            [("s3cret", "s3cret", true), ("s3cret", "s3creT", false), ("s3cret", "s3cre", false), ("", "", false)]
        {
            assert_eq!(is_secret(&ours.into(), theirs.as_bytes()), want, "{ours} {theirs}");
        }
    }
}
