//! Sends whose verdict was lost, and what status reports make of them.

use super::fake::report;
use super::*;

/// Sends a text whose verdict never comes, lets the modem say `news`, and looks up what became of it.
async fn lost(fake: Fake, news: &[String]) -> (Rig, String) {
    let mut rig = Rig::new(fake);
    rig.is(ModemState::Ready).await;
    let mut work = work("URGENT lead K7", Duration::from_secs(20));
    let since = Timestamp::now();
    assert_eq!(word(&rig.handle.perform(&work).await), "unknown");
    for line in news {
        rig.fake.say(line);
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    work.look_up_since = Some(since);
    let found = word(&rig.handle.perform(&work).await);
    (rig, found)
}

fn cds(reference: u8, status: u8) -> Vec<String> {
    vec!["+CDS: 25".into(), report(reference, status)]
}

#[tokio::test(start_paused = true)]
async fn a_report_resolves_a_lost_verdict() {
    for (name, news, want) in [
        ("no report", vec![], "unsure"),
        ("delivered", cds(71, 0x00), "delivered 71"),
        ("forwarded", cds(71, 0x01), "delivered 71"),
        ("the network has it", cds(71, 0x21), "sent 71"),
        ("failed for good", cds(71, 0x41), "permanent"),
        ("given up", cds(71, 0x61), "absent"),
        ("reserved status", cds(71, 0x81), "unsure"),
        ("unreadable", vec!["+CDS: 25".into(), "0006".into()], "unsure"),
        ("the verdict itself, late", vec!["+CMGS: 71".into(), "OK".into()], "sent 71"),
    ] {
        let (_rig, found) = lost(Fake::new(&[">|#|zzz"]), &news).await;
        assert_eq!(found, want, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_that_was_refused_is_not_waited_for() {
    let mut rig = Rig::new(Fake::new(&[">|#|+CMS ERROR: 38", "zzz", ">|#|zzz"]));
    rig.is(ModemState::Ready).await;
    assert_eq!(word(&rig.send("refused").await), "transient");
    assert_eq!(word(&rig.send("no prompt").await), "transient");
    let mut work = work("URGENT lead K7", Duration::from_secs(20));
    let since = Timestamp::now();
    assert_eq!(word(&rig.handle.perform(&work).await), "unknown");
    for line in cds(71, 0x00) {
        rig.fake.say(&line);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    work.look_up_since = Some(since);
    assert_eq!(word(&rig.handle.perform(&work).await), "delivered 71", "the report can only mean the last one");
}

#[tokio::test(start_paused = true)]
async fn a_stored_report_is_fetched_and_deleted() {
    let stored = format!("+CMGR: 0,,25|{}|OK", report(71, 0x00));
    let fake = Fake::new(&[">|#|zzz"]).rule("AT+CNMI=2,1,0,1,0", "ERROR", 9).rule("AT+CMGR=8", &stored, 1);
    let (rig, found) = lost(fake, &["+CDSI: \"SR\",8".into()]).await;
    assert_eq!(found, "delivered 71");
    let told = rig.fake.take_told();
    let fetch = told.iter().position(|line| line == "AT+CMGR=8").unwrap().saturating_sub(1);
    let memory = "AT+CPMS=\"ME\",\"ME\",\"ME\"";
    assert_eq!(&told[fetch..fetch + 4], ["AT+CPMS=\"SR\"", "AT+CMGR=8", "AT+CMGD=8", memory]);
}

#[tokio::test(start_paused = true)]
async fn a_report_that_came_before_the_reference_counts() {
    let mut rig = Rig::new(Fake::new(&[&format!(">|#|+CDS: 25|{}|+CMGS: 71|OK", report(71, 0x00))]));
    rig.is(ModemState::Ready).await;
    let mut work = work("URGENT lead K7", Duration::from_secs(20));
    let since = Timestamp::now();
    assert_eq!(word(&rig.handle.perform(&work).await), "sent 71");
    work.look_up_since = Some(since);
    assert_eq!(word(&rig.handle.perform(&work).await), "delivered 71");
}

#[tokio::test(start_paused = true)]
async fn a_look_up_needs_no_modem() {
    let mut rig = Rig::new(Fake::new(&[]).absent(usize::MAX));
    rig.is(ModemState::Absent).await;
    let mut work = work("URGENT lead K7", Duration::from_secs(20));
    work.look_up_since = Some(Timestamp::now());
    assert_eq!(word(&rig.handle.perform(&work).await), "unsure");
}
