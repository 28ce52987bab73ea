//! A desk that runs: it is ready when it says so, takes test leads from every kind of source, keeps a second one out,
//! and stops when it is asked to.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::Said;
use super::scene::Scene;

/// Good for every scheme: base64 that must be encoded in an address.
const SECRET: &str = "Z2VuZXJpYy1zZWNyZXQ/Pz8+Pj4vdGVzdA==";

/// Every source, each with a scheme of its own.
const SOURCES: [&str; 11] =
    ["form", "flow", "open", "webhooks", "github", "stripe", "slack", "twilio", "bearer", "basic", "path"];

fn sources(folder: &str) -> String {
    let secret = format!("secret = {{ file = \"{folder}/secret\" }}");
    let signing = [
        ("webhooks", "standard-webhooks", ""),
        ("github", "hmac-sha256", "header = \"X-Hub-Signature-256\", prefix = \"sha256=\", "),
        ("stripe", "hmac-sha256", "header = \"X-Sig\", prefix = \"v1=\", timestamp-prefix = \"t=\", "),
        (
            "slack",
            "hmac-sha256",
            "header = \"X-Sig\", encoding = \"base64\", timestamp-header = \"X-Time\", signed = \"v0:{timestamp}:{body}\", ",
        ),
        ("twilio", "twilio", ""),
        ("bearer", "bearer", ""),
        ("basic", "basic", "user = \"anna\", "),
        ("path", "shared-secret", "in = \"path\", "),
    ];
    let more = signing.map(|(name, scheme, keys)| {
        format!(
            "[sources.{name}]\nkind = \"json\"\nfields.message = \"/m\"\n\
             auth = {{ scheme = \"{scheme}\", {keys}{secret} }}\n"
        )
    });
    more.concat()
        + &format!(
            "[sources.form]\nkind = \"json\"\nfields.message = \"/lead/message\"\nfields.email = \"/lead/email\"\n\
         auth = {{ scheme = \"shared-secret\", header = \"X-Desk-Key\", prefix = \"Key \", {secret} }}\n\
         [sources.flow]\nkind = \"hubspot-workflow\"\nauth = {{ scheme = \"hubspot\", {secret} }}\n\
         [sources.open]\nkind = \"json\"\nfields.message = \"/m\"\nauth = {{ scheme = \"none\" }}\n"
        )
}

fn a_desk_with_sources() -> Scene {
    let scene = Scene::new("");
    let folder = scene.folder.path();
    std::fs::write(folder.join("secret"), SECRET).unwrap();
    std::fs::set_permissions(folder.join("secret"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = std::fs::read_to_string(scene.config()).unwrap();
    std::fs::write(scene.config(), text + &sources(folder.to_str().unwrap())).unwrap();
    scene
}

/// A running desk; killed if the test ends before it was asked to stop.
pub(super) struct Running(Option<Child>);

impl Running {
    /// Starts the desk and waits until it says that it is ready.
    pub(super) fn on(scene: &Scene) -> Self {
        let notices = scene.folder.path().join("notify");
        let manager = UnixDatagram::bind(&notices).unwrap();
        manager.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut command = scene.command(&["run"]);
        command.env("NOTIFY_SOCKET", &notices).stdout(Stdio::piped()).stderr(Stdio::piped());
        let running = Self(Some(command.spawn().unwrap()));
        let mut said = [0; 512];
        while !said.starts_with(b"READY=1") {
            manager.recv(&mut said).expect("the desk says that it is ready");
        }
        running
    }

    pub(super) fn stop(mut self) -> Said {
        let child = self.0.take().unwrap();
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        Said::of(child.wait_with_output().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            drop((child.kill(), child.wait()));
        }
    }
}

#[test]
fn a_desk_takes_test_leads_and_stops_when_asked() {
    let scene = a_desk_with_sources();
    let before = scene.say(&["send-test", "open"]);
    assert_eq!(before.code, 69, "{before:?}");

    let desk = Running::on(&scene);
    for source in SOURCES {
        let got = scene.say(&["send-test", source]);
        assert_eq!((got.code, got.err.as_str()), (0, ""), "{source}: {got:?}");
        assert!(got.out.starts_with("accepted as lead "), "{source}: {got:?}");
        let json = scene.say(&["send-test", source, "--message", &format!("Hello {source}"), "--json"]);
        assert_eq!((json.code, &json.json()["status"]), (0, &202.into()), "{source}: {json:?}");
    }
    let leads = scene.say(&["leads", "list", "--limit", "99", "--json"]).json();
    let sent = 2 * SOURCES.len();
    assert_eq!(leads.as_array().unwrap().len(), sent, "{leads}");
    let status = scene.say(&["status", "--json"]);
    assert_eq!((status.code, &status.json()["counts"]["leads"]), (0, &sent.into()), "{status:?}");
    let check = scene.say(&["check"]);
    assert_eq!(check.code, 0, "{check:?}");
    assert!(check.out.contains("the desk runs with these listeners"), "{check:?}");

    let second = scene.say(&["run"]);
    assert_eq!(second.code, 75, "{second:?}");
    assert_eq!(scene.say(&["status"]).code, 0, "a second desk that is kept out must not harm the first");

    let end = desk.stop();
    assert_eq!((end.code, end.out.as_str()), (0, ""), "{end:?}");
    assert!(!end.err.contains(SECRET), "a secret was logged");
    assert_eq!(scene.say(&["status"]).code, 69);
    assert_eq!(scene.say(&["leads", "list", "--limit", "99", "--json"]).json().as_array().unwrap().len(), sent);
}

#[test]
fn a_secret_that_was_changed_behind_the_desks_back_is_told_as_such() {
    let scene = a_desk_with_sources();
    let desk = Running::on(&scene);
    std::fs::write(scene.folder.path().join("secret"), "YW5vdGhlcg==").unwrap();
    let secretive: Vec<&str> = SOURCES.into_iter().filter(|source| *source != "open").collect();
    for source in &secretive {
        let got = scene.say(&["send-test", source]);
        assert_eq!(got.code, 69, "{source}: {got:?}");
        assert!(got.err.contains("the desk answered 401: the secret here is not the one"), "{source}: {got:?}");
    }
    assert_eq!(scene.say(&["quarantine", "list", "--json"]).json().as_array().unwrap().len(), secretive.len());
    let let_in = scene.say(&["quarantine", "replay", "--yes"]);
    let all = format!("{} replayed\n", secretive.len());
    assert_eq!((let_in.code, let_in.out.as_str()), (0, all.as_str()), "{let_in:?}");
    assert_eq!(scene.say(&["quarantine", "replay", "--yes"]).code, 66);
    assert_eq!(desk.stop().code, 0);
}

#[test]
fn a_modem_is_switched_by_root_and_not_twice_a_minute() {
    let scene = Scene::new("[modem.modem0]\nport = \"/nowhere/modem\"\n");
    let asked = ["modem", "power-cycle", "modem0"];
    let alone = scene.say(&asked);
    assert_eq!(alone.code, 69, "{alone:?}");
    assert!(alone.err.contains("systemctl start nightdesk-modem-power@modem0.service"), "{alone:?}");
    assert_eq!(scene.say(&["modem", "power-cycle", "modem1"]).code, 66);

    let desk = Running::on(&scene);
    let first = scene.say(&asked);
    assert_eq!((first.code, first.err.as_str()), (0, ""), "{first:?}");
    let request = scene.folder.path().join("power-cycle-modem0");
    assert!(request.exists());
    std::fs::remove_file(&request).unwrap();
    let second = scene.say(&asked);
    assert_eq!((second.code, request.exists()), (65, false), "{second:?}");
    assert!(second.err.contains("still coming back"), "{second:?}");
    assert_eq!(desk.stop().code, 0);
}
