//! Zendesk: one POST makes a ticket. Zendesk takes our key for it, so doing that twice within two hours is doing it once.
//!
//! Called by the outbox through [`Effect`]. While the key is kept, an unknown outcome is found out by the same request
//! again, which must then be the same bytes: the body is made of the job and its key alone (`body`). Later the ticket is
//! looked for by its external id first, which is the key too. `answer` says what an answer means.
//! Sources: <https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#create-ticket>,
//! <https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency>.

mod answer;
mod body;
#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::time::Duration;

use secrecy::SecretString;

use crate::model::{Effect, Failure, Outcome, Report, Task, TicketTask, Timestamp, Trace, Work};
use crate::wire::{self, Answer, Call, Wire, WireError};

use super::{done, looked_up, no_ticket, within};
use answer::Refusal;
use body::Requester;

/// Zendesk keeps a key for two hours; how long a request takes and how far clocks differ is left out of that.
const KEY_IS_KEPT: Duration = Duration::from_mins(110);
/// Put behind the key for the request without the customer's address, which is another body.
const WITHOUT_ADDRESS: &str = "noaddress";
/// Where Zendesk puts its id of a request.
const REQUEST_ID: &str = "x-zendesk-request-id";

/// Which help desk gets the tickets, and as whom.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://NAME.zendesk.com`, or a stand-in; no slash at the end.
    pub base_url: String,
    /// The e-mail address of the agent whose token it is.
    pub user: String,
    /// The API token.
    pub token: SecretString,
    /// Zendesk mails the first comment to the requester: the prospect's own text, to whatever address was typed in. False
    /// keeps it among the agents.
    pub public: bool,
    /// The longest that one request may take.
    pub timeout: Duration,
}

/// Makes tickets in one Zendesk.
#[derive(Debug, Clone)]
pub struct Zendesk {
    settings: Settings,
    wire: Wire,
}

/// What a request came to, and what was said.
type Said<T, E> = (Result<T, E>, Trace);

impl Zendesk {
    /// A help desk with these settings. Connects to nothing until the first ticket.
    #[must_use]
    pub const fn new(settings: Settings, wire: Wire) -> Self {
        Self { settings, wire }
    }

    /// Asks Zendesk who we are, without making anything. What is wrong, or nothing.
    pub async fn verify(&self) -> Vec<Failure> {
        let (got, _) = self.exchange(Call::get(self.url("/api/v2/users/me.json")), self.settings.timeout).await;
        match got {
            Ok(answer) => answer::account_trouble(&answer, Timestamp::now()).into_iter().collect(),
            Err(error) => vec![error.failure("Zendesk")],
        }
    }

    async fn act(&self, task: &TicketTask, work: &Work) -> Report {
        if is_kept(work, Timestamp::now()) {
            return self.hand_in(task, work).await;
        }
        let is_look_up = work.look_up_since.is_some();
        match self.find(work).await {
            (Ok(Some(id)), trace) => Report::traced(done(self.link(&id)), trace),
            (Ok(None), trace) if is_look_up => Report::traced(Outcome::Absent, trace),
            (Ok(None), _) => self.hand_in(task, work).await,
            (Err(failure), trace) if is_look_up => Report::traced(looked_up(failure), trace),
            (Err(failure), trace) => Report::traced(Outcome::Failed(failure), trace),
        }
    }

    /// Makes the ticket, or finds that it was made under this key. An address that Zendesk refuses costs the requester, but
    /// not the ticket.
    async fn hand_in(&self, task: &TicketTask, work: &Work) -> Report {
        let key = work.job.key();
        let requester = Requester::of(task);
        let first = self.post(&body::of(task, &key, self.settings.public, &requester), &key, work).await;
        let (Err(Refusal::Address(_)), Requester::Known { email, .. }) = (&first.0, &requester) else {
            return self.conclude(first, work).await;
        };
        let refused = Requester::Refused { email: email.clone() };
        let other_key = format!("{key}{WITHOUT_ADDRESS}");
        let second = self.post(&body::of(task, &key, self.settings.public, &refused), &other_key, work).await;
        self.conclude(second, work).await
    }

    async fn conclude(&self, (made, trace): Said<String, Refusal>, work: &Work) -> Report {
        match made {
            Ok(id) => Report::traced(done(self.link(&id)), trace),
            Err(Refusal::KeyIsTaken(failure)) => {
                let (found, trace) = self.find(work).await;
                let outcome = match found {
                    Ok(Some(id)) => done(self.link(&id)),
                    Ok(None) => Outcome::Failed(failure),
                    Err(failure) => Outcome::Failed(failure),
                };
                Report::traced(outcome, trace)
            }
            Err(Refusal::Address(failure) | Refusal::Other(failure)) => Report::traced(Outcome::Failed(failure), trace),
        }
    }

    async fn post(&self, body: &serde_json::Value, key: &str, work: &Work) -> Said<String, Refusal> {
        let call = Call::post(self.url("/api/v2/tickets.json")).json(body).header("idempotency-key", key).repeatable();
        let (got, trace) = self.exchange(call, within(work, self.settings.timeout)).await;
        let made = match got {
            Ok(answer) => answer::of_post(&answer, Timestamp::now()),
            Err(error) => Err(Refusal::Other(error.failure("Zendesk"))),
        };
        (made, trace)
    }

    /// The id of the ticket that has our key, if there is one.
    async fn find(&self, work: &Work) -> Said<Option<String>, Failure> {
        let key = work.job.key();
        let call = Call::get(self.url(&format!("/api/v2/tickets.json?external_id={}", wire::segment(&key))));
        let (got, trace) = self.exchange(call, within(work, self.settings.timeout)).await;
        let found = match got {
            Ok(answer) => answer::of_list(&answer, &key, Timestamp::now()),
            Err(error) => Err(error.failure("Zendesk's list of tickets")),
        };
        (found, trace)
    }

    /// Sends `call` once, at most for `left`.
    async fn exchange(&self, call: Call, left: Duration) -> (Result<Answer, WireError>, Trace) {
        let user = format!("{}/token", self.settings.user);
        let call = call.header("accept", "application/json").basic(&user, &self.settings.token);
        let got = self.wire.send(&call, left).await;
        let trace = wire::trace(&call, &got, REQUEST_ID);
        (got, trace)
    }

    fn url(&self, rest: &str) -> String {
        format!("{}{rest}", self.settings.base_url)
    }

    fn link(&self, id: &str) -> String {
        self.url(&format!("/agent/tickets/{}", wire::segment(id)))
    }
}

/// Whether Zendesk still knows our key, if it ever got it. The first try began after the job was made, and one that failed
/// on the way may have arrived; a job of the future is of before the clock was set back, and then nobody can tell.
fn is_kept(work: &Work, now: Timestamp) -> bool {
    let made = work.job.created_at;
    let first = work.look_up_since.map_or(made, |since| since.min(made));
    first <= now && now.since(first) < KEY_IS_KEPT
}

impl Effect for Zendesk {
    fn perform<'a>(&'a self, work: &'a Work) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>> {
        Box::pin(async move {
            match &work.job.task {
                Task::Ticket(task) => self.act(task, work).await,
                _ => no_ticket("Zendesk", work),
            }
        })
    }
}
