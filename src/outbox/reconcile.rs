//! Leads that never arrived: each night, after each start and when an operator asks, each CRM is asked which records were
//! made or converted since the last time, and what no lead tells of is taken in as if its webhook had come.
//!
//! A look is a row and a job for each page. A page's leads, its counts and the job of the next page are one transaction, so
//! that a look goes on where it was when the power went, and takes nothing in twice.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::model::{Channel, CrmRecord, FoundRecord, Job, LeadId, NewJob, Page, Priority, Reconcile, Task, Timestamp};
use crate::store::{Counts, NewReconcile, ReconcileRow, ReconcileState, StoreError, Tx, Why};

use super::Desk;

/// A webhook that is on its way is not overtaken.
const YOUNGEST: Duration = Duration::from_mins(1);
/// Looks overlap: a CRM's index lags, and its clock isn't ours.
const OVERLAP: Duration = Duration::from_hours(1);
/// How far the CRM's clock may be behind ours.
const SLACK: Duration = Duration::from_mins(5);
/// A start takes a look soon, but a desk that starts again and again takes one in this time.
const AFTER_START: Duration = Duration::from_secs(20);
const BETWEEN_STARTS: Duration = Duration::from_mins(15);
/// Between two pages: a search may be asked five times a second where it has limits of its own.
const PAGE_PAUSE: Duration = Duration::from_millis(250);
/// Leads of longer ago are nobody's emergency.
const OLDEST: Duration = Duration::from_hours(31 * 24);

/// Alerts about looks are named by these and the channel.
const FAILED: &str = "reconcile-failed:";
const MISSED: &str = "reconcile:";

/// Where leads are looked for, and when.
#[derive(Debug, Clone)]
pub struct ReconcileSettings {
    /// The CRMs, each with the source whose leads are found in it.
    pub channels: BTreeMap<Channel, String>,
    /// When it is done each night,
    pub nightly_at: Time,
    /// on the clock of this zone.
    pub zone: TimeZone,
}

impl Default for ReconcileSettings {
    /// Nowhere.
    fn default() -> Self {
        Self { channels: BTreeMap::new(), nightly_at: Time::midnight(), zone: TimeZone::UTC }
    }
}

impl Desk {
    /// The box knows what time it is: from now on there are looks, and soon one into each CRM, because the desk has started.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn clock_is_right(&mut self, tx: Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        tx.keep_first_start(now)?;
        self.knows_time = true;
        for channel in self.settings.reconcile.channels.keys() {
            let last = tx.last_reconcile(channel, false, now)?.map(|look| look.started_at);
            let again_at = last.map_or(now, |at| at.after(BETWEEN_STARTS));
            self.reconcile_at.insert(channel.clone(), again_at.max(now.after(AFTER_START)));
        }
        Ok(())
    }

    /// Takes the looks whose time has come.
    pub(super) fn sweep_reconciles(&mut self, tx: Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        if !self.knows_time {
            return Ok(());
        }
        for channel in self.settings.reconcile.channels.keys().cloned().collect::<Vec<_>>() {
            let Some(why) = self.is_due(tx, &channel, now)? else {
                continue;
            };
            if is_running(tx, &channel, now)?.is_none() {
                // Without a window there is nothing to make up for.
                drop(self.look(tx, &channel, why, None, false, now)?);
                self.reconcile_at.remove(&channel);
            }
        }
        Ok(())
    }

    /// Why it is time for a look. One after a start makes up for the night, too.
    fn is_due(&self, tx: Tx<'_>, channel: &Channel, now: Timestamp) -> Result<Option<Why>, StoreError> {
        let Some(at) = self.reconcile_at.get(channel) else {
            let last = tx.last_reconcile(channel, false, now)?.map(|look| look.started_at);
            let is_night = self.last_night(now).is_some_and(|night| last.is_none_or(|last| last < night));
            return Ok(is_night.then_some(Why::Nightly));
        };
        // Further ahead than that it was set by a clock that was set back since.
        let is_due = *at <= now || *at > now.after(BETWEEN_STARTS).after(AFTER_START);
        Ok(is_due.then_some(Why::Start))
    }

    /// When it was last the hour of the nightly look.
    fn last_night(&self, now: Timestamp) -> Option<Timestamp> {
        let settings = &self.settings.reconcile;
        let local = jiff::Timestamp::from_millisecond(now.as_millis()).ok()?.to_zoned(settings.zone.clone());
        let today = local.date().to_datetime(settings.nightly_at);
        let night = if local.datetime() >= today { today } else { today.yesterday().ok()? };
        let at = night.to_zoned(settings.zone.clone()).ok()?.timestamp();
        Some(Timestamp::from_millis(at.as_millisecond()))
    }

    /// Looks into one CRM, or into all: the looks, or why there is none.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn reconcile(
        &self,
        tx: Tx<'_>,
        channel: Option<&Channel>,
        since: Option<Timestamp>,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<Result<Vec<LeadId>, String>, StoreError> {
        let wanted = match self.wanted(channel) {
            Ok(wanted) => wanted,
            Err(reason) => return Ok(Err(reason)),
        };
        for channel in &wanted {
            if let Some(running) = is_running(tx, channel, now)? {
                return Ok(Err(format!("one runs already on {channel}, since {}", running.started_at)));
            }
        }
        let mut looks = Vec::new();
        for channel in wanted {
            match self.look(tx, channel, Why::Operator, since, dry_run, now)? {
                Ok(look) => looks.push(look),
                // It is the same for all of them: whether there is a window hangs on the clock.
                Err(reason) => return Ok(Err(reason)),
            }
        }
        Ok(Ok(looks))
    }

    /// A record of a CRM is never taken in, because its person was erased; or why that can't be said.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn forget(
        &self,
        tx: Tx<'_>,
        channel: Option<&Channel>,
        record: &str,
        now: Timestamp,
    ) -> Result<Result<(), String>, StoreError> {
        match self.wanted(channel).as_deref() {
            Ok([channel]) => {
                let record = CrmRecord { channel: (*channel).clone(), id: record.to_owned() };
                Ok(Ok(tx.forget_record(&record, now)?))
            }
            Ok(_) => Ok(Err("several CRMs are looked into: say in which this record is".to_owned())),
            Err(reason) => Ok(Err(reason.clone())),
        }
    }

    /// The CRMs that are meant: this one, or all that are looked into.
    fn wanted(&self, channel: Option<&Channel>) -> Result<Vec<&Channel>, String> {
        let known = self.settings.reconcile.channels.keys();
        let wanted: Vec<&Channel> = known.filter(|known| channel.is_none_or(|wanted| *known == wanted)).collect();
        if wanted.is_empty() {
            let which = channel.map_or("no CRM has a".to_owned(), |channel| format!("{channel} has no"));
            return Err(format!("{which} key `reconcile` in the configuration that the desk runs with"));
        }
        Ok(wanted)
    }

    /// The row and its first page's job.
    fn look(
        &self,
        tx: Tx<'_>,
        channel: &Channel,
        why: Why,
        since: Option<Timestamp>,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<Result<LeadId, String>, StoreError> {
        let Some(source) = self.settings.reconcile.channels.get(channel).cloned() else {
            return Ok(Err(format!("{channel} is not configured")));
        };
        let Some(first) = tx.first_start()? else {
            return Ok(Err("this box has not known what time it is yet (timedatectl)".to_owned()));
        };
        let floor = first.max(now.before(OLDEST));
        let last = tx.last_reconcile(channel, true, now)?.map_or(floor, |last| last.until.before(OVERLAP));
        // A look that takes in closes the gap since the last one, however short it is asked to be.
        let from = since.map_or(last, |since| if dry_run { since } else { since.min(last) }).max(floor);
        let until = now.before(YOUNGEST);
        if from >= until {
            return Ok(Err(format!("nothing can have been missed yet: the desk looks for leads since {floor}")));
        }
        let new = NewReconcile { channel: channel.clone(), source, why, from, until, dry_run };
        let id = tx.add_reconcile(&new, now)?;
        tracing::info!(reconcile = %id, %channel, %from, %until, dry_run, ?why, "looks for leads that never arrived");
        self.next_page(tx, id, channel, Reconcile { from, until, after: None }, now, now)?;
        Ok(Ok(id))
    }

    fn next_page(
        &self,
        tx: Tx<'_>,
        look: LeadId,
        channel: &Channel,
        page: Reconcile,
        due_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let job = NewJob {
            lead: look,
            task: Task::Reconcile(page),
            channel: channel.clone(),
            priority: Priority::Low,
            due_at,
            deadline_at: now.after(self.settings.opening.read_give_up_after),
        };
        tx.insert_job(&job, now).map(drop)
    }

    /// A page came: its leads are taken in, and the next page is asked for.
    pub(super) fn page_came(&self, tx: Tx<'_>, job: &Job, page: &Page, now: Timestamp) -> Result<(), StoreError> {
        let Task::Reconcile(asked) = &job.task else { return Ok(()) };
        let Some(look) = tx.reconcile(job.lead)? else { return Ok(()) };
        let counts = self.sort(tx, &look, &page.records, now)?;
        tx.count_page(look.id, &counts, page.total)?;
        match &page.after {
            // A cursor that stands still would be read for ever.
            Some(after) if asked.after.as_ref() != Some(after) => {
                let next = Reconcile { after: Some(after.clone()), ..asked.clone() };
                self.next_page(tx, look.id, &look.channel, next, now.after(PAGE_PAUSE), now)
            }
            Some(_) | None => look_ended(tx, look.id, now),
        }
    }

    /// Takes in what never arrived, unless the look is a dry run.
    fn sort(
        &self,
        tx: Tx<'_>,
        look: &ReconcileRow,
        records: &[FoundRecord],
        now: Timestamp,
    ) -> Result<Counts, StoreError> {
        let mut counts = Counts { found: count(records.len()), ..Counts::default() };
        let unknown = tx.unknown_records((&look.channel, &look.source), records, SLACK)?;
        let floor = tx.first_start()?;
        counts.known = counts.found.saturating_sub(count(unknown.len()));
        for found in unknown {
            let record = found.lead.record_id.as_deref().unwrap_or_default();
            if floor.is_some_and(|floor| found.made_at < floor) {
                counts.older = counts.older.saturating_add(1);
            } else if found.lead.message.is_empty() {
                counts.empty = counts.empty.saturating_add(1);
            } else if tx.is_erased(&look.channel, record)? {
                counts.erased = counts.erased.saturating_add(1);
            } else if look.dry_run {
                tx.add_find(look.id, found, None)?;
                counts.missed = counts.missed.saturating_add(1);
            } else {
                let lead = tx.take_in(look, found, &self.settings.opening, now)?;
                tx.add_find(look.id, found, Some(lead))?;
                tracing::warn!(lead_id = %lead, record, made_at = %found.made_at, "a lead never arrived: it was found");
                counts.missed = counts.missed.saturating_add(1);
            }
        }
        Ok(counts)
    }
}

/// All pages were read.
fn look_ended(tx: Tx<'_>, id: LeadId, now: Timestamp) -> Result<(), StoreError> {
    tx.set_reconcile(id, ReconcileState::Done, None, now)?;
    let Some(look) = tx.reconcile(id)? else { return Ok(()) };
    let Counts { found, known, empty, erased, older, missed } = look.counts;
    tracing::info!(reconcile = %id, channel = %look.channel, found, known, empty, erased, older, missed, "has looked for leads");
    if look.dry_run {
        return Ok(());
    }
    tx.clear_alert(&failed_key(&look.channel), now)?;
    if missed == 0 { tx.clear_alert(&missed_key(&look.channel), now) } else { tell_missed(tx, &look, now) }
}

/// People wonder why nobody was told.
fn tell_missed(tx: Tx<'_>, look: &ReconcileRow, now: Timestamp) -> Result<(), StoreError> {
    let text = format!("{} leads had never arrived and were found in {}", look.counts.missed, look.channel);
    let cure = format!(
        "see why their webhooks didn't come: the tunnel, or source {} in the CRM; it is over when a look finds none",
        look.source
    );
    tx.alert(&missed_key(&look.channel), &text, &cure, now)
}

/// The look into this CRM that runs. One without an open page can't go on: it has failed.
fn is_running(tx: Tx<'_>, channel: &Channel, now: Timestamp) -> Result<Option<ReconcileRow>, StoreError> {
    let Some(look) = tx.running_reconcile(channel)? else { return Ok(None) };
    if tx.has_open(look.id, "reconcile")? {
        return Ok(Some(look));
    }
    tx.set_reconcile(look.id, ReconcileState::Failed, Some("its next page is gone"), now)?;
    Ok(None)
}

/// A page's job is dead: the look has failed, and its window is looked at again by the next one.
pub(super) fn look_died(tx: Tx<'_>, job: &Job, reason: &str, now: Timestamp) -> Result<(), StoreError> {
    tx.set_reconcile(job.lead, ReconcileState::Failed, Some(reason), now)?;
    if let Some(look) = tx.reconcile(job.lead)?.filter(|look| look.counts.missed > 0 && !look.dry_run) {
        tell_missed(tx, &look, now)?;
    }
    let text = format!("leads that never arrived can't be looked for in {}: {reason}", job.channel);
    let cure = "mend what `nightdesk dlq list --stage crm` tells, then `nightdesk reconcile`";
    tx.alert(&failed_key(&job.channel), &text, cure, now)
}

/// A dead page is asked for again, unless a newer look runs: `false`.
pub(super) fn look_again(tx: Tx<'_>, job: &Job, now: Timestamp) -> Result<bool, StoreError> {
    if is_running(tx, &job.channel, now)?.is_some() {
        return Ok(false);
    }
    tx.set_reconcile(job.lead, ReconcileState::Running, None, now)?;
    Ok(true)
}

/// Alerts about a CRM that isn't looked into any more.
pub(super) fn forget_alerts(
    tx: Tx<'_>,
    alert: &str,
    looked_into: impl Fn(&Channel) -> bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let channel = alert.strip_prefix(FAILED).or_else(|| alert.strip_prefix(MISSED));
    match channel.map(|channel| Channel::stored(channel.to_owned())) {
        Some(channel) if !looked_into(&channel) => tx.clear_alert(alert, now),
        Some(_) | None => Ok(()),
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn failed_key(channel: &Channel) -> String {
    format!("{FAILED}{channel}")
}

fn missed_key(channel: &Channel) -> String {
    format!("{MISSED}{channel}")
}

#[cfg(test)]
mod tests;
