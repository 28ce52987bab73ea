//! Dialogues with modems in every mood: what becomes of a text, how often it was written, and that the next one goes out.

use super::*;

/// A text of one part.
const SHORT: &str = "URGENT lead K7";

#[tokio::test(start_paused = true)]
async fn every_dialogue_ends_in_its_class_and_the_next_text_goes_out() {
    for (name, script, want, written) in [
        ("plain", ">|#|+CMGS: 7|OK", "sent 7", 1),
        ("unsolicited line before the prompt", "+CMTI: \"SM\",1|>|#|+CMGS: 7|OK", "sent 7", 1),
        ("unsolicited line between prompt and PDU", ">|^RSSI:17|#|+CMGS: 7|OK", "sent 7", 1),
        ("report before the reference", ">|#|+CDS: 25|0006|+CMGS: 7|OK", "sent 7", 1),
        ("garbage lines", "\u{1}\u{2}%&/|=(]|>|#|~~~~|+CMGS: 7|OK", "sent 7", 1),
        ("OK never comes", ">|#|+CMGS: 7|zzz", "sent 7", 1),
        ("no prompt", "zzz", "transient", 0),
        ("prompt, then deaf", ">|#|…", "unknown", 1),
        ("silent after Ctrl-Z", ">|#|zzz", "unknown", 1),
        ("talks without end instead of the prompt", "flood", "transient", 0),
        ("talks without end after Ctrl-Z", ">|#|flood", "unknown", 1),
        ("38 instead of the prompt", "+CMS ERROR: 38", "transient", 0),
        ("500 instead of the prompt", "+CMS ERROR: 500", "transient", 0),
        ("330 instead of the prompt", "+CMS ERROR: 330", "auth", 0),
        ("38 from the network", ">|#|+CMS ERROR: 38", "transient", 1),
        ("500 from the network", ">|#|+CMS ERROR: 500", "unknown", 1),
        ("330 from the network", ">|#|+CMS ERROR: 330", "auth", 1),
        ("28 from the network", ">|#|+CMS ERROR: 28", "permanent", 1),
        ("ERROR from the network", ">|#|ERROR", "unknown", 1),
        ("unplugged at the command", "cut", "transient", 0),
        ("unplugged at the prompt", ">|cut", "transient", 0),
        ("unplugged after Ctrl-Z", ">|#|cut", "unknown", 1),
        ("unplugged after the reference", ">|#|+CMGS: 7|cut", "sent 7", 1),
        ("restarted before the prompt", "RDY|zzz", "transient", 0),
        ("restarted after Ctrl-Z", ">|#|RDY", "unknown", 1),
    ] {
        let mut rig = Rig::new(Fake::new(&[script]));
        rig.is(ModemState::Ready).await;
        drop(rig.fake.take_told());
        let report = rig.send(SHORT).await;
        assert_eq!(word(&report), want, "{name}: {report:?}");
        let told = rig.fake.take_told();
        assert_eq!(told.iter().filter(|line| line.starts_with("0031")).count(), written, "{name}: {told:?}");
        // Whatever it was, the modem comes back, and nothing of it is left over.
        let mut next = rig.send("the next one").await;
        for _ in 0..60 {
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
async fn a_warm_modem_gets_the_text_in_one_round_trip() {
    let mut rig = Rig::new(Fake::new(&[]));
    rig.is(ModemState::Ready).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    drop(rig.fake.take_told());
    let report = rig.send(SHORT).await;
    let told = rig.fake.take_told();
    let [command, text] = told.as_slice() else { panic!("{told:?}") };
    let Ok(pdu::Pdu::Submit(sent)) = pdu::decode(text) else { panic!("{text}") };
    assert_eq!((sent.number.as_str(), sent.body.text.as_str(), sent.status_report), (DANA, SHORT, true));
    assert_eq!(command, "AT+CMGS=27");
    assert_eq!(report.trace.request, Some(format!("AT+CMGS=27\n{text}<Ctrl-Z>")));
    assert_eq!(report.trace.response.as_deref(), Some(">\n+CMGS: 101\nOK"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_traced_with_its_number() {
    let mut rig = Rig::new(Fake::new(&[">|#|+CMS ERROR: 38"]));
    rig.is(ModemState::Ready).await;
    let report = rig.send(SHORT).await;
    assert_eq!(report.trace.status, Some(38));
    let Outcome::Failed(failure) = report.outcome else { panic!() };
    assert_eq!(failure.reason, "the modem says +CMS ERROR 38: network out of order");
}

#[tokio::test(start_paused = true)]
async fn echo_that_cannot_be_switched_off_is_tolerated() {
    let mut rig = Rig::new(Fake::new(&[]).rule("ATE0", "OK", usize::MAX));
    rig.is(ModemState::Ready).await;
    assert_eq!(word(&rig.send(SHORT).await), "sent 101");
    assert_eq!(word(&rig.send(SHORT).await), "sent 102");
}

#[tokio::test(start_paused = true)]
async fn a_long_text_goes_on_at_the_part_that_failed() {
    let mut rig = Rig::new(Fake::new(&[">|#|+CMGS: 1|OK", ">|#|+CMS ERROR: 42"]));
    rig.is(ModemState::Ready).await;
    drop(rig.fake.take_told());
    let work = work(&"abcdefghij".repeat(30), Duration::from_secs(90));
    let report = rig.handle.perform(&work).await;
    let Outcome::Failed(failure) = &report.outcome else { panic!("{report:?}") };
    assert_eq!(failure.fault, Fault::Transient);
    assert!(failure.reason.starts_with("part 2 of 2, after 1 accepted: "), "{}", failure.reason);
    let header = |told: &[String]| -> Vec<String> {
        let pdus = told.iter().filter(|line| line.starts_with("0071"));
        pdus.map(|pdu| pdu.get(30..42).unwrap().to_owned()).collect()
    };
    let first = header(&rig.fake.take_told());
    assert_eq!(word(&rig.handle.perform(&work).await), "sent 1,101");
    let second = header(&rig.fake.take_told());
    assert_eq!((first.len(), &second[..]), (2, &first[1..]), "only part 2, with the same reference");
}

#[tokio::test(start_paused = true)]
async fn a_lost_service_centre_is_set_again_if_it_is_configured() {
    let mut rig = Rig::with(Fake::new(&["+CMS ERROR: 330"]), |settings| settings.smsc = Some("+12085551000".into()));
    rig.is(ModemState::Ready).await;
    drop(rig.fake.take_told());
    assert_eq!(word(&rig.send(SHORT).await), "sent 101");
    let told = rig.fake.take_told();
    let send = told.iter().position(|line| line == "AT+CMGS=27").unwrap();
    assert_eq!(told[send + 1], "AT+CSCA=\"+12085551000\",145", "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_text_is_refused_at_once_while_the_modem_is_away() {
    let mut rig = Rig::new(Fake::new(&[]).absent(5));
    let status = rig.is(ModemState::Absent).await;
    assert!(status.reason.unwrap().contains("/dev/serial/by-id/test") && status.cure.is_some());
    let asked = Instant::now();
    assert_eq!(word(&rig.send(SHORT).await), "transient");
    assert!(asked.elapsed() < Duration::from_millis(10));
    rig.is(ModemState::Ready).await;
    assert_eq!(rig.fake.opened(), 6, "the port was looked for each second");
    assert_eq!(word(&rig.send(SHORT).await), "sent 101");
}

#[tokio::test(start_paused = true)]
async fn a_text_waits_while_the_modem_is_made_ready() {
    let rig = Rig::new(Fake::new(&[]));
    assert_eq!(word(&rig.send(SHORT).await), "sent 101");
}

#[tokio::test(start_paused = true)]
async fn a_locked_sim_waits_for_a_person() {
    let mut rig = Rig::new(Fake::new(&[]).rule("AT+CPIN?", "+CPIN: SIM PIN|OK", 3));
    let status = rig.is(ModemState::SimLocked).await;
    assert_eq!(status.reason.as_deref(), Some("the SIM is locked: it says SIM PIN"));
    let report = rig.send(SHORT).await;
    assert_eq!(word(&report), "auth");
    rig.is(ModemState::Ready).await;
    assert!(!rig.fake.take_told().iter().any(|line| line.starts_with("AT+CPIN=")), "no PIN is ever entered");
}

#[tokio::test(start_paused = true)]
async fn without_a_network_texts_are_refused_until_it_is_back() {
    let mut rig = Rig::new(Fake::new(&[]).rule("AT+CREG?", "+CREG: 1,2|OK", 1).rule("AT+CEREG?", "ERROR", 1));
    let status = rig.is(ModemState::Searching).await;
    assert_eq!(status.reason.as_deref(), Some("the modem is looking for a network"));
    assert_eq!(word(&rig.send(SHORT).await), "transient");
    rig.fake.say("+CREG: 1");
    let asked = Instant::now();
    let status = rig.is(ModemState::Ready).await;
    assert!(asked.elapsed() < Duration::from_millis(300), "the news is followed at once");
    assert_eq!(status.signal_dbm, Some(-71));
    assert_eq!(word(&rig.send(SHORT).await), "sent 101");
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_restarts_is_initialised_again() {
    for news in ["RDY", "^BOOT:20952548,0,0,0,72", "+CFUN: 1", "+QIND: SMS DONE", "AT+STRANGE"] {
        let mut rig = Rig::new(Fake::new(&[]));
        rig.is(ModemState::Ready).await;
        drop(rig.fake.take_told());
        rig.fake.say(news);
        rig.is(ModemState::Initialising).await;
        rig.is(ModemState::Ready).await;
        assert!(rig.fake.take_told().contains(&"AT+CMGF=0".to_owned()), "{news}");
        assert_eq!(word(&rig.send(SHORT).await), "sent 101", "{news}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_hangs_while_idle_is_opened_again() {
    let mut rig = Rig::new(Fake::new(&[]).rule("AT+CREG?", "+CREG: 1,1|OK", 1).rule("AT+CREG?", "…", 1));
    rig.is(ModemState::Ready).await;
    rig.is(ModemState::Recovering).await;
    rig.is(ModemState::Ready).await;
    assert_eq!(rig.fake.opened(), 2);
    assert_eq!(word(&rig.send(SHORT).await), "sent 101");
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_vanishes_while_idle_is_noticed_at_once() {
    let mut rig = Rig::new(Fake::new(&[]).rule("AT+CSQ", "+CSQ: 9,99|OK", 1).rule("AT+CSQ", "cut", 1));
    rig.is(ModemState::Ready).await;
    rig.is(ModemState::Absent).await;
    rig.is(ModemState::Ready).await;
    assert_eq!(word(&rig.send(SHORT).await), "sent 101");
}

#[tokio::test(start_paused = true)]
async fn deadlines_are_kept() {
    // One text hangs after Ctrl-Z; a second one waits behind it and its time runs out.
    let mut rig = Rig::new(Fake::new(&[">|#|zzz"]));
    rig.is(ModemState::Ready).await;
    let (first, second) = (work("first", Duration::from_secs(30)), work("second", Duration::from_secs(10)));
    let asked = Instant::now();
    let (first, second) = tokio::join!(async { (rig.handle.perform(&first).await, asked.elapsed()) }, async {
        (rig.handle.perform(&second).await, asked.elapsed())
    },);
    assert_eq!((word(&first.0), word(&second.0)), ("unknown".into(), "transient".into()));
    assert!(first.1 <= Duration::from_secs(30) && second.1 <= Duration::from_secs(10), "{first:?} {second:?}");
    assert_eq!(rig.fake.take_told().iter().filter(|line| line.starts_with("AT+CMGS")).count(), 1, "never begun");
    // A prompt that doesn't come: nothing was sent, the prompt is left, and the modem works on.
    rig.fake.next_send("zzz");
    let late = work("late", Duration::from_secs(3));
    let asked = Instant::now();
    assert_eq!(word(&rig.handle.perform(&late).await), "transient");
    assert!(asked.elapsed() <= Duration::from_secs(3));
    rig.is(ModemState::Initialising).await;
    rig.is(ModemState::Ready).await;
    assert!(rig.fake.take_told().contains(&"ESC".to_owned()));
    assert_eq!(word(&rig.send(SHORT).await), "sent 101");
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_may_still_be_busy_is_woken_before_the_next_text() {
    for (news, want) in [("^RSSI:9", true), ("+CMGS: 7|OK", false)] {
        let mut rig = Rig::new(Fake::new(&[">|#|zzz"]));
        rig.is(ModemState::Ready).await;
        assert_eq!(word(&rig.send(SHORT).await), "unknown");
        drop(rig.fake.take_told());
        news.split('|').for_each(|line| rig.fake.say(line));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(rig.fake.take_told().is_empty(), "it is left in peace");
        assert_eq!(word(&rig.send(SHORT).await), "sent 101");
        assert_eq!(rig.fake.take_told()[0] == "ESC", want, "{news}");
    }
}

/// Modems with random moods: whatever they do, a text that the network has is never called unsent, one that it
/// doesn't have is never called sent, and every try ends in time.
#[tokio::test(start_paused = true)]
async fn no_mood_makes_a_sent_text_look_unsent() {
    const NOISE: [&str; 7] = ["^RSSI:9", "RING", "NO CARRIER", "+CREG: 1", "+CMTI: \"SM\",1", "\u{1}?", "OK"];
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..400 {
        let mut script = Vec::new();
        let noise = |script: &mut Vec<&str>, random: &mut fastrand::Rng| {
            while random.u8(..) < 90 {
                script.push(NOISE[random.usize(..NOISE.len())]);
            }
        };
        noise(&mut script, &mut random);
        let prompt = random.u8(..) < 220;
        script.extend(prompt.then_some(">"));
        let mut has_it = false;
        if prompt {
            script.push("#");
            noise(&mut script, &mut random);
            has_it = random.bool();
            script.push(match (has_it, random.u8(..4)) {
                (true, 0 | 1) => "+CMGS: 7",
                (true, 2) => "+CMS ERROR: 500",
                (false, 0) => "+CMS ERROR: 38",
                (false, 1) => "+CMS ERROR: 21",
                _ => "zzz",
            });
        }
        script.push(["OK", "zzz", "cut", "…", "ERROR"][random.usize(..5)]);
        let script = script.join("|");
        let mut rig = Rig::new(Fake::new(&[&script]));
        rig.is(ModemState::Ready).await;
        let asked = Instant::now();
        let report = rig.send("text").await;
        assert!(asked.elapsed() <= Duration::from_secs(90), "{round} {script}");
        let got = word(&report);
        let fits = match got.as_str() {
            "unknown" => true,
            "transient" | "permanent" => !has_it,
            _ => got == "sent 7" && has_it,
        };
        assert!(fits, "round {round}: {script} became {got}");
    }
}
