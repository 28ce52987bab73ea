//! One request, from its head to its answer: route, body, authenticate, gate, store.
//!
//! Everything that costs memory or disk comes after the checks that cost neither. A 2xx is only ever made from what the
//! store returned after its commit. A request whose sender is not proven has no effect but a row in the quarantine.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, EXPECT};
use hyper::http::request::Parts;
use hyper::{Method, Request};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{debug, info, warn};

use super::answer::Answer;
use super::auth::{Presented, Refused, Verdict};
use super::coding::{Coding, Undecodable};
use super::peer::Peer;
use super::quota::{Budget, retry_after};
use super::twilio::{self, Hook};
use super::unsubscribe::Door;
use super::{Intake, Settings, gate, manners, redact, unsubscribe};
use crate::failpoint;
use crate::model::{AddressHash, Timestamp};
use crate::store::{Arrival, Command, Received, StoreError};

/// Where sources live.
const HOOKS: &str = "/hooks/";
/// How long a refused body is read on.
const LINGER: Duration = Duration::from_secs(2);

/// Answers one request, whose body must be complete by `due`.
pub(super) async fn answer(intake: &Intake, request: Request<Incoming>, due: Instant, peer: &Peer) -> Answer {
    let (head, mut body) = request.into_parts();
    if let Some((door, owner)) = unsubscribe::find(intake, head.uri.path()) {
        return at_door(intake, door, owner, &head, body, due).await;
    }
    let place = match route(intake, &head) {
        Ok(place) => place,
        Err(answer) => {
            debug!(method = %head.method, path = redact::place(head.uri.path()), status = answer.status().as_u16(), "refused");
            linger(&head, body);
            return answer;
        }
    };
    let Place { source, budget, .. } = place;
    match read(&mut body, intake.limits.max_body_bytes, due).await {
        Ok(bytes) => {
            let answer = take(intake, place, &head, bytes, peer).await;
            manners::fitting(answer, &source.shape)
        }
        Err(answer) => {
            if let Some(more) = budget.line(Instant::now()) {
                let (source, status) = (&source.name, answer.status().as_u16());
                warn!(source, status, %peer, more, "refused: its body is too large, too slow or cut off");
            }
            linger(&head, body);
            manners::fitting(answer, &source.shape)
        }
    }
}

/// What is answered on the page of an address's owner. Only a POST changes something, and only once it is complete.
async fn at_door(
    intake: &Intake,
    door: &Door,
    owner: AddressHash,
    head: &Parts,
    mut body: Incoming,
    due: Instant,
) -> Answer {
    let posted = match door.show(head) {
        Some(answer) => Err(answer),
        None => read(&mut body, unsubscribe::MOST_BODY_BYTES, due).await,
    };
    match posted {
        Ok(_) => door.unsubscribe(&intake.writer, owner).await,
        Err(answer) => {
            linger(head, body);
            answer
        }
    }
}

/// Where a request is posted to.
#[derive(Clone, Copy)]
struct Place<'i> {
    source: &'i Settings,
    budget: &'i Budget,
    /// What Twilio tells there, if it is one of its places.
    hook: Option<Hook>,
}

/// The place a request is for, if it may be one at all.
fn route<'i>(intake: &'i Intake, head: &Parts) -> Result<Place<'i>, Answer> {
    let (name, rest) = place(head).ok_or(Answer::NotFound)?;
    let source = intake.sources.get(name).ok_or(Answer::NotFound)?;
    let budget = intake.budgets.get(name).ok_or(Answer::NotFound)?;
    let is_twilio = intake.twilio.is_some() && name == twilio::NAME;
    let hook = if is_twilio { Hook::at(rest) } else { None };
    let takes_rest = hook.is_some() || source.auth.takes_path_secret();
    if (rest.is_some() && !takes_rest) || (is_twilio && hook.is_none()) {
        return Err(Answer::NotFound);
    }
    if head.method != Method::POST {
        return Err(Answer::NotPost);
    }
    let kind = head.headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap_or("?"));
    if !source.shape.accepts(kind) || Coding::of(&head.headers).is_none() {
        return Err(Answer::WrongType);
    }
    Ok(Place { source, budget, hook })
}

/// The source's name in the path, and what follows it.
fn place(head: &Parts) -> Option<(&str, Option<&str>)> {
    let place = head.uri.path().strip_prefix(HOOKS)?;
    Some(place.split_once('/').map_or((place, None), |(name, rest)| (name, Some(rest))))
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
async fn take(intake: &Intake, to: Place<'_>, head: &Parts, body: Vec<u8>, peer: &Peer) -> Answer {
    let source = to.source;
    let clock = intake.clock.now();
    let target = head.uri.path_and_query().map_or("", |target| target.as_str());
    let coding = Coding::of(&head.headers).unwrap_or(Coding::Identity);
    let presented = Presented {
        method: head.method.as_str(),
        target,
        rest: place(head).and_then(|(_, rest)| rest),
        headers: &head.headers,
        body: &body,
        peer_certificate: peer.certificate.as_ref().map(|print| &print.0),
    };
    let mut verified = source.auth.verify(&presented, clock);
    let plain = match coding {
        Coding::Identity => Ok(body),
        coded => {
            let plain = coded.decode(&body, intake.limits.max_body_bytes);
            // A proxy may have packed what the sender had signed before.
            if let (Err(_), Ok(plain)) = (&verified, &plain) {
                verified = source.auth.verify(&Presented { body: plain, ..presented }, clock);
            }
            plain.map_err(|error| (error, body))
        }
    };
    let (body, broken) = match plain {
        Ok(plain) => (plain, None),
        Err((error, packed)) => (packed, Some(error)),
    };
    let verified = verified.and_then(|verdict| belongs(source, &body).map(|()| verdict));
    let arrival = Arrival {
        received_at: clock.now,
        source: source.name.clone(),
        method: head.method.as_str().to_owned(),
        target: redact::target(target, &source.auth),
        headers: redact::headers(&head.headers, &source.auth),
        body: source.shape.storable(body),
    };
    match (verified, broken) {
        (Err(refused), _) => quarantine(intake, to, arrival, &refused, peer).await,
        (Ok(_), Some(Undecodable::TooLarge)) => Answer::TooLarge,
        (Ok(verdict), broken) => admit(intake, to, arrival, verdict, broken.is_some()).await,
    }
}

/// Whether the body names whom the source belongs to, where the scheme looks there. Behind a secret, one that can't be read
/// is the gate's to judge.
fn belongs(source: &Settings, body: &[u8]) -> Result<(), Refused> {
    if !source.auth.names_organization() {
        return Ok(());
    }
    let organization = source.shape.organization(body);
    let is_unread = organization.is_none() && source.auth.takes_path_secret();
    if is_unread || source.auth.accepts_organization(organization.as_deref()) {
        return Ok(());
    }
    Err(Refused::Wrong("OrganizationId".to_owned()))
}

/// Stores a genuine request, if its source may send so much. Only asked now: a forger must not use up what real leads need.
async fn admit(
    intake: &Intake,
    Place { source, budget, hook }: Place<'_>,
    arrival: Arrival,
    verdict: Verdict,
    is_packed: bool,
) -> Answer {
    match (budget.admit(Instant::now()), verdict) {
        (Ok(_in_flight), Verdict::Genuine) => {
            if let (Some(hook), Some(ledger)) = (hook, &intake.twilio) {
                return twilio::hear(ledger.as_ref(), hook, &arrival).await;
            }
            let verdict = if is_packed {
                gate::Verdict::failed("the body is not packed as its Content-Encoding says", false)
            } else {
                gate::judge(source, &arrival)
            };
            store(intake, source, arrival, verdict).await
        }
        (Ok(_in_flight), Verdict::Held { signed_at }) => hold(intake, arrival, signed_at).await,
        (Err(wait), _) => {
            if let Some(more) = budget.line(Instant::now()) {
                warn!(source = source.name, more, "refused: more than this source may send");
            }
            Answer::TooMany { retry_after: retry_after(wait, &source.shape) }
        }
    }
}

async fn store(intake: &Intake, source: &Settings, arrival: Arrival, verdict: gate::Verdict) -> Answer {
    let opening = intake.opening.clone();
    failpoint::reach("intake-before-store");
    let stored = intake.writer.run(Command::Intake, move |tx| {
        let received = tx.receive_all(&arrival, &verdict.gates, &opening)?;
        Ok((received, arrival))
    });
    let stored = stored.await;
    failpoint::reach("intake-after-store");
    match stored {
        Ok((received, arrival)) => {
            tell(intake, &arrival, &received);
            if verdict.is_readable { Answer::Stored(received) } else { Answer::Unreadable(received) }
        }
        Err(error) => unavailable(&source.name, &error),
    }
}

/// Keeps a genuine request of which nobody can say yet how old it is.
async fn hold(intake: &Intake, arrival: Arrival, signed_at: Timestamp) -> Answer {
    let source = arrival.source.clone();
    match intake.writer.run(Command::Intake, move |tx| tx.hold(&arrival, signed_at)).await {
        Ok(held) => {
            warn!(source, "held until the clock is right");
            Answer::Stored(vec![held])
        }
        Err(error) => unavailable(&source, &error),
    }
}

/// One line a lead. Gate failures are told by the dead letter they are.
fn tell(intake: &Intake, arrival: &Arrival, received: &[Received]) {
    let source = arrival.source.as_str();
    for one in received {
        match one {
            Received::Accepted(lead_id) if intake.log_payloads => {
                info!(%lead_id, source, payload = %String::from_utf8_lossy(&arrival.body), "lead accepted");
            }
            Received::Accepted(lead_id) => info!(%lead_id, source, "lead accepted"),
            Received::Duplicate(lead_id) => info!(%lead_id, source, "the same webhook again"),
            Received::Repeat(lead_id) => info!(%lead_id, source, "the same person with the same words again"),
            Received::Ignored(inbox_id) => debug!(%inbox_id, source, "not acted on"),
            Received::GateFailed(inbox_id) => debug!(%inbox_id, source, "no lead"),
            Received::Held(inbox_id) => debug!(%inbox_id, source, "held"),
        }
    }
}

fn unavailable(source: &str, error: &StoreError) -> Answer {
    warn!(source, %error, "a webhook could not be stored; its sender is asked to come again");
    Answer::Unavailable
}

/// Keeps a request that failed to authenticate, or only counts it while there are many: a flood of them must cost the
/// disk, the writer and the log next to nothing. Whether it is kept is no business of the sender's.
async fn quarantine(intake: &Intake, to: Place<'_>, arrival: Arrival, refused: &Refused, peer: &Peer) -> Answer {
    let Place { budget, hook, .. } = to;
    let answer = if hook.is_some() { Answer::Forbidden } else { Answer::Unauthorized };
    let source = arrival.source.clone();
    let reason = refused.to_string();
    if let Some(more) = budget.line(Instant::now()) {
        warn!(source, reason, %peer, more, "a request failed to authenticate");
    }
    let Some(missed) = budget.keep(Instant::now()) else { return answer };
    let kept = intake.writer.run(Command::Intake, move |tx| tx.quarantine(&arrival, &reason, missed)).await;
    if let Err(error) = kept {
        budget.not_kept(missed);
        warn!(source, %error, "a refused request could not be kept");
    }
    answer
}
