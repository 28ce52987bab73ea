//! Plain text as a document of Atlassian's format (ADF), which is what Jira takes for a description. Pure.
//!
//! Called by the Jira effect. Only paragraphs, texts and line breaks are ever made, so a text can't become anything else. A
//! text node must not be empty and holds no line break; an empty line is a paragraph without content.
//! Source: <https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/>.

use serde_json::{Value, json};

use super::{CUT, clean, shortened};

/// Jira refuses more than 32,767 characters, and nobody says whether it counts letters or the document: so the document
/// is what is kept below that, with a margin.
const MOST: usize = 30_000;
/// What a line costs at most beside its letters: a paragraph, a text node, a break and their commas.
const PER_LINE: usize = 90;

/// The document of these paragraphs, each of which may have several lines. What doesn't fit is left out, and it says so.
pub(super) fn document(paragraphs: &[String]) -> Value {
    let mut content: Vec<Value> = Vec::new();
    for lines in fitting(paragraphs) {
        for block in lines.chunk_by(|one, next| !one.is_empty() && !next.is_empty()) {
            content.push(paragraph(block));
        }
    }
    json!({ "type": "doc", "version": 1, "content": content })
}

fn paragraph(lines: &[String]) -> Value {
    let mut inline: Vec<Value> = Vec::new();
    for line in lines.iter().filter(|line| !line.is_empty()) {
        if !inline.is_empty() {
            inline.push(json!({ "type": "hardBreak" }));
        }
        inline.push(json!({ "type": "text", "text": line }));
    }
    if inline.is_empty() { json!({ "type": "paragraph" }) } else { json!({ "type": "paragraph", "content": inline }) }
}

/// The lines of each paragraph, as far as there is room.
fn fitting(paragraphs: &[String]) -> Vec<Vec<String>> {
    let mut left = MOST.saturating_sub(PER_LINE);
    let mut fitting = Vec::new();
    for paragraph in paragraphs {
        let mut lines = Vec::new();
        for line in clean(paragraph).split('\n') {
            let line = line.trim_end();
            let cost = line.chars().fold(PER_LINE, |sum, c| sum.saturating_add(size(c)));
            if cost > left {
                lines.push(last(line, left));
                fitting.push(lines);
                return fitting;
            }
            left = left.saturating_sub(cost);
            lines.push(line.to_owned());
        }
        fitting.push(lines);
    }
    fitting
}

/// What is left of a line that doesn't fit.
fn last(line: &str, left: usize) -> String {
    let room = left.saturating_sub(PER_LINE);
    if line.is_empty() { CUT.to_owned() } else { shortened(line, room, size) }
}

/// Letters of a document are counted as Java does, escaped as JSON does.
const fn size(c: char) -> usize {
    match c {
        '"' | '\\' => 2,
        _ => c.len_utf16(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_a_document_of_its_letters(paragraphs in proptest::collection::vec("(\\PC|[\r\n\t\0\"\\\\]){0,40}", 0..6)) {
            let document = document(&paragraphs);
            prop_assert_eq!((&document["type"], &document["version"]), (&json!("doc"), &json!(1)));
            let mut letters = String::new();
            for block in document["content"].as_array().unwrap() {
                prop_assert_eq!(&block["type"], "paragraph");
                for node in block.get("content").map_or(&Vec::new(), |content| content.as_array().unwrap()) {
                    if node != &json!({ "type": "hardBreak" }) {
                        let text = node["text"].as_str().unwrap();
                        prop_assert_eq!(node, &json!({ "type": "text", "text": text }));
                        prop_assert!(!text.is_empty() && !text.contains(char::is_control), "{:?}", text);
                        letters.push_str(text);
                    }
                }
                prop_assert!(block.get("content") != Some(&json!([])));
            }
            let kept = |text: &str| text.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(kept(&letters), kept(&paragraphs.concat()));
        }
    }

    fn of(paragraphs: &[&str]) -> Value {
        let paragraphs: Vec<String> = paragraphs.iter().map(|text| (*text).to_owned()).collect();
        document(&paragraphs)["content"].clone()
    }

    #[test]
    fn lines_are_breaks_and_empty_lines_are_paragraphs() {
        let text = |text: &str| json!({ "type": "text", "text": text });
        let full = |content: &[Value]| json!({ "type": "paragraph", "content": content });
        let (empty, line_break) = (json!({ "type": "paragraph" }), json!({ "type": "hardBreak" }));
        for (name, paragraphs, want) in [
            ("nothing", vec![], json!([])),
            ("an empty one", vec![""], json!([empty])),
            ("one line", vec!["Hello"], json!([full(&[text("Hello")])])),
            ("two lines", vec!["Hello\r\nworld"], json!([full(&[text("Hello"), line_break.clone(), text("world")])])),
            ("two paragraphs", vec!["a", "b"], json!([full(&[text("a")]), full(&[text("b")])])),
            ("an empty line", vec!["a\n\nb"], json!([full(&[text("a")]), empty, full(&[text("b")])])),
            ("line ends around", vec!["\n\na\n\n"], json!([full(&[text("a")])])),
            ("blanks only", vec!["a\n  \nb"], json!([full(&[text("a")]), empty, full(&[text("b")])])),
            (
                "control characters",
                vec!["a\u{0}\u{7}\tb\u{2028}c"],
                json!([full(&[text("a b"), line_break.clone(), text("c")])]),
            ),
            ("markup stays letters", vec!["*a* {code} \"<b>\""], json!([full(&[text("*a* {code} \"<b>\"")])])),
        ] {
            assert_eq!(of(&paragraphs), want, "{name}");
        }
    }

    #[test]
    fn what_is_too_long_is_cut_whatever_is_counted() {
        for (name, line) in [
            ("letters", "a".repeat(40_000)),
            ("quotes", "\"".repeat(40_000)),
            ("two units each", "🦀".repeat(40_000)),
            ("short lines", "x\n".repeat(40_000)),
            ("empty lines", format!("a{}b", "\n".repeat(40_000))),
        ] {
            let document = document(&[line.clone(), "not this".to_owned()]);
            let size = document.to_string().encode_utf16().count();
            assert!(size <= MOST, "{name}: {size}");
            assert!(document.to_string().contains(CUT) && !document.to_string().contains("not this"), "{name}");
        }
        let whole = "a".repeat(29_000);
        assert_eq!(of(&[&whole])[0]["content"][0]["text"], whole);
    }
}
