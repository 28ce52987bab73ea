//! What language models may cost: a claim reserves the most that its try can cost, its report replaces that by what it did
//! cost, and a model that the rest of the day's or the month's money can't pay for is passed over.
//!
//! Nothing is kept but the attempts' own rows, so that a restart loses nothing and counts nothing twice: an attempt whose
//! end nobody saw stays at its most. Days and months are those of the business's time zone.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::model::{Channel, Report, Timestamp, Work};
use crate::store::{StoreError, Tx};

use super::Desk;
use super::models::TIMER;

/// Percent of the money, from which on a person is told.
const TELL_AT: u64 = 80;
/// The words by which money that is spent is told from money that nearly is.
const IS_SPENT: &str = "money for models is spent: ";
/// Alerts about money are named by this and the period.
const ALERTS: &str = "money:";
/// A day, where the calendar has no answer.
const DAY: Duration = Duration::from_hours(24);

/// What all models may cost together, in millionths of the currency of their prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// From one midnight to the next.
    pub per_day: Option<u64>,
    /// From the first of a month to the next.
    pub per_month: Option<u64>,
    /// What the currency is called; may be empty.
    pub currency: String,
    /// Where days begin.
    pub zone: TimeZone,
}

impl Default for Budget {
    /// As much as they cost.
    fn default() -> Self {
        Self { per_day: None, per_month: None, currency: String::new(), zone: TimeZone::UTC }
    }
}

/// A day or a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// `day` or `month`.
    pub name: &'static str,
    /// When it began.
    pub from: Timestamp,
    /// When the next begins.
    pub until: Timestamp,
    /// What may be spent in it.
    pub cap: Option<u64>,
}

/// Whether a model can be paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purse {
    /// It can.
    Ready,
    /// Perhaps, once it is known what the questions that are under way did cost.
    Tied,
    /// Not before then.
    Empty(Timestamp),
}

/// What was spent in the day and the month that begin then, as this transaction sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sum {
    from: Timestamp,
    micros: u64,
}

/// Whether a question that may cost `reserve` can be paid, when `spent` was, of which `tied` may come back.
fn judge(period: &Period, spent: u64, tied: u64, reserve: u64) -> Purse {
    let fits = |spent: u64| period.cap.is_none_or(|cap| spent.saturating_add(reserve) <= cap);
    match (fits(spent), fits(spent.saturating_sub(tied))) {
        (true, _) => Purse::Ready,
        (false, true) => Purse::Tied,
        (false, false) => Purse::Empty(period.until),
    }
}

impl Budget {
    /// The day and the month that `now` is in.
    #[must_use]
    pub fn periods(&self, now: Timestamp) -> [Period; 2] {
        let local = jiff::Timestamp::from_millisecond(now.as_millis()).ok().map(|at| at.to_zoned(self.zone.clone()));
        let stamp = |at: &jiff::Zoned| Timestamp::from_millis(at.timestamp().as_millisecond());
        let span = |from: Option<jiff::Zoned>, until: Option<jiff::Zoned>| {
            (from.as_ref().map_or(now.before(DAY), stamp), until.as_ref().map_or(now.after(DAY), stamp))
        };
        let start = |at: jiff::Zoned| at.start_of_day().ok();
        let (today, tomorrow) = (local.clone().and_then(start), local.as_ref().and_then(|at| at.tomorrow().ok()));
        let first = local.as_ref().and_then(|at| at.first_of_month().ok()).and_then(start);
        let next = local.and_then(|at| at.last_of_month().ok()?.tomorrow().ok()).and_then(start);
        let (day, month) = (span(today, tomorrow.and_then(start)), span(first, next));
        [
            Period { name: "day", from: day.0, until: day.1, cap: self.per_day },
            Period { name: "month", from: month.0, until: month.1, cap: self.per_month },
        ]
    }

    /// An amount in words.
    #[must_use]
    pub fn words(&self, micros: u64) -> String {
        let cents = micros.saturating_add(5_000).checked_div(10_000).unwrap_or_default();
        let (whole, rest) = (cents.checked_div(100).unwrap_or_default(), cents.checked_rem(100).unwrap_or_default());
        let gap = if self.currency.is_empty() { "" } else { " " };
        format!("{whole}.{rest:02}{gap}{}", self.currency)
    }
}

impl Desk {
    /// Whether models may cost only so much.
    pub(super) const fn is_capped(&self) -> bool {
        let budget = &self.settings.models.budget;
        budget.per_day.is_some() || budget.per_month.is_some()
    }

    /// What questions that are under way hold back and may give back.
    fn tied(&self) -> u64 {
        let held = |(model, reserve): (&Channel, &u64)| {
            reserve.saturating_mul(u64::try_from(self.busy_on(model)).unwrap_or(u64::MAX))
        };
        self.settings.models.reserves.iter().map(held).fold(0, u64::saturating_add)
    }

    /// What was spent in a period. A transaction sums it up once.
    fn spent(&self, tx: Tx<'_>, period: &Period) -> Result<u64, StoreError> {
        let mut known = self.sums.take();
        if let Some(sum) = known.iter().find(|sum| sum.from == period.from).copied() {
            self.sums.set(known);
            return Ok(sum.micros);
        }
        let micros = tx.spent_since(period.from)?;
        known.push(Sum { from: period.from, micros });
        self.sums.set(known);
        Ok(micros)
    }

    /// What was summed up is of another transaction.
    pub(super) fn sum_up_anew(&self) {
        self.sums.take();
    }

    /// The most that a try of a model may cost, where that is bounded.
    fn bounded(&self, model: &Channel) -> Option<u64> {
        self.settings.models.reserves.get(model).copied().filter(|reserve| *reserve > 0 && self.is_capped())
    }

    /// Whether a model can be paid for; one without a price costs nothing.
    pub(super) fn purse(&self, tx: Tx<'_>, model: &Channel, now: Timestamp) -> Result<Purse, StoreError> {
        let models = &self.settings.models;
        let Some(reserve) = self.bounded(model) else { return Ok(Purse::Ready) };
        let mut purse = Purse::Ready;
        for period in models.budget.periods(now).iter().filter(|period| period.cap.is_some()) {
            purse = purse.max(judge(period, self.spent(tx, period)?, self.tied(), reserve));
        }
        Ok(purse)
    }

    /// Why and until when a model isn't paid for; `None`: it is.
    pub(super) fn unpaid(
        &self,
        tx: Tx<'_>,
        model: &Channel,
        now: Timestamp,
    ) -> Result<Option<(String, Timestamp)>, StoreError> {
        let models = &self.settings.models;
        let Some(reserve) = self.bounded(model) else { return Ok(None) };
        let mut found = None;
        for period in models.budget.periods(now).iter().filter(|period| period.cap.is_some()) {
            let (spent, tied) = (self.spent(tx, period)?, self.tied());
            if let Purse::Empty(until) = judge(period, spent, tied, reserve) {
                found = Some((self.is_spent(period, spent.saturating_sub(tied), reserve), until));
            }
        }
        Ok(found)
    }

    fn is_spent(&self, period: &Period, spent: u64, reserve: u64) -> String {
        let budget = &self.settings.models.budget;
        let (spent_words, cap) = (budget.words(spent), budget.words(period.cap.unwrap_or_default()));
        let dear =
            if spent_words == cap { String::new() } else { format!(" (a try may cost {})", budget.words(reserve)) };
        format!("the {}'s {IS_SPENT}{spent_words} of {cap}{dear}", period.name)
    }

    /// A try of a model that has a price begins.
    pub(super) fn reserve(&self, tx: Tx<'_>, work: &Work) -> Result<(), StoreError> {
        match self.settings.models.reserves.get(&work.job.channel) {
            Some(reserve) => {
                self.sum_up_anew();
                tx.reserve_cost(work.job.id, work.attempt, *reserve)
            }
            None => Ok(()),
        }
    }

    /// A try of a model has ended: what it did cost takes the place of what it might have.
    pub(super) fn pay(&self, tx: Tx<'_>, work: &Work, report: &Report, now: Timestamp) -> Result<(), StoreError> {
        if !self.settings.models.reserves.contains_key(&work.job.channel) {
            return Ok(());
        }
        self.sum_up_anew();
        if let Some(cost) = report.cost_micros {
            tx.settle_cost(work.job.id, work.attempt, cost)?;
        }
        if self.is_capped() { self.tend_money(tx, now) } else { Ok(()) }
    }

    /// Why no model at all can be paid for, if none can.
    pub(super) fn all_unpaid(&self, tx: Tx<'_>, now: Timestamp) -> Result<Option<String>, StoreError> {
        let mut why = None;
        for model in &self.settings.models.order {
            match self.unpaid(tx, model, now)? {
                Some((words, _)) => why = why.or(Some(words)),
                None => return Ok(None),
            }
        }
        Ok(why)
    }

    /// Where no model can be paid for, a person is told of the leads that wait for one now and not at their deadline.
    pub(super) fn hasten_unpaid(&self, tx: Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        if !self.is_capped() {
            return Ok(());
        }
        let Some(why) = self.all_unpaid(tx, now)? else { return Ok(()) };
        for model in &self.settings.models.order {
            let hastened = tx.hasten_waiting_on(model, TIMER, now)?;
            if hastened > 0 {
                tracing::warn!(channel = %model, leads = hastened, why, "a person is told of leads without a label");
            }
        }
        Ok(())
    }

    /// Raises the alerts about money, or takes them back.
    pub(super) fn tend_money(&self, tx: Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        for period in self.settings.models.budget.periods(now) {
            self.tend_period(tx, &period, now)?;
        }
        Ok(())
    }

    fn tend_period(&self, tx: Tx<'_>, period: &Period, now: Timestamp) -> Result<(), StoreError> {
        let models = &self.settings.models;
        let key = format!("{ALERTS}{}", period.name);
        let told = tx.alert_text(&key)?;
        let least = models.reserves.values().filter(|reserve| **reserve > 0).min();
        let (Some(cap), Some(least)) = (period.cap, least) else {
            return if told.is_some() { tx.clear_alert(&key, now) } else { Ok(()) };
        };
        let (spent, tied) = (self.spent(tx, period)?, self.tied());
        let sure = spent.saturating_sub(tied);
        let was_spent = told.as_ref().map(|told| told.contains(IS_SPENT));
        let raise = format!("if so much is meant, raise llm-per-{} in [spending] and restart", period.name);
        if matches!(judge(period, spent, tied, *least), Purse::Empty(_)) {
            if was_spent == Some(true) {
                return Ok(());
            }
            let text = self.is_spent(period, sure, *least);
            let cure = format!("leads wait until the {} is over, or for a model without a price; {raise}", period.name);
            // A new alert is a line in the log; that it was near and is spent now deserves one as well.
            if was_spent == Some(false) {
                tracing::error!(alert = key, cure, "{text}");
            }
            return tx.alert(&key, &text, &cure, now);
        }
        let is_near = u128::from(sure).saturating_mul(100) >= u128::from(cap).saturating_mul(TELL_AT.into());
        match (is_near, was_spent) {
            (true, None | Some(true)) => {
                let (spent, cap) = (models.budget.words(sure), models.budget.words(cap));
                let text = format!("{TELL_AT} % of the {}'s money for models has gone: {spent} of {cap}", period.name);
                tx.alert(&key, &text, &format!("see on what (v_spend); {raise}"), now)
            }
            (false, Some(_)) => tx.clear_alert(&key, now),
            (true, Some(false)) | (false, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
