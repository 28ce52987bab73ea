//! The HTML of a follow-up, made of its text: paragraphs, lists, links. Everything else is escaped.

use crate::model::html_text;

/// What mail programs show as it stands: no style sheet, no picture, nothing that is fetched.
const STYLE: &str = "font-family:sans-serif;font-size:15px;line-height:1.5;color:#222;max-width:36em";
/// What stands below the signature (RFC 3676, 4.3).
const SIGNATURE: &str = "--";

/// The page that says what `text` says.
pub(super) fn of(language: &str, text: &str) -> String {
    let body: Vec<String> = text.split("\n\n").map(paragraph).collect();
    let (language, body) = (html_text(language), body.concat());
    format!(
        "<!DOCTYPE html>\n<html lang=\"{language}\">\n<head><meta charset=\"utf-8\"></head>\n\
         <body style=\"{STYLE}\">\n{body}</body>\n</html>\n"
    )
}

fn paragraph(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let (style, lines) = match lines.split_first() {
        Some((first, rest)) if first.trim_end() == SIGNATURE => (" style=\"font-size:12px;color:#666\"", rest),
        _ => ("", lines.as_slice()),
    };
    if lines.is_empty() {
        return String::new();
    }
    if lines.iter().all(|line| line.starts_with("- ")) {
        let items: Vec<String> = lines.iter().map(|line| item(line)).collect();
        return format!("<ul>\n{}\n</ul>\n", items.join("\n"));
    }
    let lines: Vec<String> = lines.iter().map(|line| linked(line)).collect();
    format!("<p{style}>{}</p>\n", lines.join("<br>\n"))
}

/// `- Title: https://…` is a link that shows its title.
fn item(line: &str) -> String {
    let line = line.trim_start_matches("- ");
    match line.rsplit_once(": ") {
        Some((title, url)) if is_link(url) => {
            format!("<li><a href=\"{}\">{}</a></li>", html_text(url), html_text(title))
        }
        _ => format!("<li>{}</li>", linked(line)),
    }
}

/// The line with its addresses as links.
fn linked(line: &str) -> String {
    let words = line.split(' ').map(|word| {
        let address = word.trim_end_matches(['.', ',']);
        if !is_link(address) {
            return html_text(word);
        }
        let rest = word.strip_prefix(address).unwrap_or_default();
        format!("<a href=\"{0}\">{0}</a>{1}", html_text(address), html_text(rest))
    });
    words.collect::<Vec<_>>().join(" ")
}

fn is_link(word: &str) -> bool {
    word.starts_with("https://") || word.starts_with("http://")
}
