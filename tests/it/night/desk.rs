//! The desk of a night: the real outbox over a store in memory, on a clock that follows the runtime's paused one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nightdesk::deliver::modem::{ModemHandle, PowerSwitch, Settings, Timings, modem_over};
use nightdesk::demo::sim::Modem;
use nightdesk::demo::sim::modem::{Bench, SentSms, Setup};
use nightdesk::model::oncall::{OnCall, Person};
use nightdesk::model::{
    BootId, Channel, ClassifiedBy, Done, Effect, Fact, Failure, Fault, Kept, Label, Ladder, Lane, Ledger, Memory,
    ModemState, NewLead, Outcome, Reading, Report, RowId, SmsReceipt, Task, Timestamp, Work,
};
use nightdesk::outbox::{
    self, BreakerSettings, CanarySettings, Desk, Limits, Models, ReconcileSettings, SharedDesk, Waits,
};
use nightdesk::route::{self, SmsTemplate};
use nightdesk::store::{Arrival, Gate, Opening, Rider, Store};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

const PORT: &str = "/dev/serial/by-id/night";
const DANA: &str = "+15551230001";
/// Every lead has come to its end this long after the last.
const REST: Duration = Duration::from_hours(2);

/// A text that reached the person.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) by: &'static str,
    pub(super) words: String,
}

/// What passes between the effects and the desk.
enum News {
    Report(Box<(Work, Report)>),
    Fact(Fact),
}

/// The modem's ledger: facts go to the desk's own transactions.
struct Facts(mpsc::UnboundedSender<News>);

impl Ledger for Facts {
    fn recall<'a>(&'a self, _: &'a str) -> Kept<'a, Memory> {
        Box::pin(async { Ok(Memory::default()) })
    }

    fn keep<'a>(&'a self, _: &'a str, fact: Fact) -> Kept<'a, ()> {
        Box::pin(async move {
            drop(self.0.send(News::Fact(fact)));
            Ok(())
        })
    }
}

/// A Twilio that loses an answer now and then; what it sent can be asked for.
#[derive(Default)]
struct Twilio {
    sent: Mutex<Vec<(String, String)>>,
}

impl Twilio {
    async fn perform(&self, work: &Work, luck: f64) -> Report {
        sleep(Duration::from_millis(400)).await;
        let job = work.job.id.to_string();
        if work.look_up_since.is_some() {
            let found = self.sent.lock().unwrap().iter().any(|(known, _)| *known == job);
            return Report::of(if found { sent("SM1") } else { Outcome::Absent });
        }
        let Task::Sms(sms) = &work.job.task else { return Report::of(Outcome::Done(Done::Timer)) };
        let failed = |fault| Report::of(Outcome::Failed(Failure::new(fault, "the weather")));
        if luck < 0.05 {
            return failed(Fault::Transient);
        }
        self.sent.lock().unwrap().push((job, sms.text.clone()));
        if luck < 0.08 { failed(Fault::Unknown) } else { Report::of(sent("SM1")) }
    }
}

fn sent(reference: &str) -> Outcome {
    Outcome::Done(Done::Sms(SmsReceipt { reference: reference.into(), parts: 1, delivered: false }))
}

pub(super) struct Night {
    store: Store,
    desk: SharedDesk,
    works: mpsc::Receiver<Work>,
    news: (mpsc::UnboundedSender<News>, mpsc::UnboundedReceiver<News>),
    modem: Arc<Modem>,
    handle: ModemHandle,
    twilio: Arc<Twilio>,
    opening: Opening,
    /// When each lead comes, the last one first.
    leads: Vec<(Duration, usize)>,
    turns: BTreeMap<&'static str, usize>,
    /// How each try of a lead's texts failed.
    tries: BTreeMap<usize, Vec<&'static str>>,
    began: Instant,
    base: Timestamp,
    rng: fastrand::Rng,
    stop: CancellationToken,
}

impl Night {
    /// A night with so many leads in it, at any time.
    pub(super) fn new(rng: &mut fastrand::Rng, leads: usize, long: Duration) -> Self {
        let bench = Bench::new();
        let modem = Arc::new(bench.modem(PORT, Setup::default()));
        let news = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let (handle, task) = modem_over(modem_settings(&modem), Arc::new(Facts(news.0.clone())), bench, stop.clone());
        tokio::spawn(task);
        let opening = Opening {
            classify_on: Some(Channel::new(Lane::Llm, "openai")),
            deadline_after: Duration::from_secs(45),
            give_up_after: Duration::from_hours(24),
            read_give_up_after: Duration::from_hours(72),
        };
        let base = Timestamp::from_millis(1_795_000_000_000);
        let mut desk = Desk::new(desk_settings(opening.clone()), BootId::fresh(base));
        let works = desk.employ();
        let mut leads: Vec<(Duration, usize)> = (0..leads).map(|lead| (long.mul_f64(rng.f64()), lead)).collect();
        leads.sort_by(|one, other| other.cmp(one));
        Self {
            store: Store::in_memory().unwrap(),
            desk: SharedDesk::new(desk),
            works,
            news,
            modem,
            handle,
            twilio: Arc::default(),
            opening,
            leads,
            turns: BTreeMap::new(),
            tries: BTreeMap::new(),
            began: Instant::now(),
            base,
            rng: rng.fork(),
            stop,
        }
    }

    pub(super) fn modem(&self) -> &Arc<Modem> {
        &self.modem
    }

    fn now(&self) -> Timestamp {
        self.base.after(self.began.elapsed())
    }

    /// Lets the time pass until every lead has come to its end.
    pub(super) async fn pass(&mut self) {
        let over = self.leads.first().map_or(REST, |(last, _)| *last + REST);
        let mut news = Vec::new();
        loop {
            let ride_at = self.step(&news);
            news.clear();
            while let Ok(work) = self.works.try_recv() {
                self.perform(work);
            }
            if self.began.elapsed() >= over {
                break;
            }
            let lead_at = self.leads.last().map(|(at, _)| self.began + *at);
            let wake = [ride_at, lead_at].into_iter().flatten().min().unwrap_or(self.began + over);
            tokio::select! {
                Some(one) = self.news.1.recv() => news.push(one),
                () = sleep_until(wake.min(self.began + over)) => {}
            }
            while let Ok(one) = self.news.1.try_recv() {
                news.push(one);
            }
        }
        self.stop.cancel();
    }

    /// One transaction as the writer makes it. Returns when the desk wants to ride next.
    fn step(&mut self, news: &[News]) -> Option<Instant> {
        let now = self.now();
        let mut arrived = Vec::new();
        while self.leads.last().is_some_and(|(at, _)| *at <= self.began.elapsed()) {
            arrived.extend(self.leads.pop());
        }
        for one in news {
            let News::Report(ended) = one else { continue };
            let (work, report) = &**ended;
            if let (Task::Sms(sms), Outcome::Failed(failure)) = (&work.job.task, &report.outcome) {
                self.tries.entry(lead_of(&sms.text)).or_default().push(failure.fault.name());
            }
        }
        let Self { store, desk, rng, opening, turns, .. } = self;
        let next = store.transact(|tx| {
            for one in news {
                match one {
                    News::Report(ended) => desk.lock().settle(tx, &ended.0, &ended.1, now, rng.f64())?,
                    News::Fact(Fact::Part(part)) => desk.lock().written(tx, "modem0", part, now, rng.f64())?,
                    News::Fact(Fact::Report(report)) => desk.lock().reported(tx, "modem0", report, now, rng.f64())?,
                    News::Fact(Fact::Turn(turn)) => *turns.entry(turn.state.name()).or_insert(0) += 1,
                    News::Fact(Fact::Inbound(_) | Fact::Told(_) | Fact::Pin(_) | Fact::Harm { .. }) => {}
                }
            }
            for (_, lead) in &arrived {
                tx.receive(&arrival(*lead, now), &Gate::Passed(new_lead(*lead)), opening)?;
            }
            desk.ride(tx, now)?;
            desk.next_ride(tx, now)
        });
        let next = next.unwrap();
        self.desk.landed();
        next.map(|at| Instant::now() + at.since(now).max(Duration::from_millis(1)))
    }

    /// Starts an effect. The modem's driver reads the system's clock, which stands still here: what it is told of times
    /// is moved to that.
    fn perform(&mut self, work: Work) {
        let (now, here) = (self.now(), Timestamp::now());
        let moved = Work {
            hard_deadline: here.after(work.hard_deadline.since(now)),
            look_up_since: work.look_up_since.map(|since| here.before(now.since(since))),
            ..work.clone()
        };
        let (handle, twilio, luck) = (self.handle.clone(), Arc::clone(&self.twilio), self.rng.f64());
        let news = self.news.0.clone();
        tokio::spawn(async move {
            let report = match work.job.channel.as_str() {
                "sms:modem0" => handle.perform(&moved).await,
                "sms:twilio" => twilio.perform(&moved, luck).await,
                "llm:openai" => {
                    sleep(Duration::from_secs(1)).await;
                    let done = Done::Classified { label: Label::UrgentBuyer, by: ClassifiedBy::Llm };
                    let reading = Reading { message: work.lead.raw_message.clone(), phone: None };
                    Report { reading: Some(reading), ..Report::of(Outcome::Done(done)) }
                }
                _ => Report::of(Outcome::Done(Done::Timer)),
            };
            drop(news.send(News::Report(Box::new((work, report)))));
        });
    }

    /// Every whole text that reached the person, by lead.
    pub(super) fn told(&self) -> BTreeMap<usize, Vec<Told>> {
        let by_modem = self.modem.sent().into_iter().filter(SentSms::is_whole).map(|sms| (sms.at, "modem", sms.text));
        let by_twilio = self.twilio.sent.lock().unwrap().clone();
        let by_twilio = by_twilio.into_iter().map(|(_, words)| ("twilio", words));
        let mut told: BTreeMap<usize, Vec<Told>> = BTreeMap::new();
        for (by, words) in by_modem.map(|(_, by, words)| (by, words)).chain(by_twilio) {
            told.entry(lead_of(&words)).or_default().push(Told { by, words });
        }
        told
    }

    /// Whether a try of the lead's texts had an outcome that nobody could know.
    pub(super) fn was_unknown(&mut self, lead: usize) -> bool {
        let tries = self.tries.get(&lead);
        tries.is_some_and(|tries| tries.contains(&"unknown"))
    }

    pub(super) fn turns(&self, state: ModemState) -> usize {
        self.turns.get(state.name()).copied().unwrap_or_default()
    }

    /// Jobs that have not ended.
    pub(super) fn open_jobs(&mut self) -> usize {
        let channels = self.desk.lock().channels();
        let at_once = |_| Timestamp::from_millis(0);
        let mut waits = |channel: &Channel| self.store.transact(|tx| tx.next_due(channel, &at_once)).unwrap().is_some();
        channels.iter().filter(|channel| waits(channel)).count()
    }
}

fn arrival(lead: usize, now: Timestamp) -> Arrival {
    Arrival {
        received_at: now,
        source: "website".into(),
        method: "POST".into(),
        target: "/hooks/website".into(),
        headers: Vec::new(),
        body: lead.to_string().into_bytes(),
    }
}

/// Its message carries its number.
fn new_lead(lead: usize) -> NewLead {
    NewLead {
        crm: None,
        record_id: None,
        name: Some("Anna Berg".into()),
        email: None,
        phone_text: None,
        message: format!("lead number {lead:04}, we need 50 units by tomorrow"),
        event_key: Some(format!("event-{lead}")),
        content_key: format!("content-{lead}"),
    }
}

fn lead_of(text: &str) -> usize {
    let (_, rest) = text.split_once("lead number ").unwrap_or_else(|| panic!("{text}"));
    rest[..4].parse().unwrap()
}

fn modem_settings(modem: &Arc<Modem>) -> Settings {
    Settings {
        name: "modem0".into(),
        port: Some(PORT.into()),
        baud: 115_200,
        smsc: None,
        validity: Duration::from_hours(1),
        pin: None,
        caps: (10_000, 10_000),
        power: Some(PowerSwitch(modem.power_switch())),
        timings: Timings::default(),
    }
}

fn desk_settings(opening: Opening) -> outbox::Settings {
    let texts = vec![Channel::new(Lane::Sms, "modem0"), Channel::new(Lane::Sms, "twilio")];
    let mut channels: BTreeMap<Channel, usize> = BTreeMap::from([(texts[0].clone(), 1), (texts[1].clone(), 4)]);
    channels.extend([(Channel::desk(), 8), (Channel::new(Lane::Llm, "openai"), 4)]);
    let limit = Duration::from_mins(1);
    outbox::Settings {
        channels,
        paces: BTreeMap::new(),
        limits: Limits {
            llm: limit,
            sms: Duration::from_mins(3),
            mail: limit,
            ticket: limit,
            crm: limit,
            look_up: limit,
        },
        models: Models::default(),
        waits: Waits {
            ladder: Ladder { base: Duration::from_secs(1), cap: Duration::from_mins(5) },
            look_up_after: Duration::from_secs(10),
        },
        breaker: BreakerSettings { opens_after: 5, pause: Duration::from_secs(30) },
        route: route::Settings {
            on_call: OnCall::alone(Person::new("Dana".into(), DANA.parse().unwrap())),
            sms_channels: texts,
            digest: route::Digest {
                after: 10_000,
                within: Duration::from_mins(10),
                gather: Duration::from_secs(30),
                late_after: Duration::from_hours(2),
            },
            failover_after: Duration::from_secs(30),
            sms_give_up_after: Duration::from_hours(1),
            ring: None,
            template: SmsTemplate::default(),
            max_parts: 3,
            translit: true,
            follow_up: None,
            ticketing: None,
            note_channels: Vec::new(),
            note_after: Duration::from_mins(10),
            crm_give_up_after: Duration::from_hours(72),
        },
        opening,
        read_again_after: Duration::from_secs(5),
        polls: BTreeMap::new(),
        caps: BTreeMap::new(),
        canary: CanarySettings::default(),
        reconcile: ReconcileSettings::default(),
    }
}
