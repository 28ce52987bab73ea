//! The same words in the alphabet that costs half: GSM 7 bit instead of UCS-2. Pure; called by `text` for alerts only.
//!
//! Typography becomes its plain form, an accented Latin letter its base letter, pictures a short tag. Nothing that a
//! person can't do without is lost: text in another script has no plain form, nor has an e-mail address that would have
//! to be respelled, nor a text with many signs unknown here. Whether the plain form saves anything is the caller's question.
//! The target is the default alphabet of 3GPP TS 23.038, clause 6.2.1; letters are taken apart as in UAX #15.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, compose, decompose_canonical};

use crate::model::septets_of;

/// What stands for a picture, or several in a row: `need 3 🎪` must not become `need 3`.
const PICTURE: &str = "(emoji)";
/// One sign in so many may be unknown and become `?`: about 2 %.
const UNKNOWN_IN: usize = 50;

/// Signs, and what a typewriter has for them.
const SIGNS: &[(&str, &str)] = &[
    ("‘’‚‛′‵‹›`´ʹʻʼˈ", "'"),
    ("“”„‟″‶«»〝〞〟", "\""),
    ("‐‑‒–—―−⁃﹣", "-"),
    ("…", "..."),
    ("‥", ".."),
    ("•‣●◦▪", "*"),
    ("·‧", "-"),
    ("×✕✖", "x"),
    ("÷⁄∕", "/"),
    ("°", "deg"),
    ("±", "+/-"),
    ("≈", "~"),
    ("≤", "<="),
    ("≥", ">="),
    ("≠", "!="),
    ("→➜➡⇒", "->"),
    ("←⬅⇐", "<-"),
    ("¦", "|"),
    ("❗❕", "!"),
    ("❓❔", "?"),
    ("♥❤💙💚💛💜🧡🖤🤍", "<3"),
    ("☎📞📱", "Tel"),
    ("✉📧📩", "Mail"),
];

/// Amounts and short forms. Money keeps its name (ISO 4217): a budget is what makes a lead.
const SHORT_FORMS: &[(&str, &str)] = &[
    ("¢", "c"),
    ("©", "(c)"),
    ("®", "(R)"),
    ("™", "TM"),
    ("№", "No"),
    ("‰", "0/00"),
    ("µμ", "u"),
    ("ª", "a"),
    ("º", "o"),
    ("₹", "INR"),
    ("₽", "RUB"),
    ("₺", "TRY"),
    ("₴", "UAH"),
    ("₪", "ILS"),
    ("₩", "KRW"),
    ("₫", "VND"),
    ("₦", "NGN"),
    ("₱", "PHP"),
    ("฿", "THB"),
    ("₸", "KZT"),
    ("₼", "AZN"),
    ("₾", "GEL"),
];

/// Read as part of the number before them unless something stands between.
const BEHIND_DIGITS: &[(char, &str, &str)] =
    &[('¹', "^", "1"), ('²', "^", "2"), ('³', "^", "3"), ('¼', " ", "1/4"), ('½', " ", "1/2"), ('¾', " ", "3/4")];

/// Latin letters that are no base letter with a mark.
const LETTERS: &[(&str, &str)] = &[
    ("ĐÐƉƊ", "D"),
    ("đðɖɗ", "d"),
    ("Ħ", "H"),
    ("ħ", "h"),
    ("Ɨ", "I"),
    ("ıɨ", "i"),
    ("Ƙ", "K"),
    ("ĸƙ", "k"),
    ("ŁĿ", "L"),
    ("łŀ", "l"),
    ("Ɲ", "N"),
    ("ɲ", "n"),
    ("Ŋ", "Ng"),
    ("ŋ", "ng"),
    ("ŉ", "'n"),
    ("Œ", "OE"),
    ("œ", "oe"),
    ("Þ", "Th"),
    ("þ", "th"),
    ("Ŧ", "T"),
    ("ŧ", "t"),
    ("ſ", "s"),
    ("ẞ", "SS"),
    ("Ɓ", "B"),
    ("ɓ", "b"),
    ("ƏƎƐ", "E"),
    ("əǝɛ", "e"),
    ("Ɔ", "O"),
    ("ɔ", "o"),
    ("ƒ", "f"),
    ("Ƴ", "Y"),
    ("ƴ", "y"),
    ("Ƶ", "Z"),
    ("ƶ", "z"),
    ("Ĳ", "IJ"),
    ("ĳ", "ij"),
    ("ﬀ", "ff"),
    ("ﬁ", "fi"),
    ("ﬂ", "fl"),
    ("Ʋ", "V"),
];

/// The text in GSM 7 bit, or `None` where that would lose more than a sign here and there.
pub(super) fn plain(text: &str) -> Option<String> {
    let mut plain = Plain::default();
    for c in text.nfc() {
        plain.push(c)?;
    }
    plain.finish()
}

/// A plain text that grows.
#[derive(Default)]
struct Plain {
    text: String,
    chars: usize,
    unknown: usize,
    /// The word so far has an `@`, and a letter that was respelled.
    at: bool,
    respelled: bool,
}

impl Plain {
    /// Takes the next character. `None` ends it all: there is no plain form.
    fn push(&mut self, c: char) -> Option<()> {
        self.chars = self.chars.saturating_add(1);
        if c.is_whitespace() {
            self.end_word()?;
        }
        self.at |= c == '@';
        if septets_of(c).is_some() {
            self.text.push(c);
            return Some(());
        }
        self.respelled |= c.is_alphanumeric() || canonical_combining_class(c) != 0;
        if c.is_whitespace() {
            self.text.push(' ');
        } else if let Some(sign) = sign(c) {
            self.text.push_str(sign);
        } else if let Some((_, between, sign)) = BEHIND_DIGITS.iter().find(|(known, ..)| *known == c) {
            let behind_digit = self.text.ends_with(|last: char| last.is_ascii_digit());
            self.text.push_str(if behind_digit { between } else { "" });
            self.text.push_str(sign);
        } else if let Some(c) = styled(c).or_else(|| base(c)) {
            self.text.push(c);
        } else if is_picture(c) {
            self.picture();
        } else if c.is_alphanumeric() {
            return None;
        } else if !is_unseen(c) {
            self.unknown = self.unknown.saturating_add(1);
            self.text.push('?');
        }
        Some(())
    }

    /// A run of pictures is one tag, however it is spaced.
    fn picture(&mut self) {
        let before = self.text.trim_end();
        if before.ends_with(PICTURE) {
            self.text.truncate(before.len());
        } else {
            self.text.push_str(PICTURE);
        }
    }

    /// Whoever writes to a respelled address writes to somebody else.
    fn end_word(&mut self) -> Option<()> {
        let is_address = std::mem::take(&mut self.at);
        let respelled = std::mem::take(&mut self.respelled);
        (!(is_address && respelled)).then_some(())
    }

    fn finish(mut self) -> Option<String> {
        self.end_word()?;
        (self.unknown.saturating_mul(UNKNOWN_IN) <= self.chars).then_some(self.text)
    }
}

fn sign(c: char) -> Option<&'static str> {
    let mut tables = SIGNS.iter().chain(SHORT_FORMS).chain(LETTERS);
    let found = tables.find(|(signs, _)| signs.contains(c)).map(|(_, plain)| *plain);
    found.or(match c {
        '\u{1F600}'..='\u{1F60E}' | '\u{1F642}' | '☺' => Some(":)"),
        '\u{1F61E}'..='\u{1F625}' | '\u{1F62D}' | '\u{1F641}' | '☹' => Some(":("),
        _ => None,
    })
}

/// The letter, digit or sign behind a typeface that Unicode has as characters of their own.
fn styled(c: char) -> Option<char> {
    let within = |first: char, size: u32| u32::from(c).checked_sub(u32::from(first))?.checked_rem(size);
    let (start, offset) = match c {
        '！'..='～' => ('!', within('！', 94)?),
        '①'..='⑨' => ('1', within('①', 9)?),
        'Ⓐ'..='Ⓩ' => ('A', within('Ⓐ', 26)?),
        'ⓐ'..='ⓩ' => ('a', within('ⓐ', 26)?),
        // Bold, italic and others: each runs through the capitals, then the small letters.
        '\u{1D400}'..='\u{1D6A3}' => match within('\u{1D400}', 52)? {
            capital @ 0..26 => ('A', capital),
            small => ('a', small.checked_sub(26)?),
        },
        '\u{1D7CE}'..='\u{1D7FF}' => ('0', within('\u{1D7CE}', 10)?),
        // In squares and circles, and the halves of flags.
        '\u{1F130}'..='\u{1F149}' => ('A', within('\u{1F130}', 26)?),
        '\u{1F150}'..='\u{1F169}' => ('A', within('\u{1F150}', 26)?),
        '\u{1F170}'..='\u{1F189}' => ('A', within('\u{1F170}', 26)?),
        '\u{1F1E6}'..='\u{1F1FF}' => ('A', within('\u{1F1E6}', 26)?),
        _ => return None,
    };
    let styled = char::from_u32(u32::from(start).checked_add(offset)?)?;
    Some(if styled == '`' { '\'' } else { styled })
}

/// A letter without the marks that the alphabet doesn't have it with: `ç` is `c`, `ǚ` is `ü`.
fn base(c: char) -> Option<char> {
    let (mut base, mut dropped) = (None, false);
    decompose_canonical(c, |part| {
        let with_mark = base.and_then(|base| compose(base, part)).filter(|c| !dropped && septets_of(*c).is_some());
        dropped |= base.is_some() && with_mark.is_none();
        base = with_mark.or(base).or(Some(part));
    });
    base.filter(|base| septets_of(*base).is_some())
}

/// Takes no room of its own: controls, marks of direction and width, marks on the letter before, the box of a keycap.
fn is_unseen(c: char) -> bool {
    let unseen = matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{20dd}'..='\u{20e4}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e01ef}'
    );
    unseen || c.is_control() || canonical_combining_class(c) != 0
}

/// Emoji and their kin, by block: what they show no typewriter can.
const fn is_picture(c: char) -> bool {
    matches!(c, '\u{231A}'..='\u{23FF}' | '\u{2600}'..='\u{27BF}' | '\u{2B00}'..='\u{2BFF}' | '\u{1F000}'..='\u{1FAFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Alphabet;

    #[test]
    fn names_of_many_countries() {
        for (country, name, want) in [
            ("Azerbaijan", "Əliyev Nəriman", Some("Eliyev Neriman")),
            ("Brazil", "João Conceição", Some("Joao Conceicao")),
            ("Czechia", "Jiří Dvořák, Žofie Šťastná", Some("Jiri Dvorak, Zofie Stastna")),
            ("Denmark", "Søren Kjærgård", Some("Søren Kjærgård")),
            ("Estonia", "Õnne Mägi", Some("Onne Mägi")),
            ("France", "Loïc Lefèvre, Françoise, Œdipe", Some("Loic Lefèvre, Francoise, OEdipe")),
            ("Germany", "Jürgen Groß-Äcker", Some("Jürgen Groß-Äcker")),
            ("Hawaii", "Kaʻahumanu", Some("Ka'ahumanu")),
            ("Hungary", "Erdős Győző", Some("Erdos Gyozo")),
            ("Iceland", "Þórður Guðmundsson", Some("Thordur Gudmundsson")),
            ("Ireland", "Seán Ó Súilleabháin", Some("Sean O Suilleabhain")),
            ("Latvia", "Ģirts Ķeniņš", Some("Girts Kenins")),
            ("Lithuania", "Jūratė Žąsytė", Some("Jurate Zasyte")),
            ("Malta", "Ħamrun Żebbuġ", Some("Hamrun Zebbug")),
            ("New Zealand", "Tāne Māhuta", Some("Tane Mahuta")),
            ("Nigeria", "Ọláyẹmí Ṣóyínká, Ɓala", Some("Olayemi Soyinka, Bala")),
            ("Poland", "Łukasz Żółć, Śnieżka", Some("Lukasz Zolc, Sniezka")),
            ("Portugal", "António Guimarães", Some("Antonio Guimaraes")),
            ("Romania", "Ștefan Țăran", Some("Stefan Taran")),
            ("Serbia, Latin", "Đorđe Živković", Some("Dorde Zivkovic")),
            ("Spain", "Íñigo Muñoz, José Ángel", Some("Iñigo Muñoz, José Angel")),
            ("Turkey", "İbrahim Yıldız, Çağrı Şahin", Some("Ibrahim Yildiz, Çagri Sahin")),
            ("Vietnam", "Nguyễn Thị Hương, Đặng", Some("Nguyen Thi Huong, Dang")),
            ("Wales", "Siân Llŷr", Some("Sian Llyr")),
            ("Mandarin in Latin", "Lǚ Xiǎomíng", Some("Lü Xiaoming")),
            ("Armenia", "Արամ Խաչատրյան", None),
            ("Bulgaria", "Ивайло Петров", None),
            ("China", "王小明", None),
            ("Egypt", "محمد عبد الله", None),
            ("Ethiopia", "አበበ ቢቂላ", None),
            ("Georgia", "გიორგი", None),
            ("Greece", "Γιώργος Παπαδόπουλος", None),
            ("India", "अमिताभ बच्चन", None),
            ("Israel", "דָּוִד לוי", None),
            ("Japan", "ガルシア 花子", None),
            ("Korea", "김철수", None),
            ("Russia", "Алексей Ёлкин", None),
            ("Tamil Nadu", "தமிழ்", None),
            ("Thailand", "สมชาย", None),
            ("one letter among many", "We need fifty tents by tomorrow morning, says Mr. Я of Example Ltd.", None),
        ] {
            assert_eq!(plain(name).as_deref(), want, "{country}");
        }
    }

    #[test]
    fn what_a_keyboard_makes_of_plain_signs() {
        for (name, text, want) in [
            ("quotes", "‘a’ “b” „c“ «d» ‹e› `f´ 5′ 6″", Some("'a' \"b\" \"c\" \"d\" 'e' 'f' 5' 6\"")),
            ("dashes", "a–b — c−d non‑breaking", Some("a-b - c-d non-breaking")),
            ("dots", "wait… • one · two", Some("wait... * one - two")),
            ("spaces", "a\u{a0}b\tc\u{2009}d\u{3000}e", Some("a b c d e")),
            ("what can't be seen", "\u{feff}a\u{200b}b\u{ad}c\u{202e}d\u{fe0f}", Some("abcd")),
            ("controls", "a\u{0}b\u{1b}c", Some("abc")),
            ("money", "₹50,000 or 900 ₽ or 20 € or 5¢", Some("INR50,000 or 900 RUB or 20 € or 5c")),
            (
                "measures",
                "20°C, 5 m², 10², 2½ or ½ × ±3 µm, ≥ 4",
                Some("20degC, 5 m2, 10^2, 2 1/2 or 1/2 x +/-3 um, >= 4"),
            ),
            ("typefaces", "𝗨𝗿𝗴𝗲𝗻𝘁 𝟓𝟎 ＴＥＮＴＳ＠４ Ⓐⓑ 🅰 ① ﬁne", Some("Urgent 50 TENTS@4 Ab A 1 fine")),
            ("a composed letter in two", "Jose\u{301} Garc\u{327}a\u{303}o q\u{303}", Some("José Garcao q")),
            ("a sign of capitals", "Ω 5 \u{2126} \u{212b}", Some("Ω 5 Ω Å")),
            ("pictures", "need 3 🎪, 2 🥁🥁 🥁 by 📅🔥", Some("need 3 (emoji), 2 (emoji) by (emoji)")),
            ("one picture of several", "👨‍👩‍👧 👍🏽 ☎️ 1️⃣", Some("(emoji) Tel 1")),
            ("moods", "great 😀 I ❤️ it ☹️❗", Some("great :) I <3 it :(!")),
            ("flags", "from 🇩🇪", Some("from DE")),
            ("nothing but a picture", "🔥", Some("(emoji)")),
            ("an address is not respelled", "write to garção@example.com", None),
            ("nor in two characters", "write to a\u{327}@example.com.", None),
            (
                "an address among letters that are",
                "João: “joao@example.com”, Braga",
                Some("Joao: \"joao@example.com\", Braga"),
            ),
        ] {
            assert_eq!(plain(text).as_deref(), want, "{name}");
        }
    }

    #[test]
    fn a_sign_here_and_there_may_be_unknown() {
        for (others, want) in [(48, None), (49, Some("?")), (200, Some("?"))] {
            let others = "a".repeat(others);
            assert_eq!(plain(&format!("⊕{others}")), want.map(|want| format!("{want}{others}")));
        }
    }

    #[test]
    fn every_replacement_is_plain() {
        for (signs, plain) in SIGNS.iter().chain(SHORT_FORMS).chain(LETTERS) {
            assert!(signs.chars().all(|c| septets_of(c).is_none() && sign(c) == Some(*plain)), "{signs}");
            assert_eq!(Alphabet::of(plain), Alphabet::Gsm7, "{signs}");
        }
        for c in (0..=0x0010_FFFF).filter_map(char::from_u32) {
            for plain in [styled(c), base(c)].into_iter().flatten() {
                assert!(septets_of(plain).is_some(), "{c:?}: {plain:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn plain_is_plain_for_good(text in prop_oneof![any::<String>(), "[ -~“”é-ǿ🎪️⊕½²@]{0,200}"]) {
            if let Some(once) = plain(&text) {
                prop_assert_eq!(Alphabet::of(&once), Alphabet::Gsm7);
                prop_assert_eq!(plain(&once), Some(once));
            }
        }
    }
}
