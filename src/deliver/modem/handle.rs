//! What the rest of the program holds of a modem: hands it texts and phones to ring, asks what became of one, has it reset.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::line;
use super::ring::{self, Call, HANG_UP_TAKES};
use super::sending::{self, Request, Sms, Wish};
use super::traffic::{Found, SharedTraffic};
use crate::model::{
    Done, Effect, Failure, Fate, Fault, Job, Layout, ModemInfo, Outcome, Phone, Priority, Report, RingTask, SmsTask,
    Task, TextKey, Timestamp, Trace, Work,
};

/// Hands texts to the modem's task. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ModemHandle {
    pub(super) work: mpsc::Sender<Wish>,
    pub(super) info: watch::Receiver<ModemInfo>,
    pub(super) traffic: SharedTraffic,
    pub(super) answer_margin: Duration,
}

impl ModemHandle {
    /// Everything that is known of the modem right now.
    #[must_use]
    pub fn info(&self) -> ModemInfo {
        self.info.borrow().clone()
    }

    /// Waits until the modem is as `wanted` says; `None` when its task has ended.
    pub async fn wait_for(&mut self, wanted: impl FnMut(&ModemInfo) -> bool) -> Option<ModemInfo> {
        self.info.wait_for(wanted).await.ok().map(|info| info.clone())
    }

    /// Sends a text that is about no lead, as `modem send` does: counted, reported on, never repeated.
    pub async fn send_text(&self, key: TextKey, to: Phone, text: String, within: Duration) -> Report {
        let reference = reference(key, false);
        self.hand_over(Sms { key, to, text, reference, urgent: false, deadline: line::after(within) }).await
    }

    /// What became of a text that was sent: the best report on all of its parts.
    #[must_use]
    pub fn fate_of(&self, key: TextKey) -> Option<Fate> {
        self.traffic.with(|traffic| traffic.fate_of(key))
    }

    /// Has the modem start anew, by command, as soon as no text is under way.
    ///
    /// # Errors
    /// Why not, in words.
    pub async fn reset(&self) -> Result<(), String> {
        let (reply, answer) = oneshot::channel();
        self.work.try_send(Wish::Reset(reply)).map_err(|_| "the modem's task takes no more wishes".to_owned())?;
        answer.await.unwrap_or_else(|_| Err("the modem's task has ended".to_owned()))
    }

    async fn send(&self, work: &Work, task: &SmsTask) -> Report {
        let left = work.hard_deadline.since(Timestamp::now()).saturating_sub(self.answer_margin);
        let key = key_of(&work.job);
        let (to, text) = (task.to.clone(), task.text.clone());
        let (reference, urgent) = (reference(key, task.repeat), work.job.priority == Priority::Urgent);
        self.hand_over(Sms { key, to, text, reference, urgent, deadline: line::after(left) }).await
    }

    async fn hand_over(&self, sms: Sms) -> Report {
        let deadline = sms.deadline;
        let (ticket, taken) = oneshot::channel();
        let (reply, answer) = oneshot::channel();
        if self.work.try_send(Wish::Text(Request { sms, ticket, reply })).is_err() {
            return failed(Fault::Transient, "the modem's task takes no more texts");
        }
        if !begins_by(deadline, taken).await {
            return failed(Fault::Transient, "the modem did not get to the text in time");
        }
        // The task answers by the deadline; it is gone only if the program is stopping.
        answer.await.unwrap_or_else(|_| failed(Fault::Unknown, "the modem's task ended while it had the text"))
    }

    /// Lets the phone ring, if the modem gets to it early enough for all of it.
    async fn ring(&self, work: &Work, task: &RingTask) -> Report {
        let lasts = Duration::from_secs(task.lasts_s.into());
        let left = work.hard_deadline.since(Timestamp::now()).saturating_sub(self.answer_margin);
        let begin_by = line::after(left.saturating_sub(lasts).saturating_sub(HANG_UP_TAKES));
        let (ticket, taken) = oneshot::channel();
        let (reply, answer) = oneshot::channel();
        let call = Call { to: task.to.clone(), lasts };
        if self.work.try_send(Wish::Ring(ring::Request { call, ticket, reply })).is_err() {
            return failed(Fault::Transient, "the modem's task takes no more wishes");
        }
        if !begins_by(begin_by, taken).await {
            return failed(Fault::Transient, "the modem had no time to ring");
        }
        answer.await.unwrap_or_else(|_| failed(Fault::Unknown, "the modem's task ended while it rang"))
    }

    /// What status reports say about the try that started at `since`; it is answered at once, busy modem or not.
    fn look_up(&self, work: &Work, task: &SmsTask, since: Timestamp) -> Report {
        let total = Layout::of(&task.text).parts.len();
        let (key, to) = (key_of(&work.job), task.to.as_str());
        let found = self.traffic.with(|traffic| traffic.look_up(key, to, total, since, Timestamp::now()));
        let (heard, outcome) = match found {
            Found::Sent { references, delivered } => {
                let heard = if delivered { Fate::Delivered.name() } else { "taken by the network" };
                (heard, Outcome::Done(Done::Sms(sending::receipt(&references, delivered))))
            }
            Found::Failed(Fate::FailedForGood) => {
                let failure = Failure::new(Fault::Permanent, "the network reports that the text can't be delivered");
                (Fate::FailedForGood.name(), Outcome::Failed(failure.cure("check the recipient's number and phone")))
            }
            // The service centre has stopped trying: the phone doesn't have it and never will.
            Found::Failed(Fate::GaveUp) => (Fate::GaveUp.name(), Outcome::Absent),
            Found::Failed(fate) => (fate.name(), Outcome::Unsure),
            Found::Unsure => ("none that can only mean this text", Outcome::Unsure),
        };
        let response = Some(format!("status report: {heard}"));
        Report::traced(outcome, Trace { response, ..Trace::default() })
    }
}

impl Effect for ModemHandle {
    fn perform<'a>(&'a self, work: &'a Work) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>> {
        Box::pin(async move {
            match (&work.job.task, work.look_up_since) {
                (Task::Sms(task), None) => self.send(work, task).await,
                (Task::Sms(task), Some(since)) => self.look_up(work, task, since),
                (Task::Ring(task), None) => self.ring(work, task).await,
                (other, _) => failed(Fault::Permanent, &format!("a modem can't do {}", other.kind())),
            }
        })
    }
}

/// Whether the task takes the text before the deadline. If not, it never will.
async fn begins_by(deadline: Instant, mut taken: oneshot::Receiver<()>) -> bool {
    tokio::select! {
        biased;
        begun = &mut taken => begun.is_ok(),
        () = sleep_until(deadline) => {
            taken.close();
            taken.try_recv().is_ok()
        }
    }
}

fn failed(fault: Fault, reason: &str) -> Report {
    Report::of(Outcome::Failed(Failure::new(fault, reason)))
}

fn key_of(job: &Job) -> TextKey {
    TextKey { job: job.id, generation: job.generation }
}

/// The reference that the parts of a text share: the same for every try of the job, another for its repeat.
fn reference(key: TextKey, repeat: bool) -> u8 {
    let name = format!("{}/{}/{repeat}", key.job, key.generation);
    name.bytes().fold(0, |hash: u8, byte| hash.wrapping_mul(31).wrapping_add(byte))
}
