//! Bytes from the client: the line discipline (ITU-T V.250; 3GPP TS 27.005, clause 4.3).
//!
//! One command at a time, the PDU only after the prompt, Ctrl-Z or ESC to end it. A client that doesn't is recorded,
//! and what it sent too early is lost, as on the real thing.

use std::time::Duration;

use super::machine::{Machine, Mode, Next, Pdu, Waiting};
use super::setup::Stuck;
use super::step::Step;

pub(super) const ESC: u8 = 0x1B;
const CTRL_Z: u8 = 0x1A;
/// A line longer than this is noise.
const MAX_LINE: usize = 4096;
/// What somebody else had typed when they left.
const LEFT_BEHIND: &[u8] = b"0021000B9151";

impl Machine {
    /// Takes what has come from the client in one piece.
    pub(super) fn feed(&mut self, bytes: &[u8], now: Duration) {
        self.tick(now);
        let Some(bytes) = self.heard(bytes) else { return };
        self.spoke = false;
        let early = self.waiting.as_ref().is_some_and(|waiting| !waiting.takes_bytes());
        // An ESC says that the client has given up on the command; then it may go on.
        if early && bytes.first() != Some(&ESC) && !self.input.contains(&ESC) {
            self.input.extend(bytes);
            return self.too_early();
        }
        self.input.extend(bytes);
        self.work(true);
    }

    fn too_early(&mut self) {
        let input: Vec<u8> = self.input.drain(..).collect();
        let bytes = String::from_utf8_lossy(&input);
        self.violations.push(format!("bytes before the modem had answered {}: {bytes:?}", self.current));
    }

    /// Works off what has come. `strict`: it came in one piece, so its end can't have waited for what we say.
    pub(super) fn work(&mut self, strict: bool) {
        while self.waiting.is_none()
            && self.is_awake()
            && let Some(byte) = self.input.pop_front()
        {
            if strict && self.spoke && !matches!(byte, ESC | b'\n') {
                self.input.push_front(byte);
                return self.too_early();
            }
            self.byte(byte);
            // Whoever gave up on a command, or came after a client that died in the middle of it, waited for nothing.
            self.spoke &= byte != ESC;
        }
        let collects = self.waiting.as_ref().is_none_or(Waiting::takes_bytes);
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
            Mode::Command if self.line.is_empty() && !matches!(byte, ESC | b'\r' | b'\n') => {
                self.pass(Step::FirstByte, Next::Byte(byte));
            }
            Mode::Command => self.command_byte(byte),
            Mode::Pdu(pdu) if byte == ESC && !pdu.no_esc => {
                // No answer to wait for: a client that recovers sends ESC and its probe in one piece.
                self.mode = Mode::Command;
                self.say("OK");
            }
            Mode::Pdu(Pdu { prompted: false, .. }) => {
                let violation = "bytes where the prompt should have come first".to_owned();
                if self.violations.last() != Some(&violation) {
                    self.violations.push(violation);
                }
            }
            Mode::Pdu(Pdu { deaf: true, .. }) => {}
            Mode::Pdu(pdu) if byte == CTRL_Z => {
                let (length, line) = (pdu.length, String::from_utf8_lossy(&pdu.buffer).into_owned());
                let foreign = pdu.foreign;
                self.submit(length, &line, foreign);
            }
            Mode::Pdu(pdu) if pdu.foreign && byte == b'\r' => {
                if self.volatile.echo {
                    self.bytes(b"\r");
                }
                self.bytes(b"\r\n> ");
            }
            Mode::Pdu(pdu) => {
                pdu.buffer.push(byte);
                let first = pdu.buffer.len() == 1;
                if self.volatile.echo {
                    self.bytes(&[byte]);
                }
                if first {
                    self.pass(Step::PduByte, Next::Collect);
                }
            }
        }
    }

    pub(super) fn command_byte(&mut self, byte: u8) {
        match byte {
            ESC => self.line.clear(),
            CTRL_Z => {}
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
        self.note_command(&line);
        self.pass(Step::Command(""), Next::Run(line));
    }

    /// Keeps the command for whoever asks; not what it says in quotes, nor a PIN.
    pub(super) fn note_command(&mut self, line: &str) {
        let is_pin = line.to_ascii_uppercase().starts_with("AT+CPIN=");
        let shown = if is_pin { "AT+CPIN=***" } else { line };
        let current = if is_pin { "AT+CPIN=" } else { line.split('"').next().unwrap_or_default() };
        current.clone_into(&mut self.current);
        self.commands.push(shown.to_owned());
    }

    /// Somebody else leaves in the middle of a PDU.
    pub(super) fn stick(&mut self, prompt: Stuck) {
        self.mode = Mode::Pdu(Pdu {
            length: 19,
            prompted: true,
            foreign: true,
            no_esc: prompt == Stuck::CtrlZ,
            buffer: LEFT_BEHIND.to_vec(),
            ..Pdu::default()
        });
    }
}
