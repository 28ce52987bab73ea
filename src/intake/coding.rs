//! Content codings (RFC 9110, clause 8.4): gzip, deflate and br, each with a cap on what comes out.
//!
//! `request` decodes a complete body with it. What comes out is never more than the cap by more than one read, whatever
//! goes in: a bomb ends as soon as it is one. Several codings on top of each other are nothing that a sender of leads does.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use hyper::HeaderMap;
use hyper::header::CONTENT_ENCODING;

/// What a decoder works with; the body is in memory anyway.
const BUFFER_BYTES: usize = 4096;

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Deflate,
    Brotli,
}

/// Why a body can't be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undecodable {
    /// More comes out than a body may have.
    TooLarge,
    /// It isn't packed that way, or is cut off.
    Broken,
}

impl Coding {
    /// The coding that the head names; `None` for one that we don't know.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(CONTENT_ENCODING).iter();
        let coding = match (values.next(), values.next()) {
            (None, _) => return Some(Self::Identity),
            (Some(one), None) => one.to_str().ok()?.trim().to_ascii_lowercase(),
            (Some(_), Some(_)) => return None,
        };
        match coding.as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "br" => Some(Self::Brotli),
            _ => None,
        }
    }

    /// The body as it was before it was packed: at most `max` bytes.
    pub(super) fn decode(self, body: &[u8], max: usize) -> Result<Vec<u8>, Undecodable> {
        match self {
            Self::Identity => Ok(body.to_vec()),
            Self::Gzip => drained(MultiGzDecoder::new(body), max),
            // The name means zlib; some senders leave its frame away.
            Self::Deflate => match drained(ZlibDecoder::new(body), max) {
                Err(Undecodable::Broken) => drained(DeflateDecoder::new(body), max),
                decoded => decoded,
            },
            Self::Brotli => drained(brotli_decompressor::Decompressor::new(body, BUFFER_BYTES), max),
        }
    }
}

fn drained(decoder: impl Read, max: usize) -> Result<Vec<u8>, Undecodable> {
    let mut plain = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(limit).read_to_end(&mut plain).map_err(|_| Undecodable::Broken)?;
    if plain.len() > max { Err(Undecodable::TooLarge) } else { Ok(plain) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use hyper::header::HeaderValue;

    use super::*;

    /// "hello hello hello\n", as the reference encoder packs it.
    const BROTLI: &[u8] = b"\x8b\x08\x80hello hello hello\n\x03";
    /// Ten mebibytes of spaces.
    const BROTLI_BOMB: &[u8] =
        b"\xcb\xff\xff\x3f\xf8\x25\x40\xe2\xb1\x40\x20\xf7\xfe\x2f\xff\xff\x3f\xf0\x4b\x00\xc4\x61\x11\x80\xee\xfd\x07";

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(plain: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn each_coding_and_its_ends() {
        let (text, bomb) = (b"hello hello hello\n".as_slice(), vec![b' '; 10 * 1024 * 1024]);
        let cut = |mut packed: Vec<u8>| {
            packed.truncate(packed.len() / 2);
            packed
        };
        for (name, coding, packed, want) in [
            ("gzip", Coding::Gzip, gzip(text), Ok(text)),
            ("two members", Coding::Gzip, [gzip(b"hello hello "), gzip(b"hello\n")].concat(), Ok(text)),
            ("zlib", Coding::Deflate, zlib(text), Ok(text)),
            ("brotli", Coding::Brotli, BROTLI.to_vec(), Ok(text)),
            ("brotli, cut off", Coding::Brotli, cut(BROTLI.to_vec()), Err(Undecodable::Broken)),
            ("a bomb of brotli", Coding::Brotli, BROTLI_BOMB.to_vec(), Err(Undecodable::TooLarge)),
            ("deflate without a frame", Coding::Deflate, raw(text), Ok(text)),
            ("identity", Coding::Identity, text.to_vec(), Ok(text)),
            ("gzip, cut off", Coding::Gzip, cut(gzip(text)), Err(Undecodable::Broken)),
            ("zlib, cut off", Coding::Deflate, cut(zlib(text)), Err(Undecodable::Broken)),
            ("no gzip at all", Coding::Gzip, text.to_vec(), Err(Undecodable::Broken)),
            ("no brotli at all", Coding::Brotli, vec![0xff; 40], Err(Undecodable::Broken)),
            ("nothing", Coding::Gzip, Vec::new(), Err(Undecodable::Broken)),
            ("a bomb", Coding::Gzip, gzip(&bomb), Err(Undecodable::TooLarge)),
            ("a bomb of zlib", Coding::Deflate, zlib(&bomb), Err(Undecodable::TooLarge)),
        ] {
            assert_eq!(coding.decode(&packed, 1024).as_deref(), want.as_ref().copied(), "{name}");
        }
    }

    #[test]
    fn codings_by_their_names() {
        for (values, want) in [
            (vec![], Some(Coding::Identity)),
            (vec!["identity"], Some(Coding::Identity)),
            (vec!["gzip"], Some(Coding::Gzip)),
            (vec![" GZip "], Some(Coding::Gzip)),
            (vec!["x-gzip"], Some(Coding::Gzip)),
            (vec!["deflate"], Some(Coding::Deflate)),
            (vec!["br"], Some(Coding::Brotli)),
            (vec!["zstd"], None),
            (vec!["gzip, gzip"], None),
            (vec!["gzip", "gzip"], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in &values {
                headers.append(CONTENT_ENCODING, HeaderValue::from_static(value));
            }
            assert_eq!(Coding::of(&headers), want, "{values:?}");
        }
    }
}
