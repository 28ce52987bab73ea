//! The words of a text to the person on call.
//!
//! A lead's text is data: control characters become spaces, links can't be tapped, no character is cut, and the whole is
//! never more than so many parts. Code and number come first, so that a text that was cut or re-ordered is still of use.

use minijinja::{Environment, context};

use crate::model::{Layout, Lead};

/// Used when the configuration gives none.
const DEFAULT_TEMPLATE: &str = "{{ code }} {{ class }} {{ phone or email or 'no contact' }} {{ name or 'no name' }} via {{ source }}: {{ message }}";

/// What marks the one repeat after an unknown outcome.
const REPEAT_MARK: &str = "(repeat) ";

/// A template that minijinja can't take.
#[derive(Debug, thiserror::Error)]
#[error("not a template: {0}")]
pub struct TemplateError(#[from] minijinja::Error);

/// The template of a text: `code`, `class`, `name`, `phone`, `email`, `source` and `message` are what it may use.
#[derive(Debug, Clone)]
pub struct SmsTemplate {
    environment: Environment<'static>,
}

impl Default for SmsTemplate {
    fn default() -> Self {
        let mut environment = Environment::new();
        // The constant is a valid template (a test renders it); if it were not, `render` falls back to plain words.
        drop(environment.add_template("sms", DEFAULT_TEMPLATE));
        Self { environment }
    }
}

impl SmsTemplate {
    /// Takes the operator's template. A lead for which it turns out blank or fails is told in plain words.
    ///
    /// # Errors
    /// When it is no template, or fails on an ordinary lead: say so at `check`, not at night.
    pub fn new(source: &str) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        environment.add_template_owned("sms", source.to_owned())?;
        let template = Self { environment };
        template.try_render(
            &Words { code: "K7", class: "URGENT", name: "", phone: "", email: "", source: "website" },
            "text",
        )?;
        Ok(template)
    }

    /// The text about `lead`, with as much of the message as fits into `max_parts`.
    #[must_use]
    pub fn text(&self, lead: &Lead, class: &str, max_parts: usize) -> String {
        let code = lead.code.to_string();
        let (name, phone, email, source) = (
            safe(lead.name.as_deref().unwrap_or_default()),
            safe(
                lead.phone.as_ref().map(crate::model::Phone::as_str).or(lead.phone_text.as_deref()).unwrap_or_default(),
            ),
            lead.email.clone().unwrap_or_default(),
            safe(&lead.source),
        );
        let words = Words { code: &code, class, name: &name, phone: &phone, email: &email, source: &source };
        let message = safe(lead.message.as_deref().unwrap_or(if lead.raw_message.is_empty() {
            "(no message yet)"
        } else {
            "(message not readable yet)"
        }));
        fit(&message, max_parts, |excerpt| self.render(&words, excerpt))
    }

    fn render(&self, words: &Words<'_>, message: &str) -> String {
        let text = self.try_render(words, message).ok().filter(|text| !text.trim().is_empty());
        text.unwrap_or_else(|| format!("{} {} {} {}: {message}", words.code, words.class, words.phone, words.name))
    }

    fn try_render(&self, words: &Words<'_>, message: &str) -> Result<String, minijinja::Error> {
        let Words { code, class, name, phone, email, source } = *words;
        self.environment.get_template("sms")?.render(context! { code, class, name, phone, email, source, message })
    }
}

struct Words<'a> {
    code: &'a str,
    class: &'a str,
    name: &'a str,
    phone: &'a str,
    email: &'a str,
    source: &'a str,
}

/// The same text, marked as the one repeat; its end gives way to the mark if need be.
#[must_use]
pub fn repeated(text: &str, max_parts: usize) -> String {
    fit(text, max_parts, |kept| format!("{REPEAT_MARK}{kept}"))
}

/// The longest start of `message` with which `render` stays within `max_parts`; cut texts end in `...`.
fn fit(message: &str, max_parts: usize, render: impl Fn(&str) -> String) -> String {
    let fits = |text: &str| Layout::of(text).parts.len() <= max_parts.max(1);
    let whole = render(message);
    if fits(&whole) {
        return whole;
    }
    let ends: Vec<usize> = message.char_indices().map(|(at, _)| at).collect();
    let cut = |chars: usize| {
        let end = ends.get(chars).copied().unwrap_or(message.len());
        render(&format!("{}...", message.get(..end).unwrap_or_default().trim_end()))
    };
    let (mut low, mut high) = (0_usize, ends.len());
    while low < high {
        let middle = low.saturating_add(high).saturating_add(1).div_euclid(2);
        if fits(&cut(middle)) { low = middle } else { high = middle.saturating_sub(1) }
    }
    let text = cut(low);
    if fits(&text) { text } else { hard_cut(&text, max_parts) }
}

/// For templates whose fixed words alone are too long: whole characters of the first parts.
fn hard_cut(text: &str, max_parts: usize) -> String {
    Layout::of(text).parts.into_iter().take(max_parts.max(1)).collect()
}

/// One line, no control characters, no links that a thumb could follow.
fn safe(text: &str) -> String {
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
    use super::super::tests::lead;
    use super::*;

    #[test]
    fn the_default_text() {
        let text = SmsTemplate::default().text(&lead(), "URGENT", 3);
        assert_eq!(text, format!("{} URGENT +46812345678 Anna Berg via website: 50 units by tomorrow", lead().code));
    }

    #[test]
    fn long_messages_are_cut_at_whole_characters() {
        for message in ["🔥".repeat(500), "€".repeat(1_000), "word ".repeat(400), "ж".repeat(600)] {
            for max_parts in 1..4 {
                let lead = Lead { message: Some(message.clone()), ..lead() };
                let text = SmsTemplate::default().text(&lead, "URGENT", max_parts);
                assert!(Layout::of(&text).parts.len() <= max_parts);
                assert!(text.ends_with("..."), "{text}");
                let marked = repeated(&text, max_parts);
                assert!(marked.starts_with("(repeat) ") && Layout::of(&marked).parts.len() <= max_parts);
            }
        }
    }

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

    #[test]
    fn templates_are_checked_before_the_night() {
        assert!(SmsTemplate::new("{{ code }}: {{ message }}").is_ok());
        assert!(SmsTemplate::new("{{ code ").is_err());
        assert!(SmsTemplate::new("{{ surname }}").is_err());
    }

    #[test]
    fn a_template_that_says_nothing_gives_way_to_plain_words() {
        let plain = format!("{} URGENT +46812345678 Anna Berg: 50 units by tomorrow", lead().code);
        for source in
            ["", " \n", "{% if code == 'K7' %}{{ message }}{% endif %}", "{{ message.nobody.knows if code != 'K7' }}"]
        {
            assert_eq!(SmsTemplate::new(source).unwrap().text(&lead(), "URGENT", 3), plain, "{source}");
        }
    }
}
