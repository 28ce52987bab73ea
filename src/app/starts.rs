//! What the desk makes of the starts before it that did not end well: an alert, until this one has lasted.
//!
//! `run` calls it. `service` keeps the count, `nightdesk backoff` adds to it before each start. Nothing in here may end
//! the desk or hold up a lead.

use std::time::Duration;

use crate::model::Timestamp;
use crate::service::Starts;
use crate::store::{Command, Writer};

/// From so many failures in a row on an operator is told; fewer may be a power supply's or an upgrade's.
const ALERT_FROM: u32 = 3;
/// A desk that has run for so long has survived whatever ended the ones before it.
const SETTLED_AFTER: Duration = Duration::from_mins(10);
/// The alert's name.
const ALERT: &str = "service:starts";

/// Raises the alert if too many failed; a start as any other writes nothing.
pub(super) async fn tell(writer: &Writer, failures: u32) {
    if failures < ALERT_FROM {
        return;
    }
    let raise = move |tx: crate::store::Tx<'_>| {
        let text = format!("the desk failed to start, or crashed, {failures} times in a row before this start");
        let cure =
            "journalctl -u nightdesk -n 200 tells what happened; leads were refused meanwhile, their senders try again";
        tx.alert(ALERT, &text, cure, Timestamp::now())
    };
    if let Err(error) = writer.run(Command::Outcome, raise).await {
        tracing::error!(%error, "the alert about failed starts can't be written");
    }
}

/// Forgets the count and takes the alert back once the desk has lasted.
pub(super) async fn settle(writer: Writer, starts: Starts) {
    tokio::time::sleep(SETTLED_AFTER).await;
    forget(&starts);
    take_back(&writer).await;
}

/// Starts the count anew.
pub(super) fn forget(starts: &Starts) {
    if let Err(error) = starts.forget() {
        tracing::warn!(%error, "the count of failed starts can't be removed; the next start may wait");
    }
}

/// Takes the alert back, if there is one: this desk has lasted, or a person is at work.
pub(super) async fn take_back(writer: &Writer) {
    if let Err(error) = writer.run(Command::Outcome, |tx| tx.clear_alert(ALERT, Timestamp::now())).await {
        tracing::error!(%error, "the alert about failed starts can't be taken back");
    }
}
