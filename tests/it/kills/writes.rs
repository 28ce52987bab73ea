//! Killed before, in the middle of and after each write into each CRM: nothing is missing there, and nothing is there twice.

use nightdesk::demo::sim::{self, Sim};

use crate::spine::salesforce::{self, BY_SECRET, LEAD};
use crate::support::{Office, Post};

const CURIOUS: &str = "How does your product compare to others? I am just curious.";
/// Where the desk stops to be killed: the attempt is on disk; the CRM has it, and nobody knows; all of it is settled.
const PLACES: [&str; 3] = ["before", "after", "settled"];
const WRITES: [&str; 2] = ["crm_update", "crm_note"];

/// An office with a lead's record in its CRM, and the webhook that tells of it.
struct Place {
    office: Office,
    org: Option<Sim<sim::Salesforce>>,
    webhook: Post,
}

impl Place {
    async fn hubspot() -> Self {
        let office = Office::new("").await;
        office.hubspot.set_contact("501", &[]);
        Self { office, org: None, webhook: Post::hubspot("501", CURIOUS) }
    }

    /// With a key field Salesforce itself keeps a task from being there twice; without, it is looked for.
    async fn salesforce(key: &str) -> Self {
        let org = salesforce::org().await;
        let office = salesforce::closed(&org, &format!("{BY_SECRET}\n{key}")).await;
        let webhook = salesforce::message(&org);
        Self { office, org: Some(org), webhook }
    }

    /// How often the class was told in a note, and whether it stands in its field.
    fn books(&self) -> (usize, bool) {
        match &self.org {
            Some(org) => (org.tasks_of(LEAD).len(), org.field(LEAD, "Auto_Classification__c") == "URGENT_BUYER"),
            None => (
                self.office.hubspot.notes_of("501").len(),
                self.office.hubspot.property("501", "auto_classification").as_deref() == Some("TIRE_KICKER"),
            ),
        }
    }

    /// Lives through one kill at `place`.
    async fn survives(mut self, place: &str) {
        self.office.set_env("NIGHTDESK_FAILPOINT", &format!("{place}:1:stop"));
        self.office.start().await;
        assert!((200..300).contains(&self.office.exchange(&self.webhook).await.0), "{place}");
        assert!(self.office.stopped().await, "{place} was never reached\n{}", self.office.log());
        self.office.kill();
        self.office.set_env("NIGHTDESK_FAILPOINT", "");
        self.office.start().await;
        self.office.until_settled(1).await;
        assert_eq!(self.books(), (1, true), "{place}\n{}", self.office.log());
        assert_eq!(self.office.column("SELECT count(*) FROM dead_letters"), ["0"], "{place}");
        let violations = self.org.map(|org| org.violations()).unwrap_or_default();
        assert_eq!((self.office.violations(), violations), (vec![], vec![]), "{place}");
    }
}

fn places() -> impl Iterator<Item = String> {
    WRITES.into_iter().flat_map(|write| PLACES.map(|place| format!("{place}-{write}")))
}

#[tokio::test]
async fn hubspot_has_each_write_once() {
    for place in places() {
        Place::hubspot().await.survives(&place).await;
    }
}

#[tokio::test]
async fn salesforce_has_each_write_once() {
    for key in ["task-key-field = \"Nightdesk_Key__c\"", ""] {
        for place in places() {
            Place::salesforce(key).await.survives(&place).await;
        }
    }
}
