//! Zendesk's contract: a ticket and its key, the list by external id, and who one is.
//!
//! Sources: <https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/>,
//! <https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency>,
//! <https://developer.zendesk.com/api-reference/introduction/security-and-auth/>.

use std::time::Duration;

use nightdesk::deliver::ticket::zendesk::{Settings, Zendesk};
use nightdesk::demo::sim::{self, Fault, Match, Sim};
use nightdesk::model::{Effect, Fault as Class, TicketTask, Timestamp, Work};
use nightdesk::wire::Wire;
use serde_json::{Value, json};

use super::ticket::{TOKEN, case, failure, hostile, letters, link, looked_up_after, ticket, until_done};
use super::{contract, wire};
use crate::vendors::{TIMEOUT, class, faults};

const AGENT: &str = "agent@example.com";
const TWO_HOURS: Duration = Duration::from_hours(2);

fn desk_at(sim: &Sim<sim::Zendesk>, token: &str, public: bool) -> Zendesk {
    let settings =
        Settings { base_url: sim.base_url(), user: AGENT.to_owned(), token: token.into(), public, timeout: TIMEOUT };
    Zendesk::new(settings, Wire::new())
}

async fn open(account: sim::Zendesk) -> (Sim<sim::Zendesk>, Zendesk) {
    let sim = Sim::spawn(account).await.unwrap();
    let desk = desk_at(&sim, TOKEN, false);
    (sim, desk)
}

fn account() -> sim::Zendesk {
    sim::Zendesk::new(AGENT, TOKEN)
}

fn asked(method: &str, path: &str, query: &str, body: &Value) -> Value {
    let mut asked = contract(method, path, query, "authorization", body);
    if !body.is_null() {
        asked["headers"].as_array_mut().unwrap().push("idempotency-key".into());
        asked["headers"].as_array_mut().unwrap().sort_by_key(Value::to_string);
    }
    asked
}

fn seen(sim: &Sim<sim::Zendesk>) -> Vec<Value> {
    for request in sim.requests() {
        // agent@example.com/token:token-of-this-test
        let pair = "Basic YWdlbnRAZXhhbXBsZS5jb20vdG9rZW46dG9rZW4tb2YtdGhpcy10ZXN0";
        assert_eq!(request.header("authorization"), Some(pair));
        assert_eq!(request.header("accept"), Some("application/json"));
    }
    sim.requests().iter().map(wire).collect()
}

/// A job that was made so long ago.
fn aged(work: &Work, age: Duration) -> Work {
    let mut aged = work.clone();
    aged.job.created_at = Timestamp::now().before(age);
    aged
}

fn plain(key: &str) -> Value {
    json!({ "ticket": {
        "subject": "I can't log into my account",
        "comment": { "body": "From the website, 22:04\n\nHello,\nit says \"no\".\n\nAda", "public": false },
        "requester": { "name": "Ada Byron", "email": "ada@example.com" },
        "tags": ["nightdesk", "night-shift"],
        "external_id": key,
        "type": "question",
    } })
}

#[tokio::test]
async fn a_ticket_is_one_post_under_its_key() {
    let (sim, desk) = open(account()).await;
    let (calm, urgent) =
        (ticket(case()), ticket(TicketTask { priority: Some("High".to_owned()), email: None, ..case() }));
    let report = desk.perform(&calm).await;
    assert_eq!(link(&report), format!("{}/agent/tickets/1", sim.base_url()));
    assert_eq!(
        (report.trace.status, report.trace.vendor_id.as_deref()),
        (Some(201), Some("00000000000000000000000000000000"))
    );
    assert_eq!(class(&desk_at(&sim, TOKEN, true).perform(&urgent).await.outcome), "done");
    let mut other = plain(&urgent.job.key());
    other["ticket"]["comment"]["public"] = true.into();
    other["ticket"]["priority"] = "high".into();
    other["ticket"].as_object_mut().unwrap().remove("requester");
    let want = [plain(&calm.job.key()), other].map(|body| asked("POST", "/api/v2/tickets.json", "", &body));
    assert_eq!(seen(&sim), want);
    for (request, work) in sim.requests().iter().zip([&calm, &urgent]) {
        assert_eq!(request.header("idempotency-key"), Some(work.job.key().as_str()));
    }
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn while_the_key_is_kept_the_look_up_is_the_same_bytes() {
    let (sim, desk) = open(account()).await;
    let work = ticket(case());
    let looked_up = looked_up_after(&work, Duration::from_hours(1));
    for work in [&work, &looked_up, &aged(&looked_up, Duration::from_hours(1)), &work] {
        assert_eq!(link(&desk.perform(work).await), format!("{}/agent/tickets/1", sim.base_url()));
    }
    let requests = sim.requests();
    assert!(requests.iter().all(|request| request.method == "POST" && request.body == requests[0].body));
    assert_eq!((sim.tickets().len(), sim.violations()), (1, vec![]));
}

#[tokio::test]
async fn once_the_key_is_forgotten_the_ticket_is_looked_for_first() {
    let (sim, desk) = open(account()).await;
    let (lost, work) = (ticket(case()), ticket(case()));
    assert_eq!(class(&desk.perform(&work).await.outcome), "done");
    sim.forget_keys();
    for old in
        [aged(&work, TWO_HOURS), looked_up_after(&work, TWO_HOURS), aged(&looked_up_after(&work, TIMEOUT), TWO_HOURS)]
    {
        assert_eq!(link(&desk.perform(&old).await), format!("{}/agent/tickets/1", sim.base_url()));
    }
    assert_eq!(class(&desk.perform(&looked_up_after(&lost, TWO_HOURS)).await.outcome), "absent");
    assert_eq!((sim.tickets().len(), class(&desk.perform(&aged(&lost, TWO_HOURS)).await.outcome)), (1, "done"));
    let listed =
        |work: &Work| asked("GET", "/api/v2/tickets.json", &format!("external_id={}", work.job.key()), &Value::Null);
    let made = |work: &Work| asked("POST", "/api/v2/tickets.json", "", &plain(&work.job.key()));
    let want = [made(&work), listed(&work), listed(&work), listed(&work), listed(&lost), listed(&lost), made(&lost)];
    assert_eq!(seen(&sim), want);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn an_address_that_is_refused_costs_no_ticket() {
    for email in ["ada@example.com", "no address", "\"; DROP TABLE\u{0}\r\nBcc: x@example.com"] {
        let (sim, desk) = open(account().suspended("ada@example.com")).await;
        let work = ticket(TicketTask { email: Some(email.to_owned()), ..case() });
        for _ in 0..2 {
            assert_eq!(link(&desk.perform(&work).await), format!("{}/agent/tickets/1", sim.base_url()));
        }
        let keys: Vec<String> =
            sim.requests().iter().map(|seen| seen.header("idempotency-key").unwrap().to_owned()).collect();
        let key = work.job.key();
        let other = format!("{key}noaddress");
        assert_eq!(keys, [key.clone(), other.clone(), key, other]);
        let [made] = &sim.tickets()[..] else { panic!("one ticket") };
        let told = format!(
            "The customer's address, which Zendesk did not take: {}\n\nFrom",
            email.replace(['\u{0}'], "").replace("\r\n", " ")
        );
        assert!(made.requester.is_none() && made.text.starts_with(&told), "{made:?}");
        assert_eq!(made.external_id, Some(work.job.key()));
        assert_eq!(sim.violations(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_key_that_was_used_for_something_else_is_looked_for() {
    let (sim, desk) = open(account()).await;
    let work = ticket(case());
    assert_eq!(class(&desk.perform(&work).await.outcome), "done");
    // Somebody changed the configuration between the tries.
    let report = desk_at(&sim, TOKEN, true).perform(&work).await;
    assert_eq!(link(&report), format!("{}/agent/tickets/1", sim.base_url()));
    assert_eq!((sim.tickets().len(), sim.violations().len()), (1, 1));
    let (sim, desk) = open(account()).await;
    sim.script([Fault::status_with(400, json!({ "error": "IdempotentRequestError" }))]);
    let failure = failure(desk.perform(&work).await.outcome);
    assert_eq!((failure.fault, failure.cure.unwrap().contains("requeue")), (Class::Permanent, true));
}

/// Name, fault, class.
fn errors() -> Vec<(&'static str, Fault, &'static str)> {
    let no = Fault::status_with;
    let record = |details: Value| json!({ "error": "RecordInvalid", "description": "no", "details": details });
    vec![
        ("token", no(401, json!({ "error": "Couldn't authenticate you" })), "auth"),
        ("token, as an object", no(401, json!({ "error": { "title": "Unauthorized", "message": "no" } })), "auth"),
        ("no right", no(403, json!({ "error": { "title": "Forbidden", "message": "no" } })), "auth"),
        ("the wall", no(403, json!("<html>")), "auth"),
        ("no such desk", no(404, json!("<html>")), "permanent"),
        ("at work on it", no(409, json!({ "error": "Conflict" })), "transient"),
        (
            "a required field",
            no(422, record(json!({ "base": [{ "description": "Order number: is required" }] }))),
            "permanent",
        ),
        ("no words", no(422, Value::Null), "permanent"),
        ("bad", no(400, json!({ "error": "BadRequest" })), "permanent"),
        ("limit", no(429, json!({ "error": "APIRateLimitExceeded" })), "throttled"),
        ("limit until then", no(429, json!("Rate limit")).header("retry-after", "93"), "throttled"),
        ("internal", no(500, json!({ "error": { "title": "Internal", "message": "no" } })), "transient"),
        ("unavailable", no(503, Value::Null), "transient"),
        ("unavailable until then", no(503, Value::Null).header("retry-after", "60"), "throttled"),
        ("no ticket", no(201, json!({ "ticket": {} })), "transient"),
    ]
}

#[tokio::test]
async fn every_error_ends_in_its_class_and_there_is_one_ticket_in_the_end() {
    let generic = faults().into_iter().map(|(name, fault, _, repeatable)| (name, fault, repeatable));
    for (name, fault, want) in errors().into_iter().chain(generic) {
        let (sim, desk) = open(account()).await;
        let work = ticket(case());
        sim.script([fault]);
        let report = desk.perform(&work).await;
        assert_eq!(class(&report.outcome), want, "{name}: {report:?}");
        assert!(!format!("{report:?}").contains(TOKEN), "{name}");
        sim.heal();
        assert_eq!(link(&until_done(&desk, &work).await), format!("{}/agent/tickets/1", sim.base_url()), "{name}");
        sim.forget_keys();
        assert_eq!(class(&desk.perform(&aged(&work, TWO_HOURS)).await.outcome), "done", "{name}");
        assert_eq!((sim.tickets().len(), sim.violations()), (1, vec![]), "{name}");
    }
}

#[tokio::test]
async fn a_look_up_that_cannot_tell_says_so() {
    for (name, fault, want) in [
        ("refused", Fault::status(400), "unsure"),
        ("nowhere", Fault::status(404), "unsure"),
        ("token", Fault::status(401), "auth"),
        ("limit", Fault::throttled(None), "throttled"),
        ("down", Fault::status(500), "transient"),
        ("no list", Fault::status_with(200, json!({ "tickets": {} })), "transient"),
        ("HTML", Fault::html(), "transient"),
        ("closed", Fault::close(), "transient"),
    ] {
        let (sim, desk) = open(account()).await;
        sim.script([fault.on(Match::to("GET", "/tickets"))]);
        let outcome = desk.perform(&looked_up_after(&ticket(case()), TWO_HOURS)).await.outcome;
        assert_eq!(class(&outcome), want, "{name}: {outcome:?}");
    }
}

#[tokio::test]
async fn check_reads_who_we_are() {
    let (sim, desk) = open(account()).await;
    assert_eq!(desk.verify().await, vec![]);
    assert_eq!(seen(&sim), [asked("GET", "/api/v2/users/me.json", "", &Value::Null)]);
    let (customers, customer) = open(account().role("end-user")).await;
    for (name, desk) in [("anybody", desk_at(&sim, "another", false)), ("a customer", customer)] {
        let found = desk.verify().await;
        assert_eq!(found.iter().map(|failure| failure.fault).collect::<Vec<_>>(), [Class::Auth], "{name}: {found:?}");
        assert!(found[0].cure.is_some());
    }
    sim.down();
    assert_eq!(desk.verify().await[0].fault, Class::Transient);
    assert_eq!((sim.violations(), customers.violations()), (vec![], vec![]));
}

#[tokio::test]
async fn a_hostile_text_stays_in_its_place() {
    let (sim, desk) = open(account()).await;
    let works: Vec<Work> = hostile().map(ticket).collect();
    for work in &works {
        let report = desk.perform(work).await;
        assert_eq!(class(&report.outcome), "done", "{report:?}");
    }
    let made = sim.tickets();
    assert_eq!((made.len(), sim.violations()), (works.len(), vec![]));
    for (work, made) in works.iter().zip(made) {
        let nightdesk::model::Task::Ticket(task) = &work.job.task else { panic!("no ticket") };
        let told = made.text.starts_with("The customer's address");
        let text = if told { made.text.split_once("\n\n").map_or("", |(_, rest)| rest) } else { &made.text };
        let want = letters(&task.paragraphs.concat());
        assert_eq!(letters(text), if want.is_empty() { "(notext)".to_owned() } else { want });
        assert!(!made.text.contains("{{") && !made.text.contains("{%") && !made.subject.contains("{{"), "{made:?}");
        assert!(!made.text.chars().any(|c| c.is_control() && c != '\n') && !made.subject.contains(char::is_control));
        assert_eq!((made.external_id, made.public), (Some(work.job.key()), false));
        let email = letters(task.email.as_deref().unwrap());
        assert!(made.requester.is_none_or(|(_, address)| letters(&address) == email));
    }
}
