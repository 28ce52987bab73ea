//! A day and a night of a modem that comes and goes, in virtual time: the real driver, outbox and store, a simulated modem
//! whose port lives in memory, 500 urgent leads, and a Twilio that mostly works.
//!
//! Nothing is lost: every lead's text reaches the person, twice only after an outcome that nobody could know, and never a
//! third time. `cargo test night -- --nocapture` tells the seed and the figures; `NIGHTDESK_SEED` repeats a night.

#![expect(clippy::print_stdout, reason = "the seed and the figures are worth reading")]

mod desk;
mod weather;

use std::collections::BTreeMap;
use std::time::Duration;

use desk::Night;
use nightdesk::model::ModemState;
use weather::storms;

const LEADS: usize = 500;
const LONG: Duration = Duration::from_hours(24);

#[tokio::test(start_paused = true)]
async fn a_flapping_modem_loses_no_lead() {
    let seed = std::env::var("NIGHTDESK_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut night = Night::new(&mut rng, LEADS, LONG);
    let storms = storms(night.modem(), LONG, &mut rng);
    let weather = tokio::spawn(storms);
    night.pass().await;
    let struck = weather.await.unwrap();

    let told = night.told();
    let mut modems = 0;
    for lead in 0..LEADS {
        let texts = told.get(&lead).map(Vec::as_slice).unwrap_or_default();
        let name = format!("NIGHTDESK_SEED={seed}, lead {lead}: {texts:?}");
        assert!((1..=2).contains(&texts.len()), "{name}");
        modems += texts.iter().filter(|text| text.by == "modem").count();
        if let [_, second] = texts {
            assert!(second.words.contains("(repeat)") || texts[0].words.contains("(repeat)"), "{name}");
            assert!(night.was_unknown(lead), "{name}: its outcome was known");
        }
    }
    let twice = told.values().filter(|texts| texts.len() == 2).count();
    assert_eq!(night.open_jobs(), 0, "NIGHTDESK_SEED={seed}");
    assert_eq!(night.modem().violations(), Vec::<String>::new(), "NIGHTDESK_SEED={seed}");
    let states: BTreeMap<&str, usize> =
        ModemState::ALL.into_iter().map(|state| (state.name(), night.turns(state))).collect();
    println!(
        "NIGHTDESK_SEED={seed}: {LEADS} leads, {modems} texts by the modem, {} by Twilio, {twice} repeated, none lost; \
         struck by {struck:?}; turns {states:?}; {:?}",
        told.values().map(Vec::len).sum::<usize>() - modems,
        night.modem().counts()
    );
}
