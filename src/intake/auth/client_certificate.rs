//! A TLS client certificate: the listener has verified it and that the peer owns its key; here it is one of a list.
//!
//! By fingerprint (SHA-256 of the whole certificate), because a name in a certificate is worth what its issuer is.

use subtle::{Choice, ConstantTimeEq};

use super::{Refused, Verdict};

pub(super) fn verify(known: &[[u8; 32]], theirs: Option<&[u8; 32]>) -> Result<Verdict, Refused> {
    let theirs = theirs.ok_or_else(|| Refused::Missing("client certificate".to_owned()))?;
    let found = known.iter().fold(Choice::from(0), |found, known| found | known.ct_eq(theirs));
    if found.into() { Ok(Verdict::Genuine) } else { Err(Refused::Stranger) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_those_that_are_named() {
        let almost: [u8; 32] = std::array::from_fn(|at| if at == 31 { 8 } else { 7 });
        for (name, known, theirs, want) in [
            ("the first", vec![[7; 32], [9; 32]], Some(&[7; 32]), Ok(Verdict::Genuine)),
            ("the last", vec![[7; 32], [9; 32]], Some(&[9; 32]), Ok(Verdict::Genuine)),
            ("almost", vec![[7; 32], [9; 32]], Some(&almost), Err(Refused::Stranger)),
            ("nobody is named", vec![], Some(&[0; 32]), Err(Refused::Stranger)),
            ("no certificate", vec![[7; 32]], None, Err(Refused::Missing("client certificate".to_owned()))),
        ] {
            assert_eq!(verify(&known, theirs), want, "{name}");
        }
    }
}
