//! No label in time: a person is told anyway, once, and the label that comes later is written all the same.

use nightdesk::demo::sim::Fault;

use super::{CURIOUS, URGENT};
use crate::support::{Office, Post};

/// Two leads while the model is down: both texts go out at the deadline. When the model is back, each gets its class in
/// the CRM, and nobody is told the same twice.
#[tokio::test]
async fn a_person_is_told_at_the_deadline_and_not_again() {
    let mut office = Office::new("[classify]\ndeadline = \"1s\"").await;
    office.llm.down();
    office.start().await;
    for (contact, message) in [("501", URGENT), ("502", CURIOUS)] {
        office.hubspot.set_contact(contact, &[]);
        assert_eq!(office.post(&Post::hubspot(contact, message)).await.0, 202);
    }
    office.until("both texts", |_| (office.modem.sent().len() == 2).then_some(())).await;
    for sms in office.modem.sent() {
        assert!(sms.text.contains("UNCLASSIFIED") && sms.text.contains("+46812345678"), "{}", sms.text);
    }
    let unlabelled =
        "SELECT count(*) FROM leads WHERE label IS NULL AND classified_by IS NULL AND provisional_at NOTNULL";
    assert_eq!(office.column(unlabelled), ["2"]);
    for contact in ["501", "502"] {
        assert_eq!(office.hubspot.property(contact, "auto_classification"), None);
    }

    office.llm.up().await.unwrap();
    office.until_settled(2).await;
    assert_eq!(office.column("SELECT label FROM leads ORDER BY number"), ["URGENT_BUYER", "TIRE_KICKER"]);
    for (contact, class) in [("501", "URGENT_BUYER"), ("502", "TIRE_KICKER")] {
        assert_eq!(office.hubspot.property(contact, "auto_classification").as_deref(), Some(class));
        let notes = office.hubspot.notes_of(contact);
        assert!(notes.iter().any(|note| note.body.contains("No model answered in time")), "{notes:?}");
        assert!(notes.last().is_some_and(|note| note.body.contains(class)), "{notes:?}");
    }
    assert_eq!(office.modem.sent().len(), 2, "the label brings no second text");
    assert_eq!(office.twilio.messages().len(), 0);
    assert_eq!(office.violations(), Vec::<String>::new());
}

/// A model that refuses the request will refuse it again: the person is told at once, not at a deadline an hour away.
#[tokio::test]
async fn a_refused_request_is_told_at_once() {
    let mut office = Office::new("[classify]\ndeadline = \"1h\"").await;
    office.llm.script([Fault::status(400).forever()]);
    office.start().await;
    office.hubspot.set_contact("501", &[]);
    assert_eq!(office.post(&Post::hubspot("501", URGENT)).await.0, 202);
    office.until_settled(1).await;
    let sent = office.modem.sent();
    assert!(sent.len() == 1 && sent[0].text.contains("UNCLASSIFIED"), "{sent:?}");
    let letters = office.lines("SELECT stage, class, reason <> '', what_to_do <> '' FROM v_failures");
    assert_eq!(letters, [["classify", "permanent", "1", "1"].map(str::to_owned)]);
    assert_eq!(office.hubspot.property("501", "high_priority").as_deref(), Some("true"));
    assert_eq!(office.hubspot.property("501", "auto_classification"), None, "nobody knows the class");
    assert_eq!(office.llm.requests().len(), 1, "400 is not asked again");
}
