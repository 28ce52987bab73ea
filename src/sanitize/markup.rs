//! One unwrapping: tags become line breaks, spaces or nothing, machine content vanishes, entities become characters.
//!
//! [`tokens`] has told markup from text. What it took for text is escaped, block tags become `<br>`, and so a flat
//! piece of HTML goes to ammonia, whose parser knows every entity and has the last word on what is a tag. Flat,
//! because its work and its stack must not grow with how deep a message nests its elements.

use std::collections::HashMap;

use super::tags::Leaves;
use super::tokens::{Token, tokens};

/// The parser copies a text node whenever an entity is added to it, so what it gets at once is bounded.
const CHUNK_BYTES: usize = 2048;

/// The text without one layer of markup and entities; the same text when there is none.
pub(super) fn strip(text: &str) -> String {
    if !text.contains(['<', '&']) {
        return text.to_owned();
    }
    let found = tokens(text);
    let plain = found.iter().map_while(|token| match token {
        Token::Text(text) if !has_entity(text) => Some(text.len()),
        Token::Text(_) | Token::Open(_) | Token::Close(_) | Token::Gone => None,
    });
    if plain.fold(0, usize::saturating_add) == text.len() {
        return text.to_owned();
    }
    let mut ammonia = ammonia::Builder::empty();
    ammonia.add_tags(["br"]);
    let clean: String = flat(&found).iter().map(|chunk| ammonia.clean(chunk).to_string()).collect();
    // ammonia's output is canonical: its one tag, and text in which exactly these are escaped.
    let text = clean.replace("<br>", "\n").replace("&nbsp;", " ");
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// HTML without nesting, in chunks that mean the same apart as together.
struct Chunks {
    done: Vec<String>,
    open: String,
    /// No word yet on this line.
    line_is_new: bool,
}

impl Chunks {
    /// Text as HTML: entities stay what they are, every other `&` and each `<` is escaped.
    fn push_text(&mut self, text: &str) {
        self.line_is_new &= text.trim().is_empty();
        for (at, c) in text.char_indices() {
            if matches!(c, '<' | '&') && self.open.len() > CHUNK_BYTES {
                self.done.push(std::mem::take(&mut self.open));
            }
            match c {
                '<' => self.open.push_str("&lt;"),
                '&' if !text.get(at..).is_some_and(is_entity) => self.open.push_str("&amp;"),
                c => self.open.push(c),
            }
        }
    }

    fn push_tag(&mut self, leaves: Leaves) {
        match leaves {
            Leaves::Break if self.line_is_new => {}
            Leaves::Line | Leaves::Break => {
                self.open.push_str("<br>");
                self.line_is_new = true;
            }
            Leaves::Space if self.line_is_new || self.open.ends_with(' ') => {}
            Leaves::Space => self.open.push(' '),
            Leaves::Nothing | Leaves::Void => {}
        }
    }
}

/// The pieces as HTML without nesting.
fn flat(found: &[Token<'_>]) -> Vec<String> {
    let ends = ends_of_voids(found);
    let mut html = Chunks { done: Vec::new(), open: String::new(), line_is_new: true };
    let mut skip_to = None;
    for (nth, token) in found.iter().enumerate() {
        match skip_to {
            Some(end) if nth < end => continue,
            _ => skip_to = ends.get(&nth).copied(),
        }
        match token {
            Token::Text(text) => html.push_text(text),
            Token::Gone => {}
            Token::Open(tag) | Token::Close(tag) => html.push_tag(tag.leaves),
        }
    }
    html.done.push(html.open);
    html.done
}

/// For each start tag of an element without visible content, where its end tag is. One that is never closed has none.
fn ends_of_voids(found: &[Token<'_>]) -> HashMap<usize, usize> {
    let mut ends = HashMap::new();
    let mut open: Vec<(usize, &str)> = Vec::new();
    let mut depth: HashMap<&str, usize> = HashMap::new();
    for (nth, token) in found.iter().enumerate() {
        match token {
            Token::Open(tag) if tag.leaves == Leaves::Void => {
                open.push((nth, &tag.name));
                let depth = depth.entry(&tag.name).or_default();
                *depth = depth.saturating_add(1);
            }
            // The look at `depth` keeps this linear: what is popped was pushed once.
            Token::Close(tag) if depth.get(tag.name.as_str()).is_some_and(|depth| *depth > 0) => {
                while let Some((start, name)) = open.pop() {
                    depth.entry(name).and_modify(|depth| *depth = depth.saturating_sub(1));
                    if name == tag.name {
                        ends.insert(start, nth);
                        break;
                    }
                }
            }
            Token::Text(_) | Token::Open(_) | Token::Close(_) | Token::Gone => {}
        }
    }
    ends
}

fn has_entity(text: &str) -> bool {
    text.match_indices('&').any(|(at, _)| text.get(at..).is_some_and(is_entity))
}

/// Names that browsers read without their semicolon and that nobody writes in prose or in an address.
const BARE_NAMES: [&str; 3] = ["amp", "nbsp", "quot"];

/// Whether `text` starts with an entity: `&name;`, `&#number;` or `&#xnumber;`. The semicolon is what tells a name from
/// `R&D` and from an address's query; a number needs none. Longer ones than these don't exist, but for leading zeros.
fn is_entity(text: &str) -> bool {
    let Some(body) = text.strip_prefix('&') else { return false };
    let is_number = body.starts_with('#');
    let (digits, most, is_digit): (_, _, fn(&u8) -> bool) = match body.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(hex) => (hex, 16, u8::is_ascii_hexdigit),
            None => (number, 16, u8::is_ascii_digit),
        },
        None if body.starts_with(|c: char| c.is_ascii_alphabetic()) => (body, 32, u8::is_ascii_alphanumeric),
        None => return false,
    };
    let len = digits.bytes().take(most).take_while(is_digit).count();
    match digits.as_bytes().get(len) {
        Some(b';') => len > 0,
        Some(next) if is_number => len > 1 && !is_digit(next),
        // At the end of a piece a digit or letter may follow in the next one.
        Some(b'=') | None => false,
        Some(_) => len > 1 && (is_number || digits.get(..len).is_some_and(|name| BARE_NAMES.contains(&name))),
    }
}
