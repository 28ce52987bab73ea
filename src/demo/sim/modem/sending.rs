//! Sending: from `AT+CMGS=n` to `+CMGS: mr` (3GPP TS 27.005, clause 4.3).

use super::machine::{Machine, Mode, Next};
use super::step::Step;
use super::tpdu::{self, Submit};

/// The longest TPDU of an SMS-SUBMIT: 164 octets (TS 23.040, clause 9.2.2.2).
const MAX_TPDU: usize = 164;
/// Invalid PDU mode parameter.
const INVALID_PDU: u16 = 304;

impl Machine {
    /// `AT+CMGS=n`.
    pub(super) fn start_send(&mut self, argument: &str) {
        if self.is_calling() {
            self.violations.push("a text in the middle of a call".to_owned());
        }
        let length = argument.parse::<usize>().ok().filter(|length| (1..=MAX_TPDU).contains(length));
        let error = self.refused_by_sim().or((!self.is_registered()).then_some(331));
        match (error, length) {
            (Some(number), _) => self.finish(&format!("+CMS ERROR: {number}")),
            (None, None) => {
                self.violations.push(format!("AT+CMGS={argument} names no length of a PDU"));
                self.finish(&format!("+CMS ERROR: {INVALID_PDU}"));
            }
            (None, Some(length)) => self.prompt(length),
        }
    }

    /// The PDU and its Ctrl-Z are here.
    pub(super) fn submit(&mut self, length: usize, line: &str, foreign: bool) {
        self.mode = Mode::Command;
        match tpdu::read(line, length) {
            Err(why) => {
                if !foreign {
                    self.violations.push(format!("PDU {line:?} of length {length}: {why}"));
                }
                self.finish(&format!("+CMS ERROR: {INVALID_PDU}"));
            }
            Ok(part) if !part.own_centre && self.centre.is_empty() => self.finish("+CMS ERROR: 330"),
            Ok(part) => self.pass(Step::CtrlZ, Next::Accept(part)),
        }
    }

    /// The network takes the part.
    pub(super) fn accept(&mut self, part: Submit) {
        self.reference = self.reference.wrapping_add(1);
        let sent = self.clock();
        self.expect_reports(&part, sent);
        self.phones.take(part, self.reference, sent);
        self.read_by_people();
        self.pass(Step::Accepted, Next::Confirm(self.reference));
    }
}
