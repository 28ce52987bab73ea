//! The words of a follow-up: the languages it is written in, how one is chosen, and what a template may use.
//!
//! Nothing of the message goes out again. It only chooses: the language by its small words, the resources by the topics
//! that the operator gave them.

use minijinja::value::Value;
use minijinja::{Environment, UndefinedBehavior, context};

use super::html;
use crate::route::TemplateError;

/// A greeting has a name of at most this.
const MAX_NAME_CHARS: usize = 40;
/// Titles of honour are no names; what is left of them would greet nobody.
const MIN_NAME_CHARS: usize = 2;

/// What the program can write by itself: language, small words by which it is known, subject, text.
const BUILT_IN: [(&str, &str, &str, &str); 2] = [
    (
        "en",
        "a about and are be can do does for have how i in is it like my of on or please the this to we what with would you your",
        "Your message to {{ business }}",
        include_str!("en.txt"),
    ),
    (
        "de",
        "aber bitte bei das der die ein eine einen es für gibt guten haben hallo ich ihnen ihr ist kann können mich mit möchte nicht oder sie sind und uns von was wie wir zu",
        "Ihre Nachricht an {{ business }}",
        include_str!("de.txt"),
    ),
];

/// What each mail must say, and by what it is known again in the one that is tried.
const MANDATORY: [(&str, &str); 3] =
    [("footer", "You wrote to us."), ("postal_address", "1 Main Street"), ("unsubscribe", "unsubscribe here")];

/// A language that follow-ups are written in.
#[derive(Debug, Clone)]
pub struct Language {
    /// Its tag.
    pub(super) tag: String,
    words: Vec<String>,
    templates: Environment<'static>,
}

/// What may be said of one prospect.
pub(super) struct Facts<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) business: &'a str,
    pub(super) resources: &'a [(&'a str, &'a str)],
    pub(super) calendar: Option<&'a str>,
    pub(super) open: bool,
    pub(super) footer: &'a str,
    pub(super) postal_address: &'a str,
    pub(super) unsubscribe: Option<&'a str>,
}

/// A mail in words.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

impl Language {
    /// The program's own words in this language, if it has any.
    #[must_use]
    pub fn built_in(tag: &str) -> Option<Self> {
        let (tag, words, subject, text) = BUILT_IN.into_iter().find(|(known, ..)| *known == tag)?;
        let words = words.split(' ').map(str::to_owned).collect();
        Self::new(tag, words, subject, text, None).ok()
    }

    /// A language in the operator's words.
    ///
    /// # Errors
    /// When one of them is no template, or fails on an ordinary lead.
    pub fn new(
        tag: &str,
        words: Vec<String>,
        subject: &str,
        text: &str,
        html: Option<&str>,
    ) -> Result<Self, TemplateError> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.add_template_owned("subject", subject.to_owned())?;
        templates.add_template_owned("text", text.to_owned())?;
        if let Some(html) = html {
            // The name makes minijinja escape what is put in.
            templates.add_template_owned("mail.html", html.to_owned())?;
        }
        let words = words.into_iter().map(|word| word.to_lowercase()).collect();
        let language = Self { tag: tag.to_owned(), words, templates };
        let tried = language.render(&Facts::example())?;
        for (part, source) in [(&tried.text, "text"), (&tried.html, "html")] {
            let missing = MANDATORY.iter().find(|(_, sentinel)| !part.contains(sentinel));
            if let Some((name, _)) = missing {
                let words = format!("the {source} lacks {{{{ {name} }}}}: each mail must say it");
                return Err(minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, words).into());
            }
        }
        Ok(language)
    }

    /// The mail for one prospect.
    pub(super) fn render(&self, facts: &Facts<'_>) -> Result<Rendered, TemplateError> {
        let said = |name: &str| self.templates.get_template(name)?.render(facts.value());
        let subject = said("subject")?.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = tidy(&said("text")?);
        let html = match self.templates.get_template("mail.html") {
            Ok(template) => template.render(facts.value())?,
            Err(_) => html::of(&self.tag, &text),
        };
        Ok(Rendered { subject, text, html })
    }
}

impl Facts<'_> {
    /// An ordinary lead, on which a template shows that it works.
    const fn example() -> Self {
        Self {
            name: None,
            business: "Acme",
            resources: &[("Prices", "https://acme.example/prices")],
            calendar: None,
            open: true,
            footer: MANDATORY[0].1,
            postal_address: MANDATORY[1].1,
            unsubscribe: Some(MANDATORY[2].1),
        }
    }

    fn value(&self) -> Value {
        let resource = |&(title, url): &(&str, &str)| context! { title, url };
        let resources: Vec<Value> = self.resources.iter().map(resource).collect();
        context! {
            name => self.name, business => self.business, resources, calendar => self.calendar,
            open => self.open, footer => self.footer, postal_address => self.postal_address,
            unsubscribe => self.unsubscribe,
        }
    }
}

/// The language that a message is most likely in: the one most of whose small words it has. The first is taken where none
/// has more than it.
pub(super) fn language_of<'l>(languages: &'l [Language], message: &str) -> Option<&'l Language> {
    let message = message.to_lowercase();
    let words: Vec<&str> = message.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).collect();
    let hits =
        |language: &Language| words.iter().filter(|word| language.words.iter().any(|known| known == *word)).count();
    let mut best: Option<(&Language, usize)> = None;
    for language in languages {
        let hits = hits(language);
        if best.is_none_or(|(_, most)| hits > most) {
            best = Some((language, hits));
        }
    }
    best.map(|(language, _)| language)
}

/// Whether these words stand in the message, one after the other.
pub(super) fn is_about(message: &str, topic: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let text = text.to_lowercase();
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let (message, topic) = (words(message), words(topic));
    !topic.is_empty() && message.windows(topic.len()).any(|window| window == topic)
}

/// Whom a mail greets: the first word of a name, if it is nothing but letters.
pub(super) fn greeted(name: &str) -> Option<String> {
    let word = name.split_whitespace().next()?;
    let length = word.chars().count();
    let is_name = word.chars().all(char::is_alphabetic) && (MIN_NAME_CHARS..=MAX_NAME_CHARS).contains(&length);
    is_name.then(|| word.to_owned())
}

/// At most one empty line at a time, none at the ends, no spaces at the ends of lines.
fn tidy(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if !(line.is_empty() && lines.last().is_none_or(|last| last.is_empty())) {
            lines.push(line);
        }
    }
    let mut text = lines.join("\n").trim_end().to_owned();
    text.push('\n');
    text
}
