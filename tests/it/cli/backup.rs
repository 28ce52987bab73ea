//! `nightdesk backup`: a copy that can be worked on, kept where it belongs, and refused when there is no room.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

use nightdesk::store::Reader;
use rusqlite::Connection;

use super::Said;
use super::daemon::Running;
use super::scene::Scene;

/// Somebody who isn't root.
const NOBODY: u32 = 65_534;

#[test]
fn a_backup_is_made_while_the_desk_runs_and_holds_every_lead() {
    let scene = Scene::after_a_night();
    let desk = Running::on(&scene);
    let made = scene.say(&["backup", "--json"]);
    assert_eq!((made.code, made.err.as_str()), (0, ""), "{made:?}");
    let path = made.json()["path"].as_str().unwrap().to_owned();
    assert!(path.starts_with(scene.data().join("backups/nightdesk-").to_str().unwrap()), "{path}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
    assert_eq!(desk.stop().code, 0);

    let restored = tempfile::tempdir().unwrap();
    fs::copy(&path, restored.path().join("nightdesk.db")).unwrap();
    assert_eq!(Reader::open(restored.path()).unwrap().counts().unwrap().leads, 2);

    let elsewhere = scene.folder.path().join("stick");
    let said = scene.say(&["backup", "--to", elsewhere.to_str().unwrap(), "--keep", "1"]);
    assert!(said.out.starts_with(elsewhere.to_str().unwrap()) && said.out.contains(" is written ("), "{said:?}");
    assert_eq!(fs::read_dir(elsewhere).unwrap().count(), 1);
}

#[test]
fn root_acts_as_the_owner_of_the_data_folder() {
    let scene = Scene::after_a_night();
    fs::set_permissions(scene.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for path in [scene.data()].into_iter().chain(fs::read_dir(scene.data()).unwrap().map(|entry| entry.unwrap().path()))
    {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let made = scene.say(&["backup", "--json"]);
    assert_eq!(made.code, 0, "{made:?}");
    let facts = fs::symlink_metadata(made.json()["path"].as_str().unwrap()).unwrap();
    assert_eq!((facts.uid(), facts.gid()), (NOBODY, NOBODY));
    let named = scene.say(&["backup", "--json", "--to", scene.data().join("new/folder").to_str().unwrap()]);
    let facts = fs::symlink_metadata(named.json()["path"].as_str().unwrap()).unwrap();
    assert_eq!((facts.uid(), facts.gid()), (NOBODY, NOBODY), "the data folder by its name");
    let stick = scene.folder.path().join("stick");
    let named = scene.say(&["backup", "--json", "--to", stick.to_str().unwrap()]);
    assert_eq!(fs::symlink_metadata(named.json()["path"].as_str().unwrap()).unwrap().uid(), 0, "root's own folder");
    // A name that the owner put there leads nowhere.
    let (backups, target) = (scene.data().join("backups"), scene.folder.path().join("root-only"));
    fs::remove_dir_all(&backups).unwrap();
    fs::create_dir(&target).unwrap();
    std::os::unix::fs::symlink(&target, &backups).unwrap();
    let refused = scene.say(&["backup"]);
    assert_eq!((refused.code, fs::read_dir(target).unwrap().count()), (77, 0), "{refused:?}");
}

#[test]
fn what_can_go_wrong_has_its_code() {
    let scene = Scene::new("");
    assert_eq!(scene.say(&["backup"]).code, 66, "there is no database yet");
    let scene = Scene::after_a_night();
    let text = fs::read_to_string(scene.config()).unwrap();
    fs::write(scene.config(), text.replace("[business]", "low-water-mark = \"1000000GiB\"\n[business]")).unwrap();
    let full = scene.say(&["backup"]);
    assert_eq!(full.code, 74, "{full:?}");
    assert!(full.err.contains("leaves the desk its room"), "{full:?}");
    assert_eq!(scene.say(&["backup", "--keep", "0"]).code, 64);
}

#[test]
fn a_database_of_a_newer_nightdesk_is_refused_with_what_to_do() {
    let scene = Scene::after_a_night();
    let file = Connection::open(scene.data().join("nightdesk.db")).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    drop(file);
    for (args, code) in [(&["run"] as &[&str], 78), (&["check"], 78), (&["status"], 78), (&["backup"], 78)] {
        let got: Said = scene.say(args);
        assert_eq!(got.code, code, "{args:?}: {got:?}");
        let said = format!("{}{}", got.out, got.err);
        for word in ["of version 99", "knows up to 8", "install the newer nightdesk", "nightdesk.db.v8.bak"] {
            assert!(said.contains(word), "{args:?}: {word}: {said}");
        }
    }
}
