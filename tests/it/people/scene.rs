//! An office with three people on call, who have time: nothing moves but by what they type.

use std::time::Duration;

use nightdesk::demo::sim::modem::Inbound;
use rusqlite::{Connection, OpenFlags};
use serde_json::json;
use tokio::time::{Instant, interval};

use crate::support::{Office, PATIENCE, Post};

pub(super) const DANA: &str = "+15551230001";
pub(super) const LEE: &str = "+15551230002";
/// Short enough to be a name.
pub(super) const BOSS: &str = "+4681234567";

const TEAM: &str = r#"
[oncall]
chain = [{ who = "dana", wait = "1h" }, { who = "lee", wait = "1h" }, { who = "boss", wait = "1h" }]
[oncall.people.dana]
name = "Dana"
phone = "+15551230001"
[oncall.people.lee]
name = "Lee"
phone = "+15551230002"
[oncall.people.boss]
name = "Boss"
phone = "+4681234567"
[sms]
channels = ["modem0"]
[modem.modem0]
port = "OFFICE/modem"
parts-per-hour = 100000
parts-per-day = 100000
timings = { part-gap = "1ms", gap = "1ms", reopen = "20ms" }
[outbox]
note-after = "100ms"
"#;

/// Everything that a text could change.
const STATE: &str = "
    SELECT (SELECT group_concat(id || state || due_at || coalesce(result, '')) FROM (SELECT * FROM jobs ORDER BY id)),
           (SELECT group_concat(lead_id || state || round || step || coalesce(claimed_by, '')) FROM claims),
           (SELECT count(*) FROM claim_log), (SELECT count(*) FROM attempts),
           (SELECT group_concat(id || coalesce(label, '') || code) FROM leads),
           (SELECT group_concat(key || text) FROM alerts WHERE key NOT LIKE 'quarantine%')";

pub(super) struct Scene {
    pub(super) office: Office,
    database: Connection,
    /// So many texts were looked at.
    seen: usize,
    leads: u32,
}

impl Scene {
    pub(super) async fn open() -> Self {
        Self::with("channels = [\"modem0\"]").await
    }

    /// The same with other ways to text.
    pub(super) async fn with(sms: &str) -> Self {
        let mut office = Office::new("").await;
        let at = office.path().display().to_string();
        office.configure(&TEAM.replace("OFFICE", &at).replace("channels = [\"modem0\"]", sms));
        office.start().await;
        let database = Connection::open_with_flags(office.database(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        Self { office, database, seen: 0, leads: 0 }
    }

    fn one<T: rusqlite::types::FromSql>(&self, question: &str) -> T {
        self.database.query_row(question, [], |row| row.get(0)).unwrap()
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let (mut ticks, deadline) = (interval(Duration::from_millis(2)), Instant::now() + PATIENCE);
        while !is_so(self) {
            assert!(Instant::now() < deadline, "{what} did not come about\n{}", self.office.log());
            ticks.tick().await;
        }
    }

    /// Until nothing is open but the chains' timers.
    async fn quiet(&self) {
        let open = "SELECT count(*) FROM jobs WHERE state IN ('ready', 'leased', 'unknown') AND kind <> 'escalate'";
        self.until("quiet", |scene| scene.one::<u32>(open) == 0).await;
    }

    /// An urgent lead comes in and calls Dana; its code.
    pub(super) async fn lead(&mut self) -> String {
        let code = self.enter().await;
        assert_eq!(self.sent().await, [format!("Dana: {code} URGENT")]);
        code
    }

    /// An urgent lead comes in, and people do as they do until it is claimed; its code, and what was told.
    pub(super) async fn lead_that_is_claimed(&mut self) -> (String, Vec<String>) {
        let code = self.enter().await;
        self.until("a claim by somebody", |scene| scene.claim(&code).starts_with("claimed")).await;
        (code, self.sent().await)
    }

    pub(super) async fn enter(&mut self) -> String {
        self.leads += 1;
        let contact = (7_000 + self.leads).to_string();
        self.office.hubspot.set_contact(&contact, &[]);
        let message = "We need a quote for 50 units by tomorrow, budget of 20k, board approved.";
        let lead = json!({ "message": message, "name": "Anna Berg", "email": "a@example.com", "contact": contact });
        assert_eq!(self.office.post(&Post::website(&lead)).await.0, 202);
        let claims = self.leads;
        self.until("a claim", |scene| scene.one::<u32>("SELECT count(*) FROM claims") == claims).await;
        self.one("SELECT code FROM claims ORDER BY opened_at DESC LIMIT 1")
    }

    /// Somebody's text comes in and is stored; how it is shown.
    pub(super) async fn types(&mut self, inbound: &Inbound) -> [String; 4] {
        let before: u32 = self.one("SELECT count(*) FROM sms_inbound_parts");
        let parts = u32::try_from(inbound.parts()).unwrap();
        self.office.modem.inbound(inbound);
        let stored = |scene: &Self| scene.one::<u32>("SELECT count(*) FROM sms_inbound_parts") == before + parts;
        self.until("a text in", stored).await;
        let shown = "SELECT number, text, state, answerable FROM v_inbound ORDER BY id DESC LIMIT 1";
        let row =
            |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, bool>(3)?.to_string()]);
        self.database.query_row(shown, [], row).unwrap()
    }

    /// What went out since this was asked last, once nothing is open: who got it, and how it begins.
    pub(super) async fn sent(&mut self) -> Vec<String> {
        self.quiet().await;
        let all = self.office.modem.sent();
        let name = |number: &str| match number {
            DANA => "Dana".to_owned(),
            LEE => "Lee".to_owned(),
            BOSS => "Boss".to_owned(),
            other => other.to_owned(),
        };
        let begins = |text: &str| text.split_inclusive(' ').take(4).collect::<String>();
        let told = all[self.seen..].iter().map(|sms| format!("{}: {}", name(&sms.to), begins(&sms.text)));
        let told = told.map(|told| told.split(" +").next().unwrap().split(" a@").next().unwrap().trim_end().to_owned());
        let told = told.collect();
        self.seen = all.len();
        told
    }

    /// State and owner of a lead's claim.
    pub(super) fn claim(&self, code: &str) -> String {
        self.one(&format!("SELECT trim(state || ' ' || coalesce(claimed_by, '')) FROM claims WHERE code = '{code}'"))
    }

    /// Everything that a text could change.
    pub(super) fn state(&self) -> Vec<String> {
        let read = |row: &rusqlite::Row<'_>| {
            (0..6).map(|at| row.get::<_, rusqlite::types::Value>(at).map(|value| format!("{value:?}"))).collect()
        };
        self.database.query_row(STATE, [], read).unwrap()
    }
}
