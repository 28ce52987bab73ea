//! Restarts, hangs, ports that vanish, noise, and what brings a modem back.

use super::families::OnBench;
use super::*;

async fn begun(setup: Setup) -> OnBench {
    let mut it = OnBench::new(setup);
    it.open().unwrap();
    assert_eq!(it.quick("ATE0").await, "ATE0\r|OK");
    it
}

async fn alive(it: &mut OnBench) -> bool {
    let mut alive = false;
    for _ in 0..5 {
        alive |= it.quick("AT").await.ends_with("OK");
    }
    alive
}

#[tokio::test(start_paused = true)]
async fn a_reset_by_command() {
    for family in Family::ALL {
        let name = family.name();
        let mut it = begun(Setup::family(family)).await;
        assert_eq!(it.quick("AT+CFUN=1,1").await, "OK", "{name}");
        let mut some = [0; 16];
        if family.is_usb() {
            let error = it.client.as_mut().unwrap().0.read(&mut some).await.unwrap_err();
            assert_eq!(error.raw_os_error(), Some(5), "{name}: the port is gone");
            assert_eq!(it.open().unwrap_err().kind(), io::ErrorKind::NotFound, "{name}");
            tokio::time::sleep(Duration::from_secs(9)).await;
            assert!(it.open().is_err(), "{name}: it takes its time");
            tokio::time::sleep(Duration::from_secs(9)).await;
            it.open().unwrap();
        } else {
            assert_eq!(it.quick("AT").await, "", "{name}: deaf while it starts");
            tokio::time::sleep(Duration::from_secs(4)).await;
        }
        assert!(alive(&mut it).await, "{name}");
        assert_eq!(it.quick("AT").await, "AT\r|OK", "{name}: echo is on again");
        assert_eq!((it.modem.counts().resets, it.modem.violations()), (1, vec![]), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn some_never_come_back_from_a_reset() {
    let mut it = begun(Setup::default().harmful_reset()).await;
    it.quick("AT+CFUN=1,1").await;
    it.client = None;
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert!(it.open().is_err() && it.bench.candidates().is_empty());
    it.modem.power_cycle();
    tokio::time::sleep(Duration::from_secs(13)).await;
    it.open().unwrap();
    assert!(alive(&mut it).await);
    assert_eq!(it.modem.counts().power_cycles, 1);
}

#[tokio::test(start_paused = true)]
async fn each_hang_has_its_cure() {
    for family in Family::ALL {
        for (needs, cured_by) in
            [(Cure::Reopen, "reopen"), (Cure::Radio, "radio"), (Cure::Reset, "reset"), (Cure::Power, "power")]
        {
            let name = format!("{} {needs:?}", family.name());
            let mut it = begun(Setup::family(family)).await;
            it.modem.hang(needs);
            for what in ["nothing", "reopen", "radio", "reset", "power"] {
                match what {
                    "reopen" => it.open().unwrap(),
                    "radio" => {
                        it.quick("AT+CFUN=4").await;
                        it.quick("AT+CFUN=1").await;
                    }
                    "reset" => drop(it.quick("AT+CFUN=1,1").await),
                    "power" => it.modem.power_cycle(),
                    _ => {}
                }
                if it.open().is_err() {
                    tokio::time::sleep(Duration::from_secs(20)).await;
                    it.open().unwrap();
                }
                if what == "nothing" && needs > Cure::Reopen {
                    assert!(!alive(&mut it).await, "{name}");
                }
                if what == cured_by {
                    tokio::time::sleep(Duration::from_secs(4)).await;
                    assert!(alive(&mut it).await, "{name}");
                    break;
                }
            }
            assert_eq!(it.modem.violations(), [""; 0], "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_trouble_lasts_until_its_cure() {
    let mut it = begun(Setup::default()).await;
    it.modem.trouble_until(Step::Command("AT+CMGS"), Trouble::Cms(302), Cure::Radio);
    for _ in 0..3 {
        assert_eq!(it.quick("AT+CMGS=19").await, "+CMS ERROR: 302");
    }
    assert_eq!((it.quick("AT+CFUN=4").await, it.quick("AT+CREG?").await), ("OK".into(), "+CREG: 0,0|OK".into()));
    assert_eq!(it.quick("AT+CFUN=1").await, "OK");
    it.hears(10).await;
    assert_eq!(it.quick("AT+CREG?").await, "+CREG: 0,1|OK");
    assert_eq!(it.quick("AT+CMGS=19").await, "> ");
    assert_eq!(it.modem.counts().radio_off, 1);
}

#[tokio::test(start_paused = true)]
async fn the_port_vanishes_at_each_step_and_comes_back() {
    for (step, sent) in [
        (Step::Command("AT+CMGS"), 0),
        (Step::Prompted, 0),
        (Step::PduByte, 0),
        (Step::CtrlZ, 0),
        (Step::Accepted, 1),
        (Step::Referenced, 1),
    ] {
        let mut it = begun(Setup::default()).await;
        it.modem.trouble(step, Trouble::Gone(Some(Duration::from_secs(30))));
        it.quick("AT+CMGS=19").await;
        drop(it.client.as_mut().unwrap().0.write_all(format!("{HELLO}\x1a").as_bytes()).await);
        let mut some = [0; 64];
        while it.client.as_mut().unwrap().0.read(&mut some).await.is_ok() {}
        it.client = None;
        tokio::time::sleep(Duration::from_secs(29)).await;
        assert!(it.open().is_err(), "{step:?}");
        tokio::time::sleep(Duration::from_secs(2)).await;
        it.open().unwrap();
        assert!(alive(&mut it).await, "{step:?}");
        assert_eq!((it.modem.parts_sent(), it.modem.violations()), (sent, vec![]), "{step:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_holds_a_vanished_port_is_found_out() {
    let mut it = begun(Setup::default()).await;
    it.modem.unplug().await;
    assert!(it.bench.candidates().is_empty());
    it.modem.plug().await;
    assert_eq!(it.modem.violations(), ["the port was still held when the modem came back"]);
    it.open().unwrap();
    assert_eq!(it.bench.open(Path::new("/dev/modem"), 9600).unwrap_err().kind(), io::ErrorKind::ResourceBusy);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_speed_is_noise() {
    let mut it = OnBench::new(Setup::family(Family::Sim800).speed(9600));
    for (baud, good) in [(115_200, false), (57_600, false), (9600, true)] {
        it.open_at(baud).unwrap();
        let said = it.quick("AT").await;
        assert!(!said.is_empty() && said.ends_with("OK") == good, "{baud}: {said:?}");
    }
    let mut it = OnBench::new(Setup::default().noise(300));
    it.open().unwrap();
    let greeting = it.client.as_mut().unwrap().heard_until(Duration::from_secs(1)).await;
    assert!(greeting.len() > 200, "{greeting:?}");
    assert!(it.quick("AT").await.ends_with("OK"));
}

#[tokio::test(start_paused = true)]
async fn what_a_restart_takes_away() {
    for silent in [true, false] {
        let (mut client, modem) = ready(Setup::default().last_reference(254)).await;
        client.ask("AT+CNMI=2,1,0,1,0\r").await;
        for want in ["+CMGS: 255|", "+CMGS: 0|", "+CMGS: 1|"] {
            client.ask("AT+CMGS=19\r").await;
            assert!(client.ask(&format!("{HELLO}\x1a")).await.starts_with(want));
        }
        if silent {
            modem.reset_silently();
        } else {
            modem.reboot();
        }
        assert_eq!(client.heard().await, if silent { "" } else { "RDY" });
        assert_eq!(client.ask("AT+CNMI?\r").await, "AT+CNMI?\r|+CNMI: 2,1,0,0,0|OK");
        client.ask("ATE0\r").await;
        client.ask("AT+CMGS=19\r").await;
        assert!(client.ask(&format!("{HELLO}\x1a")).await.starts_with("+CMGS: 255|"), "references start again");
        modem.lose_indications();
        assert_eq!(client.ask("AT+CNMI?\r").await, "+CNMI: 0,0,0,0,0|OK");
        modem.echo_on();
        assert_eq!(client.ask("AT\r").await, "AT\r|OK");
    }
}

#[tokio::test(start_paused = true)]
async fn a_prompt_that_somebody_left_open() {
    for (stuck, by_esc) in [(Stuck::Esc, true), (Stuck::CtrlZ, false)] {
        let (mut client, modem) = Client::of(Setup::default().stuck(stuck));
        assert_eq!(client.ask("AT\r").await, "AT\r|> ", "{stuck:?}");
        assert_eq!(client.ask("\x1b").await.contains("OK"), by_esc, "{stuck:?}");
        if !by_esc {
            assert!(client.ask("\x1a").await.ends_with("+CMS ERROR: 304"));
        }
        assert_eq!(client.ask("AT\r").await, "AT\r|OK", "{stuck:?}");
        assert_eq!((modem.parts_sent(), modem.violations()), (0, vec![]), "{stuck:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_storm_blows_through_everything() {
    let (mut client, modem) = ready(Setup::default()).await;
    modem.storm(50, Duration::from_secs(2));
    let prompt = client.quick("AT+CMGS=19\r").await;
    assert!(prompt.contains("> |"), "lines come behind the prompt: {prompt}");
    let rest = client.ask(&format!("{HELLO}\x1a")).await;
    let said = format!("{prompt}|{rest}");
    assert!(rest.contains("+CMGS: 1|OK"), "{rest}");
    assert!((120..=140).contains(&said.matches('|').count()), "100 of which 30 have two lines: {said}");
    for two_lines in ["+CDS: 25|0791", "+CMT: ,24|0791", "+CBM: 10|0010"] {
        assert!(said.contains(two_lines), "{two_lines}");
    }
    assert_eq!((modem.parts_sent(), modem.violations()), (1, vec![]));
}

#[tokio::test(start_paused = true)]
async fn stalls_end_and_lines_may_come_before_the_echo() {
    let (mut client, modem) = Client::of(Setup::default());
    modem.urc_at(Step::FirstByte, "+CIEV: 2,4");
    assert_eq!(client.ask("ATE1\r").await, "+CIEV: 2,4|ATE1\r|OK");
    modem.trouble(Step::Command("AT+CMGL"), Trouble::Stall(Duration::from_mins(20)));
    assert_eq!(client.ask("AT+CMGL=4\r").await, "AT+CMGL=4\r");
    assert_eq!(client.ask("\x1bAT\r").await, "");
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(client.ask("AT\r").await, "AT\r|OK");
    assert_eq!(modem.violations(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn please_wait() {
    let (mut client, modem) = ready(Setup::default().please_wait(Duration::from_secs(5))).await;
    for (command, want) in [
        ("AT+CMEE=1", "OK"),
        ("AT+CFUN=1", "OK"),
        ("AT+CREG?", "+CME ERROR: 515"),
        ("AT+CMGS=19", "+CME ERROR: 515"),
        ("AT", "OK"),
    ] {
        assert_eq!(client.quick(&format!("{command}\r")).await, want, "{command}");
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(client.quick("AT+CMGS=19\r").await, "> ");
    assert!(client.quick(&format!("{HELLO}\x1a")).await.starts_with("+CMGS: 1|OK"));
    assert_eq!(client.quick("AT+CMGS=19\r").await, "+CME ERROR: 515");
    assert_eq!(modem.violations(), [""; 0]);
}
