//! A lead's own words, made harmless for a phone: control characters become spaces, links can't be tapped.
//!
//! Called by `text` for each field of a lead, after anything that could turn a harmless character into a dot. E-mail
//! addresses and numbers stay as they are: a person is meant to use them.

/// One line, no control characters, no links that a thumb could follow.
pub(super) fn safe(text: &str) -> String {
    let words: Vec<String> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .map(defanged)
        .collect();
    words.join(" ")
}

/// `http://evil.example/x` becomes `hxxp://evil[.]example/x`; e-mail addresses and numbers stay as they are.
///
/// Phones make a link of any name whose last dot has letters behind it, whatever stands around it. So each dot is judged
/// by its neighbours alone; behind a scheme even addresses of digits are links, and no dot stays.
fn defanged(word: &str) -> String {
    if is_address(word) {
        return word.to_owned();
    }
    let has_scheme = word.contains("://");
    let mut safe = String::new();
    let (mut before, mut rest) = (None, word);
    while let Some(c) = rest.chars().next() {
        let http = rest.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"));
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        let links = before.is_some_and(joins) && after.chars().take_while(|c| c.is_alphabetic()).take(2).count() == 2;
        rest = match c {
            _ if has_scheme && http => {
                safe.push_str("hxxp");
                rest.get(4..).unwrap_or_default()
            }
            '.' if has_scheme || links => {
                safe.push_str("[.]");
                after
            }
            _ => {
                safe.push(c);
                after
            }
        };
        before = Some(c);
    }
    safe
}

/// What may end a name before a dot: letters, digits, and the pictures that some registries sell.
fn joins(c: char) -> bool {
    c.is_alphanumeric() || !c.is_ascii()
}

/// Whether a word is an e-mail address and nothing else: phones then offer to write a mail, and open no page.
fn is_address(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    let allowed = |c: char| c.is_alphanumeric() || "@._+-".contains(c);
    bare.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && !domain.contains('@'))
        && bare.chars().all(allowed)
        && !word.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_lead_steers_the_phone() {
        for (name, raw, want) in [
            ("link", "see https://evil.example/x?y now", "see hxxps://evil[.]example/x?y now"),
            ("bare host", "go to www.evil.example.", "go to www[.]evil[.]example."),
            ("port", "evil.com:8080/login", "evil[.]com:8080/login"),
            ("in quotes", "\"evil.com\" 'evil.com'", "\"evil[.]com\" 'evil[.]com'"),
            ("in brackets", "(evil.com) <evil.com> evil.com)", "(evil[.]com) <evil[.]com> evil[.]com)"),
            (
                "behind a user",
                "x@evil.com/path x@evil.com:80 x@evil.com/",
                "x@evil[.]com/path x@evil[.]com:80 x@evil[.]com/",
            ),
            ("behind an address", "a@b.co,evil.com a@b.co?evil.com", "a@b[.]co,evil[.]com a@b[.]co?evil[.]com"),
            ("two of them", "a@b@evil.com", "a@b@evil[.]com"),
            ("behind a comma", "now,evil.com/x", "now,evil[.]com/x"),
            ("any case", "HTTPS://EVIL.COM HtTp://e.co", "hxxpS://EVIL[.]COM hxxp://e[.]co"),
            ("digits as a host", "http://10.0.0.1/x", "hxxp://10[.]0[.]0[.]1/x"),
            ("a link in a link", "http://a.co/?u=http://b.co", "hxxp://a[.]co/?u=hxxp://b[.]co"),
            ("a name of another script", "пример.рф 💩.la xn--p1.xn--p1ai", "пример[.]рф 💩[.]la xn--p1[.]xn--p1ai"),
            ("no link", "e.g. v2.x etc... .net https", "e.g. v2.x etc... .net https"),
            (
                "addresses in the wild",
                "<a.b@example.com>, (c_d+e@example.co.uk).",
                "<a.b@example.com>, (c_d+e@example.co.uk).",
            ),
            ("address", "mail a.b@example.com", "mail a.b@example.com"),
            ("amount", "budget is 450.000 or 1.5", "budget is 450.000 or 1.5"),
            ("controls", "a\r\nAT+CMGS=1\u{1a}b\u{0}c", "a AT+CMGS=1 b c"),
            ("sentence", "Hello.How are you", "Hello[.]How are you"),
        ] {
            assert_eq!(safe(raw), want, "{name}");
        }
    }
}
