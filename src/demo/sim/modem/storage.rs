//! Memories for texts: what lies where, how it is listed, read and deleted (3GPP TS 27.005, clauses 3.2.2 and 4).
//!
//! A text may only be deleted after it was read: whoever deletes one unread loses it, and is found out.

use super::commands::{Reply, arguments, done, line};
use super::inbound::Inbound;
use super::machine::Machine;

use Reply::{Cms, Error};

/// Places for status reports.
const REPORTS: usize = 20;
/// What those that were sent, or only written, say of themselves.
const OURS: [u8; 2] = [2, 3];

/// A message in a memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) memory: String,
    pub(super) index: u32,
    /// 0 received unread, 1 received read, 2 stored unsent, 3 stored sent.
    pub(super) status: u8,
    /// Octets without the service centre.
    pub(super) length: usize,
    pub(super) pdu: String,
    /// The client has seen it.
    pub(super) seen: bool,
}

impl Stored {
    /// A message that has no place yet.
    pub(super) fn new(memory: &str, status: u8, length: usize, pdu: &str) -> Self {
        Self { memory: memory.to_owned(), index: 0, status, length, pdu: pdu.to_owned(), seen: false }
    }
}

/// Octets of a PDU without its service centre.
pub(super) fn tpdu_length(pdu: &str) -> usize {
    let centre = pdu.get(..2).and_then(|octet| usize::from_str_radix(octet, 16).ok()).unwrap_or(0);
    (pdu.len() / 2).saturating_sub(centre.saturating_add(1))
}

impl Machine {
    pub(super) fn storage_command(&mut self, name: &str, tail: &str, set: Option<&str>) -> Reply {
        match (name, set) {
            ("CPMS", _) => self.memories(tail, set),
            ("CMGL", Some(rest)) => self.list(rest),
            ("CMGR", Some(rest)) => self.read(rest),
            ("CMGD", Some(rest)) => self.delete(rest),
            _ => Cms(303),
        }
    }

    fn memories(&mut self, tail: &str, set: Option<&str>) -> Reply {
        let quoted: Vec<String> = self.setup.memories.iter().map(|(memory, _)| format!("\"{memory}\"")).collect();
        let all = quoted.join(",");
        let offer = self.nature.memory_offer.map_or_else(|| format!("({all},\"SR\"),({all}),({all})"), str::to_owned);
        match (tail, set) {
            ("=?", _) => line(format!("+CPMS: {offer}")),
            ("?", _) => {
                let parts = self.volatile.memories.iter().map(|memory| format!("\"{memory}\",{}", self.usage(memory)));
                line(format!("+CPMS: {}", parts.collect::<Vec<_>>().join(",")))
            }
            (_, Some(rest)) => {
                let wanted = arguments(rest);
                let known = |memory: &&str| self.setup.memories.iter().any(|(known, _)| known == memory);
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
        format!("{},{}", self.used(memory), self.places(memory))
    }

    fn used(&self, memory: &str) -> usize {
        self.stored.iter().filter(|stored| stored.memory == memory).count()
    }

    fn places(&self, memory: &str) -> usize {
        let known = self.setup.memories.iter().find(|(known, _)| *known == memory);
        known.map_or(REPORTS, |(_, places)| *places)
    }

    fn list(&mut self, which: &str) -> Reply {
        let [memory, ..] = &self.volatile.memories;
        let wanted =
            |stored: &&mut Stored| stored.memory == *memory && (which == "4" || which == stored.status.to_string());
        if !matches!(which, "0" | "1" | "2" | "3" | "4") {
            return Cms(305);
        }
        if which == "4" {
            self.listed.push(memory.clone());
        }
        let mut lines = Vec::new();
        for stored in self.stored.iter_mut().filter(wanted) {
            lines.push(format!("+CMGL: {},{},,{}\r\n{}", stored.index, stored.status, stored.length, stored.pdu));
            stored.status = stored.status.max(1);
            stored.seen = true;
        }
        Reply::Ok(lines)
    }

    fn read(&mut self, index: &str) -> Reply {
        let [memory, ..] = &self.volatile.memories;
        if memory == "SR" && self.setup.unreadable_reports {
            return Cms(321);
        }
        let found = self.stored.iter_mut().find(|stored| stored.memory == *memory && stored.index.to_string() == index);
        let Some(stored) = found else { return Cms(321) };
        let reply = line(format!("+CMGR: {},,{}\r\n{}", stored.status, stored.length, stored.pdu));
        stored.status = stored.status.max(1);
        stored.seen = true;
        reply
    }

    fn delete(&mut self, rest: &str) -> Reply {
        let [memory, ..] = self.volatile.memories.clone();
        let mut gone: Vec<Stored> = match arguments(rest).as_slice() {
            [_, "4"] => {
                if !self.listed.contains(&memory) {
                    self.violations.push(format!("{memory} was emptied without a look at what is in it"));
                }
                self.stored.extract_if(.., |stored| stored.memory == memory).collect()
            }
            [index] | [index, "0"] => {
                let this = |stored: &mut Stored| stored.memory == memory && stored.index.to_string() == *index;
                self.stored.extract_if(.., this).collect()
            }
            _ => return Cms(305),
        };
        for stored in &gone {
            let place = format!("{} {}", stored.memory, stored.index);
            if !stored.seen {
                self.violations.push(format!("{place} was deleted unread"));
            } else if OURS.contains(&stored.status) {
                self.violations.push(format!("{place} was deleted, and nobody asked for it"));
            }
        }
        self.deleted.append(&mut gone);
        self.let_in();
        done()
    }

    /// Fills the first memory but for so many places with old texts.
    pub(super) fn fill(&mut self, but: usize) {
        let Some((memory, places)) = self.setup.memories.first().copied() else { return };
        let at = self.clock().checked_sub(jiff::SignedDuration::from_hours(24)).unwrap_or_default();
        for n in 0..places.saturating_sub(but).saturating_sub(self.used(memory)) {
            for arrival in Inbound::new("+15557770000", &format!("old text {n}")).arrivals(0, at) {
                self.store(Stored::new(memory, 1, tpdu_length(&arrival.pdu), &arrival.pdu));
            }
        }
    }

    /// Puts a message into the first free place of its memory, if there is one.
    pub(super) fn store(&mut self, mut message: Stored) -> Option<u32> {
        if self.used(&message.memory) >= self.places(&message.memory) {
            return None;
        }
        let taken = |index: u32| self.stored.iter().any(|old| old.memory == message.memory && old.index == index);
        message.index = (0..u32::MAX).find(|index| !taken(*index))?;
        let (index, memory) = (message.index, message.memory.clone());
        self.stored.push(message);
        self.listed.retain(|listed| *listed != memory);
        if memory != "SR"
            && self.used(&memory) == self.places(&memory)
            && let Some(full) = self.nature.full
        {
            self.announce_later(full.replace("{}", &memory));
        }
        Some(index)
    }
}
