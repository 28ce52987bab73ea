//! Sending one text, part by part, and the words for how that went.
//!
//! Called by the task that owns the port. A longer text that failed in the middle goes on at the part that failed, with
//! the same reference, when the outbox tries the job again: sent anew, the phone would show a broken message.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Settings;
use super::actor::OwnTime;
use super::at::Final;
use super::budget::Budget;
use super::errors;
use super::init::set_centre;
use super::keeper::Keeper;
use super::line::{Line, Lost, after};
use super::pdu::{self, Destination, Encoded};
use super::ring;
use super::submit::Stop;
use super::traffic::{SharedTraffic, Traffic};
use crate::model::{
    Done, Failure, Fault, Outcome, PartKey, Phone, Report, SmsPart, SmsReceipt, TextKey, Timestamp, Trace,
};

/// Service centre unknown: the stored one was lost.
const NO_CENTRE: Final = Final::Cms(330);
/// It is stored on the SIM, which takes its time.
const SET_CENTRE_WITHIN: Duration = Duration::from_secs(5);
/// It is answered at once, or not known.
const LINK_WITHIN: Duration = Duration::from_secs(2);

/// A text to be sent.
#[derive(Debug)]
pub(super) struct Sms {
    /// What was sent of it is remembered under this name.
    pub(super) key: TextKey,
    pub(super) to: Phone,
    pub(super) text: String,
    /// Shared by its parts.
    pub(super) reference: u8,
    /// A lead's: it may use what is left of a cap for urgent ones.
    pub(super) urgent: bool,
    /// After this, nothing is written any more, and nothing waited for.
    pub(super) deadline: Instant,
}

/// What the handle wants.
#[derive(Debug)]
pub(super) enum Wish {
    /// A text sent.
    Text(Request),
    /// A phone rung.
    Ring(ring::Request),
    /// The modem reset; the answer says whether it will be.
    Reset(oneshot::Sender<Result<(), String>>),
}

/// A text that the handle wants sent.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) sms: Sms,
    /// Taken when sending begins; the handle gives up by dropping the other end.
    pub(super) ticket: oneshot::Sender<()>,
    pub(super) reply: oneshot::Sender<Report>,
}

/// What the port needs after a text.
#[derive(Debug)]
pub(super) enum After {
    /// Nothing.
    Ready,
    /// What the error asks for.
    Refused(Final),
    /// The verdict may still come: don't disturb the modem for a while.
    Listen,
    /// Its settings are gone, or it waits in a prompt.
    Initialise,
    /// The port is gone.
    Reopen(io::Error),
}

/// A part that was not sent, and why.
struct Stopped {
    failure: Failure,
    status: Option<u16>,
    after: After,
}

/// What sending a text needs besides the port.
pub(super) struct Office<'a> {
    pub(super) settings: &'a Settings,
    pub(super) traffic: &'a SharedTraffic,
    pub(super) keeper: &'a mut Keeper,
    pub(super) budget: &'a mut Budget,
    pub(super) time: OwnTime,
}

/// Sends a text, or what an earlier try left of it.
pub(super) async fn send<P: AsyncRead + AsyncWrite + Unpin>(
    line: &mut Line<P>,
    office: &mut Office<'_>,
    sms: &Sms,
) -> (Report, After) {
    let to = Destination::from(&sms.to);
    let validity = Some(office.settings.validity);
    let wish = pdu::Wish { to: &to, text: &sms.text, status_report: true, reference: sms.reference, validity };
    let Ok((_, parts)) = wish.encode() else {
        let failure = Failure::new(Fault::Permanent, "the text is longer than 255 parts");
        return (Report::of(Outcome::Failed(failure)), After::Ready);
    };
    let started = Instant::now();
    drop(line.take_transcript());
    let mut accepted = office.traffic.with(|traffic| traffic.accepted_before(sms.key));
    accepted.truncate(parts.len());
    let stopped = match afford(office, sms, parts.len().saturating_sub(accepted.len())) {
        Ok(()) => send_parts(line, office, sms, &parts, &mut accepted).await.err(),
        Err(failure) => Some(Stopped { failure, status: None, after: After::Ready }),
    };
    let latency = started.elapsed();
    match stopped {
        None => (report(line, latency, None, sent(&accepted)), After::Ready),
        Some(Stopped { failure, status, after }) => {
            let failure = placed(failure, accepted.len(), parts.len());
            (report(line, latency, status, Outcome::Failed(failure)), after)
        }
    }
}

/// Whether the SIM may send so much now.
fn afford(office: &Office<'_>, sms: &Sms, parts: usize) -> Result<(), Failure> {
    let (now, parts) = (office.time.now(), u32::try_from(parts).unwrap_or(u32::MAX));
    office.budget.may(parts, sms.urgent, now).map_err(|until| {
        let until = Timestamp::now().after(until.saturating_sub(now));
        let (hour, day) = office.settings.caps;
        let reason = format!("the SIM has sent what it may: {hour} parts an hour, {day} in 24 hours");
        let cure = "nothing: it goes on by itself; if that is too little, raise parts-per-hour and parts-per-day";
        Failure::new(Fault::Throttled { until }, reason).cure(cure)
    })
}

async fn send_parts<P: AsyncRead + AsyncWrite + Unpin>(
    line: &mut Line<P>,
    office: &mut Office<'_>,
    sms: &Sms,
    parts: &[Encoded],
    accepted: &mut Vec<Option<u8>>,
) -> Result<(), Stopped> {
    let lost = |error| Stopped::lost(Lost { error, pdu_sent: false });
    if parts.len().saturating_sub(accepted.len()) > 1 {
        // Keeps the radio link between the parts; a modem that can't says so.
        line.command("AT+CMMS=1", "", LINK_WITHIN).await.map_err(lost)?;
    }
    let total = u8::try_from(parts.len()).unwrap_or(u8::MAX);
    for (part, nth) in parts.iter().zip(1_u8..=total).skip(accepted.len()) {
        let pause = office.budget.pause(office.time.now());
        if after(pause) > sms.deadline {
            return Err(Stopped::new(false, "no time left for the pause between two parts", After::Ready));
        }
        line.listen_for(pause).await.map_err(lost)?;
        let key = PartKey { text: sms.key, part: nth };
        let (number, sim) = (sms.to.as_str().to_owned(), office.budget.sim().to_owned());
        let at = Timestamp::now();
        let entry = SmsPart { key, total, number, sim, at, accepted: false, reference: None, fate: None };
        accepted.push(send_part(line, office, part, entry, sms.deadline).await?);
        if nth < total {
            // After a power cut the phone must not get this part once more.
            office.keeper.flush().await;
        }
    }
    Ok(())
}

/// One part. A lost service centre is set again, once, if the configuration has it.
async fn send_part<P: AsyncRead + AsyncWrite + Unpin>(
    line: &mut Line<P>,
    office: &mut Office<'_>,
    part: &Encoded,
    entry: SmsPart,
    deadline: Instant,
) -> Result<Option<u8>, Stopped> {
    let (timings, traffic) = (&office.settings.timings, office.traffic);
    traffic.with(|traffic| traffic.writing(entry));
    office.budget.wrote(office.time.now());
    let mut verdict = line.submit(part, timings, deadline).await;
    if let (Ok(Err(Stop::Refused { by: NO_CENTRE, .. })), Some(smsc)) = (&verdict, &office.settings.smsc) {
        let set = line.command(&set_centre(smsc), "", SET_CENTRE_WITHIN).await;
        verdict = match set {
            Ok(_) => line.submit(part, timings, deadline).await,
            Err(error) => Err(Lost { error, pdu_sent: false }),
        };
    }
    let stopped = match verdict {
        Ok(Ok(reference)) => {
            traffic.with(|traffic| traffic.accepted(reference));
            return Ok(reference);
        }
        Ok(Err(stop)) => Stopped::at(stop),
        Err(lost) => Stopped::lost(lost),
    };
    if stopped.failure.fault == Fault::Unknown {
        traffic.with(Traffic::unsettled);
    } else {
        traffic.with(Traffic::withdraw);
        office.budget.unwrote();
    }
    Err(stopped)
}

impl Stopped {
    fn new(pdu_sent: bool, reason: &str, after: After) -> Self {
        let fault = if pdu_sent { Fault::Unknown } else { Fault::Transient };
        Self { failure: Failure::new(fault, reason), status: None, after }
    }

    fn lost(lost: Lost) -> Self {
        let when = if lost.pdu_sent { "while the modem had the text" } else { "before the modem had the text" };
        let reason = format!("the modem's port vanished {when}");
        Self::new(lost.pdu_sent, &reason, After::Reopen(lost.error))
    }

    fn at(stop: Stop) -> Self {
        match stop {
            Stop::Refused { by, pdu_sent } => {
                Self { failure: errors::failure(by, pdu_sent), status: errors::number(by), after: After::Refused(by) }
            }
            Stop::Silent { pdu_sent: false } => {
                Self::new(false, "the modem did not ask for the text in time", After::Initialise)
            }
            Stop::Silent { pdu_sent: true } => {
                Self::new(true, "the modem had the text but did not say in time what became of it", After::Listen)
            }
            Stop::Restarted { pdu_sent: false } => {
                Self::new(false, "the modem restarted before it had the text", After::Initialise)
            }
            Stop::Restarted { pdu_sent: true } => {
                Self::new(true, "the modem restarted while it had the text", After::Initialise)
            }
        }
    }
}

/// Says which part of a longer text failed.
fn placed(failure: Failure, accepted: usize, total: usize) -> Failure {
    if total < 2 {
        return failure;
    }
    let part = accepted.saturating_add(1);
    let reason = match accepted {
        0 => format!("part {part} of {total}: {}", failure.reason),
        _ => format!("part {part} of {total}, after {accepted} accepted: {}", failure.reason),
    };
    Failure { reason, ..failure }
}

fn sent(accepted: &[Option<u8>]) -> Outcome {
    Outcome::Done(Done::Sms(receipt(accepted, false)))
}

/// The receipt of a text whose parts have these references.
pub(super) fn receipt(references: &[Option<u8>], delivered: bool) -> SmsReceipt {
    let shown = references.iter().map(|reference| reference.map_or_else(|| "?".to_owned(), |n| n.to_string()));
    let parts = u32::try_from(references.len()).unwrap_or(u32::MAX);
    SmsReceipt { reference: shown.collect::<Vec<_>>().join(","), parts, delivered }
}

/// The report of an exchange, with all that was said.
pub(super) fn report<P: AsyncRead + AsyncWrite + Unpin>(
    line: &mut Line<P>,
    latency: Duration,
    status: Option<u16>,
    outcome: Outcome,
) -> Report {
    let transcript = line.take_transcript();
    let filled = |side: String| Some(side).filter(|side| !side.is_empty());
    let (request, response) = (filled(transcript.said), filled(transcript.heard));
    Report::traced(outcome, Trace { request, response, status, vendor_id: None, latency })
}
