//! What may be spent on language models.

use super::{Llm, Problems, raw};

/// What may be spent, in the currency of the models' prices.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spending {
    /// On all models together, from midnight to midnight.
    pub llm_per_day: Option<f64>,
    /// The same from the first of a month to the next.
    pub llm_per_month: Option<f64>,
    /// What the currency is called where amounts are shown.
    pub currency: String,
}

impl Spending {
    pub(super) fn of(raw: raw::Spending, problems: &mut Problems) -> Self {
        for (key, cap) in [("llm-per-day", raw.llm_per_day), ("llm-per-month", raw.llm_per_month)] {
            if cap.is_some_and(|cap| !cap.is_finite() || cap < 0.0) {
                problems.error(format!("spending.{key}"), "an amount of money, such as 2.50");
            }
        }
        if let (Some(day), Some(month)) = (raw.llm_per_day, raw.llm_per_month)
            && month < day
        {
            problems.warn("spending.llm-per-month", "less than spending.llm-per-day, which is of no use then");
        }
        Self {
            llm_per_day: raw.llm_per_day,
            llm_per_month: raw.llm_per_month,
            currency: raw.currency.map(|name| name.trim().to_owned()).unwrap_or_default(),
        }
    }

    /// Whether it can be told what is spent.
    pub(super) fn look_at(&self, models: &[Llm], problems: &mut Problems) {
        if self.llm_per_day.is_none() && self.llm_per_month.is_none() {
            return;
        }
        if models.iter().all(|model| model.price.is_none()) {
            let words = "of no use: no model has an input-price and an output-price, so none costs anything";
            problems.warn("spending", words);
            return;
        }
        for (nth, _) in
            models.iter().enumerate().filter(|(_, model)| model.price.is_none() && !model.base_url.is_local())
        {
            let words = "not set, while [spending] limits what models cost: this one counts as free";
            problems.warn(format!("llm[{nth}].input-price"), words);
        }
    }
}
