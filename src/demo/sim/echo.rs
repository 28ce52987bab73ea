//! What a vendor posts of its own accord: a webhook for what was just written to it.
//!
//! Sends once, on a task of its own, so that the vendor answers the write meanwhile. What came of each is kept.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::lock;
use crate::wire::{Body, Call, Wire};

/// Nobody answers that slowly here.
const WITHIN: Duration = Duration::from_secs(10);

/// Posts to one address. Clones share what came of it.
#[derive(Debug, Clone)]
pub struct Echo {
    url: String,
    wire: Wire,
    /// One for each that was sent: the status, once there is one.
    answers: Arc<Mutex<Vec<Option<u16>>>>,
}

impl Echo {
    /// Posts there.
    #[must_use]
    pub fn to(url: impl Into<String>) -> Self {
        Self { url: url.into(), wire: Wire::new(), answers: Arc::default() }
    }

    /// Posts this, XML or JSON as its first character tells, and doesn't wait for the answer.
    pub fn send(&self, headers: Vec<(&'static str, String)>, body: String) {
        let content_type = if body.starts_with('<') { "text/xml; charset=UTF-8" } else { "application/json" };
        let call = Call::post(&self.url).body(Body { content_type, text: body });
        let call = headers.into_iter().fold(call, |call, (name, value)| call.header(name, value));
        let number = {
            let mut answers = lock(&self.answers);
            answers.push(None);
            answers.len().saturating_sub(1)
        };
        let (wire, answers) = (self.wire.clone(), Arc::clone(&self.answers));
        tokio::spawn(async move {
            let status = wire.send(&call, WITHIN).await.map_or(0, |answer| answer.status);
            if let Some(answer) = lock(&answers).get_mut(number) {
                *answer = Some(status);
            }
        });
    }

    /// The status of each that was sent so far: 0 without an answer, `None` while none has come.
    #[must_use]
    pub fn answers(&self) -> Vec<Option<u16>> {
        lock(&self.answers).clone()
    }
}
