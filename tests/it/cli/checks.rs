//! `nightdesk check`: every problem at once, and nothing that isn't one.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::scene::Scene;
use super::{golden, say, stable};

#[test]
fn the_shipped_configuration_is_good() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("debian/nightdesk.toml");
    let got = say(&["--config", shipped.to_str().unwrap(), "check", "--static"]);
    assert_eq!((got.code, got.err.as_str()), (0, ""), "{got:?}");
    assert!(!got.out.contains("error"), "{got:?}");
}

/// One mistake of each kind: of form, across tables, a missing secret, a missing port.
const FAULTY: &str = r#"[sources.website]
kind = "json"
auth = { scheme = "shared-secret", secret = { file = "/nowhere/secret" } }
fields.message = "message"
[oncal]
name = "Dana"
[sms]
channels = ["modem1"]
[modem.modem0]
port = "/nowhere/modem"
"#;

#[test]
fn every_problem_is_told_at_once() {
    let scene = Scene::new(FAULTY);
    let got = scene.say(&["check", "--static"]);
    assert_eq!(got.code, 78, "{got:?}");
    golden("check-faulty.txt", &stable(&got.out, scene.folder.path()));
    let json = scene.say(&["check", "--static", "--json"]);
    assert_eq!((json.code, json.json()["errors"].as_array().unwrap().len()), (78, 3), "{json:?}");
    let run = scene.say(&["run"]);
    assert_eq!(run.code, 78);
    assert!(run.err.contains("sources.website.fields.message") && run.err.contains("did you mean `oncall`"), "{run:?}");
}

#[test]
fn a_missing_modem_is_a_warning_and_a_missing_secret_an_error() {
    let faulty =
        FAULTY.replace("\"message\"", "\"/message\"").replace("[oncal]", "[oncall]").replace("modem1", "modem0");
    let faulty = faulty.replace("name = \"Dana\"", "name = \"Dana\"\nphone = \"+15551234567\"");
    let scene = Scene::new("");
    let folder = scene.folder.path();
    let known = std::fs::read_to_string(scene.config()).unwrap();
    std::fs::write(scene.config(), known + &faulty.replace("/nowhere", folder.to_str().unwrap())).unwrap();
    let secret = folder.join("secret");
    for (name, content, mode, code, said) in [
        ("absent", None, 0, 78, "sources.website.auth.secret: "),
        ("empty", Some(""), 0o600, 78, "is empty"),
        ("open to others", Some("hunter2secret"), 0o644, 78, "chmod 0600"),
        ("good", Some("hunter2secret"), 0o600, 0, "warning: modem.modem0.port: "),
    ] {
        if let Some(content) = content {
            std::fs::write(&secret, content).unwrap();
            std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        for depth in [&["check", "--static"] as &[&str], &["check"]] {
            let got = scene.say(depth);
            assert_eq!(got.code, code, "{name}, {depth:?}: {got:?}");
            assert!(got.out.contains(said), "{name}, {depth:?}: {got:?}");
            assert!(!format!("{got:?}").contains("hunter2"), "{name}: a secret was printed");
        }
    }
}

#[test]
fn a_template_that_the_desk_would_not_take_is_told_before_the_night() {
    for (template, code) in [("{{ code }} {{ message }}", 0), ("{{ code }} {{ surname }}", 78), ("{{ code", 78)] {
        let scene = Scene::new(&format!("[sms]\ntemplate = \"{template}\"\n"));
        let got = scene.say(&["check", "--static"]);
        assert_eq!((got.code, got.out.contains("sms.template: ")), (code, code != 0), "{template}: {got:?}");
    }
}

#[test]
fn credentials_lie_beside_the_configuration_when_systemd_hands_out_none() {
    let source = "[sources.website]\nkind = \"json\"\nfields.message = \"/m\"\n\
                  auth = { scheme = \"shared-secret\", secret = { credential = \"website-secret\" } }\n";
    let scene = Scene::new(source);
    assert_eq!(scene.say(&["check", "--static"]).code, 78);
    let folder = scene.folder.path().join("credentials");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("website-secret"), "s3cret\n").unwrap();
    let got = scene.say(&["check", "--static"]);
    assert_eq!(got.code, 0, "{got:?}");
    // The daemon itself takes them from systemd only.
    let run = scene.say(&["run"]);
    assert_eq!(run.code, 78, "{run:?}");
    assert!(run.err.contains("CREDENTIALS_DIRECTORY"), "{run:?}");
}

#[test]
fn the_box_is_looked_at_too() {
    let scene = Scene::new("");
    assert_eq!(scene.say(&["check"]).code, 0);
    assert!(!scene.data().exists(), "a check makes nothing");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let text = std::fs::read_to_string(scene.config()).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    std::fs::write(scene.config(), text.replacen("127.0.0.1:0", &address, 1)).unwrap();
    let got = scene.say(&["check"]);
    assert_eq!(got.code, 78);
    assert!(got.out.contains(&format!("error: server.listen: {address} is in use")), "{got:?}");
    assert_eq!(scene.say(&["check", "--static"]).code, 0);

    std::fs::write(scene.data(), "a file").unwrap();
    let got = scene.say(&["check"]);
    assert!(got.out.contains("storage.data-dir"), "{got:?}");
}

#[test]
fn a_file_that_is_not_there() {
    let got = say(&["--config", "/nowhere/nightdesk.toml", "check"]);
    assert_eq!(got.code, 78);
    assert!(got.out.contains("/nowhere/nightdesk.toml can't be read"), "{got:?}");
    let got = say(&["--config", "/nowhere/nightdesk.toml", "status"]);
    assert_eq!((got.code, got.out.as_str()), (78, ""));
}
