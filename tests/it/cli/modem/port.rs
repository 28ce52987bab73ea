//! The same on a real port: the driver, the desk that runs, and whoever else has the port.

use std::fs::File;

use nightdesk::demo::sim::Modem;
use nightdesk::demo::sim::modem::Setup;
use tokio::runtime::Runtime;

use super::super::Said;
use super::super::daemon::Running;
use super::super::scene::Scene;

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
        let table = format!("[modem.modem0]\nport = \"{}\"\ntimings.part-gap = \"1ms\"\n", port.display());
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
        assert!(got.out.contains(" bars\n"), "{way:?}: {got:?}");
    }
    let desk = Running::on(&bench.scene);
    let opened = bench.modem.commands().iter().filter(|command| command.starts_with("ATE0")).count();
    for way in [&["info", "--json"] as &[&str], &["info", "--port", &bench.port, "--json"]] {
        let got = bench.say(way).json();
        assert_eq!(got["name"], "modem0", "the desk has the port, and is asked: {got}");
    }
    let listed = bench.say(&["list", "--json"]).json();
    let row = listed.as_array().unwrap().iter().find(|row| row["modem"] == "modem0").unwrap();
    assert_eq!((&row["found"], &row["port"]), (&"desk".into(), &bench.port.as_str().into()), "{listed}");
    let doctor = bench.say(&["doctor", "--port", &bench.port]);
    assert!(!doctor.out.contains("held by"), "{doctor:?}");
    let status = bench.scene.say(&["status", "--json"]).json();
    assert_eq!(status["modems"][0]["name"], "modem0", "{status}");
    assert_eq!(desk.stop().code, 0);
    let still = bench.modem.commands().iter().filter(|command| command.starts_with("ATE0")).count();
    assert!(still <= opened + 1, "nobody but the desk opened the port");
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
    let pins: Vec<String> = bench.modem.commands().into_iter().filter(|line| line.starts_with("AT+CPIN=")).collect();
    assert!(pins.is_empty(), "{pins:?}");
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
    let list = bench.say(&["list", "--json"]).json();
    let row = list.as_array().unwrap().iter().find(|row| row["modem"] == "modem0").unwrap();
    assert_eq!((&row["found"], &row["pid"]), (&"held".into(), &std::process::id().into()), "{list}");
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
