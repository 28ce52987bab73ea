//! Nights of people: who is called, who answers, and what everybody is told. Each row of a story is what happens, and what
//! went out because of it, on a clock that is wound by hand through the real store and the real outbox.

mod canary;
mod clock;
mod crm;
mod hours;
mod later;
mod power;
mod rings;
mod storm;

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::oncall::{OnCall, Person};
use crate::model::{
    BootId, Channel, ClassifiedBy, Done, Label, Lane, LeadId, Outcome, Rang, Report, RowId, SmsReceipt, Task,
    Timestamp, Work,
};
use crate::outbox::tests::given::{self, settings};
use crate::outbox::{Desk, Settings};
use crate::route;
use crate::store::Store;

const BEGIN: Timestamp = Timestamp::from_millis(1_795_000_000_000);
const DANA: &str = "+15551230001";
const LEE: &str = "+15551230002";
const BOSS: &str = "+15551230003";

fn person(name: &str, phone: &str) -> Person {
    Person::new(name.into(), phone.parse().unwrap())
}

fn chain() -> OnCall {
    let step = |name, phone, minutes| (person(name, phone), Duration::from_mins(minutes));
    OnCall::of(vec![step("Dana", DANA, 3), step("Lee", LEE, 5), step("Boss", BOSS, 5)])
}

struct Office {
    store: Store,
    desk: Desk,
    now: Timestamp,
    leads: Vec<LeadId>,
    /// Every text that went out, whole.
    texts: Vec<String>,
    /// The same with whoever got it.
    sent: Vec<(String, String)>,
    /// Whether the network says of each text that it arrived.
    reports: bool,
    /// How the next texts end; then they are taken.
    ends: VecDeque<Outcome>,
    /// How the next rings end; then they ring for 20 s.
    rings: VecDeque<Outcome>,
    /// The CRM that has their records, where there is one.
    crm: Option<crm::Crm>,
}

impl Office {
    fn new(on_call: OnCall) -> Self {
        Self::with(on_call, &["modem0"])
    }

    fn with(on_call: OnCall, channels: &[&str]) -> Self {
        let mut settings = settings(channels);
        settings.route = route::Settings { on_call, ..settings.route };
        Self::of(settings)
    }

    fn of(mut settings: Settings) -> Self {
        settings.channels.insert(Channel::new(Lane::Crm, "hubspot"), 2);
        let desk = Desk::new(settings, BootId::new(BEGIN, [1; 10]));
        Self {
            store: Store::in_memory().unwrap(),
            desk,
            now: BEGIN,
            leads: Vec::new(),
            texts: Vec::new(),
            sent: Vec::new(),
            reports: false,
            ends: VecDeque::new(),
            rings: VecDeque::new(),
            crm: None,
        }
    }

    /// A lead comes in and is labelled.
    fn lead(&mut self, label: Label) -> Vec<String> {
        let record = self.crm.is_some().then_some("101");
        let lead = given::lead_of(&mut self.store, &self.leads.len().to_string(), record, self.now);
        self.leads.push(lead);
        self.label(lead, label)
    }

    fn label(&mut self, lead: LeadId, label: Label) -> Vec<String> {
        let (desk, now) = (&self.desk, self.now);
        self.store
            .transact(|tx| {
                tx.cancel_waiting(lead, "classify_deadline", None, "labelled", now)?;
                tx.set_label(lead, label, ClassifiedBy::Llm, now)?;
                let lead = tx.lead(lead)?.unwrap();
                desk.enact(tx, &lead, label, false, now)
            })
            .unwrap();
        self.run()
    }

    fn says(&mut self, number: &str, text: &str) -> Vec<String> {
        let (desk, now) = (&self.desk, self.now);
        self.store.transact(|tx| desk.heard(tx, number, text, now)).unwrap();
        self.run()
    }

    fn wait(&mut self, seconds: u64) -> Vec<String> {
        self.now = self.now.after(Duration::from_secs(seconds));
        self.run()
    }

    /// Does what is due; the texts that went out, as `name: text`, and the phones that were rung.
    fn run(&mut self) -> Vec<String> {
        let mut sent = Vec::new();
        loop {
            let (desk, now) = (&mut self.desk, self.now);
            let works: Vec<Work> = self.store.transact(|tx| desk.claim_due(tx, now)).unwrap();
            if works.is_empty() {
                return sent;
            }
            for work in works {
                if self.crm.as_mut().is_some_and(|crm| crm.loses_power(&work)) {
                    self.restart();
                    break;
                }
                let outcome = match &work.job.task {
                    Task::Ring(ring) => {
                        sent.push(format!("{} rings by {}", ring.who, work.job.channel.short_name()));
                        let usual = Outcome::Done(Done::Rang(Rang::For(Duration::from_secs(20))));
                        self.rings.pop_front().unwrap_or(usual)
                    }
                    Task::Sms(sms) => {
                        let begins: Vec<&str> = sms.text.split(' ').take(4).collect();
                        self.texts.push(sms.text.clone());
                        self.sent.push((sms.who.clone(), sms.text.clone()));
                        sent.push(format!("{}: {}", sms.who, begins.join(" ")));
                        let receipt = SmsReceipt { reference: "1".into(), parts: 1, delivered: self.reports };
                        self.ends.pop_front().unwrap_or(Outcome::Done(Done::Sms(receipt)))
                    }
                    task => match &mut self.crm {
                        Some(crm) if task.lane() == Lane::Crm => crm.perform(&work),
                        _ => Outcome::Done(Done::Timer),
                    },
                };
                let (desk, report) = (&mut self.desk, Report::of(outcome));
                self.store.transact(|tx| desk.settle(tx, &work, &report, now, 1.0)).unwrap();
            }
        }
    }

    fn restart(&mut self) {
        let settings = self.desk.settings.clone();
        self.desk = Desk::new(settings, BootId::new(self.now, [2; 10]));
        let (desk, now) = (&mut self.desk, self.now);
        self.store.transact(|tx| desk.recover(tx, now)).unwrap();
    }

    fn is_settled(&mut self, nth: usize) -> bool {
        let lead = self.leads[nth];
        self.store.transact(|tx| Ok(tx.lead(lead)?.unwrap().settled_at.is_some())).unwrap()
    }

    fn code(&mut self, nth: usize) -> String {
        let lead = self.leads[nth];
        self.store.transact(|tx| Ok(tx.claim_of(lead)?.unwrap().code.to_string())).unwrap()
    }

    /// State of the claim, and whether an alert and a timer stand.
    fn state(&mut self, nth: usize) -> (String, bool, bool) {
        let lead = self.leads[nth];
        self.store
            .transact(|tx| {
                let claim = tx.claim_of(lead)?.unwrap();
                let who = claim.claimed_by.map(|who| format!(" by {who}")).unwrap_or_default();
                Ok((
                    format!("{}{who}", claim.state.name()),
                    tx.alert_text(&super::unclaimed(lead))?.is_some(),
                    tx.has_open(lead, "escalate")?,
                ))
            })
            .unwrap()
    }
}

fn urgent(office: &mut Office) -> String {
    let sent = office.lead(Label::UrgentBuyer);
    let code = office.code(office.leads.len().saturating_sub(1));
    assert_eq!(sent, [format!("Dana: {code} URGENT no contact")]);
    code
}

#[test]
fn the_first_person_claims_it() {
    let mut office = Office::new(chain());
    let code = urgent(&mut office);
    assert_eq!(office.wait(120), [""; 0]);
    assert_eq!(office.says(DANA, &format!("{} 👍", code.to_lowercase())), [format!("Dana: {code} is yours. no")]);
    assert_eq!(office.state(0), ("claimed by Dana".into(), false, false));
    assert_eq!(office.wait(3_600), [""; 0], "nobody else is called");
    assert_eq!(office.says(DANA, &code), [""; 0], "said twice is claimed once");
}

#[test]
fn nobody_answers() {
    let mut office = Office::new(chain());
    let code = urgent(&mut office);
    assert_eq!(office.wait(179), [""; 0]);
    assert_eq!(office.wait(1), [format!("Lee: {code} URGENT no contact")]);
    assert_eq!(office.wait(300), [format!("Boss: {code} URGENT no contact")]);
    assert_eq!(office.wait(299), [""; 0]);
    assert_eq!(office.state(0), ("open".into(), false, true));
    assert_eq!(office.wait(1), [""; 0]);
    assert_eq!(office.state(0), ("unanswered".into(), true, false));
    office.desk.settings.channels.insert(Channel::new(Lane::Sms, "modem0"), 0);
    assert_eq!(office.says(LEE, "help"), [""; 0]);
    assert!(!office.is_settled(0), "an answer waits to be sent");
    office.desk.settings.channels.insert(Channel::new(Lane::Sms, "modem0"), 1);
    assert_eq!(office.run().len(), 1);
    assert!(office.is_settled(0));
    let told = [
        format!("Lee: {code} is yours. no"),
        format!("Dana: {code} claimed by Lee"),
        format!("Boss: {code} claimed by Lee"),
    ];
    assert_eq!(office.says(LEE, "ok"), told, "late is better than never");
    assert_eq!(office.state(0), ("claimed by Lee".into(), false, false));
}

#[test]
fn two_claim_at_once() {
    let mut office = Office::new(chain());
    let code = urgent(&mut office);
    office.wait(180);
    let told = [format!("Lee: {code} is yours. no"), format!("Dana: {code} claimed by Lee")];
    assert_eq!(office.says(LEE, &code), told);
    assert_eq!(office.says(DANA, &code), [format!("Dana: {code} claimed by Lee")]);
    assert_eq!(office.state(0).0, "claimed by Lee");
}

#[test]
fn it_is_passed_on_and_given_back() {
    let mut office = Office::new(chain());
    let code = urgent(&mut office);
    assert_eq!(office.says(LEE, &format!("{code} no")), [""; 0], "it is not Lee's to pass on");
    assert_eq!(office.says(DANA, &format!("{code} no")), [format!("Lee: {code} URGENT no contact")]);
    assert_eq!(office.says(DANA, "no"), [""; 0], "said twice is passed once");
    assert_eq!(office.wait(299), [""; 0], "Lee has the whole step");
    office.says(LEE, &code);
    assert_eq!(office.says(DANA, &format!("{code} NO")), [""; 0], "only whoever claimed it gives it back");
    assert_eq!(office.says(LEE, &format!("{code} NO")), [format!("Dana: {code} URGENT no contact")]);
    assert_eq!(office.state(0), ("open".into(), false, true));
    assert_eq!(office.wait(180), [format!("Lee: {code} URGENT no contact")]);
}

#[test]
fn a_desk_that_starts_again_goes_on() {
    let mut office = Office::new(chain());
    let code = urgent(&mut office);
    office.now = office.now.after(Duration::from_hours(50));
    office.restart();
    assert_eq!(office.run(), [format!("Lee: {code} URGENT no contact")], "late, and once");
    office.restart();
    assert_eq!(office.run(), [""; 0]);
    office.says(LEE, &code);
    office.restart();
    assert_eq!(office.wait(3_600), [""; 0]);
}

#[test]
fn a_bare_word_needs_one_lead() {
    let mut office = Office::new(chain());
    let first = urgent(&mut office);
    let second = urgent(&mut office);
    assert_ne!(first, second);
    assert_eq!(office.says(DANA, "ok"), [format!("Dana: Waiting: {first}, {second}. Answer")]);
    office.says(DANA, &first);
    assert_eq!(office.says(DANA, "ok"), [format!("Dana: {second} is yours. no")]);
    assert_eq!(office.says(DANA, "ok"), ["Dana: No lead is waiting"]);
    assert_eq!(office.says(LEE, "ok"), [""; 0], "Lee was never called: there is nothing to tell");
}

#[test]
fn several_codes_in_a_text() {
    let mut office = Office::new(chain());
    let (first, second) = (urgent(&mut office), urgent(&mut office));
    let told = [format!("Dana: {first} is yours. no"), format!("Dana: {second} is yours. no")];
    assert_eq!(office.says(DANA, &format!("{first} {second}")), told);
}

#[test]
fn strangers_are_not_obeyed_and_machines_not_entertained() {
    let mut office = Office::new(chain());
    let code = urgent(&mut office);
    for (who, text) in [
        ("+15559999999", code.as_str()),
        ("DANA", &code),
        ("", "HELP"),
        (DANA, "I am in a meeting and will get back to you as soon as I can"),
    ] {
        assert_eq!(office.says(who, text), [""; 0], "{who}: {text}");
    }
    assert_eq!(office.state(0), ("open".into(), false, true));
    let answers: usize = (0..20).map(|_| office.says(DANA, "help").len()).sum();
    assert_eq!(answers, 5, "then two machines that answer each other stop");
    office.wait(1);
    office.now = office.now.after(Duration::from_hours(2));
    office.run();
    assert_eq!(office.says(DANA, "help").len(), 1);
}

#[test]
fn who_claims_many_leads_is_still_told_of_a_slip() {
    let mut office = Office::new(chain());
    for _ in 0..6 {
        let code = urgent(&mut office);
        office.says(DANA, &code);
    }
    let code = urgent(&mut office);
    let slip = if code == "A2" { "C2" } else { "A2" };
    assert_eq!(office.says(DANA, &format!("{slip} {code}")), [format!("Dana: Waiting: {code}. Answer {code}")]);
}

#[test]
fn a_code_of_no_lead_is_a_slip_of_the_thumb() {
    let mut office = Office::new(chain());
    let code = urgent(&mut office);
    let slip = if code == "A2" { "C2" } else { "A2" };
    assert_eq!(office.says(DANA, slip), [format!("Dana: Waiting: {code}. Answer {code}")]);
}

#[test]
fn a_lead_that_turns_out_otherwise_calls_nobody_else() {
    let mut office = Office::new(chain());
    urgent(&mut office);
    let lead = office.leads[0];
    office.label(lead, Label::TireKicker);
    assert_eq!(office.state(0), ("withdrawn".into(), false, false));
    assert_eq!(office.wait(3_600), [""; 0]);
}

#[test]
fn a_person_alone_can_claim_and_is_not_waited_for() {
    let mut office = Office::new(OnCall::alone(person("Dana", DANA)));
    let code = urgent(&mut office);
    assert_eq!(office.state(0), ("open".into(), false, false));
    assert_eq!(office.says(DANA, "yes"), [format!("Dana: {code} is yours. no")]);
}

#[test]
fn nobody_is_forgotten_when_a_text_dies() {
    let mut office = Office::new(chain());
    let code = urgent(&mut office);
    let lead = office.leads[0];
    office.store.transact(|tx| tx.hasten(lead, "escalate", BEGIN)).unwrap();
    assert_eq!(office.run(), [format!("Lee: {code} URGENT no contact")]);
}

#[test]
fn no_two_leads_that_wait_have_a_code() {
    let mut office = Office::new(OnCall::alone(person("Dana", DANA)));
    let codes: std::collections::HashSet<String> = (0..150).map(|_| urgent(&mut office)).collect();
    assert_eq!(codes.len(), 150);
    assert!(codes.iter().filter(|code| code.len() == 3).count() >= 150 - 133);
}
