//! One `AT+CMGS` exchange: command, prompt, PDU, verdict (3GPP TS 27.005, clause 4.3). Pure: every odd modem is a row of a test.
//!
//! Driven by `line`. What it must get right: nothing is written before the prompt, and whether the PDU left the box is
//! known at every end, because then the network may have the text whatever the modem says.

use super::at::{Final, Heard, fields};

/// Ctrl-Z ends the PDU.
const CTRL_Z: char = '\u{1a}';

/// What the exchange waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Submit {
    /// The prompt: the command is out.
    Prompt {
        /// What follows the prompt.
        pdu: String,
        /// Echo was off, so that hearing one means that the modem restarted and may be in text mode.
        echo_is_off: bool,
    },
    /// The verdict: the PDU is out.
    Verdict,
    /// The modem's `OK`: the network took it.
    Ok {
        /// The reference that it gave, if it was a number.
        reference: Option<u8>,
    },
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// Write this and listen on.
    Write(String),
    /// Go on listening.
    Listen,
    /// It is over.
    End(Verdict),
}

/// The message reference of a text that the network took, if the modem gave a number; or why it was not taken.
pub(super) type Verdict = Result<Option<u8>, Stop>;

/// How an exchange ended without the network taking the text, as far as we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The modem said no.
    Refused {
        /// How.
        by: Final,
        /// Whether the PDU had been written.
        pdu_sent: bool,
    },
    /// The deadline passed.
    Silent {
        /// Whether the PDU had been written.
        pdu_sent: bool,
    },
    /// The modem restarted in the middle.
    Restarted {
        /// Whether the PDU had been written.
        pdu_sent: bool,
    },
}

impl Submit {
    /// Takes one thing heard, or `None` when the deadline passed.
    pub(super) fn on(&mut self, heard: Option<&Heard>) -> Act {
        let pdu_sent = !matches!(self, Self::Prompt { .. });
        match (&mut *self, heard) {
            (Self::Prompt { pdu, .. }, Some(Heard::Prompt)) => {
                let text = format!("{pdu}{CTRL_Z}");
                *self = Self::Verdict;
                Act::Write(text)
            }
            (Self::Prompt { echo_is_off: true, .. }, Some(Heard::Echo)) => Act::End(Err(Stop::Restarted { pdu_sent })),
            (Self::Verdict, Some(Heard::Line(line))) if line.starts_with("+CMGS:") => {
                *self = Self::Ok { reference: reference(line) };
                Act::Listen
            }
            // The reference is the network's word; neither an error nor silence after it takes that back.
            (Self::Ok { reference }, Some(Heard::Final(_)) | None) => Act::End(Ok(*reference)),
            // An OK without a reference is the late end of something else: the verdict is still to come.
            (Self::Prompt { .. } | Self::Verdict, Some(Heard::Final(Final::Ok))) => Act::Listen,
            (_, Some(Heard::Final(by))) => Act::End(Err(Stop::Refused { by: *by, pdu_sent })),
            (Self::Prompt { .. } | Self::Verdict, Some(Heard::Line(line))) if line == "RDY" => {
                Act::End(Err(Stop::Restarted { pdu_sent }))
            }
            (Self::Prompt { .. } | Self::Verdict, None) => Act::End(Err(Stop::Silent { pdu_sent })),
            (_, Some(Heard::Prompt | Heard::Echo | Heard::Line(_) | Heard::Pdu { .. })) => Act::Listen,
        }
    }

    /// Whether this line is the exchange's own, and not unsolicited.
    pub(super) fn owns(heard: &Heard) -> bool {
        match heard {
            Heard::Final(_) | Heard::Prompt | Heard::Echo => true,
            Heard::Line(line) => line.starts_with("+CMGS:"),
            Heard::Pdu { .. } => false,
        }
    }
}

/// The number in `+CMGS: 71` or `+CMGS: 71,"…"`.
pub(super) fn reference(line: &str) -> Option<u8> {
    fields(line, "+CMGS:")?.first()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::super::at::Lines;
    use super::*;

    /// Plays what the modem says (`…` is silence) and returns how it ended and how many times the PDU was written.
    fn play(said: &str, echo_is_off: bool) -> (Option<Verdict>, usize) {
        let (mut lines, mut heard) = (Lines::default(), VecDeque::new());
        lines.expect_echo_of("0011");
        let mut exchange = Submit::Prompt { pdu: "0011".into(), echo_is_off };
        let mut written = Vec::new();
        for piece in said.split('|') {
            let events: Vec<Option<Heard>> = if piece == "…" {
                vec![None]
            } else {
                let text = if piece == ">" { "> ".to_owned() } else { format!("\r\n{piece}\r\n") };
                lines.push(text.as_bytes(), &mut heard);
                heard.drain(..).map(Some).collect()
            };
            for event in events {
                match exchange.on(event.as_ref()) {
                    Act::Write(text) => {
                        assert_eq!(text, "0011\x1a");
                        written.push(text);
                    }
                    Act::Listen => {}
                    Act::End(end) => return (Some(end), written.len()),
                }
            }
        }
        (None, written.len())
    }

    #[test]
    fn every_way_an_exchange_ends() {
        let sent = |reference| Ok(Some(reference));
        let refused = |by, pdu_sent| Err(Stop::Refused { by, pdu_sent });
        for (name, said, want, written) in [
            ("plain", ">|+CMGS: 71|OK", sent(71), 1),
            ("unsolicited line before the prompt", "+CMTI: \"SM\",1|>|+CMGS: 7|OK", sent(7), 1),
            ("unsolicited line between prompt and PDU", ">|^RSSI:17|+CMGS: 7|OK", sent(7), 1),
            ("unsolicited line between reference and OK", ">|+CMGS: 12|+CREG: 5|OK", sent(12), 1),
            ("report before the reference", ">|+CDS: 25|07912180|+CMGS: 12|OK", sent(12), 1),
            ("reference with more behind it", ">|+CMGS: 9,\"26/11/22\"|OK", sent(9), 1),
            ("OK never comes", ">|+CMGS: 12|…", sent(12), 1),
            ("error after the reference", ">|+CMGS: 12|ERROR", sent(12), 1),
            ("late OK of an earlier command", "OK|>|OK|+CMGS: 3|OK", sent(3), 1),
            ("second prompt is ignored", ">|>|+CMGS: 3|OK", sent(3), 1),
            ("somebody rang the SIM", ">|RING|NO CARRIER|+CMGS: 3|OK", sent(3), 1),
            ("reference out of range", ">|+CMGS: 300|OK", Ok(None), 1),
            ("dead before the prompt", "…", Err(Stop::Silent { pdu_sent: false }), 0),
            ("dead after Ctrl-Z", ">|…", Err(Stop::Silent { pdu_sent: true }), 1),
            ("refused instead of the prompt", "+CMS ERROR: 304", refused(Final::Cms(304), false), 0),
            ("refused by the network", ">|+CMS ERROR: 38", refused(Final::Cms(38), true), 1),
            ("plain ERROR after Ctrl-Z", ">|ERROR", refused(Final::Error, true), 1),
            ("restarted before the prompt", "RDY|>", Err(Stop::Restarted { pdu_sent: false }), 0),
            ("restarted after Ctrl-Z", ">|RDY", Err(Stop::Restarted { pdu_sent: true }), 1),
            ("echo although it was off", "AT+CMGS=1|>", Err(Stop::Restarted { pdu_sent: false }), 0),
        ] {
            assert_eq!(play(said, true), (Some(want), written), "{name}");
        }
        assert_eq!(play("AT+CMGS=1|>|0011|+CMGS: 5|OK", false), (Some(sent(5)), 1), "echo that can't be switched off");
    }
}
