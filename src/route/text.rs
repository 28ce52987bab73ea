//! The words of a text to the person on call.
//!
//! A lead's text is data: it is made safe, no character is cut, and the whole is never more than so many parts. Code and
//! number come first, so that a text that was cut or re-ordered is still of use.
//! A few quotes or accents don't double what it costs: where plain characters take fewer parts, they are taken.

use minijinja::{Environment, context};

use super::safe::safe;
use super::translit::plain;
use crate::model::{Alphabet, Layout, Lead, Phone};

/// Used when the configuration gives none.
const DEFAULT_TEMPLATE: &str = "{{ code }} {{ class }} {{ phone or email or 'no contact' }} {{ name or 'no name' }} via {{ source }}: {{ message }}";

/// What whoever has claimed a lead is sent: all that is needed to call the prospect.
const BRIEFING: &str = "{{ code }} is yours. {{ phone or email or 'no contact' }} {{ email if phone else '' }} {{ name or 'no name' }}: {{ message }}";

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
        Self::built_in(DEFAULT_TEMPLATE)
    }
}

impl SmsTemplate {
    /// The text for whoever has claimed the lead.
    #[must_use]
    pub(super) fn briefing() -> Self {
        Self::built_in(BRIEFING)
    }

    fn built_in(source: &'static str) -> Self {
        let mut environment = Environment::new();
        // Our own are valid (tests render them); if one were not, `render` falls back to plain words.
        drop(environment.add_template("sms", source));
        Self { environment }
    }

    /// Takes the operator's template. A lead for which it turns out blank or fails is told in plain words.
    ///
    /// # Errors
    /// When it is no template, or fails on an ordinary lead: say so at `check`, not at night.
    pub fn new(source: &str) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        environment.add_template_owned("sms", source.to_owned())?;
        let template = Self { environment };
        template.try_render("K7", "URGENT", &Words { source: "website".to_owned(), ..Words::default() }, "text")?;
        Ok(template)
    }

    /// The text about `lead`, with as much of the message as fits into `max_parts`; with `translit` in plain characters
    /// where that saves parts or words.
    #[must_use]
    pub fn text(&self, lead: &Lead, class: &str, max_parts: usize, translit: bool) -> String {
        let code = lead.code.to_string();
        let words = Words::of(lead);
        let (own, plainly) = (words.safe(), words.plain().filter(|_| translit));
        let own = fit(&own.message, max_parts, |excerpt| self.render(&code, class, &own, excerpt));
        if own.is_whole() && Alphabet::of(&own.text) == Alphabet::Gsm7 {
            return own.text;
        }
        // Made safe after it was made plain: a plain dot may make a link of what was none.
        let plainly = plainly.map(|words| words.safe()).map(|words| {
            let plainly = |text: String| plain(&text).unwrap_or(text);
            fit(&words.message, max_parts, |excerpt| plainly(self.render(&code, class, &words, excerpt)))
        });
        plainly.filter(|plainly| plainly.is_better_than(&own)).unwrap_or(own).text
    }

    fn render(&self, code: &str, class: &str, words: &Words, message: &str) -> String {
        let text = self.try_render(code, class, words, message).ok().filter(|text| !text.trim().is_empty());
        text.unwrap_or_else(|| format!("{code} {class} {} {}: {message}", words.phone, words.name))
    }

    fn try_render(&self, code: &str, class: &str, words: &Words, message: &str) -> Result<String, minijinja::Error> {
        let Words { name, phone, email, source, .. } = words;
        self.environment.get_template("sms")?.render(context! { code, class, name, phone, email, source, message })
    }
}

/// What a lead says of itself.
#[derive(Default)]
struct Words {
    name: String,
    phone: String,
    email: String,
    source: String,
    message: String,
}

impl Words {
    fn of(lead: &Lead) -> Self {
        let no_message = if lead.raw_message.is_empty() { "(no message yet)" } else { "(message not readable yet)" };
        let phone = lead.phone.as_ref().map(Phone::as_str).or(lead.phone_text.as_deref());
        Self {
            name: lead.name.clone().unwrap_or_default(),
            phone: phone.unwrap_or_default().to_owned(),
            email: lead.email.clone().unwrap_or_default(),
            source: lead.source.clone(),
            message: lead.message.as_deref().unwrap_or(no_message).to_owned(),
        }
    }

    /// An e-mail address has the shape of one, or it would not be here.
    fn safe(&self) -> Self {
        Self {
            name: safe(&self.name),
            phone: safe(&self.phone),
            email: self.email.clone(),
            source: safe(&self.source),
            message: safe(&self.message),
        }
    }

    /// `None` if any of them has no plain form: one is enough to need the other alphabet.
    fn plain(&self) -> Option<Self> {
        Some(Self {
            name: plain(&self.name)?,
            phone: plain(&self.phone)?,
            email: plain(&self.email)?,
            source: plain(&self.source)?,
            message: plain(&self.message)?,
        })
    }
}

/// The same text, marked as the one repeat; its end gives way to the mark if need be.
#[must_use]
pub fn repeated(text: &str, max_parts: usize) -> String {
    fit(text, max_parts, |kept| format!("{REPEAT_MARK}{kept}")).text
}

/// A text, and how many characters of the message it has.
struct Fitted {
    text: String,
    kept: usize,
    of: usize,
}

impl Fitted {
    const fn is_whole(&self) -> bool {
        self.kept == self.of
    }

    /// In fewer parts no less of the message, or more of it.
    fn is_better_than(&self, other: &Self) -> bool {
        let parts = |fitted: &Self| Layout::of(&fitted.text).parts.len();
        let shown = self.kept.saturating_mul(other.of).cmp(&other.kept.saturating_mul(self.of));
        shown.then_with(|| parts(other).cmp(&parts(self))).is_gt()
    }
}

/// The longest start of `message` with which `render` stays within `max_parts`; cut texts end in `...`.
fn fit(message: &str, max_parts: usize, render: impl Fn(&str) -> String) -> Fitted {
    let fits = |text: &str| Layout::of(text).parts.len() <= max_parts.max(1);
    let ends: Vec<usize> = message.char_indices().map(|(at, _)| at).collect();
    let (text, of) = (render(message), ends.len());
    if fits(&text) {
        return Fitted { text, kept: of, of };
    }
    let cut = |chars: usize| {
        let end = ends.get(chars).copied().unwrap_or(message.len());
        render(&format!("{}...", message.get(..end).unwrap_or_default().trim_end()))
    };
    let (mut low, mut high) = (0_usize, of);
    while low < high {
        let middle = low.saturating_add(high).saturating_add(1).div_euclid(2);
        if fits(&cut(middle)) { low = middle } else { high = middle.saturating_sub(1) }
    }
    let text = cut(low);
    Fitted { text: if fits(&text) { text } else { hard_cut(&text, max_parts) }, kept: low, of }
}

/// For templates whose fixed words alone are too long: whole characters of the first parts.
fn hard_cut(text: &str, max_parts: usize) -> String {
    Layout::of(text).parts.into_iter().take(max_parts.max(1)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::lead;
    use super::*;

    #[test]
    fn the_default_text() {
        let text = SmsTemplate::default().text(&lead(), "URGENT", 3, true);
        assert_eq!(text, format!("{} URGENT +46812345678 Anna Berg via website: 50 units by tomorrow", lead().code));
    }

    #[test]
    fn long_messages_are_cut_at_whole_characters() {
        for message in ["🔥".repeat(500), "€".repeat(1_000), "word ".repeat(400), "ж".repeat(600)] {
            for max_parts in 1..4 {
                let lead = Lead { message: Some(message.clone()), ..lead() };
                for translit in [true, false] {
                    let text = SmsTemplate::default().text(&lead, "URGENT", max_parts, translit);
                    assert!(Layout::of(&text).parts.len() <= max_parts);
                    let is_tag = translit && message.starts_with('🔥');
                    assert!(text.ends_with(if is_tag { "(emoji)" } else { "..." }), "{text}");
                    let marked = repeated(&text, max_parts);
                    assert!(marked.starts_with("(repeat) ") && Layout::of(&marked).parts.len() <= max_parts);
                }
            }
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
            assert_eq!(SmsTemplate::new(source).unwrap().text(&lead(), "URGENT", 3, true), plain, "{source}");
        }
    }

    /// Name and message of a lead, the template, and the text without its code.
    fn text_of(name: &str, message: &str, template: Option<&str>, max_parts: usize, translit: bool) -> String {
        let lead = Lead { name: Some(name.to_owned()), message: Some(message.to_owned()), ..lead() };
        let template = template.map_or_else(SmsTemplate::default, |source| SmsTemplate::new(source).unwrap());
        let text = template.text(&lead, "URGENT", max_parts, translit);
        text.strip_prefix(&format!("{} URGENT +46812345678 ", lead.code)).unwrap_or(&text).to_owned()
    }

    #[test]
    fn plain_characters_where_they_save_parts() {
        let long = |text: &str, words: usize| format!("{text}{}", " word".repeat(words));
        let own = Some("{{ code }} {{ class }} {{ phone }} “{{ name }}” – {{ message }}");
        for (case, name, message, template, parts, want) in [
            ("one part as it is", "João", "“50”", None, 3, "João via website: “50”"),
            ("two parts or one", "João", &long("“50”", 9), None, 3, &long("Joao via website: \"50\"", 9)),
            (
                "a picture behind the cut",
                "João",
                &format!("{}🎪", "word ".repeat(70)),
                None,
                3,
                &format!("Joao via website: {}(emoji)", "word ".repeat(70)),
            ),
            ("another script", "Иван", &long("“50”", 9), None, 3, &long("Иван via website: “50”", 9)),
            ("more of it in one part", "João", &long("“50”", 9), None, 1, &long("Joao via website: \"50\"", 9)),
            ("the template's own quotes", "Anna", &long("50", 9), own, 3, &long("\"Anna\" - 50", 9)),
            (
                "a link made by plain dots",
                "João",
                &long("see evil．com", 9),
                None,
                3,
                &long("Joao via website: see evil[.]com", 9),
            ),
            (
                "an address",
                "João",
                &long("joão@example.com", 9),
                None,
                3,
                &long("João via website: joão@example.com", 9),
            ),
        ] {
            assert_eq!(text_of(name, message, template, parts, true), want, "{case}");
        }
        assert_eq!(text_of("João", &long("“50”", 9), None, 3, false), long("João via website: “50”", 9), "off");
    }

    proptest! {
        #[test]
        fn plain_characters_never_cost_more(
            name in "[A-Za-zÀ-ž ]{0,20}",
            message in prop_oneof![any::<String>(), "[ -~]{0,300}[“”é-ž🎪½😀 Я]{0,100}[ -~“”]{0,400}"],
            max_parts in 1_usize..5,
        ) {
            let [on, off] = [true, false].map(|translit| text_of(&name, &message, None, max_parts, translit));
            let parts = |text: &str| Layout::of(text).parts.len();
            prop_assert!(parts(&on) <= max_parts && parts(&off) <= max_parts);
            prop_assert!(parts(&on) <= parts(&off) || off.ends_with("..."), "{on} for {off}");
            prop_assert!(on == off || Alphabet::of(&on) == Alphabet::Gsm7, "{on} for {off}");
        }
    }
}
