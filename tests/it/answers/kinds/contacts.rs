//! HubSpot's app webhooks: events that only point to a contact, which a job reads, and what happens when it can't.
//!
//! The simulator is the oracle of what was read and written. Source: HubSpot, "Webhooks" and "Contacts".

use nightdesk::demo::sim::{Fault, Match};
use serde_json::{Value, json};

use super::{case, each_becomes, office, signed, texts, wrote};
use crate::support::{Office, Post};

const READ: &str = "SELECT name, email, message, label, dropped_as, settled_at NOTNULL FROM leads ORDER BY number";
const URGENT: &str = "We need 50 units by tomorrow, budget is 20k, please send the contract today";
/// A second look at once.
const AGAIN: &str = "[outbox]\nread-again-after = \"50ms\"\n";

fn event(kind: &str, contact: u64, more: &Value) -> Value {
    let mut event = json!({
        "eventId": contact * 10, "subscriptionId": 2201, "portalId": 62515, "appId": 3302, "occurredAt": 1_793_527_200_123_u64,
        "subscriptionType": kind, "attemptNumber": 0, "objectId": contact, "changeSource": "FORM", "changeFlag": "NEW",
    });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

fn created(contact: u64) -> Value {
    event("contact.creation", contact, &json!({}))
}

fn post(events: &[Value]) -> Post {
    signed("/hooks/app", &json!(events))
}

fn reads(office: &Office) -> usize {
    office.hubspot.requests().iter().filter(|seen| seen.method == "GET" && seen.path.contains("/contacts/")).count()
}

fn row(columns: [&str; 6]) -> Vec<String> {
    columns.map(str::to_owned).to_vec()
}

/// The first look into contact 601 finds no message yet.
fn form_data_is_late(office: &Office) {
    let bare =
        json!({ "id": "601", "properties": { "firstname": "Vera", "email": "vera@example.com", "message": null } });
    office.hubspot.script([Fault::status_with(200, bare).on(Match::to("GET", "/contacts/601"))]);
}

#[tokio::test]
async fn a_contact_is_read_and_classified() {
    let office = office("").await;
    wrote(&office, "601", "vera@example.com", URGENT);
    assert_eq!(office.post(&post(&[created(601)])).await.0, 202);
    assert_eq!(office.post(&post(&[created(601)])).await.0, 200, "delivered again");
    office.until_settled(1).await;
    assert_eq!(office.lines(READ), [row(["Vera", "vera@example.com", URGENT, "URGENT_BUYER", "-", "1"])]);
    assert_eq!(office.hubspot.property("601", "auto_classification").as_deref(), Some("URGENT_BUYER"));
    assert_eq!(office.hubspot.notes_of("601").len(), 1);
    let told = texts(&office);
    assert!(told.len() == 1 && told[0].contains("Vera"), "{told:?}");
    assert_eq!(office.column("SELECT verdict FROM inbox ORDER BY rowid"), ["accepted", "duplicate"]);
    assert_eq!(reads(&office), 1);
    assert_eq!(office.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_message_that_lands_a_moment_later_is_found() {
    let office = office(AGAIN).await;
    wrote(&office, "601", "vera@example.com", "What does the big tent cost?");
    form_data_is_late(&office);
    assert_eq!(office.post(&post(&[created(601)])).await.0, 202);
    office.until_settled(1).await;
    let want = row(["Vera", "vera@example.com", "What does the big tent cost?", "TIRE_KICKER", "-", "1"]);
    assert_eq!(office.lines(READ), [want]);
    assert_eq!((reads(&office), texts(&office).len()), (2, 0));
}

/// Whoever typed a contact in is no prospect; whoever came by a form and left an address may be one.
#[tokio::test]
async fn a_message_that_never_comes() {
    let office = office(AGAIN).await;
    office.hubspot.set_contact("601", &[("firstname", "Vera"), ("email", "vera@example.com")]);
    office.hubspot.set_contact("602", &[("firstname", "Will"), ("email", "will@example.com")]);
    office.hubspot.set_contact("603", &[("firstname", "Xaver")]);
    let by_hand = event("contact.creation", 601, &json!({ "changeSource": "CRM_UI" }));
    assert_eq!(office.post(&post(&[by_hand, created(602), created(603)])).await.0, 202);
    office.until_settled(3).await;
    let want = [
        row(["-", "-", "-", "-", "empty", "1"]),
        row(["Will", "will@example.com", "-", "-", "-", "1"]),
        row(["-", "-", "-", "-", "empty", "1"]),
    ];
    assert_eq!(office.lines(READ), want);
    assert_eq!((reads(&office), office.llm.requests().len()), (6, 0));
    let told = texts(&office);
    assert!(told.len() == 1 && told[0].contains("UNCLASSIFIED") && told[0].contains("Will"), "{told:?}");
    for contact in ["601", "603"] {
        assert_eq!(
            (office.hubspot.property(contact, "high_priority"), office.hubspot.notes_of(contact).len()),
            (None, 0)
        );
    }
    assert_eq!(office.column("SELECT count(*) FROM dead_letters"), ["0"]);
}

#[tokio::test]
async fn a_contact_that_two_events_tell_of_is_one_lead() {
    let office = office("").await;
    wrote(&office, "601", "vera@example.com", URGENT);
    let wrote_again =
        event("object.propertyChange", 601, &json!({ "eventId": 7, "objectTypeId": "0-1", "propertyName": "message" }));
    assert_eq!(office.post(&post(&[created(601), wrote_again])).await.0, 202);
    office.until_settled(2).await;
    let dropped = "SELECT count(*) FROM leads d JOIN leads o ON o.id = d.duplicate_of WHERE d.dropped_as = 'duplicate' AND o.label = 'URGENT_BUYER'";
    assert_eq!(office.column(dropped), ["1"]);
    assert_eq!((texts(&office).len(), office.hubspot.notes_of("601").len()), (1, 1));
    assert_eq!(office.llm.requests().len(), 1);

    wrote(&office, "601", "vera@example.com", "And what does a floor cost?");
    let later = event("contact.propertyChange", 601, &json!({ "eventId": 8, "propertyName": "message" }));
    assert_eq!(office.post(&post(&[later])).await.0, 202);
    office.until_settled(3).await;
    assert_eq!(
        office.column("SELECT label FROM leads WHERE label NOTNULL ORDER BY number"),
        ["URGENT_BUYER", "TIRE_KICKER"]
    );
}

/// Nobody knows yet what the contact wrote: a person is told in time, and the lead goes on when HubSpot does.
#[tokio::test]
async fn hubspot_is_down_past_the_deadline() {
    let office = office("[classify]\ndeadline = \"500ms\"").await;
    wrote(&office, "601", "vera@example.com", URGENT);
    office.hubspot.script([Fault::status(500).forever()]);
    assert_eq!(office.post(&post(&[created(601)])).await.0, 202);
    office.until("the text", |_| (texts(&office).len() == 1).then_some(())).await;
    let told = texts(&office);
    assert!(told[0].contains("UNCLASSIFIED") && told[0].contains("no message yet"), "{told:?}");
    office.hubspot.heal();
    office.until_settled(1).await;
    assert_eq!(office.lines(READ), [row(["Vera", "vera@example.com", URGENT, "URGENT_BUYER", "-", "1"])]);
    assert_eq!(office.hubspot.property("601", "auto_classification").as_deref(), Some("URGENT_BUYER"));
    assert_eq!(texts(&office).len(), 1, "the label brings no second text");
    assert_eq!(office.column("SELECT count(*) FROM dead_letters"), ["0"]);
    assert_eq!(office.violations(), Vec::<String>::new());
}

/// A person was told of a contact that turns out to be typed in by a colleague: it ends there.
#[tokio::test]
async fn a_contact_made_by_hand_while_hubspot_was_down() {
    let office = office(&format!("{AGAIN}[classify]\ndeadline = \"200ms\"")).await;
    office.hubspot.set_contact("601", &[("firstname", "Vera"), ("email", "vera@example.com")]);
    office.hubspot.script([Fault::status(500).forever()]);
    let by_hand = event("contact.creation", 601, &json!({ "changeSource": "CRM_UI" }));
    assert_eq!(office.post(&post(&[by_hand])).await.0, 202);
    office.until("the text", |_| (texts(&office).len() == 1).then_some(())).await;
    office.hubspot.heal();
    office.until_settled(1).await;
    assert_eq!(office.lines(READ), [row(["-", "-", "-", "-", "empty", "1"])]);
    assert_eq!((texts(&office).len(), office.llm.requests().len()), (1, 0));
    assert_eq!(office.column("SELECT count(*) FROM dead_letters"), ["0"]);
}

#[tokio::test]
async fn a_contact_that_is_gone_is_told() {
    let office = office("[classify]\ndeadline = \"1h\"").await;
    assert_eq!(office.post(&post(&[created(601)])).await.0, 202);
    office.until_settled(1).await;
    let letters = office.lines("SELECT stage, class, reason FROM v_failures WHERE reason LIKE '%was deleted%'");
    assert_eq!(letters, [["crm", "permanent", "HubSpot has no such contact: it was deleted"].map(str::to_owned)]);
    let told = texts(&office);
    assert!(told.len() == 1 && told[0].contains("UNCLASSIFIED"), "{told:?}");
    assert_eq!(office.llm.requests().len(), 0);
}

/// What is acted on, what isn't, and what can't be an event: each has its row, and HubSpot a 2xx, else it would all come again.
#[tokio::test]
async fn events_of_every_kind() {
    let office = office("").await;
    let asks = |contact: u64| format!("What does tent {contact} cost?");
    for contact in 601..=604 {
        wrote(&office, &contact.to_string(), &format!("c{contact}@example.com"), &asks(contact));
    }
    let is_lead = |contact: u64| format!("accepted|Vera|c{contact}@example.com|-|{}|{contact}", asks(contact));
    let one = |name, event: Value, row: &str| {
        case(name, post(&[event]), if row.starts_with('a') { 202 } else { 200 }, &[row])
    };
    let contact = json!({ "objectTypeId": "0-1" });
    let of_message = json!({ "propertyName": "message", "propertyValue": "x", "changeSource": "CRM_UI" });
    let as_text = json!({ "objectId": "604", "portalId": "62515", "eventId": "99" });
    let cases = vec![
        one("old style", created(601), &is_lead(601)),
        one("new style", event("object.creation", 602, &contact), &is_lead(602)),
        one("a message changed", event("contact.propertyChange", 603, &of_message), &is_lead(603)),
        one("ids as texts", event("contact.creation", 1, &as_text), &is_lead(604)),
        one(
            "our own write",
            event("contact.propertyChange", 601, &json!({ "propertyName": "auto_classification" })),
            "ignored",
        ),
        one("a company", event("object.creation", 9, &json!({ "objectTypeId": "0-2" })), "ignored"),
        one("a deal", event("deal.creation", 9, &json!({})), "ignored"),
        one("a contact that goes", event("contact.deletion", 601, &json!({})), "ignored"),
        one("a contact to forget", event("contact.privacyDeletion", 601, &json!({})), "ignored"),
        one("an id that is none", event("contact.creation", 1, &json!({ "objectId": "../notes" })), "gate_failed"),
        one("no id", event("contact.creation", 1, &json!({ "objectId": null })), "gate_failed"),
        case("an event alone", signed("/hooks/app", &created(601)), 200, &["duplicate"]),
        case("nothing", post(&[]), 200, &["gate_failed"]),
        case("no JSON", Post::plain("/hooks/app", "[{").signed(), 200, &["gate_failed"]),
    ];
    each_becomes(&office, cases).await;
}

/// Of a hundred events either all are on the disk or none, and the answer covers them all.
#[tokio::test]
async fn a_batch_of_a_hundred_is_one_transaction() {
    let office = office("").await;
    let events: Vec<Value> = (0..100)
        .map(|n| match n % 5 {
            0 => event("contact.deletion", 1_000 + n, &json!({})),
            1 => event("object.creation", 1_000 + n, &json!({ "objectTypeId": "0-3" })),
            2 => event("object.creation", 1_000 + n, &json!({ "objectTypeId": "0-1" })),
            _ => created(1_000 + n),
        })
        .collect();
    for contact in 1_000..1_100 {
        wrote(
            &office,
            &contact.to_string(),
            &format!("c{contact}@example.com"),
            &format!("What does tent {contact} cost?"),
        );
    }
    let batch = post(&events);
    let seen = async {
        office
            .until("the leads", |reader| {
                let leads = reader.counts().unwrap().leads;
                assert!(matches!(leads, 0 | 60), "{leads} of 60 leads");
                (leads == 60).then_some(())
            })
            .await;
    };
    let ((status, answer), ()) = tokio::join!(office.post(&batch), seen);
    assert_eq!((status, answer["results"].as_array().unwrap().len()), (202, 100));
    let rows = "SELECT count(*), count(DISTINCT part), count(DISTINCT coalesce(request_id, id)), count(DISTINCT received_at), sum(verdict = 'ignored') FROM inbox";
    assert_eq!(office.lines(rows), [["100", "100", "1", "1", "40"].map(str::to_owned)]);
    let (status, answer) = office.post(&batch).await;
    assert_eq!(status, 200, "{answer}");
    office.until_settled(60).await;
    assert_eq!(
        office.column("SELECT verdict || count(*) FROM inbox GROUP BY verdict ORDER BY verdict"),
        ["accepted60", "duplicate60", "ignored80"]
    );
    assert_eq!(office.column("SELECT count(*) FROM leads WHERE label = 'TIRE_KICKER'"), ["60"]);
    assert_eq!(reads(&office), 60);
    assert_eq!(office.violations(), Vec::<String>::new());
}
