//! Finds a note whose outcome is unknown, by its marker. Called by the writer; writes nothing.
//!
//! HubSpot's search answers from an index that lags by seconds: a note found there is found, but one that is not may
//! still exist. The contact's list of notes is no index: "absent" is only said after every note that can be ours was read
//! from it. The outbox looks ten seconds after the attempt at the earliest, when a slow POST has ended too.
//! Sources: <https://developers.hubspot.com/docs/api/crm/search>, <https://developers.hubspot.com/docs/api/crm/associations>.

use serde_json::{Value, json};

use crate::model::{CrmNote, Done, Fault, Outcome, Report, Trace, Work};
use crate::wire::{Answer, Call};
use crate::writeback::note;

use super::{HubSpot, answer, segment, text_of, within};

/// Associations are versioned by themselves.
const ASSOCIATIONS: &str = "/crm/v4/objects/contacts";
/// Pages of 500: a contact with more than 2,000 notes is a bin, and then we can't tell.
const MAX_PAGES: usize = 4;
/// Ids grow with time, so a note of the last minutes is among the contact's highest.
const NEWEST_NOTES: usize = 50;

/// What a step came to (something to go on with, or the end of the look-up), and what was said.
type Step<T> = (Result<T, Outcome>, Trace);

impl HubSpot {
    /// Whether this note is in HubSpot.
    pub(super) async fn look_up(&self, task: &CrmNote, work: &Work) -> Report {
        let (found, trace) = self.search(task, work).await;
        if let Some(end) = found {
            return Report::traced(end, trace);
        }
        let (listed, mut last) = self.notes_of(&task.record.id, work).await;
        let ids = match listed {
            Ok(ids) => ids,
            Err(end) => return Report::traced(end, last),
        };
        for id in ids {
            let (body, trace) = self.note_body(&id, work).await;
            last = trace;
            match body {
                Ok(Some(body)) if note::carries(&body, &work.job.key()) => return Report::traced(is_there(id), last),
                Ok(_) => {}
                Err(end) => return Report::traced(end, last),
            }
        }
        Report::traced(Outcome::Absent, last)
    }

    /// The end of the look-up, if the search already tells it. A broken search doesn't matter: the list decides then.
    async fn search(&self, task: &CrmNote, work: &Work) -> (Option<Outcome>, Trace) {
        let key = work.job.key();
        let body = json!({
            "filterGroups": [{ "filters": [
                { "propertyName": "associations.contact", "operator": "EQ", "value": task.record.id },
                { "propertyName": "hs_note_body", "operator": "CONTAINS_TOKEN", "value": key },
            ]}],
            "properties": ["hs_note_body"],
            "sorts": [],
            "limit": 10,
            "after": "0",
        });
        let call = Call::post(self.url("/objects/notes/search")).json(&body).repeatable();
        let (got, trace) = self.exchange(call, within(work)).await;
        let end = match got {
            Ok(answer) if answer.is_success() => with_marker(&answer, &key).map(is_there),
            Ok(answer) => Some(self.refused(&answer, true))
                .filter(|failure| matches!(failure.fault, Fault::Auth | Fault::Throttled { .. }))
                .map(Outcome::Failed),
            Err(_) => None,
        };
        (end, trace)
    }

    /// The ids of the contact's newest notes, newest first.
    async fn notes_of(&self, contact: &str, work: &Work) -> Step<Vec<String>> {
        let base = &self.settings.base_url;
        let first = format!("{base}{ASSOCIATIONS}/{}/associations/notes?limit=500", segment(contact));
        let (mut ids, mut url, mut last) = (Vec::new(), first.clone(), Trace::default());
        for _ in 0..MAX_PAGES {
            let (page, trace) = self.read(Call::get(url), work).await;
            last = trace;
            let page = match page {
                Ok(Some(page)) => page,
                // The contact is gone; writing the note again will say so in HubSpot's words.
                Ok(None) => return (Ok(Vec::new()), last),
                Err(end) => return (Err(end), last),
            };
            let Some(results) = page.get("results").and_then(Value::as_array) else { break };
            ids.extend(results.iter().filter_map(|one| text_of(one.get("toObjectId")?)));
            let Some(after) = page.pointer("/paging/next/after").and_then(text_of) else {
                return (Ok(newest(ids)), last);
            };
            url = format!("{first}&after={}", segment(&after));
        }
        (Err(Outcome::Unsure), last)
    }

    /// A note's body; `None` if the note was deleted in between.
    async fn note_body(&self, id: &str, work: &Work) -> Step<Option<String>> {
        let url = self.url(&format!("/objects/notes/{}?properties=hs_note_body", segment(id)));
        let (read, trace) = self.read(Call::get(url), work).await;
        let body = |note: Value| note.pointer("/properties/hs_note_body").and_then(Value::as_str).map(str::to_owned);
        (read.map(|note| note.and_then(body)), trace)
    }

    /// One object; `None` if HubSpot doesn't have it. A read that will always be refused can't tell anything.
    async fn read(&self, call: Call, work: &Work) -> Step<Option<Value>> {
        let (got, trace) = self.exchange(call, within(work)).await;
        let read = match got {
            Ok(answer) if answer.is_success() => match answer.json().filter(|_| !answer.truncated) {
                Some(body) => Ok(Some(body)),
                None => Err(Outcome::Failed(answer::not_hubspot(&answer, Fault::Transient))),
            },
            Ok(answer) if answer.status == 404 && answer::is_hubspots(&answer) => Ok(None),
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

/// The first note of a page of search results that carries the marker; a token may match more than it.
fn with_marker(answer: &Answer, key: &str) -> Option<String> {
    let body = answer.json()?;
    let hit = body.get("results")?.as_array()?.iter().find(|hit| {
        let text = hit.pointer("/properties/hs_note_body").and_then(Value::as_str);
        text.is_some_and(|text| note::carries(text, key))
    })?;
    text_of(hit.get("id")?)
}

/// The highest ids, highest first. They are numbers of any length: the longer is the higher.
fn newest(mut ids: Vec<String>) -> Vec<String> {
    ids.sort_by(|a, b| (b.len(), b.as_str()).cmp(&(a.len(), a.as_str())));
    ids.truncate(NEWEST_NOTES);
    ids
}
