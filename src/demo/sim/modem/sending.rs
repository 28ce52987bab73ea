//! Sending: from `AT+CMGS=n` to `+CMGS: mr`, and the status report that follows (3GPP TS 27.005, clauses 4.3 and 3.4).

use std::time::Duration;

use jiff::Timestamp;

use super::commands::Stored;
use super::machine::{Machine, Mode, Next};
use super::setup::Lock;
use super::step::Step;
use super::tpdu::{self, Submit};

/// The longest TPDU of an SMS-SUBMIT: 164 octets (TS 23.040, clause 9.2.2.2).
const MAX_TPDU: usize = 164;
/// Invalid PDU mode parameter.
const INVALID_PDU: u16 = 304;

/// A status report on its way.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) due: Duration,
    reference: u8,
    address: Vec<u8>,
    sent: Timestamp,
    status: u8,
}

/// `<stat>` with which short messages can be sent: home, roaming, and the two "SMS only" ones.
const REGISTERED: [u8; 4] = [1, 5, 6, 7];

impl Machine {
    /// Why no short message can be sent or stored now.
    pub(super) fn sim_error(&self) -> Option<u16> {
        match self.lock {
            Lock::Open => None,
            Lock::Pin => Some(311),
            Lock::Puk => Some(316),
        }
    }

    /// `AT+CMGS=n`.
    pub(super) fn start_send(&mut self, argument: &str) {
        let length = argument.parse::<usize>().ok().filter(|length| (1..=MAX_TPDU).contains(length));
        let error = self.sim_error().or((!REGISTERED.contains(&self.network)).then_some(331));
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
    pub(super) fn submit(&mut self, length: usize, line: &str) {
        self.mode = Mode::Command;
        match tpdu::read(line, length) {
            Err(why) => {
                self.violations.push(format!("PDU {line:?} of length {length}: {why}"));
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
        if let Some(status) = self.setup.report_status.filter(|_| part.report) {
            let due = self.now.saturating_add(self.setup.report_delay);
            self.reports.push(Report { due, reference: self.reference, address: part.address.clone(), sent, status });
        }
        self.phones.take(part, self.reference, sent);
        self.pass(Step::Accepted, Next::Confirm(self.reference));
    }

    /// Hands over the reports whose time has come, as `<ds>` of `AT+CNMI` says.
    pub(super) fn report_due(&mut self) {
        let now = self.now;
        for report in self.reports.extract_if(.., |report| report.due <= now).collect::<Vec<_>>() {
            let (length, pdu) =
                tpdu::report(report.reference, &report.address, report.sent, self.clock(), report.status);
            match self.volatile.indications {
                [_, _, _, 1, _] => self.say(&format!("+CDS: {length}\r\n{pdu}")),
                [_, _, _, 2, _] => {
                    let index = self.store(Stored { memory: "SR".to_owned(), index: 0, status: 0, length, pdu });
                    self.say(&format!("+CDSI: \"SR\",{index}"));
                }
                _ => {}
            }
        }
    }
}
