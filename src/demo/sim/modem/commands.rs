//! What the modem answers to each command but the one that sends (3GPP TS 27.007 and TS 27.005; ITU-T V.250).
//!
//! The generic set, of which each family knows its part. Unknown commands are refused as the family does.

use std::time::Duration;

use super::agenda::Event;
use super::family::OPTIONAL;
use super::machine::{Machine, Next};
use super::setup::{Sim, Volatile};
use super::step::{Cure, Step};

/// The SIM's number.
const SIM_NUMBER: &str = "89014103211118510720";
/// Speeds that can be set.
const SPEEDS: [u32; 7] = [9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800];

/// How a command ends, with the lines before that.
#[derive(Debug)]
pub(super) enum Reply {
    Ok(Vec<String>),
    Error,
    Unknown,
    Cme(u16),
    Cms(u16),
}

use Reply::{Cme, Cms, Error, Unknown};

pub(super) fn done() -> Reply {
    Reply::Ok(Vec::new())
}

pub(super) fn line(text: impl Into<String>) -> Reply {
    Reply::Ok(vec![text.into()])
}

/// The numbers and quoted texts of a list of arguments.
pub(super) fn arguments(text: &str) -> Vec<&str> {
    text.split(',').map(|part| part.trim().trim_matches('"')).collect()
}

pub(super) fn numbers(text: &str) -> Option<Vec<u8>> {
    arguments(text).into_iter().map(|part| part.parse().ok()).collect()
}

impl Machine {
    /// Whether this kind of modem has such a command.
    pub(super) fn knows(&self, name: &str) -> bool {
        !OPTIONAL.contains(&name) || self.nature.knows.contains(&name)
    }

    /// Runs one command to its end, or to its prompt.
    pub(super) fn run(&mut self, command: &str) {
        let upper = command.to_ascii_uppercase();
        let waits = self.now < self.wait_until && upper.len() > 4;
        if waits {
            return self.pass(Step::Executed(""), Next::Answer(Cme(515)));
        }
        if let Some(length) = upper.strip_prefix("AT+CMGS=") {
            return self.start_send(length);
        }
        if let Some(number) = command.get(3..).filter(|_| upper.starts_with("ATD")) {
            return self.dial(number);
        }
        let reply = match upper.strip_prefix("AT+") {
            Some(rest) => self.extended(rest),
            None if upper.starts_with("AT^") => self.extended(upper.trim_start_matches("AT")),
            None => self.basic(upper.trim_start_matches("AT")),
        };
        self.pass(Step::Executed(""), Next::Answer(reply));
    }

    /// Writes the answer to a command.
    pub(super) fn answer(&mut self, reply: Reply) {
        let command = self.current.to_ascii_uppercase();
        match reply {
            Reply::Ok(lines) => {
                let end = if self.nature.doubled_returns { "\r\r\n" } else { "\r\n" };
                let ready = lines.first().is_some_and(|line| line == "+CPIN: READY");
                for line in lines {
                    self.bytes(format!("\r\n{line}{end}").as_bytes());
                }
                if self.nature.ok_after_ready || !ready {
                    self.finish("OK");
                }
                if command.starts_with("AT+CPIN=") {
                    self.pin_was_answered();
                }
                if command.starts_with("AT+CFUN=") {
                    self.wait_until = self.now.saturating_add(self.setup.please_wait);
                    if command.ends_with(",1") {
                        self.reset_by_command();
                    }
                }
            }
            Error => self.finish("ERROR"),
            Unknown => self.finish(self.nature.unknown),
            Cme(number) => self.finish_cme(number),
            Cms(number) => self.finish(&format!("+CMS ERROR: {number}")),
        }
    }

    fn basic(&mut self, rest: &str) -> Reply {
        match rest {
            "" | "V1" | "Q0" | "&C1" | "&D2" => done(),
            "E0" | "E" => {
                self.volatile.echo = false;
                done()
            }
            "E1" => {
                self.volatile.echo = true;
                done()
            }
            "Z" | "&F" => {
                self.factory_resets = self.factory_resets.saturating_add(1);
                if self.factory_resets > 1 {
                    self.violations.push(format!("AT{rest}, again"));
                }
                self.volatile = Volatile::new(&self.setup);
                done()
            }
            "H" | "H0" => {
                self.hang_up();
                done()
            }
            "&W" => {
                self.violations.push("AT&W wears out the flash".to_owned());
                done()
            }
            "I" => line(format!("{}\r\n{}\r\nRevision: {}", self.nature.make, self.nature.model, self.nature.firmware)),
            _ => Error,
        }
    }

    fn extended(&mut self, rest: &str) -> Reply {
        let name_end = rest.find(['=', '?']).unwrap_or(rest.len());
        let Some((name, tail)) = rest.split_at_checked(name_end) else { return Error };
        if !self.knows(name) {
            return Unknown;
        }
        match name {
            "CPIN" | "CPINR" | "QPINC" | "SPIC" | "^CPIN" => self.pin(name, tail),
            "CMGF" | "CSMS" | "CPMS" | "CNMI" | "CSCA" | "CMGL" | "CMGR" | "CMGD" | "CMMS" | "CNMA" | "CGSMS" => {
                match self.refused_by_sim() {
                    Some(number) => Cms(number),
                    None => self.message_command(name, tail),
                }
            }
            "CREG" | "CGREG" | "CEREG" => self.registration_command(name, tail),
            "CCID" | "QCCID" | "^ICCID" | "CIMI" => self.sim_number(name),
            _ => self.general(name, tail),
        }
    }

    fn general(&mut self, name: &str, tail: &str) -> Reply {
        let set = |tail: &str| tail.strip_prefix('=').and_then(numbers);
        match (name, tail) {
            ("CGMI" | "GMI", "") => line(self.nature.make),
            ("CGMM" | "GMM", "") => line(self.nature.model),
            ("CGMR" | "GMR", "") => line(self.nature.firmware),
            ("CGSN" | "GSN", "") => line(self.nature.imei),
            ("CMEE", "?") => line(format!("+CMEE: {}", self.volatile.errors)),
            ("CMEE", _) => match set(tail).as_deref() {
                Some([value @ 0..=2]) => {
                    self.volatile.errors = *value;
                    done()
                }
                _ => Cme(50),
            },
            ("CFUN", "?") => line(format!("+CFUN: {}", self.volatile.functions)),
            ("CFUN", _) => match set(tail).as_deref() {
                Some([value @ (0 | 1 | 4)] | [value @ (0 | 1 | 4), 0 | 1]) => {
                    self.switch_radio(*value);
                    done()
                }
                _ => Cme(50),
            },
            ("CSQ", "") => line(format!("+CSQ: {},99", if self.is_registered() { self.signal } else { 99 })),
            ("COPS", "?") => self.operator(),
            ("IPR", "?") => line(format!("+IPR: {}", self.volatile.speed.unwrap_or(0))),
            ("IPR", _) => match tail.strip_prefix('=').and_then(|text| text.parse().ok()) {
                Some(speed) if SPEEDS.contains(&speed) => {
                    self.volatile.speed = Some(speed);
                    done()
                }
                _ => Cme(50),
            },
            ("CHUP", "") => {
                self.hang_up();
                done()
            }
            ("^CURC", "=0" | "=1") => {
                self.volatile.quiet = tail == "=0";
                done()
            }
            ("QCFG" | "QURCCFG", _) => done(),
            ("CLAC", "") => Reply::Ok(["&C", "&D", "&F", "E", "+CMGS", "+CMGL"].map(str::to_owned).to_vec()),
            _ => Unknown,
        }
    }

    fn sim_number(&mut self, name: &str) -> Reply {
        match self.card.state {
            Sim::Absent => return Cme(10),
            Sim::Failed => return Cme(13),
            _ if self.now < self.card.starts_until => return Cme(14),
            Sim::Pin | Sim::Puk if name == "CIMI" => return Cme(11),
            Sim::Fine | Sim::Pin | Sim::Puk => {}
        }
        match name {
            "CIMI" => line("310410123456789"),
            "CCID" if self.nature.bare_sim_number => line(format!("{SIM_NUMBER}F")),
            "^ICCID" => line(format!("^ICCID: {SIM_NUMBER}")),
            _ => line(format!("+{name}: {SIM_NUMBER}")),
        }
    }

    /// Switches the radio on or off.
    pub(super) fn switch_radio(&mut self, value: u8) {
        let was = std::mem::replace(&mut self.volatile.functions, value);
        if value == 0 {
            self.card.lose_power(&self.setup);
        }
        if value != 1 && was == 1 {
            self.power.counts.radio_off = self.power.counts.radio_off.saturating_add(1);
            self.tell_registration();
        }
        if value == 1 && was != 1 {
            self.cure(Cure::Radio);
            if self.card.state == Sim::Fine {
                self.card.busy_until = self.now.saturating_add(self.setup.sim_busy);
                self.search(self.now);
            }
        }
    }

    fn message_command(&mut self, name: &str, tail: &str) -> Reply {
        let set = tail.strip_prefix('=').filter(|rest| *rest != "?");
        match (name, tail, set) {
            ("CMGF", "?", _) => line("+CMGF: 0"),
            ("CSMS", "?", _) => line(format!("+CSMS: {},1,1,1", u8::from(self.volatile.acknowledge))),
            ("CSMS", _, Some(mode @ ("0" | "1"))) => {
                self.volatile.acknowledge = mode == "1";
                line("+CSMS: 1,1,1")
            }
            ("CMGF", "=0", _) | ("CMMS", _, Some("0" | "1" | "2")) | ("CGSMS", _, Some("0" | "1" | "2" | "3")) => {
                done()
            }
            ("CNMA", ..) => match self.owed.checked_sub(1) {
                Some(owed) => {
                    self.owed = owed;
                    done()
                }
                None => Cms(340),
            },
            ("CSCA", "?", _) => line(format!("+CSCA: \"{}\",145", self.centre)),
            ("CSCA", _, Some(rest)) => {
                arguments(rest).first().copied().unwrap_or_default().clone_into(&mut self.centre);
                done()
            }
            ("CNMI", ..) => self.indications(tail, set),
            ("CPMS" | "CMGL" | "CMGR" | "CMGD", ..) => self.storage_command(name, tail, set),
            _ => Cms(303),
        }
    }

    fn indications(&mut self, tail: &str, set: Option<&str>) -> Reply {
        let join = |values: &[u8]| values.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
        if tail == "=?" {
            let offer = self.nature.indication_offer.replace("{}", &join(&self.setup.report_modes));
            return line(format!("+CNMI: {offer}"));
        }
        if tail == "?" {
            return line(format!("+CNMI: {}", join(&self.volatile.indications)));
        }
        // What isn't named is 0.
        let named = set.and_then(numbers).filter(|values| values.len() <= 5).unwrap_or_default();
        let mut wanted = [0_u8; 5];
        for (wanted, named) in wanted.iter_mut().zip(&named) {
            *wanted = *named;
        }
        let [mode, mt, bm, ds, bfr] = wanted;
        let [modes, mts, bms] = self.nature.indications;
        let offered = modes.contains(&mode) && mts.contains(&mt) && bms.contains(&bm) && bfr <= 1;
        if named.is_empty() || !offered || !self.setup.report_modes.contains(&ds) {
            return Cms(303);
        }
        self.volatile.indications = wanted;
        self.let_in();
        done()
    }

    /// Says a line at a time.
    pub(super) fn say_at(&mut self, at: Duration, line: &str) {
        self.agenda.add(at, Event::Line(line.to_owned()));
    }
}
