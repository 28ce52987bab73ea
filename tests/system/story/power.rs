//! Power cuts in the middle of a burst: what was acknowledged is there afterwards, and settles.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use super::{Story, say};
use crate::burst::{Acknowledged, burst};
use crate::shell::within;

const CUTS: u64 = 10;
/// Leads of the bursts have contacts from here on.
const FIRST_CONTACT: u32 = 100;

impl Story<'_> {
    pub(crate) async fn power_cuts(&mut self) {
        let next = AtomicU32::new(FIRST_CONTACT);
        let mut all = Acknowledged::default();
        for cut in 1..=CUTS {
            let stop = AtomicBool::new(false);
            let (world, place) = (self.world, &mut *self.place);
            let power = async {
                // Not always at the same point: the first commit of a burst, the middle, a full queue.
                tokio::time::sleep(Duration::from_millis(400 + 700 * (cut % 5))).await;
                place.cut_power();
                stop.store(true, Ordering::Relaxed);
            };
            let (mut got, ()) = tokio::join!(burst(world, &next, &stop), power);
            let count = got.leads.len();
            all.leads.append(&mut got.leads);
            all.urgent.append(&mut got.urgent);
            self.place.boot().await;
            self.up().await;
            self.place.plug_in().await;
            let lost = self.missing(&all.leads, "");
            assert!(lost.is_empty(), "acknowledged and gone: {lost:?}");
            self.did(&format!("power cut {cut}: it boots by itself; {count} leads were acknowledged, all are there"));
        }
        assert!(all.leads.len() >= 50, "only {} leads were acknowledged: no burst", all.leads.len());
        self.settle(&all).await;
    }

    async fn settle(&mut self, all: &Acknowledged) {
        let open = || self.missing(&all.leads, "AND settled_at IS NOT NULL");
        let settled = within(self.place.seconds(90), || open().is_empty().then_some(())).await;
        assert!(settled.is_some(), "never settled: {:?}\n{}", open(), self.journal());
        let texts = self.world.texts();
        let of = |contact: &u32| texts.iter().filter(|text| text.contains(&format!("({contact})"))).count();
        let counts: Vec<usize> = all.urgent.iter().map(of).collect();
        assert!(counts.iter().all(|count| (1..=2).contains(count)), "texts of each urgent lead: {counts:?}");
        let repeated = counts.iter().filter(|count| **count == 2).count();
        let dead = self.shell.sh("sqlite3 -readonly /var/lib/nightdesk/nightdesk.db 'SELECT count(*) FROM v_failures'");
        say(&format!(
            "           {} acknowledged leads, all settled; {} urgent, all texted, {repeated} twice; {dead} dead letters",
            all.leads.len(),
            all.urgent.len(),
        ));
        self.did("all of them settle");
    }

    /// Those of `leads` of which the database has no row with `also`.
    fn missing(&self, leads: &[String], also: &str) -> Vec<String> {
        let mut sql = String::from("CREATE TEMP TABLE want (id TEXT);\n");
        for lead in leads {
            writeln!(sql, "INSERT INTO want VALUES ('{lead}');").unwrap();
        }
        write!(sql, "SELECT id FROM want WHERE NOT EXISTS (SELECT 1 FROM leads WHERE leads.id = want.id {also});")
            .unwrap();
        let rows = self.shell.sh(&format!("sqlite3 -readonly /var/lib/nightdesk/nightdesk.db <<'END'\n{sql}\nEND"));
        rows.lines().map(str::to_owned).collect()
    }
}
