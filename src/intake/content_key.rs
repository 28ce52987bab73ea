//! The key under which two webhooks are the same lead: a hash over CRM account, record id, normalised message, e-mail
//! address and telephone number. Where nothing says who wrote, the whole body is the key: two people who chose the same
//! words must not become one, and a sender's retry is the same to the byte.
//!
//! Each field is preceded by whether it is there and how long it is, so that no text can move from one field into the
//! next and leave the hash as it was. The key is stored: changing what goes in makes old leads unrecognisable.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Of a hash, what becomes the key.
const KEY_BYTES: usize = 16;

/// The key of these fields, in this order.
pub(super) fn content_key(fields: [Option<&str>; 5]) -> String {
    let mut hash = Sha256::new();
    for field in fields {
        match field {
            Some(text) => {
                hash.update([1]);
                hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
                hash.update(text);
            }
            None => hash.update([0]),
        }
    }
    key_of(hash)
}

/// The key of a body, or of a later part of one, in which nothing was found that says who wrote.
pub(super) fn body_key(source: &str, body: &[u8], part: usize) -> String {
    // No flag of a field: the two kinds of key never meet.
    let mut hash = Sha256::new_with_prefix([2]);
    hash.update(u64::try_from(source.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(source);
    hash.update(body);
    if part > 0 {
        hash.update(u64::try_from(part).unwrap_or(u64::MAX).to_be_bytes());
    }
    key_of(hash)
}

/// Half of the hash is enough to tell leads apart, and it is in an index that every lead touches at random.
fn key_of(hash: Sha256) -> String {
    let hash = hash.finalize();
    URL_SAFE_NO_PAD.encode(hash.split_at_checked(KEY_BYTES).map_or(hash.as_slice(), |(key, _)| key))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_text_moves_between_fields_unnoticed() {
        let different = [
            [None, None, Some("ab"), None, None],
            [None, None, Some("a"), Some("b"), None],
            [None, None, Some("a"), None, Some("b")],
            [None, Some("a"), Some("b"), None, None],
            [Some("a"), None, Some("b"), None, None],
            [None, None, Some("ab"), Some(""), None],
            [None, None, Some("ab"), None, Some("")],
            [None, None, None, None, None],
        ];
        let keys: HashSet<String> = different.into_iter().map(content_key).collect();
        assert_eq!(keys.len(), different.len());
        assert!(keys.iter().all(|key| key.len() == 22 && !key.contains(['+', '/', '='])));
    }

    #[test]
    fn the_key_stays_what_it_is_in_files_already_written() {
        let key = content_key([Some("62515"), Some("501"), Some("Hi"), Some("a@b.co"), None]);
        assert_eq!(key, "zTDaFXq4288qgbwkrPc5TA");
        assert_eq!(body_key("website", br#"{"message":"Hi"}"#, 0), "tki8n84HCnCQ5IBxm-MBjQ");
        assert_ne!(body_key("ab", b"c", 0), body_key("a", b"bc", 0));
        assert_ne!(body_key("a", b"bc", 0), body_key("a", b"bc", 1));
    }
}
