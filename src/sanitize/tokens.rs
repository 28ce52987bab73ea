//! Tells markup from text that only looks like it, in one pass from left to right.
//!
//! A browser takes nearly everything behind a `<` for a tag; a person who writes `a<b` or `<anna@example.com>` does
//! not mean one. So a tag here is closed by `>`, holds no other `<` (but in a quoted value), and has a name that HTML
//! knows or that is used like markup. What isn't markup stays text, and so does what is never closed: no missing
//! end tag may swallow a message. WHATWG HTML, section 13.2.5, for what the forms of a tag are.

use std::collections::HashSet;

use super::tags::{Leaves, leaves};

/// How far a tag may reach behind a `<` in one of its quoted values: bounds the work for `<a b="<a b="<a b="…`.
const REACH_BYTES: usize = 512;

/// Elements whose content is not parsed: it ends at the first end tag of that name.
const RAW: [&str; 4] = ["script", "style", "title", "iframe"];

/// Those of them that hold code.
const CODE: [&str; 2] = ["script", "style"];

/// What a link in angle brackets may start with; `<tel:112>` is no element of a namespace.
const SCHEMES: [&str; 6] = ["callto", "mailto", "sip", "skype", "sms", "tel"];

/// A piece of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// What a person typed; may hold entities.
    Text(&'t str),
    /// The start tag of an element, or its only tag.
    Open(Tag<'t>),
    /// An end tag.
    Close(Tag<'t>),
    /// A comment, a declaration, a script.
    Gone,
}

/// A tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag<'t> {
    /// Its name in lower case.
    pub(super) name: String,
    /// What its element leaves.
    pub(super) leaves: Leaves,
    /// As it stands in the text.
    source: &'t str,
    /// HTML doesn't know the name, and nothing but an end tag could show that it is markup.
    doubtful: bool,
}

/// Splits `text` into its pieces.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let (mut found, mut rest) = (Vec::new(), text);
    let mut missing = HashSet::new();
    // `at` is where the next `<` may be: everything before it in `rest` is text.
    let mut at = 0_usize;
    while let Some((before, from)) = rest.get(at..).and_then(|tail| tail.find('<')).and_then(|nth| {
        at = at.saturating_add(nth);
        rest.split_at_checked(at)
    }) {
        let Some((token, behind)) = token(from, &mut missing) else {
            at = at.saturating_add(1);
            continue;
        };
        if !before.is_empty() {
            found.push(Token::Text(before));
        }
        found.push(token);
        (rest, at) = (behind, 0);
    }
    if !rest.is_empty() {
        found.push(Token::Text(rest));
    }
    settle_doubts(found)
}

/// Unknown names that are never closed were not meant as tags.
fn settle_doubts(mut found: Vec<Token<'_>>) -> Vec<Token<'_>> {
    let closed: HashSet<String> = found
        .iter()
        .filter_map(|token| match token {
            Token::Close(tag) => Some(tag.name.clone()),
            Token::Text(_) | Token::Open(_) | Token::Gone => None,
        })
        .collect();
    for token in &mut found {
        if let Token::Open(tag) = token
            && tag.doubtful
            && !closed.contains(&tag.name)
        {
            *token = Token::Text(tag.source);
        }
    }
    found
}

/// The markup at the start of `from`, which begins with `<`, and what is behind it.
/// `missing` remembers which ends were looked for in vain, so that each is looked for once.
fn token<'t>(from: &'t str, missing: &mut HashSet<&'static str>) -> Option<(Token<'t>, &'t str)> {
    if let Some(inside) = from.strip_prefix("<!--") {
        return behind_comment(inside, missing).map(|rest| (Token::Gone, rest));
    }
    if let Some(inside) = from.strip_prefix("<![CDATA[") {
        return split_at_end(inside, "]]>", missing).map(|(text, rest)| (Token::Text(text), rest));
    }
    if let Some(inside) = from.strip_prefix("<!").or_else(|| from.strip_prefix("<?")) {
        inside.strip_prefix('[').unwrap_or(inside).starts_with(|c: char| c.is_ascii_alphabetic()).then_some(())?;
        let end = inside.find(['<', '>'])?;
        return inside.get(end..)?.strip_prefix('>').map(|rest| (Token::Gone, rest));
    }
    let closing = from.starts_with("</");
    let (tag, rest) = tag(from)?;
    if closing {
        return Some((Token::Close(tag), rest));
    }
    let raw = RAW.into_iter().find(|name| *name == tag.name);
    match raw.and_then(|name| behind_end_tag(rest, name, missing)) {
        Some(rest) => Some((Token::Gone, rest)),
        None if CODE.contains(&tag.name.as_str()) && is_code(rest) => Some((Token::Gone, "")),
        None => Some((Token::Open(tag), rest)),
    }
}

/// Whether what follows a start tag is what its element holds, cut off at a field's length, and not a person's words.
fn is_code(text: &str) -> bool {
    let (start, _) = text.split_at_checked(text.floor_char_boundary(REACH_BYTES)).unwrap_or_default();
    let start = start.trim_start();
    let behind_word = start.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$'));
    // `alert(`, `x = 1`, `p { color:`
    start.contains('{') || behind_word.starts_with('(') || behind_word.trim_start().starts_with('=')
}

/// What is behind a comment. One that is never closed is text, unless it is the start of Office's `<!--[if mso]>`.
fn behind_comment<'t>(inside: &'t str, missing: &mut HashSet<&'static str>) -> Option<&'t str> {
    if let Some(rest) = inside.strip_prefix('>').or_else(|| inside.strip_prefix("->")) {
        return Some(rest);
    }
    match split_at_end(inside, "-->", missing) {
        Some((comment, rest)) => match comment.split_once("--!>") {
            Some((shorter, _)) => inside.strip_prefix(shorter)?.strip_prefix("--!>"),
            None => Some(rest),
        },
        None => split_at_end(inside, "--!>", missing).map(|(_, rest)| rest).or_else(|| {
            let condition = inside.strip_prefix("[if ")?;
            condition.get(condition.find(['<', '>'])?..)?.strip_prefix('>')
        }),
    }
}

/// What is before and behind the first `end`.
fn split_at_end<'t>(
    text: &'t str,
    end: &'static str,
    missing: &mut HashSet<&'static str>,
) -> Option<(&'t str, &'t str)> {
    if missing.contains(end) {
        return None;
    }
    let found = text.split_once(end);
    if found.is_none() {
        missing.insert(end);
    }
    found
}

/// What is behind the first end tag of `name`.
fn behind_end_tag<'t>(text: &'t str, name: &'static str, missing: &mut HashSet<&'static str>) -> Option<&'t str> {
    if missing.contains(name) {
        return None;
    }
    let found = text.match_indices("</").find_map(|(at, _)| {
        let inside = text.get(at.saturating_add(2)..)?;
        let (found, rest) = inside.split_at_checked(name.len())?;
        let ended = rest.starts_with(|c: char| c == '>' || c == '/' || c.is_ascii_whitespace());
        if !ended || !found.eq_ignore_ascii_case(name) {
            return None;
        }
        // Up to the next tag, should this one be cut off.
        let end = rest.find(['<', '>']).unwrap_or(rest.len());
        rest.get(end..).map(|rest| rest.strip_prefix('>').unwrap_or(rest))
    });
    if found.is_none() {
        missing.insert(name);
    }
    found
}

/// The start or end tag at the start of `from`, and what is behind it.
fn tag(from: &str) -> Option<(Tag<'_>, &str)> {
    let inside = from.strip_prefix("</").or_else(|| from.strip_prefix('<'))?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_');
    let name_end = inside.find(|c: char| !is_name(c))?;
    let (name, behind) = inside.split_at_checked(name_end)?;
    let prefix = name.split_once(':').map_or("", |(prefix, _)| prefix);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic())
        || name.ends_with(':')
        || SCHEMES.iter().any(|scheme| scheme.eq_ignore_ascii_case(prefix))
    {
        return None;
    }
    let reach = behind.find('<').map_or(behind.len(), |angle| angle.saturating_add(REACH_BYTES));
    let (window, _) = behind.split_at_checked(behind.floor_char_boundary(reach))?;
    let attributes = attributes(window)?;
    let rest = behind.get(attributes.len..)?;
    let name = name.to_ascii_lowercase();
    let known = leaves(&name);
    if name.len() == 1 && attributes.bare {
        return None; // `a<b and c>d`
    }
    let doubtful = known.is_none() && !attributes.quoted && !attributes.closed && !name.contains(':');
    let (source, _) = from.split_at_checked(from.len().checked_sub(rest.len())?)?;
    Some((Tag { name, leaves: known.unwrap_or(Leaves::Nothing), source, doubtful }, rest))
}

/// What stands between a tag's name and its end.
#[derive(Default)]
struct Attributes {
    /// Length, with the `>`.
    len: usize,
    /// A word without a value.
    bare: bool,
    /// A value in quotes.
    quoted: bool,
    /// Ends in `/>`.
    closed: bool,
}

/// Reads to the `>` that ends the tag; `None` when there is none, or something that no tag holds.
fn attributes(window: &str) -> Option<Attributes> {
    let mut found = Attributes::default();
    if !window.starts_with(|c: char| c == '>' || c == '/' || c.is_ascii_whitespace()) {
        return None;
    }
    let mut rest = window;
    loop {
        let trimmed = rest.trim_start_matches(|c: char| c == '/' || c.is_ascii_whitespace());
        if let Some(behind) = trimmed.strip_prefix('>') {
            found.closed = rest.strip_suffix(trimmed).is_some_and(|skipped| skipped.ends_with('/'));
            found.len = window.len().checked_sub(behind.len())?;
            return Some(found);
        }
        let name_end = trimmed.find(|c: char| matches!(c, '=' | '<' | '>' | '/') || c.is_ascii_whitespace())?;
        let behind_name = trimmed.get(name_end..)?;
        let Some(value) = behind_name.trim_start().strip_prefix('=').map(str::trim_start) else {
            if name_end == 0 {
                return None; // another `<`
            }
            found.bare = true;
            rest = behind_name;
            continue;
        };
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        rest = if let Some(quote) = quote {
            found.quoted = true;
            let inside = value.strip_prefix(quote)?;
            inside.get(inside.find(quote)?..)?.strip_prefix(quote)?
        } else {
            value.get(value.find(|c: char| matches!(c, '<' | '>') || c.is_ascii_whitespace())?..)?
        };
    }
}
