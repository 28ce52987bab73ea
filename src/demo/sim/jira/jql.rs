//! Searching: as much JQL as finds issues of a project by a label, and the page that comes back.
//!
//! The keys are those of the documentation of `POST /rest/api/3/search/jql`; the syntax is that of "JQL fields": clauses of a
//! field, `=` and a word or a quoted string, joined by `AND`.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::{Value, json};

use super::super::at;
use super::super::http::{Answer, Seen};
use super::{Issue, Jira, mistake, object, refusal};

const BODY: [&str; 9] = [
    "expand",
    "failFast",
    "fields",
    "fieldsByKeys",
    "jql",
    "maxResults",
    "nextPageToken",
    "properties",
    "reconcileIssues",
];

/// A clause: the field and its value.
type Clause = (String, String);

impl Jira {
    /// The first page of what a query finds; there is never a second one here.
    pub(super) fn search(&self, seen: &Seen) -> Result<Answer, Answer> {
        let body = object(seen, &BODY)?;
        let jql = at(&body, "/jql").as_str().ok_or_else(|| mistake("'jql' is a text"))?;
        let fields = at(&body, "/fields").as_array().filter(|fields| !fields.is_empty());
        if !fields.is_some_and(|fields| fields.iter().all(Value::is_string)) {
            return Err(mistake("without 'fields' only ids come back"));
        }
        let most = match body.get("maxResults") {
            None => 50,
            Some(most) => {
                most.as_u64().filter(|most| (1..=5_000).contains(most)).ok_or_else(|| mistake("'maxResults'"))?
            }
        };
        let clauses = clauses(jql).ok_or_else(|| mistake(format!("Error in the JQL Query: {jql}")))?;
        let unknown = clauses.iter().find(|(field, _)| !matches!(field.as_str(), "project" | "labels"));
        if let Some((field, _)) = unknown {
            return Err(mistake(format!("Field '{field}' does not exist or this field cannot be viewed.")));
        }
        if let Some((_, key)) = clauses.iter().find(|(field, key)| field == "project" && self.visible(key).is_err()) {
            return Err(refusal(400, &format!("The value '{key}' does not exist for the field 'project'.")));
        }
        let is_known = |issue: &&Issue| issue.made.elapsed() >= self.index_lag;
        let hits =
            self.issues.iter().rev().filter(is_known).filter(|issue| clauses.iter().all(|clause| fits(issue, clause)));
        let hits: Vec<Value> = hits.take(usize::try_from(most).unwrap_or(usize::MAX)).map(Issue::json).collect();
        Ok(Answer::new(200, json!({ "issues": hits, "isLast": true })))
    }
}

impl Issue {
    fn json(&self) -> Value {
        json!({ "id": self.id.to_string(), "key": self.key, "fields": { "summary": self.summary } })
    }
}

fn fits(issue: &Issue, (field, value): &Clause) -> bool {
    match field.as_str() {
        "project" => issue.key.rsplit_once('-').is_some_and(|(project, _)| project.eq_ignore_ascii_case(value)),
        _ => issue.labels.contains(value),
    }
}

/// The clauses of a query; `None` if it is none.
fn clauses(jql: &str) -> Option<Vec<Clause>> {
    let mut tokens = tokens(jql)?.into_iter();
    let mut clauses = Vec::new();
    loop {
        let (field, equals, value) = (tokens.next()?, tokens.next()?, tokens.next()?);
        (!field.is_quoted && equals.text == "=" && !equals.is_quoted).then_some(())?;
        clauses.push((field.text.to_lowercase(), value.text));
        match tokens.next() {
            None => return Some(clauses),
            Some(and) if and.text.eq_ignore_ascii_case("and") && !and.is_quoted => {}
            Some(_) => return None,
        }
    }
}

struct Token {
    text: String,
    is_quoted: bool,
}

fn tokens(jql: &str) -> Option<Vec<Token>> {
    let mut rest = jql.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(c) = rest.next() {
        tokens.push(match c {
            ' ' => continue,
            '"' => Token { text: quoted(&mut rest)?, is_quoted: true },
            '=' => Token { text: "=".to_owned(), is_quoted: false },
            c if c.is_ascii_alphanumeric() || c == '-' => {
                let mut text = c.to_string();
                while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '-') {
                    text.push(c);
                }
                Token { text, is_quoted: false }
            }
            _ => return None,
        });
    }
    Some(tokens)
}

/// The rest of a string after its first quote; `None` if it has no end.
fn quoted(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut text = String::new();
    loop {
        match rest.next()? {
            '"' => return Some(text),
            '\\' => text.push(rest.next().filter(|c| matches!(c, '"' | '\\'))?),
            c if c.is_control() => return None,
            c => text.push(c),
        }
    }
}
