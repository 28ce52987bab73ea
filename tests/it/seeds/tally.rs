//! How often each thing happened: a run that never met a fault has not shown that it survives it.

use std::collections::BTreeMap;
use std::fmt;

use super::effects::Met;

/// What befalls the desk itself, besides what its effects meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Blow {
    /// One transaction.
    Step,
    Lead,
    Duplicate,
    GateFailure,
    /// A channel is in trouble for minutes to days.
    Outage,
    /// Between the commit that holds the attempt and the effect.
    DeathBeforeEffect,
    DeathInEffect,
    DeathBeforeSettle,
    CommitFailed,
    /// A report came after its job had been taken from it.
    LateReportDropped,
    ClockJump,
    /// A network reported on a text.
    ReportedDelivered,
    ReportedFailed,
    /// Nobody had claimed a lead, and the CRM got a task.
    Task,
    /// Somebody on call typed something.
    Typed,
    /// Somebody took a lead.
    Claimed,
}

impl Blow {
    const ALL: [Self; 16] = [
        Self::Step,
        Self::Lead,
        Self::Duplicate,
        Self::GateFailure,
        Self::Outage,
        Self::DeathBeforeEffect,
        Self::DeathInEffect,
        Self::DeathBeforeSettle,
        Self::CommitFailed,
        Self::LateReportDropped,
        Self::ClockJump,
        Self::ReportedDelivered,
        Self::ReportedFailed,
        Self::Task,
        Self::Typed,
        Self::Claimed,
    ];
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    met: BTreeMap<Met, u64>,
    blows: BTreeMap<Blow, u64>,
}

impl Tally {
    pub(super) fn met(&mut self, met: Met) {
        *self.met.entry(met).or_default() += 1;
    }

    pub(super) fn blows(&mut self, blow: Blow, times: u64) {
        *self.blows.entry(blow).or_default() += times;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (met, n) in &other.met {
            *self.met.entry(*met).or_default() += n;
        }
        for (blow, n) in &other.blows {
            self.blows(*blow, *n);
        }
    }

    pub(super) fn count(&self, blow: Blow) -> u64 {
        self.blows.get(&blow).copied().unwrap_or(0)
    }

    fn lines(&self) -> impl Iterator<Item = (String, u64)> {
        let blows = Blow::ALL.into_iter().map(|blow| (format!("{blow:?}"), self.count(blow)));
        let met = Met::ALL.into_iter().map(|met| (format!("{met:?}"), self.met.get(&met).copied().unwrap_or(0)));
        blows.chain(met)
    }

    /// What happened less often than `times`.
    pub(super) fn rarer_than(&self, times: u64) -> Vec<String> {
        self.lines().filter(|(_, n)| *n < times).map(|(name, n)| format!("{name}: {n}")).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().try_for_each(|(name, n)| writeln!(f, "{n:>8} {name}"))
    }
}
