//! Jira Cloud: one POST makes an issue. Jira takes no key, so each issue carries a label of its own by which it is found.
//!
//! Called by the outbox through [`Effect`]. An issue is never made twice by itself: an unknown outcome is looked up by the
//! label (`look_up` here). The index lags by seconds, so "not found" is only believed when the try is old enough. `issue` is
//! what is sent, `answer` what an answer means.
//! Sources: <https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-post>,
//! <https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/#api-rest-api-3-search-jql-post>.

mod answer;
mod issue;
#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;

use crate::model::{Effect, Failure, Fault, Outcome, Report, Task, TicketTask, Timestamp, Trace, Work};
use crate::wire::{self, Answer, Call, Wire, WireError};

use super::{done, looked_up, no_ticket, within};

/// Jira's index knows a new issue within seconds; what it doesn't know after a minute isn't there.
const INDEX_LAG: Duration = Duration::from_mins(1);
/// The label is unique; a second hit would be a duplicate that somebody made by cloning.
const MOST_HITS: u32 = 2;
/// Where Jira puts its id of a request.
const REQUEST_ID: &str = "atl-traceid";
/// And where it used to.
const OLD_REQUEST_ID: &str = "x-arequestid";

/// Which project gets the issues, and as whom.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://NAME.atlassian.net`, or a stand-in; no slash at the end.
    pub base_url: String,
    /// The e-mail address of the account whose token it is.
    pub user: String,
    /// The API token.
    pub token: SecretString,
    /// The project's key, such as `SUP`.
    pub project: String,
    /// The name of the issue type, or its id.
    pub issue_type: String,
    /// The longest that one request may take.
    pub timeout: Duration,
}

/// Makes issues in one project.
#[derive(Debug, Clone)]
pub struct Jira {
    settings: Settings,
    wire: Wire,
}

impl Jira {
    /// A help desk with these settings. Connects to nothing until the first issue.
    #[must_use]
    pub const fn new(settings: Settings, wire: Wire) -> Self {
        Self { settings, wire }
    }

    /// Asks Jira who we are and whether there is such a project with such an issue type. What is wrong, or nothing.
    pub async fn verify(&self) -> Vec<Failure> {
        let Settings { project, issue_type, .. } = &self.settings;
        let path = format!("/rest/api/3/project/{}", wire::segment(project));
        let trouble = match self.judged("/rest/api/3/myself", answer::account_trouble).await {
            None => self.judged(&path, |told, now| answer::project_trouble(told, project, issue_type, now)).await,
            trouble => trouble,
        };
        trouble.into_iter().collect()
    }

    /// What is wrong with what there is at `path`.
    async fn judged(
        &self,
        path: &str,
        judge: impl Fn(&Answer, Timestamp) -> Option<Failure> + Send,
    ) -> Option<Failure> {
        let (got, _) = self.exchange(Call::get(self.url(path)), self.settings.timeout).await;
        match got {
            Ok(answer) => judge(&answer, Timestamp::now()),
            Err(error) => Some(error.failure("Jira")),
        }
    }

    async fn make(&self, task: &TicketTask, work: &Work) -> Report {
        let body = issue::of(task, &work.job.key(), &self.settings.project, &self.settings.issue_type);
        let call = Call::post(self.url("/rest/api/3/issue")).json(&body);
        let (got, trace) = self.exchange(call, within(work, self.settings.timeout)).await;
        let outcome = match got.map(|answer| answer::of_post(&answer, Timestamp::now())) {
            Ok(Ok(key)) => done(self.link(&key)),
            Ok(Err(failure)) => Outcome::Failed(failure),
            Err(error) => Outcome::Failed(error.failure("Jira")),
        };
        Report::traced(outcome, trace)
    }

    /// Whether the try that began at `since` made its issue.
    async fn look_up(&self, since: Timestamp, work: &Work) -> Report {
        let jql = issue::query(&work.job.key(), &self.settings.project);
        let body = json!({ "jql": jql, "fields": ["summary"], "maxResults": MOST_HITS });
        let call = Call::post(self.url("/rest/api/3/search/jql")).json(&body).repeatable();
        let (got, trace) = self.exchange(call, within(work, self.settings.timeout)).await;
        let outcome = match got.map(|answer| answer::of_search(&answer, Timestamp::now())) {
            Ok(Ok(Some(key))) => done(self.link(&key)),
            Ok(Ok(None)) if Timestamp::now().since(since) >= INDEX_LAG => Outcome::Absent,
            Ok(Ok(None)) => {
                let reason = "Jira doesn't find the issue yet, but its index may lag: it is asked again";
                Outcome::Failed(Failure::new(Fault::Transient, reason))
            }
            Ok(Err(failure)) => looked_up(failure),
            Err(error) => Outcome::Failed(error.failure("Jira's search")),
        };
        Report::traced(outcome, trace)
    }

    /// Sends `call` once, at most for `left`.
    async fn exchange(&self, call: Call, left: Duration) -> (Result<Answer, WireError>, Trace) {
        let call = call.header("accept", "application/json").basic(&self.settings.user, &self.settings.token);
        let got = self.wire.send(&call, left).await;
        let trace = wire::trace(&call, &got, REQUEST_ID);
        let old_id = got.as_ref().ok().and_then(|answer| answer.header(OLD_REQUEST_ID)).map(str::to_owned);
        let vendor_id = trace.vendor_id.clone().or(old_id);
        (got, Trace { vendor_id, ..trace })
    }

    fn url(&self, rest: &str) -> String {
        format!("{}{rest}", self.settings.base_url)
    }

    fn link(&self, key: &str) -> String {
        self.url(&format!("/browse/{key}"))
    }
}

impl Effect for Jira {
    fn perform<'a>(&'a self, work: &'a Work) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>> {
        Box::pin(async move {
            match (&work.job.task, work.look_up_since) {
                (Task::Ticket(task), None) => self.make(task, work).await,
                (Task::Ticket(_), Some(since)) => self.look_up(since, work).await,
                _ => no_ticket("Jira", work),
            }
        })
    }
}
