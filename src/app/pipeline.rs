//! The pipeline's two effects: sanitise and classify, and the timer that doesn't wait for the model.
//!
//! Both clean the message first, so that a person who is told of an unclassified lead can read it. A message of which
//! nothing is left goes to a person: a model would only guess.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;

use crate::classify::Classifier;
use crate::failpoint;
use crate::model::{Done, Effect, Failure, Fault, Lead, Outcome, Reading, Report, Task, Work};
use crate::sanitize;

/// Sanitise, then ask this model.
pub(super) struct Pipeline {
    pub(super) classifier: Classifier,
    pub(super) reader: Reader,
}

/// What reads a lead. The tables of all numbering plans are loaded at the first number, not before.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    /// Where a number without a country is from.
    pub(super) country: String,
    pub(super) sanitize: Arc<sanitize::Settings>,
}

impl Effect for Pipeline {
    fn perform<'a>(&'a self, work: &'a Work) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>> {
        Box::pin(async move {
            let reading = self.reader.read(&work.lead);
            let mut work = work.clone();
            work.lead.phone.clone_from(&reading.phone);
            let mut report = if reading.message.is_empty() {
                let failure = Failure::new(Fault::Permanent, "nothing is left of the message after cleaning");
                let failure = failure.cure("read the raw payload: `nightdesk leads show`");
                // No other model would be asked either.
                let failure = Failure { final_everywhere: true, ..failure };
                Report { cost_micros: Some(0), ..Report::of(Outcome::Failed(failure)) }
            } else {
                self.classifier.classify(&reading.message, &work).await
            };
            for call in &report.llm_calls {
                tracing::info!(
                    provider = call.provider,
                    model = call.model,
                    label = call.label.map(tracing::field::display),
                    latency_ms = call.latency.as_millis(),
                    prompt = call.user_prompt,
                    answer = call.answer,
                    error = call.error,
                    "model asked"
                );
            }
            report.reading = Some(reading);
            report
        })
    }
}

/// The desk's timers. Their time has come when they are claimed; what that means is the outbox's business.
pub(super) struct Timers {
    pub(super) reader: Reader,
}

impl Effect for Timers {
    fn perform<'a>(&'a self, work: &'a Work) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>> {
        Box::pin(async move {
            let unread = matches!(work.job.task, Task::ClassifyDeadline {})
                && work.lead.message.is_none()
                && !work.lead.raw_message.is_empty();
            // A text that brings the program down must not keep a person from being told of the lead.
            let reading = if unread && work.job.crashes == 0 {
                catch_unwind(AssertUnwindSafe(|| self.reader.read(&work.lead))).ok()
            } else {
                None
            };
            Report { reading, ..Report::of(Outcome::Done(Done::Timer)) }
        })
    }
}

impl Reader {
    fn read(&self, lead: &Lead) -> Reading {
        failpoint::reach(&lead.raw_message);
        let reading = self.reading(&lead.raw_message, lead.phone_text.as_deref());
        tracing::info!(clean_text = reading.message, "message cleaned");
        reading
    }

    /// What is read from a message and a number as they came.
    pub(super) fn reading(&self, raw_message: &str, phone_text: Option<&str>) -> Reading {
        let message = sanitize::clean(raw_message, &self.sanitize).to_string();
        let phone = phone_text.and_then(|text| sanitize::phone(text, &self.country));
        Reading { message, phone }
    }
}
