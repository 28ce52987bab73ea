//! Making an issue: which fields are taken, and what each may be.
//!
//! The shapes are those of `IssueUpdateDetails` in Jira's published `OpenAPI` file; what a field may be, and the words of a
//! refusal, are those of its documentation and of answers that people quote.

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::super::at;
use super::super::http::{Answer, Seen};
use super::{Issue, Jira, adf, bad_field, mistake, object, only, refusal, refused_field};

const BODY: [&str; 6] = ["fields", "historyMetadata", "properties", "transition", "update", "watchers"];
/// The fields on the create screen.
const FIELDS: [&str; 6] = ["description", "issuetype", "labels", "priority", "project", "summary"];
const PRIORITIES: [&str; 5] = ["Highest", "High", "Medium", "Low", "Lowest"];
/// The longest text of a field.
const MOST_TEXT: usize = 32_767;
/// The longest summary and the longest label.
const MOST_LINE: usize = 255;

impl Jira {
    /// Takes an issue or refuses it.
    pub(super) fn create(&mut self, seen: &Seen) -> Result<Answer, Answer> {
        if !seen.query.is_empty() && !seen.query.iter().all(|(key, _)| key == "updateHistory") {
            return Err(mistake("a query that nobody knows"));
        }
        let body = object(seen, &BODY)?;
        let fields = at(&body, "/fields");
        only(fields, &FIELDS, "'fields'")?;
        let (project, kind) = self.place(fields)?;
        let summary = summary(fields)?;
        let labels = labels(fields)?;
        let priority = priority(fields)?;
        let properties = properties(&body)?;
        let text = description(fields)?;
        let number = self.projects.get_mut(&project).map_or(0, |project| {
            project.last = project.last.saturating_add(1);
            project.last
        });
        if text.encode_utf16().count() > MOST_TEXT {
            let answer = refusal(400, "CONTENT_LIMIT_EXCEEDED");
            return Err(answer.mistake("description: over 32,767 characters"));
        }
        let id = 10_000_u64.saturating_add(u64::try_from(self.issues.len()).unwrap_or_default());
        let issue = Issue {
            id,
            key: format!("{project}-{number}"),
            summary,
            text,
            labels,
            kind,
            priority,
            properties,
            sent: fields.clone(),
            made: Instant::now(),
        };
        let own = format!("https://site.example/rest/api/3/issue/{id}");
        let answer = Answer::new(201, json!({ "id": id.to_string(), "key": issue.key, "self": own }));
        self.issues.push(issue);
        Ok(answer)
    }

    /// The project and the type of an issue.
    fn place(&self, fields: &Value) -> Result<(String, String), Answer> {
        let (project, kind) = (at(fields, "/project"), at(fields, "/issuetype"));
        only(project, &["key"], "'project'")?;
        let key = at(project, "/key").as_str().ok_or_else(|| bad_field("project", "project is required"))?;
        only(kind, &["id", "name"], "'issuetype'")?;
        let types = &self.visible(key)?.types;
        let by_id = at(kind, "/id").as_str().and_then(|id| types.get(&id.parse::<u64>().ok()?));
        let by_name = at(kind, "/name").as_str().and_then(|name| types.values().find(|known| *known == name));
        if !at(kind, "/id").is_string() && !at(kind, "/name").is_string() {
            return Err(bad_field("issuetype", "Specify a valid issue type"));
        }
        let kind = by_id.or(by_name).ok_or_else(|| refused_field("issuetype", "Specify a valid issue type"))?;
        Ok((key.to_owned(), kind.clone()))
    }
}

fn summary(fields: &Value) -> Result<String, Answer> {
    let summary = at(fields, "/summary").as_str().filter(|summary| !summary.trim().is_empty());
    let summary = summary.ok_or_else(|| bad_field("summary", "You must specify a summary of the issue."))?;
    if summary.contains(['\n', '\r']) {
        return Err(bad_field("summary", "The summary is invalid because it contains newline characters."));
    }
    if summary.encode_utf16().count() > MOST_LINE {
        return Err(bad_field("summary", "Summary can't exceed 255 characters."));
    }
    Ok(summary.to_owned())
}

fn labels(fields: &Value) -> Result<Vec<String>, Answer> {
    let Some(given) = fields.get("labels") else { return Ok(Vec::new()) };
    let labels = given.as_array().ok_or_else(|| bad_field("labels", "data was not an array"))?;
    let good = |label: &Value| {
        let label = label.as_str().filter(|label| !label.is_empty());
        let label = label.ok_or_else(|| bad_field("labels", "string expected at index 0"))?;
        if label.chars().any(char::is_whitespace) {
            return Err(bad_field("labels", &format!("The label '{label}' contains spaces which is invalid.")));
        }
        if label.encode_utf16().count() > MOST_LINE {
            return Err(bad_field("labels", &format!("The label '{label}' exceeds 255 characters.")));
        }
        Ok(label.to_owned())
    };
    labels.iter().map(good).collect()
}

/// Another site has other priorities: only the form is the client's.
fn priority(fields: &Value) -> Result<Option<String>, Answer> {
    let Some(priority) = fields.get("priority") else { return Ok(None) };
    only(priority, &["id", "name"], "'priority'")?;
    let name = at(priority, "/name").as_str().ok_or_else(|| bad_field("priority", "data was not an object"))?;
    let known = PRIORITIES.contains(&name).then(|| Some(name.to_owned()));
    known.ok_or_else(|| refused_field("priority", "The priority selected is invalid."))
}

fn properties(body: &Value) -> Result<Map<String, Value>, Answer> {
    let Some(given) = body.get("properties") else { return Ok(Map::new()) };
    let list = given.as_array().ok_or_else(|| mistake("'properties' is a list"))?;
    let pair = |property: &Value| {
        only(property, &["key", "value"], "a property")?;
        let key = at(property, "/key").as_str().filter(|key| (1..=MOST_LINE).contains(&key.len()));
        let key = key.ok_or_else(|| mistake("a property has a key of 1 to 255 characters"))?;
        let value = property.get("value").filter(|value| value.to_string().len() <= 32_768);
        let value = value.ok_or_else(|| mistake("a property has a value of at most 32,768 characters"))?;
        Ok((key.to_owned(), value.clone()))
    };
    list.iter().map(pair).collect()
}

fn description(fields: &Value) -> Result<String, Answer> {
    match fields.get("description") {
        None | Some(Value::Null) => Ok(String::new()),
        Some(document) => adf::text(document).map_err(|why| {
            let words = "Operation value must be an Atlassian Document (see the Atlassian Document Format)";
            refused_field("description", words).mistake(format!("description: {why}"))
        }),
    }
}
