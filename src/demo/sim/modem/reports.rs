//! Status reports: what the network tells of each part, and how the modem hands it over (3GPP TS 27.005, clause 3.4).

use std::time::Duration;

use jiff::Timestamp;

use super::machine::{Machine, Mode};
use super::storage::Stored;
use super::tpdu::{self, Submit};

/// How the network reports on parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reports {
    /// What they say, one after the other (TP-ST; 0 is delivered). Empty: this network sends none.
    pub statuses: Vec<u8>,
    /// When, counted from the network's taking the part, or from the report before.
    pub delay: Duration,
    /// How often each comes.
    pub times: u8,
    /// The first comes before the modem says that the part was taken.
    pub early: bool,
    /// They name the recipient in national form.
    pub national: bool,
    /// Octets follow the status, as the specification allows.
    pub trailing: bool,
}

impl Default for Reports {
    fn default() -> Self {
        Self {
            statuses: vec![0],
            delay: Duration::from_millis(100),
            times: 1,
            early: false,
            national: false,
            trailing: false,
        }
    }
}

/// A status report on its way.
#[derive(Debug)]
pub(super) struct Report {
    due: Duration,
    reference: u8,
    address: Vec<u8>,
    sent: Timestamp,
    status: u8,
}

impl Machine {
    /// The network took a part and will report on it, if it was asked to.
    pub(super) fn expect_reports(&mut self, part: &Submit, sent: Timestamp) {
        if !part.report {
            return;
        }
        let style = self.setup.reports.clone();
        let address = if style.national { national(&part.address, &part.to) } else { part.address.clone() };
        let mut due = self.now;
        for (nth, status) in style.statuses.iter().enumerate() {
            let wait = if nth == 0 && style.early { Duration::ZERO } else { style.delay };
            due = due.saturating_add(wait);
            for _ in 0..style.times {
                let (reference, address, status) = (self.reference, address.clone(), *status);
                self.reports.push(Report { due, reference, address, sent, status });
            }
        }
        if style.early {
            self.report_due();
        }
    }

    /// When the next report can be handed over.
    pub(super) fn next_report(&self) -> Option<Duration> {
        let next = self.reports.iter().map(|report| report.due).min();
        next.filter(|_| matches!(self.mode, Mode::Command) && self.is_on_air())
    }

    /// Hands over the reports whose time has come, as `<ds>` of `AT+CNMI` says. The network keeps them for a modem
    /// that isn't there.
    pub(super) fn report_due(&mut self) {
        if !self.is_on_air() {
            return;
        }
        let now = self.now;
        for report in self.reports.extract_if(.., |report| report.due <= now).collect::<Vec<_>>() {
            let (length, pdu) =
                tpdu::report(report.reference, &report.address, report.sent, self.clock(), report.status);
            let (length, pdu) = if self.setup.reports.trailing {
                (length.saturating_add(3), format!("{pdu}00FFFF"))
            } else {
                (length, pdu)
            };
            match self.volatile.indications {
                [_, _, _, 1, _] => self.hand_over(&format!("+CDS: {length}\r\n{pdu}")),
                [_, _, _, 2, _] => {
                    if let Some(index) = self.store(Stored::new("SR", 0, length, &pdu)) {
                        self.say(&format!("+CDSI: \"SR\",{index}"));
                    }
                }
                _ => {}
            }
        }
    }
}

/// A recipient's octets without the country code: how many networks repeat them.
fn national(address: &[u8], to: &str) -> Vec<u8> {
    let Some(digits) = to.strip_prefix('+') else { return address.to_vec() };
    let digits = match digits.strip_prefix('1') {
        Some(rest) => rest.to_owned(),
        None => format!("0{}", digits.chars().skip(2).collect::<String>()),
    };
    let digits: Vec<u8> = digits.bytes().map(|digit| digit & 0x0F).collect();
    let length = u8::try_from(digits.len()).unwrap_or(u8::MAX);
    let packed = digits.chunks(2).map(|pair| match pair {
        [low, high] => high.wrapping_shl(4) | low,
        [low] => 0xF0 | low,
        _ => 0xFF,
    });
    [length, 0xA1].into_iter().chain(packed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_without_their_country() {
        for (to, want) in [
            ("+15551234567", &[10, 0xA1, 0x55, 0x15, 0x32, 0x54, 0x76][..]),
            ("+447700900123", &[11, 0xA1, 0x70, 0x07, 0x90, 0x00, 0x21, 0xF3]),
            ("12345", &[1, 2]),
        ] {
            assert_eq!(national(&[1, 2], to), want, "{to}");
        }
    }
}
