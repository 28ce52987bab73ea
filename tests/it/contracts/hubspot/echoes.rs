//! What we write comes back as webhooks of both shapes, and sets off nothing.

use nightdesk::demo::sim::Echo;
use serde_json::json;

use crate::spine::URGENT;
use crate::support::{HUBSPOT_SECRET, Office, PATIENCE, PUBLIC_URL, Post};

const CONTACT: [(&str, &str); 5] = [
    ("firstname", "Anna"),
    ("lastname", "Berg"),
    ("email", "anna501@example.com"),
    ("phone", "+46 8 123 456 78"),
    ("message", URGENT),
];

/// Waits until as many echoes as this were sent and answered.
async fn all_answered(echo: &Echo, at_least: usize) -> Vec<u16> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(5));
    loop {
        ticks.tick().await;
        let answers = echo.answers();
        if answers.len() >= at_least && answers.iter().all(Option::is_some) {
            return answers.into_iter().flatten().collect();
        }
        assert!(tokio::time::Instant::now() < deadline, "{answers:?}");
    }
}

#[tokio::test]
async fn each_write_comes_back_and_nothing_happens_twice() {
    for first in ["workflow", "app"] {
        let mut office = Office::new("").await;
        let at = office.path().display().to_string();
        office.configure(&format!(
            "[sources.app]\nkind = \"hubspot-app\"\ncrm = \"hubspot\"\nauth = {{ scheme = \"hubspot\", secret = {{ file = \"{at}/hubspot-secret\" }} }}"
        ));
        office.hubspot.set_contact("501", &CONTACT);
        office.start().await;
        let to = |path: &str| Echo::to(format!("http://{}{path}", office.intake.unwrap()));
        let (workflow, app) = (to("/hooks/crm"), to("/hooks/app"));
        office.hubspot.echo_workflow(&workflow, &format!("{PUBLIC_URL}/hooks/crm"), HUBSPOT_SECRET);
        office.hubspot.echo_app(&app, &format!("{PUBLIC_URL}/hooks/app"), HUBSPOT_SECRET);
        let event = json!([{ "eventId": 1, "subscriptionId": 2, "portalId": 62515, "occurredAt": 1_795_000_000_000_u64,
            "subscriptionType": "contact.creation", "attemptNumber": 0, "objectId": 501, "changeSource": "FORM" }]);
        let post = match first {
            "app" => Post::plain("/hooks/app", event.to_string()).signed(),
            _ => Post::hubspot("501", URGENT),
        };
        assert!((200..300).contains(&office.post(&post).await.0), "{first}");
        office.until_settled(1).await;
        // The class with the flag, and the note, are two writes; each is told twice, before it is answered.
        for echo in [&workflow, &app] {
            let answers = all_answered(echo, 2).await;
            assert!(answers.iter().all(|status| (200..300).contains(status)), "{first}: {answers:?}");
        }
        office.until_settled(1).await;
        assert_eq!(office.column("SELECT count(*) FROM leads"), ["1"], "{first}");
        assert_eq!(office.modem.sent().len() + office.twilio.messages().len(), 1, "{first}: one text");
        assert_eq!(office.hubspot.notes_of("501").len(), 1, "{first}: one note");
        assert_eq!(office.hubspot.property("501", "high_priority").as_deref(), Some("true"));
        let verdicts =
            office.column("SELECT verdict FROM inbox WHERE verdict NOT IN ('accepted', 'duplicate', 'ignored')");
        assert_eq!(verdicts, Vec::<String>::new(), "{first}");
        assert_eq!(office.column("SELECT count(*) FROM dead_letters"), ["0"], "{first}");
        assert_eq!(office.violations(), Vec::<String>::new(), "{first}");
    }
}
