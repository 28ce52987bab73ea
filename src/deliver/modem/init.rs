//! The dialogue that makes a modem ready for sending and reports: one step after the other, each with what its answers
//! mean. Pure; the task asks and waits. The order matters: a SIM that isn't ready refuses what comes after it.
//!
//! It never enters a PIN (three wrong ones lock the SIM for good) and never writes settings into the modem's flash.
//! Rules: 3GPP TS 27.007 (CPIN, CFUN, CREG), TS 27.005 (CMGF, CSMS, CPMS, CNMI, CSCA); the ladders are what real modems take.

use std::borrow::Cow;
use std::time::Duration;

use super::at::{self, Final};
use super::errors;
use crate::model::{Failure, Fault};

const ONE_SECOND: Duration = Duration::from_secs(1);
/// A SIM takes up to half a minute after power-on.
const SIM_PATIENCE: u8 = 30;
/// Plain errors while the SIM starts; older modems have no other word for "not yet".
const ERROR_PATIENCE: u8 = 5;
/// Memory for reports and texts, best first: newer LTE modems keep texts in ME, SIM800 has only SM.
const MEMORIES: [&str; 3] = ["\"ME\",\"ME\",\"ME\"", "\"SM\",\"SM\",\"SM\"", "\"MT\",\"SM\",\"SM\""];
/// Where reports go, best first: straight to us, into memory, nowhere.
const INDICATIONS: [&str; 6] = ["2,1,0,1,0", "2,1,0,2,0", "1,1,0,1,0", "3,1,0,1,0", "2,1,0,0,0", "1,1,0,0,0"];

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
    /// It is the SIM: only a person can help.
    pub(super) sim: bool,
}

/// What was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    /// The memories it took.
    pub(super) memory: Option<&'static str>,
    /// It took an indication with reports.
    pub(super) reports: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    EchoOff,
    NumericErrors,
    Sim,
    Radio,
    RadioOn,
    PduMode,
    Service,
    Memory(usize),
    Indication(usize),
    NetworkNews,
    LteNews,
    Centre,
    SetCentre,
}

/// The dialogue, after the modem answered its first `AT`.
#[derive(Debug)]
pub(super) struct Init {
    step: Step,
    smsc: Option<String>,
    waits: u8,
    errors: u8,
    radio_tried: bool,
    facts: Facts,
}

impl Init {
    /// Starts the dialogue; `smsc` replaces the stored service centre.
    pub(super) const fn new(smsc: Option<String>) -> Self {
        let facts = Facts { memory: None, reports: false };
        Self { step: Step::EchoOff, smsc, waits: 0, errors: 0, radio_tried: false, facts }
    }

    /// The command of the step.
    pub(super) fn ask(&self) -> Ask {
        let ask = |command: &'static str, prefix, seconds| (Cow::Borrowed(command), prefix, seconds);
        let (command, prefix, seconds) = match self.step {
            Step::EchoOff => ask("ATE0", "", 1),
            Step::NumericErrors => ask("AT+CMEE=1", "", 1),
            Step::Sim => ask("AT+CPIN?", "+CPIN:", 5),
            Step::Radio => ask("AT+CFUN?", "+CFUN:", 2),
            Step::RadioOn => ask("AT+CFUN=1", "", 15),
            Step::PduMode => ask("AT+CMGF=0", "", 2),
            // Without this, a report has to be acknowledged in time or the modem stops reporting.
            Step::Service => ask("AT+CSMS=0", "+CSMS:", 2),
            Step::Memory(n) => {
                let memory = MEMORIES.get(n).unwrap_or(&"\"SM\"");
                (Cow::Owned(format!("AT+CPMS={memory}")), "+CPMS:", 5)
            }
            Step::Indication(n) => {
                let indication = INDICATIONS.get(n).unwrap_or(&"1,1,0,0,0");
                (Cow::Owned(format!("AT+CNMI={indication}")), "", 2)
            }
            Step::NetworkNews => ask("AT+CREG=1", "", 1),
            Step::LteNews => ask("AT+CEREG=1", "", 1),
            Step::Centre => ask("AT+CSCA?", "+CSCA:", 5),
            Step::SetCentre => (Cow::Owned(set_centre(self.smsc.as_deref().unwrap_or_default())), "", 5),
        };
        Ask { command, prefix, within: Duration::from_secs(seconds) }
    }

    /// Takes the answer to [`Init::ask`].
    pub(super) fn on(&mut self, answer: &Answer) -> Next {
        // Some old modems leave out the OK after the SIM's state.
        let sim_said = self.step == Step::Sim && !answer.info.is_empty();
        let Some(end) = answer.end.or(sim_said.then_some(Final::Ok)) else {
            return Next::Blocked(silent());
        };
        let ok = end == Final::Ok;
        match self.step {
            Step::EchoOff => self.go(Step::NumericErrors),
            Step::Sim => self.on_sim(answer, end),
            Step::Radio => {
                let off = answer.fields("+CFUN:").is_some_and(|state| matches!(state.as_slice(), [n] if *n != "1"));
                if off && !std::mem::replace(&mut self.radio_tried, true) {
                    self.go(Step::RadioOn)
                } else {
                    self.go(Step::PduMode)
                }
            }
            Step::NumericErrors | Step::RadioOn => self.go(Step::Sim),
            Step::PduMode if ok => self.go(Step::Service),
            Step::PduMode => self.not_yet(end, Step::Sim),
            Step::Service => self.go(Step::Memory(0)),
            Step::Memory(n) if ok => {
                self.facts.memory = MEMORIES.get(n).copied();
                self.go(Step::Indication(0))
            }
            Step::Memory(n) => {
                let next = n.saturating_add(1);
                self.go(if next < MEMORIES.len() { Step::Memory(next) } else { Step::Indication(0) })
            }
            Step::Indication(n) if ok => {
                self.facts.reports = INDICATIONS.get(n).is_some_and(|it| !it.ends_with("0,0"));
                self.go(Step::NetworkNews)
            }
            Step::Indication(n) => {
                let next = n.saturating_add(1);
                self.go(if next < INDICATIONS.len() { Step::Indication(next) } else { Step::NetworkNews })
            }
            Step::NetworkNews => self.go(Step::LteNews),
            Step::LteNews => self.go(Step::Centre),
            Step::Centre => {
                let stored = answer.fields("+CSCA:").and_then(|fields| fields.first().map(ToString::to_string));
                match &self.smsc {
                    Some(wanted) if stored.as_ref() != Some(wanted) => self.go(Step::SetCentre),
                    _ => Next::Ready(self.facts),
                }
            }
            Step::SetCentre => Next::Ready(self.facts),
        }
    }

    fn go(&mut self, step: Step) -> Next {
        self.step = step;
        Next::Ask
    }

    fn on_sim(&mut self, answer: &Answer, end: Final) -> Next {
        if end != Final::Ok {
            return self.not_yet(end, Step::Sim);
        }
        match answer.fields("+CPIN:").as_deref() {
            Some(["READY", ..]) => self.go(Step::Radio),
            Some([state, ..]) => Next::Blocked(locked(state)),
            None | Some([]) => self.not_yet(Final::Error, Step::Sim),
        }
    }

    /// A refusal that may only mean "not yet": asks again from `step` after a second, a number of times.
    fn not_yet(&mut self, end: Final, step: Step) -> Next {
        let failure = errors::failure(end, false);
        if failure.fault != Fault::Transient {
            let sim = failure.fault == Fault::Auth;
            // What is wrong for one command isn't wrong for all texts: nothing is buried for it.
            let fault = if sim { Fault::Auth } else { Fault::Transient };
            return Next::Blocked(Blocked { failure: Failure { fault, ..failure }, sim });
        }
        let busy = matches!(end, Final::Cme(14) | Final::Cms(314));
        let (count, patience) = if busy { (&mut self.waits, SIM_PATIENCE) } else { (&mut self.errors, ERROR_PATIENCE) };
        *count = count.saturating_add(1);
        if *count >= patience {
            return Next::Blocked(Blocked { failure, sim: false });
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
    Blocked { failure, sim: false }
}

/// The SIM wants something that only a person can give.
fn locked(state: &str) -> Blocked {
    let cure = match state {
        "SIM PIN" => "put the SIM into a phone and switch its PIN off: a PIN is never entered by the program",
        "SIM PUK" => "put the SIM into a phone, enter its PUK, set a new PIN, then switch the PIN off",
        _ => "put the SIM into a phone and remove the lock",
    };
    let failure = Failure::new(Fault::Auth, format!("the SIM is locked: it says {state}")).cure(cure);
    Blocked { failure, sim: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers each command by the first rule whose command it starts with; `OK` where there is none.
    /// Rules are used up in order. Returns the commands asked, seconds waited, and how it ended.
    fn play(smsc: Option<&str>, rules: &[(&str, &str)]) -> (Vec<String>, u64, Next) {
        let mut rules = rules.to_vec();
        let (mut asked, mut waited) = (Vec::new(), 0_u64);
        let mut init = Init::new(smsc.map(str::to_owned));
        loop {
            let ask = init.ask();
            asked.push(ask.command.to_string());
            let rule = rules.iter().position(|(command, _)| ask.command.starts_with(command));
            let said = rule.map_or(default_for(&ask.command), |at| rules.remove(at).1);
            let mut answer = Answer::default();
            for line in said.split('|') {
                match line {
                    "OK" => answer.end = Some(Final::Ok),
                    "ERROR" => answer.end = Some(Final::Error),
                    "…" => answer.end = None,
                    _ => match (line.strip_prefix("CME "), line.strip_prefix("CMS ")) {
                        (Some(n), _) => answer.end = Some(Final::Cme(n.parse().unwrap())),
                        (_, Some(n)) => answer.end = Some(Final::Cms(n.parse().unwrap())),
                        _ => answer.info.push(line.to_owned()),
                    },
                }
            }
            match init.on(&answer) {
                Next::Ask => {}
                Next::AskAfter(wait) => waited = waited.saturating_add(wait.as_secs()),
                end => return (asked, waited, end),
            }
            assert!(asked.len() < 100, "never ends: {asked:?}");
        }
    }

    fn default_for(command: &str) -> &'static str {
        match command {
            "AT+CPIN?" => "+CPIN: READY|OK",
            "AT+CFUN?" => "+CFUN: 1|OK",
            "AT+CSCA?" => "+CSCA: \"+12085551000\",145|OK",
            _ => "OK",
        }
    }

    fn ready(memory: Option<&'static str>, reports: bool) -> Next {
        Next::Ready(Facts { memory, reports })
    }

    #[test]
    fn a_modem_that_takes_everything() {
        let (asked, waited, end) = play(None, &[]);
        let want = "ATE0 AT+CMEE=1 AT+CPIN? AT+CFUN? AT+CMGF=0 AT+CSMS=0 AT+CPMS=\"ME\",\"ME\",\"ME\" AT+CNMI=2,1,0,1,0 \
                    AT+CREG=1 AT+CEREG=1 AT+CSCA?";
        assert_eq!(asked.join(" "), want);
        assert_eq!((waited, end), (0, ready(Some(MEMORIES[0]), true)));
    }

    #[test]
    fn ladders_and_patience() {
        const NO_MEMORY: (&str, &str) = ("AT+CPMS", "CMS 303");
        const NO_CNMI: (&str, &str) = ("AT+CNMI", "ERROR");
        type Case<'a> = (&'a str, Option<&'a str>, &'a [(&'a str, &'a str)], u64, Next);
        let cases: &[Case<'_>] = &[
            (
                "no CMEE, no CSMS",
                None,
                &[("AT+CMEE", "ERROR"), ("AT+CSMS", "ERROR")],
                0,
                ready(Some(MEMORIES[0]), true),
            ),
            ("only the SIM's memory", None, &[NO_MEMORY], 0, ready(Some(MEMORIES[1]), true)),
            ("no memory at all", None, &[NO_MEMORY; 3], 0, ready(None, true)),
            ("reports only into memory", None, &[NO_CNMI], 0, ready(Some(MEMORIES[0]), true)),
            ("no reports", None, &[NO_CNMI; 4], 0, ready(Some(MEMORIES[0]), false)),
            ("no indications", None, &[NO_CNMI; 6], 0, ready(Some(MEMORIES[0]), false)),
            ("SIM busy for three seconds", None, &[("AT+CPIN?", "CME 14"); 3], 3, ready(Some(MEMORIES[0]), true)),
            ("PDU mode too early", None, &[("AT+CMGF", "CMS 314")], 1, ready(Some(MEMORIES[0]), true)),
            ("no OK after the SIM's state", None, &[("AT+CPIN?", "+CPIN: READY|…")], 0, ready(Some(MEMORIES[0]), true)),
            ("radio off", None, &[("AT+CFUN?", "+CFUN: 0|OK")], 0, ready(Some(MEMORIES[0]), true)),
            (
                "radio answers with its test form",
                None,
                &[("AT+CFUN?", "+CFUN: (0,1),(0)|OK")],
                0,
                ready(Some(MEMORIES[0]), true),
            ),
            ("own service centre", Some("+4917"), &[], 0, ready(Some(MEMORIES[0]), true)),
            ("silent", None, &[("AT+CMGF", "…")], 0, Next::Blocked(silent())),
        ];
        for (name, smsc, rules, seconds, want) in cases {
            let (asked, waited, end) = play(*smsc, rules);
            assert_eq!((&end, waited), (want, *seconds), "{name}");
            assert_eq!(asked.contains(&"AT+CFUN=1".to_owned()), *name == "radio off", "{name}");
            assert_eq!(asked.contains(&"AT+CSCA=\"+4917\",145".to_owned()), smsc.is_some(), "{name}");
        }
    }

    #[test]
    fn a_locked_sim_is_left_to_a_person() {
        for (said, fault, sim) in [
            ("+CPIN: SIM PIN|OK", Fault::Auth, true),
            ("+CPIN: SIM PUK|OK", Fault::Auth, true),
            ("+CPIN: PH-SIM PIN|OK", Fault::Auth, true),
            ("CME 10", Fault::Auth, true),
            ("CME 13", Fault::Auth, true),
            ("CME 3", Fault::Transient, false),
        ] {
            let (asked, _, end) = play(None, &[("AT+CPIN?", said)]);
            let Next::Blocked(blocked) = end else { panic!("{said}: {end:?}") };
            assert_eq!((blocked.failure.fault, blocked.sim), (fault, sim), "{said}");
            assert!(blocked.failure.cure.is_some(), "{said}");
            assert!(!asked.iter().any(|command| command.starts_with("AT+CPIN=")), "{said}: no PIN is ever sent");
        }
    }

    #[test]
    fn patience_ends() {
        let (_, waited, end) = play(None, &[("AT+CPIN?", "CME 14"); 40]);
        assert!(matches!(end, Next::Blocked(Blocked { sim: false, .. })) && waited == 29, "{waited} {end:?}");
        let (_, waited, end) = play(None, &[("AT+CPIN?", "ERROR"); 40]);
        assert!(matches!(end, Next::Blocked(Blocked { sim: false, .. })) && waited == 4, "{waited} {end:?}");
    }
}
