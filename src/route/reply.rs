//! What a person means who answers a text. Pure: the text in, codes and a wish out.
//!
//! People type with thumbs: case, spaces, quotes, `#` and invisible characters don't matter. A machine that answers by itself
//! must not claim a lead, so a long text, or one that repeats ours, means nothing. Who wrote is not judged here.

use crate::model::LeadCode;

/// More words than this are a letter or a machine's, not an answer.
const MOST_WORDS: usize = 8;
/// A bare yes or no is short.
const MOST_BARE_WORDS: usize = 3;
/// Nobody takes more leads at once.
const MOST_CODES: usize = 3;

const YES: &[&str] =
    &["OK", "OKAY", "K", "ACK", "YES", "Y", "YEP", "YEAH", "YUP", "SURE", "MINE", "GOT", "JA", "SI", "OUI", "OJ"];
const THUMBS: &[char] = &['👍', '👌', '✅', '✔', '🆗', '🙋'];
const NO: &[&str] = &[
    "NO", "NOT", "NOPE", "NAH", "PASS", "CANT", "CANNOT", "DONT", "WONT", "BUSY", "NEXT", "NEIN", "NEJ", "NON",
    "DECLINE",
];
/// What our own texts say, and machines that answer for their owner.
const MACHINES: &[&str] = &[
    "URGENT",
    "UNCLASSIFIED",
    "CLAIMED",
    "REPEAT",
    "AUTO",
    "AUTOMATIC",
    "AUTOMATED",
    "AUTOREPLY",
    "OOO",
    "VACATION",
    "AWAY",
    "DRIVING",
    "UNSUBSCRIBE",
    "STOP",
];

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// To take the lead on.
    Claim,
    /// To pass it on.
    Pass,
    /// To be told what can be answered.
    Help,
    /// It names leads, but what is to become of which can't be told.
    Unclear,
    /// Nothing that we understand.
    Nothing,
}

/// An answer, as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The leads it names; none where it is for the only one that is open.
    pub codes: Vec<LeadCode>,
    /// What is asked for.
    pub wish: Wish,
}

/// Reads an answer.
#[must_use]
pub fn read(text: &str) -> Reply {
    let thumbs = text.contains(THUMBS);
    let words = words(text);
    let says = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    let mut codes: Vec<LeadCode> = Vec::new();
    for code in words.iter().filter_map(|word| LeadCode::typed(word)) {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    let refuses = says(NO);
    let wish = if words.len() > MOST_WORDS || says(MACHINES) {
        Wish::Nothing
    } else if codes.is_empty() && words.first().is_some_and(|word| word == "HELP") {
        Wish::Help
    } else if codes.len() > MOST_CODES || (codes.len() > 1 && refuses) {
        Wish::Unclear
    } else if codes.is_empty() && words.len() > MOST_BARE_WORDS {
        Wish::Nothing
    } else if refuses {
        Wish::Pass
    } else if !codes.is_empty() || thumbs || says(YES) {
        Wish::Claim
    } else {
        Wish::Nothing
    };
    if matches!(wish, Wish::Nothing | Wish::Help) {
        codes.clear();
    }
    Reply { codes, wish }
}

/// The words in capitals, without what a keyboard puts around them. A code that was typed in two pieces is one word.
fn words(text: &str) -> Vec<String> {
    let visible = |c: &char| !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\'' | '’' | '`' | '´');
    let text: String = text.chars().filter(visible).flat_map(char::to_uppercase).collect();
    let mut words: Vec<String> = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        match words.last_mut() {
            Some(letter) if letter.len() == 1 && LeadCode::typed(&format!("{letter}{word}")).is_some() => {
                letter.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_answer_as_they_type() {
        use Wish::{Claim, Help, Nothing, Pass, Unclear};
        for (text, codes, wish) in [
            ("K7", "K7", Claim),
            ("k7", "K7", Claim),
            (" k 7 ", "K7", Claim),
            ("#K7", "K7", Claim),
            ("\"K7\"", "K7", Claim),
            ("«k7».", "K7", Claim),
            ("K\u{200b}7", "K7", Claim),
            ("K7 👍", "K7", Claim),
            ("k7 on it, calling now", "K7", Claim),
            ("ok k7", "K7", Claim),
            ("K72", "K72", Claim),
            ("K7 M3", "K7 M3", Claim),
            ("k7 k7", "K7", Claim),
            ("K7 NO", "K7", Pass),
            ("no K7", "K7", Pass),
            ("k7 - can’t, at the dentist", "K7", Pass),
            ("K7\nno", "K7", Pass),
            ("K7 NO M3", "K7 M3", Unclear),
            ("A2 A3 A4 A5", "A2 A3 A4 A5", Unclear),
            ("ok", "", Claim),
            ("Ok 👍", "", Claim),
            ("👍🏽", "", Claim),
            ("ACK", "", Claim),
            ("yes!", "", Claim),
            ("no", "", Pass),
            ("HELP", "", Help),
            ("help?", "", Help),
            ("", "", Nothing),
            ("?", "", Nothing),
            ("who is this", "", Nothing),
            ("ok I will look at it tomorrow morning", "", Nothing),
            ("K8 is a nice boat, call me when you are back from lunch please", "", Nothing),
            ("I am driving with K7", "", Nothing),
            ("Auto reply: I'll get back to you, K7", "", Nothing),
            ("K7 URGENT +4681234 Anna", "", Nothing),
            ("K7 claimed by Dana", "", Nothing),
            ("STOP", "", Nothing),
            ("K", "", Claim),
            ("K1 B7 S0", "", Nothing),
            ("K7'); DROP TABLE claims;--", "K7", Claim),
        ] {
            let got = read(text);
            let shown: Vec<String> = got.codes.iter().map(ToString::to_string).collect();
            assert_eq!((shown.join(" ").as_str(), got.wish), (codes, wish), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,400}") {
            let reply = read(&text);
            assert!(reply.codes.len() <= MOST_WORDS);
        }

        #[test]
        fn a_long_text_means_nothing(words in proptest::collection::vec("[a-zA-Z]{3,9}", 9..40)) {
            assert_eq!(read(&format!("K7 {}", words.join(" "))).wish, Wish::Nothing);
        }
    }
}
