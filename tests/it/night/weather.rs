//! What befalls a modem in a cupboard.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nightdesk::demo::sim::Modem;
use nightdesk::demo::sim::modem::{Cure, Step, Trouble};
use tokio::time::{Instant, sleep};

type Strike = (&'static str, fn(&Modem, &mut fastrand::Rng));

/// Troubles, each as likely as the others.
const STRIKES: [Strike; 17] = [
    ("port lost", |modem, rng| modem.lose_port(Some(seconds(rng, 1..120)))),
    ("port lost for long", |modem, rng| modem.lose_port(Some(seconds(rng, 300..900)))),
    ("restart", |modem, _| modem.reboot()),
    ("silent restart", |modem, _| modem.reset_silently()),
    ("brown-out", |modem, _| modem.brown_out()),
    ("brown-out in mid-send", |modem, _| modem.trouble(Step::CtrlZ, Trouble::BrownOut)),
    ("echo", |modem, _| modem.echo_on()),
    ("hang until reopened", |modem, _| modem.hang(Cure::Reopen)),
    ("hang until reset", |modem, _| modem.hang(Cure::Reset)),
    ("hang until its power is cut", |modem, _| modem.hang(Cure::Power)),
    ("storm", |modem, rng| modem.storm(200, seconds(rng, 5..60))),
    ("no verdict, not sent", |modem, _| modem.trouble(Step::CtrlZ, Trouble::Silent)),
    ("no verdict, sent", |modem, _| modem.trouble(Step::Accepted, Trouble::Silent)),
    ("500, sent", |modem, _| modem.trouble(Step::Accepted, Trouble::Cms(500))),
    ("38", |modem, _| modem.trouble(Step::CtrlZ, Trouble::Cms(38))),
    ("no prompt", |modem, _| modem.trouble(Step::Command("AT+CMGS"), Trouble::Silent)),
    ("port lost in mid-send", |modem, rng| {
        modem.trouble(Step::CtrlZ, Trouble::Gone(Some(seconds(rng, 1..60))));
    }),
];

fn seconds(rng: &mut fastrand::Rng, range: std::ops::Range<u64>) -> Duration {
    Duration::from_secs(rng.u64(range))
}

/// Strikes every few minutes for so long. Returns how often each befell it.
pub(super) fn storms(
    modem: &Arc<Modem>,
    long: Duration,
    rng: &mut fastrand::Rng,
) -> impl Future<Output = BTreeMap<&'static str, u32>> + 'static {
    let (modem, mut rng) = (Arc::clone(modem), rng.fork());
    async move {
        let (begun, mut struck) = (Instant::now(), BTreeMap::new());
        while begun.elapsed() < long {
            sleep(seconds(&mut rng, 30..900)).await;
            let (name, strike) = STRIKES[rng.usize(..STRIKES.len())];
            strike(&modem, &mut rng);
            *struck.entry(name).or_insert(0) += 1;
            if rng.u8(..8) == 0 {
                modem.set_network(*rng.choice(&[0, 2, 3, 8]).unwrap());
                sleep(seconds(&mut rng, 10..600)).await;
                modem.set_network(1);
                *struck.entry("no network").or_insert(0) += 1;
            }
        }
        struck
    }
}
