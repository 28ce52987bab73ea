//! Texts that come in and reports on those that went out: where they lie, how they are told, what is lost.

use super::*;

#[tokio::test(start_paused = true)]
async fn where_texts_come_in() {
    let flash = || Inbound::new("12345", "look").class(0);
    let on_sim = || Inbound::new("12345", "keep").class(2);
    let long = || Inbound::new("+15551230017", &"x".repeat(200));
    for (name, family, inbound, want) in [
        ("into the first memory", Family::Ec25, Inbound::new("+15551230017", "K7"), "+CMTI: \"ME\",0"),
        ("into the SIM", Family::Sim800, Inbound::new("+15551230017", "K7"), "+CMTI: \"SM\",0"),
        ("class 2 goes to the SIM", Family::Ec25, on_sim(), "+CMTI: \"SM\",0"),
        ("a flash comes at once", Family::Ec25, flash(), "+CMT: ,20|0791"),
        ("two parts", Family::Ec25, long(), "+CMTI: \"ME\",0|+CMTI: \"ME\",1"),
        ("twice", Family::Ec25, long().twice(), "+CMTI: \"ME\",0|+CMTI: \"ME\",1|+CMTI: \"ME\",2|+CMTI: \"ME\",3"),
    ] {
        let (mut client, modem) = ready(Setup::family(family)).await;
        client.ask("AT+CNMI=2,1,0,1,0\r").await;
        modem.inbound(&inbound);
        let heard = client.heard().await;
        assert!(heard.starts_with(want), "{name}: {heard}");
        assert_eq!(modem.stored().len(), want.matches("CMTI").count(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn texts_may_be_read_then_deleted_and_not_otherwise() {
    for (name, said, violations, left) in [
        ("read, then deleted", &["AT+CMGR=0", "AT+CMGD=0"][..], 0, 1),
        ("listed, then all deleted", &["AT+CMGL=4", "AT+CMGD=1,4"], 0, 0),
        ("listed, then one deleted", &["AT+CMGL=4", "AT+CMGD=1"], 0, 1),
        ("deleted unread", &["AT+CMGD=0"], 1, 1),
        ("another one read", &["AT+CMGR=1", "AT+CMGD=0"], 1, 1),
        ("all deleted, one unread", &["AT+CMGR=1", "AT+CMGD=1,4"], 2, 0),
        ("looked for in the wrong memory", &["AT+CPMS=\"SM\"", "AT+CMGD=0"], 0, 2),
    ] {
        let (mut client, modem) = ready(Setup::default()).await;
        for text in ["K7", "K8"] {
            modem.text_in("+15551230017", text);
        }
        client.heard().await;
        for command in said {
            client.ask(&format!("{command}\r")).await;
        }
        assert_eq!((modem.violations().len(), modem.stored().len()), (violations, left), "{name}");
        assert_eq!(modem.deleted().len(), 2 - left, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_lies_there_of_ours_stays_there() {
    let (mut client, modem) = ready(Setup::default()).await;
    modem.leave_drafts();
    let listed = client.ask("AT+CMGL=4\r").await;
    assert!(listed.starts_with("+CMGL: 0,3,,18|0001") && listed.contains("|+CMGL: 1,2,,17|0001"), "{listed}");
    client.ask("AT+CMGD=0\r").await;
    assert_eq!(modem.violations().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_full_memory_keeps_the_network_waiting() {
    for (family, full) in [
        (Family::Sim800, ""),
        (Family::Ec25, "+QIND: \"SMSFULL\",\"ME\""),
        (Family::Huawei, "^SMMEMFULL: \"ME\""),
        (Family::Generic, "+CIEV: 8,1"),
    ] {
        let (mut client, modem) = ready(Setup::family(family).places(3)).await;
        let quiet = Duration::from_secs(1);
        client.quick("AT+CNMI=2,1,0,0,0\r").await;
        modem.fill(0);
        let said = client.heard_until(quiet).await;
        assert_eq!(said.split('|').next(), Some(full), "{said}");
        modem.text_in("+15551230017", "K7");
        assert_eq!(client.heard_until(quiet).await, "");
        assert_eq!(modem.waiting_texts(), 1);
        assert!(client.quick("AT+CPMS?\r").await.contains("3,3"));
        client.quick("AT+CMGL=4\r").await;
        let said = client.quick("AT+CMGD=1\r").await;
        assert!(said.contains("+CMTI: "), "{}: {said}", family.name());
        assert_eq!((modem.waiting_texts(), modem.violations()), (0, vec![]));
    }
}

#[tokio::test(start_paused = true)]
async fn announcements_are_lost_or_name_another_memory() {
    let (mut client, modem) = ready(Setup::default()).await;
    modem.lose_announcements(1);
    modem.text_in("+15551230017", "K7");
    assert_eq!(client.heard().await, "");
    modem.store_in("SM");
    modem.text_in("+15551230017", "K8");
    assert_eq!(client.heard().await, "+CMTI: \"SM\",0");
    assert_eq!(modem.stored().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn texts_wait_for_a_modem_that_is_away() {
    let (mut client, modem) = ready(Setup::default()).await;
    modem.set_network(2);
    modem.text_in("+15551230017", "K7");
    assert_eq!((client.heard().await.as_str(), modem.stored().len()), ("", 0));
    modem.set_network(1);
    assert_eq!(client.heard().await, "+CMTI: \"ME\",0");
}

#[tokio::test(start_paused = true)]
async fn what_is_handed_over_must_be_acknowledged_if_that_was_asked_for() {
    let (mut client, modem) = ready(Setup::default()).await;
    client.ask("AT+CSMS=1\r").await;
    client.ask("AT+CNMI=2,2,0,1,0\r").await;
    for acknowledge in [true, false] {
        modem.text_in("+15551230017", "K7");
        assert!(client.quick("AT\r").await.contains("+CMT:"));
        if acknowledge {
            assert_eq!(client.quick("AT+CNMA\r").await, "OK");
            assert_eq!(client.quick("AT+CNMA\r").await, "+CMS ERROR: 340");
        }
        tokio::time::sleep(Duration::from_secs(16)).await;
        let want = if acknowledge { "+CNMI: 2,2,0,1,0|OK" } else { "+CNMI: 2,0,0,0,0|OK" };
        assert_eq!(client.quick("AT+CNMI?\r").await, want);
    }
}

#[tokio::test(start_paused = true)]
async fn reports_as_networks_give_them() {
    let of = |change: fn(&mut Reports)| {
        let mut reports = Reports::default();
        change(&mut reports);
        reports
    };
    let report = "+CDS: 25|07912180551500F006010B915155214365F7";
    for (name, reports, want) in [
        ("usual", Reports::default(), vec!["+CMGS: 1|OK|", report]),
        ("early", of(|it| it.early = true), vec![report, "+CMGS: 1|OK"]),
        ("twice", of(|it| it.times = 2), vec!["+CMGS: 1|OK|", report, report]),
        ("temporary, then final", of(|it| it.statuses = vec![0x20, 0]), vec!["OK|", report, "20|", report, "00"]),
        ("failed", of(|it| it.statuses = vec![0x46]), vec![report, "46"]),
        ("national", of(|it| it.national = true), vec!["+CDS: 24|07912180551500F006010AA15515325476"]),
        ("more behind", of(|it| it.trailing = true), vec!["+CDS: 28|", "0000FFFF"]),
        ("none", of(|it| it.statuses.clear()), vec!["+CMGS: 1|OK"]),
    ] {
        let (mut client, _modem) = ready(Setup::default().reports(reports)).await;
        client.ask("AT+CNMI=2,1,0,1,0\r").await;
        client.ask("AT+CMGS=19\r").await;
        let heard = client.ask(&format!("{HELLO}\x1a")).await;
        let mut rest = heard.as_str();
        for want in &want {
            let (_, after) = rest.split_once(want).unwrap_or_else(|| panic!("{name}: no {want:?} in {heard}"));
            rest = after;
        }
        assert_eq!(heard.matches("+CDS").count(), want.iter().filter(|part| part.contains("+CDS")).count(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn some_stored_reports_are_only_in_the_list() {
    let (mut client, _modem) = ready(Setup::default().unreadable_reports()).await;
    client.ask("AT+CNMI=2,1,0,2,0\r").await;
    client.ask("AT+CMGS=19\r").await;
    assert!(client.ask(&format!("{HELLO}\x1a")).await.ends_with("+CDSI: \"SR\",0"));
    client.ask("AT+CPMS=\"SR\"\r").await;
    assert_eq!(client.ask("AT+CMGR=0\r").await, "+CMS ERROR: 321");
    assert!(client.ask("AT+CMGL=4\r").await.starts_with("+CMGL: 0,0,,25|0791"));
}
