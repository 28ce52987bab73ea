//! `nightdesk doctor` on the machine of the tests: what only the real kernel and a real desk can show. The rest is in
//! tables beside its code.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

use super::Said;
use super::daemon::Running;
use super::scene::Scene;

/// Somebody who isn't root.
const NOBODY: u32 = 65_534;
/// A source whose secret is not there.
const SOURCE: &str = "[sources.website]\nkind = \"json\"\nfields.message = \"/m\"\n\
                      auth = { scheme = \"bearer\", secret = { credential = \"website-secret\" } }\n";

fn words(said: &Said, area: &str) -> String {
    let json = said.json();
    let all = json["findings"].as_array().unwrap();
    let of_area = all.iter().filter(|finding| finding["area"] == area);
    of_area.map(|finding| finding["words"].as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_desk_that_runs_is_well_and_one_that_does_not_is_told() {
    let scene = Scene::new("");
    let stopped = scene.say(&["doctor"]);
    assert_eq!(stopped.code, 69, "{stopped:?}");
    assert!(stopped.out.starts_with("problem: control socket: no desk answers"), "the worst comes first: {stopped:?}");
    assert!(stopped.out.contains("What to do: sudo systemctl start nightdesk"), "{stopped:?}");
    assert!(!scene.data().exists(), "a doctor makes nothing");

    let desk = Running::on(&scene);
    let well = scene.say(&["doctor", "--json"]);
    assert_eq!((well.code, well.err.as_str()), (0, ""), "{well:?}");
    assert!(words(&well, "control socket").contains("the desk answers"), "{well:?}");
    assert!(words(&well, "listener").contains("the desk listens on 127.0.0.1:"), "{well:?}");
    assert!(words(&well, "data folder").contains(" free"), "{well:?}");
    assert_eq!(desk.stop().code, 0);
}

#[test]
fn what_follows_from_something_else_is_not_told_again() {
    let scene = Scene::new(SOURCE);
    let text = fs::read_to_string(scene.config()).unwrap();
    fs::write(scene.config(), text.replacen("127.0.0.1:0", "127.0.0.1:1", 1)).unwrap(); // where nobody listens
    let got = scene.say(&["doctor"]);
    let problems: Vec<&str> = got.out.lines().filter(|line| line.starts_with("problem: ")).collect();
    let [credential, desk] = problems.as_slice() else { panic!("{problems:#?}") };
    assert!(credential.ends_with("What to do: sudo nightdesk secrets set website-secret"), "{credential}");
    assert!(desk.contains("no desk answers"), "{desk}");
}

#[test]
fn a_broken_configuration_does_not_hide_the_rest() {
    let scene = Scene::new("[oncal]\n");
    let got = scene.say(&["doctor", "--json"]);
    assert_eq!(got.code, 69, "{got:?}");
    assert!(words(&got, "configuration").contains("did you mean `oncall`"), "{got:?}");
    assert!(!words(&got, "clock").is_empty(), "{got:?}");
}

#[test]
fn whoever_is_not_root_is_told_what_was_not_seen() {
    let scene = Scene::new(SOURCE);
    fs::set_permissions(scene.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let got = Said::of(scene.command(&["doctor"]).uid(NOBODY).gid(NOBODY).output().unwrap());
    assert_eq!(got.code, 69, "{got:?}");
    assert!(got.out.contains("not seen by this user: credentials, who holds ports"), "{got:?}");
    assert!(!got.out.contains("website-secret"), "what wasn't seen is no problem: {got:?}");
    fs::set_permissions(scene.config(), fs::Permissions::from_mode(0o640)).unwrap();
    let got = Said::of(scene.command(&["doctor"]).uid(NOBODY).gid(NOBODY).output().unwrap());
    assert!(got.out.contains("who is in the group nightdesk. What to do: sudo nightdesk doctor"), "{got:?}");
}
