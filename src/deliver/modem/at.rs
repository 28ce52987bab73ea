//! What a modem says, line by line: bytes in, [`Heard`] out. Pure.
//!
//! Called by `line` with whatever the port gave. Echo is marked, prompts are recognised at the start of a line, headers
//! that announce a PDU swallow exactly the next line, and noise can't grow memory. Results of calls (`NO CARRIER`,
//! `BUSY`) are ordinary lines: unless `ring` has dialled, they are about somebody who rang the SIM, not about our command.
//! Rules: ITU-T V.250 clause 5.7, 3GPP TS 27.005 clauses 3.4 and 3.5, TS 27.007 clause 9; oddities of real modems beside them.

use std::collections::VecDeque;

/// No answer of a modem is longer; what goes on is noise of a wrong baud rate (a full PDU is 352 digits).
const MAX_LINE: usize = 4096;

/// The headers whose next line is a PDU, whatever it looks like (TS 27.005, 3.4.1 and 3.4.2).
const ANNOUNCE_PDU: [&str; 5] = ["+CMT:", "+CDS:", "+CBM:", "+CMGR:", "+CMGL:"];

/// The end of a command's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Final {
    /// Done.
    Ok,
    /// Refused without a number.
    Error,
    /// Refused by the equipment or the SIM (TS 27.007, 9.2).
    Cme(u16),
    /// Refused by the message service (TS 27.005, 3.2.5).
    Cms(u16),
}

/// One thing a modem said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A command ended.
    Final(Final),
    /// It waits for a PDU.
    Prompt,
    /// It repeats what we sent: after `ATE0` the mark of a restart.
    Echo,
    /// A header and the PDU that it announced.
    Pdu {
        /// The header line.
        head: String,
        /// The line after it.
        pdu: String,
    },
    /// Any other line: information for the command that asked, or unsolicited.
    Line(String),
}

/// Cuts the byte stream into lines.
#[derive(Debug, Default)]
pub struct Lines {
    partial: String,
    overlong: bool,
    head: Option<String>,
    pdu_sent: Option<String>,
}

impl Lines {
    /// The PDU that goes out now: a line equal to it is its echo.
    pub fn expect_echo_of(&mut self, pdu: &str) {
        self.pdu_sent = Some(pdu.to_owned());
    }

    /// Takes bytes as they came; bytes that are neither printable ASCII nor a line end are dropped.
    pub fn push(&mut self, bytes: &[u8], heard: &mut VecDeque<Heard>) {
        for byte in bytes {
            match byte {
                b'\r' | b'\n' => self.end_line(heard),
                b' ' if self.partial.is_empty() => {}
                // No line starts with it, so it needs no line end: the modem sends none.
                b'>' if self.partial.is_empty() && self.head.is_none() => heard.push_back(Heard::Prompt),
                b' '..=b'~' if self.partial.len() < MAX_LINE => self.partial.push(char::from(*byte)),
                b' '..=b'~' => self.overlong = true,
                _ => {}
            }
        }
    }

    fn end_line(&mut self, heard: &mut VecDeque<Heard>) {
        let line = std::mem::take(&mut self.partial);
        let line = line.trim_end();
        if std::mem::take(&mut self.overlong) || line.is_empty() {
            return;
        }
        if let Some(head) = self.head.take() {
            heard.push_back(Heard::Pdu { head, pdu: line.to_owned() });
        } else if ANNOUNCE_PDU.iter().any(|header| line.starts_with(header)) {
            self.head = Some(line.to_owned());
        } else {
            heard.push_back(self.classify(line));
        }
    }

    fn classify(&self, line: &str) -> Heard {
        // No answer starts with `AT`: such a line is a command of ours come back.
        if line.starts_with("AT") || self.pdu_sent.as_deref() == Some(line) {
            return Heard::Echo;
        }
        match line {
            "OK" => Heard::Final(Final::Ok),
            // The last two are Huawei's and SIMCom's ways to refuse a command they don't know.
            "ERROR" | "COMMAND NOT SUPPORT" | "TOO MANY PARAMETERS" => Heard::Final(Final::Error),
            _ => refusal(line).map_or_else(|| Heard::Line(line.to_owned()), Heard::Final),
        }
    }
}

/// A refusal with a number; with words instead (`+CMEE=2`) it is one without.
fn refusal(line: &str) -> Option<Final> {
    let (number, kind): (&str, fn(u16) -> Final) = match line.strip_prefix("+CME ERROR:") {
        Some(number) => (number, Final::Cme),
        None => (line.strip_prefix("+CMS ERROR:")?, Final::Cms),
    };
    Some(number.trim().parse().map_or(Final::Error, kind))
}

/// The fields behind `prefix`, without quotes: `+CREG: 0,1` is `["0", "1"]`.
pub(super) fn fields<'a>(line: &'a str, prefix: &str) -> Option<Vec<&'a str>> {
    let rest = line.strip_prefix(prefix)?;
    Some(rest.split(',').map(|field| field.trim().trim_matches('"')).collect())
}

/// Whether a line may be an answer without a prefix. Names of firmware look like anything; what is said unasked doesn't.
pub(super) fn is_plain(line: &str) -> bool {
    const UNASKED: [&str; 14] = [
        "RING",
        "RDY",
        "NO CARRIER",
        "BUSY",
        "NO ANSWER",
        "NO DIALTONE",
        "SMS Ready",
        "SMS DONE",
        "Call Ready",
        "PB DONE",
        "DST:",
        "UNDER-VOLTAGE",
        "OVER-VOLTAGE",
        "NORMAL POWER DOWN",
    ];
    !line.starts_with(['+', '^', '*', '%', '$', '!']) && !UNASKED.iter().any(|known| line.starts_with(known))
}

/// Lines after which every volatile setting (echo, numbers for errors, PDU mode, reports) may be gone.
pub(super) fn suggests_restart(line: &str) -> bool {
    matches!(line, "RDY" | "+CFUN: 1" | "SMS DONE" | "+QIND: SMS DONE") || is_huawei_boot(line)
}

/// Huawei's boot burst; some sticks repeat it every 30 seconds for ever without having restarted.
pub(super) fn is_huawei_boot(line: &str) -> bool {
    line.starts_with("^BOOT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(text: &str) -> Vec<Heard> {
        let mut heard = VecDeque::new();
        let mut lines = Lines::default();
        lines.expect_echo_of("0011000B");
        lines.push(text.as_bytes(), &mut heard);
        let whole: Vec<Heard> = heard.into();
        let mut by_byte = VecDeque::new();
        let mut lines = Lines::default();
        lines.expect_echo_of("0011000B");
        text.bytes().for_each(|byte| lines.push(&[byte], &mut by_byte));
        assert_eq!(whole, Vec::from(by_byte), "{text:?} in one piece and byte by byte");
        whole
    }

    fn line(text: &str) -> Heard {
        Heard::Line(text.to_owned())
    }

    #[test]
    fn what_modems_say() {
        let ok = || Heard::Final(Final::Ok);
        let cds = |pdu: &str| Heard::Pdu { head: "+CDS: 25".into(), pdu: pdu.into() };
        for (name, said, want) in [
            ("plain", "\r\nOK\r\n", vec![ok()]),
            ("echo glued to the answer", "AT\r\r\nOK\r\n", vec![Heard::Echo, ok()]),
            ("doubled carriage returns, trailing blanks", "&C\r\r\nOK  \r\r\n", vec![line("&C"), ok()]),
            ("prompt", "\r\n> ", vec![Heard::Prompt]),
            ("bare prompt after an unsolicited line", "\r\n+CREG: 5\r\n>", vec![line("+CREG: 5"), Heard::Prompt]),
            ("echo of a PDU after the prompt", "> 0011000B\x1a\r\n", vec![Heard::Prompt, Heard::Echo]),
            (
                "errors",
                "\r\n+CMS ERROR: 38\r\n\r\n+CME ERROR:10\r\n",
                vec![Heard::Final(Final::Cms(38)), Heard::Final(Final::Cme(10))],
            ),
            ("errors in words", "+CME ERROR: SIM not inserted\r\n", vec![Heard::Final(Final::Error)]),
            (
                "unknown command",
                "COMMAND NOT SUPPORT\r\nTOO MANY PARAMETERS\r\nERROR\r\n",
                vec![Heard::Final(Final::Error); 3],
            ),
            ("a call that ended is no answer", "\r\nNO CARRIER\r\nOK\r\n", vec![line("NO CARRIER"), ok()]),
            ("a report and its PDU", "+CDS: 25\r\n0006\r\nOK\r\n", vec![cds("0006"), ok()]),
            (
                "the next line is swallowed whatever it is",
                "+CDS: 25\r\n\r\nOK\r\n+CMGS: 7\r\n",
                vec![cds("OK"), line("+CMGS: 7")],
            ),
            ("a stored report has no PDU line", "+CDSI: \"SR\",3\r\nOK\r\n", vec![line("+CDSI: \"SR\",3"), ok()]),
            ("noise", "\0\u{7f}\u{80}O\x07K\r\n", vec![ok()]),
        ] {
            assert_eq!(hear(said), want, "{name}");
        }
    }

    #[test]
    fn an_endless_line_is_dropped() {
        let noise = "x".repeat(3 * MAX_LINE);
        assert_eq!(hear(&format!("{noise}\r\nOK\r\n")), vec![Heard::Final(Final::Ok)]);
    }

    #[test]
    fn ten_thousand_lines_of_noise_are_harmless() {
        let mut random = fastrand::Rng::with_seed(0xA7);
        let (mut lines, mut heard) = (Lines::default(), VecDeque::new());
        for _ in 0..10_000 {
            let bytes: Vec<u8> = (0..random.usize(..80)).map(|_| random.u8(..)).collect();
            lines.push(&bytes, &mut heard);
            heard.clear();
        }
        assert!(lines.partial.len() <= MAX_LINE);
        lines.push(b"\r\n-\r\nOK\r\n", &mut heard);
        assert!(heard.contains(&Heard::Final(Final::Ok)), "the line after the noise is heard");
    }

    #[test]
    fn fields_lose_blanks_and_quotes() {
        assert_eq!(fields("+CSCA: \"+12085551000\",145", "+CSCA:"), Some(vec!["+12085551000", "145"]));
        assert_eq!(fields("+CSQ: 21,99", "+CREG:"), None);
    }
}
