//! Hides e-mail addresses and telephone numbers from the model, and leaves what it needs: quantities, prices, dates.
//!
//! Pure; called by `prompt` unless the operator switched it off. A number that could be either is judged by its shape,
//! by the words before it, and by the number that the lead gave; hiding a stray order number is harmless, hiding
//! "50 units by 2026-12-01" would cost a sale. National shapes: E.164, ITU-T E.123, and the 3-3-4 of the NANP.

/// What stands in place of an address.
const EMAIL: &str = "[email]";
/// What stands in place of a number.
const PHONE: &str = "[phone]";
/// Words, or their beginnings, that announce a telephone number.
const ANNOUNCED_BY: [&str; 22] = [
    "tel", "tél", "phone", "fon", "call", "ring", "mobil", "móvil", "movil", "cell", "celular", "handy", "whatsapp",
    "fax", "sms", "ruf", "anruf", "llám", "llam", "тел", "电话", "電話",
];
/// What stands before or after a price.
const MONEY: [&str; 24] = [
    "€", "$", "£", "¥", "₹", "₽", "₩", "₺", "zł", "eur", "usd", "gbp", "chf", "inr", "pln", "sek", "nok", "dkk", "aud",
    "cad", "dollar", "pound", "rupee", "peso",
];

/// `text` without contacts. `known` are numbers that the lead gave: those are hidden whatever they look like.
pub(super) fn contacts(text: &str, known: &[&str]) -> String {
    let known: Vec<String> = known.iter().map(|number| number.chars().filter_map(digit).collect()).collect();
    phones(&emails(text), &known)
}

fn emails(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        let local = before.trim_end_matches(|c: char| c.is_alphanumeric() || "._%+-'".contains(c));
        let tail = after.trim_start_matches(|c: char| c.is_alphanumeric() || ".-".contains(c));
        let domain = until(after, tail).trim_end_matches(['.', '-']);
        let (_, top) = domain.rsplit_once('.').unwrap_or(("", ""));
        if local.len() < before.len() && top.chars().count() >= 2 && top.chars().any(char::is_alphabetic) {
            masked.push_str(local);
            masked.push_str(EMAIL);
            rest = after.strip_prefix(domain).unwrap_or("");
        } else {
            masked.push_str(before);
            masked.push('@');
            rest = after;
        }
    }
    masked.push_str(rest);
    masked
}

fn phones(text: &str, known: &[String]) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut behind = masked.chars().rev();
        let last = behind.next().unwrap_or(' ');
        // The tail of a word, a decimal or a time is no start of a number.
        let inside =
            last.is_alphanumeric() || (matches!(last, ',' | '.' | ':') && behind.next().and_then(digit).is_some());
        let taken = if inside { None } else { taken(&masked, rest, known) };
        match taken {
            Some((length, true)) => {
                masked.push_str(PHONE);
                rest = rest.get(length..).unwrap_or("");
            }
            Some((length, false)) => {
                masked.push_str(rest.get(..length).unwrap_or(""));
                rest = rest.get(length..).unwrap_or("");
            }
            None => {
                masked.push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or("");
            }
        }
    }
    masked
}

/// What begins at the start of `rest`: how many bytes belong together, and whether they are a telephone number.
fn taken(before: &str, rest: &str, known: &[String]) -> Option<(usize, bool)> {
    if let Some(length) = date(rest) {
        return Some((length, false));
    }
    let number = Number::at(rest)?;
    let is_phone = number.is_phone(before, rest.get(number.length..).unwrap_or(""), known);
    Some((number.length, is_phone))
}

/// Groups of digits with the separators people put between them.
struct Number {
    length: usize,
    plus: bool,
    groups: Vec<String>,
    dotted: bool,
}

impl Number {
    fn at(text: &str) -> Option<Self> {
        let bare = text.strip_prefix('(').filter(|bare| opens_area_code(bare)).unwrap_or(text);
        let digits_on = bare.strip_prefix('+').unwrap_or(bare);
        let mut number = Self { length: 0, plus: digits_on.len() < bare.len(), groups: Vec::new(), dotted: true };
        let mut rest = digits_on;
        let mut ends = Vec::new();
        loop {
            let group: String = rest.chars().map_while(digit).collect();
            let so_far = number.digits().len();
            if group.is_empty() || so_far.saturating_add(group.len()) > 15 || (so_far > 0 && date(rest).is_some()) {
                break;
            }
            number.groups.push(group);
            let tail = rest.trim_start_matches(|c| digit(c).is_some());
            ends.push(text.len().saturating_sub(tail.len()));
            let Some(separator) = separator(tail) else { break };
            number.dotted &= separator == ".";
            rest = tail.strip_prefix(separator).unwrap_or("");
        }
        number.drop_quantity(text, &mut ends);
        number.length = *ends.last()?;
        Some(number)
    }

    /// "+49 171 2345678 50 pieces": the last group is not part of a number that is long enough without it.
    fn drop_quantity(&mut self, text: &str, ends: &mut Vec<usize>) {
        let counted = ends.last().and_then(|end| text.get(*end..)).unwrap_or("").trim_start_matches(' ');
        let last = self.groups.last().map_or(0, String::len);
        if counted.starts_with(char::is_alphabetic) && self.digits().len().saturating_sub(last) >= 10 {
            self.groups.pop();
            ends.pop();
        }
    }

    fn digits(&self) -> String {
        self.groups.concat()
    }

    fn is_phone(&self, before: &str, after: &str, known: &[String]) -> bool {
        let digits = self.digits();
        let same = |number: &String| number.len() >= 7 && (number.ends_with(&digits) || digits.ends_with(number));
        if digits.len() >= 6 && known.iter().any(same) {
            return true;
        }
        let price = !self.plus && is_price(before, after);
        if !(7..=15).contains(&digits.len()) || after.starts_with(char::is_alphanumeric) || price {
            return false;
        }
        let lengths: Vec<usize> = self.groups.iter().map(String::len).collect();
        let area = |group: usize| self.groups.get(group).is_some_and(|g| g.starts_with(|c| c >= '2'));
        let north_american = matches!(*lengths, [3, 3, 4]) && area(0) || matches!(*lengths, [1, 3, 3, 4]) && area(1);
        let trunk = digits.len() >= 8 && lengths.first() >= Some(&2) && digits.starts_with('0');
        let bare = lengths.len() == 1 && digits.len() >= 9;
        let thousands = self.dotted && lengths.len() > 1 && lengths.iter().skip(1).all(|n| *n == 3);
        let round = digits.ends_with("000");
        let told = announced(before) && !thousands && !is_compact_date(&digits);
        self.plus || trunk || north_american || (!round && (bare || told))
    }
}

fn digit(c: char) -> Option<char> {
    let zero = match c {
        '0'..='9' => '0',
        '٠'..='٩' => '٠',
        '۰'..='۹' => '۰',
        '０'..='９' => '０',
        _ => return None,
    };
    char::from_digit(u32::from(c).saturating_sub(u32::from(zero)), 10)
}

/// `171) 234…`: the bracket closes right after the digits.
fn opens_area_code(text: &str) -> bool {
    let digits = text.trim_start_matches('+');
    let tail = digits.trim_start_matches(|c| digit(c).is_some());
    tail.len() < digits.len() && tail.starts_with(')')
}

/// The separator at the start of `text`, if a digit follows it.
fn separator(text: &str) -> Option<&'static str> {
    const KNOWN: [&str; 13] = [" / ", " - ", ") ", ")-", ")/", " (", " ", ".", "-", "/", "\u{a0}", "(", ")"];
    let follows = |sep: &&&str| text.strip_prefix(**sep).is_some_and(|rest| rest.starts_with(|c| digit(c).is_some()));
    KNOWN.iter().find(follows).copied()
}

/// The length of a date at the start of `text`: 2026-12-01, 1.12.2026, 12/01/26.
fn date(text: &str) -> Option<usize> {
    let (first, rest, a) = part(text)?;
    let separator = rest.chars().next().filter(|c| matches!(c, '-' | '.' | '/'))?;
    let (second, rest, b) = part(rest.strip_prefix(separator)?)?;
    let (third, rest, c) = part(rest.strip_prefix(separator)?)?;
    let year = |value, digits| digits == 4 && (1900..2100).contains(&value) || digits == 2;
    let day = |value, digits| digits <= 2 && (1..=31).contains(&value);
    let ymd = a == 4 && year(first, a) && day(second, b) && day(third, c);
    let dmy = day(first, a) && day(second, b) && year(third, c);
    (ymd || dmy).then(|| text.len().saturating_sub(rest.len()))
}

/// A group of digits: its value, what follows, how many digits it has.
fn part(text: &str) -> Option<(u32, &str, usize)> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = until(text, rest);
    Some((digits.parse().ok()?, rest, digits.len()))
}

/// What of `text` stands before its end `tail`. Unlike `strip_suffix` it compares nothing, which took a text of nothing but
/// dates the square of its length.
fn until<'t>(text: &'t str, tail: &str) -> &'t str {
    text.get(..text.len().saturating_sub(tail.len())).unwrap_or("")
}

fn is_compact_date(digits: &str) -> bool {
    let number = |from, to| digits.get(from..to).and_then(|part| part.parse().ok()).unwrap_or(0_u32);
    digits.len() == 8 && (1900..2100).contains(&number(0, 4)) && (1..=12).contains(&number(4, 6))
}

fn is_price(before: &str, after: &str) -> bool {
    let last = before.split_whitespace().next_back().unwrap_or("").to_lowercase();
    let next = after.split_whitespace().next().unwrap_or("").to_lowercase();
    MONEY.iter().any(|money| last.ends_with(money) || next.starts_with(money))
}

/// Whether one of the few words before a number says that it is a telephone's.
fn announced(before: &str) -> bool {
    before.split_whitespace().rev().take(4).any(|word| {
        let word = word.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        ANNOUNCED_BY.iter().any(|hint| word.starts_with(hint) || (!hint.is_ascii() && word.contains(hint)))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn contacts_go() {
        for (text, want) in [
            ("write to ada.l+x@example.co.uk.", "write to [email]."),
            ("<jörg@bücher.de>,b@c.io", "<[email]>,[email]"),
            ("+1 555 123 4567", "[phone]"),
            ("+15551234567, thanks", "[phone], thanks"),
            ("(555) 123-4567 or 555.123.4567", "[phone] or [phone]"),
            ("1-800-555-0199", "[phone]"),
            ("+49 (0) 171 / 2345678", "[phone]"),
            ("+49 (0) 171/2345678", "[phone]"),
            ("(+49) 171-2345678", "[phone]"),
            ("0171 2345678 oder 030/1234567", "[phone] oder [phone]"),
            ("06 12 34 56 78 merci", "[phone] merci"),
            ("5551234567", "[phone]"),
            ("call me at 555-1234", "call me at [phone]"),
            ("mi móvil es 612 345 678", "mi móvil es [phone]"),
            ("电话：13912345678", "电话：[phone]"),
            ("هاتف ٠٥٥١٢٣٤٥٦٧", "هاتف [phone]"),
            ("+49 171 2345678 50 Stück", "[phone] 50 Stück"),
            ("+1 555 123 4567 - 50 units", "[phone] - 50 units"),
            ("call 0171 2345678 2026-12-01", "call [phone] 2026-12-01"),
            ("pay in NOK +4721345678 is mine", "pay in NOK [phone] is mine"),
        ] {
            assert_eq!(contacts(text, &[]), want, "{text}");
        }
        assert_eq!(contacts("we are 612 345 678", &["+34 612 345 678"]), "we are [phone]");
    }

    #[test]
    fn what_sells_stays() {
        for text in [
            "50 units by 2026-12-01",
            "from 01.12.2026 to 05.12.2026, 09:00-17:00",
            "call me on 01/12/2026 at 14:30",
            "call me about 10000000 flyers, budget 2.500.000",
            "a budget of $1250000, or 1 250 000 EUR",
            "€ 001234567",
            "between 1000-2000 units, 50 75 100 150 mm",
            "12,500,000 impressions at 0.12345678 each",
            "ZIP 94107-1234, part AB12345678901, 4711000000",
            "192.168.100.200 and v1.22.333.4444",
            "meet @ 10.50, handle @nightdesk, 50@10.50",
            "call before 20261201",
        ] {
            assert_eq!(contacts(text, &[]), text);
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_plain_words_stay(text in "\\PC*", words in "[a-z ]{0,40}") {
            drop(contacts(&text, &[&text]));
            prop_assert_eq!(contacts(&words, &[]), words);
        }

        #[test]
        fn no_plus_number_survives(cc in 1_u32..999, n in 1_000_000_u64..999_999_999_999, left in "[a-z ,]{0,9} ") {
            let number = format!("+{cc}{n}");
            let masked = contacts(&format!("{left}{number} please"), &[]);
            prop_assert!(!masked.contains(&n.to_string()));
        }
    }
}
