//! The dialogue that makes a modem ready for sending and reports: one step after the other, each with what its answers
//! mean. Pure; the task asks and waits. The order matters: a SIM that isn't ready refuses what comes after it.
//!
//! It never writes settings into the modem's flash. A SIM that asks for its PIN is `lock`'s.
//! Rules: 3GPP TS 27.007 (CPIN, CFUN, CREG), TS 27.005 (CMGF, CSMS, CPMS, CNMI, CSCA); the ladders are what real modems take.

mod lock;

use std::borrow::Cow;
use std::time::Duration;

use super::at::{self, Final};
use super::course::Event;
use super::errors;
use super::identity::{self, ANY, CARD, WHO};
use super::pin::{ASK_TRIES, Keyring};
use super::ring::HANG_UP;
use crate::model::{Failure, Fault, Identity, PinTry, Timestamp};

const ONE_SECOND: Duration = Duration::from_secs(1);
/// A SIM takes up to half a minute after power-on.
const SIM_PATIENCE: u8 = 30;
/// Plain errors while the SIM starts; older modems have no other word for "not yet".
const ERROR_PATIENCE: u8 = 5;
/// Memory for reports and texts, best first: newer LTE modems keep texts in ME, SIM800 has only SM.
const MEMORIES: [&str; 3] = ["\"ME\",\"ME\",\"ME\"", "\"SM\",\"SM\",\"SM\"", "\"MT\",\"SM\",\"SM\""];
/// Where reports go, best first: straight to us, into memory, nowhere.
const INDICATIONS: [&str; 6] = ["2,1,0,1,0", "2,1,0,2,0", "1,1,0,1,0", "3,1,0,1,0", "2,1,0,0,0", "1,1,0,0,0"];

/// News of the network: 2G and 3G, their data, LTE. A modem without one of them refuses it.
const NEWS: [&str; 3] = ["AT+CREG=1", "AT+CGREG=1", "AT+CEREG=1"];

/// What a command came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// Lines with the command's prefix; a PDU follows its header.
    pub(super) info: Vec<String>,
    /// How it ended; `None` when it didn't in time.
    pub(super) end: Option<Final>,
}

impl Answer {
    /// The fields of the first line with this prefix.
    pub(super) fn fields(&self, prefix: &str) -> Option<Vec<&str>> {
        self.info.iter().find_map(|line| at::fields(line, prefix))
    }
}

/// A command, the prefix of its information, and how long its answer may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) command: Cow<'static, str>,
    pub(super) prefix: &'static str,
    pub(super) within: Duration,
}

/// What follows an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Ask on.
    Ask,
    /// Ask on after a while.
    AskAfter(Duration),
    /// This must be on disk; then [`Init::kept`].
    Keep(PinTry),
    /// It is ready but for the network.
    Ready(Facts),
    /// It can't be made ready now.
    Blocked(Blocked),
}

/// Why a modem can't be made ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blocked {
    /// For the jobs that wait.
    pub(super) failure: Failure,
    /// For the recovery: silent, refused, or the SIM's trouble.
    pub(super) event: Event,
}

/// What was learned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Who it is.
    pub(super) identity: Identity,
    /// The memories it took.
    pub(super) memory: Option<&'static str>,
    /// How it tells of reports and texts.
    pub(super) indication: Option<&'static str>,
    /// The service centre in use; without one nothing can be sent.
    pub(super) centre: Option<String>,
}

impl Facts {
    /// It took an indication with reports.
    pub(super) fn reports(&self) -> bool {
        self.indication.is_some_and(|it| !it.ends_with("0,0"))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    EchoOff,
    NumericErrors,
    HangUp(usize),
    Who(usize),
    Sim,
    LockedCard(usize),
    Tries(usize),
    Enter(PinTry),
    Card(usize),
    Radio,
    RadioOn,
    PduMode,
    Service,
    Memory(usize),
    Indication(usize),
    News(usize),
    Centre,
    SetCentre,
}

/// The dialogue, after the modem answered its first `AT`.
#[derive(Debug)]
pub(super) struct Init {
    step: Step,
    smsc: Option<String>,
    /// The port's name: what a SIM is called whose number can't be read.
    port: String,
    waits: u8,
    errors: u8,
    radio_tried: bool,
    left: Option<u8>,
    facts: Facts,
}

impl Init {
    /// Starts the dialogue; `smsc` replaces the stored service centre.
    pub(super) fn new(smsc: Option<String>, port: String) -> Self {
        let (facts, step) = (Facts::default(), Step::EchoOff);
        Self { step, smsc, port, waits: 0, errors: 0, radio_tried: false, left: None, facts }
    }

    /// The command of the step.
    pub(super) fn ask(&self, keyring: &mut Keyring) -> Ask {
        let ask = |command: &'static str, prefix, seconds| (Cow::Borrowed(command), prefix, seconds);
        let (command, prefix, seconds) = match &self.step {
            Step::EchoOff => ask("ATE0", "", 1),
            Step::NumericErrors => ask("AT+CMEE=1", "", 1),
            Step::HangUp(n) => ask(HANG_UP.get(*n).unwrap_or(&"AT"), "", 5),
            Step::Who(n) => ask(WHO.get(*n).unwrap_or(&"AT"), ANY, 2),
            Step::Sim => ask("AT+CPIN?", "+CPIN:", 5),
            Step::Card(n) | Step::LockedCard(n) => ask(CARD.get(*n).unwrap_or(&"AT"), ANY, 2),
            Step::Tries(n) => {
                let (command, prefix, _) = ASK_TRIES.get(*n).copied().unwrap_or(("AT", "", 0));
                ask(command, prefix, 2)
            }
            Step::Enter(tried) => (Cow::Owned(keyring.enter(tried.clone())), "+CPIN:", 10),
            Step::Radio => ask("AT+CFUN?", "+CFUN:", 2),
            Step::RadioOn => ask("AT+CFUN=1", "", 15),
            Step::PduMode => ask("AT+CMGF=0", "", 2),
            // Without this, a report has to be acknowledged in time or the modem stops reporting.
            Step::Service => ask("AT+CSMS=0", "+CSMS:", 2),
            Step::Memory(n) => {
                let memory = MEMORIES.get(*n).unwrap_or(&"\"SM\"");
                (Cow::Owned(format!("AT+CPMS={memory}")), "+CPMS:", 5)
            }
            Step::Indication(n) => {
                let indication = INDICATIONS.get(*n).unwrap_or(&"1,1,0,0,0");
                (Cow::Owned(format!("AT+CNMI={indication}")), "", 2)
            }
            Step::News(n) => ask(NEWS.get(*n).unwrap_or(&"AT"), "", 1),
            Step::Centre => ask("AT+CSCA?", "+CSCA:", 5),
            Step::SetCentre => (Cow::Owned(set_centre(self.smsc.as_deref().unwrap_or_default())), "", 5),
        };
        Ask { command, prefix, within: Duration::from_secs(seconds) }
    }

    /// Takes the answer to [`Init::ask`].
    pub(super) fn on(&mut self, answer: &Answer, keyring: &mut Keyring, now: Timestamp) -> Next {
        // Some old modems leave out the OK after the SIM's state.
        let sim_said = self.step == Step::Sim && !answer.info.is_empty();
        let end = answer.end.or(sim_said.then_some(Final::Ok));
        if matches!(self.step, Step::Enter(_)) {
            return self.on_entered(end, keyring);
        }
        let Some(end) = end else { return Next::Blocked(silent()) };
        let ok = end == Final::Ok;
        match self.step.clone() {
            Step::EchoOff => self.go(Step::NumericErrors),
            // The desk may have ended in the middle of a ring.
            Step::NumericErrors => self.go(Step::HangUp(0)),
            Step::HangUp(_) if ok => self.go(Step::Who(0)),
            Step::HangUp(n) => self.next_of(HANG_UP.len(), n, Step::HangUp, Step::Who(0)),
            Step::Who(n) => {
                identity::learn(&mut self.facts.identity, n, answer);
                self.next_of(WHO.len(), n, Step::Who, Step::Sim)
            }
            Step::Sim => self.on_sim(answer, end, keyring, now),
            Step::LockedCard(n) | Step::Card(n) => self.on_card(n, answer),
            Step::Tries(n) => self.on_tries(n, answer, keyring, now),
            Step::Radio => {
                let off = answer.fields("+CFUN:").is_some_and(|state| matches!(state.as_slice(), [n] if *n != "1"));
                let off = off && !std::mem::replace(&mut self.radio_tried, true);
                self.go(if off { Step::RadioOn } else { Step::PduMode })
            }
            // A SIM may be busy again after its radio was switched on.
            Step::RadioOn => self.go(Step::Sim),
            Step::PduMode if ok => self.go(Step::Service),
            Step::PduMode => self.not_yet(end, Step::Sim),
            Step::Service => self.go(Step::Memory(0)),
            Step::Memory(n) if ok => {
                self.facts.memory = MEMORIES.get(n).copied();
                self.go(Step::Indication(0))
            }
            Step::Memory(n) => self.next_of(MEMORIES.len(), n, Step::Memory, Step::Indication(0)),
            Step::Indication(n) if ok => {
                self.facts.indication = INDICATIONS.get(n).copied();
                self.go(Step::News(0))
            }
            Step::Indication(n) => self.next_of(INDICATIONS.len(), n, Step::Indication, Step::News(0)),
            Step::News(n) => self.next_of(NEWS.len(), n, Step::News, Step::Centre),
            Step::Centre => self.on_centre(answer),
            Step::SetCentre => {
                self.facts.centre.clone_from(&self.smsc);
                Next::Ready(self.facts.clone())
            }
            Step::Enter(_) => self.on_entered(Some(end), keyring),
        }
    }

    fn go(&mut self, step: Step) -> Next {
        self.step = step;
        Next::Ask
    }

    /// The next of a list of questions, or what comes after the list.
    fn next_of(&mut self, length: usize, n: usize, of: fn(usize) -> Step, then: Step) -> Next {
        let next = n.saturating_add(1);
        self.go(if next < length { of(next) } else { then })
    }

    fn on_centre(&mut self, answer: &Answer) -> Next {
        let stored = answer.fields("+CSCA:").and_then(|fields| fields.first().map(ToString::to_string));
        let stored = stored.filter(|number| !number.is_empty());
        match &self.smsc {
            Some(wanted) if stored.as_ref() != Some(wanted) => self.go(Step::SetCentre),
            _ => {
                self.facts.centre = stored;
                Next::Ready(self.facts.clone())
            }
        }
    }

    /// A refusal that may only mean "not yet": asks again from `step` after a second, a number of times.
    fn not_yet(&mut self, end: Final, step: Step) -> Next {
        let failure = errors::failure(end, false);
        if failure.fault != Fault::Transient {
            let sim = failure.fault == Fault::Auth;
            // What is wrong for one command isn't wrong for all texts: nothing is buried for it.
            let fault = if sim { Fault::Auth } else { Fault::Transient };
            let event = match end {
                Final::Cme(13) | Final::Cms(313) => Event::SimFailed,
                _ if sim => Event::Locked,
                _ => Event::Refused,
            };
            return Next::Blocked(Blocked { failure: Failure { fault, ..failure }, event });
        }
        let busy = matches!(end, Final::Cme(14 | 515) | Final::Cms(314));
        let (count, patience) = if busy { (&mut self.waits, SIM_PATIENCE) } else { (&mut self.errors, ERROR_PATIENCE) };
        *count = count.saturating_add(1);
        if *count >= patience {
            return Next::Blocked(Blocked { failure, event: Event::Refused });
        }
        self.step = step;
        Next::AskAfter(ONE_SECOND)
    }
}

/// The command that stores a service centre's number, with its type of number.
pub(super) fn set_centre(smsc: &str) -> String {
    let kind = if smsc.starts_with('+') { 145 } else { 129 };
    format!("AT+CSCA=\"{smsc}\",{kind}")
}

/// The modem doesn't answer.
pub(super) fn silent() -> Blocked {
    let failure = Failure::new(Fault::Transient, "the modem doesn't answer")
        .cure("unplug the modem and plug it in again if it lasts; check that no other program uses it");
    Blocked { failure, event: Event::Silent }
}

#[cfg(test)]
mod tests;
