//! Whether this box knows what time it is, and what follows when it learns.
//!
//! A Raspberry Pi has no clock battery: it takes leads before its clock is right. Until then signatures can't be judged for
//! age; those that are right otherwise are held. This watch looks once a second: when the clock steps it moves what was
//! timed by the old one, and when the clock is right it judges what was held. It writes nothing while all is well.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use super::operator::Knowledge;
use crate::intake::{Auth, ClockTrust};
use crate::model::Timestamp;
use crate::outbox::SharedDesk;
use crate::store::{Command, HELD_ALERT, Reader, StoreError, Tx, Writer};

/// No clock that is right shows less than this, 2025-01-01; one that was never set starts in 1970 or 2000.
const NOT_BEFORE: Timestamp = Timestamp::from_millis(1_735_689_600_000);
/// Between looks.
const EVERY: Duration = Duration::from_secs(1);
/// A larger difference between the two clocks is a step; a smaller one is slewing, or a busy box.
const STEP_MS: i64 = 2_000;
/// What was held for so long is let in unjudged: a replay does less harm than a lead that nobody hears of.
const HELD_AT_MOST: Duration = Duration::from_mins(10);

/// Whether a clock that shows `now` may be right.
#[must_use]
pub fn is_plausible_time(now: Timestamp) -> bool {
    now >= NOT_BEFORE
}

/// The watch over one box's clock.
pub(super) struct Watch {
    /// There once the system's clock was synchronised. Where even its folder is missing, nobody keeps it.
    pub(super) sync_file: PathBuf,
    pub(super) trust: ClockTrust,
    pub(super) writer: Writer,
    pub(super) knowledge: Arc<Knowledge>,
    pub(super) desk: SharedDesk,
    pub(super) folder: PathBuf,
}

impl Watch {
    /// Looks whether the clock can be believed now, and says so to whoever asks `trust`.
    pub(super) fn look(&self) -> bool {
        let kept = self.sync_file.parent().is_some_and(std::path::Path::is_dir);
        let trusted = is_plausible_time(Timestamp::now()) && (!kept || self.sync_file.exists());
        if trusted {
            self.trust.believe();
        }
        trusted
    }

    /// Runs until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) {
        if self.look() {
            // Whatever was held by an earlier start: by how much its clock was wrong is not known any more.
            self.let_in(Judge::Nothing).await;
        } else {
            tracing::warn!(
                "the clock of this box is not right yet; leads are taken, signatures can't be judged for age"
            );
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wait() => {}
            }
            tracing::info!("the clock is right");
            self.let_in(Judge::Age).await;
        }
        self.tell_desk().await;
        stop.cancelled().await;
    }

    /// Until the clock is right.
    async fn wait(&self) {
        let (begun, mut ticks) = (Instant::now(), interval(EVERY));
        let mut before = difference(begun);
        loop {
            ticks.tick().await;
            let now = difference(begun);
            let step_ms = now.saturating_sub(before);
            before = now;
            if step_ms.saturating_abs() >= STEP_MS {
                self.shift(step_ms).await;
            }
            if self.look() {
                return;
            }
            if begun.elapsed() >= HELD_AT_MOST {
                self.let_in(Judge::Nothing).await;
            }
        }
    }

    async fn shift(&self, step_ms: i64) {
        match self.writer.run(Command::Outcome, move |tx| tx.shift_clock(step_ms, Timestamp::now())).await {
            Ok(timers) => tracing::warn!(step_ms, timers, "the clock was set; timers are moved with it"),
            Err(error) => tracing::error!(%error, step_ms, "the clock was set, and timers could not be moved with it"),
        }
    }

    /// Leads that never arrived are looked for by a clock that is right.
    async fn tell_desk(&self) {
        let desk = self.desk.clone();
        let told = self.writer.run(Command::Outcome, move |tx| desk.lock().clock_is_right(tx, Timestamp::now()));
        if let Err(error) = told.await {
            tracing::error!(%error, "until the next start nothing is looked for that never arrived");
        }
    }

    /// Makes leads of what was held.
    async fn let_in(&self, judge: Judge) {
        let waiting = Reader::open(&self.folder).and_then(|reader| reader.held());
        if matches!(waiting, Ok(0)) {
            return;
        }
        let knowledge = Arc::clone(&self.knowledge);
        let done = self.writer.run(Command::Outcome, move |tx| let_in(tx, &knowledge, judge, Timestamp::now()));
        match done.await {
            Ok(leads) => tracing::info!(leads, "what was held is let in"),
            Err(error) => tracing::error!(%error, "what was held stays held"),
        }
    }
}

/// What is asked of a held webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judge {
    /// Whether it was signed when it came.
    Age,
    Nothing,
}

fn let_in(tx: Tx<'_>, knowledge: &Knowledge, judge: Judge, now: Timestamp) -> Result<usize, StoreError> {
    let mut leads = 0_usize;
    for (id, _) in tx.held()? {
        let Some(stored) = tx.inbox_request(id)? else { continue };
        let judged = match stored.signed_at {
            Some(signed_at) if judge == Judge::Age => Auth::judge_age(signed_at, stored.arrival.received_at),
            _ => Ok(()),
        };
        if let Err(reason) = judged {
            tracing::warn!(inbox_id = %id, reason, "a held webhook was a replay");
            tx.refuse_held(id, &reason)?;
            continue;
        }
        leads = leads.saturating_add(knowledge.admit(tx, id, &stored, now)?);
    }
    tx.clear_alert(HELD_ALERT, now)?;
    Ok(leads)
}

/// The system's clock less the monotonic one: it changes when the clock is set.
fn difference(begun: Instant) -> i64 {
    let run = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
    Timestamp::now().as_millis().saturating_sub(run)
}
