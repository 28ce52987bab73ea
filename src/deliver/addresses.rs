//! Knows mail addresses again without keeping them, and signs the links by which their owners unsubscribe.
//!
//! Made by `app` from the configured key; the outbox asks for hashes and links, the intake whose link it was given.
//! Whoever has the database but not the key can't tell whether an address is in it. A link holds nothing but the hash and
//! a code over it, so it works for ever, also once the lead is deleted, and nobody can make one for somebody else.
//!
//! An address is known again without the spaces around it and in lower case, all of it: the standard (RFC 5321, clause
//! 2.4) lets the part before the @ differ by case, and no provider does. Letters that Unicode writes in two ways are one.
//! A domain in letters and its `xn--` form are two addresses: nobody has both in one CRM.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::Key;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;

use crate::model::{AddressHash, Addresses};

/// What a code is made for: one that was made for one purpose is worth nothing for the other.
const OF_ADDRESS: &[u8] = b"address:";
const OF_LINK: &[u8] = b"unsubscribe:";
/// Half of HMAC-SHA256, as RFC 2104 (clause 5) allows: no two addresses share one, and nobody guesses one.
const CODE_BYTES: usize = 16;
/// A hash and its code in base64 without padding.
const TOKEN_CHARS: usize = 43;

/// The key of a desk's addresses.
#[derive(Clone)]
pub struct AddressKey {
    keyed: Hmac<Sha256>,
    public_url: Option<String>,
}

impl fmt::Debug for AddressKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddressKey").field("key", &"***").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}

impl AddressKey {
    /// Addresses under this key. Links begin with `public_url`, which has no slash at its end; without it there are none.
    #[must_use]
    pub fn new(key: &SecretString, public_url: Option<String>) -> Self {
        Self { keyed: keyed(key.expose_secret().as_bytes()), public_url }
    }

    fn code(&self, purpose: &[u8], of: &[u8]) -> [u8; CODE_BYTES] {
        let mut mac = self.keyed.clone();
        mac.update(purpose);
        mac.update(of);
        let mut code = [0; CODE_BYTES];
        for (place, byte) in code.iter_mut().zip(mac.finalize().into_bytes()) {
            *place = byte;
        }
        code
    }

    /// What stands in the link of an address.
    #[must_use]
    pub fn token(&self, hash: AddressHash) -> String {
        URL_SAFE_NO_PAD.encode([hash.bytes(), self.code(OF_LINK, &hash.bytes())].concat())
    }
}

impl Addresses for AddressKey {
    fn hash(&self, address: &str) -> AddressHash {
        AddressHash::new(self.code(OF_ADDRESS, known_as(address).as_bytes()))
    }

    fn unsubscribe_url(&self, hash: AddressHash) -> Option<String> {
        self.public_url.as_ref().map(|public_url| format!("{public_url}/u/{}", self.token(hash)))
    }

    /// Each token of the right form takes the same time, whatever is wrong with its code.
    fn of_token(&self, token: &str) -> Option<AddressHash> {
        if token.len() != TOKEN_CHARS {
            return None;
        }
        // It refuses padding, and bits that no byte has: there is one spelling of each token.
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (hash, code) = bytes.split_first_chunk::<CODE_BYTES>()?;
        let is_ours: bool = self.code(OF_LINK, hash).as_slice().ct_eq(code).into();
        is_ours.then_some(AddressHash::new(*hash))
    }
}

/// HMAC under a key of any length: a block of it, or of its hash if it is longer, filled up with zeros (RFC 2104, clause 2).
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    let (mut block, hash) = (Key::<Hmac<Sha256>>::default(), Sha256::digest(key));
    let used = if key.len() > block.len() { hash.as_slice() } else { key };
    for (place, byte) in block.iter_mut().zip(used) {
        *place = *byte;
    }
    Hmac::new(&block)
}

/// The spelling under which an address is known.
fn known_as(address: &str) -> String {
    address.trim().nfc().collect::<String>().to_lowercase().nfc().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(secret: &str) -> AddressKey {
        AddressKey::new(&secret.into(), Some("https://leads.example.com".into()))
    }

    #[test]
    fn one_mailbox_has_one_hash() {
        let key = key("k");
        for (name, address, other, same) in [
            ("as it is", "anna@example.com", "anna@example.com", true),
            ("letter case", "Anna.Berg@Example.COM", "anna.berg@example.com", true),
            ("spaces around it", "\t anna@example.com \r\n", "anna@example.com", true),
            ("letters of a domain", "anna@BÜCHER.example", "anna@bücher.example", true),
            ("letters in two pieces", "rene\u{301}@example.com", "RENÉ@example.com", true),
            ("another mailbox", "anna@example.com", "anne@example.com", false),
            ("another domain", "anna@example.com", "anna@example.org", false),
            ("a tag", "anna@example.com", "anna+x@example.com", false),
            ("a space within", "an na@example.com", "anna@example.com", false),
        ] {
            assert_eq!(key.hash(address) == key.hash(other), same, "{name}");
        }
        assert_ne!(key.hash("a@example.com"), super::tests::key("l").hash("a@example.com"), "another key");
    }

    /// Made apart from this program, with `openssl dgst -sha256 -mac HMAC`: stored hashes and sent links must stay good.
    #[test]
    fn what_was_stored_and_sent_stays_good() {
        let key = key("a key that is kept for ever");
        let hash = key.hash("Anna@Example.com");
        assert_eq!(hash.to_string(), "0da1633bbd49be4943f855dad4883fe7");
        assert_eq!(key.token(hash), "DaFjO71JvklD-FXa1Ig_54S0nOLPNAuTXPFiacq2WrE");
        let url = key.unsubscribe_url(hash).unwrap();
        assert_eq!(url, format!("https://leads.example.com/u/{}", key.token(hash)));
        assert_eq!(AddressKey::new(&"k".into(), None).unsubscribe_url(hash), None, "nobody could reach it");
    }

    #[test]
    fn keys_of_every_length_are_those_of_the_standard() {
        for length in [0, 1, 63, 64, 65, 200] {
            let key = vec![b'k'; length];
            let code = |mut mac: Hmac<Sha256>| {
                mac.update(b"address:");
                mac.finalize().into_bytes()
            };
            assert_eq!(code(keyed(&key)), code(Hmac::new_from_slice(&key).unwrap()), "{length}");
        }
    }

    #[test]
    fn the_key_is_in_no_log() {
        let shown = format!("{:?}", key("s3cret"));
        assert!(!shown.contains("s3cret") && shown.contains("***"), "{shown}");
    }

    #[test]
    fn a_code_is_good_for_one_purpose() {
        let key = key("k");
        let hash = key.hash("anna@example.com");
        let forged = [hash.bytes(), key.code(OF_ADDRESS, &hash.bytes())].concat();
        assert_eq!(key.of_token(&URL_SAFE_NO_PAD.encode(forged)), None);
    }

    #[test]
    fn a_token_has_one_spelling() {
        let key = key("k");
        let token = key.token(key.hash("anna@example.com"));
        assert_eq!(token.len(), TOKEN_CHARS);
        // The last character carries four bits of a byte and two that must be zero.
        let (start, last) = token.split_at(TOKEN_CHARS - 1);
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let good = alphabet.chars().filter(|c| key.of_token(&format!("{start}{c}")).is_some()).collect::<String>();
        assert_eq!(good, last);
        for (name, other) in [
            ("padded", format!("{token}=")),
            ("a space", format!(" {token}")),
            ("a line end", format!("{token}\n")),
            ("cut off", start.to_owned()),
            ("nothing", String::new()),
            ("another alphabet", token.replace(['-', '_'], "+")),
            ("percent-encoded", token.replace(last, "%41")),
            ("another script", "ä".repeat(TOKEN_CHARS)),
        ] {
            assert!(key.of_token(&other).is_none() || other == token, "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_link_is_its_owners(address in any::<String>(), other in any::<String>()) {
            let key = key("k");
            let hash = key.hash(&address);
            prop_assert_eq!(key.of_token(&key.token(hash)), Some(hash));
            prop_assert_eq!(key.hash(&format!(" {} ", known_as(&address))), hash);
            prop_assert_eq!(hash == key.hash(&other), known_as(&address) == known_as(&other));
            prop_assert_eq!(super::tests::key("l").of_token(&key.token(hash)), None);
        }

        #[test]
        fn a_changed_link_is_nobodys(address in any::<String>(), bit in 0..256_usize, cut in 0..TOKEN_CHARS) {
            let key = key("k");
            let token = key.token(key.hash(&address));
            let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(key.of_token(&URL_SAFE_NO_PAD.encode(bytes)), None);
            prop_assert_eq!(key.of_token(token.split_at(cut).0), None);
        }

        #[test]
        fn made_up_links_are_nobodys(text in any::<String>(), bytes in any::<[u8; 32]>()) {
            let key = key("k");
            prop_assert_eq!(key.of_token(&text), None);
            prop_assert_eq!(key.of_token(&URL_SAFE_NO_PAD.encode(bytes)), None);
        }
    }
}
