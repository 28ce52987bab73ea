//! Composite requests: several calls in one, of which later ones use what earlier ones found.
//!
//! Source: "REST API Developer Guide", Composite, with its request and result objects.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::super::http::{Answer, pairs};
use super::{Ask, Refusal, Salesforce};

/// The most parts.
const MOST: usize = 25;

/// A part, as it was asked for.
struct Part {
    method: String,
    url: String,
    reference: String,
    body: Option<Value>,
}

fn mistake(words: impl Into<String>) -> Refusal {
    Refusal::new(400, "INVALID_INPUT", words).mistake()
}

fn halted(words: impl Into<String>) -> Refusal {
    Refusal::new(400, "PROCESSING_HALTED", words)
}

impl Salesforce {
    pub(super) fn composite(&mut self, ask: &Ask) -> Result<Answer, Refusal> {
        let (all_or_none, parts) = parts(ask)?;
        let before = (self.records.clone(), self.made, self.echo.take());
        let mut results: Vec<(String, Answer)> = Vec::new();
        let mut found = BTreeMap::new();
        for part in parts {
            let answer = self.part(&part, &found).unwrap_or_else(Refusal::answer);
            if (200..300).contains(&answer.status) {
                found.insert(part.reference.clone(), answer.body.clone());
            }
            results.push((part.reference, answer));
        }
        let is_failed = |answer: &Answer| !(200..300).contains(&answer.status);
        let mistake = results.iter().find_map(|(_, answer)| answer.mistake.clone());
        let roll_back = all_or_none && results.iter().any(|(_, answer)| is_failed(answer));
        if roll_back {
            (self.records, self.made) = (before.0, before.1);
            let words = "The transaction was rolled back since another operation in the same transaction failed.";
            for (_, answer) in results.iter_mut().filter(|(_, answer)| !is_failed(answer)) {
                *answer = halted(words).answer();
            }
        }
        self.echo = before.2;
        let shown = results.into_iter().map(|(reference, answer)| {
            json!({ "body": answer.body, "httpHeaders": {}, "httpStatusCode": answer.status, "referenceId": reference })
        });
        let answer = Answer::new(200, json!({ "compositeResponse": shown.collect::<Vec<Value>>() }));
        Ok(Answer { mistake, ..answer })
    }

    fn part(&mut self, part: &Part, found: &BTreeMap<String, Value>) -> Result<Answer, Refusal> {
        let url = filled(&part.url, found)?;
        let body = part.body.as_ref().map(|body| filled_in(body, found)).transpose()?;
        let (path, query) = url.split_once('?').unwrap_or((&url, ""));
        // Each step by itself, so that a slash in an id stays in it.
        let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
        self.one(&Ask::new(&part.method, &path, pairs(query), body)?)
    }
}

fn parts(ask: &Ask) -> Result<(bool, Vec<Part>), Refusal> {
    let body = ask.body.as_ref().and_then(Value::as_object).ok_or_else(|| mistake("the body is no object"))?;
    only(body, &["allOrNone", "collateSubrequests", "compositeRequest"])?;
    let all_or_none = match body.get("allOrNone") {
        None => false,
        Some(value) => value.as_bool().ok_or_else(|| mistake("'allOrNone' is a boolean"))?,
    };
    let list = body.get("compositeRequest").and_then(Value::as_array);
    let list = list.filter(|list| (1..=MOST).contains(&list.len()));
    let list = list.ok_or_else(|| mistake("'compositeRequest' has 1 to 25 parts"))?;
    let mut parts: Vec<Part> = Vec::new();
    for given in list {
        let part = part(given)?;
        if parts.iter().any(|known| known.reference == part.reference) {
            return Err(mistake(format!("'referenceId' {} is there twice", part.reference)));
        }
        parts.push(part);
    }
    Ok((all_or_none, parts))
}

fn part(given: &Value) -> Result<Part, Refusal> {
    let given = given.as_object().ok_or_else(|| mistake("a part is no object"))?;
    only(given, &["method", "url", "referenceId", "body", "httpHeaders"])?;
    let word = |key: &str| {
        let word = given.get(key).and_then(Value::as_str).filter(|word| !word.is_empty());
        word.map(str::to_owned).ok_or_else(|| mistake(format!("a part needs '{key}', a string")))
    };
    let (method, url, reference) = (word("method")?, word("url")?, word("referenceId")?);
    if !reference.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(mistake("a 'referenceId' is letters, digits and _"));
    }
    if !["GET", "POST", "PATCH"].contains(&method.as_str()) || (method == "GET" && given.contains_key("body")) {
        return Err(mistake("a part is a GET without a body, a POST or a PATCH"));
    }
    Ok(Part { method, url, reference, body: given.get("body").cloned() })
}

fn only(map: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    match map.keys().find(|key| !known.contains(&key.as_str())) {
        Some(unknown) => Err(mistake(format!("unknown key '{unknown}'"))),
        None => Ok(()),
    }
}

/// The same with what `@{reference.field}` stands for.
fn filled(text: &str, found: &BTreeMap<String, Value>) -> Result<String, Refusal> {
    let (mut done, mut rest) = (String::new(), text);
    while let Some((before, from)) = rest.split_once("@{") {
        let (path, after) = from.split_once('}').ok_or_else(|| mistake("a reference has no end"))?;
        let (reference, field) = path.split_once('.').ok_or_else(|| mistake("a reference names no field"))?;
        let value = found.get(reference).and_then(|body| body.get(field)?.as_str());
        let missing = || halted(format!("Invalid reference specified. No value for {path} found in {reference}"));
        done.push_str(before);
        done.push_str(value.ok_or_else(missing)?);
        rest = after;
    }
    Ok(done + rest)
}

fn filled_in(body: &Value, found: &BTreeMap<String, Value>) -> Result<Value, Refusal> {
    Ok(match body {
        Value::String(text) => Value::String(filled(text, found)?),
        Value::Array(list) => list.iter().map(|one| filled_in(one, found)).collect::<Result<_, _>>()?,
        Value::Object(map) => {
            let of = |(key, value): (&String, &Value)| Ok((key.clone(), filled_in(value, found)?));
            Value::Object(map.iter().map(of).collect::<Result<_, Refusal>>()?)
        }
        other => other.clone(),
    })
}
