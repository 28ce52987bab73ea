//! Hands facts to the ledger, in order, and holds on to those that can't be kept yet.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tracing::warn;

use super::line::after;
use super::traffic::SharedTraffic;
use crate::failpoint;
use crate::model::{Fact, Ledger, LedgerError, Memory, PinTry};

/// A disk that stands still must not hold up the modem for longer.
const WITHIN: Duration = Duration::from_secs(5);
/// After a failure the ledger is left alone for a while.
const REST: Duration = Duration::from_secs(5);

/// The way to the ledger.
pub(super) struct Keeper {
    ledger: Arc<dyn Ledger>,
    modem: String,
    traffic: SharedTraffic,
    rests_until: Option<Instant>,
}

impl Keeper {
    pub(super) fn new(ledger: Arc<dyn Ledger>, modem: String, traffic: SharedTraffic) -> Self {
        Self { ledger, modem, traffic, rests_until: None }
    }

    /// What is known from before this start.
    pub(super) async fn recall(&self) -> Result<Memory, LedgerError> {
        self.ledger.recall(&self.modem).await
    }

    /// Keeps all that waits. False: something could not be kept, and waits on.
    pub(super) async fn flush(&mut self) -> bool {
        if self.rests_until.is_some_and(|until| Instant::now() < until) {
            return self.traffic.with(|traffic| traffic.is_kept());
        }
        while let Some(fact) = self.traffic.with(super::traffic::Traffic::take_fact) {
            if !self.keep(fact.clone()).await {
                self.traffic.with(|traffic| traffic.put_back(fact));
                self.rests_until = Some(after(REST));
                return false;
            }
        }
        true
    }

    /// Keeps a try of a PIN, now or not at all.
    pub(super) async fn keep_pin(&mut self, tried: PinTry) -> bool {
        self.keep(Fact::Pin(tried)).await
    }

    async fn keep(&self, fact: Fact) -> bool {
        // Without that rule nothing tells of a text before its outcome does.
        if failpoint::removed("attempt-before-effect") && matches!(fact, Fact::Part(_)) {
            return true;
        }
        match timeout(WITHIN, self.ledger.keep(&self.modem, fact)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                warn!(modem = self.modem, error = %error.0, "a fact about the modem can't be kept yet");
                false
            }
            Err(_) => {
                warn!(modem = self.modem, "a fact about the modem can't be kept yet: no answer");
                false
            }
        }
    }
}
