//! Keys that take one value or a list of them.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::super::SecretRef;

/// One pointer or a list of them, tried in order.
#[derive(Debug, Clone)]
pub(in super::super) struct Pointers(pub(in super::super) Vec<String>);

impl<'de> Deserialize<'de> for Pointers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Pointers;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON pointer such as \"/properties/message/value\", or a list of them")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Pointers, E> {
                Ok(Pointers(vec![text.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Pointers, A::Error> {
                let mut pointers = Vec::new();
                while let Some(pointer) = list.next_element()? {
                    pointers.push(pointer);
                }
                Ok(Pointers(pointers))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// One secret or a list of them.
#[derive(Debug, Clone)]
pub(in super::super) struct SecretRefs(pub(in super::super) Vec<SecretRef>);

impl<'de> Deserialize<'de> for SecretRefs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = SecretRefs;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("{ credential = \"name\" } or { file = \"/path\" }, or a list of them")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<SecretRefs, E> {
                // It says what is wrong, without repeating the text.
                SecretRef::deserialize(StrDeserializer::new(text)).map(|secret| SecretRefs(vec![secret]))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SecretRefs, A::Error> {
                SecretRef::deserialize(MapAccessDeserializer::new(map)).map(|secret| SecretRefs(vec![secret]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<SecretRefs, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(SecretRefs)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}
