//! A campaign: two thousand leads at once, and CRMs that allow only so much. On virtual time, with a CRM that counts.
//!
//! The real desk and store; the CRM refuses what goes beyond its limit as the vendors do, so that a refusal would be seen.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use nightdesk::model::oncall::OnCall;
use nightdesk::model::{
    BootId, Channel, ClassifiedBy, Done, Failure, Fault, JobState, Label, Ladder, Lane, LeadId, Left, NewLead, Outcome,
    Quota, Report, RowId, Task, Timestamp, Work,
};
use nightdesk::outbox::{
    self, BreakerSettings, CanarySettings, Desk, Limits, Models, Pace, ReconcileSettings, Settings, Waits,
};
use nightdesk::route::{self, SmsTemplate};
use nightdesk::store::{Arrival, DeadLetterFilter, Gate, Opening, Received, Store, Tx};
use tokio::time::{Instant, interval};

use crate::support::{Office, PATIENCE, Post};

const CURIOUS: &str = "How does your product compare to others? I am just curious.";
const BEGIN: Timestamp = Timestamp::from_millis(1_795_000_000_000);
const LEADS: usize = 2_000;
/// Every tenth is urgent.
const URGENT: usize = 10;
/// A request takes so long.
const TAKES: Duration = Duration::from_millis(120);

fn crm() -> Channel {
    Channel::new(Lane::Crm, "crm")
}

fn model() -> Channel {
    Channel::new(Lane::Llm, "model")
}

/// What the account allows, as its vendor counts.
struct Account {
    requests: usize,
    per: Duration,
    recent: VecDeque<Timestamp>,
    made: u32,
    refused: u32,
    /// Used of so many in a day, and when all of them are there again.
    day: Option<(u32, u32, Timestamp)>,
    /// When each lead's class was written.
    written: BTreeMap<LeadId, Timestamp>,
}

impl Account {
    fn ask(&mut self, work: &Work, now: Timestamp) -> Report {
        while self.recent.front().is_some_and(|at| now.since(*at) >= self.per) {
            self.recent.pop_front();
        }
        if let Some((used, _, renewed_at)) = &mut self.day
            && now >= *renewed_at
        {
            *used = 0;
        }
        self.made += 1;
        let is_over = self.day.is_some_and(|(used, of, _)| used >= of);
        if self.recent.len() >= self.requests || is_over {
            self.refused += 1;
            let failure = Failure::new(Fault::Throttled { until: now.after(Duration::from_secs(10)) }, "too many");
            return Report::of(Outcome::Failed(failure));
        }
        self.recent.push_back(now);
        if let Task::CrmUpdate(_) = work.job.task {
            self.written.insert(work.job.lead, now);
        }
        let day = self.day.as_mut().map(|(used, of, _)| {
            *used += 1;
            Left { left: of.saturating_sub(*used), of: *of }
        });
        let quota = Quota { requests: 1, burst: None, day };
        Report { quota, ..Report::of(Outcome::Done(Done::Crm { id: None })) }
    }
}

struct Campaign {
    store: Store,
    desk: Desk,
    now: Timestamp,
    ends: BTreeMap<(Timestamp, usize), (Work, Report)>,
    account: Account,
    leads: Vec<LeadId>,
}

impl Campaign {
    fn new(account: Account, pace: Pace) -> Self {
        let mut store = Store::in_memory().unwrap();
        let settings = settings(pace);
        let opening = settings.opening.clone();
        let leads = (0..LEADS).map(|nth| lead(&mut store, &opening, nth)).collect();
        let desk = Desk::new(settings, BootId::fresh(BEGIN));
        Self { store, desk, now: BEGIN, ends: BTreeMap::new(), account, leads }
    }

    /// Runs until nothing is left to do.
    fn run(&mut self) {
        for turn in 0.. {
            assert!(turn < 200_000, "the desk turns in circles at {}", self.now);
            let (desk, now) = (&mut self.desk, self.now);
            let works = self.store.transact(|tx| desk.claim_due(tx, now)).unwrap();
            for work in works {
                let report = match &work.job.task {
                    Task::Classify { .. } => {
                        let label = label(&work.lead.raw_message);
                        Report::of(Outcome::Done(Done::Classified { label, by: ClassifiedBy::Llm }))
                    }
                    Task::CrmUpdate(_) | Task::CrmNote(_) => self.account.ask(&work, now),
                    _ => Report::of(Outcome::Done(Done::Timer)),
                };
                let key = (now.after(TAKES), self.ends.last_key_value().map_or(0, |((_, nth), _)| nth + 1));
                self.ends.insert(key, (work, report));
            }
            let due = self.store.transact(|tx| desk.next_due(tx, now)).unwrap();
            let ends = self.ends.first_key_value().map(|((at, _), _)| *at);
            let Some(next) = due.into_iter().chain(ends).min() else { return };
            self.now = next.max(self.now.after(Duration::from_millis(1)));
            while let Some(end) = self.ends.first_entry().filter(|end| end.key().0 <= self.now) {
                let (work, report) = end.remove();
                let (desk, now) = (&mut self.desk, self.now);
                self.store.transact(|tx| desk.settle(tx, &work, &report, now, 0.5)).unwrap();
            }
        }
    }

    /// How long the classes of urgent leads, and those of the others, waited at most.
    fn waits(&self) -> (Duration, Duration) {
        let longest = |urgent: bool| {
            let nth = |nth: &usize| nth.is_multiple_of(URGENT) == urgent;
            let wait = |nth: usize| self.account.written[&self.leads[nth]].since(BEGIN);
            (0..LEADS).filter(nth).map(wait).max().unwrap()
        };
        (longest(true), longest(false))
    }

    fn nothing_failed(&mut self) {
        let letters = self.store.transact(|tx| tx.dead_letters(&DeadLetterFilter::default())).unwrap();
        assert_eq!((letters.len(), self.account.refused), (0, 0));
        let read = |tx: Tx<'_>| tx.alerts();
        let alerts: Vec<String> = self.store.transact(read).unwrap().into_iter().map(|alert| alert.key).collect();
        assert_eq!(alerts, ["oncall:nobody"], "what was told of the day is over");
        for id in self.leads.clone() {
            let actions = self.store.transact(|tx| tx.actions(id)).unwrap();
            assert!(actions.len() == 2 && actions.iter().all(|action| action.state == JobState::Done), "{actions:?}");
        }
    }
}

fn label(message: &str) -> Label {
    if message.starts_with("urgent") { Label::UrgentBuyer } else { Label::TireKicker }
}

fn lead(store: &mut Store, opening: &Opening, nth: usize) -> LeadId {
    let arrival = Arrival {
        received_at: BEGIN,
        source: "s".into(),
        method: "POST".into(),
        target: "/".into(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let new = NewLead {
        crm: Some(crm()),
        record_id: Some(nth.to_string()),
        name: None,
        email: None,
        phone_text: None,
        message: format!("{} {nth}", if nth.is_multiple_of(URGENT) { "urgent" } else { "curious" }),
        event_key: None,
        content_key: nth.to_string(),
    };
    let received = store.transact(|tx| tx.receive(&arrival, &Gate::Passed(new), opening)).unwrap();
    let Received::Accepted(lead) = received else { panic!("{received:?}") };
    lead
}

fn settings(pace: Pace) -> Settings {
    let day = Duration::from_hours(24);
    Settings {
        channels: BTreeMap::from([(Channel::desk(), 8), (model(), 16), (crm(), 4)]),
        paces: BTreeMap::from([(crm(), pace)]),
        limits: Limits { llm: day, sms: day, mail: day, ticket: day, crm: day, look_up: day },
        models: Models::default(),
        waits: Waits {
            ladder: Ladder { base: Duration::from_secs(1), cap: Duration::from_mins(5) },
            look_up_after: Duration::from_secs(10),
        },
        breaker: BreakerSettings { opens_after: 5, pause: Duration::from_secs(30) },
        route: route::Settings {
            on_call: OnCall::default(),
            sms_channels: Vec::new(),
            digest: route::Digest {
                after: 5,
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
            note_channels: vec![crm()],
            note_after: Duration::from_mins(10),
            crm_give_up_after: Duration::from_hours(72),
        },
        opening: Opening {
            classify_on: Some(model()),
            deadline_after: day,
            give_up_after: day,
            read_give_up_after: day,
        },
        read_again_after: Duration::from_secs(5),
        polls: BTreeMap::new(),
        caps: BTreeMap::new(),
        canary: CanarySettings::default(),
        reconcile: ReconcileSettings::default(),
    }
}

fn account(requests: usize, per: Duration) -> Account {
    let (recent, written) = (VecDeque::new(), BTreeMap::new());
    Account { requests, per, recent, made: 0, refused: 0, day: None, written }
}

#[test]
fn a_campaign_keeps_within_ten_requests_a_second_and_urgent_leads_come_first() {
    let second = Duration::from_secs(1);
    let pace = outbox::Pace { requests: 10, per: second, urgent_reserve: 5 };
    let mut campaign = Campaign::new(account(10, second), pace);
    campaign.run();
    campaign.nothing_failed();
    assert_eq!(campaign.account.made, 4_000, "two requests for each lead");
    let (urgent, other) = campaign.waits();
    // The model reads all of them within 15 s. Two hundred urgent writes take some 27 s at that rate, all others minutes.
    assert!(urgent < Duration::from_secs(45), "{urgent:?}");
    assert!(other > urgent.saturating_mul(4), "{other:?}");
}

#[test]
fn the_end_of_a_day_is_for_urgent_leads_and_nothing_fails() {
    let renewed_at = BEGIN.after(Duration::from_hours(6));
    let pace = Pace { requests: 25, per: Duration::from_secs(1), urgent_reserve: 5 };
    let account = Account { day: Some((14_500, 15_000, renewed_at)), ..account(25, Duration::from_secs(1)) };
    let mut campaign = Campaign::new(account, pace);
    campaign.run();
    campaign.nothing_failed();
    let (urgent, other) = campaign.waits();
    assert!(urgent < Duration::from_mins(1), "{urgent:?}");
    assert!(other >= Duration::from_hours(6), "{other:?}");
    let early = campaign.account.written.values().filter(|at| **at < renewed_at).count();
    assert!((200..260).contains(&early), "urgent ones, and one look each quarter of an hour: {early}");
}

/// Leads of the campaign over HTTP; `CAMPAIGN_LEADS` asks for more.
fn leads_over_http() -> u32 {
    std::env::var("CAMPAIGN_LEADS").ok().and_then(|text| text.parse().ok()).unwrap_or(60)
}

/// The real binary, and a HubSpot that refuses the eleventh request of a second. The margin is for a machine that stands
/// still for a moment: requests that left apart arrive together then.
#[tokio::test]
async fn hubspot_has_nothing_to_refuse() {
    let mut office = Office::new("").await;
    let (url, at) = (office.hubspot.base_url(), office.path().display().to_string());
    office.configure(&format!(
        "[crm.hubspot]\nkind = \"hubspot\"\nbase-url = \"{url}\"\ntoken = {{ file = \"{at}/hubspot-token\" }}\n\
         rate = {{ requests = 8, per = \"1s\" }}\n"
    ));
    office.hubspot.allow(10, Duration::from_secs(1));
    office.start().await;
    let leads = leads_over_http();
    for nth in 0..leads {
        let id = (1_000 + nth).to_string();
        office.hubspot.set_contact(&id, &[("email", &format!("anna{id}@example.com")), ("message", CURIOUS)]);
        assert_eq!(office.post(&Post::hubspot(&id, CURIOUS)).await.0, 202);
    }
    // Ten a second, and as much again for a slow machine.
    let deadline = Instant::now() + PATIENCE + Duration::from_millis(400).saturating_mul(leads);
    let mut ticks = interval(Duration::from_millis(100));
    while office.reader().counts().unwrap().open_leads > 0 {
        ticks.tick().await;
        assert!(Instant::now() < deadline, "{:?}", office.reader().counts());
    }
    let asked = office.hubspot.requests();
    let refused = asked.iter().filter(|one| one.status == Some(429)).count();
    assert_eq!((refused, office.violations()), (0, Vec::new()));
    assert_eq!(office.column("SELECT count(*) FROM dead_letters"), ["0"]);
    assert_eq!(asked.len(), 2 * usize::try_from(leads).unwrap(), "the class, and the note");
}
