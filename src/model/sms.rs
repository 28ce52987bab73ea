//! How a text lies in short messages: which alphabet it needs and how many parts it takes.
//!
//! The GSM 7 bit default alphabet and its extension table (3GPP TS 23.038, clauses 6.2.1 and 6.2.1.1) as data, and the
//! room of a part (TS 23.040, clause 9.2.3.24.1: 160/153 septets, 70/67 UCS-2 units). Routing cuts texts by it,
//! the modem encodes by it.

/// The default alphabet by septet value; position 0x1B is the escape to the extension table and is no character.
const DEFAULT: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1b}', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// The extension table: septet after the escape, and its character.
const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0c}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// The escape to the extension table.
const ESCAPE: u8 = 0x1B;

/// The septets of one character: one, two (escape first), or `None` when the alphabet doesn't have it.
#[must_use]
pub fn septets_of(c: char) -> Option<(u8, Option<u8>)> {
    if c == '\u{1b}' {
        return None;
    }
    if let Some(at) = DEFAULT.iter().position(|known| *known == c) {
        return u8::try_from(at).ok().map(|septet| (septet, None));
    }
    EXTENSION.iter().find(|(_, known)| *known == c).map(|(septet, _)| (ESCAPE, Some(*septet)))
}

/// Which alphabet a text goes out in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alphabet {
    /// GSM 7 bit default alphabet with its extension table.
    Gsm7,
    /// UCS-2, in practice UTF-16: a surrogate pair is never cut.
    Ucs2,
}

impl Alphabet {
    /// The alphabet `text` needs.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text.chars().all(|c| septets_of(c).is_some()) { Self::Gsm7 } else { Self::Ucs2 }
    }

    /// The character of a septet of the default alphabet; the escape has none.
    #[must_use]
    pub fn default_char(septet: u8) -> Option<char> {
        if septet == ESCAPE { None } else { DEFAULT.get(usize::from(septet)).copied() }
    }

    /// The character of a septet that follows the escape.
    #[must_use]
    pub fn extension_char(septet: u8) -> Option<char> {
        EXTENSION.iter().find(|(known, _)| *known == septet).map(|(_, c)| *c)
    }

    /// What one character costs, in septets or UTF-16 units.
    #[must_use]
    pub fn cost(self, c: char) -> usize {
        match self {
            Self::Gsm7 => septets_of(c).map_or(1, |(_, second)| if second.is_some() { 2 } else { 1 }),
            Self::Ucs2 => c.len_utf16(),
        }
    }

    /// Room of a message that is alone, and of a part of several (8 bit reference), in the unit of [`Alphabet::cost`].
    #[must_use]
    pub const fn room(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }
}

/// A text laid out in parts. No character is cut, whatever its cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The alphabet of every part.
    pub alphabet: Alphabet,
    /// The text of each part, in order; at least one.
    pub parts: Vec<String>,
}

impl Layout {
    /// Lays `text` out: one part if it fits alone, otherwise as many as it takes.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let alphabet = Alphabet::of(text);
        let (alone, shared) = alphabet.room();
        let total = text.chars().fold(0_usize, |sum, c| sum.saturating_add(alphabet.cost(c)));
        if total <= alone {
            return Self { alphabet, parts: vec![text.to_owned()] };
        }
        let mut parts = Vec::new();
        let (mut part, mut used) = (String::new(), 0_usize);
        for c in text.chars() {
            let cost = alphabet.cost(c);
            if used.saturating_add(cost) > shared {
                parts.push(std::mem::take(&mut part));
                used = 0;
            }
            part.push(c);
            used = used.saturating_add(cost);
        }
        parts.push(part);
        Self { alphabet, parts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts() {
        for (name, text, alphabet, sizes) in [
            ("empty", String::new(), Alphabet::Gsm7, vec![0]),
            ("160 septets", "a".repeat(160), Alphabet::Gsm7, vec![160]),
            ("161 septets", "a".repeat(161), Alphabet::Gsm7, vec![153, 8]),
            ("80 euros", "€".repeat(80), Alphabet::Gsm7, vec![80]),
            ("escape on the seam", format!("{}€{}", "a".repeat(152), "b".repeat(10)), Alphabet::Gsm7, vec![152, 11]),
            ("70 units", "Ж".repeat(70), Alphabet::Ucs2, vec![70]),
            ("71 units", "Ж".repeat(71), Alphabet::Ucs2, vec![67, 4]),
            ("surrogate on the seam", format!("{}🔥{}", "Ж".repeat(66), "Ж".repeat(9)), Alphabet::Ucs2, vec![66, 10]),
            ("lower c cedilla", "garçon".into(), Alphabet::Ucs2, vec![6]),
        ] {
            let layout = Layout::of(&text);
            assert_eq!(layout.alphabet, alphabet, "{name}");
            assert_eq!(layout.parts.iter().map(|p| p.chars().count()).collect::<Vec<_>>(), sizes, "{name}");
            assert_eq!(layout.parts.concat(), text, "{name}");
        }
    }

    #[test]
    fn every_septet_decodes_to_what_encodes_to_it() {
        for septet in 0..128_u8 {
            if let Some(c) = Alphabet::default_char(septet) {
                assert_eq!(septets_of(c), Some((septet, None)));
            }
        }
        for (septet, c) in EXTENSION {
            assert_eq!(septets_of(c), Some((ESCAPE, Some(septet))));
            assert_eq!(Alphabet::extension_char(septet), Some(c));
        }
    }
}
