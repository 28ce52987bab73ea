//! One office through many kills: each round arms a place, posts leads until the desk is there, kills it, and lets the
//! world go on. Nothing is repaired between the rounds, so what one kill left behind meets the next.

use std::process::ExitStatus;
use std::time::Duration;

use nightdesk::demo::sim::modem::{self, Step, Trouble};
use nightdesk::demo::sim::smtp::HeldMail;
use nightdesk::demo::sim::{self, Fault, Match, Moment};
use serde_json::Value;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, interval, timeout};

use super::boundary::{Boundary, Request};
use super::lead::{Class, Sent};
use super::ledger::Book;
use super::others::Others;
use super::team::{self, Typed};
use crate::support::{Office, exchange};

/// A place that was not reached by then, on however slow a machine, is tried again in another round.
const ROUND: Duration = Duration::from_secs(15);
/// Everything open must have ended by then: the longest wait of the configuration is 3 s.
const QUIET: Duration = Duration::from_mins(1);
/// Between two bursts of leads.
const BURST_EVERY: Duration = Duration::from_millis(400);
const BURSTS: u32 = 8;

/// An office and its history.
pub(super) struct Campaign {
    pub(super) office: Office,
    pub(super) leads: Vec<Sent>,
    /// Where it was killed.
    pub(super) kills: Vec<Boundary>,
    pub(super) rng: fastrand::Rng,
    /// Where a team is on call: what its people typed.
    pub(super) typed: Option<Typed>,
    /// Where mails are written and cases handed on.
    pub(super) others: Option<Others>,
    runs: bool,
    /// Posts under way, by lead.
    posts: JoinSet<(usize, Option<(u16, Value)>)>,
    under_way: Vec<AbortHandle>,
    /// Leads whose senders got no answer and will come again.
    again: Vec<usize>,
}

/// What tells that the desk is at its boundary.
enum Trap {
    Stop,
    Vendor(sim::Held),
    Modem(modem::Held),
    Mail(HeldMail),
}

impl Campaign {
    pub(super) async fn new(seed: u64) -> Self {
        let office = Office::new("").await;
        office.configure(&configuration(&office));
        let rng = fastrand::Rng::with_seed(seed);
        let (leads, kills, again) = (Vec::new(), Vec::new(), Vec::new());
        let (posts, under_way) = (JoinSet::new(), Vec::new());
        Self { office, leads, kills, rng, typed: None, others: None, runs: false, posts, under_way, again }
    }

    /// An office with a team on call, who answer as they please.
    pub(super) async fn with_team(seed: u64) -> Self {
        let mut campaign = Self::new(seed).await;
        let office = &campaign.office;
        office.configure(
            &format!("{}{}", configuration(office), team::TEAM).replace("digest-after = 100000", team::DIGESTS),
        );
        campaign.typed = Some(team::gather(&office.modem, &mut campaign.rng));
        campaign
    }

    /// An office with a second model, that writes mails and hands cases on.
    pub(super) async fn with_others(seed: u64) -> Self {
        let mut campaign = Self::new(seed).await;
        let office = &campaign.office;
        let others = Others::new(office).await;
        office.configure(&format!("{}{}", configuration(office), others.configuration(office)));
        campaign.others = Some(others);
        campaign
    }

    /// Kills the desk at this place; `false` when it was killed elsewhere because it didn't come there.
    pub(super) async fn round(&mut self, place: Boundary) -> bool {
        if self.rng.bool() {
            self.rest().await;
        }
        let mut trap = self.arm(place);
        self.trouble(place);
        let reached = self.feed(place, &mut trap).await;
        self.kill(if reached { place } else { Boundary::Anywhere });
        self.let_go(trap);
        self.collect().await;
        reached
    }

    /// Lets the desk finish what is open, without interference. It runs afterwards.
    pub(super) async fn rest(&mut self) {
        self.run("");
        self.open().await;
        assert!(self.quiet().await, "the desk ended by itself\n{}", self.office.log());
    }

    /// Waits until every post is answered and nothing is open, at most so long that a judge finds what is; `false` as
    /// soon as the desk has ended by itself.
    pub(super) async fn quiet(&mut self) -> bool {
        let deadline = Instant::now() + QUIET;
        let reader = self.office.reader();
        let mut ticks = interval(Duration::from_millis(10));
        while Instant::now() < deadline && !self.office.has_ended() {
            ticks.tick().await;
            let counts = reader.counts().unwrap();
            if self.is_answered() && counts.open_leads == 0 && counts.open_jobs == 0 {
                break;
            }
        }
        !self.office.has_ended()
    }

    /// Until the texts that people typed are read, and what they mean is done.
    pub(super) async fn everything_typed_is_read(&mut self) {
        let Some(typed) = self.typed.clone() else { return };
        let read = |campaign: &Self| {
            let inbound = Book::read(campaign.office.path()).inbound;
            typed.lock().unwrap().iter().all(|one| inbound.contains(one))
        };
        let deadline = Instant::now() + ROUND;
        while !read(self) && Instant::now() < deadline {
            tokio::time::sleep(BURST_EVERY).await;
        }
        assert!(self.quiet().await, "the desk ended by itself\n{}", self.office.log());
    }

    /// Runs the desk with these places armed.
    pub(super) fn run(&mut self, failpoints: &str) {
        if self.runs && !failpoints.is_empty() {
            self.kill(Boundary::Anywhere);
        }
        if !self.runs {
            self.office.set_env("NIGHTDESK_FAILPOINT", failpoints);
            self.office.intake = None;
            self.office.spawn();
            self.runs = true;
        }
    }

    pub(super) fn kill(&mut self, place: Boundary) {
        self.office.kill();
        self.runs = false;
        self.kills.push(place);
    }

    /// It died by itself.
    pub(super) async fn bury(&mut self) -> ExitStatus {
        self.runs = false;
        self.office.exit().await
    }

    /// Waits until the desk has come so far.
    pub(super) async fn until(&self, is_there: impl Fn(&Self) -> bool) {
        let mut ticks = interval(Duration::from_millis(2));
        timeout(QUIET, async {
            while !is_there(self) {
                ticks.tick().await;
            }
        })
        .await
        .unwrap_or_else(|_| panic!("it never came there\n{}", self.office.log()));
    }

    /// Whether every post has its answer, or never will.
    pub(super) fn is_answered(&self) -> bool {
        self.under_way.iter().all(AbortHandle::is_finished)
    }

    /// Waits until it takes leads.
    pub(super) async fn open(&mut self) {
        let mut ticks = interval(Duration::from_millis(2));
        while !self.is_open() {
            ticks.tick().await;
        }
    }

    fn is_open(&mut self) -> bool {
        assert!(!self.office.has_ended(), "the desk ended by itself\n{}", self.office.log());
        if self.office.intake.is_none()
            && let Some(opened) = self.office.logged("the desk is open")
        {
            self.office.intake = opened["fields"]["intake"].as_str().and_then(|address| address.parse().ok());
        }
        self.office.intake.is_some()
    }

    fn arm(&mut self, place: Boundary) -> Trap {
        match place {
            Boundary::Inside(name) => {
                let nth = self.rng.u32(1..=place.passages());
                self.run(&format!("{name}:{nth}:stop"));
                Trap::Stop
            }
            Boundary::Vendor(asked, moment) => {
                let on = asked.at(moment);
                let held = match asked {
                    Request::Model => self.office.llm.hold(moment, on),
                    Request::Spare => self.others().spare.hold(moment, on),
                    Request::Ticket => self.others().zendesk.hold(moment, on),
                    Request::Text | Request::TextLookUp => self.office.twilio.hold(moment, on),
                    Request::Update | Request::Note | Request::NoteLookUp | Request::Task | Request::TaskLookUp => {
                        self.office.hubspot.hold(moment, on)
                    }
                };
                self.run("");
                Trap::Vendor(held)
            }
            Boundary::Modem(step) => {
                let held = self.office.modem.hold(step);
                self.run("");
                Trap::Modem(held)
            }
            Boundary::Mail(step) => {
                let held = self.others().smtp.hold(step);
                self.run("");
                Trap::Mail(held)
            }
            Boundary::Anywhere => Trap::Stop,
        }
    }

    pub(super) fn others(&self) -> &Others {
        self.others.as_ref().expect("an office that has them")
    }

    /// What must go wrong for a lead to come to this place, or for the sake of variety.
    fn trouble(&mut self, place: Boundary) {
        let lost = |on: Match| Fault::reset().applied().on(on);
        let Office { llm, hubspot, twilio, modem, .. } = &self.office;
        let refuse = || modem.trouble_forever(Step::Command("AT+CMGS"), Trouble::Cms(21));
        match place {
            Boundary::Vendor(Request::Spare, _) => llm.script([Fault::status(500).forever()]),
            Boundary::Vendor(Request::Text, _) => refuse(),
            Boundary::Vendor(Request::TextLookUp, _) => {
                refuse();
                twilio.script([lost(Request::Text.at(Moment::Arrived))]);
            }
            Boundary::Vendor(Request::TaskLookUp, _) => hubspot.script([lost(Request::Task.at(Moment::Arrived))]),
            Boundary::Vendor(Request::NoteLookUp, _) => hubspot.script([lost(Request::Note.at(Moment::Arrived))]),
            Boundary::Inside(name) if name.ends_with("classify_deadline") => llm.script([Fault::hang().forever()]),
            Boundary::Inside(name) if name.ends_with("failover") => {
                modem.trouble_forever(Step::CtrlZ, Trouble::Silent);
            }
            Boundary::Inside(_) if self.rng.u8(..4) == 0 => refuse(),
            Boundary::Inside(_) if self.rng.u8(..4) == 0 => hubspot.script([lost(Request::Note.at(Moment::Arrived))]),
            Boundary::Inside(_)
            | Boundary::Vendor(..)
            | Boundary::Modem(_)
            | Boundary::Mail(_)
            | Boundary::Anywhere => {}
        }
    }

    /// Posts leads until the desk stands at the place.
    async fn feed(&mut self, place: Boundary, trap: &mut Trap) -> bool {
        let deadline = Instant::now() + ROUND;
        let mut next = Instant::now();
        let mut bursts = 0;
        while Instant::now() < deadline {
            if self.is_reached(trap).await {
                return true;
            }
            if self.is_open() && bursts < BURSTS && Instant::now() >= next {
                self.burst(place);
                bursts += 1;
                next = Instant::now() + BURST_EVERY;
            }
        }
        false
    }

    /// Looks for a few milliseconds.
    async fn is_reached(&self, trap: &mut Trap) -> bool {
        const LOOK: Duration = Duration::from_millis(3);
        match trap {
            Trap::Stop => {
                tokio::time::sleep(LOOK).await;
                self.office.is_stopped()
            }
            Trap::Vendor(held) => timeout(LOOK, held.reached()).await.is_ok(),
            Trap::Modem(held) => timeout(LOOK, held.reached()).await.is_ok(),
            Trap::Mail(held) => timeout(LOOK, held.reached()).await.is_ok(),
        }
    }

    /// One to four leads at once, and those whose senders come again.
    fn burst(&mut self, place: Boundary) {
        for _ in 0..self.rng.usize(1..=4) {
            let class = if self.rng.bool() { Class::Buyer } else { self.any_class() };
            self.come(place.class().unwrap_or(class));
        }
        self.come_again();
    }

    pub(super) fn any_class(&mut self) -> Class {
        Class::ALL[self.rng.usize(..Class::ALL.len())]
    }

    /// A new lead.
    pub(super) fn come(&mut self, class: Class) {
        let long = self.rng.u8(..4) == 0;
        let lead = self.enter(Sent::new(self.leads.len(), class, long));
        self.post(lead);
    }

    /// Those whose senders got no answer and try it again.
    pub(super) fn come_again(&mut self) {
        for lead in std::mem::take(&mut self.again) {
            self.post(lead);
        }
    }

    /// A lead whose contact is in the CRM.
    pub(super) fn enter(&mut self, sent: Sent) -> usize {
        self.office.hubspot.set_contact(&sent.contact, &[]);
        self.leads.push(sent);
        self.leads.len() - 1
    }

    pub(super) fn post(&mut self, lead: usize) {
        let sent = &self.leads[lead];
        let (address, bytes) = (self.office.intake.unwrap(), sent.post.bytes());
        let post = self.posts.spawn(async move {
            let answer = exchange(address, &bytes).await;
            (lead, answer.map(|(status, _, body)| (status, serde_json::from_slice(&body).unwrap_or_default())))
        });
        self.under_way.push(post);
    }

    /// The desk is dead: what waited for it goes on, or is lost; troubles are over.
    fn let_go(&mut self, trap: Trap) {
        match (trap, self.rng.bool()) {
            (Trap::Vendor(held), true) => held.abandon(),
            (Trap::Modem(held), true) => held.abandon(),
            (Trap::Mail(held), true) => held.abandon(),
            (Trap::Stop | Trap::Vendor(_) | Trap::Modem(_) | Trap::Mail(_), _) => {}
        }
        self.heal();
    }

    /// Nothing goes wrong any more.
    fn heal(&self) {
        if let Some(others) = &self.others {
            others.heal();
        }
        self.office.llm.heal();
        self.office.hubspot.heal();
        self.office.twilio.heal();
        self.office.modem.heal();
    }

    /// Every post has its answer, or never will; some senders come again then.
    pub(super) async fn collect(&mut self) {
        self.under_way.clear();
        while let Some(posted) = self.posts.join_next().await {
            match posted.unwrap() {
                (lead, Some(answer)) => self.leads[lead].answers.push(answer),
                (lead, None) if self.rng.bool() => self.again.push(lead),
                (_, None) => {}
            }
        }
    }
}

/// Short clocks. A failover clock that lets a healthy modem finish, a wait for its report that outlasts the clock's
/// timer, a model that gives up before the classify deadline, and a modem that isn't woken while a test holds it.
fn configuration(office: &Office) -> String {
    let (at, llm) = (office.path().display(), office.llm.base_url());
    format!(
        r#"
[[llm]]
name = "openai"
base-url = "{llm}"
model = "gpt-test"
key = {{ file = "{at}/llm-key" }}
timeout = "700ms"
first-timeout = "700ms"
[classify]
deadline = "1200ms"
[sms]
digest-after = 100000
failover-after = "900ms"
report-wait = "1900ms"
[modem.modem0]
port = "{at}/modem"
parts-per-hour = 100000
parts-per-day = 100000
[modem.modem0.timings]
part-gap = "1ms"
gap = "1ms"
reopen = "20ms"
retry = "50ms"
late-verdict = "5s"
[outbox]
retry-base = "20ms"
retry-cap = "200ms"
note-after = "1500ms"
breaker-pause = "200ms"
"#
    )
}
