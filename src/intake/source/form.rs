//! HTML forms: `application/x-www-form-urlencoded` (WHATWG URL standard, clause 5) and `multipart/form-data` (RFC 7578).
//!
//! Either becomes the JSON object that a program would have sent: `lead[email]` is `email` in `lead`, a key that comes
//! twice has its values in one text. Everything is decoded once; bytes that are no UTF-8 become U+FFFD. Files are left out.

use serde_json::{Map, Value};

use super::{Payload, Unreadable, position};

/// More than any form has; what follows is not looked at.
const MAX_FIELDS: usize = 1_000;
/// `a[b][c]…`: deeper brackets belong to the last name.
const MAX_BRACKETS: usize = 8;
/// The head of a part, and its boundary (RFC 2046, clause 5.1.1).
const MAX_HEAD_BYTES: usize = 4_096;
const MAX_BOUNDARY_BYTES: usize = 70;

/// The fields of a body as one object.
pub(super) fn parsed(payload: &Payload<'_>) -> Result<Value, Unreadable> {
    let mut object = Value::Object(Map::new());
    let kind = payload.content_type.unwrap_or_default();
    if media_type(kind) == "multipart/form-data" {
        let boundary = boundary(kind).ok_or(Unreadable::Form("its Content-Type names no boundary"))?;
        for (name, text) in parts(payload.body, boundary).into_iter().take(MAX_FIELDS) {
            put(&mut object, &name, &text);
        }
    } else {
        for (name, text) in form_urlencoded::parse(payload.body).take(MAX_FIELDS) {
            put(&mut object, &name, &text);
        }
    }
    let is_empty = object.as_object().is_some_and(Map::is_empty);
    if is_empty { Err(Unreadable::Form("there are no fields in it")) } else { Ok(object) }
}

/// The type without its parameters, in small letters.
pub(super) fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Puts a field where its brackets say.
fn put(object: &mut Value, name: &str, text: &str) {
    let (first, rest) = name.split_once('[').unwrap_or((name, ""));
    let inner = rest.split(['[', ']']).filter(|step| !step.is_empty()).take(MAX_BRACKETS);
    let mut place = object;
    for step in std::iter::once(first).chain(inner) {
        if !place.is_object() {
            // `a=1&a[b]=2`: what came first stays.
            return;
        }
        let Some(map) = place.as_object_mut() else { return };
        place = map.entry(step.to_owned()).or_insert_with(|| Value::Object(Map::new()));
    }
    match place {
        Value::String(before) if !text.is_empty() => {
            before.push_str(if before.is_empty() { "" } else { ", " });
            before.push_str(text);
        }
        Value::Object(map) if map.is_empty() => *place = Value::String(text.to_owned()),
        _ => {}
    }
}

fn boundary(content_type: &str) -> Option<&str> {
    let parameter = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then_some(value.trim())
    })?;
    let boundary = parameter.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(parameter);
    (1..=MAX_BOUNDARY_BYTES).contains(&boundary.len()).then_some(boundary)
}

/// Names and texts of the parts. A part that is cut off ends with the body.
fn parts(body: &[u8], boundary: &str) -> Vec<(String, String)> {
    let delimiter = format!("\r\n--{boundary}");
    let opening = delimiter.trim_start();
    let mut found = Vec::new();
    let mut rest = match body.strip_prefix(opening.as_bytes()) {
        Some(rest) => Some(rest),
        None => behind(body, delimiter.as_bytes()).map(|(_, rest)| rest),
    };
    while let Some(part) = rest {
        if part.starts_with(b"--") || found.len() >= MAX_FIELDS {
            break;
        }
        let (content, next) = match behind(part, delimiter.as_bytes()) {
            Some((content, next)) => (content, Some(next)),
            None => (part, None),
        };
        found.extend(field(content));
        rest = next;
    }
    found
}

/// The name and text of one part, if it is a text.
fn field(part: &[u8]) -> Option<(String, String)> {
    let (head, content) = behind(part, b"\r\n\r\n").filter(|(head, _)| head.len() <= MAX_HEAD_BYTES)?;
    let head = String::from_utf8_lossy(head);
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.trim().eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let disposition = header("content-disposition")?;
    let is_text = header("content-type").is_none_or(|kind| media_type(&kind).starts_with("text/"));
    let is_file = parameter(&disposition, "filename").is_some() || parameter(&disposition, "filename*").is_some();
    let name = parameter(&disposition, "name")?;
    (is_text && !is_file).then(|| (name, String::from_utf8_lossy(content).into_owned()))
}

/// A parameter of a header; what stands in quotes may hold anything, `"` as `%22` or behind a backslash.
fn parameter(header: &str, name: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (known, after) = rest.split_once('=')?;
        let (value, next) = if let Some(quoted) = after.trim_start().strip_prefix('"') {
            let (value, next) = quoted.split_at_checked(end_of_quoted(quoted)?)?;
            (value.replace("\\\"", "\"").replace("%22", "\""), next.trim_start_matches('"'))
        } else {
            let (value, next) = after.split_once(';').unwrap_or((after, ""));
            (value.trim().to_owned(), next)
        };
        if known.trim_matches([' ', ';', '\t']).eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = next;
    }
}

/// Where the closing quote is: one without a backslash before it.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })
}

/// What stands before and behind the first `needle`.
fn behind<'b>(bytes: &'b [u8], needle: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let (before, from) = bytes.split_at_checked(position(bytes, needle)?)?;
    Some((before, from.strip_prefix(needle)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BOUNDARY: &str = "multipart/form-data; boundary=\"x y\"";

    fn read(content_type: Option<&str>, body: &[u8]) -> Result<Value, String> {
        parsed(&Payload { content_type, body }).map_err(|error| error.to_string())
    }

    #[test]
    fn a_form_is_the_object_that_a_program_would_send() {
        for (name, body, want) in [
            (
                "plain",
                "name=Karl+Lund&email=karl%40example.com",
                json!({ "name": "Karl Lund", "email": "karl@example.com" }),
            ),
            ("decoded once", "m=50%2525", json!({ "m": "50%25" })),
            ("no UTF-8", "m=a%FFb", json!({ "m": "a\u{fffd}b" })),
            ("twice", "i=a&i=b", json!({ "i": "a, b" })),
            ("a list", "i[]=a&i[]=b", json!({ "i": "a, b" })),
            (
                "brackets",
                "data[lead][email]=a@b.co&data[x]=1",
                json!({ "data": { "lead": { "email": "a@b.co" }, "x": "1" } }),
            ),
            ("encoded brackets", "fields%5Bmessage%5D=Hi", json!({ "fields": { "message": "Hi" } })),
            ("in its own way", "a=1&a[b]=2", json!({ "a": "1" })),
            ("the other way round", "a[b]=2&a=1", json!({ "a": { "b": "2" } })),
            ("empty, then full", "a=&a=1", json!({ "a": "1" })),
            ("no value", "a", json!({ "a": "" })),
            ("broken brackets", "a[[b=1&c]=2", json!({ "a": { "b": "1" }, "c]": "2" })),
        ] {
            assert_eq!(read(None, body.as_bytes()), Ok(want.clone()), "{name}");
        }
        assert!(read(None, b"").is_err());
    }

    #[test]
    fn the_texts_of_a_multipart_body() {
        let part = |head: &str, text: &str| format!("\r\n--x y\r\n{head}\r\n\r\n{text}");
        let named = |name: &str, text: &str| part(&format!("Content-Disposition: form-data; name={name}"), text);
        let file =
            part("Content-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain", "x");
        let image = part("content-type: image/png\r\ncontent-disposition: form-data; name=\"i\"", "x");
        for (name, body, want) in [
            (
                "two",
                named("\"message\"", "Hi\r\nthere") + &named("email", "a@b.co") + "\r\n--x y--\r\n",
                json!({ "message": "Hi\r\nthere", "email": "a@b.co" }),
            ),
            ("files", named("\"m\"", "Hi") + &file + &image + "\r\n--x y--", json!({ "m": "Hi" })),
            ("cut off", named("\"m\"", "Hi") + &named("\"n\"", "half"), json!({ "m": "Hi", "n": "half" })),
            ("a quote in the name", named("\"a\\\"b;c\"", "Hi"), json!({ "a\"b;c": "Hi" })),
            ("a dash in the text", named("\"m\"", "--x\r\n-- y"), json!({ "m": "--x\r\n-- y" })),
        ] {
            let body = body.trim_start().to_owned();
            assert_eq!(read(Some(BOUNDARY), body.as_bytes()), Ok(want), "{name}");
        }
        for (name, kind, body) in [
            ("no boundary", "multipart/form-data", "--x\r\n"),
            ("another boundary", "multipart/form-data; boundary=z", "--x\r\n\r\n--x--"),
            ("nothing", BOUNDARY, ""),
        ] {
            assert!(read(Some(kind), body.as_bytes()).is_err(), "{name}");
        }
    }
}
