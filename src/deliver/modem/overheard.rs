//! What a modem says unasked: reports, restarts, changes of the network, late verdicts.
//!
//! Called by `line` for everything that doesn't belong to the command under way. Reports go into the ledger at once;
//! all else is a note for the task, which acts when no command is outstanding. Inbound texts are left in the modem.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, info};

use super::at::{self, Heard};
use super::ledger::Ledger;
use super::pdu::{self, Pdu};
use super::submit;
use crate::model::Timestamp;

/// Reports that wait in the modem's memory to be read; more are found by their own announcement again.
const MAX_STORED: usize = 64;
/// Some Huawei sticks say `^BOOT` every 30 seconds for ever; one that was silent for this long has restarted.
const BOOT_HABIT: Duration = Duration::from_mins(2);

/// The ledger, as the task and the handle share it. Locked only for a look or an entry, never across an await.
#[derive(Debug, Clone, Default)]
pub(super) struct SharedLedger(Arc<Mutex<Ledger>>);

impl SharedLedger {
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Ledger) -> T) -> T {
        // A panic while it was held can't leave it half written: every method ends in one push or retain.
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Notes for the task.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent notes, each taken by itself; not one state")]
pub(super) struct Overheard {
    ledger: SharedLedger,
    restarted: bool,
    network_changed: bool,
    echo: bool,
    prompt: bool,
    late_end: bool,
    stored_reports: VecDeque<u16>,
    last_boot: Option<Instant>,
}

impl Overheard {
    pub(super) const fn new(ledger: SharedLedger) -> Self {
        Self {
            ledger,
            restarted: false,
            network_changed: false,
            echo: false,
            prompt: false,
            late_end: false,
            stored_reports: VecDeque::new(),
            last_boot: None,
        }
    }

    /// Takes one thing that nobody asked for.
    pub(super) fn note(&mut self, heard: &Heard) {
        match heard {
            Heard::Line(line) => self.note_line(line),
            Heard::Pdu { head, pdu } if head.starts_with("+CDS:") => self.note_report(pdu),
            Heard::Echo => self.echo = true,
            Heard::Pdu { head, .. } => debug!(head, "left a text that came in to the modem"),
            Heard::Prompt => self.prompt = true,
            Heard::Final(_) => self.late_end = true,
        }
    }

    /// Takes the PDU of a status report, announced or read from memory.
    pub(super) fn note_report(&self, hex: &str) {
        match pdu::decode(hex) {
            Ok(Pdu::Report(report)) => {
                info!(reference = report.reference, fate = report.fate().name(), "status report");
                self.ledger.with(|ledger| ledger.hear(report, Timestamp::now()));
            }
            Ok(Pdu::Deliver(_) | Pdu::Submit(_)) => debug!("announced as a status report, but is none"),
            Err(error) => debug!(%error, hex, "unreadable status report"),
        }
    }

    fn note_line(&mut self, line: &str) {
        if at::is_huawei_boot(line) {
            let habit = self.last_boot.is_some_and(|last| last.elapsed() < BOOT_HABIT);
            self.last_boot = Some(Instant::now());
            self.restarted |= !habit;
        } else if at::suggests_restart(line) {
            self.restarted = true;
        } else if ["+CREG:", "+CEREG:", "+CGREG:"].iter().any(|prefix| line.starts_with(prefix)) {
            self.network_changed = true;
        } else if line.starts_with("+CMGS:") {
            let reference = submit::reference(line);
            self.ledger.with(|ledger| ledger.late_reference(reference, Timestamp::now()));
        } else if let Some(index) = stored_report(line)
            && self.stored_reports.len() < MAX_STORED
        {
            self.stored_reports.push_back(index);
        }
    }

    /// Whether the modem restarted since this was asked last.
    pub(super) fn take_restarted(&mut self) -> bool {
        std::mem::take(&mut self.restarted)
    }

    /// Whether the modem echoed since this was asked last.
    pub(super) fn take_echo(&mut self) -> bool {
        std::mem::take(&mut self.echo)
    }

    /// Whether the modem asked for a PDU out of turn since this was asked last.
    pub(super) fn take_prompt(&mut self) -> bool {
        std::mem::take(&mut self.prompt)
    }

    /// Whether a command that was given up ended after all since this was asked last.
    pub(super) fn take_late_end(&mut self) -> bool {
        std::mem::take(&mut self.late_end)
    }

    /// Whether the network changed since this was asked last.
    pub(super) fn take_network_changed(&mut self) -> bool {
        std::mem::take(&mut self.network_changed)
    }

    /// Where the next stored report lies.
    pub(super) fn take_stored_report(&mut self) -> Option<u16> {
        self.stored_reports.pop_front()
    }
}

/// The index in `+CDSI: "SR",8`.
fn stored_report(line: &str) -> Option<u16> {
    at::fields(line, "+CDSI:")?.get(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_boot_line_that_keeps_coming_is_a_habit() {
        let mut overheard = Overheard::new(SharedLedger::default());
        let boot = Heard::Line("^BOOT:20952548,0,0,0,72".into());
        overheard.note(&boot);
        assert!(overheard.take_restarted());
        for _ in 0..5 {
            tokio::time::advance(Duration::from_secs(30)).await;
            overheard.note(&boot);
            assert!(!overheard.take_restarted());
        }
        tokio::time::advance(Duration::from_mins(3)).await;
        overheard.note(&boot);
        assert!(overheard.take_restarted());
    }

    #[test]
    fn unasked_lines_become_notes() {
        for (line, restarted, network, stored) in [
            ("RDY", true, false, None),
            ("+CFUN: 1", true, false, None),
            ("+QIND: SMS DONE", true, false, None),
            ("SMS Ready", false, false, None),
            ("+CREG: 1", false, true, None),
            ("+CEREG: 5,\"00C3\"", false, true, None),
            ("+CDSI: \"SR\",8", false, false, Some(8)),
            ("+CMTI: \"SM\",8", false, false, None),
            ("^RSSI:17", false, false, None),
        ] {
            let mut overheard = Overheard::new(SharedLedger::default());
            overheard.note(&Heard::Line(line.into()));
            let noted = (overheard.take_restarted(), overheard.take_network_changed(), overheard.take_stored_report());
            assert_eq!(noted, (restarted, network, stored), "{line}");
        }
    }
}
