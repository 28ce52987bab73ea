//! Text to [`Raw`], with every problem of form at once.
//!
//! serde stops at the first thing it can't read. So the key it stopped at is noted, taken out of the document, and
//! reading starts over until nothing is wrong any more: each round takes one key out, and every key may be missing.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::problems::{Problem, Problems};
use super::raw::Raw;

/// The file as a tree in which every key knows its place.
pub(super) struct Document<'t> {
    text: &'t str,
    tree: Spanned<DeTable<'t>>,
}

/// Reads `text`; `None` when it isn't TOML, so that nothing more can be said about it.
pub(super) fn read<'t>(text: &'t str, problems: &mut Problems) -> Option<(Raw, Document<'t>)> {
    let (tree, broken) = DeTable::parse_recoverable(text);
    let document = Document { text, tree };
    for error in &broken {
        let line = error.span().and_then(|span| document.line_at(span.start));
        let words = format!("not TOML: {}", error.message());
        problems.errors.push(Problem { line, path: String::new(), words });
    }
    if !broken.is_empty() {
        return None;
    }
    let mut tree = document.tree.clone();
    loop {
        let error = match Raw::deserialize(Deserializer::from(tree.clone())) {
            Ok(raw) => return Some((raw, document)),
            Err(error) => error,
        };
        let Some(path) = error.span().and_then(|span| take_out(tree.get_mut(), &span)) else {
            problems.error("", error.message());
            return None;
        };
        problems.error(path, words(error.message()));
    }
}

impl Document<'_> {
    fn line_at(&self, offset: usize) -> Option<usize> {
        let before = self.text.get(..offset)?;
        Some(before.matches('\n').count().saturating_add(1))
    }

    /// The line of a path such as `llm[0].key`, or of the nearest table around it.
    pub(super) fn line_of(&self, path: &str) -> Option<usize> {
        let mut found = None;
        let mut table = self.tree.get_ref();
        for step in path.split('.') {
            let (name, index) = step.split_once('[').unwrap_or((step, ""));
            let Some((key, value)) = table.get_key_value(name) else { break };
            let element = index.trim_end_matches(']').parse().ok().and_then(|nth: usize| value.get_ref().get(nth));
            found = Some(element.map_or(key.span(), Spanned::span));
            let Some(inner) = element.unwrap_or(value).get_ref().as_table() else { break };
            table = inner;
        }
        self.line_at(found?.start)
    }
}

/// Takes the key whose own place or whose value's place is `span` out of the table, and says what its path was.
/// In a list it is the whole list that goes: the others must keep their numbers.
fn take_out(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<String> {
    let here = |key: &Spanned<_>, value: &Spanned<DeValue<'_>>| key.span() == *span || value.span() == *span;
    let hit = table.iter().find(|(key, value)| here(key, value)).map(|(key, _)| key.get_ref().to_string());
    if let Some(key) = hit {
        table.remove(key.as_str());
        return Some(key);
    }
    let mut whole_list = None;
    for (key, value) in table.iter_mut() {
        match value.get_mut() {
            DeValue::Table(inner) => {
                if let Some(path) = take_out(inner, span) {
                    return Some(format!("{}.{path}", key.get_ref()));
                }
            }
            DeValue::Array(list) => {
                for (nth, element) in list.iter_mut().enumerate() {
                    if element.span() == *span {
                        whole_list = Some((key.get_ref().to_string(), nth));
                    } else if let DeValue::Table(inner) = element.get_mut()
                        && let Some(path) = take_out(inner, span)
                    {
                        return Some(format!("{}[{nth}].{path}", key.get_ref()));
                    }
                }
            }
            _ => {}
        }
    }
    let (key, nth) = whole_list?;
    table.remove(key.as_str());
    Some(format!("{key}[{nth}]"))
}

/// serde's words for a person: an unknown word comes with the one that was probably meant.
fn words(message: &str) -> String {
    // serde writes: unknown field `a`, expected one of `b`, `c`
    let mut quoted = message.split('`').skip(1).step_by(2);
    let thing = match (message.starts_with("unknown field"), message.starts_with("unknown variant")) {
        (true, _) => "unknown key",
        (_, true) => "unknown value",
        _ => return message.to_owned(),
    };
    let unknown = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.collect();
    match nearest(unknown, &known) {
        Some(meant) => format!("{thing}; did you mean `{meant}`?"),
        None if known.is_empty() => thing.to_owned(),
        None => format!("{thing}; known here: {}", known.join(", ")),
    }
}

/// What follows the words about a name that isn't known; nothing, if no known one is like it.
pub(super) fn did_you_mean(name: &str, known: &[&str]) -> String {
    nearest(name, known).map(|meant| format!("; did you mean {meant:?}?")).unwrap_or_default()
}

/// The known word that `word` is most likely a slip of.
fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    /// Above this two words look alike (`max-bdy`, `max-body`); below it a guess would mislead.
    const ALIKE: f64 = 0.6;
    let plain = |word: &str| word.to_lowercase().replace('_', "-");
    let score = |known: &str| strsim::normalized_damerau_levenshtein(&plain(word), &plain(known));
    let best = known.iter().copied().max_by(|a, b| score(a).total_cmp(&score(b)))?;
    (score(best) >= ALIKE).then_some(best)
}
