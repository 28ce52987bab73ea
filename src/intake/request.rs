//! One request, from its head to its answer: route, body, authenticate, gate, store.
//!
//! Everything that costs memory or disk comes after the checks that cost neither. A 2xx is only ever made from what the
//! store returned after its commit. A request whose sender is not proven has no effect but a row in the quarantine.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, EXPECT, HeaderMap};
use hyper::http::request::Parts;
use hyper::{Method, Request};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{debug, info, warn};

use super::answer::Answer;
use super::auth::{Presented, Refused, Verdict};
use super::pulse::Pulse;
use super::{Intake, Settings, gate, redact};
use crate::failpoint;
use crate::model::{Clock, Timestamp};
use crate::store::{Arrival, Command, Received, StoreError};

/// Where sources live.
const HOOKS: &str = "/hooks/";
/// How long a refused body is read on.
const LINGER: Duration = Duration::from_secs(2);

/// Answers one request.
pub(super) async fn answer(intake: &Intake, request: Request<Incoming>, pulse: &Pulse) -> Answer {
    let due = pulse.begin(&intake.limits);
    let (head, mut body) = request.into_parts();
    let source = match route(intake, &head) {
        Ok(source) => source,
        Err(answer) => {
            debug!(method = %head.method, path = redact::place(head.uri.path()), status = answer.status().as_u16(), "refused");
            linger(&head, body);
            return answer;
        }
    };
    match read(&mut body, intake.limits.max_body_bytes, due).await {
        Ok(bytes) => take(intake, source, &head, bytes).await,
        Err(answer) => {
            warn!(
                source = source.name,
                status = answer.status().as_u16(),
                "refused: its body is too large, too slow or cut off"
            );
            linger(&head, body);
            answer
        }
    }
}

/// The source a request is for, if it may be one at all.
fn route<'i>(intake: &'i Intake, head: &Parts) -> Result<&'i Settings, Answer> {
    let (name, rest) = place(head).ok_or(Answer::NotFound)?;
    let source = intake.sources.get(name).ok_or(Answer::NotFound)?;
    if rest.is_some() && !source.auth.takes_path_secret() {
        return Err(Answer::NotFound);
    }
    if head.method != Method::POST {
        return Err(Answer::NotPost);
    }
    if is_json(&head.headers) { Ok(source) } else { Err(Answer::NotJsonType) }
}

/// The source's name in the path, and what follows it.
fn place(head: &Parts) -> Option<(&str, Option<&str>)> {
    let place = head.uri.path().strip_prefix(HOOKS)?;
    Some(place.split_once('/').map_or((place, None), |(name, rest)| (name, Some(rest))))
}

/// Whether the body says it is JSON, or says nothing. A charset is ignored: JSON is UTF-8 (RFC 8259, clause 8.1).
fn is_json(headers: &HeaderMap) -> bool {
    let named = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?").to_ascii_lowercase());
    let encoded = named(CONTENT_ENCODING).is_some_and(|coding| coding.trim() != "identity");
    let json = named(CONTENT_TYPE).is_none_or(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
    });
    json && !encoded
}

/// The whole body, of `max` bytes at most, complete by `due`.
async fn read(body: &mut Incoming, max: usize, due: Instant) -> Result<Vec<u8>, Answer> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > max {
        return Err(Answer::TooLarge);
    }
    let mut bytes = Vec::with_capacity(announced);
    let reading = async {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Answer::Incomplete)?;
            let Ok(data) = frame.into_data() else { continue };
            if data.len() > max.saturating_sub(bytes.len()) {
                return Err(Answer::TooLarge);
            }
            bytes.extend_from_slice(&data);
        }
        Ok(())
    };
    timeout_at(due, reading).await.unwrap_or(Err(Answer::TooSlow))?;
    Ok(bytes)
}

/// Reads on a little after an answer that came before the body's end: closing a socket with unread bytes resets it, and
/// the peer would lose the answer. Detached, because the answer must not wait for it; it ends by itself.
fn linger(head: &Parts, mut body: Incoming) {
    if head.headers.contains_key(EXPECT) || body.is_end_stream() {
        return;
    }
    tokio::spawn(timeout(LINGER, async move { while let Some(Ok(_)) = body.frame().await {} }));
}

/// Authenticates a complete request, puts it through the gate and stores it.
async fn take(intake: &Intake, source: &Settings, head: &Parts, body: Vec<u8>) -> Answer {
    let now = Timestamp::now();
    let target = head.uri.path_and_query().map_or("", |target| target.as_str());
    let presented = Presented {
        method: head.method.as_str(),
        target,
        rest: place(head).and_then(|(_, rest)| rest),
        headers: &head.headers,
        body: &body,
        peer_certificate: None,
    };
    let verified = source.auth.verify(&presented, Clock { now, trusted: true });
    let arrival = Arrival {
        received_at: now,
        source: source.name.clone(),
        method: head.method.as_str().to_owned(),
        target: redact::target(target, &source.auth),
        headers: redact::headers(&head.headers, &source.auth),
        body,
    };
    match verified {
        Ok(Verdict::Genuine | Verdict::Held { .. }) => store(intake, source, arrival).await,
        Err(refused) => quarantine(intake, arrival, &refused).await,
    }
}

async fn store(intake: &Intake, source: &Settings, arrival: Arrival) -> Answer {
    let verdict = gate::judge(source, &arrival.body);
    let opening = intake.opening.clone();
    failpoint::reach("intake-before-store");
    let stored = intake.writer.run(Command::Intake, move |tx| {
        let received = tx.receive(&arrival, &verdict.gate, &opening)?;
        Ok((received, arrival))
    });
    let stored = stored.await;
    failpoint::reach("intake-after-store");
    match stored {
        Ok((received, arrival)) => {
            tell(intake, &arrival, received);
            if verdict.is_json { Answer::Stored(received) } else { Answer::NotJson }
        }
        Err(error) => unavailable(&source.name, &error),
    }
}

/// One line a lead. Gate failures are told by the dead letter they are.
fn tell(intake: &Intake, arrival: &Arrival, received: Received) {
    let source = arrival.source.as_str();
    match received {
        Received::Accepted(lead_id) if intake.log_payloads => {
            info!(%lead_id, source, payload = %String::from_utf8_lossy(&arrival.body), "lead accepted");
        }
        Received::Accepted(lead_id) => info!(%lead_id, source, "lead accepted"),
        Received::Duplicate(lead_id) => info!(%lead_id, source, "the same webhook again"),
        Received::Repeat(lead_id) => info!(%lead_id, source, "the same person with the same words again"),
        Received::GateFailed(inbox_id) => debug!(%inbox_id, source, "no lead"),
    }
}

fn unavailable(source: &str, error: &StoreError) -> Answer {
    warn!(source, %error, "a webhook could not be stored; its sender is asked to come again");
    Answer::Unavailable
}

/// Keeps a request that failed to authenticate. Whether that works is no business of the sender's.
async fn quarantine(intake: &Intake, arrival: Arrival, refused: &Refused) -> Answer {
    let source = arrival.source.clone();
    let reason = refused.to_string();
    warn!(source, reason, "a request failed to authenticate");
    let kept = intake.writer.run(Command::Intake, move |tx| tx.quarantine(&arrival, &reason)).await;
    if let Err(error) = kept {
        warn!(source, %error, "a refused request could not be kept");
    }
    Answer::Unauthorized
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn json_by_its_type() {
        for (kind, coding, want) in [
            (None, None, true),
            (Some("application/json"), None, true),
            (Some("Application/JSON; charset=UTF-8"), None, true),
            (Some("application/vnd.api+json"), None, true),
            (Some("application/json"), Some("identity"), true),
            (Some("application/json"), Some("gzip"), false),
            (Some("application/x-www-form-urlencoded"), None, false),
            (Some("text/plain"), None, false),
            (Some("application/jsonp"), None, false),
            (Some(""), None, false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [(CONTENT_TYPE, kind), (CONTENT_ENCODING, coding)] {
                if let Some(value) = value {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            assert_eq!(is_json(&headers), want, "{kind:?} {coding:?}");
        }
    }
}
