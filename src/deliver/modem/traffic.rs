//! What was sent lately and what the network reported about it: enough to resolve a send whose verdict was lost,
//! and to go on with a longer text at the part that failed. Pure: `now` is passed in.
//!
//! Shared by the task that owns the port (it writes) and the handle (it looks up). What must survive a restart leaves as
//! facts, which the task keeps; what an earlier start kept is recalled. What nobody can know is answered with "can't tell",
//! never with a guess. Reports are matched as 3GPP TS 23.040, 9.2.3.6 allows: by reference and recipient, the newest text
//! first, since references come round after 256; without a reference only when no other text can be meant.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::pdu::StatusReport;
use crate::model::{Fact, Fate, Memory, PartKey, PartReport, REPORT_WINDOW, SmsPart, TextKey, Timestamp};

/// A text may be reported on as long as the network tries to deliver it; a day is more than any alert is worth.
const KEPT: Duration = Duration::from_hours(24);
/// The network's clock may run this much behind ours. A report on a text older than that is about another one.
const CLOCK_TOLERANCE: Duration = Duration::from_mins(5);
/// A recipient may come back in national form: this many digits at its end decide.
const SUFFIX: usize = 7;
/// Parts of a day of a modem without caps; more is noise.
const PARTS: usize = 2048;
/// Reports whose text isn't known, and facts that wait to be kept; more is noise.
const WAITING: usize = 512;

/// One part whose PDU was written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    part: SmsPart,
    /// Looked for in vain: whatever comes to its number without a reference that we know may be about it.
    given_up: bool,
    /// Its text is sent anew from the first part.
    superseded: bool,
}

/// What a look-up found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// The network has every part; `delivered` if the phone has, too.
    Sent {
        /// References in order of parts.
        references: Vec<Option<u8>>,
        /// Whether every part was reported delivered.
        delivered: bool,
    },
    /// A part was reported failed.
    Failed(Fate),
    /// Nobody can tell.
    Unsure,
}

/// The traffic of a modem.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    parts: VecDeque<Entry>,
    /// Reports that belong to no part we know.
    free: VecDeque<PartReport>,
    facts: VecDeque<Fact>,
    report_seen: bool,
}

impl Traffic {
    /// What an earlier start kept.
    pub(super) fn recall(&mut self, memory: &Memory) {
        let entry = |part: &SmsPart| Entry { part: part.clone(), given_up: false, superseded: false };
        self.parts.extend(memory.parts.iter().map(entry));
        self.free.extend(memory.reports.iter().cloned());
    }

    /// What must be kept, in order.
    pub(super) fn take_fact(&mut self) -> Option<Fact> {
        self.facts.pop_front()
    }

    /// Whether nothing waits to be kept.
    pub(super) fn is_kept(&self) -> bool {
        self.facts.is_empty()
    }

    /// Something else that must be kept.
    pub(super) fn note(&mut self, fact: Fact) {
        push_bounded(&mut self.facts, fact, WAITING);
    }

    /// It could not be kept; the others get their turn before it is tried again.
    pub(super) fn put_back(&mut self, fact: Fact) {
        self.note(fact);
    }

    pub(super) const fn report_seen(&self) -> bool {
        self.report_seen
    }

    /// A part is about to be written.
    pub(super) fn writing(&mut self, part: SmsPart) {
        self.forget_old(part.at);
        push_bounded(&mut self.parts, Entry { part, given_up: false, superseded: false }, PARTS);
    }

    /// The part written last was taken by the network.
    pub(super) fn accepted(&mut self, reference: Option<u8>) {
        let Some(last) = self.parts.back_mut() else { return };
        (last.part.accepted, last.part.reference) = (true, reference);
        let part = last.part.clone();
        self.claim(&part);
    }

    /// Nobody knows whether the part written last left.
    pub(super) fn unsettled(&mut self) {
        if let Some(part) = self.parts.back().map(|last| last.part.clone()) {
            self.note(Fact::Part(part));
        }
    }

    /// The part written last never left, or was refused.
    pub(super) fn withdraw(&mut self) {
        self.parts.pop_back();
    }

    /// A reference came after the exchange was given up: it belongs to the part written last, if that waits for one.
    pub(super) fn late_reference(&mut self, reference: Option<u8>, now: Timestamp) {
        self.forget_old(now);
        if self.parts.back().is_some_and(|last| !last.part.accepted) {
            self.accepted(reference);
        }
    }

    /// A status report came in, as this PDU. It may come before the reference of its text.
    pub(super) fn hear(&mut self, report: &StatusReport, pdu: &str, now: Timestamp) {
        self.forget_old(now);
        self.report_seen = true;
        let heard = PartReport {
            at: now,
            reference: report.reference,
            number: report.recipient.clone(),
            status: report.status,
            fate: report.fate(),
            sent_at: report.sent.as_ref().map(super::pdu::ServiceTime::timestamp),
            pdu: pdu.to_owned(),
            of: None,
        };
        if let Some(owner) = self.owner(&heard) {
            return self.settle(owner, heard);
        }
        self.note(Fact::Report(heard.clone()));
        push_bounded(&mut self.free, heard, WAITING);
        self.resolve_late();
    }

    /// The references of the first parts of this text that an earlier try got accepted.
    pub(super) fn accepted_before(&self, text: TextKey) -> Vec<Option<u8>> {
        let part = |nth| self.part(text, nth).filter(|part| part.accepted).map(|part| part.reference);
        (1..=u8::MAX).map_while(part).collect()
    }

    /// The worst that was reported on its parts, once each was reported on.
    pub(super) fn fate_of(&self, text: TextKey) -> Option<Fate> {
        let total = self.part(text, 1)?.total;
        let fates: Option<Vec<Fate>> = (1..=total).map(|nth| self.part(text, nth)?.fate).collect();
        let fates = fates?;
        fates.iter().find(|fate| !fate.has_arrived()).or(fates.first()).copied()
    }

    /// What became of the try of `text` that started at `since` and had `total` parts for `to`.
    pub(super) fn look_up(&mut self, text: TextKey, to: &str, total: usize, since: Timestamp, now: Timestamp) -> Found {
        self.forget_old(now);
        let found = self.judge(text, to, total, since);
        match &found {
            Found::Sent { references, .. } => self.bind(text, references),
            // A part is lost: the next try starts with the first one.
            Found::Failed(_) => self.each_of(text, |entry| entry.superseded = true),
            Found::Unsure => self.each_of(text, |entry| entry.given_up = !entry.part.accepted),
        }
        found
    }

    fn each_of(&mut self, text: TextKey, mut change: impl FnMut(&mut Entry)) {
        self.parts.iter_mut().filter(|entry| entry.part.key.text == text).for_each(&mut change);
    }

    /// The parts of the text have these references: their reports are no longer free for another text.
    fn bind(&mut self, text: TextKey, references: &[Option<u8>]) {
        let mut bound = Vec::new();
        for entry in self.parts.iter_mut().filter(|entry| entry.part.key.text == text && !entry.part.accepted) {
            let nth = usize::from(entry.part.key.part.saturating_sub(1));
            if let Some(reference) = references.get(nth) {
                (entry.part.accepted, entry.part.reference) = (true, *reference);
                bound.push(entry.part.clone());
            }
        }
        for part in &bound {
            self.claim(part);
        }
    }

    /// An accepted part is kept, with the reports that came before its reference.
    fn claim(&mut self, part: &SmsPart) {
        self.note(Fact::Part(part.clone()));
        let early: Vec<PartReport> = self.free.iter().filter(|heard| is_about(heard, part)).cloned().collect();
        self.free.retain(|heard| !is_about(heard, part));
        for heard in early {
            self.settle(part.key, heard);
        }
    }

    /// A report has found its part.
    fn settle(&mut self, owner: PartKey, heard: PartReport) {
        if let Some(entry) = self.parts.iter_mut().rev().find(|entry| entry.part.key == owner) {
            entry.part.fate = Some(entry.part.fate.map_or(heard.fate, |known| known.then(heard.fate)));
        }
        self.note(Fact::Report(PartReport { of: Some(owner), ..heard }));
    }

    /// A report that can only mean the one part that was looked for in vain settles it after all.
    fn resolve_late(&mut self) {
        let Some(heard) = self.free.back().cloned() else { return };
        let lost = |entry: &&Entry| !entry.part.accepted && same_number(&entry.part.number, &heard.number);
        let mut suspects = self.parts.iter().filter(lost);
        let (Some(one), None) = (suspects.next(), suspects.next()) else { return };
        let (text, since) = (one.part.key.text, one.part.at);
        let nth = usize::from(one.part.key.part);
        if !one.given_up || self.free_reports(&heard.number, since).len() != 1 || !is_fresh(&heard, since) {
            return;
        }
        let mut references = vec![None; nth];
        if let Some(last) = references.last_mut() {
            *last = Some(heard.reference);
        }
        self.bind(text, &references);
    }

    fn judge(&self, text: TextKey, to: &str, total: usize, since: Timestamp) -> Found {
        let nth = |n| u8::try_from(n).ok().and_then(|n| self.part(text, n));
        let known: Vec<Option<&SmsPart>> = (1..=total).map(|n| nth(n).filter(|part| part.accepted)).collect();
        let missing = known.iter().filter(|part| part.is_none()).count();
        let free = self.free_reports(to, since);
        // A text that is not remembered can't be told from those before it.
        let ours = self.parts.iter().any(|entry| entry.part.key.text == text);
        let lost =
            |entry: &Entry| entry.part.key.text != text && !entry.part.accepted && same_number(&entry.part.number, to);
        let contested = self.parts.iter().any(lost);
        if missing > 0 && (!ours || contested || free.len() != missing) {
            return Found::Unsure;
        }
        let mut free = free.into_iter();
        let found = known.iter().map(|part| match part {
            Some(part) => (part.reference, part.fate),
            None => free.next().unzip(),
        });
        let (references, fates): (Vec<_>, Vec<_>) = found.unzip();
        verdict(&fates, references)
    }

    /// The latest try of this part of the text.
    fn part(&self, text: TextKey, part: u8) -> Option<&SmsPart> {
        let key = PartKey { text, part };
        self.parts.iter().rev().find(|entry| entry.part.key == key && !entry.superseded).map(|entry| &entry.part)
    }

    fn owner(&self, heard: &PartReport) -> Option<PartKey> {
        let known = self.parts.iter().rev().filter(|entry| entry.part.accepted);
        known.map(|entry| &entry.part).find(|part| is_about(heard, part)).map(|part| part.key)
    }

    /// Reports for `to` since then that belong to no part we know, one fate for each reference, oldest first.
    fn free_reports(&self, to: &str, since: Timestamp) -> Vec<(u8, Fate)> {
        let mut fates: Vec<(u8, Fate)> = Vec::new();
        for heard in self.free.iter().filter(|heard| is_fresh(heard, since) && same_number(&heard.number, to)) {
            match fates.iter_mut().find(|(reference, _)| *reference == heard.reference) {
                Some((_, fate)) => *fate = fate.then(heard.fate),
                None => fates.push((heard.reference, heard.fate)),
            }
        }
        fates
    }

    fn forget_old(&mut self, now: Timestamp) {
        let (oldest, oldest_report) = (now.before(KEPT), now.before(REPORT_WINDOW));
        self.parts.retain(|entry| entry.part.at >= oldest);
        self.free.retain(|heard| heard.at >= oldest_report);
    }
}

fn is_about(heard: &PartReport, part: &SmsPart) -> bool {
    part.reference == Some(heard.reference) && part.at <= heard.at && same_number(&part.number, &heard.number)
}

/// Whether the report can be about a text written then.
fn is_fresh(heard: &PartReport, written: Timestamp) -> bool {
    heard.at >= written && heard.sent_at.is_none_or(|sent| sent >= written.before(CLOCK_TOLERANCE))
}

/// What the fates of all parts come to; `None` is a part that was accepted and not reported on.
fn verdict(fates: &[Option<Fate>], references: Vec<Option<u8>>) -> Found {
    let failed = fates.iter().flatten().copied().filter(|fate| fate.has_failed());
    if let Some(fate) = failed.min_by_key(|fate| *fate != Fate::FailedForGood) {
        return Found::Failed(fate);
    }
    Found::Sent { references, delivered: fates.iter().all(|fate| fate.is_some_and(Fate::has_arrived)) }
}

fn same_number(one: &str, other: &str) -> bool {
    let tail = |number: &str| -> Vec<char> { number.chars().rev().filter(char::is_ascii_digit).take(SUFFIX).collect() };
    let (one, other) = (tail(one), tail(other));
    one.len() == SUFFIX && one == other
}

fn push_bounded<T>(queue: &mut VecDeque<T>, entry: T, capacity: usize) {
    if queue.len() >= capacity {
        queue.pop_front();
    }
    queue.push_back(entry);
}

/// The traffic as the task and the handle share it. Locked only for a look or an entry, never across an await.
#[derive(Debug, Clone, Default)]
pub(super) struct SharedTraffic(Arc<Mutex<Traffic>>);

impl SharedTraffic {
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Traffic) -> T) -> T {
        // A panic while it was held can't leave it half written: every method ends in one push or retain.
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests;
