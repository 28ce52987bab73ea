//! Finds a note or a task whose outcome is unknown, by its marker. Called by the writer; writes nothing.
//!
//! HubSpot's search answers from an index that lags by seconds: what is found there is found, but what is not may
//! still exist. The contact's own list is no index: "absent" is only said after all that can be ours was read from it. The outbox looks ten seconds after the attempt at the earliest, when a slow POST has ended too.
//! Sources: <https://developers.hubspot.com/docs/api/crm/search>, <https://developers.hubspot.com/docs/api/crm/associations>.

use serde_json::{Value, json};

use crate::model::{Done, Fault, Outcome, Report, Trace, Work};
use crate::wire::{Answer, Call};
use crate::writeback::{note, within};

use super::{HubSpot, Kind, answer, merged, segment, text_of};

/// Associations are versioned by themselves.
const ASSOCIATIONS: &str = "/crm/v4/objects/contacts";
/// Pages of 500: a contact with more than 2,000 of a kind is a bin, and then we can't tell.
const MAX_PAGES: usize = 4;
/// Ids grow with time, so what was made in the last minutes is among the contact's highest.
const NEWEST: usize = 50;

/// What a step came to (something to go on with, or the end of the look-up), and what was said.
type Step<T> = (Result<T, Outcome>, Trace);

impl HubSpot {
    /// Whether what `work` was to make on this contact is in HubSpot. What hung on a contact that was merged hangs on the one
    /// it became.
    pub(super) async fn look_up(&self, kind: Kind, contact: &str, work: &Work) -> Report {
        let (end, trace) = match self.look_on(kind, contact, work).await {
            (Some(end), trace) => (end, trace),
            (None, gone) => match self.survivor(contact, work).await {
                Ok(Some(survivor)) => {
                    let (end, trace) = self.look_on(kind, &survivor, work).await;
                    (end.unwrap_or(Outcome::Absent), trace)
                }
                // The contact is gone; writing it again will say so in HubSpot's words.
                Ok(None) => (Outcome::Absent, gone),
                Err(failure) => (Outcome::Failed(failure), gone),
            },
        };
        Report::traced(end, trace)
    }

    /// The same for exactly this contact; `None` when there is none.
    async fn look_on(&self, kind: Kind, contact: &str, work: &Work) -> (Option<Outcome>, Trace) {
        let (found, trace) = self.search(kind, contact, work).await;
        if found.is_some() {
            return (found, trace);
        }
        let (listed, mut last) = self.list(kind, contact, work).await;
        let ids = match listed {
            Ok(Some(ids)) => ids,
            Ok(None) => return (None, last),
            Err(end) => return (Some(end), last),
        };
        for id in ids {
            let (body, trace) = self.body(kind, &id, work).await;
            last = trace;
            match body {
                Ok(Some(body)) if note::carries(&body, &work.job.key()) => return (Some(is_there(id)), last),
                Ok(_) => {}
                Err(end) => return (Some(end), last),
            }
        }
        (Some(Outcome::Absent), last)
    }

    /// The end of the look-up, if the search already tells it. A broken search doesn't matter: the list decides then.
    async fn search(&self, kind: Kind, contact: &str, work: &Work) -> (Option<Outcome>, Trace) {
        let key = work.job.key();
        let body = json!({
            "filterGroups": [{ "filters": [
                { "propertyName": "associations.contact", "operator": "EQ", "value": contact },
                { "propertyName": kind.body, "operator": "CONTAINS_TOKEN", "value": key },
            ]}],
            "properties": [kind.body],
            "sorts": [],
            "limit": 10,
            "after": "0",
        });
        let call = Call::post(self.url(&format!("/objects/{}/search", kind.objects))).json(&body).repeatable();
        let (got, trace) = self.exchange(call, within(work)).await;
        let end = match got {
            Ok(answer) if answer.is_success() => with_marker(&answer, kind, &key).map(is_there),
            Ok(answer) => Some(self.refused(&answer, true))
                .filter(|failure| matches!(failure.fault, Fault::Auth | Fault::Throttled { .. }))
                .map(Outcome::Failed),
            Err(_) => None,
        };
        (end, trace)
    }

    /// The ids of the contact's newest notes or tasks, newest first; `None` if there is no such contact.
    async fn list(&self, kind: Kind, contact: &str, work: &Work) -> Step<Option<Vec<String>>> {
        let base = &self.settings.base_url;
        let first = format!("{base}{ASSOCIATIONS}/{}/associations/{}?limit=500", segment(contact), kind.objects);
        let (mut ids, mut url, mut last) = (Vec::new(), first.clone(), Trace::default());
        for _ in 0..MAX_PAGES {
            let (page, trace) = self.read(Call::get(url), work).await;
            last = trace;
            let page = match page {
                Ok(Some(page)) => page,
                Ok(None) => return (Ok(None), last),
                Err(end) => return (Err(end), last),
            };
            let Some(results) = page.get("results").and_then(Value::as_array) else { break };
            ids.extend(results.iter().filter_map(|one| text_of(one.get("toObjectId")?)));
            let Some(after) = page.pointer("/paging/next/after").and_then(text_of) else {
                return (Ok(Some(newest(ids))), last);
            };
            url = format!("{first}&after={}", segment(&after));
        }
        (Err(Outcome::Unsure), last)
    }

    /// The body of a note or a task; `None` if it was deleted in between.
    async fn body(&self, kind: Kind, id: &str, work: &Work) -> Step<Option<String>> {
        let url = self.url(&format!("/objects/{}/{}?properties={}", kind.objects, segment(id), kind.body));
        let (read, trace) = self.read(Call::get(url), work).await;
        let body = |made: Value| Some(made.get("properties")?.get(kind.body)?.as_str()?.to_owned());
        (read.map(|made| made.and_then(body)), trace)
    }

    /// One object; `None` if HubSpot doesn't have it. A read that will always be refused can't tell anything.
    async fn read(&self, call: Call, work: &Work) -> Step<Option<Value>> {
        let (got, trace) = self.exchange(call, within(work)).await;
        let read = match got {
            Ok(answer) if answer.is_success() => match answer.json().filter(|_| !answer.truncated) {
                Some(body) => Ok(Some(body)),
                None => Err(Outcome::Failed(answer::not_hubspot(&answer, Fault::Transient))),
            },
            Ok(answer) if merged::is_gone(&answer) => Ok(None),
            Ok(answer) => match self.refused(&answer, true) {
                failure if failure.fault == Fault::Permanent => Err(Outcome::Unsure),
                failure => Err(Outcome::Failed(failure)),
            },
            Err(error) => Err(Outcome::Failed(error.failure("HubSpot"))),
        };
        (read, trace)
    }
}

const fn is_there(id: String) -> Outcome {
    Outcome::Done(Done::Crm { id: Some(id) })
}

/// The first hit of a page of search results that carries the marker; a token may match more than it.
fn with_marker(answer: &Answer, kind: Kind, key: &str) -> Option<String> {
    let body = answer.json()?;
    let hit = body.get("results")?.as_array()?.iter().find(|hit| {
        let text = hit.get("properties").and_then(|all| all.get(kind.body)?.as_str());
        text.is_some_and(|text| note::carries(text, key))
    })?;
    text_of(hit.get("id")?)
}

/// The highest ids, highest first. They are numbers of any length: the longer is the higher.
fn newest(mut ids: Vec<String>) -> Vec<String> {
    ids.sort_by(|a, b| (b.len(), b.as_str()).cmp(&(a.len(), a.as_str())));
    ids.truncate(NEWEST);
    ids
}
