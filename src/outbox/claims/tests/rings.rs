//! Nights of phones that ring: when, whose, by what, and never twice for a step.

use super::*;
use crate::model::{Channel, Failure, Fault, JobState, Lane, Task};
use crate::route::Ring;

/// Dana has three minutes and is rung after 90 s, Lee has five and is not rung.
fn ringing(channels: &[&str], caps: (u32, u32)) -> Office {
    let mut settings = settings(channels);
    let channels = settings.route.sms_channels.clone();
    settings.channels.extend(channels.iter().map(|channel| (channel.for_rings(), 1)));
    let ring = Ring { channels, lasts: Duration::from_secs(20), per_hour: caps.0, per_day: caps.1 };
    let mut on_call = chain();
    on_call.chain.truncate(2);
    on_call.chain[0].ring = Some(Duration::from_secs(90));
    settings.route = route::Settings { on_call, ring: Some(ring), ..settings.route };
    Office::of(settings)
}

/// Each ring of the lead: channel, state, and what came of it.
fn rings(office: &mut Office, nth: usize) -> Vec<String> {
    let lead = office.leads[nth];
    let rows = office.store.transact(|tx| tx.job_rows(lead)).unwrap();
    let shown =
        |row: &crate::store::JobRow| format!("{} {}: {}", row.channel, row.state, row.result.as_deref().unwrap_or("-"));
    let mut rings: Vec<_> = rows.iter().filter(|row| row.kind == "ring").collect();
    rings.sort_by(|a, b| a.id.cmp(&b.id));
    rings.into_iter().map(shown).collect()
}

fn fails(fault: Fault) -> Outcome {
    Outcome::Failed(Failure::new(fault, "no"))
}

fn letters(office: &mut Office) -> usize {
    let filter = crate::store::DeadLetterFilter::default();
    office.store.transact(|tx| tx.dead_letters(&filter)).unwrap().len()
}

#[test]
fn a_phone_rings_once_in_a_step_that_has_a_ring() {
    let mut office = ringing(&["modem0"], (6, 20));
    let code = urgent(&mut office);
    assert_eq!(office.wait(89), [""; 0]);
    assert_eq!(office.wait(1), ["Dana rings by modem"]);
    assert_eq!(rings(&mut office, 0), ["ring:modem0 done: rang 20 s"]);
    assert_eq!(office.wait(90), [format!("Lee: {code} URGENT no contact")], "the chain goes on by itself");
    assert_eq!(office.wait(3_600), [""; 0], "Lee's step has none");
}

#[test]
fn nobody_is_rung_for_a_lead_that_waits_no_more() {
    let row = |why: &str| vec![format!("ring:modem0 cancelled: {why}")];
    for (name, happens, want) in [
        ("claimed", "K ok", row("the lead was claimed")),
        ("passed on", "K no", row("the lead was passed on")),
        ("turned out otherwise", "", row("the lead needs nobody any more")),
    ] {
        let mut office = ringing(&["modem0"], (6, 20));
        let code = urgent(&mut office);
        if happens.is_empty() {
            let lead = office.leads[0];
            office.label(lead, Label::TireKicker);
        } else {
            office.says(DANA, &happens.replace('K', &code));
        }
        assert_eq!(office.wait(90), [""; 0], "{name}");
        assert_eq!(rings(&mut office, 0), want, "{name}");
    }
}

#[test]
fn a_ring_that_comes_too_late_is_moot() {
    let mut office = ringing(&["modem0"], (6, 20));
    let code = urgent(&mut office);
    office.now = office.now.after(Duration::from_hours(2));
    let told = office.run();
    assert_eq!(told, [format!("Lee: {code} URGENT no contact")]);
    let [ring] = &rings(&mut office, 0)[..] else { panic!("one ring") };
    assert!(ring.contains("cancelled") && (ring.contains("step is over") || ring.contains("deadline")), "{ring}");
    assert_eq!(letters(&mut office), 0, "nobody needs to look at it");
    // The chain begins again: that is another step.
    office.says(LEE, &code);
    office.says(LEE, &format!("{code} no"));
    assert_eq!(office.wait(90), ["Dana rings by modem"]);
}

#[test]
fn what_surely_did_not_ring_goes_by_the_next_channel_once_each() {
    let took = |how: &str| vec![format!("ring:modem0 cancelled: {how}"), "ring:twilio done: rang 20 s".to_owned()];
    for (name, outcomes, calls, want) in [
        ("no voice", vec![fails(Fault::Permanent)], 2, took("no")),
        ("modem is away", vec![fails(Fault::Transient)], 2, took("no")),
        ("SIM locked", vec![fails(Fault::Auth)], 2, took("no")),
        ("it may have rung", vec![fails(Fault::Unknown)], 1, vec!["ring:modem0 cancelled: no".to_owned()]),
        (
            "nothing can call",
            vec![fails(Fault::Permanent), fails(Fault::Transient)],
            2,
            vec!["ring:modem0 cancelled: no".to_owned(), "ring:twilio cancelled: no".to_owned()],
        ),
        ("busy is rung", vec![Outcome::Done(Done::Rang(Rang::Busy))], 1, vec!["ring:modem0 done: busy".to_owned()]),
    ] {
        let mut office = ringing(&["modem0", "twilio"], (6, 20));
        urgent(&mut office);
        office.rings = outcomes.into();
        assert_eq!(office.wait(90).len(), calls, "{name}");
        assert_eq!(rings(&mut office, 0), want, "{name}");
        assert_eq!(letters(&mut office), 0, "{name}");
        let told = office.store.transact(|tx| tx.alert_text("ring:failed")).unwrap();
        assert_eq!(told.is_some(), name == "nothing can call", "{name}");
        let held_up = office.store.transact(|tx| Ok(!tx.channels()?.is_empty())).unwrap();
        assert!(!held_up, "{name}: texts are not held up");
        urgent(&mut office);
        office.wait(90);
        assert_eq!(office.store.transact(|tx| tx.alert_text("ring:failed")).unwrap(), None, "{name}: it rang again");
    }
}

#[test]
fn a_channel_that_texts_cannot_use_does_not_ring_either() {
    let mut office = ringing(&["modem0", "twilio"], (6, 20));
    urgent(&mut office);
    let modem = Channel::new(Lane::Sms, "modem0");
    let row = crate::store::ChannelRow {
        channel: modem,
        state: crate::store::ChannelState::Open,
        until: office.now.after(Duration::from_mins(5)),
        failures: 1,
        reason: "SIM locked".into(),
    };
    let now = office.now;
    office.store.transact(|tx| tx.set_channel(&row, now)).unwrap();
    assert_eq!(office.wait(90), ["Dana rings by twilio"]);
    let want = ["ring:modem0 cancelled: sms:modem0 can't be used now", "ring:twilio done: rang 20 s"];
    assert_eq!(rings(&mut office, 0), want);
}

#[test]
fn calls_have_caps_that_survive_a_restart() {
    for (caps, hours, want) in [
        ((2, 20), 1, "not rung: 2 calls in the last hour, and 2 are allowed"),
        ((6, 2), 24, "not rung: 2 calls in the last 24 hours, and 2 are allowed"),
    ] {
        let mut office = ringing(&["modem0", "twilio"], caps);
        office.rings = vec![fails(Fault::Permanent), Outcome::Done(Done::Rang(Rang::PickedUp))].into();
        for _ in 0..2 {
            urgent(&mut office);
            office.wait(90);
        }
        office.restart();
        urgent(&mut office);
        office.wait(90);
        assert_eq!(rings(&mut office, 2), [format!("ring:modem0 cancelled: {want}")], "what was refused is no call");
        office.now = office.now.after(Duration::from_hours(hours));
        office.run();
        urgent(&mut office);
        assert_eq!(office.wait(90), ["Dana rings by modem"]);
    }
}

#[test]
fn a_ring_in_which_the_desk_dies_is_not_repeated() {
    for dies in [true, false] {
        let mut office = ringing(&["modem0", "twilio"], (6, 20));
        let code = urgent(&mut office);
        office.now = office.now.after(Duration::from_secs(90));
        let (desk, now) = (&mut office.desk, office.now);
        let works = office.store.transact(|tx| desk.claim_due(tx, now)).unwrap();
        assert!(matches!(&works[..], [Work { job, .. }] if matches!(job.task, Task::Ring(_))), "{works:?}");
        if !dies {
            office.store.transact(|tx| desk.let_go(tx, now)).unwrap();
        }
        office.restart();
        assert_eq!(office.run(), [""; 0]);
        let want = "ring:modem0 cancelled: the desk ended while it rang: it may have rung, and isn't repeated";
        assert_eq!(rings(&mut office, 0), [want]);
        let (desk, now) = (&mut office.desk, office.now);
        let late = Report::of(Outcome::Done(Done::Rang(Rang::Busy)));
        office.store.transact(|tx| desk.settle(tx, &works[0], &late, now, 1.0)).unwrap();
        assert_eq!(rings(&mut office, 0), [want], "a late word changes nothing");
        assert_eq!(office.wait(90), [format!("Lee: {code} URGENT no contact")]);
        assert_eq!(letters(&mut office), 0);
        let job = works[0].job.id;
        let (.., state, _) = office.store.transact(|tx| tx.job(job)).unwrap().unwrap();
        assert_eq!(state, JobState::Cancelled);
    }
}

#[test]
fn rings_wait_for_nobody_once_nothing_can_call() {
    let mut office = ringing(&["modem0"], (6, 20));
    urgent(&mut office);
    let mut settings = office.desk.settings.clone();
    settings.channels.remove(&Channel::new(Lane::Sms, "modem0").for_rings());
    settings.route.ring = None;
    office.desk = Desk::new(settings, BootId::new(office.now, [3; 10]));
    let (desk, now) = (&mut office.desk, office.now);
    office.store.transact(|tx| desk.recover(tx, now)).unwrap();
    assert_eq!(rings(&mut office, 0), ["ring:modem0 cancelled: the channel is not configured any more"]);
    assert_eq!(office.wait(90), [""; 0]);
}
