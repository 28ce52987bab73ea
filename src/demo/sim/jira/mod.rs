//! A simulated Jira Cloud: making issues, finding them by JQL, the account itself and its projects.
//!
//! As strict as version 3 of the API: a description is a document in Atlassian's format, a label has no space, a summary is
//! one line, and the search that was removed answers 410. New issues are found only once the index has them, which takes as
//! long as a test says. What was taken is in [`Sim::issues`].

mod adf;
mod create;
mod jql;

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::fault::Fault;
use super::http::{Answer, Seen, Sim, Site};

/// An issue that was made.
#[derive(Debug, Clone)]
pub struct Issue {
    /// Its number in the site.
    pub id: u64,
    /// Its key, such as `SUP-1`.
    pub key: String,
    /// Its headline.
    pub summary: String,
    /// The letters of its description, a line for each paragraph and each break.
    pub text: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// The name of its type.
    pub kind: String,
    /// How urgent it is.
    pub priority: Option<String>,
    /// What was kept with it by key.
    pub properties: Map<String, Value>,
    /// All that was sent as its fields.
    pub sent: Value,
    made: Instant,
}

/// A project: the types of its issues by their ids, and the number of the last issue.
#[derive(Debug, Clone, Default)]
struct Project {
    types: BTreeMap<u64, String>,
    last: u64,
    is_hidden: bool,
}

/// The site's state.
#[derive(Debug)]
pub struct Jira {
    authorization: String,
    projects: BTreeMap<String, Project>,
    issues: Vec<Issue>,
    index_lag: Duration,
}

impl Jira {
    /// A site without projects; the account with this address has this API token.
    #[must_use]
    pub fn new(user: &str, token: &str) -> Self {
        Self {
            authorization: format!("Basic {}", STANDARD.encode(format!("{user}:{token}"))),
            projects: BTreeMap::new(),
            issues: Vec::new(),
            index_lag: Duration::ZERO,
        }
    }

    /// A project with issues of these types, whose ids count from 10001; `Subtask` only makes subtasks.
    #[must_use]
    pub fn project(mut self, key: &str, types: &[&str]) -> Self {
        let types = (10_001..).zip(types.iter().map(|name| (*name).to_owned())).collect();
        self.projects.insert(key.to_owned(), Project { types, ..Project::default() });
        self
    }

    /// A new issue is found after so long.
    #[must_use]
    pub fn index_lag(mut self, lag: Duration) -> Self {
        self.index_lag = lag;
        self
    }

    fn route(&mut self, seen: &Seen) -> Result<Answer, Answer> {
        self.known(seen)?;
        let rest = seen.path.strip_prefix("/rest/api/3/").unwrap_or_default();
        let parts: Vec<&str> = rest.split('/').collect();
        match (seen.method.as_str(), parts.as_slice()) {
            ("POST", ["issue"]) => self.create(seen),
            ("POST", ["search", "jql"]) => self.search(seen),
            ("GET" | "POST", ["search"]) => {
                let why = "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API.";
                Err(refusal(410, why).mistake("the old search is gone"))
            }
            ("GET", ["myself"]) => Ok(Answer::new(
                200,
                json!({ "accountId": "5b10a2844c20165700ede21g", "accountType": "atlassian", "active": true,
                        "displayName": "Desk", "timeZone": "Europe/Stockholm" }),
            )),
            ("GET", ["project", key]) => self.show_project(key),
            _ => Err(refusal(404, "No such resource").mistake("no such resource")),
        }
    }

    /// Only a token that isn't known is no mistake.
    fn known(&self, seen: &Seen) -> Result<(), Answer> {
        let given = seen.header("authorization").unwrap_or_default();
        if given == self.authorization {
            return Ok(());
        }
        let pair = given.strip_prefix("Basic ").and_then(|pair| STANDARD.decode(pair).ok());
        let is_pair = pair.is_some_and(|pair| pair.contains(&b':'));
        let answer = refusal(401, "You are not authenticated. Authentication required to perform this operation.");
        Err(if is_pair { answer } else { answer.mistake("the authorization is no Basic of 'address:token'") })
    }

    fn visible(&self, key: &str) -> Result<&Project, Answer> {
        let project = self.projects.get(key).filter(|project| !project.is_hidden);
        project.ok_or_else(|| refusal(404, &format!("No project could be found with key '{key}'.")))
    }

    fn show_project(&self, key: &str) -> Result<Answer, Answer> {
        let types = self.visible(key)?.types.iter();
        let kind =
            |(id, name): (&u64, &String)| json!({ "id": id.to_string(), "name": name, "subtask": name == "Subtask" });
        let types: Vec<Value> = types.map(kind).collect();
        Ok(Answer::new(200, json!({ "id": "10000", "key": key, "name": key, "issueTypes": types, "style": "classic" })))
    }
}

/// A refusal with a message.
fn refusal(status: u16, message: &str) -> Answer {
    Answer::new(status, json!({ "errorMessages": [message], "errors": {} }))
}

/// A field that is refused, whatever the state of the site.
fn bad_field(field: &str, why: &str) -> Answer {
    refused_field(field, why).mistake(format!("{field}: {why}"))
}

/// A field that the site refuses as it is now.
fn refused_field(field: &str, why: &str) -> Answer {
    Answer::new(400, json!({ "errorMessages": [], "errors": { field: why } }))
}

/// A request that was never right.
fn mistake(why: impl Into<String>) -> Answer {
    let why = why.into();
    refusal(400, &why).mistake(why)
}

/// The body as an object with no keys but these.
fn object(seen: &Seen, keys: &[&str]) -> Result<Value, Answer> {
    if !seen.is_of_type("application/json") {
        return Err(refusal(415, "Unsupported Media Type").mistake("the body is not declared as JSON"));
    }
    let body: Value = serde_json::from_str(&seen.body).map_err(|_| mistake("the body is no JSON"))?;
    only(&body, keys, "the body")?;
    Ok(body)
}

/// Refuses what is no object, or has other keys than these.
fn only(value: &Value, keys: &[&str], what: &str) -> Result<(), Answer> {
    let object = value.as_object().ok_or_else(|| mistake(format!("{what} is no object")))?;
    match object.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(unknown) => Err(mistake(format!("unknown key '{unknown}' of {what}"))),
        None => Ok(()),
    }
}

impl Site for Jira {
    const PREFIX: &'static str = "";

    fn serve(&mut self, seen: &Seen) -> Answer {
        self.route(seen).unwrap_or_else(|refusal| refusal)
    }

    fn error(&self, status: u16) -> Value {
        json!({ "errorMessages": [format!("status {status}")], "errors": {} })
    }

    fn stamp(&self, seen: &Seen) -> Vec<(&'static str, String)> {
        vec![("atl-traceid", format!("{:032x}", seen.number)), ("x-arequestid", format!("{:032x}", seen.number))]
    }

    /// It is down for good.
    fn misbehaviour(&self) -> Fault {
        Fault::status(500)
    }
}

impl Sim<Jira> {
    /// Every issue that was made, oldest first.
    #[must_use]
    pub fn issues(&self) -> Vec<Issue> {
        self.site().issues.clone()
    }

    /// From now on a new issue is found after so long.
    pub fn set_index_lag(&self, lag: Duration) {
        self.site().index_lag = lag;
    }

    /// The account may not see this project any more.
    pub fn hide_project(&self, key: &str) {
        if let Some(project) = self.site().projects.get_mut(key) {
            project.is_hidden = true;
        }
    }
}

#[cfg(test)]
mod tests;
