//! Reads Rust source just well enough to see which modules it names: comments and literals gone, words and signs left,
//! paths resolved to the room they lead to. Called by `layout`; what macros expand to is not seen.

use std::collections::BTreeSet;

/// The words and signs of a source text; comments, strings and character literals are left out.
pub(crate) fn tokens(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = comment_or_literal(rest).or_else(|| first.is_whitespace().then_some(first.len_utf8()));
        let (token, after) = rest.split_at(skipped.unwrap_or_else(|| word_or_sign(rest, first)));
        if skipped.is_none() {
            found.push(token);
        }
        rest = after;
    }
    found
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word_or_sign(rest: &str, first: char) -> usize {
    match first {
        ':' if rest.starts_with("::") => 2,
        c if in_word(c) => rest.find(|c| !in_word(c)).unwrap_or(rest.len()),
        c => c.len_utf8(),
    }
}

/// The length of what doesn't count, if `rest` begins with it.
fn comment_or_literal(rest: &str) -> Option<usize> {
    let mut chars = rest.chars();
    match (chars.next()?, chars.next()) {
        ('/', Some('/')) => Some(rest.find('\n').unwrap_or(rest.len())),
        ('/', Some('*')) => Some(block_comment(rest)),
        ('"', _) => quoted(rest, '"'),
        ('\'', Some('\\')) => quoted(rest, '\''),
        // A lifetime has no closing quote where a character literal has it.
        ('\'', Some(c)) => (chars.next() == Some('\'')).then_some(2 + c.len_utf8()),
        ('r' | 'b', Some('"' | '#' | 'r')) => raw_string(rest),
        _ => None,
    }
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('b').unwrap_or(rest).strip_prefix('r')?;
    let fence: String = after.chars().take_while(|c| *c == '#').collect();
    let body = after[fence.len()..].strip_prefix('"')?; // otherwise a raw identifier
    let close = format!("\"{fence}");
    Some(rest.len() - body.len() + body.find(&close)? + close.len())
}

fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    rest.char_indices().skip(1).find_map(|(at, c)| {
        let closes = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        closes.then_some(at + 1)
    })
}

/// The rooms (top-level modules) that a file names by `crate::…`, `nightdesk::…` or enough `super::`, in `use` or inline.
/// `depth` is how many modules deep the file itself lies: 0 for `lib.rs`, 1 for `store/mod.rs`, 2 for `store/jobs.rs`.
pub(crate) fn rooms_named(tokens: &[&str], depth: usize) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    let mut inner_modules = Vec::new(); // for each open brace: whether it is a module's
    for (at, token) in tokens.iter().enumerate() {
        let starts_path = at == 0 || tokens[at - 1] != "::";
        match *token {
            "{" => inner_modules.push(at >= 2 && tokens[at - 2] == "mod"),
            "}" => drop(inner_modules.pop()),
            "crate" | "nightdesk" if starts_path && tokens.get(at + 1) == Some(&"::") => {
                rooms.extend(first_names(&tokens[at + 2..]));
            }
            "super" if starts_path || tokens[at - 2] == "self" => {
                let supers = tokens[at..].chunks(2).take_while(|pair| *pair == ["super", "::"]).count();
                if supers == depth + inner_modules.iter().filter(|module| **module).count() {
                    rooms.extend(first_names(&tokens[at + 2 * supers..]));
                }
            }
            _ => {}
        }
    }
    rooms
}

/// The name a path goes on with; several, if it goes on with braces.
fn first_names(path: &[&str]) -> Vec<String> {
    if path.first() != Some(&"{") {
        return path.first().map(ToString::to_string).into_iter().collect();
    }
    let (mut depth, mut names) = (0, Vec::new());
    for (at, token) in path.iter().enumerate() {
        match *token {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && matches!(path[at], "{" | ",") && path.get(at + 1).is_some_and(|next| *next != "}") {
            names.push(path[at + 1].to_owned());
        }
    }
    names
}

/// Whether a file names this crate, as the start of a path or in a `use`.
pub(crate) fn names_crate(tokens: &[&str], name: &str) -> bool {
    tokens.iter().enumerate().any(|(at, token)| {
        let before = if at == 0 { "" } else { tokens[at - 1] };
        let starts_path = tokens.get(at + 1) == Some(&"::") && !matches!(before, "::" | ".");
        *token == name && (starts_path || matches!(before, "use" | "crate"))
    })
}

#[test]
fn source_is_read_as_the_compiler_reads_it() {
    let text = r##"
        // crate::comment::a
        /* crate::comment /* nested */ crate::comment */
        use crate::model::{Lead, store};
        use crate::{config::Config, wire, demo::{self, sim}, };
        pub(crate) fn f<'a>(x: &'a str) -> char { crate::failpoint::reach("crate::text"); '"' }
        const RAW: &str = r#"crate::raw "quoted" "#; const C: char = '\''; const B: &[u8] = b"crate::bytes\"";
        pub(in crate::outbox) fn g() { $crate::route::plan(); nightdesk::cli::run(); self::super::super::intake::x() }
        mod tests { use super::*; use super::super::sibling; use super::super::super::admin; fn h() { super::super::y::<'_'>() } }
        r#try::x(); some::crate_::z();
    "##;
    let found: Vec<String> = rooms_named(&tokens(text), 2).into_iter().collect();
    let want = ["admin", "cli", "config", "demo", "failpoint", "intake", "model", "outbox", "route", "wire"];
    assert_eq!(found, want);
}

#[test]
fn a_crate_is_seen_however_it_is_named() {
    for (text, want) in [
        ("use hyper::Request;", true),
        ("use hyper;", true),
        ("extern crate hyper;", true),
        ("fn f(r: hyper::Request<()>) {}", true),
        ("// hyper::Request", false),
        ("use hyper_util::rt;", false),
        ("use crate::x::hyper::y;", false),
        ("let hyper = 1;", false),
    ] {
        assert_eq!(names_crate(&tokens(text), "hyper"), want, "{text}");
    }
}
