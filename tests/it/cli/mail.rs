//! Who gets no mail, as an operator sees and says it: beside a running desk, and without one.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use nightdesk::deliver::addresses::AddressKey;
use nightdesk::model::{
    Addresses, Channel, Lane, LeadId, MailTask, NewJob, Priority, RowId, Suppressed, Task, Timestamp,
};
use nightdesk::store::{MailState, Store};
use serde_json::json;

use super::changes::on_a_terminal;
use super::daemon::Running;
use super::scene::Scene;

const KEY: &str = "mail-key-of-this-scene";
/// A server that takes mail; none is asked here.
const SERVER: &str = "from = \"desk@acme.example\"\nsmtp = { host = \"127.0.0.1\", security = \"none\" }\n";
const AT: Timestamp = Timestamp::from_millis(1_795_000_000_000);

/// A desk that sends mail.
fn scene() -> Scene {
    let scene = Scene::new("");
    let key = scene.folder.path().join("mail-key");
    let mut options = OpenOptions::new();
    options.create(true).write(true).mode(0o600).open(&key).unwrap().write_all(KEY.as_bytes()).unwrap();
    let text = std::fs::read_to_string(scene.config()).unwrap();
    std::fs::write(scene.config(), format!("{text}[mail]\n{SERVER}key = {{ file = \"{}\" }}\n", key.display()))
        .unwrap();
    scene
}

fn key() -> AddressKey {
    AddressKey::new(&KEY.into(), None)
}

fn reasons(scene: &Scene) -> Vec<(String, String)> {
    let listed = scene.say(&["mail", "list", "--json"]).json();
    let listed = listed.as_array().unwrap().iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    listed.map(|one| (text(&one["address_hash"]), text(&one["reason"]))).collect()
}

/// The same commands with the same outcomes, whether a desk runs or not.
fn an_address_is_suppressed_and_let_go(scene: &Scene) {
    for (args, code, out, err) in [
        (&["mail", "unsuppress", "anna@example.com"] as &[&str], 66, "", "this address may get mail already"),
        (&["mail", "suppress", "anna@example.com"], 0, "it gets no more mail\n", ""),
        (&["mail", "suppress", " Anna@Example.com", "--json"], 0, "{\"done\":0}\n", ""),
        (&["mail", "suppress", "ANNA@example.com"], 0, "it got no mail before\n", ""),
        (&["mail", "suppress", "carl@example.com", "--json"], 0, "{\"done\":1}\n", ""),
        (&["mail", "unsuppress", "carl@example.com"], 0, "it may get mail again\n", ""),
        (&["mail", "unsuppress", "carl@example.com", "--json"], 66, "", "may get mail already"),
        (&["mail", "suppress", "Anna <anna@example.com>"], 64, "", "one @ and a domain"),
    ] {
        let got = scene.say(args);
        assert_eq!((got.code, got.out.as_str()), (code, out), "{args:?}: {got:?}");
        assert!(got.err.contains(err) && got.err.is_empty() == err.is_empty(), "{args:?}: {got:?}");
    }
    assert_eq!(reasons(scene), [(key().hash("anna@example.com").to_string(), "operator".to_owned())]);
}

#[test]
fn without_a_desk_the_files_are_changed() {
    an_address_is_suppressed_and_let_go(&scene());
}

#[test]
fn a_running_desk_does_it_and_its_log_names_nobody() {
    let scene = scene();
    let running = Running::on(&scene);
    an_address_is_suppressed_and_let_go(&scene);
    let stopped = running.stop();
    assert!(stopped.err.contains("Suppress { address: *** }"), "{stopped:?}");
    assert!(!stopped.err.to_lowercase().contains("anna@"), "{stopped:?}");
    assert_eq!(reasons(&scene).len(), 1);
}

#[test]
fn whoever_unsubscribed_is_mailed_only_after_a_yes() {
    let scene = scene();
    let hash = key().hash("anna@example.com");
    let keep = |store: &mut Store| store.transact(|tx| tx.suppress(hash, Suppressed::Unsubscribed, AT)).unwrap();
    keep(&mut Store::open(&scene.data()).unwrap());
    let question = "Its owner unsubscribed on Wed 2026-11-18 12:06. Mail it again all the same?";
    let unsuppress = ["mail", "unsuppress", "anna@example.com"];
    let got = scene.say(&unsuppress);
    assert!(got.code == 64 && got.err.contains(question) && got.err.contains("--yes"), "{got:?}");
    let said = on_a_terminal(&scene, &unsuppress, "[y/N] ", "n\n").said;
    assert_eq!((said.code, said.out.as_str()), (0, ""), "{said:?}");
    assert_eq!(reasons(&scene).len(), 1);
    let said = on_a_terminal(&scene, &unsuppress, "[y/N] ", "y\n").said;
    assert_eq!((said.code, said.out.as_str()), (0, "it may get mail again\n"), "{said:?}");
    assert!(reasons(&scene).is_empty());
    keep(&mut Store::open(&scene.data()).unwrap());
    let got = scene.say(&["mail", "unsuppress", "anna@example.com", "--yes", "--json"]);
    assert_eq!((got.code, got.out.as_str()), (0, "{\"done\":1}\n"), "{got:?}");
}

#[test]
fn both_lists_as_the_operator_reads_them() {
    let scene = scene();
    let mail = |tell: &[&str]| scene.say(&[&["mail", "list"], tell].concat());
    assert_eq!(mail(&[]).code, 66, "the desk never ran");
    let mut store = Store::open(&scene.data()).unwrap();
    assert_eq!(
        (mail(&[]).out, mail(&["--sent"]).out),
        ("every address may get mail\n".into(), "no mail was sent yet\n".into())
    );
    let (anna, carl) = (key().hash("anna@example.com"), key().hash("carl@example.com"));
    store
        .transact(|tx| {
            tx.suppress(anna, Suppressed::Unsubscribed, AT)?;
            tx.suppress(carl, Suppressed::Bounced, AT.moved(60_000))?;
            let task = MailTask {
                to: "anna@example.com".into(),
                name: None,
                subject: "Your question\u{1b}[2J".into(),
                text: "Hello".into(),
                html: "Hello".into(),
                unsubscribe: None,
                repeat: false,
            };
            let (lead, channel) = (LeadId::new(AT, [7; 10]), Channel::new(Lane::Mail, "smtp"));
            let (task, priority) = (Task::Mail(task), Priority::Normal);
            let new = NewJob { lead, task, channel, priority, due_at: AT, deadline_at: AT };
            let job = tx.insert_job(&new, AT)?;
            let job = tx.job(job)?.unwrap().0;
            tx.add_mail(&job, anna, "<nd-1@example.com>", MailState::Sent, AT)
        })
        .unwrap();
    let short = |hash: &str| hash[..8].to_owned();
    let want = format!(
        "ADDRESS   SINCE                 WHY\n{}  Wed 2026-11-18 12:07  bounced\n{}  Wed 2026-11-18 12:06  unsubscribed\n\n\
         In all 1 unsubscribed, 1 bounced. Times are Europe/Berlin.\n",
        short(&carl.to_string()),
        short(&anna.to_string())
    );
    assert_eq!(mail(&[]).out, want);
    assert_eq!(mail(&["--limit", "1", "--json"]).json().as_array().unwrap().len(), 1);
    let want = "SENT              LEAD  STATE  SUBJECT\n2026-11-18 12:06  -     sent   Your question\\u{1b}[2J\n\n\
                Times are Europe/Berlin. One lead's story: nightdesk leads show LEAD\n";
    assert_eq!(mail(&["--sent"]).out, want);
    let sent = mail(&["--sent", "--json"]).json();
    assert_eq!((&sent[0]["message_id"], &sent[0]["code"]), (&json!("<nd-1@example.com>"), &json!(null)));
}

#[test]
fn without_mail_it_is_told_what_to_configure() {
    let (none, no_key) = (Scene::new(""), Scene::new(&format!("[mail]\n{SERVER}")));
    for args in
        [&["mail", "list"] as &[&str], &["mail", "suppress", "a@example.com"], &["mail", "unsuppress", "a@example.com"]]
    {
        for got in [none.say(args), no_key.say(args)] {
            assert_eq!((got.code, got.out.as_str()), (78, ""), "{args:?}: {got:?}");
            assert!(got.err.contains("mail has no key") && got.err.contains("secrets set mail-key"), "{got:?}");
        }
    }
    assert!(!none.data().exists(), "nothing was made");
}
