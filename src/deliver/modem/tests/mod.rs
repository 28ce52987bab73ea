//! The whole driver on a paused clock, against a scripted modem: what it concludes, and that it recovers.

mod dialogues;
mod fake;
mod lookups;
mod pty;
mod rings;

use std::time::Duration;

use super::*;
use tokio::time::Instant;

use crate::model::{
    AttemptId, Channel, Done, Effect, Fault, Forgetful, Job, JobId, Lane, Lead, LeadCode, LeadId, Outcome, Priority,
    Report, RowId, SmsTask, Task, Work,
};
use fake::Fake;

const DANA: &str = "+15551230017";

/// A modem's handle with its task running and a scripted modem on the other end of the port.
struct Rig {
    fake: Fake,
    handle: ModemHandle,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Rig {
    fn new(fake: Fake) -> Self {
        Self::with(fake, |_| {})
    }

    fn with(fake: Fake, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            name: "modem0".into(),
            port: Some("/dev/serial/by-id/test".into()),
            baud: 115_200,
            smsc: None,
            validity: Duration::from_hours(1),
            pin: None,
            caps: (1000, 1000),
            power: None,
            timings: Timings { part_gap: Duration::ZERO, ..Timings::default() },
        };
        change(&mut settings);
        let stop = CancellationToken::new();
        let port = fake.clone();
        let (handle, task) = modem_over(settings, Arc::new(Forgetful), port, stop.clone());
        Self { fake, handle, stop, task: tokio::spawn(task) }
    }

    /// Waits until the modem says that it is in this state.
    async fn is(&mut self, state: ModemState) -> ModemInfo {
        let wait = self.handle.wait_for(|info| info.state == state);
        let seen = tokio::time::timeout(Duration::from_mins(10), wait).await;
        seen.unwrap_or_else(|_| panic!("never {}", state.name())).unwrap()
    }

    async fn send(&self, text: &str) -> Report {
        self.handle.perform(&work(text, Duration::from_secs(90))).await
    }
}

/// A text to Dana that must be done within `limit`.
fn work(text: &str, limit: Duration) -> Work {
    let now = Timestamp::now();
    let sms = SmsTask {
        to: DANA.parse().unwrap(),
        who: "Dana".into(),
        text: text.into(),
        repeat: false,
        leg: 0,
        failover_at: None,
        refused: 0,
        thread: 0,
        is_answer: false,
        is_test: false,
    };
    let lead = Lead {
        code: LeadCode::of(7),
        raw_message: String::new(),
        dropped: false,
        ..Lead::none(LeadId::fresh(now), "web".into(), now)
    };
    let job = Job {
        id: JobId::fresh(now),
        lead: lead.id,
        task: Task::Sms(sms),
        channel: Channel::new(Lane::Sms, "modem0"),
        priority: Priority::Urgent,
        due_at: now,
        deadline_at: now.after(Duration::from_hours(1)),
        tries: 1,
        generation: 1,
        crashes: 0,
        created_at: now,
    };
    let hard_deadline = now.after(limit);
    Work { job, lead, attempt: AttemptId(1), look_up_since: None, actions: Vec::new(), hard_deadline }
}

/// An outcome in a word: `sent 7`, `delivered 7`, a class of failure, `unsure` or `absent`.
fn word(report: &Report) -> String {
    match &report.outcome {
        Outcome::Done(Done::Sms(receipt)) if receipt.delivered => format!("delivered {}", receipt.reference),
        Outcome::Done(Done::Sms(receipt)) => format!("sent {}", receipt.reference),
        Outcome::Done(other) => format!("{other:?}"),
        Outcome::Absent => "absent".into(),
        Outcome::Unsure => "unsure".into(),
        Outcome::Failed(failure) => failure.fault.name().into(),
    }
}

#[tokio::test(start_paused = true)]
async fn only_texts_are_for_a_modem() {
    let rig = Rig::new(Fake::new(&[]));
    let mut work = work("x", Duration::from_secs(9));
    work.job.task = Task::ClassifyDeadline {};
    assert_eq!(word(&rig.handle.perform(&work).await), "permanent");
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_it_is_told_to() {
    let mut rig = Rig::new(Fake::new(&[]));
    rig.is(ModemState::Ready).await;
    rig.stop.cancel();
    rig.task.await.unwrap();
    assert_eq!(word(&rig.handle.perform(&work("x", Duration::from_secs(9))).await), "transient");
}
