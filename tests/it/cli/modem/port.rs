//! The same on a real port: the driver, the desk that runs, and whoever else has the port.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::Stdio;

use nightdesk::demo::sim::Modem;
use nightdesk::demo::sim::modem::{Family, Setup, Step, Trouble};
use nightdesk::store::Store;
use rustix::process::{Pid, Signal, kill_process};
use tokio::runtime::Runtime;

use super::super::daemon::Running;
use super::super::scene::Scene;
use super::super::{Said, nightdesk};

/// Waits that only a real modem needs.
const QUICK: &str = "timings.part-gap = \"1ms\"\ntimings.late-verdict = \"100ms\"\n";

/// A box with a modem, which is configured.
struct Bench {
    scene: Scene,
    modem: Modem,
    port: String,
    /// The modem's.
    runtime: Runtime,
}

impl Bench {
    fn with(setup: Setup) -> Self {
        let scene = Scene::new("");
        let port = scene.folder.path().join("modem");
        let text = std::fs::read_to_string(scene.config()).unwrap();
        let table = format!("[modem.modem0]\nport = \"{}\"\n{QUICK}", port.display());
        std::fs::write(scene.config(), text + &table).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let modem = {
            let _inside = runtime.enter();
            setup.spawn(&port).unwrap()
        };
        Self { scene, modem, port: port.to_str().unwrap().to_owned(), runtime }
    }

    fn say(&self, args: &[&str]) -> Said {
        self.scene.say(&[&["modem"], args].concat())
    }

    /// How often this command came.
    fn count(&self, command: &str) -> usize {
        self.modem.commands().iter().filter(|line| line.starts_with(command)).count()
    }

    /// Its line in the list.
    fn listed(&self) -> serde_json::Value {
        let list = self.say(&["list", "--json"]).json();
        let row = list.as_array().unwrap().iter().find(|row| row["modem"] == "modem0");
        row.unwrap_or_else(|| panic!("{list}")).clone()
    }

    /// The client did nothing that a modem would choke on.
    fn was_used_well(&self) {
        assert_eq!(self.modem.violations(), [] as [String; 0]);
    }
}

#[test]
fn a_modem_is_shown_with_and_without_a_desk() {
    let bench = Bench::with(Setup::default());
    for way in [&["info"] as &[&str], &["info", "modem0"], &["info", "--port", &bench.port]] {
        let got = bench.say(way);
        assert_eq!((got.code, got.err.as_str()), (0, ""), "{way:?}: {got:?}");
        assert!(got.out.contains("\nstate         ready since "), "{way:?}: {got:?}");
        assert!(got.out.contains(" bars\n") && got.out.contains(" of 50 places\n"), "{way:?}: {got:?}");
    }
    let desk = Running::on(&bench.scene);
    let opened = bench.count("ATE0");
    for way in [&["info", "--json"] as &[&str], &["info", "--port", &bench.port, "--json"]] {
        let got = bench.say(way).json();
        assert_eq!(got["name"], "modem0", "the desk has the port, and is asked: {got}");
    }
    let row = bench.listed();
    assert_eq!((&row["found"], &row["port"]), (&"desk".into(), &bench.port.as_str().into()), "{row}");
    let doctor = bench.say(&["doctor", "--port", &bench.port]);
    assert!(!doctor.out.contains("held by"), "{doctor:?}");
    let status = bench.scene.say(&["status", "--json"]).json();
    assert_eq!(status["modems"][0]["name"], "modem0", "{status}");
    assert_eq!(desk.stop().code, 0);
    assert!(bench.count("ATE0") <= opened + 1, "nobody but the desk opened the port");
    bench.was_used_well();
}

#[test]
fn a_locked_sim_is_told_and_gets_no_pin() {
    let bench = Bench::with(Setup::default().pin("1234"));
    let got = bench.say(&["info", "--json"]);
    assert_eq!((got.code, &got.json()["state"]), (69, &"sim-locked".into()), "{got:?}");
    assert!(got.err.contains("modem0 is sim-locked: "), "{got:?}");
    let doctor = bench.say(&["doctor"]);
    assert_eq!(doctor.code, 69, "{doctor:?}");
    assert!(
        doctor.out.contains("problem: modem modem0: ") && doctor.out.contains("no PIN is configured"),
        "{doctor:?}"
    );
    let sent = bench.say(&["send", "--to", "+15551234567", "--", "hello"]);
    assert_eq!((sent.code, sent.out.as_str()), (69, ""), "{sent:?}");
    assert_eq!(bench.count("AT+CPIN="), 0);
    bench.was_used_well();
}

#[test]
fn a_port_that_somebody_has_is_not_touched() {
    let bench = Bench::with(Setup::default());
    let held = File::options().read(true).write(true).open(&bench.port).unwrap();
    let us = format!("(pid {})", std::process::id());
    for way in [
        &["info"] as &[&str],
        &["info", "--port", &bench.port],
        &["send", "--to", "+15551234567", "--", "hello"],
        &["reset"],
        &["watch"],
    ] {
        let got = bench.say(way);
        assert_eq!((got.code, got.out.as_str()), (69, ""), "{way:?}: {got:?}");
        assert!(got.err.contains(" is held by ") && got.err.contains(&us), "{way:?}: {got:?}");
    }
    let row = bench.listed();
    assert_eq!((&row["found"], &row["pid"]), (&"held".into(), &std::process::id().into()), "{row}");
    let doctor = bench.say(&["doctor"]);
    assert_eq!(doctor.code, 69, "{doctor:?}");
    assert!(doctor.out.contains("has the port open. What to do: end it: sudo kill"), "{doctor:?}");
    assert_eq!(bench.modem.commands(), [] as [String; 0]);
    drop(held);
}

#[test]
fn a_modem_that_is_not_there() {
    let bench = Bench::with(Setup::default());
    bench.runtime.block_on(bench.modem.unplug());
    let got = bench.say(&["info", "--json"]);
    assert_eq!((got.code, &got.json()["state"]), (69, &"absent".into()), "{got:?}");
    let doctor = bench.say(&["doctor"]);
    assert_eq!(doctor.code, 69, "{doctor:?}");
    assert_eq!(doctor.out.matches("problem: modem modem0: ").count(), 1, "it is told once: {doctor:?}");
    let list = bench.say(&["list"]);
    assert!(list.code == 0 && list.out.contains("isn't there"), "{list:?}");
    let reset = bench.say(&["reset"]);
    assert_eq!(reset.code, 69, "{reset:?}");
}

#[test]
fn a_text_is_sent_with_and_without_a_desk() {
    let bench = Bench::with(Setup::default());
    let to = ["--to", "+15551234567"];
    let texts = ["Grüße 👩‍💻\nzweite Zeile", "--json is no option here", &"lang ".repeat(60)];
    let send = |way: &[&str], text: &str| bench.say(&[&["send"], way, &to, &["--json", "--", text]].concat());
    let port = ["--port", &bench.port];
    for (way, text) in [&[] as &[&str], &["modem0"], &port].into_iter().zip(texts) {
        let got = send(way, text);
        assert_eq!((got.code, &got.json()["fate"]), (0, &"delivered".into()), "{way:?}: {got:?}");
    }
    let desk = Running::on(&bench.scene);
    ready(&bench);
    for (way, text) in [&[] as &[&str], &["modem0"], &port].into_iter().zip(texts) {
        let got = send(way, text);
        assert_eq!((got.code, &got.json()["modem"]), (0, &"modem0".into()), "{way:?}: {got:?}");
        assert_eq!(got.json()["fate"], "delivered", "{way:?}: {got:?}");
    }
    bench.modem.trouble(Step::CtrlZ, Trouble::Cms(38));
    let refused = send(&[], "not now");
    assert_eq!((refused.code, &refused.json()["outcome"]), (69, &"failed".into()), "{refused:?}");
    bench.modem.trouble(Step::CtrlZ, Trouble::Cms(500));
    assert_eq!(send(&[], "who knows").code, 76);
    bench.modem.report_with(None);
    let silent = bench.say(&[&["send", "--wait", "1s"], &to as &[&str], &["--", "no report"]].concat());
    assert_eq!(silent.code, 0, "{silent:?}");
    assert!(silent.out.contains("no delivery report within 1s; many networks send none"), "{silent:?}");
    assert_eq!(desk.stop().code, 0);
    let shown: Vec<String> = bench.modem.sent().into_iter().map(|sms| sms.text).collect();
    assert_eq!(shown.iter().filter(|text| *text == texts[0]).count(), 2, "{shown:?}");
    assert_eq!(shown.len(), 7, "{shown:?}");
    bench.was_used_well();
}

#[test]
fn a_desk_that_dies_with_a_text_leaves_it_in_doubt() {
    let bench = Bench::with(Setup::default());
    let desk = Running::on(&bench.scene);
    ready(&bench);
    let mut held = bench.modem.hold(Step::CtrlZ);
    let mut command = bench.scene.command(&["modem", "send", "--to", "+15551234567", "--json", "--", "hello"]);
    let sending = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    assert!(bench.runtime.block_on(held.reached()).is_some(), "the modem has the text");
    drop(desk); // killed
    let got = Said::of(sending.wait_with_output().unwrap());
    assert_eq!((got.code, &got.json()["fault"]), (76, &"unknown".into()), "{got:?}");
    assert!(got.err.contains("nobody can tell whether the text was sent"), "{got:?}");
}

/// Watches the desk's modem until it is ready.
fn ready(bench: &Bench) {
    let mut command = bench.scene.command(&["modem", "watch", "--json"]);
    let mut watch = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut states =
        lines.map(|line| serde_json::from_str::<serde_json::Value>(&line.unwrap()).unwrap()["state"].clone());
    assert!(states.any(|state| state == "ready"));
    kill_process(Pid::from_child(&watch), Signal::INT).unwrap();
    assert!(watch.wait().unwrap().success());
}

#[test]
fn a_modem_is_reset_with_and_without_a_desk() {
    let bench = Bench::with(Setup::family(Family::Sim800));
    let got = bench.say(&["reset"]);
    assert_eq!((got.code, got.err.as_str()), (0, ""), "{got:?}");
    assert_eq!(bench.count("AT+CFUN=1,1"), 1, "{:?}", bench.modem.commands());
    let desk = Running::on(&bench.scene);
    ready(&bench);
    let got = bench.say(&["reset", "--json"]);
    assert_eq!((got.code, &got.json()["reset"]), (0, &true.into()), "{got:?}");
    let again = bench.say(&["reset"]);
    assert_eq!((again.code, again.out.as_str()), (69, ""), "{again:?}");
    assert!(again.err.contains("modem0 was not started anew: "), "{again:?}");
    assert_eq!(desk.stop().code, 0);
    assert_eq!(bench.count("AT+CFUN=1,1"), 2, "{:?}", bench.modem.commands());
    bench.was_used_well();
}

#[test]
fn a_pin_is_entered_only_where_it_is_remembered_and_a_wrong_one_once() {
    for (name, pin, code, entered) in [("right", "1234", 0, 2), ("wrong", "4321", 69, 1)] {
        let bench = Bench::with(Setup::family(Family::Sim800).pin("1234"));
        let at = bench.scene.folder.path().join("pin");
        let mut secret = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&at).unwrap();
        secret.write_all(pin.as_bytes()).unwrap();
        let text = std::fs::read_to_string(bench.scene.config()).unwrap();
        std::fs::write(bench.scene.config(), format!("{text}pin = {{ file = \"{}\" }}\n", at.display())).unwrap();

        let forgetful = bench.say(&["info"]);
        assert_eq!((forgetful.code, bench.count("AT+CPIN=")), (69, 0), "{name}: {forgetful:?}");
        assert!(!bench.scene.data().exists(), "{name}: looking makes no database");
        drop(Store::open(&bench.scene.data()).unwrap());
        for _ in 0..2 {
            let got = bench.say(&["info"]);
            assert_eq!(got.code, code, "{name}: {got:?}");
            assert!(!got.out.contains(pin) && !got.err.contains(pin), "{name}: {got:?}");
            bench.modem.reboot();
        }
        assert_eq!(bench.count("AT+CPIN="), entered, "{name}: {:?}", bench.modem.commands());
        assert_eq!(bench.say(&["info", "--port", &bench.port]).code, 69, "{name}: without a name no PIN");
        assert_eq!(bench.count("AT+CPIN="), entered, "{name}");
        bench.was_used_well();
    }
}

#[test]
fn what_answers_is_listed() {
    for family in Family::ALL {
        let bench = Bench::with(Setup::family(family));
        let row = bench.listed();
        assert_eq!(row["found"], "modem", "{family:?}: {row}");
        let model = row["identity"]["model"].as_str().unwrap();
        let people = bench.say(&["list"]);
        assert!(people.out.starts_with("PORT ") && people.out.contains(model), "{family:?}: {people:?}");
        bench.was_used_well();
    }
}

#[test]
fn a_sim_without_a_message_centre_is_found() {
    let bench = Bench::with(Setup::default().centre(""));
    let doctor = bench.say(&["doctor"]);
    assert_eq!(doctor.code, 69, "{doctor:?}");
    assert!(doctor.out.contains("problem: modem modem0: the SIM knows no message centre"), "{doctor:?}");
    bench.modem.set_centre("+12085551000");
    let doctor = bench.say(&["doctor"]);
    assert_eq!(doctor.code, 0, "{doctor:?}");
    bench.was_used_well();
}

#[test]
fn a_desk_behind_another_socket_is_not_disturbed() {
    let bench = Bench::with(Setup::default());
    let desk = Running::on(&bench.scene);
    ready(&bench);
    let opened = bench.count("ATE0");
    let text = std::fs::read_to_string(bench.scene.config()).unwrap();
    let elsewhere = bench.scene.folder.path().join("elsewhere.toml");
    std::fs::write(&elsewhere, text.replace("control.sock", "other.sock")).unwrap();
    let got = Said::of(nightdesk(&["--config", elsewhere.to_str().unwrap(), "modem", "info"]).output().unwrap());
    assert_eq!((got.code, got.out.as_str()), (69, ""), "{got:?}");
    assert!(got.err.contains("held by nightdesk (pid "), "{got:?}");
    assert_eq!(bench.count("ATE0"), opened);
    assert_eq!(desk.stop().code, 0);
}
