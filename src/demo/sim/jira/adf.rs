//! A judge of documents in Atlassian's format: which nodes there are, where each may stand, and the letters of the whole.
//!
//! Nodes and their fields are those of the documentation of the format; what needs an upload, a user or a macro is left out
//! and refused. Written apart from whatever makes such documents.

use serde_json::Value;

use super::super::at;

/// Nodes that stand in a document, a quote or a list item.
const BLOCKS: [&str; 7] = ["blockquote", "bulletList", "codeBlock", "heading", "orderedList", "paragraph", "rule"];
/// Marks of a text.
const MARKS: [&str; 8] = ["code", "em", "link", "strike", "strong", "subsup", "textColor", "underline"];

type Checked<T> = Result<T, String>;

/// The letters of a document, a line for each block and each break; or why it is none.
pub(super) fn text(document: &Value) -> Checked<String> {
    keys(document, &["content", "type", "version"])?;
    if at(document, "/type") != "doc" || *at(document, "/version") != 1 {
        return Err("it is no 'doc' of version 1".to_owned());
    }
    let content = at(document, "/content").as_array().ok_or("a document has a list of content")?;
    Ok(content.iter().map(block).collect::<Checked<Vec<_>>>()?.join("\n"))
}

fn block(node: &Value) -> Checked<String> {
    let kind = at(node, "/type").as_str().ok_or("a node has a type")?;
    if !BLOCKS.contains(&kind) {
        return Err(format!("no block is a '{kind}'"));
    }
    match kind {
        "rule" => keys(node, &["type"]).map(|()| String::new()),
        "paragraph" => {
            keys(node, &["attrs", "content", "type"])?;
            inline(node, true)
        }
        "heading" => {
            keys(node, &["attrs", "content", "type"])?;
            let level = at(node, "/attrs/level").as_u64().filter(|level| (1..=6).contains(level));
            level.ok_or("a heading has a level of 1 to 6")?;
            inline(node, true)
        }
        "codeBlock" => {
            keys(node, &["attrs", "content", "type"])?;
            inline(node, false)
        }
        "blockquote" => {
            keys(node, &["content", "type"])?;
            children(node, "paragraph")
        }
        _ => {
            keys(node, &["attrs", "content", "type"])?;
            children(node, "listItem")
        }
    }
}

/// What must have content of one kind.
fn children(node: &Value, kind: &str) -> Checked<String> {
    let content = at(node, "/content").as_array().filter(|content| !content.is_empty());
    let content = content.ok_or_else(|| format!("it holds at least one {kind}"))?;
    let child = |child: &Value| match at(child, "/type").as_str() {
        Some("listItem") if kind == "listItem" => {
            keys(child, &["content", "type"])?;
            let inner = at(child, "/content").as_array().filter(|inner| !inner.is_empty());
            let inner = inner.ok_or("a list item holds blocks")?;
            Ok(inner.iter().map(block).collect::<Checked<Vec<_>>>()?.join("\n"))
        }
        Some(given) if given == kind => block(child),
        _ => Err(format!("it holds only {kind}s")),
    };
    Ok(content.iter().map(child).collect::<Checked<Vec<_>>>()?.join("\n"))
}

/// The texts and breaks of a node; marks only where they may be.
fn inline(node: &Value, may_be_marked: bool) -> Checked<String> {
    let Some(content) = node.get("content") else { return Ok(String::new()) };
    let content = content.as_array().ok_or("content is a list")?;
    let mut text = String::new();
    for node in content {
        match at(node, "/type").as_str() {
            Some("text") => text.push_str(letters(node, may_be_marked)?),
            Some("hardBreak") => {
                keys(node, &["attrs", "type"])?;
                if node.get("attrs").is_some() && at(node, "/attrs/text") != "\n" {
                    return Err("the text of a break is a line feed".to_owned());
                }
                text.push('\n');
            }
            other => return Err(format!("nothing inline is a {other:?}")),
        }
    }
    Ok(text)
}

fn letters(node: &Value, may_be_marked: bool) -> Checked<&str> {
    keys(node, &["marks", "text", "type"])?;
    let text = at(node, "/text").as_str().filter(|text| !text.is_empty()).ok_or("a text node is not empty")?;
    if text.contains(['\n', '\r']) && may_be_marked {
        return Err("a text node has no line break".to_owned());
    }
    let marks = at(node, "/marks").as_array().into_iter().flatten();
    for mark in marks {
        let kind = at(mark, "/type").as_str().unwrap_or_default();
        if !may_be_marked || !MARKS.contains(&kind) {
            return Err(format!("no text is marked as '{kind}' here"));
        }
        if kind == "link" && !at(mark, "/attrs/href").is_string() {
            return Err("a link has an address".to_owned());
        }
    }
    Ok(text)
}

/// Refuses what is no object, or has other keys than these.
fn keys(node: &Value, known: &[&str]) -> Checked<()> {
    let object = node.as_object().ok_or("a node is an object")?;
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(unknown) => Err(format!("unknown key '{unknown}' of a node")),
        None => Ok(()),
    }
}
