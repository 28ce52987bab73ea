//! What a modem says unasked: reports, restarts, changes of the network, late verdicts.
//!
//! Called by `line` for everything that doesn't belong to the command under way. Reports, and texts that were not stored,
//! go into the traffic at once; all else is a note for the task, which acts when no command is outstanding.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, info};

use super::at::{self, Heard};
use super::inbox::{self, Read};
use super::submit;
use super::traffic::SharedTraffic;
use crate::model::{Fact, Timestamp};

/// Texts and reports that wait in the modem's memory to be read; more are found when its memory is looked through.
const MAX_STORED: usize = 64;
/// Some Huawei sticks say `^BOOT` every 30 seconds for ever; one that was silent for this long has restarted.
const BOOT_HABIT: Duration = Duration::from_mins(2);

/// Notes for the task.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent notes, each taken by itself; not one state")]
pub(super) struct Overheard {
    traffic: SharedTraffic,
    restarted: bool,
    network_changed: bool,
    echo: bool,
    prompt: bool,
    late_end: bool,
    sim_changed: bool,
    storage_full: bool,
    weak: bool,
    stored: VecDeque<Place>,
    last_boot: Option<Instant>,
}

impl Overheard {
    pub(super) const fn new(traffic: SharedTraffic) -> Self {
        Self {
            traffic,
            restarted: false,
            network_changed: false,
            echo: false,
            prompt: false,
            late_end: false,
            sim_changed: false,
            storage_full: false,
            weak: false,
            stored: VecDeque::new(),
            last_boot: None,
        }
    }

    /// Takes one thing that nobody asked for.
    pub(super) fn note(&mut self, heard: &Heard) {
        match heard {
            Heard::Line(line) => self.note_line(line),
            Heard::Echo => self.echo = true,
            // A flash text comes straight to us even from a modem that stores the others.
            Heard::Pdu { head, pdu } if head.starts_with("+CDS:") || head.starts_with("+CMT:") => self.note_pdu(pdu),
            Heard::Pdu { head, .. } => debug!(head, "nothing for us"),
            Heard::Prompt => self.prompt = true,
            Heard::Final(_) => self.late_end = true,
        }
    }

    /// Takes a PDU that the modem announced or had stored.
    pub(super) fn note_pdu(&self, hex: &str) {
        let now = Timestamp::now();
        match inbox::read(hex, now) {
            Read::Report(report) => {
                info!(reference = report.reference, fate = report.fate().name(), "status report");
                self.traffic.with(|traffic| traffic.hear(&report, hex, now));
            }
            Read::Text(text) => {
                info!(number = text.number, "a text came in");
                self.traffic.with(|traffic| traffic.note(Fact::Inbound(text)));
            }
            Read::Own => debug!(hex, "a text that somebody stored for sending"),
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
            self.traffic.with(|traffic| traffic.late_reference(reference, Timestamp::now()));
        } else if let Some(place) = stored(line) {
            if self.stored.len() < MAX_STORED {
                self.stored.push_back(place);
            }
        } else if line.starts_with("+CPIN:") && !line.ends_with("READY") || line.ends_with("NOT READY") {
            self.sim_changed = true;
        } else if ["^SMMEMFULL", "+SMMEMFULL", "+QIND: \"SMSFULL\""].iter().any(|known| line.starts_with(known)) {
            self.storage_full = true;
        } else if line.starts_with("UNDER-VOLTAGE") {
            self.weak = true;
        }
    }

    /// Whether the modem restarted and nothing was done about it yet.
    pub(super) const fn has_restarted(&self) -> bool {
        self.restarted
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

    /// Whether the SIM was taken out or locked itself since this was asked last.
    pub(super) fn take_sim_changed(&mut self) -> bool {
        std::mem::take(&mut self.sim_changed)
    }

    /// Whether the modem said that it can store no more texts since this was asked last.
    pub(super) fn take_storage_full(&mut self) -> bool {
        std::mem::take(&mut self.storage_full)
    }

    /// Whether the modem complained of its supply since this was asked last.
    pub(super) fn take_weak(&mut self) -> bool {
        std::mem::take(&mut self.weak)
    }

    /// Where the next text or report lies that was stored.
    pub(super) fn take_stored(&mut self) -> Option<Place> {
        self.stored.pop_front()
    }
}

/// A place in one of the modem's memories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) memory: String,
    pub(super) index: u16,
}

/// The place in `+CDSI: "SR",8` or `+CMTI: "SM",3`.
fn stored(line: &str) -> Option<Place> {
    let fields = at::fields(line, "+CMTI:").or_else(|| at::fields(line, "+CDSI:"))?;
    let [memory, index, ..] = fields.as_slice() else { return None };
    // It goes into a command: nothing but the two letters of a memory.
    let plain = memory.len() == 2 && memory.bytes().all(|b| b.is_ascii_uppercase());
    plain.then_some(())?;
    Some(Place { memory: (*memory).to_owned(), index: index.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_boot_line_that_keeps_coming_is_a_habit() {
        let mut overheard = Overheard::new(SharedTraffic::default());
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
            ("+CDSI: \"SR\",8", false, false, Some(("SR", 8))),
            ("+CMTI: \"SM\",3", false, false, Some(("SM", 3))),
            ("+CMTI: \"SM\\rAT&F\",3", false, false, None),
            ("^RSSI:17", false, false, None),
        ] {
            let mut overheard = Overheard::new(SharedTraffic::default());
            overheard.note(&Heard::Line(line.into()));
            let place = overheard.take_stored();
            let place = place.as_ref().map(|place| (place.memory.as_str(), place.index));
            let noted = (overheard.take_restarted(), overheard.take_network_changed(), place);
            assert_eq!(noted, (restarted, network, stored), "{line}");
        }
    }
}
