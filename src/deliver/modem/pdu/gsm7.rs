//! Septets: packing seven bits into octets, and reading them as text (3GPP TS 23.038, clauses 6.1.2.1 and 6.2.1).
//!
//! The alphabet itself is data in `model`. Only the count of septets says where a text ends: seven spare bits at the
//! end of an octet look like a trailing `@` to a reader that trusts the octets instead.

use crate::model::{Alphabet, septets_of};

/// The escape to the extension table.
const ESCAPE: u8 = 0x1B;

/// The septets of `text`. A character that the alphabet doesn't have becomes a space: callers lay the text out first.
pub(super) fn septets(text: &str) -> Vec<u8> {
    text.chars()
        .flat_map(|c| {
            let (first, second) = septets_of(c).unwrap_or((b' ', None));
            std::iter::once(first).chain(second)
        })
        .collect()
}

/// Packs septets, low bits first, after `fill` zero bits that follow a header to the next septet boundary.
pub(super) fn pack(septets: &[u8], fill: u32) -> Vec<u8> {
    let (mut pending, mut bits) = (0_u32, fill);
    let mut octets = Vec::with_capacity(septets.len());
    for septet in septets {
        pending |= u32::from(septet & 0x7F).wrapping_shl(bits);
        bits = bits.saturating_add(7);
        while bits >= 8 {
            let [low, ..] = pending.to_le_bytes();
            octets.push(low);
            pending >>= 8;
            bits = bits.saturating_sub(8);
        }
    }
    if bits > 0 {
        let [low, ..] = pending.to_le_bytes();
        octets.push(low);
    }
    octets
}

/// The `count` septets that start `skip` septets into `octets`; fewer if the octets end before.
pub(super) fn unpack(octets: &[u8], skip: usize, count: usize) -> Vec<u8> {
    (skip..skip.saturating_add(count)).map_while(|at| septet(octets, at)).collect()
}

fn septet(octets: &[u8], at: usize) -> Option<u8> {
    let bit = at.checked_mul(7)?;
    let (octet, shift) = (bit / 8, bit % 8);
    let low = u16::from(*octets.get(octet)?);
    // The rest of the septet may lie in the next octet; shifts 0 and 1 need none.
    let high = match octets.get(octet.checked_add(1)?) {
        Some(high) => u16::from(*high),
        None if shift <= 1 => 0,
        None => return None,
    };
    let shift = u32::try_from(shift).ok()?;
    let [value, _] = ((low | (high << 8)).wrapping_shr(shift) & 0x7F).to_le_bytes();
    Some(value)
}

/// The text of septets. Where the extension table has no character, the one of the default alphabet is shown; an
/// escape before an escape, and one with nothing after it, is a space (TS 23.038, 6.2.1 note 1 and 6.2.1.1 note 1).
pub(super) fn text(septets: &[u8]) -> String {
    let mut rest = septets.iter().copied();
    let mut text = String::with_capacity(septets.len());
    while let Some(septet) = rest.next() {
        let c = if septet == ESCAPE {
            rest.next().and_then(|second| Alphabet::extension_char(second).or_else(|| Alphabet::default_char(second)))
        } else {
            Alphabet::default_char(septet)
        };
        text.push(c.unwrap_or(' '));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_tables_do_not_have_follows_the_specification() {
        for (name, septets, want) in [
            ("extension", vec![0x1B, 0x65], "€"),
            ("no such extension: the default character", vec![0x1B, 0x41], "A"),
            ("carriage return after the escape", vec![0x1B, 0x0D], "\r"),
            ("escape twice", vec![0x1B, 0x1B, 0x41], " A"),
            ("escape at the end", vec![0x41, 0x1B], "A "),
        ] {
            assert_eq!(text(&septets), want, "{name}");
        }
    }

    #[test]
    fn packing_reverses_with_any_fill() {
        for fill_septets in 0..3_usize {
            for count in 0..40_u8 {
                let septets: Vec<u8> = (0..count).map(|i| i.wrapping_mul(37) & 0x7F).collect();
                let fill = u32::try_from(fill_septets).unwrap() * 7;
                let packed = pack(&septets, fill);
                assert_eq!(unpack(&packed, fill_septets, septets.len()), septets, "{count} after {fill} bits");
            }
        }
    }

    #[test]
    fn a_count_beyond_the_octets_ends_with_them() {
        assert_eq!(unpack(&[0xC8], 0, 160), vec![0x48]);
        assert_eq!(unpack(&[], 0, 1), Vec::<u8>::new());
    }
}
