//! One voice call that only rings: dialled, listened to for a while, and hung up. Whoever picks up hears silence.
//!
//! Called by the task that owns the port. [`Dialled`] is pure: what the modem says of a call and when, what it came to out.
//! It ends early as soon as somebody else needs the modem: a text must not wait for a ring. 3GPP TS 27.007, clauses 6.2
//! (`D` with `;` is a voice call) and 6.5 (`+CHUP`); ITU-T V.250, clause 6.3 (results of calls).
//!
//! Whether the number is shown is left to the SIM's subscription, which shows it unless somebody had that changed. There
//! is a letter for it (`i` behind the number), but V.250, 5.1 lets a modem read it as `I`, which hides the number.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::at::{Final, Heard};
use super::errors;
use super::line::{Line, after};
use super::sending::report;
use crate::model::{Done, Failure, Fault, Outcome, Phone, Rang, Report};

/// No phone rings so soon: a call that ends by then was refused on the way to it.
const AT_ONCE: Duration = Duration::from_secs(3);
/// Whether somebody else needs the modem is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Hanging up takes a modem no time; there are two ways to.
const HANG_UP_WITHIN: Duration = Duration::from_secs(5);
/// A modem says `OK` to a number at once; one that takes so long for it may never say it. Until then it hears nothing else.
const TAKEN_WITHIN: Duration = Duration::from_secs(3);
/// The ways to hang up: the first for voice calls, the second for all, which older modems know.
pub(super) const HANG_UP: [&str; 2] = ["AT+CHUP", "ATH"];
/// The longest that it takes to hang up.
pub(super) const HANG_UP_TAKES: Duration = HANG_UP_WITHIN.saturating_mul(2);

const CURE: &str = "use a modem and a SIM that can call, or leave it out of oncall.ring.channels";

/// Whose phone is to ring, and how long.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) to: Phone,
    pub(super) lasts: Duration,
}

/// A phone that the handle wants rung.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) call: Call,
    /// Taken when the modem dials; the handle gives up by dropping the other end.
    pub(super) ticket: oneshot::Sender<()>,
    pub(super) reply: oneshot::Sender<Report>,
}

/// What the port needs after a ring.
#[derive(Debug)]
pub(super) enum After {
    /// Nothing.
    Ready,
    /// Its settings may be gone, or it may still be in the call.
    Initialise,
    /// The port is gone.
    Reopen(std::io::Error),
}

/// A call under way, as far as the modem tells.
#[derive(Debug, Default)]
struct Dialled {
    /// It took the number.
    taken: bool,
}

/// How a call ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The other side, or the network, ended it after a while.
    Over,
    Busy,
    PickedUp,
    /// The modem can't, or may not, call.
    Refused(Final),
    /// It never got to the phone.
    NotReached,
}

impl Dialled {
    /// Takes what the modem says so long after it was told to dial; `None`: it rings on.
    fn on(&mut self, heard: &Heard, since: Duration) -> Option<End> {
        match heard {
            // Right after the number it only says that the number was taken.
            Heard::Final(Final::Ok) => {
                self.taken = true;
                None
            }
            Heard::Final(_) if self.taken && since >= AT_ONCE => Some(End::Over),
            Heard::Final(by) => Some(End::Refused(*by)),
            Heard::Line(line) => self.on_line(line, since),
            Heard::Prompt | Heard::Echo | Heard::Pdu { .. } => None,
        }
    }

    fn on_line(&mut self, line: &str, since: Duration) -> Option<End> {
        match line {
            "BUSY" => Some(End::Busy),
            "NO DIALTONE" | "NO DIAL TONE" => Some(End::NotReached),
            "NO CARRIER" if since < AT_ONCE => Some(End::NotReached),
            "NO CARRIER" | "NO ANSWER" => Some(End::Over),
            // As an answer to the number it is another word for OK.
            _ if line.starts_with("CONNECT") && since < AT_ONCE => {
                self.taken = true;
                None
            }
            // The last two are Huawei's and SIMCom's words for it.
            _ if ["CONNECT", "^CONN:", "VOICE CALL: BEGIN"].iter().any(|word| line.starts_with(word)) => {
                Some(End::PickedUp)
            }
            _ => None,
        }
    }
}

/// Lets the phone ring, until its time is over or the modem is `wanted` elsewhere.
pub(super) async fn ring<P: AsyncRead + AsyncWrite + Unpin>(
    line: &mut Line<P>,
    call: &Call,
    wanted: impl Fn() -> bool,
) -> (Report, After) {
    drop(line.take_transcript());
    let began = Instant::now();
    let mut dialled = false;
    let rung = talk(line, call, wanted, &mut dialled).await;
    let (outcome, after) = rung.unwrap_or_else(|error| {
        let fault = if dialled { Fault::Unknown } else { Fault::Transient };
        let failure = Failure::new(fault, "the modem's port vanished while it was to ring");
        (Outcome::Failed(failure), After::Reopen(error))
    });
    (report(line, began.elapsed(), None, outcome), after)
}

async fn talk<P: AsyncRead + AsyncWrite + Unpin>(
    line: &mut Line<P>,
    call: &Call,
    wanted: impl Fn() -> bool,
    dialled: &mut bool,
) -> std::io::Result<(Outcome, After)> {
    line.dial(&call.to).await?;
    *dialled = true;
    let began = Instant::now();
    let until = after(call.lasts);
    let mut state = Dialled::default();
    let end = loop {
        if let Some(heard) = line.hear(after(LOOK_EVERY).min(until)).await? {
            let end = state.on(&heard, began.elapsed());
            // The results of a call mean nothing to anybody else.
            if !matches!(heard, Heard::Final(_)) {
                line.overheard.note(&heard);
            }
            if end.is_some() {
                break end;
            }
        }
        let hears = state.taken || began.elapsed() >= TAKEN_WITHIN;
        if Instant::now() >= until || line.overheard.has_restarted() || (hears && wanted()) {
            break None;
        }
    };
    let rang = began.elapsed();
    if line.overheard.has_restarted() {
        let failure = Failure::new(Fault::Unknown, "the modem restarted while it rang");
        return Ok((Outcome::Failed(failure), After::Initialise));
    }
    let hung_up = match end {
        None | Some(End::PickedUp) => hang_up(line).await?,
        Some(End::Over | End::Busy | End::Refused(_) | End::NotReached) => true,
    };
    // The `OK` to hanging up may have been the one to the number: then it still rings.
    let next = if hung_up && (state.taken || end.is_some()) { After::Ready } else { After::Initialise };
    if !hung_up && !state.taken {
        let failure = Failure::new(Fault::Unknown, "the modem was told to dial and said nothing more");
        return Ok((Outcome::Failed(failure), next));
    }
    Ok((outcome(end, rang), next))
}

/// Whether the modem says that there is no call any more.
async fn hang_up<P: AsyncRead + AsyncWrite + Unpin>(line: &mut Line<P>) -> std::io::Result<bool> {
    for command in HANG_UP {
        if line.command(command, "", HANG_UP_WITHIN).await?.end == Some(Final::Ok) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn outcome(end: Option<End>, rang: Duration) -> Outcome {
    let failed = |fault, reason: String| Outcome::Failed(Failure::new(fault, reason).cure(CURE));
    match end {
        None | Some(End::Over) => Outcome::Done(Done::Rang(Rang::For(rang))),
        Some(End::Busy) => Outcome::Done(Done::Rang(Rang::Busy)),
        Some(End::PickedUp) => Outcome::Done(Done::Rang(Rang::PickedUp)),
        Some(End::Refused(by)) => {
            let failure = errors::failure(by, false);
            failed(failure.fault, format!("it does not call: {}", failure.reason))
        }
        Some(End::NotReached) => {
            failed(Fault::Transient, "the network ended the call before the phone can have rung".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::super::at::Lines;
    use super::*;

    #[test]
    fn every_way_a_call_ends() {
        for (name, said, want) in [
            ("it rings", "0 OK", None),
            ("another word for OK", "0 CONNECT", None),
            ("somebody else rings, and the network talks", "0 OK|2 RING|4 +CREG: 5|5 ^RSSI:17", None),
            ("nothing is said", "", None),
            ("no voice", "0 ERROR", Some(End::Refused(Final::Error))),
            ("no voice, in Huawei's words", "0 COMMAND NOT SUPPORT", Some(End::Refused(Final::Error))),
            ("no network", "0 +CME ERROR: 30", Some(End::Refused(Final::Cme(30)))),
            ("refused after it was taken", "0 OK|1 +CME ERROR: 3", Some(End::Refused(Final::Cme(3)))),
            ("an error while it rings", "0 OK|9 +CME ERROR: 100", Some(End::Over)),
            ("ended at once", "0 OK|1 NO CARRIER", Some(End::NotReached)),
            ("ended at once, without OK", "0 NO CARRIER", Some(End::NotReached)),
            ("no dial tone", "0 OK|4 NO DIALTONE", Some(End::NotReached)),
            ("declined", "0 OK|8 NO CARRIER", Some(End::Over)),
            ("no answer", "0 OK|18 NO ANSWER", Some(End::Over)),
            ("busy", "0 OK|1 BUSY", Some(End::Busy)),
            ("picked up", "0 OK|7 CONNECT", Some(End::PickedUp)),
            ("picked up, in Huawei's words", "0 OK|2 ^CONN:1,0", Some(End::PickedUp)),
            ("picked up, in SIMCom's words", "0 OK|7 VOICE CALL: BEGIN", Some(End::PickedUp)),
        ] {
            let (mut lines, mut heard, mut call) = (Lines::default(), VecDeque::new(), Dialled::default());
            let mut end = None;
            for (seconds, text) in said.split('|').filter_map(|piece| piece.split_once(' ')) {
                lines.push(format!("\r\n{text}\r\n").as_bytes(), &mut heard);
                let since = Duration::from_secs(seconds.parse().unwrap());
                end = end.or(heard.drain(..).find_map(|heard| call.on(&heard, since)));
            }
            assert_eq!(end, want, "{name}");
        }
    }
}
