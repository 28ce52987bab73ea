//! What was sent lately and what the network reported about it: enough to resolve a send whose verdict was lost,
//! and to go on with a longer text at the part that failed. Pure: `now` is passed in.
//!
//! Shared by the task that owns the port (it writes) and the handle (it looks up). Kept in memory only: what it doesn't
//! know, such as the texts of an earlier start, is answered with "can't tell", never with a guess. Reports are matched as
//! 3GPP TS 23.040, 9.2.3.6 allows: by reference and recipient; without a reference only when no other text can be meant.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::pdu::StatusReport;
use crate::model::{Fate, Timestamp};

/// How long a text and a report are remembered.
const WINDOW: Duration = Duration::from_mins(10);
/// The network's clock may run this much behind ours. A report on a text older than that is about another one.
const CLOCK_TOLERANCE: Duration = Duration::from_mins(5);
/// A recipient may come back in national form: this many digits at its end decide.
const SUFFIX: usize = 7;
/// Ten minutes of a modem that sends as fast as it can are about 120 parts; more is noise.
const CAPACITY: usize = 512;
/// Longer texts of which a part failed and that may be retried.
const UNFINISHED: usize = 32;

/// One part whose PDU was written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    job: String,
    to: String,
    at: Timestamp,
    index: usize,
    /// The network took it.
    accepted: bool,
    /// The network's reference for it.
    reference: Option<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Report {
    at: Timestamp,
    report: StatusReport,
}

/// A longer text of which the first parts were accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unfinished {
    job: String,
    text: String,
    accepted: Vec<Option<u8>>,
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

/// The memory of a modem.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    parts: VecDeque<Part>,
    reports: VecDeque<Report>,
    unfinished: VecDeque<Unfinished>,
}

impl Ledger {
    /// Part `index` (from 0) of a job is about to be written.
    pub(super) fn writing(&mut self, job: &str, to: &str, index: usize, now: Timestamp) {
        self.forget_old(now);
        let entry = Part { job: job.to_owned(), to: to.to_owned(), at: now, index, accepted: false, reference: None };
        push_bounded(&mut self.parts, entry, CAPACITY);
    }

    /// The part written last was taken by the network.
    pub(super) fn accepted(&mut self, reference: Option<u8>) {
        if let Some(last) = self.parts.back_mut() {
            (last.accepted, last.reference) = (true, reference);
        }
    }

    /// The part written last never left, or was refused.
    pub(super) fn withdraw(&mut self) {
        self.parts.pop_back();
    }

    /// A reference came after the exchange was given up: it belongs to the part written last, if that waits for one.
    pub(super) fn late_reference(&mut self, reference: Option<u8>, now: Timestamp) {
        self.forget_old(now);
        if self.parts.back().is_some_and(|last| !last.accepted) {
            self.accepted(reference);
        }
    }

    /// A status report came in. It may come before the reference of its text.
    pub(super) fn hear(&mut self, report: StatusReport, now: Timestamp) {
        self.forget_old(now);
        push_bounded(&mut self.reports, Report { at: now, report }, CAPACITY);
    }

    /// The parts of this very text that an earlier try of the job got accepted.
    pub(super) fn accepted_before(&self, job: &str, text: &str) -> Vec<Option<u8>> {
        let known = self.unfinished.iter().find(|known| known.job == job && known.text == text);
        known.map(|known| known.accepted.clone()).unwrap_or_default()
    }

    /// How far this try of the job came; nothing is kept when nothing was accepted, or all.
    pub(super) fn remember(&mut self, job: &str, text: &str, accepted: &[Option<u8>], total: usize) {
        self.forget_job(job);
        if !accepted.is_empty() && accepted.len() < total {
            let entry = Unfinished { job: job.to_owned(), text: text.to_owned(), accepted: accepted.to_vec() };
            push_bounded(&mut self.unfinished, entry, UNFINISHED);
        }
    }

    /// What became of the try of `job` that started at `since` and had `total` parts for `to`.
    pub(super) fn look_up(&mut self, job: &str, to: &str, total: usize, since: Timestamp, now: Timestamp) -> Found {
        self.forget_old(now);
        let found = self.judge(job, to, total, since);
        match &found {
            Found::Sent { references, .. } => self.bind(job, references),
            Found::Failed(_) => self.forget_job(job), // a part is lost: the next try starts with the first one
            Found::Unsure => {}
        }
        found
    }

    /// The parts of the job have these references: their reports are no longer free for another text.
    fn bind(&mut self, job: &str, references: &[Option<u8>]) {
        for known in self.parts.iter_mut().filter(|known| known.job == job && !known.accepted) {
            if let Some(reference) = references.get(known.index) {
                (known.accepted, known.reference) = (true, *reference);
            }
        }
    }

    fn judge(&self, job: &str, to: &str, total: usize, since: Timestamp) -> Found {
        let known: Vec<Option<&Part>> =
            (0..total).map(|index| self.part(job, index).filter(|part| part.accepted)).collect();
        let missing = known.iter().filter(|part| part.is_none()).count();
        let free = self.free_reports(to, since);
        // A text of an earlier start: its reports can't be told from those of the texts before it.
        let ours = self.parts.iter().any(|part| part.job == job);
        let contested = self.parts.iter().any(|part| part.job != job && !part.accepted && same_number(&part.to, to));
        if missing > 0 && (!ours || contested || free.len() != missing) {
            return Found::Unsure;
        }
        let mut free = free.into_iter();
        let found = known.iter().map(|part| match part {
            Some(part) => (part.reference, self.fate_of(part)),
            None => free.next().unzip(),
        });
        let (references, fates): (Vec<_>, Vec<_>) = found.unzip();
        verdict(&fates, references)
    }

    /// The latest try of this part of the job.
    fn part(&self, job: &str, index: usize) -> Option<&Part> {
        self.parts.iter().rev().find(|known| known.job == job && known.index == index)
    }

    /// What was reported about a part whose reference is known: the newest part with that reference is meant.
    fn fate_of(&self, part: &Part) -> Option<Fate> {
        let reference = part.reference?;
        let mine = |heard: &&Report| {
            heard.report.reference == reference
                && same_number(&heard.report.recipient, &part.to)
                && self.owner(heard) == Some(part)
        };
        best(self.reports.iter().filter(mine).map(|heard| heard.report.fate()))
    }

    fn owner(&self, heard: &Report) -> Option<&Part> {
        self.parts.iter().rev().find(|part| {
            part.at <= heard.at
                && part.reference == Some(heard.report.reference)
                && same_number(&part.to, &heard.report.recipient)
        })
    }

    /// Reports for `to` since then that belong to no part we know, one fate for each reference, oldest first.
    fn free_reports(&self, to: &str, since: Timestamp) -> Vec<(u8, Fate)> {
        let oldest = since.before(CLOCK_TOLERANCE);
        let mut order: Vec<u8> = Vec::new();
        let mut fates: HashMap<u8, Vec<Fate>> = HashMap::new();
        for heard in &self.reports {
            let report = &heard.report;
            let fresh = heard.at >= since && report.sent.is_none_or(|sent| sent.timestamp() >= oldest);
            if fresh && same_number(&report.recipient, to) && self.owner(heard).is_none() {
                if !order.contains(&report.reference) {
                    order.push(report.reference);
                }
                fates.entry(report.reference).or_default().push(report.fate());
            }
        }
        let fate = |reference: u8| best(fates.get(&reference)?.iter().copied()).map(|fate| (reference, fate));
        order.into_iter().filter_map(fate).collect()
    }

    fn forget_job(&mut self, job: &str) {
        self.unfinished.retain(|known| known.job != job);
    }

    fn forget_old(&mut self, now: Timestamp) {
        let oldest = now.before(WINDOW);
        self.parts.retain(|part| part.at >= oldest);
        self.reports.retain(|heard| heard.at >= oldest);
    }
}

/// Reports may repeat: once delivered stays delivered, otherwise the last word counts.
fn best(fates: impl Iterator<Item = Fate>) -> Option<Fate> {
    fates.reduce(Fate::then)
}

/// What the fates of all parts come to; `None` is a part that was accepted and not reported on.
fn verdict(fates: &[Option<Fate>], references: Vec<Option<u8>>) -> Found {
    let worst = fates
        .iter()
        .flatten()
        .copied()
        .filter(|fate| fate.has_failed())
        .min_by_key(|fate| *fate != Fate::FailedForGood);
    if let Some(fate) = worst {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::modem::pdu::{self, Pdu};

    const DANA: &str = "+15551230017";
    /// 2026-11-22T18:14:59-05:00, the time stamp of the reports below.
    const SENT: i64 = 1_795_389_299_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(SENT.saturating_add(seconds.saturating_mul(1000)))
    }

    fn report(reference: u8, status: u8) -> StatusReport {
        let hex = format!("0006{reference:02X}0B915155210310F76211228141950A6211228151700A{status:02X}");
        let Ok(Pdu::Report(report)) = pdu::decode(&hex) else { panic!("{hex}") };
        report
    }

    fn sent(references: &[u8], delivered: bool) -> Found {
        Found::Sent { references: references.iter().copied().map(Some).collect(), delivered }
    }

    #[test]
    fn the_time_stamp_is_what_it_says() {
        assert_eq!(report(1, 0).sent.unwrap().timestamp(), at(0));
    }

    #[test]
    fn a_lost_verdict_is_found_by_its_report() {
        for (name, reports, want) in [
            ("no report", vec![], Found::Unsure),
            ("delivered", vec![report(9, 0x00)], sent(&[9], true)),
            ("forwarded", vec![report(9, 0x01)], sent(&[9], true)),
            ("still trying: the network has it", vec![report(9, 0x20)], sent(&[9], false)),
            ("tried, then delivered", vec![report(9, 0x20), report(9, 0x00)], sent(&[9], true)),
            ("delivered is never taken back", vec![report(9, 0x00), report(9, 0x46)], sent(&[9], true)),
            ("failed for good", vec![report(9, 0x46)], Found::Failed(Fate::FailedForGood)),
            ("given up", vec![report(9, 0x63)], Found::Failed(Fate::GaveUp)),
            ("two texts may be meant", vec![report(9, 0x00), report(10, 0x00)], Found::Unsure),
        ] {
            let mut ledger = Ledger::default();
            ledger.writing("job", DANA, 0, at(0));
            for report in &reports {
                ledger.hear(report.clone(), at(8));
            }
            assert_eq!(ledger.look_up("job", DANA, 1, at(0), at(10)), want, "{name}");
            // After a restart nothing is known of the texts before it: the report may be about any of them.
            let mut ledger = Ledger::default();
            for report in &reports {
                ledger.hear(report.clone(), at(8));
            }
            assert_eq!(ledger.look_up("job", DANA, 1, at(0), at(10)), Found::Unsure, "{name}, after a restart");
        }
    }

    #[test]
    fn a_report_on_another_text_resolves_nothing() {
        let mut ledger = Ledger::default();
        ledger.writing("other", DANA, 0, at(-60));
        ledger.accepted(Some(9));
        ledger.writing("job", DANA, 0, at(0));
        ledger.hear(report(9, 0x00), at(5));
        assert_eq!(ledger.look_up("job", DANA, 1, at(0), at(10)), Found::Unsure, "its text is known");

        let mut ledger = Ledger::default();
        ledger.writing("job", DANA, 0, at(3600));
        ledger.hear(report(9, 0x00), at(3605));
        assert_eq!(ledger.look_up("job", DANA, 1, at(3600), at(3610)), Found::Unsure, "an hour old");
        let mut ledger = Ledger::default();
        ledger.writing("job", "+15559999999", 0, at(0));
        ledger.hear(report(9, 0x00), at(1));
        assert_eq!(ledger.look_up("job", "+15559999999", 1, at(0), at(10)), Found::Unsure, "somebody else's");

        let mut ledger = Ledger::default();
        ledger.writing("other", DANA, 0, at(-20));
        ledger.writing("job", DANA, 0, at(0));
        ledger.hear(report(9, 0x00), at(5));
        assert_eq!(ledger.look_up("job", DANA, 1, at(0), at(10)), Found::Unsure, "two lost verdicts, one report");

        let mut ledger = Ledger::default();
        ledger.writing("first", DANA, 0, at(0));
        ledger.hear(report(9, 0x00), at(5));
        assert_eq!(ledger.look_up("first", DANA, 1, at(0), at(10)), sent(&[9], true));
        ledger.writing("job", DANA, 0, at(4));
        assert_eq!(ledger.look_up("job", DANA, 1, at(4), at(20)), Found::Unsure, "that report is spoken for");
        ledger.hear(report(10, 0x00), at(21));
        assert_eq!(ledger.look_up("job", DANA, 1, at(4), at(22)), sent(&[10], true));
    }

    #[test]
    fn every_part_counts() {
        let mut ledger = Ledger::default();
        ledger.writing("job", DANA, 0, at(0));
        ledger.accepted(Some(1));
        ledger.writing("job", DANA, 1, at(3));
        assert_eq!(ledger.look_up("job", DANA, 2, at(0), at(20)), Found::Unsure);
        ledger.hear(report(2, 0x00), at(9));
        assert_eq!(ledger.look_up("job", DANA, 2, at(0), at(20)), sent(&[1, 2], false));
        ledger.hear(report(1, 0x00), at(10));
        assert_eq!(ledger.look_up("job", DANA, 2, at(0), at(20)), sent(&[1, 2], true));
        assert_eq!(ledger.look_up("job", DANA, 3, at(0), at(20)), Found::Unsure, "the third was never written");
        ledger.hear(report(1, 0x46), at(10));
        assert_eq!(ledger.look_up("job", DANA, 2, at(0), at(700)), Found::Unsure, "forgotten after ten minutes");
    }

    #[test]
    fn a_late_reference_says_that_the_network_has_it() {
        let mut ledger = Ledger::default();
        ledger.writing("job", DANA, 0, at(0));
        ledger.late_reference(Some(4), at(9));
        assert_eq!(ledger.look_up("job", DANA, 1, at(0), at(10)), sent(&[4], false));
        ledger.late_reference(Some(5), at(9));
        assert_eq!(ledger.look_up("job", DANA, 1, at(0), at(10)), sent(&[4], false), "only one can be late");
    }

    #[test]
    fn a_retry_goes_on_where_the_last_try_stopped() {
        let mut ledger = Ledger::default();
        ledger.remember("job", "long text", &[Some(1), None], 3);
        assert_eq!(ledger.accepted_before("job", "long text"), [Some(1), None]);
        assert!(ledger.accepted_before("job", "(repeat) long text").is_empty(), "another text starts afresh");
        ledger.remember("job", "long text", &[Some(1), None, Some(3)], 3);
        assert!(ledger.accepted_before("job", "long text").is_empty(), "finished");
    }

    #[test]
    fn numbers_are_compared_by_their_end() {
        for (one, other, want) in [
            ("+15551230017", "5551230017", true),
            ("+447700900123", "07700900123", true),
            ("+15551230017", "+15551230018", false),
            ("12345", "12345", false),
            ("", "", false),
        ] {
            assert_eq!(same_number(one, other), want, "{one} {other}");
        }
    }
}
