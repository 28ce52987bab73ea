//! The modem as a state machine without I/O or clock: bytes and times in, [`Out`]s in order out.
//!
//! What it is at any time, and what happens when time passes. Bytes that come are for `typing`, commands for
//! `commands`, `sending`, `storage`, `card` and `network`; restarts and hangs for `power`.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use super::agenda::{Agenda, Event};
use super::call::Voice;
use super::card::Card;
use super::commands::Reply;
use super::family::Nature;
use super::network::Post;
use super::people::People;
use super::phone::Phones;
use super::power::Power;
use super::reports::Report;
use super::setup::{Setup, Volatile};
use super::step::{Armed, Out, Step};
use super::storage::Stored;
use super::tpdu::Submit;

/// What the bytes that come are taken for.
#[derive(Debug)]
pub(super) enum Mode {
    Command,
    /// A PDU is expected.
    Pdu(Pdu),
}

/// A PDU under way.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent oddities of a prompt, not one state")]
pub(super) struct Pdu {
    /// Octets without the service centre, as `AT+CMGS` said.
    pub(super) length: usize,
    /// The prompt was given: without it, whatever comes is lost until ESC.
    pub(super) prompted: bool,
    /// Whatever comes is lost until ESC.
    pub(super) deaf: bool,
    /// Somebody else began it.
    pub(super) foreign: bool,
    /// ESC means nothing here.
    pub(super) no_esc: bool,
    pub(super) buffer: Vec<u8>,
}

/// What comes after a step.
#[derive(Debug)]
pub(super) enum Next {
    /// The byte that came.
    Byte(u8),
    Run(String),
    Answer(Reply),
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

impl Waiting {
    /// The client has more to write here.
    pub(super) const fn takes_bytes(&self) -> bool {
        matches!(self.next, Next::Collect | Next::Byte(_))
    }
}

/// The modem.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) setup: Setup,
    pub(super) nature: &'static Nature,
    pub(super) volatile: Volatile,
    pub(super) power: Power,
    pub(super) card: Card,
    /// `<stat>` of `AT+CREG` that the network gives.
    pub(super) network: u8,
    /// It looks for the network until then.
    pub(super) attached_at: Duration,
    pub(super) signal: u8,
    pub(super) centre: String,
    pub(super) stored: Vec<Stored>,
    pub(super) deleted: Vec<Stored>,
    /// Memories that were listed in full since something came into them.
    pub(super) listed: Vec<String>,
    pub(super) post: Post,
    pub(super) voice: Voice,
    /// What was handed over and not acknowledged yet.
    pub(super) owed: u8,
    pub(super) phones: Phones,
    pub(super) people: People,
    pub(super) reports: Vec<Report>,
    pub(super) reference: u8,
    pub(super) mode: Mode,
    pub(super) now: Duration,
    /// Until then it says "please wait".
    pub(super) wait_until: Duration,
    /// The command that runs, or ran last.
    pub(super) current: String,
    pub(super) commands: Vec<String>,
    pub(super) violations: Vec<String>,
    pub(super) factory_resets: u32,
    epoch: Timestamp,
    pub(super) line: Vec<u8>,
    pub(super) input: VecDeque<u8>,
    pub(super) out: Vec<Out>,
    unsolicited: VecDeque<String>,
    pub(super) agenda: Agenda,
    pub(super) waiting: Option<Waiting>,
    pub(super) armed: Vec<Armed>,
    pub(super) last_id: u64,
    /// A final result or a prompt went out since the last bytes came.
    pub(super) spoke: bool,
    pub(super) rng: Option<fastrand::Rng>,
}

impl Machine {
    pub(super) fn new(setup: Setup, epoch: Timestamp) -> Self {
        let mut machine = Self {
            nature: setup.nature(),
            volatile: Volatile::new(&setup),
            power: Power::default(),
            card: Card::new(&setup),
            network: 1,
            attached_at: Duration::ZERO,
            signal: 20,
            centre: setup.centre.clone(),
            stored: Vec::new(),
            deleted: Vec::new(),
            listed: Vec::new(),
            post: Post::default(),
            voice: Voice::default(),
            owed: 0,
            phones: Phones::default(),
            people: People::default(),
            reports: Vec::new(),
            reference: setup.reference,
            mode: Mode::Command,
            now: Duration::ZERO,
            wait_until: Duration::ZERO,
            current: String::new(),
            commands: Vec::new(),
            violations: Vec::new(),
            factory_resets: 0,
            epoch,
            line: Vec::new(),
            input: VecDeque::new(),
            out: Vec::new(),
            unsolicited: VecDeque::new(),
            agenda: Agenda::default(),
            waiting: None,
            armed: Vec::new(),
            last_id: 0,
            spoke: false,
            rng: setup.chatter.map(fastrand::Rng::with_seed),
            setup,
        };
        machine.begin_habits(Duration::ZERO);
        if let Some(stuck) = machine.setup.prompt {
            machine.stick(stuck);
        }
        machine
    }

    /// The time of day.
    pub(super) fn clock(&self) -> Timestamp {
        self.epoch.checked_add(self.now).unwrap_or(self.epoch)
    }

    pub(super) fn go(&mut self, next: Next) {
        match next {
            Next::Byte(byte) => self.command_byte(byte),
            Next::Run(line) => self.run(&line),
            Next::Answer(reply) => self.answer(reply),
            Next::Collect => {}
            Next::Accept(part) => self.accept(part),
            Next::Confirm(reference) => {
                self.say(&format!("+CMGS: {reference}"));
                self.pass(Step::Referenced, Next::Finish);
            }
            Next::Finish => {
                self.finish("OK");
                self.wait_until = self.now.saturating_add(self.setup.please_wait);
            }
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
        while let Some(event) = self.agenda.take_due(self.now) {
            self.happen(event);
        }
        if matches!(self.mode, Mode::Command) {
            self.report_due();
            while let Some(line) = self.unsolicited.pop_front() {
                self.say(&line);
            }
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Line(line) => self.announce(line),
            Event::Habit { every, line } => {
                self.agenda.add(self.now.saturating_add(every), Event::Habit { every, line });
                if !self.volatile.quiet || line.starts_with("^BOOT") {
                    self.announce(line.to_owned());
                }
            }
            Event::Storm { every, until, nth } => self.storm(every, until, nth),
            Event::Returns => self.return_port(),
            Event::Awake => self.let_in(),
            Event::Registered => {
                self.tell_registration();
                self.let_in();
            }
            Event::Unacknowledged => self.unacknowledged(),
            Event::Call { nth, line } => self.tell_call(nth, line),
            Event::Answer(inbound) => self.text_in(&inbound),
        }
    }

    /// When [`Machine::tick`] has something to do next.
    pub(super) fn due(&self) -> Option<Duration> {
        let late = self.waiting.as_ref().and_then(|waiting| waiting.until);
        [late, self.next_report(), self.agenda.next()].into_iter().flatten().min()
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

    /// Lines that were still to come never do.
    pub(super) fn forget_lines(&mut self) {
        self.unsolicited.clear();
    }

    pub(super) fn say(&mut self, line: &str) {
        self.bytes(format!("\r\n{line}\r\n").as_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let Some(bytes) = self.on_the_wire(bytes) else { return };
        match self.out.last_mut() {
            Some(Out::Bytes(last)) => last.extend_from_slice(&bytes),
            _ => self.out.push(Out::Bytes(bytes)),
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
        self.mode = Mode::Pdu(Pdu { length, prompted: true, ..Pdu::default() });
        self.bytes(self.nature.prompt.as_bytes());
        self.spoke = true;
        self.pass(Step::Prompted, Next::Collect);
    }
}
