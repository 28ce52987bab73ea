//! What the modem answers to each command but the one that sends (3GPP TS 27.007 and TS 27.005; ITU-T V.250).
//!
//! The generic set of an EC25-like modem. Unknown commands get `ERROR`, as there.

use super::machine::Machine;
use super::setup::{Lock, Volatile};

/// A message in a memory.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) memory: String,
    pub(super) index: u32,
    /// 0 received unread, 1 received read, 2 stored unsent, 3 stored sent.
    pub(super) status: u8,
    /// Octets without the service centre.
    pub(super) length: usize,
    pub(super) pdu: String,
}

/// How many messages a memory holds.
const CAPACITY: usize = 50;

/// How a command ends, with the lines before that.
pub(super) enum Reply {
    Ok(Vec<String>),
    Error,
    Cme(u16),
    Cms(u16),
}

use Reply::{Cme, Cms, Error};

fn done() -> Reply {
    Reply::Ok(Vec::new())
}

fn line(text: impl Into<String>) -> Reply {
    Reply::Ok(vec![text.into()])
}

/// The numbers and quoted texts of a list of arguments.
fn arguments(text: &str) -> Vec<&str> {
    text.split(',').map(|part| part.trim().trim_matches('"')).collect()
}

fn numbers(text: &str) -> Option<Vec<u8>> {
    arguments(text).into_iter().map(|part| part.parse().ok()).collect()
}

impl Machine {
    /// Runs one command to its end, or to its prompt.
    pub(super) fn run(&mut self, command: &str) {
        let upper = command.to_ascii_uppercase();
        if let Some(length) = upper.strip_prefix("AT+CMGS=") {
            return self.start_send(length);
        }
        let reply = match upper.strip_prefix("AT+") {
            Some(rest) => self.extended(rest),
            None => self.basic(upper.trim_start_matches("AT")),
        };
        match reply {
            Reply::Ok(lines) => {
                for line in lines {
                    self.say(&line);
                }
                self.finish("OK");
            }
            Error => self.finish("ERROR"),
            Cme(number) => self.finish_cme(number),
            Cms(number) => self.finish(&format!("+CMS ERROR: {number}")),
        }
        if upper.starts_with("AT+CFUN=") && upper.ends_with(",1") {
            self.restart();
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
                self.volatile = Volatile::new(&self.setup);
                done()
            }
            "I" => Reply::Ok(vec!["Quectel\r\nEC25\r\nRevision: EC25EFAR06A06M4G".to_owned()]),
            _ => Error,
        }
    }

    fn extended(&mut self, rest: &str) -> Reply {
        let name_end = rest.find(['=', '?']).unwrap_or(rest.len());
        let Some((name, tail)) = rest.split_at_checked(name_end) else { return Error };
        match name {
            "CPIN" | "CPINR" | "QPINC" => self.pin(name, tail),
            "CMGF" | "CSMS" | "CPMS" | "CNMI" | "CSCA" | "CMGL" | "CMGR" | "CMGD" | "CMMS" | "CNMA" | "CGSMS" => {
                match self.sim_error() {
                    Some(number) => Cms(number),
                    None => self.message_command(name, tail),
                }
            }
            _ => self.general(name, tail),
        }
    }

    fn general(&mut self, name: &str, tail: &str) -> Reply {
        let set = |tail: &str| tail.strip_prefix('=').and_then(numbers);
        match (name, tail) {
            ("CGMI" | "GMI", "") => line("Quectel"),
            ("CGMM" | "GMM", "") => line("EC25"),
            ("CGMR" | "GMR", "") => line("EC25EFAR06A06M4G"),
            ("CGSN" | "GSN", "") => line("861536030196001"),
            ("CIMI", "") => line("310410123456789"),
            ("CCID" | "QCCID", "") => line(format!("+{name}: 89014103211118510720")),
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
                Some([value @ (0 | 1 | 4), ..]) => {
                    self.volatile.functions = *value;
                    done()
                }
                _ => Cme(50),
            },
            ("CSQ", "") => line(format!("+CSQ: {},99", self.signal)),
            ("COPS", "?") => line("+COPS: 0,0,\"Simulated\",7"),
            ("CREG" | "CGREG" | "CEREG", _) => self.registration(name, tail),
            _ => Error,
        }
    }

    fn registration(&mut self, name: &str, tail: &str) -> Reply {
        let at = ["CREG", "CGREG", "CEREG"].iter().position(|known| *known == name);
        let Some(mode) = at.and_then(|at| self.volatile.registration.get_mut(at)) else { return Error };
        let off = self.volatile.functions != 1;
        match (tail, tail.strip_prefix('=').and_then(numbers).as_deref()) {
            ("?", _) => line(format!("+{name}: {mode},{}", if off { 0 } else { self.network })),
            (_, Some([value @ 0..=2])) => {
                *mode = *value;
                done()
            }
            _ => Cme(50),
        }
    }

    fn pin(&mut self, name: &str, tail: &str) -> Reply {
        match (name, tail) {
            ("CPIN", "?") => match self.lock {
                Lock::Open => line("+CPIN: READY"),
                Lock::Pin => line("+CPIN: SIM PIN"),
                Lock::Puk => line("+CPIN: SIM PUK"),
            },
            ("CPINR", "") => {
                Reply::Ok(vec![format!("+CPINR: SIM PIN,{},3", self.tries), "+CPINR: SIM PUK,10,10".into()])
            }
            ("QPINC", "=\"SC\"" | "?") => line(format!("+QPINC: \"SC\",{},10", self.tries)),
            ("CPIN", _) => {
                let given = tail.strip_prefix('=').map(|text| text.trim_matches('"'));
                match (self.lock, given) {
                    (_, None) => Cme(50),
                    (Lock::Open, Some(_)) => Cme(3),
                    (Lock::Puk, Some(_)) => {
                        self.violations.push("a PUK was sent".to_owned());
                        Cme(16)
                    }
                    (Lock::Pin, given) => self.unlock(given),
                }
            }
            _ => Error,
        }
    }

    fn unlock(&mut self, given: Option<&str>) -> Reply {
        if given == self.setup.pin.as_deref() {
            (self.lock, self.tries) = (Lock::Open, 3);
            for line in ["+CPIN: READY", "+QUSIM: 1", "+QIND: SMS DONE"] {
                self.announce_later(line.to_owned());
            }
            return done();
        }
        self.tries = self.tries.saturating_sub(1);
        if self.tries == 0 {
            self.lock = Lock::Puk;
        }
        Cme(16)
    }

    fn message_command(&mut self, name: &str, tail: &str) -> Reply {
        let set = tail.strip_prefix('=').filter(|rest| *rest != "?");
        match (name, tail, set) {
            ("CMGF", "?", _) => line("+CMGF: 0"),
            ("CSMS", "?", _) => line("+CSMS: 0,1,1,1"),
            ("CSMS", _, Some("0")) => line("+CSMS: 1,1,1"),
            ("CMGF", "=0", _) | ("CMMS", _, Some("0" | "1" | "2")) | ("CGSMS", _, Some("0" | "1" | "2" | "3")) => {
                done()
            }
            ("CNMA", ..) => Cms(340),
            ("CSCA", "?", _) => line(format!("+CSCA: \"{}\",145", self.centre)),
            ("CSCA", _, Some(rest)) => {
                arguments(rest).first().copied().unwrap_or_default().clone_into(&mut self.centre);
                done()
            }
            ("CNMI", ..) => self.indications(tail, set),
            ("CPMS", ..) => self.memories(tail, set),
            ("CMGL", _, Some(rest)) => self.list(rest),
            ("CMGR", _, Some(rest)) => self.read(rest),
            ("CMGD", _, Some(rest)) => self.delete(rest),
            _ => Cms(303),
        }
    }

    fn indications(&mut self, tail: &str, set: Option<&str>) -> Reply {
        let modes: Vec<String> = self.setup.report_modes.iter().map(u8::to_string).collect();
        match (tail, set.and_then(numbers).as_deref()) {
            ("=?", _) => line(format!("+CNMI: (0-2),(0-3),(0,2),({}),(0,1)", modes.join(","))),
            ("?", _) => {
                let now: Vec<String> = self.volatile.indications.iter().map(u8::to_string).collect();
                line(format!("+CNMI: {}", now.join(",")))
            }
            (_, Some([mode @ 0..=2, mt @ 0..=3, bm @ (0 | 2), ds, bfr @ 0..=1]))
                if self.setup.report_modes.contains(ds) =>
            {
                self.volatile.indications = [*mode, *mt, *bm, *ds, *bfr];
                done()
            }
            _ => Cms(303),
        }
    }

    fn memories(&mut self, tail: &str, set: Option<&str>) -> Reply {
        let quoted: Vec<String> = self.setup.memories.iter().map(|memory| format!("\"{memory}\"")).collect();
        let all = quoted.join(",");
        match (tail, set) {
            ("=?", _) => line(format!("+CPMS: ({all},\"SR\"),({all}),({all})")),
            ("?", _) => {
                let parts = self.volatile.memories.iter().map(|memory| format!("\"{memory}\",{}", self.usage(memory)));
                line(format!("+CPMS: {}", parts.collect::<Vec<_>>().join(",")))
            }
            (_, Some(rest)) => {
                let wanted = arguments(rest);
                let known = |memory: &&str| self.setup.memories.contains(memory);
                let first = wanted.first().is_some_and(|memory| *memory == "SR" || known(memory));
                if wanted.len() > 3 || !first || !wanted.iter().skip(1).all(known) {
                    return Cms(303);
                }
                for (memory, wanted) in self.volatile.memories.iter_mut().zip(wanted) {
                    wanted.clone_into(memory);
                }
                let parts = self.volatile.memories.iter().map(|memory| self.usage(memory));
                line(format!("+CPMS: {}", parts.collect::<Vec<_>>().join(",")))
            }
            _ => Error,
        }
    }

    /// Used and total places of a memory.
    fn usage(&self, memory: &str) -> String {
        let used = self.stored.iter().filter(|stored| stored.memory == memory).count();
        format!("{used},{CAPACITY}")
    }

    fn list(&mut self, which: &str) -> Reply {
        let [memory, ..] = &self.volatile.memories;
        let wanted =
            |stored: &&mut Stored| stored.memory == *memory && (which == "4" || which == stored.status.to_string());
        if !matches!(which, "0" | "1" | "2" | "3" | "4") {
            return Cms(305);
        }
        let mut lines = Vec::new();
        for stored in self.stored.iter_mut().filter(wanted) {
            lines.push(format!("+CMGL: {},{},,{}\r\n{}", stored.index, stored.status, stored.length, stored.pdu));
            stored.status = stored.status.max(1);
        }
        Reply::Ok(lines)
    }

    fn read(&mut self, index: &str) -> Reply {
        let [memory, ..] = &self.volatile.memories;
        let found = self.stored.iter_mut().find(|stored| stored.memory == *memory && stored.index.to_string() == index);
        let Some(stored) = found else { return Cms(321) };
        let reply = line(format!("+CMGR: {},,{}\r\n{}", stored.status, stored.length, stored.pdu));
        stored.status = stored.status.max(1);
        reply
    }

    fn delete(&mut self, rest: &str) -> Reply {
        let [memory, ..] = self.volatile.memories.clone();
        match arguments(rest).as_slice() {
            [_, "4"] => self.stored.retain(|stored| stored.memory != memory),
            [index] | [index, "0"] => {
                self.stored.retain(|stored| stored.memory != memory || stored.index.to_string() != *index);
            }
            _ => return Cms(305),
        }
        done()
    }

    /// Puts a message into the first free place of its memory.
    pub(super) fn store(&mut self, mut message: Stored) -> u32 {
        let taken = |index: u32| self.stored.iter().any(|old| old.memory == message.memory && old.index == index);
        message.index = (0..u32::MAX).find(|index| !taken(*index)).unwrap_or(u32::MAX);
        let index = message.index;
        self.stored.push(message);
        index
    }

    /// The network registers the modem or throws it out; it says so if it was asked to.
    pub(super) fn set_network(&mut self, status: u8) {
        self.network = status;
        for (name, mode) in ["+CREG", "+CGREG", "+CEREG"].into_iter().zip(self.volatile.registration) {
            if mode > 0 {
                self.announce(format!("{name}: {status}"));
            }
        }
    }

    /// A message comes in from the network.
    pub(super) fn receive(&mut self, pdu: &str) {
        let centre = pdu.get(..2).and_then(|octet| usize::from_str_radix(octet, 16).ok()).unwrap_or(0);
        let length = (pdu.len() / 2).saturating_sub(centre.saturating_add(1));
        let [_, mt, ..] = self.volatile.indications;
        if mt == 2 {
            return self.announce(format!("+CMT: ,{length}\r\n{pdu}"));
        }
        let [.., memory] = self.volatile.memories.clone();
        let index = self.store(Stored { memory: memory.clone(), index: 0, status: 0, length, pdu: pdu.to_owned() });
        if mt == 1 {
            self.announce(format!("+CMTI: \"{memory}\",{index}"));
        }
    }
}
