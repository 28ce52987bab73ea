//! One modem on a bench, its driver, and an outbox that does what the desk's would: what the driver says decides.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use nightdesk::deliver::modem::{ModemHandle, PowerSwitch, Settings, SimPin, Timings, modem_over};
use nightdesk::demo::sim::Modem;
use nightdesk::demo::sim::modem::{Bench, Setup};
use nightdesk::model::{
    AttemptId, Channel, Effect, Failure, Fault, Job, JobId, Lane, Lead, LeadCode, LeadId, ModemState, Outcome, PartKey,
    Priority, Report, RowId, SmsTask, Task, TextKey, Timestamp, Work,
};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::books::Books;

/// Where the modem is.
pub(super) const PORT: &str = "/dev/serial/by-id/modem";
/// Whom texts go to, and who answers.
pub(super) const DANA: &str = "+15551230017";
/// An urgent text goes another way after this.
const FAILOVER: Duration = Duration::from_secs(30);
/// Between two tries.
const BACKOFF: Duration = Duration::from_secs(2);
/// A verdict may still come for so long.
const LATE_VERDICT: Duration = Duration::from_secs(10);
/// A report may be late by so much: the driver's own margin is taken from its deadline.
const PUNCTUAL: Duration = Duration::from_millis(100);

/// How a text ended, as the outbox sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// At the first try.
    Sent,
    /// At a later one, in time.
    Retried,
    /// A report said so later.
    Found,
    /// Nobody can tell: one marked repeat would follow.
    Unknown,
    /// Not in time: the next channel has it.
    Over,
    /// A person is needed: the next channel has it.
    Person,
    /// It never can be sent: the next channel has it.
    Refused,
    /// No report before the hard deadline.
    Late,
}

impl End {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Retried => "retried",
            Self::Found => "found",
            Self::Unknown => "unknown",
            Self::Over => "over",
            Self::Person => "person",
            Self::Refused => "refused",
            Self::Late => "LATE",
        }
    }

    /// The modem is said to have sent it.
    pub(super) const fn is_sent(self) -> bool {
        matches!(self, Self::Sent | Self::Retried | Self::Found)
    }
}

struct Driver {
    handle: ModemHandle,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// What the driver can't see of its modem.
#[derive(Clone)]
pub(super) struct World {
    pub(super) bench: Bench,
    pub(super) modem: Arc<Modem>,
}

/// A modem and its desk.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) books: Arc<Books>,
    pub(super) settings: Settings,
    driver: Option<Driver>,
    began: Instant,
    /// What was told of each try of the text before, for whoever looks into it.
    pub(super) said: Vec<String>,
    /// The first part of the first text.
    pub(super) first: Option<PartKey>,
    /// PDUs that were in the modem before, and are nobody's to delete.
    pub(super) drafts: Vec<String>,
}

impl Deref for Scene {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Scene {
    pub(super) fn new(setup: Setup) -> Self {
        let bench = Bench::new();
        let modem = Arc::new(bench.modem(PORT, setup));
        let settings = Settings {
            name: "modem0".into(),
            port: Some(PORT.into()),
            baud: 115_200,
            smsc: None,
            validity: Duration::from_hours(1),
            pin: None,
            caps: (1000, 1000),
            power: None,
            timings: Timings::default(),
        };
        let (books, began) = (Arc::default(), Instant::now());
        Self {
            world: World { bench, modem },
            books,
            settings,
            driver: None,
            began,
            said: Vec::new(),
            first: None,
            drafts: Vec::new(),
        }
    }

    pub(super) fn pin(&mut self, digits: &str) {
        self.settings.pin = Some(SimPin { digits: digits.to_owned().into(), mark: format!("mark of {digits}") });
    }

    pub(super) fn switchable(&mut self) {
        self.settings.power = Some(PowerSwitch(self.modem.power_switch()));
    }

    /// The desk starts.
    pub(super) fn start(&mut self) {
        let (stop, books) = (CancellationToken::new(), Arc::clone(&self.books));
        let (handle, task) = modem_over(self.settings.clone(), books, self.bench.clone(), stop.clone());
        self.driver = Some(Driver { handle, stop, task: tokio::spawn(task) });
    }

    /// The desk stops.
    pub(super) async fn stop(&mut self) {
        if let Some(Driver { stop, task, .. }) = self.driver.take() {
            stop.cancel();
            task.await.unwrap();
        }
    }

    /// The desk dies, and its port is closed for it.
    pub(super) async fn die(&mut self) {
        if let Some(Driver { task, .. }) = self.driver.take() {
            task.abort();
            drop(task.await);
        }
    }

    pub(super) fn handle(&self) -> &ModemHandle {
        &self.driver.as_ref().unwrap().handle
    }

    pub(super) fn state(&self) -> ModemState {
        self.handle().info().state
    }

    /// Waits until the modem is ready, or needs a person, or for so long.
    pub(super) async fn settled(&self, within: Duration) {
        let mut handle = self.handle().clone();
        let settled = handle.wait_for(|info| matches!(info.state, ModemState::Ready | ModemState::SimLocked));
        drop(timeout(within, settled).await);
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Sends a text as the outbox would, until it has gone, must not be sent again, or goes another way.
    pub(super) async fn send(&mut self, text: &str) -> End {
        let (begun, mut tries) = (Instant::now(), 0);
        let mut work = work(text);
        let key = TextKey { job: work.job.id, generation: work.job.generation };
        self.first.get_or_insert(PartKey { text: key, part: 1 });
        loop {
            let left = FAILOVER.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return End::Over;
            }
            tries += 1;
            work.hard_deadline = Timestamp::now().after(left);
            let told = timeout(left + PUNCTUAL, self.handle().perform(&work)).await;
            let Ok(report) = told else { return End::Late };
            self.note(&report);
            match report.outcome {
                Outcome::Done(_) if tries == 1 => return End::Sent,
                Outcome::Done(_) => return End::Retried,
                Outcome::Failed(Failure { fault: Fault::Unknown, .. }) => {
                    if let Some(end) = self.look_up(&work).await {
                        return end;
                    }
                }
                Outcome::Failed(Failure { fault: Fault::Auth, .. }) => return End::Person,
                Outcome::Failed(Failure { fault: Fault::Permanent | Fault::Crash, .. }) => return End::Refused,
                Outcome::Failed(_) | Outcome::Absent | Outcome::Unsure => {}
            }
            sleep(BACKOFF).await;
        }
    }

    /// What became of a try without a verdict; `None`: it is certain that it was not sent.
    async fn look_up(&mut self, work: &Work) -> Option<End> {
        sleep(LATE_VERDICT).await;
        let asked = Work { look_up_since: Some(work.job.created_at), ..work.clone() };
        let report = self.handle().perform(&asked).await;
        self.note(&report);
        match report.outcome {
            Outcome::Done(_) => Some(End::Found),
            Outcome::Absent => None,
            Outcome::Failed(_) => Some(End::Refused),
            Outcome::Unsure => Some(End::Unknown),
        }
    }

    fn note(&mut self, report: &Report) {
        let outcome = match &report.outcome {
            Outcome::Failed(failure) => format!("{}: {}", failure.fault.name(), failure.reason),
            other => format!("{other:?}"),
        };
        self.said.push(format!("{:.1} s {outcome}", self.elapsed().as_secs_f64()));
    }
}

/// A text for a modem.
pub(super) fn work(text: &str) -> Work {
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
    Work { job, lead, attempt: AttemptId(1), look_up_since: None, actions: Vec::new(), hard_deadline: now }
}
