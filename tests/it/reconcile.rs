//! A day without a tunnel: what was written to the CRM meanwhile is found there, once, whatever happens on the way. The
//! real binary against a simulated HubSpot, whose contacts were made at times that lie behind.

use std::process::Output;
use std::time::Duration;

use nightdesk::control::{Request, Response};
use nightdesk::demo::sim::{Match, Moment};
use nightdesk::store::ReconcileState;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use tokio::time::{Instant, interval};

use crate::spine::URGENT;
use crate::support::{Office, PATIENCE, Post};

/// Contacts that nobody was told of.
const MISSED: u64 = 200;
/// Of these want to buy now.
const HOT: u64 = 10;
const CURIOUS: &str = "How does your product compare to others? I am just curious.";

impl Office {
    /// An office that looks for leads, and whose desk started for the first time thirty hours ago.
    async fn that_reconciles() -> Self {
        let mut office = Self::new("").await;
        office.hubspot.allow(100_000, Duration::from_secs(10));
        let (url, at) = (office.hubspot.base_url(), office.path().display().to_string());
        office.configure(&format!(
            "[crm.hubspot]\nkind = \"hubspot\"\nbase-url = \"{url}\"\ntoken = {{ file = \"{at}/hubspot-token\" }}\n\
             timeout = \"2s\"\nreconcile = \"crm\"\nrate = {{ requests = 1000, per = \"1s\" }}\n"
        ));
        office.start().await;
        office.terminate().await;
        let first = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(30);
        let file = Connection::open(office.database()).unwrap();
        let sql = "UPDATE settings SET value = strftime('%Y-%m-%dT%H:%M:%fZ', ?1) WHERE name = 'first-start'";
        assert_eq!(file.execute(sql, [first.to_string()]).unwrap(), 1);
        // It has just looked, as far as then: no look of the desk's own comes in between.
        let sql = "
            INSERT INTO reconciles (id, channel, source, why, from_at, until_at, dry_run, state, started_at)
            SELECT '00000000-0000-7000-8000-000000000000', 'crm:hubspot', 'crm', 'start', value, value, 0, 'done',
                   strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
              FROM settings WHERE name = 'first-start'";
        assert_eq!(file.execute(sql, []).unwrap(), 1);
        office
    }

    /// Contacts of the last day, the newest of them hours old, and one from before the first start.
    fn fill(&self) {
        for nth in 0..MISSED {
            let message = if nth < HOT { URGENT } else { CURIOUS };
            self.make(&(1_000 + nth).to_string(), message, Duration::from_mins(150 + nth * 6));
        }
        self.make("999", URGENT, Duration::from_hours(40));
    }

    fn make(&self, id: &str, message: &str, ago: Duration) {
        let email = format!("anna{id}@example.com");
        let name = [("firstname", "Anna"), ("lastname", "Berg")];
        let properties =
            [&name[..], &[("email", &email), ("phone", "+46 8 123 456 78"), ("message", message)]].concat();
        self.hubspot.set_contact(id, &properties);
        self.hubspot.made_at(id, jiff::Timestamp::now() - ago);
    }

    /// `nightdesk reconcile`, waited for beside everything that runs here.
    async fn reconcile(&self, args: &[&str]) -> Output {
        let mut command = self.command(&[&["reconcile"], args].concat());
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    async fn reconcile_json(&self, args: &[&str]) -> Value {
        let output = self.reconcile(&[args, &["--json"]].concat()).await;
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()[0].take()
    }

    /// Waits until the model has read every lead; two hundred take their time on a busy machine.
    async fn until_read(&self) {
        let file = Connection::open_with_flags(self.database(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mut unread = file.prepare("SELECT count(*) FROM leads WHERE label IS NULL").unwrap();
        let (deadline, mut ticks) = (Instant::now() + 4 * PATIENCE, interval(Duration::from_millis(20)));
        while unread.query_row([], |row| row.get::<_, u32>(0)).unwrap() > 0 {
            ticks.tick().await;
            assert!(Instant::now() < deadline, "{}", self.log());
        }
    }

    fn count(&self, question: &str) -> u64 {
        self.column(question)[0].parse().unwrap()
    }
}

#[tokio::test]
async fn what_never_arrived_is_found_once() {
    let mut office = Office::that_reconciles().await;
    office.start().await;
    for id in ["501", "502", "503"] {
        office.make(id, CURIOUS, Duration::from_mins(3));
        assert_eq!(office.post(&Post::hubspot(id, CURIOUS)).await.0, 202);
    }
    office.fill();

    let dry = office.reconcile(&["--dry-run"]).await;
    let said = String::from_utf8(dry.stdout).unwrap();
    assert!(said.contains("200 never arrived (would be taken in), 3 had arrived"), "{said}");
    assert_eq!(office.count("SELECT count(*) FROM leads"), 3, "a dry run takes in nothing");

    let found = office.reconcile_json(&[]).await;
    let (look, missed) = (&found["look"], found["missed"].as_array().unwrap());
    assert_eq!((&look["found"], &look["known"], &look["missed"]), (&203.into(), &3.into(), &200.into()), "{look}");
    assert_eq!(missed.len() as u64, MISSED);
    let again = office.reconcile_json(&["--since", "29h"]).await;
    assert_eq!((&again["look"]["known"], &again["look"]["missed"]), (&203.into(), &0.into()), "{again}");
    office.until_read().await;
    assert_eq!(office.count("SELECT count(*) FROM leads WHERE made_at IS NOT NULL AND source = 'crm'"), MISSED);
    assert_eq!(office.count("SELECT count(*) FROM leads WHERE crm_record = '999'"), 0, "from before the first start");
    // One text tells of all urgent ones: two minutes after the first of them, which may be over by now.
    assert!(office.count("SELECT count(*) FROM jobs WHERE kind = 'sms'") <= 1, "hours old: no text of its own");
    let gathered =
        "SELECT (SELECT count(*) FROM claim_digests) + (SELECT count(*) FROM claim_log WHERE what = 'digested')";
    assert_eq!(office.count(gathered), HOT);
    // The webhook comes after all.
    let (status, body) = office.post(&Post::hubspot("1100", CURIOUS)).await;
    assert_eq!((status, body.get("duplicate_of").is_some()), (200, true), "{body}");
    assert_eq!(office.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_look_that_was_killed_goes_on() {
    let mut office = Office::that_reconciles().await;
    office.start().await;
    office.fill();
    let mut begun = Vec::new();
    let search = Match::to("POST", "/contacts/search");
    for (moment, cursor) in [(Moment::Arrived, "1099"), (Moment::Applied, "1199")] {
        // The page after this contact is on its way when the power goes.
        let mut held = office.hubspot.hold(moment, search.clone().body(format!("\"{cursor}\"")));
        if cursor == "1099" {
            let asked = office.ask(&Request::Reconcile { crm: None, since: None, dry_run: false }).await;
            let Response::Looks { looks } = asked else { panic!("{asked:?}") };
            begun = looks;
        }
        held.reached().await;
        office.kill();
        drop(held);
        office.start().await;
    }
    let look = office
        .until("the look's end", |reader| {
            let look = reader.reconcile(begun[0]).unwrap().unwrap();
            (look.state != ReconcileState::Running).then_some(look)
        })
        .await;
    assert_eq!((look.state, look.counts.found, u64::from(look.counts.missed)), (ReconcileState::Done, 200, MISSED));
    assert_eq!(office.count("SELECT count(*) FROM leads"), MISSED);
    assert_eq!(office.count("SELECT count(DISTINCT crm_record) FROM leads"), MISSED);
    assert_eq!(office.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_token_that_was_replaced_is_noticed_and_everything_flows() {
    let mut office = Office::that_reconciles().await;
    std::fs::write(office.path().join("hubspot-token"), "pat-expired").unwrap();
    office.start().await;
    for id in ["501", "502"] {
        office.make(id, CURIOUS, Duration::from_mins(3));
        assert_eq!(office.post(&Post::hubspot(id, CURIOUS)).await.0, 202);
    }
    office
        .until("the alert", |reader| reader.alerts().unwrap().into_iter().find(|a| a.key == "channel:crm:hubspot"))
        .await;
    let refused = office.reconcile(&["--no-wait"]).await;
    assert!(refused.status.success(), "{refused:?}");
    assert!(office.terminate().await.success());
    let alerts = office.column("SELECT text FROM alerts WHERE cleared_at IS NULL AND key LIKE '%hubspot%'");
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    std::fs::write(office.path().join("hubspot-token"), crate::support::SECRETS[3]).unwrap();
    office.start().await;
    office.until_settled(2).await;
    for id in ["501", "502"] {
        assert_eq!(office.hubspot.property(id, "auto_classification").as_deref(), Some("TIRE_KICKER"), "{id}");
    }
    assert_eq!(office.count("SELECT count(*) FROM dead_letters"), 0);
    assert_eq!(office.count("SELECT count(*) FROM alerts WHERE cleared_at IS NULL"), 0);
}
