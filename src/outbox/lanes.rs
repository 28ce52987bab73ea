//! The hands of the desk: every claimed job runs its effect on a task of its own, under a hard deadline and a panic
//! catch, and its report is settled. A finished outcome waits in memory until it can be written.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::failpoint;
use crate::model::{Channel, Done, Effect, Failure, Fate, Fault, Label, Outcome, Report, Task, Timestamp, Work};
use crate::store::{Command, StoreError, Writer};

use super::SharedDesk;

/// An effect knows its deadline and ends itself; this much later it is cut off.
const CUT_OFF_AFTER: Duration = Duration::from_millis(300);
/// Between tries to write an outcome to a disk that can't take it.
const WRITE_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// The running lanes.
pub struct Lanes {
    desk: SharedDesk,
    writer: Writer,
    effects: HashMap<Channel, Arc<dyn Effect>>,
    works: mpsc::Receiver<Work>,
}

impl Lanes {
    /// Lanes that run each channel's work through its effect.
    #[must_use]
    pub fn new(
        desk: SharedDesk,
        writer: Writer,
        effects: HashMap<Channel, Arc<dyn Effect>>,
        works: mpsc::Receiver<Work>,
    ) -> Self {
        Self { desk, writer, effects, works }
    }

    /// Runs until `stop`, then lets what is in flight settle.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut running = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = running.join_next(), if !running.is_empty() => {}
                Some(work) = self.works.recv() => self.start(&mut running, work),
            }
        }
        self.desk.lock().stop_claiming();
        // The last claims may be on their way to the disk: once a command after them is there, so are they.
        drop(self.writer.run(Command::Outcome, |_| Ok(())).await);
        // What was claimed before the stop is on disk as begun: it is run, not dropped.
        while let Ok(work) = self.works.try_recv() {
            self.start(&mut running, work);
        }
        while running.join_next().await.is_some() {}
    }

    fn start(&self, running: &mut JoinSet<()>, work: Work) {
        let effect = self.effects.get(&work.job.channel).cloned();
        running.spawn(one(effect, self.desk.clone(), self.writer.clone(), work));
    }
}

/// One try from its claim to its settled report.
async fn one(effect: Option<Arc<dyn Effect>>, desk: SharedDesk, writer: Writer, work: Work) {
    let kind = work.job.task.kind();
    let span =
        tracing::info_span!("job", lead_id = %work.job.lead, job_id = %work.job.id, channel = %work.job.channel, kind);
    let report = {
        failpoint::reach(&format!("before-{kind}"));
        let report = perform(effect, &work, &span).await;
        failpoint::reach(&format!("after-{kind}"));
        report
    };
    settle(&desk, &writer, work, report).instrument(span).await;
    failpoint::reach(&format!("settled-{kind}"));
}

/// Writes a report, however long that takes. Only a report that can't be written although the database can is given up.
async fn settle(desk: &SharedDesk, writer: &Writer, work: Work, report: Report) {
    let mut settled = Arc::new((work, report));
    let mut crashed = false;
    loop {
        let (hand, again) = (desk.clone(), Arc::clone(&settled));
        let jitter = fastrand::f64();
        let written = writer.run(command(&settled.0.job.task, &settled.1.outcome), move |tx| {
            let (work, report) = &*again;
            hand.lock().settle(tx, work, report, Timestamp::now(), jitter)
        });
        match written.await {
            Ok(()) | Err(StoreError::Stopped) => return,
            Err(error) if error.is_trouble() => {
                tracing::error!(%error, "the outcome waits in memory until it can be written");
                desk.lock().hold_back(&settled.0);
            }
            Err(error) if crashed => {
                tracing::error!(%error, "the outcome can't be written; the next start judges the job");
                return;
            }
            Err(error) => {
                crashed = true;
                settled = Arc::new((settled.0.clone(), crash(&format!("settling it failed: {error}"))));
                continue;
            }
        }
        sleep(WRITE_AGAIN_AFTER).await;
    }
}

/// Nobody waits for what a CRM, a help desk or a prospect was told, for a label that wakes nobody, nor for a text that is still on its way. All else has a follower: a text, the next channel.
const fn command(task: &Task, outcome: &Outcome) -> Command {
    match (task, outcome) {
        (
            Task::Reconcile(_)
            | Task::Mail(_)
            | Task::Ticket(_)
            | Task::CrmUpdate(_)
            | Task::CrmNote(_)
            | Task::CrmTask(_),
            _,
        )
        | (
            _,
            Outcome::Done(
                Done::Fate { fate: Fate::StillTrying, .. }
                | Done::Classified { label: Label::TireKicker | Label::SupportRequest | Label::Spam, .. },
            ),
        ) => Command::Aftermath,
        (
            Task::Classify { .. }
            | Task::ClassifyDeadline {}
            | Task::CrmRead(_)
            | Task::Sms(_)
            | Task::SmsFailover { .. }
            | Task::Ring(_)
            | Task::SmsStatus(_)
            | Task::Escalate { .. }
            | Task::Digest { .. }
            | Task::CanaryCheck {},
            _,
        ) => Command::Outcome,
    }
}

async fn perform(effect: Option<Arc<dyn Effect>>, work: &Work, span: &tracing::Span) -> Report {
    let Some(effect) = effect else {
        return Report::of(Outcome::Failed(Failure::new(Fault::Permanent, "the channel is not configured")));
    };
    let limit = work.hard_deadline.since(Timestamp::now()).saturating_add(CUT_OFF_AFTER);
    let effect_of = AssertUnwindSafe(effect.perform(work).instrument(span.clone()));
    let caught = timeout(limit, catch(effect_of)).await;
    match caught {
        Ok(Ok(report)) => report,
        Ok(Err(words)) => crash(&format!("the code panicked: {words}")),
        Err(_) => Report::of(Outcome::Failed(Failure::new(Fault::Unknown, "no outcome by the hard deadline"))),
    }
}

fn crash(reason: &str) -> Report {
    let failure =
        Failure::new(Fault::Crash, reason).cure("this is a bug in nightdesk: report it with the lead's timeline");
    Report::of(Outcome::Failed(failure))
}

/// Awaits `future`, turning a panic into its words.
async fn catch<F: Future + Unpin>(mut future: AssertUnwindSafe<F>) -> Result<F::Output, String> {
    std::future::poll_fn(move |context| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| std::pin::Pin::new(&mut future.0).poll(context)));
        match polled {
            Ok(std::task::Poll::Pending) => std::task::Poll::Pending,
            Ok(std::task::Poll::Ready(output)) => std::task::Poll::Ready(Ok(output)),
            Err(panic) => std::task::Poll::Ready(Err(words_of(&*panic))),
        }
    })
    .await
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    words.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no words".to_owned())
}
