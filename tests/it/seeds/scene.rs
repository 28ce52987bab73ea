//! What a seed is about: how the desk is set up, who writes, what the weather is, when the process dies.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use nightdesk::model::oncall::{OnCall, Person};
use nightdesk::model::{Channel, CrmRead, CrmRecord, Label, Ladder, Lane, NewLead, Timestamp};
use nightdesk::outbox::{BreakerSettings, Budget, CanarySettings, Limits, Models, ReconcileSettings, Settings, Waits};
use nightdesk::route::{self, SmsTemplate};
use nightdesk::store::{Arrival, Gate, Opening, Pointed};

use super::effects::{Sky, Trouble, Weather};

const CLOCK: Duration = Duration::from_secs(30);
const LOOK_UP_AFTER: Duration = Duration::from_secs(10);
const LOOK_UP: Duration = Duration::from_secs(10);
/// A call, an answer, and what others are told of it.
const TEXTS_OF_A_TEAM: u32 = 4;
/// A seed's leads; 2,000 seeds must bring 20,000.
const LEADS: std::ops::RangeInclusive<u32> = 9..=12;

/// One webhook.
#[derive(Debug, Clone)]
pub(super) struct Hook {
    /// Which message it carries; `None` for one that the gate refuses.
    pub(super) number: Option<u32>,
    pub(super) gate: Gate,
}

impl Hook {
    pub(super) fn has_no_record(&self) -> bool {
        matches!(&self.gate, Gate::Passed(lead) if lead.record_id.is_none())
    }

    /// Whether it tells only where to read.
    pub(super) fn is_pointer(&self) -> bool {
        matches!(self.gate, Gate::Pointed(_))
    }

    pub(super) fn arrival(&self, now: Timestamp) -> Arrival {
        Arrival {
            received_at: now,
            source: "website".into(),
            method: "POST".into(),
            target: "/hooks/website".into(),
            headers: Vec::new(),
            body: format!("{:?}", self.number).into_bytes(),
        }
    }
}

/// One seed's set-up.
pub(super) struct Scene {
    pub(super) begins: Timestamp,
    pub(super) settings: Settings,
    pub(super) opening: Opening,
    pub(super) weather: Weather,
    pub(super) hooks: Vec<(Timestamp, Hook)>,
    pub(super) deaths: Vec<(Timestamp, Duration)>,
    pub(super) jumps: Vec<(Timestamp, Duration)>,
    /// The modem's network reports on texts; many never do.
    pub(super) reports: bool,
    /// Chance that a text which a network took never reaches the phone.
    pub(super) loss_rate: f64,
    /// Chance of dying at each boundary of an effect.
    pub(super) death_rate: f64,
    pub(super) commit_failure_rate: f64,
    /// How long an alert may take where one channel for texts always works.
    pub(super) text_within: Option<Duration>,
    /// Several are called, one after the other, and some answer.
    pub(super) has_team: bool,
    /// From then on the desk rides late: days of waiting for a vendor would cost the suite minutes.
    pub(super) dull_after: Timestamp,
}

impl Scene {
    pub(super) fn of(seed: u64, rng: &mut Rng) -> Self {
        let begins = Timestamp::from_millis(1_795_000_000_000);
        let steady = seed.is_multiple_of(4);
        let channels = if seed % 8 == 5 { vec!["modem0"] } else { vec!["modem0", "twilio"] };
        let texts: Vec<Channel> = channels.iter().map(|name| Channel::new(Lane::Sms, name)).collect();
        let model = Channel::new(Lane::Llm, "openai");
        let rate = *rng.choice(&[0.0, 0.1, 0.3, 0.6]).unwrap();
        let mut weather: Weather =
            texts.iter().chain([&model, &hubspot()]).map(|name| (name.clone(), sky(begins, rate, rng))).collect();
        // A power cut or a storm takes every way to text at once; a wrong number is refused by all of them.
        if rng.u8(..5) == 0 {
            let storm = outage(begins, rng);
            for name in &texts {
                weather.get_mut(name).unwrap().outages.push(storm);
            }
        }
        // Who sends and who tells are the same vendor.
        if let Some(sky) = weather.get(&Channel::new(Lane::Sms, "twilio")).cloned() {
            weather.insert(polls(), sky);
        }
        if steady {
            let works = rng.choice(&texts).unwrap().clone();
            weather.insert(works, Sky { steady: true, ..Sky::default() });
        }
        let forever = |hours| (begins, begins.after(Duration::from_hours(hours)), Trouble::Down);
        match seed % 64 {
            6 => weather.get_mut(&model).unwrap().outages = vec![forever(30)],
            7 => weather.get_mut(&hubspot()).unwrap().outages = vec![forever(76)],
            _ => {}
        }
        let hooks = hooks(begins, rng);
        let (deaths, jumps) = if steady { (Vec::new(), Vec::new()) } else { (deaths(begins, rng), jumps(begins, rng)) };
        let reports = rng.bool();
        let rough = |rate: f64| if steady { 0.0 } else { rate };
        let leads = u32::try_from(hooks.len()).unwrap();
        let second = (seed % 3 == 1).then(|| Channel::new(Lane::Llm, "claude"));
        if let Some(second) = &second {
            // Drawn apart, so that the night is otherwise that of one model.
            weather.insert(second.clone(), sky(begins, rate, &mut Rng::with_seed(seed)));
        }
        let opening = Opening {
            classify_on: (rng.u8(..32) > 0).then(|| model.clone()),
            deadline_after: Duration::from_secs(45),
            give_up_after: Duration::from_hours(24),
            read_give_up_after: Duration::from_hours(72),
        };
        Self {
            begins,
            settings: with_second(settings(texts, &model, opening.clone(), on_call(seed), digest(seed)), model, second),
            opening,
            weather,
            hooks,
            deaths,
            jumps,
            reports,
            loss_rate: if reports { rough(*rng.choice(&[0.0, 0.1, 0.4]).unwrap()) } else { 0.0 },
            death_rate: rough(*rng.choice(&[0.0, 0.004, 0.02]).unwrap()),
            commit_failure_rate: rough(0.01),
            // The clock, a look-up of what it interrupted, and a place in the queue of the channel that works.
            text_within: steady.then(|| {
                let others = if has_team(seed) { TEXTS_OF_A_TEAM } else { 1 };
                CLOCK + LOOK_UP_AFTER + LOOK_UP + Duration::from_secs(2) + Duration::from_millis(1_500) * leads * others
            }),
            has_team: has_team(seed),
            dull_after: begins.after(Duration::from_hours(2)),
        }
    }
}

/// The same where there is a second model to ask, which is dear: in some nights its money runs out.
fn with_second(mut settings: Settings, first: Channel, second: Option<Channel>) -> Settings {
    let Some(second) = second else { return settings };
    settings.channels.insert(second.clone(), 2);
    let budget = Budget { per_day: Some(500_000), ..Budget::default() };
    settings.models = Models { reserves: [(second.clone(), 50_000)].into(), order: vec![first, second], budget };
    settings
}

/// Where it is asked after texts.
fn polls() -> Channel {
    Channel::new(Lane::Desk, "twilio")
}

fn hubspot() -> Channel {
    Channel::new(Lane::Crm, "hubspot")
}

const fn has_team(seed: u64) -> bool {
    seed % 9 == 2
}

/// A team, or Dana alone. Alone she never claims a lead, and in every third night she is not waited for.
fn on_call(seed: u64) -> OnCall {
    let person = |name: &str, number: &str, minutes| {
        (Person::new(name.into(), number.parse().unwrap()), Duration::from_mins(minutes))
    };
    if has_team(seed) {
        let (dana, lee) = (person("Dana", "+15551230001", 3), person("Lee", "+15551230002", 4));
        OnCall::of(vec![dana, lee, person("Boss", "+15551230003", 5)])
    } else {
        OnCall::of(vec![person("Dana", "+15551230001", if seed.is_multiple_of(3) { 0 } else { 3 })])
    }
}

/// A team gets digests.
fn digest(seed: u64) -> route::Digest {
    let after = if has_team(seed) { 4 } else { 10_000 };
    route::Digest {
        after,
        within: Duration::from_mins(10),
        gather: Duration::from_secs(30),
        late_after: Duration::from_hours(2),
    }
}

fn settings(
    texts: Vec<Channel>,
    model: &Channel,
    opening: Opening,
    on_call: OnCall,
    digest: route::Digest,
) -> Settings {
    let mut channels: BTreeMap<Channel, usize> = texts.iter().map(|name| (name.clone(), 1)).collect();
    channels.extend([(Channel::desk(), 4), (model.clone(), 4), (hubspot(), 2), (polls(), 1)]);
    Settings {
        channels,
        paces: BTreeMap::new(),
        limits: Limits {
            llm: Duration::from_secs(30),
            sms: Duration::from_mins(1),
            mail: Duration::from_secs(15),
            ticket: Duration::from_secs(15),
            crm: Duration::from_secs(15),
            look_up: LOOK_UP,
        },
        models: Models::default(),
        waits: Waits {
            ladder: Ladder { base: Duration::from_secs(1), cap: Duration::from_mins(5) },
            look_up_after: LOOK_UP_AFTER,
        },
        breaker: BreakerSettings { opens_after: 5, pause: Duration::from_secs(30) },
        route: route::Settings {
            on_call,
            sms_channels: texts,
            digest,
            failover_after: CLOCK,
            sms_give_up_after: Duration::from_hours(1),
            ring: None,
            template: SmsTemplate::default(),
            max_parts: 3,
            translit: true,
            follow_up: None,
            ticketing: None,
            note_channels: vec![hubspot()],
            note_after: Duration::from_mins(10),
            crm_give_up_after: Duration::from_hours(72),
        },
        opening,
        read_again_after: Duration::from_secs(5),
        polls: BTreeMap::from([(Channel::new(Lane::Sms, "twilio"), Duration::from_mins(10))]),
        caps: BTreeMap::new(),
        canary: CanarySettings::default(),
        reconcile: ReconcileSettings::default(),
    }
}

fn sky(begins: Timestamp, rate: f64, rng: &mut Rng) -> Sky {
    let mut outages = Vec::new();
    while rng.u8(..5) < 2 {
        outages.push(outage(begins, rng));
    }
    Sky { steady: false, rate, outages }
}

fn outage(begins: Timestamp, rng: &mut Rng) -> (Timestamp, Timestamp, Trouble) {
    let from = begins.after(Duration::from_secs(rng.u64(..3_600)));
    let long = Duration::from_secs(if rng.u8(..4) == 0 { rng.u64(3_600..10_800) } else { rng.u64(60..1_800) });
    let trouble = *rng
        .choice(&[
            Trouble::Down,
            Trouble::Hangs,
            Trouble::Refuses,
            Trouble::Throttles,
            Trouble::ThrottlesBlindly,
            Trouble::Rejects,
        ])
        .unwrap();
    (from, from.after(long), trouble)
}

fn hooks(begins: Timestamp, rng: &mut Rng) -> Vec<(Timestamp, Hook)> {
    let mut hooks = Vec::new();
    let burst = rng.bool();
    for number in 0..rng.u32(LEADS) {
        let spread = if burst { 20_000 } else { 2_400_000 };
        let at = begins.after(Duration::from_millis(rng.u64(..spread)));
        let gate = if rng.u8(..8) == 0 { Gate::Pointed(pointed(number)) } else { Gate::Passed(lead(number, rng)) };
        let hook = Hook { number: Some(number), gate };
        // The same event again, or the same words under another event's id.
        while rng.u8(..8) == 0 {
            let mut again = hook.clone();
            if rng.bool() {
                let key = Some(format!("again-{number}-{}", rng.u32(..)));
                match &mut again.gate {
                    Gate::Passed(lead) => lead.event_key = key,
                    Gate::Pointed(to) => to.event_key = key,
                    Gate::Ignored { .. } | Gate::Failed { .. } | Gate::Crashed { .. } => {}
                }
            }
            hooks.push((at.after(Duration::from_millis(rng.u64(..400_000))), again));
        }
        hooks.push((at, hook));
    }
    while rng.u8(..3) == 0 {
        let at = begins.after(Duration::from_millis(rng.u64(..2_400_000)));
        hooks.push((at, Hook { number: None, gate: Gate::Failed { reason: "no message".into() } }));
    }
    hooks
}

/// A webhook that only says that there is a record.
fn pointed(number: u32) -> Pointed {
    let record = CrmRecord { channel: hubspot(), id: number.to_string() };
    let read = CrmRead { record, account: None, again: false, expects_message: !number.is_multiple_of(3) };
    Pointed { read, event_key: Some(format!("event-{number}")) }
}

/// What such a record holds. Every fourth has its message a moment later, some never.
pub(super) fn record(read: &CrmRead) -> NewLead {
    let number: usize = read.record.id.parse().unwrap();
    let silent = number.is_multiple_of(16) || (number.is_multiple_of(4) && !read.again);
    NewLead {
        crm: Some(read.record.channel.clone()),
        record_id: Some(read.record.id.clone()),
        name: Some("Ada Byron".into()),
        email: Some("ada@example.com".into()),
        phone_text: None,
        message: if silent { String::new() } else { format!("{} {number}", Label::ALL[number % 4]) },
        event_key: None,
        content_key: format!("content-{number}"),
    }
}

fn lead(number: u32, rng: &mut Rng) -> NewLead {
    let label =
        rng.choice(&[Label::UrgentBuyer, Label::UrgentBuyer, Label::TireKicker, Label::SupportRequest, Label::Spam]);
    NewLead {
        crm: Some(hubspot()),
        record_id: (rng.u8(..4) > 0).then(|| number.to_string()),
        name: Some("Anna Berg".into()),
        email: None,
        phone_text: None,
        message: format!("{} {number}", label.unwrap()),
        event_key: rng.bool().then(|| format!("event-{number}")),
        content_key: format!("content-{number}"),
    }
}

/// When the process is killed, and for how long it stays away.
fn deaths(begins: Timestamp, rng: &mut Rng) -> Vec<(Timestamp, Duration)> {
    let mut deaths = Vec::new();
    // Off for longer than a model is asked, while leads are still unread.
    if rng.u8(..16) == 0 {
        deaths.push((
            begins.after(Duration::from_millis(rng.u64(..30_000))),
            Duration::from_secs(rng.u64(87_000..100_000)),
        ));
    }
    while rng.bool() {
        let at = begins.after(Duration::from_millis(rng.u64(..3_000_000)));
        let away = match rng.u8(..20) {
            0 => rng.u64(3_600..100_000),
            1..4 => rng.u64(30..1_800),
            _ => rng.u64(1..10),
        };
        deaths.push((at, Duration::from_secs(away)));
    }
    deaths
}

fn jumps(begins: Timestamp, rng: &mut Rng) -> Vec<(Timestamp, Duration)> {
    let mut jumps = Vec::new();
    while rng.bool() {
        let at = begins.after(Duration::from_millis(rng.u64(..3_000_000)));
        jumps.push((at, Duration::from_secs(if rng.u8(..8) == 0 { rng.u64(600..7_200) } else { rng.u64(1..120) })));
    }
    jumps
}
