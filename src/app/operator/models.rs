//! What the command line is told of models: what they have cost.

use crate::config::Config;
use crate::control::SpendingStatus;
use crate::model::Timestamp;
use crate::outbox::Budget;
use crate::store::{Reader, StoreError};

use super::super::wiring;

/// The budget, where a model has a price.
pub(super) fn priced(config: &Config) -> Option<Budget> {
    config.llm.iter().any(|llm| llm.price.is_some()).then(|| wiring::budget(config))
}

/// What models have cost by now.
pub(super) fn spent(budget: &Budget, reader: &Reader, now: Timestamp) -> Result<SpendingStatus, StoreError> {
    let [day, month] = budget.periods(now);
    reader.look(|tx| {
        Ok(SpendingStatus {
            today_micros: tx.spent_since(day.from)?,
            per_day_micros: day.cap,
            month_micros: tx.spent_since(month.from)?,
            per_month_micros: month.cap,
            currency: budget.currency.clone(),
        })
    })
}

/// What models have cost by now, of a desk that doesn't run; `None` where none has a price.
///
/// # Errors
/// When the database can't be read.
pub fn spending(config: &Config, reader: &Reader, now: Timestamp) -> Result<Option<SpendingStatus>, StoreError> {
    priced(config).map(|budget| spent(&budget, reader, now)).transpose()
}
