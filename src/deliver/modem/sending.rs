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
use super::at::Final;
use super::errors;
use super::init::set_centre;
use super::ledger::Ledger;
use super::line::{Line, Lost};
use super::overheard::SharedLedger;
use super::pdu::{Destination, Encoded, Wish};
use super::submit::Stop;
use crate::model::{Done, Failure, Fault, Outcome, Phone, Report, SmsReceipt, Timestamp, Trace};

/// Service centre unknown: the stored one was lost.
const NO_CENTRE: Final = Final::Cms(330);
/// It is stored on the SIM, which takes its time.
const SET_CENTRE_WITHIN: Duration = Duration::from_secs(5);

/// A text to be sent.
#[derive(Debug)]
pub(super) struct Sms {
    /// The job and its generation: what was sent for it is remembered under this name.
    pub(super) job: String,
    pub(super) to: Phone,
    pub(super) text: String,
    /// Shared by its parts.
    pub(super) reference: u8,
    /// After this, nothing is written any more, and nothing waited for.
    pub(super) deadline: Instant,
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

/// The parts of a text, and how far it came.
struct Sending<'a, P> {
    line: &'a mut Line<P>,
    settings: &'a Settings,
    ledger: &'a SharedLedger,
    deadline: Instant,
}

/// Sends a text, or what an earlier try left of it.
pub(super) async fn send<P: AsyncRead + AsyncWrite + Unpin>(
    line: &mut Line<P>,
    settings: &Settings,
    ledger: &SharedLedger,
    sms: &Sms,
) -> (Report, After) {
    let to = Destination::from(&sms.to);
    let validity = Some(settings.validity);
    let wish = Wish { to: &to, text: &sms.text, status_report: true, reference: sms.reference, validity };
    let Ok((_, parts)) = wish.encode() else {
        let failure = Failure::new(Fault::Permanent, "the text is longer than 255 parts");
        return (Report::of(Outcome::Failed(failure)), After::Ready);
    };
    let started = Instant::now();
    drop(line.take_transcript());
    let (job, text) = (&sms.job, &sms.text);
    let mut accepted = ledger.with(|ledger| ledger.accepted_before(job, text));
    let mut sending = Sending { line, settings, ledger, deadline: sms.deadline };
    let mut stopped = None;
    for (n, part) in parts.iter().enumerate().skip(accepted.len()) {
        ledger.with(|ledger| ledger.writing(job, sms.to.as_str(), n, Timestamp::now()));
        match sending.part(part).await {
            Ok(reference) => accepted.push(reference),
            Err(why) => {
                stopped = Some(why);
                break;
            }
        }
    }
    ledger.with(|ledger| ledger.remember(job, text, &accepted, parts.len()));
    let latency = started.elapsed();
    match stopped {
        None => (report(line, latency, None, sent(&accepted)), After::Ready),
        Some(Stopped { failure, status, after }) => {
            let failure = placed(failure, accepted.len(), parts.len());
            (report(line, latency, status, Outcome::Failed(failure)), after)
        }
    }
}

impl<P: AsyncRead + AsyncWrite + Unpin> Sending<'_, P> {
    /// One part. A lost service centre is set again, once, if the configuration has it.
    async fn part(&mut self, part: &Encoded) -> Result<Option<u8>, Stopped> {
        let timings = &self.settings.timings;
        let mut verdict = self.line.submit(part, timings, self.deadline).await;
        if let (Ok(Err(Stop::Refused { by: NO_CENTRE, .. })), Some(smsc)) = (&verdict, &self.settings.smsc) {
            let set = self.line.command(&set_centre(smsc), "", SET_CENTRE_WITHIN).await;
            verdict = match set {
                Ok(_) => self.line.submit(part, timings, self.deadline).await,
                Err(error) => Err(Lost { error, pdu_sent: false }),
            };
        }
        let stopped = match verdict {
            Ok(Ok(reference)) => {
                self.ledger.with(|ledger| ledger.accepted(reference));
                return Ok(reference);
            }
            Ok(Err(stop)) => Stopped::at(stop),
            Err(lost) => Stopped::lost(lost),
        };
        if stopped.failure.fault != Fault::Unknown {
            self.ledger.with(Ledger::withdraw);
        }
        Err(stopped)
    }
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
                Self { failure: errors::failure(by, pdu_sent), status: errors::number(by), after: After::Ready }
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

fn report<P: AsyncRead + AsyncWrite + Unpin>(
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
