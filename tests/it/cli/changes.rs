//! Changing something: what is asked of the desk, when a person is asked first, and what is done without a desk.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;

use nightdesk::control::Request;
use nightdesk::model::ReplayFrom;
use nightdesk::store::{DeadLetterFilter, Store};
use rustix::io::ioctl_fionread;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::Said;
use super::looks::beside_a_desk;
use super::scene::Scene;

#[test]
fn many_are_changed_only_after_a_yes() {
    let scene = Scene::after_a_night();
    for (args, question) in [
        (&["dlq", "retry", "--all"] as &[&str], "Retry 2 dead letters (1 gate, 1 crm)?"),
        (&["dlq", "discard", "--stage", "crm"], "Discard 1 dead letter (1 crm)?"),
        (&["quarantine", "replay"], "Let in 1 refused request (source website)?"),
    ] {
        let got = scene.say(args);
        assert_eq!((got.code, got.out.as_str()), (64, ""), "{args:?}: {got:?}");
        assert!(got.err.contains(question) && got.err.contains("--yes"), "{args:?}: {got:?}");
    }
    let got = scene.say(&["dlq", "retry"]);
    assert_eq!(got.code, 64);
    assert!(got.err.contains("--all"), "{got:?}");
}

/// What a command did with a terminal.
pub(super) struct AtTerminal {
    pub(super) said: Said,
    /// So many bytes of what was typed were shown.
    pub(super) shown_bytes: u64,
    /// So many were left for the shell.
    pub(super) left_bytes: u64,
}

/// The command with a terminal as its standard input, on which `typed` is typed once the command has asked: once it has said
/// what ends with `question`.
pub(super) fn on_a_terminal(scene: &Scene, args: &[&str], question: &str, typed: &str) -> AtTerminal {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let keyboard = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let mut command = scene.command(args);
    let stdin = keyboard.try_clone().unwrap();
    let mut child = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut asked, mut one) = (Vec::new(), [0]);
    let stderr = child.stderr.as_mut().unwrap();
    while !asked.ends_with(question.as_bytes()) && stderr.read(&mut one).unwrap() > 0 {
        asked.extend(one);
    }
    File::from(terminal.try_clone().unwrap()).write_all(typed.as_bytes()).unwrap();
    let mut output = child.wait_with_output().unwrap();
    output.stderr.splice(..0, asked);
    let [shown_bytes, left_bytes] = [ioctl_fionread(&terminal).unwrap(), ioctl_fionread(&keyboard).unwrap()];
    AtTerminal { said: Said::of(output), shown_bytes, left_bytes }
}

#[test]
fn a_person_at_a_terminal_is_asked() {
    let scene = Scene::after_a_night();
    let crm = DeadLetterFilter { stage: Some("crm".into()), ..DeadLetterFilter::default() };
    for (typed, out, asked) in [
        ("n\n", ("", "nothing was changed\n"), vec![]),
        ("\n", ("", "nothing was changed\n"), vec![]),
        ("y\n", ("2 requeued\n", ""), vec![Request::Retry { filter: crm }]),
    ] {
        let got = beside_a_desk(&scene, || {
            let said = on_a_terminal(&scene, &["dlq", "retry", "--stage", "crm"], "[y/N] ", typed).said;
            assert_eq!((said.code, said.out.as_str()), (0, out.0), "{typed:?}");
            assert_eq!(said.err, format!("Retry 1 dead letter (1 crm)? [y/N] {}", out.1), "{typed:?}");
        });
        assert_eq!(got, asked, "{typed:?}");
    }
}

#[test]
fn a_running_desk_is_asked_to_do_it() {
    let scene = Scene::after_a_night();
    let asked = beside_a_desk(&scene, || {
        for (args, code, said) in [
            (&["dlq", "retry", "1", "2"] as &[&str], 0, "4 requeued\n"),
            (&["dlq", "discard", "--all", "--yes", "--json"], 0, "{\"done\":2,\"failures\":[]}\n"),
            (&["quarantine", "replay", "1"], 65, "0 replayed\n"),
            (&["replay", "C2", "--from", "route", "--again"], 75, ""),
        ] {
            let got = scene.say(args);
            assert_eq!((got.code, got.out.as_str()), (code, said), "{args:?}: {got:?}");
        }
    });
    let lead = scene.say(&["leads", "show", "C2", "--json"]).json()["lead_id"].as_str().unwrap().parse().unwrap();
    let letter = |id| Request::Retry { filter: DeadLetterFilter { id: Some(id), ..DeadLetterFilter::default() } };
    assert_eq!(
        asked,
        [
            letter(1),
            letter(2),
            Request::Discard { filter: DeadLetterFilter::default() },
            Request::ReplayQuarantine { ids: vec![1] },
            Request::Replay { lead, from: ReplayFrom::Route, again: true },
        ]
    );
}

#[test]
fn a_desk_that_holds_the_folder_but_does_not_answer_is_left_alone() {
    let scene = Scene::after_a_night();
    let held = Store::open(&scene.data()).unwrap();
    for args in [&["dlq", "discard", "1"] as &[&str], &["run"]] {
        let got = scene.say(args);
        assert_eq!(got.code, 75, "{args:?}: {got:?}");
        assert!(got.err.contains("another nightdesk already runs on"), "{args:?}: {got:?}");
    }
    drop(held);
}

#[test]
fn without_a_desk_the_files_are_changed() {
    let scene = Scene::after_a_night();
    let waits = "the desk does not run: what is queued happens when it does\n";
    for (args, code, out, err) in [
        (&["dlq", "retry", "2"] as &[&str], 65, "0 requeued\n", "the source website is not configured any more"),
        (&["dlq", "discard", "2"], 0, "1 discarded\n", ""),
        (&["dlq", "discard", "2"], 66, "0 discarded\n", "nothing that is open matches"),
        (&["dlq", "retry", "--all", "--yes"], 0, &format!("1 requeued\n{waits}"), ""),
        (&["replay", "c2"], 75, "", "nightdesk leads show C2"),
        (&["quarantine", "replay", "7"], 65, "0 replayed\n", "there is no such request"),
    ] {
        let got = scene.say(args);
        assert_eq!((got.code, got.out.as_str()), (code, out), "{args:?}: {got:?}");
        assert!(got.err.contains(err) && got.err.is_empty() == err.is_empty(), "{args:?}: {got:?}");
    }
    assert_eq!(scene.say(&["dlq", "list"]).out, "no dead letter is open\n");
    let letter = scene.say(&["dlq", "show", "1", "--json"]).json();
    assert_eq!((&letter["dead_letter"]["closed_as"], &letter["job"]["state"]), (&"requeued".into(), &"ready".into()));
}
