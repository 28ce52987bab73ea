//! Twilio and HubSpot as the outbox meets them, against the strict simulators: whatever goes wrong on the way ends in
//! the right class, and a look-up afterwards says exactly what the vendor holds. The simulators are the oracle.

use std::collections::HashMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use nightdesk::deliver::twilio::{self, Twilio};
use nightdesk::demo::sim::{self, Fault, Match, Sim};
use nightdesk::model::{
    AttemptId, Channel, ClassifiedBy, CrmNote, CrmRecord, CrmTask, CrmUpdate, Effect, Job, JobId, Label, Lane, Lead,
    LeadCode, LeadId, Outcome, Priority, RingTask, RowId, SmsTask, Task, Timestamp, Work,
};
use nightdesk::wire::Wire;
use nightdesk::writeback::hubspot::{self, HubSpot};
use nightdesk::writeback::{AsLead, Crm, note};

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TO: &str = "+15551230001";
/// Long enough for a busy machine, short enough to sit through a peer that hangs.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(1_500);

async fn twilio() -> (Sim<sim::Twilio>, Twilio) {
    let sim = Sim::spawn(sim::Twilio::new(ACCOUNT, "token")).await.unwrap();
    let settings = twilio::Settings {
        base_url: sim.base_url(),
        account_sid: ACCOUNT.to_owned(),
        user: ACCOUNT.to_owned(),
        secret: "token".into(),
        sender: twilio::Sender::From("+15557122661".to_owned()),
        validity: Duration::from_mins(10),
        status_callback: Some("https://leads.example.com/hooks/twilio/status".to_owned()),
        timeout: TIMEOUT,
    };
    (sim, Twilio::new(settings, Wire::new()))
}

pub(crate) async fn hubspot(account: sim::HubSpot) -> (Sim<sim::HubSpot>, HubSpot) {
    hubspot_in(account, TimeZone::UTC).await
}

/// The same, where the account's day ends at midnight in this zone.
pub(crate) async fn hubspot_in(account: sim::HubSpot, account_zone: TimeZone) -> (Sim<sim::HubSpot>, HubSpot) {
    let nobody = AsLead::new(|_, _, _| {
        Err(nightdesk::model::Failure::new(nightdesk::model::Fault::Permanent, "not asked for here"))
    });
    hubspot_with(account, account_zone, nobody).await
}

/// The same, where a contact is this as a lead.
pub(crate) async fn hubspot_with(
    account: sim::HubSpot,
    account_zone: TimeZone,
    as_lead: AsLead,
) -> (Sim<sim::HubSpot>, HubSpot) {
    let sim = Sim::spawn(account).await.unwrap();
    let settings = hubspot::Settings {
        base_url: sim.base_url(),
        path: "/crm/v3".to_owned(),
        token: "pat-1".into(),
        classification_property: "auto_classification".to_owned(),
        values: HashMap::new(),
        also: HashMap::new(),
        display: HashMap::new(),
        priority_property: "high_priority".to_owned(),
        message_property: "message".to_owned(),
        as_lead,
        zone: TimeZone::UTC,
        account_zone,
        timeout: TIMEOUT,
    };
    (sim, HubSpot::new(settings, Wire::new()))
}

pub(crate) fn account() -> sim::HubSpot {
    let classes = Label::ALL.map(Label::name);
    sim::HubSpot::new("pat-1")
        .contact("101", &[("email", "ada@example.com")])
        .enum_property("auto_classification", &classes)
        .bool_property("high_priority")
}

pub(crate) fn record() -> CrmRecord {
    CrmRecord { channel: Channel::new(Lane::Crm, "hubspot"), id: "101".to_owned() }
}

fn sms() -> Task {
    let text = "K7 Ada: \"50 units by tomorrow?\"".to_owned();
    Task::Sms(SmsTask {
        to: TO.parse().unwrap(),
        who: "Dana".to_owned(),
        text,
        repeat: false,
        leg: 0,
        failover_at: None,
        refused: 0,
        thread: 0,
        is_answer: false,
        is_test: false,
    })
}

pub(crate) fn note() -> Task {
    Task::CrmNote(CrmNote { record: record(), news: None })
}

pub(crate) fn task() -> Task {
    Task::CrmTask(CrmTask { record: record(), subject: "nobody has claimed it".to_owned(), words: "call".to_owned() })
}

pub(crate) fn update() -> Task {
    Task::CrmUpdate(CrmUpdate { record: record(), label: Some(Label::UrgentBuyer), priority: Some(true), owner: None })
}

pub(crate) fn work(task: Task) -> Work {
    let now = Timestamp::now();
    let lead = LeadId::fresh(now);
    Work {
        job: Job {
            id: JobId::fresh(now),
            lead,
            channel: Channel::new(task.lane(), "vendor"),
            task,
            priority: Priority::Urgent,
            due_at: now,
            deadline_at: now.after(Duration::from_hours(1)),
            tries: 1,
            generation: 1,
            crashes: 0,
            created_at: now,
        },
        lead: Lead {
            code: LeadCode::of(1),
            record: Some(record()),
            name: Some("Ada".to_owned()),
            raw_message: String::new(),
            label: Some(Label::UrgentBuyer),
            classified_by: Some(ClassifiedBy::Llm),
            dropped: false,
            ..Lead::none(lead, "web".to_owned(), now)
        },
        attempt: AttemptId(1),
        look_up_since: None,
        actions: Vec::new(),
        hard_deadline: now.after(Duration::from_mins(1)),
    }
}

pub(crate) fn looked_up(work: &Work) -> Work {
    Work { look_up_since: Some(work.job.created_at), ..work.clone() }
}

pub(crate) fn class(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done(_) => "done",
        Outcome::Failed(failure) => failure.fault.name(),
        Outcome::Absent => "absent",
        Outcome::Unsure => "unsure",
    }
}

/// What goes wrong; its class when the request may not be repeated, and when it may.
pub(crate) fn faults() -> Vec<(&'static str, Fault, &'static str, &'static str)> {
    vec![
        ("500", Fault::status(500), "unknown", "transient"),
        ("500 after the work", Fault::status(500).applied(), "unknown", "transient"),
        ("503", Fault::status(503), "unknown", "transient"),
        ("429", Fault::throttled(None), "throttled", "throttled"),
        ("429 with Retry-After", Fault::throttled(Some("7")), "throttled", "throttled"),
        ("401", Fault::status(401), "auth", "auth"),
        ("400", Fault::status(400), "permanent", "permanent"),
        ("hang", Fault::hang(), "unknown", "transient"),
        ("hang after the work", Fault::hang().applied(), "unknown", "transient"),
        ("reset before the body", Fault::reset_before_body(), "unknown", "transient"),
        ("reset", Fault::reset(), "unknown", "transient"),
        ("reset after the work", Fault::reset().applied(), "unknown", "transient"),
        ("closed after the work", Fault::close().applied(), "unknown", "transient"),
        ("reset in the answer", Fault::reset_in_answer().applied(), "unknown", "transient"),
        ("closed in the answer", Fault::close_in_answer().applied(), "unknown", "transient"),
        ("garbage", Fault::garbage(), "unknown", "transient"),
        ("200 with HTML", Fault::html(), "unknown", "transient"),
        ("half of the JSON", Fault::half_json().applied(), "unknown", "transient"),
        ("a redirect", Fault::redirect("https://example.com/"), "permanent", "permanent"),
        ("drip by drip", Fault::drip().applied(), "unknown", "transient"),
        ("a wrong content type", Fault::mislabelled(), "done", "done"),
        ("100 MB", Fault::huge(100 << 20), "unknown", "transient"),
    ]
}

#[tokio::test]
async fn a_text_whose_outcome_is_unknown_is_found_if_it_was_taken() {
    for (name, fault, want, _) in faults() {
        let (sim, twilio) = twilio().await;
        let work = work(sms());
        sim.script([fault]);
        let outcome = twilio.perform(&work).await.outcome;
        assert_eq!(class(&outcome), want, "{name}: {outcome:?}");
        sim.heal();
        for queued in [true, false] {
            sim.keep_queued(queued);
            let found = twilio.perform(&looked_up(&work)).await.outcome;
            let truth = if sim.messages().is_empty() { "absent" } else { "done" };
            assert_eq!(class(&found), truth, "{name}, queued {queued}: {found:?}");
        }
        assert_eq!(sim.violations(), Vec::<String>::new(), "{name}");
    }
}

fn ring() -> Task {
    Task::Ring(RingTask {
        to: TO.parse().unwrap(),
        who: "Dana".to_owned(),
        round: 1,
        step: 0,
        words: "This is nightdesk & an urgent lead waits: K 7.".to_owned(),
        lasts_s: 20,
        refused: Vec::new(),
    })
}

#[tokio::test]
async fn a_phone_is_called_once_whatever_goes_wrong() {
    let (sim, twilio) = twilio().await;
    assert_eq!(class(&twilio.perform(&work(ring())).await.outcome), "done");
    let called = sim.calls().remove(0);
    assert_eq!((called.to.as_str(), called.from.as_str(), called.timeout), (TO, "+15557122661", 20));
    assert_eq!(called.words, "This is nightdesk & an urgent lead waits: K 7.");
    sim.refuse_calls(TO, 21215);
    assert_eq!(class(&twilio.perform(&work(ring())).await.outcome), "permanent", "the region is not allowed");
    assert_eq!(sim.violations(), Vec::<String>::new());
    for (name, fault, want, _) in faults() {
        let (sim, twilio) = self::twilio().await;
        sim.script([fault]);
        let outcome = twilio.perform(&work(ring())).await.outcome;
        assert_eq!(class(&outcome), want, "{name}: {outcome:?}");
        let may_ring = matches!(want, "unknown" | "done");
        assert!(sim.calls().is_empty() || may_ring, "{name}: what rang is not tried elsewhere");
        assert!(sim.messages().is_empty() && sim.violations().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_note_or_a_task_whose_outcome_is_unknown_is_found_although_the_index_lags() {
    for (name, fault, want, _) in faults() {
        for (lag, made) in [Duration::ZERO, Duration::from_hours(1)].map(|lag| [(lag, note()), (lag, task())]).concat()
        {
            let (sim, hubspot) = hubspot(account().search_lag(lag)).await;
            let work = work(made);
            sim.script([fault.clone()]);
            let outcome = hubspot.perform(&work).await.outcome;
            assert_eq!(class(&outcome), want, "{name}: {outcome:?}");
            sim.heal();
            let found = hubspot.perform(&looked_up(&work)).await.outcome;
            let notes = [sim.notes_of("101"), sim.tasks_of("101")].concat();
            assert_eq!(class(&found), if notes.is_empty() { "absent" } else { "done" }, "{name}: {found:?}");
            assert!(notes.iter().all(|written| note::carries(&written.body, &work.job.key())), "{name}");
            assert_eq!(sim.violations(), Vec::<String>::new(), "{name}");
        }
    }
}

#[tokio::test]
async fn class_and_priority_arrive_in_the_end() {
    for (name, fault, _, want) in faults() {
        let (sim, hubspot) = hubspot(account()).await;
        sim.script([fault]);
        let outcome = hubspot.perform(&work(update())).await.outcome;
        assert_eq!(class(&outcome), want, "{name}: {outcome:?}");
        sim.heal();
        assert_eq!(class(&hubspot.perform(&work(update())).await.outcome), "done", "{name}");
        assert_eq!(sim.property("101", "auto_classification").as_deref(), Some("URGENT_BUYER"), "{name}");
        assert_eq!(sim.property("101", "high_priority").as_deref(), Some("true"), "{name}");
        assert_eq!(sim.violations(), Vec::<String>::new(), "{name}");
    }
}

#[tokio::test]
async fn an_owner_arrives_or_is_refused_alone() {
    let owner = |id: &str| {
        Task::CrmUpdate(CrmUpdate { record: record(), label: None, priority: None, owner: Some(id.to_owned()) })
    };
    let (sim, hubspot) = hubspot(account().owner("41629779")).await;
    assert_eq!(class(&hubspot.perform(&work(owner("41629779"))).await.outcome), "done");
    let Outcome::Failed(failure) = hubspot.perform(&work(owner("7"))).await.outcome else { panic!("it was written") };
    assert_eq!(failure.fault.name(), "permanent");
    assert!(failure.reason.contains("INVALID_OWNER_ID"), "{failure:?}");
    assert!(failure.cure.unwrap_or_default().contains("oncall.people.KEY.owner"));
    assert_eq!(sim.property("101", "hubspot_owner_id").as_deref(), Some("41629779"));
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_task_stands_at_the_top_of_the_list() {
    let (sim, hubspot) = hubspot(account()).await;
    assert_eq!(class(&hubspot.perform(&work(task())).await.outcome), "done");
    let [task] = &sim.tasks_of("101")[..] else { panic!("one task") };
    for (name, want) in [
        ("hs_task_subject", "nobody has claimed it"),
        ("hs_task_status", "NOT_STARTED"),
        ("hs_task_priority", "HIGH"),
        ("hs_task_type", "TODO"),
    ] {
        assert_eq!(task.properties[name], want);
    }
    assert_eq!(sim.notes_of("101").len(), 0);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_number_that_opted_out_is_final() {
    let (sim, twilio) = twilio().await;
    sim.refuse(TO, 21610);
    let Outcome::Failed(failure) = twilio.perform(&work(sms())).await.outcome else { panic!("it was sent") };
    assert!(failure.final_everywhere, "{failure:?}");
}

#[tokio::test]
async fn a_missing_property_is_a_dead_letter_that_says_its_cure_and_the_cure_works() {
    let (sim, hubspot) = hubspot(sim::HubSpot::new("pat-1").contact("101", &[])).await;
    let Outcome::Failed(failure) = hubspot.perform(&work(update())).await.outcome else { panic!("it was written") };
    assert_eq!(failure.fault.name(), "permanent");
    let cure = failure.cure.unwrap();
    assert!(cure.contains("auto_classification") && cure.contains("check --create-properties"), "{cure}");
    assert_eq!(hubspot.verify().await.len(), 2);
    assert_eq!(hubspot.create_fields().await, vec![]);
    assert_eq!(hubspot.create_fields().await, vec![], "they exist");
    assert_eq!(hubspot.verify().await, vec![]);
    assert_eq!(class(&hubspot.perform(&work(update())).await.outcome), "done");
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn verify_names_the_scope_that_is_missing() {
    for scope in ["crm.objects.contacts.read", "crm.objects.contacts.write"] {
        let (_sim, hubspot) = hubspot(account().without_scope(scope)).await;
        let found = hubspot.verify().await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].fault.name(), "auth");
        assert!(found[0].cure.as_deref().unwrap().ends_with(scope), "{found:?}");
    }
}

#[tokio::test]
async fn the_daily_limit_parks_the_channel_until_midnight() {
    let (sim, hubspot) = hubspot(account()).await;
    sim.script([Sim::<sim::HubSpot>::daily_limit_fault().on(Match::to("PATCH", "/contacts/"))]);
    let Outcome::Failed(failure) = hubspot.perform(&work(update())).await.outcome else { panic!("it was written") };
    let nightdesk::model::Fault::Throttled { until } = failure.fault else { panic!("{failure:?}") };
    assert!(until.to_string().ends_with("T00:00:00.000Z"), "{until}");
}
