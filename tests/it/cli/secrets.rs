//! `nightdesk secrets`: what is written and with which mode, what is listed, and that no value is ever shown.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::Said;
use super::changes::on_a_terminal;
use super::scene::Scene;

const SOURCE: &str = "[sources.website]\nkind = \"json\"\nfields.message = \"/m\"\n\
                      auth = { scheme = \"bearer\", secret = { credential = \"website-secret\" } }\n";
const VALUE: &str = "hunter2-of-this-scene";

/// The command with `input` on its standard input, and with the scene's folder before the system's programs.
fn say(scene: &Scene, args: &[&str], input: &[u8]) -> Said {
    let mut command = scene.command(args);
    let path = format!("{}:{}", scene.folder.path().join("bin").display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Whoever is refused early doesn't read.
    drop(child.stdin.take().unwrap().write_all(input));
    Said::of(child.wait_with_output().unwrap())
}

fn at(scene: &Scene, name: &str) -> PathBuf {
    scene.folder.path().join(name)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Stands in for systemd-creds: what it "encrypts" begins with its arguments.
fn seal_with_a_stand_in(scene: &Scene, script: &str) {
    fs::create_dir_all(at(scene, "bin")).unwrap();
    fs::write(at(scene, "bin/systemd-creds"), script).unwrap();
    fs::set_permissions(at(scene, "bin/systemd-creds"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_secret_is_set_listed_and_removed() {
    let scene = Scene::new(SOURCE);
    let missing = say(&scene, &["secrets", "list"], b"");
    assert_eq!((missing.code, missing.err.as_str()), (0, ""), "{missing:?}");
    assert!(missing.out.contains("website-secret  MISSING  sources.website.auth.secret"), "{missing:?}");
    assert_eq!(scene.say(&["check", "--static"]).code, 78);

    let set = say(&scene, &["secrets", "set", "website-secret"], format!("{VALUE}\n").as_bytes());
    assert_eq!((set.code, set.err.as_str()), (0, ""), "{set:?}");
    let file = at(&scene, "credentials/website-secret");
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{VALUE}\n"));
    assert!(set.out.contains("at its next start") && !set.out.contains("names it yet"), "{set:?}");
    assert_eq!(scene.say(&["check", "--static"]).code, 0);

    let spare = say(&scene, &["secrets", "set", "spare"], VALUE.as_bytes());
    assert!(spare.out.contains("names it yet: { credential = \"spare\" }"), "{spare:?}");
    let list = say(&scene, &["secrets", "list", "--json"], b"");
    let want = serde_json::json!([
        { "name": "spare", "kind": "file", "used_by": [] },
        { "name": "website-secret", "kind": "file", "used_by": ["sources.website.auth.secret"] },
    ]);
    assert_eq!(list.json(), want);

    let asked = say(&scene, &["secrets", "remove", "website-secret"], b"");
    assert_eq!((asked.code, file.exists()), (64, true), "nobody was asked: {asked:?}");
    assert!(asked.err.contains("sources.website.auth.secret still names it"), "{asked:?}");
    let removed = say(&scene, &["secrets", "remove", "website-secret", "--yes"], b"");
    assert_eq!((removed.code, file.exists()), (0, false), "{removed:?}");
    assert!(removed.out.contains("can't start"), "{removed:?}");
    assert_eq!(say(&scene, &["secrets", "remove", "website-secret", "--yes"], b"").code, 66);
    for said in [missing, set, spare, list, asked, removed] {
        assert!(!format!("{said:?}").contains(VALUE), "a value was shown: {said:?}");
    }
}

#[test]
fn only_what_the_desk_can_read_is_taken() {
    let scene = Scene::new("");
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----\n";
    for (name, input, code) in [
        ("a line", b"hunter2".to_vec(), 0),
        ("a line and its end", b"hunter2\r\n".to_vec(), 0),
        ("a key of many lines", pem.into(), 0),
        ("its first line", b"-----BEGIN PRIVATE KEY-----\n".to_vec(), 65),
        ("nothing", Vec::new(), 65),
        ("an empty line", b"\n".to_vec(), 65),
        ("two lines", b"hunter2\nhunter3\n".to_vec(), 65),
        ("an interrupted line", b"hunter2\x03\n".to_vec(), 65),
        ("no text", vec![0xff, 0xfe], 65),
        ("far too much", vec![b'x'; 20_000], 65),
    ] {
        let got = say(&scene, &["secrets", "set", "token"], &input);
        assert_eq!(got.code, code, "{name}: {got:?}");
        assert!(!format!("{got:?}").contains("hunter2"), "{name}: a value was shown");
        drop(fs::remove_file(at(&scene, "credentials/token")));
    }
    for name in ["", ".hidden", "a/b", "../x", "a b"] {
        assert_eq!(say(&scene, &["secrets", "set", name], b"x").code, 64, "{name}");
    }
}

#[test]
fn what_is_typed_is_not_shown_and_nothing_of_it_reaches_the_shell() {
    let scene = Scene::new("");
    for (name, typed, code, said) in [
        ("a secret", "hunter2\n", 0, ""),
        ("Ctrl-C", "hunter2\u{3}\n", 65, "one line of text"),
        ("a key of many lines", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n", 65, "<FILE"),
    ] {
        let got = on_a_terminal(&scene, &["secrets", "set", "token"], "(it is not shown): ", typed);
        assert_eq!(got.said.code, code, "{name}: {:?}", got.said);
        assert!(
            got.said.err.contains(said) && !format!("{:?}", got.said).contains("hunter2"),
            "{name}: {:?}",
            got.said
        );
        assert_eq!((got.shown_bytes, got.left_bytes), (0, 0), "{name}");
    }
    assert_eq!(fs::read_to_string(at(&scene, "credentials/token")).unwrap(), "hunter2\n");
}

#[test]
fn a_sealed_secret_takes_the_place_of_a_plain_one() {
    let scene = Scene::new(SOURCE);
    say(&scene, &["secrets", "set", "website-secret"], VALUE.as_bytes());
    seal_with_a_stand_in(&scene, "#!/bin/sh\necho 'no key of this machine' >&2\nexit 1\n");
    let refused = say(&scene, &["secrets", "set", "website-secret", "--sealed"], VALUE.as_bytes());
    assert_eq!(refused.code, 69, "{refused:?}");
    assert!(refused.err.contains("nothing was changed: no key of this machine"), "{refused:?}");
    assert!(at(&scene, "credentials/website-secret").exists());

    seal_with_a_stand_in(&scene, "#!/bin/sh\necho \"$@\"\ntr a-z b-za\n");
    let sealed = say(&scene, &["secrets", "set", "website-secret", "--sealed"], VALUE.as_bytes());
    assert_eq!(sealed.code, 0, "{sealed:?}");
    let file = at(&scene, "credentials.sealed/website-secret");
    let content = fs::read_to_string(&file).unwrap();
    assert!(content.starts_with("encrypt --name=nightdesk-sealed_website-secret - -\n"), "{content}");
    assert!(content.contains("ivoufs2") && !content.contains(VALUE), "{content}");
    assert_eq!(mode(&file), 0o600);
    assert!(!at(&scene, "credentials/website-secret").exists(), "two would be handed over");
    assert!(say(&scene, &["secrets", "list"], b"").out.contains("website-secret  sealed"));

    let check = scene.say(&["check", "--static"]);
    assert_eq!(check.code, 0, "{check:?}");
    assert!(check.out.contains("warning: sources.website.auth.secret: it is sealed"), "{check:?}");
    assert!(!scene.say(&["doctor"]).out.contains("sealed"), "nothing is wrong with it");
    let test = scene.say(&["send-test", "website"]);
    assert!(test.err.contains("the credential website-secret is sealed: only the desk"), "{test:?}");

    let plain = say(&scene, &["secrets", "set", "website-secret"], VALUE.as_bytes());
    assert_eq!((plain.code, file.exists()), (0, false), "{plain:?}");
}

#[test]
fn a_sealed_credential_is_found_where_systemd_hands_it_over() {
    let scene = Scene::new(SOURCE);
    let handed = at(&scene, "handed");
    fs::create_dir(&handed).unwrap();
    fs::write(handed.join("nightdesk-sealed_website-secret"), VALUE).unwrap();
    let got = Said::of(scene.command(&["check", "--static"]).env("CREDENTIALS_DIRECTORY", handed).output().unwrap());
    assert_eq!(got.code, 0, "{got:?}");
}

#[test]
fn whoever_may_not_is_told_to_be_root() {
    let scene = Scene::new(SOURCE);
    say(&scene, &["secrets", "set", "website-secret"], VALUE.as_bytes());
    fs::set_permissions(scene.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for args in [&["set", "website-secret"] as &[&str], &["list"], &["remove", "website-secret", "--yes"]] {
        let mut command = scene.command(&[&["secrets"], args].concat());
        let got = Said::of(command.uid(65_534).gid(65_534).output().unwrap());
        assert_eq!((got.code, got.out.as_str()), (77, ""), "{args:?}: {got:?}");
        assert!(got.err.contains("belongs to root: run it again with sudo"), "{args:?}: {got:?}");
    }
}
