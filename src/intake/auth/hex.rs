//! Hexadecimal digits to bytes. Senders write small letters; large ones mean the same.

/// The bytes, if all of the text is pairs of digits.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_chunks();
    let bytes = pairs.iter().map(|[high, low]| byte(*high, *low)).collect();
    if rest.is_empty() { bytes } else { None }
}

/// The byte that two digits stand for.
pub(in crate::intake) fn byte(high: u8, low: u8) -> Option<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_digits_and_nothing_else() {
        for (text, want) in [
            (&b"00fFA9"[..], Some(vec![0, 255, 169])),
            (b"", Some(vec![])),
            (b"0", None),
            (b"0g", None),
            (b" 00", None),
            (b"0x00", None),
            (b"+1", None),
            (b"\xff\xff", None),
        ] {
            assert_eq!(decode(text), want, "{text:?}");
        }
    }
}
