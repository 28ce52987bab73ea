//! Ids of records: fifteen characters in which case counts, and three more that tell the case of the others.
//!
//! Source: Salesforce, "SOAP API Developer Guide", field type `ID`.

/// What five bits look like.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
/// What a number looks like within an id.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The id of the `number`-th record of a kind.
pub(super) fn id(prefix: &str, number: usize) -> String {
    let digits = std::iter::successors(Some(number), |rest| rest.checked_div(DIGITS.len()).filter(|rest| *rest > 0));
    let digit =
        |rest: usize| rest.checked_rem(DIGITS.len()).and_then(|at| DIGITS.get(at)).map_or('0', |b| char::from(*b));
    let tail: Vec<char> = digits.map(digit).collect();
    let tail: String = tail.into_iter().rev().collect();
    let short = format!("{prefix}5e000{tail:0>7}");
    long(&short).unwrap_or(short)
}

/// The id in eighteen characters, if this is an id in fifteen or eighteen.
pub(super) fn long(text: &str) -> Option<String> {
    if !text.bytes().all(|b| b.is_ascii_alphanumeric()) || !matches!(text.len(), 15 | 18) {
        return None;
    }
    let (short, given) = text.split_at_checked(15)?;
    let check: String = short.as_bytes().chunks(5).map(check_of).collect();
    (given.is_empty() || given == check).then(|| format!("{short}{check}"))
}

fn check_of(five: &[u8]) -> char {
    let bits = five.iter().rev().fold(0_usize, |bits, b| bits << 1 | usize::from(b.is_ascii_uppercase()));
    char::from(ALPHABET.get(bits).copied().unwrap_or(b'A'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_three_tell_the_case() {
        // From Salesforce's own pages.
        for (short, want) in [("001R00000064wdt", "001R00000064wdtIAA"), ("001R00000033I6A", "001R00000033I6AIAU")] {
            assert_eq!(long(short).as_deref(), Some(want));
            assert_eq!(long(want).as_deref(), Some(want));
        }
        for wrong in ["", "001R00000064wd", "001R00000064wdtIAB", "001R00000064wd!", "001R00000064wdtIA"] {
            assert_eq!(long(wrong), None, "{wrong}");
        }
        assert!(id("00Q", 9) < id("00Q", 10) && id("00Q", 61) < id("00Q", 62));
    }
}
