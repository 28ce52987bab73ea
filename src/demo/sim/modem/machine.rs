//! The modem as a state machine without I/O or clock: bytes and times in, [`Out`]s in order out.
//!
//! It keeps the line discipline (ITU-T V.250; 3GPP TS 27.005, clause 4.3): one command at a time, the PDU only after the
//! prompt, Ctrl-Z or ESC to end it. A client that doesn't is recorded, and what it sent too early is lost, as on the
//! real thing. The commands themselves are in `commands`, sending is in `sending`.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use super::commands::Stored;
use super::phone::Phones;
use super::sending::Report;
use super::setup::{Lock, Setup, Volatile};
use super::step::{Armed, Out, Step};
use super::tpdu::Submit;

const ESC: u8 = 0x1B;
const CTRL_Z: u8 = 0x1A;
/// A line longer than this is noise.
const MAX_LINE: usize = 4096;
/// What the bytes that come are taken for.
#[derive(Debug)]
pub(super) enum Mode {
    Command,
    /// A PDU of this length is expected. Without a prompt, or deaf, whatever comes is lost until ESC.
    Pdu {
        length: usize,
        prompted: bool,
        deaf: bool,
        buffer: Vec<u8>,
    },
}

/// What comes after a step.
#[derive(Debug)]
pub(super) enum Next {
    Run(String),
    Collect,
    Accept(Submit),
    Confirm(u8),
    Finish,
}

/// A step at which the modem stands still: until a test lets it go (no time), or until its time.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) id: u64,
    pub(super) step: Step,
    pub(super) next: Next,
    pub(super) until: Option<Duration>,
}

/// The modem.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) setup: Setup,
    pub(super) volatile: Volatile,
    pub(super) lock: Lock,
    pub(super) tries: u8,
    /// `<stat>` of `AT+CREG`.
    pub(super) network: u8,
    pub(super) signal: u8,
    pub(super) centre: String,
    pub(super) stored: Vec<Stored>,
    pub(super) phones: Phones,
    pub(super) reports: Vec<Report>,
    pub(super) reference: u8,
    pub(super) mode: Mode,
    pub(super) now: Duration,
    /// The command that runs, or ran last.
    pub(super) current: String,
    pub(super) commands: Vec<String>,
    pub(super) violations: Vec<String>,
    epoch: Timestamp,
    line: Vec<u8>,
    input: VecDeque<u8>,
    pub(super) out: Vec<Out>,
    unsolicited: VecDeque<String>,
    pub(super) waiting: Option<Waiting>,
    pub(super) armed: Vec<Armed>,
    pub(super) last_id: u64,
    /// A final result or a prompt went out since the last bytes came.
    pub(super) spoke: bool,
    pub(super) rng: Option<fastrand::Rng>,
}

impl Machine {
    pub(super) fn new(setup: Setup, epoch: Timestamp) -> Self {
        Self {
            volatile: Volatile::new(&setup),
            lock: if setup.pin.is_some() { Lock::Pin } else { Lock::Open },
            tries: 3,
            network: 1,
            signal: 20,
            centre: setup.centre.clone(),
            stored: Vec::new(),
            phones: Phones::default(),
            reports: Vec::new(),
            reference: 0,
            mode: Mode::Command,
            now: Duration::ZERO,
            current: String::new(),
            commands: Vec::new(),
            violations: Vec::new(),
            epoch,
            line: Vec::new(),
            input: VecDeque::new(),
            out: Vec::new(),
            unsolicited: VecDeque::new(),
            waiting: None,
            armed: Vec::new(),
            last_id: 0,
            spoke: false,
            rng: setup.chatter.map(fastrand::Rng::with_seed),
            setup,
        }
    }

    /// The time of day.
    pub(super) fn clock(&self) -> Timestamp {
        self.epoch.checked_add(self.now).unwrap_or(self.epoch)
    }

    /// Takes what has come from the client in one piece.
    pub(super) fn feed(&mut self, bytes: &[u8], now: Duration) {
        self.tick(now);
        self.spoke = false;
        let early = self.waiting.as_ref().is_some_and(|waiting| !matches!(waiting.next, Next::Collect));
        // An ESC says that the client has given up on the command; then it may go on.
        if early && bytes.first() != Some(&ESC) && !self.input.contains(&ESC) {
            self.too_early();
            return;
        }
        self.input.extend(bytes);
        self.work(true);
    }

    fn too_early(&mut self) {
        self.violations.push(format!("bytes before the modem had answered {}", self.current));
        self.input.clear();
    }

    /// Works off what has come. `strict`: it came in one piece, so its end can't have waited for what we say.
    pub(super) fn work(&mut self, strict: bool) {
        while self.waiting.is_none()
            && let Some(byte) = self.input.pop_front()
        {
            if strict && self.spoke && !matches!(byte, ESC | b'\n') {
                return self.too_early();
            }
            self.byte(byte);
        }
        let collects = self.waiting.as_ref().is_none_or(|waiting| matches!(waiting.next, Next::Collect));
        if strict
            && !collects
            && self.input.front().is_some_and(|byte| !matches!(*byte, ESC | b'\n'))
            && !self.input.contains(&ESC)
        {
            self.too_early();
        }
    }

    fn byte(&mut self, byte: u8) {
        match &mut self.mode {
            Mode::Command => self.command_byte(byte),
            Mode::Pdu { .. } if byte == ESC => {
                // No answer to wait for: a client that recovers sends ESC and its probe in one piece.
                self.mode = Mode::Command;
                self.say("OK");
            }
            Mode::Pdu { prompted: false, .. } => {
                let violation = "bytes where the prompt should have come first".to_owned();
                if self.violations.last() != Some(&violation) {
                    self.violations.push(violation);
                }
            }
            Mode::Pdu { deaf: true, .. } => {}
            Mode::Pdu { length, buffer, .. } if byte == CTRL_Z => {
                let (length, line) = (*length, String::from_utf8_lossy(buffer).into_owned());
                self.submit(length, &line);
            }
            Mode::Pdu { buffer, .. } => {
                buffer.push(byte);
                let first = buffer.len() == 1;
                if self.volatile.echo {
                    self.bytes(&[byte]);
                }
                if first {
                    self.pass(Step::PduByte, Next::Collect);
                }
            }
        }
    }

    fn command_byte(&mut self, byte: u8) {
        match byte {
            ESC => self.line.clear(),
            b'\n' => self.violations.push("a line feed: a command ends with a carriage return alone".to_owned()),
            b'\r' => {
                if self.volatile.echo {
                    self.bytes(b"\r");
                }
                let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).trim().to_owned();
                if !line.is_empty() {
                    self.command(line);
                }
            }
            _ => {
                if self.line.len() < MAX_LINE {
                    self.line.push(byte);
                }
                if self.volatile.echo {
                    self.bytes(&[byte]);
                }
            }
        }
    }

    fn command(&mut self, line: String) {
        if !line.to_ascii_uppercase().starts_with("AT") {
            self.violations.push(format!("no command: {line:?}"));
            return;
        }
        line.split('"').next().unwrap_or_default().clone_into(&mut self.current);
        let is_pin = line.to_ascii_uppercase().starts_with("AT+CPIN=");
        self.commands.push(if is_pin { "AT+CPIN=***".to_owned() } else { line.clone() });
        self.pass(Step::Command(""), Next::Run(line));
    }

    pub(super) fn go(&mut self, next: Next) {
        match next {
            Next::Run(line) => self.run(&line),
            Next::Collect => {}
            Next::Accept(part) => self.accept(part),
            Next::Confirm(reference) => {
                self.say(&format!("+CMGS: {reference}"));
                self.pass(Step::Referenced, Next::Finish);
            }
            Next::Finish => self.finish("OK"),
        }
    }

    /// Starts anew.
    pub(super) fn restart(&mut self) {
        self.lose_power();
        self.say("RDY");
    }

    /// What was under way is gone, the SIM is locked again.
    pub(super) fn lose_power(&mut self) {
        self.volatile = Volatile::new(&self.setup);
        self.mode = Mode::Command;
        self.line.clear();
        self.input.clear();
        self.waiting = None;
        self.unsolicited.clear();
        if self.setup.pin.is_some() && self.lock == Lock::Open {
            self.lock = Lock::Pin;
        }
    }

    /// The time is now that late.
    pub(super) fn tick(&mut self, now: Duration) {
        self.now = self.now.max(now);
        if self.waiting.as_ref().is_some_and(|waiting| waiting.until.is_some_and(|until| until <= self.now))
            && let Some(waiting) = self.waiting.take()
        {
            self.go(waiting.next);
            self.work(false);
        }
        if matches!(self.mode, Mode::Command) {
            self.report_due();
            while let Some(line) = self.unsolicited.pop_front() {
                self.say(&line);
            }
        }
    }

    /// When [`Machine::tick`] has something to do next.
    pub(super) fn due(&self) -> Option<Duration> {
        let late = self.waiting.as_ref().and_then(|waiting| waiting.until);
        let reports = self.reports.iter().map(|report| report.due);
        let report = reports.min().filter(|_| matches!(self.mode, Mode::Command));
        [late, report].into_iter().flatten().min()
    }

    /// What is to be done outside, in order.
    pub(super) fn take_out(&mut self) -> Vec<Out> {
        std::mem::take(&mut self.out)
    }

    /// A line nobody asked for, now, or after the PDU that is being sent.
    pub(super) fn announce(&mut self, line: String) {
        if matches!(self.mode, Mode::Command) { self.say(&line) } else { self.unsolicited.push_back(line) }
    }

    /// The same, after the present command has ended.
    pub(super) fn announce_later(&mut self, line: String) {
        self.unsolicited.push_back(line);
    }

    pub(super) fn say(&mut self, line: &str) {
        self.bytes(format!("\r\n{line}\r\n").as_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        match self.out.last_mut() {
            Some(Out::Bytes(last)) => last.extend_from_slice(bytes),
            _ => self.out.push(Out::Bytes(bytes.to_vec())),
        }
    }

    /// Ends the command.
    pub(super) fn finish(&mut self, last: &str) {
        self.say(last);
        self.spoke = true;
    }

    pub(super) fn finish_cme(&mut self, number: u16) {
        if self.volatile.errors == 0 { self.finish("ERROR") } else { self.finish(&format!("+CME ERROR: {number}")) }
    }

    /// Asks for the PDU.
    pub(super) fn prompt(&mut self, length: usize) {
        self.mode = Mode::Pdu { length, prompted: true, deaf: false, buffer: Vec::new() };
        self.bytes(b"\r\n> ");
        self.spoke = true;
        self.pass(Step::Prompted, Next::Collect);
    }
}
