//! An issue as Jira takes it, and the query that finds it again. Pure.
//!
//! Called by the Jira effect. A customer's text is a summary of one line or a text node of the description, never part of the
//! query: that holds only our key and the configured project.
//! Sources: <https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-post>,
//! <https://support.atlassian.com/jira-software-cloud/docs/jql-fields/>.

use serde_json::{Map, Value, json};

use super::super::{adf, one_line, shortened, tags};
use crate::model::TicketTask;

/// Jira refuses a longer summary.
const MOST_SUMMARY: usize = 255;
/// Jira refuses a longer label.
const MOST_LABEL_CHARS: usize = 255;
/// The property of an issue that says which job made it.
const PROPERTY: &str = "nightdesk";

/// The body of the POST.
pub(super) fn of(task: &TicketTask, key: &str, project: &str, issue_type: &str) -> Value {
    let summary = shortened(&one_line(&task.subject), MOST_SUMMARY, char::len_utf16);
    let summary = if summary.is_empty() { "A case for support" } else { &summary };
    let is_id = !issue_type.is_empty() && issue_type.bytes().all(|byte| byte.is_ascii_digit());
    let mut labels = tags(&task.tags, MOST_LABEL_CHARS);
    labels.push(label(key));
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    put("project", json!({ "key": project }));
    put("issuetype", json!({ if is_id { "id" } else { "name" }: issue_type }));
    put("summary", summary.into());
    put("description", adf::document(&task.paragraphs));
    put("labels", labels.into());
    if let Some(priority) = task.priority.as_deref().map(one_line).filter(|priority| !priority.is_empty()) {
        put("priority", json!({ "name": priority }));
    }
    json!({ "fields": fields, "properties": [{ "key": PROPERTY, "value": { "job": key } }] })
}

/// The JQL that finds the issue of this job.
pub(super) fn query(key: &str, project: &str) -> String {
    format!("project = {} AND labels = {}", quoted(project), quoted(&label(key)))
}

/// The label of this job's issue alone.
fn label(key: &str) -> String {
    format!("nightdesk-{key}")
}

/// A string of JQL.
fn quoted(text: &str) -> String {
    format!("\"{}\"", one_line(text).replace('\\', "\\\\").replace('"', "\\\""))
}
