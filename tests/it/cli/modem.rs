//! `nightdesk modem …`: through a desk that runs, and on the port of a simulated modem.
//!
//! What the desk says is a stand-in's, so that every answer can be had; `port` has the real driver and the real desk.

mod port;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use nightdesk::control::{Request, Response, Sent, new_text};
use nightdesk::model::{Fate, Fault, Identity, ModemInfo, ModemState, Phone, Spent, Tally, TextKey, Timestamp};
use rustix::process::{Pid, Signal, kill_process};

use super::looks::beside_a_desk;
use super::scene::Scene;
use super::{Said, golden};

/// Two modems that aren't there: only their desk knows them.
const TWO: &str = "[modem.modem0]\nport = \"/nowhere/modem0\"\n[modem.spare]\nport = \"/nowhere/spare\"\n";
const TO: &str = "+15551234567";

/// What the stand-in's desk says of its modems: one is well, one is not.
pub(super) fn modems() -> Vec<ModemInfo> {
    let well = ModemInfo {
        name: "modem0".into(),
        port: Some("/dev/nightdesk-modem".into()),
        state: ModemState::Ready,
        since: "2026-11-23T02:00:07.000Z".parse().unwrap(),
        reason: None,
        cure: None,
        next: None,
        identity: Identity {
            make: Some("Quectel".into()),
            model: Some("EC25".into()),
            firmware: Some("EC25EFAR06A03M4G".into()),
            imei: Some("867698041234567".into()),
            iccid: Some("89490200001234567890".into()),
        },
        operator: Some("Telekom.de\u{1b}[2J".into()),
        registration: Some("registered at home".into()),
        signal_dbm: Some(-71),
        centre: Some("+491710760000".into()),
        storage: Some((3, 50)),
        reports: Some(true),
        report_seen: true,
        spent: Spent { hour: 3, day: 12, per_hour: 20, per_day: 100 },
        opened: 1,
        texts: Tally { sent: 5, failed: 0, unknown: 1 },
    };
    let lost = ModemInfo {
        name: "spare".into(),
        port: None,
        state: ModemState::Searching,
        reason: Some("the modem is refused by the network".into()),
        cure: Some("ask the operator whether the SIM is active and paid for".into()),
        next: Some("another look in 2 s".into()),
        identity: Identity::default(),
        operator: None,
        registration: None,
        signal_dbm: None,
        centre: None,
        storage: None,
        reports: None,
        report_seen: false,
        opened: 4,
        texts: Tally::default(),
        ..well.clone()
    };
    vec![well, lost]
}

pub(super) fn info_of(name: &str) -> Response {
    let known = modems().into_iter().find(|modem| modem.name == name);
    known.map_or_else(
        || Response::Refused { reason: format!("there is no [modem.{name}]") },
        |info| Response::Modem(Box::new(info)),
    )
}

/// The text says what becomes of it.
pub(super) fn sent(to: &Phone, text: &str) -> Response {
    assert_eq!(to.as_str(), TO);
    let failed = |fault| Sent::Failed { fault, reason: "the modem says no".into(), cure: Some("say please".into()) };
    let taken = |delivered| {
        let generation = FATES.iter().position(|(name, _)| *name == text).unwrap_or(FATES.len());
        let key = TextKey { generation: u32::try_from(generation).unwrap(), ..new_text(Timestamp::from_millis(0)) };
        Sent::Taken { text: key, reference: "7,8".into(), parts: 2, delivered }
    };
    Response::Text(match text {
        "permanent" => failed(Fault::Permanent),
        "transient" => failed(Fault::Transient),
        "unknown" => failed(Fault::Unknown),
        other => taken(other == "at once"),
    })
}

/// Texts on which there is a report.
const FATES: [(&str, Fate); 3] =
    [("delivered", Fate::Delivered), ("gave up", Fate::GaveUp), ("trying", Fate::StillTrying)];

pub(super) fn fate_of(text: TextKey) -> Response {
    Response::Fate { fate: FATES.get(usize::try_from(text.generation).unwrap()).map(|(_, fate)| *fate) }
}

#[test]
fn a_modem_is_shown_as_its_desk_knows_it() {
    let scene = Scene::new(TWO);
    let asked = beside_a_desk(&scene, || {
        let well = scene.say(&["modem", "info", "modem0"]);
        assert_eq!((well.code, well.err.as_str()), (0, ""), "{well:?}");
        golden("modem-info.txt", &well.out);
        let json = scene.say(&["modem", "info", "modem0", "--json"]).json();
        assert_eq!((&json["state"], &json["bars"], &json["signal_dbm"]), (&"ready".into(), &4.into(), &(-71).into()));

        let lost = scene.say(&["modem", "info", "spare"]);
        assert_eq!(lost.code, 69, "{lost:?}");
        golden("modem-info-searching.txt", &lost.out);
        assert!(lost.err.contains("spare is searching: the modem is refused"), "{lost:?}");
    });
    assert!(asked.iter().all(|request| matches!(request, Request::ModemInfo { .. })), "{asked:?}");
}

#[test]
fn which_modem_is_meant() {
    let one = Scene::new("[modem.only]\nport = \"/nowhere/modem\"\n");
    let (two, none) = (Scene::new(TWO), Scene::new(""));
    for command in ["info", "reset", "watch"] {
        for (name, scene, modem, code, said) in [
            ("several", &two, &[] as &[&str], 64, "say which modem: there are modem0, spare"),
            ("none", &none, &[], 66, "no modem is configured"),
            ("another", &two, &["modem9"], 66, "there is no [modem.modem9]"),
            ("both ways", &two, &["modem0", "--port", "/dev/null"], 64, "cannot be used with"),
            ("no such port", &none, &["--port", "/nowhere/modem"], 66, "/nowhere/modem isn't there"),
            ("no port", &none, &["--port", "/etc/hostname"], 66, "/etc/hostname is no serial port"),
        ] {
            let got = scene.say(&[&["modem", command], modem].concat());
            assert_eq!((got.code, got.out.as_str()), (code, ""), "{command}, {name}: {got:?}");
            assert!(got.err.contains(said), "{command}, {name}: {got:?}");
        }
    }
    let absent = one.say(&["modem", "info"]);
    assert_eq!(absent.code, 69, "{absent:?}");
    assert!(absent.out.contains("state         absent since"), "{absent:?}");
    let unknown = Scene::new("[modem.modem9]\nport = \"/nowhere/modem\"\n");
    beside_a_desk(&unknown, || {
        let got = unknown.say(&["modem", "info"]);
        assert_eq!(got.code, 65, "{got:?}");
        assert!(got.err.contains("the desk refuses: there is no [modem.modem9]"), "{got:?}");
    });
}

#[test]
fn a_text_by_hand_ends_as_the_network_says() {
    let scene = Scene::new(TWO);
    beside_a_desk(&scene, || {
        for (text, code, said) in [
            ("delivered", 0, "sent to +15551234567 by modem0: 2 parts, reference 7,8\ndelivered: the phone has it\n"),
            ("at once", 0, "2 parts, reference 7,8\ndelivered: the phone has it\n"),
            ("trying", 0, "not delivered yet: the network goes on trying\n"),
            ("no word", 0, "no delivery report within 1ms; many networks send none\n"),
            ("gave up", 69, "not delivered: failed-temporary-gave-up\n"),
            ("permanent", 65, "the text was not sent: the modem says no. What to do: say please"),
            ("transient", 69, "the text was not sent: the modem says no"),
            ("unknown", 76, "nobody can tell whether the text was sent: the modem says no"),
        ] {
            let send = ["modem", "send", "modem0", "--to", TO, "--wait", "1ms"];
            let got = scene.say(&[&send as &[&str], &["--", text]].concat());
            assert_eq!(got.code, code, "{text}: {got:?}");
            assert!(got.out.ends_with(said) || got.err.contains(said), "{text}: {got:?}");
            let json = scene.say(&[&send as &[&str], &["--json", "--", text]].concat());
            assert_eq!((json.code, json.out.lines().count()), (code, 1), "{text}: {json:?}");
            assert!(json.json()["outcome"].is_string(), "{text}: {json:?}");
        }
        let json = scene.say(&["modem", "send", "modem0", "--to", TO, "--json", "--", "delivered"]).json();
        assert_eq!((&json["fate"], &json["parts"]), (&"delivered".into(), &2.into()), "{json}");
        let lost = scene.say(&["modem", "send", "spare", "--to", TO, "--", "delivered"]);
        assert_eq!((lost.code, lost.out.as_str()), (69, ""), "{lost:?}");
        assert!(lost.err.contains("spare is searching"), "{lost:?}");
    });
}

#[test]
fn what_can_not_be_a_text_is_not_handed_on() {
    let scene = Scene::new(TWO);
    let long = "x".repeat(153 * 300);
    let asked = beside_a_desk(&scene, || {
        for (to, text, code, said) in [
            ("Dana", "x", 64, "not an E.164 number"),
            ("15551234567", "x", 64, "not an E.164 number"),
            ("+1 555", "x", 64, "not an E.164 number"),
            ("+15551234567\r", "x", 64, "not an E.164 number"),
            (TO, "", 65, "the text is empty"),
            (TO, "a\u{1a}AT+CFUN=1,1", 65, "character 2 of the text is a control character (\\u{1a})"),
            (TO, "\u{1b}[2J", 65, "character 1 of the text is a control character (\\u{1b})"),
            (TO, long.as_str(), 65, "the text takes 300 parts"),
        ] {
            let got = scene.say(&["modem", "send", "modem0", "--to", to, "--", text]);
            assert_eq!((got.code, got.out.as_str()), (code, ""), "{to} {text:.20}: {got:?}");
            assert!(got.err.contains(said) && !got.err.contains('\u{1b}'), "{to} {text:.20}: {got:?}");
        }
        assert_eq!(scene.say(&["modem", "send", "modem0", "--to", TO, "x"]).code, 64, "a text follows --");
    });
    assert_eq!(asked, []);
}

#[test]
fn a_modem_is_reset_by_its_desk() {
    let scene = Scene::new(TWO);
    let asked = beside_a_desk(&scene, || {
        let got = scene.say(&["modem", "reset", "spare"]);
        assert_eq!((got.code, got.err.as_str()), (0, ""), "{got:?}");
        assert!(got.out.starts_with("spare starts anew"), "{got:?}");
        assert_eq!(scene.say(&["modem", "reset", "spare", "--json"]).json()["reset"], true);
    });
    assert!(asked.contains(&Request::ModemReset { modem: "spare".into() }), "{asked:?}");
}

#[test]
fn a_modem_is_followed_until_ctrl_c() {
    let scene = Scene::new(TWO);
    beside_a_desk(&scene, || {
        let mut command = scene.command(&["modem", "watch", "spare"]);
        let mut watch = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines().map(Result::unwrap);
        for said in [
            "modem spare",
            "searching: the modem is refused by the network",
            "what to do: ask the operator",
            "next: another look in 2 s",
        ] {
            let line = lines.next().unwrap();
            assert!(line.contains(&format!("  {said}")), "{line}");
        }
        kill_process(Pid::from_child(&watch), Signal::INT).unwrap();
        let end = Said::of(watch.wait_with_output().unwrap());
        assert_eq!((end.code, end.err.as_str()), (0, ""), "{end:?}");
    });
}

#[test]
fn a_doctor_asks_the_desk_about_its_modems() {
    let scene = Scene::new(TWO);
    beside_a_desk(&scene, || {
        let got = scene.say(&["modem", "doctor"]);
        assert_eq!(got.code, 69, "{got:?}");
        for said in [
            "problem: modem modem0: /nowhere/modem0 isn't there",
            "problem: modem spare: the modem is refused by the network; next: another look in 2 s. What to do: ask",
            "ok: modem modem0: Quectel EC25, ready",
        ] {
            assert!(got.out.contains(said), "{said}: {got:?}");
        }
        let one = scene.say(&["modem", "doctor", "spare", "--json"]).json();
        let areas: Vec<&str> =
            one["findings"].as_array().unwrap().iter().map(|finding| finding["area"].as_str().unwrap()).collect();
        assert!(areas.contains(&"modem spare") && !areas.contains(&"modem modem0"), "{areas:?}");
    });
}
