//! Phones that ring: what becomes of a call, that it is hung up, and that nothing waits for it.

use super::*;
use crate::model::RingTask;

const RINGS: Duration = Duration::from_secs(20);

fn ring() -> Work {
    let mut work = work("", RINGS.saturating_add(Duration::from_secs(20)));
    work.job.task = Task::Ring(RingTask {
        to: DANA.parse().unwrap(),
        who: "Dana".into(),
        round: 1,
        step: 0,
        words: "answer the text".into(),
        lasts_s: u32::try_from(RINGS.as_secs()).unwrap(),
        refused: Vec::new(),
    });
    work
}

fn how(report: &Report) -> String {
    match &report.outcome {
        Outcome::Done(Done::Rang(rang)) => rang.to_string(),
        _ => word(report),
    }
}

/// What the modem was told from the number on.
fn told(fake: &Fake) -> Vec<String> {
    fake.take_told().into_iter().skip_while(|told| !told.starts_with("ATD")).collect()
}

#[tokio::test(start_paused = true)]
async fn it_rings_and_is_hung_up() {
    let mut rig = Rig::new(Fake::new(&[]));
    rig.is(ModemState::Ready).await;
    drop(rig.fake.take_told());
    let asked = Instant::now();
    let report = rig.handle.perform(&ring()).await;
    assert_eq!(how(&report), "rang 20 s");
    assert!(asked.elapsed() < RINGS + Duration::from_secs(1));
    assert_eq!(told(&rig.fake), [format!("ATD{DANA};"), "AT+CHUP".into()], "by voice, the number not hidden");
    assert_eq!(report.trace.request, Some(format!("ATD{DANA};\nAT+CHUP")));
    assert_eq!(word(&rig.send("the next one").await), "sent 101");
}

#[tokio::test(start_paused = true)]
async fn every_call_ends_in_its_class_and_the_next_text_goes_out() {
    const CHUP: &[&str] = &["AT+CHUP"];
    const BOTH: &[&str] = &["AT+CHUP", "ATH"];
    for (name, dial, chup, ath, want, hung_up) in [
        ("no CHUP", "OK", "ERROR", "OK", "rang 20 s", BOTH),
        ("OK never comes", "zzz", "OK", "OK", "rang 20 s", CHUP),
        ("nothing hangs up", "OK", "ERROR", "ERROR", "rang 20 s", BOTH),
        ("silent from the number on", "zzz", "zzz", "zzz", "unknown", BOTH),
        ("no voice", "ERROR", "OK", "OK", "transient", &[]),
        ("no voice, in Huawei's words", "COMMAND NOT SUPPORT", "OK", "OK", "transient", &[]),
        ("not allowed", "+CME ERROR: 3", "OK", "OK", "permanent", &[]),
        ("no network", "+CME ERROR: 30", "OK", "OK", "transient", &[]),
        ("ended at once", "OK|NO CARRIER", "OK", "OK", "transient", &[]),
        ("busy", "OK|BUSY", "OK", "OK", "busy", &[]),
        ("picked up", "OK|^CONN:1,0", "OK", "OK", "picked up", CHUP),
        ("unplugged", "cut", "OK", "OK", "unknown", &[]),
        ("restarted", "OK|RDY", "OK", "OK", "unknown", &[]),
    ] {
        let mut rig = Rig::new(Fake::new(&[]));
        rig.is(ModemState::Ready).await;
        let rig = Rig { fake: rig.fake.rule("ATD", dial, 1).rule("AT+CHUP", chup, 1).rule("ATH", ath, 1), ..rig };
        drop(rig.fake.take_told());
        let report = rig.handle.perform(&ring()).await;
        assert_eq!(how(&report), want, "{name}: {report:?}");
        let told = told(&rig.fake);
        let after: Vec<&str> = told.iter().skip(1).take(hung_up.len()).map(String::as_str).collect();
        assert!(told[0].starts_with("ATD") && after == hung_up, "{name}: {told:?}");
        let mut next = rig.send("the next one").await;
        for _ in 0..30 {
            if word(&next).starts_with("sent") {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            next = rig.send("the next one").await;
        }
        assert_eq!(word(&next), "sent 101", "{name}: {next:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_when_the_other_side_ends_it() {
    for (line, want) in [("NO CARRIER", "rang 9 s"), ("NO ANSWER", "rang 9 s"), ("BUSY", "busy")] {
        let mut rig = Rig::new(Fake::new(&[]));
        rig.is(ModemState::Ready).await;
        let (fake, call) = (rig.fake.clone(), ring());
        drop(fake.take_told());
        let (report, ()) = tokio::join!(rig.handle.perform(&call), async {
            tokio::time::sleep(Duration::from_secs(9)).await;
            fake.say(line);
        });
        assert_eq!(how(&report), want, "{line}");
        assert_eq!(told(&fake).len(), 1, "{line}: there is nothing to hang up");
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_ends_a_ring() {
    let mut rig = Rig::new(Fake::new(&[]));
    rig.is(ModemState::Ready).await;
    let call = ring();
    let (rang, texted) = tokio::join!(rig.handle.perform(&call), async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let asked = Instant::now();
        (rig.send("to somebody else").await, asked.elapsed())
    });
    assert_eq!((how(&rang).as_str(), word(&texted.0).as_str()), ("rang 5 s", "sent 101"));
    assert!(texted.1 < Duration::from_secs(1), "{:?}", texted.1);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_rung_for_longer_than_somebody_waits() {
    for stops in [true, false] {
        let mut rig = Rig::new(Fake::new(&[]));
        rig.is(ModemState::Ready).await;
        drop(rig.fake.take_told());
        let (handle, call) = (rig.handle.clone(), ring());
        let asked = tokio::spawn(async move { handle.perform(&call).await });
        tokio::time::sleep(Duration::from_secs(5)).await;
        if stops {
            rig.stop.cancel();
            assert_eq!(how(&asked.await.unwrap()), "rang 5 s");
            rig.task.await.unwrap();
        } else {
            asked.abort();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(rig.fake.take_told().last().map(String::as_str), Some("AT+CHUP"), "stops: {stops}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_an_earlier_start_left_is_hung_up() {
    let mut rig = Rig::new(Fake::new(&[]).rule("AT+CHUP", "ERROR", 1));
    rig.is(ModemState::Ready).await;
    let told = rig.fake.take_told();
    let at = |command: &str| told.iter().position(|told| told == command).unwrap();
    assert!(at("AT+CHUP") < at("ATH") && at("ATH") < at("AT+CMGF=0"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_cannot_ring_says_so_at_once() {
    let mut rig = Rig::new(Fake::new(&[]).absent(100));
    rig.is(ModemState::Absent).await;
    let asked = Instant::now();
    assert_eq!(how(&rig.handle.perform(&ring()).await), "transient");
    assert!(asked.elapsed() < Duration::from_millis(10));
    // A hung text holds the modem up: the ring is not begun late.
    let mut rig = Rig::new(Fake::new(&[">|#|zzz"]));
    rig.is(ModemState::Ready).await;
    let call = ring();
    let (_, rang) = tokio::join!(rig.send("x"), rig.handle.perform(&call));
    assert_eq!(how(&rang), "transient");
    assert!(!rig.fake.take_told().iter().any(|told| told.starts_with("ATD")));
}
